//! The templates of a linear classifier: the weights of each class as a picture, all in one labelled sheet.
//!
//! A score is the inner product of weights and image, so the weights of a class are the image that the class
//! answers to most. Each template is scaled on its own: zero is mid grey, positive weights are lighter and
//! negative ones darker, channel by channel.

mod plane;

use super::canvas::{Canvas, LINE_HEIGHT};
use super::pixels::{ColorType, EncodingError, to_png};
use plane::{Zoom, planes, to_byte};
use thiserror::Error;

/// Why the templates could not be drawn.
#[derive(Debug, Error)]
pub enum TemplatesError {
    /// The weights do not fill (classes, channels, height, width).
    #[error(
        "weights of {classes} classes of {channels} x {height} x {width} images expected, found {found} numbers"
    )]
    Weights {
        /// How many class names there are.
        classes: usize,
        /// Channels of an image.
        channels: usize,
        /// Height of an image.
        height: usize,
        /// Width of an image.
        width: usize,
        /// How many weights there are.
        found: usize,
    },
    /// Nothing to draw: no class, or images without pixels.
    #[error("nothing to draw: {classes} classes of {height} x {width} images")]
    Empty {
        /// How many class names there are.
        classes: usize,
        /// Height of an image.
        height: usize,
        /// Width of an image.
        width: usize,
    },
    /// Neither grey nor red, green and blue.
    #[error("images of 1 or 3 channels expected, found {0}")]
    Channels(usize),
    /// So many classes that nobody could look at the picture.
    #[error("{0} classes are too many for one picture")]
    TooLarge(usize),
    /// The PNG encoder failed.
    #[error("cannot encode the picture as PNG")]
    Encode(#[from] EncodingError),
}

/// The template pictures as the bytes of a PNG file, labelled with `class_names`.
///
/// `weights` are (K, D) in raw pixel units, row-major, where K is the number of class names and D = channels *
/// height * width in the order of `shape`: one plane a channel, each row by row, as CIFAR stores images. Weights
/// that are not finite count as 0.
///
/// # Errors
/// If the lengths disagree, if there is nothing or far too much to draw, or for other than 1 or 3 channels.
pub fn render(weights: &[f32], shape: [usize; 3], class_names: &[String]) -> Result<Vec<u8>, TemplatesError> {
    let [channels, height, width] = shape;
    let classes = class_names.len();
    let features = features_of_each(weights, shape, classes)?;
    let layout = Layout::new(classes, height, width);
    let size = (layout.sheet_width(), layout.sheet_height());
    let mut canvas = Canvas::white(size.0, size.1, channels).ok_or(TemplatesError::TooLarge(classes))?;
    for (class, (template, name)) in weights.chunks_exact(features).zip(class_names).enumerate() {
        let (left, top) = layout.cell(class);
        let indent = (layout.cell_width - layout.picture_width) / 2;
        for (channel, plane) in planes(template, height, width, layout.zoom).iter().enumerate() {
            for (y, row) in plane.values.chunks_exact(plane.width).enumerate() {
                for (x, value) in row.iter().enumerate() {
                    canvas.set(left + indent + x, top + y, channel, to_byte(*value));
                }
            }
        }
        canvas.write_centered((left, top + layout.picture_height + TEXT_GAP), layout.cell_width, name);
    }
    Ok(canvas.into_png()?)
}

/// The template of each class as a PNG file of its own, without a name: its longest side has about 32 pixels, or as many
/// as the images if those are smaller.
///
/// # Errors
/// As [`render`].
pub fn pictures(weights: &[f32], shape: [usize; 3], classes: usize) -> Result<Vec<Vec<u8>>, TemplatesError> {
    const SIDE: usize = 32;
    let [channels, height, width] = shape;
    let features = features_of_each(weights, shape, classes)?;
    let color = if channels == 1 { ColorType::Grayscale } else { ColorType::Rgb };
    let longest = height.max(width);
    let zoom = Zoom::new(longest, longest.min(SIDE));
    let picture = |template: &[f32]| {
        let planes = planes(template, height, width, zoom);
        let pixel = |at: usize| planes.iter().map(move |plane| to_byte(plane.values[at]));
        let (width, height) = (zoom.size(width), zoom.size(height));
        let bytes: Vec<u8> = (0..width * height).flat_map(pixel).collect();
        Ok(to_png(&bytes, width, height, color)?)
    };
    weights.chunks_exact(features).map(picture).collect()
}

/// D, if the weights are those of so many classes of images that can be drawn.
fn features_of_each(weights: &[f32], shape: [usize; 3], classes: usize) -> Result<usize, TemplatesError> {
    let [channels, height, width] = shape;
    if channels != 1 && channels != 3 {
        return Err(TemplatesError::Channels(channels));
    }
    if classes == 0 || height == 0 || width == 0 {
        return Err(TemplatesError::Empty { classes, height, width });
    }
    let features = channels.checked_mul(height).and_then(|planes| planes.checked_mul(width));
    features.filter(|n| n.checked_mul(classes) == Some(weights.len())).ok_or(TemplatesError::Weights {
        classes,
        channels,
        height,
        width,
        found: weights.len(),
    })
}

/// Around the sheet and between its columns.
const PADDING: usize = 12;
/// Between a picture and its name.
const TEXT_GAP: usize = 4;
/// Names of eight letters fit under pictures however small.
const LEAST_CELL: usize = 64;

/// Where everything lies on the sheet, in pixels.
struct Layout {
    classes: usize,
    columns: usize,
    zoom: Zoom,
    picture_width: usize,
    picture_height: usize,
    cell_width: usize,
}

impl Layout {
    fn new(classes: usize, height: usize, width: usize) -> Self {
        // (columns, longest side of a picture)
        let (columns, side) = match classes {
            ..=25 => (5, 128),
            26..=100 => (10, 96),
            _ => (25, 64),
        };
        let zoom = Zoom::new(height.max(width), side);
        let (picture_height, picture_width) = (zoom.size(height), zoom.size(width));
        Self {
            classes,
            columns: columns.min(classes),
            zoom,
            picture_width,
            picture_height,
            cell_width: picture_width.max(LEAST_CELL),
        }
    }

    fn cell_height(&self) -> usize {
        self.picture_height + TEXT_GAP + LINE_HEIGHT
    }

    fn sheet_width(&self) -> usize {
        PADDING + self.columns * (self.cell_width + PADDING)
    }

    fn sheet_height(&self) -> usize {
        PADDING + self.classes.div_ceil(self.columns) * (self.cell_height() + PADDING)
    }

    /// Left and top of a class.
    fn cell(&self, class: usize) -> (usize, usize) {
        let (row, column) = (class / self.columns, class % self.columns);
        (PADDING + column * (self.cell_width + PADDING), PADDING + row * (self.cell_height() + PADDING))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn names(count: usize) -> Vec<String> {
        (0..count).map(|k| format!("class {k}")).collect()
    }

    struct Decoded {
        width: usize,
        height: usize,
        channels: usize,
        bytes: Vec<u8>,
    }

    impl Decoded {
        fn pixel(&self, (x, y): (usize, usize)) -> &[u8] {
            let at = (y * self.width + x) * self.channels;
            &self.bytes[at..at + self.channels]
        }
    }

    fn decode(file: &[u8]) -> Decoded {
        let mut reader = png::Decoder::new(std::io::Cursor::new(file)).read_info().expect("a PNG header");
        let mut bytes = vec![0; reader.output_buffer_size().expect("a size")];
        let info = reader.next_frame(&mut bytes).expect("a frame");
        let channels = info.color_type.samples();
        Decoded { width: info.width as usize, height: info.height as usize, channels, bytes }
    }

    fn draw(weights: &[f32], shape: [usize; 3], class_names: &[String]) -> Decoded {
        decode(&render(weights, shape, class_names).expect("a picture"))
    }

    /// The centre on the sheet of pixel (x, y) of a class of 32 x 32 images in a sheet of few classes.
    fn center(class: usize, x: usize, y: usize) -> (usize, usize) {
        let cell = (128 + PADDING, 128 + TEXT_GAP + LINE_HEIGHT + PADDING);
        (PADDING + class % 5 * cell.0 + 4 * x + 2, PADDING + class / 5 * cell.1 + 4 * y + 2)
    }

    #[test]
    fn ten_cifar_classes_fill_two_rows_of_five() {
        let picture = draw(&vec![0.5; 10 * 3072], [3, 32, 32], &names(10));
        assert_eq!((picture.width, picture.height, picture.channels), (12 + 5 * 140, 12 + 2 * 160, 3));
    }

    /// One marked weight per channel, at places that no transposition, flip or mix-up of channels maps onto
    /// one another.
    #[test]
    fn every_weight_lands_at_its_own_pixel() {
        let mut weights = vec![0.0; 7 * 3072];
        let marks = [(0, 3, 20, 1.0), (1, 25, 6, 1.0), (2, 11, 30, -1.0)];
        for (channel, x, y, weight) in marks {
            weights[6 * 3072 + channel * 1024 + y * 32 + x] = weight;
        }
        let picture = draw(&weights, [3, 32, 32], &names(7));
        for (channel, x, y, weight) in marks {
            let pixel = picture.pixel(center(6, x, y));
            for (c, byte) in pixel.iter().enumerate() {
                match (c == channel, weight > 0.0) {
                    (true, true) => assert!(*byte > 225, "channel {channel}: {pixel:?}"),
                    (true, false) => assert!(*byte < 30, "channel {channel}: {pixel:?}"),
                    (false, _) => assert_eq!(*byte, 128, "channel {channel}: {pixel:?}"),
                }
            }
        }
        assert_eq!(picture.pixel(center(6, 20, 3)), [128; 3]);
        assert_eq!(picture.pixel(center(1, 25, 6)), [128; 3]);
    }

    #[test]
    fn each_class_is_scaled_on_its_own_and_outliers_are_cut() {
        let mut weights = vec![1.0; 1024];
        weights.extend(vec![1000.0; 1024]);
        weights[0] = 1e9;
        weights[40] = -0.5;
        weights[1024 + 500] = f32::NAN;
        weights[1024 + 600] = f32::INFINITY;
        let picture = draw(&weights, [1, 32, 32], &names(2));
        assert_eq!(picture.channels, 1);
        assert_eq!(picture.pixel(center(0, 20, 20)), [255]);
        assert_eq!(picture.pixel(center(1, 2, 2)), [255]);
        let near = |pixel: &[u8], expected: u8| assert!(pixel[0].abs_diff(expected) < 30, "{pixel:?}");
        near(picture.pixel(center(0, 8, 1)), 64);
        near(picture.pixel(center(1, 500 % 32, 500 / 32)), 128);
        near(picture.pixel(center(1, 600 % 32, 600 / 32)), 128);
    }

    #[test]
    fn zero_weights_are_mid_grey_on_white() {
        let picture = draw(&[0.0; 3072], [3, 32, 32], &[String::new()]);
        assert_eq!(picture.pixel((0, 0)), [255; 3]);
        assert_eq!(picture.pixel(center(0, 0, 0)), [128; 3]);
        assert_eq!(picture.pixel(center(0, 31, 31)), [128; 3]);
    }

    #[test]
    fn a_thousand_classes_and_large_images_are_shrunk() {
        let picture = draw(&vec![0.1; 1000 * 16], [1, 4, 4], &names(1000));
        assert_eq!((picture.width, picture.height), (12 + 25 * 76, 12 + 40 * 96));
        let picture = draw(&vec![0.1; 500 * 300], [1, 500, 300], &names(1));
        assert_eq!((picture.width, picture.height), (12 + 75 + 12, 12 + 125 + 20 + 12));
    }

    #[test]
    fn pictures_are_the_templates_as_they_are() {
        let mut weights = vec![0.0; 2 * 3 * 6];
        weights[18 + 6 + 4] = 1.0;
        weights[18 + 12 + 3] = -1.0;
        let files = pictures(&weights, [3, 2, 3], 2).expect("pictures");
        let [first, second] = [&files[0], &files[1]].map(|file| decode(file));
        assert_eq!((first.width, first.height, first.channels), (3, 2, 3));
        assert!(first.bytes.iter().all(|byte| *byte == 128));
        assert_eq!((second.pixel((1, 1)), second.pixel((0, 1))), (&[128, 255, 128][..], &[128, 128, 0][..]));
        let large = pictures(&vec![0.1; 224 * 100], [1, 224, 100], 1).expect("pictures");
        let large = decode(&large[0]);
        assert_eq!((large.width, large.height), (15, 32));
    }

    #[test]
    fn bad_input_is_an_error() {
        let message = |weights: usize, shape, classes| {
            render(&vec![0.0; weights], shape, &names(classes)).expect_err("an error").to_string()
        };
        assert_eq!(
            message(11, [3, 2, 2], 1),
            "weights of 1 classes of 3 x 2 x 2 images expected, found 11 numbers"
        );
        assert!(message(12, [3, usize::MAX, 2], 1).starts_with("weights of"));
        assert_eq!(message(8, [2, 2, 2], 1), "images of 1 or 3 channels expected, found 2");
        assert_eq!(message(0, [3, 2, 2], 0), "nothing to draw: 0 classes of 2 x 2 images");
        assert_eq!(message(0, [3, 0, 2], 1), "nothing to draw: 1 classes of 0 x 2 images");
        assert_eq!(message(200_000, [1, 1, 1], 200_000), "200000 classes are too many for one picture");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(8))]

        #[test]
        fn any_weights_and_names_give_the_same_png_twice(
            names in prop::collection::vec(any::<String>(), 1..8),
            (height, width) in (1_usize..9, 1_usize..9),
            seed in any::<u32>(),
        ) {
            let count = (names.len() * height * width) as u32;
            let bits = (0..count).map(|i| f32::from_bits(seed.wrapping_add(i.wrapping_mul(0x9e37_79b9))));
            let weights: Vec<f32> = bits.collect();
            let first = render(&weights, [1, height, width], &names).expect("a picture");
            prop_assert_eq!(&first, &render(&weights, [1, height, width], &names).expect("a picture"));
            decode(&first);
        }
    }
}
