//! Text read in blocks of whole lines, each parsed in pieces side by side.

use super::flaw::{Flaw, Trouble};
use super::threads::{readers, side_by_side};
use crate::data::Features;
use std::io::Read;
use std::sync::atomic::{AtomicBool, Ordering};

/// Text parsed at a time: enough for the threads, little beside the features.
const BLOCK: usize = 1 << 24;
/// A row of 100,000 numbers is not longer.
const LONGEST_LINE: usize = 1 << 26;
/// Text that is worth a thread.
const PIECE: usize = 1 << 18;

/// Blocks of whole lines.
pub struct Blocks<R> {
    source: R,
    buffer: Vec<u8>,
    /// Bytes of `buffer` that were handed out.
    given: usize,
    /// Lines handed out.
    lines: usize,
    ended: bool,
}

impl<R: Read> Blocks<R> {
    /// The blocks of `source`.
    pub fn new(source: R) -> Self {
        Self { source, buffer: Vec::new(), given: 0, lines: 0, ended: false }
    }

    /// The next block, and the number of lines before it; `None` at the end.
    ///
    /// # Errors
    /// [`Trouble`] when it cannot be read, or a line is longer than any row.
    pub fn next_block(&mut self) -> Result<Option<(&[u8], usize)>, Trouble> {
        self.lines += count_lines(&self.buffer[..self.given]);
        self.buffer.drain(..self.given);
        self.given = 0;
        loop {
            // What is there has no end of line; longer lines are looked for in twice as much each time.
            let seen = self.buffer.len();
            let wanted = BLOCK.max(2 * seen);
            if !self.ended {
                let missing = (wanted - seen) as u64;
                let read = (&mut self.source).take(missing).read_to_end(&mut self.buffer)?;
                self.ended = (read as u64) < missing;
            }
            let end = if self.ended {
                Some(self.buffer.len())
            } else {
                memchr::memrchr(b'\n', &self.buffer[seen..]).map(|at| seen + at + 1)
            };
            if let Some(end) = end {
                self.given = end;
                return Ok((end > 0).then_some((&self.buffer[..end], self.lines)));
            }
            if self.buffer.len() > LONGEST_LINE {
                let found = format!("more than {} bytes without an end of line", self.buffer.len());
                return Err(Flaw::new(format!("line {}", self.lines + 1), found, "rows of text").into());
            }
        }
    }
}

fn count_lines(text: &[u8]) -> usize {
    memchr::memchr_iter(b'\n', text).count()
}

/// Why a piece could not be parsed.
pub enum Stop {
    /// A number is no byte: the piece is to be parsed again as floats.
    NotBytes,
    /// The piece's line, from 0, at which something is wrong; the flaw's place is within the line.
    Flaw(usize, Flaw),
}

/// Parses pieces as bytes until a number is none, and as floats from then on.
pub struct Parser<'a, T> {
    /// Parses whole lines as bytes.
    pub as_bytes: &'a (dyn Fn(&[u8]) -> Result<T, Stop> + Sync),
    /// Parses whole lines as floats.
    pub as_floats: &'a (dyn Fn(&[u8]) -> Result<T, Stop> + Sync),
    /// Whether a number was no byte.
    pub floats: AtomicBool,
}

impl<T: Send> Parser<'_, T> {
    /// Parses a block that follows `lines` others, in pieces, and returns what each came to, in order.
    ///
    /// # Errors
    /// [`Flaw`] with the line of the first thing that is wrong.
    pub fn parse(&self, block: &[u8], lines: usize) -> Result<Vec<T>, Flaw> {
        let threads = readers();
        let pieces = cut(block, threads.min(block.len() / PIECE).max(1));
        let results = side_by_side(pieces.iter(), |piece| self.piece(piece));
        let mut line = lines + 1;
        let mut parsed = Vec::with_capacity(pieces.len());
        for (result, piece) in results.into_iter().zip(pieces) {
            match result {
                Ok(piece) => parsed.push(piece),
                Err(Stop::NotBytes) => unreachable!("floats are not asked to be bytes"),
                Err(Stop::Flaw(at, mut flaw)) => {
                    let comma = if flaw.place.is_empty() { "" } else { ", " };
                    flaw.place = format!("line {}{comma}{}", line + at, flaw.place);
                    return Err(flaw);
                }
            }
            line += count_lines(piece);
        }
        Ok(parsed)
    }

    fn piece(&self, text: &[u8]) -> Result<T, Stop> {
        if !self.floats.load(Ordering::Relaxed) {
            match (self.as_bytes)(text) {
                Err(Stop::NotBytes) => self.floats.store(true, Ordering::Relaxed),
                parsed => return parsed,
            }
        }
        (self.as_floats)(text)
    }
}

/// About equal pieces of whole lines.
fn cut(block: &[u8], pieces: usize) -> Vec<&[u8]> {
    let size = block.len().div_ceil(pieces);
    let mut rest = block;
    let mut cut = Vec::with_capacity(pieces);
    while rest.len() > size {
        let end = memchr::memchr(b'\n', &rest[size..]).map_or(rest.len(), |at| size + at + 1);
        let (piece, after) = rest.split_at(end);
        cut.push(piece);
        rest = after;
    }
    if !rest.is_empty() {
        cut.push(rest);
    }
    cut
}

impl From<Vec<u8>> for Features {
    fn from(values: Vec<u8>) -> Self {
        Self::Bytes(values)
    }
}

impl From<Vec<f32>> for Features {
    fn from(values: Vec<f32>) -> Self {
        Self::Floats(values)
    }
}

impl Features {
    /// No numbers of the same kind.
    #[must_use]
    pub fn none(&self) -> Self {
        match self {
            Self::Bytes(_) => Self::Bytes(Vec::new()),
            Self::Floats(_) => Self::Floats(Vec::new()),
        }
    }
}

/// Puts `more` behind `all`; both become floats if one of them is.
pub fn append(all: &mut Features, more: Features) {
    match (&mut *all, more) {
        // Nothing is copied behind nothing.
        (Features::Bytes(none), more) if none.is_empty() => *all = more,
        (Features::Floats(none), more @ Features::Floats(_)) if none.is_empty() => *all = more,
        (Features::Bytes(all), Features::Bytes(mut more)) => all.append(&mut more),
        (Features::Floats(all), Features::Floats(mut more)) => all.append(&mut more),
        (Features::Floats(all), Features::Bytes(more)) => all.extend(more.into_iter().map(f32::from)),
        (Features::Bytes(bytes), more @ Features::Floats(_)) => {
            *all = to_floats(Features::Bytes(std::mem::take(bytes)));
            append(all, more);
        }
    }
}

/// The same numbers as floats.
pub fn to_floats(features: Features) -> Features {
    match features {
        Features::Bytes(values) => Features::Floats(values.into_iter().map(f32::from).collect()),
        floats @ Features::Floats(_) => floats,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_whole_lines() {
        let text = b"one\ntwo\nthree";
        let mut blocks = Blocks::new(&text[..]);
        assert_eq!(blocks.next_block().expect("reads"), Some((&text[..], 0)));
        assert_eq!(blocks.next_block().expect("reads"), None);
        let long = [vec![b'x'; BLOCK - 1], b"\nyy\nz".to_vec()].concat();
        let mut blocks = Blocks::new(&long[..]);
        assert_eq!(
            blocks.next_block().expect("reads").map(|(text, line)| (text.len(), line)),
            Some((BLOCK, 0))
        );
        assert_eq!(blocks.next_block().expect("reads"), Some((&b"yy\nz"[..], 1)));
        let line = [vec![b'x'; BLOCK + 3], b"\nyy".to_vec()].concat();
        assert_eq!(Blocks::new(&line[..]).next_block().expect("reads"), Some((&line[..], 0)));
    }

    #[test]
    fn a_line_without_end_is_refused_soon() {
        let endless = std::io::repeat(b'x').take(1 << 40);
        let Err(Trouble::Flaw(flaw)) = Blocks::new(endless).next_block() else { panic!("a line") };
        assert!(flaw.found.ends_with("bytes without an end of line"), "{flaw}");
    }

    #[test]
    fn pieces_are_whole_lines() {
        let text = b"a\nbb\nccc\ndddd\n";
        for pieces in 1..9 {
            let cut = cut(text, pieces);
            assert_eq!(cut.concat(), text);
            assert!(cut.iter().all(|piece| piece.ends_with(b"\n")), "{pieces}");
        }
    }

    #[test]
    fn bytes_become_floats_when_floats_follow() {
        let mut all = Features::Bytes(vec![1]);
        append(&mut all, Features::Bytes(vec![2]));
        append(&mut all, Features::Floats(vec![0.5]));
        append(&mut all, Features::Bytes(vec![3]));
        assert_eq!(all, Features::Floats(vec![1.0, 2.0, 0.5, 3.0]));
    }
}
