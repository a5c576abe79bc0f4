//! Portolan in a WASI component (wasm32-wasip2): requests and streaming watches over `wasi:http`, time and tasks of the
//! wstd runtime. WASI 0.2 has no WebSockets, so exec, attach and port-forward are not to be had, and watches go over HTTP.
//!
//! The address is that of `kubectl proxy` or another that adds the credentials: what TLS settings a component's host has,
//! it keeps to itself. Nothing here compiles but for WASI; `examples/checksums.rs` is a controller to start from.

#[cfg(target_os = "wasi")]
mod runtime;
#[cfg(target_os = "wasi")]
mod transport;

#[cfg(target_os = "wasi")]
pub use client::{client, client_with};
#[cfg(target_os = "wasi")]
pub use runtime::{WasiClock, WasiSpawner, runtime};
#[cfg(target_os = "wasi")]
pub use transport::WasiTransport;

#[cfg(target_os = "wasi")]
mod client;
