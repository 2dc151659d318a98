//! Accuracy over the one number that varies in a sweep: what is lost to the left and to the right of the best.

use super::plot::{Axis, EndLabel, Panel, Point, Rect, Scale, Series, Svg, series_class};
use super::sweep::run_label;
use crate::sweep::{Plan, Record, Score};

const WIDTH: f64 = 760.0;
const MARGIN: f64 = 16.0;
const TITLE_HEIGHT: f64 = 46.0;
const PANEL_HEIGHT: f64 = 360.0;
const NOTE_HEIGHT: f64 = 24.0;
/// From this ratio of the ends on, equal steps on the axis are equal ratios.
const LOG_RATIO: f64 = 10.0;
/// Runs without a score that are named, at most.
const NAMED: usize = 4;

/// Accuracy on training and held-out rows over the key's values as SVG; `None` unless one key alone varies, over three
/// numbers or more. The axis spans the runs that came to a score; those that diverged are named below, and marked on the
/// axis where they lie within it.
pub fn render_sweep_response(
    title: &str,
    plan: &Plan,
    records: &[Record],
    best: Option<&Record>,
) -> Option<String> {
    let [key] = &plan.keys[..] else { return None };
    let place = |run: usize| {
        let value = plan.runs[run].value(key)?;
        value.as_float().or_else(|| value.as_integer().map(|whole| whole as f64))
    };
    let mut runs: Vec<(f64, &Record)> =
        records.iter().filter_map(|record| Some((place(record.run)?, record))).collect();
    runs.sort_by(|a, b| a.0.total_cmp(&b.0));
    let [_, _, _, ..] = runs[..] else { return None };
    let (scored, lost): (Vec<&(f64, &Record)>, Vec<_>) =
        runs.iter().partition(|(_, record)| record.validation.is_some());
    let span = [scored.first(), scored.last()].map(|run| run.map_or(0.0, |run| run.0));
    let x = Axis::new(key, scale_of(span));

    let curve = |of: fn(&Record) -> Option<Score>| {
        let point = |&(at, record): &(f64, &Record)| -> Point {
            (at, of(record).map_or(f64::NAN, |score| 100.0 * score.accuracy))
        };
        Series::new(runs.iter().map(point))
    };
    let curves = [("train", curve(|record| record.train)), ("validation", curve(|record| record.validation))];
    let label = |(index, (name, series)): (usize, &(&str, Series))| {
        Some(EndLabel { class: series_class(index), end: series.last()?, text: (*name).into() })
    };
    let labels: Vec<EndLabel> = curves.iter().enumerate().filter_map(label).collect();
    let values: Vec<f64> = curves.iter().flat_map(|(_, series)| series.values()).collect();
    let y = Axis { unit: "%", ..Axis::new("accuracy", Scale::fit_linear(&values).within(0.0, 100.0)) };

    let notes = notes(plan, best, &lost);
    let height = TITLE_HEIGHT + PANEL_HEIGHT + NOTE_HEIGHT * notes.len() as f64 + MARGIN;
    let mut svg = Svg::new(WIDTH, height, title);
    svg.title((MARGIN, 28.0), WIDTH - 2.0 * MARGIN, title);
    let outer = Rect { left: MARGIN, top: TITLE_HEIGHT, width: WIDTH - 2.0 * MARGIN, height: PANEL_HEIGHT };
    let panel = Panel::new(outer, x, y, &labels);
    for (index, note) in notes.iter().enumerate() {
        svg.note(Rect { top: outer.top + NOTE_HEIGHT * index as f64, ..outer }, note);
    }
    if values.is_empty() {
        panel.draw_empty(&mut svg, "no finite value");
        return Some(svg.finish());
    }
    panel.draw_axes(&mut svg);
    for (index, (_, series)) in curves.iter().enumerate() {
        panel.draw_dotted_line(&mut svg, &series_class(index), series);
    }
    for (at, _) in lost.iter().filter(|(at, _)| (span[0]..=span[1]).contains(at)) {
        draw_cross(&mut svg, (panel.at((*at, 0.0)).0, panel.frame().bottom()));
    }
    panel.draw_end_labels(&mut svg, &labels);
    Some(svg.finish())
}

/// From the lowest to the highest value.
fn scale_of([lowest, highest]: [f64; 2]) -> Scale {
    let log = lowest > 0.0 && highest >= LOG_RATIO * lowest;
    let log = log.then(|| Scale::log10(lowest, highest)).flatten();
    log.unwrap_or_else(|| Scale::linear(lowest, highest))
}

/// The lines below the picture: which run is best, and which came to nothing.
fn notes(plan: &Plan, best: Option<&Record>, lost: &[&(f64, &Record)]) -> Vec<String> {
    let score = |best: &Record| {
        let accuracy = 100.0 * best.validation?.accuracy;
        Some(format!("best by validation: {}, {accuracy:.2}%", run_label(plan, best.run)))
    };
    let mut notes: Vec<String> = best.and_then(score).into_iter().collect();
    if !lost.is_empty() {
        let mut named: Vec<String> =
            lost.iter().take(NAMED).map(|(_, record)| run_label(plan, record.run)).collect();
        if lost.len() > NAMED {
            named.push(format!("and {} more", lost.len() - NAMED));
        }
        notes.push(format!("diverged: {}", named.join(", ")));
    }
    notes
}

/// A small cross.
fn draw_cross(svg: &mut Svg, (x, y): Point) {
    const ARM: f64 = 5.0;
    svg.line("axis", (x - ARM, y - ARM), (x + ARM, y + ARM));
    svg.line("axis", (x - ARM, y + ARM), (x + ARM, y - ARM));
}
