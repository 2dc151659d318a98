//! The objective as a formula, in MathML.

use crate::objective::{Loss, Objective};
use crate::report::plot::setting;
use maud::{Markup, html};

/// L = 1/N sum L_i + penalty, with the run's own numbers. Each term is an element of its own, so that a phone can break
/// the line between them.
pub(super) fn render(objective: &Objective) -> Markup {
    let term = |inside: &Markup| html! { math displaystyle="true" aria-hidden="true" { (inside) } };
    let data_loss = html! {
        mi { "L" } mo { "=" } mfrac { mn { "1" } mi { "N" } } munder { mo { "∑" } mi { "i" } } (loss(objective.loss))
    };
    let square = html! { msup { mi { "W" } mn { "2" } } };
    let absolute = html! { mrow { mo { "|" } mi { "W" } mo { "|" } } };
    html! {
        div.formula role="math" aria-label=(objective.to_string()) {
            (term(&data_loss))
            @for (strength, of) in [(objective.penalty.l2, square), (objective.penalty.l1, absolute)] {
                @if strength > 0.0 { (term(&penalty(strength, &of))) }
            }
        }
    }
}

fn loss(loss: Loss) -> Markup {
    let score = |index: &str| html! { msub { mi { "s" } mi { (index) } } };
    let power = |index: &str| html! { msup { mi { "e" } (score(index)) } };
    match loss {
        Loss::Svm { margin } => html! {
            munder { mo { "∑" } mrow { mi { "j" } mo { "≠" } mi { "y" } } }
            mi { "max" } mo { "(" } mn { "0" } mo { "," } (score("j")) mo { "−" } (score("y"))
            mo { "+" } mn { (setting(margin)) } mo { ")" }
        },
        Loss::Softmax => html! {
            mo { "−" } mi { "ln" }
            mfrac { (power("y")) mrow { munder { mo { "∑" } mi { "j" } } (power("j")) } }
        },
    }
}

fn penalty(strength: f64, of: &Markup) -> Markup {
    html! { mo form="infix" { "+" } mn { (setting(strength)) } mo { "∑" } (of) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::objective::Penalty;

    #[test]
    fn has_the_numbers_and_the_plain_form_beside_it() {
        let of = |loss, l2, l1| render(&Objective { loss, penalty: Penalty { l2, l1 } }).into_string();
        let svm = of(Loss::Svm { margin: 2.0 }, 1e-3, 0.0);
        assert!(svm.contains("<mn>0.001</mn><mo>∑</mo><msup><mi>W</mi>"), "{svm}");
        assert!(svm.contains("<mo>+</mo><mn>2</mn><mo>)</mo>") && !svm.contains("<mo>|</mo>"));
        assert!(
            svm.contains("aria-label=\"(1/N) sum_i sum_(j != y) max(0, s_j - s_y + 2) + 0.001 sum W^2\"")
        );
        let softmax = of(Loss::Softmax, 0.0, 0.5);
        assert!(softmax.contains("<mi>ln</mi>") && softmax.contains("<mn>0.5</mn>"), "{softmax}");
    }
}
