//! Every kernel against sums in f64, and the laws that make results independent of threads.

use super::{Kernel, Matrix, Table};
use crate::data::Features;
use proptest::prelude::*;
use std::ops::Range;

const ROWS: [usize; 6] = [0, 1, 3, 4, 5, 255];
const FEATURES: [usize; 8] = [1, 7, 15, 16, 17, 31, 33, 512];
const CLASSES: [usize; 9] = [1, 2, 3, 5, 7, 10, 11, 100, 160];

/// A product with all that it reads.
#[derive(Clone)]
struct Case {
    x: Features,
    /// D.
    width: usize,
    rows: Vec<u32>,
    features: Range<usize>,
    classes: usize,
    /// (K, F).
    weights: Vec<f32>,
    /// (B, K).
    slopes: Vec<f32>,
}

impl Case {
    /// `rows` of X in random order, the last row of X among them, and the last `panel` features: so
    /// the last byte of X is read, and nothing lies behind it.
    fn new(rows: usize, panel: usize, classes: usize, byte: impl Fn(u64) -> u8) -> Self {
        let mut state = 1 + (rows * 1_000_003 + panel * 1009 + classes) as u64;
        let mut next = move || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state
        };
        let n = rows.max(1) + 2;
        let width = panel + (next() % 4) as usize;
        // A boxed slice has nothing behind its end.
        let bytes: Box<[u8]> = (0..n * width).map(|_| byte(next())).collect();
        let mut listed: Vec<u32> = (0..rows).map(|_| (next() % n as u64) as u32).collect();
        if let Some(last) = listed.last_mut() {
            *last = n as u32 - 1;
        }
        let mut normal = || (next() >> 40) as f32 / (1 << 23) as f32 - 1.0;
        Self {
            x: Features::Bytes(bytes.into_vec()),
            width,
            rows: listed,
            features: width - panel..width,
            classes,
            weights: (0..classes * panel).map(|_| normal()).collect(),
            slopes: (0..rows * classes).map(|_| normal()).collect(),
        }
    }

    /// The same with floats that no byte holds, of either sign.
    fn of_floats(&self) -> Self {
        let values: Box<[f32]> = (0..self.x.len()).map(|at| self.x.get(at) / 7.0 - 9.1).collect();
        Self { x: Features::Floats(values.into_vec()), ..self.clone() }
    }

    /// The case itself, and of floats.
    fn of_both_kinds(self) -> [Self; 2] {
        [self.of_floats(), self]
    }

    fn x(&self) -> Matrix<'_> {
        self.x.rows(self.width)
    }

    /// Scores of some of the rows.
    fn scores(&self, kernel: Kernel, rows: &[u32]) -> Vec<f32> {
        // NaN would show an element that is not written.
        let mut out = vec![f32::NAN; rows.len() * self.classes];
        let features = self.features.clone();
        kernel.scores(self.x(), rows, features, &self.weights, self.classes, &mut out);
        out
    }

    fn gradient(&self, kernel: Kernel) -> Vec<f32> {
        let mut gradient = vec![0.0; self.weights.len()];
        let (rows, features) = (&self.rows[..], self.features.clone());
        kernel.add_gradient(self.x(), rows, features, &self.slopes, self.classes, &mut gradient);
        gradient
    }

    fn check_all(self) {
        for case in self.of_both_kinds() {
            Kernel::available().into_iter().for_each(|kernel| case.check(kernel));
        }
    }

    /// Compares with sums in f64. A sum of n terms in f32, in any order, is within n units of
    /// rounding, 2^-24, of the sum of their magnitudes; one more for the products.
    fn check(&self, kernel: Kernel) {
        let name = kernel.name();
        let panel = self.features.len();
        let x = |row: usize, f: usize| {
            f64::from(self.x.get(self.rows[row] as usize * self.width + self.features.start + f))
        };
        let scores = self.scores(kernel, &self.rows);
        for (row, scores) in scores.chunks(self.classes).enumerate() {
            for (k, &score) in scores.iter().enumerate() {
                let terms = (0..panel).map(|f| f64::from(self.weights[k * panel + f]) * x(row, f));
                assert_close(name, score, terms);
            }
        }
        for (k, gradient) in self.gradient(kernel).chunks(panel).enumerate() {
            for (f, &g) in gradient.iter().enumerate() {
                let slope = |row: usize| f64::from(self.slopes[row * self.classes + k]);
                let terms = (0..self.rows.len()).map(|row| slope(row) * x(row, f));
                assert_close(name, g, terms);
            }
        }
    }
}

/// Each case with each kernel.
fn on_every_kernel(cases: &[Case]) -> impl Iterator<Item = (&Case, Kernel)> {
    cases.iter().flat_map(|case| Kernel::available().into_iter().map(move |kernel| (case, kernel)))
}

fn assert_close(name: &str, sum: f32, terms: impl Iterator<Item = f64>) {
    let (exact, magnitude, count) =
        terms.fold((0.0, 0.0, 1.0), |(s, m, n), term| (s + term, m + term.abs(), n + 1.0));
    let bound = count * magnitude * f64::from(f32::EPSILON) / 2.0;
    let error = (f64::from(sum) - exact).abs();
    assert!(error <= bound, "{name}: {sum} for {exact}, error {error:e} beyond {bound:e}");
}

fn bits(values: &[f32]) -> Vec<u32> {
    values.iter().map(|value| value.to_bits()).collect()
}

#[test]
fn match_f64_sums_at_odd_sizes() {
    for rows in ROWS {
        for panel in FEATURES {
            for classes in CLASSES {
                // The largest products take most of the time and reach no other code.
                if rows * panel * classes < 1_500_000 {
                    let case = Case::new(rows, panel, classes, |random| (random >> 32) as u8);
                    case.check_all();
                }
            }
        }
    }
}

#[test]
fn match_f64_sums_on_whole_rows() {
    let case = Case::new(5, 3072, 10, |random| (random >> 32) as u8);
    case.check_all();
}

#[test]
fn match_f64_sums_of_extreme_bytes() {
    for byte in [0, 255] {
        let case = Case::new(33, 511, 10, move |_| byte);
        case.check_all();
    }
}

#[test]
fn scores_over_no_features_are_zero() {
    for kernel in Kernel::available() {
        let x = Matrix::Bytes(Table { values: &[1, 2, 3], width: 1 });
        let mut out = [f32::NAN; 6];
        kernel.scores(x, &[2, 0, 1], 1..1, &[], 2, &mut out);
        assert_eq!(bits(&out), [0; 6], "{}", kernel.name());
    }
}

/// The law that lets batches be split among threads: a row's scores are the same bits alone, in any
/// company and at any place.
#[test]
fn scores_of_a_row_do_not_depend_on_its_batch() {
    for (panel, classes) in [(512, 10), (33, 7), (700, 13), (5, 1), (100, 3)] {
        let cases = Case::new(23, panel, classes, |random| (random >> 32) as u8).of_both_kinds();
        for (case, kernel) in on_every_kernel(&cases) {
            let together = case.scores(kernel, &case.rows);
            for size in [1, 2, 3, 5] {
                let apart = case.rows.chunks(size).flat_map(|rows| case.scores(kernel, rows));
                let apart: Vec<f32> = apart.collect();
                assert_eq!(bits(&together), bits(&apart), "{} by {size}", kernel.name());
            }
        }
    }
}

/// The laws that let features be split among threads and rows among calls: a gradient element sums
/// the rows as listed, whatever the panel it lies in and wherever the rows are cut.
#[test]
fn gradients_sum_the_rows_in_order() {
    for (panel, classes) in [(96, 10), (49, 7), (23, 13), (5, 1)] {
        let cases = Case::new(37, panel, classes, |random| (random >> 32) as u8).of_both_kinds();
        for (case, kernel) in on_every_kernel(&cases) {
            let whole = case.gradient(kernel);

            let mut by_rows = vec![0.0; whole.len()];
            for (rows, slopes) in case.rows.chunks(5).zip(case.slopes.chunks(5 * classes)) {
                let features = case.features.clone();
                kernel.add_gradient(case.x(), rows, features, slopes, classes, &mut by_rows);
            }
            assert_eq!(bits(&whole), bits(&by_rows), "{} by rows", kernel.name());

            for f in 0..panel {
                let mut one = vec![0.0; classes];
                let at = case.features.start + f;
                kernel.add_gradient(case.x(), &case.rows[..], at..at + 1, &case.slopes, classes, &mut one);
                let expected: Vec<f32> = whole.iter().skip(f).step_by(panel).copied().collect();
                assert_eq!(bits(&one), bits(&expected), "{} by features", kernel.name());
            }
        }
    }
}

#[test]
fn rows_to_fetch_change_nothing() {
    let cases = Case::new(20, 200, 10, |random| (random >> 32) as u8).of_both_kinds();
    for (case, kernel) in on_every_kernel(&cases) {
        let mut ahead = vec![0.0; case.weights.len()];
        // Even rows that do not exist.
        let rows = super::Rows { now: &case.rows, next: &[0, 1, u32::MAX] };
        let features = case.features.clone();
        kernel.add_gradient(case.x(), rows, features, &case.slopes, case.classes, &mut ahead);
        assert_eq!(bits(&ahead), bits(&case.gradient(kernel)), "{}", kernel.name());
    }
}

#[test]
fn what_does_not_fit_is_refused() {
    let x = Matrix::Bytes(Table { values: &[0; 12], width: 4 });
    let refused = |rows: &[u32], features: Range<usize>, weights: usize, classes, out: usize| {
        let (weights, mut out) = (vec![0.0; weights], vec![0.0; out]);
        let call = || Kernel::detect().scores(x, rows, features, &weights, classes, &mut out);
        std::panic::catch_unwind(std::panic::AssertUnwindSafe(call)).is_err()
    };
    assert!(!refused(&[2], 0..4, 8, 2, 2));
    assert!(refused(&[3], 0..4, 8, 2, 2), "a row behind the last");
    assert!(refused(&[2], 0..5, 10, 2, 2), "a feature behind the last");
    assert!(refused(&[2], 0..4, 7, 2, 2), "too few weights");
    assert!(refused(&[2], 0..4, 8, 2, 3), "too many scores");
    assert!(refused(&[2], 0..4, 0, 0, 0), "no classes");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn match_f64_sums_of_any_shape(rows in 0..40_usize, panel in 1..700_usize, classes in 1..25_usize) {
        let case = Case::new(rows, panel, classes, |random| (random >> 32) as u8);
        case.check_all();
    }
}
