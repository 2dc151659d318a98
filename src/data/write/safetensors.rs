//! safetensors: the arrays in one file, class names in its metadata as a JSON list.

use super::arrays::{self, Array, Numbers};
use super::{File, Loss, Output};
use crate::data::Dataset;
use serde_json::{Map, Value, json};
use std::io::{self, Write};

/// Plans the file.
pub fn plan(data: &Dataset) -> Result<Output<'_>, Loss> {
    let arrays = arrays::of(data, "safetensors")?;
    let head = header(&arrays.arrays, &data.class_names);
    let write = move |out: &mut dyn Write| write(&head, &arrays.arrays, out);
    Ok(Output { files: vec![File::new("", write)], shape: arrays.shape, weight_column: None })
}

fn write(head: &[u8], arrays: &[Array<'_>], out: &mut dyn Write) -> io::Result<()> {
    out.write_all(head)?;
    arrays.iter().try_for_each(|array| array.numbers.write_little(out))
}

/// The header's length, and the header, filled up with blanks to a multiple of 8 bytes. Arrays of larger numbers come
/// first, so that each begins at a multiple of its numbers' size.
fn header(arrays: &[Array<'_>], class_names: &[String]) -> Vec<u8> {
    let mut header = Map::new();
    header.insert("__metadata__".into(), json!({"class_names": json!(class_names).to_string()}));
    let mut start = 0;
    for array in arrays {
        let dtype = match array.numbers {
            Numbers::Bytes(_) => "U8",
            Numbers::Floats(_) => "F32",
            Numbers::Whole(_) => "I64",
            Numbers::Doubles(_) => "F64",
        };
        let end = start + array.bytes();
        let about = json!({"dtype": dtype, "shape": array.extents, "data_offsets": [start, end]});
        header.insert(array.name.into(), about);
        start = end;
    }
    let mut text = Value::Object(header).to_string();
    text.extend(std::iter::repeat_n(' ', text.len().next_multiple_of(8) - text.len()));
    [&(text.len() as u64).to_le_bytes(), text.as_bytes()].concat()
}
