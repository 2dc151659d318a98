//! Brings public data sets from their mirrors: resumed where a download broke off, checked by size and SHA-256 before
//! anything is used, unpacked into a folder that appears whole or not at all.
//!
//! [`catalogue`] knows what there is; `source` opens connections, and nothing else does; `download` makes one file
//! whole, `unpack` takes what is needed out of it, `place` keeps the folder. Nothing here prints: [`fetch`] says what
//! happens through [`Event`]s.

pub mod catalogue;
mod download;
mod error;
mod place;
mod source;
mod unpack;

pub use catalogue::{Known, Member, Remote, Set};
pub use error::{Attempt, FetchError, Reason};
pub use source::Mirror;

use place::{Found, Place};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// The file of class names that belongs to numbered labels.
const CLASS_NAMES: &str = "class_names.txt";

/// How to fetch.
#[derive(Clone, Debug)]
pub struct Options<'a> {
    /// Tried before the mirrors of the catalogue.
    pub mirrors: Vec<Mirror>,
    /// How long to wait for an answer, and for more of it.
    pub patience: Duration,
    /// How long to leave a mirror in peace that broke off.
    pub pause: Duration,
    /// Whether other files of the same names may be replaced.
    pub force: bool,
    /// Set when the user wants it to stop.
    pub interrupt: &'a AtomicBool,
}

impl Options<'_> {
    /// # Errors
    /// [`FetchError::Interrupted`] once the user wants it to stop.
    fn check_interrupt(&self) -> Result<(), FetchError> {
        if self.interrupt.load(Ordering::Relaxed) { Err(FetchError::Interrupted) } else { Ok(()) }
    }
}

/// What happens.
#[derive(Clone, Copy, Debug)]
pub enum Event<'a> {
    /// A file is asked for.
    Begins {
        /// The file.
        file: &'a Remote,
        /// The mirror's.
        address: &'a Mirror,
        /// Bytes that are there from before.
        there: u64,
    },
    /// More of it came.
    Received {
        /// Bytes that are there now.
        there: u64,
    },
    /// A file that is there is read for its SHA-256.
    Checking {
        /// The file.
        file: &'a Remote,
    },
    /// A mirror did not serve.
    Failed {
        /// The mirror's file.
        address: &'a Mirror,
        /// Why.
        reason: &'a Reason,
    },
    /// A file is unpacked.
    Unpacking {
        /// The file.
        file: &'a Remote,
    },
}

/// How it ended.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// The data set was there.
    There,
    /// It is there now.
    Fetched {
        /// Where each file came from; none for one that an earlier try had brought.
        from: Vec<Option<Mirror>>,
        /// Bytes that were downloaded now.
        bytes: u64,
    },
}

/// Makes `folder` the data set, if it is not.
///
/// # Errors
/// [`FetchError`] when something else is there, no mirror serves, an archive is not what it should be, the folder cannot
/// be written, or the user stops it. What was downloaded is then kept beside `folder`, for the next try.
pub fn fetch(
    set: &Set,
    folder: &Path,
    options: &Options<'_>,
    tell: &mut dyn FnMut(Event<'_>),
) -> Result<Outcome, FetchError> {
    match place::look(set, folder, options)? {
        Found::Right => return Ok(Outcome::There),
        Found::Nothing => {}
        Found::Other(_) if options.force => place::check_replaceable(set, folder)?,
        Found::Other(found) => {
            return Err(FetchError::Exists { path: folder.into(), found, name: set.name.clone() });
        }
    }
    let place = Place::claim(set, folder)?;
    let (mut from, mut bytes) = (Vec::new(), 0);
    for file in &set.files {
        let downloaded = download::download(file, &place.partial, options, tell)?;
        from.push(downloaded.from);
        bytes += downloaded.bytes;
    }
    let ready = place.ready()?;
    for file in set.files.iter().filter(|file| !file.members.is_empty()) {
        tell(Event::Unpacking { file });
        unpack::unpack(file, &place.partial.join(&file.name), &ready, options)?;
    }
    let unwritable = |path: &Path, error| FetchError::Unwritable { path: path.into(), error };
    if !set.class_names.is_empty() {
        let path = ready.join(CLASS_NAMES);
        fs::write(&path, set.class_names.join("\n") + "\n").map_err(|error| unwritable(&path, error))?;
    }
    for file in set.files.iter().filter(|file| file.members.is_empty()) {
        let path = place.partial.join(&file.name);
        fs::rename(&path, ready.join(&file.name)).map_err(|error| unwritable(&path, error))?;
    }
    place.publish()?;
    Ok(Outcome::Fetched { from, bytes })
}

/// What an earlier try left: the folder, and the bytes in it.
pub fn kept(set: &Set, folder: &Path) -> Option<(PathBuf, u64)> {
    let partial = place::partial_of(folder)?;
    let bytes = set.files.iter().map(|file| place::kept(&partial, &file.name)).sum();
    (bytes > 0).then_some((partial, bytes))
}
