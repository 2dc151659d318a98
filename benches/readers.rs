//! How fast data files are read, from the system's cache: `cargo bench --bench readers`. For one core, put
//! `taskset -c 0` before it.
//!
//! Files are made in a temporary folder. `CIFAR10_DIR` adds the real CIFAR-10, as its folder and as the `.tar.gz` that
//! `CIFAR10_ARCHIVE` names.

use cifar_train::data::{Dataset, Request, load};
use divan::Bencher;
use divan::counter::BytesCount;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use std::{env, fs};

/// A folder with a file of each kind.
static FOLDER: LazyLock<tempfile::TempDir> = LazyLock::new(|| {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let write = |name: &str, bytes: &[u8]| fs::write(folder.path().join(name), bytes).expect("room for it");
    let mut state = 1_u64;
    let mut random = || {
        // Knuth's linear congruential generator; its high bits are the good ones.
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as u32
    };
    for part in ["train", "test"] {
        let rows = if part == "train" { 10_000 } else { 100 };
        let (mut pixels, mut floats, mut sparse) = (String::new(), String::new(), String::new());
        let mut raw = Vec::new();
        for row in 0..rows {
            let label = row % 10;
            let _ = write!(sparse, "{label}");
            for index in 1..=784 {
                let value = f64::from(random()) / f64::from(u32::MAX >> 1) * 2.0 - 1.0;
                let _ = write!(pixels, "{},", random() % 256);
                let _ = write!(floats, "{value:.6},");
                if random() % 4 == 0 {
                    let _ = write!(sparse, " {index}:{value:.6}");
                }
                (0..4).for_each(|_| raw.extend((value as f32).to_le_bytes()));
            }
            let _ = writeln!(pixels, "{label}");
            let _ = writeln!(floats, "{label}");
            sparse.push('\n');
        }
        write(&format!("pixels-{part}.csv"), pixels.as_bytes());
        write(&format!("floats-{part}.csv"), floats.as_bytes());
        write(&format!("sparse-{part}.svm"), sparse.as_bytes());
        write(&format!("X_{part}.npy"), &npy("<f4", &format!("({rows}, 3136)"), &raw));
        let labels: Vec<u8> = (0..rows).map(|row| (row % 10) as u8).collect();
        write(&format!("y_{part}.npy"), &npy("|u1", &format!("({rows},)"), &labels));
    }
    folder
});

/// A folder with features of 1 GB as `.npy`: 83,000 rows of 3,072 floats, and 100 to test.
static GIGABYTE: LazyLock<tempfile::TempDir> = LazyLock::new(|| {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for (part, rows) in [("train", 83_000), ("test", 100)] {
        let create = |name: &str| fs::File::create(folder.path().join(name)).expect("room for it");
        let row: Vec<u8> = (0..3072).flat_map(|index| (index as f32 / 3072.0).to_le_bytes()).collect();
        let mut features = create(&format!("X_{part}.npy"));
        features.write_all(&npy("<f4", &format!("({rows}, 3072)"), &[])).expect("room for it");
        (0..rows).for_each(|_| features.write_all(&row).expect("room for it"));
        let labels: Vec<u8> = (0..rows).map(|row| (row % 10) as u8).collect();
        let labels = npy("|u1", &format!("({rows},)"), &labels);
        create(&format!("y_{part}.npy")).write_all(&labels).expect("room for it");
    }
    folder
});

fn npy(descr: &str, shape: &str, raw: &[u8]) -> Vec<u8> {
    let mut header = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}");
    header.push_str(&" ".repeat(64 - (11 + header.len()) % 64));
    header.push('\n');
    [b"\x93NUMPY\x01\0", &(header.len() as u16).to_le_bytes()[..], header.as_bytes(), raw].concat()
}

fn main() {
    divan::main();
}

fn read(bencher: Bencher, data: &Path, test: Option<PathBuf>, bytes: u64) {
    let label_column =
        data.extension().is_some_and(|extension| extension == "csv").then(|| "last".to_owned());
    let request = Request { data: Some(data.into()), test, label_column, ..Request::default() };
    let read = || -> Dataset { load(&request).unwrap_or_else(|error| panic!("{error}")) };
    bencher.counter(BytesCount::new(bytes)).bench(read);
}

fn read_pair(bencher: Bencher, train: &str, test: &str) {
    let path = |name: &str| FOLDER.path().join(name);
    let size = |name: &str| fs::metadata(path(name)).map_or(0, |meta| meta.len());
    read(bencher, &path(train), Some(path(test)), size(train) + size(test));
}

#[divan::bench(sample_count = 5, sample_size = 1)]
fn csv_of_bytes(bencher: Bencher) {
    read_pair(bencher, "pixels-train.csv", "pixels-test.csv");
}

#[divan::bench(sample_count = 5, sample_size = 1)]
fn csv_of_floats(bencher: Bencher) {
    read_pair(bencher, "floats-train.csv", "floats-test.csv");
}

#[divan::bench(sample_count = 5, sample_size = 1)]
fn svmlight(bencher: Bencher) {
    read_pair(bencher, "sparse-train.svm", "sparse-test.svm");
}

#[divan::bench(sample_count = 5, sample_size = 1)]
fn npy_of_floats(bencher: Bencher) {
    read(bencher, &FOLDER.path().join("X_train.npy"), None, 10_100 * 3136 * 4);
}

/// Beside numpy's `np.load` of the same file.
#[divan::bench(sample_count = 5, sample_size = 1)]
fn npy_of_a_gigabyte(bencher: Bencher) {
    read(bencher, &GIGABYTE.path().join("X_train.npy"), None, 83_100 * 3072 * 4);
}

#[divan::bench(sample_count = 5, sample_size = 1)]
fn cifar_folder(bencher: Bencher) {
    if let Some(folder) = env::var_os("CIFAR10_DIR") {
        read(bencher, Path::new(&folder), None, 60_000 * 3073);
    }
}

#[divan::bench(sample_count = 3, sample_size = 1)]
fn cifar_archive(bencher: Bencher) {
    if let Some(archive) = env::var_os("CIFAR10_ARCHIVE") {
        read(bencher, Path::new(&archive), None, 60_000 * 3073);
    }
}
