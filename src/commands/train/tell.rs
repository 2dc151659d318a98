//! What a run says of itself: its data, its objective, how it ended, and which learning rate to try instead.

use super::session::{Session, Trained};
use crate::config::{RunConfig, Strategy};
use crate::data::{Dataset, Distant, Preprocess, Shape, Source, Store, Streamed};
use crate::optim::suggested_rate;
use crate::report::console::Console;
use crate::report::plot::{count, measured, setting};
use crate::train::{DescentPlan, Stop, largest_curvature};

pub fn tell_data<S: Store>(console: Console, data: &Dataset<S>) {
    console.note(format_args!(
        "data: {}, {} training and {} test {} of {}, {} classes{}",
        data.name,
        count(data.train.len()),
        count(data.test.len()),
        data.shape.noun(),
        data.shape,
        data.classes(),
        match &data.source {
            Source::BuiltIn => String::new(),
            Source::Path(path) => format!(", from {}", path.display()),
        }
    ));
    if data.source == Source::BuiltIn {
        console.note("      for CIFAR-10: cifar-train data fetch cifar10; for other data give --data PATH");
    }
    data.notes.iter().for_each(|note| console.warn(note));
}

/// A standardized feature whose digits f32 has no room for, if there is one.
pub fn tell_distant(console: Console, worst: Option<Distant>) {
    let Some(worst) = worst else { return };
    let others = match worst.count - 1 {
        0 => String::new(),
        1 => ", and one other is like it".into(),
        count => format!(", and {count} others are like it"),
    };
    let mean = setting(worst.mean.into());
    console.warn(format_args!(
        "feature {} has mean {mean} and deviation {}: values of f32 are {} deviations apart there{others}",
        worst.feature,
        measured(worst.deviation.into(), 3),
        measured(worst.step().into(), 2),
    ));
    console.hint(format_args!("subtract {mean} from it in the data, for training and for prediction alike"));
}

/// How much of the data is in memory at a time.
pub fn tell_windows(console: Console, config: &RunConfig, data: &Dataset<Streamed>, rows: usize) {
    let window = config.settings.window.map_or(rows, |window| window.get().min(rows));
    console.note(format_args!(
        "memory: features stay in their files; {} of {} rows ({:.0} MB) are shuffled at a time",
        count(window),
        count(rows),
        (window * data.train.like().row_bytes()) as f64 / 1e6
    ));
    if window == rows {
        console.hint("all rows fit: without --memory they are read only once");
    }
}

/// The full loss with its numbers, and what W multiplies.
pub fn tell_objective<S: Store>(session: &Session<'_, S>) {
    let x = match session.data.shape {
        Shape::Image { .. } => "pixels",
        Shape::Vector(_) => "features",
    };
    let seen = match session.config.preprocess {
        Preprocess::Standardize => format!("standardized {x}"),
        Preprocess::Scale => {
            let factor = session.preprocessing.scale.first().map_or(1.0, |&scale| 1.0 / f64::from(scale));
            format!("centered {x} / {}", measured(factor, 6))
        }
        Preprocess::Center => format!("centered {x}"),
        Preprocess::None => format!("raw {x}"),
    };
    let rows = count(session.split.train.len());
    session.console.note(format_args!("objective: {}", session.formula()));
    let of_class = session.config.settings.class_weight.as_ref();
    let of_class = of_class.map(|weight| format!("weight of class y_i ({weight})"));
    let own = session.data.weights.train.as_ref().map(|_| "the example's weight".to_owned());
    let factors: Vec<String> = own.into_iter().chain(of_class).collect();
    if !factors.is_empty() {
        session.console.note(format_args!(
            "           q_i = {}, divided by its mean over the training rows",
            factors.join(" times ")
        ));
    }
    session.console.note(format_args!(
        "           s = W x + b over {seen}, N = {rows}, lambda = {}, b penalized like W",
        session.config.settings.reg
    ));
}

impl<S: Store> Session<'_, S> {
    /// What a person should know about a run that did not go to its end.
    pub fn tell_stop(&self, trained: &Trained) {
        let stop = trained.stop;
        if let (Some([start, end]), Strategy::Descent(plan)) = (trained.rise, &self.config.strategy) {
            self.console
                .warn(format_args!("the loss rose from {start:.4} to {end:.4}: the steps are too long"));
            self.hint_rate(plan, plan.schedule.lr);
        }
        match stop {
            Stop::Completed => {}
            Stop::EarlyStop { .. } | Stop::Interrupted { .. } | Stop::ToleranceReached { .. } => {
                self.console.note(format_args!("stopped: {stop}"));
            }
            Stop::Stalled { .. } | Stop::IterationLimit { .. } => self.console.warn(stop),
            Stop::Diverged { lr, .. } => {
                self.console.warn(format_args!("{stop}; the last good model is kept"));
                match (&self.config.strategy, lr) {
                    (Strategy::Descent(plan), Some(lr)) => self.hint_rate(plan, lr),
                    _ => self.console.hint("try a smaller --scale"),
                }
            }
        }
    }

    /// A learning rate to try instead of one that was too large.
    pub fn hint_rate(&self, plan: &DescentPlan, too_large: f64) {
        // Data that can no longer be read are told of where they are needed for more than a hint.
        let (problem, rows) = (self.stored_problem(), &self.split.train);
        let Ok(curvature) = largest_curvature(problem, rows, self.config.settings.seed) else { return };
        let rate = suggested_rate(plan.rule, too_large, curvature);
        self.console.hint(format_args!("try --lr {}", setting(rate)));
    }
}
