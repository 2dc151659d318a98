//! Pixels as PNG files: of grey, red-green-blue, or one color of varying strength.

pub use png::{ColorType, EncodingError};

/// Pixels of as many bytes as `color` has, row by row, as a PNG file of `width` x `height`.
///
/// # Errors
/// If there are more or fewer bytes than that.
pub fn to_png(bytes: &[u8], width: usize, height: usize, color: ColorType) -> Result<Vec<u8>, EncodingError> {
    let mut file = Vec::new();
    let side = |pixels: usize| u32::try_from(pixels).unwrap_or(u32::MAX);
    let mut encoder = png::Encoder::new(&mut file, side(width), side(height));
    encoder.set_color(color);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_compression(png::Compression::Fast);
    let mut writer = encoder.write_header()?;
    writer.write_image_data(bytes)?;
    writer.finish()?;
    Ok(file)
}

/// One example as a PNG file: `planes` are its channels one after the other, each row by row, as data sets have them;
/// `shape` is (channels, height, width). `None` for other than 1 or 3 channels, which are no picture.
///
/// # Errors
/// If there are more or fewer bytes than the shape says.
pub fn example_png(planes: &[u8], shape: [usize; 3]) -> Result<Option<Vec<u8>>, EncodingError> {
    let [channels, height, width] = shape;
    let color = match channels {
        1 => ColorType::Grayscale,
        3 => ColorType::Rgb,
        _ => return Ok(None),
    };
    let size = height * width;
    let pixel = |at: usize| (0..channels).filter_map(move |channel| planes.get(channel * size + at).copied());
    let bytes: Vec<u8> = (0..size).flat_map(pixel).collect();
    to_png(&bytes, width, height, color).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decode(file: &[u8]) -> (u32, u32, Vec<u8>) {
        let mut reader = png::Decoder::new(std::io::Cursor::new(file)).read_info().expect("a PNG header");
        let mut bytes = vec![0; reader.output_buffer_size().expect("a size")];
        let info = reader.next_frame(&mut bytes).expect("a frame");
        (info.width, info.height, bytes)
    }

    /// Every channel and place has a value of its own: a transposition or a mix-up of channels would show.
    #[test]
    fn planes_become_pixels() {
        let planes = [1, 2, 3, 4, 5, 6, 11, 12, 13, 14, 15, 16, 21, 22, 23, 24, 25, 26];
        let file = example_png(&planes, [3, 2, 3]).expect("encodes").expect("a picture");
        let pixels = [1, 11, 21, 2, 12, 22, 3, 13, 23, 4, 14, 24, 5, 15, 25, 6, 16, 26];
        assert_eq!(decode(&file), (3, 2, pixels.to_vec()));
    }

    #[test]
    fn what_is_no_picture_is_none_or_an_error() {
        assert!(example_png(&[1, 2], [2, 1, 1]).expect("no error").is_none());
        assert!(example_png(&[1, 2], [1, 2, 2]).is_err());
        assert!(to_png(&[], 0, 0, ColorType::Rgb).is_err());
    }
}
