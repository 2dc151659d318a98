//! Softmax cross-entropy in nats: L_i = -ln p_y with p_j = e^{s_j} / sum_k e^{s_k}. Its slope is
//! p_j - [j = y]. Scores are shifted by their own row's maximum, so that no exponential overflows.

use super::{BatchLoss, Real, highest, is_predicted, row_sum};

/// L_i of one example's scores (K).
#[inline(always)]
pub fn loss<F: Real>(scores: &[F], label: usize) -> f64 {
    let highest = highest(scores);
    let sum = row_sum(scores, |score| (score - highest).exponential());
    sum.wide().ln() + (highest - scores[label]).wide()
}

/// Scores (K) to probabilities, in place; returns ln sum_j e^{s_j - s_max}.
#[inline(always)]
pub fn probabilities<F: Real>(scores: &mut [F]) -> f64 {
    let highest = highest(scores);
    for score in scores.iter_mut() {
        *score = (*score - highest).exponential();
    }
    let sum = row_sum(scores, |exponential| exponential);
    for score in scores.iter_mut() {
        *score = *score / sum;
    }
    sum.wide().ln()
}

/// Rows whose scores become slopes together.
const ROWS: usize = 32;

/// Scores (B, K) to slopes, in place.
#[inline(always)]
pub fn slopes<F: Real>(scores: &mut [F], classes: usize, labels: &[u16]) -> BatchLoss {
    let mut sum = BatchLoss { count: labels.len(), ..BatchLoss::default() };
    for (scores, labels) in scores.chunks_mut(ROWS * classes).zip(labels.chunks(ROWS)) {
        let mut behind = [F::zero(); ROWS];
        for ((scores, &label), behind) in scores.chunks_exact_mut(classes).zip(labels).zip(&mut behind) {
            let (label, highest) = (usize::from(label), highest(scores));
            sum.correct += usize::from(is_predicted(scores, label, highest));
            *behind = highest - scores[label];
            scores.iter_mut().for_each(|score| *score = *score - highest);
        }
        // In a loop over all rows: the compiler makes vectors of it, whatever the number of classes.
        scores.iter_mut().for_each(|score| *score = score.exponential());
        for ((scores, &label), &behind) in scores.chunks_exact_mut(classes).zip(labels).zip(&behind) {
            let exponentials = row_sum(scores, |exponential| exponential);
            sum.total += exponentials.wide().ln() + behind.wide();
            scores.iter_mut().for_each(|score| *score = *score / exponentials);
            let own = &mut scores[usize::from(label)];
            *own = *own - F::one();
        }
    }
    sum
}

/// Sum over a batch of the trace of the Hessian by the scores, sum_j p_j (1 - p_j), from the slopes (B, K).
pub fn curvature<F: Real>(slopes: &[F], classes: usize, labels: &[u16]) -> f64 {
    let rows = slopes.chunks_exact(classes).zip(labels);
    // The label's slope is p - 1, and p (1 - p) is the same for both: -a (1 + a).
    rows.map(|(slopes, &label)| {
        let of = |slope: f64| slope * (1.0 - slope);
        let all: f64 = slopes.iter().map(|slope| of(slope.wide())).sum();
        let own = slopes[usize::from(label)].wide();
        all - of(own) + of(-own)
    })
    .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The lecture's example: exp 0.058, 2.36, 1.32; normalised 0.016, 0.631, 0.353. Its loss of
    /// 0.452 is -log10(0.353); in nats, the unit of its own formula, it is 1.04.
    #[test]
    fn the_lectures_example() {
        let mut scores = [-2.85, 0.86, 0.28_f64];
        let loss_in_nats = loss(&scores, 2);
        probabilities(&mut scores);
        // The slide divides exponentials that it has rounded: its 0.016 is 0.0154 unrounded.
        for (found, expected) in scores.iter().zip([0.0154, 0.631, 0.353]) {
            assert!((found - expected).abs() < 5e-4, "{scores:?}");
        }
        assert!((loss_in_nats - 1.04).abs() < 5e-3);
        assert!((loss_in_nats / std::f64::consts::LN_10 - 0.452).abs() < 5e-4);
    }

    #[test]
    fn curvature_is_the_variance_of_the_labels() {
        let mut scores = [0.0, 2.0_f64.ln(), 0.0, 0.0, 0.0, 0.0];
        slopes(&mut scores, 3, &[1, 0]);
        let expected = 2.0 * 0.25 * 0.75 + 0.5 * 0.5 + 3.0 * (2.0 / 9.0);
        assert!((curvature(&scores, 3, &[1, 0]) - expected).abs() < 1e-12);
    }

    #[test]
    fn rows_of_any_scale_stay_finite() {
        let mut scores = [1000.0, -1000.0, 0.0, -1000.0, -1000.0, -1000.5_f32];
        let sum = slopes(&mut scores, 3, &[1, 0]);
        assert!(scores.iter().all(|slope| slope.is_finite()));
        let second = (2.0 + (-0.5_f64).exp()).ln();
        assert!((sum.total - 2000.0 - second).abs() < 1e-4, "{sum:?}");
    }

    #[test]
    fn a_score_that_is_no_number_is_not_hidden() {
        for place in 0..3 {
            let mut scores = [0.0_f32; 3];
            scores[place] = f32::NAN;
            assert!(slopes(&mut scores, 3, &[1]).total.is_nan(), "NaN at {place}");
        }
    }
}
