//! Reads any serde type from a document, as if it read the same document in JSON.
//!
//! Invariant: an error holds nothing of what was read; the stack is bounded.

use std::borrow::Cow;
use std::fmt;

use serde::de::value::{BorrowedStrDeserializer, StringDeserializer};
use serde::de::{
    DeserializeSeed, Deserializer, EnumAccess, Error, IntoDeserializer, MapAccess, SeqAccess, VariantAccess,
    Visitor,
};
use serde::forward_to_deserialize_any;

use super::json::transcode;
use super::wire::{Fault, Item, Reader};
use crate::codec::RAW_VALUE;
use crate::codec::json::write::integer;

/// How deep values may lie within one another: serde_json's own limit.
const DEEPEST: u8 = 127;

impl Error for Fault {
    /// Drops the text: it may show values.
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self::new("a value that its type does not take", &[])
    }

    fn missing_field(_: &'static str) -> Self {
        Self::new("a required field is missing", &[])
    }
}

/// One value, whose members are read on.
pub(super) struct Value<'r, 'de> {
    reader: &'r mut Reader<'de>,
    /// Where it begins.
    start: &'de [u8],
    item: Item<'de>,
    /// How many levels may lie within it.
    depth: u8,
}

/// Reads `T`, the whole of a document that has been checked.
pub(super) fn read<'de, T: serde::Deserialize<'de>>(bytes: &'de [u8]) -> Result<T, Fault> {
    let mut reader = Reader::of(bytes);
    T::deserialize(Value::next(&mut reader, DEEPEST)?)
}

impl<'r, 'de> Value<'r, 'de> {
    fn next(reader: &'r mut Reader<'de>, depth: u8) -> Result<Self, Fault> {
        let start = reader.rest();
        let item = reader.item()?;
        Ok(Self { reader, start, item, depth })
    }

    /// The depth of its members.
    fn within(&self) -> Result<u8, Fault> {
        self.depth.checked_sub(1).ok_or(Fault::new("more nested values than allowed", self.start))
    }
}

impl<'de> Deserializer<'de> for Value<'_, 'de> {
    type Error = Fault;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self.item {
            Item::Null => visitor.visit_unit(),
            Item::Bool(value) => visitor.visit_bool(value),
            Item::Unsigned(value) => visitor.visit_u64(value),
            Item::Negative(value) => visitor.visit_i64(value),
            Item::Double(value) => match integer(value) {
                Some(value) => match u64::try_from(value) {
                    Ok(value) => visitor.visit_u64(value),
                    Err(_) => visitor.visit_i64(value),
                },
                None => visitor.visit_f64(value),
            },
            Item::Text(Cow::Borrowed(text)) => visitor.visit_borrowed_str(text),
            Item::Text(Cow::Owned(text)) => visitor.visit_string(text),
            Item::Array(left) => {
                let mut members = Members { depth: self.within()?, left, reader: self.reader };
                let value = visitor.visit_seq(&mut members)?;
                members.end(value)
            }
            Item::Map(left) => {
                let mut members = Members { depth: self.within()?, left, reader: self.reader };
                let value = visitor.visit_map(&mut members)?;
                members.end(value)
            }
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self.item {
            Item::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Fault> {
        if name != RAW_VALUE {
            return visitor.visit_newtype_struct(self);
        }
        let (start, depth) = (self.start, self.depth);
        self.reader.skip_members(&self.item)?;
        let whole = start.get(..start.len() - self.reader.rest().len()).unwrap_or_default();
        let mut text = Vec::new();
        transcode(whole, depth.into(), &mut text)?;
        let mut json = serde_json::Deserializer::from_reader(text.as_slice());
        json.deserialize_newtype_struct(name, visitor)
            .map_err(|_| Fault::new("a value that its type does not take", start))
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        match &self.item {
            Item::Text(text) => {
                let name: StringDeserializer<Fault> = text.clone().into_owned().into_deserializer();
                visitor.visit_enum(name)
            }
            Item::Map(1) => visitor.visit_enum(self),
            _ => Err(Fault::new("a value that its type does not take", self.start)),
        }
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.reader.skip_members(&self.item)?;
        visitor.visit_unit()
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct seq
        tuple tuple_struct map struct identifier
    }
}

/// The members of an array or a map.
struct Members<'r, 'de> {
    reader: &'r mut Reader<'de>,
    /// How many elements or pairs have not been read.
    left: u64,
    depth: u8,
}

impl<'de> Members<'_, 'de> {
    fn next(&mut self) -> Result<Option<Value<'_, 'de>>, Fault> {
        match self.left.checked_sub(1) {
            None => Ok(None),
            Some(left) => {
                self.left = left;
                Value::next(self.reader, self.depth).map(Some)
            }
        }
    }

    /// A type that stops before the end does not take the value, as with serde_json.
    fn end<T>(self, value: T) -> Result<T, Fault> {
        match self.left {
            0 => Ok(value),
            _ => Err(Fault::new("more members than its type takes", self.reader.rest())),
        }
    }

    /// As many as there can be bytes for.
    fn hint(&self) -> Option<usize> {
        usize::try_from(self.left).ok().map(|left| left.min(self.reader.rest().len()))
    }
}

impl<'de> SeqAccess<'de> for &mut Members<'_, 'de> {
    type Error = Fault;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Fault> {
        self.next()?.map(|value| seed.deserialize(value)).transpose()
    }

    fn size_hint(&self) -> Option<usize> {
        self.hint()
    }
}

impl<'de> MapAccess<'de> for &mut Members<'_, 'de> {
    type Error = Fault;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Fault> {
        let Some(name) = self.next()? else { return Ok(None) };
        match name.item {
            Item::Text(Cow::Borrowed(text)) => seed.deserialize(BorrowedStrDeserializer::new(text)).map(Some),
            Item::Text(Cow::Owned(text)) => seed.deserialize(text.into_deserializer()).map(Some),
            _ => Err(Fault::new("a name that is not a text", name.start)),
        }
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Fault> {
        seed.deserialize(Value::next(self.reader, self.depth)?)
    }

    fn size_hint(&self) -> Option<usize> {
        self.hint()
    }
}

/// A map of one member: a variant's name and what it holds.
impl<'r, 'de> EnumAccess<'de> for Value<'r, 'de> {
    type Error = Fault;
    type Variant = Self;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Self), Fault> {
        let depth = self.within()?;
        let name = seed.deserialize(Value::next(self.reader, depth)?)?;
        Ok((name, Value::next(self.reader, depth)?))
    }
}

impl<'de> VariantAccess<'de> for Value<'_, 'de> {
    type Error = Fault;

    fn unit_variant(self) -> Result<(), Fault> {
        match self.item {
            Item::Null => Ok(()),
            _ => Err(Fault::new("a value that its type does not take", self.start)),
        }
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Fault> {
        seed.deserialize(self)
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Fault> {
        self.deserialize_any(visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        self.deserialize_any(visitor)
    }
}
