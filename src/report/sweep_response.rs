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

/// Accuracy on training and held-out rows over the key's values as SVG; `None` unless one key alone varies, over three
/// numbers or more.
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
    let [(lowest, _), _, .., (highest, _)] = runs[..] else { return None };
    let scale =
        (lowest > 0.0 && highest >= LOG_RATIO * lowest).then(|| Scale::log10(lowest, highest)).flatten();
    let x = Axis::new(key, scale.unwrap_or_else(|| Scale::linear(lowest, highest)));

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

    let mut svg = Svg::new(WIDTH, TITLE_HEIGHT + PANEL_HEIGHT + NOTE_HEIGHT + MARGIN, title);
    svg.title((MARGIN, 28.0), WIDTH - 2.0 * MARGIN, title);
    let outer = Rect { left: MARGIN, top: TITLE_HEIGHT, width: WIDTH - 2.0 * MARGIN, height: PANEL_HEIGHT };
    let panel = Panel::new(outer, x, y, &labels);
    if values.is_empty() {
        panel.draw_empty(&mut svg, "no finite value");
        return Some(svg.finish());
    }
    panel.draw_axes(&mut svg);
    for (index, (_, series)) in curves.iter().enumerate() {
        panel.draw_dotted_line(&mut svg, &series_class(index), series);
    }
    panel.draw_end_labels(&mut svg, &labels);
    if let Some((best, score)) = best.and_then(|best| Some((best, best.validation?))) {
        let label = run_label(plan, best.run);
        svg.note(outer, &format!("best by validation: {label}, {:.2}%", 100.0 * score.accuracy));
    }
    Some(svg.finish())
}
