//! The test accuracy in words, and on a line from 0 to 100%.

use super::Run;
use super::parts::percent;
use crate::report::plot::count;
use maud::{Markup, html};

/// "right (4,131 of 10,000); 95% interval 40.35% to 42.28%".
pub(super) fn in_words(run: &Run) -> Markup {
    let result = &run.result;
    let [low, high] = result.test_accuracy_interval;
    html! {
        (count(result.test_correct as usize)) " of " (count(result.test_count as usize)) " test images right, "
        "95% interval " (percent(low)) " to " (percent(high))
    }
}

/// What guessing without looking would get: one in K.
pub(super) fn guess(run: &Run) -> f64 {
    1.0 / run.model.classes() as f64
}

/// The accuracy and its interval on a line from 0 to 100%, with a mark where guessing would be.
pub(super) fn track(run: &Run) -> Markup {
    let [low, high] = run.result.test_accuracy_interval;
    let place = |name: &str, share: f64| format!("--{name}:{:.4}", share.clamp(0.0, 1.0));
    html! {
        div.track aria-hidden="true" {
            span.fill style=(place("v", run.result.test_accuracy)) {}
            span.interval style={ (place("low", low)) ";" (place("high", high)) } {}
            span.guess style=(place("v", guess(run))) {}
        }
        p.scale aria-hidden="true" { span { "0%" } span { "guessing gets " (percent(guess(run))) } span { "100%" } }
    }
}
