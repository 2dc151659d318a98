//! Rows of features that lie in files one after the other, each where its number says: they can be read singly.

use super::element::{Element, Numbers};
use super::flaw::{Flaw, Trouble};
use crate::data::{DataError, Features};
use std::fs::File;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

/// Bytes read at a time: they stay in the cache until they are decoded, and a disk gives them at full speed.
const STAGE: usize = 1 << 18;

/// How rows lie in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    /// Bytes of a row before its features.
    pub before: usize,
    /// How a feature is stored.
    pub element: Element,
    /// D, features of a row.
    pub width: usize,
}

impl Layout {
    fn features(self) -> usize {
        self.width * self.element.size
    }

    /// Bytes from one row to the next.
    fn stride(self) -> usize {
        self.before + self.features()
    }
}

/// Where some rows are: in a file, or in the part of it that one array is.
#[derive(Clone, Debug)]
pub struct Place {
    /// The file.
    pub path: PathBuf,
    /// The array, if the file has several.
    pub name: Option<String>,
    /// The first byte of the first row.
    pub start: u64,
    /// How many rows.
    pub rows: usize,
}

/// A [`Place`] whose file is open.
#[derive(Debug)]
struct Piece {
    path: PathBuf,
    file: File,
    name: Option<String>,
    start: u64,
    /// The number of its first row, and of the first one after it.
    rows: [usize; 2],
}

/// Rows of features in files, which stay open.
#[derive(Clone, Debug)]
pub struct InPlace {
    pieces: Arc<Vec<Piece>>,
    layout: Layout,
    /// Which rows of the files these are, in rising order; `None` for all.
    chosen: Option<Arc<Vec<u32>>>,
    /// Whether features are held as floats though they are bytes in the file.
    as_floats: bool,
}

impl InPlace {
    /// The rows at `places`, one after the other.
    ///
    /// # Errors
    /// When a file cannot be opened.
    pub fn open(layout: Layout, places: impl IntoIterator<Item = Place>) -> Result<Self, DataError> {
        let mut pieces = Vec::new();
        let mut first = 0;
        for Place { path, name, start, rows } in places {
            let opened = File::open(&path);
            let file = opened.map_err(|error| DataError::Unreadable { path: path.clone(), error })?;
            pieces.push(Piece { path, file, name, start, rows: [first, first + rows] });
            first += rows;
        }
        Ok(Self { pieces: Arc::new(pieces), layout, chosen: None, as_floats: false })
    }

    fn stored_rows(&self) -> usize {
        self.pieces.last().map_or(0, |piece| piece.rows[1])
    }

    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.chosen.as_ref().map_or_else(|| self.stored_rows(), |rows| rows.len())
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether features are held as bytes.
    pub fn is_bytes(&self) -> bool {
        self.layout.element.is_byte() && !self.as_floats
    }

    /// The same rows, held as floats.
    #[must_use]
    pub fn to_floats(self) -> Self {
        Self { as_floats: true, ..self }
    }

    /// Only the rows of these numbers, in rising order.
    #[must_use]
    pub fn choose(&self, rows: Vec<u32>) -> Self {
        let rows = match &self.chosen {
            None => rows,
            Some(chosen) => rows.into_iter().map(|row| chosen[row as usize]).collect(),
        };
        Self { chosen: Some(Arc::new(rows)), ..self.clone() }
    }

    /// Reads `rows`, in rising order, in place of what is in `out`, which is of the kind that is held.
    ///
    /// # Errors
    /// [`DataError`] when a file cannot be read or has shrunk, or a number is not finite in single precision.
    pub fn read(&self, rows: &[u32], out: &mut Features) -> Result<(), DataError> {
        let count = rows.len() * self.layout.width;
        match out {
            Features::Bytes(values) => set_length(values, count),
            Features::Floats(values) => set_length(values, count),
        }
        let (stride, most) = (self.layout.stride(), (STAGE / self.layout.stride()).max(1));
        let mut stage = Vec::new();
        let mut done = 0;
        while let Some(&row) = rows.get(done) {
            let first = self.stored(row);
            let piece = self.piece_of(first);
            let end = piece.rows[1].min(first + most);
            let near = rows[done..].iter().take_while(|&&row| self.stored(row) < end).count();
            let span = self.stored(rows[done + near - 1]) + 1 - first;
            stage.resize(span * stride, 0);
            piece
                .read(&mut stage, (first - piece.rows[0]) as u64 * stride as u64)
                .map_err(|trouble| piece.error(trouble))?;
            for (index, &row) in rows[done..done + near].iter().enumerate() {
                let from = (self.stored(row) - first) * stride + self.layout.before;
                let raw = &stage[from..from + self.layout.features()];
                self.decode(raw, (done + index) * self.layout.width, row, out)
                    .map_err(|flaw| piece.error(flaw.into()))?;
            }
            done += near;
        }
        Ok(())
    }

    /// Which row of the files `row` is.
    fn stored(&self, row: u32) -> usize {
        self.chosen.as_ref().map_or(row, |chosen| chosen[row as usize]) as usize
    }

    fn piece_of(&self, stored: usize) -> &Piece {
        &self.pieces[self.pieces.partition_point(|piece| piece.rows[1] <= stored)]
    }

    /// Turns the bytes of one row into features, from `start` of `out` on.
    fn decode(&self, raw: &[u8], start: usize, row: u32, out: &mut Features) -> Result<(), Flaw> {
        let Layout { element, width, .. } = self.layout;
        match out {
            Features::Bytes(values) => values[start..start + width].copy_from_slice(raw),
            Features::Floats(values) => {
                let values = &mut values[start..start + width];
                element.decode(raw, values);
                Numbers { element, width }.check(values, raw, row as usize * width)?;
            }
        }
        Ok(())
    }
}

/// No more memory is taken than that length needs.
fn set_length<T: Copy + Default>(values: &mut Vec<T>, length: usize) {
    values.reserve_exact(length.saturating_sub(values.len()));
    values.resize(length, T::default());
}

impl Piece {
    /// Fills `out` from the byte `at` of the piece on.
    fn read(&self, out: &mut [u8], at: u64) -> Result<(), Trouble> {
        let Err(error) = read_exact_at(&self.file, out, self.start + at) else { return Ok(()) };
        if error.kind() != io::ErrorKind::UnexpectedEof {
            return Err(error.into());
        }
        // It was long enough when it was opened.
        let end = self.start + at + out.len() as u64;
        let length = self.file.metadata().map_or(0, |meta| meta.len());
        Err(Flaw::whole(format!("{length} bytes"), format!("at least {end}, as when the file was opened"))
            .hint("the file shrank while it was read: write or download it again, and let nothing change it")
            .into())
    }

    fn error(&self, trouble: Trouble) -> DataError {
        match &self.name {
            Some(name) => trouble.within(name).at(&self.path),
            None => trouble.at(&self.path),
        }
    }
}

#[cfg(unix)]
fn read_exact_at(file: &File, out: &mut [u8], at: u64) -> io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, out, at)
}

#[cfg(windows)]
fn read_exact_at(file: &File, mut out: &mut [u8], mut at: u64) -> io::Result<()> {
    while !out.is_empty() {
        match std::os::windows::fs::FileExt::seek_read(file, out, at) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(read) => (out, at) = (&mut out[read..], at + read as u64),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::formats::element::Kind;
    use std::fs;
    use std::path::Path;

    /// Two files of rows of two numbers, with `before` bytes before each row: row r holds 10 r and 10 r + 1.
    fn files(folder: &Path, before: usize, encode: impl Fn(f32) -> Vec<u8>, rows: [usize; 2]) -> Vec<Place> {
        let row = |row: usize| {
            let numbers = [row as f32 * 10.0, row as f32 * 10.0 + 1.0];
            [vec![0xEE; before], numbers.into_iter().flat_map(&encode).collect()].concat()
        };
        let starts = [7, 0];
        (0..2)
            .map(|at| {
                let first = if at == 0 { 0 } else { rows[0] };
                let bytes: Vec<u8> = (first..first + rows[at]).flat_map(row).collect();
                let path = folder.join(at.to_string());
                fs::write(&path, [vec![0xAA; starts[at]], bytes, vec![0xBB; 3]].concat()).expect("writes");
                Place { path, name: None, start: starts[at] as u64, rows: rows[at] }
            })
            .collect()
    }

    fn numbers(rows: &[u32]) -> Vec<f32> {
        rows.iter().flat_map(|&row| [row as f32 * 10.0, row as f32 * 10.0 + 1.0]).collect()
    }

    #[test]
    fn any_rows_of_several_files_are_read() {
        let folder = tempfile::tempdir().expect("a folder");
        let places = files(folder.path(), 1, |value| vec![value as u8], [9, 11]);
        let layout = Layout { before: 1, element: Element::BYTE, width: 2 };
        let all = InPlace::open(layout, places).expect("opens");
        assert_eq!((all.len(), all.is_bytes()), (20, true));
        let mut out = Features::Bytes(vec![9; 100]);
        for rows in [&[0, 1, 2][..], &[8, 9], &[19], &[0, 7, 8, 9, 12, 19], &[]] {
            all.read(rows, &mut out).expect("reads");
            let expected = numbers(rows).iter().map(|&value| value as u8).collect();
            assert_eq!(out, Features::Bytes(expected), "{rows:?}");
        }
        let some = all.choose(vec![3, 8, 9, 15]).choose(vec![1, 3]).to_floats();
        let mut out = Features::Floats(Vec::new());
        some.read(&[0, 1], &mut out).expect("reads");
        assert_eq!((some.len(), out), (2, Features::Floats(numbers(&[8, 15]))));
    }

    #[test]
    fn floats_of_every_size_are_read_across_stages() {
        let folder = tempfile::tempdir().expect("a folder");
        let rows: Vec<u32> = (0..40_000).filter(|row| row % 9 > 0).collect();
        for size in [4, 8] {
            let encode = |value: f32| {
                if size == 4 { value.to_be_bytes().to_vec() } else { f64::from(value).to_be_bytes().to_vec() }
            };
            let places = files(folder.path(), 0, encode, [25_000, 15_000]);
            let element = Element { kind: Kind::Float, size, big_endian: true };
            let all = InPlace::open(Layout { before: 0, element, width: 2 }, places).expect("opens");
            let mut out = Features::Floats(Vec::new());
            all.read(&rows, &mut out).expect("reads");
            assert!(out == Features::Floats(numbers(&rows)));
        }
    }

    #[test]
    fn what_is_wrong_has_its_place() {
        let folder = tempfile::tempdir().expect("a folder");
        let encode =
            |value: f32| if value == 21.0 { f32::NAN.to_le_bytes() } else { value.to_le_bytes() }.to_vec();
        let places = files(folder.path(), 0, encode, [3, 2]);
        let all =
            InPlace::open(Layout { before: 0, element: Element::F32, width: 2 }, places).expect("opens");
        let mut out = Features::Floats(Vec::new());
        let error = all.read(&[0, 2], &mut out).expect_err("not finite").to_string();
        assert!(
            error.ends_with("0: row 2, column 1: found NaN, expected a finite number of at most 3.4e38"),
            "{error}"
        );
        let file = File::options().write(true).open(folder.path().join("1")).expect("opens");
        file.set_len(10).expect("shrinks");
        all.read(&[3], &mut out).expect("still there");
        let error = all.read(&[3, 4], &mut out).expect_err("shrunk").to_string();
        assert!(
            error.ends_with("1: found 10 bytes, expected at least 16, as when the file was opened"),
            "{error}"
        );
    }
}
