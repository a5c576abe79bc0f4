//! Pieces of JSON text, for what is transcoded from other formats.
//!
//! Invariant: they read as what Go's encoding/json writes, whole doubles as integers.

/// The numbers below which a double may be read as an integer, as JSON's readers do.
const INTEGERS: f64 = 9_223_372_036_854_775_808.0;

/// A double as the integer that JSON's readers take its text for.
pub(in crate::codec) fn integer(value: f64) -> Option<i64> {
    let is_integer =
        value.fract() == 0.0 && value.abs() < INTEGERS && !(value == 0.0 && value.is_sign_negative());
    is_integer.then_some(value as i64)
}

/// Appends a finite number.
pub(in crate::codec) fn put_double(value: f64, out: &mut Vec<u8>) {
    let text = match integer(value) {
        Some(value) => value.to_string(),
        None => format!("{value:?}"),
    };
    out.extend_from_slice(text.as_bytes());
}

/// Appends a string.
pub(in crate::codec) fn put_text(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    let mut plain = 0;
    for (index, byte) in text.bytes().enumerate() {
        if byte >= b' ' && byte != b'"' && byte != b'\\' {
            continue;
        }
        out.extend_from_slice(&text.as_bytes()[plain..index]);
        plain = index + 1;
        match byte {
            b'"' => out.extend_from_slice(b"\\\""),
            b'\\' => out.extend_from_slice(b"\\\\"),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            other => out.extend_from_slice(format!("\\u{other:04x}").as_bytes()),
        }
    }
    out.extend_from_slice(&text.as_bytes()[plain..]);
    out.push(b'"');
}
