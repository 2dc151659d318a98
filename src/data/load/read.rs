//! Reads what was found: one file, training examples of one and test examples of another, or a folder.

use super::find::{Found, Place, files_of};
use super::{Request, parquet, without_effect};
use crate::data::formats::arrays::{self, Arrays, Layout};
use crate::data::formats::flaw::{Flaw, Trouble};
use crate::data::formats::in_place::InPlace;
use crate::data::formats::input::Input;
use crate::data::formats::table::{Contents, Parts, Table};
use crate::data::formats::{Format, csv, pictures, svmlight};
use crate::data::{DataError, check_names};
use std::path::Path;

impl Found {
    /// Reads it.
    pub fn read(self, path: &Path, request: &Request) -> Result<Contents, DataError> {
        match (self.place, self.format) {
            (place @ (Place::Folder(_) | Place::File(_)), Format::Npy | Format::Idx) => {
                let (arrays, folder) = array_files(&place, path, self.format)?;
                with_class_names(folder, arrays.load()?)
            }
            (Place::Folder(files), Format::Parquet) => {
                with_class_names(path, parquet::folder(&files, request)?)
            }
            (Place::Folder(_), _) => pictures::load(path, request.picture_size()),
            (Place::Pair(train, test), format) => {
                let contents = read_files(&train, Some(&test), format, request)?;
                with_class_names(path, contents)
            }
            (Place::File(input), format) => {
                let test = request.test.as_deref().map(Input::open).transpose()?;
                read_files(&input, test.as_ref(), format, request)
            }
        }
    }

    /// As [`Found::read`], but features stay in their place.
    pub fn in_place(self, path: &Path, request: &Request) -> Result<Contents<InPlace>, DataError> {
        let weights = request.weight_column.as_deref();
        match (&self.place, self.format) {
            (place, Format::Npy | Format::Idx) => {
                let (arrays, folder) = array_files(place, path, self.format)?;
                with_class_names(folder, arrays.in_place()?)
            }
            (Place::Pair(train, test), Format::Safetensors) => {
                check_format(test, self.format, request)?;
                let both = [train, test].map(|input| arrays::of_safetensors(input, weights)?.in_place());
                let [first, second] = both;
                with_class_names(path, join(first?, second?, train, test)?)
            }
            (Place::File(input), Format::Safetensors) => {
                let contents = arrays::of_safetensors(input, weights)?.in_place()?;
                let Some(test) = request.test.as_deref() else { return Ok(contents) };
                let test = Input::open(test)?;
                check_format(&test, self.format, request)?;
                join(contents, arrays::of_safetensors(&test, weights)?.in_place()?, input, &test)
            }
            _ => Err(self.not_in_place(path)),
        }
    }

    pub fn not_in_place(&self, path: &Path) -> DataError {
        DataError::NotInPlace { path: path.into(), found: self.format.name().into() }
    }
}

/// The arrays of a folder, or those that one of its files belongs to; and the folder.
fn array_files<'a>(place: &Place, path: &'a Path, format: Format) -> Result<(Arrays, &'a Path), DataError> {
    let layout = if format == Format::Npy { Layout::Npy } else { Layout::Idx };
    if let Place::Folder(files) = place {
        return Ok((arrays::of_folder(path, files, layout)?, path));
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    Ok((arrays::of_file(path, &files_of(folder)?, layout)?, folder))
}

/// Class names from a text file beside numbered labels, one a line: `class_names.txt`, or CIFAR-10's own.
fn with_class_names<F>(folder: &Path, contents: Contents<F>) -> Result<Contents<F>, DataError> {
    let file = ["class_names.txt", "batches.meta.txt"]
        .iter()
        .map(|file| folder.join(file))
        .find(|path| path.is_file());
    let Some(path) = file.filter(|_| contents.class_names.is_none()) else { return Ok(contents) };
    let input = Input::open(&path)?;
    let bytes = input.bytes(1 << 24).map_err(|trouble| input.error(trouble))?;
    let text = String::from_utf8_lossy(&bytes);
    let names = text.lines().map(str::trim).filter(|line| !line.is_empty()).map(Into::into).collect();
    Ok(Contents { class_names: Some(names), ..contents })
}

/// Reads one file of tables, and the other that tests it, if there is one.
pub fn read_files(
    train: &Input,
    test: Option<&Input>,
    format: Format,
    request: &Request,
) -> Result<Contents, DataError> {
    if let Some(test) = test {
        check_format(test, format, request)?;
    }
    let weights = request.weight_column.as_deref();
    let unnamed = |parts| Contents { parts, class_names: None, feature_names: None, notes: Vec::new() };
    let contents = match format {
        Format::Npz => arrays::of_npz(train, weights)?.load()?,
        Format::Safetensors => arrays::of_safetensors(train, weights)?.load()?,
        Format::Csv => return read_csv(train, test, request),
        Format::Parquet => {
            let train = std::slice::from_ref(train);
            let test = test.map(std::slice::from_ref).unwrap_or_default();
            return parquet::files(train, test, request);
        }
        Format::Svmlight => {
            let rows = |input: &Input| svmlight_rows(input);
            let Some(test) = test else {
                let [table] = svmlight::finish([rows(train)?], None).map_err(|flaw| train.error(flaw))?;
                return Ok(unnamed(Parts::One(table)));
            };
            let tables = svmlight::finish([rows(train)?, rows(test)?], None);
            let [first, second] = tables.map_err(|flaw| train.error(flaw))?;
            return Ok(unnamed(Parts::Both { train: first, test: second }));
        }
        Format::Cifar | Format::Idx | Format::Npy | Format::Pictures => {
            let flaw = Flaw::whole(format.name(), "a file of examples with their labels");
            return Err(train.error(flaw));
        }
    };
    let Some(test) = test else { return Ok(contents) };
    let other = if format == Format::Npz {
        arrays::of_npz(test, weights)?
    } else {
        arrays::of_safetensors(test, weights)?
    };
    join(contents, other.load()?, train, test)
}

/// Makes sure that the file of test examples is of the training file's format, as far as can be seen.
fn check_format(test: &Input, format: Format, request: &Request) -> Result<(), DataError> {
    let other = Format::of(&test.head).filter(|other| *other != format && request.format.is_none());
    let Some(other) = other else { return Ok(()) };
    let flaw = Flaw::whole(other.name(), format!("{} as the training file", format.name()));
    Err(test.error(flaw.hint("both files have one format")))
}

/// The training examples of one file, and those of another to test them.
fn join<F>(
    contents: Contents<F>,
    other: Contents<F>,
    train: &Input,
    test: &Input,
) -> Result<Contents<F>, DataError> {
    let Contents { parts, class_names, feature_names, notes } = contents;
    match (parts, other.parts) {
        (Parts::One(first), Parts::One(second)) => {
            let parts = Parts::Both { train: first, test: second };
            Ok(Contents { parts, class_names, feature_names, notes })
        }
        (Parts::Both { .. }, _) => {
            Err(without_effect("test", &train.path.display().to_string(), "it has test examples of its own"))
        }
        (_, Parts::Both { .. }) => {
            let flaw = Flaw::whole("training and test examples", "test examples alone");
            Err(test.error(flaw.hint("give that file as --data")))
        }
    }
}

/// Reads a file of svmlight's format, whose first index is not known yet.
pub fn svmlight_rows(input: &Input) -> Result<svmlight::Rows, DataError> {
    let read = input.stream().map_err(Trouble::from).and_then(|mut source| svmlight::read(&mut source));
    read.map_err(|trouble| input.error(trouble))
}

/// Reads a CSV file of examples for `request`.
pub fn csv_table(input: &Input, request: csv::Request<'_>) -> Result<(Table, csv::Columns), DataError> {
    let read = input.stream().map_err(Trouble::from).and_then(|mut source| csv::read(&mut source, request));
    read.map_err(|trouble| input.error(trouble))
}

fn read_csv(train: &Input, test: Option<&Input>, request: &Request) -> Result<Contents, DataError> {
    let (label, weight) = (request.label_column.as_deref(), request.weight_column.as_deref());
    let (table, columns) = csv_table(train, csv::Request { label, weight, width: None })?;
    let guess = format!("labels are from column {}, the only one of texts", columns.label_name());
    let notes = if columns.guessed { vec![guess] } else { Vec::new() };
    let feature_names = columns.feature_names();
    let contents = |parts| Contents { parts, class_names: None, feature_names, notes };
    let Some(test) = test else { return Ok(contents(Parts::One(table))) };
    let place = |column: Option<usize>| column.map(|place| (place + 1).to_string());
    let (label, weight) = (place(columns.label), place(columns.weight));
    let same = csv::Request { label: label.as_deref(), weight: weight.as_deref(), width: None };
    let (other, its_columns) = csv_table(test, same)?;
    let place = |at| format!("line 1, column {}", at + 1);
    let (names, expected) = (its_columns.names.as_deref(), columns.names.as_deref());
    check_names(names, expected, &train.path.display().to_string(), place)
        .map_err(|flaw| test.error(flaw))?;
    Ok(contents(Parts::Both { train: table, test: other }))
}
