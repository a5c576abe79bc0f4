//! One exchange over fetch.
//!
//! Invariant: the exchange lives as long as its guard: dropping the future or the body aborts it, nothing else does.

use std::future::poll_fn;
use std::rc::Rc;

use bytes::Bytes;
use futures::stream;
use http::{Method, StatusCode, Uri};
use js_sys::{Promise, Reflect, Uint8Array};
use portolan::transport::Body;
use portolan::{Error, TransportErrorKind};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{
    AbortController, ReadableStreamDefaultReader, Request, RequestCache, RequestInit, RequestRedirect,
};

use super::breath::Breath;
use super::slots::{Slot, Slots};
use super::traffic::{Meter, Open};
use super::transport::{FetchTransport, MAX_FETCH_STREAMS};
use super::{headers, scope};

/// What must outlive the answer's head: dropping it aborts the exchange and frees what it held.
struct Exchange {
    controller: AbortController,
    meter: Rc<Meter>,
    _open: Open,
    _stream: Option<(Slot, Open)>,
}

impl Drop for Exchange {
    fn drop(&mut self) {
        self.controller.abort();
    }
}

pub(super) async fn send(
    transport: &FetchTransport,
    streams: &Rc<Slots>,
    request: http::Request<Body>,
) -> Result<http::Response<Body>, Error> {
    let (parts, body) = request.into_parts();
    let stream = match transport.options.bounds_streams && is_stream(&parts.uri) {
        true => Some(streams.try_acquire().ok_or_else(too_many_streams)?),
        false => None,
    };
    exchange(transport, parts, body, stream).await
}

/// One exchange that is counted against no limit, unless it brings a slot with it.
pub(super) async fn exchange(
    transport: &FetchTransport,
    parts: http::request::Parts,
    body: Body,
    stream: Option<Slot>,
) -> Result<http::Response<Body>, Error> {
    let body = body.collect(transport.options.request_bytes).await?;
    let meter = transport.meter.clone();
    let exchange = Exchange {
        controller: AbortController::new().map_err(|thrown| broken(&thrown))?,
        _open: meter.open(|traffic| &mut traffic.open_fetches),
        _stream: stream.map(|slot| (slot, meter.open(|traffic| &mut traffic.open_streams))),
        meter,
    };
    let request = browser_request(&parts, &body, &exchange)?;
    let fetched = match &transport.functions.fetch {
        Some(fetch) => fetch.call1(&JsValue::UNDEFINED, &request).map(|promise| Promise::resolve(&promise)),
        None => scope::fetch(&request),
    };
    let answer = match fetched {
        Ok(promise) => JsFuture::from(promise).await,
        Err(thrown) => Err(thrown),
    };
    let answer: web_sys::Response =
        answer.map_err(|thrown| unanswered(&parts.method, &parts.uri, &thrown))?.unchecked_into();
    response(&answer, exchange)
}

/// Whether the exchange is meant to last. The API server asks the same of a request (`watch` and `follow`).
fn is_stream(uri: &Uri) -> bool {
    let parameters = uri.query().unwrap_or("").split('&');
    parameters
        .into_iter()
        .any(|parameter| matches!(parameter, "watch=true" | "watch=1" | "follow=true" | "follow=1"))
}

fn browser_request(parts: &http::request::Parts, body: &[u8], exchange: &Exchange) -> Result<Request, Error> {
    let init = RequestInit::new();
    init.set_method(parts.method.as_str());
    init.set_headers(&headers::to_browser(&parts.headers)?.into());
    init.set_signal(Some(&exchange.controller.signal()));
    // Manual: a redirect comes back as such instead of being followed with our credentials.
    init.set_redirect(RequestRedirect::Manual);
    // No cache: the API server's answers are never to be reused, and Chromium makes equal requests wait for each other.
    init.set_cache(RequestCache::NoStore);
    if !body.is_empty() {
        init.set_body(&Uint8Array::from(body));
    }
    Request::new_with_str_and_init(&parts.uri.to_string(), &init).map_err(|thrown| {
        Error::config(format!(
            "the browser refuses the request {} {}: {}",
            parts.method,
            parts.uri.path(),
            scope::text(&thrown)
        ))
    })
}

fn response(answer: &web_sys::Response, exchange: Exchange) -> Result<http::Response<Body>, Error> {
    // Of a redirect a browser shows neither the code nor where it leads.
    let code = match answer.type_() {
        web_sys::ResponseType::Opaqueredirect => StatusCode::FOUND.as_u16(),
        _ => answer.status(),
    };
    let status = StatusCode::from_u16(code).map_err(|error| {
        Error::transport(TransportErrorKind::Protocol, "the answer has no valid status code")
            .with_source(error)
    })?;
    let body = match answer.body() {
        Some(body) => streamed(body.get_reader().unchecked_into(), exchange),
        None => Body::Empty,
    };
    let mut response = http::Response::new(body);
    *response.status_mut() = status;
    *response.headers_mut() = headers::from_browser(&answer.headers());
    Ok(response)
}

struct Reading {
    reader: ReadableStreamDefaultReader,
    exchange: Exchange,
    breath: Breath,
    received: u64,
}

/// The body as it is read: the browser is asked for a chunk only when somebody waits for it, which holds the peer back.
fn streamed(reader: ReadableStreamDefaultReader, exchange: Exchange) -> Body {
    let reading = Reading { reader, exchange, breath: Breath::default(), received: 0 };
    Body::Stream(Box::pin(stream::try_unfold(reading, |mut reading| async move {
        loop {
            poll_fn(|context| reading.breath.poll(context)).await;
            let chunk = JsFuture::from(reading.reader.read()).await;
            let Some(bytes) = chunk_bytes(&chunk.map_err(|thrown| interrupted(reading.received, &thrown))?)
            else {
                return Ok(None);
            };
            if !bytes.is_empty() {
                reading.received += bytes.len() as u64;
                reading.exchange.meter.change(|traffic| traffic.received_bytes += bytes.len() as u64);
                return Ok(Some((bytes, reading)));
            }
        }
    })))
}

/// The bytes of what a reader gave; `None` at the end.
fn chunk_bytes(chunk: &JsValue) -> Option<Bytes> {
    let value = Reflect::get(chunk, &JsValue::from_str("value")).ok()?;
    Some(value.dyn_into::<Uint8Array>().ok()?.to_vec().into())
}

fn too_many_streams() -> Error {
    Error::transport(
        TransportErrorKind::Connect,
        format!(
            "this page already holds {MAX_FETCH_STREAMS} watches or logs over fetch, as many as leave room for requests \
             among a browser's 6 connections: close one, or watch over WebSocket"
        ),
    )
}

/// The browser does not say why, nor whether the request was sent: one that changes something is not to be repeated.
fn unanswered(method: &Method, uri: &Uri, thrown: &JsValue) -> Error {
    let kind = if method.is_safe() { TransportErrorKind::Connect } else { TransportErrorKind::Interrupted };
    Error::transport(
        kind,
        format!(
            "{} did not answer ({}): nobody listens there, or whoever does forbids this page to ask (CORS); is `kubectl proxy` running?",
            origin(uri),
            scope::text(thrown)
        ),
    )
}

fn interrupted(received: u64, thrown: &JsValue) -> Error {
    Error::transport(
        TransportErrorKind::Interrupted,
        format!("the answer broke off after {received} bytes ({})", scope::text(thrown)),
    )
}

fn broken(thrown: &JsValue) -> Error {
    Error::unsupported(format!("this browser cannot abort a fetch: {}", scope::text(thrown)))
}

/// Scheme, host and port: what an error may show of an address.
pub(super) fn origin(uri: &Uri) -> String {
    format!(
        "{}://{}",
        uri.scheme_str().unwrap_or("http"),
        uri.authority().map_or("", |authority| authority.as_str())
    )
}
