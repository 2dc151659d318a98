//! `--weight-column` and arrays of weights: what single examples count.

use crate::support::{Sandbox, json, number};

/// Gradient descent on raw numbers: preprocessing counts every row once, whatever its weight.
const EXACT: [&str; 11] = [
    "--data",
    "d.csv",
    "--test",
    "test.csv",
    "--preprocess",
    "none",
    "--batch-size",
    "full",
    "--epochs",
    "20",
    "--lr=0.01",
];
const TEST: &str = "x,y,label,w\n1.5,0,a,1\n0,1,b,0\n";

/// Trains on `rows` and returns what it came to: the loss over the training rows.
fn loss(rows: &str, header: &str, args: &[&str]) -> f64 {
    let sandbox = Sandbox::new();
    sandbox.write("d.csv", format!("{header}\n{rows}"));
    let without: String =
        TEST.lines().map(|line| line.rsplit_once(',').expect("four columns").0.to_owned() + "\n").collect();
    sandbox.write("test.csv", if header.ends_with('w') { TEST.to_owned() } else { without });
    let run = sandbox.train("run", &[&EXACT[..], args].concat());
    number(&run.result(), "objective")
}

fn assert_close(a: f64, b: f64) {
    assert!((a - b).abs() < 1e-6 * b.abs(), "{a} {b}");
}

/// A weight of 3 is three such rows, and a weight of 0 none: the same losses along the same path.
#[test]
fn whole_weights_are_rows_that_repeat() {
    for more in
        [&["--loss", "svm"][..], &["--loss", "softmax"], &["--loss", "softmax", "--optimizer", "adam"]]
    {
        let weighted = loss(
            "1,0,a,3\n0,1.5,b,1\n5,5,b,0\n2,0,a,1\n",
            "x,y,label,w",
            &[more, &["--weight-column", "w"]].concat(),
        );
        let repeated = loss("1,0,a\n1,0,a\n1,0,a\n0,1.5,b\n2,0,a\n", "x,y,label", more);
        assert_close(weighted, repeated);
        // Only what weights are to one another counts.
        let scaled = loss(
            "1,0,a,0.75\n0,1.5,b,0.25\n5,5,b,0\n2,0,a,0.25\n",
            "x,y,label,w",
            &[more, &["--weight-column", "4"]].concat(),
        );
        assert_close(scaled, weighted);
    }
}

#[test]
fn weights_multiply_those_of_the_classes() {
    let both = loss(
        "1,0,a,3\n0,1.5,b,1\n2,0,a,1\n",
        "x,y,label,w",
        &["--weight-column", "last", "--class-weight", "b=2"],
    );
    let one = loss("1,0,a,3\n0,1.5,b,2\n2,0,a,1\n", "x,y,label,w", &["--weight-column", "w"]);
    assert_close(both, one);
}

/// Balanced classes are so in the sums of their weights: a weight of 3 is three such rows here too.
#[test]
fn balanced_classes_count_weights_not_rows() {
    for more in [&["--loss", "svm"][..], &["--loss", "softmax", "--optimizer", "adam"]] {
        let balanced = [more, &["--class-weight", "balanced"]].concat();
        let weighted = loss(
            "1,0,a,3\n0,1.5,b,1\n5,5,b,0\n2,0,a,1\n",
            "x,y,label,w",
            &[&balanced[..], &["--weight-column", "w"]].concat(),
        );
        assert_close(weighted, loss("1,0,a\n1,0,a\n1,0,a\n0,1.5,b\n2,0,a\n", "x,y,label", &balanced));
    }
}

#[test]
fn the_objective_names_them_and_a_digest_holds_them() {
    let sandbox = Sandbox::new();
    let rows = "x,y,label,w\n1,0,a,3\n0,1.5,b,1\n2,0,a,1\n1,2,b,0.5\n";
    sandbox.write("d.csv", rows);
    sandbox.write("test.csv", TEST);
    let args = [&["train", "--weight-column", "w", "--class-weight", "balanced", "--out", "run"], &EXACT[..]];
    let run = sandbox.succeed(&args.concat());
    let told = "q_i = the example's weight times weight of class y_i (balanced), divided by its mean";
    assert!(run.stderr.contains(told), "{}", run.stderr);
    sandbox.succeed(&["train", "-q", "--config", "run/config.toml", "--out", "again"]);
    let model = |run: &str| std::fs::read(sandbox.path(run).join("model.safetensors")).expect("a model");
    assert_eq!(model("run"), model("again"));

    let info = |args: &[&str]| {
        let all =
            [&["data", "info", "--data", "d.csv", "--json", "-q", "--weight-column", "w"], args].concat();
        json(&sandbox.succeed(&all).stdout)
    };
    let before = info(&[]);
    assert_eq!(
        before["train"]["weights"],
        serde_json::json!({"min": 0.5, "max": 3.0, "mean": 1.375, "zeros": 0})
    );
    sandbox.write("d.csv", rows.replace("a,3", "a,4"));
    assert_ne!(before["digest"], info(&[])["digest"]);
    let text = sandbox.succeed(&["data", "info", "--data", "d.csv", "-q", "--weight-column", "w"]).stdout;
    assert!(text.contains("Weights in train: from 0.5 to 4, mean 1.62500, 0 of them 0"), "{text}");
    // What is no feature in training is none here.
    let evaluated = ["evaluate", "run", "--data", "test.csv", "--weight-column", "w", "--json", "-q"];
    assert_eq!(number(&json(&sandbox.succeed(&evaluated).stdout), "count"), 2.0);
    let predicted = sandbox.succeed(&["predict", "run", "test.csv", "--weight-column", "w", "-q"]).stdout;
    assert_eq!(predicted.lines().count(), 3, "{predicted}");
}

/// One set of weighted examples in every format that holds weights: the same digest, the same model; and a sweep and
/// lbfgs that know of them.
#[test]
fn conversion_keeps_weights_or_refuses() {
    let sandbox = Sandbox::new();
    sandbox.write("d.csv", "x,y,label,w\n1,0,a,3\n0,1.5,b,0.1\n2,0,a,1\n1,2,b,0.5\n0,3,b,0\n3,0.5,a,2\n");
    let from = ["--data", "d.csv", "--weight-column", "w", "--test-split", "2", "-q"];
    let digest = |text: &str| text.lines().find_map(|line| line.strip_prefix("BLAKE3: ")).map(str::to_owned);
    let original = digest(&sandbox.succeed(&[&["data", "info"], &from[..]].concat()).stdout);
    let train = ["--optimizer", "lbfgs", "--loss", "softmax", "--reg", "0.1"];
    let mut models = Vec::new();
    for (out, format) in
        [("n", "npy"), ("n.npz", "npz"), ("n.safetensors", "safetensors"), ("i", "idx"), ("c", "csv")]
    {
        let run = sandbox.succeed(&[&["data", "convert", out, "--to", format], &from[..]].concat());
        // Quiet or not, it is told where they would be taken for a feature.
        assert_eq!(run.stderr.contains("--weight-column weight"), format == "csv", "{}", run.stderr);
        assert_eq!(digest(&run.stdout), original, "{format}");
        let column = if format == "csv" { &["--weight-column", "weight"][..] } else { &[] };
        let info = sandbox.succeed(&[&["data", "info", "--data", out, "-q"], column].concat());
        assert_eq!(digest(&info.stdout), original, "{format}");
        let run = sandbox.train(&format!("run-{format}"), &[&["--data", out], column, &train].concat());
        models.push(run.weights());
    }
    assert!(models.iter().all(|model| *model == models[0]), "every format gives the same weights");
    for format in ["svmlight", "cifar"] {
        let run = sandbox.run(&[&["data", "convert", "x", "--to", format], &from[..]].concat());
        assert_eq!(run.code, 2, "{run:?}");
        let expected = if format == "cifar" { "expected images" } else { "found weights of the examples" };
        assert!(run.stderr.contains(expected), "{}", run.stderr);
        assert!(!sandbox.path("x").exists());
    }
    let named = ["data", "info", "--data", "n.npz", "--weight-column", "sample_weights_train", "-q"];
    assert!(sandbox.succeed(&named).stdout.contains("Weights in train: from"));
    let sweep = [
        "sweep",
        "--data",
        "n.npz",
        "--grid",
        "reg=0.1,1",
        "--folds",
        "2",
        "--epochs",
        "2",
        "--out",
        "s",
        "-q",
    ];
    assert!(sandbox.succeed(&sweep).stdout.contains("Best:"));
    let check = ["gradcheck", "--data", "n.npz"];
    assert!(sandbox.succeed(&check).stdout.contains("sum_i q_i"));
}

#[test]
fn what_is_no_weight_is_refused() {
    let cases = [
        ("x,label,w\n1,a,1\n2,b,-1\n", "w", 3, "d.csv: line 3, column 3: found -1, expected a weight"),
        ("x,label,w\n1,a,1\n2,b,nan\n", "w", 3, "d.csv: line 3, column 3: found nan, expected a weight"),
        ("x,label,w\n1,a,1\n2,b,\n", "w", 3, "d.csv: line 3, column 3: found nothing, expected a weight"),
        ("x,label,w\n1,a,1\n2,b,1\n", "v", 3, "expected the weight column \"v\" among x, label, w"),
        ("x,label,w\n1,a,1\n2,b,1\n", "4", 3, "found 3 columns without it, expected the weight column"),
        (
            "x,label,w\n1,a,1\n2,b,1\n",
            "label",
            3,
            "found column 2 for labels and weights, expected a column for each",
        ),
        ("label,w\na,1\nb,1\n", "w", 3, "found a label and no other column"),
        (
            "x,label,w\n1,a,0\n2,b,0\n3,a,0\n",
            "w",
            3,
            "weights of the examples: found a mean of 0 over the training rows",
        ),
        ("1 1:1\n2 1:2\n", "w", 3, "--weight-column: has no effect on d.csv: it is svmlight"),
    ];
    for (text, column, code, expected) in cases {
        let sandbox = Sandbox::new();
        sandbox.write("d.csv", text);
        let args = [
            "train",
            "--data",
            "d.csv",
            "--test-split",
            "1",
            "--weight-column",
            column,
            "--out",
            "run",
            "-q",
        ];
        let run = sandbox.run(&args);
        assert_eq!(run.code, code, "{text:?}: {run:?}");
        assert!(run.stderr.contains(expected), "{text:?}: {}", run.stderr);
        assert_eq!(run.stderr.lines().count(), 2, "{}", run.stderr);
        assert!(!sandbox.path("run").exists());
    }
}
