//! Everything between the reflector and the handlers: queue, store and fan-out under one writer.
//!
//! Follows client-go's `tools/cache/controller.go` (`processDeltas`, `processReplacedAllInfo`) and
//! `tools/cache/shared_informer.go` (0.37).
//!
//! Invariants: an event is distributed after the store shows what it tells; per key, added and deleted alternate, and
//! versions of one uid do not go back by a watch.
//!
//! Differs: a deletion of an object the store does not hold is not told (client-go's in-order queue tells it, its
//! classic one does not), so that additions and deletions pair up; a watch event older than the state held of the same
//! uid is left out and counted, where client-go would step back.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use super::event::{Change, Delta, Event};
use super::fifo::{Fifo, Popped};
use super::index::IndexFunction;
use super::indexer::{Indexer, Outdated};
use super::processor::{HandlerId, HandlerOptions, Processor};
use crate::error::Error;
use crate::meta::{Object, ResourceVersion};
use crate::time::{Histogram, Instant};

/// Where a pipeline keeps its objects: an [`Indexer`], or one that a driver publishes to its readers.
pub trait Store<T> {
    /// Looks at the objects.
    fn read<R>(&self, look: impl FnOnce(&Indexer<T>) -> R) -> R;

    /// Makes a small change: of one object.
    fn write<R>(&mut self, change: impl FnOnce(&mut Indexer<T>) -> R) -> R;

    /// Makes a large change, of many objects: readers may see what was there before until it is complete.
    fn rebuild<R>(&mut self, change: impl FnOnce(&mut Indexer<T>) -> R) -> R;
}

impl<T> Store<T> for Indexer<T> {
    fn read<R>(&self, look: impl FnOnce(&Indexer<T>) -> R) -> R {
        look(self)
    }

    fn write<R>(&mut self, change: impl FnOnce(&mut Indexer<T>) -> R) -> R {
        change(self)
    }

    fn rebuild<R>(&mut self, change: impl FnOnce(&mut Indexer<T>) -> R) -> R {
        change(self)
    }
}

/// Queue, store and fan-out of one informer. The pure part of client-go's `sharedIndexInformer`.
#[derive(Debug)]
pub struct Pipeline<T, S = Indexer<T>> {
    fifo: Fifo<T>,
    /// When each of the queued deltas came.
    arrived: VecDeque<Instant>,
    queue_latency: Histogram,
    store: S,
    processor: Processor<T>,
    outdated: u64,
}

impl<T: Object> Pipeline<T> {
    /// An empty one. `default_resync_period` is for handlers that do not say; zero is never.
    pub fn new(default_resync_period: Duration) -> Self {
        Self::with_store(default_resync_period, Indexer::new())
    }
}

impl<T: Object, S: Store<T>> Pipeline<T, S> {
    /// One that keeps its objects in `store`, which is empty and which nobody else changes.
    pub fn with_store(default_resync_period: Duration, store: S) -> Self {
        let processor = Processor::new(default_resync_period);
        let (fifo, arrived) = (Fifo::new(), VecDeque::new());
        Self { fifo, arrived, queue_latency: Histogram::default(), store, processor, outdated: 0 }
    }

    /// The store, to read.
    pub fn store(&self) -> &S {
        &self.store
    }

    /// Adds an index, over what is there already too. Fails if the name is taken. client-go's `AddIndexers`.
    pub fn add_index(&mut self, name: &str, function: Arc<dyn IndexFunction<T>>) -> Result<(), Error> {
        // Before a whole store is copied for it.
        self.store.read(|indexer| indexer.expect_no_index(name))?;
        self.store.rebuild(|indexer| indexer.add_index(name, function))
    }

    /// The fan-out.
    pub fn processor(&self) -> &Processor<T> {
        &self.processor
    }

    /// The fan-out, to take events from and to remove handlers.
    pub fn processor_mut(&mut self) -> &mut Processor<T> {
        &mut self.processor
    }

    /// Adds a handler, which is first told of everything in the store.
    pub fn add_handler(&mut self, now: Instant, options: HandlerOptions) -> HandlerId {
        let Self { store, processor, .. } = self;
        store.read(|indexer| processor.add_handler(now, options, indexer.iter()))
    }

    /// Queues what the reflector says. A resync is queued only if a handler is due for one.
    pub fn handle_change(&mut self, now: Instant, change: Change<T>) {
        self.processor.set_now(now);
        if !matches!(change, Change::Resync) || self.processor.should_resync(now) {
            self.fifo.push(change);
            self.arrived.push_back(now);
        }
    }

    /// Applies the oldest queued delta; false if there is none, or if a handler pauses the informer.
    pub fn step(&mut self, now: Instant) -> bool {
        if self.processor.paused() {
            return false;
        }
        let Some(Popped { delta, is_in_initial_list }) = self.fifo.pop() else { return false };
        if let Some(arrived) = self.arrived.pop_front() {
            self.queue_latency.observe(now.saturating_duration_since(arrived));
        }
        self.apply(delta, is_in_initial_list);
        if is_in_initial_list && self.fifo.has_synced() {
            self.processor.handle_upstream_synced();
        }
        true
    }

    /// Applies what is queued until nothing is, or a handler pauses the informer. Returns how many deltas it applied.
    pub fn run(&mut self, now: Instant) -> usize {
        std::iter::from_fn(|| self.step(now).then_some(())).count()
    }

    /// Whether a handler pauses the informer: read no more from the server until it does not.
    pub fn paused(&self) -> bool {
        self.processor.paused()
    }

    /// Whether the first list is in the store. client-go's `HasSynced`.
    pub fn has_synced(&self) -> bool {
        self.fifo.has_synced()
    }

    /// How many deltas are queued.
    pub fn queued(&self) -> usize {
        self.fifo.len()
    }

    /// How long deltas were queued before they were applied: no time, but for those that a paused informer holds back.
    pub fn queue_latency(&self) -> &Histogram {
        &self.queue_latency
    }

    /// How many watch events were left out since they were older than the state held.
    pub fn outdated(&self) -> u64 {
        self.outdated
    }

    fn apply(&mut self, delta: Delta<T>, is_in_initial_list: bool) {
        match delta {
            Delta::Added(object) | Delta::Updated(object) => {
                match self.store.write(|indexer| indexer.advance(object.clone())) {
                    Ok(old) => self.tell(old, object, is_in_initial_list),
                    Err(Outdated) => self.outdated += 1,
                }
            }
            Delta::Replaced(object) | Delta::Sync(object) => self.put(object, is_in_initial_list),
            Delta::Deleted(object) => self.delete(object, false),
            Delta::DeletedFinalStateUnknown(object) => self.delete(object, true),
            Delta::ReplacedAll { objects, resource_version } => {
                self.replace(objects, &resource_version, is_in_initial_list);
            }
            Delta::SyncAll => {
                let Self { store, processor, .. } = self;
                store.read(|indexer| {
                    for object in indexer.iter() {
                        let event = Event::Updated { old: object.clone(), new: object.clone() };
                        processor.distribute(&event, true);
                    }
                });
            }
            Delta::Bookmark(version) => self.store.write(|indexer| indexer.bookmark(&version)),
        }
    }

    fn put(&mut self, object: Arc<T>, is_in_initial_list: bool) {
        let old = self.store.write(|indexer| indexer.insert(object.clone()));
        self.tell(old, object, is_in_initial_list);
    }

    fn tell(&mut self, old: Option<Arc<T>>, new: Arc<T>, is_in_initial_list: bool) {
        match old {
            Some(old) => {
                let is_sync = old.meta().resource_version == new.meta().resource_version;
                self.processor.distribute(&Event::Updated { old, new }, is_sync);
            }
            None => self.processor.distribute(&Event::Added { object: new, is_in_initial_list }, false),
        }
    }

    fn delete(&mut self, object: Arc<T>, final_state_unknown: bool) {
        if self.store.write(|indexer| indexer.remove_object(&object)).is_some() {
            self.processor.distribute(&Event::Deleted { object, final_state_unknown }, false);
        }
    }

    fn replace(&mut self, objects: Vec<Arc<T>>, version: &ResourceVersion, is_in_initial_list: bool) {
        let replacement = self.store.rebuild(|indexer| indexer.replace(objects, version));
        for object in replacement.removed {
            self.processor.distribute(&Event::Deleted { object, final_state_unknown: true }, false);
        }
        for (old, new) in replacement.stored {
            self.tell(old, new, is_in_initial_list);
        }
    }
}

#[cfg(test)]
mod tests;
