//! One index of the [`Indexer`](super::Indexer): from a value to the slots of the objects that have it.
//!
//! Follows client-go's `tools/cache/thread_safe_store.go` and `index.go` (0.37).
//!
//! Invariant: a slot is in the posting of a value exactly if the index function names that value for the slot's object,
//! and each entry of a slot knows its position in its posting, so that entering and leaving cost the same however many
//! objects share the value.

use std::borrow::Cow;
use std::hash::BuildHasher;
use std::sync::Arc;

use hashbrown::{DefaultHashBuilder, HashTable};
use slab::Slab;

use crate::portable::{MaybeSend, MaybeSync};

/// The name of the index every indexer begins with: the namespace of the object. client-go's `cache.NamespaceIndex`.
pub const NAMESPACE_INDEX: &str = "namespace";

/// Names the values an object is found by. client-go's `IndexFunc`.
///
/// It must name the same values for the same object each time, and is called while the store is locked: it must not ask
/// the informer anything. Closures `|object, emit| emit("value")` are index functions; [`index_by_value`] makes one of a
/// closure that returns at most one value.
pub trait IndexFunction<T>: MaybeSend + MaybeSync + 'static {
    /// Calls `emit` for each value. A value named twice counts once.
    fn values(&self, object: &T, emit: &mut dyn FnMut(&str));
}

impl<T, F> IndexFunction<T> for F
where
    F: Fn(&T, &mut dyn FnMut(&str)) + MaybeSend + MaybeSync + 'static,
{
    fn values(&self, object: &T, emit: &mut dyn FnMut(&str)) {
        self(object, emit);
    }
}

/// An index function of at most one value, often borrowed from the object: `|pod| pod.text("spec.nodeName")`.
pub fn index_by_value<T: 'static>(
    value: impl Fn(&T) -> Option<Cow<'_, str>> + MaybeSend + MaybeSync + 'static,
) -> Arc<dyn IndexFunction<T>> {
    Arc::new(move |object: &T, emit: &mut dyn FnMut(&str)| {
        if let Some(value) = value(object) {
            emit(&value);
        }
    })
}

/// Value to slots, and slot to entries.
pub(super) struct Index<T> {
    pub(super) name: String,
    function: Arc<dyn IndexFunction<T>>,
    hasher: DefaultHashBuilder,
    by_value: HashTable<usize>,
    postings: Slab<Posting>,
    /// The entry of each slot: one value is the rule, and takes no more than this.
    entries: Vec<Entry>,
    /// The entries of slots that have several, ordered by posting.
    several: Slab<Box<[Entry]>>,
}

impl<T> Clone for Index<T> {
    fn clone(&self) -> Self {
        Self {
            name: self.name.clone(),
            function: self.function.clone(),
            hasher: self.hasher.clone(),
            by_value: self.by_value.clone(),
            postings: self.postings.clone(),
            entries: self.entries.clone(),
            several: self.several.clone(),
        }
    }
}

/// The slots of the objects that have one value.
#[derive(Clone)]
struct Posting {
    value: Box<str>,
    slots: Vec<u32>,
}

/// Where a slot stands in one posting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Entry {
    posting: u32,
    position: u32,
}

impl Entry {
    /// The slot has no entry.
    const NONE: Self = Self { posting: u32::MAX, position: 0 };
    /// In the place of a posting: the slot has several entries, and the position says where in [`Index::several`].
    const SEVERAL: u32 = u32::MAX - 1;
}

impl<T: 'static> Index<T> {
    pub(super) fn new(name: String, function: Arc<dyn IndexFunction<T>>) -> Self {
        Self {
            name,
            function,
            hasher: DefaultHashBuilder::default(),
            by_value: HashTable::new(),
            postings: Slab::new(),
            entries: Vec::new(),
            several: Slab::new(),
        }
    }

    /// Makes room for so many slots, and for no more.
    pub(super) fn reserve(&mut self, slots: usize) {
        self.entries.reserve_exact(slots.saturating_sub(self.entries.len()));
    }

    /// The slots of the objects that have `value`, in no particular but a reproducible order.
    pub(super) fn slots(&self, value: &str) -> &[u32] {
        let hash = self.hasher.hash_one(value);
        let posting = self.by_value.find(hash, |&posting| self.has_value(posting, value));
        posting.and_then(|&posting| self.postings.get(posting)).map_or(&[], |posting| &posting.slots)
    }

    /// Every value some object has.
    pub(super) fn values(&self) -> impl Iterator<Item = &str> {
        self.postings.iter().map(|(_, posting)| &*posting.value)
    }

    /// Whether it names `value` for `object`.
    pub(super) fn names(&self, object: &T, value: &str) -> bool {
        let mut found = false;
        self.function.values(object, &mut |named| found |= named == value);
        found
    }

    /// `slot` now holds `object`, or another state of it.
    pub(super) fn enter(&mut self, slot: u32, object: &T) {
        if self.names_only_the_present_value(slot, object) {
            return;
        }
        self.leave(slot);
        let mut wanted: Vec<u32> = Vec::new();
        let function = self.function.clone();
        function.values(object, &mut |value| wanted.push(self.posting(value)));
        wanted.sort_unstable();
        wanted.dedup();
        let entries = wanted.iter().map(|&posting| self.push(posting, slot)).collect::<Vec<_>>();
        let entry = match *entries {
            [] => Entry::NONE,
            [entry] => entry,
            _ => Entry { posting: Entry::SEVERAL, position: self.several.insert(entries.into()) as u32 },
        };
        let place = slot as usize;
        if self.entries.len() <= place {
            self.entries.resize(place + 1, Entry::NONE);
        }
        self.entries[place] = entry;
    }

    /// `slot` holds nothing any more.
    pub(super) fn leave(&mut self, slot: u32) {
        let Some(entry) = self.entries.get_mut(slot as usize) else { return };
        match std::mem::replace(entry, Entry::NONE) {
            Entry::NONE => {}
            Entry { posting: Entry::SEVERAL, position } => {
                let entries = self.several.remove(position as usize);
                entries.iter().for_each(|entry| self.swap_remove(*entry));
            }
            entry => self.swap_remove(entry),
        }
    }

    /// The common case of an update: the one value stays, and nothing needs to be done.
    fn names_only_the_present_value(&self, slot: u32, object: &T) -> bool {
        // What stands there for none or several is no posting.
        let is_one = |entry: &&Entry| self.postings.contains(entry.posting as usize);
        let Some(entry) = self.entries.get(slot as usize).filter(is_one) else { return false };
        let (mut count, mut same) = (0, true);
        self.function.values(object, &mut |value| {
            count += 1;
            same &= self.has_value(entry.posting as usize, value);
        });
        count == 1 && same
    }

    fn has_value(&self, posting: usize, value: &str) -> bool {
        self.postings.get(posting).is_some_and(|posting| &*posting.value == value)
    }

    /// The posting of `value`, made if there is none.
    fn posting(&mut self, value: &str) -> u32 {
        let hash = self.hasher.hash_one(value);
        let found = self.by_value.find(hash, |&posting| self.has_value(posting, value));
        let posting = found.copied().unwrap_or_else(|| {
            let posting = self.postings.insert(Posting { value: value.into(), slots: Vec::new() });
            let (hasher, postings) = (&self.hasher, &self.postings);
            self.by_value.insert_unique(hash, posting, |&other| hasher.hash_one(&*postings[other].value));
            posting
        });
        posting as u32
    }

    fn push(&mut self, posting: u32, slot: u32) -> Entry {
        let slots = &mut self.postings[posting as usize].slots;
        slots.push(slot);
        Entry { posting, position: (slots.len() - 1) as u32 }
    }

    /// Takes one slot out of a posting; the last one moves into its place. An empty posting goes.
    fn swap_remove(&mut self, Entry { posting, position }: Entry) {
        let slots = &mut self.postings[posting as usize].slots;
        slots.swap_remove(position as usize);
        if let Some(&moved) = slots.get(position as usize) {
            let mut entry = &mut self.entries[moved as usize];
            if entry.posting == Entry::SEVERAL {
                let entries = &mut self.several[entry.position as usize];
                let Ok(found) = entries.binary_search_by_key(&posting, |entry| entry.posting) else { return };
                entry = &mut entries[found];
            }
            entry.position = position;
        } else if slots.is_empty() {
            let hash = self.hasher.hash_one(&*self.postings[posting as usize].value);
            if let Ok(entry) = self.by_value.find_entry(hash, |&other| other == posting as usize) {
                entry.remove();
            }
            self.postings.remove(posting as usize);
        }
    }
}
