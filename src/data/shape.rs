//! What an example is: a picture, or a row of features.

use serde::{Deserialize, Serialize};
use std::fmt;

/// What an example is. As JSON an array: `[channels, height, width]` or `[D]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<usize>", into = "Vec<usize>")]
pub enum Shape {
    /// A picture, one plane a channel, each row by row; D is the product of all three.
    Image {
        /// 1 for grey, 3 for red, green and blue.
        channels: usize,
        /// Rows of pixels.
        height: usize,
        /// Columns of pixels.
        width: usize,
    },
    /// D features that make no picture.
    Vector(usize),
}

impl Shape {
    /// D, features of an example; `None` when that is more than a number holds.
    pub fn features(self) -> Option<usize> {
        match self {
            Self::Image { channels, height, width } => channels.checked_mul(height)?.checked_mul(width),
            Self::Vector(features) => Some(features),
        }
    }

    /// What to call so many examples: "images" or "examples".
    pub fn noun(self) -> &'static str {
        match self {
            Self::Image { .. } => "images",
            Self::Vector(_) => "examples",
        }
    }
}

/// "32 x 32 x 3", width first, or "2048 features".
impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Image { channels, height, width } => write!(f, "{width} x {height} x {channels}"),
            Self::Vector(features) => write!(f, "{features} features"),
        }
    }
}

impl From<Shape> for Vec<usize> {
    fn from(shape: Shape) -> Self {
        match shape {
            Shape::Image { channels, height, width } => vec![channels, height, width],
            Shape::Vector(features) => vec![features],
        }
    }
}

impl TryFrom<Vec<usize>> for Shape {
    type Error = String;

    fn try_from(extents: Vec<usize>) -> Result<Self, String> {
        match extents[..] {
            [channels, height, width] => Ok(Self::Image { channels, height, width }),
            [features] => Ok(Self::Vector(features)),
            _ => Err(format!("shape {extents:?}, expected [channels, height, width] or [features]")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_an_array_of_extents() {
        let image = Shape::Image { channels: 3, height: 32, width: 16 };
        for (shape, text) in [(image, "[3,32,16]"), (Shape::Vector(7), "[7]")] {
            assert_eq!(serde_json::to_string(&shape).expect("serialises"), text);
            assert_eq!(serde_json::from_str::<Shape>(text).expect("parses"), shape);
        }
        assert!(serde_json::from_str::<Shape>("[1,2]").is_err());
        assert_eq!(image.features(), Some(3 * 32 * 16));
        assert_eq!(Shape::Image { channels: usize::MAX, height: 2, width: 1 }.features(), None);
    }
}
