//! The layouts: which files there are, and which labels they have.

use super::python;
use super::records::Record;
use crate::data::DataError;
use clap::ValueEnum;
use serde::{Deserialize, Serialize};
use std::fs;
use std::path::Path;

/// Which of CIFAR-100's two labels to learn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Label {
    /// The 20 superclasses.
    Coarse,
    /// The 100 classes.
    Fine,
}

/// A data set's files and records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// Ten classes, records of bytes.
    Cifar10,
    /// A hundred classes, or twenty; records of bytes.
    Cifar100(Label),
    /// Ten classes, pickled.
    Python10,
    /// A hundred classes, or twenty; pickled.
    Python100(Label),
}

impl Layout {
    /// All of them, where `label` or the fine one is learned.
    pub fn all(label: Option<Label>) -> [Self; 4] {
        let label = label.unwrap_or(Label::Fine);
        [Self::Cifar10, Self::Cifar100(label), Self::Python10, Self::Python100(label)]
    }

    pub(super) fn record(self) -> Record {
        match self {
            Self::Cifar10 | Self::Python10 => Record { label_bytes: 1, label_at: Some(0) },
            Self::Cifar100(label) | Self::Python100(label) => {
                Record { label_bytes: 2, label_at: Some(usize::from(label == Label::Fine)) }
            }
        }
    }

    /// Whether it is of the Python release.
    pub(super) fn is_python(self) -> bool {
        matches!(self, Self::Python10 | Self::Python100(_))
    }

    /// Which labels to take, where there are several kinds.
    pub(super) fn label(self) -> Option<Label> {
        match self {
            Self::Cifar100(label) | Self::Python100(label) => Some(label),
            Self::Cifar10 | Self::Python10 => None,
        }
    }

    pub(super) fn train_files(self) -> Vec<String> {
        match self {
            Self::Cifar10 => (1..=5).map(|batch| format!("data_batch_{batch}.bin")).collect(),
            Self::Cifar100(_) => vec!["train.bin".into()],
            Self::Python10 => (1..=5).map(|batch| format!("data_batch_{batch}")).collect(),
            Self::Python100(_) => vec!["train".into()],
        }
    }

    pub(super) fn test_file(self) -> &'static str {
        match self {
            Self::Cifar10 => "test_batch.bin",
            Self::Cifar100(_) => "test.bin",
            Self::Python10 => "test_batch",
            Self::Python100(_) => "test",
        }
    }

    pub(super) fn names_file(self) -> &'static str {
        match self {
            Self::Cifar10 => "batches.meta.txt",
            Self::Cifar100(Label::Coarse) => "coarse_label_names.txt",
            Self::Cifar100(Label::Fine) => "fine_label_names.txt",
            Self::Python10 => "batches.meta",
            Self::Python100(_) => "meta",
        }
    }

    /// Every file that is needed.
    pub(super) fn files(self) -> Vec<String> {
        let mut files = self.train_files();
        files.extend([self.test_file(), self.names_file()].map(Into::into));
        files
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Cifar10 | Self::Python10 => "CIFAR-10",
            Self::Cifar100(Label::Coarse) | Self::Python100(Label::Coarse) => "CIFAR-100 (coarse labels)",
            Self::Cifar100(Label::Fine) | Self::Python100(Label::Fine) => "CIFAR-100 (fine labels)",
        }
    }

    /// Whether `file` is there, as what it must be: `train` and `test` are common names of folders.
    pub(super) fn has(self, folder: &Path, file: &str) -> bool {
        let path = folder.join(file);
        // A link that leads nowhere, or in a circle, is there, and reading it says what is wrong with it.
        if matches!(self, Self::Python100(_)) { path.is_file() } else { fs::symlink_metadata(path).is_ok() }
    }

    /// The class names in the file of them.
    pub(crate) fn parse_names(self, path: &Path, bytes: &[u8]) -> Result<Vec<String>, DataError> {
        let names: Vec<String> = if self.is_python() {
            python::class_names(bytes, self.label())
                .map_err(|flaw| DataError::Content { path: path.into(), flaw })?
        } else {
            // Names are shown, never interpreted: bytes that are not UTF-8 must not keep anyone from training.
            let text = String::from_utf8_lossy(bytes);
            text.lines().map(str::trim).filter(|line| !line.is_empty()).map(Into::into).collect()
        };
        if (2..=256).contains(&names.len()) {
            Ok(names)
        } else {
            Err(DataError::Classes { path: path.into(), found: names.len() })
        }
    }
}
