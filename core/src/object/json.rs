//! One JSON value where it lies: reads by path that decode nothing on the way.
//!
//! Invariant: whatever the bytes, reads end and never panic; what is malformed is not there. Of members of the same
//! name, which no API server sends, the first counts.

use std::borrow::Cow;

use serde::Deserialize;

use super::not_a;
use super::path::{Step, Steps};
use crate::codec::json::{Entries, end_of_value, is_name, unescaped};
use crate::error::Error;

/// One JSON value within the bytes of an object. Its bytes are walked only as far as a read needs.
#[derive(Clone, Copy)]
pub struct Json<'a> {
    /// Begins with the value; what follows it is not its.
    bytes: &'a [u8],
}

impl<'a> Json<'a> {
    /// The value with which `bytes` begin.
    pub(super) fn at_start_of(bytes: &'a [u8]) -> Self {
        Self { bytes }
    }

    /// The text of the value as it stands in the object.
    pub fn raw(self) -> &'a [u8] {
        let end = end_of_value(self.bytes, 0).unwrap_or(0);
        self.bytes.get(..end).unwrap_or_default()
    }

    /// A string's text, borrowed unless it holds escapes; a number or boolean as it is written; `None` for null, arrays
    /// and objects.
    pub fn text(self) -> Option<Cow<'a, str>> {
        match self.bytes.first()? {
            b'"' => {
                let raw = self.raw();
                unescaped(raw.get(1..raw.len().checked_sub(1)?)?)
            }
            b'{' | b'[' | b'n' => None,
            _ => std::str::from_utf8(self.raw()).ok().map(Cow::Borrowed),
        }
    }

    /// Whether it is null.
    pub fn is_null(self) -> bool {
        self.bytes.first() == Some(&b'n')
    }

    /// Decodes it into `T`, which may borrow from the object.
    pub fn read<T: Deserialize<'a>>(self) -> Result<T, Error> {
        let raw = self.raw();
        serde_json::from_slice(raw).map_err(|error| not_a(std::any::type_name::<T>(), raw.len(), &error))
    }

    /// The value at `path`, of several the first; `None` when there is none.
    pub fn at(self, path: impl AsRef<str>) -> Option<Json<'a>> {
        self.values(path.as_ref()).next()
    }

    /// Every value at `path`, in order.
    pub fn values<'p>(self, path: &'p (impl AsRef<str> + ?Sized)) -> Values<'a, 'p> {
        Values::new(self, Steps::of(path.as_ref()))
    }

    /// The elements of an array; nothing for other values.
    pub fn elements(self) -> impl Iterator<Item = Json<'a>> {
        let entries = self.entries().filter(|entries| !entries.is_object());
        Each { bytes: self.bytes, entries }.map(|(_, value)| value)
    }

    /// The members of an object, in their order; nothing for other values.
    pub fn members(self) -> impl Iterator<Item = (Cow<'a, str>, Json<'a>)> {
        let entries = self.entries().filter(Entries::is_object);
        Each { bytes: self.bytes, entries }
            .filter_map(|(name, value)| unescaped(name).map(|name| (name, value)))
    }

    /// The member of this name, dots and all; `None` in what is no object.
    pub fn member(self, name: &str) -> Option<Json<'a>> {
        let entries = self.entries().filter(Entries::is_object);
        Each { bytes: self.bytes, entries }.find(|(raw, _)| is_name(raw, name)).map(|(_, value)| value)
    }

    fn entries(self) -> Option<Entries<'a>> {
        Entries::of(self.bytes, 0).ok()
    }
}

/// Its length only: a value may be part of a Secret.
impl std::fmt::Debug for Json<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Json({} bytes)", self.raw().len())
    }
}

/// The raw names and the values of an object's members or an array's elements.
struct Each<'a> {
    bytes: &'a [u8],
    entries: Option<Entries<'a>>,
}

impl<'a> Iterator for Each<'a> {
    type Item = (&'a [u8], Json<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        match self.entries.as_mut()?.next() {
            Ok(Some(entry)) => Some((&self.bytes[entry.key], Json { bytes: &self.bytes[entry.value..] })),
            Ok(None) | Err(_) => {
                self.entries = None;
                None
            }
        }
    }
}

/// The values at a path, in order. A path without `[*]` has one at most and allocates nothing.
pub struct Values<'a, 'p> {
    /// What is left to follow from one value, before it has been followed.
    pending: Option<(Json<'a>, Steps<'p>)>,
    /// The open `[*]` steps, outermost first, with what follows each.
    open: Vec<(Each<'a>, Steps<'p>)>,
}

impl<'a, 'p> Values<'a, 'p> {
    pub(super) fn new(from: Json<'a>, steps: Steps<'p>) -> Self {
        Self { pending: Some((from, steps)), open: Vec::new() }
    }

    pub(super) fn none() -> Self {
        Self { pending: None, open: Vec::new() }
    }

    /// Follows the steps from `value` to its end, or to a `[*]`, which it opens.
    fn follow(&mut self, mut value: Json<'a>, mut steps: Steps<'p>) -> Option<Json<'a>> {
        while let Some(step) = steps.next() {
            value = match step.ok()? {
                Step::Member(name) => value.member(name)?,
                Step::Index(index) => value.elements().nth(index)?,
                Step::Every => {
                    self.open.push((Each { bytes: value.bytes, entries: value.entries() }, steps));
                    return None;
                }
            };
        }
        Some(value)
    }
}

impl<'a> Iterator for Values<'a, '_> {
    type Item = Json<'a>;

    fn next(&mut self) -> Option<Json<'a>> {
        loop {
            let (value, steps) = match self.pending.take() {
                Some(pending) => pending,
                None => {
                    let (each, steps) = self.open.last_mut()?;
                    match each.next() {
                        Some((_, value)) => (value, *steps),
                        None => {
                            self.open.pop();
                            continue;
                        }
                    }
                }
            };
            if let Some(value) = self.follow(value, steps) {
                return Some(value);
            }
        }
    }
}
