//! A race as text.

use super::Race;

/// The table: rule, learning rate, the columns of the race, and who leaves the picture.
pub fn to_text(race: &Race<'_>) -> String {
    let header: Vec<String> = ["rule", "lr"].iter().chain(race.columns).map(ToString::to_string).collect();
    let rows: Vec<Vec<String>> = race
        .runners
        .iter()
        .map(|runner| [vec![runner.rule.clone(), runner.lr.clone()], runner.cells.clone()].concat())
        .collect();
    let widths: Vec<usize> = (0..header.len())
        .map(|column| rows.iter().chain([&header]).map(|row| row[column].chars().count()).max().unwrap_or(0))
        .collect();
    let line = |row: &[String]| {
        // Names begin together, numbers end together.
        let cells = row.iter().zip(&widths).enumerate();
        let cells = cells.map(
            |(at, (cell, &width))| {
                if at == 0 { format!("{cell:<width$}") } else { format!("{cell:>width$}") }
            },
        );
        cells.collect::<Vec<_>>().join("  ")
    };
    let mut text = format!("  {}\n", line(&header));
    for (row, runner) in rows.iter().zip(race.runners) {
        text.push_str("  ");
        text.push_str(&line(row));
        if let Some(leaves) = runner.leaves(&race.field.grid.window) {
            text.push_str("  ");
            text.push_str(&leaves);
        }
        text.push('\n');
    }
    text
}
