//! Writes a message as JSON text without anything in between; JSON that it holds is passed word for word.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::value::RawValue;

use super::value::Value;
use super::wire::Fault;
use crate::codec::json::write::{put_double, put_text};

/// Appends `value`. Of entries of one name in a map the last counts, and they are sorted, as Go's are.
pub(super) fn write(value: Value<'_>, out: &mut Vec<u8>) -> Result<(), Fault> {
    match value {
        Value::Null => out.extend_from_slice(b"null"),
        Value::Bool(value) => out.extend_from_slice(if value { b"true" } else { b"false" }),
        Value::Int(value) => out.extend_from_slice(value.to_string().as_bytes()),
        Value::Double(value) if value.is_finite() => put_double(value, out),
        Value::Double(_) => return Err(Fault::new("a number that JSON cannot hold", &[])),
        Value::Text(text) => put_text(text, out),
        Value::Moment(moment) => put_text(&moment.text(), out),
        Value::Bytes(bytes) => put_text(&STANDARD.encode(bytes), out),
        Value::Raw(text) => {
            serde_json::from_slice::<&RawValue>(text)
                .map_err(|_| Fault::new("JSON within it that is malformed", text))?;
            out.extend_from_slice(text);
        }
        Value::Object(object) => {
            let mut members = object.members()?;
            out.push(b'{');
            let mut is_first = true;
            while let Some((name, value)) = members.next()? {
                write_name(name, &mut is_first, out);
                write(value, out)?;
            }
            out.push(b'}');
        }
        Value::List(mut list) => {
            out.push(b'[');
            let mut is_first = true;
            while let Some(value) = list.next()? {
                if !std::mem::take(&mut is_first) {
                    out.push(b',');
                }
                write(value, out)?;
            }
            out.push(b']');
        }
        Value::Map(mut list) => {
            let mut entries = BTreeMap::new();
            while let Some((key, value)) = list.next_entry()? {
                entries.insert(key, value);
            }
            out.push(b'{');
            let mut is_first = true;
            for (key, value) in entries {
                write_name(key, &mut is_first, out);
                write(value, out)?;
            }
            out.push(b'}');
        }
    }
    Ok(())
}

fn write_name(name: &str, is_first: &mut bool, out: &mut Vec<u8>) {
    if !std::mem::take(is_first) {
        out.push(b',');
    }
    put_text(name, out);
    out.push(b':');
}
