//! The push decoder of watch bodies in CBOR: events one after another, each one data item.
//!
//! It gives what [`crate::codec::json::WatchDecoder`] gives of JSON. Invariant: an event is given only when it is whole,
//! names a known type and holds an object.

use std::ops::Range;

use bytes::Bytes;

use super::scan::Pieces;
use super::wire::{Fault, Item, Reader};
use crate::codec::{EventKind, Limits, WatchFrame};
use crate::error::Error;
use crate::meta::Format;

/// Takes the body of a watch as it arrives and gives its events as they are complete.
pub struct WatchDecoder {
    pieces: Pieces,
    event: Bytes,
    failed: bool,
    events: u64,
}

impl WatchDecoder {
    /// A decoder at the start of a body. `limits` hold for each event.
    pub fn new(limits: Limits) -> Self {
        Self { pieces: Pieces::new(limits), event: Bytes::new(), failed: false, events: 0 }
    }

    /// Takes the next chunk of the body, split anywhere. Call [`WatchDecoder::next_event`] until it gives `None` before
    /// the next one, else chunks gather here.
    pub fn push(&mut self, chunk: Bytes) {
        self.pieces.push(chunk);
    }

    /// The next whole event, `None` when more must come. After an error there is nothing more.
    pub fn next_event(&mut self) -> Result<Option<WatchFrame<'_>>, Error> {
        match self.advance() {
            Ok(Some((kind, object))) => {
                self.events += 1;
                let object = self.event.get(object).unwrap_or_default();
                Ok(Some(WatchFrame { kind, format: Format::Cbor, object }))
            }
            Ok(None) => Ok(None),
            Err(fault) => {
                self.failed = true;
                let (events, offset, what) = (self.events, self.pieces.offset(), fault.what);
                Err(Error::decode(format!("watch, after {events} events, before byte {offset}: {what}")))
            }
        }
    }

    /// Ends the body. Fails when it ends within an event; every event must have been taken.
    pub fn finish(mut self) -> Result<(), Error> {
        if self.next_event()?.is_some() {
            return Err(Error::decode("watch: finished before its last event was taken"));
        }
        if !self.pieces.is_empty() {
            let (events, offset) = (self.events, self.pieces.offset());
            let text =
                format!("watch: the body ends within an event, after {events} events and {offset} bytes");
            return Err(Error::decode(text));
        }
        Ok(())
    }

    fn advance(&mut self) -> Result<Option<(EventKind, Range<usize>)>, Fault> {
        if self.failed {
            return Err(Fault::new("already failed", &[]));
        }
        let Some(event) = self.pieces.take()? else { return Ok(None) };
        self.event = event;
        split(&self.event).map(Some)
    }
}

/// Finds the type and the object of an event.
fn split(event: &[u8]) -> Result<(EventKind, Range<usize>), Fault> {
    let mut reader = Reader::of(event);
    let Item::Map(members) = reader.item()? else { return Err(Fault::new("not an event: no map", &[])) };
    let (mut kind, mut object) = (None, None);
    for _ in 0..members {
        let Item::Text(name) = reader.item()? else {
            return Err(Fault::new("a name that is not a text", &[]));
        };
        let start = event.len() - reader.rest().len();
        let value = reader.item()?;
        reader.skip_members(&value)?;
        let end = event.len() - reader.rest().len();
        match (&*name, value) {
            ("type", Item::Text(text)) => kind = Some(EventKind::parse(&text)),
            ("object", Item::Map(_)) => object = Some(start..end),
            ("object", _) => return Err(Fault::new("its `object` is not a map", &[])),
            _ => {}
        }
    }
    match (kind, object) {
        (Some(Some(kind)), Some(object)) => Ok((kind, object)),
        (Some(None), _) => Err(Fault::new("its type is none of a watch's", &[])),
        _ => Err(Fault::new("no `type` and `object` of a watch event", &[])),
    }
}
