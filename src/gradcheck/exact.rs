//! A third opinion: the gradient of a tiny sub-problem by automatic differentiation, which knows neither the analytic
//! formulas nor difference quotients, and is exact to rounding.

use super::Parameters;
use crate::autodiff::classifier::ClassifierGraph;
use crate::objective::reference::Reference;
use ndarray::{Array1, Array2, s};
use serde::Serialize;

/// Largest error of the analytic gradient, relative to its largest entry, that passes: both are exact in f64 but for
/// the rounding of a few hundred sums.
pub const EXACT_BOUND: f64 = 1e-10;
/// Rows of the sub-problem; a graph has a node for each multiplication.
const ROWS: usize = 3;
/// Features of it, from the first.
const FEATURES: usize = 20;

/// What automatic differentiation says.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct ExactCheck {
    /// Rows used.
    pub rows: usize,
    /// Features used.
    pub features: usize,
    /// Weights and biases differentiated by.
    pub coordinates: usize,
    /// Largest error of a gradient entry, relative to the largest entry.
    pub gradient_error: f64,
    /// Relative error of the full loss.
    pub loss_error: f64,
}

impl ExactCheck {
    /// Whether both errors are within [`EXACT_BOUND`].
    pub fn passes(&self) -> bool {
        self.gradient_error <= EXACT_BOUND && self.loss_error <= EXACT_BOUND
    }
}

/// The analytic gradient of the sub-problem against the graph's, in all coordinates.
pub(super) fn check(
    reference: &Reference,
    (weight, bias): &Parameters,
    analytic: &impl Fn(&Reference, &Array2<f64>, &Array1<f64>) -> Parameters,
) -> ExactCheck {
    let (rows, features) = (reference.labels.len().min(ROWS), weight.ncols().min(FEATURES));
    let small = Reference {
        features: reference.features.slice(s![..rows, ..features]).to_owned(),
        labels: reference.labels[..rows].to_vec(),
        weights: reference.weights.as_ref().map(|weights| weights[..rows].to_vec()),
        objective: reference.objective,
    };
    let weight = weight.slice(s![.., ..features]).to_owned();
    let (labels, weights) = (&small.labels, small.weights.as_deref());
    let built = ClassifierGraph::weighted(&small.features, labels, weights, bias.len(), reference.objective);
    let coordinates = bias.len() * (features + 1);
    let found =
        |gradient_error, loss_error| ExactCheck { rows, features, coordinates, gradient_error, loss_error };
    let Ok(pass) = built.graph.evaluate(&ClassifierGraph::inputs(&weight, bias)) else {
        return found(f64::NAN, f64::NAN);
    };
    let (by_weight, by_bias) = analytic(&small, &weight, bias);
    let (mut largest, mut difference) = (f64::MIN_POSITIVE, 0.0_f64);
    for (class, row) in built.weights.iter().enumerate() {
        for (feature, id) in row.iter().enumerate() {
            let own = if feature < features { by_weight[[class, feature]] } else { by_bias[class] };
            let exact = pass.gradient(*id).unwrap_or(0.0);
            if own.is_nan() {
                return found(f64::NAN, f64::NAN);
            }
            largest = largest.max(exact.abs());
            difference = difference.max((own - exact).abs());
        }
    }
    let (loss, exact) = (small.loss(&weight, bias), pass.value(built.graph.end()));
    found(difference / largest, (loss - exact).abs() / exact.abs().max(f64::MIN_POSITIVE))
}
