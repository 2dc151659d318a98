//! What a run takes of memory while its examples are streamed, and so how many rows fit at a time.
//!
//! All of it is computed from settings and extents alone: the same `--memory` gives the same windows, and so the same
//! model, on every machine.

use crate::config::{ConfigError, MemorySize, RunConfig, Strategy};
use crate::data::{Dataset, Features, Store, Streamed};
use crate::train::BatchSize;
use std::num::NonZeroUsize;

/// The program itself, its threads, and what is drawn at the end.
const PROGRAM: u64 = 32 << 20;
/// Copies of the weights, at most: with gradient, folded and best so far, the rule's memory, and a checkpoint of all that.
const WEIGHT_COPIES: u64 = 20;
/// Bytes of each row that is not there: its label as it is read, or later its label and its places in orders.
const ROW: u64 = 28;
/// Bytes of each step: its loss, that in a checkpoint and that in the curve.
const STEP: u64 = 48;
/// Rows that the curvature is estimated on, as f64, after a run that diverged.
const SAMPLE: u64 = 500;
/// Threads whose scratch is counted: their number must not change the windows.
const THREADS: u64 = 16;
/// From so many classes on, rows of floats are gathered as well.
const MANY_CLASSES: u64 = 33;
/// Rows of a task's scores.
const TASK: u64 = 256;
/// Windows that there are at a time: one that is trained on, and the next.
const WINDOWS: u64 = 2;

/// `config` with the largest windows that fit into `memory`; where it has its own, or goes on as `resumed`, they must fit.
///
/// # Errors
/// [`ConfigError`] with the least memory that would do.
pub fn fit(
    config: &RunConfig,
    memory: MemorySize,
    data: &Dataset<Streamed>,
    rows: usize,
    resumed: bool,
) -> Result<RunConfig, ConfigError> {
    let Strategy::Descent(plan) = config.strategy else { return Ok(config.clone()) };
    let batch = match plan.batch_size {
        BatchSize::Rows(batch) => batch.get().min(rows),
        BatchSize::Full => rows,
    };
    // Losses are computed by parts of so many rows.
    let part = data.train.part_rows().min(rows);
    let weights = if config.settings.class_weight.is_some() { size_of::<f64>() } else { 0 };
    let row = WINDOWS * (data.train.bytes_of_row() + weights) as u64;
    let fixed = fixed(config, data, plan.epochs * rows.div_ceil(batch), batch);

    let window = plan.window.map(|window| window.get().next_multiple_of(batch).min(rows));
    let window = window.or(resumed.then_some(rows));
    let least = fixed + row * window.unwrap_or(batch).max(part) as u64;
    if memory.bytes() < least {
        let with = match window {
            Some(window) => format!("for windows of {window} rows"),
            None => "for these data".into(),
        };
        let least = MemorySize::in_megabytes(least);
        return Err(ConfigError::TooLittleMemory { found: memory, least, with });
    }
    if window.is_some() {
        return Ok(config.clone());
    }
    let most = ((memory.bytes() - fixed) / row) as usize;
    let largest = NonZeroUsize::new(most / batch * batch).filter(|_| most < rows);
    Ok(config.clone().with_window(largest))
}

/// All but the windows.
fn fixed(config: &RunConfig, data: &Dataset<Streamed>, steps: usize, batch: usize) -> u64 {
    let (classes, width) = (data.classes() as u64, data.train.width() as u64);
    let parameters = classes * (width + 1) * size_of::<f32>() as u64;
    // Gradients of large batches are added up from 16 groups of rows.
    let copies = if batch < 4096 { WEIGHT_COPIES } else { WEIGHT_COPIES + 16 };
    let rows = (data.train.len() + data.test.len()) as u64;
    let row = if config.settings.class_weight.is_some() { ROW + size_of::<f64>() as u64 } else { ROW };
    // A block's confusion matrix has at most as many pages as rows.
    let counts = (8 * classes * classes).min(TASK << 12) * (data.train.part_rows() as u64 / TASK);
    let is_bytes = matches!(data.train.like().features, Features::Bytes(_));
    let gathered = if is_bytes || classes < MANY_CLASSES { 0 } else { width };
    let scratch = THREADS * TASK * (2 * classes + gathered) * size_of::<f32>() as u64;
    PROGRAM
        + copies * parameters
        + rows * row
        + steps as u64 * STEP
        + SAMPLE * width * size_of::<f64>() as u64
        + counts
        + scratch
}
