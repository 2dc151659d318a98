//! Flags of what a trained model is for: `evaluate` and `predict`.

use super::{ColumnArgs, DataArgs};
use crate::config::threads;
use crate::data::Format;
use clap::{Args, ValueEnum};
use std::num::NonZeroUsize;
use std::path::PathBuf;

/// Which part of a data set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Part {
    /// The training examples, held-out rows included
    Train,
    /// The test examples
    Test,
}

/// Flags of `evaluate`.
#[derive(Args, Debug)]
pub struct EvaluateArgs {
    /// A run folder, or a model.safetensors
    #[arg(value_name = "MODEL|RUN")]
    pub model: PathBuf,
    /// Which data.
    #[command(flatten)]
    pub data: DataArgs,
    /// Which examples
    #[arg(long, value_enum, default_value = "test")]
    pub on: Part,
    /// Report the share of labels among the k highest scores, up to this k
    #[arg(long, value_name = "K", default_value = "5")]
    pub top: NonZeroUsize,
    /// Threads [default: all cores]
    #[arg(long, value_name = "N", value_parser = threads, allow_negative_numbers = true)]
    pub threads: Option<NonZeroUsize>,
    /// Print one JSON object with every result
    #[arg(long)]
    pub json: bool,
    /// No notes, only results, warnings and errors
    #[arg(short, long)]
    pub quiet: bool,
}

/// What `predict` prints.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Output {
    /// A header, then a line an example
    Csv,
    /// A JSON object a line
    Jsonl,
}

/// Flags of `predict`.
#[derive(Args, Debug)]
pub struct PredictArgs {
    /// A run folder, or a model.safetensors
    #[arg(value_name = "MODEL|RUN")]
    pub model: PathBuf,
    /// A data file or folder with labels or without, a picture, or a file of CIFAR's records or of bare pixels; where
    /// there are training and test examples, the test examples
    #[arg(value_name = "INPUT")]
    pub input: PathBuf,
    /// Format of the input [default: recognised by content]
    #[arg(long, value_enum)]
    pub format: Option<Format>,
    /// Which columns are no features.
    #[command(flatten)]
    pub columns: ColumnArgs,
    /// Form of the output
    #[arg(long, value_enum, default_value = "csv")]
    pub output: Output,
    /// Threads [default: all cores]
    #[arg(long, value_name = "N", value_parser = threads, allow_negative_numbers = true)]
    pub threads: Option<NonZeroUsize>,
    /// No notes, only results, warnings and errors
    #[arg(short, long)]
    pub quiet: bool,
}
