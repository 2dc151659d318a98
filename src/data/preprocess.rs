//! Preprocessing that never touches the features: x' = (x - mean) * scale, feature by feature.
//!
//! Training sees x', but X stays as it is: the map is folded into the weights, W x' = (W scale) x -
//! (W scale) mean, and gradients are mapped back (see `objective::linear`).

use super::{Examples, Features, Shape, Store, View};
use crate::kernel::{Kernel, Matrix, Table};
use clap::ValueEnum;
use serde::{Deserialize, Serialize};
use std::ops::ControlFlow;

/// Which map x' of the raw features training sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Preprocess {
    /// (x - mean) / deviation, each feature's own
    Standardize,
    /// (x - mean) / 255; of floats (x - mean) / m, m the largest |x| of all training rows and features
    Scale,
    /// x - mean
    Center,
    /// x as it is
    None,
}

impl Preprocess {
    /// What the classifier sees of examples of that shape, for people.
    pub fn seen(self, shape: Shape) -> &'static str {
        match (self, shape) {
            (Self::Standardize, Shape::Image { .. }) => "standardized pixels",
            (Self::Scale, Shape::Image { .. }) => "centered pixels / 255",
            (Self::Center, Shape::Image { .. }) => "centered pixels",
            (Self::None, Shape::Image { .. }) => "raw pixels",
            (Self::Standardize, Shape::Vector(_)) => "standardized features",
            (Self::Scale, Shape::Vector(_)) => "centered features / the largest magnitude",
            (Self::Center, Shape::Vector(_)) => "centered features",
            (Self::None, Shape::Vector(_)) => "raw features",
        }
    }
}

/// The map itself: x'_d = (x_d - `mean`_d) `scale`_d, with the statistics of the training rows.
#[derive(Clone, Debug, PartialEq)]
pub struct Preprocessing {
    /// D means; zeros for [`Preprocess::None`].
    pub mean: Vec<f32>,
    /// D factors: one over the deviation, over 255 (or the largest |x|), or 1.
    pub scale: Vec<f32>,
}

impl Preprocessing {
    /// The map that leaves `width` features as they are.
    pub fn identity(width: usize) -> Self {
        Self { mean: vec![0.0; width], scale: vec![1.0; width] }
    }

    /// Learns the statistics from the given rows alone. Deviations are over n, not n - 1; a feature that never varies
    /// has deviation 1. Of bytes all sums are exact, in integers; of floats they are in f64, row after row, deviations
    /// from the distances to the mean.
    pub fn fit(kind: Preprocess, examples: &Examples, rows: &[u32]) -> Self {
        let Ok(fitted) = Self::fit_stored(kind, examples, rows);
        fitted
    }

    /// As [`Preprocessing::fit`], of examples wherever they are: bytes are gone through once, floats twice.
    ///
    /// # Errors
    /// When rows that are not held cannot be read.
    pub fn fit_stored<S: Store>(kind: Preprocess, store: &S, rows: &[u32]) -> Result<Self, S::Error> {
        let width = store.width();
        if kind == Preprocess::None {
            return Ok(Self::identity(width));
        }
        let Statistics { mean, inverse_deviation, range } = match &store.like().features {
            Features::Bytes(_) => Statistics::of_bytes(store, rows)?,
            Features::Floats(_) => Statistics::of_floats(store, rows)?,
        };
        let scale = match kind {
            Preprocess::Standardize => inverse_deviation.iter().map(|&inverse| inverse as f32).collect(),
            Preprocess::Scale => vec![1.0 / range; width],
            Preprocess::Center | Preprocess::None => vec![1.0; width],
        };
        Ok(Self { mean: mean.iter().map(|&mean| mean as f32).collect(), scale })
    }
}

/// What the rows say of the features.
struct Statistics {
    /// D.
    mean: Vec<f64>,
    /// One over the deviation; 1 for a feature that never varies. D.
    inverse_deviation: Vec<f64>,
    /// How far values reach from 0: 255 for bytes, for floats the largest absolute value, 1 if that is 0.
    range: f32,
}

impl Statistics {
    fn of_bytes<S: Store>(store: &S, rows: &[u32]) -> Result<Self, S::Error> {
        let n = rows.len() as f64;
        let mut sums = ByteSums::new(store.width());
        let kernel = Kernel::detect();
        visit_all(store, rows, |view| {
            if let Matrix::Bytes(x) = view.examples.rows() {
                kernel.dispatch(
                    #[inline(always)]
                    || sums.add(x, view.rows),
                );
            }
        })?;
        let inverse_deviation = sums.values.iter().zip(&sums.squares).map(|(&sum, &square)| {
            // n sum x^2 - (sum x)^2, exact; n^2 times the variance.
            let spread = u128::from(square) * rows.len() as u128 - u128::from(sum) * u128::from(sum);
            if spread == 0 { 1.0 } else { n / (spread as f64).sqrt() }
        });
        Ok(Self {
            inverse_deviation: inverse_deviation.collect(),
            mean: sums.values.iter().map(|&sum| sum as f64 / n).collect(),
            range: 255.0,
        })
    }

    fn of_floats<S: Store>(store: &S, rows: &[u32]) -> Result<Self, S::Error> {
        let n = rows.len() as f64;
        let mut mean = vec![0.0_f64; store.width()];
        let mut range = 0.0_f32;
        for_each_floats(store, rows, |values| {
            mean.iter_mut().zip(values).for_each(|(sum, &value)| *sum += f64::from(value));
            range = values.iter().fold(range, |range, value| range.max(value.abs()));
        })?;
        mean.iter_mut().for_each(|sum| *sum /= n);
        let mut spread = vec![0.0_f64; store.width()];
        for_each_floats(store, rows, |values| {
            for ((sum, &value), mean) in spread.iter_mut().zip(values).zip(&mean) {
                *sum += (f64::from(value) - mean).powi(2);
            }
        })?;
        // A feature whose inverse deviation is no normal f32 counts as one that never varies.
        let inverse_deviation = spread.iter().map(|sum| {
            let inverse = (n / sum).sqrt();
            if (inverse as f32).is_normal() { inverse } else { 1.0 }
        });
        Ok(Self {
            inverse_deviation: inverse_deviation.collect(),
            mean,
            range: if range == 0.0 { 1.0 } else { range },
        })
    }
}

/// Shows all of `rows` to `look`, in order, some at a time.
fn visit_all<S: Store>(store: &S, rows: &[u32], mut look: impl FnMut(View<'_>)) -> Result<(), S::Error> {
    let parts: Vec<&[u32]> = rows.chunks(store.part_rows()).collect();
    store.visit(&parts, &mut |view| {
        look(view);
        ControlFlow::Continue(())
    })
}

/// Shows the floats of each of `rows` to `look`, in order.
pub(super) fn for_each_floats<S: Store>(
    store: &S,
    rows: &[u32],
    mut look: impl FnMut(&[f32]),
) -> Result<(), S::Error> {
    visit_all(store, rows, |view| {
        if let Matrix::Floats(x) = view.examples.rows() {
            view.rows.iter().for_each(|&row| look(x.row(row)));
        }
    })
}

/// Per feature: sum of x, sum of x^2.
struct ByteSums {
    values: Vec<u64>,
    squares: Vec<u64>,
    /// Room for those of a block, which 32 bits hold.
    part: (Vec<u32>, Vec<u32>),
}

impl ByteSums {
    fn new(width: usize) -> Self {
        Self { values: vec![0; width], squares: vec![0; width], part: (vec![0; width], vec![0; width]) }
    }

    #[inline(always)]
    fn add(&mut self, x: Table<'_, u8>, rows: &[u32]) {
        // 255^2 * 2^16 rows still fits 32 bits, which sum several times faster than 64.
        const BLOCK: usize = 1 << 16;
        let Self { values, squares, part } = self;
        for block in rows.chunks(BLOCK) {
            part.0.fill(0);
            part.1.fill(0);
            let (fours, rest) = block.as_chunks::<4>();
            fours.iter().for_each(|four| add_rows(part, four.map(|row| x.row(row))));
            rest.iter().for_each(|&row| add_rows(part, [x.row(row)]));
            values.iter_mut().zip(&part.0).for_each(|(total, &sum)| *total += u64::from(sum));
            squares.iter_mut().zip(&part.1).for_each(|(total, &square)| *total += u64::from(square));
        }
    }
}

/// Adds the values of some rows, and their squares, to the sums of each feature.
#[inline(always)]
fn add_rows<const R: usize>((sums, squares): &mut (Vec<u32>, Vec<u32>), rows: [&[u8]; R]) {
    let rows = rows.map(|row| &row[..sums.len()]);
    for (f, (sum, square)) in sums.iter_mut().zip(squares).enumerate() {
        for row in rows {
            let value = u32::from(row[f]);
            *sum += value;
            *square += value * value;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn examples() -> Examples {
        // Feature 1 never varies; row 3 is not among the fitted rows.
        let features = Features::Bytes(vec![0, 7, 10, 7, 20, 7, 255, 0]);
        Examples { features, labels: vec![0; 4], width: 2 }
    }

    #[test]
    fn standardised_features_have_mean_0_and_deviation_1() {
        let fitted = Preprocessing::fit(Preprocess::Standardize, &examples(), &[0, 1, 2]);
        assert_eq!(fitted.mean, [10.0, 7.0]);
        // Deviation of 0, 10, 20 over n: sqrt(200 / 3).
        let expected = (3.0_f64 / 200.0).sqrt() as f32;
        assert!((fitted.scale[0] - expected).abs() < 1e-8);
        assert_eq!(fitted.scale[1], 1.0, "a constant feature has deviation 1");
    }

    #[test]
    fn each_kind_is_its_formula() {
        let fit = |kind| Preprocessing::fit(kind, &examples(), &[0, 1, 2]);
        assert_eq!(
            fit(Preprocess::Scale),
            Preprocessing { mean: vec![10.0, 7.0], scale: vec![1.0 / 255.0; 2] }
        );
        assert_eq!(fit(Preprocess::Center), Preprocessing { mean: vec![10.0, 7.0], scale: vec![1.0; 2] });
        assert_eq!(fit(Preprocess::None), Preprocessing::identity(2));
    }

    #[test]
    fn sums_are_exact_across_blocks() {
        let rows: Vec<u32> = vec![0; 70_000];
        let bright = Table { values: &[255], width: 1 };
        let mut sums = ByteSums::new(1);
        rows.chunks(66_000).for_each(|rows| sums.add(bright, rows));
        assert_eq!((sums.values, sums.squares), (vec![70_000 * 255], vec![70_000 * 255 * 255]));
    }

    fn floats(values: &[f32], width: usize) -> Examples {
        let labels = vec![0; values.len() / width];
        Examples { features: Features::Floats(values.to_vec()), labels, width }
    }

    #[test]
    fn floats_that_hold_bytes_have_the_statistics_of_bytes() {
        let bytes = examples();
        let values: Vec<f32> = (0..8).map(|index| bytes.features.get(index)).collect();
        let floats = floats(&values, 2);
        for kind in [Preprocess::Standardize, Preprocess::Center, Preprocess::None] {
            let fit = |examples| Preprocessing::fit(kind, examples, &[0, 1, 2]);
            assert_eq!(fit(&floats), fit(&bytes), "{kind:?}");
        }
        // The largest of the fitted rows, not of row 3.
        let scaled = Preprocessing::fit(Preprocess::Scale, &floats, &[0, 1, 2]);
        assert_eq!(scaled.scale, [1.0 / 20.0; 2]);
    }

    /// Values far from 0 that hardly vary: the sum of squares alone would lose them.
    #[test]
    fn floats_far_from_zero_keep_their_deviation() {
        let values: Vec<f32> = (0..1000).map(|i| 40_000.0 + (i % 2) as f32 / 64.0).collect();
        let all: Vec<u32> = (0..1000).collect();
        let fitted = Preprocessing::fit(Preprocess::Standardize, &floats(&values, 1), &all);
        assert!((fitted.scale[0] - 128.0).abs() < 1e-3, "{}", fitted.scale[0]);
    }

    #[test]
    fn floats_that_do_not_vary_have_deviation_1() {
        for value in [0.0, 0.1, -3e38, 1e-40] {
            let same = floats(&[value; 30], 1);
            let fitted = Preprocessing::fit(Preprocess::Standardize, &same, &same.all());
            assert_eq!((fitted.mean[0], fitted.scale[0]), (value, 1.0));
        }
        let hardly = floats(&[0.0, 1e-44], 1);
        assert_eq!(Preprocessing::fit(Preprocess::Standardize, &hardly, &[0, 1]).scale, [1.0]);
        assert_eq!(Preprocessing::fit(Preprocess::Scale, &floats(&[0.0; 3], 1), &[0, 1, 2]).scale, [1.0]);
    }
}
