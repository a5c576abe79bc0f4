//! The push decoders of lists and watches in any format, and what they give.
//!
//! Invariant: of one body all formats give the same items and events, in the same order, and fail where it is cut.

use bytes::Bytes;
use serde::Deserialize;

#[cfg(feature = "cbor")]
use super::cbor;
#[cfg(feature = "protobuf")]
use super::protobuf;
use super::{Limits, json};
use crate::error::Error;
use crate::meta::{Continue, Format, ResourceVersion};

/// Takes the body of a list as it arrives and gives its items as they are complete.
#[non_exhaustive]
pub enum ListDecoder {
    /// Of JSON.
    Json(json::ListDecoder),
    /// Of protobuf.
    #[cfg(feature = "protobuf")]
    Protobuf(protobuf::ListDecoder),
    /// Of CBOR.
    #[cfg(feature = "cbor")]
    Cbor(cbor::ListDecoder),
}

/// Takes the body of a watch as it arrives and gives its events as they are complete.
#[non_exhaustive]
pub enum WatchDecoder {
    /// Of JSON.
    Json(json::WatchDecoder),
    /// Of protobuf.
    #[cfg(feature = "protobuf")]
    Protobuf(protobuf::WatchDecoder),
    /// Of CBOR.
    #[cfg(feature = "cbor")]
    Cbor(cbor::WatchDecoder),
}

/// Does the same with the decoder of whichever format.
macro_rules! whichever {
    ($whole:expr, $decoder:ident => $what:expr) => {
        match $whole {
            Self::Json($decoder) => $what,
            #[cfg(feature = "protobuf")]
            Self::Protobuf($decoder) => $what,
            #[cfg(feature = "cbor")]
            Self::Cbor($decoder) => $what,
        }
    };
}

impl ListDecoder {
    /// A decoder at the start of a body. `limits` hold for each item.
    pub fn new(format: Format, limits: Limits) -> Self {
        match format {
            Format::Json => Self::Json(json::ListDecoder::new(limits)),
            #[cfg(feature = "protobuf")]
            Format::Protobuf => Self::Protobuf(protobuf::ListDecoder::new(limits)),
            #[cfg(feature = "cbor")]
            Format::Cbor => Self::Cbor(cbor::ListDecoder::new(limits)),
        }
    }

    /// How the items are written.
    pub fn format(&self) -> Format {
        match self {
            Self::Json(_) => Format::Json,
            #[cfg(feature = "protobuf")]
            Self::Protobuf(_) => Format::Protobuf,
            #[cfg(feature = "cbor")]
            Self::Cbor(_) => Format::Cbor,
        }
    }

    /// Takes the next chunk of the body, split anywhere. Call [`ListDecoder::next_item`] until it gives `None` before
    /// the next one, else chunks gather here.
    pub fn push(&mut self, chunk: Bytes) {
        whichever!(self, decoder => decoder.push(chunk));
    }

    /// The next whole item, `None` when more must come or the list is over. After an error there is nothing more.
    pub fn next_item(&mut self) -> Result<Option<&[u8]>, Error> {
        whichever!(self, decoder => decoder.next_item())
    }

    /// What the list says of itself, as far as it has arrived.
    pub fn head(&self) -> &ListHead {
        whichever!(self, decoder => decoder.head())
    }

    /// Ends the body; every item must have been taken. Fails unless it was one whole list.
    pub fn finish(self) -> Result<ListHead, Error> {
        whichever!(self, decoder => decoder.finish())
    }
}

impl WatchDecoder {
    /// A decoder at the start of a body. `limits` hold for each event.
    pub fn new(format: Format, limits: Limits) -> Self {
        match format {
            Format::Json => Self::Json(json::WatchDecoder::new(limits)),
            #[cfg(feature = "protobuf")]
            Format::Protobuf => Self::Protobuf(protobuf::WatchDecoder::new(limits)),
            #[cfg(feature = "cbor")]
            Format::Cbor => Self::Cbor(cbor::WatchDecoder::new(limits)),
        }
    }

    /// Takes the next chunk of the body, split anywhere. Call [`WatchDecoder::next_event`] until it gives `None` before
    /// the next one, else chunks gather here.
    pub fn push(&mut self, chunk: Bytes) {
        whichever!(self, decoder => decoder.push(chunk));
    }

    /// The next whole event, `None` when more must come. After an error there is nothing more.
    pub fn next_event(&mut self) -> Result<Option<WatchFrame<'_>>, Error> {
        whichever!(self, decoder => decoder.next_event())
    }

    /// Ends the body. Fails when it ends within an event; every event must have been taken.
    pub fn finish(self) -> Result<(), Error> {
        whichever!(self, decoder => decoder.finish())
    }
}

/// What a list says of itself. client-go's `metav1.TypeMeta` and `metav1.ListMeta`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ListHead {
    /// Such as `v1` or `apps/v1`.
    pub api_version: String,
    /// Such as `PodList`.
    pub kind: String,
    /// The version of the list as a whole: where a watch goes on.
    pub resource_version: ResourceVersion,
    /// Where the next page begins; at the end of the list it is unset.
    pub continue_token: Continue,
    /// About how many objects the next pages hold, when the server says.
    pub remaining: Option<u64>,
}

/// A list's metadata as they are written.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct ListMetadata {
    resource_version: Option<String>,
    r#continue: Option<String>,
    remaining_item_count: Option<i64>,
}

impl ListHead {
    pub(super) fn set(&mut self, metadata: ListMetadata) {
        self.resource_version = metadata.resource_version.unwrap_or_default().into();
        self.continue_token = metadata.r#continue.unwrap_or_default().into();
        self.remaining = metadata.remaining_item_count.and_then(|count| u64::try_from(count).ok());
    }

    /// What a body that has been read to its end lacks to be a list; `nothing` says so of one without items.
    pub(super) fn fault(&self, has_items: bool, nothing: &'static str) -> Option<&'static str> {
        if self.kind == "Status" {
            Some("a Status arrived in its place")
        } else if self.kind.is_empty() || self.api_version.is_empty() {
            Some("the body names no apiVersion and kind")
        } else {
            (!has_items).then_some(nothing)
        }
    }
}

/// What happened to an object. client-go's `watch.EventType`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EventKind {
    /// It is new, or new to this watch.
    Added,
    /// It has changed.
    Modified,
    /// It is gone, or selected no more; the object is its last state.
    Deleted,
    /// Nothing: the object carries a resource version and, of an initial list, the mark of its end.
    Bookmark,
    /// The watch failed; the object is a Status.
    Error,
}

impl EventKind {
    /// As the server spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Added => "ADDED",
            Self::Modified => "MODIFIED",
            Self::Deleted => "DELETED",
            Self::Bookmark => "BOOKMARK",
            Self::Error => "ERROR",
        }
    }

    pub(super) fn parse(text: &str) -> Option<Self> {
        [Self::Added, Self::Modified, Self::Deleted, Self::Bookmark, Self::Error]
            .into_iter()
            .find(|kind| kind.as_str() == text)
    }
}

/// One event of a watch, its object still in the buffer. client-go's `metav1.WatchEvent`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct WatchFrame<'a> {
    /// What happened.
    pub kind: EventKind,
    /// How the object is written.
    pub format: Format,
    /// The object: of a [`EventKind::Error`] a Status.
    pub object: &'a [u8],
}

impl std::fmt::Debug for WatchFrame<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "WatchFrame({}, {} bytes)", self.kind.as_str(), self.object.len())
    }
}
