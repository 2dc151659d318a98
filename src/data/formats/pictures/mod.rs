//! Pictures, PNG or JPEG: a folder for each class, its name the class's.
//!
//! `train` and `test` may stand above the classes. Pictures of another size than asked for are resized; if all are
//! grey they have one channel, else three. Transparency and orientation marks are ignored, as torchvision's
//! `ImageFolder` does.

#[cfg(feature = "parquet")]
mod album;
mod decode;
mod resize;

#[cfg(feature = "parquet")]
pub use album::Album;
pub use decode::is_picture;

use super::flaw::Flaw;
use super::input::Input;
use super::labels::Labels;
use super::names::{Part, part_of};
use super::table::{Contents, Parts, Table};
use super::threads::{readers, side_by_side};
use crate::data::{DataError, Features, Shape};
use decode::{Picture, parse};
use std::fs;
use std::path::{Path, PathBuf};

/// Bytes of a picture's file, at most.
const LARGEST: usize = 1 << 28;

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
    Ok(Contents { parts, class_names: None, feature_names: None, notes })
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

/// The rows of a table, of so many channels.
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

/// Makes sure that a picture has the size of those before it.
fn check_same(picture: &Picture, expected: [usize; 2]) -> Result<(), Flaw> {
    if picture.size == expected {
        return Ok(());
    }
    let show = |[width, height]: [usize; 2]| format!("{width} x {height} pixels");
    let expected = format!("{} as the pictures before it", show(expected));
    Err(Flaw::whole(show(picture.size), expected).hint("--size 32 resizes all pictures to 32 x 32"))
}

/// Does `work` on each item, on all threads that may read, and returns what comes of them in order.
fn on_all_threads<T: Sync, R: Send>(items: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let threads = readers();
    let parts = items.chunks(items.len().div_ceil(threads).max(1));
    let results = side_by_side(parts, |items| items.iter().map(&work).collect::<Vec<R>>());
    results.into_iter().flatten().collect()
}

/// Decodes the files side by side, and resizes them to `size`.
fn decode_all(paths: &[PathBuf], size: Option<[usize; 2]>) -> Result<Vec<Picture>, DataError> {
    on_all_threads(paths, |path| read(path, size)).into_iter().collect()
}

fn read(path: &Path, size: Option<[usize; 2]>) -> Result<Picture, DataError> {
    let input = Input::open(path)?;
    Ok(decoded(&input)?.fit(size))
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

#[cfg(test)]
mod tests {
    use super::decode::tests::png_of;
    use super::*;
    use png::ColorType;

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
