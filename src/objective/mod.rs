//! What is minimised: the full loss, (1/N) sum_i L_i + lambda sum W^2 + lambda_1 sum |W|, and its gradient.
//!
//! `svm` and `softmax` turn a batch's scores into losses and slopes dL_i/ds; [`Penalty`] is the
//! rest; [`linear`] joins them with the kernels into loss and gradient of a linear classifier;
//! [`mod@reference`] computes the same in f64, straight from the formulas, for the gradient check.

mod answer;
mod lanes;
pub mod linear;
mod penalty;
#[cfg(test)]
mod properties;
pub mod reference;
mod second_moment;
mod softmax;
mod stored;
mod svm;
mod worked;

pub use linear::{LinearProblem, Targets, Weights};
pub use penalty::Penalty;
pub use second_moment::SecondMoment;
pub use softmax::probabilities;
pub use stored::Stored;
pub use worked::{Term, Worked};

use num_traits::Float;
use std::fmt;
use std::ops::{AddAssign, MulAssign};

/// The loss of one example, as a function of its scores s (K) and label y.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Loss {
    /// Multiclass SVM (Weston and Watkins 1999): sum over j != y of max(0, s_j - s_y + margin).
    Svm {
        /// How far the right score must lead; 1 in the lecture.
        margin: f64,
    },
    /// Softmax cross-entropy in nats: -ln(e^{s_y} / sum_j e^{s_j}).
    Softmax,
}

/// Sums over a batch of examples.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct BatchLoss {
    /// Sum of L_i (not the mean), each times its example's weight.
    pub total: f64,
    /// Examples whose label has the highest score (the lowest class wins a tie).
    pub correct: usize,
    /// Examples.
    pub count: usize,
}

impl BatchLoss {
    /// Mean of L_i; weights of examples have mean 1 over the training rows.
    pub fn mean(&self) -> f64 {
        self.total / self.count as f64
    }

    /// Share of examples predicted right.
    pub fn accuracy(&self) -> f64 {
        self.correct as f64 / self.count as f64
    }
}

/// Sums over a batch whose loss is smoothed, so that second-order methods can follow it: max(0, z) of the SVM becomes
/// h(z) = max over a in \[0, 1\] of a z - width a^2 / 2, Huber's. Softmax is smooth as it is.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct SmoothLoss {
    /// The losses themselves.
    pub loss: BatchLoss,
    /// Sum of the smoothed losses: what the slopes are the slopes of.
    pub smoothed: f64,
    /// Sum over all slopes of width a^2 / 2: by how much a lower bound of the smoothed objective's minimum, built of
    /// these slopes, can be raised and still be one of the objective's own. 0 for softmax.
    pub lift: f64,
    /// Trace of the losses' Hessians by the scores.
    pub curvature: f64,
}

impl AddAssign for SmoothLoss {
    fn add_assign(&mut self, other: Self) {
        self.loss += other.loss;
        self.smoothed += other.smoothed;
        self.lift += other.lift;
        self.curvature += other.curvature;
    }
}

/// As if the examples counted so much: sums of losses are scaled, numbers of examples are not.
impl MulAssign<f64> for BatchLoss {
    fn mul_assign(&mut self, weight: f64) {
        self.total *= weight;
    }
}

/// As for [`BatchLoss`]; a bound made of weighted losses is lifted by the weighted lift.
impl MulAssign<f64> for SmoothLoss {
    fn mul_assign(&mut self, weight: f64) {
        self.loss *= weight;
        self.smoothed *= weight;
        self.lift *= weight;
        self.curvature *= weight;
    }
}

impl AddAssign for BatchLoss {
    fn add_assign(&mut self, other: Self) {
        self.total += other.total;
        self.correct += other.correct;
        self.count += other.count;
    }
}

/// Floats that losses are computed in: f32 for training, f64 to check it.
pub trait Real: Float + AddAssign + Send + Sync {
    /// e^self, the same bits on every platform where training needs that.
    #[must_use]
    fn exponential(self) -> Self;
    /// From f64, rounded.
    fn of(value: f64) -> Self;
    /// To f64, exactly.
    fn wide(self) -> f64;
}

impl Real for f32 {
    #[inline]
    fn exponential(self) -> Self {
        crate::kernel::exp(self)
    }
    #[inline]
    fn of(value: f64) -> Self {
        value as Self
    }
    #[inline]
    fn wide(self) -> f64 {
        self.into()
    }
}

impl Real for f64 {
    #[inline]
    fn exponential(self) -> Self {
        self.exp()
    }
    #[inline]
    fn of(value: f64) -> Self {
        value
    }
    #[inline]
    fn wide(self) -> f64 {
        self
    }
}

impl Loss {
    /// Replaces the scores (B, K) of a batch by the slopes dL_i/ds_ik (not divided by B) and returns
    /// the losses' sum, accumulated in f64.
    #[inline(always)]
    pub fn slopes<F: Real>(self, scores: &mut [F], classes: usize, labels: &[u16]) -> BatchLoss {
        // Ten is usual, and loops over a known number of classes are unrolled.
        match (self, classes) {
            (Self::Svm { margin }, 10) => svm::slopes(F::of(margin), scores, 10, labels),
            (Self::Softmax, 10) => softmax::slopes(scores, 10, labels),
            (Self::Svm { margin }, _) => svm::slopes(F::of(margin), scores, classes, labels),
            (Self::Softmax, _) => softmax::slopes(scores, classes, labels),
        }
    }

    /// As [`Loss::slopes`], of the smoothed loss; `width` is that of the SVM's smoothing.
    #[inline(always)]
    pub fn smoothed_slopes<F: Real>(
        self,
        width: f64,
        scores: &mut [F],
        classes: usize,
        labels: &[u16],
    ) -> SmoothLoss {
        match self {
            Self::Svm { margin } => svm::smoothed_slopes(F::of(margin), width, scores, classes, labels),
            Self::Softmax => {
                let loss = softmax::slopes(scores, classes, labels);
                let curvature = softmax::curvature(scores, classes, labels);
                SmoothLoss { loss, smoothed: loss.total, lift: 0.0, curvature }
            }
        }
    }

    /// The losses' sum over a batch of scores (B, K), which are left as they are.
    #[inline(always)]
    pub fn total<F: Real>(self, scores: &[F], classes: usize, labels: &[u16]) -> BatchLoss {
        let rows = scores.chunks_exact(classes).zip(labels);
        rows.fold(BatchLoss::default(), |mut sum, (scores, &label)| {
            let label = usize::from(label);
            sum.total += match self {
                Self::Svm { margin } => svm::loss(F::of(margin), scores, label),
                Self::Softmax => softmax::loss(scores, label),
            };
            sum.correct += usize::from(argmax(scores) == label);
            sum.count += 1;
            sum
        })
    }

    /// The largest magnitude of a slope dL_i/ds_ik, smoothed or not.
    pub(crate) fn largest_slope(self, classes: usize) -> f32 {
        match self {
            Self::Svm { .. } => (classes - 1) as f32,
            Self::Softmax => 1.0,
        }
    }

    /// The mean loss to expect while W is small and all scores are near 0 (the lecture's Q5):
    /// (K - 1) margin for the SVM, ln K for softmax.
    pub fn at_zero_scores(self, classes: usize) -> f64 {
        match self {
            Self::Svm { margin } => (classes - 1) as f64 * margin,
            Self::Softmax => (classes as f64).ln(),
        }
    }
}

/// The loss's formula, for people.
impl fmt::Display for Loss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Svm { margin } => write!(f, "sum_(j != y) max(0, s_j - s_y + {margin})"),
            Self::Softmax => write!(f, "-ln(e^s_y / sum_j e^s_j)"),
        }
    }
}

/// Data loss (a mean) plus penalty.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Objective {
    /// L_i.
    pub loss: Loss,
    /// The penalty on all weights, bias included.
    pub penalty: Penalty,
}

impl Objective {
    /// The full loss, with its numbers, for people; `weighted` if examples have weights q_i.
    pub fn formula(&self, weighted: bool) -> String {
        let weight = if weighted { "q_i " } else { "" };
        format!("(1/N) sum_i {weight}{}{}", self.loss, self.penalty)
    }
}

/// [`Objective::formula`] without weights.
impl fmt::Display for Objective {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.formula(false))
    }
}

/// Partial sums that loops over a row's classes keep, so that the compiler can vectorise them.
const LANES: usize = 16;

/// The highest score, over interleaved lanes; of scores that are no numbers, any may be ignored.
#[inline(always)]
fn highest<F: Real>(scores: &[F]) -> F {
    let larger = |a: F, b: F| if b > a { b } else { a };
    let (chunks, rest) = scores.as_chunks::<LANES>();
    let mut lanes = [scores[0]; LANES];
    for chunk in chunks {
        lanes.iter_mut().zip(chunk).for_each(|(lane, &score)| *lane = larger(*lane, score));
    }
    lanes.iter().chain(rest).fold(scores[0], |highest, &score| larger(highest, score))
}

/// The sum of `term` over a row, over interleaved partial sums; fewer than [`LANES`] numbers are added in order.
#[inline(always)]
fn row_sum<F: Real>(row: &[F], term: impl Fn(F) -> F) -> F {
    let (chunks, rest) = row.as_chunks::<LANES>();
    let mut lanes = [F::zero(); LANES];
    for chunk in chunks {
        lanes.iter_mut().zip(chunk).for_each(|(lane, &value)| *lane += term(value));
    }
    let rest = rest.iter().fold(F::zero(), |sum, &value| sum + term(value));
    lanes.iter().fold(rest, |sum, &lane| sum + lane)
}

/// The class with the highest score; the lowest of them on a tie.
#[inline(always)]
pub fn argmax<F: Real>(scores: &[F]) -> usize {
    let highest = highest(scores);
    scores.iter().position(|&score| score == highest).unwrap_or(0)
}

/// Whether `label` is the [`argmax`] of scores whose highest is known; not, where that is no number. Written without a
/// branch that changes from row to row.
#[inline(always)]
fn is_predicted<F: Real>(scores: &[F], label: usize, highest: F) -> bool {
    let as_high: u32 = scores.iter().map(|&score| u32::from(score == highest)).sum();
    scores[label] == highest && (as_high == 1 || argmax(scores) == label)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The two forms of a loss agree, and f32 agrees with f64, on rows of very different scales.
    #[test]
    fn total_and_slopes_agree() {
        let scores = [3.2, 5.1, -1.7, 800.0, 790.0, -900.0, 0.0, 0.0, 0.0, -2.85, 0.86, 0.28];
        let labels = [0, 1, 2, 2];
        for loss in [Loss::Svm { margin: 1.0 }, Loss::Svm { margin: 2.5 }, Loss::Softmax] {
            let total = loss.total(&scores, 3, &labels);
            let mut slopes = scores;
            let sum = loss.slopes(&mut slopes, 3, &labels);
            assert!((sum.total - total.total).abs() <= 1e-15 * total.total, "{sum:?} {total:?}");
            assert_eq!((sum.correct, sum.count), (total.correct, total.count));
            let mut narrow = scores.map(|score| score as f32);
            let in_f32 = loss.slopes(&mut narrow, 3, &labels);
            assert!((in_f32.total - total.total).abs() < 1e-6 * total.total, "{in_f32:?} {total:?}");
            assert_eq!(in_f32.correct, total.correct);
            for (a, b) in narrow.iter().zip(slopes) {
                assert!((f64::from(*a) - b).abs() < 1e-6, "{a} {b}");
            }
        }
    }

    #[test]
    fn a_tie_goes_to_the_lowest_class() {
        assert_eq!(argmax(&[1.0, 3.0, 3.0]), 1);
        assert_eq!(argmax(&[0.0; 4]), 0);
        for scores in [[1.0, 3.0, 3.0], [3.0, 1.0, 3.0], [0.0, 0.0, 0.0], [2.0, -1.0, 5.0]] {
            for label in 0..3 {
                let predicted = argmax(&scores) == label;
                assert_eq!(is_predicted(&scores, label, highest(&scores)), predicted, "{scores:?} {label}");
            }
        }
    }

    #[test]
    fn the_formula_names_its_numbers() {
        let objective = Objective { loss: Loss::Svm { margin: 1.0 }, penalty: Penalty { l2: 1e-3, l1: 0.0 } };
        assert_eq!(objective.to_string(), "(1/N) sum_i sum_(j != y) max(0, s_j - s_y + 1) + 0.001 sum W^2");
    }
}
