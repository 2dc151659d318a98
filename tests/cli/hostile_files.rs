//! Files that are not what they seem: far larger than they say or say far more than they are, shrinking under the
//! reader, closed to it, or no files at all. And `data` commands that are stopped half-way.
#![cfg(target_os = "linux")]

use crate::encode::{idx, npy};
use crate::support::{PIXELS, Run, Sandbox, json};
use assert_cmd::cargo::cargo_bin;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// An error with `part` in it, a hint, and the exit code.
fn assert_told(run: &Run, code: i32, part: &str) {
    let lines: Vec<&str> = run.stderr.lines().collect();
    let in_form =
        matches!(lines[..], [error, hint] if error.starts_with("error: ") && hint.starts_with("hint: "));
    assert!(in_form && run.code == code && run.stderr.contains(part), "{part:?}: {run:?}");
}

/// Makes the file `name` 4 GiB long: `start`, and then zeros that take no room on disk.
fn sparse(sandbox: &Sandbox, name: &str, start: &[u8]) {
    if let Some(folder) = sandbox.path(name).parent() {
        fs::create_dir_all(folder).expect("a folder");
    }
    let mut file = fs::File::create(sandbox.path(name)).expect("creates");
    file.write_all(start).expect("writes");
    file.set_len(4 << 30).expect("a long file");
}

/// Runs the program with at most 1 GB of address space.
fn run_in_1_gb(sandbox: &Sandbox, args: &[&str]) -> Run {
    let mut command = Command::new("sh");
    command.args(["-c", "ulimit -v 1000000 && exec \"$0\" \"$@\""]).arg(cargo_bin!("cifar-train")).args(args);
    let output = command.current_dir(sandbox.path("")).output().expect("sh runs");
    Run {
        code: output.status.code().unwrap_or_else(|| panic!("a signal ended it: {output:?}")),
        stdout: String::from_utf8_lossy(&output.stdout).into(),
        stderr: String::from_utf8_lossy(&output.stderr).into(),
    }
}

/// What is made, of what first bytes, what is run, and what it says.
type Large = (&'static str, Vec<u8>, &'static str, &'static str);

/// 4 GiB under a plausible header of each format: refused at once, in little memory.
#[test]
fn four_gibibytes_are_not_taken_for_what_they_say() {
    let y = npy("|u1", "(2,)", &[0, 1]);
    let whole = npy("|u1", "(4294967168, 1)", &[]);
    assert_eq!(whole.len(), 128, "with its header it is 4 GiB");
    let tensors = |header: &str| [&(header.len() as u64).to_le_bytes(), header.as_bytes()].concat();
    let features = |rows: u64| {
        format!("\"features\":{{\"dtype\":\"U8\",\"shape\":[{rows},1],\"data_offsets\":[2,{}]}}", rows + 2)
    };
    let labels = "\"labels\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[0,2]}";
    let of_rows = |rows: u64| format!("{{{labels},{}}}", features(rows));
    // As many rows as fill the file: the number of its digits is known.
    let rest = (4_u64 << 30) - 8 - of_rows(4_000_000_000).len() as u64 - 2;
    let model = tensors(
        "{\"__metadata__\":{\"cifar-train\":\"{}\"},\"weight\":{\"dtype\":\"F32\",\"shape\":[2,2],\"data_offsets\":[0,16]}}",
    );
    let pickle = b"\x80\x02}q\x01".to_vec();
    let cases: [Large; 12] = [
        (
            "X_train.npy",
            npy("<f4", "(2, 1)", &[]),
            "--data .",
            "found 4294967168 bytes of entries, expected 8 for",
        ),
        ("X_train.npy", whole, "--data .", "found 4294967168 rows of X_train.npy and 2 of y_train.npy"),
        (
            "train-images-idx3-ubyte",
            idx(&[2, 2, 2], &[]),
            "--data .",
            "found 4294967280 bytes of entries, expected 8",
        ),
        ("d.npz", b"PK\x03\x04".to_vec(), "--data d.npz", "d.npz: found no end record"),
        (
            "d",
            tensors(&of_rows(2)),
            "--data d --test-split 1",
            "bytes of tensors, expected 4 as the header says",
        ),
        ("d", tensors(&of_rows(rest)), "--data d --test-split 1", " rows of features and 2 of labels"),
        (
            "d",
            u64::to_le_bytes(1 << 25).into_iter().chain(*b"{").collect(),
            "--data d --test-split 1",
            "a header with",
        ),
        ("data/data_batch_1.bin", vec![1], "--data data", "record 1397646 (byte 4294966158) is cut off"),
        ("py/data_batch_1", pickle, "--data py", "found more than 1073741824 bytes, expected a smaller file"),
        ("p/cat/1.png", b"\x89PNG\r\n\x1a\n".to_vec(), "--data p", "found more than 268435456 bytes"),
        ("d", b"x,label\n".to_vec(), "--data d --format csv --test-split 1", "bytes without an end of line"),
        ("model", model, "evaluate model", "model: found 4294967296 bytes, where the header tells of"),
    ];
    for (name, start, args, part) in cases {
        let sandbox = Sandbox::new();
        sparse(&sandbox, name, &start);
        sandbox.write("y_train.npy", &y);
        if let Some(folder) = name.strip_suffix("/data_batch_1.bin") {
            sandbox.cifar10("good");
            for file in [
                "data_batch_2.bin",
                "data_batch_3.bin",
                "data_batch_4.bin",
                "data_batch_5.bin",
                "test_batch.bin",
                "batches.meta.txt",
            ] {
                fs::copy(sandbox.path("good").join(file), sandbox.path(folder).join(file)).expect("copies");
            }
        }
        if name == "py/data_batch_1" {
            for file in ["data_batch_2", "data_batch_3", "data_batch_4", "data_batch_5", "test_batch"] {
                sandbox.write(&format!("py/{file}"), &start);
            }
            sandbox.write("py/batches.meta", crate::encode::pickled_names());
        }
        let train = ["train", "-q", "--out", "new", "--threads", "1"];
        let args: Vec<&str> = args.split(' ').collect();
        let args = if args[0].starts_with("--") { [&train[..], &args].concat() } else { args };
        assert_told(&run_in_1_gb(&sandbox, &args), 3, part);
        assert!(!sandbox.path("new").exists(), "{part}");
    }
    let sandbox = Sandbox::new();
    sparse(&sandbox, "a.toml", b"lr = 1\n");
    assert_told(&run_in_1_gb(&sandbox, &["--config", "a.toml"]), 2, "found more than 1048576 bytes");
}

/// Truncates `path` as soon as the process has it open. Whether it did.
fn cut_while_read(child: &mut Child, path: &Path, to: u64) -> bool {
    let opened = format!("/proc/{}/fd", child.id());
    while child.try_wait().expect("a process").is_none() {
        let has_it = |entry: std::io::Result<fs::DirEntry>| {
            entry.is_ok_and(|entry| fs::read_link(entry.path()).is_ok_and(|link| link == path))
        };
        if fs::read_dir(&opened).is_ok_and(|mut entries| entries.any(has_it)) {
            let file = fs::OpenOptions::new().write(true).open(path).expect("opens");
            file.set_len(to).expect("shrinks");
            return true;
        }
    }
    false
}

/// The file is cut while the process reads it. It may have been quicker: then once more.
#[test]
fn a_file_that_shrinks_is_told() {
    const TRIES: usize = 5;
    let sandbox = Sandbox::new();
    let row = "1,2,3,a\n2,3,4,b\n";
    sandbox.write("d.csv", String::from("x,y,z,label\n") + &row.repeat(1 << 21));
    sandbox.write("t.csv", "x,y,z,label\n1,2,3,a\n");
    sandbox.cifar10("data");
    let records = fs::read(sandbox.path("data/data_batch_1.bin")).expect("reads").repeat(500);
    let whole = ["data/data_batch_1.bin", "d.csv"];
    let cases = [
        ("--data data", whole[0], records, " is cut off: found "),
        (
            "--data d.csv --test t.csv",
            whole[1],
            fs::read(sandbox.path("d.csv")).expect("reads"),
            "found an end too soon",
        ),
    ];
    for (args, name, bytes, part) in cases {
        let path = fs::canonicalize(sandbox.path(name)).expect("a file");
        let cut = (0..TRIES).any(|_| {
            sandbox.write(name, &bytes);
            let args: Vec<&str> = args.split(' ').collect();
            let mut child =
                sandbox.spawn(&[&["train", "-q", "--out", "new", "--epochs", "1"], &args[..]].concat());
            cut_while_read(&mut child, &path, (bytes.len() / 2) as u64 + 7);
            let output = child.wait_with_output().expect("it ends");
            let stderr = String::from_utf8_lossy(&output.stderr);
            let refused = output.status.code() == Some(3);
            assert!(refused || output.status.success(), "{output:?}");
            assert!(!refused || stderr.contains(part), "{stderr}");
            let _ = fs::remove_dir_all(sandbox.path("new"));
            refused
        });
        assert!(cut, "{name}: read whole {TRIES} times");
    }
}

/// Permissions do not bind root, so there the program runs as nobody; where that cannot be, the test says so.
#[test]
fn what_is_closed_to_the_user_is_told() {
    let sandbox = Sandbox::new();
    sandbox.cifar10("data");
    let close = |name: &str, mode| {
        fs::set_permissions(sandbox.path(name), fs::Permissions::from_mode(mode)).expect("closes");
    };
    fs::create_dir(sandbox.path("closed")).expect("a folder");
    close("", 0o755);
    close("closed", 0o555);
    close("data/test_batch.bin", 0o000);
    fs::copy(cargo_bin!("cifar-train"), sandbox.path("cifar-train")).expect("copies");
    let is_root = fs::read(sandbox.path("data/test_batch.bin")).is_ok();
    let nobody = ["--reuid=65534", "--regid=65534", "--clear-groups", "./cifar-train"];
    let run = |args: &[&str]| {
        let mut command = Command::new(if is_root { "setpriv" } else { "./cifar-train" });
        let args = if is_root { [&nobody[..], args].concat() } else { args.to_vec() };
        let output = command.args(args).current_dir(sandbox.path("")).output().ok()?;
        let code = output.status.code()?;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Some(Run { code, stdout: text(&output.stdout), stderr: text(&output.stderr) })
    };
    if run(&["--version"]).is_none_or(|run| run.code != 0) {
        let _ = writeln!(
            std::io::stderr(),
            "skipped: a test of permissions, which needs setpriv to run as nobody"
        );
        return;
    }
    let told = |args: &[&str], part: &str| {
        let run = run(&[&["train", "-q", "--epochs", "1"], args].concat()).expect("it runs");
        assert_told(&run, 1, part);
    };
    told(&["--data", "data", "--out", "closed/run"], "cannot write closed/run: Permission denied");
    told(&["--data", "data", "--out", "/tmp/never"], "cannot read data/test_batch.bin: Permission denied");
    close("data/test_batch.bin", 0o644);
    sandbox.write("a.toml", "lr = 1");
    close("a.toml", 0o000);
    told(&["--config", "a.toml"], "cannot read config a.toml: Permission denied");
    close("data", 0o000);
    told(&["--data", "data", "--out", "/tmp/never"], "Permission denied");
    close("data", 0o755);
}

#[test]
fn what_is_no_file_is_not_waited_for() {
    let sandbox = Sandbox::new();
    assert!(Command::new("mkfifo").arg(sandbox.path("pipe")).status().expect("mkfifo").success());
    symlink("loop", sandbox.path("loop")).expect("a link to itself");
    sandbox.write("d.csv", "x,label\n1,a\n2,b\n");
    for (args, code, part) in [
        (&["--data", "pipe"][..], 3, "pipe: found something that is no regular file, expected a data file"),
        (&["--data", "loop"], 1, "cannot read loop: Too many levels of symbolic links"),
        (&["--data", "d.csv", "--test", "pipe"], 3, "pipe: found something that is no regular file"),
        (&["--data", "d.csv", "--test", "."], 3, ".: found a folder, expected a data file"),
        (&["--data", "/dev/zero"], 3, "/dev/zero: found something that is no regular file"),
        (&["--config", "loop"], 1, "cannot read config loop: Too many levels"),
    ] {
        assert_told(&sandbox.run(&[&["train", "-q"], args].concat()), code, part);
    }
    for args in [&["evaluate", "pipe"][..], &["predict", "pipe", "d.csv"]] {
        assert_told(
            &sandbox.run(args),
            3,
            "pipe: found something that is no regular file, expected a model file",
        );
    }
}

/// Ctrl-C while a data set is written: nothing of it stays.
#[test]
fn data_commands_that_are_stopped_leave_nothing() {
    let sandbox = Sandbox::new();
    sandbox.succeed(&["data", "generate", "set", "--rows", "4000", "--test-rows", "10", "-q"]);
    let cases = [
        &["data", "generate", "new", "--rows", "1000000"][..],
        &["data", "convert", "--data", "set", "new", "--to", "csv"],
        &["data", "convert", "--data", "set", "new.csv", "--to", "svmlight", "-q"],
        &["data", "info", "--data", "set", "--sheet", "new.png"],
    ];
    for (at, args) in cases.into_iter().enumerate() {
        let before = sandbox.entries();
        let mut child = sandbox.spawn(args);
        std::thread::sleep(Duration::from_millis(300));
        // What a shell starts in the background is deaf to Ctrl-C, and so are its children.
        let signal = if is_deaf_to_interrupts(child.id()) { "-TERM" } else { "-INT" };
        let signalled = Command::new("kill").args([signal, &child.id().to_string()]).status();
        assert!(signalled.expect("kill").success());
        let status = child.wait().expect("it ends");
        // Who was quicker than the signal has written all of it.
        if status.success() && at > 0 {
            for made in ["new", "new.csv", "new.png"] {
                let path = sandbox.path(made);
                let _ = fs::remove_dir_all(&path).or_else(|_| fs::remove_file(&path));
            }
        } else {
            let stopped = status.code() == Some(130) || matches!(status.signal(), Some(2 | 15));
            assert!(stopped, "{args:?}: {status}");
        }
        assert_eq!(sandbox.entries(), before, "{args:?}");
    }
}

/// Whether SIGINT, the second signal, is ignored.
fn is_deaf_to_interrupts(process: u32) -> bool {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).is_some_and(|mask| mask & 0b10 != 0)
}

#[test]
fn nobody_needs_to_read_what_data_commands_say() {
    let sandbox = Sandbox::new();
    sandbox.cifar10("data");
    for args in [
        &["data", "info", "--data", "data", "-q"][..],
        &["data", "convert", "--data", "data", "new.npz", "-q"],
        &["data", "generate", "small", "--rows", "20", "--test-rows", "10", "-q"],
    ] {
        let mut command = sandbox.command(args);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts");
        let mut first = String::new();
        if args[1] == "info" {
            BufReader::new(child.stdout.take().expect("piped")).read_line(&mut first).expect("a line");
        }
        drop(child.stdout.take());
        let mut stderr = String::new();
        child.stderr.take().expect("piped").read_to_string(&mut stderr).expect("UTF-8");
        assert_eq!((child.wait().expect("it ends").code(), stderr.as_str()), (Some(0), ""), "{args:?}");
    }
    assert!(sandbox.path("new.npz").is_file() && sandbox.path("small").is_dir());
    assert_eq!(
        fs::metadata(sandbox.path("data/test_batch.bin")).expect("a file").len(),
        30 * (1 + PIXELS as u64)
    );
}

/// A file that names its classes so that a terminal would obey them.
#[test]
fn control_characters_in_names_are_shown() {
    let sandbox = Sandbox::new();
    sandbox.write("a.csv", "x,label\n".to_owned() + &"1,\u{1b}[31mred\n2,blue\n".repeat(20));
    let data = ["--data", "a.csv", "--format", "csv", "--test-split", "10"];
    let info = sandbox.succeed(&[&["data", "info"], &data[..]].concat());
    let trained = sandbox.succeed(&[&data[..], &["--epochs", "1", "--out", "run"]].concat());
    let evaluated = sandbox.succeed(&["evaluate", "run"]);
    let explained = sandbox.succeed(&["explain", "loss", "--model", "run"]);
    for run in [&info, &evaluated, &explained] {
        assert!(run.stdout.contains(r"\u{1b}[31mred"), "{}", run.stdout);
    }
    for run in [&info, &trained, &evaluated, &explained] {
        let obeyed = |c: char| c.is_control() && c != '\n';
        assert!(!run.stdout.contains(obeyed) && !run.stderr.contains(obeyed), "{run:?}");
    }
    let names = &json(&sandbox.succeed(&["evaluate", "run", "--json"]).stdout)["classes"];
    assert!(names.to_string().contains(r"\u001b[31mred"), "as it is: {names}");
    let typed = sandbox.succeed(&["explain", "loss", "--scores", "1,2", "--label", "0", "--names", "a\nb,c"]);
    assert!(typed.stdout.starts_with("label a\\nb\n"), "{}", typed.stdout);
    let refused = sandbox.run(&["evaluate", "run", "--data", "no\u{1b}[2J\u{9b}such"]);
    assert!(refused.stderr.contains(r"no\u{1b}[2J\u{9b}such"), "{refused:?}");
}
