//! A race as SVG: contours, paths, who left where, and the table below.

use super::trail::Trail;
use super::{Contours, Race, Runner, exits};
use crate::report::plot::{
    Anchor, Axis, Motion, Panel, Point, Rect, Scale, Svg, contours, log_levels, measured, series_class,
    setting, simplify, width,
};
use crate::trajectory::{Field, Window};

const WIDTH: f64 = 600.0;
const MARGIN: f64 = 16.0;
const TITLE_HEIGHT: f64 = 42.0;
const PANEL_HEIGHT: f64 = 430.0;
/// The line of steps below the panel of a picture that moves.
const CLOCK_HEIGHT: f64 = 46.0;
const ROW: f64 = 21.0;
/// Text is measured at the size that phones use.
const SIZE: f64 = 16.0;
/// One round of a race; a part of it at the end is for looking.
const SECONDS: f64 = 10.0;
const FRAMES: usize = 100;
const FRAMES_AT_THE_END: usize = 20;
/// Contours, at most.
const LEVELS: usize = 16;
/// A contour is drawn to this part of a pixel.
const TOLERANCE: f64 = 0.1;

/// The picture; `moving` has the rules race, else their whole paths are there.
pub fn render(race: &Race<'_>, moving: bool) -> String {
    let outer = Rect { left: MARGIN, top: TITLE_HEIGHT, width: WIDTH - 2.0 * MARGIN, height: PANEL_HEIGHT };
    let clock = if moving { CLOCK_HEIGHT } else { 0.0 };
    let table_top = outer.bottom() + clock + 14.0;
    let notes_top = table_top + ROW * (race.runners.len() + 1) as f64 + 6.0;
    let (levels, about_levels) = levels(race);
    let notes: Vec<&String> = race.notes.iter().chain(&about_levels).collect();
    let mut svg = Svg::new(WIDTH, notes_top + ROW * notes.len() as f64 + MARGIN / 2.0, race.title);
    svg.title((MARGIN, 28.0), WIDTH - 2.0 * MARGIN, race.title);

    let Window { x, y } = race.field.grid.window;
    let axes =
        [(race.axes[0], x), (race.axes[1], y)].map(|(name, [lo, hi])| Axis::new(name, Scale::linear(lo, hi)));
    let [x, y] = axes;
    let panel = Panel::new(outer, x, y, &[]);
    panel.draw_axes(&mut svg);
    let stage = Stage::new(race, &panel, moving);
    svg.within(panel.frame(), |svg| {
        levels.iter().for_each(|level| draw_contour(svg, race.field, &panel, *level));
        stage.draw_paths(svg);
        draw_marks(svg, &panel, race.marks);
    });
    exits::draw(&mut svg, race, &panel, &|step| stage.motion.map(|motion| (motion, stage.moment(step))));
    if let Some(motion) = stage.motion {
        draw_clock(&mut svg, panel.frame(), outer.bottom() + 18.0, stage.steps, motion);
    }
    draw_table(&mut svg, race, table_top);
    for (line, note) in notes.into_iter().enumerate() {
        svg.text("muted", (MARGIN, notes_top + ROW * (line as f64 + 0.6)), Anchor::Start, note);
    }
    svg.finish()
}

/// The heights of the contours, and a line about them.
fn levels(race: &Race<'_>) -> (Vec<f64>, Option<String>) {
    let base = match race.contours {
        Contours::Above(base) | Contours::Around(base) => base,
    };
    let mut sizes: Vec<f64> =
        race.field.inside().map(|height| (height - base).abs()).filter(|size| *size > 0.0).collect();
    sizes.sort_by(f64::total_cmp);
    let both = matches!(race.contours, Contours::Around(_));
    // Near a saddle, levels on both sides would crowd.
    let (most, lowest) = if both { (LEVELS / 2, sizes.len() / 20) } else { (LEVELS, sizes.len() / 200) };
    let (Some(high), low) = (sizes.last(), sizes.get(lowest)) else { return (Vec::new(), None) };
    let (ratio, sizes) = log_levels(*low.unwrap_or(high), *high, most);
    let [Some(first), Some(second), Some(last)] = [sizes.first(), sizes.get(1), sizes.last()] else {
        return (Vec::new(), None);
    };
    let spaced = format!("{}, {}, ... {}", digits(*first), digits(*second), digits(*last));
    let about = match race.contours {
        Contours::Above(0.0) => format!("contours at {spaced}"),
        Contours::Above(base) => {
            format!("contours {spaced} above {}", measured(base, 5))
        }
        Contours::Around(_) => format!("contours at 0 and +-{spaced}"),
    };
    let about = format!("{about}: each {} times the last", setting(ratio));
    let mut levels: Vec<f64> = sizes.iter().map(|size| base + size).collect();
    if both {
        levels.extend(sizes.iter().map(|size| base - size).chain([base]));
    }
    (levels, Some(about))
}

fn digits(value: f64) -> String {
    let text = measured(value, 2);
    text.parse().map_or(text, setting)
}

fn draw_contour(svg: &mut Svg, field: &Field, panel: &Panel, level: f64) {
    let on_page = |outline: Vec<Point>| {
        let place = |(column, row): &Point| {
            let [x, y] = field.grid.place(*column, *row);
            panel.at((x, y))
        };
        simplify(&outline.iter().map(place).collect::<Vec<_>>(), TOLERANCE)
    };
    let loops = contours(&field.heights, field.grid.columns, level);
    svg.region("contour", &loops.into_iter().map(on_page).collect::<Vec<_>>());
}

fn draw_marks(svg: &mut Svg, panel: &Panel, marks: &[([f64; 2], &str)]) {
    let frame = panel.frame();
    for ([x, y], name) in marks {
        let (x, y) = panel.at((*x, *y));
        svg.line("cross", (x - 5.0, y - 5.0), (x + 5.0, y + 5.0));
        svg.line("cross", (x - 5.0, y + 5.0), (x + 5.0, y - 5.0));
        let reach = 10.0 + width(name, SIZE);
        let (anchor, side) =
            if x + reach < frame.right() { (Anchor::Start, 10.0) } else { (Anchor::End, -10.0) };
        // Below, where there is room.
        let down = if y + 24.0 < frame.bottom() { 18.0 } else { -10.0 };
        svg.text("ink tag", (x + side, y + down), anchor, name);
    }
}

/// The runners on the page.
struct Stage {
    trails: Vec<Trail>,
    /// Of the longest path.
    steps: f64,
    motion: Option<Motion>,
}

impl Stage {
    fn new(race: &Race<'_>, panel: &Panel, moving: bool) -> Self {
        let trail = |runner: &Runner| {
            // A path that swings ever wider crosses the picture again and again after it has left: that is not shown.
            let last = runner.path.exit(&race.field.grid.window).map_or(u64::MAX, |exit| exit.step);
            Trail::new(&runner.path, last, panel.frame(), |[x, y]| panel.at((x, y)))
        };
        let last = |runner: &Runner| {
            runner.path.places.last().map_or(0, |(step, _)| *step).max(runner.path.lost.unwrap_or(0))
        };
        Self {
            trails: race.runners.iter().map(trail).collect(),
            steps: race.runners.iter().map(last).max().unwrap_or(0).max(1) as f64,
            motion: moving.then_some(Motion { seconds: SECONDS }),
        }
    }

    /// The part of a round after which so many steps are done.
    fn moment(&self, step: u64) -> f64 {
        step as f64 / self.steps * FRAMES as f64 / (FRAMES + FRAMES_AT_THE_END - 1) as f64
    }

    fn draw_paths(&self, svg: &mut Svg) {
        let Some(motion) = self.motion else {
            // All strips before all lines, or one would hide another.
            self.trails.iter().for_each(|trail| {
                trail.lines().iter().for_each(|line| svg.polyline("halo", line));
            });
            for (index, trail) in self.trails.iter().enumerate() {
                svg.trail(&series_class(index), &trail.lines(), None);
            }
            return;
        };
        let steps = frames(self.steps);
        let states: Vec<_> = self.trails.iter().map(|trail| trail.at(&steps)).collect();
        for (index, (trail, (drawn, _))) in self.trails.iter().zip(&states).enumerate() {
            svg.trail(&series_class(index), &trail.lines(), Some((motion, drawn)));
        }
        for (index, (_, places)) in states.iter().enumerate() {
            svg.head(&series_class(index), motion, places);
        }
    }
}

/// The steps of the moments of a race, those at its end repeated.
fn frames(steps: f64) -> Vec<f64> {
    (0..FRAMES + FRAMES_AT_THE_END).map(|frame| steps * (frame as f64 / FRAMES as f64).min(1.0)).collect()
}

/// Steps as a line that is walked along.
fn draw_clock(svg: &mut Svg, frame: Rect, y: f64, steps: f64, motion: Motion) {
    let name = "step";
    let left = MARGIN + width(name, SIZE) + 10.0;
    let scale = Scale::linear(0.0, steps);
    let at = |step: f64| (left + scale.fraction(step) * (frame.right() - left), y);
    svg.text("muted", (MARGIN, y + 5.0), Anchor::Start, name);
    svg.line("axis", at(0.0), at(steps));
    for tick in scale.whole_ticks(6) {
        let (x, _) = at(tick.value);
        svg.line("axis", (x, y), (x, y + 5.0));
        svg.text("muted", (x, y + 20.0), Anchor::Middle, &tick.label);
    }
    svg.head("cross", motion, &frames(steps).into_iter().map(at).collect::<Vec<_>>());
}

/// Rule and learning rate, then the columns of the race, as wide as what is in them.
fn draw_table(svg: &mut Svg, race: &Race<'_>, top: f64) {
    let header: Vec<&str> = ["rule", "lr"].into_iter().chain(race.columns.iter().copied()).collect();
    let cells = |runner: &'_ Runner| -> Vec<String> {
        [vec![runner.rule.clone(), runner.lr.clone()], runner.cells.clone()].concat()
    };
    let rows: Vec<Vec<String>> = race.runners.iter().map(cells).collect();
    let widths = header.iter().enumerate().map(|(column, name)| {
        rows.iter().map(|row| width(&row[column], SIZE)).fold(width(name, SIZE), f64::max)
    });
    let widths: Vec<f64> = widths.collect();
    let swatch = 26.0;
    let free = WIDTH - 2.0 * MARGIN - swatch - widths.iter().sum::<f64>();
    let gap = (free / (widths.len() - 1) as f64).clamp(4.0, 40.0);
    let mut right = MARGIN + swatch;
    for (column, width) in widths.iter().enumerate() {
        // Names begin together, numbers end together.
        let (x, anchor) = if column == 0 { (right, Anchor::Start) } else { (right + width, Anchor::End) };
        svg.text("muted", (x, top + 12.0), anchor, header[column]);
        for (line, row) in rows.iter().enumerate() {
            svg.text("ink", (x, top + 12.0 + ROW * (line + 1) as f64), anchor, &row[column]);
        }
        right += width + gap;
    }
    for line in 0..rows.len() {
        let y = top + 7.0 + ROW * (line + 1) as f64;
        svg.line(&format!("line {}", series_class(line)), (MARGIN, y), (MARGIN + 18.0, y));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trajectory::{Grid, Path, Place};

    fn draw(paths: &[(&[Place], Option<u64>)], moving: bool) -> String {
        let window = Window { x: [-1.0, 1.0], y: [-1.0, 1.0] };
        let field = Field::sample(Grid::new(window, [20, 20]), |[x, y]| x * x + y * y);
        let runner = |(at, (places, lost)): (usize, &(&[Place], Option<u64>))| Runner {
            rule: format!("rule{at}"),
            lr: "0.1".into(),
            path: Path {
                places: places.iter().enumerate().map(|(step, place)| (step as u64, *place)).collect(),
                lost: *lost,
            },
            cells: vec!["1.23".into()],
        };
        let svg = render(
            &Race {
                title: "<race>",
                axes: ["x", "y"],
                field: &field,
                contours: Contours::Above(0.0),
                marks: &[([0.5, 0.5], "start")],
                columns: &["f"],
                runners: &paths.iter().enumerate().map(runner).collect::<Vec<_>>(),
                notes: &["a note".into()],
            },
            moving,
        );
        assert!(!svg.contains("NaN") && !svg.contains("inf") && !svg.contains("<race>"), "{svg}");
        svg
    }

    #[test]
    fn a_path_a_rule_and_a_label_for_who_leaves() {
        let stays: &[Place] = &[[0.5, 0.5], [0.2, 0.1]];
        let leaves: &[Place] = &[[0.5, 0.5], [-3.0, 0.4], [1e300, -1e300]];
        for moving in [false, true] {
            let svg = draw(&[(stays, None), (leaves, Some(3)), (&stays[..1], Some(1))], moving);
            let lines = svg.matches("<path class=\"line ").count();
            assert_eq!(lines, 3, "{svg}");
            for label in [">rule1, step 1<", ">rule2, step 1<", ">start<", ">a note<"] {
                assert_eq!(svg.matches(label).count(), 1, "{label} in {svg}");
            }
            assert!(!svg.contains("rule0, step"));
            assert_eq!(svg.contains("<animate"), moving);
            // 16 levels would be 1.25 apart: 0.01 to 2 at ratio 1.5.
            assert!(svg.contains("contours at ") && svg.matches("class=\"contour\"").count() > 8);
        }
    }

    #[test]
    fn many_exits_have_labels_apart() {
        let leaves: &[Place] = &[[0.5, 0.5], [3.0, 0.5]];
        let svg = draw(&[(leaves, None); 6], false);
        let mut heights: Vec<f64> = (0..6)
            .map(|rule| {
                let line = svg
                    .lines()
                    .find(|line| line.contains(&format!(">rule{rule}, step 1<")))
                    .expect("a label");
                line.split("y=\"")
                    .nth(1)
                    .and_then(|y| y.split('"').next())
                    .and_then(|y| y.parse().ok())
                    .expect("y")
            })
            .collect();
        heights.sort_by(f64::total_cmp);
        assert!(heights.windows(2).all(|pair| pair[1] - pair[0] > 18.9), "{heights:?}");
    }
}
