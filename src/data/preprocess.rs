//! Preprocessing that never touches the images: x' = (x - mean) * scale, feature by feature.
//!
//! Training sees x', but X stays bytes: the map is folded into the weights, W x' = (W scale) x -
//! (W scale) mean, and gradients are mapped back (see `objective::linear`).

use super::Examples;
use clap::ValueEnum;
use serde::{Deserialize, Serialize};

/// Which map x' of the raw features training sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Preprocess {
    /// (x - mean) / deviation, each feature's own
    Standardize,
    /// (x - mean) / 255
    Scale,
    /// x - mean
    Center,
    /// x as it is, 0 to 255
    None,
}

/// The map itself: x'_d = (x_d - `mean`_d) `scale`_d, with the statistics of the training rows.
#[derive(Clone, Debug, PartialEq)]
pub struct Preprocessing {
    /// D means; zeros for [`Preprocess::None`].
    pub mean: Vec<f32>,
    /// D factors: one over the deviation, 1/255, or 1.
    pub scale: Vec<f32>,
}

impl Preprocessing {
    /// The map that leaves `width` features as they are.
    pub fn identity(width: usize) -> Self {
        Self { mean: vec![0.0; width], scale: vec![1.0; width] }
    }

    /// Learns the statistics from the given rows alone. Means and deviations (over n, not n - 1)
    /// come from exact integer sums; a feature that never varies has deviation 1.
    pub fn fit(kind: Preprocess, examples: &Examples, rows: &[u32]) -> Self {
        let width = examples.width;
        if kind == Preprocess::None {
            return Self::identity(width);
        }
        let n = rows.len() as f64;
        let (sums, squares) = sums(examples, rows);
        let mean: Vec<f64> = sums.iter().map(|&sum| sum as f64 / n).collect();
        let scale = match kind {
            Preprocess::Standardize => sums
                .iter()
                .zip(&squares)
                .map(|(&sum, &square)| {
                    // n sum x^2 - (sum x)^2, exact; n^2 times the variance.
                    let spread = u128::from(square) * rows.len() as u128 - u128::from(sum) * u128::from(sum);
                    if spread == 0 { 1.0 } else { (n / (spread as f64).sqrt()) as f32 }
                })
                .collect(),
            Preprocess::Scale => vec![1.0 / 255.0; width],
            Preprocess::Center | Preprocess::None => vec![1.0; width],
        };
        Self { mean: mean.iter().map(|&mean| mean as f32).collect(), scale }
    }
}

/// Per feature: sum of x, sum of x^2.
fn sums(examples: &Examples, rows: &[u32]) -> (Vec<u64>, Vec<u64>) {
    // 255^2 * 2^16 rows still fits 32 bits, which sum several times faster than 64.
    const BLOCK: usize = 1 << 16;
    let width = examples.width;
    let mut totals = (vec![0_u64; width], vec![0_u64; width]);
    let mut part = (vec![0_u32; width], vec![0_u32; width]);
    for block in rows.chunks(BLOCK) {
        part.0.fill(0);
        part.1.fill(0);
        for &row in block {
            let bytes = &examples.features[row as usize * width..][..width];
            for ((sum, square), &byte) in part.0.iter_mut().zip(&mut part.1).zip(bytes) {
                let value = u32::from(byte);
                *sum += value;
                *square += value * value;
            }
        }
        totals.0.iter_mut().zip(&part.0).for_each(|(total, &sum)| *total += u64::from(sum));
        totals.1.iter_mut().zip(&part.1).for_each(|(total, &square)| *total += u64::from(square));
    }
    totals
}

#[cfg(test)]
mod tests {
    use super::*;

    fn examples() -> Examples {
        // Feature 1 never varies; row 3 is not among the fitted rows.
        Examples { features: vec![0, 7, 10, 7, 20, 7, 255, 0], labels: vec![0; 4], width: 2 }
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
        let bright = Examples { features: vec![255], labels: vec![0], width: 1 };
        assert_eq!(sums(&bright, &rows), (vec![70_000 * 255], vec![70_000 * 255 * 255]));
    }
}
