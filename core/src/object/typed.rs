//! k8s-openapi's types as objects.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt::Debug;

use k8s_openapi::Metadata;
use serde::de::DeserializeOwned;

#[cfg(feature = "cbor")]
use crate::codec::cbor;
#[cfg(feature = "protobuf")]
use crate::codec::protobuf;
use crate::error::Error;
use crate::meta::{Encoded, Format, MetaRef, Object, ObjectMeta};
use crate::portable::{MaybeSend, MaybeSync};

impl<K> Object for K
where
    K: Metadata<Ty = ObjectMeta> + DeserializeOwned + Clone + Debug + MaybeSend + MaybeSync + 'static,
{
    fn read(encoded: Encoded<'_>) -> Result<Self, Error> {
        let mut object: K = match encoded.format {
            Format::Json => super::from_json(&encoded, K::KIND)?,
            #[cfg(feature = "protobuf")]
            Format::Protobuf => protobuf::read(&encoded)?,
            #[cfg(feature = "cbor")]
            Format::Cbor => cbor::decode(encoded.bytes)?,
        };
        if encoded.drop_managed_fields {
            object.metadata_mut().managed_fields = None;
            // It is to be held. Decoding leaves arrays room to grow, a quarter of a pod; a copy has none.
            object = object.clone();
        }
        Ok(object)
    }

    fn meta(&self) -> MetaRef<'_> {
        let metadata = self.metadata();
        MetaRef {
            name: metadata.name.as_deref().unwrap_or_default(),
            namespace: metadata.namespace.as_deref().unwrap_or_default(),
            uid: metadata.uid.as_deref().unwrap_or_default(),
            resource_version: metadata.resource_version.as_deref().unwrap_or_default(),
        }
    }

    fn labels(&self) -> Cow<'_, BTreeMap<String, String>> {
        self.metadata().labels.as_ref().map_or_else(|| Cow::Owned(BTreeMap::new()), Cow::Borrowed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::meta::Resource;
    use k8s_openapi::api::core::v1::Pod;

    #[test]
    fn a_typed_object_reads_without_its_managed_fields() {
        let resource = Pod::api_resource();
        let bytes = br#"{"metadata":{"name":"a","namespace":"n","uid":"u","resourceVersion":"7","managedFields":[{"manager":"m"}]}}"#;
        let encoded = Encoded { drop_managed_fields: true, ..Encoded::new(Format::Json, bytes, &resource) };
        let pod = Pod::read(encoded).unwrap();
        assert_eq!(pod.meta(), MetaRef { name: "a", namespace: "n", uid: "u", resource_version: "7" });
        assert_eq!(pod.key().as_str(), "n/a");
        assert!(pod.metadata.managed_fields.is_none());
    }

    #[test]
    fn managed_fields_that_are_left_out_are_json_and_need_be_no_more() {
        let resource = Pod::api_resource();
        let read = |fields: &str, drop_managed_fields| {
            let text = format!(r#" {{"metadata":{{"managedFields":{fields},"name":"a"}},"spec":null}}"#);
            Pod::read(Encoded {
                drop_managed_fields,
                ..Encoded::new(Format::Json, text.as_bytes(), &resource)
            })
        };
        let pod = read(r#"[{"fieldsV1":{"f:spec":{}}},7]"#, true).unwrap();
        assert_eq!(pod.meta().name, "a");
        assert!(pod.metadata.managed_fields.is_none());
        assert!(read("7", false).is_err());
        // The place is that in what arrived.
        let error = |drops| read("[{]", drops).unwrap_err().to_string();
        assert_eq!(error(true), error(false));
    }

    #[test]
    fn a_read_error_shows_no_bytes() {
        let resource = Pod::api_resource();
        let encoded = Encoded::new(Format::Json, b"{secret", &resource);
        assert!(!Pod::read(encoded).unwrap_err().to_string().contains("secret"));
    }
}
