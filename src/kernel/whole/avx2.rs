//! Whole slopes by products of bytes whose sums have sixteen bits.
//!
//! One instruction multiplies 32 bytes and adds neighbours. So four rows' bytes are made neighbours, and as many fours
//! are summed in sixteen bits as surely fit, before sums are widened: with the additions that is twice the products an
//! instruction that floats have.

use super::{QUAD, STRIP, Strip};
use crate::kernel::Block;
use crate::kernel::avx2::Avx2;
use std::arch::x86_64::{
    __m256i, _mm256_add_epi16, _mm256_add_epi32, _mm256_load_si256, _mm256_loadu_si256, _mm256_madd_epi16,
    _mm256_maddubs_epi16, _mm256_permute2x128_si256, _mm256_set1_epi16, _mm256_set1_epi32,
    _mm256_setzero_si256, _mm256_store_si256, _mm256_unpackhi_epi8, _mm256_unpackhi_epi16,
    _mm256_unpacklo_epi8, _mm256_unpacklo_epi16,
};
use std::mem::MaybeUninit;

/// The most that the magnitudes of slopes may add up to, so that their products with bytes fit sixteen bits.
const MOST: usize = i16::MAX as usize / 255;
/// The largest slope in magnitude: an instruction adds the products of two.
pub const LARGEST: usize = MOST / 2;
/// Widened sums of a register.
const LANES: usize = 8;
/// Classes of a tile, at most: with two registers of features, their sums take ten of the sixteen registers.
const TILE: usize = 5;
/// Bytes of a row that are loaded at once.
const BYTES: usize = 32;
/// Fours of rows that lie side by side: 8 KB.
const FOURS: usize = 32;

/// A strip's features of four rows as [`by_features`] puts them, 32 after 32.
type Line = [[[__m256i; 2]; 2]; STRIP / BYTES];

#[expect(clippy::unused_self, reason = "a value is a proof")]
impl Avx2 {
    /// Adds to `sums`: see [`crate::kernel::Kernel::add_whole_gradient`].
    pub(in crate::kernel::whole) fn add_whole_gradient(
        self,
        block: &Block<'_, u8>,
        slopes: &[[i8; QUAD]],
        sums: &mut [Strip],
    ) {
        // SAFETY: only `detect` makes a `self`, once it has found all that `add_gradient` is compiled for.
        unsafe { add_gradient(block, slopes, sums) }
    }
}

#[target_feature(enable = "avx2")]
fn add_gradient(block: &Block<'_, u8>, slopes: &[[i8; QUAD]], sums: &mut [Strip]) {
    let classes = block.classes;
    let mut room = [const { MaybeUninit::uninit() }; FOURS];
    let mut all_next = block.next;
    for (rows, slopes) in block.rows.chunks(FOURS * QUAD).zip(slopes.chunks(FOURS * classes)) {
        let next;
        (next, all_next) = all_next.split_at(rows.len().min(all_next.len()));
        let mut ends = [0; FOURS];
        let ends = fitting(slopes, classes, &mut ends);
        for (start, sums) in (0..block.features.len()).step_by(STRIP).zip(sums.chunks_exact_mut(classes)) {
            let strip = Fours {
                block,
                start,
                lines: side_by_side(block, rows, start, &mut room),
                slopes,
                next,
                ends,
            };
            for first in (0..classes).step_by(TILE) {
                match classes - first {
                    1 => add_classes::<1>(&strip, first, sums),
                    2 => add_classes::<2>(&strip, first, sums),
                    3 => add_classes::<3>(&strip, first, sums),
                    4 => add_classes::<4>(&strip, first, sums),
                    _ => add_classes::<TILE>(&strip, first, sums),
                }
            }
        }
    }
}

/// A strip of some rows, and what goes with them.
struct Fours<'a> {
    block: &'a Block<'a, u8>,
    /// The strip's first feature of the panel.
    start: usize,
    /// A line for each four rows.
    lines: &'a [Line],
    /// Of each four rows the slopes of every class.
    slopes: &'a [[i8; QUAD]],
    /// The rows to fetch meanwhile.
    next: &'a [u32],
    /// The ends of runs of lines whose sums are widened together.
    ends: &'a [usize],
}

/// The ends of runs of fours of rows, as long as can be, whose sums surely fit sixteen bits.
///
/// # Panics
/// When the slopes of two neighbours are more than [`MOST`] together: never if each is at most [`LARGEST`].
#[target_feature(enable = "avx2")]
#[inline]
fn fitting<'r>(slopes: &[[i8; QUAD]], classes: usize, room: &'r mut [usize; FOURS]) -> &'r [usize] {
    let (mut runs, mut sum) = (0, 0);
    for (four, slopes) in slopes.chunks_exact(classes).enumerate() {
        let mut largest = 0;
        for [a, b] in slopes.as_flattened().as_chunks().0 {
            largest = largest.max(u16::from(a.unsigned_abs()) + u16::from(b.unsigned_abs()));
        }
        let largest = usize::from(largest);
        assert!(largest <= MOST, "two slopes of {largest} together, at most {MOST}");
        if sum + largest > MOST {
            runs += 1;
            sum = 0;
        }
        sum += largest;
        room[runs] = four + 1;
    }
    &room[..=runs]
}

/// A strip's features of `rows`, four rows after four; missing rows of the last four repeat one.
#[target_feature(enable = "avx2")]
#[inline]
fn side_by_side<'r>(
    block: &Block<'_, u8>,
    rows: &[u32],
    start: usize,
    room: &'r mut [MaybeUninit<Line>; FOURS],
) -> &'r [Line] {
    let start = block.features.start + start;
    let features = start..block.features.end.min(start + STRIP);
    let room = &mut room[..rows.len().div_ceil(QUAD)];
    // Of rows that end within the strip; zeros behind them.
    let mut parts = [[0; STRIP]; QUAD];
    for (fours, line) in rows.chunks(QUAD).zip(&mut *room) {
        let mut rows = [fours[0]; QUAD];
        rows[..fours.len()].copy_from_slice(fours);
        let segments = block.segments(&rows, &features);
        let mut strips = [&[0; STRIP]; QUAD];
        for ((strip, part), segment) in strips.iter_mut().zip(&mut parts).zip(segments) {
            *strip = if let Some(whole) = segment.first_chunk() {
                whole
            } else {
                part[..segment.len()].copy_from_slice(segment);
                part
            };
        }
        line.write(by_features(strips));
    }
    // SAFETY: the loop has initialised every line of `room`.
    unsafe { std::slice::from_raw_parts(room.as_ptr().cast(), room.len()) }
}

/// A strip of four rows, feature by feature, of each its four rows. Of 32 features: 0 to 3 and 16 to 19 in the first
/// register, then 4 to 7 and 20 to 23, and so on.
#[target_feature(enable = "avx2")]
#[inline]
fn by_features(strips: [&[u8; STRIP]; QUAD]) -> Line {
    let mut line = [[[_mm256_setzero_si256(); 2]; 2]; STRIP / BYTES];
    for (half, line) in line.iter_mut().enumerate() {
        let [a, b, c, d] =
            [load(strips[0], half), load(strips[1], half), load(strips[2], half), load(strips[3], half)];
        let (low, high) = (_mm256_unpacklo_epi8(a, b), _mm256_unpackhi_epi8(a, b));
        let (other_low, other_high) = (_mm256_unpacklo_epi8(c, d), _mm256_unpackhi_epi8(c, d));
        *line = [
            [_mm256_unpacklo_epi16(low, other_low), _mm256_unpackhi_epi16(low, other_low)],
            [_mm256_unpacklo_epi16(high, other_high), _mm256_unpackhi_epi16(high, other_high)],
        ];
    }
    line
}

/// One half of a strip.
#[target_feature(enable = "avx2")]
#[inline]
fn load(strip: &[u8; STRIP], half: usize) -> __m256i {
    let bytes: &[u8; BYTES] = &strip.as_chunks().0[half];
    // SAFETY: reads the 32 bytes of the array; the load needs no alignment.
    unsafe { _mm256_loadu_si256(bytes.as_ptr().cast()) }
}

/// Adds the sums of the C classes from `first`, tile after tile.
#[target_feature(enable = "avx2")]
fn add_classes<const C: usize>(strip: &Fours<'_>, first: usize, sums: &mut [Strip]) {
    let Some(sums) = sums[first..].first_chunk_mut::<C>() else {
        unreachable!("sums of the tile's C classes")
    };
    // Lines are asked for once.
    let mut next = if first == 0 { strip.next } else { &[] };
    for half in 0..STRIP / BYTES {
        for pair in 0..2 {
            add_tile(strip, half, pair, first, next, sums);
            next = &[];
        }
    }
}

/// Adds the sums of C classes over sixteen features: those of one pair of registers of [`by_features`].
#[target_feature(enable = "avx2")]
#[inline]
fn add_tile<const C: usize>(
    strip: &Fours<'_>,
    half: usize,
    pair: usize,
    first: usize,
    next: &[u32],
    sums: &mut [Strip; C],
) {
    let classes = strip.block.classes;
    let mut next = next.iter();
    let mut start = 0;
    for &end in strip.ends {
        let (lines, slopes) = (&strip.lines[start..end], &strip.slopes[start * classes..end * classes]);
        start = end;
        let mut narrow = [[_mm256_setzero_si256(); 2]; C];
        for (line, slopes) in lines.iter().zip(slopes.chunks_exact(classes)) {
            for &next in next.by_ref().take(QUAD) {
                strip.block.prefetch(next, strip.block.features.start + strip.start);
            }
            let Some(slopes) = slopes[first..].first_chunk::<C>() else {
                unreachable!("slopes of C classes")
            };
            for (sums, slope) in narrow.iter_mut().zip(slopes) {
                let slope = _mm256_set1_epi32(i32::from_ne_bytes(slope.map(i8::cast_unsigned)));
                for (sum, x) in sums.iter_mut().zip(line[half][pair]) {
                    *sum = _mm256_add_epi16(*sum, _mm256_maddubs_epi16(x, slope));
                }
            }
        }
        for (&[low, high], sums) in narrow.iter().zip(&mut *sums) {
            let (low, high) = (widen(low), widen(high));
            let at = half * BYTES + pair * LANES;
            add(_mm256_permute2x128_si256::<0x20>(low, high), &mut sums.0, at);
            add(_mm256_permute2x128_si256::<0x31>(low, high), &mut sums.0, at + 2 * LANES);
        }
    }
}

/// The sums of neighbours.
#[target_feature(enable = "avx2")]
#[inline]
fn widen(sums: __m256i) -> __m256i {
    _mm256_madd_epi16(sums, _mm256_set1_epi16(1))
}

/// Adds to the eight sums from `at`, a multiple of eight.
#[target_feature(enable = "avx2")]
#[inline]
fn add(register: __m256i, sums: &mut [i32; STRIP], at: usize) {
    let sums = &mut sums.as_chunks_mut::<LANES>().0[at / LANES];
    // SAFETY: a strip is aligned to 64 bytes, and so is every eighth of its sums to 32.
    unsafe {
        let old = _mm256_load_si256(sums.as_ptr().cast());
        _mm256_store_si256(sums.as_mut_ptr().cast(), _mm256_add_epi32(old, register));
    }
}
