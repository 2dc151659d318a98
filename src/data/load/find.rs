//! What is at a path: its format, recognised by content and by the names of files, and whether it is a file, a pair or a
//! folder.

use super::{Request, without_effect};
use crate::data::DataError;
use crate::data::formats::flaw::Flaw;
use crate::data::formats::input::Input;
use crate::data::formats::{Format, cifar, names, pictures, tar};
use std::fs;
use std::path::{Path, PathBuf};

/// Data whose format is known.
pub struct Found {
    /// The format.
    pub format: Format,
    /// Where it is.
    pub place: Place,
}

/// A file, a pair of files, or a folder.
pub enum Place {
    /// One file.
    File(Input),
    /// Files of a folder that are called train and test.
    Pair(Input, Input),
    /// A folder, and its files.
    Folder(Vec<PathBuf>),
}

impl Found {
    /// What is at `path`, with all of the request's settings having an effect on it.
    pub fn at(path: &Path, request: &Request) -> Result<Self, DataError> {
        let meta = fs::metadata(path).map_err(|error| DataError::Unreadable { path: path.into(), error })?;
        let found = if meta.is_dir() {
            Self::in_folder(path, request.format)?
        } else {
            Self::file(path, request.format)?
        };
        let name = path.display().to_string();
        let used: &[&str] = match found.format {
            Format::Cifar => &[],
            Format::Npz | Format::Safetensors => &["weight-column", "test", "test-split", "shape"],
            Format::Csv => &["label-column", "weight-column", "test", "test-split", "shape"],
            Format::Pictures => &["test", "test-split", "size"],
            Format::Parquet => &["label-column", "weight-column", "test", "test-split", "shape", "size"],
            _ => &["test", "test-split", "shape"],
        };
        if let Some(key) = request.unused_key(used) {
            return Err(without_effect(key, &name, &format!("it is {}", found.format.name())));
        }
        if request.label.is_some() && found.format != Format::Cifar {
            return Err(DataError::LabelChoice { name });
        }
        Ok(found)
    }

    /// The file at `path`, of the format that is asked for or recognised.
    pub fn file(path: &Path, format: Option<Format>) -> Result<Self, DataError> {
        let input = Input::open(path)?;
        let format = format.or_else(|| Format::of(&input.head)).ok_or_else(|| DataError::Layout {
            path: path.into(),
            found: "a file of no known format".into(),
            expected: Format::list(),
        })?;
        if format == Format::Cifar && !tar::is_tar(&input.head) {
            return Err(DataError::Layout {
                path: path.into(),
                found: "a file".into(),
                expected: "a folder with CIFAR-10's or CIFAR-100's files, or its .tar.gz".into(),
            });
        }
        if format == Format::Pictures {
            let flaw = Flaw::whole("one picture", "a folder for each class with PNG or JPEG files")
                .hint("give the folder above the classes");
            return Err(input.error(flaw));
        }
        Ok(Self { format, place: Place::File(input) })
    }

    /// What the folder at `path` holds, of the format that is asked for or recognised.
    pub fn in_folder(path: &Path, format: Option<Format>) -> Result<Self, DataError> {
        let wanted = |other: Format| format.is_none_or(|format| format == other);
        let files = files_of(path)?;
        if format == Some(Format::Cifar) || (format.is_none() && cifar::is_here(path)) {
            return Ok(Self { format: Format::Cifar, place: Place::Folder(files) });
        }
        let mut array = None;
        for file in files.iter().filter(|file| names::read_name(&file_name(file)).is_some()) {
            let Ok(input) = Input::open(file) else { continue };
            array = Format::of(&input.head)
                .filter(|found| matches!(found, Format::Npy | Format::Idx) && wanted(*found));
            if array.is_some() {
                break;
            }
        }
        if let Some(format) = array {
            return Ok(Self { format, place: Place::Folder(files) });
        }
        let is_parquet = |path: &PathBuf| {
            let named = path.extension().is_some_and(|extension| extension == "parquet");
            named && Input::open(path).is_ok_and(|input| Format::of(&input.head) == Some(Format::Parquet))
        };
        if wanted(Format::Parquet) && files.iter().any(is_parquet) {
            let files = files.into_iter().filter(is_parquet).collect();
            return Ok(Self { format: Format::Parquet, place: Place::Folder(files) });
        }
        if let Some((train, test)) = pair(path, &files)? {
            let (train, test) = (Input::open(&train)?, Input::open(&test)?);
            let found = format.or_else(|| Format::of(&train.head));
            let is_pair = |found: &Format| {
                !matches!(found, Format::Pictures | Format::Cifar | Format::Npy | Format::Idx)
            };
            if let Some(format) = found.filter(is_pair) {
                return Ok(Self { format, place: Place::Pair(train, test) });
            }
        }
        if format == Some(Format::Pictures) || (format.is_none() && pictures::is_here(path)) {
            return Ok(Self { format: Format::Pictures, place: Place::Folder(files) });
        }
        match format {
            Some(format) => Err(DataError::Layout {
                path: path.into(),
                found: "a folder without such files".into(),
                expected: format!("{}: data/README.md says how they are named", format.name()),
            }),
            // CIFAR's reader tells best what is missing.
            None => Ok(Self { format: Format::Cifar, place: Place::Folder(files) }),
        }
    }
}

pub fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// The entries of a folder that are no folders, by name.
pub fn files_of(folder: &Path) -> Result<Vec<PathBuf>, DataError> {
    let io = |error| DataError::Unreadable { path: folder.into(), error };
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).map_err(io)? {
        let entry = entry.map_err(io)?;
        if !entry.path().is_dir() {
            files.push(entry.path());
        }
    }
    files.sort();
    Ok(files)
}

/// The files called train and test, such as `train.csv` and `test.csv`.
fn pair(folder: &Path, files: &[PathBuf]) -> Result<Option<(PathBuf, PathBuf)>, DataError> {
    let of = |wanted: names::Part| -> Vec<&PathBuf> {
        let part = |path: &&PathBuf| {
            let name = file_name(path).to_lowercase();
            let words: Vec<&str> = name.split(|c: char| !c.is_alphanumeric()).collect();
            names::part_of(&words) == wanted
        };
        files.iter().filter(part).collect()
    };
    match (&of(names::Part::Train)[..], &of(names::Part::Test)[..]) {
        ([train], [test]) => Ok(Some(((*train).clone(), (*test).clone()))),
        ([], _) | (_, []) => Ok(None),
        (train, test) => {
            let list: Vec<String> = train.iter().chain(test).map(|path| file_name(path)).collect();
            let flaw = Flaw::whole(list.join(", "), "one file called train and one called test")
                .hint("give --data the training file and --test the test file");
            Err(DataError::Content { path: folder.into(), flaw })
        }
    }
}
