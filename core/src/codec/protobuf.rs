//! Kubernetes protobuf: every serde type reads and writes it, driven by the API's field tables.
//!
//! Reading walks the message as the JSON that Go writes for it, so a type sees the same in both formats; writing gives
//! the bytes that Go writes. Fields whose numbers the tables do not know are skipped, and so lost when written again:
//! JSON keeps them. Invariant: whatever the bytes, reading ends in bounded depth and memory, without a panic, and no
//! error shows a byte of an object.

mod check;
mod de;
mod envelope;
mod json;
mod kept;
mod list;
mod look;
mod merge;
mod moment;
mod peek;
mod schema;
mod ser;
mod supply;
#[cfg(test)]
mod tests;
mod unknown;
mod value;
mod watch;
mod wire;

#[rustfmt::skip]
mod generated {
    //! Written by `cargo xtask codegen`.
    pub(super) mod tables;
}

use serde::Serialize;
use serde::de::DeserializeOwned;

pub(crate) use kept::Kept;
pub use list::ListDecoder;
pub(crate) use look::Parts;
pub(crate) use peek::{identity, type_names};
pub use unknown::drop_unknown;
pub(crate) use value::Value;
pub use watch::WatchDecoder;

use crate::error::Error;
use crate::meta::Encoded;
use envelope::Envelope;
use schema::{Message, PARTIAL_OBJECT, WATCH_EVENT};
use value::Object;
use wire::Fault;

/// The media type.
pub const MEDIA_TYPE: &str = "application/vnd.kubernetes.protobuf";

/// How deep messages may lie within one another in what must be merged; the walk after it has its own limit.
const DEEPEST_MERGE: u8 = 127;

/// Whether a kind has a protobuf form that is known here: built-in kinds do, custom resources never.
pub fn has_kind(api_version: &str, kind: &str) -> bool {
    Message::of(api_version, kind).is_some()
}

/// Reads an object in its envelope. client-go's `protobuf.Serializer.Decode`.
pub fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Error> {
    Document::open(bytes, None)?.read()
}

/// Writes an object in its envelope. The kind is given beside it: bodies for subresources are of other kinds than the
/// resource. Both are "" for a watch event, the one document that names no kind. Fails on members that the kind's message does not have. client-go's `protobuf.Serializer.Encode`.
pub fn encode<T: Serialize + ?Sized>(object: &T, api_version: &str, kind: &str) -> Result<Vec<u8>, Error> {
    let (known_version, known_kind) =
        if (api_version, kind) == ("", "") { WATCH_EVENT } else { (api_version, kind) };
    let Some(message) = Message::of(known_version, known_kind) else {
        return Err(unknown(api_version, kind));
    };
    let raw = ser::message_of(object, message).map_err(|error| {
        let colon = if error.path.is_empty() { "" } else { ": " };
        Error::config(format!("cannot write a {kind} as protobuf: {}{colon}{}", error.path, error.what))
    })?;
    Ok(Envelope { api_version, kind, raw: &raw }.write())
}

/// The JSON of an object in its envelope, as Go writes it; JSON within it (`RawExtension`, `FieldsV1`) word for word.
pub fn to_json(bytes: &[u8]) -> Result<Vec<u8>, Error> {
    Document::open(bytes, None)?.to_json()
}

/// Reads an object as it arrived: in its envelope, or bare as an item of a list.
pub(crate) fn read<T: DeserializeOwned>(encoded: &Encoded<'_>) -> Result<T, Error> {
    let api_version = encoded.resource.api_version();
    let mut document = Document::open(encoded.bytes, Some((&api_version, &encoded.resource.kind)))?;
    document.drop_managed_fields = encoded.drop_managed_fields;
    document.read()
}

/// The same for what needs the metadata only, which every kind has in the same place.
pub(crate) fn read_metadata<T: DeserializeOwned>(encoded: &Encoded<'_>) -> Result<T, Error> {
    let mut document = Document::open(encoded.bytes, Some(PARTIAL_OBJECT))?;
    document.drop_managed_fields = encoded.drop_managed_fields;
    document.read()
}

/// A message that is known by its kind.
struct Document<'a> {
    /// All there was, for the place of an error.
    whole: &'a [u8],
    raw: &'a [u8],
    message: Message,
    kind: &'a str,
    head: Option<(&'a str, &'a str)>,
    drop_managed_fields: bool,
}

impl<'a> Document<'a> {
    /// Opens an envelope, or, where `bare` says what it would be, a bare message.
    fn open(bytes: &'a [u8], bare: Option<(&'a str, &'a str)>) -> Result<Self, Error> {
        let opened = Envelope::open(bytes).map_err(|fault| malformed("Kubernetes object", bytes, fault))?;
        let (raw, (api_version, kind), head) = match (opened, bare) {
            (Some(Envelope { api_version: "", kind: "", raw }), None) => (raw, WATCH_EVENT, None),
            (Some(Envelope { api_version, kind, raw }), _) => {
                (raw, (api_version, kind), Some((api_version, kind)))
            }
            (None, Some(names)) => (bytes, names, None),
            (None, None) => {
                return Err(Error::decode(format!("{} bytes that are not Kubernetes protobuf", bytes.len())));
            }
        };
        let message = match (Message::of(api_version, kind), bare) {
            (Some(message), _) => message,
            (None, Some(PARTIAL_OBJECT)) => {
                Message::of(PARTIAL_OBJECT.0, PARTIAL_OBJECT.1).ok_or_else(|| unknown(api_version, kind))?
            }
            (None, _) => return Err(unknown(api_version, kind)),
        };
        Ok(Self { whole: bytes, raw, message, kind, head, drop_managed_fields: false })
    }

    fn read<T: DeserializeOwned>(&self) -> Result<T, Error> {
        self.walk(|value| T::deserialize(value))
    }

    fn to_json(&self) -> Result<Vec<u8>, Error> {
        self.walk(|value| {
            let mut out = Vec::with_capacity(self.raw.len() * 2);
            json::write(value, &mut out).map(|()| out)
        })
    }

    /// Lets `take` walk the message; once more when it has to be merged first.
    fn walk<T>(&self, take: impl Fn(Value<'_>) -> Result<T, Fault>) -> Result<T, Error> {
        match take(self.root(self.raw)) {
            Err(fault) if fault.needs_merge => {
                let merged = merge::merged(self.raw, self.message, DEEPEST_MERGE)
                    .map_err(|fault| malformed(self.kind, self.whole, fault))?;
                take(self.root(&merged)).map_err(|fault| malformed(self.kind, &merged, fault))
            }
            outcome => outcome.map_err(|fault| malformed(self.kind, self.whole, fault)),
        }
    }

    fn root<'r>(&'r self, raw: &'r [u8]) -> Value<'r> {
        let root = Object::root(raw, self.message, self.head);
        Value::Object(if self.drop_managed_fields { root.without_managed_fields() } else { root })
    }
}

/// The error of bytes that are not what they claim to be: what is wrong where, and no byte of them.
fn malformed(kind: &str, whole: &[u8], fault: Fault) -> Error {
    let place = fault.place.checked_sub(whole.as_ptr() as usize).filter(|place| *place <= whole.len());
    let place = place.map(|place| format!(" at offset {place}")).unwrap_or_default();
    Error::decode(format!("not a {kind}: {}{place} ({} bytes of protobuf)", fault.what, whole.len()))
}

fn unknown(api_version: &str, kind: &str) -> Error {
    let short = |name: &str| name.chars().take(80).collect::<String>();
    let (api_version, kind) = (short(api_version), short(kind));
    Error::unsupported(format!("{kind:?} of {api_version:?} has no known protobuf form: use JSON for it"))
}
