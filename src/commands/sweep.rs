//! `sweep`: many runs over one copy of the data; the best by validation is refit, and tested once.

use super::train::{Checkpoints, INTERRUPT, Session, stop_on_interrupt, tell_data, timed};
use super::{Exit, compute, print, print_json, print_raw};
use crate::cli::SweepRequest;
use crate::config::{self, ConfigError, ConfigFile, Origin, Settings, Strategy};
use crate::data::{self, Dataset, Holdout, Source, Split};
use crate::kernel::{Compute, Gram};
use crate::machine::{Machine, peak_memory_bytes};
use crate::objective::SecondMoment;
use crate::report::console::Console;
use crate::report::plot::count;
use crate::report::sweep::{self as tables, SweepResult};
use crate::report::sweep_curves::{Curve, SweepCurve, SweepCurvesInput, render_sweep_curves};
use crate::report::sweep_map::render_sweep_map;
use crate::report::sweep_progress::SweepProgress;
use crate::report::sweep_response::render_sweep_response;
use crate::run_folder::{self, RunFolder};
use crate::sweep::{
    self, Asked, Engine, Fold, Header, Outcome, Plan, Record, Selection, SweepFolder, SweepFolderError,
};
use crate::train::{CheckpointEvery, Stop};
use serde_json::Value;
use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::time::Instant;

pub fn run(request: &SweepRequest) -> anyhow::Result<Exit> {
    let begun = Instant::now();
    let resumed = resumed(request)?;
    let plan = plan(request, resumed.as_deref())?;
    if request.run.print_config {
        print_raw(&plan.to_toml(None))?;
        return Ok(Exit::Done);
    }
    let settings = &plan.settings;
    let console = Console { quiet: settings.quiet };
    stop_on_interrupt()?;

    let place = Place::prepare(resumed.as_deref(), settings)?;
    let compute = compute(settings.threads);
    let data = data::load(&settings.data_request())?;
    let folds = sweep::folds(data.train.len(), plan.selection, settings.seed)?;
    tell_data(console, &data);
    let digest = data.digest();
    let (folder, known) = place.open(&plan, &data, &digest)?;
    let (plan, data, compute) = (&plan, &data, &compute);
    let mut sweep = Sweep { plan, console, data, folds, compute, digest, folder, outcomes: known };

    sweep.tell_plan();
    let gram = sweep.train()?;
    let interrupted = INTERRUPT.load(Ordering::Relaxed);
    let records = sweep.records();
    let best = sweep::best(&records);
    let refit = match best {
        Some(best) if !interrupted => sweep.refit(best, gram)?,
        _ => None,
    };
    let result = sweep.result(&records, best, refit.as_ref(), begun);
    sweep.save(&records, best, &result)?;
    if settings.json {
        print_json(&result)?;
    } else {
        let table = tables::table(plan, &records, best.map(|best| best.run));
        print(&format!("{table}{}", tables::summary(plan, best, &result)))?;
    }
    Ok(sweep.exit(best, refit.as_ref()))
}

/// The folder to go on in, if an earlier sweep is to be resumed.
fn resumed(request: &SweepRequest) -> anyhow::Result<Option<PathBuf>> {
    let settings = &request.run.settings;
    let folder = match (&request.resume, &settings.out) {
        (None, _) => return Ok(None),
        (Some(Some(folder)), None) => folder.clone(),
        (Some(None), Some(out)) => out.clone(),
        (Some(None), None) => sweep::latest(Path::new(run_folder::RUNS))?,
        (Some(Some(_)), Some(_)) => return Err(no_effect("out").into()),
    };
    if settings.force {
        return Err(no_effect("force").into());
    }
    Ok(Some(folder))
}

fn no_effect(key: &str) -> ConfigError {
    let reason = "an earlier sweep is resumed, where it is".into();
    ConfigError::WithoutEffect { origin: Origin::Flag(key.into()), reason }
}

/// The sweep that was asked for; when one is resumed, its own, with which all that was typed must agree.
fn plan(request: &SweepRequest, resumed: Option<&Path>) -> anyhow::Result<Plan> {
    let run = &request.run;
    let asked = Asked {
        settings: &run.settings,
        given: &run.given,
        grid: &request.grid,
        random: request.random,
        folds: request.folds,
    };
    let typed = run.config.as_deref().map(config::read).transpose()?;
    let Some(folder) = resumed else {
        return Ok(Plan::new(typed.unwrap_or_default(), asked)?);
    };
    let own = || -> anyhow::Result<ConfigFile> { Ok(config::read(&sweep::config_in(folder)?)?) };
    let nothing = Asked { given: &[], grid: &[], random: None, folds: None, ..asked };
    let before = Plan::new(own()?, nothing)?;
    let now = Plan::new(typed.map_or_else(own, Ok)?, asked)?;
    let keys = before.differences(&now);
    if !keys.is_empty() {
        return Err(SweepFolderError::OtherSettings { path: folder.into(), keys }.into());
    }
    Ok(now)
}

/// Where the sweep goes: checked before any work is done.
enum Place {
    New(RunFolder),
    Old(SweepFolder, Header, Vec<Outcome>),
}

impl Place {
    fn prepare(resumed: Option<&Path>, settings: &Settings) -> anyhow::Result<Self> {
        Ok(match resumed {
            Some(folder) => {
                let (folder, header, outcomes) = SweepFolder::reopen(folder)?;
                Self::Old(folder, header, outcomes)
            }
            None => Self::New(RunFolder::prepare(settings.out.as_deref(), &timed("sweep"), settings.force)?),
        })
    }

    /// The folder, and the outcomes that are known from before.
    fn open(self, plan: &Plan, data: &Dataset, digest: &str) -> anyhow::Result<(SweepFolder, Vec<Outcome>)> {
        match self {
            Self::New(folder) => {
                let config = plan.to_toml(Some(&absolute(&data.source)));
                Ok((SweepFolder::create(&folder, &config, &Header::new(digest.into()))?, Vec::new()))
            }
            Self::Old(folder, header, outcomes) if header.data_digest == digest => Ok((folder, outcomes)),
            Self::Old(folder, header, _) => Err(SweepFolderError::OtherData {
                path: folder.path().into(),
                found: header.data_digest,
                expected: digest.into(),
            }
            .into()),
        }
    }
}

/// Where data came from, wherever the sweep is repeated from.
fn absolute(source: &Source) -> String {
    match source {
        Source::BuiltIn => data::GENERATED.into(),
        Source::Path(path) => {
            std::path::absolute(path).unwrap_or_else(|_| path.clone()).to_string_lossy().into_owned()
        }
    }
}

/// A sweep with everything loaded.
struct Sweep<'a> {
    plan: &'a Plan,
    console: Console,
    data: &'a Dataset,
    folds: Vec<Fold>,
    compute: &'a Compute,
    digest: String,
    folder: SweepFolder,
    outcomes: Vec<Outcome>,
}

impl Sweep<'_> {
    fn tell_plan(&self) {
        let (plan, runs) = (self.plan, self.plan.runs.len());
        let [train, held] = [&self.folds[0].train, &self.folds[0].validation].map(|rows| count(rows.len()));
        let compared = match plan.selection {
            Selection::Holdout(_) if plan.selection_is_default => {
                format!(
                    "compared on {held} held-out rows (10%, as neither --validation nor --folds is given)"
                )
            }
            Selection::Holdout(_) => format!("compared on {held} held-out rows"),
            Selection::Folds(folds) => format!("compared by cross-validation over {folds} folds"),
        };
        let (many, keys) = (if runs == 1 { "run" } else { "runs" }, plan.keys.join(", "));
        self.console
            .note(format_args!("sweep: {} {many} over {keys}, on {train} rows, {compared}", count(runs)));
        let done = self.done().len();
        if done > 0 {
            let all = runs * self.folds.len();
            self.console.note(format_args!("resumed: {} of {} are done", count(done), count(all)));
        }
    }

    /// The runs that are done, and on which folds.
    fn done(&self) -> HashSet<(usize, usize)> {
        self.outcomes.iter().map(|outcome| (outcome.run, outcome.fold)).collect()
    }

    /// Does what is not done, and keeps each outcome at once.
    fn train(&mut self) -> anyhow::Result<Option<Gram>> {
        let done = self.done();
        let tasks = self.plan.runs.len() * self.folds.len();
        let held_out = self.held_out();
        let mut progress = SweepProgress::new(self.console, self.plan, tasks, done.len());
        let mut records = self.records();
        let (folder, outcomes) = (&mut self.folder, &mut self.outcomes);
        let engine = Engine::new(self.plan, self.data, &self.folds, self.compute, &INTERRUPT)?;
        let gram = engine.run(&done, &mut |outcome: Outcome| {
            folder.append(&outcome)?;
            let run = outcome.run;
            outcomes.push(outcome);
            progress.advance();
            if let Some(record) = Record::new(run, outcomes, &held_out) {
                records.push(record.clone());
                records.sort_by_key(|record| record.run);
                progress.finished(&record, sweep::best(&records));
            }
            Ok::<(), SweepFolderError>(())
        });
        progress.finish();
        Ok(gram?)
    }

    fn held_out(&self) -> Vec<usize> {
        self.folds.iter().map(|fold| fold.validation.len()).collect()
    }

    /// The runs that are done on every fold, in their order.
    fn records(&self) -> Vec<Record> {
        let held_out = self.held_out();
        let runs = 0..self.plan.runs.len();
        runs.filter_map(|run| Record::new(run, &self.outcomes, &held_out)).collect()
    }

    /// Trains the best on all training rows, tests it and writes its folder; `result.json` of it. `None` if it was
    /// interrupted. What was refit before is taken as it is.
    fn refit(&self, best: &Record, gram: Option<Gram>) -> anyhow::Result<Option<Value>> {
        let out = self.folder.best();
        if let Ok(text) = std::fs::read(out.join(run_folder::RESULT)) {
            return Ok(Some(serde_json::from_slice(&text)?));
        }
        let begun = Instant::now();
        let config = self.plan.refit(best.run, best.epoch)?;
        let folder = RunFolder::prepare(Some(&out), "", false)?;
        let split = Split::new(self.data.train.len(), Holdout::Rows(0), config.settings.seed)?;
        let rows = count(split.train.len());
        self.console
            .note(format_args!("refit: {} on all {rows} rows", tables::run_label(self.plan, best.run)));
        let mut session = Session::new(&config, self.console, self.data, split, self.compute)?;
        let second_order = matches!(config.strategy, Strategy::SecondOrder(_));
        let map = &session.preprocessing;
        session.moment = gram.filter(|_| second_order).map(|gram| SecondMoment::new(&gram, map));
        // A refit that is interrupted is begun anew, to the same bytes.
        let mut unkept = config.clone();
        unkept.settings.checkpoint_every = Some(CheckpointEvery::Off);
        let digest = || self.digest.clone();
        let kernel = self.compute.kernel.name();
        let mut keeper = Checkpoints::new(&folder, &unkept, &self.data.source, kernel, &digest);
        let trained = session.train(None, &mut keeper)?;
        session.tell_stop(&trained);
        if matches!(trained.stop, Stop::Interrupted { .. }) {
            return Ok(None);
        }
        let result = session.save(&folder, &trained, digest(), &|| begun.elapsed().as_secs_f64())?;
        Ok(Some(serde_json::to_value(result)?))
    }

    fn result(
        &self,
        records: &[Record],
        best: Option<&Record>,
        refit: Option<&Value>,
        begun: Instant,
    ) -> SweepResult {
        let fold = &self.folds[0];
        SweepResult {
            version: env!("CARGO_PKG_VERSION"),
            complete: records.len() == self.plan.runs.len() && refit.is_some() == best.is_some(),
            keys: self.plan.keys.clone(),
            compared_by: if self.folds.len() > 1 { "folds" } else { "validation" },
            folds: self.folds.len(),
            rows: [fold.train.len(), fold.validation.len(), self.data.test.len()],
            runs: records.iter().map(|record| tables::fields(self.plan, record)).collect(),
            best_run: best.map(|best| best.run + 1),
            best: refit.cloned(),
            data: absolute(&self.data.source),
            data_digest: self.digest.clone(),
            seconds: begun.elapsed().as_secs_f64(),
            peak_memory_bytes: peak_memory_bytes(),
            out: self.folder.path().display().to_string(),
            machine: Machine::of(self.compute),
        }
    }

    /// Writes tables and pictures of what is done.
    fn save(&self, records: &[Record], best: Option<&Record>, result: &SweepResult) -> anyhow::Result<()> {
        let mut json = serde_json::to_vec_pretty(result)?;
        json.push(b'\n');
        self.folder.replace("sweep.json", &json)?;
        self.folder.replace("runs.csv", &tables::runs_csv(self.plan, records)?)?;
        let title = format!("{}, sweep over {}", self.data.name, self.plan.keys.join(", "));
        let curves = self.curves(records);
        let curves = SweepCurvesInput {
            title: &title,
            runs: &curves,
            note: (self.folds.len() > 1).then_some("means over the folds, each of them faint"),
        };
        self.folder.replace("curves.svg", render_sweep_curves(&curves).as_bytes())?;
        if let Some(map) = render_sweep_map(&title, self.plan, records, best.map(|best| best.run)) {
            self.folder.replace("heat-map.svg", map.as_bytes())?;
        }
        if let Some(response) = render_sweep_response(&title, self.plan, records, best) {
            self.folder.replace("accuracy.svg", response.as_bytes())?;
        }
        Ok(())
    }

    fn curves(&self, records: &[Record]) -> Vec<SweepCurve> {
        let mut by_rank: Vec<&Record> = records.iter().collect();
        let accuracy = |record: &Record| record.validation.map_or(-1.0, |score| score.accuracy);
        by_rank.sort_by(|a, b| accuracy(b).total_cmp(&accuracy(a)));
        let rank = |run: usize| by_rank.iter().position(|record| record.run == run).unwrap_or(usize::MAX);
        let curve = |record: &Record| {
            let mut folds: Vec<&Outcome> =
                self.outcomes.iter().filter(|outcome| outcome.run == record.run).collect();
            folds.sort_by_key(|outcome| outcome.fold);
            SweepCurve {
                label: tables::run_label(self.plan, record.run),
                losses: Curve::of_folds(folds.iter().map(|outcome| outcome.losses.clone()).collect()),
                accuracies: Curve::of_folds(folds.iter().map(|outcome| outcome.accuracies.clone()).collect()),
                diverged: record.stop == "diverged",
                rank: rank(record.run),
            }
        };
        records.iter().map(curve).collect()
    }

    /// How it ended, with a word to those who have to do something.
    fn exit(&self, best: Option<&Record>, refit: Option<&Value>) -> Exit {
        if INTERRUPT.load(Ordering::Relaxed) && refit.is_none() {
            let folder = tables::quoted(&self.folder.path().display().to_string());
            self.console.warn("interrupted: what is done is kept, and nothing was tested");
            self.console.hint(format_args!("cifar-train sweep --resume {folder} goes on from here"));
            return Exit::Interrupted;
        }
        if best.is_none() {
            self.console.warn("every run diverged: there is none to choose");
            self.console.hint("try smaller values, of lr above all");
            return Exit::Diverged;
        }
        let diverged = refit.is_some_and(|refit| refit["stop"] == "diverged");
        if diverged { Exit::Diverged } else { Exit::Done }
    }
}
