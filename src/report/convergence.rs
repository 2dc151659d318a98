//! The way of a second-order method to the minimum: full loss, and the gap that is left, against iterations.

use super::plot::{Axis, EndLabel, Panel, Rect, Scale, Series, Svg, measured, not_drawn, series_class};

/// What the way to a minimum is drawn from.
#[derive(Clone, Copy, Debug)]
pub struct ConvergenceInput<'a> {
    /// The heading of the picture.
    pub title: &'a str,
    /// The gap that was asked for.
    pub tolerance: f64,
    /// The iterations, in their order.
    pub iterations: &'a [IterationPoint],
}

/// What was known after one iteration.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct IterationPoint {
    /// From 1.
    pub iteration: usize,
    /// Full loss.
    pub loss: f64,
    /// Lower bound of its minimum.
    pub bound: f64,
    /// How far above the minimum the best full loss may still be.
    pub gap: f64,
}

const WIDTH: f64 = 860.0;
const MARGIN: f64 = 16.0;
const TITLE_HEIGHT: f64 = 46.0;
const PANEL_HEIGHT: f64 = 320.0;
const NOTE_HEIGHT: f64 = 20.0;
/// Between the two panels.
const GUTTER: f64 = 20.0;

/// Loss and gap as SVG.
pub fn render_convergence(input: &ConvergenceInput) -> String {
    let of = |value: fn(&IterationPoint) -> f64| {
        Series::new(input.iterations.iter().map(|point| (point.iteration as f64, value(point))))
    };
    let loss = of(|point| point.loss);
    let lowest = loss.values().iter().copied().fold(f64::INFINITY, f64::min);
    // Bounds far below would flatten the loss against the top.
    let near = input.iterations.iter().filter(|point| point.bound > 0.5 * lowest);
    let bound = Series::new(near.map(|point| (point.iteration as f64, point.bound)));
    // A gap of 0 has no place on a logarithmic scale.
    let gap = of(|point| if point.gap > 0.0 { point.gap } else { f64::NAN });
    let last = input.iterations.len().max(2) as f64;
    let tolerance = Series::new([(1.0, input.tolerance), (last, input.tolerance)]);

    let notes = [not_drawn(loss.skipped), not_drawn(gap.skipped)];
    let note_height = if notes.iter().any(Option::is_some) { NOTE_HEIGHT } else { 0.0 };
    let height = TITLE_HEIGHT + PANEL_HEIGHT + note_height + MARGIN / 2.0;
    let mut svg = Svg::new(WIDTH, height, input.title);
    svg.title((MARGIN, 28.0), WIDTH - 2.0 * MARGIN, input.title);
    let width = (WIDTH - 2.0 * MARGIN - GUTTER) / 2.0;
    let left = Rect { left: MARGIN, top: TITLE_HEIGHT, width, height: PANEL_HEIGHT };
    let right = Rect { left: left.right() + GUTTER, ..left };

    let losses = Scale::fit(&[loss.values(), bound.values()].concat());
    let lines = [("loss", &loss, 4), ("bound", &bound, 4)];
    draw(&mut svg, left, last, Axis::new("full loss", losses), lines);
    let gaps = [gap.values(), tolerance.values()].concat();
    let (low, high) = gaps.iter().fold((f64::INFINITY, 0.0_f64), |(a, b), &gap| (a.min(gap), b.max(gap)));
    let gaps = Scale::log10(low / 1.5, high * 1.5).unwrap_or_else(|| Scale::fit(&gaps));
    let lines = [("gap", &gap, 2), ("tolerance", &tolerance, 2)];
    draw(&mut svg, right, last, Axis::new("gap", gaps), lines);
    for (note, outer) in notes.iter().zip([left, right]) {
        if let Some(note) = note {
            svg.note(outer, note);
        }
    }
    svg.finish()
}

/// One panel: two lines, each with its name, and its last value to so many digits.
fn draw(svg: &mut Svg, outer: Rect, last: f64, y: Axis, lines: [(&str, &Series, usize); 2]) {
    let labels: Vec<EndLabel> = lines
        .iter()
        .enumerate()
        .filter_map(|(index, (name, series, digits))| {
            let end = series.last()?;
            Some(EndLabel {
                class: series_class(index),
                end,
                text: format!("{name} {}", measured(end.1, *digits)),
            })
        })
        .collect();
    let iterations = Axis { whole: true, ..Axis::new("iterations", Scale::linear(1.0, last)) };
    let panel = Panel::new(outer, iterations, y, &labels);
    if lines[0].1.values().is_empty() {
        panel.draw_empty(svg, "no iteration finished");
        return;
    }
    panel.draw_axes(svg);
    for (index, (_, series, _)) in lines.into_iter().enumerate() {
        panel.draw_dotted_line(svg, &series_class(index), series);
    }
    panel.draw_end_labels(svg, &labels);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn render(iterations: &[IterationPoint]) -> String {
        render_convergence(&ConvergenceInput { title: "t", tolerance: 1e-4, iterations })
    }

    #[test]
    fn the_gap_is_drawn_on_a_log_scale_with_the_tolerance() {
        let point = |iteration, loss, bound| IterationPoint { iteration, loss, bound, gap: loss - bound };
        let svg = render(&[point(1, 2.0, -50.0), point(2, 1.8, 1.7), point(3, 1.75, 1.7499)]);
        for expected in [">gap, log scale<", ">full loss<", ">iterations<", "tolerance", "bound"] {
            assert!(svg.contains(expected), "{expected}");
        }
    }

    #[test]
    fn nothing_and_no_gap_are_drawn() {
        assert!(render(&[]).contains("no iteration finished"));
        let done = IterationPoint { iteration: 1, loss: 1.0, bound: 1.0, gap: 0.0 };
        assert!(render(&[done]).contains("</svg>"));
    }
}
