//! Portolan: a Kubernetes client that never touches the outside world itself.
//!
//! Bytes, time and chance are handed in: a [`transport::Transport`] carries requests, a [`time::Clock`] tells and
//! waits, a [`time::Spawn`] runs tasks. So the same client and the same informers run on a server
//! (`portolan-native`), in a browser tab (`portolan-wasm`) and against an API server in memory (`portolan-memory`).
//!
//! The modules form a ladder, in the order below: each uses only those above it. ARCHITECTURE.md holds the table.

pub mod portable;

pub mod status;
pub mod time;

pub mod error;

pub mod meta;
pub mod storage;

pub mod codec;
pub mod policy;

pub mod object;

pub mod config;

pub mod transport;

pub mod rest;

pub mod stream;

pub mod client;

pub mod cache;
pub mod queue;

pub mod informer;

pub mod controller;
pub mod wait;

#[cfg(feature = "testing")]
pub mod testing;

pub use error::{Error, ErrorKind, TransportErrorKind};
