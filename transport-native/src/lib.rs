//! The native transport: hyper and rustls on tokio; kubeconfig files and in-cluster configuration.
//!
//! Everything here runs inside a tokio runtime with its I/O and time drivers enabled.

mod client;
mod connection;
mod copy;
mod dial;
mod discovery;
mod disk;
mod exec;
mod failure;
mod files;
mod forward;
mod gunzip;
mod in_use;
mod load;
mod metrics;
mod modify;
mod observe;
mod oidc;
mod pool;
mod proxy;
mod runtime;
mod security;
mod socket;
mod tls;
mod tokens;
mod transport;

pub use client::{client, client_for, rest_client_for, transport_for, unversioned_rest_client_for};
pub use copy::{Copied, copy_from_pod, copy_to_pod};
pub use discovery::{cache_folder, cached_discovery};
pub use disk::DiskStorage;
pub use forward::{PortForwarder, forward};
pub use load::{ConfigOptions, in_cluster_config, load_config};
pub use metrics::{election_metrics, informer_metrics, queue_metrics};
pub use modify::modify_config;
pub use observe::TracingObserver;
pub use runtime::{TokioClock, TokioSpawner, runtime};
pub use tokens::FileTokens;
pub use transport::HyperTransport;
