//! Scores by byte dot products: four products and their sum in one instruction a lane.

use super::{ByteWeights, CHUNK, GROUP, QUAD, Quads, quad};
use crate::kernel::Block;
use crate::kernel::gram::vnni::Vnni;
use std::arch::x86_64::{
    __m512i, _mm512_dpbusd_epi32, _mm512_load_si512, _mm512_loadu_si512, _mm512_set1_epi32,
    _mm512_setzero_si512, _mm512_storeu_si512,
};

/// Rows of a tile.
const ROWS: usize = 4;
/// Groups of a tile, at most: with four rows, twenty of the 32 registers hold sums.
const GROUPS: usize = 5;

#[expect(clippy::unused_self, reason = "a value is a proof")]
impl Vnni {
    /// Writes `out`: see [`crate::kernel::Kernel::byte_scores`].
    pub(in crate::kernel::bytes) fn scores(
        self,
        block: &Block<'_, u8>,
        weights: &ByteWeights,
        out: &mut [i32],
    ) {
        // SAFETY: only `detect` makes a `self`, once it has found all that `scores` is compiled for.
        unsafe { scores(block, weights, out) }
    }
}

#[target_feature(enable = "avx512f,avx512vnni")]
fn scores(block: &Block<'_, u8>, weights: &ByteWeights, out: &mut [i32]) {
    for (index, groups) in weights.groups.chunks(GROUPS).enumerate() {
        let first = index * GROUPS * GROUP;
        match groups {
            [a] => of_groups([a], block, first, weights.stride(), out),
            [a, b] => of_groups([a, b], block, first, weights.stride(), out),
            [a, b, c] => of_groups([a, b, c], block, first, weights.stride(), out),
            [a, b, c, d] => of_groups([a, b, c, d], block, first, weights.stride(), out),
            [a, b, c, d, e, ..] => of_groups([a, b, c, d, e], block, first, weights.stride(), out),
            [] => {}
        }
    }
}

/// The scores of G groups of classes, which begin at `first` of each row of `out`.
#[target_feature(enable = "avx512f,avx512vnni")]
fn of_groups<const G: usize>(
    groups: [&Vec<Quads>; G],
    block: &Block<'_, u8>,
    first: usize,
    stride: usize,
    out: &mut [i32],
) {
    let quads = groups[0].len();
    let (tiles, rest) = block.rows.as_chunks::<ROWS>();
    let (tiles_out, rest_out) = out.split_at_mut(tiles.len() * ROWS * stride);
    // As many with each tile: memory takes its time, so all of it is used.
    let mut next = block.next.chunks(block.next.len().div_ceil(tiles.len().max(1)).max(1));
    // Once at least, so that scores over no features are written too.
    for start in (0..quads.max(1)).step_by(CHUNK) {
        let end = quads.min(start + CHUNK);
        let mut chunk = [&[][..]; G];
        for (chunk, group) in chunk.iter_mut().zip(groups) {
            *chunk = &group[start..end];
        }
        for (rows, out) in tiles.iter().zip(tiles_out.chunks_exact_mut(ROWS * stride)) {
            for &row in next.next().unwrap_or_default() {
                block.prefetch_row(row);
            }
            let mut bytes = [&[][..]; ROWS];
            for (bytes, &row) in bytes.iter_mut().zip(rows) {
                *bytes = &block.segment(row)[start * QUAD..];
            }
            tile(bytes, chunk, start > 0, first, stride, out);
        }
        for (&row, out) in rest.iter().zip(rest_out.chunks_exact_mut(stride)) {
            tile([&block.segment(row)[start * QUAD..]], chunk, start > 0, first, stride, out);
        }
    }
}

/// Writes the products of R rows and G groups over some features, or adds them to those of earlier ones.
#[target_feature(enable = "avx512f,avx512vnni")]
#[inline]
fn tile<const R: usize, const G: usize>(
    x: [&[u8]; R],
    weights: [&[Quads]; G],
    add: bool,
    first: usize,
    stride: usize,
    out: &mut [i32],
) {
    let mut sums = [[_mm512_setzero_si512(); G]; R];
    for (r, sums) in sums.iter_mut().enumerate().filter(|_| add) {
        let at = r * stride + first;
        for (sum, out) in sums.iter_mut().zip(out[at..at + G * GROUP].as_chunks().0) {
            *sum = load(out);
        }
    }
    let count = weights[0].len();
    let (mut quads, mut steps) = ([&[][..]; R], [&[][..]; G]);
    let whole = count.min(x[0].len() / QUAD);
    for (quads, x) in quads.iter_mut().zip(x) {
        *quads = &x.as_chunks::<QUAD>().0[..whole];
    }
    for (steps, weights) in steps.iter_mut().zip(weights) {
        *steps = &weights[..whole];
    }
    for index in 0..whole {
        let mut features = [0; R];
        for (features, quads) in features.iter_mut().zip(quads) {
            *features = u32::from_le_bytes(quads[index]);
        }
        multiply_add(features, steps, index, &mut sums);
    }
    // The last features, where they are fewer than four.
    for index in whole..count {
        let mut features = [0; R];
        for (features, x) in features.iter_mut().zip(x) {
            *features = quad(x, index);
        }
        multiply_add(features, weights, index, &mut sums);
    }
    for (r, sums) in sums.iter().enumerate() {
        let at = r * stride + first;
        for (&sum, out) in sums.iter().zip(out[at..at + G * GROUP].as_chunks_mut().0) {
            store(sum, out);
        }
    }
}

/// Adds the products of R rows' four features and G groups' weights for them, those of `index`.
#[target_feature(enable = "avx512f,avx512vnni")]
#[inline]
fn multiply_add<const R: usize, const G: usize>(
    features: [u32; R],
    weights: [&[Quads]; G],
    index: usize,
    sums: &mut [[__m512i; G]; R],
) {
    for (g, weights) in weights.iter().enumerate() {
        // SAFETY: 64 bytes, aligned to 64, are a register.
        let weights = unsafe { _mm512_load_si512((&raw const weights[index]).cast()) };
        for (sums, features) in sums.iter_mut().zip(features) {
            let features = _mm512_set1_epi32(features.cast_signed());
            sums[g] = _mm512_dpbusd_epi32(sums[g], features, weights);
        }
    }
}

#[target_feature(enable = "avx512f")]
#[inline]
fn load(values: &[i32; GROUP]) -> __m512i {
    // SAFETY: reads the sixteen values of the array; the load needs no alignment.
    unsafe { _mm512_loadu_si512(values.as_ptr().cast()) }
}

#[target_feature(enable = "avx512f")]
#[inline]
fn store(register: __m512i, values: &mut [i32; GROUP]) {
    // SAFETY: writes the sixteen values of the array; the store needs no alignment.
    unsafe { _mm512_storeu_si512(values.as_mut_ptr().cast(), register) }
}
