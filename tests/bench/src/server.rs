//! The canned server: one resource, answers written before, threads and blocking sockets, so that it takes little of the
//! machine from the one being measured.
//!
//! It speaks HTTP/1.1 in chunks as kube-apiserver does, plain and under TLS; lists and initial events at full speed. After
//! its initial events a watch waits for [`Server::play`]. A page's files lie where `kubectl proxy --www` has them.
//! Invariant: the newest watch alone is played to; older ones end.

mod tls;

use std::collections::HashMap;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use crate::answers::{self, Answers, Encoding, Part, Parts, Shape};
use tls::Tls;

/// A piece of a list, as one chunk.
const PIECE: usize = 64 << 10;

/// What the newest watch is to send.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Play {
    /// The first so many of the events, as fast as they are taken.
    Burst(usize),
    /// The first so many, each in a write of its own, so far apart.
    Paced(usize, Duration),
    /// That the version is gone: everybody lists anew.
    Expired,
}

/// What a request for pods begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    List,
    /// A watch whose first events are the initial state.
    WatchList,
    Watch,
}

/// A running server.
pub(crate) struct Server {
    /// Where it speaks HTTP, and HTTPS.
    pub(crate) http: String,
    pub(crate) https: String,
    tls: Tls,
    shared: Arc<Shared>,
}

struct Shared {
    answers: Answers,
    page: Option<PathBuf>,
    stage: Mutex<Stage>,
    changed: Condvar,
}

#[derive(Default)]
struct Stage {
    /// How many watches have been opened.
    watches: u64,
    /// The newest watch has sent what it was to send.
    waiting: bool,
    play: Option<Play>,
    /// How pods were asked for since [`Server::forget`].
    asked: Vec<(Way, Shape)>,
}

impl Server {
    /// Listens on free ports of the loopback; `page` is the folder of a page's files.
    pub(crate) fn start(answers: Answers, page: Option<PathBuf>) -> Result<Self> {
        let shared = Arc::new(Shared { answers, page, stage: Mutex::default(), changed: Condvar::new() });
        let tls = Tls::new()?;
        let (plain, secured, acceptor) = (shared.clone(), shared.clone(), tls.acceptor());
        let http = listen(move |stream| plain.serve(stream))?;
        let https = listen(move |stream| secured.serve(acceptor.accept(stream)?))?;
        Ok(Self { http: format!("http://{http}"), https: format!("https://{https}"), tls, shared })
    }

    /// The file of the authority to trust for [`Self::https`].
    pub(crate) fn authority(&self) -> &Path {
        self.tls.authority()
    }

    pub(crate) fn answers(&self) -> &Answers {
        &self.shared.answers
    }

    /// Forgets what was asked for, and ends every watch: what is played next is for who opens one from now on.
    pub(crate) fn forget(&self) {
        let mut stage = self.shared.stage();
        *stage = Stage { watches: stage.watches + 1, ..Stage::default() };
        drop(stage);
        self.shared.changed.notify_all();
    }

    /// How pods were asked for.
    pub(crate) fn asked(&self) -> Vec<(Way, Shape)> {
        self.shared.stage().asked.clone()
    }

    /// Has the newest watch send this, once it is past its initial events. False when there is none within `patience`.
    pub(crate) fn play(&self, play: Play, patience: Duration) -> bool {
        let deadline = Instant::now() + patience;
        let mut stage = self.shared.stage();
        while !stage.waiting {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            stage = self.shared.wait(stage, left);
        }
        stage.play = Some(play);
        drop(stage);
        self.shared.changed.notify_all();
        true
    }
}

/// Serves each connection in a thread of its own.
fn listen(serve: impl Fn(TcpStream) -> io::Result<()> + Send + Sync + 'static) -> Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0").context("listening on the loopback")?;
    let address = listener.local_addr()?;
    let serve = Arc::new(serve);
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let serve = serve.clone();
            // A connection that breaks is the contestant's affair: it notices.
            std::thread::spawn(move || drop(stream.set_nodelay(true).and_then(|()| serve(stream))));
        }
    });
    Ok(address)
}

/// What a request asks for.
struct Asked {
    path: String,
    query: HashMap<String, String>,
    shape: Shape,
}

impl Asked {
    fn read(stream: &mut impl BufRead) -> io::Result<Option<Self>> {
        let mut line = String::new();
        if stream.read_line(&mut line)? == 0 {
            return Ok(None);
        }
        let target = line.split(' ').nth(1).unwrap_or("/").to_owned();
        let (mut accept, mut length) = (String::new(), 0_u64);
        loop {
            line.clear();
            stream.read_line(&mut line)?;
            let Some((name, value)) = line.split_once(':') else { break };
            match name.to_ascii_lowercase().as_str() {
                "accept" => accept = value.trim().to_owned(),
                "content-length" => length = value.trim().parse().unwrap_or(0),
                _ => {}
            }
        }
        io::copy(&mut stream.take(length), &mut io::sink())?;
        let (path, query) = target.split_once('?').unwrap_or((&target, ""));
        let query = query.split('&').filter_map(|pair| pair.split_once('='));
        let query = query.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        let encoding = if accept.contains("protobuf") { Encoding::Protobuf } else { Encoding::Json };
        let part = if accept.contains("as=PartialObjectMetadata") { Part::Metadata } else { Part::Whole };
        Ok(Some(Self { path: path.to_owned(), query, shape: Shape { encoding, part } }))
    }

    fn way(&self) -> Way {
        match (self.is("watch"), self.is("sendInitialEvents")) {
            (false, _) => Way::List,
            (true, true) => Way::WatchList,
            (true, false) => Way::Watch,
        }
    }

    fn is(&self, name: &str) -> bool {
        self.query.get(name).is_some_and(|value| value == "true" || value == "1")
    }
}

impl Shared {
    fn serve(&self, stream: impl Read + Write) -> io::Result<()> {
        let mut stream = BufReader::new(stream);
        while let Some(asked) = Asked::read(&mut stream)? {
            let out = stream.get_mut();
            if asked.path != "/api/v1/pods" {
                self.file(out, &asked.path)?;
                continue;
            }
            let way = asked.way();
            self.stage().asked.push((way, asked.shape));
            match way {
                Way::List => self.list(out, &asked)?,
                Way::WatchList | Way::Watch => self.watch(out, &asked)?,
            }
        }
        Ok(())
    }

    /// A file of the page.
    fn file(&self, out: &mut impl Write, path: &str) -> io::Result<()> {
        let name = path.strip_prefix("/portolan/").filter(|name| !name.contains(".."));
        let file = self.page.as_ref().zip(name).map(|(page, name)| page.join(name));
        let Some(body) = file.as_ref().and_then(|file| std::fs::read(file).ok()) else {
            return out.write_all(
                b"HTTP/1.1 404 Not Found\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}",
            );
        };
        let kind = match path.rsplit_once('.').map_or("", |(_, extension)| extension) {
            "html" => "text/html",
            "js" | "mjs" => "text/javascript",
            "wasm" => "application/wasm",
            _ => "application/octet-stream",
        };
        write!(out, "HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\ncontent-length: {}\r\n\r\n", body.len())?;
        out.write_all(&body)
    }

    fn list(&self, out: &mut impl Write, asked: &Asked) -> io::Result<()> {
        let limit = asked.query.get("limit").and_then(|limit| limit.parse().ok()).filter(|limit| *limit > 0);
        // From its watch cache a server gives all at once.
        let paged = limit.filter(|_| asked.query.get("resourceVersion").is_none_or(|version| version != "0"));
        let body = match paged {
            Some(limit) => {
                let start = asked.query.get("continue").and_then(|start| start.parse().ok()).unwrap_or(0);
                Arc::new(self.answers.page(asked.shape, start, limit).map_err(io::Error::other)?.0)
            }
            None => self.answers.list(asked.shape).map_err(io::Error::other)?,
        };
        head(out, asked.shape.encoding, "")?;
        for piece in body.chunks(PIECE) {
            chunk(out, piece)?;
        }
        out.write_all(b"0\r\n\r\n")
    }

    fn watch(&self, out: &mut impl Write, asked: &Asked) -> io::Result<()> {
        let number = {
            let mut stage = self.stage();
            stage.watches += 1;
            stage.waiting = false;
            stage.play = None;
            stage.watches
        };
        self.changed.notify_all();
        head(out, asked.shape.encoding, ";stream=watch")?;
        if asked.way() == Way::WatchList {
            let events = self.answers.initial(asked.shape).map_err(io::Error::other)?;
            send_fast(out, &events, usize::MAX)?;
        }
        loop {
            match self.next_play(number) {
                None => return Err(io::ErrorKind::ConnectionAborted.into()),
                Some(Play::Burst(count)) => {
                    let events = self.answers.events(asked.shape).map_err(io::Error::other)?;
                    send_fast(out, &events, count)?;
                }
                Some(Play::Paced(count, apart)) => {
                    let events = self.answers.events(asked.shape).map_err(io::Error::other)?;
                    let began = Instant::now();
                    for (index, event) in events.iter().take(count).enumerate() {
                        let due = began + apart * index as u32;
                        std::thread::sleep(due.saturating_duration_since(Instant::now()));
                        chunk(out, event)?;
                    }
                }
                Some(Play::Expired) => {
                    chunk(out, &answers::expired(asked.shape.encoding).map_err(io::Error::other)?)?;
                    return out.write_all(b"0\r\n\r\n");
                }
            }
        }
    }

    /// What the watch `number` is to send next; `None` once there is a newer one.
    fn next_play(&self, number: u64) -> Option<Play> {
        let mut stage = self.stage();
        loop {
            if stage.watches != number {
                return None;
            }
            stage.waiting = true;
            self.changed.notify_all();
            if let Some(play) = stage.play.take() {
                stage.waiting = false;
                return Some(play);
            }
            stage = self.wait(stage, Duration::from_secs(3600));
        }
    }

    fn stage(&self) -> MutexGuard<'_, Stage> {
        self.stage.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'a>(&'a self, stage: MutexGuard<'a, Stage>, at_most: Duration) -> MutexGuard<'a, Stage> {
        self.changed.wait_timeout(stage, at_most).unwrap_or_else(PoisonError::into_inner).0
    }
}

fn head(out: &mut impl Write, encoding: Encoding, suffix: &str) -> io::Result<()> {
    let (kind, suffix) = match encoding {
        Encoding::Json => ("application/json", ""),
        Encoding::Protobuf => ("application/vnd.kubernetes.protobuf", suffix),
    };
    write!(
        out,
        "HTTP/1.1 200 OK\r\ncontent-type: {kind}{suffix}\r\ncache-control: no-cache, private\r\n\
         access-control-allow-origin: *\r\ntransfer-encoding: chunked\r\n\r\n"
    )
}

/// One write, so that it travels at once.
fn chunk(out: &mut impl Write, bytes: &[u8]) -> io::Result<()> {
    let mut framed = Vec::with_capacity(bytes.len() + 16);
    frame(&mut framed, bytes);
    out.write_all(&framed)
}

fn frame(out: &mut Vec<u8>, bytes: &[u8]) {
    out.extend_from_slice(format!("{:x}\r\n", bytes.len()).as_bytes());
    out.extend_from_slice(bytes);
    out.extend_from_slice(b"\r\n");
}

/// Each event is a chunk, as the API server flushes each; several share a write where they come so fast.
fn send_fast(out: &mut impl Write, events: &Parts, count: usize) -> io::Result<()> {
    let mut gathered = Vec::with_capacity(PIECE * 2);
    for event in events.iter().take(count) {
        frame(&mut gathered, event);
        if gathered.len() >= PIECE {
            out.write_all(&gathered)?;
            gathered.clear();
        }
    }
    out.write_all(&gathered)
}
