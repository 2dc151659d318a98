//! Flags of `gradcheck`.

use super::{DataArgs, above_zero, zero_or_above};
use crate::config::{LossName, threads};
use crate::data::{ClassWeight, Preprocess};
use clap::Args;
use std::num::NonZeroUsize;

/// Flags of `gradcheck`.
#[derive(Args, Debug)]
pub struct GradcheckArgs {
    /// Which data.
    #[command(flatten)]
    pub data: DataArgs,
    /// Check one loss only [default: both]
    #[arg(long, value_enum)]
    pub loss: Option<LossName>,
    /// The SVM's margin [default: 1]
    #[arg(long, value_parser = above_zero, allow_negative_numbers = true)]
    pub margin: Option<f64>,
    /// lambda of the penalty lambda * sum W^2
    #[arg(long, value_name = "LAMBDA", default_value = "1e-3", value_parser = zero_or_above, allow_negative_numbers = true)]
    pub reg: f64,
    /// Strength of an added penalty sum |W|
    #[arg(long, value_name = "LAMBDA", default_value = "0", value_parser = zero_or_above, allow_negative_numbers = true)]
    pub l1: f64,
    /// What the examples of each class count: "balanced", or by name
    #[arg(long, value_name = "balanced|CLASS=WEIGHT,...")]
    pub class_weight: Option<ClassWeight>,
    /// What the classifier sees of each feature
    #[arg(long, value_enum, default_value = "standardize")]
    pub preprocess: Preprocess,
    /// Training rows to use
    #[arg(long, value_name = "N", default_value = "200")]
    pub rows: NonZeroUsize,
    /// Coordinates of W to differentiate at; the biases come on top
    #[arg(long, value_name = "N", default_value = "200")]
    pub samples: NonZeroUsize,
    /// Differentiate at every coordinate
    #[arg(long, conflicts_with = "samples")]
    pub all: bool,
    /// Step of the difference quotients
    #[arg(long, default_value = "1e-5", value_parser = above_zero, allow_negative_numbers = true)]
    pub h: f64,
    /// Largest relative error that passes, beyond the rounding of the difference quotient itself
    #[arg(long, default_value = "1e-5", value_parser = zero_or_above, allow_negative_numbers = true)]
    pub tolerance: f64,
    /// Of rows, weights and coordinates
    #[arg(long, value_name = "N", default_value = "0")]
    pub seed: u64,
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
