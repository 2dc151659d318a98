//! The folder a run leaves behind. It appears whole or not at all: files are written into a hidden folder beside
//! it, which is renamed at the end, and removed if anything fails.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use tempfile::TempDir;
use thiserror::Error;

/// Where runs go when `--out` is not given.
const RUNS: &str = "runs";
/// A file that every finished run has: what tells a run folder from any other.
pub const RESULT: &str = "result.json";
/// The resolved settings.
pub const CONFIG: &str = "config.toml";
/// What happened on the way to the model.
pub const HISTORY: &str = "history.csv";
/// The model.
pub const MODEL: &str = "model.safetensors";

/// A folder that cannot be written.
#[derive(Debug, Error)]
pub enum RunFolderError {
    /// There is something.
    #[error("{}: found an existing {found}, expected a new folder", path.display())]
    Exists {
        /// The path.
        path: PathBuf,
        /// What it is.
        found: &'static str,
    },
    /// `--force` would remove what no run wrote.
    #[error("{}: found a folder without {RESULT}, expected an earlier run to replace", path.display())]
    NotARun {
        /// The path.
        path: PathBuf,
    },
    /// The system refused.
    #[error("cannot write {}: {error}", path.display())]
    Unwritable {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        #[source]
        error: io::Error,
    },
}

impl RunFolderError {
    /// What to do about it.
    pub fn hint(&self) -> String {
        match self {
            Self::Exists { found: "run", .. } => {
                "--force replaces an earlier run; or give another --out".into()
            }
            Self::Exists { .. } => "give another --out".into(),
            Self::NotARun { .. } => "--force only replaces run folders; give another --out".into(),
            Self::Unwritable { .. } => {
                "check the path, its permissions and the free space, or give another --out".into()
            }
        }
    }

    /// Whether what was typed, not the system, is at fault.
    pub fn is_usage(&self) -> bool {
        !matches!(self, Self::Unwritable { .. })
    }
}

/// A run folder to be.
pub struct RunFolder {
    target: PathBuf,
    replace: bool,
}

impl RunFolder {
    /// Makes sure, before any work is done, that the folder can be made: at `out`, or under `runs/` with `name`.
    /// Nothing is left on disk.
    ///
    /// # Errors
    /// [`RunFolderError`] when it exists and may not be replaced, or cannot be written.
    pub fn prepare(out: Option<&Path>, name: &str, replace: bool) -> Result<Self, RunFolderError> {
        let target = match out {
            Some(out) => out.to_path_buf(),
            None => free_name(&Path::new(RUNS).join(name)),
        };
        check_free(&target, replace)?;
        let parent = parent(&target);
        let existing = parent.ancestors().find(|folder| folder.exists()).unwrap_or(Path::new("."));
        staging_in(existing).map_err(|error| RunFolderError::Unwritable { path: target.clone(), error })?;
        Ok(Self { target, replace })
    }

    /// Where the folder will appear.
    pub fn target(&self) -> &Path {
        &self.target
    }

    /// Writes the folder with its `files`, by name.
    ///
    /// # Errors
    /// [`RunFolderError`] when the folder was made by someone else in the meantime, or the system refuses.
    pub fn write(&self, files: &[(&str, Vec<u8>)]) -> Result<(), RunFolderError> {
        let target = &self.target;
        let unwritable = |error| RunFolderError::Unwritable { path: target.clone(), error };
        fs::create_dir_all(parent(target)).map_err(unwritable)?;
        let staging = staging_in(&parent(target)).map_err(unwritable)?;
        for (name, bytes) in files {
            write_file(&staging.path().join(name), bytes)
                .map_err(|error| RunFolderError::Unwritable { path: target.join(name), error })?;
        }
        check_free(target, self.replace)?;
        // The earlier run leaves its name only once the new one is complete.
        let old = staging.path().with_extension("old");
        let replaces = target.exists();
        if replaces {
            fs::rename(target, &old).map_err(unwritable)?;
        }
        // From here on the folder is no longer temporary.
        let staged = staging.keep();
        if let Err(error) = fs::rename(&staged, target) {
            let restored = if replaces { fs::rename(&old, target) } else { Ok(()) };
            let removed = fs::remove_dir_all(&staged);
            return Err(unwritable(restored.and(removed).err().unwrap_or(error)));
        }
        if replaces {
            fs::remove_dir_all(&old)
                .map_err(|error| RunFolderError::Unwritable { path: old.clone(), error })?;
        }
        Ok(())
    }
}

fn write_file(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = File::create(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// The folder that `target` is in.
fn parent(target: &Path) -> PathBuf {
    match target.parent() {
        Some(parent) if parent != Path::new("") => parent.to_path_buf(),
        _ => PathBuf::from("."),
    }
}

/// A new hidden folder in `parent`, which is removed unless it is kept.
fn staging_in(parent: &Path) -> io::Result<TempDir> {
    let mut staging = tempfile::Builder::new();
    staging.prefix(".cifar-train-");
    // A run folder is as readable as any folder the user makes; temporary ones are private by default.
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        staging.permissions(fs::Permissions::from_mode(0o777));
    }
    staging.tempdir_in(parent).map_err(|error| {
        // The system's words, without the hidden folder's name.
        let words = error.to_string();
        io::Error::new(error.kind(), words.split(" at path").next().unwrap_or_default())
    })
}

fn check_free(target: &Path, replace: bool) -> Result<(), RunFolderError> {
    let exists = |found| Err(RunFolderError::Exists { path: target.into(), found });
    match fs::symlink_metadata(target) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(RunFolderError::Unwritable { path: target.into(), error }),
        Ok(meta) if !meta.is_dir() => exists("file"),
        // It cannot be renamed over while a shell stands in it.
        Ok(_) if fs::canonicalize(target).ok() == std::env::current_dir().ok() => exists("current folder"),
        Ok(_) => {
            let mut entries = fs::read_dir(target)
                .map_err(|error| RunFolderError::Unwritable { path: target.into(), error })?;
            let is_empty = entries.next().is_none();
            let is_run = target.join(RESULT).exists();
            match (is_empty, is_run, replace) {
                (true, ..) | (_, true, true) => Ok(()),
                (_, true, false) => exists("run"),
                (_, false, true) => Err(RunFolderError::NotARun { path: target.into() }),
                (_, false, false) => exists("folder"),
            }
        }
    }
}

/// `path`, or the first of `path-2`, `path-3` and so on that is free.
fn free_name(path: &Path) -> PathBuf {
    let numbered = |number: u32| {
        let mut name = path.as_os_str().to_owned();
        name.push(format!("-{number}"));
        PathBuf::from(name)
    };
    let names = std::iter::once(path.to_path_buf()).chain((2..).map(numbered));
    names.into_iter().find(|name| fs::symlink_metadata(name).is_err()).unwrap_or_else(|| path.to_path_buf())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run_in(out: &Path, replace: bool, text: &str) -> Result<(), RunFolderError> {
        let folder = RunFolder::prepare(Some(out), "unused", replace)?;
        folder.write(&[(RESULT, text.into())])
    }

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).expect("a folder");
        let mut names: Vec<_> = entries
            .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn appears_whole_and_is_replaced_only_by_force() {
        let parent = tempfile::tempdir().expect("a temporary folder");
        let out = parent.path().join("a");
        run_in(&out, false, "1").expect("new");
        assert!(matches!(run_in(&out, false, "2"), Err(RunFolderError::Exists { found: "run", .. })));
        assert_eq!(fs::read_to_string(out.join(RESULT)).expect("read"), "1");
        run_in(&out, true, "3").expect("replaced");
        assert_eq!(fs::read_to_string(out.join(RESULT)).expect("read"), "3");
        assert_eq!(names(parent.path()), ["a"], "nothing else stays");
    }

    #[test]
    fn what_fails_leaves_nothing() {
        let parent = tempfile::tempdir().expect("a temporary folder");
        let folder = RunFolder::prepare(Some(&parent.path().join("a/b")), "unused", false).expect("prepares");
        assert!(names(parent.path()).is_empty(), "nothing is left by looking");
        let folder_as_file = ("no/such/folder", Vec::new());
        assert!(folder.write(&[(RESULT, b"{}".to_vec()), folder_as_file]).is_err());
        assert!(names(&parent.path().join("a")).is_empty());
    }

    #[test]
    fn force_never_removes_what_is_no_run() {
        let parent = tempfile::tempdir().expect("a temporary folder");
        fs::write(parent.path().join("thesis.tex"), "years").expect("write");
        assert!(matches!(run_in(parent.path(), true, "x"), Err(RunFolderError::NotARun { .. })));
        let file = parent.path().join("thesis.tex");
        assert!(matches!(run_in(&file, true, "x"), Err(RunFolderError::Exists { found: "file", .. })));
    }
}
