//! A data set as named arrays: what `.npy`, `.npz`, IDX and safetensors have in common.

use super::{Loss, label_numbers, planes};
use crate::data::formats::arrange::shape_of;
use crate::data::{Dataset, Examples, Features, Planes, SampleWeights, Shape};
use std::io::{self, Write};

/// Numbers of one type.
pub enum Numbers<'a> {
    /// Features that are bytes.
    Bytes(&'a [u8]),
    /// Features that are floats.
    Floats(&'a [f32]),
    /// Labels.
    Whole(Vec<i64>),
    /// Weights.
    Doubles(&'a [f64]),
}

/// An array, first index slowest.
pub struct Array<'a> {
    /// Its name in the data set, such as `X_train`.
    pub name: &'static str,
    /// Its extents, N first.
    pub extents: Vec<usize>,
    /// Its numbers.
    pub numbers: Numbers<'a>,
}

/// Weights and labels before features, and what `--shape` must say to get pictures again.
pub struct Arrays<'a> {
    /// The arrays.
    pub arrays: Vec<Array<'a>>,
    /// `None` if their extents tell it.
    pub shape: Option<Planes>,
}

/// The arrays of `data`: two of each part, and one more of weights if it has them; `features` and `labels` where there
/// are no test examples.
pub fn of<'a>(data: &'a Dataset, format: &'static str) -> Result<Arrays<'a>, Loss> {
    let numbers = label_numbers(data, format)?;
    let extents = extents(data.shape);
    let parts: &[(&Examples, &'static str, &'static str)] = if data.test.is_empty() {
        &[(&data.train, "features", "labels")]
    } else {
        &[(&data.train, "X_train", "y_train"), (&data.test, "X_test", "y_test")]
    };
    let SampleWeights { train, test } = &data.weights;
    let train_name = if data.test.is_empty() { "sample_weights" } else { "sample_weights_train" };
    let weights =
        [(train_name, train), ("sample_weights_test", test)].into_iter().filter_map(|(name, weights)| {
            let weights = weights.as_deref().filter(|weights| !weights.is_empty())?;
            Some(Array { name, extents: vec![weights.len()], numbers: Numbers::Doubles(weights) })
        });
    let labels = parts.iter().map(|&(part, _, name)| {
        let numbers = part.labels.iter().map(|&label| numbers[usize::from(label)]).collect();
        Array { name, extents: vec![part.len()], numbers: Numbers::Whole(numbers) }
    });
    let features = parts.iter().map(|&(part, name, _)| {
        let numbers = match &part.features {
            Features::Bytes(values) => Numbers::Bytes(values),
            Features::Floats(values) => Numbers::Floats(values),
        };
        let extents = std::iter::once(part.len()).chain(extents.iter().copied()).collect();
        Array { name, extents, numbers }
    });
    let shape = if extents.len() == 1 { planes(data.shape) } else { None };
    Ok(Arrays { arrays: weights.chain(labels).chain(features).collect(), shape })
}

/// The extents of one example: those of a picture only if a reader would take them for it.
fn extents(shape: Shape) -> Vec<usize> {
    let (picture, features) = match shape {
        Shape::Vector(features) => return vec![features],
        Shape::Image { channels: 1, height, width } => (vec![height, width], height * width),
        Shape::Image { channels, height, width } => {
            (vec![channels, height, width], channels * height * width)
        }
    };
    let read = shape_of(&[&[1], &picture[..]].concat());
    if read.is_ok_and(|read| read == (shape, false)) { picture } else { vec![features] }
}

impl Numbers<'_> {
    /// Writes them, the lowest byte of each first.
    pub fn write_little(&self, out: &mut dyn Write) -> io::Result<()> {
        match self {
            Self::Bytes(values) => out.write_all(values),
            Self::Floats(values) => values.iter().try_for_each(|value| out.write_all(&value.to_le_bytes())),
            Self::Whole(values) => values.iter().try_for_each(|value| out.write_all(&value.to_le_bytes())),
            Self::Doubles(values) => values.iter().try_for_each(|value| out.write_all(&value.to_le_bytes())),
        }
    }

    /// Bytes of each.
    pub fn size(&self) -> usize {
        match self {
            Self::Bytes(_) => 1,
            Self::Floats(_) => 4,
            Self::Whole(_) | Self::Doubles(_) => 8,
        }
    }
}

impl Array<'_> {
    /// Bytes of all its numbers.
    pub fn bytes(&self) -> usize {
        self.extents.iter().product::<usize>() * self.numbers.size()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_keep_their_extents_where_these_are_clear() {
        let image = |channels, height, width| Shape::Image { channels, height, width };
        assert_eq!(extents(image(3, 32, 32)), [3, 32, 32]);
        assert_eq!(extents(image(1, 28, 20)), [28, 20]);
        assert_eq!(extents(image(2, 5, 5)), [50], "no colours");
        assert_eq!(extents(image(3, 5, 4)), [60], "four columns, or four channels?");
        assert_eq!(extents(Shape::Vector(7)), [7]);
    }
}
