//! Tiles of the Gram matrix by sixteen-bit products: two products and their sum in one instruction a lane, and
//! another one to add it.

use super::{LANE, PANEL, Packed, Quad, TILE, Tile};
use std::arch::x86_64::{
    _mm_loadu_si128, _mm256_add_epi32, _mm256_cvtepu8_epi16, _mm256_madd_epi16, _mm256_set1_epi16,
    _mm256_set1_epi64x, _mm256_setzero_si256, _mm256_storeu_si256, _mm256_sub_epi16,
};

/// Features a register holds: four rows of each, sixteen bits a row.
const FEATURES: usize = 4;
/// Registers of a strip: with four columns, twelve of the sixteen registers hold sums.
const STEPS: usize = 3;
/// Columns of a strip.
const COLUMNS: usize = 4;

const _: () = assert!(PANEL.is_multiple_of(STEPS * FEATURES) && TILE.is_multiple_of(COLUMNS));

/// Sixteen-bit products. A value is the proof that this processor has them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Avx2(());

#[expect(clippy::unused_self, reason = "a value is a proof")]
impl Avx2 {
    /// The instructions, where the processor and the operating system support them.
    pub fn detect() -> Option<Self> {
        is_x86_feature_detected!("avx2").then_some(Self(()))
    }

    /// See [`super::Dot::add`].
    pub(super) fn add(self, left: &[Packed], first: usize, right: &[Packed], sums: &mut Tile) {
        // SAFETY: only `detect` makes a `self`, once it has found all that `add` is compiled for.
        unsafe { add(left, first, right, sums) }
    }
}

#[target_feature(enable = "avx2")]
fn add(left: &[Packed], first: usize, right: &[Packed], sums: &mut Tile) {
    for (strip, sums) in sums.as_chunks_mut::<COLUMNS>().0.iter_mut().enumerate() {
        let columns = first + strip * COLUMNS;
        // Four sixteen-bit rows of each column, widened once for all strips of features.
        let left: Vec<[i64; COLUMNS]> =
            left.iter().map(|left| std::array::from_fn(|column| widen(left[columns + column]))).collect();
        for start in (0..PANEL).step_by(STEPS * FEATURES) {
            add_strip(&left, right, start, sums);
        }
    }
}

/// Sums of some columns and the features from `start`.
#[target_feature(enable = "avx2")]
#[inline]
fn add_strip(left: &[[i64; COLUMNS]], right: &[Packed], start: usize, sums: &mut [[i32; PANEL]; COLUMNS]) {
    // Two sums a feature: of its first two rows, and of the others.
    let mut pairs = [[_mm256_setzero_si256(); STEPS]; COLUMNS];
    for (left, right) in left.iter().zip(right) {
        let mut features = [_mm256_setzero_si256(); STEPS];
        for (feature, quads) in features.iter_mut().zip(right[start..].as_chunks::<FEATURES>().0) {
            // SAFETY: four features of four bytes are as long as half a register.
            let bytes = unsafe { _mm_loadu_si128(quads.as_ptr().cast()) };
            *feature = _mm256_sub_epi16(_mm256_cvtepu8_epi16(bytes), _mm256_set1_epi16(128));
        }
        for (pairs, &left) in pairs.iter_mut().zip(left) {
            let left = _mm256_set1_epi64x(left);
            for (pair, feature) in pairs.iter_mut().zip(features) {
                *pair = _mm256_add_epi32(*pair, _mm256_madd_epi16(left, feature));
            }
        }
    }
    for (sums, pairs) in sums.iter_mut().zip(pairs) {
        for (step, pair) in pairs.into_iter().enumerate() {
            let mut halves = [[0_i32; 2]; FEATURES];
            // SAFETY: `halves` is eight numbers of 32 bits, as long as a register.
            unsafe { _mm256_storeu_si256(halves.as_mut_ptr().cast(), pair) };
            let sums = &mut sums[start + step * FEATURES..][..FEATURES];
            sums.iter_mut().zip(halves).for_each(|(sum, [a, b])| *sum += a + b);
        }
    }
}

/// Four bytes as four sixteen-bit numbers.
fn widen(quad: Quad) -> i64 {
    let mut wide = [0; 2 * LANE];
    for (wide, byte) in wide.as_chunks_mut::<2>().0.iter_mut().zip(quad) {
        *wide = i16::from(byte).to_le_bytes();
    }
    i64::from_le_bytes(wide)
}
