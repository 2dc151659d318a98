//! Strategy 2 of the lecture: follow the slope, over the whole set or over minibatches.

use super::{
    BatchSize, Course, DescentState, Epoch, EpochSums, Figures, Keeper, Kept, Observer, Start, State, Step,
    Stop,
};
use crate::kernel::Rows;
use crate::objective::{BatchLoss, LinearProblem, Weights};
use crate::optim::{RuleState, Schedule, UpdateRule};
use crate::random::{self, Stream};
use ndarray::{Array1, Array2};
use ndarray_rand::RandomExt;
use ndarray_rand::rand_distr::StandardNormal;
use rand_chacha::ChaCha8Rng;
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
#[derive(Clone, Copy, Default)]
pub struct Watched<'a> {
    /// Held-out rows of the training examples; may be empty.
    pub validation: &'a [u32],
    /// The test examples, under the same preprocessing.
    pub test: Option<&'a LinearProblem<'a>>,
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
    let run = Run::new(problem, rows, plan);
    run.finish(watched, &mut (), observer, interrupt)
}

/// As [`descend`], from where another process left off, and with checkpoints: the weights, the history and every loss
/// are those of a descent that nothing stopped, to the bit.
///
/// # Errors
/// What in the state does not fit the problem and the plan.
pub fn descend_from(
    problem: &LinearProblem<'_>,
    rows: &[u32],
    watched: Watched<'_>,
    plan: &DescentPlan,
    course: Course<'_, DescentState>,
) -> Result<Descent, &'static str> {
    let Course { from, keeper, observer, interrupt } = course;
    let run = match from {
        None => Run::new(problem, rows, plan),
        Some(state) => Run::restore(problem, rows, plan, state)?,
    };
    Ok(run.finish(watched, keeper, observer, interrupt))
}

/// A descent under way.
struct Run<'a> {
    problem: &'a LinearProblem<'a>,
    plan: &'a DescentPlan,
    begun: Instant,
    /// Seconds of earlier processes.
    before: f64,
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

impl<'a> Run<'a> {
    fn new(problem: &'a LinearProblem<'a>, rows: &[u32], plan: &'a DescentPlan) -> Self {
        let weights = start_weights(problem, plan);
        let looked_at = &rows[..rows.len().min(START_ROWS)];
        let sum = problem.loss(&weights, looked_at);
        let figures = Figures::new(&sum, weights.penalty());
        let start = Start { figures, rows: looked_at.len(), steps: 0, epochs: 0 };
        Self::at(problem, rows, plan, weights, start)
    }

    /// Before the first step, but with these weights.
    fn at(
        problem: &'a LinearProblem<'a>,
        rows: &[u32],
        plan: &'a DescentPlan,
        weights: Weights,
        start: Start,
    ) -> Self {
        let batch = match plan.batch_size {
            BatchSize::Rows(size) => size.get().min(rows.len()),
            BatchSize::Full => rows.len(),
        };
        let steps_per_epoch = rows.len().div_ceil(batch);
        let states = weights.part_lengths().into_iter().map(|len| plan.rule.start(len)).collect();
        Self {
            problem,
            plan,
            begun: Instant::now(),
            before: 0.0,
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
        problem: &'a LinearProblem<'a>,
        rows: &[u32],
        plan: &'a DescentPlan,
        state: DescentState,
    ) -> Result<Self, &'static str> {
        let weights = Weights::new(&state.weight, &state.bias, problem);
        let mut run = Self::at(problem, rows, plan, weights, state.start);
        let of_rule = [0, 1].map(|which| run.states.iter().map(|part| part.vectors()[which].len()).sum());
        let shape = (problem.classes, problem.examples.width);
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
        run.snapshot = Snapshot { weights: Weights::new(&weight, &bias, problem), epoch, validation };
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

    /// All that [`Run::restore`] needs.
    fn state(&self) -> DescentState {
        let ((weight, bias), kept) = (self.weights.to_arrays(), self.snapshot.weights.to_arrays());
        let Snapshot { epoch, validation, .. } = self.snapshot;
        DescentState {
            weight,
            bias,
            rule: [0, 1]
                .map(|which| self.states.iter().flat_map(|part| part.vectors()[which]).copied().collect()),
            order: self.order.clone(),
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
    fn finish(
        mut self,
        watched: Watched<'_>,
        keeper: &mut dyn Keeper,
        observer: &mut dyn Observer,
        interrupt: &AtomicBool,
    ) -> Descent {
        observer.started(&self.start);
        observer.moved(self.step, &self.weights);
        if self.step > 0 {
            observer.resumed(self.step);
        }
        let mut state = None;
        let stop = loop {
            if let Some(stop) = self.is_over() {
                break stop;
            }
            let early = self.epoch(keeper, observer, interrupt);
            if let Some(diverged @ Stop::Diverged { .. }) = early {
                break diverged;
            }
            // Before the epoch is closed, so that it can be gone on with.
            state = early.map(|_| self.state());
            let record = self.close_epoch(watched);
            observer.epoch_ended(&record);
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
        Descent { weights, kept_epoch, history, step_losses, steps_per_epoch, start, stop, state }
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
    fn epoch(
        &mut self,
        keeper: &mut dyn Keeper,
        observer: &mut dyn Observer,
        interrupt: &AtomicBool,
    ) -> Option<Stop> {
        let done = self.history.len();
        if self.batches == 0 && self.plan.batch_size != BatchSize::Full {
            random::shuffle(&mut self.shuffles, &mut self.order);
        }
        let step_length = 1.0 / self.steps_per_epoch as f64;
        while self.batches < self.steps_per_epoch {
            let first = self.batches * self.batch;
            let count = self.batch.min(self.order.len() - first);
            let rate = self.plan.schedule.rate(done as f64 + self.batches as f64 * step_length, step_length);
            // A short last batch takes a step as much shorter, so that every example counts the same: at full
            // length its noise costs CIFAR-10's SVM 0.7% of test accuracy.
            let lr = rate * count as f64 / self.batch as f64;
            self.step += 1;
            let order = std::mem::take(&mut self.order);
            let (now, after) = order[first..].split_at(count);
            let stepped = self.step(Rows { now, next: &after[..after.len().min(self.batch)] }, lr);
            self.order = order;
            let Some((sum, figures)) = stepped else {
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
                && let Err(why) = keeper.keep(State::Descent(Box::new(self.state())))
            {
                observer.not_kept(&why);
            }
        }
        None
    }

    /// One step; `None` when the loss before it or a weight after it is not finite.
    fn step(&mut self, batch: Rows<'_>, lr: f64) -> Option<(BatchLoss, Figures)> {
        let (rule, step, penalty) = (self.plan.rule, self.step, self.weights.penalty());
        let sum = self.problem.step(
            &mut self.weights,
            batch,
            &mut self.states,
            #[inline(always)]
            |w, g, state| {
                rule.apply(lr, step, w, g, state);
            },
        );
        let figures = Figures::new(&sum, penalty);
        (figures.objective.is_finite() && self.weights.is_finite()).then_some((sum, figures))
    }

    /// Adds the epoch that ended to the history, and makes ready for the next.
    fn close_epoch(&mut self, watched: Watched<'_>) -> Epoch {
        let record = Epoch {
            epoch: self.history.len() + 1,
            step: self.step,
            lr: self.sums.lr,
            train: self.sums.figures(),
            validation: figures_of(self.problem, &self.weights, watched.validation),
            test: watched.test.and_then(|test| figures_of(test, &self.weights, &test.examples.all())),
            seconds: self.seconds(),
        };
        self.snapshot.consider(&self.weights, &record, self.start.figures.objective);
        self.history.push(record);
        (self.batches, self.sums) = (0, EpochSums::default());
        record
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

fn figures_of(problem: &LinearProblem<'_>, weights: &Weights, rows: &[u32]) -> Option<Figures> {
    (!rows.is_empty()).then(|| Figures::new(&problem.loss(weights, rows), weights.penalty()))
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
