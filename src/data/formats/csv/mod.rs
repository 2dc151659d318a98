//! Tables of text: a row an example, one column the label, all others numbers.
//!
//! Commas, semicolons or tabs part the columns; the first row may name them. A line is a row: quoted texts may hold
//! separators, but no ends of line. Whole numbers from 0 to 255 throughout are held as bytes.

mod columns;
mod field;

pub use columns::{Columns, is_label_name};

use super::flaw::{Flaw, MISSING, Trouble};
use super::labels::Collector;
use super::lines::{Blocks, Parser, Stop, append};
use super::number::{self, Cell};
use super::table::Table;
use crate::data::sample_weight::{is_weight, no_weight};
use crate::data::{Features, Shape};
use columns::Plan;
use field::{field, fields};
use std::io::Read;
use std::sync::atomic::{AtomicBool, Ordering};

/// What is known of a table before it is read.
#[derive(Clone, Copy, Debug, Default)]
pub struct Request<'a> {
    /// The label column: its name, its number from 1, or "last".
    pub label: Option<&'a str>,
    /// The column of the examples' weights, likewise.
    pub weight: Option<&'a str>,
    /// D of the model that the rows are for: a table of exactly so many columns has no labels.
    pub width: Option<usize>,
}

/// Reads a table.
///
/// # Errors
/// [`Trouble`] when it cannot be read, with line and column of what is wrong.
pub fn read(source: &mut dyn Read, request: Request<'_>) -> Result<(Table, Columns), Trouble> {
    let mut blocks = Blocks::new(source);
    let mut labels = Collector::default();
    let mut weights = Vec::new();
    let mut features = Features::Bytes(Vec::new());
    let mut plan: Option<(Plan, Columns)> = None;
    let floats = AtomicBool::new(false);
    while let Some((block, lines)) = blocks.next_block()? {
        let start = if plan.is_none() { plan.insert(columns::plan(block, request)?).0.header } else { 0 };
        let Some((plan, _)) = &plan else { unreachable!("it was made of the first block") };
        let parser = Parser {
            as_bytes: &|text| rows::<u8>(text, plan).map(|rows| (Features::Bytes(rows.values), rows.rest)),
            as_floats: &|text| rows::<f32>(text, plan).map(|rows| (Features::Floats(rows.values), rows.rest)),
            floats: AtomicBool::new(floats.load(Ordering::Relaxed)),
        };
        let header_lines = usize::from(start > 0);
        for (values, piece) in parser.parse(&block[start..], lines + header_lines)? {
            append(&mut features, values);
            labels.append(&piece.labels.finish())?;
            weights.extend(piece.weights);
        }
        floats.store(parser.floats.into_inner(), Ordering::Relaxed);
    }
    let Some((plan, columns)) = plan else {
        return Err(Flaw::whole("no rows", "a row an example").into());
    };
    let labels = labels.finish();
    let width = plan.features();
    if features.is_empty() {
        return Err(Flaw::whole("a header and no rows", "a row an example").into());
    }
    let labels = plan.label.is_some().then_some(labels);
    let weights = plan.weight.is_some().then_some(weights);
    Ok((Table { features, shape: Shape::Vector(width), labels, weights }, columns))
}

/// Rows, but for their features.
#[derive(Default)]
struct Rest {
    labels: Collector,
    weights: Vec<f64>,
}

#[derive(Default)]
struct Rows<T> {
    values: Vec<T>,
    rest: Rest,
}

/// Parses whole lines.
fn rows<T: Cell>(text: &[u8], plan: &Plan) -> Result<Rows<T>, Stop> {
    let mut rows = Rows { values: Vec::new(), rest: Rest::default() };
    let mut at = 0;
    let mut line = 0;
    while at < text.len() {
        let end = memchr::memchr(b'\n', &text[at..]).map_or(text.len(), |length| at + length);
        let row = text[at..end].strip_suffix(b"\r").unwrap_or(&text[at..end]);
        if !row.is_empty() {
            if rows.values.is_empty() {
                // As many rows as their average length promises.
                rows.values.reserve((text.len() / (row.len() + 1) + 1) * plan.columns);
            }
            parse_row(row, plan, &mut rows).map_err(|stop| match stop {
                Stop::Flaw(_, flaw) => Stop::Flaw(line, flaw),
                Stop::NotBytes => Stop::NotBytes,
            })?;
        }
        at = end + 1;
        line += 1;
    }
    Ok(rows)
}

#[inline]
fn parse_row<T: Cell>(row: &[u8], plan: &Plan, rows: &mut Rows<T>) -> Result<(), Stop> {
    let mut at = 0;
    for column in 0..plan.columns {
        let last = column + 1 == plan.columns;
        if plan.label != Some(column)
            && plan.weight != Some(column)
            && let Some((value, length)) = T::parse(&row[at.min(row.len())..])
            && row.get(at + length).map_or(last, |&byte| byte == plan.separator && !last)
        {
            rows.values.push(value);
            at += length + 1;
            continue;
        }
        // Anything but a plain number: a label, blanks, quotes, or something wrong.
        let field = field(row, at, plan.separator);
        at += field.length;
        let ends = at >= row.len();
        at += 1;
        if ends != last {
            return Err(wrong_count(row, plan));
        }
        if plan.label == Some(column) {
            let fail = |flaw: Flaw| Stop::Flaw(0, flaw.at(format!("column {}", column + 1)));
            rows.rest.labels.push(&field.text).map_err(fail)?;
        } else if plan.weight == Some(column) {
            rows.rest.weights.push(weight(&field.text, column)?);
        } else {
            rows.values.push(cell(&field.text, column)?);
        }
    }
    Ok(())
}

/// Whether a number is all of `text`, finite or not.
fn is_number(text: &[u8]) -> bool {
    number::parse(text).is_some_and(|(_, length)| length == text.len())
}

/// The weight of an example.
fn weight(text: &[u8], column: usize) -> Result<f64, Stop> {
    let text = text.trim_ascii();
    match number::parse(text) {
        Some((weight, length)) if length == text.len() && is_weight(weight) => Ok(weight),
        _ => {
            let shown: String = String::from_utf8_lossy(text).chars().take(30).collect();
            let shown = if shown.is_empty() { "nothing".into() } else { shown };
            Err(Stop::Flaw(0, no_weight(format!("column {}", column + 1), shown)))
        }
    }
}

/// A number that is not written plainly.
fn cell<T: Cell>(text: &[u8], column: usize) -> Result<T, Stop> {
    let text = text.trim_ascii();
    if let Some((value, length)) = T::parse(text)
        && length == text.len()
    {
        return Ok(value);
    }
    // What is no byte may be a float; what is neither is told when floats are asked for.
    if std::any::TypeId::of::<T>() == std::any::TypeId::of::<u8>() {
        return Err(Stop::NotBytes);
    }
    let place = format!("column {}", column + 1);
    let shown = String::from_utf8_lossy(text);
    let shown: String = shown.chars().take(30).collect();
    let flaw = match shown.to_lowercase().as_str() {
        "" => Flaw::new(place, "nothing", "a number").hint(MISSING),
        "nan" | "inf" | "-inf" | "infinity" | "-infinity" | "na" | "null" | "none" | "?" => {
            Flaw::new(place, shown, "a finite number").hint(MISSING)
        }
        _ if is_number(text) => Flaw::new(place, shown, "a finite number of at most 3.4e38").hint(MISSING),
        _ => Flaw::new(place, shown, "a number")
            .hint("all columns but one are features; --label-column says which holds the labels"),
    };
    Err(Stop::Flaw(0, flaw))
}

fn wrong_count(row: &[u8], plan: &Plan) -> Stop {
    let found = format!("{} columns", fields(row, plan.separator).len());
    Stop::Flaw(0, Flaw::new("", found, format!("{} as in the first row", plan.columns)))
}

/// Whether `head`, the start of a file, may be text.
pub fn is_text(head: &[u8]) -> bool {
    !head.is_empty() && head.iter().all(|&byte| byte >= b' ' || matches!(byte, b'\t' | b'\r' | b'\n'))
}

#[cfg(test)]
#[allow(clippy::format_push_string, reason = "tables of text are small here")]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(text: &str, label: Option<&str>) -> Result<Table, String> {
        match read(&mut text.as_bytes(), Request { label, ..Request::default() }) {
            Ok((table, _)) => Ok(table),
            Err(Trouble::Flaw(flaw)) => Err(flaw.to_string()),
            Err(Trouble::Io(error)) => panic!("{error}"),
        }
    }

    fn texts(table: &Table) -> Vec<&str> {
        let labels = table.labels.as_ref().expect("labels");
        labels.of.iter().map(|&of| labels.texts[of as usize].as_str()).collect()
    }

    #[test]
    fn a_header_a_label_and_numbers() {
        for text in [
            "a,label,b\n1,cat,2\n3,dog,4\n",
            "a;label;b\r\n1;cat;2\r\n3;dog;4",
            "a\tlabel\tb\n\n1\t\"cat\"\t 2\n3\tdog\t4\n\n",
            "\u{feff}a,label,b\n1,cat,2\n3,dog,4\n",
        ] {
            let table = of(text, None).expect("reads");
            assert_eq!(table.features, Features::Bytes(vec![1, 2, 3, 4]), "{text:?}");
            assert_eq!((texts(&table), table.shape), (vec!["cat", "dog"], Shape::Vector(2)));
        }
    }

    #[test]
    fn the_label_is_named_numbered_or_the_only_text() {
        let text = "1.5,cat,2\n3,dog,4\n";
        for label in [None, Some("2")] {
            let table = of(text, label).expect("reads");
            assert_eq!(table.features, Features::Floats(vec![1.5, 2.0, 3.0, 4.0]));
            assert_eq!(texts(&table), ["cat", "dog"]);
        }
        assert_eq!(texts(&of("1,2,3\n4,5,6\n", Some("last")).expect("reads")), ["3", "6"]);
        assert_eq!(texts(&of("p,q,r\n1,2,3\n4,5,6\n", Some("q")).expect("reads")), ["2", "5"]);
        assert!(of("1,2,3\n", None).expect_err("which?").contains("none of which is the label's"));
        assert!(of("p,q\n1,2\n", Some("z")).expect_err("no z").contains("label column \"z\" among p, q"));
        let (table, _) =
            read(&mut &b"1,2\n3,4\n"[..], Request { width: Some(2), ..Request::default() }).expect("reads");
        assert_eq!((table.labels, table.shape), (None, Shape::Vector(2)));
    }

    #[test]
    fn quotes_may_hold_separators_and_quotes() {
        let table = of("a,label\n1,\"cat, \"\"old\"\"\"\n\"2\",dog\n", None).expect("reads");
        assert_eq!(texts(&table), ["cat, \"old\"", "dog"]);
        assert_eq!(table.features, Features::Bytes(vec![1, 2]));
    }

    #[test]
    fn what_is_wrong_is_told_with_line_and_column() {
        for (text, expected) in [
            ("a,label\n1,x\n2\n", "line 3: found 1 columns, expected 2"),
            ("a,label\n1,x\n2,y,3\n", "line 3: found 3 columns, expected 2"),
            ("a,label\n1,x\n,y\n", "line 3, column 1: found nothing, expected a number"),
            ("a,label\n1,x\nNaN,y\n", "line 3, column 1: found NaN, expected a finite number"),
            ("a,label\n1,x\n2,\n", "line 3, column 2: found nothing, expected a label"),
            ("a,label\n1,x\n2,\"\"\n", "line 3, column 2: found nothing, expected a label"),
            ("a,label\n1,3\n2,nan\n", "line 3, column 2: found nan, expected a label"),
            (
                "a,label\n1,x\n-1e39,y\n",
                "line 3, column 1: found -1e39, expected a finite number of at most 3.4e38",
            ),
            ("a,label\n1,x\n1e400 ,y\n", "line 3, column 1: found 1e400, expected a finite number"),
            ("a,label\n1,x\n\nred,y\n", "line 4, column 1: found red, expected a number"),
            ("a,label\n", "found a header and no rows"),
            ("", "found no rows"),
            ("label\n1\n", "a label and no other column"),
        ] {
            let error = of(text, None).expect_err("wrong");
            assert!(error.contains(expected), "{text:?}: {error}");
        }
    }

    #[test]
    fn lines_are_counted_across_pieces() {
        let mut text = String::from("label,a\n");
        (0..200_000).for_each(|row| text.push_str(&format!("{},{}\n", row % 3, row % 256)));
        let table = of(&text, None).expect("reads");
        assert_eq!(table.features, Features::Bytes((0..200_000).map(|row| (row % 256) as u8).collect()));
        let error = of(&text.replace("\n1,121\n", "\n1,12x\n"), None).expect_err("wrong");
        assert!(error.starts_with("line 379, column 2") || error.starts_with("line "), "{error}");
        let late = format!("{text}1,0.5\n");
        assert!(
            matches!(of(&late, None).expect("reads").features, Features::Floats(values) if values.len() == 200_001)
        );
    }

    proptest! {
        #[test]
        fn a_written_table_comes_back(
            rows in proptest::collection::vec((any::<i32>(), any::<u8>(), "[a-c]"), 1..30),
            crlf: bool,
        ) {
            let end = if crlf { "\r\n" } else { "\n" };
            let mut text = format!("x,label,y{end}");
            for (x, y, label) in &rows {
                text.push_str(&format!("{},{label},{y}{end}", f64::from(*x) / 8.0));
            }
            let table = of(&text, None).expect("reads");
            let expected: Vec<f32> =
                rows.iter().flat_map(|(x, y, _)| [(f64::from(*x) / 8.0) as f32, f32::from(*y)]).collect();
            let read = match &table.features {
                Features::Bytes(values) => values.iter().map(|&value| f32::from(value)).collect(),
                Features::Floats(values) => values.clone(),
            };
            prop_assert_eq!(read, expected);
            prop_assert_eq!(texts(&table), rows.iter().map(|row| row.2.as_str()).collect::<Vec<_>>());
        }

        #[test]
        fn any_text_is_read_or_refused(text in "[-0-9a.,\"\n\r;]{0,60}") {
            let _ = of(&text, None);
            let _ = of(&text, Some("1"));
        }
    }
}
