//! Portolan in a browser: [`browser`] carries requests over fetch and WebSocket and takes time and tasks from the page.
//!
//! It works the same in a page and in a dedicated or shared worker: everything is reached through `globalThis`.

#[cfg(target_family = "wasm")]
pub mod browser;
