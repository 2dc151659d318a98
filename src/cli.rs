//! The command line, as types: what can be typed, and nothing of what it means.

mod data;
mod explain;
mod gradcheck;
mod model;
mod report;
mod sweep;
mod usage;

pub use data::{
    ColumnArgs, ConvertArgs, Data, DataArgs, DataSetArgs, FetchArgs, GenerateArgs, InfoArgs, OutArgs,
};
pub use explain::{Entry, Explain, GradientArgs, GraphArgs, Ground, LossArgs, PictureArgs, TrajectoriesArgs};
pub use gradcheck::GradcheckArgs;
pub use model::{EvaluateArgs, Output, Part, PredictArgs};
pub use report::ReportArgs;
pub use sweep::SweepRequest;
pub use usage::explain;

use crate::config::{Settings, StrategyName};
use clap::parser::ValueSource;
use clap::{ArgMatches, Args, CommandFactory, FromArgMatches, Parser, Subcommand};
use std::ffi::OsString;
use std::path::PathBuf;

/// Train, check and explain linear image classifiers
#[derive(Parser, Debug)]
#[command(
    version,
    max_term_width = 100,
    args_conflicts_with_subcommands = true,
    after_help = "Without a command it trains: `cifar-train --loss svm --lr 1e-3`. With no --data it uses \
                  data/cifar-10-batches-bin, or a small built-in set.\n\nExit codes: 0 done, 1 I/O or other failure, \
                  2 usage or config, 3 bad data, 4 diverged, 5 a check failed, 130 interrupted."
)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    train: TrainArgs,
}

#[derive(Subcommand, Debug)]
enum Command {
    /// Train a classifier and report its test accuracy (what happens without a command, too)
    Train(Box<TrainArgs>),
    /// Try random weights and keep the best: the lecture's first strategy
    RandomSearch(Box<TrainArgs>),
    /// Train with every combination of settings, choose by validation, refit and test the best
    Sweep(Box<sweep::SweepArgs>),
    /// Check analytic gradients against numerical ones, and the kernels against f64
    Gradcheck(GradcheckArgs),
    /// Measure a trained model: accuracy, top-k, precision and recall by class, confusion matrix
    Evaluate(EvaluateArgs),
    /// Print a model's labels and probabilities (or margins) for a data file
    Predict(PredictArgs),
    /// Write one HTML page of a run, or of several side by side
    Report(ReportArgs),
    /// Fetch a data set, look at one, convert it to another format, or generate one
    #[command(subcommand, arg_required_else_help = false)]
    Data(Box<Data>),
    /// Work out the lecture's ideas on numbers: losses, numerical gradients, computational graphs, paths of update rules
    #[command(subcommand, arg_required_else_help = false)]
    Explain(Box<Explain>),
}

#[derive(Args, Debug)]
struct RunArgs {
    #[command(flatten)]
    settings: Settings,

    /// TOML file of settings, with the flags' names as keys; flags go over it
    #[arg(long, value_name = "FILE", help_heading = "Run")]
    config: Option<PathBuf>,

    /// Print the resolved settings as TOML, and do nothing
    #[arg(long, help_heading = "Run")]
    print_config: bool,
}

/// Flags of one run, and not of a sweep's runs: a sweep has a `--resume` of its own.
#[derive(Args, Debug)]
struct TrainArgs {
    #[command(flatten)]
    run: RunArgs,

    /// Go on with a run that was interrupted or cut off, to the same bytes as if it never was; settings are the run's own
    #[arg(long, value_name = "RUN", help_heading = "Run")]
    resume: Option<PathBuf>,
}

/// A run as it was asked for: raw settings, and which of them were typed.
#[derive(Debug)]
pub struct RunRequest {
    /// All flags, defaults included.
    pub settings: Settings,
    /// Keys of the flags that were typed.
    pub given: Vec<String>,
    /// `--config`.
    pub config: Option<PathBuf>,
    /// `--resume`.
    pub resume: Option<PathBuf>,
    /// `--print-config`.
    pub print_config: bool,
}

/// What was asked for.
#[derive(Debug)]
pub enum Request {
    /// Train, by whichever strategy.
    Run(Box<RunRequest>),
    /// Train many times, and choose.
    Sweep(Box<SweepRequest>),
    /// Check gradients.
    Gradcheck(GradcheckArgs),
    /// Measure a model.
    Evaluate(EvaluateArgs),
    /// Use a model.
    Predict(PredictArgs),
    /// Make a page of runs.
    Report(ReportArgs),
    /// Do something with data alone.
    Data(Box<Data>),
    /// Work something out.
    Explain(Box<Explain>),
}

/// Reads a command line.
///
/// # Errors
/// clap's, which also stand for `--help` and `--version`.
pub fn parse(args: impl IntoIterator<Item = OsString>) -> Result<Request, clap::Error> {
    let matches = command().try_get_matches_from(args)?;
    let cli = Cli::from_arg_matches(&matches)?;
    let inner = matches.subcommand().map_or(&matches, |(_, matches)| matches);
    Ok(match cli.command {
        None => Request::Run(Box::new(cli.train.request(inner))),
        Some(Command::Train(run)) => Request::Run(Box::new(run.request(inner))),
        Some(Command::RandomSearch(run)) => {
            let mut request = run.request(inner);
            request.settings.strategy = StrategyName::RandomSearch;
            request.given.push("strategy".into());
            Request::Run(Box::new(request))
        }
        Some(Command::Sweep(args)) => Request::Sweep(Box::new(args.request(inner))),
        Some(Command::Gradcheck(args)) => Request::Gradcheck(args),
        Some(Command::Evaluate(args)) => Request::Evaluate(args),
        Some(Command::Predict(args)) => Request::Predict(args),
        Some(Command::Report(args)) => Request::Report(args),
        Some(Command::Data(what)) => Request::Data(what),
        Some(Command::Explain(mut explain)) => {
            if let Explain::Trajectories(args) = explain.as_mut() {
                args.given = inner.subcommand().map_or_else(Vec::new, |(_, matches)| given(matches));
            }
            Request::Explain(explain)
        }
    })
}

/// Settings of a run that `explain trajectories` has no use for.
pub const NOT_OF_A_RACE: [&str; 9] =
    ["memory", "strategy", "out", "watch-test", "attempts", "scale", "local", "tol", "max-iterations"];

/// The clap command, with what random search, sweeps and a race do not use hidden from their help.
fn command() -> clap::Command {
    let searching = Settings { strategy: StrategyName::RandomSearch, ..Settings::default() };
    let sweeping = |command: clap::Command| {
        let folder = "Folder to write the sweep into [default: runs/TIME-sweep]";
        let command = command.mut_arg("out", |arg| arg.help(folder));
        command.mut_args(|arg| {
            let unused = matches!(
                arg.get_long(),
                Some("memory" | "watch-test" | "checkpoint-every" | "keep-checkpoints")
            );
            if unused { arg.hide(true) } else { arg }
        })
    };
    let command =
        Cli::command().mut_subcommand("sweep", sweeping).mut_subcommand("random-search", |command| {
            command.mut_args(|arg| {
                let unused = arg
                    .get_long()
                    .is_some_and(|key| key == "strategy" || searching.without_effect(key).is_some());
                // A margin has its effect, or none, whatever the strategy.
                let hide = unused && arg.get_long() != Some("margin");
                arg.hide(hide)
            })
        });
    let command = command.mut_subcommand("gradcheck", |command| {
        command.mut_arg("data", |arg| {
            arg.help("Data file or folder, or \"generated\" [default: as for training]")
        })
    });
    command.mut_subcommand("explain", |explain| {
        explain.mut_subcommand("trajectories", |command| {
            let command = command.mut_arg("force", |arg| arg.help("Replace pictures that are there"));
            command.mut_args(|arg| {
                let hide = arg.get_long().is_some_and(|key| NOT_OF_A_RACE.contains(&key));
                arg.hide(hide)
            })
        })
    })
}

impl RunArgs {
    /// With which of the settings were typed.
    fn request(self, matches: &ArgMatches) -> RunRequest {
        let Self { settings, config, print_config } = self;
        RunRequest { settings, given: given(matches), config, resume: None, print_config }
    }
}

impl TrainArgs {
    fn request(self, matches: &ArgMatches) -> RunRequest {
        RunRequest { resume: self.resume, ..self.run.request(matches) }
    }
}

/// Keys of the settings that were typed.
fn given(matches: &ArgMatches) -> Vec<String> {
    let typed = |key: &String| {
        let id = key.replace('-', "_");
        matches.value_source(&id) == Some(ValueSource::CommandLine)
    };
    Settings::keys().iter().filter(|key| typed(key)).cloned().collect()
}

fn above_zero(text: &str) -> Result<f64, String> {
    number(text, |value| value > 0.0, "a finite number above 0")
}

fn zero_or_above(text: &str) -> Result<f64, String> {
    number(text, |value| value >= 0.0, "a finite number, 0 or above")
}

fn number(text: &str, allowed: impl Fn(f64) -> bool, expected: &str) -> Result<f64, String> {
    let value = text.parse::<f64>().ok().filter(|value| value.is_finite() && allowed(*value));
    value.ok_or_else(|| format!("expected {expected}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(args: &[&str]) -> RunRequest {
        match parse(args.iter().map(OsString::from)) {
            Ok(Request::Run(request)) => *request,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_tree_is_sound() {
        command().debug_assert();
    }

    #[test]
    fn train_is_the_default_and_typed_flags_are_known() {
        for args in [
            &["cifar-train", "--lr", "0.5", "-b", "full"][..],
            &["cifar-train", "train", "-b", "full", "--lr", "0.5"],
        ] {
            let request = run(args);
            assert_eq!(request.given, ["lr", "batch-size"]);
            assert_eq!(request.settings.lr, 0.5);
        }
        assert_eq!(run(&["cifar-train", "random-search", "--local"]).given, ["local", "strategy"]);
    }
}
