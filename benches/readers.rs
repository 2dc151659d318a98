//! How long data sets take to load: `cargo bench --bench readers -- PATH ...` loads each several times in one process
//! and prints a line of CSV for each time: the path, its examples and features, the sum of all features, the seconds.
//! Where nothing tells train and test apart, all examples are for training. `--features parquet` for Parquet,
//! `taskset -c 0` for one core. `benches/peers/run --readers` makes files, and loads them with other programs too.

use cifar_train::data::{Examples, Features, Request, load};
use std::io;
use std::path::Path;
use std::time::Instant;

/// Times that a data set is loaded: the first may have to wait for the disk.
const LOADS: usize = 4;

fn main() -> anyhow::Result<()> {
    let mut lines = csv::Writer::from_writer(io::stdout());
    lines.write_record(["path", "rows", "width", "sum", "seconds"])?;
    // Cargo adds --bench.
    for path in std::env::args().skip(1).filter(|argument| !argument.starts_with("--")) {
        for _ in 0..LOADS {
            lines.serialize((&path, timed(Path::new(&path))?))?;
            lines.flush()?;
        }
    }
    Ok(())
}

/// Examples, features, the sum of all features, to be compared with other programs', and the seconds of loading.
fn timed(path: &Path) -> anyhow::Result<(usize, usize, f64, f64)> {
    let request = Request { data: Some(path.into()), no_test: true, ..Request::default() };
    let begun = Instant::now();
    let data = load(&request)?;
    let seconds = begun.elapsed().as_secs_f64();
    let rows = data.train.len() + data.test.len();
    Ok((rows, data.train.width, sum(&data.train) + sum(&data.test), seconds))
}

fn sum(examples: &Examples) -> f64 {
    match &examples.features {
        Features::Bytes(values) => values.iter().map(|&value| f64::from(value)).sum(),
        Features::Floats(values) => values.iter().map(|&value| f64::from(value)).sum(),
    }
}
