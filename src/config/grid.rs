//! What varies in a sweep: keys with lists of values, or with ranges to draw from.

use super::error::{ConfigError, Origin};
use super::file::{check_type, closest};
use super::settings::Settings;

/// A key that varies.
#[derive(Clone, Debug, PartialEq)]
pub struct Varied {
    /// A key of [`Settings`].
    pub key: String,
    /// What it takes.
    pub values: Values,
    /// Where that was given.
    pub origin: Origin,
}

/// The values of a key that varies.
#[derive(Clone, Debug, PartialEq)]
pub enum Values {
    /// These, in this order; at least one, all different.
    List(Vec<toml::Value>),
    /// Any number from `low` to `high`, both above 0; whole numbers if the key takes no others.
    Range {
        /// The lower end.
        low: f64,
        /// The upper end.
        high: f64,
        /// Whether the key takes whole numbers only.
        whole: bool,
    },
}

impl Varied {
    /// From a flag: `KEY=v1,v2,...` or `KEY=low..high`.
    ///
    /// # Errors
    /// [`ConfigError`] for a key or value that is none.
    pub fn from_flag(text: &str) -> Result<Self, ConfigError> {
        let Some((key, values)) = text.split_once('=') else {
            return Err(ConfigError::Value {
                origin: Origin::Flag("grid".into()),
                found: text.into(),
                expected: "KEY=v1,v2,... or KEY=low..high".into(),
            });
        };
        let key = key.trim().trim_start_matches("--");
        let origin = Origin::Flag(format!("grid {key}"));
        if values.contains("..") {
            return Self::new(key, toml::Value::String(values.trim().into()), origin);
        }
        let list = values.split(',').map(|value| scalar(value.trim())).collect();
        Self::new(key, toml::Value::Array(list), origin)
    }

    /// From a config file: a list, a single value, or the text "low..high".
    ///
    /// # Errors
    /// [`ConfigError`] for a key or value that is none.
    pub fn new(key: &str, values: toml::Value, origin: Origin) -> Result<Self, ConfigError> {
        let key = key.replace('_', "-");
        let keys = Settings::keys();
        if !keys.contains(&key) {
            return Err(ConfigError::UnknownKey { origin, suggestion: closest(&key, keys) });
        }
        if let Some(reason) = cannot_vary(&key) {
            return Err(ConfigError::CannotVary { origin, reason: reason.into() });
        }
        let values = match values {
            toml::Value::Array(list) => listed(&key, list, &origin)?,
            toml::Value::String(text) if text.contains("..") => range(&key, &text, &origin)?,
            one => listed(&key, vec![one], &origin)?,
        };
        Ok(Self { key, values, origin })
    }

    /// As a config file has it.
    pub fn to_toml(&self) -> toml::Value {
        match &self.values {
            Values::List(list) => toml::Value::Array(list.clone()),
            Values::Range { low, high, .. } => toml::Value::String(format!("{low}..{high}")),
        }
    }
}

/// Why a key is the same for all runs of a sweep; `None` if it may vary.
fn cannot_vary(key: &str) -> Option<&'static str> {
    match key {
        "data" | "format" | "label" | "label-column" | "weight-column" | "test" | "test-split" | "shape"
        | "size" => Some("all runs see the same data"),
        "class-weight" => Some("losses of runs that weigh classes differently cannot be compared"),
        "validation" => Some("all runs are compared on the same rows"),
        "seed" => Some("all runs have the same seed, so that only the settings differ"),
        "threads" => Some("results do not depend on it"),
        "memory" => Some("all runs share one copy of the data"),
        "watch-test" => Some("only the best run is tested, and once"),
        "checkpoint-every" | "keep-checkpoints" => Some("a sweep keeps whole runs"),
        "out" | "force" | "json" | "quiet" => Some("it belongs to the sweep as a whole"),
        _ => None,
    }
}

fn listed(key: &str, list: Vec<toml::Value>, origin: &Origin) -> Result<Values, ConfigError> {
    let wrong = |found: String, expected: &str| {
        Err(ConfigError::Value { origin: origin.clone(), found, expected: expected.into() })
    };
    if list.is_empty() {
        return wrong("an empty list".into(), "at least one value");
    }
    for (at, value) in list.iter().enumerate() {
        check_type(key, value, origin)?;
        if list[..at].contains(value) {
            return wrong(format!("{value} twice"), "different values");
        }
    }
    Ok(Values::List(list))
}

fn range(key: &str, text: &str, origin: &Origin) -> Result<Values, ConfigError> {
    let ends = text.split_once("..").map(|(low, high)| (scalar(low.trim()), scalar(high.trim())));
    let numbers = ends.as_ref().and_then(|(low, high)| Some((number(low)?, number(high)?)));
    let (Some((first, last)), Some((low, high))) = (&ends, numbers) else {
        return wrong_range(text, origin);
    };
    if !(low > 0.0 && low < high && high.is_finite()) {
        return wrong_range(text, origin);
    }
    check_type(key, first, origin)?;
    check_type(key, last, origin)?;
    // A key of whole numbers refuses halves.
    let whole = check_type(key, &toml::Value::Float(0.5), origin).is_err();
    Ok(Values::Range { low, high, whole })
}

fn wrong_range(text: &str, origin: &Origin) -> Result<Values, ConfigError> {
    let expected = "low..high, two numbers above 0, the lower first".into();
    Err(ConfigError::Value { origin: origin.clone(), found: text.into(), expected })
}

fn number(value: &toml::Value) -> Option<f64> {
    value.as_float().or_else(|| value.as_integer().map(|whole| whole as f64))
}

/// A value as it is typed in a shell, where text needs no quotes.
fn scalar(text: &str) -> toml::Value {
    let whole = || text.parse().map(toml::Value::Integer).ok();
    let number = || text.parse().map(toml::Value::Float).ok();
    let truth = || text.parse().map(toml::Value::Boolean).ok();
    whole().or_else(number).or_else(truth).unwrap_or_else(|| toml::Value::String(text.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_and_ranges() {
        let lr = Varied::from_flag("lr=1e-3, 1").expect("a list");
        assert_eq!(lr.values, Values::List(vec![toml::Value::Float(1e-3), toml::Value::Integer(1)]));
        let batch = Varied::from_flag("batch_size=32,full").expect("a list");
        assert_eq!(batch.key, "batch-size");
        assert_eq!(batch.to_toml().to_string(), "[32, \"full\"]");
        let reg = Varied::from_flag("reg=1e-5..1e-1").expect("a range");
        assert_eq!(reg.values, Values::Range { low: 1e-5, high: 0.1, whole: false });
        let epochs = Varied::from_flag("epochs=2..20").expect("a range");
        assert_eq!(epochs.values, Values::Range { low: 2.0, high: 20.0, whole: true });
        let again = Varied::new("epochs", epochs.to_toml(), Origin::Flag("grid epochs".into()));
        assert_eq!(again.expect("what is written is read"), epochs);
    }

    #[test]
    fn what_is_wrong_is_told_with_its_place() {
        for (text, expected) in [
            ("lr", "--grid: found lr, expected KEY=v1,v2,... or KEY=low..high"),
            ("lrr=1,2", "--grid lrr: unknown key"),
            ("lr=fast", "--grid lr: found \"fast\", expected a number"),
            ("lr=1,2,1", "--grid lr: found 1 twice, expected different values"),
            ("epochs=1.5,2", "--grid epochs: found 1.5, expected a whole number"),
            ("optimizer=sgd,adamm", "--grid optimizer: found \"adamm\", expected one of"),
            ("lr=1..", "--grid lr: found 1.., expected low..high"),
            ("lr=0..1", "--grid lr: found 0..1, expected low..high, two numbers above 0"),
            ("optimizer=1..2", "--grid optimizer: found 1, expected"),
            ("data=a,b", "--grid data: cannot vary in a sweep: all runs see the same data"),
            ("seed=1,2", "--grid seed: cannot vary in a sweep: all runs have the same seed"),
            ("threads=1,2", "--grid threads: cannot vary in a sweep: results do not depend on it"),
        ] {
            let error = Varied::from_flag(text).expect_err(text);
            assert!(error.to_string().starts_with(expected), "{text}: {error}");
            assert!(!error.to_string().contains('\n') && !error.hint().is_empty());
        }
    }
}
