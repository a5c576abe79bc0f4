//! Wire formats: JSON decoders that take bytes as they come and give whole objects.
//!
//! [`ListDecoder`] gives the items of a list one at a time, [`WatchDecoder`] the events of a watch; neither ever holds
//! more than the chunk at hand and one object that straddles chunks. Invariant: every object they give is one complete
//! JSON object, of valid UTF-8, within the [`Limits`], unless the caller asked for [`ListDecoder::trusting`]; and no
//! error shows a byte of what it is about.

mod feed;
mod list;
#[cfg(feature = "protobuf")]
pub mod protobuf;
mod scan;
mod walk;
mod watch;

#[cfg(test)]
pub(crate) mod generate;
#[cfg(test)]
mod tests;

pub use list::{ListDecoder, ListHead};
pub use watch::{EventKind, WatchDecoder, WatchFrame};

pub(crate) use walk::{Entries, Malformed, end_of_value, is_name, unescaped};

use serde::de::{DeserializeOwned, IgnoredAny};

use crate::error::Error;
use crate::meta::Format;
use scan::ValueScanner;

/// How large and how deep one object may be; what exceeds it is refused with a decode error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of one object's JSON. Default: 32 MiB (etcd keeps 1.5 MiB, an indented object is some three times that).
    pub object_bytes: usize,
    /// How many arrays and objects may lie within one another. Default: 512. Reading such an object into a type or
    /// into `Unstructured` stops at 127, serde_json's own limit; `Lazy` holds and hands on the rest.
    pub depth: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { object_bytes: 32 << 20, depth: 512 }
    }
}

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

/// Reads a document that is not an object of a resource, such as a Status; the error shows nothing of it.
pub(crate) fn read<T: DeserializeOwned>(format: Format, bytes: &[u8]) -> Result<T, Error> {
    match format {
        Format::Json => serde_json::from_slice(bytes).map_err(|error| {
            let (line, column) = (error.line(), error.column());
            let text = format!(
                "{} bytes of JSON: not what is expected at line {line}, column {column}",
                bytes.len()
            );
            Error::decode(text)
        }),
        #[cfg(feature = "protobuf")]
        Format::Protobuf => protobuf::decode(bytes),
    }
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
