//! The dashboard's cluster in memory, as a module of its own: a page fetches it only when it has no other cluster.
//!
//! `static/memory.js` makes of it what a page talks to elsewhere, a `fetch` and a `WebSocket`.

#[cfg(target_family = "wasm")]
mod cluster;
#[cfg(target_family = "wasm")]
mod exchange;

#[cfg(target_family = "wasm")]
pub use cluster::Cluster;
#[cfg(target_family = "wasm")]
pub use exchange::{Answer, Channel};
