//! A race on the full loss, seen in the plane of one run's path.

use super::super::{InputError, file};
use super::{entries, runner_json, show};
use crate::cli::{Entry, NOT_OF_A_RACE, TrajectoriesArgs};
use crate::commands::train::{Session, tell_data, tell_objective};
use crate::commands::{Exit, compute};
use crate::config::{self, ConfigError, OptimizerName, RunConfig};
use crate::data::{self, Split};
use crate::report::console::Console;
use crate::report::plot::{count, measured, setting};
use crate::report::trajectories::{Contours, Race, Runner, place, to_text};
use crate::train::{self, DescentPlan, Stop, Watched};
use crate::trajectory::{Grid, Place, Plane, Projection, Recording, Window, landscape};
use serde_json::{Value, json};
use std::sync::atomic::AtomicBool;
use std::time::Instant;

/// Cells of the grid that the loss is computed on.
const CELLS: [usize; 2] = [64, 48];
/// A path that reaches farther than this many times the shown run's is not fitted into the picture.
const FAR: f64 = 1.5;

/// What a run came to.
struct Ran {
    entry: Entry,
    lr: f64,
    stop: Stop,
    /// The full loss at its end; NaN if it diverged.
    loss: f64,
}

/// A run as the plane shows it.
struct Seen {
    ran: Ran,
    projection: Projection,
}

pub fn run(args: &TrajectoriesArgs) -> anyhow::Result<Exit> {
    let config = own_run(args)?;
    let console = Console { quiet: config.settings.quiet };
    let entrants = entrants(args, &config)?;
    let mut files = args.svg.iter().chain(&args.still);
    files.try_for_each(|path| file::check_free(path, config.settings.force))?;

    let compute = compute(config.settings.threads);
    let data = data::load(&config.settings.data_request())?;
    let split = Split::new(data.train.len(), config.settings.validation, config.settings.seed)?;
    tell_data(console, &data);
    let session = Session::new(&config, console, &data, split, &compute)?;
    tell_objective(&session);

    let (own, recording) = descend(&session, &entrants[0]);
    if let Stop::Diverged { lr, .. } = own.stop {
        console.warn(format_args!("{}: no plane can be laid through its path", own.stop));
        session.hint_rate(&entrants[0].1, lr.unwrap_or(own.lr));
        return Ok(Exit::Diverged);
    }
    let plane = Plane::through(&recording).ok_or_else(|| {
        let what =
            format!("the path of {}: found no bend in it, expected one to lay a plane through", own.name());
        InputError::new(what, "more steps, such as a larger --epochs or a smaller --batch-size, show one")
    })?;
    let mut runs = vec![Seen::new(&plane, own, &recording)];
    for entrant in &entrants[1..] {
        let (ran, recording) = descend(&session, entrant);
        runs.push(Seen::new(&plane, ran, &recording));
    }
    present(args, &session, &plane, runs)
}

/// The run whose plane is shown.
fn own_run(args: &TrajectoriesArgs) -> anyhow::Result<RunConfig> {
    if args.steps.is_some() {
        return Err(
            entries::without_effect("steps", "epochs and batch-size say how many steps a run takes").into()
        );
    }
    if args.start.is_some() {
        return Err(entries::without_effect("start", "init-scale and seed say where a run starts").into());
    }
    let alone = "a race trains by update rules, looks at no test set and writes no run";
    if let Some(key) = args.given.iter().find(|key| NOT_OF_A_RACE.contains(&key.as_str())) {
        return Err(entries::without_effect(key, alone).into());
    }
    // A constant typed for other rules is no setting of this one.
    let optimizer = match &args.config {
        Some(path) if !args.given.iter().any(|key| key == "optimizer") => {
            let known: Vec<String> = Vec::new();
            config::resolve(&args.settings, &known, Some(path))?.settings.optimizer
        }
        _ => args.settings.optimizer,
    };
    let config = config::resolve(&args.settings, &entries::usable(args, optimizer), args.config.as_deref())?;
    if entries::plan(&config).is_none() {
        let what =
            "the run: found no update rule, expected one of sgd, momentum, nesterov, adagrad, rmsprop, adam";
        return Err(
            InputError::new(what, "its path is that of an --optimizer with --strategy descent").into()
        );
    }
    // A file may have these, too.
    let settings = &config.settings;
    for (key, set) in [
        ("watch-test", settings.watch_test),
        ("out", settings.out.is_some()),
        ("memory", settings.memory.is_some()),
    ] {
        if set {
            return Err(entries::without_effect(key, alone).into());
        }
    }
    Ok(config)
}

/// The run's own rule first, then the others, each with its plan.
fn entrants(args: &TrajectoriesArgs, config: &RunConfig) -> Result<Vec<(Entry, DescentPlan)>, ConfigError> {
    let own = config.settings.optimizer;
    let is_own = |entry: &Entry| entry.rule == own && entry.lr.is_none_or(|lr| lr == config.settings.lr);
    let mut entries = entries::entries(args);
    let own_entry = match entries.iter().position(is_own) {
        Some(at) => entries.remove(at),
        None => Entry { rule: own, lr: None },
    };
    let rules: Vec<OptimizerName> = entries.iter().map(|entry| entry.rule).chain([own]).collect();
    entries::check_constants(args, &rules)?;
    let mut entrants = Vec::new();
    entrants.extend(entries::plan(config).map(|plan| (own_entry, *plan)));
    for entry in entries {
        let lr = entry.lr.unwrap_or_else(|| usual_rate(entry.rule));
        let run = entries::with_rule(args, &config.settings, entry.rule, lr)?;
        entrants.extend(entries::plan(&run).map(|plan| (entry, *plan)));
    }
    Ok(entrants)
}

/// The rates of configs/: for CIFAR-10 the best by validation accuracy.
fn usual_rate(rule: OptimizerName) -> f64 {
    match rule {
        OptimizerName::Sgd | OptimizerName::Adagrad => 1e-3,
        _ => 1e-4,
    }
}

impl Ran {
    fn name(&self) -> String {
        config::name(self.entry.rule)
    }
}

impl Seen {
    fn new(plane: &Plane, ran: Ran, recording: &Recording) -> Self {
        let lost = match ran.stop {
            Stop::Diverged { step, .. } => Some(step),
            _ => None,
        };
        Self { projection: plane.project(recording, lost), ran }
    }

    fn places(&self) -> impl Iterator<Item = Place> {
        self.projection.path.places.iter().map(|(_, place)| *place)
    }

    fn share(&self) -> String {
        format!("{:.1}%", 100.0 * self.projection.share)
    }

    fn cells(&self) -> Vec<String> {
        let Projection { path, off, .. } = &self.projection;
        let size =
            path.places.iter().flat_map(|(_, place)| *place).fold(0.0, |most: f64, at| most.max(at.abs()));
        // What is rounding of 0 is shown as 0.
        let tidy = |value: f64| if value.abs() < 1e-9 * size { 0.0 } else { value };
        let loss = if self.ran.loss.is_finite() { measured(self.ran.loss, 5) } else { "-".into() };
        vec![place(path.end().map(tidy)), loss, measured(tidy(*off), 2), self.share()]
    }
}

/// Trains by one rule, and records.
fn descend(session: &Session<'_>, (entry, plan): &(Entry, DescentPlan)) -> (Ran, Recording) {
    let begun = Instant::now();
    let problem = session.training_problem();
    let watched = Watched { validation: &session.split.validation, test: None };
    let mut recording = Recording::default();
    // Nothing is written before the end: Ctrl-C may end the program where it is.
    let never = AtomicBool::new(false);
    let descent = train::descend(&problem, &session.split.train, watched, plan, &mut recording, &never);
    let diverged = matches!(descent.stop, Stop::Diverged { .. });
    let loss = recording
        .end(&problem)
        .filter(|_| !diverged)
        .map_or(f64::NAN, |end| problem.loss(&end, &session.split.train).mean() + end.penalty());
    let ran = Ran { entry: *entry, lr: plan.schedule.lr, stop: descent.stop, loss };
    let outcome = match ran.stop {
        Stop::Diverged { step, .. } => format!("diverged at step {step}"),
        _ => format!("{} steps, full loss {loss:.4} at the end", count(descent.step_losses.len())),
    };
    let (name, lr, seconds) = (ran.name(), setting(ran.lr), begun.elapsed().as_secs_f64());
    session.console.note(format_args!("{name}, lr {lr}: {outcome}, {seconds:.2} s"));
    (ran, recording)
}

/// Computes the loss over the plane, and shows it with all paths. The first of `runs` is the one that the plane is of.
fn present(
    args: &TrajectoriesArgs,
    session: &Session<'_>,
    plane: &Plane,
    mut runs: Vec<Seen>,
) -> anyhow::Result<Exit> {
    let begun = Instant::now();
    let problem = session.training_problem();
    let rows = &session.split.train;
    let field = landscape(&problem, rows, plane, Grid::new(window(&runs), CELLS));
    session.console.note(format_args!(
        "plane: the full loss over all {} training rows at {} points, {:.2} s",
        count(rows.len()),
        count(field.heights.len()),
        begun.elapsed().as_secs_f64()
    ));
    let (own, share) = (runs[0].ran.name(), runs[0].share());
    let own_share = runs[0].projection.share;
    let marks = [([0.0; 2], "start"), (runs[0].projection.path.end(), "end")];
    // The run's own goes where --rules has it, or first.
    let order = entries::entries(args);
    let place_of = |entry: &Entry| order.iter().position(|listed| listed == entry).map_or(0, |at| at + 1);
    runs.sort_by_key(|seen| place_of(&seen.ran.entry));

    let runners: Vec<Runner> = runs
        .iter()
        .map(|seen| Runner {
            rule: seen.ran.name(),
            lr: setting(seen.ran.lr),
            path: seen.projection.path.clone(),
            cells: seen.cells(),
        })
        .collect();
    let loss = config::name(session.config.settings.loss);
    let race = Race {
        title: &format!("{loss} on {}, around the path of {own}", session.data.name),
        axes: [
            "along: from the start to the end, distance in W",
            "across: the widest direction otherwise, distance in W",
        ],
        field: &field,
        contours: Contours::Above(field.lowest()),
        marks: &marks,
        columns: &["end", "full loss", "off plane", "seen"],
        runners: &runners,
        notes: &[
            format!("the plane holds {share} of the variance of the path of {own};"),
            "seen: that share of each path; off plane: its end's distance".into(),
            format!("full loss over all {} training rows", count(rows.len())),
        ],
    };
    let text = format!(
        "plane: through the start and the end of the path of {own}, and its widest direction otherwise;\n       \
         it holds {share} of the variance of that path. Places are (along, across), in units of W;\n       \
         off plane: an end's distance from it; seen: the share of each path's variance that it holds\n\n{}",
        to_text(&race)
    );
    let result: Vec<Value> = runs
        .iter()
        .enumerate()
        .map(|(index, seen)| {
            let mut object = runner_json(&race, index, seen.ran.lr);
            object.insert("full_loss".into(), json!(seen.ran.loss.is_finite().then_some(seen.ran.loss)));
            object.insert("off_plane".into(), json!(seen.projection.off));
            object.insert("share".into(), json!(seen.projection.share));
            Value::Object(object)
        })
        .collect();
    let json = json!({
        "surface": "loss",
        "data": session.data.name,
        "objective": session.config.objective.to_string(),
        "rows": rows.len(),
        "plane_of": own,
        "share": own_share,
        "lowest_on_plane": field.lowest(),
        "rules": result,
    });
    show(args, &session.config.settings, &race, &text, &json)
}

/// Around the first path, and the others that do not run off.
fn window(runs: &[Seen]) -> Window {
    const ANYWHERE: Window = Window { x: [-1.0, 1.0], y: [-1.0, 1.0] };
    let own = Window::around(runs[0].places(), 0.0).unwrap_or(ANYWHERE);
    let reach = FAR * own.width().max(own.height());
    let corners = [[own.x[0] - reach, own.y[0] - reach], [own.x[1] + reach, own.y[1] + reach]];
    let near = Window::around(corners, 0.0).unwrap_or(ANYWHERE);
    let stays = |seen: &&Seen| seen.places().all(|place| near.contains(place));
    Window::around(runs.iter().filter(stays).flat_map(Seen::places), 0.12).unwrap_or(ANYWHERE)
}
