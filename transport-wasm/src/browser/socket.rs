//! One WebSocket.
//!
//! Invariant: the socket lives as long as its [`Connection`]: dropping it, at any stage, takes its handlers off and
//! closes it. What has arrived and is not read stays below `socket_buffer_bytes`.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::future::poll_fn;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker, ready};

use bytes::Bytes;
use futures::{FutureExt, Sink, Stream};
use gloo_timers::future::TimeoutFuture;
use http::Uri;
use js_sys::{Array, ArrayBuffer, JsString, Reflect, Uint8Array};
use portolan::transport::{Message, Socket};
use portolan::{Error, TransportErrorKind};
use wasm_bindgen::closure::Closure;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{BinaryType, CloseEvent, MessageEvent, WebSocket};

use super::breath::{self, Breath};
use super::probe::Told;
use super::slots::Slots;
use super::traffic::{Meter, Open};
use super::transport::FetchTransport;
use super::{fetch, headers, probe, scope};

/// How much may wait in the browser to be sent before a writer has to wait, in bytes.
const OUTGOING_BYTES: u32 = 1 << 20;

/// How often a waiting writer looks again, in milliseconds: the browser has no event for it.
const OUTGOING_LOOK: u32 = 10;

/// The code of a close that had no code, and of a connection that broke.
const NO_CODE: u16 = 1005;
const BROKEN: u16 = 1006;

pub(super) async fn connect(
    transport: &FetchTransport,
    handshakes: &Rc<Slots>,
    request: &http::Request<()>,
    protocols: &[&str],
) -> Result<Socket, Error> {
    let offered = headers::socket_protocols(request.headers(), protocols)?;
    let pending = transport.meter.open(|traffic| &mut traffic.pending_sockets);
    let turn = handshakes.acquire().await;
    // Another origin's answers may be kept from us by CORS, which holds for no WebSocket.
    if transport.doubt.get()
        && scope::is_own_origin(request.uri())
        && let Told::Refuses(error) = probe::ask(transport, request).await
    {
        return Err(error);
    }
    let connection = Rc::new(Connection::begin(transport, request.uri(), &offered)?);
    let opened = poll_fn(|context| connection.poll_open(context)).await;
    drop((turn, pending));
    transport.doubt.set(opened.is_err());
    if let Err(code) = opened {
        transport.meter.change(|traffic| traffic.failed_handshakes += 1);
        drop(connection);
        return Err(probe::why_not(transport, request, code).await);
    }
    let protocol = Some(connection.socket.protocol()).filter(|protocol| !protocol.is_empty());
    let open = transport.meter.open(|traffic| &mut traffic.open_sockets);
    let incoming = Incoming { connection: connection.clone(), breath: Breath::default(), _open: open };
    let outgoing = Outgoing { connection, look_again: None };
    Ok(Socket::new(protocol, Box::pin(incoming), Box::pin(outgoing)))
}

/// A WebSocket and the handlers on it.
struct Connection {
    socket: WebSocket,
    state: Rc<RefCell<State>>,
    _open: Closure<dyn FnMut()>,
    _message: Closure<dyn FnMut(MessageEvent)>,
    _close: Closure<dyn FnMut(CloseEvent)>,
}

struct State {
    opened: bool,
    messages: VecDeque<Message>,
    /// The bytes in `messages`, and the most there may be.
    bytes: usize,
    limit: usize,
    closed: Option<Closed>,
    /// Whoever waits for it to open or for a message, and whoever waits for it to close.
    reader: Option<Waker>,
    closer: Option<Waker>,
    meter: Rc<Meter>,
}

#[derive(Clone, Debug)]
enum Closed {
    Cleanly,
    With { code: u16, reason: String },
    Overflowed,
}

impl Connection {
    fn begin(transport: &FetchTransport, uri: &Uri, protocols: &[String]) -> Result<Self, Error> {
        let offered: Array = protocols.iter().map(|protocol| JsValue::from_str(protocol)).collect();
        let address = socket_address(uri);
        let socket = match &transport.functions.web_socket {
            Some(constructor) => {
                let arguments = Array::of2(&JsValue::from_str(&address), &offered);
                Reflect::construct(constructor, &arguments).map(JsCast::unchecked_into)
            }
            None => WebSocket::new_with_str_sequence(&address, &offered),
        };
        let socket: WebSocket = socket.map_err(|thrown| {
            let text = scope::text(&thrown);
            Error::config(format!("the browser refuses a WebSocket to {}: {text}", fetch::origin(uri)))
        })?;
        socket.set_binary_type(BinaryType::Arraybuffer);
        let state = Rc::new(RefCell::new(State {
            opened: false,
            messages: VecDeque::new(),
            bytes: 0,
            limit: transport.options.socket_buffer_bytes,
            closed: None,
            reader: None,
            closer: None,
            meter: transport.meter.clone(),
        }));
        let open = Closure::<dyn FnMut()>::new({
            let state = state.clone();
            move || state.borrow_mut().open()
        });
        let message = Closure::<dyn FnMut(MessageEvent)>::new({
            let (state, socket) = (state.clone(), socket.clone());
            move |event: MessageEvent| {
                breath::begin();
                if state.borrow_mut().receive(&event.data()).is_err() {
                    close(&socket);
                }
            }
        });
        let closed = Closure::<dyn FnMut(CloseEvent)>::new({
            let state = state.clone();
            move |event: CloseEvent| state.borrow_mut().close(&event)
        });
        socket.set_onopen(Some(open.as_ref().unchecked_ref()));
        socket.set_onmessage(Some(message.as_ref().unchecked_ref()));
        socket.set_onclose(Some(closed.as_ref().unchecked_ref()));
        Ok(Self { socket, state, _open: open, _message: message, _close: closed })
    }

    /// Ready when it has opened, or with the code it closed with before it did.
    fn poll_open(&self, context: &mut Context<'_>) -> Poll<Result<(), u16>> {
        let mut state = self.state.borrow_mut();
        match &state.closed {
            _ if state.opened => Poll::Ready(Ok(())),
            Some(Closed::With { code, .. }) => Poll::Ready(Err(*code)),
            Some(Closed::Cleanly | Closed::Overflowed) => Poll::Ready(Err(BROKEN)),
            None => {
                state.reader = Some(context.waker().clone());
                Poll::Pending
            }
        }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.socket.set_onopen(None);
        self.socket.set_onmessage(None);
        self.socket.set_onclose(None);
        close(&self.socket);
    }
}

impl State {
    fn open(&mut self) {
        self.opened = true;
        self.wake();
    }

    /// Takes a message in; fails when it no longer fits, after which the socket is to be closed.
    fn receive(&mut self, data: &JsValue) -> Result<(), ()> {
        if self.closed.is_some() {
            return Ok(());
        }
        let Some(message) = message(data) else { return Ok(()) };
        let length = length(&message);
        self.meter.change(|traffic| traffic.received_bytes += length as u64);
        let fits = self.bytes + length <= self.limit;
        if fits {
            self.bytes += length;
            self.messages.push_back(message);
        } else {
            self.meter.change(|traffic| traffic.overflowed_sockets += 1);
            self.closed = Some(Closed::Overflowed);
        }
        self.wake();
        if fits { Ok(()) } else { Err(()) }
    }

    fn close(&mut self, event: &CloseEvent) {
        // These come with a close frame alone. `wasClean` is also false where the connection went before ours had gone.
        let clean = matches!(event.code(), 1000 | 1001 | NO_CODE);
        let with = || Closed::With { code: event.code(), reason: event.reason() };
        self.closed.get_or_insert_with(|| if clean { Closed::Cleanly } else { with() });
        self.wake();
    }

    fn wake(&mut self) {
        for waker in [self.reader.take(), self.closer.take()].into_iter().flatten() {
            waker.wake();
        }
    }

    fn error(&self, closed: &Closed) -> Option<Error> {
        let text = match closed {
            Closed::Cleanly => return None,
            Closed::With { code: BROKEN, .. } => "the WebSocket's connection broke".to_owned(),
            Closed::With { code, reason } => format!("the WebSocket was closed with code {code} {reason:?}"),
            Closed::Overflowed => format!(
                "the WebSocket was closed: more than {} bytes had arrived that were not read yet",
                self.limit
            ),
        };
        Some(Error::transport(TransportErrorKind::Interrupted, text))
    }
}

struct Incoming {
    connection: Rc<Connection>,
    breath: Breath,
    _open: Open,
}

impl Stream for Incoming {
    type Item = Result<Message, Error>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let incoming = self.get_mut();
        let mut state = incoming.connection.state.borrow_mut();
        if state.messages.is_empty() {
            let Some(closed) = state.closed.clone() else {
                state.reader = Some(context.waker().clone());
                return Poll::Pending;
            };
            // The error is told once; after it the stream has ended.
            let error = state.error(&closed);
            state.closed = Some(Closed::Cleanly);
            return Poll::Ready(error.map(Err));
        }
        ready!(incoming.breath.poll(context));
        let message = state.messages.pop_front();
        state.bytes -= message.as_ref().map_or(0, length);
        Poll::Ready(message.map(Ok))
    }
}

struct Outgoing {
    connection: Rc<Connection>,
    look_again: Option<TimeoutFuture>,
}

impl Outgoing {
    fn still_open(&self) -> Result<(), Error> {
        let state = self.connection.state.borrow();
        let Some(closed) = &state.closed else { return Ok(()) };
        let ended = || Error::transport(TransportErrorKind::Interrupted, "the WebSocket is closed");
        Err(state.error(closed).unwrap_or_else(ended))
    }
}

impl Sink<Message> for Outgoing {
    type Error = Error;

    fn poll_ready(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<(), Error>> {
        loop {
            self.still_open()?;
            if self.connection.socket.buffered_amount() < OUTGOING_BYTES {
                self.look_again = None;
                return Poll::Ready(Ok(()));
            }
            let timer = self.look_again.get_or_insert_with(|| TimeoutFuture::new(OUTGOING_LOOK));
            ready!(timer.poll_unpin(context));
            self.look_again = None;
        }
    }

    fn start_send(self: Pin<&mut Self>, message: Message) -> Result<(), Error> {
        self.still_open()?;
        let socket = &self.connection.socket;
        let sent = match message {
            Message::Binary(bytes) => socket.send_with_u8_array(&bytes),
            Message::Text(bytes) => match std::str::from_utf8(&bytes) {
                Ok(text) => socket.send_with_str(text),
                Err(error) => return Err(Error::config("a text message must be UTF-8").with_source(error)),
            },
        };
        sent.map_err(|thrown| Error::transport(TransportErrorKind::Interrupted, scope::text(&thrown)))
    }

    /// The browser sends on its own: what it has taken is as good as sent.
    fn poll_flush(self: Pin<&mut Self>, _context: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<(), Error>> {
        let mut state = self.connection.state.borrow_mut();
        if state.closed.is_some() {
            return Poll::Ready(Ok(()));
        }
        state.closer = Some(context.waker().clone());
        close(&self.connection.socket);
        Poll::Pending
    }
}

/// Closes, with the code of an ordinary end. It can fail only for a wrong code.
fn close(socket: &WebSocket) {
    let _closed = socket.close_with_code(1000);
}

fn message(data: &JsValue) -> Option<Message> {
    if let Some(text) = data.dyn_ref::<JsString>() {
        return Some(Message::Text(Bytes::from(String::from(text))));
    }
    let buffer = data.dyn_ref::<ArrayBuffer>()?;
    Some(Message::Binary(Bytes::from(Uint8Array::new(buffer).to_vec())))
}

fn length(message: &Message) -> usize {
    match message {
        Message::Text(bytes) | Message::Binary(bytes) => bytes.len(),
    }
}

fn socket_address(uri: &Uri) -> String {
    let address = uri.to_string();
    match address.strip_prefix("http") {
        Some(rest) => format!("ws{rest}"),
        None => address,
    }
}
