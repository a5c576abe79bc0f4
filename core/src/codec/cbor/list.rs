//! The push decoder of list bodies in CBOR: items one at a time, the head at the end.
//!
//! It gives what [`crate::codec::json::ListDecoder`] gives of JSON. Invariant: a body that is not one whole list ends in
//! an error, never in an empty list; no more than one item and the chunk at hand is held.

use bytes::Bytes;

use super::decode;
use super::scan::Pieces;
use super::wire::{Fault, Head, major};
use crate::codec::decoder::ListMetadata;
use crate::codec::{Limits, ListHead};
use crate::error::Error;

/// Takes the body of a list as it arrives and gives its items as they are complete.
pub struct ListDecoder {
    pieces: Pieces,
    state: State,
    head: ListHead,
    items: Option<u64>,
    item: Bytes,
}

/// What comes next. Each state knows how many members of the list follow what it is about.
#[derive(Clone, Copy)]
enum State {
    Start,
    Name(u64),
    Value(Member, u64),
    /// The head of the items.
    Items(u64),
    /// So many items.
    Item(u64, u64),
    Done,
    Failed,
}

/// Which member of the list.
#[derive(Clone, Copy)]
enum Member {
    ApiVersion,
    Kind,
    Metadata,
    Other,
}

impl ListDecoder {
    /// A decoder at the start of a body. `limits` hold for each item.
    pub fn new(limits: Limits) -> Self {
        Self {
            pieces: Pieces::new(limits),
            state: State::Start,
            head: ListHead::default(),
            items: None,
            item: Bytes::new(),
        }
    }

    /// Takes the next chunk of the body, split anywhere. Call [`ListDecoder::next_item`] until it gives `None` before
    /// the next one, else chunks gather here.
    pub fn push(&mut self, chunk: Bytes) {
        self.pieces.push(chunk);
    }

    /// The next whole item, `None` when more must come or the list is over. After an error there is nothing more.
    pub fn next_item(&mut self) -> Result<Option<&[u8]>, Error> {
        match self.advance() {
            Ok(true) => Ok(Some(&self.item)),
            Ok(false) => Ok(None),
            Err(fault) => {
                self.state = State::Failed;
                Err(self.error(fault.what))
            }
        }
    }

    /// What the list says of itself, as far as it has arrived.
    pub fn head(&self) -> &ListHead {
        &self.head
    }

    /// Ends the body; every item must have been taken. Fails unless it was one whole list.
    pub fn finish(mut self) -> Result<ListHead, Error> {
        if self.next_item()?.is_some() {
            return Err(Error::decode("list: finished before its last item was taken"));
        }
        match self.state {
            State::Done => {}
            State::Start if self.pieces.is_empty() => return Err(self.error("the body is empty")),
            _ => return Err(self.error("the body ends before the list does")),
        }
        match self.head.fault(self.items.is_some(), "the body has no items") {
            Some(what) => Err(self.error(what)),
            None => Ok(self.head),
        }
    }

    fn error(&self, what: &str) -> Error {
        let (items, offset) = (self.items.unwrap_or_default(), self.pieces.offset());
        Error::decode(format!("list, {items} items whole, at byte {offset}: {what}"))
    }

    /// Moves on to the next whole item: true when there is one.
    fn advance(&mut self) -> Result<bool, Fault> {
        loop {
            self.state = match self.state {
                State::Start => match self.container(major::MAP, "the body is not a CBOR map")? {
                    None => return Ok(false),
                    Some(members) => State::Name(members),
                },
                State::Name(0) => State::Done,
                State::Name(left) => {
                    let Some(name) = self.pieces.take()? else { return Ok(false) };
                    self.name(&name, left - 1)?
                }
                State::Value(member, left) => {
                    let Some(value) = self.pieces.take()? else { return Ok(false) };
                    self.value(member, &value)?;
                    State::Name(left)
                }
                State::Items(left) => {
                    let Some(head) = self.pieces.head()? else { return Ok(false) };
                    // Go writes a list that was never filled as null.
                    let items = if (head.major, head.info) == NULL {
                        self.pieces.skip(head);
                        Some(0)
                    } else {
                        self.container(major::ARRAY, "`items` is not an array")?
                    };
                    let Some(items) = items else { return Ok(false) };
                    self.items = Some(0);
                    State::Item(items, left)
                }
                State::Item(0, left) => State::Name(left),
                State::Item(items, left) => {
                    let Some(item) = self.pieces.take()? else { return Ok(false) };
                    if !is_map(&item) {
                        return Err(Fault::new("an item is not a map", &[]));
                    }
                    self.item = item;
                    self.items = self.items.map(|items| items + 1);
                    self.state = State::Item(items - 1, left);
                    return Ok(true);
                }
                State::Done if self.pieces.is_empty() => return Ok(false),
                State::Done => return Err(Fault::new("something follows the list's end", &[])),
                State::Failed => return Err(Fault::new("already failed", &[])),
            };
        }
    }

    /// Goes past the head of a container and the tags before it; `None` when it is not all there.
    fn container(&mut self, major: u8, otherwise: &'static str) -> Result<Option<u64>, Fault> {
        loop {
            let Some(head) = self.pieces.head()? else { return Ok(None) };
            let is_it = head.major == major;
            if !is_it && head.major != major::TAG {
                return Err(Fault::new(otherwise, &[]));
            }
            self.pieces.skip(head);
            if is_it {
                return Ok(Some(head.value));
            }
        }
    }

    fn name(&mut self, name: &[u8], left: u64) -> Result<State, Fault> {
        let name: String = decode(name).map_err(|_| Fault::new("a member's name is not a text", &[]))?;
        Ok(match name.as_str() {
            "apiVersion" => State::Value(Member::ApiVersion, left),
            "kind" => State::Value(Member::Kind, left),
            "metadata" => State::Value(Member::Metadata, left),
            "items" if self.items.is_some() => return Err(Fault::new("a second `items`", &[])),
            "items" => State::Items(left),
            _ => State::Value(Member::Other, left),
        })
    }

    fn value(&mut self, member: Member, value: &[u8]) -> Result<(), Fault> {
        let text = |what| {
            let text: Option<String> = decode(value).map_err(|_| Fault::new(what, &[]))?;
            Ok(text.unwrap_or_default())
        };
        match member {
            Member::ApiVersion => self.head.api_version = text("apiVersion is not a text")?,
            Member::Kind => self.head.kind = text("kind is not a text")?,
            Member::Metadata => {
                let metadata: Option<ListMetadata> =
                    decode(value).map_err(|_| Fault::new("metadata is not that of a list", &[]))?;
                self.head.set(metadata.unwrap_or_default());
            }
            Member::Other => {}
        }
        Ok(())
    }
}

/// The major type and the value of null.
const NULL: (u8, u8) = (7, 22);

/// Whether an item is a map, the tags before it aside.
fn is_map(item: &[u8]) -> bool {
    let mut rest = item;
    while let Ok(Some(head @ Head { major: major::TAG, .. })) = Head::read(rest) {
        rest = &rest[head.size..];
    }
    matches!(Head::read(rest), Ok(Some(Head { major: major::MAP, .. })))
}
