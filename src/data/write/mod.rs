//! One writer a format: each turns a [`Dataset`] into files that load again as the same data, bit by bit.
//!
//! [`plan`] checks that nothing would be lost before a byte is written; the [`Output`] it returns knows the files and
//! writes each into any stream. Who makes the files, and that they appear whole, is not decided here.

mod arrays;
mod cifar;
mod csv;
mod idx;
mod npy;
mod npz;
mod safetensors;
mod svmlight;
mod text;

use super::formats::labels::{self, Labels};
use super::{Dataset, Format, Planes, SampleWeights, Shape};
use std::collections::HashSet;
use std::io::{self, Write};
use thiserror::Error;

/// Something that a format cannot hold.
#[derive(Debug, Error)]
#[error("--to {format}: found {found}, expected {expected}")]
pub struct Loss {
    format: &'static str,
    found: String,
    expected: String,
}

impl Loss {
    fn new(format: &'static str, found: impl Into<String>, expected: impl Into<String>) -> Self {
        Self { format, found: found.into(), expected: expected.into() }
    }
}

/// Writes one file's content.
type Content<'a> = Box<dyn Fn(&mut dyn Write) -> io::Result<()> + 'a>;

/// A file to be.
pub struct File<'a> {
    /// Its name; empty for the only one.
    pub name: String,
    content: Content<'a>,
}

impl<'a> File<'a> {
    fn new(name: impl Into<String>, content: impl Fn(&mut dyn Write) -> io::Result<()> + 'a) -> Self {
        Self { name: name.into(), content: Box::new(content) }
    }

    /// Writes it.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        (self.content)(out)
    }
}

/// A data set as files.
pub struct Output<'a> {
    /// The files, of a folder unless it is one without a name.
    pub files: Vec<File<'a>>,
    /// What `--shape` must be when they are read: the format has rows of features where the data are pictures.
    pub shape: Option<Planes>,
    /// What `--weight-column` must be then, if the data have weights and the format does not say which these are.
    pub weight_column: Option<&'static str>,
}

impl<'a> Output<'a> {
    /// The only file; `None` if they make a folder.
    pub fn single(&self) -> Option<&File<'a>> {
        self.files.first().filter(|file| file.name.is_empty())
    }
}

/// Plans the files of `data` in `format`.
///
/// # Errors
/// [`Loss`] when the format could not hold all of it.
pub fn plan(data: &Dataset, format: Format) -> Result<Output<'_>, Loss> {
    match format {
        Format::Cifar => cifar::plan(data),
        Format::Idx => idx::plan(data),
        Format::Npy => npy::plan(data),
        Format::Npz => npz::plan(data),
        Format::Csv => csv::plan(data),
        Format::Svmlight => svmlight::plan(data),
        Format::Safetensors => safetensors::plan(data),
        Format::Parquet | Format::Pictures => Err(Loss::new(
            format.name(),
            "a format that is only read",
            "cifar, idx, npy, npz, csv, svmlight or safetensors",
        )),
    }
}

/// The label of each class as a whole number: the number it is called, or its place.
fn label_numbers(data: &Dataset, format: &'static str) -> Result<Vec<i64>, Loss> {
    check_different(data, format)?;
    let numbers: Vec<Option<i64>> = data.class_names.iter().map(|name| name.parse().ok()).collect();
    let plain =
        |(name, number): (&String, &Option<i64>)| number.is_some_and(|number| number.to_string() == *name);
    if numbers.iter().all(Option::is_none) {
        Ok((0_i64..).take(data.classes()).collect())
    } else if data.class_names.iter().zip(&numbers).all(plain) {
        Ok(numbers.into_iter().flatten().collect())
    } else {
        let found = "classes some of which are called by numbers and some by names";
        Err(Loss::new(format, found, "labels that are all numbers or all names"))
    }
}

/// A file `class_names.txt`, which gives the classes their order, and names to numbers.
fn class_names_file<'a>(data: &'a Dataset, format: &'static str) -> Result<File<'a>, Loss> {
    check_lines(data, format)?;
    Ok(File::new("class_names.txt", |out| write_lines(&data.class_names, out)))
}

fn write_lines(names: &[String], out: &mut dyn Write) -> io::Result<()> {
    names.iter().try_for_each(|name| writeln!(out, "{name}"))
}

/// Makes sure that each class name is a line of text.
fn check_lines(data: &Dataset, format: &'static str) -> Result<(), Loss> {
    let is_line = |name: &&String| name.trim() == *name && !name.is_empty() && !name.contains('\n');
    match data.class_names.iter().find(|name| !is_line(name)) {
        Some(name) => {
            Err(Loss::new(format, format!("a class called {name:?}"), "names that are lines of text"))
        }
        None => Ok(()),
    }
}

/// Makes sure that there are no weights, which the format cannot hold.
fn check_no_weights(data: &Dataset, format: &'static str) -> Result<(), Loss> {
    if data.weights == SampleWeights::default() {
        return Ok(());
    }
    let expected = "a format that holds them: npz, safetensors, npy, idx or csv";
    Err(Loss::new(format, "weights of the examples", expected))
}

fn check_different(data: &Dataset, format: &'static str) -> Result<(), Loss> {
    let mut seen = HashSet::new();
    match data.class_names.iter().find(|name| !seen.insert(*name)) {
        Some(name) => Err(Loss::new(format, format!("two classes called {name:?}"), "different names")),
        None => Ok(()),
    }
}

/// Makes sure that a file of labels alone, which are the classes' names, gives the same classes in the same order.
fn check_own_order(data: &Dataset, format: &'static str) -> Result<(), Loss> {
    let used: HashSet<u16> = data.train.labels.iter().copied().collect();
    let texts = data.class_names.iter().enumerate().filter(|(class, _)| used.contains(&(*class as u16)));
    let labels = Labels { texts: texts.map(|(_, name)| name.clone()).collect(), of: Vec::new() };
    if labels.classes() == data.class_names {
        return Ok(());
    }
    let found = "classes in an order of their own, or without examples";
    Err(Loss::new(format, found, "what labels alone tell: --to npz keeps the list of classes"))
}

/// Makes sure that a reader of text takes each name for a label as it is.
fn check_plain(data: &Dataset, format: &'static str) -> Result<(), Loss> {
    match data.class_names.iter().find(|name| labels::plain(name) != **name) {
        Some(name) => {
            let plain = labels::plain(name);
            Err(Loss::new(
                format,
                format!("a class called {name:?}"),
                format!("{plain:?}, as it would be read"),
            ))
        }
        None => Ok(()),
    }
}

/// What `--shape` must say of rows of features that are such examples.
fn planes(shape: Shape) -> Option<Planes> {
    match shape {
        Shape::Image { channels, height, width } => Some(Planes { channels, height, width }),
        Shape::Vector(_) => None,
    }
}
