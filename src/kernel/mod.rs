//! The dense products that all training time goes into, over features held as bytes or floats.
//!
//! Two products make every loss and gradient of a linear classifier. For the listed rows i of X
//! (N x D) and a *panel* of features f in `features` (F of them):
//!
//! - [`Kernel::scores`]: `S[i, k] = sum_f W[k, f] X[i, f]`, shapes (B, K) from (K, F) and (B, F);
//! - [`Kernel::add_gradient`]: `G[k, f] += sum_i A[i, k] X[i, f]`, shapes (K, F) from (B, K) and (B, F).
//!
//! Working by panels of features makes results independent of the number of threads: a panel's
//! sums run over features and rows in a fixed order, panels own disjoint parts of W and G, and
//! whoever adds the panels' partial scores does so in panel order.
//!
//! [`Kernel::Plain`] is the reference that every fast path is tested against. Which one runs is
//! chosen once, by [`Kernel::detect`].

mod aligned;
#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod bytes;
mod dense;
mod element;
mod exp;
mod fixed;
mod gram;
mod moments;
#[cfg(target_arch = "aarch64")]
mod neon;
pub mod pages;
mod plain;
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
mod strips;
mod team;
#[cfg(test)]
mod tests;
mod whole;
mod wide;

pub use aligned::Aligned;
pub use bytes::ByteWeights;
pub use dense::{dense_gradient, dense_scores};
pub use exp::exp;
pub use fixed::{DIGITS, FixedWeights};
pub use gram::Gram;
pub use moments::Moments;
pub use team::Team;
pub use whole::{MOST_ROWS, Multiples, STRIP, WholeSlopes, WholeSums};
pub use wide::LANES;

use element::{Element, Kind};
use std::ops::Range;

/// What computes: an instruction set, and the threads that use it.
pub struct Compute {
    /// The instruction set.
    pub kernel: Kernel,
    /// The threads.
    pub team: Team,
}

/// X, of either kind of feature.
#[derive(Clone, Copy)]
pub enum Matrix<'a> {
    /// Whole numbers from 0 to 255.
    Bytes(Table<'a, u8>),
    /// Any numbers.
    Floats(Table<'a, f32>),
}

impl Matrix<'_> {
    /// D, features in a row.
    pub fn width(&self) -> usize {
        match self {
            Self::Bytes(x) => x.width,
            Self::Floats(x) => x.width,
        }
    }
}

/// N rows of `width` (D) features each, row-major.
#[derive(Clone, Copy)]
pub struct Table<'a, T> {
    /// N x D numbers.
    pub values: &'a [T],
    /// D, features in a row.
    pub width: usize,
}

impl<'a, T> Table<'a, T> {
    /// The numbers of `row` within `features`.
    #[inline]
    fn segment(&self, row: u32, features: &Range<usize>) -> &'a [T] {
        let start = row as usize * self.width;
        &self.values[start + features.start..start + features.end]
    }

    /// The numbers of `row`.
    ///
    /// # Panics
    /// When X has no such row.
    #[inline]
    pub fn row(&self, row: u32) -> &'a [T] {
        self.segment(row, &(0..self.width))
    }

    /// N; 0 for rows without features.
    fn len(&self) -> usize {
        self.values.len().checked_div(self.width).unwrap_or(0)
    }
}

/// Bytes of a cache line.
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
const LINE: usize = 64;

/// What a product reads of X, its lengths checked by [`check`].
struct Block<'a, T> {
    x: Table<'a, T>,
    /// The rows of X, in the order they are summed.
    rows: &'a [u32],
    /// The rows of X that the next product reads.
    next: &'a [u32],
    /// The panel.
    features: Range<usize>,
    /// K.
    classes: usize,
}

impl<'a, T> Block<'a, T> {
    /// The values of a row within the panel.
    #[inline]
    fn segment(&self, row: u32) -> &'a [T] {
        self.x.segment(row, &self.features)
    }

    /// L values of a row from feature `start` of X on: [`Block::segment`] without its comparisons, which between short
    /// loads take most of the time.
    ///
    /// # Safety
    /// `row` must be one of the block's (`rows` were checked), and `start..start + L` lie within its features.
    #[cfg(target_arch = "x86_64")]
    #[inline]
    unsafe fn values<const L: usize>(&self, row: u32, start: usize) -> &'a [T; L] {
        let at = row as usize * self.x.width + start;
        debug_assert!(at + L <= self.x.values.len() && start + L <= self.features.end);
        // SAFETY: by the caller, the L values lie within X.
        unsafe { &*self.x.values.as_ptr().add(at).cast() }
    }

    /// The values of several rows within `features`. (A closure in `map` would not be compiled for its caller's
    /// instruction set, and so not be inlined.)
    #[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
    #[inline]
    fn segments<const R: usize>(&self, rows: &[u32; R], features: &Range<usize>) -> [&'a [T]; R] {
        let mut segments = [&[][..]; R];
        for (segment, &row) in segments.iter_mut().zip(rows) {
            *segment = self.x.segment(row, features);
        }
        segments
    }

    /// The rows of the next product to fetch while feature `start` of the panel is worked on: all of
    /// them once a cache line, else none.
    #[cfg(target_arch = "x86_64")]
    fn next_at(&self, start: usize) -> &'a [u32] {
        if start.is_multiple_of(LINE / size_of::<T>()) { self.next } else { &[] }
    }

    /// Asks for a row's values within the panel.
    #[cfg(target_arch = "x86_64")]
    #[inline]
    fn prefetch_row(&self, row: u32) {
        for feature in self.features.clone().step_by(LINE / size_of::<T>()) {
            self.prefetch(row, feature);
        }
    }

    /// Asks for the cache line of an element of X, into the second-level cache: the first is in use.
    #[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
    #[inline]
    fn prefetch(&self, row: u32, feature: usize) {
        let offset = row as usize * self.x.width + feature;
        let address = self.x.values.as_ptr().wrapping_add(offset);
        // SAFETY: a prefetch is a hint: it neither faults nor shows, whatever the address.
        #[cfg(target_arch = "x86_64")]
        unsafe {
            use std::arch::x86_64::{_MM_HINT_T1, _mm_prefetch};
            _mm_prefetch::<_MM_HINT_T1>(address.cast());
        }
        // SAFETY: as above.
        #[cfg(target_arch = "aarch64")]
        unsafe {
            std::arch::asm!("prfm pldl2keep, [{}]", in(reg) address, options(nostack, readonly, preserves_flags));
        }
    }
}

/// Each row as chunks of L numbers, and what is left.
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
#[inline]
fn in_chunks<T, const R: usize, const L: usize>(rows: [&[T]; R]) -> [(&[[T; L]], &[T]); R] {
    let mut chunks = [(&[][..], &[][..]); R];
    for (chunks, row) in chunks.iter_mut().zip(rows) {
        *chunks = row.as_chunks();
    }
    chunks
}

/// The rows of a product, and those to fetch meanwhile.
///
/// Rows of a shuffle lie anywhere in memory, which the processor cannot foresee; asked for during
/// the products before, they have arrived when the next scores need them. It changes no result.
#[derive(Clone, Copy, Debug, Default)]
pub struct Rows<'a> {
    /// The rows of X, in the order they are summed.
    pub now: &'a [u32],
    /// The rows that the next product reads; those beyond X or beyond the length of `now` are left.
    pub next: &'a [u32],
}

impl<'a> From<&'a [u32]> for Rows<'a> {
    fn from(now: &'a [u32]) -> Self {
        Self { now, next: &[] }
    }
}

/// The instruction set the products run on.
///
/// The fast variants hold the proof that this processor has theirs, so only [`Kernel::detect`] and
/// [`Kernel::available`] make them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kernel {
    /// Portable code, the reference.
    Plain,
    /// AVX-512 (F, BW and VL).
    #[cfg(target_arch = "x86_64")]
    Avx512(avx512::Avx512),
    /// AVX2 with FMA.
    #[cfg(target_arch = "x86_64")]
    Avx2(avx2::Avx2),
    /// NEON.
    #[cfg(target_arch = "aarch64")]
    Neon(neon::Neon),
}

impl Kernel {
    /// The fastest kernel this processor can run.
    pub fn detect() -> Self {
        Self::available().first().copied().unwrap_or(Self::Plain)
    }

    /// Every kernel this processor can run, the fastest first and [`Kernel::Plain`] last.
    pub fn available() -> Vec<Self> {
        let mut kernels = Vec::new();
        #[cfg(target_arch = "x86_64")]
        {
            kernels.extend(avx512::Avx512::detect().map(Self::Avx512));
            kernels.extend(avx2::Avx2::detect().map(Self::Avx2));
        }
        #[cfg(target_arch = "aarch64")]
        kernels.extend(neon::Neon::detect().map(Self::Neon));
        kernels.push(Self::Plain);
        kernels
    }

    /// A short name for logs and results.
    pub fn name(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            #[cfg(target_arch = "x86_64")]
            Self::Avx512(_) => "avx512",
            #[cfg(target_arch = "x86_64")]
            Self::Avx2(_) => "avx2",
            #[cfg(target_arch = "aarch64")]
            Self::Neon(_) => "neon",
        }
    }

    /// The byte dot products, where the processor has them and this kernel may use them.
    #[cfg(target_arch = "x86_64")]
    fn byte_dots(self) -> Option<gram::vnni::Vnni> {
        if matches!(self, Self::Avx512(_)) { gram::vnni::Vnni::detect() } else { None }
    }

    /// Runs `work` as a function of its own, with what is inlined into it compiled for this instruction set: for this a
    /// closure needs `#[inline(always)]` too.
    ///
    /// The same bits for every kernel: the compiler may make a loop's lanes as wide as the processor has them, but
    /// neither reorders sums nor fuses multiplications with additions.
    #[inline]
    pub fn dispatch<R>(self, work: impl FnOnce() -> R) -> R {
        match self {
            Self::Plain => work(),
            #[cfg(target_arch = "x86_64")]
            Self::Avx512(kernel) => kernel.dispatch(work),
            #[cfg(target_arch = "x86_64")]
            Self::Avx2(kernel) => kernel.dispatch(work),
            #[cfg(target_arch = "aarch64")]
            Self::Neon(kernel) => kernel.dispatch(work),
        }
    }

    /// `out[i K + k] = sum over f of weights[k F + f] x[rows[i], features.start + f]`, overwriting `out`.
    ///
    /// `weights` is (K, F) and `out` (B, K), both row-major; K is `classes`, B the number of rows.
    ///
    /// # Panics
    /// When a length does not match, or a row or feature lies outside X.
    pub fn scores(
        self,
        x: Matrix<'_>,
        rows: &[u32],
        features: Range<usize>,
        weights: &[f32],
        classes: usize,
        out: &mut [f32],
    ) {
        match x {
            Matrix::Bytes(x) => self.scores_of(x, rows, features, weights, classes, out),
            Matrix::Floats(x) => self.scores_of(x, rows, features, weights, classes, out),
        }
    }

    fn scores_of<T: Element>(
        self,
        x: Table<'_, T>,
        rows: &[u32],
        features: Range<usize>,
        weights: &[f32],
        classes: usize,
        out: &mut [f32],
    ) {
        check(x, rows, &features, weights.len(), out.len(), classes);
        let block = Block { x, rows, next: &[], features, classes };
        match self {
            Self::Plain => plain::scores(&block, weights, out),
            #[cfg(target_arch = "x86_64")]
            Self::Avx512(kernel) => kernel.scores(&block, weights, out),
            #[cfg(target_arch = "x86_64")]
            Self::Avx2(kernel) => kernel.scores(&block, weights, out),
            #[cfg(target_arch = "aarch64")]
            Self::Neon(kernel) => kernel.scores(&block, weights, out),
        }
    }

    /// `gradient[k F + f] += sum over i of slopes[i K + k] x[rows[i], features.start + f]`.
    ///
    /// `slopes` is (B, K) and `gradient` (K, F), both row-major; K is `classes`, B the number of rows.
    ///
    /// The rows are added one after the other, so two calls give the same bits as one with the rows
    /// of both.
    ///
    /// # Panics
    /// When a length does not match, or a row or feature lies outside X.
    pub fn add_gradient<'r>(
        self,
        x: Matrix<'_>,
        rows: impl Into<Rows<'r>>,
        features: Range<usize>,
        slopes: &[f32],
        classes: usize,
        gradient: &mut [f32],
    ) {
        match x {
            Matrix::Bytes(x) => self.add_gradient_of(x, rows.into(), features, slopes, classes, gradient),
            Matrix::Floats(x) => self.add_gradient_of(x, rows.into(), features, slopes, classes, gradient),
        }
    }

    fn add_gradient_of<T: Element>(
        self,
        x: Table<'_, T>,
        Rows { now: rows, next }: Rows<'_>,
        features: Range<usize>,
        slopes: &[f32],
        classes: usize,
        gradient: &mut [f32],
    ) {
        check(x, rows, &features, gradient.len(), slopes.len(), classes);
        let block = Block { x, rows, next, features, classes };
        match self {
            Self::Plain => plain::add_gradient(&block, slopes, gradient),
            #[cfg(target_arch = "x86_64")]
            Self::Avx512(kernel) => kernel.add_gradient(&block, slopes, gradient),
            #[cfg(target_arch = "x86_64")]
            Self::Avx2(kernel) => kernel.add_gradient(&block, slopes, gradient),
            #[cfg(target_arch = "aarch64")]
            Self::Neon(kernel) => kernel.add_gradient(&block, slopes, gradient),
        }
    }
}

/// The conditions that make every access of the kernels lie inside its slice.
fn check<T: Copy>(
    x: Table<'_, T>,
    rows: &[u32],
    features: &Range<usize>,
    panel_len: usize,
    batch_len: usize,
    classes: usize,
) {
    assert!(classes > 0, "no classes");
    assert!(
        features.end <= x.width && features.start <= features.end,
        "features {features:?} of {}",
        x.width
    );
    assert_eq!(panel_len, classes * features.len(), "a panel is K x F");
    assert_eq!(batch_len, classes * rows.len(), "a batch is B x K");
    let n = x.len();
    assert!(rows.iter().all(|&r| (r as usize) < n), "a row lies outside the {n} rows of X");
}
