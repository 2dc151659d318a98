//! Rows side by side: what the tiles of a gradient read.
//!
//! A tile takes a few features of every row. A row of an image is a multiple of many cache lines, so the same feature of
//! all rows falls into few sets of the first-level cache, and no line stays there until the next tile wants its other
//! bytes. So bytes are copied first, a line a row, in far less time than the misses take. Floats, of which a tile takes
//! whole lines, are read in place.

use super::{Block, Element, LINE};
use std::mem::MaybeUninit;
use std::ops::Range;

/// Rows of a strip: the lines of bytes are 8 KB.
const ROWS: usize = 128;

/// Copies of numbers of one row.
#[repr(align(64))]
struct Line<T>([T; LINE]);

/// A few features of some rows, and what goes with them.
pub struct Strip<'a, T> {
    /// What it is cut from.
    pub block: &'a Block<'a, T>,
    /// The features, counted from the first of the panel.
    pub features: Range<usize>,
    /// The slopes of the rows, (B, K).
    pub slopes: &'a [f32],
    /// The rows to fetch meanwhile, no more than there are rows.
    pub next: &'a [u32],
    rows: &'a [u32],
    /// A line a row, zeros behind the last feature; none if the rows are read in place.
    lines: &'a [Line<T>],
}

impl<'a, T> Strip<'a, T> {
    /// Whether tiles are read [`Strip::in_x`]; if not, they are [`Strip::copied`].
    #[inline]
    pub fn is_in_place(&self) -> bool {
        self.lines.is_empty()
    }

    /// V registers of L features from `start` of the panel, row after row, as X has them.
    #[inline]
    pub fn in_x<const L: usize, const V: usize>(
        &self,
        start: usize,
    ) -> impl Iterator<Item = &'a [[T; L]; V]> + use<'a, T, L, V> {
        let (block, start) = (self.block, self.block.features.start + start);
        self.rows.iter().map(
            #[inline(always)]
            move |&row| &block.x.segment(row, &(start..start + V * L)).as_chunks().0.as_chunks().0[0],
        )
    }

    /// V registers of L features from `start` of the panel, row after row, as they were copied, zeros behind the last of
    /// the panel; `start` is a multiple of V x L from the first of the strip.
    #[inline]
    pub fn copied<const L: usize, const V: usize>(
        &self,
        start: usize,
    ) -> impl Iterator<Item = &'a [[T; L]; V]> + use<'a, T, L, V> {
        let tile = (start - self.features.start) / (V * L);
        self.lines.iter().map(
            #[inline(always)]
            move |line| &line.0.as_chunks().0.as_chunks().0[tile],
        )
    }

    /// Asks for the numbers of a row to come.
    #[inline]
    pub fn prefetch(&self, row: u32) {
        self.block.prefetch(row, self.block.features.start + self.features.start);
    }
}

impl<T: Element> Block<'_, T> {
    /// Does `work` on all rows and features, strip after strip; on the rows in their order. `slopes` are (B, K).
    #[inline]
    pub fn for_each_strip(&self, slopes: &[f32], mut work: impl FnMut(&Strip<'_, T>)) {
        let mut room = [const { MaybeUninit::uninit() }; ROWS];
        let features_of_line = LINE / size_of::<T>();
        let mut all_next = self.next;
        for (rows, slopes) in self.rows.chunks(ROWS).zip(slopes.chunks(ROWS * self.classes)) {
            let next;
            (next, all_next) = all_next.split_at(rows.len().min(all_next.len()));
            for start in (0..self.features.len()).step_by(features_of_line) {
                let features = start..self.features.len().min(start + features_of_line);
                let in_place = size_of::<T>() > 1 && features.len() == features_of_line;
                let lines = if in_place { &[] } else { self.copy(rows, &features, &mut room) };
                work(&Strip { block: self, features, slopes, next, rows, lines });
            }
        }
    }

    /// Lines of at most [`ROWS`] rows: `features` of the panel, zeros behind them.
    #[inline]
    fn copy<'r>(
        &self,
        rows: &[u32],
        features: &Range<usize>,
        room: &'r mut [MaybeUninit<Line<T>>; ROWS],
    ) -> &'r [Line<T>] {
        let features = self.features.start + features.start..self.features.start + features.end;
        let room = &mut room[..rows.len()];
        for (&row, line) in rows.iter().zip(&mut *room) {
            let values = self.x.segment(row, &features);
            if let Some(&all) = values.first_chunk() {
                line.write(Line(all));
            } else {
                let Line(part) = line.write(Line([T::default(); LINE]));
                part[..values.len()].copy_from_slice(values);
            }
        }
        // SAFETY: the loop has initialised every line of `room`, one for each row.
        unsafe { std::slice::from_raw_parts(room.as_ptr().cast(), room.len()) }
    }
}
