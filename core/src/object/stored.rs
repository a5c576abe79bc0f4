//! What `Lazy` keeps of an object: one exact-size block of bytes and the places in it that every reader asks for.
//!
//! The object is surveyed once where it arrived, and checked in the same walk, and copied once, apiVersion and kind added
//! and managedFields left out on the way. Invariant: the places lie within the bytes, and name, namespace,
//! uid and version in one short piece of valid UTF-8, which one look shows to be text.

mod checked;
mod members;

use std::borrow::Cow;
use std::ops::Range;

use members::{Members, Table};

use crate::codec::json::{Entries, Malformed, is_name, unescaped};
use crate::error::Error;
use crate::meta::{ApiResource, Encoded, MetaRef};

/// The members of `metadata` that every reader asks for, in the order of [`Stored::fields`].
pub(super) const FIELDS: [&str; 4] = ["name", "namespace", "uid", "resourceVersion"];
/// The members at the top of an object whose places are kept, in the order of [`Stored::landmarks`].
const LANDMARKS: [&str; 3] = ["metadata", "spec", "status"];
/// The longest piece in which the texts of [`FIELDS`] may lie as they came.
const TOGETHER: usize = 512;
/// So many bytes are looked at at once: a piece of whole blocks is looked at fastest.
const BLOCK: usize = 16;

/// An object's bytes and the places in them.
#[derive(Clone)]
pub(super) struct Stored {
    /// The JSON, behind it the texts of `fields` where they do not lie together in it, and last the [`Table`].
    bytes: Box<[u8]>,
    json_length: u32,
    /// Where the piece begins that holds the texts of [`FIELDS`], and how long it is.
    piece: u32,
    piece_length: u16,
    /// Where they lie in the piece: start and length.
    fields: [(u16, u16); 4],
    /// Where the values of [`LANDMARKS`] begin; 0 when they are not there.
    landmarks: [u32; 3],
}

impl Stored {
    /// Keeps the object as it arrived in JSON.
    pub(super) fn new(encoded: &Encoded<'_>) -> Result<Self, Error> {
        let keep = if encoded.trusted { Self::trusted } else { Self::checked };
        keep(encoded.bytes, Some(encoded.resource), encoded.drop_managed_fields)
    }

    /// Keeps the object in `source`, which is known to be valid: adds what it lacks of apiVersion and kind when `resource`
    /// is given, and leaves out `metadata.managedFields` when told so.
    pub(super) fn trusted(
        source: &[u8],
        resource: Option<&ApiResource>,
        drop_managed_fields: bool,
    ) -> Result<Self, Error> {
        Self::keep(source, resource, |source| Survey::of(source, drop_managed_fields))
    }

    /// The same, and checks `source`.
    fn checked(
        source: &[u8],
        resource: Option<&ApiResource>,
        drop_managed_fields: bool,
    ) -> Result<Self, Error> {
        Self::keep(source, resource, |source| match Survey::checked(source, drop_managed_fields)? {
            Some(survey) => Ok(survey),
            None => Survey::of(source, drop_managed_fields),
        })
    }

    fn keep<'a>(
        source: &'a [u8],
        resource: Option<&ApiResource>,
        survey: impl FnOnce(&'a [u8]) -> Result<Survey<'a>, Fault>,
    ) -> Result<Self, Error> {
        let source = source.trim_ascii();
        let fail = |fault: Fault| {
            let kind = resource.map_or("Kubernetes object", |resource| &*resource.kind);
            Error::decode(format!("not a {kind}: {} ({} bytes)", fault.text(), source.len()))
        };
        if source.len() > i32::MAX as usize {
            return Err(fail(Fault::Odd("larger than 2 GiB")));
        }
        let survey = survey(source).map_err(fail)?;
        survey.keep(&resource.map(|resource| survey.header(resource)).unwrap_or_default()).map_err(fail)
    }

    /// The object's JSON.
    pub(super) fn json(&self) -> &[u8] {
        self.bytes.get(..self.json_length as usize).unwrap_or_default()
    }

    #[inline]
    pub(super) fn meta(&self) -> MetaRef<'_> {
        let start = self.piece as usize;
        let piece = self.bytes.get(start..start + usize::from(self.piece_length)).unwrap_or_default();
        let piece = std::str::from_utf8(piece).unwrap_or_default();
        let text = |index: usize| {
            let (start, length) = (usize::from(self.fields[index].0), usize::from(self.fields[index].1));
            piece.get(start..start + length).unwrap_or_default()
        };
        MetaRef { name: text(0), namespace: text(1), uid: text(2), resource_version: text(3) }
    }

    /// The JSON from the value of a top member on, when its place is known: `Some(None)` when it is known to be absent.
    pub(super) fn landmark(&self, name: &str) -> Option<Option<&[u8]>> {
        let start = self.landmarks[LANDMARKS.iter().position(|landmark| *landmark == name)?];
        Some(if start == 0 { None } else { self.json().get(start as usize..) })
    }

    /// The JSON from the value of a member of a top member on, when its place is known: `Some(None)` when it is known to
    /// be absent.
    pub(super) fn member(&self, top: &str, name: &str) -> Option<Option<&[u8]>> {
        let table = Table::at_end_of(&self.bytes)?;
        // The table is of spec and status.
        let index = LANDMARKS.iter().position(|landmark| *landmark == top).filter(|index| *index > 0)?;
        let start = self.landmarks[index];
        if start == 0 {
            return Some(None);
        }
        let next =
            self.landmarks.into_iter().filter(|other| *other > start).min().unwrap_or(self.json_length);
        Some(table.find(self.json(), start as usize..next as usize, name))
    }
}

/// Why bytes are not an object.
enum Fault {
    Malformed(usize),
    Odd(&'static str),
}

impl Fault {
    fn text(&self) -> String {
        match self {
            Self::Malformed(offset) => format!("malformed JSON at offset {offset}"),
            Self::Odd(what) => (*what).to_owned(),
        }
    }
}

impl From<Malformed> for Fault {
    fn from(malformed: Malformed) -> Self {
        Self::Malformed(malformed.offset)
    }
}

/// Where things lie in an object as it arrived.
#[cfg_attr(test, derive(Debug, PartialEq))]
struct Survey<'a> {
    source: &'a [u8],
    is_empty: bool,
    has_api_version: bool,
    has_kind: bool,
    fields: [Range<usize>; 4],
    landmarks: [usize; 3],
    /// What to leave out.
    cut: Range<usize>,
    /// The members of its spec and status, where they were noted.
    members: Members,
}

impl<'a> Survey<'a> {
    fn empty(source: &'a [u8]) -> Self {
        Self {
            source,
            is_empty: true,
            has_api_version: false,
            has_kind: false,
            fields: [const { 0..0 }; 4],
            landmarks: [0; 3],
            cut: 0..0,
            members: Members::default(),
        }
    }

    fn of(source: &'a [u8], drop_managed_fields: bool) -> Result<Self, Fault> {
        let mut survey = Self::empty(source);
        let mut entries = Entries::of_object(source, 0)?;
        while let Some(entry) = entries.next()? {
            survey.is_empty = false;
            let name = &source[entry.key];
            if is_name(name, "apiVersion") {
                survey.has_api_version = true;
            } else if is_name(name, "kind") {
                survey.has_kind = true;
            } else if let Some(index) = index_of(name, &LANDMARKS) {
                if survey.landmarks[index] != 0 {
                    return Err(Fault::Odd("a member at its top stands there twice"));
                }
                survey.landmarks[index] = entry.value;
                if index == 0 && source[entry.value] != b'n' {
                    entries.skip_to(survey.metadata(entry.value, drop_managed_fields)?);
                }
            }
        }
        match entries.position() == source.len() {
            true => Ok(survey),
            false => Err(Fault::Odd("something follows its end")),
        }
    }

    /// Surveys the metadata that begin at `start`; returns where they end.
    fn metadata(&mut self, start: usize, drop_managed_fields: bool) -> Result<usize, Fault> {
        let mut entries = Entries::of_object(self.source, start)
            .map_err(|_| Fault::Odd("its metadata are not an object"))?;
        let mut previous_end = None;
        // A cut that began at the first member takes the comma behind it along.
        let mut takes_comma = false;
        while let Some(entry) = entries.next()? {
            let key_start = entry.key.start - 1;
            if std::mem::take(&mut takes_comma) {
                self.cut.end = key_start;
            }
            let end = entries.skip()?;
            let name = &self.source[entry.key];
            if drop_managed_fields && is_name(name, "managedFields") {
                if !self.cut.is_empty() {
                    return Err(Fault::Odd("metadata.managedFields stand there twice"));
                }
                takes_comma = previous_end.is_none();
                self.cut = previous_end.unwrap_or(key_start)..end;
                continue;
            }
            previous_end = Some(end);
            if let Some(index) = index_of(name, &FIELDS) {
                self.field(index, entry.value..end)?;
            }
        }
        Ok(entries.position())
    }

    fn field(&mut self, index: usize, value: Range<usize>) -> Result<(), Fault> {
        let bytes = &self.source[value.clone()];
        if bytes == b"null" {
            return Ok(());
        }
        let inner = value.start + 1..value.end.saturating_sub(1);
        if bytes[0] != b'"' || unescaped(&self.source[inner.clone()]).is_none() {
            return Err(Fault::Odd("its name, namespace, uid or resourceVersion is not a string"));
        }
        if !self.fields[index].is_empty() {
            return Err(Fault::Odd("its name, namespace, uid or resourceVersion stands there twice"));
        }
        self.fields[index] = inner;
        Ok(())
    }

    /// The members to add in front.
    fn header(&self, resource: &ApiResource) -> String {
        let mut header = String::new();
        if !self.has_api_version {
            header = format!("\"apiVersion\":{},", quoted(&resource.api_version()));
        }
        if !self.has_kind && !resource.kind.is_empty() {
            header = header + "\"kind\":" + &quoted(&resource.kind) + ",";
        }
        if self.is_empty {
            header.pop();
        }
        header
    }

    fn keep(&self, header: &str) -> Result<Stored, Fault> {
        let Self { source, cut, .. } = self;
        let json_length = source.len() + header.len() - cut.len();
        let moved = |at: usize| {
            let before = if at >= cut.end { cut.len() } else { 0 };
            at + header.len() - before
        };
        let together = self.together();
        let apart: usize = match together {
            Some(_) => 0,
            None => self.texts().iter().map(|text| text.len()).sum(),
        };

        let mut bytes = Vec::with_capacity(json_length + apart + self.members.size());
        bytes.push(b'{');
        bytes.extend_from_slice(header.as_bytes());
        // An object of nothing but what is cut has its cut within its metadata, never at its first byte.
        bytes.extend_from_slice(&source[1..cut.start.max(1)]);
        bytes.extend_from_slice(&source[cut.end.max(1)..]);
        let together = together.and_then(|piece| blocks(&bytes, moved(piece.start)..moved(piece.end)));
        let (piece, fields) = match together {
            Some(piece) => {
                let start = |field: &Range<usize>| moved(field.start).saturating_sub(piece.start);
                let fields = self.fields.each_ref().map(|field| (start(field), field.len()));
                (piece, fields)
            }
            None => {
                let fields = self.texts().map(|text| {
                    bytes.extend_from_slice(text.as_bytes());
                    (bytes.len() - text.len() - json_length, text.len())
                });
                (json_length..bytes.len(), fields)
            }
        };
        let piece_length =
            u16::try_from(piece.len()).map_err(|_| Fault::Odd("its name is longer than 64 KB"))?;
        let fields = fields.map(|(start, length)| (start as u16, length as u16));
        let landmarks = self.landmarks.map(|at| if at == 0 { 0 } else { moved(at) as u32 });
        self.members.write(&mut bytes, |at| moved(at) as u32);
        let (bytes, json_length, piece) = (bytes.into_boxed_slice(), json_length as u32, piece.start as u32);
        Ok(Stored { bytes, json_length, piece, piece_length, fields, landmarks })
    }

    /// The piece of the source in which the texts of [`FIELDS`] lie as they are, if it is short.
    fn together(&self) -> Option<Range<usize>> {
        let there = || self.fields.iter().filter(|field| !field.is_empty());
        let start = there().map(|field| field.start).min().unwrap_or_default();
        let piece = start..there().map(|field| field.end).max().unwrap_or_default();
        let is_cut = !self.cut.is_empty() && piece.contains(&self.cut.start);
        let is_plain = |raw: &&[u8]| raw.len() <= TOGETHER && memchr::memchr(b'\\', raw).is_none();
        self.source.get(piece.clone()).filter(is_plain).filter(|_| !is_cut).map(|_| piece)
    }

    /// The texts of [`FIELDS`].
    fn texts(&self) -> [Cow<'a, str>; 4] {
        self.fields.each_ref().map(|field| unescaped(&self.source[field.clone()]).unwrap_or_default())
    }
}

/// A piece of `bytes` that is text: this one with what is left of the blocks it begins and ends in, or else without.
fn blocks(bytes: &[u8], piece: Range<usize>) -> Option<Range<usize>> {
    let whole = piece.start / BLOCK * BLOCK..piece.end.next_multiple_of(BLOCK).min(bytes.len());
    [whole, piece].into_iter().find(|piece| std::str::from_utf8(&bytes[piece.clone()]).is_ok())
}

/// Which of `names` a raw member's name is.
fn index_of(raw: &[u8], names: &[&str]) -> Option<usize> {
    names.iter().position(|name| is_name(raw, name))
}

/// `text` as a JSON string.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
