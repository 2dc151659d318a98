//! The second-moment matrix of the preprocessed features: the curvature that every linear classifier over these features
//! shares.

use crate::data::Preprocessing;
use crate::kernel::{Compute, Gram, Matrix, Moments, Table};

/// Rows of floats that are preprocessed at a time.
const BLOCK_ROWS: usize = 1024;

/// M = (1/N) sum_i x'_i x'_i^T, where x' = ((x - mean) scale, 1): (D + 1, D + 1), the last row the bias's.
///
/// ```text
/// M[f, g] = (G[f, g] - mean_f S_g - mean_g S_f + N mean_f mean_g) scale_f scale_g / N
/// M[f, D] = (S_f - N mean_f) scale_f / N          M[D, D] = 1
/// ```
///
/// Of bytes it comes so from the exact Gram matrix G and sums S, by arithmetic alone; of floats from x' itself, with
/// products in f32. It decides how soon a minimum is found, never what is said of it.
#[derive(Clone, Debug, PartialEq)]
pub struct SecondMoment {
    /// Its order, D + 1.
    pub order: usize,
    /// Column after column; only elements on and below the diagonal are set.
    pub columns: Vec<f64>,
}

impl SecondMoment {
    /// Of the listed `rows` of `x` under `map`.
    ///
    /// # Panics
    /// When a row lies outside X.
    pub fn of(compute: &Compute, x: Matrix<'_>, rows: &[u32], map: &Preprocessing) -> Self {
        match x {
            Matrix::Bytes(x) => Self::new(&Gram::new(compute, x, rows), map),
            Matrix::Floats(x) => Self::of_floats(compute, x, rows, map),
        }
    }

    fn of_floats(compute: &Compute, x: Table<'_, f32>, rows: &[u32], map: &Preprocessing) -> Self {
        let order = x.width + 1;
        let mut columns = vec![0.0; order * order];
        let mut moments = Moments::new(order, &mut columns);
        let mut seen = vec![0.0_f32; BLOCK_ROWS.min(rows.len()) * order];
        for rows in rows.chunks(BLOCK_ROWS) {
            for (seen, &row) in seen.chunks_exact_mut(order).zip(rows) {
                let features = x.row(row).iter().zip(&map.mean).zip(&map.scale);
                seen.iter_mut()
                    .zip(features)
                    .for_each(|(seen, ((x, mean), scale))| *seen = (x - mean) * scale);
                seen[order - 1] = 1.0;
            }
            moments.add(&compute.team, &seen[..rows.len() * order]);
        }
        let n = rows.len() as f64;
        columns.iter_mut().for_each(|element| *element /= n);
        Self { order, columns }
    }

    /// Of the rows that `gram` has summed.
    pub fn new(gram: &Gram, map: &Preprocessing) -> Self {
        let width = gram.width();
        let order = width + 1;
        let n = gram.rows as f64;
        let mean: Vec<f64> = map.mean.iter().map(|&mean| f64::from(mean)).collect();
        let scale: Vec<f64> = map.scale.iter().map(|&scale| f64::from(scale)).collect();
        let sums: Vec<f64> = gram.sums.iter().map(|&sum| sum as f64).collect();
        let mut columns = vec![0.0; order * order];
        for (f, column) in columns.chunks_exact_mut(order).take(width).enumerate() {
            let rest = sums[f] - n * mean[f];
            let factor = scale[f] / n;
            for (below, (element, &product)) in column[f..].iter_mut().zip(gram.column(f)).enumerate() {
                let g = f + below;
                // The first two differ little where features hardly vary: they are whole numbers, exact in f64, and
                // meet before anything is rounded away.
                let centred = product as f64 - mean[f] * sums[g] - mean[g] * rest;
                *element = centred * scale[g] * factor;
            }
            column[width] = rest * factor;
        }
        columns[order * order - 1] = 1.0;
        Self { order, columns }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{Examples, Features, Preprocess, generate};
    use crate::kernel::{Kernel, Team};
    use crate::objective::reference::Reference;
    use crate::objective::{Loss, Objective, Penalty};
    use std::num::NonZeroUsize;

    #[test]
    fn equals_the_mean_of_outer_products() {
        let bytes = generate(60, 1, 0).train;
        let values = (0..bytes.features.len()).map(|index| bytes.features.get(index) / 100.0).collect();
        let floats = Examples { features: Features::Floats(values), ..bytes.clone() };
        check(&bytes, 1e-9);
        check(&floats, 1e-5);
    }

    fn check(examples: &Examples, tolerance: f64) {
        let rows: Vec<u32> = (5..60).collect();
        let compute = Compute { kernel: Kernel::detect(), team: Team::new(NonZeroUsize::MIN) };
        let objective = Objective { loss: Loss::Softmax, penalty: Penalty { l2: 0.0, l1: 0.0 } };
        for kind in [Preprocess::Standardize, Preprocess::Scale, Preprocess::None] {
            // Statistics of other rows, so that no mean is 0.
            let map = Preprocessing::fit(kind, examples, &[0, 1, 2, 3, 4, 5, 6, 7]);
            let moment = SecondMoment::of(&compute, examples.rows(), &rows, &map);
            let x = Reference::new(examples, &map, objective, &rows).features;
            let feature = |i: usize, f: usize| if f < 3072 { x[[i, f]] } else { 1.0 };
            for f in (0..=3072).step_by(64) {
                for g in (f..=3072).step_by(192).chain([3072]) {
                    let sum: f64 = (0..rows.len()).map(|i| feature(i, f) * feature(i, g)).sum();
                    let expected = sum / rows.len() as f64;
                    let found = moment.columns[f * moment.order + g];
                    assert!(
                        (found - expected).abs() < tolerance * (1.0 + expected.abs()),
                        "{found} {expected}"
                    );
                }
            }
        }
    }
}
