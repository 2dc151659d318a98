//! Everything that can be wrong with what is given: one line that says what, where, found and expected, a hint,
//! the right exit code, and nothing left behind.

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

fn remove(sandbox: &Sandbox, name: &str) {
    fs::remove_file(sandbox.path(name)).expect("removes");
}

#[test]
fn bad_data_names_file_record_and_byte() {
    // What is done to a good data set, and what is said then.
    type Case = (fn(&Sandbox), &'static [&'static str]);
    let cases: [Case; 8] = [
        (
            |sandbox| sandbox.edit("data/data_batch_3.bin", |bytes| bytes.truncate(40 * (1 + PIXELS) - 100)),
            &["data/data_batch_3.bin: record 39 (byte 119847) is cut off: found 2973 bytes, expected 3073"],
        ),
        (
            |sandbox| sandbox.write("data/test_batch.bin", ""),
            &["data/test_batch.bin: record 0 (byte 0)", "found 0 bytes, expected 3073"],
        ),
        (
            |sandbox| sandbox.edit("data/data_batch_2.bin", |bytes| bytes[7 * (1 + PIXELS)] = 10),
            &["data/data_batch_2.bin: record 7 (byte 21511): found label 10, expected 0 to 9"],
        ),
        (
            |sandbox| {
                remove(sandbox, "data/data_batch_2.bin");
                remove(sandbox, "data/test_batch.bin");
            },
            &["data: found no data_batch_2.bin, test_batch.bin, expected all 6 files of CIFAR-10"],
        ),
        (
            |sandbox| {
                remove(sandbox, "data/test_batch.bin");
                fs::create_dir(sandbox.path("data/test_batch.bin")).expect("a folder");
            },
            &["data/test_batch.bin: found something that is no regular file, expected a file of records"],
        ),
        (
            |sandbox| sandbox.write("data/batches.meta.txt", "cat\n"),
            &["data/batches.meta.txt: found 1 class name(s), expected 2 to 256"],
        ),
        (
            |sandbox| sandbox.write("data/batches.meta.txt", "cat\ndog\n"),
            &["record 2 (byte 6146): found label 2, expected 0 to 1", "batches.meta.txt"],
        ),
        (
            |sandbox| {
                fs::remove_dir_all(sandbox.path("data")).expect("removes");
                fs::create_dir(sandbox.path("data")).expect("a folder");
            },
            &[
                "data: found an empty folder, expected data_batch_1.bin to data_batch_5.bin and test_batch.bin",
            ],
        ),
    ];
    for (spoil, parts) in cases {
        assert_refused(&spoilt(spoil), &["--data", "data"], BAD_DATA, parts);
        assert_refused(&spoilt(spoil), &["gradcheck", "--data", "data"], BAD_DATA, parts);
    }
}

/// A set without its names is as incomplete as one without a batch.
#[test]
fn missing_class_names_are_missing_data() {
    let sandbox = spoilt(|sandbox| remove(sandbox, "data/batches.meta.txt"));
    assert_refused(&sandbox, &["--data", "data"], BAD_DATA, &["data: found no batches.meta.txt", "expected"]);
}

#[test]
fn a_path_that_is_no_data_set() {
    let sandbox = spoilt(|_| {});
    assert_refused(&sandbox, &["--data", "nowhere"], IO, &["cannot read nowhere", "No such file"]);
    assert_refused(
        &sandbox,
        &["--data", "data/test_batch.bin"],
        BAD_DATA,
        &["data/test_batch.bin: found a file of no known format, expected"],
    );
    for data in ["data", "generated"] {
        let args = ["--data", data, "--label", "coarse"];
        assert_refused(&sandbox, &args, BAD_DATA, &["--label", "one kind of label", "expected CIFAR-100"]);
    }
}

/// Folders that would be made on the way to `--out` are not made for nothing.
#[test]
fn a_failure_leaves_no_folder_above_out() {
    let sandbox = Sandbox::new();
    assert_refused(&sandbox, &["--data", "nowhere", "--out", "a/b/run"], IO, &["nowhere"]);
}

#[test]
fn more_validation_than_data() {
    let sandbox = spoilt(|_| {});
    for rows in ["200", "5000"] {
        // Quiet, for the notes on the data would be lines of their own.
        let args = ["--data", "data", "--validation", rows, "--quiet"];
        assert_refused(
            &sandbox,
            &args,
            BAD_DATA,
            &["--validation: found", rows, "of 200 training rows, expected"],
        );
    }
}

#[test]
fn config_files() {
    let sandbox = Sandbox::new();
    for (text, parts) in [
        ("# rates\nlr = \"fast\"", &["a.toml line 2: lr: found \"fast\", expected a number"][..]),
        ("epochs = 1.5", &["a.toml line 1: epochs: found 1.5, expected a whole number"]),
        ("local = 1", &["a.toml line 1: local: found 1, expected true or false"]),
        ("loss = \"hinge\"", &["a.toml line 1: loss: found \"hinge\", expected `svm` or `softmax`"]),
        ("epochs = 2\nlr = -1.0", &["a.toml line 2: lr: found -1, expected a finite number above 0"]),
        ("lr = nan", &["a.toml line 1: lr: found NaN, expected a finite number above 0"]),
        (
            "batch-size = 0",
            &["a.toml line 1: batch-size: found 0, expected a whole number above 0, or \"full\""],
        ),
        ("\nepoch = 3", &["a.toml line 2: epoch: unknown key", "did you mean `epochs`?"]),
        ("learning_rate = 3", &["a.toml line 1: learning_rate: unknown key"]),
        ("lr = 1e-3\n\nepochs = = 2", &["a.toml line 3: "]),
        ("lr = 1\nlr = 2", &["a.toml line 2: ", "duplicate"]),
        (
            "momentum = 0.5",
            &["a.toml line 1: momentum: has no effect here: the optimizer sgd does not use it"],
        ),
        ("patience = 2", &["a.toml line 1: patience: has no effect here"]),
    ] {
        sandbox.write("a.toml", text);
        assert_refused(&sandbox, &["--config", "a.toml"], USAGE, parts);
    }
    assert_refused(
        &sandbox,
        &["--config", "none.toml"],
        IO,
        &["cannot read config none.toml", "No such file"],
    );
    assert_refused(&sandbox, &["--config", "."], IO, &["cannot read config ."]);
}

/// The file can be read; what is in it is wrong.
#[test]
fn a_config_that_is_no_text_is_a_config_error() {
    let sandbox = Sandbox::new();
    sandbox.write("a.toml", b"lr = 1\n\xff\xfe");
    assert_refused(&sandbox, &["--config", "a.toml"], USAGE, &["a.toml", "UTF-8"]);
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
fn models_that_are_none() {
    let sandbox = spoilt(|_| {});
    let model = sandbox.train("run", &["--data", "data", "--epochs", "1"]).model();
    let not_finite = [&model[..model.len() - 4], &f32::NAN.to_le_bytes()].concat();
    fs::create_dir(sandbox.path("empty")).expect("a folder");
    for (bytes, found) in [
        (&[][..], "found no safetensors"),
        (&model[..5], "found no safetensors"),
        (&model[..100], "found no safetensors"),
        (&model[..model.len() - 1], "found no safetensors"),
        (&[0xff; 5000], "found no safetensors"),
        (&not_finite, "found a weight that is not finite"),
    ] {
        sandbox.write("bad", bytes);
        for args in [&["evaluate", "bad"][..], &["predict", "bad", "data"]] {
            assert_refused(&sandbox, args, BAD_DATA, &["bad: ", found, "expected"]);
        }
    }
    for (path, named) in [("nowhere", "nowhere"), ("empty", "empty/model.safetensors")] {
        for args in [&["evaluate", path][..], &["predict", path, "data"]] {
            assert_refused(&sandbox, args, IO, &["cannot read model", named]);
        }
    }
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
