//! `data fetch`: a public data set, from the network, checked and unpacked.

use super::{Exit, INTERRUPT, print, print_json, stop_on_interrupt};
use crate::cli::FetchArgs;
use crate::data::DEFAULT_FOLDER;
use crate::fetch::{self, FetchError, Mirror, Options, Outcome, Set};
use crate::report::console::Console;
use crate::report::fetch_progress::FetchProgress;
use crate::report::plot::count;
use serde::Serialize;
use std::path::Path;
use std::time::{Duration, Instant};

/// A moment for a mirror that broke off.
const PAUSE: Duration = Duration::from_secs(1);

pub fn run(args: &FetchArgs) -> anyhow::Result<Exit> {
    let begun = Instant::now();
    let console = Console { quiet: args.quiet };
    let set = args.set.set();
    let folder = args.out.as_deref().unwrap_or(&set.folder);
    stop_on_interrupt()?;
    let options = Options {
        mirrors: args.mirror.clone(),
        patience: Duration::from_secs(args.timeout),
        pause: PAUSE,
        force: args.force,
        interrupt: &INTERRUPT,
    };
    let mut progress = FetchProgress::new(console);
    let fetched = fetch::fetch(&set, folder, &options, &mut |event| progress.tell(event));
    progress.finish();
    let outcome = match fetched {
        Err(FetchError::Interrupted) => {
            tell_kept(console, &set, folder);
            return Ok(Exit::Interrupted);
        }
        other => other?,
    };
    if args.json {
        print_json(&FetchResult::new(&set, folder, &outcome, begun))?;
        return Ok(Exit::Done);
    }
    match outcome {
        Outcome::There => print(&format!("Already there: {}\n", folder.display()))?,
        Outcome::Fetched { .. } => print(&format!("Saved: {}\n", folder.display()))?,
    }
    if folder == Path::new(DEFAULT_FOLDER) {
        console.note("to train with it: cifar-train");
    } else {
        console.note(format_args!("to train with it: cifar-train --data {}", folder.display()));
    }
    Ok(Exit::Done)
}

/// What the next try goes on from.
fn tell_kept(console: Console, set: &Set, folder: &Path) {
    match fetch::kept(set, folder) {
        Some((partial, bytes)) => console.note(format_args!(
            "interrupted: {} bytes are kept in {}; the same command goes on from there",
            count(bytes as usize),
            partial.display()
        )),
        None => console.note("interrupted: nothing was downloaded"),
    }
}

/// What `--json` prints.
#[derive(Serialize)]
struct FetchResult<'a> {
    name: &'a str,
    folder: String,
    /// Whether nothing had to be fetched.
    was_there: bool,
    downloaded_bytes: u64,
    files: Vec<FetchedFile<'a>>,
    seconds: f64,
}

#[derive(Serialize)]
struct FetchedFile<'a> {
    name: &'a str,
    bytes: u64,
    sha256: &'a str,
    /// The mirror's; null if it was there.
    from: Option<String>,
}

impl<'a> FetchResult<'a> {
    fn new(set: &'a Set, folder: &Path, outcome: &Outcome, begun: Instant) -> Self {
        let (from, bytes): (&[Option<Mirror>], u64) = match outcome {
            Outcome::There => (&[], 0),
            Outcome::Fetched { from, bytes } => (from, *bytes),
        };
        let file = |(at, file): (usize, &'a fetch::Remote)| FetchedFile {
            name: &file.name,
            bytes: file.size,
            sha256: &file.sha256,
            from: from.get(at).and_then(Option::as_ref).map(ToString::to_string),
        };
        Self {
            name: &set.name,
            folder: folder.display().to_string(),
            was_there: matches!(outcome, Outcome::There),
            downloaded_bytes: bytes,
            files: set.files.iter().enumerate().map(file).collect(),
            seconds: begun.elapsed().as_secs_f64(),
        }
    }
}
