//! Puts messages that stand in pieces together: legal on the wire, sent by nobody, so off the path of all others.
//!
//! Invariant: a merged document reads as the pieces would: what stands once is there once, with the last of several
//! scalars and all the pieces of a message.

use super::schema::{Field, Kind, Message};
use super::value::is_merged;
use super::wire::{Fault, Payload, Records, last, put_bytes, put_number, put_varint};

/// The same message with each of its fields in one piece. `depth` is how deep messages may lie in it.
pub(super) fn merged(bytes: &[u8], message: Message, depth: u8) -> Result<Vec<u8>, Fault> {
    let deeper = depth.checked_sub(1).ok_or(Fault::new("more nested messages than allowed", bytes))?;
    let mut records = Records::of(bytes);
    let mut found: Vec<(Field, Vec<Payload<'_>>)> =
        message.fields().map(|field| (field, Vec::new())).collect();
    while let Some(record) = records.next()? {
        if let Some((_, payloads)) = found.iter_mut().find(|(field, _)| field.number() == record.number) {
            payloads.push(record.payload);
        }
    }
    let mut out = Vec::with_capacity(bytes.len());
    for (field, payloads) in found {
        let number = field.number();
        if field.is_map() {
            for payload in payloads {
                put_bytes(&mut out, number, &entry(field, payload.bytes()?, deeper)?);
            }
        } else if field.is_repeated() {
            for payload in payloads {
                put(&mut out, field, number, payload, deeper)?;
            }
        } else if is_merged(field) && !payloads.is_empty() {
            let pieces: Result<Vec<_>, _> = payloads.into_iter().map(Payload::bytes).collect();
            put(&mut out, field, number, Payload::Bytes(&pieces?.concat()), deeper)?;
        } else if let Some(payload) = payloads.last() {
            put(&mut out, field, number, *payload, deeper)?;
        }
    }
    Ok(out)
}

fn entry(field: Field, bytes: &[u8], depth: u8) -> Result<Vec<u8>, Fault> {
    let mut out = Vec::new();
    if let Some(key) = last(bytes, 1)? {
        put_bytes(&mut out, 1, key.bytes()?);
    }
    if let Some(value) = last(bytes, 2)? {
        put(&mut out, field, 2, value, depth)?;
    }
    Ok(out)
}

fn put(out: &mut Vec<u8>, field: Field, number: u32, payload: Payload<'_>, depth: u8) -> Result<(), Fault> {
    let has_message = matches!(
        field.kind(),
        Kind::Message | Kind::Wrapper | Kind::SchemaOrBool | Kind::SchemaOrArray | Kind::SchemaOrStrings
    );
    match payload {
        Payload::Bytes(bytes) if has_message => {
            put_bytes(out, number, &merged(bytes, field.message(), depth)?);
        }
        Payload::Bytes(bytes) => put_bytes(out, number, bytes),
        Payload::Varint(value) => put_number(out, number, value),
        Payload::Fixed(bits) => {
            put_varint(out, u64::from(number) << 3 | 1);
            out.extend_from_slice(&bits.to_le_bytes());
        }
    }
    Ok(())
}
