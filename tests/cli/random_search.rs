//! `random-search`, the lecture's first strategy: every attempt told, the best one kept.

use crate::support::{RunFolder, Sandbox, number, running_minimum};

/// Runs a search; its losses and bests as history.csv has them, and what it said.
fn search(sandbox: &Sandbox, out: &str, args: &[&str]) -> (Vec<f64>, Vec<f64>, String) {
    let run = sandbox.succeed(&[&["random-search", "--out", out], args].concat());
    let history = RunFolder(sandbox.path(out)).history();
    assert_eq!(history.header, ["attempt", "objective", "best", "seconds"]);
    (history.numbers("objective"), history.numbers("best"), run.stderr)
}

#[test]
fn tells_every_attempt_and_keeps_the_best() {
    let sandbox = Sandbox::new();
    let (losses, bests, stderr) = search(&sandbox, "run", &["--attempts", "20"]);
    assert_eq!(losses.len(), 20);
    assert_eq!(bests, running_minimum(&losses));
    let told: Vec<&str> = stderr.lines().filter(|line| line.starts_with("in attempt ")).collect();
    let expected: Vec<String> = losses
        .iter()
        .zip(&bests)
        .enumerate()
        .map(|(i, (loss, best))| format!("in attempt {i} the loss was {loss:.6}, best {best:.6}"))
        .collect();
    assert_eq!(told, expected);

    let result = RunFolder(sandbox.path("run")).result();
    assert_eq!((&result["strategy"], number(&result, "steps")), (&"random-search".into(), 20.0));
    let kept = number(&result, "objective");
    assert!((kept - bests[19]).abs() < 1e-4, "the model is the best attempt's: {kept} for {}", bests[19]);
    assert!(losses.iter().all(|loss| (8.0..10.2).contains(loss)), "around K - 1: {losses:?}");
}

/// Attempts are scored many at a time, which must not show.
#[test]
fn losses_do_not_depend_on_how_many_are_asked_for() {
    let sandbox = Sandbox::new();
    sandbox.cifar10("data");
    let (many, ..) = search(&sandbox, "many", &["--data", "data", "--attempts", "20"]);
    let (few, ..) = search(&sandbox, "few", &["--data", "data", "--attempts", "5"]);
    assert_eq!(few, many[..5]);
}

#[test]
fn a_local_search_only_goes_down() {
    let sandbox = Sandbox::new();
    sandbox.cifar10("data");
    let (losses, bests, _) = search(&sandbox, "run", &["--data", "data", "--attempts", "20", "--local"]);
    assert_eq!(bests, running_minimum(&losses));
    assert!(bests[19] < bests[0], "it gets better than its start: {bests:?}");
    let (blind, ..) = search(&sandbox, "blind", &["--data", "data", "--attempts", "20"]);
    // The same draw; alone it is scored in floats, among many in integers.
    assert!((blind[0] - losses[0]).abs() < 1e-5 * losses[0], "{} {}", blind[0], losses[0]);
    assert_ne!(blind[1..], losses[1..], "later ones start from the best so far");
}
