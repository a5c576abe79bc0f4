//! Items that are to be added later.
//!
//! Follows the waiting loop of client-go's `util/workqueue/delaying_queue.go` (0.37): an item waits once, and of several
//! delays the one that ends first counts. Differs: items due at one moment come in the order they were added.

use std::collections::BTreeMap;
use std::hash::Hash;

use hashbrown::HashMap;

use crate::time::Instant;

/// The waiting items.
pub(super) struct Delays<T> {
    by_time: BTreeMap<(Instant, u64), T>,
    places: HashMap<T, (Instant, u64)>,
    next_serial: u64,
}

impl<T: Hash + Eq + Clone> Delays<T> {
    pub(super) fn new() -> Self {
        Self { by_time: BTreeMap::new(), places: HashMap::new(), next_serial: 0 }
    }

    /// Lets `item` wait until `at`, unless it waits for an earlier moment already.
    pub(super) fn insert(&mut self, at: Instant, item: T) {
        if let Some(place) = self.places.get(&item) {
            if place.0 <= at {
                return;
            }
            self.by_time.remove(place);
        }
        let place = (at, self.next_serial);
        self.next_serial += 1;
        self.places.insert(item.clone(), place);
        self.by_time.insert(place, item);
    }

    /// The next item that is due at `now`.
    pub(super) fn pop_due(&mut self, now: Instant) -> Option<T> {
        let first = self.by_time.first_entry().filter(|entry| entry.key().0 <= now)?;
        let item = first.remove();
        self.places.remove(&item);
        Some(item)
    }

    /// When the next item is due.
    pub(super) fn next_due(&self) -> Option<Instant> {
        self.by_time.first_key_value().map(|((at, _), _)| *at)
    }

    pub(super) fn clear(&mut self) {
        self.by_time.clear();
        self.places.clear();
    }

    pub(super) fn len(&self) -> usize {
        self.by_time.len()
    }
}
