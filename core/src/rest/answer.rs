//! Answers: success as bytes, a refusal as an error.
//!
//! Invariant: a body's first bytes are shown only when it cannot be an object, by its content type and by how it begins, so
//! that none leaks through an error.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use http::header::HeaderValue;
use http::{HeaderMap, Method, StatusCode};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::{Warning, WarningHandler, warning};

use crate::codec;
use crate::error::Error;
use crate::meta::Format;
use crate::status::{self, Status, media_type, media_type_told, plain_media_type, reason};
use crate::transport::Body;

/// The most of a refusal that is read, in bytes.
const REFUSAL_LIMIT: usize = 3 << 20;
/// The most of a whole answer that is read, in bytes. Lists of any size go through [`super::ListBody`].
const ANSWER_LIMIT: usize = 512 << 20;
/// The most that a Status takes, in bytes, beside an answer of success.
pub(super) const STATUS_SIZE: usize = 64 << 10;

/// A successful answer, read whole. client-go's `rest.Result`.
pub struct Response {
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
    /// The `Accept` header it answers.
    accepted: HeaderValue,
}

impl Response {
    /// The status code, 2xx.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// The headers.
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// The body.
    pub fn bytes(&self) -> &Bytes {
        &self.body
    }

    /// The body, if it is of the kind that was asked for.
    pub fn expected_bytes(&self) -> Result<&[u8], Error> {
        let accepted = self.accepted.to_str().unwrap_or_default();
        let is_accepted = |given: String| {
            accepted.split(',').map(plain_media_type).any(|accepted| accepted == given || accepted == "*/*")
        };
        if media_type(&self.headers).is_none_or(is_accepted) {
            return Ok(&self.body);
        }
        Err(unexpected(&self.headers, &self.accepted, &self.body))
    }

    /// The body, read in the format it says it is in. A Status that tells of a failure is that error. client-go's
    /// `Result.Into`.
    pub fn into<T: DeserializeOwned>(self) -> Result<T, Error> {
        codec::read(self.format(), self.object_bytes()?)
    }

    /// The body of an answer that must hold an object: neither empty nor a Status that tells of a failure.
    pub(crate) fn object_bytes(&self) -> Result<&[u8], Error> {
        let bytes = self.expected_bytes()?;
        if bytes.is_empty() {
            let kind = media_type_told(&self.headers);
            return Err(Error::decode(format!("the answer {} ({kind}) has no body", self.status)));
        }
        match failure_instead(self.format(), bytes) {
            Some(status) => Err(Error::api(status)),
            None => Ok(bytes),
        }
    }

    /// What the server said beside its answer. client-go's `Result.Warnings`.
    pub fn warnings(&self) -> Vec<Warning> {
        warning::warnings(&self.headers)
    }

    /// How the body is written.
    pub fn format(&self) -> Format {
        format_of(&self.headers).unwrap_or(Format::Json)
    }
}

impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The body may be a Secret.
        write!(f, "Response({}, {} bytes)", self.status, self.body.len())
    }
}

/// What was asked, for the words of a refusal, and who is told the warnings beside an answer.
pub(super) struct Question {
    pub(super) method: Method,
    pub(super) group: Option<String>,
    pub(super) resource: Option<String>,
    pub(super) name: Option<String>,
    pub(super) warnings: Arc<dyn WarningHandler>,
}

/// Passes success on and turns a refusal into an error; the warnings of either go to their handler.
pub(super) async fn accept(
    response: http::Response<Body>,
    question: &Question,
) -> Result<http::Response<Body>, Error> {
    for warning in warning::warnings(response.headers()) {
        question.warnings.handle_warning(&warning);
    }
    if response.status().is_success() {
        return Ok(response);
    }
    let (parts, body) = response.into_parts();
    // A refusal whose body breaks off is still that refusal.
    let body = body.collect(REFUSAL_LIMIT).await.unwrap_or_default();
    Err(refusal_of(question, parts.status, &parts.headers, &body))
}

/// Reads whole an answer of success to a request with this `Accept` header.
pub(super) async fn read(response: http::Response<Body>, accepted: HeaderValue) -> Result<Response, Error> {
    let (parts, body) = response.into_parts();
    let body = body.collect(ANSWER_LIMIT).await?;
    Ok(Response { status: parts.status, headers: parts.headers, body, accepted })
}

/// The body of an answer of objects to a request with this `Accept` header, and how they are written; the error shows
/// what it is instead.
pub(super) async fn expect_objects(
    response: http::Response<Body>,
    accepted: &HeaderValue,
) -> Result<(Body, Format), Error> {
    match format_of(response.headers()) {
        Some(format) => Ok((response.into_body(), format)),
        None => {
            let (parts, mut body) = response.into_parts();
            let first = body.chunk().await.and_then(Result::ok).unwrap_or_default();
            Err(unexpected(&parts.headers, accepted, &first))
        }
    }
}

/// The error of an answer outside 2xx: the server's Status, or one made of the code when its body is none. For transports
/// as well, whose handshakes may be met with such an answer.
pub fn refusal(code: StatusCode, headers: &HeaderMap, body: &[u8]) -> Error {
    Error::api(status::refused(code, headers, body, failure_told(headers, body)))
}

/// The same, in the words of the question where the server found none.
fn refusal_of(question: &Question, code: StatusCode, headers: &HeaderMap, body: &[u8]) -> Error {
    let told = failure_told(headers, body);
    let is_servers = told.is_some();
    let mut status = status::refused(code, headers, body, told);
    if !is_servers {
        if code == StatusCode::CONFLICT && question.method == Method::POST {
            status.reason = Some(reason::ALREADY_EXISTS.to_owned());
        }
        let details = status.details.get_or_insert_default();
        (details.group, details.kind, details.name) =
            (question.group.clone(), question.resource.clone(), question.name.clone());
    }
    Error::api(status)
}

fn failure_told(headers: &HeaderMap, body: &[u8]) -> Option<Status> {
    failure_in(format_of(headers)?, body)
}

/// The Status in a body or an event's object that is one and does not tell of success.
pub(super) fn failure_in(format: Format, body: &[u8]) -> Option<Status> {
    #[derive(Deserialize)]
    struct Named {
        kind: String,
    }
    let named: Named = codec::read(format, body).ok()?;
    let status: Status = codec::read(format, body).ok().filter(|_| named.kind == "Status")?;
    (status.status.as_deref() != Some("Success")).then_some(status)
}

/// The Status in the place of an object or a list, if it tells of a failure: beside a code of success it must say so.
pub(super) fn failure_instead(format: Format, body: &[u8]) -> Option<Status> {
    // Small, as a Status is: others are not read twice.
    let mut capitals = memchr::memchr_iter(b'F', body);
    let may_be = body.len() <= STATUS_SIZE && capitals.any(|at| body[at..].starts_with(b"Failure"));
    let status = may_be.then(|| failure_in(format, body)).flatten()?;
    (status.status.as_deref() == Some("Failure")).then_some(status)
}

fn unexpected(headers: &HeaderMap, accepted: &HeaderValue, body: &[u8]) -> Error {
    let (kind, accepted) = (media_type_told(headers), accepted.to_str().unwrap_or_default());
    Error::decode(format!(
        "the answer is {kind} in place of {accepted} (is something between us and the API server?): {}",
        status::shown(&kind, body)
    ))
}

/// The format that an answer says it is in, JSON when it says nothing; `None` for any other.
fn format_of(headers: &HeaderMap) -> Option<Format> {
    media_type(headers).map_or(Some(Format::Json), |kind| codec::format_of(&kind))
}
