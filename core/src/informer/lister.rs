//! Reads of an informer's store.

use std::fmt;
use std::sync::{Arc, RwLockReadGuard};

use super::shared::Shared;
use crate::cache::{Indexer, NAMESPACE_INDEX, Objects};
use crate::meta::{Key, LabelSelector, Object};

/// Reads an informer's store, the whole or one namespace of it. Cheap to clone. client-go's `cache.GenericLister`.
pub struct Lister<T: Object> {
    shared: Arc<Shared<T>>,
    namespace: Option<String>,
}

impl<T: Object> Lister<T> {
    pub(super) fn new(shared: Arc<Shared<T>>, namespace: Option<String>) -> Self {
        Self { shared, namespace }
    }

    /// The same, of one namespace only. client-go's `ByNamespace`.
    #[must_use]
    pub fn namespace(&self, namespace: &str) -> Self {
        Self::new(self.shared.clone(), Some(namespace.to_owned()))
    }

    /// One state of the whole store, while the guard is held.
    pub(super) fn store(&self) -> RwLockReadGuard<'_, Indexer<T>> {
        self.shared.store()
    }

    /// The object of this key.
    pub fn get(&self, key: &Key) -> Option<Arc<T>> {
        let within = self.namespace.as_deref().is_none_or(|namespace| namespace == key.namespace());
        if within { self.shared.store().get(key).cloned() } else { None }
    }

    /// All objects, in an order that is the same for the same history: one state of them, which stays as it is while the
    /// store goes on. Of a whole store it shares what is there, and takes no longer for many than for few. client-go's
    /// `List(labels.Everything())`.
    pub fn list(&self) -> Objects<T> {
        let store = self.shared.store();
        match &self.namespace {
            None => store.objects().clone(),
            Some(namespace) => store.by_index(NAMESPACE_INDEX, namespace).cloned().collect(),
        }
    }

    /// The objects whose labels `selector` selects.
    pub fn select(&self, selector: &LabelSelector) -> Vec<Arc<T>> {
        let selected = |object: &&Arc<T>| selector.is_empty() || selector.matches(&object.labels());
        let store = self.shared.store();
        match &self.namespace {
            None => store.iter().filter(selected).cloned().collect(),
            Some(namespace) => store.by_index(NAMESPACE_INDEX, namespace).filter(selected).cloned().collect(),
        }
    }

    /// The objects that have `value` in the index `name`; none if there is no such index. client-go's `ByIndex`.
    pub fn by_index(&self, name: &str, value: &str) -> Vec<Arc<T>> {
        let store = self.shared.store();
        let found = store.by_index(name, value);
        match &self.namespace {
            None => found.cloned().collect(),
            Some(namespace) => found.filter(|object| object.meta().namespace == namespace).cloned().collect(),
        }
    }

    /// The keys of the objects that have `value` in the index `name`. client-go's `IndexKeys`.
    pub fn index_keys(&self, name: &str, value: &str) -> Vec<Key> {
        self.by_index(name, value).iter().map(|object| object.key()).collect()
    }

    /// The values of the index `name`. client-go's `ListIndexFuncValues`.
    pub fn index_values(&self, name: &str) -> Vec<String> {
        let store = self.shared.store();
        let within = |value: &&str| match &self.namespace {
            None => true,
            Some(namespace) => store.by_index(name, value).any(|object| object.meta().namespace == namespace),
        };
        store.index_values(name).filter(within).map(str::to_owned).collect()
    }

    /// How many objects there are.
    pub fn len(&self) -> usize {
        let store = self.shared.store();
        match &self.namespace {
            None => store.len(),
            Some(namespace) => store.by_index(NAMESPACE_INDEX, namespace).count(),
        }
    }

    /// One state of the whole store with its indexes, for several reads that must agree; where one list is enough,
    /// [`Self::list`] is cheaper. It shares the objects, and copies some 25 bytes for each.
    pub fn snapshot(&self) -> Indexer<T> {
        self.shared.store().clone()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl<T: Object> Clone for Lister<T> {
    fn clone(&self) -> Self {
        Self { shared: self.shared.clone(), namespace: self.namespace.clone() }
    }
}

impl<T: Object> fmt::Debug for Lister<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lister").field("namespace", &self.namespace).field("objects", &self.len()).finish()
    }
}
