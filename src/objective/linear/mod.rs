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

mod weights;

pub use weights::Weights;

use super::{BatchLoss, Objective};
use crate::data::{Examples, Preprocessing};
use crate::kernel::{Compute, Rows};

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
struct Slopes {
    loss: BatchLoss,
    sums: Vec<f64>,
}

/// One group of rows, with what it adds to the gradient: A^T X, a part a panel.
struct Group<'r> {
    rows: &'r [u32],
    slopes: Slopes,
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
        let Slopes { loss, sums } = if rows.len() < MANY_ROWS {
            self.by_panels(weights, rows)
        } else {
            self.by_groups(weights, rows)
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
    fn by_panels(&self, weights: &mut Weights, rows: &[u32]) -> Slopes {
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
            slopes.take(self, &mut scores, block);
            compute.team.for_each(&mut weights.panels, |_, panel| {
                let (rows, features) = (Rows { now: block, next }, panel.features.clone());
                compute.kernel.add_gradient(x, rows, features, &scores, classes, &mut panel.gradient);
            });
        }
        slopes
    }

    /// A^T X of `rows` into the panels, each group of rows one thread's work.
    fn by_groups(&self, weights: &mut Weights, rows: &[u32]) -> Slopes {
        let lengths = weights.panels.iter().map(|panel| panel.gradient.len());
        let mut groups: Vec<Group<'_>> = rows
            .chunks(rows.len().div_ceil(GROUPS))
            .map(|rows| Group {
                rows,
                slopes: Slopes::none(self.classes),
                gradient: lengths.clone().map(|len| vec![0.0; len]).collect(),
            })
            .collect();
        let whole: &Weights = weights;
        self.compute.team.for_each(&mut groups, |_, group| self.add_group(whole, group));

        self.compute.team.for_each(&mut weights.panels, |index, panel| {
            panel.gradient.fill(0.0);
            groups.iter().for_each(|group| add(&mut panel.gradient, &group.gradient[index]));
        });
        let mut slopes = Slopes::none(self.classes);
        for group in groups {
            slopes.loss += group.slopes.loss;
            slopes.sums.iter_mut().zip(group.slopes.sums).for_each(|(sum, part)| *sum += part);
        }
        slopes
    }

    fn add_group(&self, weights: &Weights, group: &mut Group<'_>) {
        let x = self.examples.rows();
        let (mut scores, mut partial) = (Vec::new(), Vec::new());
        for (block, next) in with_next(group.rows) {
            self.scores(weights, block, &mut scores, &mut partial);
            group.slopes.take(self, &mut scores, block);
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

impl Slopes {
    fn none(classes: usize) -> Self {
        Self { loss: BatchLoss::default(), sums: vec![0.0; classes] }
    }

    /// Turns a block's scores into slopes, and adds up both.
    fn take(&mut self, problem: &LinearProblem<'_>, scores: &mut [f32], block: &[u32]) {
        let classes = problem.classes;
        self.loss += problem.objective.loss.slopes(scores, classes, &problem.labels(block));
        for slopes in scores.chunks_exact(classes) {
            self.sums.iter_mut().zip(slopes).for_each(|(sum, &slope)| *sum += f64::from(slope));
        }
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
