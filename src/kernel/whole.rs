//! Sums of rows by slopes that are whole multiples of a step, exact: `G[k, f] += sum_i A[i, k] X[i, f]`, (K, F), over a
//! panel of F features held as bytes.
//!
//! The slopes of the SVM are such numbers as they are: how many margins a row breaks, and 1 for each class that does.
//! Other slopes are rounded to the nearest of about 2^23 steps, written in three digits of base 256, each of which is
//! summed like a class of its own. Products of bytes take a fraction of the time of floats, and sums of integers have no
//! order: neither threads nor instruction sets change a bit.
//!
//! A loss that depends on differences of scores alone has slopes that add up to 0 in every row. So of slopes in digits the
//! last class is not summed: its sums are minus those of all others.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod vnni;

use super::bytes::QUAD;
use super::fixed::{DIGITS, Scale, UNITS, split};
use super::{Block, Kernel, Rows, Table, check};
use std::ops::Range;

/// Features whose sums lie together.
pub const STRIP: usize = 64;
/// The largest slope in magnitude that a digit holds, where it is the only one.
#[cfg(any(target_arch = "x86_64", test))]
const LARGEST: usize = 127;
/// The most rows whose products with a digit an `i32` sums.
pub const MOST_ROWS: usize = i32::MAX as usize / (255 * 128);

/// What slopes are whole multiples of, and in how many digits these are written.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Multiples {
    /// Of 1, and of at most 127 in magnitude: one digit.
    OfOne,
    /// Of a step: three digits.
    OfStep(Scale),
}

impl Multiples {
    /// For slopes of up to `largest` in magnitude, to the nearest step.
    pub fn up_to(largest: f32) -> Self {
        Self::OfStep(Scale::of(largest))
    }

    /// The step.
    pub fn step(self) -> f64 {
        match self {
            Self::OfOne => 1.0,
            Self::OfStep(scale) => scale.step.into(),
        }
    }

    /// Steps in 1.
    fn per_unit(self) -> f32 {
        match self {
            Self::OfOne => 1.0,
            Self::OfStep(scale) => scale.per_unit,
        }
    }

    /// Digits of a slope, and of how many of K classes they are summed.
    fn summed(self, classes: usize) -> (usize, usize) {
        match self {
            Self::OfOne => (1, classes),
            // To take the last class from all others costs too much for what one digit of it does.
            Self::OfStep(_) => (DIGITS, classes - 1),
        }
    }
}

/// The slopes of some rows, as their sums are computed of them.
#[derive(Clone, Debug)]
pub struct WholeSlopes {
    multiples: Multiples,
    /// Four rows after four, of each the first digits of all classes that are summed, then their second digits. Missing
    /// rows of the last four are zeros.
    packed: Vec<[i8; QUAD]>,
}

impl WholeSlopes {
    /// Of no rows yet.
    pub fn new(multiples: Multiples) -> Self {
        Self { multiples, packed: Vec::new() }
    }

    /// What the slopes are multiples of.
    pub fn multiples(&self) -> Multiples {
        self.multiples
    }
}

/// Sums over rows of every class and feature: A^T X of slopes A that are whole multiples.
#[derive(Clone, Debug)]
pub struct WholeSums {
    multiples: Multiples,
    classes: usize,
    width: usize,
    /// Whether nothing was added yet: then the strips hold anything.
    empty: bool,
    /// Of some features what is summed, in the order of [`WholeSlopes`]; then of the next.
    strips: Vec<Strip>,
}

/// Sums of one digit of one class.
#[derive(Clone, Copy, Debug, PartialEq)]
#[repr(C, align(64))]
struct Strip([i32; STRIP]);

impl WholeSums {
    /// No sums yet, for K `classes` and F features.
    ///
    /// # Panics
    /// When there is no class, or only one of slopes in digits.
    pub fn new(multiples: Multiples, classes: usize, width: usize) -> Self {
        let (digits, kept) = multiples.summed(classes);
        assert!(kept > 0, "no classes to sum");
        let strips = vec![Strip([0; STRIP]); width.div_ceil(STRIP) * digits * kept];
        Self { multiples, classes, width, empty: true, strips }
    }

    /// Forgets the sums; those to come are of slopes that are such multiples.
    pub fn clear(&mut self, multiples: Multiples) {
        if multiples.summed(self.classes) == self.multiples.summed(self.classes) {
            (self.multiples, self.empty) = (multiples, true);
        } else {
            *self = Self::new(multiples, self.classes, self.width);
        }
    }

    /// What the slopes are multiples of.
    pub fn multiples(&self) -> Multiples {
        self.multiples
    }

    /// Digits that are summed, of all classes.
    fn summed(&self) -> usize {
        let (digits, kept) = self.multiples.summed(self.classes);
        digits * kept
    }

    /// The sums of one class over the features of one strip, where slopes have one digit; what is beyond the last feature
    /// is 0.
    ///
    /// # Panics
    /// When nothing was added yet, there is no such class or strip, or slopes have more digits.
    #[inline(always)]
    pub fn strip(&self, class: usize, strip: usize) -> &[i32; STRIP] {
        assert!(!self.empty && class < self.classes, "sums of some rows");
        assert!(matches!(self.multiples, Multiples::OfOne), "sums of the only digit");
        &self.strips[strip * self.classes + class].0
    }

    /// Adds the sums of one class over the features of one strip, in steps: whole numbers far below 2^53, exact.
    ///
    /// # Panics
    /// When nothing was added yet, or there is no such class or strip.
    #[inline(always)]
    pub fn add_to(&self, total: &mut [f64; STRIP], class: usize, strip: usize) {
        assert!(!self.empty && class < self.classes, "sums of some rows");
        let (digits, kept) = self.multiples.summed(self.classes);
        let places = self.strips[strip * digits * kept..][..digits * kept].chunks_exact(kept);
        for (sums, unit) in places.zip(UNITS.map(f64::from)) {
            if let Some(sums) = sums.get(class) {
                total.iter_mut().zip(sums.0).for_each(|(total, sum)| *total += unit * f64::from(sum));
            } else {
                for sums in sums {
                    total.iter_mut().zip(sums.0).for_each(|(total, sum)| *total -= unit * f64::from(sum));
                }
            }
        }
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

    /// Takes slopes (B, K).
    ///
    /// # Panics
    /// When there is no class, only one of slopes in digits, or a part of a row.
    pub fn pack_slopes(self, slopes: &[f32], classes: usize, to: &mut WholeSlopes) {
        assert!(classes > 0 && slopes.len().is_multiple_of(classes), "slopes are B x K");
        let (digits, kept) = to.multiples.summed(classes);
        assert!(kept > 0, "no classes to sum");
        to.packed.clear();
        to.packed.resize((slopes.len() / classes).div_ceil(QUAD) * digits * kept, [0; QUAD]);
        #[cfg(target_arch = "x86_64")]
        if let Some(dots) = self.byte_dots() {
            return dots.pack(slopes, classes, to);
        }
        pack(slopes, classes, to);
    }

    /// As [`Kernel::add_gradient`], of whole slopes: the sums are exact, for up to [`MOST_ROWS`] rows in all.
    ///
    /// # Panics
    /// When a length or what slopes are multiples of does not match, a row or feature lies outside X, or a slope is
    /// larger than this kernel sums: see [`Kernel::largest_whole_slope`].
    pub fn add_whole_gradient(
        self,
        x: Table<'_, u8>,
        rows: Rows<'_>,
        features: Range<usize>,
        slopes: &WholeSlopes,
        sums: &mut WholeSums,
    ) {
        let (summed, Rows { now: rows, next }) = (sums.summed(), rows);
        check(x, rows, &features, sums.width * summed, rows.len() * summed, summed);
        assert_eq!(slopes.multiples, sums.multiples, "slopes and sums in the same steps");
        let slopes = &slopes.packed[..];
        assert_eq!(slopes.len(), rows.len().div_ceil(QUAD) * summed, "every row's slopes");
        if rows.is_empty() {
            return;
        }
        let block = Block { x, rows, next, features, classes: summed };
        let empty = std::mem::replace(&mut sums.empty, false);
        #[cfg(target_arch = "x86_64")]
        if let Some(dots) = self.byte_dots() {
            return dots.add_gradient(&block, slopes, empty, &mut sums.strips);
        }
        if empty {
            sums.strips.fill(Strip([0; STRIP]));
        }
        #[cfg(target_arch = "x86_64")]
        if let (Self::Avx2(kernel), Multiples::OfOne) = (self, sums.multiples) {
            return kernel.add_whole_gradient(&block, slopes, &mut sums.strips);
        }
        add_gradient(&block, slopes, &mut sums.strips);
    }
}

/// The reference of [`Kernel::pack_slopes`].
fn pack(slopes: &[f32], classes: usize, to: &mut WholeSlopes) {
    let ((digits, kept), per_unit) = (to.multiples.summed(classes), to.multiples.per_unit());
    let fours = to.packed.chunks_exact_mut(kept * digits);
    for (slopes, packed) in slopes.chunks(QUAD * classes).zip(fours) {
        for (row, slopes) in slopes.chunks_exact(classes).enumerate() {
            for (class, slope) in slopes[..kept].iter().enumerate() {
                let q = (slope * per_unit).round_ties_even();
                for (place, digit) in split(q as i32)[..digits].iter().enumerate() {
                    packed[place * kept + class][row] = *digit;
                }
            }
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

    fn bytes(count: usize) -> Vec<u8> {
        (0..count).map(|i| [255, 0, (i * 41 % 251) as u8][i % 7 % 3]).collect()
    }

    /// Rows of X in no order.
    fn shuffled(count: usize) -> Vec<u32> {
        (0..count as u32).map(|row| (row * 5 + 1) % count as u32).collect()
    }

    /// All kernels: the same bytes and sums, and those sums exact; two calls add up.
    #[test]
    fn sums_are_exact_on_every_kernel() {
        for ([count, classes, width], largest) in
            SHAPES.into_iter().flat_map(|shape| [1, 9, 64, 127].map(|l| (shape, l)))
        {
            let (skipped, end) = (2, 2 + width);
            let values = bytes(count * end);
            let x = Table { values: &values, width: end };
            let rows = shuffled(count);
            let slope = |i: usize| {
                [largest, -largest, i32::from((i * 79 % 251) as u8) % (largest + 1)][(i * 31 % 11).min(2)]
            };
            let slopes: Vec<f32> = (0..count * classes).map(|i| slope(i) as f32).collect();
            let mut first = None;
            for kernel in Kernel::available() {
                if kernel.largest_whole_slope().is_some_and(|most| most < largest as usize) {
                    continue;
                }
                let mut packed = WholeSlopes::new(Multiples::OfOne);
                kernel.pack_slopes(&slopes, classes, &mut packed);
                let mut sums = WholeSums::new(Multiples::OfOne, classes, width);
                sums.strips.fill(Strip([3; STRIP]));
                for _ in 0..2 {
                    kernel.add_whole_gradient(x, rows[..].into(), skipped..end, &packed, &mut sums);
                }
                for (class, f) in (0..classes).flat_map(|class| (0..width).map(move |f| (class, f))) {
                    let of_row = |(i, &row): (usize, &u32)| {
                        slopes[i * classes + class] as i32 * i32::from(x.row(row)[skipped + f])
                    };
                    let exact: i32 = rows.iter().enumerate().map(of_row).sum();
                    let mut wide = [0.5; STRIP];
                    sums.add_to(&mut wide, class, f / STRIP);
                    let found = (sums.strip(class, f / STRIP)[f % STRIP], wide[f % STRIP]);
                    assert_eq!(found, (2 * exact, f64::from(2 * exact) + 0.5), "{}", kernel.name());
                }
                let all = (packed.packed, sums.strips);
                assert_eq!(first.get_or_insert_with(|| all.clone()), &all, "{}", kernel.name());
            }
        }
    }

    /// Slopes in digits, of rows that add up to 0: all kernels, the same digits and sums, each the exact sum of rounded
    /// slopes, but for the last class, which is minus the others.
    #[test]
    fn sums_of_digits_are_exact_on_every_kernel() {
        for ([count, classes, width], largest) in SHAPES
            .into_iter()
            .filter(|[_, k, _]| *k > 1)
            .flat_map(|shape| [1.0, 9.0, 3e-3].map(|l| (shape, l)))
        {
            let (skipped, end) = (2, 2 + width);
            let values = bytes(count * end);
            let x = Table { values: &values, width: end };
            let rows = shuffled(count);
            let mut slopes: Vec<f32> = (0..count * classes)
                .map(|i| (i * 7919 % 4099) as f32 / 4098.0 * [largest, -largest, largest * 1e-4][i % 3])
                .collect();
            for row in slopes.chunks_mut(classes) {
                row[classes - 1] = -row[..classes - 1].iter().sum::<f32>();
            }
            let multiples = Multiples::up_to(largest);
            let mut first = None;
            for kernel in Kernel::available() {
                let mut packed = WholeSlopes::new(multiples);
                kernel.pack_slopes(&slopes, classes, &mut packed);
                let mut sums = WholeSums::new(Multiples::OfOne, classes, width);
                sums.clear(Multiples::up_to(2.0));
                sums.strips.fill(Strip([3; STRIP]));
                sums.clear(multiples);
                for _ in 0..2 {
                    kernel.add_whole_gradient(x, rows[..].into(), skipped..end, &packed, &mut sums);
                }
                let mut others = vec![0.0; width];
                for (class, f) in (0..classes).flat_map(|class| (0..width).map(move |f| (class, f))) {
                    let (mut exact, mut real) = (0, 0.0);
                    for (i, &row) in rows.iter().enumerate() {
                        let slope = slopes[i * classes + class];
                        let x = x.row(row)[skipped + f];
                        exact += (slope * multiples.per_unit()).round_ties_even() as i64 * i64::from(x);
                        real += f64::from(slope) * f64::from(x);
                    }
                    let expected = if class + 1 == classes { -others[f] } else { 2.0 * exact as f64 };
                    others[f] += expected;
                    let mut found = [0.0; STRIP];
                    sums.add_to(&mut found, class, f / STRIP);
                    assert_eq!(found[f % STRIP], expected, "{}", kernel.name());
                    // Of every slope at most a step, and of the last class that of all others.
                    let bound = 2.0 * 255.0 * (count * classes) as f64 * multiples.step();
                    let off = found[f % STRIP] * multiples.step() - 2.0 * real;
                    assert!(off.abs() <= bound, "{} off by {off}", kernel.name());
                }
                let all = (packed.packed, sums.strips);
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
                let mut packed = WholeSlopes::new(Multiples::OfOne);
                kernel.pack_slopes(&[f32::from(slope); 8], 1, &mut packed);
                let mut sums = WholeSums::new(Multiples::OfOne, 1, 64);
                kernel.add_whole_gradient(x, rows[..].into(), 0..64, &packed, &mut sums);
                sums.strip(0, 0)[63]
            };
            assert_eq!(sum(most), 8 * 255 * i32::from(most), "{}", kernel.name());
            assert!(std::panic::catch_unwind(|| sum(most + 1)).is_err(), "{}", kernel.name());
        }
    }
}
