//! A message as it is kept: one exact-size block with its names, and the places in it that every reader asks for.
//!
//! It is copied once from where it arrived, without managedFields if they are not wanted, and then checked unless it
//! is trusted. Invariant: the places lie within the bytes, and every walk reads a checked message without a fault.

use std::ops::Range;

use serde::de::DeserializeOwned;

use super::check::check;
use super::merge::merged;
use super::schema::{Field, Kind, Message, PARTIAL_OBJECT};
use super::value::{DEEPEST, Object, Value, element};
use super::wire::{Fault, Payload, Records, put_varint};
use super::{DEEPEST_MERGE, Document, malformed};
use crate::error::Error;
use crate::meta::{Encoded, Identity, MetaRef};

/// The members of the metadata that every reader asks for, in the order of [`Survey::fields`].
const FIELDS: [&str; 4] = ["name", "namespace", "uid", "resourceVersion"];
/// Their numbers in an ObjectMeta.
const NUMBERS: [u32; 4] = [1, 3, 5, 6];
/// The tag of an object's metadata: field 1, with a length.
const METADATA_TAG: u8 = 1 << 3 | 2;
/// The number of managedFields.
const MANAGED_FIELDS: u32 = 17;
/// The members at the top of an object whose places are kept, in the order of [`Kept::landmarks`].
const LANDMARKS: [&str; 3] = ["metadata", "spec", "status"];

/// A message with its names, and the places in it.
#[derive(Clone)]
pub(crate) struct Kept {
    /// apiVersion, kind, and the message, which goes to the end.
    bytes: Box<[u8]>,
    message: Message,
    api_version_length: u16,
    is_checked: bool,
    /// Where the message begins.
    start: u32,
    identity: Identity,
    /// Where the records of [`LANDMARKS`] begin; 0 when they are not there.
    landmarks: [u32; 3],
}

impl Kept {
    /// Keeps an object as it arrived; one without an envelope is of the kind of its resource, or metadata alone.
    pub(crate) fn new(encoded: &Encoded<'_>, metadata_only: bool) -> Result<Self, Error> {
        let api_version = encoded.resource.api_version();
        let asked = if metadata_only { PARTIAL_OBJECT } else { (&*api_version, &*encoded.resource.kind) };
        let Document { raw, message, kind, head, .. } = Document::open(encoded.bytes, Some(asked))?;
        let keep = |raw: &[u8]| -> Result<Self, Fault> {
            let survey = Survey::of(raw, message, encoded.drop_managed_fields)?;
            let mut kept = survey.keep(message, head.unwrap_or(asked))?;
            if !encoded.trusted {
                check(kept.raw(), message, DEEPEST)?;
                kept.is_checked = true;
            }
            Ok(kept)
        };
        let kept = match keep(raw) {
            Err(fault) if fault.needs_merge => merged(raw, message, DEEPEST_MERGE).and_then(|raw| keep(&raw)),
            outcome => outcome,
        };
        kept.map_err(|fault| malformed(kind, encoded.bytes, fault))
    }

    /// Name, namespace, uid and version.
    #[inline]
    pub(crate) fn meta(&self) -> MetaRef<'_> {
        self.identity.meta()
    }

    /// The names and the message.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The object as the value it stands for.
    pub(crate) fn root(&self) -> Value<'_> {
        Value::Object(self.object())
    }

    /// The value of a top member, when its place is known.
    pub(crate) fn landmark(&self, name: &str) -> Option<Value<'_>> {
        let index = LANDMARKS.iter().position(|landmark| *landmark == name)?;
        let start = Some(self.landmarks[index] as usize).filter(|start| *start > 0)?;
        let record = Records::of(self.bytes.get(start..)?).next().ok()??;
        let field = self.message.field(record.number)?;
        match element(field, Some(record.payload), DEEPEST - 1).ok()? {
            Value::Object(object) if self.is_checked => Some(Value::Object(object.checked())),
            value => Some(value),
        }
    }

    /// Decodes the whole object.
    pub(crate) fn decode<T: DeserializeOwned>(&self) -> Result<T, Error> {
        self.document().read()
    }

    /// The whole object as JSON.
    pub(crate) fn to_json(&self) -> Result<Vec<u8>, Error> {
        self.document().to_json()
    }

    fn document(&self) -> Document<'_> {
        let (raw, message, head) = (self.raw(), self.message, self.names());
        Document { whole: raw, raw, message, kind: head.1, head: Some(head), drop_managed_fields: false }
    }

    fn object(&self) -> Object<'_> {
        Object::root(self.raw(), self.message, Some(self.names()))
    }

    fn raw(&self) -> &[u8] {
        self.bytes.get(self.start as usize..).unwrap_or_default()
    }

    fn names(&self) -> (&str, &str) {
        let between = usize::from(self.api_version_length);
        (self.text(0..between), self.text(between..self.start as usize))
    }

    fn text(&self, place: Range<usize>) -> &str {
        std::str::from_utf8(self.bytes.get(place).unwrap_or_default()).unwrap_or_default()
    }
}

/// Where things lie in a message as it arrived.
struct Survey<'a> {
    raw: &'a [u8],
    /// Where the records of [`LANDMARKS`] lie.
    landmarks: [Range<usize>; 3],
    /// Where the payload of the metadata begins.
    metadata: usize,
    /// Where the texts of [`FIELDS`] lie.
    fields: [Range<usize>; 4],
    /// The managedFields to leave out.
    cut: Range<usize>,
}

impl<'a> Survey<'a> {
    fn of(raw: &'a [u8], message: Message, drop_managed_fields: bool) -> Result<Self, Fault> {
        if raw.len() > i32::MAX as usize {
            return Err(Fault::new("larger than 2 GiB", raw));
        }
        let (landmarks, fields) = ([const { 0..0 }; 3], [const { 0..0 }; 4]);
        let mut survey = Self { raw, landmarks, metadata: 0, fields, cut: 0..0 };
        let mut records = Records::of(raw);
        while records.left() > 0 {
            let start = raw.len() - records.left();
            let tag = records.varint()?;
            let Some((index, field)) = landmark(message, tag >> 3) else {
                records.skip(tag)?;
                continue;
            };
            let payload = records.behind(tag)?.payload;
            if !survey.landmarks[index].is_empty() {
                return Err(Fault { needs_merge: true, ..Fault::new("a message that stands twice", raw) });
            }
            survey.landmarks[index] = start..raw.len() - records.left();
            if index == 0 {
                survey.metadata(payload.bytes()?, field.message(), drop_managed_fields)?;
            }
        }
        Ok(survey)
    }

    fn metadata(&mut self, payload: &[u8], message: Message, drop_managed_fields: bool) -> Result<(), Fault> {
        self.metadata = self.landmarks[0].end - payload.len();
        let (mut records, numbers) = (Records::of(payload), numbers(message));
        while records.left() > 0 {
            let start = self.metadata + payload.len() - records.left();
            let tag = records.varint()?;
            if let Some(index) = numbers.iter().position(|number| u64::from(*number) == tag >> 3) {
                let text = records.behind(tag)?.payload.bytes()?;
                let end = self.metadata + payload.len() - records.left();
                self.fields[index] = end - text.len()..end;
                continue;
            }
            records.skip(tag)?;
            if drop_managed_fields && tag >> 3 == u64::from(MANAGED_FIELDS) {
                if self.cut.is_empty() {
                    self.cut.start = start;
                } else if self.cut.end != start {
                    return Err(Fault {
                        needs_merge: true,
                        ..Fault::new("managedFields in pieces", payload)
                    });
                }
                self.cut.end = self.metadata + payload.len() - records.left();
            }
        }
        Ok(())
    }

    fn keep(&self, message: Message, (api_version, kind): (&str, &str)) -> Result<Kept, Fault> {
        let Self { raw, cut, .. } = self;
        let api_version_length =
            u16::try_from(api_version.len()).map_err(|_| Fault::new("an apiVersion too long", raw))?;
        let Range { start: from, end: to } = self.landmarks[0];
        let length = to - self.metadata - cut.len();
        // Where nothing is cut its head stays as it came.
        let old_head = self.metadata - from;
        let head = if cut.is_empty() { old_head } else { 1 + size_of_varint(length) };

        let start = api_version.len() + kind.len();
        let mut bytes = Vec::with_capacity(start + raw.len() - old_head + head - cut.len());
        bytes.extend_from_slice(api_version.as_bytes());
        bytes.extend_from_slice(kind.as_bytes());
        if cut.is_empty() {
            bytes.extend_from_slice(raw);
        } else {
            bytes.extend_from_slice(&raw[..from]);
            bytes.push(METADATA_TAG);
            put_varint(&mut bytes, length as u64);
            bytes.extend_from_slice(&raw[self.metadata..cut.start]);
            bytes.extend_from_slice(&raw[cut.end..]);
        }
        let moved = |at: usize| {
            let before = if at >= cut.end { cut.len() } else { 0 };
            let at = if at > from { at - old_head + head } else { at };
            (start + at - before) as u32
        };
        let landmarks = self.landmarks.each_ref().map(|record| match record.is_empty() {
            true => 0,
            false => moved(record.start),
        });
        let (bytes, start, identity) = (bytes.into_boxed_slice(), start as u32, self.identity()?);
        Ok(Kept { bytes, message, api_version_length, is_checked: false, start, identity, landmarks })
    }

    fn identity(&self) -> Result<Identity, Fault> {
        let text = |index: usize| Payload::Bytes(&self.raw[self.fields[index].clone()]).text();
        let meta = MetaRef { name: text(0)?, namespace: text(1)?, uid: text(2)?, resource_version: text(3)? };
        Identity::of(meta).ok_or_else(|| Fault::new("a name too long", self.raw))
    }
}

/// The numbers of [`FIELDS`]: of an ObjectMeta they are known, of a ListMeta looked up.
fn numbers(metadata: Message) -> [u32; 4] {
    match metadata.field(1) {
        Some(first) if first.name() == FIELDS[0] => NUMBERS,
        _ => FIELDS.map(|name| metadata.find(name).map_or(0, Field::number)),
    }
}

/// Which of [`LANDMARKS`] the field with a number is.
fn landmark(message: Message, number: u64) -> Option<(usize, Field)> {
    let field = message.by_number().field(number)?;
    let index = LANDMARKS.iter().position(|name| field.is_named(name))?;
    (field.kind() == Kind::Message && !field.is_repeated() && !field.is_map()).then_some((index, field))
}

fn size_of_varint(value: usize) -> usize {
    (value.max(1).ilog2() as usize + 7) / 7
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_metadata_of_every_kind_have_these_numbers() {
        let (api_version, kind) = PARTIAL_OBJECT;
        let metadata = Message::of(api_version, kind).unwrap().find("metadata").unwrap().message();
        let number = |name: &str| metadata.find(name).unwrap().number();
        assert_eq!(FIELDS.map(number), NUMBERS);
        assert_eq!(number("managedFields"), MANAGED_FIELDS);
    }

    #[test]
    fn a_number_is_as_long_as_it_is_written() {
        for value in [0, 1, 127, 128, 16_383, 16_384, 2_097_151, 2_097_152, i32::MAX as usize] {
            let mut written = Vec::new();
            put_varint(&mut written, value as u64);
            assert_eq!(size_of_varint(value), written.len(), "{value}");
        }
    }
}
