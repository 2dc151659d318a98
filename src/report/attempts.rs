//! Random search: the loss of every attempt and the best so far.

use super::plot::{
    Axis, EndLabel, Figure, Panel, Part, Point, Rect, Scale, Series, Svg, count, measured, not_drawn,
    series_class,
};

/// What a picture of random search is drawn from.
#[derive(Clone, Copy, Debug)]
pub struct AttemptsInput<'a> {
    /// The heading of the picture.
    pub title: &'a str,
    /// The loss of each attempt, in the order of trying.
    pub losses: &'a [f64],
}

/// More dots than this only make the file larger.
const MAX_DOTS: usize = 2000;

/// The attempts as dots over their number, the best so far as a line of steps.
pub fn attempts_figure<'a>(input: &AttemptsInput<'a>) -> Figure<'a> {
    let losses = input.losses;
    let attempts = Series::new(losses.iter().enumerate().map(|(i, loss)| ((i + 1) as f64, *loss)));
    let note = not_drawn(attempts.skipped);
    let draw = move |svg: &mut Svg, outer: Rect| draw(svg, outer, &attempts, losses.len());
    let part = Part { name: "loss of each attempt, and the best so far".into(), note, draw: Box::new(draw) };
    Figure { title: input.title, parts: vec![part] }
}

/// The same as an SVG file.
pub fn render_attempts(input: &AttemptsInput) -> String {
    attempts_figure(input).to_svg()
}

fn draw(svg: &mut Svg, outer: Rect, attempts: &Series, tried: usize) {
    let best = best_so_far(attempts, tried);
    let mut labels = Vec::new();
    if let (Some(end), Some(found)) = (best.last(), best.iter().rev().nth(1)) {
        // The last but one point is where the line came down to its end.
        let text = format!("best {} (attempt {})", measured(end.1, 4), count(found.0 as usize));
        labels.push(EndLabel { class: series_class(BEST), end: *end, text });
    }
    // A phone's letters are a seventh larger.
    let mut roomy = labels.clone();
    roomy.iter_mut().for_each(|label| label.text.push_str(&"0".repeat(label.text.len().div_ceil(6))));
    let values = attempts.values();
    let numbers = Axis { whole: true, ..Axis::new("attempt", Scale::linear(0.0, tried.max(1) as f64)) };
    let panel = Panel::new(outer, numbers, Axis::new("loss of each attempt", Scale::fit(&values)), &roomy);
    if values.is_empty() {
        panel.draw_empty(svg, if tried == 0 { "no attempt finished" } else { "no finite value" });
        return;
    }
    panel.draw_axes(svg);
    panel.draw_small_dots(svg, &series_class(ATTEMPTS), &attempts.clone().thinned(MAX_DOTS));
    panel.draw_line(svg, &series_class(BEST), &Series::new(best));
    panel.draw_end_labels(svg, &labels);
}

const ATTEMPTS: usize = 0;
const BEST: usize = 1;

/// The corners of the step line: each improvement at the old and at the new height, then the end at the last
/// attempt.
fn best_so_far(attempts: &Series, last: usize) -> Vec<Point> {
    let mut corners: Vec<Point> = Vec::new();
    for (number, loss) in attempts.points() {
        match corners.last() {
            Some(&(_, best)) if loss >= best => {}
            Some(&(_, best)) => corners.extend([(number, best), (number, loss)]),
            None => corners.push((number, loss)),
        }
    }
    if let Some(&(_, best)) = corners.last() {
        corners.push((last as f64, best));
    }
    corners
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draw(losses: &[f64]) -> String {
        let svg = render_attempts(&AttemptsInput { title: "random search", losses });
        assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
        svg
    }

    #[test]
    fn the_best_so_far_steps_down() {
        let series = Series::new([(1.0, 9.0), (2.0, 9.5), (3.0, 8.0), (4.0, 8.5)]);
        let corners = [(1.0, 9.0), (3.0, 9.0), (3.0, 8.0), (4.0, 8.0)];
        assert_eq!(best_so_far(&series, 4), corners);
    }

    #[test]
    fn dots_line_and_label() {
        let svg = draw(&[9.0, 9.5, 8.0, 8.5]);
        assert!(svg.contains(">best 8.000 (attempt 3)<"));
        let dots = svg.split("<path class=\"dots small s0\" d=\"").nth(1).expect("dots");
        assert_eq!(dots.split('"').next().expect("a path").matches("h0").count(), 4);
        assert_eq!(svg.matches("<polyline class=\"line s1\"").count(), 1);
    }

    #[test]
    fn odd_inputs() {
        assert!(draw(&[]).contains("no attempt finished"));
        assert!(draw(&[f64::NAN]).contains("no finite value"));
        assert!(draw(&[2.0]).contains(">best 2.000 (attempt 1)<"));
        let svg = draw(&[f64::INFINITY, 3.0, f64::NAN]);
        assert!(svg.contains(">2 values not finite, not drawn<") && svg.contains(">best 3.000 (attempt 2)<"));
        assert!(draw(&vec![1.0; 100_000]).len() < 60_000);
    }
}
