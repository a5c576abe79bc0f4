//! What waits for one handler.
//!
//! Invariant: told in the order it pops, additions and deletions of a key alternate if they did as they were pushed.

use std::collections::{BTreeMap, VecDeque};
use std::hash::BuildHasher;

use hashbrown::{DefaultHashBuilder, HashTable};

use super::Delivery;
use crate::cache::event::Event;
use crate::meta::{MetaRef, Object};

/// A queue of events, coalescing or not.
pub(super) enum Pending<T> {
    Coalesce(Coalescing<T>),
    Lossless { events: VecDeque<Event<T>>, capacity: usize, initial: usize },
}

/// So many events have room while nothing waits: a burst's is given back when it is through, and what comes by a few is
/// queued without asking for memory.
const KEPT: usize = 256;

/// At most one entry per key; entries in the order their keys began to wait.
pub(super) struct Coalescing<T> {
    entries: BTreeMap<u64, Entry<T>>,
    by_key: HashTable<u64>,
    hasher: DefaultHashBuilder,
    next: u64,
    initial: usize,
    coalesced: u64,
    /// Events, which are more than entries where an addition follows a deletion.
    waiting: usize,
}

/// What waits of one key.
struct Entry<T> {
    event: Event<T>,
    /// `event` is a deletion, and this addition follows it.
    then: Option<Event<T>>,
}

impl<T: Object> Pending<T> {
    pub(super) fn new(delivery: Delivery) -> Self {
        match delivery {
            Delivery::Coalesce => Self::Coalesce(Coalescing {
                entries: BTreeMap::new(),
                by_key: HashTable::new(),
                hasher: DefaultHashBuilder::default(),
                next: 0,
                initial: 0,
                coalesced: 0,
                waiting: 0,
            }),
            Delivery::Lossless { capacity } => {
                Self::Lossless { events: VecDeque::new(), capacity: capacity.max(1), initial: 0 }
            }
        }
    }

    pub(super) fn push(&mut self, event: Event<T>) {
        match self {
            Self::Coalesce(coalescing) => coalescing.push(event),
            Self::Lossless { events, initial, .. } => {
                *initial += usize::from(event.is_initial());
                events.push_back(event);
            }
        }
    }

    pub(super) fn pop(&mut self) -> Option<Event<T>> {
        match self {
            Self::Coalesce(coalescing) => coalescing.pop(),
            Self::Lossless { events, initial, .. } => {
                let event = events.pop_front()?;
                *initial -= usize::from(event.is_initial());
                if events.is_empty() {
                    events.shrink_to(KEPT);
                }
                Some(event)
            }
        }
    }

    pub(super) fn len(&self) -> usize {
        match self {
            Self::Coalesce(coalescing) => coalescing.waiting,
            Self::Lossless { events, .. } => events.len(),
        }
    }

    pub(super) fn is_full(&self) -> bool {
        matches!(self, Self::Lossless { events, capacity, .. } if events.len() >= *capacity)
    }

    /// How many of the waiting events are initial adds.
    pub(super) fn initial(&self) -> usize {
        match self {
            Self::Coalesce(Coalescing { initial, .. }) | Self::Lossless { initial, .. } => *initial,
        }
    }

    pub(super) fn coalesced(&self) -> u64 {
        match self {
            Self::Coalesce(coalescing) => coalescing.coalesced,
            Self::Lossless { .. } => 0,
        }
    }
}

impl<T: Object> Coalescing<T> {
    fn push(&mut self, event: Event<T>) {
        let hash = hash_of(&self.hasher, &event);
        let place =
            self.by_key.find(hash, |place| self.entries.get(place).is_some_and(|entry| entry.is_of(&event)));
        let Some(&place) = place else {
            self.initial += usize::from(event.is_initial());
            self.waiting += 1;
            self.entries.insert(self.next, Entry { event, then: None });
            let (hasher, entries) = (&self.hasher, &self.entries);
            let rehash = |place: &u64| entries.get(place).map_or(0, |entry| hash_of(hasher, &entry.event));
            self.by_key.insert_unique(hash, self.next, rehash);
            self.next += 1;
            return;
        };
        self.coalesced += 1;
        let Some(mut entry) = self.entries.remove(&place) else { return };
        self.uncount(&entry);
        if entry.merge(event) {
            self.count(&entry);
            self.entries.insert(place, entry);
        } else if let Ok(found) = self.by_key.find_entry(hash, |&other| other == place) {
            found.remove();
        }
    }

    fn pop(&mut self) -> Option<Event<T>> {
        let mut first = self.entries.first_entry()?;
        let entry = first.get_mut();
        self.waiting -= 1;
        let event = match entry.then.take() {
            Some(then) => std::mem::replace(&mut entry.event, then),
            None => {
                let (place, Entry { event, .. }) = first.remove_entry();
                if let Ok(found) =
                    self.by_key.find_entry(hash_of(&self.hasher, &event), |&other| other == place)
                {
                    found.remove();
                }
                event
            }
        };
        if self.by_key.is_empty() {
            // Nothing is hashed anew where there is nothing.
            self.by_key.shrink_to(KEPT, |_| 0);
        }
        self.initial -= usize::from(event.is_initial());
        Some(event)
    }

    fn count(&mut self, entry: &Entry<T>) {
        self.waiting += entry.len();
        self.initial += entry.initial();
    }

    fn uncount(&mut self, entry: &Entry<T>) {
        self.waiting -= entry.len();
        self.initial -= entry.initial();
    }
}

impl<T: Object> Entry<T> {
    fn is_of(&self, event: &Event<T>) -> bool {
        let (held, new) = (self.event.object().meta(), event.object().meta());
        held.name == new.name && held.namespace == new.namespace
    }

    fn len(&self) -> usize {
        1 + usize::from(self.then.is_some())
    }

    fn initial(&self) -> usize {
        usize::from(self.event.is_initial()) + usize::from(self.then.as_ref().is_some_and(Event::is_initial))
    }

    /// Takes in a later event of the same key; false if nothing is left to tell.
    fn merge(&mut self, later: Event<T>) -> bool {
        if matches!(self.event, Event::Deleted { .. }) {
            // The handler still has the object that was deleted: tell of that, then of what came after it, if it stays.
            self.then = match later {
                Event::Deleted { .. } => None,
                Event::Added { .. } => Some(later),
                Event::Updated { new, .. } => {
                    Some(Event::Added { object: new, is_in_initial_list: self.then_is_initial() })
                }
            };
            return true;
        }
        match (&mut self.event, later) {
            (Event::Added { .. }, Event::Deleted { .. }) => return false,
            (Event::Added { object, .. }, Event::Updated { new, .. } | Event::Added { object: new, .. }) => {
                *object = new;
            }
            (
                Event::Updated { new, .. },
                Event::Updated { new: newer, .. } | Event::Added { object: newer, .. },
            ) => {
                *new = newer;
            }
            (event, later) => *event = later,
        }
        true
    }

    fn then_is_initial(&self) -> bool {
        self.then.as_ref().is_some_and(Event::is_initial)
    }
}

fn hash_of<T: Object>(hasher: &DefaultHashBuilder, event: &Event<T>) -> u64 {
    let MetaRef { namespace, name, .. } = event.object().meta();
    hasher.hash_one((namespace, name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cache::sample::object;

    fn room(pending: &Pending<k8s_openapi::api::core::v1::ConfigMap>) -> usize {
        match pending {
            Pending::Coalesce(coalescing) => coalescing.by_key.capacity(),
            Pending::Lossless { events, .. } => events.capacity(),
        }
    }

    #[test]
    fn the_room_of_a_burst_is_given_back_and_that_of_a_few_events_kept() {
        for delivery in [Delivery::Coalesce, Delivery::Lossless { capacity: 1 }] {
            let mut pending = Pending::new(delivery);
            let rooms = [KEPT * 10, 10, 10].map(|events| {
                for number in 0..events {
                    let object = object(&number.to_string(), "1", 1);
                    pending.push(Event::Added { object, is_in_initial_list: false });
                }
                let most = room(&pending);
                assert_eq!(std::iter::from_fn(|| pending.pop()).count(), events);
                (most, room(&pending))
            });
            let [(most, burst), few, again] = rooms;
            assert!(most >= KEPT * 10 && (KEPT..KEPT * 4).contains(&burst), "{delivery:?}: {most}, {burst}");
            assert!(few == (burst, burst) && few == again, "{delivery:?}: {few:?}, {again:?}");
        }
    }
}
