//! The survey of an object that is to be checked: one walk of serde_json's over the whole of it, which notes the places
//! on its way.
//!
//! It knows the layout that servers write; what it meets of any other it leaves to the plain walk. Invariant: what it
//! gives is valid JSON of valid UTF-8.

use std::fmt;
use std::ops::Range;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::{FIELDS, LANDMARKS, Survey};
use crate::codec::json::{self, Malformed};

impl<'a> Survey<'a> {
    /// Surveys and checks `source`. `None` when it is valid and of another layout.
    pub(super) fn checked(source: &'a [u8], drop_managed_fields: bool) -> Result<Option<Self>, Malformed> {
        let text = json::text(source)?;
        let walk = Walk { text, survey: Self::empty(source), drop_managed_fields, is_usual: true };
        let mut deserializer = serde_json::Deserializer::from_str(text);
        let outcome =
            deserializer.deserialize_any(Top(walk)).and_then(|walk| deserializer.end().map(|()| walk));
        match outcome {
            Ok(walk) => Ok(walk.is_usual.then_some(walk.survey)),
            // Perhaps no object, and valid.
            Err(_) => match serde_json::from_str::<IgnoredAny>(text) {
                Ok(_) => Ok(None),
                Err(error) => Err(json::malformed(&error, source)),
            },
        }
    }
}

/// How far the survey has come.
struct Walk<'a> {
    text: &'a str,
    survey: Survey<'a>,
    drop_managed_fields: bool,
    /// Whether all is as servers write it.
    is_usual: bool,
}

impl<'a> Walk<'a> {
    /// Where a piece of the text lies that serde_json has lent from it.
    fn place(&self, piece: &str) -> Range<usize> {
        let start = (piece.as_ptr() as usize).saturating_sub(self.text.as_ptr() as usize);
        start..start + piece.len()
    }

    /// Where the value of the member with this name begins.
    fn value_of(&self, name: &str) -> usize {
        let behind = self.text.get(self.place(name).end + 1..).unwrap_or_default();
        let value = behind.trim_ascii_start().strip_prefix(':').unwrap_or_default().trim_ascii_start();
        self.place(value).start
    }

    fn take_field(&mut self, index: usize, value: &str) {
        self.is_usual &= self.survey.fields[index].is_empty();
        match value.as_bytes() {
            b"null" => {}
            [b'"', text @ .., b'"'] if memchr::memchr(b'\\', text).is_none() => {
                let place = self.place(value);
                self.survey.fields[index] = place.start + 1..place.end - 1;
            }
            _ => self.is_usual = false,
        }
    }
}

/// Walks the members at the top.
struct Top<'a>(Walk<'a>);

impl<'a> Visitor<'a> for Top<'a> {
    type Value = Walk<'a>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<M: MapAccess<'a>>(self, mut members: M) -> Result<Walk<'a>, M::Error> {
        let Self(mut walk) = self;
        while let Some(name) = members.next_key_seed(Name)? {
            walk.survey.is_empty = false;
            let name = name.unwrap_or_default();
            walk.is_usual &= !name.is_empty();
            walk.survey.has_api_version |= name == "apiVersion";
            walk.survey.has_kind |= name == "kind";
            let Some(index) = LANDMARKS.iter().position(|landmark| *landmark == name) else {
                members.next_value::<IgnoredAny>()?;
                continue;
            };
            walk.is_usual &= walk.survey.landmarks[index] == 0;
            let start = walk.value_of(name);
            walk.survey.landmarks[index] = start;
            match walk.survey.source.get(start) {
                _ if index == 0 => members.next_value_seed(Metadata(&mut walk))?,
                Some(b'{') => members.next_value_seed(Noted(&mut walk))?,
                _ => drop(members.next_value::<IgnoredAny>()?),
            }
        }
        Ok(walk)
    }
}

/// Walks the members of the metadata.
struct Metadata<'w, 'a>(&'w mut Walk<'a>);

impl<'a> DeserializeSeed<'a> for Metadata<'_, 'a> {
    type Value = ();

    fn deserialize<D: Deserializer<'a>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'a> Visitor<'a> for Metadata<'_, 'a> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    /// A null; where it lies is for the plain walk to find.
    fn visit_unit<E: Error>(self) -> Result<(), E> {
        self.0.is_usual = false;
        Ok(())
    }

    fn visit_map<M: MapAccess<'a>>(self, mut members: M) -> Result<(), M::Error> {
        let Self(walk) = self;
        let mut previous_end = None;
        while let Some(name) = members.next_key_seed(Name)? {
            let name = name.unwrap_or_default();
            walk.is_usual &= !name.is_empty();
            let value: &RawValue = members.next_value()?;
            let end = walk.place(value.get()).end;
            if walk.drop_managed_fields && name == "managedFields" {
                walk.is_usual &= previous_end.is_some() && walk.survey.cut.is_empty();
                walk.survey.cut = previous_end.unwrap_or(end)..end;
                continue;
            }
            previous_end = Some(end);
            if let Some(index) = FIELDS.iter().position(|field| *field == name) {
                walk.take_field(index, value.get());
            }
        }
        walk.is_usual &= previous_end.is_some();
        Ok(())
    }
}

/// Walks and notes the members of spec or status.
struct Noted<'w, 'a>(&'w mut Walk<'a>);

impl<'a> DeserializeSeed<'a> for Noted<'_, 'a> {
    type Value = ();

    fn deserialize<D: Deserializer<'a>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'a> Visitor<'a> for Noted<'_, 'a> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<M: MapAccess<'a>>(self, mut members: M) -> Result<(), M::Error> {
        let Self(walk) = self;
        while let Some(name) = members.next_key_seed(Name)? {
            match name {
                Some(name) => walk.survey.members.note(name, walk.place(name).start),
                None => walk.survey.members.give_up(),
            }
            members.next_value::<IgnoredAny>()?;
        }
        Ok(())
    }
}

/// A member's name, lent from the text; `None` when it holds escapes.
struct Name;

impl<'a> DeserializeSeed<'a> for Name {
    type Value = Option<&'a str>;

    fn deserialize<D: Deserializer<'a>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'a> Visitor<'a> for Name {
    type Value = Option<&'a str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_borrowed_str<E: Error>(self, name: &'a str) -> Result<Self::Value, E> {
        Ok(Some(name))
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<Self::Value, E> {
        Ok(None)
    }
}
