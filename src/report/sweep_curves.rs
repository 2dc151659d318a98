//! All runs of a sweep over one another: full loss, and validation accuracy, against passes over the training rows.

use super::plot::{Axis, EndLabel, Panel, Point, Rect, Scale, Series, Svg, count, not_drawn, series_class};

/// What the curves of a sweep are drawn from.
#[derive(Clone, Copy, Debug)]
pub struct SweepCurvesInput<'a> {
    /// The heading of the picture.
    pub title: &'a str,
    /// The runs, in their order.
    pub runs: &'a [SweepCurve],
    /// A line below the picture, if there is something to say.
    pub note: Option<&'a str>,
}

/// One run's curves.
#[derive(Clone, Debug, PartialEq)]
pub struct SweepCurve {
    /// What tells it from the others.
    pub label: String,
    /// (Passes, full loss).
    pub losses: Vec<Point>,
    /// (Passes, validation accuracy from 0 to 1).
    pub accuracies: Vec<Point>,
    /// Whether it ended because a number was not finite any more.
    pub diverged: bool,
    /// Its place by validation, from 0 for the best.
    pub rank: usize,
}

const WIDTH: f64 = 900.0;
const MARGIN: f64 = 16.0;
const TITLE_HEIGHT: f64 = 46.0;
const PANEL_HEIGHT: f64 = 340.0;
/// Between the panels.
const GUTTER: f64 = 18.0;
const NOTE_HEIGHT: f64 = 20.0;
/// Runs with a color and a name of their own, at most; of more, the best.
const NAMED: usize = 8;
/// The loss axis ends at this many times the highest start: what rises further leaves the picture at its top, and does not
/// press the others flat.
const HEADROOM: f64 = 1.25;

/// The curves as SVG.
pub fn render_sweep_curves(input: &SweepCurvesInput) -> String {
    let notes = notes(input);
    let height = TITLE_HEIGHT + 2.0 * PANEL_HEIGHT + GUTTER + NOTE_HEIGHT * notes.len() as f64 + MARGIN;
    let mut svg = Svg::new(WIDTH, height, input.title);
    svg.title((MARGIN, 28.0), WIDTH - 2.0 * MARGIN, input.title);
    let top = Rect { left: MARGIN, top: TITLE_HEIGHT, width: WIDTH - 2.0 * MARGIN, height: PANEL_HEIGHT };
    let below = Rect { top: top.bottom() + GUTTER, ..top };
    let passes = passes(input.runs);

    let ceiling = ceiling(input.runs);
    let cut = |run: &SweepCurve| SweepCurve { losses: below_ceiling(&run.losses, ceiling), ..run.clone() };
    let cut: Vec<SweepCurve> = input.runs.iter().map(cut).collect();
    let losses = |run: &SweepCurve| Series::new(run.losses.iter().copied());
    let loss_scale = Scale::fit(&values(&cut, losses));
    let wild = |run: &SweepCurve| match run.losses.iter().map(|point| point.1).fold(0.0, f64::max) {
        _ if run.diverged => ", diverged",
        top if top >= ceiling => ", off the scale",
        _ => "",
    };
    let loss_labels = labels(&cut, losses, wild);
    let accuracies =
        |run: &SweepCurve| Series::new(run.accuracies.iter().map(|&(x, share)| (x, 100.0 * share)));
    let accuracy_scale = Scale::fit_linear(&values(input.runs, accuracies)).within(0.0, 100.0);
    let accuracy_labels = labels(input.runs, accuracies, |_| "");

    // Both panels leave room for the labels of both, so that their passes lie under one another.
    let mut all = [&loss_labels[..], &accuracy_labels].concat();
    // A phone's letters are a seventh larger.
    all.iter_mut().for_each(|label| label.text.push_str(&"0".repeat(label.text.len().div_ceil(6))));
    let loss = Panel::new(top, passes.clone(), Axis::new("full loss", loss_scale), &all);
    draw(&mut svg, &loss, &cut, losses, &loss_labels);
    let percent = Axis { unit: "%", ..Axis::new("validation accuracy", accuracy_scale) };
    let accuracy = Panel::new(below, passes, percent, &all);
    draw(&mut svg, &accuracy, input.runs, accuracies, &accuracy_labels);

    for (index, note) in notes.iter().enumerate() {
        svg.note(Rect { top: below.top + NOTE_HEIGHT * index as f64, ..below }, note);
    }
    svg.finish()
}

fn notes(input: &SweepCurvesInput) -> Vec<String> {
    let skipped =
        |of: &dyn Fn(&SweepCurve) -> Series| input.runs.iter().map(|run| of(run).skipped).sum::<usize>();
    let skipped = skipped(&|run| Series::new(run.losses.iter().copied()))
        + skipped(&|run| Series::new(run.accuracies.iter().copied()));
    input.note.map(str::to_owned).into_iter().chain(not_drawn(skipped)).collect()
}

/// The runs with a color and a name, in their order, and the others.
fn parted(runs: &[SweepCurve]) -> (Vec<&SweepCurve>, Vec<&SweepCurve>) {
    runs.iter().partition(|run| run.rank < NAMED)
}

fn labels(
    runs: &[SweepCurve],
    series: impl Fn(&SweepCurve) -> Series,
    suffix: impl Fn(&SweepCurve) -> &'static str,
) -> Vec<EndLabel> {
    let (named, unnamed) = parted(runs);
    let mut labels: Vec<EndLabel> = Vec::new();
    for (index, run) in named.iter().enumerate() {
        if let Some(end) = series(run).last() {
            let text = format!("{}{}", run.label, suffix(run));
            labels.push(EndLabel { class: series_class(index), end, text });
        }
    }
    if let Some(end) = unnamed.iter().find_map(|run| series(run).last()) {
        let text = format!("{} others", count(unnamed.len()));
        labels.push(EndLabel { class: "axis".into(), end, text });
    }
    labels
}

/// One panel: unnamed runs faint, the named ones over them.
fn draw(
    svg: &mut Svg,
    panel: &Panel,
    runs: &[SweepCurve],
    series: impl Fn(&SweepCurve) -> Series,
    labels: &[EndLabel],
) {
    if labels.is_empty() {
        panel.draw_empty(svg, "no finite value");
        return;
    }
    let (named, unnamed) = parted(runs);
    panel.draw_axes(svg);
    for run in &unnamed {
        panel.draw_faint_line(svg, "axis", &series(run));
    }
    for (index, run) in named.iter().enumerate() {
        panel.draw_dotted_line(svg, &series_class(index), &series(run));
    }
    panel.draw_end_labels(svg, labels);
}

fn values(runs: &[SweepCurve], series: impl Fn(&SweepCurve) -> Series) -> Vec<f64> {
    runs.iter().flat_map(|run| series(run).values()).collect()
}

/// Passes from 0 to the longest run's.
fn passes(runs: &[SweepCurve]) -> Axis<'static> {
    let ends = runs.iter().flat_map(|run| run.losses.iter().chain(&run.accuracies)).map(|point| point.0);
    let longest = ends.filter(|x| x.is_finite()).fold(0.0, f64::max);
    let longest = if longest > 0.0 { longest } else { 1.0 };
    Axis { whole: longest >= 2.0, ..Axis::new("passes over the training rows", Scale::linear(0.0, longest)) }
}

/// The highest loss that is drawn.
fn ceiling(runs: &[SweepCurve]) -> f64 {
    let starts = runs.iter().filter_map(|run| run.losses.iter().find(|point| point.1.is_finite()));
    let highest = starts.map(|point| point.1).fold(0.0, f64::max);
    if highest > 0.0 { HEADROOM * highest } else { f64::INFINITY }
}

/// The parts of a curve below `ceiling`, each up to where it crosses it.
fn below_ceiling(points: &[Point], ceiling: f64) -> Vec<Point> {
    let mut kept: Vec<Point> = Vec::with_capacity(points.len());
    let crossing = |a: Point, b: Point| (a.0 + (b.0 - a.0) * (ceiling - a.1) / (b.1 - a.1), ceiling);
    let mut before: Option<Point> = None;
    for &point in points.iter().filter(|point| point.0.is_finite() && point.1.is_finite()) {
        match before {
            Some(last) if (last.1 <= ceiling) != (point.1 <= ceiling) => {
                kept.push(crossing(last, point));
                if point.1 > ceiling {
                    // Series break where a value is not finite.
                    kept.push((point.0, f64::NAN));
                }
            }
            _ => {}
        }
        if point.1 <= ceiling {
            kept.push(point);
        }
        before = Some(point);
    }
    if kept.last().is_some_and(|point| point.1.is_nan()) {
        kept.pop();
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    fn curve(label: &str, rank: usize, losses: &[f64]) -> SweepCurve {
        let losses: Vec<Point> = losses.iter().enumerate().map(|(x, &loss)| (x as f64, loss)).collect();
        let accuracies = losses.iter().skip(1).map(|point| (point.0, 0.3)).collect();
        SweepCurve { label: label.into(), losses, accuracies, diverged: false, rank }
    }

    fn picture(runs: &[SweepCurve]) -> String {
        let svg = render_sweep_curves(&SweepCurvesInput { title: "sweep", runs, note: None });
        assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
        svg
    }

    #[test]
    fn every_run_has_its_name_in_both_panels() {
        let svg = picture(&[curve("lr 1", 0, &[9.0, 5.0, 4.0]), curve("lr 2", 1, &[9.0, 6.0, 5.0])]);
        assert_eq!(svg.matches(">lr 1<").count(), 2);
        assert_eq!(svg.matches("<polyline class=\"line s1\"").count(), 2);
        assert!(svg.contains(">full loss<") && svg.contains(">passes over the training rows<"));
    }

    #[test]
    fn a_run_that_explodes_leaves_at_the_top_and_the_others_keep_their_shape() {
        let mut wild = curve("lr 9", 1, &[9.0, 1e9, 1e30]);
        wild.diverged = true;
        let svg = picture(&[curve("lr 1", 0, &[9.0, 5.0, 4.0]), wild]);
        assert!(!svg.contains("log scale") && svg.contains(">lr 9, diverged<"), "{svg}");
        let back = picture(&[curve("lr 1", 0, &[9.0, 5.0, 4.0]), curve("lr 9", 1, &[9.0, 50.0, 8.0])]);
        assert!(back.contains(">lr 9, off the scale<"));
    }

    #[test]
    fn curves_are_cut_where_they_cross() {
        let nan = |points: Vec<Point>| {
            points.into_iter().map(|p| (p.0, if p.1.is_nan() { -1.0 } else { p.1 })).collect::<Vec<_>>()
        };
        let cut = nan(below_ceiling(&[(0.0, 8.0), (1.0, 12.0), (2.0, 12.0), (3.0, 8.0)], 10.0));
        assert_eq!(cut, [(0.0, 8.0), (0.5, 10.0), (1.0, -1.0), (2.5, 10.0), (3.0, 8.0)]);
        assert_eq!(below_ceiling(&[(0.0, 8.0), (1.0, 12.0)], 10.0), [(0.0, 8.0), (0.5, 10.0)]);
    }

    #[test]
    fn of_many_runs_the_best_are_named() {
        let runs: Vec<SweepCurve> =
            (0..40).map(|i| curve(&format!("lr {i}"), 39 - i, &[9.0, 5.0 + i as f64 / 100.0])).collect();
        let svg = picture(&runs);
        assert!(svg.contains(">32 others<") && svg.contains(">lr 39<") && !svg.contains(">lr 5<"), "{svg}");
    }

    #[test]
    fn nothing_yet() {
        assert_eq!(picture(&[]).matches("no finite value").count(), 2);
    }
}
