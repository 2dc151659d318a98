//! What a reader sees first: the accuracy with its interval, what was minimised, and the figures around it.

use super::accuracy::{in_words, track};
use super::parts::percent;
use super::{Run, formula};
use crate::report::history::History;
use crate::report::plot::{count, measured};
use maud::{Markup, html};

pub(super) fn render(run: &Run) -> Markup {
    html! {
        (notices(run))
        div.hero {
            div.card {
                p.score { (percent(run.result.test_accuracy)) }
                p { (in_words(run)) }
                (track(run))
            }
            div.card {
                p.label { "What was minimised" }
                (formula::render(&run.config.objective))
                p.note {
                    "s = W x + b over " (run.config.preprocess.seen(run.model.about.shape)) "; N = " (count(run.result.rows[0]))
                    "; b is penalized like W"
                }
            }
        }
        (tiles(run))
    }
}

/// What a reader must know before believing the figures.
fn notices(run: &Run) -> Markup {
    let result = &run.result;
    let ended_well = ["completed", "early-stop", "tolerance"].contains(&result.stop.as_ref());
    let recorded = result.test_correct;
    let found = run.test.as_ref().map_or(recorded, |tested| tested.evaluation.correct());
    html! {
        @if !ended_well { p.notice { strong { "This run did not go to its end: " } (result.stop_reason) "." } }
        @if let Some([first, last]) = rise(&run.history) {
            p.notice { strong { "The loss rose: " }
                "from " (measured(first, 5)) " in the first epoch to " (measured(last, 5)) " in the last. "
                "The steps were probably too long." }
        }
        @if let Some(class) = run.test.as_ref().ok().and_then(|tested| tested.evaluation.only_prediction()) {
            p.notice { strong { "Nothing was learned: " } "every test image is taken for "
                (run.model.about.class_names[class]) "." }
        }
        @if let Err(why) = &run.test {
            p.notice { strong { "Without classes, confusions and mistakes: " } (why) "." }
        }
        @if found != recorded {
            p.notice { strong { "Not quite the recorded figures: " } "the run counted " (count(recorded as usize))
                " test images as right, this machine counts " (count(found as usize))
                ". Scores that nearly tie round differently on another processor; more than a few mean that the "
                "model was replaced." }
        }
    }
}

/// The full loss of a descent's first and last epoch, if that is the larger.
fn rise(history: &History) -> Option<[f64; 2]> {
    let History::Epochs(rows) = history else { return None };
    let (first, last) = (rows.first()?.objective, rows.last()?.objective);
    // Not for a last epoch that is a little worse by chance.
    (last > 1.01 * first).then_some([first, last])
}

fn tiles(run: &Run) -> Markup {
    let result = &run.result;
    let four = |value: f64| measured(value, 5);
    html! {
        dl.tiles {
            (tile("Training accuracy", &percent(result.train_accuracy), "of the rows it learned from"))
            @if let Some(accuracy) = result.validation_accuracy {
                @let rows = format!("of {} held-out rows", count(result.rows[1]));
                (tile("Validation accuracy", &percent(accuracy), &rows))
            }
            (tile("Test loss", &four(result.test_loss), "mean, without the penalty"))
            (tile("Training loss", &four(result.train_loss), &format!("with the penalty {}", four(result.objective))))
            @if let Some(gap) = result.gap {
                (tile("Certified gap", &format!("{gap:.2e}"), if result.relative_gap {
                    "part of the loss that is at most left to win"
                } else {
                    "at most left to win of the loss"
                }))
            }
            @let training = format!("{:.2} s of it training", result.train_seconds);
            (tile("Time", &format!("{:.2} s", result.seconds), &training))
            @if let Some(bytes) = result.peak_memory_bytes {
                (tile("Memory", &format!("{:.0} MB", bytes as f64 / 1e6), "at its peak"))
            }
            (tile("Ended", ended(&result.stop), &work(run)))
        }
    }
}

/// Where the run ended, for people.
fn ended(stop: &str) -> &str {
    match stop {
        "completed" => "as planned",
        "tolerance" => "at its tolerance",
        "max-iterations" => "at its limit",
        "early-stop" => "early",
        other => other,
    }
}

/// How much was done.
fn work(run: &Run) -> String {
    let result = &run.result;
    let steps = count(result.steps as usize);
    let plural = |n: u64| if n == 1 { "" } else { "s" };
    match (result.gradients, result.epochs) {
        (Some(gradients), _) => format!("{} gradients over all rows", count(gradients)),
        (None, 0) if result.strategy == "random-search" => format!("{steps} attempt{}", plural(result.steps)),
        (None, epochs) => {
            format!("{} epoch{}, {steps} step{}", count(epochs), plural(epochs as u64), plural(result.steps))
        }
    }
}

fn tile(name: &str, value: &str, about: &str) -> Markup {
    html! { div { dt { (name) } dd { strong { (value) } " " span { (about) } } } }
}
