//! `train` and `random-search`: from settings to a saved, tested model.

mod budget;
mod checkpoints;
mod resume;

pub use resume::ResumeError;

use super::{Exit, compute, print, print_json};
use crate::cli::RunRequest;
use crate::config::{self, RunConfig, Strategy};
use crate::data::{
    self, DataError, Dataset, Examples, Preprocess, Preprocessing, Shape, Source, Split, Store, Streamed,
};
use crate::kernel::Compute;
use crate::machine::{Machine, peak_memory_bytes};
use crate::metrics::wilson_interval;
use crate::model::{About, LinearModel};
use crate::objective::reference::Reference;
use crate::objective::{LinearProblem, Loss, SecondMoment, Stored};
use crate::optim::{largest_eigenvalue, suggested_rate};
use crate::random::{self, Stream};
use crate::report::attempts::{AttemptsInput, render_attempts};
use crate::report::console::{Console, ExpectedLoss};
use crate::report::convergence::{ConvergenceInput, IterationPoint, render_convergence};
use crate::report::curves::{self, CurvesInput, EpochPoint};
use crate::report::plot::{count, measured, setting};
use crate::report::summary::{RunResult, attempts_csv, history_csv, iterations_csv};
use crate::report::templates;
use crate::run_folder::{self, RunFolder};
use crate::train::{
    self, Checkpoint, Course, DescentError, Epoch, Figures, Iteration, Keeper, State, Stop, Watched,
};
pub(super) use checkpoints::Checkpoints;
use ndarray::{Array1, Array2};
use ndarray_rand::RandomExt;
use ndarray_rand::rand_distr::StandardNormal;
use resume::Found;
use std::ops::ControlFlow;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

/// Set by Ctrl-C; strategies look at it after every step.
pub(super) static INTERRUPT: AtomicBool = AtomicBool::new(false);

pub fn run(request: &RunRequest) -> anyhow::Result<Exit> {
    let begun = Instant::now();
    stop_on_interrupt()?;
    let Some(run) = &request.resume else {
        let config = config::resolve(&request.settings, &request.given, request.config.as_deref())?;
        if request.print_config {
            return print_config(&config);
        }
        let (out, force) = (config.settings.out.as_deref(), config.settings.force);
        let folder = RunFolder::prepare(out, &default_name(&config), force)?;
        return train(&config, &folder, Beginning::New, begun);
    };
    match resume::find(run, request)? {
        Found::Finished(result) => resume::tell_finished(run, &result, request),
        Found::Unfinished(found) if request.print_config => print_config(&found.config),
        Found::Unfinished(found) => {
            train(&found.config, &found.folder, Beginning::Resumed(found.checkpoint), begun)
        }
    }
}

fn print_config(config: &RunConfig) -> anyhow::Result<Exit> {
    print(&config.to_toml(None))?;
    Ok(Exit::Done)
}

/// Where a run begins.
enum Beginning {
    /// At the beginning.
    New,
    /// Where an earlier process left off, which may be there too.
    Resumed(Option<Checkpoint>),
}

/// Does a run, or the rest of one, and writes its folder.
fn train(
    config: &RunConfig,
    folder: &RunFolder,
    beginning: Beginning,
    begun: Instant,
) -> anyhow::Result<Exit> {
    let (resumed, checkpoint) = match beginning {
        Beginning::New => (false, None),
        Beginning::Resumed(checkpoint) => (true, checkpoint),
    };
    let settings = &config.settings;
    let console = Console { quiet: settings.quiet };
    let compute = compute(settings.threads);
    let Some(memory) = settings.memory else {
        let data = data::load(&settings.data_request())?;
        let split = Split::new(data.train.len(), settings.validation, settings.seed)?;
        tell_data(console, &data);
        let session = Session::new(config, console, &data, split, &compute)?;
        return carry_out(&session, folder, checkpoint, &|| data.digest(), begun);
    };
    let data = data::stream(&settings.data_request())?;
    let split = Split::new(data.train.len(), settings.validation, settings.seed)?;
    tell_data(console, &data);
    let config = &budget::fit(config, memory, &data, split.train.len(), resumed)?;
    tell_windows(console, config, &data, split.train.len());
    // Both go through the files: once, when the disk is what they wait for.
    let (session, digest) = std::thread::scope(|scope| {
        let digest = scope.spawn(|| data.sha256());
        let session = Session::new(config, console, &data, split, &compute);
        (session, digest.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
    });
    let (session, digest) = (session?, digest?);
    carry_out(&session, folder, checkpoint, &|| digest.clone(), begun)
}

/// Trains, tests and saves, as the session says; `digest` is that of its data.
fn carry_out<S: Store>(
    session: &Session<'_, S>,
    folder: &RunFolder,
    checkpoint: Option<Checkpoint>,
    digest: &(dyn Fn() -> String + Sync),
    begun: Instant,
) -> anyhow::Result<Exit> {
    let Session { config, console, data, compute, .. } = *session;
    let settings = &config.settings;
    tell_objective(session);

    // The digest reads every byte once: that need not wait for training, nor training for it.
    let once = OnceLock::new();
    let digest = || once.get_or_init(digest).clone();
    let mut keeper = Checkpoints::new(folder, config, &data.source, compute.kernel.name(), &digest);
    let from = keeper.begin(checkpoint, console)?;
    let earlier = from.as_ref().map_or(0.0, State::seconds);
    let trained = std::thread::scope(|scope| {
        scope.spawn(digest);
        session.train(from, &mut keeper)
    })?;
    session.tell_stop(&trained);
    if let Some(state) = &trained.state
        && let Err(why) = keeper.keep(state.clone())
    {
        console.warn(why);
    }
    let seconds = || earlier + begun.elapsed().as_secs_f64();
    let result = session.save(folder, &trained, digest(), &seconds)?;
    if settings.json {
        print_json(&result)?;
    } else {
        print(&result.to_text())?;
    }
    if trained.state.is_some() {
        console.note(format_args!("to go on: cifar-train --resume {}", folder.target().display()));
    }
    Ok(match trained.stop {
        Stop::Completed
        | Stop::EarlyStop { .. }
        | Stop::ToleranceReached { .. }
        | Stop::Stalled { .. }
        | Stop::IterationLimit { .. } => Exit::Done,
        Stop::Diverged { .. } => Exit::Diverged,
        Stop::Interrupted { .. } => Exit::Interrupted,
    })
}

/// The first Ctrl-C lets the step finish and saves; a second one stops at once, and leaves nothing half-written.
pub(super) fn stop_on_interrupt() -> anyhow::Result<()> {
    ctrlc::set_handler(|| {
        if INTERRUPT.swap(true, Ordering::Relaxed) {
            run_folder::abandon();
            std::process::exit(i32::from(Exit::Interrupted.code()));
        }
    })?;
    Ok(())
}

/// `<time>-<loss>`.
fn default_name(config: &RunConfig) -> String {
    timed(&config::name(config.settings.loss))
}

/// `<time>-<what>`, in UTC.
pub(super) fn timed(what: &str) -> String {
    let time = jiff::Timestamp::now().strftime("%Y%m%d-%H%M%S");
    format!("{time}-{what}")
}

pub(super) fn tell_data<S: Store>(console: Console, data: &Dataset<S>) {
    console.note(format_args!(
        "data: {}, {} training and {} test {} of {}, {} classes{}",
        data.name,
        count(data.train.len()),
        count(data.test.len()),
        data.shape.noun(),
        data.shape,
        data.classes(),
        match &data.source {
            Source::BuiltIn => String::new(),
            Source::Path(path) => format!(", from {}", path.display()),
        }
    ));
    if data.source == Source::BuiltIn {
        console.note("      for CIFAR-10: cifar-train data fetch cifar10; for other data give --data PATH");
    }
    data.notes.iter().for_each(|note| console.warn(note));
}

/// How much of the data is in memory at a time.
fn tell_windows(console: Console, config: &RunConfig, data: &Dataset<Streamed>, rows: usize) {
    let window = config.settings.window.map_or(rows, |window| window.get().min(rows));
    console.note(format_args!(
        "memory: features stay in their files; {} of {} rows ({:.0} MB) are shuffled at a time",
        count(window),
        count(rows),
        (window * data.train.like().row_bytes()) as f64 / 1e6
    ));
    if window == rows {
        console.hint("all rows fit: without --memory they are read only once");
    }
}

/// The full loss with its numbers, and what W multiplies.
pub(super) fn tell_objective<S: Store>(session: &Session<'_, S>) {
    let x = match session.data.shape {
        Shape::Image { .. } => "pixels",
        Shape::Vector(_) => "features",
    };
    let seen = match session.config.preprocess {
        Preprocess::Standardize => format!("standardized {x}"),
        Preprocess::Scale => {
            let factor = session.preprocessing.scale.first().map_or(1.0, |&scale| 1.0 / f64::from(scale));
            format!("centered {x} / {}", measured(factor, 6))
        }
        Preprocess::Center => format!("centered {x}"),
        Preprocess::None => format!("raw {x}"),
    };
    let rows = count(session.split.train.len());
    session.console.note(format_args!("objective: {}", session.formula()));
    let of_class = session.config.settings.class_weight.as_ref();
    let of_class = of_class.map(|weight| format!("weight of class y_i ({weight})"));
    let own = session.data.weights.train.as_ref().map(|_| "the example's weight".to_owned());
    let factors: Vec<String> = own.into_iter().chain(of_class).collect();
    if !factors.is_empty() {
        session.console.note(format_args!(
            "           q_i = {}, divided by its mean over the training rows",
            factors.join(" times ")
        ));
    }
    session.console.note(format_args!(
        "           s = W x + b over {seen}, N = {rows}, lambda = {}, b penalized like W",
        session.config.settings.reg
    ));
}

/// A run with its data at hand.
pub(super) struct Session<'a, S = Examples> {
    pub config: &'a RunConfig,
    pub console: Console,
    pub data: &'a Dataset<S>,
    pub split: Split,
    pub compute: &'a Compute,
    pub preprocessing: Preprocessing,
    /// The training rows' second moments, where they are known from before.
    pub moment: Option<SecondMoment>,
    /// q of every training example, with mean 1 over the training rows.
    pub example_weights: Option<Vec<f64>>,
}

/// What either strategy comes to.
pub(super) struct Trained {
    weight: Array2<f32>,
    bias: Array1<f32>,
    penalty: f64,
    pub stop: Stop,
    /// The full loss before training and of the last epoch, if that is larger.
    rise: Option<[f64; 2]>,
    seconds: f64,
    steps: u64,
    kept: Option<Epoch>,
    validation: Option<Figures>,
    gap: Option<f64>,
    gradients: Option<usize>,
    epochs: usize,
    history: Vec<u8>,
    curves: String,
    /// Where an interrupted one stood.
    state: Option<State>,
}

impl<'a, S: Store> Session<'a, S> {
    /// Learns the preprocessing of the training rows, and weighs them and their classes.
    ///
    /// # Errors
    /// [`DataError`] when a class is weighted that is not there, no training row counts, or rows that are not held cannot
    /// be read.
    pub fn new(
        config: &'a RunConfig,
        console: Console,
        data: &'a Dataset<S>,
        split: Split,
        compute: &'a Compute,
    ) -> Result<Self, DataError> {
        let preprocessing = Preprocessing::fit_stored(config.preprocess, &data.train, &split.train);
        let preprocessing = preprocessing.map_err(Into::into)?;
        let weight = config.settings.class_weight.as_ref();
        let example_weights = data::example_weights(data, weight, &split.train)?;
        Ok(Self { config, console, data, split, compute, preprocessing, moment: None, example_weights })
    }
}

impl<S: Store> Session<'_, S> {
    fn problem<'b>(&'b self, store: &'b S) -> Stored<'b, S> {
        let problem = LinearProblem {
            examples: store.like(),
            preprocessing: &self.preprocessing,
            classes: self.data.classes(),
            objective: self.config.objective,
            example_weights: None,
            compute: self.compute,
        };
        Stored { problem, store }
    }

    /// What is minimised.
    fn stored_problem(&self) -> Stored<'_, S> {
        let Stored { problem, store } = self.problem(&self.data.train);
        Stored {
            problem: LinearProblem { example_weights: self.example_weights.as_deref(), ..problem },
            store,
        }
    }

    /// What is minimised, over examples that are held.
    pub(super) fn training_problem(&self) -> LinearProblem<'_> {
        self.stored_problem().problem
    }

    /// The full loss, for people.
    fn formula(&self) -> String {
        self.config.objective.formula(self.example_weights.is_some())
    }

    fn expected_loss(&self) -> ExpectedLoss {
        let loss = self.config.objective.loss;
        let formula = match loss {
            Loss::Svm { margin: 1.0 } => "K - 1",
            Loss::Svm { .. } => "(K - 1) margin",
            Loss::Softmax => "ln K",
        };
        ExpectedLoss { loss: loss.at_zero_scores(self.data.classes()), formula }
    }

    /// From the beginning, or from where an earlier process left off. (Other strategies than descent need all examples at a
    /// time: with `--memory` they are refused.)
    pub fn train(&self, from: Option<State>, keeper: &mut Checkpoints<'_>) -> anyhow::Result<Trained> {
        match (&self.config.strategy, from) {
            (Strategy::Descent(plan), None) => self.descend(plan, None, keeper),
            (Strategy::Descent(plan), Some(State::Descent(state))) => {
                self.descend(plan, Some(*state), keeper)
            }
            (Strategy::SecondOrder(plan), None) => self.minimise(plan),
            (Strategy::RandomSearch(plan), None) => self.search(plan, None, keeper),
            (Strategy::RandomSearch(plan), Some(State::Search(state))) => {
                self.search(plan, Some(*state), keeper)
            }
            _ => Err(keeper.unfit("the state of another strategy").into()),
        }
    }

    fn descend(
        &self,
        plan: &train::DescentPlan,
        from: Option<train::DescentState>,
        keeper: &mut Checkpoints<'_>,
    ) -> anyhow::Result<Trained> {
        let begun = Instant::now();
        let before = from.as_ref().map_or(0.0, |state| state.seconds);
        let test = self.config.settings.watch_test.then(|| self.problem(&self.data.test));
        let watched = Watched { validation: &self.split.validation, test };
        let mut progress = self.console.progress(self.expected_loss());
        let course = Course { from, keeper, observer: &mut progress, interrupt: &INTERRUPT };
        let descent = train::descend_from(self.stored_problem(), &self.split.train, watched, plan, course);
        progress.finish();
        let descent = descent.map_err(|error| match error {
            DescentError::Unfit(found) => anyhow::Error::from(keeper.unfit(found)),
            DescentError::Data(error) => error.into().into(),
        })?;
        let (weight, bias) = descent.weights.to_arrays();
        let history = &descent.history;
        let title = format!("{}, {}", self.data.name, config::name(self.config.settings.optimizer));
        let kept = descent.kept_epoch.and_then(|kept| history.iter().find(|row| row.epoch == kept).copied());
        Ok(Trained {
            weight,
            bias,
            penalty: descent.weights.penalty(),
            stop: descent.stop,
            rise: history
                .last()
                .map(|last| [descent.start.figures.objective, last.train.objective])
                .filter(|[start, end]| end > start),
            seconds: before + begun.elapsed().as_secs_f64(),
            steps: descent.step_losses.len() as u64,
            kept,
            validation: kept.and_then(|epoch| epoch.validation),
            gap: None,
            gradients: None,
            epochs: history.len(),
            history: history_csv(history)?,
            curves: curves::render(&CurvesInput {
                title: &title,
                loss_label: &format!("full loss ({})", config::name(self.config.settings.loss)),
                step_losses: &steps_as_epochs(&descent.step_losses, descent.steps_per_epoch),
                epochs: &history.iter().map(epoch_point).collect::<Vec<_>>(),
            }),
            state: descent.state.map(|state| State::Descent(Box::new(state))),
        })
    }

    fn minimise(&self, plan: &train::SecondOrderPlan) -> anyhow::Result<Trained> {
        let begun = Instant::now();
        let problem = self.training_problem();
        let mut progress = self.console.progress(self.expected_loss());
        let rows = &self.split.train;
        let computed = self.moment.is_none().then(|| train::second_moment(&problem, rows, &mut progress));
        let Some(moment) = self.moment.as_ref().or(computed.as_ref()) else {
            unreachable!("one or the other")
        };
        let minimum = train::minimise(&problem, rows, moment, None, plan, &mut progress, &INTERRUPT);
        progress.finish();
        let (weight, bias) = minimum.weights.to_arrays();
        let held_out = &self.split.validation;
        Ok(Trained {
            weight,
            bias,
            penalty: minimum.weights.penalty(),
            stop: minimum.stop,
            rise: None,
            seconds: begun.elapsed().as_secs_f64(),
            steps: minimum.history.len() as u64,
            kept: None,
            validation: (!held_out.is_empty())
                .then(|| Figures::new(&problem.loss(&minimum.weights, held_out), minimum.weights.penalty())),
            gap: Some(minimum.gap),
            gradients: Some(minimum.gradients),
            epochs: 0,
            history: iterations_csv(&minimum.history)?,
            curves: render_convergence(&ConvergenceInput {
                title: &format!("{}, lbfgs", self.data.name),
                tolerance: plan.tolerance,
                iterations: &minimum.history.iter().map(iteration_point).collect::<Vec<_>>(),
            }),
            state: None,
        })
    }

    fn search(
        &self,
        plan: &train::SearchPlan,
        from: Option<train::SearchState>,
        keeper: &mut Checkpoints<'_>,
    ) -> anyhow::Result<Trained> {
        let begun = Instant::now();
        let before = from.as_ref().map_or(0.0, |state| state.seconds);
        let problem = self.training_problem();
        let mut progress = self.console.progress(self.expected_loss());
        progress.searching(plan.attempts);
        let course = Course { from, keeper, observer: &mut progress, interrupt: &INTERRUPT };
        let search = train::search_from(&problem, &self.split.train, plan, course);
        progress.finish();
        let search = search.map_err(|found| keeper.unfit(found))?;
        let losses: Vec<f64> = search.attempts.iter().map(|attempt| attempt.loss).collect();
        let all: Vec<f32> = search.weight.iter().chain(&search.bias).copied().collect();
        Ok(Trained {
            penalty: self.config.objective.penalty.value(&all),
            weight: search.weight,
            bias: search.bias,
            stop: search.stop,
            rise: None,
            seconds: before + begun.elapsed().as_secs_f64(),
            steps: search.attempts.len() as u64,
            kept: None,
            validation: None,
            gap: None,
            gradients: None,
            epochs: 0,
            history: attempts_csv(&search.attempts)?,
            curves: render_attempts(&AttemptsInput {
                title: &format!("{}, random search", self.data.name),
                losses: &losses,
            }),
            state: search.state.map(|state| State::Search(Box::new(state))),
        })
    }

    /// Tests the model, once, and writes the run folder.
    pub fn save(
        &self,
        folder: &RunFolder,
        trained: &Trained,
        digest: String,
        seconds: &dyn Fn() -> f64,
    ) -> anyhow::Result<RunResult> {
        let objective = self.config.objective;
        let names = self.data.class_names.clone();
        let about = About::new(names, self.data.shape, objective.loss, self.config.recipe());
        let model = LinearModel::fold(&trained.weight, &trained.bias, &self.preprocessing, about);

        let Dataset { train, test, .. } = self.data;
        let evaluated = model.evaluate_stored(test, &test.all(), None, self.compute);
        let (test, test_loss) = evaluated.map_err(Into::into)?;
        let weights = self.example_weights.as_deref();
        let evaluated = model.evaluate_stored(train, &self.split.train, weights, self.compute);
        let (train, train_loss) = evaluated.map_err(Into::into)?;
        if let Some(class) = test.only_prediction() {
            let name = &self.data.class_names[class];
            self.console.warn(format_args!(
                "every test example is predicted as {name}: the model has learned nothing"
            ));
        }

        let raw: Vec<f32> = model.weight.iter().copied().collect();
        let mut files = vec![
            (run_folder::CONFIG, self.config.to_toml(Some(&self.data.source)).into_bytes()),
            (run_folder::MODEL, model.to_bytes()?),
            (run_folder::HISTORY, trained.history.clone()),
            ("curves.svg", trained.curves.clone().into_bytes()),
        ];
        if let Shape::Image { channels: channels @ (1 | 3), height, width } = self.data.shape {
            let shape = [channels, height, width];
            files.push(("templates.png", templates::render(&raw, shape, &self.data.class_names)?));
        }

        let (low, high) = wilson_interval(test.correct(), test.count());
        let validation = trained.validation;
        let result = RunResult {
            version: env!("CARGO_PKG_VERSION").into(),
            stop: trained.stop.word().into(),
            stop_reason: trained.stop.to_string(),
            strategy: config::name(self.config.settings.strategy),
            test_accuracy: test.accuracy(),
            test_accuracy_interval: [low, high],
            test_correct: test.correct(),
            test_count: test.count(),
            test_loss: test_loss.mean(),
            train_loss: train_loss.mean(),
            train_accuracy: train.accuracy(),
            objective: train_loss.mean() + trained.penalty,
            objective_formula: self.formula(),
            validation_accuracy: validation.map(|figures| figures.accuracy),
            validation_loss: validation.map(|figures| figures.loss),
            gap: trained.gap,
            relative_gap: trained.gap.is_some() && matches!(objective.loss, Loss::Svm { .. }),
            gradients: trained.gradients,
            epochs: trained.epochs,
            kept_epoch: trained.kept.map(|epoch| epoch.epoch),
            steps: trained.steps,
            data: match &self.data.source {
                Source::BuiltIn => data::GENERATED.into(),
                Source::Path(path) => path.display().to_string(),
            },
            data_digest: digest,
            rows: [self.split.train.len(), self.split.validation.len(), self.data.test.len()],
            train_seconds: trained.seconds,
            seconds: seconds(),
            peak_memory_bytes: peak_memory_bytes(),
            out: folder.target().display().to_string(),
            machine: Machine::of(self.compute),
            config: self.config.recipe(),
        };
        let mut json = serde_json::to_vec_pretty(&result)?;
        json.push(b'\n');
        files.push((run_folder::RESULT, json));
        let write = if trained.state.is_some() { RunFolder::write_resumable } else { RunFolder::write };
        write(folder, &files)?;
        Ok(result)
    }

    /// What a person should know about a run that did not go to its end.
    pub fn tell_stop(&self, trained: &Trained) {
        let stop = trained.stop;
        if let (Some([start, end]), Strategy::Descent(plan)) = (trained.rise, &self.config.strategy) {
            self.console
                .warn(format_args!("the loss rose from {start:.4} to {end:.4}: the steps are too long"));
            self.hint_rate(plan, plan.schedule.lr);
        }
        match stop {
            Stop::Completed => {}
            Stop::EarlyStop { .. } | Stop::Interrupted { .. } | Stop::ToleranceReached { .. } => {
                self.console.note(format_args!("stopped: {stop}"));
            }
            Stop::Stalled { .. } | Stop::IterationLimit { .. } => self.console.warn(stop),
            Stop::Diverged { lr, .. } => {
                self.console.warn(format_args!("{stop}; the last good model is kept"));
                match (&self.config.strategy, lr) {
                    (Strategy::Descent(plan), Some(lr)) => self.hint_rate(plan, lr),
                    _ => self.console.hint("try a smaller --scale"),
                }
            }
        }
    }

    /// A learning rate to try instead of one that was too large.
    pub(super) fn hint_rate(&self, plan: &train::DescentPlan, too_large: f64) {
        // Data that can no longer be read are told of where they are needed for more than a hint.
        let Ok(curvature) = self.largest_curvature() else { return };
        let rate = suggested_rate(plan.rule, too_large, curvature);
        self.console.hint(format_args!("try --lr {}", setting(rate)));
    }

    /// An upper bound of the largest curvature of the full loss, estimated on a sample: for softmax the Hessian of a row is
    /// at most (1/2) x x^T for each class; for the SVM the same serves as a measure of scale.
    fn largest_curvature(&self) -> Result<f64, S::Error> {
        const SAMPLE: usize = 500;
        let mut rng = random::generator(self.config.settings.seed, Stream::Curvature);
        let mut rows = self.split.train.clone();
        random::shuffle(&mut rng, &mut rows);
        rows.truncate(SAMPLE);
        let objective = self.config.objective;
        let mut bound = 0.0;
        self.stored_problem().visit(&[&rows], |problem, rows| {
            let mut sample = Reference::new(problem.examples, &self.preprocessing, objective, rows).features;
            if let Some(weights) = problem.example_weights {
                let rows = sample.rows_mut().into_iter().zip(rows);
                rows.for_each(|(mut x, &row)| x *= weights[row as usize].sqrt());
            }
            let start = Array1::random_using(problem.examples.width, StandardNormal, &mut rng);
            bound = 0.5 * largest_eigenvalue(&sample, start) + 2.0 * objective.penalty.l2;
            ControlFlow::Continue(())
        })?;
        Ok(bound)
    }
}

/// Where on the axis of epochs each step's loss lies.
fn steps_as_epochs(losses: &[f64], steps_per_epoch: usize) -> Vec<(f64, f64)> {
    let place = |step: usize| step as f64 / steps_per_epoch as f64;
    losses.iter().enumerate().map(|(step, &loss)| (place(step), loss)).collect()
}

fn iteration_point(row: &Iteration) -> IterationPoint {
    IterationPoint { iteration: row.iteration, loss: row.figures.objective, bound: row.bound, gap: row.gap }
}

fn epoch_point(row: &Epoch) -> EpochPoint {
    EpochPoint {
        epoch: row.epoch,
        train_loss: row.train.objective,
        validation_loss: row.validation.map(|figures| figures.objective),
        train_accuracy: row.train.accuracy,
        validation_accuracy: row.validation.map(|figures| figures.accuracy),
    }
}
