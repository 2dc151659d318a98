//! The minimum itself, with a certificate: L-BFGS over the whole set, from the metric of the features' second moments.
//!
//! All weights are penalised, bias included, so the full loss is 2 lambda strongly convex. With f the smoothed full loss
//! that is followed (softmax is its own; the SVM's hinge is rounded off over a width), P the full loss and g = grad f(W):
//!
//! ```text
//! min f >= f(W) - ||g||^2 / (4 lambda)
//! min P >= D = f(W) - ||g||^2 / (4 lambda) + (1/N) sum_ij width a_ij^2 / 2       a_ij in [0, 1] the smoothed slopes
//! ```
//!
//! The first is strong convexity; it is also what Fenchel duality gives for the slopes at W, and since they are as
//! good for the hinge as for the smoothed one, the second is the hinge's dual objective at W' = W - g / (2 lambda).
//! The lowest P and the highest D found bracket the minimum, each by itself.
//!
//! Steps are taken with gradients in f32, whose rounding a bound would inherit. So a bracket that is narrow enough is
//! computed again in f64 at the very weights that are kept, and only that one is called a certificate; if it fails,
//! the steps go on in f64. Where they narrow the bracket no more, or few examples hold the minimum, `dual` finishes the
//! SVM's.

mod dual;
mod metric;
mod path;

pub use path::Neighbour;

use super::{Figures, Iteration, Observer, Precision, Stop};
use crate::objective::{LinearProblem, Loss, SecondMoment, Weights};
use crate::optim::{Lbfgs, Slope, dot, line_search};
use dual::DualAscent;
use metric::Metric;
use ndarray::{Array1, Array2};
use path::Place;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

/// Steps that L-BFGS remembers.
const MEMORY: usize = 20;
/// Iterations without a narrower bracket after which the precision in use has given what it can.
const PATIENCE: usize = 40;
/// By which part of the loss both ends of a bracket in f64 may be off, at the very worst: sums of 50,000 terms round to
/// within 50,000 times 2^-53 of their magnitude.
const ROUNDING: f64 = 1e-11;
/// Of the gap that is asked for, the part that smoothing may take.
const SMOOTHING_SHARE: f64 = 0.5;
/// Smoothing is narrowed when the way to its own minimum is at most this many times what smoothing costs: to follow it
/// further would be wasted. Measured on CIFAR-10's SVM: from 1 to 30, fewer gradients the higher, and the steps rougher.
const HASTE: f64 = 10.0;

/// When to stop.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SecondOrderPlan {
    /// The certified gap that is enough: absolute for softmax, for the SVM as part of the full loss.
    pub tolerance: f64,
    /// Iterations, at most.
    pub max_iterations: usize,
}

/// Where the minimum was found to lie.
pub struct Minimum {
    /// The weights with the lowest full loss.
    pub weights: Weights,
    /// There.
    pub figures: Figures,
    /// How far above the minimum they are at most, computed in f64; as [`SecondOrderPlan::tolerance`] counts.
    pub gap: f64,
    /// One row an iteration.
    pub history: Vec<Iteration>,
    /// Gradients over all rows, those in f64 included.
    pub gradients: usize,
    /// Why it ended.
    pub stop: Stop,
    lambda: f64,
    /// The metric it ended with.
    metric: Metric,
    /// The neighbour's minimum that it started from.
    before: Option<Place>,
}

/// The second moments of the preprocessed training `rows`, which serve every lambda.
pub fn second_moment(problem: &LinearProblem<'_>, rows: &[u32], observer: &mut dyn Observer) -> SecondMoment {
    let begun = Instant::now();
    let moment = SecondMoment::of(problem.compute, problem.examples.rows(), rows, problem.preprocessing);
    observer.prepared("X^T X", begun.elapsed().as_secs_f64());
    moment
}

/// Minimises `problem` over the training `rows`, whose second moments are `moment`, from `start` or from zeros: the minimum
/// at a neighbouring lambda is a good start, and its metric may serve once more. `interrupt` is looked at after each
/// iteration.
///
/// # Panics
/// When lambda is 0: nothing would bound the distance to the minimum, if there is one. When `start` has other shapes.
pub fn minimise(
    problem: &LinearProblem<'_>,
    rows: &[u32],
    moment: &SecondMoment,
    start: Option<Neighbour>,
    plan: &SecondOrderPlan,
    observer: &mut dyn Observer,
    interrupt: &AtomicBool,
) -> Minimum {
    assert!(problem.objective.penalty.l2 > 0.0, "a certificate needs lambda above 0");
    let len = problem.classes * (problem.examples.width + 1);
    let mut run = Run::new(problem, rows, moment, plan, len, start);
    loop {
        if let Some(end) = run.iterate(observer) {
            return run.end(end);
        }
        if interrupt.load(Ordering::Relaxed) {
            return run.end(End::Interrupted);
        }
    }
}

/// Why the iterations ended.
#[derive(Clone, Copy)]
enum End {
    Tolerance,
    Stalled,
    Limit,
    Interrupted,
}

/// What is known at some weights. Vectors are (K, D + 1), each class's b behind its W.
#[derive(Clone)]
struct Point {
    /// Numbers that f32 holds exactly: what is certified is what is kept.
    weights: Vec<f64>,
    /// g.
    gradient: Vec<f64>,
    /// f.
    smoothed: f64,
    /// Of P.
    figures: Figures,
    /// D.
    bound: f64,
    /// Mean trace of a loss's Hessian by its scores.
    curvature: f64,
}

/// What the minimum lies between.
struct Bracket {
    /// The point with the lowest P.
    upper: Point,
    /// The highest D, and the weights that gave it.
    lower: (f64, Vec<f64>),
}

/// A minimisation under way.
struct Run<'a> {
    problem: &'a LinearProblem<'a>,
    rows: &'a [u32],
    moment: &'a SecondMoment,
    plan: &'a SecondOrderPlan,
    begun: Instant,
    before: Option<Place>,
    precision: Precision,
    /// Of the smoothing.
    width: f64,
    metric: Metric,
    lbfgs: Lbfgs,
    point: Point,
    bracket: Bracket,
    /// The SVM's finish, once steps along gradients gain no more.
    dual: Option<DualAscent<'a>>,
    iteration: usize,
    gradients: usize,
    /// Iterations since the bracket was last narrowed by a hundredth, and how wide it was then.
    idle: (usize, f64),
    history: Vec<Iteration>,
}

impl<'a> Run<'a> {
    fn new(
        problem: &'a LinearProblem<'a>,
        rows: &'a [u32],
        moment: &'a SecondMoment,
        plan: &'a SecondOrderPlan,
        len: usize,
        neighbour: Option<Neighbour>,
    ) -> Self {
        let begun = Instant::now();
        let lambda = problem.objective.penalty.l2;
        let start = neighbour.as_ref().map_or_else(|| vec![0.0; len], |near| near.towards(lambda));
        assert_eq!(start.len(), len, "a start is (K, D + 1)");
        let width = match problem.objective.loss {
            // All margins of the zero start lie in the middle of the parabola; near a minimum few are on the kink.
            Loss::Svm { margin } if start.iter().all(|&w| w == 0.0) => 2.0 * margin,
            Loss::Svm { margin } => 0.1 * margin,
            Loss::Softmax => 0.0,
        };
        let point = evaluate(problem, rows, start, width, Precision::Single);
        let curvature = point.curvature;
        let (metric, before) = neighbour.map_or((None, None), |near| (Some(near.metric), Some(near.place)));
        let metric = metric.filter(|metric| metric.serves(curvature, lambda));
        Self {
            metric: metric.unwrap_or_else(|| Metric::new(problem, moment, curvature)),
            bracket: Bracket { lower: (point.bound, point.weights.clone()), upper: point.clone() },
            lbfgs: Lbfgs::new(MEMORY),
            precision: Precision::Single,
            dual: None,
            iteration: 0,
            gradients: 1,
            idle: (0, f64::INFINITY),
            history: Vec::new(),
            problem,
            rows,
            moment,
            plan,
            begun,
            before,
            width,
            point,
        }
    }

    /// One iteration: a step, or what has to be done before there can be one.
    fn iterate(&mut self, observer: &mut dyn Observer) -> Option<End> {
        if self.iteration >= self.plan.max_iterations {
            return Some(End::Limit);
        }
        self.iteration += 1;
        let stepped = self.ascend() || self.step();
        self.narrow();
        let exhausted = !stepped || self.idle.0 >= PATIENCE;
        let in_double = self.precision == Precision::Double;
        if self.gap() <= self.plan.tolerance || (exhausted && self.precision == Precision::Single) {
            self.certify();
        }
        if exhausted && self.gap() > self.plan.tolerance {
            self.turn_to_dual(in_double);
        }
        let record = self.record();
        observer.iterated(&record);
        self.history.push(record);
        if self.gap() <= self.plan.tolerance {
            return Some(End::Tolerance);
        }
        if exhausted && self.idle.0 > 0 {
            return Some(End::Stalled);
        }
        self.sharpen();
        None
    }

    /// Takes one step; false when no step helps.
    fn step(&mut self) -> bool {
        let metric = &self.metric;
        let direction = self.lbfgs.direction(&self.point.gradient, |v| metric.solve(self.problem, v));
        let start = Slope { value: self.point.smoothed, slope: dot(&self.point.gradient, &direction) };
        let noise = start.value.abs() * self.precision.noise();
        let mut next = None;
        let (problem, rows, width, precision) = (self.problem, self.rows, self.width, self.precision);
        let gradients = &mut self.gradients;
        let weights = &self.point.weights;
        let found = line_search(start, noise, |length| {
            let there = weights.iter().zip(&direction).map(|(w, d)| rounded(w + length * d)).collect();
            let point = evaluate(problem, rows, there, width, precision);
            *gradients += 1;
            let slope = Slope { value: point.smoothed, slope: dot(&point.gradient, &direction) };
            next = Some(point);
            slope
        });
        let (Some(_), Some(next)) = (found, next) else {
            // What is remembered may be of no use here: once more without.
            let retry = !self.lbfgs.is_new();
            self.lbfgs.forget();
            return retry;
        };
        let step = difference(&next.weights, &self.point.weights);
        let change = difference(&next.gradient, &self.point.gradient);
        self.lbfgs.remember(step, change);
        self.point = next;
        true
    }

    /// Turns to the SVM's dual, if that was not done yet: where few examples hold the minimum, or nothing else is left to
    /// do. (Where nearly all do, as on CIFAR-10, gradients in f64 come nearer in the same time.)
    fn turn_to_dual(&mut self, nothing_else: bool) {
        if let (Loss::Svm { margin }, None) = (self.problem.objective.loss, &self.dual) {
            let (weights, width) = (&self.bracket.upper.weights, self.width);
            let dual = DualAscent::new(self.problem, self.rows, margin, weights, width);
            if nothing_else || dual.few_hold() {
                self.dual = Some(dual);
                self.idle = (0, self.bracket.width());
            }
        }
    }

    /// A round of the SVM's dual; false before it was turned to.
    fn ascend(&mut self) -> bool {
        let Some(dual) = &mut self.dual else { return false };
        let (weights, bound) = dual.round();
        let weights: Vec<f64> = weights.iter().map(|&w| rounded(w)).collect();
        let point = self.evaluate(weights);
        // It costs what a gradient costs, and more.
        self.gradients += 1;
        if bound > self.bracket.lower.0 {
            self.bracket.lower = (bound, point.weights.clone());
        }
        self.point = point;
        true
    }

    /// Takes what the point says of the bracket.
    fn narrow(&mut self) {
        self.bracket.take(&self.point);
        // Not the gap: as a part of a loss that falls it may grow while the bracket narrows.
        let width = self.bracket.width();
        if width < 0.99 * self.idle.1 {
            self.idle = (0, width);
        } else {
            self.idle.0 += 1;
        }
    }

    /// Computes the bracket again in f64, and goes on in f64.
    fn certify(&mut self) {
        if self.precision == Precision::Double {
            return;
        }
        self.precision = Precision::Double;
        let upper = self.evaluate(self.bracket.upper.weights.clone());
        let mut bracket = Bracket { lower: (upper.bound, upper.weights.clone()), upper: upper.clone() };
        let mut known = vec![upper];
        for weights in [self.bracket.lower.1.clone(), self.point.weights.clone()] {
            let again = known.iter().position(|point| point.weights == weights);
            let point = again.map_or_else(|| self.evaluate(weights), |at| known.remove(at));
            bracket.take(&point);
            known.push(point);
        }
        // The last one is that of the iteration.
        self.point = known.pop().unwrap_or_else(|| bracket.upper.clone());
        self.bracket = bracket;
        self.idle = (0, self.bracket.width());
    }

    /// Narrows the smoothing once its own minimum is near, where it is what keeps the bracket open. What L-BFGS remembers
    /// stays: forgetting it costs half as many gradients again.
    fn sharpen(&mut self) {
        let (Loss::Svm { .. }, None) = (self.problem.objective.loss, &self.dual) else { return };
        let (upper, point) = (self.bracket.upper.figures.objective, &self.point);
        let slack = dot(&point.gradient, &point.gradient) / (4.0 * self.problem.objective.penalty.l2);
        let smoothing = point.figures.objective - point.bound - slack;
        let allowed = SMOOTHING_SHARE * self.plan.tolerance * upper;
        if smoothing <= allowed || slack > HASTE * smoothing {
            return;
        }
        // Many margins of a minimum lie on the kink itself, so what smoothing costs falls with its width.
        self.width *= (0.8 * allowed / smoothing).clamp(0.3, 0.8);
        self.point = self.evaluate(self.point.weights.clone());
        self.bracket.take(&self.point);
        let lambda = self.problem.objective.penalty.l2;
        if !self.metric.serves(self.point.curvature, lambda) && self.point.curvature > 0.0 {
            self.metric = Metric::new(self.problem, self.moment, self.point.curvature);
        }
    }

    fn evaluate(&mut self, weights: Vec<f64>) -> Point {
        self.gradients += 1;
        evaluate(self.problem, self.rows, weights, self.width, self.precision)
    }

    /// The bracket's width, as the tolerance counts.
    fn gap(&self) -> f64 {
        let upper = self.bracket.upper.figures.objective;
        let absolute = self.bracket.width() + ROUNDING * upper;
        match self.problem.objective.loss {
            Loss::Softmax => absolute,
            Loss::Svm { .. } => absolute / upper,
        }
    }

    fn record(&self) -> Iteration {
        Iteration {
            iteration: self.iteration,
            gradients: self.gradients,
            figures: self.point.figures,
            best: self.bracket.upper.figures.objective,
            bound: self.bracket.lower.0,
            gap: self.gap(),
            precision: self.precision,
            seconds: self.begun.elapsed().as_secs_f64(),
        }
    }

    fn end(mut self, end: End) -> Minimum {
        self.certify();
        let (gap, tolerance) = (self.gap(), self.plan.tolerance);
        let stop = match end {
            End::Tolerance => Stop::ToleranceReached { gap, tolerance },
            End::Stalled => Stop::Stalled { gap, tolerance },
            End::Limit => Stop::IterationLimit { gap, tolerance },
            End::Interrupted => Stop::Interrupted { step: self.iteration as u64 },
        };
        let (weight, bias) = arrays(self.problem, &self.bracket.upper.weights);
        Minimum {
            weights: Weights::new(&weight, &bias, self.problem),
            figures: self.bracket.upper.figures,
            gap,
            history: self.history,
            gradients: self.gradients,
            stop,
            lambda: self.problem.objective.penalty.l2,
            metric: self.metric,
            before: self.before,
        }
    }
}

impl Bracket {
    fn width(&self) -> f64 {
        // Rounding may cross the ends over where they meet.
        (self.upper.figures.objective - self.lower.0).max(0.0)
    }

    fn take(&mut self, point: &Point) {
        if point.figures.objective < self.upper.figures.objective {
            self.upper = point.clone();
        }
        if point.bound > self.lower.0 {
            self.lower = (point.bound, point.weights.clone());
        }
    }
}

/// Loss, gradient and lower bound at `weights`.
fn evaluate(
    problem: &LinearProblem<'_>,
    rows: &[u32],
    weights: Vec<f64>,
    width: f64,
    precision: Precision,
) -> Point {
    let penalty = problem.objective.penalty;
    let (sum, gradient) = match precision {
        Precision::Single => {
            let (weight, bias) = arrays(problem, &weights);
            let mut single = Weights::new(&weight, &bias, problem);
            let sum = problem.smoothed_loss_and_gradient(&mut single, rows, width);
            let (by_weight, by_bias) = single.gradient();
            (sum, joined(&by_weight, &by_bias))
        }
        Precision::Double => problem.smoothed_loss_and_gradient_f64(&weights, rows, width),
    };
    let count = rows.len() as f64;
    let penalised = penalty.value(&weights);
    let smoothed = sum.smoothed / count + penalised;
    Point {
        figures: Figures::new(&sum.loss, penalised),
        // No loss and no penalty is below 0: a bound that is says nothing.
        bound: (smoothed - dot(&gradient, &gradient) / (4.0 * penalty.l2) + sum.lift / count).max(0.0),
        curvature: sum.curvature / count,
        smoothed,
        weights,
        gradient,
    }
}

/// (K, D + 1) from (K, D) and (K).
fn joined(weight: &Array2<f32>, bias: &Array1<f32>) -> Vec<f64> {
    let rows = weight.rows().into_iter().zip(bias);
    rows.flat_map(|(w, b)| w.into_iter().chain([b]).map(|&value| f64::from(value)).collect::<Vec<_>>())
        .collect()
}

/// W (K, D) and b (K) from (K, D + 1).
fn arrays(problem: &LinearProblem<'_>, weights: &[f64]) -> (Array2<f32>, Array1<f32>) {
    let width = problem.examples.width;
    let at = |k: usize, d: usize| weights[k * (width + 1) + d] as f32;
    let weight = Array2::from_shape_fn((problem.classes, width), |(k, d)| at(k, d));
    (weight, Array1::from_shape_fn(problem.classes, |k| at(k, width)))
}

/// The nearest number that f32 holds.
fn rounded(value: f64) -> f64 {
    f64::from(value as f32)
}

fn difference(a: &[f64], b: &[f64]) -> Vec<f64> {
    a.iter().zip(b).map(|(a, b)| a - b).collect()
}

#[cfg(test)]
mod tests;
