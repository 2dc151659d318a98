//! W and b as training changes them, cut into panels of features.

use super::LinearProblem;
use super::gathered;
use super::sums::Sums;
use crate::kernel::{FixedWeights, Matrix};
use ndarray::{Array1, Array2, s};
use std::ops::Range;

/// Features a panel has, about: its part of W for ten classes fits the nearest cache.
const PANEL_FEATURES: usize = 512;

/// From how many rows a step on weights in fixed point pay off.
const FIXED_ROWS: usize = 128;

/// One panel's features, and W, gradient and partial results over them. Matrices are (K, F), row-major.
#[derive(Clone, Debug)]
pub(super) struct Panel {
    /// Its F features.
    pub features: Range<usize>,
    /// Its part of W.
    pub weight: Vec<f32>,
    /// Its part of dL/dW.
    pub gradient: Vec<f32>,
    /// Its part of A^T X, of a batch under way.
    pub sums: Sums,
    /// V = W scale.
    pub folded: Vec<f32>,
    /// V in fixed point, where products are: then V is what that rounds it to.
    pub fixed: Option<FixedWeights>,
    /// V mean, (K).
    shift: Vec<f64>,
    /// Its part of the penalty.
    penalty: f64,
    /// V x of a block's rows, with room for what they are made of.
    pub room: super::Room,
}

impl Panel {
    /// Changes W by `rule(weights, gradient)`, and what derives from it.
    #[inline(always)]
    pub fn update(&mut self, problem: &LinearProblem<'_>, rule: impl FnOnce(&mut [f32], &[f32])) {
        rule(&mut self.weight, &self.gradient);
        let width = self.features.len();
        let mean = &problem.preprocessing.mean[self.features.clone()];
        let scale = &problem.preprocessing.scale[self.features.clone()];
        for (weight, folded) in self.weight.chunks_exact(width).zip(self.folded.chunks_exact_mut(width)) {
            folded.iter_mut().zip(weight).zip(scale).for_each(|((v, w), scale)| *v = w * scale);
        }
        if let Some(fixed) = &mut self.fixed {
            problem.compute.kernel.set_fixed(fixed, &mut self.folded);
        }
        for (folded, shift) in self.folded.chunks_exact(width).zip(&mut self.shift) {
            // On its own: among all else here the compiler keeps its sums in memory.
            *shift = problem.compute.kernel.dispatch(
                #[inline(always)]
                || dot_f64(folded, mean),
            );
        }
        self.penalty = problem.objective.penalty.value(&self.weight);
    }

    /// V x of `rows`, (B, K), into `scores`; `digits` is room.
    pub fn scores(
        &self,
        problem: &LinearProblem<'_>,
        rows: &[u32],
        digits: &mut Vec<i32>,
        scores: &mut [f32],
    ) {
        let (kernel, features) = (problem.compute.kernel, self.features.clone());
        match (&self.fixed, problem.examples.rows()) {
            (Some(fixed), Matrix::Bytes(x)) => kernel.fixed_scores(x, rows, features, fixed, digits, scores),
            (_, x) => kernel.scores(x, rows, features, &self.folded, problem.classes, scores),
        }
    }

    /// As [`Panel::scores`], into its own room.
    pub fn score(&mut self, problem: &LinearProblem<'_>, rows: &[u32]) {
        let mut room = std::mem::take(&mut self.room);
        room.scores.resize(rows.len() * problem.classes, 0.0);
        self.scores(problem, rows, &mut room.digits, &mut room.scores);
        self.room = room;
    }

    /// Zeros for A^T X of a batch to come.
    pub fn clear(&mut self, whole: bool) {
        self.sums.clear(whole, self.weight.len(), self.shift.len());
    }

    /// From A^T X, its own or the sum of `parts`, to dL/dW; `slope_sums` are the sums of A over the batch of `count` rows,
    /// (K).
    #[inline(always)]
    pub fn finish_gradient(
        &mut self,
        problem: &LinearProblem<'_>,
        parts: Option<&[&Sums]>,
        slope_sums: &[f64],
        count: usize,
    ) {
        let mean = &problem.preprocessing.mean[self.features.clone()];
        let scale = &problem.preprocessing.scale[self.features.clone()];
        let own = match &mut self.sums {
            Sums::Floats(sums) if parts.is_none() => {
                std::mem::swap(&mut self.gradient, sums);
                None
            }
            sums => Some(&*sums),
        };
        let parts = parts.unwrap_or(own.as_slice());
        Sums::finish(parts, &mut self.gradient, slope_sums, mean, scale, count);
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
    pub(super) room: gathered::Room,
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
                    sums: Sums::default(),
                    fixed: problem.in_fixed_point(features.len()),
                    folded: vec![0.0; part.len()],
                    shift: vec![0.0; classes],
                    penalty: 0.0,
                    room: super::Room::default(),
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
            room: gathered::Room::default(),
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

    /// For steps over so many rows. Weights in fixed point are the faster ones to score many rows with, but take their
    /// time to be written after every step: for few rows they stay floats.
    #[must_use]
    pub fn for_steps_of(mut self, rows: usize, problem: &LinearProblem<'_>) -> Self {
        if rows < FIXED_ROWS {
            problem.compute.team.for_each(&mut self.panels, |_, panel| {
                panel.fixed = None;
                panel.update(problem, |_, _| {});
            });
            self.update_bias(problem, |_, _| {});
        }
        self
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
        for i in 0..LANES {
            sums[i] += f64::from(a[i]) * f64::from(b[i]);
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
