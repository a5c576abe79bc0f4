//! What a cluster leaves to chance, from a seed: identities, generated names and the workload's choices.

use portolan::policy::Random;

/// A source of numbers.
#[derive(Debug, Clone)]
pub(crate) struct Chance(Random);

/// The letters of generated name suffixes: no vowels, so that no words appear, and nothing that looks alike.
const NAME_LETTERS: &[u8; 27] = b"bcdfghjklmnpqrstvwxz2456789";

impl Chance {
    pub(crate) fn new(seed: u64) -> Self {
        Self(Random::new(seed))
    }

    /// A number below `bound`; 0 when `bound` is.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        if bound == 0 { 0 } else { self.0.next_u64() % bound }
    }

    /// A random identity (UUID version 4).
    pub(crate) fn uid(&mut self) -> String {
        let (high, low) = (self.0.next_u64(), self.0.next_u64());
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
