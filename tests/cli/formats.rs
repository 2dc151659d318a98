//! Data in every format: the same data set is the same model, whatever its files; and what is wrong with a file is
//! said in one line.

#![allow(clippy::format_push_string, reason = "tables of text are small here")]

use crate::support::{CLASSES, PIXELS, RunFolder, Sandbox, Table, json, number, records};
use flate2::Compression;
use flate2::write::{DeflateEncoder, GzEncoder};
use safetensors::tensor::{Dtype, TensorView};
use std::collections::HashMap;
use std::fs;
use std::io::Write;

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

fn npy(descr: &str, shape: &str, raw: &[u8]) -> Vec<u8> {
    let mut header = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}");
    while (10 + header.len() + 1) % 64 != 0 {
        header.push(' ');
    }
    header.push('\n');
    [b"\x93NUMPY\x01\0", &(header.len() as u16).to_le_bytes()[..], header.as_bytes(), raw].concat()
}

fn idx(extents: &[u32], raw: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0, 0, 8, extents.len() as u8];
    extents.iter().for_each(|extent| bytes.extend(extent.to_be_bytes()));
    [&bytes, raw].concat()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).expect("compresses");
    encoder.finish().expect("compresses")
}

/// A ZIP archive, deflated.
fn zip(files: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let (mut bytes, mut table) = (Vec::new(), Vec::new());
    for (name, content) in files {
        let start = (bytes.len() as u32).to_le_bytes();
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(content).expect("compresses");
        let packed = encoder.finish().expect("compresses");
        let mut crc = flate2::Crc::new();
        crc.update(content);
        let mut about = vec![20, 0, 0, 0, 8, 0, 0, 0, 0, 0];
        about.extend(crc.sum().to_le_bytes());
        about.extend((packed.len() as u32).to_le_bytes());
        about.extend((content.len() as u32).to_le_bytes());
        about.extend((name.len() as u16).to_le_bytes());
        about.extend([0, 0]);
        bytes.extend([b"PK\x03\x04", &about[..], name.as_bytes(), &packed].concat());
        table.extend([b"PK\x01\x02\x14\0", &about[..], &[0; 10], &start, name.as_bytes()].concat());
    }
    let (size, start) = ((table.len() as u32).to_le_bytes(), (bytes.len() as u32).to_le_bytes());
    let count = [files.len() as u8, 0];
    [&bytes, &table, &b"PK\x05\x06\0\0\0\0"[..], &count, &count, &size, &start, &[0, 0]].concat()
}

fn tar(files: &[(String, Vec<u8>)]) -> Vec<u8> {
    let mut archive = Vec::new();
    for (name, content) in files {
        let mut header = [0; 512];
        header[..name.len()].copy_from_slice(name.as_bytes());
        header[124..135].copy_from_slice(format!("{:011o}", content.len()).as_bytes());
        header[148..156].fill(b' ');
        header[156] = b'0';
        header[257..263].copy_from_slice(b"ustar\0");
        let sum: u64 = header.iter().map(|&byte| u64::from(byte)).sum();
        header[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
        archive.extend(header);
        archive.extend(content);
        archive.resize(archive.len().next_multiple_of(512), 0);
    }
    archive.resize(archive.len() + 1024, 0);
    archive
}

/// A batch of CIFAR's Python release, as Python 2's cPickle wrote it.
fn pickled(set: &[u8], classes: &[u8]) -> Vec<u8> {
    let mut bytes = b"\x80\x02}q\x01(U\x06labelsq\x02]q\x03(".to_vec();
    classes.iter().for_each(|&class| bytes.extend([b'K', class]));
    bytes.extend(
        b"eU\x04dataq\x04cnumpy.core.multiarray\n_reconstruct\nq\x05cnumpy\nndarray\nq\x06K\x00\x85q\x07",
    );
    bytes.extend(
        [b"U\x01b\x87Rq\x08(K\x01K", &[classes.len() as u8][..], b"M\x00\x0c\x86cnumpy\ndtype\nq\x09U\x02u1"]
            .concat(),
    );
    bytes.extend(b"K\x00K\x01\x87Rq\x0a(K\x03U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89T");
    bytes.extend((set.len() as u32).to_le_bytes());
    bytes.extend(set);
    bytes.extend(b"tbu.");
    bytes
}

fn pickled_names() -> Vec<u8> {
    let mut bytes = b"\x80\x02}q\x01U\x0blabel_namesq\x02]q\x03(".to_vec();
    CLASSES.iter().for_each(|name| bytes.extend([&[b'U', name.len() as u8], name.as_bytes()].concat()));
    bytes.extend(b"es.");
    bytes
}

fn png(image: &[u8]) -> Vec<u8> {
    let interleaved: Vec<u8> =
        (0..1024).flat_map(|at| [image[at], image[1024 + at], image[2048 + at]]).collect();
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, 32, 32);
    encoder.set_color(png::ColorType::Rgb);
    encoder.write_header().and_then(|mut writer| writer.write_image_data(&interleaved)).expect("encodes");
    bytes
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
    let (model, result) = (first.model(), first.result());
    for args in &formats[1..] {
        let run = train(&sandbox, args);
        assert!(run.model() == model, "{args:?}: another model");
        for key in ["data_digest", "test_accuracy", "test_loss"] {
            assert_eq!(run.result()[key], result[key], "{args:?}");
        }
        // What the run wrote repeats it, and evaluates on its own data.
        sandbox.succeed(&["--config", "run/config.toml", "--out", "again", "--force", "-q"]);
        assert!(
            fs::read(sandbox.path("again/model.safetensors")).expect("reads") == model,
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

/// What is written where, the arguments after `train`, the exit code, and what is said.
type Case = (&'static str, Vec<u8>, &'static [&'static str], i32, &'static str);

#[allow(clippy::too_many_lines, reason = "a table")]
fn bad_inputs() -> Vec<Case> {
    let float = |values: &[f32]| -> Vec<u8> { values.iter().flat_map(|value| value.to_le_bytes()).collect() };
    let text = |text: &str| text.as_bytes().to_vec();
    let npz = |entries: &[(&str, Vec<u8>)]| zip(entries);
    let x = npy("<f4", "(2, 1)", &float(&[1.0, 2.0]));
    let y = npy("|u1", "(2,)", &[0, 1]);
    let tensors =
        |header: &str, body: &[u8]| [&(header.len() as u64).to_le_bytes(), header.as_bytes(), body].concat();
    let split = &["--data", "d", "--test-split", "1"][..];
    let only = &["--data", "d"][..];
    let mut flipped = npz(&[("x.npy", x.clone()), ("y.npy", y.clone())]);
    flipped[14] ^= 1;
    let table = flipped.windows(4).position(|bytes| bytes == b"PK\x01\x02").expect("a table");
    flipped[table + 16] ^= 1;
    let csv_bytes = csv(&Set::new(10, 1)).into_bytes();
    vec![
        ("d", vec![], only, 3, "d: found an empty file, expected a data file"),
        (
            "d",
            vec![1, 2, 3, 4, 5],
            only,
            3,
            "d: found a file of no known format, expected CIFAR's .tar.gz, IDX, .npy",
        ),
        // CSV
        (
            "d",
            text("1,2,3\n4,5,6\n"),
            split,
            3,
            "d: line 1: found 3 columns, none of which is the label's for certain",
        ),
        (
            "d",
            text("a,label\n1,x\n2\n"),
            split,
            3,
            "d: line 3: found 1 columns, expected 2 as in the first row",
        ),
        ("d", text("a,label\n1,x\n,y\n"), split, 3, "d: line 3, column 1: found nothing, expected a number"),
        (
            "d",
            text("a,label\n1,x\nnan,y\n"),
            split,
            3,
            "d: line 3, column 1: found nan, expected a finite number",
        ),
        ("d", text("a,label\n1,x\nred,y\n"), split, 3, "d: line 3, column 1: found red, expected a number"),
        (
            "d",
            text("a,label\n1,x\n1e39,y\n"),
            split,
            3,
            "d: row 1, feature 0: found inf, expected a finite number",
        ),
        ("d", text("a,label\n"), split, 3, "d: found a header and no rows"),
        (
            "d",
            text("a,label\n1,x\n2,y\n"),
            only,
            3,
            "d: found examples of one kind, expected some to train and some to test",
        ),
        (
            "d",
            text("a,label\n1,x\n2,x\n"),
            split,
            3,
            "d: found 1 class(es): x, expected labels of at least two classes",
        ),
        (
            "d",
            text("a,label\n1,x\n2,y\n3,x\n"),
            &["--data", "d", "--test-split", "3"],
            3,
            "--test-split: found 3 of 3 rows",
        ),
        (
            "d",
            text("a,label\n1,x\n2,y\n"),
            &["--data", "d", "--test-split", "1.5"],
            2,
            "--test-split: found 1.5, expected",
        ),
        (
            "d",
            text("a,label\n1,x\n2,y\n"),
            &["--data", "d", "--test-split", "1", "--label-column", "class"],
            3,
            "found 2 columns without it, expected the label column \"class\" among a, label",
        ),
        (
            "d",
            text("a,label\n1,x\n2,y\n"),
            &["--data", "d", "--test-split", "1", "--shape", "1x1x2"],
            3,
            "--shape: found 1x1x2, 2 features, expected 1 features",
        ),
        (
            "d",
            text("a,label\n1,x\n2,y\n"),
            &["--data", "d", "--test-split", "1", "--size", "8"],
            3,
            "--size: has no effect on d: it is CSV",
        ),
        (
            "d",
            text("a,label\n1,x\n2,y\n"),
            &["--data", "d", "--test", "d", "--test-split", "1"],
            2,
            "--test-split: has no effect here: --test names",
        ),
        (
            "d",
            text("a,label\n1,x\n2,y\n"),
            &["--data", "d", "--label", "fine"],
            3,
            "--label: d has one kind of label",
        ),
        ("d", text("a,label\n1,x\n2,y\n"), &["--data", "d", "--test", "nowhere"], 1, "cannot read nowhere"),
        (
            "d",
            text("a,label\n1,x\n2,y\n"),
            &["--data", "d", "--format", "npz"],
            3,
            "d: found no end record, expected a whole ZIP",
        ),
        // svmlight
        (
            "d",
            text("1 1:1\n2 2:1 2:2\n"),
            split,
            3,
            "d: line 2: found index 2 after 2, expected indices that rise",
        ),
        ("d", text("1 1:1\n2 3:red\n"), split, 3, "d: line 2: found 3:red, expected index:value"),
        ("d", text("1 1:1\n2,3 3:1\n"), split, 3, "d: line 2: found the labels 2,3, expected one label"),
        ("d", text("1 1:1\n2 16000000:1\n"), split, 3, "so sparse that dense rows take"),
        // .npy
        ("X_train.npy", x.clone(), &["--data", "."], 3, "X_train.npy and no labels to it"),
        (
            "X_train.npy",
            x[..x.len() - 1].to_vec(),
            &["--data", "."],
            3,
            "X_train.npy: byte 128: found 7 bytes of entries, expected 8 for an array of shape (2, 1)",
        ),
        (
            "X_train.npy",
            npy("<f4", "(1000000000, 1)", &[0; 8]),
            &["--data", "."],
            3,
            "found 8 bytes of entries, expected 4000000000",
        ),
        (
            "X_train.npy",
            npy("<c8", "(1, 1)", &[0; 8]),
            &["--data", "."],
            3,
            "X_train.npy: found the type '<c8'",
        ),
        (
            "values.npy",
            x.clone(),
            &["--data", "values.npy"],
            3,
            "found a name that says neither features nor labels",
        ),
        // .npz
        ("d", npz(&[("x.npy", x.clone())]), split, 3, "d: found x and no labels to it, expected both"),
        ("d", npz(&[("a.npy", x.clone())]), split, 3, "d: found nothing, expected features and labels"),
        (
            "d",
            npz(&[("x.npy", npy("<f4", "(2, 1)", &float(&[1.0, f32::NAN]))), ("y.npy", y.clone())]),
            split,
            3,
            "d: x: row 1, column 0: found NaN, expected a finite number",
        ),
        (
            "d",
            npz(&[
                ("x.npy", npy("<f8", "(1, 1)", &1e39_f64.to_le_bytes())),
                ("y.npy", npy("|u1", "(1,)", &[0])),
            ]),
            split,
            3,
            "d: x: row 0, column 0: found 1e39",
        ),
        (
            "d",
            npz(&[("x.npy", x.clone()), ("y.npy", npy("|u1", "(3,)", &[0; 3]))]),
            split,
            3,
            "d: found 2 rows of x and 3 of y, expected as many of both",
        ),
        (
            "d",
            npz(&[("x.npy", x.clone()), ("y.npy", npy("|u1", "(2, 2)", &[0; 4]))]),
            split,
            3,
            "d: y: found labels of shape (2, 2), expected (N,)",
        ),
        (
            "d",
            npz(&[("x.npy", x.clone()), ("y.npy", npy("<f4", "(2,)", &float(&[0.5, 1.0])))]),
            split,
            3,
            "d: y: found labels that are not whole numbers",
        ),
        (
            "d",
            npz(&[("x.npy", npy("|u1", "(2, 2, 2, 2)", &[0; 16])), ("y.npy", y.clone())]),
            split,
            3,
            "d: x: found an array of shape (2, 2, 2, 2)",
        ),
        ("d", flipped, split, 3, "d: x: found the checksum"),
        (
            "d",
            npz(&[("x.npy", x.clone()), ("y.npy", y.clone())])[..200].to_vec(),
            split,
            3,
            "d: found no end record",
        ),
        (
            "d",
            npz(&[
                ("x_train.npy", x.clone()),
                ("y_train.npy", y.clone()),
                ("x_test.npy", x.clone()),
                ("y_test.npy", npy("|u1", "(2,)", &[1, 5])),
            ]),
            only,
            3,
            "d: test labels: row 1: found the label 5, expected only 0, 1",
        ),
        (
            "d",
            npz(&[
                ("x_train.npy", x.clone()),
                ("y_train.npy", y.clone()),
                ("x_test.npy", x.clone()),
                ("y_test.npy", y.clone()),
            ]),
            split,
            3,
            "--test-split: has no effect on d: it has test examples of its own",
        ),
        (
            "d",
            npz(&[
                ("x_train.npy", x.clone()),
                ("y_train.npy", y.clone()),
                ("x_test.npy", npy("<f4", "(1, 2)", &[0; 8])),
                ("y_test.npy", npy("|u1", "(1,)", &[1])),
            ]),
            only,
            3,
            "found test examples of 2 features, expected 1 features as in training",
        ),
        // IDX
        (
            "train-images-idx3-ubyte",
            idx(&[2, 2, 2], &[0; 7]),
            &["--data", "."],
            3,
            "byte 16: found 7 bytes of entries, expected 8",
        ),
        (
            "train-images-idx3-ubyte.gz",
            gzip(&idx(&[60_000, 28, 28], &[0; 70])),
            &["--data", "."],
            3,
            "compressed bytes for an array of 47040000",
        ),
        ("d", gzip(&csv_bytes)[..4000].to_vec(), split, 3, "d: found "),
        // safetensors
        ("d", tensors("{\"x\":", &[]), split, 3, "d: found "),
        (
            "d",
            [&u64::to_le_bytes(1 << 25)[..], b"{\"x\":"].concat(),
            split,
            3,
            "d: byte 0: found a header of 33554432 bytes",
        ),
        (
            "d",
            tensors("{\"features\":{\"dtype\":\"F32\",\"shape\":[2,1],\"data_offsets\":[0,8]}}", &[0; 7]),
            split,
            3,
            "found 7 bytes of tensors, expected 8 as the header says",
        ),
        (
            "d",
            tensors("{\"features\":{\"dtype\":\"F32\",\"shape\":[2,1],\"data_offsets\":[0,8]}}", &[0; 8]),
            split,
            3,
            "d: found features and no labels to it",
        ),
        // CIFAR's archives and pickles
        (
            "d.tar.gz",
            gzip(&tar(&[("a/readme".into(), vec![1])])),
            &["--data", "d.tar.gz"],
            3,
            "d.tar.gz: found an archive without CIFAR's files",
        ),
        (
            "d.tar.gz",
            gzip(&tar(&[("a/test_batch.bin".into(), vec![1])])),
            &["--data", "d.tar.gz"],
            3,
            "d.tar.gz: found no data_batch_1.bin",
        ),
        (
            "d.tar.gz",
            gzip(&tar(&[("a/test_batch.bin".into(), vec![1; 9000])])[..4000]),
            &["--data", "d.tar.gz"],
            3,
            "bytes of test_batch.bin, expected 9000",
        ),
        (
            "d",
            b"\x80\x02cos\nsystem\nU\x01x\x85R.".to_vec(),
            only,
            3,
            "d: found a file, expected a folder with CIFAR-10's or CIFAR-100's files",
        ),
        // Pictures
        (
            "cat.png",
            png(&[0; PIXELS]),
            &["--data", "cat.png"],
            3,
            "cat.png: found one picture, expected a folder for each class",
        ),
        (
            "cat.png",
            vec![],
            &["--data", ".", "--format", "pictures"],
            3,
            ".: found no pictures, expected a folder for each class",
        ),
        // Settings
        ("d", text("x"), &["--format", "csv"], 3, "--format: has no effect on the built-in generated set"),
        (
            "d",
            text("x"),
            &["--data", "d", "--format", "hdf5"],
            2,
            "--format: found hdf5, expected cifar, idx, npy",
        ),
        ("d", text("x"), &["--data", "d", "--size", "0"], 2, "--size: found 0, expected a side such as 32"),
        (
            "d",
            text("x"),
            &["--data", "d", "--shape", "32x32"],
            2,
            "--shape: found 32x32, expected channels, height and width",
        ),
    ]
}

#[test]
fn every_bad_input_is_one_line_and_a_hint() {
    let cases = bad_inputs();
    assert!(cases.len() >= 55, "{} cases", cases.len());
    for (name, bytes, args, code, expected) in cases {
        let sandbox = Sandbox::new();
        sandbox.write(name, bytes);
        let run = sandbox.run(&[&["train", "-q", "--out", "run"], args].concat());
        let lines: Vec<&str> = run.stderr.lines().collect();
        let in_form =
            matches!(lines[..], [error, hint] if error.starts_with("error: ") && hint.starts_with("hint: "));
        assert!(in_form && run.stdout.is_empty(), "{args:?} {expected}: {run:?}");
        assert!(run.stderr.contains(expected), "{args:?}: no {expected:?} in {}", run.stderr);
        assert_eq!(run.code, code, "{args:?} {expected}: {}", run.stderr);
        assert!(!sandbox.path("run").exists(), "{expected}");
    }
}

#[cfg(unix)]
#[test]
fn what_is_no_file_is_not_waited_for() {
    let sandbox = Sandbox::new();
    let made = std::process::Command::new("mkfifo").arg(sandbox.path("pipe")).status();
    assert!(made.expect("mkfifo").success());
    std::os::unix::fs::symlink("loop", sandbox.path("loop")).expect("a link to itself");
    sandbox.write("d.csv", POINTS);
    for (args, code, expected) in [
        (&["--data", "pipe"][..], 3, "pipe: found something that is no regular file, expected a data file"),
        (&["--data", "loop"], 1, "cannot read loop"),
        (&["--data", "d.csv", "--test", "pipe"], 3, "pipe: found something that is no regular file"),
        (&["--data", "d.csv", "--test", "."], 3, ".: found a folder, expected a data file"),
    ] {
        let run = sandbox.run(&[&["train", "-q"], args].concat());
        assert_eq!(run.code, code, "{run:?}");
        assert!(run.stderr.contains(expected), "{}", run.stderr);
    }
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
