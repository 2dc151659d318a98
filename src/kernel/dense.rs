//! The two products over floats that lie together, by a GEMM library: for many classes, where both sides of a product
//! are wide. Each call runs on its own thread.

use super::Matrix;
use faer::linalg::matmul::matmul;
use faer::{Accum, MatMut, MatRef, Par};
use std::ops::Range;

impl Matrix<'_> {
    /// Copies the listed `rows` as floats, one after the other, to `out` (B, D).
    ///
    /// # Panics
    /// When a row lies outside X, or `out` has another length.
    pub fn gather(&self, rows: &[u32], out: &mut [f32]) {
        let width = self.width();
        assert_eq!(out.len(), rows.len() * width, "a batch is B x D");
        for (out, &row) in out.chunks_exact_mut(width.max(1)).zip(rows) {
            match self {
                Self::Bytes(x) => out.iter_mut().zip(x.row(row)).for_each(|(to, &byte)| *to = byte.into()),
                Self::Floats(x) => out.copy_from_slice(x.row(row)),
            }
        }
    }
}

/// `out[i C + c] += sum over f of weights[c F + f] x[i D + features.start + f]`, with `x` (B, D), `weights` (C, F) and
/// `out` (B, C), all row-major; F is the number of `features`. Without `add`, `out` is overwritten.
///
/// # Panics
/// When a length does not match.
pub fn dense_scores(
    x: &[f32],
    width: usize,
    features: &Range<usize>,
    weights: &[f32],
    add: bool,
    out: &mut [f32],
) {
    let (rows, classes) = (x.len() / width, weights.len() / features.len());
    let x = MatRef::from_row_major_slice(x, rows, width).subcols(features.start, features.len());
    let weights = MatRef::from_row_major_slice(weights, classes, features.len());
    let out = MatMut::from_row_major_slice_mut(out, rows, classes);
    matmul(out, accumulate(add), x, weights.transpose(), 1.0, Par::Seq);
}

/// `gradient[k F + f] += sum over i of slopes[i K + k] x[i D + features.start + f]`, with `slopes` (B, K), `x` (B, D) and
/// `gradient` (K, F), all row-major; K is `classes`, F the number of `features`. Without `add`, `gradient` is overwritten.
///
/// # Panics
/// When a length does not match.
pub fn dense_gradient(
    (x, width, features): (&[f32], usize, &Range<usize>),
    slopes: &[f32],
    classes: usize,
    add: bool,
    gradient: &mut [f32],
) {
    let rows = x.len() / width;
    let x = MatRef::from_row_major_slice(x, rows, width).subcols(features.start, features.len());
    let slopes = MatRef::from_row_major_slice(slopes, rows, classes);
    let gradient = MatMut::from_row_major_slice_mut(gradient, classes, features.len());
    matmul(gradient, accumulate(add), slopes.transpose(), x, 1.0, Par::Seq);
}

fn accumulate(add: bool) -> Accum {
    if add { Accum::Add } else { Accum::Replace }
}
