//! Settings: defaults under a file under flags, what `--print-config` shows of them, and the presets.

use crate::support::{Sandbox, after, number};
use std::fs;

/// The names and defaults that scripts rely on.
#[test]
fn the_defaults() {
    let sandbox = Sandbox::new();
    let printed = sandbox.succeed(&["--print-config"]).stdout;
    let (comment, settings) = printed.split_once('\n').expect("lines");
    assert!(comment.starts_with("# Written by cifar-train "), "{comment}");
    insta::assert_snapshot!(settings, @r#"
    validation = 0
    preprocess = "standardize"
    loss = "svm"
    margin = 1.0
    reg = 0.001
    l1 = 0.0
    strategy = "descent"
    optimizer = "sgd"
    lr = 0.001
    schedule = "constant"
    warmup = 0.0
    batch-size = 256
    epochs = 10
    init-scale = 0.0
    watch-test = false
    seed = 0
    "#);
    assert!(sandbox.entries().is_empty(), "nothing is trained");
}

#[test]
fn what_is_printed_feeds_back() {
    let sandbox = Sandbox::new();
    for args in [
        &["train", "--optimizer", "adam", "--validation", "0.1", "--patience", "3", "--batch-size", "full"][..],
        &["train", "--schedule", "step", "--loss", "softmax", "--init-scale", "0.01", "--threads", "2"],
        &["random-search", "--local", "--attempts", "7", "--data", "generated"],
    ] {
        let printed = sandbox.succeed(&[args, &["--print-config"]].concat()).stdout;
        printed.parse::<toml::Table>().expect("TOML");
        sandbox.write("printed.toml", &printed);
        let again = sandbox.succeed(&["train", "--config", "printed.toml", "--print-config"]).stdout;
        assert_eq!(again, printed);
    }
}

#[test]
fn flags_go_over_the_file_and_the_file_over_defaults() {
    let sandbox = Sandbox::new();
    sandbox.write("a.toml", "lr = 0.5\nbatch_size = 32\nepochs = 3\n");
    let printed = sandbox.succeed(&["--config", "a.toml", "--epochs", "4", "--print-config"]).stdout;
    let table: toml::Table = printed.parse().expect("TOML");
    assert_eq!(table["lr"].as_float(), Some(0.5), "the file's");
    assert_eq!(table["batch-size"].as_integer(), Some(32), "the file's, with an underscore");
    assert_eq!(table["epochs"].as_integer(), Some(4), "the flag's");
    assert_eq!(table["seed"].as_integer(), Some(0), "the default");
}

/// Every preset is understood, and trains.
#[test]
fn every_preset_works() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/configs");
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{folder}: {error}"));
    let presets: Vec<_> = entries
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "toml"))
        .collect();
    assert!(!presets.is_empty(), "no preset in {folder}");
    for preset in presets {
        let sandbox = Sandbox::new();
        let path = preset.to_str().expect("UTF-8");
        let printed = sandbox.succeed(&["--config", path, "--print-config"]).stdout;
        let table: toml::Table = printed.parse().expect("TOML");
        let searches = table["strategy"].as_str() == Some("random-search");
        let minimises = table.get("optimizer").and_then(toml::Value::as_str) == Some("lbfgs");
        let (short, stop): (&[&str], _) = match (searches, minimises) {
            (true, _) => (&["--attempts", "3"], "completed"),
            (_, true) => (&["--tol", "1e-2"], "tolerance"),
            _ => (&["--epochs", "1"], "completed"),
        };
        let run = sandbox.train("run", &[&["--config", path, "--data", "generated"], short].concat());
        assert_eq!(run.result()["stop"], stop, "{path}");
        let accuracy = number(&run.result(), "test_accuracy");
        assert!(searches || accuracy > 0.2, "{path}: {accuracy}");
    }
}

#[test]
fn help_names_commands_and_exit_codes() {
    let sandbox = Sandbox::new();
    let help = sandbox.succeed(&["--help"]).stdout;
    for word in ["random-search", "gradcheck", "evaluate", "predict", "--lr", "130 interrupted"] {
        assert!(help.contains(word), "{word} in {help}");
    }
    let search = sandbox.succeed(&["random-search", "--help"]).stdout;
    assert!(search.contains("--attempts") && !search.contains("--lr "), "{search}");
    let version = sandbox.succeed(&["--version"]).stdout;
    assert_eq!(after(&version, "cifar-train "), env!("CARGO_PKG_VERSION"));
}
