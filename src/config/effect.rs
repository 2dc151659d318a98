//! Which settings have an effect beside the others: one without is an error, and not written to config.toml.

use super::choices::OptimizerName::{self, Adagrad, Adam, Lbfgs, Momentum, Nesterov, Rmsprop};
use super::choices::ScheduleName::{self, Exponential, Inverse, Step};
use super::choices::{LossName, StrategyName, name};
use super::settings::Settings;
use crate::train::{BatchSize, CheckpointEvery};

/// Why a margin is refused.
pub(super) const ONLY_SVM_HAS_A_MARGIN: &str = "only the svm loss has a margin";

/// The reason, unless the setting is used.
fn unless(used: bool, reason: impl Into<String>) -> Option<String> {
    (!used).then(|| reason.into())
}

impl Settings {
    /// Why `key` has no effect with the other settings; `None` if it has.
    pub fn without_effect(&self, key: &str) -> Option<String> {
        let by_strategy = if self.strategy == StrategyName::RandomSearch {
            unused_by_search(key)
        } else if self.optimizer == Lbfgs {
            unused_by_lbfgs(key)
        } else {
            unused_by_rules(key)
        };
        by_strategy.or_else(|| self.without_effect_beside(key))
    }

    /// The same, where the strategy may use it.
    fn without_effect_beside(&self, key: &str) -> Option<String> {
        let minibatches = self.batch_size != BatchSize::Full;
        match key {
            "test-split" => unless(self.test.is_none(), "--test names the file of test examples"),
            "margin" => unless(self.loss == LossName::Svm, ONLY_SVM_HAS_A_MARGIN),
            "keep-checkpoints" => {
                unless(self.checkpoint_every != Some(CheckpointEvery::Off), "checkpoint-every is off")
            }
            "memory" => unless(
                minibatches,
                "a full batch needs all examples in memory: only minibatches are streamed",
            ),
            "window" => unless(minibatches, "a full batch keeps the order of the data"),
            "momentum" => self.unless_optimizer(&[Momentum, Nesterov]),
            "beta1" => self.unless_optimizer(&[Adam]),
            "beta2" => self.unless_optimizer(&[Rmsprop, Adam]),
            "epsilon" => self.unless_optimizer(&[Adagrad, Rmsprop, Adam]),
            "decay" => self.unless_schedule(&[Step, Exponential, Inverse]),
            "step-every" => self.unless_schedule(&[Step]),
            "patience" => unless(!self.validation.is_none(), "it needs held-out rows: give validation too"),
            _ => None,
        }
    }

    fn unless_optimizer(&self, users: &[OptimizerName]) -> Option<String> {
        let reason = format!("the optimizer {} does not use it", name(self.optimizer));
        unless(users.contains(&self.optimizer), reason)
    }

    fn unless_schedule(&self, users: &[ScheduleName]) -> Option<String> {
        let reason = format!("the schedule {} does not use it", name(self.schedule));
        unless(users.contains(&self.schedule), reason)
    }
}

fn unused_by_search(key: &str) -> Option<String> {
    match key {
        "validation" | "optimizer" | "lr" | "schedule" | "decay" | "step-every" | "warmup" | "momentum"
        | "beta1" | "beta2" | "epsilon" | "batch-size" | "window" | "epochs" | "patience" | "init-scale"
        | "watch-test" | "tol" | "max-iterations" => Some("random search does not use it".into()),
        "memory" => Some("random search needs all examples in memory: only minibatches are streamed".into()),
        _ => None,
    }
}

fn unused_by_lbfgs(key: &str) -> Option<String> {
    let reason = match key {
        "attempts" | "scale" | "local" => return unused_by_rules(key),
        "lr" | "schedule" | "decay" | "step-every" | "warmup" => "lbfgs finds its own steps",
        "batch-size" | "window" => "lbfgs takes the whole set",
        "epochs" => "lbfgs goes on until its gap is certified: see tol and max-iterations",
        "init-scale" => "there is one minimum, wherever lbfgs starts",
        "l1" => "lbfgs needs a smooth penalty",
        "patience" | "watch-test" => "lbfgs looks for the minimum, not for the best epoch",
        "memory" => "lbfgs needs all examples in memory: only minibatches are streamed",
        "checkpoint-every" | "keep-checkpoints" => {
            "lbfgs keeps no checkpoints: started again, it gives the same bytes"
        }
        _ => return None,
    };
    Some(reason.into())
}

fn unused_by_rules(key: &str) -> Option<String> {
    match key {
        "attempts" | "scale" | "local" => Some("only random search uses it".into()),
        "tol" | "max-iterations" => Some("only the optimizer lbfgs uses it".into()),
        _ => None,
    }
}
