//! Strategy 2 of the lecture: follow the slope, over the whole set or over minibatches.

use super::{BatchSize, Epoch, Figures, Observer, Start, Step, Stop};
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
    let mut run = Run::new(problem, rows, plan);
    let start = run.start_figures(rows);
    observer.started(&start);
    observer.moved(0, &run.weights);

    let mut snapshot = Snapshot { weights: run.weights.clone(), epoch: None, validation: None };
    let mut history: Vec<Epoch> = Vec::with_capacity(plan.epochs);
    let mut stop = Stop::Completed;
    for epoch in 1..=plan.epochs {
        let ended = run.epoch(epoch, observer, interrupt);
        if let Some(diverged @ Stop::Diverged { .. }) = ended.early {
            stop = diverged;
            break;
        }
        let record = run.record(epoch, &ended, watched);
        observer.epoch_ended(&record);
        snapshot.consider(&run.weights, &record, start.figures.objective);
        history.push(record);
        if let Some(interrupted) = ended.early {
            stop = interrupted;
            break;
        }
        if let (Some(patience), Some(best_epoch)) = (plan.patience, snapshot.epoch)
            && epoch >= best_epoch + patience
            && epoch < plan.epochs
        {
            stop = Stop::EarlyStop { best_epoch };
            break;
        }
    }

    let keeps_best = !watched.validation.is_empty();
    let (weights, kept_epoch) = if keeps_best || matches!(stop, Stop::Diverged { .. }) {
        (snapshot.weights, snapshot.epoch)
    } else {
        (run.weights, history.last().map(|record| record.epoch))
    };
    let Run { step_losses, steps_per_epoch, .. } = run;
    Descent { weights, kept_epoch, history, step_losses, steps_per_epoch, start, stop }
}

/// A descent under way.
struct Run<'a> {
    problem: &'a LinearProblem<'a>,
    plan: &'a DescentPlan,
    begun: Instant,
    order: Vec<u32>,
    shuffles: ChaCha8Rng,
    batch: usize,
    steps_per_epoch: usize,
    weights: Weights,
    states: Vec<RuleState<f32>>,
    step: u64,
    step_losses: Vec<f64>,
}

/// What one epoch came to.
struct EpochEnd {
    /// Sums over its batches.
    sum: BatchLoss,
    /// Sum over its examples of their batch's full loss.
    full_loss: f64,
    /// Of its last step.
    lr: f64,
    /// Why it ended before its last batch.
    early: Option<Stop>,
}

impl<'a> Run<'a> {
    fn new(problem: &'a LinearProblem<'a>, rows: &[u32], plan: &'a DescentPlan) -> Self {
        let batch = match plan.batch_size {
            BatchSize::Rows(size) => size.get().min(rows.len()),
            BatchSize::Full => rows.len(),
        };
        let weights = start_weights(problem, plan);
        let states = weights.part_lengths().into_iter().map(|len| plan.rule.start(len)).collect();
        Self {
            problem,
            plan,
            begun: Instant::now(),
            order: rows.to_vec(),
            shuffles: random::generator(plan.seed, Stream::Shuffle),
            batch,
            steps_per_epoch: rows.len().div_ceil(batch),
            weights,
            states,
            step: 0,
            step_losses: Vec::new(),
        }
    }

    fn start_figures(&self, rows: &[u32]) -> Start {
        let looked_at = &rows[..rows.len().min(START_ROWS)];
        let sum = self.problem.loss(&self.weights, looked_at);
        Start {
            figures: Figures::new(&sum, self.weights.penalty()),
            rows: looked_at.len(),
            steps: (self.steps_per_epoch * self.plan.epochs) as u64,
            epochs: self.plan.epochs,
        }
    }

    /// Runs through all rows once, or until something stops it.
    fn epoch(&mut self, epoch: usize, observer: &mut dyn Observer, interrupt: &AtomicBool) -> EpochEnd {
        if self.plan.batch_size != BatchSize::Full {
            random::shuffle(&mut self.shuffles, &mut self.order);
        }
        let order = std::mem::take(&mut self.order);
        let mut end = EpochEnd { sum: BatchLoss::default(), full_loss: 0.0, lr: 0.0, early: None };
        let step_length = 1.0 / self.steps_per_epoch as f64;
        let after = order.chunks(self.batch).skip(1).chain([&[][..]]);
        for (index, (batch, next)) in order.chunks(self.batch).zip(after).enumerate() {
            let done = (epoch - 1) as f64 + index as f64 * step_length;
            end.lr = self.plan.schedule.rate(done, step_length);
            // A short last batch takes a step as much shorter, so that every example counts the same: at full
            // length its noise costs CIFAR-10's SVM 0.7% of test accuracy.
            let lr = end.lr * batch.len() as f64 / self.batch as f64;
            self.step += 1;
            let Some((sum, figures)) = self.step(Rows { now: batch, next }, lr) else {
                end.early = Some(Stop::Diverged { step: self.step, lr: Some(end.lr) });
                break;
            };
            end.sum += sum;
            end.full_loss += figures.objective * batch.len() as f64;
            self.step_losses.push(figures.objective);
            observer.stepped(&Step { step: self.step, epoch, examples: batch.len(), figures });
            observer.moved(self.step, &self.weights);
            if interrupt.load(Ordering::Relaxed) {
                end.early = Some(Stop::Interrupted { step: self.step });
                break;
            }
        }
        self.order = order;
        end
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

    fn record(&self, epoch: usize, end: &EpochEnd, watched: Watched<'_>) -> Epoch {
        let objective = end.full_loss / end.sum.count as f64;
        let train = Figures { loss: end.sum.mean(), objective, accuracy: end.sum.accuracy() };
        let validation = figures_of(self.problem, &self.weights, watched.validation);
        let test = watched.test.and_then(|test| figures_of(test, &self.weights, &test.examples.all()));
        let seconds = self.begun.elapsed().as_secs_f64();
        Epoch { epoch, step: self.step, lr: end.lr, train, validation, test, seconds }
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
