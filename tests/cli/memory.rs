//! `--memory`: features stay in their files, and the model has the bytes of one trained in memory, in the same order.

use crate::support::{PIXELS, Run, RunFolder, Sandbox, number};
use std::fs;
use std::io::{BufRead, BufReader};

/// Enough for any small set; far less than would hold the large one.
const MEMORY: &str = "70MB";
/// Windows of which an epoch has several, and a short last one.
const WINDOWED: [&str; 4] = ["--window", "60", "--batch-size", "20"];

/// What of a run depends on neither the clock nor where its features were.
fn essence(run: &RunFolder) -> (Vec<u8>, Vec<Vec<String>>, String) {
    let mut rows = run.history().rows;
    rows.iter_mut().for_each(|row| drop(row.pop()));
    let mut result = run.result();
    let fields = result.as_object_mut().expect("an object");
    ["train_seconds", "seconds", "peak_memory_bytes", "out", "data"]
        .iter()
        .for_each(|key| drop(fields.remove(*key)));
    (run.model(), rows, result.to_string())
}

/// Trains in memory and streamed: everything is the same.
fn assert_alike(sandbox: &Sandbox, name: &str, args: &[&str]) {
    assert_alike_within(sandbox, name, args, MEMORY);
}

fn assert_alike_within(sandbox: &Sandbox, name: &str, args: &[&str], memory: &str) {
    let held = sandbox.train(&format!("{name}-held"), args);
    let streamed = sandbox.train(&format!("{name}-streamed"), &[args, &["--memory", memory]].concat());
    assert!(essence(&held) == essence(&streamed), "{name}: {args:?}");
}

fn convert(sandbox: &Sandbox, out: &str, format: &str) {
    sandbox.succeed(&["data", "convert", "-q", "--data", "data", out, "--to", format]);
}

/// An array as NumPy writes it.
fn npy(descr: &str, extents: &str, raw: &[u8]) -> Vec<u8> {
    let mut header = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': ({extents}), }}");
    while (10 + header.len() + 1) % 64 != 0 {
        header.push(' ');
    }
    header.push('\n');
    let length = (header.len() as u16).to_le_bytes();
    [b"\x93NUMPY\x01\x00", &length[..], header.as_bytes(), raw].concat()
}

/// Rows of so many floats, which say a little about their class; `encode` writes a number.
fn float_arrays(sandbox: &Sandbox, name: &str, width: usize, descr: &str, encode: fn(f32) -> Vec<u8>) {
    fs::create_dir(sandbox.path(name)).expect("a new folder");
    for (part, rows, salt) in [("train", 311, 1_u64), ("test", 50, 2)] {
        let mut state = salt;
        let mut noise = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 40) as f32 / (1 << 24) as f32 - 0.5
        };
        let value = |at: usize| {
            let (row, column) = (at / width, at % width);
            encode(noise() + if column % 3 == row % 3 { 0.4 } else { 0.0 })
        };
        let features: Vec<u8> = (0..rows * width).flat_map(value).collect();
        sandbox.write(&format!("{name}/X_{part}.npy"), npy(descr, &format!("{rows}, {width}"), &features));
        let labels: Vec<u8> = (0..rows).map(|row| (row % 3) as u8).collect();
        sandbox.write(&format!("{name}/y_{part}.npy"), npy("|u1", &format!("{rows},"), &labels));
    }
}

#[test]
fn every_format_of_bytes_gives_the_model_of_memory() {
    let sandbox = Sandbox::new();
    sandbox.cifar10("data");
    sandbox.cifar100("hundred");
    convert(&sandbox, "npy", "npy");
    convert(&sandbox, "idx", "idx");
    convert(&sandbox, "set.safetensors", "safetensors");
    for data in ["data", "npy", "idx", "set.safetensors", "npy/X_train.npy"] {
        let name = data.replace('/', "-");
        assert_alike(&sandbox, &name, &[&["--data", data, "--epochs", "3"], &WINDOWED[..]].concat());
    }
    let coarse = ["--data", "hundred", "--label", "coarse", "--epochs", "2"];
    assert_alike(&sandbox, "hundred", &[&coarse, &WINDOWED[..]].concat());
    let model = |run: &str| RunFolder(sandbox.path(run)).model();
    assert!(
        model("npy-streamed") == model("data-streamed") && model("idx-streamed") == model("data-streamed")
    );
}

#[test]
fn floats_give_the_model_of_memory() {
    let sandbox = Sandbox::new();
    float_arrays(&sandbox, "single", 20, "<f4", |value| value.to_le_bytes().to_vec());
    float_arrays(&sandbox, "double", 20, ">f8", |value| f64::from(value).to_be_bytes().to_vec());
    for data in ["single", "double"] {
        for kind in ["standardize", "scale", "center", "none"] {
            let args = ["--data", data, "--preprocess", kind, "--epochs", "3", "--loss", "softmax"];
            assert_alike(&sandbox, &format!("{data}-{kind}"), &[&args, &WINDOWED[..]].concat());
        }
    }
    // Floats in training, bytes in the test, and rows set aside from one file.
    let bytes: Vec<u8> = (0..50 * 20).map(|at| (at % 7) as u8).collect();
    sandbox.write("single/X_test.npy", npy("|u1", "50, 20", &bytes));
    assert_alike(&sandbox, "mixed", &[&["--data", "single"], &WINDOWED[..]].concat());
    for (part, name) in [("X", "features"), ("y", "labels")] {
        fs::create_dir_all(sandbox.path("one")).expect("a folder");
        fs::copy(sandbox.path(&format!("double/{part}_train.npy")), sandbox.path(&format!("one/{name}.npy")))
            .expect("copies");
    }
    assert_alike(&sandbox, "set-aside", &[&["--data", "one", "--test-split", "0.2"], &WINDOWED[..]].concat());
}

/// Windows and what is streamed go with everything else that a descent can be told.
#[test]
fn rules_and_settings_give_the_model_of_memory() {
    let sandbox = Sandbox::new();
    sandbox.cifar10("data");
    for (name, args) in [
        ("defaults", &[][..]),
        ("one-window", &["--window", "500"]),
        ("odd", &["--window", "50", "--batch-size", "7", "--threads", "3"]),
        ("momentum", &["--optimizer", "momentum", "--validation", "41", "--patience", "1", "--watch-test"]),
        ("nesterov", &["--optimizer", "nesterov", "--loss", "softmax", "--schedule", "cosine"]),
        ("adam", &["--optimizer", "adam", "--class-weight", "cat=3", "--validation", "0.1"]),
        ("rmsprop", &["--optimizer", "rmsprop", "--init-scale", "1e-3", "--seed", "5", "--l1", "1e-4"]),
        ("adagrad", &["--optimizer", "adagrad", "--preprocess", "scale", "--warmup", "1"]),
    ] {
        let windowed: &[&str] = if args.contains(&"--window") || args.is_empty() { &[] } else { &WINDOWED };
        assert_alike(&sandbox, name, &[&["--data", "data", "--epochs", "4"], args, windowed].concat());
    }
    let rise = sandbox.run(
        &[&["train", "--data", "data", "--lr", "1e30", "--memory", MEMORY, "--out", "up"], &WINDOWED[..]]
            .concat(),
    );
    assert_eq!(rise.code, 4, "{rise:?}");
    assert!(rise.stderr.contains("hint: try --lr "), "{}", rise.stderr);
}

/// Another window is another order; the window of all rows is the order without windows.
#[test]
fn a_window_decides_the_order_in_memory_too() {
    let sandbox = Sandbox::new();
    sandbox.cifar10("data");
    let rows = |out: &str, args: &[&str]| {
        let args = [&["--data", "data", "--epochs", "2", "--batch-size", "20"], args].concat();
        let mut rows = sandbox.train(out, &args).history().rows;
        rows.iter_mut().for_each(|row| drop(row.pop()));
        rows
    };
    let all = rows("all", &[]);
    assert!(rows("200", &["--window", "200"]) == all && rows("190", &["--window", "190"]) == all);
    let windowed = rows("60", &["--window", "60"]);
    assert!(windowed != all && windowed != rows("40", &["--window", "40"]));
    assert!(rows("45", &["--window", "45"]) == windowed, "whole batches");
    assert!(rows("threads", &["--window", "60", "--threads", "3"]) == windowed);
}

/// Without `--window`, as many rows as fit: the run writes down how many, and that repeats it, streamed or not.
#[test]
fn the_largest_window_is_taken_and_written_down() {
    let sandbox = Sandbox::new();
    sandbox.succeed(&["data", "generate", "-q", "large", "--rows", "40000", "--test-rows", "1000"]);
    let file = fs::metadata(sandbox.path("large/X_train.npy")).expect("a file").len() as f64;
    let train = |out: &str, args: &[&str]| sandbox.train(out, &[&["--epochs", "2"], args].concat());
    let streamed = train("streamed", &["--data", "large", "--memory", MEMORY]);
    if cfg!(target_os = "linux") {
        let peak = number(&streamed.result(), "peak_memory_bytes");
        assert!(peak < 70e6 && peak < 0.6 * file, "{peak} bytes for a file of {file}");
    }
    let config: toml::Table = streamed.text("config.toml").parse().expect("TOML");
    assert_eq!(config["memory"].as_str(), Some(MEMORY));
    let window = config["window"].as_integer().expect("a number");
    assert!(window % 256 == 0 && (1000..20_000).contains(&window), "{window}");

    let again = sandbox.train("again", &["--config", "streamed/config.toml", "--threads", "1"]);
    assert!(again.model() == streamed.model() && again.text("config.toml").contains("threads = 1"));
    let held = train("held", &["--data", "large", "--window", &window.to_string()]);
    assert!(essence(&held) == essence(&streamed));

    let run = sandbox.run(&["--data", "large", "--memory", "20MB", "-q"]);
    let least = run.stderr.split("at least ").nth(1).and_then(|rest| rest.split(' ').next());
    let least = least.unwrap_or_else(|| panic!("{run:?}"));
    assert_eq!((run.code, run.stderr.contains("--memory: found 20MB, expected at least ")), (2, true));
    train("least", &["--data", "large", "--memory", least]);
    let small = ["--data", "large", "--memory", least, "--window", "20000", "-q"];
    assert!(sandbox.run(&small).stderr.contains("for windows of 20224 rows"));
}

/// Weights that come with the data are held, and so are those that training makes of them.
#[test]
fn weights_of_examples_are_counted() {
    const ROWS: [(&str, usize); 2] = [("train", 400_000), ("test", 200_000)];
    let sandbox = Sandbox::new();
    for data in ["plain", "weighted"] {
        fs::create_dir(sandbox.path(data)).expect("a new folder");
        for (part, rows) in ROWS {
            let bytes: Vec<u8> = (0..16 * rows).map(|at| (at % 3) as u8).collect();
            sandbox.write(&format!("{data}/X_{part}.npy"), npy("|u1", &format!("{rows}, 16"), &bytes));
            sandbox.write(&format!("{data}/y_{part}.npy"), npy("|u1", &format!("{rows},"), &bytes[..rows]));
        }
    }
    for (part, rows) in ROWS {
        let weights: Vec<u8> = (0..rows).flat_map(|row| (1.0 + (row % 3) as f64).to_le_bytes()).collect();
        let name = format!("weighted/sample_weights_{part}.npy");
        sandbox.write(&name, npy("<f8", &format!("{rows},"), &weights));
    }
    let args = ["--epochs", "1", "--batch-size", "1000", "--window", "1000"];
    let least = |data: &str| -> u64 {
        let run = sandbox.run(&[&["--data", data, "--memory", "1MB", "-q"], &args[..]].concat());
        let least = run.stderr.split("at least ").nth(1).and_then(|rest| rest.split("MB").next());
        least.and_then(|least| least.parse().ok()).unwrap_or_else(|| panic!("{run:?}"))
    };
    let (plain, weighted) = (least("plain"), least("weighted"));
    // 8 bytes a weight of training and of test, 8 for each row that trains, and some in the windows.
    let [train, test] = ROWS.map(|(_, rows)| rows as u64);
    let expected = (16 * train + 8 * test) / 1_000_000;
    assert!((expected..=expected + 2).contains(&(weighted - plain)), "{plain} MB, {weighted} MB");

    let memory = format!("{weighted}MB");
    assert_alike_within(&sandbox, "weighted", &[&["--data", "weighted"], &args[..]].concat(), &memory);
    if cfg!(target_os = "linux") {
        let run = RunFolder(sandbox.path("weighted-streamed"));
        let peak = number(&run.result(), "peak_memory_bytes");
        assert!(peak <= weighted as f64 * 1e6, "{peak} bytes, {memory} allowed");
    }
}

#[cfg(unix)]
#[test]
fn kills_change_no_byte() {
    let sandbox = Sandbox::new();
    sandbox.cifar10("data");
    let recipe = [
        &["train", "--data", "data", "--memory", MEMORY, "--optimizer", "adam", "--loss", "softmax"][..],
        &["--validation", "40", "--epochs", "12"],
        &WINDOWED,
    ]
    .concat();
    crate::resume::kill_and_resume(&sandbox, &recipe, 12, [60, 40]);
    // In memory the same, but for the kills.
    let recipe: Vec<&str> =
        recipe[1..].iter().filter(|arg| !["--memory", MEMORY].contains(arg)).copied().collect();
    let held = sandbox.train("held", &recipe);
    assert!(held.model() == RunFolder(sandbox.path("expected")).model());
}

/// Where features are may change on the way; the order of the rows may not.
#[cfg(unix)]
#[test]
fn a_run_goes_on_with_other_memory() {
    let sandbox = Sandbox::new();
    sandbox.cifar10("data");
    let args = ["--data", "data", "--epochs", "600"];
    let expected = sandbox.train("expected", &args).model();
    for (begin, go_on, code) in [
        (&[][..], &["--memory", MEMORY][..], 0),
        (&["--memory", MEMORY], &["--memory", "90MB"], 0),
        (&["--memory", MEMORY], &["--memory", "40MB"], 2),
    ] {
        crate::resume::cut_off(&sandbox, &[&["train"], &args[..], begin].concat(), 1);
        let run = sandbox.run(&[&["--resume", "run", "-q", "--checkpoint-every", "off"], go_on].concat());
        assert_eq!(run.code, code, "{go_on:?}: {run:?}");
        if code == 0 {
            assert!(RunFolder(sandbox.path("run")).model() == expected, "{go_on:?}");
            fs::remove_dir_all(sandbox.path("run")).expect("removes");
        } else {
            assert!(run.stderr.contains("for windows of 200 rows"), "{}", run.stderr);
        }
    }
}

fn assert_refused(run: &Run, code: i32, parts: &[&str]) {
    assert_eq!(run.code, code, "{run:?}");
    let lines: Vec<&str> = run.stderr.lines().filter(|line| !line.starts_with("warning: ")).collect();
    let in_form =
        matches!(lines[..], [error, hint] if error.starts_with("error: ") && hint.starts_with("hint: "));
    assert!(in_form, "an error and a hint, but {}", run.stderr);
    parts.iter().for_each(|part| assert!(run.stderr.contains(part), "no {part:?} in {}", run.stderr));
}

#[test]
fn a_file_that_shrinks_meanwhile_is_told() {
    let sandbox = Sandbox::new();
    sandbox.cifar10("data");
    convert(&sandbox, "npy", "npy");
    let args = ["--data", "npy", "--memory", MEMORY, "--out", "run", "--epochs", "15000"];
    let mut child = sandbox.spawn(&[&args, &WINDOWED[..]].concat());
    let mut lines =
        BufReader::new(child.stderr.take().expect("piped")).lines().map(|line| line.expect("text"));
    assert!(lines.any(|line| line.starts_with("epoch ")), "it trains");
    let file = fs::File::options().write(true).open(sandbox.path("npy/X_train.npy")).expect("opens");
    file.set_len(100 * PIXELS as u64).expect("shrinks");
    let rest: Vec<String> = lines.filter(|line| !line.starts_with("epoch ")).collect();
    assert_eq!(child.wait().expect("ends").code(), Some(3), "{rest:?}");
    let [error, hint] = &rest[..] else { panic!("{rest:?}") };
    assert!(error.starts_with("error: npy/X_train.npy: found 307200 bytes, expected at least "), "{error}");
    assert!(hint.starts_with("hint: the file shrank while it was read"), "{hint}");
    assert!(!sandbox.path("run").exists() && !sandbox.path("run.partial").exists(), "nothing half-written");
}

#[test]
fn what_cannot_be_streamed() {
    let sandbox = Sandbox::new();
    sandbox.cifar10("data");
    convert(&sandbox, "set.npz", "npz");
    convert(&sandbox, "csv", "csv");
    let data = ["--data", "data", "--memory", MEMORY];
    for (args, code, parts) in [
        (
            &["--data", "set.npz", "--memory", MEMORY][..],
            3,
            &["set.npz: found .npz, expected rows in", "data convert"][..],
        ),
        (
            &["--data", "csv", "--memory", MEMORY],
            3,
            &["--memory: csv: found CSV, expected rows in their place"],
        ),
        (
            &["--data", "generated", "--memory", MEMORY],
            3,
            &["--memory: has no effect on the built-in generated set"],
        ),
        (
            &[&data[..], &["--optimizer", "lbfgs"]].concat(),
            2,
            &["--memory: has no effect here: lbfgs needs all"],
        ),
        (
            &[&data[..], &["--batch-size", "full"]].concat(),
            2,
            &["--memory: has no effect here: a full batch"],
        ),
        (
            &[&["random-search"], &data[..]].concat(),
            2,
            &["--memory: has no effect here: random search needs"],
        ),
        (
            &[&["sweep", "--grid", "lr=1,2"], &data[..]].concat(),
            2,
            &["--memory: has no effect here: the runs of"],
        ),
        (
            &["--data", "data", "--memory", "70"],
            2,
            &["--memory: found 70, expected a number with its unit, such as"],
        ),
        (&["--data", "data", "--window", "0"], 2, &["--window: found 0, expected a whole number above 0"]),
        (
            &["--window", "60", "--batch-size", "full"],
            2,
            &["--window: has no effect here: a full batch keeps"],
        ),
    ] {
        assert_refused(&sandbox.run(&[args, &["-q"]].concat()), code, parts);
    }
    for (descr, extents, size, found) in [
        ("<i2", "4, 6", 48, "whole numbers of more than a byte"),
        ("|u1", "4, 5, 7, 3", 420, "pictures with their channels last"),
    ] {
        fs::create_dir_all(sandbox.path("odd")).expect("a folder");
        sandbox.write("odd/X.npy", npy(descr, extents, &vec![1; size]));
        sandbox.write("odd/y.npy", npy("|u1", "4,", &[0, 1, 0, 1]));
        let run = sandbox.run(&["--data", "odd", "--test-split", "1", "--memory", MEMORY, "-q"]);
        assert_refused(&run, 3, &["odd/X.npy: found ", found]);
    }
    assert!(!sandbox.path("runs").exists(), "nothing is written");
}
