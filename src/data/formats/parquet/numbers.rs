//! One column of one row group: its numbers, its texts or its bytes, and whether any is missing.

use crate::data::Features;
use crate::data::formats::flaw::{Flaw, MISSING};
use crate::data::formats::lines::append;
use crate::data::sample_weight::{is_weight, no_weight};
use half::f16;
use parquet::basic::LogicalType;
use parquet::column::reader::{ColumnReader, ColumnReaderImpl};
use parquet::data_type::{ByteArray, DataType};
use parquet::schema::types::ColumnDescriptor;

/// Rows decoded at a time.
const BATCH: usize = 1 << 12;

/// The numbers of a column.
pub struct Numbers {
    /// Those of all rows, row by row: bytes if all are whole and from 0 to 255.
    pub values: Features,
    /// Rows.
    pub rows: usize,
    /// How many each row has, where they are lists.
    pub width: Option<usize>,
}

/// Reads a column of numbers or of lists of them; `width` is how many each row must have, once that is known.
///
/// # Errors
/// [`Flaw`] when it is damaged, a value is missing or lists differ in length; rows count from `first`.
pub fn numbers(
    reader: ColumnReader,
    column: &ColumnDescriptor,
    first: usize,
    mut width: Option<usize>,
) -> Result<Numbers, Flaw> {
    let (mut values, mut rows) = (Features::Bytes(Vec::new()), 0);
    let signed = is_signed(column);
    let mut add = |more_rows: usize, more: Features| {
        append(&mut values, more);
        rows += more_rows;
    };
    let (place, lists) = (Place { column, first }, &mut width);
    match reader {
        ColumnReader::BoolColumnReader(reader) => batches(reader, &place, lists, |rows, values| {
            add(rows, Features::Bytes(values.iter().map(|&value| u8::from(value)).collect()));
        }),
        ColumnReader::Int32ColumnReader(reader) => batches(reader, &place, lists, |rows, values| {
            let wide = |value: i32| if signed { i64::from(value) } else { i64::from(value as u32) };
            add(rows, whole(values.iter().map(|&value| wide(value)), |value| value as f32));
        }),
        ColumnReader::Int64ColumnReader(reader) => batches(reader, &place, lists, |rows, values| {
            let float = |value: i64| if signed { value as f32 } else { value as u64 as f32 };
            add(rows, whole(values.iter().copied(), float));
        }),
        ColumnReader::FloatColumnReader(reader) => batches(reader, &place, lists, |rows, values| {
            add(rows, Features::Floats(std::mem::take(values)));
        }),
        ColumnReader::DoubleColumnReader(reader) => batches(reader, &place, lists, |rows, values| {
            add(rows, Features::Floats(values.iter().map(|&value| value as f32).collect()));
        }),
        ColumnReader::FixedLenByteArrayColumnReader(reader) => {
            batches(reader, &place, lists, |rows, values| {
                let half = |bytes: &[u8]| bytes.try_into().map_or(f16::NAN, f16::from_le_bytes).to_f32();
                add(rows, Features::Floats(values.iter().map(|value| half(value.data())).collect()));
            })
        }
        ColumnReader::ByteArrayColumnReader(_) | ColumnReader::Int96ColumnReader(_) => {
            Err(place.flaw("other values".into(), "numbers"))
        }
    }?;
    Ok(Numbers { values, rows, width })
}

fn is_signed(column: &ColumnDescriptor) -> bool {
    !matches!(column.logical_type_ref(), Some(LogicalType::Integer(int)) if !int.is_signed)
}

/// Reads a column of weights of examples.
///
/// # Errors
/// As [`numbers`], and when a number is no weight.
pub fn weights(reader: ColumnReader, column: &ColumnDescriptor, first: usize) -> Result<Vec<f64>, Flaw> {
    let place = Place { column, first };
    let mut weights: Vec<f64> = Vec::new();
    let signed = is_signed(column);
    // In double precision, as weights are everywhere.
    match reader {
        ColumnReader::Int32ColumnReader(reader) => batches(reader, &place, &mut None, |_, values| {
            let wide = |value: i32| if signed { f64::from(value) } else { f64::from(value as u32) };
            weights.extend(values.iter().map(|&value| wide(value)));
        }),
        ColumnReader::Int64ColumnReader(reader) => batches(reader, &place, &mut None, |_, values| {
            let wide = |value: i64| if signed { value as f64 } else { value as u64 as f64 };
            weights.extend(values.iter().map(|&value| wide(value)));
        }),
        ColumnReader::DoubleColumnReader(reader) => batches(reader, &place, &mut None, |_, values| {
            weights.append(values);
        }),
        other => {
            let numbers = numbers(other, column, first, None)?;
            weights.extend((0..numbers.rows).map(|at| f64::from(numbers.values.get(at))));
            Ok(())
        }
    }?;
    match weights.iter().position(|&weight| !is_weight(weight)) {
        Some(row) => Err(no_weight(place.of_row(row), weights[row].to_string())),
        None => Ok(weights),
    }
}

fn whole(values: impl Iterator<Item = i64> + Clone, float: impl Fn(i64) -> f32) -> Features {
    let bytes: Option<Vec<u8>> = values.clone().map(|value| u8::try_from(value).ok()).collect();
    bytes.map_or_else(|| Features::Floats(values.map(float).collect()), Features::Bytes)
}

/// Reads a column of labels, numbers or texts, and gives the text of each to `each`.
///
/// # Errors
/// As [`numbers`], and those of `each`.
pub fn labels(
    reader: ColumnReader,
    column: &ColumnDescriptor,
    first: usize,
    mut each: impl FnMut(&[u8]) -> Result<(), Flaw>,
) -> Result<(), Flaw> {
    if matches!(reader, ColumnReader::ByteArrayColumnReader(_)) {
        return bytes(reader, column, first, |values| values.iter().try_for_each(|value| each(value.data())));
    }
    // As wide as the numbers are: labels may be any.
    let place = Place { column, first };
    let mut texts: Vec<String> = Vec::new();
    match reader {
        ColumnReader::Int32ColumnReader(reader) => batches(reader, &place, &mut None, |_, values| {
            texts.extend(values.iter().map(ToString::to_string));
        }),
        ColumnReader::Int64ColumnReader(reader) => batches(reader, &place, &mut None, |_, values| {
            texts.extend(values.iter().map(ToString::to_string));
        }),
        ColumnReader::DoubleColumnReader(reader) => batches(reader, &place, &mut None, |_, values| {
            texts.extend(values.iter().map(ToString::to_string));
        }),
        other => {
            let numbers = numbers(other, column, first, None)?;
            texts.extend((0..numbers.rows).map(|at| numbers.values.get(at).to_string()));
            Ok(())
        }
    }?;
    texts.iter().try_for_each(|text| each(text.as_bytes()))
}

/// Reads a column of bytes and gives batches of them to `each`.
///
/// # Errors
/// As [`numbers`], and those of `each`.
pub fn bytes(
    reader: ColumnReader,
    column: &ColumnDescriptor,
    first: usize,
    mut each: impl FnMut(&[ByteArray]) -> Result<(), Flaw>,
) -> Result<(), Flaw> {
    let place = Place { column, first };
    let ColumnReader::ByteArrayColumnReader(reader) = reader else {
        return Err(place.flaw("other values".into(), "bytes"));
    };
    let mut result = Ok(());
    batches(reader, &place, &mut None, |_, values| {
        if result.is_ok() {
            result = each(values);
        }
    })?;
    result
}

/// Where something is wrong.
struct Place<'a> {
    column: &'a ColumnDescriptor,
    first: usize,
}

impl Place<'_> {
    fn flaw(&self, found: String, expected: &str) -> Flaw {
        Flaw::new(format!("column {}", self.column.path().string()), found, expected)
    }

    fn at(&self, row: usize, found: String, expected: String) -> Flaw {
        Flaw::new(self.of_row(row), found, expected)
    }

    fn of_row(&self, row: usize) -> String {
        format!("row {}, column {}", self.first + row, self.column.path().string())
    }
}

/// Reads a column to its end, and gives each batch to `each`, which may take its values, with its number of rows.
fn batches<T: DataType>(
    mut reader: ColumnReaderImpl<T>,
    place: &Place<'_>,
    width: &mut Option<usize>,
    mut each: impl FnMut(usize, &mut Vec<T::T>),
) -> Result<(), Flaw> {
    let is_list = place.column.max_rep_level() > 0;
    let (mut present, mut repeated, mut values) = (Vec::new(), Vec::new(), Vec::new());
    let mut row = 0;
    loop {
        present.clear();
        repeated.clear();
        values.clear();
        let read = reader.read_records(BATCH, Some(&mut present), Some(&mut repeated), &mut values);
        let (rows, ..) = read.map_err(|error| place.flaw(error.to_string(), "a whole column"))?;
        if rows == 0 {
            return Ok(());
        }
        let full = place.column.max_def_level();
        // All at once: a search that ends at the first would look at one after the other.
        if present.iter().fold(full, |least, &level| least.min(level)) < full {
            let at = present.iter().position(|&level| level < full).unwrap_or_default();
            let row = row + if is_list { starts(&repeated[..=at]) - 1 } else { at };
            let found = if is_list { "an empty list, or no number in one" } else { "no value" };
            let flaw = place.at(row, found.into(), "one".into());
            return Err(flaw.hint(MISSING));
        }
        if is_list {
            check_lengths(&repeated, width, |at, found, expected| {
                let flaw = place.at(row + at, format!("{found} numbers"), format!("{expected} as in row 0"));
                flaw.hint("lists must be of one length")
            })?;
        }
        each(rows, &mut values);
        row += rows;
    }
}

/// How many rows begin.
fn starts(repeated: &[i16]) -> usize {
    repeated.iter().filter(|&&level| level == 0).count()
}

fn check_lengths(
    repeated: &[i16],
    width: &mut Option<usize>,
    flaw: impl Fn(usize, usize, usize) -> Flaw,
) -> Result<(), Flaw> {
    let begins = repeated.iter().enumerate().filter(|(_, level)| **level == 0).map(|(at, _)| at);
    let ends = begins.clone().skip(1).chain([repeated.len()]);
    for (row, (begin, end)) in begins.zip(ends).enumerate() {
        let expected = *width.get_or_insert(end - begin);
        if end - begin != expected {
            return Err(flaw(row, end - begin, expected));
        }
    }
    Ok(())
}
