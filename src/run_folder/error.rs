//! What can be wrong with a folder that a run is to write, or files in it.

use super::RESULT;
use std::io;
use std::path::PathBuf;
use thiserror::Error;

/// A folder or file that cannot be written.
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
    /// A run was cut off, and could be gone on with.
    #[error("{}: found a run that was cut off, expected a new folder", path.display())]
    Unfinished {
        /// Its folder.
        path: PathBuf,
        /// The folder it was to become.
        target: PathBuf,
    },
    /// Another process is writing the same run folder.
    #[error("{}: found another run under way, expected to be the only one", path.display())]
    UnderWay {
        /// The folder it works in.
        path: PathBuf,
    },
    /// There is no run to go on with.
    #[error("--resume {}: found {found}, expected a run that was cut off or interrupted", path.display())]
    NoRun {
        /// What was given.
        path: PathBuf,
        /// What it is.
        found: &'static str,
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
            Self::Unfinished { target, .. } => {
                format!("--resume {} goes on with it, --force begins anew", target.display())
            }
            Self::UnderWay { .. } => "wait until it has ended, or give another --out".into(),
            Self::NoRun { .. } => {
                "give the folder that was --out, or the one of that name with .partial".into()
            }
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
