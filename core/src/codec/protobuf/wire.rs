//! The wire itself: records of a field number and a payload, read where they lie.
//!
//! Invariant: whatever the bytes, reads end within them; what is malformed is a [`Fault`] that tells where, and shows
//! nothing.

use std::fmt;

/// One field's number and payload.
#[derive(Clone, Copy, Debug)]
pub(super) struct Record<'a> {
    pub(super) number: u32,
    pub(super) payload: Payload<'a>,
}

/// What a field's value is on the wire.
#[derive(Clone, Copy, Debug)]
pub(super) enum Payload<'a> {
    Varint(u64),
    /// Eight bytes, or four.
    Fixed(u64),
    Bytes(&'a [u8]),
}

/// Why bytes could not be read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fault {
    pub(super) what: &'static str,
    /// The address of the byte it was found at, 0 when it has none.
    pub(super) place: usize,
    /// A message stands twice where one may: legal, and read after a merge.
    pub(super) needs_merge: bool,
}

impl Fault {
    #[cold]
    pub(super) fn new(what: &'static str, at: &[u8]) -> Self {
        Self { what, place: at.as_ptr() as usize, needs_merge: false }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.what)
    }
}

impl std::error::Error for Fault {}

/// The wire type of a number of seven bits a byte.
pub(super) const VARINT: u64 = 0;

/// The wire type of bytes behind their length.
pub(super) const DELIMITED: u64 = 2;

/// The records of a message, in their order.
#[derive(Clone, Copy, Debug)]
pub(super) struct Records<'a> {
    rest: &'a [u8],
}

impl<'a> Records<'a> {
    pub(super) fn of(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// How many bytes are left.
    pub(super) fn left(&self) -> usize {
        self.rest.len()
    }

    #[inline]
    pub(super) fn next(&mut self) -> Result<Option<Record<'a>>, Fault> {
        if self.rest.is_empty() {
            return Ok(None);
        }
        let tag = self.varint()?;
        self.behind(tag).map(Some)
    }

    /// The record whose tag has just been read: for loops that know the tags they expect.
    #[inline]
    pub(super) fn behind(&mut self, tag: u64) -> Result<Record<'a>, Fault> {
        let number = u32::try_from(tag >> 3).ok().filter(|number| (1..1 << 29).contains(number));
        let number = number.ok_or_else(|| Fault::new("no field has this number", self.rest))?;
        let payload = match tag & 7 {
            VARINT => Payload::Varint(self.varint()?),
            1 => Payload::Fixed(self.fixed::<8>()?),
            DELIMITED => Payload::Bytes(self.delimited()?),
            5 => Payload::Fixed(self.fixed::<4>()?),
            _ => return Err(Fault::new("a wire type that is not in use", self.rest)),
        };
        Ok(Record { number, payload })
    }

    /// The same and the records that follow, by value: a walk that calls this for what is rare stays in registers.
    #[cold]
    pub(super) fn past(mut self, tag: u64) -> Result<(Record<'a>, Self), Fault> {
        self.behind(tag).map(|record| (record, self))
    }

    /// Goes past the record whose tag has just been read: for walks that look for few fields, which stay in registers as
    /// long as no record is made of the others.
    #[inline]
    pub(super) fn skip(&mut self, tag: u64) -> Result<(), Fault> {
        if tag & 7 == DELIMITED && (1..1 << 29).contains(&(tag >> 3)) {
            self.delimited().map(drop)
        } else {
            self.behind(tag).map(drop)
        }
    }

    /// The bytes behind a tag of the wire type [`DELIMITED`].
    #[inline]
    pub(super) fn delimited(&mut self) -> Result<&'a [u8], Fault> {
        let start = self.rest;
        let length = usize::try_from(self.varint()?).unwrap_or(usize::MAX);
        let Some((bytes, rest)) = self.rest.split_at_checked(length) else {
            return Err(Fault::new("a length beyond the end", start));
        };
        self.rest = rest;
        Ok(bytes)
    }

    /// One number of seven bits a byte, lowest first.
    #[inline]
    pub(super) fn varint(&mut self) -> Result<u64, Fault> {
        match *self.rest {
            [byte, ref rest @ ..] if byte < 0x80 => {
                self.rest = rest;
                Ok(u64::from(byte))
            }
            [low, high, ref rest @ ..] if high < 0x80 => {
                self.rest = rest;
                Ok(u64::from(low & 0x7f) | u64::from(high) << 7)
            }
            _ => {
                // Given by value, so that the walk itself can stay in registers.
                let (value, rest) = long_varint(self.rest)?;
                self.rest = rest;
                Ok(value)
            }
        }
    }
    fn fixed<const SIZE: usize>(&mut self) -> Result<u64, Fault> {
        let Some((bytes, rest)) = self.rest.split_first_chunk::<SIZE>() else {
            return Err(Fault::new("it ends within a number", self.rest));
        };
        self.rest = rest;
        let mut eight = [0; 8];
        eight[..SIZE].copy_from_slice(bytes);
        Ok(u64::from_le_bytes(eight))
    }
}

/// A number of three bytes or more, and what follows it.
#[cold]
fn long_varint(bytes: &[u8]) -> Result<(u64, &[u8]), Fault> {
    let mut value = 0;
    for (index, byte) in bytes.iter().take(10).enumerate() {
        if index == 9 && *byte > 1 {
            break;
        }
        value |= u64::from(byte & 0x7f) << (7 * index);
        if byte & 0x80 == 0 {
            return Ok((value, &bytes[index + 1..]));
        }
    }
    let what = if bytes.len() < 10 { "it ends within a number" } else { "a number of more than 64 bits" };
    Err(Fault::new(what, bytes))
}

/// The last payload of a field in a message.
pub(super) fn last(bytes: &[u8], number: u32) -> Result<Option<Payload<'_>>, Fault> {
    let (mut records, mut found) = (Records::of(bytes), None);
    while records.left() > 0 {
        let tag = records.varint()?;
        if tag >> 3 == u64::from(number) {
            found = Some(records.behind(tag)?.payload);
        } else {
            records.skip(tag)?;
        }
    }
    Ok(found)
}

impl<'a> Payload<'a> {
    pub(super) fn bytes(self) -> Result<&'a [u8], Fault> {
        match self {
            Self::Bytes(bytes) => Ok(bytes),
            _ => Err(mismatch()),
        }
    }

    #[inline]
    pub(super) fn text(self) -> Result<&'a str, Fault> {
        let bytes = self.bytes()?;
        std::str::from_utf8(bytes).map_err(|_| Fault::new("a text that is not UTF-8", bytes))
    }

    pub(super) fn varint(self) -> Result<u64, Fault> {
        match self {
            Self::Varint(value) => Ok(value),
            _ => Err(mismatch()),
        }
    }
}

fn mismatch() -> Fault {
    Fault { what: "a field of another wire type than it has", place: 0, needs_merge: false }
}

/// Appends a number of seven bits a byte.
pub(super) fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Appends a field that is a number.
pub(super) fn put_number(out: &mut Vec<u8>, number: u32, value: u64) {
    put_varint(out, u64::from(number) << 3);
    put_varint(out, value);
}

/// Appends a field of bytes, a text or a message.
pub(super) fn put_bytes(out: &mut Vec<u8>, number: u32, bytes: &[u8]) {
    put_varint(out, u64::from(number) << 3 | 2);
    put_varint(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}
