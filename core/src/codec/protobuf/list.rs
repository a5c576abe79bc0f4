//! The push decoder of list bodies in protobuf: items one at a time, the head at the end.
//!
//! It gives what [`crate::codec::json::ListDecoder`] gives of JSON. Invariant: a body that is not one whole list ends in an
//! error, never in an empty list; no more than one item and the chunk at hand is held.

use bytes::Bytes;

use super::envelope::{self, MAGIC, number};
use super::supply::{Head, Supply};
use super::wire::{Fault, Payload, last};
use crate::codec::{Limits, ListHead};
use crate::error::Error;

/// Takes the body of a list as it arrives and gives its items, bare messages, as they are complete.
pub struct ListDecoder {
    supply: Supply,
    limits: Limits,
    state: State,
    head: ListHead,
    items: u64,
    item: Bytes,
    has_raw: bool,
}

#[derive(Clone, Copy)]
enum State {
    Magic,
    Envelope,
    /// Within the list itself, of which this many bytes are left.
    List(u64),
    Failed,
}

/// What came of one step.
enum Step {
    Item,
    On,
    Wait,
}

impl ListDecoder {
    /// A decoder at the start of a body. `limits` hold for each item.
    pub fn new(limits: Limits) -> Self {
        Self {
            supply: Supply::default(),
            limits,
            state: State::Magic,
            head: ListHead::default(),
            items: 0,
            item: Bytes::new(),
            has_raw: false,
        }
    }

    /// Takes the next chunk of the body, split anywhere. Call [`ListDecoder::next_item`] until it gives `None` before
    /// the next one, else chunks gather here.
    pub fn push(&mut self, chunk: Bytes) {
        self.supply.push(chunk);
    }

    /// The next whole item, `None` when more must come or the list is over. After an error there is nothing more.
    pub fn next_item(&mut self) -> Result<Option<&[u8]>, Error> {
        loop {
            match self.step() {
                Ok(Step::Item) => return Ok(Some(&self.item)),
                Ok(Step::On) => {}
                Ok(Step::Wait) => return Ok(None),
                Err(fault) => {
                    self.state = State::Failed;
                    return Err(self.error(fault.what));
                }
            }
        }
    }

    /// What the list says of itself, as far as it has arrived.
    pub fn head(&self) -> &ListHead {
        &self.head
    }

    /// Where in the body the last item begins.
    pub fn item_offset(&self) -> u64 {
        self.supply.offset() - self.item.len() as u64
    }

    /// Ends the body; every item must have been taken. Fails unless it was one whole list.
    pub fn finish(mut self) -> Result<ListHead, Error> {
        if self.next_item()?.is_some() {
            return Err(Error::decode("list: finished before its last item was taken"));
        }
        match self.state {
            State::Magic if self.supply.held() == 0 => return Err(self.error("the body is empty")),
            State::Envelope if self.supply.held() == 0 => {}
            _ => return Err(self.error("the body ends before the list does")),
        }
        match self.head.fault(self.has_raw, "the body has no list") {
            Some(what) => Err(self.error(what)),
            None => Ok(self.head),
        }
    }

    fn error(&self, what: &str) -> Error {
        let (items, offset) = (self.items, self.supply.offset());
        Error::decode(format!("list, {items} items whole, at byte {offset}: {what}"))
    }

    fn step(&mut self) -> Result<Step, Fault> {
        match self.state {
            State::Failed => Err(Fault::new("already failed", &[])),
            State::Magic => match self.supply.take(MAGIC.len()) {
                None => Ok(Step::Wait),
                Some(magic) if magic == MAGIC[..] => {
                    self.state = State::Envelope;
                    Ok(Step::On)
                }
                Some(_) => Err(Fault::new("the body is not Kubernetes protobuf", &[])),
            },
            State::List(0) => {
                self.state = State::Envelope;
                Ok(Step::On)
            }
            State::Envelope => {
                let Some(head) = self.supply.head()? else { return Ok(Step::Wait) };
                if head.number == u64::from(number::RAW) && head.wire_type == 2 {
                    // Of another kind than a list the fields would be taken for those of one: `finish` tells.
                    if !self.head.kind.is_empty() && !self.head.kind.ends_with("List") {
                        return Ok(self.payload(head)?.map_or(Step::Wait, |_| Step::On));
                    }
                    if std::mem::replace(&mut self.has_raw, true) {
                        return Err(Fault::new("a second list", &[]));
                    }
                    self.supply.take(head.size);
                    self.state = State::List(head.value);
                    return Ok(Step::On);
                }
                let Some(payload) = self.payload(head)? else { return Ok(Step::Wait) };
                self.envelope(head, &payload).map(|()| Step::On)
            }
            State::List(left) => {
                let Some(head) = self.supply.head()? else { return Ok(Step::Wait) };
                let whole = (head.size as u64).saturating_add(head.payload());
                let Some(left) = left.checked_sub(whole) else {
                    return Err(Fault::new("a length beyond the list's end", &[]));
                };
                let Some(payload) = self.payload(head)? else { return Ok(Step::Wait) };
                self.state = State::List(left);
                self.member(head, payload)
            }
        }
    }

    /// Takes a record, once all of it is there.
    fn payload(&mut self, head: Head) -> Result<Option<Bytes>, Fault> {
        let size = usize::try_from(head.payload()).ok().filter(|size| *size <= self.limits.object_bytes);
        let size = size.ok_or(Fault::new("an item larger than allowed", &[]))?;
        if self.supply.held() < head.size + size {
            return Ok(None);
        }
        self.supply.take(head.size);
        // Of no bytes none need be there.
        Ok(Some(if size == 0 { Bytes::new() } else { self.supply.take(size).unwrap_or_default() }))
    }

    fn envelope(&mut self, head: Head, payload: &[u8]) -> Result<(), Fault> {
        match (head.number, head.wire_type) {
            (1, 2) => {
                let (api_version, kind) = envelope::type_meta(payload)?;
                (self.head.api_version, self.head.kind) = (api_version.to_owned(), kind.to_owned());
                Ok(())
            }
            (other @ (3 | 4), 2) => envelope::check(other as u32, Payload::Bytes(payload)),
            _ => Ok(()),
        }
    }

    /// A record of the list itself: its metadata are field 1, its items field 2, in every list there is.
    fn member(&mut self, head: Head, payload: Bytes) -> Result<Step, Fault> {
        match (head.number, head.wire_type) {
            (1, 2) => {
                let text = |number| last(&payload, number)?.map_or(Ok(""), Payload::text);
                self.head.resource_version = text(2)?.to_owned().into();
                self.head.continue_token = text(3)?.to_owned().into();
                let remaining = last(&payload, 4)?.map(Payload::varint).transpose()?;
                self.head.remaining = remaining.filter(|count| i64::try_from(*count).is_ok());
                Ok(Step::On)
            }
            (2, 2) => {
                self.item = payload;
                self.items += 1;
                Ok(Step::Item)
            }
            (1 | 2, _) => Err(Fault::new("a field of another wire type than it has", &[])),
            _ => Ok(Step::On),
        }
    }
}
