//! The gradient check: analytic gradients against numerical ones, and the kernels against f64.
//!
//! Three links make the chain from the formulas to what trains:
//!
//! 1. in f64, at some coordinates w, the analytic gradient against the centred difference
//!    (L(w + h) - L(w - h)) / 2h, the lecture's forward difference beside it;
//! 2. for every kernel of this processor and every layout of a batch, the f32 loss and gradient that training uses
//!    against the f64 ones, all coordinates at once;
//! 3. on a tiny sub-problem, the analytic gradient against automatic differentiation of the loss's own graph, exact to
//!    rounding.
//!
//! A hinge has kinks. Where a margin changes sign between w - h and w + h, no difference quotient can agree with any
//! one gradient; since the loss is convex, the analytic value must then lie between the two one-sided slopes.

mod exact;
mod kernels;
mod numerical;
mod study;

pub use exact::{EXACT_BOUND, ExactCheck};
pub use kernels::{KERNEL_BOUND, KernelCheck};
pub use numerical::Coordinate;
pub use study::{StepError, Study, study};

use crate::data::{Examples, Preprocessing};
use crate::objective::reference::Reference;
use crate::objective::{Loss, Objective};
use crate::random::{self, Stream};
use ndarray::{Array1, Array2};
use ndarray_rand::RandomExt;
use ndarray_rand::rand_distr::StandardNormal;
use rand_chacha::ChaCha8Rng;
use serde::Serialize;
use std::cmp::Ordering;
use std::num::NonZeroUsize;

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
    /// What each example counts (N), as in [`crate::objective::LinearProblem`].
    pub example_weights: Option<&'a [f64]>,
    /// How many rows.
    pub rows: usize,
    /// At how many coordinates of W to differentiate, and at all of b; `None` for all of both.
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
    /// The analytic gradient against automatic differentiation.
    pub exact: ExactCheck,
    /// Every kernel on every layout.
    pub kernels: Vec<KernelCheck>,
    /// Rows left out of the kernels' check because a margin of theirs is nearly 0.
    pub near_kink: usize,
    /// Whether everything is within its bound, and enough of the quotients tell.
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

    /// Coordinates whose quotient tells a right value from a wrong one.
    pub fn telling(&self) -> usize {
        self.coordinates.iter().filter(|coordinate| coordinate.tells).count()
    }

    /// How many of them there must be for the check to pass: a tenth.
    pub fn telling_needed(&self) -> usize {
        self.coordinates.len().div_ceil(10)
    }
}

/// Some rows, and random weights to differentiate at.
struct Problem {
    rows: Vec<u32>,
    reference: Reference,
    weight: Array2<f32>,
    bias: Array1<f32>,
}

impl Problem {
    /// Draws one; the generator may draw on.
    fn draw(check: &Check<'_>) -> (Self, ChaCha8Rng) {
        let mut rng = random::generator(check.seed, Stream::GradientCheck);
        let mut rows = check.examples.all();
        random::shuffle(&mut rng, &mut rows);
        rows.truncate(check.rows);
        let reference = Reference::new(check.examples, check.preprocessing, check.objective, &rows)
            .weighted(check.example_weights, &rows);

        // Scores of deviation about 1: some margins violated, some not, no probability near 0 or 1.
        let squares: f64 = reference.features.iter().map(|x| x * x).sum();
        let scale = (rows.len() as f64 / squares.max(f64::MIN_POSITIVE)).sqrt().min(1.0) as f32;
        let shape = (check.classes, check.examples.width);
        let weight: Array2<f32> = Array2::random_using(shape, StandardNormal, &mut rng) * scale;
        let bias: Array1<f32> = Array1::random_using(check.classes, StandardNormal, &mut rng) * scale;
        (Self { rows, reference, weight, bias }, rng)
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
    let (Problem { rows, reference, weight, bias }, mut rng) = Problem::draw(check);
    let at = (weight.mapv(f64::from), bias.mapv(f64::from));

    let per_class = check.examples.width + 1;
    let total = check.classes * per_class;
    let mut chosen: Vec<usize> = (0..total).collect();
    if let Some(count) = check.sample {
        // The biases are few, and a mistake in one is easily missed.
        let (biases, mut weights): (Vec<usize>, _) =
            chosen.into_iter().partition(|number| number % per_class == check.examples.width);
        random::shuffle(&mut rng, &mut weights);
        weights.truncate(count);
        chosen = [weights, biases].concat();
        chosen.sort_unstable();
    }
    let gradient = analytic(&reference, &at.0, &at.1);
    let mut coordinates: Vec<Coordinate> =
        numerical::differentiate(check, &reference, &at, &gradient, &chosen);
    coordinates.sort_by(|a, b| order(b).partial_cmp(&order(a)).unwrap_or(Ordering::Equal));

    let exact = exact::check(&reference, &at, &analytic);
    let (kernels, near_kink) = kernels::check(check, &reference, &rows, &weight, &bias, &analytic);
    let coordinates_pass = coordinates.iter().all(|coordinate| coordinate.passes(check.tolerance));
    let kernels_pass = kernels.iter().all(KernelCheck::passes);
    let mut report = Report {
        loss: match check.objective.loss {
            Loss::Svm { .. } => "svm",
            Loss::Softmax => "softmax",
        },
        rows: rows.len(),
        total,
        h: check.h,
        tolerance: check.tolerance,
        coordinates,
        exact,
        kernels,
        near_kink,
        passed: coordinates_pass && exact.passes() && kernels_pass,
    };
    // A check that nothing could fail proves nothing.
    report.passed &= report.telling() >= report.telling_needed();
    report
}

/// What to sort by: errors that are no numbers are the worst of all.
fn order(coordinate: &Coordinate) -> (f64, f64) {
    let order = |error: f64| if error.is_nan() { f64::INFINITY } else { error };
    (order(coordinate.excess), order(coordinate.error))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{Preprocess, generate};
    use crate::objective::Penalty;

    fn report(loss: Loss, plant: impl Fn(&mut Parameters)) -> Report {
        let data = generate(60, 1, 0);
        let preprocessing = Preprocessing::fit(Preprocess::Standardize, &data.train, &data.train.all());
        // Some examples count nothing, some twice.
        let weights: Vec<f64> = (0..60).map(|row| f64::from(row % 5) / 2.0).collect();
        let check = Check {
            examples: &data.train,
            preprocessing: &preprocessing,
            classes: 10,
            objective: Objective { loss, penalty: Penalty { l2: 0.1, l1: 0.01 } },
            example_weights: Some(&weights),
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
                assert!(
                    !report.exact.passes(),
                    "{name}: automatic differentiation did not see it, for {loss:?}"
                );
                let kernels_fail = report.kernels.iter().any(|k| !k.passes());
                assert!(kernels_fail, "{name}: only the numerical check saw it, for {loss:?}");
            }
        }
    }

    /// A slip of one part in a million is below what difference quotients can tell from their own error; automatic
    /// differentiation sees it.
    #[test]
    fn a_small_slip_is_caught_by_automatic_differentiation() {
        for loss in LOSSES {
            let right = report(loss, |_| {});
            assert!(right.exact.passes() && right.exact.coordinates == 210, "{:?}", right.exact);
            let report = report(loss, |gradient| gradient.0.mapv_inplace(|g| g * (1.0 + 1e-6)));
            assert!(report.coordinates.iter().all(|c| c.passes(report.tolerance)), "{loss:?}");
            assert!(report.kernels.iter().all(KernelCheck::passes));
            assert!(!report.exact.passes() && !report.passed, "{:?}", report.exact);
        }
    }

    /// A wide h makes margins change sign; a correct hinge gradient must still pass, counted apart.
    #[test]
    fn kinks_do_not_cry_wolf() {
        let data = generate(60, 1, 0);
        let preprocessing = Preprocessing::fit(Preprocess::Standardize, &data.train, &data.train.all());
        let check = Check {
            examples: &data.train,
            preprocessing: &preprocessing,
            classes: 10,
            objective: Objective { loss: LOSSES[0], penalty: Penalty { l2: 0.0, l1: 0.0 } },
            example_weights: None,
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

    /// Steps so wide that every margin changes sign, and so narrow that rounding is all there is: nothing is found wrong,
    /// and nothing was checked.
    #[test]
    fn quotients_that_tell_nothing_do_not_pass() {
        let data = generate(60, 1, 0);
        let preprocessing = Preprocessing::fit(Preprocess::Standardize, &data.train, &data.train.all());
        for (loss, h, passes) in [
            (LOSSES[0], 1e10, false),
            (LOSSES[0], 1e-5, true),
            (LOSSES[1], 1e-5, true),
            (LOSSES[1], 1e-13, false),
            (LOSSES[1], 1e-20, false),
        ] {
            let report = run(&Check {
                examples: &data.train,
                preprocessing: &preprocessing,
                classes: 10,
                objective: Objective { loss, penalty: Penalty { l2: 0.0, l1: 0.0 } },
                example_weights: None,
                rows: 60,
                sample: Some(50),
                h,
                tolerance: 1e-5,
                seed: 3,
                threads: NonZeroUsize::MIN,
            });
            assert_eq!(report.coordinates.len(), 60, "fifty weights and ten biases");
            assert!(report.coordinates.iter().all(|c| c.passes(report.tolerance)), "{loss:?} {h}");
            assert_eq!(report.passed, passes, "{loss:?} {h}: {} tell", report.telling());
        }
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
