//! Pictures in rows, each row with its name before it: examples of every class, or their means.

use super::canvas::{Canvas, LINE_HEIGHT};
use super::pixels::EncodingError;
use crate::data::Shape;
use thiserror::Error;

/// Why there is no sheet.
#[derive(Debug, Error)]
pub enum SheetError {
    /// Rows of features, or planes of no colours.
    #[error("found examples of {0}, expected pictures of 1, 3 or 4 channels to draw")]
    NoPictures(Shape),
    /// So many that nobody could look at them.
    #[error("found {0} classes of pictures, expected fewer to draw")]
    TooLarge(usize),
    /// The PNG encoder failed.
    #[error("cannot encode the pictures as PNG")]
    Encode(#[from] EncodingError),
}

impl SheetError {
    /// What to do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::NoPictures(_) => {
                "--shape 3x32x32 says what pictures rows of features are; or leave the picture out"
            }
            Self::TooLarge(_) | Self::Encode(_) => "leave the picture out",
        }
    }
}

/// Around the sheet and between pictures.
const GAP: usize = 4;
/// Room for names of fourteen letters.
const NAMES: usize = 14 * 8;
/// About the longest side of a picture.
const SIDE: usize = 64;
/// The same where there are many rows.
const SMALL_SIDE: usize = 32;
/// More rows than this are many.
const FEW: usize = 40;

/// The sheet as a PNG file: `rows` of a name and pictures of `shape`, one plane a channel. The value
/// `low` is drawn black, `high` white. A fourth channel is left out.
///
/// # Errors
/// [`SheetError`] when `shape` is no picture's, or the sheet would be too large.
pub fn render(
    rows: &[(&str, Vec<Vec<f32>>)],
    shape: Shape,
    [low, high]: [f32; 2],
) -> Result<Vec<u8>, SheetError> {
    let Shape::Image { channels: channels @ (1 | 3 | 4), height, width } = shape else {
        return Err(SheetError::NoPictures(shape));
    };
    let channels = channels.min(3);
    let scale = Scale::new(height.max(width), if rows.len() > FEW { SMALL_SIDE } else { SIDE });
    let (drawn_height, drawn_width) = (scale.size(height), scale.size(width));
    let row_height = drawn_height.max(LINE_HEIGHT) + GAP;
    let columns = rows.iter().map(|(_, pictures)| pictures.len()).max().unwrap_or_default();
    let mut canvas = Canvas::white(
        NAMES + 2 * GAP + columns * (drawn_width + GAP),
        GAP + rows.len() * row_height,
        channels,
    )
    .ok_or(SheetError::TooLarge(rows.len()))?;
    // Where all values are one, it is drawn black: a float's cast makes 0 of what is no number.
    let to_byte = |value: f32| (255.0 * (value - low) / (high - low)).round() as u8;
    for (row, (name, pictures)) in rows.iter().enumerate() {
        let top = GAP + row * row_height;
        let text = top + (row_height - GAP - LINE_HEIGHT) / 2;
        canvas.write_centered((GAP, text), NAMES, name);
        for (column, picture) in pictures.iter().enumerate() {
            let left = NAMES + 2 * GAP + column * (drawn_width + GAP);
            for (channel, plane) in picture.chunks_exact(height * width).take(channels).enumerate() {
                for y in 0..drawn_height {
                    for x in 0..drawn_width {
                        let value = scale.value(plane, width, x, y);
                        canvas.set(left + x, top + y, channel, to_byte(value));
                    }
                }
            }
        }
    }
    Ok(canvas.into_png()?)
}

/// Enlarging or shrinking by a whole factor: pixels stay squares, or blocks of them are averaged.
struct Scale {
    enlarge: usize,
    shrink: usize,
}

impl Scale {
    fn new(longest: usize, side: usize) -> Self {
        Self { enlarge: (side / longest).max(1), shrink: longest.div_ceil(side) }
    }

    fn size(&self, pixels: usize) -> usize {
        pixels.div_ceil(self.shrink) * self.enlarge
    }

    /// The value at a place of the drawn picture.
    fn value(&self, plane: &[f32], width: usize, x: usize, y: usize) -> f32 {
        let height = plane.len() / width;
        let (x, y) = (x / self.enlarge * self.shrink, y / self.enlarge * self.shrink);
        let columns = x..(x + self.shrink).min(width);
        let rows = y..(y + self.shrink).min(height);
        let count = columns.len() * rows.len();
        let sum: f32 = rows.map(|y| plane[y * width..][columns.clone()].iter().sum::<f32>()).sum();
        sum / count as f32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every channel and place has a value of its own.
    #[test]
    fn pixels_land_in_their_places() {
        let shape = Shape::Image { channels: 3, height: 2, width: 3 };
        let picture: Vec<f32> = (0..18).map(|at| at as f32 * 10.0).collect();
        let file = render(&[("a", vec![picture])], shape, [0.0, 255.0]).expect("draws");
        let mut reader = png::Decoder::new(std::io::Cursor::new(file)).read_info().expect("a PNG header");
        let mut bytes = vec![0; reader.output_buffer_size().expect("a size")];
        let info = reader.next_frame(&mut bytes).expect("a frame");
        let factor = SIDE / 3;
        assert_eq!(info.width as usize, NAMES + 2 * GAP + 3 * factor + GAP);
        assert_eq!(info.height as usize, GAP + 2 * factor + GAP);
        for (x, y) in [(0, 0), (2, 0), (1, 1)] {
            let (left, top) = (NAMES + 2 * GAP + x * factor + 3, GAP + y * factor + 3);
            let at = (top * info.width as usize + left) * 3;
            let place = (y * 3 + x) as u8;
            assert_eq!(bytes[at..at + 3], [0, 6, 12].map(|plane| (place + plane) * 10), "({x}, {y})");
        }
    }

    #[test]
    fn blocks_are_averaged_and_the_border_counts_what_it_has() {
        let scale = Scale::new(3, 2);
        let plane = [0.0, 2.0, 5.0, 4.0, 6.0, 7.0, 9.0, 11.0, 1.0];
        assert_eq!(scale.size(3), 2);
        let drawn: Vec<f32> =
            [(0, 0), (1, 0), (0, 1), (1, 1)].map(|(x, y)| scale.value(&plane, 3, x, y)).to_vec();
        assert_eq!(drawn, [3.0, 6.0, 10.0, 1.0]);
    }

    #[test]
    fn features_are_no_pictures() {
        assert!(matches!(render(&[], Shape::Vector(3), [0.0, 1.0]), Err(SheetError::NoPictures(_))));
    }
}
