//! `data info`: what a data set holds, and what may be wrong with it.

use super::{Exit, file, print, print_json};
use crate::cli::InfoArgs;
use crate::data::examine::{class_means, examine};
use crate::data::{self, Dataset, Features};
use crate::report::console::Console;
use crate::report::contact_sheet::{self, SheetError};
use crate::report::data_info::DataInfo;
use std::path::Path;

/// Examples of each class on the contact sheet.
const EXAMPLES: usize = 10;

pub fn run(args: &InfoArgs) -> anyhow::Result<Exit> {
    let console = Console { quiet: args.quiet };
    let pictures = [&args.sheet, &args.mean].into_iter().flatten();
    pictures.clone().try_for_each(|path| file::check_free(path, args.force))?;
    let data = data::load(&args.data.request())?;
    data.notes.iter().for_each(|note| console.note(format_args!("note: {note}")));

    let found = examine(&data);
    // Bytes are drawn as they are, floats from the lowest of all to the highest.
    let range = match data.train.features {
        Features::Bytes(_) => [0.0, 255.0],
        Features::Floats(_) => [found.train.low, found.train.high],
    };
    let mut files: Vec<(&Path, Vec<u8>)> = Vec::new();
    if let Some(path) = &args.sheet {
        files.push((path, examples_of_classes(&data, range)?));
    }
    if let Some(path) = &args.mean {
        files.push((path, means(&data, range)?));
    }
    file::write(&files, args.force)?;
    let info = DataInfo::new(&data, found);
    if args.json {
        print_json(&info)?;
    } else {
        print(&info.to_text())?;
    }
    pictures.for_each(|path| console.note(format_args!("saved: {}", path.display())));
    Ok(Exit::Done)
}

/// A row a class: its first examples.
fn examples_of_classes(data: &Dataset, range: [f32; 2]) -> Result<Vec<u8>, SheetError> {
    let mut rows: Vec<Vec<Vec<f32>>> = vec![Vec::new(); data.classes()];
    let width = data.train.width;
    for (row, &label) in data.train.labels.iter().enumerate() {
        let examples = &mut rows[usize::from(label)];
        if examples.len() < EXAMPLES {
            examples.push((row * width..(row + 1) * width).map(|at| data.train.features.get(at)).collect());
        }
    }
    let rows: Vec<(&str, Vec<Vec<f32>>)> = data.class_names.iter().map(String::as_str).zip(rows).collect();
    contact_sheet::render(&rows, data.shape, range)
}

/// The mean of all examples, then that of each class.
fn means(data: &Dataset, range: [f32; 2]) -> Result<Vec<u8>, SheetError> {
    let (all, classes) = class_means(&data.train, data.classes());
    let mut rows = vec![("all", vec![all])];
    let named = data.class_names.iter().map(String::as_str).zip(classes);
    rows.extend(named.map(|(name, mean)| (name, mean.into_iter().collect())));
    contact_sheet::render(&rows, data.shape, range)
}
