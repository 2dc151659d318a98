//! The folder of a data set: where it is, which layout it has, and its class names.

use super::layout::{Label, Layout};
use super::unreadable;
use crate::data::DataError;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// Names beyond so many bytes are not looked at.
const LARGEST_NAMES: u64 = 1 << 20;

/// The folder that holds the files, and their layout.
pub fn find(path: &Path, label: Option<Label>) -> Result<(PathBuf, Layout), DataError> {
    let meta = fs::metadata(path).map_err(|error| unreadable(path, error))?;
    if !meta.is_dir() {
        return Err(DataError::Layout {
            path: path.into(),
            found: "a file".into(),
            expected: "a folder with CIFAR-10's or CIFAR-100's binary files".into(),
        });
    }
    for folder in folders(path) {
        for layout in Layout::all(label) {
            let mut files = layout.train_files();
            files.push(layout.test_file().into());
            let missing: Vec<String> =
                files.iter().filter(|file| !layout.has(&folder, file)).cloned().collect();
            if missing.len() == files.len() || (matches!(layout, Layout::Python100(_)) && !missing.is_empty())
            {
                continue;
            }
            if !missing.is_empty() {
                return Err(DataError::Layout {
                    path: folder,
                    found: format!("no {}", missing.join(", ")),
                    expected: format!("all {} files of {}", files.len(), layout.name()),
                });
            }
            if layout.label().is_none() && label.is_some() {
                return Err(DataError::LabelChoice { name: folder.display().to_string() });
            }
            return Ok((folder, layout));
        }
    }
    let found = match fs::read_dir(path).map_err(|error| unreadable(path, error))?.count() {
        0 => "an empty folder".into(),
        entries => format!("a folder with {entries} other entries"),
    };
    Err(DataError::Layout {
        path: path.into(),
        found,
        expected: "data_batch_1.bin to data_batch_5.bin and test_batch.bin, or train.bin and test.bin".into(),
    })
}

/// The folder itself, and those that the archives unpack to inside it.
fn folders(path: &Path) -> impl Iterator<Item = PathBuf> {
    const UNPACKED: [&str; 5] =
        ["", "cifar-10-batches-bin", "cifar-100-binary", "cifar-10-batches-py", "cifar-100-python"];
    UNPACKED.iter().map(|folder| if folder.is_empty() { path.to_path_buf() } else { path.join(folder) })
}

/// Whether any file of one of the layouts is there.
pub fn is_here(path: &Path) -> bool {
    folders(path).any(|folder| {
        Layout::all(None).iter().any(|layout| {
            let has = |file: &String| layout.has(&folder, file);
            if matches!(layout, Layout::Python100(_)) {
                layout.files().iter().all(has)
            } else {
                layout.files().iter().any(has)
            }
        })
    })
}

pub fn read_names(path: &Path, layout: Layout) -> Result<Vec<String>, DataError> {
    // Reading a pipe would wait for a writer for ever.
    let regular = fs::metadata(path).map(|meta| meta.is_file());
    if regular.as_ref().is_ok_and(|regular| !regular) {
        return Err(DataError::Layout {
            path: path.into(),
            found: "something that is no regular file".into(),
            expected: "class names, one a line".into(),
        });
    }
    let read = || {
        let mut bytes = Vec::new();
        File::open(path)?.take(LARGEST_NAMES).read_to_end(&mut bytes).map(|_| bytes)
    };
    let bytes = regular.and_then(|_| read()).map_err(|error| {
        match (error.kind(), path.parent(), path.file_name()) {
            (io::ErrorKind::NotFound, Some(folder), Some(file)) => DataError::Layout {
                path: folder.into(),
                found: format!("no {}", file.display()),
                expected: "the class names there, one a line".into(),
            },
            _ => unreadable(path, error),
        }
    })?;
    layout.parse_names(path, &bytes)
}
