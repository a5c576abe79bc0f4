//! The clients: [`Client`], which carries what every request needs, and [`Api`], the calls on one resource.

mod api;
pub mod discovery;

use std::sync::Arc;

pub use api::Api;

use crate::config::Config;
use crate::meta::{ApiResource, Object, Resource};
use crate::rest::RestClient;
use crate::time::Runtime;
use crate::transport::Transport;
use discovery::DiscoveryClient;

/// A client of one API server. Cheap to clone. client-go's `kubernetes.Clientset` and `dynamic.Interface` in one.
#[derive(Clone, Debug)]
pub struct Client {
    rest: RestClient,
    discovery: DiscoveryClient,
}

impl Client {
    /// A client that sends what `config` says over `transport`, with time, tasks and chance from `runtime`.
    pub fn new(transport: Arc<dyn Transport>, config: Config, runtime: Runtime) -> Self {
        let rest = RestClient::new(transport, config, runtime);
        Self { discovery: DiscoveryClient::new(rest.clone()), rest }
    }

    /// The calls on `K` in one namespace; of a cluster-scoped type the namespace is not used.
    pub fn api<K: Resource>(&self, namespace: &str) -> Api<K> {
        self.resource(&K::api_resource(), namespace)
    }

    /// The calls on `K` in all namespaces.
    pub fn all<K: Resource>(&self) -> Api<K> {
        self.resource(&K::api_resource(), "")
    }

    /// The calls on a resource known only at run time; `K` is `Unstructured`, `PartialObjectMetadata`, a `Lazy` of
    /// either, or a type of the caller's. An empty namespace means all. client-go's `dynamic.Interface.Resource`.
    pub fn resource<K: Object>(&self, resource: &ApiResource, namespace: &str) -> Api<K> {
        let namespace = if resource.namespaced { namespace } else { "" };
        Api::new(self.rest.clone(), resource.clone(), namespace)
    }

    /// What the server serves. The answers are kept by this client and its clones, which so ask for changes only.
    pub fn discovery(&self) -> &DiscoveryClient {
        &self.discovery
    }

    /// The request builder beneath.
    pub fn rest(&self) -> &RestClient {
        &self.rest
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
