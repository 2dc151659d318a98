//! Loss and gradient in f64, for certificates: about eight times as long as in f32, and right to some thirteen digits. The
//! formulas are those of the module above, but each row is widened and has its mean taken off first: where features lie
//! far from 0 and hardly vary, folding would lose digits.

use super::{GROUPS, LinearProblem, Slopes};
use crate::kernel::LANES;
use crate::objective::SmoothLoss;

/// Rows that are widened at a time: with weights and gradient they fit the second-level cache.
const BLOCK_ROWS: usize = 16;

/// One group of rows, with what it adds to the gradient: A^T (X - mean), (K, F).
struct Group<'r> {
    rows: &'r [u32],
    slopes: Slopes<SmoothLoss>,
    gradient: Vec<f64>,
}

impl LinearProblem<'_> {
    /// The smoothed losses' sum over `rows`, and the gradient of the *full* smoothed loss, in f64. Weights and
    /// gradient are (K, D + 1): each class's b is behind its W.
    ///
    /// # Panics
    /// When there is no row, or the weights are not K (D + 1).
    pub fn smoothed_loss_and_gradient_f64(
        &self,
        weights: &[f64],
        rows: &[u32],
        width: f64,
    ) -> (SmoothLoss, Vec<f64>) {
        let features = self.examples.width;
        assert_eq!(weights.len(), self.classes * (features + 1), "weights are K x (D + 1)");
        assert!(!rows.is_empty(), "no rows");
        // One more than there are: rows whose length is a large power of two would fall on the same cache lines.
        let padded = (features + 1).next_multiple_of(LANES);
        let (folded, bias) = self.fold_f64(weights, padded);

        let mut groups: Vec<Group<'_>> = rows
            .chunks(rows.len().div_ceil(GROUPS))
            .map(|rows| Group {
                rows,
                slopes: Slopes::none(self.classes),
                gradient: vec![0.0; self.classes * padded],
            })
            .collect();
        self.compute.team.for_each(&mut groups, |_, group| self.add_group_f64(&folded, &bias, width, group));

        let mut slopes = Slopes::none(self.classes);
        let mut sums = vec![0.0; self.classes * padded];
        for group in groups {
            slopes.add(group.slopes);
            sums.iter_mut().zip(group.gradient).for_each(|(sum, part)| *sum += part);
        }
        let gradient = self.finish_f64(weights, &sums, &slopes.sums, rows.len() as f64);
        (slopes.loss, gradient)
    }

    /// V = W scale, (K, F) filled up with zeros, and b (K).
    fn fold_f64(&self, weights: &[f64], padded: usize) -> (Vec<f64>, Vec<f64>) {
        let features = self.examples.width;
        let mut folded = vec![0.0; self.classes * padded];
        let mut bias = Vec::with_capacity(self.classes);
        for (weights, folded) in weights.chunks_exact(features + 1).zip(folded.chunks_exact_mut(padded)) {
            let scale = &self.preprocessing.scale;
            folded.iter_mut().zip(weights).zip(scale).for_each(|((v, w), &scale)| *v = w * f64::from(scale));
            bias.push(weights[features]);
        }
        (folded, bias)
    }

    fn add_group_f64(&self, folded: &[f64], bias: &[f64], width: f64, group: &mut Group<'_>) {
        let (kernel, classes) = (self.compute.kernel, self.classes);
        let mut wide = Vec::new();
        for block in group.rows.chunks(BLOCK_ROWS) {
            kernel.widen(
                self.examples.rows(),
                &self.preprocessing.mean,
                block,
                folded.len() / classes,
                &mut wide,
            );
            let mut scores = bias.repeat(block.len());
            kernel.add_scores_f64(&wide, folded, classes, &mut scores);
            group.slopes.take(&mut scores, &self.targets(block), &|scores, labels| {
                self.objective.loss.smoothed_slopes(width, scores, classes, labels)
            });
            kernel.add_gradient_f64(&wide, &scores, classes, &mut group.gradient);
        }
    }

    /// From A^T (X - mean) (K, F) and the slopes' sums (K) over `count` rows to the gradient (K, D + 1), penalty included.
    fn finish_f64(&self, weights: &[f64], sums: &[f64], slope_sums: &[f64], count: f64) -> Vec<f64> {
        let features = self.examples.width;
        let mut gradient = vec![0.0; weights.len()];
        let rows = gradient.chunks_exact_mut(features + 1).zip(sums.chunks_exact(sums.len() / self.classes));
        for ((gradient, sums), slope_sum) in rows.zip(slope_sums) {
            for ((g, sum), &scale) in gradient.iter_mut().zip(sums).zip(&self.preprocessing.scale) {
                *g = sum * f64::from(scale) / count;
            }
            gradient[features] = slope_sum / count;
        }
        self.objective.penalty.add_gradient(weights, &mut gradient);
        gradient
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{Examples, Features, Preprocess, Preprocessing, generate};
    use crate::kernel::{Compute, Kernel, Team};
    use crate::objective::reference::Reference;
    use crate::objective::{Loss, Objective, Penalty};
    use ndarray::{Array1, Array2};
    use std::num::NonZeroUsize;

    /// Against the formulas, and the same bits for every kernel and any number of threads.
    #[test]
    fn equals_the_reference() {
        let bytes = generate(333, 1, 0).train;
        // Far from 0: a hundred times their deviation.
        let values = (0..bytes.features.len()).map(|at| bytes.features.get(at) / 8.0 + 1e3).collect();
        let floats = Examples { features: Features::Floats(values), ..bytes.clone() };
        [bytes, floats].iter().for_each(check);
    }

    fn check(examples: &Examples) {
        let rows: Vec<u32> = (3..301).collect();
        let preprocessing = Preprocessing::fit(Preprocess::Standardize, examples, &rows);
        let weight = Array2::from_shape_fn((10, 3072), |(k, d)| ((k * 7 + d) % 13) as f64 * 1e-3 - 6e-3);
        let bias = Array1::from_shape_fn(10, |k| k as f64 * 0.1);
        let whole: Vec<f64> = weight
            .rows()
            .into_iter()
            .zip(&bias)
            .flat_map(|(w, &b)| w.into_iter().copied().chain([b]).collect::<Vec<_>>())
            .collect();
        for loss in [Loss::Softmax, Loss::Svm { margin: 1.0 }] {
            let objective = Objective { loss, penalty: Penalty { l2: 0.1, l1: 0.0 } };
            let reference = Reference::new(examples, &preprocessing, objective, &rows);
            let run = |kernel, threads| {
                let team = Team::new(NonZeroUsize::new(threads).expect("above 0"));
                let compute = Compute { kernel, team };
                let problem = LinearProblem {
                    examples,
                    preprocessing: &preprocessing,
                    classes: 10,
                    objective,
                    example_weights: None,
                    compute: &compute,
                };
                // So narrow that no score lies within: the SVM itself.
                problem.smoothed_loss_and_gradient_f64(&whole, &rows, 1e-12)
            };
            let (sum, gradient) = run(Kernel::Plain, 1);
            let scores = reference.scores(&weight, &bias);
            assert!((sum.loss.mean() - reference.data_loss(&scores)).abs() < 1e-10, "{sum:?}");
            let (by_w, by_b) = reference.gradient(&weight, &bias);
            for (k, gradient) in gradient.chunks(3073).enumerate() {
                let expected = by_w.row(k).into_iter().chain([&by_b[k]]);
                assert!(gradient.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-10), "class {k}");
            }
            for kernel in Kernel::available() {
                assert_eq!(run(kernel, 3), (sum, gradient.clone()), "{}", kernel.name());
            }
        }
    }
}
