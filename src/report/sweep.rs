//! What a sweep came to: its tables as text, CSV and JSON.

use super::plot::{count, measured, setting};
use super::summary::share;
use crate::machine::Machine;
use crate::sweep::{Plan, Record, Selection};
use serde::Serialize;
use serde_json::{Map, Value};
use std::fmt::Write;

/// Every figure of a sweep: `sweep.json`.
#[derive(Clone, Debug, Serialize)]
pub struct SweepResult {
    /// Of this program.
    pub version: &'static str,
    /// Whether all runs were done.
    pub complete: bool,
    /// The keys that vary.
    pub keys: Vec<String>,
    /// What runs are compared on: "validation" or "folds".
    pub compared_by: &'static str,
    /// Folds, or 1.
    pub folds: usize,
    /// Rows trained on and held out, of the first fold; test rows.
    pub rows: [usize; 3],
    /// The finished runs, with the fields of `runs.csv`.
    pub runs: Vec<Map<String, Value>>,
    /// The number of the best run, from 1; null if no run has a score.
    pub best_run: Option<usize>,
    /// `result.json` of the best run's refit, which alone was tested; null if there is none.
    pub best: Option<Value>,
    /// Where the data came from.
    pub data: String,
    /// BLAKE3 of the data's content.
    pub data_digest: String,
    /// Of this call of the program: less than the whole sweep if it was resumed.
    pub seconds: f64,
    /// The most memory held, in bytes, where the system tells.
    pub peak_memory_bytes: Option<u64>,
    /// The sweep's folder.
    pub out: String,
    /// What ran it.
    pub machine: Machine,
}

/// A run's row: the fields of `runs.csv` and of each run in JSON. Numbers of runs count from 1.
pub fn fields(plan: &Plan, record: &Record) -> Map<String, Value> {
    let mut row = Map::new();
    row.insert("run".into(), (record.run + 1).into());
    let planned = &plan.runs[record.run];
    for key in &plan.keys {
        let value = planned.value(key).and_then(|value| serde_json::to_value(value).ok());
        row.insert(key.clone(), value.unwrap_or_default());
    }
    let rest: [(&str, Value); 12] = [
        ("stop", record.stop.clone().into()),
        ("validation_accuracy", record.validation.map(|score| score.accuracy).into()),
        ("validation_deviation", record.deviation.into()),
        ("validation_loss", record.validation.map(|score| score.loss).into()),
        ("train_accuracy", record.train.map(|score| score.accuracy).into()),
        ("train_loss", record.train.map(|score| score.loss).into()),
        ("objective", record.objective.into()),
        ("gap", record.gap.into()),
        ("gradients", record.gradients.into()),
        ("epoch", record.epoch.into()),
        ("steps", record.steps.into()),
        ("seconds", record.seconds.into()),
    ];
    row.extend(rest.map(|(name, value)| (name.to_owned(), value)));
    row
}

/// The finished runs as CSV.
///
/// # Errors
/// None that writing to memory can cause.
pub fn runs_csv(plan: &Plan, records: &[Record]) -> csv::Result<Vec<u8>> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    for (index, record) in records.iter().enumerate() {
        let row = fields(plan, record);
        if index == 0 {
            writer.write_record(row.keys())?;
        }
        writer.write_record(row.values().map(|value| match value {
            Value::Null => String::new(),
            Value::String(text) => text.clone(),
            other => other.to_string(),
        }))?;
    }
    writer.into_inner().map_err(|error| error.into_error().into())
}

/// A value of a key, as people write it.
pub fn value_text(value: &toml::Value) -> String {
    match value {
        toml::Value::Float(number) => setting(*number),
        toml::Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// What tells a run from the others: "lr 0.01, reg 0.1"; names speak for themselves.
pub fn run_label(plan: &Plan, run: usize) -> String {
    let named = |(key, value): &(String, toml::Value)| match value {
        toml::Value::String(text) if text != "full" => text.clone(),
        other => format!("{key} {}", value_text(other)),
    };
    plan.runs[run].values.iter().map(named).collect::<Vec<_>>().join(", ")
}

/// The score of a run in a few words.
pub fn score_text(record: &Record) -> String {
    match (record.validation, record.deviation) {
        (Some(score), Some(deviation)) => {
            format!("{:.2}% \u{b1} {:.2}", 100.0 * score.accuracy, 100.0 * deviation)
        }
        (Some(score), None) => format!("{:.2}%", 100.0 * score.accuracy),
        (None, _) => record.stop.clone(),
    }
}

/// The runs as a table with a blank line below, the best marked by a star; nothing if there is none.
pub fn table(plan: &Plan, records: &[Record], best: Option<usize>) -> String {
    if records.is_empty() {
        return String::new();
    }
    let has = |of: fn(&Record) -> bool| records.iter().any(of);
    let mut columns: Vec<(String, Vec<String>)> = Vec::new();
    let mut column = |name: &str, cell: &dyn Fn(&Record) -> String| {
        columns.push((name.into(), records.iter().map(cell).collect()));
    };
    column("run", &|record| (record.run + 1).to_string());
    for key in &plan.keys {
        column(key, &|record| plan.runs[record.run].value(key).map_or_else(|| "-".into(), value_text));
    }
    let optional = |value: Option<String>| value.unwrap_or_else(|| "-".into());
    column("validation", &score_text);
    column("loss", &|record| optional(record.validation.map(|score| measured(score.loss, 5))));
    column("train", &|record| optional(record.train.map(|score| format!("{:.2}%", 100.0 * score.accuracy))));
    column("full loss", &|record| optional(record.objective.map(|loss| measured(loss, 5))));
    if has(|record| record.gap.is_some()) {
        column("gap", &|record| optional(record.gap.map(|gap| format!("{gap:.1e}"))));
        column("gradients", &|record| optional(record.gradients.map(count)));
    }
    if has(|record| record.epoch.is_some()) {
        column("epochs", &|record| optional(record.epoch.map(count)));
    }
    column("time", &|record| format!("{:.2} s", record.seconds));

    let mut text = String::new();
    let widths: Vec<usize> = columns
        .iter()
        .map(|(name, cells)| cells.iter().chain([name]).map(|cell| cell.chars().count()).max().unwrap_or(0))
        .collect();
    let mut line = |mark: char, cells: Vec<&String>| {
        let mut line = String::from(mark);
        for (cell, width) in cells.into_iter().zip(&widths) {
            // Writing to a String cannot fail.
            let _ = write!(line, "  {cell:>width$}");
        }
        text.push_str(line.trim_end());
        text.push('\n');
    };
    line(' ', columns.iter().map(|(name, _)| name).collect());
    for (row, record) in records.iter().enumerate() {
        let mark = if Some(record.run) == best { '*' } else { ' ' };
        line(mark, columns.iter().map(|(_, cells)| &cells[row]).collect());
    }
    text.push('\n');
    text
}

/// The lines below the table: which run is best, what it came to on the test set, and the command that repeats it.
pub fn summary(plan: &Plan, best: Option<&Record>, result: &SweepResult) -> String {
    let mut text = String::new();
    if let Some(best) = best {
        let [_, held_out, _] = result.rows;
        let by = match plan.selection {
            Selection::Holdout(_) => format!("on {} held-out rows", count(held_out)),
            Selection::Folds(folds) => format!("over {folds} folds"),
        };
        let label = run_label(plan, best.run);
        // Writing to a String cannot fail.
        let _ = writeln!(text, "Best: {label}: {} {by}", score_text(best));
    }
    if let Some(refit) = &result.best {
        let number = |key: &str| refit[key].as_f64().unwrap_or(f64::NAN);
        let whole = |key: &str| refit[key].as_u64().unwrap_or(0);
        let ends = [0, 1].map(|end| refit["test_accuracy_interval"][end].as_f64().unwrap_or(f64::NAN));
        let _ = writeln!(
            text,
            "Refit on {} rows: full loss {:.4}, training accuracy {:.2}%",
            count(refit["rows"][0].as_u64().unwrap_or(0) as usize),
            number("objective"),
            100.0 * number("train_accuracy")
        );
        let _ = writeln!(
            text,
            "Accuracy = {} on the test set, 95% interval {:.2}% to {:.2}%",
            share(whole("test_correct"), whole("test_count")),
            100.0 * ends[0],
            100.0 * ends[1]
        );
        if let Some(gap) = refit["gap"].as_f64() {
            let of_it = if refit["relative_gap"] == true { " of it" } else { "" };
            let _ = writeln!(
                text,
                "Gap: the loss with penalty is certified to be at most {gap:.2e}{of_it} above its minimum"
            );
        }
        let config = quoted(&format!("{}/best/config.toml", result.out));
        let _ = writeln!(text, "Repeat: cifar-train --config {config}");
    }
    let memory = result
        .peak_memory_bytes
        .map_or_else(String::new, |bytes| format!(", peak memory {:.0} MB", bytes as f64 / 1e6));
    let _ = writeln!(text, "Time: {:.2} s{memory}", result.seconds);
    let _ = writeln!(text, "Saved: {}", result.out);
    text
}

/// A path as a shell takes it.
pub fn quoted(path: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "/._-+:,@".contains(c);
    if path.chars().all(plain) { path.into() } else { format!("'{}'", path.replace('\'', "'\\''")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shells_read_back_what_is_quoted() {
        assert_eq!(quoted("runs/a-1/best"), "runs/a-1/best");
        assert_eq!(quoted("my runs/it's"), "'my runs/it'\\''s'");
    }
}
