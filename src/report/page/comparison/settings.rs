//! The settings in which runs differ, and those they share.

use super::super::Run;
use super::super::parts::{Place, Section, scroll};
use super::{columns, head};
use crate::config::Settings;
use crate::report::plot::setting;
use maud::{Markup, html};
use serde_json::Value;

/// A setting's name, and its value in each run.
type Row = (String, Vec<String>);

pub(super) fn render(place: &Place, runs: &[Run]) -> Section {
    let keys = Settings::keys().iter();
    let rows = keys.map(|key| (key.clone(), runs.iter().map(|run| value(run, key)).collect()));
    let used = rows.filter(|(_, values): &Row| values.iter().any(|value| value != UNUSED));
    let (shared, differing): (Vec<Row>, Vec<Row>) =
        used.partition(|(_, values)| values.iter().all(|value| *value == values[0]));
    let body = html! {
        @if differing.is_empty() { p { "All settings are the same." } }
        @else { (scroll("Settings that differ", &table(runs, &differing))) }
        @if !shared.is_empty() {
            p.note { "The same in all: " @for (at, (key, values)) in shared.iter().enumerate() {
                @if at > 0 { ", " } code { (key) " = " (values[0]) }
            } "." }
        }
    };
    place.section("differences", "Settings that differ", &body)
}

fn table(runs: &[Run], rows: &[Row]) -> Markup {
    html! {
        table.compared style=(columns(runs)) {
            (head(runs, "Setting"))
            tbody {
                @for (key, values) in rows {
                    tr { th scope="row" { code { (key) } } @for value in values { td { (value) } } }
                }
            }
        }
    }
}

/// What a run without the setting shows.
const UNUSED: &str = "-";

fn value(run: &Run, key: &str) -> String {
    match run.result.config.get(key) {
        None => UNUSED.into(),
        Some(Value::String(text)) => text.clone(),
        Some(Value::Number(number)) if number.is_f64() => setting(number.as_f64().unwrap_or(f64::NAN)),
        Some(other) => other.to_string(),
    }
}
