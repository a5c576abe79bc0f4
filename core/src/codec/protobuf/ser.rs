//! Writes any serde value as a message, byte for byte as Go writes it from the same JSON.
//!
//! Invariant: fields go out in the order of their numbers, zeros that Go writes included, whatever order they came in;
//! a member that the message does not have is an error and never lost, apiVersion and kind aside, which travel in the
//! envelope. Errors name members and hold no values.

mod collect;

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::ser::{Error, Impossible, Serialize, Serializer};

use super::moment;
use super::schema::{Field, Kind, Message};
use super::wire::{put_bytes, put_number, put_varint};
use crate::codec::is_json_text;
use collect::{Elements, Members, put_zero};

/// Why a value cannot be written, and where in it.
#[derive(Debug)]
pub(super) struct Unwritable {
    pub(super) path: String,
    pub(super) what: &'static str,
}

impl Unwritable {
    fn new(what: &'static str) -> Self {
        Self { path: String::new(), what }
    }

    /// The same, found within the member `name`.
    fn within(mut self, name: &str) -> Self {
        let dot = if self.path.is_empty() || self.path.starts_with('[') { "" } else { "." };
        self.path = format!("{name}{dot}{}", self.path);
        self
    }
}

impl fmt::Display for Unwritable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.what)
    }
}

impl std::error::Error for Unwritable {}

impl Error for Unwritable {
    /// Drops the text: it may show values.
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self::new("it cannot be written")
    }
}

/// The bytes of `object` as a message.
pub(super) fn message_of<T: Serialize + ?Sized>(object: &T, message: Message) -> Result<Vec<u8>, Unwritable> {
    let mut out = Vec::new();
    object.serialize(Slot { out: &mut out, place: Place::Root(message) })?;
    Ok(out)
}

/// Where a value goes.
#[derive(Clone, Copy)]
enum Place {
    /// It is the document itself: without number and length.
    Root(Message),
    /// It is all the values of a field.
    Field(Field),
    /// It is one of a field's values, under this number; null is a zero.
    Element(Field, u32),
}

/// Takes one value and appends its records. Gives false for null, which has none.
struct Slot<'e> {
    out: &'e mut Vec<u8>,
    place: Place,
}

impl<'e> Slot<'e> {
    /// Serializes `value` here; where JSON text is held, as the text that serde_json writes for it.
    fn put<T: Serialize + ?Sized>(self, value: &T) -> Result<bool, Unwritable> {
        match self.single() {
            Some((field, number)) if field.kind() == Kind::Raw => {
                let text = serde_json::to_vec(value).map_err(|_| Unwritable::new("it is not JSON"))?;
                if text == b"null" {
                    return self.null();
                }
                let mut payload = Vec::with_capacity(text.len() + 6);
                put_bytes(&mut payload, 1, &text);
                put_bytes(self.out, number, &payload);
                Ok(true)
            }
            _ => value.serialize(self),
        }
    }

    /// The field and the number to write under, for a place of one value.
    fn single(&self) -> Option<(Field, u32)> {
        match self.place {
            Place::Element(field, number) => Some((field, number)),
            Place::Field(field) if !field.is_repeated() && !field.is_map() => Some((field, field.number())),
            _ => None,
        }
    }

    fn null(self) -> Result<bool, Unwritable> {
        match self.place {
            Place::Root(_) => Err(Unwritable::new("null is no object")),
            Place::Field(_) => Ok(false),
            Place::Element(field, number) => {
                put_zero(field, number, self.out);
                Ok(true)
            }
        }
    }

    fn text(self, text: &str) -> Result<bool, Unwritable> {
        let Some((field, number)) = self.single() else { return Err(mismatch()) };
        let fail = |what| Unwritable::new(what);
        let mut payload = Vec::new();
        match field.kind() {
            Kind::String => {
                put_bytes(self.out, number, text.as_bytes());
                return Ok(true);
            }
            Kind::Bytes => payload = STANDARD.decode(text).map_err(|_| fail("not base64"))?,
            Kind::Time | Kind::MicroTime => {
                let time = moment::time_of(text, field.kind() == Kind::MicroTime).map_err(fail)?;
                if let Some((seconds, nanos)) = time {
                    put_number(&mut payload, 1, seconds as u64);
                    put_number(&mut payload, 2, nanos as u64);
                }
            }
            Kind::Duration => {
                put_number(&mut payload, 1, moment::duration_of(text).map_err(fail)? as u64);
            }
            Kind::Quantity => put_bytes(&mut payload, 1, text.as_bytes()),
            Kind::IntOrString => {
                put_number(&mut payload, 1, 1);
                put_number(&mut payload, 2, 0);
                put_bytes(&mut payload, 3, text.as_bytes());
            }
            _ => return Err(mismatch()),
        }
        put_bytes(self.out, number, &payload);
        Ok(true)
    }

    fn integer(self, value: i128) -> Result<bool, Unwritable> {
        let Some((field, number)) = self.single() else { return Err(mismatch()) };
        let small = i32::try_from(value).map_err(|_| Unwritable::new("a number beyond 32 bits"));
        match field.kind() {
            Kind::Int32 => put_number(self.out, number, i64::from(small?) as u64),
            Kind::Int64 => {
                let value = i64::try_from(value).map_err(|_| Unwritable::new("a number beyond 64 bits"))?;
                put_number(self.out, number, value as u64);
            }
            Kind::Double => return self.double(value as f64),
            Kind::IntOrString => {
                let mut payload = Vec::new();
                put_number(&mut payload, 1, 0);
                put_number(&mut payload, 2, i64::from(small?) as u64);
                put_bytes(&mut payload, 3, b"");
                put_bytes(self.out, number, &payload);
            }
            _ => return Err(mismatch()),
        }
        Ok(true)
    }

    fn double(self, value: f64) -> Result<bool, Unwritable> {
        match self.single() {
            Some((field, number)) if field.kind() == Kind::Double => {
                put_varint(self.out, u64::from(number) << 3 | 1);
                self.out.extend_from_slice(&value.to_bits().to_le_bytes());
                Ok(true)
            }
            _ => Err(mismatch()),
        }
    }

    /// Where a JSON array goes.
    fn list(self) -> Result<Elements<'e>, Unwritable> {
        match (self.place, self.single()) {
            (Place::Field(field), None) if field.is_repeated() => Ok(Elements::of_field(self.out, field)),
            (_, Some((field, number))) => match (field.kind(), field.message().fields().next_back()) {
                (Kind::Wrapper | Kind::SchemaOrArray | Kind::SchemaOrStrings, Some(items)) => {
                    Ok(Elements::within(self.out, items, number))
                }
                _ => Err(mismatch()),
            },
            _ => Err(mismatch()),
        }
    }

    /// Where a JSON object goes.
    fn object(self) -> Result<Members<'e>, Unwritable> {
        match (self.place, self.single()) {
            (Place::Root(message), _) => Ok(Members::of(self.out, message, None, Vec::new())),
            (Place::Field(field), None) if field.is_map() => Ok(Members::of_map(self.out, field)),
            (_, Some((field, number))) => {
                let mut before = Vec::new();
                let schema = match field.kind() {
                    Kind::Message => {
                        return Ok(Members::of(self.out, field.message(), Some((number, 0)), before));
                    }
                    Kind::SchemaOrBool => {
                        // Go allows what has a schema.
                        put_number(&mut before, 1, 1);
                        field.message().field(2)
                    }
                    Kind::SchemaOrArray | Kind::SchemaOrStrings => field.message().field(1),
                    _ => None,
                };
                let schema = schema.ok_or_else(mismatch)?;
                Ok(Members::of(self.out, schema.message(), Some((number, schema.number())), before))
            }
            _ => Err(mismatch()),
        }
    }
}

fn mismatch() -> Unwritable {
    Unwritable::new("a value of another type than its own")
}

impl<'e> Serializer for Slot<'e> {
    type Ok = bool;
    type Error = Unwritable;
    type SerializeSeq = Elements<'e>;
    type SerializeTuple = Elements<'e>;
    type SerializeTupleStruct = Impossible<bool, Unwritable>;
    type SerializeTupleVariant = Impossible<bool, Unwritable>;
    type SerializeMap = Members<'e>;
    type SerializeStruct = Members<'e>;
    type SerializeStructVariant = Impossible<bool, Unwritable>;

    fn serialize_bool(self, value: bool) -> Result<bool, Unwritable> {
        let Some((field, number)) = self.single() else { return Err(mismatch()) };
        match field.kind() {
            Kind::Bool => put_number(self.out, number, u64::from(value)),
            Kind::SchemaOrBool => put_bytes(self.out, number, &[1 << 3, u8::from(value)]),
            _ => return Err(mismatch()),
        }
        Ok(true)
    }

    fn serialize_i8(self, value: i8) -> Result<bool, Unwritable> {
        self.integer(value.into())
    }

    fn serialize_i16(self, value: i16) -> Result<bool, Unwritable> {
        self.integer(value.into())
    }

    fn serialize_i32(self, value: i32) -> Result<bool, Unwritable> {
        self.integer(value.into())
    }

    fn serialize_i64(self, value: i64) -> Result<bool, Unwritable> {
        self.integer(value.into())
    }

    fn serialize_u8(self, value: u8) -> Result<bool, Unwritable> {
        self.integer(value.into())
    }

    fn serialize_u16(self, value: u16) -> Result<bool, Unwritable> {
        self.integer(value.into())
    }

    fn serialize_u32(self, value: u32) -> Result<bool, Unwritable> {
        self.integer(value.into())
    }

    fn serialize_u64(self, value: u64) -> Result<bool, Unwritable> {
        self.integer(value.into())
    }

    fn serialize_f32(self, value: f32) -> Result<bool, Unwritable> {
        self.double(value.into())
    }

    fn serialize_f64(self, value: f64) -> Result<bool, Unwritable> {
        self.double(value)
    }

    fn serialize_char(self, value: char) -> Result<bool, Unwritable> {
        self.text(value.encode_utf8(&mut [0; 4]))
    }

    fn serialize_str(self, value: &str) -> Result<bool, Unwritable> {
        self.text(value)
    }

    fn serialize_bytes(self, _: &[u8]) -> Result<bool, Unwritable> {
        Err(mismatch())
    }

    fn serialize_none(self) -> Result<bool, Unwritable> {
        self.null()
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<bool, Unwritable> {
        self.put(value)
    }

    fn serialize_unit(self) -> Result<bool, Unwritable> {
        self.null()
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<bool, Unwritable> {
        self.null()
    }

    fn serialize_unit_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
    ) -> Result<bool, Unwritable> {
        self.text(variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<bool, Unwritable> {
        self.put(value)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: &T,
    ) -> Result<bool, Unwritable> {
        Err(mismatch())
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Elements<'e>, Unwritable> {
        self.list()
    }

    fn serialize_tuple(self, _: usize) -> Result<Elements<'e>, Unwritable> {
        self.list()
    }

    fn serialize_tuple_struct(
        self,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleStruct, Unwritable> {
        Err(mismatch())
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleVariant, Unwritable> {
        Err(mismatch())
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Members<'e>, Unwritable> {
        self.object()
    }

    fn serialize_struct(self, name: &'static str, _: usize) -> Result<Members<'e>, Unwritable> {
        if is_json_text(name) { Ok(Members::of_json(self.out, self.place)) } else { self.object() }
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeStructVariant, Unwritable> {
        Err(mismatch())
    }
}
