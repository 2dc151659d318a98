//! Random search: the loss of every attempt and the best so far.

use super::plot::{
    Axis, EndLabel, Panel, Point, Rect, Scale, Series, Svg, count, measured, not_drawn, series_class,
};

/// What a picture of random search is drawn from.
#[derive(Clone, Copy, Debug)]
pub struct AttemptsInput<'a> {
    /// The heading of the picture.
    pub title: &'a str,
    /// The loss of each attempt, in the order of trying.
    pub losses: &'a [f64],
}

const WIDTH: f64 = 860.0;
const MARGIN: f64 = 16.0;
const TITLE_HEIGHT: f64 = 46.0;
const PANEL_HEIGHT: f64 = 340.0;
const NOTE_HEIGHT: f64 = 20.0;
/// More dots than this only make the file larger.
const MAX_DOTS: usize = 2000;

/// The attempts as dots over their number, the best so far as a line of steps, as SVG.
pub fn render_attempts(input: &AttemptsInput) -> String {
    let attempts = Series::new(input.losses.iter().enumerate().map(|(i, loss)| ((i + 1) as f64, *loss)));
    let note = not_drawn(attempts.skipped);
    let note_height = if note.is_some() { NOTE_HEIGHT } else { 0.0 };
    let mut svg = Svg::new(WIDTH, TITLE_HEIGHT + PANEL_HEIGHT + note_height + MARGIN / 2.0, input.title);
    svg.title((MARGIN, 28.0), WIDTH - 2.0 * MARGIN, input.title);
    let outer = Rect { left: MARGIN, top: TITLE_HEIGHT, width: WIDTH - 2.0 * MARGIN, height: PANEL_HEIGHT };
    if let Some(note) = note {
        svg.note(outer, &note);
    }

    let best = best_so_far(&attempts, input.losses.len());
    let mut labels = Vec::new();
    if let (Some(end), Some(found)) = (best.last(), best.iter().rev().nth(1)) {
        // The last but one point is where the line came down to its end.
        let text = format!("best {} (attempt {})", measured(end.1, 4), count(found.0 as usize));
        labels.push(EndLabel { class: series_class(BEST), end: *end, text });
    }
    let values = attempts.values();
    let numbers =
        Axis { whole: true, ..Axis::new("attempt", Scale::linear(0.0, input.losses.len().max(1) as f64)) };
    let panel = Panel::new(outer, numbers, Axis::new("loss of each attempt", Scale::fit(&values)), &labels);
    if values.is_empty() {
        panel.draw_empty(
            &mut svg,
            if input.losses.is_empty() { "no attempt finished" } else { "no finite value" },
        );
        return svg.finish();
    }
    panel.draw_axes(&mut svg);
    panel.draw_small_dots(&mut svg, &series_class(ATTEMPTS), &attempts.thinned(MAX_DOTS));
    panel.draw_line(&mut svg, &series_class(BEST), &Series::new(best));
    panel.draw_end_labels(&mut svg, &labels);
    svg.finish()
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
