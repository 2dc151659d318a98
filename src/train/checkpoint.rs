//! Where a run stands, as a value: all that a later process needs to go on as if nothing had happened, to the byte.
//!
//! What follows from the settings and the data (preprocessing, split, schedule) is not part of it; the settings
//! themselves and the data's digest are, so that a checkpoint is only ever used with its own. Nothing here reads or
//! writes files: `bytes` makes a file's content of a [`Checkpoint`], and back.

mod bytes;
pub(super) mod exact;
#[cfg(test)]
mod tests;

pub use bytes::CheckpointError;

use super::{Attempt, Epoch, Figures, Start};
use crate::objective::BatchLoss;
use ndarray::{Array1, Array2};
use serde::{Deserialize, Serialize};

/// Who keeps checkpoints.
pub trait Keeper {
    /// Whether one is wanted now that the steps (or attempts) done went from `before` to `done`.
    fn is_due(&mut self, before: u64, done: u64) -> bool;
    /// Keeps one.
    ///
    /// # Errors
    /// Why it could not, in one line, if that is news.
    fn keep(&mut self, state: State) -> Result<(), String>;
}

/// Keeps none.
impl Keeper for () {
    fn is_due(&mut self, _before: u64, _done: u64) -> bool {
        false
    }

    fn keep(&mut self, _state: State) -> Result<(), String> {
        Ok(())
    }
}

/// A state, and what it is a state of.
#[derive(Clone, Debug, PartialEq)]
pub struct Checkpoint {
    /// Where it comes from.
    pub provenance: Provenance,
    /// Where the run stands.
    pub state: State,
}

/// What a checkpoint belongs to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Provenance {
    /// Version of the program: another may compute other bytes.
    pub program: String,
    /// The kernel that computed: another rounds differently.
    pub kernel: String,
    /// The run's settings, as TOML.
    pub config: String,
    /// BLAKE3 of the data's content.
    pub data_digest: String,
}

/// Where a run of either strategy stands.
#[derive(Clone, Debug, PartialEq)]
pub enum State {
    /// A descent.
    Descent(Box<DescentState>),
    /// A random search.
    Search(Box<SearchState>),
}

impl State {
    /// Steps, or attempts, done.
    pub fn steps(&self) -> u64 {
        match self {
            Self::Descent(state) => state.step_losses.len() as u64,
            Self::Search(state) => state.attempts.len() as u64,
        }
    }

    /// Seconds of training so far, over all processes.
    pub fn seconds(&self) -> f64 {
        match self {
            Self::Descent(state) => state.seconds,
            Self::Search(state) => state.seconds,
        }
    }
}

/// Where a descent stands, after some step.
#[derive(Clone, Debug, PartialEq)]
pub struct DescentState {
    /// W (K, D).
    pub weight: Array2<f32>,
    /// b (K).
    pub bias: Array1<f32>,
    /// What the rule remembers, two vectors over all weights, part by part; empty where it needs none.
    pub rule: [Vec<f32>; 2],
    /// The epoch's order of the training rows.
    pub order: Vec<u32>,
    /// Words that the generator of the shuffles has given.
    pub shuffled: u64,
    /// Batches of the epoch that are done.
    pub batches: usize,
    /// Sums over them.
    pub sums: EpochSums,
    /// Full loss of every step's batch, from the first step on.
    pub step_losses: Vec<f64>,
    /// The epochs that are done.
    pub history: Vec<Epoch>,
    /// The weights of the best epoch, or of the last good one.
    pub kept: Kept,
    /// How it began.
    pub start: Start,
    /// Seconds of training so far, over all processes.
    pub seconds: f64,
}

/// What one epoch has come to so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct EpochSums {
    /// Of L_i over its examples.
    #[serde(with = "exact")]
    pub total: f64,
    /// Examples predicted right.
    pub correct: usize,
    /// Examples.
    pub count: usize,
    /// Sum over its examples of their batch's full loss.
    #[serde(with = "exact")]
    pub full_loss: f64,
    /// Learning rate of its last step.
    #[serde(with = "exact")]
    pub lr: f64,
}

impl EpochSums {
    /// Takes in a batch: its sums, its full loss, and the rate of the step it led to.
    pub fn add(&mut self, batch: &BatchLoss, full_loss: f64, lr: f64) {
        self.total += batch.total;
        self.correct += batch.correct;
        self.count += batch.count;
        self.full_loss += full_loss * batch.count as f64;
        self.lr = lr;
    }

    /// Means over the epoch's examples, each at the weights of its step.
    pub fn figures(&self) -> Figures {
        let Self { total, correct, count, full_loss, .. } = *self;
        let sum = BatchLoss { total, correct, count };
        Figures { loss: sum.mean(), objective: full_loss / count as f64, accuracy: sum.accuracy() }
    }
}

/// Weights of an earlier epoch, to come back to.
#[derive(Clone, Debug, PartialEq)]
pub struct Kept {
    /// W (K, D).
    pub weight: Array2<f32>,
    /// b (K).
    pub bias: Array1<f32>,
    /// The epoch; `None` is the start.
    pub epoch: Option<usize>,
    /// Of the held-out rows there.
    pub validation: Option<Figures>,
}

/// Where a random search stands, after some attempt.
#[derive(Clone, Debug, PartialEq)]
pub struct SearchState {
    /// The best W so far (K, D).
    pub weight: Array2<f32>,
    /// Its bias (K).
    pub bias: Array1<f32>,
    /// Every attempt, in order.
    pub attempts: Vec<Attempt>,
    /// Words that the generator of the draws has given.
    pub drawn: u64,
    /// Seconds of searching so far, over all processes.
    pub seconds: f64,
}

impl DescentState {
    /// Whether it can be one of a descent of `shape` (K, D), over so many training rows of the numbers `rows`, in so
    /// many batches, under a rule that remembers vectors of these lengths; else what is wrong. A file with a good
    /// checksum, settings and data can only fail this if someone made it up, but nothing may panic then.
    ///
    /// # Errors
    /// What does not fit.
    pub fn check(
        &self,
        shape: (usize, usize),
        rows: &[u32],
        batches: usize,
        rule: [usize; 2],
    ) -> Result<(), &'static str> {
        let of_shape =
            |weight: &Array2<f32>, bias: &Array1<f32>| weight.dim() == shape && bias.len() == shape.0;
        if !of_shape(&self.weight, &self.bias) || !of_shape(&self.kept.weight, &self.kept.bias) {
            return Err("weights of another shape");
        }
        if self.rule.each_ref().map(Vec::len) != rule {
            return Err("the memory of another rule");
        }
        let mut order = self.order.clone();
        order.sort_unstable();
        if order != rows {
            return Err("other training rows");
        }
        if self.batches > batches || self.step_losses.len() != self.history.len() * batches + self.batches {
            return Err("another number of steps");
        }
        let numbered = self.history.iter().enumerate().all(|(index, row)| row.epoch == index + 1);
        if !numbered || (self.batches > 0 && self.sums.count == 0) {
            return Err("a history with gaps");
        }
        Ok(())
    }
}
