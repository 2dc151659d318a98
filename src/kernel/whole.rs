//! Sums of rows by slopes that are small whole numbers, exact: `G[k, f] += sum_i A[i, k] X[i, f]`, (K, F), over a panel
//! of F features held as bytes.
//!
//! The slopes of the SVM are such numbers: how many margins a row breaks, and 1 for each class that does. Products of
//! bytes take a fraction of the time of floats, and sums of integers have no order: neither threads nor instruction sets
//! change a bit.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod vnni;

use super::bytes::QUAD;
use super::{Block, Kernel, Rows, Table, check};
use std::ops::Range;

/// Features whose sums lie together.
pub const STRIP: usize = 64;
/// The largest slope in magnitude that a byte holds.
const LARGEST: usize = 127;
/// The most rows whose products with a slope an `i32` sums.
pub const MOST_ROWS: usize = i32::MAX as usize / (255 * LARGEST);

/// Sums over rows of every class and feature: A^T X of slopes A that are whole numbers.
#[derive(Clone, Debug)]
pub struct WholeSums {
    classes: usize,
    width: usize,
    /// Whether nothing was added yet: then the strips hold anything.
    empty: bool,
    /// Every class over some features, then over the next.
    strips: Vec<Strip>,
}

/// Sums of one class.
#[derive(Clone, Copy, Debug, PartialEq)]
#[repr(C, align(64))]
struct Strip([i32; STRIP]);

impl WholeSums {
    /// No sums yet, for K `classes` and F features.
    pub fn new(classes: usize, width: usize) -> Self {
        let strips = vec![Strip([0; STRIP]); width.div_ceil(STRIP) * classes];
        Self { classes, width, empty: true, strips }
    }

    /// Forgets the sums.
    pub fn clear(&mut self) {
        self.empty = true;
    }

    /// The sums of one class over the features of one strip; what is beyond the last feature is 0.
    ///
    /// # Panics
    /// When nothing was added yet, or there is no such class or strip.
    #[inline(always)]
    pub fn strip(&self, class: usize, strip: usize) -> &[i32; STRIP] {
        assert!(!self.empty && class < self.classes, "sums of some rows");
        &self.strips[strip * self.classes + class].0
    }
}

impl Kernel {
    /// The largest magnitude of whole slopes that this kernel sums faster than floats; `None` where floats are faster.
    pub fn largest_whole_slope(self) -> Option<usize> {
        #[cfg(target_arch = "x86_64")]
        return match self {
            Self::Avx512(_) => self.byte_dots().map(|_| LARGEST),
            Self::Avx2(_) => Some(avx2::LARGEST),
            Self::Plain => None,
        };
        #[cfg(not(target_arch = "x86_64"))]
        None
    }

    /// Writes slopes (B, K), whole numbers of at most 127 in magnitude, as bytes: four rows after four, of each the
    /// classes. Missing rows of the last four are zeros.
    ///
    /// # Panics
    /// When a length does not match.
    pub fn pack_slopes(self, slopes: &[f32], classes: usize, packed: &mut [[i8; QUAD]]) {
        let rows = slopes.len() / classes;
        assert_eq!(slopes.len(), rows * classes, "slopes are B x K");
        assert_eq!(packed.len(), rows.div_ceil(QUAD) * classes, "every row's slopes");
        #[cfg(target_arch = "x86_64")]
        if let Some(dots) = self.byte_dots() {
            return dots.pack(slopes, classes, packed);
        }
        pack(slopes, classes, packed);
    }

    /// As [`Kernel::add_gradient`], of `slopes` packed by [`Kernel::pack_slopes`]: the sums are exact, for up to
    /// [`MOST_ROWS`] rows in all.
    ///
    /// # Panics
    /// When a length does not match, a row or feature lies outside X, or a slope is larger than this kernel sums: see
    /// [`Kernel::largest_whole_slope`].
    pub fn add_whole_gradient(
        self,
        x: Table<'_, u8>,
        rows: Rows<'_>,
        features: Range<usize>,
        slopes: &[[i8; QUAD]],
        sums: &mut WholeSums,
    ) {
        let (classes, Rows { now: rows, next }) = (sums.classes, rows);
        check(x, rows, &features, sums.width * classes, rows.len() * classes, classes);
        assert_eq!(slopes.len(), rows.len().div_ceil(QUAD) * classes, "every row's slopes");
        if rows.is_empty() {
            return;
        }
        let block = Block { x, rows, next, features, classes };
        let empty = std::mem::replace(&mut sums.empty, false);
        #[cfg(target_arch = "x86_64")]
        if let Some(dots) = self.byte_dots() {
            return dots.add_gradient(&block, slopes, empty, &mut sums.strips);
        }
        if empty {
            sums.strips.fill(Strip([0; STRIP]));
        }
        #[cfg(target_arch = "x86_64")]
        if let Self::Avx2(kernel) = self {
            return kernel.add_whole_gradient(&block, slopes, &mut sums.strips);
        }
        add_gradient(&block, slopes, &mut sums.strips);
    }
}

/// The reference of [`Kernel::pack_slopes`].
fn pack(slopes: &[f32], classes: usize, packed: &mut [[i8; QUAD]]) {
    packed.fill([0; QUAD]);
    for (slopes, packed) in slopes.chunks(QUAD * classes).zip(packed.chunks_exact_mut(classes)) {
        for (row, slopes) in slopes.chunks_exact(classes).enumerate() {
            packed.iter_mut().zip(slopes).for_each(|(packed, &slope)| packed[row] = slope as i8);
        }
    }
}

/// The reference of [`Kernel::add_whole_gradient`].
fn add_gradient(block: &Block<'_, u8>, slopes: &[[i8; QUAD]], sums: &mut [Strip]) {
    let classes = block.classes;
    for (rows, slopes) in block.rows.chunks(QUAD).zip(slopes.chunks_exact(classes)) {
        for (index, &row) in rows.iter().enumerate() {
            let strips = block.segment(row).chunks(STRIP);
            for (x, sums) in strips.zip(sums.chunks_exact_mut(classes)) {
                for (slope, sums) in slopes.iter().zip(sums) {
                    let slope = i32::from(slope[index]);
                    sums.0.iter_mut().zip(x).for_each(|(sum, &x)| *sum += slope * i32::from(x));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rows, classes and features of odd and even sizes: below, at and above what a register, a strip, a tile or a block
    /// holds.
    const SHAPES: [[usize; 3]; 7] =
        [[1, 1, 1], [5, 10, 7], [4, 6, 64], [13, 3, 130], [31, 17, 259], [300, 10, 65], [9, 100, 512]];

    /// All kernels: the same bytes and sums, and those sums exact; two calls add up.
    #[test]
    fn sums_are_exact_on_every_kernel() {
        for ([count, classes, width], largest) in
            SHAPES.into_iter().flat_map(|shape| [1, 9, 64, 127].map(|l| (shape, l)))
        {
            let (skipped, end) = (2, 2 + width);
            let values: Vec<u8> =
                (0..count * end).map(|i| [255, 0, (i * 41 % 251) as u8][i % 7 % 3]).collect();
            let x = Table { values: &values, width: end };
            let rows: Vec<u32> = (0..count as u32).map(|row| (row * 5 + 1) % count as u32).collect();
            let slope = |i: usize| {
                [largest, -largest, i32::from((i * 79 % 251) as u8) % (largest + 1)][(i * 31 % 11).min(2)]
            };
            let slopes: Vec<f32> = (0..count * classes).map(|i| slope(i) as f32).collect();
            let mut first = None;
            for kernel in Kernel::available() {
                if kernel.largest_whole_slope().is_some_and(|most| most < largest as usize) {
                    continue;
                }
                let mut packed = vec![[7; QUAD]; count.div_ceil(QUAD) * classes];
                kernel.pack_slopes(&slopes, classes, &mut packed);
                let mut sums = WholeSums::new(classes, width);
                sums.strips.fill(Strip([3; STRIP]));
                for _ in 0..2 {
                    kernel.add_whole_gradient(x, rows[..].into(), skipped..end, &packed, &mut sums);
                }
                for (class, f) in (0..classes).flat_map(|class| (0..width).map(move |f| (class, f))) {
                    let of_row = |(i, &row): (usize, &u32)| {
                        slopes[i * classes + class] as i32 * i32::from(x.row(row)[skipped + f])
                    };
                    let exact: i32 = rows.iter().enumerate().map(of_row).sum();
                    assert_eq!(sums.strip(class, f / STRIP)[f % STRIP], 2 * exact, "{}", kernel.name());
                }
                let all = (packed, sums.strips);
                assert_eq!(first.get_or_insert_with(|| all.clone()), &all, "{}", kernel.name());
            }
        }
    }

    /// A kernel whose sums would not hold a slope says so rather than be wrong.
    #[test]
    fn larger_slopes_than_a_kernel_sums_are_refused() {
        let x = Table { values: &[255; 8 * 64], width: 64 };
        let rows: Vec<u32> = (0..8).collect();
        for kernel in Kernel::available() {
            let Some(most) = kernel.largest_whole_slope().filter(|&most| most < LARGEST) else { continue };
            let most = i16::try_from(most).expect("below 127");
            let sum = |slope: i16| {
                let mut packed = [[0; QUAD]; 2];
                kernel.pack_slopes(&[f32::from(slope); 8], 1, &mut packed);
                let mut sums = WholeSums::new(1, 64);
                kernel.add_whole_gradient(x, rows[..].into(), 0..64, &packed, &mut sums);
                sums.strip(0, 0)[63]
            };
            assert_eq!(sum(most), 8 * 255 * i32::from(most), "{}", kernel.name());
            assert!(std::panic::catch_unwind(|| sum(most + 1)).is_err(), "{}", kernel.name());
        }
    }
}
