//! Reads any serde type from a message, as if it read the JSON that Go writes for it.
//!
//! Invariant: an error holds nothing of what was read.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::de::value::StrDeserializer;
use serde::de::{DeserializeSeed, Deserializer, Error, IntoDeserializer, MapAccess, SeqAccess, Visitor};
use serde::forward_to_deserialize_any;

use super::value::{List, Members, Value};
use super::wire::Fault;
use crate::codec::json::write::integer;

impl Error for Fault {
    /// Drops the text: it may show values.
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self::new("a value that its type does not take", &[])
    }

    fn missing_field(_: &'static str) -> Self {
        Self::new("a required field is missing", &[])
    }
}

impl<'de> Deserializer<'de> for Value<'de> {
    type Error = Fault;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self {
            Value::Null => visitor.visit_unit(),
            Value::Bool(value) => visitor.visit_bool(value),
            Value::Int(value) => match u64::try_from(value) {
                Ok(value) => visitor.visit_u64(value),
                Err(_) => visitor.visit_i64(value),
            },
            Value::Double(value) => match integer(value) {
                Some(value) => Value::Int(value).deserialize_any(visitor),
                None => visitor.visit_f64(value),
            },
            Value::Text(text) => visitor.visit_borrowed_str(text),
            Value::Moment(moment) => visitor.visit_string(moment.text()),
            Value::Bytes(bytes) => visitor.visit_string(STANDARD.encode(bytes)),
            Value::Raw(text) => raw(text, |json| json.deserialize_any(visitor)),
            Value::Object(object) => visitor.visit_map(Fields { members: object.members()?, value: None }),
            Value::List(list) => visitor.visit_seq(Elements(list)),
            Value::Map(list) => visitor.visit_map(Entries { list, value: None }),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self {
            Value::Null => visitor.visit_none(),
            value => visitor.visit_some(value),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Fault> {
        match self {
            // serde_json's own: it gives a RawValue the text as it is.
            Value::Raw(text) => raw(text, |json| json.deserialize_newtype_struct(name, visitor)),
            value => visitor.visit_newtype_struct(value),
        }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        match self {
            Value::Text(text) => visitor.visit_enum(text.into_deserializer()),
            Value::Raw(text) => raw(text, |json| json.deserialize_enum(name, variants, visitor)),
            _ => Err(Fault::new("a value that its type does not take", &[])),
        }
    }

    /// Looks at nothing: what is not wanted costs nothing.
    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_unit()
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct seq
        tuple tuple_struct map struct identifier
    }
}

/// Reads JSON text that a message holds, all of it.
fn raw<'de, T>(
    text: &'de [u8],
    read: impl FnOnce(&mut serde_json::Deserializer<serde_json::de::SliceRead<'de>>) -> serde_json::Result<T>,
) -> Result<T, Fault> {
    let mut json = serde_json::Deserializer::from_slice(text);
    let fault = |_| Fault::new("JSON within it that is malformed or of another type", text);
    let value = read(&mut json).map_err(fault)?;
    json.end().map_err(fault)?;
    Ok(value)
}

/// A message's members.
struct Fields<'de> {
    members: Members<'de>,
    value: Option<Value<'de>>,
}

impl<'de> MapAccess<'de> for Fields<'de> {
    type Error = Fault;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Fault> {
        let Some((name, value)) = self.members.next()? else { return Ok(None) };
        self.value = Some(value);
        let name: StrDeserializer<'_, Fault> = name.into_deserializer();
        seed.deserialize(name).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Fault> {
        seed.deserialize(self.value.take().unwrap_or(Value::Null))
    }
}

/// A map's entries.
struct Entries<'de> {
    list: List<'de>,
    value: Option<Value<'de>>,
}

impl<'de> MapAccess<'de> for Entries<'de> {
    type Error = Fault;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Fault> {
        let Some((key, value)) = self.list.next_entry()? else { return Ok(None) };
        self.value = Some(value);
        seed.deserialize(Value::Text(key)).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Fault> {
        seed.deserialize(self.value.take().unwrap_or(Value::Null))
    }
}

/// A list's elements.
struct Elements<'de>(List<'de>);

impl<'de> SeqAccess<'de> for Elements<'de> {
    type Error = Fault;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Fault> {
        match self.0.next()? {
            None => Ok(None),
            Some(value) => seed.deserialize(value).map(Some),
        }
    }
}
