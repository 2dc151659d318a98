//! Rows set aside for validation, by number; nothing is copied.

use super::DataError;
use crate::random::{self, Stream};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::fmt;
use std::str::FromStr;

/// How many training rows to hold out.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Holdout {
    /// So many rows; 0 for none.
    Rows(usize),
    /// This share of the training rows, above 0 and below 1, rounded to whole rows.
    Fraction(f64),
}

impl Holdout {
    /// Whether no row is held out.
    pub fn is_none(self) -> bool {
        self == Self::Rows(0)
    }

    fn of(self, rows: usize) -> usize {
        match self {
            Self::Rows(count) => count,
            Self::Fraction(share) => (share * rows as f64).round() as usize,
        }
    }
}

impl fmt::Display for Holdout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rows(count) => write!(f, "{count}"),
            Self::Fraction(share) => write!(f, "{share}"),
        }
    }
}

const EXPECTED: &str = "a whole number of rows, or a fraction above 0 and below 1";

impl FromStr for Holdout {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Ok(count) = text.parse::<usize>() {
            return Ok(Self::Rows(count));
        }
        match text.parse::<f64>() {
            Ok(share) if share > 0.0 && share < 1.0 => Ok(Self::Fraction(share)),
            _ => Err(format!("expected {EXPECTED}")),
        }
    }
}

impl Serialize for Holdout {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match *self {
            Self::Rows(count) => serializer.serialize_u64(count as u64),
            Self::Fraction(share) => serializer.serialize_f64(share),
        }
    }
}

impl<'de> Deserialize<'de> for Holdout {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl de::Visitor<'_> for Visitor {
            type Value = Holdout;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(EXPECTED)
            }
            fn visit_i64<E: de::Error>(self, value: i64) -> Result<Holdout, E> {
                let count = usize::try_from(value);
                count.map(Holdout::Rows).map_err(|_| E::invalid_value(de::Unexpected::Signed(value), &self))
            }
            fn visit_f64<E: de::Error>(self, value: f64) -> Result<Holdout, E> {
                value.to_string().parse().map_err(|_| E::invalid_value(de::Unexpected::Float(value), &self))
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

/// Which rows train and which validate, each list in rising order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Split {
    /// Rows that gradients see.
    pub train: Vec<u32>,
    /// Rows held out; may be empty.
    pub validation: Vec<u32>,
}

impl Split {
    /// Holds out rows of `0..rows`, drawn by `seed`.
    ///
    /// # Errors
    /// [`DataError::Holdout`] when one of the two parts would be empty though asked for.
    pub fn new(rows: usize, holdout: Holdout, seed: u64) -> Result<Self, DataError> {
        let held = holdout.of(rows);
        if held >= rows || (held == 0 && !holdout.is_none()) {
            return Err(DataError::Holdout { found: held, rows });
        }
        let mut order: Vec<u32> = (0..rows as u32).collect();
        if held > 0 {
            random::shuffle(&mut random::generator(seed, Stream::Split), &mut order);
        }
        let mut train = order.split_off(held);
        let mut validation = order;
        train.sort_unstable();
        validation.sort_unstable();
        Ok(Self { train, validation })
    }
}

/// The rows of `0..rows` that test, in rising order, drawn by a stream of their own.
///
/// # Errors
/// [`DataError::TestSplit`] when one of the two parts would be empty.
pub fn test_rows(rows: usize, holdout: Holdout) -> Result<Vec<u32>, DataError> {
    let count = holdout.of(rows);
    if count == 0 || count >= rows {
        return Err(DataError::TestSplit { found: count, rows });
    }
    let mut order: Vec<u32> = (0..rows as u32).collect();
    random::shuffle(&mut random::generator(0, Stream::TestSplit), &mut order);
    order.truncate(count);
    order.sort_unstable();
    Ok(order)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_disjoint_and_cover_every_row() {
        for holdout in [Holdout::Rows(0), Holdout::Rows(30), Holdout::Fraction(0.3)] {
            let split = Split::new(100, holdout, 5).expect("splits");
            assert_eq!(split.validation.len(), if holdout.is_none() { 0 } else { 30 });
            let mut all = [split.train, split.validation].concat();
            all.sort_unstable();
            assert_eq!(all, (0..100).collect::<Vec<u32>>());
        }
    }

    #[test]
    fn the_seed_chooses_the_rows() {
        let held = |seed| Split::new(100, Holdout::Rows(10), seed).expect("splits").validation;
        assert_eq!(held(1), held(1));
        assert_ne!(held(1), held(2));
    }

    #[test]
    fn neither_part_may_be_empty() {
        for holdout in
            [Holdout::Rows(10), Holdout::Rows(11), Holdout::Fraction(0.01), Holdout::Fraction(0.99)]
        {
            assert!(Split::new(10, holdout, 0).is_err(), "{holdout}");
        }
    }

    #[test]
    fn numbers_and_fractions_are_told_apart() {
        assert_eq!("5000".parse(), Ok(Holdout::Rows(5000)));
        assert_eq!("0.1".parse(), Ok(Holdout::Fraction(0.1)));
        for bad in ["1.5", "-3", "nan", "ten", "1e3", "0.0"] {
            assert!(bad.parse::<Holdout>().is_err(), "{bad}");
        }
    }
}
