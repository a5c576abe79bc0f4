//! [`HyperTransport`]: requests over HTTP/1.1 and HTTP/2, WebSockets over HTTP/1.1.
//!
//! A watch gets an HTTP/1.1 connection of its own, driven by whoever reads its body; all else shares HTTP/2 connections
//! where the server speaks it.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use async_trait::async_trait;
use bytes::Bytes;
use futures::Stream;
use http::header::{CONNECTION, HOST, HeaderValue, PROXY_AUTHORIZATION, TRANSFER_ENCODING, UPGRADE};
use http::{Request, Response, Uri, Version};
use http_body::Body as _;
use hyper::body::Incoming;
use hyper::client::conn::TrySendError;
use portolan::config::Config;
use portolan::transport::{Body, Socket, Transport};
use portolan::{Error, TransportErrorKind};
use tracing::Instrument;

use crate::connection::{Http1, RequestBody, StreamHold};
use crate::dial::{Dialer, Forwarded, Server};
use crate::exec::ExecPlugin;
use crate::failure;
use crate::gunzip;
use crate::pool::{Lease, Leased, Pool, Station};
use crate::proxy::Proxies;
use crate::security::Security;
use crate::socket;

/// The transport over hyper, rustls and tokio. Cheap to clone; clones share their connections.
#[derive(Clone)]
pub struct HyperTransport {
    pool: Arc<Pool>,
    compression: bool,
}

impl HyperTransport {
    /// A transport for `config`'s server, secured as `config.tls` says when it is an `https` one. The files named there
    /// are read again as they change, within a minute: what is asked from then on goes over new connections. They lead
    /// through the proxy of `config`, or those of the environment: HTTPS_PROXY, HTTP_PROXY, NO_PROXY.
    ///
    /// # Errors
    /// `Config`, when a certificate or key cannot be read or used, or a variable holds no proxy's address.
    pub fn new(config: &Config) -> Result<Self, Error> {
        Self::with_plugin(config, None)
    }

    /// The same with the client certificates that `plugin` gives.
    pub(crate) fn with_plugin(config: &Config, plugin: Option<ExecPlugin>) -> Result<Self, Error> {
        let secure = config.server.scheme_str() == Some("https");
        let proxies = Proxies::new(config, |name| std::env::var(name).ok())?;
        let secure = secure || proxies.any_secure();
        let security = secure.then(|| Security::new(&config.tls, plugin)).transpose()?;
        let pool = Arc::new(Pool::new(Dialer::new(security, proxies)));
        Ok(Self { pool, compression: !config.disable_compression })
    }
}

impl fmt::Debug for HyperTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HyperTransport").finish_non_exhaustive()
    }
}

#[async_trait]
impl Transport for HyperTransport {
    async fn send(&self, request: Request<Body>) -> Result<Response<Body>, Error> {
        // The path alone: a query can hold what a command was given.
        let (method, path) = (request.method(), request.uri().path());
        let span = tracing::debug_span!(target: "portolan::request", "request", %method, path);
        let answered = async {
            let (began, answer) = (tokio::time::Instant::now(), self.answer(request).await);
            match &answer {
                Ok(response) => {
                    let (status, took) = (response.status().as_u16(), began.elapsed());
                    tracing::debug!(target: "portolan::request", status, ?took, "answered");
                }
                Err(error) => {
                    tracing::debug!(target: "portolan::request", %error, took = ?began.elapsed(), "failed");
                }
            }
            answer
        };
        answered.instrument(span).await
    }

    async fn connect(&self, request: Request<()>, protocols: &[&str]) -> Result<Socket, Error> {
        let station = self.pool.station(Server::of(request.uri())?);
        let connection = self.pool.open_for_socket(&station.server).await?;
        let opening = socket::open(&station, connection, request, protocols);
        tokio::time::timeout(socket::OPENING, opening).await.unwrap_or_else(|_| {
            let server = &station.server;
            let text = format!("{server} does not answer a WebSocket handshake within {:?}", socket::OPENING);
            Err(Error::transport(TransportErrorKind::Interrupted, text))
        })
    }
}

impl HyperTransport {
    /// Sends the request on a connection of its own or a shared one, and waits for the head of the answer.
    async fn answer(&self, request: Request<Body>) -> Result<Response<Body>, Error> {
        let station = self.pool.station(Server::of(request.uri())?);
        let alone = is_watch(request.uri());
        let mut request = request.map(RequestBody);
        let unzip = self.compression && !alone && gunzip::ask(request.headers_mut());
        let response = self.exchanged(&station, alone, request).await?;
        if unzip { gunzip::uncompressed(response) } else { Ok(response) }
    }

    /// A connection kept from before may turn out to be over, or about to be. A request that it gives back was never sent
    /// and goes over another; each time that takes one from those kept. One that the server turned away was not looked at
    /// and goes over another once. What a connection refuses that was opened for it is for `rest` to try again, with its
    /// waits and limits.
    async fn exchanged(
        &self,
        station: &Arc<Station>,
        alone: bool,
        mut request: Request<RequestBody>,
    ) -> Result<Response<Body>, Error> {
        let mut turned_away = false;
        loop {
            let Leased { lease, used } = self.pool.lease(station, alone).await?;
            let copy = if used && !turned_away && lease.may_turn_away() { copy(&request) } else { None };
            let mut refused = match exchange(station, lease, request).await {
                Ok(response) => return Ok(response),
                Err(refused) => *refused,
            };
            request = match (refused.request.take_if(|_| used), copy) {
                (Some(unsent), _) => unsent,
                (None, Some(copy)) if failure::was_turned_away(&refused.error) => {
                    turned_away = true;
                    copy
                }
                _ => return Err(refused.told(&station.server)),
            };
        }
    }
}

/// The request once more, if its body can be had again.
fn copy(request: &Request<RequestBody>) -> Option<Request<RequestBody>> {
    let mut copy = Request::new(RequestBody(request.body().0.replay()?));
    *copy.method_mut() = request.method().clone();
    *copy.uri_mut() = request.uri().clone();
    *copy.headers_mut() = request.headers().clone();
    Some(copy)
}

struct Refused {
    request: Option<Request<RequestBody>>,
    error: hyper::Error,
}

impl Refused {
    fn told(self, server: &Server) -> Error {
        if self.request.is_some() {
            failure::unsent(server, self.error)
        } else if failure::was_turned_away(&self.error) {
            failure::turned_away(server, self.error)
        } else {
            failure::exchange(server, self.error)
        }
    }
}

async fn exchange(
    station: &Arc<Station>,
    lease: Lease,
    request: Request<RequestBody>,
) -> Result<Response<Body>, Box<Refused>> {
    match lease {
        Lease::Http1(mut connection) => {
            let absolute = request.uri().clone();
            let request = for_http1(&station.server, request, connection.forwarded.as_ref());
            let response = connection.send(request).await.map_err(|error| refused(error, Some(absolute)))?;
            Ok(response.map(|incoming| Http1Body::start(station, *connection, incoming)))
        }
        Lease::Http2(mut turn) => {
            let response = turn.send(for_http2(request)).await.map_err(|error| {
                if error.message().is_some() || failure::was_turned_away(error.error()) {
                    station.retire(&turn.hold);
                }
                refused(error, None)
            })?;
            Ok(response.map(|incoming| Http2Body::start(station, turn.hold, incoming)))
        }
    }
}

fn refused(mut error: TrySendError<Request<RequestBody>>, absolute: Option<Uri>) -> Box<Refused> {
    let request = error.take_message().map(|mut request| {
        if let Some(absolute) = absolute {
            *request.uri_mut() = absolute;
        }
        request
    });
    Box::new(Refused { request, error: error.into_error() })
}

/// The request as it goes over HTTP/1.1: path and query in its first line, the host in a header; to a proxy the whole
/// address.
pub(crate) fn for_http1<B>(
    server: &Server,
    mut request: Request<B>,
    forwarded: Option<&Forwarded>,
) -> Request<B> {
    if !request.headers().contains_key(HOST)
        && let Ok(host) = HeaderValue::from_str(&server.authority())
    {
        request.headers_mut().insert(HOST, host);
    }
    match forwarded {
        Some(Forwarded(None)) => {}
        Some(Forwarded(Some(authorization))) => {
            request.headers_mut().insert(PROXY_AUTHORIZATION, authorization.clone());
        }
        None => {
            let path = request.uri().path_and_query().cloned();
            *request.uri_mut() = path.map_or_else(|| Uri::from_static("/"), Uri::from);
        }
    }
    *request.version_mut() = Version::HTTP_11;
    request
}

fn for_http2<B>(mut request: Request<B>) -> Request<B> {
    for name in [HOST, CONNECTION, TRANSFER_ENCODING, UPGRADE] {
        request.headers_mut().remove(name);
    }
    *request.version_mut() = Version::HTTP_2;
    request
}

fn is_watch(uri: &Uri) -> bool {
    uri.query().unwrap_or_default().split('&').any(|pair| matches!(pair, "watch=true" | "watch=1"))
}

/// The body of an answer over HTTP/1.1: reading it drives the connection, dropping it closes it.
pub(crate) struct Http1Body {
    incoming: Incoming,
    connection: Option<Http1>,
    station: Arc<Station>,
}

impl Http1Body {
    pub(crate) fn start(station: &Arc<Station>, connection: Http1, incoming: Incoming) -> Body {
        if incoming.is_end_stream() {
            station.give_back(connection);
            return Body::Empty;
        }
        Body::Stream(Box::pin(Self { incoming, connection: Some(connection), station: Arc::clone(station) }))
    }
}

impl Stream for Http1Body {
    type Item = Result<Bytes, Error>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let body = self.get_mut();
        let mut chunk = poll_chunk(&mut body.incoming, &body.station, context);
        if chunk.is_pending()
            && let Some(connection) = &mut body.connection
        {
            connection.drive(context);
            chunk = poll_chunk(&mut body.incoming, &body.station, context);
        }
        match &chunk {
            Poll::Ready(None) => {
                if let Some(connection) = body.connection.take() {
                    body.station.give_back(connection);
                }
            }
            Poll::Ready(Some(Err(_))) => body.connection = None,
            Poll::Ready(Some(Ok(_))) | Poll::Pending => {}
        }
        chunk
    }
}

/// The body of an answer over HTTP/2: dropping it resets its stream.
struct Http2Body {
    incoming: Incoming,
    hold: Option<StreamHold>,
    station: Arc<Station>,
}

impl Http2Body {
    fn start(station: &Arc<Station>, hold: StreamHold, incoming: Incoming) -> Body {
        if incoming.is_end_stream() {
            return Body::Empty;
        }
        Body::Stream(Box::pin(Self { incoming, hold: Some(hold), station: Arc::clone(station) }))
    }
}

impl Stream for Http2Body {
    type Item = Result<Bytes, Error>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let body = self.get_mut();
        let mut chunk = ready!(poll_chunk(&mut body.incoming, &body.station, context));
        // hyper says of a stream that was reset or left behind with NO_ERROR that it ended.
        if chunk.is_none() && !body.incoming.is_end_stream() {
            chunk = Some(Err(failure::cut(&body.station.server)));
        }
        if !matches!(chunk, Some(Ok(_))) {
            body.hold = None;
        }
        Poll::Ready(chunk)
    }
}

fn poll_chunk(
    incoming: &mut Incoming,
    station: &Station,
    context: &mut Context<'_>,
) -> Poll<Option<Result<Bytes, Error>>> {
    loop {
        let Some(frame) = ready!(Pin::new(&mut *incoming).poll_frame(context)) else {
            return Poll::Ready(None);
        };
        match frame {
            Ok(frame) => match frame.into_data() {
                Ok(data) if !data.is_empty() => return Poll::Ready(Some(Ok(data))),
                // An empty frame, or trailers.
                _ => {}
            },
            Err(error) => return Poll::Ready(Some(Err(failure::exchange(&station.server, error)))),
        }
    }
}
