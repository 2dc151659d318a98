//! The test accuracies of several runs, each with its interval, on one axis.

use super::Run;
use super::parts::{letter, percent};
use crate::report::plot::{Anchor, Rect, Scale, Svg, series_class, shorten};

const WIDTH: f64 = 420.0;
const ROW: f64 = 46.0;
const HEADING: f64 = 30.0;
const BELOW: f64 = 34.0;
/// Half of "100%" below the last tick sticks out of the frame; on a phone its letters are a seventh larger.
const MARGIN: f64 = 22.0;
const FONT_SIZE: f64 = 14.0;

/// A row a run: its letter and name, its accuracy as a dot on the line of its interval.
pub(super) fn render(runs: &[Run]) -> String {
    let ends: Vec<f64> =
        runs.iter().flat_map(|run| run.result.test_accuracy_interval).map(|end| 100.0 * end).collect();
    let scale = Scale::fit_linear(&ends).within(0.0, 100.0);
    let frame =
        Rect { left: MARGIN, top: HEADING, width: WIDTH - 2.0 * MARGIN, height: ROW * runs.len() as f64 };
    let mut svg = Svg::element(WIDTH, frame.bottom() + BELOW, "Test accuracies with their 95% intervals");
    svg.text("ink heading", (0.0, 14.0), Anchor::Start, "test accuracy, 95% interval");
    let at = |percent: f64| frame.left + scale.fraction(percent) * frame.width;
    for tick in scale.ticks(6) {
        let x = at(tick.value);
        svg.line("grid", (x, frame.top), (x, frame.bottom()));
        svg.text("muted", (x, frame.bottom() + 19.0), Anchor::Middle, &format!("{}%", tick.label));
    }
    svg.line("axis", (frame.left, frame.bottom()), (frame.right(), frame.bottom()));
    for (index, run) in runs.iter().enumerate() {
        let y = frame.top + ROW * index as f64 + 34.0;
        let [low, high] = run.result.test_accuracy_interval.map(|end| at(100.0 * end));
        let class = series_class(index);
        svg.line(&format!("line {class}"), (low, y), (high, y));
        svg.dots(&class, &[(at(100.0 * run.result.test_accuracy), y)]);
        let text = format!(
            "{} {}  {}",
            letter(index),
            shorten(&run.name, 220.0, FONT_SIZE),
            percent(run.result.test_accuracy)
        );
        // Beside the middle of the line, on the side that has room.
        let (anchor, x) = if low + high < WIDTH { (Anchor::Start, low) } else { (Anchor::End, high) };
        svg.text("ink", (x, y - 9.0), anchor, &text);
    }
    svg.finish()
}
