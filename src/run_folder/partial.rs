//! The folder of a run under way: `NAME.partial`, beside the run folder `NAME` that it becomes by being renamed. It
//! holds a lock, so that no two processes write one run, and the checkpoints. Without checkpoints it is removed when
//! its process fails; a process that is killed leaves it, and the next one takes it over.

use super::{RunFolderError, files, parent};
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Locked while a process writes the folder; tells it from any other folder.
const LOCK: &str = "cifar-train.lock";
/// Where an earlier run waits until the new one has its name.
const REPLACED: &str = "replaced";
/// How the name begins and ends that has the steps done in between.
const CHECKPOINT: [&str; 2] = ["checkpoint-", ".safetensors"];
/// What is added to a run folder's name.
const PARTIAL: &str = ".partial";

/// The folders of this process: whoever removes or renames one holds this.
static OWN: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

fn own() -> MutexGuard<'static, Vec<PathBuf>> {
    OWN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Removes what this process would leave behind if it ended now: to be called before it does, from any thread, and
/// not to be followed by more work. Checkpoints stay.
pub fn abandon() {
    let own = own();
    for folder in own.iter().filter(|folder| checkpoints(folder).is_empty()) {
        // The thread that writes there goes on writing: a few times something new may appear.
        for _ in 0..10 {
            if fs::remove_dir_all(folder).is_ok() {
                break;
            }
        }
    }
    // Nobody may rename a folder that is half removed: the lock is never given back.
    std::mem::forget(own);
}

/// The file name of a checkpoint.
pub fn checkpoint_name(steps: u64) -> String {
    let [start, end] = CHECKPOINT;
    format!("{start}{steps:010}{end}")
}

/// The checkpoints in a folder, the latest first.
pub fn checkpoints(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut found: Vec<PathBuf> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.file_name().is_some_and(|name| is_checkpoint(&name.to_string_lossy())))
        .collect();
    // Their numbers all have as many digits.
    found.sort_unstable();
    found.reverse();
    found
}

fn is_checkpoint(name: &str) -> bool {
    let [start, end] = CHECKPOINT;
    name.strip_prefix(start).is_some_and(|rest| rest.ends_with(end))
}

/// Where the run folder `target` is while it is under way.
pub(super) fn path_of(target: &Path) -> PathBuf {
    let mut name = target.file_name().unwrap_or_default().to_owned();
    name.push(PARTIAL);
    target.with_file_name(name)
}

/// The run folder that `path` is, or is to become.
pub(super) fn target_of(path: &Path) -> PathBuf {
    let name = path.file_name().and_then(|name| name.to_str());
    match name.and_then(|name| name.strip_suffix(PARTIAL)) {
        Some(name) if path.join(LOCK).exists() => path.with_file_name(name),
        _ => path.to_path_buf(),
    }
}

/// The folder, held by this process.
pub(super) struct Partial {
    pub path: PathBuf,
    target: PathBuf,
    lock: Mutex<Option<File>>,
    _above: Made,
}

/// Folders that were made on the way, deepest first; those that are empty in the end go again.
pub(crate) struct Made(Vec<PathBuf>);

impl Drop for Made {
    fn drop(&mut self) {
        self.0.iter().for_each(|folder| drop(fs::remove_dir(folder)));
    }
}

impl Partial {
    /// Makes the folder that is to become `target`, or takes over one that a process left behind.
    ///
    /// # Errors
    /// [`RunFolderError`] when another process holds it, it is something else, or the system refuses.
    pub fn claim(target: &Path) -> Result<Self, RunFolderError> {
        let path = path_of(target);
        let unwritable = |error| RunFolderError::Unwritable { path: target.into(), error };
        let above = make_folders(&parent(target)).map_err(unwritable)?;
        // Its holder may rename it just when we have opened the lock: then it is another folder's.
        let mut lock = None;
        for _ in 0..1000 {
            lock = locked(&path, LOCK).map_err(|error| match error.kind() {
                io::ErrorKind::WouldBlock => RunFolderError::UnderWay { path: path.clone() },
                io::ErrorKind::AlreadyExists => {
                    let found = if path.is_dir() { "folder" } else { "file" };
                    RunFolderError::Exists { path: path.clone(), found }
                }
                _ => unwritable(error),
            })?;
            if lock.is_some() {
                break;
            }
        }
        let Some(lock) = lock else { return Err(RunFolderError::UnderWay { path }) };
        own().push(path.clone());
        let partial = Self { path, target: target.into(), lock: Mutex::new(Some(lock)), _above: above };
        // A process that was killed between the two renames of `publish` left the earlier run in here.
        let replaced = partial.path.join(REPLACED);
        if replaced.exists() && fs::symlink_metadata(target).is_err() {
            fs::rename(replaced, target).map_err(unwritable)?;
        }
        Ok(partial)
    }

    /// Removes everything but the lock.
    pub fn clear(&self) -> io::Result<()> {
        remove_entries(&self.path, |name| name != LOCK)
    }

    /// Gives the folder its final name, in place of an earlier run if there is one, which is whole until then; then
    /// removes what is not of the result, but for the checkpoint `kept`.
    pub fn publish(&self, kept: Option<&Path>) -> io::Result<()> {
        let (path, target, replaced) = (&self.path, &self.target, self.path.join(REPLACED));
        let mut own = own();
        let replaces = fs::symlink_metadata(target).is_ok();
        if replaces {
            if replaced.exists() {
                fs::remove_dir_all(&replaced)?;
            }
            fs::rename(target, &replaced)?;
        }
        if cfg!(windows) {
            // There a folder with an open file cannot be renamed.
            *self.lock.lock().unwrap_or_else(PoisonError::into_inner) = None;
        }
        if let Err(error) = fs::rename(path, target) {
            let restored = if replaces { fs::rename(&replaced, target) } else { Ok(()) };
            return Err(restored.err().unwrap_or(error));
        }
        own.retain(|own| own != path);
        drop(own);
        // A new name is on the disk once its folder is; systems that cannot say so do it in their own time.
        let _ = File::open(parent(target)).and_then(|folder| folder.sync_all());
        tidy(target, kept)
    }
}

/// Removes from a run folder what is not of the result: all checkpoints but `kept`, if that is one.
pub(super) fn tidy(folder: &Path, kept: Option<&Path>) -> io::Result<()> {
    let kept = kept.and_then(Path::file_name);
    remove_entries(folder, |name| {
        let is_kept = kept.is_some_and(|kept| kept == name);
        name == LOCK
            || name == REPLACED
            || name.starts_with(files::HIDDEN)
            || (is_checkpoint(name) && !is_kept)
    })
}

impl Drop for Partial {
    fn drop(&mut self) {
        let mut own = own();
        let Some(place) = own.iter().position(|own| *own == self.path) else { return };
        own.swap_remove(place);
        if checkpoints(&self.path).is_empty() {
            // What cannot be removed is taken over by the next run of that name.
            let _ = fs::remove_dir_all(&self.path);
        }
    }
}

/// The lock called `name` in `folder`, which is made if need be; `None` if the folder went away meanwhile.
///
/// # Errors
/// [`io::ErrorKind::WouldBlock`] when another process holds it, [`io::ErrorKind::AlreadyExists`] when there is
/// something that never had such a lock, or what the system says.
pub(crate) fn locked(folder: &Path, name: &str) -> io::Result<Option<File>> {
    match fs::create_dir(folder) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            let is_folder = fs::symlink_metadata(folder).is_ok_and(|meta| meta.is_dir());
            let is_ours =
                folder.join(name).exists() || fs::read_dir(folder).is_ok_and(|mut all| all.next().is_none());
            if !is_folder || !is_ours {
                return if fs::symlink_metadata(folder).is_ok() { Err(error) } else { Ok(None) };
            }
        }
        Err(error) => return Err(error),
    }
    let path = folder.join(name);
    let file = match File::options().create(true).truncate(false).write(true).open(&path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    match file.try_lock() {
        Ok(()) => {}
        Err(fs::TryLockError::WouldBlock) => return Err(io::ErrorKind::WouldBlock.into()),
        // Some network disks have no locks: there, two runs into one folder go unnoticed until the end.
        Err(fs::TryLockError::Error(error)) if error.kind() == io::ErrorKind::Unsupported => {}
        Err(fs::TryLockError::Error(error)) => return Err(error),
    }
    Ok(is_at(&file, &path).then_some(file))
}

/// Whether `file` is the one at `path`.
#[cfg(unix)]
fn is_at(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let place = |meta: fs::Metadata| (meta.dev(), meta.ino());
    file.metadata().map(place).ok() == fs::metadata(path).map(place).ok()
}

#[cfg(not(unix))]
fn is_at(_file: &File, path: &Path) -> bool {
    path.exists()
}

/// Makes `folder` and those above it that are missing.
pub(crate) fn make_folders(folder: &Path) -> io::Result<Made> {
    let mut missing: Vec<PathBuf> = folder
        .ancestors()
        .take_while(|folder| !folder.as_os_str().is_empty() && !folder.exists())
        .map(Into::into)
        .collect();
    missing.reverse();
    let mut made = Made(Vec::new());
    for folder in missing {
        match fs::create_dir(&folder) {
            Ok(()) => made.0.insert(0, folder),
            // Another process was quicker.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && folder.is_dir() => {}
            Err(error) => return Err(error),
        }
    }
    Ok(made)
}

/// Removes the entries of `folder` whose names are `unwanted`.
fn remove_entries(folder: &Path, unwanted: impl Fn(&str) -> bool) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if unwanted(&entry.file_name().to_string_lossy()) {
            let remove = if entry.file_type()?.is_dir() { fs::remove_dir_all } else { fs::remove_file };
            remove(entry.path())?;
        }
    }
    Ok(())
}
