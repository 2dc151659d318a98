//! Scores by sixteen-bit products: two products and their sum in one instruction a lane, and another one to add it.

use super::{ByteWeights, CHUNK, GROUP, QUAD, Quads, quad};
use crate::kernel::Block;
use std::arch::x86_64::{
    __m256i, _mm_cvtepu8_epi16, _mm_cvtsi32_si128, _mm_loadu_si128, _mm256_add_epi32,
    _mm256_broadcastq_epi64, _mm256_cvtepi8_epi16, _mm256_madd_epi16, _mm256_setzero_si256,
    _mm256_storeu_si256,
};

/// Rows of a tile.
const ROWS: usize = 3;
/// Classes a register holds: four features of each, sixteen bits a feature.
const CLASSES: usize = 4;
/// Registers of a group: with three rows, twelve of the sixteen registers hold sums.
const STEPS: usize = GROUP / CLASSES;

/// Adds to `out`: see [`crate::kernel::Kernel::byte_scores`]. On a processor without AVX2 it is [`super::plain`].
pub(super) fn scores(block: &Block<'_, u8>, weights: &ByteWeights, out: &mut [i32]) {
    if is_x86_feature_detected!("avx2") {
        // SAFETY: it has just been detected.
        unsafe { detected(block, weights, out) }
    } else {
        super::plain(block, weights, out);
    }
}

#[target_feature(enable = "avx2")]
fn detected(block: &Block<'_, u8>, weights: &ByteWeights, out: &mut [i32]) {
    let stride = weights.stride();
    let (tiles, rest) = block.rows.as_chunks::<ROWS>();
    let (tiles_out, rest_out) = out.split_at_mut(tiles.len() * ROWS * stride);
    for (index, group) in weights.groups.iter().enumerate() {
        let first = index * GROUP;
        for (chunk, start) in group.chunks(CHUNK).zip((0..).step_by(CHUNK * QUAD)) {
            for (rows, out) in tiles.iter().zip(tiles_out.chunks_exact_mut(ROWS * stride)) {
                let mut bytes = [&[][..]; ROWS];
                for (bytes, &row) in bytes.iter_mut().zip(rows) {
                    *bytes = &block.segment(row)[start..];
                }
                tile(bytes, chunk, first, stride, out);
            }
            for (&row, out) in rest.iter().zip(rest_out.chunks_exact_mut(stride)) {
                tile([&block.segment(row)[start..]], chunk, first, stride, out);
            }
        }
    }
}

/// Adds the products of R rows and one group over some features.
#[target_feature(enable = "avx2")]
#[inline]
fn tile<const R: usize>(x: [&[u8]; R], weights: &[Quads], first: usize, stride: usize, out: &mut [i32]) {
    // Two sums a class: of each quad's first two features, and of the others.
    let mut pairs = [[_mm256_setzero_si256(); STEPS]; R];
    for (index, quads) in weights.iter().enumerate() {
        let mut features = [_mm256_setzero_si256(); R];
        for (features, x) in features.iter_mut().zip(x) {
            let four = _mm_cvtepu8_epi16(_mm_cvtsi32_si128(quad(x, index).cast_signed()));
            *features = _mm256_broadcastq_epi64(four);
        }
        for (step, weights) in quads.0.as_chunks::<CLASSES>().0.iter().enumerate() {
            // SAFETY: four classes of four bytes are as long as half a register.
            let bytes = unsafe { _mm_loadu_si128(weights.as_ptr().cast()) };
            let weights = _mm256_cvtepi8_epi16(bytes);
            for (pairs, features) in pairs.iter_mut().zip(features) {
                pairs[step] = _mm256_add_epi32(pairs[step], _mm256_madd_epi16(features, weights));
            }
        }
    }
    for (r, pairs) in pairs.iter().enumerate() {
        let at = r * stride + first;
        for (&pairs, out) in pairs.iter().zip(out[at..at + GROUP].as_chunks_mut::<CLASSES>().0) {
            for (sum, pair) in out.iter_mut().zip(lanes(pairs).as_chunks::<2>().0) {
                *sum += pair[0] + pair[1];
            }
        }
    }
}

#[target_feature(enable = "avx2")]
#[inline]
fn lanes(register: __m256i) -> [i32; 2 * CLASSES] {
    let mut lanes = [0; 2 * CLASSES];
    // SAFETY: writes the eight values of the array; the store needs no alignment.
    unsafe { _mm256_storeu_si256(lanes.as_mut_ptr().cast(), register) }
    lanes
}
