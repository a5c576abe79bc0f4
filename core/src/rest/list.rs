//! A list as it arrives: one item at a time, the whole body never in memory.

use std::fmt;

#[cfg(feature = "protobuf")]
use crate::codec::protobuf;
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
    decoder: Decoder,
    bytes: u64,
}

enum Decoder {
    Json(ListDecoder),
    #[cfg(feature = "protobuf")]
    Protobuf(protobuf::ListDecoder),
}

impl ListBody {
    pub(super) fn new((body, format): (Body, Format)) -> Self {
        let limits = Limits::default();
        let decoder = match format {
            Format::Json => Decoder::Json(ListDecoder::new(limits)),
            #[cfg(feature = "protobuf")]
            Format::Protobuf => Decoder::Protobuf(protobuf::ListDecoder::new(limits)),
        };
        Self { body, decoder, bytes: 0 }
    }

    /// How the items are written.
    pub fn format(&self) -> Format {
        match self.decoder {
            Decoder::Json(_) => Format::Json,
            #[cfg(feature = "protobuf")]
            Decoder::Protobuf(_) => Format::Protobuf,
        }
    }

    /// Waits for the next chunk; false when the body has ended. Dropping the future loses nothing.
    pub async fn fill(&mut self) -> Result<bool, Error> {
        match self.body.chunk().await {
            None => Ok(false),
            Some(chunk) => {
                let chunk = chunk?;
                self.bytes += chunk.len() as u64;
                match &mut self.decoder {
                    Decoder::Json(decoder) => decoder.push(chunk),
                    #[cfg(feature = "protobuf")]
                    Decoder::Protobuf(decoder) => decoder.push(chunk),
                }
                Ok(true)
            }
        }
    }

    /// The next item that is whole, in the buffer it arrived in.
    pub fn next_item(&mut self) -> Result<Option<&[u8]>, Error> {
        match &mut self.decoder {
            Decoder::Json(decoder) => decoder.next_item(),
            #[cfg(feature = "protobuf")]
            Decoder::Protobuf(decoder) => decoder.next_item(),
        }
    }

    /// What the list says of itself; an error unless the body was one whole list.
    pub fn finish(self) -> Result<ListHead, Error> {
        match self.decoder {
            Decoder::Json(decoder) => decoder.finish(),
            #[cfg(feature = "protobuf")]
            Decoder::Protobuf(decoder) => decoder.finish(),
        }
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
