//! CIFAR straight from its `.tar.gz`: nothing is written to disk.

use super::records::{Record, Stretch};
use super::{Layout, PIXELS, SHAPE, python};
use crate::data::formats::flaw::{Flaw, Trouble};
use crate::data::formats::input::Input;
use crate::data::formats::tar;
use crate::data::{DataError, Dataset, Examples, Features, Label, SampleWeights, Source};
use crate::kernel::pages;
use std::collections::BTreeMap;
use std::path::Path;

/// Loads the data set in the archive.
///
/// # Errors
/// [`DataError`] when it is damaged, or holds no data set of CIFAR's.
pub fn load(input: &Input, label: Option<Label>) -> Result<Dataset, DataError> {
    let layouts = Layout::all(label);
    let wanted = |name: &str| layouts.iter().any(|layout| layout.files().iter().any(|file| file == name));
    let mut files = BTreeMap::new();
    let read = input.stream().map_err(Trouble::from).and_then(|mut source| {
        tar::read_files(&mut source, input.most_bytes(), wanted, |name, bytes| {
            files.insert(name.to_owned(), bytes);
            Ok(())
        })
    });
    read.map_err(|trouble| input.error(trouble))?;
    let missing = |layout: &Layout| -> Vec<String> {
        layout.files().into_iter().filter(|file| !files.contains_key(file)).collect()
    };
    let Some(layout) =
        layouts.iter().copied().rev().max_by_key(|layout| layout.files().len() - missing(layout).len())
    else {
        unreachable!("there are layouts")
    };
    let missing = missing(&layout);
    if !missing.is_empty() {
        let found = if missing.len() == layout.files().len() {
            "an archive without CIFAR's files".into()
        } else {
            format!("no {}", missing.join(", "))
        };
        let expected = format!("all {} files of {}", layout.files().len(), layout.name());
        return Err(input.error(Flaw::whole(found, expected).hint("download the archive again")));
    }
    if layout.label().is_none() && label.is_some() {
        return Err(DataError::LabelChoice { name: input.path.display().to_string() });
    }
    let class_names =
        layout.parse_names(&input.path.join(layout.names_file()), &files[layout.names_file()])?;
    let archive = Archive { input, layout, classes: class_names.len() };
    let test = archive.examples(&mut files, &[layout.test_file().to_owned()])?;
    let train = archive.examples(&mut files, &layout.train_files())?;
    Ok(Dataset {
        name: layout.name().into(),
        source: Source::Path(input.path.clone()),
        shape: SHAPE,
        class_names,
        feature_names: None,
        train,
        test,
        weights: SampleWeights::default(),
        notes: Vec::new(),
    })
}

struct Archive<'a> {
    input: &'a Input,
    layout: Layout,
    classes: usize,
}

impl Archive<'_> {
    /// Joins the named files, and lets each go when it is done.
    fn examples(
        &self,
        files: &mut BTreeMap<String, Vec<u8>>,
        names: &[String],
    ) -> Result<Examples, DataError> {
        let bytes: usize = names.iter().map(|name| files[name].len()).sum();
        let mut pixels = pages::with_capacity(bytes);
        let mut labels = Vec::with_capacity(bytes / PIXELS);
        for name in names {
            let bytes = files.remove(name).unwrap_or_default();
            let path = self.input.path.join(name);
            append(&path, &bytes, self.layout, self.classes, &mut pixels, &mut labels)?;
        }
        Ok(Examples { features: Features::Bytes(pixels), labels, width: PIXELS })
    }
}

/// Puts the examples of a file's bytes behind those that are there.
///
/// # Errors
/// [`DataError`] when they are no whole records or no pickled batch, or have a label outside 0 to K - 1.
pub fn append(
    path: &Path,
    bytes: &[u8],
    layout: Layout,
    classes: usize,
    pixels: &mut Vec<u8>,
    labels: &mut Vec<u16>,
) -> Result<(), DataError> {
    if layout.is_python() {
        let batch = python::batch(bytes, PIXELS, layout.label(), classes)
            .map_err(|flaw| DataError::Content { path: path.into(), flaw })?;
        pixels.extend_from_slice(batch.pixels);
        labels.extend(batch.labels.iter().map(|&label| u16::from(label)));
        return Ok(());
    }
    let record: Record = layout.record();
    let count = record.count(path, bytes.len() as u64)?;
    let (old, all) = (labels.len(), labels.len() + count);
    pixels.resize(all * PIXELS, 0);
    labels.resize(all, 0);
    let length = |_: &_| bytes.len() as u64;
    let stretch = Stretch { path, record, classes, first: 0 };
    stretch.read(&mut &bytes[..], length, &mut pixels[old * PIXELS..], &mut labels[old..])
}
