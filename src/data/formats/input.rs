//! A data file: opened once it is known to be one, plain or compressed.

use super::arrange::shape_of;
use super::array::Array;
use super::element::Numbers;
use super::flaw::{Flaw, Trouble};
use super::in_place::{InPlace, Layout, Place};
use super::labels::Labels;
use super::threads::readers;
use crate::data::{DataError, Features, Shape};
use flate2::read::{DeflateDecoder, MultiGzDecoder};
use flate2::{Crc, CrcReader};
use std::fs::{self, File};
use std::io::{self, BufReader, Cursor, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Bytes by which formats are recognised.
const HEAD: usize = 1 << 16;
/// How far deflate can shrink anything: 258 bytes to two bits.
pub const MOST_RATIO: u64 = 1032;
/// Bytes decompressed at a time.
const BUFFER: usize = 1 << 17;

/// Where bytes come from. Readers see no difference.
#[derive(Clone, Debug)]
pub enum Content {
    /// A file, opened anew by everyone who reads.
    File(PathBuf),
    /// Bytes at hand.
    Memory(Arc<[u8]>),
}

impl Content {
    /// Opens it at its start.
    ///
    /// # Errors
    /// When the file cannot be opened.
    pub fn open(&self) -> io::Result<Opened> {
        Ok(match self {
            Self::File(path) => Opened::File(File::open(path)?),
            Self::Memory(bytes) => Opened::Memory(Cursor::new(Arc::clone(bytes))),
        })
    }
}

/// Content under way.
#[derive(Debug)]
pub enum Opened {
    /// A file's.
    File(File),
    /// That of bytes at hand.
    Memory(Cursor<Arc<[u8]>>),
}

impl Read for Opened {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::File(file) => file.read(buffer),
            Self::Memory(bytes) => bytes.read(buffer),
        }
    }
}

impl Seek for Opened {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        match self {
            Self::File(file) => file.seek(to),
            Self::Memory(bytes) => bytes.seek(to),
        }
    }
}

/// A data file: regular, and not empty.
#[derive(Clone, Debug)]
pub struct Input {
    /// Its name in messages.
    pub path: PathBuf,
    /// Its bytes, packed as they are.
    pub content: Content,
    /// Its bytes.
    pub length: u64,
    /// Whether it is compressed by gzip.
    pub gzip: bool,
    /// Its first bytes, decompressed.
    pub head: Vec<u8>,
}

impl Input {
    /// Opens the file at `path`. What is no regular file is refused before it is opened: nothing waits for a pipe.
    ///
    /// # Errors
    /// [`DataError`] when it cannot be read or is empty.
    pub fn open(path: &Path) -> Result<Self, DataError> {
        let io = |error| DataError::Unreadable { path: path.into(), error };
        let meta = fs::metadata(path).map_err(io)?;
        let flaw = |found: &str, hint| {
            let flaw = Flaw::whole(found, "a data file").hint(hint);
            DataError::Content { path: path.into(), flaw }
        };
        if meta.is_dir() {
            return Err(flaw("a folder", "give the file itself"));
        }
        if !meta.is_file() {
            return Err(flaw("something that is no regular file", "save the data in a file first"));
        }
        if meta.len() == 0 {
            return Err(flaw("an empty file", "write or download it again"));
        }
        Self::look(path, Content::File(path.into()), meta.len())
    }

    /// The same of bytes that are no file, under a name for messages.
    ///
    /// # Errors
    /// [`DataError`] when they begin as compressed data and are none.
    pub fn of_bytes(name: &Path, bytes: &[u8]) -> Result<Self, DataError> {
        Self::look(name, Content::Memory(bytes.into()), bytes.len() as u64)
    }

    /// Looks at the first bytes.
    fn look(path: &Path, content: Content, length: u64) -> Result<Self, DataError> {
        let io = |error| DataError::Unreadable { path: path.into(), error };
        let mut input = Self { path: path.into(), content, length, gzip: false, head: Vec::new() };
        let mut magic = Vec::new();
        input.content.open().map_err(io)?.take(2).read_to_end(&mut magic).map_err(io)?;
        input.gzip = magic == [0x1f, 0x8b];
        let mut head = Vec::new();
        let begun = input.stream().map_err(io)?.take(HEAD as u64).read_to_end(&mut head);
        // What follows a good beginning is told when it is read.
        if let Err(error) = begun
            && head.is_empty()
        {
            return Err(Trouble::Io(error).at(path));
        }
        input.head = head;
        Ok(input)
    }

    /// The content from its start, decompressed.
    ///
    /// # Errors
    /// When the file cannot be opened.
    pub fn stream(&self) -> io::Result<Box<dyn Read + Send>> {
        let whole = Whole { content: self.content.open()?, missing: self.length };
        let packed = BufReader::with_capacity(BUFFER, whole);
        Ok(if self.gzip {
            Box::new(BufReader::with_capacity(BUFFER, MultiGzDecoder::new(packed)))
        } else {
            Box::new(packed)
        })
    }

    /// More bytes than these the content cannot have once decompressed.
    pub fn most_bytes(&self) -> u64 {
        self.length.saturating_mul(if self.gzip { MOST_RATIO } else { 1 })
    }

    /// The whole content, decompressed, of at most `most` bytes.
    ///
    /// # Errors
    /// [`Trouble`] when it cannot be read or is longer.
    pub fn bytes(&self, most: usize) -> Result<Vec<u8>, Trouble> {
        let too_long = || Flaw::whole(format!("more than {most} bytes"), "a smaller file");
        if !self.gzip && self.length > most as u64 {
            return Err(too_long().into());
        }
        let mut bytes = Vec::with_capacity(if self.gzip { 0 } else { self.length as usize });
        self.stream()?.take(most as u64 + 1).read_to_end(&mut bytes)?;
        if bytes.len() > most {
            return Err(too_long().into());
        }
        Ok(bytes)
    }

    /// The error about this file.
    pub fn error(&self, trouble: impl Into<Trouble>) -> DataError {
        trouble.into().at(&self.path)
    }
}

/// Content of a length that is known from before: a file that shrinks while it is read does not just end.
struct Whole {
    content: Opened,
    missing: u64,
}

impl Read for Whole {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.content.read(buffer)?;
        if read == 0 && !buffer.is_empty() && self.missing > 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.missing = self.missing.saturating_sub(read as u64);
        Ok(read)
    }
}

/// How the bytes of an array are packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Packing {
    /// Not at all.
    Plain,
    /// The whole file by gzip.
    Gzip,
    /// As an entry of a ZIP archive: so many bytes, deflated or not, with a checksum of the content.
    Zip {
        /// Bytes in the archive.
        packed: u64,
        /// Whether they are compressed.
        deflated: bool,
        /// CRC-32 of the content.
        crc: u32,
    },
}

/// An array of a file that nothing has been read of but its header.
#[derive(Clone, Debug)]
pub struct Stored {
    /// The name by which its role is found.
    pub name: String,
    /// The file's name in messages.
    pub path: PathBuf,
    /// The file's bytes.
    pub content: Content,
    /// The first byte of the array's header in the file.
    pub offset: u64,
    /// How it is packed.
    pub packing: Packing,
    /// What its header says; its start is counted from that of the header, unpacked.
    pub array: Array,
}

impl Stored {
    /// The array that fills `input` from its header to its end.
    ///
    /// # Errors
    /// [`Flaw`] when the file's size is not what the header says.
    pub fn whole(input: &Input, array: Array) -> Result<Self, Flaw> {
        if input.gzip {
            check_ratio(&array, input.length)?;
        } else {
            array.check_size(input.length.saturating_sub(array.start as u64))?;
        }
        Ok(Self {
            name: input.path.file_name().unwrap_or_default().to_string_lossy().into_owned(),
            path: input.path.clone(),
            content: input.content.clone(),
            offset: 0,
            packing: if input.gzip { Packing::Gzip } else { Packing::Plain },
            array,
        })
    }

    /// Reads it as features.
    ///
    /// # Errors
    /// [`DataError`] when they cannot be read or are no finite numbers.
    pub fn features(&self) -> Result<(Features, Shape), DataError> {
        let read = || {
            if self.packing != Packing::Plain {
                return self.unpack(|mut source| self.array.read_features(&mut source));
            }
            let (numbers, count) = self.array.numbers()?;
            let threads = readers();
            let open = |byte| self.open(self.array.start as u64 + byte);
            Ok(self.array.arrange(numbers.read_parts(count, threads, open)?)?)
        };
        read().map_err(|trouble| self.error(trouble))
    }

    /// Its features, each row in its place.
    ///
    /// # Errors
    /// [`DataError`] when it cannot be opened, holds no numbers, or does not lie there row after row as it is held.
    pub fn in_place(&self) -> Result<(InPlace, Shape), DataError> {
        let parts = || {
            let (Numbers { element, width }, _) = self.array.numbers()?;
            let (shape, channels_last) = shape_of(&self.array.extents)?;
            Ok((Layout { before: 0, element, width }, shape, channels_last))
        };
        let (layout, shape, channels_last) = parts().map_err(|flaw: Flaw| self.error(flaw.into()))?;
        let found = match self.packing {
            Packing::Gzip => Some("a file compressed by gzip"),
            Packing::Zip { .. } => Some("an .npz archive"),
            Packing::Plain if self.array.fortran => Some("an array in Fortran order"),
            Packing::Plain if channels_last => Some("pictures with their channels last"),
            Packing::Plain if layout.element.is_whole() && !layout.element.is_byte() => {
                Some("whole numbers of more than a byte")
            }
            Packing::Plain => None,
        };
        if let Some(found) = found {
            return Err(DataError::NotInPlace { path: self.path.clone(), found: found.into() });
        }
        let place = Place {
            path: self.path.clone(),
            name: (!self.fills_file()).then(|| self.name.clone()),
            start: self.offset + self.array.start as u64,
            rows: self.array.extents[0],
        };
        Ok((InPlace::open(layout, [place])?, shape))
    }

    /// Reads it as labels.
    ///
    /// # Errors
    /// [`DataError`] when they cannot be read or are no labels.
    pub fn labels(&self) -> Result<Labels, DataError> {
        self.unpack(|mut source| self.array.read_labels(&mut source)).map_err(|trouble| self.error(trouble))
    }

    /// Reads it as weights of examples.
    ///
    /// # Errors
    /// [`DataError`] when they cannot be read or are no weights.
    pub fn weights(&self) -> Result<Vec<f64>, DataError> {
        self.unpack(|mut source| self.array.read_weights(&mut source)).map_err(|trouble| self.error(trouble))
    }

    /// Reads it as names of classes.
    ///
    /// # Errors
    /// [`DataError`] when they cannot be read or are no names.
    pub fn class_names(&self) -> Result<Vec<String>, DataError> {
        self.unpack(|mut source| self.array.read_names(&mut source)).map_err(|trouble| self.error(trouble))
    }

    /// Whether it has a file of its own.
    fn fills_file(&self) -> bool {
        self.path.file_name().is_some_and(|file| file.to_string_lossy() == self.name)
    }

    fn error(&self, trouble: Trouble) -> DataError {
        if self.fills_file() { trouble.at(&self.path) } else { trouble.within(&self.name).at(&self.path) }
    }

    fn open(&self, byte: u64) -> io::Result<Opened> {
        let mut file = self.content.open()?;
        file.seek(SeekFrom::Start(self.offset + byte))?;
        Ok(file)
    }

    /// Lets `read` read the array from its first entry on, and makes sure that nothing follows and that the checksum
    /// is right.
    fn unpack<T>(&self, read: impl FnOnce(&mut dyn Read) -> Result<T, Trouble>) -> Result<T, Trouble> {
        let file = self.open(0)?;
        let mut source: Box<dyn Read> = match self.packing {
            Packing::Plain => Box::new(BufReader::with_capacity(
                BUFFER,
                file.take((self.array.start + self.array.size) as u64),
            )),
            Packing::Gzip => {
                let packed = BufReader::with_capacity(BUFFER, file);
                Box::new(BufReader::with_capacity(BUFFER, MultiGzDecoder::new(packed)))
            }
            Packing::Zip { packed, deflated, crc } => {
                let packed = BufReader::with_capacity(BUFFER, file.take(packed));
                let content: Box<dyn Read> =
                    if deflated { Box::new(DeflateDecoder::new(packed)) } else { Box::new(packed) };
                Box::new(Checked { content: CrcReader::new(content), crc })
            }
        };
        io::copy(&mut (&mut source).take(self.array.start as u64), &mut io::sink())?;
        let result = read(&mut source)?;
        if source.read(&mut [0])? != 0 {
            let found = format!("bytes after the {} of the array", self.array.size);
            return Err(Flaw::whole(found, "the end").into());
        }
        Ok(result)
    }
}

/// Makes sure that `packed` compressed bytes can hold the array, before memory is taken for it.
///
/// # Errors
/// [`Flaw`] when not.
pub fn check_ratio(array: &Array, packed: u64) -> Result<(), Flaw> {
    let most = packed.saturating_mul(MOST_RATIO);
    if array.size as u64 <= most {
        return Ok(());
    }
    let found = format!("{packed} compressed bytes for an array of {}", array.size);
    Err(Flaw::whole(found, "what can be compressed so far"))
}

/// Content whose checksum is looked at when it ends.
struct Checked<R: Read> {
    content: CrcReader<R>,
    crc: u32,
}

impl<R: Read> Read for Checked<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.content.read(buffer)?;
        if read == 0 && !buffer.is_empty() && Crc::sum(self.content.crc()) != self.crc {
            let message =
                format!("the checksum {:08x} instead of {:08x}", self.content.crc().sum(), self.crc);
            return Err(io::Error::new(io::ErrorKind::InvalidData, message));
        }
        Ok(read)
    }
}
