//! `Lazy<K>`: an object as the bytes it arrived in, read by path, decoded on demand.
//!
//! JSON stays JSON and protobuf stays protobuf; CBOR becomes JSON. Invariant: its heap is the bytes it keeps, and of JSON
//! three more for each member of spec and status, of protobuf its names once more; the rest is within 100 bytes an object.
//! It never prints them.

use std::any::TypeId;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use serde::de::DeserializeOwned;
use serde::ser::Error as _;
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

use super::json::{Json, Values};
use super::path::{Path, Step, Steps};
use super::stored::Stored;
use super::{PartialObjectMetadata, Unstructured, debug, not_a};
#[cfg(feature = "cbor")]
use crate::codec::cbor;
#[cfg(feature = "protobuf")]
use crate::codec::protobuf;
use crate::error::Error;
use crate::meta::{ApiResource, Encoded, Format, MetaRef, Object, OwnerReference, Resource};

/// An object of kind `K` as its own bytes, with name, namespace, uid and version at hand. Informers hold these: taking
/// one in costs a scan and a copy, an eighth of decoding it, and it keeps no more than the bytes that came: JSON, or the
/// message where the server sent protobuf. Both read alike, by path and decoded.
///
/// `Lazy<Unstructured>` is for kinds known only at run time. Of JSON, members unknown to `K` are kept; of protobuf they
/// are not seen, for only numbers tell them. apiVersion and kind are always there: items of lists get them as they are
/// taken in.
///
/// All of it is checked as it is taken in, unless the server is trusted: then what is malformed is found missing by reads
/// and refused by [`Lazy::decode`].
pub struct Lazy<K = Unstructured> {
    kept: Kept,
    kind: PhantomData<fn() -> K>,
}

/// An object's bytes as they arrived.
#[derive(Clone)]
enum Kept {
    Json(Stored),
    #[cfg(feature = "protobuf")]
    Protobuf(protobuf::Kept),
}

impl Kept {
    #[inline]
    fn meta(&self) -> MetaRef<'_> {
        match self {
            Self::Json(stored) => stored.meta(),
            #[cfg(feature = "protobuf")]
            Self::Protobuf(kept) => kept.meta(),
        }
    }
}

impl<K> Lazy<K> {
    /// The object's JSON: borrowed where it is held as that, else written, as Go writes it. Fails only for an object
    /// that was taken in unchecked.
    pub fn json(&self) -> Result<Cow<'_, [u8]>, Error> {
        match &self.kept {
            Kept::Json(stored) => Ok(Cow::Borrowed(stored.json())),
            #[cfg(feature = "protobuf")]
            Kept::Protobuf(kept) => kept.to_json().map(Cow::Owned),
        }
    }

    /// How the object is held.
    pub fn format(&self) -> Format {
        match &self.kept {
            Kept::Json(_) => Format::Json,
            #[cfg(feature = "protobuf")]
            Kept::Protobuf(_) => Format::Protobuf,
        }
    }

    /// The whole object as a value to read from.
    pub fn root(&self) -> Json<'_> {
        match &self.kept {
            Kept::Json(stored) => Json::at_start_of(stored.json()),
            #[cfg(feature = "protobuf")]
            Kept::Protobuf(kept) => kept.root().into(),
        }
    }

    /// Such as `v1` or `apps/v1`; "" when it names none.
    pub fn api_version(&self) -> Cow<'_, str> {
        self.text("apiVersion").unwrap_or_default()
    }

    /// Such as `Pod`; "" when it names none.
    pub fn kind(&self) -> Cow<'_, str> {
        self.text("kind").unwrap_or_default()
    }

    /// The string at `path`, borrowed unless it holds escapes; a number or boolean as it is written; `None` for null,
    /// arrays, objects and what is not there. Of several, the first.
    ///
    /// ```
    /// # use portolan::meta::{Encoded, Format, Object, Resource};
    /// # use portolan::object::Lazy;
    /// # use k8s_openapi::api::core::v1::Pod;
    /// # let bytes = br#"{"metadata":{"name":"web-0"},"spec":{"nodeName":"node-1","containers":[{"image":"a"},{"image":"b"}]}}"#;
    /// # let resource = Pod::api_resource();
    /// # let pod = <Lazy<Pod> as Object>::read(Encoded { drop_managed_fields: true, ..Encoded::new(Format::Json, bytes, &resource) })?;
    /// assert_eq!(pod.text("spec.nodeName").as_deref(), Some("node-1"));
    /// let images: Vec<_> = pod.values("spec.containers[*].image").filter_map(|image| image.text()).collect();
    /// assert_eq!(images, ["a", "b"]);
    /// let pod: Pod = pod.decode()?;
    /// # Ok::<(), portolan::Error>(())
    /// ```
    pub fn text(&self, path: impl AsRef<str>) -> Option<Cow<'_, str>> {
        self.values(path.as_ref()).next()?.text()
    }

    /// The value at `path`, of several the first.
    pub fn at(&self, path: impl AsRef<str>) -> Option<Json<'_>> {
        self.values(path.as_ref()).next()
    }

    /// Every value at `path`, in order.
    pub fn values<'p>(&self, path: &'p (impl AsRef<str> + ?Sized)) -> Values<'_, 'p> {
        let whole = Steps::of(path.as_ref());
        let (found, steps) = self.known(whole).unwrap_or_else(|| (Some(self.root()), whole));
        found.map_or_else(Values::none, |value| Values::new(value, steps))
    }

    /// The value, if any, that the first one or two steps lead to, when its place is known, and the other steps.
    fn known<'p>(&self, mut steps: Steps<'p>) -> Option<(Option<Json<'_>>, Steps<'p>)> {
        let Some(Ok(Step::Member(top))) = steps.next() else { return None };
        let behind_top = steps;
        if let (Some(Ok(Step::Member(name))), Kept::Json(stored)) = (steps.next(), &self.kept)
            && let Some(found) = stored.member(top, name)
        {
            return Some((found.map(Json::at_start_of), steps));
        }
        Some((self.landmark(top)?, behind_top))
    }

    /// A top member, when its place is known: `Some(None)` when it is known to be absent.
    fn landmark(&self, name: &str) -> Option<Option<Json<'_>>> {
        match &self.kept {
            Kept::Json(stored) => stored.landmark(name).map(|bytes| bytes.map(Json::at_start_of)),
            #[cfg(feature = "protobuf")]
            Kept::Protobuf(kept) => kept.landmark(name).map(|value| Some(value.into())),
        }
    }

    /// Decodes the value at `path`; `None` when it is null or not there. Fails when it is no `T` or the path is
    /// malformed.
    pub fn read<T: DeserializeOwned>(&self, path: impl AsRef<str>) -> Result<Option<T>, Error> {
        let path = path.as_ref();
        match self.at(path) {
            Some(value) if value.is_null() => Ok(None),
            Some(value) => value.read().map(Some).map_err(|error| error.doing(format!("read {path}"))),
            None => Path::parse(path).map(|_| None),
        }
    }

    /// The value of one label.
    pub fn label(&self, name: &str) -> Option<Cow<'_, str>> {
        self.entry("metadata.labels", name)
    }

    /// The value of one annotation.
    pub fn annotation(&self, name: &str) -> Option<Cow<'_, str>> {
        self.entry("metadata.annotations", name)
    }

    /// Every annotation.
    pub fn annotations(&self) -> BTreeMap<String, String> {
        self.texts("metadata.annotations")
    }

    /// When it was made; `None` when it does not say so in RFC 3339.
    pub fn creation_timestamp(&self) -> Option<Time> {
        self.read("metadata.creationTimestamp").ok().flatten()
    }

    /// When its deletion was asked for; `None` when it was not.
    pub fn deletion_timestamp(&self) -> Option<Time> {
        self.read("metadata.deletionTimestamp").ok().flatten()
    }

    /// Its owners; those that cannot be read are left out.
    pub fn owner_references(&self) -> Vec<OwnerReference> {
        self.values("metadata.ownerReferences[*]").filter_map(|owner| owner.read().ok()).collect()
    }

    /// Decodes the whole object.
    pub fn decode(&self) -> Result<K, Error>
    where
        K: DeserializeOwned,
    {
        match &self.kept {
            Kept::Json(stored) => {
                let json = stored.json();
                serde_json::from_slice(json).map_err(|error| not_a(&self.kind(), json.len(), &error))
            }
            #[cfg(feature = "protobuf")]
            Kept::Protobuf(kept) => kept.decode(),
        }
    }

    /// The object after a change: for transforms that strip what nobody reads before it is kept.
    pub fn edit(&self, change: impl FnOnce(&mut Unstructured)) -> Result<Self, Error> {
        let mut object: Unstructured = self.root().read()?;
        change(&mut object);
        Self::from_typed(&object)
    }

    /// Keeps an object that is at hand in another form. It must write its own apiVersion and kind.
    pub fn from_typed<T: Serialize>(object: &T) -> Result<Self, Error> {
        let bytes =
            serde_json::to_vec(object).map_err(|_| Error::decode("an object that JSON cannot hold"))?;
        Self::from_json(&bytes)
    }

    /// Keeps an object whose JSON is known to be good.
    pub(super) fn from_json(json: &[u8]) -> Result<Self, Error> {
        Ok(Self { kept: Kept::Json(Stored::trusted(json, None, false)?), kind: PhantomData })
    }

    fn entry(&self, map: &str, name: &str) -> Option<Cow<'_, str>> {
        self.at(map)?.member(name)?.text()
    }

    fn texts(&self, path: &str) -> BTreeMap<String, String> {
        let members = self.at(path).into_iter().flat_map(Json::members);
        members.filter_map(|(name, value)| Some((name.into_owned(), value.text()?.into_owned()))).collect()
    }
}

impl<K: 'static> Object for Lazy<K> {
    /// That of metadata alone, where `K` is [`PartialObjectMetadata`].
    fn form() -> Option<&'static str> {
        let is_partial = TypeId::of::<K>() == TypeId::of::<PartialObjectMetadata>();
        if is_partial { PartialObjectMetadata::form() } else { None }
    }

    /// Where `K` does.
    fn keeps_unknown_members() -> bool {
        TypeId::of::<K>() == TypeId::of::<Unstructured>()
    }

    fn read(encoded: Encoded<'_>) -> Result<Self, Error> {
        let kept = match encoded.format {
            Format::Json => Kept::Json(Stored::new(&encoded)?),
            #[cfg(feature = "protobuf")]
            Format::Protobuf => Kept::Protobuf(protobuf::Kept::new(&encoded, Self::form().is_some())?),
            #[cfg(feature = "cbor")]
            Format::Cbor => {
                let json = cbor::to_json(encoded.bytes)?;
                Kept::Json(Stored::trusted(&json, Some(encoded.resource), encoded.drop_managed_fields)?)
            }
        };
        Ok(Self { kept, kind: PhantomData })
    }

    fn meta(&self) -> MetaRef<'_> {
        self.kept.meta()
    }

    fn labels(&self) -> Cow<'_, BTreeMap<String, String>> {
        Cow::Owned(self.texts("metadata.labels"))
    }
}

impl<K: Resource> Resource for Lazy<K> {
    fn api_resource() -> ApiResource {
        K::api_resource()
    }
}

impl<K> Clone for Lazy<K> {
    fn clone(&self) -> Self {
        Self { kept: self.kept.clone(), kind: PhantomData }
    }
}

/// Equal byte for byte, so in the same format.
impl<K> PartialEq for Lazy<K> {
    fn eq(&self, other: &Self) -> bool {
        match (&self.kept, &other.kept) {
            (Kept::Json(one), Kept::Json(other)) => one.json() == other.json(),
            #[cfg(feature = "protobuf")]
            (Kept::Protobuf(one), Kept::Protobuf(other)) => one.bytes() == other.bytes(),
            #[cfg(feature = "protobuf")]
            _ => false,
        }
    }
}

impl<K> Eq for Lazy<K> {}

impl<K> fmt::Debug for Lazy<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        debug(f, "Lazy", &self.kind(), self.kept.meta())
    }
}

/// Writes its JSON.
impl<K> Serialize for Lazy<K> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let json = self.json().map_err(S::Error::custom)?;
        match serde_json::from_slice::<&RawValue>(&json) {
            Ok(raw) => raw.serialize(serializer),
            Err(_) => Err(S::Error::custom("the bytes of this object are not JSON")),
        }
    }
}

#[cfg(test)]
mod tests;
