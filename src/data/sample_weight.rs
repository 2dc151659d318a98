//! How much each example counts.

use super::formats::flaw::Flaw;
use super::{ClassWeight, DataError, Dataset, Store};

/// The weights of the examples where the data have them, as they were given: finite, 0 or above.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SampleWeights {
    /// One a training example.
    pub train: Option<Vec<f64>>,
    /// One a test example. Test figures count every example once: these are only carried along.
    pub test: Option<Vec<f64>>,
}

/// q (N) of every training example: its own weight times that of its class, scaled so that its mean over the training
/// `rows` is 1. `None` if there are neither.
///
/// # Errors
/// [`DataError`] when a class is weighted that is not there, or no training row counts.
pub fn example_weights<E: Store>(
    data: &Dataset<E>,
    class_weight: Option<&ClassWeight>,
    rows: &[u32],
) -> Result<Option<Vec<f64>>, DataError> {
    let of_classes = class_weight.map(|weight| weight.of_examples(data, rows)).transpose()?;
    let Some(own) = &data.weights.train else { return Ok(of_classes) };
    let mut weights = of_classes.unwrap_or_else(|| vec![1.0; own.len()]);
    weights.iter_mut().zip(own).for_each(|(weight, own)| *weight *= own);
    let sum: f64 = rows.iter().map(|&row| weights[row as usize]).sum();
    let mean = sum / rows.len() as f64;
    if !mean.is_normal() {
        return Err(DataError::SampleWeights { mean });
    }
    weights.iter_mut().for_each(|weight| *weight /= mean);
    Ok(Some(weights))
}

/// Makes sure that each weight can be one.
///
/// # Errors
/// [`Flaw`] with the row of the first that cannot.
pub fn check(weights: &[f64]) -> Result<(), Flaw> {
    match weights.iter().position(|weight| !is_weight(*weight)) {
        Some(row) => Err(no_weight(format!("row {row}"), weights[row].to_string())),
        None => Ok(()),
    }
}

/// Whether a number can be the weight of an example.
pub fn is_weight(number: f64) -> bool {
    number.is_finite() && number >= 0.0
}

/// The flaw of what is no weight.
pub fn no_weight(place: String, found: String) -> Flaw {
    Flaw::new(place, found, "a weight, a finite number of 0 or above")
        .hint("a row of weight 0 does not count; leave rows out whose weight is not known")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{Examples, Features, Shape, Source};

    fn data(weights: &[f64]) -> Dataset {
        let labels = vec![0, 0, 1];
        Dataset {
            name: "small".into(),
            source: Source::BuiltIn,
            shape: Shape::Vector(1),
            class_names: vec!["a".into(), "b".into()],
            feature_names: None,
            train: Examples { features: Features::Bytes(vec![0; 3]), labels, width: 1 },
            test: Examples { features: Features::Bytes(Vec::new()), labels: Vec::new(), width: 1 },
            weights: SampleWeights { train: Some(weights.into()), test: None },
            notes: Vec::new(),
        }
    }

    #[test]
    fn weights_multiply_and_their_mean_is_1() {
        let of = |weights: &[f64], class: Option<&str>, rows: &[u32]| {
            let class: Option<ClassWeight> = class.map(|text| text.parse().expect("parses"));
            example_weights(&data(weights), class.as_ref(), rows).map_err(|error| error.to_string())
        };
        assert_eq!(of(&[1.0, 2.0, 3.0], None, &[0, 1, 2]), Ok(Some(vec![0.5, 1.0, 1.5])));
        assert_eq!(of(&[1.0, 2.0, 3.0], None, &[0, 2]), Ok(Some(vec![0.5, 1.0, 1.5])));
        // b counts three times: 1, 2 and 9.
        assert_eq!(of(&[1.0, 2.0, 3.0], Some("b=3"), &[0, 1, 2]), Ok(Some(vec![0.25, 0.5, 2.25])));
        for (weights, rows) in [(&[0.0, 0.0, 1.0], &[0, 1][..]), (&[f64::MAX; 3], &[0, 1, 2])] {
            assert!(of(weights, None, rows).is_err_and(|error| error.contains("over the training rows")));
        }
    }

    #[test]
    fn what_is_no_weight_is_told_with_its_row() {
        assert_eq!(check(&[0.0, 1e300]), Ok(()));
        for bad in [-1.0, f64::NAN, f64::INFINITY] {
            assert_eq!(check(&[1.0, bad]).expect_err("refused").place, "row 1");
        }
    }
}
