//! The runs of a sweep, from what was typed: every combination, or some that are drawn, each checked before any is run.

use super::combinations::{Combination, drawn, every, grids, keys};
use crate::config::{self, ConfigError, ConfigFile, Layers, Origin, RunConfig, Settings, Varied};
use crate::data::Holdout;
use crate::optim::Shape;
use std::collections::{BTreeMap, BTreeSet};

/// Rows held out when neither `--validation` nor `--folds` says.
const DEFAULT_HOLDOUT: Holdout = Holdout::Fraction(0.1);

/// What a sweep was asked for, on the command line.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// All flags of a run, defaults included.
    pub settings: &'a Settings,
    /// Keys of those that were typed.
    pub given: &'a [String],
    /// `--grid`, each.
    pub grid: &'a [String],
    /// `--random`.
    pub random: Option<usize>,
    /// `--folds`.
    pub folds: Option<usize>,
}

/// What runs are compared on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Selection {
    /// Rows that are held out.
    Holdout(Holdout),
    /// Each of so many parts of the training rows in turn.
    Folds(usize),
}

/// A sweep, resolved and checked.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The keys that vary, in the order given.
    pub keys: Vec<String>,
    /// The runs, in their order; each holds out what [`Plan::selection`] says, whatever its own settings are.
    pub runs: Vec<PlannedRun>,
    /// What they are compared on.
    pub selection: Selection,
    /// Whether that was nowhere said.
    pub selection_is_default: bool,
    /// What all runs share, defaults included.
    pub settings: Settings,
    base: Layers,
    grids: Vec<Vec<Varied>>,
    random: Option<usize>,
}

/// One run of a sweep.
#[derive(Clone, Debug)]
pub struct PlannedRun {
    /// Its values of the keys that vary; of several grids, a run has those of its own.
    pub values: Vec<(String, toml::Value)>,
    /// All of its settings.
    pub config: RunConfig,
}

impl Plan {
    /// Joins `file` and what was typed, which goes over it: a typed `--grid` of a key replaces the file's, in each of its
    /// grids.
    ///
    /// # Errors
    /// [`ConfigError`] for the first thing that cannot be used, in any of the runs.
    pub fn new(file: ConfigFile, asked: Asked<'_>) -> Result<Self, ConfigError> {
        let grids = grids(&file, asked.grid)?;
        let from_file = |key: &str| file.sweep.get(key).cloned();
        let flag = |number: Option<usize>, key: &str| number.map(|number| (number, Origin::Flag(key.into())));
        let random = flag(asked.random, "random").or_else(|| from_file("random"));
        let mut folds = flag(asked.folds, "folds").or_else(|| from_file("folds"));

        let mut base = Layers::new(file, asked.settings, asked.given)?;
        // What is typed goes over the file, here too.
        if asked.folds.is_some() {
            base.remove("validation");
        } else if asked.given.iter().any(|key| key == "validation") {
            folds = None;
        }
        let (selection, selection_is_default) = selection(&mut base, folds)?;
        let combinations = match &random {
            Some((count, origin)) => drawn(&grids, *count, base.settings()?.seed, origin)?,
            None => every(&grids)?,
        };
        let runs = resolved(&base, combinations)?;
        let keys = keys(&grids);
        let settings = base.settings()?;
        let random = random.map(|(count, _)| count);
        Ok(Self { keys, runs, selection, selection_is_default, settings, base, grids, random })
    }

    /// The settings that refit `run` on all training rows: `epochs` as early stopping found them, if it was on.
    ///
    /// # Errors
    /// None that the run itself did not have.
    pub fn refit(&self, run: usize, epochs: Option<usize>) -> Result<RunConfig, ConfigError> {
        let mut layers = self.base.clone();
        for (key, value) in &self.runs[run].values {
            layers.set(key, value.clone(), grid_origin(key));
        }
        let settings = layers.settings()?;
        without_unused(&mut layers, &settings, &[]);
        layers.remove("validation");
        layers.remove("patience");
        if let (Some(_), Some(epochs)) = (settings.patience, epochs) {
            let epochs = epochs.max(settings.warmup.ceil() as usize);
            layers.set("epochs", whole(epochs), grid_origin("epochs"));
        }
        layers.resolve()
    }

    /// Whether the runs are every combination of two keys' values: what a heat map shows. With the values of both keys,
    /// in order, numbers by size.
    pub fn plane(&self) -> Option<[(String, Vec<toml::Value>); 2]> {
        let [first, second] = &self.keys[..] else { return None };
        let [first, second] = [first, second].map(|key| (key.clone(), self.values_of(key)));
        let cells = first.1.len() * second.1.len();
        let worthwhile = first.1.len() > 1 && second.1.len() > 1 && cells == self.runs.len();
        worthwhile.then_some([first, second])
    }

    /// All values that the runs have of `key`: numbers by size, others in the order of the runs.
    pub fn values_of(&self, key: &str) -> Vec<toml::Value> {
        let mut values: Vec<toml::Value> = Vec::new();
        for run in &self.runs {
            let value = run.values.iter().find(|(own, _)| own == key).map(|(_, value)| value);
            if let Some(value) = value.filter(|value| !values.contains(value)) {
                values.push(value.clone());
            }
        }
        let number = |value: &toml::Value| value.as_float().or(value.as_integer().map(|whole| whole as f64));
        if values.iter().all(|value| number(value).is_some()) {
            values.sort_by(|a, b| number(a).partial_cmp(&number(b)).unwrap_or(std::cmp::Ordering::Equal));
        }
        values
    }

    /// The config file that repeats this sweep; `data` is where the data was found.
    pub fn to_toml(&self, data: Option<&str>) -> String {
        let mut table = self.base.to_table();
        if let Some(data) = data {
            table.insert("data".into(), toml::Value::String(data.into()));
        }
        ["validation", "seed"].iter().for_each(|key| drop(table.remove(*key)));
        match self.selection {
            Selection::Holdout(holdout) => {
                table
                    .insert("validation".into(), toml::Value::try_from(holdout).unwrap_or_else(|_| 0.into()));
            }
            Selection::Folds(folds) => drop(table.insert("folds".into(), whole(folds))),
        }
        table.insert("seed".into(), whole(self.settings.seed as usize));
        if let Some(count) = self.random {
            table.insert("random".into(), whole(count));
        }
        let grids = self.grids.iter().map(|grid| {
            let entries = grid.iter().map(|varied| (varied.key.clone(), varied.to_toml()));
            toml::Value::Table(entries.collect())
        });
        let mut grids: Vec<toml::Value> = grids.collect();
        let grids = if grids.len() == 1 { grids.remove(0) } else { toml::Value::Array(grids) };
        table.insert("grid".into(), grids);
        let version = env!("CARGO_PKG_VERSION");
        format!(
            "# Written by cifar-train {version}. `cifar-train sweep --config` on this file repeats the sweep.\n{table}"
        )
    }

    /// The keys in which this sweep computes something else than `other`.
    pub fn differences(&self, other: &Self) -> Vec<String> {
        let mut differing = BTreeSet::new();
        if self.selection != other.selection {
            let names = [self.selection, other.selection].map(|selection| match selection {
                Selection::Holdout(_) => "validation",
                Selection::Folds(_) => "folds",
            });
            differing.extend(names.map(String::from));
        }
        if self.random != other.random {
            differing.insert("random".into());
        }
        let varied: BTreeSet<&String> = self.keys.iter().chain(&other.keys).collect();
        for key in &varied {
            if self.values_of(key) != other.values_of(key) {
                differing.insert((*key).clone());
            }
        }
        let values = |plan: &Self| plan.runs.iter().map(|run| run.values.clone()).collect::<Vec<_>>();
        if differing.is_empty() && values(self) != values(other) {
            // The same values, otherwise combined or ordered.
            differing.insert("grid".into());
        }
        for (own, other) in self.runs.iter().zip(&other.runs) {
            let (own, other) = (own.config.recipe(), other.config.recipe());
            let recipes = [&own, &other].map(serde_json::Value::as_object);
            for key in recipes.iter().flatten().flat_map(|recipe| recipe.keys()) {
                if !varied.contains(key) && own.get(key) != other.get(key) {
                    differing.insert(key.clone());
                }
            }
        }
        differing.into_iter().collect()
    }
}

impl PlannedRun {
    /// Its value of a key that varies.
    pub fn value(&self, key: &str) -> Option<&toml::Value> {
        self.values.iter().find(|(own, _)| own == key).map(|(_, value)| value)
    }
}

/// A count as TOML has it.
fn whole(count: usize) -> toml::Value {
    toml::Value::Integer(i64::try_from(count).unwrap_or(i64::MAX))
}

fn grid_origin(key: &str) -> Origin {
    Origin::Flag(format!("grid {key}"))
}

/// What the runs are compared on. The rows held out stand in `base` afterwards, for every run to see that there are some.
fn selection(base: &mut Layers, folds: Option<(usize, Origin)>) -> Result<(Selection, bool), ConfigError> {
    let validation = base.origins().find(|(key, _)| *key == "validation").map(|(_, origin)| origin.clone());
    let holdout = base.settings()?.validation;
    match (validation, folds) {
        (Some(origin), Some(_)) => {
            let reason = "folds hold out every row in turn".into();
            Err(ConfigError::WithoutEffect { origin, reason })
        }
        (Some(origin), None) if holdout.is_none() => Err(ConfigError::Value {
            origin,
            found: "0".into(),
            expected: "rows to compare the runs on, or --folds".into(),
        }),
        (Some(_), None) => Ok((Selection::Holdout(holdout), false)),
        (None, Some((count, origin))) if count < 2 => Err(ConfigError::Value {
            origin,
            found: count.to_string(),
            expected: "a whole number, 2 or above".into(),
        }),
        (None, folds) => {
            // Patience needs to know of held-out rows, whoever holds them out.
            let share = toml::Value::try_from(DEFAULT_HOLDOUT).unwrap_or_else(|_| 0.into());
            base.set("validation", share, Origin::Flag("validation".into()));
            let by_folds = folds.map(|(count, _)| (Selection::Folds(count), false));
            Ok(by_folds.unwrap_or((Selection::Holdout(DEFAULT_HOLDOUT), true)))
        }
    }
}

/// Every combination as a run. A setting that all runs share must have an effect on one of them; one that varies, on
/// each.
fn resolved(base: &Layers, combinations: Vec<Combination>) -> Result<Vec<PlannedRun>, ConfigError> {
    let mut unused: BTreeMap<String, (usize, String)> = BTreeMap::new();
    let count = combinations.len();
    let mut runs = Vec::with_capacity(count);
    for combination in combinations {
        let mut layers = base.clone();
        let mut values = Vec::with_capacity(combination.len());
        for (key, value, origin) in combination {
            // A flag that varies a key goes over the file's one value; otherwise that value is one too many.
            let shared = base.origins().find(|(own, _)| **own == key).map(|(_, shared)| shared);
            let over_file = matches!((shared, &origin), (Some(Origin::File { .. }), Origin::Flag(_)));
            if shared.is_some() && !over_file {
                unused.entry(key.clone()).or_insert((0, "it varies".into())).0 += 1;
            }
            layers.set(&key, value.clone(), origin);
            values.push((key, value));
        }
        let varied: Vec<&str> = values.iter().map(|(key, _)| key.as_str()).collect();
        let settings = layers.settings()?;
        for (key, reason) in without_unused(&mut layers, &settings, &varied) {
            unused.entry(key).or_insert((0, reason)).0 += 1;
        }
        let config = layers.resolve()?;
        refuse(&config, base)?;
        runs.push(PlannedRun { values, config });
    }
    for (key, origin) in base.origins() {
        if let Some((_, reason)) = unused.get(key).filter(|(times, _)| *times == count && key != "validation")
        {
            return Err(ConfigError::WithoutEffect { origin: origin.clone(), reason: reason.clone() });
        }
    }
    Ok(runs)
}

/// Takes away the settings that have no effect, those that vary excepted; returns them with the reasons.
fn without_unused(layers: &mut Layers, settings: &Settings, varied: &[&str]) -> Vec<(String, String)> {
    let shared = layers.origins().filter(|(key, _)| !varied.contains(&key.as_str()));
    let unused: Vec<_> =
        shared.filter_map(|(key, _)| Some((key.clone(), settings.without_effect(key)?))).collect();
    unused.iter().for_each(|(key, _)| layers.remove(key));
    unused
}

/// What a run may do and a sweep may not.
fn refuse(config: &RunConfig, base: &Layers) -> Result<(), ConfigError> {
    let origin = |key: &str| {
        let given = base.origins().find(|(own, _)| *own == key).map(|(_, origin)| origin.clone());
        given.unwrap_or_else(|| grid_origin(key))
    };
    if config.settings.watch_test {
        let reason = "a sweep tests only its best run, and once".into();
        return Err(ConfigError::WithoutEffect { origin: origin("watch-test"), reason });
    }
    let settings = &config.settings;
    if settings.memory.is_some() {
        let reason = "the runs of a sweep share one copy of the data, in memory".into();
        return Err(ConfigError::WithoutEffect { origin: origin("memory"), reason });
    }
    for (key, given) in [
        ("checkpoint-every", settings.checkpoint_every.is_some()),
        ("keep-checkpoints", settings.keep_checkpoints.is_some()),
    ] {
        if given {
            let reason = "a sweep keeps every run that is done, and --resume does the others".into();
            return Err(ConfigError::WithoutEffect { origin: origin(key), reason });
        }
    }
    if let config::Strategy::Descent(plan) = config.strategy
        && plan.patience.is_some()
        && plan.schedule.shape == Shape::Cosine
    {
        let reason =
            "the refit is as long as early stopping found best, and a cosine schedule bends with its length";
        return Err(ConfigError::WithoutEffect { origin: origin("patience"), reason: reason.into() });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(file: &str, args: &[&str]) -> Result<Plan, ConfigError> {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("sweep.toml");
        std::fs::write(&path, file).expect("writes");
        let all = ["cifar-train", "sweep"].iter().chain(args).map(std::ffi::OsString::from);
        match crate::cli::parse(all) {
            Ok(crate::cli::Request::Sweep(request)) => Plan::new(
                config::read(&path)?,
                Asked {
                    settings: &request.run.settings,
                    given: &request.run.given,
                    grid: &request.grid,
                    random: request.random,
                    folds: request.folds,
                },
            ),
            other => panic!("{other:?}"),
        }
    }

    fn values(plan: &Plan) -> Vec<String> {
        let of = |run: &PlannedRun| {
            run.values.iter().map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>().join(" ")
        };
        plan.runs.iter().map(of).collect()
    }

    #[test]
    fn every_combination_in_order() {
        let plan = plan("", &["--grid", "lr=1,2", "--grid", "batch-size=8,full"]).expect("a plan");
        let expected = [
            "lr=1 batch-size=8",
            "lr=1 batch-size=\"full\"",
            "lr=2 batch-size=8",
            "lr=2 batch-size=\"full\"",
        ];
        assert_eq!(values(&plan), expected);
        assert_eq!(plan.runs[3].config.settings.lr, 2.0);
        assert_eq!(plan.selection, Selection::Holdout(Holdout::Fraction(0.1)));
        assert!(plan.selection_is_default && plan.plane().is_some());
    }

    #[test]
    fn several_grids_follow_one_another_and_flags_go_over_each() {
        let file = "[[grid]]\noptimizer = \"sgd\"\nlr = [1, 2]\n[[grid]]\noptimizer = \"adam\"\nlr = 3\nbeta1 = 0.5\n";
        let both = plan(file, &[]).expect("a plan");
        assert_eq!(both.runs.len(), 3);
        assert_eq!(both.keys, ["optimizer", "lr", "beta1"]);
        assert_eq!(both.plane(), None);
        let flags = plan(file, &["--grid", "lr=5"]).expect("a plan");
        assert_eq!(values(&flags), ["optimizer=\"sgd\" lr=5", "optimizer=\"adam\" lr=5 beta1=0.5"]);
    }

    #[test]
    fn a_shared_setting_needs_one_run_that_uses_it() {
        let args = ["--grid", "optimizer=sgd,momentum", "--momentum", "0.5"];
        let used = plan("", &args).expect("momentum uses it");
        assert_eq!(used.runs[1].config.settings.momentum, 0.5);
        let error =
            plan("", &["--grid", "optimizer=sgd,adam", "--momentum", "0.5"]).expect_err("nobody uses it");
        assert!(error.to_string().starts_with("--momentum: has no effect here"), "{error}");
        let error = plan("", &["--grid", "optimizer=sgd,momentum", "--grid", "momentum=0.5,0.9"]);
        let error = error.expect_err("sgd does not use it").to_string();
        assert!(error.starts_with("--grid momentum: has no effect here"), "{error}");
    }

    #[test]
    fn draws_repeat_stay_inside_and_are_even_on_a_log_scale() {
        let args = ["--grid", "lr=1e-4..1", "--grid", "epochs=1..3", "--random", "200"];
        let first = plan("", &args).expect("a plan");
        assert_eq!(values(&first), values(&plan("", &args).expect("a plan")));
        assert_ne!(
            values(&first),
            values(&plan("", &[&args[..], &["--seed", "1"]].concat()).expect("a plan"))
        );
        let rates: Vec<f64> = first.runs.iter().map(|run| run.config.settings.lr).collect();
        assert!(rates.iter().all(|rate| (1e-4..=1.0).contains(rate)));
        // A hundred expected below the middle of the logarithms; 4 standard deviations are 28.
        let low = rates.iter().filter(|rate| **rate < 1e-2).count();
        assert!((72..=128).contains(&low), "{low}");
        assert!(first.runs.iter().all(|run| (1..=3).contains(&run.config.settings.epochs)));
        let error = plan("", &["--grid", "lr=1,2", "--random", "3"]).expect_err("there are two");
        assert_eq!(
            error.to_string(),
            "--random: found 3, expected at most 2, the combinations that there are"
        );
        let error = plan("", &["--grid", "lr=1..2"]).expect_err("nothing draws").to_string();
        assert!(error.contains("no --random"), "{error}");
    }

    #[test]
    fn any_run_that_cannot_be_is_told_before_the_first() {
        for (args, expected) in [
            (&["--grid", "lr=1,-1"][..], "--grid lr: found -1, expected a finite number above 0"),
            (&[], "no setting varies"),
            (&["--grid", "lr=1", "--grid", "lr=2"], "--grid lr: found the key a second time"),
            (
                &["--grid", "reg=0,1", "--optimizer", "lbfgs"],
                "--grid reg: found 0, expected a number above 0",
            ),
            (&["--grid", "lr=1,2", "--watch-test"], "--watch-test: has no effect here"),
            (&["--grid", "lr=1,2", "--checkpoint-every", "5"], "--checkpoint-every: has no effect here"),
            (&["--grid", "lr=1,2", "--memory", "1GB"], "--memory: has no effect here"),
            (&["--grid", "lr=1,2", "--validation", "0"], "--validation: found 0, expected rows"),
            (
                &["--grid", "lr=1,2", "--patience", "2", "--schedule", "cosine"],
                "--patience: has no effect here",
            ),
            (&["--grid", "lr=1,2", "--loss", "softmax", "--margin", "2"], "--margin: has no effect"),
            (&["--grid", "lr=1,2", "--lr", "3"], "--lr: has no effect here: it varies"),
        ] {
            let error = plan("", args).expect_err("an error").to_string();
            assert!(error.starts_with(expected), "{args:?}: {error}");
        }
    }

    #[test]
    fn what_is_written_is_the_same_sweep() {
        for args in [
            &["--grid", "lr=1e-3,1e-2", "--folds", "3", "--epochs", "4"][..],
            &["--grid", "lr=1e-3..1e-2", "--random", "3", "--validation", "100"],
            &["--grid", "optimizer=sgd,adam,lbfgs", "--seed", "3"],
        ] {
            let first = plan("", args).expect("a plan");
            let again = plan(&first.to_toml(None), &[]).expect("what is written");
            assert_eq!(first.differences(&again), Vec::<String>::new(), "{}", first.to_toml(None));
            assert_eq!(first.to_toml(None), again.to_toml(None));
        }
    }

    #[test]
    fn differences_are_named() {
        let args = ["--grid", "lr=1e-3,1e-2", "--epochs", "4"];
        let first = plan("", &args).expect("a plan");
        for (more, expected) in [
            (&["--loss", "softmax"][..], &["loss", "margin"][..]),
            (&["--seed", "1"], &["seed"]),
            (&["--folds", "3"], &["folds", "validation"]),
            (&["--grid", "reg=0,1"], &["reg"]),
            (&["--threads", "1", "--quiet"], &[]),
        ] {
            let other = plan("", &[&args[..], more].concat()).expect("a plan");
            assert_eq!(first.differences(&other), expected, "{more:?}");
        }
    }

    #[test]
    fn the_refit_holds_nothing_out() {
        let args =
            ["--grid", "optimizer=sgd,momentum", "--momentum", "0.5", "--patience", "2", "--epochs", "9"];
        let plan = plan("", &args).expect("a plan");
        let refit = plan.refit(0, Some(5)).expect("resolves").settings;
        assert!(refit.validation.is_none() && refit.patience.is_none());
        assert_eq!(refit.epochs, 5);
        assert_eq!(plan.refit(1, None).expect("resolves").settings.momentum, 0.5);
    }
}
