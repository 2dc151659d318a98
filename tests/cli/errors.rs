//! Everything that can be wrong with what is typed: one line that says what, where, found and expected, a hint,
//! the right exit code, and nothing left behind. What can be wrong with what is read is in `bad_inputs`.

use crate::support::{PIXELS, Sandbox};
use std::fs;

const USAGE: i32 = 2;
const BAD_DATA: i32 = 3;
const IO: i32 = 1;

/// Runs `args`, which must fail with `code` in the form of all errors, all of `parts` being in the two lines.
fn assert_refused(sandbox: &Sandbox, args: &[&str], code: i32, parts: &[&str]) {
    let before = sandbox.entries();
    let run = sandbox.run(args);
    assert_eq!(run.code, code, "{args:?}: {run:?}");
    let lines: Vec<&str> = run.stderr.lines().collect();
    let in_form =
        matches!(lines[..], [error, hint] if error.starts_with("error: ") && hint.starts_with("hint: "));
    assert!(in_form, "{args:?}: an error and a hint, but {}", run.stderr);
    for part in parts {
        assert!(run.stderr.contains(part), "{args:?}: no {part:?} in {}", run.stderr);
    }
    assert_eq!(run.stdout, "", "{args:?}");
    assert_eq!(sandbox.entries(), before, "{args:?} left something behind");
}

/// A sandbox with a good data set in `data`, which `spoil` then makes a bad one.
fn spoilt(spoil: impl FnOnce(&Sandbox)) -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.cifar10("data");
    spoil(&sandbox);
    sandbox
}

/// Folders that would be made on the way to `--out` are not made for nothing.
#[test]
fn a_failure_leaves_no_folder_above_out() {
    let sandbox = Sandbox::new();
    assert_refused(&sandbox, &["--data", "nowhere", "--out", "a/b/run"], IO, &["nowhere"]);
}

#[test]
fn values_out_of_range() {
    let sandbox = Sandbox::new();
    for (args, parts) in [
        (&["--lr", "0"][..], &["--lr: found 0, expected a finite number above 0"][..]),
        (&["--lr", "NaN"], &["--lr: found NaN, expected a finite number above 0"]),
        (&["--lr", "-1"], &["--lr: found -1, expected a finite number above 0"]),
        (&["--lr", "inf"], &["--lr: found inf, expected a finite number above 0"]),
        (&["--reg", "-1"], &["--reg: found -1, expected a finite number, 0 or above"]),
        (&["--margin", "0"], &["--margin: found 0, expected a finite number above 0"]),
        (&["--epochs", "0"], &["--epochs: found 0, expected a whole number"]),
        (&["--warmup", "11"], &["--warmup: found 11, expected epochs from 0 to --epochs"]),
        (
            &["--optimizer", "momentum", "--momentum", "1"],
            &["--momentum: found 1, expected a number from 0 to below 1"],
        ),
        (
            &["--schedule", "step", "--decay", "2"],
            &["--decay: found 2, expected a number above 0, at most 1"],
        ),
        (
            &["--batch-size", "0"],
            &["found 0", "--batch-size", "expected a whole number above 0, or \"full\""],
        ),
        (
            &["--batch-size", "-3"],
            &["found -3", "--batch-size", "expected a whole number above 0, or \"full\""],
        ),
        (
            &["--validation", "1.5"],
            &["found 1.5", "--validation", "expected a whole number of rows, or a fraction"],
        ),
        (&["--loss", "hinge"], &["found hinge", "--loss", "expected svm, softmax"]),
        (&["random-search", "--attempts", "0"], &["--attempts: found 0, expected a whole number"]),
        (&["random-search", "--scale", "0"], &["--scale: found 0, expected a finite number above 0"]),
        (&["gradcheck", "--h", "0"], &["found 0", "--h", "expected a finite number above 0"]),
        (
            &["gradcheck", "--tolerance", "nan"],
            &["found nan", "--tolerance", "expected a finite number, 0 or above"],
        ),
    ] {
        assert_refused(&sandbox, args, USAGE, parts);
    }
}

#[test]
fn values_that_are_no_such_number_say_what_is_expected() {
    let sandbox = Sandbox::new();
    for (flag, value) in [
        ("--lr", "abc"),
        ("--threads", "0"),
        ("--threads", "-1"),
        ("--epochs", "1.5"),
        ("--seed", "-1"),
        ("--validation", "-3"),
    ] {
        assert_refused(&sandbox, &[flag, value], USAGE, &[flag, value, "expected"]);
    }
}

#[test]
fn flags_and_commands_that_there_are_not() {
    let sandbox = Sandbox::new();
    for (args, parts) in [
        (&["--learning-rate", "1"][..], &["'--learning-rate'", "'--lr'"][..]),
        (&["--epoch", "3"], &["'--epoch'", "'--epochs'"]),
        (&["evalute", "run"], &["'evalute'", "'evaluate'"]),
        (&["train", "extra"], &["'extra'", "--help"]),
        (&["evaluate"], &["<MODEL|RUN>"]),
        (&["predict", "model"], &["<INPUT>"]),
        (&["--lr"], &["--lr"]),
        (&["gradcheck", "--all", "--samples", "3"], &["'--all'", "--samples"]),
    ] {
        assert_refused(&sandbox, args, USAGE, parts);
    }
}

#[test]
fn more_threads_than_a_system_starts() {
    let sandbox = Sandbox::new();
    sandbox.write("a.toml", "seed = 1\nthreads = 20000\n");
    for command in [
        &["train"][..],
        &["sweep", "--grid", "lr=1,2"],
        &["gradcheck"],
        &["evaluate", "run"],
        &["predict", "run", "x.csv"],
        &["report", "run"],
        &["explain", "gradient"],
        &["explain", "trajectories", "--surface", "loss"],
    ] {
        let expected = "--threads: found 20000, expected a whole number from 1 to 1024";
        assert_refused(&sandbox, &[command, &["--threads", "20000"]].concat(), USAGE, &[expected]);
    }
    let expected = "a.toml line 2: threads: found 20000, expected a whole number from 1 to 1024";
    assert_refused(&sandbox, &["--config", "a.toml"], USAGE, &[expected]);
    assert_refused(&sandbox, &["sweep", "--grid", "lr=1,2", "--config", "a.toml"], USAGE, &[expected]);
}

/// What belongs to another way of asking is refused, and not passed over.
#[test]
fn flags_of_another_form_of_a_command() {
    let sandbox = Sandbox::new();
    let scores = &["explain", "loss", "--scores", "1,2", "--label", "0"][..];
    let graph = &["explain", "graph", "x", "x=1"][..];
    let losses = &["explain", "gradient", "--losses", "1,2"][..];
    for (command, flags) in [
        (scores, &[["--x", "9 9"], ["--b", "1 1"], ["--image", "1"], ["--data", "generated"]][..]),
        (graph, &[["--reg", "7"], ["--margin", "9"]]),
        (
            losses,
            &[
                ["--loss", "svm"],
                ["--margin", "2"],
                ["--reg", "0"],
                ["--rows", "5"],
                ["--coordinates", "3"],
                ["--seed", "1"],
                ["--preprocess", "none"],
                ["--threads", "1"],
                ["--data", "generated"],
                ["--svg", "a.svg"],
            ],
        ),
    ] {
        for flag in flags {
            assert_refused(&sandbox, &[command, flag].concat(), USAGE, &[flag[0], "cannot be used with"]);
        }
    }
    assert_refused(&sandbox, &[losses, &["--force"]].concat(), USAGE, &["--force", "cannot be used with"]);
    for args in [
        &["gradcheck", "--loss", "softmax"][..],
        &["explain", "gradient"],
        &["explain", "graph", "--classifier", "softmax"],
    ] {
        let expected = "--margin: has no effect here: only the svm loss has a margin";
        assert_refused(&sandbox, &[args, &["--margin", "7"]].concat(), USAGE, &[expected]);
    }
}

#[test]
fn flags_without_effect() {
    let sandbox = Sandbox::new();
    for (args, parts) in [
        (
            &["--momentum", "0.5"][..],
            &["--momentum: has no effect here: the optimizer sgd does not use it"][..],
        ),
        (&["--beta1", "0.5"], &["--beta1: has no effect here"]),
        (&["--decay", "0.5"], &["--decay: has no effect here: the schedule constant does not use it"]),
        (
            &["--loss", "softmax", "--margin", "2"],
            &["--margin: has no effect here: only the svm loss has a margin"],
        ),
        (&["train", "--attempts", "3"], &["--attempts: has no effect here: only random search uses it"]),
        (&["train", "--local"], &["--local: has no effect here"]),
        (&["random-search", "--lr", "1"], &["--lr: has no effect here: random search does not use it"]),
        (&["random-search", "--epochs", "1"], &["--epochs: has no effect here"]),
        (&["--patience", "3"], &["--patience: has no effect here", "validation"]),
    ] {
        assert_refused(&sandbox, args, USAGE, parts);
    }
}

#[test]
fn out_folders_that_cannot_be() {
    let sandbox = spoilt(|sandbox| {
        fs::create_dir(sandbox.path("thesis")).expect("a folder");
        sandbox.write("thesis/a.tex", "years");
    });
    sandbox.train("run", &["--data", "data", "--epochs", "1"]);
    let result = fs::read(sandbox.path("run/result.json")).expect("reads");
    for (args, code, parts) in [
        (&["--out", "run"][..], USAGE, &["run: found an existing run, expected a new folder", "--force"][..]),
        (&["--out", "thesis"], USAGE, &["thesis: found an existing folder, expected a new folder"]),
        (
            &["--out", "thesis", "--force"],
            USAGE,
            &["thesis: found a folder without result.json", "expected an earlier run"],
        ),
        (&["--out", "thesis/a.tex", "--force"], USAGE, &["thesis/a.tex: found an existing file"]),
        // Below a file nobody can make a folder, not even root.
        (&["--out", "thesis/a.tex/run"], IO, &["cannot write thesis/a.tex/run"]),
    ] {
        assert_refused(&sandbox, args, code, parts);
    }
    assert_eq!(fs::read(sandbox.path("run/result.json")).expect("reads"), result, "the run is untouched");
    assert_eq!(fs::read(sandbox.path("thesis/a.tex")).expect("reads"), b"years");
}

/// The working directory itself cannot be renamed into place: that is known before any training.
#[test]
fn the_working_directory_is_no_run_folder() {
    assert_refused(&Sandbox::new(), &["--out", "."], USAGE, &[".: found"]);
}

#[test]
fn models_and_data_that_do_not_match() {
    let sandbox = spoilt(|_| {});
    sandbox.train("run", &["--data", "data", "--epochs", "1"]);
    let parts = ["generated set: found images of 32 x 32 x 3", "pattern 0", "expected", "airplane"];
    assert_refused(&sandbox, &["evaluate", "run", "--data", "generated"], BAD_DATA, &parts);

    sandbox.edit("data/test_batch.bin", |bytes| bytes[1 + PIXELS] = 12);
    let parts = ["data/test_batch.bin: record 1 (byte 3073): found label 12, expected 0 to 9"];
    assert_refused(&sandbox, &["predict", "run", "data"], BAD_DATA, &parts);
    assert_refused(&sandbox, &["evaluate", "run"], BAD_DATA, &parts);

    sandbox.edit("data/test_batch.bin", |bytes| bytes.truncate(1000));
    let parts = ["record 0 (byte 0) is cut off: found 1000 bytes, expected 3073"];
    assert_refused(&sandbox, &["predict", "run", "data/test_batch.bin"], BAD_DATA, &parts);
    assert_refused(&sandbox, &["predict", "run", "nowhere"], IO, &["cannot read nowhere"]);
}
