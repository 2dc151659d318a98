//! Disks that are full or read-only, files that are not what they seem, streams that cannot be written: a clear line,
//! earlier results intact, nothing half-written.
#![cfg(target_os = "linux")]

use crate::support::{RUN_FILES, Run, RunFolder, Sandbox};
use std::ffi::OsStr;
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A small disk of its own, which takes root to mount; without it the test says that it is skipped.
struct Disk(PathBuf);

impl Disk {
    fn mount(path: PathBuf, size: &str) -> Option<Self> {
        fs::create_dir(&path).expect("a folder");
        let options = format!("size={size}");
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", &options, "none"]).arg(&path).output();
        if mounted.is_ok_and(|output| output.status.success()) {
            return Some(Self(path));
        }
        // Past the capture of test output, so that a plain `cargo test` shows it.
        let _ = writeln!(std::io::stderr(), "skipped: a test of a full disk, since none can be mounted here");
        None
    }

    /// Takes what space there is, but for about `spare` bytes.
    fn fill(&self, spare: u64) {
        let mut file = fs::File::create(self.0.join("filler")).expect("creates");
        while file.write_all(&[7; 4096]).is_ok() {}
        let taken = file.metadata().expect("a file").len();
        file.set_len(taken.saturating_sub(spare)).expect("shrinks");
    }

    fn make_read_only(&self) {
        let status = Command::new("mount").args(["-o", "remount,ro"]).arg(&self.0).status().expect("mount");
        assert!(status.success());
    }

    fn names(&self) -> Vec<String> {
        RunFolder(self.0.clone()).files()
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(&self.0).status();
    }
}

fn assert_fails(run: &Run, code: i32, parts: &[&str]) {
    assert_eq!(run.code, code, "{run:?}");
    let lines: Vec<&str> = run.stderr.lines().filter(|line| !line.starts_with("warning: ")).collect();
    let in_form =
        matches!(lines[..], [error, hint] if error.starts_with("error: ") && hint.starts_with("hint: "));
    assert!(in_form, "an error and a hint, but {}", run.stderr);
    parts.iter().for_each(|part| assert!(run.stderr.contains(part), "no {part:?} in {}", run.stderr));
}

const TRAIN: [&str; 5] = ["train", "--data", "data", "--epochs", "2"];
/// As [`TRAIN`], and all that is said are warnings and errors.
const QUIET: [&str; 6] = ["train", "--data", "data", "--epochs", "2", "-q"];

#[test]
fn a_full_disk_takes_no_run_and_loses_none() {
    let sandbox = Sandbox::new();
    sandbox.cifar10("data");
    let Some(disk) = Disk::mount(sandbox.path("disk"), "1m") else { return };
    let earlier = sandbox.train("disk/run", &TRAIN[1..]);
    let before: Vec<_> = RUN_FILES.map(|file| earlier.bytes(file)).into();
    disk.fill(40 << 10);
    for args in [&["--out", "disk/new"][..], &["--out", "disk/run", "--force"], &["--out", "disk/a/b/c"]] {
        let run = sandbox.run(&[&QUIET[..], args].concat());
        assert_fails(&run, 1, &["cannot write disk/", "No space left on device", "free space"]);
        assert_eq!(disk.names(), ["filler", "run"], "nothing half-written");
    }
    assert_eq!(earlier.files(), RUN_FILES);
    assert_eq!(before, RUN_FILES.map(|file| earlier.bytes(file)), "the earlier run is whole");
}

/// A checkpoint that cannot be written does not stop the run, and does not cost the ones before it.
#[test]
fn a_full_disk_does_not_stop_a_run_before_its_end() {
    let sandbox = Sandbox::new();
    sandbox.cifar10("data");
    let Some(disk) = Disk::mount(sandbox.path("disk"), "1200k") else { return };
    disk.fill(776 << 10);
    let args = ["--out", "disk/run", "--checkpoint-every", "1", "--batch-size", "50", "--optimizer", "adam"];
    let run = sandbox.run(&[&QUIET[..], &args].concat());
    assert_fails(&run, 1, &["cannot write disk/run", "No space left on device"]);
    let warnings: Vec<&str> = run.stderr.lines().filter(|line| line.starts_with("warning: ")).collect();
    assert_eq!(warnings.len(), 1, "once: {}", run.stderr);
    assert!(
        warnings[0].contains("no checkpoint: cannot write disk/run.partial/checkpoint-"),
        "{}",
        run.stderr
    );
    assert_eq!(disk.names(), ["filler", "run.partial"], "what was kept is not lost");

    // With some space again, the run goes on from there.
    fs::remove_file(disk.0.join("filler")).expect("removes");
    sandbox.train("expected", &[&TRAIN[1..], &args[4..]].concat());
    sandbox.succeed(&["--resume", "disk/run", "-q", "--checkpoint-every", "off"]);
    let model = |run: &str| RunFolder(sandbox.path(run)).model();
    assert!(model("disk/run") == model("expected"));
    assert_eq!(disk.names(), ["run"]);
}

#[test]
fn a_full_disk_costs_no_earlier_picture() {
    let sandbox = Sandbox::new();
    let Some(disk) = Disk::mount(sandbox.path("disk"), "64k") else { return };
    let draw = |expression: &str| {
        sandbox.run(&["explain", "graph", expression, "x=1", "--svg", "disk/a.svg", "--force"])
    };
    assert_eq!(draw("x + 1").code, 0);
    let earlier = fs::read(disk.0.join("a.svg")).expect("a picture");
    disk.fill(1);
    let run = draw("exp(x) * (x + 2) / (x + 3) + sigmoid(x * 4)");
    assert_fails(&run, 1, &["cannot write disk/a.svg", "No space left on device"]);
    assert_eq!(fs::read(disk.0.join("a.svg")).expect("a picture"), earlier);
    assert_eq!(disk.names(), ["a.svg", "filler"], "and nothing hidden");
}

#[test]
fn a_read_only_folder_is_told_before_any_work() {
    let sandbox = Sandbox::new();
    sandbox.cifar10("data");
    let Some(disk) = Disk::mount(sandbox.path("disk"), "1m") else { return };
    sandbox.train("disk/run", &TRAIN[1..]);
    disk.make_read_only();
    for args in [&["--out", "disk/new"][..], &["--out", "disk/run", "--force"], &["--out", "disk/a/b"]] {
        assert_fails(
            &sandbox.run(&[&QUIET[..], args].concat()),
            1,
            &["cannot write disk/", "Read-only file system"],
        );
    }
    assert_fails(&sandbox.run(&["--resume", "disk/run"]), 1, &["Read-only file system"]);
    assert_eq!(sandbox.run(&["evaluate", "disk/run", "-q"]).code, 0, "the run there can be used");
}

fn fifo(path: &Path) {
    assert!(Command::new("mkfifo").arg(path).status().expect("mkfifo").success());
}

/// What is put in place of a file.
type Spoil = fn(&Path);

/// A pipe without a writer would be waited for without end.
#[test]
fn pipes_and_circles_in_place_of_data() {
    let sandbox = Sandbox::new();
    sandbox.cifar10("good");
    fifo(&sandbox.path("pipe"));
    symlink("circle", sandbox.path("circle")).expect("a link");
    let cases: [(&str, Spoil, i32, &str); 4] = [
        ("data_batch_2.bin", fifo, 3, "data_batch_2.bin: found something that is no regular file"),
        ("batches.meta.txt", fifo, 3, "batches.meta.txt: found something that is no regular file"),
        (
            "test_batch.bin",
            |path| symlink("test_batch.bin", path).expect("a link"),
            1,
            "cannot read data/test_batch.bin: Too many levels of symbolic links",
        ),
        (
            "batches.meta.txt",
            |path| symlink("batches.meta.txt", path).expect("a link"),
            1,
            "cannot read data/batches.meta.txt: Too many levels of symbolic links",
        ),
    ];
    for (file, spoil, code, told) in cases {
        sandbox.cifar10("data");
        let path = sandbox.path("data").join(file);
        fs::remove_file(&path).expect("removes");
        spoil(&path);
        assert_fails(&sandbox.run(&QUIET), code, &[told]);
        fs::remove_dir_all(sandbox.path("data")).expect("removes");
    }
    for (data, code, told) in [
        ("pipe", 3, "pipe: found something that is no regular file, expected a data file"),
        ("circle", 1, "cannot read circle: Too many levels of symbolic links"),
    ] {
        assert_fails(&sandbox.run(&["--data", data, "-q"]), code, &[told]);
    }
    let run = sandbox.run(&["--data", "good", "-q", "--out", "circle"]);
    assert_fails(&run, 2, &["circle: found an existing file, expected a new folder"]);
    sandbox.train("run", &["--data", "good", "--epochs", "1"]);
    assert_fails(
        &sandbox.run(&["predict", "run", "pipe"]),
        3,
        &["pipe: found something that is no regular file"],
    );
}

/// What cannot be printed is no reason to lose the run; what cannot be shown of its progress is no failure at all.
#[test]
fn streams_on_a_full_disk() {
    let sandbox = Sandbox::new();
    sandbox.cifar10("data");
    let full = || OpenOptions::new().write(true).open("/dev/full").expect("Linux has it");
    let args = |out| ["--data", "data", "--epochs", "1", "--out", out];
    let output = sandbox.command(&args("a")).stdout(full()).output().expect("the binary runs");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    assert!(stderr.contains("error: cannot write standard output: No space left"), "{stderr}");
    let status = sandbox.command(&args("b")).stderr(full()).output().expect("the binary runs").status;
    assert_eq!(status.code(), Some(0));
    for run in ["a", "b"] {
        assert_eq!(RunFolder(sandbox.path(run)).files(), RUN_FILES, "{run} is whole");
    }
}

/// TOML is UTF-8. A path that is not cannot be given; a folder that is not, above a path that is, does no harm.
#[test]
fn paths_that_are_not_utf8() {
    let sandbox = Sandbox::new();
    let odd = sandbox.path("x").with_file_name(OsStr::from_bytes(b"\xff\xfe"));
    fs::create_dir(&odd).expect("a folder");
    sandbox.cifar10("data");
    fs::rename(sandbox.path("data"), odd.join("data")).expect("moves");
    for flag in ["--data", "--out"] {
        let output = sandbox.command(&[flag]).arg(&odd).output().expect("the binary runs");
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{stderr}");
        assert!(stderr.contains(&format!("error: {flag}: found ")), "{stderr}");
        assert!(stderr.contains("expected a path in UTF-8"), "{stderr}");
    }
    let run = |args: &[&str]| {
        let output = sandbox.command(args).current_dir(&odd).output().expect("the binary runs");
        assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    };
    run(&["--data", "data", "--epochs", "1", "-q", "--out", "a"]);
    let config = fs::read_to_string(odd.join("a/config.toml")).expect("text");
    assert!(config.contains("data = \"data\"\n"), "{config}");
    run(&["--config", "a/config.toml", "-q", "--out", "b"]);
    let model = |run: &str| fs::read(odd.join(run).join("model.safetensors")).expect("a model");
    assert!(model("a") == model("b"));
}
