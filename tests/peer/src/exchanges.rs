//! What became of every exchange, by the name its request gave it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use portolan_conformance::Seen;
use tokio::sync::Notify;

#[derive(Debug, Default)]
pub(crate) struct Exchanges(Mutex<BTreeMap<String, Exchange>>);

#[derive(Debug, Default)]
struct Exchange {
    seen: Seen,
    released: Arc<Notify>,
}

/// An exchange while it lasts: dropping it marks its end.
pub(crate) struct Open {
    exchanges: Arc<Exchanges>,
    name: String,
}

impl Exchanges {
    pub(crate) fn begin(self: &Arc<Self>, name: &str) -> Open {
        self.change(name, |exchange| exchange.seen.begun = true);
        Open { exchanges: Arc::clone(self), name: name.to_owned() }
    }

    pub(crate) fn seen(&self, name: &str) -> Seen {
        self.lock().get(name).map(|exchange| exchange.seen).unwrap_or_default()
    }

    pub(crate) fn release(&self, name: &str) {
        self.change(name, |exchange| exchange.released.notify_one());
    }

    fn change<T>(&self, name: &str, change: impl FnOnce(&mut Exchange) -> T) -> T {
        change(self.lock().entry(name.to_owned()).or_default())
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Exchange>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Open {
    pub(crate) fn sent(&self, bytes: usize) {
        self.exchanges.change(&self.name, |exchange| exchange.seen.sent += bytes as u64);
    }

    /// Waits until it is released, which may have happened already.
    pub(crate) async fn released(&self) {
        let released = self.exchanges.change(&self.name, |exchange| Arc::clone(&exchange.released));
        released.notified().await;
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.exchanges.change(&self.name, |exchange| exchange.seen.ended = true);
    }
}
