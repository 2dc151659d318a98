//! svmlight's text: `train.svm`, `test.svm` and `class_names.txt` in a folder, or one file where nothing tests. Indices
//! start at 1; zeros are left out.

use super::text::Cells;
use super::{
    File, Loss, Output, check_no_weights, check_own_order, check_plain, class_names_file, label_numbers,
    planes,
};
use crate::data::{Dataset, Examples};
use std::io::{self, Write};

/// Plans the folder or the file.
pub fn plan(data: &Dataset) -> Result<Output<'_>, Loss> {
    check_no_weights(data, "svmlight")?;
    check_dense(&data.train)?;
    check_dense(&data.test)?;
    let shape = planes(data.shape);
    if data.test.is_empty() {
        check_own_order(data, "svmlight")?;
        check_plain(data, "svmlight")?;
        check_words(data)?;
        let labels = data.class_names.clone();
        return Ok(Output {
            files: vec![File::new("", move |out| write(&data.train, &labels, out))],
            shape,
            weight_column: None,
        });
    }
    let labels: Vec<String> = label_numbers(data, "svmlight")?.iter().map(ToString::to_string).collect();
    let part = |name: &str, part| {
        let labels = labels.clone();
        File::new(name, move |out| write(part, &labels, out))
    };
    let files = vec![
        part("train.svm", &data.train),
        part("test.svm", &data.test),
        class_names_file(data, "svmlight")?,
    ];
    Ok(Output { files, shape, weight_column: None })
}

/// Makes sure that each name is one word.
fn check_words(data: &Dataset) -> Result<(), Loss> {
    let is_word =
        |name: &&String| !name.is_empty() && !name.contains(|c: char| c.is_whitespace() || ",:#".contains(c));
    match data.class_names.iter().find(|name| !is_word(name)) {
        Some(name) => Err(Loss::new("svmlight", format!("a class called {name:?}"), "names of one word")),
        None => Ok(()),
    }
}

/// Makes sure that the rows are not so sparse that a reader refuses to hold them dense: the shortest pair is `1:1 `.
fn check_dense(part: &Examples) -> Result<(), Loss> {
    const MOST_RATIO: usize = 256;
    const SMALL: usize = 1 << 20;
    let cells = Cells::new(&part.features);
    let numbers = part.features.len();
    if numbers * 4 <= SMALL {
        return Ok(());
    }
    let written = (0..numbers).filter(|&index| !cells.is_zero(index)).count();
    // Labels and their ends of line are two bytes a row at least.
    if numbers * 4 <= MOST_RATIO * (4 * written + 2 * part.len()) {
        return Ok(());
    }
    let found = format!("{written} of {numbers} features that are not 0");
    Err(Loss::new("svmlight", found, "more of them: rows are read dense"))
}

fn write(part: &Examples, labels: &[String], out: &mut dyn Write) -> io::Result<()> {
    let cells = Cells::new(&part.features);
    for (row, &label) in part.labels.iter().enumerate() {
        out.write_all(labels[usize::from(label)].as_bytes())?;
        for feature in 0..part.width {
            let index = row * part.width + feature;
            // The last index tells D, and its number that these are bytes or floats: the first row always has it.
            if !cells.is_zero(index) || (row == 0 && feature + 1 == part.width) {
                write!(out, " {}:", feature + 1)?;
                cells.write(index, out)?;
            }
        }
        out.write_all(b"\n")?;
    }
    Ok(())
}
