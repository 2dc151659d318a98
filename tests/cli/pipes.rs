//! Readers that go away early are no failure, and a full disk is one.

use crate::support::{PIXELS, RUN_FILES, RunFolder, Sandbox, records};
use std::io::{BufRead, BufReader, Read};

/// `cifar-train predict ... | head -1`, with more output than a pipe holds.
#[test]
fn standard_output_may_close_early() {
    let sandbox = Sandbox::new();
    sandbox.cifar10("data");
    sandbox.train("run", &["--data", "data", "--epochs", "1"]);
    let bytes = records(10, 1).repeat(200);
    assert!(bytes.len() / (1 + PIXELS) * 100 > 1 << 17, "the output is larger than a pipe");
    sandbox.write("many.bin", bytes);
    for output in ["csv", "jsonl"] {
        let mut child = sandbox.spawn(&["predict", "run", "many.bin", "--quiet", "--output", output]);
        let mut first = String::new();
        BufReader::new(child.stdout.take().expect("piped")).read_line(&mut first).expect("a line");
        let mut stderr = String::new();
        child.stderr.take().expect("piped").read_to_string(&mut stderr).expect("UTF-8");
        assert_eq!(
            (child.wait().expect("it ends").code(), stderr.as_str()),
            (Some(0), ""),
            "{output}: {first}"
        );
    }
}

#[test]
fn nobody_needs_to_read_what_training_says() {
    let sandbox = Sandbox::new();
    sandbox.cifar10("data");
    for (out, keeps_stdout) in [("no-stderr", true), ("nothing", false)] {
        let mut child = sandbox.spawn(&["--data", "data", "--epochs", "3", "--out", out]);
        drop(child.stderr.take());
        let stdout = child.stdout.take().filter(|_| keeps_stdout);
        let mut text = String::new();
        if let Some(mut stdout) = stdout {
            stdout.read_to_string(&mut text).expect("UTF-8");
        }
        assert_eq!(child.wait().expect("it ends").code(), Some(0), "{out}");
        assert_eq!(text.starts_with("Accuracy = "), keeps_stdout, "{text}");
        assert_eq!(RunFolder(sandbox.path(out)).files(), RUN_FILES);
    }
}

/// Results that could not be written were not delivered.
#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_told() {
    let sandbox = Sandbox::new();
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").expect("Linux has it");
    let output = sandbox.command(&["--print-config"]).stdout(full).output().expect("the binary runs");
    assert_eq!(output.status.code(), Some(1));
    let stderr = String::from_utf8(output.stderr).expect("UTF-8");
    let lines: Vec<&str> = stderr.lines().collect();
    assert_eq!(lines.len(), 2, "an error and a hint: {stderr}");
    assert!(lines[0].starts_with("error: ") && lines[0].contains("standard output"), "{stderr}");
    assert!(lines[1].starts_with("hint: "), "{stderr}");
}
