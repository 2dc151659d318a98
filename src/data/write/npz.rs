//! NumPy's `.npz`: a ZIP archive of `.npy` arrays, stored and not compressed, with `class_names` among them.

use super::arrays::{self, Array};
use super::npy::{header, header_of};
use super::{File, Loss, Output, check_lines};
use crate::data::Dataset;
use std::io::{self, Write};

/// An entry: its name, the bytes before the numbers, and the numbers.
struct Entry<'a> {
    name: String,
    head: Vec<u8>,
    array: Option<Array<'a>>,
}

/// Plans the file.
pub fn plan(data: &Dataset) -> Result<Output<'_>, Loss> {
    check_lines(data, "npz")?;
    let arrays = arrays::of(data, "npz")?;
    let mut entries: Vec<Entry<'_>> = Vec::new();
    for array in arrays.arrays {
        entries.push(Entry { name: format!("{}.npy", array.name), head: header(&array), array: Some(array) });
    }
    entries.push(Entry { name: "class_names.npy".into(), head: names(&data.class_names), array: None });
    // Without the records for more, an archive and its parts have 32 bits for their sizes.
    let size: usize = entries.iter().map(|entry| entry.size() + 2 * (100 + entry.name.len())).sum();
    if u32::try_from(size).is_err() {
        return Err(Loss::new("npz", format!("{size} bytes"), "less than 4 GiB: --to npy has no such limit"));
    }
    let files = vec![File::new("", move |out| write(&entries, out))];
    Ok(Output { files, shape: arrays.shape, weight_column: None })
}

/// The array of class names: texts of as many characters as the longest.
fn names(names: &[String]) -> Vec<u8> {
    let longest = names.iter().map(|name| name.chars().count()).max().unwrap_or(1);
    let mut bytes = header_of(&format!("<U{longest}"), &[names.len()]);
    for name in names {
        let codes = name.chars().map(u32::from).chain(std::iter::repeat(0)).take(longest);
        bytes.extend(codes.flat_map(u32::to_le_bytes));
    }
    bytes
}

impl Entry<'_> {
    fn size(&self) -> usize {
        self.head.len() + self.array.as_ref().map_or(0, Array::bytes)
    }

    fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        out.write_all(&self.head)?;
        self.array.as_ref().map_or(Ok(()), |array| array.numbers.write_little(out))
    }

    /// What the archive says of it in both places: versions, times and sizes.
    fn about(&self) -> io::Result<Vec<u8>> {
        let mut sum = Crc(flate2::Crc::new());
        self.write(&mut io::BufWriter::with_capacity(1 << 16, &mut sum))?;
        let size = (self.size() as u32).to_le_bytes();
        // Version 2.0, no flags, stored, and midnight of 1 January 1980: the same data give the same bytes.
        let mut about = vec![20, 0, 0, 0, 0, 0, 0, 0, 0x21, 0];
        about.extend([sum.0.sum().to_le_bytes(), size, size].concat());
        about.extend((self.name.len() as u16).to_le_bytes());
        about.extend([0, 0]);
        Ok(about)
    }
}

/// Takes bytes for their checksum alone.
struct Crc(flate2::Crc);

impl Write for Crc {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn write(entries: &[Entry<'_>], out: &mut dyn Write) -> io::Result<()> {
    let mut table = Vec::new();
    let mut start = 0_usize;
    for entry in entries {
        let about = entry.about()?;
        out.write_all(b"PK\x03\x04")?;
        out.write_all(&about)?;
        out.write_all(entry.name.as_bytes())?;
        entry.write(out)?;
        table.extend([b"PK\x01\x02\x14\0", &about[..], &[0; 10]].concat());
        table.extend((start as u32).to_le_bytes());
        table.extend(entry.name.as_bytes());
        start += 4 + about.len() + entry.name.len() + entry.size();
    }
    out.write_all(&table)?;
    let count = (entries.len() as u16).to_le_bytes();
    out.write_all(&[&b"PK\x05\x06\0\0\0\0"[..], &count, &count].concat())?;
    out.write_all(&(table.len() as u32).to_le_bytes())?;
    out.write_all(&(start as u32).to_le_bytes())?;
    out.write_all(&[0, 0])
}
