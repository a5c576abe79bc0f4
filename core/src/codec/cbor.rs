//! CBOR as Kubernetes speaks it: every serde type reads and writes it, custom resources too.
//!
//! Texts go as byte strings, as Go writes them, and come as either kind of string; a byte string under tag 22 is bytes,
//! which read as base64, as in JSON. Maps are sorted, floats take the shortest form that holds them, and a document
//! begins with the tag that marks it as CBOR. After apimachinery's `pkg/runtime/serializer/cbor`, v0.37. What differs:
//! strings and containers of no stated length are refused, for no API server sends them; so are texts that are not UTF-8,
//! which Go passes on. Invariant: whatever the bytes, reading ends in bounded depth and memory, without a panic, and no
//! error shows a byte of an object.

mod de;
mod json;
mod list;
mod peek;
mod scan;
mod ser;
#[cfg(test)]
mod tests;
mod watch;
mod wire;

use serde::Serialize;
use serde::de::DeserializeOwned;

pub use list::ListDecoder;
pub(super) use peek::{identity, type_names};
pub use watch::WatchDecoder;

use super::Limits;
use crate::error::Error;
use json::Nowhere;
use wire::Fault;

/// The media type of one document.
pub const MEDIA_TYPE: &str = "application/cbor";
/// The media type of documents one after another: a watch.
pub const SEQUENCE_MEDIA_TYPE: &str = "application/cbor-seq";

/// What every document that Go writes begins with: the tag of self-described CBOR.
const PREFIX: &[u8; 3] = &[0xd9, 0xd9, 0xf7];

/// Reads one document. Members of one name within a map are refused. apimachinery's `cbor.Serializer.Decode`.
pub fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Error> {
    let read = || {
        json::transcode(bytes, Limits::default().depth, &mut Nowhere)?;
        de::read(bytes)
    };
    read().map_err(|fault| malformed(bytes, fault))
}

/// Writes one document. Fails on numbers that are not finite and on map keys that are no texts. apimachinery's
/// `cbor.Serializer.Encode`.
pub fn encode<T: Serialize + ?Sized>(object: &T) -> Result<Vec<u8>, Error> {
    let mut out = PREFIX.to_vec();
    match object.serialize(ser::Writer::of(&mut out)) {
        Ok(()) => Ok(out),
        Err(unwritable) => Err(Error::config(format!("cannot write this as CBOR: {unwritable}"))),
    }
}

/// The JSON of one document.
pub fn to_json(bytes: &[u8]) -> Result<Vec<u8>, Error> {
    let mut out = Vec::with_capacity(bytes.len() + bytes.len() / 4);
    match json::transcode(bytes, Limits::default().depth, &mut out) {
        Ok(()) => Ok(out),
        Err(fault) => Err(malformed(bytes, fault)),
    }
}

/// The error of bytes that are not what they claim to be: what is wrong where, and no byte of them.
fn malformed(whole: &[u8], fault: Fault) -> Error {
    let place = fault.place.checked_sub(whole.as_ptr() as usize).filter(|place| *place <= whole.len());
    let place = place.map(|place| format!(" at offset {place}")).unwrap_or_default();
    Error::decode(format!("{} bytes of CBOR: {}{place}", whole.len(), fault.what))
}
