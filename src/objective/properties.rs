//! Laws of loss and gradient, on data that proptest makes up: bytes and floats, few classes and many.

use super::{LinearProblem, Loss, Objective, Penalty, Weights, softmax};
use crate::data::{Examples, Features, Preprocess, Preprocessing};
use crate::kernel::{Compute, Kernel, Team};
use ndarray::{Array1, Array2};
use proptest::prelude::*;
use std::num::NonZeroUsize;

/// Features of an example.
const WIDTH: usize = 70;

/// Some examples, and a classifier to look at them with.
#[derive(Clone, Debug)]
struct Case {
    examples: Examples,
    classes: usize,
    loss: Loss,
    weight: Array2<f32>,
    bias: Array1<f32>,
    /// Two weights for each example.
    q: [Vec<f64>; 2],
}

fn cases() -> impl Strategy<Value = Case> {
    let classes = prop_oneof![2..12_usize, 40..90_usize];
    (1..90_usize, classes, any::<bool>(), any::<bool>(), any::<u64>()).prop_map(
        |(rows, classes, floats, svm, seed)| {
            let mut state = seed | 1;
            let mut next = move || {
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                state >> 40
            };
            let mut unit = || next() as f32 / (1 << 24) as f32;
            let numbers = rows * WIDTH;
            let features = if floats {
                Features::Floats((0..numbers).map(|_| 6.0 * unit() - 2.0).collect())
            } else {
                Features::Bytes((0..numbers).map(|_| (255.0 * unit()) as u8).collect())
            };
            let labels = (0..rows).map(|_| (unit() * classes as f32) as u16).collect();
            Case {
                examples: Examples { features, labels, width: WIDTH },
                classes,
                loss: if svm { Loss::Svm { margin: 1.0 } } else { Loss::Softmax },
                weight: Array2::from_shape_fn((classes, WIDTH), |_| 0.4 * unit() - 0.2),
                bias: Array1::from_shape_fn(classes, |_| unit() - 0.5),
                q: [0; 2].map(|_| (0..rows).map(|_| f64::from(2.0 * unit())).collect()),
            }
        },
    )
}

impl Case {
    /// The data loss's sum, and its gradient by W and b, of the listed rows.
    fn gradient(&self, rows: &[u32], example_weights: Option<&[f64]>, threads: usize) -> (f64, Vec<f32>) {
        let all = self.examples.all();
        // Standardised, a feature that hardly varies would be all rounding.
        let preprocessing = Preprocessing::fit(Preprocess::Scale, &self.examples, &all);
        let threads = NonZeroUsize::new(threads).expect("above 0");
        let compute = Compute { kernel: Kernel::detect(), team: Team::new(threads) };
        let problem = LinearProblem {
            examples: &self.examples,
            preprocessing: &preprocessing,
            classes: self.classes,
            objective: Objective { loss: self.loss, penalty: Penalty { l2: 0.0, l1: 0.0 } },
            example_weights,
            compute: &compute,
        };
        let mut weights = Weights::new(&self.weight, &self.bias, &problem);
        let sum = problem.loss_and_gradient(&mut weights, rows);
        let (by_weight, by_bias) = weights.gradient();
        (sum.total, by_weight.into_iter().chain(by_bias).collect())
    }
}

/// Whether two gradients differ by rounding only, relative to the largest entry.
fn close(a: &[f32], b: &[f32]) -> bool {
    let largest = a.iter().fold(1e-3_f32, |largest, value| largest.max(value.abs()));
    a.iter().zip(b).all(|(a, b)| (a - b).abs() <= 2e-5 * largest)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn the_order_of_examples_does_not_matter(case in cases(), turn in 0..90_usize) {
        let rows = case.examples.all();
        let mut others: Vec<u32> = rows.iter().rev().copied().collect();
        others.rotate_left(turn % rows.len());
        let (loss, gradient) = case.gradient(&rows, None, 1);
        let (permuted, of_permuted) = case.gradient(&others, None, 1);
        prop_assert!((loss - permuted).abs() <= 1e-5 * (1.0 + loss), "{loss} {permuted}");
        prop_assert!(close(&gradient, &of_permuted));
    }

    #[test]
    fn gradients_are_linear_in_the_weights_of_examples(case in cases(), a in 0.0..2.0_f64, b in 0.0..2.0_f64) {
        let rows = case.examples.all();
        let both: Vec<f64> = case.q[0].iter().zip(&case.q[1]).map(|(p, q)| a * p + b * q).collect();
        let (loss, gradient) = case.gradient(&rows, Some(&both), 1);
        let [(first, of_first), (second, of_second)] = [0, 1].map(|at| case.gradient(&rows, Some(&case.q[at]), 1));
        prop_assert!((loss - a * first - b * second).abs() <= 1e-9 * (1.0 + loss));
        let (a, b) = (a as f32, b as f32);
        let sum: Vec<f32> = of_first.iter().zip(&of_second).map(|(p, q)| a * p + b * q).collect();
        prop_assert!(close(&gradient, &sum));
    }

    #[test]
    fn weights_of_1_are_no_weights(case in cases()) {
        let rows = case.examples.all();
        let (loss, gradient) = case.gradient(&rows, None, 1);
        let (weighted, of_weighted) = case.gradient(&rows, Some(&vec![1.0; rows.len()]), 1);
        prop_assert!((loss - weighted).abs() <= 1e-12 * (1.0 + loss));
        prop_assert_eq!(gradient, of_weighted);
    }

    #[test]
    fn threads_change_no_bit(case in cases(), threads in 2..6_usize) {
        let rows = case.examples.all();
        prop_assert_eq!(
            case.gradient(&rows, Some(&case.q[0]), 1),
            case.gradient(&rows, Some(&case.q[0]), threads)
        );
    }

    /// Exact in f64 up to the rounding of the scores themselves.
    #[test]
    fn softmax_does_not_see_what_all_scores_share(
        scores in proptest::collection::vec(-30.0..30.0_f64, 2..80),
        shared in -1e3..1e3_f64,
        label in any::<prop::sample::Index>(),
    ) {
        let (classes, label) = (scores.len(), label.index(scores.len()));
        let mut shifted: Vec<f64> = scores.iter().map(|score| score + shared).collect();
        let mut slopes = scores;
        let plain = softmax::slopes(&mut slopes, classes, &[label as u16]).total;
        let moved = softmax::slopes(&mut shifted, classes, &[label as u16]).total;
        prop_assert!((plain - moved).abs() < 1e-10 * (1.0 + plain), "{plain} {moved}");
        prop_assert!(slopes.iter().zip(&shifted).all(|(a, b)| (a - b).abs() < 1e-11));
    }
}
