//! Whole slopes by byte dot products, which sum four neighbours: so four rows' bytes are made neighbours first.

use super::{QUAD, STRIP, Strip};
use crate::kernel::Block;
use crate::kernel::avx512::{load_part, mask};
use crate::kernel::gram::vnni::Vnni;
use std::arch::x86_64::{
    __m256i, __m512i, _mm256_loadu_si256, _mm256_maskz_loadu_epi8, _mm512_and_si512, _mm512_castsi256_si512,
    _mm512_cvtps_epi32, _mm512_dpbusd_epi32, _mm512_inserti64x4, _mm512_load_si512, _mm512_loadu_si512,
    _mm512_mask_storeu_epi32, _mm512_or_si512, _mm512_permutex2var_epi16, _mm512_set1_epi32,
    _mm512_setzero_si512, _mm512_slli_epi32, _mm512_store_si512, _mm512_unpackhi_epi8, _mm512_unpacklo_epi8,
};

/// Sums of a register.
const LANES: usize = 16;
/// Registers of half a strip.
const HALF: usize = STRIP / LANES / 2;
/// Classes of a tile, at most: their sums over half a strip take 20 of the 32 registers.
const TILE: usize = 10;

#[expect(clippy::unused_self, reason = "a value is a proof")]
impl Vnni {
    /// Adds to `sums`: see [`crate::kernel::Kernel::add_whole_gradient`].
    pub(in crate::kernel::whole) fn add_gradient(
        self,
        block: &Block<'_, u8>,
        slopes: &[[i8; QUAD]],
        empty: bool,
        sums: &mut [Strip],
    ) {
        // SAFETY: only `detect` makes a `self`, once it has found all that `add_gradient` is compiled for.
        unsafe { add_gradient(block, slopes, empty, sums) }
    }

    /// See [`crate::kernel::Kernel::pack_slopes`].
    pub(in crate::kernel::whole) fn pack(self, slopes: &[f32], classes: usize, packed: &mut [[i8; QUAD]]) {
        // SAFETY: as above.
        unsafe { pack(slopes, classes, packed) }
    }
}

#[target_feature(enable = "avx512f")]
fn pack(slopes: &[f32], classes: usize, packed: &mut [[i8; QUAD]]) {
    for (slopes, packed) in slopes.chunks(QUAD * classes).zip(packed.chunks_exact_mut(classes)) {
        for (first, packed) in (0..classes).step_by(LANES).zip(packed.chunks_mut(LANES)) {
            let mut quads = _mm512_setzero_si512();
            // From the last row to the first: each moves those before it up by a byte.
            for slopes in slopes.chunks_exact(classes).rev() {
                let row = _mm512_cvtps_epi32(load_part(&slopes[first..first + packed.len()]));
                let byte = _mm512_and_si512(row, _mm512_set1_epi32(0xff));
                quads = _mm512_or_si512(_mm512_slli_epi32::<8>(quads), byte);
            }
            // SAFETY: the mask has no bit beyond the lanes of the slice, and nothing else is written.
            unsafe { _mm512_mask_storeu_epi32(packed.as_mut_ptr().cast(), mask(packed.len()), quads) };
        }
    }
}

/// Adds to `sums`, or overwrites them if they are `empty`.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni")]
fn add_gradient(block: &Block<'_, u8>, slopes: &[[i8; QUAD]], empty: bool, sums: &mut [Strip]) {
    let classes = block.classes;
    // As few tiles as can be, as even as can be.
    let tile = classes.div_ceil(classes.div_ceil(TILE));
    for (start, sums) in (0..block.features.len()).step_by(STRIP).zip(sums.chunks_exact_mut(classes)) {
        for half in 0..2 {
            for (sums, first) in sums.chunks_mut(tile).zip((0..).step_by(tile)) {
                let place = Place { start, half, first };
                match sums.len() {
                    1 => add_tile::<1>(block, slopes, &place, empty, sums),
                    2 => add_tile::<2>(block, slopes, &place, empty, sums),
                    3 => add_tile::<3>(block, slopes, &place, empty, sums),
                    4 => add_tile::<4>(block, slopes, &place, empty, sums),
                    5 => add_tile::<5>(block, slopes, &place, empty, sums),
                    6 => add_tile::<6>(block, slopes, &place, empty, sums),
                    7 => add_tile::<7>(block, slopes, &place, empty, sums),
                    8 => add_tile::<8>(block, slopes, &place, empty, sums),
                    9 => add_tile::<9>(block, slopes, &place, empty, sums),
                    _ => add_tile::<TILE>(block, slopes, &place, empty, sums),
                }
            }
        }
    }
}

/// Where a tile lies.
struct Place {
    /// Its strip's first feature of the panel.
    start: usize,
    /// Which half of the strip.
    half: usize,
    /// Its first class.
    first: usize,
}

/// The slopes of C classes times half a strip of all rows: added to what is there, or in its place if that is `empty`.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni")]
#[inline]
fn add_tile<const C: usize>(
    block: &Block<'_, u8>,
    slopes: &[[i8; QUAD]],
    &Place { start, half, first }: &Place,
    empty: bool,
    sums: &mut [Strip],
) {
    let Some(sums) = sums.first_chunk_mut::<C>() else { unreachable!("sums of the tile's C classes") };
    let own = half * HALF * LANES..(half + 1) * HALF * LANES;
    let mut registers = [[_mm512_setzero_si512(); HALF]; C];
    for (registers, sums) in registers.iter_mut().zip(&*sums).filter(|_| !empty) {
        for (register, sums) in registers.iter_mut().zip(sums.0[own.clone()].as_chunks::<LANES>().0) {
            // SAFETY: a strip is aligned to 64 bytes, and so is each of its sixteen sums.
            *register = unsafe { _mm512_load_si512(sums.as_ptr().cast()) };
        }
    }

    let end = block.features.end;
    let column = (block.features.start + start + own.start).min(end);
    let features = column..end.min(column + HALF * LANES);
    let mut next = block.next_at(start + own.start).iter();
    let (fours, rest) = block.rows.as_chunks::<QUAD>();
    let (of_fours, of_rest) = slopes.split_at(fours.len() * block.classes);
    for (rows, slopes) in fours.iter().zip(of_fours.chunks_exact(block.classes)) {
        for _ in 0..QUAD {
            if let Some(&next) = next.next() {
                block.prefetch(next, column);
            }
        }
        multiply_add(by_features(block.segments(rows, &features)), &slopes[first..], &mut registers);
    }
    if let [row, ..] = rest {
        // Missing rows may be any: their slopes are 0.
        let mut rows = [*row; QUAD];
        rows[..rest.len()].copy_from_slice(rest);
        multiply_add(by_features(block.segments(&rows, &features)), &of_rest[first..], &mut registers);
    }

    for (registers, sums) in registers.iter().zip(sums) {
        for (&register, sums) in registers.iter().zip(sums.0[own.clone()].as_chunks_mut::<LANES>().0) {
            // SAFETY: as above.
            unsafe { _mm512_store_si512(sums.as_mut_ptr().cast(), register) };
        }
    }
}

/// Adds the products of four rows' features and C classes' slopes.
#[target_feature(enable = "avx512f,avx512vnni")]
#[inline]
fn multiply_add<const C: usize>(x: [__m512i; HALF], slopes: &[[i8; QUAD]], sums: &mut [[__m512i; HALF]; C]) {
    let Some(slopes) = slopes.first_chunk::<C>() else { return };
    for (sums, slope) in sums.iter_mut().zip(slopes) {
        let slope = _mm512_set1_epi32(i32::from_ne_bytes(slope.map(i8::cast_unsigned)));
        for (sum, x) in sums.iter_mut().zip(x) {
            *sum = _mm512_dpbusd_epi32(*sum, x, slope);
        }
    }
}

/// Where in [`by_features`] the two pairs of rows of each register's sixteen features lie: of the first eight in one
/// register, of the others in the next; the second pair sixteen words behind the first.
const ORDER: [[u16; 2 * LANES]; HALF] = {
    let mut order = [[0; 2 * LANES]; HALF];
    let mut at = 0;
    while at < 2 * LANES {
        let feature = at / 2;
        let first = if feature < LANES / 2 { feature } else { 2 * LANES + feature - LANES / 2 };
        order[0][at] = (first + at % 2 * LANES) as u16;
        order[1][at] = order[0][at] + LANES as u16 / 2;
        at += 1;
    }
    order
};

/// Up to 32 features of four rows, feature by feature: a register holds sixteen, of each its four rows.
#[target_feature(enable = "avx512f,avx512bw,avx512vl")]
#[inline]
fn by_features([a, b, c, d]: [&[u8]; QUAD]) -> [__m512i; HALF] {
    // The rows of a pair side by side, by quarters: features 0 to 7 and 16 to 23 of the first pair, then of the second;
    // and the others.
    let (ac, bd) = (join(load_half(a), load_half(c)), join(load_half(b), load_half(d)));
    let (low, high) = (_mm512_unpacklo_epi8(ac, bd), _mm512_unpackhi_epi8(ac, bd));
    ORDER.map(
        #[inline(always)]
        |order| {
            // SAFETY: reads the 32 words of the array; the load needs no alignment.
            let order = unsafe { _mm512_loadu_si512(order.as_ptr().cast()) };
            _mm512_permutex2var_epi16(low, order, high)
        },
    )
}

/// Up to 32 bytes, zeros behind them.
#[target_feature(enable = "avx512f,avx512bw,avx512vl")]
#[inline]
fn load_half(bytes: &[u8]) -> __m256i {
    if let Some(bytes) = bytes.first_chunk::<{ HALF * LANES }>() {
        // SAFETY: reads the 32 bytes of the array; the load needs no alignment.
        return unsafe { _mm256_loadu_si256(bytes.as_ptr().cast()) };
    }
    // SAFETY: the mask has no bit beyond the bytes of the slice, and no other byte is read.
    unsafe { _mm256_maskz_loadu_epi8((1 << bytes.len()) - 1, bytes.as_ptr().cast()) }
}

#[target_feature(enable = "avx512f")]
#[inline]
fn join(low: __m256i, high: __m256i) -> __m512i {
    _mm512_inserti64x4::<1>(_mm512_castsi256_si512(low), high)
}
