//! Products on NEON: four features a register, on every 64-bit ARM processor.
//!
//! Built as [`super::avx512`], whose comments say why, with as many registers of a quarter the width: tiles of
//! 2 rows x 10 classes forward and 10 classes x 8 features backward, twenty sums of the 32 registers. Widening shares
//! the multipliers' pipes here, so all ten classes of a tile share it: five instructions widen eight bytes for twenty
//! multiply-adds a row. Steps of eight features are a register of bytes, two of floats.

use super::strips::Strip;
use super::{Block, Element, Kind};
use std::arch::aarch64::{
    float32x4_t, vaddq_f32, vcvtq_f32_u32, vdupq_n_f32, vfmaq_f32, vfmaq_n_f32, vget_low_u16, vld1_u8,
    vld1q_f32, vmovl_high_u16, vmovl_u8, vmovl_u16, vpaddq_f32, vst1q_f32,
};
use std::mem::MaybeUninit;
use std::ops::Range;

/// Floats in a register.
const LANES: usize = 4;

/// Features that are widened at a time.
const STEP: usize = 8;

/// A step of features, or of anything that goes with them.
type Wide = [float32x4_t; STEP / LANES];

/// The weights of C classes at a step of features, in the order that a tile reads them.
type Weights<const C: usize> = [[float32x4_t; C]; STEP / LANES];

/// The most classes of a tile.
const MOST_CLASSES: usize = 10;

/// Steps of features whose weights are packed at a time: 20 KB for ten classes, which leaves room in the L1 cache for
/// the rows.
const PACKED_STEPS: usize = 64;

/// The products on NEON. A value is the proof that this processor has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Neon(());

#[expect(clippy::unused_self, reason = "a value is a proof")]
impl Neon {
    /// The kernel, where the processor supports it: all of this architecture do.
    pub fn detect() -> Option<Self> {
        std::arch::is_aarch64_feature_detected!("neon").then_some(Self(()))
    }

    /// Runs `work`: see [`super::Kernel::dispatch`]. All that is compiled for this architecture is compiled for NEON.
    pub(super) fn dispatch<R>(self, work: impl FnOnce() -> R) -> R {
        work()
    }

    /// Writes the scores of `block`: see [`super::Kernel::scores`].
    pub(super) fn scores<T: Element>(self, block: &Block<T>, weights: &[f32], out: &mut [f32]) {
        // SAFETY: only `detect` makes a `self`, once it has found all that `scores` is compiled for.
        unsafe { scores(block, weights, out) }
    }

    /// Adds the gradient of `block`: see [`super::Kernel::add_gradient`].
    pub(super) fn add_gradient<T: Element>(self, block: &Block<T>, slopes: &[f32], gradient: &mut [f32]) {
        // SAFETY: only `detect` makes a `self`, once it has found all that `add_gradient` is compiled for.
        unsafe { add_gradient(block, slopes, gradient) }
    }
}

#[target_feature(enable = "neon")]
fn scores<T: Element>(block: &Block<T>, weights: &[f32], out: &mut [f32]) {
    for first in (0..block.classes).step_by(MOST_CLASSES) {
        // Few classes leave registers for more rows, which hide the latency of the multiply-adds.
        match block.classes - first {
            1 => score_classes::<T, 4, 1>(block, weights, first, out),
            2 => score_classes::<T, 4, 2>(block, weights, first, out),
            3 => score_classes::<T, 4, 3>(block, weights, first, out),
            4 => score_classes::<T, 4, 4>(block, weights, first, out),
            5 => score_classes::<T, 4, 5>(block, weights, first, out),
            6 => score_classes::<T, 2, 6>(block, weights, first, out),
            7 => score_classes::<T, 2, 7>(block, weights, first, out),
            8 => score_classes::<T, 2, 8>(block, weights, first, out),
            9 => score_classes::<T, 2, 9>(block, weights, first, out),
            _ => score_classes::<T, 2, MOST_CLASSES>(block, weights, first, out),
        }
    }
}

/// Scores of all rows for the C classes from `first`, R rows at a time.
#[target_feature(enable = "neon")]
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
    for start in (0..width.max(1)).step_by(PACKED_STEPS * STEP) {
        let chunk = start..width.min(start + PACKED_STEPS * STEP);
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

/// The weights of C classes at `features`, step after step.
#[target_feature(enable = "neon")]
#[inline]
fn pack<'a, const C: usize>(
    weights: &[f32],
    width: usize,
    features: Range<usize>,
    packed: &'a mut [MaybeUninit<Weights<C>>; PACKED_STEPS],
) -> &'a [Weights<C>] {
    let steps = features.len().div_ceil(STEP);
    for (packed, start) in packed[..steps].iter_mut().zip(features.clone().step_by(STEP)) {
        let end = features.end.min(start + STEP);
        let mut step = [[zero(); C]; STEP / LANES];
        for c in 0..C {
            let [low, high] = widen_part(&weights[c * width + start..c * width + end]);
            (step[0][c], step[1][c]) = (low, high);
        }
        packed.write(step);
    }
    // SAFETY: the loop has initialised the first `steps` elements: so many starts there are.
    unsafe { std::slice::from_raw_parts(packed.as_ptr().cast(), steps) }
}

/// The sums of products of R rows and C classes, lane by lane.
#[target_feature(enable = "neon")]
#[inline]
fn score_tile<T: Element, const R: usize, const C: usize>(
    x: [&[T]; R],
    weights: &[Weights<C>],
) -> [[float32x4_t; C]; R] {
    let x = super::in_chunks::<T, R, STEP>(x);
    let mut sums = [[zero(); C]; R];
    let (full, part) = weights.split_at(x[0].0.len());
    for (step, w) in full.iter().enumerate() {
        let mut wide = [zeros(); R];
        for (wide, (values, _)) in wide.iter_mut().zip(x) {
            *wide = widen(&values[step]);
        }
        multiply_add(&wide, w, &mut sums);
    }
    for w in part {
        let mut wide = [zeros(); R];
        for (wide, (_, values)) in wide.iter_mut().zip(x) {
            *wide = widen_part(values);
        }
        multiply_add(&wide, w, &mut sums);
    }
    sums
}

/// Adds the products of R rows and C classes at one step of features.
#[target_feature(enable = "neon")]
#[inline]
fn multiply_add<const R: usize, const C: usize>(
    x: &[Wide; R],
    w: &Weights<C>,
    sums: &mut [[float32x4_t; C]; R],
) {
    // Class by class: a weight is in a register for its rows only, which leaves room for the sums.
    for (half, w) in w.iter().enumerate() {
        for (c, &w) in w.iter().enumerate() {
            for (sums, x) in sums.iter_mut().zip(x) {
                sums[c] = vfmaq_f32(sums[c], x[half], w);
            }
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
    #[target_feature(enable = "neon")]
    #[inline]
    fn write<const R: usize, const C: usize>(&self, sums: [[float32x4_t; C]; R], out: &mut [f32]) {
        for (r, sums) in sums.iter().enumerate() {
            let at = r * self.classes + self.first;
            for (sums, out) in sums.chunks(LANES).zip(out[at..at + C].chunks_mut(LANES)) {
                let mut scores = lane_sums(sums);
                if self.add {
                    scores = vaddq_f32(load_part(out), scores);
                }
                store_part(scores, out);
            }
        }
    }
}

#[target_feature(enable = "neon")]
fn add_gradient<T: Element>(block: &Block<T>, slopes: &[f32], gradient: &mut [f32]) {
    block.for_each_strip(
        slopes,
        #[inline(always)]
        |strip| {
            for first in (0..block.classes).step_by(MOST_CLASSES) {
                match block.classes - first {
                    1 => gradient_classes::<T, 1, 2>(strip, first, gradient),
                    2 => gradient_classes::<T, 2, 2>(strip, first, gradient),
                    3 => gradient_classes::<T, 3, 2>(strip, first, gradient),
                    4 => gradient_classes::<T, 4, 2>(strip, first, gradient),
                    5 => gradient_classes::<T, 5, 2>(strip, first, gradient),
                    6 => gradient_classes::<T, 6, 1>(strip, first, gradient),
                    7 => gradient_classes::<T, 7, 1>(strip, first, gradient),
                    8 => gradient_classes::<T, 8, 1>(strip, first, gradient),
                    9 => gradient_classes::<T, 9, 1>(strip, first, gradient),
                    _ => gradient_classes::<T, MOST_CLASSES, 1>(strip, first, gradient),
                }
            }
        },
    );
}

/// Adds the gradient of the C classes from `first`, S steps of features at a time.
#[target_feature(enable = "neon")]
fn gradient_classes<T: Element, const C: usize, const S: usize>(
    strip: &Strip<'_, T>,
    first: usize,
    gradient: &mut [f32],
) {
    let tile = S * STEP;
    let width = strip.block.features.len();
    let gradient = &mut gradient[first * width..(first + C) * width];
    let mut next = if first == 0 { strip.next } else { &[] };
    for start in strip.features.clone().step_by(tile) {
        let mut part = [[[0.0; STEP]; S]; C];
        let rest = width - start;
        let (sums, stride) = if rest < tile {
            for (part, gradient) in part.iter_mut().zip(gradient.chunks_exact(width)) {
                part.as_flattened_mut()[..rest].copy_from_slice(&gradient[start..]);
            }
            (part.as_flattened_mut().as_flattened_mut(), tile)
        } else {
            (&mut gradient[start..], width)
        };
        if strip.is_in_place() {
            gradient_tile::<T, C, S>(strip, strip.in_x(start), next, first, sums, stride);
        } else {
            gradient_tile::<T, C, S>(strip, strip.copied(start), next, first, sums, stride);
        }
        if rest < tile {
            for (part, gradient) in part.iter().zip(gradient.chunks_exact_mut(width)) {
                gradient[start..].copy_from_slice(&part.as_flattened()[..rest]);
            }
        }
        next = &[];
    }
}

/// Adds the gradient of C classes at S steps of features: `x` has them row after row, `gradient` a class every `stride`
/// numbers.
#[target_feature(enable = "neon")]
#[inline]
fn gradient_tile<'x, T: Element + 'x, const C: usize, const S: usize>(
    strip: &Strip<'_, T>,
    x: impl Iterator<Item = &'x [[T; STEP]; S]>,
    next: &[u32],
    first: usize,
    gradient: &mut [f32],
    stride: usize,
) {
    let mut sums = [[zeros(); S]; C];
    for (c, sums) in sums.iter_mut().enumerate() {
        for (sum, old) in sums.iter_mut().zip(gradient[c * stride..c * stride + S * STEP].as_chunks().0) {
            *sum = widen(old);
        }
    }
    let mut next = next.iter();
    for (x, slopes) in x.zip(strip.slopes.chunks_exact(strip.block.classes)) {
        if let Some(&next) = next.next() {
            strip.prefetch(next);
        }
        let mut wide = [zeros(); S];
        for (wide, x) in wide.iter_mut().zip(x) {
            *wide = widen(x);
        }
        // A slope stays a lane of its register: to multiply by one lane takes no longer than by four.
        for (sums, &slope) in sums.iter_mut().zip(&slopes[first..first + C]) {
            for (sum, x) in sums.iter_mut().zip(&wide) {
                for (sum, &x) in sum.iter_mut().zip(x) {
                    *sum = vfmaq_n_f32(*sum, x, slope);
                }
            }
        }
    }
    for (c, sums) in sums.iter().enumerate() {
        for (&sum, new) in sums.iter().zip(gradient[c * stride..c * stride + S * STEP].as_chunks_mut().0) {
            store(sum, new);
        }
    }
}

/// The sums of the lanes of up to four accumulators; all are added by the same tree of lanes.
#[target_feature(enable = "neon")]
#[inline]
fn lane_sums(sums: &[float32x4_t]) -> float32x4_t {
    let mut all = [zero(); LANES];
    all[..sums.len()].copy_from_slice(sums);
    vpaddq_f32(vpaddq_f32(all[0], all[1]), vpaddq_f32(all[2], all[3]))
}

#[target_feature(enable = "neon")]
#[inline]
fn zero() -> float32x4_t {
    vdupq_n_f32(0.0)
}

#[target_feature(enable = "neon")]
#[inline]
fn zeros() -> Wide {
    [zero(); STEP / LANES]
}

/// A step of numbers of X as floats.
#[target_feature(enable = "neon")]
#[inline]
fn widen<T: Element>(values: &[T; STEP]) -> Wide {
    match T::array(values) {
        Kind::Bytes(bytes) => {
            // SAFETY: reads the eight bytes of the array; the load needs no alignment.
            let bytes = vmovl_u8(unsafe { vld1_u8(bytes.as_ptr()) });
            [vcvtq_f32_u32(vmovl_u16(vget_low_u16(bytes))), vcvtq_f32_u32(vmovl_high_u16(bytes))]
        }
        Kind::Floats(values) => {
            let (halves, _) = values.as_chunks();
            [load(&halves[0]), load(&halves[1])]
        }
    }
}

/// A step of numbers of X at most as floats, zeros behind them.
#[target_feature(enable = "neon")]
#[inline]
fn widen_part<T: Element>(values: &[T]) -> Wide {
    if let Some(values) = values.first_chunk() {
        return widen(values);
    }
    match T::slice(values) {
        Kind::Bytes(bytes) => {
            let mut lanes = [0; STEP];
            lanes[..bytes.len()].copy_from_slice(bytes);
            widen(&lanes)
        }
        Kind::Floats(values) => {
            let mut lanes = [0.0; STEP];
            lanes[..values.len()].copy_from_slice(values);
            widen(&lanes)
        }
    }
}

#[target_feature(enable = "neon")]
#[inline]
fn load(values: &[f32; LANES]) -> float32x4_t {
    // SAFETY: reads the four values of the array; the load needs no alignment.
    unsafe { vld1q_f32(values.as_ptr()) }
}

/// Up to four values, zeros behind them.
#[target_feature(enable = "neon")]
#[inline]
fn load_part(values: &[f32]) -> float32x4_t {
    let mut lanes = [0.0; LANES];
    lanes[..values.len()].copy_from_slice(values);
    load(&lanes)
}

#[target_feature(enable = "neon")]
#[inline]
fn store(step: Wide, values: &mut [f32; STEP]) {
    for (register, values) in step.into_iter().zip(values.as_chunks_mut::<LANES>().0) {
        // SAFETY: writes the four values of the array; the store needs no alignment.
        unsafe { vst1q_f32(values.as_mut_ptr(), register) }
    }
}

/// The first lanes of `register`, as many as `values` holds.
#[target_feature(enable = "neon")]
#[inline]
fn store_part(register: float32x4_t, values: &mut [f32]) {
    let mut lanes = [0.0; LANES];
    // SAFETY: writes the four values of the array; the store needs no alignment.
    unsafe { vst1q_f32(lanes.as_mut_ptr(), register) }
    values.copy_from_slice(&lanes[..values.len()]);
}
