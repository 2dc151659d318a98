//! Flags of `report`.

use crate::config::threads;
use clap::Args;
use std::num::NonZeroUsize;
use std::path::PathBuf;

/// Flags of `report`.
#[derive(Args, Debug)]
pub struct ReportArgs {
    /// Run folders; with several, they are compared
    #[arg(value_name = "RUN", required = true)]
    pub runs: Vec<PathBuf>,
    /// HTML file to write [default: report.html, in the run folder; for several runs, in the current folder]
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Folder with the runs' data, or "generated" [default: the data each run names]
    #[arg(long, value_name = "PATH")]
    pub data: Option<PathBuf>,
    /// Most confident mistakes to show of each run
    #[arg(long, value_name = "N", default_value = "24")]
    pub mistakes: usize,
    /// Replace an earlier file
    #[arg(long)]
    pub force: bool,
    /// Threads [default: all cores]
    #[arg(long, value_name = "N", value_parser = threads, allow_negative_numbers = true)]
    pub threads: Option<NonZeroUsize>,
    /// Print one JSON object: the page's path, and the accuracy of each run with its distance from the best
    #[arg(long)]
    pub json: bool,
    /// No notes, only results, warnings and errors
    #[arg(short, long)]
    pub quiet: bool,
}
