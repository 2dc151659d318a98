//! What the tests share: a folder to run in, small data sets, and readers of what a run leaves behind.

use assert_cmd::cargo::cargo_bin;
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use tempfile::TempDir;

/// Pixels of an image.
pub const PIXELS: usize = 3072;
/// The names that CIFAR-10's own `batches.meta.txt` has.
pub const CLASSES: [&str; 10] =
    ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"];
/// Every file of a run folder, in order.
pub const RUN_FILES: [&str; 6] =
    ["config.toml", "curves.svg", "history.csv", "model.safetensors", "result.json", "templates.png"];

/// A temporary folder that the program runs in.
pub struct Sandbox(TempDir);

/// What a finished process left on its streams.
#[derive(Debug)]
pub struct Run {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Sandbox {
    pub fn new() -> Self {
        Self(tempfile::tempdir().expect("a temporary folder"))
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Runs `cifar-train` to its end, whatever that is.
    pub fn run(&self, args: &[&str]) -> Run {
        let output = assert_cmd::Command::from_std(self.command(args))
            .timeout(Duration::from_secs(600))
            .output()
            .expect("the binary runs");
        let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
        Run {
            code: output.status.code().expect("no signal ends it"),
            stdout: text(output.stdout),
            stderr: text(output.stderr),
        }
    }

    /// Runs `cifar-train`, which must succeed.
    pub fn succeed(&self, args: &[&str]) -> Run {
        let run = self.run(args);
        assert_eq!(run.code, 0, "{args:?}: {run:?}");
        run
    }

    /// Trains quietly into the folder `out`, which is returned.
    pub fn train(&self, out: &str, args: &[&str]) -> RunFolder {
        self.succeed(&[&["train", "-q", "--out", out], args].concat());
        RunFolder(self.path(out))
    }

    /// Starts `cifar-train` with both output streams piped.
    pub fn spawn(&self, args: &[&str]) -> Child {
        let mut command = self.command(args);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.spawn().expect("the binary starts")
    }

    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(cargo_bin!("cifar-train"));
        command.current_dir(self.0.path()).args(args);
        command
    }

    /// Everything in the folder, as sorted relative paths.
    pub fn entries(&self) -> Vec<PathBuf> {
        fn visit(folder: &Path, root: &Path, found: &mut Vec<PathBuf>) {
            for entry in fs::read_dir(folder).expect("a folder") {
                let path = entry.expect("an entry").path();
                found.push(path.strip_prefix(root).expect("below the root").to_path_buf());
                if path.is_dir() {
                    visit(&path, root, found);
                }
            }
        }
        let mut found = Vec::new();
        visit(self.0.path(), self.0.path(), &mut found);
        found.sort();
        found
    }

    pub fn write(&self, name: &str, bytes: impl AsRef<[u8]>) {
        fs::write(self.path(name), bytes).expect("writes");
    }

    /// Changes the bytes of a file.
    pub fn edit(&self, name: &str, change: impl FnOnce(&mut Vec<u8>)) {
        let mut bytes = fs::read(self.path(name)).expect("reads");
        change(&mut bytes);
        self.write(name, bytes);
    }

    /// A small data set in CIFAR-10's layout: 5 x 40 training and 30 test images.
    pub fn cifar10(&self, name: &str) {
        fs::create_dir_all(self.path(name)).expect("a new folder");
        for batch in 1..=5 {
            self.write(&format!("{name}/data_batch_{batch}.bin"), records(40, batch));
        }
        self.write(&format!("{name}/test_batch.bin"), records(30, 6));
        self.write(&format!("{name}/batches.meta.txt"), CLASSES.join("\n") + "\n\n");
    }

    /// A small data set in CIFAR-100's layout: 200 training and 30 test images of ten fine classes, two to each of
    /// five coarse ones.
    pub fn cifar100(&self, name: &str) {
        fs::create_dir_all(self.path(name)).expect("a new folder");
        for (file, count, salt) in [("train.bin", 200, 1), ("test.bin", 30, 2)] {
            let with_coarse = |record: &[u8]| [&[record[0] / 2], record].concat();
            let bytes: Vec<u8> = records(count, salt).chunks(1 + PIXELS).flat_map(with_coarse).collect();
            self.write(&format!("{name}/{file}"), bytes);
        }
        self.write(&format!("{name}/fine_label_names.txt"), CLASSES.join("\n"));
        self.write(&format!("{name}/coarse_label_names.txt"), "sky\nsmall\nwood\nfield\nroad\n");
    }
}

/// Records of CIFAR-10's layout: in turn an image of each class.
pub fn records(count: usize, salt: u64) -> Vec<u8> {
    let record = |index| {
        let class = index % CLASSES.len();
        let mut bytes = vec![class as u8];
        bytes.extend(image(class, salt * 1_000 + index as u64));
        bytes
    };
    (0..count).flat_map(record).collect()
}

/// An image that a linear classifier can learn: noise, and every tenth pixel, from `class` on, a little brighter.
fn image(class: usize, salt: u64) -> Vec<u8> {
    let mut state = salt;
    let pixel = |at: usize| {
        // Knuth's linear congruential generator; its high bits are the good ones.
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let noise = (state >> 57) as u8;
        if at % CLASSES.len() == class { noise + 60 } else { noise }
    };
    (0..PIXELS).map(pixel).collect()
}

/// What a run wrote.
pub struct RunFolder(pub PathBuf);

impl RunFolder {
    pub fn bytes(&self, file: &str) -> Vec<u8> {
        fs::read(self.0.join(file)).expect("a file of the run")
    }

    pub fn model(&self) -> Vec<u8> {
        self.bytes("model.safetensors")
    }

    /// The numbers of the model, without the names and settings in its header.
    pub fn weights(&self) -> Vec<u8> {
        let model = self.model();
        let (length, rest) = model.split_first_chunk().expect("a header's length");
        rest[u64::from_le_bytes(*length) as usize..].to_vec()
    }

    pub fn text(&self, file: &str) -> String {
        String::from_utf8(self.bytes(file)).expect("UTF-8")
    }

    pub fn result(&self) -> Value {
        json(&self.text("result.json"))
    }

    pub fn history(&self) -> Table {
        Table::parse(&self.text("history.csv"))
    }

    /// The names of its files, sorted.
    pub fn files(&self) -> Vec<String> {
        let entries = fs::read_dir(&self.0).expect("a run folder");
        let name = |entry: fs::DirEntry| entry.file_name().into_string().expect("UTF-8");
        let mut names: Vec<_> = entries.map(|entry| name(entry.expect("an entry"))).collect();
        names.sort();
        names
    }
}

/// A CSV file: its header, and its cells as text.
pub struct Table {
    pub header: Vec<String>,
    pub rows: Vec<Vec<String>>,
}

impl Table {
    pub fn parse(text: &str) -> Self {
        let mut reader = csv::Reader::from_reader(text.as_bytes());
        let cells = |record: &csv::StringRecord| record.iter().map(Into::into).collect();
        let header = cells(reader.headers().expect("a header"));
        let rows = reader.records().map(|record| cells(&record.expect("a row of the header's length")));
        Self { header, rows: rows.collect() }
    }

    pub fn column(&self, name: &str) -> Vec<&str> {
        let at = self.header.iter().position(|header| header == name);
        let at = at.unwrap_or_else(|| panic!("no column {name} in {:?}", self.header));
        self.rows.iter().map(|row| row[at].as_str()).collect()
    }

    pub fn numbers(&self, name: &str) -> Vec<f64> {
        self.column(name).into_iter().map(|cell| cell.parse().expect("a number")).collect()
    }
}

pub fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error} in {text}"))
}

/// The number at `key`.
pub fn number(value: &Value, key: &str) -> f64 {
    value[key].as_f64().unwrap_or_else(|| panic!("no number {key} in {value}"))
}

/// What follows `start` on the one line of `text` that begins with it.
pub fn after<'a>(text: &'a str, start: &str) -> &'a str {
    let mut found = text.lines().filter_map(|line| line.strip_prefix(start));
    let line = found.next().unwrap_or_else(|| panic!("no line starts with {start:?} in {text}"));
    assert_eq!(found.next(), None, "one line starts with {start:?} in {text}");
    line
}

/// The smallest of `values` up to each place.
pub fn running_minimum(values: &[f64]) -> Vec<f64> {
    let mut lowest = f64::INFINITY;
    let next = |&value: &f64| {
        lowest = value.min(lowest);
        lowest
    };
    values.iter().map(next).collect()
}
