//! The examples that a model gets wrong with the most confidence: where there is something to learn about the model,
//! or about the labels.

use super::LinearModel;
use crate::data::Examples;
use crate::kernel::Compute;
use crate::objective::argmax;

/// An example predicted wrong.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Mistake {
    /// Its row.
    pub row: usize,
    /// Its class.
    pub label: usize,
    /// The class it was taken for.
    pub predicted: usize,
    /// The predicted class's probability (softmax), or its lead over the next class (SVM).
    pub confidence: f64,
}

impl LinearModel {
    /// Which of `examples` are predicted right.
    pub fn right(&self, examples: &Examples, compute: &Compute) -> Vec<bool> {
        let is_right = |(scores, label): (&[f32], &u16)| argmax(scores) == usize::from(*label);
        let blocks = self.map_scores(examples, &examples.all(), compute, |scores, labels| {
            scores.chunks_exact(self.classes()).zip(labels).map(is_right).collect::<Vec<_>>()
        });
        blocks.concat()
    }

    /// The most confident mistakes among all `examples`, at most `limit`, the most confident first; the lower row first
    /// where they are equal.
    pub fn mistakes(&self, examples: &Examples, limit: usize, compute: &Compute) -> Vec<Mistake> {
        let (loss, classes) = (self.about.loss(), self.classes());
        let blocks = self.map_scores(examples, &examples.all(), compute, |scores, labels| {
            let mut found = Vec::new();
            let mut values = vec![0.0; classes];
            for (row, (scores, &label)) in scores.chunks_exact(classes).zip(labels).enumerate() {
                values.iter_mut().zip(scores).for_each(|(value, &score)| *value = f64::from(score));
                let predicted = loss.answers(&mut values);
                let label = usize::from(label);
                if predicted != label {
                    found.push(Mistake { row, label, predicted, confidence: values[predicted] });
                }
            }
            (labels.len(), most_confident(found, limit))
        });
        let mut first = 0;
        let mut all = Vec::new();
        for (rows, found) in blocks {
            all.extend(found.into_iter().map(|mistake| Mistake { row: first + mistake.row, ..mistake }));
            first += rows;
        }
        most_confident(all, limit)
    }
}

/// Expects them in the order of their rows.
fn most_confident(mut mistakes: Vec<Mistake>, limit: usize) -> Vec<Mistake> {
    mistakes.sort_by(|a, b| b.confidence.total_cmp(&a.confidence));
    mistakes.truncate(limit);
    mistakes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{Features, Shape};
    use crate::kernel::{Kernel, Team};
    use crate::model::About;
    use crate::objective::Loss;
    use ndarray::{Array1, array};
    use std::num::NonZeroUsize;

    /// Scores are the pixels themselves, so that the leads can be read off.
    #[test]
    fn the_most_confident_come_first_and_right_ones_not_at_all() {
        let about =
            About::new(vec!["a".into(), "b".into()], Shape::Vector(2), Loss::Svm { margin: 1.0 }, ().into());
        let model = LinearModel { weight: array![[1.0, 0.0], [0.0, 1.0]], bias: Array1::zeros(2), about };
        // (pixels, label): wrong by 5, right, wrong by 200, wrong by 5, right on a tie.
        let rows = [([5, 0], 1), ([9, 0], 0), ([0, 200], 0), ([0, 5], 0), ([7, 7], 0)];
        let features = Features::Bytes(rows.iter().flat_map(|(pixels, _)| *pixels).collect());
        let examples = Examples { features, labels: rows.iter().map(|row| row.1).collect(), width: 2 };
        let compute = Compute { kernel: Kernel::detect(), team: Team::new(NonZeroUsize::MIN) };
        let found = model.mistakes(&examples, 10, &compute);
        assert_eq!(found.iter().map(|m| m.row).collect::<Vec<_>>(), [2, 0, 3]);
        assert_eq!(found[0], Mistake { row: 2, label: 0, predicted: 1, confidence: 200.0 });
        assert_eq!(model.mistakes(&examples, 2, &compute), found[..2]);
        assert_eq!(model.mistakes(&examples, 0, &compute), []);
        assert_eq!(model.right(&examples, &compute), [false, true, false, false, true]);
    }
}
