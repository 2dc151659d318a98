//! svmlight's and LIBSVM's sparse text: `label index:value index:value ... # comment`, a line an example.
//!
//! Features that a line does not name are 0. Indices rise along a line and start at 1, or at 0 if any line of the data
//! set says so. The rows are held dense: the classifiers here see every feature of every example. Whole numbers from 0 to
//! 255 throughout are held as bytes.

use super::flaw::{Flaw, Trouble};
use super::labels::{Collector, Labels};
use super::lines::{Blocks, Parser, Stop, to_floats};
use super::number::Cell;
use super::table::Table;
use crate::data::{Features, Shape};
use std::io::Read;
use std::sync::atomic::{AtomicBool, Ordering};

/// An index above this is a mistake.
const MOST_INDEX: usize = 1 << 24;
/// Dense rows may take so many times the text's bytes.
const MOST_RATIO: usize = 256;
/// Below this, dense rows may take what they like.
const SMALL: usize = 1 << 20;

/// A file's rows before it is known at which index they start: column i is index i.
#[derive(Debug)]
pub struct Rows {
    dense: Dense,
    labels: Labels,
    /// The file's bytes of text.
    text: usize,
}

/// Rows of `stride` columns, of which those from `width` on are zeros.
#[derive(Debug)]
struct Dense {
    values: Features,
    stride: usize,
    width: usize,
    rows: usize,
    /// Whether index 0 is used.
    zero: bool,
}

impl Dense {
    fn empty() -> Self {
        Self { values: Features::Bytes(Vec::new()), stride: 0, width: 0, rows: 0, zero: false }
    }

    /// Puts `more` rows behind these.
    fn append(&mut self, more: Self, text: usize) -> Result<(), Flaw> {
        self.width = self.width.max(more.width);
        self.zero |= more.zero;
        let values = match (std::mem::replace(&mut self.values, Features::Bytes(Vec::new())), more.values) {
            (Features::Bytes(mut all), Features::Bytes(more_values)) => {
                self.join(&mut all, &more_values, more.stride, more.rows, text)?;
                Features::Bytes(all)
            }
            (all, more_values) => {
                check_size(self.rows, self.stride, size_of::<f32>(), text)?;
                check_size(more.rows, more.stride, size_of::<f32>(), text)?;
                let (Features::Floats(mut all), Features::Floats(more_values)) =
                    (to_floats(all), to_floats(more_values))
                else {
                    unreachable!("both are floats now")
                };
                self.join(&mut all, &more_values, more.stride, more.rows, text)?;
                Features::Floats(all)
            }
        };
        self.values = values;
        Ok(())
    }

    fn join<T: Cell>(
        &mut self,
        all: &mut Vec<T>,
        more: &[T],
        stride: usize,
        rows: usize,
        text: usize,
    ) -> Result<(), Flaw> {
        if stride > self.stride {
            check_size(self.rows, stride, size_of::<T>(), text)?;
            widen(all, self.rows, self.stride, stride);
            self.stride = stride;
        }
        check_size(self.rows + rows, self.stride, size_of::<T>(), text)?;
        if stride == self.stride {
            all.extend_from_slice(more);
        } else {
            for row in 0..rows {
                all.extend_from_slice(&more[row * stride..(row + 1) * stride]);
                all.resize(all.len() + self.stride - stride, T::default());
            }
        }
        self.rows += rows;
        Ok(())
    }
}

/// Makes sure that dense rows are not absurdly larger than their text.
fn check_size(rows: usize, stride: usize, size: usize, text: usize) -> Result<(), Flaw> {
    let bytes = rows.saturating_mul(stride).saturating_mul(size);
    if bytes <= SMALL.max(text.saturating_mul(MOST_RATIO)) {
        return Ok(());
    }
    Err(Flaw::whole(
        format!("features so sparse that dense rows take {bytes} bytes"),
        format!("at most {MOST_RATIO} times the text"),
    )
    .hint("classifiers here see every feature of every example: choose or hash the features first"))
}

/// Moves `rows` rows of `from` columns apart to `to` columns, in place; the new columns are 0.
fn widen<T: Cell>(values: &mut Vec<T>, rows: usize, from: usize, to: usize) {
    values.resize(rows * to, T::default());
    for row in (0..rows).rev() {
        values.copy_within(row * from..(row + 1) * from, row * to);
        values[row * to + from..(row + 1) * to].fill(T::default());
    }
}

/// Reads a file.
///
/// # Errors
/// [`Trouble`] when it cannot be read, with the line of what is wrong.
pub fn read(source: &mut dyn Read) -> Result<Rows, Trouble> {
    let mut blocks = Blocks::new(source);
    let mut labels = Collector::default();
    let mut dense = Dense::empty();
    let mut text = 0;
    let floats = AtomicBool::new(false);
    while let Some((block, lines)) = blocks.next_block()? {
        text += block.len();
        let parser = Parser {
            as_bytes: &rows::<u8>,
            as_floats: &rows::<f32>,
            floats: AtomicBool::new(floats.load(Ordering::Relaxed)),
        };
        for (piece, piece_labels) in parser.parse(block, lines)? {
            dense.append(piece, text)?;
            labels.append(&piece_labels.finish())?;
        }
        floats.store(parser.floats.into_inner(), Ordering::Relaxed);
    }
    if dense.rows == 0 {
        return Err(Flaw::whole("no rows", "a line an example").into());
    }
    Ok(Rows { dense, labels: labels.finish(), text })
}

/// The tables of files that belong together: they start at the same index, and have the same D: `width` if it is
/// given, else the highest index of them all.
///
/// # Errors
/// [`Flaw`] when an index is above `width`, or no line names any feature.
pub fn finish<const FILES: usize>(
    files: [Rows; FILES],
    width: Option<usize>,
) -> Result<[Table; FILES], Flaw> {
    let highest = files.iter().map(|rows| rows.dense.width).max().unwrap_or_default();
    // A model's D tells whether the highest index is D or D - 1, where no index is 0.
    let zero = files.iter().any(|rows| rows.dense.zero);
    let first = usize::from(!zero);
    let features = width.unwrap_or(highest.saturating_sub(first));
    if features == 0 {
        return Err(Flaw::whole("no feature in any line", "index:value after the label"));
    }
    if highest > features + first {
        let found = format!("the index {}", highest - 1);
        return Err(Flaw::whole(
            found,
            format!("at most {}, as the model has {features} features", features - 1 + first),
        ));
    }
    let mut tables = Vec::with_capacity(FILES);
    for rows in files {
        let Dense { values, stride, rows: count, .. } = rows.dense;
        let features_of = match values {
            Features::Bytes(values) => {
                Features::Bytes(narrow(values, stride, first, features, count, rows.text)?)
            }
            Features::Floats(values) => {
                Features::Floats(narrow(values, stride, first, features, count, rows.text)?)
            }
        };
        let table = Table {
            features: features_of,
            shape: Shape::Vector(features),
            labels: Some(rows.labels),
            weights: None,
        };
        tables.push(table);
    }
    let tables: Result<[Table; FILES], _> = tables.try_into();
    Ok(tables.unwrap_or_else(|_| unreachable!("as many tables as files")))
}

/// The columns from `first` on, `width` of them; those that the rows lack are 0.
fn narrow<T: Cell>(
    mut values: Vec<T>,
    stride: usize,
    first: usize,
    width: usize,
    rows: usize,
    text: usize,
) -> Result<Vec<T>, Flaw> {
    let mut stride = stride;
    if stride < first + width {
        check_size(rows, first + width, size_of::<T>(), text)?;
        widen(&mut values, rows, stride, first + width);
        stride = first + width;
    }
    for row in 0..rows {
        values.copy_within(row * stride + first..row * stride + first + width, row * width);
    }
    values.truncate(rows * width);
    Ok(values)
}

/// Parses whole lines.
fn rows<T: Cell>(text: &[u8]) -> Result<(Dense, Collector), Stop>
where
    Features: From<Vec<T>>,
{
    let mut values: Vec<T> = Vec::new();
    let mut labels = Collector::default();
    let (mut stride, mut width, mut count, mut zero) = (0, 0, 0, false);
    let mut at = 0;
    let mut line = 0;
    while at < text.len() {
        let end = memchr::memchr(b'\n', &text[at..]).map_or(text.len(), |length| at + length);
        let row = &text[at..end];
        let row = memchr::memchr(b'#', row).map_or(row, |comment| &row[..comment]).trim_ascii();
        if !row.is_empty() {
            let fail = |flaw| Stop::Flaw(line, flaw);
            let (label, mut rest) = split_label(row).map_err(fail)?;
            labels.push(label).map_err(fail)?;
            count += 1;
            check_size(count, stride, size_of::<T>(), text.len()).map_err(fail)?;
            values.resize(count * stride, T::default());
            let mut last = None;
            while !rest.is_empty() {
                let (index, value, after) = pair::<T>(rest)?.map_err(fail)?;
                if last.is_some_and(|last| index <= last) {
                    let found = format!("index {index} after {}", last.unwrap_or_default());
                    return Err(fail(Flaw::new("", found, "indices that rise")));
                }
                if index >= stride {
                    // Room for half as many again: rows are moved apart a few times only.
                    let to = (index + 1).max(stride + stride / 2);
                    check_size(count, to, size_of::<T>(), text.len()).map_err(fail)?;
                    widen(&mut values, count, stride, to);
                    stride = to;
                }
                values[(count - 1) * stride + index] = value;
                (last, rest) = (Some(index), after);
            }
            // The first index is the lowest.
            zero |= row_starts_at_zero(row);
            width = width.max(last.map_or(0, |last| last + 1));
        }
        at = end + 1;
        line += 1;
    }
    let dense = Dense { values: Features::from(values), stride, width, rows: count, zero };
    Ok((dense, labels))
}

/// The label, and the pairs after it.
fn split_label(row: &[u8]) -> Result<(&[u8], &[u8]), Flaw> {
    let length = row.iter().position(u8::is_ascii_whitespace).unwrap_or(row.len());
    let (label, rest) = row.split_at(length);
    if label.contains(&b':') {
        return Err(Flaw::new("", String::from_utf8_lossy(label), "a label before the features"));
    }
    if label.contains(&b',') {
        let found = format!("the labels {}", String::from_utf8_lossy(label));
        return Err(Flaw::new("", found, "one label").hint("examples of several classes are not supported"));
    }
    let rest = rest.trim_ascii_start();
    // Of rankings: it says nothing of the features.
    let query = rest.strip_prefix(b"qid:").map(|rest| {
        let length = rest.iter().position(u8::is_ascii_whitespace).unwrap_or(rest.len());
        rest[length..].trim_ascii_start()
    });
    Ok((label, query.unwrap_or(rest)))
}

fn row_starts_at_zero(row: &[u8]) -> bool {
    split_label(row).is_ok_and(|(_, rest)| {
        let digits = rest.iter().take_while(|&&byte| byte == b'0').count();
        digits > 0 && rest.get(digits) == Some(&b':')
    })
}

/// The pair `index:value` at the start of `text`, and what follows it.
#[inline]
#[allow(clippy::type_complexity, reason = "a flaw of the line, inside a wish to start again")]
fn pair<T: Cell>(text: &[u8]) -> Result<Result<(usize, T, &[u8]), Flaw>, Stop> {
    let mut index = 0_usize;
    let mut at = 0;
    while let Some(digit) = text.get(at).map(|byte| byte.wrapping_sub(b'0')).filter(|&digit| digit < 10) {
        index = index.saturating_mul(10).saturating_add(digit.into());
        at += 1;
    }
    let word = || {
        let length = text.iter().position(u8::is_ascii_whitespace).unwrap_or(text.len());
        String::from_utf8_lossy(&text[..length.min(30)]).into_owned()
    };
    if at == 0 || text.get(at) != Some(&b':') {
        return Ok(Err(Flaw::new("", word(), "index:value")));
    }
    if index > MOST_INDEX {
        return Ok(Err(Flaw::new("", format!("index {index}"), format!("at most {MOST_INDEX}"))));
    }
    let value = &text[at + 1..];
    match T::parse(value) {
        Some((parsed, length)) if value.get(length).is_none_or(u8::is_ascii_whitespace) => {
            let rest = &value[length..];
            let rest = match rest {
                [b' ', next, ..] if !next.is_ascii_whitespace() => &rest[1..],
                _ => rest.trim_ascii_start(),
            };
            Ok(Ok((index, parsed, rest)))
        }
        // What is no byte may be a float.
        _ if std::any::TypeId::of::<T>() == std::any::TypeId::of::<u8>() => Err(Stop::NotBytes),
        _ => Ok(Err(Flaw::new("", word(), "index:value, a finite number"))),
    }
}

/// Whether the first line of `text` is one of this format: a label, then pairs.
pub fn is_svmlight(text: &[u8]) -> bool {
    let mut lines = text
        .split(|&byte| byte == b'\n')
        .map(|line| memchr::memchr(b'#', line).map_or(line, |comment| &line[..comment]).trim_ascii());
    let Some(line) = lines.find(|line| !line.is_empty()) else { return false };
    let Ok((_, rest)) = split_label(line) else { return false };
    !rest.is_empty() && matches!(pair::<f32>(rest), Ok(Ok(_)))
}

#[cfg(test)]
#[allow(clippy::format_push_string, reason = "tables of text are small here")]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn tables<const FILES: usize>(
        texts: [&str; FILES],
        width: Option<usize>,
    ) -> Result<[Table; FILES], String> {
        let mut read_all = Vec::new();
        for text in texts {
            match read(&mut text.as_bytes()) {
                Ok(rows) => read_all.push(rows),
                Err(Trouble::Flaw(flaw)) => return Err(flaw.to_string()),
                Err(Trouble::Io(error)) => panic!("{error}"),
            }
        }
        let Ok(files) = <[Rows; FILES]>::try_from(read_all) else { unreachable!("as many") };
        finish(files, width).map_err(|flaw| flaw.to_string())
    }

    #[test]
    fn indices_start_at_1_unless_a_0_is_there() {
        let [table] = tables(["+1 1:3 3:0.5 # comment\n\n-1 qid:4 2:7\n2\n"], None).expect("reads");
        assert_eq!(table.features, Features::Floats(vec![3.0, 0.0, 0.5, 0.0, 7.0, 0.0, 0.0, 0.0, 0.0]));
        assert_eq!(
            (table.shape, table.labels.expect("labels").texts),
            (Shape::Vector(3), vec!["1".into(), "-1".into(), "2".into()])
        );
        let [train, test] = tables(["1 1:3\n", "2 0:4 2:255\n"], None).expect("reads");
        assert_eq!(train.features, Features::Bytes(vec![0, 3, 0]));
        assert_eq!(test.features, Features::Bytes(vec![4, 0, 255]));
    }

    #[test]
    fn a_model_says_how_many_features_there_are() {
        let [table] = tables(["1 2:3\n"], Some(4)).expect("reads");
        assert_eq!(table.features, Features::Bytes(vec![0, 3, 0, 0]));
        assert!(
            tables(["1 5:3\n"], Some(4)).expect_err("too high").contains("the index 5, expected at most 4")
        );
        assert!(
            tables(["1 0:1 4:3\n"], Some(4))
                .expect_err("too high")
                .contains("the index 4, expected at most 3")
        );
    }

    #[test]
    fn what_is_wrong_is_told_with_its_line() {
        for (text, expected) in [
            ("1 1:1\n2 2:1 2:2\n", "line 2: found index 2 after 2, expected indices that rise"),
            ("1 1:1\n2 x:1\n", "line 2: found x:1, expected index:value"),
            ("1 1:1\n2 3:red\n", "line 2: found 3:red, expected index:value"),
            ("1:1\n", "line 1: found 1:1, expected a label before the features"),
            ("1,2 1:1\n", "line 1: found the labels 1,2, expected one label"),
            ("1 99999999999:1\n", "line 1: found index 99999999999, expected at most"),
            ("1 16000000:1\n", "so sparse that dense rows take"),
            // A row without features takes room like any other.
            ("1 900000:1\n2\n", "so sparse that dense rows take 1800002 bytes"),
            ("# nothing\n", "found no rows"),
            ("1\n2\n", "no feature in any line"),
        ] {
            let error = tables([text], None).expect_err("wrong");
            assert!(error.contains(expected), "{text:?}: {error}");
        }
    }

    #[test]
    fn the_format_is_recognised() {
        for text in ["1 1:0.5 7:1\n", "# c\n-1 3:2", "cat 1:1"] {
            assert!(is_svmlight(text.as_bytes()), "{text}");
        }
        for text in ["1,2,3\n", "a b c", "", "1 2 3", "1:2 3:4"] {
            assert!(!is_svmlight(text.as_bytes()), "{text}");
        }
    }

    proptest! {
        #[test]
        fn sparse_rows_come_back_dense(
            rows in proptest::collection::vec(proptest::collection::btree_map(0..40_usize, any::<i16>(), 0..8), 1..20),
            zero: bool,
        ) {
            let first = usize::from(!zero);
            let mut text = String::new();
            for row in &rows {
                text.push('1');
                row.iter().for_each(|(index, value)| text.push_str(&format!(" {}:{}", index + first, f64::from(*value) / 4.0)));
                text.push('\n');
            }
            // With 40 features in sight, and index 0 used if it exists.
            text.push_str(&format!("2 {}:1 {}:1\n", first, 39 + first));
            let [table] = tables([&text], None).expect("reads");
            let found: Vec<f32> = match table.features {
                Features::Bytes(values) => values.into_iter().map(f32::from).collect(),
                Features::Floats(values) => values,
            };
            prop_assert_eq!(found.len(), (rows.len() + 1) * 40);
            for (row, found) in rows.iter().zip(found.chunks(40)) {
                for (index, &value) in found.iter().enumerate() {
                    prop_assert_eq!(value, row.get(&index).map_or(0.0, |&value| f32::from(value) / 4.0));
                }
            }
        }

        #[test]
        fn any_text_is_read_or_refused(text in "[0-9:. \n#a-]{0,60}") {
            let _ = tables([&text], None);
            let _ = is_svmlight(text.as_bytes());
        }
    }
}
