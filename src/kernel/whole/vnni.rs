//! Whole slopes by byte dot products, which sum four neighbours: so four rows' bytes are made neighbours first.

use super::{DIGITS, Multiples, QUAD, STRIP, Strip, WholeSlopes};
use crate::kernel::Block;
use crate::kernel::avx512::{load_part, mask};
use crate::kernel::fixed::vnni::without_digit;
use crate::kernel::gram::vnni::Vnni;
use std::arch::x86_64::{
    __m256i, __m512i, _mm256_loadu_si256, _mm256_setzero_si256, _mm512_and_si512, _mm512_castsi256_si512,
    _mm512_cvtps_epi32, _mm512_dpbusd_epi32, _mm512_inserti64x4, _mm512_load_si512, _mm512_loadu_si512,
    _mm512_mask_storeu_epi32, _mm512_mul_ps, _mm512_or_si512, _mm512_permutex2var_epi16, _mm512_set1_epi32,
    _mm512_set1_ps, _mm512_setzero_si512, _mm512_slli_epi32, _mm512_store_si512, _mm512_unpackhi_epi8,
    _mm512_unpacklo_epi8,
};
use std::mem::MaybeUninit;

/// Sums of a register.
const LANES: usize = 16;
/// Registers of half a strip.
const HALF: usize = STRIP / LANES / 2;
/// Classes of a tile, at most: their sums over half a strip take 28 of the 32 registers.
const TILE: usize = 14;
/// Fours of rows that lie side by side at a time: 4 KB.
const FOURS: usize = 32;

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
    pub(in crate::kernel::whole) fn pack(self, slopes: &[f32], classes: usize, to: &mut WholeSlopes) {
        match to.multiples {
            // SAFETY: as above.
            Multiples::OfOne => unsafe { pack::<1>(slopes, classes, to) },
            // SAFETY: as above.
            Multiples::OfStep(_) => unsafe { pack::<DIGITS>(slopes, classes, to) },
        }
    }
}

#[target_feature(enable = "avx512f")]
fn pack<const PLACES: usize>(slopes: &[f32], classes: usize, to: &mut WholeSlopes) {
    let ((_, kept), per_unit) = (to.multiples.summed(classes), _mm512_set1_ps(to.multiples.per_unit()));
    let fours = to.packed.chunks_exact_mut(kept * PLACES);
    for (slopes, packed) in slopes.chunks(QUAD * classes).zip(fours) {
        for first in (0..kept).step_by(LANES) {
            let end = kept.min(first + LANES);
            let mut quads = [_mm512_setzero_si512(); PLACES];
            // From the last row to the first: each moves those before it up by a byte.
            for slopes in slopes.chunks_exact(classes).rev() {
                let mut q = _mm512_cvtps_epi32(_mm512_mul_ps(load_part(&slopes[first..end]), per_unit));
                for quads in &mut quads {
                    let byte = _mm512_and_si512(q, _mm512_set1_epi32(0xff));
                    *quads = _mm512_or_si512(_mm512_slli_epi32::<8>(*quads), byte);
                    q = without_digit(q);
                }
            }
            for (quads, packed) in quads.iter().zip(packed.chunks_exact_mut(kept)) {
                let packed = &mut packed[first..end];
                // SAFETY: the mask has no bit beyond the lanes of the slice, and nothing else is written.
                unsafe { _mm512_mask_storeu_epi32(packed.as_mut_ptr().cast(), mask(packed.len()), *quads) };
            }
        }
    }
}

/// Adds to `sums`, or overwrites them if they are `empty`.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni")]
fn add_gradient(block: &Block<'_, u8>, slopes: &[[i8; QUAD]], empty: bool, sums: &mut [Strip]) {
    // As few tiles as can be, as even as can be, the first with what is left: it needs registers to put rows side by side.
    let tiles = block.classes.div_ceil(TILE);
    let tile = block.classes.div_ceil(tiles);
    match block.classes - (tiles - 1) * tile {
        1 => add_rows::<1>(block, slopes, tile, empty, sums),
        2 => add_rows::<2>(block, slopes, tile, empty, sums),
        3 => add_rows::<3>(block, slopes, tile, empty, sums),
        4 => add_rows::<4>(block, slopes, tile, empty, sums),
        5 => add_rows::<5>(block, slopes, tile, empty, sums),
        6 => add_rows::<6>(block, slopes, tile, empty, sums),
        7 => add_rows::<7>(block, slopes, tile, empty, sums),
        8 => add_rows::<8>(block, slopes, tile, empty, sums),
        9 => add_rows::<9>(block, slopes, tile, empty, sums),
        10 => add_rows::<10>(block, slopes, tile, empty, sums),
        11 => add_rows::<11>(block, slopes, tile, empty, sums),
        12 => add_rows::<12>(block, slopes, tile, empty, sums),
        13 => add_rows::<13>(block, slopes, tile, empty, sums),
        _ => add_rows::<TILE>(block, slopes, tile, empty, sums),
    }
}

/// As [`add_gradient`]; the first tile has C classes, the others `tile` each.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni")]
fn add_rows<const C: usize>(
    block: &Block<'_, u8>,
    slopes: &[[i8; QUAD]],
    tile: usize,
    mut empty: bool,
    sums: &mut [Strip],
) {
    let classes = block.classes;
    let mut lines = [const { MaybeUninit::uninit() }; FOURS];
    let mut all_next = block.next;
    for (rows, slopes) in block.rows.chunks(FOURS * QUAD).zip(slopes.chunks(FOURS * classes)) {
        let next;
        (next, all_next) = all_next.split_at(rows.len().min(all_next.len()));
        // Missing rows of the last four may be any: their slopes are 0.
        let mut fours = [[rows[0]; QUAD]; FOURS];
        fours.as_flattened_mut()[..rows.len()].copy_from_slice(rows);
        let fours = &fours[..rows.len().div_ceil(QUAD)];
        for (start, sums) in (0..block.features.len()).step_by(STRIP).zip(sums.chunks_exact_mut(classes)) {
            let (first, others) = sums.split_at_mut(C);
            for half in 0..2 {
                let place = Place { fours, next, slopes, start, half, empty };
                add_tile::<C, true>(block, &place, 0, &mut lines, first);
                for (sums, first) in others.chunks_mut(tile).zip((C..).step_by(tile)) {
                    add_classes(block, &place, first, &mut lines, sums);
                }
            }
        }
        empty = false;
    }
}

/// Half a strip of some rows, and what goes with them.
struct Place<'a> {
    /// The rows.
    fours: &'a [[u32; QUAD]],
    /// The rows to fetch meanwhile.
    next: &'a [u32],
    /// Of each four rows the slopes of every class.
    slopes: &'a [[i8; QUAD]],
    /// The strip's first feature of the panel.
    start: usize,
    /// Which half of the strip.
    half: usize,
    /// Whether the sums hold nothing yet.
    empty: bool,
}

/// Half a strip's features of four rows, feature by feature, of each its four rows.
type Line = [__m512i; HALF];

/// [`add_tile`] of as many classes from `first` on as there are sums.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni")]
fn add_classes(
    block: &Block<'_, u8>,
    place: &Place<'_>,
    first: usize,
    lines: &mut [MaybeUninit<Line>; FOURS],
    sums: &mut [Strip],
) {
    match sums.len() {
        1 => add_tile::<1, false>(block, place, first, lines, sums),
        2 => add_tile::<2, false>(block, place, first, lines, sums),
        3 => add_tile::<3, false>(block, place, first, lines, sums),
        4 => add_tile::<4, false>(block, place, first, lines, sums),
        5 => add_tile::<5, false>(block, place, first, lines, sums),
        6 => add_tile::<6, false>(block, place, first, lines, sums),
        7 => add_tile::<7, false>(block, place, first, lines, sums),
        8 => add_tile::<8, false>(block, place, first, lines, sums),
        9 => add_tile::<9, false>(block, place, first, lines, sums),
        10 => add_tile::<10, false>(block, place, first, lines, sums),
        11 => add_tile::<11, false>(block, place, first, lines, sums),
        12 => add_tile::<12, false>(block, place, first, lines, sums),
        13 => add_tile::<13, false>(block, place, first, lines, sums),
        _ => add_tile::<TILE, false>(block, place, first, lines, sums),
    }
}

/// The slopes of C classes times half a strip of all rows: added to what is there, or in its place if that is empty. The
/// first tile puts rows side by side and leaves them in `lines` for the others.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni")]
#[inline]
fn add_tile<const C: usize, const FIRST: bool>(
    block: &Block<'_, u8>,
    &Place { fours, next, slopes, start, half, empty }: &Place<'_>,
    first: usize,
    lines: &mut [MaybeUninit<Line>; FOURS],
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

    let slopes = slopes.chunks_exact(block.classes);
    if FIRST {
        let end = block.features.end;
        let column = (block.features.start + start + own.start).min(end);
        let is_whole = end - column >= HALF * LANES;
        let is_only = C == block.classes;
        // Both halves lie in a line of the cache, which is asked for once.
        let mut next = if half == 0 { next.iter() } else { [].iter() };
        for ((rows, line), slopes) in fours.iter().zip(lines).zip(slopes) {
            for &next in next.by_ref().take(QUAD) {
                block.prefetch(next, column);
            }
            let mut halves = [_mm256_setzero_si256(); QUAD];
            if is_whole {
                for (half, &row) in halves.iter_mut().zip(rows) {
                    // SAFETY: `row` is one of the block's, and the panel holds these features.
                    *half = load_half(unsafe { block.values::<{ HALF * LANES }>(row, column) });
                }
            } else {
                halves = part_of(block, rows, column);
            }
            let x = by_features(halves);
            if !is_only {
                line.write(x);
            }
            multiply_add(x, &slopes[first..], &mut registers);
        }
    } else {
        for (line, slopes) in lines[..fours.len()].iter().zip(slopes) {
            // SAFETY: the first tile has written a line for each four rows.
            multiply_add(unsafe { line.assume_init() }, &slopes[first..], &mut registers);
        }
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

/// 32 features of four rows, feature by feature: a register holds sixteen, of each its four rows.
#[target_feature(enable = "avx512f,avx512bw,avx512vl")]
#[inline]
fn by_features([a, b, c, d]: [__m256i; QUAD]) -> [__m512i; HALF] {
    // The rows of a pair side by side, by quarters: features 0 to 7 and 16 to 23 of the first pair, then of the second;
    // and the others.
    let (ac, bd) = (join(a, c), join(b, d));
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

/// Up to 32 features of four rows from `column` of X on, zeros behind the panel's last.
#[target_feature(enable = "avx512f")]
fn part_of(block: &Block<'_, u8>, rows: &[u32; QUAD], column: usize) -> [__m256i; QUAD] {
    let mut halves = [_mm256_setzero_si256(); QUAD];
    let features = column..block.features.end.min(column + HALF * LANES);
    for (half, segment) in halves.iter_mut().zip(block.segments(rows, &features)) {
        let mut bytes = [0; HALF * LANES];
        bytes[..segment.len()].copy_from_slice(segment);
        *half = load_half(&bytes);
    }
    halves
}

#[target_feature(enable = "avx512f")]
#[inline]
fn load_half(bytes: &[u8; HALF * LANES]) -> __m256i {
    // SAFETY: reads the 32 bytes of the array; the load needs no alignment.
    unsafe { _mm256_loadu_si256(bytes.as_ptr().cast()) }
}

#[target_feature(enable = "avx512f")]
#[inline]
fn join(low: __m256i, high: __m256i) -> __m512i {
    _mm512_inserti64x4::<1>(_mm512_castsi256_si512(low), high)
}
