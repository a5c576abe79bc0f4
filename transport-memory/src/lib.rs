//! A Kubernetes API server in memory, which is itself a [`portolan::transport::Transport`]: for unit tests, for demos
//! and for simulations in virtual time.
//!
//! The runtime is that of the program, `portolan_native::runtime()?` in a `tokio::test`, or that of a simulator, whose time
//! passes at once (core's feature `testing`):
//!
//! ```
//! use portolan::time::Simulator;
//! use portolan_memory::Cluster;
//! # use serde_json::json;
//!
//! let simulator = Simulator::new(1);
//! let cluster = Cluster::new(simulator.runtime(1));
//! cluster.create(json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": "settings" } }))?;
//! let client = cluster.client();
//! # let _ = client;
//! # Ok::<_, portolan::Error>(())
//! ```
//!
//! What it does as kube-apiserver 1.36 does: every stable built-in resource and those of CustomResourceDefinitions;
//! create, get, list (chunks, versions, selectors), watch (versions, selectors, bookmarks, watch-list, over HTTP and
//! WebSocket), update, patch (JSON and merge), delete, deletecollection; the status and scale subresources, binding and
//! eviction; optimistic concurrency, dry run, generateName, generations; preconditions, finalizers, propagation to what
//! an object owns (at once, where a cluster leaves it to a controller), namespaces and their deletion; discovery, plain
//! and aggregated; `PartialObjectMetadata`; warnings of deprecated versions; errors as `metav1.Status` in the server's
//! words.
//!
//! With the feature `full`, which is on by default, also what `kubectl` and unit tests ask for: server-side apply with
//! field managers and conflicts, `managedFields`, strategic merge patches, Tables, protobuf bodies, `fieldValidation`
//! (fields that a kind or a custom resource's schema does not have are dropped, with a warning or an error), enough of
//! OpenAPI for kubectl's checks, the schemas of custom resources among it, and recordings of requests, logs and commands
//! among them, and reactions to them ([`Cluster::record`], [`Cluster::react`]).
//!
//! What it leaves out, and says so to the client where a client can tell: protobuf and CBOR answers (406), YAML bodies,
//! validation of anything but metadata, the names of fields and what a CustomResourceDefinition must have (types, bounds
//! and rules of a schema are not looked at), defaulting beyond the list in `defaults.rs` (replicas, the type of Secrets and
//! Services, protocols of ports), OpenAPI schemas of built-in kinds, admission, controllers, the grace period of pods, and
//! containers: logs are made up of the Pod and the time, and a command that is run by exec repeats its words and what it
//! reads. Everybody may do everything.

#![cfg_attr(
    not(feature = "full"),
    expect(
        dead_code,
        unused_variables,
        reason = "without `full` nobody asks who changed what, nor for a Table"
    )
)]

mod answer;
mod bodies;
mod builtin;
mod chance;
mod change;
mod cluster;
mod continuation;
#[cfg(feature = "full")]
mod defaults;
mod definition;
mod deletion;
mod discovery;
mod event_version;
mod failure;
#[cfg(feature = "full")]
mod fields;
mod list;
mod list_options;
#[cfg(feature = "full")]
mod managed;
#[cfg(feature = "full")]
mod merging;
#[cfg(feature = "full")]
mod openapi;
mod patch;
#[cfg(feature = "full")]
mod reactions;
mod request;
mod resources;
mod reviews;
mod scale;
#[cfg(feature = "full")]
mod schemas;
mod select;
mod server;
mod store;
mod stored;
#[cfg(feature = "full")]
mod strategic;
mod streams;
#[cfg(feature = "full")]
mod syntax;
#[cfg(feature = "full")]
mod table;
#[cfg(feature = "full")]
mod unknown;
mod validation;
mod value;
mod watch;
pub mod workload;

#[cfg(test)]
mod tests;

pub use cluster::{Cluster, ClusterOptions};
#[cfg(feature = "full")]
pub use reactions::{Action, Reaction, Recording};
