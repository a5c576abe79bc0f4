//! When to try again and how fast to go: backoff, token bucket, and the seeded chance both lean on.
//!
//! Invariant: nothing here waits or reads a clock; every answer is a duration computed from the moment handed in.

mod backoff;
mod random;
mod token_bucket;

pub use backoff::{Backoff, BackoffManager, Steps};
pub use random::Random;
pub use token_bucket::TokenBucket;
