//! The wire itself: data items one after another, read where they lie.
//!
//! Invariant: whatever the bytes, reads end within them; what is malformed is a [`Fault`] that tells where, and shows
//! nothing.

use std::borrow::Cow;
use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

/// Why bytes could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) what: &'static str,
    /// The address of the byte it was found at, 0 when it has none.
    pub(super) place: usize,
}

impl Fault {
    pub(super) fn new(what: &'static str, at: &[u8]) -> Self {
        Self { what, place: at.as_ptr() as usize }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.what)
    }
}

impl std::error::Error for Fault {}

/// The major types.
pub(super) mod major {
    pub(in crate::codec::cbor) const UNSIGNED: u8 = 0;
    pub(in crate::codec::cbor) const NEGATIVE: u8 = 1;
    pub(in crate::codec::cbor) const BYTES: u8 = 2;
    pub(in crate::codec::cbor) const TEXT: u8 = 3;
    pub(in crate::codec::cbor) const ARRAY: u8 = 4;
    pub(in crate::codec::cbor) const MAP: u8 = 5;
    pub(in crate::codec::cbor) const TAG: u8 = 6;
}

/// The tags that mean something here; what is under others counts as if it had none.
pub(super) mod tag {
    pub(in crate::codec::cbor) const BASE64URL: u64 = 21;
    pub(in crate::codec::cbor) const BASE64: u64 = 22;
    pub(in crate::codec::cbor) const BASE16: u64 = 23;
    /// Seconds since 1970, and integers of any size: neither has a form in an object.
    pub(in crate::codec::cbor) const REFUSED: [u64; 3] = [1, 2, 3];
}

/// How an item begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) major: u8,
    /// The five bits beside it: of major type 7 which simple value or float it is.
    pub(super) info: u8,
    /// The number, the length, or the count.
    pub(super) value: u64,
    /// How many bytes the head takes.
    pub(super) size: usize,
}

impl Head {
    /// The head at the start of `bytes`, `None` when it is cut off.
    pub(super) fn read(bytes: &[u8]) -> Result<Option<Self>, Fault> {
        let Some(first) = bytes.first() else { return Ok(None) };
        let (major, info) = (first >> 5, first & 0x1f);
        let width = match info {
            0..24 => 0,
            24..28 => 1 << (info - 24),
            31 => return Err(Fault::new("a length that is left open", bytes)),
            _ => return Err(Fault::new("a head that is not in use", bytes)),
        };
        let Some(argument) = bytes.get(1..=width) else { return Ok(None) };
        let value = argument.iter().fold(0, |value, byte| value << 8 | u64::from(*byte));
        let value = if width == 0 { u64::from(info) } else { value };
        Ok(Some(Self { major, info, value, size: 1 + width }))
    }
}

/// One item, a container's members aside.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Item<'a> {
    Null,
    Bool(bool),
    Unsigned(u64),
    Negative(i64),
    Double(f64),
    Text(Cow<'a, str>),
    /// So many items follow.
    Array(u64),
    /// So many pairs of items follow.
    Map(u64),
}

impl Item<'_> {
    /// How many items follow as members of this one.
    fn members(&self) -> u64 {
        match self {
            Self::Array(count) => *count,
            Self::Map(count) => count.saturating_mul(2),
            _ => 0,
        }
    }
}

/// Reads items from a slice.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(super) fn of(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// What has not been read.
    pub(super) fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// The next item; of a container, its head.
    pub(super) fn item(&mut self) -> Result<Item<'a>, Fault> {
        let start = self.rest;
        let mut expected = None;
        loop {
            let here = self.rest;
            let head = Head::read(here)?.ok_or(Fault::new("it ends within a value", here))?;
            self.rest = &here[head.size..];
            return match head.major {
                major::UNSIGNED => Ok(Item::Unsigned(head.value)),
                major::NEGATIVE => match i64::try_from(head.value) {
                    Ok(value) => Ok(Item::Negative(-1 - value)),
                    Err(_) => Err(Fault::new("a number beyond 64 bits", here)),
                },
                major::BYTES => self.bytes(head, here).and_then(|bytes| match expected {
                    None => text(bytes),
                    Some(tag::BASE64URL) => Ok(Item::Text(URL_SAFE_NO_PAD.encode(bytes).into())),
                    Some(tag::BASE16) => {
                        Ok(Item::Text(bytes.iter().map(|byte| format!("{byte:02X}")).collect()))
                    }
                    Some(_) => Ok(Item::Text(STANDARD.encode(bytes).into())),
                }),
                major::TEXT => self.bytes(head, here).and_then(text),
                major::ARRAY => Ok(Item::Array(head.value)),
                major::MAP => Ok(Item::Map(head.value)),
                major::TAG => {
                    if tag::REFUSED.contains(&head.value) {
                        return Err(Fault::new("a tag that no object has", start));
                    }
                    let encoding = matches!(head.value, tag::BASE64URL | tag::BASE64 | tag::BASE16);
                    expected = encoding.then_some(head.value).or(expected);
                    continue;
                }
                _ => simple(head, here),
            };
        }
    }

    /// Goes past the members of an item that has just been read.
    pub(super) fn skip_members(&mut self, item: &Item<'_>) -> Result<(), Fault> {
        let mut left = item.members();
        while left > 0 {
            left = (left - 1).saturating_add(self.item()?.members());
        }
        Ok(())
    }

    fn bytes(&mut self, head: Head, here: &'a [u8]) -> Result<&'a [u8], Fault> {
        let length = usize::try_from(head.value).ok();
        let split = length.and_then(|length| self.rest.split_at_checked(length));
        let (bytes, rest) = split.ok_or(Fault::new("a length beyond the end", here))?;
        self.rest = rest;
        Ok(bytes)
    }
}

fn text(bytes: &[u8]) -> Result<Item<'_>, Fault> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Ok(Item::Text(text.into())),
        Err(_) => Err(Fault::new("a text that is not UTF-8", bytes)),
    }
}

fn simple<'a>(head: Head, here: &[u8]) -> Result<Item<'a>, Fault> {
    let double = match head.info {
        20 => return Ok(Item::Bool(false)),
        21 => return Ok(Item::Bool(true)),
        22 => return Ok(Item::Null),
        25 => half(head.value as u16),
        26 => f32::from_bits(head.value as u32).into(),
        27 => f64::from_bits(head.value),
        _ => return Err(Fault::new("a simple value that no object has", here)),
    };
    match double.is_finite() {
        true => Ok(Item::Double(double)),
        false => Err(Fault::new("a number that is not finite", here)),
    }
}

/// The value of a float of 16 bits.
pub(super) fn half(bits: u16) -> f64 {
    let sign = if bits >> 15 == 1 { -1.0 } else { 1.0 };
    let (exponent, fraction) = (i32::from(bits >> 10 & 0x1f), f64::from(bits & 0x3ff));
    sign * match exponent {
        0 => fraction * 2_f64.powi(-24),
        31 if fraction == 0.0 => f64::INFINITY,
        31 => f64::NAN,
        _ => (1024.0 + fraction) * 2_f64.powi(exponent - 25),
    }
}
