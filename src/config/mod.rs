//! From what the user typed to what a run does: defaults, under a TOML file, under flags.
//!
//! [`Settings`] is the raw side: every flag and key, with its default. [`resolve`] joins and checks the three
//! layers, and is the only maker of a [`RunConfig`], the typed side, which everything downstream sees.

mod choices;
mod effect;
mod error;
mod file;
mod grid;
mod memory_size;
mod resume;
mod settings;
mod threads;

pub use choices::{LossName, OptimizerName, ScheduleName, StrategyName, name};
pub use error::{ConfigError, Origin};
pub use file::{ConfigFile, parse, read};
pub use grid::{Values, Varied};
pub use memory_size::MemorySize;
pub use resume::resume;
pub use settings::Settings;
pub use threads::threads;

use crate::data::{self, Preprocess, Source};
use crate::objective::{Loss, Objective, Penalty};
use crate::optim::{Schedule, Shape, UpdateRule};
use crate::train::{DescentPlan, SearchPlan, SecondOrderPlan};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

/// Keys that say how a run is invoked, not what it computes.
const OF_THE_INVOCATION: [&str; 4] = ["out", "force", "json", "quiet"];
/// Keys that do not change the model.
const NOT_OF_THE_MODEL: [&str; 12] = [
    "data",
    "memory",
    "format",
    "test",
    "label-column",
    "weight-column",
    "shape",
    "size",
    "threads",
    "watch-test",
    "checkpoint-every",
    "keep-checkpoints",
];

/// How weights are found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Strategy {
    /// Follow the slope.
    Descent(DescentPlan),
    /// Go to the minimum.
    SecondOrder(SecondOrderPlan),
    /// Try random weights.
    RandomSearch(SearchPlan),
}

/// A run, resolved and checked.
#[derive(Clone, Debug, PartialEq)]
pub struct RunConfig {
    /// What is minimised.
    pub objective: Objective,
    /// How.
    pub strategy: Strategy,
    /// What training sees of the features.
    pub preprocess: Preprocess,
    /// Threads to use.
    pub threads: NonZeroUsize,
    /// The settings it was made from, with nothing left open that the run depends on.
    pub settings: Settings,
}

/// Joins defaults, the file `config` if there is one, and those of `flags` that are named in `given`.
///
/// # Errors
/// [`ConfigError`] for the first thing that cannot be used.
pub fn resolve(flags: &Settings, given: &[String], config: Option<&Path>) -> Result<RunConfig, ConfigError> {
    Layers::of_run(flags, given, config)?.resolve()
}

/// What was given of a run's settings, each with where: the file's under the flags', defaults left out.
#[derive(Clone, Debug, Default)]
pub struct Layers {
    table: toml::Table,
    origins: BTreeMap<String, Origin>,
}

impl Layers {
    /// Puts those of `flags` that are named in `given` over `file`.
    ///
    /// # Errors
    /// [`ConfigError`] when a path is not UTF-8.
    pub fn new(file: ConfigFile, flags: &Settings, given: &[String]) -> Result<Self, ConfigError> {
        let mut layers = Self { table: file.table, origins: file.origins };
        let flags = to_table(flags)?;
        for key in given {
            if let Some(value) = flags.get(key) {
                layers.set(key, value.clone(), Origin::Flag(key.clone()));
            }
        }
        Ok(layers)
    }

    /// As [`Layers::new`], with the file at `config` if there is one, which must be that of a run.
    fn of_run(flags: &Settings, given: &[String], config: Option<&Path>) -> Result<Self, ConfigError> {
        let file = config.map(read).transpose()?.unwrap_or_default();
        if let Some(origin) = file.sweep_origin() {
            let reason = "only `cifar-train sweep` uses it".into();
            return Err(ConfigError::WithoutEffect { origin, reason });
        }
        Self::new(file, flags, given)
    }

    /// Puts one setting over the others.
    pub fn set(&mut self, key: &str, value: toml::Value, origin: Origin) {
        self.table.insert(key.into(), value);
        self.origins.insert(key.into(), origin);
    }

    /// Takes a setting away, so that its default holds.
    pub fn remove(&mut self, key: &str) {
        self.table.remove(key);
        self.origins.remove(key);
    }

    /// The keys that were given, and where.
    pub fn origins(&self) -> impl Iterator<Item = (&String, &Origin)> {
        self.origins.iter()
    }

    /// What was given, but for how the command is invoked.
    pub fn to_table(&self) -> toml::Table {
        let mut table = self.table.clone();
        table.retain(|key, _| !OF_THE_INVOCATION.contains(&key) && key != "threads");
        table
    }

    /// All settings, defaults included, not checked.
    ///
    /// # Errors
    /// [`ConfigError`] when a value has the wrong type.
    pub fn settings(&self) -> Result<Settings, ConfigError> {
        Settings::deserialize(self.table.clone()).map_err(|error| ConfigError::Value {
            origin: Origin::Flag("config".into()),
            found: error.message().into(),
            expected: "settings that go together".into(),
        })
    }

    /// Checks everything, and makes a run of it.
    ///
    /// # Errors
    /// [`ConfigError`] for the first thing that cannot be used.
    pub fn resolve(self) -> Result<RunConfig, ConfigError> {
        let settings = self.settings()?;
        for (key, origin) in &self.origins {
            if let Some(reason) = settings.without_effect(key) {
                return Err(ConfigError::WithoutEffect { origin: origin.clone(), reason });
            }
        }
        let settings = filled(settings);
        let check = Check { origins: self.origins };
        check.ranges(&settings)?;
        Ok(RunConfig {
            objective: objective(&settings),
            strategy: strategy(&settings),
            preprocess: settings.preprocess.unwrap_or(Preprocess::Standardize),
            threads: settings.threads.unwrap_or_else(all_cores),
            settings,
        })
    }
}

/// As many threads as the system lets this process run at once.
pub fn all_cores() -> NonZeroUsize {
    std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN)
}

/// Fills the defaults that depend on other settings.
fn filled(mut settings: Settings) -> Settings {
    settings.preprocess.get_or_insert(match settings.strategy {
        StrategyName::Descent => Preprocess::Standardize,
        // The lecture's draws of 0.0001 randn give its losses on centred pixels of 0 to 255.
        StrategyName::RandomSearch => Preprocess::Center,
    });
    settings.beta2.get_or_insert(if settings.optimizer == OptimizerName::Rmsprop { 0.99 } else { 0.999 });
    settings.decay.get_or_insert(match settings.schedule {
        ScheduleName::Exponential => 0.8,
        ScheduleName::Inverse => 1.0,
        ScheduleName::Constant | ScheduleName::Step | ScheduleName::Cosine => 0.1,
    });
    settings
}

/// Range checks, which name where the value was given.
struct Check {
    origins: BTreeMap<String, Origin>,
}

impl Check {
    fn ranges(&self, s: &Settings) -> Result<(), ConfigError> {
        let finite = |value: f64| value.is_finite();
        self.number("lr", s.lr, finite(s.lr) && s.lr > 0.0, "a finite number above 0")?;
        self.number("margin", s.margin, finite(s.margin) && s.margin > 0.0, "a finite number above 0")?;
        for (key, value) in [("reg", s.reg), ("l1", s.l1), ("init-scale", s.init_scale)] {
            self.number(key, value, finite(value) && value >= 0.0, "a finite number, 0 or above")?;
        }
        for (key, value) in
            [("momentum", s.momentum), ("beta1", s.beta1), ("beta2", s.beta2.unwrap_or_default())]
        {
            self.number(key, value, (0.0..1.0).contains(&value), "a number from 0 to below 1")?;
        }
        let decay = s.decay.unwrap_or_default();
        if s.schedule == ScheduleName::Inverse {
            self.number("decay", decay, finite(decay) && decay >= 0.0, "a finite number, 0 or above")?;
        } else {
            self.number("decay", decay, decay > 0.0 && decay <= 1.0, "a number above 0, at most 1")?;
        }
        if s.strategy == StrategyName::Descent && s.optimizer == OptimizerName::Lbfgs {
            let why = "a number above 0: without a penalty nothing certifies a minimum";
            self.number("reg", s.reg, s.reg > 0.0, why)?;
        }
        for (key, value) in
            [("tol", s.tol), ("epsilon", s.epsilon), ("step-every", s.step_every), ("scale", s.scale)]
        {
            self.number(key, value, finite(value) && value > 0.0, "a finite number above 0")?;
        }
        for (key, value) in [
            ("epochs", s.epochs),
            ("max-iterations", s.max_iterations),
            ("attempts", s.attempts),
            ("patience", s.patience.unwrap_or(1)),
        ] {
            self.number(
                key,
                value as f64,
                value > 0 && value <= 1_000_000_000,
                "a whole number from 1 to 1e9",
            )?;
        }
        let longest = s.epochs as f64;
        self.number("warmup", s.warmup, (0.0..=longest).contains(&s.warmup), "epochs from 0 to --epochs")
    }

    fn number(&self, key: &str, found: f64, allowed: bool, expected: &str) -> Result<(), ConfigError> {
        if allowed {
            return Ok(());
        }
        let origin = self.origins.get(key).cloned().unwrap_or_else(|| Origin::Flag(key.into()));
        Err(ConfigError::Value { origin, found: found.to_string(), expected: expected.into() })
    }
}

fn objective(s: &Settings) -> Objective {
    let loss = match s.loss {
        LossName::Svm => Loss::Svm { margin: s.margin },
        LossName::Softmax => Loss::Softmax,
    };
    Objective { loss, penalty: Penalty { l2: s.reg, l1: s.l1 } }
}

fn strategy(s: &Settings) -> Strategy {
    if s.strategy == StrategyName::RandomSearch {
        let plan = SearchPlan { attempts: s.attempts, scale: s.scale, local: s.local, seed: s.seed };
        return Strategy::RandomSearch(plan);
    }
    let (momentum, beta1, epsilon) = (s.momentum, s.beta1, s.epsilon);
    let (beta2, decay) = (s.beta2.unwrap_or_default(), s.decay.unwrap_or_default());
    let rule = match s.optimizer {
        OptimizerName::Sgd => UpdateRule::Sgd,
        OptimizerName::Momentum => UpdateRule::Momentum { momentum },
        OptimizerName::Nesterov => UpdateRule::Nesterov { momentum },
        OptimizerName::Adagrad => UpdateRule::Adagrad { epsilon },
        OptimizerName::Rmsprop => UpdateRule::RmsProp { beta2, epsilon },
        OptimizerName::Adam => UpdateRule::Adam { beta1, beta2, epsilon },
        OptimizerName::Lbfgs => {
            return Strategy::SecondOrder(SecondOrderPlan {
                tolerance: s.tol,
                max_iterations: s.max_iterations,
            });
        }
    };
    let shape = match s.schedule {
        ScheduleName::Constant => Shape::Constant,
        ScheduleName::Step => Shape::Step { factor: decay, every: s.step_every },
        ScheduleName::Exponential => Shape::Exponential { factor: decay },
        ScheduleName::Inverse => Shape::Inverse { decay },
        ScheduleName::Cosine => Shape::Cosine,
    };
    Strategy::Descent(DescentPlan {
        rule,
        schedule: Schedule { lr: s.lr, shape, warmup: s.warmup, epochs: s.epochs as f64 },
        batch_size: s.batch_size,
        window: s.window,
        epochs: s.epochs,
        patience: s.patience,
        init_scale: s.init_scale,
        seed: s.seed,
    })
}

impl RunConfig {
    /// The same with windows of so many rows; `None` is one window.
    #[must_use]
    pub fn with_window(mut self, window: Option<NonZeroUsize>) -> Self {
        self.settings.window = window;
        self.strategy = strategy(&self.settings);
        self
    }

    /// The TOML that repeats this run: every setting that has an effect, and the data that was found, if it
    /// was looked for.
    pub fn to_toml(&self, source: Option<&Source>) -> String {
        let mut table = toml::Table::new();
        let data = source.and_then(|source| match source {
            Source::BuiltIn => Some(data::GENERATED.to_owned()),
            Source::Path(path) => absolute(path),
        });
        let test = self.settings.test.as_ref().filter(|_| source.is_some()).and_then(|path| absolute(path));
        for (key, path) in [("data", data), ("test", test)] {
            if let Some(path) = path {
                table.insert(key.into(), toml::Value::String(path));
            }
        }
        for (key, value) in self.effective() {
            table.entry(key).or_insert(value);
        }
        let version = env!("CARGO_PKG_VERSION");
        format!(
            "# Written by cifar-train {version}. `cifar-train --config` on this file repeats the run.\n{table}"
        )
    }

    /// The settings that decide the model's bytes, given the data: what its file carries.
    pub fn recipe(&self) -> serde_json::Value {
        let mut table = self.effective();
        NOT_OF_THE_MODEL.iter().for_each(|key| drop(table.remove(*key)));
        serde_json::to_value(table).unwrap_or_default()
    }

    /// Every setting that has an effect on a run.
    fn effective(&self) -> toml::Table {
        let mut table = to_table(&self.settings).unwrap_or_default();
        table.retain(|key, _| {
            !OF_THE_INVOCATION.contains(&key) && self.settings.without_effect(key).is_none()
        });
        table
    }
}

/// The path as it is from anywhere. TOML is UTF-8, and the working directory may not be: then the path stays as it was
/// typed, which was UTF-8, and the file repeats the run from the same directory only.
fn absolute(path: &Path) -> Option<String> {
    let absolute = std::path::absolute(path).ok().and_then(|path| path.to_str().map(Into::into));
    absolute.or_else(|| path.to_str().map(Into::into))
}

fn to_table(settings: &Settings) -> Result<toml::Table, ConfigError> {
    // Paths alone can be what TOML cannot say.
    let paths = [("data", &settings.data), ("test", &settings.test), ("out", &settings.out)];
    let not_utf8 = |path: &Option<PathBuf>| path.as_ref().is_some_and(|path| path.to_str().is_none());
    let (key, path) = paths.into_iter().find(|(_, path)| not_utf8(path)).unwrap_or(paths[0]);
    toml::Table::try_from(settings).map_err(|error| ConfigError::Value {
        origin: Origin::Flag(key.into()),
        found: path.as_ref().map_or_else(|| error.to_string(), |path| path.display().to_string()),
        expected: "a path in UTF-8".into(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(set: impl Fn(&mut Settings), given: &[&str]) -> Result<RunConfig, String> {
        let mut settings = Settings { optimizer: OptimizerName::Lbfgs, ..Settings::default() };
        set(&mut settings);
        let given: Vec<String> = ["optimizer"].iter().chain(given).map(ToString::to_string).collect();
        resolve(&settings, &given, None).map_err(|error| error.to_string())
    }

    #[test]
    fn lbfgs_has_settings_of_its_own() {
        let config = of(|settings| settings.tol = 1e-6, &["tol"]).expect("resolves");
        let plan = SecondOrderPlan { tolerance: 1e-6, max_iterations: 1000 };
        assert_eq!(config.strategy, Strategy::SecondOrder(plan));
        let written = config.to_toml(None);
        assert!(written.contains("tol = 0.000001") && !written.contains("lr ="), "{written}");
        let error = of(|_| (), &["epochs"]).expect_err("no epochs");
        assert!(error.starts_with("--epochs: has no effect here"), "{error}");
        let error = of(|settings| settings.reg = 0.0, &["reg"]).expect_err("no certificate");
        assert!(error.contains("--reg: found 0, expected a number above 0"), "{error}");
    }
}
