//! What a table's first lines tell: the separator, the header, and which columns hold labels and weights.

use super::Request;
use super::field::fields;
use crate::data::formats::flaw::Flaw;

/// Names under which a column holds labels, unless the user names another.
const LABEL_NAMES: [&str; 6] = ["label", "labels", "class", "target", "species", "y"];

/// What is known of a table's columns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Columns {
    /// Which holds the labels.
    pub label: Option<usize>,
    /// Which holds the weights.
    pub weight: Option<usize>,
    /// Whether that is so only because no other column holds texts.
    pub guessed: bool,
    /// Their names, if the table has a header.
    pub names: Option<Vec<String>>,
}

impl Columns {
    /// The label column's name, or its number.
    pub fn label_name(&self) -> String {
        let Some(label) = self.label else { return "none".into() };
        match self.names.as_ref().map(|names| names[label].trim()) {
            Some(name) if !name.is_empty() => name.into(),
            _ => (label + 1).to_string(),
        }
    }

    fn is_feature(&self, column: usize) -> bool {
        Some(column) != self.label && Some(column) != self.weight
    }

    /// The names of the features, if the table has a header.
    pub fn feature_names(&self) -> Option<Vec<String>> {
        let columns = self.names.iter().flatten().enumerate();
        let features = columns.filter(|(column, _)| self.is_feature(*column));
        self.names.as_ref().map(|_| features.map(|(_, name)| name.trim().to_owned()).collect())
    }

    /// Where the name of the feature `at` is.
    pub fn place_of_name(&self, at: usize) -> String {
        let column = (0..).filter(|&column| self.is_feature(column)).nth(at).unwrap_or(at);
        format!("line 1, column {}", column + 1)
    }
}

/// How a table's lines are read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    pub separator: u8,
    pub columns: usize,
    /// Which column holds the labels.
    pub label: Option<usize>,
    /// Which the weights.
    pub weight: Option<usize>,
    /// Bytes before the first row.
    pub header: usize,
}

impl Plan {
    /// D.
    pub fn features(&self) -> usize {
        self.columns - usize::from(self.label.is_some()) - usize::from(self.weight.is_some())
    }
}

/// Finds separator, header and label column from the first lines.
pub fn plan(block: &[u8], request: Request<'_>) -> Result<(Plan, Columns), Flaw> {
    // A mark of the byte order, as some spreadsheets write it, is no text.
    let marked = block.starts_with(b"\xef\xbb\xbf");
    let text = if marked { &block[3..] } else { block };
    let mut lines = text.split(|&byte| byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    let first = lines.next().unwrap_or_default();
    if first.is_empty() {
        return Err(Flaw::new("line 1", "nothing", "a row, or the names of the columns"));
    }
    let count = |separator: &u8| memchr::memchr_iter(*separator, first).count();
    let separator = b",;\t".iter().rev().max_by_key(|separator| count(separator)).copied().unwrap_or(b',');
    let names = fields(first, separator);
    let second = lines.find(|line| !line.is_empty()).map(|line| fields(line, separator));
    let has_header = is_header(&names, second.as_deref());
    let row = if has_header { second.unwrap_or_default() } else { names.clone() };
    let names = has_header.then_some(names);
    let columns = names.as_ref().unwrap_or(&row).len();
    let weight = request.weight.map(|wanted| {
        find(wanted, "weight", names.as_deref(), columns)
            .map_err(|flaw| flaw.hint("--weight-column takes a column's name, its number from 1, or last"))
    });
    let weight = weight.transpose()?;
    let (label, guessed) = label_column(names.as_deref(), &row, columns, request, weight)?;
    if label.is_some() && label == weight {
        let found = format!("column {} for labels and weights", label.map_or(0, |column| column + 1));
        return Err(Flaw::new("line 1", found, "a column for each"));
    }
    let plan = Plan { separator, columns, label, weight, header: 0 };
    if plan.features() == 0 {
        return Err(Flaw::new("line 1", "a label and no other column", "at least one column of numbers"));
    }
    let header =
        if has_header { first.len() + 1 + text[first.len()..].starts_with(b"\r") as usize } else { 0 };
    let header = (header + if marked { 3 } else { 0 }).min(block.len());
    Ok((Plan { header, ..plan }, Columns { label, weight, guessed, names }))
}

fn is_number(text: &str) -> bool {
    text.trim().parse::<f64>().is_ok()
}

/// Whether the first line names columns: a text over a number, a label's usual name, or texts alone.
fn is_header(first: &[String], second: Option<&[String]>) -> bool {
    let Some(second) = second else { return first.iter().all(|text| !is_number(text)) };
    let over_number =
        first.iter().zip(second).any(|(a, b)| !is_number(a) && !a.trim().is_empty() && is_number(b));
    over_number || first.iter().any(|text| is_label_name(text))
}

/// Whether a column of that name holds labels.
pub fn is_label_name(text: &str) -> bool {
    LABEL_NAMES.contains(&text.trim().to_lowercase().as_str())
}

/// The column that is called `wanted`, or has that number; it holds `what`.
fn find(wanted: &str, what: &str, names: Option<&[String]>, columns: usize) -> Result<usize, Flaw> {
    let by_name = names.and_then(|names| names.iter().position(|name| name.trim() == wanted));
    let by_place = || match wanted.parse::<usize>() {
        Ok(place) => place.checked_sub(1).filter(|&place| place < columns),
        Err(_) => (wanted == "last").then(|| columns - 1),
    };
    by_name.or_else(by_place).ok_or_else(|| {
        let expected = match names {
            Some(names) => format!("the {what} column {wanted:?} among {}", shown(names)),
            None => format!("the {what} column {wanted:?}"),
        };
        Flaw::new("line 1", format!("{columns} columns without it"), expected)
    })
}

/// Which column holds the labels, if any does, and whether that is a guess.
fn label_column(
    names: Option<&[String]>,
    row: &[String],
    columns: usize,
    request: Request<'_>,
    weight: Option<usize>,
) -> Result<(Option<usize>, bool), Flaw> {
    const HINT: &str = "--label-column takes a column's name, its number from 1, or last";
    if let Some(wanted) = request.label {
        return match find(wanted, "label", names, columns) {
            Ok(place) => Ok((Some(place), false)),
            Err(flaw) => Err(flaw.hint(HINT)),
        };
    }
    if request.width == Some(columns - usize::from(weight.is_some())) {
        return Ok((None, false));
    }
    let named: Vec<usize> = names
        .unwrap_or_default()
        .iter()
        .enumerate()
        .filter(|(_, name)| is_label_name(name))
        .map(|(at, _)| at)
        .collect();
    if let [only] = named[..] {
        return Ok((Some(only), false));
    }
    let texts: Vec<usize> =
        row.iter().enumerate().filter(|(_, text)| !is_number(text)).map(|(at, _)| at).collect();
    match texts[..] {
        [only] => Ok((Some(only), true)),
        _ => Err(Flaw::new(
            "line 1",
            format!("{columns} columns, none of which is the label's for certain"),
            "one of the name label, or of texts",
        )
        .hint(HINT)),
    }
}

fn shown(names: &[String]) -> String {
    const SHOWN: usize = 8;
    let list = names[..names.len().min(SHOWN)].join(", ");
    if names.len() > SHOWN { format!("{list} and {} more", names.len() - SHOWN) } else { list }
}
