//! Files of Parquet, one after the other, as one table.

use super::columns::{Chosen, Column, Kind, choose, columns};
use super::{Loaded, Request, numbers};
use crate::data::formats::arrange::MOST_ROWS;
use crate::data::formats::flaw::{Flaw, Trouble};
use crate::data::formats::input::Input;
use crate::data::formats::labels::Collector;
use crate::data::formats::lines::append;
use crate::data::formats::pictures::Album;
use crate::data::formats::table::Table;
use crate::data::{DataError, Features, Shape};
use parquet::data_type::ByteArray;
use parquet::file::metadata::FileMetaData;
use parquet::file::reader::{FileReader, RowGroupReader, SerializedFileReader};
use std::fs::File;

/// Reads the examples of all `inputs`, in order; their columns must be alike.
///
/// # Errors
/// [`DataError`] when one is damaged, lacks a value, or has no columns of labels and features.
pub fn load(inputs: &[Input], request: Request<'_>) -> Result<Loaded, DataError> {
    let mut reading = Reading { request, ..Reading::default() };
    for input in inputs {
        reading.file(input).map_err(|trouble| input.error(trouble))?;
    }
    reading.finish().map_err(|flaw| match inputs {
        [input, ..] => input.error(flaw),
        [] => unreachable!("there is a file"),
    })
}

/// What has been read so far.
#[derive(Default)]
struct Reading<'a> {
    request: Request<'a>,
    /// The columns of the first file.
    chosen: Option<Chosen>,
    features: Option<Features>,
    width: Option<usize>,
    album: Album,
    labels: Collector,
    rows: usize,
    class_names: Option<Vec<String>>,
}

impl Reading<'_> {
    fn file(&mut self, input: &Input) -> Result<(), Trouble> {
        let reader = SerializedFileReader::new(File::open(&input.path)?).map_err(damaged)?;
        let metadata = reader.metadata().file_metadata();
        let chosen = choose(&columns(metadata.schema_descr()), self.request)?;
        let names = |chosen: &Chosen| -> Vec<String> {
            chosen.label.iter().chain(&chosen.features).map(|column| column.name.clone()).collect()
        };
        let first = self.chosen.get_or_insert_with(|| chosen.clone());
        if names(first) != names(&chosen) {
            let (found, expected) = (names(&chosen).join(", "), names(first).join(", "));
            return Err(Flaw::whole(
                format!("the columns {found}"),
                format!("{expected} as in the first file"),
            )
            .into());
        }
        if let Some(label) = &chosen.label {
            let names = class_names(metadata, &label.name);
            if self.rows > 0 && names != self.class_names {
                return Err(Flaw::whole("other names of classes", "those of the first file").into());
            }
            self.class_names = names;
        }
        let before = self.rows;
        for group in 0..reader.num_row_groups() {
            let group = reader.get_row_group(group).map_err(damaged)?;
            self.group(&*group, &chosen, before)?;
        }
        Ok(())
    }

    /// Reads a row group; rows count from 0 in each file, and `before` are of other files.
    fn group(&mut self, group: &dyn RowGroupReader, chosen: &Chosen, before: usize) -> Result<(), Flaw> {
        let first = self.rows - before;
        let open = |column: &Column| group.get_column_reader(column.leaf).map_err(damaged);
        let descriptor = |column: &Column| group.metadata().column(column.leaf).column_descr_ptr();
        let rows = match &chosen.features[..] {
            [column] if column.kind == Kind::Picture => {
                let (before, size) = (self.album.count(), self.request.size);
                numbers::bytes(open(column)?, &descriptor(column), first, |pictures| {
                    let row = first + self.album.count() - before;
                    let pictures: Vec<&[u8]> = pictures.iter().map(ByteArray::data).collect();
                    self.album.add(&pictures, size, |at| format!("row {}", row + at))
                })?;
                self.album.count() - before
            }
            features => {
                let mut width = self.width.filter(|_| features.len() == 1);
                let mut read = Vec::with_capacity(features.len());
                for column in features {
                    read.push(numbers::numbers(open(column)?, &descriptor(column), first, &mut width)?);
                }
                let rows = read[0].rows;
                if let Some(at) = read.iter().position(|numbers| numbers.rows != rows) {
                    let found = format!("{} rows of {}", read[at].rows, features[at].name);
                    return Err(Flaw::whole(found, format!("{rows} as of {}", features[0].name)));
                }
                let is_list = features[0].kind == Kind::List;
                self.width = if is_list { width } else { Some(features.len()) };
                let values = read.into_iter().map(|numbers| numbers.values).collect();
                append(self.features.get_or_insert(Features::Bytes(Vec::new())), interleave(values, rows));
                rows
            }
        };
        self.rows += rows;
        if self.rows > MOST_ROWS {
            return Err(Flaw::whole(format!("{} rows", self.rows), format!("at most {MOST_ROWS}")));
        }
        let Some(label) = &chosen.label else { return Ok(()) };
        let mut count = 0;
        numbers::labels(open(label)?, &descriptor(label), first, |text| {
            count += 1;
            self.labels.push(text)
        })?;
        if count != rows {
            return Err(Flaw::whole(
                format!("{count} rows of {}", label.name),
                format!("{rows} as of the features"),
            ));
        }
        Ok(())
    }

    fn finish(self) -> Result<Loaded, Flaw> {
        if self.rows == 0 {
            return Err(Flaw::whole("no rows", "a row an example"));
        }
        let Some(chosen) = self.chosen else { unreachable!("there are rows") };
        let labels = chosen.label.is_some().then(|| self.labels.finish());
        let table = match self.features {
            Some(features) => {
                let shape = Shape::Vector(self.width.unwrap_or_default());
                let table = Table { features, shape, labels, weights: None };
                table.check_finite()?;
                table
            }
            None => self.album.table(self.request.channels, labels)?,
        };
        let notes = match &chosen.left_out[..] {
            [] => Vec::new(),
            names => vec![format!("left out: the columns {}", names.join(", "))],
        };
        let label = chosen.label.map(|label| label.name);
        Ok(Loaded { table, label, class_names: self.class_names, notes })
    }
}

#[allow(clippy::needless_pass_by_value, reason = "errors are made to be consumed")]
fn damaged(error: parquet::errors::ParquetError) -> Flaw {
    Flaw::whole(error.to_string(), "a whole Parquet file")
}

/// Columns of one number a row, or one column of lists, as rows.
fn interleave(mut columns: Vec<Features>, rows: usize) -> Features {
    if columns.len() == 1 {
        return columns.remove(0);
    }
    let bytes: Option<Vec<&[u8]>> = columns
        .iter()
        .map(|column| match column {
            Features::Bytes(values) => Some(&values[..]),
            Features::Floats(_) => None,
        })
        .collect();
    match bytes {
        Some(columns) => {
            Features::Bytes((0..rows).flat_map(|row| columns.iter().map(move |column| column[row])).collect())
        }
        None => Features::Floats(
            (0..rows).flat_map(|row| columns.iter().map(move |column| column.get(row))).collect(),
        ),
    }
}

/// The names of the classes in the metadata: `class_names`, a JSON list, or what Hugging Face writes for a column.
fn class_names(metadata: &FileMetaData, label: &str) -> Option<Vec<String>> {
    let entries = metadata.key_value_metadata()?;
    let json = |key: &str| {
        let entry = entries.iter().find(|entry| entry.key == key)?;
        serde_json::from_str::<serde_json::Value>(entry.value.as_deref()?).ok()
    };
    let names = json("class_names").or_else(|| {
        Some(json("huggingface")?.get("info")?.get("features")?.get(label)?.get("names")?.clone())
    })?;
    serde_json::from_value(names).ok()
}
