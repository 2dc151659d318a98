//! From tables to a data set: which rows test, what an example is, and which classes there are.

use super::{Request, without_effect};
use crate::data::formats::flaw::Flaw;
use crate::data::formats::labels::Labels;
use crate::data::formats::table::{Contents, FeatureRows, Parts, Table, take_rows};
use crate::data::{DataError, Dataset, Examples, Holdout, Planes, SampleWeights, Shape, Source, split};
use std::path::Path;

/// Makes a data set of what was read.
pub fn assemble<F: FeatureRows>(
    contents: Contents<F>,
    path: &Path,
    request: &Request,
) -> Result<Dataset<Examples<F>>, DataError> {
    let flaw = |flaw| DataError::Content { path: path.into(), flaw };
    let test_path = request.test.as_deref().unwrap_or(path);
    let test_flaw = |flaw| DataError::Content { path: test_path.into(), flaw };
    let name = path.display().to_string();
    let (train, test) = match (contents.parts, request.test_split) {
        (Parts::Both { .. }, Some(_)) => {
            return Err(without_effect("test-split", &name, "it has test examples of its own"));
        }
        (Parts::Both { .. }, None) if request.test.is_some() && path.is_dir() => {
            return Err(without_effect("test", &name, "it has test examples of its own"));
        }
        (Parts::Both { train, test }, None) => (train, test),
        (Parts::One(_), _) if request.test.is_some() => {
            return Err(without_effect(
                "test",
                &name,
                "it is a folder: name its files train and test instead",
            ));
        }
        (Parts::One(table), Some(holdout)) => divide(table, holdout)?,
        (Parts::One(table), None) if request.no_test => {
            let Table { features, shape, labels, weights } = table;
            let (all, none) = features.divide(shape.features().unwrap_or_default(), &[]);
            let no_weights = weights.is_some().then(Vec::new);
            let test = Table { features: none, shape, labels: Some(Labels::default()), weights: no_weights };
            (Table { features: all, shape, labels, weights }, test)
        }
        (Parts::One(_), None) => return Err(DataError::NoTest { path: path.into() }),
    };
    let (train, test) = alike(train, test).map_err(test_flaw)?;
    let shape = match request.model {
        Some(shape) if !is_image(train.shape) && shape.features() == train.shape.features() => shape,
        _ => reshape(train.shape, request.shape, &name)?,
    };
    let unlabelled = || flaw(Flaw::whole("examples without labels", "a label for each"));
    let (train_labels, test_labels) =
        (train.labels.ok_or_else(unlabelled)?, test.labels.ok_or_else(unlabelled)?);
    let class_names = contents.class_names.unwrap_or_else(|| train_labels.classes());
    if !(2..=1 << 16).contains(&class_names.len()) {
        let found = format!(
            "{} class(es): {}",
            class_names.len(),
            class_names.iter().take(3).cloned().collect::<Vec<_>>().join(", ")
        );
        return Err(flaw(
            Flaw::whole(found, "labels of at least two classes").hint("are they the right labels?"),
        ));
    }
    let width = shape.features().unwrap_or_default();
    let weights = SampleWeights { train: train.weights, test: test.weights };
    let labels = train_labels.assign(&class_names).map_err(|f| flaw(f.within("training labels")))?;
    let train = Examples { features: train.features, labels, width };
    let labels = test_labels.assign(&class_names).map_err(|f| test_flaw(f.within("test labels")))?;
    let test = Examples { features: test.features, labels, width };
    let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let name = if name.is_empty() { path.display().to_string() } else { name };
    Ok(Dataset {
        name,
        source: Source::Path(path.into()),
        shape,
        class_names,
        feature_names: contents.feature_names,
        train,
        test,
        weights,
        notes: contents.notes,
    })
}

/// Both parts with one shape, and both of bytes or both of floats.
fn alike<F: FeatureRows>(train: Table<F>, test: Table<F>) -> Result<(Table<F>, Table<F>), Flaw> {
    if train.shape.features() != test.shape.features()
        || (is_image(train.shape) && is_image(test.shape) && train.shape != test.shape)
    {
        let found = format!("test {} of {}", test.shape.noun(), test.shape);
        return Err(Flaw::whole(found, format!("{} as in training", train.shape))
            .hint("are they files of the same data set?"));
    }
    if train.features.are_bytes() == test.features.are_bytes() {
        return Ok((train, test));
    }
    let floats = |table: Table<F>| Table { features: table.features.into_floats(), ..table };
    Ok((floats(train), floats(test)))
}

pub fn is_image(shape: Shape) -> bool {
    matches!(shape, Shape::Image { .. })
}

/// The shape that is asked for, if it fits.
fn reshape(shape: Shape, wanted: Option<Planes>, name: &str) -> Result<Shape, DataError> {
    let Some(planes) = wanted else { return Ok(shape) };
    let Planes { channels, height, width } = planes;
    let image = Shape::Image { channels, height, width };
    match shape {
        Shape::Vector(features) if image.features() == Some(features) => Ok(image),
        Shape::Vector(features) => {
            let found = format!("{planes}, {} features", image.features().unwrap_or(usize::MAX));
            let flaw = Flaw::new("--shape", found, format!("{features} features as the rows have"))
                .hint("channels, height and width have that product");
            Err(DataError::Content { path: name.into(), flaw })
        }
        Shape::Image { .. } => {
            Err(without_effect("shape", name, &format!("its pictures are {shape} already")))
        }
    }
}

/// Takes the rows that test out of a table. They do not depend on a run's seed: a test set is one set of rows, whatever
/// is tried.
fn divide<F: FeatureRows>(table: Table<F>, holdout: Holdout) -> Result<(Table<F>, Table<F>), DataError> {
    let rows = split::test_rows(table.rows(), holdout)?;
    let width = table.shape.features().unwrap_or_default();
    let (train, test) = table.features.divide(width, &rows);
    let (mut train_labels, mut test_labels) = (table.labels.clone(), table.labels);
    if let (Some(train), Some(test)) = (&mut train_labels, &mut test_labels) {
        (train.of, test.of) = take_rows(std::mem::take(&mut train.of), 1, &rows);
        train.forget_unused();
        test.forget_unused();
    }
    let (train_weights, test_weights) = table.weights.map(|weights| take_rows(weights, 1, &rows)).unzip();
    let part = |features, labels, weights| Table { features, shape: table.shape, labels, weights };
    Ok((part(train, train_labels, train_weights), part(test, test_labels, test_weights)))
}
