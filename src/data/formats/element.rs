//! Numbers of binary formats, decoded into bytes or floats.

use super::flaw::{Flaw, MISSING, Trouble};
use super::threads::join;
use crate::data::Features;
use crate::kernel::pages;
use half::{bf16, f16};
use std::io::{self, Read};

/// What the bits of a number mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// 0 or 1, one byte.
    Bool,
    /// A whole number, 0 or above.
    Unsigned,
    /// A whole number, two's complement.
    Signed,
    /// IEEE 754: half, single or double precision.
    Float,
    /// The upper half of a single-precision number.
    BrainFloat,
}

/// How a number is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Element {
    /// What its bits mean.
    pub kind: Kind,
    /// Its bytes: 1, 2, 4 or 8.
    pub size: usize,
    /// Whether the highest byte comes first.
    pub big_endian: bool,
}

/// Decodes numbers of one type, first to last, with `$convert` into the type of `$out`.
macro_rules! decode {
    ($type:ty, $raw:ident, $out:ident, $big:expr, $convert:expr) => {{
        const SIZE: usize = size_of::<$type>();
        for (bytes, out) in $raw.chunks_exact(SIZE).zip($out) {
            let mut array = [0; SIZE];
            array.copy_from_slice(bytes);
            let value = if $big { <$type>::from_be_bytes(array) } else { <$type>::from_le_bytes(array) };
            *out = $convert(value);
        }
    }};
}

impl Element {
    /// A whole number of one byte.
    pub const BYTE: Self = Self { kind: Kind::Unsigned, size: 1, big_endian: false };

    /// Single precision, lowest byte first.
    pub const F32: Self = Self { kind: Kind::Float, size: 4, big_endian: false };

    /// Whether every such number is held as a byte: no decoding, a quarter of the memory.
    pub fn is_byte(self) -> bool {
        self.size == 1 && matches!(self.kind, Kind::Bool | Kind::Unsigned)
    }

    /// Whether such numbers are whole.
    pub fn is_whole(self) -> bool {
        !matches!(self.kind, Kind::Float | Kind::BrainFloat)
    }

    /// Decodes `raw`, whole numbers of bytes, into as many `out`, rounded to single precision.
    pub fn decode(self, raw: &[u8], out: &mut [f32]) {
        let big = self.big_endian;
        match (self.kind, self.size) {
            (Kind::Signed, 1) => decode!(i8, raw, out, big, f32::from),
            (Kind::Signed, 2) => decode!(i16, raw, out, big, f32::from),
            (Kind::Signed, 4) => decode!(i32, raw, out, big, |value| value as f32),
            (Kind::Signed, _) => decode!(i64, raw, out, big, |value| value as f32),
            (Kind::Bool | Kind::Unsigned, 1) => decode!(u8, raw, out, big, f32::from),
            (Kind::Bool | Kind::Unsigned, 2) => decode!(u16, raw, out, big, f32::from),
            (Kind::Bool | Kind::Unsigned, 4) => decode!(u32, raw, out, big, |value| value as f32),
            (Kind::Bool | Kind::Unsigned, _) => decode!(u64, raw, out, big, |value| value as f32),
            (Kind::Float, 2) => decode!(f16, raw, out, big, f32::from),
            (Kind::Float, 4) => decode!(f32, raw, out, big, |value| value),
            (Kind::Float, _) => decode!(f64, raw, out, big, |value| value as f32),
            (Kind::BrainFloat, _) => decode!(bf16, raw, out, big, f32::from),
        }
    }

    /// Decodes `raw` into whole numbers; `None` if a number is not whole.
    pub fn integers(self, raw: &[u8]) -> Option<Vec<i64>> {
        let mut whole = vec![0_i64; raw.len() / self.size];
        let out = whole.iter_mut();
        let big = self.big_endian;
        match (self.kind, self.size) {
            (Kind::Signed, 1) => decode!(i8, raw, out, big, i64::from),
            (Kind::Signed, 2) => decode!(i16, raw, out, big, i64::from),
            (Kind::Signed, 4) => decode!(i32, raw, out, big, i64::from),
            (Kind::Signed, _) => decode!(i64, raw, out, big, |value| value),
            (Kind::Bool | Kind::Unsigned, 1) => decode!(u8, raw, out, big, i64::from),
            (Kind::Bool | Kind::Unsigned, 2) => decode!(u16, raw, out, big, i64::from),
            (Kind::Bool | Kind::Unsigned, 4) => decode!(u32, raw, out, big, i64::from),
            (Kind::Bool | Kind::Unsigned, _) => decode!(u64, raw, out, big, u64::cast_signed),
            (Kind::Float | Kind::BrainFloat, _) => {
                let floats = self.doubles(raw);
                if floats.iter().any(|value| value.fract() != 0.0 || value.abs() > 9e15) {
                    return None;
                }
                return Some(floats.iter().map(|&value| value as i64).collect());
            }
        }
        Some(whole)
    }
}

impl Element {
    /// Decodes `raw` in double precision.
    pub fn doubles(self, raw: &[u8]) -> Vec<f64> {
        let mut doubles = vec![0.0_f64; raw.len() / self.size];
        let out = doubles.iter_mut();
        let big = self.big_endian;
        match (self.kind, self.size) {
            (Kind::Float, 2) => decode!(f16, raw, out, big, f64::from),
            (Kind::Float, 4) => decode!(f32, raw, out, big, f64::from),
            (Kind::Float, _) => decode!(f64, raw, out, big, |value| value),
            (Kind::BrainFloat, _) => decode!(bf16, raw, out, big, f64::from),
            (Kind::Unsigned, 8) => decode!(u64, raw, out, big, |value| value as f64),
            _ => {
                return self
                    .integers(raw)
                    .unwrap_or_default()
                    .into_iter()
                    .map(|whole| whole as f64)
                    .collect();
            }
        }
        doubles
    }
}

/// An array to read: how its numbers are stored and how many there are in a row.
#[derive(Clone, Copy, Debug)]
pub struct Numbers {
    /// How each is stored.
    pub element: Element,
    /// Numbers of a row, to name the place of a bad one.
    pub width: usize,
}

/// Bytes read at a time: they stay in the cache until they are decoded and checked.
const BLOCK: usize = 1 << 18;

impl Numbers {
    /// Reads `count` numbers from as many sources as `open` is asked for, side by side: it is given the byte of the
    /// array at which to start.
    ///
    /// # Errors
    /// As [`Numbers::read`].
    pub fn read_parts<R: Read>(
        self,
        count: usize,
        threads: usize,
        open: impl Fn(u64) -> io::Result<R> + Sync,
    ) -> Result<Features, Trouble> {
        // Below this, another thread costs more than it brings.
        const LEAST: usize = 1 << 20;
        let part = count.div_ceil(threads.max(1)).max(LEAST).next_multiple_of(64);
        let byte = |index: usize| (index * part * self.element.size) as u64;
        if self.element.is_byte() {
            let mut bytes = pages::zeros(count);
            join(bytes.chunks_mut(part).enumerate(), |(index, out)| {
                open(byte(index))?.read_exact(out).map_err(Trouble::from)
            })?;
            return Ok(Features::Bytes(bytes));
        }
        let mut floats = pages::zeros(count);
        join(floats.chunks_mut(part).enumerate(), |(index, out)| {
            self.read_floats(&mut open(byte(index))?, out, index * part)
        })?;
        Ok(self.narrow(floats))
    }

    /// Reads `count` numbers.
    ///
    /// # Errors
    /// [`Trouble`] when the source ends or fails, or a number is not finite in single precision.
    pub fn read(self, count: usize, source: &mut impl Read) -> Result<Features, Trouble> {
        if self.element.is_byte() {
            let mut bytes = pages::zeros(count);
            source.read_exact(&mut bytes)?;
            return Ok(Features::Bytes(bytes));
        }
        let mut floats = pages::zeros(count);
        self.read_floats(source, &mut floats, 0)?;
        Ok(self.narrow(floats))
    }

    /// Fills `out`, whose first number is number `first` of the array.
    fn read_floats(self, source: &mut impl Read, out: &mut [f32], first: usize) -> Result<(), Trouble> {
        let native = self.element == Element::F32 && cfg!(target_endian = "little");
        let mut raw = vec![0; if native { 0 } else { BLOCK.min(out.len() * self.element.size) }];
        let numbers = if native { BLOCK / 4 } else { (BLOCK / self.element.size).min(out.len()) };
        for (block, out) in out.chunks_mut(numbers.max(1)).enumerate() {
            let first = first + block * numbers;
            if native {
                source.read_exact(bytemuck::cast_slice_mut(out))?;
                self.check(out, &[], first)?;
            } else {
                let raw = &mut raw[..out.len() * self.element.size];
                source.read_exact(raw)?;
                self.element.decode(raw, out);
                self.check(out, raw, first)?;
            }
        }
        Ok(())
    }

    /// Makes sure that all of `floats` are finite; `raw` is what they were decoded from, and the first of them is number
    /// `first` of the array.
    ///
    /// # Errors
    /// [`Flaw`] with row and column of one that is not.
    pub fn check(self, floats: &[f32], raw: &[u8], first: usize) -> Result<(), Flaw> {
        // Exponents of ones alone: this has no branch for each number.
        let is_bad = |value: &f32| u32::from(value.to_bits() & 0x7fff_ffff >= 0x7f80_0000);
        if floats.iter().fold(0, |bad, value| bad | is_bad(value)) == 0 {
            return Ok(());
        }
        let at = floats.iter().position(|value| !value.is_finite()).unwrap_or_default();
        let value = match raw.get(at * 8..at * 8 + 8).and_then(|bytes| <[u8; 8]>::try_from(bytes).ok()) {
            Some(bytes) if self.element.size == 8 => {
                if self.element.big_endian {
                    f64::from_be_bytes(bytes)
                } else {
                    f64::from_le_bytes(bytes)
                }
            }
            _ => f64::from(floats[at]),
        };
        let (row, column) = ((first + at) / self.width.max(1), (first + at) % self.width.max(1));
        Err(not_finite(&format!("row {row}, column {column}"), value))
    }

    /// Whole numbers that all fit a byte are held as bytes: pixels saved as 64-bit numbers are pixels.
    fn narrow(self, floats: Vec<f32>) -> Features {
        if self.element.is_whole() && floats.iter().all(|value| (0.0..=255.0).contains(value)) {
            return Features::Bytes(floats.iter().map(|&value| value as u8).collect());
        }
        Features::Floats(floats)
    }
}

/// The flaw of a number that no `f32` holds.
pub fn not_finite(place: &str, value: f64) -> Flaw {
    let found = if value.is_finite() { format!("{value:e}") } else { value.to_string() };
    Flaw::new(place, found, "a finite number of at most 3.4e38").hint(MISSING)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(kind: Kind, size: usize, big_endian: bool, raw: &[u8]) -> Result<Features, Trouble> {
        let element = Element { kind, size, big_endian };
        Numbers { element, width: 2 }.read(raw.len() / size, &mut &raw[..])
    }

    #[test]
    fn every_kind_of_number_is_read_in_both_byte_orders() {
        type Encode = fn(f32) -> Vec<u8>;
        let values = [1.5_f32, -2.0, 0.25, 96.0];
        let expected = Features::Floats(values.to_vec());
        let cases: [(Kind, usize, Encode); 4] = [
            (Kind::Float, 2, |value| f16::from_f32(value).to_le_bytes().to_vec()),
            (Kind::Float, 4, |value| value.to_le_bytes().to_vec()),
            (Kind::Float, 8, |value| f64::from(value).to_le_bytes().to_vec()),
            (Kind::BrainFloat, 2, |value| bf16::from_f32(value).to_le_bytes().to_vec()),
        ];
        for (kind, size, encode) in cases {
            let little: Vec<u8> = values.iter().flat_map(|&value| encode(value)).collect();
            let big: Vec<u8> = little
                .chunks(size)
                .flat_map(|bytes| bytes.iter().rev().copied().collect::<Vec<_>>())
                .collect();
            assert_eq!(read(kind, size, false, &little).expect("reads"), expected);
            assert_eq!(read(kind, size, true, &big).expect("reads"), expected);
        }
    }

    #[test]
    fn whole_numbers_of_a_byte_are_bytes_and_others_floats() {
        let pixels: Vec<u8> = [0_i64, 255, 7].iter().flat_map(|value| value.to_le_bytes()).collect();
        assert_eq!(read(Kind::Signed, 8, false, &pixels).expect("reads"), Features::Bytes(vec![0, 255, 7]));
        let wide: Vec<u8> = [-1_i16, 256].iter().flat_map(|value| value.to_be_bytes()).collect();
        assert_eq!(read(Kind::Signed, 2, true, &wide).expect("reads"), Features::Floats(vec![-1.0, 256.0]));
        assert_eq!(read(Kind::Unsigned, 1, false, &[3, 4]).expect("reads"), Features::Bytes(vec![3, 4]));
    }

    #[test]
    fn numbers_beyond_single_precision_are_told_with_their_place() {
        for (bad, shown) in [(1e39, "1e39"), (f64::NAN, "NaN"), (f64::NEG_INFINITY, "-inf")] {
            let raw: Vec<u8> = [1.0, 2.0, 3.0, bad].iter().flat_map(|value| value.to_le_bytes()).collect();
            let Err(Trouble::Flaw(flaw)) = read(Kind::Float, 8, false, &raw) else { panic!("{bad}") };
            assert_eq!((flaw.place.as_str(), flaw.found.as_str()), ("row 1, column 1", shown));
        }
    }

    #[test]
    fn parts_read_side_by_side_are_the_whole() {
        let values: Vec<f32> = (0..3_000_000).map(|index| index as f32).collect();
        let raw: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        let numbers = Numbers { element: Element::F32, width: 3 };
        let open = |at: u64| Ok(&raw[at as usize..]);
        assert_eq!(numbers.read_parts(values.len(), 3, open).expect("reads"), Features::Floats(values));
    }

    #[test]
    fn labels_must_be_whole() {
        let half = [1.0_f32, 2.5].iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<_>>();
        assert_eq!(Element::F32.integers(&half), None);
        assert_eq!(Element::F32.integers(&half[..4]), Some(vec![1]));
    }
}
