//! What a classifier answers, in numbers that people can weigh.

use super::{Loss, argmax, probabilities};

impl Loss {
    /// Turns the scores (K) of an example into probabilities (softmax), or into margins: a class's score less the
    /// highest of the others (SVM). Returns the class with the highest one.
    pub fn answers(self, scores: &mut [f64]) -> usize {
        let best = argmax(scores);
        match self {
            Self::Softmax => {
                probabilities(scores);
            }
            Self::Svm { .. } => {
                let highest = scores[best];
                let others = scores.iter().enumerate().filter(|&(class, _)| class != best);
                let second = others.map(|(_, &score)| score).fold(f64::NEG_INFINITY, f64::max);
                for (class, score) in scores.iter_mut().enumerate() {
                    *score -= if class == best { second } else { highest };
                }
            }
        }
        best
    }

    /// What the answers are: "probability" or "margin".
    pub fn answer_name(self) -> &'static str {
        match self {
            Self::Softmax => "probability",
            Self::Svm { .. } => "margin",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn probabilities_and_margins_by_hand() {
        let mut scores = [0.0, 3_f64.ln(), 0.0];
        assert_eq!(Loss::Softmax.answers(&mut scores), 1);
        assert!(scores.iter().zip([0.2, 0.6, 0.2]).all(|(a, b)| (a - b).abs() < 1e-15), "{scores:?}");
        let mut scores = [3.5, -1.0, 5.0];
        assert_eq!(Loss::Svm { margin: 1.0 }.answers(&mut scores), 2);
        assert_eq!(scores, [-1.5, -6.0, 1.5]);
    }
}
