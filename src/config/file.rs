//! Reading a config file: flat TOML with the flags' names as keys, each error with its line.

use super::error::{ConfigError, Origin};
use super::settings::Settings;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::Path;
use toml::de::DeTable;

/// A file's settings, not yet joined with anything: `-` between words of a key, and each key's origin.
pub struct ConfigFile {
    /// The keys and their values.
    pub table: toml::Table,
    /// Where each stands.
    pub origins: BTreeMap<String, Origin>,
}

/// Reads `path`; every key is known and every value has the right type afterwards.
pub fn read(path: &Path) -> Result<ConfigFile, ConfigError> {
    let bytes = std::fs::read(path).map_err(|error| ConfigError::Unreadable { path: path.into(), error })?;
    let text = std::str::from_utf8(&bytes).map_err(|error| ConfigError::Syntax {
        path: path.into(),
        line: line_of(&bytes, error.valid_up_to()),
        message: "found bytes that are not UTF-8, expected text".into(),
    })?;
    parse(path, text)
}

/// As [`read`], of the text that is in `path`.
pub fn parse(path: &Path, text: &str) -> Result<ConfigFile, ConfigError> {
    let syntax = |error: &toml::de::Error| ConfigError::Syntax {
        path: path.into(),
        line: line_of(text.as_bytes(), error.span().map_or(0, |span| span.start)),
        message: error.message().lines().collect::<Vec<_>>().join(", "),
    };
    let spanned = DeTable::parse(text).map_err(|error| syntax(&error))?;
    let values: toml::Table = text.parse().map_err(|error| syntax(&error))?;

    let keys = Settings::keys();
    let mut file = ConfigFile { table: toml::Table::new(), origins: BTreeMap::new() };
    for (written, _) in spanned.get_ref() {
        let name = written.get_ref().as_ref();
        let line = line_of(text.as_bytes(), written.span().start);
        let origin = Origin::File { path: path.into(), line, key: name.into() };
        let key = name.replace('_', "-");
        if !keys.contains(&key) {
            return Err(ConfigError::UnknownKey { origin, suggestion: closest(&key, &keys) });
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

/// Tries one key alone, so that an error is about it.
fn check_type(key: &str, value: &toml::Value, origin: &Origin) -> Result<(), ConfigError> {
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
fn closest(unknown: &str, keys: &[String]) -> Option<String> {
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
        ] {
            let found = error(text);
            assert!(found.contains(expected), "{text:?}: {found}");
            assert!(!found.contains('\n'), "{found}");
        }
    }
}
