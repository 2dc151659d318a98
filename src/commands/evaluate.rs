//! `evaluate`: what a saved model is worth.

use super::train::tell_distant;
use super::{Exit, compute, print, print_json};
use crate::cli::{EvaluateArgs, Part};
use crate::config;
use crate::data::{
    self, DataError, Dataset, Distant, Examples, InputRequest, Inputs, Preprocess, SampleWeights, Shape,
    Source,
};
use crate::model::LinearModel;
use crate::report::console::Console;
use crate::report::plot::count;
use crate::report::summary::EvaluationResult;
use crate::run_folder::{CONFIG, MODEL};
use std::path::{Path, PathBuf};

pub fn run(args: &EvaluateArgs) -> anyhow::Result<Exit> {
    let (console, compute) = (Console { quiet: args.quiet }, compute(args.threads));
    let path = model_file(&args.model);
    let model = LinearModel::load(&path)?;
    let data = if args.data.data.is_some() { given_data(args, &model)? } else { own_data(&path, &model)? };
    check_match(&model, &data)?;
    let (part, examples) = match args.on {
        Part::Train => ("train", &data.train),
        Part::Test => ("test", &data.test),
    };
    console.note(format_args!("model: {}", path.display()));
    console.note(format_args!("data: {}, {} {part} {}", data.name, count(examples.len()), data.shape.noun()));

    tell_precision(console, &model, examples);

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

/// Warns where f32 has no digits for what the examples say to the model, as training does.
pub fn tell_precision(console: Console, model: &LinearModel, examples: &Examples) {
    let preprocess = model.about.config.get("preprocess").cloned().map(serde_json::from_value);
    if let Some(Ok(Preprocess::Standardize)) = preprocess {
        tell_distant(console, Distant::in_sample(examples));
    }
}

/// The data that was named: a data set, or examples that are all for testing.
fn given_data(args: &EvaluateArgs, model: &LinearModel) -> Result<Dataset, DataError> {
    let about = &model.about;
    let request = data::Request { model: Some(about.shape), ..args.data.request(label_of(model)) };
    match data::load(&request) {
        Err(DataError::NoTest { path }) if args.on == Part::Test => {
            let Inputs { examples, labelled } = data::read_inputs(InputRequest {
                path: &path,
                format: args.data.format,
                label_column: args.data.columns.label_column.as_deref(),
                weight_column: args.data.columns.weight_column.as_deref(),
                shape: about.shape,
                class_names: &about.class_names,
                feature_names: about.feature_names.as_deref(),
                label: None,
            })?;
            if !labelled {
                return Err(DataError::Unlabelled { path });
            }
            Ok(Dataset {
                name: path.display().to_string(),
                source: Source::Path(path),
                shape: about.shape,
                class_names: about.class_names.clone(),
                feature_names: about.feature_names.clone(),
                train: Examples {
                    features: examples.features.none(),
                    labels: Vec::new(),
                    width: examples.width,
                },
                test: examples,
                weights: SampleWeights::default(),
                notes: Vec::new(),
            })
        }
        loaded => loaded,
    }
}

/// The data that the run beside the model file was trained on; without a run, the default data.
pub fn own_data(model_file: &Path, model: &LinearModel) -> anyhow::Result<Dataset> {
    let config = model_file.with_file_name(CONFIG);
    if !config.is_file() {
        return Ok(data::load(&data::Request { label: label_of(model), ..data::Request::default() })?);
    }
    let config = config::resolve(&config::Settings::default(), &[], Some(&config))?;
    Ok(data::load(&config.settings.data_request())?)
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
        let (names, expected) = (data.feature_names.as_deref(), about.feature_names.as_deref());
        let path = match &data.source {
            Source::Path(path) => path.clone(),
            Source::BuiltIn => data.name.clone().into(),
        };
        return data::check_names(names, expected, "the model", |at| format!("feature {at}"))
            .map_err(|flaw| DataError::Content { path, flaw });
    }
    Err(DataError::Mismatch {
        name: data.name.clone(),
        found: describe(&data.class_names, data.shape),
        expected: describe(&about.class_names, about.shape),
    })
}
