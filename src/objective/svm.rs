//! Multiclass SVM loss (Weston and Watkins 1999, the lecture's form): L_i = sum over j != y of
//! max(0, s_j - s_y + margin). Its slope is 1 at every j whose margin is violated, and minus their
//! count at y; at the kink itself 0, one of the subgradients.

use super::lanes::Lanes;
use super::{BatchLoss, Real, SmoothLoss, argmax, highest, is_predicted};

/// L_i of one example's scores (K).
#[inline(always)]
pub fn loss<F: Real>(margin: F, scores: &[F], label: usize) -> f64 {
    let threshold = scores[label] - margin;
    let others = scores.iter().enumerate().filter(|&(class, _)| class != label);
    others.map(|(_, &score)| hinge(score - threshold).1).sum()
}

/// Scores (B, K) to slopes, in place.
#[inline(always)]
pub fn slopes<F: Real>(margin: F, scores: &mut [F], classes: usize, labels: &[u16]) -> BatchLoss {
    let mut correct = 0;
    for (scores, &label) in scores.chunks_exact_mut(classes).zip(labels) {
        let label = usize::from(label);
        correct += usize::from(is_predicted(scores, label, highest(scores)));
        let threshold = scores[label] - margin;
        scores.iter_mut().for_each(|score| *score = *score - threshold);
        // So the label's own term is 0, and no loop needs a branch to leave it out.
        scores[label] = F::zero();
    }
    // Over all rows at once: the compiler makes vectors of it, whatever the number of classes.
    let mut total = Lanes::default();
    total.add(scores, |excess| hinge(excess).1);
    for (scores, &label) in scores.chunks_exact_mut(classes).zip(labels) {
        let mut violated = 0;
        for score in scores.iter_mut() {
            violated += i32::from(*score > F::zero());
            *score = hinge(*score).0;
        }
        scores[usize::from(label)] = F::of(f64::from(-violated));
    }
    BatchLoss { total: total.total(), correct, count: labels.len() }
}

/// Scores (B, K) to slopes of the smoothed loss, in place: a_j = min(1, max(0, z_j / width)) at j != y, where z_j =
/// s_j - s_y + margin, and minus their sum at y. The smoothed term is a z - width a^2 / 2.
#[inline(always)]
pub fn smoothed_slopes<F: Real>(
    margin: F,
    width: f64,
    scores: &mut [F],
    classes: usize,
    labels: &[u16],
) -> SmoothLoss {
    let mut sum = SmoothLoss {
        loss: BatchLoss { count: labels.len(), ..BatchLoss::default() },
        ..SmoothLoss::default()
    };
    let steepness = F::of(1.0 / width);
    for (scores, &label) in scores.chunks_exact_mut(classes).zip(labels) {
        let label = usize::from(label);
        sum.loss.correct += usize::from(argmax(scores) == label);
        let threshold = scores[label] - margin;
        // As in `slopes`: the label's own term is 0.
        scores[label] = threshold;
        let mut total = F::zero();
        for score in scores.iter_mut() {
            let excess = *score - threshold;
            sum.loss.total += hinge(excess).1;
            let slope = (excess * steepness).max(F::zero()).min(F::one());
            if slope > F::zero() && slope < F::one() {
                // 1 / width both for this class and for the label's.
                sum.curvature += 2.0 / width;
            }
            let lift = 0.5 * width * slope.wide() * slope.wide();
            sum.smoothed += slope.wide() * excess.wide() - lift;
            sum.lift += lift;
            total += slope;
            *score = slope;
        }
        scores[label] = -total;
    }
    sum
}

/// Slope and value of max(0, excess). The value is a product, so that NaN does not pass for 0.
#[inline]
fn hinge<F: Real>(excess: F) -> (F, f64) {
    let slope = if excess > F::zero() { F::one() } else { F::zero() };
    (slope, (excess * slope).wide())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The lecture's three pictures (cat, car, frog): losses 2.9, 0 and 12.9, mean 5.27.
    #[test]
    fn the_lectures_pictures() {
        let scores = [3.2, 5.1, -1.7, 1.3, 4.9, 2.0, 2.2, 2.5, -3.1_f64];
        let losses: Vec<f64> = (0..3).map(|i| loss(1.0, &scores[3 * i..][..3], i)).collect();
        for (found, expected) in losses.iter().zip([2.9, 0.0, 12.9]) {
            assert!((found - expected).abs() < 1e-12, "{losses:?}");
        }
        assert!((losses.iter().sum::<f64>() / 3.0 - 5.27).abs() < 0.005);
    }

    #[test]
    fn slopes_count_violations() {
        let mut scores = [3.2, 5.1, -1.7, 1.3, 4.9, 2.0, 2.2, 2.5, -3.1_f32];
        let sum = slopes(1.0, &mut scores, 3, &[0, 1, 2]);
        assert_eq!(scores, [-1.0, 1.0, 0.0, 0.0, 0.0, 0.0, 1.0, 1.0, -2.0]);
        assert_eq!(sum.correct, 1);
    }

    /// Width 0.5 on margins violated by 0.25 and 2: the first is half up the parabola, the second on the straight.
    #[test]
    fn smoothing_rounds_the_kink_off() {
        let mut scores = [1.0, 0.25, 2.0, -5.0_f64];
        let sum = smoothed_slopes(1.0, 0.5, &mut scores, 4, &[0]);
        assert_eq!(scores, [-1.5, 0.5, 1.0, 0.0]);
        assert_eq!(sum.loss, BatchLoss { total: 2.25, correct: 0, count: 1 });
        assert_eq!(sum.curvature, 4.0);
        // h(0.25) = 0.25^2 / (2 0.5), h(2) = 2 - 0.5 / 2.
        assert!((sum.smoothed - (0.0625 + 1.75)).abs() < 1e-15, "{sum:?}");
        assert!((sum.lift - (0.25 * 0.25 + 0.25)).abs() < 1e-15, "{sum:?}");
    }

    #[test]
    fn a_score_that_is_no_number_is_not_hidden() {
        for place in 0..3 {
            let mut scores = [0.0_f32; 3];
            scores[place] = f32::NAN;
            assert!(slopes(1.0, &mut scores, 3, &[1]).total.is_nan(), "NaN at {place}");
        }
    }
}
