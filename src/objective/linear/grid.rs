//! Scores of classifiers whose weights lie on a grid: W = step Q with whole numbers Q from -127 to 127.
//!
//! Where preprocessing scales all features alike, x' = (x - mean) scale, the scores of byte features are sums of
//! integers but for one constant a class:
//!
//! ```text
//! s = W x' + b = unit (Q x - c) + rest        unit = step scale, c = Q mean to the nearest whole number
//! ```
//!
//! Q x - c is exact, so a score is rounded twice only, wherever and in whatever order it is computed.

use super::{LinearProblem, Targets};
use crate::data::Features;
use crate::kernel::{ByteWeights, Table};

/// Classes of one or more classifiers on a grid, ready for scoring.
pub struct GridClassifiers<'a> {
    x: Table<'a, u8>,
    weights: ByteWeights,
    unit: f32,
    /// c (C).
    whole: Vec<i32>,
    /// What c left of Q mean, with b: (C).
    rest: Vec<f32>,
}

impl<'a> LinearProblem<'a> {
    /// The classes of `q`, rows of D whole numbers from -127 to 127, times `step`, with their biases `b`; `None` where
    /// their scores are no sums of integers: features that are no bytes, or scaled each by its own factor, or too many.
    pub fn on_grid(&self, q: &[&[i8]], step: f32, b: &[f32]) -> Option<GridClassifiers<'a>> {
        let Features::Bytes(bytes) = &self.examples.features else { return None };
        let x = Table { values: bytes, width: self.examples.width };
        let (&scale, scales) = self.preprocessing.scale.split_first()?;
        if scales.iter().any(|&other| other != scale) {
            return None;
        }
        let weights = ByteWeights::pack(q, x.width)?;
        let unit = f64::from(step) * f64::from(scale);
        let constants = q.iter().zip(b).map(|(q, &b)| {
            let terms = q.iter().zip(&self.preprocessing.mean);
            let shift: f64 = terms.map(|(&q, &mean)| f64::from(q) * f64::from(mean)).sum();
            let whole = shift.round();
            (whole as i32, (f64::from(b) - unit * (shift - whole)) as f32)
        });
        let (whole, rest) = constants.unzip();
        Some(GridClassifiers { x, weights, unit: unit as f32, whole, rest })
    }

    /// As [`LinearProblem::map_scores`], of classifiers on a grid.
    pub fn map_grid_scores<R: Send>(
        &self,
        classifiers: &GridClassifiers<'_>,
        rows: &[u32],
        look: impl Fn(&[f32], &Targets) -> R + Sync,
    ) -> Vec<R> {
        self.map_blocks(rows, |(sums, scores): &mut (Vec<i32>, Vec<f32>), block| {
            let (x, weights) = (classifiers.x, &classifiers.weights);
            self.compute.kernel.byte_scores(x, block, 0..x.width, weights, sums);
            let targets = self.targets(block);
            self.compute.kernel.dispatch(
                #[inline(always)]
                || {
                    classifiers.scores(sums, scores);
                    look(scores, &targets)
                },
            )
        })
    }
}

impl GridClassifiers<'_> {
    /// Sums of products to scores, (B, C).
    #[inline(always)]
    fn scores(&self, sums: &[i32], scores: &mut Vec<f32>) {
        let classes = self.weights.classes();
        let rows = sums.chunks_exact(self.weights.stride());
        scores.resize(rows.len() * classes, 0.0);
        for (scores, sums) in scores.chunks_exact_mut(classes).zip(rows) {
            let constants = self.whole.iter().zip(&self.rest);
            for ((score, sum), (whole, rest)) in scores.iter_mut().zip(sums).zip(constants) {
                // |Q x - c| stays below 2^31 too: c is such a sum for some x.
                *score = self.unit * (sum - whole) as f32 + rest;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Weights;
    use super::*;
    use crate::data::{Preprocess, Preprocessing, generate};
    use crate::kernel::{Compute, Kernel, Team};
    use crate::objective::{Loss, Objective, Penalty};
    use ndarray::{Array1, Array2};
    use std::num::NonZeroUsize;

    /// The same scores as in floats, and the same bits on every kernel and any number of threads.
    #[test]
    fn scores_are_those_of_the_weights_in_floats() {
        let data = generate(300, 1, 0);
        let rows = data.train.all();
        let q: Vec<i8> = (0..10 * 3072).map(|i| (i * 37 % 255) as i8).map(|q| q.max(-127)).collect();
        let (step, b) = (1e-5, Array1::from_shape_fn(10, |k| k as f32 * 0.01));
        let of_classes: Vec<&[i8]> = q.chunks(3072).collect();
        let weight = Array2::from_shape_fn((10, 3072), |(k, d)| f32::from(q[k * 3072 + d]) * step);
        for kind in [Preprocess::Center, Preprocess::Scale, Preprocess::None] {
            let preprocessing = Preprocessing::fit(kind, &data.train, &rows);
            let mut first = None;
            for (kernel, threads) in Kernel::available().into_iter().flat_map(|k| [(k, 1), (k, 3)]) {
                let compute =
                    Compute { kernel, team: Team::new(NonZeroUsize::new(threads).expect("above 0")) };
                let objective = Objective { loss: Loss::Softmax, penalty: Penalty { l2: 0.0, l1: 0.0 } };
                let problem = LinearProblem {
                    objective,
                    example_weights: None,
                    compute: &compute,
                    ..of(&data.train, &preprocessing, &compute)
                };
                let grid = problem.on_grid(&of_classes, step, &b.to_vec()).expect("on a grid");
                let exact = problem.map_grid_scores(&grid, &rows, |scores, _| scores.to_vec()).concat();
                let weights = Weights::new(&weight, &b, &problem);
                let floats = problem.map_scores(&weights, &rows, |scores, _| scores.to_vec()).concat();
                let scale = floats.iter().fold(0.0_f32, |most, score| most.max(score.abs()));
                assert!(exact.iter().zip(&floats).all(|(a, b)| (a - b).abs() < 1e-5 * scale), "{kind:?}");
                assert_eq!(first.get_or_insert_with(|| exact.clone()), &exact, "{}", kernel.name());
            }
        }
        let own = Preprocessing::fit(Preprocess::Standardize, &data.train, &rows);
        let compute = Compute { kernel: Kernel::Plain, team: Team::new(NonZeroUsize::MIN) };
        assert!(of(&data.train, &own, &compute).on_grid(&of_classes, step, &b.to_vec()).is_none());
    }

    fn of<'a>(
        examples: &'a crate::data::Examples,
        preprocessing: &'a Preprocessing,
        compute: &'a Compute,
    ) -> LinearProblem<'a> {
        let objective = Objective { loss: Loss::Softmax, penalty: Penalty { l2: 0.0, l1: 0.0 } };
        LinearProblem { examples, preprocessing, classes: 10, objective, example_weights: None, compute }
    }
}
