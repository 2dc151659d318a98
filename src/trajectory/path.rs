//! The path of one rule.

use super::{Place, Window};

/// Where a rule was after which step.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Path {
    /// Step, and place after it; the start is step 0. All are finite.
    pub places: Vec<(u64, Place)>,
    /// The step after which it was nowhere: a coordinate, or the loss, was no finite number.
    pub lost: Option<u64>,
}

impl Path {
    /// Where it was last.
    ///
    /// # Panics
    /// When it has no place: a path has a start.
    pub fn end(&self) -> Place {
        self.places.last().expect("a path has a start").1
    }

    /// Where the path leaves `window` for good: the places inside and outside, and the step that led out. The outside
    /// is `None` where it is no place at all. `None` if the path ends inside.
    pub fn exit(&self, window: &Window) -> Option<Exit> {
        let last_inside = self.places.iter().rposition(|(_, place)| window.contains(*place));
        let inside = last_inside.unwrap_or(0);
        match (self.places.get(inside + 1), self.lost) {
            (Some((step, outside)), _) => {
                Some(Exit { step: *step, inside: self.places[inside].1, outside: Some(*outside) })
            }
            (None, Some(step)) => Some(Exit { step, inside: self.end(), outside: None }),
            (None, None) => None,
        }
    }
}

/// How a path leaves a window.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Exit {
    /// The step that led out.
    pub step: u64,
    /// The last place inside.
    pub inside: Place,
    /// The next one, if it is one.
    pub outside: Option<Place>,
}

#[cfg(test)]
mod tests {
    use super::*;

    const WINDOW: Window = Window { x: [0.0, 1.0], y: [0.0, 1.0] };

    fn path(x: &[f64], lost: Option<u64>) -> Path {
        Path { places: x.iter().enumerate().map(|(step, x)| (step as u64, [*x, 0.5])).collect(), lost }
    }

    #[test]
    fn a_path_that_comes_back_has_not_left() {
        assert_eq!(path(&[0.1, 2.0, 0.5], None).exit(&WINDOW), None);
        let exit = path(&[0.1, 2.0, 0.5, 3.0, 9.0], None).exit(&WINDOW).expect("an exit");
        assert_eq!((exit.step, exit.inside, exit.outside), (3, [0.5, 0.5], Some([3.0, 0.5])));
        let exit = path(&[0.1, 0.2], Some(2)).exit(&WINDOW).expect("an exit");
        assert_eq!((exit.step, exit.inside, exit.outside), (2, [0.2, 0.5], None));
    }
}
