//! Validation accuracy of every combination of two keys, as a heat map.

use super::plot::{HeatMap, Rect, Svg};
use super::sweep::value_text;
use crate::sweep::{Plan, Record};

const WIDTH: f64 = 760.0;
const MARGIN: f64 = 16.0;
const TITLE_HEIGHT: f64 = 46.0;
/// Of a row of cells, in between what is readable and what is clumsy.
const ROW: (f64, f64) = (12.0, 56.0);
/// Of the map but its cells.
const AROUND: f64 = 98.0;

/// The heat map as SVG; `None` unless the runs are every combination of two keys.
pub fn render_sweep_map(title: &str, plan: &Plan, records: &[Record], best: Option<usize>) -> Option<String> {
    let [(row_key, mut rows), (column_key, columns)] = plan.plane()?;
    // Numbers grow upwards, as on any axis; names read downwards.
    if rows.iter().all(|value| !value.is_str()) {
        rows.reverse();
    }
    let place = |run: usize| {
        let of = |key: &str, values: &[toml::Value]| {
            let value = plan.runs[run].value(key)?;
            values.iter().position(|other| other == value)
        };
        Some((of(&row_key, &rows)?, of(&column_key, &columns)?))
    };
    let mut cells = vec![vec![None; columns.len()]; rows.len()];
    for record in records {
        if let (Some((row, column)), Some(score)) = (place(record.run), record.validation) {
            cells[row][column] = Some(100.0 * score.accuracy);
        }
    }
    let height = AROUND + rows.len() as f64 * (420.0 / rows.len() as f64).clamp(ROW.0, ROW.1);
    let mut svg = Svg::new(WIDTH, TITLE_HEIGHT + height + MARGIN, title);
    svg.title((MARGIN, 28.0), WIDTH - 2.0 * MARGIN, title);
    let map = HeatMap {
        name: "validation accuracy",
        unit: "%",
        rows: (&row_key, rows.iter().map(value_text).collect()),
        columns: (&column_key, columns.iter().map(value_text).collect()),
        cells,
        best: best.and_then(place),
    };
    map.draw(&mut svg, Rect { left: MARGIN, top: TITLE_HEIGHT, width: WIDTH - 2.0 * MARGIN, height });
    Some(svg.finish())
}
