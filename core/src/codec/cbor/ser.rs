//! Writes any serde value as a document, as Go writes the same object.
//!
//! Invariant: one value gives one sequence of bytes: members sorted by their names' bytes, shorter ones first, every
//! head as short as can be. Errors hold no values.

use std::fmt;
use std::ops::Range;

use serde::ser::{
    Error, Serialize, SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant, SerializeTuple,
    SerializeTupleStruct, SerializeTupleVariant, Serializer,
};

use super::wire::{half, major, tag};
use crate::codec::{Number, is_json_text};

/// Why a value cannot be written.
#[derive(Debug)]
pub(super) struct Unwritable(&'static str);

impl fmt::Display for Unwritable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for Unwritable {}

impl Error for Unwritable {
    /// Drops the text: it may show values.
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self("a value refuses to be written")
    }
}

/// Takes one value and appends it.
pub(super) struct Writer<'e> {
    out: &'e mut Vec<u8>,
}

impl<'e> Writer<'e> {
    pub(super) fn of(out: &'e mut Vec<u8>) -> Self {
        Self { out }
    }

    fn head(self, major: u8, value: u64) {
        put_head(self.out, major, value);
    }

    fn text(self, text: &str) {
        put_head(self.out, major::BYTES, text.len() as u64);
        self.out.extend_from_slice(text.as_bytes());
    }

    fn integer(self, value: i128) -> Result<(), Unwritable> {
        match (u64::try_from(value), u64::try_from(-1 - value)) {
            // What an int64 does not hold is a double to Go, which refuses it otherwise.
            (Ok(value), _) if i64::try_from(value).is_err() => self.double(value as f64),
            (Ok(value), _) => {
                self.head(major::UNSIGNED, value);
                Ok(())
            }
            (_, Ok(value)) if i64::try_from(value).is_ok() => {
                self.head(major::NEGATIVE, value);
                Ok(())
            }
            _ => Err(Unwritable("a number beyond 64 bits")),
        }
    }

    /// The shortest float that is the same number.
    fn double(self, value: f64) -> Result<(), Unwritable> {
        if !value.is_finite() {
            return Err(Unwritable("a number that is not finite"));
        }
        let single = value as f32;
        if f64::from(single) != value {
            self.out.push(0xfb);
            self.out.extend_from_slice(&value.to_be_bytes());
        } else if let Some(bits) = half_of(value) {
            self.out.push(0xf9);
            self.out.extend_from_slice(&bits.to_be_bytes());
        } else {
            self.out.push(0xfa);
            self.out.extend_from_slice(&single.to_be_bytes());
        }
        Ok(())
    }

    fn members(self, kind: u8, variant: Option<&str>) -> Members<'e> {
        if let Some(variant) = variant {
            put_head(self.out, major::MAP, 1);
            Writer::of(self.out).text(variant);
        }
        let start = self.out.len();
        Members { out: self.out, major: kind, start, count: 0, names: Vec::new() }
    }
}

/// The bits of the 16-bit float that is exactly `value`.
fn half_of(value: f64) -> Option<u16> {
    let sign = if value.is_sign_negative() { 0x8000 } else { 0 };
    let size = value.abs();
    let exponent = (1..31).rev().find(|exponent| size >= 2_f64.powi(exponent - 15));
    let bits = match exponent {
        Some(exponent) => {
            let fraction = (size / 2_f64.powi(exponent - 15) - 1.0) * 1024.0;
            (exponent as u16) << 10 | fraction as u16
        }
        None => (size * 2_f64.powi(24)) as u16,
    };
    (half(bits) == size).then_some(sign | bits)
}

fn put_head(out: &mut Vec<u8>, major: u8, value: u64) {
    let major = major << 5;
    match value {
        0..24 => out.push(major | value as u8),
        24..0x100 => out.extend_from_slice(&[major | 24, value as u8]),
        0x100..0x1_0000 => {
            out.push(major | 25);
            out.extend_from_slice(&(value as u16).to_be_bytes());
        }
        0x1_0000..0x1_0000_0000 => {
            out.push(major | 26);
            out.extend_from_slice(&(value as u32).to_be_bytes());
        }
        _ => {
            out.push(major | 27);
            out.extend_from_slice(&value.to_be_bytes());
        }
    }
}

impl<'e> Serializer for Writer<'e> {
    type Ok = ();
    type Error = Unwritable;
    type SerializeSeq = Members<'e>;
    type SerializeTuple = Members<'e>;
    type SerializeTupleStruct = Members<'e>;
    type SerializeTupleVariant = Members<'e>;
    type SerializeMap = Members<'e>;
    type SerializeStruct = Members<'e>;
    type SerializeStructVariant = Members<'e>;

    fn serialize_bool(self, value: bool) -> Result<(), Unwritable> {
        self.out.push(if value { 0xf5 } else { 0xf4 });
        Ok(())
    }

    fn serialize_i8(self, value: i8) -> Result<(), Unwritable> {
        self.integer(value.into())
    }

    fn serialize_i16(self, value: i16) -> Result<(), Unwritable> {
        self.integer(value.into())
    }

    fn serialize_i32(self, value: i32) -> Result<(), Unwritable> {
        self.integer(value.into())
    }

    fn serialize_i64(self, value: i64) -> Result<(), Unwritable> {
        self.integer(value.into())
    }

    fn serialize_u8(self, value: u8) -> Result<(), Unwritable> {
        self.integer(value.into())
    }

    fn serialize_u16(self, value: u16) -> Result<(), Unwritable> {
        self.integer(value.into())
    }

    fn serialize_u32(self, value: u32) -> Result<(), Unwritable> {
        self.integer(value.into())
    }

    fn serialize_u64(self, value: u64) -> Result<(), Unwritable> {
        self.integer(value.into())
    }

    fn serialize_f32(self, value: f32) -> Result<(), Unwritable> {
        self.double(value.into())
    }

    fn serialize_f64(self, value: f64) -> Result<(), Unwritable> {
        self.double(value)
    }

    fn serialize_char(self, value: char) -> Result<(), Unwritable> {
        self.serialize_str(value.encode_utf8(&mut [0; 4]))
    }

    fn serialize_str(self, value: &str) -> Result<(), Unwritable> {
        self.text(value);
        Ok(())
    }

    fn serialize_bytes(self, value: &[u8]) -> Result<(), Unwritable> {
        put_head(self.out, major::TAG, tag::BASE64);
        put_head(self.out, major::BYTES, value.len() as u64);
        self.out.extend_from_slice(value);
        Ok(())
    }

    fn serialize_none(self) -> Result<(), Unwritable> {
        self.serialize_unit()
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Unwritable> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<(), Unwritable> {
        self.out.push(0xf6);
        Ok(())
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<(), Unwritable> {
        self.serialize_unit()
    }

    fn serialize_unit_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
    ) -> Result<(), Unwritable> {
        self.serialize_str(variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<(), Unwritable> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<(), Unwritable> {
        put_head(self.out, major::MAP, 1);
        Writer::of(self.out).text(variant);
        value.serialize(self)
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Members<'e>, Unwritable> {
        Ok(self.members(major::ARRAY, None))
    }

    fn serialize_tuple(self, _: usize) -> Result<Members<'e>, Unwritable> {
        Ok(self.members(major::ARRAY, None))
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Members<'e>, Unwritable> {
        Ok(self.members(major::ARRAY, None))
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Members<'e>, Unwritable> {
        Ok(self.members(major::ARRAY, Some(variant)))
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Members<'e>, Unwritable> {
        Ok(self.members(major::MAP, None))
    }

    fn serialize_struct(self, name: &'static str, _: usize) -> Result<Members<'e>, Unwritable> {
        Ok(self.members(if is_json_text(name) { RAW } else { major::MAP }, None))
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Members<'e>, Unwritable> {
        Ok(self.members(major::MAP, Some(variant)))
    }
}

/// In place of a major type: no container at all but JSON text, whose value is written.
const RAW: u8 = 8;

/// The members of a container, written behind one another; its head is put before them at the end.
pub(super) struct Members<'e> {
    out: &'e mut Vec<u8>,
    major: u8,
    /// Where they begin.
    start: usize,
    count: u64,
    /// Of each member of a map where it begins and where its name ends.
    names: Vec<(usize, usize)>,
}

impl Members<'_> {
    fn name<T: Serialize + ?Sized>(&mut self, name: &T) -> Result<(), Unwritable> {
        let start = self.out.len();
        name.serialize(Writer::of(self.out))?;
        if self.out.get(start).is_none_or(|first| first >> 5 != major::BYTES) {
            return Err(Unwritable("a name that is not a text"));
        }
        self.names.push((start, self.out.len()));
        Ok(())
    }

    fn value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Unwritable> {
        self.count += 1;
        value.serialize(Writer::of(self.out))
    }

    fn member<T: Serialize + ?Sized>(&mut self, name: &str, value: &T) -> Result<(), Unwritable> {
        if self.major != RAW {
            self.name(name)?;
            return self.value(value);
        }
        let malformed = |_| Unwritable("it is not JSON");
        let text = serde_json::to_value(value).and_then(serde_json::from_value::<String>);
        let text = text.map_err(malformed)?;
        match Number::parse(&text) {
            Some(number) => number.serialize(Writer::of(self.out)),
            None => {
                let json: serde_json::Value = serde_json::from_str(&text).map_err(malformed)?;
                json.serialize(Writer::of(self.out))
            }
        }
    }

    fn finish(self) -> Result<(), Unwritable> {
        match self.major {
            RAW => {}
            major::MAP => self.sort(),
            _ => {
                let mut head = Vec::with_capacity(9);
                put_head(&mut head, self.major, self.count);
                self.out.splice(self.start..self.start, head);
            }
        }
        Ok(())
    }

    /// Puts a map's members in the order of their encoded names; of two of one name the later stays.
    fn sort(self) {
        let Self { out, start, names, .. } = self;
        let bytes = out.split_off(start);
        let ends = names.iter().skip(1).map(|(place, _)| *place).chain([start + bytes.len()]);
        let slice =
            |range: Range<usize>| bytes.get(range.start - start..range.end - start).unwrap_or_default();
        let mut members: Vec<(&[u8], &[u8])> = Vec::with_capacity(names.len());
        for ((place, name_end), end) in names.iter().zip(ends) {
            members.push((slice(*place..*name_end), slice(*place..end)));
        }
        // The sort is stable: the later of two comes last.
        members.sort_by_key(|(name, _)| *name);
        let is_last = |index: usize| members.get(index + 1).is_none_or(|(next, _)| *next != members[index].0);
        let kept: Vec<&[u8]> = members
            .iter()
            .enumerate()
            .filter(|(index, _)| is_last(*index))
            .map(|(_, (_, whole))| *whole)
            .collect();
        put_head(out, major::MAP, kept.len() as u64);
        kept.into_iter().for_each(|member| out.extend_from_slice(member));
    }
}

impl SerializeSeq for Members<'_> {
    type Ok = ();
    type Error = Unwritable;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Unwritable> {
        self.value(value)
    }

    fn end(self) -> Result<(), Unwritable> {
        self.finish()
    }
}

impl SerializeTuple for Members<'_> {
    type Ok = ();
    type Error = Unwritable;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Unwritable> {
        self.value(value)
    }

    fn end(self) -> Result<(), Unwritable> {
        self.finish()
    }
}

impl SerializeTupleStruct for Members<'_> {
    type Ok = ();
    type Error = Unwritable;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Unwritable> {
        self.value(value)
    }

    fn end(self) -> Result<(), Unwritable> {
        self.finish()
    }
}

impl SerializeTupleVariant for Members<'_> {
    type Ok = ();
    type Error = Unwritable;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Unwritable> {
        self.value(value)
    }

    fn end(self) -> Result<(), Unwritable> {
        self.finish()
    }
}

impl SerializeMap for Members<'_> {
    type Ok = ();
    type Error = Unwritable;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Unwritable> {
        self.name(key)
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Unwritable> {
        self.value(value)
    }

    fn end(self) -> Result<(), Unwritable> {
        self.finish()
    }
}

impl SerializeStruct for Members<'_> {
    type Ok = ();
    type Error = Unwritable;

    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        name: &'static str,
        value: &T,
    ) -> Result<(), Unwritable> {
        self.member(name, value)
    }

    fn end(self) -> Result<(), Unwritable> {
        self.finish()
    }
}

impl SerializeStructVariant for Members<'_> {
    type Ok = ();
    type Error = Unwritable;

    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        name: &'static str,
        value: &T,
    ) -> Result<(), Unwritable> {
        self.member(name, value)
    }

    fn end(self) -> Result<(), Unwritable> {
        self.finish()
    }
}
