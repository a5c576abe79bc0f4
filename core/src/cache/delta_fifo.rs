//! The classic queue: one entry per key, holding everything that happened to it since it was last popped.
//!
//! Follows client-go's `tools/cache/delta_fifo.go` (0.37). Informers use [`Fifo`](super::Fifo); this one is for those
//! who build on its grouping by key.
//!
//! Invariants: a key is queued exactly if it has deltas; keys leave in the order they became queued; the deltas of a
//! key are in the order they came, two deletions in a row being one.
//!
//! Differs: no lock and no waiting, so no close; the known objects are handed in where they are asked, not held;
//! keys missing from a list are deleted in queue order, then in the known objects' order, where client-go follows the
//! random order of a map; `Replaced` is always said `Replaced`, client-go's `EmitDeltaTypeReplaced`.

use std::collections::VecDeque;
use std::sync::Arc;

use hashbrown::{HashMap, HashSet};

use super::event::{Delta, KnownObjects};
use crate::meta::{Key, Object};
use crate::time::{Histogram, Instant};

/// The queue with one chain of deltas per key. client-go's `DeltaFIFO`.
#[derive(Debug)]
pub struct DeltaFifo<T> {
    deltas: HashMap<Key, Vec<Delta<T>>>,
    /// The keys, and when each became queued.
    queue: VecDeque<(Key, Instant)>,
    now: Instant,
    latency: Histogram,
    populated: bool,
    /// How many keys of the first replace are still queued.
    initial: usize,
}

impl<T> Default for DeltaFifo<T> {
    fn default() -> Self {
        Self {
            deltas: HashMap::new(),
            queue: VecDeque::new(),
            now: Instant::default(),
            latency: Histogram::default(),
            populated: false,
            initial: 0,
        }
    }
}

impl<T: Object> DeltaFifo<T> {
    /// An empty queue.
    pub fn new() -> Self {
        Self::default()
    }

    /// What is queued and popped from now on is at this moment. Only for [`Self::latency`].
    pub fn set_now(&mut self, now: Instant) {
        self.now = now;
    }

    /// Queues an object that appeared.
    pub fn add(&mut self, object: Arc<T>) {
        self.populated = true;
        self.queue_delta(object.key(), Delta::Added(object));
    }

    /// Queues an object that changed.
    pub fn update(&mut self, object: Arc<T>) {
        self.populated = true;
        self.queue_delta(object.key(), Delta::Updated(object));
    }

    /// Queues an object that went; not if it is neither known nor queued, for then nobody heard of it.
    pub fn delete(&mut self, known: &impl KnownObjects<T>, object: Arc<T>) {
        self.populated = true;
        let key = object.key();
        if known.known(&key).is_some() || self.deltas.contains_key(&key) {
            self.queue_delta(key, Delta::Deleted(object));
        }
    }

    /// Queues every object of a list, and a deletion for each object that is queued or known and not in it.
    pub fn replace(&mut self, known: &impl KnownObjects<T>, objects: Vec<Arc<T>>) {
        let mut listed = HashSet::with_capacity(objects.len());
        for object in objects {
            let key = object.key();
            listed.insert(key.clone());
            self.queue_delta(key, Delta::Replaced(object));
        }
        let mut missing = Vec::new();
        for (key, _) in self.queue.iter().filter(|(key, _)| !listed.contains(key)) {
            let newest = self.deltas.get(key).and_then(|deltas| deltas.last()).and_then(Delta::object);
            missing.extend(newest.map(|object| (key.clone(), object.clone())));
        }
        for object in known.all_known() {
            let key = object.key();
            if !listed.contains(&key) && !self.deltas.contains_key(&key) {
                missing.push((key, object.clone()));
            }
        }
        let count = listed.len() + missing.len();
        for (key, object) in missing {
            self.queue_delta(key, Delta::DeletedFinalStateUnknown(object));
        }
        if !self.populated {
            self.populated = true;
            self.initial = count;
        }
    }

    /// Queues every known object that has nothing queued.
    pub fn resync(&mut self, known: &impl KnownObjects<T>) {
        for object in known.all_known() {
            let key = object.key();
            if !self.deltas.contains_key(&key) {
                self.queue_delta(key, Delta::Sync(object.clone()));
            }
        }
    }

    /// The oldest key with all its deltas, oldest first, and whether it belongs to the initial list.
    pub fn pop(&mut self) -> Option<(Key, Vec<Delta<T>>, bool)> {
        let is_in_initial_list = !self.has_synced();
        let (key, since) = self.queue.pop_front()?;
        self.latency.observe(self.now.saturating_duration_since(since));
        self.initial = self.initial.saturating_sub(1);
        let deltas = self.deltas.remove(&key).unwrap_or_default();
        Some((key, deltas, is_in_initial_list))
    }

    /// Puts back what was popped and could not be processed, unless something newer is queued for the key meanwhile.
    /// Tells whether it was put back. client-go's former `AddIfNotPresent`.
    pub fn requeue(&mut self, key: Key, deltas: Vec<Delta<T>>) -> bool {
        let back = !deltas.is_empty() && !self.deltas.contains_key(&key);
        if back {
            self.queue.push_back((key.clone(), self.now));
            self.deltas.insert(key, deltas);
        }
        back
    }

    /// Whether the first list has been popped, or something else came first.
    pub fn has_synced(&self) -> bool {
        self.populated && self.initial == 0
    }

    /// How long keys were queued before they were popped, by the moments [`Self::set_now`] was told.
    pub fn latency(&self) -> &Histogram {
        &self.latency
    }

    /// How many keys are queued.
    pub fn len(&self) -> usize {
        self.queue.len()
    }

    /// Whether nothing is queued.
    pub fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    fn queue_delta(&mut self, key: Key, delta: Delta<T>) {
        let Some(deltas) = self.deltas.get_mut(&key) else {
            self.queue.push_back((key.clone(), self.now));
            self.deltas.insert(key, vec![delta]);
            return;
        };
        match deltas.last_mut() {
            Some(last) if last.is_deletion() && delta.is_deletion() => {
                // Of two deletions in a row the one that knows the final state says more, and the earlier of equals.
                if matches!(last, Delta::DeletedFinalStateUnknown(_)) {
                    *last = delta;
                }
            }
            _ => deltas.push(delta),
        }
    }
}

#[cfg(test)]
mod tests;
