//! The two products in f64, over rows that are widened already: for certificates, where f32 sums would say too much.
//!
//! One portable text, compiled again for each instruction set: multiplications and additions stay apart and their
//! order is fixed, so every processor and every compilation gives the same bits. Widths are multiples of [`LANES`];
//! callers fill up with zeros.

#![expect(clippy::inline_always, reason = "a body must be compiled with the features of its caller")]

use super::{Kernel, Matrix, Table};
use std::array;

/// Interleaved sums: a register of AVX-512, two of AVX2.
pub const LANES: usize = 8;
/// Rows of a tile of scores.
const ROWS: usize = 4;
/// Classes of a tile of scores; with four rows, eight registers of sums.
const CLASSES: usize = 2;
/// Classes of a tile of gradients.
const MANY_CLASSES: usize = 10;

/// Compiles a body for every kernel, and calls the one of `$kernel`.
macro_rules! for_kernel {
    ($kernel:expr, $body:ident($($name:ident: $type:ty),*)) => {{
        #[cfg(target_arch = "x86_64")]
        #[target_feature(enable = "avx512f")]
        fn avx512($($name: $type),*) {
            $body($($name),*);
        }
        #[cfg(target_arch = "x86_64")]
        #[target_feature(enable = "avx2")]
        fn avx2($($name: $type),*) {
            $body($($name),*);
        }
        match $kernel {
            Kernel::Plain => $body($($name),*),
            #[cfg(target_arch = "aarch64")]
            // Everything is compiled for NEON.
            Kernel::Neon(_) => $body($($name),*),
            #[cfg(target_arch = "x86_64")]
            // SAFETY: the variant holds the proof that this processor has AVX-512.
            Kernel::Avx512(_) => unsafe { avx512($($name),*) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: the variant holds the proof that this processor has AVX2.
            Kernel::Avx2(_) => unsafe { avx2($($name),*) },
        }
    }};
}

impl Kernel {
    /// The listed `rows` of `x`, less `mean` (D), as f64; each filled up with zeros to `width`.
    ///
    /// # Panics
    /// When a row lies outside X, or `width` is below its width.
    pub fn widen(self, x: Matrix<'_>, mean: &[f32], rows: &[u32], width: usize, wide: &mut Vec<f64>) {
        wide.resize(rows.len() * width, 0.0);
        match x {
            Matrix::Bytes(x) => {
                for_kernel!(self, widen(x: Table<'_, u8>, mean: &[f32], rows: &[u32], width: usize, wide: &mut [f64]));
            }
            Matrix::Floats(x) => {
                for_kernel!(self, widen(x: Table<'_, f32>, mean: &[f32], rows: &[u32], width: usize, wide: &mut [f64]));
            }
        }
    }

    /// `out[i K + k] += sum over f of weights[k F + f] x[i F + f]`; `x` (B, F), `weights` (K, F), `out` (B, K).
    ///
    /// # Panics
    /// When F is no multiple of [`LANES`], or a length does not match.
    pub fn add_scores_f64(self, x: &[f64], weights: &[f64], classes: usize, out: &mut [f64]) {
        let width = check(x, weights, out, classes);
        for_kernel!(self, scores(x: &[f64], weights: &[f64], width: usize, classes: usize, out: &mut [f64]));
    }

    /// `gradient[k F + f] += sum over i of slopes[i K + k] x[i F + f]`; `x` (B, F), `slopes` (B, K), `gradient` (K, F).
    ///
    /// # Panics
    /// As [`Kernel::add_scores_f64`].
    pub fn add_gradient_f64(self, x: &[f64], slopes: &[f64], classes: usize, gradient: &mut [f64]) {
        let width = check(x, gradient, slopes, classes);
        for_kernel!(self, add_gradient(x: &[f64], slopes: &[f64], width: usize, classes: usize, gradient: &mut [f64]));
    }
}

/// F, checked.
fn check(x: &[f64], matrix: &[f64], batch: &[f64], classes: usize) -> usize {
    assert!(classes > 0, "no classes");
    let width = matrix.len() / classes;
    assert!(width.is_multiple_of(LANES) && width > 0, "a width of {width}");
    assert_eq!(matrix.len(), classes * width, "a matrix is K x F");
    let rows = x.len() / width;
    assert_eq!((x.len(), batch.len()), (rows * width, rows * classes), "a batch has B rows");
    width
}

#[inline(always)]
fn widen<T: Copy + Into<f64>>(x: Table<'_, T>, mean: &[f32], rows: &[u32], width: usize, wide: &mut [f64]) {
    for (wide, &row) in wide.chunks_exact_mut(width).zip(rows) {
        let (wide, rest) = wide.split_at_mut(x.width);
        for ((to, &value), &mean) in wide.iter_mut().zip(x.row(row)).zip(mean) {
            *to = value.into() - f64::from(mean);
        }
        rest.fill(0.0);
    }
}

#[inline(always)]
fn scores(x: &[f64], weights: &[f64], width: usize, classes: usize, out: &mut [f64]) {
    for (x, out) in x.chunks(ROWS * width).zip(out.chunks_mut(ROWS * classes)) {
        if x.len() == ROWS * width {
            score_rows::<ROWS>(x, weights, width, classes, out);
        } else {
            for (x, out) in x.chunks_exact(width).zip(out.chunks_exact_mut(classes)) {
                score_rows::<1>(x, weights, width, classes, out);
            }
        }
    }
}

#[inline(always)]
fn score_rows<const R: usize>(x: &[f64], weights: &[f64], width: usize, classes: usize, out: &mut [f64]) {
    for (group, weights) in weights.chunks(CLASSES * width).enumerate() {
        let first = group * CLASSES;
        if weights.len() == CLASSES * width {
            score_tile::<R, CLASSES>(x, weights, width, classes, first, out);
        } else {
            score_tile::<R, 1>(x, weights, width, classes, first, out);
        }
    }
}

#[inline(always)]
fn score_tile<const R: usize, const C: usize>(
    x: &[f64],
    weights: &[f64],
    width: usize,
    classes: usize,
    first: usize,
    out: &mut [f64],
) {
    let steps = width / LANES;
    let x: [&[[f64; LANES]]; R] = array::from_fn(|r| &x[r * width..][..width].as_chunks().0[..steps]);
    let w: [&[[f64; LANES]]; C] = array::from_fn(|c| &weights[c * width..][..width].as_chunks().0[..steps]);
    let mut sums = [[[0.0; LANES]; C]; R];
    for step in 0..steps {
        for (sums, x) in sums.iter_mut().zip(&x) {
            for (sum, w) in sums.iter_mut().zip(&w) {
                for lane in 0..LANES {
                    sum[lane] += w[step][lane] * x[step][lane];
                }
            }
        }
    }
    for (row, sums) in sums.iter().enumerate() {
        for (class, sum) in sums.iter().enumerate() {
            out[row * classes + first + class] += total(sum);
        }
    }
}

/// The sum of a register's lanes. Never inlined: seen together with the loop that fills the lanes, LLVM takes them apart
/// into pairs, five times slower.
#[inline(never)]
fn total(lanes: &[f64; LANES]) -> f64 {
    lanes.iter().sum()
}

#[inline(always)]
fn add_gradient(x: &[f64], slopes: &[f64], width: usize, classes: usize, gradient: &mut [f64]) {
    let mut first = 0;
    while first < classes {
        let gradient = &mut gradient[first * width..];
        match classes - first {
            MANY_CLASSES.. => gradient_classes::<MANY_CLASSES>(x, slopes, width, classes, first, gradient),
            4.. => gradient_classes::<4>(x, slopes, width, classes, first, gradient),
            _ => gradient_classes::<1>(x, slopes, width, classes, first, gradient),
        }
        first += match classes - first {
            MANY_CLASSES.. => MANY_CLASSES,
            4.. => 4,
            _ => 1,
        };
    }
}

#[inline(always)]
fn gradient_classes<const C: usize>(
    x: &[f64],
    slopes: &[f64],
    width: usize,
    classes: usize,
    first: usize,
    gradient: &mut [f64],
) {
    for start in (0..width).step_by(LANES) {
        let mut sums = [[0.0; LANES]; C];
        for (c, sum) in sums.iter_mut().enumerate() {
            sum.copy_from_slice(&gradient[c * width + start..][..LANES]);
        }
        for (x, slopes) in x.chunks_exact(width).zip(slopes.chunks_exact(classes)) {
            // Arrays, whose lengths the compiler knows, keep the sums in registers.
            let x: [f64; LANES] = array::from_fn(|lane| x[start..][..LANES][lane]);
            let slopes: [f64; C] = array::from_fn(|c| slopes[first..][..C][c]);
            for c in 0..C {
                for lane in 0..LANES {
                    sums[c][lane] += slopes[c] * x[lane];
                }
            }
        }
        for (c, sum) in sums.iter().enumerate() {
            gradient[c * width + start..][..LANES].copy_from_slice(sum);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers that f64 sums exactly in any order.
    fn whole(index: usize) -> f64 {
        (index.wrapping_mul(0x9E37_79B9) >> 7 & 1023) as f64 - 500.0
    }

    #[test]
    fn equal_plain_sums() {
        for (rows, width, classes) in [(1, 8, 1), (4, 16, 2), (7, 24, 3), (9, 40, 10), (5, 8, 13)] {
            let x: Vec<f64> = (0..rows * width).map(whole).collect();
            let weights: Vec<f64> = (0..classes * width).map(|i| whole(i + 77)).collect();
            for kernel in Kernel::available() {
                let mut out = vec![1.0; rows * classes];
                kernel.add_scores_f64(&x, &weights, classes, &mut out);
                for (i, out) in out.chunks(classes).enumerate() {
                    for (k, &score) in out.iter().enumerate() {
                        let terms = (0..width).map(|f| x[i * width + f] * weights[k * width + f]);
                        assert_eq!(score, 1.0 + terms.sum::<f64>(), "{}", kernel.name());
                    }
                }
                let mut gradient = vec![2.0; classes * width];
                kernel.add_gradient_f64(&x, &out, classes, &mut gradient);
                for (k, gradient) in gradient.chunks(width).enumerate() {
                    for (f, &g) in gradient.iter().enumerate() {
                        let terms = (0..rows).map(|i| out[i * classes + k] * x[i * width + f]);
                        assert_eq!(g, 2.0 + terms.sum::<f64>(), "{}", kernel.name());
                    }
                }
            }
        }
    }

    #[test]
    fn every_kernel_gives_the_same_bits() {
        let x: Vec<f64> = (0..9 * 72).map(|i| whole(i) / 7.0).collect();
        let weights: Vec<f64> = (0..7 * 72).map(|i| whole(i + 5) / 3.0).collect();
        let run = |kernel: Kernel| {
            let (mut out, mut gradient) = (vec![0.1; 9 * 7], weights.clone());
            kernel.add_scores_f64(&x, &weights, 7, &mut out);
            kernel.add_gradient_f64(&x, &out, 7, &mut gradient);
            (out, gradient)
        };
        assert!(Kernel::available().into_iter().all(|kernel| run(kernel) == run(Kernel::Plain)));
    }

    #[test]
    fn rows_are_filled_up_with_zeros() {
        let mut wide = Vec::new();
        for kernel in Kernel::available() {
            let bytes = Matrix::Bytes(Table { values: &[1, 2, 3, 4, 5, 255], width: 3 });
            let floats = Matrix::Floats(Table { values: &[1.0, 2.0, 3.0, 4.0, 5.0, 255.0], width: 3 });
            for x in [bytes, floats] {
                kernel.widen(x, &[0.0, 0.0, 0.5], &[1, 0], 4, &mut wide);
                assert_eq!(wide, [4.0, 5.0, 254.5, 0.0, 1.0, 2.0, 2.5, 0.0], "{}", kernel.name());
            }
        }
    }
}
