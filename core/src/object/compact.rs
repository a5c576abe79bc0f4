//! [`Compact<K>`]: an object held compressed, for caches of a hundred thousand objects and more.
//!
//! Objects of one owner are near copies of each other. So each is compressed (LZ4) behind the JSON of the first that the
//! [`Packer`] met of its owner; all without an owner share the first of them. The compressor is safe Rust on every target.
//!
//! Invariant: what was packed opens to the same bytes; name, namespace, uid and version are read without opening it.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use lz4_flex::block::{compress_with_dict, decompress_with_dict};

use super::{Lazy, debug};
use crate::error::Error;
use crate::meta::{ApiResource, Encoded, Identity, MetaRef, Object, Resource};

/// The longest JSON that others are compressed behind: the compressor looks back 64 KB.
const LONGEST_PREFIX: usize = 32 << 10;

/// An object as its own JSON, compressed once a [`Packer`] has packed it: about a fifth of what [`Lazy`] holds, or less.
/// Informers on it ask for JSON.
///
/// Name, namespace, uid and version are at hand; everything else is had by [`Compact::open`], which costs some ten
/// microseconds for a pod. Index functions and selectors by label open it too.
///
/// ```no_run
/// # use portolan::cache::index_by_value;
/// # use portolan::informer::SharedInformerFactory;
/// # use portolan::meta::Resource;
/// # use portolan::object::{Compact, Packer};
/// # use k8s_openapi::api::core::v1::Pod;
/// # fn example(factory: &SharedInformerFactory) -> Result<(), portolan::Error> {
/// let pods = factory.resource::<Compact<Pod>>(&Pod::api_resource());
/// let packer = Packer::default();
/// pods.set_transform(move |pod| packer.pack(pod))?;
/// pods.add_index("node", index_by_value(|pod: &Compact<Pod>| pod.text("spec.nodeName").map(Into::into)))?;
/// # Ok(())
/// # }
/// ```
pub struct Compact<K = super::Unstructured>(Held<K>);

enum Held<K> {
    Plain(Box<Lazy<K>>),
    Packed(Packed),
}

/// Boxed slices and not vectors: there is nothing to spare.
#[derive(Clone)]
struct Packed {
    identity: Identity,
    /// How long the JSON is.
    length: u32,
    bytes: Box<[u8]>,
    prefix: Arc<Box<[u8]>>,
}

impl<K> Compact<K> {
    /// The object to read from: borrowed as long as it is not packed, else unpacked for this call.
    ///
    /// # Errors
    /// Never for an object that was checked when it came: what was packed opens.
    pub fn open(&self) -> Result<Cow<'_, Lazy<K>>, Error> {
        let packed = match &self.0 {
            Held::Plain(lazy) => return Ok(Cow::Borrowed(lazy)),
            Held::Packed(packed) => packed,
        };
        let json = decompress_with_dict(&packed.bytes, packed.length as usize, &packed.prefix)
            .map_err(|_| Error::decode("a packed object that does not open"))?;
        Lazy::from_json(&json).map(Cow::Owned)
    }

    /// The string at `path`, as [`Lazy::text`] has it. Whoever reads several opens the object once.
    pub fn text(&self, path: impl AsRef<str>) -> Option<String> {
        self.open().ok()?.text(path).map(Cow::into_owned)
    }

    /// Whether it is packed.
    pub fn is_packed(&self) -> bool {
        matches!(self.0, Held::Packed(_))
    }
}

impl<K> From<Lazy<K>> for Compact<K> {
    fn from(lazy: Lazy<K>) -> Self {
        Self(Held::Plain(Box::new(lazy)))
    }
}

impl<K: 'static> Object for Compact<K> {
    fn form() -> Option<&'static str> {
        Lazy::<K>::form()
    }

    /// It is JSON that is packed.
    fn keeps_unknown_members() -> bool {
        true
    }

    fn read(encoded: Encoded<'_>) -> Result<Self, Error> {
        <Lazy<K> as Object>::read(encoded).map(Self::from)
    }

    fn meta(&self) -> MetaRef<'_> {
        match &self.0 {
            Held::Plain(lazy) => lazy.meta(),
            Held::Packed(packed) => packed.identity.meta(),
        }
    }

    fn labels(&self) -> Cow<'_, BTreeMap<String, String>> {
        Cow::Owned(self.open().map(|lazy| lazy.labels().into_owned()).unwrap_or_default())
    }
}

impl<K: Resource> Resource for Compact<K> {
    fn api_resource() -> ApiResource {
        K::api_resource()
    }
}

impl<K> Clone for Compact<K> {
    fn clone(&self) -> Self {
        Self(match &self.0 {
            Held::Plain(lazy) => Held::Plain(lazy.clone()),
            Held::Packed(packed) => Held::Packed(packed.clone()),
        })
    }
}

impl<K: 'static> fmt::Debug for Compact<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = self.open().map(|lazy| lazy.kind().into_owned()).unwrap_or_default();
        debug(f, "Compact", &kind, self.meta())
    }
}

/// Packs objects as they come; one for each informer, as its transform.
#[derive(Default)]
pub struct Packer {
    prefixes: Mutex<Prefixes>,
}

/// By the uid of the owner: what its objects are compressed behind, as long as one of them is held.
#[derive(Default)]
struct Prefixes {
    /// Boxed, so that of a prefix nobody needs any more its bytes go at once.
    by_owner: BTreeMap<String, Weak<Box<[u8]>>>,
    /// So many owners, and those that are gone are looked for.
    next_look: usize,
}

impl Packer {
    /// The object, packed. It stays as it is when packing gains nothing.
    pub fn pack<K: 'static>(&self, object: Compact<K>) -> Compact<K> {
        match &object.0 {
            Held::Plain(lazy) => self.packed(lazy).map_or(object, |packed| Compact(Held::Packed(packed))),
            Held::Packed(_) => object,
        }
    }

    fn packed<K: 'static>(&self, lazy: &Lazy<K>) -> Option<Packed> {
        let json = lazy.json().ok()?;
        let owner = lazy.text("metadata.ownerReferences[0].uid").unwrap_or_default();
        let prefix = self.prefix(&owner, &json);
        let bytes = compress_with_dict(&json, &prefix).into_boxed_slice();
        if bytes.len() >= json.len() {
            return None;
        }
        let identity = Identity::of(lazy.meta())?;
        let length = u32::try_from(json.len()).ok()?;
        Some(Packed { identity, length, bytes, prefix })
    }

    /// What the objects of `owner` are compressed behind: the first of them, and that is `json` if there is none.
    fn prefix(&self, owner: &str, json: &[u8]) -> Arc<Box<[u8]>> {
        let mut prefixes = self.prefixes.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(prefix) = prefixes.by_owner.get(owner).and_then(Weak::upgrade) {
            return prefix;
        }
        if json.len() > LONGEST_PREFIX {
            return Arc::default();
        }
        if prefixes.by_owner.len() >= prefixes.next_look {
            prefixes.by_owner.retain(|_, prefix| prefix.strong_count() > 0);
            prefixes.next_look = prefixes.by_owner.len() * 2 + 64;
        }
        let prefix = Arc::new(Box::from(json));
        prefixes.by_owner.insert(owner.to_owned(), Arc::downgrade(&prefix));
        prefix
    }
}

/// Says how many owners there are, and nothing of what is theirs.
impl fmt::Debug for Packer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let prefixes = self.prefixes.lock().unwrap_or_else(PoisonError::into_inner);
        write!(f, "Packer({} owners)", prefixes.by_owner.len())
    }
}

#[cfg(test)]
mod tests;
