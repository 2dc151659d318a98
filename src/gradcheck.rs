//! The gradient check: analytic gradients against numerical ones, and the kernels against f64.
//!
//! Two links make the chain from the formulas to what trains:
//!
//! 1. in f64, at some coordinates w, the analytic gradient against the centred difference
//!    (L(w + h) - L(w - h)) / 2h, the lecture's forward difference beside it;
//! 2. for every kernel of this processor and every layout of a batch, the f32 loss and gradient that training uses
//!    against the f64 ones, all coordinates at once.
//!
//! A hinge has kinks. Where a margin changes sign between w - h and w + h, no difference quotient can agree with any
//! one gradient; since the loss is convex, the analytic value must then lie between the two one-sided slopes.

use crate::data::{Examples, Preprocessing};
use crate::kernel::{Compute, Kernel, Team};
use crate::objective::reference::Reference;
use crate::objective::{LinearProblem, Loss, Objective, Weights};
use crate::random::{self, Stream};
use ndarray::{Array1, Array2};
use ndarray_rand::RandomExt;
use ndarray_rand::rand_distr::StandardNormal;
use serde::Serialize;
use std::cmp::Ordering;
use std::num::NonZeroUsize;

/// Largest error of an f32 gradient, relative to the largest entry of the f64 one, that passes. The products sum
/// thousands of bytes of up to 255 in f32 before the mean is taken off, which costs one to two of its seven digits.
pub const KERNEL_BOUND: f64 = 1e-4;

/// Rows with a margin nearer to 0 than this are left to the numerical check: f32 may see them on the other side.
const NEAR_KINK: f64 = 1e-3;

/// W and b in f64; also the shape of a gradient.
pub type Parameters = (Array2<f64>, Array1<f64>);

/// What is checked.
#[derive(Clone, Copy)]
pub struct Check<'a> {
    /// Where rows are drawn from.
    pub examples: &'a Examples,
    /// How they are seen.
    pub preprocessing: &'a Preprocessing,
    /// K.
    pub classes: usize,
    /// Loss and penalty.
    pub objective: Objective,
    /// How many rows.
    pub rows: usize,
    /// Coordinates of W and b to differentiate at; `None` for all.
    pub sample: Option<usize>,
    /// h.
    pub h: f64,
    /// Largest relative error of the analytic gradient that passes.
    pub tolerance: f64,
    /// Of rows, weights and coordinates.
    pub seed: u64,
    /// Threads to use.
    pub threads: NonZeroUsize,
}

/// One coordinate, differentiated.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Coordinate {
    /// Row of W.
    pub class: usize,
    /// Column of W; `None` for the bias.
    pub feature: Option<usize>,
    /// The analytic gradient.
    pub analytic: f64,
    /// (L(w + h) - L(w - h)) / 2h
    pub centred: f64,
    /// (L(w + h) - L(w)) / h, as in the lecture.
    pub forward: f64,
    /// (L(w) - L(w - h)) / h
    pub backward: f64,
    /// Whether a margin, or a weight under an l1 penalty, changes sign between w - h and w + h.
    pub kink: bool,
    /// Error of the analytic value against the centred difference, or its distance from the one-sided slopes at a
    /// kink; relative to the larger of the values compared.
    pub error: f64,
    /// What is left of the error when the quotient's own rounding, about 8 eps L / h, is taken off: what the verdict
    /// is on.
    pub excess: f64,
    /// Relative error of the forward difference against the analytic value.
    pub forward_error: f64,
}

impl Coordinate {
    /// Whether the analytic value is right, as far as the quotients tell.
    pub fn passes(&self, tolerance: f64) -> bool {
        self.excess <= tolerance
    }
}

/// One kernel on one layout of a batch.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct KernelCheck {
    /// Its name.
    pub kernel: &'static str,
    /// What the batch looks like.
    pub layout: &'static str,
    /// Rows in it.
    pub rows: usize,
    /// Largest error of a gradient entry, relative to the largest entry.
    pub gradient_error: f64,
    /// Relative error of the full loss.
    pub loss_error: f64,
}

impl KernelCheck {
    /// Whether both errors are within [`KERNEL_BOUND`].
    pub fn passes(&self) -> bool {
        self.gradient_error <= KERNEL_BOUND && self.loss_error <= KERNEL_BOUND
    }
}

/// What an error means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// At most 1e-7.
    Exact,
    /// At most 1e-5.
    Good,
    /// At most 1e-3: look again.
    Suspicious,
    /// More.
    Wrong,
}

impl Verdict {
    /// The band that a relative error lies in; one that is not a number is wrong.
    pub fn of(error: f64) -> Self {
        match error {
            e if e <= 1e-7 => Self::Exact,
            e if e <= 1e-5 => Self::Good,
            e if e <= 1e-3 => Self::Suspicious,
            _ => Self::Wrong,
        }
    }

    /// For people.
    pub fn word(self) -> &'static str {
        match self {
            Self::Exact => "exact",
            Self::Good => "good",
            Self::Suspicious => "suspicious",
            Self::Wrong => "wrong",
        }
    }
}

/// What a check found.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// "svm" or "softmax".
    pub loss: &'static str,
    /// Rows used.
    pub rows: usize,
    /// Coordinates there are.
    pub total: usize,
    /// h.
    pub h: f64,
    /// Largest error that passes.
    pub tolerance: f64,
    /// The coordinates looked at, worst first.
    pub coordinates: Vec<Coordinate>,
    /// Every kernel on every layout.
    pub kernels: Vec<KernelCheck>,
    /// Rows left out of the kernels' check because a margin of theirs is nearly 0.
    pub near_kink: usize,
    /// Whether everything is within its bound.
    pub passed: bool,
}

impl Report {
    /// The coordinate with the largest error, among those at a kink or among the others.
    pub fn worst(&self, kink: bool) -> Option<&Coordinate> {
        self.coordinates.iter().find(|coordinate| coordinate.kink == kink)
    }

    /// Coordinates at a kink.
    pub fn kinks(&self) -> usize {
        self.coordinates.iter().filter(|coordinate| coordinate.kink).count()
    }
}

/// Runs the check on the gradient that `objective` computes.
pub fn run(check: &Check<'_>) -> Report {
    run_with(check, Reference::gradient)
}

/// Runs the check on any `analytic` gradient of the reference's full loss: how tests plant wrong ones.
pub fn run_with(
    check: &Check<'_>,
    analytic: impl Fn(&Reference, &Array2<f64>, &Array1<f64>) -> Parameters,
) -> Report {
    let mut rng = random::generator(check.seed, Stream::GradientCheck);
    let mut rows = check.examples.all();
    random::shuffle(&mut rng, &mut rows);
    rows.truncate(check.rows);
    let reference = Reference::new(check.examples, check.preprocessing, check.objective, &rows);

    // Scores of deviation about 1: some margins violated, some not, no probability near 0 or 1.
    let squares: f64 = reference.features.iter().map(|x| x * x).sum();
    let scale = (rows.len() as f64 / squares.max(f64::MIN_POSITIVE)).sqrt().min(1.0) as f32;
    let shape = (check.classes, check.examples.width);
    let weight: Array2<f32> = Array2::random_using(shape, StandardNormal, &mut rng) * scale;
    let bias: Array1<f32> = Array1::random_using(check.classes, StandardNormal, &mut rng) * scale;
    let at = (weight.mapv(f64::from), bias.mapv(f64::from));

    let per_class = check.examples.width + 1;
    let total = check.classes * per_class;
    let mut chosen: Vec<usize> = (0..total).collect();
    if let Some(count) = check.sample {
        random::shuffle(&mut rng, &mut chosen);
        chosen.truncate(count);
        // The biases are few, and a mistake in one is easily missed.
        chosen.extend((0..check.classes).map(|class| class * per_class + check.examples.width));
        chosen.sort_unstable();
        chosen.dedup();
    }
    let gradient = analytic(&reference, &at.0, &at.1);
    let mut coordinates: Vec<Coordinate> = differentiate(check, &reference, &at, &gradient, &chosen);
    coordinates.sort_by(|a, b| order(b).partial_cmp(&order(a)).unwrap_or(Ordering::Equal));

    let (kernels, near_kink) = check_kernels(check, &reference, &rows, &weight, &bias, &analytic);
    let coordinates_pass = coordinates.iter().all(|coordinate| coordinate.passes(check.tolerance));
    let kernels_pass = kernels.iter().all(KernelCheck::passes);
    Report {
        loss: match check.objective.loss {
            Loss::Svm { .. } => "svm",
            Loss::Softmax => "softmax",
        },
        rows: rows.len(),
        total,
        h: check.h,
        tolerance: check.tolerance,
        coordinates,
        kernels,
        near_kink,
        passed: coordinates_pass && kernels_pass,
    }
}

/// What to sort by: errors that are no numbers are the worst of all.
fn order(coordinate: &Coordinate) -> (f64, f64) {
    let order = |error: f64| if error.is_nan() { f64::INFINITY } else { error };
    (order(coordinate.excess), order(coordinate.error))
}

/// Differentiates the full loss numerically at the chosen coordinates, numbered along W's rows with each row's bias last.
fn differentiate(
    check: &Check<'_>,
    reference: &Reference,
    at: &Parameters,
    gradient: &Parameters,
    chosen: &[usize],
) -> Vec<Coordinate> {
    let per_class = check.examples.width + 1;
    let start = Point::new(reference, at);
    let mut found: Vec<Option<Coordinate>> = vec![None; chosen.len()];
    // Each share has weights of its own to disturb and restore.
    let share = chosen.len().div_ceil(check.threads.get()).max(1);
    let mut shares: Vec<_> = chosen.chunks(share).zip(found.chunks_mut(share)).collect();
    Team::new(check.threads).for_each(&mut shares, |_, (chosen, found)| {
        let mut own = at.clone();
        for (&number, found) in chosen.iter().zip(found.iter_mut()) {
            let (class, feature) = (number / per_class, number % per_class);
            let feature = (feature < check.examples.width).then_some(feature);
            let analytic = feature.map_or(gradient.1[class], |feature| gradient.0[[class, feature]]);
            *found = Some(coordinate(check, reference, &start, &mut own, class, feature, analytic));
        }
    });
    found.into_iter().flatten().collect()
}

/// A point in weight space: the scores there, and the full loss.
struct Point {
    scores: Array2<f64>,
    loss: f64,
}

impl Point {
    fn new(reference: &Reference, (weight, bias): &Parameters) -> Self {
        let scores = reference.scores(weight, bias);
        let loss = reference.data_loss(&scores) + reference.penalty(weight, bias);
        Self { scores, loss }
    }

    /// The point where only the weights of `class` differ from this one's: only its scores are computed anew.
    fn moved(&self, reference: &Reference, (weight, bias): &Parameters, class: usize) -> Self {
        let mut scores = self.scores.clone();
        let anew = reference.features.dot(&weight.row(class)) + bias[class];
        scores.column_mut(class).assign(&anew);
        let loss = reference.data_loss(&scores) + reference.penalty(weight, bias);
        Self { scores, loss }
    }
}

fn coordinate(
    check: &Check<'_>,
    reference: &Reference,
    start: &Point,
    weights: &mut Parameters,
    class: usize,
    feature: Option<usize>,
    analytic: f64,
) -> Coordinate {
    let entry = |weights: &mut Parameters, value: Option<f64>| {
        let place = match feature {
            Some(feature) => &mut weights.0[[class, feature]],
            None => &mut weights.1[class],
        };
        std::mem::replace(place, value.unwrap_or(*place))
    };
    let old = entry(weights, None);
    // The steps as they come out in f64, not as they were meant.
    let (high, low) = (old + check.h, old - check.h);
    entry(weights, Some(high));
    let above = start.moved(reference, weights, class);
    entry(weights, Some(low));
    let below = start.moved(reference, weights, class);
    // Restored: the lecture's "very important!".
    entry(weights, Some(old));

    let forward = (above.loss - start.loss) / (high - old);
    let backward = (start.loss - below.loss) / (old - low);
    let centred = (above.loss - below.loss) / (high - low);
    let kink = changes_side(reference, &above, &below)
        || (check.objective.penalty.l1 > 0.0 && high.signum() != low.signum());

    let compared_with =
        if kink { analytic.clamp(backward.min(forward), forward.max(backward)) } else { centred };
    let rounding = 8.0 * f64::EPSILON * start.loss.abs().max(1.0) / check.h;
    Coordinate {
        class,
        feature,
        analytic,
        centred,
        forward,
        backward,
        kink,
        error: relative_error(analytic, compared_with, 0.0),
        excess: relative_error(analytic, compared_with, rounding),
        forward_error: relative_error(analytic, forward, 0.0),
    }
}

/// |a - b| / max(|a|, |b|), after `rounding` is taken off the difference; not a number if a or b is none.
fn relative_error(a: f64, b: f64, rounding: f64) -> f64 {
    let difference = (a - b).abs();
    if difference <= rounding { 0.0 } else { (difference - rounding) / a.abs().max(b.abs()) }
}

/// Whether any margin of the SVM loss has another sign at one point than at the other.
fn changes_side(reference: &Reference, above: &Point, below: &Point) -> bool {
    let Loss::Svm { margin } = reference.objective.loss else { return false };
    let rows = above.scores.rows().into_iter().zip(below.scores.rows()).zip(&reference.labels);
    rows.into_iter().any(|((above, below), &label)| {
        let label = usize::from(label);
        let sides =
            |scores: ndarray::ArrayView1<'_, f64>, class: usize| scores[class] - scores[label] + margin > 0.0;
        (0..above.len()).any(|class| class != label && sides(above, class) != sides(below, class))
    })
}

/// Every kernel on every layout of a batch, against f64; and how many rows had to be left out.
fn check_kernels(
    check: &Check<'_>,
    reference: &Reference,
    rows: &[u32],
    weight: &Array2<f32>,
    bias: &Array1<f32>,
    analytic: &impl Fn(&Reference, &Array2<f64>, &Array1<f64>) -> Parameters,
) -> (Vec<KernelCheck>, usize) {
    let at = (weight.mapv(f64::from), bias.mapv(f64::from));
    let scores = reference.scores(&at.0, &at.1);
    let clear: Vec<u32> = rows
        .iter()
        .zip(scores.rows())
        .zip(&reference.labels)
        .filter(|((_, scores), label)| far_from_kinks(check.objective.loss, scores, usize::from(**label)))
        .map(|((&row, _), _)| row)
        .collect();
    let mut in_order = clear.clone();
    in_order.sort_unstable();
    let layouts: Vec<(&'static str, &[u32])> = [
        ("all rows, in the order of the data", in_order.as_slice()),
        ("a shuffled minibatch", &clear[..clear.len().min(128)]),
        ("a short last batch", &clear[clear.len() - clear.len().min(13)..]),
        ("one row", &clear[..clear.len().min(1)]),
    ]
    .into_iter()
    .filter(|(_, batch)| !batch.is_empty())
    .collect();

    let mut found = Vec::new();
    for (layout, batch) in layouts {
        let exact = Reference::new(check.examples, check.preprocessing, check.objective, batch);
        let exact_loss = exact.loss(&at.0, &at.1);
        let exact_gradient = analytic(&exact, &at.0, &at.1);
        for kernel in Kernel::available() {
            let compute = Compute { kernel, team: Team::new(check.threads) };
            let problem = LinearProblem {
                examples: check.examples,
                preprocessing: check.preprocessing,
                classes: check.classes,
                objective: check.objective,
                compute: &compute,
            };
            let mut weights = Weights::new(weight, bias, &problem);
            let loss = problem.loss_and_gradient(&mut weights, batch).mean() + weights.penalty();
            found.push(KernelCheck {
                kernel: kernel.name(),
                layout,
                rows: batch.len(),
                gradient_error: gradient_error(&weights.gradient(), &exact_gradient),
                loss_error: (loss - exact_loss).abs() / exact_loss.abs().max(f64::MIN_POSITIVE),
            });
        }
    }
    (found, rows.len() - clear.len())
}

fn far_from_kinks(loss: Loss, scores: &ndarray::ArrayView1<'_, f64>, label: usize) -> bool {
    let Loss::Svm { margin } = loss else { return true };
    let near =
        |(class, score): (usize, &f64)| class != label && (score - scores[label] + margin).abs() < NEAR_KINK;
    !scores.iter().enumerate().any(near)
}

/// The largest difference of an entry, relative to the largest entry; not a number if an entry is none.
fn gradient_error(found: &(Array2<f32>, Array1<f32>), exact: &Parameters) -> f64 {
    let exact = exact.0.iter().chain(&exact.1);
    let pairs = found.0.iter().chain(&found.1).zip(exact);
    let (mut largest, mut difference) = (0.0_f64, 0.0_f64);
    for (&found, &exact) in pairs {
        let own = (f64::from(found) - exact).abs();
        if own.is_nan() {
            return f64::NAN;
        }
        difference = difference.max(own);
        largest = largest.max(exact.abs());
    }
    if difference == 0.0 { 0.0 } else { difference / largest }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{Preprocess, generate};
    use crate::objective::Penalty;

    fn report(loss: Loss, plant: impl Fn(&mut Parameters)) -> Report {
        let data = generate(60, 1);
        let preprocessing = Preprocessing::fit(Preprocess::Standardize, &data.train, &data.train.all());
        let check = Check {
            examples: &data.train,
            preprocessing: &preprocessing,
            classes: 10,
            objective: Objective { loss, penalty: Penalty { l2: 0.1, l1: 0.01 } },
            rows: 60,
            sample: Some(60),
            h: 1e-5,
            tolerance: 1e-5,
            seed: 3,
            threads: NonZeroUsize::MIN,
        };
        run_with(&check, |reference, weight, bias| {
            let mut gradient = reference.gradient(weight, bias);
            plant(&mut gradient);
            gradient
        })
    }

    const LOSSES: [Loss; 2] = [Loss::Svm { margin: 1.0 }, Loss::Softmax];

    #[test]
    fn the_right_gradient_passes() {
        for loss in LOSSES {
            let report = report(loss, |_| {});
            assert!(report.passed, "{report:?}");
            assert!(report.coordinates.len() >= 60);
        }
    }

    /// Wrong gradients as people write them: each is caught.
    #[test]
    fn wrong_gradients_are_caught() {
        type Plant = fn(&mut Parameters);
        let plants: [(&str, Plant); 5] = [
            ("a sign", |gradient| gradient.0.mapv_inplace(|g| -g)),
            ("1% too long", |gradient| gradient.0.mapv_inplace(|g| 1.01 * g)),
            ("a bias that is forgotten", |gradient| gradient.1.fill(0.0)),
            ("classes that are swapped", |gradient| gradient.0.invert_axis(ndarray::Axis(0))),
            ("a number that is none", |gradient| gradient.0.fill(f64::NAN)),
        ];
        for loss in LOSSES {
            for (name, plant) in plants {
                let report = report(loss, plant);
                assert!(!report.passed, "{name} is not caught for {loss:?}");
                let coordinates_fail = report.coordinates.iter().any(|c| !c.passes(report.tolerance));
                assert!(coordinates_fail, "{name}: only the kernels' check saw it, for {loss:?}");
                let kernels_fail = report.kernels.iter().any(|k| !k.passes());
                assert!(kernels_fail, "{name}: only the numerical check saw it, for {loss:?}");
            }
        }
    }

    /// A wide h makes margins change sign; a correct hinge gradient must still pass, counted apart.
    #[test]
    fn kinks_do_not_cry_wolf() {
        let data = generate(60, 1);
        let preprocessing = Preprocessing::fit(Preprocess::Standardize, &data.train, &data.train.all());
        let check = Check {
            examples: &data.train,
            preprocessing: &preprocessing,
            classes: 10,
            objective: Objective { loss: LOSSES[0], penalty: Penalty { l2: 0.0, l1: 0.0 } },
            rows: 60,
            sample: Some(200),
            h: 1e-3,
            tolerance: 1e-5,
            seed: 3,
            threads: NonZeroUsize::MIN,
        };
        let report = run(&check);
        assert!(report.passed && report.kinks() > 5, "{} kinks", report.kinks());
        let planted = run_with(&check, |reference, weight, bias| {
            let (weight, bias) = reference.gradient(weight, bias);
            (weight * -1.0, bias)
        });
        assert!(
            planted.worst(true).is_some_and(|worst| worst.excess > 0.1),
            "a wrong value passes at a kink"
        );
    }

    #[test]
    fn bands() {
        let bands = [0.0, 1e-6, 1e-4, 1.0, f64::NAN].map(Verdict::of);
        assert_eq!(
            bands,
            [Verdict::Exact, Verdict::Good, Verdict::Suspicious, Verdict::Wrong, Verdict::Wrong]
        );
    }
}
