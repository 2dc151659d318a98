//! Reading a TAR archive forward, file by file (POSIX 1003.1 ustar; longer names of GNU and pax are skipped over).

use super::flaw::{Flaw, Trouble};
use std::io::{self, Read};

const BLOCK: usize = 512;
/// A file of a data set larger than this is none.
const LARGEST: u64 = 1 << 30;

/// Whether `bytes` begin as an archive does.
pub fn is_tar(bytes: &[u8]) -> bool {
    bytes.get(257..262) == Some(b"ustar")
}

/// Reads those files whose names, without their folders, are `wanted`, and gives each to `each`.
///
/// # Errors
/// [`Trouble`] when the archive cannot be read or is cut off, and whatever `each` returns.
pub fn read_files(
    archive: &mut impl Read,
    wanted: impl Fn(&str) -> bool,
    mut each: impl FnMut(&str, Vec<u8>) -> Result<(), Trouble>,
) -> Result<(), Trouble> {
    let mut at = 0_u64;
    let mut header = [0; BLOCK];
    while read_header(archive, &mut header, at)? {
        let (name, size, is_file) = parse(&header, at)?;
        at += BLOCK as u64;
        let name = name.rsplit('/').next().unwrap_or_default();
        let padded = size.next_multiple_of(BLOCK as u64);
        let cut = |found: u64| {
            Flaw::new(format!("byte {at}"), format!("{found} bytes of {name}"), format!("{size}"))
                .hint("the archive is incomplete: download it again")
        };
        if is_file && wanted(name) {
            if size > LARGEST {
                return Err(Flaw::new(name, format!("{size} bytes"), format!("at most {LARGEST}")).into());
            }
            // Memory is taken as bytes arrive: a header alone cannot ask for it.
            let mut bytes = Vec::new();
            bytes.reserve_exact((size as usize).min(1 << 26));
            archive.take(size).read_to_end(&mut bytes)?;
            if (bytes.len() as u64) < size {
                return Err(cut(bytes.len() as u64).into());
            }
            io::copy(&mut archive.take(padded - size), &mut io::sink())?;
            each(name, bytes)?;
        } else {
            let passed = io::copy(&mut archive.take(padded), &mut io::sink())?;
            if passed < size {
                return Err(cut(passed).into());
            }
        }
        at += padded;
    }
    Ok(())
}

/// Whether there is another header: the archive ends with blocks of zeros.
fn read_header(archive: &mut impl Read, header: &mut [u8; BLOCK], at: u64) -> Result<bool, Trouble> {
    let mut filled = Vec::with_capacity(BLOCK);
    archive.take(BLOCK as u64).read_to_end(&mut filled)?;
    if filled.len() < BLOCK {
        return Err(Flaw::new(
            format!("byte {at}"),
            format!("{} bytes", filled.len()),
            "a header or the end",
        )
        .hint("the archive is incomplete: download it again")
        .into());
    }
    header.copy_from_slice(&filled);
    Ok(header.iter().any(|&byte| byte != 0))
}

/// Name, size, and whether it is a regular file.
fn parse(header: &[u8; BLOCK], at: u64) -> Result<(String, u64, bool), Flaw> {
    let sum = octal(&header[148..156]);
    // The checksum is of the header with blanks in its own place.
    let own: u64 = header[148..156].iter().map(|&byte| u64::from(byte)).sum();
    let expected = header.iter().map(|&byte| u64::from(byte)).sum::<u64>() - own + 8 * u64::from(b' ');
    let size = octal(&header[124..136]);
    match (sum, size) {
        (Some(sum), Some(size)) if sum == expected => {
            let end = header[..100].iter().position(|&byte| byte == 0).unwrap_or(100);
            let name = String::from_utf8_lossy(&header[..end]).into_owned();
            Ok((name, size, matches!(header[156], b'0' | 0)))
        }
        _ => Err(Flaw::new(format!("byte {at}"), "other bytes", "the header of a file")),
    }
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
