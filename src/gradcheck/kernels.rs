//! The losses and gradients that training uses, in f32, against f64.

use super::{Check, Parameters};
use crate::kernel::{Compute, Kernel, Team};
use crate::objective::reference::Reference;
use crate::objective::{LinearProblem, Loss, Weights};
use ndarray::{Array1, Array2, ArrayView1};
use serde::Serialize;

/// Largest error of an f32 gradient, relative to the largest entry of the f64 one, that passes. The products sum
/// thousands of bytes of up to 255 in f32 before the mean is taken off, which costs one to two of its seven digits.
pub const KERNEL_BOUND: f64 = 1e-4;

/// Rows with a margin nearer to 0 than this are left to the numerical check: f32 may see them on the other side.
const NEAR_KINK: f64 = 1e-3;

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

/// Every kernel on every layout of a batch, against f64; and how many rows had to be left out.
pub(super) fn check(
    plan: &Check<'_>,
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
        .filter(|((_, scores), label)| far_from_kinks(plan.objective.loss, scores, usize::from(**label)))
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
        let exact = Reference::new(plan.examples, plan.preprocessing, plan.objective, batch)
            .weighted(plan.example_weights, batch);
        let exact_loss = exact.loss(&at.0, &at.1);
        let exact_gradient = analytic(&exact, &at.0, &at.1);
        for kernel in Kernel::available() {
            let compute = Compute { kernel, team: Team::new(plan.threads) };
            let problem = LinearProblem {
                examples: plan.examples,
                preprocessing: plan.preprocessing,
                classes: plan.classes,
                objective: plan.objective,
                example_weights: plan.example_weights,
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

fn far_from_kinks(loss: Loss, scores: &ArrayView1<'_, f64>, label: usize) -> bool {
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
