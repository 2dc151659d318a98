//! Which files of Parquet train and which test.

use super::assemble::is_image;
use super::find::file_name;
use super::{Request, without_effect};
use crate::data::formats::input::Input;
use crate::data::formats::table::{Contents, Parts};
use crate::data::formats::{names, parquet};
use crate::data::{DataError, Shape, check_names};
use std::path::PathBuf;

/// Reads the files of a folder, which may be shards: `train-00000-of-00002.parquet` and so on.
///
/// # Errors
/// As [`files`].
pub fn folder(paths: &[PathBuf], request: &Request) -> Result<Contents, DataError> {
    let part = |path: &PathBuf| {
        let name = file_name(path).to_lowercase();
        names::part_of(&name.split(|c: char| !c.is_alphanumeric()).collect::<Vec<_>>())
    };
    let of =
        |wanted: names::Part| -> Vec<&PathBuf> { paths.iter().filter(|path| part(path) == wanted).collect() };
    let open = |paths: &[&PathBuf]| paths.iter().map(|path| Input::open(path)).collect::<Result<Vec<_>, _>>();
    let (train, test) = match (of(names::Part::Train), of(names::Part::Test)) {
        // Without training examples by name, all are of one kind.
        (train, _) if train.is_empty() => (open(&paths.iter().collect::<Vec<_>>())?, Vec::new()),
        (train, test) => (open(&train)?, open(&test)?),
    };
    let mut contents = files(&train, &test, request)?;
    let is_read = |path: &&PathBuf| train.iter().chain(&test).any(|input| input.path == **path);
    let left_out = paths.iter().filter(|path| !is_read(path));
    contents.notes.extend(left_out.map(|path| format!("{} is left out", file_name(path))));
    Ok(contents)
}

/// Reads files of training examples and, if there are any, of test examples.
///
/// # Errors
/// [`DataError`] when they cannot be read, or `--size` has no effect on them.
pub fn files(train: &[Input], test: &[Input], request: &Request) -> Result<Contents, DataError> {
    let wanted = parquet::Request {
        label: request.label_column.as_deref(),
        weight: request.weight_column.as_deref(),
        size: request.picture_size(),
        ..parquet::Request::default()
    };
    let parquet::Loaded { table, label, weight, class_names, feature_names, mut notes } =
        parquet::load(train, wanted)?;
    if request.size.is_some() && !is_image(table.shape) {
        let name = train[0].path.display().to_string();
        return Err(without_effect("size", &name, "it has no pictures"));
    }
    if test.is_empty() {
        return Ok(Contents { parts: Parts::One(table), class_names, feature_names, notes });
    }
    let channels = match table.shape {
        Shape::Image { channels, .. } => Some(channels),
        Shape::Vector(_) => None,
    };
    let (label, weight) = (label.as_deref(), weight.as_deref());
    let other = parquet::load(test, parquet::Request { label, weight, channels, ..wanted })?;
    let (names, whose) = (other.feature_names.as_deref(), train[0].path.display().to_string());
    check_names(names, feature_names.as_deref(), &whose, |at| format!("feature {at}"))
        .map_err(|flaw| test[0].error(flaw))?;
    notes.extend(other.notes.into_iter().filter(|note| !notes.contains(note)).collect::<Vec<_>>());
    let parts = Parts::Both { train: table, test: other.table };
    Ok(Contents { parts, class_names, feature_names, notes })
}
