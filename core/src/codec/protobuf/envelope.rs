//! The envelope of an object: four magic bytes and a runtime.Unknown that names apiVersion and kind.

use super::wire::{Fault, Payload, Records, last, put_bytes};

/// What every document begins with. No message does: its first byte would be of a wire type that is not in use.
pub(super) const MAGIC: &[u8; 4] = b"k8s\0";

/// The fields of the envelope.
pub(super) mod number {
    pub(in crate::codec::protobuf) const TYPE_META: u32 = 1;
    pub(in crate::codec::protobuf) const RAW: u32 = 2;
    pub(in crate::codec::protobuf) const ENCODING: u32 = 3;
    pub(in crate::codec::protobuf) const CONTENT_TYPE: u32 = 4;
}

/// An object with the names that its envelope gives it.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Envelope<'a> {
    pub(super) api_version: &'a str,
    pub(super) kind: &'a str,
    /// The message.
    pub(super) raw: &'a [u8],
}

impl<'a> Envelope<'a> {
    /// Opens a document; `None` when it is a bare message.
    pub(super) fn open(bytes: &'a [u8]) -> Result<Option<Self>, Fault> {
        let Some(rest) = bytes.strip_prefix(MAGIC) else { return Ok(None) };
        let (mut envelope, mut records, mut is_whole) = (Self::default(), Records::of(rest), false);
        while let Some(record) = records.next()? {
            match record.number {
                number::TYPE_META => {
                    (envelope.api_version, envelope.kind) = type_meta(record.payload.bytes()?)?;
                }
                number::RAW => (envelope.raw, is_whole) = (record.payload.bytes()?, true),
                other => check(other, record.payload)?,
            }
        }
        if is_whole { Ok(Some(envelope)) } else { Err(Fault::new("an envelope without an object", bytes)) }
    }

    pub(super) fn write(&self) -> Vec<u8> {
        let mut type_meta = Vec::with_capacity(self.api_version.len() + self.kind.len() + 4);
        put_bytes(&mut type_meta, 1, self.api_version.as_bytes());
        put_bytes(&mut type_meta, 2, self.kind.as_bytes());
        let mut out = Vec::with_capacity(self.raw.len() + type_meta.len() + 24);
        out.extend_from_slice(MAGIC);
        put_bytes(&mut out, number::TYPE_META, &type_meta);
        put_bytes(&mut out, number::RAW, self.raw);
        put_bytes(&mut out, number::ENCODING, b"");
        put_bytes(&mut out, number::CONTENT_TYPE, b"");
        out
    }
}

/// apiVersion and kind.
pub(super) fn type_meta(bytes: &[u8]) -> Result<(&str, &str), Fault> {
    let text = |number| last(bytes, number)?.map_or(Ok(""), Payload::text);
    Ok((text(1)?, text(2)?))
}

/// Refuses an envelope whose content is compressed or of another format.
pub(super) fn check(field: u32, payload: Payload<'_>) -> Result<(), Fault> {
    let is_odd = match field {
        number::ENCODING => !payload.bytes()?.is_empty(),
        number::CONTENT_TYPE => !matches!(payload.bytes()?, b"" | b"application/vnd.kubernetes.protobuf"),
        _ => false,
    };
    if is_odd { Err(Fault::new("an envelope of something other than protobuf", &[])) } else { Ok(()) }
}
