//! Tables of text: `train.csv`, `test.csv` and `class_names.txt` in a folder, or one file where nothing tests. The first
//! column is the label, and the first row names the columns.

use super::text::Cells;
use super::{
    File, Loss, Output, check_different, check_lines, check_own_order, check_plain, class_names_file, planes,
};
use crate::data::{Dataset, Examples};
use std::io::{self, Write};

/// Plans the folder or the file.
pub fn plan(data: &Dataset) -> Result<Output<'_>, Loss> {
    check_different(data, "csv")?;
    check_lines(data, "csv")?;
    check_plain(data, "csv")?;
    let fields: Vec<String> = data.class_names.iter().map(|name| field(name)).collect();
    let part = |name: &str, part| {
        let fields = fields.clone();
        File::new(name, move |out| write(part, &fields, out))
    };
    let files = if data.test.is_empty() {
        check_own_order(data, "csv")?;
        vec![part("", &data.train)]
    } else {
        vec![part("train.csv", &data.train), part("test.csv", &data.test), class_names_file(data, "csv")?]
    };
    Ok(Output { files, shape: planes(data.shape) })
}

/// A text as a field: in quotes if it would be taken apart without.
fn field(text: &str) -> String {
    if text.contains([',', ';', '\t', '"']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.into()
    }
}

fn write(part: &Examples, fields: &[String], out: &mut dyn Write) -> io::Result<()> {
    let cells = Cells::new(&part.features);
    out.write_all(b"label")?;
    (1..=part.width).try_for_each(|feature| write!(out, ",x{feature}"))?;
    for (row, &label) in part.labels.iter().enumerate() {
        out.write_all(b"\n")?;
        out.write_all(fields[usize::from(label)].as_bytes())?;
        for index in row * part.width..(row + 1) * part.width {
            out.write_all(b",")?;
            cells.write(index, out)?;
        }
    }
    out.write_all(b"\n")
}
