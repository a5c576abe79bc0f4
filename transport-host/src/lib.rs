//! Portolan in a wasm guest whose host does the talking: a plugin of a dashboard, of a Rust program, of Extism.
//!
//! The guest imports nothing. Its host calls it in *turns*: in goes what has happened (the time, answers, pieces of
//! bodies, messages of sockets), out comes what is to be done (send, connect, take, give, drop) and when the next turn is
//! wanted. So a guest can do nothing but ask, whoever embeds it needs only three exported functions, and a recorded run
//! can be played again. [`wire`] says how it is written down, [`guest!`] makes a module a guest, and [`Guest`] is the same
//! for embedders whose plugins have exports of another form.
//!
//! A host in JavaScript is `host.mjs` beside this crate; one in Rust is the crate `portolan-plugins`, which also restricts
//! what a guest may do.

#[doc(hidden)]
pub mod exports;
mod guest;
mod transport;
pub mod wire;
mod world;

pub use guest::{Guest, Host};
pub use transport::HostTransport;
