//! Z^T Z of rows of floats: products in f32 by a GEMM library, their sums over blocks of rows in f64.
//!
//! Unlike [`super::Gram`] it is rounded, which is enough for what only guides. Columns are cut by their number alone,
//! each cut one thread's work at a time, so the result has the same bits for any number of threads.

use super::Team;
use faer::linalg::matmul::matmul;
use faer::{Accum, MatMut, MatRef, Par};
use std::ops::Range;

/// Columns of Z^T Z that one task computes.
const CUT: usize = 256;

/// Some columns of Z^T Z, from the diagonal of the first of them down.
struct Cut<'a> {
    features: Range<usize>,
    /// As the caller holds them, M elements a column.
    columns: &'a mut [f64],
    /// Of one block, without what lies above the first feature.
    product: Vec<f32>,
}

/// Adds up Z^T Z, block after block of rows.
pub struct Moments<'a> {
    order: usize,
    cuts: Vec<Cut<'a>>,
}

impl<'a> Moments<'a> {
    /// Into `columns` (M, M), column after column, of Z with M = `order` columns. Elements above the diagonal are left
    /// undefined.
    ///
    /// # Panics
    /// When `columns` is not square.
    pub fn new(order: usize, columns: &'a mut [f64]) -> Self {
        assert_eq!(columns.len(), order * order, "a square matrix");
        let starts = (0..order).step_by(CUT);
        let mut cuts: Vec<Option<Cut<'_>>> = starts
            .zip(columns.chunks_mut(CUT * order))
            .map(|(start, columns)| {
                let features = start..order.min(start + CUT);
                Some(Cut { features, columns, product: Vec::new() })
            })
            .collect();
        // The first cuts are the longest: threads take neighbours, which shall add up to the same.
        let count = cuts.len();
        let pairs = (0..count.div_ceil(2)).flat_map(|at| [at, count - 1 - at]);
        Self { order, cuts: pairs.filter_map(|at| cuts[at].take()).collect() }
    }

    /// Adds Z^T Z of the rows `z` (B, M), row-major.
    ///
    /// # Panics
    /// When `z` is not whole rows.
    pub fn add(&mut self, team: &Team, z: &[f32]) {
        let order = self.order;
        assert!(z.len().is_multiple_of(order), "rows of {order}");
        team.for_each(&mut self.cuts, |_, cut| cut.add(z, order));
    }
}

impl Cut<'_> {
    fn add(&mut self, z: &[f32], order: usize) {
        let (first, count, below) = (self.features.start, self.features.len(), order - self.features.start);
        self.product.resize(below * count, 0.0);
        let z = MatRef::from_row_major_slice(z, z.len() / order, order);
        let product = MatMut::from_column_major_slice_mut(&mut self.product, below, count);
        let (down, across) = (z.subcols(first, below).transpose(), z.subcols(first, count));
        matmul(product, Accum::Replace, down, across, 1.0, Par::Seq);
        for (column, product) in self.columns.chunks_exact_mut(order).zip(self.product.chunks_exact(below)) {
            column[first..].iter_mut().zip(product).for_each(|(sum, &part)| *sum += f64::from(part));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::num::NonZeroUsize;

    #[test]
    fn equals_plain_sums_and_threads_change_no_bit() {
        for order in [1, 7, 256, 257, 600] {
            let z: Vec<f32> = (0..70 * order).map(|i| ((i * 7919) % 1009) as f32 / 512.0 - 1.0).collect();
            let run = |threads| {
                let mut columns = vec![0.0; order * order];
                let mut moments = Moments::new(order, &mut columns);
                let team = Team::new(NonZeroUsize::new(threads).expect("above 0"));
                z.chunks(32 * order).for_each(|rows| moments.add(&team, rows));
                columns
            };
            let one = run(1);
            for f in (0..order).step_by(13) {
                for g in (f..order).step_by(7) {
                    let terms = z.chunks(order).map(|row| f64::from(row[f]) * f64::from(row[g]));
                    assert!((one[f * order + g] - terms.sum::<f64>()).abs() < 1e-4, "{f} {g} of {order}");
                }
            }
            assert!((2..=3).all(|threads| run(threads) == one));
        }
    }
}
