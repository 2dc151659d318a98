//! An amount of memory, as it is typed: "500MB", "2GiB".

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::fmt;
use std::str::FromStr;

/// So many bytes, at least one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct MemorySize(u64);

/// The units, with their bytes.
const UNITS: [(&str, u64); 9] = [
    ("B", 1),
    ("kB", 1000),
    ("KiB", 1 << 10),
    ("MB", 1_000_000),
    ("MiB", 1 << 20),
    ("GB", 1_000_000_000),
    ("GiB", 1 << 30),
    ("TB", 1_000_000_000_000),
    ("TiB", 1 << 40),
];

impl MemorySize {
    /// The smallest whole number of megabytes that holds so many bytes.
    pub fn in_megabytes(bytes: u64) -> Self {
        Self(bytes.max(1).next_multiple_of(1_000_000))
    }

    /// In bytes.
    pub fn bytes(self) -> u64 {
        self.0
    }
}

/// In the unit that gives the smallest whole number.
impl fmt::Display for MemorySize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let exact = UNITS.iter().filter(|(_, bytes)| self.0.is_multiple_of(*bytes));
        let (unit, bytes) = exact.max_by_key(|(_, bytes)| *bytes).unwrap_or(&UNITS[0]);
        write!(f, "{}{unit}", self.0 / bytes)
    }
}

const EXPECTED: &str = "a number with its unit, such as 500MB or 2GiB";

impl FromStr for MemorySize {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let number = text.trim_end_matches(|letter: char| letter.is_ascii_alphabetic());
        let written = text[number.len()..].to_lowercase();
        let unit = UNITS.iter().find(|(unit, _)| unit.to_lowercase() == written);
        let bytes = unit.and_then(|(_, unit)| Some(number.trim_end().parse::<f64>().ok()? * *unit as f64));
        match bytes {
            Some(bytes) if (1.0..=1e18).contains(&bytes) => Ok(Self(bytes as u64)),
            _ => Err(format!("expected {EXPECTED}")),
        }
    }
}

impl Serialize for MemorySize {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.to_string())
    }
}

impl<'de> Deserialize<'de> for MemorySize {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl de::Visitor<'_> for Visitor {
            type Value = MemorySize;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{EXPECTED}, in quotes")
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<MemorySize, E> {
                text.parse().map_err(|_| E::invalid_value(de::Unexpected::Str(text), &self))
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_and_written_in_their_units() {
        for (text, bytes, shown) in [
            ("500MB", 500_000_000, "500MB"),
            ("2GiB", 2 << 30, "2GiB"),
            ("1.5gb", 1_500_000_000, "1500MB"),
            ("64 kib", 65_536, "64KiB"),
            ("123456789B", 123_456_789, "123456789B"),
        ] {
            let size: MemorySize = text.parse().expect(text);
            assert_eq!((size.bytes(), size.to_string().as_str()), (bytes, shown));
            assert_eq!(shown.parse(), Ok(size));
        }
        for bad in ["500", "MB", "-1MB", "1XB", "500M", "nanMB", "1e30GB", "0B", ""] {
            assert!(bad.parse::<MemorySize>().is_err(), "{bad}");
        }
        assert_eq!(MemorySize::in_megabytes(1_000_001).to_string(), "2MB");
    }
}
