//! Backing off from a server that says it is overloaded, for those who ask for it.
//!
//! Follows client-go 0.37 `rest/urlbackoff.go` over `util/flowcontrol/backoff.go`: answers 429 and 5xx lengthen the delay
//! before the next request, any other answer ends it. Differs: one delay per client, which has one server, in place of a
//! map of hosts; it is asked for by [`crate::config::Config::backoff`], not by the environment.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::policy::{Backoff, BackoffManager};
use crate::time::Instant;

/// What is known of the server's load. client-go's `rest.URLBackoff`.
#[derive(Debug)]
pub(super) struct Overload {
    state: Mutex<(BackoffManager, Duration)>,
}

impl Overload {
    pub(super) fn new(backoff: Backoff, seed: u64) -> Self {
        Self { state: Mutex::new((BackoffManager::new(backoff, seed), Duration::ZERO)) }
    }

    /// How long to wait before the next request. client-go's `CalculateBackoff`.
    pub(super) fn delay(&self) -> Duration {
        self.lock().1
    }

    /// Learns from an answer; 0 for none. client-go's `UpdateBackoff`.
    pub(super) fn update(&self, code: u16, now: Instant) {
        let (manager, delay) = &mut *self.lock();
        if code == 429 || code > 499 {
            *delay = manager.step(now);
        } else {
            manager.reset();
            *delay = Duration::ZERO;
        }
    }

    fn lock(&self) -> MutexGuard<'_, (BackoffManager, Duration)> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// client-go's `TestURLBackoffFunctionality`: 1 s growing to 60 s.
    #[test]
    fn overload_doubles_the_delay_and_any_other_answer_ends_it() {
        let backoff = Backoff {
            initial: Duration::from_secs(1),
            max: Duration::from_secs(60),
            factor: 2.0,
            jitter: 0.0,
            reset_after: Duration::from_secs(120),
        };
        let overload = Overload::new(backoff, 0);
        let now = Instant::default();
        assert_eq!(overload.delay(), Duration::ZERO);
        for code in [200, 200, 404, 0] {
            overload.update(code, now);
            assert_eq!(overload.delay(), Duration::ZERO, "{code}");
        }
        for (code, seconds) in
            [(429, 1), (500, 2), (501, 4), (502, 8), (504, 16), (500, 32), (500, 60), (503, 60)]
        {
            overload.update(code, now);
            assert_eq!(overload.delay(), Duration::from_secs(seconds), "{code}");
        }
        overload.update(500, now + Duration::from_secs(121));
        assert_eq!(overload.delay(), Duration::from_secs(1), "a long quiet time starts over");
        overload.update(409, now);
        assert_eq!(overload.delay(), Duration::ZERO);
    }
}
