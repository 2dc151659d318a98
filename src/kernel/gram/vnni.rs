//! Tiles of the Gram matrix by byte dot products: four products and their sum in one instruction a lane.

use super::{PANEL, Packed, TILE, Tile};
use std::arch::x86_64::{
    _mm512_dpbusd_epi32, _mm512_loadu_si512, _mm512_set1_epi8, _mm512_set1_epi32, _mm512_setzero_si512,
    _mm512_storeu_si512, _mm512_xor_si512,
};

/// Sums a register holds.
const LANES: usize = 16;
/// Registers of a panel.
const STEPS: usize = PANEL / LANES;

/// Byte dot products. A value is the proof that this processor has them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Vnni(());

#[expect(clippy::unused_self, reason = "a value is a proof")]
impl Vnni {
    /// The instructions, where the processor and the operating system support them.
    pub fn detect() -> Option<Self> {
        let supported = is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512bw")
            && is_x86_feature_detected!("avx512vl")
            && is_x86_feature_detected!("avx512vnni");
        supported.then_some(Self(()))
    }

    /// See [`super::Dot::add`].
    pub(super) fn add(self, left: &[Packed], first: usize, right: &[Packed], sums: &mut Tile) {
        // SAFETY: only `detect` makes a `self`, once it has found all that `add` is compiled for.
        unsafe { add(left, first, right, sums) }
    }
}

/// Eight columns by three registers of sums, 24 of the 32.
#[target_feature(enable = "avx512f,avx512vnni")]
fn add(left: &[Packed], first: usize, right: &[Packed], sums: &mut Tile) {
    let mut registers = [[_mm512_setzero_si512(); STEPS]; TILE];
    for (left, right) in left.iter().zip(right) {
        let mut features = [_mm512_setzero_si512(); STEPS];
        for (feature, quads) in features.iter_mut().zip(right.as_chunks::<LANES>().0) {
            // SAFETY: sixteen lanes of four bytes are as long as a register.
            let bytes = unsafe { _mm512_loadu_si512(quads.as_ptr().cast()) };
            // As signed bytes this is x - 128.
            *feature = _mm512_xor_si512(bytes, _mm512_set1_epi8(i8::MIN));
        }
        for (sums, &column) in registers.iter_mut().zip(&left[first..first + TILE]) {
            let column = _mm512_set1_epi32(i32::from_ne_bytes(column));
            for (sum, feature) in sums.iter_mut().zip(features) {
                *sum = _mm512_dpbusd_epi32(*sum, column, feature);
            }
        }
    }
    for (sums, registers) in sums.iter_mut().zip(registers) {
        for (sums, register) in sums.as_chunks_mut::<LANES>().0.iter_mut().zip(registers) {
            let mut added = [0; LANES];
            // SAFETY: sixteen lanes of 32 bits are as long as a register.
            unsafe { _mm512_storeu_si512(added.as_mut_ptr().cast(), register) };
            sums.iter_mut().zip(added).for_each(|(sum, part)| *sum += part);
        }
    }
}
