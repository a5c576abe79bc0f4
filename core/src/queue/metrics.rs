//! What a queue tells of itself, as a value.
//!
//! Follows client-go's `util/workqueue/metrics.go` (0.37). Differs: a snapshot instead of a provider of counters; what
//! depends on the moment (unfinished work, the longest) is computed when asked, not twice a second.

use std::time::Duration;

use crate::time::Histogram;

/// How a queue stands at one moment. The times are counted only in a queue that was asked to
/// ([`WorkQueue::with_metrics`](super::WorkQueue::with_metrics)).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct QueueMetrics {
    /// How many items wait for a worker, with those that were added again while one is at them. client-go's
    /// `workqueue_depth`.
    pub depth: usize,
    /// How many of them are ready and have low priority.
    pub depth_low: usize,
    /// How many items wait for their delay to end.
    pub delayed: usize,
    /// How many items are with workers.
    pub processing: usize,
    /// How many additions were not merged into a waiting one. `workqueue_adds_total`.
    pub adds: u64,
    /// How many items were added with a delay or a rate limit. `workqueue_retries_total`.
    pub retries: u64,
    /// How long it took from when items were added until a worker took them. `workqueue_queue_duration_seconds`.
    pub latency: Histogram,
    /// How long workers were at them. `workqueue_work_duration_seconds`.
    pub work_duration: Histogram,
    /// How long, in sum, workers have been at what they are at. `workqueue_unfinished_work_seconds`.
    pub unfinished: Duration,
    /// How long the slowest of them has. `workqueue_longest_running_processor_seconds`.
    pub longest_running: Duration,
}
