//! The push decoder of watch bodies: concatenated events, one JSON object each, white space between them or none.
//!
//! What is within the object is checked by whoever reads it. A bare Status, with which a server that fails may answer in an
//! event's place, is an ERROR event. Invariant: an event is given only when it is whole, names a known type and holds an
//! object.

use std::borrow::Cow;
use std::ops::Range;

use bytes::Bytes;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::feed::Feed;
use super::offset_of;
use crate::codec::{EventKind, Limits, WatchFrame};
use crate::error::Error;
use crate::meta::Format;

/// Takes the body of a watch as it arrives and gives its events as they are complete.
///
/// ```
/// use portolan::codec::{EventKind, Limits, json::WatchDecoder};
/// let mut decoder = WatchDecoder::new(Limits::default());
/// decoder.push(r#"{"type":"ADDED","object":{"kind":"#.into());
/// assert!(decoder.next_event()?.is_none());
/// decoder.push("\"Pod\"}}\n".into());
/// let event = decoder.next_event()?.ok_or_else(|| portolan::Error::decode("no event"))?;
/// assert_eq!((event.kind, event.object), (EventKind::Added, &br#"{"kind":"Pod"}"#[..]));
/// decoder.finish()?;
/// # Ok::<(), portolan::Error>(())
/// ```
pub struct WatchDecoder {
    feed: Feed,
    failed: bool,
    events: u64,
}

#[derive(Deserialize)]
struct Frame<'a> {
    #[serde(rename = "type", borrow)]
    kind: Cow<'a, str>,
    #[serde(borrow)]
    object: &'a RawValue,
}

impl WatchDecoder {
    /// A decoder at the start of a body. `limits` hold for each event.
    pub fn new(limits: Limits) -> Self {
        Self { feed: Feed::new(limits), failed: false, events: 0 }
    }

    /// Takes the next chunk of the body, split anywhere. Call [`WatchDecoder::next_event`] until it gives `None` before
    /// the next one, else chunks gather here.
    pub fn push(&mut self, chunk: Bytes) {
        self.feed.push(chunk);
    }

    /// The next whole event, `None` when more must come. After an error there is nothing more.
    pub fn next_event(&mut self) -> Result<Option<WatchFrame<'_>>, Error> {
        match self.advance() {
            Ok(Some((kind, object))) => {
                self.events += 1;
                Ok(Some(WatchFrame { kind, format: Format::Json, object: &self.feed.value()[object] }))
            }
            Ok(None) => Ok(None),
            Err(what) => {
                self.failed = true;
                let (events, offset) = (self.events, self.feed.value_start());
                Err(Error::decode(format!("watch, after {events} events, at byte {offset}: {what}")))
            }
        }
    }

    /// Ends the body. Fails when it ends within an event; every event must have been taken.
    pub fn finish(mut self) -> Result<(), Error> {
        if self.next_event()?.is_some() {
            return Err(Error::decode("watch: finished before its last event was taken"));
        }
        if self.feed.is_within_value() {
            let (events, offset) = (self.events, self.feed.offset());
            let text =
                format!("watch: the body ends within an event, after {events} events and {offset} bytes");
            return Err(Error::decode(text));
        }
        Ok(())
    }

    fn advance(&mut self) -> Result<Option<(EventKind, Range<usize>)>, String> {
        if self.failed {
            return Err("already failed".to_owned());
        }
        if !self.feed.is_within_value() {
            match self.feed.peek() {
                None => return Ok(None),
                Some(b'{') => {}
                Some(_) => return Err("not an event: no JSON object begins here".to_owned()),
            }
        }
        if !self.feed.read_value()? {
            return Ok(None);
        }
        let frame = self.feed.value();
        let split = match self.feed.only_part_end().and_then(|end| split(frame, end)) {
            Some((kind, object)) => event(kind, frame, object),
            None => parsed(frame),
        };
        split.map(Some).map_err(|what| format!("the event of {} bytes: {what}", frame.len()))
    }
}

/// The type of a frame and where its object lies, of one that is written as the server writes it: these two members in
/// this order, of which the second, the only object in it, ends at `end_of_object`. Nothing within the object is looked at.
fn split(frame: &[u8], end_of_object: usize) -> Option<(&str, Range<usize>)> {
    let rest = frame.strip_prefix(b"{\"type\":\"")?;
    let end = memchr::memchr2(b'"', b'\\', rest)?;
    let kind = std::str::from_utf8(&rest[..end]).ok()?;
    let object = rest[end..].strip_prefix(b"\",\"object\":")?;
    let start = frame.len() - object.len();
    let is_all = frame.get(end_of_object..)?.trim_ascii() == b"}";
    (is_all && object.first() == Some(&b'{')).then_some((kind, start..end_of_object))
}

/// The same of a frame that is written in another way.
fn parsed(frame: &[u8]) -> Result<(EventKind, Range<usize>), String> {
    std::str::from_utf8(frame)
        .map_err(|error| format!("not valid UTF-8 at offset {}", error.valid_up_to()))?;
    let parts: Frame<'_> = match serde_json::from_slice(frame) {
        Ok(parts) => parts,
        Err(error) if error.is_data() && is_status(frame) => return Ok((EventKind::Error, 0..frame.len())),
        Err(error) => {
            let what =
                if error.is_data() { "no `type` and `object` of a watch event" } else { "not valid JSON" };
            return Err(format!("{what} at offset {}", offset_of(&error, frame)));
        }
    };
    let object = parts.object.get();
    // RawValue lends from the bytes it was read from.
    let start = (object.as_ptr() as usize).saturating_sub(frame.as_ptr() as usize);
    event(&parts.kind, frame, start..start + object.len())
}

fn is_status(frame: &[u8]) -> bool {
    #[derive(Deserialize)]
    struct Named<'a> {
        #[serde(borrow)]
        kind: Cow<'a, str>,
    }
    serde_json::from_slice(frame).is_ok_and(|named: Named<'_>| named.kind == "Status")
}

fn event(kind: &str, frame: &[u8], object: Range<usize>) -> Result<(EventKind, Range<usize>), String> {
    let kind = EventKind::parse(kind).ok_or("its type is none of a watch's")?;
    if frame.get(object.start) != Some(&b'{') {
        return Err("its `object` is not an object".to_owned());
    }
    Ok((kind, object))
}
