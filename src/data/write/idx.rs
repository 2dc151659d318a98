//! IDX, under the names that MNIST's files have; and `class_names.txt`.

use super::arrays::{self, Array, Numbers};
use super::{File, Loss, Output, class_names_file};
use crate::data::Dataset;
use std::io::{self, Write};

/// Plans the folder.
pub fn plan(data: &Dataset) -> Result<Output<'_>, Loss> {
    let arrays = arrays::of(data, "idx")?;
    let mut files = Vec::new();
    for array in arrays.arrays {
        let code = code(&array)?;
        let file = file_name(&array, code);
        let head = header(&array, code)?;
        files.push(File::new(file, move |out| {
            out.write_all(&head)?;
            write(&array.numbers, code, out)
        }));
    }
    files.push(class_names_file(data, "idx")?);
    Ok(Output { files, shape: arrays.shape, weight_column: None })
}

/// The type of numbers: bytes, 32-bit whole numbers, floats, and these of double precision.
const BYTES: u8 = 0x08;
const WHOLE: u8 = 0x0c;
const FLOATS: u8 = 0x0d;
const DOUBLES: u8 = 0x0e;

fn code(array: &Array<'_>) -> Result<u8, Loss> {
    match &array.numbers {
        Numbers::Bytes(_) => Ok(BYTES),
        Numbers::Floats(_) => Ok(FLOATS),
        Numbers::Doubles(_) => Ok(DOUBLES),
        Numbers::Whole(labels) if labels.iter().all(|&label| u8::try_from(label).is_ok()) => Ok(BYTES),
        Numbers::Whole(labels) => match labels.iter().find(|&&label| i32::try_from(label).is_err()) {
            Some(label) => Err(Loss::new("idx", format!("the label {label}"), "labels of 32 bits")),
            None => Ok(WHOLE),
        },
    }
}

fn file_name(array: &Array<'_>, code: u8) -> String {
    let name = match array.name {
        "X_train" => "train-images",
        "y_train" => "train-labels",
        "X_test" => "t10k-images",
        "y_test" => "t10k-labels",
        "sample_weights_train" => "train-weights",
        "sample_weights_test" => "t10k-weights",
        other => other,
    };
    let kind = if code == BYTES { "-ubyte" } else { "" };
    format!("{name}-idx{}{kind}", array.extents.len())
}

fn header(array: &Array<'_>, code: u8) -> Result<Vec<u8>, Loss> {
    let mut bytes = vec![0, 0, code, array.extents.len() as u8];
    for &extent in &array.extents {
        let extent = u32::try_from(extent)
            .map_err(|_| Loss::new("idx", format!("an extent of {extent}"), "at most 32 bits"))?;
        bytes.extend(extent.to_be_bytes());
    }
    Ok(bytes)
}

/// The numbers, the highest byte of each first.
fn write(numbers: &Numbers<'_>, code: u8, out: &mut dyn Write) -> io::Result<()> {
    match numbers {
        Numbers::Bytes(values) => out.write_all(values),
        Numbers::Floats(values) => values.iter().try_for_each(|value| out.write_all(&value.to_be_bytes())),
        Numbers::Doubles(values) => values.iter().try_for_each(|value| out.write_all(&value.to_be_bytes())),
        Numbers::Whole(labels) if code == BYTES => {
            labels.iter().try_for_each(|&label| out.write_all(&[label as u8]))
        }
        Numbers::Whole(labels) => {
            labels.iter().try_for_each(|&label| out.write_all(&(label as i32).to_be_bytes()))
        }
    }
}
