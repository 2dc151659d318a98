//! A^T X over a panel as the kernels sum it, and how it becomes a gradient.

use super::LinearProblem;
use crate::data::Features;
use crate::kernel::{FixedWeights, LARGEST_SLOPE, Matrix, Rows, STRIP, WholeSums};
use crate::objective::Loss;
use std::ops::Range;

/// Rows whose slopes lie together, as bytes.
const QUAD: usize = 4;
/// How far the factors of preprocessing may lie apart for weights in fixed point: these have the precision of their
/// panel's largest, and factors that differ much would make that a poor one.
const SPREAD: f32 = 16.0;

/// A^T X over a panel, of rows so far.
#[derive(Clone, Debug)]
pub(super) enum Sums {
    /// (K, F).
    Floats(Vec<f32>),
    /// Of slopes that are whole numbers, exact.
    Whole(WholeSums),
}

impl Default for Sums {
    fn default() -> Self {
        Self::Floats(Vec::new())
    }
}

/// A block's slopes, as the kernels take them.
#[derive(Default)]
pub(super) struct Batch {
    /// Scores, then slopes A, (B, K).
    pub slopes: Vec<f32>,
    /// Whether A is whole numbers, and summed so.
    pub whole: bool,
    /// A as bytes, if it is.
    packed: Vec<[i8; QUAD]>,
}

impl Batch {
    pub fn new(whole: bool) -> Self {
        Self { whole, ..Self::default() }
    }
}

impl Sums {
    /// Zeros for `len` weights of `classes` classes, in the place of what was there.
    pub fn clear(&mut self, whole: bool, len: usize, classes: usize) {
        match &mut *self {
            Self::Whole(sums) if whole => sums.clear(),
            _ if whole => *self = Self::Whole(WholeSums::new(classes, len / classes)),
            _ => self.floats(len).fill(0.0),
        }
    }

    /// So many floats, whatever they are.
    pub fn floats(&mut self, len: usize) -> &mut Vec<f32> {
        if !matches!(self, Self::Floats(_)) {
            *self = Self::default();
        }
        let Self::Floats(sums) = self else { unreachable!("just made so") };
        sums.resize(len, 0.0);
        sums
    }

    /// Adds A^T X of a block.
    pub fn add(
        &mut self,
        problem: &LinearProblem<'_>,
        block: Rows<'_>,
        features: Range<usize>,
        batch: &Batch,
    ) {
        let (kernel, classes) = (problem.compute.kernel, problem.classes);
        match (self, problem.examples.rows()) {
            (Self::Whole(sums), Matrix::Bytes(x)) => {
                kernel.add_whole_gradient(x, block, features, &batch.packed, sums);
            }
            (Self::Whole(_), Matrix::Floats(_)) => unreachable!("only bytes are summed whole"),
            (Self::Floats(sums), x) => {
                kernel.add_gradient(x, block, features, &batch.slopes, classes, sums);
            }
        }
    }

    /// From A^T X, which is in `gradient` or, if there are any, the sum of `parts`, to the gradient of a batch of `count`
    /// rows without its penalty, (K, F): see the formulas of [`super`]. `slope_sums` is (K), the others (F).
    #[inline(always)]
    pub fn finish(
        parts: &[&Self],
        gradient: &mut [f32],
        slope_sums: &[f64],
        mean: &[f32],
        scale: &[f32],
        count: usize,
    ) {
        let width = mean.len();
        let per_row = 1.0 / count as f32;
        for (class, (gradient, &slope_sum)) in gradient.chunks_exact_mut(width).zip(slope_sums).enumerate() {
            if let Some(Self::Whole(first)) = parts.first() {
                let strips = gradient.chunks_mut(STRIP).zip(mean.chunks(STRIP)).zip(scale.chunks(STRIP));
                for (strip, ((gradient, mean), scale)) in strips.enumerate() {
                    let map = Map { slope_sum, mean, scale, per_row };
                    if parts.len() == 1 {
                        map.finish(gradient, first.strip(class, strip), f64::from);
                    } else {
                        map.finish(gradient, &total(parts, class, strip), |sum| sum as f64);
                    }
                }
                continue;
            }
            for (index, part) in parts.iter().enumerate() {
                if let Self::Floats(sums) = part {
                    let row = &sums[class * width..][..width];
                    if index == 0 { gradient.copy_from_slice(row) } else { super::add(gradient, row) }
                }
            }
            let slope_sum = slope_sum as f32;
            for ((g, mean), scale) in gradient.iter_mut().zip(mean).zip(scale) {
                *g = (*g - slope_sum * mean) * (scale * per_row);
            }
        }
    }
}

/// A class's sums over some features, of all parts.
#[inline(always)]
fn total(parts: &[&Sums], class: usize, strip: usize) -> [i64; STRIP] {
    let mut total = [0; STRIP];
    for part in parts {
        if let Sums::Whole(part) = part {
            total.iter_mut().zip(part.strip(class, strip)).for_each(|(total, &sum)| *total += i64::from(sum));
        }
    }
    total
}

/// From A^T X to a gradient: of one class and some features.
struct Map<'a> {
    slope_sum: f64,
    mean: &'a [f32],
    scale: &'a [f32],
    per_row: f32,
}

impl Map<'_> {
    #[inline(always)]
    fn finish<S: Copy>(&self, gradient: &mut [f32], sums: &[S; STRIP], wide: impl Fn(S) -> f64) {
        let Self { slope_sum, mean, scale, per_row } = *self;
        for (((g, &sum), &mean), scale) in gradient.iter_mut().zip(sums).zip(mean).zip(scale) {
            // In f64: the sum of so many bytes is far larger than what is left without the mean.
            *g = (wide(sum) - slope_sum * f64::from(mean)) as f32 * (scale * per_row);
        }
    }
}

impl LinearProblem<'_> {
    /// Room for a panel's weights in fixed point, where scores are computed so.
    pub(super) fn in_fixed_point(&self, features: usize) -> Option<FixedWeights> {
        let factors = self.preprocessing.scale.iter().map(|scale| scale.abs());
        let (least, most) = factors.fold((f32::INFINITY, 0.0_f32), |(a, b), f| (a.min(f), b.max(f)));
        if self.sums_bytes() && most <= SPREAD * least {
            FixedWeights::zeros(self.classes, features)
        } else {
            None
        }
    }

    /// Whether the slopes of the loss itself, not smoothed, are whole numbers for these rows and summed as such.
    pub(super) fn has_whole_slopes(&self, rows: &[u32]) -> bool {
        let counts_1 = |q: &[f64]| rows.iter().all(|&row| q[row as usize] == 1.0);
        matches!(self.objective.loss, Loss::Svm { .. })
            && self.classes <= LARGEST_SLOPE + 1
            && self.sums_bytes()
            && self.example_weights.is_none_or(counts_1)
    }

    /// Whether there are bytes, and whole numbers are the faster way to sum them.
    fn sums_bytes(&self) -> bool {
        matches!(self.examples.features, Features::Bytes(_)) && self.compute.kernel.prefers_whole_numbers()
    }

    /// Makes the slopes of a block ready for [`Sums::add`].
    pub(super) fn pack(&self, batch: &mut Batch) {
        if batch.whole {
            batch.packed.resize(batch.slopes.len().div_ceil(QUAD * self.classes) * self.classes, [0; QUAD]);
            self.compute.kernel.pack_slopes(&batch.slopes, self.classes, &mut batch.packed);
        }
    }
}
