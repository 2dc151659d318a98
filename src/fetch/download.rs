//! One file from its mirrors: into `NAME.part`, which only grows while it may still become the file, and which is called
//! `NAME` once its SHA-256 is right.

use super::catalogue::Remote;
use super::error::{Attempt, FetchError, Reason};
use super::source::{Answer, Bytes, Mirror, Question};
use super::{Event, Options};
use sha2::{Digest, Sha256};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, RecvTimeoutError, SyncSender};
use std::thread;
use std::time::{Duration, Instant};

/// Bytes handed over at a time.
const PIECE: usize = 1 << 17;
/// Pieces that may wait to be written.
const WAITING: usize = 16;
/// How long Ctrl-C may go unnoticed.
const GLANCE: Duration = Duration::from_millis(50);
/// Fewer bytes a second than this, over the time that is waited for anything, are none.
const LEAST_RATE: f64 = 1024.0;
/// How often a mirror may stall, or break off without having sent anything, before the next one is tried.
const MOST_FRUITLESS: u32 = 3;
/// How often a mirror may break off at all.
const MOST_BREAKS: u32 = 1000;

/// What the file's bytes came from.
pub struct Downloaded {
    /// The mirror that sent the last of them; none if they were all there.
    pub from: Option<Mirror>,
    /// How many came now.
    pub bytes: u64,
}

/// Downloads `file` into `folder`, or finds that it is there.
///
/// # Errors
/// [`FetchError`] when no mirror has it, the folder cannot be written, or the user stops it.
pub fn download(
    file: &Remote,
    folder: &Path,
    options: &Options<'_>,
    tell: &mut dyn FnMut(Event<'_>),
) -> Result<Downloaded, FetchError> {
    let whole = folder.join(&file.name);
    if fs::metadata(&whole).is_ok_and(|meta| meta.len() == file.size) {
        tell(Event::Checking { file });
        if sum(&whole, options)? == file.sha256 {
            return Ok(Downloaded { from: None, bytes: 0 });
        }
    }
    let part = folder.join(part_name(&file.name));
    let mut download = Download { file, part, options, tell, bytes: 0 };
    let mut attempts = Vec::new();
    for mirror in options.mirrors.iter().chain(&file.mirrors) {
        let address = mirror.file(&file.name);
        match download.from(&address) {
            Ok(()) => {
                let unwritable = |error| FetchError::Unwritable { path: whole.clone(), error };
                fs::rename(&download.part, &whole).map_err(unwritable)?;
                return Ok(Downloaded { from: Some(address), bytes: download.bytes });
            }
            Err(Failure::Fatal(error)) => return Err(error),
            Err(Failure::Refused(reason) | Failure::Broken(reason)) => {
                (download.tell)(Event::Failed { address: &address, reason: &reason });
                attempts.push(Attempt { address: address.to_string(), reason });
            }
        }
    }
    let home = file.mirrors.iter().map(|mirror| mirror.file(&file.name).to_string()).next();
    let Remote { name, size, sha256, .. } = file.clone();
    Err(FetchError::NoMirror { file: name, size, sha256, address: home, attempts })
}

/// What a file is called until it is whole.
pub fn part_name(name: &str) -> String {
    format!("{name}.part")
}

/// SHA-256 of a file, in hexadecimal.
///
/// # Errors
/// [`FetchError`] when it cannot be read, or the user stops it.
pub fn sum(path: &Path, options: &Options<'_>) -> Result<String, FetchError> {
    let unreadable = |error| FetchError::Unwritable { path: path.into(), error };
    let mut file = File::open(path).map_err(unreadable)?;
    let (mut hash, mut buffer) = (Sha256::new(), vec![0; 1 << 20]);
    loop {
        options.check_interrupt()?;
        match file.read(&mut buffer).map_err(unreadable)? {
            0 => return Ok(format!("{:x}", hash.finalize())),
            read => hash.update(&buffer[..read]),
        }
    }
}

/// Why a transfer ended.
enum Failure {
    /// It broke: the same mirror may send the rest.
    Broken(Reason),
    /// The mirror does not have the file.
    Refused(Reason),
    /// No mirror can help.
    Fatal(FetchError),
}

impl From<FetchError> for Failure {
    fn from(error: FetchError) -> Self {
        Self::Fatal(error)
    }
}

/// A file on its way.
struct Download<'a, 'b> {
    file: &'a Remote,
    part: PathBuf,
    options: &'a Options<'b>,
    tell: &'a mut dyn FnMut(Event<'_>),
    bytes: u64,
}

impl Download<'_, '_> {
    /// Fetches what is missing from one mirror until the file is whole and right.
    fn from(&mut self, address: &Mirror) -> Result<(), Failure> {
        let (mut fruitless, mut breaks, mut etag) = (0, 0, None);
        // Bytes of an earlier run or of another mirror may be the wrong ones: then these are worth a second try.
        let mut others = self.there()? > 0;
        loop {
            let before = self.there()?;
            if before < self.file.size {
                (self.tell)(Event::Begins { file: self.file, address, there: before });
                match self.transfer(address, before, &mut etag) {
                    Ok(()) => {}
                    Err(Failure::Broken(reason)) => {
                        let stalled = matches!(reason, Reason::Stalled { .. });
                        fruitless += u32::from(stalled || self.there()? <= before);
                        breaks += 1;
                        if fruitless >= MOST_FRUITLESS || breaks >= MOST_BREAKS {
                            return Err(Failure::Broken(reason));
                        }
                        self.pause()?;
                        continue;
                    }
                    Err(other) => return Err(other),
                }
            }
            (self.tell)(Event::Checking { file: self.file });
            let found = sum(&self.part, self.options)?;
            if found == self.file.sha256 {
                return Ok(());
            }
            self.discard()?;
            if !others {
                return Err(Failure::Refused(Reason::Checksum { found, expected: self.file.sha256.clone() }));
            }
            (others, etag) = (false, None);
        }
    }

    /// Bytes that are there from before. More than the file has are none of it.
    fn there(&self) -> Result<u64, FetchError> {
        match fs::metadata(&self.part) {
            Ok(meta) if meta.len() <= self.file.size => Ok(meta.len()),
            Ok(_) => self.discard().map(|()| 0),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(0),
            Err(error) => Err(self.unwritable(error)),
        }
    }

    fn discard(&self) -> Result<(), FetchError> {
        match fs::remove_file(&self.part) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(self.unwritable(error)),
            _ => Ok(()),
        }
    }

    fn unwritable(&self, error: io::Error) -> FetchError {
        FetchError::Unwritable { path: self.part.clone(), error }
    }

    /// Asks for everything from `start` on and writes what comes.
    fn transfer(&mut self, address: &Mirror, start: u64, etag: &mut Option<String>) -> Result<(), Failure> {
        let patience = self.options.patience;
        let question = Question { file: address.clone(), start, etag: etag.take(), patience };
        let (sender, receiver) = mpsc::sync_channel(WAITING);
        // It may hang in a read for as long as it has patience: nobody waits for it.
        thread::spawn(move || carry(&question, &sender));
        let mut part: Option<Part> = None;
        let mut watch = Watch { patience, since: Instant::now(), bytes: self.bytes };
        loop {
            self.options.check_interrupt()?;
            let expected = self.file.size;
            let there = part.as_ref().map_or(start, |part| part.there);
            match (receiver.recv_timeout(GLANCE), &mut part) {
                (Ok(Message::Failed(reason)), _) => return Err(Failure::Refused(reason)),
                (Ok(Message::NothingThere), _) => {
                    self.discard()?;
                    return Err(Failure::Broken(Reason::Short { found: start, expected }));
                }
                (Ok(Message::Head(head)), _) => {
                    part = Some(self.accept(&head)?);
                    *etag = head.etag;
                }
                (Ok(Message::Piece(piece)), Some(part)) => self.take(part, &piece)?,
                (Ok(Message::End), Some(part)) if there == expected => {
                    return part.file.sync_all().map_err(|error| self.unwritable(error).into());
                }
                (Ok(Message::Stalled), _) => {
                    return Err(Failure::Broken(Reason::Stalled {
                        found: there,
                        expected,
                        waited: patience,
                    }));
                }
                (Err(RecvTimeoutError::Timeout), _) => {}
                _ => return Err(Failure::Broken(Reason::Short { found: there, expected })),
            }
            if watch.is_over(self.bytes) {
                return Err(match part {
                    Some(_) => Failure::Broken(Reason::Stalled { found: there, expected, waited: patience }),
                    None => Failure::Refused(Reason::NoAnswer { waited: patience }),
                });
            }
        }
    }

    /// The file to write to, for an answer that begins as it must.
    fn accept(&self, head: &Head) -> Result<Part, Failure> {
        let expected = self.file.size;
        if let Some(length) = head.length.filter(|length| head.start + length != expected) {
            let kind = head.kind.as_ref().map_or_else(String::new, |kind| format!(" of {kind}"));
            let found = format!("{} bytes{kind}", head.start + length);
            return Err(Failure::Refused(Reason::Length { found, expected }));
        }
        if head.start == 0 {
            self.discard()?;
        }
        let file = OpenOptions::new().create(true).append(true).open(&self.part);
        Ok(Part { file: file.map_err(|error| self.unwritable(error))?, there: head.start })
    }

    /// Writes what came.
    fn take(&mut self, part: &mut Part, piece: &[u8]) -> Result<(), Failure> {
        let expected = self.file.size;
        let there = part.there + piece.len() as u64;
        if there > expected {
            self.discard()?;
            return Err(Failure::Refused(Reason::Long { expected }));
        }
        part.file.write_all(piece).map_err(|error| self.unwritable(error))?;
        part.there = there;
        self.bytes += piece.len() as u64;
        (self.tell)(Event::Received { there });
        Ok(())
    }

    /// Gives a mirror that broke off a moment.
    fn pause(&self) -> Result<(), FetchError> {
        let until = Instant::now() + self.options.pause;
        while Instant::now() < until {
            self.options.check_interrupt()?;
            thread::sleep(GLANCE.min(self.options.pause));
        }
        Ok(())
    }
}

/// The file that grows.
struct Part {
    file: File,
    there: u64,
}

/// Looks whether anything comes.
struct Watch {
    patience: Duration,
    since: Instant,
    bytes: u64,
}

impl Watch {
    /// Whether next to nothing came for as long as there is patience; `bytes` came in all.
    fn is_over(&mut self, bytes: u64) -> bool {
        let seconds = self.since.elapsed().as_secs_f64();
        if seconds < self.patience.as_secs_f64() {
            return false;
        }
        let is_over = ((bytes - self.bytes) as f64) < LEAST_RATE * seconds;
        (self.since, self.bytes) = (Instant::now(), bytes);
        is_over
    }
}

/// How an answer begins.
struct Head {
    start: u64,
    length: Option<u64>,
    kind: Option<String>,
    etag: Option<String>,
}

/// What the thread that reads says to the one that writes.
enum Message {
    Head(Head),
    Piece(Vec<u8>),
    End,
    Broke,
    Stalled,
    NothingThere,
    Failed(Reason),
}

/// Asks, and hands over what comes until it ends or nobody wants it any more.
fn carry(question: &Question, to: &SyncSender<Message>) {
    let mut bytes = match question.ask() {
        Ok(Answer::Bytes(bytes)) => bytes,
        Ok(Answer::NothingThere) => return drop(to.send(Message::NothingThere)),
        Err(reason) => return drop(to.send(Message::Failed(reason))),
    };
    let Bytes { start, length, ref mut kind, ref mut etag, .. } = bytes;
    let mut message = Message::Head(Head { start, length, kind: kind.take(), etag: etag.take() });
    while to.send(message).is_ok() {
        let mut piece = vec![0; PIECE];
        message = match bytes.body.read(&mut piece) {
            Ok(0) => return drop(to.send(Message::End)),
            Ok(read) => {
                piece.truncate(read);
                Message::Piece(piece)
            }
            Err(error) if error.kind() == io::ErrorKind::TimedOut => return drop(to.send(Message::Stalled)),
            Err(_) => return drop(to.send(Message::Broke)),
        };
    }
}
