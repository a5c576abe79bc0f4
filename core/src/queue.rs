//! The workqueue, as pure machines: keys wait here until a worker takes them, once each, however often they were added.
//!
//! [`WorkQueue`] is the whole: order and priorities, delays, rate limits, metrics. It holds no lock, knows no clock and
//! wakes nobody; [`crate::informer::RateLimitingQueue`] is the handle that workers and handlers share.
//!
//! Invariant: a key is with one worker at most, and a key added while it is there comes again afterwards.

mod delays;
mod lists;
mod metrics;
mod rate_limiter;
mod work_queue;

pub use metrics::QueueMetrics;
pub use rate_limiter::{
    BucketRateLimiter, ExponentialRateLimiter, FastSlowRateLimiter, MaxOfRateLimiter, MaxWaitRateLimiter,
    RateLimiter, controller_rate_limiter,
};
pub use work_queue::{Priority, Ticket, WorkQueue};
