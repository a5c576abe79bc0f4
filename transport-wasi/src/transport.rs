//! [`WasiTransport`]: the transport contract on `wasi:http`.
//!
//! Not by wstd's own client: under Node's host (jco) a stream that was read to its end for now still calls itself ready,
//! and wstd's body then asks it for ever. See [`arrived`].

use async_trait::async_trait;
use bytes::Bytes;
use futures::future::join;
use futures::stream;
use http::header::CONTENT_LENGTH;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use portolan::transport::{Body, Transport};
use portolan::{Error, TransportErrorKind};
use wasip2::clocks::monotonic_clock;
use wasip2::http::outgoing_handler::handle;
use wasip2::http::types::{
    ErrorCode, Fields, FutureIncomingResponse, IncomingBody, Method, OutgoingBody, OutgoingRequest, Scheme,
};
use wasip2::io::poll::poll;
use wasip2::io::streams::{InputStream, StreamError};
use wstd::io::AsyncOutputStream;
use wstd::runtime::AsyncPollable;

/// A request's body is gathered before it is sent, so far, for its length to be told.
const MOST_GATHERED: usize = 64 << 20;

/// How much of a body is asked for at once.
const MOST_READ: u64 = 64 << 10;

/// Sends requests by the component's host. It opens no WebSockets: WASI 0.2 has none.
#[derive(Clone, Copy, Debug, Default)]
pub struct WasiTransport;

#[async_trait(?Send)]
impl Transport for WasiTransport {
    async fn send(&self, request: http::Request<Body>) -> Result<http::Response<Body>, Error> {
        let (mut parts, body) = request.into_parts();
        let body = body.collect(MOST_GATHERED).await?;
        if !body.is_empty() {
            // Node's host sends a DELETE's body without telling that there is one, unless it is told here.
            parts.headers.insert(CONTENT_LENGTH, body.len().into());
        }
        let request = outgoing(&parts)?;
        let sink = request.body().map_err(|()| unable("the body"))?;
        let answer = handle(request, None).map_err(|code| failed(&code))?;
        // A server may answer, and take no more of the body: its answer says why, and so does what is told in its place.
        let (_, response) = join(upload(sink, &body), receive(&answer)).await;
        response
    }
}

fn outgoing(parts: &http::request::Parts) -> Result<OutgoingRequest, Error> {
    let headers = parts.headers.iter().map(|(name, value)| (name.to_string(), value.as_bytes().to_vec()));
    let headers = Fields::from_list(&headers.collect::<Vec<_>>())
        .map_err(|error| Error::config(format!("the host takes a header for none: {error}")))?;
    let request = OutgoingRequest::new(headers);
    let method = match parts.method.as_str() {
        "GET" => Method::Get,
        "HEAD" => Method::Head,
        "POST" => Method::Post,
        "PUT" => Method::Put,
        "PATCH" => Method::Patch,
        "DELETE" => Method::Delete,
        other => Method::Other(other.to_owned()),
    };
    let scheme = match parts.uri.scheme_str() {
        Some("http") => Scheme::Http,
        _ => Scheme::Https,
    };
    let authority = parts.uri.authority().map(|authority| authority.as_str());
    let path = parts.uri.path_and_query().map(|path| path.as_str());
    request.set_method(&method).map_err(|()| unable("the method"))?;
    request.set_scheme(Some(&scheme)).map_err(|()| unable("the scheme"))?;
    request.set_authority(authority).map_err(|()| unable("the server's address"))?;
    request.set_path_with_query(path).map_err(|()| unable("the path"))?;
    Ok(request)
}

/// Sends the body as far as it is taken.
async fn upload(sink: OutgoingBody, body: &[u8]) -> Option<()> {
    if !body.is_empty() {
        let stream = AsyncOutputStream::new(sink.write().ok()?);
        stream.write_all(body).await.ok()?;
    }
    OutgoingBody::finish(sink, None).ok()
}

async fn receive(answer: &FutureIncomingResponse) -> Result<http::Response<Body>, Error> {
    AsyncPollable::new(answer.subscribe()).wait_for().await;
    let answer = match answer.get() {
        Some(Ok(answer)) => answer.map_err(|code| failed(&code))?,
        _ => return Err(unable("an answer it had said was there")),
    };
    let body = answer.consume().map_err(|()| unable("the answer's body"))?;
    let stream = body.stream().map_err(|()| unable("the answer's body"))?;
    let mut response = http::Response::new(streamed(Reading { stream, body }));
    *response.status_mut() = StatusCode::from_u16(answer.status()).map_err(|error| {
        let text = "the answer has no valid status code";
        Error::transport(TransportErrorKind::Protocol, text).with_source(error)
    })?;
    *response.headers_mut() = headers(&answer.headers());
    Ok(response)
}

fn headers(fields: &Fields) -> HeaderMap {
    let header = |(name, value): (String, Vec<u8>)| {
        Some((name.parse::<HeaderName>().ok()?, HeaderValue::from_bytes(&value).ok()?))
    };
    fields.entries().into_iter().filter_map(header).collect()
}

/// An answer's body; in this order they are dropped, as WASI demands, which aborts the exchange.
struct Reading {
    stream: InputStream,
    body: IncomingBody,
}

/// The body as it is read; the host is asked for bytes only when somebody waits for them.
fn streamed(reading: Reading) -> Body {
    Body::Stream(Box::pin(stream::try_unfold(reading, |reading| async move {
        loop {
            match reading.stream.read(MOST_READ) {
                Ok(bytes) if !bytes.is_empty() => return Ok(Some((Bytes::from(bytes), reading))),
                Ok(_) => arrived(&reading.stream).await,
                Err(StreamError::Closed) => return ended(reading).await.map(|()| None),
                Err(StreamError::LastOperationFailed(error)) => {
                    return Err(broke_off(&error.to_debug_string()));
                }
            }
        }
    })))
}

/// Resolves once there is something to read. A look by `poll` comes first: under jco a pollable's own `ready` goes on
/// saying what it said before, until `poll` has looked at the stream.
async fn arrived(stream: &InputStream) {
    let (pollable, now) = (stream.subscribe(), monotonic_clock::subscribe_duration(0));
    if poll(&[&pollable, &now]).contains(&0) {
        return;
    }
    AsyncPollable::new(pollable).wait_for().await;
}

/// Whether the body that has ended was whole.
async fn ended(reading: Reading) -> Result<(), Error> {
    let Reading { stream, body } = reading;
    drop(stream);
    let trailers = IncomingBody::finish(body);
    AsyncPollable::new(trailers.subscribe()).wait_for().await;
    match trailers.get() {
        Some(Ok(Err(code))) => Err(broke_off(&code.to_string())),
        _ => Ok(()),
    }
}

fn failed(code: &ErrorCode) -> Error {
    let kind = match code {
        ErrorCode::ConnectionRefused
        | ErrorCode::ConnectionTimeout
        | ErrorCode::ConnectionLimitReached
        | ErrorCode::DestinationNotFound
        | ErrorCode::DestinationUnavailable
        | ErrorCode::DestinationIpUnroutable
        | ErrorCode::DnsError(_)
        | ErrorCode::DnsTimeout => TransportErrorKind::Connect,
        ErrorCode::TlsProtocolError | ErrorCode::TlsCertificateError | ErrorCode::TlsAlertReceived(_) => {
            TransportErrorKind::Tls
        }
        ErrorCode::HttpProtocolError
        | ErrorCode::HttpUpgradeFailed
        | ErrorCode::HttpResponseHeaderSectionSize(_)
        | ErrorCode::HttpResponseHeaderSize(_)
        | ErrorCode::DestinationIpProhibited
        | ErrorCode::HttpRequestDenied => TransportErrorKind::Protocol,
        _ => TransportErrorKind::Interrupted,
    };
    Error::transport(kind, format!("the host could not send the request: {code}"))
}

fn broke_off(why: &str) -> Error {
    Error::transport(TransportErrorKind::Interrupted, format!("the answer broke off: {why}"))
}

fn unable(what: &str) -> Error {
    Error::transport(TransportErrorKind::Protocol, format!("the component's host does not take {what}"))
}
