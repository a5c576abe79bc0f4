//! 64 bytes at once: a mask of 64 bits tells which of them are what is asked for, the first byte lowest.

use wide::u8x16;

pub(super) const BLOCK: usize = 64;

/// The bytes that a backslash escapes, of a block of this length; `carried` tells of the byte behind it. Backslashes are
/// rare: one step for each pair.
pub(super) fn escaped_bytes(backslashes: u64, length: usize, carried: &mut bool) -> u64 {
    let mut escaped = u128::from(std::mem::take(carried));
    let mut left = u128::from(backslashes) & !escaped;
    while left != 0 {
        let next = 1 << (left.trailing_zeros() + 1);
        escaped |= next;
        left &= left - 1;
        left &= !next;
    }
    *carried = escaped >> length & 1 == 1;
    escaped as u64
}

/// Ones from each odd quote up to the next, that one excluded: the inside of strings.
pub(super) fn spread(quotes: u64) -> u64 {
    let mut inside = quotes;
    for shift in [1, 2, 4, 8, 16, 32] {
        inside ^= inside << shift;
    }
    inside
}

/// The highest bit, in all places.
#[inline]
pub(super) fn sign(mask: u64) -> u64 {
    (mask as i64 >> 63) as u64
}

/// What is left behind the last whole block, spaces behind it.
pub(super) fn padded(tail: &[u8]) -> [u8; BLOCK] {
    let mut padded = [b' '; BLOCK];
    padded[..tail.len()].copy_from_slice(tail);
    padded
}

/// A block, sixteen bytes a register.
#[derive(Clone, Copy)]
pub(super) struct Lanes([u8x16; 4]);

impl Lanes {
    #[inline]
    pub(super) fn of(block: &[u8; BLOCK]) -> Self {
        let lanes = block.as_chunks::<16>().0;
        Self(std::array::from_fn(|index| u8x16::from(lanes[index])))
    }

    /// The same with this bit set in every byte.
    #[inline]
    fn with(self, bit: u8) -> Self {
        Self(self.0.map(|lane| lane | u8x16::splat(bit)))
    }

    /// A one for each byte that is `byte`, the first lowest.
    #[inline]
    pub(super) fn bits(self, byte: u8) -> u64 {
        let [a, b, c, d] = self.0.map(|lane| u64::from(lane.simd_eq(u8x16::splat(byte)).to_bitmask()));
        a | b << 16 | c << 32 | d << 48
    }

    /// A one for each opening bracket, and for each closing one.
    #[inline]
    pub(super) fn brackets(self) -> (u64, u64) {
        // In ASCII `[` and `{`, `]` and `}` differ by this one bit, and nothing else becomes a brace by it.
        let folded = self.with(0x20);
        (folded.bits(b'{'), folded.bits(b'}'))
    }

    /// Whether any byte is `byte`: for the rare ones, whose place need not be known then.
    #[inline]
    pub(super) fn have(self, byte: u8) -> bool {
        let [a, b, c, d] = self.0.map(|lane| lane.simd_eq(u8x16::splat(byte)));
        (a | b | c | d).to_bitmask() != 0
    }

    /// A one for each byte in which this bit is set.
    #[inline]
    pub(super) fn bits_with(self, bit: u8) -> u64 {
        Self(self.0.map(|lane| lane & u8x16::splat(bit))).bits(bit)
    }

    /// All bytes together.
    #[inline]
    pub(super) fn together(self) -> u8x16 {
        let [a, b, c, d] = self.0;
        a | b | c | d
    }

    /// The highest bit set where any byte is at most this.
    #[inline]
    pub(super) fn at_most(self, most: u8) -> u8x16 {
        Self(self.0.map(|lane| lane.min(u8x16::splat(most)).simd_eq(lane))).together()
    }
}
