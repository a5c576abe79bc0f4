//! The client of resources known only at run time.
//!
//! Follows client-go 0.37 `dynamic/simple.go`; the calls are [`Api`]'s.

use super::{Api, Client};
use crate::meta::ApiResource;
use crate::object::Unstructured;

/// Any resource, its objects as [`Unstructured`]: to and from typed ones with [`Unstructured::to_typed`] and
/// [`Unstructured::from_typed`]. client-go's `dynamic.Interface`.
#[derive(Clone, Debug)]
pub struct DynamicClient {
    client: Client,
}

impl DynamicClient {
    pub(super) fn new(client: Client) -> Self {
        Self { client }
    }

    /// The calls on the objects of a [`GroupVersionResource`](crate::meta::GroupVersionResource) or an [`ApiResource`] in
    /// all namespaces; [`Api::in_namespace`] narrows them to one.
    pub fn resource(&self, resource: impl Into<ApiResource>) -> Api<Unstructured> {
        Api::new(self.client.rest().clone(), resource.into())
    }
}
