//! Ctrl-C: the step in hand is finished, what there is is saved, and the exit code says so.
#![cfg(unix)]

use crate::support::{RUN_FILES, RunFolder, Sandbox, json, number};
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, ChildStderr, Command};

fn signal(child: &Child, signal: &str) {
    let status = Command::new("kill").args([signal, &child.id().to_string()]).status().expect("kill");
    assert!(status.success());
}

/// Reads standard error up to the line that starts with `start`.
fn wait_for(start: &str, stderr: ChildStderr) -> BufReader<ChildStderr> {
    let mut stderr = BufReader::new(stderr);
    let mut seen = String::new();
    loop {
        let begun = seen.len();
        assert_ne!(stderr.read_line(&mut seen).expect("UTF-8"), 0, "it ended without {start:?}: {seen}");
        if seen[begun..].starts_with(start) {
            return stderr;
        }
    }
}

/// Starts a run that would take minutes, stops it once it says `start`, and returns its folder and how it spoke.
fn interrupted(sandbox: &Sandbox, args: &[&str], start: &str, by: &str) -> (RunFolder, String, String) {
    let mut child = sandbox.spawn(&[args, &["--out", "run"]].concat());
    let mut rest = wait_for(start, child.stderr.take().expect("piped"));
    signal(&child, by);
    let (mut stdout, mut stderr) = (String::new(), String::new());
    rest.read_to_string(&mut stderr).expect("UTF-8");
    child.stdout.take().expect("piped").read_to_string(&mut stdout).expect("UTF-8");
    assert_eq!(child.wait().expect("it ends").code(), Some(130), "{stderr}");
    let run = RunFolder(sandbox.path("run"));
    let is_checkpoint = |name: &String| name.starts_with("checkpoint-");
    let (checkpoints, files): (Vec<_>, Vec<_>) = run.files().into_iter().partition(is_checkpoint);
    assert_eq!((checkpoints.len(), files), (1, RUN_FILES.map(String::from).into()), "it can be resumed");
    assert_eq!(run.result()["stop"], "interrupted");
    assert_eq!(RunFolder(sandbox.path("")).files(), ["run"], "no temporary folder stays");
    (run, stdout, stderr)
}

#[test]
fn a_descent_saves_what_it_has() {
    for by in ["-INT", "-TERM"] {
        let sandbox = Sandbox::new();
        let (run, stdout, stderr) = interrupted(&sandbox, &["--epochs", "2000"], "epoch ", by);
        assert!(stdout.starts_with("Accuracy = "), "{stdout}");
        assert!(stderr.contains("stopped: interrupted after step "), "{stderr}");
        let (result, history) = (run.result(), run.history());
        let epochs = history.rows.len();
        assert!((1..2000).contains(&epochs), "the finished part: {epochs}");
        assert_eq!(number(&result, "epochs"), epochs as f64);
        assert_eq!(number(&result, "steps"), history.numbers("step")[epochs - 1]);
        let found = json(&sandbox.succeed(&["evaluate", "run", "--json"]).stdout);
        assert_eq!(found["accuracy"], result["test_accuracy"], "the model loads");
        assert!(number(&found, "accuracy") > 0.3);
    }
}

#[test]
fn a_random_search_saves_the_best_so_far() {
    let sandbox = Sandbox::new();
    let args = ["random-search", "--attempts", "100000"];
    let (run, ..) = interrupted(&sandbox, &args, "in attempt ", "-INT");
    let bests = run.history().numbers("best");
    assert!((1..100_000).contains(&bests.len()));
    assert_eq!(number(&run.result(), "steps"), bests.len() as f64);
    let kept = number(&run.result(), "objective");
    assert!((kept - bests[bests.len() - 1]).abs() < 1e-4, "{kept}");
}

/// Who cannot wait for the step may insist, and finds nothing half-written.
#[test]
fn a_second_signal_ends_at_once_and_leaves_nothing() {
    let sandbox = Sandbox::new();
    // Attempts of many rows: the sixteen in hand take long enough for a second signal to arrive.
    let mut child =
        sandbox.spawn(&["random-search", "--attempts", "100000", "--threads", "1", "--out", "run"]);
    let mut rest = wait_for("in attempt 15 ", child.stderr.take().expect("piped"));
    signal(&child, "-INT");
    // Signals of one kind merge while one is pending: the first must have been taken.
    std::thread::sleep(std::time::Duration::from_millis(20));
    signal(&child, "-INT");
    rest.read_to_string(&mut String::new()).expect("UTF-8");
    assert_eq!(child.wait().expect("it ends").code(), Some(130));
    // The step may have ended between the two; then the run is there, and whole, or can be gone on with.
    match RunFolder(sandbox.path("")).files()[..] {
        [] => {}
        [ref only] if only == "run.partial" => {
            assert!(RunFolder(sandbox.path("run.partial")).files()[0].starts_with("checkpoint-"));
        }
        [ref only] if only == "run" => assert_eq!(RunFolder(sandbox.path("run")).files(), RUN_FILES),
        ref found => panic!("left behind: {found:?}"),
    }
}
