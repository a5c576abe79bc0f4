//! [`FetchTransport`]: the transport contract on fetch and WebSocket, and the browser's limits as its own.
//!
//! Invariant: of the six connections a browser opens to one host over HTTP/1.1, streams take at most
//! [`MAX_FETCH_STREAMS`], so that requests always get through.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use async_trait::async_trait;
use js_sys::Function;
use portolan::Error;
use portolan::transport::{Body, Socket, Transport};

use super::slots::Slots;
use super::traffic::{Meter, Traffic};
use super::{fetch, socket};

/// How many watches and followed logs may be open over fetch at once, in this page or worker. Other tabs on the same
/// host share the browser's six connections and are not seen from here.
pub const MAX_FETCH_STREAMS: usize = 4;

/// How many WebSockets may be in their handshake at once, in this page or worker: more at a time take longer in all.
pub const MAX_PENDING_HANDSHAKES: usize = 8;

thread_local! {
    static STREAMS: Rc<Slots> = Slots::new(MAX_FETCH_STREAMS);
    static HANDSHAKES: Rc<Slots> = Slots::new(MAX_PENDING_HANDSHAKES);
}

/// The bounds of a [`FetchTransport`].
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Options {
    /// The most one WebSocket may hold of messages that are not read yet, in bytes; more closes it with an error.
    /// A browser's WebSocket cannot hold its peer back. Default: 32 MiB.
    pub socket_buffer_bytes: usize,
    /// The most a request's body may hold, in bytes: a browser sends none chunk by chunk. Default: 64 MiB.
    pub request_bytes: usize,
    /// How long to ask over fetch why a WebSocket did not open. Default: 10 s.
    pub probe_timeout: Duration,
    /// Whether watches and followed logs over fetch are bounded by [`MAX_FETCH_STREAMS`]. Default: true. Elsewhere than in
    /// a browser, as in Node, there is no such limit to heed.
    pub bounds_streams: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            socket_buffer_bytes: 32 << 20,
            request_bytes: 64 << 20,
            probe_timeout: Duration::from_secs(10),
            bounds_streams: true,
        }
    }
}

/// A transport on the browser's fetch and WebSocket. Clones share their counters.
///
/// What differs from other transports, because the browser decides it:
/// a redirect is an answer 302 that does not say where it leads; a request that finds no server and one that CORS forbids look alike; request bodies are sent
/// whole; a WebSocket carries no headers but a bearer token; and of a fifth watch over fetch nothing is sent: it fails
/// at once (see [`MAX_FETCH_STREAMS`]).
#[derive(Clone, Debug, Default)]
pub struct FetchTransport {
    pub(super) options: Options,
    pub(super) meter: Rc<Meter>,
    /// Whether the last WebSocket failed to open: then the next is asked for over fetch first. Chromium makes a page
    /// whose WebSockets fail wait up to five seconds for each further one, and counts the failures for minutes.
    pub(super) doubt: Rc<Cell<bool>>,
    pub(super) functions: Functions,
}

/// What a transport calls in place of the browser's own.
#[derive(Clone, Debug, Default)]
pub struct Functions {
    /// In place of `fetch`: called with a `Request`, gives a promise of a `Response`.
    pub fetch: Option<Function>,
    /// In place of `WebSocket`: a constructor of such objects.
    pub web_socket: Option<Function>,
}

impl FetchTransport {
    /// A transport with these bounds.
    pub fn new(options: Options) -> Self {
        Self { options, ..Self::default() }
    }

    /// The same transport over functions of the caller's: for Node, which has no WebSocket of its own everywhere, and for a
    /// page that reaches its server in a way of its own.
    #[must_use]
    pub fn with_functions(self, functions: Functions) -> Self {
        Self { functions, ..self }
    }

    /// What it has open and has carried.
    pub fn traffic(&self) -> Traffic {
        self.meter.read()
    }
}

#[async_trait(?Send)]
impl Transport for FetchTransport {
    async fn send(&self, request: http::Request<Body>) -> Result<http::Response<Body>, Error> {
        fetch::send(self, &STREAMS.with(Rc::clone), request).await
    }

    async fn connect(&self, request: http::Request<()>, protocols: &[&str]) -> Result<Socket, Error> {
        socket::connect(self, &HANDSHAKES.with(Rc::clone), &request, protocols).await
    }
}
