//! What a request or a WebSocket has come to, read and written piece by piece.
//!
//! Invariant: what is closed is dropped at once, whoever waits for a piece of it.

use std::cell::RefCell;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll, Waker, ready};

use futures::stream::TryReadyChunks;
use futures::{Sink, Stream, TryStreamExt};
use http::Response;
use js_sys::{Array, JsString, Uint8Array};
use portolan::Error;
use portolan::transport::{Body, Message, Socket};
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsCast, JsError, JsValue};

/// An error as JavaScript throws it.
pub(crate) fn thrown(error: Error) -> JsError {
    JsError::from(error)
}

/// So many pieces cross to JavaScript together, if they are there: a line of a log is one.
const TOGETHER: usize = 64;

/// The answer to a request.
#[wasm_bindgen]
#[derive(Debug)]
pub struct Answer {
    head: http::response::Parts,
    body: Held<TryReadyChunks<Body>>,
}

#[wasm_bindgen]
impl Answer {
    pub(crate) fn new(answer: Response<Body>) -> Self {
        let (head, body) = answer.into_parts();
        Self { head, body: Held::new(body.try_ready_chunks(TOGETHER)) }
    }

    /// Its code.
    #[wasm_bindgen(getter)]
    pub fn status(&self) -> u16 {
        self.head.status.as_u16()
    }

    /// Its headers, pairs of a name and a value.
    #[wasm_bindgen(getter)]
    pub fn headers(&self) -> Array {
        let headers = self.head.headers.iter();
        let texts = headers.filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)));
        texts.map(|(name, value)| Array::of2(&name.into(), &value.into())).collect()
    }

    /// What is there of its body; nothing at its end. What came together with a failure is lost, as on a wire.
    pub async fn next(&self) -> Result<Option<Uint8Array>, JsError> {
        let pieces = self.body.next().await.transpose().map_err(|failure| thrown(failure.1))?;
        Ok(pieces.map(|pieces| Uint8Array::from(&pieces.concat()[..])))
    }

    /// Ends it, read or not.
    pub fn close(&self) {
        self.body.close();
    }
}

/// An open WebSocket.
#[wasm_bindgen]
#[derive(Debug)]
pub struct Channel {
    protocol: String,
    socket: Held<Socket>,
}

#[wasm_bindgen]
impl Channel {
    pub(crate) fn new(socket: Socket) -> Self {
        Self { protocol: socket.protocol().unwrap_or_default().to_owned(), socket: Held::new(socket) }
    }

    /// The subprotocol the server has chosen; "" for none.
    #[wasm_bindgen(getter)]
    pub fn protocol(&self) -> String {
        self.protocol.clone()
    }

    /// The next message, a text or an `ArrayBuffer`; nothing once the server has closed it.
    pub async fn next(&self) -> Result<Option<JsValue>, JsError> {
        let message = self.socket.next().await.transpose().map_err(thrown)?;
        Ok(message.map(|message| match message {
            Message::Text(bytes) => JsValue::from_str(&String::from_utf8_lossy(&bytes)),
            Message::Binary(bytes) => Uint8Array::from(&bytes[..]).buffer().into(),
        }))
    }

    /// Sends a text or a `Uint8Array`, one at a time.
    pub async fn send(&self, data: JsValue) -> Result<(), JsError> {
        let mut message = Some(match data.dyn_ref::<JsString>() {
            Some(text) => Message::Text(String::from(text).into()),
            None => Message::Binary(Uint8Array::new(&data).to_vec().into()),
        });
        poll_fn(|context| {
            self.socket.poll(context, Ok(()), |mut socket, context| {
                ready!(socket.as_mut().poll_ready(context))?;
                if let Some(message) = message.take() {
                    socket.as_mut().start_send(message)?;
                }
                socket.poll_flush(context)
            })
        })
        .await
        .map_err(thrown)
    }

    /// Ends it.
    pub fn close(&self) {
        self.socket.close();
    }
}

/// Something until it is closed, and who waits for a piece of it.
#[derive(Debug)]
struct Held<T> {
    value: RefCell<Option<T>>,
    reader: RefCell<Option<Waker>>,
}

impl<T: Unpin> Held<T> {
    fn new(value: T) -> Self {
        Self { value: RefCell::new(Some(value)), reader: RefCell::default() }
    }

    /// What `look` finds; `closed` once there is nothing to look at.
    fn poll<R>(
        &self,
        context: &mut Context<'_>,
        closed: R,
        look: impl FnOnce(Pin<&mut T>, &mut Context<'_>) -> Poll<R>,
    ) -> Poll<R> {
        match self.value.borrow_mut().as_mut() {
            Some(value) => look(Pin::new(value), context),
            None => Poll::Ready(closed),
        }
    }

    fn close(&self) {
        self.value.take();
        if let Some(reader) = self.reader.take() {
            reader.wake();
        }
    }
}

impl<T: Stream + Unpin> Held<T> {
    async fn next(&self) -> Option<T::Item> {
        poll_fn(|context| {
            self.reader.replace(Some(context.waker().clone()));
            self.poll(context, None, |stream, context| stream.poll_next(context))
        })
        .await
    }
}
