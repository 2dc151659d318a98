//! What a run came to: `result.json`, `history.csv`, and the lines a person reads.

use super::plot::count;
use super::printable::one_line;
use crate::machine::Machine;
use crate::metrics::{Evaluation, wilson_interval};
use crate::train::{Attempt, Epoch, Iteration};
use serde::{Deserialize, Deserializer, Serialize};
use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt::Write;

/// Every figure of a run. Fields that have no meaning for a run are null, and so are figures that are not finite.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RunResult {
    /// Of this program.
    pub version: Cow<'static, str>,
    /// Why the run ended: "completed", "early-stop", "tolerance", "stalled", "max-iterations", "diverged" or "interrupted".
    pub stop: Cow<'static, str>,
    /// The same, for people.
    pub stop_reason: String,
    /// "descent" or "random-search".
    pub strategy: String,
    /// Share of test examples predicted right.
    pub test_accuracy: f64,
    /// Wilson's 95% interval of it.
    pub test_accuracy_interval: [f64; 2],
    /// Test examples predicted right.
    pub test_correct: u64,
    /// Test examples.
    pub test_count: u64,
    /// Mean of L_i over the test examples, without the penalty.
    #[serde(deserialize_with = "null_as_nan")]
    pub test_loss: f64,
    /// Mean of L_i over the training rows, without the penalty, of the model that is kept.
    #[serde(deserialize_with = "null_as_nan")]
    pub train_loss: f64,
    /// Share of training rows that it predicts right.
    pub train_accuracy: f64,
    /// The full loss: `train_loss` plus penalty.
    #[serde(deserialize_with = "null_as_nan")]
    pub objective: f64,
    /// The formula of the full loss.
    pub objective_formula: String,
    /// Of the held-out rows at the kept epoch.
    pub validation_accuracy: Option<f64>,
    /// Of the held-out rows at the kept epoch.
    pub validation_loss: Option<f64>,
    /// Certified bound of how far the objective is above its minimum, for the SVM as part of the objective; null where
    /// the strategy certifies none.
    pub gap: Option<f64>,
    /// Whether the gap is a part of the objective (SVM), not a difference (softmax).
    pub relative_gap: bool,
    /// Gradients over all training rows that it took; null where there were none.
    pub gradients: Option<usize>,
    /// Epochs done.
    pub epochs: usize,
    /// The epoch whose weights are kept.
    pub kept_epoch: Option<usize>,
    /// Steps done, or attempts.
    pub steps: u64,
    /// Where the data came from.
    pub data: String,
    /// BLAKE3 of the data's content, for the same data whatever its files.
    pub data_digest: String,
    /// Rows trained on, held out, tested on.
    pub rows: [usize; 3],
    /// Of training, without loading and testing.
    pub train_seconds: f64,
    /// Of the whole run, up to writing its folder.
    pub seconds: f64,
    /// The most memory held, in bytes, where the system tells.
    pub peak_memory_bytes: Option<u64>,
    /// The run folder.
    pub out: String,
    /// What ran it.
    pub machine: Machine,
    /// The settings.
    pub config: serde_json::Value,
}

impl RunResult {
    /// The lines a person reads at the end.
    pub fn to_text(&self) -> String {
        let mut text = String::new();
        let [low, high] = self.test_accuracy_interval;
        // Writing to a String cannot fail.
        let _ = writeln!(
            text,
            "Accuracy = {} on the test set, 95% interval {:.2}% to {:.2}%",
            share(self.test_correct, self.test_count),
            100.0 * low,
            100.0 * high
        );
        let _ = writeln!(
            text,
            "Loss: test {:.4}; training {:.4}, with penalty {:.4}, accuracy {:.2}%",
            self.test_loss,
            self.train_loss,
            self.objective,
            100.0 * self.train_accuracy
        );
        if let Some(gap) = self.gap {
            let of_it = if self.relative_gap { " of it" } else { "" };
            let _ = writeln!(
                text,
                "Gap: the loss with penalty is certified to be at most {gap:.2e}{of_it} above its minimum"
            );
        }
        let memory = self
            .peak_memory_bytes
            .map_or_else(String::new, |bytes| format!(", peak memory {:.0} MB", bytes as f64 / 1e6));
        let _ =
            writeln!(text, "Time: {:.2} s, {:.2} s of it training{memory}", self.seconds, self.train_seconds);
        let _ = writeln!(text, "Saved: {}", self.out);
        text
    }
}

/// JSON has no numbers that are not finite.
fn null_as_nan<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or(f64::NAN))
}

/// liblinear's form: "38.60% (3860/10000)".
pub fn share(correct: u64, count: u64) -> String {
    format!("{:.2}% ({correct}/{count})", 100.0 * correct as f64 / count as f64)
}

/// The history of a descent as CSV.
///
/// # Errors
/// None that writing to memory can cause.
pub fn history_csv(history: &[Epoch]) -> csv::Result<Vec<u8>> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record([
        "epoch",
        "step",
        "lr",
        "train_loss",
        "objective",
        "train_accuracy",
        "validation_loss",
        "validation_accuracy",
        "test_loss",
        "test_accuracy",
        "seconds",
    ])?;
    let optional = |value: Option<f64>| value.map_or_else(String::new, |value| value.to_string());
    for row in history {
        writer.write_record([
            row.epoch.to_string(),
            row.step.to_string(),
            row.lr.to_string(),
            row.train.loss.to_string(),
            row.train.objective.to_string(),
            row.train.accuracy.to_string(),
            optional(row.validation.map(|figures| figures.loss)),
            optional(row.validation.map(|figures| figures.accuracy)),
            optional(row.test.map(|figures| figures.loss)),
            optional(row.test.map(|figures| figures.accuracy)),
            format!("{:.6}", row.seconds),
        ])?;
    }
    finish(writer)
}

/// The history of a second-order minimisation as CSV.
///
/// # Errors
/// None that writing to memory can cause.
pub fn iterations_csv(history: &[Iteration]) -> csv::Result<Vec<u8>> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record([
        "iteration",
        "gradients",
        "train_loss",
        "objective",
        "train_accuracy",
        "best",
        "bound",
        "gap",
        "precision",
        "seconds",
    ])?;
    for row in history {
        writer.write_record([
            row.iteration.to_string(),
            row.gradients.to_string(),
            row.figures.loss.to_string(),
            row.figures.objective.to_string(),
            row.figures.accuracy.to_string(),
            row.best.to_string(),
            row.bound.to_string(),
            row.gap.to_string(),
            row.precision.name().to_owned(),
            format!("{:.6}", row.seconds),
        ])?;
    }
    finish(writer)
}

/// The history of a random search as CSV.
///
/// # Errors
/// None that writing to memory can cause.
pub fn attempts_csv(attempts: &[Attempt]) -> csv::Result<Vec<u8>> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(["attempt", "objective", "best", "seconds"])?;
    for row in attempts {
        writer.write_record([
            row.attempt.to_string(),
            row.loss.to_string(),
            row.best.to_string(),
            format!("{:.6}", row.seconds),
        ])?;
    }
    finish(writer)
}

fn finish(writer: csv::Writer<Vec<u8>>) -> csv::Result<Vec<u8>> {
    writer.into_inner().map_err(|error| error.into_error().into())
}

/// What `evaluate` found.
#[derive(Clone, Debug, Default, Serialize)]
pub struct EvaluationResult {
    /// The model file.
    pub model: String,
    /// Where the data came from.
    pub data: String,
    /// BLAKE3 of the data's content.
    pub data_digest: String,
    /// "train" or "test".
    pub part: &'static str,
    /// Share predicted right.
    pub accuracy: f64,
    /// Wilson's 95% interval of it.
    pub accuracy_interval: [f64; 2],
    /// Examples predicted right.
    pub correct: u64,
    /// Examples.
    pub count: u64,
    /// Which loss.
    pub loss_name: String,
    /// Mean of L_i, without a penalty.
    pub loss: f64,
    /// `top[k - 1]`: share of labels among the k highest scores.
    pub top: Vec<f64>,
    /// By class.
    pub classes: Vec<ClassResult>,
    /// `confusion[y][p]`: examples of class y predicted as p.
    pub confusion: Vec<Vec<u64>>,
}

/// One class of an evaluation.
#[derive(Clone, Debug, Serialize)]
pub struct ClassResult {
    /// Its name.
    pub name: String,
    /// Examples of it.
    pub count: u64,
    /// Of the examples predicted as it, the share that is; null if none was.
    pub precision: Option<f64>,
    /// Of its examples, the share predicted as it; null if there is none.
    pub recall: Option<f64>,
}

impl EvaluationResult {
    /// Fills what derives from the counts.
    #[must_use]
    pub fn count(mut self, evaluation: &Evaluation, class_names: &[String], top: usize) -> Self {
        let (correct, total) = (evaluation.correct(), evaluation.count());
        let finite = |value: f64| value.is_finite().then_some(value);
        self.accuracy = evaluation.accuracy();
        self.accuracy_interval = wilson_interval(correct, total).into();
        (self.correct, self.count) = (correct, total);
        self.top = (1..=top.min(class_names.len())).map(|k| evaluation.top(k)).collect();
        self.classes = class_names
            .iter()
            .enumerate()
            .map(|(class, name)| ClassResult {
                name: name.clone(),
                count: evaluation.confusion.row(class).sum(),
                precision: finite(evaluation.precision(class)),
                recall: finite(evaluation.recall(class)),
            })
            .collect();
        self.confusion = evaluation.confusion.rows().into_iter().map(|row| row.to_vec()).collect();
        self
    }

    /// The tables a person reads.
    pub fn to_text(&self) -> String {
        let mut text = String::new();
        let [low, high] = self.accuracy_interval;
        let _ = writeln!(
            text,
            "Accuracy = {} on the {} set, 95% interval {:.2}% to {:.2}%",
            share(self.correct, self.count),
            self.part,
            100.0 * low,
            100.0 * high
        );
        let top: Vec<String> = self
            .top
            .iter()
            .enumerate()
            .skip(1)
            .map(|(k, share)| format!("top-{} {:.2}%", k + 1, 100.0 * share))
            .collect();
        let top = if top.is_empty() { String::new() } else { format!("; {}", top.join(", ")) };
        let _ = writeln!(text, "Loss ({}) = {:.4}{top}", self.loss_name, self.loss);
        text.push('\n');
        self.write_classes(&mut text);
        if self.classes.len() <= 20 {
            self.write_confusion(&mut text);
        } else {
            let _ = writeln!(text, "\nThe confusion matrix of {} classes is in --json.", self.classes.len());
        }
        text
    }

    fn write_classes(&self, text: &mut String) {
        let names: Vec<_> = self.classes.iter().map(|class| one_line(&class.name)).collect();
        let width = names.iter().map(|name| name.chars().count()).max().unwrap_or(0).max(5);
        let _ = writeln!(text, "{:width$}  examples  precision   recall", "class");
        let percent = |value: Option<f64>| value.map_or_else(|| "-".into(), |v| format!("{:.2}%", 100.0 * v));
        for (class, name) in self.classes.iter().zip(&names) {
            let _ = writeln!(
                text,
                "{name:width$}  {:>8}  {:>9}  {:>7}",
                count(class.count as usize),
                percent(class.precision),
                percent(class.recall)
            );
        }
    }

    /// Rows are labels, columns predictions; columns are headed by the beginnings of the names, or by numbers where these
    /// are the same for two classes.
    fn write_confusion(&self, text: &mut String) {
        const CORNER: &str = "label \\ predicted";
        let largest = self.confusion.iter().flatten().max().copied().unwrap_or(0);
        let column = largest.to_string().len().max(4);
        let mut names: Vec<String> =
            self.classes.iter().map(|class| one_line(&class.name).into_owned()).collect();
        let mut heads: Vec<String> = names.iter().map(|name| name.chars().take(column).collect()).collect();
        if heads.iter().collect::<HashSet<_>>().len() < heads.len() {
            heads = (0..heads.len()).map(|class| class.to_string()).collect();
            names = names.iter().zip(&heads).map(|(name, number)| format!("{number:>2}  {name}")).collect();
        }
        let indent = names.iter().map(|name| name.chars().count()).max().unwrap_or(0).max(CORNER.len());
        let _ = write!(text, "\n{CORNER:indent$} ");
        for head in &heads {
            let _ = write!(text, " {head:>column$}");
        }
        text.push('\n');
        for (name, row) in names.iter().zip(&self.confusion) {
            let _ = write!(text, "{name:indent$} ");
            for cell in row {
                let _ = write!(text, " {cell:>column$}");
            }
            text.push('\n');
        }
    }
}
