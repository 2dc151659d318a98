//! Everything that can be wrong with what is read: one table of inputs, and in `snapshots/` what each is told, to the
//! letter. An error and a hint, the right exit code, nothing on standard output, and nothing left behind.

use crate::encode::{gzip, idx, npy, pickled_names, png, tar, zip};
use crate::support::{PIXELS, Sandbox};
use std::fs;

/// Something that is wrong, and the command that meets it.
struct Case {
    what: &'static str,
    prepare: Box<dyn Fn(&Sandbox)>,
    args: &'static str,
}

/// One file of these bytes.
fn file(
    what: &'static str,
    name: &'static str,
    bytes: impl AsRef<[u8]> + 'static,
    args: &'static str,
) -> Case {
    Case { what, prepare: Box::new(move |sandbox| sandbox.write(name, &bytes)), args }
}

/// Several files of text.
fn files(what: &'static str, files: &'static [(&'static str, &'static str)], args: &'static str) -> Case {
    let prepare = move |sandbox: &Sandbox| files.iter().for_each(|(name, text)| sandbox.write(name, text));
    Case { what, prepare: Box::new(prepare), args }
}

/// A good data set in CIFAR-10's layout in `data`, which `spoil` makes a bad one.
fn spoilt(what: &'static str, spoil: fn(&Sandbox), args: &'static str) -> Case {
    let prepare = move |sandbox: &Sandbox| {
        sandbox.cifar10("data");
        spoil(sandbox);
    };
    Case { what, prepare: Box::new(prepare), args }
}

/// A file `d` with some of its rows to test with, and one without.
const SPLIT: &str = "--data d --test-split 1";
const ALONE: &str = "--data d";
const DATA: &str = "--data data";
/// Two good rows of a table.
const ROWS: &str = "a,label\n1,x\n2,y\n";

fn cut(mut bytes: Vec<u8>, length: usize) -> Vec<u8> {
    bytes.truncate(length);
    bytes
}

fn remove(sandbox: &Sandbox, name: &str) {
    fs::remove_file(sandbox.path(name)).expect("removes");
}

fn cifar_folders() -> Vec<Case> {
    vec![
        spoilt(
            "a record cut off",
            |sandbox| sandbox.edit("data/data_batch_3.bin", |bytes| bytes.truncate(40 * (1 + PIXELS) - 100)),
            DATA,
        ),
        spoilt("an empty batch", |sandbox| sandbox.write("data/test_batch.bin", ""), "gradcheck --data data"),
        spoilt(
            "a label no class has",
            |sandbox| sandbox.edit("data/data_batch_2.bin", |bytes| bytes[7 * (1 + PIXELS)] = 10),
            "data info --data data",
        ),
        spoilt(
            "batches missing",
            |sandbox| {
                remove(sandbox, "data/data_batch_2.bin");
                remove(sandbox, "data/data_batch_4.bin");
            },
            DATA,
        ),
        spoilt(
            "a folder in a file's place",
            |sandbox| {
                remove(sandbox, "data/test_batch.bin");
                fs::create_dir(sandbox.path("data/test_batch.bin")).expect("a folder");
            },
            DATA,
        ),
        spoilt("one class name", |sandbox| sandbox.write("data/batches.meta.txt", "cat\n"), DATA),
        spoilt(
            "fewer names than labels",
            |sandbox| sandbox.write("data/batches.meta.txt", "cat\ndog\n"),
            DATA,
        ),
        spoilt("no class names", |sandbox| remove(sandbox, "data/batches.meta.txt"), DATA),
        Case {
            what: "an empty folder",
            prepare: Box::new(|sandbox| fs::create_dir(sandbox.path("data")).expect("a folder")),
            args: DATA,
        },
        spoilt("a batch alone", |_| {}, "--data data/test_batch.bin"),
        spoilt("labels to choose from where there is one kind", |_| {}, "--data data --label coarse"),
        spoilt("more rows held out than there are", |_| {}, "--data data --validation 200"),
        files("nothing there", &[], "--data nowhere"),
    ]
}

fn archives() -> Vec<Case> {
    let python =
        [("a/data_batch_1".into(), b"\x80\x02}q\x01.".to_vec()), ("a/batches.meta".into(), pickled_names())];
    vec![
        file(
            "an archive of other things",
            "d.tar.gz",
            gzip(&tar(&[("a/readme".into(), vec![1])])),
            "--data d.tar.gz",
        ),
        file(
            "an archive with one of six files",
            "d.tar.gz",
            gzip(&tar(&[("a/test_batch.bin".into(), vec![1])])),
            "--data d.tar.gz",
        ),
        file("an archive of some pickles", "d.tar", tar(&python), "--data d.tar"),
        file(
            "an archive cut off",
            "d.tar",
            cut(tar(&[("a/test_batch.bin".into(), vec![1; 9000])]), 4000),
            "--data d.tar",
        ),
        file("a pickle that calls a function", "d", *b"\x80\x02cos\nsystem\nU\x01x\x85R.", ALONE),
        file("bytes of nothing known", "d", [1, 2, 3, 4, 5], ALONE),
        file("an empty file", "d", [], ALONE),
        file("gzip's first bytes and no more", "d", [0x1f, 0x8b], ALONE),
        file("a picture", "cat.png", png(&[0; PIXELS]), "--data cat.png"),
        Case {
            what: "a picture cut off",
            prepare: Box::new(|sandbox| {
                fs::create_dir_all(sandbox.path("p/cat")).expect("a folder");
                sandbox.write("p/cat/1.png", &png(&[0; PIXELS])[..60]);
            }),
            args: "--data p",
        },
        file("no pictures", "notes.txt", "x", "--data . --format pictures"),
    ]
}

fn tables() -> Vec<Case> {
    vec![
        file("no column of labels for certain", "d", "1,2,3\n4,5,6\n", SPLIT),
        file("a short row", "d", "a,label\n1,x\n2\n", SPLIT),
        file("a missing value", "d", "a,label\n1,x\n,y\n", SPLIT),
        file("a missing label", "d", "a,label\n1,x\n2,\n", SPLIT),
        file("a missing label as pandas writes it", "d", "a,label\n1,x\n2,NaN\n", SPLIT),
        file("not a number", "d", "a,label\n1,x\nnan,y\n", SPLIT),
        file("a word among numbers", "d", "a,label\n1,x\nred,y\n", SPLIT),
        file("a number beyond f32", "d", "a,label\n1,x\n1e39,y\n", SPLIT),
        file("a header alone", "d", "a,label\n", SPLIT),
        file("nothing to test with", "d", ROWS, ALONE),
        file("one class", "d", "a,label\n1,x\n2,x\n", SPLIT),
        file("nothing left to train on", "d", "a,label\n1,x\n2,y\n3,x\n", "--data d --test-split 3"),
        file("a share above 1", "d", ROWS, "--data d --test-split 1.5"),
        file("a label column that is not there", "d", ROWS, "--data d --test-split 1 --label-column class"),
        file("a weight column that is not there", "d", ROWS, "--data d --test-split 1 --weight-column 3"),
        file(
            "a weight below 0",
            "d",
            "a,label,w\n1,x,1\n2,y,-1\n",
            "--data d --test-split 1 --weight-column w",
        ),
        file("another shape", "d", ROWS, "--data d --test-split 1 --shape 1x1x2"),
        file("a size for a table", "d", ROWS, "--data d --test-split 1 --size 8"),
        file("two ways to test", "d", ROWS, "--data d --test d --test-split 1"),
        file("a choice of CIFAR-100's", "d", ROWS, "--data d --label fine"),
        file("no test file", "d", ROWS, "--data d --test nowhere"),
        file("another format than it is", "d", ROWS, "--data d --format npz"),
        file("a format for the built-in set", "d", ROWS, "--format csv"),
        file("a format there is not", "d", ROWS, "--data d --format hdf5"),
        file("no size", "d", ROWS, "--data d --size 0"),
        file("no shape", "d", ROWS, "--data d --shape 32x32"),
        files("a test file with other columns", &[("d", ROWS), ("t", "b,label\n1,x\n")], "--data d --test t"),
        files(
            "a test label unseen in training",
            &[("d", ROWS), ("t", "a,label\n1,z\n")],
            "--data d --test t",
        ),
        files("a test file of another format", &[("d", ROWS), ("t", "1 1:1\n")], "--data d --test t"),
        file("indices that fall", "d", "1 1:1\n2 2:1 2:2\n", SPLIT),
        file("no pair", "d", "1 1:1\n2 3:red\n", SPLIT),
        file("two labels", "d", "1 1:1\n2,3 3:1\n", SPLIT),
        file("features too sparse", "d", "1 1:1\n2 16000000:1\n", SPLIT),
        file("compressed text cut off", "d", cut(gzip(ROWS.repeat(500).as_bytes()), 40), SPLIT),
    ]
}

fn floats(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

/// Two rows of one float, and their labels.
fn x() -> Vec<u8> {
    npy("<f4", "(2, 1)", &floats(&[1.0, 2.0]))
}

fn y() -> Vec<u8> {
    npy("|u1", "(2,)", &[0, 1])
}

fn arrays() -> Vec<Case> {
    let folder = "--data .";
    vec![
        file("features without labels", "X_train.npy", x(), folder),
        file("an array cut off", "X_train.npy", cut(x(), x().len() - 1), folder),
        file("a shape far above the file", "X_train.npy", npy("<f4", "(1000000000, 1)", &[0; 8]), folder),
        file("a shape beyond memory", "X_train.npy", npy("<f4", "(4294967296, 4294967296)", &[0; 8]), folder),
        file("complex numbers", "X_train.npy", npy("<c8", "(1, 1)", &[0; 8]), folder),
        file("an array of no known role", "values.npy", x(), "--data values.npy"),
        file("a picture cut off", "train-images-idx3-ubyte", idx(&[2, 2, 2], &[0; 7]), folder),
        file(
            "more pictures than can be packed so far",
            "train-images-idx3-ubyte.gz",
            gzip(&idx(&[60_000, 28, 28], &[0; 70])),
            folder,
        ),
    ]
}

fn npz(what: &'static str, entries: &[(&str, Vec<u8>)], args: &'static str) -> Case {
    file(what, "d", zip(entries), args)
}

fn archives_of_arrays() -> Vec<Case> {
    let pair = [("x.npy", x()), ("y.npy", y())];
    let mut flipped = zip(&pair);
    flipped[14] ^= 1;
    let table = flipped.windows(4).position(|bytes| bytes == b"PK\x01\x02").expect("a table");
    flipped[table + 16] ^= 1;
    let with_labels = |what, labels: Vec<u8>| npz(what, &[("x.npy", x()), ("y.npy", labels)], SPLIT);
    let with_features = |what, features: Vec<u8>| npz(what, &[("x.npy", features), ("y.npy", y())], SPLIT);
    let parts = |what, x_test: Vec<u8>, y_test: Vec<u8>, args| {
        let train = [("x_train.npy", x()), ("y_train.npy", y())];
        npz(what, &[&train[..], &[("x_test.npy", x_test), ("y_test.npy", y_test)]].concat(), args)
    };
    let weights = |what, weights: Vec<u8>| {
        npz(what, &[("x.npy", x()), ("y.npy", y()), ("sample_weights.npy", weights)], SPLIT)
    };
    vec![
        npz("features without labels", &pair[..1], SPLIT),
        npz("nothing of a known role", &[("a.npy", x())], SPLIT),
        with_features("not a number", npy("<f4", "(2, 1)", &floats(&[1.0, f32::NAN]))),
        with_features(
            "a number beyond f32",
            npy("<f8", "(2, 1)", &[1.0, 1e39].map(f64::to_le_bytes).concat()),
        ),
        with_features("four extents that say nothing", npy("|u1", "(2, 2, 2, 2)", &[0; 16])),
        with_labels("more labels than rows", npy("|u1", "(3,)", &[0; 3])),
        with_labels("a table of labels", npy("|u1", "(2, 2)", &[0; 4])),
        with_labels("labels that are not whole", npy("<f4", "(2,)", &floats(&[0.5, 1.0]))),
        weights("fewer weights than rows", npy("<f8", "(1,)", &1_f64.to_le_bytes())),
        weights("infinite weights", npy("<f4", "(2,)", &floats(&[1.0, f32::INFINITY]))),
        npz(
            "weights of nothing",
            &[
                ("x_train.npy", x()),
                ("y_train.npy", y()),
                ("x_test.npy", x()),
                ("y_test.npy", y()),
                ("sample_weights_train.npy", npy("<f4", "(2,)", &floats(&[0.0, 0.0]))),
            ],
            ALONE,
        ),
        file("a wrong checksum", "d", flipped, SPLIT),
        file("a ZIP archive cut off", "d", cut(zip(&pair), 200), SPLIT),
        parts("a test label unseen in training", x(), npy("|u1", "(2,)", &[1, 5]), ALONE),
        parts("a split of what is split", x(), y(), SPLIT),
        parts("test rows of another width", npy("<f4", "(1, 2)", &[0; 8]), npy("|u1", "(1,)", &[1]), ALONE),
    ]
}

fn tensors(what: &'static str, header: &str, body: &[u8]) -> Case {
    let bytes = [&(header.len() as u64).to_le_bytes(), header.as_bytes(), body].concat();
    file(what, "d", bytes, SPLIT)
}

fn tensor_files() -> Vec<Case> {
    let features = "{\"features\":{\"dtype\":\"F32\",\"shape\":[2,1],\"data_offsets\":[0,8]}}";
    vec![
        tensors("a header cut off", "{\"x\":", &[]),
        file(
            "a header longer than the file",
            "d",
            [&u64::to_le_bytes(1 << 25)[..], b"{\"x\":"].concat(),
            SPLIT,
        ),
        tensors("tensors cut off", features, &[0; 7]),
        tensors("features without labels", features, &[0; 8]),
        tensors("a shape that its bytes are not", &features.replace("[2,1]", "[9,9]"), &[0; 8]),
        tensors("4-bit numbers", &features.replace("F32", "F4").replace("[2,1]", "[16,1]"), &[0; 8]),
    ]
}

/// A run in `run`, which `spoil` then makes a bad one.
fn spoilt_run(what: &'static str, spoil: fn(&Sandbox), args: &'static str) -> Case {
    let prepare = move |sandbox: &Sandbox| {
        sandbox.write("d", "x,label\n1,a\n9,b\n2,a\n8,b\n");
        sandbox
            .train("run", &["--data", "d", "--test-split", "2", "--epochs", "1", "--label-column", "label"]);
        spoil(sandbox);
    };
    Case { what, prepare: Box::new(prepare), args }
}

const MODEL: &str = "run/model.safetensors";

fn models_and_runs() -> Vec<Case> {
    vec![
        spoilt_run("an empty model", |sandbox| sandbox.write(MODEL, ""), "evaluate run"),
        spoilt_run(
            "a model's first bytes",
            |sandbox| sandbox.edit(MODEL, |bytes| bytes.truncate(5)),
            "predict run d",
        ),
        spoilt_run(
            "half a header",
            |sandbox| sandbox.edit(MODEL, |bytes| bytes.truncate(100)),
            "evaluate run",
        ),
        spoilt_run(
            "a model cut off",
            |sandbox| sandbox.edit(MODEL, |bytes| bytes.truncate(bytes.len() - 1)),
            "evaluate run",
        ),
        spoilt_run(
            "a model with more behind it",
            |sandbox| sandbox.edit(MODEL, |bytes| bytes.push(0)),
            "report run",
        ),
        spoilt_run("noise as a model", |sandbox| sandbox.write(MODEL, [0xff; 5000]), "predict run d"),
        spoilt_run(
            "a weight that is no number",
            |sandbox| {
                sandbox.edit(MODEL, |bytes| {
                    let last = bytes.len() - 4;
                    bytes[last..].copy_from_slice(&f32::NAN.to_le_bytes());
                });
            },
            "evaluate run",
        ),
        spoilt_run("no model in the run", |sandbox| remove(sandbox, MODEL), "evaluate run"),
        spoilt_run("other data than the model's", |_| {}, "evaluate run --data generated"),
        spoilt_run(
            "rows of another width",
            |sandbox| sandbox.write("d", "x,y,label\n1,2,a\n3,4,b\n"),
            "predict run d",
        ),
        spoilt_run("an unknown label", |sandbox| sandbox.write("d", "x,label\n1,c\n"), "predict run d"),
        spoilt_run("a damaged result", |sandbox| sandbox.write("run/result.json", "{}"), "report run"),
        spoilt_run(
            "a damaged history",
            |sandbox| sandbox.write("run/history.csv", "epoch\n1\n"),
            "report run",
        ),
        spoilt_run(
            "data that changed since",
            |sandbox| sandbox.write("d", "x,label\n1,a\n9,b\n2,a\n7,b\n"),
            "report run",
        ),
        spoilt_run("a run without its result", |sandbox| remove(sandbox, "run/result.json"), "report run"),
    ]
}

fn configs() -> Vec<Case> {
    let config = |what, text: &'static str| file(what, "a.toml", text, "--config a.toml");
    let sweep = |what, text: &'static str| file(what, "a.toml", text, "sweep --config a.toml --out run");
    vec![
        config("a text for a number", "# rates\nlr = \"fast\""),
        config("a fraction for a count", "epochs = 1.5"),
        config("a number for a switch", "local = 1"),
        config("a choice there is not", "loss = \"hinge\""),
        config("a value out of range", "epochs = 2\nlr = -1.0"),
        config("not a number", "lr = nan"),
        config("an empty batch", "batch-size = 0"),
        config("a key misspelt", "\nepoch = 3"),
        config("a key of other programs", "learning_rate = 3"),
        config("no TOML", "lr = 1e-3\n\nepochs = = 2"),
        config("a key twice", "lr = 1\nlr = 2"),
        config("a setting without effect", "momentum = 0.5"),
        config("a grid in a run", "[grid]\nlr = [1, 2]"),
        config(
            "lists in lists without end",
            "lr = [[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[",
        ),
        config("weights that are none", "class-weight = \"cat=-1\""),
        file("a config that is no text", "a.toml", *b"lr = 1\n\xff\xfe", "--config a.toml"),
        files("no config", &[], "--config none.toml"),
        sweep("a grid without values", "[grid]\nlr = []"),
        sweep("a grid of a key there is not", "[grid]\nlrr = [1]"),
        sweep("a value twice", "[grid]\nlr = [1, 1]"),
        sweep("nothing that varies", "lr = 1"),
        sweep("a range and nothing drawn of it", "[grid]\nlr = \"1e-3..1\"\n"),
        file("no sweep to go on with", "a.toml", "", "sweep --resume ."),
        files("no run to go on with", &[], "--resume nowhere"),
        files("no expression", &[], "explain graph (x+y))*z x=1"),
        files(
            "too deep an expression",
            &[],
            "explain graph ----------------------------------------------------------------------------------------------------------x x=1",
        ),
    ]
}

/// Every case, in order.
fn cases() -> Vec<Case> {
    let groups =
        [cifar_folders, archives, tables, arrays, archives_of_arrays, tensor_files, models_and_runs, configs];
    groups.iter().flat_map(|group| group()).collect()
}

#[test]
fn every_bad_input_is_told_in_a_line_and_a_hint() {
    let mut table = Vec::new();
    let cases = cases();
    assert!(cases.len() >= 60, "{} cases", cases.len());
    for Case { what, prepare, args } in cases {
        let sandbox = Sandbox::new();
        prepare(&sandbox);
        let before = sandbox.entries();
        let command = if args.starts_with("--") { format!("train -q --out new {args}") } else { args.into() };
        let run = sandbox.run(&command.split(' ').collect::<Vec<_>>());
        let lines: Vec<&str> = run.stderr.lines().filter(|line| !is_note(line)).collect();
        let in_form =
            matches!(lines[..], [error, hint] if error.starts_with("error: ") && hint.starts_with("hint: "));
        assert!(in_form && run.stdout.is_empty(), "{what}: {run:?}");
        assert_eq!(sandbox.entries(), before, "{what}: something is left behind");
        let said = lines.join("\n");
        table.push(format!("{what}\n$ cifar-train {command}\n{said}\nexit code {}\n", run.code));
    }
    insta::assert_snapshot!("messages", table.join("\n"));
}

/// What some commands say before they come to what is wrong.
fn is_note(line: &str) -> bool {
    ["data:", "model:", "      for CIFAR-10", "warning: labels are from", "run: "]
        .iter()
        .any(|note| line.starts_with(note))
}
