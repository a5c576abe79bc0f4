//! Hosts wasm guests made with `portolan-host`: [`run`] carries out what a guest asks on any transport, and
//! [`Restricted`] is the layer that decides what it may ask.
//!
//! ```no_run
//! # async fn example(module: impl portolan_plugins::Module, client: portolan::client::Client) -> Result<(), portolan::Error> {
//! use std::sync::Arc;
//!
//! use k8s_openapi::api::rbac::v1::PolicyRule;
//! use portolan_plugins::{Grant, Options, Restricted, run};
//! # let transport: Arc<dyn portolan::transport::Transport> = todo!();
//!
//! // RBAC's words: this plugin may read the Pods of one namespace.
//! let grant = Grant {
//!     namespaces: vec!["shop".into()],
//!     rule: PolicyRule {
//!         api_groups: Some(vec![String::new()]),
//!         resources: Some(vec!["pods".into()]),
//!         verbs: ["get", "list", "watch"].map(String::from).into(),
//!         ..PolicyRule::default()
//!     },
//! };
//! let server = client.config().server.clone();
//! let allowed = Restricted::new("checker", transport, server.clone(), vec![grant]);
//! run(module, Arc::new(allowed), client.runtime(), Options::new("checker", server)).await
//! # }
//! ```
//!
//! The engine is the embedder's choice: whatever can call a function of a module and copy bytes is a [`Module`]. With the
//! feature `wasmi`, which is on by default, there is one: [`wasmi::WasmiModule`].

mod request_info;
mod restricted;
mod run;
#[cfg(feature = "wasmi")]
pub mod wasmi;

/// The page of docs/ compiles.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/plugins.md")]
struct Page;

pub use restricted::{Grant, Restricted};
pub use run::{MAX_EXCHANGES, Module, Options, run};
