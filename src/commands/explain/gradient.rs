//! `explain gradient`: the numerical gradient, and how good it is.

use super::loss::numbers;
use super::{InputError, file};
use crate::cli::GradientArgs;
use crate::commands::{Exit, print, print_json};
use crate::config::all_cores;
use crate::data::{self, Preprocessing};
use crate::gradcheck::{Check, study};
use crate::objective::{Objective, Penalty};
use crate::report::console::Console;
use crate::report::plot::count;
use crate::report::quotients::{of_losses, render, to_text};
use serde_json::json;

/// h from 1e-1 to 1e-12, two a power of ten.
fn steps() -> Vec<f64> {
    // As one writes them: 10^-4 is not 1e-4 to the last bit.
    let written = |exponent: i32, digits: &str| format!("{digits}e-{exponent}").parse().unwrap_or(f64::NAN);
    let pair = |exponent| [written(exponent, "1"), written(exponent + 1, "3.1622776601683795")];
    (1..=12).flat_map(pair).take(23).collect()
}

const LOSSES: &str = "as on the slide: --losses 1.25347,1.25322,1.25353,1.25347 --h 1e-4";

pub fn run(args: &GradientArgs) -> anyhow::Result<Exit> {
    if let Some(losses) = &args.losses {
        let losses = numbers("--losses", losses, LOSSES)?;
        let [loss, above @ ..] = losses.as_slice() else { return Ok(Exit::Done) };
        if above.is_empty() {
            return Err(InputError::new("--losses: found 1 loss, expected at least 2", LOSSES).into());
        }
        let quotients: Vec<f64> = above.iter().map(|above| (above - loss) / args.h).collect();
        if args.picture.json {
            print_json(&json!({"loss": loss, "h": args.h, "losses": above, "quotients": quotients}))?;
        } else {
            print(&of_losses(*loss, above, args.h))?;
        }
        return Ok(Exit::Done);
    }
    let loss = args.loss.with_margin(args.margin)?;
    let console = Console { quiet: args.quiet };
    let threads = args.threads.unwrap_or_else(all_cores);
    data::limit_readers(threads);
    let data =
        data::load(&data::Request { data: args.data.clone(), no_test: true, ..data::Request::default() })?;
    let preprocessing = Preprocessing::fit(args.preprocess, &data.train, &data.train.all());
    let rows = args.rows.get().min(data.train.len());
    console.note(format_args!("data: {}, {rows} of {} training rows", data.name, count(data.train.len())));
    let objective = Objective { loss, penalty: Penalty { l2: args.reg, l1: 0.0 } };
    let check = Check {
        examples: &data.train,
        preprocessing: &preprocessing,
        classes: data.classes(),
        objective,
        example_weights: None,
        rows,
        sample: None,
        h: args.h,
        tolerance: 0.0,
        seed: args.seed,
        threads,
    };
    let study = study(&check, args.coordinates.get(), &steps());
    let svg = args
        .picture
        .svg
        .as_deref()
        .map(|path| (path, render("Error of the numerical gradient, by h", &study)));
    file::write(svg.as_slice(), args.picture.force)?;
    if args.picture.json {
        print_json(
            &json!({"data": data.name, "rows": rows, "objective": objective.to_string(), "study": study}),
        )?;
    } else {
        print(&to_text(&objective, &study))?;
    }
    Ok(Exit::Done)
}
