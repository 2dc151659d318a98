//! What the sections of the page are made of.

use super::Run;
use crate::config::Strategy;
use crate::objective::Loss;
use crate::optim::UpdateRule;
use crate::report::plot::PALETTE;
use crate::train::BatchSize;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use maud::{Markup, PreEscaped, html};

/// A section, with what the table of contents needs.
pub(super) struct Section {
    pub id: String,
    pub title: &'static str,
    pub markup: Markup,
}

/// Where sections stand: on the page itself, or in one run's part of a comparison.
pub(super) struct Place {
    prefix: String,
    nested: bool,
}

impl Place {
    pub(super) fn page() -> Self {
        Self { prefix: String::new(), nested: false }
    }

    pub(super) fn of_run(index: usize) -> Self {
        Self { prefix: format!("{}-", letter(index).to_lowercase()), nested: true }
    }

    /// The element's id, one of its own on the page.
    pub(super) fn id(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }

    pub(super) fn section(&self, name: &str, title: &'static str, body: &Markup) -> Section {
        let id = self.id(name);
        let markup = html! {
            section aria-labelledby=(id) {
                @if self.nested { h3 #(id) { (title) } } @else { h2 #(id) { (title) } }
                (body)
            }
        };
        Section { id, title, markup }
    }
}

/// The letter that stands for a run wherever its name is too long: A to Z, then AA, AB and so on.
pub(super) fn letter(index: usize) -> String {
    let last = char::from(b'A' + (index % 26) as u8);
    if index < 26 { last.to_string() } else { letter(index / 26 - 1) + &last.to_string() }
}

/// A run's letter in its color.
pub(super) fn badge(index: usize) -> Markup {
    html! { span.badge style=(color(index)) { (letter(index)) } }
}

/// A run's color, for elements that have one.
pub(super) fn color(index: usize) -> String {
    format!("--c:var(--s{})", index % PALETTE.len())
}

/// What was trained, and how: "Softmax classifier, L-BFGS".
pub(super) fn method(run: &Run) -> String {
    let loss = match run.config.objective.loss {
        Loss::Svm { .. } => "SVM",
        Loss::Softmax => "Softmax",
    };
    let how = match &run.config.strategy {
        Strategy::RandomSearch(plan) if plan.local => "random local search",
        Strategy::RandomSearch(_) => "random search",
        Strategy::SecondOrder(_) => "L-BFGS",
        Strategy::Descent(plan) => match plan.rule {
            UpdateRule::Sgd if plan.batch_size == BatchSize::Full => "gradient descent",
            UpdateRule::Sgd => "minibatch SGD",
            UpdateRule::Momentum { .. } => "SGD with momentum",
            UpdateRule::Nesterov { .. } => "SGD with Nesterov momentum",
            UpdateRule::Adagrad { .. } => "Adagrad",
            UpdateRule::RmsProp { .. } => "RMSProp",
            UpdateRule::Adam { .. } => "Adam",
        },
    };
    format!("{loss} classifier, {how}")
}

/// "41.31%"; a dash for what has no value.
pub(super) fn percent(share: f64) -> String {
    if share.is_finite() { format!("{:.2}%", 100.0 * share) } else { "-".into() }
}

/// A share as a bar in the color of a run, with its number.
pub(super) fn bar(share: f64, index: usize) -> Markup {
    let length = if share.is_finite() { share.clamp(0.0, 1.0) } else { 0.0 };
    html! {
        span.number { (percent(share)) }
        span.bar aria-hidden="true" style={ "--v:" (format!("{length:.4}")) ";" (color(index)) } {}
    }
}

/// A table that may be wider than the screen, which then scrolls by finger and by keyboard.
pub(super) fn scroll(label: &str, table: &Markup) -> Markup {
    html! { div.scroll role="region" aria-label=(label) tabindex="0" { (table) } }
}

/// SVG elements beside one another, or below one another where it is narrow.
pub(super) fn charts(elements: &[String]) -> Markup {
    html! { div.charts { @for svg in elements { div.chart { (PreEscaped(svg)) } } } }
}

/// A PNG file inside the page.
pub(super) fn image(png: &[u8], alt: &str, class: &str) -> Markup {
    html! { img class=(class) alt=(alt) src={ "data:image/png;base64," (STANDARD.encode(png)) }; }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_go_on_after_z() {
        assert_eq!([0, 1, 25, 26, 27, 701, 702].map(letter), ["A", "B", "Z", "AA", "AB", "ZZ", "AAA"]);
    }

    #[test]
    fn shares_without_a_value_are_a_dash() {
        assert_eq!(percent(0.4131), "41.31%");
        assert_eq!(percent(f64::NAN), "-");
        assert!(bar(f64::NAN, 0).into_string().contains("--v:0.0000;--c:var(--s0)"));
    }
}
