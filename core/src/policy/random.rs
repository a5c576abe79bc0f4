//! Chance from a seed: a small generator (SplitMix64) for jitter and random timeouts, never for secrets.
//!
//! Invariant: the same seed gives the same numbers on every target.

use std::time::Duration;

/// A seeded generator.
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// Starts at `seed`.
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next 64 bits.
    pub const fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number from 0 (included) to 1 (excluded).
    pub fn fraction(&mut self) -> f64 {
        // 53 bits are what a f64 holds exactly.
        (self.next_u64() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// A number from 0 (included) to `bound` (excluded); 0 when `bound` is 0.
    pub const fn below(&mut self, bound: u64) -> u64 {
        ((self.next_u64() as u128 * bound as u128) >> 64) as u64
    }

    /// A duration from `least` (included) to `most` (excluded); `least` when `most` is not greater.
    pub fn between(&mut self, least: Duration, most: Duration) -> Duration {
        least + most.saturating_sub(least).mul_f64(self.fraction())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_stay_in_their_range_and_follow_the_seed() {
        let (mut one, mut two) = (Random::new(7), Random::new(7));
        let (least, most) = (Duration::from_secs(5), Duration::from_secs(10));
        for _ in 0..1_000 {
            let timeout = one.between(least, most);
            assert!(least <= timeout && timeout < most);
            assert_eq!(timeout, two.between(least, most));
            let number = one.below(3);
            assert!(number < 3);
            assert_eq!(number, two.below(3));
        }
        assert_ne!(Random::new(1).next_u64(), Random::new(2).next_u64());
        assert_eq!(one.below(0), 0);
        assert_eq!(one.between(most, least), most);
    }
}
