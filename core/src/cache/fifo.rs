//! The informer's queue: every change in the order it came, a whole list as one entry.
//!
//! Follows client-go's `tools/cache/the_real_fifo.go` (0.37), `RealFIFO` with `AtomicEvents` and bookmark deltas, which
//! is what its informers use. Its older form, a list delta by delta, is what [`DeltaFifo`](super::DeltaFifo) does.
//!
//! Invariant: deltas leave in the order they entered, none is merged and none is dropped.
//!
//! Differs: no lock and no waiting, so no close; `has_synced` turns true when the last initial delta is popped, so
//! process what you popped before you ask (client-go holds its lock until then); no batches, since the consumer applies
//! as many deltas as it likes in one turn.

use std::collections::VecDeque;
use std::sync::Arc;

use super::event::{Change, Delta};
use crate::meta::{Object, ResourceVersion};

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

    /// Queues a resync, as one delta.
    pub fn resync(&mut self) {
        self.deltas.push_back(Delta::SyncAll);
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
}

#[cfg(test)]
mod tests;
