//! How many events an object may have: a token bucket for each object and source.
//!
//! Follows `EventSourceObjectSpamFilter` of client-go's `tools/record/events_cache.go` (0.37).

use super::lru::Lru;
use crate::policy::TokenBucket;
use crate::time::Instant;

/// The filter.
#[derive(Debug)]
pub(super) struct SpamFilter {
    buckets: Lru<TokenBucket>,
    burst: u32,
    per_second: f64,
}

impl SpamFilter {
    pub(super) fn new(capacity: usize, burst: u32, per_second: f64) -> Self {
        Self { buckets: Lru::new(capacity), burst, per_second }
    }

    /// Whether the object and source that `key` names may have one more.
    pub(super) fn admits(&mut self, now: Instant, key: &str) -> bool {
        let Self { buckets, burst, per_second } = self;
        buckets.entry(key, || TokenBucket::new(*per_second, *burst)).try_take(now)
    }
}
