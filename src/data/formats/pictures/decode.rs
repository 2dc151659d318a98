//! One picture: its planes, decoded from a PNG or a JPEG.

use super::resize::resize;
use crate::data::formats::flaw::Flaw;
use crate::data::formats::input::MOST_RATIO;
use png::{ColorType, Transformations};
use std::io::Cursor;
use zune_jpeg::JpegDecoder;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

/// Pixels of a side, at most.
const MOST_SIDE: usize = 16_384;
/// A picture: one plane a channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    /// Width and height.
    pub size: [usize; 2],
    /// One plane if it is grey, else three.
    pub planes: Vec<Vec<u8>>,
}

impl Picture {
    /// The same of the size that is asked for.
    pub fn fit(self, size: Option<[usize; 2]>) -> Self {
        let Some(size) = size.filter(|size| *size != self.size) else { return self };
        let planes = self.planes.iter().map(|plane| resize(plane, self.size, size)).collect();
        Self { size, planes }
    }
}

/// Whether `bytes` begin as a picture does.
pub fn is_picture(bytes: &[u8]) -> bool {
    bytes.starts_with(b"\x89PNG\r\n\x1a\n") || bytes.starts_with(&[0xff, 0xd8, 0xff])
}

/// Decodes a picture.
pub fn parse(bytes: &[u8]) -> Result<Picture, Flaw> {
    if bytes.starts_with(b"\x89PNG") { parse_png(bytes) } else { parse_jpeg(bytes) }
}

fn damaged(message: String) -> Flaw {
    damaged_as(message, "a whole picture")
}

fn damaged_as(found: String, expected: &str) -> Flaw {
    Flaw::whole(found, expected).hint("open it in another program, or leave it out")
}

/// Makes sure that a picture of `packed` bytes may have such extents, and so many bytes to unpack, before memory is
/// taken for them.
fn check_size(width: usize, height: usize, unpacked: usize, packed: usize) -> Result<(), Flaw> {
    let sides = 1..=MOST_SIDE;
    if !sides.contains(&width) || !sides.contains(&height) {
        return Err(Flaw::whole(format!("{width} x {height} pixels"), format!("1 to {MOST_SIDE} a side")));
    }
    if unpacked as u64 > (packed as u64).saturating_mul(MOST_RATIO) {
        let found = format!("{packed} bytes for {width} x {height} pixels");
        return Err(damaged_as(found, "what can be compressed so far"));
    }
    Ok(())
}

fn parse_png(bytes: &[u8]) -> Result<Picture, Flaw> {
    let error = |error: png::DecodingError| damaged(error.to_string());
    let mut decoder = png::Decoder::new(Cursor::new(bytes));
    decoder.set_transformations(Transformations::EXPAND | Transformations::STRIP_16);
    let mut reader = decoder.read_info().map_err(error)?;
    let info = reader.info();
    let (width, height) = (info.width as usize, info.height as usize);
    check_size(width, height, info.raw_row_length().saturating_mul(height), bytes.len())?;
    let size = reader.output_buffer_size().ok_or_else(|| damaged("too many pixels".into()))?;
    let mut pixels = vec![0; size];
    let frame = reader.next_frame(&mut pixels).map_err(error)?;
    let samples = frame.color_type.samples();
    let channels = match frame.color_type {
        ColorType::Grayscale | ColorType::GrayscaleAlpha => 1,
        _ => 3,
    };
    Ok(planes([width, height], &pixels[..frame.buffer_size()], samples, channels))
}

fn parse_jpeg(bytes: &[u8]) -> Result<Picture, Flaw> {
    let error = |error: zune_jpeg::errors::DecodeErrors| {
        let message = error.to_string();
        damaged(message.lines().next().unwrap_or_default().to_owned())
    };
    let options =
        DecoderOptions::default().set_max_width(MOST_SIDE).set_max_height(MOST_SIDE).set_strict_mode(true);
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(bytes), options);
    decoder.decode_headers().map_err(error)?;
    let info = decoder.info().ok_or_else(|| damaged("no size".into()))?;
    let (width, height) = (usize::from(info.width), usize::from(info.height));
    // 64 pixels take a bit at least: this allows half of one.
    check_size(width, height, width * height, bytes.len())?;
    let grey = decoder.input_colorspace() == Some(ColorSpace::Luma);
    let channels = if grey { 1 } else { 3 };
    decoder.set_options(options.jpeg_set_out_colorspace(if grey {
        ColorSpace::Luma
    } else {
        ColorSpace::RGB
    }));
    let pixels = decoder.decode().map_err(error)?;
    if pixels.len() != width * height * channels {
        return Err(damaged(format!("{} bytes for {width} x {height} pixels", pixels.len())));
    }
    Ok(planes([width, height], &pixels, channels, channels))
}

/// The first `channels` of `samples` that each pixel has, a plane for each.
fn planes(size: [usize; 2], pixels: &[u8], samples: usize, channels: usize) -> Picture {
    let plane = |channel: usize| pixels.iter().skip(channel).step_by(samples).copied().collect();
    Picture { size, planes: (0..channels).map(plane).collect() }
}

#[cfg(test)]
pub mod tests {
    use super::*;

    /// A PNG file.
    pub fn png_of(color: ColorType, width: u32, pixels: &[u8]) -> Vec<u8> {
        let mut bytes = Vec::new();
        let height = pixels.len() as u32 / width / color.samples() as u32;
        let mut encoder = png::Encoder::new(&mut bytes, width, height);
        encoder.set_color(color);
        encoder.write_header().and_then(|mut writer| writer.write_image_data(pixels)).expect("encodes");
        bytes
    }

    #[test]
    fn planes_are_taken_apart() {
        let rgba = png_of(ColorType::Rgba, 2, &[1, 2, 3, 255, 4, 5, 6, 0]);
        let expected = Picture { size: [2, 1], planes: vec![vec![1, 4], vec![2, 5], vec![3, 6]] };
        assert_eq!(parse(&rgba), Ok(expected));
        let grey = png_of(ColorType::Grayscale, 1, &[7, 8]);
        assert_eq!(parse(&grey), Ok(Picture { size: [1, 2], planes: vec![vec![7, 8]] }));
        for cut in 0..rgba.len() - 12 {
            assert!(parse(&rgba[..cut]).is_err(), "cut at {cut}");
        }
    }

    /// 8 x 8 pixels of grey 77, by Pillow 13: `Image.new("L", (8, 8), 77).save(..., quality=50, optimize=True)`.
    const JPEG: &str = "ffd8ffe000104a46494600010100000100010000ffdb004300100b0c0e0c0a100e0d0e1211101318\
        281a181616183123251d283a333d3c3933383740485c4e404457453738506d51575f626768673e4d\
        71797064785c656763ffc0000b080008000801011100ffc400140001000000000000000000000000\
        00000005ffc40014100100000000000000000000000000000000ffda0008010100003f0015ffd9";

    #[test]
    fn jpeg_is_decoded_or_refused() {
        let digits = JPEG.as_bytes();
        let byte = |pair: &[u8]| {
            u8::from_str_radix(std::str::from_utf8(pair).expect("ASCII"), 16).expect("hexadecimal")
        };
        let bytes: Vec<u8> = digits.chunks(2).map(byte).collect();
        let picture = parse(&bytes).expect("decodes");
        assert_eq!((picture.size, picture.planes.len()), ([8, 8], 1));
        assert!(picture.planes[0].iter().all(|pixel| pixel.abs_diff(77) <= 2), "{picture:?}");
        for cut in [3, 20, 60, 100, 130, 150] {
            assert!(parse(&bytes[..cut]).is_err(), "cut at {cut}");
        }
    }
}
