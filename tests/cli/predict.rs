//! `predict`: a model's answers, as tables that other programs read.

use crate::support::{CLASSES, PIXELS, Sandbox, Table, json, number, records};
use proptest::prelude::{ProptestConfig, prop_assert_eq, proptest};
use std::collections::BTreeMap;

/// A sandbox with a data set in `data` and a model of it in `run`.
fn trained(loss: &str) -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.cifar10("data");
    sandbox.train("run", &["--data", "data", "--loss", loss, "--epochs", "2", "--batch-size", "50"]);
    sandbox
}

/// The header, and the values of each row's classes.
fn values(table: &Table, kind: &str) -> Vec<Vec<f64>> {
    let columns: Vec<Vec<f64>> =
        CLASSES.iter().map(|name| table.numbers(&format!("{kind} {name}"))).collect();
    (0..table.rows.len()).map(|row| columns.iter().map(|column| column[row]).collect()).collect()
}

/// The class of the highest value.
fn highest(values: &[f64]) -> &'static str {
    let best = values.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1));
    CLASSES[best.expect("classes").0]
}

#[test]
fn probabilities_sum_to_1_and_the_highest_is_predicted() {
    let sandbox = trained("softmax");
    let run = sandbox.succeed(&["predict", "run", "data"]);
    assert!(run.stderr.contains("data: 30 labelled images"), "{}", run.stderr);
    let table = Table::parse(&run.stdout);
    assert_eq!(table.header[..3], ["index", "label", "predicted"]);
    assert_eq!(table.column("index"), (0..30).map(|index| index.to_string()).collect::<Vec<_>>());
    let predicted = table.column("predicted");
    for (row, predicted) in values(&table, "probability").iter().zip(&predicted) {
        assert!((row.iter().sum::<f64>() - 1.0).abs() < 1e-5, "{row:?}");
        assert_eq!(highest(row), *predicted, "{row:?}");
    }

    let right = table.column("label").iter().zip(&predicted).filter(|(a, b)| a == b).count();
    let evaluated = json(&sandbox.succeed(&["evaluate", "run", "--json"]).stdout);
    assert_eq!(number(&evaluated, "correct"), right as f64);
    assert_eq!(number(&evaluated, "accuracy"), right as f64 / 30.0);
}

/// A margin is a class's score less the highest of the others: above 0 for the predicted class alone.
#[test]
fn one_margin_is_positive_and_it_is_predicted() {
    let sandbox = trained("svm");
    let table = Table::parse(&sandbox.succeed(&["predict", "run", "data/test_batch.bin"]).stdout);
    assert_eq!(table.rows.len(), 30);
    for (row, predicted) in values(&table, "margin").iter().zip(table.column("predicted")) {
        assert_eq!(row.iter().filter(|margin| **margin > 0.0).count(), 1, "{row:?}");
        assert_eq!(highest(row), predicted);
    }
}

#[test]
fn json_lines_say_the_same_as_the_table() {
    for (loss, kind, key) in [("softmax", "probability", "probabilities"), ("svm", "margin", "margins")] {
        let sandbox = trained(loss);
        let table = Table::parse(&sandbox.succeed(&["predict", "run", "data"]).stdout);
        let lines = sandbox.succeed(&["predict", "run", "data", "--output", "jsonl", "--quiet"]);
        assert_eq!(lines.stderr, "");
        let lines: Vec<_> = lines.stdout.lines().map(json).collect();
        assert_eq!(lines.len(), 30);
        for (index, (line, row)) in lines.iter().zip(values(&table, kind)).enumerate() {
            assert_eq!(number(line, "index"), index as f64);
            assert_eq!(
                (line["label"].as_str(), line["predicted"].as_str()),
                (Some(table.column("label")[index]), Some(table.column("predicted")[index]))
            );
            let found: BTreeMap<String, f64> = serde_json::from_value(line[key].clone()).expect("numbers");
            assert_eq!(found.len(), 10);
            for (name, value) in CLASSES.iter().zip(row) {
                assert!((found[*name] - value).abs() < 1e-6, "{name}: {line}");
            }
        }
    }
}

#[test]
fn bare_pixels_need_no_labels() {
    let sandbox = trained("softmax");
    let labelled = records(30, 6);
    let bare: Vec<u8> = labelled.chunks(1 + PIXELS).flat_map(|record| record[1..].to_vec()).collect();
    sandbox.write("bare.bin", bare);
    let run = sandbox.succeed(&["predict", "run", "bare.bin"]);
    assert!(run.stderr.contains("30 unlabelled images"), "{}", run.stderr);
    let bare = Table::parse(&run.stdout);
    assert_eq!(bare.header[..2], ["index", "predicted"], "no label column");
    let labelled = Table::parse(&sandbox.succeed(&["predict", "run", "data"]).stdout);
    assert_eq!(bare.column("predicted"), labelled.column("predicted"));
    assert_eq!(values(&bare, "probability"), values(&labelled, "probability"));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever a file's length: whole records are predicted, anything else is bad data, and never a panic.
    #[test]
    fn any_length_is_whole_records_or_an_error(whole in 0..4_usize, extra in 0..PIXELS + 1) {
        // One model serves every case.
        static MODEL: std::sync::LazyLock<Vec<u8>> = std::sync::LazyLock::new(|| {
            std::fs::read(trained("svm").path("run/model.safetensors")).expect("a model")
        });
        let sandbox = Sandbox::new();
        sandbox.write("model.safetensors", &*MODEL);
        let mut bytes = records(5, 1);
        bytes.truncate(whole * (1 + PIXELS) + extra);
        let length = bytes.len();
        sandbox.write("input.bin", bytes);
        let run = sandbox.run(&["predict", "model.safetensors", "input.bin", "--quiet"]);
        let fits = |record: usize| length > 0 && length.is_multiple_of(record);
        if fits(1 + PIXELS) {
            prop_assert_eq!((run.code, run.stdout.lines().count()), (0, 1 + whole), "{}", run.stderr);
        } else if fits(PIXELS) {
            prop_assert_eq!((run.code, run.stdout.lines().count()), (0, 1 + length / PIXELS), "{}", run.stderr);
        } else {
            prop_assert_eq!((run.code, run.stderr.lines().count(), run.stdout.as_str()), (3, 2, ""), "{}", run.stderr);
        }
    }
}

/// A model of named columns knows them: the same columns in another order are not predicted as if they were its own.
#[test]
fn columns_of_other_names_are_refused() {
    let sandbox = Sandbox::new();
    let rows = "a,b,label,c\n1,0,x,0.5\n0,2,y,7\n3,1,x,2\n0,4,y,1\n";
    sandbox.write("d.csv", rows);
    sandbox.train("run", &["--data", "d.csv", "--test-split", "1", "--epochs", "2"]);
    let predicted = |file: &str| sandbox.succeed(&["predict", "run", file, "-q"]).stdout;
    let expected = predicted("d.csv");
    sandbox.write("bare.csv", rows.split_once('\n').expect("lines").1);
    sandbox.write("moved.csv", "label,a,b,c\nx,1,0,0.5\ny,0,2,7\nx,3,1,2\ny,0,4,1\n");
    assert_eq!((predicted("bare.csv"), predicted("moved.csv")), (expected.clone(), expected));

    sandbox.write("swapped.csv", "a,c,label,b\n1,0.5,x,0\n0,7,y,2\n");
    std::fs::create_dir(sandbox.path("folder")).expect("a folder");
    for part in ["train", "test"] {
        std::fs::copy(sandbox.path("swapped.csv"), sandbox.path(&format!("folder/{part}.csv")))
            .expect("copies");
    }
    sandbox.write("lacking.csv", "a,label,c\n1,0,0.5\n0,1,7\n");
    for (args, told) in [
        (
            &["predict", "run", "swapped.csv"][..],
            "swapped.csv: line 1, column 2: found c, expected b as in the model",
        ),
        (
            &["predict", "run", "lacking.csv"],
            "lacking.csv: line 1, column 2: found label, expected b as in the model",
        ),
        (&["evaluate", "run", "--data", "swapped.csv"], "swapped.csv: line 1, column 2: found c, expected b"),
        (
            &["evaluate", "run", "--data", "folder"],
            "error: folder: feature 1: found c, expected b as in the model",
        ),
    ] {
        let run = sandbox.run(args);
        assert_eq!((run.code, run.stdout.as_str()), (3, ""), "{args:?}: {run:?}");
        assert!(run.stderr.contains(told) && run.stderr.contains("hint: "), "no {told:?} in {}", run.stderr);
    }
    // Converted, they keep their names; other formats have none, and nothing is known of them.
    let convert = ["data", "convert", "--data", "d.csv", "--test-split", "1", "-q"];
    for (out, format) in [("c", "csv"), ("n.npz", "npz")] {
        sandbox.succeed(&[&convert[..], &[out, "--to", format]].concat());
        sandbox.succeed(&["predict", "run", out, "-q"]);
    }
    let header = std::fs::read_to_string(sandbox.path("c/test.csv")).expect("reads");
    assert!(header.starts_with("label,a,b,c\n"), "{header}");
}
