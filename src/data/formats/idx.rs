//! IDX, the format of MNIST, Fashion-MNIST and EMNIST.
//!
//! Two zeros, a type, the number of extents, the extents (32 bits each), the numbers; the highest byte first
//! everywhere.

use super::array::{Array, Item};
use super::cursor::Cursor;
use super::element::{Element, Kind};
use super::flaw::Flaw;

/// Whether `bytes` begin as an IDX file does.
pub fn is_idx(bytes: &[u8]) -> bool {
    matches!(bytes, [0, 0, 0x08 | 0x09 | 0x0b..=0x0e, 1..=4, ..])
}

/// Reads the header at the start of `bytes`.
///
/// # Errors
/// [`Flaw`] when there is none.
pub fn parse(bytes: &[u8]) -> Result<Array, Flaw> {
    let mut cursor = Cursor::new(bytes);
    let [zero, also_zero, code, count] = cursor.array("IDX's magic")?;
    let (kind, size) = match code {
        0x08 => (Kind::Unsigned, 1),
        0x09 => (Kind::Signed, 1),
        0x0b => (Kind::Signed, 2),
        0x0c => (Kind::Signed, 4),
        0x0d => (Kind::Float, 4),
        0x0e => (Kind::Float, 8),
        _ => return Err(Flaw::new("byte 2", format!("type {code:#04x}"), "0x08, 0x09 or 0x0b to 0x0e")),
    };
    if (zero, also_zero) != (0, 0) || !(1..=4).contains(&count) {
        return Err(Flaw::new("byte 0", "another magic", "two zeros, a type, and 1 to 4 extents"));
    }
    let mut extents = Vec::new();
    for _ in 0..count {
        extents.push(u32::from_be_bytes(cursor.array("an extent")?) as usize);
    }
    let element = Element { kind, size, big_endian: true };
    Array::new(Item::Number(element), false, extents, cursor.at())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{Features, Shape};

    fn idx(code: u8, extents: &[u32], raw: &[u8]) -> Vec<u8> {
        let mut bytes = vec![0, 0, code, extents.len() as u8];
        extents.iter().for_each(|extent| bytes.extend(extent.to_be_bytes()));
        [&bytes, raw].concat()
    }

    #[test]
    fn pictures_and_labels() {
        let bytes = idx(8, &[2, 2, 3], &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
        let array = parse(&bytes).expect("a header");
        array.check_size(12).expect("whole");
        let read = array.read_features(&mut &bytes[array.start..]).expect("reads");
        let shape = Shape::Image { channels: 1, height: 2, width: 3 };
        assert_eq!(read, (Features::Bytes((1..=12).collect()), shape));

        let bytes = idx(8, &[3], &[7, 0, 7]);
        let labels = parse(&bytes).expect("a header").read_labels(&mut &bytes[8..]).expect("reads");
        assert_eq!((labels.texts, labels.of), (vec!["7".to_owned(), "0".into()], vec![0, 1, 0]));
        let bytes = idx(0x0d, &[1, 2], &[0x3f, 0x80, 0, 0, 0xc0, 0, 0, 0]);
        let (features, _) = parse(&bytes).expect("a header").read_features(&mut &bytes[12..]).expect("reads");
        assert_eq!(features, Features::Floats(vec![1.0, -2.0]));
    }

    #[test]
    fn a_cut_header_or_another_magic_is_a_flaw() {
        let whole = idx(8, &[2, 2, 3], &[]);
        for cut in 0..whole.len() {
            assert!(parse(&whole[..cut]).is_err(), "cut at {cut}");
        }
        for bytes in [[1, 0, 8, 1], [0, 0, 10, 1], [0, 0, 8, 0], [0, 0, 8, 5]] {
            assert!(parse(&[&bytes[..], &[0; 20]].concat()).is_err(), "{bytes:?}");
        }
        let huge = parse(&idx(14, &[u32::MAX; 4], &[]));
        assert!(
            huge.is_err() && parse(&idx(8, &[1000, 28, 28], &[])).expect("plausible").check_size(5).is_err()
        );
    }
}
