//! What the scores of some rows are compared with.

use super::{Slopes, Sum};
use crate::objective::{BatchLoss, Loss, Real};

/// The labels of some rows, and what each counts.
#[derive(Clone, Debug, PartialEq)]
pub struct Targets {
    /// B labels.
    pub labels: Vec<u16>,
    /// q, (B); `None` when all count 1.
    pub weights: Option<Vec<f64>>,
}

impl Targets {
    /// The sum of q_i L_i of scores (B, K).
    #[inline(always)]
    pub fn total(&self, loss: Loss, scores: &[f32], classes: usize) -> BatchLoss {
        let Some(weights) = &self.weights else {
            // The compiler makes vectors of the sum that comes with slopes, and not of that of row after row.
            return loss.slopes(&mut scores.to_vec(), classes, &self.labels);
        };
        let mut sum = BatchLoss::default();
        for ((scores, label), &weight) in scores.chunks_exact(classes).zip(self.labels.chunks(1)).zip(weights)
        {
            let mut own = loss.total(scores, classes, label);
            own *= weight;
            sum += own;
        }
        sum
    }
}

impl<L: Sum> Slopes<L> {
    /// Turns a block's scores (B, K) into slopes q_i dL_i/ds_i, and adds up both.
    #[inline(always)]
    pub(super) fn take<F: Real>(
        &mut self,
        scores: &mut [F],
        targets: &Targets,
        to_slopes: &impl Fn(&mut [F], &[u16]) -> L,
    ) {
        let classes = self.sums.len();
        match &targets.weights {
            // By value: a call through a reference would not be compiled for the instruction set around it.
            None => self.loss += (*to_slopes)(scores, &targets.labels),
            Some(weights) => {
                let rows = scores.chunks_exact_mut(classes).zip(targets.labels.chunks(1)).zip(weights);
                for ((scores, label), &weight) in rows {
                    let mut own = (*to_slopes)(scores, label);
                    own *= weight;
                    self.loss += own;
                    let weight = F::of(weight);
                    scores.iter_mut().for_each(|slope| *slope = *slope * weight);
                }
            }
        }
        for slopes in scores.chunks_exact(classes) {
            self.sums.iter_mut().zip(slopes).for_each(|(sum, &slope)| *sum += slope.wide());
        }
    }
}
