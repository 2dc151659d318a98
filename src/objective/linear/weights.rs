//! W and b as training changes them, cut into panels of features.

use super::sums::{Sums, Total};
use super::{LinearProblem, gathered};
use crate::kernel::{Aligned, FixedWeights, Matrix, Multiples, Rows, STRIP};
use crate::objective::lanes::Lanes;
use crate::objective::penalty::PenaltySums;
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
    pub weight: Aligned,
    /// Its part of dL/dW.
    pub gradient: Aligned,
    /// Its part of A^T X, of a batch under way.
    pub sums: Sums,
    /// V = W scale.
    pub folded: Aligned,
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
    /// Changes W class by class, by `rule(weights, class)`, and what derives from it.
    #[inline(always)]
    fn change(&mut self, problem: &LinearProblem<'_>, mut rule: impl FnMut(&mut [f32], usize)) {
        let width = self.features.len();
        let (mean, scale) = problem.map_of(&self.features);
        let (penalty, is_fixed) = (problem.objective.penalty, self.fixed.is_some());
        let mut penalised = PenaltySums::default();
        let classes = self.weight.chunks_exact_mut(width).zip(self.folded.chunks_exact_mut(width));
        // All of one class before the next: it stays in the nearest cache.
        for (class, (weight, folded)) in classes.enumerate() {
            rule(weight, class);
            let mut shift = Lanes::default();
            for_each_strip(
                (weight, folded),
                (mean, scale),
                #[inline(always)]
                |(weight, folded), (mean, scale)| {
                    folded.iter_mut().zip(weight).zip(scale).for_each(|((v, w), scale)| *v = *w * scale);
                    penalised.add(penalty, weight);
                    if !is_fixed {
                        shift.add_products(folded, mean);
                    }
                },
            );
            self.shift[class] = shift.total();
        }
        self.penalty = penalised.penalty(penalty);
        if let Some(fixed) = &mut self.fixed {
            problem.compute.kernel.set_fixed(fixed, &mut self.folded);
            for (folded, shift) in self.folded.chunks_exact(width).zip(&mut self.shift) {
                *shift = dot(folded, mean);
            }
        }
    }

    /// Brings up to date what derives from W.
    pub fn refresh(&mut self, problem: &LinearProblem<'_>) {
        self.change(problem, |_, _| {});
    }

    /// V x of `rows`, (B, K), into `scores`; `digits` is room.
    pub fn scores(
        &self,
        problem: &LinearProblem<'_>,
        rows: Rows<'_>,
        digits: &mut Vec<i32>,
        scores: &mut [f32],
    ) {
        let (kernel, features) = (problem.compute.kernel, self.features.clone());
        match (&self.fixed, problem.examples.rows()) {
            (Some(fixed), Matrix::Bytes(x)) => kernel.fixed_scores(x, rows, features, fixed, digits, scores),
            (_, x) => kernel.scores(x, rows.now, features, &self.folded, problem.classes, scores),
        }
    }

    /// As [`Panel::scores`], into its own room.
    pub fn score(&mut self, problem: &LinearProblem<'_>, rows: Rows<'_>) {
        let mut room = std::mem::take(&mut self.room);
        room.scores.resize(rows.now.len() * problem.classes, 0.0);
        self.scores(problem, rows, &mut room.digits, &mut room.scores);
        self.room = room;
    }

    /// Zeros for A^T X of a batch to come.
    pub fn clear(&mut self, multiples: Option<Multiples>) {
        self.sums.clear(multiples, self.weight.len(), self.shift.len());
    }

    /// dL/dW of the batch whose A^T X is in `total` or here.
    #[inline(always)]
    pub fn finish_gradient(&mut self, problem: &LinearProblem<'_>, total: Total<'_>) {
        let (mean, scale) = problem.map_of(&self.features);
        for (class, gradient) in self.gradient.chunks_exact_mut(self.features.len()).enumerate() {
            total.gradient(&self.sums, class, mean, scale, gradient);
        }
        problem.objective.penalty.add_gradient(&self.weight, &mut self.gradient);
    }

    /// A step along the gradient of the batch whose A^T X is in `total` or here: class after class, W is changed by
    /// `rule(weights, gradient, first)`, `first` being the place of the first of them here.
    #[inline(always)]
    pub fn step(
        &mut self,
        problem: &LinearProblem<'_>,
        total: Total<'_>,
        mut rule: impl FnMut(&mut [f32], &[f32], usize),
    ) {
        let width = self.features.len();
        let (mean, scale) = problem.map_of(&self.features);
        let (sums, mut gradient) = (std::mem::take(&mut self.sums), std::mem::take(&mut self.room.gradient));
        gradient.resize(width);
        self.change(
            problem,
            #[inline(always)]
            |weight, class| {
                total.gradient(&sums, class, mean, scale, &mut gradient);
                problem.objective.penalty.add_gradient(weight, &mut gradient);
                rule(weight, &gradient, class * width);
            },
        );
        (self.sums, self.room.gradient) = (sums, gradient);
    }
}

/// Does `work` with each strip of a class's weights, W and V, and of the mean and scale of the features they are for.
/// Nearly all strips are of one length: what is inlined into this is compiled for it.
#[inline(always)]
fn for_each_strip(
    (weight, folded): (&[f32], &mut [f32]),
    (mean, scale): (&[f32], &[f32]),
    mut work: impl FnMut((&[f32], &mut [f32]), (&[f32], &[f32])),
) {
    let (weights, last_weights) = weight.as_chunks::<STRIP>();
    let (folds, last_folds) = folded.as_chunks_mut::<STRIP>();
    let (means, last_means) = mean.as_chunks::<STRIP>();
    let (scales, last_scales) = scale.as_chunks::<STRIP>();
    for ((weight, folded), (mean, scale)) in weights.iter().zip(folds).zip(means.iter().zip(scales)) {
        work((weight, folded), (mean, scale));
    }
    if !last_weights.is_empty() {
        work((last_weights, last_folds), (last_means, last_scales));
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
        let step =
            if problem.gathers() { gathered::panel_features(width, classes) } else { panel_features(width) };
        let panels = panels(width, step)
            .map(|features| {
                let part: Vec<f32> = weight.slice(s![.., features.clone()]).iter().copied().collect();
                Panel {
                    gradient: Aligned::zeros(part.len()),
                    sums: Sums::default(),
                    fixed: problem.in_fixed_point(features.len()),
                    folded: Aligned::zeros(part.len()),
                    shift: vec![0.0; classes],
                    penalty: 0.0,
                    room: super::Room::default(),
                    weight: Aligned::from(&part[..]),
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
        problem.compute.team.for_each(&mut weights.panels, |_, panel| panel.refresh(problem));
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
                panel.refresh(problem);
            });
            self.update_bias(problem, |_, _| {});
        }
        self
    }

    /// Which of the next rows to fetch during scores, and which during the gradient: scores in floats fetch none.
    pub(super) fn split<'r>(&self, next: &'r [u32]) -> (&'r [u32], &'r [u32]) {
        let in_fixed_point = self.panels.iter().all(|panel| panel.fixed.is_some());
        next.split_at(if in_fixed_point { next.len() / 2 } else { 0 })
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

    fn assemble(&self, part: impl Fn(&Panel) -> &Aligned) -> Array2<f32> {
        let width = self.panels.last().map_or(0, |panel| panel.features.end);
        let mut whole = Array2::zeros((self.bias.len(), width));
        for panel in &self.panels {
            let columns = panel.features.clone();
            let values = whole.slice_mut(s![.., columns]).into_iter().zip(part(panel).iter());
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

/// a b^T.
#[inline(always)]
fn dot(a: &[f32], b: &[f32]) -> f64 {
    let mut sum = Lanes::default();
    sum.add_products(a, b);
    sum.total()
}

/// Cuts D features into panels of `step`.
fn panels(width: usize, step: usize) -> impl Iterator<Item = Range<usize>> {
    (0..width).step_by(step).map(move |start| start..width.min(start + step))
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
