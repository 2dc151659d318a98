//! Loss and gradient of a linear classifier over features held as bytes or floats.
//!
//! Training sees preprocessed features x' = (x - mean) scale, so that s = W x' + b. No x' is ever stored:
//! with the *folded* weights V = W scale (each feature's own scale),
//!
//! ```text
//! s_i     = V x_i + (b - V mean)
//! dL/dW   = (A^T X - (sum_i A_i) mean^T) scale / B + penalty        A = dL_i/ds_i, (B, K)
//! dL/db   = (sum_i A_i) / B + penalty
//! ```
//!
//! so the kernels read X as it is held. W is cut into panels of features, and what panels contribute to a score is
//! added in panel order. Where the processor sums bytes times whole numbers faster than floats, V of many rows' scores is
//! in fixed point; so are slopes, but for the SVM's, which are whole numbers as they are: `sums` tells when.
//!
//! Work is shared out in one of two ways, by the number of rows alone, so that results have the same bits for any
//! number of threads: a minibatch by panels, each of which sums all its rows; many rows by a fixed number of groups
//! of rows, whose gradients are added in order. Floats with many classes go a third way, by batches of gathered rows.

mod double;
mod gathered;
mod grid;
pub mod scratch;
mod sums;
mod targets;
#[cfg(test)]
mod tests;
mod weights;

pub use grid::GridClassifiers;
use sums::{Batch, Sums, Total};
pub use targets::Targets;
use weights::Panel;
pub use weights::Weights;

use super::{BatchLoss, Objective, SmoothLoss};
use crate::data::{Examples, Preprocessing};
use crate::kernel::{Aligned, Compute, MOST_ROWS, Multiples, Rows};
use std::ops::{AddAssign, MulAssign, Range};

/// Rows of a group whose scores are computed at a time: their bytes are still cached for the gradient.
const BLOCK_ROWS: usize = 128;
/// Rows of a minibatch whose scores are computed at a time: a thread's panels of them fit its second-level cache.
const BATCH_ROWS: usize = 256;
/// Rows of a minibatch whose slopes are one task.
const SLOPE_ROWS: usize = 64;
/// Rows that one task of a pass without gradient takes.
const TASK_ROWS: usize = 256;
/// Into how many groups many rows are cut for a gradient.
const GROUPS: usize = 16;
/// From how many rows on a gradient is shared out by groups of rows: below, adding up so many gradients costs too much.
const MANY_ROWS: usize = 4096;

/// What is minimised: an objective over examples as preprocessing shows them.
#[derive(Clone, Copy)]
pub struct LinearProblem<'a> {
    /// X (N, D), and labels.
    pub examples: &'a Examples,
    /// The map from X to what W multiplies.
    pub preprocessing: &'a Preprocessing,
    /// K.
    pub classes: usize,
    /// Loss and penalty.
    pub objective: Objective,
    /// What each example counts, q (N): it multiplies L_i. With mean 1 over the rows that are minimised over, their
    /// mean is the weighted mean. `None` when all count 1.
    pub example_weights: Option<&'a [f64]>,
    /// What computes.
    pub compute: &'a Compute,
}

/// Sums over a batch: its loss, and the sums of its slopes (K).
#[derive(Default)]
struct Slopes<L> {
    loss: L,
    sums: Vec<f64>,
}

/// What adds up the losses of blocks of rows.
trait Sum: Default + AddAssign + MulAssign<f64> + Send + Sync {}
impl<L: Default + AddAssign + MulAssign<f64> + Send + Sync> Sum for L {}

/// Room for what a panel adds to scores, and for its steps.
#[derive(Clone, Debug, Default)]
struct Room {
    /// (B, K).
    scores: Vec<f32>,
    /// Sums of digits, in fixed point.
    digits: Vec<i32>,
    /// One class's gradient, in a step.
    gradient: Aligned,
}

/// One group of rows, with what it adds to the gradient: A^T X, a part a panel.
struct Group<'r, L> {
    rows: &'r [u32],
    slopes: Slopes<L>,
    sums: Vec<Sums>,
}

impl LinearProblem<'_> {
    /// Sum of the losses of `rows`, without the penalty.
    pub fn loss(&self, weights: &Weights, rows: &[u32]) -> BatchLoss {
        let parts = self.map_scores(
            weights,
            rows,
            #[inline(always)]
            |scores, targets| targets.total(self.objective.loss, scores, self.classes),
        );
        let mut sum = BatchLoss::default();
        parts.into_iter().for_each(|part| sum += part);
        sum
    }

    /// What `look` makes of the scores (B, K) and targets of each block of `rows`, in the order of the blocks; the
    /// blocks are looked at in parallel.
    pub fn map_scores<R: Send>(
        &self,
        weights: &Weights,
        rows: &[u32],
        look: impl Fn(&[f32], &Targets) -> R + Sync,
    ) -> Vec<R> {
        self.map_blocks(rows, |(scores, room): &mut (Vec<f32>, Room), block| {
            self.scores(weights, block.into(), scores, room);
            let targets = self.targets(block);
            self.compute.kernel.dispatch(
                #[inline(always)]
                || look(scores, &targets),
            )
        })
    }

    /// What `work` makes of each block of `rows`, in their order; each thread has room of its own for its blocks.
    fn map_blocks<P: Default, R: Send>(
        &self,
        rows: &[u32],
        work: impl Fn(&mut P, &[u32]) -> R + Sync,
    ) -> Vec<R> {
        let team = &self.compute.team;
        let shares: Vec<&[u32]> = {
            let blocks = rows.len().div_ceil(TASK_ROWS).div_ceil(team.threads().get());
            rows.chunks((blocks * TASK_ROWS).max(1)).collect()
        };
        let results = team.map(shares.len(), |share| {
            let mut room = P::default();
            shares[share].chunks(TASK_ROWS).map(|block| work(&mut room, block)).collect::<Vec<R>>()
        });
        results.into_iter().flatten().collect()
    }

    /// Sum of the losses of `rows`, without the penalty; the gradient of the *full* loss (mean over
    /// `rows`, plus penalty) is left in `weights`.
    pub fn loss_and_gradient(&self, weights: &mut Weights, rows: &[u32]) -> BatchLoss {
        let loss = self.objective.loss;
        self.gradient(
            weights,
            rows,
            false,
            #[inline(always)]
            |scores, labels| loss.slopes(scores, self.classes, labels),
        )
    }

    /// As [`LinearProblem::loss_and_gradient`], of the smoothed loss; `width` is that of the SVM's smoothing.
    pub fn smoothed_loss_and_gradient(&self, weights: &mut Weights, rows: &[u32], width: f64) -> SmoothLoss {
        let loss = self.objective.loss;
        self.gradient(
            weights,
            rows,
            true,
            #[inline(always)]
            |scores, labels| loss.smoothed_slopes(width, scores, self.classes, labels),
        )
    }

    /// One step over `rows.now`: some of a part of the weights at a time, `rule(weights, gradient, state, first)` changes
    /// them; `first` is the place of the first of them in their part, and `states` has one state a part. The gradient is
    /// that of [`LinearProblem::loss_and_gradient`], but kept nowhere; the loss is that before the step. `rows.next` are
    /// those of the step to come.
    ///
    /// # Panics
    /// When there are more or fewer states than parts.
    pub fn step<S: Send>(
        &self,
        weights: &mut Weights,
        rows: Rows<'_>,
        states: &mut [S],
        rule: impl Fn(&mut [f32], &[f32], &mut S, usize) + Sync,
    ) -> BatchLoss {
        let loss = self.objective.loss;
        let sum = self.with_gradient(
            weights,
            rows,
            states,
            false,
            #[inline(always)]
            |scores, labels| loss.slopes(scores, self.classes, labels),
            #[inline(always)]
            |panel, total, state| {
                panel.step(
                    self,
                    total,
                    #[inline(always)]
                    |weight, gradient, first| rule(weight, gradient, state, first),
                );
            },
        );
        let of_bias = &mut states[weights.panels.len()];
        weights.update_bias(self, |bias, gradient| rule(bias, gradient, of_bias, 0));
        sum
    }

    /// The gradient that the slopes make which `to_slopes` puts in place of a block's scores (B, K), and the sum of
    /// what it returns. `smoothed` tells whether they are those of the smoothed loss.
    fn gradient<L: Sum>(
        &self,
        weights: &mut Weights,
        rows: &[u32],
        smoothed: bool,
        to_slopes: impl Fn(&mut [f32], &[u16]) -> L + Sync,
    ) -> L {
        let mut states = vec![(); weights.parts()];
        self.with_gradient(
            weights,
            rows.into(),
            &mut states,
            smoothed,
            to_slopes,
            #[inline(always)]
            |panel, total, ()| panel.finish_gradient(self, total),
        )
    }

    /// As [`LinearProblem::gradient`]; `finish` is done to each panel, with its state, once its
    /// A^T X is whole.
    fn with_gradient<L: Sum, S: Send>(
        &self,
        weights: &mut Weights,
        rows: Rows<'_>,
        states: &mut [S],
        smoothed: bool,
        to_slopes: impl Fn(&mut [f32], &[u16]) -> L + Sync,
        finish: impl Fn(&mut Panel, Total<'_>, &mut S) + Sync,
    ) -> L {
        assert_eq!(states.len(), weights.parts(), "one state a part");
        let count = rows.now.len();
        let finish = |slopes: &Slopes<L>, parts: Option<&[&Sums]>, panel: &mut Panel, state: &mut S| {
            let total = Total { parts, slope_sums: &slopes.sums, count };
            self.compute.kernel.dispatch(
                #[inline(always)]
                || finish(panel, total, state),
            );
        };
        let batch = Batch::new(self.multiples(rows.now, smoothed));
        let slopes = if self.gathers() {
            self.by_gathering(weights, rows.now, states, &to_slopes, finish)
        } else if count < MANY_ROWS {
            self.by_panels(weights, rows, batch, states, &to_slopes, finish)
        } else {
            self.by_groups(weights, rows.now, batch.multiples(), states, &to_slopes, finish)
        };
        for (gradient, sum) in weights.bias_gradient.iter_mut().zip(&slopes.sums) {
            *gradient = (sum / count as f64) as f32;
        }
        self.objective.penalty.add_gradient(&weights.bias, &mut weights.bias_gradient);
        slopes.loss
    }

    /// A^T X of `rows` into the panels, each panel one thread's work at a time; then `finish` on each.
    fn by_panels<L: Sum, S: Send>(
        &self,
        weights: &mut Weights,
        rows: Rows<'_>,
        mut batch: Batch,
        states: &mut [S],
        to_slopes: &(impl Fn(&mut [f32], &[u16]) -> L + Sync),
        finish: impl Fn(&Slopes<L>, Option<&[&Sums]>, &mut Panel, &mut S) + Sync,
    ) -> Slopes<L> {
        let team = &self.compute.team;
        let mut slopes = Slopes::none(self.classes);
        let mut done = 0;
        for block in blocks(rows, BATCH_ROWS) {
            let (next, later) = weights.split(block.next);
            let (scored, block) = (Rows { next, ..block }, Rows { next: later, ..block });
            team.for_each(&mut weights.panels, |_, panel| panel.score(self, scored));
            self.replace_by_slopes(weights, block.now, &mut batch, to_slopes, &mut slopes);
            let (first, last) = (done == 0, done + block.now.len() == rows.now.len());
            done += block.now.len();
            let mut parts: Vec<_> = weights.panels.iter_mut().zip(&mut *states).collect();
            team.for_each(&mut parts, |_, (panel, state)| {
                if first {
                    panel.clear(batch.multiples());
                }
                panel.sums.add(self, block, panel.features.clone(), &batch);
                if last {
                    finish(&slopes, None, panel, state);
                }
            });
        }
        slopes
    }

    /// Adds up the panels' parts of a block's scores, and turns them into slopes.
    fn replace_by_slopes<L: Sum>(
        &self,
        weights: &Weights,
        block: &[u32],
        batch: &mut Batch,
        to_slopes: &(impl Fn(&mut [f32], &[u16]) -> L + Sync),
        slopes: &mut Slopes<L>,
    ) {
        let classes = self.classes;
        repeat_offset(&weights.offset, block.len(), &mut batch.slopes);
        let mut tasks: Vec<_> = batch
            .slopes
            .chunks_mut(SLOPE_ROWS * classes)
            .zip(block.chunks(SLOPE_ROWS))
            .map(|(scores, rows)| (scores, rows, Slopes::none(classes)))
            .collect();
        self.compute.team.for_each(&mut tasks, |index, (scores, rows, slopes)| {
            let start = index * SLOPE_ROWS * classes;
            self.compute.kernel.dispatch(
                #[inline(always)]
                || {
                    for panel in &weights.panels {
                        add(scores, &panel.room.scores[start..start + scores.len()]);
                    }
                    slopes.take(scores, &self.targets(rows), to_slopes);
                },
            );
        });
        tasks.into_iter().for_each(|(_, _, part)| slopes.add(part));
        self.pack(batch);
    }

    /// A^T X of `rows`, each group of rows one thread's work; then `finish` on each panel.
    fn by_groups<L: Sum, S: Send>(
        &self,
        weights: &mut Weights,
        rows: &[u32],
        multiples: Option<Multiples>,
        states: &mut [S],
        to_slopes: &(impl Fn(&mut [f32], &[u16]) -> L + Sync),
        finish: impl Fn(&Slopes<L>, Option<&[&Sums]>, &mut Panel, &mut S) + Sync,
    ) -> Slopes<L> {
        let of_group = rows.len().div_ceil(GROUPS).min(MOST_ROWS);
        let mut groups: Vec<Group<'_, L>> = rows
            .chunks(of_group)
            .map(|rows| Group { rows, slopes: Slopes::none(self.classes), sums: Vec::new() })
            .collect();
        let weights_now: &Weights = weights;
        self.compute
            .team
            .for_each(&mut groups, |_, group| self.add_group(weights_now, group, multiples, to_slopes));

        let mut slopes = Slopes::none(self.classes);
        groups.iter_mut().for_each(|group| slopes.add(std::mem::take(&mut group.slopes)));
        let mut parts: Vec<_> = weights.panels.iter_mut().zip(states).collect();
        self.compute.team.for_each(&mut parts, |index, (panel, state)| {
            let sums: Vec<&Sums> = groups.iter().map(|group| &group.sums[index]).collect();
            finish(&slopes, Some(&sums), panel, state);
        });
        slopes
    }

    fn add_group<L: Sum>(
        &self,
        weights: &Weights,
        group: &mut Group<'_, L>,
        multiples: Option<Multiples>,
        to_slopes: &impl Fn(&mut [f32], &[u16]) -> L,
    ) {
        let classes = self.classes;
        group.sums.resize_with(weights.panels.len(), Sums::default);
        for (sums, panel) in group.sums.iter_mut().zip(&weights.panels) {
            sums.clear(multiples, panel.weight.len(), classes);
        }
        let (mut batch, mut room) = (Batch::new(multiples), Room::default());
        for block in blocks(group.rows.into(), BLOCK_ROWS) {
            let (next, later) = weights.split(block.next);
            self.scores(weights, Rows { next, ..block }, &mut batch.slopes, &mut room);
            let block = Rows { next: later, ..block };
            self.compute.kernel.dispatch(
                #[inline(always)]
                || group.slopes.take(&mut batch.slopes, &self.targets(block.now), to_slopes),
            );
            self.pack(&mut batch);
            for (panel, sums) in weights.panels.iter().zip(&mut group.sums) {
                sums.add(self, block, panel.features.clone(), &batch);
            }
        }
    }

    /// Scores of one block, (B, K), on this thread.
    fn scores(&self, weights: &Weights, block: Rows<'_>, scores: &mut Vec<f32>, room: &mut Room) {
        if self.gathers() {
            return self.scores_by_gathering(weights, block.now, scores);
        }
        repeat_offset(&weights.offset, block.now.len(), scores);
        room.scores.resize(scores.len(), 0.0);
        for panel in &weights.panels {
            panel.scores(self, block, &mut room.digits, &mut room.scores);
            self.compute.kernel.dispatch(
                #[inline(always)]
                || add(scores, &room.scores),
            );
        }
    }

    /// Mean and scale of some features.
    fn map_of(&self, features: &Range<usize>) -> (&[f32], &[f32]) {
        (&self.preprocessing.mean[features.clone()], &self.preprocessing.scale[features.clone()])
    }

    fn targets(&self, block: &[u32]) -> Targets {
        Targets {
            labels: block.iter().map(|&row| self.examples.labels[row as usize]).collect(),
            weights: self.example_weights.map(|all| block.iter().map(|&row| all[row as usize]).collect()),
        }
    }
}

impl<L: Sum> Slopes<L> {
    fn none(classes: usize) -> Self {
        Self { loss: L::default(), sums: vec![0.0; classes] }
    }

    fn add(&mut self, other: Self) {
        self.loss += other.loss;
        self.sums.iter_mut().zip(other.sums).for_each(|(sum, part)| *sum += part);
    }
}

/// The blocks of `count` of `rows`, each with the one after it.
fn blocks(rows: Rows<'_>, count: usize) -> impl Iterator<Item = Rows<'_>> {
    let next = rows.now.chunks(count).skip(1).chain([rows.next]);
    rows.now.chunks(count).zip(next).map(|(now, next)| Rows { now, next })
}

/// `count` rows of `offset`.
fn repeat_offset(offset: &[f32], count: usize, scores: &mut Vec<f32>) {
    let len = count * offset.len();
    scores.clear();
    scores.extend_from_slice(&offset[..offset.len().min(len)]);
    // Twice as many at a time: to copy one row takes as long as to copy some.
    while scores.len() < len {
        scores.extend_from_within(..scores.len().min(len - scores.len()));
    }
}

/// Adds `offset` (K) to each row of scores (B, K).
fn add_offset(offset: &[f32], scores: &mut [f32]) {
    scores.chunks_exact_mut(offset.len()).for_each(|row| add(row, offset));
}

fn add(sums: &mut [f32], parts: &[f32]) {
    sums.iter_mut().zip(parts).for_each(|(sum, part)| *sum += part);
}
