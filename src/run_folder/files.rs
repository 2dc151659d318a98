//! Files that are there whole or not at all: written under another name, and renamed once they are on the disk.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;
use tempfile::NamedTempFile;

/// How names begin that nobody should ever see.
pub(super) const HIDDEN: &str = ".cifar-train-";

/// Writes a new file, or replaces the one at `path`, which is whole at every moment: the old one until the new one is
/// complete. A link is followed; what is no regular file (a device, a pipe) is written into.
///
/// # Errors
/// What the system says; the old file is then still there.
pub fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    match fs::metadata(path) {
        Ok(meta) if !meta.is_file() => File::options().write(true).open(path)?.write_all(bytes),
        Ok(meta) => {
            let path = fs::canonicalize(path)?;
            let staged = staged(&path, bytes)?;
            staged.as_file().set_permissions(meta.permissions())?;
            staged.persist(path).map(drop).map_err(|error| error.error)
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            staged(path, bytes)?.persist(path).map(drop).map_err(|error| error.error)
        }
        Err(error) => Err(error),
    }
}

/// Writes a new file.
///
/// # Errors
/// [`io::ErrorKind::AlreadyExists`] when there is one, or what the system says; no part of the new one is left.
pub fn create(path: &Path, bytes: &[u8]) -> io::Result<()> {
    staged(path, bytes)?.persist_noclobber(path).map(drop).map_err(|error| error.error)
}

/// Writes a new file with what `write` gives it.
///
/// # Errors
/// As [`create`], and those of `write`.
pub fn create_with(path: &Path, write: impl FnOnce(&mut File) -> io::Result<()>) -> io::Result<()> {
    staged_with(path, write)?.persist_noclobber(path).map(drop).map_err(|error| error.error)
}

/// Makes a new folder, or fills an empty one, with what `write` puts into the folder that it is given.
///
/// # Errors
/// [`io::ErrorKind::DirectoryNotEmpty`] or its like when there is something, what the system says, or what `write`
/// does; nothing of the new folder is left then.
pub fn create_folder(path: &Path, write: impl FnOnce(&Path) -> io::Result<()>) -> io::Result<()> {
    let mut staging = tempfile::Builder::new();
    staging.prefix(HIDDEN);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        staging.permissions(fs::Permissions::from_mode(0o777));
    }
    let folder = staging.tempdir_in(super::parent(path)).map_err(plainly)?;
    write(folder.path())?;
    fs::rename(folder.path(), path)?;
    // It has another name now.
    drop(folder.keep());
    Ok(())
}

/// The bytes, on the disk, beside `path`; removed unless they are given its name.
fn staged(path: &Path, bytes: &[u8]) -> io::Result<NamedTempFile> {
    staged_with(path, |file| file.write_all(bytes))
}

fn staged_with(path: &Path, write: impl FnOnce(&mut File) -> io::Result<()>) -> io::Result<NamedTempFile> {
    let mut staging = tempfile::Builder::new();
    staging.prefix(HIDDEN);
    // As readable as any file the user makes; temporary ones are private by default.
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        staging.permissions(fs::Permissions::from_mode(0o666));
    }
    let mut file = staging.tempfile_in(super::parent(path)).map_err(plainly)?;
    write(file.as_file_mut())?;
    file.as_file().sync_all()?;
    Ok(file)
}

/// The system's words, without the hidden file's name.
#[allow(clippy::needless_pass_by_value, reason = "errors are made to be consumed")]
fn plainly(error: io::Error) -> io::Error {
    let words = error.to_string();
    io::Error::new(error.kind(), words.split(" at path").next().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_appears_whole_and_only_where_nothing_is() {
        let parent = tempfile::tempdir().expect("a temporary folder");
        let path = parent.path().join("a");
        let fill = |path: &Path| create_folder(path, |folder| fs::write(folder.join("x"), "1"));
        assert!(create_folder(&path, |_| Err(io::Error::other("no"))).is_err());
        assert_eq!(fs::read_dir(parent.path()).expect("reads").count(), 0, "nothing stays");
        fill(&path).expect("new");
        assert!(fill(&path).is_err(), "there is one");
        assert_eq!(fs::read_dir(parent.path()).expect("reads").count(), 1, "nothing hidden stays");
        assert_eq!(fs::read_to_string(path.join("x")).expect("reads"), "1");
        let file = parent.path().join("b");
        create_with(&file, |file| file.write_all(b"2")).expect("new");
        assert!(create_with(&file, |_| Ok(())).is_err() && fill(&file).is_err());
        assert_eq!(fs::read_to_string(&file).expect("reads"), "2");
    }

    #[test]
    fn a_file_is_replaced_through_links_and_a_new_one_never_replaces() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let file = folder.path().join("a");
        create(&file, b"one").expect("new");
        assert_eq!(create(&file, b"two").map_err(|error| error.kind()), Err(io::ErrorKind::AlreadyExists));
        replace(&file, b"three").expect("replaced");
        #[cfg(unix)]
        {
            let link = folder.path().join("link");
            std::os::unix::fs::symlink("a", &link).expect("a link");
            replace(&link, b"four").expect("replaced");
            assert!(fs::symlink_metadata(&link).expect("there").is_symlink());
            assert_eq!(fs::read(&file).expect("reads"), b"four");
            replace(Path::new("/dev/null"), b"five").expect("a device takes it");
            assert!(!fs::metadata("/dev/null").expect("there").is_file(), "and stays one");
            fs::remove_file(link).expect("removes");
        }
        replace(&folder.path().join("b"), b"six").expect("new");
        assert_eq!(fs::read_dir(folder.path()).expect("reads").count(), 2, "nothing hidden stays");
    }
}
