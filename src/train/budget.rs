//! What a descent over streamed examples takes of memory, with the whole program around it, and so how many rows may be
//! shuffled at a time.
//!
//! All of it is computed from the plan and extents alone: the same bound gives the same windows, and so the same model, on
//! every machine.

use super::{BatchSize, DescentPlan, SAMPLE_ROWS};
use crate::data::{Dataset, Store, Streamed};
use crate::objective::linear::scratch;
use std::num::NonZeroUsize;

/// The program itself, its threads, and what is drawn at the end.
const PROGRAM: u64 = 32 << 20;
/// Copies of the weights, at most: with gradient, folded and best so far, the rule's memory, and a checkpoint of all that.
const WEIGHT_COPIES: u64 = 20;
/// Bytes of each row that is not there: its label as it is read, or later its label and its places in orders.
const ROW: u64 = 28;
/// Bytes of each step: its loss, that in a checkpoint and that in the curve.
const STEP: u64 = 48;
/// Windows that there are at a time: one that is trained on, and the next.
const WINDOWS: u64 = 2;

/// Less memory than a descent takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooLittle {
    /// Bytes that would do.
    pub least: u64,
    /// The rows of a window, if the plan has them.
    pub window: Option<usize>,
}

/// Rows of the largest window with which `plan` over `rows` training rows of `data` takes no more than `memory` bytes, whole
/// batches; `None` if all of them fit. A window of the plan's own stays as it is. `weighed`: whether the
/// classes or examples have weights.
///
/// # Errors
/// [`TooLittle`] when not even a batch at a time fits, or not the plan's own window.
pub fn window_within(
    memory: u64,
    plan: &DescentPlan,
    data: &Dataset<Streamed>,
    rows: usize,
    weighed: bool,
) -> Result<Option<NonZeroUsize>, TooLittle> {
    let batch = match plan.batch_size {
        BatchSize::Rows(batch) => batch.get().min(rows),
        BatchSize::Full => rows,
    };
    // Losses are computed by parts of so many rows.
    let part = data.train.part_rows().min(rows);
    let weight = if weighed { size_of::<f64>() } else { 0 };
    let row = WINDOWS * (data.train.bytes_of_row() + weight) as u64;
    let steps = plan.epochs * rows.div_ceil(batch);
    let fixed = fixed(data, steps, batch) + (data.train.len() * weight) as u64;

    let window = plan.window.map(|window| window.get().next_multiple_of(batch).min(rows));
    let least = fixed + row * window.unwrap_or(batch).max(part) as u64;
    if memory < least {
        return Err(TooLittle { least, window });
    }
    if window.is_some() {
        return Ok(plan.window);
    }
    let most = ((memory - fixed) / row) as usize;
    Ok(NonZeroUsize::new(most / batch * batch).filter(|_| most < rows))
}

/// Bytes of all but the windows and q, the weights that training uses.
fn fixed(data: &Dataset<Streamed>, steps: usize, batch: usize) -> u64 {
    let (classes, width) = (data.classes() as u64, data.train.width() as u64);
    let parameters = classes * (width + 1) * size_of::<f32>() as u64;
    let copies = WEIGHT_COPIES + scratch::gradients(batch, data.classes()) as u64;
    let rows = (data.train.len() + data.test.len()) as u64;
    let own_weights = [&data.weights.train, &data.weights.test].map(|own| own.as_ref().map_or(0, Vec::len));
    PROGRAM
        + copies * parameters
        + rows * ROW
        + (own_weights.iter().sum::<usize>() * size_of::<f64>()) as u64
        + steps as u64 * STEP
        + SAMPLE_ROWS as u64 * width * size_of::<f64>() as u64
        + scratch::counts_bytes(data.classes(), data.train.part_rows())
        + scratch::scores_bytes(&data.train.like().features, data.classes(), data.train.width())
}
