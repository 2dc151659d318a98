//! Both losses of one example, term by term, as one works them out by hand.

use super::{Loss, argmax, svm};

/// What becomes of one class's score.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Term {
    /// s_j.
    pub score: f64,
    /// s_j - s_y + margin, before max(0, ...); `None` for the label, which has no term.
    pub excess: Option<f64>,
    /// max(0, s_j - s_y + margin); 0 for the label.
    pub hinge: f64,
    /// e^(s_j - shift).
    pub exponential: f64,
    /// e^s_j / sum e^s.
    pub probability: f64,
}

/// One example, worked out.
#[derive(Clone, Debug, PartialEq)]
pub struct Worked {
    /// The right class.
    pub label: usize,
    /// By class.
    pub terms: Vec<Term>,
    /// Taken off the scores before e^: 0, or the highest where e^ could overflow.
    pub shift: f64,
    /// The multiclass SVM loss.
    pub hinge: f64,
    /// The softmax cross-entropy, in nats.
    pub cross_entropy: f64,
}

/// From here on, e^s is taken of shifted scores only.
const LARGEST: f64 = 300.0;

impl Worked {
    /// Works out the losses of `scores` for `label`.
    pub fn new(scores: &[f64], label: usize, margin: f64) -> Self {
        let highest = scores[argmax(scores)];
        let shift = if scores.iter().any(|score| score.abs() > LARGEST) { highest } else { 0.0 };
        let sum: f64 = scores.iter().map(|score| (score - shift).exp()).sum();
        let term = |(class, &score): (usize, &f64)| {
            let excess = (class != label).then_some(score - scores[label] + margin);
            let exponential = (score - shift).exp();
            let hinge = excess.map_or(0.0, |excess| excess.max(0.0));
            Term { score, excess, hinge, exponential, probability: exponential / sum }
        };
        Self {
            label,
            terms: scores.iter().enumerate().map(term).collect(),
            shift,
            hinge: svm::loss(margin, scores, label),
            cross_entropy: Loss::Softmax.total(scores, scores.len(), &[label as u16]).total,
        }
    }

    /// The probability of the label.
    pub fn probability(&self) -> f64 {
        self.terms[self.label].probability
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terms_sum_to_the_losses() {
        for (scores, label) in [([3.2, 5.1, -1.7], 0), ([-2.85, 0.86, 0.28], 2), ([900.0, 901.5, -900.0], 1)]
        {
            let worked = Worked::new(&scores, label, 1.0);
            let hinge: f64 = worked.terms.iter().map(|term| term.hinge).sum();
            assert!((hinge - worked.hinge).abs() < 1e-12);
            assert!((worked.cross_entropy + worked.probability().ln()).abs() < 1e-12);
            assert!((worked.terms.iter().map(|term| term.probability).sum::<f64>() - 1.0).abs() < 1e-12);
        }
    }
}
