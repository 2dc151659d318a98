//! Floats in JSON that come back with the same bits, infinities included: as text, since JSON's own numbers lose
//! both on the way. The standard library prints the shortest text that reads back as the same number.

use serde::{Deserialize, Deserializer, Serializer, de};

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference")]
pub fn serialize<S: Serializer>(value: &f64, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(value)
}

pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    let text = String::deserialize(deserializer)?;
    text.parse().map_err(|_| de::Error::invalid_value(de::Unexpected::Str(&text), &"a number as text"))
}
