//! Every parser on every input of `fuzz/`: its seeds, what fuzzing found beyond them, and what once went wrong. None
//! panics, none takes long, and none takes more memory than it may. One test alone, for memory is counted for the whole
//! process.

#![allow(missing_docs, reason = "a test")]

#[path = "../fuzz/src/counting.rs"]
mod counting;

use cifar_train::fuzz::Parser;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

#[global_allocator]
static ALLOCATOR: counting::Counting = counting::Counting;

/// Far above what any takes, on a busy machine too.
const MOST_TIME: Duration = Duration::from_secs(5);

/// The inputs of `parser` in a folder of `fuzz/`, in order.
fn inputs(folder: &str, parser: Parser) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz").join(folder).join(parser.name());
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut paths: Vec<_> = entries.map(|entry| entry.expect("an entry").path()).collect();
    paths.sort();
    paths
}

#[test]
fn every_parser_on_every_input() {
    for parser in Parser::ALL {
        let corpus = inputs("corpus", parser);
        let mut accepted = 0;
        for path in corpus.iter().chain(&inputs("regressions", parser)) {
            let bytes = fs::read(path).expect("reads");
            let begun = Instant::now();
            let (good, peak) = counting::peak_of(|| parser.accepts(&bytes));
            let (taken, most) = (begun.elapsed(), parser.most_memory(&bytes));
            accepted += usize::from(good);
            assert!(taken < MOST_TIME, "{}: {taken:?}", path.display());
            assert!(peak <= most, "{}: took {peak} bytes, at most {most} allowed", path.display());
        }
        let name = parser.name();
        assert!(corpus.len() >= 3, "{name}: {} seeds", corpus.len());
        assert!((1..corpus.len()).contains(&accepted), "{name}: {accepted} of {} are accepted", corpus.len());
    }
}
