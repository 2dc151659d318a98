//! The largest curvature of the data, by the power method: what bounds a stable learning rate.

use super::UpdateRule;
use ndarray::{Array1, Array2};

/// The largest eigenvalue of X^T X / n, for the rows of X (n, D), from a start vector that is not
/// orthogonal to everything; about 1% below the true value after the `rounds` used here.
pub fn largest_eigenvalue(x: &Array2<f64>, start: Array1<f64>) -> f64 {
    const ROUNDS: usize = 30;
    let mut direction = start;
    let mut eigenvalue = 0.0;
    for _ in 0..ROUNDS {
        let length = direction.dot(&direction).sqrt();
        if length == 0.0 {
            return 0.0;
        }
        direction /= length;
        let image = x.t().dot(&x.dot(&direction)) / x.nrows() as f64;
        eigenvalue = direction.dot(&image);
        direction = image;
    }
    eigenvalue
}

/// A learning rate worth trying after a divergence: half the largest stable one of plain gradient descent, which is 2
/// over the largest curvature, and never as large as the one that failed. Rounded down to one digit.
pub fn suggested_rate(rule: UpdateRule, failed: f64, largest_curvature: f64) -> f64 {
    let stable = match rule {
        UpdateRule::Momentum { momentum } | UpdateRule::Nesterov { momentum } => {
            (1.0 - momentum) / largest_curvature
        }
        _ if rule.is_adaptive() => 1e-3,
        _ => 1.0 / largest_curvature,
    };
    let wanted = stable.min(failed / 10.0);
    let unit = 10_f64.powf(wanted.log10().floor());
    (wanted / unit).floor().max(1.0) * unit
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    #[test]
    fn finds_the_widest_direction() {
        // X^T X / 2 = diag(8, 0.5).
        let x = array![[4.0, 0.0], [0.0, 1.0]];
        assert!((largest_eigenvalue(&x, array![1.0, 1.0]) - 8.0).abs() < 1e-9);
        assert_eq!(largest_eigenvalue(&array![[0.0, 0.0]], array![1.0, 1.0]), 0.0);
    }

    #[test]
    fn the_suggestion_is_stable_and_smaller_than_what_failed() {
        assert!((suggested_rate(UpdateRule::Sgd, 10.0, 440.0) - 2e-3).abs() < 1e-12);
        assert!((suggested_rate(UpdateRule::Momentum { momentum: 0.9 }, 10.0, 440.0) - 2e-4).abs() < 1e-12);
        assert!((suggested_rate(UpdateRule::Sgd, 1e-3, 1e-9) - 1e-4).abs() < 1e-12);
        let adam = UpdateRule::Adam { beta1: 0.9, beta2: 0.999, epsilon: 1e-8 };
        assert!((suggested_rate(adam, 50.0, 440.0) - 1e-3).abs() < 1e-12);
    }
}
