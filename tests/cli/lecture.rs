//! LECTURE.md: every command in it is run, and prints what the page says; every example of the lecture is on the page.
//!
//! A block of ` ```console ` holds commands, each behind `$ `, and all that they print, both streams in their order, with
//! `...` for what is left out. In ` ```console cifar-10 ` they need the real data, so they run only where `CIFAR10_DIR`
//! names them, and are compared by [`Compare::Numbers`].

use crate::printed::{Compare, prints};
use crate::support::Sandbox;
use std::fs;
use std::io::Read;
use std::path::Path;
use std::process::Stdio;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// A command of the page and what it prints.
struct Example {
    command: String,
    printed: Vec<String>,
    /// Line of the page.
    line: usize,
    /// On the real data.
    real: bool,
}

fn page() -> String {
    fs::read_to_string(Path::new(ROOT).join("LECTURE.md")).expect("LECTURE.md")
}

fn examples(page: &str) -> Vec<Example> {
    let mut examples: Vec<Example> = Vec::new();
    let mut fence = None;
    for (at, line) in page.lines().enumerate() {
        match (fence, line.strip_prefix("```")) {
            (None, Some(kind)) => fence = Some(kind),
            (Some(_), Some(_)) => fence = None,
            (Some(kind), None) if kind.starts_with("console") => {
                assert!(
                    ["console", "console cifar-10"].contains(&kind),
                    "LECTURE.md, line {at}: found {kind}"
                );
                if let Some(command) = line.strip_prefix("$ ") {
                    examples.push(Example {
                        command: command.into(),
                        printed: Vec::new(),
                        line: at + 1,
                        real: kind == "console cifar-10",
                    });
                    continue;
                }
                let example = examples.last_mut().expect("a command before what it prints");
                match line.strip_prefix("> ") {
                    Some(more) if example.command.ends_with('\\') => {
                        example.command.pop();
                        example.command.push_str(more);
                    }
                    _ => example.printed.push(line.into()),
                }
            }
            _ => {}
        }
    }
    examples
}

/// The words of a command line, as a shell sees them: quotes, and nothing else that is special.
fn words(command: &str) -> Vec<String> {
    let mut words = Vec::new();
    let (mut word, mut quote, mut begun) = (String::new(), None, false);
    for c in command.chars() {
        match quote {
            Some(open) if c == open => quote = None,
            None if c == '"' || c == '\'' => (quote, begun) = (Some(c), true),
            None if c == ' ' => {
                if std::mem::take(&mut begun) {
                    words.push(std::mem::take(&mut word));
                }
            }
            None if "|&;<>$`*?".contains(c) => panic!("{command}: only a shell knows {c}"),
            _ => {
                word.push(c);
                begun = true;
            }
        }
    }
    assert!(quote.is_none(), "{command}: a quote is open");
    if begun {
        words.push(word);
    }
    words
}

/// Runs a command of the page; what it prints, as a terminal shows it.
fn output(sandbox: &Sandbox, example: &Example) -> String {
    let words = words(&example.command);
    let Some(("cifar-train", args)) = words.split_first().map(|(program, args)| (program.as_str(), args))
    else {
        panic!("LECTURE.md, line {}: expected cifar-train", example.line)
    };
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let (mut reader, writer) = std::io::pipe().expect("a pipe");
    let mut command = sandbox.command(&args);
    command.stdin(Stdio::null()).stdout(writer.try_clone().expect("a pipe")).stderr(writer);
    let mut child = command.spawn().expect("the binary starts");
    // Closes the writing ends here, so that the reading one sees the end.
    drop(command);
    let mut text = String::new();
    reader.read_to_string(&mut text).expect("UTF-8");
    let status = child.wait().expect("it ends");
    assert!(status.success(), "LECTURE.md, line {}: {status}\n$ {}\n{text}", example.line, example.command);
    text
}

/// The project's folder as a student has it: presets, and CIFAR-10 in its place if there is one.
fn project(data: Option<&str>) -> Sandbox {
    let sandbox = Sandbox::new();
    link(&Path::new(ROOT).join("configs"), &sandbox.path("configs"));
    if let Some(data) = data {
        fs::create_dir(sandbox.path("data")).expect("a new folder");
        link(Path::new(data), &sandbox.path("data/cifar-10-batches-bin"));
    }
    sandbox
}

fn link(folder: &Path, place: &Path) {
    #[cfg(unix)]
    std::os::unix::fs::symlink(folder, place).expect("a link");
    #[cfg(windows)]
    std::os::windows::fs::symlink_dir(folder, place).expect("a link");
}

#[test]
fn every_command_prints_what_the_page_says() {
    let examples = examples(&page());
    let data = crate::real_data::cifar10();
    let sandbox = project(data.as_deref());
    let mut wrong = Vec::new();
    for example in examples.iter().filter(|example| data.is_some() || !example.real) {
        let printed = output(&sandbox, example);
        let compare = if example.real { Compare::Numbers } else { Compare::Letters };
        if !prints(&example.printed.join("\n"), &printed, compare) {
            wrong.push(format!("line {}:\n$ {}\n{printed}", example.line, example.command));
        }
    }
    assert!(
        wrong.is_empty(),
        "LECTURE.md shows other output than these commands print:\n\n{}",
        wrong.join("\n")
    );

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
    let examples = examples(&page());
    for (row, command, parts) in WORKED_EXAMPLES {
        let of_row: Vec<_> = examples.iter().filter(|example| example.command.contains(command)).collect();
        assert!(!of_row.is_empty(), "{row}: no command of LECTURE.md has {command:?}");
        for part in parts {
            let shown = of_row.iter().any(|example| (example.printed.join("\n") + "\n").contains(part));
            assert!(shown, "{row}: no {part:?} in what {command:?} prints in LECTURE.md");
        }
    }
}

/// Files are there, and headings that are linked to have these names.
#[test]
fn every_link_leads_somewhere() {
    let page = page();
    let headings = page.lines().filter_map(|line| line.strip_prefix("## "));
    let kept = |c: &char| c.is_alphanumeric() || matches!(c, ' ' | '-');
    let anchors: Vec<String> = headings
        .map(|title| title.to_lowercase().chars().filter(kept).collect::<String>().replace(' ', "-"))
        .collect();
    for part in page.split("](").skip(1) {
        let (target, _) = part.split_once(')').expect("a link ends");
        match target.split_once('#') {
            Some(("", anchor)) => {
                assert!(anchors.iter().any(|known| known == anchor), "#{anchor} is no heading");
            }
            other => {
                let file = other.map_or(target, |(file, _)| file);
                assert!(
                    Path::new(ROOT).join(file).exists(),
                    "LECTURE.md links to {file}, which is not there"
                );
            }
        }
    }
}
