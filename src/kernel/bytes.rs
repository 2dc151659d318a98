//! Scores of weights that are whole numbers of a signed byte, exact: `S[i, c] = sum_f Q[c, f] X[i, f]`, (B, C), over a
//! panel of F features.
//!
//! Sums of integers: neither threads nor instruction sets change a bit. Byte dot products take four features at a
//! time, so weights are packed in groups of sixteen classes, of each group four features after four features.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod vnni;

use super::{Block, Kernel, Rows, Table};
use std::ops::Range;

/// Features a dot product sums at once.
pub(super) const QUAD: usize = 4;
/// Classes of a group: a register of sums.
pub(super) const GROUP: usize = 16;
/// Quads of features that are worked on at a time: the weights of five groups then stay in the first-level cache.
#[cfg(target_arch = "x86_64")]
const CHUNK: usize = 64;
/// F for which the largest sum of byte products still fits an `i32`.
const WIDEST: usize = i32::MAX as usize / (255 * 128);

/// Four features of sixteen classes.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(64))]
pub(super) struct Quads(pub(super) [[i8; QUAD]; GROUP]);

/// Q (C, F), packed.
#[derive(Clone, Debug)]
pub struct ByteWeights {
    classes: usize,
    width: usize,
    /// Group after group; what is missing of the last group, and of the last four features, is 0.
    pub(super) groups: Vec<Vec<Quads>>,
}

impl ByteWeights {
    /// Zeros; `None` where so many features could not be summed.
    pub(super) fn zeros(classes: usize, width: usize) -> Option<Self> {
        let group = vec![Quads([[0; QUAD]; GROUP]); width.div_ceil(QUAD)];
        (width <= WIDEST).then(|| Self { classes, width, groups: vec![group; classes.div_ceil(GROUP)] })
    }

    /// Packs the rows of Q, each of `width` (F) numbers; `None` where so many of them could not be summed.
    ///
    /// # Panics
    /// When a row has another length.
    pub fn pack(rows: &[&[i8]], width: usize) -> Option<Self> {
        assert!(rows.iter().all(|row| row.len() == width), "Q is C x F");
        let mut weights = Self::zeros(rows.len(), width)?;
        for (class, row) in rows.iter().enumerate() {
            for (quads, four) in weights.groups[class / GROUP].iter_mut().zip(row.chunks(QUAD)) {
                quads.0[class % GROUP][..four.len()].copy_from_slice(four);
            }
        }
        Some(weights)
    }

    /// C.
    pub fn classes(&self) -> usize {
        self.classes
    }

    /// Numbers in a row of scores: C, filled up to whole groups.
    pub fn stride(&self) -> usize {
        self.groups.len() * GROUP
    }
}

impl Kernel {
    /// The scores of the listed `rows` of `x` over `features`, (B, [`ByteWeights::stride`]), of which each row's first
    /// C count.
    ///
    /// # Panics
    /// When F differs, or a row or feature lies outside X.
    pub fn byte_scores<'r>(
        self,
        x: Table<'_, u8>,
        rows: impl Into<Rows<'r>>,
        features: Range<usize>,
        weights: &ByteWeights,
        out: &mut Vec<i32>,
    ) {
        let Rows { now: rows, next } = rows.into();
        assert_eq!(features.len(), weights.width, "Q is C x F");
        out.resize(rows.len() * weights.stride(), 0);
        let block = Block { x, rows, next, features, classes: weights.classes };
        #[cfg(target_arch = "x86_64")]
        if let Some(dots) = self.byte_dots() {
            return dots.scores(&block, weights, out);
        }
        out.fill(0);
        match self {
            Self::Plain => plain(&block, weights, out),
            #[cfg(target_arch = "aarch64")]
            Self::Neon(_) => plain(&block, weights, out),
            #[cfg(target_arch = "x86_64")]
            Self::Avx2(_) | Self::Avx512(_) => avx2::scores(&block, weights, out),
        }
    }
}

/// The reference.
fn plain(block: &Block<'_, u8>, weights: &ByteWeights, out: &mut [i32]) {
    for (&row, out) in block.rows.iter().zip(out.chunks_exact_mut(weights.stride())) {
        for (group, out) in weights.groups.iter().zip(out.as_chunks_mut::<GROUP>().0) {
            for (quads, x) in group.iter().zip(block.segment(row).chunks(QUAD)) {
                for (sum, q) in out.iter_mut().zip(&quads.0) {
                    *sum += q.iter().zip(x).map(|(&q, &x)| i32::from(q) * i32::from(x)).sum::<i32>();
                }
            }
        }
    }
}

/// Four features of one row, as the processor reads them; 0 beyond the row.
#[cfg(target_arch = "x86_64")]
#[inline]
fn quad(x: &[u8], index: usize) -> u32 {
    let rest = &x[index * QUAD..];
    let four = rest.first_chunk().copied().unwrap_or_else(|| {
        let mut four = [0; QUAD];
        four[..rest.len()].copy_from_slice(rest);
        four
    });
    u32::from_le_bytes(four)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Odd numbers of rows, classes and features, and the extremes of both bytes: all kernels, against 64 bits.
    #[test]
    fn every_kernel_is_exact() {
        for (count, classes, width) in [(1, 1, 1), (5, 10, 7), (9, 33, 259), (13, 160, 3072), (4, 87, 513)] {
            let values: Vec<u8> = (0..count * width).map(|i| [255, 0, (i % 251) as u8][i % 3]).collect();
            let q: Vec<i8> =
                (0..classes * width).map(|i| [127, -128, (i % 127) as i8][i * 7 % 5 % 3]).collect();
            let rows: Vec<u32> = (0..count as u32).rev().collect();
            let x = Table { values: &values, width };
            let skipped = width / 7;
            let of_classes: Vec<&[i8]> = q.chunks(width).map(|row| &row[skipped..]).collect();
            let weights = ByteWeights::pack(&of_classes, width - skipped).expect("narrow");
            for kernel in Kernel::available() {
                let mut out = Vec::new();
                kernel.byte_scores(x, &rows[..], skipped..width, &weights, &mut out);
                for (&row, scores) in rows.iter().zip(out.chunks(weights.stride())) {
                    for (class, &score) in scores[..classes].iter().enumerate() {
                        let products = of_classes[class].iter().zip(&x.row(row)[skipped..]);
                        let exact: i64 = products.map(|(&q, &x)| i64::from(q) * i64::from(x)).sum();
                        assert_eq!(i64::from(score), exact, "{} {count} {classes} {width}", kernel.name());
                    }
                }
            }
        }
    }

    #[test]
    fn rows_whose_sums_could_overflow_are_refused() {
        let long = vec![127; WIDEST + 1];
        assert!(ByteWeights::pack(&[&long], WIDEST + 1).is_none());
        assert!(i32::try_from(WIDEST * 255 * 128).is_ok());
    }
}
