//! Why a WebSocket did not open. The browser says only "1006", so the same address is asked over fetch.
//!
//! Invariant: it always ends, with the API server's own error where it has one.

use futures::future::{Either, select};
use http::StatusCode;
use portolan::rest;
use portolan::time::Clock;
use portolan::transport::Body;
use portolan::{Error, TransportErrorKind};

use super::clock::BrowserClock;
use super::fetch;
use super::transport::FetchTransport;

/// The most of a refusal that is read, in bytes.
const REFUSAL_LIMIT: usize = 1 << 20;

/// What the same address says over fetch.
pub(super) enum Told {
    /// It would open.
    Opens,
    /// It would not, and why.
    Refuses(Error),
    /// Nothing in time: no connection was free, or the server is slow.
    Nothing,
}

/// The error of a WebSocket for `request` that closed with `code` before it opened.
pub(super) async fn why_not(transport: &FetchTransport, request: &http::Request<()>, code: u16) -> Error {
    let origin = fetch::origin(request.uri());
    let text = match ask(transport, request).await {
        Told::Refuses(error) => return error,
        Told::Opens => format!(
            "{origin} answers, but opens no WebSocket (code {code}): something between may forbid it. Watch over HTTP \
             instead, or try again"
        ),
        Told::Nothing => format!(
            "no WebSocket to {origin} (code {code}) and no answer there over fetch: is the server overloaded, or are all \
             6 connections of the browser taken?"
        ),
    };
    Error::transport(TransportErrorKind::Connect, text)
}

/// Asks the server for `request` over fetch.
pub(super) async fn ask(transport: &FetchTransport, request: &http::Request<()>) -> Told {
    let (mut parts, ()) = http::Request::new(()).into_parts();
    parts.uri = request.uri().clone();
    parts.headers = request.headers().clone();
    let asked = Box::pin(async {
        let (parts, body) = fetch::exchange(transport, parts, Body::Empty, None).await?.into_parts();
        // The body of a success is the watch itself: dropped, not read.
        let body = match parts.status.is_success() {
            true => None,
            false => body.collect(REFUSAL_LIMIT).await.ok(),
        };
        Ok::<_, Error>((parts, body.unwrap_or_default()))
    });
    let deadline = BrowserClock.sleep_until(BrowserClock.now() + transport.options.probe_timeout);
    match select(asked, deadline).await {
        Either::Left((Ok((head, body)), _)) if opens(head.status, &body) => Told::Opens,
        Either::Left((Ok((head, body)), _)) => Told::Refuses(refusal(request, &head, &body)),
        Either::Left((Err(error), _)) => Told::Refuses(error),
        Either::Right(((), _)) => Told::Nothing,
    }
}

/// Whether the answer is no refusal. "Upgrade required" is what exec and its like answer to any fetch.
fn opens(status: StatusCode, body: &[u8]) -> bool {
    let upgrade = status == StatusCode::BAD_REQUEST && contains(body, b"pgrade");
    status.is_success() || status == StatusCode::UPGRADE_REQUIRED || upgrade
}

fn refusal(request: &http::Request<()>, head: &http::response::Parts, body: &[u8]) -> Error {
    let error = rest::refusal(head.status, &head.headers, body);
    if !head.status.is_server_error() || !error.is_unexpected_server_error() || error.retry_after().is_some()
    {
        return error;
    }
    // The API server says what is wrong in a Status. This is `kubectl proxy`, or a gateway, that cannot reach it.
    let from = fetch::origin(request.uri());
    Error::transport(TransportErrorKind::Connect, format!("{from} cannot reach the API server: {error}"))
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len()).any(|window| window == part)
}
