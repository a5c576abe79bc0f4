//! A transport that misbehaves as networks and servers do: by a seed, and counting every fault.
//!
//! Invariant: it never invents state. Whoever holds a version in spite of it can trust it: faults refuse, delay, cut,
//! split, garble and repeat, and a client that obeys the protocol converges once they end.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bytes::{Buf, Bytes, BytesMut};
use futures::{StreamExt, stream};
use http::{Response, StatusCode, header};

use crate::error::{Error, TransportErrorKind};
use crate::policy::Random;
use crate::portable::BoxStream;
use crate::status::{Status, failure, reason};
use crate::time::Runtime;
use crate::transport::{Body, Message, Socket, Transport};

/// What can go wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Fault {
    /// The connection is refused.
    Refused,
    /// 429 with Retry-After.
    TooManyRequests,
    /// 500 or 503.
    ServerError,
    /// 410 in place of an answer.
    Expired,
    /// A sign-in page in place of an answer.
    Html,
    /// The body breaks off with an error.
    Broken,
    /// The body ends early, as if it were whole.
    Truncated,
    /// The body is split into chunks of any size, down to one byte.
    Split,
    /// Nothing comes for up to five minutes, then it goes on.
    Stalled,
    /// One byte is another.
    Garbled,
    /// A bookmark comes twice.
    BookmarkTwice,
    /// A bookmark does not come.
    BookmarkMissing,
    /// An ERROR event 410 ends the watch.
    ErrorEvent,
    /// An event of a watch comes again after a newer one of the same object.
    Repeated,
}

impl Fault {
    /// All of them.
    pub const ALL: [Self; 14] = [
        Self::Refused,
        Self::TooManyRequests,
        Self::ServerError,
        Self::Expired,
        Self::Html,
        Self::Broken,
        Self::Truncated,
        Self::Split,
        Self::Stalled,
        Self::Garbled,
        Self::BookmarkTwice,
        Self::BookmarkMissing,
        Self::ErrorEvent,
        Self::Repeated,
    ];
}

/// The misbehaving transport. Clones share the counts.
#[derive(Clone)]
pub struct Faulty<T> {
    inner: T,
    runtime: Runtime,
    state: Arc<Mutex<State>>,
}

struct State {
    random: Random,
    /// One in so many opportunities is taken; 0: none.
    one_in: u64,
    counts: BTreeMap<Fault, u64>,
}

impl<T: Transport> Faulty<T> {
    /// Wraps `inner`; of the opportunities for each fault one in `one_in` is taken.
    pub fn new(inner: T, runtime: Runtime, seed: u64, one_in: u64) -> Self {
        let state = State { random: Random::new(seed), one_in, counts: BTreeMap::new() };
        Self { inner, runtime, state: Arc::new(Mutex::new(state)) }
    }

    /// From now on one opportunity in `one_in` is taken, also in exchanges under way: 1 is an outage, 0 is health.
    pub fn set_one_in(&self, one_in: u64) {
        self.lock().one_in = one_in;
    }

    /// How often each fault happened.
    pub fn counts(&self) -> BTreeMap<Fault, u64> {
        self.lock().counts.clone()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether `fault` happens here; counted if it does.
    fn happens(&self, fault: Fault) -> bool {
        let mut state = self.lock();
        let State { random, one_in, counts } = &mut *state;
        let one_in = match fault {
            // Bookmarks and quick changes are rare: their opportunities are taken more often.
            Fault::BookmarkTwice | Fault::BookmarkMissing | Fault::Repeated => one_in.div_ceil(6),
            _ => *one_in,
        };
        let happens = one_in > 0 && random.below(one_in) == 0;
        if happens {
            *counts.entry(fault).or_default() += 1;
        }
        happens
    }

    fn below(&self, bound: usize) -> usize {
        usize::try_from(self.lock().random.below(bound as u64)).unwrap_or_default()
    }

    /// The answer that comes in place of the server's, if one does.
    fn refusal(&self) -> Option<Result<Response<Body>, Error>> {
        let status = |code, reason, text: &str| failure(code, reason, text);
        if self.happens(Fault::Refused) {
            return Some(Err(Error::transport(TransportErrorKind::Connect, "connection refused")));
        }
        if self.happens(Fault::TooManyRequests) {
            let busy = status(429, reason::TOO_MANY_REQUESTS, "busy");
            let mut answer = json_answer(429, &busy);
            answer.headers_mut().insert(header::RETRY_AFTER, header::HeaderValue::from_static("2"));
            return Some(Ok(answer));
        }
        if self.happens(Fault::ServerError) {
            let (code, reason) =
                [(500, reason::INTERNAL_ERROR), (503, reason::SERVICE_UNAVAILABLE)][self.below(2)];
            return Some(Ok(json_answer(code, &status(code, reason, "something broke"))));
        }
        if self.happens(Fault::Expired) {
            return Some(Ok(json_answer(410, &status(410, reason::EXPIRED, "too old resource version"))));
        }
        if self.happens(Fault::Html) {
            let mut answer = Response::new(Body::Bytes(Bytes::from_static(b"<html>Please sign in</html>")));
            answer.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static("text/html"));
            return Some(Ok(answer));
        }
        None
    }
}

fn json_answer(code: u16, status: &Status) -> Response<Body> {
    let mut answer = Response::new(Body::Bytes(serde_json::to_vec(status).unwrap_or_default().into()));
    *answer.status_mut() = StatusCode::from_u16(code).unwrap_or_default();
    answer.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static("application/json"));
    answer
}

impl<T> fmt::Debug for Faulty<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Faulty")
    }
}

#[cfg_attr(not(target_family = "wasm"), async_trait)]
#[cfg_attr(target_family = "wasm", async_trait(?Send))]
impl<T: Transport + Clone> Transport for Faulty<T> {
    async fn send(&self, request: http::Request<Body>) -> Result<Response<Body>, Error> {
        if let Some(refusal) = self.refusal() {
            return refusal;
        }
        let is_watch = request.uri().query().is_some_and(|query| query.contains("watch=true"));
        let answer = self.inner.send(request).await?;
        if !answer.status().is_success() {
            return Ok(answer);
        }
        let (parts, body) = answer.into_parts();
        let frames: BoxStream<'static, Result<Bytes, Error>> =
            if is_watch { frames(body) } else { Box::pin(body) };
        let body = Body::Stream(self.spoil(frames, is_watch));
        Ok(Response::from_parts(parts, body))
    }

    async fn connect(&self, request: http::Request<()>, protocols: &[&str]) -> Result<Socket, Error> {
        if self.happens(Fault::Refused) {
            return Err(Error::transport(TransportErrorKind::Connect, "connection refused"));
        }
        let socket = self.inner.connect(request, protocols).await?;
        Ok(socket.map_incoming(|incoming| {
            let frames = incoming.map(|message| message.map(Message::into_bytes));
            let spoiled = self.spoil(Box::pin(frames), true);
            Box::pin(spoiled.map(|frame| frame.map(Message::Text)))
        }))
    }
}

/// The body of a watch, one event with its newline at a time.
fn frames(body: Body) -> BoxStream<'static, Result<Bytes, Error>> {
    let state = (body, BytesMut::new());
    Box::pin(stream::unfold(state, |(mut body, mut buffer)| async move {
        loop {
            if let Some(end) = memchr::memchr(b'\n', &buffer) {
                let frame = buffer.split_to(end + 1).freeze();
                return Some((Ok(frame), (body, buffer)));
            }
            match body.chunk().await {
                Some(Ok(chunk)) => buffer.extend_from_slice(&chunk),
                Some(Err(error)) => return Some((Err(error), (body, buffer))),
                None if buffer.is_empty() => return None,
                None => return Some((Ok(buffer.split().freeze()), (body, buffer))),
            }
        }
    }))
}

/// One body on its way through.
struct Spoiled {
    frames: BoxStream<'static, Result<Bytes, Error>>,
    is_watch: bool,
    waiting: VecDeque<Result<Bytes, Error>>,
    /// The last event of each object, by uid.
    last: BTreeMap<Bytes, Bytes>,
    over: bool,
}

impl<T: Transport + Clone> Faulty<T> {
    fn spoil(
        &self,
        frames: BoxStream<'static, Result<Bytes, Error>>,
        is_watch: bool,
    ) -> BoxStream<'static, Result<Bytes, Error>> {
        let spoiled =
            Spoiled { frames, is_watch, waiting: VecDeque::new(), last: BTreeMap::new(), over: false };
        let faulty = self.clone();
        Box::pin(stream::unfold((faulty, spoiled), |(faulty, mut spoiled)| async move {
            loop {
                if let Some(chunk) = spoiled.waiting.pop_front() {
                    return Some((chunk, (faulty, spoiled)));
                }
                if spoiled.over {
                    return None;
                }
                let frame = match spoiled.frames.next().await? {
                    Ok(frame) => frame,
                    Err(error) => {
                        spoiled.over = true;
                        return Some((Err(error), (faulty, spoiled)));
                    }
                };
                if faulty.happens(Fault::Stalled) {
                    let seconds = 1 + faulty.below(300) as u64;
                    faulty.runtime.sleep(Duration::from_secs(seconds)).await;
                }
                faulty.pass(&mut spoiled, frame);
            }
        }))
    }

    /// Queues what becomes of `frame`.
    fn pass(&self, spoiled: &mut Spoiled, frame: Bytes) {
        let is_bookmark = spoiled.is_watch && frame.starts_with(b"{\"type\":\"BOOKMARK\"");
        if is_bookmark && self.happens(Fault::BookmarkMissing) {
            return;
        }
        if spoiled.is_watch && self.happens(Fault::ErrorEvent) {
            let expired = failure(410, reason::EXPIRED, "too old resource version");
            let object = serde_json::to_string(&expired).unwrap_or_default();
            let event = format!("{{\"type\":\"ERROR\",\"object\":{object}}}\n");
            spoiled.waiting.push_back(Ok(event.into()));
            spoiled.over = true;
            return;
        }
        let repetition = self.repetition(spoiled, &frame);
        if is_bookmark && self.happens(Fault::BookmarkTwice) {
            spoiled.waiting.push_back(Ok(frame.clone()));
        }
        self.cut(spoiled, frame);
        if let Some(repetition) = repetition
            && !spoiled.over
        {
            spoiled.waiting.push_back(Ok(repetition));
        }
    }

    /// The event before `frame`, if it is to come again: only after a newer one of the same, still living object.
    fn repetition(&self, spoiled: &mut Spoiled, frame: &Bytes) -> Option<Bytes> {
        let modified = frame.starts_with(b"{\"type\":\"MODIFIED\"");
        if !spoiled.is_watch || !(modified || frame.starts_with(b"{\"type\":\"ADDED\"")) {
            return None;
        }
        let before = spoiled.last.insert(uid(frame)?, frame.clone())?;
        (modified && self.happens(Fault::Repeated)).then_some(before)
    }

    /// Queues `frame` garbled, cut or split, or as it is.
    fn cut(&self, spoiled: &mut Spoiled, mut frame: Bytes) {
        if frame.is_empty() {
            return;
        }
        if self.happens(Fault::Garbled) {
            let mut bytes = BytesMut::from(&frame[..]);
            let at = self.below(bytes.len());
            // A control character is not allowed anywhere in JSON, so the garbling cannot pass for another value.
            bytes[at] = 0x01;
            frame = bytes.freeze();
        }
        for (fault, error) in [
            (Fault::Broken, Some(Error::transport(TransportErrorKind::Interrupted, "the connection broke"))),
            (Fault::Truncated, None),
        ] {
            if self.happens(fault) {
                frame.truncate(self.below(frame.len()));
                spoiled.over = true;
                spoiled.waiting.extend((!frame.is_empty()).then_some(Ok(frame)));
                spoiled.waiting.extend(error.map(Err));
                return;
            }
        }
        let most = self.happens(Fault::Split).then(|| 1 + self.below(40));
        while frame.has_remaining() {
            let size = most.map_or(frame.len(), |most| 1 + self.below(most));
            spoiled.waiting.push_back(Ok(frame.split_to(size.min(frame.len()))));
        }
    }
}

/// The `"uid":"…"` of an event's object.
fn uid(frame: &Bytes) -> Option<Bytes> {
    let start = memchr::memmem::find(frame, b"\"uid\":\"")? + 7;
    let end = start + memchr::memchr(b'"', &frame[start..])?;
    Some(frame.slice(start..end))
}
