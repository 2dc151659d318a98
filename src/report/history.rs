//! A run's history read back from `history.csv`, which [`super::summary`] writes.

use serde::Deserialize;
use serde::de::DeserializeOwned;

/// What a run's strategy left behind, in the order it happened. Columns that nothing here is drawn of are not read.
#[derive(Clone, Debug, PartialEq)]
pub enum History {
    /// Of a descent.
    Epochs(Vec<EpochRow>),
    /// Of a second-order minimisation.
    Iterations(Vec<IterationRow>),
    /// Of a random search.
    Attempts(Vec<AttemptRow>),
}

/// One epoch of a descent.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
pub struct EpochRow {
    /// From 1.
    pub epoch: usize,
    /// Mean of the minibatches' data losses.
    pub train_loss: f64,
    /// The same with the penalty.
    pub objective: f64,
    /// Share of the training rows predicted right.
    pub train_accuracy: f64,
    /// Data loss on the rows held out.
    pub validation_loss: Option<f64>,
    /// Share of the rows held out predicted right.
    pub validation_accuracy: Option<f64>,
    /// Since training began.
    pub seconds: f64,
}

/// One iteration of a second-order minimisation.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
pub struct IterationRow {
    /// From 1.
    pub iteration: usize,
    /// Full loss.
    pub objective: f64,
    /// Share of the training rows predicted right.
    pub train_accuracy: f64,
    /// Lower bound of the minimum.
    pub bound: f64,
    /// How far above the minimum the best full loss may be.
    pub gap: f64,
    /// Since training began.
    pub seconds: f64,
}

/// One attempt of a random search.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
pub struct AttemptRow {
    /// From 0.
    pub attempt: usize,
    /// Full loss.
    pub objective: f64,
    /// The lowest so far.
    pub best: f64,
    /// Since training began.
    pub seconds: f64,
}

impl History {
    /// Reads the file's bytes; its first column tells which kind it is.
    ///
    /// # Errors
    /// What was found instead, with its line.
    pub fn parse(bytes: &[u8]) -> Result<Self, String> {
        let mut reader = csv::Reader::from_reader(bytes);
        let first =
            reader.headers().map_err(|error| error.to_string())?.get(0).unwrap_or_default().to_owned();
        match first.as_str() {
            "epoch" => rows(reader).map(Self::Epochs),
            "iteration" => rows(reader).map(Self::Iterations),
            "attempt" => rows(reader).map(Self::Attempts),
            other => Err(format!("a first column {other:?}")),
        }
    }

    /// How many rows there are.
    pub fn len(&self) -> usize {
        match self {
            Self::Epochs(rows) => rows.len(),
            Self::Iterations(rows) => rows.len(),
            Self::Attempts(rows) => rows.len(),
        }
    }

    /// Whether nothing was finished.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

fn rows<R: DeserializeOwned>(reader: csv::Reader<&[u8]>) -> Result<Vec<R>, String> {
    reader.into_deserialize().collect::<csv::Result<_>>().map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::summary::{attempts_csv, history_csv};
    use crate::train::{Attempt, Epoch, Figures};

    #[test]
    fn what_is_written_is_read() {
        let figures = |loss| Figures { loss, objective: loss + 0.5, accuracy: 0.25 };
        let epoch = |epoch, validation| Epoch {
            epoch,
            step: 7,
            lr: 0.1,
            train: figures(1.0 / 3.0),
            validation,
            test: None,
            seconds: 0.5,
        };
        let rows = [epoch(1, None), epoch(2, Some(figures(f64::INFINITY)))];
        let read = History::parse(&history_csv(&rows).expect("writes"));
        let Ok(History::Epochs(read)) = read else { panic!("{read:?}") };
        assert_eq!((read[0].train_loss, read[0].objective), (1.0 / 3.0, 1.0 / 3.0 + 0.5));
        assert_eq!((read[0].validation_loss, read[0].validation_accuracy), (None, None));
        assert_eq!((read[1].epoch, read[1].validation_loss), (2, Some(f64::INFINITY)));

        let attempt = Attempt { attempt: 0, loss: f64::NAN, best: 9.5, seconds: 0.25 };
        let read = History::parse(&attempts_csv(&[attempt]).expect("writes"));
        let Ok(History::Attempts(read)) = read else { panic!("{read:?}") };
        assert!(read[0].objective.is_nan() && read[0].best == 9.5);
        assert!(History::parse(&attempts_csv(&[]).expect("writes")).is_ok_and(|history| history.is_empty()));
    }

    #[test]
    fn other_tables_are_errors_that_say_where() {
        assert_eq!(History::parse(b"name,age\na,1\n"), Err("a first column \"name\"".into()));
        assert!(History::parse(b"").is_err());
        let error =
            History::parse(b"attempt,objective,best,seconds\n0,1,1,1\n1,x,1,1\n").expect_err("no number");
        assert!(error.contains("line: 3"), "{error}");
    }
}
