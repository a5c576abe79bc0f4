//! What an object in its buffer says of itself before it is read.

use super::envelope::Envelope;
use super::wire::{Fault, Payload, Records, last};
use crate::meta::MetaRef;

/// The apiVersion and the kind its envelope names, "" for a bare message.
pub(crate) fn type_names(bytes: &[u8]) -> Option<(&str, &str)> {
    let envelope = Envelope::open(bytes).ok()?;
    Some(envelope.map_or(("", ""), |envelope| (envelope.api_version, envelope.kind)))
}

/// Who it is: every kind has its ObjectMeta in field 1, with these four in the same places.
pub(crate) fn identity(bytes: &[u8]) -> Option<MetaRef<'_>> {
    read(bytes).ok().flatten()
}

fn read(bytes: &[u8]) -> Result<Option<MetaRef<'_>>, Fault> {
    let message = Envelope::open(bytes)?.map_or(bytes, |envelope| envelope.raw);
    let Some(Payload::Bytes(metadata)) = last(message, 1)? else { return Ok(None) };
    let (mut records, mut found) = (Records::of(metadata), MetaRef::default());
    while records.left() > 0 {
        let tag = records.varint()?;
        let place = match tag >> 3 {
            1 => &mut found.name,
            3 => &mut found.namespace,
            5 => &mut found.uid,
            6 => &mut found.resource_version,
            _ => {
                records.skip(tag)?;
                continue;
            }
        };
        *place = records.behind(tag)?.payload.text()?;
    }
    Ok(Some(found))
}
