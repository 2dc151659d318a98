//! A heat map: a table of numbers as colored cells, with the numbers in them where they fit.

use super::{Anchor, Rect, Scale, Svg, measured, shorten, style, style::FONT_SIZE, text::BOLD, width};

/// Space above the cells: the heading, then the name of the rows.
const ABOVE: f64 = 54.0;
/// Space below the cells: labels of the columns, then their name.
const BELOW: f64 = 44.0;
/// From the cells to the labels on their left, and to the scale on their right.
const GAP: f64 = 8.0;
/// Between cells.
const SEAM: f64 = 2.0;
/// Of the scale of colors.
const SCALE_WIDTH: f64 = 14.0;
/// Letters are this large on a phone, where they must fit too.
const LARGE: f64 = 16.0;

/// What a heat map shows.
#[derive(Clone, Debug)]
pub struct HeatMap<'a> {
    /// What the numbers are.
    pub name: &'a str,
    /// Written behind the numbers of the scale, such as "%".
    pub unit: &'a str,
    /// What the rows are, and the label of each, from the top.
    pub rows: (&'a str, Vec<String>),
    /// What the columns are, and the label of each, from the left.
    pub columns: (&'a str, Vec<String>),
    /// `cells[row][column]`; none where there is no number.
    pub cells: Vec<Vec<Option<f64>>>,
    /// The cell to mark: row, column.
    pub best: Option<(usize, usize)>,
}

impl HeatMap<'_> {
    /// Draws it into `outer`.
    pub fn draw(&self, svg: &mut Svg, outer: Rect) {
        svg.style(&style::heat_sheet());
        let heading = shorten(self.name, outer.width, FONT_SIZE * BOLD);
        svg.text("ink heading", (outer.left, outer.top + 14.0), Anchor::Start, &heading);

        let numbers: Vec<f64> = self.cells.iter().flatten().flatten().copied().collect();
        let (lo, hi) =
            numbers.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(lo, hi), &v| (lo.min(v), hi.max(v)));
        let ends = [hi, lo].map(|end| measured(end, 3) + self.unit);
        let after = if numbers.is_empty() { 0.0 } else { 2.0 * GAP + SCALE_WIDTH + widest(&ends) };
        // No more than a third of the picture for the labels of the rows.
        let before = (widest(&self.rows.1) + GAP).min(outer.width / 3.0);
        let frame = Rect {
            left: outer.left + before,
            top: outer.top + ABOVE,
            width: (outer.width - before - after).max(1.0),
            height: (outer.height - ABOVE - BELOW).max(1.0),
        };
        self.draw_labels(svg, outer, frame);
        let scale = Scale::linear(lo, hi);
        let level = |value: f64| {
            // One number, or several that are equal, are high, not low.
            let share = if lo < hi { scale.fraction(value) } else { 1.0 };
            ((share * style::HEAT.len() as f64) as usize).min(style::HEAT.len() - 1)
        };
        for (row, cells) in self.cells.iter().enumerate() {
            for (column, &value) in cells.iter().enumerate() {
                draw_cell(svg, self.cell(frame, row, column), value.map(|value| (value, level(value))));
            }
        }
        if let Some((row, column)) = self.best {
            svg.rect("best s1", self.cell(frame, row, column));
        }
        if !numbers.is_empty() {
            draw_scale(svg, frame, &ends);
        }
    }

    /// Where a cell lies.
    fn cell(&self, frame: Rect, row: usize, column: usize) -> Rect {
        let (width, height) = self.step(frame);
        Rect {
            left: frame.left + column as f64 * width + SEAM / 2.0,
            top: frame.top + row as f64 * height + SEAM / 2.0,
            width: (width - SEAM).max(0.5),
            height: (height - SEAM).max(0.5),
        }
    }

    /// From one cell to the next.
    fn step(&self, frame: Rect) -> (f64, f64) {
        let (rows, columns) = (self.rows.1.len().max(1), self.columns.1.len().max(1));
        (frame.width / columns as f64, frame.height / rows as f64)
    }

    fn draw_labels(&self, svg: &mut Svg, outer: Rect, frame: Rect) {
        let (width, height) = self.step(frame);
        let (row_name, rows) = &self.rows;
        svg.text("muted", (outer.left, frame.top - 10.0), Anchor::Start, row_name);
        let every = (LARGE * 1.2 / height).ceil().max(1.0) as usize;
        for (row, label) in rows.iter().enumerate().step_by(every) {
            let y = frame.top + (row as f64 + 0.5) * height + 5.0;
            let label = shorten(label, frame.left - outer.left - GAP, FONT_SIZE);
            svg.text("muted", (frame.left - GAP, y), Anchor::End, &label);
        }
        let (column_name, columns) = &self.columns;
        let every = ((widest(columns) + GAP) / width).ceil().max(1.0) as usize;
        for (column, label) in columns.iter().enumerate().step_by(every) {
            let x = frame.left + (column as f64 + 0.5) * width;
            svg.text("muted", (x, frame.bottom() + 19.0), Anchor::Middle, label);
        }
        svg.text("muted", (frame.center().0, frame.bottom() + 38.0), Anchor::Middle, column_name);
    }
}

/// A cell with its number and the level of its color.
fn draw_cell(svg: &mut Svg, cell: Rect, value: Option<(f64, usize)>) {
    let (x, y) = cell.center();
    let Some((value, level)) = value else {
        svg.line("axis", (cell.left, cell.top), (cell.right(), cell.bottom()));
        svg.line("axis", (cell.left, cell.bottom()), (cell.right(), cell.top));
        return;
    };
    svg.rect(&format!("heat{level}"), cell);
    let text = measured(value, 3);
    if width(&text, LARGE) <= cell.width && LARGE <= cell.height {
        svg.text(&format!("on-heat{level}"), (x, y + 5.0), Anchor::Middle, &text);
    }
}

/// The scale of colors beside the cells, high above.
fn draw_scale(svg: &mut Svg, frame: Rect, ends: &[String; 2]) {
    let left = frame.right() + GAP;
    let height = frame.height / style::HEAT.len() as f64;
    for level in 0..style::HEAT.len() {
        let top = frame.bottom() - (level + 1) as f64 * height;
        svg.rect(&format!("heat{level}"), Rect { left, top, width: SCALE_WIDTH, height });
    }
    let text = left + SCALE_WIDTH + GAP / 2.0;
    svg.text("muted", (text, frame.top + 11.0), Anchor::Start, &ends[0]);
    svg.text("muted", (text, frame.bottom()), Anchor::Start, &ends[1]);
}

fn widest(labels: &[String]) -> f64 {
    labels.iter().map(|label| width(label, FONT_SIZE)).fold(0.0, f64::max)
}

#[cfg(test)]
mod tests {
    use super::*;

    const OUTER: Rect = Rect { left: 10.0, top: 20.0, width: 500.0, height: 300.0 };

    fn draw(rows: usize, columns: usize, cell: impl Fn(usize, usize) -> Option<f64>) -> String {
        let labels = |count: usize| (0..count).map(|i| format!("0.{i}")).collect();
        let map = HeatMap {
            name: "validation accuracy",
            unit: "%",
            rows: ("lr", labels(rows)),
            columns: ("reg", labels(columns)),
            cells: (0..rows).map(|row| (0..columns).map(|column| cell(row, column)).collect()).collect(),
            best: Some((0, 0)),
        };
        let mut svg = Svg::new(520.0, 340.0, "");
        map.draw(&mut svg, OUTER);
        let text = svg.finish();
        assert!(!text.contains("NaN") && !text.contains("inf"), "{text}");
        text
    }

    #[test]
    fn high_and_low_have_the_ends_of_the_scale() {
        let svg = draw(2, 3, |row, column| Some(10.0 * row as f64 + column as f64 + 20.0));
        assert!(svg.contains("<text class=\"on-heat0\"") && svg.contains(">20.0<"), "{svg}");
        assert!(svg.contains("<text class=\"on-heat8\"") && svg.contains(">32.0%<"), "{svg}");
        assert_eq!(svg.matches("class=\"best s1\"").count(), 1);
        for label in [">lr<", ">reg<", ">0.2<", ">validation accuracy<"] {
            assert!(svg.contains(label), "{label}");
        }
    }

    #[test]
    fn a_cell_without_a_number_is_crossed_out() {
        let svg = draw(1, 2, |_, column| (column == 0).then_some(30.0));
        assert_eq!(svg.matches("<line class=\"axis\"").count(), 2);
        assert_eq!(draw(1, 2, |_, _| None).matches("<line class=\"axis\"").count(), 4);
    }

    #[test]
    fn where_cells_are_small_numbers_and_labels_are_left_out() {
        let svg = draw(40, 60, |row, column| Some((row * column) as f64));
        assert!(!svg.contains("<text class=\"on-heat"), "no number fits");
        assert!(svg.matches("<text class=\"muted\"").count() < 40, "labels do not overlap");
    }
}
