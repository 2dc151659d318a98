//! Data in every format: the same data set is the same model, whatever its files.

#![allow(clippy::format_push_string, reason = "tables of text are small here")]

use crate::encode::{gzip, idx, npy, pickled, pickled_names, png, tar, zip};
use crate::support::{CLASSES, PIXELS, RunFolder, Sandbox, Table, json, number, records};
use safetensors::tensor::{Dtype, TensorView};
use std::collections::HashMap;
use std::fs;

/// Images and the classes of them, class by class: the order in which folders of pictures are read.
struct Set {
    pixels: Vec<u8>,
    classes: Vec<u8>,
}

impl Set {
    fn new(count: usize, salt: u64) -> Self {
        let all = records(count, salt);
        let mut records: Vec<&[u8]> = all.chunks(1 + PIXELS).collect();
        records.sort_by_key(|record| record[0]);
        Self {
            pixels: records.iter().flat_map(|record| record[1..].to_vec()).collect(),
            classes: records.iter().map(|record| record[0]).collect(),
        }
    }

    fn images(&self) -> impl Iterator<Item = (&'static str, &[u8])> {
        self.classes.iter().map(|&class| CLASSES[usize::from(class)]).zip(self.pixels.chunks(PIXELS))
    }

    /// Records of CIFAR-10's layout.
    fn records(&self) -> Vec<u8> {
        let record = |(class, pixels): (&u8, &[u8])| [&[*class], pixels].concat();
        self.classes.iter().zip(self.pixels.chunks(PIXELS)).flat_map(record).collect()
    }

    /// The pixels with the three colours of each together.
    fn channels_last(&self) -> Vec<u8> {
        let image = |image: &[u8]| -> Vec<u8> {
            (0..PIXELS / 3).flat_map(|at| [image[at], image[1024 + at], image[2048 + at]]).collect()
        };
        self.pixels.chunks(PIXELS).flat_map(image).collect()
    }

    /// The class names as NumPy's texts of ten letters.
    fn numpy_names(&self) -> Vec<u8> {
        let name = |class: &u8| -> Vec<u8> {
            let mut codes: Vec<u32> = CLASSES[usize::from(*class)].chars().map(u32::from).collect();
            codes.resize(10, 0);
            codes.iter().flat_map(|code| code.to_le_bytes()).collect()
        };
        self.classes.iter().flat_map(name).collect()
    }
}

fn csv(set: &Set) -> String {
    let names: Vec<String> = (0..PIXELS).map(|pixel| format!("p{pixel}")).collect();
    let mut text = names.join(",") + ",label\n";
    for (name, image) in set.images() {
        image.iter().for_each(|pixel| text.push_str(&format!("{pixel},")));
        text.push_str(&format!("{name}\n"));
    }
    text
}

fn svmlight(set: &Set) -> String {
    let mut text = String::new();
    for (name, image) in set.images() {
        text.push_str(name);
        for (at, pixel) in image.iter().enumerate().filter(|(_, pixel)| **pixel != 0) {
            text.push_str(&format!(" {}:{pixel}", at + 1));
        }
        text.push('\n');
    }
    text
}

fn safetensors(train: &Set, test: &Set) -> Vec<u8> {
    let labels = |set: &Set| -> Vec<u8> {
        set.classes.iter().flat_map(|&class| i64::from(class).to_le_bytes()).collect()
    };
    let (train_labels, test_labels) = (labels(train), labels(test));
    let view = |dtype, shape: Vec<usize>, bytes| TensorView::new(dtype, shape, bytes).expect("a tensor");
    let tensors = [
        ("train_features", view(Dtype::U8, vec![200, 3, 32, 32], &train.pixels)),
        ("train_labels", view(Dtype::I64, vec![200], &train_labels)),
        ("test_features", view(Dtype::U8, vec![30, 3, 32, 32], &test.pixels)),
        ("test_labels", view(Dtype::I64, vec![30], &test_labels)),
    ];
    let names = serde_json::to_string(&CLASSES).expect("JSON");
    let metadata = HashMap::from([("class_names".to_owned(), names)]);
    safetensors::serialize(tensors, Some(metadata)).expect("serialises")
}

/// Writes the data set in every format, and returns what to pass for each.
fn every_format(sandbox: &Sandbox, train: &Set, test: &Set) -> Vec<Vec<&'static str>> {
    for folder in ["bin", "py", "npy", "idx", "csv", "svm"] {
        fs::create_dir(sandbox.path(folder)).expect("a folder");
    }
    let names = CLASSES.join("\n");
    let mut binary = vec![
        ("bin/test_batch.bin".to_owned(), test.records()),
        ("bin/batches.meta.txt".into(), names.clone().into()),
    ];
    let mut python = vec![
        ("py/test_batch".to_owned(), pickled(&test.pixels, &test.classes)),
        ("py/batches.meta".into(), pickled_names()),
    ];
    // Not in order, as in the archives.
    for batch in [3, 1, 2, 5, 4] {
        let rows = 40 * (batch - 1)..40 * batch;
        let records = train.records()[rows.start * (1 + PIXELS)..rows.end * (1 + PIXELS)].to_vec();
        binary.push((format!("bin/data_batch_{batch}.bin"), records));
        let pixels = &train.pixels[rows.start * PIXELS..rows.end * PIXELS];
        python.push((format!("py/data_batch_{batch}"), pickled(pixels, &train.classes[rows])));
    }
    binary.iter().chain(&python).for_each(|(name, bytes)| sandbox.write(name, bytes));
    sandbox.write("bin.tar.gz", gzip(&tar(&binary)));
    sandbox.write("py.tgz", gzip(&tar(&python)));

    for (part, rows, set) in [("train", 200, train), ("test", 30, test)] {
        sandbox.write(
            &format!("npy/X_{part}.npy"),
            npy("|u1", &format!("({rows}, 32, 32, 3)"), &set.channels_last()),
        );
        sandbox.write(&format!("npy/y_{part}.npy"), npy("<U10", &format!("({rows},)"), &set.numpy_names()));
        let prefix = if part == "test" { "t10k" } else { part };
        sandbox.write(
            &format!("idx/{prefix}-images-idx3-ubyte.gz"),
            gzip(&idx(&[rows, 3, 32, 32], &set.pixels)),
        );
        sandbox.write(&format!("idx/{prefix}-labels-idx1-ubyte"), idx(&[rows], &set.classes));
        sandbox.write(&format!("csv/{part}.csv"), csv(set));
        sandbox.write(&format!("svm/{part}.svm"), svmlight(set));
        for (at, (name, image)) in set.images().enumerate() {
            let folder = format!("png/{part}/{name}");
            fs::create_dir_all(sandbox.path(&folder)).expect("a folder");
            sandbox.write(&format!("{folder}/{at:03}.png"), png(image));
        }
    }
    sandbox.write("idx/class_names.txt", names);
    let wide = |set: &Set| -> Vec<u8> {
        set.pixels.iter().flat_map(|&pixel| i64::from(pixel).to_be_bytes()).collect()
    };
    let entries = [
        ("x_train.npy", npy(">i8", "(200, 3, 32, 32)", &wide(train))),
        ("y_train.npy", npy("<U10", "(200,)", &train.numpy_names())),
        ("x_test.npy", npy("|u1", "(30, 32, 32, 3)", &test.channels_last())),
        ("y_test.npy", npy("<U10", "(30, 1)", &test.numpy_names())),
    ];
    sandbox.write("all.npz", zip(&entries));
    sandbox.write("all.safetensors", safetensors(train, test));
    sandbox.write("train.csv.gz", gzip(csv(train).replace(',', "\t").as_bytes()));
    vec![
        vec!["--data", "bin"],
        vec!["--data", "bin.tar.gz"],
        vec!["--data", "py"],
        vec!["--data", "py.tgz"],
        vec!["--data", "npy"],
        vec!["--data", "npy/X_train.npy"],
        vec!["--data", "idx"],
        vec!["--data", "all.npz"],
        vec!["--data", "all.safetensors"],
        vec!["--data", "csv", "--shape", "3x32x32"],
        vec![
            "--data",
            "train.csv.gz",
            "--test",
            "csv/test.csv",
            "--shape",
            "3x32x32",
            "--label-column",
            "last",
        ],
        vec!["--data", "svm", "--shape", "3x32x32"],
        vec![
            "--data",
            "svm/train.svm",
            "--test",
            "svm/test.svm",
            "--shape",
            "3x32x32",
            "--format",
            "svmlight",
        ],
        vec!["--data", "png"],
    ]
}

fn train(sandbox: &Sandbox, args: &[&str]) -> RunFolder {
    sandbox.train("run", &[args, &["--epochs", "1", "-b", "50", "--loss", "softmax", "--force"]].concat())
}

#[test]
fn all_formats_of_one_data_set_give_the_same_model_and_digest() {
    let sandbox = Sandbox::new();
    let (train_set, test_set) = (Set::new(200, 1), Set::new(30, 2));
    let formats = every_format(&sandbox, &train_set, &test_set);
    let first = train(&sandbox, &formats[0]);
    let (weights, result) = (first.weights(), first.result());
    for args in &formats[1..] {
        let run = train(&sandbox, args);
        assert!(run.weights() == weights, "{args:?}: another model");
        for key in ["data_digest", "test_accuracy", "test_loss"] {
            assert_eq!(run.result()[key], result[key], "{args:?}");
        }
        // What the run wrote repeats it, and evaluates on its own data.
        sandbox.succeed(&["--config", "run/config.toml", "--out", "again", "--force", "-q"]);
        assert!(
            fs::read(sandbox.path("again/model.safetensors")).expect("reads") == run.model(),
            "{args:?}: not repeated"
        );
        let evaluated = json(&sandbox.succeed(&["evaluate", "run", "--json", "-q"]).stdout);
        assert_eq!(number(&evaluated, "accuracy"), number(&result, "test_accuracy"), "{args:?}");
    }

    // The model is for test examples of every format, too.
    let expected = sandbox.succeed(&["predict", "run", "bin", "-q"]).stdout;
    for input in [
        "npy",
        "idx",
        "all.npz",
        "all.safetensors",
        "csv",
        "csv/test.csv",
        "svm/test.svm",
        "png/test",
        "bin.tar.gz",
    ] {
        let run = sandbox.succeed(&["predict", "run", input, "-q"]);
        assert_eq!(run.stdout, expected, "{input}");
        let evaluated = json(&sandbox.succeed(&["evaluate", "run", "--data", input, "--json", "-q"]).stdout);
        assert_eq!(evaluated["accuracy"], result["test_accuracy"], "{input}");
    }
    // Without labels there is no column of them.
    let bare = Table::parse(&sandbox.succeed(&["predict", "run", "npy/X_test.npy", "-q"]).stdout);
    let all = Table::parse(&expected);
    assert_eq!(bare.header[..2], ["index", "predicted"]);
    assert_eq!(bare.column("predicted"), all.column("predicted"));
    let picture = Table::parse(&sandbox.succeed(&["predict", "run", "png/test/ship/024.png", "-q"]).stdout);
    assert_eq!(picture.column("predicted")[0], all.column("predicted")[24]);
}

/// Two groups of points that a line parts.
const POINTS: &str =
    "x,y,species\n1.5,2,cat\n2,1,cat\n1,1.25,cat\n8,9,dog\n9.5,8,dog\n8,8,dog\n1,2,cat\n9,9,dog\n";

#[test]
fn a_file_alone_is_split_the_same_way_for_every_seed() {
    let sandbox = Sandbox::new();
    sandbox.write("points.csv", POINTS);
    let args = ["train", "--data", "points.csv", "--test-split", "2", "--lr", "0.1", "-b", "2"];
    let run = sandbox.succeed(&[&args[..], &["--out", "a"]].concat());
    for part in [
        "6 training and 2 test examples of 2 features, 2 classes, from points.csv",
        "labels are from column species",
    ] {
        assert!(run.stderr.contains(part), "{part}: {}", run.stderr);
    }
    sandbox.succeed(&[&args[..], &["--out", "b", "--seed", "9", "-q"]].concat());
    let digest = |run: &str| RunFolder(sandbox.path(run)).result()["data_digest"].clone();
    assert_eq!(digest("a"), digest("b"));
    let predicted = Table::parse(&sandbox.succeed(&["predict", "a", "points.csv", "-q"]).stdout);
    assert_eq!(predicted.column("predicted"), predicted.column("label"));
    sandbox.write("new.csv", "x,y\n1,1\n9,8.5\n");
    let predicted = Table::parse(&sandbox.succeed(&["predict", "a", "new.csv", "-q"]).stdout);
    assert_eq!(predicted.column("predicted"), ["cat", "dog"]);
    let evaluated = json(&sandbox.succeed(&["evaluate", "a", "--data", "points.csv", "--json", "-q"]).stdout);
    assert_eq!((number(&evaluated, "accuracy"), number(&evaluated, "count")), (1.0, 8.0));
}

#[test]
#[cfg(not(feature = "parquet"))]
fn a_build_without_parquet_says_how_to_get_it() {
    let sandbox = Sandbox::new();
    sandbox.write("a.parquet", b"PAR1\x15\x04PAR1");
    let run = sandbox.run(&["data", "info", "--data", "a.parquet"]);
    assert_eq!(run.code, 3);
    assert!(run.stderr.contains("found Parquet, which this build does not read"), "{}", run.stderr);
    assert!(run.stderr.contains("--features parquet"), "{}", run.stderr);
}
