//! Reading a config file: flat TOML with the flags' names as keys, each error with its line.

use super::error::{ConfigError, Origin};
use super::grid::Varied;
use super::settings::Settings;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::Path;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// Bytes of a config file, at most.
const LARGEST: u64 = 1 << 20;
/// Keys that only a sweep has, beside `[grid]`.
const OF_A_SWEEP: [&str; 2] = ["random", "folds"];
/// The table of what varies in a sweep; `[[grid]]` several times for several grids, one after the other.
const GRID: &str = "grid";

/// A file's settings, not yet joined with anything: `-` between words of a key, and each key's origin.
#[derive(Default)]
pub struct ConfigFile {
    /// The keys and their values.
    pub table: toml::Table,
    /// Where each stands.
    pub origins: BTreeMap<String, Origin>,
    /// The numbers that only a sweep has, "random" and "folds", and where each stands.
    pub sweep: BTreeMap<String, (usize, Origin)>,
    /// What varies: a list for each `[grid]`.
    pub grids: Vec<Vec<Varied>>,
}

impl ConfigFile {
    /// Where the file speaks of a sweep, if it does.
    pub fn sweep_origin(&self) -> Option<Origin> {
        let varied = self.grids.iter().flatten().next().map(|varied| varied.origin.clone());
        varied.or_else(|| self.sweep.values().next().map(|(_, origin)| origin.clone()))
    }
}

/// Reads `path`; every key is known and every value has the right type afterwards.
///
/// # Errors
/// [`ConfigError`] for a file that cannot be read, and for the first key or value that is none.
pub fn read(path: &Path) -> Result<ConfigFile, ConfigError> {
    let mut bytes = Vec::new();
    let read = File::open(path).and_then(|file| file.take(LARGEST + 1).read_to_end(&mut bytes));
    read.map_err(|error| ConfigError::Unreadable { path: path.into(), error })?;
    if bytes.len() as u64 > LARGEST {
        let message = format!("found more than {LARGEST} bytes, expected a config file");
        return Err(ConfigError::Syntax { path: path.into(), line: 1, message });
    }
    let text = std::str::from_utf8(&bytes).map_err(|error| ConfigError::Syntax {
        path: path.into(),
        line: line_of(&bytes, error.valid_up_to()),
        message: "found bytes that are not UTF-8, expected text".into(),
    })?;
    parse(path, text)
}

/// As [`read`], of the text that is in `path`.
///
/// # Errors
/// As [`read`].
pub fn parse(path: &Path, text: &str) -> Result<ConfigFile, ConfigError> {
    let syntax = |error: &toml::de::Error| ConfigError::Syntax {
        path: path.into(),
        line: line_of(text.as_bytes(), error.span().map_or(0, |span| span.start)),
        message: error.message().lines().collect::<Vec<_>>().join(", "),
    };
    let spanned = DeTable::parse(text).map_err(|error| syntax(&error))?;
    let values: toml::Table = text.parse().map_err(|error| syntax(&error))?;

    let keys = Settings::keys();
    let mut file = ConfigFile::default();
    let origin_at = |byte: usize, key: &str| {
        let line = line_of(text.as_bytes(), byte);
        Origin::File { path: path.into(), line, key: key.into() }
    };
    for (written, spanned) in spanned.get_ref() {
        let name = written.get_ref().as_ref();
        let origin = origin_at(written.span().start, name);
        let key = name.replace('_', "-");
        if key == GRID {
            file.grids = grids(spanned, values.get(name), &origin, &origin_at)?;
            continue;
        }
        if let (true, Some(value)) = (OF_A_SWEEP.contains(&key.as_str()), values.get(name)) {
            let number = value.as_integer().and_then(|number| usize::try_from(number).ok());
            let Some(number) = number.filter(|&number| number > 0) else {
                let (found, expected) = (value.to_string(), "a whole number above 0".into());
                return Err(ConfigError::Value { origin, found, expected });
            };
            file.sweep.insert(key, (number, origin));
            continue;
        }
        if !keys.contains(&key) {
            return Err(ConfigError::UnknownKey { origin, suggestion: closest(&key, keys) });
        }
        let Some(value) = values.get(name) else { continue };
        check_type(&key, value, &origin)?;
        if file.origins.insert(key.clone(), origin.clone()).is_some() {
            return Err(ConfigError::Value {
                origin,
                found: "the key a second time".into(),
                expected: "it once".into(),
            });
        }
        file.table.insert(key, value.clone());
    }
    Ok(file)
}

/// What varies, of `[grid]` or of each `[[grid]]`.
fn grids(
    spanned: &Spanned<DeValue<'_>>,
    value: Option<&toml::Value>,
    origin: &Origin,
    origin_at: &impl Fn(usize, &str) -> Origin,
) -> Result<Vec<Vec<Varied>>, ConfigError> {
    let one = |spanned: &DeTable<'_>, values: &toml::Table| {
        let entries = spanned.iter().filter_map(|(key, _)| {
            let (name, at) = (key.get_ref().as_ref(), key.span().start);
            let origin = origin_at(at, &format!("{GRID}.{name}"));
            Some(Varied::new(name, values.get(name)?.clone(), origin))
        });
        entries.collect::<Result<Vec<_>, _>>()
    };
    match (spanned.get_ref(), value) {
        (DeValue::Table(spanned), Some(toml::Value::Table(values))) => Ok(vec![one(spanned, values)?]),
        (DeValue::Array(spanned), Some(toml::Value::Array(values))) => {
            let tables =
                spanned.iter().zip(values).map(|(spanned, value)| match (spanned.get_ref(), value) {
                    (DeValue::Table(spanned), toml::Value::Table(values)) => one(spanned, values),
                    _ => Err(no_grid(value, origin)),
                });
            tables.collect()
        }
        (_, value) => Err(no_grid(value.unwrap_or(&toml::Value::Boolean(false)), origin)),
    }
}

fn no_grid(found: &toml::Value, origin: &Origin) -> ConfigError {
    let expected = "a table of keys with their values, such as `[grid]` and below it `lr = [1e-3, 1e-2]`";
    ConfigError::Value { origin: origin.clone(), found: found.to_string(), expected: expected.into() }
}

/// Tries one key alone, so that an error is about it.
pub(super) fn check_type(key: &str, value: &toml::Value, origin: &Origin) -> Result<(), ConfigError> {
    let alone = toml::Table::from_iter([(key.to_owned(), value.clone())]);
    let Err(error) = Settings::deserialize(alone) else { return Ok(()) };
    // serde says "invalid type: string "a", expected f64", or "unknown variant `x`, expected `a` or `b`".
    let message = error.message().lines().next().unwrap_or_default();
    let expected = message.split_once("expected ").map_or("another value", |(_, expected)| expected);
    let expected = match expected {
        "f64" => "a number",
        "u64" | "usize" | "a nonzero usize" => "a whole number above or equal to 0",
        "a boolean" => "true or false",
        "path string" => "a path in quotes",
        other => other,
    };
    Err(ConfigError::Value { origin: origin.clone(), found: value.to_string(), expected: expected.into() })
}

/// The line of a byte, from 1.
fn line_of(text: &[u8], byte: usize) -> usize {
    text.iter().take(byte).filter(|&&b| b == b'\n').count() + 1
}

/// The key most like `unknown`, if one is like it at all.
pub(super) fn closest(unknown: &str, keys: &[String]) -> Option<String> {
    let likeness = |key: &&String| strsim::jaro_winkler(unknown, key);
    let best = keys.iter().max_by(|a, b| likeness(a).total_cmp(&likeness(b)))?;
    (likeness(&best) > 0.7).then(|| best.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(text: &str) -> String {
        match parse(Path::new("a.toml"), text) {
            Ok(_) => panic!("no error for {text:?}"),
            Err(error) => format!("{error} | {}", error.hint()),
        }
    }

    #[test]
    fn words_of_a_key_may_be_joined_either_way() {
        let file = parse(Path::new("a.toml"), "batch_size = 32\ninit-scale = 1\n").expect("parses");
        assert_eq!(file.table.keys().collect::<Vec<_>>(), ["batch-size", "init-scale"]);
        assert!(
            error("batch_size = 32\nbatch-size = 64")
                .contains("line 2: batch-size: found the key a second time")
        );
    }

    #[test]
    fn errors_have_file_line_key_and_what_is_allowed() {
        for (text, expected) in [
            ("\nwatch_out = 1", "a.toml line 2: watch_out: unknown key | did you mean `watch-test`?"),
            ("\nzzz = 1", "a.toml line 2: zzz: unknown key | keys are"),
            ("\nepoch = 1", "a.toml line 2: epoch: unknown key | did you mean `epochs`?"),
            ("lr = \"fast\"", "a.toml line 1: lr: found \"fast\", expected a number"),
            ("epochs = 1.5", "a.toml line 1: epochs: found 1.5, expected a whole number"),
            ("epochs = -1", "a.toml line 1: epochs: found -1, expected a whole number"),
            ("loss = \"hinge\"", "a.toml line 1: loss: found \"hinge\", expected `svm` or `softmax`"),
            ("local = 1", "a.toml line 1: local: found 1, expected true or false"),
            ("batch-size = 0", "expected a whole number above 0, or \"full\""),
            ("validation = 1.5", "expected a whole number of rows, or a fraction above 0 and below 1"),
            ("[train]\nlr = 1", "a.toml line 1: train: unknown key"),
            ("lr = [1, 2]", "a.toml line 1: lr: found [1, 2], expected a number"),
            ("lr = ", "a.toml line 1: "),
            ("[grid]\nlr = [1, 2]\nepoch = [3]", "a.toml line 3: grid.epoch: unknown key | did you mean"),
            (
                "[[grid]]\nlr = 1\n[[grid]]\nlr = \"x\"",
                "a.toml line 4: grid.lr: found \"x\", expected a number",
            ),
            ("grid = 3", "a.toml line 1: grid: found 3, expected a table"),
            ("folds = 0", "a.toml line 1: folds: found 0, expected a whole number above 0"),
        ] {
            let found = error(text);
            assert!(found.contains(expected), "{text:?}: {found}");
            assert!(!found.contains('\n'), "{found}");
        }
    }
}
