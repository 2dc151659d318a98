//! A panel: one frame with a heading, axes, grid and what is drawn in it.

use super::style::FONT_SIZE;
use super::{
    Anchor, EndLabel, Kind, Point, Rect, Scale, Series, Svg, Tick, labels, shorten, text::BOLD, width,
};

/// Space above the frame: the heading.
const ABOVE: f64 = 32.0;
/// Space below the frame: tick labels, then the name of the x axis.
const BELOW: f64 = 44.0;
/// From the frame to the tick labels on its left.
const TICK_GAP: f64 = 7.0;
/// Lines of at most this many points carry a dot at each.
const MAX_DOTS: usize = 25;

/// One direction of a panel.
#[derive(Clone, Debug, PartialEq)]
pub struct Axis<'a> {
    /// What is measured. A logarithmic scale is named after it.
    pub name: &'a str,
    /// From data to 0..1.
    pub scale: Scale,
    /// Written after each tick label, such as "%".
    pub unit: &'a str,
    /// Whether only whole numbers make sense.
    pub whole: bool,
}

impl<'a> Axis<'a> {
    /// An axis for any numbers, without a unit.
    pub fn new(name: &'a str, scale: Scale) -> Self {
        Self { name, scale, unit: "", whole: false }
    }

    fn ticks(&self, about: usize) -> Vec<Tick> {
        let mut ticks = if self.whole { self.scale.whole_ticks(about) } else { self.scale.ticks(about) };
        for tick in ticks.iter_mut().filter(|tick| !tick.label.is_empty()) {
            tick.label.push_str(self.unit);
        }
        ticks
    }

    /// The name, and the kind of scale if it is not the usual one.
    fn full_name(&self, limit: f64, size: f64) -> String {
        match self.scale.kind() {
            Kind::Linear => shorten(self.name, limit, size),
            Kind::Log10 => {
                let kind = ", log scale";
                shorten(self.name, limit - width(kind, size), size) + kind
            }
        }
    }
}

/// A frame on the page with its two axes. The name of the y axis is the heading above it, where it can be read
/// without turning the head.
#[derive(Clone, Debug)]
pub struct Panel<'a> {
    outer: Rect,
    frame: Rect,
    x: Axis<'a>,
    y: Axis<'a>,
    y_ticks: Vec<Tick>,
}

impl<'a> Panel<'a> {
    /// Lays a panel out inside `outer`, leaving room at the right of the frame for these labels.
    pub fn new(outer: Rect, x: Axis<'a>, y: Axis<'a>, end_labels: &[EndLabel]) -> Self {
        let height = (outer.height - ABOVE - BELOW).max(1.0);
        let y_ticks = y.ticks((height / 48.0) as usize);
        let widest = y_ticks.iter().map(|tick| width(&tick.label, FONT_SIZE)).fold(0.0, f64::max);
        let before = widest + TICK_GAP;
        // Half of the last x label sticks out of a frame that has no end labels.
        let after = labels::margin(end_labels).max(20.0);
        let frame = Rect {
            left: outer.left + before,
            top: outer.top + ABOVE,
            width: (outer.width - before - after).max(1.0),
            height,
        };
        Self { outer, frame, x, y, y_ticks }
    }

    /// The rectangle that the data fills.
    pub fn frame(&self) -> Rect {
        self.frame
    }

    /// Where a data point lies on the page.
    pub fn at(&self, (x, y): Point) -> Point {
        (
            self.frame.left + self.x.scale.fraction(x) * self.frame.width,
            self.frame.bottom() - self.y.scale.fraction(y) * self.frame.height,
        )
    }

    /// Draws heading, grid and axes; lines come on top of them.
    pub fn draw_axes(&self, svg: &mut Svg) {
        let frame = self.frame;
        self.draw_heading(svg);
        for tick in &self.y_ticks {
            let (_, y) = self.at((0.0, tick.value));
            if tick.label.is_empty() {
                svg.line("axis", (frame.left - 3.0, y), (frame.left, y));
            } else {
                svg.line("grid", (frame.left, y), (frame.right(), y));
                svg.text("muted", (frame.left - TICK_GAP, y + 5.0), Anchor::End, &tick.label);
            }
        }
        if self.y.scale.kind() == Kind::Log10 {
            // Without it, the minor ticks would float.
            svg.line("axis", (frame.left, frame.top), (frame.left, frame.bottom()));
        }
        svg.line("axis", (frame.left, frame.bottom()), (frame.right(), frame.bottom()));
        for tick in self.x.ticks((frame.width / 56.0) as usize) {
            let (x, _) = self.at((tick.value, 0.0));
            if tick.label.is_empty() {
                svg.line("axis", (x, frame.bottom()), (x, frame.bottom() + 3.0));
            } else {
                svg.line("axis", (x, frame.bottom()), (x, frame.bottom() + 5.0));
                svg.text("muted", (x, frame.bottom() + 19.0), Anchor::Middle, &tick.label);
            }
        }
        let name = self.x.full_name(frame.width, FONT_SIZE);
        svg.text("muted", (frame.center().0, frame.bottom() + 38.0), Anchor::Middle, &name);
    }

    /// Draws a panel without data: its heading, an empty frame and why it is empty.
    pub fn draw_empty(&self, svg: &mut Svg, why: &str) {
        self.draw_heading(svg);
        svg.line("axis", (self.frame.left, self.frame.bottom()), (self.frame.right(), self.frame.bottom()));
        let (x, y) = self.frame.center();
        svg.text("muted", (x, y), Anchor::Middle, why);
    }

    /// Draws a line.
    pub fn draw_line(&self, svg: &mut Svg, class: &str, series: &Series) {
        self.draw_runs(svg, &format!("line {class}"), series);
        svg.dots(class, &self.lonely(series));
    }

    /// Draws a line with a dot at each measured point, if they are few enough to be told apart.
    pub fn draw_dotted_line(&self, svg: &mut Svg, class: &str, series: &Series) {
        self.draw_runs(svg, &format!("line {class}"), series);
        let points: Vec<Point> = series.points().collect();
        let few = points.len() <= MAX_DOTS;
        svg.dots(class, &if few { self.places(&points) } else { self.lonely(series) });
    }

    /// Draws a line in the background: thin and faint.
    pub fn draw_faint_line(&self, svg: &mut Svg, class: &str, series: &Series) {
        self.draw_runs(svg, &format!("faint {class}"), series);
        svg.dots(&format!("small {class}"), &self.lonely(series));
    }

    /// Clears a strip along a line that is to be drawn later, to set it off from a busy background. All strips
    /// come before all lines, or one line would hide another that runs close to it.
    pub fn draw_halo(&self, svg: &mut Svg, series: &Series) {
        self.draw_runs(svg, "halo", series);
    }

    /// Draws small dots.
    pub fn draw_small_dots(&self, svg: &mut Svg, class: &str, series: &Series) {
        svg.dots(&format!("small {class}"), &self.places(&series.points().collect::<Vec<_>>()));
    }

    /// Writes labels at the ends of lines, pushed apart.
    pub fn draw_end_labels(&self, svg: &mut Svg, labels: &[EndLabel]) {
        let ends: Vec<Point> = labels.iter().map(|label| self.at(label.end)).collect();
        labels::draw(svg, self.frame, labels, &ends);
    }

    fn draw_runs(&self, svg: &mut Svg, class: &str, series: &Series) {
        for run in &series.runs {
            svg.polyline(class, &self.places(run));
        }
    }

    /// Points with no neighbour: a line through them is invisible.
    fn lonely(&self, series: &Series) -> Vec<Point> {
        let lonely = series.runs.iter().filter(|run| run.len() == 1);
        lonely.flat_map(|run| self.places(run)).collect()
    }

    fn places(&self, points: &[Point]) -> Vec<Point> {
        points.iter().map(|point| self.at(*point)).collect()
    }

    fn draw_heading(&self, svg: &mut Svg) {
        let heading = self.y.full_name(self.outer.width, FONT_SIZE * BOLD);
        svg.text("ink heading", (self.outer.left, self.outer.top + 14.0), Anchor::Start, &heading);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OUTER: Rect = Rect { left: 10.0, top: 20.0, width: 400.0, height: 300.0 };

    fn panel(labels: &[EndLabel]) -> Panel<'static> {
        let x = Axis::new("lambda", Scale::log10(1e-4, 1.0).expect("positive"));
        let y = Axis { unit: "%", ..Axis::new("error", Scale::linear(0.0, 50.0)) };
        Panel::new(OUTER, x, y, labels)
    }

    fn labels(count: usize) -> Vec<EndLabel> {
        let label = |i| EndLabel { class: "s0".to_owned(), end: (1.0, 25.0), text: format!("curve {i}") };
        (0..count).map(label).collect()
    }

    #[test]
    fn data_fills_the_frame_and_everything_lies_inside() {
        let panel = panel(&labels(3));
        let frame = panel.frame();
        assert!(frame.left > OUTER.left && frame.right() + 60.0 < OUTER.right());
        for (point, expected) in [
            ((1e-4, 0.0), (frame.left, frame.bottom())),
            ((1.0, 50.0), (frame.right(), frame.top)),
            ((1e-2, 25.0), frame.center()),
        ] {
            let (x, y) = panel.at(point);
            assert!((x - expected.0).abs() < 1e-9 && (y - expected.1).abs() < 1e-9, "{point:?}: {x}, {y}");
        }
    }

    #[test]
    fn axes_carry_units_minor_ticks_and_the_kind_of_scale() {
        let mut svg = Svg::new(420.0, 340.0, "");
        panel(&[]).draw_axes(&mut svg);
        let text = svg.finish();
        for label in [">lambda, log scale<", ">error<", ">1e-4<", ">0.1<", ">20%<", ">0%<"] {
            assert_eq!(text.matches(label).count(), 1, "{label}");
        }
        assert!(!text.contains("></text>"), "minor ticks have no text");
        // 5 powers of ten and 4 * 8 marks between them, 3 lines of the grid, 1 axis.
        assert_eq!(text.matches("<line ").count(), 5 + 32 + 3 + 1);
    }

    #[test]
    fn labels_that_do_not_fit_are_counted() {
        let draw = |count| {
            let (labels, mut svg) = (labels(count), Svg::new(420.0, 340.0, ""));
            panel(&labels).draw_end_labels(&mut svg, &labels);
            svg.finish()
        };
        let few = draw(13);
        assert!(few.contains(">curve 12<") && !few.contains("more"));
        let many = draw(100);
        assert!(
            many.contains(">curve 11<") && !many.contains(">curve 12<") && many.contains(">and 88 more<")
        );
    }
}
