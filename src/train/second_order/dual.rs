//! The SVM's dual, one example after the other. Where few examples hold the minimum, as with classes that lie well apart,
//! this comes to it where the smoothed hinge only creeps.
//!
//! For each class j but the label y of an example i, a_ij lies in [0, 1]; with c_ij = a_ij, c_iy = -sum_j a_ij, q_i what the
//! example counts, and x_i its preprocessed features with a 1 for the bias behind them:
//!
//! ```text
//! W(a) = -1 / (2 lambda N) sum_i q_i c_i x_i^T
//! D(a) = margin / N sum_ij q_i a_ij - lambda ||W(a)||^2 <= min P
//! ```
//!
//! and where D is highest, W(a) is the minimum. The a of one example are chosen best while all others stay, again and
//! again (dual coordinate ascent: Keerthi and others 2008, Shalev-Shwartz and Zhang 2013).

use crate::kernel::Matrix;
use crate::objective::LinearProblem;
use crate::optim::add;
use crate::random::{self, Stream};
use rand_chacha::ChaCha8Rng;

/// Few examples hold the minimum when at most this part of all have an a above 0: then most of the work goes to them.
const FEW: f64 = 0.5;
/// They are gone over so many times for one time over all, at most ...
const INNER: usize = 200;
/// ... and for so many multiplications: about a second.
const WORK: usize = 1 << 31;
/// Partial sums of a dot product.
const LANES: usize = 16;

/// An ascent under way.
pub struct DualAscent<'a> {
    problem: &'a LinearProblem<'a>,
    rows: &'a [u32],
    margin: f64,
    /// a (N, K); 0 at the label.
    a: Vec<f64>,
    /// W(a) and b, (K, D + 1).
    weights: Vec<f64>,
    /// Room: one example, (D + 1).
    x: Vec<f64>,
    /// Room: its scores, then by how much its a change, (K).
    scores: Vec<f64>,
    order: ChaCha8Rng,
}

impl<'a> DualAscent<'a> {
    /// From the slopes of the hinge smoothed over `width` at `weights`.
    pub fn new(
        problem: &'a LinearProblem<'a>,
        rows: &'a [u32],
        margin: f64,
        weights: &[f64],
        width: f64,
    ) -> Self {
        let classes = problem.classes;
        let mut ascent = Self {
            problem,
            rows,
            margin,
            a: vec![0.0; rows.len() * classes],
            weights: weights.to_vec(),
            x: vec![1.0; problem.examples.width + 1],
            scores: vec![0.0; classes],
            order: random::generator(0, Stream::Dual),
        };
        ascent.compiled(
            #[inline(always)]
            |ascent| ascent.take_slopes(width),
        );
        ascent
    }

    /// Takes the slopes of the hinge smoothed over `width`.
    #[inline(always)]
    fn take_slopes(&mut self, width: f64) {
        let classes = self.problem.classes;
        for index in 0..self.rows.len() {
            let label = self.score(index);
            let own = self.scores[label];
            for (class, a) in self.a[index * classes..][..classes].iter_mut().enumerate() {
                if class != label {
                    *a = ((self.margin + self.scores[class] - own) / width).clamp(0.0, 1.0);
                }
            }
        }
    }

    /// Whether few examples hold the minimum, as far as is known.
    pub fn few_hold(&self) -> bool {
        let holding = (0..self.rows.len()).filter(|&index| self.holds(index)).count();
        (holding as f64) < FEW * self.rows.len() as f64
    }

    /// q of an example.
    fn counts(&self, index: usize) -> f64 {
        self.problem.example_weights.map_or(1.0, |all| all[self.rows[index] as usize])
    }

    /// Whether an example has an a above 0.
    fn holds(&self, index: usize) -> bool {
        let classes = self.problem.classes;
        self.a[index * classes..][..classes].iter().any(|&a| a > 0.0)
    }

    /// Improves the a of all examples, and more often of those that hold the minimum; returns W(a) and D(a).
    pub fn round(&mut self) -> (&[f64], f64) {
        let mut all: Vec<usize> = (0..self.rows.len()).collect();
        self.compiled(
            #[inline(always)]
            |ascent| {
                ascent.sweep(&mut all);
                if ascent.few_hold() {
                    let mut holding = all.clone();
                    holding.retain(|&index| ascent.holds(index));
                    let work = 2 * holding.len().max(1) * ascent.weights.len();
                    (0..(WORK / work).clamp(1, INNER)).for_each(|_| ascent.sweep(&mut holding));
                }
            },
        );
        let bound = self.compiled(Self::settle);
        (&self.weights, bound)
    }

    /// Runs `work` compiled for the kernel's instruction set.
    fn compiled<R>(&mut self, work: impl FnOnce(&mut Self) -> R) -> R {
        let kernel = self.problem.compute.kernel;
        kernel.dispatch(
            #[inline(always)]
            || work(self),
        )
    }

    /// Improves the a of each of these examples once, in random order.
    #[inline(always)]
    fn sweep(&mut self, indices: &mut [usize]) {
        random::shuffle(&mut self.order, indices);
        for &index in &*indices {
            let q = self.counts(index);
            if q > 0.0 {
                self.improve(index, q);
            }
        }
    }

    /// Chooses the a of one example best while the others stay: with z_j = margin + s_j - s_y and
    /// h = q ||x||^2 / (2 lambda N), their changes d maximise sum_j d_j z_j - h / 2 (sum_j d_j^2 + (sum_j d_j)^2).
    #[inline(always)]
    fn improve(&mut self, index: usize, q: f64) {
        let (classes, lambda) = (self.problem.classes, self.problem.objective.penalty.l2);
        let label = self.score(index);
        let unit = q / (2.0 * lambda * self.rows.len() as f64);
        let h = unit * dot(&self.x, &self.x);
        let own = self.scores[label];
        let a = &mut self.a[index * classes..][..classes];
        for (class, score) in self.scores.iter_mut().enumerate() {
            // From here on z_j / h; the label has no a.
            *score = if class == label { f64::NEG_INFINITY } else { (self.margin + *score - own) / h };
        }
        if self.scores.iter().zip(&*a).all(|(&z, &a)| z <= 0.0 && a == 0.0) {
            return;
        }
        let shared = shared_step(&self.scores, a);
        let mut all = 0.0;
        for (class, (change, a)) in self.scores.iter_mut().zip(a).enumerate() {
            if class != label {
                let next = (*a + *change - shared).clamp(0.0, 1.0);
                *change = next - *a;
                *a = next;
                all += *change;
            }
        }
        self.scores[label] = -all;
        let width = self.x.len();
        for (&change, weights) in self.scores.iter().zip(self.weights.chunks_exact_mut(width)) {
            if change != 0.0 {
                add(weights, -unit * change, &self.x);
            }
        }
    }

    /// W(a) anew, without what rounding has left in it; returns D(a).
    #[inline(always)]
    fn settle(&mut self) -> f64 {
        let (classes, lambda) = (self.problem.classes, self.problem.objective.penalty.l2);
        let count = self.rows.len() as f64;
        self.weights.fill(0.0);
        let mut sum = 0.0;
        for index in 0..self.rows.len() {
            let a = &self.a[index * classes..][..classes];
            let own: f64 = a.iter().sum();
            if own == 0.0 {
                continue;
            }
            let q = self.counts(index);
            sum += q * own;
            let label = load(self.problem, self.rows[index], &mut self.x);
            let unit = -q / (2.0 * lambda * count);
            for (class, weights) in self.weights.chunks_exact_mut(self.x.len()).enumerate() {
                let c = if class == label { -own } else { self.a[index * classes + class] };
                if c != 0.0 {
                    add(weights, unit * c, &self.x);
                }
            }
        }
        self.margin * sum / count - lambda * dot(&self.weights, &self.weights)
    }

    /// Loads an example and computes its scores; returns its label.
    #[inline(always)]
    fn score(&mut self, index: usize) -> usize {
        let label = load(self.problem, self.rows[index], &mut self.x);
        for (score, weights) in self.scores.iter_mut().zip(self.weights.chunks_exact(self.x.len())) {
            *score = dot(weights, &self.x);
        }
        label
    }
}

/// The preprocessed features of a row into `x`, before its last number; returns the row's label.
#[inline(always)]
fn load(problem: &LinearProblem<'_>, row: u32, x: &mut [f64]) -> usize {
    let (mean, scale) = (&problem.preprocessing.mean, &problem.preprocessing.scale);
    let map = |value: f64, mean: f32, scale: f32| (value - f64::from(mean)) * f64::from(scale);
    let to = x.iter_mut().zip(mean.iter().zip(scale));
    match problem.examples.rows() {
        Matrix::Bytes(table) => {
            to.zip(table.row(row)).for_each(|((x, (&m, &s)), &value)| *x = map(value.into(), m, s));
        }
        Matrix::Floats(table) => {
            to.zip(table.row(row)).for_each(|((x, (&m, &s)), &value)| *x = map(value.into(), m, s));
        }
    }
    problem.examples.labels[row as usize].into()
}

/// The t with sum_j d_j = t for d_j = z_j - t, held within what keeps a_j + d_j in [0, 1]: what sum_j d_j takes off each
/// step. `z` is minus infinity where there is no a.
#[inline(always)]
fn shared_step(z: &[f64], a: &[f64]) -> f64 {
    /// Halvings that leave nothing of a bracket.
    const MOST: usize = 100;

    let has = |z: f64| z > f64::NEG_INFINITY;
    let (mut low, mut high) = (0.0, 0.0);
    for (_, a) in z.iter().zip(a).filter(|&(&z, _)| has(z)) {
        low -= a;
        high += 1.0 - a;
    }
    let mut t = 0.0;
    for _ in 0..MOST {
        // Of a function that only falls, straight between its kinks: what is left of it, and how steep it is here.
        let (mut left, mut steepness) = (-t, 1.0);
        for (&z, &a) in z.iter().zip(a).filter(|&(&z, _)| has(z)) {
            let d = z - t;
            left += d.clamp(-a, 1.0 - a);
            steepness += if d > -a && d < 1.0 - a { 1.0 } else { 0.0 };
        }
        if left.abs() <= f64::EPSILON * (1.0 + t.abs()) {
            break;
        }
        *(if left > 0.0 { &mut low } else { &mut high }) = t;
        let next = t + left / steepness;
        t = if next > low && next < high { next } else { f64::midpoint(low, high) };
        if high - low <= f64::EPSILON * (1.0 + high.abs()) {
            break;
        }
    }
    t
}

/// a . b. All time goes here: with whole chunks, the compiler makes it twice as fast as that of `optim`.
#[inline(always)]
fn dot(a: &[f64], b: &[f64]) -> f64 {
    let (a, a_rest) = a.as_chunks::<LANES>();
    let (b, b_rest) = b.as_chunks::<LANES>();
    let mut sums = [0.0; LANES];
    for (a, b) in a.iter().zip(b) {
        for (sum, (a, b)) in sums.iter_mut().zip(a.iter().zip(b)) {
            *sum += a * b;
        }
    }
    let rest: f64 = a_rest.iter().zip(b_rest).map(|(a, b)| a * b).sum();
    sums.iter().sum::<f64>() + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Against a fine grid over all changes of two classes.
    #[test]
    fn the_best_changes_of_one_example() {
        let h = 1.0;
        let value = |z: [f64; 2], d: [f64; 2]| {
            let sum = d[0] + d[1];
            d[0] * z[0] + d[1] * z[1] - h / 2.0 * (d[0] * d[0] + d[1] * d[1] + sum * sum)
        };
        for (z, a) in [
            ([0.3, 0.2], [0.0, 0.0]),
            ([5.0, -0.1], [0.2, 0.7]),
            ([-3.0, -0.4], [0.5, 0.1]),
            ([0.9, 1.1], [0.9, 0.0]),
            ([9.0, 8.0], [0.0, 0.0]),
        ] {
            let t = shared_step(&[z[0], f64::NEG_INFINITY, z[1]], &[a[0], 0.0, a[1]]);
            let best = [0, 1].map(|j| (z[j] - t).clamp(-a[j], 1.0 - a[j]));
            let places = |a: f64| (0..=200).map(move |i| -a + f64::from(i) / 200.0);
            for (first, second) in places(a[0]).flat_map(|x| places(a[1]).map(move |y| (x, y))) {
                assert!(value(z, best) >= value(z, [first, second]) - 1e-12, "{z:?} {a:?} {best:?}");
            }
        }
    }
}
