//! `data fetch`: whatever a mirror does, what appears is the data set or nothing. A server on this machine truncates,
//! stalls, lies and serves other bytes. What it serves is a small set of its own, with sizes and sums to match, so these
//! tests go through the library; the program itself knows only real data sets, and is tried with what goes wrong.

use crate::support::{Sandbox, json};
use cifar_train::fetch::{self, FetchError, Member, Mirror, Options, Outcome, Remote, Set};
use flate2::Compression;
use flate2::write::GzEncoder;
use sha2::{Digest, Sha256};
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

/// What a request asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Request {
    path: String,
    /// The first byte, if not all are wanted.
    range: Option<usize>,
    if_range: Option<String>,
}

/// What follows the bytes of a reply.
#[derive(Clone, Copy)]
enum After {
    Close,
    Hang,
    Endless,
}

struct Reply {
    status: &'static str,
    headers: Vec<String>,
    body: Vec<u8>,
    after: After,
}

impl Reply {
    fn new(status: &'static str, body: &[u8]) -> Self {
        Self { status, headers: Vec::new(), body: body.into(), after: After::Close }
    }

    /// As a good server does it: the whole, or the part that is asked for.
    fn good(request: &Request, content: &[u8]) -> Self {
        let all = content.len();
        match request.range {
            Some(start) if start < all => {
                let range = format!("Content-Range: bytes {start}-{}/{all}", all - 1);
                Self::new("206 Partial Content", &content[start..]).length(all - start).header(range)
            }
            Some(_) => Self::new("416 Range Not Satisfiable", b"").length(0),
            None => Self::new("200 OK", content).length(all),
        }
    }

    fn length(self, length: usize) -> Self {
        self.header(format!("Content-Length: {length}"))
    }

    fn header(mut self, header: String) -> Self {
        self.headers.push(header);
        self
    }

    /// Breaks off after so many bytes.
    fn cut(mut self, bytes: usize) -> Self {
        self.body.truncate(bytes);
        self
    }

    fn then(self, after: After) -> Self {
        Self { after, ..self }
    }

    fn send(self, stream: &mut TcpStream) -> std::io::Result<()> {
        let head = self
            .headers
            .iter()
            .fold(format!("HTTP/1.1 {}\r\n", self.status), |head, header| format!("{head}{header}\r\n"));
        stream.write_all(format!("{head}Connection: close\r\n\r\n").as_bytes())?;
        stream.write_all(&self.body)?;
        match self.after {
            After::Close => Ok(()),
            // Longer than any test takes.
            After::Hang => {
                thread::sleep(Duration::from_secs(120));
                Ok(())
            }
            After::Endless => loop {
                stream.write_all(&[7; 1 << 13])?;
            },
        }
    }
}

/// A server on this machine; it lives as long as the test's process.
struct Server {
    address: String,
    requests: Arc<Mutex<Vec<Request>>>,
}

impl Server {
    /// Answers the request of number `n`, from 0, with `reply(n, request)`.
    fn new(reply: impl Fn(usize, &Request) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = format!("http://{}/", listener.local_addr().expect("an address"));
        let requests = Arc::new(Mutex::new(Vec::new()));
        let (log, reply) = (requests.clone(), Arc::new(reply));
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (log, reply) = (log.clone(), reply.clone());
                thread::spawn(move || {
                    let mut stream = stream.expect("a connection");
                    let request = read_request(&stream);
                    let number = {
                        let mut log = log.lock().expect("no panic");
                        log.push(request.clone());
                        log.len() - 1
                    };
                    // Who asked may have gone.
                    let _ = reply(number, &request).send(&mut stream);
                });
            }
        });
        Self { address, requests }
    }

    /// One that does everything right.
    fn good(content: &[u8]) -> Self {
        let content = content.to_vec();
        Self::new(move |_, request| Reply::good(request, &content))
    }

    fn mirror(&self) -> Mirror {
        self.address.parse().expect("an address")
    }

    fn ranges(&self) -> Vec<Option<usize>> {
        self.requests.lock().expect("no panic").iter().map(|request| request.range).collect()
    }
}

fn read_request(stream: &TcpStream) -> Request {
    let mut request = Request::default();
    for line in BufReader::new(stream).lines().map_while(Result::ok).take_while(|line| !line.is_empty()) {
        let lower = line.to_lowercase();
        if let Some(rest) = line.strip_prefix("GET ") {
            request.path = rest.split(' ').next().unwrap_or_default().into();
        } else if let Some(range) = lower.strip_prefix("range: bytes=") {
            request.range = range.trim_end_matches('-').parse().ok();
        } else if lower.starts_with("if-range: ") {
            request.if_range = Some(line["if-range: ".len()..].into());
        }
    }
    request
}

fn sha256(bytes: &[u8]) -> String {
    format!("{:x}", Sha256::digest(bytes))
}

/// Bytes that do not repeat.
fn noise(count: usize) -> Vec<u8> {
    let mut state = 7_u64;
    let byte = |_| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 56) as u8
    };
    (0..count).map(byte).collect()
}

/// A set of one file that is not unpacked.
fn plain(content: &[u8], servers: &[&Server]) -> Set {
    let file = Remote {
        name: "file.gz".into(),
        size: content.len() as u64,
        sha256: sha256(content),
        mirrors: servers.iter().map(|server| server.mirror()).collect(),
        members: Vec::new(),
    };
    Set { name: "a set".into(), folder: "data/set".into(), files: vec![file], class_names: Vec::new() }
}

static NEVER: AtomicBool = AtomicBool::new(false);

fn options() -> Options<'static> {
    Options {
        mirrors: Vec::new(),
        patience: Duration::from_millis(300),
        pause: Duration::ZERO,
        force: false,
        interrupt: &NEVER,
    }
}

/// A temporary folder, and the place in it where the set goes.
fn place() -> (tempfile::TempDir, std::path::PathBuf) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let out = folder.path().join("data/set");
    (folder, out)
}

fn fetch_to(out: &Path, set: &Set) -> Result<Outcome, FetchError> {
    fetch::fetch(set, out, &options(), &mut |_| {})
}

/// Fetches the plain set, which must succeed and leave nothing beside it.
fn succeeds(content: &[u8], servers: &[&Server]) {
    let (folder, out) = place();
    fetch_to(&out, &plain(content, servers)).expect("fetches");
    assert_eq!(fs::read(out.join("file.gz")).expect("reads"), content);
    let entries = |path: &Path| fs::read_dir(path).expect("a folder").count();
    assert_eq!((entries(&out), entries(&folder.path().join("data"))), (1, 1), "nothing else stays");
}

/// What is said when the plain set cannot be fetched; nothing is in its place then.
fn fails(content: &[u8], servers: &[&Server]) -> FetchError {
    let (_folder, out) = place();
    let error = fetch_to(&out, &plain(content, servers)).expect_err("nothing to fetch");
    assert!(!out.exists(), "{error}");
    error
}

#[test]
fn a_good_mirror_is_enough_and_a_set_that_is_there_needs_none() {
    let content = noise(300_000);
    let server = Server::good(&content);
    let (_folder, out) = place();
    let set = plain(&content, &[&server]);
    let Ok(Outcome::Fetched { bytes: 300_000, from }) = fetch_to(&out, &set) else { panic!("not fetched") };
    assert_eq!(from[0].as_ref().map(ToString::to_string), Some(format!("{}file.gz", server.address)));
    assert!(matches!(fetch_to(&out, &set), Ok(Outcome::There)));
    assert_eq!(server.ranges(), [None], "one request in all");
}

#[test]
fn a_download_that_breaks_off_goes_on_where_it_was() {
    let content = noise(1_000_000);
    let served = content.clone();
    let server = Server::new(move |number, request| {
        let reply = Reply::good(request, &served).header("ETag: \"one\"".into());
        if number < 3 { reply.cut(250_000) } else { reply }
    });
    succeeds(&content, &[&server]);
    assert_eq!(server.ranges(), [None, Some(250_000), Some(500_000), Some(750_000)]);
    let tags: Vec<_> = server.requests.lock().expect("no panic").iter().map(|r| r.if_range.clone()).collect();
    let tag = Some("\"one\"".to_owned());
    assert_eq!(tags, [None, tag.clone(), tag.clone(), tag], "it must be the same content");
}

#[test]
fn what_an_earlier_try_brought_is_kept() {
    let content = noise(400_000);
    let served = content.clone();
    // Bytes, and then none whatever is asked for.
    let broken = Server::new(move |number, request| {
        if number == 0 { Reply::good(request, &served).cut(100_000) } else { Reply::new("404 Gone", b"") }
    });
    let (_folder, out) = place();
    let error = fetch_to(&out, &plain(&content, &[&broken])).expect_err("broken");
    assert!(error.to_string().contains("found status 404, expected 200"), "{error}");
    let part = out.with_file_name("set.partial").join("file.gz.part");
    assert_eq!(fs::read(&part).expect("kept"), content[..100_000]);
    assert_eq!(fetch::kept(&plain(&content, &[]), &out).map(|(_, bytes)| bytes), Some(100_000));

    let server = Server::good(&content);
    let outcome = fetch_to(&out, &plain(&content, &[&server]));
    assert!(matches!(outcome, Ok(Outcome::Fetched { bytes: 300_000, .. })), "{outcome:?}");
    assert_eq!(server.ranges(), [Some(100_000)]);
    assert_eq!(fs::read(out.join("file.gz")).expect("reads"), content);
}

#[test]
fn wrong_bytes_of_an_earlier_try_are_thrown_away() {
    let content = noise(200_000);
    // Too many, and some that are not of the file.
    for earlier in [vec![1; 300_000], vec![1; 200_000], vec![1; 50_000]] {
        let server = Server::good(&content);
        let (_folder, out) = place();
        let partial = out.with_file_name("set.partial");
        fs::create_dir_all(&partial).expect("a folder");
        fs::write(partial.join("cifar-train-fetch.lock"), "").expect("writes");
        fs::write(partial.join("file.gz.part"), &earlier).expect("writes");
        fetch_to(&out, &plain(&content, &[&server])).expect("fetches");
        assert_eq!(fs::read(out.join("file.gz")).expect("reads"), content);
    }
}

#[test]
fn a_server_that_knows_no_parts_sends_all_again() {
    let content = noise(300_000);
    let served = content.clone();
    let server = Server::new(move |number, _| {
        let reply = Reply::new("200 OK", &served).length(served.len());
        if number == 0 { reply.cut(90_000) } else { reply }
    });
    succeeds(&content, &[&server]);
    assert_eq!(server.ranges(), [None, Some(90_000)]);
}

#[test]
fn a_part_that_is_not_there_begins_anew() {
    let content = noise(300_000);
    let served = content.clone();
    let server = Server::new(move |number, request| match number {
        0 => Reply::good(request, &served).cut(90_000),
        1 => Reply::new("416 Range Not Satisfiable", b"").length(0),
        _ => Reply::good(request, &served),
    });
    succeeds(&content, &[&server]);
    assert_eq!(server.ranges(), [None, Some(90_000), None]);
}

#[test]
fn another_part_than_was_asked_for_is_refused() {
    let content = noise(300_000);
    let served = content.clone();
    let server = Server::new(move |number, request| {
        if number == 0 {
            return Reply::good(request, &served).cut(90_000);
        }
        let range = "Content-Range: bytes 0-209999/300000".to_owned();
        Reply::new("206 Partial Content", &served[..210_000]).length(210_000).header(range)
    });
    let error = fails(&content, &[&server]);
    assert!(error.to_string().contains("expected the part that was asked for"), "{error}");
}

/// A silent server, one that goes silent after some bytes, and one that goes on for ever with next to nothing.
#[test]
fn who_stalls_is_left_for_the_next_mirror() {
    let content = noise(300_000);
    let (served, dripped) = (content.clone(), content.clone());
    let silent = TcpListener::bind("127.0.0.1:0").expect("a port");
    let silent_address = format!("http://{}/", silent.local_addr().expect("an address"));
    let stalling = Server::new(move |_, request| Reply::good(request, &served).cut(10_000).then(After::Hang));
    let good = Server::good(&dripped);
    let mut set = plain(&content, &[&stalling, &good]);
    set.files[0].mirrors.insert(0, silent_address.parse().expect("an address"));
    let (_folder, out) = place();
    let mut reasons = Vec::new();
    let begun = Instant::now();
    let outcome = fetch::fetch(&set, &out, &options(), &mut |event| {
        if let fetch::Event::Failed { reason, .. } = event {
            reasons.push(reason.to_string());
        }
    });
    assert!(matches!(outcome, Ok(Outcome::Fetched { .. })), "{outcome:?}");
    assert_eq!(reasons[0], "no answer in 0.3 s");
    assert!(
        reasons[1].starts_with("stalled after 30000 ") && reasons[1].contains("of 300000 bytes"),
        "{reasons:?}"
    );
    assert!(begun.elapsed() < Duration::from_secs(30), "{:?}", begun.elapsed());
    assert_eq!(fs::read(out.join("file.gz")).expect("reads"), content);
}

#[test]
fn a_lie_about_the_length_is_told_before_anything_is_read() {
    let content = noise(100_000);
    for length in [99_999, 100_001, 5] {
        let served = content.clone();
        let server = Server::new(move |_, _| Reply::new("200 OK", &served).length(length));
        let error = fails(&content, &[&server]);
        let expected = format!("found {length} bytes, expected 100000 bytes");
        assert!(error.to_string().contains(&expected) && error.is_content(), "{error}");
    }
    // What a network's login page looks like.
    let server = Server::new(|_, _| {
        Reply::new("200 OK", b"<html>").length(6).header("Content-Type: text/html".into())
    });
    let error = fails(&content, &[&server]);
    assert!(error.to_string().contains("found 6 bytes of text/html, expected 100000 bytes"), "{error}");
}

#[test]
fn other_bytes_of_the_right_length_are_refused() {
    let content = noise(100_000);
    let mut other = content.clone();
    other[50_000] ^= 1;
    let (bad, good) = (Server::good(&other), Server::good(&content));
    let error = fails(&content, &[&bad]);
    let (found, expected) = (sha256(&other), sha256(&content));
    assert!(error.to_string().contains(&format!("found SHA-256 {found}, expected {expected}")), "{error}");
    assert!(error.is_content() && error.hint().contains(&expected), "{}", error.hint());
    assert_eq!(bad.ranges().len(), 1, "asking again would not help");
    succeeds(&content, &[&bad, &good]);
}

#[test]
fn a_body_without_end_is_cut() {
    let content = noise(100_000);
    let served = content.clone();
    let server = Server::new(move |_, _| Reply::new("200 OK", &served).then(After::Endless));
    let error = fails(&content, &[&server]);
    assert!(error.to_string().contains("found more than 100000 bytes, expected 100000"), "{error}");
    // Without a length, the end of the connection is the end.
    let served = content.clone();
    succeeds(&content, &[&Server::new(move |_, _| Reply::new("200 OK", &served))]);
}

#[test]
fn errors_and_redirects_lead_to_the_next_mirror() {
    let content = noise(100_000);
    let good = Server::good(&content);
    for status in ["404 Not Found", "500 Internal Server Error", "503 Service Unavailable"] {
        let bad = Server::new(move |_, _| Reply::new(status, b"no").length(2));
        succeeds(&content, &[&bad, &good]);
    }
    let to = format!("Location: {}elsewhere/file.gz", good.address);
    let moved = Server::new(move |_, _| Reply::new("302 Found", b"").length(0).header(to.clone()));
    succeeds(&content, &[&moved]);
    let round =
        Server::new(|_, _| Reply::new("302 Found", b"").length(0).header("Location: /file.gz".into()));
    let error = fails(&content, &[&round]);
    assert!(error.to_string().contains("found more than 5 redirects"), "{error}");
    let closed = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address");
    let mut set = plain(&content, &[]);
    set.files[0].mirrors = vec![format!("http://{closed}/").parse().expect("an address")];
    let (_folder, out) = place();
    let error = fetch_to(&out, &set).expect_err("nobody there");
    assert!(error.to_string().contains("connection refused") && !error.is_content(), "{error}");
}

#[test]
fn a_folder_is_a_mirror_too() {
    let content = noise(100_000);
    let stick = tempfile::tempdir().expect("a temporary folder");
    fs::write(stick.path().join("file.gz"), &content).expect("writes");
    let (_folder, out) = place();
    let mut options = options();
    options.mirrors = vec![Mirror::Folder("no/such/folder".into()), Mirror::Folder(stick.path().into())];
    fetch::fetch(&plain(&content, &[]), &out, &options, &mut |_| {}).expect("fetches");
    assert_eq!(fs::read(out.join("file.gz")).expect("reads"), content);
}

#[test]
fn interrupted_it_keeps_what_came() {
    let content = noise(300_000);
    let served = content.clone();
    let server = Server::new(move |_, request| Reply::good(request, &served).cut(60_000).then(After::Hang));
    let (_folder, out) = place();
    let interrupt = AtomicBool::new(false);
    let options = Options { interrupt: &interrupt, patience: Duration::from_secs(60), ..options() };
    let set = plain(&content, &[&server]);
    let outcome = fetch::fetch(&set, &out, &options, &mut |event| {
        if let fetch::Event::Received { there: 60_000 } = event {
            interrupt.store(true, Ordering::Relaxed);
        }
    });
    assert!(matches!(outcome, Err(FetchError::Interrupted)), "{outcome:?}");
    assert_eq!(fetch::kept(&set, &out).map(|(_, bytes)| bytes), Some(60_000));
}

// Archives.

/// An entry of an archive: its path, its type, its content.
type Entry<'a> = (&'a str, u8, &'a [u8]);

fn tar_gz(entries: &[Entry<'_>]) -> Vec<u8> {
    let mut archive = Vec::new();
    for &(path, kind, content) in entries {
        archive.extend(header(path, kind, content.len()));
        archive.extend(content);
        archive.resize(archive.len().next_multiple_of(512), 0);
    }
    archive.resize(archive.len() + 1024, 0);
    gzip(&archive)
}

fn header(path: &str, kind: u8, size: usize) -> [u8; 512] {
    let mut header = [0; 512];
    header[..path.len()].copy_from_slice(path.as_bytes());
    header[124..135].copy_from_slice(format!("{size:011o}").as_bytes());
    header[148..156].fill(b' ');
    header[156] = kind;
    header[257..263].copy_from_slice(b"ustar\0");
    let sum: u64 = header.iter().map(|&byte| u64::from(byte)).sum();
    header[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
    header
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).expect("compresses");
    encoder.finish().expect("compresses")
}

/// A set of one archive with `members`; those without content are texts.
fn packed(archive: &[u8], members: &[(&str, Option<&[u8]>)], server: &Server) -> Set {
    let mut set = plain(archive, &[server]);
    set.files[0].name = "set.tar.gz".into();
    let member = |(name, content): &(&str, Option<&[u8]>)| Member {
        name: (*name).into(),
        content: content.map(|content| (content.len() as u64, sha256(content))),
    };
    set.files[0].members = members.iter().map(member).collect();
    set
}

/// The archive of a small set in CIFAR-10's layout becomes a folder that trains.
#[test]
fn an_archive_is_unpacked_into_a_folder_that_loads() {
    let sandbox = Sandbox::new();
    sandbox.cifar10("original");
    let mut files: Vec<(String, Vec<u8>)> = fs::read_dir(sandbox.path("original"))
        .expect("a folder")
        .map(|entry| entry.expect("an entry"))
        .map(|entry| {
            (entry.file_name().into_string().expect("UTF-8"), fs::read(entry.path()).expect("reads"))
        })
        .collect();
    files.sort();
    let paths: Vec<String> = files.iter().map(|(name, _)| format!("cifar-10-batches-bin/{name}")).collect();
    let mut entries: Vec<Entry<'_>> = vec![("cifar-10-batches-bin/", b'5', b"")];
    entries.extend(paths.iter().zip(&files).map(|(path, (_, content))| (&path[..], b'0', &content[..])));
    entries.push(("cifar-10-batches-bin/readme.html", b'0', b"<html>"));
    let archive = tar_gz(&entries);
    let members: Vec<(&str, Option<&[u8]>)> = files
        .iter()
        .map(|(name, content)| (&name[..], (!name.contains("meta")).then_some(&content[..])))
        .collect();
    let server = Server::good(&archive);
    let set = packed(&archive, &members, &server);
    let out = sandbox.path("fetched/set");
    fetch_to(&out, &set).expect("fetches");
    assert!(matches!(fetch_to(&out, &set), Ok(Outcome::There)));
    let info = |data: &str| json(&sandbox.succeed(&["data", "info", "--json", "--data", data]).stdout);
    assert_eq!(info("fetched/set")["digest"], info("original")["digest"]);

    // Damaged later, it is told, and replaced when that is wanted.
    fs::write(out.join("test_batch.bin"), vec![0; files[files.len() - 1].1.len()]).expect("writes");
    let error = fetch_to(&out, &set).expect_err("damaged");
    assert!(error.is_usage() && error.to_string().contains("found another test_batch.bin"), "{error}");
    let force = Options { force: true, ..options() };
    fetch::fetch(&set, &out, &force, &mut |_| {}).expect("replaces");
    assert_eq!(info("fetched/set")["digest"], info("original")["digest"]);
    assert_eq!(fs::read_dir(sandbox.path("fetched")).expect("a folder").count(), 1, "nothing else stays");

    // What is no part of the set is never removed.
    fs::write(out.join("thesis.tex"), "years").expect("writes");
    fs::remove_file(out.join("test_batch.bin")).expect("removes");
    let error = fetch::fetch(&set, &out, &force, &mut |_| {}).expect_err("a thesis");
    assert!(error.is_usage() && error.to_string().contains("found thesis.tex"), "{error}");
    assert!(out.join("thesis.tex").exists());
}

#[test]
fn what_a_data_set_has_no_need_for_is_not_unpacked() {
    let a: &[u8] = b"content";
    let large = vec![0; 1 << 20];
    let many: Vec<String> = (0..200).map(|number| format!("x/{number}")).collect();
    let many: Vec<Entry<'_>> = many.iter().map(|path| (&path[..], b'0', a)).collect();
    let cases: [(&[Entry<'_>], &str); 14] = [
        (&[("../evil", b'0', a)], "../evil: found a path out of the folder"),
        (&[("x/../../evil", b'0', a)], "x/../../evil: found a path out of the folder"),
        (&[("/etc/evil", b'0', a)], "/etc/evil: found a path out of the folder"),
        (&[("C:\\evil", b'0', a)], "C:\\evil: found a path out of the folder"),
        (&[("x/a", b'2', b"")], "x/a: found a symbolic link, expected files and folders"),
        (&[("x/a", b'1', b"")], "x/a: found a hard link"),
        (&[("x/a", b'3', b"")], "x/a: found a device"),
        (&[("x/a", b'6', b"")], "x/a: found a pipe"),
        (&[("x/a", b'L', a)], "x/a: found an entry of another kind"),
        (&[("x/a", b'0', &large)], "x/a: found 1048576 bytes, expected at most 7"),
        (&[("x/other", b'0', &large)], "x/other: found 1048576 bytes, expected at most 65536"),
        (&[("x/a", b'0', a), ("y/a", b'0', a)], "y/a: found a second file of this name, expected one"),
        (&[("x/b", b'0', a)], "found no a, expected all files of the data set"),
        (&many, "x/100: found one entry more, expected at most 100"),
    ];
    for (entries, expected) in cases {
        refuses(&tar_gz(entries), expected);
    }
    // A megabyte of gzip that would become a gigabyte, an archive cut off, and none at all.
    let bomb = [&header("x/a", b'0', 1 << 30)[..], &vec![0; 1 << 24]].concat();
    refuses(&gzip(&bomb), "x/a: found 1073741824 bytes, expected at most 7");
    refuses(&gzip(&header("x/a", b'0', 7)), "found 0 bytes of a, expected 7");
    refuses(&gzip(b"text"), "found 4 bytes, expected a header or the end");
    refuses(b"no gzip", "expected a whole .tar.gz");
}

/// Unpacking the archive, whose member is `a`, must fail so, and leave nothing outside of the downloads.
fn refuses(archive: &[u8], expected: &str) {
    let server = Server::good(archive);
    let (folder, out) = place();
    let set = packed(archive, &[("a", Some(b"content"))], &server);
    let error = fetch_to(&out, &set).expect_err(expected);
    assert!(error.to_string().contains(expected) && error.is_content(), "{expected}: {error}");
    assert!(!out.exists(), "{expected}");
    let mut entries: Vec<_> = fs::read_dir(out.with_file_name("set.partial"))
        .expect("the download is kept")
        .map(|entry| entry.expect("an entry").file_name())
        .collect();
    entries.sort();
    assert_eq!(entries, ["cifar-train-fetch.lock", "set.tar.gz"], "{expected}");
    assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 1, "{expected}: nothing outside");
}

// The program.

/// The command, with every mirror of the catalogue out of reach.
fn program(sandbox: &Sandbox, args: &[&str]) -> std::process::Command {
    let mut command = sandbox.command(&[&["data", "fetch"], args].concat());
    for proxy in ["ALL_PROXY", "all_proxy", "HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy"] {
        // Nobody listens there: port 9 discards.
        command.env(proxy, "http://127.0.0.1:9");
    }
    command.env_remove("NO_PROXY").env_remove("no_proxy");
    command
}

fn run(sandbox: &Sandbox, args: &[&str]) -> (i32, String, String) {
    let output = program(sandbox, args).output().expect("the binary runs");
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
    (output.status.code().expect("no signal"), text(output.stdout), text(output.stderr))
}

#[test]
fn without_a_network_every_mirror_is_named_and_nothing_stays() {
    let sandbox = Sandbox::new();
    let (code, stdout, stderr) = run(&sandbox, &["cifar10", "--timeout", "5", "--quiet"]);
    assert_eq!((code, &stdout[..]), (1, ""), "{stderr}");
    let error = stderr.lines().find(|line| line.starts_with("error: ")).expect("an error");
    assert!(error.starts_with("error: cannot fetch cifar-10-binary.tar.gz: https://"), "{error}");
    assert!(error.contains("https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz: "), "{error}");
    let hint = stderr.lines().last().expect("a hint");
    assert!(hint.starts_with("hint: ") && hint.contains("--mirror FOLDER"), "{hint}");
    assert!(hint.contains("c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd"), "{hint}");
    assert!(sandbox.entries().is_empty(), "{:?}", sandbox.entries());
}

#[test]
fn a_mirror_of_ones_own_is_tried_first_and_not_believed() {
    let sandbox = Sandbox::new();
    let zeros = vec![0; 9_912_422];
    let server = Server::good(&zeros);
    let (code, stdout, stderr) = run(&sandbox, &["mnist", "--mirror", &server.address, "--timeout", "5"]);
    assert_eq!((code, &stdout[..]), (3, ""), "{stderr}");
    let address = format!("{}train-images-idx3-ubyte.gz", server.address);
    assert!(stderr.starts_with(&format!("fetching {address} (9,912,422 bytes)\n")), "{stderr}");
    assert!(stderr.contains("\nfailed: found SHA-256 "), "{stderr}");
    assert!(
        stderr.contains("expected 440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609"),
        "{stderr}"
    );
    assert!(sandbox.entries().is_empty(), "{:?}", sandbox.entries());
}

#[test]
fn what_cannot_be_meant_is_refused() {
    let sandbox = Sandbox::new();
    fs::create_dir(sandbox.path("full")).expect("a folder");
    sandbox.write("full/thesis.tex", "years");
    sandbox.write("file", "x");
    let stick = sandbox.path("full").display().to_string();
    for (args, code, part) in [
        (&["imagenet"][..], 2, "cifar100"),
        (&["mnist", "--mirror", "ftp://host/"], 2, "https://"),
        (&["mnist", "--timeout", "0"], 2, "from 1 to 3600"),
        (&["mnist", "--out", "full"], 2, "full: found a folder without train-images-idx3-ubyte.gz"),
        (
            &["mnist", "--out", "full", "--force"],
            2,
            "full: found thesis.tex, expected nothing but files of MNIST",
        ),
        (&["mnist", "--out", "file"], 2, "file: found a file, expected MNIST or nothing"),
        (&["mnist", "--out", "file/x"], 1, "cannot write file/x"),
        (&["mnist", "--mirror", &stick, "--timeout", "5"], 1, "no such file"),
    ] {
        let before = sandbox.entries();
        let (found, stdout, stderr) = run(&sandbox, args);
        assert_eq!((found, &stdout[..]), (code, ""), "{args:?}: {stderr}");
        assert!(stderr.contains(part), "{args:?}: no {part:?} in {stderr}");
        assert!(stderr.lines().last().is_some_and(|line| line.starts_with("hint: ")), "{args:?}: {stderr}");
        assert_eq!(sandbox.entries(), before, "{args:?}");
    }
}

/// Ctrl-C, then the same command again: it asks for the rest.
#[test]
#[cfg(unix)]
fn ctrl_c_keeps_the_part_and_says_so() {
    let sandbox = Sandbox::new();
    let zeros = vec![0; 9_912_422];
    let server = Server::new(move |number, request| {
        let reply = Reply::good(request, &zeros);
        if number == 0 { reply.cut(1_000_000).then(After::Hang) } else { Reply::new("404 Not Found", b"") }
    });
    let args = ["mnist", "--out", "mnist", "--mirror", &server.address, "--timeout", "60"];
    let mut child = program(&sandbox, &args)
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .expect("the binary starts");
    let part = sandbox.path("mnist.partial/train-images-idx3-ubyte.gz.part");
    let until = Instant::now() + Duration::from_secs(60);
    while fs::metadata(&part).map_or(0, |meta| meta.len()) < 1_000_000 {
        assert!(Instant::now() < until, "nothing came");
        thread::sleep(Duration::from_millis(10));
    }
    let kill = std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status();
    assert!(kill.expect("kill").success());
    let begun = Instant::now();
    assert_eq!(child.wait().expect("it ends").code(), Some(130));
    assert!(begun.elapsed() < Duration::from_secs(10), "at once, whatever the network does");
    let mut stderr = String::new();
    std::io::Read::read_to_string(&mut child.stderr.take().expect("piped"), &mut stderr).expect("UTF-8");
    let last = stderr.lines().last().expect("a note");
    let expected =
        "interrupted: 1,000,000 bytes are kept in mnist.partial; the same command goes on from there";
    assert_eq!(last, expected, "{stderr}");
    assert_eq!(run(&sandbox, &args).0, 1);
    assert_eq!(server.ranges(), [None, Some(1_000_000)]);
    assert_eq!(fs::metadata(&part).expect("still kept").len(), 1_000_000);
}
