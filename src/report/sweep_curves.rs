//! All runs of a sweep over one another: full loss, and validation accuracy, against passes over the training rows. Of
//! several folds it is their mean that is drawn, and each of them faint.

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

/// A quantity of one run against passes over the training rows.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Curve {
    /// (Passes, mean over the folds).
    pub mean: Vec<Point>,
    /// The same of each fold, if there are several.
    pub folds: Vec<Vec<Point>>,
}

impl Curve {
    /// Of each fold, one at least. Their points are matched by number, and the mean ends with the shortest.
    pub fn of_folds(mut folds: Vec<Vec<Point>>) -> Self {
        if folds.len() < 2 {
            return Self { mean: folds.pop().unwrap_or_default(), folds };
        }
        let shortest = folds.iter().map(Vec::len).min().unwrap_or(0);
        let mean_of = |at: usize, of: fn(&Point) -> f64| {
            folds.iter().map(|fold| of(&fold[at])).sum::<f64>() / folds.len() as f64
        };
        let mean = (0..shortest).map(|at| (mean_of(at, |p| p.0), mean_of(at, |p| p.1))).collect();
        Self { mean, folds }
    }

    /// The same with `change` made to the mean and to each fold.
    fn map(&self, change: impl Fn(&[Point]) -> Vec<Point>) -> Self {
        Self { mean: change(&self.mean), folds: self.folds.iter().map(|fold| change(fold)).collect() }
    }

    fn points(&self) -> impl Iterator<Item = &Point> {
        self.folds.iter().chain([&self.mean]).flatten()
    }
}

/// One run's curves.
#[derive(Clone, Debug, PartialEq)]
pub struct SweepCurve {
    /// What tells it from the others.
    pub label: String,
    /// Full loss.
    pub losses: Curve,
    /// Validation accuracy from 0 to 1.
    pub accuracies: Curve,
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
    let cut: Vec<(&SweepCurve, Curve)> =
        input.runs.iter().map(|run| (run, run.losses.map(|points| below_ceiling(points, ceiling)))).collect();
    let loss_scale = Scale::fit(&values(&cut));
    let wild = |run: &SweepCurve| match run.losses.points().map(|point| point.1).fold(0.0, f64::max) {
        _ if run.diverged => ", diverged",
        top if top >= ceiling => ", off the scale",
        _ => "",
    };
    let loss_labels = labels(&cut, wild);
    let in_percent = |points: &[Point]| points.iter().map(|&(x, share)| (x, 100.0 * share)).collect();
    let accuracies: Vec<(&SweepCurve, Curve)> =
        input.runs.iter().map(|run| (run, run.accuracies.map(in_percent))).collect();
    let accuracy_scale = Scale::fit_linear(&values(&accuracies)).within(0.0, 100.0);
    let accuracy_labels = labels(&accuracies, |_| "");

    // Both panels leave room for the labels of both, so that their passes lie under one another.
    let mut all = [&loss_labels[..], &accuracy_labels].concat();
    // A phone's letters are a seventh larger.
    all.iter_mut().for_each(|label| label.text.push_str(&"0".repeat(label.text.len().div_ceil(6))));
    let loss = Panel::new(top, passes.clone(), Axis::new("full loss", loss_scale), &all);
    draw(&mut svg, &loss, &cut, &loss_labels);
    let percent = Axis { unit: "%", ..Axis::new("validation accuracy", accuracy_scale) };
    let accuracy = Panel::new(below, passes, percent, &all);
    draw(&mut svg, &accuracy, &accuracies, &accuracy_labels);

    for (index, note) in notes.iter().enumerate() {
        svg.note(Rect { top: below.top + NOTE_HEIGHT * index as f64, ..below }, note);
    }
    svg.finish()
}

fn notes(input: &SweepCurvesInput) -> Vec<String> {
    let skipped = |curve: &Curve| series(&curve.mean).skipped;
    let skipped = input.runs.iter().map(|run| skipped(&run.losses) + skipped(&run.accuracies)).sum::<usize>();
    input.note.map(str::to_owned).into_iter().chain(not_drawn(skipped)).collect()
}

fn series(points: &[Point]) -> Series {
    Series::new(points.iter().copied())
}

/// A run, and of it what one panel shows.
type Shown<'a> = (&'a SweepCurve, Curve);

/// The runs with a color and a name, in their order, and the others.
fn parted<'a, 'b>(runs: &'b [Shown<'a>]) -> (Vec<&'b Shown<'a>>, Vec<&'b Shown<'a>>) {
    runs.iter().partition(|(run, _)| run.rank < NAMED)
}

fn labels(runs: &[Shown<'_>], suffix: impl Fn(&SweepCurve) -> &'static str) -> Vec<EndLabel> {
    let (named, unnamed) = parted(runs);
    let mut labels: Vec<EndLabel> = Vec::new();
    for (index, (run, curve)) in named.iter().enumerate() {
        if let Some(end) = series(&curve.mean).last() {
            let text = format!("{}{}", run.label, suffix(run));
            labels.push(EndLabel { class: series_class(index), end, text });
        }
    }
    if let Some(end) = unnamed.iter().find_map(|(_, curve)| series(&curve.mean).last()) {
        let text = format!("{} others", count(unnamed.len()));
        labels.push(EndLabel { class: "axis".into(), end, text });
    }
    labels
}

/// One panel: unnamed runs and single folds faint, the means of the named ones over them.
fn draw(svg: &mut Svg, panel: &Panel, runs: &[Shown<'_>], labels: &[EndLabel]) {
    if labels.is_empty() {
        panel.draw_empty(svg, "no finite value");
        return;
    }
    let (named, unnamed) = parted(runs);
    panel.draw_axes(svg);
    for (_, curve) in &unnamed {
        panel.draw_faint_line(svg, "axis", &series(&curve.mean));
    }
    for (index, (_, curve)) in named.iter().enumerate() {
        curve.folds.iter().for_each(|fold| panel.draw_faint_line(svg, &series_class(index), &series(fold)));
    }
    for (index, (_, curve)) in named.iter().enumerate() {
        panel.draw_dotted_line(svg, &series_class(index), &series(&curve.mean));
    }
    panel.draw_end_labels(svg, labels);
}

fn values(runs: &[Shown<'_>]) -> Vec<f64> {
    let curves = runs.iter().flat_map(|(_, curve)| curve.folds.iter().chain([&curve.mean]));
    curves.flat_map(|points| series(points).values()).collect()
}

/// Passes from 0 to the longest run's.
fn passes(runs: &[SweepCurve]) -> Axis<'static> {
    let ends =
        runs.iter().flat_map(|run| run.losses.points().chain(run.accuracies.points())).map(|point| point.0);
    let longest = ends.filter(|x| x.is_finite()).fold(0.0, f64::max);
    let longest = if longest > 0.0 { longest } else { 1.0 };
    Axis { whole: longest >= 2.0, ..Axis::new("passes over the training rows", Scale::linear(0.0, longest)) }
}

/// The highest loss that is drawn.
fn ceiling(runs: &[SweepCurve]) -> f64 {
    let starts = runs.iter().filter_map(|run| run.losses.mean.iter().find(|point| point.1.is_finite()));
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
        let [losses, accuracies] = [losses, accuracies].map(|points| Curve::of_folds(vec![points]));
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
    fn of_several_folds_the_mean_is_drawn_over_each() {
        let folds = [[9.0, 5.0, 4.0], [9.0, 7.0, 5.0]];
        let points = |fold: &[f64; 3]| (0..3).map(|at| (at as f64, fold[at])).collect::<Vec<Point>>();
        let losses = Curve::of_folds(vec![points(&folds[0]), points(&folds[1])[..2].to_vec()]);
        assert_eq!(losses.mean, [(0.0, 9.0), (1.0, 6.0)], "to the end of the shortest");
        let svg = picture(&[SweepCurve { losses, ..curve("lr 1", 0, &[9.0]) }]);
        assert_eq!(svg.matches("<polyline class=\"faint s0\"").count(), 2, "{svg}");
        assert_eq!(svg.matches("<polyline class=\"line s0\"").count(), 1, "{svg}");
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
