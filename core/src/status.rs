//! `metav1.Status`, the API server's answer when it refuses, and the reasons it gives.
//!
//! The struct is k8s-openapi's; here are its constructors and the names of its reasons.

pub use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Status, StatusCause, StatusDetails};

/// The machine-readable reasons of a failure, spelled as the server spells them. client-go's `metav1.StatusReason`.
pub mod reason {
    /// The request is malformed (400).
    pub const BAD_REQUEST: &str = "BadRequest";
    /// No valid credentials (401).
    pub const UNAUTHORIZED: &str = "Unauthorized";
    /// Valid credentials without the right to do this (403).
    pub const FORBIDDEN: &str = "Forbidden";
    /// The object or the resource does not exist (404).
    pub const NOT_FOUND: &str = "NotFound";
    /// The resource does not support the verb (405).
    pub const METHOD_NOT_ALLOWED: &str = "MethodNotAllowed";
    /// None of the accepted content types can be produced (406).
    pub const NOT_ACCEPTABLE: &str = "NotAcceptable";
    /// An object of this name exists already (409).
    pub const ALREADY_EXISTS: &str = "AlreadyExists";
    /// The object has changed since it was read (409).
    pub const CONFLICT: &str = "Conflict";
    /// The server has forgotten the object for good (410).
    pub const GONE: &str = "Gone";
    /// The resource version or continue token is too old (410).
    pub const EXPIRED: &str = "Expired";
    /// The body is larger than the server takes (413).
    pub const REQUEST_ENTITY_TOO_LARGE: &str = "RequestEntityTooLarge";
    /// The body's content type is not understood (415).
    pub const UNSUPPORTED_MEDIA_TYPE: &str = "UnsupportedMediaType";
    /// The object is not valid (422).
    pub const INVALID: &str = "Invalid";
    /// Too many requests: wait as long as `retryAfterSeconds` says (429).
    pub const TOO_MANY_REQUESTS: &str = "TooManyRequests";
    /// Something broke in the server (500).
    pub const INTERNAL_ERROR: &str = "InternalError";
    /// The server could not finish in time; it says when to come back (500).
    pub const SERVER_TIMEOUT: &str = "ServerTimeout";
    /// The server cannot read an object from its store, which may be corrupt (500).
    pub const STORE_READ_ERROR: &str = "StorageReadError";
    /// The server is not able to serve now (503).
    pub const SERVICE_UNAVAILABLE: &str = "ServiceUnavailable";
    /// The request took longer than its timeout (504).
    pub const TIMEOUT: &str = "Timeout";

    /// All of them: a reason that is not here counts as none.
    pub(crate) const ALL: [&str; 19] = [
        BAD_REQUEST,
        UNAUTHORIZED,
        FORBIDDEN,
        NOT_FOUND,
        METHOD_NOT_ALLOWED,
        NOT_ACCEPTABLE,
        ALREADY_EXISTS,
        CONFLICT,
        GONE,
        EXPIRED,
        REQUEST_ENTITY_TOO_LARGE,
        UNSUPPORTED_MEDIA_TYPE,
        INVALID,
        TOO_MANY_REQUESTS,
        INTERNAL_ERROR,
        SERVER_TIMEOUT,
        STORE_READ_ERROR,
        SERVICE_UNAVAILABLE,
        TIMEOUT,
    ];
}

/// The cause named in a 504 answer to a resource version the server has not reached yet.
pub const CAUSE_RESOURCE_VERSION_TOO_LARGE: &str = "ResourceVersionTooLarge";

/// The cause named where an answer had no Status to read. client-go's `CauseTypeUnexpectedServerResponse`.
pub const CAUSE_UNEXPECTED_SERVER_RESPONSE: &str = "UnexpectedServerResponse";

/// A failure with this HTTP `code`, `reason` (see [`reason`]) and `message`.
pub fn failure(code: u16, reason: &str, message: impl Into<String>) -> Status {
    Status {
        code: Some(i32::from(code)),
        reason: (!reason.is_empty()).then(|| reason.to_owned()),
        message: Some(message.into()),
        status: Some("Failure".to_owned()),
        ..Status::default()
    }
}

/// The reason a server means when it answers `code` without a readable Status. client-go's
/// `errors.NewGenericServerResponse`.
pub fn reason_of_code(code: u16) -> &'static str {
    match code {
        400 => reason::BAD_REQUEST,
        401 => reason::UNAUTHORIZED,
        403 => reason::FORBIDDEN,
        404 => reason::NOT_FOUND,
        405 => reason::METHOD_NOT_ALLOWED,
        406 => reason::NOT_ACCEPTABLE,
        409 => reason::CONFLICT,
        410 => reason::GONE,
        413 => reason::REQUEST_ENTITY_TOO_LARGE,
        415 => reason::UNSUPPORTED_MEDIA_TYPE,
        422 => reason::INVALID,
        429 => reason::TOO_MANY_REQUESTS,
        503 => reason::SERVICE_UNAVAILABLE,
        504 => reason::TIMEOUT,
        500.. => reason::INTERNAL_ERROR,
        _ => "",
    }
}
