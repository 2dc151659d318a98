//! svmlight's and LIBSVM's sparse text: `label index:value index:value ... # comment`, a line an example.
//!
//! Features that a line does not name are 0. Indices rise along a line and start at 1, or at 0 if any line of the data
//! set says so. The rows are held dense: the classifiers here see every feature of every example. Whole numbers from 0 to
//! 255 throughout are held as bytes. Lines are kept as pairs until all are read: then it is known how wide the rows are,
//! where they start and what holds their numbers, and each is written once.

use super::flaw::{Flaw, Trouble};
use super::labels::{Collector, Labels};
use super::lines::{Blocks, Parser, Stop, to_floats};
use super::number::Cell;
use super::table::Table;
use super::threads::{readers, side_by_side};
use crate::data::{Features, Shape};
use crate::kernel::pages;
use bytemuck::Zeroable;
use std::io::Read;
use std::sync::atomic::AtomicBool;

/// An index above this is a mistake.
const MOST_INDEX: usize = 1 << 24;
/// Dense rows may take so many times the text's bytes.
const MOST_RATIO: usize = 256;
/// Below this, dense rows may take what they like.
const SMALL: usize = 1 << 20;

/// A file's rows before it is known at which index they start.
#[derive(Debug, Default)]
pub struct Rows {
    pieces: Vec<Piece>,
    labels: Labels,
    /// Rows of all pieces.
    count: usize,
    /// One more than the highest index.
    width: usize,
    /// Whether index 0 is used.
    zero: bool,
    /// Whether a value is no byte.
    floats: bool,
    /// The file's bytes of text.
    text: usize,
}

/// The pairs of some rows, one row after the other.
#[derive(Debug)]
struct Piece {
    indices: Vec<u32>,
    /// A value for each index.
    values: Features,
    /// The pairs of each row.
    lengths: Vec<u32>,
    /// One more than the highest index.
    width: usize,
    /// Whether index 0 is used.
    zero: bool,
}

impl Rows {
    /// Puts the rows of `piece` behind these.
    fn push(&mut self, piece: Piece) {
        self.count += piece.lengths.len();
        self.width = self.width.max(piece.width);
        self.zero |= piece.zero;
        self.floats |= matches!(piece.values, Features::Floats(_));
        self.pieces.push(piece);
    }

    /// Makes sure that dense rows of `width` features are not absurdly larger than their text.
    fn check_size(&self, width: usize) -> Result<(), Flaw> {
        let size = if self.floats { size_of::<f32>() } else { 1 };
        check_size(self.count, width, size, self.text)
    }

    /// Dense rows of `width` features, the first of which has index `first`.
    fn dense(self, first: usize, width: usize) -> Result<Features, Flaw> {
        self.check_size(width)?;
        let (floats, count) = (self.floats, self.count * width);
        Ok(if floats {
            Features::Floats(dense(self.pieces, count, first, width, |values| match to_floats(values) {
                Features::Floats(values) => values,
                Features::Bytes(_) => unreachable!("floats now"),
            }))
        } else {
            Features::Bytes(dense(self.pieces, count, first, width, |values| match values {
                Features::Bytes(values) => values,
                Features::Floats(_) => unreachable!("no piece has any"),
            }))
        })
    }
}

/// Makes sure that dense rows are not absurdly larger than their text.
fn check_size(rows: usize, width: usize, size: usize, text: usize) -> Result<(), Flaw> {
    let bytes = rows.saturating_mul(width).saturating_mul(size);
    if bytes <= SMALL.max(text.saturating_mul(MOST_RATIO)) {
        return Ok(());
    }
    Err(Flaw::whole(
        format!("features so sparse that dense rows take {bytes} bytes"),
        format!("at most {MOST_RATIO} times the text"),
    )
    .hint("classifiers here see every feature of every example: choose or hash the features first"))
}

/// The `count` numbers of `pieces`, in rows of `width` features, on all threads that may read.
fn dense<T: Copy + Zeroable + Send>(
    pieces: Vec<Piece>,
    count: usize,
    first: usize,
    width: usize,
    values_of: impl Fn(Features) -> Vec<T> + Sync,
) -> Vec<T> {
    let mut all = pages::zeros(count);
    let threads = readers();
    let share = pieces.len().div_ceil(threads);
    let parts = pieces.len().div_ceil(share);
    let mut rest = &mut all[..];
    let mut pieces = pieces.into_iter().map(|piece| {
        let (rows, after) = std::mem::take(&mut rest).split_at_mut(piece.lengths.len() * width);
        rest = after;
        (piece, rows)
    });
    let parts: Vec<Vec<_>> = (0..parts).map(|_| pieces.by_ref().take(share).collect()).collect();
    side_by_side(parts.into_iter(), |part| {
        // A piece's pairs go when its rows are there.
        for (piece, rows) in part {
            let values = values_of(piece.values);
            let mut at = 0;
            for (row, &length) in rows.chunks_exact_mut(width).zip(&piece.lengths) {
                let end = at + length as usize;
                for (&index, &value) in piece.indices[at..end].iter().zip(&values[at..end]) {
                    row[index as usize - first] = value;
                }
                at = end;
            }
        }
    });
    all
}

/// Reads a file.
///
/// # Errors
/// [`Trouble`] when it cannot be read, with the line of what is wrong.
pub fn read(source: &mut dyn Read) -> Result<Rows, Trouble> {
    let mut blocks = Blocks::new(source);
    let mut labels = Collector::default();
    let mut rows = Rows::default();
    while let Some((block, lines)) = blocks.next_block()? {
        rows.text += block.len();
        let parser =
            Parser { as_bytes: &pairs::<u8>, as_floats: &pairs::<f32>, floats: AtomicBool::new(rows.floats) };
        for (piece, piece_labels) in parser.parse(block, lines)? {
            rows.push(piece);
            labels.append(&piece_labels.finish())?;
        }
        // What cannot be held is not read to its end.
        rows.check_size(rows.width.saturating_sub(usize::from(!rows.zero)))?;
    }
    if rows.count == 0 {
        return Err(Flaw::whole("no rows", "a line an example").into());
    }
    rows.labels = labels.finish();
    Ok(rows)
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
    let highest = files.iter().map(|rows| rows.width).max().unwrap_or_default();
    // A model's D tells whether the highest index is D or D - 1, where no index is 0.
    let zero = files.iter().any(|rows| rows.zero);
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
    for mut rows in files {
        let labels = Some(std::mem::take(&mut rows.labels));
        let features_of = rows.dense(first, features)?;
        let table = Table { features: features_of, shape: Shape::Vector(features), labels, weights: None };
        tables.push(table);
    }
    let tables: Result<[Table; FILES], _> = tables.try_into();
    Ok(tables.unwrap_or_else(|_| unreachable!("as many tables as files")))
}

/// Parses whole lines.
fn pairs<T: Cell>(text: &[u8]) -> Result<(Piece, Collector), Stop>
where
    Features: From<Vec<T>>,
{
    let (mut indices, mut lengths) = (Vec::new(), Vec::new());
    let mut values: Vec<T> = Vec::new();
    let mut labels = Collector::default();
    let (mut width, mut zero) = (0, false);
    let mut at = 0;
    let mut line = 0;
    while at < text.len() {
        let end = memchr::memchr(b'\n', &text[at..]).map_or(text.len(), |length| at + length);
        let row = &text[at..end];
        let row = memchr::memchr(b'#', row).map_or(row, |comment| &row[..comment]).trim_ascii();
        if !row.is_empty() {
            let fail = |flaw| Stop::Flaw(line, flaw);
            let (label, mut rest) = split_label(row).map_err(fail)?;
            labels.push(label).map_err(|flaw| fail(flaw.at("")))?;
            let before = indices.len();
            // The least index that may follow.
            let mut least = 0;
            while !rest.is_empty() {
                let (index, value, after) = pair::<T>(rest)?.map_err(fail)?;
                if index < least {
                    let found = format!("index {index} after {}", least - 1);
                    return Err(fail(Flaw::new("", found, "indices that rise")));
                }
                indices.push(index as u32);
                values.push(value);
                (least, rest) = (index + 1, after);
            }
            // The first index of a row is its lowest.
            zero |= indices.get(before) == Some(&0);
            width = width.max(least);
            lengths.push((indices.len() - before) as u32);
            check_size(lengths.len(), width, size_of::<T>(), text.len()).map_err(fail)?;
        }
        at = end + 1;
        line += 1;
    }
    Ok((Piece { indices, values: Features::from(values), lengths, width, zero }, labels))
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

    #[test]
    fn blocks_and_pieces_join_in_order() {
        // Several blocks, by comments; only later rows have numbers that are no bytes, and higher indices.
        let comment = "#".repeat(100);
        let lines: Vec<String> = (0..200_000)
            .map(|row| match row {
                0..150_000 => format!("{} {}:{} {comment}\n", row % 3, row % 7 + 1, row % 256),
                _ => format!("{} {}:{}.5 {comment}\n", row % 3, row % 11 + 1, row % 256),
            })
            .collect();
        let [table] = tables([&lines.concat()], None).expect("reads");
        let Features::Floats(values) = table.features else { panic!("floats") };
        assert_eq!((table.shape, values.len()), (Shape::Vector(11), 11 * 200_000));
        for (row, values) in values.chunks(11).enumerate() {
            let (at, half) = if row < 150_000 { (row % 7, 0.0) } else { (row % 11, 0.5) };
            let expected = (row % 256) as f32 + half;
            assert!(
                values.iter().enumerate().all(|(i, &v)| v == if i == at { expected } else { 0.0 }),
                "{row}"
            );
        }
        let labels = table.labels.expect("labels");
        assert!(labels.of.iter().enumerate().all(|(row, &of)| of as usize == row % 3));
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
