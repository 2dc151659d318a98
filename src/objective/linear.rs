//! Loss and gradient of a linear classifier over images held as bytes.
//!
//! Training sees preprocessed features x' = (x - mean) scale, so that s = W x' + b. No x' is ever stored:
//! with the *folded* weights V = W scale (each feature's own scale),
//!
//! ```text
//! s_i     = V x_i + (b - V mean)
//! dL/dW   = (A^T X - (sum_i A_i) mean^T) scale / B + penalty        A = dL_i/ds_i, (B, K)
//! dL/db   = (sum_i A_i) / B + penalty
//! ```
//!
//! so the kernels read bytes only. W is cut into [`Panel`]s of features, each with all that belongs to
//! its features. A panel's work is done by one thread, and what panels contribute to a score is added
//! in panel order: results have the same bits for any number of threads.

use super::{BatchLoss, Objective, Penalty};
use crate::data::{Examples, Preprocessing};
use crate::kernel::Compute;
use ndarray::{Array1, Array2, s};
use std::ops::Range;

/// Features a panel has, about: its part of W for ten classes fits the nearest cache.
const PANEL_FEATURES: usize = 512;
/// Rows whose scores are computed at a time: their bytes stay cached for the gradient.
const BLOCK_ROWS: usize = 256;

/// What is minimised: an objective over examples as preprocessing shows them.
#[derive(Clone, Copy)]
pub struct LinearProblem<'a> {
    /// X as bytes (N, D), and labels.
    pub examples: &'a Examples,
    /// The map from X to what W multiplies.
    pub preprocessing: &'a Preprocessing,
    /// K.
    pub classes: usize,
    /// Loss and penalty.
    pub objective: Objective,
    /// What computes.
    pub compute: &'a Compute,
}

/// One panel's features, and W, gradient and partial results over them. Matrices are (K, F), row-major.
#[derive(Clone, Debug)]
pub struct Panel {
    /// Its F features.
    pub features: Range<usize>,
    /// Its part of W.
    pub weight: Vec<f32>,
    /// Its part of dL/dW.
    pub gradient: Vec<f32>,
    /// V = W scale.
    folded: Vec<f32>,
    /// V mean, (K).
    shift: Vec<f64>,
    /// Its part of the penalty.
    penalty: f64,
    /// V x of a block's rows, (B, K).
    scores: Vec<f32>,
}

impl Panel {
    /// Brings what derives from W up to date.
    fn fold(&mut self, preprocessing: &Preprocessing, penalty: Penalty) {
        let width = self.features.len();
        let mean = &preprocessing.mean[self.features.clone()];
        let scale = &preprocessing.scale[self.features.clone()];
        let rows = self.weight.chunks_exact(width).zip(self.folded.chunks_exact_mut(width));
        for ((weight, folded), shift) in rows.zip(&mut self.shift) {
            folded.iter_mut().zip(weight).zip(scale).for_each(|((v, w), scale)| *v = w * scale);
            *shift = dot_f64(folded, mean);
        }
        self.penalty = penalty.value(&self.weight);
    }

    /// From A^T X to dL/dW; `slope_sums` are the sums of A over the batch of `count` rows, (K).
    fn finish_gradient(&mut self, problem: &LinearProblem<'_>, slope_sums: &[f64], count: usize) {
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

/// W and b as training changes them, with the workspace of their losses and gradients.
#[derive(Clone, Debug)]
pub struct Weights {
    classes: usize,
    panels: Vec<Panel>,
    /// b (K).
    bias: Vec<f32>,
    /// dL/db (K).
    bias_gradient: Vec<f32>,
    /// b - V mean, (K): what is added to V x.
    offset: Vec<f32>,
    /// The penalty of W and b.
    penalty: f64,
    /// A block's scores, then slopes, (B, K).
    scores: Vec<f32>,
    /// A block's labels.
    labels: Vec<u16>,
}

impl Weights {
    /// `weight` (K, D) and `bias` (K), over the preprocessed features of `problem`.
    pub fn new(weight: &Array2<f32>, bias: &Array1<f32>, problem: &LinearProblem<'_>) -> Self {
        let (classes, width) = weight.dim();
        let panels = panels(width)
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
            classes,
            panels,
            bias: bias.to_vec(),
            bias_gradient: vec![0.0; classes],
            offset: vec![0.0; classes],
            penalty: 0.0,
            scores: Vec::new(),
            labels: Vec::new(),
        };
        weights.update(problem, &mut vec![(); weights.parts()], |_, _, ()| {});
        weights
    }

    /// All zeros: the start that the lecture's Q5 looks at.
    pub fn zeros(problem: &LinearProblem<'_>) -> Self {
        let (weight, bias) =
            (Array2::zeros((problem.classes, problem.examples.width)), Array1::zeros(problem.classes));
        Self::new(&weight, &bias, problem)
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

    /// How many parts [`Weights::update`] changes: the panels, then the bias.
    pub fn parts(&self) -> usize {
        self.panels.len() + 1
    }

    /// Numbers of weights in each part.
    pub fn part_lengths(&self) -> Vec<usize> {
        self.panels.iter().map(|panel| panel.weight.len()).chain([self.bias.len()]).collect()
    }

    /// Changes every part of the weights by `rule(weights, gradient, state)`; `states` has one state a
    /// part.
    ///
    /// # Panics
    /// When there are more or fewer states than parts.
    pub fn update<S: Send>(
        &mut self,
        problem: &LinearProblem<'_>,
        states: &mut [S],
        rule: impl Fn(&mut [f32], &[f32], &mut S) + Sync,
    ) {
        assert_eq!(states.len(), self.parts(), "one state a part");
        let (panel_states, bias_state) = states.split_at_mut(self.panels.len());
        let mut parts: Vec<_> = self.panels.iter_mut().zip(panel_states).collect();
        problem.compute.team.for_each(&mut parts, |_, (panel, state)| {
            rule(&mut panel.weight, &panel.gradient, state);
            panel.fold(problem.preprocessing, problem.objective.penalty);
        });
        rule(&mut self.bias, &self.bias_gradient, &mut bias_state[0]);

        for (class, offset) in self.offset.iter_mut().enumerate() {
            let shift: f64 = self.panels.iter().map(|panel| panel.shift[class]).sum();
            *offset = (f64::from(self.bias[class]) - shift) as f32;
        }
        let of_panels: f64 = self.panels.iter().map(|panel| panel.penalty).sum();
        self.penalty = of_panels + problem.objective.penalty.value(&self.bias);
    }

    fn assemble(&self, part: impl Fn(&Panel) -> &Vec<f32>) -> Array2<f32> {
        let width = self.panels.last().map_or(0, |panel| panel.features.end);
        let mut whole = Array2::zeros((self.classes, width));
        for panel in &self.panels {
            let columns = panel.features.clone();
            let values = whole.slice_mut(s![.., columns]).into_iter().zip(part(panel));
            values.for_each(|(to, &from)| *to = from);
        }
        whole
    }
}

impl LinearProblem<'_> {
    /// Sum of the losses of `rows`, without the penalty.
    pub fn loss(&self, weights: &mut Weights, rows: &[u32]) -> BatchLoss {
        let mut sum = BatchLoss::default();
        self.for_each_scores(weights, rows, |scores, labels| {
            sum += self.objective.loss.total(scores, self.classes, labels);
        });
        sum
    }

    /// Calls `look` with the scores (B, K) and labels of one block of `rows` after the other.
    pub fn for_each_scores(&self, weights: &mut Weights, rows: &[u32], mut look: impl FnMut(&[f32], &[u16])) {
        for block in rows.chunks(BLOCK_ROWS) {
            self.forward(weights, block);
            look(&weights.scores, &weights.labels);
        }
    }

    /// Sum of the losses of `rows`, without the penalty; the gradient of the *full* loss (mean over
    /// `rows`, plus penalty) is left in `weights`.
    pub fn loss_and_gradient(&self, weights: &mut Weights, rows: &[u32]) -> BatchLoss {
        let mut sum = BatchLoss::default();
        let mut slope_sums = vec![0.0_f64; self.classes];
        for panel in &mut weights.panels {
            panel.gradient.fill(0.0);
        }
        for block in rows.chunks(BLOCK_ROWS) {
            self.forward(weights, block);
            sum += self.objective.loss.slopes(&mut weights.scores, self.classes, &weights.labels);
            for slopes in weights.scores.chunks_exact(self.classes) {
                slope_sums.iter_mut().zip(slopes).for_each(|(sum, &slope)| *sum += f64::from(slope));
            }
            let slopes = &weights.scores;
            self.compute.team.for_each(&mut weights.panels, |_, panel| {
                let (x, features) = (self.examples.rows(), panel.features.clone());
                self.compute.kernel.add_gradient(
                    x,
                    block,
                    features,
                    slopes,
                    self.classes,
                    &mut panel.gradient,
                );
            });
        }
        self.compute.team.for_each(&mut weights.panels, |_, panel| {
            panel.finish_gradient(self, &slope_sums, rows.len());
        });
        for (gradient, sum) in weights.bias_gradient.iter_mut().zip(&slope_sums) {
            *gradient = (sum / rows.len() as f64) as f32;
        }
        self.objective.penalty.add_gradient(&weights.bias, &mut weights.bias_gradient);
        sum
    }

    /// Scores of one block, into `weights.scores`; its labels beside them.
    fn forward(&self, weights: &mut Weights, block: &[u32]) {
        let classes = self.classes;
        self.compute.team.for_each(&mut weights.panels, |_, panel| {
            panel.scores.resize(block.len() * classes, 0.0);
            let (x, features) = (self.examples.rows(), panel.features.clone());
            self.compute.kernel.scores(x, block, features, &panel.folded, classes, &mut panel.scores);
        });
        weights.scores.clear();
        for _ in block {
            weights.scores.extend_from_slice(&weights.offset);
        }
        for panel in &weights.panels {
            weights.scores.iter_mut().zip(&panel.scores).for_each(|(sum, part)| *sum += part);
        }
        weights.labels.clear();
        weights.labels.extend(block.iter().map(|&row| self.examples.labels[row as usize]));
    }
}

/// Cuts D features into panels of equal width (but for the last), a multiple of 64 features; the cut
/// depends on D alone.
fn panels(width: usize) -> impl Iterator<Item = Range<usize>> {
    let count = width.div_ceil(PANEL_FEATURES).max(1);
    let step = width.div_ceil(count).next_multiple_of(64);
    (0..width).step_by(step).map(move |start| start..width.min(start + step))
}

/// Sum of products in f64, over eight interleaved partial sums that the compiler can vectorise.
fn dot_f64(a: &[f32], b: &[f32]) -> f64 {
    let mut sums = [0.0_f64; 8];
    for (a, b) in a.chunks(8).zip(b.chunks(8)) {
        for ((sum, &a), &b) in sums.iter_mut().zip(a).zip(b) {
            *sum += f64::from(a) * f64::from(b);
        }
    }
    sums.iter().sum()
}
