//! The records of the binary release: read into memory, or left in their files.

use super::{PIXELS, unreadable};
use crate::data::formats::element::Element;
use crate::data::formats::in_place::{InPlace, Layout, Place};
use crate::data::formats::threads::side_by_side;
use crate::data::{DataError, Examples, Features};
use crate::kernel::pages;
use std::fs::{self, File};
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

/// How a record begins, before its pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record {
    pub label_bytes: usize,
    /// Which of them is learned.
    pub label_at: Option<usize>,
}

impl Record {
    /// Nothing but pixels.
    pub const PIXELS: Self = Self { label_bytes: 0, label_at: None };

    /// Its bytes.
    pub fn len(self) -> usize {
        self.label_bytes + PIXELS
    }

    /// The label of record number `index`, which is below `classes`; 0 where it has none.
    pub fn label(self, path: &Path, index: u64, record: &[u8], classes: usize) -> Result<u16, DataError> {
        let Some(offset) = self.label_at else { return Ok(0) };
        let found = record[offset];
        if usize::from(found) < classes {
            return Ok(found.into());
        }
        let byte = index * self.len() as u64 + offset as u64;
        Err(DataError::LabelRange { path: path.into(), record: index, byte, found, classes })
    }

    /// How many whole ones `bytes` are, if nothing else.
    pub fn count(self, path: &Path, bytes: u64) -> Result<usize, DataError> {
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

/// Records that a thread reads at a time.
const STRETCH: usize = 2500;

/// Reads the files one after the other into one set, several stretches of them at a time.
pub fn read(paths: &[PathBuf], record: Record, classes: usize) -> Result<Examples, DataError> {
    let counts = paths.iter().map(|path| count_records(path, record)).collect::<Result<Vec<usize>, _>>()?;
    let total: usize = counts.iter().sum();
    let (mut all_features, mut all_labels) = (pages::zeros(total * PIXELS), vec![0; total]);

    let (mut features, mut labels) = (all_features.as_mut_slice(), all_labels.as_mut_slice());
    let mut parts = Vec::new();
    for (path, &count) in paths.iter().zip(&counts) {
        let (own_features, rest) = features.split_at_mut(count * PIXELS);
        let (own_labels, rest_labels) = labels.split_at_mut(count);
        (features, labels) = (rest, rest_labels);
        let stretches = own_features.chunks_mut(STRETCH * PIXELS).zip(own_labels.chunks_mut(STRETCH));
        parts.extend(
            (0..).step_by(STRETCH).zip(stretches).map(|(first, (features, labels))| {
                (Stretch { path, record, classes, first }, features, labels)
            }),
        );
    }
    let results =
        side_by_side(parts.into_iter(), |(stretch, features, labels)| stretch.read_file(features, labels));
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
pub fn in_place(paths: &[PathBuf], record: Record, classes: usize) -> Result<Examples<InPlace>, DataError> {
    let mut places = Vec::with_capacity(paths.len());
    for path in paths {
        let rows = count_records(path, record)?;
        places.push(Place { path: path.clone(), name: None, start: 0, rows });
    }
    let mut labels = Vec::new();
    for place in &places {
        labels.extend(labels_in_place(place, record, classes)?);
    }
    let layout = Layout { before: record.label_bytes, element: Element::BYTE, width: PIXELS };
    Ok(Examples { features: InPlace::open(layout, places)?, labels, width: PIXELS })
}

/// The labels of one file's records.
fn labels_in_place(place: &Place, record: Record, classes: usize) -> Result<Vec<u16>, DataError> {
    /// Records read at a time.
    const BLOCK: usize = 256;
    let whole = Layout { before: 0, element: Element::BYTE, width: record.len() };
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

/// Records of one file that lie one after the other.
#[derive(Clone, Copy, Debug)]
pub struct Stretch<'a> {
    pub path: &'a Path,
    pub record: Record,
    /// How many classes labels may tell apart.
    pub classes: usize,
    /// The first of the records.
    pub first: usize,
}

impl Stretch<'_> {
    /// Reads as many records as `labels` has room for.
    fn read_file(&self, features: &mut [u8], labels: &mut [u16]) -> Result<(), DataError> {
        let mut file = File::open(self.path).map_err(|error| unreadable(self.path, error))?;
        let start = SeekFrom::Start(self.first as u64 * self.record.len() as u64);
        file.seek(start).map_err(|error| unreadable(self.path, error))?;
        let mut reader = BufReader::with_capacity(1 << 17, file);
        let length = |path: &Path| fs::metadata(path).map_or(0, |meta| meta.len());
        self.read(&mut reader, length, features, labels)
    }

    /// Reads as many records as `labels` has room for, from where they begin; `now` is the length of the file if it ends
    /// too soon.
    pub fn read(
        &self,
        reader: &mut impl Read,
        now: impl Fn(&Path) -> u64,
        features: &mut [u8],
        labels: &mut [u16],
    ) -> Result<(), DataError> {
        let Self { path, record, classes, first } = *self;
        let length = record.len() as u64;
        let mut head = [0_u8; 2];
        let head = &mut head[..record.label_bytes];
        for (index, (pixels, label)) in (first as u64..).zip(features.chunks_exact_mut(PIXELS).zip(labels)) {
            let start = index * length;
            let read = reader.read_exact(head).and_then(|()| reader.read_exact(pixels));
            read.map_err(|error| match error.kind() {
                // The file was long enough a moment ago: it shrank while it was read.
                io::ErrorKind::UnexpectedEof => DataError::Truncated {
                    path: path.into(),
                    record: index,
                    start,
                    found: now(path).saturating_sub(start),
                    expected: length,
                },
                _ => unreadable(path, error),
            })?;
            *label = record.label(path, index, head, classes)?;
        }
        Ok(())
    }
}

/// A batch shorter than its neighbours at a record's edge looks whole: worth a word.
pub fn uneven_batches(paths: &[PathBuf], record: Record) -> Result<Vec<String>, DataError> {
    let counts = paths.iter().map(|path| count_records(path, record)).collect::<Result<Vec<usize>, _>>()?;
    let uneven = counts.iter().any(|&count| count != counts[0]);
    Ok(if uneven {
        vec![format!("the training batches differ in size: {counts:?} records")]
    } else {
        Vec::new()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Its size was looked at when it was still whole.
    #[test]
    fn a_file_that_shrinks_while_it_is_read_is_told_with_the_place() {
        const RECORD: Record = Record { label_bytes: 1, label_at: Some(0) };
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("data_batch_1.bin");
        fs::write(&path, vec![0; 2 * RECORD.len()]).expect("writes");
        let records = count_records(&path, RECORD).expect("whole");
        let file = File::options().write(true).open(&path).expect("opens");
        file.set_len(PIXELS as u64 + 100).expect("shrinks");
        let (mut features, mut labels) = (vec![0; records * PIXELS], vec![0; records]);
        let stretch = Stretch { path: &path, record: RECORD, classes: 3, first: 0 };
        let read = stretch.read_file(&mut features, &mut labels);
        let error = read.expect_err("it is cut off");
        assert!(
            matches!(error, DataError::Truncated { record: 1, start: 3073, found: 99, expected: 3073, .. }),
            "{error}"
        );
    }
}
