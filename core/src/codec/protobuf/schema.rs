//! The field tables of the API: which message a kind is, and the name, number and kind of each of its fields.
//!
//! The tables are packed words in `generated/tables.rs`, read where they lie: nothing is unpacked or allocated.
//! Invariant: they are made from the Go types by `cargo xtask codegen`, which checks what the readers here rely on:
//! a field at the place of its number, numbers below [`NUMBERS`], names within the pool.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::generated::tables::{FIELDS, KINDS, NAMES, STARTS};

/// The numbers of fields are below this.
pub(super) const NUMBERS: usize = 48;

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
        // Where the last kind was found: mostly it is asked for again.
        static LAST: AtomicUsize = AtomicUsize::new(0);
        let names = |word: &u64| (name_at(word >> 40), name_at(word >> 16));
        let last = KINDS.get(LAST.load(Ordering::Relaxed));
        if let Some(word) = last.filter(|word| names(word) == (api_version, kind)) {
            return Some(Self(*word as u16));
        }
        let find = |api_version| KINDS.binary_search_by(|word| names(word).cmp(&(api_version, kind))).ok();
        let index = find(api_version).or_else(|| find(PARTIAL_OBJECT.0))?;
        LAST.store(index, Ordering::Relaxed);
        KINDS.get(index).map(|word| Self(*word as u16))
    }

    /// The field with a number.
    pub(super) fn field(self, number: u32) -> Option<Field> {
        self.by_number().field(u64::from(number))
    }

    /// All fields, in the order of their numbers.
    pub(super) fn fields(self) -> impl DoubleEndedIterator<Item = Field> {
        self.by_number().0.iter().filter(|word| **word != 0).map(|word| Field(*word))
    }

    /// The highest number of its fields.
    pub(super) fn last_number(self) -> u32 {
        self.by_number().0.len() as u32
    }

    /// The field of a name, those of inlined messages included.
    pub(super) fn find(self, name: &str) -> Option<Field> {
        self.fields().find_map(|field| match field.is_inline() {
            true => field.message().find(name),
            false => field.is_named(name).then_some(field),
        })
    }

    /// Its fields, for a walk that asks for many.
    pub(super) fn by_number(self) -> ByNumber {
        let start = |index: usize| STARTS.get(index).copied().map_or(0, usize::from);
        let index = usize::from(self.0);
        ByNumber(FIELDS.get(start(index)..start(index + 1)).unwrap_or_default())
    }
}

/// The fields of a message by their numbers from 1 on, 0 for a number not in use.
#[derive(Clone, Copy)]
pub(super) struct ByNumber(&'static [u64]);

impl ByNumber {
    /// The field with a number.
    #[inline]
    pub(super) fn field(self, number: u64) -> Option<Field> {
        let word = *self.0.get(usize::try_from(number).ok()?.wrapping_sub(1))?;
        (word != 0).then_some(Field(word))
    }
}

impl Field {
    /// Its name in JSON; "" for an inlined message.
    pub(super) fn name(self) -> &'static str {
        name_at(self.0 >> 40)
    }

    /// Whether that is its name. Most names differ in length, which is told without looking at them.
    pub(super) fn is_named(self, name: &str) -> bool {
        (self.0 >> 40) as u8 as usize == name.len() && self.name() == name
    }

    pub(super) fn number(self) -> u32 {
        u32::from((self.0 >> 32) as u8)
    }

    pub(super) fn kind(self) -> Kind {
        match (self.0 >> 24) as u8 {
            0 => Kind::Bool,
            1 => Kind::Int32,
            2 => Kind::Int64,
            3 => Kind::Double,
            4 => Kind::String,
            5 => Kind::Bytes,
            6 => Kind::Message,
            7 => Kind::Wrapper,
            8 => Kind::Time,
            9 => Kind::MicroTime,
            10 => Kind::Duration,
            11 => Kind::Quantity,
            12 => Kind::IntOrString,
            14 => Kind::SchemaOrBool,
            15 => Kind::SchemaOrArray,
            16 => Kind::SchemaOrStrings,
            _ => Kind::Raw,
        }
    }

    /// The message of its values, for kinds that have one.
    pub(super) fn message(self) -> Message {
        Message(self.0 as u16)
    }

    /// Whether its values are integers or booleans, which may come packed.
    pub(super) fn is_number(self) -> bool {
        matches!(self.kind(), Kind::Bool | Kind::Int32 | Kind::Int64)
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
            for field in fields {
                assert_eq!(Message(index as u16).field(field.number()), Some(field));
                assert!((field.number() as usize) < NUMBERS);
                assert_ne!(field.name().is_empty(), !field.is_inline(), "{field:?}");
                assert!(!field.is_inline() || (field.kind() == Kind::Message && !field.is_pointer()));
                assert!(usize::from(field.message().0) < STARTS.len() - 1);
            }
        }
        assert!(KINDS.is_sorted_by_key(|word| (name_at(word >> 40), name_at(word >> 16))));
    }
}
