//! Sizes as settings: `--size 32` or `64x48`, `--shape 3x32x32`.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// Width and height of a picture, in pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Text", into = "String")]
pub struct Size {
    /// Columns.
    pub width: usize,
    /// Rows.
    pub height: usize,
}

/// Channels, height and width of the pictures that rows of features are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Text", into = "String")]
pub struct Planes {
    /// 1 for grey, 3 for red, green and blue.
    pub channels: usize,
    /// Rows.
    pub height: usize,
    /// Columns.
    pub width: usize,
}

/// What a config file may say: `size = 32` is as good as `size = "32"`.
#[derive(Deserialize)]
#[serde(untagged)]
enum Text {
    Number(u64),
    Text(String),
}

/// `count` whole numbers from 1 to 16,384, parted by `x`.
fn numbers<const COUNT: usize>(text: &str) -> Option<[usize; COUNT]> {
    let numbers: Vec<usize> = text.split('x').map(|part| part.parse().ok()).collect::<Option<_>>()?;
    let numbers: [usize; COUNT] = numbers.try_into().ok()?;
    numbers.iter().all(|number| (1..=16_384).contains(number)).then_some(numbers)
}

impl FromStr for Size {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let square = numbers(text).map(|[side]| [side, side]);
        let [width, height] = square
            .or_else(|| numbers(text))
            .ok_or("expected a side such as 32, or width and height such as 64x48")?;
        Ok(Self { width, height })
    }
}

impl FromStr for Planes {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let [channels, height, width] =
            numbers(text).ok_or("expected channels, height and width such as 3x32x32")?;
        Ok(Self { channels, height, width })
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}x{}", self.width, self.height)
    }
}

impl fmt::Display for Planes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}x{}x{}", self.channels, self.height, self.width)
    }
}

impl TryFrom<Text> for Size {
    type Error = String;

    fn try_from(text: Text) -> Result<Self, String> {
        match text {
            Text::Number(number) => number.to_string().parse(),
            Text::Text(text) => text.parse(),
        }
    }
}

impl TryFrom<Text> for Planes {
    type Error = String;

    fn try_from(text: Text) -> Result<Self, String> {
        match text {
            Text::Number(number) => number.to_string().parse(),
            Text::Text(text) => text.parse(),
        }
    }
}

impl From<Size> for String {
    fn from(size: Size) -> Self {
        size.to_string()
    }
}

impl From<Planes> for String {
    fn from(planes: Planes) -> Self {
        planes.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_sides_or_width_and_height() {
        assert_eq!("32".parse(), Ok(Size { width: 32, height: 32 }));
        assert_eq!("64x48".parse(), Ok(Size { width: 64, height: 48 }));
        assert_eq!("3x4x5".parse(), Ok(Planes { channels: 3, height: 4, width: 5 }));
        for text in ["", "0", "x", "3x4x5", "-1", "99999", "3 x 4"] {
            assert!(text.parse::<Size>().is_err(), "{text}");
        }
        assert!("32x32".parse::<Planes>().is_err());
    }
}
