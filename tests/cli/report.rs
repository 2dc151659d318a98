//! `report`: pages that stand on their own, of any run; and what it refuses.

use crate::support::{CLASSES, Sandbox, json, number};
use std::collections::HashSet;
use std::fs;

/// A sandbox with a data set and a run of it, whose weights are still nearly those of its random start: bad enough for
/// every part of a report to have something to show.
fn trained() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.cifar10("data");
    let bad = ["--epochs", "2", "--loss", "softmax", "--init-scale", "0.1", "--lr", "1e-6"];
    sandbox.train("runs/sgd", &[&["--data", "data"], &bad[..]].concat());
    sandbox
}

fn page(sandbox: &Sandbox, file: &str) -> String {
    let page = fs::read_to_string(sandbox.path(file)).expect("a page in UTF-8");
    check(&page);
    page
}

/// What holds for every page: well-formed, headings in order, references that lead somewhere, nothing from elsewhere.
fn check(page: &str) {
    let elements = elements(page);
    let ids: Vec<&str> = elements.iter().filter_map(|element| attribute(element, "id")).collect();
    let unique: HashSet<&&str> = ids.iter().collect();
    assert_eq!(ids.len(), unique.len(), "{ids:?}");
    let mut level = 0;
    for element in &elements {
        let name = element.split([' ', '/']).next().unwrap_or_default();
        if let Some(found) = name.strip_prefix('h').and_then(|rest| rest.parse::<usize>().ok()) {
            assert!(found <= level + 1, "h{found} after h{level}");
            level = found;
        }
        match name {
            "a" => {
                let target = attribute(element, "href").and_then(|href| href.strip_prefix('#'));
                assert!(target.is_some_and(|id| unique.contains(&id)), "{element}");
            }
            "img" => {
                assert!(attribute(element, "alt").is_some_and(|alt| !alt.is_empty()), "{element}");
                assert!(element.contains("src=\"data:image/png;base64,"), "{element}");
            }
            "th" => assert!(element.contains("scope=\""), "{element}"),
            "svg" => assert!(attribute(element, "aria-label").is_some(), "{element}"),
            "script" | "link" | "iframe" | "object" | "form" => panic!("{element}"),
            _ => {}
        }
        assert!(attribute(element, "src").is_none() || name == "img", "{element}");
        let names = element.split('"').step_by(2);
        names.for_each(|name| assert!(!name.trim().starts_with("on"), "a handler in {element}"));
    }
    for other in ["://", "url(", "@import"] {
        assert!(!page.contains(other), "{other}");
    }
    let shown = page
        .split("src=\"data:image/png;base64,")
        .map(|part| part.split_once('"').map_or(part, |part| part.1));
    shown.for_each(|text| assert!(!text.contains("NaN") && !text.contains("inf%"), "{text}"));
    let labels = elements.iter().filter_map(|element| attribute(element, "aria-labelledby"));
    labels.for_each(|id| assert!(unique.contains(&id), "{id}"));
}

/// The opening tags, without their brackets; panics unless every element is closed where it should be.
fn elements(page: &str) -> Vec<&str> {
    let mut open: Vec<&str> = Vec::new();
    let mut elements = Vec::new();
    let mut rest = page.strip_prefix("<!DOCTYPE html>").expect("a document type");
    while let Some(start) = rest.find('<') {
        let end = start + rest[start..].find('>').expect("an end of the tag");
        let tag = &rest[start + 1..end];
        rest = &rest[end + 1..];
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(open.pop(), Some(name), "closed");
            continue;
        }
        let name = tag.split([' ', '/']).next().unwrap_or_default();
        elements.push(tag);
        if name == "style" {
            rest = &rest[rest.find("</style>").expect("an end of the style")..];
        }
        if !tag.ends_with('/') && !["meta", "img", "br"].contains(&name) {
            open.push(name);
        }
    }
    assert!(open.is_empty(), "{open:?}");
    elements
}

fn attribute<'a>(element: &'a str, name: &str) -> Option<&'a str> {
    element.split(&format!(" {name}=\"")).nth(1)?.split('"').next()
}

#[test]
fn of_one_run_has_everything_in_one_file() {
    let sandbox = trained();
    let run = sandbox.succeed(&["report", "runs/sgd", "--mistakes", "5"]);
    assert_eq!(run.stdout, "Saved: runs/sgd/report.html\n");
    let page = page(&sandbox, "runs/sgd/report.html");
    let result: serde_json::Value =
        serde_json::from_slice(&fs::read(sandbox.path("runs/sgd/result.json")).expect("reads"))
            .expect("JSON");
    let accuracy =
        format!("<p class=\"score\">{:.2}%</p>", 100.0 * result["test_accuracy"].as_f64().expect("a share"));
    for expected in [
        accuracy.as_str(),
        "95% interval",
        "Softmax classifier, minibatch SGD",
        "aria-label=\"(1/N) sum_i -ln(e^s_y / sum_j e^s_j) + 0.001 sum W^2\"",
        "full loss (softmax) against epochs",
        "Most often confused",
        "batch-size = 256",
        result["data_digest"].as_str().expect("a digest"),
        result["machine"]["system"].as_str().expect("a system"),
    ] {
        assert!(page.contains(expected), "{expected}");
    }
    for name in CLASSES {
        assert!(page.contains(&format!("Weights of the class {name}")), "{name}");
    }
    assert_eq!(page.matches("alt=\"Test image ").count(), 5);
    assert_eq!(page.matches("<tr>").count() - page.matches("<thead><tr>").count(), 10 + 10 + 11);
}

/// The picture shown is the image that was mistaken, and nothing is shown that was right.
#[test]
fn mistakes_agree_with_predict() {
    let sandbox = trained();
    let run = sandbox.succeed(&["report", "runs/sgd", "--mistakes", "100", "-q"]);
    assert_eq!(run.stderr, "");
    let page = page(&sandbox, "runs/sgd/report.html");
    let predictions = sandbox.succeed(&["predict", "runs/sgd", "data"]).stdout;
    let mut wrong = 0;
    for line in predictions.lines().skip(1) {
        let cells: Vec<&str> = line.split(',').collect();
        let alt = format!("alt=\"Test image {}: {}, taken for {}\"", cells[0], cells[1], cells[2]);
        assert_eq!(page.contains(&alt), cells[1] != cells[2], "{alt}");
        wrong += usize::from(cells[1] != cells[2]);
    }
    assert_eq!(page.matches("alt=\"Test image ").count(), wrong);
    assert!(wrong > 0, "the model is bad enough to have something to show");
}

#[test]
fn of_several_runs_is_a_comparison_and_then_each() {
    let sandbox = trained();
    sandbox.train("lbfgs", &["--data", "data", "--optimizer", "lbfgs", "--reg", "0.1"]);
    sandbox.train("search", &["--data", "data", "--strategy", "random-search", "--attempts", "20"]);
    sandbox.train("held", &["--data", "data", "--validation", "40", "--epochs", "3"]);
    let run = sandbox.succeed(&["report", "runs/sgd", "lbfgs", "search", "held"]);
    assert_eq!(run.stdout, "Saved: report.html\n");
    let page = page(&sandbox, "report.html");
    for expected in [
        "<h1>4 runs compared</h1>",
        "seconds of training",
        "full loss (softmax) of all runs",
        "full loss (svm) of all runs",
        "validation accuracy of all runs",
        "Behind ",
        "Settings that differ",
        "SVM classifier, L-BFGS",
        "SVM classifier, random search",
        "gap against iterations",
        "loss of each attempt",
        "data loss (svm) against epochs",
        "id=\"d-mistakes\"",
    ] {
        assert!(page.contains(expected), "{expected}");
    }
    assert!(!page.contains("Not the same data"));
    for name in ["sgd", "lbfgs", "search", "held"] {
        assert!(page.contains(&format!("<a href=\"#{}-run\">{name}</a>", letter(name))), "{name}");
    }

    // What a script wants of it: who is how far behind, over the same examples.
    let run = sandbox.succeed(&["report", "runs/sgd", "lbfgs", "--json", "--force"]);
    let found = json(&run.stdout);
    assert_eq!(found["out"], "report.html");
    let [first, second] = &found["runs"].as_array().expect("runs")[..] else { panic!("{found}") };
    assert_eq!((&first["name"], &second["name"]), (&"sgd".into(), &"lbfgs".into()));
    assert!(second["behind"].is_null(), "the best: {found}");
    let behind = number(&first["behind"], "difference");
    let expected = number(second, "test_accuracy") - number(first, "test_accuracy");
    assert!((behind - expected).abs() < 1e-12 && behind > 0.0, "{found}");
    assert!(first["behind"]["interval"][0].as_f64() <= Some(behind), "{found}");

    // Runs of one kind share what they count.
    sandbox.succeed(&["report", "runs/sgd", "held", "--out", "two.html"]);
    let page = self::page(&sandbox, "two.html");
    assert!(page.contains(">epochs</text>") && !page.contains("seconds of training"));
}

fn letter(name: &str) -> char {
    match name {
        "sgd" => 'a',
        "lbfgs" => 'b',
        "search" => 'c',
        _ => 'd',
    }
}

#[test]
fn runs_on_other_data_are_not_compared_in_silence() {
    let sandbox = trained();
    sandbox.train("generated", &["--data", "generated", "--epochs", "1"]);
    sandbox.succeed(&["report", "runs/sgd", "generated"]);
    let page = page(&sandbox, "report.html");
    assert!(page.contains("Not the same data") && !page.contains("Classes side by side"));
}

#[test]
fn the_same_runs_give_the_same_bytes() {
    let sandbox = trained();
    for (out, threads) in [("a.html", "1"), ("b.html", "1"), ("c.html", "3")] {
        sandbox.succeed(&["report", "runs/sgd", "--out", out, "--threads", threads]);
    }
    let bytes = |file| fs::read(sandbox.path(file)).expect("reads");
    assert!(bytes("a.html") == bytes("b.html") && bytes("a.html") == bytes("c.html"));
}

#[test]
fn an_earlier_file_is_replaced_only_by_force() {
    let sandbox = trained();
    sandbox.write("runs/sgd/report.html", "mine");
    let run = sandbox.run(&["report", "runs/sgd"]);
    assert_eq!(run.code, 2, "{run:?}");
    assert!(
        run.stderr.contains("runs/sgd/report.html: found an existing file, expected a new one"),
        "{run:?}"
    );
    assert!(run.stderr.contains("hint: --force replaces it"), "{run:?}");
    assert_eq!(fs::read_to_string(sandbox.path("runs/sgd/report.html")).expect("reads"), "mine");
    sandbox.succeed(&["report", "runs/sgd", "--force"]);
    page(&sandbox, "runs/sgd/report.html");
    let hidden = sandbox.entries().into_iter().filter(|path| path.to_string_lossy().contains("/."));
    assert_eq!(hidden.count(), 0, "no temporary file stays");
}

#[test]
fn what_is_no_run_is_an_error_that_says_so() {
    let sandbox = trained();
    sandbox.write("file", "x");
    sandbox.train("no-history", &["--data", "data", "--epochs", "1"]);
    fs::remove_file(sandbox.path("no-history/history.csv")).expect("removes");
    sandbox.train("bad-result", &["--data", "data", "--epochs", "1"]);
    sandbox.edit("bad-result/result.json", |bytes| bytes.truncate(100));
    sandbox.train("bad-history", &["--data", "data", "--epochs", "1"]);
    sandbox.write("bad-history/history.csv", "name,age\na,1\n");
    for (args, code, expected) in [
        (&["nowhere"][..], 1, "error: cannot read nowhere: "),
        (&["file"], 3, "error: file: found a file, expected a run folder"),
        (&["data"], 3, "error: data: found a folder without result.json, expected a run folder"),
        (&["runs/sgd", "data"], 3, "error: data: found a folder without"),
        (&["no-history"], 1, "error: cannot read no-history/history.csv: "),
        (&["bad-result"], 3, "error: bad-result/result.json: found no such result (EOF"),
        (
            &["bad-history"],
            3,
            "error: bad-history/history.csv: found a first column \"name\", expected a history",
        ),
        (&["runs/sgd", "--out", "no/such/file.html"], 1, "error: cannot write no/such/file.html: "),
        (&["runs/sgd", "--out", "data", "--force"], 2, "error: data: found an existing folder"),
        (&["runs/sgd", "--data", "nowhere"], 1, "error: cannot read nowhere: "),
        (&["runs/sgd", "--data", "generated"], 3, "as the model has"),
        (&[], 2, "required arguments were not provided"),
    ] {
        let run = sandbox.run(&[&["report", "--mistakes", "1"], args].concat());
        assert_eq!(run.code, code, "{args:?}: {run:?}");
        assert!(run.stderr.contains(expected) && run.stderr.contains("\nhint: "), "{args:?}: {run:?}");
        assert_eq!(run.stdout, "", "{args:?}");
    }
    let pages = sandbox.entries().into_iter().filter(|path| path.extension().is_some_and(|e| e == "html"));
    assert_eq!(pages.count(), 0);
}

#[test]
fn changed_data_are_an_error() {
    let sandbox = trained();
    // A pixel of a training image: the test set alone would not tell.
    sandbox.edit("data/data_batch_1.bin", |bytes| bytes[500] ^= 1);
    let run = sandbox.run(&["report", "runs/sgd"]);
    assert_eq!(run.code, 3, "{run:?}");
    assert!(
        run.stderr.contains("CIFAR-10: found BLAKE3 ") && run.stderr.contains("runs/sgd/result.json has"),
        "{run:?}"
    );
    assert!(!sandbox.path("runs/sgd/report.html").exists());
}

#[test]
fn without_its_data_a_run_is_reported_as_far_as_it_can_be() {
    let sandbox = trained();
    fs::rename(sandbox.path("data"), sandbox.path("moved")).expect("moves");
    let run = sandbox.succeed(&["report", "runs/sgd"]);
    assert!(run.stderr.contains("warning: runs/sgd: the run's data, "), "{run:?}");
    assert!(run.stderr.contains("hint: --data gives another place"), "{run:?}");
    let without = page(&sandbox, "runs/sgd/report.html");
    assert!(
        without.contains("Without classes, confusions and mistakes")
            && !without.contains("Most often confused")
    );
    assert!(without.contains("Weights of the class ship"));

    sandbox.succeed(&["report", "runs/sgd", "--data", "moved", "--force"]);
    let with = page(&sandbox, "runs/sgd/report.html");
    assert!(with.contains("Most often confused") && !with.contains("Without classes"));
}

#[test]
fn text_from_files_stays_text() {
    let sandbox = Sandbox::new();
    sandbox.cifar10("d<b>ta");
    let hostile =
        ["<script>alert(1)</script>", "\"><img src=x onerror=alert(1)>", "&lt;", "\u{202e}evil", "'"];
    let names: Vec<&str> = hostile.iter().copied().chain(CLASSES).take(10).collect();
    sandbox.write("d<b>ta/batches.meta.txt", names.join("\n"));
    let mut runs = vec!["report"];
    for run in ["a <i>", "b&amp;"] {
        sandbox.train(run, &["--data", "d<b>ta", "--epochs", "1"]);
        runs.push(run);
    }
    sandbox.succeed(&runs);
    let page = page(&sandbox, "report.html");
    assert!(page.contains("&lt;script&gt;alert(1)&lt;/script&gt;") && page.contains("&amp;lt;"));
    assert!(page.contains("\u{fffd}evil") && !page.contains('\u{202e}'));
    assert!(page.contains("a &lt;i&gt;") && page.contains("b&amp;amp;") && page.contains("d&lt;b&gt;ta"));
}

#[test]
fn runs_that_did_not_go_to_their_end_say_so() {
    let sandbox = Sandbox::new();
    sandbox.cifar10("data");
    let run = sandbox.run(&["-q", "--data", "data", "--lr", "1e30", "--out", "diverged"]);
    assert_eq!(run.code, 4, "{run:?}");
    sandbox.succeed(&["report", "diverged"]);
    let diverged = page(&sandbox, "diverged/report.html");
    assert!(diverged.contains("This run did not go to its end: "));

    // Interrupted before anything was finished.
    sandbox.train("early", &["--data", "data", "--strategy", "random-search", "--attempts", "3"]);
    sandbox.edit("early/result.json", |bytes| {
        let text = String::from_utf8_lossy(bytes).replace("\"completed\"", "\"interrupted\"");
        *bytes = text.into_bytes();
    });
    sandbox.write("early/history.csv", "attempt,objective,best,seconds\n");
    sandbox.succeed(&["report", "early"]);
    let early = page(&sandbox, "early/report.html");
    assert!(early.contains("did not go to its end") && early.contains("no attempt finished"));
    sandbox.succeed(&["report", "early", "diverged"]);
    page(&sandbox, "report.html");
}

/// A matrix of so many numbers could not be read, and becomes a picture.
#[test]
fn many_classes() {
    let sandbox = Sandbox::new();
    sandbox.cifar10("data");
    let names: Vec<String> = (0..25).map(|class| format!("kind {class}")).collect();
    sandbox.write("data/batches.meta.txt", names.join("\n"));
    sandbox.train("run", &["--data", "data", "--epochs", "1"]);
    sandbox.succeed(&["report", "run", "--mistakes", "0"]);
    let page = page(&sandbox, "run/report.html");
    assert!(
        page.contains("alt=\"Confusion matrix as a picture\"")
            && !page.contains("<table class=\"confusion\"")
    );
    assert!(page.contains("None to show") && page.contains("Weights of the class kind 24"));
    // No image is of that class: there is nothing to recognise.
    assert!(page.contains("<th scope=\"row\">kind 24</th><td>0</td><td><span class=\"number\">-</span>"));
}
