//! From what the settings say to a [`Dataset`]: which format it is, which reader reads it, and which rows test.

mod assemble;
mod find;
mod parquet;
mod read;

pub use find::{Found, files_of};
pub use read::{csv_table, svmlight_rows};

use super::formats::input::Input;
use super::formats::{Format, cifar};
use super::{
    DEFAULT_FOLDER, DataError, Dataset, GENERATED, Holdout, Label, Planes, Shape, Size, Streamed, generate,
};
use assemble::assemble;
use find::Place;
use read::read_files;
use std::path::{Path, PathBuf};

/// What data to load: the settings about data.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Request {
    /// A file, a folder, [`GENERATED`], or what is found.
    pub data: Option<PathBuf>,
    /// Its format, if it is not to be recognised.
    pub format: Option<Format>,
    /// Which of CIFAR-100's labels.
    pub label: Option<Label>,
    /// Which column of a CSV or Parquet file holds the labels.
    pub label_column: Option<String>,
    /// Which column, or array, holds the weights of the examples.
    pub weight_column: Option<String>,
    /// The test examples, where `data` does not have them.
    pub test: Option<PathBuf>,
    /// How many of the examples test, where nobody told them apart.
    pub test_split: Option<Holdout>,
    /// What pictures the rows of features are.
    pub shape: Option<Planes>,
    /// To what pictures are resized.
    pub size: Option<Size>,
    /// What a model's examples are: pictures get its size, rows of as many features its shape.
    pub model: Option<Shape>,
    /// Whether there may be no test examples: all are for training then.
    pub no_test: bool,
}

/// Loads the data set that is asked for.
///
/// # Errors
/// [`DataError`] when files cannot be read or are not what their format says, when train and test cannot be told
/// apart, or when something is asked for that has no effect on such data.
pub fn load(request: &Request) -> Result<Dataset, DataError> {
    match request.data.as_deref() {
        Some(path) if path != Path::new(GENERATED) => load_path(path, request),
        None if Path::new(DEFAULT_FOLDER).is_dir() => load_path(Path::new(DEFAULT_FOLDER), request),
        _ if request.label.is_some() => {
            Err(DataError::LabelChoice { name: "the built-in generated set".into() })
        }
        _ => {
            let data = generate(generate::TRAIN, generate::TEST, generate::SEED);
            let given = request.format.map(|_| "format").or_else(|| request.unused_key(&[]));
            match given {
                Some(key) => Err(without_effect(key, &data.name, "it is made, not read")),
                None => Ok(data),
            }
        }
    }
}

impl Request {
    /// Width and height that pictures get.
    pub fn picture_size(&self) -> Option<[usize; 2]> {
        match (self.size, self.model) {
            (Some(size), _) => Some([size.width, size.height]),
            (None, Some(Shape::Image { height, width, .. })) => Some([width, height]),
            (None, _) => None,
        }
    }

    /// The first setting that is given though only `used` ones have an effect.
    fn unused_key(&self, used: &[&str]) -> Option<&'static str> {
        let given = [
            ("label-column", self.label_column.is_some()),
            ("weight-column", self.weight_column.is_some()),
            ("test", self.test.is_some()),
            ("test-split", self.test_split.is_some()),
            ("shape", self.shape.is_some()),
            ("size", self.size.is_some()),
        ];
        given.into_iter().find(|(key, given)| *given && !used.contains(key)).map(|(key, _)| key)
    }
}

pub fn without_effect(key: &'static str, name: &str, reason: &str) -> DataError {
    DataError::WithoutEffect { key, name: name.into(), reason: reason.into() }
}

fn load_path(path: &Path, request: &Request) -> Result<Dataset, DataError> {
    let found = Found::at(path, request)?;
    if found.format == Format::Cifar {
        return match &found.place {
            Place::File(input) => cifar::archive::load(input, request.label),
            _ => cifar::load(path, request.label),
        };
    }
    assemble(found.read(path, request)?, path, request)
}

/// As [`load`], but features stay in their files.
///
/// # Errors
/// As [`load`], and when single rows of these data cannot be read.
pub fn stream(request: &Request) -> Result<Dataset<Streamed>, DataError> {
    let path = match request.data.as_deref() {
        Some(path) if path != Path::new(GENERATED) => path,
        None if Path::new(DEFAULT_FOLDER).is_dir() => Path::new(DEFAULT_FOLDER),
        _ => {
            let reason = "it is made in memory, not read: `cifar-train data generate` writes such data";
            return Err(without_effect("memory", "the built-in generated set", reason));
        }
    };
    let found = Found::at(path, request)?;
    let data = match (found.format, &found.place) {
        (Format::Cifar, Place::File(_)) => Err(found.not_in_place(path)),
        (Format::Cifar, _) => cifar::in_place(path, request.label),
        _ => assemble(found.in_place(path, request)?, path, request),
    }?;
    Ok(Streamed::dataset(data))
}

/// Loads the data set in one file of a format whose files are read alone.
///
/// # Errors
/// As [`load`].
pub fn load_input(input: &Input, format: Format, request: &Request) -> Result<Dataset, DataError> {
    assemble(read_files(input, None, format, request)?, &input.path, request)
}
