//! `explain`: the lecture's own numbers, to the digits it shows; pictures that appear where told; errors with a place.

use crate::support::{Sandbox, after, json, number};

/// What must be in the text that `args` print.
fn assert_prints(args: &[&str], parts: &[&str]) {
    let run = Sandbox::new().succeed(args);
    for part in parts {
        assert!(run.stdout.contains(part), "{args:?}: no {part:?} in\n{}", run.stdout);
    }
    assert!(!run.stdout.contains("NaN") && !run.stdout.contains("inf"), "{}", run.stdout);
}

/// The error of `args`, which must be the one line before a hint.
fn refused(sandbox: &Sandbox, args: &[&str], code: i32) -> String {
    let before = sandbox.entries();
    let run = sandbox.run(args);
    assert_eq!((run.code, run.stdout.as_str()), (code, ""), "{args:?}: {run:?}");
    let lines: Vec<&str> = run.stderr.lines().collect();
    assert!(matches!(lines[..], [_, hint] if hint.starts_with("hint: ")), "{args:?}: {}", run.stderr);
    assert_eq!(sandbox.entries(), before, "{args:?} left something behind");
    lines[0].trim_start_matches("error: ").to_owned()
}

const LECTURE: [&str; 6] = ["explain", "graph", "(x + y) * z", "x=-2", "y=5", "z=-4"];

/// Slide "f = (x + y) z": q = 3, f = -12; df/dq = -4, df/dz = 3, df/dx = -4, df/dy = -4.
#[test]
fn the_lectures_graph() {
    let sandbox = Sandbox::new();
    let text = sandbox.succeed(&LECTURE).stdout;
    for (name, value) in [("  q  ", "3"), ("  f  ", "-12")] {
        let line = text.lines().find(|line| line.starts_with(name)).expect("a node");
        assert!(line.ends_with(&format!(" {value}")), "{line}");
    }
    for (name, gradient) in [("x", "-4"), ("y", "-4"), ("z", "3")] {
        assert_eq!(after(&text, &format!("  df/d{name} =")).trim(), gradient);
    }
    let result = json(&sandbox.succeed(&[&LECTURE[..], &["--json"]].concat()).stdout);
    assert_eq!(number(&result, "value"), -12.0);
    let q = result["nodes"].as_array().expect("nodes").iter().find(|node| node["name"] == "q").expect("q");
    assert_eq!((number(q, "value"), number(q, "gradient")), (3.0, -4.0));
    let edge = |input: &str| {
        let edges = result["edges"].as_array().expect("edges").iter();
        let edge = edges.clone().find(|edge| edge["input"] == input).expect("an edge");
        (number(edge, "upstream"), number(edge, "local"), number(edge, "product"))
    };
    assert_eq!(edge("x"), (-4.0, 1.0, -4.0));
    assert_eq!(edge("z"), (1.0, 3.0, 3.0));
}

/// Slide "z = x^2 + y^2" at (5, 3): gradient (10, 6).
#[test]
fn the_lectures_squares() {
    let run = Sandbox::new().succeed(&["explain", "graph", "x^2 + y^2", "x=5", "y=3"]);
    assert_eq!(after(&run.stdout, "  df/dx =").trim(), "10");
    assert_eq!(after(&run.stdout, "  df/dy =").trim(), "6");
}

/// The slide's graph of the classifier at its W, x and b.
#[test]
fn the_classifiers_graph() {
    let graph = |loss| ["explain", "graph", "--classifier", loss];
    assert_prints(&graph("svm"), &["s = -2.85, 0.86, 0.28", "L_i = 1.58", "R(W)", "gradient  0, 1, -1"]);
    assert_prints(&graph("softmax"), &["s = -2.85, 0.86, 0.28", "L_i = 1.04"]);
}

#[test]
fn pictures_go_where_told_and_never_over_another() {
    let sandbox = Sandbox::new();
    let args = [&LECTURE[..], &["--svg", "graph.svg", "--dot", "graph.dot"]].concat();
    sandbox.succeed(&args);
    let read = |name: &str| std::fs::read_to_string(sandbox.path(name)).expect("a file");
    let (svg, dot) = (read("graph.svg"), read("graph.dot"));
    assert!(svg.starts_with("<svg") && svg.contains(">q = 3<") && svg.contains(">f = -12<"), "{svg}");
    assert!(dot.starts_with("digraph") && dot.contains("q = 3"), "{dot}");
    assert_eq!(refused(&sandbox, &args, 2), "graph.svg: found an existing file, expected a new one");
    sandbox.succeed(&[&args[..], &["--force"]].concat());
    let nowhere = [&LECTURE[..], &["--svg", "no/such/folder.svg"]].concat();
    assert!(refused(&sandbox, &nowhere, 1).starts_with("cannot write no/such/folder.svg"));
    sandbox.succeed(&["explain", "graph", "--classifier", "svm", "--svg", "classifier.svg"]);
    assert!(read("classifier.svg").contains(">L_i = 1.58<"));
    sandbox.succeed(&["explain", "gradient", "--quiet", "--svg", "errors.svg"]);
    let errors = read("errors.svg");
    assert!(
        errors.contains(">h, log scale<") && errors.contains(">forward<") && errors.contains(">centered<")
    );
}

#[test]
fn bad_expressions_are_told_with_their_place() {
    let sandbox = Sandbox::new();
    for (args, expected) in [
        (&["(x + )"][..], "expression, character 6: found ')', expected a number, a name or '('"),
        (&["(x + y)) * z"], "expression, character 8: found ')', expected an operator or the end"),
        (&["x + y", "x=1"], "expression, character 5: found 'y', expected a value for it, y=VALUE"),
        (
            &["x", "x=1", "y=2"],
            "y: found a value for a name that is not in the expression, expected one of x",
        ),
        (&["x", "x=1", "x=2"], "x: found two values, expected one"),
        (&["x", "x=inf"], "x: found \"inf\", expected a finite number"),
        (&["x", "x"], "x: expected NAME=VALUE"),
        (&["log(x)", "x=-1"], "f = log(x): found the logarithm of -1, expected a finite number"),
        (&["1 / (x - x)", "x=1"], "f = 1 / q: found a division by 0, expected a finite number"),
        (&["-x / 0", "x=1"], "f = q / 0: found a division by 0, expected a finite number"),
    ] {
        assert_eq!(refused(&sandbox, &[&["explain", "graph"], args].concat(), 2), expected);
    }
    let deep = "(".repeat(1500);
    assert!(refused(&sandbox, &["explain", "graph", &deep], 2).contains("inside one another"));
}

#[test]
fn a_tie_is_told() {
    assert_prints(
        &["explain", "graph", "max(x, y)", "x=2", "y=2"],
        &["is a tie; the gradient goes to the first"],
    );
}

/// Slide "Suppose: 3 training examples, 3 classes": losses 2.9, 0, 12.9, mean 5.27.
#[test]
fn the_lectures_three_pictures() {
    assert_prints(
        &[
            "explain",
            "loss",
            "--names",
            "cat,car,frog",
            "--scores",
            "3.2,5.1,-1.7",
            "--label",
            "cat",
            "--scores",
            "1.3,4.9,2.0",
            "--label",
            "1",
            "--scores",
            "2.2,2.5,-3.1",
            "--label",
            "2",
        ],
        &[
            "max(0, 5.1 - 3.2 + 1) = 2.9",
            "max(0, -1.7 - 3.2 + 1) = max(0, -3.9) = 0",
            "2.9 + 0 = 2.9",
            "0 + 0 = 0",
            "6.3 + 6.6 = 12.9",
            "(2.9 + 0 + 12.9) / 3 = 5.27",
        ],
    );
}

const HINGE_AND_CROSS_ENTROPY: [&str; 10] = [
    "explain",
    "loss",
    "--weights",
    "0.01 -0.05 0.1 0.05; 0.7 0.2 0.05 0.16; 0 -0.45 -0.2 0.03",
    "--x",
    "-15 22 -44 56",
    "--b",
    "0 0.2 -0.3",
    "--label",
    "2",
];

/// Slide "hinge loss, cross-entropy loss": 1.58; exp 0.058, 2.36, 1.32; 0.631, 0.353; and its slips, named.
#[test]
fn the_lectures_hinge_and_cross_entropy() {
    let shared = [
        "max(0, -2.85 - 0.28 + 1)",
        "max(0, 0.86 - 0.28 + 1) = 1.58",
        "0 + 1.58 = 1.58",
        "0.0578",
        "2.36",
        "1.32",
        "0.0154",
        "0.631",
        "0.353",
        "-ln(0.353) = 1.04 nats",
        "the slide's 0.452 is -log10(0.353)",
        "the slide's 0.016 divides rounded exponentials",
    ];
    assert_prints(&HINGE_AND_CROSS_ENTROPY, &shared);
    assert_prints(
        &HINGE_AND_CROSS_ENTROPY,
        &["0.01 * (-15) + (-0.05) * 22 + 0.1 * (-44) + 0.05 * 56 + 0 = -2.85"],
    );
    let scores = ["explain", "loss", "--scores", "-2.85,0.86,0.28", "--label", "2"];
    assert_prints(&scores, &shared);
    let result = json(&Sandbox::new().succeed(&[&scores[..], &["--json"]].concat()).stdout);
    let picture = &result["pictures"][0];
    assert!((number(picture, "svm") - 1.58).abs() < 1e-12);
    assert!((number(picture, "softmax") - 1.04).abs() < 0.005);
    assert!((number(picture, "softmax_log10") - 0.452).abs() < 5e-4);
    assert!((number(&picture["classes"][0], "exp") - 0.058).abs() < 5e-4);
}

/// Q5 of the lecture: W near 0, ten classes.
#[test]
fn all_scores_near_zero() {
    let zeros = ["0"; 10].join(",");
    assert_prints(
        &["explain", "loss", "--scores", &zeros, "--label", "4"],
        &["the sum: 9", "= 2.30 nats", "SVM (K - 1) * margin = 9, softmax ln K = 2.303"],
    );
}

#[test]
fn the_loss_of_a_models_image() {
    let sandbox = Sandbox::new();
    sandbox.cifar10("data");
    sandbox.train("run", &["--data", "data", "--epochs", "1", "--margin", "0.5"]);
    let loss = |image: &str| ["explain", "loss", "--model", "run", "--image", image].map(str::to_owned);
    let args = loss("13");
    let run = sandbox.succeed(&args.each_ref().map(String::as_str));
    assert!(run.stdout.starts_with("test image 13, label cat, predicted "), "{}", run.stdout);
    assert!(run.stdout.contains("max(0, s_j - s_y + 0.5)"), "{}", run.stdout);
    let args = loss("30");
    let error = refused(&sandbox, &[&args.each_ref().map(String::as_str)[..], &["-q"]].concat(), 2);
    assert_eq!(error, "--image: found 30, expected 0 to 29 (test images of CIFAR-10)");
}

#[test]
fn a_probability_too_small_for_a_number_has_a_loss() {
    let args = ["explain", "loss", "--scores", "1000,0,-1000", "--label", "2"];
    assert_prints(&args, &["-ln(p) = 2,000 nats, of a probability p below 1e-300"]);
}

#[test]
fn two_pictures_are_two_files() {
    let sandbox = Sandbox::new();
    let args = ["explain", "graph", "x", "x=1", "--svg", "a", "--dot", "a", "--force"];
    assert_eq!(refused(&sandbox, &args, 2), "--dot: found the file of --svg, expected another");
    assert!(!sandbox.path("a").exists());
}

#[test]
fn scores_and_labels_that_do_not_fit() {
    let sandbox = Sandbox::new();
    for (args, expected) in [
        (&["--scores", "1,2,3", "--label", "3"][..], "--label: found 3, expected 0 to 2"),
        (&["--scores", "1,x", "--label", "0"], "--scores: found \"x\", expected a finite number"),
        (&["--scores", "1", "--label", "0"], "--scores: found 1 score(s) of a picture, expected 2 or more"),
        (
            &["--scores", "1,2", "--scores", "1,2,3", "--label", "0", "--label", "0"],
            "--scores: found 3 score(s) of a picture, expected 2",
        ),
        (
            &["--scores", "1,2", "--label", "0", "--label", "1"],
            "--label: found 2 label(s), expected 1, one a picture",
        ),
        (
            &["--scores", "1,2", "--label", "0", "--names", "cat"],
            "--names: found 1 name(s), expected 2, one a score",
        ),
        (
            &["--weights", "1 2; 3", "--x", "1 2", "--label", "0"],
            "--weights: found 1 number(s) in row 2, expected 2, as in x",
        ),
        (
            &["--weights", "1 2; 3 4", "--x", "1 2", "--b", "1", "--label", "0"],
            "--b: found 1 number(s), expected 2, one a row of W",
        ),
    ] {
        assert_eq!(refused(&sandbox, &[&["explain", "loss"], args].concat(), 2), expected);
    }
}

/// The slide's losses and h: -2.5, 0.6, 0.
#[test]
fn the_lectures_difference_quotients() {
    assert_prints(
        &["explain", "gradient", "--losses", "1.25347,1.25322,1.25353,1.25347", "--h", "0.0001"],
        &[
            "(1.25322 - 1.25347) / 0.0001 = -2.5\n",
            "(1.25353 - 1.25347) / 0.0001 = 0.6\n",
            "(1.25347 - 1.25347) / 0.0001 = 0\n",
        ],
    );
}

/// On a smooth loss: truncation falls with h, and with its square, until rounding takes over.
#[test]
fn the_error_falls_with_h_and_rises_again() {
    let sandbox = Sandbox::new();
    let run = sandbox.succeed(&["explain", "gradient", "--data", "generated", "--json"]);
    let result = json(&run.stdout);
    let study = &result["study"];
    assert_eq!(study["coordinates"].as_array().map(Vec::len), Some(9));
    let first = &study["coordinates"][0];
    let quotient = (number(first, "loss_above") - number(study, "loss")) / 1e-4;
    assert!((quotient - number(first, "forward")).abs() < 1e-8, "the quotient of the losses shown");
    let errors = study["errors"].as_array().expect("errors");
    let error = |h: f64, kind: &str| {
        let at = errors.iter().find(|error| (number(error, "h") / h - 1.0).abs() < 1e-9);
        number(at.expect("this h"), kind)
    };
    for (kind, order) in [("forward", 10.0), ("centred", 100.0)] {
        let ratio = error(1e-1, kind) / error(1e-2, kind);
        assert!((ratio / order - 1.0).abs() < 0.2, "{kind}: {ratio}");
        assert!(error(1e-12, kind) > 100.0 * error(1e-7, kind), "{kind}: rounding");
    }
    assert!(error(1e-4, "centred") < 1e-3 * error(1e-4, "forward"));
}
