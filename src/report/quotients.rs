//! The numerical gradient as the lecture shows it, and how its error moves with h: as text and as a picture.

use super::plot::{Axis, EndLabel, Panel, Point, Rect, Scale, Series, Svg, measured, series_class, setting};
use crate::gradcheck::{Coordinate, StepError, Study};
use crate::objective::{Loss, Objective};
use std::fmt::Write;

/// W, W + h, the losses, the quotients; analytic beside them; errors over h.
pub fn to_text(objective: &Objective, study: &Study) -> String {
    let mut text = String::new();
    let (h, loss) = (study.h, study.loss);
    // As many decimals as a change by h can reach, and a few more.
    let decimals = (4.0 - h.log10()).ceil().clamp(5.0, 15.0) as usize;
    // Writing to a String cannot fail.
    let _ = writeln!(text, "full loss {objective}\n\ncurrent W: loss {loss:.decimals$}\n");
    let _ = writeln!(text, "numerical gradient: (loss(W + h) - loss(W)) / h, h = {}", setting(h));
    let wide = decimals + 4;
    for c in &study.coordinates {
        let _ = writeln!(
            text,
            "  {:<10} {:>9.5} + {}  loss {:>wide$.decimals$}  ({:.decimals$} - {loss:.decimals$}) / {} = {:>10}",
            place(c),
            c.weight,
            setting(h),
            c.loss_above,
            c.loss_above,
            setting(h),
            measured(c.forward, 3)
        );
    }
    let _ =
        writeln!(text, "  each weight is restored before the next is moved\n\nbeside the analytic gradient");
    let _ = writeln!(
        text,
        "  {:<10} {:>13}  {:>13}  {:>13}  {:>9}  {:>9}",
        "", "analytic", "forward", "centered", "error", "error"
    );
    for c in &study.coordinates {
        let error = |found: f64| (found - c.analytic).abs() / c.analytic.abs().max(f64::MIN_POSITIVE);
        let kink = if c.kink { "  at a kink" } else { "" };
        let _ = writeln!(
            text,
            "  {:<10} {:>13.6e}  {:>13.6e}  {:>13.6e}  {:>9.1e}  {:>9.1e}{kink}",
            place(c),
            c.analytic,
            c.forward,
            c.centred,
            error(c.forward),
            error(c.centred)
        );
    }
    text.push_str("\nrelative error over these coordinates, by h\n");
    text.push_str(&chart(study));
    for (name, of) in CURVES {
        if let Some(best) = study.errors.iter().min_by(|a, b| of(a).total_cmp(&of(b))) {
            let _ = writeln!(
                text,
                "  {name:<8} is best at h = {}: {}",
                measured(best.h, 2),
                measured(of(best), 2)
            );
        }
    }
    if matches!(objective.loss, Loss::Svm { .. }) {
        text.push_str(
            "  the hinge is straight between its kinks: truncation comes from kinks and the penalty alone\n",
        );
    }
    text.push_str(
        "  large h: truncation, which falls with h (forward) or h^2 (centered);\n  \
         small h: rounding of the losses, about 1e-16 * loss / h, which grows\n",
    );
    text
}

/// The difference quotients of losses that were measured elsewhere: at W, then with h added to one weight after the
/// other.
pub fn of_losses(loss: f64, above: &[f64], h: f64) -> String {
    let mut text = format!("loss(W) = {loss}, h = {h}\n");
    for (at, above) in above.iter().enumerate() {
        // Rounded to what the given digits can carry: 1.25322 - 1.25347 is not -0.00025 in binary.
        let quotient = (above - loss) / h;
        let _ = writeln!(text, "  dW[{at}] = ({above} - {loss}) / {h} = {}", setting(quotient));
    }
    text
}

type Of = fn(&StepError) -> f64;
const CURVES: [(&str, Of); 2] = [("forward", |e| e.forward), ("centered", |e| e.centred)];
/// Errors below what a double can resolve are drawn there.
const SMALLEST: f64 = 1e-16;

fn place(c: &Coordinate) -> String {
    c.feature.map_or_else(|| format!("b[{}]", c.class), |feature| format!("W[{}, {feature}]", c.class))
}

/// A table, and the same as a log-log chart of characters: a line a power of ten.
fn chart(study: &Study) -> String {
    let whole: Vec<&StepError> =
        study.errors.iter().filter(|e| (e.h.log10() - e.h.log10().round()).abs() < 1e-9).collect();
    let decade = |error: f64| error.max(SMALLEST).log10().floor() as i32;
    let decades: Vec<i32> = whole.iter().flat_map(|e| [decade(e.forward), decade(e.centred)]).collect();
    let (Some(lowest), Some(highest)) = (decades.iter().min(), decades.iter().max()) else {
        return String::new();
    };
    let mut text = String::new();
    let cells = |of: &dyn Fn(&StepError) -> String| {
        whole.iter().map(|e| of(e)).fold(String::new(), |cells, cell| format!("{cells}{cell:>8}"))
    };
    let _ = writeln!(text, "  h       {}", cells(&|e| format!("{:e}", e.h)));
    for (name, of) in CURVES {
        let _ = writeln!(text, "  {name:<8}{}", cells(&|e| format!("{:.1e}", of(e))));
    }
    text.push('\n');
    for row in (*lowest..=*highest).rev() {
        let mark = |e: &StepError| match (decade(e.forward) == row, decade(e.centred) == row) {
            (true, true) => "fc".to_owned(),
            (true, false) => "f".into(),
            (false, true) => "c".into(),
            (false, false) => String::new(),
        };
        let line = format!("  {:>6} |{}", format!("1e{row}"), cells(&mark));
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

const WIDTH: f64 = 760.0;
const MARGIN: f64 = 16.0;
const TITLE_HEIGHT: f64 = 46.0;
const PANEL_HEIGHT: f64 = 360.0;

/// Error over h as SVG, both on log scales.
pub fn render(title: &str, study: &Study) -> String {
    let mut svg = Svg::new(WIDTH, TITLE_HEIGHT + PANEL_HEIGHT + 52.0, title);
    svg.title((MARGIN, 28.0), WIDTH - 2.0 * MARGIN, title);
    let outer = Rect { left: MARGIN, top: TITLE_HEIGHT, width: WIDTH - 2.0 * MARGIN, height: PANEL_HEIGHT };
    // From small to large h: the lines end, and are named, where they differ.
    let curve = |of: Of| {
        let points: Vec<Point> = study.errors.iter().rev().map(|e| (e.h, of(e).max(SMALLEST))).collect();
        Series::new(points)
    };
    let curves = CURVES.map(|(_, of)| curve(of));
    let labels: Vec<EndLabel> = CURVES
        .iter()
        .zip(&curves)
        .enumerate()
        .filter_map(|(i, ((name, _), curve))| {
            Some(EndLabel { class: series_class(i), end: curve.last()?, text: (*name).into() })
        })
        .collect();
    let values = [curves[0].values(), curves[1].values()].concat();
    let (first, last) =
        (study.errors.last().map_or(1e-12, |e| e.h), study.errors.first().map_or(0.1, |e| e.h));
    let x = Axis::new("h", Scale::log10(first, last).unwrap_or(Scale::linear(0.0, 1.0)));
    let panel = Panel::new(
        outer,
        x,
        Axis::new("relative error of the numerical gradient", Scale::fit(&values)),
        &labels,
    );
    if values.is_empty() {
        panel.draw_empty(&mut svg, "no finite value");
        return svg.finish();
    }
    panel.draw_axes(&mut svg);
    for (i, curve) in curves.iter().enumerate() {
        panel.draw_dotted_line(&mut svg, &series_class(i), curve);
    }
    panel.draw_end_labels(&mut svg, &labels);
    svg.note(outer, "left: rounding, about 1e-16 * loss / h");
    let below = Rect { top: outer.top + 20.0, ..outer };
    svg.note(below, "right: truncation, falling with h (forward) or h^2 (centered)");
    svg.finish()
}
