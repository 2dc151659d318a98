//! Each class's recall and precision.

use super::parts::{Place, Section, bar, percent, scroll};
use super::{Run, Tested};
use crate::metrics::Evaluation;
use crate::report::plot::count;
use maud::{Markup, html};

pub(super) fn render(place: &Place, run: &Run, tested: &Tested) -> Section {
    let (names, evaluation) = (&run.model.about.class_names, &tested.evaluation);
    let table = html! {
        table.bars {
            thead { tr {
                th scope="col" { "Class" } th scope="col" { "Images" } th scope="col" { "Recall" }
                th scope="col" { "Precision" }
            } }
            tbody {
                @for (class, name) in names.iter().enumerate() {
                    tr {
                        th scope="row" { (name) }
                        td { (count(evaluation.confusion.row(class).sum() as usize)) }
                        td { (bar(evaluation.recall(class), 0)) }
                        td { (bar(evaluation.precision(class), 1)) }
                    }
                }
            }
        }
    };
    let body = html! {
        (extremes(names, evaluation))
        (scroll("Recall and precision by class", &table))
        p.note { "Recall: of the images of a class, the share that is recognised. Precision: of the images taken for "
            "the class, the share that is." }
    };
    place.section("classes", "Classes", &body)
}

/// The class that is recognised best, and the one that is worst.
fn extremes(names: &[String], evaluation: &Evaluation) -> Markup {
    let recall = |class: &usize| evaluation.recall(*class);
    let known: Vec<usize> = (0..names.len()).filter(|class| recall(class).is_finite()).collect();
    let best = known.iter().max_by(|a, b| recall(a).total_cmp(&recall(b)));
    let worst = known.iter().min_by(|a, b| recall(a).total_cmp(&recall(b)));
    html! {
        @if let (Some(best), Some(worst)) = (best, worst) {
            @if recall(best) > recall(worst) {
                p { "Recognised best: " strong { (names[*best]) } ", " (percent(recall(best))) "; worst: "
                    strong { (names[*worst]) } ", " (percent(recall(worst))) "." }
            }
        }
    }
}
