//! `gradcheck`: passes on right gradients of both losses, whatever the data, and can fail.

use crate::support::{Sandbox, json};
use cifar_train::kernel::Kernel;

/// Layouts of a batch that kernels are checked on.
const LAYOUTS: [&str; 4] =
    ["in the order of the data", "a shuffled minibatch", "a short last batch", "one row"];

#[test]
fn passes_on_both_losses_and_every_kernel() {
    let sandbox = Sandbox::new();
    sandbox.cifar10("data");
    for args in
        [&["--data", "generated"][..], &["--data", "data"], &["--l1", "1e-3"], &["--preprocess", "center"]]
    {
        let run = sandbox.succeed(&[&["gradcheck"], args].concat());
        assert!(run.stdout.ends_with("gradcheck passed\n"), "{}", run.stdout);
        assert!(!run.stdout.contains("FAILED"), "{}", run.stdout);
        let count = |text: &str| run.stdout.matches(text).count();
        assert_eq!((count("max(0, s_j - s_y + 1)"), count("-ln(e^s_y")), (1, 1), "{}", run.stdout);
        for kernel in Kernel::available() {
            let lines: Vec<&str> = run
                .stdout
                .lines()
                .filter(|line| line.split_whitespace().next() == Some(kernel.name()))
                .collect();
            for layout in LAYOUTS {
                let checked = lines.iter().filter(|line| line.contains(layout)).count();
                assert_eq!(checked, 2, "{} on {layout}, both losses: {}", kernel.name(), run.stdout);
            }
        }
    }
}

/// A step of 1 goes far around the softmax's bend: the quotient is no derivative any more, and the check must say so.
#[test]
fn fails_with_5_when_the_gradients_differ() {
    let sandbox = Sandbox::new();
    let args = ["gradcheck", "--loss", "softmax", "--h", "1"];
    let run = sandbox.run(&args);
    assert_eq!(run.code, 5, "{run:?}");
    assert!(run.stdout.ends_with("gradcheck FAILED\n"), "{}", run.stdout);
    let run = sandbox.run(&[&args[..], &["--json"]].concat());
    assert_eq!((run.code, &json(&run.stdout)["passed"]), (5, &false.into()));
}

#[test]
fn all_means_every_coordinate() {
    let sandbox = Sandbox::new();
    sandbox.cifar10("data");
    let run = sandbox.succeed(&[
        "gradcheck",
        "--data",
        "data",
        "--all",
        "--rows",
        "5",
        "--loss",
        "softmax",
        "--json",
    ]);
    let report = &json(&run.stdout)["reports"][0];
    assert_eq!((&report["total"], &report["rows"]), (&30_730.into(), &5.into()));
    let coordinates = report["coordinates"].as_array().expect("coordinates");
    let places: std::collections::HashSet<_> = coordinates
        .iter()
        .map(|coordinate| (coordinate["class"].as_u64(), coordinate["feature"].as_u64()))
        .collect();
    assert_eq!(places.len(), 30_730);
}

#[test]
fn json_has_every_figure() {
    let sandbox = Sandbox::new();
    let run = sandbox.succeed(&["gradcheck", "--samples", "50", "--rows", "60", "--json", "--quiet"]);
    assert_eq!(run.stderr, "");
    let result = json(&run.stdout);
    assert_eq!(result["passed"], true);
    let reports = result["reports"].as_array().expect("reports");
    assert_eq!(reports.iter().map(|report| &report["loss"]).collect::<Vec<_>>(), ["svm", "softmax"]);
    for report in reports {
        assert_eq!(report["coordinates"].as_array().map(Vec::len), Some(60), "50 and the ten biases");
        assert_eq!(
            report["kernels"].as_array().map(Vec::len),
            Some(LAYOUTS.len() * Kernel::available().len())
        );
        let worst = report["coordinates"][0]["excess"].as_f64().expect("an error");
        assert!(worst <= 1e-5, "{worst}");
    }
}

/// Other rows, weights and coordinates, but the same each time.
#[test]
fn the_seed_chooses_what_is_checked() {
    let sandbox = Sandbox::new();
    let check = |seed: &str| {
        sandbox.succeed(&["gradcheck", "--seed", seed, "--samples", "5", "--rows", "9", "--json"]).stdout
    };
    assert_eq!(check("1"), check("1"));
    assert_ne!(check("1"), check("2"));
}
