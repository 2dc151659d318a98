//! A place in bytes, whose every read is checked.

#![allow(clippy::missing_errors_doc, reason = "every read has one error: that the bytes end before it")]

use super::flaw::Flaw;

/// Reads forward through bytes; running past their end is a [`Flaw`], never a panic.
#[derive(Clone, Debug, Default)]
pub struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Cursor<'a> {
    /// At the start of `bytes`.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// The number of bytes passed.
    pub fn at(&self) -> usize {
        self.at
    }

    /// The bytes still to come.
    pub fn rest(&self) -> &'a [u8] {
        &self.bytes[self.at..]
    }

    /// The next `count` bytes, which are `what`.
    pub fn take(&mut self, count: usize, what: &str) -> Result<&'a [u8], Flaw> {
        let rest = self.rest();
        let Some(taken) = rest.get(..count) else {
            let found = format!("{} bytes before the end", rest.len());
            return Err(Flaw::new(format!("byte {}", self.at), found, format!("{count} of {what}")));
        };
        self.at += count;
        Ok(taken)
    }

    /// The next `N` bytes, which are `what`.
    pub fn array<const N: usize>(&mut self, what: &str) -> Result<[u8; N], Flaw> {
        let mut array = [0; N];
        array.copy_from_slice(self.take(N, what)?);
        Ok(array)
    }

    /// The next byte, which is `what`.
    pub fn u8(&mut self, what: &str) -> Result<u8, Flaw> {
        self.array(what).map(|[byte]| byte)
    }

    /// The next two bytes as a little-endian number.
    pub fn u16_le(&mut self, what: &str) -> Result<u16, Flaw> {
        self.array(what).map(u16::from_le_bytes)
    }

    /// The next four bytes as a little-endian number.
    pub fn u32_le(&mut self, what: &str) -> Result<u32, Flaw> {
        self.array(what).map(u32::from_le_bytes)
    }

    /// The next eight bytes as a little-endian number.
    pub fn u64_le(&mut self, what: &str) -> Result<u64, Flaw> {
        self.array(what).map(u64::from_le_bytes)
    }

    /// The bytes up to the next `end`, which is passed as well.
    pub fn until(&mut self, end: u8, what: &str) -> Result<&'a [u8], Flaw> {
        let Some(length) = memchr::memchr(end, self.rest()) else {
            return Err(Flaw::new(format!("byte {}", self.at), "no end of it", what));
        };
        let taken = &self.rest()[..length];
        self.at += length + 1;
        Ok(taken)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_go_forward_and_stop_at_the_end() {
        let mut cursor = Cursor::new(&[1, 2, 0, 3, 10, 9]);
        assert_eq!((cursor.u8("a"), cursor.u16_le("b")), (Ok(1), Ok(2)));
        assert_eq!((cursor.until(10, "a line"), cursor.at()), (Ok(&[3_u8][..]), 5));
        let flaw = cursor.u32_le("a count").expect_err("one byte is left");
        assert_eq!((flaw.place.as_str(), flaw.found.as_str()), ("byte 5", "1 bytes before the end"));
        assert_eq!((cursor.at(), cursor.rest()), (5, &[9_u8][..]), "a failed read moves nothing");
        assert!(cursor.take(usize::MAX, "much").is_err() && cursor.until(0, "a name").is_err());
    }
}
