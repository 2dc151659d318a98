//! Paths of lambdas: where the next minimum may lie.

use super::metric::Metric;
use super::{Minimum, joined};

/// Where to start: at the minimum of a neighbour, a problem of the same rows with another lambda.
pub struct Neighbour {
    pub(super) place: Place,
    /// The one before it on the path.
    before: Option<Place>,
    pub(super) metric: Metric,
}

/// A place on a path of lambdas.
pub(super) struct Place {
    lambda: f64,
    /// The minimum there: W and b, (K, D + 1).
    weights: Vec<f64>,
}

impl From<Minimum> for Neighbour {
    fn from(minimum: Minimum) -> Self {
        let (weight, bias) = minimum.weights.to_arrays();
        let place = Place { lambda: minimum.lambda, weights: joined(&weight, &bias) };
        Self { place, before: minimum.before, metric: minimum.metric }
    }
}

impl Neighbour {
    /// Where the minimum at `lambda` may lie: on from the last two along a line over ln lambda, no farther than they are
    /// apart.
    pub(super) fn towards(&self, lambda: f64) -> Vec<f64> {
        let mut weights = self.place.weights.clone();
        if let Some(before) = &self.before {
            let gone = (self.place.lambda / before.lambda).ln();
            let part = ((lambda / self.place.lambda).ln() / gone).clamp(0.0, 1.0);
            if part.is_finite() {
                weights.iter_mut().zip(&before.weights).for_each(|(w, before)| *w += part * (*w - before));
            }
        }
        weights
    }
}
