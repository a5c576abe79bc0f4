//! The store: every object once, found by key and by index.
//!
//! Follows client-go's `tools/cache/thread_safe_store.go` (0.37), `Store` and `Indexer`.
//!
//! Invariants: one slot per key; every index knows exactly the objects that are there. Keys are read from the objects,
//! never kept beside them. Iteration goes by slot, so the same operations give the same order.
//!
//! Differs: no lock (one writer; the driver publishes it to readers; a clone shares the objects); a list of all shares
//! them too and costs nothing for each, where client-go copies a slice; `replace` keeps the objects that did not change
//! and tells what did; an index function cannot fail, and asking for an index that is not there gives nothing instead of
//! an error.

use std::cmp::Ordering;
use std::fmt;
use std::hash::BuildHasher;
use std::sync::Arc;

use hashbrown::{DefaultHashBuilder, HashTable};

use super::event::KnownObjects;
use super::index::{Index, IndexFunction, NAMESPACE_INDEX};
use super::objects::{Iter, Objects, Slots};
use crate::error::Error;
use crate::meta::{Key, MetaRef, Object, ResourceVersion};

/// The store. client-go's `cache.Indexer`.
pub struct Indexer<T> {
    hasher: DefaultHashBuilder,
    by_key: HashTable<u32>,
    slots: Slots<T>,
    indexes: Vec<Index<T>>,
    /// The text of the version last stored; kept as a buffer, since it changes with every event.
    version: String,
}

/// What [`Indexer::replace`] did.
#[derive(Debug)]
pub struct Replacement<T> {
    /// The objects that are no longer there.
    pub removed: Vec<Arc<T>>,
    /// For each object of the list, what its key held before and what it holds now; the same `Arc` twice where the
    /// object did not change.
    pub stored: Vec<(Option<Arc<T>>, Arc<T>)>,
}

/// What is held is a later state of the object.
pub(super) struct Outdated;

impl<T: Object> Default for Indexer<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T: Object> Indexer<T> {
    /// An empty store with the index [`NAMESPACE_INDEX`].
    pub fn new() -> Self {
        let mut indexer = Self::without_indexes();
        let namespace = |object: &T, emit: &mut dyn FnMut(&str)| emit(object.meta().namespace);
        indexer.indexes.push(Index::new(NAMESPACE_INDEX.to_owned(), Arc::new(namespace)));
        indexer
    }

    /// An empty store without any index.
    pub fn without_indexes() -> Self {
        Self {
            hasher: DefaultHashBuilder::default(),
            by_key: HashTable::new(),
            slots: Slots::default(),
            indexes: Vec::new(),
            version: String::new(),
        }
    }

    /// Adds an index, over what is there already too. Fails if the name is taken. client-go's `AddIndexers`.
    pub fn add_index(&mut self, name: &str, function: Arc<dyn IndexFunction<T>>) -> Result<(), Error> {
        self.expect_no_index(name)?;
        let mut index = Index::new(name.to_owned(), function);
        index.reserve(self.slots.end());
        for (slot, object) in self.slots.iter() {
            index.enter(slot, object);
        }
        self.indexes.push(index);
        Ok(())
    }

    pub(super) fn expect_no_index(&self, name: &str) -> Result<(), Error> {
        if self.has_index(name) {
            return Err(Error::config(format!("index {name:?} exists already: choose another name")));
        }
        Ok(())
    }

    /// Whether there is an index of this name.
    pub fn has_index(&self, name: &str) -> bool {
        self.indexes.iter().any(|index| index.name == name)
    }

    /// Stores an object under its key and returns what was there before.
    pub fn insert(&mut self, object: Arc<T>) -> Option<Arc<T>> {
        let meta = object.meta();
        self.remember_version(meta.resource_version);
        let place = self.place_of(meta);
        self.put(place, object).1
    }

    /// The same, unless what is held is a later state of the object.
    pub(super) fn advance(&mut self, object: Arc<T>) -> Result<Option<Arc<T>>, Outdated> {
        let meta = object.meta();
        let place = self.place_of(meta);
        let held = place.ok().and_then(|slot| self.slots.get(slot));
        if held.is_some_and(|held| is_older(meta, held.meta())) {
            return Err(Outdated);
        }
        self.remember_version(meta.resource_version);
        Ok(self.put(place, object).1)
    }

    /// Removes the object of `key` and returns it.
    pub fn remove(&mut self, key: &Key) -> Option<Arc<T>> {
        self.take(key.namespace(), key.name())
    }

    /// Removes the object that has the key of `object` and returns it. client-go's `Delete(obj)`.
    pub fn remove_object(&mut self, object: &T) -> Option<Arc<T>> {
        let meta = object.meta();
        self.remember_version(meta.resource_version);
        self.take(meta.namespace, meta.name)
    }

    /// Makes `objects` the whole contents; of two with one key the later stays. Where uid and version are those of the
    /// object held, the object held stays.
    pub fn replace(&mut self, objects: Vec<Arc<T>>, resource_version: &ResourceVersion) -> Replacement<T> {
        self.reserve(objects.len());
        let mut listed = vec![false; self.slots.end()];
        let mut stored = Vec::with_capacity(objects.len());
        for object in objects {
            let place = self.place_of(object.meta());
            let held = place.ok().and_then(|slot| Some((slot, self.slots.get(slot)?)));
            let (slot, old, new) = match held {
                Some((slot, held)) if is_same(held.meta(), object.meta()) => {
                    (slot, Some(held.clone()), held.clone())
                }
                _ => {
                    let (slot, old) = self.put(place, object.clone());
                    (slot, old, object)
                }
            };
            stored.push((old, new));
            mark(&mut listed, slot);
        }
        let gone = |slot: u32| !listed.get(slot as usize).copied().unwrap_or(false);
        let missing: Vec<u32> = self.slots.iter().map(|(slot, _)| slot).filter(|&slot| gone(slot)).collect();
        let removed = missing.into_iter().filter_map(|slot| self.free(slot)).collect();
        self.remember_version(resource_version.as_str());
        Replacement { removed, stored }
    }

    /// The object of `key`.
    pub fn get(&self, key: &Key) -> Option<&Arc<T>> {
        self.find(key.namespace(), key.name())
    }

    /// The object of this name; `namespace` is "" for a cluster-scoped one.
    pub fn find(&self, namespace: &str, name: &str) -> Option<&Arc<T>> {
        self.place(namespace, name).ok().and_then(|slot| self.slots.get(slot))
    }

    /// The object held, if it is of the uid and the version of `meta`: then nothing needs to be read or stored.
    pub fn unchanged(&self, meta: MetaRef<'_>) -> Option<&Arc<T>> {
        self.find(meta.namespace, meta.name).filter(|held| is_same(held.meta(), meta))
    }

    /// How many objects there are.
    pub fn len(&self) -> usize {
        self.objects().len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.objects().is_empty()
    }

    /// Every object; a clone of this is what is there now, also when the store has gone on. client-go's `List`.
    pub fn objects(&self) -> &Objects<T> {
        self.slots.objects()
    }

    /// Every object, taken out of the store.
    pub fn into_objects(self) -> Vec<Arc<T>> {
        self.slots.into_objects()
    }

    /// Every object.
    pub fn iter(&self) -> Iter<'_, T> {
        self.objects().iter()
    }

    /// The key of every object. client-go's `ListKeys`.
    pub fn keys(&self) -> impl Iterator<Item = Key> {
        self.iter().map(|object| object.key())
    }

    /// The objects for which index `name` names `value`. None for an index that does not exist. client-go's `ByIndex`.
    pub fn by_index(&self, name: &str, value: &str) -> impl Iterator<Item = &Arc<T>> {
        self.slots.of(self.index_named(name).map_or(&[], |index| index.slots(value)))
    }

    /// The keys of the objects for which index `name` names `value`. client-go's `IndexKeys`.
    pub fn index_keys(&self, name: &str, value: &str) -> impl Iterator<Item = Key> {
        self.by_index(name, value).map(|object| object.key())
    }

    /// Whether index `name` names `value` for `object`, which need not be in the store.
    pub fn names(&self, name: &str, object: &T, value: &str) -> bool {
        self.index_named(name).is_some_and(|index| index.names(object, value))
    }

    /// Every value index `name` names for some object. client-go's `ListIndexFuncValues`.
    pub fn index_values(&self, name: &str) -> impl Iterator<Item = &str> {
        self.index_named(name).into_iter().flat_map(|index| index.values())
    }

    /// The version of what was last stored, removed or bookmarked: how far the store has come, where the reflector's
    /// is how far the server was read. client-go's `LastStoreSyncResourceVersion`.
    pub fn last_store_sync_resource_version(&self) -> ResourceVersion {
        self.version.as_str().into()
    }

    /// Nothing changed up to this version. client-go's `Bookmark`.
    pub fn bookmark(&mut self, resource_version: &ResourceVersion) {
        self.remember_version(resource_version.as_str());
    }

    fn remember_version(&mut self, version: &str) {
        self.version.clear();
        self.version.push_str(version);
    }

    fn index_named(&self, name: &str) -> Option<&Index<T>> {
        self.indexes.iter().find(|index| index.name == name)
    }

    fn place_of(&self, meta: MetaRef<'_>) -> Result<u32, u64> {
        self.place(meta.namespace, meta.name)
    }

    /// The slot of this key, or the hash to insert it with.
    fn place(&self, namespace: &str, name: &str) -> Result<u32, u64> {
        let hash = self.hasher.hash_one((namespace, name));
        let is_it = |slot: &u32| {
            self.slots.get(*slot).is_some_and(|held| {
                let meta = held.meta();
                meta.name == name && meta.namespace == namespace
            })
        };
        self.by_key.find(hash, is_it).copied().ok_or(hash)
    }

    /// Puts an object where [`Self::place`] says, and tells the indexes.
    fn put(&mut self, place: Result<u32, u64>, object: Arc<T>) -> (u32, Option<Arc<T>>) {
        let (slot, old) = match place {
            Ok(slot) => (slot, self.slots.replace(slot, object)),
            Err(hash) => {
                let slot = self.slots.insert(object);
                let (hasher, slots) = (&self.hasher, &self.slots);
                self.by_key.insert_unique(hash, slot, |&other| hash_of(hasher, slots, other));
                (slot, None)
            }
        };
        if let Some(object) = self.slots.get(slot) {
            self.indexes.iter_mut().for_each(|index| index.enter(slot, object));
        }
        (slot, old)
    }

    /// Makes room for so many objects at once, and for no more.
    fn reserve(&mut self, objects: usize) {
        let (hasher, slots) = (&self.hasher, &self.slots);
        let more = objects.saturating_sub(self.by_key.len());
        self.by_key.reserve(more, |&other| hash_of(hasher, slots, other));
        self.indexes.iter_mut().for_each(|index| index.reserve(objects));
    }

    fn take(&mut self, namespace: &str, name: &str) -> Option<Arc<T>> {
        self.place(namespace, name).ok().and_then(|slot| self.free(slot))
    }

    fn free(&mut self, slot: u32) -> Option<Arc<T>> {
        self.indexes.iter_mut().for_each(|index| index.leave(slot));
        let hash = hash_of(&self.hasher, &self.slots, slot);
        if let Ok(entry) = self.by_key.find_entry(hash, |&other| other == slot) {
            entry.remove();
        }
        self.slots.remove(slot)
    }
}

/// The hash of the key of the object in `slot`.
fn hash_of<T: Object>(hasher: &DefaultHashBuilder, slots: &Slots<T>, slot: u32) -> u64 {
    let MetaRef { namespace, name, .. } = slots.get(slot).map(|object| object.meta()).unwrap_or_default();
    hasher.hash_one((namespace, name))
}

/// Whether it is an earlier state of the object held.
fn is_older(new: MetaRef<'_>, held: MetaRef<'_>) -> bool {
    let order = ResourceVersion::compare_text(new.resource_version, held.resource_version);
    held.uid == new.uid && order == Some(Ordering::Less)
}

/// Whether it is one object in one state.
fn is_same(held: MetaRef<'_>, new: MetaRef<'_>) -> bool {
    held.uid == new.uid && held.resource_version == new.resource_version && !held.resource_version.is_empty()
}

fn mark(listed: &mut Vec<bool>, slot: u32) {
    let slot = slot as usize;
    if listed.len() <= slot {
        listed.resize(slot + 1, false);
    }
    listed[slot] = true;
}

/// Shares the objects.
impl<T> Clone for Indexer<T> {
    fn clone(&self) -> Self {
        Self {
            hasher: self.hasher.clone(),
            by_key: self.by_key.clone(),
            slots: self.slots.clone(),
            indexes: self.indexes.clone(),
            version: self.version.clone(),
        }
    }
}

/// How much it holds, never the objects.
impl<T> fmt::Debug for Indexer<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let indexes: Vec<&str> = self.indexes.iter().map(|index| index.name.as_str()).collect();
        f.debug_struct("Indexer")
            .field("objects", &self.slots.objects().len())
            .field("indexes", &indexes)
            .finish()
    }
}

impl<T: Object> KnownObjects<T> for Indexer<T> {
    fn known(&self, key: &Key) -> Option<&Arc<T>> {
        self.get(key)
    }

    fn all_known(&self) -> Box<dyn Iterator<Item = &Arc<T>> + '_> {
        Box::new(self.iter())
    }
}

#[cfg(test)]
mod tests;
