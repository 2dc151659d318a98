//! What can be wrong with flags and config files.

use super::MemorySize;
use std::fmt;
use std::path::PathBuf;
use thiserror::Error;

/// Where a setting was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// As a flag.
    Flag(String),
    /// In a config file.
    File {
        /// The file.
        path: PathBuf,
        /// Line of the key, from 1.
        line: usize,
        /// The key as written.
        key: String,
    },
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag(key) => write!(f, "--{key}"),
            Self::File { path, line, key } => write!(f, "{} line {line}: {key}", path.display()),
        }
    }
}

/// Settings that cannot be used.
#[derive(Debug, Error)]
pub enum ConfigError {
    /// A file that the system does not give.
    #[error("cannot read config {}: {error}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        error: std::io::Error,
    },
    /// No TOML.
    #[error("{} line {line}: {message}", path.display())]
    Syntax {
        /// The file.
        path: PathBuf,
        /// Line, from 1.
        line: usize,
        /// What the parser said.
        message: String,
    },
    /// A key that is none.
    #[error("{origin}: unknown key")]
    UnknownKey {
        /// Where.
        origin: Origin,
        /// The closest key there is.
        suggestion: Option<String>,
    },
    /// A value that is not allowed.
    #[error("{origin}: found {found}, expected {expected}")]
    Value {
        /// Where.
        origin: Origin,
        /// The value.
        found: String,
        /// What is allowed.
        expected: String,
    },
    /// Less memory than the program takes with a few rows of these data.
    #[error("--memory: found {found}, expected at least {least} {with}")]
    TooLittleMemory {
        /// What was given.
        found: MemorySize,
        /// What would do.
        least: MemorySize,
        /// With what.
        with: String,
    },
    /// A setting that would be ignored.
    #[error("{origin}: has no effect here: {reason}")]
    WithoutEffect {
        /// Where.
        origin: Origin,
        /// Why.
        reason: String,
    },
    /// Settings of a run that is resumed, with other values than it began with.
    #[error("--resume {}: {}{}", run.display(), if *ended { "has ended; " } else { "" }, changes.join("; "))]
    Changed {
        /// The run.
        run: PathBuf,
        /// One setting each: what it is, what was found, what the run has.
        changes: Vec<String>,
        /// Whether the run has come to its end.
        ended: bool,
    },
    /// A setting that is the same for all runs of a sweep.
    #[error("{origin}: cannot vary in a sweep: {reason}")]
    CannotVary {
        /// Where.
        origin: Origin,
        /// Why.
        reason: String,
    },
    /// A sweep that varies nothing.
    #[error("no setting varies: found no --grid, expected at least one")]
    NothingVaries,
}

impl ConfigError {
    /// What to do about it.
    pub fn hint(&self) -> String {
        match self {
            Self::Unreadable { .. } => "--config takes a TOML file; configs/ has examples".into(),
            Self::Syntax { .. } => {
                "a line is `key = value`, such as `lr = 1e-3`; text stands in quotes".into()
            }
            Self::UnknownKey { suggestion: Some(key), .. } => format!("did you mean `{key}`?"),
            Self::UnknownKey { suggestion: None, .. } => {
                "keys are the flags' names without dashes in front; --print-config shows them".into()
            }
            Self::Value { .. } => "`cifar-train train --help` lists every setting with its default".into(),
            Self::TooLittleMemory { .. } => {
                "windows and batches of fewer rows take less: --window, --batch-size".into()
            }
            Self::CannotVary { .. } => "give it once, outside the grid, or leave it out".into(),
            Self::NothingVaries => {
                "--grid lr=1e-4,1e-3,1e-2 tries three; configs/sweep/ has whole sweeps for --config".into()
            }
            Self::WithoutEffect { .. } => "leave it out, or change the setting it belongs to".into(),
            Self::Changed { ended: true, .. } => {
                "a finished run keeps no checkpoint to go on from: train anew with these settings, into another --out"
                    .into()
            }
            Self::Changed { ended: false, .. } => {
                "without them the run goes on as it began; for other settings, begin another run".into()
            }
        }
    }

    /// Whether the operating system, not the setting, is at fault.
    pub fn is_io(&self) -> bool {
        matches!(self, Self::Unreadable { .. })
    }
}
