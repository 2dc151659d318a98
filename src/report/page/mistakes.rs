//! The mistakes that the model was surest of, as pictures.

use super::parts::{Place, Section, image, percent};
use super::{MistakePicture, Run, Tested};
use crate::objective::Loss;
use crate::report::plot::{count, measured};
use maud::{Markup, html};

pub(super) fn render(place: &Place, run: &Run, tested: &Tested) -> Section {
    let wrong = tested.evaluation.count() - tested.evaluation.correct();
    let (what, about) = match run.config.objective.loss {
        Loss::Softmax => (
            "probability",
            "Below each, the probability that the model gave to its answer, and its place in the test set, from 0.",
        ),
        Loss::Svm { .. } => (
            "margin",
            "Below each, the margin, which is the answer's score less the next class's, and its place in the test set, from 0.",
        ),
    };
    let body = html! {
        @if tested.mistakes.is_empty() { p { "None to show: " (count(wrong as usize)) " mistakes." } }
        @else {
            p { "The " (tested.mistakes.len()) " of " (count(wrong as usize)) " mistakes with the highest " (what) ". "
                "Look for labels that are wrong, and for what misled the model." }
            div.gallery.mistakes { @for mistake in &tested.mistakes { (figure(run, mistake)) } }
            p.note { (about) }
        }
    };
    place.section("mistakes", "Most confident mistakes", &body)
}

fn figure(run: &Run, shown: &MistakePicture) -> Markup {
    let names = &run.model.about.class_names;
    let mistake = &shown.mistake;
    let (label, predicted) = (&names[mistake.label], &names[mistake.predicted]);
    let confidence = match run.config.objective.loss {
        Loss::Softmax => percent(mistake.confidence),
        Loss::Svm { .. } => measured(mistake.confidence, 3),
    };
    html! {
        figure {
            @if let Some(png) = &shown.png {
                (image(png, &format!("Test image {}: {label}, taken for {predicted}", mistake.row), "picture"))
            }
            figcaption {
                span.is { (label) } span.taken { "taken for " strong { (predicted) } }
                span.fine { (confidence) } span.fine { "image " (mistake.row) }
            }
        }
    }
}
