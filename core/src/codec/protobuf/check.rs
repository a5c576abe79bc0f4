//! Checks a message all the way down without building anything of it.
//!
//! Invariant: a message that passes is read by every walk of [`super::value`] without a fault, and what is not repeated
//! stands in it once.

use serde_json::value::RawValue;
use wide::u8x16;

use super::schema::{Field, Kind, Message};
use super::value::{Value, deeper, element};
use super::wire::{DELIMITED, Fault, Payload, Record, Records, VARINT};

/// Goes through the records of a message. `depth` is how deep values may lie in it.
pub(super) fn check(bytes: &[u8], message: Message, depth: u8) -> Result<(), Fault> {
    let depth = deeper(depth, bytes)?;
    let (mut records, fields, mut seen) = (Records::of(bytes), message.by_number(), 0_u64);
    while records.left() > 0 {
        let tag = records.varint()?;
        let Some(field) = fields.field(tag >> 3) else {
            records = records.past(tag)?.1;
            continue;
        };
        let bit = u64::from(!field.is_repeated() && !field.is_map()) << field.number();
        if seen & bit != 0 {
            return Err(Fault { needs_merge: true, ..Fault::new("a field that stands twice", bytes) });
        }
        seen |= bit;
        // Texts, messages and numbers are nearly all there is: without a call, and so in registers.
        if tag & 7 == DELIMITED {
            let bytes = records.delimited()?;
            match field.kind() {
                _ if field.is_map() => check_entry(field, bytes, depth)?,
                Kind::String => check_text(bytes)?,
                Kind::Message => check(bytes, field.message(), depth)?,
                _ => check_element(field, Payload::Bytes(bytes), depth)?,
            }
        } else if tag & 7 == VARINT && field.is_number() && !field.is_map() {
            records.varint()?;
        } else {
            let (record, rest) = records.past(tag)?;
            records = rest;
            match field.is_map() {
                true => drop(record.payload.bytes()?),
                false => check_element(field, record.payload, depth)?,
            }
        }
    }
    Ok(())
}

/// An entry of a map: field 1 its key, field 2 its value.
fn check_entry(field: Field, entry: &[u8], depth: u8) -> Result<(), Fault> {
    const KEY: u64 = 1 << 3 | DELIMITED;
    const VALUE: u64 = 2 << 3 | DELIMITED;
    let mut records = Records::of(entry);
    while records.left() > 0 {
        match records.varint()? {
            KEY => check_text(records.delimited()?)?,
            VALUE => check_value(field, Payload::Bytes(records.delimited()?), depth)?,
            other => {
                let (record, rest) = records.past(other)?;
                records = rest;
                match record {
                    Record { number: 1, payload } => drop(payload.bytes()?),
                    Record { number: 2, payload } => check_value(field, payload, depth)?,
                    _ => {}
                }
            }
        }
    }
    Ok(())
}

/// An element of a repeated field, or numbers packed.
#[inline(never)]
fn check_element(field: Field, payload: Payload<'_>, depth: u8) -> Result<(), Fault> {
    match payload {
        Payload::Bytes(packed) if field.is_number() && field.is_repeated() => {
            let mut numbers = Records::of(packed);
            while numbers.left() > 0 {
                numbers.varint()?;
            }
            Ok(())
        }
        _ => check_value(field, payload, depth),
    }
}

fn check_value(field: Field, payload: Payload<'_>, depth: u8) -> Result<(), Fault> {
    match field.kind() {
        Kind::Message | Kind::Wrapper | Kind::SchemaOrBool | Kind::SchemaOrArray | Kind::SchemaOrStrings => {
            check(payload.bytes()?, field.message(), depth)
        }
        Kind::String => check_text(payload.bytes()?),
        _ => match element(field, Some(payload), depth)? {
            Value::Raw(text) => match serde_json::from_slice::<&RawValue>(text) {
                Ok(_) => Ok(()),
                Err(_) => Err(Fault::new("JSON within it that is malformed", text)),
            },
            Value::Double(number) if !number.is_finite() => {
                Err(Fault::new("a number that JSON cannot hold", &[]))
            }
            _ => Ok(()),
        },
    }
}

fn check_text(text: &[u8]) -> Result<(), Fault> {
    if is_ascii(text) { Ok(()) } else { Payload::Bytes(text).text().map(drop) }
}

/// Sixteen bytes at once, of few texts more than twice: most are short.
#[inline]
fn is_ascii(text: &[u8]) -> bool {
    match (text.first_chunk::<16>(), text.last_chunk::<16>()) {
        (Some(first), Some(last)) if text.len() <= 32 => {
            (u8x16::from(*first) | u8x16::from(*last)).to_bitmask() == 0
        }
        _ => text.is_ascii(),
    }
}
