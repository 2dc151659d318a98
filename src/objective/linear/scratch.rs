//! What loss and gradient take of memory beside examples and weights, at most, whatever the processor and the number of
//! threads.

use super::{GROUPS, MANY_ROWS, TASK_ROWS, gathered, sums};
use crate::data::Features;

/// Threads whose scores are counted.
const THREADS: u64 = 16;

/// Gradients' worth of sums that are held at a time for a batch of so many rows, beside the one that is returned.
pub fn gradients(batch: usize, classes: usize) -> usize {
    let of_one = sums::digits(classes);
    if batch < MANY_ROWS { of_one - 1 } else { GROUPS * of_one }
}

/// Bytes of the scores and slopes of all threads, with the rows that are gathered for them.
pub fn scores_bytes(features: &Features, classes: usize, width: usize) -> u64 {
    let gathered = if gathered::pays_off(features, classes) { width } else { 0 };
    THREADS * TASK_ROWS as u64 * (2 * classes + gathered) as u64 * size_of::<f32>() as u64
}

/// Bytes of the confusion matrices while the losses of so many rows are computed: a block's has at most as many pages as
/// rows.
pub fn counts_bytes(classes: usize, rows: usize) -> u64 {
    let classes = classes as u64;
    (8 * classes * classes).min((TASK_ROWS as u64) << 12) * (rows / TASK_ROWS) as u64
}
