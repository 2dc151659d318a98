//! What a model is to predict: examples of any format, with labels or without.

use super::formats::arrays::{self, Layout};
use super::formats::flaw::Flaw;
use super::formats::input::Input;
use super::formats::table::{Contents, Parts, Table};
use super::formats::{Format, cifar, csv, parquet, pictures, svmlight, tar};
use super::load::{self, Found, Request, csv_table, svmlight_rows};
use super::{DataError, Examples, Label, Shape, check_names};
use std::path::Path;

/// Examples to predict, which may have labels.
pub struct Inputs {
    /// The examples; without labels, those of `examples` mean nothing.
    pub examples: Examples,
    /// Whether they have labels.
    pub labelled: bool,
}

/// Where the examples are, and the model they are for.
#[derive(Clone, Copy, Debug)]
pub struct InputRequest<'a> {
    /// A file or a folder.
    pub path: &'a Path,
    /// Its format, if it is not to be recognised.
    pub format: Option<Format>,
    /// Which column of a CSV or Parquet file holds the labels.
    pub label_column: Option<&'a str>,
    /// Which column of a CSV or Parquet file holds weights, which are not looked at.
    pub weight_column: Option<&'a str>,
    /// What the model's examples are.
    pub shape: Shape,
    /// The model's classes.
    pub class_names: &'a [String],
    /// The names of its features, if it knows them.
    pub feature_names: Option<&'a [String]>,
    /// Which of CIFAR-100's labels the model predicts.
    pub label: Option<Label>,
}

/// Reads examples to predict: the test examples where a file or a folder has both kinds, else all. Labels are found by
/// name among the model's classes.
///
/// # Errors
/// [`DataError`] when they cannot be read, are not what the model takes, or have labels it does not know.
pub fn read_inputs(request: InputRequest<'_>) -> Result<Inputs, DataError> {
    let InputRequest { path, format, shape, class_names, label, .. } = request;
    let meta = std::fs::metadata(path).map_err(|error| DataError::Unreadable { path: path.into(), error })?;
    let of_cifar = || {
        if shape.features() != cifar::SHAPE.features() {
            return Err(mismatch(path, &format!("CIFAR's layout, of {}", cifar::SHAPE), shape));
        }
        let (examples, labelled) = cifar::read_inputs(path, class_names.len(), label)?;
        Ok(Inputs { examples, labelled })
    };
    if meta.is_dir() {
        if format.is_none_or(|format| format == Format::Pictures) && is_picture_folder(path) {
            return from_table(pictures_for(request)?, request);
        }
        let found = Found::in_folder(path, format)?;
        return if found.format == Format::Cifar { of_cifar() } else { from_contents(found, request) };
    }
    if !meta.is_file() {
        return of_cifar();
    }
    let input = Input::open(path)?;
    let found = format.or_else(|| Format::of(&input.head).filter(|_| !is_records(&input, request)));
    let of_table = matches!(found, Some(Format::Csv | Format::Parquet));
    let columns = [
        ("label-column", request.label_column, of_table),
        ("weight-column", request.weight_column, of_table),
    ];
    let given = columns.iter().find(|(_, column, has_it)| column.is_some() && !has_it);
    if let Some(&(key, _, _)) = given {
        let reason = format!("it is {}", found.map_or("no table", Format::name));
        return Err(DataError::WithoutEffect { key, name: path.display().to_string(), reason });
    }
    match found {
        None => of_cifar(),
        Some(Format::Cifar) if !tar::is_tar(&input.head) => of_cifar(),
        Some(Format::Cifar) => {
            let data = cifar::archive::load(&input, label)?;
            if data.class_names != class_names {
                return Err(mismatch(path, &data.class_names.join(", "), shape));
            }
            Ok(Inputs { examples: data.test, labelled: true })
        }
        Some(Format::Pictures) => from_table(pictures_for(request)?, request),
        Some(layout @ (Format::Npy | Format::Idx)) => {
            if arrays::names_labels(path) {
                let flaw = Flaw::whole("an array of labels by its name", "one of features");
                return Err(input.error(flaw.hint("give the file of the features")));
            }
            let layout = if layout == Format::Npy { Layout::Npy } else { Layout::Idx };
            from_table(arrays::load_unlabelled(&input, layout)?, request)
        }
        Some(Format::Csv) => {
            let (label, weight) = (request.label_column, request.weight_column);
            let wanted = csv::Request { label, weight, width: shape.features() };
            let (table, columns) = csv_table(&input, wanted)?;
            let names = columns.feature_names();
            check_features(names.as_deref(), request, |at| columns.place_of_name(at))?;
            from_table(table, request)
        }
        Some(Format::Svmlight) => {
            let tables = svmlight::finish([svmlight_rows(&input)?], shape.features());
            let [table] = tables.map_err(|flaw| input.error(flaw))?;
            from_table(table, request)
        }
        Some(Format::Parquet) => {
            let (size, channels) = match shape {
                Shape::Image { channels, height, width } => (Some([width, height]), Some(channels)),
                Shape::Vector(_) => (None, None),
            };
            let unlabelled = Some(shape.features().unwrap_or_default());
            let (label, weight) = (request.label_column, request.weight_column);
            let wanted = parquet::Request { label, weight, size, channels, unlabelled };
            let parquet::Loaded { table, feature_names, .. } = parquet::load(&[input], wanted)?;
            check_features(feature_names.as_deref(), request, feature)?;
            from_table(table, request)
        }
        Some(Format::Npz) => from_table(test_of(arrays::of_npz(&input, None)?.load()?), request),
        Some(Format::Safetensors) => {
            from_table(test_of(arrays::of_safetensors(&input, None)?.load()?), request)
        }
    }
}

/// Whether a file of some bytes is rather one of CIFAR's records: they may begin like anything.
fn is_records(input: &Input, request: InputRequest<'_>) -> bool {
    let width = cifar::SHAPE.features().unwrap_or_default() as u64;
    let label_bytes = if request.label.is_some() { 2 } else { 1 };
    let known = |magic: &[u8]| input.head.starts_with(magic);
    !input.gzip
        && request.shape == cifar::SHAPE
        && (input.length.is_multiple_of(width + label_bytes) || input.length.is_multiple_of(width))
        && !(known(b"\x93NUMPY") || known(b"PK\x03\x04") || known(b"\x89PNG") || known(b"\xff\xd8\xff"))
}

/// Whether a folder holds pictures, in folders of classes or not.
fn is_picture_folder(path: &Path) -> bool {
    let picture = |path: &std::path::PathBuf| {
        Input::open(path).is_ok_and(|input| Format::of(&input.head) == Some(Format::Pictures))
    };
    pictures::is_here(path) || load::files_of(path).unwrap_or_default().iter().any(picture)
}

fn pictures_for(request: InputRequest<'_>) -> Result<Table, DataError> {
    let Shape::Image { channels, height, width } = request.shape else {
        return Err(mismatch(request.path, "pictures", request.shape));
    };
    pictures::load_inputs(request.path, [width, height], channels)
}

fn from_contents(found: Found, request: InputRequest<'_>) -> Result<Inputs, DataError> {
    let settings = Request {
        label_column: request.label_column.map(Into::into),
        weight_column: request.weight_column.map(Into::into),
        ..Request::default()
    };
    let contents = found.read(request.path, &settings)?;
    check_features(contents.feature_names.as_deref(), request, feature)?;
    from_table(test_of(contents), request)
}

/// Makes sure that features are called as the model's.
fn check_features(
    names: Option<&[String]>,
    request: InputRequest<'_>,
    place: impl Fn(usize) -> String,
) -> Result<(), DataError> {
    check_names(names, request.feature_names, "the model", place)
        .map_err(|flaw| DataError::Content { path: request.path.into(), flaw })
}

/// Where a feature is that has no better place.
fn feature(at: usize) -> String {
    format!("feature {at}")
}

fn test_of(contents: Contents) -> Table {
    match contents.parts {
        Parts::Both { test, .. } | Parts::One(test) => test,
    }
}

fn mismatch(path: &Path, found: &str, shape: Shape) -> DataError {
    DataError::Mismatch {
        name: path.display().to_string(),
        found: found.into(),
        expected: format!("{} of {shape}", shape.noun()),
    }
}

/// The table as examples for the model.
fn from_table(table: Table, request: InputRequest<'_>) -> Result<Inputs, DataError> {
    let (own, of_model) = (table.shape, request.shape);
    let both_images = matches!((own, of_model), (Shape::Image { .. }, Shape::Image { .. }));
    if own.features() != of_model.features() || (both_images && own != of_model) {
        return Err(mismatch(request.path, &format!("{} of {own}", own.noun()), of_model));
    }
    let labels = match &table.labels {
        Some(labels) => labels
            .assign(request.class_names)
            .map_err(|flaw| DataError::Content { path: request.path.into(), flaw })?,
        None => vec![0; table.rows()],
    };
    let labelled = table.labels.is_some();
    let width = of_model.features().unwrap_or_default();
    Ok(Inputs { examples: Examples { features: table.features, labels, width }, labelled })
}
