//! Heights over a rectangle, on a grid.

use super::Place;

/// The rectangle that a picture shows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Window {
    /// From its left to its right side.
    pub x: [f64; 2],
    /// From its lower to its upper side.
    pub y: [f64; 2],
}

impl Window {
    /// The smallest one around `places`, with `margin` of its own size added on each side; `None` if there is no
    /// place. A direction without extent gets a part of the other's.
    pub fn around(places: impl IntoIterator<Item = Place>, margin: f64) -> Option<Self> {
        let mut places = places.into_iter();
        let [x, y] = places.next()?;
        let tight = places.fold(Self { x: [x; 2], y: [y; 2] }, Self::with);
        let least = 0.05 * tight.width().max(tight.height()).max(f64::MIN_POSITIVE);
        let grown = |[lo, hi]: [f64; 2]| {
            let space = margin * (hi - lo).max(least);
            [lo - space, hi + space]
        };
        Some(Self { x: grown(tight.x), y: grown(tight.y) })
    }

    /// The smallest one around this one and `place`.
    #[must_use]
    pub fn with(self, place: Place) -> Self {
        let reach = |[lo, hi]: [f64; 2], at: f64| [lo.min(at), hi.max(at)];
        Self { x: reach(self.x, place[0]), y: reach(self.y, place[1]) }
    }

    /// Whether `place` is inside.
    pub fn contains(&self, place: Place) -> bool {
        (self.x[0]..=self.x[1]).contains(&place[0]) && (self.y[0]..=self.y[1]).contains(&place[1])
    }

    /// From left to right.
    pub fn width(&self) -> f64 {
        self.x[1] - self.x[0]
    }

    /// From bottom to top.
    pub fn height(&self) -> f64 {
        self.y[1] - self.y[0]
    }
}

/// A grid over a window, and one cell beyond it on each side: what is drawn of it can be cut off at the window.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Grid {
    /// What is to be seen of it.
    pub window: Window,
    /// Nodes from left to right.
    pub columns: usize,
    /// Nodes from bottom to top.
    pub rows: usize,
}

impl Grid {
    /// So many cells inside the window in each direction.
    ///
    /// # Panics
    /// When there is no cell.
    pub fn new(window: Window, cells: [usize; 2]) -> Self {
        assert!(cells[0] > 0 && cells[1] > 0, "a grid has cells");
        Self { window, columns: cells[0] + 3, rows: cells[1] + 3 }
    }

    /// The place of a position counted in nodes, fractions included, from the lower left one.
    pub fn place(&self, column: f64, row: f64) -> Place {
        let cell =
            [self.window.width() / (self.columns - 3) as f64, self.window.height() / (self.rows - 3) as f64];
        [self.window.x[0] + (column - 1.0) * cell[0], self.window.y[0] + (row - 1.0) * cell[1]]
    }

    /// The places of all nodes, row after row from the bottom.
    pub fn places(&self) -> Vec<Place> {
        let row = |row| (0..self.columns).map(move |column| self.place(column as f64, row as f64));
        (0..self.rows).flat_map(row).collect()
    }
}

/// Heights on a grid.
#[derive(Clone, Debug, PartialEq)]
pub struct Field {
    /// Where.
    pub grid: Grid,
    /// Of each node, row after row from the bottom.
    pub heights: Vec<f64>,
}

impl Field {
    /// The heights that a function has on `grid`.
    pub fn sample(grid: Grid, height: impl Fn(Place) -> f64) -> Self {
        Self { heights: grid.places().into_iter().map(height).collect(), grid }
    }

    /// The lowest finite height inside the window; infinite if there is none.
    pub fn lowest(&self) -> f64 {
        self.inside().fold(f64::INFINITY, f64::min)
    }

    /// The finite heights inside the window.
    pub fn inside(&self) -> impl Iterator<Item = f64> {
        let Grid { columns, rows, .. } = self.grid;
        let inner = move |at: usize| {
            (1..columns - 1).contains(&(at % columns)) && (1..rows - 1).contains(&(at / columns))
        };
        let heights = self.heights.iter().copied().enumerate();
        heights.filter(move |(at, height)| inner(*at) && height.is_finite()).map(|(_, height)| height)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_grid_covers_its_window_and_a_cell_more() {
        let grid = Grid::new(Window { x: [0.0, 4.0], y: [-1.0, 1.0] }, [4, 2]);
        let places = grid.places();
        assert_eq!((places.len(), places[0], places[34]), (7 * 5, [-1.0, -2.0], [5.0, 2.0]));
        let field = Field::sample(grid, |[x, y]| x + 10.0 * y);
        assert_eq!(field.inside().count(), 5 * 3);
        assert_eq!(field.lowest(), -10.0);
    }

    #[test]
    fn windows_reach_around_places() {
        let window = Window::around([[0.0, 1.0], [10.0, 1.0]], 0.1).expect("places");
        assert_eq!(window.x, [-1.0, 11.0]);
        assert!(window.height() > 0.0 && window.contains([5.0, 1.0]) && !window.contains([5.0, 9.0]));
        assert_eq!(Window::around([], 0.1), None);
    }
}
