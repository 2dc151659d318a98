//! NumPy's `.npy`: a header in Python's syntax, then the numbers.
//!
//! `\x93NUMPY`, a version, the header's length, and a dict such as
//! `{'descr': '<f4', 'fortran_order': False, 'shape': (60000, 784), }`. Nothing of it is evaluated: three keys are
//! looked for.

use super::array::{Array, Item};
use super::cursor::Cursor;
use super::element::{Element, Kind};
use super::flaw::Flaw;

/// How the file begins.
pub const MAGIC: &[u8] = b"\x93NUMPY";
/// Headers are about 100 bytes; one that is longer than this is none.
pub const MOST_HEADER: usize = 1 << 16;

/// Reads the header at the start of `bytes`.
///
/// # Errors
/// [`Flaw`] when there is none, or its type holds no numbers and no text.
pub fn parse(bytes: &[u8]) -> Result<Array, Flaw> {
    let mut cursor = Cursor::new(bytes);
    let magic = cursor.take(MAGIC.len(), "NumPy's magic")?;
    if magic != MAGIC {
        return Err(Flaw::new("byte 0", "other bytes", "\\x93NUMPY"));
    }
    let [major, _minor] = cursor.array("the version")?;
    let length = match major {
        1 => cursor.u16_le("the header's length")?.into(),
        2 | 3 => cursor.u32_le("the header's length")? as usize,
        _ => return Err(Flaw::new("byte 6", format!("version {major}"), "version 1, 2 or 3")),
    };
    if length > MOST_HEADER {
        return Err(Flaw::new(
            "byte 8",
            format!("a header of {length} bytes"),
            format!("at most {MOST_HEADER}"),
        ));
    }
    let text = String::from_utf8_lossy(cursor.take(length, "the header")?);
    let value = |key: &str| {
        let after = text.split_once(&format!("'{key}':")).map(|(_, after)| after.trim_start());
        after.ok_or_else(|| Flaw::whole(format!("a header without {key}"), "descr, fortran_order and shape"))
    };
    let item = item(value("descr")?)?;
    let fortran = value("fortran_order")?.starts_with("True");
    let extents = extents(value("shape")?)?;
    Array::new(item, fortran, extents, cursor.at())
}

/// The type `'<f4'` and its like, in quotes.
fn item(text: &str) -> Result<Item, Flaw> {
    let unknown = || {
        let shown: String =
            text.split_inclusive([',', ']']).next().unwrap_or_default().chars().take(20).collect();
        Flaw::whole(
            format!("the type {}", shown.trim_end_matches(',')),
            "u1 to u8, i1 to i8, f2 to f8, b1, S or U",
        )
        .hint("numpy's astype(\"float32\") makes a type of any numbers")
    };
    let quoted = text.strip_prefix('\'').and_then(|text| text.split_once('\''));
    let (descr, _) = quoted.ok_or_else(unknown)?;
    let big_endian = descr.starts_with('>');
    let descr = descr.trim_start_matches(['<', '>', '|', '=']);
    let kind = descr.chars().next().ok_or_else(unknown)?;
    let size: usize = descr[kind.len_utf8()..].parse().map_err(|_| unknown())?;
    let number = |kind| Item::Number(Element { kind, size, big_endian });
    match (kind, size) {
        ('b', 1) => Ok(number(Kind::Bool)),
        ('u', 1 | 2 | 4 | 8) => Ok(number(Kind::Unsigned)),
        ('i', 1 | 2 | 4 | 8) => Ok(number(Kind::Signed)),
        ('f', 2 | 4 | 8) => Ok(number(Kind::Float)),
        ('S', length) => Ok(Item::Bytes(length)),
        ('U', length) => Ok(Item::Unicode { length, big_endian }),
        _ => Err(unknown()),
    }
}

/// The extents `(60000, 784)`.
fn extents(text: &str) -> Result<Vec<usize>, Flaw> {
    let unknown = || {
        let shown: String = text.chars().take(40).collect();
        Flaw::whole(format!("the shape {shown}"), "whole numbers in parentheses")
    };
    let (inside, _) = text.strip_prefix('(').and_then(|text| text.split_once(')')).ok_or_else(unknown)?;
    // Python 2 wrote long numbers with an L.
    let numbers = inside.split(',').map(|number| number.trim().trim_end_matches('L'));
    numbers.filter(|number| !number.is_empty()).map(|number| number.parse().map_err(|_| unknown())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::formats::flaw::Trouble;
    use crate::data::formats::labels::Labels;
    use crate::data::{Features, Shape};
    use proptest::prelude::*;

    /// A `.npy` file as NumPy 2 writes it.
    fn npy(descr: &str, fortran: bool, shape: &str, raw: &[u8]) -> Vec<u8> {
        let order = if fortran { "True" } else { "False" };
        let mut header = format!("{{'descr': '{descr}', 'fortran_order': {order}, 'shape': {shape}, }}");
        while (10 + header.len() + 1) % 64 != 0 {
            header.push(' ');
        }
        header.push('\n');
        let length = (header.len() as u16).to_le_bytes();
        [MAGIC, &[1, 0], &length, header.as_bytes(), raw].concat()
    }

    fn features(bytes: &[u8]) -> Result<(Features, Shape), Trouble> {
        let array = parse(bytes)?;
        array.check_size((bytes.len() - array.start) as u64)?;
        array.read_features(&mut &bytes[array.start..])
    }

    fn labels(bytes: &[u8]) -> Result<Labels, Trouble> {
        let array = parse(bytes)?;
        array.check_size((bytes.len() - array.start) as u64)?;
        array.read_labels(&mut &bytes[array.start..])
    }

    #[test]
    fn reads_numbers_and_pictures() {
        let (read, shape) = features(&npy("|u1", false, "(2, 3)", &[1, 2, 3, 4, 5, 6])).expect("reads");
        assert_eq!((read, shape), (Features::Bytes(vec![1, 2, 3, 4, 5, 6]), Shape::Vector(3)));
        let (read, _) = features(&npy(">u2", true, "(2, 2)", &[0, 1, 0, 2, 0, 3, 0, 4])).expect("reads");
        assert_eq!(read, Features::Bytes(vec![1, 3, 2, 4]));
        let (_, shape) = features(&npy("|u1", false, "(1, 5, 7, 3)", &[0; 105])).expect("reads");
        assert_eq!(shape, Shape::Image { channels: 3, height: 5, width: 7 });
    }

    #[test]
    fn labels_are_numbers_or_texts() {
        let texts = |bytes: &[u8]| labels(bytes).expect("reads").texts;
        assert_eq!(texts(&npy("<i2", false, "(2,)", &[7, 0, 3, 0])), ["7", "3"]);
        assert_eq!(texts(&npy("<f4", false, "(1, 1)", &3.0_f32.to_le_bytes())), ["3"]);
        assert_eq!(texts(&npy("|S3", false, "(2,)", b"ab\0cde")), ["ab", "cde"]);
        let wide: Vec<u8> = "hé".chars().chain(['\0']).flat_map(|char| (char as u32).to_be_bytes()).collect();
        assert_eq!(texts(&npy(">U3", false, "(1,)", &wide)), ["hé"]);
        assert!(labels(&npy("<f4", false, "(1,)", &0.5_f32.to_le_bytes())).is_err());
        assert!(labels(&npy("|u1", false, "(2, 2)", &[0; 4])).is_err());
    }

    #[test]
    fn a_cut_anywhere_is_a_flaw() {
        let whole = npy("<f4", false, "(2, 1)", &[0; 8]);
        assert!(features(&whole).is_ok());
        for cut in 0..whole.len() {
            assert!(features(&whole[..cut]).is_err(), "cut at {cut}");
        }
        assert!(features(&[&whole[..], &[0]].concat()).is_err(), "one byte too many");
    }

    #[test]
    fn headers_that_lie_take_no_memory() {
        for shape in
            ["(4294967296, 4294967296)", "(99999999999999999999, 2)", "(1000000000, 4)", "(-1, 4)", "(a,)"]
        {
            assert!(features(&npy("<f4", false, shape, &[0; 16])).is_err(), "{shape}");
        }
        for descr in ["<c8", "|O", "<f3", "", "<", "[('a', '<f4')]", "|V8"] {
            assert!(features(&npy(descr, false, "(2, 2)", &[0; 16])).is_err(), "{descr}");
        }
    }

    proptest! {
        #[test]
        fn any_floats_come_back(rows in 1..9_usize, width in 1..9_usize, seed: u32, double: bool, big: bool) {
            let values: Vec<f32> =
                (0..rows * width).map(|at| (seed as f32).mul_add(1e-3, at as f32 * 0.7 - 5.0)).collect();
            let encode = |&value: &f32| {
                let mut bytes =
                    if double { f64::from(value).to_le_bytes().to_vec() } else { value.to_le_bytes().to_vec() };
                if big { bytes.reverse(); }
                bytes
            };
            let raw: Vec<u8> = values.iter().flat_map(encode).collect();
            let descr = format!("{}f{}", if big { '>' } else { '<' }, if double { 8 } else { 4 });
            let read = features(&npy(&descr, false, &format!("({rows}, {width})"), &raw)).expect("reads");
            prop_assert_eq!(read, (Features::Floats(values), Shape::Vector(width)));
        }

        #[test]
        fn any_bytes_are_read_or_refused(mut bytes in proptest::collection::vec(any::<u8>(), 0..200), magic: bool) {
            if magic { bytes.splice(0..0, [MAGIC, &[1, 0]].concat()); }
            let _ = features(&bytes);
            let _ = labels(&bytes);
        }
    }
}
