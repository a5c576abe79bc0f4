//! Reads of one value by name or place, as the JSON it stands for.
//!
//! Invariant: what is malformed is not there; reads end and never panic.

use std::borrow::Cow;
use std::collections::{BTreeMap, btree_map};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;

use super::value::{List, Members, Value};
use super::{json, malformed};
use crate::error::Error;

impl<'a> Value<'a> {
    /// A text as it is, a number or boolean as JSON writes it; `None` for null, lists and objects.
    pub(crate) fn text(self) -> Option<Cow<'a, str>> {
        match self {
            Self::Text(text) => Some(Cow::Borrowed(text)),
            Self::Moment(moment) => Some(Cow::Owned(moment.text())),
            Self::Bytes(bytes) => Some(Cow::Owned(STANDARD.encode(bytes))),
            Self::Bool(_) | Self::Int(_) | Self::Double(_) => {
                String::from_utf8(self.to_json()?).ok().map(Cow::Owned)
            }
            Self::Null | Self::Raw(_) | Self::Object(_) | Self::List(_) | Self::Map(_) => None,
        }
    }

    /// Its JSON.
    pub(crate) fn to_json(self) -> Option<Vec<u8>> {
        let mut out = Vec::new();
        json::write(self, &mut out).ok().map(|()| out)
    }

    /// Decodes it.
    pub(crate) fn read<T: Deserialize<'a>>(self) -> Result<T, Error> {
        T::deserialize(self).map_err(|fault| malformed(std::any::type_name::<T>(), &[], fault))
    }

    /// The member of this name; `None` in what is no object.
    pub(crate) fn member(self, name: &str) -> Option<Value<'a>> {
        match self {
            Self::Object(object) => object.member(name).ok()?,
            // Of entries of one name the last counts, as everywhere else.
            Self::Map(mut list) => {
                let mut found = None;
                while let Some((key, value)) = list.next_entry().ok()? {
                    found = if key == name { Some(value) } else { found };
                }
                found
            }
            _ => None,
        }
    }

    /// Its members or elements; `None` for what has none.
    pub(crate) fn parts(self) -> Option<Parts<'a>> {
        match self {
            Self::Object(object) => object.members().ok().map(|members| Parts::Members(Box::new(members))),
            Self::List(list) => Some(Parts::Elements(list)),
            Self::Map(mut list) => {
                let mut entries = BTreeMap::new();
                while let Some((key, value)) = list.next_entry().ok()? {
                    entries.insert(key, value);
                }
                Some(Parts::Entries(entries.into_iter()))
            }
            _ => None,
        }
    }
}

/// The members of an object with their names, or the elements of a list without.
pub(crate) enum Parts<'a> {
    Members(Box<Members<'a>>),
    Elements(List<'a>),
    /// Sorted, as Go writes them.
    Entries(btree_map::IntoIter<&'a str, Value<'a>>),
}

impl Parts<'_> {
    /// Whether they have names.
    pub(crate) fn is_object(&self) -> bool {
        !matches!(self, Self::Elements(_))
    }
}

impl<'a> Iterator for Parts<'a> {
    type Item = (&'a str, Value<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        match self {
            Self::Members(members) => members.next().ok()?,
            Self::Elements(list) => list.next().ok()?.map(|value| ("", value)),
            Self::Entries(entries) => entries.next(),
        }
    }
}
