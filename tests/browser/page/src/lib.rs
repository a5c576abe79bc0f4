//! Portolan in a bare page or worker, for the tests in tests/browser to drive: informers and requests without a user
//! interface.

#[cfg(target_family = "wasm")]
mod contract;
#[cfg(target_family = "wasm")]
mod streams;
#[cfg(target_family = "wasm")]
mod tab;

#[cfg(target_family = "wasm")]
pub use contract::{clauses, flaws, overflow, refused_handshakes};
#[cfg(target_family = "wasm")]
pub use tab::Tab;
