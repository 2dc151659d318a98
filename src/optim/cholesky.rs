//! A symmetric positive definite matrix, factored once to be solved with many times: A = L L^T.

use faer::dyn_stack::{MemBuffer, MemStack};
use faer::linalg::cholesky::llt::{factor, solve};
use faer::{Auto, MatMut, MatRef, Par, Spec};

/// L, of a matrix that may be inverted.
#[derive(Clone, Debug)]
pub struct Cholesky {
    order: usize,
    /// Column after column, on and below the diagonal.
    factor: Vec<f64>,
}

impl Cholesky {
    /// Factors the matrix whose `columns` hold it on and below the diagonal; `None` if it is not positive definite
    /// as far as f64 can tell.
    ///
    /// It runs on one thread, since the order of a parallel product's sums would depend on how many there are.
    ///
    /// # Panics
    /// When the matrix is not square.
    pub fn new(order: usize, mut columns: Vec<f64>) -> Option<Self> {
        assert_eq!(columns.len(), order * order, "a square matrix");
        let params = Spec::<factor::LltParams, f64>::new(Auto::<f64>::auto());
        let mut memory = MemBuffer::new(factor::cholesky_in_place_scratch::<f64>(order, Par::Seq, params));
        let matrix = MatMut::from_column_major_slice_mut(&mut columns, order, order);
        let stack = MemStack::new(&mut memory);
        factor::cholesky_in_place(matrix, factor::LltRegularization::default(), Par::Seq, stack, params)
            .ok()?;
        Some(Self { order, factor: columns })
    }

    /// Replaces right-hand sides, one after the other in `sides`, by the solutions of A x = side.
    ///
    /// # Panics
    /// When `sides` is not whole sides.
    pub fn solve(&self, sides: &mut [f64]) {
        let count = sides.len() / self.order;
        let factor = MatRef::from_column_major_slice(&self.factor, self.order, self.order);
        let mut memory = MemBuffer::new(solve::solve_in_place_scratch::<f64>(self.order, count, Par::Seq));
        let sides = MatMut::from_column_major_slice_mut(sides, self.order, count);
        solve::solve_in_place(factor, sides, Par::Seq, MemStack::new(&mut memory));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A = B B^T + I of some size, on and below the diagonal and whole.
    fn matrix(order: usize) -> (Vec<f64>, Vec<f64>) {
        let b = |i: usize, j: usize| ((i * 31 + j * 17) % 23) as f64 / 23.0 - 0.5;
        let whole: Vec<f64> = (0..order * order)
            .map(|at| {
                let (i, j) = (at / order, at % order);
                (0..order).map(|k| b(i, k) * b(j, k)).sum::<f64>() + if i == j { 1.0 } else { 0.0 }
            })
            .collect();
        let mut lower = whole.clone();
        // What is above must not be read.
        for column in 0..order {
            lower[column * order..][..column].fill(f64::NAN);
        }
        (lower, whole)
    }

    #[test]
    fn the_residual_is_rounding() {
        for order in [1, 2, 7, 64, 301] {
            let (lower, whole) = matrix(order);
            let cholesky = Cholesky::new(order, lower).expect("positive definite");
            let sides: Vec<f64> = (0..3 * order).map(|i| (i % 11) as f64 - 5.0).collect();
            let mut solved = sides.clone();
            cholesky.solve(&mut solved);
            for (x, side) in solved.chunks(order).zip(sides.chunks(order)) {
                for (row, expected) in whole.chunks(order).zip(side) {
                    let found: f64 = row.iter().zip(x).map(|(a, x)| a * x).sum();
                    assert!((found - expected).abs() < 1e-10, "order {order}: {found} {expected}");
                }
            }
        }
    }

    #[test]
    fn what_is_not_positive_definite_is_refused() {
        assert!(Cholesky::new(2, vec![1.0, 2.0, 0.0, 1.0]).is_none());
        assert!(Cholesky::new(1, vec![f64::NAN]).is_none());
    }
}
