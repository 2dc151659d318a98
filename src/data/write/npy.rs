//! NumPy's `.npy`: `X_train.npy`, `y_train.npy`, `X_test.npy`, `y_test.npy` and `class_names.txt` in a folder.

use super::arrays::{self, Array, Numbers};
use super::{File, Loss, Output, class_names_file};
use crate::data::Dataset;
use crate::data::formats::arrange::tuple;
use crate::data::formats::npy::MAGIC;
use std::io::{self, Write};

/// Plans the folder.
pub fn plan(data: &Dataset) -> Result<Output<'_>, Loss> {
    let arrays = arrays::of(data, "npy")?;
    let mut files: Vec<File<'_>> = Vec::new();
    for array in arrays.arrays {
        let head = header(&array);
        files.push(File::new(format!("{}.npy", array.name), move |out| write(&head, &array, out)));
    }
    files.push(class_names_file(data, "npy")?);
    Ok(Output { files, shape: arrays.shape, weight_column: None })
}

fn write(head: &[u8], array: &Array<'_>, out: &mut dyn Write) -> io::Result<()> {
    out.write_all(head)?;
    array.numbers.write_little(out)
}

/// All before the numbers.
pub fn header(array: &Array<'_>) -> Vec<u8> {
    let descr = match array.numbers {
        Numbers::Bytes(_) => "|u1",
        Numbers::Floats(_) => "<f4",
        Numbers::Whole(_) => "<i8",
        Numbers::Doubles(_) => "<f8",
    };
    header_of(descr, &array.extents)
}

/// The header of numbers of type `descr`: version 1, filled up with blanks so that the numbers begin at a multiple of
/// 64 bytes.
pub fn header_of(descr: &str, extents: &[usize]) -> Vec<u8> {
    let mut dict = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {}, }}", tuple(extents));
    let length = (MAGIC.len() + 4 + dict.len() + 1).next_multiple_of(64) - MAGIC.len() - 4;
    dict.extend(std::iter::repeat_n(' ', length - 1 - dict.len()));
    dict.push('\n');
    [MAGIC, &[1, 0], &(length as u16).to_le_bytes(), dict.as_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As `numpy.lib.format.write_array_header_1_0` writes it.
    #[test]
    fn the_header_is_numpys() {
        let header = header_of("<f4", &[2, 3]);
        assert_eq!(header.len(), 128);
        let start = b"\x93NUMPY\x01\0v\0{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }  ";
        assert!(header.starts_with(start) && header.ends_with(b" \n"));
    }
}
