//! What a queue tells of itself, as a value.
//!
//! Follows client-go's `util/workqueue/metrics.go` (0.37). Differs: a snapshot instead of a provider of counters; what
//! depends on the moment (unfinished work, the longest) is computed when asked, not twice a second.

use std::time::Duration;

/// How a queue stands at one moment. The times are counted only in a queue that was asked to
/// ([`WorkQueue::with_metrics`](super::WorkQueue::with_metrics)).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct QueueMetrics {
    /// How many items are ready for a worker. client-go's `workqueue_depth`.
    pub depth: usize,
    /// How many of them have low priority.
    pub depth_low: usize,
    /// How many items wait for their delay to end.
    pub delayed: usize,
    /// How many items are with workers.
    pub processing: usize,
    /// How many additions were not merged into a waiting one. `workqueue_adds_total`.
    pub adds: u64,
    /// How many items were added with a delay or a rate limit. `workqueue_retries_total`.
    pub retries: u64,
    /// How long items were ready before a worker took them. `workqueue_queue_duration_seconds`.
    pub latency: Histogram,
    /// How long workers were at them. `workqueue_work_duration_seconds`.
    pub work_duration: Histogram,
    /// How long, in sum, workers have been at what they are at. `workqueue_unfinished_work_seconds`.
    pub unfinished: Duration,
    /// How long the slowest of them has. `workqueue_longest_running_processor_seconds`.
    pub longest_running: Duration,
}

/// Durations counted by size, a bucket a decade from 10 ns to 10 s and one for all above: the buckets that workqueue
/// metrics have in Kubernetes' components (component-base `metrics/prometheus/workqueue`).
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Histogram {
    /// How many fell into each bucket.
    pub buckets: [u64; Self::BOUNDS.len() + 1],
    /// How many there were.
    pub count: u64,
    /// All together.
    pub sum: Duration,
}

impl Histogram {
    /// The upper bounds of the buckets, each included.
    pub const BOUNDS: [Duration; 10] = [
        Duration::from_nanos(10),
        Duration::from_nanos(100),
        Duration::from_micros(1),
        Duration::from_micros(10),
        Duration::from_micros(100),
        Duration::from_millis(1),
        Duration::from_millis(10),
        Duration::from_millis(100),
        Duration::from_secs(1),
        Duration::from_secs(10),
    ];

    /// Counts one.
    pub fn observe(&mut self, duration: Duration) {
        let bucket = Self::BOUNDS.iter().take_while(|bound| **bound < duration).count();
        if let Some(counted) = self.buckets.get_mut(bucket) {
            *counted += 1;
        }
        self.count += 1;
        self.sum = self.sum.saturating_add(duration);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_fall_into_their_decade() {
        let mut histogram = Histogram::default();
        for nanos in [0, 10, 11, 1_000_000_000, 1_000_000_001, u64::MAX] {
            histogram.observe(Duration::from_nanos(nanos));
        }
        assert_eq!(histogram.count, 6);
        assert_eq!(histogram.buckets.iter().sum::<u64>(), 6);
        assert_eq!((histogram.buckets[0], histogram.buckets[1]), (2, 1));
        assert_eq!((histogram.buckets[8], histogram.buckets[9], histogram.buckets[10]), (1, 1, 1));
    }
}
