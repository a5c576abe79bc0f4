//! How fast requests may go: a token bucket that all requests of a client share.
//!
//! Follows client-go 0.37 `util/flowcontrol/throttle.go` and `rest.Request.tryThrottle`: every attempt takes a token but
//! the first of a watch. Invariant: a wait that is given up gives its token back.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::config::RateLimit;
use crate::error::Error;
use crate::policy::TokenBucket;
use crate::time::Runtime;

/// Lets so many requests go a second. client-go's `flowcontrol.RateLimiter`.
#[derive(Debug)]
pub struct RateLimiter {
    bucket: Mutex<TokenBucket>,
}

impl RateLimiter {
    /// With a full bucket.
    pub fn new(limit: RateLimit) -> Self {
        Self { bucket: Mutex::new(TokenBucket::new(limit.qps.into(), limit.burst)) }
    }

    /// Resolves when a request may go. Fails when none ever may, for the rate is no positive number. client-go's `Wait`.
    pub async fn wait(&self, runtime: &Runtime) -> Result<(), Error> {
        let delay = self.lock().reserve(runtime.clock.now());
        if delay.is_zero() {
            return Ok(());
        }
        let mut reserved = Reserved { limiter: self, used: false };
        if delay == Duration::MAX {
            return Err(Error::config("the rate limit lets no request go: give a qps above 0, or no limit"));
        }
        runtime.sleep(delay).await;
        reserved.used = true;
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, TokenBucket> {
        self.bucket.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct Reserved<'a> {
    limiter: &'a RateLimiter,
    used: bool,
}

impl Drop for Reserved<'_> {
    fn drop(&mut self) {
        if !self.used {
            self.limiter.lock().give_back();
        }
    }
}
