//! The order in which an epoch goes through the training rows, and the parts in which it does.

use crate::random;
use rand_chacha::ChaCha8Rng;
use std::num::NonZeroUsize;

/// Bytes of a block, about: as many as a disk reads at full speed from anywhere.
const BLOCK_BYTES: usize = 1 << 20;
/// A window has at least so many blocks, as long as they have rows.
const LEAST_BLOCKS: usize = 16;

/// How rows are shuffled for an epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    /// Not at all.
    Unchanged,
    /// All at once: each order is equally likely.
    Shuffled,
    /// Blocks of neighbouring rows, then the rows within a window of such blocks.
    Windows {
        /// Rows of a window, whole batches.
        window: usize,
        /// Rows of a block.
        block: usize,
    },
}

impl Order {
    /// Windows of about so many rows, in whole batches; `None` is one window. `row_bytes` are those of a row's features.
    pub fn new(window: Option<NonZeroUsize>, rows: usize, batch: usize, row_bytes: usize) -> Self {
        let window =
            window.map(|window| window.get().next_multiple_of(batch)).filter(|&window| window < rows);
        let Some(window) = window else { return Self::Shuffled };
        let block = (BLOCK_BYTES / row_bytes.max(1)).min(window / LEAST_BLOCKS).max(1);
        Self::Windows { window, block }
    }

    /// Puts `order` into another one, drawn by `rng`; `rows` are all rows, as they lie in the data.
    pub fn shuffle(self, rng: &mut ChaCha8Rng, rows: &[u32], order: &mut Vec<u32>) {
        match self {
            Self::Unchanged => {}
            Self::Shuffled => random::shuffle(rng, order),
            Self::Windows { window, block } => {
                let mut blocks: Vec<&[u32]> = rows.chunks(block).collect();
                random::shuffle(rng, &mut blocks);
                order.clear();
                blocks.iter().for_each(|block| order.extend_from_slice(block));
                order.chunks_mut(window).for_each(|window| random::shuffle(rng, window));
            }
        }
    }

    /// What is left of `order` after `done` rows, window by window; `done` counts a short last batch as a whole one.
    pub fn parts(self, order: &[u32], done: usize) -> Vec<&[u32]> {
        let done = done.min(order.len());
        let window = if let Self::Windows { window, .. } = self { window } else { order.len().max(1) };
        let of_window = (window - done % window).min(order.len() - done);
        let (first, rest) = order[done..].split_at(of_window);
        std::iter::once(first).chain(rest.chunks(window)).filter(|part| !part.is_empty()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{Stream, generator};

    fn windows(rows: usize, window: usize, batch: usize, row_bytes: usize) -> Order {
        Order::new(NonZeroUsize::new(window), rows, batch, row_bytes)
    }

    #[test]
    fn windows_are_whole_batches_of_whole_blocks() {
        assert_eq!(windows(100_000, 1000, 256, 3072), Order::Windows { window: 1024, block: 64 });
        assert_eq!(windows(100_000, 65_536, 256, 3072), Order::Windows { window: 65_536, block: 341 });
        assert_eq!(windows(100, 5, 10, 1 << 30), Order::Windows { window: 10, block: 1 });
        assert_eq!(windows(1000, 999, 10, 1), Order::Shuffled, "a window that all rows fit is none");
        assert_eq!(Order::new(None, 1000, 10, 1), Order::Shuffled);
    }

    #[test]
    fn every_row_is_there_once_and_each_epoch_has_another_order() {
        let rows: Vec<u32> = (0..1003).filter(|row| row % 7 > 0).collect();
        for order in [windows(rows.len(), 64, 32, 1 << 18), windows(rows.len(), 100, 10, 3)] {
            let mut rng = generator(1, Stream::Shuffle);
            let mut epoch = rows.clone();
            let mut earlier = Vec::new();
            for _ in 0..3 {
                order.shuffle(&mut rng, &rows, &mut epoch);
                let mut sorted = epoch.clone();
                sorted.sort_unstable();
                assert_eq!(sorted, rows);
                assert!(!earlier.contains(&epoch));
                earlier.push(epoch.clone());
            }
        }
    }

    /// A window's rows come from everywhere, in runs that a disk likes.
    #[test]
    fn a_window_is_a_few_blocks_from_all_over_the_data() {
        let rows: Vec<u32> = (0..100_000).collect();
        let order = windows(rows.len(), 10_000, 100, 4096);
        let mut epoch = rows.clone();
        order.shuffle(&mut generator(1, Stream::Shuffle), &rows, &mut epoch);
        for part in order.parts(&epoch, 0) {
            assert_eq!(part.len(), 10_000);
            let mut sorted = part.to_vec();
            sorted.sort_unstable();
            assert_ne!(part, sorted);
            let runs = sorted.windows(2).filter(|pair| pair[1] != pair[0] + 1).count();
            assert!((20..60).contains(&runs), "{runs} gaps");
            assert!(sorted[0] < 20_000 && sorted[9_999] > 80_000);
        }
    }

    #[test]
    fn parts_go_on_within_a_window() {
        let order: Vec<u32> = (0..10).collect();
        let windows = Order::Windows { window: 4, block: 1 };
        assert_eq!(windows.parts(&order, 0), [&[0, 1, 2, 3][..], &[4, 5, 6, 7], &[8, 9]]);
        assert_eq!(windows.parts(&order, 2), [&[2, 3][..], &[4, 5, 6, 7], &[8, 9]]);
        assert_eq!(windows.parts(&order, 4), [&[4, 5, 6, 7][..], &[8, 9]]);
        assert_eq!(windows.parts(&order, 9), [&[9][..]]);
        assert!(windows.parts(&order, 10).is_empty() && windows.parts(&order, 12).is_empty());
        assert!(Order::Shuffled.parts(&order, 12).is_empty());
        assert_eq!(Order::Shuffled.parts(&order, 3), [&order[3..]]);
    }
}
