//! A Kubernetes API server in memory, which is itself a [`portolan::transport::Transport`]: for unit tests, for demos
//! and for simulations in virtual time.
//!
//! ```
//! # use portolan::time::{Runtime, Simulator};
//! # use portolan_memory::Cluster;
//! # use serde_json::json;
//! # let simulator = Simulator::new(1);
//! let cluster = Cluster::new(simulator.runtime(1));
//! cluster.create(json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": "settings" } }))?;
//! let client = cluster.client();
//! # let _ = client;
//! # Ok::<_, portolan::Error>(())
//! ```
//!
//! What it does as kube-apiserver 1.36 does: every stable built-in resource and those of CustomResourceDefinitions;
//! create, get, list (chunks, versions, selectors), watch (versions, selectors, bookmarks, watch-list, over HTTP and
//! WebSocket), update, patch (JSON, merge, strategic), delete, deletecollection; the status and scale subresources,
//! binding and eviction; optimistic concurrency, generateName, generations, finalizers, namespaces and their deletion;
//! discovery, plain and aggregated; `PartialObjectMetadata`; errors as `metav1.Status` in the server's words.
//!
//! What it leaves out, and says so to the client where a client can tell: server-side apply (415), protobuf, CBOR and
//! Table (406), validation and defaulting of specs, schemas of custom resources, managed fields, admission, the garbage
//! collector (delete propagation is accepted and ignored), and containers: logs are made up of the Pod and the time, and a
//! command that is run by exec repeats its words and what it reads. Strategic merge knows
//! the merge keys of the common lists only. Everybody may do everything.

mod builtin;
mod chance;
mod change;
mod cluster;
mod definition;
mod discovery;
mod event_version;
mod failure;
mod list;
mod patch;
mod request;
mod resources;
mod reviews;
mod scale;
mod select;
mod server;
mod store;
mod stored;
mod streams;
mod validation;
mod value;
mod watch;
pub mod workload;

#[cfg(test)]
mod tests;

pub use cluster::{Cluster, ClusterOptions};
