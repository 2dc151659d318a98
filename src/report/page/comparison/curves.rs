//! The histories of several runs over one another: a panel for each kind of loss, and for accuracies.

use super::super::Run;
use super::super::parts::{Place, Section, badge, charts, letter};
use crate::objective::Loss;
use crate::report::history::{AttemptRow, History};
use crate::report::plot::{
    Axis, Figure, Line, Part, Rect, Scale, Series, Svg, draw_lines, measured, not_drawn,
};
use maud::html;
use std::mem::discriminant;

/// What a point of a curve lies above: of runs of one kind what they count, of others time.
#[derive(Clone, Copy, PartialEq)]
enum Across {
    Epochs,
    Iterations,
    Attempts,
    Seconds,
}

/// One moment of a run.
#[derive(Clone, Copy)]
struct Moment {
    /// The number of the epoch, iteration or attempt, from 1.
    number: usize,
    seconds: f64,
    /// Full loss; of a random search the lowest so far.
    objective: f64,
    train_accuracy: Option<f64>,
    validation_accuracy: Option<f64>,
}

pub(super) fn render(place: &Place, runs: &[Run]) -> Section {
    let across = Across::of(runs);
    let moments: Vec<Vec<Moment>> = runs.iter().map(|run| moments(&run.history)).collect();
    let mut parts: Vec<Part> = losses(runs)
        .into_iter()
        .map(|(name, members)| {
            let name = format!("full loss ({name})");
            panel(across, &moments, &members, &name, Unit::Loss, |moment| Some(moment.objective))
        })
        .collect();
    let all: Vec<usize> = (0..runs.len()).collect();
    for (name, of) in [
        ("training accuracy", (|moment| moment.train_accuracy) as fn(&Moment) -> Option<f64>),
        ("validation accuracy", |moment| moment.validation_accuracy),
    ] {
        if moments.iter().flatten().any(|moment| of(moment).is_some()) {
            parts.push(panel(across, &moments, &all, name, Unit::Percent, of));
        }
    }
    let elements = Figure { title: "", parts }.to_elements();
    let body = html! {
        p.key { @for (index, run) in runs.iter().enumerate() { span { (badge(index)) " " (run.name) } } }
        (charts(&elements))
        @if runs.iter().any(|run| matches!(run.history, History::Attempts(_))) {
            p.note { "Of a random search, the lowest loss so far; it measures no accuracies on its way." }
        }
    };
    place.section("curves", "Curves over one another", &body)
}

impl Across {
    fn of(runs: &[Run]) -> Self {
        let alike =
            runs.windows(2).all(|pair| discriminant(&pair[0].history) == discriminant(&pair[1].history));
        match runs.first().map(|run| &run.history) {
            Some(History::Epochs(_)) if alike => Self::Epochs,
            Some(History::Iterations(_)) if alike => Self::Iterations,
            Some(History::Attempts(_)) if alike => Self::Attempts,
            _ => Self::Seconds,
        }
    }

    fn place(self, moment: &Moment) -> f64 {
        if self == Self::Seconds { moment.seconds } else { moment.number as f64 }
    }

    fn axis(self, places: &[f64]) -> Axis<'static> {
        let last = places.iter().copied().fold(1.0, f64::max);
        let counted = |name, first| Axis {
            whole: true,
            ..Axis::new(name, Scale::linear(first, last.max(first + 1.0)))
        };
        match self {
            Self::Epochs => counted("epochs", 0.0),
            Self::Iterations => counted("iterations", 1.0),
            Self::Attempts => counted("attempts", 0.0),
            Self::Seconds => Axis::new("seconds of training", Scale::fit(places)),
        }
    }
}

/// The kinds of loss, in the order of the runs, each with its runs: losses of different formulas share no axis.
fn losses(runs: &[Run]) -> Vec<(String, Vec<usize>)> {
    let mut kinds: Vec<(String, Vec<usize>)> = Vec::new();
    for (index, run) in runs.iter().enumerate() {
        let name = match run.config.objective.loss {
            Loss::Softmax => "softmax".to_owned(),
            Loss::Svm { margin: 1.0 } => "svm".to_owned(),
            Loss::Svm { margin } => format!("svm, margin {margin}"),
        };
        match kinds.iter_mut().find(|(known, _)| *known == name) {
            Some((_, members)) => members.push(index),
            None => kinds.push((name, vec![index])),
        }
    }
    kinds
}

#[derive(Clone, Copy, PartialEq)]
enum Unit {
    Loss,
    /// Values are shares.
    Percent,
}

/// One panel with a line for each of the runs `members`.
fn panel(
    across: Across,
    moments: &[Vec<Moment>],
    members: &[usize],
    name: &str,
    unit: Unit,
    of: impl Fn(&Moment) -> Option<f64>,
) -> Part<'static> {
    let factor = if unit == Unit::Percent { 100.0 } else { 1.0 };
    let points = |run: usize| {
        let of = &of;
        moments[run].iter().filter_map(move |moment| Some((across.place(moment), factor * of(moment)?)))
    };
    let places: Vec<f64> = members.iter().flat_map(|run| points(*run)).map(|(place, _)| place).collect();
    let line = |run: &usize| {
        let series = Series::new(points(*run));
        let value = series.last().map_or_else(String::new, |(_, value)| match unit {
            Unit::Loss => measured(value, 4),
            Unit::Percent => format!("{value:.1}%"),
        });
        Line { label: format!("{} {value}", letter(*run)), series, color: *run }
    };
    let lines: Vec<Line> = members.iter().map(line).collect();
    let values: Vec<f64> = lines.iter().flat_map(|line| line.series.values()).collect();
    let note = not_drawn(lines.iter().map(|line| line.series.skipped).sum());
    let x = across.axis(&places);
    let label = name.to_owned();
    let draw = move |svg: &mut Svg, outer: Rect| {
        let y = match unit {
            Unit::Loss => Axis::new(&label, Scale::fit(&values)),
            Unit::Percent => {
                Axis { unit: "%", ..Axis::new(&label, Scale::fit_linear(&values).within(0.0, 100.0)) }
            }
        };
        draw_lines(svg, outer, x.clone(), y, &lines, "nothing finished");
    };
    Part { name: format!("{name} of all runs"), note, draw: Box::new(draw) }
}

fn moments(history: &History) -> Vec<Moment> {
    match history {
        History::Epochs(rows) => rows
            .iter()
            .map(|row| Moment {
                number: row.epoch,
                seconds: row.seconds,
                objective: row.objective,
                train_accuracy: Some(row.train_accuracy),
                validation_accuracy: row.validation_accuracy,
            })
            .collect(),
        History::Iterations(rows) => rows
            .iter()
            .map(|row| Moment {
                number: row.iteration,
                seconds: row.seconds,
                objective: row.objective,
                train_accuracy: Some(row.train_accuracy),
                validation_accuracy: None,
            })
            .collect(),
        History::Attempts(rows) => {
            let moment = |row: &AttemptRow, best| Moment {
                number: row.attempt + 1,
                seconds: row.seconds,
                objective: best,
                train_accuracy: None,
                validation_accuracy: None,
            };
            // A step where the best falls, and the end: a thousand equal points draw nothing more.
            let first = rows.first().map(|row| moment(row, row.best));
            let falls = rows.windows(2).filter(|pair| pair[1].best < pair[0].best);
            let steps =
                falls.flat_map(|pair| [moment(&pair[1], pair[0].best), moment(&pair[1], pair[1].best)]);
            let last = rows.last().map(|row| moment(row, row.best));
            first.into_iter().chain(steps).chain(last).collect()
        }
    }
}
