//! A symmetric positive definite matrix, factored once to be solved with many times: A = L L^T.
//!
//! By tiles of [`TILE`] x [`TILE`], whatever the number of threads, so that it changes no bit: a diagonal tile is
//! factored, the tiles below it are solved with its factor, and their products are taken off all that is to the right,
//! tile by tile in parallel.

use crate::kernel::Team;
use faer::dyn_stack::{MemBuffer, MemStack};
use faer::linalg::cholesky::llt::{factor, solve};
use faer::linalg::matmul::matmul;
use faer::linalg::triangular_solve::solve_lower_triangular_in_place;
use faer::prelude::{Reborrow, ReborrowMut};
use faer::traits::{RealField, math_utils};
use faer::{Accum, Auto, MatMut, MatRef, Par, Spec};

/// Rows and columns of a tile: a product of tiles is long against handing it out.
const TILE: usize = 256;

/// L, of a matrix that may be inverted, in f32 or f64.
#[derive(Clone, Debug)]
pub struct Cholesky<T> {
    order: usize,
    /// Column after column, on and below the diagonal.
    factor: Vec<T>,
}

impl<T: RealField + Send + Sync> Cholesky<T> {
    /// Factors the matrix whose `columns` hold it on and below the diagonal; `None` if it is not positive definite
    /// as far as T can tell.
    ///
    /// # Panics
    /// When the matrix is not square.
    pub fn new(team: &Team, order: usize, mut columns: Vec<T>) -> Option<Self> {
        assert_eq!(columns.len(), order * order, "a square matrix");
        let mut rest = MatMut::from_column_major_slice_mut(&mut columns, order, order);
        loop {
            let size = TILE.min(rest.nrows());
            let (mut diagonal, _, mut below, mut right) = rest.split_at_mut(size, size);
            factor_tile(diagonal.rb_mut())?;
            if right.nrows() == 0 {
                return Some(Self { order, factor: columns });
            }
            let diagonal = diagonal.rb();
            team.for_each(&mut tiles_of_column(below.rb_mut()), |_, tile| {
                // X L^T = A is L X^T = A^T.
                solve_lower_triangular_in_place(diagonal, tile.rb_mut().transpose_mut(), Par::Seq);
            });
            let below = below.rb();
            team.for_each(&mut tiles(right.rb_mut()), |_, (row, column, tile)| {
                let [left, above] = [(*row, tile.nrows()), (*column, tile.ncols())]
                    .map(|(start, count)| below.subrows(start, count));
                matmul(
                    tile.rb_mut(),
                    Accum::Add,
                    left,
                    above.transpose(),
                    math_utils::neg(&math_utils::one::<T>()),
                    Par::Seq,
                );
            });
            rest = right;
        }
    }

    /// Replaces right-hand sides, one after the other in `sides`, by the solutions of A x = side.
    ///
    /// # Panics
    /// When `sides` is not whole sides.
    pub fn solve(&self, sides: &mut [T]) {
        let count = sides.len() / self.order;
        let factor = MatRef::from_column_major_slice(&self.factor, self.order, self.order);
        let mut memory = MemBuffer::new(solve::solve_in_place_scratch::<T>(self.order, count, Par::Seq));
        let sides = MatMut::from_column_major_slice_mut(sides, self.order, count);
        solve::solve_in_place(factor, sides, Par::Seq, MemStack::new(&mut memory));
    }
}

/// Factors a tile in its place, on and below the diagonal.
fn factor_tile<T: RealField>(tile: MatMut<'_, T>) -> Option<()> {
    let params = Spec::<factor::LltParams, T>::new(Auto::<T>::auto());
    let mut memory = MemBuffer::new(factor::cholesky_in_place_scratch::<T>(tile.nrows(), Par::Seq, params));
    let stack = MemStack::new(&mut memory);
    factor::cholesky_in_place(tile, factor::LltRegularization::default(), Par::Seq, stack, params).ok()?;
    Some(())
}

/// A column of tiles, from above.
fn tiles_of_column<T>(mut column: MatMut<'_, T>) -> Vec<MatMut<'_, T>> {
    let mut tiles = Vec::new();
    while column.nrows() > 0 {
        let rows = TILE.min(column.nrows());
        let (tile, rest) = column.split_at_row_mut(rows);
        tiles.push(tile);
        column = rest;
    }
    tiles
}

/// The tiles on and below the diagonal, each after its first row and column.
fn tiles<T>(mut rest: MatMut<'_, T>) -> Vec<(usize, usize, MatMut<'_, T>)> {
    let (mut tiles, mut first) = (Vec::new(), 0);
    while rest.ncols() > 0 {
        let columns = TILE.min(rest.ncols());
        let (column, right) = rest.split_at_col_mut(columns);
        let below = tiles_of_column(column.subrows_mut(first, right.nrows() - first));
        tiles.extend(below.into_iter().enumerate().map(|(index, tile)| (first + index * TILE, first, tile)));
        first += TILE;
        rest = right;
    }
    tiles
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::num::NonZeroUsize;

    fn team(threads: usize) -> Team {
        Team::new(NonZeroUsize::new(threads).expect("above 0"))
    }

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
        for order in [1, 2, 7, 64, TILE, TILE + 1, 2 * TILE + 45] {
            let (lower, whole) = matrix(order);
            let of =
                |threads| Cholesky::new(&team(threads), order, lower.clone()).expect("positive definite");
            let cholesky = of(1);
            let other = of(3);
            for at in (0..order * order).filter(|at| at % order >= at / order) {
                assert_eq!(other.factor[at], cholesky.factor[at], "threads");
            }
            let sides: Vec<f64> = (0..3 * order).map(|i| (i % 11) as f64 - 5.0).collect();
            let mut solved = sides.clone();
            cholesky.solve(&mut solved);
            for (x, side) in solved.chunks(order).zip(sides.chunks(order)) {
                for (row, expected) in whole.chunks(order).zip(side) {
                    let found: f64 = row.iter().zip(x).map(|(a, x)| a * x).sum();
                    assert!((found - expected).abs() < 1e-10, "order {order}: {found} {expected}");
                }
            }
            let single = lower.iter().map(|&a| a as f32).collect();
            let single = Cholesky::new(&team(2), order, single).expect("positive definite");
            let mut rough: Vec<f32> = sides.iter().map(|&side| side as f32).collect();
            single.solve(&mut rough);
            let largest = solved.iter().fold(0.0_f64, |most, x| most.max(x.abs()));
            let near = |(a, b): (&f32, &f64)| (f64::from(*a) - b).abs() < 1e-3 * largest;
            assert!(rough.iter().zip(&solved).all(near), "order {order}");
        }
    }

    #[test]
    fn what_is_not_positive_definite_is_refused() {
        assert!(Cholesky::new(&team(1), 2, vec![1.0, 2.0, 0.0, 1.0]).is_none());
        assert!(Cholesky::new(&team(1), 1, vec![f32::NAN]).is_none());
    }
}
