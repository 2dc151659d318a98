//! What the columns of a Parquet file are, and which of them are features and labels.

use super::Request;
use crate::data::formats::csv::is_label_name;
use crate::data::formats::flaw::Flaw;
use parquet::basic::{ConvertedType, LogicalType, Type};
use parquet::schema::types::{ColumnDescriptor, SchemaDescriptor};

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A number.
    Number,
    /// A list of numbers.
    List,
    /// A text.
    Text,
    /// Bytes: an encoded picture.
    Picture,
    /// Nothing that is of use here.
    Other,
}

/// A column of the table, not of the file: of a struct that holds a picture, the bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// What it holds.
    pub kind: Kind,
    /// The file's column that has it.
    pub leaf: usize,
}

/// The columns of a schema.
pub fn columns(schema: &SchemaDescriptor) -> Vec<Column> {
    let fields = schema.root_schema().get_fields();
    let column = |(place, field): (usize, &parquet::schema::types::TypePtr)| {
        let leaves: Vec<usize> =
            (0..schema.num_columns()).filter(|&leaf| schema.get_column_root_idx(leaf) == place).collect();
        let describe = |leaf: usize| schema.column(leaf);
        let bytes = |leaf: &usize| {
            let column = describe(*leaf);
            column.path().parts().len() == 2 && column.name() == "bytes" && of_leaf(&column) == Kind::Picture
        };
        let (kind, leaf) = match leaves[..] {
            [leaf] if !leaves.iter().any(bytes) => (of_leaf(&describe(leaf)), leaf),
            _ => leaves
                .iter()
                .copied()
                .find(|leaf| bytes(leaf))
                .map_or((Kind::Other, 0), |leaf| (Kind::Picture, leaf)),
        };
        // A struct of one column is none of ours.
        let plain = field.is_primitive() || matches!(kind, Kind::List | Kind::Picture);
        Column { name: field.name().into(), kind: if plain { kind } else { Kind::Other }, leaf }
    };
    fields.iter().enumerate().map(column).collect()
}

fn of_leaf(column: &ColumnDescriptor) -> Kind {
    let logical = column.logical_type_ref();
    let number = match column.physical_type() {
        Type::BOOLEAN | Type::FLOAT | Type::DOUBLE => true,
        // Dates, times and decimals are whole numbers too, but not what they stand for.
        Type::INT32 | Type::INT64 => match logical {
            Some(LogicalType::Integer(_)) => true,
            Some(_) => false,
            None => is_integer(column.converted_type()),
        },
        Type::FIXED_LEN_BYTE_ARRAY => matches!(logical, Some(LogicalType::Float16)),
        Type::BYTE_ARRAY | Type::INT96 => false,
    };
    let is_bytes = column.physical_type() == Type::BYTE_ARRAY;
    let is_text = matches!(logical, Some(LogicalType::String | LogicalType::Enum))
        || matches!(column.converted_type(), ConvertedType::UTF8 | ConvertedType::ENUM);
    match (column.max_rep_level(), number) {
        (0, true) => Kind::Number,
        (1, true) => Kind::List,
        (0, false) if is_bytes && is_text => Kind::Text,
        (0, false) if is_bytes && logical.is_none() => Kind::Picture,
        _ => Kind::Other,
    }
}

fn is_integer(converted: ConvertedType) -> bool {
    use ConvertedType::{INT_8, INT_16, INT_32, INT_64, NONE, UINT_8, UINT_16, UINT_32, UINT_64};
    matches!(converted, NONE | INT_8 | INT_16 | INT_32 | INT_64 | UINT_8 | UINT_16 | UINT_32 | UINT_64)
}

/// Which columns are read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chosen {
    /// The labels.
    pub label: Option<Column>,
    /// The weights of the examples.
    pub weight: Option<Column>,
    /// The features: one of pictures, one of lists, or all of numbers.
    pub features: Vec<Column>,
    /// Names of columns that are not read.
    pub left_out: Vec<String>,
}

impl Chosen {
    /// The names of all columns that are read.
    pub fn names(&self) -> Vec<&str> {
        let columns = self.label.iter().chain(&self.weight).chain(&self.features);
        columns.map(|column| &*column.name).collect()
    }
}

/// Chooses among `columns`.
///
/// # Errors
/// [`Flaw`] when there is no column of labels, of features or of weights that are asked for, or it is not clear which.
pub fn choose(columns: &[Column], request: Request<'_>) -> Result<Chosen, Flaw> {
    let weight = request.weight.map(|wanted| {
        find(columns, wanted, "weight", &[Kind::Number])
            .map_err(|flaw| flaw.hint("--weight-column takes a column's name, its number from 1, or last"))
    });
    let weight = weight.transpose()?;
    let label = label(columns, request, weight)?;
    if label.is_some() && label == weight {
        let name = label.map_or("", |place| &columns[place].name);
        return Err(Flaw::whole(format!("column {name} for labels and weights"), "a column for each"));
    }
    let others: Vec<&Column> = columns
        .iter()
        .enumerate()
        .filter(|(place, _)| Some(*place) != label && Some(*place) != weight)
        .map(|(_, column)| column)
        .collect();
    let of = |kind: Kind| -> Vec<Column> {
        others.iter().filter(|column| column.kind == kind).map(|&column| column.clone()).collect()
    };
    let (pictures, lists, numbers) = (of(Kind::Picture), of(Kind::List), of(Kind::Number));
    let features = match (&pictures[..], &lists[..]) {
        ([_], _) => pictures,
        ([], [_]) => lists,
        ([], []) if !numbers.is_empty() => {
            let odd = others.iter().find(|column| column.kind != Kind::Number);
            if let Some(odd) = odd {
                let flaw = Flaw::new(format!("column {}", odd.name), describe(odd.kind), "a number");
                return Err(
                    flaw.hint("all columns but those of labels and weights are features: leave it out")
                );
            }
            numbers
        }
        _ => {
            let found = format!("the columns {}", list(columns));
            return Err(Flaw::whole(found, "one of pictures or of lists of numbers, or numbers alone"));
        }
    };
    let left_out = others.iter().filter(|column| !features.contains(column));
    let left_out = left_out.map(|column| column.name.clone()).collect();
    let at = |place: Option<usize>| place.map(|place| columns[place].clone());
    Ok(Chosen { label: at(label), weight: at(weight), features, left_out })
}

/// The place of the column `wanted` for labels or weights, by its name, its number from 1, or "last".
fn find(columns: &[Column], wanted: &str, what: &str, kinds: &[Kind]) -> Result<usize, Flaw> {
    let by_place = || match wanted.parse::<usize>() {
        Ok(place) => place.checked_sub(1).filter(|&place| place < columns.len()),
        Err(_) => (wanted == "last").then(|| columns.len().saturating_sub(1)),
    };
    let place = columns.iter().position(|column| column.name == wanted).or_else(by_place);
    let Some(place) = place else {
        let found = format!("--{what}-column {wanted}");
        return Err(Flaw::whole(found, format!("one of {}", list(columns))));
    };
    let Column { name, kind, .. } = &columns[place];
    if kinds.contains(kind) {
        return Ok(place);
    }
    let or_texts = if kinds.contains(&Kind::Text) { " or texts" } else { "" };
    Err(Flaw::new(format!("column {name}"), describe(*kind), format!("{what}s: numbers{or_texts}")))
}

/// The place of the label column, which is not that of the weights.
fn label(columns: &[Column], request: Request<'_>, weight: Option<usize>) -> Result<Option<usize>, Flaw> {
    const HINT: &str = "--label-column takes a column's name, its number from 1, or last";
    if let Some(wanted) = request.label {
        let found = find(columns, wanted, "label", &[Kind::Number, Kind::Text]);
        return found.map(Some).map_err(|flaw| flaw.hint(HINT));
    }
    let others = || columns.iter().enumerate().filter(|(place, _)| Some(*place) != weight);
    let is_number = |column: &Column| column.kind == Kind::Number;
    if request.unlabelled == Some(others().count()) && others().all(|(_, column)| is_number(column)) {
        return Ok(None);
    }
    let is_label = |column: &Column| is_number(column) || column.kind == Kind::Text;
    let mut named = others().filter(|(_, column)| is_label(column) && is_label_name(&column.name));
    let named = named.next().map(|(place, _)| place);
    let mut texts = others().filter(|(_, column)| column.kind == Kind::Text);
    let only = match (texts.next(), texts.next()) {
        (Some((place, _)), None) => Some(place),
        _ => None,
    };
    match named.or(only) {
        Some(place) => Ok(Some(place)),
        None if request.unlabelled.is_some() => Ok(None),
        None => {
            let found = format!("the columns {}", list(columns));
            Err(Flaw::whole(found, "one of labels, called label for example").hint(HINT))
        }
    }
}

fn list(columns: &[Column]) -> String {
    const MOST: usize = 10;
    let names: Vec<&str> = columns.iter().take(MOST).map(|column| &*column.name).collect();
    let more = if columns.len() > MOST { ", ..." } else { "" };
    names.join(", ") + more
}

fn describe(kind: Kind) -> &'static str {
    match kind {
        Kind::Number => "numbers",
        Kind::List => "lists",
        Kind::Text => "texts",
        Kind::Picture => "bytes",
        Kind::Other => "values of another type, or nested ones",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn columns(kinds: &[(&str, Kind)]) -> Vec<Column> {
        let column = |(leaf, &(name, kind)): (usize, &(&str, Kind))| Column { name: name.into(), kind, leaf };
        kinds.iter().enumerate().map(column).collect()
    }

    #[test]
    fn labels_and_features_are_found_by_what_they_are() {
        use Kind::{List, Number, Other, Picture, Text};
        let names = |kinds: &[(&str, Kind)], request| {
            choose(&columns(kinds), request).map(|chosen| {
                let label = chosen.label.map(|label| label.name);
                (label, chosen.features.into_iter().map(|column| column.name).collect::<Vec<_>>())
            })
        };
        let expected = |label: &str, features: &[&str]| {
            let label = (!label.is_empty()).then(|| label.to_owned());
            Ok((label, features.iter().map(ToString::to_string).collect()))
        };
        let request = Request::default();
        let hugging = [("img", Picture), ("fine_label", Number), ("coarse_label", Number)];
        assert!(names(&hugging, request).is_err(), "which label?");
        let fine = Request { label: Some("fine_label"), ..request };
        assert_eq!(names(&hugging, fine), expected("fine_label", &["img"]));
        assert_eq!(names(&[("x", List), ("id", Other), ("y", Number)], request), expected("y", &["x"]));
        assert_eq!(
            names(&[("a", Number), ("kind", Text), ("b", Number)], request),
            expected("kind", &["a", "b"])
        );
        let last = Request { label: Some("last"), ..request };
        assert_eq!(names(&[("a", Number), ("b", Number)], last), expected("b", &["a"]));
        assert!(names(&[("a", Number), ("day", Other), ("label", Number)], request).is_err());
        let weighted = Request { weight: Some("w"), ..request };
        let columns_and_weights = [("a", Number), ("w", Number), ("y", Number)];
        assert_eq!(names(&columns_and_weights, weighted), expected("y", &["a"]));
        assert_eq!(
            names(&columns_and_weights, Request { unlabelled: Some(2), ..weighted }),
            expected("", &["a", "y"])
        );
        for wrong in ["y", "x", "4"] {
            assert!(
                names(&columns_and_weights, Request { weight: Some(wrong), ..request }).is_err(),
                "{wrong}"
            );
        }
        let two = Request { unlabelled: Some(2), ..request };
        assert_eq!(names(&[("a", Number), ("label", Number)], two), expected("", &["a", "label"]));
        assert_eq!(
            names(&[("a", Number), ("b", Number), ("label", Number)], two),
            expected("label", &["a", "b"])
        );
    }
}
