//! `gradcheck`: is the gradient that trains the gradient of the loss?

use super::{Exit, print, print_json};
use crate::cli::GradcheckArgs;
use crate::config::{LossName, all_cores};
use crate::data::{self, Preprocessing};
use crate::gradcheck::{Check, Coordinate, EXACT_BOUND, KERNEL_BOUND, Report, Verdict, run as check};
use crate::objective::{Loss, Objective, Penalty};
use crate::report::console::Console;
use crate::report::plot::count;
use serde::Serialize;
use std::fmt::Write;

/// Coordinates shown of each check, worst first.
const SHOWN: usize = 3;

#[derive(Serialize)]
struct GradcheckResult {
    passed: bool,
    data: String,
    objectives: Vec<String>,
    reports: Vec<Report>,
}

pub fn run(args: &GradcheckArgs) -> anyhow::Result<Exit> {
    let console = Console { quiet: args.quiet };
    let losses = match args.loss {
        Some(loss) => vec![loss.with_margin(args.margin)?],
        None => vec![LossName::Svm.with_margin(args.margin)?, Loss::Softmax],
    };
    let threads = args.threads.unwrap_or_else(all_cores);
    data::limit_readers(threads);
    let data = data::load(&data::Request { no_test: true, ..args.data.request(None) })?;
    let preprocessing = Preprocessing::fit(args.preprocess, &data.train, &data.train.all());
    console.note(format_args!(
        "data: {}, {} of {} training rows",
        data.name,
        args.rows.get().min(data.train.len()),
        count(data.train.len())
    ));

    let weights = data::example_weights(&data, args.class_weight.as_ref(), &data.train.all())?;
    let mut result = GradcheckResult {
        passed: true,
        data: data.name.clone(),
        objectives: Vec::new(),
        reports: Vec::new(),
    };
    for loss in losses {
        let objective = Objective { loss, penalty: Penalty { l2: args.reg, l1: args.l1 } };
        let formula = objective.formula(weights.is_some());
        let report = check(&Check {
            examples: &data.train,
            preprocessing: &preprocessing,
            classes: data.classes(),
            objective,
            example_weights: weights.as_deref(),
            rows: args.rows.get(),
            sample: (!args.all).then_some(args.samples.get()),
            h: args.h,
            tolerance: args.tolerance,
            seed: args.seed,
            threads,
        });
        if !args.json {
            print(&to_text(&formula, &report))?;
        }
        result.passed &= report.passed;
        result.objectives.push(formula);
        result.reports.push(report);
    }
    if args.json {
        print_json(&result)?;
    } else {
        print(if result.passed { "gradcheck passed\n" } else { "gradcheck FAILED\n" })?;
    }
    Ok(if result.passed { Exit::Done } else { Exit::CheckFailed })
}

fn to_text(formula: &str, report: &Report) -> String {
    let mut text = String::new();
    // Writing to a String cannot fail.
    let _ = writeln!(text, "{formula}");
    let checked = report.coordinates.len();
    let _ = writeln!(
        text,
        "  {} of {} coordinates, h = {:e}, in f64; relative error of analytic against numerical:",
        count(checked),
        count(report.total),
        report.h
    );
    let smooth = report.coordinates.iter().filter(|coordinate| !coordinate.kink);
    let worst_forward = smooth.clone().map(|coordinate| coordinate.forward_error).fold(0.0, f64::max);
    if let Some(worst) = report.worst(false) {
        let verdict = verdict(worst, report.tolerance);
        let _ = writeln!(text, "  centered difference      worst {:.1e}  {verdict}", worst.error);
        let _ = writeln!(
            text,
            "  forward difference       worst {worst_forward:.1e}  (the lecture's, to compare)"
        );
    }
    if let Some(worst) = report.worst(true) {
        let verdict = verdict(worst, report.tolerance);
        let kinks = format!("{} at a kink", count(report.kinks()));
        let _ = writeln!(
            text,
            "  {kinks:<23}  worst {:.1e}  {verdict}: between the one-sided slopes",
            worst.error
        );
    }
    let (telling, needed) = (report.telling(), report.telling_needed());
    if telling < needed {
        let why = if 2 * report.kinks() > checked {
            "h is too wide: margins change sign within it"
        } else {
            "h is too narrow: rounding is all that is left"
        };
        let _ = writeln!(
            text,
            "  {telling} of {checked} quotients tell right from wrong, at least {needed} expected  FAILED: {why}"
        );
    }
    let _ = writeln!(
        text,
        "  {:>16}  {:>13}  {:>13}  {:>13}  {:>8}",
        "worst at", "analytic", "centered", "forward", "error"
    );
    for coordinate in report.coordinates.iter().take(SHOWN) {
        let _ = writeln!(
            text,
            "  {:>16}  {:>13.6e}  {:>13.6e}  {:>13.6e}  {:>8.1e}",
            place(coordinate),
            coordinate.analytic,
            coordinate.centred,
            coordinate.forward,
            coordinate.error
        );
    }
    let exact = &report.exact;
    let _ = writeln!(
        text,
        "  automatic differentiation of {} rows x {} features, all {} coordinates, bound {EXACT_BOUND:e}:\n  \
         gradient {:.1e}  loss {:.1e}  {}",
        exact.rows,
        exact.features,
        exact.coordinates,
        exact.gradient_error,
        exact.loss_error,
        if exact.passes() { "ok" } else { "FAILED" }
    );
    let left_out = if report.near_kink > 0 {
        format!(" ({} rows with a margin near 0 left out)", report.near_kink)
    } else {
        String::new()
    };
    let _ = writeln!(text, "  kernels in f32 against f64, bound {KERNEL_BOUND:e}{left_out}:");
    for kernel in &report.kernels {
        let _ = writeln!(
            text,
            "  {:<8} {:>4} rows  gradient {:.1e}  loss {:.1e}  {}  {}",
            kernel.kernel,
            kernel.rows,
            kernel.gradient_error,
            kernel.loss_error,
            if kernel.passes() { "ok" } else { "FAILED" },
            kernel.layout
        );
    }
    text.push('\n');
    text
}

fn verdict(worst: &Coordinate, tolerance: f64) -> String {
    let outcome = if worst.passes(tolerance) { "ok" } else { "FAILED" };
    let band =
        if worst.excess == 0.0 { "within the quotient's rounding" } else { Verdict::of(worst.excess).word() };
    format!("{outcome} ({band})")
}

fn place(coordinate: &Coordinate) -> String {
    match coordinate.feature {
        Some(feature) => format!("W[{}, {feature}]", coordinate.class),
        None => format!("b[{}]", coordinate.class),
    }
}
