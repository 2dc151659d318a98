//! A white sheet of pixels, letters on it, and its PNG file.

use crate::report::pixels::{ColorType, EncodingError, to_png};
use noto_sans_mono_bitmap::{FontWeight, RasterHeight, get_raster, get_raster_width};

/// The height of a line of text in pixels.
pub(in crate::report) const LINE_HEIGHT: usize = LETTERS.val();

const LETTERS: RasterHeight = RasterHeight::Size16;
const WEIGHT: FontWeight = FontWeight::Regular;
const LETTER_WIDTH: usize = get_raster_width(WEIGHT, LETTERS);
/// More bytes than this are no picture to look at: 16,000 x 16,000 grey pixels.
const MAX_BYTES: usize = 1 << 28;

/// Pixels of 1 (grey) or 3 (red, green, blue) bytes, row by row.
pub(in crate::report) struct Canvas {
    width: usize,
    height: usize,
    channels: usize,
    bytes: Vec<u8>,
}

impl Canvas {
    /// An empty sheet; `None` if it were too large.
    pub(in crate::report) fn white(width: usize, height: usize, channels: usize) -> Option<Self> {
        let size = width.checked_mul(height)?.checked_mul(channels)?;
        (size <= MAX_BYTES).then(|| Self { width, height, channels, bytes: vec![255; size] })
    }

    /// Sets one channel of a pixel; a place outside the sheet is ignored.
    pub(in crate::report) fn set(&mut self, x: usize, y: usize, channel: usize, value: u8) {
        if x < self.width && y < self.height {
            self.bytes[(y * self.width + x) * self.channels + channel] = value;
        }
    }

    /// Writes one black line of text, shortened and centred, into the given width below (left, top).
    pub(in crate::report) fn write_centered(
        &mut self,
        (left, top): (usize, usize),
        width: usize,
        text: &str,
    ) {
        let text = printable(text, width / LETTER_WIDTH);
        let start = left + (width - text.len() * LETTER_WIDTH) / 2;
        for (i, letter) in text.iter().enumerate() {
            let Some(raster) = get_raster(*letter, WEIGHT, LETTERS) else { continue };
            for (y, row) in raster.raster().iter().enumerate() {
                for (x, ink) in row.iter().enumerate() {
                    for channel in 0..self.channels {
                        self.set(start + i * LETTER_WIDTH + x, top + y, channel, 255 - ink);
                    }
                }
            }
        }
    }

    /// The sheet as a PNG file.
    pub(in crate::report) fn into_png(self) -> Result<Vec<u8>, EncodingError> {
        let color = if self.channels == 1 { ColorType::Grayscale } else { ColorType::Rgb };
        to_png(&self.bytes, self.width, self.height, color)
    }
}

/// At most `limit` letters that the font has: any other character is "?", and what is too long ends in "..".
fn printable(text: &str, limit: usize) -> Vec<char> {
    let known = |c: char| if matches!(c, ' '..='~') { c } else { '?' };
    // One letter more than fits tells that the text is too long, whatever its length.
    let mut letters: Vec<char> = text.chars().take(limit + 1).map(known).collect();
    if letters.len() > limit {
        letters.truncate(limit.saturating_sub(2));
        letters.extend(['.'; 2].into_iter().take(limit));
    }
    letters
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_made_printable_and_short() {
        let cases = [
            ("automobile", 10, "automobile"),
            ("automobiles", 10, "automobi.."),
            ("\u{98de}\u{673a} \u{e9}\u{1b}[31m\n", 20, "?? ??[31m?"),
            ("", 5, ""),
            ("abc", 1, "."),
            ("abc", 0, ""),
        ];
        for (text, limit, expected) in cases {
            assert_eq!(printable(text, limit).into_iter().collect::<String>(), expected);
        }
        assert_eq!(printable(&"x".repeat(1 << 20), 4), ['x', 'x', '.', '.']);
    }

    #[test]
    fn text_is_dark_and_centered() {
        let ink = |text: &str| {
            let mut canvas = Canvas::white(64, LINE_HEIGHT, 1).expect("small");
            canvas.write_centered((0, 0), 64, text);
            let dark = (0..64).filter(|x| (0..LINE_HEIGHT).any(|y| canvas.bytes[y * 64 + x] < 100));
            dark.collect::<Vec<_>>()
        };
        assert_eq!(ink(""), [0; 0]);
        let columns = ink("H");
        assert!(columns.iter().all(|x| (27..=37).contains(x)) && columns.len() >= 2, "{columns:?}");
        assert_eq!(ink("a very long name indeed").last().map(|x| x / 8), Some(7));
    }

    #[test]
    fn a_sheet_beyond_reason_is_refused() {
        assert!(Canvas::white(usize::MAX, 2, 3).is_none());
        assert!(Canvas::white(1 << 20, 1 << 20, 1).is_none());
    }
}
