//! A run folder read back.

use crate::config::{self, RunConfig, Settings};
use crate::model::LinearModel;
use crate::report::history::History;
use crate::report::summary::RunResult;
use crate::run_folder::{CONFIG, HISTORY, MODEL, RESULT};
use std::io;
use std::path::{Path, PathBuf};
use thiserror::Error;

/// What a run left.
pub struct SavedRun {
    pub folder: PathBuf,
    pub result: RunResult,
    pub config: RunConfig,
    pub config_text: String,
    pub history: History,
    pub model: LinearModel,
}

/// A folder that no run left, or not like this.
#[derive(Debug, Error)]
pub enum SavedRunError {
    /// Something else.
    #[error("{}: found {found}, expected a run folder", path.display())]
    NotARun {
        /// The path.
        path: PathBuf,
        /// What is there.
        found: String,
    },
    /// The system does not give a file.
    #[error("cannot read {}: {error}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        error: io::Error,
    },
    /// A file of other content.
    #[error("{}: found {found}, expected {expected}", path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// What is there.
        found: String,
        /// What a run writes.
        expected: &'static str,
    },
}

impl SavedRunError {
    /// What to do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::NotARun { .. } => "give folders that `cifar-train train` or `random-search` wrote",
            Self::Unreadable { .. } => "check the path and its permissions",
            Self::Content { .. } => "the file is damaged, or of another version: train again",
        }
    }

    /// Whether the operating system, not the folder, is at fault.
    pub fn is_io(&self) -> bool {
        matches!(self, Self::Unreadable { .. })
    }
}

/// Reads the run folder `folder`.
///
/// # Errors
/// [`SavedRunError`], or those of the config and of the model, for the first thing that cannot be used.
pub fn read(folder: &Path) -> anyhow::Result<SavedRun> {
    check(folder)?;
    let result = folder.join(RESULT);
    let result: RunResult =
        serde_json::from_slice(&bytes(&result)?).map_err(|error| SavedRunError::Content {
            path: result,
            found: format!("no such result ({error})"),
            expected: "a result that cifar-train wrote",
        })?;
    let history = folder.join(HISTORY);
    let history = History::parse(&bytes(&history)?).map_err(|found| SavedRunError::Content {
        path: history,
        found,
        expected: "a history that cifar-train wrote",
    })?;
    let config = folder.join(CONFIG);
    let config_text = String::from_utf8_lossy(&bytes(&config)?).into_owned();
    Ok(SavedRun {
        folder: folder.into(),
        result,
        config: config::resolve(&Settings::default(), &[], Some(&config))?,
        config_text,
        history,
        model: LinearModel::load(&folder.join(MODEL))?,
    })
}

/// Whether it is a run folder at all.
fn check(folder: &Path) -> Result<(), SavedRunError> {
    let meta = std::fs::metadata(folder)
        .map_err(|error| SavedRunError::Unreadable { path: folder.into(), error })?;
    let found = if !meta.is_dir() {
        "a file".to_owned()
    } else if !folder.join(RESULT).exists() {
        format!("a folder without {RESULT}")
    } else {
        return Ok(());
    };
    Err(SavedRunError::NotARun { path: folder.into(), found })
}

fn bytes(path: &Path) -> Result<Vec<u8>, SavedRunError> {
    std::fs::read(path).map_err(|error| SavedRunError::Unreadable { path: path.into(), error })
}
