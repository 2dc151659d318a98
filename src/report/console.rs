//! What people read on standard error: notes, warnings, progress. Results go to standard output and not
//! through here.

use super::narrow_terminal::NarrowTerminal;
use super::plot::count;
use super::printable::one_line;
use crate::train::{Attempt, Epoch, Iteration, Observer, Start, Step};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::fmt::{Display, Write as _};
use std::io::{IsTerminal, Write as _};
use std::time::Instant;

/// Standard error, at the volume asked for.
#[derive(Clone, Copy, Debug)]
pub struct Console {
    /// No notes and no progress; warnings stay.
    pub quiet: bool,
}

impl Console {
    /// Something good to know.
    pub fn note(self, text: impl Display) {
        if !self.quiet {
            line(text);
        }
    }

    /// Something that is probably not as wanted.
    pub fn warn(self, text: impl Display) {
        line(format_args!("warning: {text}"));
    }

    /// What to do about a warning.
    pub fn hint(self, text: impl Display) {
        line(format_args!("hint: {text}"));
    }

    /// The observer that shows a run's progress: a bar on a terminal, lines elsewhere, nothing when quiet.
    pub fn progress(self, expected_loss: ExpectedLoss) -> Progress {
        Progress {
            console: self,
            bar: Bar::none(self),
            expected_loss,
            epochs: 0,
            begun: Instant::now(),
            examples: 0,
        }
    }
}

/// Writes a line to standard error; with nobody there to read it, nothing is lost.
fn line(text: impl Display) {
    let _ = writeln!(std::io::stderr(), "{}", one_line(&text.to_string()));
}

/// The data loss that Q5 of the lecture predicts while all scores are near 0.
#[derive(Clone, Copy, Debug)]
pub struct ExpectedLoss {
    /// The loss.
    pub loss: f64,
    /// Its formula: "K - 1" or "ln K".
    pub formula: &'static str,
}

/// A bar below the lines that stay: on a terminal, unless quiet; elsewhere there are the lines alone.
pub struct Bar {
    console: Console,
    bar: Option<ProgressBar>,
}

impl Bar {
    /// None yet.
    pub fn none(console: Console) -> Self {
        Self { console, bar: None }
    }

    /// Shows it, of that length, in indicatif's `template`.
    pub fn start(&mut self, length: u64, template: &str) {
        if self.console.quiet || !std::io::stderr().is_terminal() {
            return;
        }
        let target = ProgressDrawTarget::term_like_with_hz(Box::new(NarrowTerminal::stderr()), 10);
        let bar = ProgressBar::with_draw_target(Some(length), target);
        // A template that does not parse is a slip of ours, which the default style survives.
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style.progress_chars("=> "));
        }
        self.bar = Some(bar);
    }

    /// One further.
    pub fn advance(&self) {
        if let Some(bar) = &self.bar {
            bar.inc(1);
        }
    }

    /// That far.
    pub fn set(&self, position: u64) {
        if let Some(bar) = &self.bar {
            bar.set_position(position);
        }
    }

    /// That far from before: the time left is judged by what follows.
    pub fn resume(&self, position: u64) {
        if let Some(bar) = &self.bar {
            bar.set_position(position);
            bar.reset_eta();
        }
    }

    /// Whether there is one.
    pub fn is_shown(&self) -> bool {
        self.bar.is_some()
    }

    /// Puts a text into it.
    pub fn message(&self, text: String) {
        if let Some(bar) = &self.bar {
            bar.set_message(text);
        }
    }

    /// A line that stays: above the bar if there is one.
    pub fn keep(&self, text: impl Display) {
        match &self.bar {
            Some(bar) => bar.suspend(|| self.console.note(text)),
            None => self.console.note(text),
        }
    }

    /// Takes the bar away.
    pub fn finish(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
    }
}

/// Shows a run as it goes.
pub struct Progress {
    console: Console,
    bar: Bar,
    expected_loss: ExpectedLoss,
    epochs: usize,
    begun: Instant,
    examples: usize,
}

impl Progress {
    /// Takes the bar away.
    pub fn finish(&mut self) {
        self.bar.finish();
    }

    /// Whether this epoch gets a line: all of a short run, about fifty of a long one.
    fn is_told(&self, epoch: usize) -> bool {
        let every = self.epochs.div_ceil(50).max(1);
        epoch == 1 || epoch == self.epochs || epoch.is_multiple_of(every)
    }
}

impl Observer for Progress {
    fn started(&mut self, start: &Start) {
        self.epochs = start.epochs;
        let ExpectedLoss { loss: expected, formula } = self.expected_loss;
        let found = start.figures.loss;
        let rows = count(start.rows);
        self.console.note(format_args!(
            "start: data loss {found:.4} on {rows} rows; near-zero scores predict {expected:.4} ({formula})"
        ));
        let near = (found - expected).abs() <= 0.1 * expected;
        if !near {
            self.console.warn(format_args!(
                "the start's data loss {found:.4} is not near {formula} = {expected:.4}: its weights are not small \
                 (--init-scale), or the features are large (--preprocess)"
            ));
        }
        self.bar.start(start.steps, "[{bar:16}] {percent:>3}% {wide_msg} {eta} left");
        self.begun = Instant::now();
    }

    fn resumed(&mut self, steps: u64) {
        self.bar.keep(format_args!("resumed after {} steps", count(steps as usize)));
        self.bar.resume(steps);
    }

    fn not_kept(&mut self, why: &str) {
        let tell = || self.console.warn(format_args!("no checkpoint: {why}; the run goes on without it"));
        match &self.bar.bar {
            Some(bar) => bar.suspend(tell),
            None => tell(),
        }
    }

    fn stepped(&mut self, step: &Step) {
        self.examples += step.examples;
        if let Some(bar) = &self.bar.bar {
            bar.set_position(step.step);
            let rate = self.examples as f64 / self.begun.elapsed().as_secs_f64().max(1e-9);
            bar.set_message(format!(
                "epoch {}/{} loss {:.4} acc {:.1}% {}/s",
                step.epoch,
                self.epochs,
                step.figures.objective,
                100.0 * step.figures.accuracy,
                count(rate as usize),
            ));
        }
    }

    fn epoch_ended(&mut self, epoch: &Epoch) {
        if !self.is_told(epoch.epoch) {
            return;
        }
        let mut text = format!(
            "epoch {:>2}/{}: loss {:.4}, train {:.2}%",
            epoch.epoch,
            self.epochs,
            epoch.train.objective,
            100.0 * epoch.train.accuracy
        );
        for (name, figures) in [("validation", epoch.validation), ("test", epoch.test)] {
            if let Some(figures) = figures {
                let _ =
                    write!(text, ", {name} {:.2}% (loss {:.4})", 100.0 * figures.accuracy, figures.objective);
            }
        }
        let _ = write!(text, ", lr {}, {:.2} s", super::plot::setting(epoch.lr), epoch.seconds);
        self.bar.keep(&text);
    }

    fn prepared(&mut self, what: &str, seconds: f64) {
        self.bar.keep(format_args!("{what} in {seconds:.2} s"));
    }

    fn iterated(&mut self, row: &Iteration) {
        self.bar.keep(format_args!(
            "iteration {:>2}: loss {:.6}, minimum above {:.6}, gap {:.2e} in {}, train {:.2}%, {} gradients, {:.2} s",
            row.iteration,
            row.best,
            row.bound,
            row.gap,
            row.precision.name(),
            100.0 * row.figures.accuracy,
            row.gradients,
            row.seconds
        ));
    }

    fn attempted(&mut self, attempt: &Attempt) {
        // The lecture's own words.
        self.bar.keep(format_args!(
            "in attempt {} the loss was {:.6}, best {:.6}",
            attempt.attempt, attempt.loss, attempt.best
        ));
        self.bar.set(attempt.attempt as u64 + 1);
    }
}

impl Progress {
    /// Starts the bar of a random search.
    pub fn searching(&mut self, attempts: usize) {
        self.bar.start(attempts as u64, "[{bar:16}] {percent:>3}% {pos}/{len} attempts, {eta} left");
    }
}
