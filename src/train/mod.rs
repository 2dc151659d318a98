//! The strategies: of the lecture's, [`descend`] follows the slope and [`search`] does not; [`minimise`] goes to the
//! minimum and proves it. All report what happens to an [`Observer`], stop for a stated [`Stop`], and print nothing.

mod batch_size;
mod budget;
mod checkpoint;
mod checkpoint_every;
mod curvature;
mod descent;
mod order;
mod random_search;
mod second_order;

use crate::objective::{BatchLoss, Weights};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::sync::atomic::AtomicBool;

pub use batch_size::BatchSize;
pub use budget::{TooLittle, window_within};
pub use checkpoint::{
    Checkpoint, CheckpointError, DescentState, EpochSums, Keeper, Kept, Provenance, SearchState, State,
};
pub use checkpoint_every::CheckpointEvery;
use curvature::SAMPLE_ROWS;
pub use curvature::largest_curvature;
pub use descent::{Descent, DescentError, DescentPlan, Watched, descend, descend_from};
pub use random_search::{Search, SearchPlan, search, search_from};
pub use second_order::{Minimum, Neighbour, SecondOrderPlan, minimise, second_moment};

/// Why a strategy ended.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Stop {
    /// All epochs, or all attempts, were done.
    Completed,
    /// The validation accuracy did not rise for as many epochs as patience allows.
    EarlyStop {
        /// The epoch whose weights are kept.
        best_epoch: usize,
    },
    /// A loss or a weight stopped being a finite number.
    Diverged {
        /// The step, or attempt, from 1.
        step: u64,
        /// The learning rate it was taken with, if it is a step.
        lr: Option<f64>,
    },
    /// The minimum is certified to be as near as was asked for.
    ToleranceReached {
        /// The certified gap.
        gap: f64,
        /// What was asked for.
        tolerance: f64,
    },
    /// No step helps any more, though the gap is wider than was asked for.
    Stalled {
        /// The certified gap.
        gap: f64,
        /// What was asked for.
        tolerance: f64,
    },
    /// As many iterations as allowed were done before the gap was as narrow as was asked for.
    IterationLimit {
        /// The certified gap.
        gap: f64,
        /// What was asked for.
        tolerance: f64,
    },
    /// The user asked to stop.
    Interrupted {
        /// Steps, or attempts, done.
        step: u64,
    },
}

impl Stop {
    /// A fixed word for machines.
    pub fn word(self) -> &'static str {
        match self {
            Self::Completed => "completed",
            Self::EarlyStop { .. } => "early-stop",
            Self::Diverged { .. } => "diverged",
            Self::ToleranceReached { .. } => "tolerance",
            Self::Stalled { .. } => "stalled",
            Self::IterationLimit { .. } => "max-iterations",
            Self::Interrupted { .. } => "interrupted",
        }
    }
}

/// The reason, for people.
impl fmt::Display for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Completed => f.write_str("everything asked for was done"),
            Self::EarlyStop { best_epoch } => {
                write!(
                    f,
                    "validation accuracy stopped rising after epoch {best_epoch}, whose weights are kept"
                )
            }
            Self::Diverged { step, lr } => {
                let rate = lr.map_or_else(String::new, |lr| format!(" (learning rate {lr})"));
                write!(f, "diverged at step {step}{rate}: the loss or a weight is not finite")
            }
            Self::ToleranceReached { gap, tolerance } => {
                write!(f, "the gap is certified to {gap:.2e}, within the tolerance of {tolerance:e}")
            }
            Self::Stalled { gap, tolerance } => write!(
                f,
                "no step narrows the gap any more: it is certified to {gap:.2e}, not to the tolerance of {tolerance:e}"
            ),
            Self::IterationLimit { gap, tolerance } => write!(
                f,
                "all iterations were done: the gap is certified to {gap:.2e}, not to the tolerance of {tolerance:e}"
            ),
            Self::Interrupted { step } => write!(f, "interrupted after step {step}"),
        }
    }
}

/// Losses and accuracy over some rows.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Figures {
    /// Data loss: the mean of L_i.
    #[serde(with = "checkpoint::exact")]
    pub loss: f64,
    /// Full loss: data loss plus penalty.
    #[serde(with = "checkpoint::exact")]
    pub objective: f64,
    /// Share predicted right.
    #[serde(with = "checkpoint::exact")]
    pub accuracy: f64,
}

impl Figures {
    /// From a batch's sums and the penalty.
    pub fn new(sum: &BatchLoss, penalty: f64) -> Self {
        Self { loss: sum.mean(), objective: sum.mean() + penalty, accuracy: sum.accuracy() }
    }
}

/// One row of the history of a descent.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Epoch {
    /// From 1.
    pub epoch: usize,
    /// Steps taken since the start.
    pub step: u64,
    /// Learning rate of the epoch's last step.
    #[serde(with = "checkpoint::exact")]
    pub lr: f64,
    /// Means over the epoch's batches, each at the weights it was computed with.
    pub train: Figures,
    /// Of the held-out rows, at the epoch's end.
    pub validation: Option<Figures>,
    /// Of the test set, at the epoch's end, if it is watched.
    pub test: Option<Figures>,
    /// Since the start of training.
    #[serde(with = "checkpoint::exact")]
    pub seconds: f64,
}

/// How a descent stands before its first step.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Start {
    /// On the first `rows` training rows.
    pub figures: Figures,
    /// Rows they were computed on.
    pub rows: usize,
    /// Steps to come, if nothing stops them.
    pub steps: u64,
    /// Epochs to come.
    pub epochs: usize,
}

/// One step of a descent.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Step {
    /// From 1.
    pub step: u64,
    /// The epoch it belongs to, from 1.
    pub epoch: usize,
    /// Examples it used.
    pub examples: usize,
    /// Of its batch, at the weights before the step.
    pub figures: Figures,
}

/// One attempt of random search.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Attempt {
    /// From 0, as in the lecture.
    pub attempt: usize,
    /// Full loss over all training rows.
    pub loss: f64,
    /// The lowest so far, this one included.
    pub best: f64,
    /// Since the start.
    pub seconds: f64,
}

/// What a loss, a gradient and a bound were computed in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Precision {
    /// f32, where a bound is as good as its rounding.
    Single,
    /// f64, where it is a certificate.
    Double,
}

impl Precision {
    /// A short name for tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Single => "f32",
            Self::Double => "f64",
        }
    }

    /// By which part of itself a mean loss over many rows may be off.
    fn noise(self) -> f64 {
        match self {
            Self::Single => 1e-7,
            Self::Double => 1e-14,
        }
    }
}

/// One iteration of [`minimise`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Iteration {
    /// From 1.
    pub iteration: usize,
    /// Gradients over all rows so far.
    pub gradients: usize,
    /// At its end, over all training rows.
    pub figures: Figures,
    /// The lowest full loss so far.
    pub best: f64,
    /// The highest lower bound of the minimum so far.
    pub bound: f64,
    /// What lies between, absolute for softmax, for the SVM as part of the lowest full loss.
    pub gap: f64,
    /// What all this was computed in.
    pub precision: Precision,
    /// Since the start.
    pub seconds: f64,
}

/// Who is told what happens. Every method may be left out.
pub trait Observer {
    /// A descent begins.
    fn started(&mut self, _start: &Start) {}
    /// So many steps, or attempts, were done in an earlier process.
    fn resumed(&mut self, _steps: u64) {}
    /// A checkpoint could not be written; the run goes on.
    fn not_kept(&mut self, _why: &str) {}
    /// A step was taken.
    fn stepped(&mut self, _step: &Step) {}
    /// The weights are where they are after this step; step 0 is the start.
    fn moved(&mut self, _step: u64, _weights: &Weights) {}
    /// An epoch ended.
    fn epoch_ended(&mut self, _epoch: &Epoch) {}
    /// Random search tried another W.
    fn attempted(&mut self, _attempt: &Attempt) {}
    /// Something that had to be done first was done, in so many seconds.
    fn prepared(&mut self, _what: &str, _seconds: f64) {}
    /// [`minimise`] did an iteration.
    fn iterated(&mut self, _iteration: &Iteration) {}
}

/// Tells nobody.
impl Observer for () {}

/// What a strategy that can be resumed is told of the world around it.
pub struct Course<'a, S> {
    /// Where an earlier process left off; `None` begins.
    pub from: Option<S>,
    /// Who keeps checkpoints.
    pub keeper: &'a mut dyn Keeper,
    /// Who is told what happens.
    pub observer: &'a mut dyn Observer,
    /// Set when the user asks to stop.
    pub interrupt: &'a AtomicBool,
}
