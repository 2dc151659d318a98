//! Features so far from 0 that f32 has no digits left for what varies: training says so.

use crate::support::Sandbox;
use std::fmt::Write;

/// Rows of two features: what tells the classes apart, with deviation 1, around `centre`; and the same around 0.
fn table(centre: f64) -> String {
    let mut text = String::from("a,b,label\n");
    for row in 0..40 {
        let side = f64::from(row % 2 * 2 - 1);
        let _ = writeln!(text, "{},{side}.5,{}", centre + side, row % 2);
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
}
