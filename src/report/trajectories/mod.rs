//! The race of update rules: as a table, as a picture and as a picture that moves.

mod exits;
mod picture;
mod table;
mod trail;

pub use picture::render;
pub use table::to_text;

use super::plot::measured;
use crate::trajectory::{Field, Path, Place, Window};

/// What a race is drawn from.
#[derive(Clone, Copy, Debug)]
pub struct Race<'a> {
    /// The heading.
    pub title: &'a str,
    /// What x and y are.
    pub axes: [&'a str; 2],
    /// What it runs over.
    pub field: &'a Field,
    /// What contours are counted from.
    pub contours: Contours,
    /// Places with a name: the start first.
    pub marks: &'a [(Place, &'a str)],
    /// The columns of the table, after rule and learning rate.
    pub columns: &'a [&'a str],
    /// Who runs.
    pub runners: &'a [Runner],
    /// Lines below.
    pub notes: &'a [String],
}

/// How levels are chosen, the same ratio apart.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Contours {
    /// Above this height, the lowest there is.
    Above(f64),
    /// On both sides of this height.
    Around(f64),
}

/// A rule under way.
#[derive(Clone, Debug)]
pub struct Runner {
    /// Its name.
    pub rule: String,
    /// Its learning rate, as text.
    pub lr: String,
    /// Where it went.
    pub path: Path,
    /// Its row of the table, after rule and learning rate.
    pub cells: Vec<String>,
}

impl Runner {
    /// How it leaves `window`, if it does.
    fn leaves(&self, window: &Window) -> Option<String> {
        let exit = self.path.exit(window)?;
        Some(match exit.outside {
            Some(_) => format!("leaves at step {}", exit.step),
            None => format!("not finite at step {}", exit.step),
        })
    }
}

/// A place, for people.
pub fn place(at: Place) -> String {
    // A comma is what coordinates have between them.
    let [x, y] = at.map(|coordinate| measured(coordinate, 3).replace(',', ""));
    format!("({x}, {y})")
}
