//! The drivers of the machines in [`crate::cache`]: shared informers, their factory, listers.
//!
//! Invariant: nothing here decides what Kubernetes semantics mean; a driver carries bytes into a machine, waits for what
//! it asks, and hands its events on. client-go's `tools/cache` shared informers and `informers`.
//!
//! ```
//! # use portolan::informer::{FactoryOptions, SharedInformerFactory};
//! # async fn example(client: &portolan::client::Client) -> Result<(), portolan::Error> {
//! use k8s_openapi::api::core::v1::Pod;
//! use portolan::cache::{Event, HandlerOptions};
//!
//! let factory = SharedInformerFactory::new(client, FactoryOptions::default());
//! let pods = factory.informer::<Pod>();
//! pods.add_handler(HandlerOptions::default(), |event: Event<_>| println!("{event:?}"));
//! factory.start();
//! factory.wait_for_cache_sync().await?;
//! println!("{} pods", pods.lister().list().len());
//! factory.shutdown();
//! # Ok(())
//! # }
//! ```

mod consistency;
mod driver;
mod exchange;
mod factory;
mod followed;
mod handler;
mod lister;
mod mutation;
mod observer;
mod published;
mod queue;
mod shared;
mod signal;
mod status;

pub use factory::{FactoryOptions, SharedInformerFactory};
pub use followed::Followed;
pub use handler::{EventHandler, EventStream, Registration};
pub use lister::Lister;
pub use mutation::MutationCache;
pub use observer::{Observer, Reconciled};
pub use queue::{Next, QueueItem, RateLimitingQueue, Work};
pub use shared::{InformerOptions, Resume, SharedIndexInformer, Transform};
pub(crate) use signal::Signal;
pub use status::{InformerSnapshot, InformerStatus};
