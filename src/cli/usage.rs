//! Usage errors in the words of every other error: one line, and a hint.

use clap::error::{ContextKind, ContextValue};
use std::error::Error;

/// A usage error as one line and a hint.
pub fn explain(error: &clap::Error) -> (String, String) {
    let text = error.to_string();
    let mut lines = text.lines().map(str::trim);
    let mut what = lines.next().unwrap_or_default().trim_start_matches("error: ").to_owned();
    let mut hint = None;
    let mut command = "cifar-train".to_owned();
    for line in lines {
        if let Some(usage) = line.strip_prefix("Usage: ") {
            let words = usage.split(' ').skip(1).take_while(|word| word.starts_with(char::is_alphabetic));
            words.for_each(|word| command = format!("{command} {word}"));
        } else if let Some(tip) = line.strip_prefix("tip: ").filter(|tip| !tip.starts_with("to pass ")) {
            hint.get_or_insert_with(|| tip.to_owned());
        } else if line.starts_with(['<', '[']) || line.starts_with("--") {
            // Arguments that are missing, one a line; or commands that there are.
            what = format!("{what} {line}");
        }
    }
    if let Some(wrong_value) = wrong_value(error) {
        what = wrong_value;
    }
    (what, hint.unwrap_or_else(|| format!("`{command} --help` lists commands and flags")))
}

/// A value that is not allowed, in the words of every other error: where, found, expected.
fn wrong_value(error: &clap::Error) -> Option<String> {
    let text = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => Some(text.clone()),
        _ => None,
    };
    let (place, found) = (text(ContextKind::InvalidArg)?, text(ContextKind::InvalidValue)?);
    let place = place.split(' ').next().unwrap_or_default();
    let expected = match error.get(ContextKind::ValidValue) {
        Some(ContextValue::Strings(choices)) if !choices.is_empty() => choices.join(", "),
        // clap passes on what the type's own parser says.
        _ => match error.source().map(ToString::to_string)?.as_str() {
            "invalid float literal" => "a number".into(),
            "number would be zero for non-zero type" => "a whole number above 0".into(),
            own if own.starts_with("expected ") => own.trim_start_matches("expected ").to_owned(),
            own => match own.split_once(" is not in ").and_then(|(_, range)| range.split_once("..=")) {
                Some((least, most)) => format!("a whole number from {least} to {most}"),
                None => "a whole number, 0 or above".into(),
            },
        },
    };
    let found = if found.is_empty() { "no value".to_owned() } else { found };
    Some(format!("{place}: found {found}, expected {expected}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::parse;
    use std::ffi::OsString;

    #[test]
    fn wrong_values_are_told_like_every_other_error() {
        for (args, expected) in [
            (&["--lr", "fast"][..], "--lr: found fast, expected a number"),
            (&["--loss", "hinge"], "--loss: found hinge, expected svm, softmax"),
            (
                &["explain", "trajectories", "--steps", "0"],
                "--steps: found 0, expected a whole number from 1 to 100000",
            ),
            (&["--epochs", "1.5"], "--epochs: found 1.5, expected a whole number, 0 or above"),
            (&["--threads", "0"], "--threads: found 0, expected a whole number from 1 to 1024"),
            (
                &["evaluate", "run", "--threads", "1025"],
                "--threads: found 1025, expected a whole number from 1 to 1024",
            ),
            (&["-b", "0"], "--batch-size: found 0, expected a whole number above 0, or \"full\""),
            (&["gradcheck", "--h", "0"], "--h: found 0, expected a finite number above 0"),
            (
                &["--seed", "99999999999999999999"],
                "--seed: found 99999999999999999999, expected a whole number, 0 or above",
            ),
            (&["--lrr", "1"], "unexpected argument '--lrr' found"),
            (
                &["explain"],
                "'cifar-train explain' requires a subcommand but one was not provided \
                 [subcommands: graph, loss, gradient, trajectories, help]",
            ),
            (&["predict", "run"], "the following required arguments were not provided: <INPUT>"),
        ] {
            let args = ["cifar-train"].iter().chain(args).map(OsString::from);
            let error = parse(args).expect_err("a usage error");
            assert_eq!(explain(&error).0, expected);
        }
    }

    #[test]
    fn a_hint_names_the_command_that_helps() {
        for (args, expected) in [
            (&["predict", "run"][..], "`cifar-train predict --help`"),
            (&["explain"], "`cifar-train explain --help`"),
            (&["explain", "loss"], "`cifar-train explain loss --help`"),
            (&["--lrr", "1"], "a similar argument exists: '--lr'"),
        ] {
            let args = ["cifar-train"].iter().chain(args).map(OsString::from);
            let (_, hint) = explain(&parse(args).expect_err("a usage error"));
            assert!(hint.starts_with(expected), "{hint}");
        }
    }
}
