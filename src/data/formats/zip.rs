//! The table of contents of a ZIP archive, which an `.npz` is (PKWARE's APPNOTE 6.3; with 64-bit sizes).

use super::cursor::Cursor;
use super::flaw::{Flaw, Trouble};
use std::io::{Read, Seek, SeekFrom};

/// How an archive with entries begins.
pub const MAGIC: &[u8] = b"PK\x03\x04";
/// An end record is 22 bytes and a comment of at most 65,535.
const LONGEST_END: u64 = 22 + 65_535;
/// A table of contents longer than this is none of an `.npz`.
const LONGEST_TABLE: u64 = 1 << 26;

/// One file in the archive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its name.
    pub name: String,
    /// Whether it is compressed (deflate).
    pub deflated: bool,
    /// CRC-32 of its content.
    pub crc: u32,
    /// Bytes that it takes in the archive.
    pub packed: u64,
    /// Bytes of its content.
    pub size: u64,
    /// Its first byte in the archive.
    pub start: u64,
}

/// Reads the entries of the archive of `length` bytes.
///
/// # Errors
/// [`Trouble`] when it cannot be read, is cut off, or has parts outside the file.
pub fn entries(archive: &mut (impl Read + Seek), length: u64) -> Result<Vec<Entry>, Trouble> {
    let (count, size, start) = table_place(archive, length)?;
    if size > LONGEST_TABLE || start.checked_add(size).is_none_or(|end| end > length) {
        let found = format!("a table of contents of {size} bytes at byte {start}");
        return Err(Flaw::whole(found, format!("one inside the file of {length} bytes")).into());
    }
    let table = read_at(archive, start, size)?;
    let mut cursor = Cursor::new(&table);
    let mut entries = Vec::new();
    for _ in 0..count {
        let mut entry = entry(&mut cursor).map_err(|flaw| flaw.within("table of contents"))?;
        entry.start = content_start(archive, &entry, length)?;
        entries.push(entry);
    }
    Ok(entries)
}

/// Entries, bytes and first byte of the table of contents.
fn table_place(archive: &mut (impl Read + Seek), length: u64) -> Result<(u64, u64, u64), Trouble> {
    let tail_start = length.saturating_sub(LONGEST_END);
    let tail = read_at(archive, tail_start, length - tail_start)?;
    let end = memchr::memmem::rfind(&tail, b"PK\x05\x06").ok_or_else(|| {
        Flaw::whole("no end record", "a whole ZIP archive")
            .hint("the file is incomplete: write or download it again")
    })?;
    let mut cursor = Cursor::new(&tail[end + 4..]);
    cursor.take(6, "disk numbers")?;
    let count = cursor.u16_le("the number of entries")?;
    let (size, start) = (cursor.u32_le("the table's size")?, cursor.u32_le("the table's place")?);
    let comment = cursor.u16_le("the comment's length")?;
    cursor.take(comment.into(), "the comment")?;
    if count != u16::MAX && size != u32::MAX && start != u32::MAX {
        return Ok((count.into(), size.into(), start.into()));
    }
    // Where the 64-bit end record is stands in 20 bytes before the end record.
    let locator =
        end.checked_sub(20).map(|at| &tail[at..end]).filter(|bytes| bytes.starts_with(b"PK\x06\x07"));
    let Some(locator) = locator else { return Ok((count.into(), size.into(), start.into())) };
    let place = Cursor::new(&locator[8..]).u64_le("the end record's place")?;
    if place.checked_add(56).is_none_or(|end| end > length) {
        return Err(Flaw::whole(
            format!("an end record at byte {place}"),
            format!("one before byte {length}"),
        )
        .into());
    }
    let record = read_at(archive, place, 56)?;
    let mut cursor = Cursor::new(&record[24..]);
    cursor.u64_le("entries on this disk")?;
    Ok((
        cursor.u64_le("the number of entries")?,
        cursor.u64_le("the table's size")?,
        cursor.u64_le("the table's place")?,
    ))
}

/// One line of the table of contents; `start` is still that of its header.
fn entry(cursor: &mut Cursor<'_>) -> Result<Entry, Flaw> {
    let at = cursor.at();
    if cursor.take(4, "an entry")? != b"PK\x01\x02" {
        return Err(Flaw::new(format!("byte {at}"), "other bytes", "an entry"));
    }
    cursor.take(4, "versions")?;
    let flags = cursor.u16_le("flags")?;
    let method = cursor.u16_le("the method")?;
    cursor.take(4, "the time")?;
    let crc = cursor.u32_le("the checksum")?;
    let mut packed = u64::from(cursor.u32_le("the packed size")?);
    let mut size = u64::from(cursor.u32_le("the size")?);
    let name_length = cursor.u16_le("the name's length")?;
    let extra_length = cursor.u16_le("the extra field's length")?;
    let comment_length = cursor.u16_le("the comment's length")?;
    cursor.take(8, "attributes")?;
    let mut start = u64::from(cursor.u32_le("the place")?);
    let name = String::from_utf8_lossy(cursor.take(name_length.into(), "the name")?).into_owned();
    let mut extra = Cursor::new(cursor.take(extra_length.into(), "the extra field")?);
    cursor.take(comment_length.into(), "the comment")?;
    while extra.rest().len() >= 4 {
        let (tag, length) = (extra.u16_le("a tag")?, extra.u16_le("a length")?);
        let mut field = Cursor::new(extra.take(length.into(), "an extra field")?);
        if tag == 1 {
            // Only what did not fit above is here, in this order.
            for value in [&mut size, &mut packed, &mut start] {
                if *value == u64::from(u32::MAX) {
                    *value = field.u64_le("a 64-bit size")?;
                }
            }
        }
    }
    if flags & 1 != 0 || !matches!(method, 0 | 8) || (method == 0 && packed != size) {
        let found = if flags & 1 != 0 { "encrypted".into() } else { format!("packed by method {method}") };
        return Err(Flaw::new(name, found, "stored or deflated, as numpy.savez does"));
    }
    Ok(Entry { name, deflated: method == 8, crc, packed, size, start })
}

/// The first byte of the content, after the entry's own header.
fn content_start(archive: &mut (impl Read + Seek), entry: &Entry, length: u64) -> Result<u64, Trouble> {
    const HEADER: u64 = 30;
    let outside = || {
        let found = format!("{} bytes at byte {}", entry.packed, entry.start);
        Trouble::from(Flaw::new(&entry.name, found, format!("an entry inside the file of {length} bytes")))
    };
    if entry.start.checked_add(HEADER).is_none_or(|end| end > length) {
        return Err(outside());
    }
    let header = read_at(archive, entry.start, HEADER)?;
    if !header.starts_with(MAGIC) {
        let place = format!("byte {}", entry.start);
        return Err(Flaw::new(place, "other bytes", format!("the entry {}", entry.name)).into());
    }
    let mut lengths = Cursor::new(&header[26..]);
    let (name, extra) = (lengths.u16_le("the name's length")?, lengths.u16_le("the extra field's length")?);
    let start = entry.start + HEADER + u64::from(name) + u64::from(extra);
    match start.checked_add(entry.packed) {
        Some(end) if end <= length => Ok(start),
        _ => Err(outside()),
    }
}

fn read_at(archive: &mut (impl Read + Seek), start: u64, length: u64) -> Result<Vec<u8>, Trouble> {
    archive.seek(SeekFrom::Start(start))?;
    let mut bytes = vec![0; length as usize];
    archive.read_exact(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::io::Cursor as File;

    /// An archive of the entries, as numpy.savez writes it: the sizes in each entry's own header are 64-bit.
    fn archive(files: &[(&str, &[u8])], deflate: bool) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut table = Vec::new();
        for (name, content) in files {
            let start = bytes.len() as u32;
            let packed = if deflate { deflated(content) } else { content.to_vec() };
            let mut crc = flate2::Crc::new();
            crc.update(content);
            let method = if deflate { 8_u16 } else { 0 };
            bytes.extend(MAGIC);
            bytes.extend([45, 0, 0, 0]);
            bytes.extend(method.to_le_bytes());
            bytes.extend([0; 4]);
            bytes.extend(crc.sum().to_le_bytes());
            bytes.extend([0xff; 8]);
            bytes.extend((name.len() as u16).to_le_bytes());
            bytes.extend(20_u16.to_le_bytes());
            bytes.extend(name.as_bytes());
            bytes.extend([1, 0, 16, 0]);
            bytes.extend((content.len() as u64).to_le_bytes());
            bytes.extend((packed.len() as u64).to_le_bytes());
            bytes.extend(&packed);

            table.extend(b"PK\x01\x02\x2d\x03\x2d\0\0\0");
            table.extend(method.to_le_bytes());
            table.extend([0; 4]);
            table.extend(crc.sum().to_le_bytes());
            table.extend((packed.len() as u32).to_le_bytes());
            table.extend((content.len() as u32).to_le_bytes());
            table.extend((name.len() as u16).to_le_bytes());
            table.extend([0; 12]);
            table.extend(start.to_le_bytes());
            table.extend(name.as_bytes());
        }
        let start = bytes.len() as u32;
        let count = (files.len() as u16).to_le_bytes();
        let size = (table.len() as u32).to_le_bytes();
        [&bytes, &table, &b"PK\x05\x06\0\0\0\0"[..], &count, &count, &size, &start.to_le_bytes(), &[0, 0]]
            .concat()
    }

    fn deflated(content: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::read::DeflateEncoder::new(content, flate2::Compression::fast());
        let mut packed = Vec::new();
        encoder.read_to_end(&mut packed).expect("compresses");
        packed
    }

    fn list(bytes: &[u8]) -> Result<Vec<Entry>, Trouble> {
        entries(&mut File::new(bytes), bytes.len() as u64)
    }

    #[test]
    fn entries_are_found_with_their_bytes() {
        let bytes = archive(&[("a.npy", b"alpha"), ("b.npy", b"be")], false);
        let found = list(&bytes).expect("lists");
        let content = |entry: &Entry| bytes[entry.start as usize..][..entry.size as usize].to_vec();
        assert_eq!(found.iter().map(content).collect::<Vec<_>>(), [b"alpha".to_vec(), b"be".to_vec()]);
        assert_eq!((found[1].name.as_str(), found[1].deflated), ("b.npy", false));
        assert!(list(&archive(&[("a", b"alpha")], true)).expect("lists")[0].deflated);
    }

    #[test]
    fn a_cut_anywhere_is_refused() {
        let bytes = archive(&[("a.npy", b"alpha"), ("b.npy", b"be")], false);
        for cut in 0..bytes.len() {
            assert!(list(&bytes[..cut]).is_err(), "cut at {cut}");
        }
    }

    proptest! {
        #[test]
        fn one_wrong_byte_is_read_or_refused(at in 0..200_usize, value: u8) {
            let mut bytes = archive(&[("a.npy", b"alpha")], true);
            let at = at % bytes.len();
            bytes[at] = value;
            if let Ok(found) = list(&bytes) {
                for entry in found {
                    prop_assert!(entry.start + entry.packed <= bytes.len() as u64);
                }
            }
        }
    }
}
