//! apiVersion, kind and metadata of an object of any kind.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::debug;
#[cfg(feature = "cbor")]
use crate::codec::cbor;
#[cfg(feature = "protobuf")]
use crate::codec::protobuf;
use crate::error::Error;
use crate::meta::{Encoded, Format, MetaRef, Object, ObjectMeta};

/// What all objects have in common. client-go's `metav1.PartialObjectMetadata`.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", from = "Wire")]
pub struct PartialObjectMetadata {
    /// Such as `v1` or `apps/v1`; from a server asked for metadata only, `meta.k8s.io/v1`.
    pub api_version: String,
    /// Such as `Pod`; from a server asked for metadata only, `PartialObjectMetadata`.
    pub kind: String,
    /// The metadata.
    pub metadata: ObjectMeta,
}

/// As it may arrive: anything missing or null.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wire {
    api_version: Option<String>,
    kind: Option<String>,
    metadata: Option<ObjectMeta>,
}

impl From<Wire> for PartialObjectMetadata {
    fn from(wire: Wire) -> Self {
        Self {
            api_version: wire.api_version.unwrap_or_default(),
            kind: wire.kind.unwrap_or_default(),
            metadata: wire.metadata.unwrap_or_default(),
        }
    }
}

impl Object for PartialObjectMetadata {
    fn form() -> Option<&'static str> {
        Some("PartialObjectMetadata")
    }

    fn read(encoded: Encoded<'_>) -> Result<Self, Error> {
        let mut object: Self = match encoded.format {
            Format::Json => super::from_json(&encoded, "PartialObjectMetadata")?,
            #[cfg(feature = "protobuf")]
            Format::Protobuf => protobuf::read_metadata(&encoded)?,
            #[cfg(feature = "cbor")]
            Format::Cbor => cbor::decode(encoded.bytes)?,
        };
        if object.api_version.is_empty() {
            object.api_version = encoded.resource.api_version();
        }
        if object.kind.is_empty() {
            object.kind = encoded.resource.kind.clone().into_owned();
        }
        if encoded.drop_managed_fields {
            object.metadata.managed_fields = None;
        }
        Ok(object)
    }

    fn meta(&self) -> MetaRef<'_> {
        MetaRef {
            name: self.metadata.name.as_deref().unwrap_or_default(),
            namespace: self.metadata.namespace.as_deref().unwrap_or_default(),
            uid: self.metadata.uid.as_deref().unwrap_or_default(),
            resource_version: self.metadata.resource_version.as_deref().unwrap_or_default(),
        }
    }

    fn labels(&self) -> Cow<'_, BTreeMap<String, String>> {
        self.metadata.labels.as_ref().map_or_else(|| Cow::Owned(BTreeMap::new()), Cow::Borrowed)
    }
}

impl fmt::Debug for PartialObjectMetadata {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        debug(f, "PartialObjectMetadata", &self.kind, self.meta())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::meta::ApiResource;

    #[test]
    fn it_reads_what_all_objects_have() {
        let resource = ApiResource::new("apps/v1", "Deployment", "deployments", true).unwrap();
        let bytes =
            br#"{"metadata":{"name":"web","namespace":"n","uid":"u","resourceVersion":"3","labels":{"a":"b"},
            "managedFields":[{"manager":"m"}]},"spec":{"replicas":3}}"#;
        let encoded = Encoded { drop_managed_fields: true, ..Encoded::new(Format::Json, bytes, &resource) };
        let object = PartialObjectMetadata::read(encoded).unwrap();
        assert_eq!((object.api_version.as_str(), object.kind.as_str()), ("apps/v1", "Deployment"));
        assert_eq!(object.meta(), MetaRef { name: "web", namespace: "n", uid: "u", resource_version: "3" });
        assert_eq!(object.labels()["a"], "b");
        assert!(object.metadata.managed_fields.is_none());
        assert_eq!(format!("{object:?}"), "PartialObjectMetadata(Deployment n/web)");
        let text = serde_json::to_string(&object).unwrap();
        assert_eq!(serde_json::from_str::<PartialObjectMetadata>(&text).unwrap(), object);

        let bookmark = br#"{"kind":"Deployment","apiVersion":"apps/v1","metadata":null}"#;
        let encoded =
            Encoded { drop_managed_fields: true, ..Encoded::new(Format::Json, bookmark, &resource) };
        assert_eq!(PartialObjectMetadata::read(encoded).unwrap().meta(), MetaRef::default());
    }
}
