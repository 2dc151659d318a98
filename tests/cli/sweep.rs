//! `sweep`: every combination on the same rows, the best refit and tested once, and nothing lost on the way.

use crate::support::{RUN_FILES, RunFolder, Sandbox, Table, json, number};
use serde_json::Value;
use std::fs;
use std::path::Path;
use std::time::Duration;

/// A folder with 200 training images, and the flags that a sweep over it has in all tests.
fn sandbox() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.cifar10("data");
    sandbox
}

const FEW: [&str; 5] = ["sweep", "--data", "data", "--epochs", "3"];

/// Sweeps quietly into the folder `out`.
fn sweep(sandbox: &Sandbox, out: &str, args: &[&str]) -> Swept {
    sandbox.succeed(&[&FEW[..], &["-q", "--out", out], args].concat());
    Swept::at(sandbox, out)
}

/// What a sweep left behind.
struct Swept {
    runs: Table,
    result: Value,
    best: RunFolder,
}

impl Swept {
    fn at(sandbox: &Sandbox, out: &str) -> Self {
        let text =
            |name: &str| fs::read_to_string(sandbox.path(out).join(name)).expect("a file of the sweep");
        Self {
            runs: Table::parse(&text("runs.csv")),
            result: json(&text("sweep.json")),
            best: RunFolder(sandbox.path(out).join("best")),
        }
    }

    /// All cells but times, and the refit's model: what must repeat.
    fn essence(&self) -> (Vec<Vec<String>>, Vec<u8>) {
        let seconds = self.runs.header.iter().position(|name| name == "seconds").expect("a column");
        let cells = |row: &Vec<String>| [&row[..seconds], &row[seconds + 1..]].concat();
        (self.runs.rows.iter().map(cells).collect(), self.best.model())
    }
}

#[test]
fn the_best_by_validation_is_refit_and_tested_alone() {
    let sandbox = sandbox();
    let args = ["--grid", "lr=1e-6,1e-3", "--grid", "reg=0,0.1", "--validation", "50"];
    let run = sandbox.succeed(&[&FEW[..], &["--out", "sweep"], &args[..]].concat());
    let swept = Swept::at(&sandbox, "sweep");
    assert_eq!(swept.runs.column("lr"), ["1e-6", "1e-6", "0.001", "0.001"]);
    assert_eq!(swept.runs.column("reg"), ["0", "0.1", "0", "0.1"]);
    assert!(!swept.runs.header.iter().any(|name| name.contains("test")), "{:?}", swept.runs.header);

    let accuracies = swept.runs.numbers("validation_accuracy");
    let losses = swept.runs.numbers("validation_loss");
    let best = number(&swept.result, "best_run") as usize - 1;
    for other in 0..4 {
        let ahead = (accuracies[other], -losses[other]) > (accuracies[best], -losses[best]);
        assert!(!ahead, "{other} is ahead of {best}: {accuracies:?} {losses:?}");
    }
    assert_eq!(swept.best.files(), RUN_FILES);
    let refit = swept.best.result();
    assert_eq!(refit["rows"], serde_json::json!([200, 0, 30]), "all training rows");
    assert_eq!(refit["config"]["lr"].as_f64(), Some(swept.runs.numbers("lr")[best]));
    assert_eq!(swept.result["best"], refit);

    let marked: Vec<&str> = run.stdout.lines().filter(|line| line.starts_with('*')).collect();
    assert_eq!(marked.len(), 1, "{}", run.stdout);
    assert!(run.stdout.contains("Accuracy = ") && run.stdout.contains("\nBest: lr "), "{}", run.stdout);
    assert_eq!(run.stderr.lines().filter(|line| line.starts_with("run ")).count(), 4, "{}", run.stderr);
    // The command that is printed repeats the model.
    let config = run.stdout.lines().find_map(|line| line.strip_prefix("Repeat: cifar-train --config "));
    let again = sandbox.train("again", &["--config", config.expect("a command")]);
    assert_eq!(again.model(), swept.best.model());
    for picture in ["curves.svg", "heat-map.svg"] {
        let text = fs::read_to_string(sandbox.path("sweep").join(picture)).expect("a picture");
        assert!(text.contains("lr") && !text.contains("NaN"), "{picture}");
    }
}

/// A run of a sweep is the run that `train` does on the same rows.
#[test]
fn a_run_of_a_sweep_is_a_run() {
    let sandbox = sandbox();
    let swept = sweep(&sandbox, "sweep", &["--grid", "lr=1e-4,1e-3", "--validation", "50"]);
    for (index, lr) in ["1e-4", "1e-3"].iter().enumerate() {
        let args = ["--data", "data", "--epochs", "3", "--validation", "50", "--lr", lr];
        let history = sandbox.train(lr, &args).history();
        for name in ["validation_accuracy", "validation_loss", "train_accuracy", "train_loss", "objective"] {
            let last = history.numbers(name)[2];
            assert_eq!(swept.runs.numbers(name)[index], last, "{lr} {name}");
        }
    }
}

#[test]
fn csv_and_json_have_the_same_fields() {
    let sandbox = sandbox();
    let args = ["--grid", "batch-size=16,full", "--grid", "optimizer=sgd,adam", "--json", "--out", "sweep"];
    let printed = json(&sandbox.succeed(&[&FEW[..], &args].concat()).stdout);
    let swept = Swept::at(&sandbox, "sweep");
    assert_eq!(printed, swept.result);
    let rows = printed["runs"].as_array().expect("runs");
    assert_eq!(rows.len(), 4);
    for (row, cells) in rows.iter().zip(&swept.runs.rows) {
        let row = row.as_object().expect("an object");
        assert_eq!(row.keys().collect::<Vec<_>>(), swept.runs.header.iter().collect::<Vec<_>>());
        for (value, cell) in row.values().zip(cells) {
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            assert_eq!(if value.is_null() { "" } else { &text }, cell);
        }
    }
}

#[test]
fn threads_change_nothing() {
    let sandbox = sandbox();
    let grid = ["--grid", "lr=1e-4,3e-4,1e-3", "--grid", "optimizer=sgd,momentum", "--threads"];
    let of = |threads| sweep(&sandbox, threads, &[&grid[..], &[threads]].concat()).essence();
    assert_eq!(of("1"), of("3"));
}

#[test]
fn a_run_that_diverges_is_a_row() {
    let sandbox = sandbox();
    let swept = sweep(&sandbox, "sweep", &["--grid", "lr=1e30,1e-3"]);
    assert_eq!(swept.runs.column("stop"), ["diverged", "completed"]);
    assert_eq!(swept.runs.column("validation_accuracy")[0], "");
    assert_eq!(number(&swept.result, "best_run"), 2.0);
    let curves = fs::read_to_string(sandbox.path("sweep/curves.svg")).expect("a picture");
    assert!(curves.contains("1e30, diverged"), "the name says so");
    let all = sandbox.run(&[&FEW[..], &["--out", "all", "--grid", "lr=1e30,1e35"][..]].concat());
    assert_eq!(all.code, 4, "{all:?}");
    assert!(all.stderr.contains("warning: every run diverged"), "{}", all.stderr);
    assert!(!sandbox.path("all/best").exists());
}

#[test]
fn a_path_of_lambdas_is_certified_and_resumes_to_the_same_bytes() {
    let sandbox = sandbox();
    let args = [
        "--grid",
        "reg=0.1,1,0.3",
        "--optimizer",
        "lbfgs",
        "--loss",
        "softmax",
        "--preprocess",
        "scale",
        "--folds",
        "2",
    ];
    let swept = |out: &str, more: &[&str]| {
        sandbox.succeed(&[&["sweep", "--data", "data", "-q", "--out", out], &args[..], more].concat());
        Swept::at(&sandbox, out)
    };
    let whole = swept("sweep", &[]);
    assert!(whole.runs.numbers("gap").iter().all(|gap| *gap <= 1e-4), "{:?}", whole.runs.column("gap"));
    assert_eq!(whole.runs.column("reg"), ["0.1", "1", "0.3"], "rows keep the order given");
    assert_eq!(whole.runs.column("stop"), ["tolerance"; 3]);
    let response = fs::read_to_string(sandbox.path("sweep/accuracy.svg")).expect("a picture");
    assert!(
        response.contains(">reg, log scale<") && response.contains("best by validation: reg "),
        "{response}"
    );
    // As if it had been killed in the middle of the second fold's path.
    let journal = fs::read_to_string(sandbox.path("sweep/journal.jsonl")).expect("a journal");
    let cut: String = journal.split_inclusive('\n').take(1 + 3 + 2).collect();
    fs::write(sandbox.path("sweep/journal.jsonl"), cut + "{\"run\":").expect("writes");
    fs::remove_dir_all(sandbox.path("sweep/best")).expect("removes");
    sandbox.succeed(&["sweep", "-q", "--resume", "sweep"]);
    assert_eq!(Swept::at(&sandbox, "sweep").essence(), whole.essence());
    assert_eq!(swept("one-thread", &["--threads", "1"]).essence(), whole.essence());
}

/// A learning rate that is far too large does not press the others together.
#[test]
fn runs_that_diverge_are_named_and_stretch_no_axis() {
    let sandbox = sandbox();
    let args = ["sweep", "--data", "data", "-q", "--epochs", "2", "--out", "sweep"];
    let run = sandbox.run(&[&args[..], &["--grid", "lr=1e-4,1e-3,1e150,1e160"]].concat());
    assert_eq!(run.code, 0, "{run:?}");
    let response = fs::read_to_string(sandbox.path("sweep/accuracy.svg")).expect("a picture");
    assert!(response.contains(">diverged: lr 1e150, lr 1e160<"), "{response}");
    assert!(response.contains(">0.001<") && !response.contains(">1e100<"), "{response}");
}

#[test]
fn draws_repeat() {
    let sandbox = sandbox();
    let args = ["--grid", "lr=1e-5..1e-2", "--grid", "loss=svm,softmax", "--random", "5"];
    let [one, two] = ["one", "two"].map(|out| sweep(&sandbox, out, &args));
    assert_eq!(one.runs.rows.len(), 5);
    assert_eq!(one.essence(), two.essence());
    assert!(!sandbox.path("one/heat-map.svg").exists(), "draws fill no plane");
    let again = sandbox.succeed(&["sweep", "-q", "--config", "one/sweep.toml", "--out", "again"]);
    assert_eq!(again.code, 0);
    assert_eq!(Swept::at(&sandbox, "again").essence(), one.essence());
}

#[test]
fn random_search_sweeps_too() {
    let sandbox = sandbox();
    let args = ["sweep", "--data", "data", "-q", "--out", "sweep", "--strategy", "random-search"];
    sandbox.succeed(&[&args[..], &["--attempts", "5", "--grid", "local=true,false"]].concat());
    let swept = Swept::at(&sandbox, "sweep");
    assert_eq!(swept.runs.column("local"), ["true", "false"]);
    assert_eq!(swept.best.result()["strategy"], "random-search");
}

/// Killed at any moment, writing included, it goes on to the same end.
#[test]
fn a_killed_sweep_resumes_to_the_same_bytes() {
    let sandbox = sandbox();
    let grid = ["--grid", "lr=1e-5,1e-4,3e-4,1e-3", "--grid", "reg=0,1e-3,1e-2", "--threads", "2"];
    let whole = sweep(&sandbox, "whole", &grid);
    let start = [&FEW[..], &["-q", "--out", "killed"], &grid].concat();
    let mut args = start.clone();
    for attempt in 0.. {
        assert!(attempt < 200, "it never ends");
        let mut child = sandbox.spawn(&args);
        // Longer and longer, over every phase from the first look at the folder to the last file.
        std::thread::sleep(Duration::from_millis(3 + 7 * attempt));
        child.kill().expect("SIGKILL");
        let ended = child.wait().expect("it ends").success();
        if sandbox.path("killed/sweep.toml").exists() {
            args = vec!["sweep", "-q", "--resume", "killed"];
        }
        if ended {
            break;
        }
    }
    let killed = Swept::at(&sandbox, "killed");
    assert_eq!(killed.essence(), whole.essence());
    assert_eq!(killed.result["complete"], true);
}

#[cfg(unix)]
#[test]
fn an_interrupted_sweep_keeps_what_is_done() {
    use std::io::{BufRead, BufReader, Read};
    let sandbox = Sandbox::new();
    let grid = ["--grid", "lr=1e-4,1e-3", "--grid", "epochs=1,2,2000"];
    let mut child = sandbox.spawn(&[&["sweep", "--threads", "1", "--out", "sweep"], &grid[..]].concat());
    let mut stderr = BufReader::new(child.stderr.take().expect("piped"));
    let mut seen = String::new();
    while !seen.contains("\nrun 2/6") {
        assert_ne!(stderr.read_line(&mut seen).expect("UTF-8"), 0, "it ended: {seen}");
    }
    let busy = sandbox.run(&["sweep", "--resume", "sweep"]);
    assert_eq!(busy.code, 1, "{busy:?}");
    assert!(busy.stderr.contains("found another sweep at work"), "{}", busy.stderr);
    let status = std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status();
    assert!(status.expect("kill").success());
    stderr.read_to_string(&mut seen).expect("UTF-8");
    assert_eq!(child.wait().expect("it ends").code(), Some(130), "{seen}");
    assert!(seen.contains("hint: cifar-train sweep --resume sweep goes on from here"), "{seen}");
    let swept = Swept::at(&sandbox, "sweep");
    assert_eq!(swept.runs.column("run"), ["1", "2"]);
    assert_eq!((&swept.result["complete"], &swept.result["best"]), (&Value::Bool(false), &Value::Null));
}

#[test]
fn a_changed_sweep_is_not_resumed() {
    let sandbox = sandbox();
    let grid = ["--grid", "lr=1e-4,1e-3"];
    sweep(&sandbox, "sweep", &grid);
    let resumed = |args: &[&str]| sandbox.run(&[&["sweep", "--resume", "sweep"], args].concat());
    for (args, code, expected) in [
        (&["--loss", "softmax"][..], 2, "with other settings: loss, margin differ,"),
        (&["--grid", "lr=1e-4,1e-2"], 2, "with other settings: lr differs,"),
        (&["--folds", "4"], 2, "with other settings: folds, validation differ,"),
        (&["--out", "other"], 2, "--out: has no effect here"),
        (&["--force"], 2, "--force: has no effect here"),
        (&["--data", "generated"], 3, "sweep over other data"),
    ] {
        let run = resumed(args);
        assert_eq!(run.code, code, "{args:?}: {run:?}");
        assert!(run.stderr.contains(expected), "{args:?}: {}", run.stderr);
        assert!(run.stderr.contains("\nhint: "), "{}", run.stderr);
    }
    // Of a sweep that is done, what it came to is told again; nothing is trained.
    let before = RunFolder(sandbox.path("sweep/best")).bytes("result.json");
    let again = resumed(&["--epochs", "3", "--threads", "1", "-q"]);
    assert_eq!(again.code, 0, "{again:?}");
    assert!(again.stdout.contains("Accuracy = "), "{}", again.stdout);
    assert_eq!(RunFolder(sandbox.path("sweep/best")).bytes("result.json"), before);
    assert_eq!(sandbox.run(&["sweep", "--resume", "data"]).code, 2);
    assert_eq!(sandbox.run(&["sweep", "--resume"]).code, 2, "there is no runs/ here");
}

#[test]
fn what_cannot_be_is_told_before_anything_is_done() {
    let sandbox = sandbox();
    sandbox.write("grid.toml", "lr = 1\n[grid]\nlr = [1, 2]\n");
    for (args, expected) in [
        (&["sweep"][..], "no setting varies"),
        (&["sweep", "--grid", "lr=1,fast"], "--grid lr: found \"fast\", expected a number"),
        (&["sweep", "--grid", "lr=1,-1"], "--grid lr: found -1, expected a finite number above 0"),
        (&["sweep", "--grid", "threads=1,2"], "--grid threads: cannot vary in a sweep"),
        (&["sweep", "--grid", "rge=1,2"], "--grid rge: unknown key"),
        (&["sweep", "--grid", "lr=1e-5..1"], "there is no --random N"),
        (&["sweep", "--grid", "lr=1,2", "--folds", "1"], "--folds: found 1, expected"),
        (&["sweep", "--grid", "lr=1,2", "--folds", "3", "--validation", "9"], "cannot be used with"),
        (&["sweep", "--grid", "lr=1,2", "--random", "9"], "--random: found 9, expected at most 2"),
        (&["sweep", "--config", "grid.toml"], "grid.toml line 1: lr: has no effect here: it varies"),
        (
            &["train", "--config", "grid.toml"],
            "grid.toml line 3: grid.lr: has no effect here: only `cifar-train sweep`",
        ),
    ] {
        let run = sandbox.run(args);
        assert_eq!(run.code, 2, "{args:?}: {run:?}");
        assert!(run.stderr.contains(expected), "{args:?}: {}", run.stderr);
        assert_eq!(run.stderr.lines().count(), 2, "an error and a hint: {}", run.stderr);
    }
    assert_eq!(
        sandbox.entries().iter().filter(|path| !path.starts_with("data")).count(),
        1,
        "nothing is left"
    );
    let many = sandbox.run(&["sweep", "--data", "data", "--grid", "lr=1,2", "--folds", "300"]);
    assert_eq!(many.code, 3, "{many:?}");
}

#[test]
fn an_earlier_sweep_is_replaced_only_by_force() {
    let sandbox = sandbox();
    let args = [&FEW[..], &["-q", "--out", "sweep", "--grid", "lr=1e-4,1e-3"]].concat();
    sandbox.succeed(&args);
    assert_eq!(sandbox.run(&args).code, 2);
    sandbox.succeed(&[&args[..], &["--force"]].concat());
}

/// Every preset is understood, trains, and can be printed.
#[test]
fn every_preset_works() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/configs/sweep");
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{folder}: {error}"));
    let presets: Vec<_> = entries.map(|entry| entry.expect("an entry").path()).collect();
    assert!(presets.len() >= 2, "{presets:?}");
    for preset in presets {
        let sandbox = sandbox();
        let path = preset.to_str().expect("UTF-8");
        let printed = sandbox.succeed(&["sweep", "--config", path, "--print-config"]).stdout;
        let table: toml::Table = printed.parse().expect("TOML");
        let second_order = table.get("optimizer").and_then(toml::Value::as_str) == Some("lbfgs");
        let short = if second_order { ["--tol", "1e-1"] } else { ["--epochs", "1"] };
        let args =
            ["sweep", "-q", "--config", path, "--data", "data", "--validation", "50", "--out", "sweep"];
        sandbox.succeed(&[&args[..], &short].concat());
        assert!(Swept::at(&sandbox, "sweep").runs.rows.len() >= 4, "{path}");
    }
}

#[test]
fn nobody_needs_to_read_the_table() {
    let sandbox = sandbox();
    let mut child = sandbox.spawn(&[&FEW[..], &["--out", "sweep", "--grid", "lr=1e-4,1e-3"]].concat());
    drop((child.stdout.take(), child.stderr.take()));
    assert_eq!(child.wait().expect("it ends").code(), Some(0));
    assert!(Path::new(&sandbox.path("sweep/best/model.safetensors")).exists());
}
