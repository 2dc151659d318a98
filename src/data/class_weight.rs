//! How much the examples of each class count.

use super::{DataError, Dataset, Store};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::fmt;
use std::str::FromStr;

/// How much the examples of each class count: q_k multiplies L_i where y_i = k, and the mean is over the sum of the
/// weights.
#[derive(Clone, Debug, PartialEq)]
pub enum ClassWeight {
    /// q_k proportional to 1 / N_k, with N_k the training rows of class k, or the sum of their own weights where they
    /// have any: every class counts the same in all.
    Balanced,
    /// A weight for each class that is named; 1 for the others.
    Table(Vec<(String, f64)>),
}

const EXPECTED: &str = "\"balanced\", or weights of 0 or above by class, such as cat=2,dog=0.5";

impl ClassWeight {
    /// q_(y_i) of every training example (N), as [`ClassWeight::resolve`] gives them.
    ///
    /// # Errors
    /// As [`ClassWeight::resolve`].
    pub fn of_examples<E: Store>(&self, data: &Dataset<E>, rows: &[u32]) -> Result<Vec<f64>, DataError> {
        let own = data.weights.train.as_deref();
        let weights = self.resolve(&data.class_names, data.train.labels(), own, rows)?;
        Ok(data.train.labels().iter().map(|&label| weights[usize::from(label)]).collect())
    }

    /// q (K), scaled so that the mean of q_(y_i), times the example's `own` weight if it has one (N), is 1 over the
    /// training `rows`: then (1/N) sum_i of that times L_i is the weighted mean.
    ///
    /// A class is named by its name, or by its number where no class has that name.
    ///
    /// # Errors
    /// [`DataError::ClassWeight`] when a name is no class's, a class is named twice, or no training row counts.
    pub fn resolve(
        &self,
        class_names: &[String],
        labels: &[u16],
        own: Option<&[f64]>,
        rows: &[u32],
    ) -> Result<Vec<f64>, DataError> {
        let mut counts = vec![0.0_f64; class_names.len()];
        for row in rows.iter().map(|&row| row as usize) {
            counts[usize::from(labels[row])] += own.map_or(1.0, |own| own[row]);
        }
        let mut weights = match self {
            Self::Balanced => {
                counts.iter().map(|&count| if count > 0.0 { 1.0 / count } else { 1.0 }).collect()
            }
            Self::Table(table) => of_table(table, class_names)?,
        };
        let sum: f64 = weights.iter().zip(&counts).map(|(weight, count)| weight * count).sum();
        let mean = sum / rows.len() as f64;
        if !mean.is_normal() {
            return Err(DataError::ClassWeight {
                found: format!("a mean weight of {mean} over the training rows"),
                expected: "a number above 0".into(),
            });
        }
        weights.iter_mut().for_each(|weight| *weight /= mean);
        Ok(weights)
    }
}

/// The weights of a table, 1 where it names none.
fn of_table(table: &[(String, f64)], class_names: &[String]) -> Result<Vec<f64>, DataError> {
    let mut weights = vec![None; class_names.len()];
    for (name, weight) in table {
        let by_name = class_names.iter().position(|class| class == name);
        let class = by_name.or_else(|| name.parse().ok().filter(|&class: &usize| class < class_names.len()));
        let class = class.ok_or_else(|| DataError::ClassWeight {
            found: format!("a weight for {name}, which is no class"),
            expected: format!("one of {}", shown(class_names)),
        })?;
        if weights[class].replace(*weight).is_some() {
            return Err(DataError::ClassWeight {
                found: format!("two weights for {}", class_names[class]),
                expected: "one a class".into(),
            });
        }
    }
    Ok(weights.into_iter().map(|weight| weight.unwrap_or(1.0)).collect())
}

/// The names, or as many as a line holds.
fn shown(class_names: &[String]) -> String {
    const MOST: usize = 12;
    let names = class_names.iter().take(MOST).map(String::as_str).collect::<Vec<_>>().join(", ");
    match class_names.len().checked_sub(MOST) {
        Some(more @ 1..) => format!("{names} and {more} more"),
        _ => names,
    }
}

impl fmt::Display for ClassWeight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Balanced => f.write_str("balanced"),
            Self::Table(table) => {
                let entries: Vec<String> =
                    table.iter().map(|(name, weight)| format!("{name}={weight}")).collect();
                f.write_str(&entries.join(","))
            }
        }
    }
}

impl FromStr for ClassWeight {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "balanced" {
            return Ok(Self::Balanced);
        }
        let entry = |entry: &str| {
            let (name, weight) = entry.rsplit_once('=')?;
            let weight: f64 = weight.trim().parse().ok()?;
            let usable = weight.is_finite() && weight >= 0.0 && !name.trim().is_empty();
            usable.then(|| (name.trim().to_owned(), weight))
        };
        let table: Option<Vec<_>> = text.split(',').map(entry).collect();
        table.map(Self::Table).ok_or_else(|| format!("expected {EXPECTED}"))
    }
}

impl Serialize for ClassWeight {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ClassWeight {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(|_| de::Error::invalid_value(de::Unexpected::Str(&text), &EXPECTED))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolve(text: &str, labels: &[u16]) -> Result<Vec<f64>, String> {
        let names = ["cat", "dog", "1"].map(String::from);
        let rows: Vec<u32> = (0..labels.len() as u32).collect();
        let parsed: ClassWeight = text.parse()?;
        parsed.resolve(&names, labels, None, &rows).map_err(|error| error.to_string())
    }

    #[test]
    fn balanced_weights_count_every_class_the_same() {
        // N / (K N_k), as scikit-learn has it.
        assert_eq!(resolve("balanced", &[0, 0, 1, 2]), Ok(vec![4.0 / 6.0, 4.0 / 3.0, 4.0 / 3.0]));
    }

    #[test]
    fn a_table_has_mean_1_over_the_rows() {
        assert_eq!(resolve("cat=3", &[0, 0, 1, 2]), Ok(vec![1.5, 0.5, 0.5]));
        // A name comes before a number.
        assert_eq!(resolve("1=2, 0 = 0", &[1, 2]), Ok(vec![0.0, 2.0 / 3.0, 4.0 / 3.0]));
    }

    #[test]
    fn what_is_no_weight_is_refused() {
        for bad in ["cat=-1", "cat=nan", "cat=inf", "cat", "=1", "", "cat=1,", "balance"] {
            assert!(bad.parse::<ClassWeight>().is_err(), "{bad}");
        }
        for (bad, word) in
            [("bird=1", "bird"), ("3=1", "no class"), ("cat=1,0=2", "two weights"), ("cat=0", "mean")]
        {
            assert!(resolve(bad, &[0, 0]).is_err_and(|error| error.contains(word)), "{bad}");
        }
    }

    #[test]
    fn it_is_written_as_it_is_read() {
        for text in ["balanced", "cat=2,a = b=0.5"] {
            let weight: ClassWeight = text.parse().expect("parses");
            assert_eq!(weight.to_string().parse(), Ok(weight));
        }
    }
}
