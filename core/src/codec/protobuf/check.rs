//! Checks a message all the way down without building anything of it.
//!
//! Invariant: a message that passes is read by every walk of [`super::value`] without a fault.

use serde_json::value::RawValue;

use super::schema::{Field, Kind, Message};
use super::value::{Value, deeper, element, is_merged};
use super::wire::{Fault, Payload, Records, last};

/// Goes through the records of a message. `depth` is how deep values may lie in it.
pub(super) fn check(bytes: &[u8], message: Message, depth: u8) -> Result<(), Fault> {
    let depth = deeper(depth, bytes)?;
    let (mut records, mut hint, mut seen) = (Records::of(bytes), 0, 0_u64);
    while let Some(record) = records.next()? {
        let Some((index, field)) = message.place_of(record.number, hint) else { continue };
        if field.is_repeated() {
            hint = index;
            check_element(field, record.payload, depth)?;
            continue;
        }
        if field.is_map() {
            hint = index;
            let entry = record.payload.bytes()?;
            last(entry, 1)?.map_or(Ok(()), check_text)?;
            if let Some(value) = last(entry, 2)? {
                check_value(field, value, depth)?;
            }
            continue;
        }
        hint = index + 1;
        let bit = 1 << index;
        if seen & bit != 0 && is_merged(field) {
            return Err(Fault { needs_merge: true, ..Fault::new("a message that stands twice", bytes) });
        }
        seen |= bit;
        check_value(field, record.payload, depth)?;
    }
    Ok(())
}

/// One record of a repeated field: an element, or numbers packed.
fn check_element(field: Field, payload: Payload<'_>, depth: u8) -> Result<(), Fault> {
    match (field.kind(), payload) {
        (Kind::Bool | Kind::Int32 | Kind::Int64, Payload::Bytes(packed)) => {
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
        Kind::String => check_text(payload),
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

/// Most texts are short and ASCII, which is told faster than UTF-8.
fn check_text(payload: Payload<'_>) -> Result<(), Fault> {
    if payload.bytes()?.is_ascii() { Ok(()) } else { payload.text().map(drop) }
}
