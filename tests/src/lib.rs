//! The harness of the workspace tests: a real etcd and API server, started for a test and gone with it, and a bad line
//! to it.

mod cluster;
mod lease;
mod proxy;

pub use cluster::{Cluster, ClusterFacts, ClusterOptions};
pub use lease::{LEASE_DURATION, RENEW_DEADLINE, RETRY_PERIOD, boot_time};
pub use proxy::{FaultProxy, Line};

/// The README's example compiles.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;
