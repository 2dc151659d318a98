//! A checkpoint as a file's bytes: safetensors, with the vectors as tensors, everything else as JSON in one metadata
//! entry, and in another the SHA-256 of both, so that a file that is torn or altered anywhere is known as such.

use super::{Checkpoint, DescentState, EpochSums, Kept, Provenance, SearchState, State, exact};
use crate::train::{Attempt, Epoch, Figures, Start};
use ndarray::{Array1, Array2};
use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, HashMap};
use thiserror::Error;

/// Of the layout. A reader of one version refuses all others.
const FORMAT: u32 = 1;
/// The metadata entries.
const ABOUT: &str = "cifar-train-checkpoint";
const CHECKSUM: &str = "sha256";

/// Bytes that are no checkpoint, or none that can be used.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum CheckpointError {
    /// Cut off, altered, or something else altogether.
    #[error("{0}")]
    Damaged(String),
    /// Whole, and of another layout.
    #[error("found format {0}, expected {FORMAT}")]
    Format(u32),
}

/// The JSON part.
#[derive(Serialize, Deserialize)]
struct About {
    #[serde(flatten)]
    provenance: Provenance,
    #[serde(flatten)]
    rest: Rest,
}

/// What of a state is not a tensor.
#[derive(Serialize, Deserialize)]
#[serde(tag = "strategy", rename_all = "kebab-case")]
enum Rest {
    Descent {
        shuffled: u64,
        batches: usize,
        sums: EpochSums,
        history: Vec<Epoch>,
        kept_epoch: Option<usize>,
        kept_validation: Option<Figures>,
        start: Start,
        #[serde(with = "exact")]
        seconds: f64,
    },
    RandomSearch {
        drawn: u64,
        #[serde(with = "exact")]
        seconds: f64,
    },
}

/// Only the layout's number, which any version can read.
#[derive(Deserialize)]
struct FormatOnly {
    format: u32,
}

#[derive(Serialize)]
struct Numbered<'a> {
    format: u32,
    #[serde(flatten)]
    about: &'a About,
}

/// A tensor to be written, by name.
struct Tensor {
    dtype: Dtype,
    shape: Vec<usize>,
    bytes: Vec<u8>,
}

impl Tensor {
    fn f32<'a>(shape: &[usize], values: impl IntoIterator<Item = &'a f32>) -> Self {
        let bytes = values.into_iter().flat_map(|value| value.to_le_bytes()).collect();
        Self { dtype: Dtype::F32, shape: shape.into(), bytes }
    }

    fn f64(values: impl IntoIterator<Item = f64>) -> Self {
        let bytes: Vec<u8> = values.into_iter().flat_map(f64::to_le_bytes).collect();
        Self { dtype: Dtype::F64, shape: vec![bytes.len() / 8], bytes }
    }

    fn u32(values: &[u32]) -> Self {
        let bytes = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        Self { dtype: Dtype::U32, shape: vec![values.len()], bytes }
    }

    fn matrix(matrix: &Array2<f32>) -> Self {
        Self::f32(matrix.shape(), matrix)
    }

    fn vector(vector: &Array1<f32>) -> Self {
        Self::f32(vector.shape(), vector)
    }
}

impl Checkpoint {
    /// The file's bytes.
    ///
    /// # Errors
    /// When the format refuses, which nothing that can be built should make it do.
    pub fn to_bytes(&self) -> Result<Vec<u8>, safetensors::SafeTensorError> {
        let (tensors, rest) = match &self.state {
            State::Descent(state) => of_descent(state),
            State::Search(state) => of_search(state),
        };
        let about = About { provenance: self.provenance.clone(), rest };
        let about = serde_json::to_string(&Numbered { format: FORMAT, about: &about }).unwrap_or_default();
        let views = tensors
            .iter()
            .map(|(name, tensor)| {
                let view = TensorView::new(tensor.dtype, tensor.shape.clone(), &tensor.bytes)?;
                Ok((name.to_string(), view))
            })
            .collect::<Result<BTreeMap<String, TensorView<'_>>, safetensors::SafeTensorError>>()?;
        let checksum = checksum(&about, &views);
        let metadata = HashMap::from([(ABOUT.to_owned(), about), (CHECKSUM.to_owned(), checksum)]);
        safetensors::serialize(views, Some(metadata))
    }

    /// The checkpoint in a file's bytes.
    ///
    /// # Errors
    /// [`CheckpointError`] when a single byte is not as it was written, or the layout is another version's.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, CheckpointError> {
        Self::parse(bytes, true)
    }

    /// The same; that the checksum is right is only asked for if `checked`.
    pub(crate) fn parse(bytes: &[u8], checked: bool) -> Result<Self, CheckpointError> {
        let damaged = |what: &dyn std::fmt::Display| CheckpointError::Damaged(what.to_string());
        let (_, header) = SafeTensors::read_metadata(bytes).map_err(|error| damaged(&error))?;
        let tensors = SafeTensors::deserialize(bytes).map_err(|error| damaged(&error))?;
        let entry = |name: &str| {
            let entry = header.metadata().as_ref().and_then(|metadata| metadata.get(name));
            entry.ok_or_else(|| damaged(&format_args!("no entry {name}")))
        };
        let (about, expected) = (entry(ABOUT)?, entry(CHECKSUM)?);
        let views = tensors.iter().map(|(name, view)| (name.to_owned(), view)).collect();
        if checked && *expected != checksum(about, &views) {
            return Err(damaged(&"its checksum does not match"));
        }
        let unreadable = |error: serde_json::Error| damaged(&error);
        let FormatOnly { format } = serde_json::from_str(about).map_err(unreadable)?;
        if format != FORMAT {
            return Err(CheckpointError::Format(format));
        }
        let About { provenance, rest } = serde_json::from_str(about).map_err(unreadable)?;
        let state = Tensors(&views).state(rest).map_err(|name| damaged(&format_args!("no tensor {name}")))?;
        Ok(Self { provenance, state })
    }
}

/// Of everything that a checkpoint says, in the order of the tensors' names.
fn checksum(about: &str, tensors: &BTreeMap<String, TensorView<'_>>) -> String {
    let mut hash = Sha256::new();
    hash.update(about.as_bytes());
    for (name, tensor) in tensors {
        hash.update(format!("\n{name} {:?} {:?}\n", tensor.dtype(), tensor.shape()));
        hash.update(tensor.data());
    }
    format!("{:x}", hash.finalize())
}

fn of_descent(state: &DescentState) -> (Vec<(&'static str, Tensor)>, Rest) {
    let DescentState { kept, rule: [first, second], .. } = state;
    let tensors = vec![
        ("weight", Tensor::matrix(&state.weight)),
        ("bias", Tensor::vector(&state.bias)),
        ("rule.first", Tensor::f32(&[first.len()], first)),
        ("rule.second", Tensor::f32(&[second.len()], second)),
        ("kept.weight", Tensor::matrix(&kept.weight)),
        ("kept.bias", Tensor::vector(&kept.bias)),
        ("order", Tensor::u32(&state.order)),
        ("step_losses", Tensor::f64(state.step_losses.iter().copied())),
    ];
    let rest = Rest::Descent {
        shuffled: state.shuffled,
        batches: state.batches,
        sums: state.sums,
        history: state.history.clone(),
        kept_epoch: kept.epoch,
        kept_validation: kept.validation,
        start: state.start,
        seconds: state.seconds,
    };
    (tensors, rest)
}

fn of_search(state: &SearchState) -> (Vec<(&'static str, Tensor)>, Rest) {
    let column = |of: fn(&Attempt) -> f64| Tensor::f64(state.attempts.iter().map(of));
    let tensors = vec![
        ("weight", Tensor::matrix(&state.weight)),
        ("bias", Tensor::vector(&state.bias)),
        ("losses", column(|attempt| attempt.loss)),
        ("bests", column(|attempt| attempt.best)),
        ("seconds", column(|attempt| attempt.seconds)),
    ];
    (tensors, Rest::RandomSearch { drawn: state.drawn, seconds: state.seconds })
}

/// Tensors that were read; one that is missing, or of another type, is named.
struct Tensors<'a>(&'a BTreeMap<String, TensorView<'a>>);

impl Tensors<'_> {
    fn state(&self, rest: Rest) -> Result<State, &'static str> {
        match rest {
            Rest::Descent {
                shuffled,
                batches,
                sums,
                history,
                kept_epoch,
                kept_validation,
                start,
                seconds,
            } => {
                let kept = Kept {
                    weight: self.matrix("kept.weight")?,
                    bias: self.floats("kept.bias")?.into(),
                    epoch: kept_epoch,
                    validation: kept_validation,
                };
                Ok(State::Descent(Box::new(DescentState {
                    weight: self.matrix("weight")?,
                    bias: self.floats("bias")?.into(),
                    rule: [self.floats("rule.first")?, self.floats("rule.second")?],
                    order: self.words("order", Dtype::U32)?.into_iter().map(u32::from_le_bytes).collect(),
                    shuffled,
                    batches,
                    sums,
                    step_losses: self.doubles("step_losses")?,
                    history,
                    kept,
                    start,
                    seconds,
                })))
            }
            Rest::RandomSearch { drawn, seconds } => {
                let (losses, bests) = (self.doubles("losses")?, self.doubles("bests")?);
                let times = self.doubles("seconds")?;
                let attempts = losses.into_iter().zip(bests).zip(times).enumerate();
                let attempts = attempts
                    .map(|(attempt, ((loss, best), seconds))| Attempt { attempt, loss, best, seconds })
                    .collect();
                let (weight, bias) = (self.matrix("weight")?, self.floats("bias")?.into());
                Ok(State::Search(Box::new(SearchState { weight, bias, attempts, drawn, seconds })))
            }
        }
    }

    fn words<const BYTES: usize>(
        &self,
        name: &'static str,
        dtype: Dtype,
    ) -> Result<Vec<[u8; BYTES]>, &'static str> {
        let tensor = self.0.get(name).filter(|tensor| tensor.dtype() == dtype).ok_or(name)?;
        Ok(tensor.data().as_chunks().0.to_vec())
    }

    fn floats(&self, name: &'static str) -> Result<Vec<f32>, &'static str> {
        Ok(self.words(name, Dtype::F32)?.into_iter().map(f32::from_le_bytes).collect())
    }

    fn doubles(&self, name: &'static str) -> Result<Vec<f64>, &'static str> {
        Ok(self.words(name, Dtype::F64)?.into_iter().map(f64::from_le_bytes).collect())
    }

    fn matrix(&self, name: &'static str) -> Result<Array2<f32>, &'static str> {
        let values = self.floats(name)?;
        match self.0.get(name).map(TensorView::shape) {
            Some(&[rows, columns]) => Array2::from_shape_vec((rows, columns), values).map_err(|_| name),
            _ => Err(name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    /// With every float that JSON would change: not finite, subnormal, needing all its digits.
    fn descent() -> Checkpoint {
        let figures = Figures { loss: 0.1 + 0.2, objective: f64::INFINITY, accuracy: 5e-324 };
        let epoch = Epoch {
            epoch: 1,
            step: 2,
            lr: 1.0 / 3.0,
            train: figures,
            validation: Some(figures),
            test: None,
            seconds: 1e-7,
        };
        let state = DescentState {
            weight: array![[1.0, -0.0, f32::MIN_POSITIVE], [0.5, 1e-40, 3.0]],
            bias: array![0.25, -1.0],
            rule: [vec![1.0; 8], Vec::new()],
            order: vec![2, 0, 1],
            shuffled: u64::MAX,
            batches: 1,
            sums: EpochSums { total: 1e300 / 7.0, correct: 1, count: 2, full_loss: f64::MAX, lr: 0.1 },
            step_losses: vec![1.0, 0.1 + 0.2, 0.7],
            history: vec![epoch],
            kept: Kept {
                weight: array![[0.0, 1.0, 2.0], [3.0, 4.0, 5.0]],
                bias: array![6.0, 7.0],
                epoch: Some(1),
                validation: Some(figures),
            },
            start: Start { figures, rows: 3, steps: 4, epochs: 2 },
            seconds: 0.5,
        };
        checkpoint(State::Descent(Box::new(state)))
    }

    fn search() -> Checkpoint {
        let attempt = |attempt, loss| Attempt { attempt, loss, best: 0.1, seconds: 0.25 };
        let state = SearchState {
            weight: array![[1.0, 2.0]],
            bias: array![3.0],
            attempts: vec![attempt(0, 0.1), attempt(1, 1.0 / 3.0)],
            drawn: 12,
            seconds: 2.0,
        };
        checkpoint(State::Search(Box::new(state)))
    }

    fn checkpoint(state: State) -> Checkpoint {
        let provenance = Provenance {
            program: "1.2.3".into(),
            kernel: "plain".into(),
            config: "lr = 1\nname = \"x\"\n".into(),
            data_digest: "ab".into(),
        };
        Checkpoint { provenance, state }
    }

    #[test]
    fn a_state_comes_back_with_the_same_bits() {
        for checkpoint in [descent(), search()] {
            let bytes = checkpoint.to_bytes().expect("serialises");
            assert_eq!(Checkpoint::from_bytes(&bytes), Ok(checkpoint));
        }
    }

    /// The checksum, or the format's own checks, see every altered byte and every cut.
    #[test]
    fn damage_anywhere_is_seen() {
        for checkpoint in [descent(), search()] {
            let bytes = checkpoint.to_bytes().expect("serialises");
            for place in 0..bytes.len() {
                assert!(Checkpoint::from_bytes(&bytes[..place]).is_err(), "cut at {place}");
                let mut altered = bytes.clone();
                altered[place] ^= 0x10;
                // A space more or less between JSON's words says the same.
                let found = Checkpoint::from_bytes(&altered);
                assert!(found.is_err() || found.as_ref() == Ok(&checkpoint), "altered at {place}");
            }
        }
    }

    #[test]
    fn what_does_not_fit_the_run_is_told() {
        let State::Descent(good) = descent().state else { unreachable!("a descent") };
        let check = |state: &DescentState| state.check((2, 3), &[0, 1, 2], 2, [8, 0]);
        assert_eq!(check(&good), Ok(()));
        let spoilt = |spoil: fn(&mut DescentState)| {
            let mut state = (*good).clone();
            spoil(&mut state);
            check(&state).expect_err("it does not fit")
        };
        assert_eq!(spoilt(|state| state.order = vec![0, 0, 1]), "other training rows");
        assert_eq!(spoilt(|state| state.bias = array![1.0]), "weights of another shape");
        assert_eq!(spoilt(|state| state.rule = [Vec::new(), Vec::new()]), "the memory of another rule");
        assert_eq!(spoilt(|state| state.batches = 3), "another number of steps");
        assert_eq!(spoilt(|state| state.history[0].epoch = 2), "a history with gaps");
    }
}
