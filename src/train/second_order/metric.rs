//! The initial Hessian of L-BFGS: the features' second moments.

use crate::objective::{LinearProblem, SecondMoment};
use crate::optim::Cholesky;
use num_traits::Float;

/// Right-hand sides that one thread solves for at a time.
const SIDES: usize = 5;
/// A metric is factored anew when the curvature has changed by more than this factor.
const STALE: f64 = 2.0;
/// A metric is factored in f32 if its least eigenvalue is so many times the rounding of the sum of all.
const SINGLE: f64 = 8.0;
/// A neighbour's metric serves a lambda within this factor of its own: on CIFAR-10's path of ten, four gradients more
/// for five factorings less.
const NEAR: f64 = 4.0;

/// The initial Hessian of L-BFGS: (curvature / (K - 1)) M + 2 lambda, the same for each class. With the curvature of
/// softmax at W = 0, (K - 1) / K, it is the Hessian there on what the classes do not share.
pub struct Metric {
    curvature: f64,
    lambda: f64,
    factor: Factor,
}

/// The metric's matrix, factored.
enum Factor {
    Single(Cholesky<f32>),
    Double(Cholesky<f64>),
}

/// The metric's matrix, factor M + ridge, on and below its diagonal.
fn columns<T: Float + Send>(
    problem: &LinearProblem<'_>,
    moment: &SecondMoment,
    factor: f64,
    ridge: f64,
) -> Vec<T> {
    let order = moment.order;
    let mut columns = vec![T::zero(); order * order];
    let mut each: Vec<_> = columns.chunks_mut(order).zip(moment.columns.chunks(order)).collect();
    problem.compute.team.for_each(&mut each, |index, (column, moments)| {
        for (value, m) in column[index..].iter_mut().zip(&moments[index..]) {
            *value = T::from(factor * m).unwrap_or_else(T::nan);
        }
        column[index] = T::from(factor * moments[index] + ridge).unwrap_or_else(T::nan);
    });
    columns
}

impl Metric {
    pub fn new(problem: &LinearProblem<'_>, moment: &SecondMoment, curvature: f64) -> Self {
        let order = moment.order;
        // A Hessian by K scores has rank K - 1: adding the same to all of them changes no loss.
        let factor = curvature / (problem.classes - 1).max(1) as f64;
        let largest = moment.columns.iter().step_by(order + 1).fold(0.0, |a: f64, &b| a.max(b));
        let lambda = problem.objective.penalty.l2;
        // A lambda below what f64 can tell from the matrix is raised for the metric's sake, which only guides.
        let mut ridge = (2.0 * lambda).max(1e-9 * factor * largest);
        let trace: f64 = moment.columns.iter().step_by(order + 1).map(|m| factor * m).sum();
        loop {
            // In f32 where its rounding is small beside the least eigenvalue: in half the time.
            let single = (ridge >= SINGLE * f64::from(f32::EPSILON) * trace)
                .then(|| Cholesky::new(&problem.compute.team, order, columns(problem, moment, factor, ridge)))
                .flatten();
            let found = single.map(Factor::Single).or_else(|| {
                let columns = columns(problem, moment, factor, ridge);
                Cholesky::new(&problem.compute.team, order, columns).map(Factor::Double)
            });
            if let Some(factor) = found {
                return Self { curvature, lambda, factor };
            }
            ridge *= 100.0;
        }
    }

    /// Whether it is near enough to the metric of that curvature and lambda.
    pub fn serves(&self, curvature: f64, lambda: f64) -> bool {
        let within = |factor: f64, ratio: f64| (1.0 / factor..factor).contains(&ratio);
        within(STALE, curvature / self.curvature) && within(NEAR, lambda / self.lambda)
    }

    /// Multiplies by the inverse, in place: (K, D + 1), each class a right-hand side. Which of them share a call depends
    /// on K alone.
    pub fn solve(&self, problem: &LinearProblem<'_>, sides: &mut [f64]) {
        let order = problem.examples.width + 1;
        let mut parts: Vec<&mut [f64]> = sides.chunks_mut(SIDES * order).collect();
        problem.compute.team.for_each(&mut parts, |_, part| match &self.factor {
            Factor::Single(factor) => {
                let mut single: Vec<f32> = part.iter().map(|&value| value as f32).collect();
                factor.solve(&mut single);
                part.iter_mut().zip(single).for_each(|(value, found)| *value = found.into());
            }
            Factor::Double(factor) => factor.solve(part),
        });
    }
}
