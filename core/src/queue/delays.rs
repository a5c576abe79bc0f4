//! Which entries of a queue are to be added later, and when.
//!
//! Follows the waiting loop of client-go's `util/workqueue/delaying_queue.go` (0.37): an item waits once, and of several
//! delays the one that ends first counts. Differs: items due at one moment come in the order they were added.

use std::collections::BTreeMap;

use crate::time::Instant;

/// What an entry waits for: the moment, and a number that tells those of one moment apart.
pub(super) type Due = (Instant, u64);

/// The slots of the waiting entries; each entry knows what it waits for.
pub(super) struct Delays {
    by_time: BTreeMap<Due, u32>,
    next_serial: u64,
}

impl Delays {
    pub(super) const fn new() -> Self {
        Self { by_time: BTreeMap::new(), next_serial: 0 }
    }

    /// Lets `slot`, which waits for `due` so far, wait until `at`, unless that is later.
    pub(super) fn insert(&mut self, slot: usize, due: &mut Option<Due>, at: Instant) {
        if let Some(known) = due {
            if known.0 <= at {
                return;
            }
            self.by_time.remove(known);
        }
        let next = (at, self.next_serial);
        self.next_serial += 1;
        self.by_time.insert(next, slot as u32);
        *due = Some(next);
    }

    /// The slot that is due next, if it is at `now`: it waits no more.
    pub(super) fn pop_due(&mut self, now: Instant) -> Option<usize> {
        let first = self.by_time.first_entry().filter(|first| first.key().0 <= now)?;
        Some(first.remove() as usize)
    }

    /// When the next one is due.
    pub(super) fn next_due(&self) -> Option<Instant> {
        self.by_time.first_key_value().map(|((at, _), _)| *at)
    }

    /// Lets none wait any more; which did.
    pub(super) fn take_all(&mut self) -> impl Iterator<Item = usize> + use<> {
        std::mem::take(&mut self.by_time).into_values().map(|slot| slot as usize)
    }

    pub(super) fn len(&self) -> usize {
        self.by_time.len()
    }
}
