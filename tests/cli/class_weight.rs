//! `--class-weight`: what the classes count, in every strategy.

use crate::support::Sandbox;

/// The built-in set, a few epochs.
const QUICK: [&str; 4] = ["--data", "generated", "--epochs", "2"];

fn recall_of_first_class(sandbox: &Sandbox, out: &str) -> f64 {
    let run = sandbox.succeed(&["evaluate", out, "--json", "-q"]);
    let result: serde_json::Value = serde_json::from_str(&run.stdout).expect("JSON");
    result["classes"][0]["recall"].as_f64().expect("a recall")
}

#[test]
fn a_class_that_counts_more_is_found_more_often() {
    let sandbox = Sandbox::new();
    sandbox.train("plain", &QUICK);
    sandbox.train("heavy", &[&QUICK[..], &["--class-weight", "pattern 0=20"]].concat());
    let (plain, heavy) = (recall_of_first_class(&sandbox, "plain"), recall_of_first_class(&sandbox, "heavy"));
    assert!(heavy > plain + 0.02, "{plain} {heavy}");
}

#[test]
fn the_objective_says_so_and_the_config_repeats_it() {
    let sandbox = Sandbox::new();
    let args = [&["train", "--out", "a", "--class-weight", "balanced"], &QUICK[..]].concat();
    let run = sandbox.succeed(&args);
    assert!(run.stderr.contains("(1/N) sum_i q_i sum_(j != y)"), "{}", run.stderr);
    assert!(run.stderr.contains("q_i = weight of class y_i (balanced)"), "{}", run.stderr);
    sandbox.succeed(&["train", "-q", "--config", "a/config.toml", "--out", "b"]);
    let model = |out: &str| std::fs::read(sandbox.path(out).join("model.safetensors")).expect("a model");
    assert_eq!(model("a"), model("b"));
}

#[test]
fn lbfgs_certifies_the_weighted_minimum() {
    let sandbox = Sandbox::new();
    let folder = sandbox.train(
        "out",
        &[
            "--data",
            "generated",
            "--optimizer",
            "lbfgs",
            "--loss",
            "softmax",
            "--reg",
            "0.05",
            "--class-weight",
            "pattern 1=3,2=0.5",
        ],
    );
    let result = folder.result();
    assert_eq!(result["stop"], "tolerance");
    assert!(result["gap"].as_f64().expect("a gap") <= 1e-4);
}

#[test]
fn gradients_with_weights_are_checked() {
    let sandbox = Sandbox::new();
    let run = sandbox.succeed(&[
        "gradcheck",
        "--data",
        "generated",
        "--rows",
        "40",
        "--class-weight",
        "pattern 3=0,4=7",
    ]);
    assert!(run.stdout.contains("sum_i q_i") && run.stdout.contains("gradcheck passed"), "{}", run.stdout);
}

#[test]
fn weights_that_do_not_fit_are_refused() {
    let sandbox = Sandbox::new();
    let cases = [
        ("pattern 0", 2, "--class-weight: found pattern 0, expected \"balanced\", or weights of 0 or above"),
        ("pattern 0=-1", 2, "found pattern 0=-1, expected \"balanced\""),
        ("cat=2", 3, "found a weight for cat, which is no class, expected one of pattern 0"),
        ("pattern 0=1,0=2", 3, "found two weights for pattern 0"),
    ];
    for (value, code, message) in cases {
        let run = sandbox.run(&["train", "--data", "generated", "--out", "out", "--class-weight", value]);
        assert_eq!(run.code, code, "{value}: {run:?}");
        assert!(run.stderr.contains(message), "{value}: {}", run.stderr);
    }
    assert!(sandbox.entries().is_empty());
}
