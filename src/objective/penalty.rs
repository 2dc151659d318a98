//! The penalty: lambda sum W^2 + lambda_1 sum |W| over all weights and the bias, with no 1/2 (the lecture's
//! R(W)). Gradient 2 lambda W + lambda_1 sign(W), the sign of 0 taken as 0.

use super::Real;
use super::lanes::Lanes;
use std::fmt;

/// Strengths of the penalty on every weight and bias that training sees.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Penalty {
    /// lambda, of the sum of squares.
    pub l2: f64,
    /// `lambda_1`, of the sum of absolute values.
    pub l1: f64,
}

impl Penalty {
    /// The penalty of some of the weights, accumulated in f64; not finite if a weight is not, even where both
    /// strengths are 0.
    #[inline(always)]
    pub fn value<F: Real>(self, weights: &[F]) -> f64 {
        let mut sums = PenaltySums::default();
        sums.add(self, weights);
        sums.penalty(self)
    }

    /// Adds the penalty's gradient at `weights` to `gradient`.
    #[inline(always)]
    pub fn add_gradient<F: Real>(self, weights: &[F], gradient: &mut [F]) {
        let (l2, l1) = (F::of(2.0 * self.l2), F::of(self.l1));
        if self.l1 == 0.0 {
            gradient.iter_mut().zip(weights).for_each(|(g, &w)| *g += l2 * w);
            return;
        }
        for (g, &w) in gradient.iter_mut().zip(weights) {
            let sign = if w == F::zero() { F::zero() } else { w.signum() };
            *g += l2 * w + l1 * sign;
        }
    }
}

/// What the penalty of weights is computed from, summed some weights at a time.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct PenaltySums {
    squares: Lanes,
    magnitudes: Lanes,
}

impl PenaltySums {
    /// Adds some weights.
    #[inline(always)]
    pub fn add<F: Real>(&mut self, penalty: Penalty, weights: &[F]) {
        self.squares.add(weights, |w| w * w);
        if penalty.l1 != 0.0 {
            self.magnitudes.add(weights, f64::abs);
        }
    }

    /// See [`Penalty::value`].
    pub fn penalty(&self, penalty: Penalty) -> f64 {
        penalty.l2 * self.squares.total() + penalty.l1 * self.magnitudes.total()
    }
}

/// What the penalty adds to the objective's formula.
impl fmt::Display for Penalty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.l2 != 0.0 {
            write!(f, " + {} sum W^2", self.l2)?;
        }
        if self.l1 != 0.0 {
            write!(f, " + {} sum |W|", self.l1)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn value_and_gradient_follow_the_formula() {
        let penalty = Penalty { l2: 0.5, l1: 0.25 };
        let weights = [2.0, -3.0, 0.0_f64];
        assert!((penalty.value(&weights) - (0.5 * 13.0 + 0.25 * 5.0)).abs() < 1e-15);
        let mut gradient = [1.0; 3];
        penalty.add_gradient(&weights, &mut gradient);
        assert_eq!(gradient, [1.0 + 2.0 + 0.25, 1.0 - 3.0 - 0.25, 1.0]);
    }
}
