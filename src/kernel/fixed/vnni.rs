//! Products in fixed point by byte dot products, and their numbers sixteen at a time.
//!
//! A byte dot product sums four neighbours. For scores these are four features of a row. For the gradient they are four
//! rows of a feature: so four rows' bytes are made neighbours first, 64 features at a time.

use super::{DIGITS, FixedWeights, GROUP, GROUP_CLASSES, QUAD, STRIP, Scale, Strip};
use crate::kernel::Block;
use crate::kernel::avx512::mask;
use crate::kernel::gram::vnni::Vnni;
use std::arch::x86_64::{
    __m128i, __m512, __m512i, _mm_setzero_si128, _mm_storeu_si128, _mm_unpackhi_epi32, _mm_unpackhi_epi64,
    _mm_unpacklo_epi32, _mm_unpacklo_epi64, _mm256_mask_storeu_ps, _mm256_maskz_loadu_ps, _mm512_abs_ps,
    _mm512_add_epi32, _mm512_and_si512, _mm512_castsi512_si256, _mm512_cvtepi32_epi8, _mm512_cvtepi32_pd,
    _mm512_cvtepi32_ps, _mm512_cvtpd_ps, _mm512_cvtps_epi32, _mm512_cvtps_pd, _mm512_dpbusd_epi32,
    _mm512_fmadd_pd, _mm512_load_si512, _mm512_loadu_ps, _mm512_loadu_si512, _mm512_mask_storeu_epi32,
    _mm512_mask_storeu_ps, _mm512_maskz_loadu_epi8, _mm512_maskz_loadu_ps, _mm512_max_ps, _mm512_mul_pd,
    _mm512_mul_ps, _mm512_or_si512, _mm512_permutexvar_epi32, _mm512_reduce_max_ps, _mm512_set_epi32,
    _mm512_set1_epi32, _mm512_set1_pd, _mm512_set1_ps, _mm512_setzero_pd, _mm512_setzero_ps,
    _mm512_setzero_si512, _mm512_slli_epi32, _mm512_srai_epi32, _mm512_store_si512, _mm512_storeu_ps,
    _mm512_sub_epi32, _mm512_unpackhi_epi8, _mm512_unpackhi_epi16, _mm512_unpacklo_epi8,
    _mm512_unpacklo_epi16,
};
use std::mem::MaybeUninit;

/// Sums of a register.
const LANES: usize = 16;
/// Registers of a strip's sums.
const STEPS: usize = STRIP / LANES;
/// Classes of a tile, at most: of 4 registers each, 24 of the 32.
const TILE: usize = 6;
/// Rows of a pass: 16 KB of bytes in the order of the dot products.
const PASS_ROWS: usize = 256;

/// Four rows of a strip's features.
type Quads = [__m512i; STEPS];

#[expect(clippy::unused_self, reason = "a value is a proof")]
impl Vnni {
    /// Adds to `sums`: see [`crate::kernel::Kernel::add_whole_gradient`].
    pub(in crate::kernel::fixed) fn add_gradient(
        self,
        block: &Block<'_, u8>,
        slopes: &[[i8; QUAD]],
        empty: bool,
        sums: &mut [Strip],
    ) {
        // SAFETY: only `detect` makes a `self`, once it has found all that `add_gradient` is compiled for.
        unsafe { add_gradient(block, slopes, empty, sums) }
    }

    /// See [`crate::kernel::Kernel::set_fixed`].
    pub(in crate::kernel::fixed) fn set(self, fixed: &mut FixedWeights, weights: &mut [f32]) {
        // SAFETY: as above.
        unsafe { set(fixed, weights) }
    }

    /// See [`crate::kernel::Kernel::pack_slopes`].
    pub(in crate::kernel::fixed) fn pack(self, slopes: &[f32], classes: usize, packed: &mut [[i8; QUAD]]) {
        // SAFETY: as above.
        unsafe { pack(slopes, classes, packed) }
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
    let rest = |q: __m512i| {
        let digit = _mm512_srai_epi32::<24>(_mm512_slli_epi32::<24>(q));
        _mm512_srai_epi32::<8>(_mm512_sub_epi32(q, digit))
    };
    let middle = rest(q);
    [q, middle, rest(middle)]
}

#[target_feature(enable = "avx512f")]
fn pack(slopes: &[f32], classes: usize, packed: &mut [[i8; QUAD]]) {
    for (slopes, packed) in slopes.chunks(QUAD * classes).zip(packed.chunks_exact_mut(classes)) {
        for (first, packed) in (0..classes).step_by(LANES).zip(packed.chunks_mut(LANES)) {
            let mut quads = _mm512_setzero_si512();
            // From the last row to the first: each moves those before it up by a byte.
            for slopes in slopes.chunks_exact(classes).rev() {
                let row = _mm512_cvtps_epi32(load_floats(&slopes[first..first + packed.len()]));
                let byte = _mm512_and_si512(row, _mm512_set1_epi32(0xff));
                quads = _mm512_or_si512(_mm512_slli_epi32::<8>(quads), byte);
            }
            // SAFETY: the mask has no bit beyond the lanes of the slice, and nothing else is written.
            unsafe { _mm512_mask_storeu_epi32(packed.as_mut_ptr().cast(), mask(packed.len()), quads) };
        }
    }
}

#[target_feature(enable = "avx512f,avx512vl")]
fn combine(fixed: &FixedWeights, sums: &[i32], out: &mut [f32]) {
    // Of a group's sums, those of a digit: of every class, and three more lanes that do not count.
    let places = _mm512_set_epi32(0, 0, 0, 0, 0, 0, 0, 0, 15, 15, 15, 12, 9, 6, 3, 0);
    let rows = sums.chunks_exact(fixed.digits.stride()).zip(out.chunks_exact_mut(fixed.classes));
    for (sums, out) in rows {
        let groups = sums.as_chunks::<GROUP>().0.iter().zip(fixed.steps.chunks(GROUP_CLASSES));
        for ((sums, steps), out) in groups.zip(out.chunks_mut(GROUP_CLASSES)) {
            // SAFETY: reads the sixteen sums of the array; the load needs no alignment.
            let sums = unsafe { _mm512_loadu_si512(sums.as_ptr().cast()) };
            let mut q = _mm512_setzero_pd();
            for place in [2, 1, 0] {
                let at = _mm512_add_epi32(places, _mm512_set1_epi32(place));
                let digits = _mm512_castsi512_si256(_mm512_permutexvar_epi32(at, sums));
                q = _mm512_fmadd_pd(q, _mm512_set1_pd(256.0), _mm512_cvtepi32_pd(digits));
            }
            let mask = u8::MAX >> (8 - out.len());
            // SAFETY: the mask has no bit beyond the steps and the scores of the group, and nothing else is touched.
            unsafe {
                let steps = _mm512_cvtps_pd(_mm256_maskz_loadu_ps(mask, steps.as_ptr()));
                _mm256_mask_storeu_ps(out.as_mut_ptr(), mask, _mm512_cvtpd_ps(_mm512_mul_pd(steps, q)));
            }
        }
    }
}

/// Adds to `sums`, or overwrites them if they are `empty`.
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
fn add_gradient(block: &Block<'_, u8>, slopes: &[[i8; QUAD]], empty: bool, sums: &mut [Strip]) {
    let classes = block.classes;
    // As few tiles as can be, as even as can be.
    let tile = classes.div_ceil(classes.div_ceil(TILE));
    let mut packed = [const { MaybeUninit::uninit() }; PASS_ROWS / QUAD];
    let passes = block.rows.chunks(PASS_ROWS).zip(slopes.chunks(PASS_ROWS / QUAD * classes));
    for (pass, (rows, slopes)) in passes.enumerate() {
        let add = pass > 0 || !empty;
        for (start, sums) in (0..block.features.len()).step_by(STRIP).zip(sums.chunks_exact_mut(classes)) {
            let quads = interleave(block, rows, start, &mut packed);
            for (sums, first) in sums.chunks_mut(tile).zip((0..).step_by(tile)) {
                match sums.len() {
                    1 => add_tile::<1>(quads, slopes, classes, first, add, sums),
                    2 => add_tile::<2>(quads, slopes, classes, first, add, sums),
                    3 => add_tile::<3>(quads, slopes, classes, first, add, sums),
                    4 => add_tile::<4>(quads, slopes, classes, first, add, sums),
                    5 => add_tile::<5>(quads, slopes, classes, first, add, sums),
                    _ => add_tile::<TILE>(quads, slopes, classes, first, add, sums),
                }
            }
        }
    }
}

/// The bytes of up to 64 features from `start` of the panel, four rows at a time: register v holds features 16 v to
/// 16 v + 15, of each its four rows. Rows beyond the last are whatever: their slopes are 0.
#[target_feature(enable = "avx512f,avx512bw")]
#[inline]
fn interleave<'a>(
    block: &Block<'_, u8>,
    rows: &[u32],
    start: usize,
    packed: &'a mut [MaybeUninit<Quads>; PASS_ROWS / QUAD],
) -> &'a [Quads] {
    let column = block.features.start + start;
    let features = column..block.features.end.min(column + STRIP);
    // Unpacking works within quarters: each takes every fourth four features, so that the result is in order.
    let spread = _mm512_set_epi32(15, 11, 7, 3, 14, 10, 6, 2, 13, 9, 5, 1, 12, 8, 4, 0);
    let mut next = block.next_at(start).iter();
    let quads = &mut packed[..rows.len().div_ceil(QUAD)];
    for (rows, quads) in rows.chunks(QUAD).zip(quads.iter_mut()) {
        let mut bytes = [_mm512_setzero_si512(); QUAD];
        for (bytes, &row) in bytes.iter_mut().zip(rows) {
            if let Some(&next) = next.next() {
                block.prefetch(next, column);
            }
            *bytes = _mm512_permutexvar_epi32(spread, load_bytes(block.x.segment(row, &features)));
        }
        let low = [_mm512_unpacklo_epi8(bytes[0], bytes[1]), _mm512_unpacklo_epi8(bytes[2], bytes[3])];
        let high = [_mm512_unpackhi_epi8(bytes[0], bytes[1]), _mm512_unpackhi_epi8(bytes[2], bytes[3])];
        quads.write([
            _mm512_unpacklo_epi16(low[0], low[1]),
            _mm512_unpackhi_epi16(low[0], low[1]),
            _mm512_unpacklo_epi16(high[0], high[1]),
            _mm512_unpackhi_epi16(high[0], high[1]),
        ]);
    }
    // SAFETY: the loop has written every element: there are as many as fours of rows.
    unsafe { std::slice::from_raw_parts(quads.as_ptr().cast(), quads.len()) }
}

/// Up to 64 bytes, zeros behind them.
#[target_feature(enable = "avx512f,avx512bw")]
#[inline]
fn load_bytes(bytes: &[u8]) -> __m512i {
    if let Some(bytes) = bytes.first_chunk::<STRIP>() {
        // SAFETY: reads the 64 bytes of the array; the load needs no alignment.
        return unsafe { _mm512_loadu_si512(bytes.as_ptr().cast()) };
    }
    // SAFETY: the mask has no bit beyond the bytes of the slice, and no other byte is read.
    unsafe { _mm512_maskz_loadu_epi8((1 << bytes.len()) - 1, bytes.as_ptr().cast()) }
}

/// The slopes of C classes, from `first` on, times a strip: added to what is there if `add`, else in its place.
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
#[inline]
fn add_tile<const C: usize>(
    quads: &[Quads],
    slopes: &[[i8; QUAD]],
    classes: usize,
    first: usize,
    add: bool,
    sums: &mut [Strip],
) {
    let mut registers = [[_mm512_setzero_si512(); STEPS]; C];
    for (registers, sums) in registers.iter_mut().zip(&*sums).filter(|_| add) {
        for (register, sums) in registers.iter_mut().zip(sums.0.as_chunks::<LANES>().0) {
            // SAFETY: a strip is aligned to 64 bytes, and so is each of its sixteen sums.
            *register = unsafe { _mm512_load_si512(sums.as_ptr().cast()) };
        }
    }
    for (x, slopes) in quads.iter().zip(slopes.chunks_exact(classes)) {
        for (registers, &slope) in registers.iter_mut().zip(&slopes[first..first + C]) {
            let slope = _mm512_set1_epi32(i32::from_ne_bytes(slope.map(i8::cast_unsigned)));
            for (sum, &x) in registers.iter_mut().zip(x) {
                *sum = _mm512_dpbusd_epi32(*sum, x, slope);
            }
        }
    }
    for (registers, sums) in registers.iter().zip(sums) {
        for (&register, sums) in registers.iter().zip(sums.0.as_chunks_mut::<LANES>().0) {
            // SAFETY: as above.
            unsafe { _mm512_store_si512(sums.as_mut_ptr().cast(), register) };
        }
    }
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
