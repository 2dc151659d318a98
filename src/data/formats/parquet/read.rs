//! Files of Parquet, one after the other, as one table.

use super::columns::{Chosen, Column, Kind, choose, columns};
use super::numbers::Numbers;
use super::{Loaded, Request, numbers};
use crate::data::formats::arrange::{MOST_ROWS, interleave};
use crate::data::formats::flaw::{Flaw, Trouble};
use crate::data::formats::input::Input;
use crate::data::formats::labels::Collector;
use crate::data::formats::lines::append;
use crate::data::formats::pictures::Album;
use crate::data::formats::table::Table;
use crate::data::formats::threads::{readers, side_by_side};
use crate::data::{DataError, Features, Shape};
use parquet::basic::Compression;
use parquet::column::reader::ColumnReader;
use parquet::data_type::ByteArray;
use parquet::file::metadata::FileMetaData;
use parquet::file::reader::{FileReader, RowGroupReader, SerializedFileReader};
use parquet::schema::types::ColumnDescPtr;
use std::borrow::Cow;
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
    weights: Vec<f64>,
    rows: usize,
    class_names: Option<Vec<String>>,
}

impl Reading<'_> {
    fn file(&mut self, input: &Input) -> Result<(), Trouble> {
        let open = || -> Result<SerializedFileReader<File>, Trouble> {
            Ok(SerializedFileReader::new(File::open(&input.path)?).map_err(damaged)?)
        };
        let reader = open()?;
        let metadata = reader.metadata().file_metadata();
        let chosen = choose(&columns(metadata.schema_descr()), self.request)?;
        let first = self.chosen.get_or_insert_with(|| chosen.clone());
        if first.names() != chosen.names() {
            let (found, expected) = (chosen.names().join(", "), first.names().join(", "));
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
        let threads = readers();
        let mut readers = vec![reader];
        // A reader a thread: those of one opened file share the place at which they read.
        while readers.len() < threads.min(chosen.features.len()) {
            readers.push(open()?);
        }
        let before = self.rows;
        for group in 0..readers[0].num_row_groups() {
            let groups = readers.iter().map(|reader| reader.get_row_group(group).map_err(damaged));
            self.group(&groups.collect::<Result<Vec<_>, Flaw>>()?, &chosen, self.rows - before)?;
        }
        Ok(())
    }

    /// Reads a row group, of which each of `groups` is a reader; its rows count from `first`.
    fn group(
        &mut self,
        groups: &[Box<dyn RowGroupReader + '_>],
        chosen: &Chosen,
        first: usize,
    ) -> Result<(), Flaw> {
        let group = &*groups[0];
        let rows = match &chosen.features[..] {
            [column] if column.kind == Kind::Picture => {
                let (before, size) = (self.album.count(), self.request.size);
                let (reader, descriptor) = open(group, column)?;
                numbers::bytes(reader, &descriptor, first, |pictures| {
                    let row = first + self.album.count() - before;
                    let pictures: Vec<&[u8]> = pictures.iter().map(ByteArray::data).collect();
                    self.album.add(&pictures, size, |at| format!("row {}", row + at))
                })?;
                self.album.count() - before
            }
            columns => self.numbers(groups, columns, first)?,
        };
        self.rows += rows;
        if self.rows > MOST_ROWS {
            return Err(Flaw::whole(format!("{} rows", self.rows), format!("at most {MOST_ROWS}")));
        }
        let same = |column: &Column, count: usize| {
            let found = format!("{count} rows of {}", column.name);
            let flaw = || Flaw::whole(found, format!("{rows} as of the features"));
            if count == rows { Ok(()) } else { Err(flaw()) }
        };
        if let Some(column) = &chosen.label {
            let (reader, descriptor) = open(group, column)?;
            let mut count = 0;
            numbers::labels(reader, &descriptor, first, |text| {
                let place = || format!("row {}, column {}", first + count, column.name);
                self.labels.push(text).map_err(|flaw| flaw.at(place()))?;
                count += 1;
                Ok(())
            })?;
            same(column, count)?;
        }
        if let Some(column) = &chosen.weight {
            let (reader, descriptor) = open(group, column)?;
            let weights = numbers::weights(reader, &descriptor, first)?;
            same(column, weights.len())?;
            self.weights.extend(weights);
        }
        Ok(())
    }

    /// Reads the features of a row group that are numbers, columns side by side, and returns how many rows they are.
    fn numbers(
        &mut self,
        groups: &[Box<dyn RowGroupReader + '_>],
        columns: &[Column],
        first: usize,
    ) -> Result<usize, Flaw> {
        let width = self.width.filter(|_| columns.len() == 1);
        let parts = columns.chunks(columns.len().div_ceil(groups.len())).zip(groups);
        let read = side_by_side(parts.collect::<Vec<_>>().into_iter(), |(columns, group)| {
            let column = |column: &Column| {
                let (reader, descriptor) = open(&**group, column)?;
                numbers::numbers(reader, &descriptor, first, width)
            };
            columns.iter().map(column).collect::<Result<Vec<Numbers>, Flaw>>()
        });
        let read = read.into_iter().collect::<Result<Vec<_>, Flaw>>()?;
        let read: Vec<Numbers> = read.into_iter().flatten().collect();
        let Numbers { rows, width, .. } = read[0];
        if let Some(at) = read.iter().position(|numbers| numbers.rows != rows) {
            let found = format!("{} rows of {}", read[at].rows, columns[at].name);
            return Err(Flaw::whole(found, format!("{rows} as of {}", columns[0].name)));
        }
        self.width = if columns[0].kind == Kind::List { width } else { Some(columns.len()) };
        let values = read.into_iter().map(|numbers| numbers.values).collect();
        append(self.features.get_or_insert(Features::Bytes(Vec::new())), rows_of(values, rows));
        Ok(rows)
    }

    fn finish(self) -> Result<Loaded, Flaw> {
        if self.rows == 0 {
            return Err(Flaw::whole("no rows", "a row an example"));
        }
        let Some(chosen) = self.chosen else { unreachable!("there are rows") };
        let labels = chosen.label.is_some().then(|| self.labels.finish());
        let weights = chosen.weight.is_some().then_some(self.weights);
        let table = match self.features {
            Some(features) => {
                let shape = Shape::Vector(self.width.unwrap_or_default());
                let table = Table { features, shape, labels, weights };
                table.check_finite()?;
                table
            }
            None => Table { weights, ..self.album.table(self.request.channels, labels)? },
        };
        let notes = match &chosen.left_out[..] {
            [] => Vec::new(),
            names => vec![format!("left out: the columns {}", names.join(", "))],
        };
        let is_named = chosen.features.iter().all(|column| column.kind == Kind::Number);
        let names = chosen.features.into_iter().map(|column| column.name);
        let feature_names = is_named.then(|| names.collect());
        let (label, weight) = (chosen.label.map(|label| label.name), chosen.weight.map(|weight| weight.name));
        Ok(Loaded { table, label, weight, class_names: self.class_names, feature_names, notes })
    }
}

/// A reader of a column in a row group, and what it is.
fn open(group: &dyn RowGroupReader, column: &Column) -> Result<(ColumnReader, ColumnDescPtr), Flaw> {
    let metadata = group.metadata().column(column.leaf);
    if let Compression::BROTLI(_) | Compression::LZO = metadata.compression() {
        let place = format!("column {}", column.name);
        let known = "Snappy, Zstandard, gzip, LZ4 or no compression";
        return Err(Flaw::new(place, "Brotli's or LZO's compression", known)
            .hint("write the file again: pandas has to_parquet(path, compression=\"zstd\")"));
    }
    let reader = group.get_column_reader(column.leaf).map_err(damaged)?;
    Ok((reader, metadata.column_descr_ptr()))
}

#[allow(clippy::needless_pass_by_value, reason = "errors are made to be consumed")]
fn damaged(error: parquet::errors::ParquetError) -> Flaw {
    Flaw::whole(error.to_string(), "a whole Parquet file")
}

/// Columns of one number a row, or one column of lists, as rows.
fn rows_of(mut columns: Vec<Features>, rows: usize) -> Features {
    if columns.len() == 1 {
        return columns.remove(0);
    }
    let bytes: Option<Vec<&[u8]>> = columns.iter().map(as_bytes).collect();
    if let Some(columns) = bytes {
        return Features::Bytes(interleave(&columns, rows));
    }
    let floats: Vec<Cow<[f32]>> = columns.iter().map(as_floats).collect();
    let floats: Vec<&[f32]> = floats.iter().map(|column| &**column).collect();
    Features::Floats(interleave(&floats, rows))
}

fn as_bytes(features: &Features) -> Option<&[u8]> {
    match features {
        Features::Bytes(values) => Some(values),
        Features::Floats(_) => None,
    }
}

fn as_floats(features: &Features) -> Cow<'_, [f32]> {
    match features {
        Features::Bytes(values) => values.iter().copied().map(f32::from).collect(),
        Features::Floats(values) => Cow::Borrowed(values),
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
