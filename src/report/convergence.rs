//! The way of a second-order method to the minimum: full loss, and the gap that is left, against iterations.

use super::plot::{Axis, Figure, Line, Part, Rect, Scale, Series, Svg, draw_lines, measured, not_drawn};

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

/// Loss and gap as a picture of two panels.
pub fn convergence_figure<'a>(input: &ConvergenceInput<'a>) -> Figure<'a> {
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

    let losses = Scale::fit(&[loss.values(), bound.values()].concat());
    let gaps = [gap.values(), tolerance.values()].concat();
    let (low, high) = gaps.iter().fold((f64::INFINITY, 0.0_f64), |(a, b), &gap| (a.min(gap), b.max(gap)));
    let gaps = Scale::log10(low / 1.5, high * 1.5).unwrap_or_else(|| Scale::fit(&gaps));
    let notes = [not_drawn(loss.skipped), not_drawn(gap.skipped)];
    let [left, right] = [
        (losses, "full loss", [("loss", loss, 4), ("bound", bound, 4)]),
        (gaps, "gap", [("gap", gap, 2), ("tolerance", tolerance, 2)]),
    ]
    .map(|(scale, name, series)| panel(Axis::new(name, scale), last, series));
    let parts = [left, right].into_iter().zip(notes).map(|(part, note)| Part { note, ..part }).collect();
    Figure { title: input.title, parts }
}

/// The same as an SVG file.
pub fn render_convergence(input: &ConvergenceInput) -> String {
    convergence_figure(input).to_svg()
}

/// One panel: two lines, each with its name, and its last value to so many digits. Without the first there is nothing
/// to see.
fn panel<'a>(y: Axis<'a>, last: f64, lines: [(&str, Series, usize); 2]) -> Part<'a> {
    let is_empty = lines[0].1.values().is_empty();
    let line = |(color, (name, series, digits)): (usize, (&str, Series, usize))| {
        let value = series.last().map_or_else(String::new, |end| measured(end.1, digits));
        Line { label: format!("{name} {value}"), series, color }
    };
    let lines: Vec<Line> = lines.into_iter().enumerate().map(line).filter(|_| !is_empty).collect();
    let name = format!("{} against iterations", y.name);
    let iterations = Axis { whole: true, ..Axis::new("iterations", Scale::linear(1.0, last)) };
    let draw = move |svg: &mut Svg, outer: Rect| {
        draw_lines(svg, outer, iterations.clone(), y.clone(), &lines, "no iteration finished");
    };
    Part { name, note: None, draw: Box::new(draw) }
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
