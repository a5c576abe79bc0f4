//! Answers: success as bytes, a refusal as an error.
//!
//! Invariant: a body's first bytes are shown only when its content type is not the one asked for, so that no object
//! leaks through an error.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderValue, LOCATION, RETRY_AFTER};
use http::{HeaderMap, Method, StatusCode, Uri};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::{Warning, WarningHandler, warning};

use crate::codec;
use crate::error::Error;
use crate::meta::Format;
use crate::status::{
    CAUSE_UNEXPECTED_SERVER_RESPONSE, Status, StatusCause, StatusDetails, failure, reason, reason_of_code,
};
use crate::transport::Body;

/// The most of a refusal that is read, in bytes.
const REFUSAL_LIMIT: usize = 3 << 20;
/// The most of a whole answer that is read, in bytes. Lists of any size go through [`super::ListBody`].
const ANSWER_LIMIT: usize = 512 << 20;
/// The most that a Status takes, in bytes, beside an answer of success.
const STATUS_SIZE: usize = 64 << 10;
/// How much of an unexpected body an error shows, in bytes.
const SHOWN: usize = 160;

/// A successful answer, read whole. client-go's `rest.Result`.
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

    /// The body, read in the format it says it is in. A Status that tells of a failure is that error. client-go's
    /// `Result.Into`.
    pub fn into<T: DeserializeOwned>(self) -> Result<T, Error> {
        codec::read(self.format(), self.object_bytes()?)
    }

    /// The body of an answer that must hold an object: neither empty nor a Status that tells of a failure.
    pub(crate) fn object_bytes(&self) -> Result<&[u8], Error> {
        let bytes = self.expected_bytes()?;
        if bytes.is_empty() {
            let kind = media_type(&self.headers).unwrap_or("no content type");
            return Err(Error::decode(format!("the answer {} ({kind}) has no body", self.status)));
        }
        // Small, as a Status is: others are not read twice.
        let failure = (bytes.len() <= STATUS_SIZE && memchr::memmem::find(bytes, b"Failure").is_some())
            .then(|| failure_in(&self.headers, bytes));
        match failure.flatten().filter(|status| status.status.as_deref() == Some("Failure")) {
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
    Err(refusal(parts.status, &parts.headers, &body, question))
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

/// The error of a status outside 2xx: the server's Status, or one made of the code when its body is none.
fn refusal(code: StatusCode, headers: &HeaderMap, body: &[u8], question: &Question) -> Error {
    let mut status =
        failure_in(headers, body).unwrap_or_else(|| unexpected_refusal(code, headers, body, question));
    status.code.get_or_insert(i32::from(code.as_u16()));
    let after =
        headers.get(RETRY_AFTER).and_then(|value| value.to_str().ok()).and_then(|text| text.parse().ok());
    if let Some(after) = after {
        let details = status.details.get_or_insert_with(StatusDetails::default);
        details.retry_after_seconds.get_or_insert(after);
    }
    Error::api(status)
}

/// The Status in a body that is one and does not tell of success.
fn failure_in(headers: &HeaderMap, body: &[u8]) -> Option<Status> {
    #[derive(Deserialize)]
    struct Named {
        kind: String,
    }
    let format = format_of(headers)?;
    let named: Named = codec::read(format, body).ok()?;
    let status: Status = codec::read(format, body).ok().filter(|_| named.kind == "Status")?;
    (status.status.as_deref() != Some("Success")).then_some(status)
}

/// What a refusal means whose body is no Status. client-go's `errors.NewGenericServerResponse`.
fn unexpected_refusal(code: StatusCode, headers: &HeaderMap, body: &[u8], question: &Question) -> Status {
    let kind = media_type(headers).unwrap_or("no content type");
    let strange = format_of(headers).is_none();
    let shown = match body {
        [] => String::new(),
        body if strange => format!(": {}", first_bytes(body)),
        // In the format that objects come in, it may be one.
        body => format!(", {} bytes", body.len()),
    };
    let hint = match headers.get(LOCATION).filter(|_| code.is_redirection()) {
        Some(location) => format!(
            "; the redirect to {} is not followed, for our credentials would go along: correct the server's address",
            origin_of(location)
        ),
        None => String::new(),
    };
    let message = format!("the server answered {code} without a Status ({kind}{shown}){hint}");
    let said = if strange { first_bytes(body) } else { "unknown".to_owned() };
    let reason = match code {
        StatusCode::CONFLICT if question.method == Method::POST => reason::ALREADY_EXISTS,
        code => reason_of_code(code.as_u16()),
    };
    let mut status = failure(code.as_u16(), reason, message);
    status.details = Some(StatusDetails {
        group: question.group.clone(),
        kind: question.resource.clone(),
        name: question.name.clone(),
        causes: Some(vec![StatusCause {
            reason: Some(CAUSE_UNEXPECTED_SERVER_RESPONSE.to_owned()),
            message: Some(said),
            field: None,
        }]),
        ..StatusDetails::default()
    });
    status
}

/// Scheme and authority of an address: its path or query may be nobody's business.
fn origin_of(location: &HeaderValue) -> String {
    let uri = location.to_str().ok().and_then(|text| text.parse::<Uri>().ok());
    match uri.as_ref().and_then(|uri| Some((uri.scheme_str()?, uri.authority()?))) {
        Some((scheme, authority)) => match authority.port() {
            Some(port) => format!("{scheme}://{}:{port}", authority.host()),
            None => format!("{scheme}://{}", authority.host()),
        },
        None => "another path of the same server".to_owned(),
    }
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
