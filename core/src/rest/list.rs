//! A list as it arrives: one item at a time, the whole body never in memory.
//!
//! Invariant: a Status that tells of a failure in a list's place is that error, as it is in an object's, and so is a list
//! of another resource's objects.

use std::fmt;

use bytes::Bytes;

use super::answer::{STATUS_SIZE, failure_instead};
use crate::codec::{self, Limits, ListDecoder, ListHead};
use crate::error::Error;
use crate::meta::{ApiResource, Format};
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
    /// The resource it is asked of, where that is known.
    resource: Option<ApiResource>,
    /// Whether the first item says itself of which kind it is; those behind it do as it does.
    items_name_kind: Option<bool>,
}

impl ListBody {
    pub(super) fn new((body, format): (Body, Format)) -> Self {
        let decoder = ListDecoder::new(format, Limits::default());
        Self { body, decoder, bytes: 0, beginning: Vec::new(), resource: None, items_name_kind: None }
    }

    /// The same, which must be a list of `resource`, if that is known.
    pub(crate) fn of(self, resource: Option<ApiResource>) -> Self {
        Self { resource, ..self }
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
        let format = self.decoder.format();
        let item = self.decoder.next_item()?;
        if let (Some(item), None) = (item, self.items_name_kind) {
            self.items_name_kind = codec::type_names(format, item).map(|(_, kind)| !kind.is_empty());
        }
        Ok(item)
    }

    /// What the list says of itself, as far as it has arrived.
    pub fn head(&self) -> &ListHead {
        self.decoder.head()
    }

    /// What the list says of itself; an error unless the body was one whole list, of the resource that it was asked of.
    pub fn finish(self) -> Result<ListHead, Error> {
        let format = self.decoder.format();
        let told = |error| failure_instead(format, &self.beginning.concat()).map_or(error, Error::api);
        let head = self.decoder.finish().map_err(told)?;
        match self.resource.filter(|resource| !is_list_of(resource, &head, self.items_name_kind)) {
            Some(resource) => Err(another(&head, &resource)),
            None => Ok(head),
        }
    }

    /// How many bytes have arrived.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }
}

/// Whether a list that says this of itself may be one of `resource`. It counts where the items do not say what they are,
/// as those of built-in kinds: a definition may call its lists anything, and reading an item sees to what that says.
fn is_list_of(resource: &ApiResource, head: &ListHead, items_name_kind: Option<bool>) -> bool {
    let is_form = head.api_version.starts_with("meta.k8s.io/"); // of the objects, which was asked for
    let is_named = head.kind.strip_suffix("List") == Some(&*resource.kind);
    items_name_kind != Some(false) || is_form || (is_named && head.api_version == resource.api_version())
}

fn another(head: &ListHead, resource: &ApiResource) -> Error {
    let short = |name: &str| name.chars().take(80).collect::<String>();
    let (kind, api_version) = (short(&head.kind), short(&head.api_version));
    let wanted = format!("the {resource} of {:?}", resource.api_version());
    Error::decode(format!("list: a {kind:?} of {api_version:?} in place of {wanted}"))
}

impl fmt::Debug for ListBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ListBody").field("bytes", &self.bytes).finish_non_exhaustive()
    }
}
