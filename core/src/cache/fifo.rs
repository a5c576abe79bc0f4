//! The informer's queue: every change in the order it came, a whole list as one entry.
//!
//! Follows client-go's `tools/cache/the_real_fifo.go` (0.37), `RealFIFO` with `AtomicEvents` and bookmark deltas, which
//! is what its informers use; `replace_each` and `resync_each` are its older, non-atomic form.
//!
//! Invariant: deltas leave in the order they entered, none is merged and none is dropped.
//!
//! Differs: no lock and no waiting, so no close; `has_synced` turns true when the last initial delta is popped, so
//! process what you popped before you ask (client-go holds its lock until then); no batches, since the consumer applies
//! as many deltas as it likes in one turn.

use std::collections::VecDeque;
use std::sync::Arc;

use hashbrown::{HashMap, HashSet};

use super::event::{Change, Delta, KnownObjects};
use crate::meta::{Key, Object, ResourceVersion};

/// The in-order queue. client-go's `RealFIFO`.
#[derive(Debug)]
pub struct Fifo<T> {
    deltas: VecDeque<Delta<T>>,
    /// Whether anything has been put in.
    populated: bool,
    /// How many deltas of the first replace are still queued.
    initial: usize,
}

/// What [`Fifo::pop`] gives.
#[derive(Debug)]
pub struct Popped<T> {
    /// The delta.
    pub delta: Delta<T>,
    /// Whether it belongs to the initial list.
    pub is_in_initial_list: bool,
}

impl<T> Default for Fifo<T> {
    fn default() -> Self {
        Self { deltas: VecDeque::new(), populated: false, initial: 0 }
    }
}

impl<T: Object> Fifo<T> {
    /// An empty queue.
    pub fn new() -> Self {
        Self::default()
    }

    /// Queues what the reflector says; a list and a resync as one delta each.
    pub fn push(&mut self, change: Change<T>) {
        match change {
            Change::Added(object) => self.add(object),
            Change::Updated(object) => self.update(object),
            Change::Deleted(object) => self.delete(object),
            Change::Replaced { objects, resource_version } => self.replace(objects, resource_version),
            Change::Bookmark(resource_version) => self.bookmark(resource_version),
            Change::Resync => self.resync(),
        }
    }

    /// Queues an object that appeared.
    pub fn add(&mut self, object: Arc<T>) {
        self.populated = true;
        self.deltas.push_back(Delta::Added(object));
    }

    /// Queues an object that changed.
    pub fn update(&mut self, object: Arc<T>) {
        self.populated = true;
        self.deltas.push_back(Delta::Updated(object));
    }

    /// Queues an object that went.
    pub fn delete(&mut self, object: Arc<T>) {
        self.populated = true;
        self.deltas.push_back(Delta::Deleted(object));
    }

    /// Queues a whole list, as one delta.
    pub fn replace(&mut self, objects: Vec<Arc<T>>, resource_version: ResourceVersion) {
        self.deltas.push_back(Delta::ReplacedAll { objects, resource_version });
        self.count_initial();
    }

    /// Queues a whole list, delta by delta: first a deletion for each object that is queued or known and not in the
    /// list, then each object of the list. client-go's `Replace` without `AtomicEvents`.
    pub fn replace_each(&mut self, known: &impl KnownObjects<T>, objects: Vec<Arc<T>>) {
        let listed: HashSet<Key> = objects.iter().map(|object| object.key()).collect();
        let (order, last) = self.last_queued();
        let mut deletions = Vec::new();
        for key in order.iter().filter(|key| !listed.contains(*key)) {
            deletions.extend(last.get(key).filter(|(_, deleted)| !deleted).map(|(object, _)| object.clone()));
        }
        let unseen = |key: &Key| !listed.contains(key) && !last.contains_key(key);
        deletions.extend(known.all_known().filter(|object| unseen(&object.key())).cloned());
        self.deltas.extend(deletions.into_iter().map(Delta::DeletedFinalStateUnknown));
        self.deltas.extend(objects.into_iter().map(Delta::Replaced));
        self.count_initial();
    }

    /// Queues a resync, as one delta.
    pub fn resync(&mut self) {
        self.deltas.push_back(Delta::SyncAll);
    }

    /// Queues a resync, delta by delta, for the known objects that have nothing queued. client-go's `Resync` without
    /// `AtomicEvents`.
    pub fn resync_each(&mut self, known: &impl KnownObjects<T>) {
        let (_, last) = self.last_queued();
        let quiet = known.all_known().filter(|object| !last.contains_key(&object.key()));
        self.deltas.extend(quiet.cloned().map(Delta::Sync));
    }

    /// Queues a bookmark.
    pub fn bookmark(&mut self, resource_version: ResourceVersion) {
        self.deltas.push_back(Delta::Bookmark(resource_version));
    }

    /// The oldest delta.
    pub fn pop(&mut self) -> Option<Popped<T>> {
        let is_in_initial_list = !self.has_synced();
        let delta = self.deltas.pop_front()?;
        self.initial = self.initial.saturating_sub(1);
        Some(Popped { delta, is_in_initial_list })
    }

    /// Whether the first list has been popped, or something else came first.
    pub fn has_synced(&self) -> bool {
        self.populated && self.initial == 0
    }

    /// How many deltas are queued.
    pub fn len(&self) -> usize {
        self.deltas.len()
    }

    /// Whether nothing is queued.
    pub fn is_empty(&self) -> bool {
        self.deltas.is_empty()
    }

    fn count_initial(&mut self) {
        if !self.populated {
            self.populated = true;
            self.initial = self.deltas.len();
        }
    }

    /// The keys that have something queued, in order, and the newest object of each with whether it is a deletion.
    #[expect(clippy::type_complexity, reason = "two views of one pass, used right here")]
    fn last_queued(&self) -> (Vec<Key>, HashMap<Key, (Arc<T>, bool)>) {
        let (mut order, mut last) = (Vec::new(), HashMap::new());
        for delta in &self.deltas {
            let Some(object) = delta.object() else { continue };
            let key = object.key();
            if last.insert(key.clone(), (object.clone(), delta.is_deletion())).is_none() {
                order.push(key);
            }
        }
        (order, last)
    }
}

#[cfg(test)]
mod tests;
