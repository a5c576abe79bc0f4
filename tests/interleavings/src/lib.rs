//! What several threads share in core, under every interleaving of their steps that loom finds up to a bound on preemptions:
//! the signal that informers wake others by, and the handle of the workqueue.
//!
//! Invariant: what is tried is core's own code, copied by `build.rs` with loom's locks in it. What that stands on is core's
//! too, and takes no lock.
#![cfg(test)]

mod informer;

mod cache {
    pub(crate) use portolan::cache::Event;
}
mod meta {
    pub(crate) use portolan::meta::{Key, Object};
}
mod portable {
    pub(crate) use portolan::portable::{MaybeSend, MaybeSync};
}
mod queue {
    pub(crate) use portolan::queue::{
        Priority, QueueMetrics, RateLimiter, Ticket, WorkQueue, controller_rate_limiter,
    };
}
mod time {
    pub(crate) use portolan::time::{Instant, Runtime};
}
