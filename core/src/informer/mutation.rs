//! Reads that never go behind what this process wrote.
//!
//! Follows client-go's `tools/cache/mutation_cache.go` (0.37). Invariant: of a key, never an older state than the last
//! one handed in, for as long as the time to live. Differs: what was created is given before the watch brings it always
//! (client-go's `includeAdds`), also by [`MutationCache::list`].

use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::lister::Lister;
use crate::cache::{ExpirationCache, Indexer};
use crate::meta::{Key, Object, ResourceVersion};
use crate::time::Clock;

/// A lister, and over it what this process wrote and the watch has not brought yet. client-go's `MutationCache`.
///
/// Hand in each object the server returned from a create, update or patch. An object that was deleted meanwhile is given
/// until its time to live is over.
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
        if !written.get(now, &object.key()).is_some_and(|known| is_newer(&**known, &object)) {
            written.insert(now, Arc::new(object));
        }
    }

    /// The newer of what the store holds and what was handed in. client-go's `GetByKey`.
    pub fn get(&self, key: &Key) -> Option<Arc<T>> {
        let written = self.lock().get(self.clock.now(), key).cloned();
        newer(self.lister.get(key), written)
    }

    /// Every object, each in its newer state.
    pub fn list(&self) -> Vec<Arc<T>> {
        self.merged(&self.lister.snapshot(), |_| true)
    }

    /// The objects that have `value` in the index `name`, by their newer states. client-go's `ByIndex`.
    pub fn by_index(&self, name: &str, value: &str) -> Vec<Arc<T>> {
        let store = self.lister.snapshot();
        self.merged(&store, |object| store.names(name, object, value))
    }

    fn merged(&self, store: &Indexer<T>, keep: impl Fn(&T) -> bool) -> Vec<Arc<T>> {
        let (now, written) = (self.clock.now(), self.lock());
        let mut seen = BTreeSet::new();
        let newest = |held: &Arc<T>| newer(Some(held.clone()), written.get(now, &held.key()).cloned());
        let mut objects: Vec<Arc<T>> = Vec::new();
        for held in store.iter() {
            seen.insert(held.key());
            objects.extend(newest(held));
        }
        objects.extend(written.iter(now).filter(|object| !seen.contains(&object.key())).cloned());
        objects.retain(|object| keep(object));
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

fn newer<T: Object>(held: Option<Arc<T>>, written: Option<Arc<T>>) -> Option<Arc<T>> {
    match (held, written) {
        (Some(held), Some(written)) => Some(if is_newer(&*written, &*held) { written } else { held }),
        (held, written) => held.or(written),
    }
}

fn is_newer<T: Object>(one: &T, other: &T) -> bool {
    let (one, other) = (one.meta().resource_version, other.meta().resource_version);
    ResourceVersion::compare_text(one, other) == Some(Ordering::Greater)
}
