//! What can be wrong with a data set, said in one line: what, where, found, expected; then a hint.

use super::formats::flaw::Flaw;
use std::io;
use std::path::PathBuf;
use thiserror::Error;

/// A data set that cannot be used.
#[derive(Debug, Error)]
pub enum DataError {
    /// The operating system refused.
    #[error("cannot read {}: {error}", path.display())]
    Unreadable {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        #[source]
        error: io::Error,
    },
    /// A path that is no folder of a known layout.
    #[error("{}: found {found}, expected {expected}", path.display())]
    Layout {
        /// The file or folder.
        path: PathBuf,
        /// What is there.
        found: String,
        /// What a data set has.
        expected: String,
    },
    /// A file whose bytes are not what its format says.
    #[error("{}: {flaw}", path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// What is wrong in it.
        flaw: Flaw,
    },
    /// A file that is not a whole number of records.
    #[error(
        "{}: record {record} (byte {start}) is cut off: found {found} bytes, expected {expected}",
        path.display()
    )]
    Truncated {
        /// The file.
        path: PathBuf,
        /// Number of the broken record, from 0.
        record: u64,
        /// Its first byte in the file.
        start: u64,
        /// Bytes of it that are there.
        found: u64,
        /// Bytes of a whole record.
        expected: u64,
    },
    /// A label that no class has.
    #[error("{}: record {record} (byte {byte}): found label {found}, expected 0 to {}", path.display(), classes - 1)]
    LabelRange {
        /// The file.
        path: PathBuf,
        /// Number of the record, from 0.
        record: u64,
        /// Place of the label in the file.
        byte: u64,
        /// The label.
        found: u8,
        /// K.
        classes: usize,
    },
    /// Too few or too many classes.
    #[error("{}: found {found} class name(s), expected 2 to 256, one a line", path.display())]
    Classes {
        /// The file of names.
        path: PathBuf,
        /// How many it has.
        found: usize,
    },
    /// `--label` where there is nothing to choose.
    #[error("--label: {name} has one kind of label, expected CIFAR-100 (train.bin, test.bin)")]
    LabelChoice {
        /// The data set.
        name: String,
    },
    /// More held-out rows than there are.
    #[error(
        "--validation: found {found} rows to hold out of {rows} training rows, expected to leave at least one of each"
    )]
    Holdout {
        /// Rows asked for.
        found: usize,
        /// Rows there are.
        rows: usize,
    },
    /// Another content than that of the run.
    #[error("{name}: found BLAKE3 {found}, expected {expected} as {record} has")]
    Changed {
        /// The data.
        name: String,
        /// Digest of what is there.
        found: String,
        /// Digest of what the run had.
        expected: String,
        /// Where that is recorded.
        record: String,
    },
    /// As many test rows as there are, or none.
    #[error(
        "--test-split: found {found} of {rows} rows, expected to leave at least one to train and one to test"
    )]
    TestSplit {
        /// Rows asked for.
        found: usize,
        /// Rows there are.
        rows: usize,
    },
    /// Examples that nobody told apart.
    #[error("{}: found examples of one kind, expected some to train and some to test", path.display())]
    NoTest {
        /// The file or folder.
        path: PathBuf,
    },
    /// Data of which no single rows can be read.
    #[error(
        "--memory: {}: found {found}, expected rows in their place: .npy, safetensors, IDX or CIFAR's binary files, not \
         compressed",
        path.display()
    )]
    NotInPlace {
        /// The file or folder.
        path: PathBuf,
        /// What it is.
        found: String,
    },
    /// Examples without labels where labels are needed.
    #[error("{}: found examples without labels, expected a label for each", path.display())]
    Unlabelled {
        /// The file or folder.
        path: PathBuf,
    },
    /// A setting about data that this data has no use for.
    #[error("--{key}: has no effect on {name}: {reason}")]
    WithoutEffect {
        /// The setting.
        key: &'static str,
        /// The data set.
        name: String,
        /// Why.
        reason: String,
    },
    /// Weights of classes that do not fit the data.
    #[error("--class-weight: found {found}, expected {expected}")]
    ClassWeight {
        /// What was given.
        found: String,
        /// What the data allow.
        expected: String,
    },
    /// Weights of examples that leave nothing to learn from.
    #[error(
        "weights of the examples: found a mean of {mean} over the training rows, expected a number above 0"
    )]
    SampleWeights {
        /// What there is.
        mean: f64,
    },
    /// A data set whose features differ from the model's.
    #[error("{name}: found {found}, expected {expected} as the model has")]
    Mismatch {
        /// The data.
        name: String,
        /// Its features and classes.
        found: String,
        /// The model's.
        expected: String,
    },
}

impl DataError {
    /// What to do about it.
    pub fn hint(&self) -> String {
        match self {
            Self::Unreadable { .. } => "check the path and its permissions".into(),
            Self::Layout { .. } => "data/README.md lists what can be read, and how files are named".into(),
            Self::Content { flaw, .. } => flaw.hint.into(),
            Self::Truncated { .. } => "the file is incomplete: unpack or download it again".into(),
            Self::LabelRange { .. } => {
                "the file is damaged, or is not of this layout, or batches.meta.txt lacks class names".into()
            }
            Self::Classes { .. } => {
                "a classifier needs at least two classes, a one-byte label holds at most 256".into()
            }
            Self::LabelChoice { .. } => "leave --label out".into(),
            Self::TestSplit { .. } => "give a smaller number, or a fraction such as 0.2".into(),
            Self::NoTest { .. } => {
                "--test FILE names a file of test examples; --test-split 0.2 sets a fifth of the rows aside"
                    .into()
            }
            Self::NotInPlace { path, .. } => {
                format!(
                    "convert it first: cifar-train data convert --data {} NAME.safetensors",
                    path.display()
                )
            }
            Self::Unlabelled { .. } => {
                "`predict` needs no labels; --label-column says where a CSV file has them".into()
            }
            Self::WithoutEffect { key, .. } => format!("leave --{key} out"),
            Self::Holdout { .. } => "give a smaller number, or a fraction such as 0.1".into(),
            Self::Changed { .. } => {
                "the data are not those of the run: give --data the same ones, or train again".into()
            }
            Self::ClassWeight { .. } => {
                "name classes as the data do, as in --class-weight cat=2,dog=0.5".into()
            }
            Self::SampleWeights { .. } => "a row of weight 0 does not count: some rows must".into(),
            Self::Mismatch { .. } => "give --data the kind of data the model was trained on".into(),
        }
    }

    /// Whether the operating system, not the data, is at fault.
    pub fn is_io(&self) -> bool {
        matches!(self, Self::Unreadable { .. })
    }
}
