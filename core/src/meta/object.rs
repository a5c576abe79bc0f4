//! What clients and informers hold: the [`Object`] trait, and [`Resource`] for types that know which resource they are.
//!
//! An object of a kind known only at run time is an `Object` and not a `Resource`: its [`ApiResource`] is a value that
//! goes beside it. Every k8s-openapi type with object metadata is both.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt::Debug;

use k8s_openapi::{ClusterResourceScope, NamespaceResourceScope};

use super::{ApiResource, Key};
use crate::error::Error;
use crate::portable::{MaybeSend, MaybeSync};

/// How an object is written on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Format {
    /// JSON text.
    Json,
    /// Kubernetes' protobuf: an object in its envelope, or the bare message of a list's item.
    #[cfg(feature = "protobuf")]
    Protobuf,
    /// CBOR: one data item.
    #[cfg(feature = "cbor")]
    Cbor,
}

/// One object as it arrived, still in the buffer it arrived in: one list item or the object of one watch event.
#[derive(Clone, Copy)]
pub struct Encoded<'a> {
    /// How `bytes` are written.
    pub format: Format,
    /// Exactly one object.
    pub bytes: &'a [u8],
    /// The resource it was asked of. List items carry no apiVersion and kind: they get those named here.
    pub resource: &'a ApiResource,
    /// Leave `metadata.managedFields` out of what is kept. Informers do, plain gets never.
    pub drop_managed_fields: bool,
    /// Take `bytes` for what they claim to be as far as reading allows. Else all of them are checked.
    pub trusted: bool,
}

impl<'a> Encoded<'a> {
    /// An object to be read whole and checked, as a plain get does.
    pub fn new(format: Format, bytes: &'a [u8], resource: &'a ApiResource) -> Self {
        Self { format, bytes, resource, drop_managed_fields: false, trusted: false }
    }
}

impl Debug for Encoded<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Encoded({} bytes of {})", self.bytes.len(), self.resource)
    }
}

/// The metadata every reader needs, borrowed; a missing field is "".
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MetaRef<'a> {
    /// The name.
    pub name: &'a str,
    /// The namespace, "" for a cluster-scoped object.
    pub namespace: &'a str,
    /// The identity: a deleted and recreated object has another.
    pub uid: &'a str,
    /// The version of this object.
    pub resource_version: &'a str,
}

impl MetaRef<'_> {
    /// The key, as an owned value. client-go's `MetaNamespaceKeyFunc`.
    pub fn key(&self) -> Key {
        Key::new(self.namespace, self.name)
    }
}

/// What a [`MetaRef`] lends, held one after the other for objects whose own bytes are no text.
#[derive(Clone)]
pub(crate) struct Identity {
    text: Box<str>,
    /// Where each of them ends but the last.
    ends: [u16; 3],
}

impl Identity {
    /// A copy of them; `None` when they are longer than 64 KB together.
    pub(crate) fn of(meta: MetaRef<'_>) -> Option<Self> {
        let text = [meta.name, meta.namespace, meta.uid, meta.resource_version].concat();
        u16::try_from(text.len()).ok()?;
        let (name, namespace) = (meta.name.len(), meta.name.len() + meta.namespace.len());
        let ends = [name, namespace, namespace + meta.uid.len()].map(|end| end as u16);
        Some(Self { text: text.into(), ends })
    }

    /// They themselves.
    #[inline]
    pub(crate) fn meta(&self) -> MetaRef<'_> {
        let [name, namespace, uid] = self.ends.map(usize::from);
        MetaRef {
            name: &self.text[..name],
            namespace: &self.text[name..namespace],
            uid: &self.text[namespace..uid],
            resource_version: &self.text[uid..],
        }
    }
}

/// A Kubernetes object in one of the forms a client can hold it: a k8s-openapi struct, `Unstructured`,
/// `PartialObjectMetadata` or `Lazy<K>`. client-go's `runtime.Object` with `metav1.Object`.
pub trait Object: Sized + Debug + MaybeSend + MaybeSync + 'static {
    /// The form the server is asked to give objects in (`as=` of the Accept header); `None`, unless said otherwise, for the
    /// objects as they are. A server or socket that has no such form gives them as they are too.
    fn form() -> Option<&'static str> {
        None
    }

    /// Whether it holds members that no type names, which protobuf cannot carry: informers on it ask for JSON. False unless
    /// said otherwise.
    fn keeps_unknown_members() -> bool {
        false
    }

    /// Reads one object, and checks it unless it is trusted. Fails with a decode error that shows no bytes of it.
    fn read(encoded: Encoded<'_>) -> Result<Self, Error>;

    /// Its name, namespace, uid and version.
    fn meta(&self) -> MetaRef<'_>;

    /// Its labels.
    fn labels(&self) -> Cow<'_, BTreeMap<String, String>>;

    /// Its key. client-go's `MetaNamespaceKeyFunc`.
    fn key(&self) -> Key {
        self.meta().key()
    }
}

/// An object type that knows which resource it belongs to.
pub trait Resource: Object {
    /// That resource.
    fn api_resource() -> ApiResource;
}

/// Whether objects of a k8s-openapi type live in namespaces.
pub trait Scope {
    /// True for namespaced resources.
    const NAMESPACED: bool;
}

impl Scope for NamespaceResourceScope {
    const NAMESPACED: bool = true;
}

impl Scope for ClusterResourceScope {
    const NAMESPACED: bool = false;
}

impl<K> Resource for K
where
    K: Object + k8s_openapi::Resource<Scope: Scope>,
{
    fn api_resource() -> ApiResource {
        ApiResource {
            group: K::GROUP.into(),
            version: K::VERSION.into(),
            kind: K::KIND.into(),
            plural: K::URL_PATH_SEGMENT.into(),
            namespaced: K::Scope::NAMESPACED,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use k8s_openapi::api::apps::v1::Deployment;
    use k8s_openapi::api::core::v1::{Node, Pod};

    #[test]
    fn types_know_their_resource() {
        assert_eq!(Deployment::api_resource().gvr().to_string(), "deployments.v1.apps");
        assert!(Pod::api_resource().namespaced && !Node::api_resource().namespaced);
    }
}
