//! The client of what all objects have in common: the server sends their metadata alone.
//!
//! Follows client-go 0.37 `metadata/metadata.go`; the calls are [`Api`]'s, and
//! [`Object::form`](crate::meta::Object::form) is what asks for metadata, in protobuf where the configuration says so.

use super::{Api, Client};
use crate::meta::ApiResource;
use crate::object::PartialObjectMetadata;

/// Any resource, its objects as [`PartialObjectMetadata`]. client-go's `metadata.Interface`.
#[derive(Clone, Debug)]
pub struct MetadataClient {
    client: Client,
}

impl MetadataClient {
    pub(super) fn new(client: Client) -> Self {
        Self { client }
    }

    /// The calls on the objects of a [`GroupVersionResource`](crate::meta::GroupVersionResource) or an [`ApiResource`] in
    /// all namespaces; [`Api::in_namespace`] narrows them to one.
    pub fn resource(&self, resource: impl Into<ApiResource>) -> Api<PartialObjectMetadata> {
        Api::new(self.client.rest().clone(), resource.into())
    }
}
