//! A list as it arrives: one item at a time, the whole body never in memory.
//!
//! Invariant: a Status that tells of a failure in a list's place is that error, as it is in an object's.

use std::fmt;

use bytes::Bytes;

use super::answer::{STATUS_SIZE, failure_instead};
use crate::codec::{Limits, ListDecoder, ListHead};
use crate::error::Error;
use crate::meta::Format;
use crate::transport::Body;

/// A typed list: its objects and what the server says of the whole.
#[derive(Debug)]
pub struct ObjectList<K> {
    /// The objects, in the server's order.
    pub items: Vec<K>,
    /// The list's version, and where it goes on.
    pub head: ListHead,
}

/// The body of a list. Fill it chunk by chunk, and take the items out in between.
pub struct ListBody {
    body: Body,
    decoder: ListDecoder,
    bytes: u64,
    /// All of the body, as long as it is no larger than a Status.
    beginning: Vec<Bytes>,
}

impl ListBody {
    pub(super) fn new((body, format): (Body, Format)) -> Self {
        Self { body, decoder: ListDecoder::new(format, Limits::default()), bytes: 0, beginning: Vec::new() }
    }

    /// How the items are written.
    pub fn format(&self) -> Format {
        self.decoder.format()
    }

    /// Waits for the next chunk; false when the body has ended. Dropping the future loses nothing.
    pub async fn fill(&mut self) -> Result<bool, Error> {
        match self.body.chunk().await {
            None => Ok(false),
            Some(chunk) => {
                let chunk = chunk?;
                self.bytes += chunk.len() as u64;
                if self.bytes <= STATUS_SIZE as u64 {
                    self.beginning.push(chunk.clone());
                } else {
                    self.beginning.clear();
                }
                self.decoder.push(chunk);
                Ok(true)
            }
        }
    }

    /// The next item that is whole, in the buffer it arrived in.
    pub fn next_item(&mut self) -> Result<Option<&[u8]>, Error> {
        self.decoder.next_item()
    }

    /// What the list says of itself, as far as it has arrived.
    pub fn head(&self) -> &ListHead {
        self.decoder.head()
    }

    /// What the list says of itself; an error unless the body was one whole list.
    pub fn finish(self) -> Result<ListHead, Error> {
        let format = self.decoder.format();
        let told = |error| failure_instead(format, &self.beginning.concat()).map_or(error, Error::api);
        self.decoder.finish().map_err(told)
    }

    /// How many bytes have arrived.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }
}

impl fmt::Debug for ListBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ListBody").field("bytes", &self.bytes).finish_non_exhaustive()
    }
}
