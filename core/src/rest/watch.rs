//! A watch as it arrives: over an HTTP body or a WebSocket, raw or as a stream of typed events.
//!
//! Invariants: an ERROR event ends the watch with the server's Status; a body that ends inside an event is an error; white
//! space is no sign of life, though client-go skips any amount of it.

use std::fmt;

use bytes::Bytes;
use futures::{Stream, StreamExt, stream};
use serde::Deserialize;

use super::{Request, answer};
use crate::codec::{self, EventKind, Limits, WatchDecoder, WatchFrame};
use crate::config::WatchOver;
use crate::error::Error;
use crate::meta::{ApiResource, Encoded, Format, Object, ResourceVersion};
use crate::portable::BoxStream;
use crate::transport::{Body, Message, Socket};

/// The annotation of the bookmark that ends a watch-list's initial events.
const INITIAL_EVENTS_END: &str = "k8s.io/initial-events-end";

/// So much white space in chunks of nothing else ends a watch, in bytes: no server means it.
const MOST_BLANK: usize = 4 << 10;

/// The open watch. Fill it, and take the events out in between: so one task can poll the connection, decode and store.
pub struct WatchBody {
    source: Source,
    decoder: WatchDecoder,
    bytes: u64,
    /// How much has arrived in chunks of white space alone since the last that was not.
    blank: usize,
    /// What was asked, for errors.
    what: String,
}

enum Source {
    Body(Body, Format),
    Socket(Socket),
}

impl WatchBody {
    pub(super) async fn open(request: Request) -> Result<Self, Error> {
        let what = request.describe();
        match Self::source(request).await {
            Ok(source) => Ok(Self { decoder: source.decoder(), source, bytes: 0, blank: 0, what }),
            Err(error) => Err(error.doing(what)),
        }
    }

    async fn source(request: Request) -> Result<Source, Error> {
        match request.client().config().watch_over {
            WatchOver::Http => Self::body(request).await,
            WatchOver::Socket => Self::socket(request).await,
            WatchOver::SocketThenHttp => {
                let again = request.try_clone();
                match (Self::socket(request).await, again) {
                    // A refusal is an answer: the same would come over HTTP.
                    (Err(error), Some(again)) if error.status().is_none() => {
                        // Of the two failures the one that is the server's own answer says more.
                        Self::body(again)
                            .await
                            .map_err(|other| if other.status().is_some() { other } else { error })
                    }
                    (outcome, _) => outcome,
                }
            }
        }
    }

    async fn body(request: Request) -> Result<Source, Error> {
        let accepted = request.accepted();
        let response = request.open_watch().await?;
        answer::expect_objects(response, &accepted).await.map(|(body, format)| Source::Body(body, format))
    }

    async fn socket(request: Request) -> Result<Source, Error> {
        request.open_socket(&[]).await.map(Source::Socket)
    }

    /// Waits for more than white space; false when the watch has ended. Dropping the future loses nothing.
    pub async fn fill(&mut self) -> Result<bool, Error> {
        loop {
            let Some(chunk) = self.source.chunk().await else {
                let fresh = self.source.decoder();
                std::mem::replace(&mut self.decoder, fresh).finish()?;
                return Ok(false);
            };
            let chunk = chunk?;
            self.bytes += chunk.len() as u64;
            let is_blank = self.source.format() == Format::Json && chunk.trim_ascii().is_empty();
            self.blank = if is_blank { self.blank + chunk.len().max(1) } else { 0 };
            self.decoder.push(chunk);
            if !is_blank {
                return Ok(true);
            }
            if self.blank > MOST_BLANK {
                let text = format!("watch: {} bytes of white space in place of an event", self.blank);
                return Err(Error::decode(text));
            }
        }
    }

    /// The next event that is whole, its object still in the buffer it arrived in.
    pub fn next_frame(&mut self) -> Result<Option<WatchFrame<'_>>, Error> {
        self.decoder.next_event()
    }

    /// How many bytes have arrived.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Whether it goes over a WebSocket.
    pub fn is_socket(&self) -> bool {
        matches!(self.source, Source::Socket(_))
    }
}

impl Source {
    async fn chunk(&mut self) -> Option<Result<Bytes, Error>> {
        match self {
            Self::Body(body, _) => body.chunk().await,
            Self::Socket(socket) => socket.next().await.map(|message| message.map(Message::into_bytes)),
        }
    }

    /// What it carries. A socket's messages are JSON.
    fn format(&self) -> Format {
        match self {
            Self::Body(_, format) => *format,
            Self::Socket(_) => Format::Json,
        }
    }

    /// A decoder at the start of it.
    fn decoder(&self) -> WatchDecoder {
        WatchDecoder::new(self.format(), Limits::default())
    }
}

impl fmt::Debug for WatchBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WatchBody").field("socket", &self.is_socket()).field("bytes", &self.bytes).finish()
    }
}

/// One event of a watch. client-go's `watch.Event`; an ERROR event comes as an error instead.
#[derive(Debug)]
pub enum WatchEvent<K> {
    /// The object appeared, or began to match.
    Added(K),
    /// The object changed.
    Modified(K),
    /// The object went, or ceased to match: its last state.
    Deleted(K),
    /// Nothing but a version.
    Bookmark(Bookmark),
}

/// What a BOOKMARK event says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bookmark {
    /// Everything up to this version has been sent.
    pub resource_version: ResourceVersion,
    /// Whether the initial events of a watch-list end here.
    pub initial_events_end: bool,
}

impl Bookmark {
    /// Reads the object of a BOOKMARK event.
    fn read(format: Format, object: &[u8]) -> Result<Self, Error> {
        #[derive(Deserialize)]
        struct Carrier {
            metadata: Metadata,
        }
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Metadata {
            resource_version: String,
            #[serde(default)]
            annotations: Option<std::collections::BTreeMap<String, String>>,
        }
        let Carrier { metadata } =
            codec::read(format, object).map_err(|error| error.doing("read a bookmark's version"))?;
        let end = metadata
            .annotations
            .is_some_and(|notes| notes.get(INITIAL_EVENTS_END).is_some_and(|v| v == "true"));
        Ok(Self { resource_version: metadata.resource_version.into(), initial_events_end: end })
    }
}

/// The error an ERROR event carries.
fn error_event(format: Format, object: &[u8]) -> Error {
    let told = answer::failure_in(format, object);
    told.map_or_else(|| Error::decode("an ERROR event without a Status"), Error::api)
}

/// A stream of typed events. It ends when the server ends the watch. client-go's `watch.Interface`.
pub struct Watch<K> {
    events: BoxStream<'static, Result<WatchEvent<K>, Error>>,
}

impl<K: Object> Watch<K> {
    pub(crate) fn new(body: WatchBody, resource: ApiResource) -> Self {
        let state = Some((body, resource));
        let events = stream::unfold(state, |state| async move {
            let (mut body, resource) = state?;
            match next_event::<K>(&mut body, &resource).await {
                Ok(None) => None,
                Ok(Some(event)) => Some((Ok(event), Some((body, resource)))),
                Err(error) => Some((Err(error.doing(body.what)), None)),
            }
        });
        Self { events: Box::pin(events) }
    }
}

async fn next_event<K: Object>(
    body: &mut WatchBody,
    resource: &ApiResource,
) -> Result<Option<WatchEvent<K>>, Error> {
    loop {
        if let Some(frame) = body.next_frame()? {
            let format = frame.format;
            let read = |bytes: &[u8]| K::read(Encoded::new(format, bytes, resource));
            return read_event(&frame, read).map(Some);
        }
        if !body.fill().await? {
            return Ok(None);
        }
    }
}

/// The event of a frame, its object read by `read`. An ERROR event is an error that holds the server's Status.
pub(crate) fn read_event<K>(
    frame: &WatchFrame<'_>,
    read: impl FnOnce(&[u8]) -> Result<K, Error>,
) -> Result<WatchEvent<K>, Error> {
    Ok(match frame.kind {
        EventKind::Added => WatchEvent::Added(read(frame.object)?),
        EventKind::Modified => WatchEvent::Modified(read(frame.object)?),
        EventKind::Deleted => WatchEvent::Deleted(read(frame.object)?),
        EventKind::Bookmark => WatchEvent::Bookmark(Bookmark::read(frame.format, frame.object)?),
        EventKind::Error => return Err(error_event(frame.format, frame.object)),
    })
}

impl<K> Stream for Watch<K> {
    type Item = Result<WatchEvent<K>, Error>;

    fn poll_next(
        mut self: std::pin::Pin<&mut Self>,
        context: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Self::Item>> {
        self.events.as_mut().poll_next(context)
    }
}

impl<K> fmt::Debug for Watch<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Watch")
    }
}
