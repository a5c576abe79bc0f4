//! The field tables of the API: which message a kind is, and the name, number and kind of each of its fields.
//!
//! The tables are packed words in `generated/tables.rs`, read where they lie: nothing is unpacked or allocated.
//! Invariant: they are made from the Go types by `cargo xtask codegen`, which checks what the readers here rely on:
//! ascending numbers, at most [`MOST_FIELDS`] fields a message, names within the pool.

use std::cmp::Ordering;

use super::generated::tables::{FIELDS, KINDS, MEMBERS, NAMES, STARTS};

/// The most fields that a message has.
pub(super) const MOST_FIELDS: usize = 48;

/// What every object can be read as when only its metadata matter.
pub(super) const PARTIAL_OBJECT: (&str, &str) = ("meta.k8s.io/v1", "PartialObjectMetadata");

/// What a document is whose envelope names no kind.
pub(super) const WATCH_EVENT: (&str, &str) = ("meta.k8s.io/v1", "WatchEvent");

/// A message: an ordered set of fields. Equal messages of the API are one here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Message(u16);

/// A field: name start 16 bits, name length 8, number 8, kind 8, flags 8, message 16, from the highest bit down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Field(u64);

/// What the values of a field are, beside how many there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Bool,
    Int32,
    Int64,
    Double,
    String,
    /// In JSON base64.
    Bytes,
    Message,
    /// A message of one repeated field, in JSON the array itself.
    Wrapper,
    Time,
    MicroTime,
    Duration,
    Quantity,
    IntOrString,
    /// JSON text.
    Raw,
    SchemaOrBool,
    SchemaOrArray,
    SchemaOrStrings,
}

impl Message {
    /// The message of a kind. Kinds that every group has, such as DeleteOptions, are found under any.
    pub(super) fn of(api_version: &str, kind: &str) -> Option<Self> {
        let find = |api_version: &str| {
            KINDS
                .binary_search_by(|word| (name_at(word >> 40), name_at(word >> 16)).cmp(&(api_version, kind)))
                .ok()
        };
        let index = find(api_version).or_else(|| find(PARTIAL_OBJECT.0))?;
        KINDS.get(index).map(|word| Self(*word as u16))
    }

    /// The field at a place in the order of numbers.
    pub(super) fn field(self, index: usize) -> Option<Field> {
        field_of(*self.members().get(index)?)
    }

    /// All fields, in the order of their numbers.
    pub(super) fn fields(self) -> impl Iterator<Item = Field> {
        self.members().iter().map_while(|member| field_of(*member))
    }

    /// The place of the field with a number. `hint` is where it likely is, or soon behind: behind the one before.
    #[inline]
    pub(super) fn place_of(self, number: u32, hint: usize) -> Option<(usize, Field)> {
        let members = self.members();
        let mut index = hint;
        while let Some(field) = members.get(index).and_then(|member| field_of(*member)) {
            match field.number().cmp(&number) {
                Ordering::Less => index += 1,
                Ordering::Equal => return Some((index, field)),
                Ordering::Greater => break,
            }
        }
        (0..).zip(self.fields()).find(|(_, field)| field.number() == number)
    }

    /// The field of a name, those of inlined messages included.
    pub(super) fn find(self, name: &str) -> Option<Field> {
        self.fields().find_map(|field| match field.is_inline() {
            true => field.message().find(name),
            false => (field.name() == name).then_some(field),
        })
    }

    /// The places of its fields among all.
    #[inline]
    fn members(self) -> &'static [u16] {
        let start = |index: usize| STARTS.get(index).copied().map_or(0, usize::from);
        let index = usize::from(self.0);
        MEMBERS.get(start(index)..start(index + 1)).unwrap_or_default()
    }
}

#[inline]
fn field_of(member: u16) -> Option<Field> {
    FIELDS.get(usize::from(member)).map(|word| Field(*word))
}

impl Field {
    /// Its name in JSON; "" for an inlined message.
    pub(super) fn name(self) -> &'static str {
        name_at(self.0 >> 40)
    }

    pub(super) fn number(self) -> u32 {
        u32::from((self.0 >> 32) as u8)
    }

    pub(super) fn kind(self) -> Kind {
        use Kind::{
            Bool, Bytes, Double, Duration, Int32, Int64, IntOrString, Message, MicroTime, Quantity, Raw,
            SchemaOrArray, SchemaOrBool, SchemaOrStrings, String, Time, Wrapper,
        };
        const KINDS: [Kind; 17] = [
            Bool,
            Int32,
            Int64,
            Double,
            String,
            Bytes,
            Message,
            Wrapper,
            Time,
            MicroTime,
            Duration,
            Quantity,
            IntOrString,
            Raw,
            SchemaOrBool,
            SchemaOrArray,
            SchemaOrStrings,
        ];
        KINDS.get(usize::from((self.0 >> 24) as u8)).copied().unwrap_or(Raw)
    }

    /// The message of its values, for kinds that have one.
    pub(super) fn message(self) -> Message {
        Message(self.0 as u16)
    }

    pub(super) fn is_repeated(self) -> bool {
        self.has(1)
    }

    pub(super) fn is_map(self) -> bool {
        self.has(1 << 1)
    }

    /// Whether a value that is there may be zero: a pointer in Go.
    pub(super) fn is_pointer(self) -> bool {
        self.has(1 << 2)
    }

    pub(super) fn omits_empty(self) -> bool {
        self.has(1 << 3)
    }

    pub(super) fn omits_zero(self) -> bool {
        self.has(1 << 4)
    }

    /// Whether its message's fields stand, in JSON, among those of the message around it.
    pub(super) fn is_inline(self) -> bool {
        self.has(1 << 5)
    }

    fn has(self, flag: u64) -> bool {
        (self.0 >> 16) & flag != 0
    }
}

/// The name whose length is in the lowest eight bits of `word` and whose start in the sixteen above.
fn name_at(word: u64) -> &'static str {
    let (start, length) = (usize::from((word >> 8) as u16), usize::from(word as u8));
    NAMES.get(start..start + length).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_found_with_their_fields() {
        let pod = Message::of("v1", "Pod").unwrap();
        let names: Vec<_> = pod.fields().map(|field| (field.number(), field.name())).collect();
        assert_eq!(names, [(1, "metadata"), (2, "spec"), (3, "status")]);
        let spec = pod.find("spec").unwrap().message();
        let replicas = Message::of("apps/v1", "Deployment").unwrap().find("spec").unwrap().message();
        assert_eq!(replicas.find("replicas").unwrap().kind(), Kind::Int32);
        assert!(spec.find("containers").unwrap().is_repeated());
        assert!(spec.find("nodeSelector").unwrap().is_map());
        let volume = spec.find("volumes").unwrap().message();
        assert_eq!(volume.find("hostPath").unwrap().kind(), Kind::Message, "through an inlined message");
        assert!(Message::of("v1", "Nothing").is_none() && spec.find("nothing").is_none());
        assert_eq!(Message::of("apps/v1", "DeleteOptions"), Message::of("meta.k8s.io/v1", "DeleteOptions"));
    }

    #[test]
    fn the_tables_keep_what_their_readers_rely_on() {
        for index in 0..STARTS.len() - 1 {
            let fields: Vec<_> = Message(index as u16).fields().collect();
            assert!(fields.len() <= MOST_FIELDS);
            assert!(fields.is_sorted_by(|a, b| a.number() < b.number()));
            for field in fields {
                assert_ne!(field.name().is_empty(), !field.is_inline(), "{field:?}");
                assert!(!field.is_inline() || (field.kind() == Kind::Message && !field.is_pointer()));
                assert!(usize::from(field.message().0) < STARTS.len() - 1);
            }
        }
        assert!(KINDS.is_sorted_by_key(|word| (name_at(word >> 40), name_at(word >> 16))));
    }
}
