//! Numerical gradients in f64: difference quotients of the full loss, coordinate by coordinate.

use super::{Check, Parameters};
use crate::kernel::Team;
use crate::objective::Loss;
use crate::objective::reference::Reference;
use ndarray::{Array2, ArrayView1};
use serde::Serialize;

/// One coordinate, differentiated.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Coordinate {
    /// Row of W.
    pub class: usize,
    /// Column of W; `None` for the bias.
    pub feature: Option<usize>,
    /// The weight there.
    pub weight: f64,
    /// The full loss with h added to it.
    pub loss_above: f64,
    /// The analytic gradient.
    pub analytic: f64,
    /// (L(w + h) - L(w - h)) / 2h
    pub centred: f64,
    /// (L(w + h) - L(w)) / h, as in the lecture.
    pub forward: f64,
    /// (L(w) - L(w - h)) / h
    pub backward: f64,
    /// Whether a margin, or a weight under an l1 penalty, changes sign between w - h and w + h.
    pub kink: bool,
    /// Error of the analytic value against the centred difference, or its distance from the one-sided slopes at a
    /// kink; relative to the larger of the values compared.
    pub error: f64,
    /// What is left of the error when the quotient's own rounding, about 8 eps L / h, is taken off: what the verdict
    /// is on.
    pub excess: f64,
    /// Relative error of the forward difference against the analytic value.
    pub forward_error: f64,
    /// Whether the quotient can tell a right value from a wrong one: at no kink, and with a rounding below a tenth of the
    /// values compared.
    pub tells: bool,
}

impl Coordinate {
    /// Whether the analytic value is right, as far as the quotients tell.
    pub fn passes(&self, tolerance: f64) -> bool {
        self.excess <= tolerance
    }
}

/// Differentiates the full loss numerically at the chosen coordinates, numbered along W's rows with each row's bias last.
pub(super) fn differentiate(
    check: &Check<'_>,
    reference: &Reference,
    at: &Parameters,
    gradient: &Parameters,
    chosen: &[usize],
) -> Vec<Coordinate> {
    let per_class = check.examples.width + 1;
    let start = Point::new(reference, at);
    let mut found: Vec<Option<Coordinate>> = vec![None; chosen.len()];
    // Each share has weights of its own to disturb and restore.
    let share = chosen.len().div_ceil(check.threads.get()).max(1);
    let mut shares: Vec<_> = chosen.chunks(share).zip(found.chunks_mut(share)).collect();
    Team::new(check.threads).for_each(&mut shares, |_, (chosen, found)| {
        let mut own = at.clone();
        for (&number, found) in chosen.iter().zip(found.iter_mut()) {
            let (class, feature) = (number / per_class, number % per_class);
            let feature = (feature < check.examples.width).then_some(feature);
            let analytic = feature.map_or(gradient.1[class], |feature| gradient.0[[class, feature]]);
            *found = Some(coordinate(check, reference, &start, &mut own, class, feature, analytic));
        }
    });
    found.into_iter().flatten().collect()
}

/// A point in weight space: the scores there, and the full loss.
struct Point {
    scores: Array2<f64>,
    loss: f64,
}

impl Point {
    fn new(reference: &Reference, (weight, bias): &Parameters) -> Self {
        let scores = reference.scores(weight, bias);
        let loss = reference.data_loss(&scores) + reference.penalty(weight, bias);
        Self { scores, loss }
    }

    /// The point where only the weights of `class` differ from this one's: only its scores are computed anew.
    fn moved(&self, reference: &Reference, (weight, bias): &Parameters, class: usize) -> Self {
        let mut scores = self.scores.clone();
        let anew = reference.features.dot(&weight.row(class)) + bias[class];
        scores.column_mut(class).assign(&anew);
        let loss = reference.data_loss(&scores) + reference.penalty(weight, bias);
        Self { scores, loss }
    }
}

fn coordinate(
    check: &Check<'_>,
    reference: &Reference,
    start: &Point,
    weights: &mut Parameters,
    class: usize,
    feature: Option<usize>,
    analytic: f64,
) -> Coordinate {
    let entry = |weights: &mut Parameters, value: Option<f64>| {
        let place = match feature {
            Some(feature) => &mut weights.0[[class, feature]],
            None => &mut weights.1[class],
        };
        std::mem::replace(place, value.unwrap_or(*place))
    };
    let old = entry(weights, None);
    let (high, low) = (old + check.h, old - check.h);
    entry(weights, Some(high));
    let above = start.moved(reference, weights, class);
    entry(weights, Some(low));
    let below = start.moved(reference, weights, class);
    // Restored: the lecture's "very important!".
    entry(weights, Some(old));

    // The steps as they come out in f64, not as they were meant; where they come out as nothing, so do the quotients.
    let step = |from: f64, to: f64, meant: f64| if to == from { meant } else { to - from };
    let forward = (above.loss - start.loss) / step(old, high, check.h);
    let backward = (start.loss - below.loss) / step(low, old, check.h);
    let centred = (above.loss - below.loss) / step(low, high, 2.0 * check.h);
    let kink = changes_side(reference, &above, &below)
        || (check.objective.penalty.l1 > 0.0 && high.signum() != low.signum());

    let compared_with =
        if kink { analytic.max(backward.min(forward)).min(forward.max(backward)) } else { centred };
    let rounding = 8.0 * f64::EPSILON * start.loss.abs().max(1.0) / check.h;
    Coordinate {
        class,
        feature,
        weight: old,
        loss_above: above.loss,
        analytic,
        centred,
        forward,
        backward,
        kink,
        error: relative_error(analytic, compared_with, 0.0),
        excess: relative_error(analytic, compared_with, rounding),
        forward_error: relative_error(analytic, forward, 0.0),
        tells: !kink && (analytic == centred || rounding <= 0.1 * analytic.abs().max(centred.abs())),
    }
}

/// |a - b| / max(|a|, |b|), after `rounding` is taken off the difference; not a number if a or b is none.
fn relative_error(a: f64, b: f64, rounding: f64) -> f64 {
    let difference = (a - b).abs();
    if difference <= rounding { 0.0 } else { (difference - rounding) / a.abs().max(b.abs()) }
}

/// Whether any margin of the SVM loss has another sign at one point than at the other.
fn changes_side(reference: &Reference, above: &Point, below: &Point) -> bool {
    let Loss::Svm { margin } = reference.objective.loss else { return false };
    let rows = above.scores.rows().into_iter().zip(below.scores.rows()).zip(&reference.labels);
    rows.into_iter().any(|((above, below), &label)| {
        let label = usize::from(label);
        let sides = |scores: ArrayView1<'_, f64>, class: usize| scores[class] - scores[label] + margin > 0.0;
        (0..above.len()).any(|class| class != label && sides(above, class) != sides(below, class))
    })
}
