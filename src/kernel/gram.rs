//! The Gram matrix G = X^T X of byte rows, exact: `G[f, g] = sum_n X[n, f] X[n, g]`, (D, D), and the column sums
//! `S[f] = sum_n X[n, f]`, (D).
//!
//! Both are sums of integers, so neither threads nor instruction sets nor the order of the rows change a bit. G is
//! symmetric: only its lower half is computed and kept.
//!
//! Rows are packed [`SHARE_ROWS`] at a time so that four rows of a feature are neighbours, which is what byte dot
//! products read. The half of G is cut into square blocks of [`BLOCK`] features, one thread's work each; a block's sums
//! are `i32` in tiles of 8 x 48, emptied into `i64` before they can overflow. Byte dot products multiply unsigned by
//! signed bytes, so one side is x - 128:
//!
//! ```text
//! sum_n x_nf x_ng = sum_n x_nf (x_ng - 128) + 128 S[f]
//! ```

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
pub(super) mod vnni;

use super::{Compute, Kernel, Table};
use std::ops::Range;

/// Features of a block, at most: eight panels, whose sums fit the second-level cache.
const BLOCK: usize = 8 * PANEL;
/// Features that are packed together, and rows of a tile's sums: three registers of sixteen.
const PANEL: usize = 48;
/// Columns of a tile's sums: each multiplies a whole panel.
const TILE: usize = 8;
/// Rows a dot product sums at once.
const LANE: usize = 4;
/// Rows a tile sums at a time: a panel of them stays in the first-level cache.
const PASS_ROWS: usize = 512;
/// Rows that are packed at a time, for all blocks to share.
const SHARE_ROWS: usize = 8 * PASS_ROWS;
/// Rows whose sums fit an `i32`: a product is at most 128 * 255 in magnitude.
const FLUSH_ROWS: usize = 1 << 16;

const _: () = assert!(FLUSH_ROWS * 128 * 255 <= i32::MAX as usize && FLUSH_ROWS.is_multiple_of(SHARE_ROWS));
const _: () = assert!(PASS_ROWS.is_multiple_of(LANE) && PANEL.is_multiple_of(TILE));

/// Four rows of one feature.
type Quad = [u8; LANE];
/// Quads of a panel's features.
type Packed = [Quad; PANEL];
/// `sums[c][r]` is of the tile's column c and the panel's feature r.
type Tile = [[i32; PANEL]; TILE];

/// A block of G: each feature of one cut with each of another.
struct Block {
    /// Which cut of the features.
    column: usize,
    /// Which cut, the same or a later one.
    row: usize,
    /// Tile after tile down the panels of `row`, then across `column`.
    tiles: Vec<Tile>,
}

/// X^T X and the column sums of some rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gram {
    /// Rows summed.
    pub rows: usize,
    /// S (D).
    pub sums: Vec<i64>,
    /// G[g, f] for g >= f, column f after column f - 1.
    lower: Vec<i64>,
}

impl Gram {
    /// Sums the listed `rows` of `x`.
    ///
    /// # Panics
    /// When a row lies outside X.
    pub fn new(compute: &Compute, x: Table<'_, u8>, rows: &[u32]) -> Self {
        Self::with(Dot::of(compute.kernel), compute, x, rows)
    }

    fn with(dot: Dot, compute: &Compute, x: Table<'_, u8>, rows: &[u32]) -> Self {
        let width = x.width;
        let n = x.len();
        assert!(rows.iter().all(|&row| (row as usize) < n), "a row lies outside the {n} rows of X");
        let cuts: Vec<Range<usize>> =
            (0..width).step_by(BLOCK).map(|start| start..width.min(start + BLOCK)).collect();
        let sums = compute.team.map(cuts.len(), |index| {
            compute.kernel.dispatch(
                #[inline(always)]
                || column_sums(x, rows, &cuts[index]),
            )
        });
        let sums = sums.concat();

        let places = (0..cuts.len()).flat_map(|column| (column..cuts.len()).map(move |row| (column, row)));
        let mut blocks: Vec<Block> = places.map(|(column, row)| Block::new(column, row, &cuts)).collect();
        let mut packed: Vec<Vec<Packed>> = vec![Vec::new(); cuts.len()];
        let mut lower = vec![0; width * (width + 1) / 2];
        for rows in rows.chunks(FLUSH_ROWS) {
            for rows in rows.chunks(SHARE_ROWS) {
                compute.team.for_each(&mut packed, |index, packed| pack(x, rows, &cuts[index], packed));
                compute.team.for_each(&mut blocks, |_, block| block.add(dot, &packed, &cuts, rows.len()));
            }
            blocks.iter_mut().for_each(|block| block.flush(&cuts, width, &mut lower));
        }
        for (f, sum) in sums.iter().enumerate() {
            lower[place(width, f)..][..width - f].iter_mut().for_each(|product| *product += 128 * sum);
        }
        Self { rows: rows.len(), sums, lower }
    }

    /// That of the rows which `other`, a part of them, did not sum: exact, since all are integers.
    ///
    /// # Panics
    /// When `other` has another width, or more rows.
    #[must_use]
    pub fn without(mut self, other: &Self) -> Self {
        assert_eq!(self.width(), other.width(), "Gram matrices of the same features");
        assert!(self.rows >= other.rows, "a part has no more rows than the whole");
        self.rows -= other.rows;
        self.sums.iter_mut().zip(&other.sums).for_each(|(sum, part)| *sum -= part);
        self.lower.iter_mut().zip(&other.lower).for_each(|(product, part)| *product -= part);
        self
    }

    /// D.
    pub fn width(&self) -> usize {
        self.sums.len()
    }

    /// G[f.., f]: column `f` from the diagonal down, D - f elements.
    pub fn column(&self, f: usize) -> &[i64] {
        &self.lower[place(self.width(), f)..][..self.width() - f]
    }
}

/// Where column `f` begins among the columns of a lower half of width D.
fn place(width: usize, f: usize) -> usize {
    // Columns 0 to f - 1 have D, D - 1, ... elements.
    f * (2 * width + 1 - f) / 2
}

/// S of some features.
#[inline(always)]
fn column_sums(x: Table<'_, u8>, rows: &[u32], features: &Range<usize>) -> Vec<i64> {
    let mut total = vec![0_i64; features.len()];
    let mut part = vec![0_u32; features.len()];
    for rows in rows.chunks(FLUSH_ROWS) {
        part.fill(0);
        for &row in rows {
            let bytes = x.segment(row, features);
            part.iter_mut().zip(bytes).for_each(|(sum, &byte)| *sum += u32::from(byte));
        }
        total.iter_mut().zip(&part).for_each(|(total, &sum)| *total += i64::from(sum));
    }
    total
}

impl Block {
    fn new(column: usize, row: usize, cuts: &[Range<usize>]) -> Self {
        let (across, down) = (cuts[column].len().div_ceil(PANEL), cuts[row].len().div_ceil(PANEL));
        Self { column, row, tiles: vec![[[0; PANEL]; TILE]; across * (PANEL / TILE) * down] }
    }

    /// Adds `count` rows, as [`pack`] left them for each cut.
    fn add(&mut self, dot: Dot, packed: &[Vec<Packed>], cuts: &[Range<usize>], count: usize) {
        let (columns, below) = (&cuts[self.column], &cuts[self.row]);
        let (across, down) = (columns.len().div_ceil(PANEL), below.len().div_ceil(PANEL));
        let (mut left, mut right) = (&packed[self.column][..], &packed[self.row][..]);
        for start in (0..count).step_by(PASS_ROWS) {
            let quads = PASS_ROWS.min(count - start).div_ceil(LANE);
            let (left_now, left_rest) = left.split_at(across * quads);
            let (right_now, right_rest) = right.split_at(down * quads);
            for (strip, tiles) in self.tiles.chunks_exact_mut(down).enumerate() {
                let (panel, first) = (strip / (PANEL / TILE), strip % (PANEL / TILE) * TILE);
                let left = &left_now[panel * quads..][..quads];
                for (row, (tile, right)) in tiles.iter_mut().zip(right_now.chunks_exact(quads)).enumerate() {
                    let above = below.start + (row + 1) * PANEL <= columns.start + panel * PANEL + first;
                    if !above {
                        dot.add(left, first, right, tile);
                    }
                }
            }
            (left, right) = (left_rest, right_rest);
        }
    }

    /// Moves the sums to their places in the lower half of G; a block on the diagonal keeps its upper half back.
    fn flush(&mut self, cuts: &[Range<usize>], width: usize, lower: &mut [i64]) {
        let (columns, below) = (&cuts[self.column], &cuts[self.row]);
        let down = below.len().div_ceil(PANEL);
        for (column, f) in columns.clone().enumerate() {
            let tiles = &self.tiles[column / TILE * down..][..down];
            let from = below.start.max(f);
            let to = &mut lower[place(width, f) + from - f..][..below.end - from];
            let sums = tiles.iter().flat_map(|tile| &tile[column % TILE]).skip(from - below.start);
            to.iter_mut().zip(sums).for_each(|(to, &sum)| *to += i64::from(sum));
        }
        self.tiles.fill([[0; PANEL]; TILE]);
    }
}

/// Packs `features` of `rows`: pass after pass of rows, of each pass panel after panel, of each panel four rows after
/// four rows. What is missing of the last four rows and of the last panel is 0.
fn pack(x: Table<'_, u8>, rows: &[u32], features: &Range<usize>, packed: &mut Vec<Packed>) {
    packed.clear();
    for rows in rows.chunks(PASS_ROWS) {
        for start in features.clone().step_by(PANEL) {
            let panel = start..features.end.min(start + PANEL);
            for rows in rows.chunks(LANE) {
                let mut lanes = [[0; PANEL]; LANE];
                for (lane, &row) in lanes.iter_mut().zip(rows) {
                    lane[..panel.len()].copy_from_slice(x.segment(row, &panel));
                }
                let [a, b, c, d] = &lanes;
                packed.push(std::array::from_fn(|f| [a[f], b[f], c[f], d[f]]));
            }
        }
    }
}

/// What multiplies and adds the bytes of a tile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Dot {
    /// Portable code, the reference.
    Plain,
    /// Sixteen-bit products, on AVX2.
    #[cfg(target_arch = "x86_64")]
    Avx2(avx2::Avx2),
    /// Byte dot products, on AVX-512 with VNNI.
    #[cfg(target_arch = "x86_64")]
    Vnni(vnni::Vnni),
}

impl Dot {
    /// The fastest that goes with `kernel`.
    fn of(kernel: Kernel) -> Self {
        match kernel {
            Kernel::Plain => Self::Plain,
            #[cfg(target_arch = "aarch64")]
            Kernel::Neon(_) => Self::Plain,
            #[cfg(target_arch = "x86_64")]
            Kernel::Avx512(_) | Kernel::Avx2(_) => {
                let fast = kernel.byte_dots();
                let wide = || avx2::Avx2::detect().map_or(Self::Plain, Self::Avx2);
                fast.map_or_else(wide, Self::Vnni)
            }
        }
    }

    /// `sums[c][r] += sum over quads q and rows l of them of left[q][first + c][l] (right[q][r][l] - 128)`.
    ///
    /// Where there is no row, both are 0, and so is the product; where there is no feature, nobody reads the sum.
    fn add(self, left: &[Packed], first: usize, right: &[Packed], sums: &mut Tile) {
        match self {
            Self::Plain => plain(left, first, right, sums),
            #[cfg(target_arch = "x86_64")]
            Self::Avx2(dot) => dot.add(left, first, right, sums),
            #[cfg(target_arch = "x86_64")]
            Self::Vnni(dot) => dot.add(left, first, right, sums),
        }
    }
}

/// See [`Dot::add`].
fn plain(left: &[Packed], first: usize, right: &[Packed], sums: &mut Tile) {
    for (left, right) in left.iter().zip(right) {
        for (left, sums) in left[first..first + TILE].iter().zip(sums.iter_mut()) {
            for (right, sum) in right.iter().zip(sums.iter_mut()) {
                let products = left.iter().zip(right).map(|(&l, &r)| i32::from(l) * (i32::from(r) - 128));
                *sum += products.sum::<i32>();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::Team;
    use std::num::NonZeroUsize;

    fn every_dot() -> Vec<Dot> {
        let mut dots: Vec<Dot> = Kernel::available().into_iter().map(Dot::of).collect();
        dots.dedup();
        dots
    }

    fn compute(threads: usize) -> Compute {
        let threads = NonZeroUsize::new(threads).expect("above 0");
        Compute { kernel: Kernel::Plain, team: Team::new(threads) }
    }

    fn check(width: usize, count: usize, rows: &[u32], byte: impl Fn(usize) -> u8) {
        let bytes: Vec<u8> = (0..width * count).map(byte).collect();
        let x = Table { values: &bytes, width };
        let value = |row: u32, f: usize| i64::from(bytes[row as usize * width + f]);
        for dot in every_dot() {
            let one = Gram::with(dot, &compute(1), x, rows);
            assert_eq!((one.rows, one.width()), (rows.len(), width));
            for f in 0..width {
                let sum: i64 = rows.iter().map(|&row| value(row, f)).sum();
                assert_eq!(one.sums[f], sum, "{dot:?}");
                let column: Vec<i64> =
                    (f..width).map(|g| rows.iter().map(|&row| value(row, f) * value(row, g)).sum()).collect();
                assert_eq!(one.column(f), column, "{dot:?}: column {f} of {width}, {} rows", rows.len());
            }
            assert_eq!(Gram::with(dot, &compute(3), x, rows), one, "{dot:?}");
        }
    }

    fn noise(index: usize) -> u8 {
        ((index as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 40) as u8
    }

    #[test]
    fn equals_plain_sums_at_odd_sizes() {
        for width in [1, 7, 47, 48, 49, 97, 385] {
            for count in [1, 3, 4, 5, 30] {
                let rows: Vec<u32> = (0..count as u32).rev().collect();
                check(width, count, &rows, noise);
            }
        }
        check(50, 600, &(0..600).filter(|row| row % 7 != 3).collect::<Vec<u32>>(), noise);
        check(5, 4, &[], noise);
    }

    #[test]
    fn a_whole_without_a_part_is_the_rest() {
        let bytes: Vec<u8> = (0..50 * 60).map(noise).collect();
        let x = Table { values: &bytes, width: 50 };
        let (part, rest): (Vec<u32>, Vec<u32>) = (0..60).partition(|row| row % 3 == 1);
        let of = |rows: &[u32]| Gram::new(&compute(1), x, rows);
        let whole = of(&(0..60).collect::<Vec<u32>>());
        assert_eq!(whole.without(&of(&part)), of(&rest));
    }

    #[test]
    fn extreme_bytes_do_not_overflow() {
        // More rows than an i32 holds sums of, all of one row.
        let rows = vec![0_u32; FLUSH_ROWS + 4097];
        check(3, 1, &rows, |_| 255);
        check(3, 1, &rows, |_| 0);
        check(3, 1, &rows, |index| [0, 255, 128][index]);
    }
}
