//! A sweep as it goes: a line a finished run, and on a terminal a bar below them with the best so far and the time left.

use super::console::{Bar, Console};
use super::plot::measured;
use super::sweep::{run_label, score_text};
use crate::sweep::{Plan, Record};

/// Shows a sweep as it goes.
pub struct SweepProgress<'a> {
    plan: &'a Plan,
    bar: Bar,
    /// As wide as the widest label.
    label_width: usize,
}

impl<'a> SweepProgress<'a> {
    /// Of `tasks` runs (on each fold one), of which `done` are known from before.
    pub fn new(console: Console, plan: &'a Plan, tasks: usize, done: usize) -> Self {
        let template = "[{bar:16}] {pos}/{len} {wide_msg} {eta} left";
        let mut bar = Bar::none(console);
        bar.start((tasks - done) as u64, template);
        let label_width =
            (0..plan.runs.len()).map(|run| run_label(plan, run).chars().count()).max().unwrap_or(0);
        Self { plan, bar, label_width }
    }

    /// A run is done on one fold.
    pub fn advance(&self) {
        self.bar.advance();
    }

    /// A run is done on every fold; `best` is the best so far.
    pub fn finished(&self, record: &Record, best: Option<&Record>) {
        let digits = self.plan.runs.len().to_string().len();
        let (label, width) = (run_label(self.plan, record.run), self.label_width);
        let loss = match record.validation {
            Some(score) => format!(", loss {}", measured(score.loss, 5)),
            None => format!(": {}", record.stop_reason),
        };
        let gap = record.gap.map_or_else(String::new, |gap| format!(", gap {gap:.1e}"));
        let is_best = best.is_some_and(|best| best.run == record.run);
        let mark = if is_best { ", best so far" } else { "" };
        let name = if record.validation.is_some() { "validation " } else { "" };
        self.bar.keep(format_args!(
            "run {:>digits$}/{}  {label:<width$}  {name}{}{loss}{gap}, {:.2} s{mark}",
            record.run + 1,
            self.plan.runs.len(),
            score_text(record),
            record.seconds,
        ));
        if let Some(best) = best {
            self.bar.message(format!("best {}: {}", run_label(self.plan, best.run), score_text(best)));
        }
    }

    /// Takes the bar away.
    pub fn finish(&mut self) {
        self.bar.finish();
    }
}
