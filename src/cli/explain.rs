//! Flags of `explain`.

use super::{above_zero, zero_or_above};
use crate::config::{LossName, OptimizerName, Settings, threads};
use crate::data::Preprocess;
use clap::{Args, Subcommand, ValueEnum};
use std::num::NonZeroUsize;
use std::path::PathBuf;

/// What to explain.
#[derive(Subcommand, Debug)]
pub enum Explain {
    /// Values and gradients of an expression, or of the classifier, as a computational graph
    Graph(GraphArgs),
    /// Both losses of some scores, worked out line by line
    Loss(LossArgs),
    /// The numerical gradient, step by step, beside the analytic one
    Gradient(GradientArgs),
    /// The paths of update rules, racing on a surface of two variables or on the loss of a training run
    Trajectories(Box<TrajectoriesArgs>),
}

/// Where a picture goes.
#[derive(Args, Debug)]
pub struct PictureArgs {
    /// Also draw it, into this new file
    #[arg(long, value_name = "FILE")]
    pub svg: Option<PathBuf>,
    /// Replace files that are there
    #[arg(long)]
    pub force: bool,
    /// Print one JSON object with every figure
    #[arg(long)]
    pub json: bool,
}

/// Flags of `explain graph`. There is no -q for quiet: `-q * z` is an expression.
#[derive(Args, Debug)]
pub struct GraphArgs {
    /// Such as "(x + y) * z": + - * / ^, exp, log, max, sigmoid, tanh, sqrt, numbers and names
    #[arg(value_name = "EXPR", allow_hyphen_values = true, required_unless_present = "classifier")]
    pub expression: Option<String>,
    /// A value for each name
    #[arg(value_name = "NAME=VALUE", conflicts_with = "classifier")]
    pub values: Vec<String>,
    /// Instead of an expression, the classifier's own graph at the lecture's W, x and b
    #[arg(long, value_enum, value_name = "LOSS", conflicts_with = "expression")]
    pub classifier: Option<LossName>,
    /// The SVM's margin [default: 1]
    #[arg(long, value_parser = above_zero, allow_negative_numbers = true, requires = "classifier", conflicts_with = "expression")]
    pub margin: Option<f64>,
    /// lambda of the classifier's R(W) = lambda * sum W^2; the lecture's formula has none
    #[arg(long, value_name = "LAMBDA", default_value = "1", value_parser = zero_or_above, allow_negative_numbers = true, requires = "classifier", conflicts_with = "expression")]
    pub reg: f64,
    /// Also write it as DOT, for Graphviz, into this new file
    #[arg(long, value_name = "FILE")]
    pub dot: Option<PathBuf>,
    #[command(flatten)]
    #[allow(missing_docs, reason = "says its type")]
    pub picture: PictureArgs,
}

/// Flags of `explain loss`.
#[derive(Args, Debug)]
pub struct LossArgs {
    /// Scores of one picture, such as 3.2,5.1,-1.7; once for each picture
    #[arg(long, value_name = "S,S,...", allow_hyphen_values = true, required_unless_present_any = ["weights", "model"])]
    pub scores: Vec<String>,
    /// The right class of each picture: its number from 0, or its name
    #[arg(long, value_name = "CLASS", required_unless_present = "model", conflicts_with = "model")]
    pub label: Vec<String>,
    /// Names of the classes, such as cat,car,frog
    #[arg(long, value_name = "NAME,...", conflicts_with = "model")]
    pub names: Option<String>,
    /// W, row by row: "0.01 -0.05; 0.7 0.2"
    #[arg(long, value_name = "W", allow_hyphen_values = true, requires = "x", conflicts_with_all = ["scores", "model"])]
    pub weights: Option<String>,
    /// The picture that W sees: "-15 22"
    #[arg(long, value_name = "X", allow_hyphen_values = true, requires = "weights", conflicts_with_all = ["scores", "model"])]
    pub x: Option<String>,
    /// The bias: "0 0.2" [default: zeros]
    #[arg(long, value_name = "B", allow_hyphen_values = true, requires = "weights", conflicts_with_all = ["scores", "model"])]
    pub b: Option<String>,
    /// A run folder, or a model.safetensors, to take the scores from
    #[arg(long, value_name = "MODEL|RUN", conflicts_with = "scores")]
    pub model: Option<PathBuf>,
    /// Which test image the model sees, from 0
    #[arg(long, value_name = "N", requires = "model", default_value = "0", conflicts_with_all = ["scores", "weights"])]
    pub image: usize,
    /// Data to take the image from [default: the run's own]
    #[arg(long, value_name = "PATH", requires = "model", conflicts_with_all = ["scores", "weights"])]
    pub data: Option<PathBuf>,
    /// The SVM's margin [default: 1, or the model's]
    #[arg(long, value_parser = above_zero, allow_negative_numbers = true)]
    pub margin: Option<f64>,
    /// Print one JSON object with every figure
    #[arg(long)]
    pub json: bool,
    /// No notes, only results, warnings and errors
    #[arg(short, long)]
    pub quiet: bool,
}

/// Flags of `explain gradient`.
#[derive(Args, Debug)]
pub struct GradientArgs {
    /// Data file or folder, or "generated" [default: as for training]
    #[arg(long, value_name = "PATH")]
    pub data: Option<PathBuf>,
    /// Only the quotients of losses measured elsewhere: at W, then with h added to one weight after the other
    #[arg(long, value_name = "L,L,...", allow_hyphen_values = true, conflicts_with_all = ["data", "svg", "loss", "margin",
          "reg", "preprocess", "rows", "coordinates", "seed", "threads", "force"])]
    pub losses: Option<String>,
    /// Whose gradient; softmax is smooth, so that its errors are those of the method alone
    #[arg(long, value_enum, default_value = "softmax")]
    pub loss: LossName,
    /// The SVM's margin [default: 1]
    #[arg(long, value_parser = above_zero, allow_negative_numbers = true)]
    pub margin: Option<f64>,
    /// lambda of the penalty lambda * sum W^2
    #[arg(long, value_name = "LAMBDA", default_value = "1e-3", value_parser = zero_or_above, allow_negative_numbers = true)]
    pub reg: f64,
    /// What the classifier sees of each feature
    #[arg(long, value_enum, default_value = "standardize")]
    pub preprocess: Preprocess,
    /// Training rows to use
    #[arg(long, value_name = "N", default_value = "100")]
    pub rows: NonZeroUsize,
    /// Coordinates of W to show, from the first
    #[arg(long, value_name = "N", default_value = "9")]
    pub coordinates: NonZeroUsize,
    /// Step of the difference quotients
    #[arg(long, default_value = "1e-4", value_parser = above_zero, allow_negative_numbers = true)]
    pub h: f64,
    /// Of rows and weights
    #[arg(long, value_name = "N", default_value = "0")]
    pub seed: u64,
    /// Threads [default: all cores]
    #[arg(long, value_name = "N", value_parser = threads, allow_negative_numbers = true)]
    pub threads: Option<NonZeroUsize>,
    #[command(flatten)]
    #[allow(missing_docs, reason = "says its type")]
    pub picture: PictureArgs,
    /// No notes, only results, warnings and errors
    #[arg(short, long)]
    pub quiet: bool,
}

/// What rules race on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Ground {
    /// A long valley: (x^2 + 30 y^2) / 2
    Valley,
    /// A saddle: y^2 - x^2, started almost on its ridge
    Saddle,
    /// Beale's function, steep and flat by turns
    Beale,
    /// The full loss of a training run, in the plane of its path
    Loss,
}

/// A rule that races.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Entry {
    /// Which.
    pub rule: OptimizerName,
    /// Its learning rate, if it has one of its own.
    pub lr: Option<f64>,
}

/// Flags of `explain trajectories`.
#[derive(Args, Debug)]
pub struct TrajectoriesArgs {
    /// What the rules race on; the settings of Data, Objective and Descent below describe the run of `loss`
    #[arg(long, value_enum, default_value = "valley")]
    pub surface: Ground,
    /// Rules that race, each with a learning rate of its own if wanted; --lr is that of the run whose plane is shown,
    /// or on a surface of every other rule [default: all six]
    #[arg(long, value_name = "RULE[=LR],...", value_delimiter = ',', value_parser = entry)]
    pub rules: Vec<Entry>,
    /// Steps on a surface [default: 150, for beale 200]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100_000), allow_negative_numbers = true)]
    pub steps: Option<u32>,
    /// Where the race starts on a surface, such as -9,1.5 [default: where the rules differ most]
    #[arg(long, value_name = "X,Y", allow_hyphen_values = true)]
    pub start: Option<String>,
    /// Draw the race into this new file, as a picture that moves
    #[arg(long, value_name = "FILE")]
    pub svg: Option<PathBuf>,
    /// Draw the whole paths into this new file, as a still picture
    #[arg(long, value_name = "FILE")]
    pub still: Option<PathBuf>,
    /// TOML file of settings for the run; flags go over it
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    #[command(flatten)]
    #[allow(missing_docs, reason = "says its type")]
    pub settings: Settings,
    /// Keys of the settings that were typed.
    #[arg(skip)]
    pub given: Vec<String>,
}

fn entry(text: &str) -> Result<Entry, String> {
    let (rule, lr) = match text.split_once('=') {
        Some((rule, lr)) => (rule, Some(lr)),
        None => (text, None),
    };
    let rule = OptimizerName::from_str(rule.trim(), false).ok().filter(|rule| *rule != OptimizerName::Lbfgs);
    let lr = lr.map(|lr| above_zero(lr.trim())).transpose();
    match (rule, lr) {
        (Some(rule), Ok(lr)) => Ok(Entry { rule, lr }),
        (Some(_), Err(_)) => Err("expected a finite number above 0 behind the =".into()),
        (None, _) => {
            Err("expected sgd, momentum, nesterov, adagrad, rmsprop, adam, or one with a rate: adam=0.1"
                .into())
        }
    }
}
