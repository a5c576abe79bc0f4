//! The push decoder of watch bodies in protobuf: events behind their length in four bytes, highest first.
//!
//! It gives what [`crate::codec::json::WatchDecoder`] gives of JSON. Invariant: an event is given only when it is whole, names
//! a known type and holds an object.

use std::ops::Range;

use bytes::Bytes;

use super::envelope::MAGIC;
use super::supply::Supply;
use super::wire::{Fault, Payload, last};
use crate::codec::{EventKind, Limits, WatchFrame};
use crate::error::Error;
use crate::meta::Format;

/// Takes the body of a watch as it arrives and gives its events, whose objects are in their envelopes.
pub struct WatchDecoder {
    supply: Supply,
    limits: Limits,
    /// The length of the event at hand, when it has been read.
    length: Option<usize>,
    event: Bytes,
    failed: bool,
    events: u64,
}

impl WatchDecoder {
    /// A decoder at the start of a body. `limits` hold for each event.
    pub fn new(limits: Limits) -> Self {
        let (supply, event) = (Supply::default(), Bytes::new());
        Self { supply, limits, length: None, event, failed: false, events: 0 }
    }

    /// Takes the next chunk of the body, split anywhere. Call [`WatchDecoder::next_event`] until it gives `None` before
    /// the next one, else chunks gather here.
    pub fn push(&mut self, chunk: Bytes) {
        self.supply.push(chunk);
    }

    /// The next whole event, `None` when more must come. After an error there is nothing more.
    pub fn next_event(&mut self) -> Result<Option<WatchFrame<'_>>, Error> {
        match self.advance() {
            Ok(Some((kind, object))) => {
                self.events += 1;
                let object = self.event.get(object).unwrap_or_default();
                Ok(Some(WatchFrame { kind, format: Format::Protobuf, object }))
            }
            Ok(None) => Ok(None),
            Err(fault) => {
                self.failed = true;
                let (events, offset) = (self.events, self.supply.offset());
                let what = fault.what;
                Err(Error::decode(format!("watch, after {events} events, before byte {offset}: {what}")))
            }
        }
    }

    /// Ends the body. Fails when it ends within an event; every event must have been taken.
    pub fn finish(mut self) -> Result<(), Error> {
        if self.next_event()?.is_some() {
            return Err(Error::decode("watch: finished before its last event was taken"));
        }
        if self.length.is_some() || self.supply.held() > 0 {
            let (events, offset) = (self.events, self.supply.offset());
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
        let length = match self.length {
            Some(length) => length,
            None => {
                let Some(bytes) = self.supply.take(4) else { return Ok(None) };
                let length = bytes.iter().fold(0, |length, byte| length << 8 | usize::from(*byte));
                if length > self.limits.object_bytes {
                    return Err(Fault::new("an event larger than allowed", &[]));
                }
                self.length = Some(length);
                length
            }
        };
        let Some(event) = self.supply.take(length) else { return Ok(None) };
        self.length = None;
        self.event = event;
        self.split().map(Some)
    }

    /// Finds the type and the object of the event at hand.
    fn split(&self) -> Result<(EventKind, Range<usize>), Fault> {
        let kind = last(&self.event, 1)?.map_or(Ok(""), Payload::text)?;
        let kind = EventKind::parse(kind).ok_or(Fault::new("its type is none of a watch's", &[]))?;
        let object = last(&self.event, 2)?.map_or(Ok(&[][..]), Payload::bytes)?;
        let object = last(object, 1)?.map_or(Ok(&[][..]), Payload::bytes)?;
        if !object.starts_with(MAGIC) {
            return Err(Fault::new("its object is not Kubernetes protobuf", &[]));
        }
        let start = (object.as_ptr() as usize).saturating_sub(self.event.as_ptr() as usize);
        Ok((kind, start..start + object.len()))
    }
}
