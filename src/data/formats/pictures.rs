//! Pictures, PNG or JPEG: a folder for each class, its name the class's.
//!
//! `train` and `test` may stand above the classes. Pictures of another size than asked for are resized; if all are
//! grey they have one channel, else three. Transparency and orientation marks are ignored, as torchvision's
//! `ImageFolder` does.

use super::element::side_by_side;
use super::flaw::Flaw;
use super::input::{Input, MOST_RATIO};
use super::labels::Labels;
use super::names::{Part, part_of};
use super::resize::resize;
use super::table::{Contents, Parts, Table};
use crate::data::{DataError, Features, Shape};
use png::{ColorType, Transformations};
use std::fs;
use std::io::Cursor;
use std::path::{Path, PathBuf};
use zune_jpeg::JpegDecoder;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

/// Pixels of a side, at most.
const MOST_SIDE: usize = 16_384;
/// Bytes of a picture's file, at most.
const LARGEST: usize = 1 << 28;

/// Whether `bytes` begin as a picture does.
pub fn is_picture(bytes: &[u8]) -> bool {
    bytes.starts_with(b"\x89PNG\r\n\x1a\n") || bytes.starts_with(&[0xff, 0xd8, 0xff])
}

/// A picture: one plane a channel.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Picture {
    /// Width and height.
    size: [usize; 2],
    /// One plane if it is grey, else three.
    planes: Vec<Vec<u8>>,
}

/// Whether `folder` has subfolders with pictures, directly or below `train`.
pub fn is_here(folder: &Path) -> bool {
    let holds = |folder: &Path| {
        let mut files = list(folder).unwrap_or_default().into_iter().filter(|path| path.is_file());
        files.any(|path| read_head(&path).is_some_and(|head| is_picture(&head)))
    };
    let subfolders = |folder: &Path| -> Vec<PathBuf> {
        list(folder).unwrap_or_default().into_iter().filter(|path| path.is_dir()).collect()
    };
    let below = subfolders(folder);
    below.iter().any(|folder| holds(folder))
        || below.iter().any(|part| subfolders(part).iter().any(|class| holds(class)))
}

fn read_head(path: &Path) -> Option<Vec<u8>> {
    use std::io::Read;
    let mut head = Vec::new();
    fs::File::open(path).ok()?.take(8).read_to_end(&mut head).ok()?;
    Some(head)
}

/// The entries of a folder but hidden ones, by name.
fn list(folder: &Path) -> Result<Vec<PathBuf>, DataError> {
    let io = |error| DataError::Unreadable { path: folder.into(), error };
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder).map_err(io)? {
        let entry = entry.map_err(io)?;
        if !entry.file_name().to_string_lossy().starts_with('.') {
            paths.push(entry.path());
        }
    }
    paths.sort();
    Ok(paths)
}

/// Files of pictures and the class of each.
#[derive(Default)]
struct Files {
    /// The folder they are in.
    folder: PathBuf,
    paths: Vec<PathBuf>,
    labels: Labels,
    /// Files that are no pictures.
    others: usize,
}

/// Loads the pictures below `folder`; `size` is the width and height they are resized to.
///
/// # Errors
/// [`DataError`] when there is none, one is damaged, or they differ in size and none is asked for.
pub fn load(folder: &Path, size: Option<[usize; 2]>) -> Result<Contents, DataError> {
    let folders: Vec<PathBuf> = list(folder)?.into_iter().filter(|path| path.is_dir()).collect();
    let part = |path: &PathBuf| part_of(&[&name_of(path).to_lowercase()]);
    let mut named = [Part::Train, Part::Test, Part::Validation]
        .map(|part_wanted| folders.iter().find(|path| part(path) == part_wanted));
    let mut notes = Vec::new();
    if let [Some(_), test @ None, Some(held_out)] = &mut named {
        notes.push(format!("there is no folder test: the pictures in {} take its place", name_of(held_out)));
        *test = Some(held_out);
    }
    let [train, test, _] = named;
    let files = match (train, test) {
        (Some(train), Some(test)) => vec![files(train)?, files(test)?],
        _ => vec![files(folder)?],
    };
    let others: usize = files.iter().map(|files| files.others).sum();
    if others > 0 {
        notes.push(format!("{others} files that are no PNG or JPEG are left out"));
    }
    let mut tables = decode(&files, size)?;
    let last = tables.pop();
    let parts = match (tables.pop(), last) {
        (Some(train), Some(test)) => Parts::Both { train, test },
        (_, Some(only)) => Parts::One(only),
        (_, None) => unreachable!("a table for each list of files"),
    };
    Ok(Contents { parts, class_names: None, notes })
}

/// Reads pictures to predict: one file, or those in a folder, in folders of classes or not. They get the `size` and
/// the number of `channels` that a model has.
///
/// # Errors
/// As [`load`].
pub fn load_inputs(path: &Path, size: [usize; 2], channels: usize) -> Result<Table, DataError> {
    let mut files = Files::default();
    let mut labelled = false;
    if path.is_file() {
        files.paths.push(path.into());
    } else {
        files = self::files(path)?;
        labelled = !files.paths.is_empty();
        if !labelled {
            let pictures =
                |path: &PathBuf| path.is_file() && read_head(path).is_some_and(|head| is_picture(&head));
            files.paths = list(path)?.into_iter().filter(pictures).collect();
        }
    }
    if files.paths.is_empty() {
        return Err(no_pictures(path));
    }
    let pictures = decode_all(&files.paths, Some(size))?;
    let labels = labelled.then_some(files.labels);
    Ok(table(&pictures, channels, labels))
}

fn name_of(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

fn no_pictures(folder: &Path) -> DataError {
    let flaw = Flaw::whole("no pictures", "a folder for each class with PNG or JPEG files")
        .hint("the names of the folders are the names of the classes");
    DataError::Content { path: folder.into(), flaw }
}

/// The pictures in the subfolders of `folder`.
fn files(folder: &Path) -> Result<Files, DataError> {
    let mut files = Files { folder: folder.into(), ..Files::default() };
    for class in list(folder)?.into_iter().filter(|path| path.is_dir()) {
        let before = files.paths.len();
        for path in list(&class)? {
            if path.is_file() && read_head(&path).is_some_and(|head| is_picture(&head)) {
                files.paths.push(path);
            } else {
                files.others += 1;
            }
        }
        if files.paths.len() > before {
            let place = files.labels.texts.len() as u32;
            files.labels.texts.push(name_of(&class));
            files.labels.of.resize(files.paths.len(), place);
        }
    }
    Ok(files)
}

/// A table for each list of files, all of one size and as many channels.
fn decode(files: &[Files], size: Option<[usize; 2]>) -> Result<Vec<Table>, DataError> {
    let mut decoded = Vec::new();
    let mut size_of_all = size;
    for files in files {
        let pictures = decode_all(&files.paths, size)?;
        for (picture, path) in pictures.iter().zip(&files.paths) {
            let same = check_same(picture, *size_of_all.get_or_insert(picture.size));
            same.map_err(|flaw| DataError::Content { path: path.clone(), flaw })?;
        }
        if pictures.is_empty() {
            return Err(no_pictures(&files.folder));
        }
        decoded.push(pictures);
    }
    let channels = decoded.iter().flatten().map(|picture| picture.planes.len()).max().unwrap_or(1);
    let tables = decoded
        .iter()
        .zip(files)
        .map(|(pictures, files)| table(pictures, channels, Some(files.labels.clone())));
    Ok(tables.collect())
}

fn table(pictures: &[Picture], channels: usize, labels: Option<Labels>) -> Table {
    let [width, height] = pictures.first().map_or([0, 0], |picture| picture.size);
    let mut pixels = Vec::with_capacity(pictures.len() * channels * width * height);
    for picture in pictures {
        match (&picture.planes[..], channels) {
            // A grey picture among coloured ones has three equal planes.
            ([grey], channels) => (0..channels).for_each(|_| pixels.extend_from_slice(grey)),
            ([red, green, blue], 1) => pixels.extend(
                // Rec. 601's luma, as PIL's convert("L") has it.
                red.iter().zip(green).zip(blue).map(|((&r, &g), &b)| {
                    ((u32::from(r) * 19_595 + u32::from(g) * 38_470 + u32::from(b) * 7_471 + 0x8000) >> 16)
                        as u8
                }),
            ),
            (planes, _) => planes.iter().for_each(|plane| pixels.extend_from_slice(plane)),
        }
    }
    Table {
        features: Features::Bytes(pixels),
        shape: Shape::Image { channels, height, width },
        labels,
        weights: None,
    }
}

fn check_same(picture: &Picture, expected: [usize; 2]) -> Result<(), Flaw> {
    if picture.size == expected {
        return Ok(());
    }
    let show = |[width, height]: [usize; 2]| format!("{width} x {height} pixels");
    let expected = format!("{} as the pictures before it", show(expected));
    Err(Flaw::whole(show(picture.size), expected).hint("--size 32 resizes all pictures to 32 x 32"))
}

/// Pictures whose encoded bytes are inside another file.
#[cfg(feature = "parquet")]
#[derive(Default)]
pub struct Album(Vec<Picture>);

#[cfg(feature = "parquet")]
impl Album {
    /// How many there are.
    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// Decodes `encoded` side by side, and resizes them to `size`.
    ///
    /// # Errors
    /// [`Flaw`] at the `place` of one that is damaged, or, without `size`, of another size than those before it.
    pub fn add(
        &mut self,
        encoded: &[&[u8]],
        size: Option<[usize; 2]>,
        place: impl Fn(usize) -> String,
    ) -> Result<(), Flaw> {
        let decode = |bytes: &[u8]| {
            if !is_picture(bytes) {
                return Err(Flaw::whole("bytes that begin like neither", "a PNG or a JPEG"));
            }
            Ok(parse(bytes)?.fit(size))
        };
        for (at, picture) in on_all_cores(encoded, |&bytes| decode(bytes)).into_iter().enumerate() {
            let expected = self.0.first().map(|first| first.size);
            let checked = picture
                .and_then(|picture| check_same(&picture, expected.unwrap_or(picture.size)).map(|()| picture));
            self.0.push(checked.map_err(|flaw| flaw.within(&place(at)))?);
        }
        Ok(())
    }

    /// All of them, with so many `channels`; without that one if all are grey, and three if not.
    ///
    /// # Errors
    /// [`Flaw`] when there is none.
    pub fn table(&self, channels: Option<usize>, labels: Option<Labels>) -> Result<Table, Flaw> {
        let most = self.0.iter().map(|picture| picture.planes.len()).max();
        let most = most.ok_or_else(|| Flaw::whole("no pictures", "at least one"))?;
        Ok(table(&self.0, channels.unwrap_or(most), labels))
    }
}

/// Does `work` on each item, on all cores, and returns what comes of them in order.
fn on_all_cores<T: Sync, R: Send>(items: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let threads: usize = std::thread::available_parallelism().map_or(1, Into::into);
    let parts = items.chunks(items.len().div_ceil(threads).max(1));
    let results = side_by_side(parts, |items| items.iter().map(&work).collect::<Vec<R>>());
    results.into_iter().flatten().collect()
}

/// Decodes the files side by side, and resizes them to `size`.
fn decode_all(paths: &[PathBuf], size: Option<[usize; 2]>) -> Result<Vec<Picture>, DataError> {
    on_all_cores(paths, |path| read(path, size)).into_iter().collect()
}

fn read(path: &Path, size: Option<[usize; 2]>) -> Result<Picture, DataError> {
    let input = Input::open(path)?;
    Ok(decoded(&input)?.fit(size))
}

impl Picture {
    /// The same of the size that is asked for.
    fn fit(self, size: Option<[usize; 2]>) -> Self {
        let Some(size) = size.filter(|size| *size != self.size) else { return self };
        let planes = self.planes.iter().map(|plane| resize(plane, self.size, size)).collect();
        Self { size, planes }
    }
}

/// Decodes a picture's file.
fn decoded(input: &Input) -> Result<Picture, DataError> {
    let bytes = input.bytes(LARGEST).map_err(|trouble| input.error(trouble))?;
    parse(&bytes).map_err(|flaw| input.error(flaw))
}

/// Reads the one picture of `input` as an example.
pub(crate) fn load_one(input: &Input) -> Result<Table, DataError> {
    let picture = decoded(input)?;
    let channels = picture.planes.len();
    Ok(table(&[picture], channels, None))
}

/// Decodes a picture.
fn parse(bytes: &[u8]) -> Result<Picture, Flaw> {
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
mod tests {
    use super::*;

    /// A PNG file.
    fn png_of(color: ColorType, width: u32, pixels: &[u8]) -> Vec<u8> {
        let mut bytes = Vec::new();
        let height = pixels.len() as u32 / width / color.samples() as u32;
        let mut encoder = png::Encoder::new(&mut bytes, width, height);
        encoder.set_color(color);
        encoder.write_header().and_then(|mut writer| writer.write_image_data(pixels)).expect("encodes");
        bytes
    }

    fn folder(files: &[(&str, Vec<u8>)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().expect("a temporary folder");
        for (name, bytes) in files {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
            fs::write(path, bytes).expect("writes");
        }
        folder
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

    #[test]
    fn folders_are_classes_and_parts() {
        let red = png_of(ColorType::Rgb, 1, &[255, 0, 0, 9, 9, 9]);
        let grey = png_of(ColorType::Grayscale, 1, &[7, 8]);
        let folder = folder(&[
            ("train/dog/b.png", grey.clone()),
            ("train/cat/a.png", red.clone()),
            ("train/cat/notes.txt", b"hello".to_vec()),
            ("train/cat/.hidden", b"hello".to_vec()),
            ("test/dog/c.png", grey),
        ]);
        assert!(is_here(folder.path()));
        let contents = load(folder.path(), None).expect("loads");
        let Parts::Both { train, test } = contents.parts else { panic!("both") };
        assert_eq!(train.features, Features::Bytes(vec![255, 9, 0, 9, 0, 9, 7, 8, 7, 8, 7, 8]));
        assert_eq!(train.shape, Shape::Image { channels: 3, height: 2, width: 1 });
        assert_eq!(train.labels.expect("labels").texts, ["cat", "dog"]);
        assert_eq!(test.features, Features::Bytes(vec![7, 8, 7, 8, 7, 8]));
        assert_eq!(contents.notes, ["1 files that are no PNG or JPEG are left out"]);

        let table = load_inputs(&folder.path().join("train/cat/a.png"), [1, 1], 1).expect("reads");
        assert_eq!((table.rows(), table.labels), (1, None));
        assert_eq!(load_inputs(&folder.path().join("train"), [2, 2], 3).expect("reads").rows(), 2);
    }

    #[test]
    fn sizes_must_agree_or_be_asked_for() {
        let folder = folder(&[
            ("cat/a.png", png_of(ColorType::Grayscale, 1, &[7, 8])),
            ("dog/b.png", png_of(ColorType::Grayscale, 2, &[7, 8])),
        ]);
        let error = load(folder.path(), None).expect_err("two sizes").to_string();
        assert!(
            error.contains("b.png: found 2 x 1 pixels, expected 1 x 2 pixels as the pictures before"),
            "{error}"
        );
        let contents = load(folder.path(), Some([2, 2])).expect("resizes");
        let Parts::One(table) = contents.parts else { panic!("one") };
        assert_eq!(table.features, Features::Bytes(vec![7, 7, 8, 8, 7, 8, 7, 8]));
    }
}
