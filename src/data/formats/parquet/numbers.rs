//! One column of one row group: its numbers, its texts or its bytes, and whether any is missing.

use crate::data::Features;
use crate::data::formats::flaw::Flaw;
use crate::data::formats::lines::append;
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
}

/// Reads a column of numbers or of lists of them; `width` is how many each row must have, once that is known.
///
/// # Errors
/// [`Flaw`] when it is damaged, a value is missing or lists differ in length; rows count from `first`.
pub fn numbers(
    reader: ColumnReader,
    column: &ColumnDescriptor,
    first: usize,
    width: &mut Option<usize>,
) -> Result<Numbers, Flaw> {
    let mut all = Numbers { values: Features::Bytes(Vec::new()), rows: 0 };
    let signed = !matches!(column.logical_type_ref(), Some(LogicalType::Integer(int)) if !int.is_signed);
    let mut add = |rows: usize, values: Features| {
        append(&mut all.values, values);
        all.rows += rows;
    };
    let place = Place { column, first };
    match reader {
        ColumnReader::BoolColumnReader(reader) => batches(reader, &place, width, |rows, values| {
            add(rows, Features::Bytes(values.iter().map(|&value| u8::from(value)).collect()));
        }),
        ColumnReader::Int32ColumnReader(reader) => batches(reader, &place, width, |rows, values| {
            let wide = |value: i32| if signed { i64::from(value) } else { i64::from(value as u32) };
            add(rows, whole(values.iter().map(|&value| wide(value)), |value| value as f32));
        }),
        ColumnReader::Int64ColumnReader(reader) => batches(reader, &place, width, |rows, values| {
            let float = |value: i64| if signed { value as f32 } else { value as u64 as f32 };
            add(rows, whole(values.iter().copied(), float));
        }),
        ColumnReader::FloatColumnReader(reader) => batches(reader, &place, width, |rows, values| {
            add(rows, Features::Floats(values.to_vec()));
        }),
        ColumnReader::DoubleColumnReader(reader) => batches(reader, &place, width, |rows, values| {
            add(rows, Features::Floats(values.iter().map(|&value| value as f32).collect()));
        }),
        ColumnReader::FixedLenByteArrayColumnReader(reader) => {
            batches(reader, &place, width, |rows, values| {
                let half = |bytes: &[u8]| bytes.try_into().map_or(f16::NAN, f16::from_le_bytes).to_f32();
                add(rows, Features::Floats(values.iter().map(|value| half(value.data())).collect()));
            })
        }
        ColumnReader::ByteArrayColumnReader(_) | ColumnReader::Int96ColumnReader(_) => {
            Err(place.flaw("other values".into(), "numbers"))
        }
    }?;
    Ok(all)
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
            let numbers = numbers(other, column, first, &mut None)?;
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
        Flaw::new(
            format!("row {}, column {}", self.first + row, self.column.path().string()),
            found,
            expected,
        )
    }
}

/// Reads a column to its end, and gives each batch to `each` with its number of rows.
fn batches<T: DataType>(
    mut reader: ColumnReaderImpl<T>,
    place: &Place<'_>,
    width: &mut Option<usize>,
    mut each: impl FnMut(usize, &[T::T]),
) -> Result<(), Flaw> {
    let is_list = place.column.max_rep_level() > 0;
    let mut row = 0;
    loop {
        let (mut present, mut repeated, mut values) = (Vec::new(), Vec::new(), Vec::new());
        let read = reader.read_records(BATCH, Some(&mut present), Some(&mut repeated), &mut values);
        let (rows, ..) = read.map_err(|error| place.flaw(error.to_string(), "a whole column"))?;
        if rows == 0 {
            return Ok(());
        }
        let full = place.column.max_def_level();
        if let Some(at) = present.iter().position(|&level| level < full) {
            let row = row + if is_list { starts(&repeated[..=at]) - 1 } else { at };
            let found = if is_list { "an empty list, or no number in one" } else { "no value" };
            let flaw = place.at(row, found.into(), "one".into());
            return Err(flaw.hint("leave such rows out, or fill in what is missing"));
        }
        if is_list {
            check_lengths(&repeated, width, |at, found, expected| {
                let flaw = place.at(row + at, format!("{found} numbers"), format!("{expected} as in row 0"));
                flaw.hint("lists must be of one length")
            })?;
        }
        each(rows, &values);
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
