//! `metav1.Status`, the API server's answer when it refuses, and the reasons it gives.
//!
//! The struct is k8s-openapi's; here are its constructors, the names of its reasons, and what a refused answer means.
//!
//! Invariant: nothing that may be an object is told: of a body that looks like JSON, or says it holds objects, the length.

use std::time::Duration;

use http::header::{CONTENT_TYPE, HeaderValue, LOCATION, RETRY_AFTER};
use http::{HeaderMap, StatusCode, Uri};

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

/// A text in quotes, as the server's messages have it. Go's `strconv.Quote`.
///
/// ```
/// assert_eq!(portolan::status::quoted("a \"b\"\u{1}é"), r#""a \"b\"\x01é""#);
/// ```
pub fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for char in text.chars() {
        match char {
            '"' | '\\' => quoted.extend(['\\', char]),
            ' '..='~' => quoted.push(char),
            '\u{7}' => quoted.push_str("\\a"),
            '\u{8}' => quoted.push_str("\\b"),
            '\t' => quoted.push_str("\\t"),
            '\n' => quoted.push_str("\\n"),
            '\u{b}' => quoted.push_str("\\v"),
            '\u{c}' => quoted.push_str("\\f"),
            '\r' => quoted.push_str("\\r"),
            '\0'..='\u{7f}' => quoted.push_str(&format!("\\x{:02x}", u32::from(char))),
            _ if is_printable(char) => quoted.push(char),
            '\u{80}'..='\u{ffff}' => quoted.push_str(&format!("\\u{:04x}", u32::from(char))),
            _ => quoted.push_str(&format!("\\U{:08x}", u32::from(char))),
        }
    }
    quoted.push('"');
    quoted
}

/// Whether a character can be shown, which Rust says of one that does not begin a text.
fn is_printable(char: char) -> bool {
    let behind = String::from_iter(['a', char]);
    behind.escape_debug().eq(behind.chars())
}

/// How much of a body that holds no object is shown, in bytes.
const SHOWN: usize = 160;

/// The Status that an answer outside 2xx means: `told`, if the server's own could be read from the body, else one made of
/// the code, with the cause [`CAUSE_UNEXPECTED_SERVER_RESPONSE`]. Either has the code, and what `Retry-After` says.
/// client-go's `transformResponse` with `errors.NewGenericServerResponse`.
///
/// ```
/// use http::{HeaderMap, StatusCode, header::RETRY_AFTER};
/// use portolan::{Error, status};
/// let headers = HeaderMap::from_iter([(RETRY_AFTER, "7".parse().unwrap())]);
/// let error = Error::api(status::refused(StatusCode::TOO_MANY_REQUESTS, &headers, b"slow down", None));
/// assert!(error.is_too_many_requests());
/// assert_eq!(error.retry_after().map(|wait| wait.as_secs()), Some(7));
/// ```
pub fn refused(code: StatusCode, headers: &HeaderMap, body: &[u8], told: Option<Status>) -> Status {
    let mut status = told.unwrap_or_else(|| unexpected(code, headers, body));
    status.code.get_or_insert(i32::from(code.as_u16()));
    if let Some(after) = retry_after(headers) {
        let details = status.details.get_or_insert_with(StatusDetails::default);
        details.retry_after_seconds.get_or_insert(after);
    }
    status
}

/// The longest that anyone waits because a server asks for it: an hour. What asks for more is no server that is busy.
const LONGEST_WAIT: Duration = Duration::from_secs(3600);

/// How long to wait where a server asks for so many seconds.
pub(crate) fn wait_of(seconds: i32) -> Duration {
    Duration::from_secs(u64::try_from(seconds).unwrap_or_default()).min(LONGEST_WAIT)
}

/// The seconds that `Retry-After` asks for, where it says a number that a Status can hold.
pub(crate) fn retry_after(headers: &HeaderMap) -> Option<i32> {
    headers.get(RETRY_AFTER)?.to_str().ok()?.parse().ok()
}

/// A media type in small letters, its parameters apart.
pub(crate) fn plain_media_type(text: &str) -> String {
    text.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

/// The media type an answer says it is in; an empty one says nothing.
pub(crate) fn media_type(headers: &HeaderMap) -> Option<String> {
    let text = headers.get(CONTENT_TYPE)?.to_str().ok()?;
    Some(plain_media_type(text)).filter(|kind| !kind.is_empty())
}

/// The same for people.
pub(crate) fn media_type_told(headers: &HeaderMap) -> String {
    media_type(headers).unwrap_or_else(|| "no content type".to_owned())
}

/// What of a body of the media type `kind` may be shown: its first bytes, quoted, or the length of what may be an object.
pub(crate) fn shown(kind: &str, body: &[u8]) -> String {
    if may_be_object(kind, body) {
        return format!("{} bytes", body.len());
    }
    let text = String::from_utf8_lossy(&body[..body.len().min(SHOWN)]);
    format!("{:?}{}", text.trim(), if body.len() > SHOWN { "…" } else { "" })
}

/// What a refusal means whose body is no Status.
fn unexpected(code: StatusCode, headers: &HeaderMap, body: &[u8]) -> Status {
    let kind = media_type_told(headers);
    let (shown, said) = match (shown(&kind, body), body) {
        (_, []) => (String::new(), String::new()),
        (length, body) if may_be_object(&kind, body) => (format!(", {length}"), "unknown".to_owned()),
        (text, _) => (format!(": {text}"), text),
    };
    let hint = match headers.get(LOCATION).filter(|_| code.is_redirection()) {
        Some(location) => format!(
            "; the redirect to {} is not followed, for our credentials would go along: correct the server's address",
            origin_of(location)
        ),
        None => String::new(),
    };
    let answer = format!("{code} without a Status ({kind}{shown})");
    let message = match code {
        StatusCode::NOT_FOUND => format!(
            "the server could not find the requested resource, and answered {answer}: are its group, version, plural \
             and scope right?"
        ),
        _ => format!("the server answered {answer}{hint}"),
    };
    let mut status = failure(code.as_u16(), reason_of_code(code.as_u16()), message);
    let cause = StatusCause {
        reason: Some(CAUSE_UNEXPECTED_SERVER_RESPONSE.to_owned()),
        message: Some(said),
        field: None,
    };
    status.details = Some(StatusDetails { causes: Some(vec![cause]), ..StatusDetails::default() });
    status
}

/// Whether a body may be an object, or a part of one: by its type, or by how it begins, whatever its type.
fn may_be_object(kind: &str, body: &[u8]) -> bool {
    let of_objects = ["json", "yaml", "protobuf", "cbor"].iter().any(|format| kind.contains(format));
    // JSON, YAML, protobuf, and CBOR behind its tag.
    const BEGINNINGS: [&[u8]; 7] = [b"{", b"[", b"---", b"apiVersion:", b"kind:", b"k8s\0", b"\xd9\xd9\xf7"];
    of_objects || BEGINNINGS.iter().any(|beginning| body.trim_ascii_start().starts_with(beginning))
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

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(http::HeaderName, &'static str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.clone(), HeaderValue::from_static(value))).collect()
    }

    #[test]
    fn of_what_may_be_an_object_the_length_alone_is_told() {
        let shows = |kind, body: &str| {
            let status =
                refused(StatusCode::FORBIDDEN, &headers(&[(CONTENT_TYPE, kind)]), body.as_bytes(), None);
            format!("{status:?}").contains("hunter2")
        };
        for kind in [
            "application/json",
            "application/yaml",
            "application/vnd.kubernetes.protobuf",
            "application/cbor",
        ] {
            assert!(!shows(kind, "hunter2"), "{kind}");
        }
        for body in [
            "{\"data\":\"hunter2\"}",
            " \n[\"hunter2\"]",
            "apiVersion: v1\ndata: hunter2",
            "---\nkind: hunter2",
            "k8s\0hunter2",
        ] {
            assert!(!shows("text/plain", body), "{body}");
        }
        assert!(shows("text/html", "<p>hunter2"), "what a proxy says is shown");
    }

    /// What `strconv.Quote` of Go 1.26 makes of them.
    #[test]
    fn texts_are_quoted_as_go_quotes_them() {
        for (text, told) in [
            ("", r#""""#),
            ("it's", r#""it's""#),
            ("a\\\"", r#""a\\\"""#),
            ("\u{7}\u{8}\u{c}\n\r\t\u{b}\0\u{1f}\u{7f}", r#""\a\b\f\n\r\t\v\x00\x1f\x7f""#),
            ("é世\u{301}x\u{301}😀", "\"é世\u{301}x\u{301}😀\""),
            (
                "\u{80}\u{a0}\u{ad}\u{200b}\u{e000}\u{feff}\u{e0001}",
                r#""\u0080\u00a0\u00ad\u200b\ue000\ufeff\U000e0001""#,
            ),
        ] {
            assert_eq!(quoted(text), told);
        }
    }

    #[test]
    fn the_servers_own_words_and_wait_come_first() {
        let asked = headers(&[(RETRY_AFTER, "7")]);
        let told = failure(429, reason::TOO_MANY_REQUESTS, "of the server");
        let status = refused(StatusCode::TOO_MANY_REQUESTS, &asked, b"", Some(told.clone()));
        assert_eq!(status.message.as_deref(), Some("of the server"));
        assert_eq!(status.details.as_ref().unwrap().retry_after_seconds, Some(7));
        let sooner = StatusDetails { retry_after_seconds: Some(2), ..StatusDetails::default() };
        let told = Status { details: Some(sooner), ..told };
        let status = refused(StatusCode::TOO_MANY_REQUESTS, &asked, b"", Some(told));
        assert_eq!(status.details.unwrap().retry_after_seconds, Some(2));
        let date = headers(&[(RETRY_AFTER, "Wed, 21 Oct 2026 07:28:00 GMT")]);
        let status = refused(StatusCode::SERVICE_UNAVAILABLE, &date, b"busy", None);
        assert_eq!(status.details.unwrap().retry_after_seconds, None, "the server's clock may not be ours");
        assert_eq!((status.code, status.reason.as_deref()), (Some(503), Some(reason::SERVICE_UNAVAILABLE)));
    }
}
