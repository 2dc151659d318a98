//! W and b as training changes them, cut into panels of features.

use super::LinearProblem;
use super::gathered::{self, Room};
use ndarray::{Array1, Array2, s};
use std::ops::Range;

/// Features a panel has, about: its part of W for ten classes fits the nearest cache.
const PANEL_FEATURES: usize = 512;

/// One panel's features, and W, gradient and partial results over them. Matrices are (K, F), row-major.
#[derive(Clone, Debug)]
pub(super) struct Panel {
    /// Its F features.
    pub features: Range<usize>,
    /// Its part of W.
    pub weight: Vec<f32>,
    /// Its part of dL/dW; before it is finished, of A^T X.
    pub gradient: Vec<f32>,
    /// V = W scale.
    pub folded: Vec<f32>,
    /// V mean, (K).
    shift: Vec<f64>,
    /// Its part of the penalty.
    penalty: f64,
    /// V x of a block's rows, (B, K).
    pub scores: Vec<f32>,
}

impl Panel {
    /// Changes W by `rule(weights, gradient)`, and what derives from it.
    #[inline(always)]
    pub fn update(&mut self, problem: &LinearProblem<'_>, rule: impl FnOnce(&mut [f32], &[f32])) {
        rule(&mut self.weight, &self.gradient);
        let width = self.features.len();
        let mean = &problem.preprocessing.mean[self.features.clone()];
        let scale = &problem.preprocessing.scale[self.features.clone()];
        let rows = self.weight.chunks_exact(width).zip(self.folded.chunks_exact_mut(width));
        for ((weight, folded), shift) in rows.zip(&mut self.shift) {
            folded.iter_mut().zip(weight).zip(scale).for_each(|((v, w), scale)| *v = w * scale);
            *shift = dot_f64(folded, mean);
        }
        self.penalty = problem.objective.penalty.value(&self.weight);
    }

    /// From A^T X to dL/dW; `slope_sums` are the sums of A over the batch of `count` rows, (K).
    #[inline(always)]
    pub fn finish_gradient(&mut self, problem: &LinearProblem<'_>, slope_sums: &[f64], count: usize) {
        let width = self.features.len();
        let mean = &problem.preprocessing.mean[self.features.clone()];
        let scale = &problem.preprocessing.scale[self.features.clone()];
        let per_row = 1.0 / count as f32;
        for (gradient, &slope_sum) in self.gradient.chunks_exact_mut(width).zip(slope_sums) {
            let slope_sum = slope_sum as f32;
            for ((g, mean), scale) in gradient.iter_mut().zip(mean).zip(scale) {
                *g = (*g - slope_sum * mean) * (scale * per_row);
            }
        }
        problem.objective.penalty.add_gradient(&self.weight, &mut self.gradient);
    }
}

/// W and b over preprocessed features, and the gradient there.
#[derive(Clone, Debug)]
pub struct Weights {
    pub(super) panels: Vec<Panel>,
    /// b (K).
    pub(super) bias: Vec<f32>,
    /// dL/db (K).
    pub(super) bias_gradient: Vec<f32>,
    /// b - V mean, (K): what is added to V x.
    pub(super) offset: Vec<f32>,
    /// The penalty of W and b.
    penalty: f64,
    /// For batches of gathered rows.
    pub(super) room: Room,
}

impl Weights {
    /// `weight` (K, D) and `bias` (K), over the preprocessed features of `problem`.
    pub fn new(weight: &Array2<f32>, bias: &Array1<f32>, problem: &LinearProblem<'_>) -> Self {
        let (classes, width) = weight.dim();
        let step = if problem.gathers() { gathered::panel_features(classes) } else { panel_features(width) };
        let panels = panels(width, step)
            .map(|features| {
                let part: Vec<f32> = weight.slice(s![.., features.clone()]).iter().copied().collect();
                Panel {
                    gradient: vec![0.0; part.len()],
                    folded: vec![0.0; part.len()],
                    shift: vec![0.0; classes],
                    penalty: 0.0,
                    scores: Vec::new(),
                    weight: part,
                    features,
                }
            })
            .collect();
        let mut weights = Self {
            panels,
            bias: bias.to_vec(),
            bias_gradient: vec![0.0; classes],
            offset: vec![0.0; classes],
            penalty: 0.0,
            room: Room::default(),
        };
        problem.compute.team.for_each(&mut weights.panels, |_, panel| panel.update(problem, |_, _| {}));
        weights.update_bias(problem, |_, _| {});
        weights
    }

    /// All zeros: the start that the lecture's Q5 looks at.
    pub fn zeros(problem: &LinearProblem<'_>) -> Self {
        let shape = (problem.classes, problem.examples.width);
        Self::new(&Array2::zeros(shape), &Array1::zeros(problem.classes), problem)
    }

    /// W (K, D) and b (K).
    pub fn to_arrays(&self) -> (Array2<f32>, Array1<f32>) {
        (self.assemble(|panel| &panel.weight), Array1::from(self.bias.clone()))
    }

    /// dL/dW (K, D) and dL/db (K), as the last gradient left them.
    pub fn gradient(&self) -> (Array2<f32>, Array1<f32>) {
        (self.assemble(|panel| &panel.gradient), Array1::from(self.bias_gradient.clone()))
    }

    /// The penalty at these weights.
    pub fn penalty(&self) -> f64 {
        self.penalty
    }

    /// Whether every weight is a finite number, as of the last update.
    pub fn is_finite(&self) -> bool {
        // The penalty holds the sum of all squares, in f64, and 0 times infinity is no number either.
        self.penalty.is_finite()
    }

    /// How many parts [`LinearProblem::step`] changes: the panels, then the bias.
    pub fn parts(&self) -> usize {
        self.panels.len() + 1
    }

    /// Numbers of weights in each part.
    pub fn part_lengths(&self) -> Vec<usize> {
        self.panels.iter().map(|panel| panel.weight.len()).chain([self.bias.len()]).collect()
    }

    /// Changes the bias by `rule(bias, gradient)`, once every panel is up to date, and what derives from them all.
    pub(super) fn update_bias(&mut self, problem: &LinearProblem<'_>, rule: impl FnOnce(&mut [f32], &[f32])) {
        rule(&mut self.bias, &self.bias_gradient);
        for (class, offset) in self.offset.iter_mut().enumerate() {
            let shift: f64 = self.panels.iter().map(|panel| panel.shift[class]).sum();
            *offset = (f64::from(self.bias[class]) - shift) as f32;
        }
        let of_panels: f64 = self.panels.iter().map(|panel| panel.penalty).sum();
        self.penalty = of_panels + problem.objective.penalty.value(&self.bias);
    }

    fn assemble(&self, part: impl Fn(&Panel) -> &Vec<f32>) -> Array2<f32> {
        let width = self.panels.last().map_or(0, |panel| panel.features.end);
        let mut whole = Array2::zeros((self.bias.len(), width));
        for panel in &self.panels {
            let columns = panel.features.clone();
            let values = whole.slice_mut(s![.., columns]).into_iter().zip(part(panel));
            values.for_each(|(to, &from)| *to = from);
        }
        whole
    }
}

/// The features of a panel so that all have the same (but for the last), a multiple of 64; it depends on D alone.
fn panel_features(width: usize) -> usize {
    let count = width.div_ceil(PANEL_FEATURES).max(1);
    width.div_ceil(count).next_multiple_of(64)
}

/// Cuts D features into panels of `step`.
fn panels(width: usize, step: usize) -> impl Iterator<Item = Range<usize>> {
    (0..width).step_by(step).map(move |start| start..width.min(start + step))
}

/// Sum of products in f64, over interleaved partial sums that the compiler can vectorise.
#[inline(always)]
fn dot_f64(a: &[f32], b: &[f32]) -> f64 {
    const LANES: usize = 32;
    let product = |(&a, &b): (&f32, &f32)| f64::from(a) * f64::from(b);
    let ((a, a_rest), (b, b_rest)) = (a.as_chunks::<LANES>(), b.as_chunks::<LANES>());
    let mut sums = [0.0_f64; LANES];
    for (a, b) in a.iter().zip(b) {
        for (sum, pair) in sums.iter_mut().zip(a.iter().zip(b)) {
            *sum += product(pair);
        }
    }
    sums.iter().sum::<f64>() + a_rest.iter().zip(b_rest).map(product).sum::<f64>()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn panels_cover_every_feature_once() {
        for width in [1, 63, 64, 512, 513, 784, 3072, 3073, 4096] {
            let cut: Vec<_> = panels(width, panel_features(width)).collect();
            assert_eq!(cut.first().map(|panel| panel.start), Some(0));
            assert_eq!(cut.last().map(|panel| panel.end), Some(width));
            assert!(cut.windows(2).all(|pair| pair[0].end == pair[1].start), "{cut:?}");
            assert!(cut.iter().all(|panel| panel.len() <= 576), "{cut:?}");
        }
    }
}
