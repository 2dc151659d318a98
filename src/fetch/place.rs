//! Where a data set goes: it appears whole or not at all, and never in place of anything else.

use super::catalogue::Set;
use super::download::{part_name, sum};
use super::error::FetchError;
use super::{CLASS_NAMES, Options};
use crate::run_folder::{Made, locked, make_folders, parent};
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

/// Locked while a process downloads; tells the folder from any other.
const LOCK: &str = "cifar-train-fetch.lock";
/// What is added to the data set's name while it is on its way.
const PARTIAL: &str = ".partial";
/// What becomes the data set's folder.
const READY: &str = "ready";
/// Where what was there before waits to be removed.
const REPLACED: &str = "replaced";

/// What is at the place of a data set.
#[derive(Debug, PartialEq, Eq)]
pub enum Found {
    /// Nothing, or an empty folder.
    Nothing,
    /// The data set, as it should be.
    Right,
    /// Something else.
    Other(String),
}

/// Looks whether `folder` is the data set, byte for byte.
///
/// # Errors
/// [`FetchError`] when it cannot be read, or the user stops it.
pub fn look(set: &Set, folder: &Path, options: &Options<'_>) -> Result<Found, FetchError> {
    let unreadable = |error| FetchError::Unwritable { path: folder.into(), error };
    match fs::metadata(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Found::Nothing),
        Err(error) => return Err(unreadable(error)),
        Ok(meta) if !meta.is_dir() => return Ok(Found::Other("a file".into())),
        Ok(_) => {}
    }
    if fs::read_dir(folder).map_err(unreadable)?.next().is_none() {
        return Ok(Found::Nothing);
    }
    // Sizes first: they are there at once.
    for member in set.members() {
        let size = fs::metadata(folder.join(&member.name)).ok().filter(fs::Metadata::is_file);
        let Some(size) = size.map(|meta| meta.len()) else {
            return Ok(Found::Other(format!("a folder without {}", member.name)));
        };
        if let Some((expected, _)) = member.content.filter(|(expected, _)| *expected != size) {
            return Ok(Found::Other(format!("{} of {size} bytes instead of {expected}", member.name)));
        }
    }
    for member in set.members() {
        let Some((_, expected)) = member.content else { continue };
        if sum(&folder.join(&member.name), options)? != expected {
            return Ok(Found::Other(format!("another {}", member.name)));
        }
    }
    Ok(Found::Right)
}

/// Makes sure that nothing but files of the data set would be replaced.
///
/// # Errors
/// [`FetchError::Foreign`] when there is anything else.
pub fn check_replaceable(set: &Set, folder: &Path) -> Result<(), FetchError> {
    let foreign = |found: String| FetchError::Foreign { path: folder.into(), found, name: set.name.clone() };
    let entries = fs::read_dir(folder).map_err(|_| foreign("a file".into()))?;
    let mut own: Vec<String> = set.members().into_iter().map(|member| member.name).collect();
    own.extend([CLASS_NAMES, "readme.html"].map(Into::into));
    for entry in entries {
        let name = entry.map(|entry| entry.file_name().to_string_lossy().into_owned());
        let name = name.map_err(|error| FetchError::Unwritable { path: folder.into(), error })?;
        if !own.contains(&name) {
            return Err(foreign(name));
        }
    }
    Ok(())
}

/// Where the data set is made ready that will be `target`.
pub fn partial_of(target: &Path) -> Option<PathBuf> {
    let mut name = target.file_name()?.to_owned();
    name.push(PARTIAL);
    Some(target.with_file_name(name))
}

/// Bytes of `file` that are there for the next try.
pub fn kept(partial: &Path, file: &str) -> u64 {
    let names = [part_name(file), file.to_owned()];
    let sizes = names.iter().filter_map(|name| fs::metadata(partial.join(name)).ok());
    sizes.map(|meta| meta.len()).sum()
}

/// The folder beside the data set's where it is made ready, `NAME.partial`, held by this process. What was downloaded
/// stays in it for the next try.
pub struct Place {
    target: PathBuf,
    /// Where files are downloaded to.
    pub partial: PathBuf,
    _lock: File,
    _above: Made,
}

impl Place {
    /// Makes the folder, or takes over one that an earlier try left.
    ///
    /// # Errors
    /// [`FetchError`] when another process holds it, it is something else, or the system refuses.
    pub fn claim(set: &Set, target: &Path) -> Result<Self, FetchError> {
        let unwritable = |error| FetchError::Unwritable { path: target.into(), error };
        let Some(partial) = partial_of(target) else {
            return Err(unwritable(io::Error::other("it is no name of a folder")));
        };
        let above = make_folders(&parent(target)).map_err(unwritable)?;
        for _ in 0..1000 {
            let lock = locked(&partial, LOCK).map_err(|error| match error.kind() {
                io::ErrorKind::WouldBlock => FetchError::UnderWay { path: partial.clone() },
                io::ErrorKind::AlreadyExists => FetchError::Foreign {
                    path: partial.clone(),
                    found: "something else".into(),
                    name: set.name.clone(),
                },
                _ => unwritable(error),
            })?;
            if let Some(lock) = lock {
                return Ok(Self { target: target.into(), partial, _lock: lock, _above: above });
            }
        }
        Err(FetchError::UnderWay { path: partial })
    }

    /// An empty folder to fill.
    ///
    /// # Errors
    /// [`FetchError::Unwritable`].
    pub fn ready(&self) -> Result<PathBuf, FetchError> {
        let path = self.partial.join(READY);
        let unwritable = |error| FetchError::Unwritable { path: path.clone(), error };
        if path.exists() {
            fs::remove_dir_all(&path).map_err(unwritable)?;
        }
        fs::create_dir(&path).map_err(unwritable)?;
        Ok(path)
    }

    /// Gives what is ready its name, in place of what is there, and removes the downloads.
    ///
    /// # Errors
    /// [`FetchError::Unwritable`]; what was there before is still there then.
    pub fn publish(self) -> Result<(), FetchError> {
        let (ready, replaced) = (self.partial.join(READY), self.partial.join(REPLACED));
        let publish = || {
            if replaced.exists() {
                fs::remove_dir_all(&replaced)?;
            }
            let replaces = self.target.exists();
            if replaces {
                fs::rename(&self.target, &replaced)?;
            }
            if let Err(error) = fs::rename(&ready, &self.target) {
                let restored = if replaces { fs::rename(&replaced, &self.target) } else { Ok(()) };
                return Err(restored.err().unwrap_or(error));
            }
            // A new name is on the disk once its folder is; systems that cannot say so do it in their own time.
            let _ = File::open(parent(&self.target)).and_then(|folder| folder.sync_all());
            Ok(())
        };
        publish().map_err(|error| FetchError::Unwritable { path: self.target.clone(), error })?;
        // What cannot be removed is taken over by the next try.
        let _ = fs::remove_dir_all(&self.partial);
        Ok(())
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let is_lock = |entry: io::Result<fs::DirEntry>| entry.is_ok_and(|entry| entry.file_name() == LOCK);
        let _ = fs::remove_dir_all(self.partial.join(READY));
        if fs::read_dir(&self.partial).is_ok_and(|mut entries| entries.all(is_lock)) {
            let _ = fs::remove_dir_all(&self.partial);
        }
    }
}
