//! A^T X over a panel as the kernels sum it, and how it becomes a gradient.

use super::LinearProblem;
use crate::data::Features;
use crate::kernel::{Aligned, DIGITS, FixedWeights, Matrix, Multiples, Rows, STRIP, WholeSlopes, WholeSums};
use crate::objective::Loss;
use std::ops::Range;

/// How far numbers in fixed point may lie apart, which all have the precision of the largest: the factors of
/// preprocessing for weights, and slopes beside one of 1.
const SPREAD: f32 = 16.0;
/// From how many rows on slopes are written in digits: to add these up takes its time, whatever the rows.
const DIGIT_ROWS: usize = 128;
/// For how many classes at most: the sums of all digits are three times a gradient, and leave the second-level cache.
const DIGIT_CLASSES: usize = 16;
/// Up to here every whole number is a float.
const WHOLE_FLOATS: usize = 1 << 24;

/// How many digits of a slope are summed, at most, each a gradient of its own.
pub(super) fn digits(classes: usize) -> usize {
    if classes <= DIGIT_CLASSES { DIGITS } else { 1 }
}

/// A^T X over a panel, of rows so far.
#[derive(Clone, Debug)]
pub(super) enum Sums {
    /// (K, F).
    Floats(Aligned),
    /// Of slopes that are whole multiples, exact.
    Whole(WholeSums),
}

impl Default for Sums {
    fn default() -> Self {
        Self::Floats(Aligned::default())
    }
}

/// A block's slopes, as the kernels take them.
#[derive(Default)]
pub(super) struct Batch {
    /// Scores, then slopes A, (B, K).
    pub slopes: Vec<f32>,
    /// A in whole multiples, if it is summed so.
    whole: Option<WholeSlopes>,
}

impl Batch {
    /// Without rows; `multiples` tells what slopes are summed as, `None` in floats.
    pub fn new(multiples: Option<Multiples>) -> Self {
        Self { slopes: Vec::new(), whole: multiples.map(WholeSlopes::new) }
    }

    /// What slopes are summed as.
    pub fn multiples(&self) -> Option<Multiples> {
        self.whole.as_ref().map(WholeSlopes::multiples)
    }
}

impl Sums {
    /// Zeros for `len` weights of `classes` classes, in the place of what was there.
    pub fn clear(&mut self, multiples: Option<Multiples>, len: usize, classes: usize) {
        match (&mut *self, multiples) {
            (Self::Whole(sums), Some(multiples)) => sums.clear(multiples),
            (Self::Floats(_), Some(multiples)) => {
                *self = Self::Whole(WholeSums::new(multiples, classes, len / classes));
            }
            (_, None) => self.floats(len).fill(0.0),
        }
    }

    /// So many floats, whatever they are.
    pub fn floats(&mut self, len: usize) -> &mut [f32] {
        if !matches!(self, Self::Floats(_)) {
            *self = Self::default();
        }
        let Self::Floats(sums) = self else { unreachable!("just made so") };
        sums.resize(len);
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
        match (self, problem.examples.rows(), &batch.whole) {
            (Self::Whole(sums), Matrix::Bytes(x), Some(slopes)) => {
                kernel.add_whole_gradient(x, block, features, slopes, sums);
            }
            (Self::Whole(_), ..) => {
                unreachable!("only slopes in whole multiples, of bytes, are summed whole")
            }
            (Self::Floats(sums), x, _) => {
                kernel.add_gradient(x, block, features, &batch.slopes, classes, sums);
            }
        }
    }
}

/// A^T X of a whole batch, and what makes a gradient of it: see the formulas of [`super`].
#[derive(Clone, Copy)]
pub(super) struct Total<'a> {
    /// What adds up to A^T X over a panel, all of one kind; `None` where the panel holds it.
    pub parts: Option<&'a [&'a Sums]>,
    /// The sums of A over the batch, (K).
    pub slope_sums: &'a [f64],
    /// B, rows of the batch.
    pub count: usize,
}

impl Total<'_> {
    /// Writes the gradient of one class over a panel, without its penalty, (F). `own` is what the panel holds; `mean` and
    /// `scale` are those of its features, (F).
    #[inline(always)]
    pub fn gradient(&self, own: &Sums, class: usize, mean: &[f32], scale: &[f32], gradient: &mut [f32]) {
        let own = [own];
        let parts = self.parts.unwrap_or(&own);
        let per_row = 1.0 / self.count as f32;
        let slope_sum = self.slope_sums[class];
        let narrow = slope_sum as f32;
        let Some(Sums::Whole(first)) = parts.first() else {
            add_up(parts, class, gradient);
            for ((g, mean), scale) in gradient.iter_mut().zip(mean).zip(scale) {
                *g = (*g - narrow * mean) * (scale * per_row);
            }
            return;
        };
        let strips = gradient.chunks_mut(STRIP).zip(mean.chunks(STRIP)).zip(scale.chunks(STRIP)).enumerate();
        let fits = self.count * 255 * (self.slope_sums.len() - 1) <= WHOLE_FLOATS;
        if parts.len() == 1 && fits && matches!(first.multiples(), Multiples::OfOne) {
            for (strip, ((gradient, mean), scale)) in strips {
                // As exact as in f64: a fused product is rounded once, with its sum.
                let center = |sum: i32, mean: f32| (-narrow).mul_add(mean, sum as f32);
                finish(gradient, first.strip(class, strip), mean, scale, per_row, center);
            }
            return;
        }
        let step = first.multiples().step();
        for (strip, ((gradient, mean), scale)) in strips {
            // In f64: the sum of so many bytes is far larger than what is left without the mean.
            let center = |sum: f64, mean: f32| (sum * step - slope_sum * f64::from(mean)) as f32;
            finish(gradient, &add_up_whole(parts, class, strip), mean, scale, per_row, center);
        }
    }
}

/// Writes the gradient of a class over a strip from its sums, with the mean taken off by `center`.
#[inline(always)]
fn finish<S: Copy>(
    gradient: &mut [f32],
    sums: &[S; STRIP],
    mean: &[f32],
    scale: &[f32],
    per_row: f32,
    center: impl Fn(S, f32) -> f32,
) {
    // Of known length, a strip's loop is unrolled.
    if let (Some(gradient), Some(mean), Some(scale)) =
        (gradient.first_chunk_mut::<STRIP>(), mean.first_chunk::<STRIP>(), scale.first_chunk::<STRIP>())
    {
        for i in 0..STRIP {
            gradient[i] = center(sums[i], mean[i]) * (scale[i] * per_row);
        }
        return;
    }
    for (((g, &sum), &mean), scale) in gradient.iter_mut().zip(sums).zip(mean).zip(scale) {
        *g = center(sum, mean) * (scale * per_row);
    }
}

/// A class's sums over all features, of all parts.
#[inline(always)]
fn add_up(parts: &[&Sums], class: usize, total: &mut [f32]) {
    for (index, part) in parts.iter().enumerate() {
        let Sums::Floats(sums) = part else { unreachable!("sums of one kind") };
        let row = &sums[class * total.len()..][..total.len()];
        if index == 0 { total.copy_from_slice(row) } else { super::add(total, row) }
    }
}

/// A class's sums over the features of a strip, of all parts: whole numbers far below 2^53, exact.
#[inline(always)]
fn add_up_whole(parts: &[&Sums], class: usize, strip: usize) -> [f64; STRIP] {
    let mut total = [0.0; STRIP];
    for part in parts {
        let Sums::Whole(part) = part else { unreachable!("sums of one kind") };
        part.add_to(&mut total, class, strip);
    }
    total
}

impl LinearProblem<'_> {
    /// Room for a panel's weights in fixed point, where scores are computed so.
    pub(super) fn in_fixed_point(&self, features: usize) -> Option<FixedWeights> {
        let factors = self.preprocessing.scale.iter().map(|scale| scale.abs());
        let (least, most) = factors.fold((f32::INFINITY, 0.0_f32), |(a, b), f| (a.min(f), b.max(f)));
        if self.holds_bytes() && self.compute.kernel.prefers_fixed_point() && most <= SPREAD * least {
            FixedWeights::zeros(self.classes, features)
        } else {
            None
        }
    }

    /// What slopes of these rows are summed as multiples of; `None` where that is no faster than floats, or less exact.
    pub(super) fn multiples(&self, rows: &[u32], smoothed: bool) -> Option<Multiples> {
        if !self.holds_bytes() {
            return None;
        }
        let loss = self.objective.loss;
        let all_count_1 = self.example_weights.is_none_or(|q| rows.iter().all(|&row| q[row as usize] == 1.0));
        // A row breaks at most a margin for each class but its own.
        let sums_them = |most: usize| self.classes <= most + 1;
        if matches!(loss, Loss::Svm { .. })
            && !smoothed
            && all_count_1
            && self.compute.kernel.largest_whole_slope().is_some_and(sums_them)
        {
            return Some(Multiples::OfOne);
        }
        let of_weights = |q: &[f64]| rows.iter().fold(0.0, |most, &row| q[row as usize].max(most));
        let largest = loss.largest_slope(self.classes) * self.example_weights.map_or(1.0, of_weights) as f32;
        let pays_off = rows.len() >= DIGIT_ROWS && (2..=DIGIT_CLASSES).contains(&self.classes);
        (pays_off && largest <= SPREAD && self.compute.kernel.prefers_fixed_point())
            .then(|| Multiples::up_to(largest))
    }

    fn holds_bytes(&self) -> bool {
        matches!(self.examples.features, Features::Bytes(_))
    }

    /// Makes the slopes of a block ready for [`Sums::add`].
    pub(super) fn pack(&self, batch: &mut Batch) {
        if let Some(whole) = &mut batch.whole {
            self.compute.kernel.pack_slopes(&batch.slopes, self.classes, whole);
        }
    }
}
