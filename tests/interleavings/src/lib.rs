//! What several threads share in core, under every interleaving of their steps that loom finds up to a bound on preemptions:
//! an informer with its handlers and readers, the workqueue, the recorder of events, and the signal by which they wake
//! each other.
//!
//! Invariant: what is tried is core's own code, copied by `build.rs` with loom's locks in it. What that stands on is core's
//! too, and takes no lock. Only an informer's driver is another: it has a script in the place of a connection.
#![cfg(test)]

mod controller;
mod informer;
mod stage;

// Where the copies look for what is beside them in core.
use portolan::{cache, client, error, meta, policy, portable, queue, time};
