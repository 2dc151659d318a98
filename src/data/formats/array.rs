//! An array in a file: what its header says of it, and how its numbers or texts become features or labels.

use super::arrange::{arrange, shape_of, tuple};
use super::element::{Element, Numbers};
use super::flaw::{Flaw, Trouble};
use super::labels::{Collector, Labels, MOST_CLASSES};
use crate::data::{Features, Shape, sample_weight};
use std::io::Read;

/// What one entry of an array is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Item {
    /// A number.
    Number(Element),
    /// A text of so many bytes, filled up with zeros.
    Bytes(usize),
    /// A text of 32-bit code points, filled up with zeros.
    Unicode {
        /// How many.
        length: usize,
        /// Whether the highest byte comes first.
        big_endian: bool,
    },
}

impl Item {
    fn size(self) -> Option<usize> {
        match self {
            Self::Number(element) => Some(element.size),
            Self::Bytes(length) => Some(length),
            Self::Unicode { length, .. } => length.checked_mul(4),
        }
    }
}

/// An array's type, order and extents.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Array {
    /// What an entry is.
    pub item: Item,
    /// Whether the first index runs fastest.
    pub fortran: bool,
    /// The extents, N first.
    pub extents: Vec<usize>,
    /// Bytes before the first entry.
    pub start: usize,
    /// Bytes of all entries.
    pub size: usize,
}

impl Array {
    /// An array of such entries and extents from byte `start` on.
    ///
    /// # Errors
    /// [`Flaw`] when its size is beyond what memory can hold.
    pub fn new(item: Item, fortran: bool, extents: Vec<usize>, start: usize) -> Result<Self, Flaw> {
        let count = extents.iter().try_fold(1_usize, |product, &extent| product.checked_mul(extent));
        let size = count.and_then(|count| count.checked_mul(item.size()?));
        let size = size.filter(|&size| size <= isize::MAX as usize - start).ok_or_else(|| {
            Flaw::whole(format!("an array of shape {}", tuple(&extents)), "one that memory can hold")
        })?;
        Ok(Self { item, fortran, extents, start, size })
    }

    /// Makes sure that exactly `bytes` follow the header.
    ///
    /// # Errors
    /// [`Flaw`] when not: nothing is allocated for numbers that are not there.
    pub fn check_size(&self, bytes: u64) -> Result<(), Flaw> {
        if self.size as u64 == bytes {
            return Ok(());
        }
        let found = format!("{bytes} bytes of entries");
        let expected = format!("{} for an array of shape {}", self.size, tuple(&self.extents));
        Err(Flaw::new(format!("byte {}", self.start), found, expected)
            .hint("the file is incomplete, or its header is wrong: write or download it again"))
    }

    /// How to read the features, whose number is the second value.
    ///
    /// # Errors
    /// [`Flaw`] when they are no numbers or of extents that make no examples.
    pub fn numbers(&self) -> Result<(Numbers, usize), Flaw> {
        let Item::Number(element) = self.item else {
            return Err(Flaw::whole("an array of text", "an array of numbers"));
        };
        let (shape, _) = shape_of(&self.extents)?;
        let width = shape.features().unwrap_or(1);
        Ok((Numbers { element, width }, self.size / element.size))
    }

    /// Puts features that were read as they are stored into rows.
    ///
    /// # Errors
    /// As [`arrange`].
    pub fn arrange(&self, features: Features) -> Result<(Features, Shape), Flaw> {
        arrange(features, &self.extents, self.fortran)
    }

    /// Reads features.
    ///
    /// # Errors
    /// [`Trouble`] when they cannot be read or are no finite numbers.
    pub fn read_features(&self, source: &mut impl Read) -> Result<(Features, Shape), Trouble> {
        let (numbers, count) = self.numbers()?;
        Ok(self.arrange(numbers.read(count, source)?)?)
    }

    /// Reads labels: numbers or texts, one a row.
    ///
    /// # Errors
    /// [`Trouble`] when they cannot be read, or are no list of whole numbers or texts.
    pub fn read_labels(&self, source: &mut impl Read) -> Result<Labels, Trouble> {
        if !matches!(self.extents[..], [_] | [_, 1]) {
            let found = format!("labels of shape {}", tuple(&self.extents));
            return Err(Flaw::whole(found, "(N,), one label a row")
                .hint("one-hot rows become numbers with .argmax(axis=1)")
                .into());
        }
        let mut raw = vec![0; self.size];
        source.read_exact(&mut raw)?;
        let mut labels = Collector::default();
        match self.item {
            Item::Number(element) => {
                let whole = element.integers(&raw).ok_or_else(|| {
                    Flaw::whole("labels that are not whole numbers", "whole numbers or texts")
                        .hint("is this the array of labels?")
                })?;
                return Ok(Labels::from_numbers(whole.into_iter())?);
            }
            Item::Bytes(0) | Item::Unicode { length: 0, .. } => {
                return Err(Flaw::whole("labels of no letters", "whole numbers or texts").into());
            }
            Item::Bytes(length) => {
                raw.chunks_exact(length).try_for_each(|text| labels.push(without_zeros(text)))?;
            }
            Item::Unicode { length, big_endian } => {
                for text in raw.chunks_exact(4 * length) {
                    labels.push(unicode(text, big_endian).as_bytes())?;
                }
            }
        }
        Ok(labels.finish())
    }

    /// Reads weights of examples: numbers of 0 or above, one a row.
    ///
    /// # Errors
    /// [`Trouble`] when they cannot be read, or are no such numbers.
    pub fn read_weights(&self, source: &mut impl Read) -> Result<Vec<f64>, Trouble> {
        let (Item::Number(element), [_] | [_, 1]) = (self.item, &self.extents[..]) else {
            let found = format!("weights of shape {}", tuple(&self.extents));
            return Err(Flaw::whole(found, "(N,), one number a row").into());
        };
        let mut raw = vec![0; self.size];
        source.read_exact(&mut raw)?;
        let weights = element.doubles(&raw);
        sample_weight::check(&weights)?;
        Ok(weights)
    }

    /// Reads names of classes, in the order of their numbers.
    ///
    /// # Errors
    /// As [`Array::read_labels`]; [`Flaw`] when a name is there twice.
    pub fn read_names(&self, source: &mut impl Read) -> Result<Vec<String>, Trouble> {
        if self.extents[..].first().is_none_or(|&count| count > MOST_CLASSES) {
            return Err(Flaw::whole(
                format!("names of shape {}", tuple(&self.extents)),
                "(K,), at most 65,536",
            )
            .into());
        }
        let labels = self.read_labels(source)?;
        if labels.texts.len() < labels.of.len() {
            return Err(Flaw::whole("a class name twice", "different names").into());
        }
        Ok(labels.texts)
    }
}

/// A text without the zeros that fill it up.
fn without_zeros(text: &[u8]) -> &[u8] {
    let end = text.iter().rposition(|&byte| byte != 0).map_or(0, |last| last + 1);
    &text[..end]
}

fn unicode(text: &[u8], big_endian: bool) -> String {
    let code = |bytes: &[u8]| {
        let array = <[u8; 4]>::try_from(bytes).unwrap_or_default();
        if big_endian { u32::from_be_bytes(array) } else { u32::from_le_bytes(array) }
    };
    let codes = text.chunks_exact(4).map(code).take_while(|&code| code != 0);
    codes.map(|code| char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
}
