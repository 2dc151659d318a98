//! Settings that are one of a few names.

use super::effect::ONLY_SVM_HAS_A_MARGIN;
use super::{ConfigError, Origin};
use crate::objective::Loss;
use clap::ValueEnum;
use serde::{Deserialize, Serialize};

/// The strategies of the lecture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StrategyName {
    /// Follow the slope
    Descent,
    /// Try random weights and keep the best
    RandomSearch,
}

/// The losses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LossName {
    /// Multiclass SVM (hinge) loss
    Svm,
    /// Softmax cross-entropy
    Softmax,
}

impl LossName {
    /// The loss of that name, with the margin that was given, if one was.
    ///
    /// # Errors
    /// [`ConfigError::WithoutEffect`] for a margin of a loss that has none.
    pub fn with_margin(self, margin: Option<f64>) -> Result<Loss, ConfigError> {
        match (self, margin) {
            (Self::Svm, margin) => Ok(Loss::Svm { margin: margin.unwrap_or(1.0) }),
            (Self::Softmax, None) => Ok(Loss::Softmax),
            (Self::Softmax, Some(_)) => Err(ConfigError::WithoutEffect {
                origin: Origin::Flag("margin".into()),
                reason: ONLY_SVM_HAS_A_MARGIN.into(),
            }),
        }
    }
}

/// The update rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs, reason = "the names of the rules, whose formulas are in optim::UpdateRule")]
pub enum OptimizerName {
    Sgd,
    Momentum,
    Nesterov,
    Adagrad,
    Rmsprop,
    Adam,
    /// Second order, over the whole set, to a certified gap (strategy descent; needs lambda above 0)
    Lbfgs,
}

/// How the learning rate falls.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ScheduleName {
    /// It does not
    Constant,
    /// Times --decay every --step-every epochs
    Step,
    /// Times --decay every epoch, smoothly
    Exponential,
    /// Divided by 1 + --decay * epochs
    Inverse,
    /// Half a cosine, down to 0
    Cosine,
}

/// The name of a choice, as flags and keys have it.
pub fn name(choice: impl ValueEnum + Copy) -> String {
    choice.to_possible_value().map_or_else(String::new, |value| value.get_name().into())
}
