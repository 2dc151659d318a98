//! README.md: its commands print what it shows, as far as that is the same on two machines; its links lead somewhere.

use crate::page::{Page, project};
use crate::printed::Compare;
use crate::support::Sandbox;
use std::collections::BTreeSet;

const PAGE: Page = Page("README.md");

/// Commands that need what no test has, and what that is.
const ELSEWHERE: [(&str, &str); 3] = [
    ("data fetch mnist --mirror", "a server in the classroom"),
    ("--resume runs/long", "a run that was killed"),
    ("--data big.safetensors", "a million rows"),
];

/// What is compared runs on the real data, so nothing here takes time without it.
#[test]
fn every_command_prints_what_the_page_says() {
    let Some(data) = crate::real_data::cifar10() else { return };
    let sandbox = project(Some(&data));
    let brief = |name: &str, args: &[&str]| sandbox.train(&format!("runs/{name}"), args);
    brief("svm", &["--epochs", "1"]);
    brief("lbfgs-softmax", &["--epochs", "1", "--loss", "softmax"]);
    brief("random-search", &["--strategy", "random-search", "--attempts", "16"]);

    let examples = PAGE.examples();
    let known = |command: &str| ELSEWHERE.iter().any(|(part, _)| command.contains(part));
    let (elsewhere, here): (Vec<_>, Vec<_>) = examples.iter().partition(|example| known(&example.command));
    assert_eq!(elsewhere.len(), ELSEWHERE.len(), "each is on the page, once");
    let differ = |example: &&crate::page::Example| example.difference(&sandbox, Compare::Roughly);
    PAGE.assert_true(&here.iter().filter_map(differ).collect::<Vec<_>>());
}

/// Flags of cargo and of scripts.
const OF_OTHERS: [&str; 6] = ["--release", "--features", "--path", "--bench", "--growth", "--readers"];

/// The commands, as `--help` of each is asked for.
const COMMANDS: [&str; 15] = [
    "train",
    "random-search",
    "sweep",
    "gradcheck",
    "evaluate",
    "predict",
    "report",
    "data info",
    "data fetch",
    "data convert",
    "data generate",
    "explain loss",
    "explain gradient",
    "explain graph",
    "explain trajectories",
];

#[test]
fn every_flag_is_one_that_a_command_has() {
    let sandbox = Sandbox::new();
    let help = |command: &&str| {
        let words: Vec<&str> = command.split(' ').chain(["--help"]).collect();
        sandbox.succeed(&words).stdout
    };
    let helps: Vec<String> = COMMANDS.iter().map(help).collect();
    let known: BTreeSet<&str> = helps.iter().flat_map(|help| flags(help)).chain(OF_OTHERS).collect();
    let text = PAGE.text();
    let unknown: Vec<&str> = flags(&text).filter(|flag| !known.contains(flag)).collect();
    assert!(unknown.is_empty(), "README.md names flags that no command has: {unknown:?}");
}

/// Every `--flag` of a text.
fn flags(text: &str) -> impl Iterator<Item = &str> {
    let words = text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '-'));
    words.filter(|word| word.strip_prefix("--").is_some_and(|name| name.starts_with(char::is_alphabetic)))
}

#[test]
fn every_link_leads_somewhere() {
    PAGE.assert_links();
}
