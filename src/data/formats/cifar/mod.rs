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
mod python;

use crate::data::formats::element::{Element, side_by_side};
use crate::data::formats::in_place::{self, InPlace};
use crate::data::formats::input::Input;
use crate::data::{DataError, Dataset, Examples, Features, SampleWeights, Shape, Source};
use clap::ValueEnum;
use serde::{Deserialize, Serialize};
use std::fs::{self, File};
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};

/// Every image.
pub const SHAPE: Shape = Shape::Image { channels: 3, height: 32, width: 32 };
const PIXELS: usize = 3 * 32 * 32;

/// Which of CIFAR-100's two labels to learn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Label {
    /// The 20 superclasses.
    Coarse,
    /// The 100 classes.
    Fine,
}

/// A data set's files and records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// Ten classes, records of bytes.
    Cifar10,
    /// A hundred classes, or twenty; records of bytes.
    Cifar100(Label),
    /// Ten classes, pickled.
    Python10,
    /// A hundred classes, or twenty; pickled.
    Python100(Label),
}

/// How a record begins, before its pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record {
    label_bytes: usize,
    /// Which of them is learned.
    label_at: Option<usize>,
}

impl Record {
    /// Nothing but pixels.
    const PIXELS: Self = Self { label_bytes: 0, label_at: None };

    /// Its bytes.
    fn len(self) -> usize {
        self.label_bytes + PIXELS
    }

    /// The label of record number `index`, which is below `classes`; 0 where it has none.
    fn label(self, path: &Path, index: u64, record: &[u8], classes: usize) -> Result<u16, DataError> {
        let Some(offset) = self.label_at else { return Ok(0) };
        let found = record[offset];
        if usize::from(found) < classes {
            return Ok(found.into());
        }
        let byte = index * self.len() as u64 + offset as u64;
        Err(DataError::LabelRange { path: path.into(), record: index, byte, found, classes })
    }

    /// How many whole ones `bytes` are, if nothing else.
    fn count(self, path: &Path, bytes: u64) -> Result<usize, DataError> {
        let record = self.len() as u64;
        let (whole, rest) = (bytes / record, bytes % record);
        if rest != 0 || whole == 0 {
            return Err(DataError::Truncated {
                path: path.into(),
                record: whole,
                start: whole * record,
                found: rest,
                expected: record,
            });
        }
        Ok(whole as usize)
    }
}

impl Layout {
    /// All of them, where `label` or the fine one is learned.
    pub fn all(label: Option<Label>) -> [Self; 4] {
        let label = label.unwrap_or(Label::Fine);
        [Self::Cifar10, Self::Cifar100(label), Self::Python10, Self::Python100(label)]
    }

    fn record(self) -> Record {
        match self {
            Self::Cifar10 | Self::Python10 => Record { label_bytes: 1, label_at: Some(0) },
            Self::Cifar100(label) | Self::Python100(label) => {
                Record { label_bytes: 2, label_at: Some(usize::from(label == Label::Fine)) }
            }
        }
    }

    /// Whether it is of the Python release.
    fn is_python(self) -> bool {
        matches!(self, Self::Python10 | Self::Python100(_))
    }

    /// Which labels to take, where there are several kinds.
    fn label(self) -> Option<Label> {
        match self {
            Self::Cifar100(label) | Self::Python100(label) => Some(label),
            Self::Cifar10 | Self::Python10 => None,
        }
    }

    fn train_files(self) -> Vec<String> {
        match self {
            Self::Cifar10 => (1..=5).map(|batch| format!("data_batch_{batch}.bin")).collect(),
            Self::Cifar100(_) => vec!["train.bin".into()],
            Self::Python10 => (1..=5).map(|batch| format!("data_batch_{batch}")).collect(),
            Self::Python100(_) => vec!["train".into()],
        }
    }

    fn test_file(self) -> &'static str {
        match self {
            Self::Cifar10 => "test_batch.bin",
            Self::Cifar100(_) => "test.bin",
            Self::Python10 => "test_batch",
            Self::Python100(_) => "test",
        }
    }

    fn names_file(self) -> &'static str {
        match self {
            Self::Cifar10 => "batches.meta.txt",
            Self::Cifar100(Label::Coarse) => "coarse_label_names.txt",
            Self::Cifar100(Label::Fine) => "fine_label_names.txt",
            Self::Python10 => "batches.meta",
            Self::Python100(_) => "meta",
        }
    }

    /// Every file that is needed.
    fn files(self) -> Vec<String> {
        let mut files = self.train_files();
        files.extend([self.test_file(), self.names_file()].map(Into::into));
        files
    }

    fn name(self) -> &'static str {
        match self {
            Self::Cifar10 | Self::Python10 => "CIFAR-10",
            Self::Cifar100(Label::Coarse) | Self::Python100(Label::Coarse) => "CIFAR-100 (coarse labels)",
            Self::Cifar100(Label::Fine) | Self::Python100(Label::Fine) => "CIFAR-100 (fine labels)",
        }
    }

    /// Whether `file` is there, as what it must be: `train` and `test` are common names of folders.
    fn has(self, folder: &Path, file: &str) -> bool {
        let path = folder.join(file);
        // A link that leads nowhere, or in a circle, is there, and reading it says what is wrong with it.
        if matches!(self, Self::Python100(_)) { path.is_file() } else { fs::symlink_metadata(path).is_ok() }
    }

    /// The class names in the file of them.
    pub(crate) fn parse_names(self, path: &Path, bytes: &[u8]) -> Result<Vec<String>, DataError> {
        let names: Vec<String> = if self.is_python() {
            python::class_names(bytes, self.label())
                .map_err(|flaw| DataError::Content { path: path.into(), flaw })?
        } else {
            // Names are shown, never interpreted: bytes that are not UTF-8 must not keep anyone from training.
            let text = String::from_utf8_lossy(bytes);
            text.lines().map(str::trim).filter(|line| !line.is_empty()).map(Into::into).collect()
        };
        if (2..=256).contains(&names.len()) {
            Ok(names)
        } else {
            Err(DataError::Classes { path: path.into(), found: names.len() })
        }
    }

    /// Reads the files one after the other into one set.
    fn read_parts(self, paths: &[PathBuf], classes: usize) -> Result<Examples, DataError> {
        if !self.is_python() {
            return read_parts(paths, self.record(), classes);
        }
        let (mut pixels, mut labels) = (Vec::new(), Vec::new());
        for path in paths {
            let input = Input::open(path)?;
            let bytes = input.bytes(LARGEST).map_err(|trouble| input.error(trouble))?;
            if pixels.is_empty() {
                pixels.reserve_exact(bytes.len() * paths.len());
            }
            archive::append(path, &bytes, self, classes, &mut pixels, &mut labels)?;
        }
        Ok(Examples { features: Features::Bytes(pixels), labels, width: PIXELS })
    }
}

/// Names beyond so many bytes are not looked at.
const LARGEST_NAMES: u64 = 1 << 20;
/// A pickled batch larger than this is none.
const LARGEST: usize = 1 << 30;

/// Loads the data set in the folder `path`, or in the folder of the original archive's name inside it.
///
/// # Errors
/// [`DataError`] when files are missing, cut off or damaged, or have a label outside 0 to K - 1.
pub fn load(path: &Path, label: Option<Label>) -> Result<Dataset, DataError> {
    let (folder, layout) = find(path, label)?;
    dataset(folder, layout, |paths, classes| layout.read_parts(paths, classes))
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
    dataset(folder, layout, |paths, classes| records_in_place(paths, layout.record(), classes))
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
    let notes = if layout.is_python() { Vec::new() } else { uneven_batches(&train_paths, layout.record())? };
    Ok(Dataset {
        name: layout.name().into(),
        source: Source::Path(folder),
        shape: SHAPE,
        class_names,
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
        let examples = layout.read_parts(&[folder.join(layout.test_file())], classes)?;
        return Ok((examples, true));
    }
    let own = label.map_or(Layout::Cifar10, Layout::Cifar100).record();
    let whole = |record: &Record| meta.len().is_multiple_of(record.len() as u64);
    // A size that fits both is taken for records as the model was trained on.
    let record = [own, Record::PIXELS].into_iter().find(whole).unwrap_or(own);
    let examples = read_parts(&[path.to_path_buf()], record, classes)?;
    Ok((examples, record.label_at.is_some()))
}

/// The folder that holds the files, and their layout.
fn find(path: &Path, label: Option<Label>) -> Result<(PathBuf, Layout), DataError> {
    let meta = fs::metadata(path).map_err(|error| unreadable(path, error))?;
    if !meta.is_dir() {
        return Err(DataError::Layout {
            path: path.into(),
            found: "a file".into(),
            expected: "a folder with CIFAR-10's or CIFAR-100's binary files".into(),
        });
    }
    for folder in folders(path) {
        for layout in Layout::all(label) {
            let mut files = layout.train_files();
            files.push(layout.test_file().into());
            let missing: Vec<String> =
                files.iter().filter(|file| !layout.has(&folder, file)).cloned().collect();
            if missing.len() == files.len() || (matches!(layout, Layout::Python100(_)) && !missing.is_empty())
            {
                continue;
            }
            if !missing.is_empty() {
                return Err(DataError::Layout {
                    path: folder,
                    found: format!("no {}", missing.join(", ")),
                    expected: format!("all {} files of {}", files.len(), layout.name()),
                });
            }
            if layout.label().is_none() && label.is_some() {
                return Err(DataError::LabelChoice { name: folder.display().to_string() });
            }
            return Ok((folder, layout));
        }
    }
    let found = match fs::read_dir(path).map_err(|error| unreadable(path, error))?.count() {
        0 => "an empty folder".into(),
        entries => format!("a folder with {entries} other entries"),
    };
    Err(DataError::Layout {
        path: path.into(),
        found,
        expected: "data_batch_1.bin to data_batch_5.bin and test_batch.bin, or train.bin and test.bin".into(),
    })
}

/// The folder itself, and those that the archives unpack to inside it.
fn folders(path: &Path) -> impl Iterator<Item = PathBuf> {
    const UNPACKED: [&str; 5] =
        ["", "cifar-10-batches-bin", "cifar-100-binary", "cifar-10-batches-py", "cifar-100-python"];
    UNPACKED.iter().map(|folder| if folder.is_empty() { path.to_path_buf() } else { path.join(folder) })
}

/// Whether any file of one of the layouts is there.
pub fn is_here(path: &Path) -> bool {
    folders(path).any(|folder| {
        Layout::all(None).iter().any(|layout| {
            let has = |file: &String| layout.has(&folder, file);
            if matches!(layout, Layout::Python100(_)) {
                layout.files().iter().all(has)
            } else {
                layout.files().iter().any(has)
            }
        })
    })
}

fn read_names(path: &Path, layout: Layout) -> Result<Vec<String>, DataError> {
    // Reading a pipe would wait for a writer for ever.
    let regular = fs::metadata(path).map(|meta| meta.is_file());
    if regular.as_ref().is_ok_and(|regular| !regular) {
        return Err(DataError::Layout {
            path: path.into(),
            found: "something that is no regular file".into(),
            expected: "class names, one a line".into(),
        });
    }
    let read = || {
        let mut bytes = Vec::new();
        File::open(path)?.take(LARGEST_NAMES).read_to_end(&mut bytes).map(|_| bytes)
    };
    let bytes = regular.and_then(|_| read()).map_err(|error| {
        match (error.kind(), path.parent(), path.file_name()) {
            (io::ErrorKind::NotFound, Some(folder), Some(file)) => DataError::Layout {
                path: folder.into(),
                found: format!("no {}", file.display()),
                expected: "the class names there, one a line".into(),
            },
            _ => unreadable(path, error),
        }
    })?;
    layout.parse_names(path, &bytes)
}

/// Reads the files one after the other into one set, each by a thread of its own.
fn read_parts(paths: &[PathBuf], record: Record, classes: usize) -> Result<Examples, DataError> {
    let counts = paths.iter().map(|path| count_records(path, record)).collect::<Result<Vec<usize>, _>>()?;
    let total: usize = counts.iter().sum();
    let (mut all_features, mut all_labels) = (vec![0; total * PIXELS], vec![0; total]);

    let (mut features, mut labels) = (all_features.as_mut_slice(), all_labels.as_mut_slice());
    let mut parts = Vec::with_capacity(paths.len());
    for (path, &count) in paths.iter().zip(&counts) {
        let (own_features, rest) = features.split_at_mut(count * PIXELS);
        let (own_labels, rest_labels) = labels.split_at_mut(count);
        (features, labels) = (rest, rest_labels);
        parts.push((path, own_features, own_labels));
    }
    let read = |(path, features, labels): (&PathBuf, &mut [u8], &mut [u16])| {
        read_file(path, record, classes, features, labels)
    };
    let results = side_by_side(parts.into_iter(), read);
    results.into_iter().collect::<Result<(), _>>()?;
    Ok(Examples { features: Features::Bytes(all_features), labels: all_labels, width: PIXELS })
}

/// The number of whole records, once the file's size says that there is nothing else.
fn count_records(path: &Path, record: Record) -> Result<usize, DataError> {
    let meta = fs::metadata(path).map_err(|error| unreadable(path, error))?;
    if !meta.is_file() {
        return Err(DataError::Layout {
            path: path.into(),
            found: "something that is no regular file".into(),
            expected: "a file of records".into(),
        });
    }
    record.count(path, meta.len())
}

/// The records of the files, of which the labels alone are read.
fn records_in_place(
    paths: &[PathBuf],
    record: Record,
    classes: usize,
) -> Result<Examples<InPlace>, DataError> {
    let mut places = Vec::with_capacity(paths.len());
    for path in paths {
        let rows = count_records(path, record)?;
        places.push(in_place::Place { path: path.clone(), name: None, start: 0, rows });
    }
    let mut labels = Vec::new();
    for place in &places {
        labels.extend(labels_in_place(place, record, classes)?);
    }
    let layout = in_place::Layout { before: record.label_bytes, element: Element::BYTE, width: PIXELS };
    Ok(Examples { features: InPlace::open(layout, places)?, labels, width: PIXELS })
}

/// The labels of one file's records.
fn labels_in_place(place: &in_place::Place, record: Record, classes: usize) -> Result<Vec<u16>, DataError> {
    /// Records read at a time.
    const BLOCK: usize = 256;
    let whole = in_place::Layout { before: 0, element: Element::BYTE, width: record.len() };
    let records = InPlace::open(whole, [place.clone()])?;
    let rows: Vec<u32> = (0..place.rows as u32).collect();
    let mut labels = Vec::with_capacity(rows.len());
    let mut block = Features::Bytes(Vec::new());
    for rows in rows.chunks(BLOCK) {
        records.read(rows, &mut block)?;
        let Features::Bytes(bytes) = &block else { unreachable!("bytes are read as bytes") };
        for (&row, record_bytes) in rows.iter().zip(bytes.chunks_exact(record.len())) {
            labels.push(record.label(&place.path, row.into(), record_bytes, classes)?);
        }
    }
    Ok(labels)
}

fn read_file(
    path: &Path,
    record: Record,
    classes: usize,
    features: &mut [u8],
    labels: &mut [u16],
) -> Result<(), DataError> {
    let file = File::open(path).map_err(|error| unreadable(path, error))?;
    let mut reader = BufReader::with_capacity(1 << 17, file);
    let length = |path: &Path| fs::metadata(path).map_or(0, |meta| meta.len());
    read_records(path, &mut reader, length, record, classes, features, labels)
}

/// Reads as many records as `labels` has room for; `now` is the length of the file if it ends too soon.
fn read_records(
    path: &Path,
    reader: &mut impl Read,
    now: impl Fn(&Path) -> u64,
    record: Record,
    classes: usize,
    features: &mut [u8],
    labels: &mut [u16],
) -> Result<(), DataError> {
    let length = record.len() as u64;
    let mut head = [0_u8; 2];
    let head = &mut head[..record.label_bytes];
    for (index, (pixels, label)) in features.chunks_exact_mut(PIXELS).zip(labels).enumerate() {
        let start = index as u64 * length;
        let read = reader.read_exact(head).and_then(|()| reader.read_exact(pixels));
        read.map_err(|error| match error.kind() {
            // The file was long enough a moment ago: it shrank while it was read.
            io::ErrorKind::UnexpectedEof => DataError::Truncated {
                path: path.into(),
                record: index as u64,
                start,
                found: now(path).saturating_sub(start),
                expected: length,
            },
            _ => unreadable(path, error),
        })?;
        *label = record.label(path, index as u64, head, classes)?;
    }
    Ok(())
}

/// A batch shorter than its neighbours at a record's edge looks whole: worth a word.
fn uneven_batches(paths: &[PathBuf], record: Record) -> Result<Vec<String>, DataError> {
    let counts = paths.iter().map(|path| count_records(path, record)).collect::<Result<Vec<usize>, _>>()?;
    let uneven = counts.iter().any(|&count| count != counts[0]);
    Ok(if uneven {
        vec![format!("the training batches differ in size: {counts:?} records")]
    } else {
        Vec::new()
    })
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

    /// Its size was looked at when it was still whole.
    #[test]
    fn a_file_that_shrinks_while_it_is_read_is_told_with_the_place() {
        let folder = cifar10_folder(&[0, 1]);
        let path = folder.path().join("data_batch_1.bin");
        let records = count_records(&path, Layout::Cifar10.record()).expect("whole");
        let file = File::options().write(true).open(&path).expect("opens");
        file.set_len(PIXELS as u64 + 100).expect("shrinks");
        let (mut features, mut labels) = (vec![0; records * PIXELS], vec![0; records]);
        let read = read_file(&path, Layout::Cifar10.record(), 3, &mut features, &mut labels);
        let error = read.expect_err("it is cut off");
        assert!(
            matches!(error, DataError::Truncated { record: 1, start: 3073, found: 99, expected: 3073, .. }),
            "{error}"
        );
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
