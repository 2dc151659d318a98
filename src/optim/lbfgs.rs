//! L-BFGS (Liu and Nocedal 1989): steps by an inverse Hessian that is known by its last few effects alone, on top of
//! an initial one that the caller gives. The better that one, the fewer steps: with a good one the pairs only add
//! what it misses.

use std::collections::VecDeque;

/// The last steps s and the changes y of the gradient that they made, oldest first.
#[derive(Clone, Debug)]
pub struct Lbfgs {
    pairs: VecDeque<Pair>,
    most: usize,
}

#[derive(Clone, Debug)]
struct Pair {
    step: Vec<f64>,
    change: Vec<f64>,
    /// 1 / (s . y).
    inverse: f64,
}

impl Lbfgs {
    /// Knows nothing yet, and will keep at most so many pairs.
    pub fn new(most: usize) -> Self {
        Self { pairs: VecDeque::with_capacity(most), most }
    }

    /// -H g, the step to take where the gradient is g; `initial` multiplies by the initial inverse Hessian, in place.
    pub fn direction(&self, gradient: &[f64], initial: impl FnOnce(&mut [f64])) -> Vec<f64> {
        let mut direction: Vec<f64> = gradient.iter().map(|g| -g).collect();
        let mut factors = Vec::with_capacity(self.pairs.len());
        for pair in self.pairs.iter().rev() {
            let factor = pair.inverse * dot(&pair.step, &direction);
            add(&mut direction, -factor, &pair.change);
            factors.push(factor);
        }
        initial(&mut direction);
        for (pair, factor) in self.pairs.iter().zip(factors.into_iter().rev()) {
            let factor = factor - pair.inverse * dot(&pair.change, &direction);
            add(&mut direction, factor, &pair.step);
        }
        direction
    }

    /// Takes note of a step, unless it saw no curvature: an inverse Hessian must stay positive definite.
    pub fn remember(&mut self, step: Vec<f64>, change: Vec<f64>) {
        let product = dot(&step, &change);
        if product <= f64::EPSILON * dot(&change, &change).sqrt() * dot(&step, &step).sqrt()
            || !product.is_finite()
        {
            return;
        }
        if self.pairs.len() == self.most {
            self.pairs.pop_front();
        }
        self.pairs.push_back(Pair { step, change, inverse: 1.0 / product });
    }

    /// Forgets all pairs.
    pub fn forget(&mut self) {
        self.pairs.clear();
    }

    /// Whether it knows no pair.
    pub fn is_new(&self) -> bool {
        self.pairs.is_empty()
    }
}

/// a . b, over eight interleaved sums that the compiler can vectorise.
pub fn dot(a: &[f64], b: &[f64]) -> f64 {
    let mut sums = [0.0; 8];
    for (a, b) in a.chunks(8).zip(b.chunks(8)) {
        for ((sum, a), b) in sums.iter_mut().zip(a).zip(b) {
            *sum += a * b;
        }
    }
    sums.iter().sum()
}

/// to += factor * from.
#[inline(always)]
pub fn add(to: &mut [f64], factor: f64, from: &[f64]) {
    to.iter_mut().zip(from).for_each(|(to, from)| *to += factor * from);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::optim::line_search::{Slope, line_search};

    /// Minimises from `start` and returns where it came to and how many gradients it took.
    fn minimise(
        start: Vec<f64>,
        initial: impl Fn(&mut [f64]),
        value: impl Fn(&[f64]) -> (f64, Vec<f64>),
    ) -> (Vec<f64>, usize) {
        let mut lbfgs = Lbfgs::new(10);
        let (mut x, mut count) = (start, 1);
        let mut now = value(&x);
        while dot(&now.1, &now.1).sqrt() > 1e-9 && count < 500 {
            let direction = lbfgs.direction(&now.1, &initial);
            let (mut next, mut there) = (x.clone(), now.clone());
            let slope = Slope { value: now.0, slope: dot(&now.1, &direction) };
            line_search(slope, 0.0, |length| {
                next.clone_from(&x);
                add(&mut next, length, &direction);
                there = value(&next);
                count += 1;
                Slope { value: there.0, slope: dot(&there.1, &direction) }
            })
            .expect("a step");
            let difference = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a - b).collect();
            lbfgs.remember(difference(&next, &x), difference(&there.1, &now.1));
            (x, now) = (next, there);
        }
        (x, count)
    }

    /// c_i, from 0.001 up by powers of ten.
    fn curvature(i: usize) -> f64 {
        1e-3 * 10_f64.powf(i as f64)
    }

    /// 1/2 sum_i c_i (x_i - i)^2.
    fn valley(x: &[f64]) -> (f64, Vec<f64>) {
        let gradient: Vec<f64> = x.iter().enumerate().map(|(i, x)| curvature(i) * (x - i as f64)).collect();
        let value = x.iter().enumerate().map(|(i, x)| 0.5 * curvature(i) * (x - i as f64).powi(2)).sum();
        (value, gradient)
    }

    #[test]
    fn a_quadratic_takes_one_step_in_its_own_metric() {
        let inverse = |g: &mut [f64]| g.iter_mut().enumerate().for_each(|(i, g)| *g /= curvature(i));
        let (x, count) = minimise(vec![5.0; 7], inverse, valley);
        assert_eq!(count, 2);
        assert!(x.iter().enumerate().all(|(i, x)| (x - i as f64).abs() < 1e-6), "{x:?}");
        let (x, count) = minimise(vec![5.0; 7], |_| {}, valley);
        assert!(count > 2 && count < 100, "{count}");
        assert!(x.iter().enumerate().all(|(i, x)| (x - i as f64).abs() < 1e-5), "{x:?}");
    }

    /// sum_i ln(2 cosh d_i) + 1/2 (d_i - d_0)^2 with d_i = x_i - i: straight far out, lowest where every x_i is i.
    #[test]
    fn a_convex_function_is_minimised_from_afar() {
        let value = |x: &[f64]| {
            let d: Vec<f64> = x.iter().enumerate().map(|(i, x)| x - i as f64).collect();
            let cosh: f64 = d.iter().map(|d| d.abs() + (-2.0 * d.abs()).exp().ln_1p()).sum();
            let ties: f64 = d.iter().map(|v| (v - d[0]).powi(2)).sum();
            let mut gradient: Vec<f64> = d.iter().map(|v| v.tanh() + v - d[0]).collect();
            gradient[0] -= d.iter().map(|v| v - d[0]).sum::<f64>();
            (cosh + 0.5 * ties, gradient)
        };
        let (x, count) = minimise(vec![300.0, -80.0, 0.0, 7.0], |_| {}, value);
        assert!(x.iter().enumerate().all(|(i, x)| (x - i as f64).abs() < 1e-8), "{x:?}");
        assert!(count < 100, "{count}");
    }

    #[test]
    fn a_step_without_curvature_is_not_remembered() {
        let mut lbfgs = Lbfgs::new(2);
        lbfgs.remember(vec![1.0, 0.0], vec![0.0, 1.0]);
        lbfgs.remember(vec![1.0, 0.0], vec![-1.0, 0.0]);
        lbfgs.remember(vec![f64::NAN, 0.0], vec![1.0, 0.0]);
        assert!(lbfgs.is_new());
        for _ in 0..3 {
            lbfgs.remember(vec![1.0, 0.0], vec![4.0, 0.0]);
        }
        assert_eq!(lbfgs.pairs.len(), 2);
        assert_eq!(lbfgs.direction(&[4.0, 2.0], |_| {}), [-1.0, -2.0]);
    }
}
