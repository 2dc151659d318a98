//! How often a run writes down where it stands: a number of steps, a length of time, or never.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::fmt;
use std::num::NonZeroU64;
use std::str::FromStr;
use std::time::Duration;

/// How often a run writes down where it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CheckpointEvery {
    /// After so many steps, or attempts of random search.
    Steps(NonZeroU64),
    /// After so many seconds.
    Seconds(NonZeroU64),
    /// Never.
    Off,
}

const EXPECTED: &str = "a number of steps, a time such as 30s, 10m or 2h, or \"off\"";

impl CheckpointEvery {
    /// Whether one is due when the steps done went from `before` to `done`, so long after the last one.
    pub fn is_due(self, before: u64, done: u64, since: Duration) -> bool {
        match self {
            Self::Steps(steps) => before / steps != done / steps,
            Self::Seconds(seconds) => since.as_secs() >= seconds.get(),
            Self::Off => false,
        }
    }
}

/// Once a minute: nothing that short runs notice, and little that long ones lose.
impl Default for CheckpointEvery {
    fn default() -> Self {
        const { Self::Seconds(NonZeroU64::new(60).expect("above 0")) }
    }
}

impl fmt::Display for CheckpointEvery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Steps(steps) => write!(f, "{steps}"),
            Self::Seconds(seconds) => write!(f, "{seconds}s"),
            Self::Off => f.write_str("off"),
        }
    }
}

impl FromStr for CheckpointEvery {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "off" {
            return Ok(Self::Off);
        }
        let digits = text.trim_end_matches(|letter: char| letter.is_ascii_alphabetic());
        let unit = match &text[digits.len()..] {
            "" => None,
            "s" => Some(1),
            "m" => Some(60),
            "h" => Some(3600),
            _ => return Err(format!("expected {EXPECTED}")),
        };
        let number = digits.parse::<NonZeroU64>().ok();
        let every = number.and_then(|number| match unit {
            None => Some(Self::Steps(number)),
            Some(unit) => number.checked_mul(NonZeroU64::new(unit)?).map(Self::Seconds),
        });
        every.ok_or_else(|| format!("expected {EXPECTED}"))
    }
}

impl Serialize for CheckpointEvery {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Steps(steps) => steps.serialize(serializer),
            _ => serializer.collect_str(self),
        }
    }
}

impl<'de> Deserialize<'de> for CheckpointEvery {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl de::Visitor<'_> for Visitor {
            type Value = CheckpointEvery;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(EXPECTED)
            }
            fn visit_i64<E: de::Error>(self, value: i64) -> Result<CheckpointEvery, E> {
                let steps = u64::try_from(value).ok().and_then(NonZeroU64::new);
                steps
                    .map(CheckpointEvery::Steps)
                    .ok_or_else(|| E::invalid_value(de::Unexpected::Signed(value), &self))
            }
            fn visit_str<E: de::Error>(self, value: &str) -> Result<CheckpointEvery, E> {
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
    fn steps_times_and_off_and_nothing_else() {
        let told = |text: &str| text.parse::<CheckpointEvery>().map(|every| every.to_string());
        for (text, expected) in
            [("500", "500"), ("30s", "30s"), ("10m", "600s"), ("2h", "7200s"), ("off", "off")]
        {
            assert_eq!(told(text), Ok(expected.into()));
        }
        for bad in
            ["0", "0s", "-1", "1.5s", "s", "", "3d", "Off", "99999999999999999999h", "18446744073709551615h"]
        {
            assert!(told(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn steps_are_due_at_their_multiples_however_many_are_done_at_once() {
        let every = CheckpointEvery::Steps(NonZeroU64::new(10).expect("above 0"));
        let due = |before, done| every.is_due(before, done, Duration::ZERO);
        assert!(due(9, 10) && due(0, 16) && due(16, 48));
        assert!(!due(10, 11) && !due(0, 9));
        assert!(CheckpointEvery::default().is_due(0, 1, Duration::from_secs(60)));
        assert!(!CheckpointEvery::default().is_due(0, 1, Duration::from_secs(59)));
    }
}
