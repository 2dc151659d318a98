//! How good a difference quotient is, and how that depends on h.

use super::numerical::{self, Coordinate};
use super::{Check, Problem};
use crate::objective::reference::Reference;
use serde::Serialize;

/// The errors at one h.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct StepError {
    /// h.
    pub h: f64,
    /// Of (L(w + h) - L(w)) / h against the analytic gradient: length of the difference, relative to the gradient's.
    pub forward: f64,
    /// Of (L(w + h) - L(w - h)) / 2h, the same.
    pub centred: f64,
}

/// The numerical gradient at the first coordinates.
#[derive(Clone, Debug, Serialize)]
pub struct Study {
    /// The full loss at W.
    pub loss: f64,
    /// h of the coordinates.
    pub h: f64,
    /// Coordinates W[0, 0], W[0, 1], ... differentiated.
    pub coordinates: Vec<Coordinate>,
    /// For each of several h, the largest first.
    pub errors: Vec<StepError>,
}

/// Differentiates at the first `count` coordinates of W, at the plan's h, and compares at each of `steps`.
pub fn study(check: &Check<'_>, count: usize, steps: &[f64]) -> Study {
    let Problem { reference, weight, bias, .. } = Problem::draw(check).0;
    let at = (weight.mapv(f64::from), bias.mapv(f64::from));
    let gradient = Reference::gradient(&reference, &at.0, &at.1);
    // Numbered along W's rows, each row's bias last; the biases are not shown.
    let width = check.examples.width;
    let chosen: Vec<usize> =
        (0..count.min(check.classes * width)).map(|i| i / width * (width + 1) + i % width).collect();
    let differentiate = |h: f64| {
        let check = Check { h, ..*check };
        numerical::differentiate(&check, &reference, &at, &gradient, &chosen)
    };
    let errors = steps.iter().map(|&h| {
        let found = differentiate(h);
        let length =
            |of: &dyn Fn(&Coordinate) -> f64| found.iter().map(|c| of(c).powi(2)).sum::<f64>().sqrt();
        let whole = length(&|c| c.analytic).max(f64::MIN_POSITIVE);
        let forward = length(&|c| c.forward - c.analytic) / whole;
        let centred = length(&|c| c.centred - c.analytic) / whole;
        StepError { h, forward, centred }
    });
    Study {
        loss: reference.loss(&at.0, &at.1),
        h: check.h,
        errors: errors.collect(),
        coordinates: differentiate(check.h),
    }
}
