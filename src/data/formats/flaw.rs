//! What is wrong inside a file: the part of an error that a parser knows.

use crate::data::DataError;
use std::fmt;
use std::io;
use std::path::Path;

/// Bytes that are not what their format says. Parsers see bytes, not files: whoever opened the file adds its path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flaw {
    /// Where: a byte, a line, a row and a column; empty for the file as a whole.
    pub place: String,
    /// What is there.
    pub found: String,
    /// What belongs there.
    pub expected: String,
    /// What to do about it.
    pub hint: &'static str,
}

/// What to do about values that are missing.
pub const MISSING: &str = "leave such rows out, or fill in what is missing";
/// The hint where nothing better is known.
const DAMAGED: &str = "the file is damaged, incomplete, or of another format: --format says which";

impl Flaw {
    /// A flaw at `place`.
    pub fn new(place: impl Into<String>, found: impl Into<String>, expected: impl Into<String>) -> Self {
        Self { place: place.into(), found: found.into(), expected: expected.into(), hint: DAMAGED }
    }

    /// A flaw of the file as a whole.
    pub fn whole(found: impl Into<String>, expected: impl Into<String>) -> Self {
        Self::new("", found, expected)
    }

    /// The same with advice of its own.
    #[must_use]
    pub fn hint(self, hint: &'static str) -> Self {
        Self { hint, ..self }
    }

    /// The same at a place that whoever called the parser knows better.
    #[must_use]
    pub fn at(self, place: impl Into<String>) -> Self {
        Self { place: place.into(), ..self }
    }

    /// The same, inside `part` of the file.
    #[must_use]
    pub fn within(mut self, part: &str) -> Self {
        self.place = if self.place.is_empty() { part.into() } else { format!("{part}: {}", self.place) };
        self
    }
}

impl fmt::Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.place.is_empty() {
            write!(f, "{}: ", self.place)?;
        }
        write!(f, "found {}, expected {}", self.found, self.expected)
    }
}

/// Why bytes could not be turned into a table.
#[derive(Debug)]
pub enum Trouble {
    /// They are wrong.
    Flaw(Flaw),
    /// They could not be had.
    Io(io::Error),
}

impl Trouble {
    /// The error about the file at `path`.
    pub fn at(self, path: &Path) -> DataError {
        match self {
            Self::Flaw(flaw) => DataError::Content { path: path.into(), flaw },
            // Decompressors say so when what they read is wrong.
            Self::Io(error) if is_content(error.kind()) => {
                DataError::Content { path: path.into(), flaw: of_content(&error) }
            }
            Self::Io(error) => DataError::Unreadable { path: path.into(), error },
        }
    }

    /// The same, inside `part` of the file.
    #[must_use]
    pub fn within(self, part: &str) -> Self {
        match self {
            Self::Flaw(flaw) => Self::Flaw(flaw.within(part)),
            Self::Io(error) if is_content(error.kind()) => Self::Flaw(of_content(&error).within(part)),
            Self::Io(error) => Self::Io(error),
        }
    }
}

/// What a reader of content says.
fn of_content(error: &io::Error) -> Flaw {
    if error.kind() == io::ErrorKind::UnexpectedEof {
        return Flaw::whole("an end too soon", "the rest of its content");
    }
    Flaw::whole(error.to_string(), "whole compressed data")
}

fn is_content(kind: io::ErrorKind) -> bool {
    matches!(kind, io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput | io::ErrorKind::UnexpectedEof)
}

impl From<Flaw> for Trouble {
    fn from(flaw: Flaw) -> Self {
        Self::Flaw(flaw)
    }
}

impl From<io::Error> for Trouble {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}
