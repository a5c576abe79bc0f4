//! One value of an object where it lies: reads by path that decode nothing on the way.
//!
//! Invariant: whatever the bytes, reads end and never panic; what is malformed is not there. Of members of the same
//! name, which no API server sends, the first counts.

use std::borrow::Cow;

use serde::Deserialize;

use super::not_a;
use super::path::{Step, Steps};
use crate::codec::json::{Entries, end_of_value, is_name, unescaped};
#[cfg(feature = "protobuf")]
use crate::codec::protobuf;
use crate::error::Error;

/// One value within the bytes of an object: JSON, or the field of a protobuf message as the JSON it stands for. Its bytes
/// are walked only as far as a read needs.
#[derive(Clone, Copy)]
pub struct Json<'a>(Form<'a>);

#[derive(Clone, Copy)]
enum Form<'a> {
    /// Begins with the value; what follows it is not its.
    Text(&'a [u8]),
    #[cfg(feature = "protobuf")]
    Field(protobuf::Value<'a>),
}

#[cfg(feature = "protobuf")]
impl<'a> From<protobuf::Value<'a>> for Json<'a> {
    fn from(value: protobuf::Value<'a>) -> Self {
        match value {
            protobuf::Value::Raw(text) => Self(Form::Text(text.trim_ascii_start())),
            value => Self(Form::Field(value)),
        }
    }
}

impl<'a> Json<'a> {
    /// The value with which `bytes` begin.
    pub(super) fn at_start_of(bytes: &'a [u8]) -> Self {
        Self(Form::Text(bytes))
    }

    /// The value as JSON text: as it stands in the object, or written for a field of protobuf.
    pub fn raw(self) -> Cow<'a, [u8]> {
        match self.0 {
            Form::Text(bytes) => Cow::Borrowed(value_of(bytes)),
            #[cfg(feature = "protobuf")]
            Form::Field(value) => Cow::Owned(value.to_json().unwrap_or_default()),
        }
    }

    /// A string's text, borrowed unless it holds escapes or is written otherwise in protobuf, as times and bytes are; a
    /// number or boolean as it is written; `None` for null, arrays and objects.
    pub fn text(self) -> Option<Cow<'a, str>> {
        match self.0 {
            Form::Text(bytes) => text_of(bytes),
            #[cfg(feature = "protobuf")]
            Form::Field(value) => value.text(),
        }
    }

    /// Whether it is null.
    pub fn is_null(self) -> bool {
        match self.0 {
            Form::Text(bytes) => bytes.first() == Some(&b'n'),
            #[cfg(feature = "protobuf")]
            Form::Field(value) => matches!(value, protobuf::Value::Null),
        }
    }

    /// Decodes it into `T`, which may borrow from the object.
    pub fn read<T: Deserialize<'a>>(self) -> Result<T, Error> {
        match self.0 {
            Form::Text(bytes) => {
                let raw = value_of(bytes);
                serde_json::from_slice(raw)
                    .map_err(|error| not_a(std::any::type_name::<T>(), raw.len(), &error))
            }
            #[cfg(feature = "protobuf")]
            Form::Field(value) => value.read(),
        }
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
        self.each().filter(|each| !each.is_object()).into_iter().flatten().map(|(_, value)| value)
    }

    /// The members of an object, in their order; nothing for other values.
    pub fn members(self) -> impl Iterator<Item = (Cow<'a, str>, Json<'a>)> {
        let each = self.each().filter(Each::is_object).into_iter().flatten();
        each.filter_map(|(name, value)| Some((name.text()?, value)))
    }

    /// The member of this name, dots and all; `None` in what is no object.
    pub fn member(self, name: &str) -> Option<Json<'a>> {
        match self.0 {
            Form::Text(bytes) => member_of(bytes, name),
            #[cfg(feature = "protobuf")]
            Form::Field(value) => value.member(name).map(Self::from),
        }
    }

    fn each(self) -> Option<Each<'a>> {
        match self.0 {
            Form::Text(bytes) => Entries::of(bytes, 0).ok().map(|entries| Each::Text { bytes, entries }),
            #[cfg(feature = "protobuf")]
            Form::Field(value) => value.parts().map(Each::Fields),
        }
    }
}

/// The value with which `bytes` begin.
fn value_of(bytes: &[u8]) -> &[u8] {
    bytes.get(..end_of_value(bytes, 0).unwrap_or(0)).unwrap_or_default()
}

/// The text of the value with which `bytes` begin.
fn text_of(bytes: &[u8]) -> Option<Cow<'_, str>> {
    match bytes.first()? {
        b'"' => {
            let raw = value_of(bytes);
            unescaped(raw.get(1..raw.len().checked_sub(1)?)?)
        }
        b'{' | b'[' | b'n' => None,
        _ => std::str::from_utf8(value_of(bytes)).ok().map(Cow::Borrowed),
    }
}

/// The member of the object with which `bytes` begin.
fn member_of<'a>(bytes: &'a [u8], name: &str) -> Option<Json<'a>> {
    let mut entries = Entries::of_object(bytes, 0).ok()?;
    while let Some(entry) = entries.next().ok()? {
        if is_name(&bytes[entry.key], name) {
            return Some(Json::at_start_of(&bytes[entry.value..]));
        }
    }
    None
}

/// Its length only: a value may be part of a Secret.
impl std::fmt::Debug for Json<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Json({} bytes)", self.raw().len())
    }
}

/// The names and the values of an object's members or an array's elements.
enum Each<'a> {
    Text {
        bytes: &'a [u8],
        entries: Entries<'a>,
    },
    #[cfg(feature = "protobuf")]
    Fields(protobuf::Parts<'a>),
}

/// The name of a member.
enum Name<'a> {
    /// As it stands between its quotes.
    Quoted(&'a [u8]),
    #[cfg(feature = "protobuf")]
    Plain(&'a str),
}

impl<'a> Name<'a> {
    fn text(self) -> Option<Cow<'a, str>> {
        match self {
            Self::Quoted(raw) => unescaped(raw),
            #[cfg(feature = "protobuf")]
            Self::Plain(name) => Some(Cow::Borrowed(name)),
        }
    }
}

impl Each<'_> {
    fn is_object(&self) -> bool {
        match self {
            Self::Text { entries, .. } => entries.is_object(),
            #[cfg(feature = "protobuf")]
            Self::Fields(parts) => parts.is_object(),
        }
    }
}

impl<'a> Iterator for Each<'a> {
    type Item = (Name<'a>, Json<'a>);

    /// At what is malformed it ends.
    fn next(&mut self) -> Option<Self::Item> {
        match self {
            Self::Text { bytes, entries } => {
                let entry = entries.next().ok()??;
                Some((Name::Quoted(&bytes[entry.key]), Json::at_start_of(&bytes[entry.value..])))
            }
            #[cfg(feature = "protobuf")]
            Self::Fields(parts) => parts.next().map(|(name, value)| (Name::Plain(name), value.into())),
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
                    self.open.push((value.each()?, steps));
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
