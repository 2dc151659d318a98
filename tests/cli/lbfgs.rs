//! `--optimizer lbfgs`: it goes to the minimum, says how far from it it stopped, and never claims more.

use crate::support::{RunFolder, Sandbox, number};

/// Few images and a strong penalty: a minimum that both losses reach in a second.
const LBFGS: [&str; 6] = ["--optimizer", "lbfgs", "--preprocess", "scale", "--reg", "0.01"];

fn minimise(sandbox: &Sandbox, name: &str, more: &[&str]) -> RunFolder {
    sandbox.train(name, &[&LBFGS[..], more].concat())
}

#[test]
fn the_gap_is_within_the_tolerance_and_told() {
    let sandbox = Sandbox::new();
    for (loss, tolerance) in [("softmax", "1e-4"), ("softmax", "1e-6"), ("svm", "1e-3")] {
        let out = format!("{loss}-{tolerance}");
        let args = [&LBFGS[..], &["--loss", loss, "--tol", tolerance, "--out", &out]].concat();
        let run = sandbox.succeed(&args);
        let result = RunFolder(sandbox.path(&out)).result();
        let gap = number(&result, "gap");
        assert!(gap >= 0.0 && gap <= tolerance.parse().expect("a number"), "{loss}: {gap}");
        assert_eq!(result["stop"], "tolerance");
        assert!(run.stderr.contains("minimum above"), "each iteration tells its bound: {}", run.stderr);
        assert!(run.stdout.contains("Gap: the loss with penalty is certified"), "{}", run.stdout);
    }
}

/// The claim itself: no other run may end further below than the gap says.
#[test]
fn nothing_finds_a_loss_below_the_bound() {
    let sandbox = Sandbox::new();
    let loose = minimise(&sandbox, "loose", &["--loss", "softmax", "--tol", "1e-2"]).result();
    let tight = minimise(&sandbox, "tight", &["--loss", "softmax", "--tol", "1e-8"]).result();
    let (loose_loss, tight_loss) = (number(&loose, "objective"), number(&tight, "objective"));
    assert!(tight_loss <= loose_loss + 1e-9, "{tight_loss} {loose_loss}");
    // Both are of the saved model, which one more rounding to f32 separates from the certified weights.
    assert!(loose_loss - number(&loose, "gap") <= tight_loss + 1e-7, "{loose} {tight}");
}

#[test]
fn threads_change_no_byte() {
    let sandbox = Sandbox::new();
    let model = |threads| {
        minimise(&sandbox, threads, &["--loss", "svm", "--tol", "1e-2", "--threads", threads]).model()
    };
    assert_eq!(model("1"), model("2"));
}

#[test]
fn too_few_iterations_are_told_with_what_was_reached() {
    let sandbox = Sandbox::new();
    let args =
        [&LBFGS[..], &["--loss", "svm", "--tol", "1e-9", "--max-iterations", "2", "--out", "run"]].concat();
    let run = sandbox.succeed(&args);
    let result = RunFolder(sandbox.path("run")).result();
    assert_eq!(result["stop"], "max-iterations");
    assert!(number(&result, "gap") > 1e-9, "{result}");
    assert!(run.stderr.contains("warning: "), "{}", run.stderr);
}

#[test]
fn without_a_penalty_there_is_no_certificate() {
    let run = Sandbox::new().run(&["--optimizer", "lbfgs", "--reg", "0"]);
    assert_eq!(run.code, 2, "{run:?}");
    assert!(run.stderr.contains("--reg: found 0, expected a number above 0"), "{}", run.stderr);
}
