//! `train`: from one command to a tested model, by every rule and schedule, told in words that can be checked.

use crate::support::{PIXELS, RunFolder, Sandbox, after, json as parse, number};
use serde_json::json;

#[test]
fn without_data_it_trains_on_the_generated_set_and_says_so() {
    let sandbox = Sandbox::new();
    let run = sandbox.succeed(&["--epochs", "3"]);
    let accuracy = after(&run.stdout, "Accuracy = ");
    assert!(accuracy.contains("/1000) on the test set, 95% interval"), "{accuracy}");
    assert!(after(&run.stderr, "data: ").contains("generated set, 5,000 training and 1,000 test images"));
    assert!(run.stderr.contains("for CIFAR-10: cifar-train data fetch cifar10"), "{}", run.stderr);
    let saved = RunFolder(sandbox.path(after(&run.stdout, "Saved: ")));
    assert!(saved.0.starts_with(sandbox.path("runs")), "{:?}", saved.0);
    assert!(number(&saved.result(), "test_accuracy") > 0.7, "{}", run.stdout);
    assert_eq!(saved.result()["data"], "generated");
}

#[test]
fn a_set_in_the_default_folder_is_found() {
    let sandbox = Sandbox::new();
    sandbox.cifar10("data/cifar-10-batches-bin");
    let run = sandbox.succeed(&["--epochs", "1", "--out", "run"]);
    let data = after(&run.stderr, "data: ");
    assert!(
        data.starts_with("CIFAR-10, 200 training and 30 test images of 32 x 32 x 3, 10 classes"),
        "{data}"
    );
    assert!(data.contains("data/cifar-10-batches-bin"), "{data}");
}

#[test]
fn both_layouts_of_cifar_are_learned() {
    let sandbox = Sandbox::new();
    sandbox.cifar10("ten");
    sandbox.cifar100("hundred");
    for (out, classes, args) in [
        ("a", 10, &["--data", "ten"][..]),
        ("b", 10, &["--data", "hundred"]),
        ("c", 5, &["--data", "hundred", "--label", "coarse"]),
    ] {
        let run = sandbox.train(out, &[args, &["--epochs", "5", "--batch-size", "16"]].concat());
        let result = run.result();
        assert!(number(&result, "test_accuracy") > 0.9, "{args:?}: {result}");
        assert_eq!(result["rows"], json!([200, 0, 30]));
        let model = run.model();
        let model = safetensors::SafeTensors::deserialize(&model).expect("a model");
        assert_eq!(model.tensor("bias").expect("a bias").shape(), [classes]);
    }
}

#[test]
fn json_is_the_object_of_result_json() {
    let sandbox = Sandbox::new();
    let run = sandbox.succeed(&["--epochs", "1", "--json", "--out", "run"]);
    let printed = parse(&run.stdout);
    assert_eq!(printed, RunFolder(sandbox.path("run")).result());
    for key in [
        "version",
        "stop",
        "test_accuracy",
        "test_loss",
        "train_loss",
        "objective",
        "epochs",
        "steps",
        "seconds",
        "peak_memory_bytes",
        "data_digest",
        "machine",
        "config",
    ] {
        assert!(!printed[key].is_null(), "{key} in {printed}");
    }
    assert_eq!(printed["gap"], json!(null), "a descent certifies no gap");
    let penalty = number(&printed, "objective") - number(&printed, "train_loss");
    assert!(penalty > 0.0, "the objective has the penalty on top: {printed}");
    assert_eq!(printed["data_digest"].as_str().map(str::len), Some(64), "BLAKE3, in hexadecimal");
}

#[test]
fn quiet_says_nothing_on_standard_error() {
    let sandbox = Sandbox::new();
    let run = sandbox.succeed(&["--epochs", "1", "--quiet"]);
    assert_eq!(run.stderr, "");
    assert!(run.stdout.starts_with("Accuracy = "), "results stay: {}", run.stdout);
}

/// Chance is 10%; every rule must be far above it, and none may be another one under a new name.
#[test]
fn every_update_rule_learns() {
    let sandbox = Sandbox::new();
    let mut models = Vec::new();
    for rule in ["sgd", "momentum", "nesterov", "adagrad", "rmsprop", "adam"] {
        let run = sandbox.train(rule, &["--loss", "softmax", "--optimizer", rule, "--epochs", "2"]);
        let accuracy = number(&run.result(), "test_accuracy");
        assert!(accuracy > 0.5, "{rule}: {accuracy}");
        let model = run.model();
        // What follows the header, which names the rule.
        let weights = model[model.len() - 4 * 10 * 3073..].to_vec();
        assert!(!models.contains(&weights), "{rule} is a rule of its own");
        models.push(weights);
    }
}

/// The rate of each epoch's last step, of three steps an epoch at a rate of 0.01.
#[test]
fn every_schedule_learns_and_has_its_rates() {
    let sandbox = Sandbox::new();
    sandbox.cifar10("data");
    for (args, expected) in [
        (&["--schedule", "constant"][..], [1.0, 1.0, 1.0, 1.0]),
        (&["--schedule", "step", "--step-every", "2", "--decay", "0.5"], [1.0, 1.0, 0.5, 0.5]),
        (&["--schedule", "exponential", "--decay", "0.5"], [0.63, 0.315, 0.1575, 0.07875]),
        (&["--schedule", "inverse", "--decay", "1"], [0.6, 0.375, 0.2727, 0.2143]),
        (&["--schedule", "cosine"], [0.933, 0.629, 0.25, 0.017]),
        (&["--schedule", "constant", "--warmup", "2"], [0.5, 1.0, 1.0, 1.0]),
    ] {
        let common =
            ["--data", "data", "--batch-size", "67", "--epochs", "4", "--lr", "0.01", "--out", "run"];
        sandbox.succeed(&[&common[..], args, &["-q", "--force"]].concat());
        let run = RunFolder(sandbox.path("run"));
        let accuracy = number(&run.result(), "test_accuracy");
        assert!(accuracy > 0.8, "{args:?}: {accuracy}");
        let rates = run.history().numbers("lr");
        let near = |rate: &f64, expected: &f64| (rate / 0.01 - expected).abs() <= 0.05 * expected + 0.005;
        let all_near = rates.len() == 4 && rates.iter().zip(&expected).all(|(a, b)| near(a, b));
        assert!(all_near, "{args:?}: {rates:?} for {expected:?}");
    }
}

#[test]
fn a_full_batch_is_one_step_an_epoch() {
    let sandbox = Sandbox::new();
    let run = sandbox.train("run", &["--batch-size", "full", "--epochs", "5"]);
    assert_eq!(run.history().column("step"), ["1", "2", "3", "4", "5"]);
    let losses = run.history().numbers("objective");
    assert!(losses.is_sorted_by(|a, b| a > b), "a small full-batch step goes downhill: {losses:?}");
    assert!(number(&run.result(), "test_accuracy") > 0.6);
}

#[test]
fn the_last_short_batch_is_used() {
    let sandbox = Sandbox::new();
    sandbox.cifar10("data");
    let run = sandbox.train("run", &["--data", "data", "--batch-size", "150", "--epochs", "3"]);
    assert_eq!(run.history().column("step"), ["2", "4", "6"], "150 and 50 of 200 rows");
}

#[test]
fn early_stop_keeps_the_epoch_with_the_best_validation_accuracy() {
    let sandbox = Sandbox::new();
    let args = ["--lr", "0.03", "--validation", "500", "--out"];
    let patient = ["--patience", "1", "--epochs", "30"];
    let run = sandbox.succeed(&[&args[..], &["run"], &patient].concat());
    let stopped = RunFolder(sandbox.path("run"));
    let (result, history) = (stopped.result(), stopped.history());
    assert_eq!(result["stop"], "early-stop");
    assert_eq!(result["rows"], json!([4500, 500, 1000]));

    let kept = result["kept_epoch"].as_u64().expect("a kept epoch") as usize;
    let accuracies = history.numbers("validation_accuracy");
    let best = accuracies.iter().copied().fold(0.0, f64::max);
    assert_eq!(accuracies[kept - 1], best, "epoch {kept} of {accuracies:?}");
    assert_eq!(number(&result, "validation_accuracy"), best);
    assert_eq!((accuracies.len(), number(&result, "epochs")), (kept + 1, (kept + 1) as f64), "patience 1");
    assert!(accuracies.len() < 30, "it stopped early");
    assert!(after(&run.stderr, "stopped: ").contains(&format!("epoch {kept}")), "{}", run.stderr);

    // The weights are those of that epoch: a run that ends there has the same.
    let epochs = kept.to_string();
    sandbox.succeed(&[&args[..], &["to-kept", "--epochs", &epochs]].concat());
    let weights = |run: &RunFolder| {
        let model = run.model();
        model[model.len() - 4 * 10 * 3073..].to_vec()
    };
    assert!(weights(&stopped) == weights(&RunFolder(sandbox.path("to-kept"))), "the kept epoch's weights");
}

#[test]
fn a_fraction_may_be_held_out() {
    let sandbox = Sandbox::new();
    sandbox.cifar10("data");
    let run = sandbox.train("run", &["--data", "data", "--validation", "0.25", "--epochs", "1"]);
    assert_eq!(run.result()["rows"], json!([150, 50, 30]));
}

/// The test set is looked at after each epoch only when asked for, and never learned from.
#[test]
fn watching_the_test_set_fills_its_columns_and_changes_nothing() {
    let sandbox = Sandbox::new();
    sandbox.cifar10("data");
    let args = ["--data", "data", "--epochs", "3", "--batch-size", "50"];
    let blind = sandbox.train("blind", &args);
    let watched = sandbox.train("watched", &[&args[..], &["--watch-test"]].concat());
    for column in ["test_loss", "test_accuracy"] {
        assert_eq!(blind.history().column(column), ["", "", ""], "{column}");
        assert_eq!(watched.history().numbers(column).len(), 3, "{column}");
    }
    let last = watched.history().numbers("test_accuracy")[2];
    assert_eq!(last, number(&watched.result(), "test_accuracy"));
    assert!(blind.model() == watched.model(), "watching changed the model");
}

#[test]
fn the_objective_and_the_expected_start_are_told() {
    let sandbox = Sandbox::new();
    for (loss, formula, start) in [
        (
            "svm",
            "max(0, s_j - s_y + 1) + 0.25 sum W^2",
            "data loss 9.0000 on 5,000 rows; near-zero scores predict 9.0000 (K - 1)",
        ),
        (
            "softmax",
            "-ln(e^s_y / sum_j e^s_j) + 0.25 sum W^2",
            "data loss 2.3026 on 5,000 rows; near-zero scores predict 2.3026 (ln K)",
        ),
    ] {
        let run = sandbox.succeed(&["--loss", loss, "--reg", "0.25", "--epochs", "1"]);
        let objective = after(&run.stderr, "objective: ");
        assert!(objective.contains(formula), "{objective}");
        assert!(run.stderr.contains("lambda = 0.25, b penalized like W"), "{}", run.stderr);
        assert_eq!(after(&run.stderr, "start: "), start);
        assert!(!run.stderr.contains("warning"), "{}", run.stderr);
    }
}

#[test]
fn a_start_far_from_the_expected_loss_warns() {
    let sandbox = Sandbox::new();
    sandbox.cifar10("data");
    let run = sandbox.succeed(&["--data", "data", "--init-scale", "1", "--epochs", "1"]);
    let warning = after(&run.stderr, "warning: the start's data loss ");
    assert!(warning.contains("is not near K - 1 = 9.0000") && warning.contains("--init-scale"), "{warning}");
}

#[test]
fn a_model_that_predicts_one_class_warns() {
    let sandbox = Sandbox::new();
    sandbox.cifar10("data");
    for batch in 1..=5 {
        let all_cats =
            |bytes: &mut Vec<u8>| bytes.iter_mut().step_by(1 + PIXELS).for_each(|label| *label = 3);
        sandbox.edit(&format!("data/data_batch_{batch}.bin"), all_cats);
    }
    let run = sandbox.succeed(&["--data", "data", "--epochs", "1", "--quiet"]);
    let warning = after(&run.stderr, "warning: ");
    assert!(warning.starts_with("every test example is predicted as cat"), "{warning}");
}
