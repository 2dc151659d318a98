//! Loss and gradient over floats with many classes: a batch's rows are gathered, and both products go through a GEMM
//! library, as fast as the processor multiplies where both sides are wide.
//!
//! What one task computes depends on D and K alone: some classes' scores of a batch, some rows' slopes, the gradient
//! over a panel. So the results have the same bits for any number of threads.

use super::{LinearProblem, Panel, Slopes, Sum, Sums, Weights, add_offset};
use crate::data::Features;
use crate::kernel::{Kernel, dense_gradient, dense_scores};

/// From how many classes on rows are gathered: below, a pass of the tiles over three groups of classes is no slower.
const MANY_CLASSES: usize = 33;
/// Rows gathered at a time.
const BATCH_ROWS: usize = 256;
/// Rows and classes whose scores are one task. The library's tiles are 96 wide along what lies together; what is left
/// over goes more slowly.
const SCORE_ROWS: usize = 128;
const SCORE_CLASSES: usize = TILE;
/// Rows whose scores one task turns into slopes.
const SLOPE_ROWS: usize = 32;
/// How wide the library's tiles are.
const TILE: usize = 96;
/// Weights of a panel, about: a product over fewer features would spend more of its time on adding to what is there.
const PANEL_WEIGHTS: usize = 1 << 18;
/// Into a multiple of how many panels features are cut, if there are so many: threads get the same share.
const EVEN: usize = 8;

/// Whether rows of such features are gathered for so many classes.
pub(super) fn pays_off(features: &Features, classes: usize) -> bool {
    matches!(features, Features::Floats(_)) && classes >= MANY_CLASSES
}

/// The features of a panel, of so many features and classes.
pub(super) fn panel_features(width: usize, classes: usize) -> usize {
    let count = (width * classes).div_ceil(PANEL_WEIGHTS).next_multiple_of(EVEN);
    width.div_ceil(count).max(TILE).next_multiple_of(32)
}

/// What a batch needs room for, kept from one to the next.
#[derive(Clone, Debug, Default)]
pub(super) struct Room {
    /// X of the batch, (B, D).
    x: Vec<f32>,
    /// Scores of some rows and classes, (R, C): rows after rows, of each the classes.
    parts: Vec<Vec<f32>>,
    /// Scores, then slopes, (B, K).
    slopes: Vec<f32>,
}

/// Some rows of a batch, whose scores become slopes.
struct Share<'a, L> {
    slopes: &'a mut [f32],
    sums: Slopes<L>,
}

impl LinearProblem<'_> {
    /// Whether products go through gathered rows. The plain kernel stays itself, to check the others against.
    pub(super) fn gathers(&self) -> bool {
        pays_off(&self.examples.features, self.classes) && self.compute.kernel != Kernel::Plain
    }

    /// A^T X of `rows` into the panels; then `finish` on each.
    pub(super) fn by_gathering<L: Sum, S: Send>(
        &self,
        weights: &mut Weights,
        rows: &[u32],
        states: &mut [S],
        to_slopes: &(impl Fn(&mut [f32], &[u16]) -> L + Sync),
        finish: impl Fn(&Slopes<L>, Option<&[&Sums]>, &mut Panel, &mut S) + Sync,
    ) -> Slopes<L> {
        let (classes, width) = (self.classes, self.examples.width);
        let mut room = std::mem::take(&mut weights.room);
        let mut total = Slopes::none(classes);
        let batches = rows.len().div_ceil(BATCH_ROWS);
        for (index, batch) in rows.chunks(BATCH_ROWS).enumerate() {
            room.gather(self, batch);
            room.score(self, weights);
            total.add(room.take_slopes(self, weights, batch, to_slopes));
            let mut parts: Vec<_> = weights.panels.iter_mut().zip(&mut *states).collect();
            self.compute.team.for_each(&mut parts, |_, (panel, state)| {
                let sums = panel.sums.floats(panel.weight.len());
                let x = (&room.x[..], width, &panel.features);
                dense_gradient(x, &room.slopes, classes, index > 0, sums);
                if index + 1 == batches {
                    finish(&total, None, panel, state);
                }
            });
        }
        weights.room = room;
        total
    }

    /// Scores of one block, (B, K), on this thread.
    pub(super) fn scores_by_gathering(&self, weights: &Weights, block: &[u32], scores: &mut Vec<f32>) {
        let width = self.examples.width;
        let mut x = vec![0.0; block.len() * width];
        self.examples.rows().gather(block, &mut x);
        scores.resize(block.len() * self.classes, 0.0);
        for (index, panel) in weights.panels.iter().enumerate() {
            dense_scores(&x, width, &panel.features, &panel.folded, index > 0, scores);
        }
        add_offset(&weights.offset, scores);
    }
}

impl Room {
    fn gather(&mut self, problem: &LinearProblem<'_>, batch: &[u32]) {
        let width = problem.examples.width;
        self.x.resize(batch.len() * width, 0.0);
        let mut shares: Vec<_> =
            self.x.chunks_mut(SLOPE_ROWS * width).zip(batch.chunks(SLOPE_ROWS)).collect();
        problem.compute.team.for_each(&mut shares, |_, (x, rows)| problem.examples.rows().gather(rows, x));
    }

    /// V x of the batch, in parts.
    fn score(&mut self, problem: &LinearProblem<'_>, weights: &Weights) {
        let (width, classes) = (problem.examples.width, problem.classes);
        let Self { x, parts, .. } = self;
        let across = classes.div_ceil(SCORE_CLASSES);
        parts.resize(x.len().div_ceil(SCORE_ROWS * width) * across, Vec::new());
        problem.compute.team.for_each(parts, |index, part| {
            let start = index % across * SCORE_CLASSES;
            let chosen = start..classes.min(start + SCORE_CLASSES);
            let start = index / across * SCORE_ROWS * width;
            let x = &x[start..x.len().min(start + SCORE_ROWS * width)];
            part.resize(x.len() / width * chosen.len(), 0.0);
            for (index, panel) in weights.panels.iter().enumerate() {
                let features = panel.features.len();
                let folded = &panel.folded[chosen.start * features..chosen.end * features];
                dense_scores(x, width, &panel.features, folded, index > 0, part);
            }
        });
    }

    /// Joins the parts, and turns scores into slopes, rows after rows.
    fn take_slopes<L: Sum>(
        &mut self,
        problem: &LinearProblem<'_>,
        weights: &Weights,
        batch: &[u32],
        to_slopes: &(impl Fn(&mut [f32], &[u16]) -> L + Sync),
    ) -> Slopes<L> {
        let classes = problem.classes;
        let across = classes.div_ceil(SCORE_CLASSES);
        let Self { parts, slopes, .. } = self;
        slopes.resize(batch.len() * classes, 0.0);
        let mut shares: Vec<Share<'_, L>> = slopes
            .chunks_mut(SLOPE_ROWS * classes)
            .map(|slopes| Share { slopes, sums: Slopes::none(classes) })
            .collect();
        problem.compute.team.for_each(&mut shares, |index, share| {
            let first = index * SLOPE_ROWS;
            let targets = problem.targets(&batch[first..batch.len().min(first + SLOPE_ROWS)]);
            let parts = &parts[first / SCORE_ROWS * across..][..across];
            for (row, slopes) in share.slopes.chunks_exact_mut(classes).enumerate() {
                for (part, slopes) in parts.iter().zip(slopes.chunks_mut(SCORE_CLASSES)) {
                    let at = (first % SCORE_ROWS + row) * slopes.len();
                    slopes.copy_from_slice(&part[at..at + slopes.len()]);
                }
            }
            problem.compute.kernel.dispatch(
                #[inline(always)]
                || {
                    add_offset(&weights.offset, share.slopes);
                    share.sums.take(share.slopes, &targets, to_slopes);
                },
            );
        });
        let mut total = Slopes::none(classes);
        shares.into_iter().for_each(|share| total.add(share.sums));
        total
    }
}

const _: () = assert!(SCORE_ROWS.is_multiple_of(SLOPE_ROWS) && BATCH_ROWS.is_multiple_of(SCORE_ROWS));

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{Examples, Features, Preprocess, Preprocessing};
    use crate::kernel::{Compute, Team};
    use crate::objective::reference::Reference;
    use crate::objective::{Loss, Objective, Penalty};
    use ndarray::{Array1, Array2};
    use std::num::NonZeroUsize;

    /// Against the formulas in f64, and the same bits for any number of threads: one row, an odd batch, two batches.
    #[test]
    fn equals_the_reference_for_any_number_of_threads() {
        let (count, width) = (BATCH_ROWS + 45, 203);
        let value = |at: usize| ((at * 7919 + 13) % 2003) as f32 / 500.0 - 1.5;
        for classes in [MANY_CLASSES, 257, 1000] {
            let examples = Examples {
                features: Features::Floats((0..count * width).map(value).collect()),
                labels: (0..count).map(|row| (row * 31 % classes) as u16).collect(),
                width,
            };
            for (rows, loss) in [(1, Loss::Softmax), (77, Loss::Svm { margin: 1.0 }), (count, Loss::Softmax)]
            {
                check(&examples, classes, &examples.all()[count - rows..], loss);
            }
        }
    }

    fn check(examples: &Examples, classes: usize, rows: &[u32], loss: Loss) {
        let preprocessing = Preprocessing::fit(Preprocess::Standardize, examples, &examples.all());
        let weight = Array2::from_shape_fn((classes, examples.width), |(k, d)| {
            ((k * 7 + d) % 13) as f32 * 1e-2 - 0.06
        });
        let bias = Array1::from_shape_fn(classes, |k| k as f32 * 1e-3);
        let objective = Objective { loss, penalty: Penalty { l2: 0.1, l1: 0.0 } };
        let kernel = Kernel::detect();
        let run = |threads: usize| {
            let compute = Compute { kernel, team: Team::new(NonZeroUsize::new(threads).expect("above 0")) };
            let problem = LinearProblem {
                examples,
                preprocessing: &preprocessing,
                classes,
                objective,
                example_weights: None,
                compute: &compute,
            };
            assert_eq!(problem.gathers(), kernel != Kernel::Plain);
            let mut weights = Weights::new(&weight, &bias, &problem);
            let sum = problem.loss_and_gradient(&mut weights, rows);
            let alone = problem.loss(&weights, rows);
            assert!((sum.total - alone.total).abs() < 1e-5 * sum.total, "{sum:?} {alone:?}");
            (weights.gradient(), sum)
        };
        let ((by_weight, by_bias), sum) = run(1);
        assert!((2..=5).all(|threads| run(threads) == ((by_weight.clone(), by_bias.clone()), sum)));

        let reference = Reference::new(examples, &preprocessing, objective, rows);
        let at = (weight.mapv(f64::from), bias.mapv(f64::from));
        let exact = reference.gradient(&at.0, &at.1);
        let largest = exact.0.iter().chain(&exact.1).fold(0.0, |a: f64, b| a.max(b.abs()));
        let close = |found: f32, exact: f64| (f64::from(found) - exact).abs() < 1e-5 * largest;
        assert!(
            by_weight.iter().zip(&exact.0).all(|(&found, &exact)| close(found, exact)),
            "{classes} classes"
        );
        assert!(by_bias.iter().zip(&exact.1).all(|(&found, &exact)| close(found, exact)));
        let expected = reference.data_loss(&reference.scores(&at.0, &at.1));
        assert!((sum.mean() - expected).abs() < 1e-5 * expected, "{} {expected}", sum.mean());
    }
}
