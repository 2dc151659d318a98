//! `--resume`: finds what a run left behind, and goes back to the latest of its checkpoints that is whole.

use crate::cli::RunRequest;
use crate::commands::{Exit, print_json};
use crate::config::{self, RunConfig};
use crate::data::{self, GENERATED, Source};
use crate::report::console::Console;
use crate::run_folder::{self, RunFolder, RunFolderError, checkpoints};
use crate::train::{Checkpoint, CheckpointError};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use thiserror::Error;

/// A run that cannot go on.
#[derive(Debug, Error)]
pub enum ResumeError {
    /// The system does not give a file.
    #[error("cannot read {}: {error}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        error: io::Error,
    },
    /// There is no checkpoint, or none that is whole.
    #[error("{}: found {found}, expected a checkpoint", folder.display())]
    NoCheckpoint {
        /// The folder.
        folder: PathBuf,
        /// What there is of them.
        found: String,
        /// Whether there were some.
        damaged: bool,
    },
    /// Another version computes other bytes.
    #[error("{}: found a run of cifar-train {found}, expected one of {}", path.display(), env!("CARGO_PKG_VERSION"))]
    Version {
        /// The checkpoint, or the folder.
        path: PathBuf,
        /// The version.
        found: String,
    },
    /// Settings and data are the run's, but the state cannot be.
    #[error("{}: found {found}, expected a state of this run", path.display())]
    Unfit {
        /// The folder.
        path: PathBuf,
        /// What is wrong with it.
        found: &'static str,
    },
    /// The data is not what the run began with.
    #[error("{data}: found data with digest {found}, expected {expected} as the run has")]
    OtherData {
        /// Where it came from.
        data: String,
        /// Its digest.
        found: String,
        /// The run's.
        expected: String,
    },
}

impl ResumeError {
    /// What to do about it.
    pub fn hint(&self) -> String {
        match self {
            Self::Unreadable { .. } => "check the path and its permissions".into(),
            Self::NoCheckpoint { folder, .. } => format!(
                "`cifar-train --config {} --out NEW` begins it anew, and comes to the same bytes",
                folder.join(run_folder::CONFIG).display()
            ),
            Self::Version { .. } => "let that version finish it: another may compute other bytes".into(),
            Self::Unfit { .. } => "the checkpoint is none that this run wrote".into(),
            Self::OtherData { .. } => {
                "a run goes on with the data it began with: give its place as --data".into()
            }
        }
    }

    /// Of data from `source`, unless its digest is the run's.
    pub fn of_data(source: &Source, found: String, expected: &str) -> Option<Self> {
        let data = match source {
            Source::BuiltIn => GENERATED.into(),
            Source::Path(path) => path.display().to_string(),
        };
        (found != expected).then(|| Self::OtherData { data, found, expected: expected.into() })
    }

    /// The exit code.
    pub fn code(&self) -> u8 {
        match self {
            Self::Unreadable { .. } => 1,
            Self::NoCheckpoint { damaged: false, .. } | Self::Version { .. } => 2,
            Self::NoCheckpoint { .. } | Self::Unfit { .. } | Self::OtherData { .. } => 3,
        }
    }
}

/// What `--resume` was pointed at.
pub enum Found {
    /// A run that has come to its end.
    Finished(Box<Finished>),
    /// A run to go on with.
    Unfinished(Box<Unfinished>),
}

/// A run that has come to its end.
pub struct Finished {
    /// Its settings.
    pub config: RunConfig,
    /// Its result.json.
    pub result: serde_json::Value,
}

/// A run to go on with.
pub struct Unfinished {
    /// Its folder, now ours.
    pub folder: RunFolder,
    /// Its settings.
    pub config: RunConfig,
    /// Where it stood; nothing if it had not come to its first checkpoint.
    pub checkpoint: Option<Checkpoint>,
}

/// Takes over `run`.
pub fn find(run: &Path, request: &RunRequest) -> anyhow::Result<Found> {
    let console = Console { quiet: request.settings.quiet };
    let folder = RunFolder::resume(run)?;
    let resolve = |stored: &str, ended: bool| {
        let RunRequest { settings, given, config, .. } = request;
        config::resume(folder.target(), stored, ended, settings, given, config.as_deref())
    };
    let begun = folder.partial().join(run_folder::CONFIG);
    if checkpoints(folder.partial()).is_empty() {
        if begun.exists() {
            let config = resolve(&read_text(&begun)?, false)?;
            console.note("the run had not come to a checkpoint: it begins anew");
            return Ok(Found::Unfinished(Box::new(Unfinished { folder, config, checkpoint: None })));
        }
        let result = folder.target().join(run_folder::RESULT);
        if !result.exists() {
            return Err(RunFolderError::NoRun { path: run.into(), found: "no run" }.into());
        }
        let result: serde_json::Value = serde_json::from_str(&read_text(&result)?)?;
        if result["stop"] != "interrupted" {
            let config = resolve(&read_text(&folder.target().join(run_folder::CONFIG))?, true)?;
            if request.config.is_some() || request.given.iter().any(|key| key == "data") {
                check_data(&config, &result)?;
            }
            folder.tidy()?;
            return Ok(Found::Finished(Box::new(Finished { config, result })));
        }
    }
    let checkpoint = latest(&folder, console)?;
    let config = resolve(&checkpoint.provenance.config, false)?;
    Ok(Found::Unfinished(Box::new(Unfinished { folder, config, checkpoint: Some(checkpoint) })))
}

/// Whether the data that were given are those a finished run was trained with.
fn check_data(config: &RunConfig, result: &serde_json::Value) -> anyhow::Result<()> {
    data::limit_readers(config.threads);
    let asked = config.settings.data_request();
    let (source, found) = if config.settings.memory.is_some() {
        let data = data::stream(&asked)?;
        let digest = data.try_digest()?;
        (data.source, digest)
    } else {
        let data = data::load(&asked)?;
        let digest = data.digest();
        (data.source, digest)
    };
    let expected = result["data_digest"].as_str().unwrap_or("none");
    ResumeError::of_data(&source, found, expected).map_or(Ok(()), |error| Err(error.into()))
}

/// Says that there is nothing to do.
pub fn tell_finished(run: &Path, result: &serde_json::Value, request: &RunRequest) -> anyhow::Result<Exit> {
    let reason = result["stop_reason"].as_str().unwrap_or("for an unknown reason");
    let console = Console { quiet: request.settings.quiet };
    console.note(format_args!("{}: has ended already: {reason}", run.display()));
    if request.settings.json {
        print_json(result)?;
    }
    Ok(if result["stop"] == "diverged" { Exit::Diverged } else { Exit::Done })
}

/// The latest checkpoint that is whole: of the run that was cut off, else of the run that was interrupted.
fn latest(folder: &RunFolder, console: Console) -> anyhow::Result<Checkpoint> {
    let place = [folder.partial(), folder.target()].into_iter().find(|place| !checkpoints(place).is_empty());
    let place = place.unwrap_or(folder.target());
    let mut damaged = Vec::new();
    for path in checkpoints(place) {
        let bytes = fs::read(&path).map_err(|error| ResumeError::Unreadable { path: path.clone(), error })?;
        match Checkpoint::from_bytes(&bytes) {
            Ok(checkpoint) => {
                let found = &checkpoint.provenance.program;
                if found != env!("CARGO_PKG_VERSION") {
                    return Err(ResumeError::Version { path, found: found.clone() }.into());
                }
                // Out of the way of those to come.
                if place == folder.partial() {
                    damaged.iter().for_each(|path| drop(fs::remove_file(path)));
                }
                return Ok(checkpoint);
            }
            Err(CheckpointError::Damaged(what)) => {
                console.warn(format_args!("{} is damaged ({what}): not used", path.display()));
                damaged.push(path);
            }
            Err(error @ CheckpointError::Format(_)) => {
                return Err(ResumeError::Version { path, found: format!("another version ({error})") }.into());
            }
        }
    }
    let found =
        if damaged.is_empty() { "none".into() } else { format!("{} that are damaged", damaged.len()) };
    Err(ResumeError::NoCheckpoint { folder: place.into(), found, damaged: !damaged.is_empty() }.into())
}

fn read_text(path: &Path) -> Result<String, ResumeError> {
    fs::read_to_string(path).map_err(|error| ResumeError::Unreadable { path: path.into(), error })
}
