//! Loss and gradient of a linear classifier over images held as bytes.
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
//! so the kernels read bytes only. W is cut into panels of features, and what panels contribute to a score is
//! added in panel order.
//!
//! Work is shared out in one of two ways, by the number of rows alone, so that results have the same bits for any
//! number of threads: a minibatch by panels, each of which sums all its rows; many rows by a fixed number of groups
//! of rows, whose gradients are added in order.

mod double;
mod weights;

pub use weights::Weights;

use super::{BatchLoss, Objective, Real, SmoothLoss};
use crate::data::{Examples, Preprocessing};
use crate::kernel::{Compute, Rows};
use std::ops::AddAssign;

/// Rows whose scores are computed at a time: their bytes are still cached for the gradient. Measured: 32 to 64 are best.
const BLOCK_ROWS: usize = 32;
/// Rows that one task of a pass without gradient takes.
const TASK_ROWS: usize = 256;
/// Into how many groups many rows are cut for a gradient.
const GROUPS: usize = 16;
/// From how many rows on a gradient is shared out by groups of rows: below, adding up so many gradients costs too much.
const MANY_ROWS: usize = 4096;

/// What is minimised: an objective over examples as preprocessing shows them.
#[derive(Clone, Copy)]
pub struct LinearProblem<'a> {
    /// X as bytes (N, D), and labels.
    pub examples: &'a Examples,
    /// The map from X to what W multiplies.
    pub preprocessing: &'a Preprocessing,
    /// K.
    pub classes: usize,
    /// Loss and penalty.
    pub objective: Objective,
    /// What computes.
    pub compute: &'a Compute,
}

/// Sums over a batch: its loss, and the sums of its slopes (K).
struct Slopes<L> {
    loss: L,
    sums: Vec<f64>,
}

/// What adds up the losses of blocks of rows.
trait Sum: Default + AddAssign + Send + Sync {}
impl<L: Default + AddAssign + Send + Sync> Sum for L {}

/// One group of rows, with what it adds to the gradient: A^T X, a part a panel.
struct Group<'r, L> {
    rows: &'r [u32],
    slopes: Slopes<L>,
    gradient: Vec<Vec<f32>>,
}

impl LinearProblem<'_> {
    /// Sum of the losses of `rows`, without the penalty.
    pub fn loss(&self, weights: &Weights, rows: &[u32]) -> BatchLoss {
        let parts = self.map_scores(weights, rows, |scores, labels| {
            self.objective.loss.total(scores, self.classes, labels)
        });
        let mut sum = BatchLoss::default();
        parts.into_iter().for_each(|part| sum += part);
        sum
    }

    /// What `look` makes of the scores (B, K) and labels of each block of `rows`, in the order of the blocks; the
    /// blocks are looked at in parallel.
    pub fn map_scores<R: Send>(
        &self,
        weights: &Weights,
        rows: &[u32],
        look: impl Fn(&[f32], &[u16]) -> R + Sync,
    ) -> Vec<R> {
        let blocks: Vec<&[u32]> = rows.chunks(TASK_ROWS).collect();
        self.compute.team.map(blocks.len(), |index| {
            let block = blocks[index];
            let mut scores = Vec::new();
            self.scores(weights, block, &mut scores, &mut Vec::new());
            look(&scores, &self.labels(block))
        })
    }

    /// Sum of the losses of `rows`, without the penalty; the gradient of the *full* loss (mean over
    /// `rows`, plus penalty) is left in `weights`.
    pub fn loss_and_gradient(&self, weights: &mut Weights, rows: &[u32]) -> BatchLoss {
        let loss = self.objective.loss;
        self.slopes_and_gradient(weights, rows, |scores, labels| loss.slopes(scores, self.classes, labels))
    }

    /// As [`LinearProblem::loss_and_gradient`], of the smoothed loss; `width` is that of the SVM's smoothing.
    pub fn smoothed_loss_and_gradient(&self, weights: &mut Weights, rows: &[u32], width: f64) -> SmoothLoss {
        let loss = self.objective.loss;
        self.slopes_and_gradient(weights, rows, |scores, labels| {
            loss.smoothed_slopes(width, scores, self.classes, labels)
        })
    }

    /// The gradient that the slopes make which `slopes` puts in place of a block's scores (B, K), and the sum of what
    /// it returns.
    fn slopes_and_gradient<L: Sum>(
        &self,
        weights: &mut Weights,
        rows: &[u32],
        slopes: impl Fn(&mut [f32], &[u16]) -> L + Sync,
    ) -> L {
        let Slopes { loss, sums } = if rows.len() < MANY_ROWS {
            self.by_panels(weights, rows, &slopes)
        } else {
            self.by_groups(weights, rows, &slopes)
        };
        self.compute.team.for_each(&mut weights.panels, |_, panel| {
            panel.finish_gradient(self, &sums, rows.len());
        });
        for (gradient, sum) in weights.bias_gradient.iter_mut().zip(&sums) {
            *gradient = (sum / rows.len() as f64) as f32;
        }
        self.objective.penalty.add_gradient(&weights.bias, &mut weights.bias_gradient);
        loss
    }

    /// A^T X of `rows` into the panels, each panel one thread's work at a time.
    fn by_panels<L: Sum>(
        &self,
        weights: &mut Weights,
        rows: &[u32],
        to_slopes: &(impl Fn(&mut [f32], &[u16]) -> L + Sync),
    ) -> Slopes<L> {
        let Self { classes, compute, .. } = *self;
        let x = self.examples.rows();
        let mut slopes = Slopes::none(classes);
        weights.panels.iter_mut().for_each(|panel| panel.gradient.fill(0.0));
        let mut scores = Vec::new();
        for (block, next) in with_next(rows) {
            compute.team.for_each(&mut weights.panels, |_, panel| {
                panel.scores.resize(block.len() * classes, 0.0);
                let features = panel.features.clone();
                compute.kernel.scores(x, block, features, &panel.folded, classes, &mut panel.scores);
            });
            repeat_offset(&weights.offset, block.len(), &mut scores);
            for panel in &weights.panels {
                add(&mut scores, &panel.scores);
            }
            slopes.take(&mut scores, &self.labels(block), to_slopes);
            compute.team.for_each(&mut weights.panels, |_, panel| {
                let (rows, features) = (Rows { now: block, next }, panel.features.clone());
                compute.kernel.add_gradient(x, rows, features, &scores, classes, &mut panel.gradient);
            });
        }
        slopes
    }

    /// A^T X of `rows` into the panels, each group of rows one thread's work.
    fn by_groups<L: Sum>(
        &self,
        weights: &mut Weights,
        rows: &[u32],
        to_slopes: &(impl Fn(&mut [f32], &[u16]) -> L + Sync),
    ) -> Slopes<L> {
        let lengths = weights.panels.iter().map(|panel| panel.gradient.len());
        let mut groups: Vec<Group<'_, L>> = rows
            .chunks(rows.len().div_ceil(GROUPS))
            .map(|rows| Group {
                rows,
                slopes: Slopes::none(self.classes),
                gradient: lengths.clone().map(|len| vec![0.0; len]).collect(),
            })
            .collect();
        let whole: &Weights = weights;
        self.compute.team.for_each(&mut groups, |_, group| self.add_group(whole, group, to_slopes));

        self.compute.team.for_each(&mut weights.panels, |index, panel| {
            panel.gradient.fill(0.0);
            groups.iter().for_each(|group| add(&mut panel.gradient, &group.gradient[index]));
        });
        let mut slopes = Slopes::none(self.classes);
        groups.into_iter().for_each(|group| slopes.add(group.slopes));
        slopes
    }

    fn add_group<L: Sum>(
        &self,
        weights: &Weights,
        group: &mut Group<'_, L>,
        to_slopes: &impl Fn(&mut [f32], &[u16]) -> L,
    ) {
        let x = self.examples.rows();
        let (mut scores, mut partial) = (Vec::new(), Vec::new());
        for (block, next) in with_next(group.rows) {
            self.scores(weights, block, &mut scores, &mut partial);
            group.slopes.take(&mut scores, &self.labels(block), to_slopes);
            for (panel, gradient) in weights.panels.iter().zip(&mut group.gradient) {
                let (rows, features) = (Rows { now: block, next }, panel.features.clone());
                self.compute.kernel.add_gradient(x, rows, features, &scores, self.classes, gradient);
            }
        }
    }

    /// Scores of one block, (B, K), on this thread; `partial` is room for a panel's part.
    fn scores(&self, weights: &Weights, block: &[u32], scores: &mut Vec<f32>, partial: &mut Vec<f32>) {
        let x = self.examples.rows();
        repeat_offset(&weights.offset, block.len(), scores);
        partial.resize(scores.len(), 0.0);
        for panel in &weights.panels {
            let features = panel.features.clone();
            self.compute.kernel.scores(x, block, features, &panel.folded, self.classes, partial);
            add(scores, partial);
        }
    }

    fn labels(&self, block: &[u32]) -> Vec<u16> {
        block.iter().map(|&row| self.examples.labels[row as usize]).collect()
    }
}

impl<L: Sum> Slopes<L> {
    fn none(classes: usize) -> Self {
        Self { loss: L::default(), sums: vec![0.0; classes] }
    }

    /// Turns a block's scores into slopes, and adds up both.
    fn take<F: Real>(
        &mut self,
        scores: &mut [F],
        labels: &[u16],
        to_slopes: &impl Fn(&mut [F], &[u16]) -> L,
    ) {
        self.loss += to_slopes(scores, labels);
        for slopes in scores.chunks_exact(self.sums.len()) {
            self.sums.iter_mut().zip(slopes).for_each(|(sum, &slope)| *sum += slope.wide());
        }
    }

    fn add(&mut self, other: Self) {
        self.loss += other.loss;
        self.sums.iter_mut().zip(other.sums).for_each(|(sum, part)| *sum += part);
    }
}

/// The blocks of `rows`, each with the one after it.
fn with_next(rows: &[u32]) -> impl Iterator<Item = (&[u32], &[u32])> {
    let next = rows.chunks(BLOCK_ROWS).skip(1).chain([&[][..]]);
    rows.chunks(BLOCK_ROWS).zip(next)
}

/// `count` rows of `offset`.
fn repeat_offset(offset: &[f32], count: usize, scores: &mut Vec<f32>) {
    scores.clear();
    for _ in 0..count {
        scores.extend_from_slice(offset);
    }
}

fn add(sums: &mut [f32], parts: &[f32]) {
    sums.iter_mut().zip(parts).for_each(|(sum, part)| *sum += part);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{Preprocess, generate};
    use crate::kernel::{Kernel, Team};
    use crate::objective::{Loss, Penalty};
    use ndarray::{Array1, Array2};
    use std::num::NonZeroUsize;

    /// Every kernel, both ways of sharing out, any number of threads: the same bits.
    #[test]
    fn threads_change_no_bit() {
        let data = generate(MANY_ROWS + 77, 1);
        let preprocessing = Preprocessing::fit(Preprocess::Standardize, &data.train, &data.train.all());
        let weight = Array2::from_shape_fn((10, 3072), |(k, d)| ((k * 7 + d) % 13) as f32 * 1e-3 - 6e-3);
        let bias = Array1::from_shape_fn(10, |k| k as f32 * 0.1);
        let all = data.train.all();
        for kernel in Kernel::available() {
            for rows in [&all[..], &all[..256], &all[..77]] {
                let run = |threads: usize| {
                    let threads = NonZeroUsize::new(threads).expect("above 0");
                    let compute = Compute { kernel, team: Team::new(threads) };
                    let objective = Objective { loss: Loss::Softmax, penalty: Penalty { l2: 0.1, l1: 0.0 } };
                    let problem = LinearProblem {
                        examples: &data.train,
                        preprocessing: &preprocessing,
                        classes: 10,
                        objective,
                        compute: &compute,
                    };
                    let mut weights = Weights::new(&weight, &bias, &problem);
                    let sum = problem.loss_and_gradient(&mut weights, rows);
                    let alone = problem.loss(&weights, rows);
                    assert!((sum.total - alone.total).abs() < 1e-9 * sum.total, "{sum:?} {alone:?}");
                    (weights.gradient(), sum)
                };
                let one = run(1);
                assert!(
                    (2..=5).all(|threads| run(threads) == one),
                    "{} on {} rows",
                    kernel.name(),
                    rows.len()
                );
            }
        }
    }
}
