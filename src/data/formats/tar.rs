//! Reading a TAR archive forward, file by file (POSIX 1003.1 ustar; longer names of GNU and pax are skipped over).

use super::flaw::{Flaw, Trouble};
use std::io::{self, Read};

const BLOCK: usize = 512;
/// A file of a data set larger than this is none.
const LARGEST: u64 = 1 << 30;
const INCOMPLETE: &str = "the archive is incomplete: download it again";

/// What an entry is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A regular file.
    File,
    /// A folder.
    Folder,
    /// Anything else, by the letter of its type: a link, a device, the longer name of what follows.
    Other(u8),
}

/// The header of an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its name with its folders, as the archive has it.
    pub path: String,
    /// Bytes of content.
    pub size: u64,
    /// What it is.
    pub kind: Kind,
}

/// Whether `bytes` begin as an archive does.
pub fn is_tar(bytes: &[u8]) -> bool {
    bytes.get(257..262) == Some(b"ustar")
}

/// Gives every entry to `each` with its content, of which it reads what it wants.
///
/// # Errors
/// [`Trouble`] when the archive cannot be read or is cut off, and whatever `each` returns.
pub fn for_each(
    archive: &mut impl Read,
    mut each: impl FnMut(&Entry, &mut dyn Read) -> Result<(), Trouble>,
) -> Result<(), Trouble> {
    let mut at = 0_u64;
    let mut header = [0; BLOCK];
    while read_header(archive, &mut header, at)? {
        let entry = parse(&header, at)?;
        at += BLOCK as u64;
        let padded = entry.size.next_multiple_of(BLOCK as u64);
        let mut content = archive.take(entry.size);
        each(&entry, &mut content)?;
        io::copy(&mut content, &mut io::sink())?;
        let missing = content.limit();
        if missing > 0 {
            return Err(cut(&entry, at, entry.size - missing).into());
        }
        io::copy(&mut archive.take(padded - entry.size), &mut io::sink())?;
        at += padded;
    }
    Ok(())
}

/// Reads those files whose names, without their folders, are `wanted`, and gives each to `each`. The archive cannot have
/// more than `most` bytes, whatever its headers say.
///
/// # Errors
/// As [`for_each`].
pub fn read_files(
    archive: &mut impl Read,
    most: u64,
    wanted: impl Fn(&str) -> bool,
    mut each: impl FnMut(&str, Vec<u8>) -> Result<(), Trouble>,
) -> Result<(), Trouble> {
    for_each(archive, |entry, content| {
        let (name, size) = (entry.name(), entry.size);
        if entry.kind != Kind::File || !wanted(name) {
            return Ok(());
        }
        if size > LARGEST {
            return Err(Flaw::new(name, format!("{size} bytes"), format!("at most {LARGEST}")).into());
        }
        let mut bytes = Vec::with_capacity(size.min(most) as usize);
        content.read_to_end(&mut bytes)?;
        // One that is cut off is told by who reads the archive.
        if bytes.len() as u64 == size { each(name, bytes) } else { Ok(()) }
    })
}

impl Entry {
    /// Its name without its folders.
    pub fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or_default()
    }
}

/// The flaw of an archive that ends inside `entry`, whose content begins at `at`.
fn cut(entry: &Entry, at: u64, found: u64) -> Flaw {
    Flaw::new(format!("byte {at}"), format!("{found} bytes of {}", entry.name()), entry.size.to_string())
        .hint(INCOMPLETE)
}

/// Whether there is another header: the archive ends with blocks of zeros.
fn read_header(archive: &mut impl Read, header: &mut [u8; BLOCK], at: u64) -> Result<bool, Trouble> {
    let mut filled = Vec::with_capacity(BLOCK);
    archive.take(BLOCK as u64).read_to_end(&mut filled)?;
    if filled.len() < BLOCK {
        let found = format!("{} bytes", filled.len());
        return Err(Flaw::new(format!("byte {at}"), found, "a header or the end").hint(INCOMPLETE).into());
    }
    header.copy_from_slice(&filled);
    Ok(header.iter().any(|&byte| byte != 0))
}

fn parse(header: &[u8; BLOCK], at: u64) -> Result<Entry, Flaw> {
    let sum = octal(&header[148..156]);
    // The checksum is of the header with blanks in its own place.
    let own: u64 = header[148..156].iter().map(|&byte| u64::from(byte)).sum();
    let expected = header.iter().map(|&byte| u64::from(byte)).sum::<u64>() - own + 8 * u64::from(b' ');
    let size = octal(&header[124..136]);
    match (sum, size) {
        (Some(sum), Some(size)) if sum == expected => {
            let kind = match header[156] {
                b'0' | 0 => Kind::File,
                b'5' => Kind::Folder,
                other => Kind::Other(other),
            };
            Ok(Entry { path: path(header), size, kind })
        }
        _ => Err(Flaw::new(format!("byte {at}"), "other bytes", "the header of a file")),
    }
}

/// The name, behind the prefix that POSIX's own form has for long ones.
fn path(header: &[u8; BLOCK]) -> String {
    let text = |field: &[u8]| {
        let end = field.iter().position(|&byte| byte == 0).unwrap_or(field.len());
        String::from_utf8_lossy(&field[..end]).into_owned()
    };
    let (name, prefix) = (text(&header[..100]), text(&header[345..500]));
    // GNU's older form has other things there.
    let is_posix = header[257..263] == *b"ustar\0";
    if is_posix && !prefix.is_empty() { format!("{prefix}/{name}") } else { name }
}

/// A number in octal digits, with blanks or zeros around it.
fn octal(field: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(field).ok()?;
    u64::from_str_radix(text.trim_matches([' ', '\0']), 8).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    /// An archive of the files.
    fn tar(files: &[(&str, &[u8])]) -> Vec<u8> {
        let mut archive = Vec::new();
        for (name, content) in files {
            let mut header = [0; BLOCK];
            header[..name.len()].copy_from_slice(name.as_bytes());
            header[124..135].copy_from_slice(format!("{:011o}", content.len()).as_bytes());
            header[148..156].fill(b' ');
            header[156] = b'0';
            header[257..263].copy_from_slice(b"ustar\0");
            let sum: u64 = header.iter().map(|&byte| u64::from(byte)).sum();
            header[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
            archive.extend(header);
            archive.extend(*content);
            archive.resize(archive.len().next_multiple_of(BLOCK), 0);
        }
        archive.resize(archive.len() + 2 * BLOCK, 0);
        archive
    }

    fn files(archive: &[u8]) -> Result<BTreeMap<String, Vec<u8>>, Trouble> {
        let mut found = BTreeMap::new();
        read_files(
            &mut &archive[..],
            archive.len() as u64,
            |name| name != "skipped",
            |name, bytes| {
                found.insert(name.into(), bytes);
                Ok(())
            },
        )?;
        Ok(found)
    }

    #[test]
    fn wanted_files_are_read_and_others_passed() {
        let long = vec![7; 1000];
        let archive = tar(&[("a/one", b"1"), ("a/skipped", &long), ("two", &long), ("a/empty", b"")]);
        let found = files(&archive).expect("reads");
        assert_eq!(found.keys().collect::<Vec<_>>(), ["empty", "one", "two"]);
        assert_eq!((&found["one"][..], &found["two"]), (&b"1"[..], &long));
        assert!(is_tar(&archive));
    }

    #[test]
    fn entries_say_what_they_are() {
        let mut archive = tar(&[("a/link", b""), ("b", b"12")]);
        // A symbolic link, in a folder of POSIX's prefix.
        archive[156] = b'2';
        archive[345..348].copy_from_slice(b"top");
        let header: [u8; BLOCK] = archive[..BLOCK].try_into().expect("a block");
        let sum: u64 = header.iter().map(|&byte| u64::from(byte)).sum::<u64>()
            - header[148..156].iter().map(|&byte| u64::from(byte)).sum::<u64>()
            + 8 * u64::from(b' ');
        archive[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
        let mut found = Vec::new();
        for_each(&mut &archive[..], |entry, content| {
            let mut text = String::new();
            content.read_to_string(&mut text)?;
            found.push((entry.path.clone(), entry.name().to_owned(), entry.kind, text));
            Ok(())
        })
        .expect("reads");
        let link = ("top/a/link".into(), "link".into(), Kind::Other(b'2'), String::new());
        assert_eq!(found, [link, ("b".into(), "b".into(), Kind::File, "12".into())]);
    }

    #[test]
    fn a_cut_or_a_changed_header_is_refused() {
        let archive = tar(&[("one", &[1; 700])]);
        for cut in (0..archive.len() - BLOCK).step_by(61) {
            assert!(files(&archive[..cut]).is_err(), "cut at {cut}");
        }
        for at in [0, 124, 130, 148, 156, 300] {
            let mut changed = archive.clone();
            changed[at] ^= 1;
            assert!(files(&changed).is_err(), "byte {at}");
        }
    }
}
