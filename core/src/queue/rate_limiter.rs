//! How long an item that failed is to wait before it comes again.
//!
//! Follows client-go's `util/workqueue/default_rate_limiters.go` (0.37). Differs: no locks, the queue owns its limiter;
//! the moment is handed in.

use std::hash::Hash;
use std::time::Duration;

use hashbrown::HashMap;

use crate::policy::TokenBucket;
use crate::portable::MaybeSend;
use crate::time::Instant;

/// Decides how long a failed item waits. client-go's `workqueue.TypedRateLimiter`.
pub trait RateLimiter<T>: MaybeSend + 'static {
    /// How long `item`, which failed at `now`, is to wait. Each call counts as a failure.
    fn when(&mut self, now: Instant, item: &T) -> Duration;

    /// The item is done with, for good or for bad: its failures no longer count.
    fn forget(&mut self, item: &T);

    /// How often the item has failed since it was last forgotten.
    fn num_requeues(&self, item: &T) -> u32;
}

/// What controllers use unless they say otherwise: each item doubles its delay from 5 ms to 1,000 s, and all together
/// come back 10 a second after a burst of 100. client-go's `DefaultTypedControllerRateLimiter`.
pub fn controller_rate_limiter<T: Hash + Eq + Clone + MaybeSend + 'static>() -> MaxOfRateLimiter<T> {
    let per_item = ExponentialRateLimiter::new(Duration::from_millis(5), Duration::from_secs(1_000));
    MaxOfRateLimiter::new(vec![Box::new(per_item), Box::new(BucketRateLimiter(TokenBucket::new(10.0, 100)))])
}

/// The delay of each item doubles with every failure. client-go's `TypedItemExponentialFailureRateLimiter`.
#[derive(Clone, Debug)]
pub struct ExponentialRateLimiter<T> {
    base: Duration,
    max: Duration,
    failures: HashMap<T, u32>,
}

impl<T> ExponentialRateLimiter<T> {
    /// From `base`, doubling, to `max`.
    pub fn new(base: Duration, max: Duration) -> Self {
        Self { base, max, failures: HashMap::new() }
    }
}

impl<T: Hash + Eq + Clone + MaybeSend + 'static> RateLimiter<T> for ExponentialRateLimiter<T> {
    fn when(&mut self, _now: Instant, item: &T) -> Duration {
        let doublings = count(&mut self.failures, item) - 1;
        let (base, max) = (nanoseconds(self.base), nanoseconds(self.max));
        // Where doubling so often would pass the most, it is the most.
        let most = max.checked_shr(doublings).unwrap_or(0);
        if base > most { self.max } else { Duration::from_nanos(base.checked_shl(doublings).unwrap_or(0)) }
    }

    fn forget(&mut self, item: &T) {
        self.failures.remove(item);
    }

    fn num_requeues(&self, item: &T) -> u32 {
        self.failures.get(item).copied().unwrap_or_default()
    }
}

/// A few quick tries, then slow ones. client-go's `TypedItemFastSlowRateLimiter`.
#[derive(Clone, Debug)]
pub struct FastSlowRateLimiter<T> {
    fast: Duration,
    slow: Duration,
    fast_attempts: u32,
    failures: HashMap<T, u32>,
}

impl<T> FastSlowRateLimiter<T> {
    /// `fast` for the first `fast_attempts` failures of an item, `slow` afterwards.
    pub fn new(fast: Duration, slow: Duration, fast_attempts: u32) -> Self {
        Self { fast, slow, fast_attempts, failures: HashMap::new() }
    }
}

impl<T: Hash + Eq + Clone + MaybeSend + 'static> RateLimiter<T> for FastSlowRateLimiter<T> {
    fn when(&mut self, _now: Instant, item: &T) -> Duration {
        if count(&mut self.failures, item) <= self.fast_attempts { self.fast } else { self.slow }
    }

    fn forget(&mut self, item: &T) {
        self.failures.remove(item);
    }

    fn num_requeues(&self, item: &T) -> u32 {
        self.failures.get(item).copied().unwrap_or_default()
    }
}

/// All items share one token bucket. client-go's `TypedBucketRateLimiter`.
#[derive(Clone, Debug)]
pub struct BucketRateLimiter(pub TokenBucket);

impl<T> RateLimiter<T> for BucketRateLimiter {
    fn when(&mut self, now: Instant, _item: &T) -> Duration {
        self.0.reserve(now)
    }

    fn forget(&mut self, _item: &T) {}

    fn num_requeues(&self, _item: &T) -> u32 {
        0
    }
}

/// The longest delay of several limiters. client-go's `TypedMaxOfRateLimiter`.
pub struct MaxOfRateLimiter<T>(Vec<Box<dyn RateLimiter<T>>>);

impl<T> MaxOfRateLimiter<T> {
    /// The longest delay of `limiters`.
    pub fn new(limiters: Vec<Box<dyn RateLimiter<T>>>) -> Self {
        Self(limiters)
    }
}

impl<T: 'static> RateLimiter<T> for MaxOfRateLimiter<T> {
    fn when(&mut self, now: Instant, item: &T) -> Duration {
        self.0.iter_mut().map(|limiter| limiter.when(now, item)).max().unwrap_or_default()
    }

    fn forget(&mut self, item: &T) {
        self.0.iter_mut().for_each(|limiter| limiter.forget(item));
    }

    fn num_requeues(&self, item: &T) -> u32 {
        self.0.iter().map(|limiter| limiter.num_requeues(item)).max().unwrap_or_default()
    }
}

/// Never longer than a bound. client-go's `TypedWithMaxWaitRateLimiter`.
#[derive(Clone, Debug)]
pub struct MaxWaitRateLimiter<L> {
    limiter: L,
    max: Duration,
}

impl<L> MaxWaitRateLimiter<L> {
    /// What `limiter` says, `max` at most.
    pub fn new(limiter: L, max: Duration) -> Self {
        Self { limiter, max }
    }
}

impl<T, L: RateLimiter<T>> RateLimiter<T> for MaxWaitRateLimiter<L> {
    fn when(&mut self, now: Instant, item: &T) -> Duration {
        self.limiter.when(now, item).min(self.max)
    }

    fn forget(&mut self, item: &T) {
        self.limiter.forget(item);
    }

    fn num_requeues(&self, item: &T) -> u32 {
        self.limiter.num_requeues(item)
    }
}

/// Of a time within 584 years; of a longer one, that.
fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

/// One failure more; answers how many there are now.
fn count<T: Hash + Eq + Clone>(failures: &mut HashMap<T, u32>, item: &T) -> u32 {
    if let Some(counted) = failures.get_mut(item) {
        *counted = counted.saturating_add(1);
        return *counted;
    }
    failures.insert(item.clone(), 1);
    1
}

#[cfg(test)]
mod tests;
