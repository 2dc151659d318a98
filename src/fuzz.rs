//! Every parser of bytes that may come from a stranger, under one name: `fuzz/` runs each on random bytes, and
//! `tests/replay.rs` on the corpus. What is called here is what the commands call, down to the loaded data set.

use crate::autodiff;
use crate::config::{self, Layers, Settings, Varied};
use crate::data::formats::cifar::{self, Layout};
use crate::data::formats::input::Input;
use crate::data::formats::{Format, arrays, pictures, tar};
use crate::data::{self, ClassWeight, Label, Request};
use crate::model::LinearModel;
use crate::report::history::History;
use crate::report::summary::RunResult;
use crate::sweep::{Journal, Record};
use crate::train::{Checkpoint, State};
use std::path::Path;

/// What stands in messages for the file.
const NAME: &str = "bytes";
/// Bytes that any parser may take, whatever its input: buffers of files and of decompressors, lists of keys, and the 1 MB
/// of dense rows that any sparse text may ask for, of which there are a few copies while they grow and are split.
const ANY: usize = 8 << 20;
/// What deflate can make of a byte, at most.
const DEFLATE: usize = 1032;

/// A parser.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names of the formats")]
pub enum Parser {
    CifarBinary,
    CifarPython,
    CifarArchive,
    Idx,
    Npy,
    Npz,
    Csv,
    Svmlight,
    Safetensors,
    Picture,
    DataFile,
    Config,
    Grid,
    ClassWeights,
    Expression,
    Model,
    Checkpoint,
    Journal,
    Result,
    History,
}

impl Parser {
    /// All of them.
    pub const ALL: [Self; 20] = [
        Self::CifarBinary,
        Self::CifarPython,
        Self::CifarArchive,
        Self::Idx,
        Self::Npy,
        Self::Npz,
        Self::Csv,
        Self::Svmlight,
        Self::Safetensors,
        Self::Picture,
        Self::DataFile,
        Self::Config,
        Self::Grid,
        Self::ClassWeights,
        Self::Expression,
        Self::Model,
        Self::Checkpoint,
        Self::Journal,
        Self::Result,
        Self::History,
    ];

    /// Its fuzz target, and the folder of its corpus.
    pub fn name(self) -> &'static str {
        match self {
            Self::CifarBinary => "cifar_binary",
            Self::CifarPython => "cifar_python",
            Self::CifarArchive => "cifar_archive",
            Self::Idx => "idx",
            Self::Npy => "npy",
            Self::Npz => "npz",
            Self::Csv => "csv",
            Self::Svmlight => "svmlight",
            Self::Safetensors => "safetensors",
            Self::Picture => "picture",
            Self::DataFile => "data_file",
            Self::Config => "config",
            Self::Grid => "grid",
            Self::ClassWeights => "class_weights",
            Self::Expression => "expression",
            Self::Model => "model",
            Self::Checkpoint => "checkpoint",
            Self::Journal => "journal",
            Self::Result => "result",
            Self::History => "history",
        }
    }

    /// The most bytes it may take at once for `bytes`.
    pub fn most_memory(self, bytes: &[u8]) -> usize {
        let times = match self {
            // As they are, and as features.
            Self::CifarBinary => 4,
            // A value of the arena for an instruction of one byte.
            Self::CifarPython => 128,
            // Whole values with their keys and places; labels as texts.
            Self::Idx
            | Self::Npy
            | Self::Csv
            | Self::CifarArchive
            | Self::Safetensors
            | Self::Model
            | Self::Checkpoint
            | Self::Journal
            | Self::Result
            | Self::History
            | Self::Config
            | Self::Grid
            | Self::ClassWeights => 64,
            // Nodes and names.
            Self::Expression => 1024,
            // Dense rows may take 256 times their text, and a moment later more of it.
            Self::Svmlight => 576,
            // Entries may be packed.
            Self::Npz => 2 * DEFLATE,
            // Packed pixels of one bit, as bytes: in rows and in planes, of three channels.
            Self::Picture | Self::DataFile => 8 * 6 * DEFLATE,
        };
        let gzip = bytes.starts_with(&[0x1f, 0x8b]);
        let length = bytes.len().saturating_mul(if gzip { DEFLATE } else { 1 });
        ANY.saturating_add(length.saturating_mul(times))
    }

    /// Parses `bytes`, and whatever is found in them is forgotten: it must end soon, in little memory, without a panic.
    /// Returns whether they are what they should be.
    pub fn accepts(self, bytes: &[u8]) -> bool {
        match self {
            Self::CifarBinary => cifar_binary(bytes),
            Self::CifarPython => cifar_python(bytes),
            Self::CifarArchive => cifar_archive(bytes),
            Self::Idx => array(bytes, arrays::Layout::Idx),
            Self::Npy => array(bytes, arrays::Layout::Npy),
            Self::Npz => data_file(bytes, Some(Format::Npz)),
            Self::Csv => data_file(bytes, Some(Format::Csv)),
            Self::Svmlight => data_file(bytes, Some(Format::Svmlight)),
            Self::Safetensors => data_file(bytes, Some(Format::Safetensors)),
            Self::Picture => input(bytes).is_some_and(|input| pictures::load_one(&input).is_ok()),
            Self::DataFile => data_file(bytes, None),
            Self::Config => text(bytes).is_some_and(config_file),
            Self::Grid => text(bytes).is_some_and(|text| Varied::from_flag(text).is_ok()),
            Self::ClassWeights => text(bytes).is_some_and(class_weights),
            Self::Expression => text(bytes).is_some_and(expression),
            Self::Model => LinearModel::from_bytes(bytes).is_ok(),
            Self::Checkpoint => checkpoint(bytes),
            Self::Journal => journal(bytes),
            Self::Result => serde_json::from_slice::<RunResult>(bytes).is_ok(),
            Self::History => History::parse(bytes).is_ok(),
        }
    }
}

/// The bytes as a file's, which is never empty.
fn input(bytes: &[u8]) -> Option<Input> {
    Input::of_bytes(Path::new(NAME), bytes).ok().filter(|_| !bytes.is_empty())
}

fn text(bytes: &[u8]) -> Option<&str> {
    std::str::from_utf8(bytes).ok()
}

/// A file of any format, or of one, as a data set without test examples.
fn data_file(bytes: &[u8], format: Option<Format>) -> bool {
    let Some(input) = input(bytes) else { return false };
    let Some(format) = format.or_else(|| Format::of(&input.head)) else { return false };
    match format {
        Format::Cifar => cifar::archive::load(&input, None).is_ok(),
        Format::Idx => array(bytes, arrays::Layout::Idx),
        Format::Npy => array(bytes, arrays::Layout::Npy),
        Format::Pictures => pictures::load_one(&input).is_ok(),
        Format::Npz | Format::Csv | Format::Svmlight | Format::Safetensors | Format::Parquet => {
            let load = |weight_column: Option<String>| {
                let request = Request { no_test: true, weight_column, ..Request::default() };
                data::load_input(&input, format, &request).is_ok()
            };
            // What is good is read once more, with weights.
            let good = load(None);
            let _ = good && load(Some("weight".into()));
            good
        }
    }
}

/// An array that fills a file: it may hold features, labels or names.
fn array(bytes: &[u8], layout: arrays::Layout) -> bool {
    let Some(input) = input(bytes) else { return false };
    let Ok(stored) = arrays::stored(&input, layout) else { return false };
    let features = stored.features().is_ok();
    features | stored.labels().is_ok() | stored.class_names().is_ok()
}

/// Records of each kind, and names, one a line.
fn cifar_binary(bytes: &[u8]) -> bool {
    let layouts = [Layout::Cifar10, Layout::Cifar100(Label::Coarse), Layout::Cifar100(Label::Fine)];
    layouts.iter().any(|layout| cifar_batch(bytes, *layout))
}

fn cifar_python(bytes: &[u8]) -> bool {
    let layouts = [Layout::Python10, Layout::Python100(Label::Coarse), Layout::Python100(Label::Fine)];
    layouts.iter().any(|layout| cifar_batch(bytes, *layout))
}

fn cifar_batch(bytes: &[u8], layout: Layout) -> bool {
    let (mut pixels, mut labels) = (Vec::new(), Vec::new());
    let batch = cifar::archive::append(Path::new(NAME), bytes, layout, 10, &mut pixels, &mut labels);
    batch.is_ok() | layout.parse_names(Path::new(NAME), bytes).is_ok()
}

/// The archive, and once more with right sums in its headers, which random bytes hardly ever have.
fn cifar_archive(bytes: &[u8]) -> bool {
    let load = |bytes: &[u8]| {
        input(bytes).is_some_and(|input| {
            [None, Some(Label::Coarse)].iter().any(|label| cifar::archive::load(&input, *label).is_ok())
        })
    };
    let mut summed = bytes.to_vec();
    summed.chunks_exact_mut(512).filter(|block| tar::is_tar(block)).for_each(|header| {
        header[148..156].fill(b' ');
        let sum: u32 = header.iter().map(|&byte| u32::from(byte)).sum();
        header[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
    });
    load(bytes) | (summed != bytes && load(&summed))
}

fn config_file(text: &str) -> bool {
    let Ok(file) = config::parse(Path::new(NAME), text) else { return false };
    Layers::new(file, &Settings::default(), &[]).and_then(Layers::resolve).is_ok()
}

fn class_weights(text: &str) -> bool {
    let classes = ["cat", "dog", "1"].map(String::from);
    text.parse()
        .is_ok_and(|weights: ClassWeight| weights.resolve(&classes, &[0, 1, 2, 2], None, &[0, 1, 3]).is_ok())
}

/// Forward and backward as well.
fn expression(text: &str) -> bool {
    let Ok(expression) = autodiff::parse(text) else { return false };
    let values: Vec<f64> = (0..expression.places.len()).map(|place| 0.5 + place as f64).collect();
    expression.graph.evaluate(&values).is_ok()
}

/// A state that is whole is held against a run's extents as well.
fn checkpoint(bytes: &[u8]) -> bool {
    match Checkpoint::from_bytes(bytes).or_else(|_| Checkpoint::parse(bytes, false)) {
        Ok(Checkpoint { state: State::Descent(state), .. }) => {
            state.check((2, 3), &[0, 1, 2], 2, [8, 0]).is_ok()
        }
        Ok(Checkpoint { state: State::Search(_), .. }) => true,
        Err(_) => false,
    }
}

fn journal(bytes: &[u8]) -> bool {
    let Ok(Journal { outcomes, .. }) = Journal::parse(bytes) else { return false };
    (0..2).all(|run| Record::new(run, &outcomes, &[5, 5]).is_some())
}
