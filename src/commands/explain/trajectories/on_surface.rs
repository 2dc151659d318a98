//! A race on a surface of two variables.

use super::super::{InputError, loss};
use super::{entries, runner_json, show};
use crate::cli::TrajectoriesArgs;
use crate::commands::Exit;
use crate::config::{self, ConfigError, OptimizerName, Settings};
use crate::optim::UpdateRule;
use crate::report::plot::{measured, setting};
use crate::report::trajectories::{Contours, Race, Runner, place, to_text};
use crate::trajectory::{Field, Grid, Place, Surface, Window, distance, race};
use serde_json::{Value, json};

/// Settings that a race on a surface takes; the others describe a training run.
const USED: [&str; 8] = ["lr", "momentum", "beta1", "beta2", "epsilon", "force", "json", "quiet"];
const CELLS: [usize; 2] = [280, 210];
const START: &str = "two numbers, as in --start=-9,1.5";

pub fn run(args: &TrajectoriesArgs, surface: Surface) -> anyhow::Result<Exit> {
    let rules = rules(args, surface)?;
    let start = start(args)?.unwrap_or_else(|| surface.start());
    let steps = args.steps.map_or_else(|| surface.steps(), |steps| steps as usize);
    let minimum = surface.minimum();

    let runners: Vec<Runner> = rules
        .iter()
        .map(|(name, rule, lr)| {
            let path = race(surface, *rule, *lr, start, steps);
            let end = path.end();
            let to_minimum = minimum.map(|minimum| measured(distance(end, minimum), 3));
            let cells = [place(end), height(surface.height(end))].into_iter().chain(to_minimum).collect();
            Runner { rule: config::name(*name), lr: setting(*lr), path, cells }
        })
        .collect();
    let window = window(surface, start);
    let field = Field::sample(Grid::new(window, CELLS), |at| surface.height(at));
    let mut marks = vec![(start, "start")];
    marks.extend(minimum.map(|minimum| (minimum, "minimum")));
    marks.extend(minimum.is_none().then_some(([0.0, 0.0], "saddle point")));
    let columns = ["end", "f", "to minimum"];
    let race = Race {
        title: surface.title(),
        axes: ["x", "y"],
        field: &field,
        contours: minimum.map_or(Contours::Around(0.0), |_| Contours::Above(0.0)),
        marks: &marks,
        columns: &columns[..if minimum.is_some() { 3 } else { 2 }],
        runners: &runners,
        notes: &notes(surface),
    };
    let result: Vec<Value> = rules
        .iter()
        .enumerate()
        .map(|(index, (.., lr))| {
            let mut object = runner_json(&race, index, *lr);
            let end = runners[index].path.end();
            object.insert("height".into(), json!(finite(surface.height(end))));
            object.insert("distance".into(), json!(minimum.map(|minimum| distance(end, minimum))));
            Value::Object(object)
        })
        .collect();
    let json = json!({
        "surface": surface.title(),
        "formula": surface.formula(),
        "start": start,
        "start_height": surface.height(start),
        "minimum": minimum,
        "steps": steps,
        "rules": result,
    });
    show(args, &args.settings, &race, &text(surface, start, steps, &race), &json)
}

/// A height, which may be beyond all numbers where the place is not.
fn height(value: f64) -> String {
    match finite(value) {
        Some(value) => measured(value, 3),
        None => "over 1e308".into(),
    }
}

/// What JSON can hold of a number.
fn finite(value: f64) -> Option<f64> {
    value.is_finite().then_some(value)
}

/// Each rule with its constants and its learning rate.
fn rules(
    args: &TrajectoriesArgs,
    surface: Surface,
) -> Result<Vec<(OptimizerName, UpdateRule, f64)>, ConfigError> {
    let why = "only --surface loss trains";
    if let Some(key) = args.given.iter().find(|key| !USED.contains(&key.as_str())) {
        return Err(entries::without_effect(key, why));
    }
    if args.config.is_some() {
        return Err(entries::without_effect("config", why));
    }
    let entries = entries::entries(args);
    entries::check_constants(args, &entries.iter().map(|entry| entry.rule).collect::<Vec<_>>())?;
    let typed = args.given.iter().any(|key| key == "lr").then_some(args.settings.lr);
    if typed.is_some() && entries.iter().all(|entry| entry.lr.is_some()) {
        return Err(entries::without_effect("lr", "every rule has a rate of its own"));
    }
    let resolved = |entry: &crate::cli::Entry| {
        let lr = entry.lr.or(typed);
        let run = entries::with_rule(args, &Settings::default(), entry.rule, lr.unwrap_or(1.0))?;
        let rule = entries::plan(&run).map_or(UpdateRule::Sgd, |plan| plan.rule);
        Ok((entry.rule, rule, lr.unwrap_or_else(|| surface.rate(rule))))
    };
    entries.iter().map(resolved).collect()
}

fn start(args: &TrajectoriesArgs) -> Result<Option<Place>, InputError> {
    let Some(text) = &args.start else { return Ok(None) };
    match loss::numbers("--start", text, START)?.as_slice() {
        [x, y] if x.abs() <= 1e6 && y.abs() <= 1e6 => Ok(Some([*x, *y])),
        [_, _] => {
            Err(InputError::new(format!("--start: found {text}, expected numbers from -1e6 to 1e6"), START))
        }
        numbers => {
            let what = format!("--start: found {} number(s), expected 2", numbers.len());
            Err(InputError::new(what, START))
        }
    }
}

/// The surface's own, or a larger one that has the start in it.
fn window(surface: Surface, start: Place) -> Window {
    let own = surface.window();
    if own.contains(start) {
        return own;
    }
    let corners = [[own.x[0], own.y[0]], [own.x[1], own.y[1]], start];
    Window::around(corners, 0.05).unwrap_or(own)
}

fn notes(surface: Surface) -> Vec<String> {
    match surface {
        // Its formula is too long for a line of a picture.
        Surface::Beale => ["f = (1.5 - x + x y)^2 + (2.25 - x + x y^2)^2", "      + (2.625 - x + x y^3)^2"]
            .map(String::from)
            .to_vec(),
        Surface::Valley | Surface::Saddle => vec![format!("f = {}", surface.formula())],
    }
}

fn text(surface: Surface, start: Place, steps: usize, race: &Race<'_>) -> String {
    let lowest = match surface.minimum() {
        Some([x, y]) => format!("minimum 0 at ({x}, {y})"),
        None => "no minimum; saddle point at (0, 0)".into(),
    };
    format!(
        "f(x, y) = {}, {lowest}\n{steps} steps from ({}, {}), where f = {}\n\n{}",
        surface.formula(),
        start[0],
        start[1],
        setting(surface.height(start)),
        to_text(race)
    )
}
