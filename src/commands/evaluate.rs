//! `evaluate`: what a saved model is worth.

use super::{Exit, compute, print, print_json};
use crate::cli::{EvaluateArgs, Part};
use crate::config;
use crate::data::{self, DataError, Dataset, Shape};
use crate::model::LinearModel;
use crate::report::console::Console;
use crate::report::plot::count;
use crate::report::summary::EvaluationResult;
use crate::run_folder::{CONFIG, MODEL};
use std::path::{Path, PathBuf};

pub fn run(args: &EvaluateArgs) -> anyhow::Result<Exit> {
    let console = Console { quiet: args.quiet };
    let path = model_file(&args.model);
    let model = LinearModel::load(&path)?;
    let data = match &args.data {
        Some(path) => data::load(Some(path), label_of(&model))?,
        None => own_data(&path, &model)?,
    };
    check_match(&model, &data)?;
    let (part, examples) = match args.on {
        Part::Train => ("train", &data.train),
        Part::Test => ("test", &data.test),
    };
    console.note(format_args!("model: {}", path.display()));
    console.note(format_args!("data: {}, {} {part} {}", data.name, count(examples.len()), data.shape.noun()));

    let compute = compute(args.threads);
    let (evaluation, loss) = model.evaluate(examples, &examples.all(), &compute);
    let result = EvaluationResult {
        model: path.display().to_string(),
        data: data.name.clone(),
        data_digest: data.digest(),
        part,
        loss_name: model.about.loss.clone(),
        loss: loss.mean(),
        ..EvaluationResult::default()
    };
    let result = result.count(&evaluation, &model.about.class_names, args.top.get());
    if args.json {
        print_json(&result)?;
    } else {
        print(&result.to_text())?;
    }
    Ok(Exit::Done)
}

/// The model file of a run folder, or the file itself.
pub fn model_file(path: &Path) -> PathBuf {
    if path.is_dir() { path.join(MODEL) } else { path.to_path_buf() }
}

/// The data that the run beside the model file was trained on; without a run, the default data.
pub fn own_data(model_file: &Path, model: &LinearModel) -> anyhow::Result<Dataset> {
    let config = model_file.with_file_name(CONFIG);
    if !config.is_file() {
        return Ok(data::load(None, label_of(model))?);
    }
    let config = config::resolve(&config::Settings::default(), &[], Some(&config))?;
    Ok(data::load(config.settings.data.as_deref(), config.settings.label)?)
}

/// The label the model was trained on, where its data has several.
pub fn label_of(model: &LinearModel) -> Option<data::Label> {
    serde_json::from_value(model.about.config.get("label")?.clone()).ok()
}

/// Makes sure that the model is for such data.
pub fn check_match(model: &LinearModel, data: &Dataset) -> Result<(), DataError> {
    let about = &model.about;
    let describe = |names: &[String], shape: Shape| {
        format!("{} of {shape} and the classes {}", shape.noun(), names.join(", "))
    };
    if (about.shape, &about.class_names) == (data.shape, &data.class_names) {
        return Ok(());
    }
    Err(DataError::Mismatch {
        name: data.name.clone(),
        found: describe(&data.class_names, data.shape),
        expected: describe(&about.class_names, about.shape),
    })
}
