//! Strategy 2 of the lecture: follow the slope, over the whole set or over minibatches.

use super::order::Order;
use super::{
    BatchSize, Course, DescentState, Epoch, EpochSums, Figures, Keeper, Kept, Observer, Start, State, Step,
    Stop,
};
use crate::data::{Examples, Store};
use crate::kernel::Rows;
use crate::objective::{BatchLoss, LinearProblem, Stored, Weights};
use crate::optim::{RuleState, Schedule, UpdateRule};
use crate::random::{self, Stream};
use ndarray::{Array1, Array2};
use ndarray_rand::RandomExt;
use ndarray_rand::rand_distr::StandardNormal;
use rand_chacha::ChaCha8Rng;
use std::num::NonZeroUsize;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

/// Rows the start's loss is computed on, at most.
const START_ROWS: usize = 5000;

/// Everything a descent does that the problem does not say.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DescentPlan {
    /// What a step does.
    pub rule: UpdateRule,
    /// How long a step is.
    pub schedule: Schedule,
    /// What a step sees.
    pub batch_size: BatchSize,
    /// Rows that are shuffled among each other, about; `None` for all. Windows of blocks from all over the data then follow
    /// one another.
    pub window: Option<NonZeroUsize>,
    /// Times every example is used.
    pub epochs: usize,
    /// Epochs without a better validation accuracy after which it stops.
    pub patience: Option<usize>,
    /// Deviation of the random start; 0 is the zero start.
    pub init_scale: f64,
    /// Of the start and the shuffles.
    pub seed: u64,
}

/// What is looked at after each epoch, and never learned from.
pub struct Watched<'a, S = Examples> {
    /// Held-out rows of the training examples; may be empty.
    pub validation: &'a [u32],
    /// The test examples, under the same preprocessing.
    pub test: Option<Stored<'a, S>>,
}

impl<S> Clone for Watched<'_, S> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<S> Copy for Watched<'_, S> {}

impl<S> Default for Watched<'_, S> {
    fn default() -> Self {
        Self { validation: &[], test: None }
    }
}

/// What a descent comes to.
pub struct Descent {
    /// The weights kept. With held-out rows, those of the epoch with the best validation accuracy (the lower loss on a
    /// tie); after a divergence, those of the last epoch whose loss was not above the start's; else the last.
    pub weights: Weights,
    /// The epoch they are from, if they are an epoch's.
    pub kept_epoch: Option<usize>,
    /// One row an epoch; an interrupted epoch has one of the steps it took.
    pub history: Vec<Epoch>,
    /// Full loss of every step's batch.
    pub step_losses: Vec<f64>,
    /// Steps an epoch takes.
    pub steps_per_epoch: usize,
    /// Full loss before the first step.
    pub start: Start,
    /// Why it ended.
    pub stop: Stop,
    /// Where an interrupted one stood.
    pub state: Option<DescentState>,
}

/// Why a descent could not go on.
#[derive(Debug)]
pub enum DescentError<E> {
    /// What in the state that it was to go on from does not fit the problem and the plan.
    Unfit(&'static str),
    /// Examples that are not held could not be read.
    Data(E),
}

impl<E> From<E> for DescentError<E> {
    fn from(error: E) -> Self {
        Self::Data(error)
    }
}

/// Minimises `problem` over the training `rows`.
///
/// Each epoch runs through a new seeded permutation of the rows, batch after batch (full batches keep the order of
/// the data). `interrupt` is looked at after each step.
pub fn descend(
    problem: &LinearProblem<'_>,
    rows: &[u32],
    watched: Watched<'_>,
    plan: &DescentPlan,
    observer: &mut dyn Observer,
    interrupt: &AtomicBool,
) -> Descent {
    let Ok(run) = Run::new(Stored::held(*problem), rows, plan);
    let Ok(descent) = run.finish(watched, Around { keeper: &mut (), observer, interrupt });
    descent
}

/// As [`descend`], over examples wherever they are, from where another process left off, and with checkpoints: the
/// weights, the history and every loss are those of a descent over held examples that nothing stopped, to the bit.
///
/// # Errors
/// [`DescentError`] when the state is another run's, or examples cannot be read.
pub fn descend_from<S: Store>(
    problem: Stored<'_, S>,
    rows: &[u32],
    watched: Watched<'_, S>,
    plan: &DescentPlan,
    course: Course<'_, DescentState>,
) -> Result<Descent, DescentError<S::Error>> {
    let Course { from, keeper, observer, interrupt } = course;
    let run = match from {
        None => Run::new(problem, rows, plan)?,
        Some(state) => Run::restore(problem, rows, plan, state).map_err(DescentError::Unfit)?,
    };
    Ok(run.finish(watched, Around { keeper, observer, interrupt })?)
}

/// The world around a descent: as in [`Course`].
struct Around<'a> {
    keeper: &'a mut dyn Keeper,
    observer: &'a mut dyn Observer,
    interrupt: &'a AtomicBool,
}

/// A descent under way.
struct Run<'a, S> {
    problem: Stored<'a, S>,
    /// Of training, in the order of the data.
    rows: &'a [u32],
    plan: &'a DescentPlan,
    begun: Instant,
    /// Seconds of earlier processes.
    before: f64,
    ordering: Order,
    order: Vec<u32>,
    shuffles: ChaCha8Rng,
    batch: usize,
    steps_per_epoch: usize,
    weights: Weights,
    states: Vec<RuleState<f32>>,
    /// Of the epoch under way: batches done, and what they came to.
    batches: usize,
    sums: EpochSums,
    step: u64,
    step_losses: Vec<f64>,
    history: Vec<Epoch>,
    snapshot: Snapshot,
    start: Start,
}

impl<'a, S: Store> Run<'a, S> {
    fn new(problem: Stored<'a, S>, rows: &'a [u32], plan: &'a DescentPlan) -> Result<Self, S::Error> {
        let weights =
            start_weights(&problem.problem, plan).for_steps_of(batch_rows(plan, rows), &problem.problem);
        let looked_at = &rows[..rows.len().min(START_ROWS)];
        let sum = problem.loss(&weights, looked_at)?;
        let figures = Figures::new(&sum, weights.penalty());
        let start = Start { figures, rows: looked_at.len(), steps: 0, epochs: 0 };
        Ok(Self::at(problem, rows, plan, weights, start))
    }

    /// Before the first step, but with these weights.
    fn at(
        problem: Stored<'a, S>,
        rows: &'a [u32],
        plan: &'a DescentPlan,
        weights: Weights,
        start: Start,
    ) -> Self {
        let batch = batch_rows(plan, rows);
        let steps_per_epoch = rows.len().div_ceil(batch);
        let ordering = match plan.batch_size {
            BatchSize::Rows(_) => {
                Order::new(plan.window, rows.len(), batch, problem.problem.examples.row_bytes())
            }
            BatchSize::Full => Order::Unchanged,
        };
        let states = weights.part_lengths().into_iter().map(|len| plan.rule.start(len)).collect();
        Self {
            problem,
            rows,
            plan,
            begun: Instant::now(),
            before: 0.0,
            ordering,
            order: rows.to_vec(),
            shuffles: random::generator(plan.seed, Stream::Shuffle),
            batch,
            steps_per_epoch,
            snapshot: Snapshot { weights: weights.clone(), epoch: None, validation: None },
            weights,
            states,
            batches: 0,
            sums: EpochSums::default(),
            step: 0,
            step_losses: Vec::new(),
            history: Vec::new(),
            start: Start {
                steps: steps_per_epoch.saturating_mul(plan.epochs) as u64,
                epochs: plan.epochs,
                ..start
            },
        }
    }

    /// Where `state` says.
    fn restore(
        problem: Stored<'a, S>,
        rows: &'a [u32],
        plan: &'a DescentPlan,
        state: DescentState,
    ) -> Result<Self, &'static str> {
        let made = |weight: &_, bias: &_| {
            Weights::new(weight, bias, &problem.problem)
                .for_steps_of(batch_rows(plan, rows), &problem.problem)
        };
        let weights = made(&state.weight, &state.bias);
        let mut run = Self::at(problem, rows, plan, weights, state.start);
        let of_rule = [0, 1].map(|which| run.states.iter().map(|part| part.vectors()[which].len()).sum());
        let shape = (problem.problem.classes, problem.store.width());
        state.check(shape, rows, run.steps_per_epoch, of_rule)?;
        for (which, all) in state.rule.iter().enumerate() {
            let mut rest = all.as_slice();
            for part in &mut run.states {
                let part = &mut part.vectors_mut()[which];
                let (own, others) = rest.split_at(part.len());
                part.copy_from_slice(own);
                rest = others;
            }
        }
        random::seek(&mut run.shuffles, state.shuffled);
        let Kept { weight, bias, epoch, validation } = state.kept;
        run.snapshot = Snapshot { weights: made(&weight, &bias), epoch, validation };
        Ok(Self {
            before: state.seconds,
            order: state.order,
            batches: state.batches,
            sums: state.sums,
            step: state.step_losses.len() as u64,
            step_losses: state.step_losses,
            history: state.history,
            ..run
        })
    }

    /// All that [`Run::restore`] needs; `order` is that of the epoch.
    fn state(&self, order: &[u32]) -> DescentState {
        let ((weight, bias), kept) = (self.weights.to_arrays(), self.snapshot.weights.to_arrays());
        let Snapshot { epoch, validation, .. } = self.snapshot;
        DescentState {
            weight,
            bias,
            rule: [0, 1]
                .map(|which| self.states.iter().flat_map(|part| part.vectors()[which]).copied().collect()),
            order: order.to_vec(),
            shuffled: random::position(&self.shuffles),
            batches: self.batches,
            sums: self.sums,
            step_losses: self.step_losses.clone(),
            history: self.history.clone(),
            kept: Kept { weight: kept.0, bias: kept.1, epoch, validation },
            start: self.start,
            seconds: self.seconds(),
        }
    }

    /// Of training, over all processes.
    fn seconds(&self) -> f64 {
        self.before + self.begun.elapsed().as_secs_f64()
    }

    /// Goes on to the end.
    fn finish(mut self, watched: Watched<'_, S>, mut around: Around<'_>) -> Result<Descent, S::Error> {
        around.observer.started(&self.start);
        around.observer.moved(self.step, &self.weights);
        if self.step > 0 {
            around.observer.resumed(self.step);
        }
        let mut state = None;
        let stop = loop {
            if let Some(stop) = self.is_over() {
                break stop;
            }
            let early = self.epoch(&mut around)?;
            if let Some(diverged @ Stop::Diverged { .. }) = early {
                break diverged;
            }
            // Before the epoch is closed, so that it can be gone on with.
            state = early.map(|_| self.state(&self.order));
            let record = self.close_epoch(watched)?;
            around.observer.epoch_ended(&record);
            if let Some(interrupted) = early {
                break interrupted;
            }
        };

        let keeps_best = !watched.validation.is_empty();
        let (weights, kept_epoch) = if keeps_best || matches!(stop, Stop::Diverged { .. }) {
            (self.snapshot.weights, self.snapshot.epoch)
        } else {
            (self.weights, self.history.last().map(|record| record.epoch))
        };
        let Self { history, step_losses, steps_per_epoch, start, .. } = self;
        Ok(Descent { weights, kept_epoch, history, step_losses, steps_per_epoch, start, stop, state })
    }

    /// Why no epoch is to follow those that are done.
    fn is_over(&self) -> Option<Stop> {
        let done = self.history.len();
        if done >= self.plan.epochs {
            return Some(Stop::Completed);
        }
        let (patience, best_epoch) = (self.plan.patience?, self.snapshot.epoch?);
        (done >= best_epoch + patience).then_some(Stop::EarlyStop { best_epoch })
    }

    /// Runs through all rows once, or what is left of them, or until something stops it.
    fn epoch(&mut self, around: &mut Around<'_>) -> Result<Option<Stop>, S::Error> {
        if self.batches == 0 {
            self.ordering.shuffle(&mut self.shuffles, self.rows, &mut self.order);
        }
        let order = std::mem::take(&mut self.order);
        let parts = self.ordering.parts(&order, self.batches * self.batch);
        let mut stop = None;
        let problem = self.problem;
        problem.visit(&parts, |problem, rows| {
            stop = self.part(problem, rows, &order, around);
            if stop.is_some() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })?;
        self.order = order;
        Ok(stop)
    }

    /// Takes a step for each batch of `rows` of `problem`, or until something stops it; `order` is that of the epoch.
    fn part(
        &mut self,
        problem: &LinearProblem<'_>,
        rows: &[u32],
        order: &[u32],
        around: &mut Around<'_>,
    ) -> Option<Stop> {
        let Around { keeper, observer, interrupt } = around;
        let done = self.history.len();
        let step_length = 1.0 / self.steps_per_epoch as f64;
        let mut rest = rows;
        while !rest.is_empty() {
            let count = self.batch.min(rest.len());
            let (now, after) = rest.split_at(count);
            rest = after;
            let rate = self.plan.schedule.rate(done as f64 + self.batches as f64 * step_length, step_length);
            // A short last batch takes a step as much shorter, so that every example counts the same: at full
            // length its noise costs CIFAR-10's SVM 0.7% of test accuracy.
            let lr = rate * count as f64 / self.batch as f64;
            self.step += 1;
            let next = &after[..after.len().min(self.batch)];
            let Some((sum, figures)) = self.step(problem, Rows { now, next }, lr) else {
                return Some(Stop::Diverged { step: self.step, lr: Some(rate) });
            };
            self.sums.add(&sum, figures.objective, rate);
            self.step_losses.push(figures.objective);
            self.batches += 1;
            observer.stepped(&Step { step: self.step, epoch: done + 1, examples: count, figures });
            observer.moved(self.step, &self.weights);
            if interrupt.load(Ordering::Relaxed) {
                return Some(Stop::Interrupted { step: self.step });
            }
            if keeper.is_due(self.step - 1, self.step)
                && let Err(why) = keeper.keep(State::Descent(Box::new(self.state(order))))
            {
                observer.not_kept(&why);
            }
        }
        None
    }

    /// One step; `None` when the loss before it or a weight after it is not finite.
    fn step(
        &mut self,
        problem: &LinearProblem<'_>,
        batch: Rows<'_>,
        lr: f64,
    ) -> Option<(BatchLoss, Figures)> {
        let (rule, step, penalty) = (self.plan.rule, self.step, self.weights.penalty());
        let sum = problem.step(
            &mut self.weights,
            batch,
            &mut self.states,
            #[inline(always)]
            |w, g, state, first| {
                rule.apply(lr, step, w, g, state, first);
            },
        );
        let figures = Figures::new(&sum, penalty);
        (figures.objective.is_finite() && self.weights.is_finite()).then_some((sum, figures))
    }

    /// Adds the epoch that ended to the history, and makes ready for the next.
    fn close_epoch(&mut self, watched: Watched<'_, S>) -> Result<Epoch, S::Error> {
        let test = watched.test.map(|test| figures_of(test, &self.weights, &test.store.all()));
        let record = Epoch {
            epoch: self.history.len() + 1,
            step: self.step,
            lr: self.sums.lr,
            train: self.sums.figures(),
            validation: figures_of(self.problem, &self.weights, watched.validation)?,
            test: test.transpose()?.flatten(),
            seconds: self.seconds(),
        };
        self.snapshot.consider(&self.weights, &record, self.start.figures.objective);
        self.history.push(record);
        (self.batches, self.sums) = (0, EpochSums::default());
        Ok(record)
    }
}

/// Rows a step sees, but for the last of an epoch.
fn batch_rows(plan: &DescentPlan, rows: &[u32]) -> usize {
    match plan.batch_size {
        BatchSize::Rows(size) => size.get().min(rows.len()),
        BatchSize::Full => rows.len(),
    }
}

/// Zeros, or small random numbers.
fn start_weights(problem: &LinearProblem<'_>, plan: &DescentPlan) -> Weights {
    if plan.init_scale == 0.0 {
        return Weights::zeros(problem);
    }
    let mut rng = random::generator(plan.seed, Stream::Init);
    let scale = plan.init_scale as f32;
    let shape = (problem.classes, problem.examples.width);
    let weight: Array2<f32> = Array2::random_using(shape, StandardNormal, &mut rng) * scale;
    let bias: Array1<f32> = Array1::random_using(problem.classes, StandardNormal, &mut rng) * scale;
    Weights::new(&weight, &bias, problem)
}

fn figures_of<S: Store>(
    problem: Stored<'_, S>,
    weights: &Weights,
    rows: &[u32],
) -> Result<Option<Figures>, S::Error> {
    if rows.is_empty() {
        return Ok(None);
    }
    Ok(Some(Figures::new(&problem.loss(weights, rows)?, weights.penalty())))
}

/// The weights of an earlier epoch, to come back to.
struct Snapshot {
    weights: Weights,
    epoch: Option<usize>,
    validation: Option<Figures>,
}

impl Snapshot {
    /// Takes an epoch's weights: with validation if they are the best so far, without if the loss is not above
    /// the start's (a loss that rose above it is on its way out).
    fn consider(&mut self, weights: &Weights, record: &Epoch, start_objective: f64) {
        let take = match (record.validation, self.validation) {
            (Some(new), Some(best)) => (new.accuracy, -new.loss) > (best.accuracy, -best.loss),
            (Some(_), None) => true,
            (None, _) => record.train.objective <= start_objective,
        };
        if take {
            self.weights.clone_from(weights);
            self.epoch = Some(record.epoch);
            self.validation = record.validation;
        }
    }
}
