//! Exponential backoff with jitter, which starts over after a quiet time.
//!
//! Follows apimachinery's `util/wait/backoff.go` (0.37), `Backoff.Step` and `DelayWithReset`: the delay grows by
//! `factor` until it would pass `max`, stays there, and jitter only ever lengthens it.
//!
//! Differs: `DelayWithReset` starts over every interval, even while everything fails; here only an interval without
//! any delay starts over, which is what the reflector's own constants say they want.

use std::time::Duration;

use super::Random;
use crate::time::Instant;

/// How long to wait before the next try. apimachinery's `wait.Backoff`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Backoff {
    /// The first delay.
    pub initial: Duration,
    /// The longest delay, before jitter.
    pub max: Duration,
    /// What each delay is multiplied by to get the next.
    pub factor: f64,
    /// Up to this share of a delay is added to it at random; 0 adds nothing, 1 up to doubles it.
    pub jitter: f64,
    /// So long without a delay, and the next is `initial` again. Zero never starts over.
    pub reset_after: Duration,
}

impl Backoff {
    /// The reflector's: 800 ms to 30 s, doubling, jitter up to as much again, over after two quiet minutes.
    pub const REFLECTOR: Self = Self {
        initial: Duration::from_millis(800),
        max: Duration::from_secs(30),
        factor: 2.0,
        jitter: 1.0,
        reset_after: Duration::from_secs(120),
    };
}

/// So many tries with delays between them. The `Steps` of apimachinery's `wait.Backoff`, which counts both in one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Steps {
    /// How often to try, the first try included; one at least.
    pub tries: u32,
    /// How long to wait between them.
    pub backoff: Backoff,
}

/// Hands out one delay after the other. apimachinery's `wait.DelayFunc` of `DelayWithReset`.
#[derive(Clone, Debug)]
pub struct BackoffManager {
    backoff: Backoff,
    base: Duration,
    last_step: Option<Instant>,
    random: Random,
}

impl BackoffManager {
    /// Starts at `backoff.initial`; `seed` feeds the jitter.
    pub fn new(backoff: Backoff, seed: u64) -> Self {
        Self { backoff, base: backoff.initial, last_step: None, random: Random::new(seed) }
    }

    /// The delay for a failure at `now`; the next one will be longer.
    pub fn step(&mut self, now: Instant) -> Duration {
        let reset_after = self.backoff.reset_after;
        let quiet = self.last_step.is_some_and(|last| now.saturating_duration_since(last) > reset_after);
        if quiet && reset_after > Duration::ZERO {
            self.reset();
        }
        self.last_step = Some(now);
        let base = self.base;
        let grown = base.as_secs_f64() * self.backoff.factor.max(1.0);
        self.base =
            Duration::try_from_secs_f64(grown).map_or(self.backoff.max, |next| next.min(self.backoff.max));
        base + base.mul_f64(self.backoff.jitter.max(0.0) * self.random.fraction())
    }

    /// Starts over at `initial`.
    pub fn reset(&mut self) {
        self.base = self.backoff.initial;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Instant {
        Instant::from_origin(Duration::from_secs(seconds))
    }

    #[test]
    fn delays_double_to_the_limit_and_jitter_only_lengthens() {
        let mut manager = BackoffManager::new(Backoff::REFLECTOR, 3);
        for base in [800, 1_600, 3_200, 6_400, 12_800, 25_600, 30_000, 30_000] {
            let delay = manager.step(at(0));
            let base = Duration::from_millis(base);
            assert!(base <= delay && delay < base * 2, "{delay:?} for {base:?}");
        }
    }

    #[test]
    fn a_quiet_time_starts_over_and_a_busy_one_does_not() {
        let backoff = Backoff { jitter: 0.0, ..Backoff::REFLECTOR };
        let mut manager = BackoffManager::new(backoff, 0);
        for second in 0..10 {
            manager.step(at(second * 30));
        }
        assert_eq!(manager.step(at(390)), Duration::from_secs(30), "120 s are not yet quiet enough");
        assert_eq!(manager.step(at(511)), Duration::from_millis(800));
        assert_eq!(manager.step(at(512)), Duration::from_millis(1_600));
        manager.reset();
        assert_eq!(manager.step(at(513)), Duration::from_millis(800));
    }

    #[test]
    fn senseless_settings_do_no_harm() {
        let backoff = Backoff {
            factor: f64::INFINITY,
            jitter: -1.0,
            reset_after: Duration::ZERO,
            ..Backoff::REFLECTOR
        };
        let mut manager = BackoffManager::new(backoff, 0);
        assert_eq!(manager.step(at(0)), Duration::from_millis(800));
        assert_eq!(manager.step(at(1_000)), Duration::from_secs(30));
    }
}
