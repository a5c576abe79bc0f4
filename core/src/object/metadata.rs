//! The whole metadata of an object in whatever form it is held.

use std::borrow::Cow;

use super::{Lazy, PartialObjectMetadata, Unstructured};
use crate::error::Error;
use crate::meta::{Object, ObjectMeta};

/// An object whose metadata can be had as a struct: owners, finalizers, generation. client-go's `metav1.Object`.
pub trait Metadata: Object {
    /// The metadata, decoded where the object is not. Fails when they are not those of an object.
    fn object_meta(&self) -> Result<Cow<'_, ObjectMeta>, Error>;
}

impl<K> Metadata for K
where
    K: Object + k8s_openapi::Metadata<Ty = ObjectMeta>,
{
    fn object_meta(&self) -> Result<Cow<'_, ObjectMeta>, Error> {
        Ok(Cow::Borrowed(k8s_openapi::Metadata::metadata(self)))
    }
}

impl Metadata for PartialObjectMetadata {
    fn object_meta(&self) -> Result<Cow<'_, ObjectMeta>, Error> {
        Ok(Cow::Borrowed(&self.metadata))
    }
}

impl Metadata for Unstructured {
    fn object_meta(&self) -> Result<Cow<'_, ObjectMeta>, Error> {
        self.metadata().map(Cow::Owned)
    }
}

impl<K: 'static> Metadata for Lazy<K> {
    fn object_meta(&self) -> Result<Cow<'_, ObjectMeta>, Error> {
        Ok(Cow::Owned(self.read("metadata")?.unwrap_or_default()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::meta::Resource;
    use k8s_openapi::api::core::v1::Pod;

    #[test]
    fn every_form_gives_the_same_metadata() {
        let text = r#"{"metadata":{"name":"a","namespace":"n","finalizers":["x/y"],"generation":3}}"#;
        let resource = Pod::api_resource();
        let encoded = crate::meta::Encoded::new(crate::meta::Format::Json, text.as_bytes(), &resource);
        let typed = Pod::read(encoded).unwrap();
        let expected = typed.object_meta().unwrap().into_owned();
        assert_eq!(
            (expected.generation, expected.finalizers.as_deref()),
            (Some(3), Some(&["x/y".to_owned()][..]))
        );
        let forms = [
            Unstructured::read(encoded).unwrap().object_meta().unwrap().into_owned(),
            PartialObjectMetadata::read(encoded).unwrap().object_meta().unwrap().into_owned(),
            <Lazy<Pod> as Object>::read(encoded).unwrap().object_meta().unwrap().into_owned(),
        ];
        assert!(forms.iter().all(|form| *form == expected));
    }
}
