//! Reads that never go behind what this process wrote.
//!
//! Follows client-go's `tools/cache/mutation_cache.go` (0.37). Invariant: of a key, never an older state than the last
//! one handed in, for as long as the time to live, and while no more than 1,000 are ahead of the store.
//!
//! Differs: what was created is given before the watch brings it always (client-go's `includeAdds`), also by
//! [`MutationCache::list`]. What the store has caught up with is dropped, without being told (client-go's
//! `OnAddOrUpdate` and `OnDelete`): the store knows how far it has come, so an object that it does not hold although it
//! is past the version handed in was deleted meanwhile. client-go remembers 100. Only where versions are no numbers is
//! an object that was deleted given until its time to live is over.

use std::cmp::Ordering;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::lister::Lister;
use crate::cache::{ExpirationCache, Indexer};
use crate::meta::{Key, Object, ResourceVersion};
use crate::time::Clock;

/// So many writes that the store has not caught up with are remembered; then the oldest go.
const MOST_WRITTEN: usize = 1_000;

/// A lister, and over it what this process wrote and the watch has not brought yet. client-go's `MutationCache`.
///
/// Hand in each object the server returned from a create, update or patch. Until the store has come that far, it is given
/// even if the informer's selectors do not select it.
pub struct MutationCache<T: Object> {
    lister: Lister<T>,
    clock: Arc<dyn Clock>,
    written: Mutex<ExpirationCache<T>>,
}

impl<T: Object> MutationCache<T> {
    pub(super) fn new(lister: Lister<T>, clock: Arc<dyn Clock>, time_to_live: Duration) -> Self {
        Self { lister, clock, written: Mutex::new(ExpirationCache::new(time_to_live)) }
    }

    /// Takes in an object as the server returned it. client-go's `Mutation`.
    pub fn mutation(&self, object: T) {
        let now = self.clock.now();
        let mut written = self.lock();
        // Two writes of one object may return in the wrong order.
        if written.get(now, &object.key()).is_some_and(|known| is_newer(&**known, &object)) {
            return;
        }
        written.insert(now, Arc::new(object));
        if written.len() > MOST_WRITTEN {
            let store = self.lister.store();
            written.retain(now, |object| is_ahead(object, &store));
        }
        if written.len() > MOST_WRITTEN {
            written.remove_oldest();
        }
    }

    /// The newer of what the store holds and what was handed in. client-go's `GetByKey`.
    pub fn get(&self, key: &Key) -> Option<Arc<T>> {
        let (now, mut written) = (self.clock.now(), self.lock());
        let store = self.lister.store();
        match written.get(now, key) {
            Some(object) if is_ahead(&**object, &store) => Some(object.clone()),
            Some(_) => {
                written.remove(now, key);
                store.get(key).cloned()
            }
            None => store.get(key).cloned(),
        }
    }

    /// Every object, each in its newer state.
    pub fn list(&self) -> Vec<Arc<T>> {
        self.merged(|store| store.iter().cloned().collect(), |_, _| true)
    }

    /// The objects that have `value` in the index `name`, by their newer states. client-go's `ByIndex`.
    pub fn by_index(&self, name: &str, value: &str) -> Vec<Arc<T>> {
        self.merged(
            |store| store.by_index(name, value).cloned().collect(),
            |store, object| store.names(name, object, value),
        )
    }

    /// What is `found` in the store, but for what is written ahead of it, and of that what is to be `kept`.
    fn merged(
        &self,
        found: impl FnOnce(&Indexer<T>) -> Vec<Arc<T>>,
        kept: impl Fn(&Indexer<T>, &T) -> bool,
    ) -> Vec<Arc<T>> {
        let (now, mut written) = (self.clock.now(), self.lock());
        let store = self.lister.store();
        written.retain(now, |object| is_ahead(object, &store));
        let mut objects = found(&store);
        if !written.is_empty() {
            objects.retain(|object| written.get(now, &object.key()).is_none());
            objects.extend(written.iter(now).filter(|object| kept(&store, object)).cloned());
        }
        objects
    }

    fn lock(&self) -> MutexGuard<'_, ExpirationCache<T>> {
        self.written.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T: Object> fmt::Debug for MutationCache<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MutationCache").field("lister", &self.lister).finish_non_exhaustive()
    }
}

/// Whether the store has not come as far as this write yet.
fn is_ahead<T: Object>(written: &T, store: &Indexer<T>) -> bool {
    let meta = written.meta();
    match store.find(meta.namespace, meta.name) {
        Some(held) => is_newer(written, &**held),
        None => {
            let reached = store.last_store_sync_resource_version();
            let order = ResourceVersion::compare_text(reached.as_str(), meta.resource_version);
            !matches!(order, Some(Ordering::Equal | Ordering::Greater))
        }
    }
}

fn is_newer<T: Object>(one: &T, other: &T) -> bool {
    let (one, other) = (one.meta().resource_version, other.meta().resource_version);
    ResourceVersion::compare_text(one, other) == Some(Ordering::Greater)
}
