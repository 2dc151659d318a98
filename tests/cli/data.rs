//! `data`: what a set holds, and its way through every format and back, bit by bit.

use crate::real_data::cifar10;
use crate::support::{Run, Sandbox, after, json};
use std::fs;

/// The digest of a data set.
fn digest(sandbox: &Sandbox, args: &[&str]) -> String {
    let run = sandbox.succeed(&[&["data", "info", "--json"], args].concat());
    json(&run.stdout)["digest"].as_str().expect("a digest").to_owned()
}

/// Converts, loads again, and compares with what conversion says and with the data that were converted.
fn goes_round(sandbox: &Sandbox, data: &[&str], format: &str, shape: &[&str]) {
    let out = format!("out-{format}");
    let expected = digest(sandbox, data);
    let run = sandbox.succeed(&[&["data", "convert"], data, &[&out, "--to", format]].concat());
    assert_eq!(after(&run.stdout, "BLAKE3: "), expected);
    assert_eq!(digest(sandbox, &[&["--data", &out], shape].concat()), expected, "{format}");
    // And back again.
    let back = format!("back-{format}.npz");
    let run = sandbox.succeed(&[&["data", "convert", "--data", &out, &back], shape].concat());
    let needed = if run.stderr.contains("makes pictures of them again") { shape } else { &[] };
    assert_eq!(digest(sandbox, &[&["--data", &back], needed].concat()), expected, "{format} and back");
    for path in [&out, &back] {
        let path = sandbox.path(path);
        if path.is_dir() {
            fs::remove_dir_all(path).expect("removes");
        } else {
            fs::remove_file(path).expect("removes");
        }
    }
}

const FORMATS: [&str; 6] = ["npy", "npz", "csv", "safetensors", "idx", "svmlight"];

fn shape_for(format: &str) -> &'static [&'static str] {
    if matches!(format, "csv" | "svmlight") { &["--shape", "3x32x32"] } else { &[] }
}

#[test]
fn pictures_go_round_through_every_format() {
    let sandbox = Sandbox::new();
    sandbox.cifar10("data");
    for format in FORMATS {
        goes_round(&sandbox, &["--data", "data"], format, shape_for(format));
    }
    goes_round(&sandbox, &["--data", "data"], "cifar", &[]);
}

/// Whole numbers, the smallest and the largest, -0, and a last column of zeros: all must come back as the same floats.
const FLOATS: [&str; 2] = [
    "kind,a,b,c\nno,1,2,0\nyes,-0.0,3.4028235e38,0\nmay be,1e-45,0.1,0\nno,16777216,0.33333334,0\n",
    "kind,a,b,c\nyes,7,255,0\nno,0.5,0,0\n",
];

#[test]
fn floats_go_round_through_every_format() {
    let sandbox = Sandbox::new();
    fs::create_dir(sandbox.path("data")).expect("a folder");
    sandbox.write("data/train.csv", FLOATS[0]);
    sandbox.write("data/test.csv", FLOATS[1]);
    for format in FORMATS {
        goes_round(&sandbox, &["--data", "data", "--label-column", "kind"], format, &[]);
    }
    let refused =
        sandbox.run(&["data", "convert", "--data", "data", "--label-column", "kind", "x", "--to", "cifar"]);
    is_refused(&refused, 2, "--to cifar: found examples of 3 features, expected images of 32 x 32 x 3");
}

#[test]
fn examples_of_one_kind_go_round() {
    let sandbox = Sandbox::new();
    sandbox.write("iris.csv", "species,a,b\nsetosa,0.5,1\nvirginica,2,3.25\nsetosa,1,1\n");
    for format in FORMATS {
        goes_round(&sandbox, &["--data", "iris.csv"], format, &[]);
    }
    let split = ["--data", "iris.csv", "--test-split", "1"];
    for format in FORMATS {
        goes_round(&sandbox, &split, format, &[]);
    }
}

#[test]
fn labels_that_are_numbers_stay_these_numbers() {
    let sandbox = Sandbox::new();
    sandbox.write("a.csv", "label,x\n-3,0.5\n70000,1\n-3,2\n9,0\n");
    for format in FORMATS {
        goes_round(&sandbox, &["--data", "a.csv"], format, &[]);
    }
}

#[test]
fn names_with_separators_and_classes_without_examples_go_round() {
    let sandbox = Sandbox::new();
    fs::create_dir(sandbox.path("data")).expect("a folder");
    sandbox.write("data/train.csv", "label;x\n2;1\n1;2\n");
    sandbox.write("data/test.csv", "label;x\n1;3\n2;3\n");
    sandbox.write("data/class_names.txt", "unseen\n\"big, old\" cat; #1\n\u{e9}t\u{e9}\n");
    for format in FORMATS {
        goes_round(&sandbox, &["--data", "data"], format, &[]);
    }
}

/// Two channels are no colours, and three rows of three or four columns could be channels.
#[test]
fn pictures_of_unclear_extents_are_rows_and_the_shape_is_told() {
    let sandbox = Sandbox::new();
    let rows = (0..4).map(|row| format!("{}{}", row % 2, format!(",{row}").repeat(36)));
    let lines: Vec<String> = [format!("label{}", ",x".repeat(36))].into_iter().chain(rows).collect();
    sandbox.write("a.csv", lines.join("\n"));
    for (shape, told) in [("2x3x6", true), ("3x3x4", true), ("1x6x6", false), ("3x2x6", false)] {
        let data = ["--data", "a.csv", "--test-split", "1", "--shape", shape];
        let needed = ["--shape", shape];
        let run = sandbox.succeed(&[&["data", "convert", "a.npz"], &data[..]].concat());
        fs::remove_file(sandbox.path("a.npz")).expect("removes");
        let note = format!("note: .npz holds rows of features: --shape {shape} makes pictures of them again");
        assert_eq!(run.stderr.contains(&note), told, "{shape}: {run:?}");
        let needed = if told { &needed[..] } else { &[] };
        for format in ["npy", "npz", "idx", "safetensors"] {
            goes_round(&sandbox, &data, format, needed);
        }
    }
}

#[test]
fn what_would_be_lost_is_told() {
    let sandbox = Sandbox::new();
    sandbox.write("mixed.csv", "label,x\n1,0.5\ncat,1\n");
    let run = sandbox.run(&["data", "convert", "--data", "mixed.csv", "a.npz"]);
    is_refused(&run, 2, "--to npz: found classes some of which are called by numbers and some by names");
    fs::create_dir(sandbox.path("rare")).expect("a folder");
    sandbox.write("rare/features.npy", npy_bytes("(2, 1)", &[1, 2]));
    sandbox.write("rare/labels.npy", npy_bytes("(2,)", &[2, 1]));
    sandbox.write("rare/class_names.txt", "a\nb\nc\n");
    let run = sandbox.run(&["data", "convert", "--data", "rare", "rare.csv", "--to", "csv"]);
    is_refused(&run, 2, "--to csv: found classes in an order of their own, or without examples");
    fs::remove_dir_all(sandbox.path("rare")).expect("removes");
    sandbox.write("words.csv", "label,x\nold cat,0.5\ncat,1\n");
    let run = sandbox.run(&["data", "convert", "--data", "words.csv", "a.svm", "--to", "svmlight"]);
    is_refused(&run, 2, "--to svmlight: found a class called \"old cat\"");
    let run = sandbox.run(&["data", "convert", "--data", "words.csv", "a", "--to", "pictures"]);
    is_refused(&run, 2, "--to pictures: found a format that is only read");
    let run = sandbox.run(&["data", "convert", "--data", "words.csv", "a.csv"]);
    is_refused(&run, 2, "a.csv: found the name of a file");
    let run = sandbox.run(&["data", "convert", "--data", "words.csv", "no/such/a.npz"]);
    is_refused(&run, 1, "cannot write no/such/a.npz");
    for (name, found) in [("words.csv", "file"), ("full", "folder")] {
        fs::create_dir_all(sandbox.path("full/inner")).expect("a folder");
        let run = sandbox.run(&["data", "convert", "--data", "words.csv", name, "--to", "npz"]);
        is_refused(&run, 2, &format!("{name}: found an existing {found}"));
    }
    let left: Vec<_> = sandbox.entries().iter().map(|path| path.display().to_string()).collect();
    assert_eq!(left, ["full", "full/inner", "mixed.csv", "words.csv"], "nothing else stays");
}

/// A `.npy` file of bytes.
fn npy_bytes(shape: &str, values: &[u8]) -> Vec<u8> {
    let header = format!("{{'descr': '|u1', 'fortran_order': False, 'shape': {shape}, }}\n");
    [b"\x93NUMPY\x01\0", &(header.len() as u16).to_le_bytes()[..], header.as_bytes(), values].concat()
}

fn is_refused(run: &Run, code: i32, start: &str) {
    assert_eq!((run.code, run.stdout.as_str()), (code, ""), "{run:?}");
    assert!(after(&run.stderr, "error: ").starts_with(start), "{run:?}");
    after(&run.stderr, "hint: ");
}

#[test]
fn the_built_in_set_is_seed_0_and_others_differ() {
    let sandbox = Sandbox::new();
    for (name, args) in [
        ("a.npz", &[][..]),
        ("b", &["--to", "cifar", "--rows", "50", "--test-rows", "20"]),
        ("c.npz", &["--rows", "50", "--test-rows", "20"]),
        ("d.npz", &["--rows", "50", "--test-rows", "20", "--seed", "1"]),
        ("e.npz", &["--rows", "50", "--test-rows", "0"]),
    ] {
        sandbox.succeed(&[&["data", "generate", name, "-q"], args].concat());
    }
    let digest = |name: &str| digest(&sandbox, &["--data", name]);
    assert_eq!(digest("a.npz"), digest("generated"));
    assert_eq!(digest("b"), digest("c.npz"));
    assert_ne!(digest("c.npz"), digest("d.npz"));
    let again =
        sandbox.succeed(&["data", "generate", "f.npz", "--rows", "50", "--test-rows", "20", "--seed", "1"]);
    assert_eq!(after(&again.stdout, "BLAKE3: "), digest("d.npz"));
    assert_eq!(
        fs::read(sandbox.path("d.npz")).expect("reads"),
        fs::read(sandbox.path("f.npz")).expect("reads")
    );
    for (flag, value) in [("--rows", "0"), ("--test-rows", "-1"), ("--rows", "1000001"), ("--seed", "x")] {
        let run = sandbox.run(&["data", "generate", "g", &format!("{flag}={value}")]);
        is_refused(&run, 2, &format!("{flag}: found {value}, expected a whole number"));
    }
}

#[test]
fn info_tells_what_is_there_and_what_is_wrong() {
    let sandbox = Sandbox::new();
    fs::create_dir(sandbox.path("data")).expect("a folder");
    sandbox.write("data/train.csv", "label,x1,x2,x3\ncat,1,7,0\ndog,2,7,9\ncat,1,7,0\ndog,1,7,0\n");
    sandbox.write("data/test.csv", "label,x1,x2,x3\ncat,2,7,9\ncat,5,5,5\n");
    sandbox.write("data/class_names.txt", "cat\ndog\nfrog\n");
    let run = sandbox.succeed(&["data", "info", "--data", "data"]);
    let expected = "\
data, from data
Examples: 3 features, held as bytes
BLAKE3: DIGEST
  train          4 rows, from 0 to 9, mean 3.50000
  test           2 rows, from 2 to 9, mean 5.50000
Classes: 3
  class      train       test
  cat            2          2
  dog            2          0
  frog           0          0
Classes without training examples: 1: frog
Classes without test examples: 2: dog, frog
Constant features in train: 1: 1
Features that are not finite: none
Exact duplicates, rows from 0:
  within train   2, 1 of them with another label
    train 2 (cat) is train 0 (cat)
    train 3 (dog) is train 0 (cat)
  within test    0
  test in train  1, 1 of them with another label
    test 0 (cat) is train 1 (dog)
";
    let found = json(&sandbox.succeed(&["data", "info", "--data", "data", "--json"]).stdout);
    let digest = found["digest"].as_str().expect("a digest");
    assert_eq!(run.stdout.replace(digest, "DIGEST"), expected);
    assert_eq!(found["classes"][2]["train"], 0);
    assert_eq!(found["constant_features"][0], 1);
    assert_eq!(found["duplicates"]["test_in_train"]["contradicting"], 1);
    assert_eq!(found["duplicates"]["within_train"]["first"][1]["repeats_row"], 0);
    assert_eq!((&found["test"]["min"], &found["type"]), (&2.0.into(), &"u8".into()));
}

#[test]
fn pictures_of_classes_are_drawn_once() {
    let sandbox = Sandbox::new();
    let args = ["data", "info", "--data", "generated", "--sheet", "sheet.png", "--mean", "mean.png"];
    sandbox.succeed(&args);
    let bytes = |name| fs::read(sandbox.path(name)).expect("a picture");
    let (sheet, mean) = (bytes("sheet.png"), bytes("mean.png"));
    // Width and height: 120 for names and 10 or 1 pictures; 10 classes, and all.
    let size =
        |png: &[u8]| [16, 20].map(|at| u32::from_be_bytes([png[at], png[at + 1], png[at + 2], png[at + 3]]));
    assert_eq!((size(&sheet), size(&mean)), ([120 + 680, 4 + 680], [120 + 68, 4 + 748]));
    is_refused(&sandbox.run(&args), 2, "sheet.png: found an existing file");
    sandbox.succeed(&[&args[..], &["--force"]].concat());
    assert_eq!(bytes("sheet.png"), sheet);
    sandbox.write("a.csv", "label,x\na,1\nb,2\n");
    let run = sandbox.run(&["data", "info", "--data", "a.csv", "--sheet", "x.png"]);
    is_refused(&run, 2, "found examples of 1 features, expected pictures");
    assert!(!sandbox.path("x.png").exists());
}

/// The counts of the real test set, as its authors give them.
#[test]
fn real_data_have_their_known_counts() {
    let Some(folder) = cifar10() else { return };
    let sandbox = Sandbox::new();
    let found = json(&sandbox.succeed(&["data", "info", "--json", "--data", &folder]).stdout);
    assert_eq!((&found["train"]["rows"], &found["test"]["rows"]), (&50_000.into(), &10_000.into()));
    for class in found["classes"].as_array().expect("classes") {
        assert_eq!((&class["train"], &class["test"]), (&5000.into(), &1000.into()));
    }
    assert_eq!((&found["train"]["min"], &found["train"]["max"]), (&0.0.into(), &255.0.into()));
    let run = sandbox.succeed(&["data", "convert", "--data", &folder, "c10.safetensors"]);
    assert_eq!(after(&run.stdout, "BLAKE3: "), found["digest"].as_str().expect("a digest"));
    assert_eq!(found["digest"], digest(&sandbox, &["--data", "c10.safetensors"]));
}
