//! The weights of a training run, written down as it goes.

use crate::objective::{LinearProblem, Weights};
use crate::train::{Observer, Start};
use ndarray::{Array1, Array2};

/// Positions that a recording holds, about ...
const POSITIONS: u64 = 120;
/// ... unless they were more weights than this in all (400 MB).
const MOST_WEIGHTS: usize = 100_000_000;

/// Positions of a run, evenly spaced in steps: W, row by row, then b.
#[derive(Clone, Debug, Default)]
pub struct Recording {
    /// Step (the start is 0), and the weights after it.
    pub positions: Vec<(u64, Vec<f32>)>,
    every: u64,
    steps: u64,
}

impl Observer for Recording {
    fn started(&mut self, start: &Start) {
        self.steps = start.steps;
    }

    fn moved(&mut self, step: u64, weights: &Weights) {
        if step == 0 {
            let most = (MOST_WEIGHTS / weights.part_lengths().iter().sum::<usize>().max(1)).max(8);
            self.every = self.steps.div_ceil(POSITIONS.min(most as u64)).max(1);
        }
        if step.is_multiple_of(self.every) || step == self.steps {
            let (weight, bias) = weights.to_arrays();
            self.positions.push((step, weight.iter().chain(&bias).copied().collect()));
        }
    }
}

impl Recording {
    /// The last position, as weights of `problem`; `None` if nothing was recorded.
    pub fn end(&self, problem: &LinearProblem<'_>) -> Option<Weights> {
        self.positions.last().map(|(_, flat)| to_weights(problem, flat))
    }
}

/// Weights from W, row by row, then b.
pub fn to_weights(problem: &LinearProblem<'_>, flat: &[f32]) -> Weights {
    let width = problem.examples.width;
    let (w, b) = flat.split_at(problem.classes * width);
    let weight = Array2::from_shape_fn((problem.classes, width), |(k, d)| w[k * width + d]);
    Weights::new(&weight, &Array1::from(b.to_vec()), problem)
}
