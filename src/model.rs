//! A trained classifier, s = W x + b on raw features, and its file.
//!
//! The file is safetensors with `weight` (K, D) and `bias` (K) in f32, which load into a PyTorch linear layer as
//! they are: preprocessing is folded in. One metadata entry, [`METADATA_KEY`], holds the rest as JSON (one entry,
//! since the format does not order them and a model's bytes must repeat).

mod mistakes;

pub use mistakes::Mistake;

use crate::data::{Examples, Preprocessing, Shape, Store};
use crate::kernel::Compute;
use crate::metrics::Evaluation;
use crate::objective::{BatchLoss, LinearProblem, Loss, Objective, Penalty, Stored, Targets, Weights};
use ndarray::{Array1, Array2};
use safetensors::tensor::{Dtype, Metadata, SafeTensors, TensorView};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use thiserror::Error;

/// The metadata entry of a model file.
pub const METADATA_KEY: &str = "cifar-train";

/// A linear classifier of raw features.
#[derive(Clone, Debug, PartialEq)]
pub struct LinearModel {
    /// W (K, D), for features as they are in the file, 0 to 255 for images.
    pub weight: Array2<f32>,
    /// b (K).
    pub bias: Array1<f32>,
    /// What else is known of it.
    pub about: About,
}

/// What a model file says beside its numbers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct About {
    /// K names.
    pub class_names: Vec<String>,
    /// D names, where the training data had them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub feature_names: Option<Vec<String>>,
    /// What an example is.
    pub shape: Shape,
    /// "svm" or "softmax": what its scores were trained for.
    pub loss: String,
    /// The SVM's margin.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub margin: Option<f64>,
    /// The settings it was trained with.
    pub config: serde_json::Value,
}

impl About {
    /// The loss the model was trained for.
    pub fn loss(&self) -> Loss {
        match self.margin {
            Some(margin) => Loss::Svm { margin },
            None => Loss::Softmax,
        }
    }

    /// Sets what [`About::loss`] returns.
    pub fn new(class_names: Vec<String>, shape: Shape, loss: Loss, config: serde_json::Value) -> Self {
        let (name, margin) = match loss {
            Loss::Svm { margin } => ("svm", Some(margin)),
            Loss::Softmax => ("softmax", None),
        };
        Self { class_names, feature_names: None, shape, loss: name.into(), margin, config }
    }
}

/// A file that is no model.
#[derive(Debug, Error)]
pub enum ModelError {
    /// The system does not give it.
    #[error("cannot read model {}: {error}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        error: io::Error,
    },
    /// Its content is not a model of this program.
    #[error("{}: found {found}, expected {expected}", path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// What is there.
        found: String,
        /// What a model has.
        expected: String,
    },
}

impl ModelError {
    /// What to do about it.
    pub fn hint(&self) -> String {
        match self {
            Self::Unreadable { .. } => "give a run folder, or its model.safetensors".into(),
            Self::Content { .. } => "the model must be one that cifar-train wrote".into(),
        }
    }

    /// Whether the operating system, not the file, is at fault.
    pub fn is_io(&self) -> bool {
        matches!(self, Self::Unreadable { .. })
    }
}

impl LinearModel {
    /// The model of raw features that equals `weight` and `bias` on preprocessed ones: W scale and
    /// b - (W scale) mean, rounded once from f64.
    pub fn fold(weight: &Array2<f32>, bias: &Array1<f32>, map: &Preprocessing, about: About) -> Self {
        let mut folded = weight.clone();
        let mut shifted = bias.clone();
        for (mut row, bias) in folded.rows_mut().into_iter().zip(&mut shifted) {
            let mut offset = f64::from(*bias);
            for ((w, scale), mean) in row.iter_mut().zip(&map.scale).zip(&map.mean) {
                *w *= scale;
                offset -= f64::from(*w) * f64::from(*mean);
            }
            *bias = offset as f32;
        }
        Self { weight: folded, bias: shifted, about }
    }

    /// K.
    pub fn classes(&self) -> usize {
        self.bias.len()
    }

    /// What `look` makes of the scores (B, K) and labels of each block of `rows`, in the order of the blocks; the
    /// blocks are looked at in parallel.
    pub fn map_scores<R: Send>(
        &self,
        examples: &Examples,
        rows: &[u32],
        compute: &Compute,
        look: impl Fn(&[f32], &[u16]) -> R + Sync + Copy,
    ) -> Vec<R> {
        let mut results = Vec::new();
        let look = |scores: &[f32], targets: &Targets| look(scores, &targets.labels);
        let Ok(()) = self.fold_scores(examples, rows, None, compute, look, |result| results.push(result));
        results
    }

    fn fold_scores<R: Send, S: Store>(
        &self,
        store: &S,
        rows: &[u32],
        example_weights: Option<&[f64]>,
        compute: &Compute,
        look: impl Fn(&[f32], &Targets) -> R + Sync + Copy,
        fold: impl FnMut(R),
    ) -> Result<(), S::Error> {
        let raw = Preprocessing::identity(store.width());
        let objective = Objective { loss: self.about.loss(), penalty: Penalty { l2: 0.0, l1: 0.0 } };
        let problem = LinearProblem {
            examples: store.like(),
            preprocessing: &raw,
            classes: self.classes(),
            objective,
            example_weights,
            compute,
        };
        let weights = Weights::new(&self.weight, &self.bias, &problem);
        Stored { problem, store }.fold_scores(&weights, rows, look, fold)
    }

    /// Counts and the data loss over `rows`.
    pub fn evaluate(&self, examples: &Examples, rows: &[u32], compute: &Compute) -> (Evaluation, BatchLoss) {
        let Ok(evaluated) = self.evaluate_stored(examples, rows, None, compute);
        evaluated
    }

    /// The same of examples wherever they are, which may have weights (N): they multiply their losses.
    ///
    /// # Errors
    /// When rows that are not held cannot be read.
    pub fn evaluate_stored<S: Store>(
        &self,
        store: &S,
        rows: &[u32],
        example_weights: Option<&[f64]>,
        compute: &Compute,
    ) -> Result<(Evaluation, BatchLoss), S::Error> {
        let (loss, classes) = (self.about.loss(), self.classes());
        let look = |scores: &[f32], targets: &Targets| {
            let mut evaluation = Evaluation::new(classes);
            evaluation.add(scores, &targets.labels);
            (evaluation, targets.total(loss, scores, classes))
        };
        let mut whole = (Evaluation::new(classes), BatchLoss::default());
        self.fold_scores(store, rows, example_weights, compute, look, |(evaluation, sum)| {
            whole.0.merge(&evaluation);
            whole.1 += sum;
        })?;
        Ok(whole)
    }

    /// The file's bytes; the same for the same model.
    ///
    /// # Errors
    /// When the format refuses, which no model that can be built should make it do.
    pub fn to_bytes(&self) -> Result<Vec<u8>, safetensors::SafeTensorError> {
        let little_endian = |values: &mut dyn Iterator<Item = &f32>| -> Vec<u8> {
            values.flat_map(|value| value.to_le_bytes()).collect()
        };
        let weight = little_endian(&mut self.weight.iter());
        let bias = little_endian(&mut self.bias.iter());
        let tensors = [
            ("weight", TensorView::new(Dtype::F32, self.weight.shape().to_vec(), &weight)?),
            ("bias", TensorView::new(Dtype::F32, self.bias.shape().to_vec(), &bias)?),
        ];
        let about = serde_json::to_string(&self.about).unwrap_or_default();
        safetensors::serialize(tensors, Some(HashMap::from([(METADATA_KEY.to_owned(), about)])))
    }

    /// Reads a model file.
    ///
    /// # Errors
    /// [`ModelError`] when it cannot be read or is not such a file.
    pub fn load(path: &Path) -> Result<Self, ModelError> {
        let content = |(found, expected): Surprise| ModelError::Content {
            path: path.into(),
            found,
            expected: expected.into(),
        };
        let bytes = read(path).map_err(|error| ModelError::Unreadable { path: path.into(), error })?;
        bytes.and_then(|bytes| Self::from_bytes(&bytes)).map_err(content)
    }

    /// The model in a file's bytes.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Result<Self, Surprise> {
        let broken =
            |error: safetensors::SafeTensorError| (format!("no safetensors ({error})"), "a model file");
        let (_, header) = SafeTensors::read_metadata(bytes).map_err(broken)?;
        let tensors = SafeTensors::deserialize(bytes).map_err(broken)?;
        let about = header.metadata().as_ref().and_then(|metadata| metadata.get(METADATA_KEY));
        let about = about.ok_or((format!("no {METADATA_KEY} metadata"), "a model that cifar-train wrote"))?;
        let about: About = serde_json::from_str(about).map_err(|error| {
            (format!("metadata that do not parse ({error})"), "class names, shape and loss")
        })?;

        let (weight, weight_shape) = floats(&tensors, "weight")?;
        let (bias, _) = floats(&tensors, "bias")?;
        let classes = about.class_names.len();
        let width = about
            .shape
            .features()
            .ok_or(("a shape beyond all numbers".to_owned(), "class names, shape and loss"))?;
        if classes < 2 || weight_shape != [classes, width] || bias.len() != classes {
            let found = format!(
                "weight {weight_shape:?} and bias [{}] for {classes} classes of {width} features",
                bias.len()
            );
            return Err((found, "weight [K, D] and bias [K]"));
        }
        if weight.iter().chain(&bias).any(|value| !value.is_finite()) {
            return Err(("a weight that is not finite".into(), "finite numbers"));
        }
        let weight = Array2::from_shape_vec((classes, width), weight)
            .map_err(|error| (format!("weight: {error}"), "weight [K, D]"))?;
        Ok(Self { weight, bias: Array1::from(bias), about })
    }
}

/// What was found, and what was expected.
type Surprise = (String, &'static str);

/// The bytes of a model file, if it is as long as its header says: nothing is taken for a file of another kind.
fn read(path: &Path) -> io::Result<Result<Vec<u8>, Surprise>> {
    // Longer headers are refused by the format.
    const MOST_HEADER: u64 = 100_000_000;
    let meta = fs::metadata(path)?;
    if !meta.is_file() && !meta.is_dir() {
        return Ok(Err(("something that is no regular file".into(), "a model file")));
    }
    let mut file = File::open(path)?;
    let mut bytes = Vec::new();
    (&mut file).take(8).read_to_end(&mut bytes)?;
    let header = <[u8; 8]>::try_from(&bytes[..]).map_or(0, u64::from_le_bytes);
    if header <= MOST_HEADER {
        (&mut file).take(header).read_to_end(&mut bytes)?;
    }
    if let Some(Ok(metadata)) = bytes.get(8..).map(serde_json::from_slice::<Metadata>) {
        let (found, expected) = (meta.len(), bytes.len() + metadata.data_len());
        if found != expected as u64 {
            return Ok(Err((
                format!("{found} bytes, where the header tells of {expected}"),
                "a whole model file",
            )));
        }
        file.read_to_end(&mut bytes)?;
    }
    Ok(Ok(bytes))
}

/// The numbers and the shape of the f32 tensor `name`.
fn floats(tensors: &SafeTensors<'_>, name: &str) -> Result<(Vec<f32>, Vec<usize>), Surprise> {
    let tensor =
        tensors.tensor(name).map_err(|_| (format!("no tensor {name}"), "tensors weight and bias"))?;
    if tensor.dtype() != Dtype::F32 {
        return Err((format!("{name} of type {:?}", tensor.dtype()), "type F32"));
    }
    let (values, _) = tensor.data().as_chunks::<4>();
    Ok((values.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect(), tensor.shape().to_vec()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    fn model() -> LinearModel {
        let config = serde_json::json!({"lr": 0.001, "loss": "svm"});
        let names = vec!["cat".into(), "dög \"x\"".into()];
        let about = About::new(
            names,
            Shape::Image { channels: 1, height: 1, width: 3 },
            Loss::Svm { margin: 1.0 },
            config,
        );
        let about = About { feature_names: Some(["a", "b", "c"].map(Into::into).into()), ..about };
        LinearModel { weight: array![[1.0, -2.0, 0.5], [0.0, 3.5, 1e-20]], bias: array![0.25, -1.0], about }
    }

    #[test]
    fn a_model_survives_its_file_and_its_bytes_repeat() {
        let bytes = model().to_bytes().expect("serialises");
        assert_eq!(bytes, model().to_bytes().expect("serialises"));
        assert_eq!(LinearModel::from_bytes(&bytes), Ok(model()));
    }

    #[test]
    fn a_file_cut_anywhere_is_an_error() {
        let bytes = model().to_bytes().expect("serialises");
        for cut in 0..bytes.len() {
            assert!(LinearModel::from_bytes(&bytes[..cut]).is_err(), "cut at {cut}");
        }
    }

    #[test]
    fn shapes_must_agree_with_the_names() {
        let mut wrong = model();
        wrong.about.class_names.push("third".into());
        let bytes = wrong.to_bytes().expect("serialises");
        assert!(LinearModel::from_bytes(&bytes).is_err_and(|(found, _)| found.contains("3 classes")));
    }

    #[test]
    fn folding_keeps_the_scores() {
        let map = Preprocessing { mean: vec![10.0, 20.0, 30.0], scale: vec![0.5, 2.0, 0.1] };
        let model = model();
        let folded = LinearModel::fold(&model.weight, &model.bias, &map, model.about.clone());
        let x = array![3.0, 200.0, 255.0_f32];
        let seen: Array1<f32> = (&x - &Array1::from(map.mean)) * &Array1::from(map.scale);
        let expected = model.weight.dot(&seen) + &model.bias;
        let found = folded.weight.dot(&x) + &folded.bias;
        assert!(found.iter().zip(&expected).all(|(a, b)| (a - b).abs() < 1e-3), "{found} {expected}");
    }
}
