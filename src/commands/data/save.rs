//! Writes a data set: whole or not at all, and never over anything.

use super::{Exit, INTERRUPT, print, stop_on_interrupt};
use crate::cli::OutArgs;
use crate::data::write::{File, Loss, Output, plan};
use crate::data::{Dataset, Format};
use crate::report::console::Console;
use crate::run_folder;
use std::fs;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use thiserror::Error;

/// A data set that cannot be written.
#[derive(Debug, Error)]
pub enum SaveError {
    /// The format would lose something.
    #[error(transparent)]
    Loss(#[from] Loss),
    /// There is something.
    #[error("{}: found an existing {found}, expected a new name", path.display())]
    Exists {
        /// The path.
        path: PathBuf,
        /// What it is.
        found: &'static str,
    },
    /// A name of another kind than what would be made.
    #[error("{}: found the name of a {found}, expected {expected}", path.display())]
    Name {
        /// The path.
        path: PathBuf,
        /// What it looks like.
        found: &'static str,
        /// What is made.
        expected: String,
    },
    /// The system refused.
    #[error("cannot write {}: {error}", path.display())]
    Unwritable {
        /// The path.
        path: PathBuf,
        /// What the system said.
        #[source]
        error: io::Error,
    },
}

impl SaveError {
    /// What to do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Loss(_) => "choose another format: data/README.md has a table of what each one holds",
            Self::Exists { .. } => "give another name: data are never written over",
            Self::Name { .. } => {
                "--to says which format, data/README.md which of them are files and which folders"
            }
            Self::Unwritable { .. } => "check the path, its permissions and the free space",
        }
    }

    /// Whether what was typed, not the system, is at fault.
    pub fn is_usage(&self) -> bool {
        !matches!(self, Self::Unwritable { .. })
    }
}

/// The format to write, once it is clear, before any work is done, that something can be made there.
pub fn check(args: &OutArgs) -> Result<Format, SaveError> {
    let path = &args.out;
    if let Ok(meta) = fs::symlink_metadata(path) {
        let is_empty = || fs::read_dir(path).is_ok_and(|mut entries| entries.next().is_none());
        if !meta.is_dir() || !is_empty() {
            let found = if meta.is_dir() { "folder" } else { "file" };
            return Err(SaveError::Exists { path: path.clone(), found });
        }
    }
    let extension = path.extension().unwrap_or_default().to_string_lossy().to_lowercase();
    Ok(match (args.to, extension.as_str()) {
        (Some(format), _) => format,
        (None, "npz") => Format::Npz,
        (None, "safetensors") => Format::Safetensors,
        (None, "csv" | "txt" | "svm" | "libsvm" | "npy" | "gz") => {
            let expected = "--to FORMAT with it, or .npz or .safetensors at its end".into();
            return Err(SaveError::Name { path: path.clone(), found: "file", expected });
        }
        (None, _) => Format::Npy,
    })
}

/// Writes `data`, and says what was made.
pub fn save(data: &Dataset, args: &OutArgs, format: Format, console: Console) -> anyhow::Result<Exit> {
    let output = plan(data, format).map_err(SaveError::from)?;
    stop_on_interrupt()?;
    let path = &args.out;
    match write(&output, path) {
        Ok(()) => {}
        Err(_) if INTERRUPT.load(Ordering::Relaxed) => return Ok(Exit::Interrupted),
        Err(error) if is_there(&error) => {
            let found = if path.is_dir() { "folder" } else { "file" };
            return Err(SaveError::Exists { path: path.clone(), found }.into());
        }
        Err(error) => return Err(SaveError::Unwritable { path: path.clone(), error }.into()),
    }
    print(&format!("Saved: {}\nBLAKE3: {}\n", path.display(), data.digest()))?;
    if let Some(planes) = output.shape {
        console.note(format_args!(
            "note: {} holds rows of features: --shape {planes} makes pictures of them again",
            format.name()
        ));
    }
    if let Some(column) = output.weight_column {
        console.warn(format_args!(
            "the examples' weights are in a column, a feature like the others without --weight-column {column}"
        ));
    }
    if data.test.is_empty() {
        console.note("note: it has no test examples: --test-split 0.2 sets rows of it aside");
    }
    Ok(Exit::Done)
}

fn is_there(error: &io::Error) -> bool {
    use io::ErrorKind::{AlreadyExists, DirectoryNotEmpty, NotADirectory};
    matches!(error.kind(), AlreadyExists | DirectoryNotEmpty | NotADirectory)
}

fn write(output: &Output<'_>, path: &Path) -> io::Result<()> {
    if let Some(file) = output.single() {
        return run_folder::create_with(path, |out| fill(file, out));
    }
    run_folder::create_folder(path, |folder| {
        output.files.iter().try_for_each(|file| {
            let mut out = fs::File::create_new(folder.join(&file.name))?;
            fill(file, &mut out)?;
            out.sync_all()
        })
    })
}

fn fill(file: &File<'_>, out: &mut fs::File) -> io::Result<()> {
    let mut out = BufWriter::with_capacity(1 << 18, Interruptible(out));
    file.write(&mut out)?;
    out.flush()
}

/// Takes no more bytes once the user wants it to stop.
struct Interruptible<'a>(&'a mut fs::File);

impl Write for Interruptible<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        /// Enough for speed, little enough to stop soon.
        const PIECE: usize = 1 << 22;
        if INTERRUPT.load(Ordering::Relaxed) {
            return Err(io::Error::other("interrupted"));
        }
        self.0.write(&bytes[..bytes.len().min(PIECE)])
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}
