//! One connection to a port of a pod: a duplex stream of bytes.

use std::fmt;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes};
use futures::{AsyncRead, AsyncWrite, Sink, SinkExt, StreamExt};

use super::channels::protocol_error;
use super::spdy::Event;
use super::{poll_send, ports, spdy};
use crate::error::Error;
use crate::rest::Request;
use crate::transport::{Message, Socket};

/// SPDY in the messages of a WebSocket: what client-go speaks. API servers since 1.31.
const TUNNEL: &str = "SPDY/3.1+portforward.k8s.io";
/// Channels in messages, passed on to the node: older API servers, and browsers, which may not offer a name with a `/`.
const CHANNELS: &str = "v4.channel.k8s.io";

/// How much goes in one message, in bytes.
const CHUNK: usize = 32 << 10;

/// A connection to a port of a pod. Reading ends where the port's side does, closing tells it our end, and both ways go
/// on without the other; in a browser, and with API servers before 1.31, closing fails as unsupported, for there our end
/// cannot be told alone. To be sure that the last of what was written has left, flush. What the node says of a failure
/// (nothing listens there) is the error of a read, or of a write that the failure came before. Errors are [`Error`]s
/// within [`io::Error`]s; [`io::Error::downcast`] takes them out.
pub struct PortStream {
    socket: Socket,
    reader: Reader,
    unread: Bytes,
    /// An answer that is still to be sent.
    answer: Option<Bytes>,
    /// An answer may not have left yet, and whoever reads has to see to it.
    flushing: bool,
    /// The port sends no more, and we send no more.
    ended: bool,
    closed: bool,
}

/// Reads what the two ends agreed to speak.
enum Reader {
    Tunnel(spdy::Reader),
    Channels(ports::Reader),
}

impl Reader {
    fn push(&mut self, message: Bytes) -> Result<(), Error> {
        match self {
            Self::Tunnel(reader) => {
                reader.push(&message);
                Ok(())
            }
            Self::Channels(reader) => reader.push(message),
        }
    }

    fn next_event(&mut self) -> Result<Option<Event>, Error> {
        match self {
            Self::Tunnel(reader) => reader.next_event(),
            Self::Channels(reader) => Ok(reader.next_event()),
        }
    }

    /// What it means that the connection ended.
    fn ended(&self) -> Result<Event, Error> {
        match self {
            Self::Tunnel(reader) => Err(reader.ended()),
            Self::Channels(reader) => reader.ended(),
        }
    }
}

impl PortStream {
    pub(crate) async fn open(request: Request, port: u16) -> Result<Self, Error> {
        if port == 0 {
            return Err(Error::config("no pod listens on port 0: name one of 1 to 65535"));
        }
        let request = request.param("ports", port.to_string());
        let mut socket = request.connect(&[TUNNEL, CHANNELS]).await?;
        let reader = match socket.protocol() {
            Some(TUNNEL) => Reader::Tunnel(spdy::Reader::default()),
            Some(CHANNELS) => Reader::Channels(ports::Reader::default()),
            other => return Err(protocol_error(format!("the server chose the subprotocol {other:?}"))),
        };
        if matches!(reader, Reader::Tunnel(_)) {
            socket.send(Message::Binary(spdy::open(port))).await?;
        }
        let (unread, answer) = (Bytes::new(), None);
        Ok(Self { socket, reader, unread, answer, flushing: false, ended: false, closed: false })
    }

    /// Waits until there are bytes to read or their end.
    fn poll_fill(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Error>> {
        while self.unread.is_empty() && !self.ended {
            if let Some(answer) = self.answer.clone()
                && poll_send(&mut self.socket, context, Message::Binary(answer))?.is_ready()
            {
                (self.answer, self.flushing) = (None, true);
            }
            if self.flushing && self.socket.poll_flush_unpin(context)?.is_ready() {
                self.flushing = false;
            }
            let event = match self.reader.next_event()? {
                Some(event) => event,
                None => match ready!(self.socket.poll_next_unpin(context)) {
                    Some(message) => {
                        self.reader.push(message?.into_bytes())?;
                        continue;
                    }
                    None => self.reader.ended()?,
                },
            };
            match event {
                Event::Data(bytes) => self.unread = bytes,
                Event::End => self.ended = true,
                Event::Answer(bytes) => self.answer = Some(bytes),
            }
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncRead for PortStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        if let Err(error) = ready!(self.poll_fill(context)) {
            self.ended = true; // told once
            return Poll::Ready(Err(io::Error::other(error)));
        }
        let length = buffer.len().min(self.unread.len());
        self.unread.copy_to_slice(&mut buffer[..length]);
        Poll::Ready(Ok(length))
    }
}

impl AsyncWrite for PortStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if self.closed {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        if bytes.is_empty() {
            return Poll::Ready(Ok(0));
        }
        let taken = &bytes[..bytes.len().min(CHUNK)];
        let message = match self.reader {
            Reader::Tunnel(_) => spdy::data(taken),
            Reader::Channels(_) => ports::data(taken),
        };
        if let Err(error) = ready!(poll_send(&mut self.socket, context, Message::Binary(message))) {
            // Why it is closed may have arrived before that it is.
            let told = match self.poll_fill(context) {
                Poll::Ready(Err(told)) => told,
                _ => error,
            };
            return Poll::Ready(Err(io::Error::other(told)));
        }
        Poll::Ready(Ok(taken.len()))
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_flush(context).map_err(io::Error::other)
    }

    fn poll_close(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if matches!(self.reader, Reader::Channels(_)) {
            return Poll::Ready(Err(io::Error::other(Error::unsupported(
                "the end of what is sent cannot be told over v4.channel.k8s.io: drop the connection to end both ways",
            ))));
        }
        if !self.closed {
            ready!(poll_send(&mut self.socket, context, Message::Binary(spdy::finish())))
                .map_err(io::Error::other)?;
            self.closed = true;
        }
        self.poll_flush(context)
    }
}

impl fmt::Debug for PortStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PortStream")
            .field("ended", &self.ended)
            .field("closed", &self.closed)
            .finish_non_exhaustive()
    }
}
