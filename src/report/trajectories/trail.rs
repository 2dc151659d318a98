//! A path on the page: cut off not far outside the frame, so that nothing is drawn at huge coordinates.

use crate::report::plot::{Point, Rect};
use crate::trajectory::Path;

/// Points nearer than this are drawn as one.
const NEAR: f64 = 0.3;

/// Runs of a path on the page; each point with its step, fractions included.
#[derive(Clone, Debug, PartialEq)]
pub struct Trail {
    runs: Vec<Vec<(f64, Point)>>,
}

impl Trail {
    /// What of `path` lies in or near `frame`, as far as to its step `last`; `at` puts places on the page.
    pub fn new(path: &Path, last: u64, frame: Rect, at: impl Fn([f64; 2]) -> Point) -> Self {
        let near = Rect {
            left: frame.left - frame.width,
            top: frame.top - frame.height,
            width: 3.0 * frame.width,
            height: 3.0 * frame.height,
        };
        let points: Vec<(f64, Point)> = path
            .places
            .iter()
            .filter(|(step, _)| *step <= last)
            .map(|(step, place)| (*step as f64, at(*place)))
            .collect();
        let mut runs: Vec<Vec<(f64, Point)>> = Vec::new();
        let mut outside = true;
        for pair in points.windows(2) {
            let Some([enter, leave]) = clip(pair[0].1, pair[1].1, near) else {
                outside = true;
                continue;
            };
            let between = |part: f64| {
                let mix = |a: f64, b: f64| if part == 0.0 { a } else { (1.0 - part) * a + part * b };
                let (from, to) = (pair[0], pair[1]);
                (mix(from.0, to.0), (mix(from.1.0, to.1.0), mix(from.1.1, to.1.1)))
            };
            match runs.last_mut() {
                Some(run) if !outside && enter == 0.0 => run.push(between(leave)),
                _ => runs.push(vec![between(enter), between(leave)]),
            }
            outside = leave < 1.0;
        }
        if runs.is_empty() {
            // One that went nowhere, or off the page at once, is a dot at its start.
            runs.extend(points.first().map(|start| vec![*start; 2]));
        }
        Self { runs: runs.into_iter().map(|run| merge(&run)).collect() }
    }

    /// The points of each run.
    pub fn lines(&self) -> Vec<Vec<Point>> {
        self.runs.iter().map(|run| run.iter().map(|(_, point)| *point).collect()).collect()
    }

    /// How much of the lines is drawn after so many steps, and where their end is then.
    pub fn at(&self, steps: &[f64]) -> (Vec<f64>, Vec<Point>) {
        let mut drawn = 0.0;
        // Of each vertex: step, length drawn, point.
        let mut known: Vec<(f64, f64, Point)> = Vec::new();
        for run in &self.runs {
            for (at, (step, point)) in run.iter().enumerate() {
                if at > 0 {
                    drawn += distance(run[at - 1].1, *point);
                }
                known.push((*step, drawn, *point));
            }
        }
        let state = |step: &f64| {
            let after = known.partition_point(|(known, ..)| known <= step);
            match (known.get(after.wrapping_sub(1)), known.get(after)) {
                (Some(a), Some(b)) => {
                    let part = (step - a.0) / (b.0 - a.0);
                    let mix = |a: f64, b: f64| a + part * (b - a);
                    (mix(a.1, b.1), (mix(a.2.0, b.2.0), mix(a.2.1, b.2.1)))
                }
                (Some(last), None) => (last.1, last.2),
                (None, first) => first.map_or((0.0, (0.0, 0.0)), |first| (first.1, first.2)),
            }
        };
        steps.iter().map(state).unzip()
    }
}

/// The part of a line inside `rect`, as parts of its length (Liang and Barsky 1984); `None` if all is outside.
fn clip(from: Point, to: Point, rect: Rect) -> Option<[f64; 2]> {
    let (mut enter, mut leave) = (0.0_f64, 1.0_f64);
    let sides = [(from.0, to.0, rect.left, rect.right()), (from.1, to.1, rect.top, rect.bottom())];
    for (a, b, lo, hi) in sides {
        let way = b - a;
        if way == 0.0 {
            if a < lo || a > hi {
                return None;
            }
            continue;
        }
        let (first, second) = ((lo - a) / way, (hi - a) / way);
        enter = enter.max(first.min(second));
        leave = leave.min(first.max(second));
    }
    (enter < leave).then_some([enter, leave])
}

/// A run without the points that lie on the one before them; its last point stays.
fn merge(run: &[(f64, Point)]) -> Vec<(f64, Point)> {
    let mut kept = vec![run[0]];
    for (at, point) in run.iter().enumerate().skip(1) {
        let last = at + 1 == run.len();
        if last || distance(kept[kept.len() - 1].1, point.1) >= NEAR {
            kept.push(*point);
        }
    }
    kept
}

fn distance(a: Point, b: Point) -> f64 {
    (a.0 - b.0).hypot(a.1 - b.1)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FRAME: Rect = Rect { left: 0.0, top: 0.0, width: 10.0, height: 10.0 };

    fn trail(x: &[f64]) -> Trail {
        let places = x.iter().enumerate().map(|(step, x)| (step as u64, [*x, 5.0])).collect();
        Trail::new(&Path { places, lost: None }, 9, FRAME, |[x, y]| (x, y))
    }

    #[test]
    fn a_path_is_cut_near_the_frame() {
        assert_eq!(trail(&[1.0, 5.0, 35.0, 1e300]).lines(), [[(1.0, 5.0), (5.0, 5.0), (20.0, 5.0)]]);
        let back = trail(&[1.0, 41.0, 41.0, 1.0]).lines();
        assert_eq!(back.len(), 2, "{back:?}");
        assert!((back[0][1].0 - 20.0).abs() < 1e-9 && (back[1][0].0 - 20.0).abs() < 1e-9, "{back:?}");
        assert_eq!(trail(&[3.0]).lines(), [[(3.0, 5.0), (3.0, 5.0)]]);
    }

    #[test]
    fn the_end_moves_with_the_steps() {
        let (drawn, places) = trail(&[1.0, 3.0, 9.0]).at(&[0.0, 0.5, 1.0, 1.5, 2.0, 9.0]);
        assert_eq!(drawn, [0.0, 1.0, 2.0, 5.0, 8.0, 8.0]);
        assert_eq!(places.iter().map(|place| place.0).collect::<Vec<_>>(), [1.0, 2.0, 3.0, 6.0, 9.0, 9.0]);
    }
}
