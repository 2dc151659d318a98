//! From the settings and `--rules` to the plan of each rule.

use crate::cli::{Entry, TrajectoriesArgs};
use crate::config::{self, ConfigError, OptimizerName, Origin, RunConfig, Settings, Strategy};
use crate::train::DescentPlan;
use clap::ValueEnum;

/// Constants of the rules: each has its effect if one of the rules that race uses it.
const CONSTANTS: [&str; 4] = ["momentum", "beta1", "beta2", "epsilon"];

/// A setting that would be ignored.
pub fn without_effect(key: &str, reason: &str) -> ConfigError {
    ConfigError::WithoutEffect { origin: Origin::Flag(key.into()), reason: reason.into() }
}

/// The rules that race: those typed, else all six.
pub fn entries(args: &TrajectoriesArgs) -> Vec<Entry> {
    if !args.rules.is_empty() {
        return args.rules.clone();
    }
    let all = OptimizerName::value_variants().iter().filter(|rule| **rule != OptimizerName::Lbfgs);
    all.map(|&rule| Entry { rule, lr: None }).collect()
}

/// Those of the typed settings that the rule `optimizer` can use.
pub fn usable(args: &TrajectoriesArgs, optimizer: OptimizerName) -> Vec<String> {
    let settings = Settings { optimizer, ..args.settings.clone() };
    let used = |key: &&String| !CONSTANTS.contains(&key.as_str()) || settings.without_effect(key).is_none();
    args.given.iter().filter(used).cloned().collect()
}

/// Refuses a constant that was typed and that no rule uses.
pub fn check_constants(args: &TrajectoriesArgs, rules: &[OptimizerName]) -> Result<(), ConfigError> {
    let unused = args.given.iter().find(|key| {
        CONSTANTS.contains(&key.as_str()) && !rules.iter().any(|rule| usable(args, *rule).contains(key))
    });
    unused.map_or(Ok(()), |key| Err(without_effect(key, "none of the rules uses it")))
}

/// The run of `base`, but by another rule and at its rate.
pub fn with_rule(
    args: &TrajectoriesArgs,
    base: &Settings,
    rule: OptimizerName,
    lr: f64,
) -> Result<RunConfig, ConfigError> {
    let typed = |key: &str| args.given.iter().any(|given| given == key);
    let from = &args.settings;
    let mut settings = Settings { optimizer: rule, lr, ..base.clone() };
    // A default that depends on the rule is that of this one.
    settings.beta2 = if typed("beta2") { from.beta2 } else { None };
    for (key, to, typed_value) in [
        ("momentum", &mut settings.momentum, from.momentum),
        ("beta1", &mut settings.beta1, from.beta1),
        ("epsilon", &mut settings.epsilon, from.epsilon),
    ] {
        if typed(key) {
            *to = typed_value;
        }
    }
    let keys: Vec<String> =
        Settings::keys().iter().filter(|key| settings.without_effect(key).is_none()).cloned().collect();
    config::resolve(&settings, &keys, None)
}

/// How a run descends, if it does.
pub fn plan(config: &RunConfig) -> Option<&DescentPlan> {
    match &config.strategy {
        Strategy::Descent(plan) => Some(plan),
        Strategy::SecondOrder(_) | Strategy::RandomSearch(_) => None,
    }
}
