//! Answers: success as bytes, a refusal as an error.
//!
//! Invariant: a body's first bytes are shown only when its content type is not the one asked for, so that no object
//! leaks through an error.

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use http::{HeaderMap, StatusCode};
use serde::de::DeserializeOwned;

use crate::codec;
use crate::error::Error;
use crate::meta::Format;
use crate::status::{Status, StatusDetails, failure, reason_of_code};
use crate::transport::Body;

/// The most of a refusal that is read, in bytes.
const REFUSAL_LIMIT: usize = 3 << 20;
/// The most of a whole answer that is read, in bytes. Lists of any size go through [`super::ListBody`].
const ANSWER_LIMIT: usize = 512 << 20;
/// How much of an unexpected body an error shows, in bytes.
const SHOWN: usize = 160;

/// A successful answer, read whole. client-go's `rest.Result`.
#[derive(Debug)]
pub struct Response {
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
    expected: bool,
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
        if self.expected { Ok(&self.body) } else { Err(unexpected(&self.headers, &self.body)) }
    }

    /// The body, read in the format it says it is in.
    pub fn into<T: DeserializeOwned>(self) -> Result<T, Error> {
        codec::read(self.format(), self.expected_bytes()?)
    }

    /// How the body is written.
    pub fn format(&self) -> Format {
        format_of(&self.headers).unwrap_or(Format::Json)
    }
}

/// Passes success on and turns a refusal into an error.
pub(super) async fn accept(response: http::Response<Body>) -> Result<http::Response<Body>, Error> {
    if response.status().is_success() {
        return Ok(response);
    }
    let (parts, body) = response.into_parts();
    // A refusal whose body breaks off is still that refusal.
    let body = body.collect(REFUSAL_LIMIT).await.unwrap_or_default();
    Err(refusal(parts.status, &parts.headers, &body))
}

/// Reads an accepted answer whole.
pub(super) async fn read(response: http::Response<Body>, accepted: &HeaderValue) -> Result<Response, Error> {
    let (parts, body) = response.into_parts();
    let body = body.collect(ANSWER_LIMIT).await?;
    let expected = media_type(&parts.headers).is_none_or(|given| {
        accepted.to_str().is_ok_and(|accepted| accepted.contains("*/*") || accepted.contains(given))
    });
    Ok(Response { status: parts.status, headers: parts.headers, body, expected })
}

/// The body of an accepted answer of objects, and how they are written; the error shows what it is instead.
pub(super) async fn expect_objects(response: http::Response<Body>) -> Result<(Body, Format), Error> {
    match format_of(response.headers()) {
        Some(format) => Ok((response.into_body(), format)),
        None => {
            let (parts, mut body) = response.into_parts();
            let first = body.chunk().await.and_then(Result::ok).unwrap_or_default();
            Err(unexpected(&parts.headers, &first))
        }
    }
}

/// The error of a status outside 2xx.
fn refusal(code: StatusCode, headers: &HeaderMap, body: &[u8]) -> Error {
    let format = format_of(headers).unwrap_or(Format::Json);
    let mut status = codec::read::<Status>(format, body).ok().unwrap_or_else(|| {
        let shown = if body.is_empty() { String::new() } else { format!(": {}", first_bytes(body)) };
        let kind = media_type(headers).unwrap_or("no content type");
        failure(
            code.as_u16(),
            reason_of_code(code.as_u16()),
            format!("the server answered {code} ({kind}){shown}"),
        )
    });
    status.code.get_or_insert(i32::from(code.as_u16()));
    let after =
        headers.get(RETRY_AFTER).and_then(|value| value.to_str().ok()).and_then(|text| text.parse().ok());
    if let Some(after) = after {
        let details = status.details.get_or_insert_with(StatusDetails::default);
        details.retry_after_seconds.get_or_insert(after);
    }
    Error::api(status)
}

fn unexpected(headers: &HeaderMap, body: &[u8]) -> Error {
    let kind = media_type(headers).unwrap_or("no content type");
    Error::decode(format!(
        "the answer is {kind} in place of application/json (is something between us and the API server?): {}",
        first_bytes(body)
    ))
}

/// The format that an answer says it is in, JSON when it says nothing; `None` for any other.
fn format_of(headers: &HeaderMap) -> Option<Format> {
    match media_type(headers) {
        Some("application/json") | None => Some(Format::Json),
        #[cfg(feature = "protobuf")]
        Some(codec::protobuf::MEDIA_TYPE) => Some(Format::Protobuf),
        #[cfg(feature = "cbor")]
        Some(codec::cbor::MEDIA_TYPE | codec::cbor::SEQUENCE_MEDIA_TYPE) => Some(Format::Cbor),
        Some(_) => None,
    }
}

fn media_type(headers: &HeaderMap) -> Option<&str> {
    let text = headers.get(CONTENT_TYPE)?.to_str().ok()?;
    Some(text.split(';').next().unwrap_or(text).trim())
}

fn first_bytes(body: &[u8]) -> String {
    let text: String = String::from_utf8_lossy(&body[..body.len().min(SHOWN)]).into();
    format!("{:?}{}", text.trim(), if body.len() > SHOWN { "…" } else { "" })
}
