//! Files that are asked for by name: never over one that is there, unless told to.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use thiserror::Error;

/// A file that cannot be written.
#[derive(Debug, Error)]
pub enum FileError {
    /// There is one.
    #[error("{}: found an existing file, expected a new one", path.display())]
    Exists {
        /// The file.
        path: PathBuf,
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
            Self::Exists { .. } => "--force replaces it; or give another name",
            Self::Unwritable { .. } => "check the path, its permissions and the free space",
        }
    }

    /// Whether what was typed, not the system, is at fault.
    pub fn is_usage(&self) -> bool {
        matches!(self, Self::Exists { .. })
    }
}

/// Refuses paths where there is a file already, unless told to replace it: before work that takes long.
pub fn check<'a>(mut paths: impl Iterator<Item = &'a Path>, force: bool) -> Result<(), FileError> {
    let existing = paths.find(|path| !force && path.exists());
    existing.map_or(Ok(()), |path| Err(FileError::Exists { path: path.to_path_buf() }))
}

/// Writes the files, by path; with an earlier one in the way of any, none.
pub fn write(files: &[(&Path, String)], force: bool) -> Result<(), FileError> {
    check(files.iter().map(|(path, _)| *path), force)?;
    for (path, text) in files {
        let mut options = OpenOptions::new();
        options.write(true).truncate(true);
        // Someone may have made it in the meantime.
        let options = if force { options.create(true) } else { options.create_new(true) };
        let mut file = options.open(path).map_err(|error| match error.kind() {
            io::ErrorKind::AlreadyExists => FileError::Exists { path: path.to_path_buf() },
            _ => FileError::Unwritable { path: path.to_path_buf(), error },
        })?;
        if let Err(error) = file.write_all(text.as_bytes()) {
            // Half a picture is of no use; what --force was told to replace may be a device, and stays.
            let removed = if force { Ok(()) } else { std::fs::remove_file(path) };
            let error = removed.err().unwrap_or(error);
            return Err(FileError::Unwritable { path: path.to_path_buf(), error });
        }
    }
    Ok(())
}
