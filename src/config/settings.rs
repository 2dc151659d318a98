//! Everything a run can be told, once: each field is a flag of the command line, a key of the TOML file (of
//! the same name), its default and its help.

use super::MemorySize;
use super::choices::{LossName, OptimizerName, ScheduleName, StrategyName};
use super::threads::{threads, threads_in_file};
use crate::data::{self, ClassWeight, Format, Holdout, Label, Planes, Preprocess, Size};
use crate::train::{BatchSize, CheckpointEvery};
use clap::{Args, FromArgMatches};
use serde::{Deserialize, Serialize};
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::LazyLock;

/// What a run can be told. Options are those whose default depends on something else; `resolve` fills them.
#[derive(Args, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
#[allow(clippy::struct_excessive_bools, reason = "each is a flag")]
pub struct Settings {
    /// Data file or folder (CIFAR, IDX, .npy, .npz, CSV, svmlight, safetensors, pictures), or "generated" for the
    /// built-in set [default: data/cifar-10-batches-bin if it is there, else generated]
    #[arg(long, value_name = "PATH", help_heading = "Data")]
    pub data: Option<PathBuf>,

    /// Format of the data [default: recognised by content]
    #[arg(long, value_enum, help_heading = "Data")]
    pub format: Option<Format>,

    /// File of the test examples, for data without any
    #[arg(long, value_name = "FILE", help_heading = "Data")]
    pub test: Option<PathBuf>,

    /// Rows to test with, for data without test examples: a number, or a fraction such as 0.2; the same for every seed
    #[arg(long, value_name = "N|FRACTION", allow_negative_numbers = true, help_heading = "Data")]
    pub test_split: Option<Holdout>,

    /// CSV column that holds the labels: its name, its number from 1, or "last" [default: the one called label, class,
    /// target, species or y, or the only one of texts]
    #[arg(long, value_name = "NAME|N", help_heading = "Data")]
    pub label_column: Option<String>,

    /// Column (or array of an .npz or safetensors file) that holds a weight of 0 or above for each example: weights
    /// multiply losses, and times that of the class; preprocessing and test figures count every example once [default:
    /// an array called weights or sample_weights]
    #[arg(long, value_name = "NAME|N", help_heading = "Data")]
    pub weight_column: Option<String>,

    /// Rows of features are pictures of so many channels, rows and columns
    #[arg(long, value_name = "CxHxW", help_heading = "Data")]
    pub shape: Option<Planes>,

    /// Resize pictures to a side such as 32, or to width and height such as 64x48
    #[arg(long, value_name = "N|WxH", help_heading = "Data")]
    pub size: Option<Size>,

    /// Which label of CIFAR-100 to learn [default: fine]
    #[arg(long, value_enum, hide_possible_values = false, help_heading = "Data")]
    pub label: Option<Label>,

    /// Most memory that the whole program may take, such as 500MB or 2GiB: features stay in their files (.npy,
    /// safetensors, IDX or CIFAR's binary ones), and as many rows at a time as fit are read [default: all are in memory]
    #[arg(long, value_name = "SIZE", allow_negative_numbers = true, help_heading = "Data")]
    pub memory: Option<MemorySize>,

    /// Training rows to hold out: a number, or a fraction such as 0.1
    #[arg(
        long,
        value_name = "N|FRACTION",
        default_value = "0",
        allow_negative_numbers = true,
        help_heading = "Data"
    )]
    pub validation: Holdout,

    /// What training sees of each feature, with statistics of the training rows [default: standardize; for random
    /// search center]
    #[arg(long, value_enum, help_heading = "Data")]
    pub preprocess: Option<Preprocess>,

    /// Loss of one example
    #[arg(long, value_enum, default_value = "svm", help_heading = "Objective")]
    pub loss: LossName,

    /// By how much the SVM wants the right score to lead
    #[arg(long, default_value = "1", allow_negative_numbers = true, help_heading = "Objective")]
    pub margin: f64,

    /// lambda of the penalty lambda * sum W^2 (bias included, no 1/2)
    #[arg(
        long,
        value_name = "LAMBDA",
        default_value = "1e-3",
        allow_negative_numbers = true,
        help_heading = "Objective"
    )]
    pub reg: f64,

    /// Strength of an added penalty sum |W|
    #[arg(
        long,
        value_name = "LAMBDA",
        default_value = "0",
        allow_negative_numbers = true,
        help_heading = "Objective"
    )]
    pub l1: f64,

    /// What the examples of each class count in the mean loss: "balanced" (every class the same in all), or by name,
    /// 1 for the others [default: all 1]
    #[arg(long, value_name = "balanced|CLASS=WEIGHT,...", help_heading = "Objective")]
    pub class_weight: Option<ClassWeight>,

    /// How weights are searched for
    #[arg(long, value_enum, default_value = "descent", help_heading = "Strategy")]
    pub strategy: StrategyName,

    /// Update rule
    #[arg(long, value_enum, default_value = "sgd", help_heading = "Descent")]
    pub optimizer: OptimizerName,

    /// Learning rate
    #[arg(long, default_value = "1e-3", allow_negative_numbers = true, help_heading = "Descent")]
    pub lr: f64,

    /// How the learning rate falls
    #[arg(long, value_enum, default_value = "constant", help_heading = "Descent")]
    pub schedule: ScheduleName,

    /// Of the schedule: what is left after a step (0.1) or an epoch of exponential (0.8), or the strength of inverse (1)
    #[arg(long, allow_negative_numbers = true, help_heading = "Descent")]
    pub decay: Option<f64>,

    /// Epochs between the falls of the step schedule
    #[arg(
        long,
        value_name = "EPOCHS",
        default_value = "4",
        allow_negative_numbers = true,
        help_heading = "Descent"
    )]
    pub step_every: f64,

    /// Epochs over which the learning rate first rises; fractions are fine
    #[arg(
        long,
        value_name = "EPOCHS",
        default_value = "0",
        allow_negative_numbers = true,
        help_heading = "Descent"
    )]
    pub warmup: f64,

    /// Velocity kept by momentum and nesterov
    #[arg(long, default_value = "0.9", allow_negative_numbers = true, help_heading = "Descent")]
    pub momentum: f64,

    /// Decay of adam's mean gradient
    #[arg(long, default_value = "0.9", allow_negative_numbers = true, help_heading = "Descent")]
    pub beta1: f64,

    /// Decay of the mean square of adam (0.999) and rmsprop (0.99)
    #[arg(long, allow_negative_numbers = true, help_heading = "Descent")]
    pub beta2: Option<f64>,

    /// Keeps the quotients of adagrad, rmsprop and adam finite
    #[arg(long, default_value = "1e-8", allow_negative_numbers = true, help_heading = "Descent")]
    pub epsilon: f64,

    /// Examples a step sees: a number, or "full"
    #[arg(
        short,
        long,
        value_name = "N|full",
        default_value = "256",
        allow_negative_numbers = true,
        help_heading = "Descent"
    )]
    pub batch_size: BatchSize,

    /// Rows to shuffle at a time, rounded up to whole batches: blocks from all over the data, then the rows in them
    /// [default: all rows, or with --memory as many as fit]
    #[arg(long, value_name = "ROWS", allow_negative_numbers = true, help_heading = "Descent")]
    pub window: Option<NonZeroUsize>,

    /// Times every example is used
    #[arg(
        long,
        value_name = "N",
        default_value = "10",
        allow_negative_numbers = true,
        help_heading = "Descent"
    )]
    pub epochs: usize,

    /// Stop after N epochs without a better validation accuracy; the best epoch's weights are kept
    #[arg(long, value_name = "N", allow_negative_numbers = true, help_heading = "Descent")]
    pub patience: Option<usize>,

    /// Deviation of the random start; 0 starts from zeros
    #[arg(
        long,
        value_name = "DEVIATION",
        default_value = "0",
        allow_negative_numbers = true,
        help_heading = "Descent"
    )]
    pub init_scale: f64,

    /// Also look at the test set after each epoch (it is never learned from)
    #[arg(long, help_heading = "Descent")]
    pub watch_test: bool,

    /// Certified gap at which lbfgs stops: how far the full loss may be above its minimum (for the SVM, as part of it)
    #[arg(
        long,
        value_name = "GAP",
        default_value = "1e-4",
        allow_negative_numbers = true,
        help_heading = "L-BFGS"
    )]
    pub tol: f64,

    /// Iterations of lbfgs, at most
    #[arg(
        long,
        value_name = "N",
        default_value = "1000",
        allow_negative_numbers = true,
        help_heading = "L-BFGS"
    )]
    pub max_iterations: usize,

    /// Weight matrices tried
    #[arg(
        long,
        value_name = "N",
        default_value = "1000",
        allow_negative_numbers = true,
        help_heading = "Random search"
    )]
    pub attempts: usize,

    /// Deviation of every drawn weight
    #[arg(
        long,
        value_name = "DEVIATION",
        default_value = "1e-4",
        allow_negative_numbers = true,
        help_heading = "Random search"
    )]
    pub scale: f64,

    /// Step at random from the best so far, and keep the step only if it helps
    #[arg(long, help_heading = "Random search")]
    pub local: bool,

    /// Of every random choice: same seed, same model, byte for byte
    #[arg(long, value_name = "N", default_value = "0", allow_negative_numbers = true, help_heading = "Run",
          value_parser = clap::value_parser!(u64).range(..=i64::MAX as u64))]
    pub seed: u64,

    /// Threads; results do not depend on it [default: all cores]
    #[arg(long, value_name = "N", allow_negative_numbers = true, help_heading = "Run", value_parser = threads)]
    #[serde(deserialize_with = "threads_in_file")]
    pub threads: Option<NonZeroUsize>,

    /// How often to write down where the run stands, for --resume: a number of steps (or attempts), a time such as 30s,
    /// 10m or 2h, or "off" [default: 60s]
    #[arg(long, value_name = "N|TIME|off", allow_negative_numbers = true, help_heading = "Run")]
    pub checkpoint_every: Option<CheckpointEvery>,

    /// Checkpoints to keep, at most: the latest [default: 2]
    #[arg(long, value_name = "N", allow_negative_numbers = true, help_heading = "Run")]
    pub keep_checkpoints: Option<NonZeroUsize>,

    /// Run folder to write [default: runs/TIME-LOSS]
    #[arg(long, value_name = "DIR", help_heading = "Run")]
    pub out: Option<PathBuf>,

    /// Replace an earlier run in the --out folder
    #[arg(long, help_heading = "Run")]
    pub force: bool,

    /// Print one JSON object with every result
    #[arg(long, help_heading = "Run")]
    pub json: bool,

    /// No progress and no notes, only results, warnings and errors
    #[arg(short, long, help_heading = "Run")]
    pub quiet: bool,
}

/// The defaults are those of the flags.
impl Default for Settings {
    fn default() -> Self {
        // Every key of a config file asks for them.
        static DEFAULTS: LazyLock<Settings> = LazyLock::new(|| {
            let command = Settings::augment_args(clap::Command::new("defaults"));
            let matches = command.get_matches_from(["defaults"]);
            match Settings::from_arg_matches(&matches) {
                Ok(settings) => settings,
                Err(error) => unreachable!("the default values parse, as a test shows: {error}"),
            }
        });
        DEFAULTS.clone()
    }
}

impl Settings {
    /// Every key, in the order of the fields.
    pub fn keys() -> &'static [String] {
        static KEYS: LazyLock<Vec<String>> = LazyLock::new(|| {
            let command = Settings::augment_args(clap::Command::new("keys"));
            command.get_arguments().filter_map(|arg| arg.get_long().map(Into::into)).collect()
        });
        &KEYS
    }

    /// The settings about data.
    pub fn data_request(&self) -> data::Request {
        data::Request {
            data: self.data.clone(),
            format: self.format,
            label: self.label,
            label_column: self.label_column.clone(),
            weight_column: self.weight_column.clone(),
            test: self.test.clone(),
            test_split: self.test_split,
            shape: self.shape,
            size: self.size,
            model: None,
            no_test: false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_are_those_the_design_names() {
        let settings = Settings::default();
        assert_eq!((settings.loss, settings.margin, settings.reg), (LossName::Svm, 1.0, 1e-3));
        assert_eq!((settings.lr, settings.epochs, settings.batch_size.to_string()), (1e-3, 10, "256".into()));
        assert_eq!((settings.attempts, settings.scale, settings.seed), (1000, 1e-4, 0));
    }

    /// Flags and keys are one list.
    #[test]
    fn every_field_is_a_key() {
        let mut settings = Settings { label: Some(Label::Fine), ..Settings::default() };
        settings.data = Some("x".into());
        settings.out = Some("x".into());
        settings.preprocess = Some(Preprocess::None);
        settings.class_weight = Some(ClassWeight::Balanced);
        settings.decay = Some(0.1);
        settings.beta2 = Some(0.1);
        settings.patience = Some(1);
        settings.threads = NonZeroUsize::new(1);
        settings.checkpoint_every = Some(CheckpointEvery::Off);
        settings.keep_checkpoints = NonZeroUsize::new(1);
        settings.format = Some(Format::Csv);
        settings.test = Some("x".into());
        settings.test_split = Some(Holdout::Rows(1));
        settings.label_column = Some("x".into());
        settings.weight_column = Some("x".into());
        settings.shape = "1x1x1".parse().ok();
        settings.size = "1".parse().ok();
        settings.memory = "1MB".parse().ok();
        settings.window = NonZeroUsize::new(1);
        let table = toml::Table::try_from(&settings).expect("serialises");
        assert_eq!(table.keys().cloned().collect::<Vec<_>>(), Settings::keys());
    }
}
