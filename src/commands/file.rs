//! Files that are asked for by name: whole or not at all, and never over one that is there, unless told to.

use crate::run_folder;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use thiserror::Error;

/// A file that cannot be written.
#[derive(Debug, Error)]
pub enum FileError {
    /// There is something.
    #[error("{}: found an existing {found}, expected a new {}", path.display(), if *found == "file" { "one" } else { "file" })]
    Exists {
        /// The path.
        path: PathBuf,
        /// What it is.
        found: &'static str,
    },
    /// The system refused.
    #[error("cannot write {}: {error}", path.display())]
    Unwritable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        error: io::Error,
    },
}

impl FileError {
    /// What to do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Exists { found: "folder", .. } => "give the name of a file",
            Self::Exists { .. } => "--force replaces it; or give another name",
            Self::Unwritable { .. } => "check the path, its permissions and the free space",
        }
    }

    /// Whether what was typed, not the system, is at fault.
    pub fn is_usage(&self) -> bool {
        matches!(self, Self::Exists { .. })
    }
}

/// Writes the files, by path; with an earlier one in the way of any, none.
pub fn write(files: &[(&Path, impl AsRef<[u8]>)], force: bool) -> Result<(), FileError> {
    files.iter().try_for_each(|(path, _)| check_free(path, force))?;
    files.iter().try_for_each(|(path, bytes)| {
        let write = if force { run_folder::replace } else { run_folder::create };
        write(path, bytes.as_ref()).map_err(|error| match error.kind() {
            // Someone has made it in the meantime.
            io::ErrorKind::AlreadyExists => FileError::Exists { path: path.to_path_buf(), found: "file" },
            _ => FileError::Unwritable { path: path.to_path_buf(), error },
        })
    })
}

/// Makes sure, before any work is done, that a file may be written there.
pub fn check_free(path: &Path, force: bool) -> Result<(), FileError> {
    let found = if path.is_dir() { "folder" } else { "file" };
    if path.is_dir() || (!force && fs::symlink_metadata(path).is_ok()) {
        return Err(FileError::Exists { path: path.into(), found });
    }
    fs::metadata(folder_of(path)).map_err(|error| FileError::Unwritable { path: path.into(), error })?;
    Ok(())
}

fn folder_of(path: &Path) -> PathBuf {
    match path.parent() {
        Some(folder) if folder != Path::new("") => folder.to_path_buf(),
        _ => PathBuf::from("."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn appears_whole_and_is_replaced_only_by_force() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("a.svg");
        let write = |text: &str, force| write(&[(&path, text.to_owned())], force);
        write("1", false).expect("new");
        let error = write("2", false).expect_err("it is there");
        assert!(
            error.is_usage() && error.to_string().ends_with("found an existing file, expected a new one")
        );
        assert_eq!(fs::read_to_string(&path).expect("reads"), "1");
        write("3", true).expect("replaced");
        assert_eq!(fs::read_to_string(&path).expect("reads"), "3");
        assert_eq!(fs::read_dir(folder.path()).expect("reads").count(), 1, "nothing else stays");
    }

    #[test]
    fn folders_are_no_files_whatever_the_force() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let error = write(&[(folder.path(), "x".to_owned())], true).expect_err("a folder");
        assert!(error.to_string().contains("found an existing folder"), "{error}");
        let error =
            write(&[(&folder.path().join("no/such.svg"), "x".to_owned())], false).expect_err("no folder");
        assert!(!error.is_usage() && error.to_string().starts_with("cannot write"), "{error}");
    }

    #[test]
    #[cfg(unix)]
    fn force_writes_through_a_link_and_into_a_device() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let (file, link) = (folder.path().join("file"), folder.path().join("link"));
        fs::write(&file, "old").expect("writes");
        std::os::unix::fs::symlink(&file, &link).expect("a link");
        assert!(write(&[(&link, "new".to_owned())], false).is_err());
        write(&[(&link, "new".to_owned())], true).expect("writes");
        assert_eq!(fs::read_to_string(&file).expect("reads"), "new");
        write(&[(Path::new("/dev/null"), "x".to_owned())], true).expect("a device takes it");
    }
}
