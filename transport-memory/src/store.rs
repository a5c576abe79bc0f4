//! Everything the server knows, behind one lock: objects, the changes that made them, and who waits for changes.
//!
//! Invariant: there is one counter of versions. Every change takes the next version and is in its store's log until
//! the log is full or compacted; a list at an older version is what is there now with the later changes undone.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::task::Waker;
use std::time::Duration;

use serde_json::Value;

use crate::chance::Chance;
use crate::failure::Failure;
use crate::resources::{Registry, Resource};
use crate::stored::Stored;

/// What the server knows.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) registry: Registry,
    pub(crate) chance: Chance,
    /// The wall-clock time since the Unix epoch, brought up to date whenever the lock is taken.
    pub(crate) now: Duration,
    version: u64,
    /// Versions before this one are forgotten in every store.
    compacted: u64,
    history: usize,
    stores: BTreeMap<Arc<str>, Store>,
    /// Where the objects are that name an owner, by the owner's uid.
    dependents: BTreeMap<String, BTreeSet<(Arc<str>, String)>>,
    watchers: BTreeMap<u64, Watcher>,
    next_watcher: u64,
    /// To be woken once the lock is released.
    pub(crate) woken: Vec<Waker>,
}

/// The objects of one kind.
#[derive(Debug, Default)]
struct Store {
    objects: BTreeMap<String, Arc<Stored>>,
    log: VecDeque<Change>,
    /// The version of the newest change that is no longer in the log.
    dropped: u64,
}

/// One change of one object.
#[derive(Debug, Clone)]
pub(crate) struct Change {
    pub(crate) version: u64,
    /// The object before, `None` when it was created.
    pub(crate) before: Option<Arc<Stored>>,
    /// The object after; when it was deleted, its last state with the version of the deletion.
    pub(crate) object: Arc<Stored>,
    pub(crate) deleted: bool,
}

#[derive(Debug)]
struct Watcher {
    store: Arc<str>,
    waker: Option<Waker>,
}

/// What there is for a watcher.
#[derive(Debug)]
pub(crate) enum Next {
    Change(Change),
    /// Nothing beyond this version.
    Idle(u64),
    /// It fell behind: changes it has not seen are no longer in the log.
    Behind,
    /// The resource is no longer served.
    Unserved,
}

impl State {
    pub(crate) fn new(seed: u64, history: usize) -> Self {
        Self {
            registry: Registry::builtin(),
            chance: Chance::new(seed),
            now: Duration::ZERO,
            version: 1,
            compacted: 0,
            history: history.max(1),
            stores: BTreeMap::new(),
            dependents: BTreeMap::new(),
            watchers: BTreeMap::new(),
            next_watcher: 0,
            woken: Vec::new(),
        }
    }

    /// The newest version.
    pub(crate) fn version(&self) -> u64 {
        self.version
    }

    /// The time as the server writes it, `2026-01-01T00:00:00Z`.
    pub(crate) fn timestamp(&self) -> String {
        timestamp(self.now)
    }

    pub(crate) fn object(&self, store: &str, key: &str) -> Option<&Arc<Stored>> {
        self.stores.get(store)?.objects.get(key)
    }

    /// The objects whose keys begin with `prefix`, in the order of their keys.
    pub(crate) fn objects<'a>(
        &'a self,
        store: &str,
        prefix: &'a str,
    ) -> impl Iterator<Item = &'a Arc<Stored>> {
        let store = self.stores.get(store);
        let objects = store.into_iter().flat_map(|store| store.objects.range(prefix.to_owned()..));
        objects.map(|(_, object)| object).take_while(move |object| object.key.starts_with(prefix))
    }

    /// What [`State::objects`] was at `version`. Refuses a version that is forgotten or not reached.
    pub(crate) fn objects_at(
        &self,
        store: &str,
        prefix: &str,
        version: u64,
    ) -> Result<Vec<Arc<Stored>>, Failure> {
        if version > self.version {
            return Err(Failure::too_large_version(version, self.version));
        }
        if version < self.oldest(store) {
            return Err(Failure::expired("The resourceVersion for the provided list is too old."));
        }
        let mut objects: BTreeMap<&str, &Arc<Stored>> =
            self.objects(store, prefix).map(|object| (object.key.as_str(), object)).collect();
        let log = self.stores.get(store).into_iter().flat_map(|store| store.log.iter().rev());
        for change in log.take_while(|change| change.version > version) {
            let key = change.object.key.as_str();
            if key.starts_with(prefix) {
                match &change.before {
                    Some(before) => objects.insert(key, before),
                    None => objects.remove(key),
                };
            }
        }
        Ok(objects.into_values().cloned().collect())
    }

    /// Keeps `object` and tells the watchers.
    pub(crate) fn put(&mut self, resource: &Resource, object: Value) -> Arc<Stored> {
        self.version += 1;
        let object = Arc::new(Stored::new(resource, object, self.version));
        let store = self.stores.entry(resource.store.clone()).or_default();
        let before = store.objects.insert(object.key.clone(), object.clone());
        self.reindex(resource, before.as_deref(), Some(&object));
        let change = Change { version: self.version, before, object: object.clone(), deleted: false };
        self.log(resource, change);
        object
    }

    /// Removes the object at `key` and tells the watchers. `last` is what it was, with changes the deletion made.
    pub(crate) fn remove(&mut self, resource: &Resource, key: &str, last: Value) -> Arc<Stored> {
        self.version += 1;
        let object = Arc::new(Stored::new(resource, last, self.version));
        let store = self.stores.entry(resource.store.clone()).or_default();
        let before = store.objects.remove(key);
        self.reindex(resource, before.as_deref(), None);
        let change = Change { version: self.version, before, object: object.clone(), deleted: true };
        self.log(resource, change);
        object
    }

    /// Where the objects are that the object of this uid owns: their stores and keys.
    pub(crate) fn dependents(&self, uid: &str) -> Vec<(Arc<str>, String)> {
        self.dependents.get(uid).into_iter().flatten().cloned().collect()
    }

    fn reindex(&mut self, resource: &Resource, before: Option<&Stored>, after: Option<&Stored>) {
        if let Some(object) = before {
            for owner in &object.owners {
                if let Some(dependents) = self.dependents.get_mut(owner) {
                    dependents.remove(&(resource.store.clone(), object.key.clone()));
                    if dependents.is_empty() {
                        self.dependents.remove(owner);
                    }
                }
            }
        }
        if let Some(object) = after {
            for owner in &object.owners {
                let dependents = self.dependents.entry(owner.clone()).or_default();
                dependents.insert((resource.store.clone(), object.key.clone()));
            }
        }
    }

    /// Forgets all changes so far: watches and lists of older versions are refused from now on.
    pub(crate) fn compact(&mut self) {
        self.compacted = self.version;
        for store in self.stores.values_mut() {
            if let Some(last) = store.log.back() {
                store.dropped = last.version;
            }
            store.log.clear();
        }
        self.wake(|_| true);
    }

    /// The oldest version from which all changes of `store` are known.
    pub(crate) fn oldest(&self, store: &str) -> u64 {
        self.compacted.max(self.stores.get(store).map_or(0, |store| store.dropped))
    }

    /// Wakes the watchers of `store`: whether it is served has changed.
    pub(crate) fn wake_store(&mut self, name: &str) {
        self.wake(|store| store == name);
    }

    /// Whether any object's key begins with `prefix`.
    pub(crate) fn holds_any(&self, prefix: &str) -> bool {
        self.stores.keys().any(|store| self.objects(store, prefix).next().is_some())
    }

    pub(crate) fn add_watcher(&mut self, store: Arc<str>) -> u64 {
        self.next_watcher += 1;
        self.watchers.insert(self.next_watcher, Watcher { store, waker: None });
        self.next_watcher
    }

    pub(crate) fn remove_watcher(&mut self, id: u64) {
        self.watchers.remove(&id);
    }

    pub(crate) fn watchers(&self) -> usize {
        self.watchers.len()
    }

    /// The first change after `version` for watcher `id`, which is woken by the next one when there is none.
    pub(crate) fn next_change(&mut self, id: u64, version: u64, waker: &Waker) -> Next {
        let Some(watcher) = self.watchers.get_mut(&id) else { return Next::Unserved };
        if let Some(store) = self.stores.get(&watcher.store) {
            if version < store.dropped {
                return Next::Behind;
            }
            let index = store.log.partition_point(|change| change.version <= version);
            if let Some(change) = store.log.get(index) {
                return Next::Change(change.clone());
            }
        }
        if !self.registry.is_served(&watcher.store) {
            return Next::Unserved;
        }
        watcher.waker = Some(waker.clone());
        Next::Idle(self.version)
    }

    fn log(&mut self, resource: &Resource, change: Change) {
        let store = self.stores.entry(resource.store.clone()).or_default();
        store.log.push_back(change);
        while store.log.len() > self.history {
            if let Some(change) = store.log.pop_front() {
                store.dropped = change.version;
            }
        }
        self.wake(|store| store == &*resource.store);
    }

    fn wake(&mut self, concerns: impl Fn(&str) -> bool) {
        let watchers = self.watchers.values_mut().filter(|watcher| concerns(&watcher.store));
        self.woken.extend(watchers.filter_map(|watcher| watcher.waker.take()));
    }
}

/// A moment since the Unix epoch as the server writes a `metav1.Time`: `2026-01-01T00:00:00Z`, whole seconds.
pub(crate) fn timestamp(since_epoch: Duration) -> String {
    let since_epoch =
        jiff::SignedDuration::try_from(Duration::from_secs(since_epoch.as_secs())).unwrap_or_default();
    jiff::Timestamp::from_duration(since_epoch).unwrap_or_default().to_string()
}
