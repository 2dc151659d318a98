//! What a reader makes of a file. Features are [`Features`] that were read, or [`InPlace`] where they stay in it.

use super::element::not_finite;
use super::flaw::Flaw;
use super::in_place::InPlace;
use super::labels::Labels;
use super::lines::to_floats;
use crate::data::{Features, Shape};

/// Examples as a file has them: labels are still texts.
#[derive(Clone, Debug, PartialEq)]
pub struct Table<F = Features> {
    /// X (N, D), row-major.
    pub features: F,
    /// What an example is.
    pub shape: Shape,
    /// One label an example, if the file has them.
    pub labels: Option<Labels>,
    /// One weight an example, if the file has them.
    pub weights: Option<Vec<f64>>,
}

/// Rows of features on their way into a data set, wherever they are.
pub trait FeatureRows: Sized {
    /// How many rows of `width` features there are.
    fn rows(&self, width: usize) -> usize;
    /// Whether they are bytes, not floats.
    fn are_bytes(&self) -> bool;
    /// The same as floats.
    #[must_use]
    fn into_floats(self) -> Self;
    /// Those of the rows that are not `taken`, and those that are; `taken` is in rising order.
    fn divide(self, width: usize, taken: &[u32]) -> (Self, Self);
}

impl FeatureRows for Features {
    fn rows(&self, width: usize) -> usize {
        self.len() / width.max(1)
    }

    fn are_bytes(&self) -> bool {
        matches!(self, Self::Bytes(_))
    }

    fn into_floats(self) -> Self {
        to_floats(self)
    }

    fn divide(self, width: usize, taken: &[u32]) -> (Self, Self) {
        match self {
            Self::Bytes(values) => {
                let (kept, taken) = take_rows(values, width, taken);
                (Self::Bytes(kept), Self::Bytes(taken))
            }
            Self::Floats(values) => {
                let (kept, taken) = take_rows(values, width, taken);
                (Self::Floats(kept), Self::Floats(taken))
            }
        }
    }
}

impl FeatureRows for InPlace {
    fn rows(&self, _width: usize) -> usize {
        self.len()
    }

    fn are_bytes(&self) -> bool {
        self.is_bytes()
    }

    fn into_floats(self) -> Self {
        self.to_floats()
    }

    fn divide(self, _width: usize, taken: &[u32]) -> (Self, Self) {
        let (kept, _) = take_rows((0..self.len() as u32).collect(), 1, taken);
        (self.choose(kept), self.choose(taken.to_vec()))
    }
}

/// Takes `rows`, in rising order, out of `values`: what is left, and what was taken.
pub fn take_rows<T: Copy>(mut values: Vec<T>, width: usize, rows: &[u32]) -> (Vec<T>, Vec<T>) {
    if rows.is_empty() {
        return (values, Vec::new());
    }
    let mut taken = Vec::with_capacity(rows.len() * width);
    let mut next = rows.iter().map(|&row| row as usize).peekable();
    let mut kept = 0;
    for row in 0..values.len() / width.max(1) {
        let range = row * width..(row + 1) * width;
        if next.next_if_eq(&row).is_some() {
            taken.extend_from_slice(&values[range]);
        } else {
            values.copy_within(range, kept * width);
            kept += 1;
        }
    }
    values.truncate(kept * width);
    values.shrink_to_fit();
    (values, taken)
}

impl<F: FeatureRows> Table<F> {
    /// N, the number of examples.
    pub fn rows(&self) -> usize {
        self.features.rows(self.shape.features().unwrap_or(1))
    }
}

impl Table {
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
pub enum Parts<F = Features> {
    /// Both, told apart by their names.
    Both {
        /// What training sees.
        train: Table<F>,
        /// What only the final figures see.
        test: Table<F>,
    },
    /// Examples that nobody told apart.
    One(Table<F>),
}

/// A data set as its files have it.
#[derive(Clone, Debug, PartialEq)]
pub struct Contents<F = Features> {
    /// Its examples.
    pub parts: Parts<F>,
    /// Names of the classes, by number, where the files give them.
    pub class_names: Option<Vec<String>>,
    /// Names of the features, where the files give them.
    pub feature_names: Option<Vec<String>>,
    /// What the user should know, one line each.
    pub notes: Vec<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_taken_out_in_order() {
        let (kept, taken) = take_rows(vec![0, 1, 10, 11, 20, 21, 30, 31], 2, &[1, 3]);
        assert_eq!((kept, taken), (vec![0, 1, 20, 21], vec![10, 11, 30, 31]));
    }
}
