//! Walks the members of an object or the elements of an array in bytes that hold a complete JSON value.
//!
//! Values are skipped only when the walk goes past them. Invariant: whatever the bytes are, a walk ends and never
//! panics; what is not JSON ends it with [`Malformed`].

use std::borrow::Cow;
use std::ops::Range;

use super::is_space;
use super::scan::ValueScanner;

/// The bytes are not the JSON they are walked as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Malformed {
    /// Where that was noticed.
    pub(crate) offset: usize,
}

/// One member or element.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    /// What stands between the quotes of the member's name, escapes as they are; empty in an array.
    pub(crate) key: Range<usize>,
    /// Where the value begins.
    pub(crate) value: usize,
}

/// The members of one object or the elements of one array, in order.
#[derive(Clone)]
pub(crate) struct Entries<'a> {
    bytes: &'a [u8],
    is_object: bool,
    position: usize,
    place: Place,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Start,
    /// Before a value that was given and not skipped.
    Value,
    AfterValue,
    End,
}

impl<'a> Entries<'a> {
    /// The members of the object, or the elements of the array, that begins at `start`; `Malformed` for other values.
    pub(crate) fn of(bytes: &'a [u8], start: usize) -> Result<Self, Malformed> {
        let is_object = match bytes.get(start) {
            Some(b'{') => true,
            Some(b'[') => false,
            _ => return Err(Malformed { offset: start }),
        };
        Ok(Self { bytes, is_object, position: start + 1, place: Place::Start })
    }

    /// The members of the object that begins at `start`; `Malformed` for other values.
    pub(crate) fn of_object(bytes: &'a [u8], start: usize) -> Result<Self, Malformed> {
        Self::of(bytes, start).and_then(|entries| match entries.is_object {
            true => Ok(entries),
            false => Err(Malformed { offset: start }),
        })
    }

    /// Whether these are the members of an object.
    pub(crate) fn is_object(&self) -> bool {
        self.is_object
    }

    /// The next entry, `None` at the end.
    pub(crate) fn next(&mut self) -> Result<Option<Entry>, Malformed> {
        if self.place == Place::Value {
            self.skip()?;
        }
        if self.place == Place::End {
            return Ok(None);
        }
        let close = if self.is_object { b'}' } else { b']' };
        match (self.place, self.peek()?) {
            (_, byte) if byte == close => {
                self.position += 1;
                self.place = Place::End;
                return Ok(None);
            }
            (Place::AfterValue, b',') => self.position += 1,
            (Place::Start, _) => {}
            _ => return Err(self.malformed()),
        }
        let mut key = 0..0;
        if self.is_object {
            if self.peek()? != b'"' {
                return Err(self.malformed());
            }
            let end = end_of_value(self.bytes, self.position)?;
            key = self.position + 1..end - 1;
            self.position = end;
            if self.peek()? != b':' {
                return Err(self.malformed());
            }
            self.position += 1;
        }
        self.peek()?;
        self.place = Place::Value;
        Ok(Some(Entry { key, value: self.position }))
    }

    /// Goes past the value of the entry last given. Returns where it ends.
    pub(crate) fn skip(&mut self) -> Result<usize, Malformed> {
        if self.place == Place::Value {
            self.position = end_of_value(self.bytes, self.position)?;
            self.place = Place::AfterValue;
        }
        Ok(self.position)
    }

    /// Goes past the value of the entry last given, which is known to end at `end`.
    pub(crate) fn skip_to(&mut self, end: usize) {
        self.position = end;
        self.place = Place::AfterValue;
    }

    /// Where the walk is: at the end, just behind the closing bracket.
    pub(crate) fn position(&self) -> usize {
        self.position
    }

    fn peek(&mut self) -> Result<u8, Malformed> {
        while let Some(&byte) = self.bytes.get(self.position) {
            if !is_space(byte) {
                return Ok(byte);
            }
            self.position += 1;
        }
        Err(self.malformed())
    }

    fn malformed(&self) -> Malformed {
        Malformed { offset: self.position }
    }
}

/// Where the value that begins at `start` ends. A scalar may end with the bytes.
pub(crate) fn end_of_value(bytes: &[u8], start: usize) -> Result<usize, Malformed> {
    let rest = bytes.get(start..).unwrap_or_default();
    let mut scanner = ValueScanner::new(usize::MAX);
    match (rest.first(), scanner.scan(rest)) {
        (None, _) | (_, Ok(Some(0))) => Err(Malformed { offset: start }),
        (_, Ok(Some(length))) => Ok(start + length),
        (Some(b'{' | b'[' | b'"'), _) => Err(Malformed { offset: bytes.len() }),
        _ => Ok(bytes.len()),
    }
}

/// Whether a member's name, as it stands between its quotes, is `name`.
pub(crate) fn is_name(raw: &[u8], name: &str) -> bool {
    if memchr::memchr(b'\\', raw).is_none() {
        return raw == name.as_bytes();
    }
    unescaped(raw).is_some_and(|text| text == name)
}

/// The text of what stands between the quotes of a string; `None` when its escapes or its UTF-8 are wrong.
pub(crate) fn unescaped(raw: &[u8]) -> Option<Cow<'_, str>> {
    if memchr::memchr(b'\\', raw).is_none() {
        return std::str::from_utf8(raw).ok().map(Cow::Borrowed);
    }
    let quoted = [b"\"", raw, b"\""].concat();
    serde_json::from_slice::<String>(&quoted).ok().map(Cow::Owned)
}
