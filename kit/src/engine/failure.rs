//! An error as it crosses to TypeScript, which makes one of its classes of it.
//!
//! Invariant: it says no more than the error itself does, which shows no bytes of an object.

use portolan::{Error, ErrorKind, TransportErrorKind};
use serde::Serialize;
use serde_json::Value;
use wasm_bindgen::JsValue;

/// Everything a class of `errors.ts` is chosen and filled by.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Failure {
    kind: &'static str,
    message: String,
    #[serde(skip_serializing_if = "str::is_empty")]
    reason: String,
    code: Option<u16>,
    /// In seconds.
    retry_after: Option<u64>,
    status: Option<Value>,
    /// Which predicates hold of an answer of the API server, by the name of the class.
    #[serde(skip_serializing_if = "Option::is_none")]
    class: Option<&'static str>,
}

impl Failure {
    pub(super) fn new(error: &Error) -> Self {
        Self {
            kind: kind(error),
            message: error.to_string(),
            reason: error.reason().to_owned(),
            code: error.code(),
            retry_after: error.retry_after().map(|wait| wait.as_secs()),
            status: error.status().and_then(|status| serde_json::to_value(status).ok()),
            class: class(error),
        }
    }

    /// As JSON text.
    pub(super) fn to_js(&self) -> JsValue {
        // It has no map with keys that are not strings: it can always be written.
        JsValue::from_str(&serde_json::to_string(self).unwrap_or_default())
    }
}

fn kind(error: &Error) -> &'static str {
    match error.kind() {
        ErrorKind::Api(_) => "api",
        ErrorKind::Transport(TransportErrorKind::Connect) => "connect",
        ErrorKind::Transport(TransportErrorKind::TooLarge) => "tooLarge",
        ErrorKind::Transport(_) => "interrupted",
        ErrorKind::Decode => "decode",
        ErrorKind::Config => "config",
        ErrorKind::Auth => "auth",
        ErrorKind::Timeout => "timeout",
        ErrorKind::Canceled => "canceled",
        ErrorKind::Unsupported => "unsupported",
        ErrorKind::NoMatch => "noMatch",
        ErrorKind::Ambiguous => "ambiguous",
        _ => "other",
    }
}

/// The families of client-go's predicates; the first that holds.
fn class(error: &Error) -> Option<&'static str> {
    type Predicate = fn(&Error) -> bool;
    let families: [(&str, Predicate); 17] = [
        ("AlreadyExists", Error::is_already_exists),
        ("Expired", Error::is_expired),
        ("Timeout", Error::is_timeout),
        ("NotFound", Error::is_not_found),
        ("Conflict", Error::is_conflict),
        ("Invalid", Error::is_invalid),
        ("Unauthorized", Error::is_unauthorized),
        ("Forbidden", Error::is_forbidden),
        ("BadRequest", Error::is_bad_request),
        ("MethodNotSupported", Error::is_method_not_supported),
        ("NotAcceptable", Error::is_not_acceptable),
        ("UnsupportedMediaType", Error::is_unsupported_media_type),
        ("RequestEntityTooLarge", Error::is_request_entity_too_large),
        ("TooManyRequests", Error::is_too_many_requests),
        ("ServiceUnavailable", Error::is_service_unavailable),
        ("InternalError", Error::is_internal_error),
        ("StoreRead", Error::is_store_read_error),
    ];
    error.status()?;
    families.into_iter().find(|(_, holds)| holds(error)).map(|(name, _)| name)
}
