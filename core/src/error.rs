//! The one public error: what kind, what was being done, and the chain of causes.
//!
//! Invariant: `Send + Sync` on every target, and no bytes of an object in its text.

use std::borrow::Cow;
use std::error::Error as StdError;
use std::fmt;
use std::time::Duration;

use crate::status::{
    self, CAUSE_RESOURCE_VERSION_TOO_LARGE, CAUSE_UNEXPECTED_SERVER_RESPONSE, Status, reason,
};

type Source = Box<dyn StdError + Send + Sync + 'static>;

/// Why something failed. Ask it by predicate ([`Error::is_not_found`], …) or by [`Error::kind`].
pub struct Error(Box<Inner>);

struct Inner {
    kind: ErrorKind,
    message: Cow<'static, str>,
    doing: Vec<Cow<'static, str>>,
    source: Option<Source>,
}

/// The kinds of failure.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The API server answered with a failure.
    Api(Box<Status>),
    /// The request or its answer did not get through.
    Transport(TransportErrorKind),
    /// Bytes arrived that are not what they claim to be.
    Decode,
    /// A kubeconfig, an option or an argument is wrong. Nothing was sent.
    Config,
    /// Credentials could not be had. Nothing was sent.
    Auth,
    /// The caller's own time limit ran out.
    Timeout,
    /// The caller stopped it, or what it belonged to has ended.
    Canceled,
    /// This transport or this build cannot do it.
    Unsupported,
    /// The server serves no such resource or kind.
    NoMatch,
    /// Several resources or kinds are meant: name the group or the version.
    Ambiguous,
}

/// How a transport failed, told by what a retry would mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum TransportErrorKind {
    /// No connection was made: nothing was sent, any request may be tried again.
    Connect,
    /// The peer turned the request away before it looked at it: any request may be tried again, after a moment.
    TurnedAway,
    /// The peer's certificate or ours was refused: trying again changes nothing.
    Tls,
    /// The exchange broke after the request may have been sent: only a request that changes nothing, or is safe to repeat, may be tried again.
    Interrupted,
    /// The peer does not speak what was expected of it: trying again changes nothing.
    Protocol,
    /// A bound on size was exceeded: trying again changes nothing.
    TooLarge,
}

impl Error {
    /// An error of `kind` that says `message`.
    pub fn new(kind: ErrorKind, message: impl Into<Cow<'static, str>>) -> Self {
        Self(Box::new(Inner { kind, message: message.into(), doing: Vec::new(), source: None }))
    }

    /// The same failure for another who asks: its kind and words, without its source.
    pub(crate) fn again(&self) -> Self {
        Self::new(self.kind().clone(), self.to_string())
    }

    /// The server's refusal.
    pub fn api(status: Status) -> Self {
        let message = match (&status.message, &status.reason, status.code) {
            (Some(message), _, _) if !message.is_empty() => message.clone(),
            (_, Some(reason), _) if !reason.is_empty() => reason.clone(),
            (_, _, code) => format!("the server answered with status {}", code.unwrap_or_default()),
        };
        Self::new(ErrorKind::Api(Box::new(status)), message)
    }

    /// A failure of the transport.
    pub fn transport(kind: TransportErrorKind, message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ErrorKind::Transport(kind), message)
    }

    /// Bytes that are not what they claim to be.
    pub fn decode(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ErrorKind::Decode, message)
    }

    /// A wrong setting or argument.
    pub fn config(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ErrorKind::Config, message)
    }

    /// Credentials that could not be had.
    pub fn auth(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ErrorKind::Auth, message)
    }

    /// A time limit of the caller's.
    pub fn timeout(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ErrorKind::Timeout, message)
    }

    /// A stop asked for by the caller.
    pub fn canceled(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ErrorKind::Canceled, message)
    }

    /// Something this transport or build cannot do.
    pub fn unsupported(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ErrorKind::Unsupported, message)
    }

    /// Names the cause.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Source>) -> Self {
        self.0.source = Some(source.into());
        self
    }

    /// Says what was being done, outermost last: `doing("list pods")`.
    #[must_use]
    pub fn doing(mut self, what: impl Into<Cow<'static, str>>) -> Self {
        self.0.doing.push(what.into());
        self
    }

    /// Tells of the attempt before the one that failed in this way, unless it failed alike. client-go's
    /// `WithRetry.WrapPreviousError`.
    #[must_use]
    pub(crate) fn after_attempt(mut self, previous: &str) -> Self {
        if self.0.message != previous {
            self.0.message = format!("{}; an attempt before it failed so: {previous}", self.0.message).into();
        }
        self
    }

    /// What went wrong, without what was being done.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// What kind of failure this is.
    pub fn kind(&self) -> &ErrorKind {
        &self.0.kind
    }

    /// The server's answer, when it is one.
    pub fn status(&self) -> Option<&Status> {
        match &self.0.kind {
            ErrorKind::Api(status) => Some(status),
            _ => None,
        }
    }

    /// The HTTP code of the server's answer.
    pub fn code(&self) -> Option<u16> {
        self.status().and_then(|status| status.code).and_then(|code| u16::try_from(code).ok())
    }

    /// The reason of the server's answer, "" when there is none.
    pub fn reason(&self) -> &str {
        self.status().and_then(|status| status.reason.as_deref()).unwrap_or("")
    }

    /// How long to wait before the next try because the server asks for it: at most an hour, whatever it asks.
    /// client-go's `errors.SuggestsClientDelay`.
    pub fn retry_after(&self) -> Option<Duration> {
        let seconds = self.status()?.details.as_ref()?.retry_after_seconds?;
        Some(status::wait_of(seconds)).filter(|wait| !wait.is_zero())
    }

    /// The object or resource does not exist. client-go's `errors.IsNotFound`. A missing object is named by the server's
    /// Status (`details.name`); of a resource it does not know (a wrong group, version, plural or scope, a definition that
    /// is not there yet) its Status names none, or there is no Status ([`Error::is_unexpected_server_error`]).
    pub fn is_not_found(&self) -> bool {
        self.is_reason(reason::NOT_FOUND, 404)
    }

    /// The name is taken. client-go's `errors.IsAlreadyExists`.
    pub fn is_already_exists(&self) -> bool {
        self.reason() == reason::ALREADY_EXISTS
    }

    /// The object has changed since it was read. client-go's `errors.IsConflict`.
    pub fn is_conflict(&self) -> bool {
        self.is_reason(reason::CONFLICT, 409)
    }

    /// The object is not valid. client-go's `errors.IsInvalid`.
    pub fn is_invalid(&self) -> bool {
        self.is_reason(reason::INVALID, 422)
    }

    /// No valid credentials. client-go's `errors.IsUnauthorized`.
    pub fn is_unauthorized(&self) -> bool {
        self.is_reason(reason::UNAUTHORIZED, 401)
    }

    /// Not allowed. client-go's `errors.IsForbidden`.
    pub fn is_forbidden(&self) -> bool {
        self.is_reason(reason::FORBIDDEN, 403)
    }

    /// The resource version or continue token is too old: list anew. client-go's `errors.IsResourceExpired` and
    /// `errors.IsGone`.
    pub fn is_expired(&self) -> bool {
        self.reason() == reason::EXPIRED || self.is_reason(reason::GONE, 410)
    }

    /// The server asks to slow down. client-go's `errors.IsTooManyRequests`.
    pub fn is_too_many_requests(&self) -> bool {
        self.is_reason(reason::TOO_MANY_REQUESTS, 429)
    }

    /// Something broke in the server. client-go's `errors.IsInternalError`.
    pub fn is_internal_error(&self) -> bool {
        self.is_reason(reason::INTERNAL_ERROR, 500)
    }

    /// The server cannot serve now. client-go's `errors.IsServiceUnavailable`.
    pub fn is_service_unavailable(&self) -> bool {
        self.is_reason(reason::SERVICE_UNAVAILABLE, 503)
    }

    /// The request is malformed. client-go's `errors.IsBadRequest`.
    pub fn is_bad_request(&self) -> bool {
        self.is_reason(reason::BAD_REQUEST, 400)
    }

    /// The resource does not have the verb. client-go's `errors.IsMethodNotSupported`.
    pub fn is_method_not_supported(&self) -> bool {
        self.is_reason(reason::METHOD_NOT_ALLOWED, 405)
    }

    /// The server has none of the content types asked for. client-go's `errors.IsNotAcceptable`.
    pub fn is_not_acceptable(&self) -> bool {
        self.is_reason(reason::NOT_ACCEPTABLE, 406)
    }

    /// The server does not read the content type sent. client-go's `errors.IsUnsupportedMediaType`.
    pub fn is_unsupported_media_type(&self) -> bool {
        self.is_reason(reason::UNSUPPORTED_MEDIA_TYPE, 415)
    }

    /// What was sent is larger than the server takes. client-go's `errors.IsRequestEntityTooLargeError`.
    pub fn is_request_entity_too_large(&self) -> bool {
        self.is_reason(reason::REQUEST_ENTITY_TOO_LARGE, 413)
    }

    /// The server has forgotten the object for good. client-go's `errors.IsGone`.
    pub fn is_gone(&self) -> bool {
        self.is_reason(reason::GONE, 410)
    }

    /// The server could not finish in time and says when to come back. client-go's `errors.IsServerTimeout`.
    pub fn is_server_timeout(&self) -> bool {
        self.reason() == reason::SERVER_TIMEOUT
    }

    /// The server cannot read the object from its store. client-go's `errors.IsStoreReadError`.
    pub fn is_store_read_error(&self) -> bool {
        self.reason() == reason::STORE_READ_ERROR
    }

    /// The answer had no Status to read: something between us and the API server may have given it. client-go's
    /// `errors.IsUnexpectedServerError`.
    pub fn is_unexpected_server_error(&self) -> bool {
        self.has_status_cause(CAUSE_UNEXPECTED_SERVER_RESPONSE)
    }

    /// Whether the server names this cause among its reasons. client-go's `errors.HasStatusCause`.
    pub fn has_status_cause(&self, cause: &str) -> bool {
        let details = self.status().and_then(|status| status.details.as_ref());
        let causes = details.and_then(|details| details.causes.as_ref()).into_iter().flatten();
        causes.into_iter().any(|given| given.reason.as_deref() == Some(cause))
    }

    /// The server or the caller ran out of time. client-go's `errors.IsTimeout` and `errors.IsServerTimeout`.
    pub fn is_timeout(&self) -> bool {
        matches!(self.0.kind, ErrorKind::Timeout)
            || matches!(self.reason(), reason::TIMEOUT | reason::SERVER_TIMEOUT)
    }

    /// The server serves no such resource or kind. client-go's `meta.IsNoMatchError`.
    pub fn is_no_match(&self) -> bool {
        matches!(self.0.kind, ErrorKind::NoMatch)
    }

    /// Several resources or kinds are meant. client-go's `meta.IsAmbiguousError`.
    pub fn is_ambiguous(&self) -> bool {
        matches!(self.0.kind, ErrorKind::Ambiguous)
    }

    /// The server has not reached this resource version yet. client-go's `errors.IsTooLargeResourceVersion`.
    pub fn is_too_large_resource_version(&self) -> bool {
        let Some(details) = self.status().and_then(|status| status.details.as_ref()) else { return false };
        self.reason() == reason::TIMEOUT
            && details.causes.iter().flatten().any(|cause| {
                cause.reason.as_deref() == Some(CAUSE_RESOURCE_VERSION_TOO_LARGE)
                    || cause.message.as_deref() == Some("Too large resource version")
            })
    }

    /// No connection could be made. client-go's `net.IsConnectionRefused`.
    pub fn is_connect(&self) -> bool {
        matches!(self.0.kind, ErrorKind::Transport(TransportErrorKind::Connect))
    }

    /// The exchange broke after the request may have been sent. client-go's `net.IsConnectionReset` and `net.IsProbableEOF`.
    pub fn is_interrupted(&self) -> bool {
        matches!(self.0.kind, ErrorKind::Transport(TransportErrorKind::Interrupted))
    }

    /// A kubeconfig, an option or an argument is wrong.
    pub fn is_config(&self) -> bool {
        matches!(self.0.kind, ErrorKind::Config)
    }

    /// Credentials could not be had.
    pub fn is_auth(&self) -> bool {
        matches!(self.0.kind, ErrorKind::Auth)
    }

    /// Any failure of the transport.
    pub fn is_transport(&self) -> bool {
        matches!(self.0.kind, ErrorKind::Transport(_))
    }

    /// Bytes that are not what they claim to be.
    pub fn is_decode(&self) -> bool {
        matches!(self.0.kind, ErrorKind::Decode)
    }

    /// Stopped by the caller.
    pub fn is_canceled(&self) -> bool {
        matches!(self.0.kind, ErrorKind::Canceled)
    }

    /// Not to be had on this transport or in this build.
    pub fn is_unsupported(&self) -> bool {
        matches!(self.0.kind, ErrorKind::Unsupported)
    }

    /// The server gave this reason, or this code and no reason that is known. client-go's `knownReasons` rule.
    fn is_reason(&self, reason: &str, code: u16) -> bool {
        let given = self.reason();
        given == reason || (self.code() == Some(code) && !reason::ALL.contains(&given))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for what in self.0.doing.iter().rev() {
            write!(f, "{what}: ")?;
        }
        f.write_str(&self.0.message)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("Error");
        match &self.0.kind {
            ErrorKind::Api(status) => debug.field("code", &status.code).field("reason", &status.reason),
            kind => debug.field("kind", kind),
        };
        debug.field("message", &self.to_string()).field("source", &self.0.source).finish()
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source.as_deref().map(|source| source as &(dyn StdError + 'static))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::status::failure;

    #[test]
    fn predicates_ask_the_reason_first_and_the_code_when_there_is_none() {
        assert!(Error::api(failure(404, reason::NOT_FOUND, "no")).is_not_found());
        assert!(Error::api(failure(404, "", "no")).is_not_found());
        let taken = Error::api(failure(409, reason::ALREADY_EXISTS, "taken"));
        assert!(taken.is_already_exists() && !taken.is_conflict());
        assert!(Error::api(failure(410, reason::EXPIRED, "old")).is_expired());
        assert!(Error::api(failure(410, reason::GONE, "old")).is_expired());
    }

    #[test]
    fn every_reason_has_a_predicate_of_its_own() {
        type Predicate = fn(&Error) -> bool;
        let predicates: [(&str, u16, Predicate); 19] = [
            (reason::BAD_REQUEST, 400, Error::is_bad_request),
            (reason::UNAUTHORIZED, 401, Error::is_unauthorized),
            (reason::FORBIDDEN, 403, Error::is_forbidden),
            (reason::NOT_FOUND, 404, Error::is_not_found),
            (reason::METHOD_NOT_ALLOWED, 405, Error::is_method_not_supported),
            (reason::NOT_ACCEPTABLE, 406, Error::is_not_acceptable),
            (reason::ALREADY_EXISTS, 409, Error::is_already_exists),
            (reason::CONFLICT, 409, Error::is_conflict),
            (reason::GONE, 410, Error::is_gone),
            (reason::EXPIRED, 410, Error::is_expired),
            (reason::REQUEST_ENTITY_TOO_LARGE, 413, Error::is_request_entity_too_large),
            (reason::UNSUPPORTED_MEDIA_TYPE, 415, Error::is_unsupported_media_type),
            (reason::INVALID, 422, Error::is_invalid),
            (reason::TOO_MANY_REQUESTS, 429, Error::is_too_many_requests),
            (reason::INTERNAL_ERROR, 500, Error::is_internal_error),
            (reason::SERVER_TIMEOUT, 500, Error::is_server_timeout),
            (reason::STORE_READ_ERROR, 500, Error::is_store_read_error),
            (reason::SERVICE_UNAVAILABLE, 503, Error::is_service_unavailable),
            (reason::TIMEOUT, 504, Error::is_timeout),
        ];
        for (given, code, _) in predicates {
            let error = Error::api(failure(code, given, "no"));
            for (asked, _, holds) in predicates {
                // A 410 of either reason means to list anew, and a server's timeout is a timeout too.
                let also = (given == reason::GONE && asked == reason::EXPIRED)
                    || (given == reason::SERVER_TIMEOUT && asked == reason::TIMEOUT);
                assert_eq!(holds(&error), given == asked || also, "{asked} of {given} {code}");
            }
        }
        let strange = Error::api(failure(404, "SomethingNew", "no"));
        assert!(strange.is_not_found(), "an unknown reason counts as none");
    }

    #[test]
    fn text_says_what_was_done_from_the_outside_in() {
        let error = Error::decode("bad byte at 7").doing("read list").doing("sync pods");
        assert_eq!(error.to_string(), "sync pods: read list: bad byte at 7");
    }

    #[test]
    fn a_server_says_when_to_come_back() {
        let mut status = failure(429, reason::TOO_MANY_REQUESTS, "slow down");
        for (asked, seconds) in
            [(3, Some(3)), (3601, Some(3600)), (i32::MAX, Some(3600)), (0, None), (-1, None)]
        {
            status.details =
                Some(status::StatusDetails { retry_after_seconds: Some(asked), ..Default::default() });
            assert_eq!(Error::api(status.clone()).retry_after(), seconds.map(Duration::from_secs), "{asked}");
        }
    }
}
