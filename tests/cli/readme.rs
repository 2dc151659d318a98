//! README.md: its commands print what it shows, as far as that is the same on two machines; its links lead somewhere.

use crate::page::{Page, project};
use crate::printed::Compare;

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

#[test]
fn every_link_leads_somewhere() {
    PAGE.assert_links();
}
