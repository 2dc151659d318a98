//! How many examples a step uses: a number, or all of them.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::fmt;
use std::num::NonZeroUsize;
use std::str::FromStr;

/// How many examples a step uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BatchSize {
    /// This many; the last batch of an epoch has what is left.
    Rows(NonZeroUsize),
    /// All of them: full-batch gradient descent, in the order of the data.
    Full,
}

const EXPECTED: &str = "a whole number above 0, or \"full\"";

impl fmt::Display for BatchSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rows(rows) => write!(f, "{rows}"),
            Self::Full => f.write_str("full"),
        }
    }
}

impl FromStr for BatchSize {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "full" => Ok(Self::Full),
            _ => text.parse().map(Self::Rows).map_err(|_| format!("expected {EXPECTED}")),
        }
    }
}

impl Serialize for BatchSize {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Rows(rows) => rows.serialize(serializer),
            Self::Full => serializer.serialize_str("full"),
        }
    }
}

impl<'de> Deserialize<'de> for BatchSize {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl de::Visitor<'_> for Visitor {
            type Value = BatchSize;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(EXPECTED)
            }
            fn visit_i64<E: de::Error>(self, value: i64) -> Result<BatchSize, E> {
                let rows = usize::try_from(value).ok().and_then(NonZeroUsize::new);
                rows.map(BatchSize::Rows)
                    .ok_or_else(|| E::invalid_value(de::Unexpected::Signed(value), &self))
            }
            fn visit_str<E: de::Error>(self, value: &str) -> Result<BatchSize, E> {
                value.parse().map_err(|_| E::invalid_value(de::Unexpected::Str(value), &self))
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_full_and_nothing_else() {
        assert_eq!("full".parse(), Ok(BatchSize::Full));
        assert_eq!("32".parse::<BatchSize>().map(|size| size.to_string()), Ok("32".into()));
        for bad in ["0", "-1", "Full", "1.5", ""] {
            assert!(bad.parse::<BatchSize>().is_err(), "{bad}");
        }
    }
}
