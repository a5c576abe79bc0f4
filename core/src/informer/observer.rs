//! Who is told what an informer does: for logs, metrics, and whoever must hear of every error.
//!
//! Invariant: told in order, by the informer's own task, with no lock held.

use crate::cache::Notice;
use crate::meta::ApiResource;
use crate::portable::{MaybeSend, MaybeSync};

/// Is told everything an informer's reflector does and meets; [`Notice::Failed`] is each error, none is swallowed.
/// Closures `|resource, notice| …` are observers. client-go's `WatchErrorHandler` and its metrics providers in one.
pub trait Observer: MaybeSend + MaybeSync + 'static {
    /// Called in the informer's own task: it should return quickly.
    fn on_notice(&self, resource: &ApiResource, notice: &Notice);
}

impl<F: Fn(&ApiResource, &Notice) + MaybeSend + MaybeSync + 'static> Observer for F {
    fn on_notice(&self, resource: &ApiResource, notice: &Notice) {
        self(resource, notice);
    }
}
