//! `explain trajectories`: the race of update rules, on surfaces and on a real loss, as table, JSON and pictures.

use crate::support::{Sandbox, json, number};
use serde_json::Value;

const RULES: [&str; 6] = ["sgd", "momentum", "nesterov", "adagrad", "rmsprop", "adam"];

/// Runs `explain trajectories`, which must succeed.
fn race(sandbox: &Sandbox, args: &[&str]) -> String {
    sandbox.succeed(&[&["explain", "trajectories"], args].concat()).stdout
}

fn race_json(sandbox: &Sandbox, args: &[&str]) -> Value {
    json(&race(sandbox, &[args, &["--json"]].concat()))
}

fn rule<'a>(result: &'a Value, name: &str) -> &'a Value {
    let rules = result["rules"].as_array().expect("rules");
    rules.iter().find(|rule| rule["rule"] == name).unwrap_or_else(|| panic!("no {name} in {result}"))
}

fn end(rule: &Value) -> [f64; 2] {
    [0, 1].map(|axis| rule["end"][axis].as_f64().expect("a coordinate"))
}

/// The error of `args`, which must be the one line before a hint.
fn refused(args: &[&str]) -> String {
    let sandbox = Sandbox::new();
    let run = sandbox.run(&[&["explain", "trajectories"], args].concat());
    assert_eq!((run.code, run.stdout.as_str()), (2, ""), "{args:?}: {run:?}");
    let lines: Vec<&str> = run.stderr.lines().collect();
    let error = match lines[..] {
        [.., error, hint] if hint.starts_with("hint: ") => error,
        _ => panic!("{args:?}: {}", run.stderr),
    };
    assert!(sandbox.entries().is_empty(), "{args:?} left something behind");
    error.trim_start_matches("error: ").to_owned()
}

/// Reads a picture: XML whose elements close as they open, whose text is escaped, and without a number that is none.
fn picture(sandbox: &Sandbox, name: &str) -> String {
    let svg = std::fs::read_to_string(sandbox.path(name)).expect("a picture");
    let mut open: Vec<&str> = Vec::new();
    let (mut rest, mut largest) = (svg.as_str(), 0.0);
    while let Some((text, after)) = rest.split_once('<') {
        let entities = text.split('&').skip(1);
        entities.for_each(|part| assert!(part.contains(';'), "an unescaped & in {text:?}"));
        let (tag, after) = after.split_once('>').expect("a tag ends");
        assert_eq!(tag.matches('"').count() % 2, 0, "quotes of {tag:?}");
        let numbers = tag.split(|c: char| !c.is_ascii_digit() && c != '.');
        largest = numbers.filter_map(|number| number.parse::<f64>().ok()).fold(largest, f64::max);
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(open.pop(), Some(name), "{name} closes");
        } else if !tag.ends_with('/') {
            open.push(tag.split([' ', '\n']).next().expect("a name"));
        }
        rest = after;
    }
    assert!(open.is_empty() && svg.starts_with("<svg "), "{open:?} are open");
    assert!(!svg.contains("NaN") && !svg.contains("inf"), "{name} has a number that is none");
    assert!(largest < 5000.0, "{name} has a coordinate of {largest}");
    svg
}

fn paths(svg: &str) -> usize {
    svg.matches("<path class=\"line ").count()
}

#[test]
fn every_rule_races_on_every_surface() {
    let sandbox = Sandbox::new();
    for surface in ["valley", "saddle", "beale"] {
        let (moving, still) = (format!("{surface}.svg"), format!("{surface}-still.svg"));
        let args = ["--surface", surface, "--svg", &moving, "--still", &still];
        let text = race(&sandbox, &args);
        assert!(!text.contains("NaN") && !text.contains("inf"), "{text}");
        for name in [&moving, &still] {
            let svg = picture(&sandbox, name);
            assert_eq!(paths(&svg), RULES.len(), "{name}");
            assert!(RULES.iter().all(|rule| svg.contains(&format!(">{rule}<"))), "{name}");
            assert!(svg.contains(">start<") && svg.len() < 150_000, "{name}: {} bytes", svg.len());
            assert_eq!(svg.contains("<animate "), *name == moving);
            assert!(svg.matches("class=\"contour\"").count() > 6, "{name}");
        }
        for rule in RULES {
            assert_eq!(text.lines().filter(|line| line.trim_start().starts_with(rule)).count(), 1, "{text}");
        }
    }
}

/// Plain gradient descent on the valley is (x (1 - lr)^n, y (1 - 30 lr)^n).
#[test]
fn sgd_in_the_valley_by_formula() {
    let sandbox = Sandbox::new();
    let args = ["--rules", "sgd=0.06", "--steps", "20", "--start=-9,1.5"];
    let result = race_json(&sandbox, &args);
    let expected = [-9.0 * 0.94_f64.powi(20), 1.5 * 0.8_f64.powi(20)];
    let sgd = rule(&result, "sgd");
    for (found, expected) in end(sgd).into_iter().zip(expected) {
        assert!((found - expected).abs() < 1e-12, "{found} {expected}");
    }
    let height = 0.5 * expected[0].powi(2) + 15.0 * expected[1].powi(2);
    assert!((number(sgd, "height") - height).abs() < 1e-12);
    assert!((number(sgd, "distance") - expected[0].hypot(expected[1])).abs() < 1e-12);
    assert_eq!(sgd["path"].as_array().map(Vec::len), Some(21));
    assert!(sgd["left_at_step"].is_null());
}

/// A constant reaches the rules: velocity kept 0 makes momentum plain gradient descent.
#[test]
fn momentum_without_memory_is_sgd() {
    let sandbox = Sandbox::new();
    let args = ["--rules", "sgd,momentum,nesterov", "--lr", "0.02", "--momentum", "0", "--surface", "beale"];
    let result = race_json(&sandbox, &args);
    assert_eq!(end(rule(&result, "sgd")), end(rule(&result, "momentum")));
    assert_eq!(end(rule(&result, "sgd")), end(rule(&result, "nesterov")));
}

/// Above 2/30, at 0.07 by a tenth of y a step from 1.5 to beyond 2, the valley throws plain gradient descent out; far above, its numbers end.
#[test]
fn who_diverges_leaves_with_a_label() {
    let sandbox = Sandbox::new();
    let args =
        ["--rules", "sgd=0.07,momentum=1e308,adam=1e300,sgd=0.05", "--svg", "a.svg", "--still", "b.svg"];
    let text = race(&sandbox, &args);
    assert!(text.contains("leaves at step 4\n") && text.contains("not finite at step"), "{text}");
    for name in ["a.svg", "b.svg"] {
        let svg = picture(&sandbox, name);
        assert_eq!(paths(&svg), 4);
        for label in [">sgd, step 4<", ">momentum, step 1<", ">adam, step 1<"] {
            assert_eq!(svg.matches(label).count(), 1, "{label} in {name}");
        }
    }
    let result = race_json(&sandbox, &args[..2]);
    let sgd = &result["rules"][0];
    assert_eq!(number(sgd, "left_at_step"), 4.0);
    assert!(rule(&result, "momentum")["not_finite_at_step"].is_u64());
    assert!(result["rules"][3]["left_at_step"].is_null(), "below 2/30 it stays");
}

/// The plane of a run's path: its start at (0, 0), its end on the axis, the loss of both those of the run.
#[test]
fn the_real_loss() {
    let sandbox = Sandbox::new();
    sandbox.cifar10("data");
    let run = ["--surface", "loss", "--data", "data", "--loss", "softmax", "--epochs", "6", "-b", "20"];
    let pictures = ["--svg", "a.svg", "--still", "b.svg", "--json", "--quiet"];
    let result = json(&race(&sandbox, &[&run[..], &pictures].concat()));
    for name in ["a.svg", "b.svg"] {
        let svg = picture(&sandbox, name);
        assert_eq!(paths(&svg), RULES.len());
        let share = format!("the plane holds {:.1}% of the variance", 100.0 * number(&result, "share"));
        assert!(
            svg.contains(&share) && svg.contains(">end<") && svg.contains("all 200 training rows"),
            "{share}"
        );
    }
    let sgd = rule(&result, "sgd");
    let path = sgd["path"].as_array().expect("a path");
    assert_eq!((path.len(), &path[0]), (61, &json("[0, 0.0, 0.0]")));
    let [along, across] = end(sgd);
    assert!(along > 0.0 && across.abs() < 1e-6 * along && number(sgd, "off_plane") < 1e-6 * along);
    assert_eq!(number(sgd, "share"), number(&result, "share"));

    // The run that `train` does with the same settings ends at the same loss.
    let trained = sandbox.train("run", &[&run[2..], &["--threads", "2"]].concat()).result();
    let (found, expected) = (number(sgd, "full_loss"), number(&trained, "objective"));
    assert!((found - expected).abs() < 1e-5 * expected, "{found} {expected}");
    assert!(number(&result, "lowest_on_plane") <= found * (1.0 + 1e-3));

    for (threads, name) in [("1", "c.svg"), ("3", "d.svg")] {
        race(&sandbox, &[&run[..], &["--threads", threads, "--still", name, "--quiet"]].concat());
        assert!(
            picture(&sandbox, name) == picture(&sandbox, "b.svg"),
            "the same bytes for {threads} threads"
        );
    }
    let alone = race_json(&sandbox, &[&run[..], &["--rules", "sgd"]].concat());
    assert_eq!(rule(&alone, "sgd")["path"], sgd["path"], "whoever else runs");
}

#[test]
fn a_run_may_come_from_a_file_and_diverge() {
    let sandbox = Sandbox::new();
    sandbox.cifar10("data");
    sandbox.write(
        "run.toml",
        "optimizer = \"momentum\"\nmomentum = 0.5\nlr = 1e-3\nepochs = 2\nbatch-size = 20\ndata = \"data\"\n",
    );
    let loss = ["--surface", "loss", "--config", "run.toml"];
    let result = race_json(&sandbox, &[&loss[..], &["--rules", "adam=0.01", "--beta1", "0.8"]].concat());
    assert_eq!(result["plane_of"], "momentum");
    assert_eq!(result["rules"].as_array().map(Vec::len), Some(2), "the run's own, and adam");
    assert_eq!(number(rule(&result, "momentum"), "lr"), 1e-3);

    let args = [&["explain", "trajectories"], &loss[..], &["--lr", "1e30", "--svg", "a.svg"]].concat();
    let run = sandbox.run(&args);
    assert_eq!((run.code, run.stdout.as_str()), (4, ""), "{run:?}");
    assert!(
        run.stderr.contains("diverged at step") && run.stderr.contains("hint: try --lr"),
        "{}",
        run.stderr
    );
    assert!(!sandbox.path("a.svg").exists());

    let others = [&loss[..], &["--rules", "momentum,sgd=1e30", "--still", "b.svg"]].concat();
    let text = race(&sandbox, &others);
    assert!(text.contains("not finite at step") || text.contains("leaves at step"), "{text}");
    assert!(picture(&sandbox, "b.svg").contains(">sgd, step "));
}

#[test]
fn what_cannot_be_used_is_refused() {
    for (args, expected) in [
        (&["--rules", "sgdd"][..], "--rules: found sgdd, expected sgd, momentum, nesterov,"),
        (&["--rules", "lbfgs"], "--rules: found lbfgs, expected sgd, momentum, nesterov,"),
        (&["--rules", "sgd=0"], "--rules: found sgd=0, expected a finite number above 0 behind the ="),
        (&["--steps", "0"], "--steps: found 0, expected a whole number"),
        (&["--start", "1"], "--start: found 1 number(s), expected 2"),
        (&["--start", "1,x"], "--start: found \"x\", expected a finite number"),
        (&["--start", "1e9,0"], "--start: found 1e9,0, expected numbers from -1e6 to 1e6"),
        (&["--epochs", "3"], "--epochs: has no effect here: only --surface loss trains"),
        (&["--config", "a.toml"], "--config: has no effect here: only --surface loss trains"),
        (&["--lr", "0"], "--lr: found 0, expected a finite number above 0"),
        (&["--lr", "1", "--rules", "sgd=1"], "--lr: has no effect here: every rule has a rate of its own"),
        (&["--rules", "sgd", "--beta1", "0.5"], "--beta1: has no effect here: none of the rules uses it"),
        (&["--momentum", "2"], "--momentum: found 2, expected a number from 0 to below 1"),
        (&["--surface", "loss", "--steps", "9"], "--steps: has no effect here: epochs and batch-size say"),
        (&["--surface", "loss", "--start", "0,0"], "--start: has no effect here: init-scale and seed say"),
        (
            &["--surface", "loss", "--out", "run"],
            "--out: has no effect here: a race trains by update rules, looks at",
        ),
        (
            &["--surface", "loss", "--optimizer", "lbfgs"],
            "the run: found no update rule, expected one of sgd",
        ),
        (
            &["--surface", "loss", "--batch-size", "full", "--epochs", "1", "--quiet"],
            "the path of sgd: found no bend in it, expected one",
        ),
        (&["--svg", "a.svg", "--still", "a.svg"], "--still: found the file of --svg, expected another one"),
    ] {
        let error = refused(args);
        assert!(error.starts_with(expected), "{args:?}: {error}");
    }
}

#[test]
fn pictures_are_never_written_over_others() {
    let sandbox = Sandbox::new();
    let args = ["explain", "trajectories", "--svg", "a.svg", "--steps", "5"];
    sandbox.succeed(&args);
    assert_eq!(sandbox.run(&args).code, 2);
    sandbox.succeed(&[&args[..], &["--force"]].concat());
}
