//! How the run went: its history as curves.

use super::Run;
use super::parts::{Place, Section, charts};
use crate::config::name;
use crate::report::attempts::{AttemptsInput, attempts_figure};
use crate::report::convergence::{ConvergenceInput, IterationPoint, convergence_figure};
use crate::report::curves::{CurvesInput, EpochPoint, figure};
use crate::report::history::{EpochRow, History, IterationRow};
use maud::{Markup, html};

pub(super) fn render(place: &Place, run: &Run) -> Section {
    let loss = name(run.config.settings.loss);
    let (elements, about) = match &run.history {
        History::Epochs(rows) => {
            // Held-out rows are measured without the penalty, so what they stand beside is, too.
            let held_out = rows.iter().any(|row| row.validation_loss.is_some());
            let label = if held_out { format!("data loss ({loss})") } else { format!("full loss ({loss})") };
            let points: Vec<EpochPoint> = rows.iter().map(|row| epoch_point(row, held_out)).collect();
            let input = CurvesInput { title: "", loss_label: &label, step_losses: &[], epochs: &points };
            (
                figure(&input).to_elements(),
                "A point of the training curves is the mean over an epoch's steps.",
            )
        }
        History::Iterations(rows) => {
            let points: Vec<IterationPoint> = rows.iter().map(iteration_point).collect();
            let input =
                ConvergenceInput { title: "", tolerance: run.config.settings.tol, iterations: &points };
            (
                convergence_figure(&input).to_elements(),
                "The minimum lies between the lowest loss and the bound; the gap is what is left between them.",
            )
        }
        History::Attempts(rows) => {
            let losses: Vec<f64> = rows.iter().map(|row| row.objective).collect();
            let input = AttemptsInput { title: "", losses: &losses };
            (
                attempts_figure(&input).to_elements(),
                "A dot is one attempt; the line is the lowest loss so far.",
            )
        }
    };
    place.section("curves", "Curves", &body(&elements, about))
}

fn body(elements: &[String], about: &str) -> Markup {
    html! { (charts(elements)) p.note { (about) } }
}

fn epoch_point(row: &EpochRow, held_out: bool) -> EpochPoint {
    EpochPoint {
        epoch: row.epoch,
        train_loss: if held_out { row.train_loss } else { row.objective },
        validation_loss: row.validation_loss,
        train_accuracy: row.train_accuracy,
        validation_accuracy: row.validation_accuracy,
    }
}

fn iteration_point(row: &IterationRow) -> IterationPoint {
    IterationPoint { iteration: row.iteration, loss: row.objective, bound: row.bound, gap: row.gap }
}
