//! A report of one run, or of several side by side: one HTML page that needs nothing beside itself.
//!
//! No script, no font, no link to anywhere: pictures are data URIs, and a content security policy in the page keeps it
//! so. Text from files (class names, paths, settings) is escaped by the templates, and what could reorder or hide the
//! text around it is replaced at the end, over the whole page. The same runs give the same bytes.

mod accuracy;
mod classes;
mod comparison;
mod confusion;
mod curves;
mod details;
mod formula;
mod headline;
mod intervals;
mod mistakes;
mod parts;
mod weights;

pub use comparison::{Behind, Standing, standings};

use super::history::History;
use super::plot::{sheet, variables, visible};
use super::summary::RunResult;
use super::templates::TemplatesError;
use crate::config::RunConfig;
use crate::metrics::Evaluation;
use crate::model::{LinearModel, Mistake};
use maud::{DOCTYPE, Markup, PreEscaped, html};
use parts::{Place, badge};

/// A run, as its folder holds it, and what its model does on its test set.
#[derive(Clone, Debug)]
pub struct Run {
    /// What it is called: its folder's name, or path.
    pub name: String,
    /// `result.json`.
    pub result: RunResult,
    /// `config.toml`, resolved.
    pub config: RunConfig,
    /// The same as it is written.
    pub config_text: String,
    /// `history.csv`.
    pub history: History,
    /// `model.safetensors`.
    pub model: LinearModel,
    /// What the model does on the test set, or why that is not known.
    pub test: Result<Tested, String>,
}

/// What a model does on its test set.
#[derive(Clone, Debug)]
pub struct Tested {
    /// The data's own name, such as "CIFAR-10".
    pub data_name: String,
    /// Every prediction, counted.
    pub evaluation: Evaluation,
    /// Which test examples are predicted right, in their order.
    pub right: Vec<bool>,
    /// The most confident mistakes, the most confident first.
    pub mistakes: Vec<MistakePicture>,
}

/// A mistake to look at.
#[derive(Clone, Debug)]
pub struct MistakePicture {
    /// Which, and what it was taken for.
    pub mistake: Mistake,
    /// The example as a PNG file; `None` if it is no picture.
    pub png: Option<Vec<u8>>,
}

/// The page of these runs: of one, a report; of several, a comparison and then each one's report.
///
/// # Errors
/// If a picture cannot be encoded.
pub fn render(runs: &[Run]) -> Result<String, TemplatesError> {
    let (title, main) = match runs {
        [run] => (format!("{}: {}", run.name, parts::method(run)), single(run)?),
        _ => (format!("{} runs compared", runs.len()), several(runs)?),
    };
    let page = document(&title, &main).into_string();
    Ok(page.chars().map(|c| if c == '\n' { c } else { visible(c) }).collect())
}

fn document(title: &str, main: &Markup) -> Markup {
    let policy = "default-src 'none'; style-src 'unsafe-inline'; img-src data:";
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(policy);
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) }
                style { (PreEscaped(variables())) (PreEscaped(sheet())) (PreEscaped(include_str!("page.css"))) }
            }
            body {
                main { (main) }
                footer { "Written by cifar-train " (env!("CARGO_PKG_VERSION"))
                    ", which read these figures from the run folders and computed the rest from their models." }
            }
        }
    }
}

/// The report of one run.
fn single(run: &Run) -> Result<Markup, TemplatesError> {
    let place = Place::page();
    let sections = sections(&place, run)?;
    Ok(html! {
        header {
            p.eyebrow { "cifar-train report: " (run.name) }
            h1 { (parts::method(run)) @if let Ok(tested) = &run.test { " on " (tested.data_name) } }
        }
        (headline::render(run))
        nav aria-label="Sections" { ul { (links(&sections)) } }
        @for section in &sections { (section.markup) }
    })
}

fn links(sections: &[parts::Section]) -> Markup {
    html! { @for section in sections { li { a href={ "#" (section.id) } { (section.title) } } } }
}

/// The comparison of several runs, then each one's report.
fn several(runs: &[Run]) -> Result<Markup, TemplatesError> {
    let mut reports = Vec::new();
    for (index, run) in runs.iter().enumerate() {
        let place = Place::of_run(index);
        reports.push((index, run, place.id("run"), sections(&place, run)?));
    }
    let comparison = comparison::sections(runs);
    Ok(html! {
        header {
            p.eyebrow { "cifar-train report" }
            h1 { (runs.len()) " runs compared" }
            p.lead { (comparison::subject(runs)) }
        }
        nav aria-label="Sections" { ul {
            (links(&comparison))
            @for (index, run, id, _) in &reports { li { (badge(*index)) " " a href={ "#" (id) } { (run.name) } } }
        } }
        @for section in &comparison { (section.markup) }
        @for (index, run, id, sections) in &reports {
            article aria-labelledby=(id) {
                h2 #(id) { (badge(*index)) " " (run.name) }
                p.lead { (parts::method(run)) @if let Ok(tested) = &run.test { " on " (tested.data_name) } }
                (headline::render(run))
                @for section in sections { (section.markup) }
            }
        }
    })
}

/// What is told of a run below its headline.
fn sections(place: &Place, run: &Run) -> Result<Vec<parts::Section>, TemplatesError> {
    let mut sections = vec![curves::render(place, run)];
    sections.extend(weights::render(place, run)?);
    if let Ok(tested) = &run.test {
        sections.push(classes::render(place, run, tested));
        sections.push(confusion::render(place, run, tested)?);
        sections.push(mistakes::render(place, run, tested));
    }
    sections.push(details::settings(place, run));
    sections.push(details::record(place, run));
    Ok(sections)
}
