//! Products on AVX2 with fused multiply-adds: eight features a register.
//!
//! Built as [`super::avx512`], whose comments say why, for sixteen registers rather than 32: tiles of
//! 2 rows x 5 classes forward and 5 classes x 16 features backward keep ten sums in registers. There
//! are no masked loads of bytes, so the features behind the last full register go through a copy.

use super::strips::Strip;
use super::{Block, Element, Kind};
use std::arch::x86_64::{
    __m256, _mm_loadl_epi64, _mm256_add_ps, _mm256_cvtepi32_ps, _mm256_cvtepu8_epi32, _mm256_fmadd_ps,
    _mm256_loadu_ps, _mm256_permute2f128_ps, _mm256_set1_ps, _mm256_setzero_ps, _mm256_shuffle_ps,
    _mm256_storeu_ps,
};
use std::mem::MaybeUninit;
use std::ops::Range;

/// Floats in a register.
const LANES: usize = 8;

/// Registers of features of a tile of a gradient.
const REGISTERS: usize = 2;

/// Features of a tile of a gradient.
const TILE: usize = REGISTERS * LANES;

/// The most classes of a tile.
const MOST_CLASSES: usize = 5;

/// Steps of [`LANES`] features whose weights are packed at a time: 10 KB for five classes.
const PACKED_STEPS: usize = 64;

/// The products on AVX2. A value is the proof that this processor has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Avx2(());

#[expect(clippy::unused_self, reason = "a value is a proof")]
impl Avx2 {
    /// The kernel, where the processor and the operating system support it.
    pub fn detect() -> Option<Self> {
        let supported = is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma");
        supported.then_some(Self(()))
    }

    /// Runs `work`: see [`super::Kernel::dispatch`].
    pub(super) fn dispatch<R>(self, work: impl FnOnce() -> R) -> R {
        #[target_feature(enable = "avx2,fma")]
        #[inline(never)]
        fn compiled<R>(work: impl FnOnce() -> R) -> R {
            work()
        }
        // SAFETY: only `detect` makes a `self`, once it has found all that `compiled` is compiled for.
        unsafe { compiled(work) }
    }

    /// Writes the scores of `block`: see [`super::Kernel::scores`].
    pub(super) fn scores<T: Element>(self, block: &Block<T>, weights: &[f32], out: &mut [f32]) {
        // SAFETY: only `detect` makes a `self`, once it has found all that `scores` is compiled for.
        unsafe { scores(block, weights, out) }
    }

    /// Adds the gradient of `block`: see [`super::Kernel::add_gradient`].
    pub(super) fn add_gradient<T: Element>(self, block: &Block<T>, slopes: &[f32], gradient: &mut [f32]) {
        // SAFETY: only `detect` makes a `self`, once it has found all that `add_gradient` is
        // compiled for.
        unsafe { add_gradient(block, slopes, gradient) }
    }
}

#[target_feature(enable = "avx2,fma")]
fn scores<T: Element>(block: &Block<T>, weights: &[f32], out: &mut [f32]) {
    for first in (0..block.classes).step_by(MOST_CLASSES) {
        // Few classes leave registers for more rows, which hide the latency of the multiply-adds.
        match block.classes - first {
            1 => score_classes::<T, 4, 1>(block, weights, first, out),
            2 => score_classes::<T, 4, 2>(block, weights, first, out),
            3 => score_classes::<T, 2, 3>(block, weights, first, out),
            4 => score_classes::<T, 2, 4>(block, weights, first, out),
            _ => score_classes::<T, 2, MOST_CLASSES>(block, weights, first, out),
        }
    }
}

/// Scores of all rows for the C classes from `first`, R rows at a time.
#[target_feature(enable = "avx2,fma")]
fn score_classes<T: Element, const R: usize, const C: usize>(
    block: &Block<T>,
    weights: &[f32],
    first: usize,
    out: &mut [f32],
) {
    let width = block.features.len();
    let weights = &weights[first * width..(first + C) * width];
    let (tiles, rest) = block.rows.as_chunks::<R>();
    let (tiles_out, rest_out) = out.split_at_mut(tiles.len() * R * block.classes);
    let mut packed = [const { MaybeUninit::uninit() }; PACKED_STEPS];
    // Once at least, so that scores over no features are written too.
    for start in (0..width.max(1)).step_by(PACKED_STEPS * LANES) {
        let chunk = start..width.min(start + PACKED_STEPS * LANES);
        let features = block.features.start + chunk.start..block.features.start + chunk.end;
        let weights = pack::<C>(weights, width, chunk, &mut packed);
        let columns = Columns { first, classes: block.classes, add: start > 0 };
        for (rows, out) in tiles.iter().zip(tiles_out.chunks_exact_mut(R * block.classes)) {
            let x = block.segments(rows, &features);
            columns.write(score_tile(x, weights), out);
        }
        for (&row, out) in rest.iter().zip(rest_out.chunks_exact_mut(block.classes)) {
            let x = [block.x.segment(row, &features)];
            columns.write(score_tile(x, weights), out);
        }
    }
}

/// The weights of C classes at `features`, in the order and at the alignment that a tile reads them.
///
/// Rows of weights in a `Vec` are rarely aligned to cache lines, and a load across two lines takes
/// twice its time: at ten loads for twenty multiply-adds that shows.
#[target_feature(enable = "avx2,fma")]
#[inline]
fn pack<'a, const C: usize>(
    weights: &[f32],
    width: usize,
    features: Range<usize>,
    packed: &'a mut [MaybeUninit<[__m256; C]>; PACKED_STEPS],
) -> &'a [[__m256; C]] {
    let steps = features.len().div_ceil(LANES);
    for (packed, start) in packed[..steps].iter_mut().zip(features.clone().step_by(LANES)) {
        let end = features.end.min(start + LANES);
        let mut step = [_mm256_setzero_ps(); C];
        for (c, w) in step.iter_mut().enumerate() {
            *w = load_part(&weights[c * width + start..c * width + end]);
        }
        packed.write(step);
    }
    // SAFETY: the loop has initialised the first `steps` elements: so many starts there are.
    unsafe { std::slice::from_raw_parts(packed.as_ptr().cast(), steps) }
}

/// The sums of products of R rows and C classes, lane by lane.
#[target_feature(enable = "avx2,fma")]
#[inline]
fn score_tile<T: Element, const R: usize, const C: usize>(
    x: [&[T]; R],
    weights: &[[__m256; C]],
) -> [[__m256; C]; R] {
    let x = super::in_chunks::<T, R, LANES>(x);
    let mut sums = [[_mm256_setzero_ps(); C]; R];
    let (full, part) = weights.split_at(x[0].0.len());
    for (step, w) in full.iter().enumerate() {
        let mut wide = [_mm256_setzero_ps(); R];
        for (wide, (values, _)) in wide.iter_mut().zip(x) {
            *wide = widen(&values[step]);
        }
        multiply_add(&wide, w, &mut sums);
    }
    for w in part {
        let mut wide = [_mm256_setzero_ps(); R];
        for (wide, (_, values)) in wide.iter_mut().zip(x) {
            *wide = widen_part(values);
        }
        multiply_add(&wide, w, &mut sums);
    }
    sums
}

/// Adds the products of R rows and C classes at one step of features.
#[target_feature(enable = "avx2,fma")]
#[inline]
fn multiply_add<const R: usize, const C: usize>(
    x: &[__m256; R],
    w: &[__m256; C],
    sums: &mut [[__m256; C]; R],
) {
    for (sums, &x) in sums.iter_mut().zip(x) {
        for (sum, &w) in sums.iter_mut().zip(w) {
            *sum = _mm256_fmadd_ps(x, w, *sum);
        }
    }
}

/// Where the scores of a tile go: columns of `out`, (R, K).
struct Columns {
    /// The first class of the tile.
    first: usize,
    /// K.
    classes: usize,
    /// Whether the sums of earlier features stand there.
    add: bool,
}

impl Columns {
    #[target_feature(enable = "avx2,fma")]
    #[inline]
    fn write<const R: usize, const C: usize>(&self, sums: [[__m256; C]; R], out: &mut [f32]) {
        for (r, sums) in sums.iter().enumerate() {
            let at = r * self.classes + self.first;
            let out = &mut out[at..at + C];
            let mut scores = lane_sums(sums);
            if self.add {
                scores = _mm256_add_ps(load_part(out), scores);
            }
            store_part(scores, out);
        }
    }
}

#[target_feature(enable = "avx2,fma")]
fn add_gradient<T: Element>(block: &Block<T>, slopes: &[f32], gradient: &mut [f32]) {
    block.for_each_strip(
        slopes,
        #[inline(always)]
        |strip| {
            for first in (0..block.classes).step_by(MOST_CLASSES) {
                match block.classes - first {
                    1 => gradient_classes::<T, 1>(strip, first, gradient),
                    2 => gradient_classes::<T, 2>(strip, first, gradient),
                    3 => gradient_classes::<T, 3>(strip, first, gradient),
                    4 => gradient_classes::<T, 4>(strip, first, gradient),
                    _ => gradient_classes::<T, MOST_CLASSES>(strip, first, gradient),
                }
            }
        },
    );
}

/// Adds the gradient of the C classes from `first`, tile after tile.
#[target_feature(enable = "avx2,fma")]
fn gradient_classes<T: Element, const C: usize>(strip: &Strip<'_, T>, first: usize, gradient: &mut [f32]) {
    let width = strip.block.features.len();
    let gradient = &mut gradient[first * width..(first + C) * width];
    // Lines of bytes are asked for once. Floats are four times as many lines: to ask again with the next classes is
    // faster.
    let mut next = if first == 0 || strip.is_in_place() { strip.next } else { &[] };
    for start in strip.features.clone().step_by(TILE) {
        let mut part = [[0.0; TILE]; C];
        let rest = width - start;
        let (sums, stride) = if rest < TILE {
            for (part, gradient) in part.iter_mut().zip(gradient.chunks_exact(width)) {
                part[..rest].copy_from_slice(&gradient[start..]);
            }
            (part.as_flattened_mut(), TILE)
        } else {
            (&mut gradient[start..], width)
        };
        if strip.is_in_place() {
            gradient_tile::<T, C>(strip, strip.in_x(start), next, first, sums, stride);
        } else {
            gradient_tile::<T, C>(strip, strip.copied(start), next, first, sums, stride);
        }
        if rest < TILE {
            for (part, gradient) in part.iter().zip(gradient.chunks_exact_mut(width)) {
                gradient[start..].copy_from_slice(&part[..rest]);
            }
        }
        next = &[];
    }
}

/// Adds the gradient of C classes at a tile of features: `x` has them row after row, `gradient` a class every `stride`
/// numbers.
#[target_feature(enable = "avx2,fma")]
#[inline]
fn gradient_tile<'x, T: Element + 'x, const C: usize>(
    strip: &Strip<'_, T>,
    x: impl Iterator<Item = &'x [[T; LANES]; REGISTERS]>,
    next: &[u32],
    first: usize,
    gradient: &mut [f32],
    stride: usize,
) {
    let mut sums = [[_mm256_setzero_ps(); REGISTERS]; C];
    for (c, sums) in sums.iter_mut().enumerate() {
        for (sum, old) in sums.iter_mut().zip(gradient[c * stride..c * stride + TILE].as_chunks().0) {
            *sum = load(old);
        }
    }
    let mut next = next.iter();
    for (x, slopes) in x.zip(strip.slopes.chunks_exact(strip.block.classes)) {
        if let Some(&next) = next.next() {
            strip.prefetch(next);
        }
        let mut wide = [_mm256_setzero_ps(); REGISTERS];
        for (wide, x) in wide.iter_mut().zip(x) {
            *wide = widen(x);
        }
        for (sums, &slope) in sums.iter_mut().zip(&slopes[first..first + C]) {
            let slope = _mm256_set1_ps(slope);
            for (sum, x) in sums.iter_mut().zip(wide) {
                *sum = _mm256_fmadd_ps(slope, x, *sum);
            }
        }
    }
    for (c, sums) in sums.iter().enumerate() {
        for (&sum, new) in sums.iter().zip(gradient[c * stride..c * stride + TILE].as_chunks_mut().0) {
            store(sum, new);
        }
    }
}

/// The sums of the lanes of C accumulators, in lanes 0..C; all are added by the same tree of lanes.
#[target_feature(enable = "avx2,fma")]
#[inline]
fn lane_sums<const C: usize>(sums: &[__m256; C]) -> __m256 {
    const { assert!(C <= LANES) }
    let mut all = [_mm256_setzero_ps(); LANES];
    all[..C].copy_from_slice(sums);

    // In each half: the sums of that half of accumulators 0 to 3, and of 4 to 7.
    let low = add_pairs(add_pairs(all[0], all[1]), add_pairs(all[2], all[3]));
    let high = add_pairs(add_pairs(all[4], all[5]), add_pairs(all[6], all[7]));
    let first_halves = _mm256_permute2f128_ps::<0x20>(low, high);
    let second_halves = _mm256_permute2f128_ps::<0x31>(low, high);
    _mm256_add_ps(first_halves, second_halves)
}

/// Within each half, `(a0 + a1, a2 + a3, b0 + b1, b2 + b3)`.
#[target_feature(enable = "avx2,fma")]
#[inline]
fn add_pairs(a: __m256, b: __m256) -> __m256 {
    let even = _mm256_shuffle_ps::<0b10_00_10_00>(a, b);
    let odd = _mm256_shuffle_ps::<0b11_01_11_01>(a, b);
    _mm256_add_ps(even, odd)
}

/// Eight numbers of X as floats.
#[target_feature(enable = "avx2,fma")]
#[inline]
fn widen<T: Element>(values: &[T; LANES]) -> __m256 {
    match T::array(values) {
        Kind::Bytes(bytes) => {
            // SAFETY: reads the eight bytes of the array; the load needs no alignment.
            let bytes = unsafe { _mm_loadl_epi64(bytes.as_ptr().cast()) };
            _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(bytes))
        }
        Kind::Floats(values) => load(values),
    }
}

/// Up to eight numbers of X as floats, zeros behind them.
#[target_feature(enable = "avx2,fma")]
#[inline]
fn widen_part<T: Element>(values: &[T]) -> __m256 {
    match T::slice(values) {
        Kind::Bytes(bytes) => {
            let mut lanes = [0; LANES];
            lanes[..bytes.len()].copy_from_slice(bytes);
            widen(&lanes)
        }
        Kind::Floats(values) => load_part(values),
    }
}

#[target_feature(enable = "avx2,fma")]
#[inline]
fn load(values: &[f32; LANES]) -> __m256 {
    // SAFETY: reads the eight values of the array; the load needs no alignment.
    unsafe { _mm256_loadu_ps(values.as_ptr()) }
}

/// Up to eight values, zeros behind them.
#[target_feature(enable = "avx2,fma")]
#[inline]
fn load_part(values: &[f32]) -> __m256 {
    if let Some(values) = values.first_chunk() {
        return load(values);
    }
    let mut lanes = [0.0; LANES];
    lanes[..values.len()].copy_from_slice(values);
    load(&lanes)
}

#[target_feature(enable = "avx2,fma")]
#[inline]
fn store(register: __m256, values: &mut [f32; LANES]) {
    // SAFETY: writes the eight values of the array; the store needs no alignment.
    unsafe { _mm256_storeu_ps(values.as_mut_ptr(), register) }
}

/// The first lanes of `register`, as many as `values` holds.
#[target_feature(enable = "avx2,fma")]
#[inline]
fn store_part(register: __m256, values: &mut [f32]) {
    let mut lanes = [0.0; LANES];
    store(register, &mut lanes);
    values.copy_from_slice(&lanes[..values.len()]);
}
