//! What `data info` says of a data set, as text and as JSON.

use super::plot::{count, measured};
use super::printable::one_line;
use crate::data::examine::{Examination, Place, Repeat, Values};
use crate::data::{Dataset, Features, Shape, Source};
use serde::Serialize;
use std::borrow::Cow;
use std::fmt::Write;

/// Rows, features and pairs that are listed; the others are only counted.
const SHOWN: usize = 5;

/// A data set: what it holds, and what may be wrong with it.
#[derive(Clone, Debug, Serialize)]
pub struct DataInfo {
    name: String,
    /// A path, or "generated".
    source: String,
    shape: Shape,
    /// How features are held: "u8" or "f32".
    #[serde(rename = "type")]
    kind: &'static str,
    /// BLAKE3 of shape, class names, features and labels.
    digest: String,
    train: PartInfo,
    /// `None` without test examples.
    test: Option<PartInfo>,
    classes: Vec<ClassInfo>,
    /// Numbers of the features that have one value in all training examples.
    constant_features: Vec<usize>,
    duplicates: Duplicates,
}

#[derive(Clone, Debug, Serialize)]
struct PartInfo {
    rows: usize,
    min: f32,
    max: f32,
    mean: f64,
    /// Of the examples, if they have any.
    #[serde(skip_serializing_if = "Option::is_none")]
    weights: Option<WeightInfo>,
}

#[derive(Clone, Debug, Serialize)]
struct WeightInfo {
    min: f64,
    max: f64,
    mean: f64,
    /// Examples that do not count.
    zeros: usize,
}

#[derive(Clone, Debug, Serialize)]
struct ClassInfo {
    name: String,
    train: usize,
    test: usize,
}

/// Examples whose features are those of an earlier one.
#[derive(Clone, Debug, Serialize)]
struct Duplicates {
    /// Training examples that repeat training examples.
    within_train: Found,
    /// Test examples that repeat test examples that are not in training.
    within_test: Found,
    /// Test examples that are training examples too: a model has seen them.
    test_in_train: Found,
}

#[derive(Clone, Debug, Serialize)]
struct Found {
    count: usize,
    /// Those whose label is not the earlier one's.
    contradicting: usize,
    first: Vec<Pair>,
}

#[derive(Clone, Debug, Serialize)]
struct Pair {
    row: usize,
    class: String,
    repeats_row: usize,
    repeats_class: String,
}

impl DataInfo {
    /// Puts together what is known of `data`.
    pub fn new(data: &Dataset, found: Examination) -> Self {
        let counts = |labels: &[u16]| {
            let mut counts = vec![0; data.classes()];
            labels.iter().for_each(|&label| counts[usize::from(label)] += 1);
            counts
        };
        let counts = counts(&data.train.labels).into_iter().zip(counts(&data.test.labels));
        let classes = data.class_names.iter().cloned().zip(counts);
        Self {
            name: data.name.clone(),
            source: match &data.source {
                Source::BuiltIn => crate::data::GENERATED.into(),
                Source::Path(path) => path.display().to_string(),
            },
            shape: data.shape,
            kind: match data.train.features {
                Features::Bytes(_) => "u8",
                Features::Floats(_) => "f32",
            },
            digest: found.digest,
            train: PartInfo::new(data.train.len(), found.train, data.weights.train.as_deref()),
            test: found.test.map(|test| PartInfo::new(data.test.len(), test, data.weights.test.as_deref())),
            classes: classes.map(|(name, (train, test))| ClassInfo { name, train, test }).collect(),
            constant_features: found.constant,
            duplicates: Duplicates::new(&found.repeats, &data.class_names),
        }
    }

    /// A page of text.
    pub fn to_text(&self) -> String {
        let mut text = format!("{}, from {}\n", one_line(&self.name), one_line(&self.source));
        let kind = if self.kind == "u8" { "bytes" } else { "f32" };
        // Writing to a String cannot fail.
        let _ = writeln!(text, "Examples: {}, held as {kind}", self.shape);
        let _ = writeln!(text, "BLAKE3: {}", self.digest);
        let parts = [("train", Some(&self.train)), ("test", self.test.as_ref())];
        for (name, part) in parts {
            let _ = match part {
                Some(part) => writeln!(
                    text,
                    "  {name:<5}  {:>9} rows, from {} to {}, mean {}",
                    count(part.rows),
                    part.min,
                    part.max,
                    measured(part.mean, 6)
                ),
                None => writeln!(text, "  {name:<5}  no rows"),
            };
        }
        for (name, part) in parts {
            if let Some(WeightInfo { min, max, mean, zeros }) = part.and_then(|part| part.weights.as_ref()) {
                let (mean, zeros) = (measured(*mean, 6), count(*zeros));
                let _ =
                    writeln!(text, "Weights in {name}: from {min} to {max}, mean {mean}, {zeros} of them 0");
            }
        }
        self.write_classes(&mut text);
        let constant: Vec<String> = self.constant_features.iter().map(ToString::to_string).collect();
        let _ = writeln!(text, "Constant features in train: {}", listed(&constant));
        // A reader refuses them, with row and column.
        text.push_str("Features that are not finite: none\n");
        self.duplicates.write(&mut text);
        text
    }

    fn write_classes(&self, text: &mut String) {
        let gaps = |of: fn(&ClassInfo) -> usize| {
            let names = self.classes.iter().filter(|class| of(class) == 0).map(|class| one_line(&class.name));
            names.map(Cow::into_owned).collect::<Vec<_>>()
        };
        let longest = self.classes.iter().map(|class| one_line(&class.name).chars().count()).max();
        let width = longest.unwrap_or_default().clamp(5, 30);
        let _ = writeln!(text, "Classes: {}", count(self.classes.len()));
        let _ = writeln!(text, "  {:<width$}  {:>9}  {:>9}", "class", "train", "test");
        for class in &self.classes {
            let (train, test) = (count(class.train), count(class.test));
            let _ = writeln!(text, "  {:<width$}  {train:>9}  {test:>9}", one_line(&class.name));
        }
        let _ = writeln!(text, "Classes without training examples: {}", listed(&gaps(|class| class.train)));
        if self.test.is_some() {
            let _ = writeln!(text, "Classes without test examples: {}", listed(&gaps(|class| class.test)));
        }
    }
}

impl PartInfo {
    fn new(rows: usize, Values { low, high, mean }: Values, weights: Option<&[f64]>) -> Self {
        let weights = weights.filter(|weights| !weights.is_empty()).map(WeightInfo::new);
        Self { rows, min: low, max: high, mean, weights }
    }
}

impl WeightInfo {
    fn new(weights: &[f64]) -> Self {
        let fold = |first, pick: fn(f64, f64) -> f64| weights.iter().copied().fold(first, pick);
        Self {
            min: fold(f64::INFINITY, f64::min),
            max: fold(0.0, f64::max),
            mean: fold(0.0, |sum, weight| sum + weight) / weights.len() as f64,
            zeros: weights.iter().filter(|&&weight| weight == 0.0).count(),
        }
    }
}

impl Duplicates {
    fn new(repeats: &[Repeat], names: &[String]) -> Self {
        let found = |test: bool, of_test: bool| {
            let mine = || repeats.iter().filter(move |r| (r.this.test, r.first.test) == (test, of_test));
            let class = |place: Place| names[usize::from(place.label)].clone();
            let pair = |r: &Repeat| Pair {
                row: r.this.row,
                class: class(r.this),
                repeats_row: r.first.row,
                repeats_class: class(r.first),
            };
            Found {
                count: mine().count(),
                contradicting: mine().filter(|r| r.contradicts()).count(),
                first: mine().take(SHOWN).map(pair).collect(),
            }
        };
        Self {
            within_train: found(false, false),
            within_test: found(true, true),
            test_in_train: found(true, false),
        }
    }

    fn write(&self, text: &mut String) {
        text.push_str("Exact duplicates, rows from 0:\n");
        let parts = [
            ("within train", &self.within_train, ["train", "train"]),
            ("within test", &self.within_test, ["test", "test"]),
            ("test in train", &self.test_in_train, ["test", "train"]),
        ];
        for (name, found, [this, first]) in parts {
            let _ = write!(text, "  {name:<13}  {}", count(found.count));
            if found.contradicting > 0 {
                let _ = write!(text, ", {} of them with another label", count(found.contradicting));
            }
            text.push('\n');
            for pair in &found.first {
                let Pair { row, repeats_row, .. } = pair;
                let [class, repeats_class] = [&pair.class, &pair.repeats_class].map(|name| one_line(name));
                let _ =
                    writeln!(text, "    {this} {row} ({class}) is {first} {repeats_row} ({repeats_class})");
            }
            if found.count > found.first.len() {
                let _ = writeln!(text, "    and {} more", count(found.count - found.first.len()));
            }
        }
    }
}

/// How many, and the first of them; "none" of none.
fn listed(items: &[String]) -> String {
    let shown = items[..items.len().min(SHOWN)].join(", ");
    match items.len() {
        0 => "none".into(),
        all if all > SHOWN => format!("{}: {shown} and {} more", count(all), count(all - SHOWN)),
        all => format!("{all}: {shown}"),
    }
}
