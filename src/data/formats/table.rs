//! What a reader makes of a file.

use super::element::not_finite;
use super::flaw::Flaw;
use super::labels::Labels;
use crate::data::{Features, Shape};

/// Examples as a file has them: labels are still texts.
#[derive(Clone, Debug, PartialEq)]
pub struct Table {
    /// X (N, D), row-major.
    pub features: Features,
    /// What an example is.
    pub shape: Shape,
    /// One label an example, if the file has them.
    pub labels: Option<Labels>,
    /// One weight an example, if the file has them.
    pub weights: Option<Vec<f64>>,
}

impl Table {
    /// N, the number of examples.
    pub fn rows(&self) -> usize {
        self.features.len() / self.shape.features().unwrap_or(1).max(1)
    }

    /// Makes sure that every float is finite: numbers in text may be beyond what is held.
    ///
    /// # Errors
    /// [`Flaw`] with row and feature.
    pub fn check_finite(&self) -> Result<(), Flaw> {
        let (Features::Floats(values), Some(width)) = (&self.features, self.shape.features()) else {
            return Ok(());
        };
        let Some(at) = values.iter().position(|value| !value.is_finite()) else { return Ok(()) };
        Err(not_finite(&format!("row {}, feature {}", at / width, at % width), f64::from(values[at])))
    }
}

/// What a file or a folder has of train and test.
#[derive(Clone, Debug, PartialEq)]
pub enum Parts {
    /// Both, told apart by their names.
    Both {
        /// What training sees.
        train: Table,
        /// What only the final figures see.
        test: Table,
    },
    /// Examples that nobody told apart.
    One(Table),
}

/// A data set as its files have it.
#[derive(Clone, Debug, PartialEq)]
pub struct Contents {
    /// Its examples.
    pub parts: Parts,
    /// Names of the classes, by number, where the files give them.
    pub class_names: Option<Vec<String>>,
    /// What the user should know, one line each.
    pub notes: Vec<String>,
}
