//! `explain trajectories`: update rules race, on a surface of two variables or on the loss of a training run.

mod entries;
mod on_loss;
mod on_surface;

use super::{InputError, file};
use crate::cli::{Ground, TrajectoriesArgs};
use crate::commands::{Exit, print, print_json};
use crate::config::Settings;
use crate::report::trajectories::{Race, render};
use crate::trajectory::Surface;
use serde_json::{Value, json};

/// Rules that can be told apart in one picture.
const MOST_RULES: usize = 12;

pub fn run(args: &TrajectoriesArgs) -> anyhow::Result<Exit> {
    if args.rules.len() > MOST_RULES {
        let what = format!("--rules: found {} rules, expected {MOST_RULES} at most", args.rules.len());
        return Err(InputError::new(what, "more cannot be told apart in one picture").into());
    }
    if args.svg.is_some() && args.svg == args.still {
        let what = "--still: found the file of --svg, expected another one";
        return Err(InputError::new(what, "the moving and the still picture are two files").into());
    }
    match args.surface {
        Ground::Valley => on_surface::run(args, Surface::Valley),
        Ground::Saddle => on_surface::run(args, Surface::Saddle),
        Ground::Beale => on_surface::run(args, Surface::Beale),
        Ground::Loss => on_loss::run(args),
    }
}

/// Writes the pictures asked for, then prints the result.
fn show(
    args: &TrajectoriesArgs,
    settings: &Settings,
    race: &Race<'_>,
    text: &str,
    json: &Value,
) -> anyhow::Result<Exit> {
    let moving = args.svg.as_deref().map(|path| (path, render(race, true)));
    let still = args.still.as_deref().map(|path| (path, render(race, false)));
    let files: Vec<_> = moving.into_iter().chain(still).collect();
    file::write(&files, settings.force)?;
    if settings.json {
        print_json(json)?;
    } else {
        print(text)?;
    }
    Ok(Exit::Done)
}

/// What every runner's JSON object has.
fn runner_json(race: &Race<'_>, index: usize, lr: f64) -> serde_json::Map<String, Value> {
    let runner = &race.runners[index];
    let exit = runner.path.exit(&race.field.grid.window);
    let path: Vec<Value> = runner.path.places.iter().map(|(step, at)| json!([step, at[0], at[1]])).collect();
    let mut object = serde_json::Map::new();
    for (key, value) in [
        ("rule", json!(runner.rule)),
        ("lr", json!(lr)),
        ("end", json!(runner.path.end())),
        ("left_at_step", json!(exit.map(|exit| exit.step))),
        ("not_finite_at_step", json!(runner.path.lost)),
        ("path", Value::Array(path)),
    ] {
        object.insert(key.into(), value);
    }
    object
}
