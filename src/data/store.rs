//! Where examples are: in memory, or in a file of which some rows are in memory at a time.

use super::{DataError, Examples};
use std::borrow::Cow;
use std::convert::Infallible;
use std::ops::ControlFlow;

/// Examples that are asked for by row number, some at a time.
pub trait Store: Sync {
    /// Why rows could not be had.
    type Error: Into<DataError> + std::fmt::Debug + Send;

    /// One label an example.
    fn labels(&self) -> &[u16];

    /// Examples of the same kind and width: all of them where they are held, else none.
    fn like(&self) -> &Examples;

    /// Rows that are best asked for at a time where their order does not matter, a multiple of 256.
    fn part_rows(&self) -> usize;

    /// Hands `take` the rows of each part, in order, until it breaks. Each part is there for that call only.
    ///
    /// # Errors
    /// Where rows come from a file: it cannot be read, or is not what it was.
    fn visit(
        &self,
        parts: &[&[u32]],
        take: &mut dyn FnMut(View<'_>) -> ControlFlow<()>,
    ) -> Result<(), Self::Error>;

    /// Hands the bytes of every feature to `take`, in order: bytes as they are, floats in little-endian order.
    ///
    /// # Errors
    /// As [`Store::visit`].
    fn for_each_bytes(&self, take: &mut dyn FnMut(&[u8])) -> Result<(), Self::Error>;

    /// N, the number of examples.
    fn len(&self) -> usize {
        self.labels().len()
    }

    /// Whether there is no example.
    fn is_empty(&self) -> bool {
        self.labels().is_empty()
    }

    /// D.
    fn width(&self) -> usize {
        self.like().width
    }

    /// The numbers of all rows, in order.
    fn all(&self) -> Vec<u32> {
        (0..self.len() as u32).collect()
    }
}

/// Some rows of a [`Store`], in memory.
#[derive(Clone, Copy)]
pub struct View<'a> {
    /// Examples, those rows among them.
    pub examples: &'a Examples,
    /// Their numbers in `examples`, in the order they were asked for.
    pub rows: &'a [u32],
    /// The number in the store of each of `examples`; `None` where it is the same.
    pub origin: Option<&'a [u32]>,
}

impl<'a> View<'a> {
    /// What of `all` (N), one for each row of the store, belongs to `examples`.
    pub fn gather<T: Copy>(&self, all: &'a [T]) -> Cow<'a, [T]> {
        match self.origin {
            None => Cow::Borrowed(all),
            Some(origin) => origin.iter().map(|&row| all[row as usize]).collect(),
        }
    }
}

/// Examples that are held: nothing is copied, nothing can fail.
impl Store for Examples {
    type Error = Infallible;

    fn labels(&self) -> &[u16] {
        &self.labels
    }

    fn like(&self) -> &Examples {
        self
    }

    fn part_rows(&self) -> usize {
        1 << 16
    }

    fn visit(
        &self,
        parts: &[&[u32]],
        take: &mut dyn FnMut(View<'_>) -> ControlFlow<()>,
    ) -> Result<(), Infallible> {
        for rows in parts {
            if take(View { examples: self, rows, origin: None }).is_break() {
                break;
            }
        }
        Ok(())
    }

    fn for_each_bytes(&self, take: &mut dyn FnMut(&[u8])) -> Result<(), Infallible> {
        self.features.for_each_bytes(take);
        Ok(())
    }
}

impl From<Infallible> for DataError {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}
