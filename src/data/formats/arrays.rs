//! Data sets made of named arrays: `.npy` and IDX files in a folder, the entries of an `.npz`, the tensors of a
//! safetensors file. What each array is for is in its name (see [`names`]).

use super::array::{Array, Item};
use super::element::{Element, Kind};
use super::flaw::{Flaw, Trouble};
use super::in_place::InPlace;
use super::input::{Input, Packing, Stored, check_ratio};
use super::names::{self, Chosen, Role};
use super::table::{Contents, Parts, Table};
use super::{idx, npy, zip};
use crate::data::{DataError, Shape};
use flate2::read::DeflateDecoder;
use safetensors::Dtype;
use safetensors::tensor::Metadata;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

/// How arrays of a folder are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// NumPy's `.npy`.
    Npy,
    /// IDX.
    Idx,
}

impl Layout {
    fn parse(self, head: &[u8]) -> Result<Array, Flaw> {
        match self {
            Self::Npy => npy::parse(head),
            Self::Idx => idx::parse(head),
        }
    }

    fn is(self, head: &[u8]) -> bool {
        match self {
            Self::Npy => head.starts_with(npy::MAGIC),
            Self::Idx => idx::is_idx(head),
        }
    }
}

/// Arrays of a data set, of which nothing has been read but their headers, and names of classes.
pub struct Arrays {
    /// What they are in.
    at: PathBuf,
    stored: Vec<Stored>,
    /// The name of the examples' weights, if it was given.
    weights: Option<String>,
    /// Names of the classes, from metadata.
    class_names: Option<Vec<String>>,
}

/// The set among `files`, those of `folder`.
///
/// # Errors
/// [`DataError`] when arrays are wrong.
pub fn of_folder(folder: &Path, files: &[PathBuf], layout: Layout) -> Result<Arrays, DataError> {
    of_group(folder, files, layout, None)
}

/// The set that the file at `path` belongs to: it and its neighbours of like names.
///
/// # Errors
/// As [`of_folder`].
pub fn of_file(path: &Path, files: &[PathBuf], layout: Layout) -> Result<Arrays, DataError> {
    let group =
        path.file_name().and_then(|name| names::read_name(&name.to_string_lossy())).map(|name| name.group);
    let Some(group) = group else {
        let flaw = Flaw::whole("a name that says neither features nor labels", "a name such as X_train.npy")
            .hint("name the arrays so: data/README.md lists the words");
        return Err(DataError::Content { path: path.into(), flaw });
    };
    of_group(path, files, layout, Some(&group))
}

fn of_group(at: &Path, files: &[PathBuf], layout: Layout, group: Option<&str>) -> Result<Arrays, DataError> {
    let mut stored = Vec::new();
    for path in files {
        let name = path.file_name().and_then(|name| names::read_name(&name.to_string_lossy()));
        if name.is_none_or(|name| group.is_some_and(|group| name.group != group)) {
            continue;
        }
        // Another kind of file of such a name is not part of the set.
        let extension = path.extension().is_some_and(|extension| extension == "npy" || extension == "gz");
        let Ok(meta) = std::fs::metadata(path) else { continue };
        if meta.is_dir() || (layout == Layout::Npy && !extension) {
            continue;
        }
        let input = Input::open(path)?;
        if layout.is(&input.head) {
            stored.push(self::stored(&input, layout)?);
        }
    }
    Ok(Arrays { at: at.into(), stored, weights: None, class_names: None })
}

/// The arrays of an `.npz`; `weights` names that of the examples' weights, if its own name does not say so.
///
/// # Errors
/// [`DataError`] when they are wrong.
pub fn of_npz(input: &Input, weights: Option<&str>) -> Result<Arrays, DataError> {
    let stored = npz_arrays(input, weights).map_err(|trouble| input.error(trouble))?;
    Ok(Arrays { at: input.path.clone(), stored, weights: weights.map(Into::into), class_names: None })
}

/// Whether an array of that name can be part of a data set.
fn is_wanted(name: &str, weights: Option<&str>) -> bool {
    names::read_name(name).is_some() || weights == Some(name)
}

fn npz_arrays(input: &Input, weights: Option<&str>) -> Result<Vec<Stored>, Trouble> {
    let mut file = input.content.open()?;
    let mut stored = Vec::new();
    for entry in zip::entries(&mut file, input.length)? {
        let name = entry.name.trim_end_matches(".npy").to_owned();
        // Other entries may be anything: pickled objects are not looked at.
        if !is_wanted(&name, weights) {
            continue;
        }
        file.seek(SeekFrom::Start(entry.start))?;
        let mut head = Vec::new();
        let packed = (&mut file).take(entry.packed);
        let most = npy::MOST_HEADER as u64 + 12;
        let read = if entry.deflated {
            DeflateDecoder::new(packed).take(most).read_to_end(&mut head)
        } else {
            packed.take(most).read_to_end(&mut head)
        };
        read.map_err(|error| Trouble::from(error).within(&name))?;
        let parse = || {
            let array = npy::parse(&head)?;
            array.check_size(entry.size.saturating_sub(array.start as u64))?;
            check_ratio(&array, entry.packed)?;
            Ok(array)
        };
        let array = parse().map_err(|flaw: Flaw| flaw.within(&name))?;
        let packing = Packing::Zip { packed: entry.packed, deflated: entry.deflated, crc: entry.crc };
        let (path, content) = (input.path.clone(), input.content.clone());
        stored.push(Stored { name, path, content, offset: entry.start, packing, array });
    }
    Ok(stored)
}

/// The tensors of a safetensors file; `weights` is as for [`of_npz`]. Class names may stand in its metadata, as
/// `class_names`: a JSON list.
///
/// # Errors
/// [`DataError`] when tensors are wrong.
pub fn of_safetensors(input: &Input, weights: Option<&str>) -> Result<Arrays, DataError> {
    let (stored, class_names) = tensors(input, weights).map_err(|trouble| input.error(trouble))?;
    Ok(Arrays { at: input.path.clone(), stored, weights: weights.map(Into::into), class_names })
}

fn tensors(input: &Input, weights: Option<&str>) -> Result<(Vec<Stored>, Option<Vec<String>>), Trouble> {
    let damaged = |what: String| Flaw::whole(what, "a whole safetensors file");
    let Some(length) = input.head.get(..8).and_then(|bytes| <[u8; 8]>::try_from(bytes).ok()) else {
        return Err(damaged("less than 8 bytes".into()).into());
    };
    let length = u64::from_le_bytes(length);
    let most = input.length.saturating_sub(8).min(1 << 26);
    if length > most {
        return Err(
            Flaw::new("byte 0", format!("a header of {length} bytes"), format!("at most {most}")).into()
        );
    }
    let start = 8 + length;
    let mut header = vec![0; start as usize];
    input.content.open()?.read_exact(&mut header)?;
    let metadata: Metadata =
        serde_json::from_slice(&header[8..]).map_err(|error| damaged(format!("a header with {error}")))?;
    let body = input.length - start;
    if metadata.data_len() as u64 != body {
        let expected = format!("{} as the header says", metadata.data_len());
        return Err(Flaw::new(format!("byte {start}"), format!("{body} bytes of tensors"), expected).into());
    }
    let mut stored = Vec::new();
    for (name, info) in metadata.tensors() {
        if !is_wanted(&name, weights) {
            continue;
        }
        let (kind, size) = match info.dtype {
            Dtype::BOOL => (Kind::Bool, 1),
            Dtype::U8 => (Kind::Unsigned, 1),
            Dtype::U16 => (Kind::Unsigned, 2),
            Dtype::U32 => (Kind::Unsigned, 4),
            Dtype::U64 => (Kind::Unsigned, 8),
            Dtype::I8 => (Kind::Signed, 1),
            Dtype::I16 => (Kind::Signed, 2),
            Dtype::I32 => (Kind::Signed, 4),
            Dtype::I64 => (Kind::Signed, 8),
            Dtype::F16 => (Kind::Float, 2),
            Dtype::BF16 => (Kind::BrainFloat, 2),
            Dtype::F32 => (Kind::Float, 4),
            Dtype::F64 => (Kind::Float, 8),
            other => {
                let found = format!("the type {other}");
                return Err(Flaw::new(&*name, found, "whole numbers, F16, BF16, F32 or F64").into());
            }
        };
        let element = Element { kind, size, big_endian: false };
        let (from, to) = info.data_offsets;
        let offset = start + from as u64;
        let array = Array::new(Item::Number(element), false, info.shape.clone(), 0);
        let array = array.map_err(|flaw| flaw.within(&name))?;
        if to as u64 > body || to.checked_sub(from) != Some(array.size) {
            let expected = format!("{} inside the file", array.size);
            return Err(Flaw::new(name, format!("the bytes {from} to {to}"), expected).into());
        }
        let (path, content) = (input.path.clone(), input.content.clone());
        stored.push(Stored { name, path, content, offset, packing: Packing::Plain, array });
    }
    stored.sort_by(|a, b| a.name.cmp(&b.name));
    let class_names = metadata.metadata().as_ref().and_then(|metadata| metadata.get("class_names"));
    let class_names = class_names.map(|text| {
        serde_json::from_str(text).map_err(|_| {
            Flaw::new("class_names", "other metadata", "a JSON list of texts, such as [\"cat\", \"dog\"]")
        })
    });
    Ok((stored, class_names.transpose()?))
}

impl Arrays {
    /// Reads those that their names choose, and that of the weights.
    ///
    /// # Errors
    /// [`DataError`] when they are missing or wrong.
    pub fn load(self) -> Result<Contents, DataError> {
        self.contents(Stored::features)
    }

    /// As [`Arrays::load`], but features stay in their place.
    ///
    /// # Errors
    /// As [`Arrays::load`], and when single rows cannot be read.
    pub fn in_place(self) -> Result<Contents<InPlace>, DataError> {
        self.contents(Stored::in_place)
    }

    fn contents<F>(
        self,
        features_of: impl Fn(&Stored) -> Result<(F, Shape), DataError>,
    ) -> Result<Contents<F>, DataError> {
        let flaw = |flaw| DataError::Content { path: self.at.clone(), flaw };
        let stored = &self.stored;
        let names: Vec<String> = stored.iter().map(|array| array.name.clone()).collect();
        let Chosen { first, test, weights, class_names, left_out } =
            names::choose(&names, self.weights.as_deref()).map_err(flaw)?;
        let table = |(features, labels): (usize, usize),
                     weights: Option<usize>|
         -> Result<Table<F>, DataError> {
            // Labels and weights first: they are small, and may be wrong.
            let of = stored[labels].labels()?;
            let rows = stored[features].array.extents.first().copied().unwrap_or_default();
            let as_many = |count: usize, other: usize| {
                let found = format!("{rows} rows of {} and {count} of {}", names[features], names[other]);
                let flaw = flaw(Flaw::whole(found, "as many of both").hint("are they of the same examples?"));
                if count == rows { Ok(()) } else { Err(flaw) }
            };
            as_many(of.of.len(), labels)?;
            let weights = weights.map(|place| {
                let weights = stored[place].weights()?;
                as_many(weights.len(), place).map(|()| weights)
            });
            let weights = weights.transpose()?;
            let (features, shape) = features_of(&stored[features])?;
            Ok(Table { features, shape, labels: Some(of), weights })
        };
        let first = table(first, weights[0])?;
        let parts = match test {
            Some(test) => Parts::Both { train: first, test: table(test, weights[1])? },
            None => Parts::One(first),
        };
        let class_names = match class_names {
            _ if self.class_names.is_some() => self.class_names,
            Some(place) => Some(stored[place].class_names()?),
            None => None,
        };
        let notes = left_out.iter().map(|&place| format!("{} is left out", names[place])).collect();
        Ok(Contents { parts, class_names, feature_names: None, notes })
    }
}

/// Reads one array as the features of examples without labels.
///
/// # Errors
/// [`DataError`] when it is wrong.
pub fn load_unlabelled(input: &Input, layout: Layout) -> Result<Table, DataError> {
    let (features, shape) = stored(input, layout)?.features()?;
    Ok(Table { features, shape, labels: None, weights: None })
}

/// The array that fills a file.
///
/// # Errors
/// [`DataError`] when its header is wrong, or the file is not as long as it says.
pub fn stored(input: &Input, layout: Layout) -> Result<Stored, DataError> {
    let array = layout.parse(&input.head).and_then(|array| Stored::whole(input, array));
    array.map_err(|flaw| input.error(flaw))
}

/// Whether the file's name says that it holds labels.
pub fn names_labels(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| names::read_name(&name.to_string_lossy()));
    name.is_some_and(|name| name.role == Role::Labels)
}
