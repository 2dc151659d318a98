//! Scores of bytes with weights in fixed point, each digit's summed exactly: `S[i, k] = sum_f V[k, f] X[i, f]`, (B, K).
//!
//! Byte dot products sum bytes times bytes without rounding, four times as fast as floats are multiplied. A weight is
//! taken as a whole multiple of a step, written in three signed digits of base 256, q = d0 + 256 d1 + 65536 d2, which has
//! the precision of a float's fraction and is still faster. And sums of integers have no order: neither threads nor
//! instruction sets change a bit.

#[cfg(target_arch = "x86_64")]
pub(super) mod vnni;

use super::bytes::{ByteWeights, GROUP, QUAD};
use super::{Kernel, Rows, Table};
use std::ops::Range;

/// Digits of a number.
pub const DIGITS: usize = 3;
/// What a digit counts, by its place.
pub(super) const UNITS: [f32; DIGITS] = [1.0, 256.0, 65536.0];
/// Classes whose digits a group holds; the last of its rows stays 0.
const GROUP_CLASSES: usize = GROUP / DIGITS;
/// The largest multiple: a little below what three digits can hold, so that rounding stays within.
const MOST: f32 = (127 * (1 + (1 << 8) + (1 << 16)) - 63) as f32;
/// V (K, F) of a panel, each class with its own step: `V[k, f] = step[k] Q[k, f]`, rounded to the nearest.
#[derive(Clone, Debug)]
pub struct FixedWeights {
    classes: usize,
    width: usize,
    steps: Vec<f32>,
    /// The digits, [`GROUP_CLASSES`] to a group: d0, d1 and d2 of a class, then of the next.
    digits: ByteWeights,
}

impl FixedWeights {
    /// Zeros; `None` for more features than can be summed.
    pub fn zeros(classes: usize, width: usize) -> Option<Self> {
        let digits = ByteWeights::zeros(classes.div_ceil(GROUP_CLASSES) * GROUP, width)?;
        Some(Self { classes, width, steps: vec![0.0; classes], digits })
    }

    /// Takes V (K, F), row-major, which becomes what is held.
    fn set(&mut self, weights: &mut [f32]) {
        for (class, weights) in weights.chunks_exact_mut(self.width.max(1)).enumerate() {
            let largest = weights.iter().fold(0.0_f32, |most, v| most.max(v.abs()));
            let scale = Scale::of(largest);
            self.steps[class] = scale.step;
            for (f, weight) in weights.iter_mut().enumerate() {
                let q = (*weight * scale.per_unit).round_ties_even();
                *weight = q * scale.step;
                for (place, digit) in split(q as i32).into_iter().enumerate() {
                    let quads = &mut self.digits.groups[class / GROUP_CLASSES][f / QUAD];
                    quads.0[class % GROUP_CLASSES * DIGITS + place][f % QUAD] = digit;
                }
            }
        }
    }

    /// The scores (B, K) of the sums of their digits.
    fn combine(&self, sums: &[i32], out: &mut [f32]) {
        let classes = self.classes;
        let rows = sums.chunks_exact(self.digits.stride()).zip(out.chunks_exact_mut(classes));
        for (sums, out) in rows {
            for ((k, out), step) in out.iter_mut().enumerate().zip(&self.steps) {
                let first = k / GROUP_CLASSES * GROUP + k % GROUP_CLASSES * DIGITS;
                // Sums of up to 514 features are exact as floats.
                let [low, middle, high] = [0, 1, 2].map(|place| sums[first + place] as f32);
                *out = step * high.mul_add(UNITS[2], middle.mul_add(UNITS[1], low));
            }
        }
    }
}

/// What numbers in fixed point are multiples of: the largest in magnitude is a little less than 2^23 steps.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scale {
    pub(super) step: f32,
    /// Steps in 1; 0 where numbers are so small that there is no such number: then they count as 0.
    pub(super) per_unit: f32,
}

impl Scale {
    /// For numbers of up to `largest` in magnitude.
    pub(super) fn of(largest: f32) -> Self {
        let per_unit = MOST / largest;
        Self { step: largest / MOST, per_unit: if per_unit.is_finite() { per_unit } else { 0.0 } }
    }
}

/// q = d0 + 256 d1 + 65536 d2, for |q| up to [`MOST`].
pub(super) fn split(q: i32) -> [i8; DIGITS] {
    let low = q as i8;
    let q = q.wrapping_sub(low.into()) >> 8;
    let middle = q as i8;
    let q = (q - i32::from(middle)) >> 8;
    [low, middle, q as i8]
}

impl Kernel {
    /// Whether scores of bytes are faster with weights in fixed point than with floats: where there are byte dot products.
    pub fn prefers_fixed_point(self) -> bool {
        #[cfg(target_arch = "x86_64")]
        return self.byte_dots().is_some();
        #[cfg(not(target_arch = "x86_64"))]
        false
    }

    /// Takes V (K, F), row-major, into `fixed`; V becomes what is held.
    ///
    /// # Panics
    /// When V has another shape.
    pub fn set_fixed(self, fixed: &mut FixedWeights, weights: &mut [f32]) {
        assert_eq!(weights.len(), fixed.classes * fixed.width, "V is K x F");
        #[cfg(target_arch = "x86_64")]
        if let Some(dots) = self.byte_dots() {
            return dots.set(fixed, weights);
        }
        fixed.set(weights);
    }

    /// As [`Kernel::scores`], of weights in fixed point: the sums of digits are exact, and rounded as they are put
    /// together. `room` is for sums.
    ///
    /// # Panics
    /// When a length does not match, or a row or feature lies outside X.
    pub fn fixed_scores(
        self,
        x: Table<'_, u8>,
        rows: Rows<'_>,
        features: Range<usize>,
        weights: &FixedWeights,
        room: &mut Vec<i32>,
        out: &mut [f32],
    ) {
        assert_eq!(out.len(), rows.now.len() * weights.classes, "a batch is B x K");
        self.byte_scores(x, rows, features, &weights.digits, room);
        #[cfg(target_arch = "x86_64")]
        if let Some(dots) = self.byte_dots() {
            return dots.combine(weights, room, out);
        }
        weights.combine(room, out);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rows, classes and features of odd and even sizes: below, at and above what a register, a strip or a tile holds.
    const SHAPES: [[usize; 3]; 7] =
        [[1, 1, 1], [5, 10, 7], [4, 6, 64], [13, 3, 130], [31, 17, 259], [300, 10, 65], [9, 100, 512]];

    /// Numbers in [-1, 1) that hardly repeat, with both ends among them.
    fn numbers(count: usize) -> Vec<f32> {
        let number = |i: usize| (i * 7919 % 4099) as f32 / 2049.5 - 1.0;
        (0..count).map(|i| [number(i), -1.0, 1.0, number(i) * 1e-3][(i * 31 % 11).min(3)]).collect()
    }

    fn bytes(count: usize) -> Vec<u8> {
        (0..count).map(|i| [255, 0, (i * 41 % 251) as u8][i % 3]).collect()
    }

    /// All kernels: the same weights, digits and scores, and those scores rounded as little as can be.
    #[test]
    fn scores_are_the_same_on_every_kernel() {
        for [count, classes, width] in SHAPES {
            let skipped = 3;
            let values = bytes(count * (skipped + width));
            let x = Table { values: &values, width: skipped + width };
            let rows: Vec<u32> = (0..count as u32).rev().collect();
            let given: Vec<f32> = numbers(classes * width).iter().map(|v| v * 3e-4).collect();
            let mut first = None;
            for kernel in Kernel::available() {
                let mut fixed = FixedWeights::zeros(classes, width).expect("narrow");
                let mut held = given.clone();
                kernel.set_fixed(&mut fixed, &mut held);
                for (held, given) in held.chunks(width).zip(given.chunks(width)) {
                    let largest = given.iter().fold(0.0_f32, |most, v| most.max(v.abs()));
                    let close = |(a, b): (&f32, &f32)| (a - b).abs() <= largest / 8e6;
                    assert!(held.iter().zip(given).all(close), "{held:?} {given:?}");
                }
                let mut scores = vec![f32::NAN; count * classes];
                kernel.fixed_scores(
                    x,
                    rows[..].into(),
                    skipped..skipped + width,
                    &fixed,
                    &mut Vec::new(),
                    &mut scores,
                );
                for (&row, scores) in rows.iter().zip(scores.chunks(classes)) {
                    for ((score, held), &step) in scores.iter().zip(held.chunks(width)).zip(&fixed.steps) {
                        let q = |v: f32| (f64::from(v) / f64::from(step)).round();
                        let products =
                            held.iter().zip(&x.row(row)[skipped..]).map(|(&v, &x)| q(v) * f64::from(x));
                        let exact: f64 = products.sum();
                        // Rounded as a sum and as a product; before, the lower digits' part of it was.
                        let lower = 128.0 * 257.0 * 255.0 * width as f64;
                        let bound = (2.0 * exact.abs() + lower) * f64::from(f32::EPSILON / 2.0 * step);
                        let off = (f64::from(*score) - f64::from(step) * exact).abs();
                        assert!(off <= 1.001 * bound, "{}: {off}, at most {bound}", kernel.name());
                    }
                }
                let all = (held, scores);
                assert_eq!(first.get_or_insert_with(|| all.clone()), &all, "{}", kernel.name());
            }
        }
    }

    #[test]
    fn the_largest_and_the_smallest_weights_fit() {
        for kernel in Kernel::available() {
            for v in [1e38, 1.0, f32::MIN_POSITIVE, 1e-45, 0.0] {
                let mut fixed = FixedWeights::zeros(2, 3).expect("narrow");
                let mut held = [v, -v, v / 2.0, -v / 3.0, v, 0.0];
                let given = held;
                kernel.set_fixed(&mut fixed, &mut held);
                let far = |(a, b): (&f32, &f32)| (a - b).abs() > (v / 8e6).max(1e-31);
                assert!(!held.iter().zip(&given).any(far), "{} {v}: {held:?}", kernel.name());
            }
        }
    }

    #[test]
    fn digits_say_what_they_were_made_of() {
        let back = |q: i32| split(q).iter().rev().fold(0, |sum, &digit| sum * 256 + i32::from(digit));
        let most = MOST as i32;
        assert!([0, 1, -1, 127, 128, -128, -129, 32_896, most, -most].iter().all(|&q| back(q) == q));
    }
}
