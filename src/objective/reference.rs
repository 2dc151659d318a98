//! The full loss and its gradient in f64, straight from the formulas: no panels, no folding, no
//! kernels. Slow, and what the fast path is checked against.

use super::Objective;
use crate::data::{Examples, Preprocessing};
use ndarray::{Array1, Array2, Axis};

/// A small batch in f64.
#[derive(Clone, Debug)]
pub struct Reference {
    /// x' (B, D): the preprocessed features.
    pub features: Array2<f64>,
    /// B labels.
    pub labels: Vec<u16>,
    /// q, what each example counts, (B); `None` when all count 1.
    pub weights: Option<Vec<f64>>,
    /// Loss and penalty.
    pub objective: Objective,
}

impl Reference {
    /// Copies `rows` of `examples`, preprocessed in f64.
    pub fn new(
        examples: &Examples,
        preprocessing: &Preprocessing,
        objective: Objective,
        rows: &[u32],
    ) -> Self {
        let features = Array2::from_shape_fn((rows.len(), examples.width), |(i, d)| {
            let x = f64::from(examples.features.get(rows[i] as usize * examples.width + d));
            (x - f64::from(preprocessing.mean[d])) * f64::from(preprocessing.scale[d])
        });
        let labels = rows.iter().map(|&row| examples.labels[row as usize]).collect();
        Self { features, labels, weights: None, objective }
    }

    /// The same with the weights of `rows` among those of all examples (N).
    #[must_use]
    pub fn weighted(mut self, example_weights: Option<&[f64]>, rows: &[u32]) -> Self {
        self.weights = example_weights.map(|all| rows.iter().map(|&row| all[row as usize]).collect());
        self
    }

    /// S = X' W^T + b, (B, K).
    pub fn scores(&self, weight: &Array2<f64>, bias: &Array1<f64>) -> Array2<f64> {
        self.features.dot(&weight.t()) + bias
    }

    /// Mean of q_i L_i of the given scores, without the penalty.
    pub fn data_loss(&self, scores: &Array2<f64>) -> f64 {
        let flat: Vec<f64> = scores.iter().copied().collect();
        let classes = scores.ncols();
        let loss = self.objective.loss;
        let Some(weights) = &self.weights else { return loss.total(&flat, classes, &self.labels).mean() };
        let rows = flat.chunks(classes).zip(self.labels.chunks(1)).zip(weights);
        let total: f64 = rows.map(|((scores, label), q)| q * loss.total(scores, classes, label).total).sum();
        total / weights.len() as f64
    }

    /// The full loss.
    pub fn loss(&self, weight: &Array2<f64>, bias: &Array1<f64>) -> f64 {
        self.data_loss(&self.scores(weight, bias)) + self.penalty(weight, bias)
    }

    /// The penalty alone.
    pub fn penalty(&self, weight: &Array2<f64>, bias: &Array1<f64>) -> f64 {
        let all: Vec<f64> = weight.iter().chain(bias).copied().collect();
        self.objective.penalty.value(&all)
    }

    /// dL/dW (K, D) and dL/db (K) of the full loss.
    pub fn gradient(&self, weight: &Array2<f64>, bias: &Array1<f64>) -> (Array2<f64>, Array1<f64>) {
        let scores = self.scores(weight, bias);
        let (count, classes) = scores.dim();
        let mut slopes: Vec<f64> = scores.iter().copied().collect();
        self.objective.loss.slopes(&mut slopes, classes, &self.labels);
        let share = |i: usize| self.weights.as_ref().map_or(1.0, |weights| weights[i]) / count as f64;
        let slopes = Array2::from_shape_fn((count, classes), |(i, k)| slopes[i * classes + k] * share(i));

        let mut weight_gradient = slopes.t().dot(&self.features).as_standard_layout().into_owned();
        let mut bias_gradient = slopes.sum_axis(Axis(0));
        let penalty = self.objective.penalty;
        if let (Some(w), Some(g)) = (weight.as_slice(), weight_gradient.as_slice_mut()) {
            penalty.add_gradient(w, g);
        }
        if let (Some(b), Some(g)) = (bias.as_slice(), bias_gradient.as_slice_mut()) {
            penalty.add_gradient(b, g);
        }
        (weight_gradient, bias_gradient)
    }
}
