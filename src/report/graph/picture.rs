//! The graph as SVG: values above the wires, gradients below them.

use super::layout::{Layout, Slot};
use super::{Drawing, Look};
use crate::report::plot::{Anchor, Point, Rect, Svg, width};

const MARGIN: f64 = 18.0;
const TITLE_HEIGHT: f64 = 46.0;
const RADIUS: f64 = 22.0;
/// Between the columns, where wires go up and down; no text is there.
const FAN: f64 = 48.0;
/// One line of text.
const LINE: f64 = 18.0;
/// From a wire to the base line of the text above it, and below it.
const ABOVE: f64 = 6.0;
const BELOW: f64 = 16.0;
/// The width of text is taken at the size that phones use.
const SIZE: f64 = 16.0;
/// Between slots, beside what their text needs.
const GAP: f64 = 20.0;

/// The picture.
pub fn render(drawing: &Drawing) -> String {
    let page = Page::new(drawing);
    let legend: f64 = drawing.legend.iter().map(|text| width(text, SIZE)).fold(0.0, f64::max);
    // One more, or rounding could shorten it.
    let heading = width(&drawing.title, 17.0) * 1.2 + 1.0;
    let inner = page.width.max(legend.max(heading.min(760.0)) + 2.0 * MARGIN);
    let mut svg = Svg::new(inner, page.height + 2.0 * LINE + MARGIN, &drawing.title);
    svg.title((MARGIN, 28.0), inner - 2.0 * MARGIN, &drawing.title);
    for (index, column) in page.layout.columns.iter().enumerate() {
        column.iter().for_each(|slot| page.draw_wires(&mut svg, index, slot));
    }
    for (index, column) in page.layout.columns.iter().enumerate() {
        column.iter().filter(|slot| !slot.passes).for_each(|slot| page.draw_node(&mut svg, index, slot));
    }
    for (line, (class, text)) in ["ink", "gradient"].iter().zip(&drawing.legend).enumerate() {
        svg.text(class, (MARGIN, page.height + LINE * (line as f64 + 0.8)), Anchor::Start, text);
    }
    svg.finish()
}

struct Page<'a> {
    drawing: &'a Drawing,
    layout: Layout,
    /// Of each column: where its nodes' circles are, and where its wires end.
    columns: Vec<(f64, f64)>,
    first: f64,
    gap: f64,
    width: f64,
    height: f64,
}

impl<'a> Page<'a> {
    fn new(drawing: &'a Drawing) -> Self {
        let layout = Layout::new(drawing);
        let most = |lines: fn(&super::Shape) -> &Vec<String>| {
            drawing.nodes.iter().map(|node| lines(node).len()).max().unwrap_or(0).max(1) as f64
        };
        let (above, below) = (most(|node| &node.value) * LINE, most(|node| &node.gradient) * LINE);
        let gap = (above + below + GAP).max(2.0 * RADIUS + GAP);
        let widest = |column: &[Slot], of: fn(&super::Shape) -> f64| {
            let nodes = column.iter().filter(|slot| !slot.passes).map(|slot| of(&drawing.nodes[slot.node]));
            nodes.fold(0.0, f64::max)
        };
        let mut left = MARGIN;
        let mut columns = Vec::new();
        for column in &layout.columns {
            let center = left + widest(column, before);
            let right = center + widest(column, after);
            columns.push((center, right));
            left = right + FAN;
        }
        let lowest = layout.columns.iter().flatten().map(|slot| slot.height).fold(0.0, f64::max);
        let first = TITLE_HEIGHT + above.max(RADIUS) + 8.0;
        let height = first + lowest * gap + below.max(RADIUS) + 20.0;
        Self { drawing, layout, columns, first, gap, width: left - FAN + MARGIN, height }
    }

    fn y(&self, slot: &Slot) -> f64 {
        self.first + slot.height * self.gap
    }

    /// The wire through a slot, and from there to the slots it goes to.
    fn draw_wires(&self, svg: &mut Svg, column: usize, slot: &Slot) {
        let (center, right) = self.columns[column];
        let (y, node) = (self.y(slot), &self.drawing.nodes[slot.node]);
        let start = if slot.passes {
            // It has come to where the circles of this column begin.
            self.columns[column].0 - RADIUS
        } else {
            center + own_width(&node.look)
        };
        svg.line("wire", (start, y), (right, y));
        let Some(next) = self.layout.columns.get(column + 1) else { return };
        let there = self.columns[column + 1].0;
        for to in next {
            if to.passes {
                if to.node == slot.node {
                    svg.curve("wire", (right, y), (there - RADIUS, self.y(to)));
                }
                continue;
            }
            for end in self.ports(column, to, slot.node) {
                svg.curve("wire", (right, y), (there + end.0, self.y(to) + end.1));
            }
        }
    }

    /// Where, seen from its center, the wire of `from` meets a circle: wires come in from top to bottom as they lie.
    fn ports(&self, column: usize, to: &Slot, from: usize) -> Vec<Point> {
        let inputs = &self.drawing.nodes[to.node].inputs;
        let mut heights: Vec<(f64, usize)> = inputs
            .iter()
            .filter_map(|input| Some((self.layout.slot(column, *input)?.height, *input)))
            .collect();
        heights.sort_by(|a, b| a.0.total_cmp(&b.0));
        // From the center to where a box, or the circle, has its leftmost point, less the radius.
        let edge = RADIUS - own_width(&self.drawing.nodes[to.node].look);
        let count = heights.len() as f64;
        let step = (24.0 / count).min(14.0);
        let ports = heights.iter().enumerate().filter(|(_, (_, input))| *input == from);
        ports
            .map(|(at, _)| {
                let down = (at as f64 - (count - 1.0) / 2.0) * step;
                // A box is straight where a circle is round.
                let inset = RADIUS - (RADIUS * RADIUS - down * down).sqrt();
                (if edge < 0.0 { edge - RADIUS } else { inset - RADIUS }, down)
            })
            .collect()
    }

    fn draw_node(&self, svg: &mut Svg, column: usize, slot: &Slot) {
        let (x, y) = (self.columns[column].0, self.y(slot));
        let node = &self.drawing.nodes[slot.node];
        match &node.look {
            Look::Input(name) => svg.text("ink heading", (x - 8.0, y + 5.0), Anchor::End, name),
            Look::Constant(number) => svg.text("muted", (x - 8.0, y + 5.0), Anchor::End, number),
            Look::Operation(symbol) => {
                let half = half_width(symbol);
                if half > RADIUS {
                    let (left, top) = (x - half, y - RADIUS);
                    svg.rect("node", Rect { left, top, width: 2.0 * half, height: 2.0 * RADIUS });
                } else {
                    svg.circle("node", (x, y), RADIUS);
                }
                svg.text("ink heading", (x, y + 5.0), Anchor::Middle, symbol);
            }
        }
        let left = x + own_width(&node.look) + 6.0;
        for (line, text) in node.value.iter().rev().enumerate() {
            svg.text("ink", (left, y - ABOVE - LINE * line as f64), Anchor::Start, text);
        }
        for (line, text) in node.gradient.iter().enumerate() {
            svg.text("gradient", (left, y + BELOW + LINE * line as f64), Anchor::Start, text);
        }
    }
}

/// From the left side of a column to the center of its circles, or to where its names end.
fn before(node: &super::Shape) -> f64 {
    match &node.look {
        Look::Input(name) => width(name, SIZE) * 1.2 + 8.0,
        Look::Constant(number) => width(number, SIZE) + 8.0,
        Look::Operation(symbol) => half_width(symbol),
    }
}

/// From there to where the wire begins.
fn own_width(look: &Look) -> f64 {
    match look {
        Look::Operation(symbol) => half_width(symbol),
        Look::Input(_) | Look::Constant(_) => 0.0,
    }
}

/// Half of an operation: of its circle, or of a box where its name needs more room.
fn half_width(symbol: &str) -> f64 {
    let text = width(symbol, SIZE) * 1.2 / 2.0;
    if text <= RADIUS - 2.0 { RADIUS } else { text + 8.0 }
}

/// And to where the text on the wire ends.
fn after(node: &super::Shape) -> f64 {
    let text = node.value.iter().chain(&node.gradient).map(|text| width(text, SIZE)).fold(0.0, f64::max);
    own_width(&node.look) + if text > 0.0 { text + 12.0 } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lectures_picture() {
        let (graph, pass) = crate::report::graph::tests::lecture();
        let svg = render(&Drawing::new("f = (x + y) * z", &graph, &pass));
        assert!(!svg.contains("NaN"));
        for label in [">x<", ">y<", ">z<", ">+<", ">*<", ">q = 3<", ">f = -12<"] {
            assert_eq!(svg.matches(label).count(), 1, "{label}");
        }
        assert_eq!(svg.matches("<circle class=\"node\"").count(), 2);
        // Two into each circle, one past the first column.
        assert_eq!(svg.matches("<path class=\"wire\"").count(), 5);
    }
}
