//! The command line of `sweep`.

use super::{RunArgs, RunRequest};
use clap::{ArgMatches, Args};
use std::path::PathBuf;

/// Flags of `sweep`: those of a run, and what is to be tried.
#[derive(Args, Debug)]
pub(super) struct SweepArgs {
    /// What to try: KEY=v1,v2,... for any setting of a run; give it again for another key, and every combination is run.
    /// With --random also KEY=low..high
    #[arg(long, value_name = "KEY=VALUES", help_heading = "Sweep")]
    grid: Vec<String>,

    /// Draw so many combinations instead: of a range on a log scale, of a list evenly
    #[arg(long, value_name = "N", help_heading = "Sweep",
          value_parser = clap::value_parser!(u32).range(1..))]
    random: Option<u32>,

    /// Compare by cross-validation over so many folds, not on held-out rows
    #[arg(long, value_name = "K", conflicts_with = "validation", help_heading = "Sweep",
          value_parser = clap::value_parser!(u32).range(2..))]
    folds: Option<u32>,

    /// Go on where the sweep in DIR stopped [default: --out, or the latest in runs/]
    #[arg(long, value_name = "DIR", num_args = 0..=1, help_heading = "Sweep")]
    #[allow(clippy::option_option, reason = "not given, given alone, given with a folder")]
    resume: Option<Option<PathBuf>>,

    #[command(flatten)]
    run: RunArgs,
}

/// A sweep as it was asked for.
#[derive(Debug)]
pub struct SweepRequest {
    /// The settings that all runs share.
    pub run: RunRequest,
    /// `--grid`, each.
    pub grid: Vec<String>,
    /// `--random`.
    pub random: Option<usize>,
    /// `--folds`.
    pub folds: Option<usize>,
    /// `--resume`, and its folder if it was given.
    #[allow(clippy::option_option, reason = "not given, given alone, given with a folder")]
    pub resume: Option<Option<PathBuf>>,
}

impl SweepArgs {
    /// With which of the flags were typed.
    pub(super) fn request(self, matches: &ArgMatches) -> SweepRequest {
        SweepRequest {
            run: self.run.request(matches),
            grid: self.grid,
            random: self.random.map(|count| count as usize),
            folds: self.folds.map(|count| count as usize),
            resume: self.resume,
        }
    }
}
