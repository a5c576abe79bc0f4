//! The one trait between Portolan and the world: [`Transport`].
//!
//! The contract, which `portolan-conformance` (tests/conformance) checks against every transport:
//!
//! 1. `send` resolves when the headers are there; the body follows.
//! 2. A body is a sequence of non-empty chunks in order, split anywhere.
//! 3. Whoever does not read holds the peer back (a browser WebSocket cannot: there a bounded buffer closes the socket).
//! 4. Dropping the future or the body aborts the exchange.
//! 5. An answer is an answer: a status outside 2xx is `Ok`. Only `rest` turns it into an error.
//! 6. No retry, no redirect, no credentials: those are layers above. One thing is no retry: a request that a connection
//!    kept from before did not take goes over another: always where it was over and nothing was sent, once where the peer
//!    turned the request away unseen.
//! 7. An error says by its kind what a retry would mean ([`crate::TransportErrorKind`]).

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use futures::{Sink, Stream, StreamExt};

use crate::error::{Error, TransportErrorKind};
use crate::portable::{BoxSink, BoxStream, MaybeSend, MaybeSync};

mod auth;

pub use auth::{Authenticated, TokenSource};

/// Carries requests to an API server. Held as `Arc<dyn Transport>`; requests bear absolute URIs.
#[cfg_attr(not(target_family = "wasm"), async_trait)]
#[cfg_attr(target_family = "wasm", async_trait(?Send))]
pub trait Transport: fmt::Debug + MaybeSend + MaybeSync + 'static {
    /// Sends `request` and resolves at the answer's headers.
    async fn send(&self, request: http::Request<Body>) -> Result<http::Response<Body>, Error>;

    /// Opens a WebSocket, offering `protocols` as subprotocols. A transport without sockets keeps this default.
    async fn connect(&self, request: http::Request<()>, protocols: &[&str]) -> Result<Socket, Error> {
        let _ = (request, protocols);
        Err(Error::unsupported("this transport opens no WebSockets"))
    }
}

#[cfg_attr(not(target_family = "wasm"), async_trait)]
#[cfg_attr(target_family = "wasm", async_trait(?Send))]
impl<T: Transport + ?Sized> Transport for Arc<T> {
    async fn send(&self, request: http::Request<Body>) -> Result<http::Response<Body>, Error> {
        (**self).send(request).await
    }

    async fn connect(&self, request: http::Request<()>, protocols: &[&str]) -> Result<Socket, Error> {
        (**self).connect(request, protocols).await
    }
}

/// The body of a request or an answer.
#[derive(Default)]
pub enum Body {
    /// Nothing.
    #[default]
    Empty,
    /// All of it at once; a request with such a body can be replayed.
    Bytes(Bytes),
    /// Chunk by chunk; dropping it aborts the exchange.
    Stream(BoxStream<'static, Result<Bytes, Error>>),
}

impl Body {
    /// The next chunk, `None` at the end.
    pub async fn chunk(&mut self) -> Option<Result<Bytes, Error>> {
        self.next().await
    }

    /// All of it, refusing more than `limit` bytes.
    pub async fn collect(mut self, limit: usize) -> Result<Bytes, Error> {
        let mut whole = BytesMut::new();
        while let Some(chunk) = self.next().await {
            let chunk = chunk?;
            if whole.len() + chunk.len() > limit {
                let text = format!("the body is larger than the {limit} bytes allowed");
                return Err(Error::transport(TransportErrorKind::TooLarge, text));
            }
            whole.extend_from_slice(&chunk);
        }
        Ok(whole.freeze())
    }

    /// The same body again, unless it is a stream.
    pub fn replay(&self) -> Option<Body> {
        match self {
            Self::Empty => Some(Self::Empty),
            Self::Bytes(bytes) => Some(Self::Bytes(bytes.clone())),
            Self::Stream(_) => None,
        }
    }
}

impl Stream for Body {
    type Item = Result<Bytes, Error>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let body = self.get_mut();
        match body {
            Self::Empty => Poll::Ready(None),
            Self::Bytes(bytes) => {
                let bytes = std::mem::take(bytes);
                *body = Self::Empty;
                Poll::Ready((!bytes.is_empty()).then_some(Ok(bytes)))
            }
            Self::Stream(stream) => stream.as_mut().poll_next(context),
        }
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("Body(empty)"),
            Self::Bytes(bytes) => write!(f, "Body({} bytes)", bytes.len()),
            Self::Stream(_) => f.write_str("Body(stream)"),
        }
    }
}

impl From<Bytes> for Body {
    fn from(bytes: Bytes) -> Self {
        Self::Bytes(bytes)
    }
}

impl From<Vec<u8>> for Body {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Bytes(bytes.into())
    }
}

/// One WebSocket message.
#[derive(Clone, PartialEq, Eq)]
pub enum Message {
    /// A text message: valid UTF-8.
    Text(Bytes),
    /// A binary message.
    Binary(Bytes),
}

impl Message {
    /// What it carries, of either kind.
    pub fn into_bytes(self) -> Bytes {
        match self {
            Self::Text(bytes) | Self::Binary(bytes) => bytes,
        }
    }
}

/// By kind and length, without what it carries: that may be a Secret.
impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(bytes) => write!(f, "Text({} bytes)", bytes.len()),
            Self::Binary(bytes) => write!(f, "Binary({} bytes)", bytes.len()),
        }
    }
}

/// An open WebSocket: a stream of messages from the peer and a sink of messages to it. The stream ends when the peer
/// closes cleanly and fails when the connection breaks. Dropping it closes the connection.
pub struct Socket {
    protocol: Option<String>,
    incoming: BoxStream<'static, Result<Message, Error>>,
    outgoing: BoxSink<'static, Message, Error>,
}

impl Socket {
    /// A socket of these two halves; `protocol` is the subprotocol the peer chose.
    pub fn new(
        protocol: Option<String>,
        incoming: BoxStream<'static, Result<Message, Error>>,
        outgoing: BoxSink<'static, Message, Error>,
    ) -> Self {
        Self { protocol, incoming, outgoing }
    }

    /// The same socket with what comes in changed on its way: for layers.
    #[must_use]
    pub fn map_incoming(
        mut self,
        change: impl FnOnce(
            BoxStream<'static, Result<Message, Error>>,
        ) -> BoxStream<'static, Result<Message, Error>>,
    ) -> Self {
        self.incoming = change(self.incoming);
        self
    }

    /// The subprotocol the peer chose.
    pub fn protocol(&self) -> Option<&str> {
        self.protocol.as_deref()
    }
}

impl fmt::Debug for Socket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Socket").field("protocol", &self.protocol).finish_non_exhaustive()
    }
}

impl Stream for Socket {
    type Item = Result<Message, Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.incoming.as_mut().poll_next(context)
    }
}

impl Sink<Message> for Socket {
    type Error = Error;

    fn poll_ready(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.outgoing.as_mut().poll_ready(context)
    }

    fn start_send(mut self: Pin<&mut Self>, message: Message) -> Result<(), Error> {
        self.outgoing.as_mut().start_send(message)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.outgoing.as_mut().poll_flush(context)
    }

    fn poll_close(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.outgoing.as_mut().poll_close(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_shown_without_what_it_carries() {
        let messages = [Message::Text("s3cr3t".into()), Message::Binary(Bytes::from_static(b"s3cr3t\n"))];
        assert_eq!(format!("{messages:?}"), "[Text(6 bytes), Binary(7 bytes)]");
    }
}
