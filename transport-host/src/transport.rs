//! [`HostTransport`]: the contract of a transport, kept by asking the host.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use async_trait::async_trait;
use bytes::Bytes;
use futures::{Sink, Stream};
use http::StatusCode;
use portolan::portable::BoxStream;
use portolan::transport::{Body, Message, Socket, Transport};
use portolan::{Error, TransportErrorKind};

use crate::wire::{Command, Event, ExchangeId, Piece, Upload, header_map, headers_of};
use crate::world::{Inbox, World};

/// Sends requests and opens sockets by asking the host, which may refuse. Made by [`crate::Host::transport`].
#[derive(Clone, Debug)]
pub struct HostTransport {
    world: World,
}

impl HostTransport {
    pub(crate) fn new(world: World) -> Self {
        Self { world }
    }
}

#[cfg_attr(not(target_family = "wasm"), async_trait)]
#[cfg_attr(target_family = "wasm", async_trait(?Send))]
impl Transport for HostTransport {
    async fn send(&self, request: http::Request<Body>) -> Result<http::Response<Body>, Error> {
        let (parts, body) = request.into_parts();
        let (body, pieces) = match body {
            Body::Empty => (Upload::Empty, None),
            Body::Bytes(bytes) => (Upload::Whole(bytes), None),
            Body::Stream(pieces) => (Upload::Pieces, Some(pieces)),
        };
        let mut exchange = Exchange::begin(&self.world, |id| Command::Send {
            id,
            method: parts.method.as_str().to_owned(),
            uri: parts.uri.to_string(),
            headers: headers_of(&parts.headers),
            body,
        });
        exchange.upload = pieces;
        match std::future::poll_fn(|context| exchange.poll_event(context)).await? {
            Event::Head { status, headers, .. } => {
                let mut response = http::Response::new(Body::Stream(Box::pin(exchange)));
                *response.status_mut() = StatusCode::from_u16(status).map_err(|_| misled())?;
                *response.headers_mut() = header_map(&headers).map_err(|_| misled())?;
                Ok(response)
            }
            _ => Err(misled()),
        }
    }

    async fn connect(&self, request: http::Request<()>, protocols: &[&str]) -> Result<Socket, Error> {
        let mut exchange = Exchange::begin(&self.world, |id| Command::Connect {
            id,
            uri: request.uri().to_string(),
            headers: headers_of(request.headers()),
            protocols: protocols.iter().map(|protocol| (*protocol).to_owned()).collect(),
        });
        match std::future::poll_fn(|context| exchange.poll_event(context)).await? {
            Event::Opened { protocol, .. } => {
                let outgoing = Outgoing { world: self.world.clone(), id: exchange.id, is_finished: false };
                Ok(Socket::new(protocol, Box::pin(Incoming(exchange)), Box::pin(outgoing)))
            }
            _ => Err(misled()),
        }
    }
}

/// The guest's end of an exchange; dropping it aborts what is not over.
struct Exchange {
    world: World,
    id: ExchangeId,
    /// What is left of a request's body that comes as a stream; it goes on beside the answer.
    upload: Option<BoxStream<'static, Result<Bytes, Error>>>,
}

impl Exchange {
    fn begin(world: &World, command: impl FnOnce(ExchangeId) -> Command) -> Self {
        let id = world.open();
        world.say(command(id));
        Self { world: world.clone(), id, upload: None }
    }

    /// The next event of the incoming side, the upload being driven meanwhile. What fails is over.
    fn poll_event(&mut self, context: &mut Context<'_>) -> Poll<Result<Event, Error>> {
        if let Err(error) = self.poll_upload(context) {
            self.close();
            return Poll::Ready(Err(error));
        }
        let mut state = self.world.state();
        let Some(inbox) = state.exchanges.get_mut(&self.id) else { return Poll::Ready(Err(over())) };
        match inbox.arrived.pop_front() {
            Some(Event::Failed(_, error)) => {
                state.exchanges.remove(&self.id);
                Poll::Ready(Err(error))
            }
            Some(event) => Poll::Ready(Ok(event)),
            None => {
                inbox.reader = Some(context.waker().clone());
                Poll::Pending
            }
        }
    }

    /// The next piece, asked for if need be; `None` at the end.
    fn poll_piece(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Piece, Error>>> {
        {
            let mut state = self.world.state();
            let Some(inbox) = state.exchanges.get_mut(&self.id) else { return Poll::Ready(None) };
            if inbox.arrived.is_empty() && !inbox.asked {
                inbox.asked = true;
                state.commands.push(Command::Take(self.id));
            }
        }
        match ready!(self.poll_event(context)) {
            Ok(Event::Piece(_, piece)) => Poll::Ready(Some(Ok(piece))),
            Ok(Event::End(_)) => {
                self.world.state().exchanges.remove(&self.id);
                Poll::Ready(None)
            }
            Ok(_) => {
                self.close();
                Poll::Ready(Some(Err(misled())))
            }
            Err(error) => Poll::Ready(Some(Err(error))),
        }
    }

    /// Gives the host as much of the request's body as it takes.
    fn poll_upload(&mut self, context: &mut Context<'_>) -> Result<(), Error> {
        while let Some(upload) = &mut self.upload {
            if poll_taken(&self.world, self.id, context).is_pending() {
                return Ok(());
            }
            match upload.as_mut().poll_next(context) {
                Poll::Pending => return Ok(()),
                Poll::Ready(Some(Ok(bytes))) if bytes.is_empty() => {}
                Poll::Ready(Some(Ok(bytes))) => {
                    give(&self.world, self.id, Command::Give(self.id, Piece::Chunk(bytes)));
                }
                Poll::Ready(Some(Err(error))) => return Err(error),
                Poll::Ready(None) => {
                    self.upload = None;
                    give(&self.world, self.id, Command::Finish(self.id));
                }
            }
        }
        Ok(())
    }

    /// Aborts it, unless it is over.
    fn close(&mut self) {
        self.upload = None;
        let mut state = self.world.state();
        if state.exchanges.remove(&self.id).is_some() {
            state.commands.push(Command::Drop(self.id));
        }
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        self.close();
    }
}

/// An answer's body.
impl Stream for Exchange {
    type Item = Result<Bytes, Error>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let exchange = self.get_mut();
        loop {
            match ready!(exchange.poll_piece(context)) {
                Some(Ok(Piece::Chunk(bytes))) if bytes.is_empty() => {}
                Some(Ok(Piece::Chunk(bytes))) => return Poll::Ready(Some(Ok(bytes))),
                Some(Ok(Piece::Message(_))) => {
                    exchange.close();
                    return Poll::Ready(Some(Err(misled())));
                }
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                None => return Poll::Ready(None),
            }
        }
    }
}

/// A socket's messages from the peer.
struct Incoming(Exchange);

impl Stream for Incoming {
    type Item = Result<Message, Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        match ready!(self.0.poll_piece(context)) {
            Some(Ok(Piece::Message(message))) => Poll::Ready(Some(Ok(message))),
            Some(Ok(Piece::Chunk(_))) => {
                self.0.close();
                Poll::Ready(Some(Err(misled())))
            }
            Some(Err(error)) => Poll::Ready(Some(Err(error))),
            None => Poll::Ready(None),
        }
    }
}

/// A socket's messages to the peer.
struct Outgoing {
    world: World,
    id: ExchangeId,
    is_finished: bool,
}

impl Sink<Message> for Outgoing {
    type Error = Error;

    fn poll_ready(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<(), Error>> {
        poll_taken(&self.world, self.id, context)
    }

    fn start_send(self: Pin<&mut Self>, message: Message) -> Result<(), Error> {
        give(&self.world, self.id, Command::Give(self.id, Piece::Message(message)));
        Ok(())
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<(), Error>> {
        poll_taken(&self.world, self.id, context)
    }

    fn poll_close(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<(), Error>> {
        if !self.is_finished {
            ready!(poll_taken(&self.world, self.id, context))?;
            self.is_finished = true;
            give(&self.world, self.id, Command::Finish(self.id));
        }
        poll_taken(&self.world, self.id, context)
    }
}

/// Says `command`, which the host is to confirm.
fn give(world: &World, id: ExchangeId, command: Command) {
    let mut state = world.state();
    if let Some(inbox) = state.exchanges.get_mut(&id) {
        inbox.owed = true;
        state.commands.push(command);
    }
}

/// Whether the host has taken what it was given.
fn poll_taken(world: &World, id: ExchangeId, context: &mut Context<'_>) -> Poll<Result<(), Error>> {
    match world.state().exchanges.get_mut(&id) {
        Some(Inbox { owed: false, .. }) => Poll::Ready(Ok(())),
        Some(inbox) => {
            inbox.writer = Some(context.waker().clone());
            Poll::Pending
        }
        None => Poll::Ready(Err(over())),
    }
}

fn over() -> Error {
    Error::transport(TransportErrorKind::Interrupted, "this exchange is over")
}

fn misled() -> Error {
    Error::transport(TransportErrorKind::Protocol, "the host answered what was not asked")
}
