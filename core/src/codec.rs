//! Wire formats: decoders that take bytes as they come and give whole objects, and what reads and writes those.
//!
//! [`ListDecoder`] gives the items of a list one at a time, [`WatchDecoder`] the events of a watch, in whatever
//! [`Format`] the server chose; neither ever holds more than the chunk at hand and one object that straddles chunks.
//! Invariant: whatever the bytes, reading ends within the [`Limits`] and never panics, and no error shows a byte of an
//! object.

#[cfg(feature = "cbor")]
pub mod cbor;
mod decoder;
pub mod json;
mod peek;
#[cfg(feature = "protobuf")]
pub mod protobuf;

pub(crate) use peek::{identity, type_names};

pub use decoder::{EventKind, ListDecoder, ListHead, WatchDecoder, WatchFrame};

use serde::de::DeserializeOwned;

use crate::error::Error;
use crate::meta::Format;

/// The name of serde_json's RawValue, and of its only member: a text that is JSON.
#[cfg(any(feature = "protobuf", feature = "cbor"))]
const RAW_VALUE: &str = "$serde_json::private::RawValue";

/// Whether a struct of this name has a text that is JSON as its only member: a RawValue, or a number in a program of
/// which some part turned serde_json's `arbitrary_precision` on.
#[cfg(any(feature = "protobuf", feature = "cbor"))]
fn is_json_text(name: &str) -> bool {
    name == RAW_VALUE || name == "$serde_json::private::Number"
}

/// A number as serde_json holds it without `arbitrary_precision`, with which it would write itself as a text again.
#[cfg(any(feature = "protobuf", feature = "cbor"))]
#[derive(serde::Serialize)]
#[serde(untagged)]
enum Number {
    Unsigned(u64),
    Signed(i64),
    Float(f64),
}

#[cfg(any(feature = "protobuf", feature = "cbor"))]
impl Number {
    /// The number that the JSON `text` is, if it is one.
    fn parse(text: &str) -> Option<Self> {
        if !text.starts_with(|first: char| first == '-' || first.is_ascii_digit()) {
            return None;
        }
        let unsigned = text.parse().ok().map(Self::Unsigned);
        let signed = || text.parse::<i64>().ok().filter(|number| *number != 0).map(Self::Signed);
        let float = || text.parse().ok().map(Self::Float);
        unsigned.or_else(signed).or_else(float)
    }
}

/// The format of objects of this plain media type; `None` for any other.
pub(crate) fn format_of(media_type: &str) -> Option<Format> {
    match media_type {
        "application/json" => Some(Format::Json),
        #[cfg(feature = "protobuf")]
        protobuf::MEDIA_TYPE => Some(Format::Protobuf),
        #[cfg(feature = "cbor")]
        cbor::MEDIA_TYPE | cbor::SEQUENCE_MEDIA_TYPE => Some(Format::Cbor),
        _ => None,
    }
}

/// How large and how deep one object may be; what exceeds it is refused with a decode error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of one object. Default: 32 MiB (etcd keeps 1.5 MiB, an indented object is some three times that).
    pub object_bytes: usize,
    /// How many arrays and objects may lie within one another. Default: 10,000, for no API server holds more: Go's JSON
    /// stops there. Reading such an object into a type or into `Unstructured` stops at 127, serde_json's own limit; `Lazy`
    /// holds and hands on the rest. Protobuf has a limit of its own, which no kind comes near.
    pub depth: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { object_bytes: 32 << 20, depth: 10_000 }
    }
}

/// Reads a document that is not an object of a resource, such as a Status; the error shows nothing of it.
pub(crate) fn read<T: DeserializeOwned>(format: Format, bytes: &[u8]) -> Result<T, Error> {
    match format {
        Format::Json => json::decode(bytes),
        #[cfg(feature = "protobuf")]
        Format::Protobuf => protobuf::decode(bytes),
        #[cfg(feature = "cbor")]
        Format::Cbor => cbor::decode(bytes),
    }
}

/// Checks what is left out unread: that it is what it claims to be. Formats other than JSON are checked as they arrive.
pub(crate) fn check(format: Format, bytes: &[u8]) -> Result<(), Error> {
    match format {
        Format::Json => {
            json::check(bytes).map_err(|what| Error::decode(format!("{} bytes of JSON: {what}", bytes.len())))
        }
        #[cfg(any(feature = "protobuf", feature = "cbor"))]
        _ => Ok(()),
    }
}

/// Whether an object, whole and well formed, nests deeper than a type or `Unstructured` can hold.
pub(crate) fn is_too_deep_for_types(format: Format, bytes: &[u8]) -> bool {
    match format {
        Format::Json => json::is_too_deep_for_types(bytes),
        #[cfg(feature = "protobuf")]
        Format::Protobuf => false,
        #[cfg(feature = "cbor")]
        Format::Cbor => false,
    }
}
