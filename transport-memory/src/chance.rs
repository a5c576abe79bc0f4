//! Pseudo-random numbers from a seed (SplitMix64): identities, generated names and the workload's choices.
//!
//! Invariant: the same seed gives the same numbers on every target.

/// A source of numbers.
#[derive(Debug, Clone)]
pub(crate) struct Chance(u64);

/// The letters of generated name suffixes: no vowels, so that no words appear, and nothing that looks alike.
const NAME_LETTERS: &[u8; 27] = b"bcdfghjklmnpqrstvwxz2456789";

impl Chance {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number below `bound`; 0 when `bound` is.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        if bound == 0 { 0 } else { self.next() % bound }
    }

    /// A random identity (UUID version 4).
    pub(crate) fn uid(&mut self) -> String {
        let (high, low) = (self.next(), self.next());
        let (high, low) = ((high & !0xF000) | 0x4000, (low & !(3 << 62)) | (1 << 63));
        let (first, second, third) = (high >> 32, (high >> 16) & 0xFFFF, high & 0xFFFF);
        format!("{first:08x}-{second:04x}-{third:04x}-{:04x}-{:012x}", low >> 48, low & 0xFFFF_FFFF_FFFF)
    }

    /// What the server appends to `generateName`.
    pub(crate) fn suffix(&mut self, length: usize) -> String {
        (0..length).map(|_| char::from(NAME_LETTERS[self.below(27) as usize])).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identities_have_the_form_of_uuids() {
        let mut chance = Chance::new(7);
        for _ in 0..100 {
            let uid = chance.uid();
            let parts: Vec<_> = uid.split('-').map(str::len).collect();
            assert_eq!(parts, [8, 4, 4, 4, 12], "{uid}");
            assert!(uid.as_bytes()[14] == b'4' && b"89ab".contains(&uid.as_bytes()[19]), "{uid}");
        }
        assert_eq!(chance.suffix(5).len(), 5);
    }
}
