//! The machines between the API server and the handlers: reflector, queue, indexer, fan-out.
//!
//! Invariant: pure and single-writer. Input goes in by `handle_*(now, …)`, output comes out by `poll_*()`; there are no
//! locks, channels, wakers, tasks or clocks here. Drivers live in [`crate::informer`].
//!
//! ```text
//! driver ──bytes──▶ Reflector ──Change──▶ Pipeline { Fifo ──Delta──▶ Indexer ──Event──▶ Processor } ──▶ handlers
//! ```

mod delta_fifo;
mod event;
mod expiration;
mod fifo;
mod index;
mod indexer;
mod objects;
mod pipeline;
mod processor;
mod reflector;
#[cfg(test)]
mod sample;

pub use delta_fifo::DeltaFifo;
pub use event::{Change, Delta, Event, KnownObjects};
pub use expiration::ExpirationCache;
pub use fifo::{Fifo, Popped};
pub use index::{IndexFunction, NAMESPACE_INDEX, index_by_value};
pub use indexer::{Indexer, Replacement};
pub use objects::{Iter, Objects};
pub use pipeline::{Pipeline, Store};
pub use processor::{Delivery, HandlerId, HandlerOptions, HandlerStatus, Processor};
pub use reflector::{Action, Asked, Counters, Notice, Phase, Reflector, ReflectorOptions};
