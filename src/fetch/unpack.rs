//! What is taken out of an archive: the files that are expected, into one folder, under their own names. Anything that a
//! data set's archive has no need for is refused.

use super::Options;
use super::catalogue::{Member, Remote};
use super::error::FetchError;
use crate::data::formats::flaw::{Flaw, Trouble};
use crate::data::formats::tar::{self, Entry, Kind};
use flate2::read::MultiGzDecoder;
use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, BufReader, Read, Write};
use std::path::Path;

/// Entries of an archive.
const MOST_ENTRIES: usize = 100;
/// Bytes of a text whose size is not known.
const MOST_TEXT: u64 = 1 << 16;
/// Bytes written at a time.
const PIECE: usize = 1 << 20;

/// Writes the members of `file`, the archive at `path`, into `folder`.
///
/// # Errors
/// [`FetchError`] when an entry is not to be unpacked or one is missing, the folder cannot be written, or the user stops
/// it.
pub fn unpack(file: &Remote, path: &Path, folder: &Path, options: &Options<'_>) -> Result<(), FetchError> {
    let unwritable = |path: &Path, error| FetchError::Unwritable { path: path.into(), error };
    let archive = File::open(path).map_err(|error| unwritable(path, error))?;
    let mut archive = MultiGzDecoder::new(BufReader::with_capacity(PIECE, archive));
    let mut unpacking =
        Unpacking { file, folder, options, entries: 0, written: BTreeSet::new(), failed: None };
    let read = tar::for_each(&mut archive, |entry, content| unpacking.entry(entry, content));
    if let Some(error) = unpacking.failed {
        return Err(error);
    }
    let missing = || file.members.iter().find(|member| !unpacking.written.contains(&member.name));
    let flaw = match (read, missing()) {
        (Ok(()), None) => return Ok(()),
        (Ok(()), Some(member)) => Flaw::whole(format!("no {}", member.name), "all files of the data set"),
        (Err(Trouble::Flaw(flaw)), _) => flaw,
        (Err(Trouble::Io(error)), _) => Flaw::whole(error.to_string(), "a whole .tar.gz"),
    };
    Err(FetchError::Archive { file: file.name.clone(), flaw })
}

struct Unpacking<'a, 'b> {
    file: &'a Remote,
    folder: &'a Path,
    options: &'a Options<'b>,
    entries: usize,
    written: BTreeSet<String>,
    /// What is not the archive's fault.
    failed: Option<FetchError>,
}

impl Unpacking<'_, '_> {
    fn entry(&mut self, entry: &Entry, content: &mut dyn Read) -> Result<(), Trouble> {
        let refuse = |found: &str, expected: &str| Flaw::new(&*entry.path, found, expected);
        self.entries += 1;
        if self.entries > MOST_ENTRIES {
            return Err(refuse("one entry more", &format!("at most {MOST_ENTRIES}")).into());
        }
        if !stays_inside(&entry.path) {
            return Err(refuse("a path out of the folder", "a path inside it").into());
        }
        let member = self.file.members.iter().find(|member| member.name == entry.name());
        let most = member.and_then(|member| member.content.as_ref()).map_or(MOST_TEXT, |(size, _)| *size);
        match (entry.kind, member) {
            (Kind::Other(kind), _) => Err(refuse(name_of(kind), "files and folders").into()),
            (_, _) if entry.size > most => {
                Err(refuse(&format!("{} bytes", entry.size), &format!("at most {most}")).into())
            }
            (Kind::Folder, _) | (Kind::File, None) => Ok(()),
            (Kind::File, Some(member)) if !self.written.insert(member.name.clone()) => {
                Err(refuse("a second file of this name", "one").into())
            }
            (Kind::File, Some(member)) => self.write(member, entry, content),
        }
    }

    fn write(&mut self, member: &Member, entry: &Entry, content: &mut dyn Read) -> Result<(), Trouble> {
        if let Some((expected, _)) = member.content.as_ref().filter(|(size, _)| *size != entry.size) {
            let found = format!("{} bytes", entry.size);
            return Err(Flaw::new(&*entry.path, found, expected.to_string()).into());
        }
        // The name is the catalogue's, never the archive's.
        let path = self.folder.join(&member.name);
        let mut buffer = vec![0; PIECE.min(entry.size as usize)];
        let unwritable = |error| FetchError::Unwritable { path: path.clone(), error };
        let mut out = fs::File::create_new(&path).map_err(unwritable).map_err(|error| self.fail(error))?;
        loop {
            self.options.check_interrupt().map_err(|error| self.fail(error))?;
            let read = content.read(&mut buffer)?;
            let written = if read == 0 { out.sync_all() } else { out.write_all(&buffer[..read]) };
            written.map_err(unwritable).map_err(|error| self.fail(error))?;
            if read == 0 {
                return Ok(());
            }
        }
    }

    /// Ends the reading with an error that is not about the archive.
    fn fail(&mut self, error: FetchError) -> Trouble {
        self.failed = Some(error);
        Trouble::Io(io::Error::other("stopped"))
    }
}

/// Whether a path is a plain one below the folder it is unpacked in, on every system.
fn stays_inside(path: &str) -> bool {
    let inside = path.split('/').all(|part| part != "..");
    inside && !path.starts_with('/') && !path.contains(['\\', ':'])
}

fn name_of(kind: u8) -> &'static str {
    match kind {
        b'1' => "a hard link",
        b'2' => "a symbolic link",
        b'3' | b'4' => "a device",
        b'6' => "a pipe",
        _ => "an entry of another kind",
    }
}
