//! Portable products: the reference for the fast paths, and the path of processors without them.

use super::{Block, Element};

pub fn scores<T: Element>(block: &Block<T>, weights: &[f32], out: &mut [f32]) {
    let width = block.features.len();
    let mut row = vec![0.0_f32; width];
    for (&i, scores) in block.rows.iter().zip(out.chunks_exact_mut(block.classes)) {
        for (wide, &value) in row.iter_mut().zip(block.x.segment(i, &block.features)) {
            *wide = value.into();
        }
        for (k, score) in scores.iter_mut().enumerate() {
            *score = dot(&weights[k * width..(k + 1) * width], &row);
        }
    }
}

pub fn add_gradient<T: Element>(block: &Block<T>, slopes: &[f32], gradient: &mut [f32]) {
    let width = block.features.len();
    let mut row = vec![0.0_f32; width];
    for (&i, slopes) in block.rows.iter().zip(slopes.chunks_exact(block.classes)) {
        for (wide, &value) in row.iter_mut().zip(block.x.segment(i, &block.features)) {
            *wide = value.into();
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
