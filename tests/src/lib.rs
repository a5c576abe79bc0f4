//! The harness of the workspace tests: a real etcd and API server, started for a test and gone with it.

mod cluster;

pub use cluster::{Cluster, ClusterFacts, ClusterOptions};

/// The README's example compiles.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;
