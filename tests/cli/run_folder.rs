//! The run folder: six files, each what it says it is; whole or not at all; never written over unasked.

use crate::support::{CLASSES, RUN_FILES, RunFolder, Sandbox, json as parse};
use safetensors::{Dtype, SafeTensors};
use serde_json::json;
use std::fs;
use std::path::PathBuf;

#[test]
fn has_six_files_that_hold_what_their_names_say() {
    let sandbox = Sandbox::new();
    sandbox.cifar10("data");
    let run = sandbox.train("run", &["--data", "data", "--epochs", "3", "--loss", "softmax"]);
    assert_eq!(run.files(), RUN_FILES);

    let history = run.history();
    let columns = [
        "epoch",
        "step",
        "lr",
        "train_loss",
        "objective",
        "train_accuracy",
        "validation_loss",
        "validation_accuracy",
        "test_loss",
        "test_accuracy",
        "seconds",
    ];
    assert_eq!(history.header, columns);
    assert_eq!(history.column("epoch"), ["1", "2", "3"]);
    assert!(history.numbers("seconds").is_sorted());

    let picture = run.bytes("templates.png");
    assert!(picture.starts_with(b"\x89PNG\r\n\x1a\n"));
    let side = |at: usize| u32::from_be_bytes(picture[at..at + 4].try_into().expect("four bytes"));
    let (width, height) = (side(16), side(20));
    assert!(width >= 5 * 32 && height >= 2 * 32 && width * height >= 10 * 32 * 32, "{width} x {height}");
    assert!(picture.ends_with(b"IEND\xaeB`\x82"), "the picture is whole");

    let curves = run.text("curves.svg");
    assert!(curves.starts_with("<svg ") && curves.trim_end().ends_with("</svg>"));
    assert!(curves.contains("<path "), "something is drawn");
}

/// What a `PyTorch` linear layer loads as it is, and all that is needed to use it without this program's folder.
#[test]
fn the_model_has_shapes_and_metadata() {
    let sandbox = Sandbox::new();
    sandbox.cifar10("data");
    let run = sandbox.train("run", &["--data", "data", "--epochs", "1", "--margin", "2"]);
    let bytes = run.model();
    let model = SafeTensors::deserialize(&bytes).expect("safetensors");
    for (name, shape) in [("weight", &[10, 3072][..]), ("bias", &[10])] {
        let tensor = model.tensor(name).expect("a tensor");
        assert_eq!((tensor.shape(), tensor.dtype()), (shape, Dtype::F32), "{name}");
    }
    let (_, header) = SafeTensors::read_metadata(&bytes).expect("a header");
    let about = parse(&header.metadata().as_ref().expect("metadata")["cifar-train"]);
    assert_eq!(about["class_names"], json!(CLASSES));
    assert_eq!(about["shape"], json!([3, 32, 32]));
    assert_eq!((&about["loss"], &about["margin"]), (&json!("svm"), &json!(2.0)));
    assert_eq!((&about["config"]["lr"], &about["config"]["epochs"]), (&json!(0.001), &json!(1)));
}

#[test]
fn runs_in_a_row_get_folders_of_their_own() {
    let sandbox = Sandbox::new();
    sandbox.cifar10("data");
    for _ in 0..3 {
        sandbox.succeed(&["--data", "data", "--epochs", "1"]);
    }
    let names: Vec<String> = RunFolder(sandbox.path("runs")).files();
    assert_eq!(names.len(), 3, "{names:?}");
    assert!(names.iter().all(|name| name.contains("-svm")), "{names:?}");
    for name in &names {
        assert_eq!(RunFolder(sandbox.path("runs").join(name)).files(), RUN_FILES);
    }
}

#[test]
fn force_replaces_a_run_and_leaves_nothing_of_it() {
    let sandbox = Sandbox::new();
    sandbox.cifar10("data");
    let first = sandbox.train("run", &["--data", "data", "--epochs", "2"]);
    sandbox.write("run/notes.txt", "mine");
    let second = sandbox.train("run", &["--data", "data", "--epochs", "1", "--force"]);
    assert_eq!(second.files(), RUN_FILES);
    assert_eq!(first.result()["epochs"], 1, "the same place");
    let folders: Vec<_> =
        sandbox.entries().into_iter().filter(|path| path.components().count() == 1).collect();
    assert_eq!(folders, ["data", "run"].map(PathBuf::from), "no temporary folder stays");
}

#[test]
fn an_empty_folder_may_be_filled() {
    let sandbox = Sandbox::new();
    sandbox.cifar10("data");
    fs::create_dir(sandbox.path("run")).expect("a folder");
    assert_eq!(sandbox.train("run", &["--data", "data", "--epochs", "1"]).files(), RUN_FILES);
}

#[test]
fn folders_above_it_are_made() {
    let sandbox = Sandbox::new();
    sandbox.cifar10("data");
    assert_eq!(sandbox.train("a/b/run", &["--data", "data", "--epochs", "1"]).files(), RUN_FILES);
}
