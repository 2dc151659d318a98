//! Tables of text: `train.csv`, `test.csv` and `class_names.txt` in a folder, or one file where nothing tests. The first
//! column is the label, and the first row names the columns.

use super::text::Cells;
use super::{
    File, Loss, Output, check_different, check_lines, check_own_order, check_plain, class_names_file, planes,
};
use crate::data::formats::csv::is_label_name;
use crate::data::{Dataset, Examples};
use std::io::{self, Write};

/// The column of the examples' weights.
const WEIGHT: &str = "weight";

/// Plans the folder or the file.
pub fn plan<'a>(data: &'a Dataset) -> Result<Output<'a>, Loss> {
    check_different(data, "csv")?;
    check_lines(data, "csv")?;
    check_plain(data, "csv")?;
    let fields: Vec<String> = data.class_names.iter().map(|name| field(name)).collect();
    let header = feature_names(data);
    let part = |name: &str, part, weights: &'a Option<Vec<f64>>| {
        let (header, fields) = (header.clone(), fields.clone());
        File::new(name, move |out| write(part, &header, &fields, weights.as_deref(), out))
    };
    let weights = &data.weights;
    let files = if data.test.is_empty() {
        check_own_order(data, "csv")?;
        vec![part("", &data.train, &weights.train)]
    } else {
        if weights.train.is_some() != weights.test.is_some() {
            let found = "weights of the examples of one part";
            return Err(Loss::new("csv", found, "those of both, or --to npz"));
        }
        let (train, test) =
            (part("train.csv", &data.train, &weights.train), part("test.csv", &data.test, &weights.test));
        vec![train, test, class_names_file(data, "csv")?]
    };
    Ok(Output { files, shape: planes(data.shape), weight_column: weights.train.as_ref().map(|_| WEIGHT) })
}

/// The names of the features, as fields: their own, unless a reader could take one for labels or weights.
fn feature_names(data: &Dataset) -> Vec<String> {
    let is_taken = |name: &String| is_label_name(name) || name == WEIGHT;
    match &data.feature_names {
        Some(names) if !names.iter().any(is_taken) => names.iter().map(|name| field(name)).collect(),
        _ => (1..=data.train.width).map(|feature| format!("x{feature}")).collect(),
    }
}

/// A text as a field: in quotes if it would be taken apart without.
fn field(text: &str) -> String {
    if text.contains([',', ';', '\t', '"']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.into()
    }
}

fn write(
    part: &Examples,
    header: &[String],
    fields: &[String],
    weights: Option<&[f64]>,
    out: &mut dyn Write,
) -> io::Result<()> {
    let cells = Cells::new(&part.features);
    out.write_all(b"label")?;
    if weights.is_some() {
        write!(out, ",{WEIGHT}")?;
    }
    header.iter().try_for_each(|name| write!(out, ",{name}"))?;
    for (row, &label) in part.labels.iter().enumerate() {
        out.write_all(b"\n")?;
        out.write_all(fields[usize::from(label)].as_bytes())?;
        if let Some(weights) = weights {
            write!(out, ",{}", weights[row])?;
        }
        for index in row * part.width..(row + 1) * part.width {
            out.write_all(b",")?;
            cells.write(index, out)?;
        }
    }
    out.write_all(b"\n")
}
