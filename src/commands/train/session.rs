//! A run with its data at hand, and its strategies.

use super::INTERRUPT;
use super::checkpoints::Checkpoints;
use super::tell::tell_distant;
use crate::config::{self, RunConfig, Strategy};
use crate::data::{self, DataError, Dataset, Distant, Examples, Preprocess, Preprocessing, Split, Store};
use crate::kernel::Compute;
use crate::objective::{LinearProblem, Loss, SecondMoment, Stored};
use crate::report::attempts::{AttemptsInput, render_attempts};
use crate::report::console::{Console, ExpectedLoss};
use crate::report::convergence::{ConvergenceInput, IterationPoint, render_convergence};
use crate::report::curves::{self, CurvesInput, EpochPoint};
use crate::report::summary::{attempts_csv, history_csv, iterations_csv};
use crate::train::{self, Course, DescentError, Epoch, Figures, Iteration, State, Stop, Watched};
use ndarray::{Array1, Array2};
use std::time::Instant;

/// A run with its data at hand.
pub struct Session<'a, S = Examples> {
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
pub struct Trained {
    pub weight: Array2<f32>,
    pub bias: Array1<f32>,
    pub penalty: f64,
    pub stop: Stop,
    /// The full loss before training and of the last epoch, if that is larger.
    pub rise: Option<[f64; 2]>,
    pub seconds: f64,
    pub steps: u64,
    pub kept: Option<Epoch>,
    pub validation: Option<Figures>,
    pub gap: Option<f64>,
    pub gradients: Option<usize>,
    pub epochs: usize,
    pub history: Vec<u8>,
    pub curves: String,
    /// Where an interrupted one stood.
    pub state: Option<State>,
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
        if config.preprocess == Preprocess::Standardize {
            let distant = Distant::among(&preprocessing, &data.train, &split.train);
            tell_distant(console, distant.map_err(Into::into)?);
        }
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
    pub fn stored_problem(&self) -> Stored<'_, S> {
        let Stored { problem, store } = self.problem(&self.data.train);
        Stored {
            problem: LinearProblem { example_weights: self.example_weights.as_deref(), ..problem },
            store,
        }
    }

    /// What is minimised, over examples that are held.
    pub fn training_problem(&self) -> LinearProblem<'_> {
        self.stored_problem().problem
    }

    /// The full loss, for people.
    pub fn formula(&self) -> String {
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
