//! Why a WebSocket did not open. The browser says only "1006", so the same address is asked over fetch.
//!
//! Invariant: it always ends, with the API server's own error where it has one.

use futures::future::{Either, select};
use http::StatusCode;
use portolan::status::{Status, failure, reason_of_code};
use portolan::time::Clock;
use portolan::transport::Body;
use portolan::{Error, TransportErrorKind};

use super::clock::BrowserClock;
use super::fetch;
use super::transport::FetchTransport;

/// The most of a refusal that is read, in bytes.
const REFUSAL_LIMIT: usize = 1 << 20;

/// How much of a refusal that is no Status is shown, in characters.
const SHOWN: usize = 200;

/// The error of a WebSocket for `request` that closed with `code` before it opened.
pub(super) async fn why_not(transport: &FetchTransport, request: &http::Request<()>, code: u16) -> Error {
    match ask(transport, request).await {
        Err(error) => error,
        Ok(()) => Error::transport(
            TransportErrorKind::Connect,
            format!(
                "{} answers, but opens no WebSocket (code {code}): something between may forbid it. Watch over HTTP \
                 instead, or try again",
                fetch::origin(request.uri())
            ),
        ),
    }
}

/// Asks the server for `request` over fetch: fine when it would open, else with the reason it would not.
pub(super) async fn ask(transport: &FetchTransport, request: &http::Request<()>) -> Result<(), Error> {
    let (mut parts, ()) = http::Request::new(()).into_parts();
    parts.uri = request.uri().clone();
    parts.headers = request.headers().clone();
    let asked = Box::pin(async {
        let response = fetch::exchange(transport, parts, Body::Empty, None).await?;
        let status = response.status();
        // The body of a success is the watch itself: dropped, not read.
        let body = match status.is_success() {
            true => None,
            false => response.into_body().collect(REFUSAL_LIMIT).await.ok(),
        };
        Ok::<_, Error>((status, body.unwrap_or_default()))
    });
    let deadline = BrowserClock.sleep_until(BrowserClock.now() + transport.options.probe_timeout);
    match select(asked, deadline).await {
        Either::Left((answer, _)) => {
            let (status, body) = answer?;
            refusal(status, &body).map_or(Ok(()), |status| Err(Error::api(status)))
        }
        Either::Right(((), _)) => Err(Error::transport(
            TransportErrorKind::Connect,
            format!(
                "no WebSocket to {} and no answer there over fetch: is the server overloaded, or are all 6 connections \
                 of the browser taken?",
                fetch::origin(request.uri())
            ),
        )),
    }
}

fn refusal(status: StatusCode, body: &[u8]) -> Option<Status> {
    // "Upgrade required" is what exec and its like answer to any fetch: it says nothing of the handshake.
    let upgrade = status == StatusCode::BAD_REQUEST && contains(body, b"pgrade");
    if status.is_success() || status == StatusCode::UPGRADE_REQUIRED || upgrade {
        return None;
    }
    let mut refusal = serde_json::from_slice::<Status>(body).unwrap_or_else(|_| {
        let text = String::from_utf8_lossy(body);
        let text: String = text.trim().chars().take(SHOWN).collect();
        failure(
            status.as_u16(),
            reason_of_code(status.as_u16()),
            format!("the server answered {status}: {text}"),
        )
    });
    refusal.code.get_or_insert(i32::from(status.as_u16()));
    Some(refusal)
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len()).any(|window| window == part)
}
