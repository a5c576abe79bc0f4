//! Checks a whole object at once, 64 bytes at a time, and notes where its outer members lie.
//!
//! It knows the compact JSON that servers write, without white space, at most 62 deep. Invariant: what it takes is JSON of
//! valid UTF-8; what it does not take may be as well, and is left to serde_json.
//!
//! The grammar is that of neighbours: outside of strings each byte tells which ones may stand before it. Beyond that,
//! brackets match by a stack of bits, and the commas of objects and the colons take turns: as every `{` that is not
//! closed at once counts as a comma here, they do so in the whole text, however members nest: behind a `{` or a comma of
//! an object the next to take a turn is a colon. That stands right behind a string, and the string behind one of
//! `{ [ , :`, in the same object or array as they. Were that another object, its byte before the string would have taken
//! the turn; and in an array a colon is wrong. So the string is the name that belongs there.

use wide::u8x16;

use super::block::{BLOCK, Lanes, escaped_bytes, first_block, sign, spread};
use crate::portable::{Work, swiftest};

/// The places in `source` of the colons, commas and brackets of an object and of the objects and arrays directly in it, in
/// their order, and of the brackets around what lies directly in those; `None` when it is anything but an object of
/// members in compact JSON, and when they would take more room than it does.
pub(crate) fn outline(source: &[u8]) -> Option<Vec<u32>> {
    if !source.starts_with(b"{\"") || source.len() > u32::MAX as usize {
        return None;
    }
    let mut outline = Outline::new(source);
    swiftest(&mut outline)?;
    outline.end()
}

/// How far the check has come. Masks hold a bit for each byte of a block, the first lowest.
struct Outline<'a> {
    source: &'a [u8],
    marks: Vec<u32>,
    /// Zero as long as nothing is wrong; which bits are set tells nothing.
    wrong: u64,
    /// All bytes together, and the highest bit set where any is below a space.
    all: u8x16,
    control: u8x16,
    /// All ones within a string.
    in_string: u64,
    /// Whether the next byte is escaped.
    escaped: bool,
    /// All ones when the next of those that take turns is a colon.
    awaits_colon: u64,
    /// The open brackets below a one, the innermost lowest: ones for objects.
    open: u64,
    /// The last block: its last byte stands before this one's first.
    before: Kinds,
    /// How often the last open bracket was closed.
    ends: usize,
}

/// What the bytes of a block are; but for quotes, those outside of strings.
#[derive(Default)]
struct Kinds {
    opening_quotes: u64,
    closing_quotes: u64,
    /// Opening and closing brackets.
    opens: u64,
    closes: u64,
    /// Whether a bracket is that of an object; of other bytes it says nothing.
    curly: u64,
    colons: u64,
    commas: u64,
    /// All else: numbers, `true`, `false`, `null`.
    scalars: u64,
}

/// The open brackets of anything at most two deep are below this.
const SHALLOW: u64 = 1 << 3;
/// The most brackets within one another, and the bit that stands for them in the open ones.
const DEEPEST: u32 = 62;
/// Pods have about a hundred.
const USUAL_MARKS: usize = 192;

impl Work for &mut Outline<'_> {
    type Outcome = Option<()>;

    /// All blocks up to the first that is not taken.
    #[inline(always)]
    fn run(self) -> Option<()> {
        let (mut start, mut last) = (0, [0; BLOCK]);
        while start < self.source.len() {
            let (block, length) = first_block(&self.source[start..], &mut last);
            self.block(block, u64::MAX >> (BLOCK - length), start)?;
            start += BLOCK;
        }
        Some(())
    }
}

impl<'a> Outline<'a> {
    fn new(source: &'a [u8]) -> Self {
        Self {
            source,
            marks: Vec::with_capacity(USUAL_MARKS),
            wrong: 0,
            all: u8x16::default(),
            control: u8x16::default(),
            in_string: 0,
            escaped: false,
            awaits_colon: 0,
            open: 1,
            // The object may begin where it does.
            before: Kinds { commas: u64::MAX, ..Kinds::default() },
            ends: 0,
        }
    }

    /// One block, of which the `valid` bytes count.
    #[inline(always)]
    fn block(&mut self, block: &[u8; BLOCK], valid: u64, start: usize) -> Option<()> {
        let kinds = self.kinds(block, valid, start);
        self.check_neighbours(&kinds, start);
        let closed_behind = u64::from(matches!(self.source.get(start + BLOCK), Some(b'}'))) << 63;
        let Kinds { opens, closes, curly, colons, commas, .. } = kinds;
        // What is opened and closed at once need not be followed.
        let empty = opens & curly & (closes & curly) >> 1;
        let brackets = (opens | closes) & !(empty | empty << 1);
        let least = self.open.checked_shr((closes & brackets).count_ones()).unwrap_or_default();
        let (in_object, is_shallow) = match least < SHALLOW {
            true => self.brackets::<true>(opens, brackets, curly, start),
            false => self.brackets::<false>(opens, brackets, curly, start),
        };
        let turning = commas & in_object | opens & curly & !(empty | closed_behind);
        let turns = spread(turning | colons) ^ self.awaits_colon;
        self.awaits_colon = sign(turns);
        self.wrong |= turning & !turns | colons & (turns | !in_object);
        let mut marks = (opens | closes | colons | commas) & is_shallow;
        while marks != 0 {
            self.marks.push((start + marks.trailing_zeros() as usize) as u32);
            marks &= marks - 1;
        }
        self.before = kinds;
        let most_marks = USUAL_MARKS.max(self.source.len() / size_of::<u32>());
        (self.wrong == 0 && self.marks.len() <= most_marks).then_some(())
    }

    #[inline(always)]
    fn kinds(&mut self, block: &[u8; BLOCK], valid: u64, start: usize) -> Kinds {
        let lanes = Lanes::of(block);
        self.all |= lanes.together();
        self.control |= lanes.at_most(0x1f);
        let mut quotes = lanes.bits(b'"');
        if self.escaped || lanes.have(b'\\') {
            let escaped = escaped_bytes(lanes.bits(b'\\'), valid.count_ones() as usize, &mut self.escaped);
            self.check_escapes(escaped & !quotes & valid, start);
            quotes &= !escaped;
        }
        let strings = spread(quotes) ^ self.in_string;
        self.in_string = sign(strings);
        let outside = !(strings | quotes) & valid;
        let (opens, closes) = lanes.brackets();
        let (opens, closes) = (opens & outside, closes & outside);
        let (colons, commas) = (lanes.bits(b':') & outside, lanes.bits(b',') & outside);
        Kinds {
            opening_quotes: quotes & strings,
            closing_quotes: quotes & !strings,
            opens,
            closes,
            curly: lanes.bits_with(0x20),
            colons,
            commas,
            scalars: outside & !(opens | closes | colons | commas),
        }
    }

    /// Whether each byte may stand behind the one before it, and whether the scalars are what they seem:
    ///
    /// | byte                         | may stand behind                               |
    /// |------------------------------|------------------------------------------------|
    /// | `{`, `[`, start of a scalar  | `[`, `:`, `,`                                  |
    /// | opening quote                | `{`, `[`, `:`, `,`                             |
    /// | `:`                          | closing quote                                  |
    /// | `,`                          | closing quote, `}`, `]`, scalar                |
    /// | `}`, `]`                     | closing quote, `{`, `[`, `}`, `]`, scalar      |
    ///
    /// What stands behind a scalar is looked at by the last line of [`is_scalar`] alone. Every bit of `wrong` counts.
    #[inline(always)]
    fn check_neighbours(&mut self, now: &Kinds, start: usize) {
        let behind = |of: fn(&Kinds) -> u64| of(now) << 1 | of(&self.before) >> 63;
        let separated = behind(|kinds| kinds.opens | kinds.colons | kinds.commas);
        let mut starts = now.scalars & !behind(|kinds| kinds.scalars);
        let mut wrong = (now.opens | now.opening_quotes | starts) & !separated
            | now.commas & separated
            | now.closes & behind(|kinds| kinds.colons | kinds.commas)
            | now.colons & !behind(|kinds| kinds.closing_quotes)
            | (now.opens | starts) & behind(|kinds| kinds.opens & kinds.curly);
        while starts != 0 {
            let at = start + starts.trailing_zeros() as usize;
            starts &= starts - 1;
            wrong |= u64::from(!is_scalar(self.source.get(at..).unwrap_or_default()));
        }
        self.wrong |= wrong;
    }

    /// Follows the brackets. Returns which bytes lie directly in an object, and which in nothing more than two deep, where
    /// there may be any.
    #[inline(always)]
    fn brackets<const MAY_BE_SHALLOW: bool>(
        &mut self,
        opens: u64,
        brackets: u64,
        curly: u64,
        start: usize,
    ) -> (u64, u64) {
        let first = self.open;
        let (mut open, mut changes, mut edges, mut wrong, mut left) = (first, 0, 0, 0, brackets);
        while left != 0 {
            let bit = left & left.wrapping_neg();
            left ^= bit;
            let is_curly = u64::from(curly & bit != 0);
            let (before, is_open) = (open, opens & bit != 0);
            wrong |= if is_open { open >> DEEPEST } else { open ^ is_curly };
            open = if is_open { open << 1 | is_curly } else { open >> 1 };
            changes |= if (before ^ open) & 1 == 1 { bit } else { 0 };
            if MAY_BE_SHALLOW {
                // The brackets around what lies deeper are themselves not.
                let edge = bit << u64::from(is_open);
                edges ^= if (before < SHALLOW) != (open < SHALLOW) { edge } else { 0 };
                // No other block can hold the end: where it may be, `least` is 1.
                if open <= 1 {
                    self.ends += 1;
                    wrong |= u64::from(start + bit.trailing_zeros() as usize + 1 != self.source.len());
                }
            }
        }
        self.open = open;
        // Only the lowest bit counts: the others are those of the open brackets.
        self.wrong |= wrong & 1;
        let all_if = |is: bool| if is { u64::MAX } else { 0 };
        let is_shallow = if MAY_BE_SHALLOW { spread(edges) ^ all_if(first < SHALLOW) } else { 0 };
        (spread(changes) ^ all_if(first & 1 == 1), is_shallow)
    }

    #[cold]
    fn check_escapes(&mut self, mut escaped: u64, start: usize) {
        while escaped != 0 {
            let at = start + escaped.trailing_zeros() as usize;
            escaped &= escaped - 1;
            let is_right = match self.source[at] {
                b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => true,
                b'u' => {
                    self.source.get(at + 1..at + 5).is_some_and(|hex| hex.iter().all(u8::is_ascii_hexdigit))
                }
                _ => false,
            };
            self.wrong |= u64::from(!is_right);
        }
    }

    fn end(self) -> Option<Vec<u32>> {
        let is_whole = self.open == 1 && self.ends == 1 && self.in_string == 0 && self.awaits_colon == 0;
        let is_right = is_whole && self.control.to_bitmask() == 0;
        let is_text = is_right && (self.all.to_bitmask() == 0 || std::str::from_utf8(self.source).is_ok());
        is_text.then_some(self.marks)
    }
}

/// Whether the bytes begin with a number, `true`, `false` or `null` that ends before a comma or a closing bracket.
fn is_scalar(bytes: &[u8]) -> bool {
    let rest = match bytes {
        [b't', b'r', b'u', b'e', rest @ ..]
        | [b'f', b'a', b'l', b's', b'e', rest @ ..]
        | [b'n', b'u', b'l', b'l', rest @ ..] => rest,
        _ => match number_end(bytes) {
            Some(rest) => rest,
            None => return false,
        },
    };
    matches!(rest.first(), Some(b',' | b'}' | b']'))
}

/// What follows the number.
fn number_end(bytes: &[u8]) -> Option<&[u8]> {
    let bytes = match bytes {
        [b'-', rest @ ..] => rest,
        _ => bytes,
    };
    let mut rest = match bytes {
        [b'0', rest @ ..] => rest,
        _ => digits(bytes)?,
    };
    if let [b'.', fraction @ ..] = rest {
        rest = digits(fraction)?;
    }
    if let [b'e' | b'E', exponent @ ..] = rest {
        rest = digits(match exponent {
            [b'+' | b'-', rest @ ..] => rest,
            _ => exponent,
        })?;
    }
    Some(rest)
}

/// What follows one digit or more.
fn digits(bytes: &[u8]) -> Option<&[u8]> {
    let mut rest = bytes;
    while let [b'0'..=b'9', behind @ ..] = rest {
        rest = behind;
    }
    (rest.len() < bytes.len()).then_some(rest)
}

#[cfg(test)]
mod tests {
    use serde::de::IgnoredAny;

    use super::*;
    use crate::codec::json::generate::{Random, object};

    /// That what is taken is JSON; and that what is JSON is taken, when it is compact.
    fn compare(text: &[u8]) {
        let shown = || String::from_utf8_lossy(text).into_owned();
        let good =
            std::str::from_utf8(text).is_ok_and(|text| serde_json::from_str::<IgnoredAny>(text).is_ok());
        let taken = outline(text);
        if text.starts_with(b"{\"") {
            let mut by_the_least = Outline::new(text);
            let done = (&mut by_the_least).run();
            assert_eq!(taken, done.and_then(|()| by_the_least.end()), "{}", shown());
        }
        assert!(good || taken.is_none(), "{}", shown());
        let is_compact = text.starts_with(b"{\"") && !text.iter().any(u8::is_ascii_whitespace);
        assert!(!good || !is_compact || taken.is_some(), "{}", shown());
    }

    #[test]
    fn all_that_is_taken_is_json_and_all_compact_json_is_taken() {
        const PIECES: &str = r#"{ } [ ] , : "a" "" 1 -0 true null {} [] "a": "b":{ "c":[ \ "\"" 0.5e+3 "\u00e9" 01 - 1. "\x" "\u12""#;
        const BYTES: &[u8] = b"{}[],:\"\\u1e-0.truefalsnl\xc3\xa9\x01";
        let (mut random, pieces) = (Random::new(11), PIECES.split(' ').collect::<Vec<_>>());
        for _ in 0..40_000 {
            // Something that may be right, so that what is wrong stands anywhere in a block.
            let mut text = format!("{{\"{}\":", "x".repeat(random.below(70)));
            let mut open = vec!['}'];
            for _ in 0..random.below(14) {
                match random.below(6) {
                    0 => text.extend(open.pop()),
                    1 => {
                        text.push_str(if open.last() == Some(&'}') { "\"k\":[" } else { "{\"k\":" });
                        open.push(if open.last() == Some(&'}') { ']' } else { '}' });
                    }
                    2 => text.push_str(if open.last() == Some(&'}') { "\"k\":1" } else { "\"v\"" }),
                    3 => text.push(','),
                    4 => text.push_str("[]"),
                    _ => text.push_str(random.pick(&pieces)),
                }
            }
            text.extend(open.iter().rev());
            compare(text.as_bytes());
        }
        for _ in 0..20_000 {
            let document: serde_json::Value = serde_json::from_str(&object(&mut random, 5)).unwrap();
            let mut text = document.to_string().into_bytes();
            compare(&text);
            for _ in 0..1 + random.below(2) {
                let (at, byte) = (random.below(text.len()), BYTES[random.below(BYTES.len())]);
                match random.below(3) {
                    0 => text[at] = byte,
                    1 => drop(text.remove(at)),
                    _ => text.insert(at, byte),
                }
                if text.is_empty() {
                    break;
                }
            }
            compare(&text);
        }
    }

    #[test]
    fn the_outer_marks_are_where_they_are() {
        let pad = "x".repeat(57);
        for text in [
            r#"{"a":{"b":{"c":[1]},"d":{},"e":2},"f":[[],{},3,[4]],"g":{}}"#.to_owned(),
            format!(r#"{{"{pad}":{{"b":{{"c":{{}}}},"d":[]}},"{pad}":[{{"{pad}":1}},",{{"]}}"#),
        ] {
            let (mut depth, mut in_string, mut expected) = (0, false, Vec::new());
            for (at, byte) in text.bytes().enumerate() {
                in_string ^= byte == b'"';
                let (opens, closes) = (b"{[".contains(&byte), b"}]".contains(&byte));
                if in_string || !(opens || closes || b":,".contains(&byte)) {
                    continue;
                }
                depth -= usize::from(closes);
                if depth <= 2 {
                    expected.push(at as u32);
                }
                depth += usize::from(opens);
            }
            assert_eq!(outline(text.as_bytes()), Some(expected), "{text}");
        }
    }

    #[test]
    fn depth_is_bounded() {
        let nested = |depth: usize| format!("{{\"a\":{}1{}}}", "[".repeat(depth - 1), "]".repeat(depth - 1));
        assert!(outline(nested(DEEPEST as usize).as_bytes()).is_some());
        assert!(outline(nested(DEEPEST as usize + 1).as_bytes()).is_none());
        assert!(outline(nested(200).as_bytes()).is_none());
    }

    fn array(element: &str, comma: &str) -> String {
        format!("{{\"a\":[{}]}}", [element; 5_000].join(comma))
    }

    #[test]
    fn json_with_spaces_is_left_in_its_first_block() {
        let text = array("1", ", ");
        let mut outline = Outline::new(text.as_bytes());
        assert_eq!((&mut outline).run(), None);
        assert!(outline.marks.len() <= BLOCK, "{} marks", outline.marks.len());
    }

    #[test]
    fn marks_take_no_more_room_than_the_object() {
        let text = array("[]", ",");
        let mut outline = Outline::new(text.as_bytes());
        assert_eq!((&mut outline).run(), None);
        assert!(outline.marks.len() <= text.len() / 4 + BLOCK, "{} marks", outline.marks.len());
        assert!(super::outline(array("1000", ",").as_bytes()).is_some());
    }
}
