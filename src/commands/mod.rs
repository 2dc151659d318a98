//! One command a file, each short: it wires the rooms below together, and prints.

mod data;
mod evaluate;
mod explain;
mod file;
mod gradcheck;
mod predict;
mod report;
mod sweep;
mod train;

use crate::cli::Request;
use crate::config::ConfigError;
use crate::data::{DataError, limit_readers};
use crate::fetch::FetchError;
use crate::kernel::{Compute, Kernel, Team};
use crate::model::ModelError;
use crate::report::contact_sheet::SheetError;
use crate::report::printable::lines;
use crate::run_folder::RunFolderError;
use crate::sweep::SweepFolderError;
use serde::Serialize;
use std::io::{self, Write};
use std::num::NonZeroUsize;
use thiserror::Error;

/// How a command ended, when it did not fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// All was done.
    Done,
    /// Training diverged.
    Diverged,
    /// A check failed.
    CheckFailed,
    /// The user stopped it.
    Interrupted,
}

impl Exit {
    /// The process's exit code.
    pub fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Diverged => 4,
            Self::CheckFailed => 5,
            Self::Interrupted => 130,
        }
    }
}

/// Does what was asked for.
///
/// # Errors
/// Whatever went wrong; [`explain`] makes it readable.
pub fn run(request: Request) -> anyhow::Result<Exit> {
    match request {
        Request::Run(request) => train::run(&request),
        Request::Sweep(request) => sweep::run(&request),
        Request::Gradcheck(args) => gradcheck::run(&args),
        Request::Evaluate(args) => evaluate::run(&args),
        Request::Predict(args) => predict::run(&args),
        Request::Explain(what) => explain::run(&what),
        Request::Report(args) => report::run(&args),
        Request::Data(what) => data::run(&what),
    }
}

/// A failure's exit code, and what to do about it if that is known.
pub fn explain(error: &anyhow::Error) -> (u8, Option<String>) {
    if let Some(error) = error.downcast_ref::<ConfigError>() {
        return (if error.is_io() { 1 } else { 2 }, Some(error.hint()));
    }
    if let Some(error) = error.downcast_ref::<DataError>() {
        return (if error.is_io() { 1 } else { 3 }, Some(error.hint()));
    }
    if let Some(error) = error.downcast_ref::<ModelError>() {
        return (if error.is_io() { 1 } else { 3 }, Some(error.hint()));
    }
    if let Some(error) = error.downcast_ref::<RunFolderError>() {
        return (if error.is_usage() { 2 } else { 1 }, Some(error.hint()));
    }
    if let Some(error) = error.downcast_ref::<train::ResumeError>() {
        return (error.code(), Some(error.hint()));
    }
    if let Some(error) = error.downcast_ref::<SweepFolderError>() {
        return (error.code(), Some(error.hint().into()));
    }
    if let Some(error) = error.downcast_ref::<explain::InputError>() {
        return (2, Some(error.hint.into()));
    }
    if let Some(error) = error.downcast_ref::<file::FileError>() {
        return (if error.is_usage() { 2 } else { 1 }, Some(error.hint().into()));
    }
    if let Some(error) = error.downcast_ref::<report::SavedRunError>() {
        return (if error.is_io() { 1 } else { 3 }, Some(error.hint().into()));
    }
    if let Some(error) = error.downcast_ref::<data::SaveError>() {
        return (if error.is_usage() { 2 } else { 1 }, Some(error.hint().into()));
    }
    if let Some(error) = error.downcast_ref::<FetchError>() {
        let code = match (error.is_usage(), error.is_content()) {
            (true, _) => 2,
            (_, true) => 3,
            _ => 1,
        };
        return (code, Some(error.hint()));
    }
    if let Some(error) = error.downcast_ref::<SheetError>() {
        return (2, Some(error.hint().into()));
    }
    let hint = error.is::<OutputError>().then(|| "check the free space where it goes".to_owned());
    (1, hint)
}

/// Standard output that cannot be written.
#[derive(Debug, Error)]
#[error("cannot write standard output: {0}")]
struct OutputError(io::Error);

impl From<io::Error> for OutputError {
    fn from(error: io::Error) -> Self {
        Self(error)
    }
}

impl From<csv::Error> for OutputError {
    fn from(error: csv::Error) -> Self {
        match error.into_kind() {
            csv::ErrorKind::Io(error) => Self(error),
            other => Self(io::Error::other(format!("{other:?}"))),
        }
    }
}

/// Whether nobody reads the output any more: no failure of ours.
pub fn is_closed_pipe(error: &anyhow::Error) -> bool {
    error
        .downcast_ref::<OutputError>()
        .is_some_and(|OutputError(error)| error.kind() == io::ErrorKind::BrokenPipe)
}

/// Prints results for people: control characters that came from files are shown as `\u{1b}`.
fn print(text: &str) -> Result<(), OutputError> {
    print_raw(&lines(text))
}

/// Prints results for programs, as they are.
fn print_raw(text: &str) -> Result<(), OutputError> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    Ok(out.flush()?)
}

/// Prints results as one JSON object.
fn print_json(result: &impl Serialize) -> anyhow::Result<()> {
    Ok(print_raw(&format!("{}\n", serde_json::to_string_pretty(result)?))?)
}

/// The fastest kernel of this processor, on so many threads; data are read on no more from now on.
fn compute(threads: Option<NonZeroUsize>) -> Compute {
    let threads = threads.unwrap_or_else(crate::config::all_cores);
    limit_readers(threads);
    Compute { kernel: Kernel::detect(), team: Team::new(threads) }
}
