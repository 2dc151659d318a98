//! Checkpoints and `--resume`: a run that was stopped, however and however often, comes to the bytes of one that was
//! not.
#![cfg(unix)]

use crate::support::{RUN_FILES, Run, RunFolder, Sandbox, json, number};
use std::fs;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A recipe in which everything has a state: a random start, shuffles, a rule with two vectors, a schedule, a best
/// epoch so far. 16 steps an epoch.
const RECIPE: [&str; 19] = [
    "train",
    "--data",
    "data",
    "--optimizer",
    "adam",
    "--schedule",
    "cosine",
    "--warmup",
    "1",
    "--init-scale",
    "1e-3",
    "--validation",
    "40",
    "--batch-size",
    "10",
    "--loss",
    "softmax",
    "--patience",
    "20",
];

/// What must not depend on how often a run was stopped: the model, and of the history all but its clock.
fn essence(run: &RunFolder) -> (Vec<u8>, Vec<Vec<String>>) {
    let mut rows = run.history().rows;
    rows.iter_mut().for_each(|row| drop(row.pop()));
    (run.model(), rows)
}

/// The checkpoints in a folder, the latest first.
fn checkpoints(sandbox: &Sandbox, folder: &str) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(sandbox.path(folder)) else { return Vec::new() };
    let is_checkpoint = |path: &PathBuf| {
        let name = path.file_name().expect("a name").to_string_lossy();
        name.starts_with("checkpoint-") && name.ends_with(".safetensors")
    };
    let mut found: Vec<_> =
        entries.map(|entry| entry.expect("an entry").path()).filter(is_checkpoint).collect();
    found.sort();
    found.reverse();
    found
}

fn start(sandbox: &Sandbox, args: &[&str]) -> Child {
    let mut command = sandbox.command(args);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().expect("the binary starts")
}

/// Starts a run into `run`, and kills it once it has written `count` checkpoints.
pub fn cut_off(sandbox: &Sandbox, args: &[&str], count: usize) {
    let args = [args, &["-q", "--out", "run", "--checkpoint-every", "1", "--keep-checkpoints", "3"]].concat();
    let mut child = start(sandbox, &args);
    let begun = Instant::now();
    while checkpoints(sandbox, "run.partial").len() < count {
        assert!(begun.elapsed() < Duration::from_secs(60), "no checkpoint appears");
        assert_eq!(child.try_wait().expect("a child"), None, "it ended before its checkpoints were seen");
        std::thread::sleep(Duration::from_millis(1));
    }
    child.kill().expect("SIGKILL");
    child.wait().expect("it ends");
}

fn resume(sandbox: &Sandbox, args: &[&str]) -> Run {
    sandbox.succeed(&[&["--resume", "run", "--checkpoint-every", "off"], args].concat())
}

fn assert_refused(sandbox: &Sandbox, args: &[&str], code: i32, parts: &[&str]) {
    let before = sandbox.entries();
    let run = sandbox.run(args);
    assert_eq!(run.code, code, "{args:?}: {run:?}");
    let lines: Vec<&str> = run.stderr.lines().filter(|line| !line.starts_with("warning: ")).collect();
    let in_form =
        matches!(lines[..], [error, hint] if error.starts_with("error: ") && hint.starts_with("hint: "));
    assert!(in_form, "{args:?}: an error and a hint, but {}", run.stderr);
    parts
        .iter()
        .for_each(|part| assert!(run.stderr.contains(part), "{args:?}: no {part:?} in {}", run.stderr));
    assert_eq!(sandbox.entries(), before, "{args:?} changed the folder");
}

/// Waits until `child` has written a checkpoint, or has ended.
fn wait_for_checkpoint(sandbox: &Sandbox, child: &mut Child) {
    let before = checkpoints(sandbox, "run.partial");
    while checkpoints(sandbox, "run.partial") == before && child.try_wait().expect("a child").is_none() {
        std::thread::sleep(Duration::from_micros(200));
    }
}

/// Kills at so many moments and goes on after each; every run that comes to its end must be the one run. One kill in
/// four is up to `early` ms after the start of a process, while it loads; the others are up to `late` ms after it wrote
/// a checkpoint, while it trains, writes the next or the end.
pub fn kill_and_resume(sandbox: &Sandbox, recipe: &[&str], kills: u64, [early, late]: [u64; 2]) {
    let expected = essence(&sandbox.train("expected", &recipe[1..]));
    let mut state = 7_u64;
    let mut up_to = |ms: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        Duration::from_micros((state >> 33) % (ms * 1000))
    };
    let (mut killed, mut finished, mut resumed) = (0, 0, 0);
    while killed < kills || finished == 0 {
        let mut child = if sandbox.path("run.partial/config.toml").exists() {
            resumed += 1;
            start(sandbox, &["--resume", "run", "-q"])
        } else {
            start(sandbox, &[recipe, &["-q", "--out", "run", "--checkpoint-every", "3"]].concat())
        };
        if killed < kills {
            if killed % 4 == 0 {
                std::thread::sleep(up_to(early));
            } else {
                wait_for_checkpoint(sandbox, &mut child);
                std::thread::sleep(up_to(late));
            }
            child.kill().expect("SIGKILL, or it has ended");
        }
        if child.wait().expect("it ends").code().is_none() {
            killed += 1;
        }
        if sandbox.path("run").exists() {
            let run = RunFolder(sandbox.path("run"));
            assert!(essence(&run) == expected, "after {killed} kills");
            RUN_FILES.iter().for_each(|file| assert!(run.files().contains(&(*file).into()), "{file}"));
            fs::remove_dir_all(sandbox.path("run")).expect("removes");
            finished += 1;
        }
    }
    assert!(resumed >= kills / 2, "{resumed} of {killed} had begun: too few to show anything");
    let left = RunFolder(sandbox.path("")).files();
    assert!(left.iter().all(|name| ["data", "expected", "run.partial"].contains(&name.as_str())), "{left:?}");
}

#[test]
fn fifty_kills_change_no_byte() {
    let sandbox = Sandbox::new();
    sandbox.cifar10("data");
    kill_and_resume(&sandbox, &[&RECIPE[..], &["--epochs", "12"]].concat(), 50, [60, 40]);
}

#[test]
fn kills_change_no_byte_on_real_data() {
    let Some(data) = crate::real_data::cifar10() else { return };
    let recipe =
        ["train", "--data", &data, "--optimizer", "momentum", "--validation", "5000", "--epochs", "3"];
    kill_and_resume(&Sandbox::new(), &recipe, 4, [800, 400]);
}

#[test]
fn kills_change_no_byte_of_a_random_search() {
    let sandbox = Sandbox::new();
    sandbox.cifar10("data");
    for local in [&[][..], &["--local"]] {
        let args = ["random-search", "--data", "data", "--attempts", "300"];
        let args = [&args[..], local].concat();
        sandbox.succeed(&[&args[..], &["-q", "--out", "expected"]].concat());
        cut_off(&sandbox, &args, 2);
        assert!(resume(&sandbox, &[]).stderr.contains("resumed after "));
        let [expected, found] = ["expected", "run"].map(|run| essence(&RunFolder(sandbox.path(run))));
        assert!(expected == found);
        assert_eq!(found.1.len(), 300, "no attempt twice, none missing");
        for run in ["expected", "run"] {
            fs::remove_dir_all(sandbox.path(run)).expect("removes");
        }
    }
}

/// Ctrl-C leaves a whole run folder with a checkpoint in it, which the rest of the run replaces.
#[test]
fn an_interrupted_run_goes_on() {
    let sandbox = Sandbox::new();
    sandbox.cifar10("data");
    // All but the patience.
    let recipe = [&RECIPE[..17], &["--epochs", "200"]].concat();
    let expected = essence(&sandbox.train("expected", &recipe[1..]));
    let mut child =
        start(&sandbox, &[&recipe[..], &["-q", "--out", "run", "--checkpoint-every", "20"]].concat());
    while checkpoints(&sandbox, "run.partial").is_empty() {
        assert_eq!(child.try_wait().expect("a child"), None, "it ended before its checkpoint was seen");
        std::thread::sleep(Duration::from_millis(1));
    }
    let status = Command::new("kill").args(["-INT", &child.id().to_string()]).status().expect("kill");
    assert!(status.success());
    assert_eq!(child.wait().expect("it ends").code(), Some(130));

    let run = RunFolder(sandbox.path("run"));
    assert_eq!(run.result()["stop"], "interrupted");
    assert_eq!(run.files().len(), RUN_FILES.len() + 1, "and one checkpoint: {:?}", run.files());
    assert!(!sandbox.path("run.partial").exists());
    let done = number(&run.result(), "steps");
    assert_eq!(json(&sandbox.succeed(&["evaluate", "run", "--json"]).stdout)["count"], 30, "it is a run");

    let resumed = resume(&sandbox, &["--json"]);
    let said = resumed.stderr.replace(',', "");
    assert!(said.contains(&format!("resumed after {done} steps")), "{said}");
    assert_eq!(json(&resumed.stdout)["stop"], "completed");
    assert!(essence(&run) == expected);
    assert_eq!(run.files(), RUN_FILES, "no checkpoint stays");
    assert_eq!(RunFolder(sandbox.path("")).files(), ["data", "expected", "run"]);
}

/// Whoever repeats a command line may repeat it with `--resume`; what would change the run is refused, all of it.
#[test]
fn other_settings_and_other_data_are_refused() {
    let sandbox = Sandbox::new();
    sandbox.cifar10("data");
    cut_off(&sandbox, &[&RECIPE[..], &["--epochs", "5000"]].concat(), 1);
    assert_refused(
        &sandbox,
        &["--resume", "run", "--lr", "0.5", "--epochs", "6000", "--optimizer", "adam"],
        2,
        &["--resume run: ", "--lr: found 0.5, expected 0.001", "--epochs: found 6000, expected 5000"],
    );
    sandbox.write("a.toml", "reg = 0.25\nseed = 0\n");
    let args = ["--resume", "run", "--config", "a.toml"];
    assert_refused(&sandbox, &args, 2, &["a.toml line 1: reg: found 0.25, expected 0.001 as the run has"]);
    let args = ["random-search", "--resume", "run"];
    assert_refused(&sandbox, &args, 2, &["--strategy: found \"random-search\", expected \"descent\""]);
    assert_refused(&sandbox, &["--resume", "run", "--out", "new"], 2, &["--out: has no effect here"]);

    // A copy elsewhere is the same data; one pixel more is not.
    fs::rename(sandbox.path("data"), sandbox.path("moved")).expect("moves");
    assert_refused(&sandbox, &["--resume", "run", "-q"], 1, &["cannot read", "data"]);
    sandbox.edit("moved/test_batch.bin", |bytes| bytes[5] ^= 1);
    assert_refused(
        &sandbox,
        &["--resume", "run", "-q", "--data", "moved"],
        3,
        &["moved: found data with digest"],
    );
    sandbox.edit("moved/test_batch.bin", |bytes| bytes[5] ^= 1);
    let run = sandbox.succeed(&["--resume", "run", "--data", "moved", "--print-config"]);
    assert!(run.stdout.contains("epochs = 5000"), "{}", run.stdout);

    // A new run does not go over an unfinished one unasked.
    let args = ["--data", "moved", "--epochs", "1", "--out", "run"];
    assert_refused(&sandbox, &args, 2, &["run.partial: found a run that was cut off", "--resume run"]);
    assert_eq!(sandbox.train("run", &[&args[..4], &["--force"]].concat()).files(), RUN_FILES);
    assert!(!sandbox.path("run.partial").exists());
}

/// A run may go on for longer than was planned where that changes nothing of what was done.
#[test]
fn more_epochs_are_a_longer_run() {
    let sandbox = Sandbox::new();
    sandbox.cifar10("data");
    let recipe = ["train", "--data", "data", "--optimizer", "momentum", "--batch-size", "10"];
    let expected = essence(&sandbox.train("expected", &[&recipe[1..], &["--epochs", "60"]].concat()));
    cut_off(&sandbox, &[&recipe[..], &["--epochs", "40"]].concat(), 1);
    resume(&sandbox, &["--epochs", "60"]);
    let run = RunFolder(sandbox.path("run"));
    // The settings in the model's metadata are those of the longer run, too.
    assert!(essence(&run) == expected);
}

#[test]
fn a_damaged_checkpoint_is_told_and_the_one_before_is_used() {
    let sandbox = Sandbox::new();
    sandbox.cifar10("data");
    let recipe = [&RECIPE[..], &["--epochs", "40"]].concat();
    let expected = essence(&sandbox.train("expected", &recipe[1..]));
    cut_off(&sandbox, &recipe, 2);
    let all = checkpoints(&sandbox, "run.partial");
    let spoil = |path: &PathBuf, change: fn(&mut Vec<u8>)| {
        let mut bytes = fs::read(path).expect("reads");
        change(&mut bytes);
        fs::write(path, bytes).expect("writes");
    };
    let good: Vec<Vec<u8>> = all.iter().map(|path| fs::read(path).expect("reads")).collect();
    all.iter().for_each(|path| spoil(path, |bytes| bytes.truncate(bytes.len() / 2)));
    let parts = ["run.partial: found ", "that are damaged, expected a checkpoint", "config.toml"];
    assert_refused(&sandbox, &["--resume", "run"], 3, &parts);
    all.iter().zip(good).for_each(|(path, bytes)| fs::write(path, bytes).expect("writes"));

    spoil(&all[0], |bytes| {
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
    });
    let run = resume(&sandbox, &[]);
    let name = all[0].file_name().expect("a name").to_string_lossy();
    assert!(run.stderr.contains(&format!("warning: run.partial/{name} is damaged")), "{}", run.stderr);
    assert!(essence(&RunFolder(sandbox.path("run"))) == expected);
    assert!(!sandbox.path("run.partial").exists());
}

#[test]
fn what_cannot_be_resumed() {
    let sandbox = Sandbox::new();
    sandbox.cifar10("data");
    assert_refused(
        &sandbox,
        &["--resume", "nowhere"],
        2,
        &["--resume nowhere: found nothing, expected a run"],
    );
    assert_refused(&sandbox, &["--resume", "data"], 2, &["--resume data: found no run, expected a run"]);
    let run = sandbox.train("run", &["--data", "data", "--epochs", "1"]);
    let (files, model) = (run.files(), run.model());
    let again = sandbox.succeed(&["--resume", "run"]);
    assert!(
        again.stderr.contains("run: has ended already: everything asked for was done"),
        "{}",
        again.stderr
    );
    assert_eq!(again.stdout, "");
    assert_eq!(json(&sandbox.succeed(&["--resume", "run", "--json", "-q"]).stdout), run.result());
    sandbox.succeed(&["--resume", "run", "--epochs", "1", "--data", "data", "--threads", "1"]);
    let printed = sandbox.succeed(&["--resume", "run", "--print-config"]).stdout;
    assert!(printed.contains("epochs = 1\n"), "{printed}");
    assert_eq!((run.files(), run.model()), (files, model), "nothing was done");
    for (args, code, parts) in [
        (
            &["--epochs", "6"][..],
            2,
            &["run: has ended; --epochs: found 6, expected 1", "keeps no checkpoint"][..],
        ),
        (
            &["--lr", "5", "--loss", "softmax"],
            2,
            &["--lr: found 5.0, expected 0.001", "--loss: found \"softmax\", expected \"svm\""],
        ),
        (&["--out", "new"], 2, &["--out: has no effect here"]),
        (&["--data", "nowhere"], 1, &["cannot read nowhere"]),
        (&["--data", "generated"], 3, &["generated: found data with digest"]),
    ] {
        assert_refused(&sandbox, &[&["--resume", "run"], args].concat(), code, parts);
    }

    for (args, parts) in [
        (
            &["--checkpoint-every", "0"][..],
            &["--checkpoint-every: found 0, expected a number of steps, a time"][..],
        ),
        (&["--checkpoint-every", "1.5s"], &["--checkpoint-every: found 1.5s, expected a number of steps"]),
        (&["--keep-checkpoints", "0"], &["--keep-checkpoints: found 0, expected a whole number above 0"]),
        (
            &["--checkpoint-every", "off", "--keep-checkpoints", "3"],
            &["--keep-checkpoints: has no effect here: checkpoint-every is off"],
        ),
        (
            &["--optimizer", "lbfgs", "--checkpoint-every", "5"],
            &["--checkpoint-every: has no effect here: lbfgs keeps no checkpoints"],
        ),
    ] {
        assert_refused(&sandbox, args, 2, parts);
    }
}

/// Two processes, one folder: the second one says so at once, and the first one is not disturbed.
#[test]
fn one_run_at_a_time_writes_a_folder() {
    let sandbox = Sandbox::new();
    sandbox.cifar10("data");
    let args = [&RECIPE[..], &["--epochs", "100000", "-q", "--checkpoint-every", "5"]].concat();
    let mut child = start(&sandbox, &[&args[..], &["--out", "run"]].concat());
    while checkpoints(&sandbox, "run.partial").len() < 2 {
        std::thread::sleep(Duration::from_millis(1));
    }
    let mut refusals = Vec::new();
    for args in [
        &["--out", "run", "--data", "data"][..],
        &["--out", "run", "--data", "data", "--force"],
        &["--resume", "run"],
        &["--resume", "run.partial"],
    ] {
        refusals.push(sandbox.run(args));
    }
    assert_eq!(child.try_wait().expect("a child"), None, "it is still under way");
    assert!(
        checkpoints(&sandbox, "run.partial").len() <= 3,
        "two are kept, and one that replaces one of them"
    );
    child.kill().expect("SIGKILL");
    child.wait().expect("it ends");
    for run in refusals {
        assert_eq!(run.code, 2, "{run:?}");
        assert!(run.stderr.contains("run.partial: found another run under way"), "{run:?}");
    }
    assert!(checkpoints(&sandbox, "run.partial").len() >= 2);
}
