//! Features as they are held: bytes or floats.

use crate::kernel::{Matrix, Table};

/// X (N, D), row-major: images of whole pixels as bytes, everything else as floats.
#[derive(Clone, Debug, PartialEq)]
pub enum Features {
    /// One byte a feature; for images channel by channel, each channel row by row.
    Bytes(Vec<u8>),
    /// One `f32` a feature, in any unit.
    Floats(Vec<f32>),
}

impl Features {
    /// N D, the numbers held.
    pub fn len(&self) -> usize {
        match self {
            Self::Bytes(values) => values.len(),
            Self::Floats(values) => values.len(),
        }
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The number at `index`, which every kind holds exactly as `f32`.
    ///
    /// # Panics
    /// When there is none.
    pub fn get(&self, index: usize) -> f32 {
        match self {
            Self::Bytes(values) => f32::from(values[index]),
            Self::Floats(values) => values[index],
        }
    }

    /// X as the kernels take it, in rows of `width` (D) features.
    pub fn rows(&self, width: usize) -> Matrix<'_> {
        match self {
            Self::Bytes(values) => Matrix::Bytes(Table { values, width }),
            Self::Floats(values) => Matrix::Floats(Table { values, width }),
        }
    }

    /// Hands every number's bytes to `take`, part after part: bytes as they are, floats in little-endian order.
    pub(super) fn for_each_bytes(&self, mut take: impl FnMut(&[u8])) {
        /// Floats turned into bytes at a time.
        const BLOCK: usize = 4096;
        match self {
            Self::Bytes(values) => take(values),
            Self::Floats(values) => {
                let mut bytes = Vec::with_capacity(4 * BLOCK);
                for values in values.chunks(BLOCK) {
                    bytes.clear();
                    bytes.extend(values.iter().flat_map(|value| value.to_le_bytes()));
                    take(&bytes);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_kinds_give_the_same_numbers() {
        let bytes = Features::Bytes(vec![0, 7, 255]);
        let floats = Features::Floats(vec![0.0, 7.0, 255.0]);
        assert_eq!((bytes.len(), floats.len()), (3, 3));
        assert!((0..3).all(|index| bytes.get(index) == floats.get(index)));
    }

    #[test]
    fn floats_are_handed_out_bit_by_bit() {
        let values: Vec<f32> = (0..5000).map(|i| i as f32 / 7.0 - 300.0).collect();
        let mut written = Vec::new();
        Features::Floats(values.clone()).for_each_bytes(|bytes| written.extend_from_slice(bytes));
        let expected: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        assert_eq!(written, expected);
    }
}
