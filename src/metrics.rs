//! What a classifier's scores are worth: accuracy with its interval, top-k, the confusion matrix and what derives
//! from it.

use crate::objective::argmax;
use ndarray::Array2;

/// Counts over a set of scored examples.
#[derive(Clone, Debug, PartialEq)]
pub struct Evaluation {
    /// `confusion[[y, p]]`: examples of class y predicted as p, (K, K).
    pub confusion: Array2<u64>,
    /// `within[r]`: examples whose label has at most r classes scored higher (or as high and of a lower number).
    within: Vec<u64>,
}

impl Evaluation {
    /// Nothing counted yet, for K classes.
    pub fn new(classes: usize) -> Self {
        Self { confusion: Array2::zeros((classes, classes)), within: vec![0; classes] }
    }

    /// Counts a batch of scores (B, K) with their labels.
    pub fn add(&mut self, scores: &[f32], labels: &[u16]) {
        for (scores, &label) in scores.chunks_exact(self.within.len()).zip(labels) {
            let label = usize::from(label);
            self.confusion[[label, argmax(scores)]] += 1;
            let own = scores[label];
            let ahead = |(class, &score): (usize, &f32)| score > own || (score == own && class < label);
            let rank = scores.iter().enumerate().filter(|&entry| ahead(entry)).count();
            self.within[rank] += 1;
        }
    }

    /// Adds the counts of `other`.
    pub fn merge(&mut self, other: &Self) {
        self.confusion += &other.confusion;
        self.within.iter_mut().zip(&other.within).for_each(|(sum, count)| *sum += count);
    }

    /// Examples counted.
    pub fn count(&self) -> u64 {
        self.confusion.sum()
    }

    /// Examples predicted right.
    pub fn correct(&self) -> u64 {
        self.confusion.diag().sum()
    }

    /// Share predicted right.
    pub fn accuracy(&self) -> f64 {
        ratio(self.correct(), self.count())
    }

    /// Share whose label is among the `k` highest scores.
    pub fn top(&self, k: usize) -> f64 {
        ratio(self.within.iter().take(k).sum(), self.count())
    }

    /// Of the examples predicted as `class`, the share that is; not a number if none was.
    pub fn precision(&self, class: usize) -> f64 {
        ratio(self.confusion[[class, class]], self.confusion.column(class).sum())
    }

    /// Of the examples of `class`, the share predicted as it; not a number if there is none.
    pub fn recall(&self, class: usize) -> f64 {
        ratio(self.confusion[[class, class]], self.confusion.row(class).sum())
    }

    /// The class that every example was predicted as, if there is one and the data has more.
    pub fn only_prediction(&self) -> Option<usize> {
        let predicted: Vec<usize> =
            (0..self.within.len()).filter(|&class| self.confusion.column(class).sum() > 0).collect();
        let labels = self.confusion.rows().into_iter().filter(|row| row.sum() > 0).count();
        (predicted.len() == 1 && labels > 1).then(|| predicted[0])
    }
}

fn ratio(part: u64, whole: u64) -> f64 {
    part as f64 / whole as f64
}

/// The 97.5% point of the normal distribution.
const Z: f64 = 1.959_963_984_540_054;

/// By how much one classifier's accuracy is above another's on the same examples, and the 95% interval of that: (d, low,
/// high), d = (b - c) / N with the normal interval d +- z sqrt(b + c - (b - c)^2 / N) / N, where b examples are right for
/// the first alone and c for the second alone (McNemar 1947). Classifiers that are alike are told apart by it where
/// their own intervals overlap: most examples are easy for both or hard for both, and say nothing of the difference.
/// `None` unless both have the same number of examples, above 0.
pub fn paired_difference(first: &[bool], second: &[bool]) -> Option<[f64; 3]> {
    if first.len() != second.len() || first.is_empty() {
        return None;
    }
    let alone = |a: &[bool], b: &[bool]| a.iter().zip(b).filter(|(a, b)| **a && !**b).count() as f64;
    let (b, c) = (alone(first, second), alone(second, first));
    let n = first.len() as f64;
    let difference = (b - c) / n;
    let half = Z * (b + c - (b - c) * (b - c) / n).sqrt() / n;
    Some([difference, difference - half, difference + half])
}

/// Wilson's 95% interval of a share: where the true accuracy lies, given `correct` of `count` (Wilson 1927).
pub fn wilson_interval(correct: u64, count: u64) -> (f64, f64) {
    let n = count as f64;
    let share = correct as f64 / n;
    let spread = 1.0 + Z * Z / n;
    let centre = (share + Z * Z / (2.0 * n)) / spread;
    let half = Z / spread * (share * (1.0 - share) / n + Z * Z / (4.0 * n * n)).sqrt();
    ((centre - half).max(0.0), (centre + half).min(1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn evaluation() -> Evaluation {
        let mut evaluation = Evaluation::new(3);
        // Predicted 0, 2, 1 (a tie goes to the lower class), 0.
        let scores = [3.0, 1.0, 2.0, 0.0, 1.0, 2.0, 1.0, 5.0, 5.0, 9.0, 8.0, 7.0];
        evaluation.add(&scores, &[0, 1, 2, 2]);
        evaluation
    }

    #[test]
    fn counts_by_hand() {
        let found = evaluation();
        assert_eq!(found.confusion, ndarray::array![[1, 0, 0], [0, 0, 1], [1, 1, 0]]);
        assert_eq!((found.correct(), found.count()), (1, 4));
        assert_eq!([1, 2, 3].map(|k| found.top(k)), [0.25, 0.75, 1.0]);
        assert_eq!((found.precision(0), found.recall(0)), (0.5, 1.0));
        assert_eq!((found.precision(1), found.recall(2)), (0.0, 0.0));
        assert_eq!(found.only_prediction(), None);
    }

    #[test]
    fn a_single_prediction_is_noticed() {
        let mut one = Evaluation::new(2);
        one.add(&[1.0, 0.0, 1.0, 0.0], &[0, 1]);
        assert_eq!(one.only_prediction(), Some(0));
        assert!(one.precision(1).is_nan());
    }

    /// 30 of 200 right for the first alone, 16 for the second: worked out from the formula in Python with z =
    /// 1.959963984540054.
    #[test]
    fn a_difference_on_the_same_examples() {
        let of = |from: usize, to: usize| (0..200).map(|at| (from..to).contains(&at)).collect::<Vec<_>>();
        let [difference, low, high] = paired_difference(&of(0, 130), &of(30, 146)).expect("same examples");
        assert!((difference - 0.07).abs() < 1e-12, "{difference}");
        assert!((low - 0.004_246_202).abs() < 1e-9 && (high - 0.135_753_798).abs() < 1e-9, "{low} {high}");
        assert_eq!(paired_difference(&of(0, 9), &of(0, 9)), Some([0.0; 3]));
        assert_eq!(paired_difference(&of(0, 9), &[true]), None);
        assert_eq!(paired_difference(&[], &[]), None);
    }

    /// 3,938 of 10,000 and 0 of 10, worked out from Wilson's formula in Python with z = 1.959963984540054.
    #[test]
    fn wilsons_interval() {
        let (low, high) = wilson_interval(3938, 10_000);
        assert!((low - 0.384_266_317).abs() < 1e-9 && (high - 0.403_415_244).abs() < 1e-9, "{low} {high}");
        let (low, high) = wilson_interval(0, 10);
        assert!(low == 0.0 && (high - 0.277_532_8).abs() < 1e-8, "{low} {high}");
    }
}
