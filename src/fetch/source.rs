//! Where bytes come from: a web server, or a folder. The only code that opens a connection.

use super::error::Reason;
use std::fmt;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::net::IpAddr;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;
use ureq::http::header::{CONTENT_RANGE, ETAG, HeaderMap, HeaderName, IF_RANGE, RANGE};
use ureq::{Agent, Body, http};

/// How often an answer may name another address.
const MOST_REDIRECTS: u32 = 5;

/// A place that has the files: the address of a folder on the web, or a folder here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mirror {
    /// An address that begins with `https://` or `http://`.
    Web(String),
    /// A folder.
    Folder(PathBuf),
}

impl FromStr for Mirror {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let is_web = ["https://", "http://"].iter().any(|scheme| text.starts_with(scheme));
        if is_web {
            let uri = text.parse::<http::Uri>().map_err(|error| error.to_string())?;
            let plain = uri.query().is_none() && uri.host().is_some_and(|host| !host.is_empty());
            return if plain { Ok(Self::Web(text.into())) } else { Err("expected a host and a path".into()) };
        }
        if text.is_empty() || text.contains("://") {
            return Err("expected an address that begins with https:// or http://, or a folder".into());
        }
        Ok(Self::Folder(text.into()))
    }
}

impl Mirror {
    /// The mirror's file called `name`; a mirror may be given as the file itself.
    #[must_use]
    pub fn file(&self, name: &str) -> Self {
        match self {
            Self::Web(address) if address.ends_with(&format!("/{name}")) => self.clone(),
            Self::Web(address) => Self::Web(format!("{}/{name}", address.trim_end_matches('/'))),
            Self::Folder(path) if path.file_name().is_some_and(|file| file == name) => self.clone(),
            Self::Folder(path) => Self::Folder(path.join(name)),
        }
    }
}

impl fmt::Display for Mirror {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Web(address) => f.write_str(address),
            Self::Folder(path) => write!(f, "{}", path.display()),
        }
    }
}

/// What is asked for.
#[derive(Clone, Debug)]
pub struct Question {
    /// The file.
    pub file: Mirror,
    /// The first byte of it.
    pub start: u64,
    /// What this server called its content when it sent the bytes before.
    pub etag: Option<String>,
    /// How long to wait for anything.
    pub patience: Duration,
}

/// What came back.
pub enum Answer {
    /// Bytes.
    Bytes(Bytes),
    /// There is nothing from `start` on.
    NothingThere,
}

/// Bytes of the file, from `start` on.
pub struct Bytes {
    /// The first one.
    pub start: u64,
    /// How many follow, if that is said.
    pub length: Option<u64>,
    /// What they are called, if that is said.
    pub kind: Option<String>,
    /// What the server calls this content; equal for equal bytes.
    pub etag: Option<String>,
    /// The bytes.
    pub body: Box<dyn Read>,
}

impl Question {
    /// Asks.
    ///
    /// # Errors
    /// [`Reason`] when no bytes of the file come back.
    pub fn ask(&self) -> Result<Answer, Reason> {
        match &self.file {
            Mirror::Web(address) => self.ask_web(address),
            Mirror::Folder(path) => {
                let open = || {
                    let mut file = File::open(path)?;
                    let meta = file.metadata()?;
                    if !meta.is_file() {
                        return Err(io::Error::other("no regular file"));
                    }
                    file.seek(SeekFrom::Start(self.start))?;
                    Ok((file, meta.len()))
                };
                let (file, length) = open().map_err(|error| Reason::Unreachable(plainly(&error)))?;
                let Some(length) = length.checked_sub(self.start) else { return Ok(Answer::NothingThere) };
                Ok(Answer::Bytes(Bytes {
                    start: self.start,
                    length: Some(length),
                    kind: None,
                    etag: None,
                    body: Box::new(file),
                }))
            }
        }
    }

    fn ask_web(&self, address: &str) -> Result<Answer, Reason> {
        let mut request = self.agent(address).get(address);
        if self.start > 0 {
            request = request.header(RANGE, format!("bytes={}-", self.start));
            if let Some(etag) = &self.etag {
                request = request.header(IF_RANGE, etag);
            }
        }
        let response = request.call().map_err(|error| self.explain(&error))?;
        let status = response.status().as_u16();
        let (head, body) = response.into_parts();
        match status {
            200 => Ok(bytes(0, &head.headers, body)),
            206 => {
                let range = text(&head.headers, &CONTENT_RANGE).unwrap_or_default();
                let start = range.strip_prefix("bytes ").and_then(|range| range.split('-').next());
                if start.and_then(|start| start.trim().parse().ok()) == Some(self.start) {
                    Ok(bytes(self.start, &head.headers, body))
                } else {
                    Err(Reason::Range(format!("the part {range:?}")))
                }
            }
            416 if self.start > 0 => Ok(Answer::NothingThere),
            other => Err(Reason::Status(other)),
        }
    }

    fn agent(&self, address: &str) -> Agent {
        let patience = Some(self.patience);
        let config = Agent::config_builder();
        // No proxy reaches this machine better than it does itself.
        let config = if is_loopback(address) { config.proxy(None) } else { config };
        config
            .http_status_as_error(false)
            // What begins encrypted stays so.
            .https_only(address.starts_with("https://"))
            .max_redirects(MOST_REDIRECTS)
            .user_agent(concat!("cifar-train/", env!("CARGO_PKG_VERSION")))
            // The bytes as they are stored: sums are of these.
            .accept_encoding("identity")
            .timeout_resolve(patience)
            .timeout_connect(patience)
            .timeout_send_request(patience)
            .timeout_recv_response(patience)
            .timeout_per_read(patience)
            .build()
            .new_agent()
    }

    fn explain(&self, error: &ureq::Error) -> Reason {
        Reason::Unreachable(match error {
            ureq::Error::Timeout(_) => return Reason::NoAnswer { waited: self.patience },
            ureq::Error::HostNotFound => "host not found".into(),
            ureq::Error::Io(error) => plainly(error),
            ureq::Error::TooManyRedirects => format!("found more than {MOST_REDIRECTS} redirects"),
            ureq::Error::RequireHttpsOnly(address) => {
                format!("found a redirect to {address}, expected one to https://")
            }
            other => other.to_string(),
        })
    }
}

fn is_loopback(address: &str) -> bool {
    let uri = address.parse::<http::Uri>().ok();
    uri.as_ref().and_then(http::Uri::host).is_some_and(|host| {
        let bare = host.trim_matches(['[', ']']);
        bare == "localhost" || bare.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
    })
}

/// The system's words, without its number for them.
fn plainly(error: &io::Error) -> String {
    let words = error.to_string();
    let words = words.split(" (os error").next().unwrap_or_default();
    if words.starts_with("failed to lookup address") {
        return "host not found".into();
    }
    let mut rest = words.chars();
    rest.next().into_iter().flat_map(char::to_lowercase).chain(rest.clone()).collect()
}

fn text(headers: &HeaderMap, name: &HeaderName) -> Option<String> {
    headers.get(name).and_then(|value| value.to_str().ok()).map(Into::into)
}

fn bytes(start: u64, headers: &HeaderMap, body: Body) -> Answer {
    Answer::Bytes(Bytes {
        start,
        length: body.content_length(),
        kind: body.mime_type().map(Into::into),
        // A weak one is of like content, not of the same bytes.
        etag: text(headers, &ETAG).filter(|etag| etag.starts_with('"')),
        body: Box::new(Patient(body.into_reader())),
    })
}

/// A body that says in the system's own way when patience is over.
struct Patient<R>(R);

impl<R: Read> Read for Patient<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer).map_err(|error| {
            let cause = error.get_ref().and_then(|cause| cause.downcast_ref());
            if matches!(cause, Some(ureq::Error::Timeout(_))) {
                io::ErrorKind::TimedOut.into()
            } else {
                error
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mirrors_are_addresses_or_folders() {
        let file = |mirror: &str| mirror.parse::<Mirror>().map(|mirror| mirror.file("a.gz").to_string());
        for (mirror, expected) in [
            ("https://host/x/", "https://host/x/a.gz"),
            ("http://127.0.0.1:8000", "http://127.0.0.1:8000/a.gz"),
            ("https://host/x/a.gz", "https://host/x/a.gz"),
            ("/media/stick", "/media/stick/a.gz"),
            ("stick/a.gz", "stick/a.gz"),
        ] {
            assert_eq!(file(mirror).as_deref(), Ok(expected));
        }
        for wrong in ["ftp://host/x", "file:///x", "", "https://", "http://a b/", "https://host/x?y=1"] {
            assert!(file(wrong).is_err(), "{wrong}");
        }
    }
}
