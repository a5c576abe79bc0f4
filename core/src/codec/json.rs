//! JSON: decoders that take bytes as they come and give whole objects, and walks over the bytes of one.
//!
//! The decoders find where an object begins and ends, within the [`Limits`]; that it is JSON of valid UTF-8 is checked as
//! it is read, in the one pass that reads it. Invariant: no error shows a byte of what it is about.
//!
//! What the check lets pass, for it changes no bytes: a lone surrogate in an escape and a number beyond a double, which are
//! refused by whoever reads that text or number (Go puts U+FFFD for the first); and members of one name, of which types
//! and `Unstructured` take the last, as Go does, and reads by path the first.

mod block;
mod feed;
mod list;
mod outline;
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

pub(crate) use outline::outline;
pub(crate) use walk::{Entries, Malformed, end_of_value, is_name, unescaped};

use serde::de::{DeserializeOwned, IgnoredAny};

use super::Limits;
use crate::error::Error;
use scan::ValueScanner;

/// How many arrays and objects within one another serde_json reads.
const DEEPEST_READ: usize = 127;

/// Whether one value, whole and well formed, nests deeper than serde_json reads.
pub(super) fn is_too_deep_for_types(bytes: &[u8]) -> bool {
    ValueScanner::new(DEEPEST_READ).scan(bytes.trim_ascii_start()).is_err() && check(bytes).is_ok()
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

/// `bytes` as text.
pub(crate) fn text(bytes: &[u8]) -> Result<&str, Malformed> {
    std::str::from_utf8(bytes).map_err(|error| Malformed { offset: error.valid_up_to() })
}

/// Where serde_json found `bytes` to be malformed.
pub(crate) fn malformed(error: &serde_json::Error, bytes: &[u8]) -> Malformed {
    Malformed { offset: offset_of(error, bytes) }
}

/// Whether `bytes` are one JSON value of valid UTF-8; the error says what is wrong where, and shows nothing.
pub(super) fn check(bytes: &[u8]) -> Result<(), String> {
    std::str::from_utf8(bytes)
        .map_err(|error| format!("not valid UTF-8 at offset {}", error.valid_up_to()))?;
    // From bytes, as all that every program reads here: from text it would be another reader.
    serde_json::from_slice::<IgnoredAny>(bytes)
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
