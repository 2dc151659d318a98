//! The dense products that all training time goes into, over images held as bytes.
//!
//! Two products make every loss and gradient of a linear classifier. For the listed rows i of X
//! (bytes, N x D) and a *panel* of features f in `features` (F of them):
//!
//! - [`Kernel::scores`]: `S[i, k] = sum_f W[k, f] X[i, f]`, shapes (B, K) from (K, F) and (B, F);
//! - [`Kernel::add_gradient`]: `G[k, f] += sum_i A[i, k] X[i, f]`, shapes (K, F) from (B, K) and (B, F).
//!
//! Working by panels of features makes results independent of the number of threads: a panel's
//! sums run over features and rows in a fixed order, panels own disjoint parts of W and G, and
//! whoever adds the panels' partial scores does so in panel order.
//!
//! [`plain`] is the reference that every fast path is tested against. Which one runs is chosen once,
//! by [`Kernel::detect`].

mod plain;
mod team;

pub use team::Team;

use std::ops::Range;

/// e^x
pub fn exp(x: f32) -> f32 {
    x.exp()
}

/// What computes: an instruction set, and the threads that use it.
pub struct Compute {
    /// The instruction set.
    pub kernel: Kernel,
    /// The threads.
    pub team: Team,
}

/// Images as bytes: N rows of `width` (D) features each, row-major.
#[derive(Clone, Copy)]
pub struct ByteRows<'a> {
    /// N x D bytes.
    pub bytes: &'a [u8],
    /// D, features in a row.
    pub width: usize,
}

impl<'a> ByteRows<'a> {
    /// The bytes of `row` within `features`.
    #[inline]
    pub fn segment(&self, row: u32, features: &Range<usize>) -> &'a [u8] {
        let start = row as usize * self.width;
        &self.bytes[start + features.start..start + features.end]
    }
}

/// The instruction set the products run on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kernel {
    /// Portable code, the reference.
    Plain,
}

impl Kernel {
    /// The fastest kernel this processor can run.
    pub fn detect() -> Self {
        Self::Plain
    }

    /// All that this processor can run.
    pub fn available() -> Vec<Self> {
        vec![Self::Plain]
    }

    /// A short name for logs and results.
    pub fn name(self) -> &'static str {
        match self {
            Self::Plain => "plain",
        }
    }

    /// `out[i K + k] = sum over f of weights[k F + f] x[rows[i], features.start + f]`, overwriting `out`.
    ///
    /// `weights` is (K, F) and `out` (rows.len(), K), both row-major; K is `classes`.
    ///
    /// # Panics
    /// When a length does not match, or a row or feature lies outside X.
    pub fn scores(
        self,
        x: ByteRows<'_>,
        rows: &[u32],
        features: Range<usize>,
        weights: &[f32],
        classes: usize,
        out: &mut [f32],
    ) {
        check(x, rows, &features, weights.len(), out.len(), classes);
        match self {
            Self::Plain => plain::scores(x, rows, features, weights, classes, out),
        }
    }

    /// `gradient[k F + f] += sum over i of slopes[i K + k] x[rows[i], features.start + f]`.
    ///
    /// `slopes` is (rows.len(), K) and `gradient` (K, F), both row-major; K is `classes`.
    ///
    /// # Panics
    /// When a length does not match, or a row or feature lies outside X.
    pub fn add_gradient(
        self,
        x: ByteRows<'_>,
        rows: &[u32],
        features: Range<usize>,
        slopes: &[f32],
        classes: usize,
        gradient: &mut [f32],
    ) {
        check(x, rows, &features, gradient.len(), slopes.len(), classes);
        match self {
            Self::Plain => plain::gradient(x, rows, features, slopes, classes, gradient),
        }
    }
}

/// The conditions that make every access of the kernels lie inside its slice.
fn check(
    x: ByteRows<'_>,
    rows: &[u32],
    features: &Range<usize>,
    panel_len: usize,
    batch_len: usize,
    classes: usize,
) {
    assert!(
        features.end <= x.width && features.start <= features.end,
        "features {features:?} of {}",
        x.width
    );
    assert_eq!(panel_len, classes * features.len(), "a panel is K x F");
    assert_eq!(batch_len, classes * rows.len(), "a batch is B x K");
    let n = x.bytes.len() / x.width.max(1);
    assert!(rows.iter().all(|&r| (r as usize) < n), "a row lies outside the {n} rows of X");
}
