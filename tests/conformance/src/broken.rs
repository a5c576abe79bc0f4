//! Transports that each break one clause: the suite must find every one of them out.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bytes::Bytes;
use futures::channel::{mpsc, oneshot};
use futures::{SinkExt, Stream, StreamExt, stream};
use http::{Request, Response};
use portolan::time::Runtime;
use portolan::transport::{Body, Message, Socket, Transport};
use portolan::{Error, ErrorKind};

use crate::clauses::another;

/// A way to break the contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flaw {
    /// Resolves only when the whole body is there.
    Buffers,
    /// Gives every two chunks in the wrong order.
    Swaps,
    /// Gives an empty chunk before each.
    Pads,
    /// Leaves out the second chunk.
    Loses,
    /// Reads on while nobody asks.
    Hoards,
    /// Keeps a dropped body open.
    KeepsBodies,
    /// Keeps a dropped request going.
    KeepsRequests,
    /// Makes an error of a status outside 2xx.
    Judges,
    /// Follows redirects.
    Follows,
    /// Gives errors another kind.
    Mislabels,
    /// Takes a body that breaks off for a whole one, and a socket that breaks for a closed one.
    Hides,
    /// Sends only the first chunk of a request's body.
    Shortens,
    /// Gives and sends every two messages of a socket in the wrong order.
    SwapsMessages,
    /// Forgets the subprotocol.
    ForgetsProtocol,
    /// Makes an error of a clean close.
    FailsClosed,
    /// Forgets why a socket was refused.
    ForgetsRefusal,
    /// Keeps a dropped socket open.
    KeepsSockets,
}

/// Every flaw and the clauses it must be caught by.
pub const FLAWS: &[(Flaw, &[&str])] = &[
    (Flaw::Buffers, &["headers come before the body"]),
    (Flaw::Swaps, &["chunks come whole, in order and not empty"]),
    (Flaw::Pads, &["chunks come whole, in order and not empty"]),
    (Flaw::Loses, &["chunks come whole, in order and not empty"]),
    (Flaw::Hoards, &["who does not read holds the peer back"]),
    (Flaw::KeepsBodies, &["dropping a body ends the exchange"]),
    (Flaw::KeepsRequests, &["dropping a future ends the exchange"]),
    (Flaw::Judges, &["a status outside 2xx is an answer"]),
    (Flaw::Follows, &["no redirect is followed"]),
    (
        Flaw::Mislabels,
        &[
            "a refused connection is told",
            "a body that breaks off is told",
            "an answer that is not HTTP is told",
            "a socket that breaks fails",
        ],
    ),
    (Flaw::Hides, &["a body that breaks off is told", "a socket that breaks fails"]),
    (Flaw::Shortens, &["a request's body arrives whole"]),
    (Flaw::SwapsMessages, &["a socket's messages come in order", "a socket's messages go in order"]),
    (Flaw::ForgetsProtocol, &["a socket's subprotocol is told"]),
    (Flaw::FailsClosed, &["a socket that is closed ends"]),
    (Flaw::ForgetsRefusal, &["a socket that is refused says why"]),
    (Flaw::KeepsSockets, &["dropping a socket ends the exchange"]),
];

/// A good transport with one flaw.
#[derive(Debug)]
pub struct Broken {
    inner: Arc<dyn Transport>,
    runtime: Runtime,
    flaw: Flaw,
    kept: Arc<Mutex<Kept>>,
}

#[derive(Debug, Default)]
struct Kept {
    bodies: Vec<Body>,
    sockets: Vec<Socket>,
}

impl Broken {
    /// `inner` with `flaw`.
    pub fn new(inner: Arc<dyn Transport>, runtime: Runtime, flaw: Flaw) -> Self {
        Self { inner, runtime, flaw, kept: Arc::default() }
    }

    async fn send_on(&self, request: Request<Body>) -> Result<Response<Body>, Error> {
        if self.flaw != Flaw::KeepsRequests {
            return self.inner.send(request).await;
        }
        let (done, waiting) = oneshot::channel();
        let inner = Arc::clone(&self.inner);
        let task = async move {
            // Whoever asked may be gone: that this does not matter is the flaw.
            let _ = done.send(inner.send(request).await);
        };
        self.runtime.spawner.spawn("a request that is kept", Box::pin(task));
        waiting.await.unwrap_or_else(|_| Err(Error::canceled("the task is gone")))
    }

    async fn spoil(&self, mut body: Body) -> Result<Body, Error> {
        Ok(match self.flaw {
            Flaw::Buffers => Body::Bytes(body.collect(usize::MAX).await?),
            Flaw::Swaps => streamed(swapped(body)),
            Flaw::Pads => streamed(body.flat_map(|chunk| stream::iter([Ok(Bytes::new()), chunk]))),
            Flaw::Loses => streamed(
                body.enumerate().filter_map(|(number, chunk)| async move { (number != 1).then_some(chunk) }),
            ),
            Flaw::Hoards => {
                let (give, taken) = mpsc::unbounded();
                let task = async move {
                    while let Some(chunk) = body.chunk().await {
                        if give.unbounded_send(chunk).is_err() {
                            return;
                        }
                    }
                };
                self.runtime.spawner.spawn("a body that is hoarded", Box::pin(task));
                streamed(taken)
            }
            Flaw::KeepsBodies => {
                let kept = Keeping { body: Some(body), kept: Arc::clone(&self.kept) };
                streamed(stream::unfold(kept, |mut kept| async {
                    let chunk = kept.body.as_mut()?.chunk().await?;
                    Some((chunk, kept))
                }))
            }
            Flaw::Mislabels => streamed(body.map(|chunk| chunk.map_err(mislabelled))),
            Flaw::Hides => streamed(body.take_while(|chunk| std::future::ready(chunk.is_ok()))),
            _ => body,
        })
    }
}

#[cfg_attr(not(target_family = "wasm"), async_trait)]
#[cfg_attr(target_family = "wasm", async_trait(?Send))]
impl Transport for Broken {
    async fn send(&self, request: Request<Body>) -> Result<Response<Body>, Error> {
        let (head, mut body) = request.into_parts();
        if self.flaw == Flaw::Shortens
            && let Some(chunk) = body.chunk().await
        {
            body = Body::Bytes(chunk?.split_to(1));
        }
        let mut response = match self.send_on(Request::from_parts(head.clone(), body)).await {
            Err(error) if self.flaw == Flaw::Mislabels => return Err(mislabelled(error)),
            sent => sent?,
        };
        if self.flaw == Flaw::Judges && !response.status().is_success() {
            return Err(Error::decode("the status is no success"));
        }
        let location =
            response.headers().get(http::header::LOCATION).and_then(|location| location.to_str().ok());
        if self.flaw == Flaw::Follows
            && let Some(location) = location
        {
            let address = format!(
                "{}://{}",
                head.uri.scheme_str().unwrap_or("http"),
                head.uri.authority().map_or("", |host| host.as_str())
            );
            let again = Request::get(format!("{address}{location}")).body(Body::Empty);
            response = self.inner.send(again.map_err(|error| Error::config(error.to_string()))?).await?;
        }
        let (head, body) = response.into_parts();
        Ok(Response::from_parts(head, self.spoil(body).await?))
    }

    async fn connect(&self, request: Request<()>, protocols: &[&str]) -> Result<Socket, Error> {
        let socket = match self.inner.connect(request, protocols).await {
            Err(_) if self.flaw == Flaw::ForgetsRefusal => return Err(Error::decode("it did not open")),
            opened => opened?,
        };
        let protocol = socket.protocol().filter(|_| self.flaw != Flaw::ForgetsProtocol).map(str::to_owned);
        if self.flaw == Flaw::KeepsSockets {
            let kept = KeepingSocket { socket: Some(socket), kept: Arc::clone(&self.kept) };
            let incoming = stream::unfold(kept, |mut kept| async {
                let message = kept.socket.as_mut()?.next().await?;
                Some((message, kept))
            });
            let outgoing = futures::sink::drain().sink_map_err(|never| match never {});
            return Ok(Socket::new(protocol, Box::pin(incoming), Box::pin(outgoing)));
        }
        let (outgoing, incoming) = socket.split();
        let (outgoing, flaw): (_, Flaw) = (Box::pin(outgoing), self.flaw);
        Ok(match flaw {
            Flaw::SwapsMessages => Socket::new(protocol, Box::pin(swapped(incoming)), outgoing),
            Flaw::Mislabels => {
                let incoming = incoming.map(|message: Result<Message, Error>| message.map_err(mislabelled));
                Socket::new(protocol, Box::pin(incoming), outgoing)
            }
            Flaw::Hides => {
                let incoming = incoming
                    .take_while(|message: &Result<Message, Error>| std::future::ready(message.is_ok()));
                Socket::new(protocol, Box::pin(incoming), outgoing)
            }
            Flaw::FailsClosed => {
                let failure = stream::once(async { Err(Error::canceled("it was closed")) });
                Socket::new(protocol, Box::pin(incoming.chain(failure)), outgoing)
            }
            _ => Socket::new(protocol, Box::pin(incoming), outgoing),
        })
    }
}

fn mislabelled(error: Error) -> Error {
    match error.kind() {
        ErrorKind::Transport(kind) => Error::transport(another(*kind), error.to_string()),
        _ => error,
    }
}

/// Every two items in the wrong order.
fn swapped<T>(items: impl Stream<Item = T>) -> impl Stream<Item = T> {
    items.chunks(2).flat_map(|mut two: Vec<T>| {
        two.reverse();
        stream::iter(two)
    })
}

fn streamed(
    chunks: impl Stream<Item = Result<Bytes, Error>> + portolan::portable::MaybeSend + 'static,
) -> Body {
    Body::Stream(Box::pin(chunks))
}

struct Keeping {
    body: Option<Body>,
    kept: Arc<Mutex<Kept>>,
}

impl Drop for Keeping {
    fn drop(&mut self) {
        if let (Some(body), Ok(mut kept)) = (self.body.take(), self.kept.lock()) {
            kept.bodies.push(body);
        }
    }
}

struct KeepingSocket {
    socket: Option<Socket>,
    kept: Arc<Mutex<Kept>>,
}

impl Drop for KeepingSocket {
    fn drop(&mut self) {
        if let (Some(socket), Ok(mut kept)) = (self.socket.take(), self.kept.lock()) {
            kept.sockets.push(socket);
        }
    }
}
