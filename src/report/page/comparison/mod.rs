//! Several runs side by side: their results, their curves over one another, their classes, and the settings in which
//! they differ. A run keeps its letter and its color everywhere.

mod curves;
mod settings;
mod standing;

pub use standing::{Behind, Standing, standings};

use super::parts::{Place, Section, badge, bar, charts, letter, percent, scroll};
use super::{Run, intervals, parts};
use crate::metrics::Evaluation;
use crate::report::plot::{count, measured};
use maud::{Markup, html};
use standing::{best, lead};

pub(super) fn sections(runs: &[Run]) -> Vec<Section> {
    let place = Place::page();
    let mut sections = vec![results(&place, runs), curves::render(&place, runs)];
    sections.extend(classes(&place, runs));
    sections.push(settings::render(&place, runs));
    sections
}

fn results(place: &Place, runs: &[Run]) -> Section {
    let body = html! {
        (caveats(runs))
        (charts(&[intervals::render(runs)]))
        (verdict(runs))
        (scroll("Results of all runs", &table(runs)))
        p.note { "Behind: the difference of the test accuracies and its 95% interval, over the same images." }
    };
    place.section("results", "Results", &body)
}

/// What the runs were tested on, if that is the same for all.
pub(super) fn subject(runs: &[Run]) -> Markup {
    let data = |run: &Run| {
        (run.result.data_digest.clone(), run.test.as_ref().ok().map(|test| test.data_name.clone()))
    };
    html! {
        @if let [first, rest @ ..] = runs {
            @if let ((_, Some(name)), true) = (data(first), rest.iter().all(|run| data(run) == data(first))) {
                "on " (name) ", " (count(first.result.test_count as usize)) " test images of "
                (first.model.classes()) " classes"
            }
        }
    }
}

/// How many columns a table has room for.
fn columns(runs: &[Run]) -> String {
    format!("--runs:{}", runs.len())
}

/// A name for each column.
fn head(runs: &[Run], corner: &str) -> Markup {
    html! {
        thead { tr {
            th scope="col" { (corner) }
            @for (index, run) in runs.iter().enumerate() { th scope="col" { (badge(index)) " " (run.name) } }
        } }
    }
}

fn table(runs: &[Run]) -> Markup {
    let row = |name: &str, cell: &dyn Fn(&Run) -> String| {
        html! { tr { th scope="row" { (name) } @for run in runs { td { (cell(run)) } } } }
    };
    let optional = |value: Option<f64>, text: fn(f64) -> String| value.map_or_else(|| "-".to_owned(), text);
    let four = |value: f64| measured(value, 5);
    html! {
        table.compared style=(columns(runs)) {
            (head(runs, "Run"))
            tbody {
                (row("Method", &parts::method))
                tr {
                    th scope="row" { "Test accuracy" }
                    @for (index, run) in runs.iter().enumerate() { td { (bar(run.result.test_accuracy, index)) } }
                }
                (row("95% interval", &interval))
                (behind(runs))
                @if runs.iter().any(|run| run.result.validation_accuracy.is_some()) {
                    (row("Validation accuracy", &|run| optional(run.result.validation_accuracy, percent)))
                }
                (row("Training accuracy", &|run| percent(run.result.train_accuracy)))
                (row("Test loss", &|run| four(run.result.test_loss)))
                (row("Training loss", &|run| four(run.result.train_loss)))
                (row("with the penalty", &|run| four(run.result.objective)))
                @if runs.iter().any(|run| run.result.gap.is_some()) {
                    (row("Certified gap", &|run| optional(run.result.gap, |gap| format!("{gap:.2e}"))))
                }
                (row("Time of training", &|run| format!("{:.2} s", run.result.train_seconds)))
                (row("Ended", &|run| run.result.stop.to_string()))
            }
        }
    }
}

fn interval(run: &Run) -> String {
    let [low, high] = run.result.test_accuracy_interval.map(percent);
    format!("{low} to {high}")
}

/// What keeps the figures from being compared.
fn caveats(runs: &[Run]) -> Markup {
    let differ = |of: fn(&Run) -> String| runs.iter().any(|run| of(run) != of(&runs[0]));
    html! {
        @if differ(|run| run.result.data_digest.clone()) {
            p.notice { strong { "Not the same data: " }
                "these runs were not all trained and tested on the same data, so their accuracies cannot be compared." }
        }
        @else if differ(|run| run.config.objective.loss.to_string()) {
            p.note { "Losses of different formulas cannot be compared, accuracies can." }
        }
    }
}

/// The highest test accuracy, and who may be as good.
fn verdict(runs: &[Run]) -> Markup {
    let index = best(runs);
    let best = &runs[index];
    let others = (0..runs.len()).filter(|other| *other != index);
    let leads: Option<Vec<(String, Behind)>> =
        others.map(|other| Some((letter(other), lead(best, &runs[other])?))).collect();
    let near = |leads: &[(String, Behind)]| -> Vec<String> {
        leads.iter().filter(|(_, lead)| lead.interval[0] <= 0.0).map(|(run, _)| run.clone()).collect()
    };
    html! {
        p {
            "Highest test accuracy: " (badge(index)) " " strong { (best.name) } ", "
            (percent(best.result.test_accuracy)) ". "
            @match leads.as_deref().map(near) {
                Some(near) if near.is_empty() => "It is ahead of the others by more than chance explains. ",
                Some(near) => { "Chance alone may explain its lead over " (near.join(", ")) ". " },
                None => "",
            }
            "To choose among runs, use validation accuracies: the best of several test accuracies is partly luck."
        }
    }
}

/// How far each run is behind the best: over the same images, which tells more than the two intervals do.
fn behind(runs: &[Run]) -> Markup {
    let best = best(runs);
    let cell = |index: usize| match lead(&runs[best], &runs[index]) {
        Some(Behind { difference, interval: [low, high] }) if index != best => {
            let [difference, low, high] = [difference, low, high].map(percent);
            format!("{difference} ({low} to {high})")
        }
        _ => "-".to_owned(),
    };
    html! { tr {
        th scope="row" { "Behind " (letter(best)) }
        @for index in 0..runs.len() { td { (cell(index)) } }
    } }
}

/// The recall of each class, where all runs have the same classes and at least one was evaluated.
fn classes(place: &Place, runs: &[Run]) -> Option<Section> {
    let names = &runs.first()?.model.about.class_names;
    if runs.iter().any(|run| run.model.about.class_names != *names)
        || runs.iter().all(|run| run.test.is_err())
    {
        return None;
    }
    let recall = |run: &Run, class: usize| {
        let evaluation: Option<&Evaluation> = run.test.as_ref().ok().map(|tested| &tested.evaluation);
        evaluation.map_or(f64::NAN, |evaluation| evaluation.recall(class))
    };
    let table = html! {
        table.compared style=(columns(runs)) {
            (head(runs, "Class"))
            tbody {
                @for (class, name) in names.iter().enumerate() {
                    tr {
                        th scope="row" { (name) }
                        @for (index, run) in runs.iter().enumerate() { td { (bar(recall(run, class), index)) } }
                    }
                }
            }
        }
    };
    let body = html! {
        (scroll("Recall by class and run", &table))
        p.note { "Of the test images of each class, the share that is recognised." }
    };
    Some(place.section("recall", "Classes side by side", &body))
}
