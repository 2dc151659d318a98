//! The folder of a sweep, which grows while the sweep goes on.
//!
//! It appears whole with its configuration and a journal: a first line about the data, then a line for each outcome. A line
//! is on disk before the next run is told of, so a sweep that is killed at any moment loses the runs under way and no other;
//! a last line that was cut short is dropped. All other files are replaced whole.

use super::Outcome;
use crate::run_folder::{RunFolder, RunFolderError, SWEEP};
use serde::{Deserialize, Serialize};
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use thiserror::Error;

/// One line an outcome, as they came.
const JOURNAL_FILE: &str = "journal.jsonl";
/// Where the refit of the best run goes.
const BEST: &str = "best";
/// Of the journal's lines.
const FORMAT: u32 = 1;

/// The journal's first line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// Of the lines that follow.
    format: u32,
    /// Of the program that began it.
    version: String,
    /// Of the data that the outcomes are of.
    pub data_digest: String,
}

impl Header {
    /// For data with that digest.
    pub fn new(data_digest: String) -> Self {
        Self { format: FORMAT, version: env!("CARGO_PKG_VERSION").into(), data_digest }
    }
}

/// What a journal holds.
pub struct Journal {
    /// Its first line.
    pub header: Header,
    /// All others.
    pub outcomes: Vec<Outcome>,
    /// Bytes of the lines that are whole.
    pub length: usize,
}

impl Journal {
    /// Reads the file's bytes. A last line that was cut short is left out.
    ///
    /// # Errors
    /// The line, from 1, that is none, and what is wrong with it.
    pub fn parse(bytes: &[u8]) -> Result<Self, (usize, String)> {
        let length = bytes.iter().rposition(|&byte| byte == b'\n').map_or(0, |last| last + 1);
        let mut lines = bytes[..length].split_inclusive(|&byte| byte == b'\n');
        let header = lines.next().ok_or_else(|| (1, "nothing".into()))?;
        let header: Header = serde_json::from_slice(header).map_err(|error| (1, error.to_string()))?;
        if header.format != FORMAT {
            return Err((1, format!("format {}", header.format)));
        }
        let outcomes = lines.enumerate().map(|(index, line)| {
            serde_json::from_slice(line).map_err(|error| (index + 2, error.to_string()))
        });
        Ok(Self { header, outcomes: outcomes.collect::<Result<_, _>>()?, length })
    }
}

/// A sweep that cannot be kept, or cannot go on.
#[derive(Debug, Error)]
pub enum SweepFolderError {
    /// No sweep there.
    #[error("{}: found no {SWEEP}, expected the folder of a sweep", path.display())]
    NotASweep {
        /// The folder.
        path: PathBuf,
    },
    /// `--resume` alone, and nothing to resume.
    #[error("{}: found no folder of a sweep in it, expected one to resume", path.display())]
    NothingToResume {
        /// Where sweeps go.
        path: PathBuf,
    },
    /// Two at once.
    #[error("{}: found another sweep at work in it, expected none", path.display())]
    Busy {
        /// The folder.
        path: PathBuf,
    },
    /// It was begun with other settings.
    #[error("{}: found a sweep with other settings: {} differ{}, expected the same", path.display(), keys.join(", "),
            if keys.len() == 1 { "s" } else { "" })]
    OtherSettings {
        /// The folder.
        path: PathBuf,
        /// The keys whose values differ.
        keys: Vec<String>,
    },
    /// It was begun with other data.
    #[error("{}: found a sweep over other data (BLAKE3 {found:.12}..), expected {expected:.12}..", path.display())]
    OtherData {
        /// The folder.
        path: PathBuf,
        /// The digest of its data.
        found: String,
        /// The digest of the data given.
        expected: String,
    },
    /// The journal is not one.
    #[error("{} line {line}: found {found}, expected a line that a sweep wrote", path.display())]
    Journal {
        /// The journal.
        path: PathBuf,
        /// From 1.
        line: usize,
        /// What is wrong.
        found: String,
    },
    /// The system refused.
    #[error("cannot use {}: {error}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        error: io::Error,
    },
}

impl SweepFolderError {
    /// What to do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::NotASweep { .. } => "--resume takes the --out folder of an earlier sweep",
            Self::NothingToResume { .. } => "give the folder: --resume DIR",
            Self::Busy { .. } => "wait for it, or give another --out",
            Self::OtherSettings { .. } => {
                "leave the settings out to go on with its own, or give another --out"
            }
            Self::OtherData { .. } => "give the data it was begun with, or another --out",
            Self::Journal { .. } => "the file was changed; begin anew with another --out",
            Self::Io { .. } => {
                "check the path, its permissions and the free space; --resume goes on afterwards"
            }
        }
    }

    /// The exit code it stands for.
    pub fn code(&self) -> u8 {
        match self {
            Self::NotASweep { .. } | Self::NothingToResume { .. } | Self::OtherSettings { .. } => 2,
            Self::OtherData { .. } | Self::Journal { .. } => 3,
            Self::Busy { .. } | Self::Io { .. } => 1,
        }
    }
}

/// The folder of a sweep under way. The journal is locked as long as this lives.
pub struct SweepFolder {
    path: PathBuf,
    journal: File,
}

impl SweepFolder {
    /// Makes the folder with its configuration.
    ///
    /// # Errors
    /// [`RunFolderError`] as of any run folder, [`SweepFolderError`] when the journal cannot be opened.
    pub fn create(folder: &RunFolder, config: &str, header: &Header) -> anyhow::Result<Self> {
        let mut line = serde_json::to_vec(header)?;
        line.push(b'\n');
        folder
            .write(&[(SWEEP, config.into()), (JOURNAL_FILE, line)])
            .map_err(|error: RunFolderError| error)?;
        let path = folder.target().to_path_buf();
        let mut journal = open(&path)?;
        journal.seek(SeekFrom::End(0)).map_err(|error| io_error(&path.join(JOURNAL_FILE), error))?;
        Ok(Self { path, journal })
    }

    /// Opens the folder of an earlier sweep, with what its journal holds.
    ///
    /// # Errors
    /// [`SweepFolderError`] when it is none, another sweep is at work in it, or its journal is damaged.
    pub fn reopen(path: &Path) -> Result<(Self, Header, Vec<Outcome>), SweepFolderError> {
        config_in(path)?;
        let mut journal = open(path)?;
        let file = path.join(JOURNAL_FILE);
        let text = fs::read(&file).map_err(|error| io_error(&file, error))?;
        let damaged = |(line, found)| SweepFolderError::Journal { path: file.clone(), line, found };
        let Journal { header, outcomes, length } = Journal::parse(&text).map_err(damaged)?;
        let end = journal.set_len(length as u64).and_then(|()| journal.seek(SeekFrom::End(0)));
        end.map_err(|error| io_error(&file, error))?;
        Ok((Self { path: path.into(), journal }, header, outcomes))
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where the refit of the best run goes.
    pub fn best(&self) -> PathBuf {
        self.path.join(BEST)
    }

    /// Adds an outcome to the journal; it is on disk when this returns.
    ///
    /// # Errors
    /// [`SweepFolderError::Io`].
    pub fn append(&mut self, outcome: &Outcome) -> Result<(), SweepFolderError> {
        let file = self.path.join(JOURNAL_FILE);
        let mut line =
            serde_json::to_vec(outcome).map_err(|error| io_error(&file, io::Error::other(error)))?;
        line.push(b'\n');
        let written = self.journal.write_all(&line).and_then(|()| self.journal.sync_data());
        written.map_err(|error| io_error(&file, error))
    }

    /// Replaces a file whole, or leaves it as it was.
    ///
    /// # Errors
    /// [`SweepFolderError::Io`].
    pub fn replace(&self, name: &str, bytes: &[u8]) -> Result<(), SweepFolderError> {
        let target = self.path.join(name);
        let mut staged = tempfile::Builder::new();
        staged.prefix(".cifar-train-");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            // As readable as any file the user makes; temporary ones are private by default.
            staged.permissions(fs::Permissions::from_mode(0o666));
        }
        let written = staged.tempfile_in(&self.path).and_then(|mut file| {
            file.write_all(bytes)?;
            file.as_file().sync_all()?;
            file.persist(&target).map_err(|error| error.error)
        });
        written.map(drop).map_err(|error| io_error(&target, error))
    }
}

/// The configuration of the sweep in `path`.
///
/// # Errors
/// [`SweepFolderError::NotASweep`].
pub fn config_in(path: &Path) -> Result<PathBuf, SweepFolderError> {
    let config = path.join(SWEEP);
    if config.is_file() { Ok(config) } else { Err(SweepFolderError::NotASweep { path: path.into() }) }
}

/// The sweep in `runs` that was begun last, as the times in the names have it.
///
/// # Errors
/// [`SweepFolderError::NothingToResume`].
pub fn latest(runs: &Path) -> Result<PathBuf, SweepFolderError> {
    let entries = fs::read_dir(runs).into_iter().flatten().flatten();
    let sweeps = entries.map(|entry| entry.path()).filter(|path| config_in(path).is_ok());
    sweeps.max().ok_or_else(|| SweepFolderError::NothingToResume { path: runs.into() })
}

/// The journal, locked.
fn open(folder: &Path) -> Result<File, SweepFolderError> {
    let path = folder.join(JOURNAL_FILE);
    let journal =
        OpenOptions::new().read(true).write(true).open(&path).map_err(|error| io_error(&path, error))?;
    match journal.try_lock() {
        Ok(()) => Ok(journal),
        Err(TryLockError::WouldBlock) => Err(SweepFolderError::Busy { path: folder.into() }),
        // Some file systems know no locks: then nobody can tell, and one sweep is the likely case.
        Err(TryLockError::Error(error)) if error.kind() == io::ErrorKind::Unsupported => Ok(journal),
        Err(TryLockError::Error(error)) => Err(io_error(&path, error)),
    }
}

fn io_error(path: &Path, error: io::Error) -> SweepFolderError {
    SweepFolderError::Io { path: path.into(), error }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sweep::Score;

    fn outcome(run: usize) -> Outcome {
        Outcome {
            run,
            fold: 0,
            stop: "completed".into(),
            stop_reason: "everything asked for was done".into(),
            // Numbers whose last bits a careless parser loses.
            validation: Some(Score { loss: 10_f64.ln() / 3.0, accuracy: 0.1 + 0.2 }),
            train: None,
            objective: Some(1e300 / 3.0),
            gap: None,
            gradients: None,
            epoch: Some(3),
            steps: 12,
            seconds: 0.25,
            losses: vec![(0.0, 9.0), (1.0 / 3.0, 4.5)],
            accuracies: Vec::new(),
        }
    }

    fn create(path: &Path) -> SweepFolder {
        let folder = RunFolder::prepare(Some(path), "unused", false).expect("prepares");
        SweepFolder::create(&folder, "lr = 1\n", &Header::new("abc".into())).expect("creates")
    }

    #[test]
    fn what_was_appended_is_found_again_to_the_last_bit() {
        let parent = tempfile::tempdir().expect("a temporary folder");
        let path = parent.path().join("sweep");
        let mut folder = create(&path);
        assert!(matches!(SweepFolder::reopen(&path), Err(SweepFolderError::Busy { .. })));
        (0..3).for_each(|run| folder.append(&outcome(run)).expect("appends"));
        drop(folder);
        let (_, header, outcomes) = SweepFolder::reopen(&path).expect("reopens");
        assert_eq!((header.data_digest.as_str(), outcomes), ("abc", (0..3).map(outcome).collect()));
    }

    /// Cut at any byte, what was complete before is there, and what is added afterwards stands on its own line.
    #[test]
    fn a_line_that_was_cut_short_is_dropped() {
        let parent = tempfile::tempdir().expect("a temporary folder");
        let path = parent.path().join("sweep");
        let mut folder = create(&path);
        folder.append(&outcome(0)).expect("appends");
        let one = fs::read(path.join(JOURNAL_FILE)).expect("reads").len();
        folder.append(&outcome(1)).expect("appends");
        drop(folder);
        let text = fs::read(path.join(JOURNAL_FILE)).expect("reads");
        for cut in one..text.len() {
            fs::write(path.join(JOURNAL_FILE), &text[..cut]).expect("writes");
            let (mut folder, _, outcomes) = SweepFolder::reopen(&path).expect("reopens");
            assert_eq!(outcomes, [outcome(0)], "cut at {cut}");
            folder.append(&outcome(2)).expect("appends");
            drop(folder);
            let (.., outcomes) = SweepFolder::reopen(&path).expect("reopens");
            assert_eq!(outcomes, [outcome(0), outcome(2)], "cut at {cut}");
        }
    }

    #[test]
    fn what_is_no_sweep_is_told() {
        let parent = tempfile::tempdir().expect("a temporary folder");
        assert!(matches!(SweepFolder::reopen(parent.path()), Err(SweepFolderError::NotASweep { .. })));
        assert!(matches!(latest(parent.path()), Err(SweepFolderError::NothingToResume { .. })));
        let path = parent.path().join("sweep");
        drop(create(&path));
        assert_eq!(latest(parent.path()).expect("there is one"), path);
        let journal = path.join(JOURNAL_FILE);
        let mut text = fs::read_to_string(&journal).expect("reads");
        text.push_str("{\"run\": 1}\n");
        fs::write(&journal, text).expect("writes");
        match SweepFolder::reopen(&path) {
            Err(error @ SweepFolderError::Journal { line: 2, .. }) => assert_eq!(error.code(), 3),
            other => panic!("{:?}", other.map(|(_, header, _)| header)),
        }
    }
}
