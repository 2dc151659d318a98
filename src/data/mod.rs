//! Data sets: examples as bytes or floats, their labels and names, read whole and checked at the door.
//!
//! [`load`] finds the data (files of any of [`formats`], or the built-in generated set) and returns a [`Dataset`];
//! [`Split`] sets rows aside for validation; [`preprocess`] learns the statistics of the training
//! rows. Nothing here copies the features: rows are chosen by number. [`stream`] leaves them in their files: a [`Store`]
//! hands out either kind.

mod class_weight;
mod distant;
mod error;
pub mod examine;
mod extents;
mod feature_names;
mod features;
pub mod formats;
mod generate;
mod inputs;
mod load;
pub mod preprocess;
mod sample_weight;
mod shape;
mod split;
mod store;
mod stream;
pub mod write;

pub use class_weight::ClassWeight;
pub use distant::Distant;
pub use error::DataError;
pub use extents::{Planes, Size};
pub use feature_names::check_names;
pub use features::Features;
pub use formats::Format;
pub use formats::cifar::Label;
pub use formats::threads::limit as limit_readers;
pub use generate::generate;
pub use inputs::{InputRequest, Inputs, read_inputs};
pub use load::{Request, load, load_input, stream};
pub use preprocess::{Preprocess, Preprocessing};
pub use sample_weight::{SampleWeights, example_weights};
pub use shape::Shape;
pub use split::{Holdout, Split};
pub use store::{Store, View};
pub use stream::Streamed;

use crate::kernel::Matrix;
use std::path::PathBuf;

/// Where a data folder is looked for when `--data` is not given.
pub const DEFAULT_FOLDER: &str = "data/cifar-10-batches-bin";

/// Examples with their labels: `features` is X (N, D), row-major; `labels` are below K.
#[derive(Clone, Debug, PartialEq)]
pub struct Examples<F = Features> {
    /// X (N, D).
    pub features: F,
    /// One label an example.
    pub labels: Vec<u16>,
    /// D.
    pub width: usize,
}

impl Examples {
    /// The features as the kernels take them.
    pub fn rows(&self) -> Matrix<'_> {
        self.features.rows(self.width)
    }

    /// Bytes of the features of one row.
    pub fn row_bytes(&self) -> usize {
        match self.features {
            Features::Bytes(_) => self.width,
            Features::Floats(_) => self.width * size_of::<f32>(),
        }
    }
}

impl<F> Examples<F> {
    /// N, the number of examples.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether there is no example.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
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
    /// A file or a folder on disk.
    Path(PathBuf),
}

/// A data set: training and test examples of the same shape and classes, held in memory or in another [`Store`].
#[derive(Clone, Debug)]
pub struct Dataset<E = Examples> {
    /// What it is called in logs: "CIFAR-10", "CIFAR-100 (fine labels)", "generated".
    pub name: String,
    /// Where it came from.
    pub source: Source,
    /// What an example is; D is its number of features.
    pub shape: Shape,
    /// K names.
    pub class_names: Vec<String>,
    /// D names, where the files have them. No digest knows of them.
    pub feature_names: Option<Vec<String>>,
    /// What training sees.
    pub train: E,
    /// What only the final figures see.
    pub test: E,
    /// How much each example counts, if the data say so.
    pub weights: SampleWeights,
    /// Things the user should know, one line each.
    pub notes: Vec<String>,
}

impl<E> Dataset<E> {
    /// K, the number of classes.
    pub fn classes(&self) -> usize {
        self.class_names.len()
    }

    /// The same set with its examples made into others by `change`.
    pub fn map<T>(self, change: impl Fn(E) -> T) -> Dataset<T> {
        let Self { name, source, shape, class_names, feature_names, train, test, weights, notes } = self;
        let (train, test) = (change(train), change(test));
        Dataset { name, source, shape, class_names, feature_names, train, test, weights, notes }
    }
}

impl Dataset {
    /// As [`Dataset::try_digest`].
    pub fn digest(&self) -> String {
        let Ok(digest) = self.try_digest();
        digest
    }
}

impl<E: Store> Dataset<E> {
    /// BLAKE3, in hexadecimal, of shape, class names, and both parts' features, labels and weights, if they have any:
    /// equal for equal data, whatever files it came from.
    ///
    /// # Errors
    /// When features that are not held cannot be read.
    pub fn try_digest(&self) -> Result<String, E::Error> {
        let mut hash = blake3::Hasher::new();
        let extents = match self.shape {
            Shape::Image { channels, height, width } => vec![channels, height, width],
            // No picture has 0 channels.
            Shape::Vector(features) => vec![0, features],
        };
        for extent in extents {
            hash.update(&(extent as u64).to_le_bytes());
        }
        for name in &self.class_names {
            hash.update(name.as_bytes());
            hash.update(&[0]);
        }
        for (part, weights) in [(&self.train, &self.weights.train), (&self.test, &self.weights.test)] {
            hash.update(&(part.len() as u64).to_le_bytes());
            part.for_each_bytes(&mut |bytes| {
                hash.update(bytes);
            })?;
            let labels: Vec<u8> = part.labels().iter().flat_map(|label| label.to_le_bytes()).collect();
            hash.update(&labels);
            if let Some(weights) = weights {
                hash.update(b"weights");
                weights.iter().for_each(|weight| {
                    hash.update(&weight.to_le_bytes());
                });
            }
        }
        Ok(hash.finalize().to_string())
    }
}

/// The path that stands for the built-in generated set.
pub const GENERATED: &str = "generated";
