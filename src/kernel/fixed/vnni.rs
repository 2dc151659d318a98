//! Numbers in fixed point, sixteen at a time.

use super::{DIGITS, FixedWeights, GROUP, GROUP_CLASSES, QUAD, Scale, UNITS};
use crate::kernel::avx512::mask;
use crate::kernel::gram::vnni::Vnni;
use std::arch::x86_64::{
    __m128i, __m512, __m512i, _mm_setzero_si128, _mm_storeu_si128, _mm_unpackhi_epi32, _mm_unpackhi_epi64,
    _mm_unpacklo_epi32, _mm_unpacklo_epi64, _mm512_abs_ps, _mm512_add_epi32, _mm512_cvtepi32_epi8,
    _mm512_cvtepi32_ps, _mm512_cvtps_epi32, _mm512_fmadd_ps, _mm512_loadu_ps, _mm512_loadu_si512,
    _mm512_mask_storeu_ps, _mm512_maskz_loadu_ps, _mm512_max_ps, _mm512_mul_ps, _mm512_permutex2var_epi32,
    _mm512_reduce_max_ps, _mm512_set_epi32, _mm512_set1_epi32, _mm512_set1_ps, _mm512_setzero_ps,
    _mm512_slli_epi32, _mm512_srai_epi32, _mm512_storeu_ps, _mm512_sub_epi32,
};

/// Sums of a register.
const LANES: usize = 16;

#[expect(clippy::unused_self, reason = "a value is a proof")]
impl Vnni {
    /// See [`crate::kernel::Kernel::set_fixed`].
    pub(in crate::kernel::fixed) fn set(self, fixed: &mut FixedWeights, weights: &mut [f32]) {
        // SAFETY: only `detect` makes a `self`, once it has found all that `set` is compiled for.
        unsafe { set(fixed, weights) }
    }

    /// See [`FixedWeights::combine`].
    pub(in crate::kernel::fixed) fn combine(self, fixed: &FixedWeights, sums: &[i32], out: &mut [f32]) {
        // SAFETY: as above.
        unsafe { combine(fixed, sums, out) }
    }
}

#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
fn set(fixed: &mut FixedWeights, weights: &mut [f32]) {
    for (class, weights) in weights.chunks_exact_mut(fixed.width.max(1)).enumerate() {
        let mut largest = _mm512_setzero_ps();
        for weights in weights.chunks(LANES) {
            // The second where the first is no number.
            largest = _mm512_max_ps(_mm512_abs_ps(load_floats(weights)), largest);
        }
        let scale = Scale::of(_mm512_reduce_max_ps(largest));
        fixed.steps[class] = scale.step;
        let group = &mut fixed.digits.groups[class / GROUP_CLASSES];
        // The fourth row is the next class's first, which is written after, or one that stays 0.
        let first = class % GROUP_CLASSES * DIGITS;
        for (weights, quads) in weights.chunks_mut(LANES).zip(group.chunks_mut(LANES / QUAD)) {
            let digits = split(round(weights, scale.per_unit, scale.step));
            for (quads, rows) in quads.iter_mut().zip(by_quads(digits)) {
                // SAFETY: four rows of four bytes are as long as the register.
                unsafe { _mm_storeu_si128(quads.0[first..first + 4].as_mut_ptr().cast(), rows) };
            }
        }
    }
}

/// Of sixteen features' digits, each in the last byte of its lane: of each four features the four d0, the four d1, the
/// four d2, and zeros.
#[target_feature(enable = "avx512f")]
#[inline]
fn by_quads(digits: [__m512i; DIGITS]) -> [__m128i; LANES / QUAD] {
    let [low, middle, high] =
        [_mm512_cvtepi32_epi8(digits[0]), _mm512_cvtepi32_epi8(digits[1]), _mm512_cvtepi32_epi8(digits[2])];
    let pairs = [_mm_unpacklo_epi32(low, middle), _mm_unpackhi_epi32(low, middle)];
    let zero = _mm_setzero_si128();
    let others = [_mm_unpacklo_epi32(high, zero), _mm_unpackhi_epi32(high, zero)];
    [
        _mm_unpacklo_epi64(pairs[0], others[0]),
        _mm_unpackhi_epi64(pairs[0], others[0]),
        _mm_unpacklo_epi64(pairs[1], others[1]),
        _mm_unpackhi_epi64(pairs[1], others[1]),
    ]
}

/// Up to sixteen numbers in whole steps, to the nearest; they become what that makes them.
#[target_feature(enable = "avx512f")]
#[inline]
fn round(numbers: &mut [f32], per_unit: f32, step: f32) -> __m512i {
    let q = _mm512_cvtps_epi32(_mm512_mul_ps(load_floats(numbers), _mm512_set1_ps(per_unit)));
    store_floats(_mm512_mul_ps(_mm512_cvtepi32_ps(q), _mm512_set1_ps(step)), numbers);
    q
}

/// The digits of sixteen numbers, each in the last byte of its lane: see [`super::split`].
#[target_feature(enable = "avx512f")]
#[inline]
fn split(q: __m512i) -> [__m512i; DIGITS] {
    let middle = without_digit(q);
    [q, middle, without_digit(middle)]
}

/// What is left of sixteen numbers without their last digit, in 256s.
#[target_feature(enable = "avx512f")]
#[inline]
pub(in crate::kernel) fn without_digit(q: __m512i) -> __m512i {
    let digit = _mm512_srai_epi32::<24>(_mm512_slli_epi32::<24>(q));
    _mm512_srai_epi32::<8>(_mm512_sub_epi32(q, digit))
}

#[target_feature(enable = "avx512f")]
fn combine(fixed: &FixedWeights, sums: &[i32], out: &mut [f32]) {
    // Of the sums of two groups, those of a digit: of every class, and six more lanes that do not count.
    let places = _mm512_set_epi32(0, 0, 0, 0, 0, 0, 28, 25, 22, 19, 16, 12, 9, 6, 3, 0);
    let rows = sums.chunks_exact(fixed.digits.stride()).zip(out.chunks_exact_mut(fixed.classes));
    for (sums, out) in rows {
        let groups = sums.chunks(2 * GROUP).zip(fixed.steps.chunks(2 * GROUP_CLASSES));
        for ((sums, steps), out) in groups.zip(out.chunks_mut(2 * GROUP_CLASSES)) {
            let (groups, _) = sums.as_chunks::<GROUP>();
            let first = load_sums(&groups[0]);
            let second = if let Some(sums) = groups.get(1) { load_sums(sums) } else { first };
            let mut digits = [_mm512_setzero_ps(); DIGITS];
            for (place, digits) in (0..).zip(&mut digits) {
                let at = _mm512_add_epi32(places, _mm512_set1_epi32(place));
                *digits = _mm512_cvtepi32_ps(_mm512_permutex2var_epi32(first, at, second));
            }
            let lower = _mm512_fmadd_ps(digits[1], _mm512_set1_ps(UNITS[1]), digits[0]);
            let q = _mm512_fmadd_ps(digits[2], _mm512_set1_ps(UNITS[2]), lower);
            store_floats(_mm512_mul_ps(load_floats(steps), q), out);
        }
    }
}

#[target_feature(enable = "avx512f")]
#[inline]
fn load_sums(sums: &[i32; GROUP]) -> __m512i {
    // SAFETY: reads the sixteen sums of the array; the load needs no alignment.
    unsafe { _mm512_loadu_si512(sums.as_ptr().cast()) }
}

/// Up to sixteen numbers, zeros behind them.
#[target_feature(enable = "avx512f")]
#[inline]
fn load_floats(values: &[f32]) -> __m512 {
    if let Some(values) = values.first_chunk::<LANES>() {
        // SAFETY: reads the sixteen values of the array; the load needs no alignment.
        return unsafe { _mm512_loadu_ps(values.as_ptr()) };
    }
    // SAFETY: the mask has no bit beyond the values of the slice, and no other value is read.
    unsafe { _mm512_maskz_loadu_ps(mask(values.len()), values.as_ptr()) }
}

/// The first lanes of `register`, as many as `values` holds.
#[target_feature(enable = "avx512f")]
#[inline]
fn store_floats(register: __m512, values: &mut [f32]) {
    if let Some(values) = values.first_chunk_mut::<LANES>() {
        // SAFETY: writes the sixteen values of the array; the store needs no alignment.
        return unsafe { _mm512_storeu_ps(values.as_mut_ptr(), register) };
    }
    // SAFETY: the mask has no bit beyond the values of the slice, and no other value is written.
    unsafe { _mm512_mask_storeu_ps(values.as_mut_ptr(), mask(values.len()), register) }
}
