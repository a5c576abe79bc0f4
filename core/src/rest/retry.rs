//! When a request is sent again. client-go's `rest/with_retry.go`:
//! an answer 429 or 5xx that says `Retry-After`, and a GET whose connection broke before an answer.
//!
//! Invariant: a request whose body is a stream is sent once.

use std::time::Duration;

use http::header::RETRY_AFTER;
use http::{Method, Response, StatusCode};

use super::Request;
use super::answer;
use crate::error::{Error, ErrorKind, TransportErrorKind};
use crate::transport::Body;

/// How often a request is sent again; client-go's default.
const MAX_RETRIES: u32 = 10;

/// How long to wait before a broken GET is sent again.
const AFTER_INTERRUPTION: Duration = Duration::from_secs(1);

/// Sends `request` until it is answered with success; a refusal is an error that holds the server's Status.
pub(super) async fn send(request: &mut Request) -> Result<Response<Body>, Error> {
    let client = request.client().clone();
    let mut body = std::mem::take(request.body_mut());
    for retries in 0.. {
        let again = body.replay().filter(|_| retries < MAX_RETRIES);
        let sent = request.head()?.body(std::mem::take(&mut body));
        let sent = sent.map_err(|error| Error::config("the request cannot be written").with_source(error))?;
        let outcome = client.transport().send(sent).await;
        let wait = match &outcome {
            Ok(response) if response.status().is_success() => None,
            Ok(response) => retry_after(response),
            Err(error) => {
                (request.method() == Method::GET && interrupted(error)).then_some(AFTER_INTERRUPTION)
            }
        };
        match (wait, again) {
            (Some(wait), Some(again)) => {
                // The refused answer is dropped first: its connection is free while we wait.
                drop(outcome);
                client.runtime().sleep(wait).await;
                body = again;
            }
            _ => return answer::accept(outcome?).await,
        }
    }
    Err(Error::canceled("the request was never sent"))
}

fn retry_after(response: &Response<Body>) -> Option<Duration> {
    let status = response.status();
    if status != StatusCode::TOO_MANY_REQUESTS && !status.is_server_error() {
        return None;
    }
    let seconds: u64 = response.headers().get(RETRY_AFTER)?.to_str().ok()?.parse().ok()?;
    Some(Duration::from_secs(seconds))
}

fn interrupted(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::Transport(TransportErrorKind::Interrupted))
}
