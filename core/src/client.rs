//! The clients: [`Client`], which carries what every request needs, and [`Api`], the calls on one resource.
//!
//! `client.core_v1().pods("default")` and its like are the generated [`clientset`]: names for an `Api` of a built-in type.
//! [`DynamicClient`], [`MetadataClient`] and [`ScaleClient`] are names for an `Api` of a certain type; nothing is done
//! twice.

mod api;
#[path = "client/generated/clientset.rs"]
pub mod clientset;
mod custom_resource;
pub mod discovery;
mod dynamic;
mod metadata;
mod pager;
mod retry;
mod scale;
mod streams;
mod subresource;
mod table;

use std::sync::Arc;

pub use api::Api;
pub use custom_resource::{CustomResource, Definition, expect_kind};
pub use dynamic::DynamicClient;
pub use metadata::MetadataClient;
pub use pager::{DEFAULT_PAGE_SIZE, ListPager};
pub use retry::{DEFAULT_BACKOFF, DEFAULT_RETRY, on_error, retry_on_conflict};
pub use scale::{ScaleClient, Scales};
pub use streams::{HasAttach, HasExec, HasLog, HasPortForward};
pub use subresource::{
    HasApproval, HasBinding, HasEphemeralContainers, HasEviction, HasFinalize, HasProxy, HasResize, HasScale,
    HasStatus, HasToken,
};
pub use table::{IncludeObject, Table, TableColumn, TableOptions, TableRow, TableRowCondition};

use crate::config::Config;
use crate::meta::{ApiResource, GroupVersion, Object, Resource};
use crate::rest::{RestClient, WarningHandler};
use crate::time::Runtime;
use crate::transport::Transport;
use discovery::DiscoveryClient;

/// A client of one API server. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Client {
    rest: RestClient,
    discovery: DiscoveryClient,
}

impl Client {
    /// A client that sends what `config` says over `transport`, with time, tasks and chance from `runtime`.
    pub fn new(transport: Arc<dyn Transport>, config: Config, runtime: Runtime) -> Self {
        let rest = RestClient::new(transport, config, runtime);
        Self { discovery: DiscoveryClient::new(&rest), rest }
    }

    /// The same client, the warnings of its answers told to `handler`. client-go's `rest.Config.WarningHandler`.
    #[must_use]
    pub fn with_warning_handler(&self, handler: Arc<dyn WarningHandler>) -> Self {
        let rest = self.rest.with_warning_handler(handler);
        Self { discovery: DiscoveryClient::new(&rest), rest }
    }

    /// The same client, whose requests are sent again at most so often; see [`RestClient::with_max_retries`].
    #[must_use]
    pub fn with_max_retries(&self, max_retries: u32) -> Self {
        let rest = self.rest.with_max_retries(max_retries);
        Self { discovery: DiscoveryClient::new(&rest), rest }
    }

    /// The calls on `K` in one namespace; of a cluster-scoped type the namespace is not used.
    pub fn api<K: Resource>(&self, namespace: &str) -> Api<K> {
        self.resource(&K::api_resource(), namespace)
    }

    /// The calls on `K` in all namespaces.
    pub fn all<K: Resource>(&self) -> Api<K> {
        self.resource(&K::api_resource(), "")
    }

    /// The calls on any resource in any form: `K` is `Unstructured`, `PartialObjectMetadata`, a `Lazy` of either, or a
    /// type of the caller's. An empty namespace means all. What every other client is made of.
    pub fn resource<K: Object>(&self, resource: &ApiResource, namespace: &str) -> Api<K> {
        Api::new(self.rest.clone(), resource.clone()).in_namespace(namespace)
    }

    /// The calls on resources known only at run time, as `Unstructured`.
    pub fn dynamic(&self) -> DynamicClient {
        DynamicClient::new(self.clone())
    }

    /// The calls on the metadata of any resource.
    pub fn metadata(&self) -> MetadataClient {
        MetadataClient::new(self.clone())
    }

    /// The calls on the scale of any scalable resource.
    pub fn scale(&self) -> ScaleClient {
        ScaleClient::new(self.clone())
    }

    /// What the server serves. The answers are kept by this client and its clones, which so ask for changes only.
    pub fn discovery(&self) -> &DiscoveryClient {
        &self.discovery
    }

    /// The request builder beneath, of no group and version. client-go's `rest.UnversionedRESTClientFor`.
    pub fn rest(&self) -> &RestClient {
        &self.rest
    }

    /// The request builder for one group and version. client-go's `rest.RESTClientFor`, and the `RESTClient()` of each
    /// typed client.
    pub fn rest_client_for(&self, group_version: GroupVersion) -> RestClient {
        self.rest.versioned(group_version)
    }

    /// Where requests go, and as whom.
    pub fn config(&self) -> &Config {
        self.rest.config()
    }

    /// The clock, tasks and seed it was given.
    pub fn runtime(&self) -> &Runtime {
        self.rest.runtime()
    }
}
