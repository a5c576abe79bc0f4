//! Who is told what an informer, and a controller on it, does: for logs, metrics, and whoever must hear of every error.
//!
//! Invariant: told in order, by the task that did it, with no lock held.

use std::time::Duration;

use crate::cache::Notice;
use crate::meta::{ApiResource, Key};
use crate::portable::{MaybeSend, MaybeSync};
use crate::queue::QueueMetrics;

/// Is told everything an informer's reflector does and meets, and how each reconciliation of a controller on it went;
/// [`Notice::Failed`] and [`Reconciled::error`] are each error, none is swallowed. Closures `|resource, notice| …` are
/// observers of the first alone. client-go's `WatchErrorHandler`, `utilruntime.HandleError` and metrics providers in one.
pub trait Observer: MaybeSend + MaybeSync + 'static {
    /// Called in the informer's own task: it should return quickly.
    fn on_notice(&self, resource: &ApiResource, notice: &Notice);

    /// Called after each reconciliation of a `Controller` of this resource, by its worker. Default: nothing.
    fn on_reconciled(&self, resource: &ApiResource, reconciled: &Reconciled<'_>) {
        let _ = (resource, reconciled);
    }
}

impl<F: Fn(&ApiResource, &Notice) + MaybeSend + MaybeSync + 'static> Observer for F {
    fn on_notice(&self, resource: &ApiResource, notice: &Notice) {
        self(resource, notice);
    }
}

/// How one reconciliation went.
#[derive(Clone, Copy, Debug)]
pub struct Reconciled<'a> {
    /// The object's key.
    pub key: &'a Key,
    /// How long it took.
    pub took: Duration,
    /// What it failed of: the key comes again, rate limited.
    pub error: Option<&'a str>,
    /// How the controller's queue stood at that moment, this key still with its worker.
    pub queue: &'a QueueMetrics,
}
