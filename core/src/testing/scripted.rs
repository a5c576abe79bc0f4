//! A transport that gives the answers it was told to give, in order, and remembers what it was asked.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use futures::{StreamExt, stream};
use http::{HeaderMap, Method, Response, Uri};

use crate::error::{Error, TransportErrorKind};
use crate::transport::{Body, Transport};

/// One answer to come.
#[derive(Debug)]
pub struct Answer {
    response: Result<Response<()>, Error>,
    chunks: Vec<Result<Bytes, Error>>,
    hangs: bool,
}

impl Answer {
    /// `status` with a JSON body in one chunk.
    pub fn json(status: u16, body: &str) -> Self {
        Self::new(status).header("content-type", "application/json").chunk(body)
    }

    /// `status` without a body.
    pub fn new(status: u16) -> Self {
        let mut response = Response::new(());
        *response.status_mut() = http::StatusCode::from_u16(status).unwrap_or_default();
        Self { response: Ok(response), chunks: Vec::new(), hangs: false }
    }

    /// No answer at all.
    pub fn failure(error: Error) -> Self {
        Self { response: Err(error), chunks: Vec::new(), hangs: false }
    }

    /// With this header; a text that is no header is left out.
    #[must_use]
    pub fn header(mut self, name: &'static str, value: &str) -> Self {
        if let (Ok(response), Ok(value)) = (&mut self.response, value.parse()) {
            response.headers_mut().insert(name, value);
        }
        self
    }

    /// With this chunk of the body behind those before it.
    #[must_use]
    pub fn chunk(self, text: &str) -> Self {
        self.bytes(text.as_bytes())
    }

    /// With this chunk, which is no text, behind those before it.
    #[must_use]
    pub fn bytes(mut self, bytes: &[u8]) -> Self {
        self.chunks.push(Ok(Bytes::copy_from_slice(bytes)));
        self
    }

    /// The body breaks here.
    #[must_use]
    pub fn breaks(mut self) -> Self {
        let error = Error::transport(TransportErrorKind::Interrupted, "the connection broke");
        self.chunks.push(Err(error));
        self
    }

    /// The body stays open behind its last chunk.
    #[must_use]
    pub fn hangs(mut self) -> Self {
        self.hangs = true;
        self
    }
}

/// One request as it was asked.
#[derive(Clone, Debug)]
pub struct Asked {
    /// The verb.
    pub method: Method,
    /// The address.
    pub uri: Uri,
    /// The headers.
    pub headers: HeaderMap,
    /// The body; empty for one that was streamed.
    pub body: Bytes,
}

/// The scripted transport. Clones share the script.
#[derive(Clone, Default)]
pub struct Scripted {
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    answers: VecDeque<Answer>,
    asked: Vec<Asked>,
}

impl Scripted {
    /// A transport that will give `answers` in order; one more request than answers is refused as a broken connection.
    pub fn new(answers: impl IntoIterator<Item = Answer>) -> Self {
        let scripted = Self::default();
        scripted.lock().answers.extend(answers);
        scripted
    }

    /// What it was asked so far.
    pub fn asked(&self) -> Vec<Asked> {
        self.lock().asked.clone()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Scripted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Scripted({} answers left)", self.lock().answers.len())
    }
}

#[cfg_attr(not(target_family = "wasm"), async_trait)]
#[cfg_attr(target_family = "wasm", async_trait(?Send))]
impl Transport for Scripted {
    async fn send(&self, request: http::Request<Body>) -> Result<Response<Body>, Error> {
        let (parts, body) = request.into_parts();
        let body = match body {
            Body::Bytes(bytes) => bytes,
            Body::Empty | Body::Stream(_) => Bytes::new(),
        };
        let asked = Asked { method: parts.method, uri: parts.uri, headers: parts.headers, body };
        let answer = {
            let mut state = self.lock();
            state.asked.push(asked);
            state.answers.pop_front()
        };
        let Some(answer) = answer else {
            return Err(Error::transport(TransportErrorKind::Connect, "the script has ended"));
        };
        let chunks = stream::iter(answer.chunks);
        let body: Body = if answer.hangs {
            Body::Stream(Box::pin(chunks.chain(stream::pending())))
        } else {
            Body::Stream(Box::pin(chunks))
        };
        Ok(answer.response?.map(|()| body))
    }
}
