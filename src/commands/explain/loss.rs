//! `explain loss`: scores and a label in, both losses worked out.

use super::InputError;
use crate::cli::LossArgs;
use crate::commands::evaluate::{check_match, model_file, own_data};
use crate::commands::{Exit, compute, evaluate, print, print_json};
use crate::data;
use crate::model::LinearModel;
use crate::objective::{Loss, Worked, argmax};
use crate::report::console::Console;
use crate::report::losses::{Product, means, slide, to_text};
use crate::report::plot::measured;
use crate::report::printable::one_line;
use serde_json::{Value, json};
use std::fmt::Write;

const SCORES: &str = "as in `explain loss --scores 3.2,5.1,-1.7 --label 0 --names cat,car,frog`";
const MATRIX: &str = "as in `explain loss --weights \"1 2; 3 4\" --x \"5 6\" --b \"0 1\" --label 0`";

/// Pictures to work out.
struct Given {
    /// Scores, label, heading.
    pictures: Vec<(Vec<f64>, usize, String)>,
    names: Vec<String>,
    margin: f64,
    product: Option<Product>,
}

pub fn run(args: &LossArgs) -> anyhow::Result<Exit> {
    let given = match &args.model {
        Some(path) => of_model(path, args)?,
        None => typed(args)?,
    };
    let all: Vec<Worked> =
        given.pictures.iter().map(|(scores, label, _)| Worked::new(scores, *label, given.margin)).collect();
    if args.json {
        print_json(&to_json(&given, &all))?;
        return Ok(Exit::Done);
    }
    let names: Vec<String> = given.names.iter().map(|name| one_line(name).into_owned()).collect();
    let mut text = given.product.as_ref().map_or_else(String::new, |product| product.to_text(&names));
    for ((.., heading), worked) in given.pictures.iter().zip(&all) {
        text.push_str(&to_text(&one_line(heading), worked, &names, given.margin));
        text.push_str(&slide(worked).unwrap_or_default());
        text.push('\n');
    }
    if all.len() > 1 {
        text.push_str(&means(&all));
        text.push('\n');
    }
    let classes = given.names.len();
    let svm = Loss::Svm { margin: given.margin }.at_zero_scores(classes);
    // Writing to a String cannot fail.
    let _ = writeln!(
        text,
        "with all {classes} scores near 0: SVM (K - 1) * margin = {}, softmax ln K = {}",
        crate::report::graph::number(svm),
        measured(Loss::Softmax.at_zero_scores(classes), 4)
    );
    print(&text)?;
    Ok(Exit::Done)
}

fn to_json(given: &Given, all: &[Worked]) -> Value {
    let picture = |worked: &Worked| {
        let classes: Vec<Value> = worked
            .terms
            .iter()
            .zip(&given.names)
            .map(|(term, name)| {
                json!({"class": name, "score": term.score, "hinge": term.hinge,
                       "exp": term.score.exp(), "probability": term.probability})
            })
            .collect();
        json!({"label": given.names[worked.label], "classes": classes, "svm": worked.hinge,
               "softmax": worked.cross_entropy, "softmax_log10": worked.cross_entropy / std::f64::consts::LN_10})
    };
    let mean = |of: fn(&Worked) -> f64| all.iter().map(of).sum::<f64>() / all.len() as f64;
    json!({
        "margin": given.margin,
        "pictures": all.iter().map(picture).collect::<Vec<_>>(),
        "mean_svm": mean(|worked| worked.hinge),
        "mean_softmax": mean(|worked| worked.cross_entropy),
    })
}

/// Scores, or W, x and b, from the command line.
fn typed(args: &LossArgs) -> Result<Given, InputError> {
    let product = args.weights.as_deref().map(|weights| product(weights, args)).transpose()?;
    let scores = match &product {
        Some(product) => vec![product.scores()],
        None => args.scores.iter().map(|text| numbers("--scores", text, SCORES)).collect::<Result<_, _>>()?,
    };
    let classes = scores[0].len();
    if let Some(row) = scores.iter().find(|row| row.len() != classes || row.len() < 2) {
        let expected = if classes < 2 { "2 or more".into() } else { classes.to_string() };
        let what = format!("--scores: found {} score(s) of a picture, expected {expected}", row.len());
        return Err(InputError::new(what, SCORES));
    }
    let names: Vec<String> = match &args.names {
        Some(names) => names.split(',').map(|name| name.trim().to_owned()).collect(),
        None => (0..classes).map(|class| format!("class {class}")).collect(),
    };
    if names.len() != classes {
        let what = format!("--names: found {} name(s), expected {classes}, one a score", names.len());
        return Err(InputError::new(what, SCORES));
    }
    if args.label.len() != scores.len() {
        let what =
            format!("--label: found {} label(s), expected {}, one a picture", args.label.len(), scores.len());
        return Err(InputError::new(what, SCORES));
    }
    let labels = args.label.iter().map(|text| label(text, &names)).collect::<Result<Vec<_>, _>>()?;
    let several = scores.len() > 1;
    let heading = |(at, (scores, label)): (usize, (Vec<f64>, usize))| {
        let picture = if several {
            format!("picture {}, label {}", at + 1, names[label])
        } else {
            format!("label {}", names[label])
        };
        (scores, label, picture)
    };
    let pictures = scores.into_iter().zip(labels).enumerate().map(heading).collect();
    Ok(Given { pictures, names, margin: args.margin.unwrap_or(1.0), product })
}

fn label(text: &str, names: &[String]) -> Result<usize, InputError> {
    let by_name = names.iter().position(|name| name == text);
    let by_number = text.parse().ok().filter(|label: &usize| *label < names.len());
    by_name.or(by_number).ok_or_else(|| {
        let known =
            if names[0] == "class 0" { String::new() } else { format!(", or one of {}", names.join(", ")) };
        InputError::new(format!("--label: found {text}, expected 0 to {}{known}", names.len() - 1), SCORES)
    })
}

fn product(weights: &str, args: &LossArgs) -> Result<Product, InputError> {
    let weight: Vec<Vec<f64>> =
        weights.split(';').map(|row| numbers("--weights", row, MATRIX)).collect::<Result<_, _>>()?;
    let x = numbers("--x", args.x.as_deref().unwrap_or_default(), MATRIX)?;
    if let Some((at, row)) = weight.iter().enumerate().find(|(_, row)| row.len() != x.len()) {
        let what = format!(
            "--weights: found {} number(s) in row {}, expected {}, as in x",
            row.len(),
            at + 1,
            x.len()
        );
        return Err(InputError::new(what, MATRIX));
    }
    let bias = match &args.b {
        Some(text) => numbers("--b", text, MATRIX)?,
        None => vec![0.0; weight.len()],
    };
    if bias.len() != weight.len() {
        let what = format!("--b: found {} number(s), expected {}, one a row of W", bias.len(), weight.len());
        return Err(InputError::new(what, MATRIX));
    }
    Ok(Product { weight, x, bias })
}

/// Finite numbers, apart by commas or spaces.
pub(super) fn numbers(flag: &str, text: &str, hint: &'static str) -> Result<Vec<f64>, InputError> {
    let parts: Vec<&str> = text.split([',', ' ']).map(str::trim).filter(|part| !part.is_empty()).collect();
    if parts.is_empty() {
        return Err(InputError::new(format!("{flag}: found nothing, expected numbers"), hint));
    }
    let number = |part: &&str| {
        let wrong = || InputError::new(format!("{flag}: found {part:?}, expected a finite number"), hint);
        part.parse::<f64>().ok().filter(|value| value.is_finite()).ok_or_else(wrong)
    };
    parts.iter().map(number).collect()
}

/// The scores that a model gives to a test image.
fn of_model(path: &std::path::Path, args: &LossArgs) -> anyhow::Result<Given> {
    let console = Console { quiet: args.quiet };
    let path = model_file(path);
    let model = LinearModel::load(&path)?;
    let data = match &args.data {
        Some(path) => data::load(&data::Request {
            data: Some(path.clone()),
            label: evaluate::label_of(&model),
            model: Some(model.about.shape),
            ..data::Request::default()
        })?,
        None => own_data(&path, &model)?,
    };
    check_match(&model, &data)?;
    if args.image >= data.test.len() {
        let what = format!(
            "--image: found {}, expected 0 to {} (test images of {})",
            args.image,
            data.test.len() - 1,
            data.name
        );
        return Err(InputError::new(what, "images are counted from 0").into());
    }
    console.note(format_args!("model: {}", path.display()));
    console.note(format_args!("data: {}, test image {}", data.name, args.image));
    let row = [args.image as u32];
    let scores = model.map_scores(&data.test, &row, &compute(None), |scores, _| scores.to_vec());
    let scores: Vec<f64> = scores.concat().into_iter().map(f64::from).collect();
    let names = model.about.class_names.clone();
    let label = usize::from(data.test.labels[args.image]);
    let heading =
        format!("test image {}, label {}, predicted {}", args.image, names[label], names[argmax(&scores)]);
    let margin = match (args.margin, model.about.loss()) {
        (Some(margin), _) | (None, Loss::Svm { margin }) => margin,
        (None, Loss::Softmax) => 1.0,
    };
    Ok(Given { pictures: vec![(scores, label, heading)], names, margin, product: None })
}
