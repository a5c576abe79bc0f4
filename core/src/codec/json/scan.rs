//! Finds the end of one JSON value, 64 bytes at a time, and can stop and resume at any byte.
//!
//! Each block becomes three bit masks (quotes, opening and closing brackets), and a fourth where it has a backslash; a block
//! that cannot reach the end of the value costs two population counts. Invariant: linear in the input, and every bracket outside a string is
//! counted once. It tells `{` from `[` nowhere and checks no grammar: that is validation's.

use super::block::{BLOCK, Lanes, escaped_bytes, first_block, sign, spread};
use crate::portable::{Work, swiftest};

/// A value nests deeper than allowed.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct TooDeep;

/// Looks for the end of one value whose bytes come in pieces. Begin it at the value's first byte.
pub(super) struct ValueScanner {
    shape: Shape,
    depth: usize,
    depth_limit: usize,
    /// All ones within a string.
    in_string: u64,
    /// Whether the next byte is escaped by a backslash before it.
    escaped: bool,
    /// Bytes of earlier pieces.
    passed: usize,
    /// How many arrays and objects lie directly in the value, as far as they have ended.
    parts: usize,
    /// Where the last of them ends.
    part_end: usize,
}

#[derive(Clone, Copy)]
enum Shape {
    Unstarted,
    Nested,
    Text,
    Scalar,
}

impl ValueScanner {
    /// A scanner that refuses more than `depth_limit` nested arrays and objects.
    pub(super) fn new(depth_limit: usize) -> Self {
        Self {
            shape: Shape::Unstarted,
            depth: 0,
            depth_limit,
            in_string: 0,
            escaped: false,
            passed: 0,
            parts: 0,
            part_end: 0,
        }
    }

    /// Where, counted from the value's first byte, the array or object ends that is the only one to lie directly in it.
    pub(super) fn only_part_end(&self) -> Option<usize> {
        (self.parts == 1).then_some(self.part_end)
    }

    /// Goes on where the last call stopped. Returns how many of these bytes belong to the value once its end is seen,
    /// `None` when all of them do and more must come. A number, `true`, `false` or `null` ends before the next delimiter.
    pub(super) fn scan(&mut self, bytes: &[u8]) -> Result<Option<usize>, TooDeep> {
        match self.shape {
            Shape::Unstarted => {
                let Some(first) = bytes.first() else { return Ok(None) };
                match first {
                    b'{' | b'[' => self.shape = Shape::Nested,
                    b'"' => {
                        self.shape = Shape::Text;
                        return Ok(self.scan_text(&bytes[1..]).map(|end| end + 1));
                    }
                    _ => self.shape = Shape::Scalar,
                }
                self.scan(bytes)
            }
            Shape::Nested => swiftest(Nested(self, bytes)),
            Shape::Text => Ok(self.scan_text(bytes)),
            Shape::Scalar => Ok(bytes.iter().position(|&byte| ends_scalar(byte))),
        }
    }

    fn scan_text(&mut self, bytes: &[u8]) -> Option<usize> {
        let mut at = usize::from(std::mem::take(&mut self.escaped) && !bytes.is_empty());
        loop {
            at += memchr::memchr2(b'"', b'\\', bytes.get(at..)?)?;
            if bytes[at] == b'"' {
                return Some(at + 1);
            }
            at += 2;
            self.escaped = at > bytes.len();
        }
    }

    /// One block, of which the first `length` bytes count, at `start` in this piece.
    #[inline(always)]
    fn scan_block(
        &mut self,
        block: &[u8; BLOCK],
        length: usize,
        start: usize,
    ) -> Result<Option<usize>, TooDeep> {
        let lanes = Lanes::of(block);
        let mut quotes = lanes.bits(b'"');
        if self.escaped || lanes.have(b'\\') {
            quotes &= !escaped_bytes(lanes.bits(b'\\'), length, &mut self.escaped);
        }
        let strings = spread(quotes) ^ self.in_string;
        self.in_string = sign(strings);
        let (opens, closes) = lanes.brackets();
        let (opens, closes) = (opens & !strings, closes & !strings);
        let (opening, closing) = (opens.count_ones() as usize, closes.count_ones() as usize);
        // A block that ends neither the value nor a part of it.
        if self.depth > closing + 1 && self.depth + opening <= self.depth_limit {
            self.depth = self.depth + opening - closing;
            return Ok(None);
        }
        self.scan_brackets(opens, closes, start)
    }

    #[cold]
    fn scan_brackets(&mut self, opens: u64, closes: u64, start: usize) -> Result<Option<usize>, TooDeep> {
        let mut brackets = opens | closes;
        while brackets != 0 {
            let at = brackets.trailing_zeros();
            brackets &= brackets - 1;
            if opens >> at & 1 == 1 {
                self.depth += 1;
                if self.depth > self.depth_limit {
                    return Err(TooDeep);
                }
            } else {
                self.depth = self.depth.saturating_sub(1);
                match self.depth {
                    0 => return Ok(Some(at as usize + 1)),
                    1 => {
                        self.parts += 1;
                        self.part_end = self.passed + start + at as usize + 1;
                    }
                    _ => {}
                }
            }
        }
        Ok(None)
    }
}

/// The bytes of an array or object are to be looked at.
struct Nested<'a>(&'a mut ValueScanner, &'a [u8]);

impl Work for Nested<'_> {
    type Outcome = Result<Option<usize>, TooDeep>;

    #[inline(always)]
    fn run(self) -> Self::Outcome {
        let Self(scanner, bytes) = self;
        let (mut start, mut last) = (0, [0; BLOCK]);
        while start < bytes.len() {
            let (block, length) = first_block(&bytes[start..], &mut last);
            if let Some(end) = scanner.scan_block(block, length, start)? {
                return Ok(Some(start + end));
            }
            start += BLOCK;
        }
        scanner.passed += bytes.len();
        Ok(None)
    }
}

fn ends_scalar(byte: u8) -> bool {
    matches!(byte, b',' | b'}' | b']' | b':' | b'"' | b'{' | b'[') || super::is_space(byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain_end(text: &[u8]) -> Option<usize> {
        let (mut depth, mut string, mut escaped) = (0, false, false);
        for (at, byte) in text.iter().enumerate() {
            let plain = !std::mem::take(&mut escaped);
            match byte {
                b'\\' if plain => escaped = true,
                b'"' if plain => string = !string,
                b'{' | b'[' if !string => depth += 1,
                b'}' | b']' if !string => {
                    depth -= 1;
                    if depth == 0 {
                        return Some(at + 1);
                    }
                }
                _ => {}
            }
        }
        None
    }

    #[test]
    fn blocks_agree_with_a_byte_by_byte_scan_however_the_input_is_cut() {
        const BYTES: &[u8] = b"\\\\\"\"{}[]{[ a,:\n";
        let mut random = crate::codec::json::generate::Random::new(7);
        for _ in 0..3_000 {
            let length = random.below(300);
            let mut text = vec![b'{'];
            text.extend((0..length).map(|_| BYTES[random.below(BYTES.len())]));
            let expected = plain_end(&text);
            let step = 1 + random.below(130);
            let (mut scanner, mut end) = (ValueScanner::new(usize::MAX), None);
            for (index, piece) in text.chunks(step).enumerate() {
                end = scanner.scan(piece).unwrap().map(|end| index * step + end);
                if end.is_some() {
                    break;
                }
            }
            assert_eq!(end, expected, "step {step}: {:?}", String::from_utf8_lossy(&text));
            // Also by the least that a processor can.
            assert_eq!(Nested(&mut ValueScanner::new(usize::MAX), &text).run(), Ok(expected));
        }
    }

    #[test]
    fn strings_and_scalars_end_where_they_end() {
        for (text, expected) in [
            (r#""a"b"#, Some(3)),
            (r#""\"" "#, Some(4)),
            (r#""\\",""#, Some(4)),
            (r#""\\\"#, None),
            (r#"""#, None),
            ("12,", Some(2)),
            ("null}", Some(4)),
            ("tru", None),
        ] {
            for step in 1..=text.len() {
                let (mut scanner, mut end) = (ValueScanner::new(1), None);
                for (index, piece) in text.as_bytes().chunks(step).enumerate() {
                    end = scanner.scan(piece).unwrap().map(|end| index * step + end);
                    if end.is_some() {
                        break;
                    }
                }
                assert_eq!(end, expected, "{text} by {step}");
            }
        }
    }

    #[test]
    fn depth_is_bounded_exactly() {
        let nested = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
        for depth in [1, 63, 64, 65, 200] {
            assert_eq!(ValueScanner::new(depth).scan(nested(depth).as_bytes()), Ok(Some(2 * depth)));
            assert_eq!(ValueScanner::new(depth).scan(nested(depth + 1).as_bytes()), Err(TooDeep));
        }
    }
}
