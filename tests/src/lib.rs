//! The harness of the workspace tests: a real etcd and API server, started for a test and gone with it, a bad line
//! to it, and the one in memory behind a socket.

mod cluster;
mod lease;
mod memory;
mod piece;
mod proxy;

pub use cluster::{Cluster, ClusterFacts, ClusterOptions};
pub use lease::{LEASE_DURATION, RENEW_DEADLINE, RETRY_PERIOD, boot_time};
pub use memory::MemoryServer;
pub use piece::run_piece;
pub use proxy::{FaultProxy, Line};

/// The README's example compiles.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;

/// The pieces of docs/calls.md run.
#[cfg(doctest)]
#[doc = include_str!(concat!(env!("OUT_DIR"), "/calls.md"))]
struct Calls;
