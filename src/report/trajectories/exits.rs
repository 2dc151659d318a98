//! Labels at the edge of a picture, for the rules that leave it.

use super::{Race, Runner};
use crate::report::plot::{Anchor, Motion, Panel, Point, Rect, Svg, series_class, spread, width};

/// Text is measured at the size that phones use.
const SIZE: f64 = 16.0;
/// From one line of text to the next.
const LINE_HEIGHT: f64 = 19.0;
/// From the edge, or from a place, to its label.
const LEAD: f64 = 14.0;

/// A runner on its way out.
struct Leaving<'a> {
    class: String,
    text: String,
    step: u64,
    /// Where it is seen last.
    at: Point,
    side: Side,
    frame: &'a Rect,
}

/// Where the frame is left.
#[derive(Clone, Copy, PartialEq)]
enum Side {
    Left,
    Right,
    Top,
    Bottom,
    /// Nowhere: the next place was none.
    Inside,
}

/// Draws a label at the edge for each runner that leaves, pushed apart along each side. `moment` has, in a picture that
/// moves, the part of a round that is over after a step.
pub fn draw(svg: &mut Svg, race: &Race<'_>, panel: &Panel, moment: &dyn Fn(u64) -> Option<(Motion, f64)>) {
    let frame = panel.frame();
    let runners = race.runners.iter().enumerate();
    let exits: Vec<Leaving> =
        runners.filter_map(|(index, runner)| leaving(race, panel, &frame, index, runner)).collect();
    for side in [Side::Left, Side::Right, Side::Top, Side::Bottom, Side::Inside] {
        let group: Vec<&Leaving> = exits.iter().filter(|exit| exit.side == side).collect();
        for (exit, along) in group.iter().zip(apart(&group, side, frame)) {
            let label = |svg: &mut Svg| exit.draw(svg, along);
            match moment(exit.step) {
                Some((motion, part)) => svg.late(motion, part, label),
                None => label(svg),
            }
        }
    }
}

/// Where the labels of one side lie along it: above, or to the right of, where the paths cross it, so as not to lie on
/// them.
fn apart(group: &[&Leaving], side: Side, frame: Rect) -> Vec<f64> {
    if matches!(side, Side::Top | Side::Bottom) {
        let widest = group.iter().map(|exit| width(&exit.text, SIZE)).fold(0.0, f64::max);
        let (gap, space) = (widest + 10.0, widest / 2.0 + 6.0);
        let wanted: Vec<f64> = group.iter().map(|exit| exit.at.0 + space).collect();
        spread(&wanted, gap, frame.left + space, frame.right() - space)
    } else {
        let up = LINE_HEIGHT * (group.len() as f64 + 1.0) / 2.0;
        let wanted: Vec<f64> = group.iter().map(|exit| exit.at.1 - up).collect();
        spread(&wanted, LINE_HEIGHT, frame.top + 12.0, frame.bottom() - 12.0)
    }
}

impl Leaving<'_> {
    /// The label, `along` its side, and a line to it from where the runner was seen last.
    fn draw(&self, svg: &mut Svg, along: f64) {
        let (end, anchor) = match self.side {
            Side::Left => ((self.frame.left + LEAD, along), Anchor::Start),
            Side::Right => ((self.frame.right() - LEAD, along), Anchor::End),
            Side::Top => ((along, self.frame.top + LEAD), Anchor::Middle),
            Side::Bottom => ((along, self.frame.bottom() - LEAD - 8.0), Anchor::Middle),
            Side::Inside => ((self.at.0 + LEAD, along), Anchor::Start),
        };
        let (right, down) = match self.side {
            Side::Left | Side::Inside => (3.0, 5.0),
            Side::Right => (-3.0, 5.0),
            Side::Top => (0.0, 13.0),
            Side::Bottom => (0.0, -2.0),
        };
        svg.line(&format!("leader {}", self.class), self.at, end);
        svg.text("ink tag", (end.0 + right, end.1 + down), anchor, &self.text);
    }
}

/// How a runner leaves, if it does.
fn leaving<'a>(
    race: &Race<'_>,
    panel: &Panel,
    frame: &'a Rect,
    index: usize,
    runner: &Runner,
) -> Option<Leaving<'a>> {
    let exit = runner.path.exit(&race.field.grid.window)?;
    let on_page = |[x, y]: [f64; 2]| panel.at((x, y));
    let inside = on_page(exit.inside);
    let (side, at) =
        exit.outside.map_or((Side::Inside, inside), |outside| crossing(frame, inside, on_page(outside)));
    let text = format!("{}, step {}", runner.rule, exit.step);
    Some(Leaving { class: series_class(index), text, step: exit.step, at, side, frame })
}

/// Where a line from inside `frame` to outside of it leaves.
fn crossing(frame: &Rect, inside: Point, outside: Point) -> (Side, Point) {
    let reach = |from: f64, to: f64, edge: f64| (edge - from) / (to - from);
    let crossed = [
        (Side::Left, outside.0 < frame.left, reach(inside.0, outside.0, frame.left)),
        (Side::Right, outside.0 > frame.right(), reach(inside.0, outside.0, frame.right())),
        (Side::Top, outside.1 < frame.top, reach(inside.1, outside.1, frame.top)),
        (Side::Bottom, outside.1 > frame.bottom(), reach(inside.1, outside.1, frame.bottom())),
    ];
    let first = crossed.into_iter().filter(|(_, crossed, _)| *crossed).min_by(|a, b| a.2.total_cmp(&b.2));
    // Rounding may leave a place outside the window inside the frame.
    let Some((side, _, part)) = first else { return (Side::Inside, outside) };
    let along = |from: f64, to: f64| from + part * (to - from);
    let x = along(inside.0, outside.0).clamp(frame.left, frame.right());
    let y = along(inside.1, outside.1).clamp(frame.top, frame.bottom());
    (side, (x, y))
}
