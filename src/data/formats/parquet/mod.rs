//! Parquet: pictures as data sets on Hugging Face have them (a column of encoded pictures and one of labels), rows of
//! numbers (a column a feature), or a column of lists of numbers, all of one length.
//!
//! Read by the crate `parquet`, which only builds with the feature of that name have: without it, an error says so.

#[cfg(feature = "parquet")]
mod columns;
#[cfg(feature = "parquet")]
mod numbers;
#[cfg(feature = "parquet")]
mod read;

#[cfg(feature = "parquet")]
pub use read::load;

use super::table::Table;
#[cfg(not(feature = "parquet"))]
use super::{flaw::Flaw, input::Input};
#[cfg(not(feature = "parquet"))]
use crate::data::DataError;

/// How a file begins, and how it ends.
pub const MAGIC: &[u8] = b"PAR1";

/// What is known of the files before they are read.
#[derive(Clone, Copy, Debug, Default)]
pub struct Request<'a> {
    /// The label column: its name, its number from 1, or "last".
    pub label: Option<&'a str>,
    /// The column of the examples' weights, likewise.
    pub weight: Option<&'a str>,
    /// Width and height that pictures get.
    pub size: Option<[usize; 2]>,
    /// Channels that pictures get; else one if all are grey, and three if not.
    pub channels: Option<usize>,
    /// Whether there may be no labels, and D of the model that the rows are for: so many columns of numbers have none.
    pub unlabelled: Option<usize>,
}

/// What files of one kind hold.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The examples of all of them, in order.
    pub table: Table,
    /// The name of the label column.
    pub label: Option<String>,
    /// The name of the column of weights.
    pub weight: Option<String>,
    /// Names of the classes, by number, where the files' metadata have them.
    pub class_names: Option<Vec<String>>,
    /// Names of the features, where each is a column.
    pub feature_names: Option<Vec<String>>,
    /// What the user should know.
    pub notes: Vec<String>,
}

/// Says that this build reads no Parquet.
///
/// # Errors
/// Always.
#[cfg(not(feature = "parquet"))]
pub fn load(inputs: &[Input], _request: Request<'_>) -> Result<Loaded, DataError> {
    let flaw = Flaw::whole("Parquet, which this build does not read", "another format")
        .hint("build with it: cargo install --path . --features parquet");
    let path = inputs.first().map(|input| input.path.clone()).unwrap_or_default();
    Err(DataError::Content { path, flaw })
}
