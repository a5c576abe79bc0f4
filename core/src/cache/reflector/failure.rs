//! What a failure means for what is asked next, and how long the wait before it is.
//!
//! Invariant: each failure is counted, noticed and kept as the last error, whatever follows it.

use std::time::Duration;

use super::state::{Next, State};
use super::{Action, Reflector};
use crate::error::{Error, ErrorKind, TransportErrorKind};
use crate::meta::Object;
use crate::time::Instant;

/// Internal errors so far apart do not belong together. client-go's `minResetPeriod`.
const INTERNAL_ERROR_RESET: Duration = Duration::from_secs(60);

impl<T: Object> Reflector<T> {
    /// Notes the error and waits before `next`.
    pub(super) fn fail(&mut self, now: Instant, error: &Error, next: Next<T>) {
        self.fresh = false;
        let asked = error.retry_after().unwrap_or_default();
        let delay = self.backoff.step(now).max(asked);
        self.keep_error(error, Some(delay));
        if matches!(next, Next::Round) {
            self.next_resync = None;
        }
        self.state = State::Backoff { until: now + delay, asked: now + asked, next };
        self.action = Some(Action::Close);
    }

    /// Notes an error after which it goes on at once.
    pub(super) fn note_error(&mut self, error: &Error) {
        self.keep_error(error, None);
    }

    fn keep_error(&mut self, error: &Error, retry_in: Option<Duration>) {
        self.counters.errors += 1;
        self.notices.failed(error, retry_in);
        self.last_error = Some((error.kind().clone(), error.to_string()));
    }

    /// Whether an internal error is to be met with the same watch, at once. client-go's `RetryWithDeadline`.
    pub(super) fn retries_internal_error(&mut self, now: Instant, error: &Error) -> bool {
        let open = matches!(&self.state, State::Watch(watch) if watch.opened);
        if !open || !error.is_internal_error() || self.options.internal_error_retry.is_zero() {
            return false;
        }
        let (first, last) = self.internal_errors.unwrap_or((now, now));
        let anew = now.saturating_duration_since(last) >= INTERNAL_ERROR_RESET;
        let first = if anew { now } else { first };
        let retries = now.saturating_duration_since(first) <= self.options.internal_error_retry;
        self.internal_errors = retries.then_some((first, now));
        retries
    }
}

/// The server is not there, or is busy: what was asked is still right. client-go's `isWatchErrorRetriable`.
pub(super) fn asks_the_same_again(error: &Error) -> bool {
    error.is_connect() || error.is_too_many_requests()
}

/// The server is there and says when to come back: what was asked is still right. client-go's request layer.
pub(super) fn asks_to_wait(error: &Error) -> bool {
    error.is_too_many_requests() || error.retry_after().is_some()
}

/// An open stream broke off; client-go's stream watcher ends such a watch without an error.
pub(super) fn is_break(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::Transport(TransportErrorKind::Interrupted) | ErrorKind::Timeout)
}
