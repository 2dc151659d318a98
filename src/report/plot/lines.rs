//! A panel of named lines: axes, the lines with a dot at each point where they are few, and each line's name at its
//! end.

use super::{Axis, EndLabel, Panel, Rect, Series, Svg, series_class};

/// One line.
#[derive(Clone, Debug)]
pub struct Line {
    /// What is written at its end.
    pub label: String,
    /// Its points.
    pub series: Series,
    /// Which of the series' colors and dashes it has; see [`series_class`].
    pub color: usize,
}

/// Draws the panel; with no point in any line, an empty one that says `empty`.
pub fn draw_lines(svg: &mut Svg, outer: Rect, x: Axis, y: Axis, lines: &[Line], empty: &str) {
    let label = |line: &Line| {
        let end = line.series.last()?;
        Some(EndLabel { class: series_class(line.color), end, text: line.label.clone() })
    };
    let labels: Vec<EndLabel> = lines.iter().filter_map(label).collect();
    let panel = Panel::new(outer, x, y, &labels);
    if labels.is_empty() {
        panel.draw_empty(svg, empty);
        return;
    }
    panel.draw_axes(svg);
    for line in lines {
        panel.draw_dotted_line(svg, &series_class(line.color), &line.series);
    }
    panel.draw_end_labels(svg, &labels);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::plot::Scale;

    #[test]
    fn lines_carry_their_names_or_the_panel_says_why_it_is_empty() {
        let outer = Rect { left: 0.0, top: 0.0, width: 400.0, height: 300.0 };
        let draw = |points: &[(f64, f64)]| {
            let line = Line { label: "a 2.00".into(), series: Series::new(points.to_vec()), color: 1 };
            let axis = |name| Axis::new(name, Scale::linear(0.0, 2.0));
            let mut svg = Svg::element(400.0, 300.0, "");
            draw_lines(&mut svg, outer, axis("x"), axis("y"), &[line], "nothing yet");
            svg.finish()
        };
        let drawn = draw(&[(0.0, 1.0), (2.0, 2.0)]);
        assert!(drawn.contains(">a 2.00<") && drawn.contains("<polyline class=\"line s1\""));
        assert!(draw(&[]).contains(">nothing yet<"));
    }
}
