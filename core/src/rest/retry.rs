//! When a request is sent again. Follows client-go 0.37 `rest/with_retry.go` and `rest/request.go`: an answer 429 or 5xx
//! that says `Retry-After`, and a GET or a watch whose connection broke before an answer.
//!
//! A request that the server turned away unseen is sent again whatever it asks. Go's HTTP/2 transport does so below
//! client-go, up to six times; here it waits, and counts, like any other.
//! Differs: a watch that broke each time ends in the error and not in an empty watch; a wait of more than an hour is one
//! of an hour; a number of seconds that a Status could not hold (2³¹ and more) is no wait, where client-go's overflows
//! from 2³³ on.
//! Invariant: a request whose body is a stream is sent once.

use std::time::Duration;

use http::{Method, Response, StatusCode};

use super::Request;
use super::answer;
use crate::error::{Error, ErrorKind, TransportErrorKind};
use crate::status;
use crate::transport::Body;

/// How often a request is sent again unless it says otherwise; client-go's default.
pub(super) const MAX_RETRIES: u32 = 10;

/// How long to wait before a broken request is sent again.
const AFTER_INTERRUPTION: Duration = Duration::from_secs(1);

/// What is wanted of the answer, by which it is decided what is tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    /// All of it. client-go's `Do` and `DoRaw`.
    Whole,
    /// Its body as it comes. client-go's `Stream`.
    Stream,
    /// Events. client-go's `Watch`.
    Watch,
}

/// Sends `request` until it is answered with success; a refusal is an error that holds the server's Status.
pub(super) async fn send(request: &mut Request, mode: Mode) -> Result<Response<Body>, Error> {
    let client = request.client().clone();
    let (runtime, overload) = (client.runtime(), client.overload());
    let mut body = std::mem::take(request.body_mut());
    let question = request.question();
    let mut previous: Option<String> = None;
    let mut wait = Duration::ZERO;
    for retries in 0.. {
        let delay = overload.map_or(Duration::ZERO, |overload| overload.delay()).max(wait);
        if !delay.is_zero() {
            runtime.sleep(delay).await;
        }
        if retries > 0 {
            // The server has heard this request before: it counts like any other.
            request.throttled().await?;
        }
        let again = body.replay().filter(|_| retries < client.max_retries);
        let sent = request.head()?.body(std::mem::take(&mut body));
        let sent = sent.map_err(|error| Error::config("the request cannot be written").with_source(error))?;
        let outcome = client.transport().send(sent).await;
        if let Some(overload) = overload {
            let code = outcome.as_ref().map_or(0, |response| response.status().as_u16());
            overload.update(code, runtime.clock.now());
        }
        let next = match &outcome {
            Ok(response) => retry_after(response),
            Err(error) => is_repeatable(request, mode, error).then_some(AFTER_INTERRUPTION),
        };
        match (next, again) {
            (Some(next), Some(again)) => {
                previous = outcome.as_ref().err().map(Error::to_string).or(previous);
                // The refused answer is dropped first: its connection is free while we wait.
                drop(outcome);
                (wait, body) = (next, again);
            }
            _ => {
                let answered = match outcome {
                    Ok(response) => answer::accept(response, &question).await,
                    Err(error) => Err(error),
                };
                return answered.map_err(|error| match previous {
                    Some(previous) => error.after_attempt(&previous),
                    None => error,
                });
            }
        }
    }
    Err(Error::canceled("the request was never sent"))
}

/// Whether the same request may be sent again: it was not looked at, or changes nothing.
fn is_repeatable(request: &Request, mode: Mode, error: &Error) -> bool {
    match mode {
        _ if *error.kind() == ErrorKind::Transport(TransportErrorKind::TurnedAway) => true,
        Mode::Whole => request.method() == Method::GET && error.is_interrupted(),
        Mode::Stream => false,
        Mode::Watch => error.is_interrupted() || *error.kind() == ErrorKind::Timeout,
    }
}

fn retry_after(response: &Response<Body>) -> Option<Duration> {
    let status = response.status();
    if status != StatusCode::TOO_MANY_REQUESTS && !status.is_server_error() {
        return None;
    }
    status::retry_after(response.headers()).map(status::wait_of)
}
