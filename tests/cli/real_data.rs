//! The bars on real CIFAR-10, for whoever has it: set `CIFAR10_DIR` to the folder with its binary files.

use crate::support::{RunFolder, Sandbox, json, number};
use serde_json::Value;
use std::io::Write;

/// CIFAR-10's folder; without one the test says that it is skipped.
pub fn cifar10() -> Option<String> {
    let folder = std::env::var("CIFAR10_DIR").ok().filter(|folder| !folder.is_empty());
    let Some(folder) = folder else {
        // Past the capture of test output, so that a plain `cargo test` shows it.
        let _ = writeln!(std::io::stderr(), "skipped: a test on real data, since CIFAR10_DIR is not set");
        return None;
    };
    let absolute = std::fs::canonicalize(&folder).unwrap_or_else(|error| panic!("{folder}: {error}"));
    Some(absolute.to_str().expect("UTF-8").into())
}

/// Trains on real data; what result.json says.
fn result(args: &[&str]) -> Option<Value> {
    let data = cifar10()?;
    Some(Sandbox::new().train("run", &[&["--data", &data], args].concat()).result())
}

fn assert_reaches(result: &Value, bar: f64) {
    let accuracy = number(result, "test_accuracy");
    assert!(accuracy >= bar, "test accuracy {accuracy}, the bar is {bar}");
    assert_eq!(number(result, "test_count"), 10_000.0);
}

#[test]
fn the_defaults_reach_their_bar_in_little_memory() {
    let Some(result) = result(&["--loss", "svm", "--lr", "1e-3"]) else { return };
    assert_reaches(&result, 0.390);
    if cfg!(target_os = "linux") {
        let peak = number(&result, "peak_memory_bytes");
        assert!(peak <= 400e6, "{peak} bytes");
    }
}

#[test]
fn the_svm_preset_reaches_its_bar() {
    let preset = concat!(env!("CARGO_MANIFEST_DIR"), "/configs/svm.toml");
    let Some(result) = result(&["--config", preset]) else { return };
    assert_reaches(&result, 0.398);
}

#[test]
fn the_softmax_preset_reaches_its_bar() {
    let preset = concat!(env!("CARGO_MANIFEST_DIR"), "/configs/softmax.toml");
    let Some(result) = result(&["--config", preset]) else { return };
    assert_reaches(&result, 0.408);
}

#[test]
fn a_page_of_real_pictures_is_small() {
    let Some(data) = cifar10() else { return };
    let sandbox = Sandbox::new();
    sandbox.train("run", &["--data", &data, "--epochs", "1"]);
    let report = sandbox.succeed(&["report", "run"]);
    assert_eq!(report.stderr, "run: 10,000 test images of CIFAR-10\n");
    let page = std::fs::read_to_string(sandbox.path("run/report.html")).expect("a page");
    assert_eq!(page.matches("alt=\"Test image ").count(), 24);
    assert!(page.len() < 300_000, "{} bytes", page.len());
}

/// The lecture's numbers: losses around 9, between about 8 and 10.
#[test]
fn random_search_finds_the_losses_of_the_lecture() {
    let Some(data) = cifar10() else { return };
    let sandbox = Sandbox::new();
    sandbox.succeed(&["random-search", "--attempts", "32", "--data", &data, "-q", "--out", "run"]);
    let losses = RunFolder(sandbox.path("run")).history().numbers("objective");
    assert_eq!(losses.len(), 32);
    assert!(losses.iter().all(|loss| (8.0..10.2).contains(loss)), "{losses:?}");
}

/// The slide's four shapes, and one copy of the data for all of them.
#[test]
fn step_sizes_are_told_apart_over_one_copy_of_the_data() {
    let Some(data) = cifar10() else { return };
    let sandbox = Sandbox::new();
    let single = sandbox.train("single", &["--data", &data, "--epochs", "3"]).result();
    let preset = concat!(env!("CARGO_MANIFEST_DIR"), "/configs/sweep/step-sizes.toml");
    let args =
        ["sweep", "--config", preset, "--data", &data, "--epochs", "3", "--out", "sweep", "--json", "-q"];
    let sweep = json(&sandbox.succeed(&args).stdout);
    let losses: Vec<f64> = (0..4).map(|run| number(&sweep["runs"][run], "objective")).collect();
    let [very_high, high, good, low] = losses[..] else { panic!("{losses:?}") };
    assert!(very_high > 9.0 && 9.0 > low && low > high && high > good, "{losses:?}");
    assert_eq!(number(&sweep, "best_run"), 3.0);
    if cfg!(target_os = "linux") {
        let [one, all] = [&single, &sweep].map(|result| number(result, "peak_memory_bytes"));
        assert!(all <= 1.5 * one, "{all} bytes, a single run {one}");
    }
}

#[test]
fn gradients_are_right() {
    let Some(data) = cifar10() else { return };
    let run = Sandbox::new().succeed(&["gradcheck", "--data", &data, "--json"]);
    assert_eq!(json(&run.stdout)["passed"], true);
}
