//! What runs came to, and which is best.

use crate::train::Figures;
use serde::{Deserialize, Serialize};

/// Data loss (a mean of L_i, without penalty) and share predicted right.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Score {
    /// Mean of L_i.
    pub loss: f64,
    /// Share predicted right.
    pub accuracy: f64,
}

impl Score {
    /// `None` if the loss is not finite.
    pub fn of(figures: &Figures) -> Option<Self> {
        figures.loss.is_finite().then_some(Self { loss: figures.loss, accuracy: figures.accuracy })
    }
}

/// What one run came to on one fold.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// Which run of the plan, from 0.
    pub run: usize,
    /// Which fold, from 0.
    pub fold: usize,
    /// Why it ended, as a fixed word.
    pub stop: String,
    /// The same, for people.
    pub stop_reason: String,
    /// Of the held-out rows, by the weights it ended with (with patience, the best epoch's); none after a divergence.
    pub validation: Option<Score>,
    /// Of the training rows: for descents, means over the epoch that validation is of.
    pub train: Option<Score>,
    /// The full loss over the training rows, likewise.
    pub objective: Option<f64>,
    /// Certified gap to the minimum, as the loss counts it.
    pub gap: Option<f64>,
    /// Gradients over all rows, of second-order runs.
    pub gradients: Option<usize>,
    /// The epoch that validation is of.
    pub epoch: Option<usize>,
    /// Steps, iterations or attempts.
    pub steps: u64,
    /// Wall time.
    pub seconds: f64,
    /// (Passes over the training rows, full loss), in the order of training; finite.
    pub losses: Vec<(f64, f64)>,
    /// (Passes over the training rows, validation accuracy).
    pub accuracies: Vec<(f64, f64)>,
}

/// What a run came to on all folds.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// Which run of the plan, from 0.
    pub run: usize,
    /// Why it ended; of several folds, where one diverged, that.
    pub stop: String,
    /// The same, for people.
    pub stop_reason: String,
    /// Over all held-out rows; none if it diverged on any fold.
    pub validation: Option<Score>,
    /// Standard deviation of the folds' accuracies.
    pub deviation: Option<f64>,
    /// Mean over the folds.
    pub train: Option<Score>,
    /// Mean over the folds.
    pub objective: Option<f64>,
    /// The widest.
    pub gap: Option<f64>,
    /// Of all folds.
    pub gradients: Option<usize>,
    /// The mean of the folds' epochs, rounded.
    pub epoch: Option<usize>,
    /// Of all folds.
    pub steps: u64,
    /// Of all folds.
    pub seconds: f64,
}

impl Record {
    /// Sums up a run's outcomes, one a fold; `held_out` has the folds' numbers of held-out rows. `None` if a fold is
    /// missing.
    pub fn new(run: usize, outcomes: &[Outcome], held_out: &[usize]) -> Option<Self> {
        let folds = 0..held_out.len();
        let own: Vec<&Outcome> = folds
            .map(|fold| outcomes.iter().find(|outcome| (outcome.run, outcome.fold) == (run, fold)))
            .collect::<Option<_>>()?;
        let count = own.len() as f64;
        let worst = own.iter().find(|outcome| outcome.stop == "diverged").unwrap_or(own.first()?);
        let scores = own.iter().map(|outcome| outcome.validation).collect::<Option<Vec<Score>>>();
        let rows = held_out.iter().sum::<usize>() as f64;
        // With one fold its own score, to the last bit.
        let validation = scores.as_ref().map(|scores| match &scores[..] {
            [only] => *only,
            all => {
                all.iter().zip(held_out).fold(Score { loss: 0.0, accuracy: 0.0 }, |sum, (score, &n)| Score {
                    loss: sum.loss + score.loss * n as f64 / rows,
                    accuracy: sum.accuracy + score.accuracy * n as f64 / rows,
                })
            }
        });
        let mean = |of: &dyn Fn(&Outcome) -> Option<f64>| {
            let values = own.iter().map(|outcome| of(outcome)).collect::<Option<Vec<f64>>>()?;
            Some(values.iter().sum::<f64>() / count)
        };
        let mean_accuracy = mean(&|outcome| outcome.validation.map(|score| score.accuracy));
        let deviation = (own.len() > 1).then_some(()).and(mean_accuracy).and_then(|mean| {
            let squares = scores.as_ref()?.iter().map(|score| (score.accuracy - mean).powi(2));
            Some((squares.sum::<f64>() / (count - 1.0)).sqrt())
        });
        let train_loss = mean(&|outcome| outcome.train.map(|score| score.loss));
        let train_accuracy = mean(&|outcome| outcome.train.map(|score| score.accuracy));
        Some(Self {
            run,
            stop: worst.stop.clone(),
            stop_reason: worst.stop_reason.clone(),
            validation,
            deviation,
            train: train_loss.zip(train_accuracy).map(|(loss, accuracy)| Score { loss, accuracy }),
            objective: mean(&|outcome| outcome.objective),
            gap: own.iter().map(|outcome| outcome.gap).collect::<Option<Vec<_>>>().and_then(widest),
            gradients: own.iter().map(|outcome| outcome.gradients).sum(),
            epoch: mean(&|outcome| outcome.epoch.map(|epoch| epoch as f64)).map(|mean| mean.round() as usize),
            steps: own.iter().map(|outcome| outcome.steps).sum(),
            seconds: own.iter().map(|outcome| outcome.seconds).sum(),
        })
    }
}

fn widest(gaps: Vec<f64>) -> Option<f64> {
    gaps.into_iter().reduce(f64::max)
}

/// The run with the highest validation accuracy; of equals, the lowest validation loss, and then the first.
pub fn best(records: &[Record]) -> Option<&Record> {
    let scored = records.iter().filter_map(|record| Some((record, record.validation?)));
    let best = scored.reduce(|best, next| {
        let ahead = (next.1.accuracy, -next.1.loss) > (best.1.accuracy, -best.1.loss);
        if ahead { next } else { best }
    });
    best.map(|(record, _)| record)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(run: usize, fold: usize, score: Option<(f64, f64)>) -> Outcome {
        let score = score.map(|(accuracy, loss)| Score { loss, accuracy });
        Outcome {
            run,
            fold,
            stop: if score.is_some() { "completed" } else { "diverged" }.into(),
            stop_reason: String::new(),
            validation: score,
            train: score,
            objective: score.map(|score| score.loss),
            gap: Some(fold as f64),
            gradients: Some(2),
            epoch: Some(1 + fold),
            steps: 10,
            seconds: 0.5,
            losses: Vec::new(),
            accuracies: Vec::new(),
        }
    }

    #[test]
    fn ties_go_to_the_lower_loss_and_then_to_the_first() {
        let scores = [(0.3, 1.0), (0.4, 2.0), (0.4, 1.5), (0.4, 1.5)];
        let outcomes: Vec<Outcome> =
            scores.iter().enumerate().map(|(run, score)| outcome(run, 0, Some(*score))).collect();
        let records: Vec<Record> = (0..4).filter_map(|run| Record::new(run, &outcomes, &[10])).collect();
        assert_eq!(best(&records).map(|record| record.run), Some(2));
        assert_eq!(best(&[]), None);
    }

    /// 30% of 10 and 60% of 20 held-out rows are 50% of all; the deviation of 0.3 and 0.6 is 0.3 / sqrt 2.
    #[test]
    fn folds_count_by_their_rows() {
        let outcomes = [outcome(0, 0, Some((0.3, 1.0))), outcome(0, 1, Some((0.6, 4.0)))];
        let record = Record::new(0, &outcomes, &[10, 20]).expect("both folds");
        let score = record.validation.expect("a score");
        assert!((score.accuracy - 0.5).abs() < 1e-12 && (score.loss - 3.0).abs() < 1e-12, "{score:?}");
        assert!((record.deviation.expect("two folds") - 0.3 / 2_f64.sqrt()).abs() < 1e-12);
        assert_eq!(
            (record.gap, record.gradients, record.epoch, record.steps),
            (Some(1.0), Some(4), Some(2), 20)
        );
        assert_eq!(Record::new(0, &outcomes[..1], &[10, 20]), None);
    }

    #[test]
    fn a_run_that_diverged_anywhere_has_no_score() {
        let outcomes = [outcome(0, 0, Some((0.3, 1.0))), outcome(0, 1, None)];
        let record = Record::new(0, &outcomes, &[10, 10]).expect("both folds");
        assert_eq!((record.stop.as_str(), record.validation), ("diverged", None));
        assert_eq!(best(&[record]), None);
    }
}
