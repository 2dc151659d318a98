//! `predict`: a saved model's answers for a data file.

use super::evaluate::{label_of, model_file, tell_precision};
use super::{Exit, OutputError, compute};
use crate::cli::{Output, PredictArgs};
use crate::data::{self, InputRequest, Inputs};
use crate::model::LinearModel;
use crate::report::console::Console;
use crate::report::plot::count;
use serde_json::{Map, Value, json};
use std::io::{self, BufWriter, Write};

pub fn run(args: &PredictArgs) -> anyhow::Result<Exit> {
    let (console, compute) = (Console { quiet: args.quiet }, compute(args.threads));
    let model = LinearModel::load(&model_file(&args.model))?;
    let about = &model.about;
    let Inputs { examples, labelled } = data::read_inputs(InputRequest {
        path: &args.input,
        format: args.format,
        label_column: args.columns.label_column.as_deref(),
        weight_column: args.columns.weight_column.as_deref(),
        shape: about.shape,
        class_names: &about.class_names,
        feature_names: about.feature_names.as_deref(),
        label: label_of(&model),
    })?;
    let kind = if labelled { "labelled" } else { "unlabelled" };
    console.note(format_args!(
        "{}: {} {kind} {}",
        args.input.display(),
        count(examples.len()),
        about.shape.noun()
    ));
    tell_precision(console, &model, &examples);

    let classes = model.classes();
    let blocks = model.map_scores(&examples, &examples.all(), &compute, |scores, _| scores.to_vec());
    let predictions = blocks.iter().flat_map(|block| block.chunks_exact(classes));
    let label =
        |index: usize| labelled.then(|| about.class_names[usize::from(examples.labels[index])].as_str());
    let rows = predictions.enumerate().map(|(index, scores)| Row::new(index, label(index), scores, &model));
    match args.output {
        Output::Csv => write_csv(&model, labelled, rows)?,
        Output::Jsonl => write_json_lines(&model, rows)?,
    }
    Ok(Exit::Done)
}

/// One example's answer.
struct Row<'a> {
    index: usize,
    label: Option<&'a str>,
    predicted: &'a str,
    /// Probabilities (softmax), or each class's margin: its score less the highest of the others (SVM).
    values: Vec<f64>,
}

impl<'a> Row<'a> {
    fn new(index: usize, label: Option<&'a str>, scores: &[f32], model: &'a LinearModel) -> Self {
        let mut values: Vec<f64> = scores.iter().map(|&score| score.into()).collect();
        let best = model.about.loss().answers(&mut values);
        Self { index, label, predicted: &model.about.class_names[best], values }
    }
}

fn write_csv<'a>(
    model: &LinearModel,
    labelled: bool,
    rows: impl Iterator<Item = Row<'a>>,
) -> Result<(), OutputError> {
    let mut writer = csv::Writer::from_writer(BufWriter::new(io::stdout().lock()));
    let mut header = vec!["index".to_owned()];
    header.extend(labelled.then(|| "label".to_owned()));
    header.push("predicted".into());
    let answer = model.about.loss().answer_name();
    header.extend(model.about.class_names.iter().map(|name| format!("{answer} {name}")));
    writer.write_record(&header)?;
    for row in rows {
        let mut record = vec![row.index.to_string()];
        record.extend(row.label.map(Into::into));
        record.push(row.predicted.into());
        record.extend(row.values.iter().map(|value| format!("{value:.6}")));
        writer.write_record(&record)?;
    }
    Ok(writer.flush()?)
}

fn write_json_lines<'a>(model: &LinearModel, rows: impl Iterator<Item = Row<'a>>) -> Result<(), OutputError> {
    let mut out = BufWriter::new(io::stdout().lock());
    // "probabilities" or "margins", by class name.
    let answer = model.about.loss().answer_name();
    let plural = answer.strip_suffix('y').map_or_else(|| format!("{answer}s"), |stem| format!("{stem}ies"));
    for row in rows {
        let values: Map<String, Value> = model
            .about
            .class_names
            .iter()
            .cloned()
            .zip(row.values.iter().map(|&value| json!(value)))
            .collect();
        let mut object = json!({"index": row.index, "predicted": row.predicted, plural.as_str(): values});
        if let Some(label) = row.label {
            object["label"] = json!(label);
        }
        writeln!(out, "{object}")?;
    }
    Ok(out.flush()?)
}
