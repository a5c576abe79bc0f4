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
    entries: Vec<Entries>,
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

/// Where a slot stands, ordered by posting. One value is the rule and needs no allocation; many lie behind one pointer, so
/// that none of this takes more than 16 bytes.
#[derive(Clone, Default)]
enum Entries {
    #[default]
    None,
    One(Entry),
    Many(Box<Box<[Entry]>>),
}

impl Entries {
    fn as_slice(&self) -> &[Entry] {
        match self {
            Self::None => &[],
            Self::One(entry) => std::slice::from_ref(entry),
            Self::Many(entries) => entries,
        }
    }

    fn as_mut_slice(&mut self) -> &mut [Entry] {
        match self {
            Self::None => &mut [],
            Self::One(entry) => std::slice::from_mut(entry),
            Self::Many(entries) => entries,
        }
    }
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
        }
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
        let entries = match *entries {
            [] => Entries::None,
            [entry] => Entries::One(entry),
            _ => Entries::Many(Box::new(entries.into_boxed_slice())),
        };
        let place = slot as usize;
        if self.entries.len() <= place {
            self.entries.resize_with(place + 1, Entries::default);
        }
        self.entries[place] = entries;
    }

    /// `slot` holds nothing any more.
    pub(super) fn leave(&mut self, slot: u32) {
        let Some(entries) = self.entries.get_mut(slot as usize).map(std::mem::take) else { return };
        for &Entry { posting, position } in entries.as_slice() {
            self.swap_remove(posting, position);
        }
    }

    /// The common case of an update: the one value stays, and nothing needs to be done.
    fn names_only_the_present_value(&self, slot: u32, object: &T) -> bool {
        let Some(Entries::One(entry)) = self.entries.get(slot as usize) else { return false };
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
    fn swap_remove(&mut self, posting: u32, position: u32) {
        let slots = &mut self.postings[posting as usize].slots;
        slots.swap_remove(position as usize);
        if let Some(&moved) = slots.get(position as usize) {
            let entries = self.entries[moved as usize].as_mut_slice();
            if let Ok(entry) = entries.binary_search_by_key(&posting, |entry| entry.posting) {
                entries[entry].position = position;
            }
        } else if slots.is_empty() {
            let hash = self.hasher.hash_one(&*self.postings[posting as usize].value);
            if let Ok(entry) = self.by_value.find_entry(hash, |&other| other == posting as usize) {
                entry.remove();
            }
            self.postings.remove(posting as usize);
        }
    }
}
