//! 64 bytes at once: a mask of 64 bits tells which of them are what is asked for, the first byte lowest.
//!
//! These steps are a few instructions each, and are always inlined: a build for size would make calls of them.

use wide::u8x16;

pub(super) const BLOCK: usize = 64;

/// The bytes that a backslash escapes, of a block of this length; `carried` tells of the byte behind it. Backslashes are
/// rare: one step for each pair.
pub(super) fn escaped_bytes(backslashes: u64, length: usize, carried: &mut bool) -> u64 {
    let mut escaped = u64::from(std::mem::take(carried));
    let mut left = backslashes & !escaped;
    while left != 0 {
        let slash = left & left.wrapping_neg();
        escaped |= slash << 1;
        left &= !(slash | slash << 1);
        *carried = slash >> (length - 1) & 1 == 1;
    }
    escaped
}

/// Ones from each odd quote up to the next, that one excluded: the inside of strings.
#[inline(always)]
pub(super) fn spread(quotes: u64) -> u64 {
    let inside = quotes ^ quotes << 1;
    let inside = inside ^ inside << 2;
    let inside = inside ^ inside << 4;
    let inside = inside ^ inside << 8;
    let inside = inside ^ inside << 16;
    inside ^ inside << 32
}

/// The highest bit, in all places.
#[inline(always)]
pub(super) fn sign(mask: u64) -> u64 {
    (mask as i64 >> 63) as u64
}

/// The block that `rest` begins with and how many of its bytes count. What is left behind the last whole one lies in `last`
/// then, spaces behind it.
#[inline(always)]
pub(super) fn first_block<'a>(rest: &'a [u8], last: &'a mut [u8; BLOCK]) -> (&'a [u8; BLOCK], usize) {
    match rest.first_chunk() {
        Some(block) => (block, BLOCK),
        None => {
            last.fill(b' ');
            last[..rest.len()].copy_from_slice(rest);
            (last, rest.len())
        }
    }
}

/// A block, sixteen bytes a register.
#[derive(Clone, Copy)]
pub(super) struct Lanes([u8x16; 4]);

impl Lanes {
    #[inline(always)]
    pub(super) fn of(block: &[u8; BLOCK]) -> Self {
        let [a, b, c, d] = *block.as_chunks::<16>().0 else { return Self([u8x16::ZERO; 4]) };
        Self([a.into(), b.into(), c.into(), d.into()])
    }

    /// Each register changed.
    #[inline(always)]
    fn each(self, change: impl Fn(u8x16) -> u8x16) -> Self {
        let [a, b, c, d] = self.0;
        Self([change(a), change(b), change(c), change(d)])
    }

    /// Those registers' bytes that are `byte`, all their bits set.
    #[inline(always)]
    fn equal(self, byte: u8) -> Self {
        self.each(|lane| lane.simd_eq(u8x16::splat(byte)))
    }

    /// A one for each byte that is `byte`, the first lowest.
    #[inline(always)]
    pub(super) fn bits(self, byte: u8) -> u64 {
        let [a, b, c, d] = self.equal(byte).0;
        let [a, b, c, d] = [a.to_bitmask(), b.to_bitmask(), c.to_bitmask(), d.to_bitmask()];
        u64::from(a) | u64::from(b) << 16 | u64::from(c) << 32 | u64::from(d) << 48
    }

    /// A one for each opening bracket, and for each closing one.
    #[inline(always)]
    pub(super) fn brackets(self) -> (u64, u64) {
        // In ASCII `[` and `{`, `]` and `}` differ by this one bit, and nothing else becomes a brace by it.
        let folded = self.each(|lane| lane | u8x16::splat(0x20));
        (folded.bits(b'{'), folded.bits(b'}'))
    }

    /// Whether any byte is `byte`: for the rare ones, whose place need not be known then.
    #[inline(always)]
    pub(super) fn have(self, byte: u8) -> bool {
        self.equal(byte).together().to_bitmask() != 0
    }

    /// A one for each byte in which this bit is set.
    #[inline(always)]
    pub(super) fn bits_with(self, bit: u8) -> u64 {
        self.each(|lane| lane & u8x16::splat(bit)).bits(bit)
    }

    /// All bytes together.
    #[inline(always)]
    pub(super) fn together(self) -> u8x16 {
        let [a, b, c, d] = self.0;
        a | b | c | d
    }

    /// The highest bit set where any byte is at most this.
    #[inline(always)]
    pub(super) fn at_most(self, most: u8) -> u8x16 {
        self.each(|lane| lane.min(u8x16::splat(most)).simd_eq(lane)).together()
    }
}
