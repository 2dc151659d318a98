//! The SVG text: a few shapes with fixed decimals, every string escaped. Looks come from classes; see
//! [`super::style`].

use std::fmt::Write;

use super::{Point, Rect, shorten, style, text::BOLD};

/// A picture being written. Coordinates are those of its view box; a viewer scales it to the width it has.
#[derive(Clone, Debug)]
pub struct Svg {
    text: String,
}

/// Which part of a text lies at the given point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Anchor {
    /// The text begins there.
    Start,
    /// The text is centred there.
    Middle,
    /// The text ends there.
    End,
}

impl Anchor {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Middle => "middle",
            Self::End => "end",
        }
    }
}

impl Svg {
    /// An empty picture. `title` is what screen readers say.
    pub fn new(width: f64, height: f64, title: &str) -> Self {
        // A small picture is not blown up to the size of a large one.
        let widest = number((1.5 * width).min(1200.0));
        let (width, height, title) = (number(width), number(height), escape(title));
        let scope = style::SCOPE;
        let mut svg = Self { text: String::new() };
        // The largest width keeps letters in proportion when a browser opens the file on its own; color-scheme
        // darkens the rest of the window along with the picture.
        svg.push(format_args!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" class=\"{scope}\" role=\"img\" \
             aria-label=\"{title}\" style=\"display:block;margin:0 auto;max-width:{widest}px;color-scheme:light dark\">\n\
             <title>{title}</title>\n<style>\n{sheet}</style>\n\
             <rect class=\"paper\" width=\"{width}\" height=\"{height}\"/>\n",
            sheet = style::sheet(),
        ));
        svg
    }

    /// An empty picture to be put into a page that has the style sheet. `title` is what screen readers say.
    pub fn element(width: f64, height: f64, title: &str) -> Self {
        let (width, height, title) = (number(width), number(height), escape(title));
        let scope = style::SCOPE;
        let mut svg = Self { text: String::new() };
        svg.push(format_args!(
            "<svg viewBox=\"0 0 {width} {height}\" class=\"{scope}\" role=\"img\" aria-label=\"{title}\">\n"
        ));
        svg
    }

    /// More rules, for shapes that few pictures have.
    pub(super) fn style(&mut self, sheet: &str) {
        self.push(format_args!("<style>\n{sheet}</style>\n"));
    }

    /// A straight line.
    pub fn line(&mut self, class: &str, from: Point, to: Point) {
        self.push(format_args!(
            "<line class=\"{class}\" x1=\"{}\" y1=\"{}\" x2=\"{}\" y2=\"{}\"/>\n",
            number(from.0),
            number(from.1),
            number(to.0),
            number(to.1)
        ));
    }

    /// A line that leaves and arrives level, bent between.
    pub fn curve(&mut self, class: &str, from: Point, to: Point) {
        let middle = number(f64::midpoint(from.0, to.0));
        let (from, to) = ([number(from.0), number(from.1)], [number(to.0), number(to.1)]);
        self.push(format_args!(
            "<path class=\"{class}\" d=\"M{} {}C{middle} {} {middle} {} {} {}\"/>\n",
            from[0], from[1], from[1], to[1], to[0], to[1]
        ));
    }

    /// A circle.
    pub fn circle(&mut self, class: &str, center: Point, radius: f64) {
        let (x, y, radius) = (number(center.0), number(center.1), number(radius));
        self.push(format_args!("<circle class=\"{class}\" cx=\"{x}\" cy=\"{y}\" r=\"{radius}\"/>\n"));
    }

    /// A rectangle.
    pub fn rect(&mut self, class: &str, rect: Rect) {
        self.push(format_args!(
            "<rect class=\"{class}\" x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\"/>\n",
            number(rect.left),
            number(rect.top),
            number(rect.width),
            number(rect.height)
        ));
    }

    /// A line through all points; nothing for fewer than two.
    pub fn polyline(&mut self, class: &str, points: &[Point]) {
        if points.len() < 2 {
            return;
        }
        let list: Vec<String> = points.iter().map(|p| format!("{},{}", number(p.0), number(p.1))).collect();
        self.push(format_args!("<polyline class=\"{class}\" points=\"{}\"/>\n", list.join(" ")));
    }

    /// The outline of a region: closed loops, of which a smaller one that turns the other way is a hole.
    pub fn region(&mut self, class: &str, loops: &[Vec<Point>]) {
        if !loops.is_empty() {
            let list: Vec<String> = loops.iter().map(|outline| line(outline) + "Z").collect();
            self.push(format_args!("<path class=\"{class}\" d=\"{}\"/>\n", list.concat()));
        }
    }

    /// What is drawn by `draw` is cut off at the sides of `frame`.
    pub fn within(&mut self, frame: Rect, draw: impl FnOnce(&mut Self)) {
        let (x, y) = (number(frame.left), number(frame.top));
        let (width, height) = (number(frame.width), number(frame.height));
        // An inner picture instead of a clip path, whose id could be another's where pictures share a page.
        self.push(format_args!(
            "<svg x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" viewBox=\"{x} {y} {width} {height}\">\n"
        ));
        draw(self);
        self.push(format_args!("</svg>\n"));
    }

    /// A dot at each point, as one path of round-capped lines of no length: an eighth of the bytes that as many
    /// circles take.
    pub fn dots(&mut self, class: &str, points: &[Point]) {
        if points.is_empty() {
            return;
        }
        let list: Vec<String> =
            points.iter().map(|p| format!("M{} {}h0", number(p.0), number(p.1))).collect();
        self.push(format_args!("<path class=\"dots {class}\" d=\"{}\"/>\n", list.concat()));
    }

    /// A line of text on the base line at `at`.
    pub fn text(&mut self, class: &str, at: Point, anchor: Anchor, text: &str) {
        self.push(format_args!(
            "<text class=\"{class}\" x=\"{}\" y=\"{}\" text-anchor=\"{}\">{}</text>\n",
            number(at.0),
            number(at.1),
            anchor.name(),
            escape(text)
        ));
    }

    /// The heading of the whole picture, shortened to the given width.
    pub fn title(&mut self, at: Point, width: f64, title: &str) {
        self.text("ink title", at, Anchor::Start, &shorten(title, width, style::TITLE_SIZE * BOLD));
    }

    /// A note on a line of its own below `outer`.
    pub fn note(&mut self, outer: Rect, note: &str) {
        self.text("muted", (outer.left, outer.bottom() + 16.0), Anchor::Start, note);
    }

    /// The finished file.
    pub fn finish(mut self) -> String {
        self.text.push_str("</svg>\n");
        self.text
    }

    pub(super) fn push(&mut self, part: std::fmt::Arguments<'_>) {
        // Writing to a String cannot fail.
        let _ = self.text.write_fmt(part);
    }
}

/// Straight lines from point to point, as a path's commands.
pub(super) fn line(points: &[Point]) -> String {
    let place = |(at, point): (usize, &Point)| {
        format!("{}{} {}", if at == 0 { 'M' } else { 'L' }, number(point.0), number(point.1))
    };
    points.iter().enumerate().map(place).collect()
}

/// A coordinate: two decimals, no "-0.00", and never so far outside that a renderer stumbles.
pub(super) fn number(value: f64) -> String {
    let rounded = (value.clamp(-1e5, 1e5) * 100.0).round() / 100.0;
    format!("{:.2}", if rounded == 0.0 || rounded.is_nan() { 0.0 } else { rounded })
}

/// `text` made safe inside an element or a quoted attribute.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars().map(visible) {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            c => escaped.push(c),
        }
    }
    escaped
}

/// `c`, or what is shown for it: a space for other white space; U+FFFD for what XML does not allow, and for what could
/// reorder the text around it.
pub fn visible(c: char) -> char {
    match c {
        '\t' | '\n' | '\r' => ' ',
        '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{fffe}' | '\u{ffff}' => '\u{fffd}',
        c if c.is_control() => '\u{fffd}',
        c => c,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_escaped_everywhere() {
        let mut svg = Svg::new(10.0, 10.0, "a\"><script>alert('x')</script>");
        svg.text("t", (0.0, 0.0), Anchor::Start, "<b> & \u{0}\u{1b}\u{202e}\n\"q\" ]]>");
        let text = svg.finish();
        assert!(!text.contains("<script") && !text.contains("<b>") && !text.contains("]]>"));
        assert!(text.contains("&lt;b&gt; &amp; \u{fffd}\u{fffd}\u{fffd} &quot;q&quot; ]]&gt;</text>"));
        assert!(text.contains("aria-label=\"a&quot;&gt;&lt;script&gt;alert(&#39;x&#39;)"));
    }

    #[test]
    fn coordinates_have_two_decimals() {
        let cases =
            [(1.0, "1.00"), (2.345_6, "2.35"), (-0.001, "0.00"), (f64::NAN, "0.00"), (1e300, "100000.00")];
        for (value, expected) in cases {
            assert_eq!(number(value), expected);
        }
    }

    #[test]
    fn shapes_golden() {
        let mut svg = Svg::new(10.0, 20.0, "");
        svg.polyline("a", &[(0.0, 1.0), (2.0, 3.5)]);
        svg.polyline("one-point", &[(0.0, 1.0)]);
        svg.dots("b", &[(1.0, 2.0), (3.0, 4.0)]);
        let text = svg.finish();
        assert!(text.contains("viewBox=\"0 0 10.00 20.00\""));
        assert!(text.ends_with(
            "<polyline class=\"a\" points=\"0.00,1.00 2.00,3.50\"/>\n\
             <path class=\"dots b\" d=\"M1.00 2.00h0M3.00 4.00h0\"/>\n</svg>\n"
        ));
    }
}
