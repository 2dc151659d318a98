//! Both losses of some scores, line by line, as the lecture's slides lay them out.

use super::graph::number;
use super::plot::measured;
use crate::objective::{Term, Worked};
use std::fmt::Write;

/// How s = W x + b came about.
#[derive(Clone, Debug, PartialEq)]
pub struct Product {
    /// W (K, D).
    pub weight: Vec<Vec<f64>>,
    /// x (D).
    pub x: Vec<f64>,
    /// b (K).
    pub bias: Vec<f64>,
}

impl Product {
    /// s (K).
    pub fn scores(&self) -> Vec<f64> {
        let rows = self.weight.iter().zip(&self.bias);
        rows.map(|(row, b)| row.iter().zip(&self.x).map(|(w, x)| w * x).sum::<f64>() + b).collect()
    }

    /// s_j = W_j x + b_j, a line a class.
    pub fn to_text(&self, names: &[String]) -> String {
        let mut text = String::from("scores s = W x + b\n");
        let width = names.iter().map(|name| name.chars().count()).max().unwrap_or(0);
        for ((row, b), (name, score)) in
            self.weight.iter().zip(&self.bias).zip(names.iter().zip(self.scores()))
        {
            let product = |(w, x): (&f64, &f64)| format!("{} * {}", signed(*w), signed(*x));
            let terms: Vec<String> = row.iter().zip(&self.x).map(product).collect();
            // Writing to a String cannot fail.
            let _ = writeln!(
                text,
                "  {name:<width$}  {} + {} = {}",
                terms.join(" + "),
                signed(*b),
                number(score)
            );
        }
        text.push('\n');
        text
    }
}

/// A number after an operator: a negative one in parentheses.
fn signed(value: f64) -> String {
    if value < 0.0 { format!("({})", number(value)) } else { number(value) }
}

/// One example's table.
pub fn to_text(heading: &str, worked: &Worked, names: &[String], margin: f64) -> String {
    let exponential =
        if worked.shift == 0.0 { "e^s".to_owned() } else { format!("e^(s - {})", number(worked.shift)) };
    let mut rows = vec![[
        "class".to_owned(),
        "score".into(),
        format!("hinge: max(0, s_j - s_y + {})", number(margin)),
        exponential,
        "normalised".into(),
    ]];
    let right = worked.terms[worked.label].score;
    for (term, name) in worked.terms.iter().zip(names) {
        rows.push([
            name.clone(),
            number(term.score),
            hinge(term, right, margin),
            measured(term.exponential, 3),
            measured(term.probability, 3),
        ]);
    }
    let terms: Vec<String> =
        worked.terms.iter().filter(|term| term.excess.is_some()).map(|term| number(term.hinge)).collect();
    let hinge = if terms.len() <= 4 {
        format!("{} = {}", terms.join(" + "), number(worked.hinge))
    } else {
        format!("the sum: {}", number(worked.hinge))
    };
    let mut text = format!("{heading}\n");
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..5).map(width).collect();
    for row in &rows {
        let line = format!(
            "  {:<a$}  {:>b$}  {:<c$}  {:>d$}  {:>e$}",
            row[0],
            row[1],
            row[2],
            row[3],
            row[4],
            a = widths[0],
            b = widths[1],
            c = widths[2],
            d = widths[3],
            e = widths[4]
        );
        text.push_str(line.trim_end());
        text.push('\n');
    }
    // Writing to a String cannot fail.
    let _ = writeln!(text, "  SVM loss      {hinge}");
    let nats = measured(worked.cross_entropy, 3);
    let _ = match worked.probability() {
        // The loss comes from scores, and knows more than a probability that is too small for a number.
        0.0 => writeln!(text, "  softmax loss  -ln(p) = {nats} nats, of a probability p below 1e-300"),
        p => writeln!(text, "  softmax loss  -ln({}) = {nats} nats", measured(p, 3)),
    };
    text
}

fn hinge(term: &Term, right: f64, margin: f64) -> String {
    let Some(excess) = term.excess else { return "the label: no term".into() };
    let less = if right < 0.0 { format!("+ {}", number(-right)) } else { format!("- {}", number(right)) };
    let inner = format!("max(0, {} {less} + {})", number(term.score), number(margin));
    let inside = if excess < 0.0 { format!(" = max(0, {})", number(excess)) } else { String::new() };
    format!("{inner}{inside} = {}", number(term.hinge))
}

/// The scores whose cross-entropy the lecture prints, and their label.
const LECTURE: ([f64; 3], usize) = ([-2.85, 0.86, 0.28], 2);

/// What there is to say about the slide's own numbers, if these are its scores.
pub fn slide(worked: &Worked) -> Option<String> {
    let near = |(term, slide): (&Term, &f64)| (term.score - slide).abs() < 5e-3;
    let same = worked.terms.len() == LECTURE.0.len()
        && worked.label == LECTURE.1
        && worked.terms.iter().zip(&LECTURE.0).all(near);
    same.then(|| {
        format!(
            "the slide's {} is -log10({}), a logarithm to base 10; its own formula has the natural one: {} nats\n\
             the slide's 0.016 divides rounded exponentials, 0.058 / (0.058 + 2.36 + 1.32); unrounded it is {}\n",
            measured(worked.cross_entropy / std::f64::consts::LN_10, 3),
            measured(worked.probability(), 3),
            measured(worked.cross_entropy, 3),
            measured(worked.terms[0].probability, 3)
        )
    })
}

/// The means over several examples.
pub fn means(all: &[Worked]) -> String {
    let mean = |of: fn(&Worked) -> f64| all.iter().map(of).sum::<f64>() / all.len() as f64;
    let list = |of: fn(&Worked) -> f64| {
        all.iter().map(|worked| measured(of(worked), 3)).collect::<Vec<_>>().join(" + ")
    };
    let plain =
        |of: fn(&Worked) -> f64| all.iter().map(|worked| number(of(worked))).collect::<Vec<_>>().join(" + ");
    format!(
        "mean over {} pictures, the data loss\n  SVM      ({}) / {} = {}\n  softmax  ({}) / {} = {} nats\n",
        all.len(),
        plain(|worked| worked.hinge),
        all.len(),
        measured(mean(|worked| worked.hinge), 3),
        list(|worked| worked.cross_entropy),
        all.len(),
        measured(mean(|worked| worked.cross_entropy), 3)
    )
}
