//! CIFAR's layouts (Krizhevsky, "Learning Multiple Layers of Features from Tiny Images", 2009): the binary release and
//! the Python one, in a folder or straight from their archives.
//!
//! - 10 classes: `data_batch_1.bin` to `data_batch_5.bin`, `test_batch.bin`, `batches.meta.txt`; a
//!   record is one label byte and 3,072 pixel bytes;
//! - 100 classes: `train.bin`, `test.bin`, `coarse_label_names.txt`, `fine_label_names.txt`; a record
//!   is a coarse label, a fine label and 3,072 pixel bytes.
//!
//! The Python release has pickled dicts of the same numbers: `data_batch_1` to `data_batch_5`, `test_batch` and
//! `batches.meta`, or `train`, `test` and `meta`.
//!
//! Pixels are 32 x 32, all red, then green, then blue, each row by row. Class names and the number
//! of records come from the files; their sizes are checked before memory is taken.

pub mod archive;
mod folder;
mod layout;
mod python;
mod records;

pub use folder::is_here;
pub use layout::{Label, Layout};

use crate::data::formats::in_place::InPlace;
use crate::data::formats::input::Input;
use crate::data::{DataError, Dataset, Examples, Features, SampleWeights, Shape, Source};
use folder::{find, read_names};
use records::Record;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Every image.
pub const SHAPE: Shape = Shape::Image { channels: 3, height: 32, width: 32 };
const PIXELS: usize = 3 * 32 * 32;

/// A pickled batch larger than this is none.
const LARGEST: usize = 1 << 30;

/// Loads the data set in the folder `path`, or in the folder of the original archive's name inside it.
///
/// # Errors
/// [`DataError`] when files are missing, cut off or damaged, or have a label outside 0 to K - 1.
pub fn load(path: &Path, label: Option<Label>) -> Result<Dataset, DataError> {
    let (folder, layout) = find(path, label)?;
    dataset(folder, layout, |paths, classes| read_parts(layout, paths, classes))
}

/// As [`load`], but features stay in their files, which only the binary release allows.
///
/// # Errors
/// As [`load`].
pub fn in_place(path: &Path, label: Option<Label>) -> Result<Dataset<Examples<InPlace>>, DataError> {
    let (folder, layout) = find(path, label)?;
    if layout.is_python() {
        return Err(DataError::NotInPlace { path: folder, found: "pickled batches".into() });
    }
    dataset(folder, layout, |paths, classes| records::in_place(paths, layout.record(), classes))
}

/// The data set in `folder`, whose files `read` makes examples of, given the number of classes.
fn dataset<F>(
    folder: PathBuf,
    layout: Layout,
    read: impl Fn(&[PathBuf], usize) -> Result<Examples<F>, DataError>,
) -> Result<Dataset<Examples<F>>, DataError> {
    let class_names = read_names(&folder.join(layout.names_file()), layout)?;
    let train_paths: Vec<PathBuf> = layout.train_files().iter().map(|file| folder.join(file)).collect();
    let train = read(&train_paths, class_names.len())?;
    let test = read(&[folder.join(layout.test_file())], class_names.len())?;
    let notes =
        if layout.is_python() { Vec::new() } else { records::uneven_batches(&train_paths, layout.record())? };
    Ok(Dataset {
        name: layout.name().into(),
        source: Source::Path(folder),
        shape: SHAPE,
        class_names,
        feature_names: None,
        train,
        test,
        weights: SampleWeights::default(),
        notes,
    })
}

/// Reads what a model of `classes` classes is to predict: a file of records, with labels as in CIFAR's layouts or of
/// bare pixels, as its size tells; or a data folder, for its test examples. Tells whether they have labels.
///
/// # Errors
/// [`DataError`] when it cannot be read, is cut off, or has a label outside 0 to K - 1.
pub fn read_inputs(path: &Path, classes: usize, label: Option<Label>) -> Result<(Examples, bool), DataError> {
    let meta = fs::metadata(path).map_err(|error| unreadable(path, error))?;
    if meta.is_dir() {
        let (folder, layout) = find(path, label)?;
        let examples = read_parts(layout, &[folder.join(layout.test_file())], classes)?;
        return Ok((examples, true));
    }
    let own = label.map_or(Layout::Cifar10, Layout::Cifar100).record();
    let whole = |record: &Record| meta.len().is_multiple_of(record.len() as u64);
    // A size that fits both is taken for records as the model was trained on.
    let record = [own, Record::PIXELS].into_iter().find(whole).unwrap_or(own);
    let examples = records::read(&[path.to_path_buf()], record, classes)?;
    Ok((examples, record.label_at.is_some()))
}

/// Reads the files one after the other into one set.
fn read_parts(layout: Layout, paths: &[PathBuf], classes: usize) -> Result<Examples, DataError> {
    if !layout.is_python() {
        return records::read(paths, layout.record(), classes);
    }
    let (mut pixels, mut labels) = (Vec::new(), Vec::new());
    for path in paths {
        let input = Input::open(path)?;
        let bytes = input.bytes(LARGEST).map_err(|trouble| input.error(trouble))?;
        if pixels.is_empty() {
            pixels.reserve_exact(bytes.len() * paths.len());
        }
        archive::append(path, &bytes, layout, classes, &mut pixels, &mut labels)?;
    }
    Ok(Examples { features: Features::Bytes(pixels), labels, width: PIXELS })
}

fn unreadable(path: &Path, error: io::Error) -> DataError {
    DataError::Unreadable { path: path.into(), error }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A record whose pixels tell channel, row and column apart.
    fn record(labels: &[u8], salt: u8) -> Vec<u8> {
        let mut bytes = labels.to_vec();
        for channel in 0..3_u8 {
            for row in 0..32_u8 {
                bytes.extend((0..32_u8).map(|column| channel * 80 + row * 2 + u8::from(column > row) + salt));
            }
        }
        bytes
    }

    fn cifar10_folder(labels: &[u8]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().expect("a temporary folder");
        for batch in 1..=5_u8 {
            let bytes: Vec<u8> = labels.iter().flat_map(|&label| record(&[label], batch)).collect();
            fs::write(folder.path().join(format!("data_batch_{batch}.bin")), bytes).expect("write");
        }
        fs::write(folder.path().join("test_batch.bin"), record(&[1], 9)).expect("write");
        fs::write(folder.path().join("batches.meta.txt"), "cat\ndog\nfrog\n\n").expect("write");
        folder
    }

    #[test]
    fn reads_every_pixel_and_label_in_its_place() {
        let folder = cifar10_folder(&[2, 0]);
        let data = load(folder.path(), None).expect("loads");
        assert_eq!((data.train.len(), data.test.len(), data.classes()), (10, 1, 3));
        assert_eq!(data.train.labels, [2, 0].repeat(5));
        assert_eq!(data.class_names, ["cat", "dog", "frog"]);
        for batch in 1..=5_u8 {
            let example = usize::from(batch - 1) * 2 + 1;
            let Features::Bytes(pixels) = &data.train.features else { panic!("pixels are bytes") };
            assert_eq!(pixels[example * PIXELS..][..PIXELS], record(&[0], batch)[1..]);
        }
        assert_eq!(data.test.features, Features::Bytes(record(&[1], 9)[1..].to_vec()));
    }

    #[test]
    fn cifar100_takes_the_label_that_is_asked_for() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        for file in ["train.bin", "test.bin"] {
            fs::write(folder.path().join(file), record(&[1, 4], 0)).expect("write");
        }
        fs::write(folder.path().join("coarse_label_names.txt"), "a\nb\n").expect("write");
        fs::write(folder.path().join("fine_label_names.txt"), "p\nq\nr\ns\nt\n").expect("write");
        let labels =
            |label| load(folder.path(), label).map(|data| (data.train.labels, data.class_names.len()));
        assert_eq!(labels(None).expect("loads"), (vec![4], 5));
        assert_eq!(labels(Some(Label::Fine)).expect("loads"), (vec![4], 5));
        assert_eq!(labels(Some(Label::Coarse)).expect("loads"), (vec![1], 2));
    }

    #[test]
    fn a_cut_at_any_boundary_is_told_with_its_place() {
        let folder = cifar10_folder(&[0, 1]);
        let path = folder.path().join("data_batch_3.bin");
        let whole = fs::read(&path).expect("read");
        for cut in [0, 1, 2, PIXELS, PIXELS + 2, 2 * PIXELS + 1] {
            fs::write(&path, &whole[..cut]).expect("write");
            match load(folder.path(), None) {
                Err(DataError::Truncated { record, start, found, .. }) => {
                    assert_eq!(record as usize, cut / (PIXELS + 1));
                    assert_eq!((start + found) as usize, cut);
                }
                other => panic!("cut at {cut}: {other:?}"),
            }
        }
    }

    #[test]
    fn a_label_outside_the_classes_is_told_with_its_byte() {
        let folder = cifar10_folder(&[0, 3]);
        let error = load(folder.path(), None).expect_err("label 3 of 3 classes");
        assert!(
            matches!(error, DataError::LabelRange { record: 1, byte: 3073, found: 3, classes: 3, .. }),
            "{error}"
        );
    }

    #[test]
    fn equal_data_has_an_equal_digest_and_one_pixel_changes_it() {
        let folder = cifar10_folder(&[0, 1]);
        let mut data = load(folder.path(), None).expect("loads");
        let digest = data.digest();
        assert_eq!(digest, load(folder.path(), None).expect("loads").digest());
        let Features::Bytes(pixels) = &mut data.test.features else { panic!("pixels are bytes") };
        pixels[5] ^= 1;
        assert_ne!(digest, data.digest());
    }
}
