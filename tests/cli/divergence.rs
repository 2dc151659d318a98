//! A learning rate that is too high: the run stops, keeps what was good, and names a rate that works.

use crate::support::{RUN_FILES, RunFolder, Sandbox, after};
use safetensors::SafeTensors;

#[test]
fn exits_4_with_a_finite_model_and_a_rate_that_works() {
    for (loss, rule, rate) in [("svm", "sgd", "1e6"), ("svm", "momentum", "1e6"), ("softmax", "sgd", "1e30")]
    {
        let sandbox = Sandbox::new();
        let args = ["--loss", loss, "--optimizer", rule, "--epochs", "2", "--out"];
        let run = sandbox.run(&[&args[..], &["run", "--lr", rate]].concat());
        assert_eq!(run.code, 4, "{loss}, {rule}: {run:?}");
        assert!(run.stderr.contains("diverged at step "), "{}", run.stderr);
        assert!(run.stderr.contains("the last good model is kept"), "{}", run.stderr);
        assert!(!run.stdout.contains("NaN") && !run.stdout.contains("inf"), "{}", run.stdout);

        let folder = RunFolder(sandbox.path("run"));
        assert_eq!(folder.files(), RUN_FILES);
        let result = folder.result();
        assert_eq!(result["stop"], "diverged");
        assert!(result["stop_reason"].as_str().is_some_and(|why| why.contains("step ")), "{result}");
        assert_finite(&folder.model());

        let suggested = after(&run.stderr, "hint: try --lr ");
        sandbox.succeed(&[&args[..], &["again", "--lr", suggested]].concat());
    }
}

/// A rate at which the loss only rises is not divergence by definition, and no good either.
#[test]
fn a_loss_that_rose_is_told_with_a_rate_that_lets_it_fall() {
    let sandbox = Sandbox::new();
    let run = sandbox.succeed(&["--lr", "1", "--epochs", "2", "--out", "run", "--quiet"]);
    assert!(run.stderr.contains("warning: the loss rose from 9.0000 to "), "{}", run.stderr);
    let suggested = after(&run.stderr, "hint: try --lr ");
    let again = sandbox.succeed(&["--lr", suggested, "--epochs", "2", "--out", "again", "--quiet"]);
    assert_eq!(again.stderr, "");
}

/// Weights that no finite loss belongs to are no result.
#[test]
fn a_random_search_without_a_finite_loss_is_no_success() {
    let sandbox = Sandbox::new();
    let run = sandbox.run(&["random-search", "--scale", "1e38", "--attempts", "3", "--out", "run"]);
    assert_eq!(run.code, 4, "{run:?}");
}

fn assert_finite(model: &[u8]) {
    let model = SafeTensors::deserialize(model).expect("a model");
    for (name, tensor) in model.tensors() {
        let (values, _) = tensor.data().as_chunks::<4>();
        assert!(values.iter().all(|bytes| f32::from_le_bytes(*bytes).is_finite()), "{name}");
    }
}
