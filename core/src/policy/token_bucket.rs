//! A token bucket as a calculator: it tells how long to wait, and somebody else waits.
//!
//! Follows client-go's `util/flowcontrol/throttle.go` (0.37) over golang.org/x/time/rate.
//!
//! Invariant: over any span never more than `burst + rate × span` tokens are due.

use std::time::Duration;

use crate::time::Instant;

/// So many a second on average, so many at once. client-go's `flowcontrol.NewTokenBucketRateLimiter`.
#[derive(Clone, Debug)]
pub struct TokenBucket {
    per_second: f64,
    burst: f64,
    /// Below zero when more tokens were reserved than there were.
    tokens: f64,
    at: Instant,
}

impl TokenBucket {
    /// A full bucket. A rate that is not a positive number never refills; the bucket holds at least one token.
    pub fn new(per_second: f64, burst: u32) -> Self {
        let burst = f64::from(burst.max(1));
        let per_second = if per_second > 0.0 { per_second } else { 0.0 };
        Self { per_second, burst, tokens: burst, at: Instant::default() }
    }

    /// Takes a token if there is one now. client-go's `TryAccept`.
    pub fn try_take(&mut self, now: Instant) -> bool {
        self.refill(now);
        let there = self.tokens >= 1.0;
        if there {
            self.tokens -= 1.0;
        }
        there
    }

    /// Takes a token in any case and tells how long to wait before using it. client-go's `Wait`, and what the
    /// workqueue's `BucketRateLimiter.When` does. [`Duration::MAX`] when the bucket never refills.
    pub fn reserve(&mut self, now: Instant) -> Duration {
        self.refill(now);
        self.tokens -= 1.0;
        if self.tokens >= 0.0 {
            return Duration::ZERO;
        }
        Duration::try_from_secs_f64(-self.tokens / self.per_second).unwrap_or(Duration::MAX)
    }

    /// Gives back a token that was reserved and will not be used.
    pub fn give_back(&mut self) {
        self.tokens = (self.tokens + 1.0).min(self.burst);
    }

    fn refill(&mut self, now: Instant) {
        let elapsed = now.saturating_duration_since(self.at);
        self.at = self.at.max(now);
        self.tokens = (self.tokens + elapsed.as_secs_f64() * self.per_second).min(self.burst);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Instant {
        Instant::from_origin(Duration::from_millis(millis))
    }

    #[test]
    fn a_burst_is_free_and_then_the_rate_rules() {
        let mut bucket = TokenBucket::new(10.0, 3);
        assert_eq!([(); 3].map(|()| bucket.reserve(at(0))), [Duration::ZERO; 3]);
        assert_eq!(bucket.reserve(at(0)), Duration::from_millis(100));
        assert_eq!(bucket.reserve(at(0)), Duration::from_millis(200));
        assert!(!bucket.try_take(at(200)));
        assert!(bucket.try_take(at(300)));
        bucket.reserve(at(300));
        bucket.give_back();
        assert!(bucket.try_take(at(400)));
    }

    #[test]
    fn a_long_rest_fills_no_more_than_the_burst() {
        let mut bucket = TokenBucket::new(5.0, 2);
        assert!(bucket.try_take(at(1_000_000)) && bucket.try_take(at(1_000_000)));
        assert!(!bucket.try_take(at(1_000_000)));
        assert!(!bucket.try_take(at(5)), "a clock that goes back gives nothing");
    }

    #[test]
    fn a_bucket_that_never_refills_says_so() {
        let mut bucket = TokenBucket::new(f64::NAN, 0);
        assert!(bucket.try_take(at(0)));
        assert_eq!(bucket.reserve(at(0)), Duration::MAX);
    }
}
