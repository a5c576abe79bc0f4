//! JSON: decoders that take bytes as they come and give whole objects, and walks over the bytes of one.
//!
//! Invariant: every object the decoders give is one complete JSON object, of valid UTF-8, within the [`Limits`], unless
//! the caller asked for [`ListDecoder::trusting`]; and no error shows a byte of what it is about.
//!
//! What the check lets pass, for it changes no bytes: a lone surrogate in an escape and a number beyond a double, which are
//! refused by whoever reads that text or number (Go puts U+FFFD for the first); and members of one name, of which types
//! and `Unstructured` take the last, as Go does, and reads by path the first.

mod feed;
mod list;
mod scan;
mod walk;
mod watch;
#[cfg(any(feature = "protobuf", feature = "cbor"))]
pub(super) mod write;

#[cfg(test)]
pub(crate) mod generate;
#[cfg(test)]
mod tests;

pub use list::ListDecoder;
pub use watch::WatchDecoder;

pub(crate) use walk::{Entries, Malformed, end_of_value, is_name, unescaped};

use serde::de::{DeserializeOwned, IgnoredAny};

use super::Limits;
use crate::error::Error;
use scan::ValueScanner;

/// Checks that `bytes` are one JSON value of valid UTF-8 within `limits`, white space around it allowed. The decoders
/// do this to every object; the body of a single object has not been checked until it went through here.
pub fn validate(bytes: &[u8], limits: Limits) -> Result<(), Error> {
    let fail = |what: String| Err(Error::decode(format!("{} bytes of JSON: {what}", bytes.len())));
    if bytes.len() > limits.object_bytes {
        return fail(format!("larger than the {} allowed", limits.object_bytes));
    }
    let start = bytes.iter().position(|byte| !is_space(*byte)).unwrap_or(bytes.len());
    if ValueScanner::new(limits.depth).scan(&bytes[start..]).is_err() {
        return fail(too_deep(limits));
    }
    match check(bytes) {
        Ok(()) => Ok(()),
        Err(what) => fail(what),
    }
}

/// How many arrays and objects within one another serde_json reads.
pub(super) const DEEPEST_READ: usize = 127;

/// Whether more than `depth` arrays and objects lie within one another.
pub(super) fn is_deeper_than(bytes: &[u8], depth: usize) -> bool {
    ValueScanner::new(depth).scan(bytes.trim_ascii_start()).is_err()
}

/// Reads a document; the error shows nothing of it.
pub(super) fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Error> {
    serde_json::from_slice(bytes).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        let text =
            format!("{} bytes of JSON: not what is expected at line {line}, column {column}", bytes.len());
        Error::decode(text)
    })
}

/// Whether `bytes` are one JSON value of valid UTF-8; the error says what is wrong where, and shows nothing.
fn check(bytes: &[u8]) -> Result<(), String> {
    let text = std::str::from_utf8(bytes)
        .map_err(|error| format!("not valid UTF-8 at offset {}", error.valid_up_to()))?;
    serde_json::from_str::<IgnoredAny>(text)
        .map(|_| ())
        .map_err(|error| format!("not valid JSON at offset {}", offset_of(&error, bytes)))
}

/// The offset that serde_json tells as line and column.
fn offset_of(error: &serde_json::Error, bytes: &[u8]) -> usize {
    let lines = memchr::memchr_iter(b'\n', bytes);
    let start = error.line().checked_sub(2).and_then(|line| lines.map(|at| at + 1).nth(line)).unwrap_or(0);
    (start + error.column().saturating_sub(1)).min(bytes.len())
}

fn too_deep(limits: Limits) -> String {
    format!("more than the {} nested values allowed", limits.depth)
}

/// JSON's white space.
fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\n' | b'\t' | b'\r')
}
