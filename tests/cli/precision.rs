//! Features so far from 0 that f32 has no digits left for what varies: what trains or uses a model says so.

use crate::support::Sandbox;
use std::fmt::Write;

/// Rows of three features: what tells the classes apart, with deviation 1, around `centre`; the same around 0; and one
/// that is far from 0 but never varies.
fn table(centre: f64) -> String {
    let mut text = String::from("a,b,c,label\n");
    for row in 0..40 {
        let side = f64::from(row % 2 * 2 - 1);
        let _ = writeln!(text, "{},{side}.5,1e9,{}", centre + side, row % 2);
    }
    text
}

#[test]
fn a_feature_far_from_zero_is_named() {
    let sandbox = Sandbox::new();
    sandbox.write("near.csv", table(1000.0));
    sandbox.write("far.csv", table(1e6));
    let train = |data: &str, more: &[&str]| {
        let args = ["--data", data, "--test-split", "10", "--epochs", "1", "-q", "--out", "run"];
        sandbox.succeed(&[&args[..], more, &["--force"]].concat()).stderr
    };
    assert_eq!(train("near.csv", &[]).trim(), "");
    let told = train("far.csv", &[]);
    assert!(told.contains("warning: feature 0 has mean 1e6 and deviation "), "{told}");
    assert!(told.contains(" deviations apart there"), "{told}");
    assert!(told.contains("hint: subtract 1e6 from it in the data"), "{told}");

    let predict = |data: &str| sandbox.succeed(&["predict", "run", data, "-q"]).stderr;
    let evaluate = |data: &str| sandbox.succeed(&["evaluate", "run", "--data", data, "-q"]).stderr;
    for told in [predict("far.csv"), evaluate("far.csv")] {
        assert!(told.starts_with("warning: feature 0 has mean 1e6 and deviation 1.00: "), "{told}");
        assert_eq!(told.lines().count(), 2, "{told}");
    }
    assert_eq!([predict("near.csv"), evaluate("near.csv")], ["", ""]);
    train("far.csv", &["--preprocess", "center", "--lr", "1e-9"]);
    assert_eq!([predict("far.csv"), evaluate("far.csv")], ["", ""]);
}
