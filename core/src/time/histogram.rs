//! [`Histogram`]: durations, counted by size. Invariant: every duration counted is in exactly one bucket.

use std::time::Duration;

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
