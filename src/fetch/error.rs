//! What can go wrong while a data set is fetched.

use crate::data::formats::flaw::Flaw;
use std::fmt;
use std::io;
use std::path::PathBuf;
use std::time::Duration;
use thiserror::Error;

/// A data set that could not be fetched.
#[derive(Debug, Error)]
pub enum FetchError {
    /// No mirror had the file.
    #[error("cannot fetch {file}: {}", list(attempts))]
    NoMirror {
        /// The file.
        file: String,
        /// Its size in bytes.
        size: u64,
        /// Its SHA-256.
        sha256: String,
        /// An address that a browser can try.
        address: Option<String>,
        /// What was tried, in order.
        attempts: Vec<Attempt>,
    },
    /// There is something else where the data set would go.
    #[error("{}: found {found}, expected {name} or nothing", path.display())]
    Exists {
        /// The folder.
        path: PathBuf,
        /// What is wrong with it.
        found: String,
        /// The data set.
        name: String,
    },
    /// `--force` would remove what is no part of the data set.
    #[error("{}: found {found}, expected nothing but files of {name} to replace", path.display())]
    Foreign {
        /// The folder.
        path: PathBuf,
        /// What is in it.
        found: String,
        /// The data set.
        name: String,
    },
    /// Another process is at it.
    #[error("{}: found another download under way, expected to be the only one", path.display())]
    UnderWay {
        /// The folder it works in.
        path: PathBuf,
    },
    /// An archive that is not what the catalogue says, or not to be unpacked.
    #[error("{file}: {flaw}")]
    Archive {
        /// The archive.
        file: String,
        /// What is wrong in it.
        flaw: Flaw,
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
    /// The user stopped it.
    #[error("interrupted")]
    Interrupted,
}

/// A mirror that was tried.
#[derive(Debug)]
pub struct Attempt {
    /// The full address or path.
    pub address: String,
    /// Why nothing came of it.
    pub reason: Reason,
}

/// Why a mirror did not serve.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    /// No connection, no answer, or no file.
    Unreachable(String),
    /// Nothing at all.
    NoAnswer {
        /// How long was waited.
        waited: Duration,
    },
    /// An answer without the file.
    Status(u16),
    /// An answer of another length.
    Length {
        /// Bytes, and of what if that is said.
        found: String,
        /// Bytes.
        expected: u64,
    },
    /// The part that was not asked for.
    Range(String),
    /// It ended early.
    Short {
        /// Bytes that are there.
        found: u64,
        /// Bytes there should be.
        expected: u64,
    },
    /// It went on and on.
    Long {
        /// Bytes there should be.
        expected: u64,
    },
    /// Too little came.
    Stalled {
        /// Bytes that are there.
        found: u64,
        /// Bytes there should be.
        expected: u64,
        /// How long was waited.
        waited: Duration,
    },
    /// Other bytes.
    Checksum {
        /// Their SHA-256.
        found: String,
        /// That of the file.
        expected: String,
    },
}

impl Reason {
    /// Whether the mirror served something else than the file.
    fn is_content(&self) -> bool {
        matches!(self, Self::Length { .. } | Self::Long { .. } | Self::Checksum { .. })
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreachable(why) => write!(f, "{why}"),
            Self::NoAnswer { waited } => write!(f, "no answer in {} s", waited.as_secs_f64()),
            Self::Status(status) => write!(f, "found status {status}, expected 200"),
            Self::Length { found, expected } => write!(f, "found {found}, expected {expected} bytes"),
            Self::Range(found) => write!(f, "found {found}, expected the part that was asked for"),
            Self::Short { found, expected } => write!(f, "ended after {found} of {expected} bytes"),
            Self::Long { expected } => write!(f, "found more than {expected} bytes, expected {expected}"),
            Self::Stalled { found, expected, waited } => {
                let waited = waited.as_secs_f64();
                write!(f, "stalled after {found} of {expected} bytes: next to nothing came for {waited} s")
            }
            Self::Checksum { found, expected } => write!(f, "found SHA-256 {found}, expected {expected}"),
        }
    }
}

fn list(attempts: &[Attempt]) -> String {
    let one = |attempt: &Attempt| format!("{}: {}", attempt.address, attempt.reason);
    attempts.iter().map(one).collect::<Vec<_>>().join("; ")
}

impl FetchError {
    /// What to do about it.
    pub fn hint(&self) -> String {
        match self {
            Self::NoMirror { size, sha256, address: Some(address), .. } => format!(
                "download {address} ({size} bytes, SHA-256 {sha256}) in another way and give its folder with \
                 --mirror FOLDER, or try again later: it goes on where it broke off"
            ),
            Self::NoMirror { .. } => {
                "give an address or a folder that has the file: --mirror URL|FOLDER".into()
            }
            Self::Exists { .. } => "--force replaces it; or give another --out".into(),
            Self::Foreign { .. } | Self::Archive { .. } => "give another --out".into(),
            Self::UnderWay { .. } => "wait until it has ended, or give another --out".into(),
            Self::Unwritable { .. } => {
                "check the path, its permissions and the free space, or give another --out".into()
            }
            Self::Interrupted => "the same command goes on from there".into(),
        }
    }

    /// Whether what was typed is at fault.
    pub fn is_usage(&self) -> bool {
        matches!(self, Self::Exists { .. } | Self::Foreign { .. } | Self::UnderWay { .. })
    }

    /// Whether what came is not the data set.
    pub fn is_content(&self) -> bool {
        match self {
            Self::NoMirror { attempts, .. } => attempts.iter().any(|attempt| attempt.reason.is_content()),
            Self::Archive { .. } => true,
            _ => false,
        }
    }
}
