//! CIFAR's Python release: each batch and the class names are a pickled dict.

use super::Label;
use crate::data::formats::flaw::Flaw;
use crate::data::formats::pickle::{Pickle, Value};

/// The pictures and labels of a batch.
#[derive(Debug)]
pub struct Batch<'a> {
    /// (N, 3072) pixels.
    pub pixels: &'a [u8],
    /// N labels.
    pub labels: Vec<u8>,
}

/// Reads a batch of images of `width` pixels; `label` chooses among CIFAR-100's labels.
///
/// # Errors
/// [`Flaw`] when the pickle is damaged or holds other things.
pub fn batch(bytes: &[u8], width: usize, label: Option<Label>, classes: usize) -> Result<Batch<'_>, Flaw> {
    let pickle = Pickle::parse(bytes)?;
    let key = match label {
        None => "labels",
        Some(Label::Coarse) => "coarse_labels",
        Some(Label::Fine) => "fine_labels",
    };
    let missing = |key: &str, what: &str| {
        Flaw::whole(format!("a pickle without {key}"), format!("a dict with {what} of that name"))
            .hint("the file is not a batch of CIFAR's Python release: download it again")
    };
    let data = pickle.entry("data").and_then(|data| pickle.byte_array(data));
    let (extents, pixels) = data.ok_or_else(|| missing("data", "an array of bytes"))?;
    let rows = match extents[..] {
        [rows, columns] if columns == width && rows > 0 => rows,
        _ => {
            return Err(Flaw::new("data", format!("an array of shape {extents:?}"), format!("[N, {width}]")));
        }
    };
    let list = pickle.entry(key).and_then(|list| pickle.items(list));
    let mut labels = Vec::with_capacity(rows);
    for value in list.ok_or_else(|| missing(key, "a list of numbers"))? {
        match value {
            Value::Integer(label) if usize::try_from(*label).is_ok_and(|label| label < classes) => {
                labels.push(*label as u8);
            }
            Value::Integer(label) => {
                let place = format!("record {}", labels.len());
                return Err(Flaw::new(place, format!("label {label}"), format!("0 to {}", classes - 1)));
            }
            _ => return Err(Flaw::new(key, "other values", "numbers")),
        }
    }
    if labels.len() != rows {
        return Err(Flaw::whole(format!("{rows} images and {} labels", labels.len()), "as many of both"));
    }
    Ok(Batch { pixels, labels })
}

/// Reads the names of the classes.
///
/// # Errors
/// As [`batch`].
pub fn class_names(bytes: &[u8], label: Option<Label>) -> Result<Vec<String>, Flaw> {
    let pickle = Pickle::parse(bytes)?;
    let key = match label {
        None => "label_names",
        Some(Label::Coarse) => "coarse_label_names",
        Some(Label::Fine) => "fine_label_names",
    };
    let names = pickle.entry(key).and_then(|names| pickle.items(names));
    let names =
        names.ok_or_else(|| Flaw::whole(format!("a pickle without {key}"), "the names of the classes"))?;
    names
        .map(|name| match name {
            Value::Bytes(name) => Ok(String::from_utf8_lossy(name).into_owned()),
            _ => Err(Flaw::new(key, "other values", "texts")),
        })
        .collect()
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A batch as Python 2's cPickle wrote it, protocol 2.
    pub fn pickled(key: &str, labels: &[u8], pixels: &[u8]) -> Vec<u8> {
        let mut bytes = b"\x80\x02}q\x01(U".to_vec();
        bytes.push(key.len() as u8);
        bytes.extend(key.as_bytes());
        bytes.extend(b"q\x02]q\x03(");
        labels.iter().for_each(|&label| bytes.extend([b'K', label]));
        bytes.extend(
            b"eU\x04dataq\x04cnumpy.core.multiarray\n_reconstruct\nq\x05cnumpy\nndarray\nq\x06K\x00\x85q\x07",
        );
        bytes.extend(b"U\x01b\x87Rq\x08(K\x01K");
        bytes.push(labels.len() as u8);
        bytes.push(b'M');
        bytes.extend(((pixels.len() / labels.len()) as u16).to_le_bytes());
        bytes.extend(b"\x86cnumpy\ndtype\nq\x09U\x02u1K\x00K\x01\x87Rq\x0a(K\x03U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89T");
        bytes.extend((pixels.len() as u32).to_le_bytes());
        bytes.extend(pixels);
        bytes.extend(b"tbu.");
        bytes
    }

    /// Class names as Python 2's cPickle wrote them.
    pub fn pickled_names(key: &str, names: &[&str]) -> Vec<u8> {
        let mut bytes = b"\x80\x02}q\x01U".to_vec();
        bytes.push(key.len() as u8);
        bytes.extend(key.as_bytes());
        bytes.extend(b"q\x02]q\x03(");
        for name in names {
            bytes.extend([b'U', name.len() as u8]);
            bytes.extend(name.as_bytes());
        }
        bytes.extend(b"es.");
        bytes
    }

    #[test]
    fn a_batch_is_pixels_and_labels() {
        let bytes = pickled("labels", &[6, 9], &[1, 2, 3, 4, 5, 6]);
        let read = batch(&bytes, 3, None, 10).expect("reads");
        assert_eq!((read.pixels, &read.labels[..]), (&[1, 2, 3, 4, 5, 6][..], &[6, 9][..]));
        let names = pickled_names("label_names", &["cat", "dog"]);
        assert_eq!(class_names(&names, None), Ok(vec!["cat".into(), "dog".into()]));
    }

    #[test]
    fn what_is_no_batch_is_refused() {
        let bytes = pickled("labels", &[6, 9], &[1, 2, 3, 4, 5, 6]);
        for (result, part) in [
            (batch(&bytes, 2, None, 10), "data: found an array of shape [2, 3], expected [N, 2]"),
            (batch(&bytes, 3, None, 9), "record 1: found label 9, expected 0 to 8"),
            (batch(&bytes, 3, Some(Label::Fine), 10), "found a pickle without fine_labels"),
            (batch(&bytes[..60], 3, None, 10), "found no end of it"),
        ] {
            let error = result.expect_err("refused").to_string();
            assert!(error.contains(part), "{error}");
        }
    }
}
