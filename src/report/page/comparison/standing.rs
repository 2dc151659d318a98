//! Which run is the best, and how far the others are behind it over the same examples.

use super::Run;
use crate::metrics::paired_difference;
use serde::Serialize;

/// A run among those it is compared with.
#[derive(Clone, Debug, Serialize)]
pub struct Standing<'a> {
    /// What the page calls it.
    pub name: &'a str,
    /// The share of test examples that it has right.
    pub test_accuracy: f64,
    /// Its 95% interval, by Wilson.
    pub test_accuracy_interval: [f64; 2],
    /// How far it is behind the best; `None` for the best itself, and where the two were not tested on the same examples
    /// here.
    pub behind: Option<Behind>,
}

/// A difference of test accuracies.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Behind {
    /// The best's accuracy less this one's.
    pub difference: f64,
    /// Its 95% interval, over the same examples.
    pub interval: [f64; 2],
}

/// The run of the highest test accuracy, the first of those that are equal.
pub fn best(runs: &[Run]) -> usize {
    let accuracy = |index: &usize| runs[*index].result.test_accuracy;
    (0..runs.len()).rev().max_by(|a, b| accuracy(a).total_cmp(&accuracy(b))).unwrap_or(0)
}

/// By how much `best` is ahead of `run`; `None` where they were not tested on the same examples here.
pub fn lead(best: &Run, run: &Run) -> Option<Behind> {
    let (Ok(ahead), Ok(behind)) = (&best.test, &run.test) else { return None };
    let same = best.result.data_digest == run.result.data_digest;
    let [difference, low, high] = same.then(|| paired_difference(&ahead.right, &behind.right)).flatten()?;
    Some(Behind { difference, interval: [low, high] })
}

/// Every run beside the best.
pub fn standings<'a>(runs: &'a [Run]) -> Vec<Standing<'a>> {
    let best = best(runs);
    let behind = |index: usize| (index != best).then(|| lead(&runs[best], &runs[index])).flatten();
    let standing = |(index, run): (usize, &'a Run)| Standing {
        name: &run.name,
        test_accuracy: run.result.test_accuracy,
        test_accuracy_interval: run.result.test_accuracy_interval,
        behind: behind(index),
    };
    runs.iter().enumerate().map(standing).collect()
}
