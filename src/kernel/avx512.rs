//! Products on AVX-512: sixteen features a register, and tiles that keep the multipliers busy.
//!
//! Both products are bound by multiply-adds as long as each loaded value meets many others, so the
//! sums of a tile of outputs live in registers: 2 rows x 10 classes forward, 10 classes x 32
//! features backward, 20 of the 32 registers. All ten classes of CIFAR-10 in one tile mean that a
//! byte is widened to `f32` once a product, which costs two instructions beside its ten
//! multiply-adds (a float of X is loaded as it is). Other numbers of classes run as tiles of ten and one narrower tile.
//!
//! The order of every sum is fixed by the shapes alone. A score is summed in chunks of features, of
//! each chunk in sixteen lanes added by one tree; a gradient element sums its rows as listed. So
//! neither depends on the tile an output falls into, nor on the other rows of the batch.

use super::{Block, Element, Kind};
use std::arch::x86_64::{
    __m512, __mmask16, _mm_loadu_si128, _mm_maskz_loadu_epi8, _mm512_add_ps, _mm512_cvtepi32_ps,
    _mm512_cvtepu8_epi32, _mm512_fmadd_ps, _mm512_loadu_ps, _mm512_mask_storeu_ps, _mm512_maskz_loadu_ps,
    _mm512_set1_ps, _mm512_setzero_ps, _mm512_shuffle_f32x4, _mm512_shuffle_ps, _mm512_storeu_ps,
};
use std::mem::MaybeUninit;
use std::ops::Range;

/// Floats in a register.
const LANES: usize = 16;

/// The most classes of a tile.
const MOST_CLASSES: usize = 10;

/// Steps of [`LANES`] features whose weights are packed at a time: 20 KB for ten classes, which
/// leaves room in the L1 cache for the rows.
const PACKED_STEPS: usize = 32;

/// The products on AVX-512. A value is the proof that this processor has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Avx512(());

#[expect(clippy::unused_self, reason = "a value is a proof")]
impl Avx512 {
    /// The kernel, where the processor and the operating system support it.
    pub fn detect() -> Option<Self> {
        let supported = is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512bw")
            && is_x86_feature_detected!("avx512vl");
        supported.then_some(Self(()))
    }

    /// Runs `work`: see [`super::Kernel::dispatch`].
    pub(super) fn dispatch<R>(self, work: impl FnOnce() -> R) -> R {
        #[target_feature(enable = "avx512f,avx512bw,avx512vl")]
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

#[target_feature(enable = "avx512f,avx512bw,avx512vl")]
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
#[target_feature(enable = "avx512f,avx512bw,avx512vl")]
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
#[target_feature(enable = "avx512f,avx512bw,avx512vl")]
#[inline]
fn pack<'a, const C: usize>(
    weights: &[f32],
    width: usize,
    features: Range<usize>,
    packed: &'a mut [MaybeUninit<[__m512; C]>; PACKED_STEPS],
) -> &'a [[__m512; C]] {
    let steps = features.len().div_ceil(LANES);
    for (packed, start) in packed[..steps].iter_mut().zip(features.clone().step_by(LANES)) {
        let end = features.end.min(start + LANES);
        let mut step = [_mm512_setzero_ps(); C];
        for (c, w) in step.iter_mut().enumerate() {
            *w = load_part(&weights[c * width + start..c * width + end]);
        }
        packed.write(step);
    }
    // SAFETY: the loop has initialised the first `steps` elements: so many starts there are.
    unsafe { std::slice::from_raw_parts(packed.as_ptr().cast(), steps) }
}

/// The sums of products of R rows and C classes, lane by lane.
#[target_feature(enable = "avx512f,avx512bw,avx512vl")]
#[inline]
fn score_tile<T: Element, const R: usize, const C: usize>(
    x: [&[T]; R],
    weights: &[[__m512; C]],
) -> [[__m512; C]; R] {
    let x = super::in_chunks::<T, R, LANES>(x);
    let mut sums = [[_mm512_setzero_ps(); C]; R];
    let (full, part) = weights.split_at(x[0].0.len());
    for (step, w) in full.iter().enumerate() {
        let mut wide = [_mm512_setzero_ps(); R];
        for (wide, (values, _)) in wide.iter_mut().zip(x) {
            *wide = widen(&values[step]);
        }
        multiply_add(&wide, w, &mut sums);
    }
    for w in part {
        let mut wide = [_mm512_setzero_ps(); R];
        for (wide, (_, values)) in wide.iter_mut().zip(x) {
            *wide = widen_part(values);
        }
        multiply_add(&wide, w, &mut sums);
    }
    sums
}

/// Adds the products of R rows and C classes at one step of features.
#[target_feature(enable = "avx512f")]
#[inline]
fn multiply_add<const R: usize, const C: usize>(
    x: &[__m512; R],
    w: &[__m512; C],
    sums: &mut [[__m512; C]; R],
) {
    for (sums, &x) in sums.iter_mut().zip(x) {
        for (sum, &w) in sums.iter_mut().zip(w) {
            *sum = _mm512_fmadd_ps(x, w, *sum);
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
    #[target_feature(enable = "avx512f,avx512bw,avx512vl")]
    #[inline]
    fn write<const R: usize, const C: usize>(&self, sums: [[__m512; C]; R], out: &mut [f32]) {
        for (r, sums) in sums.iter().enumerate() {
            let at = r * self.classes + self.first;
            let out = &mut out[at..at + C];
            let mut scores = lane_sums(sums);
            if self.add {
                scores = _mm512_add_ps(load_part(out), scores);
            }
            store_part(scores, out);
        }
    }
}

#[target_feature(enable = "avx512f,avx512bw,avx512vl")]
fn add_gradient<T: Element>(block: &Block<T>, slopes: &[f32], gradient: &mut [f32]) {
    for first in (0..block.classes).step_by(MOST_CLASSES) {
        match block.classes - first {
            1 => gradient_classes::<T, 1>(block, slopes, first, gradient),
            2 => gradient_classes::<T, 2>(block, slopes, first, gradient),
            3 => gradient_classes::<T, 3>(block, slopes, first, gradient),
            4 => gradient_classes::<T, 4>(block, slopes, first, gradient),
            5 => gradient_classes::<T, 5>(block, slopes, first, gradient),
            6 => gradient_classes::<T, 6>(block, slopes, first, gradient),
            7 => gradient_classes::<T, 7>(block, slopes, first, gradient),
            8 => gradient_classes::<T, 8>(block, slopes, first, gradient),
            9 => gradient_classes::<T, 9>(block, slopes, first, gradient),
            _ => gradient_classes::<T, MOST_CLASSES>(block, slopes, first, gradient),
        }
    }
}

/// Adds the gradient of the C classes from `first`, two registers of features at a time.
#[target_feature(enable = "avx512f,avx512bw,avx512vl")]
fn gradient_classes<T: Element, const C: usize>(
    block: &Block<T>,
    slopes: &[f32],
    first: usize,
    gradient: &mut [f32],
) {
    let width = block.features.len();
    let gradient = &mut gradient[first * width..(first + C) * width];
    let mut start = 0;
    while start + 2 * LANES <= width {
        gradient_tile::<T, C, 2>(block, slopes, first, start, gradient);
        start += 2 * LANES;
    }
    if start + LANES <= width {
        gradient_tile::<T, C, 1>(block, slopes, first, start, gradient);
        start += LANES;
    }
    if start < width {
        gradient_tail::<T, C>(block, slopes, first, start, gradient);
    }
}

/// Adds the gradient of C classes x V registers of features, from `start` of the panel on.
#[target_feature(enable = "avx512f,avx512bw,avx512vl")]
#[inline]
fn gradient_tile<T: Element, const C: usize, const V: usize>(
    block: &Block<T>,
    slopes: &[f32],
    first: usize,
    start: usize,
    gradient: &mut [f32],
) {
    let width = block.features.len();
    let column = block.features.start + start;
    let features = column..column + V * LANES;

    let mut sums = [[_mm512_setzero_ps(); V]; C];
    for (c, sums) in sums.iter_mut().enumerate() {
        let at = c * width + start;
        for (sum, old) in sums.iter_mut().zip(gradient[at..at + V * LANES].as_chunks().0) {
            *sum = load(old);
        }
    }
    let mut next = block.next_at(start).iter();
    for (&row, slopes) in block.rows.iter().zip(slopes.chunks_exact(block.classes)) {
        if let Some(&next) = next.next() {
            block.prefetch(next, column);
        }
        let mut wide = [_mm512_setzero_ps(); V];
        for (wide, x) in wide.iter_mut().zip(block.x.segment(row, &features).as_chunks().0) {
            *wide = widen(x);
        }
        for (sums, &slope) in sums.iter_mut().zip(&slopes[first..first + C]) {
            let slope = _mm512_set1_ps(slope);
            for (sum, x) in sums.iter_mut().zip(wide) {
                *sum = _mm512_fmadd_ps(slope, x, *sum);
            }
        }
    }
    for (c, sums) in sums.iter().enumerate() {
        let at = c * width + start;
        for (&sum, new) in sums.iter().zip(gradient[at..at + V * LANES].as_chunks_mut().0) {
            store(sum, new);
        }
    }
}

/// Adds the gradient of C classes at the last features of the panel, fewer than a register.
#[target_feature(enable = "avx512f,avx512bw,avx512vl")]
fn gradient_tail<T: Element, const C: usize>(
    block: &Block<T>,
    slopes: &[f32],
    first: usize,
    start: usize,
    gradient: &mut [f32],
) {
    let width = block.features.len();
    let features = block.features.start + start..block.features.end;

    let mut sums = [_mm512_setzero_ps(); C];
    for (c, sum) in sums.iter_mut().enumerate() {
        *sum = load_part(&gradient[c * width + start..(c + 1) * width]);
    }
    for (&row, slopes) in block.rows.iter().zip(slopes.chunks_exact(block.classes)) {
        let wide = widen_part(block.x.segment(row, &features));
        for (sum, &slope) in sums.iter_mut().zip(&slopes[first..first + C]) {
            *sum = _mm512_fmadd_ps(_mm512_set1_ps(slope), wide, *sum);
        }
    }
    for (c, &sum) in sums.iter().enumerate() {
        store_part(sum, &mut gradient[c * width + start..(c + 1) * width]);
    }
}

/// The sums of the lanes of C accumulators, in lanes 0..C.
///
/// Transposes while it adds: each step halves the registers rather than one register's lanes, so
/// ten sums cost eleven additions. All accumulators are added by the same tree of lanes.
#[target_feature(enable = "avx512f")]
#[inline]
fn lane_sums<const C: usize>(sums: &[__m512; C]) -> __m512 {
    const { assert!(C <= LANES) }
    let mut all = [_mm512_setzero_ps(); LANES];
    all[..C].copy_from_slice(sums);

    // In each quarter of register m: the sums of that quarter of accumulators 4m to 4m + 3.
    let mut quads = [_mm512_setzero_ps(); 4];
    for (quad, four) in quads.iter_mut().zip(all.as_chunks::<4>().0) {
        *quad = add_pairs(add_pairs(four[0], four[1]), add_pairs(four[2], four[3]));
    }
    add_quarters(add_quarters(quads[0], quads[1]), add_quarters(quads[2], quads[3]))
}

/// Within each quarter, `(a0 + a1, a2 + a3, b0 + b1, b2 + b3)`.
#[target_feature(enable = "avx512f")]
#[inline]
fn add_pairs(a: __m512, b: __m512) -> __m512 {
    let even = _mm512_shuffle_ps::<0b10_00_10_00>(a, b);
    let odd = _mm512_shuffle_ps::<0b11_01_11_01>(a, b);
    _mm512_add_ps(even, odd)
}

/// The quarters `(a0 + a1, a2 + a3, b0 + b1, b2 + b3)`.
#[target_feature(enable = "avx512f")]
#[inline]
fn add_quarters(a: __m512, b: __m512) -> __m512 {
    let even = _mm512_shuffle_f32x4::<0b10_00_10_00>(a, b);
    let odd = _mm512_shuffle_f32x4::<0b11_01_11_01>(a, b);
    _mm512_add_ps(even, odd)
}

/// Sixteen numbers of X as floats.
#[target_feature(enable = "avx512f")]
#[inline]
fn widen<T: Element>(values: &[T; LANES]) -> __m512 {
    match T::array(values) {
        Kind::Bytes(bytes) => {
            // SAFETY: reads the sixteen bytes of the array; the load needs no alignment.
            let bytes = unsafe { _mm_loadu_si128(bytes.as_ptr().cast()) };
            _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(bytes))
        }
        Kind::Floats(values) => load(values),
    }
}

/// Up to sixteen numbers of X as floats, zeros behind them.
#[target_feature(enable = "avx512f,avx512bw,avx512vl")]
#[inline]
fn widen_part<T: Element>(values: &[T]) -> __m512 {
    match T::slice(values) {
        Kind::Bytes(bytes) => {
            // SAFETY: the mask has no bit beyond the bytes of the slice, and no other byte is read.
            let bytes = unsafe { _mm_maskz_loadu_epi8(mask(bytes.len()), bytes.as_ptr().cast()) };
            _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(bytes))
        }
        Kind::Floats(values) => load_part(values),
    }
}

#[target_feature(enable = "avx512f")]
#[inline]
fn load(values: &[f32; LANES]) -> __m512 {
    // SAFETY: reads the sixteen values of the array; the load needs no alignment.
    unsafe { _mm512_loadu_ps(values.as_ptr()) }
}

/// Up to sixteen values, zeros behind them.
#[target_feature(enable = "avx512f")]
#[inline]
pub(super) fn load_part(values: &[f32]) -> __m512 {
    // SAFETY: the mask has no bit beyond the values of the slice, and no other value is read.
    unsafe { _mm512_maskz_loadu_ps(mask(values.len()), values.as_ptr()) }
}

#[target_feature(enable = "avx512f")]
#[inline]
fn store(register: __m512, values: &mut [f32; LANES]) {
    // SAFETY: writes the sixteen values of the array; the store needs no alignment.
    unsafe { _mm512_storeu_ps(values.as_mut_ptr(), register) }
}

/// The first lanes of `register`, as many as `values` holds.
#[target_feature(enable = "avx512f")]
#[inline]
fn store_part(register: __m512, values: &mut [f32]) {
    // SAFETY: the mask has no bit beyond the values of the slice, and no other value is written.
    unsafe { _mm512_mask_storeu_ps(values.as_mut_ptr(), mask(values.len()), register) }
}

/// A bit for each of the first `len` lanes; for all sixteen when `len` is more.
#[inline]
pub(super) fn mask(len: usize) -> __mmask16 {
    if len < LANES { (1 << len) - 1 } else { __mmask16::MAX }
}
