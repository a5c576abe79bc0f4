//! A live cluster dashboard in the browser, on Portolan's informers.
//!
//! Everything that decides is in [`model`], pure and tested natively; `page`, the thin layer that draws it with
//! Sycamore and feeds it from informers, exists only on wasm.

pub mod model;
#[cfg(target_family = "wasm")]
mod page;
