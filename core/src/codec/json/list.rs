//! The push decoder of list bodies: items one at a time, the head at the end.
//!
//! `items` may stand before or after `metadata`; only the one at the top of the body counts. What is within an item is
//! checked by whoever reads it. Invariant: a body that is not one whole list ends in an error, never in an empty list.

use bytes::Bytes;

use super::check;
use super::feed::Feed;
use crate::codec::decoder::ListMetadata;
use crate::codec::{Limits, ListHead};
use crate::error::Error;

/// Takes the body of a list as it arrives and gives its items as they are complete.
///
/// ```
/// use portolan::codec::{Limits, json::ListDecoder};
/// let mut decoder = ListDecoder::new(Limits::default());
/// decoder.push(r#"{"apiVersion":"v1","kind":"PodList","items":[{"metad"#.into());
/// assert!(decoder.next_item()?.is_none());
/// decoder.push(r#"ata":{"name":"web-0"}}],"metadata":{"resourceVersion":"7"}}"#.into());
/// assert_eq!(decoder.next_item()?, Some(&br#"{"metadata":{"name":"web-0"}}"#[..]));
/// assert!(decoder.next_item()?.is_none());
/// assert_eq!(decoder.finish()?.resource_version.as_str(), "7");
/// # Ok::<(), portolan::Error>(())
/// ```
pub struct ListDecoder {
    feed: Feed,
    state: State,
    head: ListHead,
    items: Option<u64>,
}

/// What comes next.
#[derive(Clone, Copy)]
enum State {
    Start,
    FirstKey,
    Key,
    Colon(Member),
    Value(Member),
    AfterValue,
    FirstItem,
    Item,
    AfterItem,
    Done,
    Failed,
}

/// Which member of the list.
#[derive(Clone, Copy)]
enum Member {
    ApiVersion,
    Kind,
    Metadata,
    Items,
    Other,
}

impl ListDecoder {
    /// A decoder at the start of a body. `limits` hold for each item.
    pub fn new(limits: Limits) -> Self {
        Self { feed: Feed::new(limits), state: State::Start, head: ListHead::default(), items: None }
    }

    /// Takes the next chunk of the body, split anywhere. Call [`ListDecoder::next_item`] until it gives `None` before
    /// the next one, else chunks gather here.
    pub fn push(&mut self, chunk: Bytes) {
        self.feed.push(chunk);
    }

    /// The next whole item, `None` when more must come or the list is over. After an error there is nothing more.
    pub fn next_item(&mut self) -> Result<Option<&[u8]>, Error> {
        match self.advance() {
            Ok(true) => Ok(Some(self.feed.value())),
            Ok(false) => Ok(None),
            Err(what) => {
                let text = format!("list, {}, at byte {}: {what}", self.progress(), self.feed.offset());
                self.state = State::Failed;
                Err(Error::decode(text))
            }
        }
    }

    /// What the list says of itself, as far as it has arrived.
    pub fn head(&self) -> &ListHead {
        &self.head
    }

    /// Where in the body the last item begins.
    pub fn item_offset(&self) -> u64 {
        self.feed.value_start()
    }

    /// Ends the body; every item must have been taken. Fails unless it was one whole list.
    pub fn finish(mut self) -> Result<ListHead, Error> {
        if self.next_item()?.is_some() {
            return Err(Error::decode("list: finished before its last item was taken"));
        }
        let (progress, offset) = (self.progress(), self.feed.offset());
        let fail = |what: &str| Err(Error::decode(format!("list: {what}; {progress}, {offset} bytes read")));
        match self.state {
            State::Done => {}
            State::Start => return fail("the body is empty"),
            _ => return fail("the body ends before the list does"),
        }
        match self.head.fault(self.items.is_some(), "the body has no items") {
            Some(what) => fail(what),
            None => Ok(self.head),
        }
    }

    /// Moves on to the next whole item: true when there is one.
    fn advance(&mut self) -> Result<bool, String> {
        loop {
            self.state = match self.state {
                State::Key => {
                    let Some(member) = self.key()? else { return Ok(false) };
                    State::Colon(member)
                }
                State::Value(member) => match self.member_value(member)? {
                    Some(next) => next,
                    None => return Ok(false),
                },
                State::Item => {
                    if !self.item()? {
                        return Ok(false);
                    }
                    self.state = State::AfterItem;
                    return Ok(true);
                }
                State::Failed => return Err("already failed".to_owned()),
                punctuated => {
                    let Some(byte) = self.feed.peek() else { return Ok(false) };
                    self.punctuation(punctuated, byte)?
                }
            };
        }
    }

    /// The step over one punctuation mark, or over the place where it need not be.
    fn punctuation(&mut self, state: State, byte: u8) -> Result<State, String> {
        let next = match (state, byte) {
            (State::Start, b'{') => State::FirstKey,
            (State::FirstKey, b'}') | (State::AfterValue, b'}') => State::Done,
            (State::FirstKey, b'"') => return Ok(State::Key),
            (State::Colon(member), b':') => State::Value(member),
            (State::AfterValue, b',') => State::Key,
            (State::FirstItem, b']') | (State::AfterItem, b']') => State::AfterValue,
            (State::FirstItem, _) => return Ok(State::Item),
            (State::AfterItem, b',') => State::Item,
            (State::Start, _) => return Err("the body is not a JSON object".to_owned()),
            (State::Done, _) => return Err("something follows the list's end".to_owned()),
            _ => return Err("not valid JSON".to_owned()),
        };
        self.feed.bump();
        Ok(next)
    }

    fn key(&mut self) -> Result<Option<Member>, String> {
        if !self.feed.read_value()? {
            return Ok(None);
        }
        let member = match text_of(self.feed.value(), "a member's name")?.as_str() {
            "apiVersion" => Member::ApiVersion,
            "kind" => Member::Kind,
            "metadata" => Member::Metadata,
            "items" => Member::Items,
            _ => Member::Other,
        };
        Ok(Some(member))
    }

    fn member_value(&mut self, member: Member) -> Result<Option<State>, String> {
        if matches!(member, Member::Items) && !self.feed.is_within_value() {
            let Some(byte) = self.feed.peek() else { return Ok(None) };
            if self.items.is_some() {
                return Err("a second `items`".to_owned());
            }
            if byte == b'[' {
                self.items = Some(0);
                self.feed.bump();
                return Ok(Some(State::FirstItem));
            }
        }
        if !self.feed.read_value()? {
            return Ok(None);
        }
        let value = self.feed.value();
        match member {
            Member::ApiVersion => self.head.api_version = text_of(value, "apiVersion")?,
            Member::Kind => self.head.kind = text_of(value, "kind")?,
            Member::Metadata => {
                let metadata: Option<ListMetadata> =
                    serde_json::from_slice(value).map_err(|_| "metadata is not that of a list".to_owned())?;
                self.head.set(metadata.unwrap_or_default());
            }
            // Go writes a list that was never filled this way.
            Member::Items if value == b"null" => self.items = Some(0),
            Member::Items => return Err("`items` is not an array".to_owned()),
            Member::Other => check(value)?,
        }
        Ok(Some(State::AfterValue))
    }

    fn item(&mut self) -> Result<bool, String> {
        if !self.feed.read_value()? {
            return Ok(false);
        }
        let value = self.feed.value();
        if value.first() != Some(&b'{') {
            return Err("an item is not an object".to_owned());
        }
        self.items = self.items.map(|items| items + 1);
        Ok(true)
    }

    fn progress(&self) -> String {
        match self.items {
            Some(items) => format!("{items} items whole"),
            None => "no items yet".to_owned(),
        }
    }
}

/// The text of a JSON string; "" for null.
fn text_of(value: &[u8], what: &str) -> Result<String, String> {
    serde_json::from_slice::<Option<String>>(value)
        .map(Option::unwrap_or_default)
        .map_err(|_| format!("{what} is not a string"))
}
