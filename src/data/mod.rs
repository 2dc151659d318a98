//! Data sets: examples as bytes or floats, their labels and names, read whole and checked at the door.
//!
//! [`load`] finds the data (a folder, or the built-in generated set) and returns a [`Dataset`];
//! [`Split`] sets rows aside for validation; [`preprocess`] learns the statistics of the training
//! rows. Nothing here copies the features: rows are chosen by number.

mod cifar;
mod error;
mod features;
mod generate;
pub mod preprocess;
mod shape;
mod split;

pub use cifar::{Inputs, Label, read_inputs};
pub use error::DataError;
pub use features::Features;
pub use generate::generate;
pub use preprocess::{Preprocess, Preprocessing};
pub use shape::Shape;
pub use split::{Holdout, Split};

use crate::kernel::Matrix;
use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};

/// Where a data folder is looked for when `--data` is not given.
pub const DEFAULT_FOLDER: &str = "data/cifar-10-batches-bin";

/// Examples with their labels: `features` is X (N, D), row-major; `labels` are below K.
#[derive(Clone, Debug, PartialEq)]
pub struct Examples {
    /// X (N, D).
    pub features: Features,
    /// One label an example.
    pub labels: Vec<u16>,
    /// D.
    pub width: usize,
}

impl Examples {
    /// N, the number of examples.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether there is no example.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// The features as the kernels take them.
    pub fn rows(&self) -> Matrix<'_> {
        self.features.rows(self.width)
    }

    /// The numbers of all rows, in order.
    pub fn all(&self) -> Vec<u32> {
        (0..self.len() as u32).collect()
    }
}

/// Where a data set came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// The generated set that is part of the program.
    BuiltIn,
    /// A folder on disk.
    Folder(PathBuf),
}

/// A data set: training and test examples of the same shape and classes.
#[derive(Clone, Debug)]
pub struct Dataset {
    /// What it is called in logs: "CIFAR-10", "CIFAR-100 (fine labels)", "generated".
    pub name: String,
    /// Where it came from.
    pub source: Source,
    /// What an example is; D is its number of features.
    pub shape: Shape,
    /// K names.
    pub class_names: Vec<String>,
    /// What training sees.
    pub train: Examples,
    /// What only the final figures see.
    pub test: Examples,
    /// Things the user should know, one line each.
    pub notes: Vec<String>,
}

impl Dataset {
    /// K, the number of classes.
    pub fn classes(&self) -> usize {
        self.class_names.len()
    }

    /// SHA-256, in hexadecimal, of shape, class names, and both parts' features and labels: equal
    /// for equal data, whatever files it came from.
    pub fn digest(&self) -> String {
        let mut hash = Sha256::new();
        let extents = match self.shape {
            Shape::Image { channels, height, width } => vec![channels, height, width],
            // No picture has 0 channels.
            Shape::Vector(features) => vec![0, features],
        };
        for extent in extents {
            hash.update((extent as u64).to_le_bytes());
        }
        for name in &self.class_names {
            hash.update(name.as_bytes());
            hash.update([0]);
        }
        for part in [&self.train, &self.test] {
            hash.update((part.len() as u64).to_le_bytes());
            part.features.for_each_bytes(|bytes| hash.update(bytes));
            let labels: Vec<u8> = part.labels.iter().flat_map(|label| label.to_le_bytes()).collect();
            hash.update(labels);
        }
        format!("{:x}", hash.finalize())
    }
}

/// The path that stands for the built-in generated set.
pub const GENERATED: &str = "generated";

/// Loads the data set at `path` ([`GENERATED`] is the built-in one); with none, the one in [`DEFAULT_FOLDER`] if that is there, else
/// the built-in generated set.
///
/// # Errors
/// [`DataError`] when the files cannot be read or are not what their layout says.
pub fn load(path: Option<&Path>, label: Option<Label>) -> Result<Dataset, DataError> {
    match path {
        Some(path) if path != Path::new(GENERATED) => cifar::load(path, label),
        None if Path::new(DEFAULT_FOLDER).is_dir() => cifar::load(Path::new(DEFAULT_FOLDER), label),
        _ if label.is_some() => Err(DataError::LabelChoice { name: "the built-in generated set".into() }),
        _ => Ok(generate(generate::TRAIN, generate::TEST)),
    }
}
