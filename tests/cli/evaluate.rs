//! `evaluate`: the figures of a saved model, which agree with one another and with the run's own.

use crate::support::{CLASSES, RunFolder, Sandbox, after, json, number};
use serde_json::Value;

/// A sandbox with a data set and a model of it that is bad enough for every figure to have something to say.
fn trained() -> (Sandbox, RunFolder) {
    let sandbox = Sandbox::new();
    sandbox.cifar10("data");
    let run = sandbox.train("run", &["--data", "data", "--strategy", "random-search", "--attempts", "9"]);
    (sandbox, run)
}

fn evaluate(sandbox: &Sandbox, args: &[&str]) -> Value {
    json(&sandbox.succeed(&[&["evaluate", "--json"], args].concat()).stdout)
}

#[test]
fn agrees_with_the_run_exactly() {
    let (sandbox, run) = trained();
    let result = run.result();
    let of_folder = evaluate(&sandbox, &["run"]);
    let of_file = evaluate(&sandbox, &["run/model.safetensors"]);
    let of_data = evaluate(&sandbox, &["run", "--data", "data"]);
    for found in [&of_folder, &of_file, &of_data] {
        assert_eq!(found["accuracy"], result["test_accuracy"]);
        assert_eq!(found["accuracy_interval"], result["test_accuracy_interval"]);
        assert_eq!((&found["correct"], &found["count"]), (&result["test_correct"], &result["test_count"]));
        assert_eq!(found["loss"], result["test_loss"]);
        assert_eq!(found["data_digest"], result["data_digest"]);
    }
    let on_train = evaluate(&sandbox, &["run", "--on", "train"]);
    assert_eq!((&on_train["part"], &on_train["count"]), (&"train".into(), &200.into()));
    assert_eq!(on_train["accuracy"], result["train_accuracy"]);
    assert_eq!(on_train["loss"], result["train_loss"]);
}

#[test]
fn figures_follow_from_the_confusion_matrix() {
    let (sandbox, _) = trained();
    let found = evaluate(&sandbox, &["run", "--top", "10"]);
    let confusion: Vec<Vec<f64>> = serde_json::from_value(found["confusion"].clone()).expect("a matrix");
    assert_eq!((confusion.len(), confusion[0].len()), (10, 10));
    assert_eq!(confusion.iter().flatten().sum::<f64>(), 30.0);
    let right: f64 = (0..10).map(|class| confusion[class][class]).sum();
    assert_eq!(number(&found, "accuracy"), right / 30.0);

    for (class, name) in CLASSES.iter().enumerate() {
        let figures = &found["classes"][class];
        let labelled: f64 = confusion[class].iter().sum();
        let predicted: f64 = confusion.iter().map(|row| row[class]).sum();
        let share = |of: f64| if of > 0.0 { Value::from(confusion[class][class] / of) } else { Value::Null };
        assert_eq!((&figures["name"], number(figures, "count")), (&(*name).into(), labelled));
        assert_eq!(figures["recall"], share(labelled), "{name}");
        assert_eq!(figures["precision"], share(predicted), "{name}");
    }

    let top: Vec<f64> = serde_json::from_value(found["top"].clone()).expect("shares");
    assert_eq!((top.len(), top[0], top[9]), (10, number(&found, "accuracy"), 1.0));
    assert!(top.is_sorted(), "{top:?}");
    let interval: [f64; 2] = serde_json::from_value(found["accuracy_interval"].clone()).expect("an interval");
    assert!(interval[0] < top[0] && top[0] < interval[1], "{interval:?} around {}", top[0]);
}

#[test]
fn prints_the_same_for_people() {
    let (sandbox, run) = trained();
    let text = sandbox.succeed(&["evaluate", "run", "--top", "3"]).stdout;
    let result = run.result();
    let (correct, share) = (number(&result, "test_correct"), 100.0 * number(&result, "test_accuracy"));
    assert!(
        after(&text, "Accuracy = ").starts_with(&format!("{share:.2}% ({correct}/30) on the test set")),
        "{text}"
    );
    let loss = after(&text, "Loss (svm) = ");
    assert!(loss.contains("top-2") && loss.contains("top-3") && !loss.contains("top-4"), "{loss}");
    assert!(text.contains("precision") && text.contains("label \\ predicted"), "{text}");
    for name in CLASSES {
        let lines = text.lines().filter(|line| line.starts_with(&format!("{name} "))).count();
        assert_eq!(lines, 2, "{name} in both tables: {text}");
    }
}

/// Without a run beside it, a model is tried on the default data, or on what is named.
#[test]
fn a_model_file_alone_is_enough() {
    let (sandbox, run) = trained();
    sandbox.write("alone.safetensors", run.model());
    let found = evaluate(&sandbox, &["alone.safetensors", "--data", "data"]);
    assert_eq!(found["accuracy"], run.result()["test_accuracy"]);
}

/// The label that was learned is in the model.
#[test]
fn a_coarse_model_is_tried_on_coarse_labels() {
    let sandbox = Sandbox::new();
    sandbox.cifar100("data");
    let run = sandbox.train("run", &["--data", "data", "--label", "coarse", "--epochs", "2"]);
    sandbox.write("alone.safetensors", run.model());
    for found in [evaluate(&sandbox, &["run"]), evaluate(&sandbox, &["alone.safetensors", "--data", "data"])]
    {
        assert_eq!(found["accuracy"], run.result()["test_accuracy"]);
        assert_eq!(found["classes"].as_array().map(Vec::len), Some(5));
    }
}
