//! LECTURE.md: every command in it is run, and prints what the page says; every example of the lecture is on the page.

use crate::page::{Page, ROOT, project, words};
use crate::printed::Compare;
use std::fs;
use std::path::Path;

const PAGE: Page = Page("LECTURE.md");

#[test]
fn every_command_prints_what_the_page_says() {
    let examples = PAGE.examples();
    let data = crate::real_data::cifar10();
    let sandbox = project(data.as_deref());
    let mut wrong = Vec::new();
    for example in examples.iter().filter(|example| data.is_some() || !example.real) {
        let compare = if example.real { Compare::Numbers } else { Compare::Letters };
        wrong.extend(example.difference(&sandbox, compare));
    }
    PAGE.assert_true(&wrong);

    // What is drawn from typed numbers is the same everywhere, so the pictures of the page are compared to the byte.
    for example in examples.iter().filter(|example| !example.real) {
        let words = words(&example.command);
        let Some(name) = words.iter().skip_while(|word| *word != "--svg").nth(1) else { continue };
        let written = fs::read(sandbox.path(name)).expect("a picture");
        let shown = fs::read(Path::new(ROOT).join("docs").join(name)).unwrap_or_default();
        assert!(written == shown, "docs/{name} is not what this writes; copy it there: {}", example.command);
    }
}

/// Each row of what the lecture works out: a part of the command that shows it, and what its output must hold.
const WORKED_EXAMPLES: [(&str, &str, &[&str]); 19] = [
    (
        "three pictures",
        "--scores 3.2,5.1,-1.7",
        &["= 2.9\n", "SVM loss      0 + 0 = 0", "= 12.9", "/ 3 = 5.27"],
    ),
    ("loss near 0", "0,0,0,0,0,0,0,0,0,0", &["(K - 1) * margin = 9", "ln K = 2.303"]),
    ("hinge", "--weights", &["= -2.85\n", "= 0.86\n", "= 0.28\n", "0 + 1.58 = 1.58"]),
    ("cross-entropy", "--weights", &["0.0578", "2.36", "1.32", "0.0154", "0.631", "0.353", "= 1.04 nats"]),
    (
        "the slips of the slide",
        "--weights",
        &["0.452 is -log10(0.353)", "0.016 divides rounded exponentials"],
    ),
    (
        "random search",
        "random-search --attempts 1000",
        &["the loss was 8.57", "best 8.57", "Accuracy = 15.37%"],
    ),
    ("with the mean", "--preprocess none", &["the loss was 9.23", "the loss was 11.90"]),
    ("numerical gradient", "--losses", &["0.0001 = -2.5", "0.0001 = 0.6", "0.0001 = 0"]),
    (
        "forward and centered",
        "explain gradient --svg",
        &["-1.480929e-3   -1.485140e-3     2.8e-3", "is restored"],
    ),
    ("gradient check", "gradcheck", &["centered difference", "forward difference", "gradcheck passed"]),
    ("gradient descent", "configs/gradient-descent.toml", &["loss 9.0000", "loss 4.6258"]),
    ("minibatch", "configs/minibatch.toml --out", &["loss 4.9488", "loss 4.1538"]),
    ("step size", "configs/sweep/step-sizes.toml", &["0.05", "0.006", "0.001", "1e-6"]),
    (
        "update formulas",
        "configs/sweep/update-rules.toml",
        &["sgd", "momentum", "adagrad", "rmsprop", "adam"],
    ),
    ("paths on a surface", "--surface beale", &["sgd ", "momentum", "adagrad", "rmsprop", "adam"]),
    (
        "the classifier as a graph",
        "explain graph --classifier svm",
        &["*  of  x, 1  and  W, b", "hinge  of  s", "R(W)  of  W, b", "+  of  L_i  and  R"],
    ),
    ("full loss", "explain graph --classifier svm", &["L_i = 1.58", "R = 0.9466", "L = 2.5266"]),
    ("x^2 + y^2", "x^2 + y^2", &["df/dx = 10", "df/dy =  6"]),
    (
        "(x + y) z",
        "(x + y) * z",
        &[
            "q     x + y          3",
            "f     q * z        -12",
            "df/dq = z = -4",
            "df/dx = -4",
            "df/dy = -4",
            "df/dz =  3",
        ],
    ),
];

#[test]
fn every_worked_example_is_on_the_page() {
    let examples = PAGE.examples();
    for (row, command, parts) in WORKED_EXAMPLES {
        let of_row: Vec<_> = examples.iter().filter(|example| example.command.contains(command)).collect();
        assert!(!of_row.is_empty(), "{row}: no command of LECTURE.md has {command:?}");
        for part in parts {
            let shown = of_row.iter().any(|example| (example.printed.join("\n") + "\n").contains(part));
            assert!(shown, "{row}: no {part:?} in what {command:?} prints in LECTURE.md");
        }
    }
}

#[test]
fn every_link_leads_somewhere() {
    PAGE.assert_links();
}
