//! One reader a format: each turns bytes into a [`Table`](table::Table), and knows no other.
//!
//! [`input`] opens files, [`Format::of`] recognises them by their first bytes; [`mod@array`] and [`element`] decode what
//! `.npy`, `.npz`, IDX and safetensors have in common, [`lines`] and [`number`] what CSV and svmlight have. Parsers see
//! bytes, not files ([`in_place`] reads single rows of them); what is wrong is a [`flaw::Flaw`], to which whoever opened the file adds its name.

pub mod arrange;
pub mod array;
pub mod arrays;
pub mod cifar;
pub mod csv;
pub mod cursor;
pub mod element;
pub mod flaw;
pub mod idx;
pub mod in_place;
pub mod input;
pub mod labels;
pub mod lines;
pub mod names;
pub mod npy;
pub mod number;
pub mod parquet;
pub mod pickle;
pub mod pictures;
pub mod svmlight;
pub mod table;
pub mod tar;
pub mod threads;
pub mod zip;

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

/// What a data file or folder is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Format {
    /// CIFAR-10 or CIFAR-100, binary or Python release, a folder or the .tar.gz
    Cifar,
    /// IDX, as MNIST has it, plain or .gz
    Idx,
    /// NumPy arrays, a file each
    Npy,
    /// NumPy arrays in one file
    Npz,
    /// Text with commas, semicolons or tabs, plain or .gz
    Csv,
    /// svmlight's and LIBSVM's sparse text, plain or .gz
    Svmlight,
    /// Tensors in one file
    Safetensors,
    /// Parquet, of pictures or of numbers (a build with the feature parquet)
    Parquet,
    /// PNG and JPEG, a folder for each class
    Pictures,
}

impl Format {
    /// The format of a file that begins with `head`; `None` if it is none of these.
    pub fn of(head: &[u8]) -> Option<Self> {
        let header = head.get(..8).and_then(|bytes| <[u8; 8]>::try_from(bytes).ok()).map(u64::from_le_bytes);
        if head.starts_with(npy::MAGIC) {
            Some(Self::Npy)
        } else if head.starts_with(zip::MAGIC) {
            Some(Self::Npz)
        } else if head.starts_with(parquet::MAGIC) {
            Some(Self::Parquet)
        } else if idx::is_idx(head) {
            Some(Self::Idx)
        } else if tar::is_tar(head) || pickle::is_pickle(head) {
            Some(Self::Cifar)
        } else if pictures::is_picture(head) {
            Some(Self::Pictures)
        } else if header.is_some_and(|length| length < 1 << 26) && head.get(8) == Some(&b'{') {
            Some(Self::Safetensors)
        } else if !csv::is_text(head) {
            None
        } else if svmlight::is_svmlight(head) {
            Some(Self::Svmlight)
        } else {
            Some(Self::Csv)
        }
    }

    /// Its name in messages.
    pub fn name(self) -> &'static str {
        match self {
            Self::Cifar => "CIFAR's layout",
            Self::Idx => "IDX",
            Self::Npy => ".npy",
            Self::Npz => ".npz",
            Self::Csv => "CSV",
            Self::Svmlight => "svmlight",
            Self::Safetensors => "safetensors",
            Self::Parquet => "Parquet",
            Self::Pictures => "pictures",
        }
    }

    /// All that can be read, for a message.
    pub fn list() -> String {
        "CIFAR's .tar.gz, IDX, .npy, .npz, CSV, svmlight, safetensors or Parquet, or a folder".into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_recognised_by_their_first_bytes() {
        for (head, format) in [
            (&b"\x93NUMPY\x01\0"[..], Some(Format::Npy)),
            (b"PK\x03\x04....", Some(Format::Npz)),
            (b"PAR1\x15\0", Some(Format::Parquet)),
            (b"\0\0\x08\x03\0\0\xea\x60", Some(Format::Idx)),
            (b"\x40\0\0\0\0\0\0\0{\"x\":", Some(Format::Safetensors)),
            (b"\x80\x02}q\x01", Some(Format::Cifar)),
            (b"\x89PNG\r\n\x1a\n", Some(Format::Pictures)),
            (b"1 3:0.5 7:1\n", Some(Format::Svmlight)),
            (b"label,pixel1\n5,0\n", Some(Format::Csv)),
            (b"\x01\x02\x03\x04", None),
            (b"", None),
        ] {
            assert_eq!(Format::of(head), format, "{head:?}");
        }
    }
}
