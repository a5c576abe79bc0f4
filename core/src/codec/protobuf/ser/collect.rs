//! Collects the values of a message, a map or a list as they come and puts them in the order of the wire.
//!
//! Invariant: what is not given is absent, null or zero just as Go has it for the field.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::Range;

use serde::ser::{Serialize, SerializeMap, SerializeSeq, SerializeStruct, SerializeTuple};
use serde_json::Value;
use serde_json::value::RawValue;

use super::{Place, Slot, Unwritable};
use crate::codec::Number;
use crate::codec::protobuf::schema::{Field, Kind, Message};
use crate::codec::protobuf::wire::{put_bytes, put_number, put_varint};

/// The members of a message or the entries of a map, in any order.
pub(super) struct Members<'e> {
    out: &'e mut Vec<u8>,
    target: Target,
    /// The records of the values given so far.
    records: Vec<u8>,
    key: Option<String>,
}

enum Target {
    Message {
        message: Message,
        /// The number it is written under, and, when it lies in a message of its own, the number there; `None` for a
        /// root.
        numbers: Option<(u32, u32)>,
        /// What stands before it in the message of its own.
        before: Vec<u8>,
        parts: Vec<(Field, Range<usize>)>,
    },
    Map {
        field: Field,
        entries: Vec<(String, Range<usize>)>,
    },
    /// Any value, which comes as JSON text.
    Json {
        place: Place,
        is_there: bool,
    },
}

impl<'e> Members<'e> {
    pub(super) fn of(
        out: &'e mut Vec<u8>,
        message: Message,
        numbers: Option<(u32, u32)>,
        before: Vec<u8>,
    ) -> Self {
        let target = Target::Message { message, numbers, before, parts: Vec::new() };
        Self { out, target, records: Vec::new(), key: None }
    }

    pub(super) fn of_map(out: &'e mut Vec<u8>, field: Field) -> Self {
        let target = Target::Map { field, entries: Vec::new() };
        Self { out, target, records: Vec::new(), key: None }
    }

    pub(super) fn of_json(out: &'e mut Vec<u8>, place: Place) -> Self {
        Self { out, target: Target::Json { place, is_there: false }, records: Vec::new(), key: None }
    }

    fn member<T: Serialize + ?Sized>(&mut self, name: &str, value: &T) -> Result<(), Unwritable> {
        let start = self.records.len();
        match &mut self.target {
            Target::Message { message, parts, .. } => {
                let Some(field) = message.find(name) else {
                    // They travel in the envelope, or not at all.
                    if name == "apiVersion" || name == "kind" {
                        return Ok(());
                    }
                    return Err(Unwritable::new("protobuf has no such field").within(name));
                };
                let slot = Slot { out: &mut self.records, place: Place::Field(field) };
                if slot.put(value).map_err(|error| error.within(name))? {
                    parts.retain(|(other, _)| *other != field);
                    parts.push((field, start..self.records.len()));
                }
            }
            Target::Map { field, entries } => {
                put_bytes(&mut self.records, 1, name.as_bytes());
                let slot = Slot { out: &mut self.records, place: Place::Element(*field, 2) };
                slot.put(value).map_err(|error| error.within(name))?;
                entries.retain(|(other, _)| other != name);
                entries.push((name.to_owned(), start..self.records.len()));
            }
            Target::Json { place, is_there } => {
                let malformed = |_| Unwritable::new("it is not JSON");
                let text = serde_json::to_value(value).and_then(serde_json::from_value::<String>);
                let slot = Slot { out: self.out, place: *place };
                *is_there = put_json(&text.map_err(malformed)?, slot)?;
            }
        }
        Ok(())
    }

    fn finish(self) -> Result<bool, Unwritable> {
        match self.target {
            Target::Message { message, numbers, mut before, parts } => {
                let mut payload = Vec::with_capacity(self.records.len() + 16);
                assemble(message, &parts, &self.records, &mut payload);
                match numbers {
                    None => self.out.extend_from_slice(&payload),
                    Some((number, 0)) => put_bytes(self.out, number, &payload),
                    Some((number, inner)) => {
                        put_bytes(&mut before, inner, &payload);
                        put_bytes(self.out, number, &before);
                    }
                }
            }
            Target::Map { field, mut entries } => {
                entries.sort_by(|(a, _), (b, _)| a.as_bytes().cmp(b.as_bytes()));
                for (_, range) in entries {
                    put_bytes(self.out, field.number(), self.records.get(range).unwrap_or_default());
                }
            }
            Target::Json { is_there, .. } => return Ok(is_there),
        }
        Ok(true)
    }
}

impl SerializeStruct for Members<'_> {
    type Ok = bool;
    type Error = Unwritable;

    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        key: &'static str,
        value: &T,
    ) -> Result<(), Unwritable> {
        self.member(key, value)
    }

    fn end(self) -> Result<bool, Unwritable> {
        self.finish()
    }
}

impl SerializeMap for Members<'_> {
    type Ok = bool;
    type Error = Unwritable;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Unwritable> {
        match serde_json::to_value(key) {
            Ok(Value::String(key)) => self.key = Some(key),
            _ => return Err(Unwritable::new("a name that is not a text")),
        }
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Unwritable> {
        let key = self.key.take().ok_or(Unwritable::new("a value without a name"))?;
        self.member(&key, value)
    }

    fn end(self) -> Result<bool, Unwritable> {
        self.finish()
    }
}

/// Writes JSON text, level by level, so that JSON which a message holds stays word for word.
fn put_json(text: &str, slot: Slot<'_>) -> Result<bool, Unwritable> {
    let malformed = |_| Unwritable::new("it is not JSON");
    if let Some(number) = Number::parse(text) {
        return slot.put(&number);
    }
    match text.as_bytes().first() {
        Some(b'{') => {
            slot.put(&serde_json::from_str::<BTreeMap<Cow<'_, str>, &RawValue>>(text).map_err(malformed)?)
        }
        Some(b'[') => slot.put(&serde_json::from_str::<Vec<&RawValue>>(text).map_err(malformed)?),
        _ => slot.put(&serde_json::from_str::<Value>(text).map_err(malformed)?),
    }
}

/// The elements of a list.
pub(super) struct Elements<'e> {
    out: &'e mut Vec<u8>,
    field: Field,
    /// For a list that is a message of its own: the number it is written under, and its records so far.
    within: Option<(u32, Vec<u8>)>,
    count: usize,
}

impl<'e> Elements<'e> {
    pub(super) fn of_field(out: &'e mut Vec<u8>, field: Field) -> Self {
        Self { out, field, within: None, count: 0 }
    }

    pub(super) fn within(out: &'e mut Vec<u8>, items: Field, number: u32) -> Self {
        Self { out, field: items, within: Some((number, Vec::new())), count: 0 }
    }

    fn element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Unwritable> {
        let out = self.within.as_mut().map_or(&mut *self.out, |(_, records)| records);
        let slot = Slot { out, place: Place::Element(self.field, self.field.number()) };
        slot.put(value).map_err(|error| error.within(&format!("[{}]", self.count)))?;
        self.count += 1;
        Ok(())
    }

    fn finish(self) -> Result<bool, Unwritable> {
        if let Some((number, records)) = self.within {
            put_bytes(self.out, number, &records);
        }
        Ok(true)
    }
}

impl SerializeSeq for Elements<'_> {
    type Ok = bool;
    type Error = Unwritable;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Unwritable> {
        self.element(value)
    }

    fn end(self) -> Result<bool, Unwritable> {
        self.finish()
    }
}

impl SerializeTuple for Elements<'_> {
    type Ok = bool;
    type Error = Unwritable;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Unwritable> {
        self.element(value)
    }

    fn end(self) -> Result<bool, Unwritable> {
        self.finish()
    }
}

/// Writes a message's fields in their order: `parts` from `records`, the rest as Go writes what is absent.
pub(super) fn assemble(message: Message, parts: &[(Field, Range<usize>)], records: &[u8], out: &mut Vec<u8>) {
    for field in message.fields() {
        if field.is_inline() {
            let mut inner = Vec::new();
            assemble(field.message(), parts, records, &mut inner);
            put_bytes(out, field.number(), &inner);
        } else if let Some((_, range)) = parts.iter().find(|(part, _)| *part == field) {
            out.extend_from_slice(records.get(range.clone()).unwrap_or_default());
        } else {
            put_absent(field, out);
        }
    }
}

/// Writes what Go writes for a field that has no value.
pub(super) fn put_absent(field: Field, out: &mut Vec<u8>) {
    let is_nil = field.is_pointer() || field.is_repeated() || field.is_map();
    if !is_nil && !matches!(field.kind(), Kind::Bytes | Kind::Wrapper) {
        put_zero(field, field.number(), out);
    }
}

/// Writes one zero value of a field.
pub(super) fn put_zero(field: Field, number: u32, out: &mut Vec<u8>) {
    match field.kind() {
        Kind::Bool | Kind::Int32 | Kind::Int64 => put_number(out, number, 0),
        Kind::Double => {
            put_varint(out, u64::from(number) << 3 | 1);
            out.extend_from_slice(&[0; 8]);
        }
        // A map's entry has no value then; an element of a list is empty.
        Kind::Bytes if field.is_map() => {}
        Kind::Message => {
            let mut payload = Vec::new();
            assemble(field.message(), &[], &[], &mut payload);
            put_bytes(out, number, &payload);
        }
        Kind::Duration | Kind::SchemaOrBool => put_bytes(out, number, &[1 << 3, 0]),
        Kind::Quantity => put_bytes(out, number, &[1 << 3 | 2, 1, b'0']),
        Kind::IntOrString => put_bytes(out, number, &[1 << 3, 0, 2 << 3, 0, 3 << 3 | 2, 0]),
        Kind::String
        | Kind::Bytes
        | Kind::Wrapper
        | Kind::Time
        | Kind::MicroTime
        | Kind::Raw
        | Kind::SchemaOrArray
        | Kind::SchemaOrStrings => put_bytes(out, number, &[]),
    }
}
