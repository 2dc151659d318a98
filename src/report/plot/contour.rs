//! Contours of a function known on a grid: marching squares, on closed loops.

use super::Point;

/// The loops around where the function is at most `level`, in columns and rows from the first node, fractions
/// included. `heights` has the nodes row after row, `columns` a row; outside of the grid the function counts as above
/// every level, so that a region which reaches the rim is closed along it. A loop has its region on one and the same
/// side throughout: filled, holes stay holes.
///
/// In each cell the function is taken as straight along the sides. Where two opposite corners are at most `level` and
/// two are not, the mean of the four tells whether the two are joined (otherwise a saddle could be drawn either way).
pub fn contours(heights: &[f64], columns: usize, level: f64) -> Vec<Vec<Point>> {
    let grid = Nodes { heights, columns, rows: heights.len() / columns.max(1), level };
    let mut next = grid.segments();
    let mut loops = Vec::new();
    for first in 0..next.len() {
        let mut outline = Vec::new();
        let mut side = first;
        // Every side that a loop crosses leads to another, until the first is reached, which is used up by then.
        while let Some(following) = next[side].take() {
            outline.push(grid.crossing(side));
            side = following;
        }
        if outline.len() > 2 {
            loops.push(outline);
        }
    }
    loops
}

/// The grid with a ring of nodes around it that are above every level. Nodes are counted with the ring; a side of a
/// cell is twice its first node's number, plus 1 if it goes up.
struct Nodes<'a> {
    heights: &'a [f64],
    columns: usize,
    rows: usize,
    level: f64,
}

impl Nodes<'_> {
    fn width(&self) -> usize {
        self.columns + 2
    }

    fn height(&self, column: usize, row: usize) -> f64 {
        let inside = (1..=self.columns).contains(&column) && (1..=self.rows).contains(&row);
        // What is no number is not low either.
        let height = if inside { self.heights[(row - 1) * self.columns + column - 1] } else { f64::INFINITY };
        if height.is_nan() { f64::INFINITY } else { height }
    }

    /// For each side that a loop crosses, the one it crosses next.
    fn segments(&self) -> Vec<Option<usize>> {
        let width = self.width();
        let mut next = vec![None; 2 * width * (self.rows + 2)];
        for row in 0..=self.rows {
            for column in 0..=self.columns {
                // Corners and sides against the clock, from the lower left corner and the lower side.
                let corners = [(0, 0), (1, 0), (1, 1), (0, 1)].map(|(x, y)| self.height(column + x, row + y));
                let node = row * width + column;
                let sides = [2 * node, 2 * (node + 1) + 1, 2 * (node + width), 2 * node + 1];
                let low = corners.map(|height| height <= self.level);
                let enters = |side: usize| !low[side] && low[(side + 1) % 4];
                let leaves = |side: usize| low[side] && !low[(side + 1) % 4];
                let two = (0..4).filter(|&side| leaves(side)).count() == 2;
                let joined = two && corners.iter().sum::<f64>() / 4.0 <= self.level;
                for side in (0..4).filter(|&side| leaves(side)) {
                    // Back to where the low part began, or, where two low parts are joined, on to the other one.
                    let mut turns: Vec<usize> = (1..4).map(|turn| (side + turn) % 4).collect();
                    if !joined {
                        turns.reverse();
                    }
                    next[sides[side]] = turns.into_iter().find(|&side| enters(side)).map(|side| sides[side]);
                }
            }
        }
        next
    }

    /// Where a loop crosses a side, without the ring.
    fn crossing(&self, side: usize) -> Point {
        let (column, row) = (side / 2 % self.width(), side / 2 / self.width());
        let (right, up) = if side.is_multiple_of(2) { (1, 0) } else { (0, 1) };
        let (from, to) = (self.height(column, row), self.height(column + right, row + up));
        // Beside a height that is infinite, the loop passes through the node that is not.
        let part = match (from.is_finite(), to.is_finite()) {
            (true, true) => (self.level - from) / (to - from),
            (true, false) => 0.0,
            _ => 1.0,
        };
        (column as f64 - 1.0 + part * right as f64, row as f64 - 1.0 + part * up as f64)
    }
}

/// Round levels between `low` and `high` (both above 0), each the same number of times as high as the one before it,
/// and that number: the smallest of a few with which there are at most `most` of them.
pub fn log_levels(low: f64, high: f64, most: usize) -> (f64, Vec<f64>) {
    if !(low > 0.0 && low < high && high.is_finite()) {
        return (1.0, Vec::new());
    }
    let ratios = [1.25, 1.5, 2.0, 3.0, 5.0, 10.0, 100.0, 1e4, 1e10, 1e30];
    let exponents = |ratio: f64| {
        let place = |height: f64| height.ln() / ratio.ln();
        (place(low).ceil() as i32, place(high).floor() as i32)
    };
    let fits = |ratio: &f64| {
        let (first, last) = exponents(*ratio);
        ((last - first + 1).max(0) as usize) <= most
    };
    let Some(ratio) = ratios.into_iter().find(fits) else { return (1.0, Vec::new()) };
    let (first, last) = exponents(ratio);
    (ratio, (first..=last).map(|exponent| ratio.powi(exponent)).collect())
}

/// The points of a line without those that it hardly bends at: what is left is within `tolerance` of every point
/// (Ramer 1972, Douglas and Peucker 1973).
pub fn simplify(points: &[Point], tolerance: f64) -> Vec<Point> {
    let Some(last) = points.len().checked_sub(1) else { return Vec::new() };
    let mut kept = vec![false; points.len()];
    (kept[0], kept[last]) = (true, true);
    let mut spans = vec![(0, last)];
    while let Some((from, to)) = spans.pop() {
        let off = |at: &usize| distance_to_segment(points[*at], points[from], points[to]);
        let farthest = (from + 1..to).max_by(|a, b| off(a).total_cmp(&off(b)));
        if let Some(at) = farthest.filter(|at| off(at) > tolerance) {
            kept[at] = true;
            spans.extend([(from, at), (at, to)]);
        }
    }
    points.iter().zip(kept).filter(|(_, kept)| *kept).map(|(point, _)| *point).collect()
}

fn distance_to_segment((x, y): Point, from: Point, to: Point) -> f64 {
    let (dx, dy) = (to.0 - from.0, to.1 - from.1);
    let length = dx * dx + dy * dy;
    let part = if length > 0.0 { ((x - from.0) * dx + (y - from.1) * dy) / length } else { 0.0 };
    let part = part.clamp(0.0, 1.0);
    (x - from.0 - part * dx).hypot(y - from.1 - part * dy)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn grid(columns: usize, rows: usize, height: impl Fn(f64, f64) -> f64) -> Vec<f64> {
        (0..columns * rows).map(|at| height((at % columns) as f64, (at / columns) as f64)).collect()
    }

    /// Twice the area inside a loop, positive against the clock.
    fn area(outline: &[Point]) -> f64 {
        let ends = outline.iter().zip(outline.iter().cycle().skip(1));
        ends.map(|(a, b)| a.0 * b.1 - b.0 * a.1).sum()
    }

    #[test]
    fn a_circle_is_a_loop_on_its_level() {
        let heights = grid(41, 31, |x, y| (x - 20.0).powi(2) + (y - 15.0).powi(2));
        let loops = contours(&heights, 41, 100.0);
        assert_eq!(loops.len(), 1);
        for (x, y) in &loops[0] {
            // Straight between nodes, where the function bends by at most 1/4.
            let height = (x - 20.0).powi(2) + (y - 15.0).powi(2);
            assert!((height - 100.0).abs() < 0.26, "({x}, {y}): {height}");
        }
        assert!((area(&loops[0]) / 2.0 - 100.0 * std::f64::consts::PI).abs() < 2.0);
    }

    #[test]
    fn a_straight_function_is_met_exactly() {
        let heights = grid(7, 5, |x, y| 2.0 * x - y);
        let loops = contours(&heights, 7, 3.3);
        assert_eq!(loops.len(), 1);
        let on_the_rim = |(x, y): Point| x == 0.0 || y == 0.0 || x == 6.0 || y == 4.0;
        let free: Vec<_> = loops[0].iter().filter(|point| !on_the_rim(**point)).collect();
        assert!(free.len() > 3 && free.iter().all(|(x, y)| (2.0 * x - y - 3.3).abs() < 1e-12), "{free:?}");
    }

    #[test]
    fn a_ring_has_an_outline_and_a_hole_of_the_other_turn() {
        let heights = grid(41, 41, |x, y| ((x - 20.0).hypot(y - 20.0) - 12.0).abs());
        let mut areas: Vec<f64> =
            contours(&heights, 41, 4.0).iter().map(|outline| area(outline) / 2.0).collect();
        areas.sort_by(f64::total_cmp);
        let circle = |radius: f64| std::f64::consts::PI * radius * radius;
        assert_eq!(areas.len(), 2);
        assert!((areas[0] + circle(8.0)).abs() < 3.0 && (areas[1] - circle(16.0)).abs() < 3.0, "{areas:?}");
    }

    #[test]
    fn a_cell_with_two_low_corners_is_joined_by_its_mean() {
        assert_eq!(contours(&[0.0, 1.0, 1.0, 0.0], 2, 0.6).len(), 1);
        assert_eq!(contours(&[0.0, 1.0, 1.0, 0.0], 2, 0.4).len(), 2);
    }

    #[test]
    fn nothing_everything_and_what_is_not_finite() {
        assert!(contours(&[1.0; 9], 3, 0.5).is_empty() && contours(&[], 0, 0.5).is_empty());
        let whole = contours(&[0.0; 9], 3, 0.5);
        assert_eq!((whole.len(), area(&whole[0]) / 2.0), (1, 4.0));
        let holed = [0.0, 0.0, 0.0, 0.0, f64::NAN, 0.0, 0.0, 0.0, f64::INFINITY];
        assert!(contours(&holed, 3, 0.5).iter().flatten().all(|(x, y)| x.is_finite() && y.is_finite()));
    }

    #[test]
    fn levels_are_powers_of_one_ratio() {
        assert_eq!(log_levels(0.9, 9.0, 5), (2.0, vec![1.0, 2.0, 4.0, 8.0]));
        let (ratio, levels) = log_levels(1e-9, 1e12, 12);
        assert!(ratio == 100.0 && levels.len() <= 12, "{ratio} {levels:?}");
        assert!(log_levels(0.0, 1.0, 5).1.is_empty() && log_levels(1.0, f64::INFINITY, 5).1.is_empty());
    }

    #[test]
    fn simplified_lines_keep_their_corners() {
        let line = [(0.0, 0.0), (1.0, 0.01), (2.0, 0.0), (2.0, 5.0)];
        assert_eq!(simplify(&line, 0.1), [(0.0, 0.0), (2.0, 0.0), (2.0, 5.0)]);
        assert_eq!(simplify(&line, 0.001), line);
        assert_eq!(simplify(&[], 0.1), []);
    }

    proptest! {
        /// Whatever the heights: loops stay on the grid, close, and every point of them is on the level or on the rim.
        #[test]
        fn loops_are_sound(heights in prop::collection::vec(-3..4_i32, 1..64), columns in 1_usize..8, level in -3..4_i32) {
            let rows = heights.len() / columns;
            let heights: Vec<f64> = heights[..rows * columns].iter().map(|h| f64::from(*h)).collect();
            let level = f64::from(level) + 0.5;
            let loops = contours(&heights, columns, level);
            let low = heights.iter().filter(|height| **height <= level).count();
            prop_assert!(low > 0 || loops.is_empty());
            for (x, y) in loops.iter().flatten() {
                prop_assert!((0.0..=columns as f64 - 1.0).contains(x) && (0.0..=rows as f64 - 1.0).contains(y));
                let (left, bottom) = (x.floor() as usize, y.floor() as usize);
                let (right, top) = (x.ceil() as usize, y.ceil() as usize);
                prop_assert!(left == right || bottom == top, "on a side");
                let (a, b) = (heights[bottom * columns + left], heights[top * columns + right]);
                let there = a + (b - a) * ((x - left as f64) + (y - bottom as f64));
                let rim = *x == 0.0 || *y == 0.0 || *x == columns as f64 - 1.0 || *y == rows as f64 - 1.0;
                prop_assert!((there - level).abs() < 1e-9 || rim, "{x} {y}: {there}");
            }
        }
    }
}
