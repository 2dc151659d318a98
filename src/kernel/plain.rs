//! Portable products: the reference for the fast paths, and the path of processors without them.

use super::ByteRows;
use std::ops::Range;

pub fn scores(
    x: ByteRows<'_>,
    rows: &[u32],
    features: Range<usize>,
    weights: &[f32],
    classes: usize,
    out: &mut [f32],
) {
    let width = features.len();
    let mut row = vec![0.0_f32; width];
    for (&i, scores) in rows.iter().zip(out.chunks_exact_mut(classes)) {
        for (wide, &byte) in row.iter_mut().zip(x.segment(i, &features)) {
            *wide = f32::from(byte);
        }
        for (score, w) in scores.iter_mut().zip(weights.chunks_exact(width.max(1))) {
            *score = dot(w, &row);
        }
    }
}

pub fn gradient(
    x: ByteRows<'_>,
    rows: &[u32],
    features: Range<usize>,
    slopes: &[f32],
    classes: usize,
    gradient: &mut [f32],
) {
    let width = features.len();
    let mut row = vec![0.0_f32; width];
    for (&i, slopes) in rows.iter().zip(slopes.chunks_exact(classes)) {
        for (wide, &byte) in row.iter_mut().zip(x.segment(i, &features)) {
            *wide = f32::from(byte);
        }
        for (&slope, g) in slopes.iter().zip(gradient.chunks_exact_mut(width.max(1))) {
            // A hinge that is satisfied has slope 0: most of them, late in training.
            if slope != 0.0 {
                g.iter_mut().zip(&row).for_each(|(g, x)| *g += slope * x);
            }
        }
    }
}

/// Sum of products over sixteen interleaved partial sums, which the compiler can vectorise.
fn dot(a: &[f32], b: &[f32]) -> f32 {
    const LANES: usize = 16;
    let mut sums = [0.0_f32; LANES];
    let (a_lanes, a_tail) = a.as_chunks::<LANES>();
    let (b_lanes, b_tail) = b.as_chunks::<LANES>();
    for (a, b) in a_lanes.iter().zip(b_lanes) {
        for lane in 0..LANES {
            sums[lane] += a[lane] * b[lane];
        }
    }
    let tail: f32 = a_tail.iter().zip(b_tail).map(|(a, b)| a * b).sum();
    sums.iter().sum::<f32>() + tail
}
