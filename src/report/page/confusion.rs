//! What was taken for what.

use super::parts::{Place, Section, image, percent, scroll};
use super::{Run, Tested};
use crate::metrics::Evaluation;
use crate::report::pixels::{ColorType, to_png};
use crate::report::plot::{PALETTE, count};
use crate::report::templates::TemplatesError;
use maud::{Markup, html};

/// More classes than this make a picture of the matrix; as numbers nobody could read them.
const MAX_NUMBERS: usize = 20;
/// Pairs told in words.
const PAIRS: usize = 6;
/// A share of wrong answers in one cell that is drawn at full strength.
const STRONG: f64 = 0.3;

pub(super) fn render(place: &Place, run: &Run, tested: &Tested) -> Result<Section, TemplatesError> {
    let (names, evaluation) = (&run.model.about.class_names, &tested.evaluation);
    let (matrix, about) = if names.len() <= MAX_NUMBERS {
        (
            scroll("Confusion matrix", &numbers(names, evaluation)),
            "A row is what the images are, a column what they were taken for. Blue: right. Orange: wrong. The stronger \
             the color, the larger the share of the row.",
        )
    } else {
        let file = picture(evaluation)?;
        (
            image(&file, "Confusion matrix as a picture", "matrix"),
            "From top to bottom what the images are, from left to right what they were taken for, classes in the order \
             of the table above. Blue: right. Orange: wrong. The stronger the color, the larger the share of the row.",
        )
    };
    let body = html! { (pairs(names, evaluation)) (matrix) p.note { (about) } };
    Ok(place.section("confusion", "Confusions", &body))
}

fn numbers(names: &[String], evaluation: &Evaluation) -> Markup {
    html! {
        table.confusion {
            thead { tr {
                th scope="col" { span.corner { "is, below; taken for, right" } }
                @for name in names { th scope="col" { span { (name) } } }
            } }
            tbody {
                @for (label, name) in names.iter().enumerate() {
                    tr {
                        th scope="row" { (name) }
                        @for predicted in 0..names.len() {
                            @let color = format!("--v:{:.3}", strength(evaluation, label, predicted));
                            td.right[label == predicted] style=(color) {
                                (evaluation.confusion[[label, predicted]])
                            }
                        }
                    }
                }
            }
        }
    }
}

/// How strongly a cell is colored, 0 to 1.
fn strength(evaluation: &Evaluation, label: usize, predicted: usize) -> f64 {
    let share = share(evaluation, label, predicted);
    if label == predicted { share } else { (share / STRONG).min(1.0) }
}

/// The part of a class's examples that was predicted as another; 0 if there are none.
fn share(evaluation: &Evaluation, label: usize, predicted: usize) -> f64 {
    let examples = evaluation.confusion.row(label).sum();
    evaluation.confusion[[label, predicted]] as f64 / examples.max(1) as f64
}

/// A pixel a cell; transparent where the share is 0, so that any paper shows through.
fn picture(evaluation: &Evaluation) -> Result<Vec<u8>, TemplatesError> {
    let classes = evaluation.confusion.nrows();
    let mut bytes = Vec::with_capacity(4 * classes * classes);
    for label in 0..classes {
        for predicted in 0..classes {
            // Both read on white and on dark.
            let color = if label == predicted { PALETTE[0].1 } else { PALETTE[1].0 };
            let rgb = [1, 3, 5].map(|at| u8::from_str_radix(&color[at..at + 2], 16).unwrap_or_default());
            bytes.extend(rgb);
            bytes.push((255.0 * strength(evaluation, label, predicted)).round() as u8);
        }
    }
    Ok(to_png(&bytes, classes, classes, ColorType::Rgba)?)
}

/// The most frequent confusions as shares of their class.
fn pairs(names: &[String], evaluation: &Evaluation) -> Markup {
    let classes = 0..names.len();
    let mut pairs: Vec<(usize, usize)> = classes
        .clone()
        .flat_map(|label| classes.clone().map(move |predicted| (label, predicted)))
        .filter(|&(label, predicted)| label != predicted && evaluation.confusion[[label, predicted]] > 0)
        .collect();
    let of = |pair: &(usize, usize)| share(evaluation, pair.0, pair.1);
    pairs.sort_by(|a, b| of(b).total_cmp(&of(a)));
    pairs.truncate(PAIRS);
    html! {
        @if pairs.is_empty() { p { "Nothing was taken for anything else." } }
        @else {
            p { "Most often confused:" }
            ol.pairs {
                @for pair in &pairs {
                    li { strong { (names[pair.0]) } " taken for " strong { (names[pair.1]) } ": " (percent(of(pair)))
                        " (" (count(evaluation.confusion[[pair.0, pair.1]] as usize)) ")" }
                }
            }
        }
    }
}
