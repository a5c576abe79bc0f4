//! A message as the JSON value it stands for, walked member by member and decoded only where asked.
//!
//! Invariant: what comes out is what Go writes as JSON for the same bytes: fields left out of the wire are filled, are
//! null or are left out as their Go type says. Readers of every kind (serde, JSON text, paths) walk this.

use std::ops::Range;

use super::moment::Moment;
use super::schema::{Field, Kind, Message, NUMBERS};
use super::wire::{Fault, Payload, Record, Records, last};

/// How many values may lie within one another: serde_json's own limit.
pub(super) const DEEPEST: u8 = 127;

/// A value. Those that hold others are walked on demand.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Value<'a> {
    Null,
    Bool(bool),
    Int(i64),
    Double(f64),
    Text(&'a str),
    Moment(Moment),
    /// In JSON base64.
    Bytes(&'a [u8]),
    /// JSON text, not empty.
    Raw(&'a [u8]),
    Object(Object<'a>),
    List(List<'a>),
    Map(List<'a>),
}

/// A message that has not been looked into.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Object<'a> {
    bytes: &'a [u8],
    message: Message,
    head: Option<(&'a str, &'a str)>,
    managed_fields: ManagedFields,
    depth: u8,
    /// What is not repeated is known to stand in it once.
    is_plain: bool,
}

/// Whether metadata.managedFields are left out, and how far it is to them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ManagedFields {
    Stay,
    GoFromMetadata,
    Go,
}

impl<'a> Object<'a> {
    /// The root of a document; `head` are its apiVersion and kind, when it carries them.
    pub(super) fn root(bytes: &'a [u8], message: Message, head: Option<(&'a str, &'a str)>) -> Self {
        Self { bytes, message, head, managed_fields: ManagedFields::Stay, depth: DEEPEST, is_plain: false }
    }

    /// The same, known to have been checked.
    pub(super) fn checked(self) -> Self {
        Self { is_plain: true, ..self }
    }

    /// The same without metadata.managedFields.
    pub(super) fn without_managed_fields(mut self) -> Self {
        self.managed_fields = ManagedFields::GoFromMetadata;
        self
    }

    /// The member of this name, found without looking at the others.
    pub(super) fn member(self, name: &str) -> Result<Option<Value<'a>>, Fault> {
        match (self.head, name) {
            (Some((api_version, _)), "apiVersion") => return Ok(Some(Value::Text(api_version))),
            (Some((_, kind)), "kind") => return Ok(Some(Value::Text(kind))),
            _ => {}
        }
        let holds = |field: &Field| match field.is_inline() {
            true => field.message().find(name).is_some(),
            false => field.is_named(name),
        };
        let Some(field) = self.message.fields().find(holds) else { return Ok(None) };
        let span = Span::of(self.bytes, field, self.is_plain)?;
        if field.is_inline() {
            let bytes = span.payload(self.bytes)?.map_or(Ok(&[][..]), Payload::bytes)?;
            return Self { bytes, message: field.message(), head: None, ..self }.member(name);
        }
        value_at(self.bytes, span, field, self.depth)
    }

    pub(super) fn members(self) -> Result<Members<'a>, Fault> {
        let frame = Frame::of(self.bytes, self.message, self.depth)?;
        let head = match self.head {
            Some((api_version, kind)) => vec![("kind", kind), ("apiVersion", api_version)],
            None => Vec::new(),
        };
        Ok(Members { frame, outer: Vec::new(), head, managed_fields: self.managed_fields })
    }
}

/// The members of a message, those of inlined messages among them.
#[derive(Debug)]
pub(crate) struct Members<'a> {
    frame: Frame<'a>,
    outer: Vec<Frame<'a>>,
    /// apiVersion and kind as long as they have not been given, the first one last.
    head: Vec<(&'static str, &'a str)>,
    managed_fields: ManagedFields,
}

impl<'a> Members<'a> {
    pub(super) fn next(&mut self) -> Result<Option<(&'static str, Value<'a>)>, Fault> {
        if let Some((name, text)) = self.head.pop() {
            return Ok(Some((name, Value::Text(text))));
        }
        loop {
            let number = self.frame.next;
            if number > self.frame.message.last_number() {
                let Some(outer) = self.outer.pop() else { return Ok(None) };
                self.frame = outer;
                continue;
            }
            self.frame.next += 1;
            let Some(field) = self.frame.message.field(number) else { continue };
            if field.is_inline() {
                let bytes = self.frame.singular(number)?.map_or(Ok(&[][..]), Payload::bytes)?;
                let inner = Frame::of(bytes, field.message(), self.frame.depth)?;
                self.outer.push(std::mem::replace(&mut self.frame, inner));
                continue;
            }
            let (name, managed_fields) = (field.name(), self.managed_fields);
            if managed_fields == ManagedFields::Go && name == "managedFields" {
                continue;
            }
            match self.frame.value(field)? {
                None => {}
                Some(Value::Object(mut object)) => {
                    if managed_fields == ManagedFields::GoFromMetadata && name == "metadata" {
                        object.managed_fields = ManagedFields::Go;
                    }
                    return Ok(Some((name, Value::Object(object))));
                }
                Some(value) => return Ok(Some((name, value))),
            }
        }
    }
}

/// Where the records of a field lie in its message.
#[derive(Clone, Copy, Debug, Default)]
struct Span {
    /// Where the first one begins.
    first: u32,
    /// Where the last one begins.
    last: u32,
    /// Where the last one ends; 0 when there is none.
    end: u32,
}

impl Span {
    /// Where the records of one field lie in `message`. In one that `is_plain` nothing is looked at behind the one record
    /// of what is not repeated.
    fn of(message: &[u8], field: Field, is_plain: bool) -> Result<Self, Fault> {
        let (mut span, mut records) = (Self::default(), Records::of(message));
        let is_single = is_plain && !field.is_repeated() && !field.is_map();
        while records.left() > 0 {
            let start = message.len() - records.left();
            let tag = records.varint()?;
            records.skip(tag)?;
            if tag >> 3 == u64::from(field.number()) {
                span.add(message, field, start..message.len() - records.left())?;
                if is_single {
                    break;
                }
            }
        }
        Ok(span)
    }

    fn add(&mut self, message: &[u8], field: Field, record: Range<usize>) -> Result<(), Fault> {
        if self.end == 0 {
            self.first = record.start as u32;
        } else if is_merged(field) {
            return Err(Fault { needs_merge: true, ..Fault::new("a message that stands twice", message) });
        }
        self.last = record.start as u32;
        self.end = record.end as u32;
        Ok(())
    }

    /// The last payload.
    fn payload<'a>(&self, message: &'a [u8]) -> Result<Option<Payload<'a>>, Fault> {
        if self.end == 0 {
            return Ok(None);
        }
        let mut records = Records::of(message.get(self.last as usize..).unwrap_or_default());
        Ok(records.next()?.map(|record| record.payload))
    }
}

/// One message with the places of its fields.
#[derive(Debug)]
struct Frame<'a> {
    bytes: &'a [u8],
    message: Message,
    /// By their numbers.
    spans: [Span; NUMBERS],
    /// The number to look at next.
    next: u32,
    depth: u8,
}

impl<'a> Frame<'a> {
    fn of(bytes: &'a [u8], message: Message, depth: u8) -> Result<Self, Fault> {
        if u32::try_from(bytes.len()).is_err() {
            return Err(Fault::new("larger than 4 GiB", bytes));
        }
        let mut frame = Self { bytes, message, spans: [Span::default(); NUMBERS], next: 1, depth };
        let mut records = Records::of(bytes);
        loop {
            let start = bytes.len() - records.left();
            let Some(record) = records.next()? else { return Ok(frame) };
            let Some(field) = message.field(record.number) else { continue };
            if let Some(span) = frame.spans.get_mut(record.number as usize) {
                span.add(bytes, field, start..bytes.len() - records.left())?;
            }
        }
    }

    /// The value of a field; `None` when it is left out of the JSON.
    fn value(&self, field: Field) -> Result<Option<Value<'a>>, Fault> {
        value_at(self.bytes, self.span(field.number()), field, self.depth)
    }

    /// The payload of a field that counts once: the last.
    fn singular(&self, number: u32) -> Result<Option<Payload<'a>>, Fault> {
        self.span(number).payload(self.bytes)
    }

    fn span(&self, number: u32) -> Span {
        self.spans.get(number as usize).copied().unwrap_or_default()
    }
}

/// The value of the field of `message` whose records lie at `span`; `None` when it is left out of the JSON.
fn value_at<'a>(message: &'a [u8], span: Span, field: Field, depth: u8) -> Result<Option<Value<'a>>, Fault> {
    let absent = || Ok((!field.omits_empty()).then_some(Value::Null));
    if field.is_repeated() || field.is_map() {
        if span.end == 0 {
            return absent();
        }
        let bytes = message.get(span.first as usize..span.end as usize).unwrap_or_default();
        let list = List::new(bytes, field, deeper(depth, message)?);
        return Ok(Some(if field.is_map() { Value::Map(list) } else { Value::List(list) }));
    }
    let payload = span.payload(message)?;
    if payload.is_none() && (field.is_pointer() || matches!(field.kind(), Kind::Bytes | Kind::Wrapper)) {
        return absent();
    }
    let value = element(field, payload, deeper(depth, message)?)?;
    let is_left_out = match (field.kind(), &value) {
        (Kind::Wrapper, Value::List(list)) => field.omits_empty() && list.is_empty()?,
        (Kind::Time, Value::Null) => field.omits_zero(),
        (Kind::Bool | Kind::Int32 | Kind::Int64 | Kind::Double | Kind::String | Kind::Bytes, value) => {
            field.omits_empty() && !field.is_pointer() && is_zero(value)
        }
        _ => false,
    };
    Ok((!is_left_out).then_some(value))
}

/// Whether several records of a field are one message in pieces.
pub(super) fn is_merged(field: Field) -> bool {
    let scalar = matches!(
        field.kind(),
        Kind::Bool | Kind::Int32 | Kind::Int64 | Kind::Double | Kind::String | Kind::Bytes
    );
    // Go reads a time anew from each record.
    !scalar
        && !field.is_repeated()
        && !field.is_map()
        && !matches!(field.kind(), Kind::Time | Kind::MicroTime)
}

/// Whether a value is what Go leaves out under omitempty.
fn is_zero(value: &Value<'_>) -> bool {
    match value {
        Value::Bool(value) => !value,
        Value::Int(value) => *value == 0,
        Value::Double(value) => *value == 0.0,
        Value::Text(text) => text.is_empty(),
        Value::Bytes(bytes) => bytes.is_empty(),
        _ => false,
    }
}

pub(super) fn deeper(depth: u8, bytes: &[u8]) -> Result<u8, Fault> {
    depth.checked_sub(1).ok_or_else(|| Fault::new("more than the 127 nested values allowed", bytes))
}

/// One value of a field; that of no payload is Go's zero.
pub(super) fn element<'a>(field: Field, payload: Option<Payload<'a>>, depth: u8) -> Result<Value<'a>, Fault> {
    let varint = || payload.map_or(Ok(0), Payload::varint);
    let bytes = || payload.map_or(Ok(&[][..]), Payload::bytes);
    let inner = |number| last(bytes()?, number);
    Ok(match field.kind() {
        Kind::Bool => Value::Bool(varint()? != 0),
        Kind::Int32 => Value::Int(i64::from(varint()? as i32)),
        Kind::Int64 => Value::Int(varint()? as i64),
        Kind::Double => Value::Double(match payload {
            None => 0.0,
            Some(Payload::Fixed(bits)) => f64::from_bits(bits),
            Some(_) => return Err(Fault::new("a number of another wire type", &[])),
        }),
        Kind::String => Value::Text(payload.map_or(Ok(""), Payload::text)?),
        Kind::Bytes => Value::Bytes(bytes()?),
        Kind::Message => Value::Object(Object {
            bytes: bytes()?,
            message: field.message(),
            head: None,
            managed_fields: ManagedFields::Stay,
            depth,
            is_plain: false,
        }),
        Kind::Wrapper => list_of(bytes()?, field.message(), depth)?.map_or(Value::Null, Value::List),
        Kind::Time | Kind::MicroTime => time(bytes()?, field.kind() == Kind::MicroTime)?,
        Kind::Duration => Value::Moment(Moment::Duration(inner(1)?.map_or(Ok(0), Payload::varint)? as i64)),
        Kind::Quantity => match inner(1)?.map_or(Ok(""), Payload::text)? {
            "" => Value::Text("0"),
            text => Value::Text(text),
        },
        Kind::IntOrString => match inner(1)?.map_or(Ok(0), Payload::varint)? {
            0 => Value::Int(i64::from(inner(2)?.map_or(Ok(0), Payload::varint)? as i32)),
            1 => Value::Text(inner(3)?.map_or(Ok(""), Payload::text)?),
            _ => return Err(Fault::new("neither a number nor a text", bytes()?)),
        },
        Kind::Raw => match inner(1)?.map_or(Ok(&[][..]), Payload::bytes)? {
            [] => Value::Null,
            text => Value::Raw(text),
        },
        Kind::SchemaOrBool => match schema(field, bytes()?, 2, depth)? {
            Value::Null => Value::Bool(inner(1)?.map_or(Ok(0), Payload::varint)? != 0),
            schema => schema,
        },
        Kind::SchemaOrArray | Kind::SchemaOrStrings => match list_of(bytes()?, field.message(), depth)? {
            Some(list) if !list.is_empty()? => Value::List(list),
            _ => schema(field, bytes()?, 1, depth)?,
        },
    })
}

/// A time, field 1 its seconds and 2 its nanoseconds; null for Go's zero.
fn time(bytes: &[u8], is_micro: bool) -> Result<Value<'_>, Fault> {
    const SECONDS: u64 = 1 << 3;
    const NANOS: u64 = 2 << 3;
    if bytes.is_empty() {
        return Ok(Value::Null);
    }
    let (mut records, mut seconds, mut nanos) = (Records::of(bytes), 0, 0);
    while records.left() > 0 {
        match records.varint()? {
            SECONDS => seconds = records.varint()?,
            NANOS => nanos = records.varint()?,
            other => {
                if let Record { number: 1 | 2, payload } = records.behind(other)? {
                    payload.varint()?;
                }
            }
        }
    }
    let time =
        Moment::of_time(seconds as i64, nanos as i32, is_micro).map_err(|what| Fault::new(what, bytes))?;
    Ok(time.map_or(Value::Null, Value::Moment))
}

/// The schema in a message that may hold one instead of something else: the field of this number.
fn schema<'a>(field: Field, bytes: &'a [u8], number: u32, depth: u8) -> Result<Value<'a>, Fault> {
    let Some(inner) = field.message().field(number) else { return Ok(Value::Null) };
    match Frame::of(bytes, field.message(), depth)?.singular(number)? {
        None => Ok(Value::Null),
        payload => element(inner, payload, depth),
    }
}

/// The list that a message stands for, or may: its last field.
fn list_of(bytes: &[u8], message: Message, depth: u8) -> Result<Option<List<'_>>, Fault> {
    let Some(field) = message.fields().next_back() else { return Ok(None) };
    Ok(Some(List::new(bytes, field, deeper(depth, bytes)?)))
}

/// The elements of a repeated field, or the entries of a map.
#[derive(Clone, Copy, Debug)]
pub(crate) struct List<'a> {
    records: Records<'a>,
    /// Numbers that came packed in one record.
    packed: Records<'a>,
    field: Field,
    depth: u8,
}

impl<'a> List<'a> {
    fn new(bytes: &'a [u8], field: Field, depth: u8) -> Self {
        Self { records: Records::of(bytes), packed: Records::of(&[]), field, depth }
    }

    /// Whether there are no elements.
    fn is_empty(&self) -> Result<bool, Fault> {
        List::next_payload(&mut { *self }).map(|next| next.is_none())
    }

    /// The next element of a repeated field.
    pub(super) fn next(&mut self) -> Result<Option<Value<'a>>, Fault> {
        match self.next_payload()? {
            None => Ok(None),
            payload => element(self.field, payload, self.depth).map(Some),
        }
    }

    /// The next entry of a map.
    pub(super) fn next_entry(&mut self) -> Result<Option<(&'a str, Value<'a>)>, Fault> {
        let Some(payload) = self.next_payload()? else { return Ok(None) };
        let entry = payload.bytes()?;
        let key = last(entry, 1)?.map_or(Ok(""), Payload::text)?;
        Ok(Some((key, element(self.field, last(entry, 2)?, self.depth)?)))
    }

    fn next_payload(&mut self) -> Result<Option<Payload<'a>>, Fault> {
        loop {
            if self.packed.left() > 0 {
                return self.packed.varint().map(|value| Some(Payload::Varint(value)));
            }
            let Some(record) = self.records.next()? else { return Ok(None) };
            match record.payload {
                _ if record.number != self.field.number() => {}
                Payload::Bytes(numbers) if self.field.is_number() && !self.field.is_map() => {
                    self.packed = Records::of(numbers);
                }
                payload => return Ok(Some(payload)),
            }
        }
    }
}
