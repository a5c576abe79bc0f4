//! The entries of a queue, and the lists they stand in: one place per key, found by key, in one list at a time.
//!
//! Invariant: an entry is linked in one list at most, and the table finds every entry. Adding, moving and taking out are
//! O(1) and allocate nothing once the slots are there; links are indices, so nothing is unsafe.

use std::hash::{BuildHasher, Hash};

use hashbrown::{DefaultHashBuilder, HashTable};
use slab::Slab;

use super::delays::Due;
use crate::time::Instant;

/// No entry.
const NONE: u32 = u32::MAX;

/// One list of entries, in the order they were appended.
#[derive(Clone, Copy, Debug)]
pub(super) struct List {
    head: u32,
    tail: u32,
    len: usize,
}

impl List {
    pub(super) const EMPTY: Self = Self { head: NONE, tail: NONE, len: 0 };

    pub(super) fn len(&self) -> usize {
        self.len
    }

    pub(super) fn first(&self) -> Option<usize> {
        (self.head != NONE).then_some(self.head as usize)
    }
}

/// One key and how it stands; `S` says in which list.
#[derive(Debug)]
pub(super) struct Entry<T, S> {
    pub(super) item: T,
    pub(super) stage: S,
    /// When it was added, and once it is with a worker, since when.
    pub(super) since: Instant,
    /// What it waits for, to be added then, whatever its stage.
    pub(super) due: Option<Due>,
    hash: u64,
    previous: u32,
    next: u32,
}

/// All entries.
pub(super) struct Entries<T, S> {
    hasher: DefaultHashBuilder,
    by_item: HashTable<u32>,
    slots: Slab<Entry<T, S>>,
}

impl<T: Hash + Eq, S> Entries<T, S> {
    pub(super) fn new() -> Self {
        Self { hasher: DefaultHashBuilder::default(), by_item: HashTable::new(), slots: Slab::new() }
    }

    /// The slot of `item`, or the hash to insert it with.
    pub(super) fn find(&self, item: &T) -> Result<usize, u64> {
        let hash = self.hasher.hash_one(item);
        let same = |slot: &u32| self.get(*slot as usize).is_some_and(|entry| entry.item == *item);
        self.by_item.find(hash, same).map(|slot| *slot as usize).ok_or(hash)
    }

    pub(super) fn get(&self, slot: usize) -> Option<&Entry<T, S>> {
        self.slots.get(slot)
    }

    pub(super) fn get_mut(&mut self, slot: usize) -> Option<&mut Entry<T, S>> {
        self.slots.get_mut(slot)
    }

    /// Puts in an item that is not there; `hash` is what [`Self::find`] gave. It is in no list yet.
    pub(super) fn insert(&mut self, hash: u64, item: T, stage: S, since: Instant) -> usize {
        let entry = Entry { item, stage, since, due: None, hash, previous: NONE, next: NONE };
        let slot = self.slots.insert(entry);
        let Self { by_item, slots, .. } = self;
        by_item
            .insert_unique(hash, slot as u32, |slot| slots.get(*slot as usize).map_or(0, |entry| entry.hash));
        slot
    }

    /// Takes an entry out, which must be in no list any more.
    pub(super) fn remove(&mut self, slot: usize) -> Option<T> {
        let entry = self.slots.try_remove(slot)?;
        if let Ok(found) = self.by_item.find_entry(entry.hash, |held| *held as usize == slot) {
            found.remove();
        }
        Some(entry.item)
    }

    /// Appends an entry to `list`.
    pub(super) fn append(&mut self, list: &mut List, slot: usize) {
        let place = slot as u32;
        if let Some(entry) = self.slots.get_mut(slot) {
            (entry.previous, entry.next) = (list.tail, NONE);
        }
        match self.slots.get_mut(list.tail as usize) {
            Some(last) if list.tail != NONE => last.next = place,
            _ => list.head = place,
        }
        list.tail = place;
        list.len += 1;
    }

    /// Takes an entry out of the list it is in.
    pub(super) fn unlink(&mut self, list: &mut List, slot: usize) {
        let Some(entry) = self.slots.get(slot) else { return };
        let (previous, next) = (entry.previous, entry.next);
        match self.slots.get_mut(previous as usize) {
            Some(entry) if previous != NONE => entry.next = next,
            _ => list.head = next,
        }
        match self.slots.get_mut(next as usize) {
            Some(entry) if next != NONE => entry.previous = previous,
            _ => list.tail = previous,
        }
        list.len -= 1;
    }

    /// The entries of `list`, in order.
    pub(super) fn iter(&self, list: &List) -> impl Iterator<Item = &Entry<T, S>> {
        let mut place = list.head;
        std::iter::from_fn(move || {
            let entry = self.slots.get(place as usize).filter(|_| place != NONE)?;
            place = entry.next;
            Some(entry)
        })
    }
}
