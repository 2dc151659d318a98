//! Against long descents, and what a certificate must be.

use super::*;
use crate::data::{Examples, Features, Preprocess, Preprocessing};
use crate::kernel::{Compute, Kernel, Team};
use crate::objective::reference::Reference;
use crate::objective::{Objective, Penalty};
use std::num::NonZeroUsize;

const WIDTH: usize = 20;
const CLASSES: usize = 3;

/// Noise, a little of it the label's; for [`Loss::Softmax`] as bytes, for the SVM as floats.
fn examples(count: usize, loss: Loss) -> Examples {
    let noise = |at: usize| ((at as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 41) as usize & 127;
    let labels: Vec<u16> = (0..count).map(|i| (noise(i * 7919) % CLASSES) as u16).collect();
    let features: Vec<u8> = (0..count * WIDTH)
        .map(|at| (noise(at) + 30 * usize::from(at % CLASSES == usize::from(labels[at / WIDTH]))) as u8)
        .collect();
    let features = match loss {
        Loss::Softmax => Features::Bytes(features),
        Loss::Svm { .. } => Features::Floats(features.iter().map(|&x| f32::from(x) / 7.0 - 11.0).collect()),
    };
    Examples { features, labels, width: WIDTH }
}

/// Calls `look` with a problem of so many rows.
fn with_problem<R>(
    count: usize,
    loss: Loss,
    l2: f64,
    threads: usize,
    look: impl FnOnce(&LinearProblem<'_>, &[u32]) -> R,
) -> R {
    let example_weights: Vec<f64> = (0..count).map(|row| 0.5 + (row % 3) as f64 / 2.0).collect();
    with_examples(&examples(count, loss), &example_weights, (loss, l2), threads, look)
}

/// Calls `look` with a problem of these examples.
fn with_examples<R>(
    examples: &Examples,
    example_weights: &[f64],
    (loss, l2): (Loss, f64),
    threads: usize,
    look: impl FnOnce(&LinearProblem<'_>, &[u32]) -> R,
) -> R {
    let rows = examples.all();
    let preprocessing = Preprocessing::fit(Preprocess::Standardize, examples, &rows);
    let team = Team::new(NonZeroUsize::new(threads).expect("above 0"));
    let compute = Compute { kernel: Kernel::detect(), team };
    let problem = LinearProblem {
        examples,
        preprocessing: &preprocessing,
        classes: CLASSES,
        objective: Objective { loss, penalty: Penalty { l2, l1: 0.0 } },
        example_weights: Some(example_weights),
        compute: &compute,
    };
    look(&problem, &rows)
}

fn solve(problem: &LinearProblem<'_>, rows: &[u32], tolerance: f64, max_iterations: usize) -> Minimum {
    let moment = second_moment(problem, rows, &mut ());
    let plan = SecondOrderPlan { tolerance, max_iterations };
    minimise(problem, rows, &moment, None, &plan, &mut (), &AtomicBool::new(false))
}

/// P in f64 from the formulas: at the minimum found, and the lowest of a long descent.
fn against_descent(loss: Loss, tolerance: f64) -> (Minimum, f64, f64) {
    with_problem(300, loss, 0.02, 2, |problem, rows| {
        let minimum = solve(problem, rows, tolerance, 1000);
        let reference = Reference::new(problem.examples, problem.preprocessing, problem.objective, rows)
            .weighted(problem.example_weights, rows);
        let (weight, bias) = minimum.weights.to_arrays();
        let found = reference.loss(&weight.mapv(f64::from), &bias.mapv(f64::from));

        let (mut w, mut b) = (Array2::zeros((CLASSES, WIDTH)), Array1::zeros(CLASSES));
        let mut lowest = f64::INFINITY;
        for step in 0..4000 {
            let (dw, db) = reference.gradient(&w, &b);
            // Rates that fall as they must for the SVM's kinks; softmax converges long before.
            let rate = 0.3 / (1.0 + f64::from(step) / 400.0);
            w.scaled_add(-rate, &dw);
            b.scaled_add(-rate, &db);
            lowest = lowest.min(reference.loss(&w, &b));
        }
        (minimum, found, lowest)
    })
}

#[test]
fn the_certified_minimum_of_softmax_is_that_of_a_long_descent() {
    let (minimum, found, lowest) = against_descent(Loss::Softmax, 1e-9);
    assert!(matches!(minimum.stop, Stop::ToleranceReached { .. }), "{}", minimum.stop);
    assert!(minimum.gap <= 1e-9 && found - lowest <= minimum.gap, "{found} {lowest} {}", minimum.gap);
    assert!((found - minimum.figures.objective).abs() < 1e-12 * found);
    assert!(lowest - found < 1e-6, "descent is far off: {found} {lowest}");
}

#[test]
fn the_certified_minimum_of_the_svm_is_below_that_of_a_long_descent() {
    let (minimum, found, lowest) = against_descent(Loss::Svm { margin: 1.0 }, 1e-4);
    assert!(matches!(minimum.stop, Stop::ToleranceReached { .. }), "{}", minimum.stop);
    assert!(minimum.gap <= 1e-4 && found - lowest <= minimum.gap * found, "{found} {lowest} {}", minimum.gap);
    assert!(lowest - found < 0.01 * found, "descent is far off: {found} {lowest}");
}

/// Brackets only narrow while the precision stays; gradients are counted; the last bracket is in f64.
#[test]
fn the_history_is_honest() {
    for loss in [Loss::Softmax, Loss::Svm { margin: 1.0 }] {
        let minimum = with_problem(300, loss, 0.02, 1, |problem, rows| solve(problem, rows, 1e-4, 1000));
        for pair in minimum.history.windows(2) {
            assert!(pair[1].gradients > pair[0].gradients);
            assert!(pair[1].precision != pair[0].precision || pair[1].gap <= pair[0].gap, "{pair:?}");
        }
        let last = minimum.history.last().expect("an iteration");
        assert_eq!(
            (last.precision, last.gap, last.gradients),
            (Precision::Double, minimum.gap, minimum.gradients)
        );
    }
}

#[test]
fn threads_change_no_bit() {
    for loss in [Loss::Softmax, Loss::Svm { margin: 1.0 }] {
        let run = |threads| {
            with_problem(4200, loss, 0.01, threads, |problem, rows| {
                let minimum = solve(problem, rows, 1e-4, 1000);
                (minimum.weights.to_arrays(), minimum.gap, minimum.gradients)
            })
        };
        let one = run(1);
        assert!((2..=3).all(|threads| run(threads) == one), "{loss:?}");
    }
}

/// A start at a neighbour's minimum leads to the same minimum in no more gradients.
#[test]
fn a_neighbour_is_a_good_start() {
    for loss in [Loss::Softmax, Loss::Svm { margin: 1.0 }] {
        let neighbour = with_problem(300, loss, 0.025, 1, |problem, rows| solve(problem, rows, 1e-3, 1000));
        with_problem(300, loss, 0.02, 1, |problem, rows| {
            let cold = solve(problem, rows, 1e-3, 1000);
            let moment = second_moment(problem, rows, &mut ());
            let plan = SecondOrderPlan { tolerance: 1e-3, max_iterations: 1000 };
            let start = Some(neighbour.into());
            let warm = minimise(problem, rows, &moment, start, &plan, &mut (), &AtomicBool::new(false));
            let (a, b) = (cold.figures.objective, warm.figures.objective);
            assert!((a - b).abs() <= 1e-3 * a.max(1.0), "{a} {b}");
            assert!(warm.gradients <= cold.gradients, "{loss:?}: {} {}", warm.gradients, cold.gradients);
        });
    }
}

#[test]
fn what_is_not_reached_is_not_claimed() {
    let stop = |tolerance, iterations| {
        with_problem(300, Loss::Softmax, 0.02, 1, |problem, rows| {
            let minimum = solve(problem, rows, tolerance, iterations);
            assert!(minimum.gap > tolerance);
            minimum.stop
        })
    };
    assert!(matches!(stop(1e-12, 2), Stop::IterationLimit { .. }));
    assert!(matches!(stop(1e-30, 1000), Stop::Stalled { gap, .. } if gap < 1e-9));
}

/// Classes far apart, which few examples keep from one another: gradients of the smoothed hinge creep there, and its dual
/// comes to the tolerance. The same bits for any number of threads.
#[test]
fn the_svm_of_classes_far_apart_is_certified() {
    let noisy = examples(300, HINGE);
    let Features::Floats(mut features) = noisy.features else { unreachable!("the SVM's are floats") };
    for (row, label) in features.chunks_mut(WIDTH).zip(&noisy.labels) {
        row[usize::from(*label)] += 60.0;
    }
    let examples = Examples { features: Features::Floats(features), ..noisy };
    // Some examples count nothing.
    let example_weights: Vec<f64> = (0..300).map(|row| f64::from(row % 4) / 1.5).collect();
    let solve = |threads: usize, l2: f64| {
        with_examples(&examples, &example_weights, (HINGE, l2), threads, |problem, rows| {
            solve(problem, rows, 1e-2, 1000)
        })
    };
    for l2 in [1e-2, 1e-4] {
        let minimum = solve(1, l2);
        assert!(matches!(minimum.stop, Stop::ToleranceReached { .. }), "{l2}: {}", minimum.stop);
        assert_eq!(minimum.weights.to_arrays(), solve(3, l2).weights.to_arrays(), "{l2}");
        assert!(minimum.figures.objective > 0.0 && minimum.history.iter().all(|row| row.bound >= 0.0));
    }
}

const HINGE: Loss = Loss::Svm { margin: 1.0 };
