//! Neither threads nor, in whole numbers, kernels change a bit.

use super::*;
use crate::data::{Features, Preprocess, generate};
use crate::kernel::{FixedWeights, Kernel, Team};
use crate::objective::{Loss, Penalty};
use ndarray::{Array1, Array2};
use std::num::NonZeroUsize;

/// Every kernel, both ways of sharing out, any number of threads: the same bits.
#[test]
fn threads_change_no_bit() {
    let bytes = generate(MANY_ROWS + 77, 1, 0).train;
    let values = (0..bytes.features.len()).map(|at| bytes.features.get(at) / 7.0).collect();
    let floats = Examples { features: Features::Floats(values), ..bytes.clone() };
    [bytes, floats].iter().for_each(check_threads);
}

/// Weights in fixed point and whole slopes: every kernel makes the same steps, to the last bit. (Which kernels take that
/// way by themselves is a matter of speed.)
#[test]
fn steps_in_whole_numbers_are_the_same_on_every_kernel() {
    check_steps(Loss::Svm { margin: 1.0 }, Multiples::OfOne);
    check_steps(Loss::Softmax, Multiples::up_to(1.0));
}

fn check_steps(loss: Loss, multiples: Multiples) {
    let examples = generate(300, 1, 0).train;
    let rows = examples.all();
    let preprocessing = Preprocessing::fit(Preprocess::Standardize, &examples, &rows);
    let objective = Objective { loss, penalty: Penalty { l2: 1e-3, l1: 0.0 } };
    let mut first = None;
    for kernel in Kernel::available() {
        let compute = Compute { kernel, team: Team::new(NonZeroUsize::MIN) };
        let problem = LinearProblem {
            examples: &examples,
            preprocessing: &preprocessing,
            classes: 10,
            objective,
            example_weights: None,
            compute: &compute,
        };
        let mut weights = Weights::zeros(&problem);
        for panel in &mut weights.panels {
            panel.fixed = FixedWeights::zeros(10, panel.features.len());
            panel.refresh(&problem);
        }
        let mut states = vec![(); weights.parts()];
        let rule = |w: &mut [f32], g: &[f32]| w.iter_mut().zip(g).for_each(|(w, g)| *w -= 1e-3 * g);
        let mut losses = Vec::new();
        for batch in rows.chunks(130) {
            let slopes = problem.by_panels(
                &mut weights,
                batch.into(),
                Batch::new(Some(multiples)),
                &mut states,
                &|scores: &mut [f32], labels: &[u16]| objective.loss.slopes(scores, 10, labels),
                |slopes, parts, panel, ()| {
                    let total = Total { parts, slope_sums: &slopes.sums, count: batch.len() };
                    panel.step(&problem, total, |w, g, _| rule(w, g));
                },
            );
            weights.update_bias(&problem, |b, g| rule(b, g));
            losses.push(slopes.loss.total);
        }
        let reached = (weights.to_arrays(), losses);
        assert_eq!(first.get_or_insert_with(|| reached.clone()), &reached, "{}", kernel.name());
    }
}

/// Gradients of bytes, in whatever form their slopes are summed, against f64: over few and many rows, with examples that
/// count differently, and smoothed.
#[test]
fn gradients_are_near_those_in_f64() {
    let examples = generate(MANY_ROWS + 77, 1, 0).train;
    let all = examples.all();
    let preprocessing = Preprocessing::fit(Preprocess::Standardize, &examples, &all);
    let q: Vec<f64> = all.iter().map(|&row| [0.25, 3.5, 1.0, 0.0][row as usize % 4]).collect();
    let weight = Array2::from_shape_fn((10, 3072), |(k, d)| ((k * 7 + d) % 13) as f32 * 1e-3 - 6e-3);
    let bias = Array1::from_shape_fn(10, |k| k as f32 * 0.1);
    let of_class =
        |k: usize| weight.row(k).iter().chain([&bias[k]]).copied().map(f64::from).collect::<Vec<_>>();
    let whole: Vec<f64> = (0..10).flat_map(of_class).collect();
    for kernel in Kernel::available().into_iter().filter(|&kernel| kernel != Kernel::Plain) {
        let compute = Compute { kernel, team: Team::new(NonZeroUsize::MIN) };
        for (loss, example_weights, rows) in [
            (Loss::Softmax, None, &all[..]),
            (Loss::Softmax, Some(&q[..]), &all[5..300]),
            (Loss::Softmax, None, &all[..32]),
            (Loss::Svm { margin: 1.0 }, None, &all[..]),
            (Loss::Svm { margin: 1.0 }, Some(&q[..]), &all[..256]),
        ] {
            let objective = Objective { loss, penalty: Penalty { l2: 0.1, l1: 0.0 } };
            let problem = LinearProblem {
                examples: &examples,
                preprocessing: &preprocessing,
                classes: 10,
                objective,
                example_weights,
                compute: &compute,
            };
            // Wide, so that all slopes there are between 0 and 1 occur.
            let width = 3.0;
            let (_, exact) = problem.smoothed_loss_and_gradient_f64(&whole, rows, width);
            let mut weights = Weights::new(&weight, &bias, &problem);
            problem.smoothed_loss_and_gradient(&mut weights, rows, width);
            let (by_weight, by_bias) = weights.gradient();
            let found = (0..10).flat_map(|k| by_weight.row(k).to_vec().into_iter().chain([by_bias[k]]));
            let size = exact.iter().map(|g| g * g).sum::<f64>().sqrt();
            let off = found.zip(&exact).map(|(a, b)| (f64::from(a) - b).powi(2)).sum::<f64>().sqrt();
            assert!(off < 4e-6 * size, "{} {loss:?} {}: {}", kernel.name(), rows.len(), off / size);
        }
    }
}

fn check_threads(examples: &Examples) {
    let preprocessing = Preprocessing::fit(Preprocess::Standardize, examples, &examples.all());
    let weight = Array2::from_shape_fn((10, 3072), |(k, d)| ((k * 7 + d) % 13) as f32 * 1e-3 - 6e-3);
    let bias = Array1::from_shape_fn(10, |k| k as f32 * 0.1);
    let all = examples.all();
    for kernel in Kernel::available() {
        for (rows, loss) in [
            (&all[..], Loss::Softmax),
            (&all[..], Loss::Svm { margin: 1.0 }),
            (&all[..256], Loss::Svm { margin: 1.0 }),
            (&all[..77], Loss::Softmax),
        ] {
            let run = |threads: usize| {
                let threads = NonZeroUsize::new(threads).expect("above 0");
                let compute = Compute { kernel, team: Team::new(threads) };
                let objective = Objective { loss, penalty: Penalty { l2: 0.1, l1: 0.0 } };
                let problem = LinearProblem {
                    examples,
                    preprocessing: &preprocessing,
                    classes: 10,
                    objective,
                    example_weights: None,
                    compute: &compute,
                };
                let mut weights = Weights::new(&weight, &bias, &problem).for_steps_of(rows.len(), &problem);
                let bytes = matches!(examples.features, Features::Bytes(_));
                let fixed = bytes && kernel.prefers_fixed_point() && rows.len() > 77;
                assert_eq!(weights.panels[0].fixed.is_some(), fixed);
                let as_they_are = bytes && kernel.largest_whole_slope().is_some() && loss != Loss::Softmax;
                let in_digits = fixed.then(|| Multiples::up_to(1.0));
                let expected = if as_they_are { Some(Multiples::OfOne) } else { in_digits };
                assert_eq!(problem.multiples(rows, false), expected);
                let sum = problem.loss_and_gradient(&mut weights, rows);
                let alone = problem.loss(&weights, rows);
                assert!((sum.total - alone.total).abs() < 1e-9 * sum.total, "{sum:?} {alone:?}");
                (weights.gradient(), sum)
            };
            let one = run(1);
            assert!((2..=5).all(|threads| run(threads) == one), "{} on {} rows", kernel.name(), rows.len());
        }
    }
}
