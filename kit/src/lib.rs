//! What the npm package `portolan` runs, in a page, in a worker and in Node: one server's informers, live queries and
//! requests, asked and answered by messages that can cross a port.
//!
//! [`view`] is pure and tested natively; the engine, which exists only on wasm, feeds it from informers and answers calls.
//! Everything a caller touches is TypeScript (`npm/src`).

#[cfg(target_family = "wasm")]
mod engine;
pub mod view;

#[cfg(target_family = "wasm")]
pub use engine::{Engine, on_panic};
