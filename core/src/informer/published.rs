//! The store of an informer as its readers see it.
//!
//! Invariants: one writer, the pipeline; a lock is held for one object's change, or for the swap of a whole state that
//! was prepared beside it. So a reader never waits for a relist or a new index, and what one lock shows is one state.

use std::mem;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use crate::cache::{Indexer, Store};
use crate::meta::Object;

/// The store, shared by the pipeline that writes it and everybody who reads it.
pub(super) struct Published<T>(Arc<RwLock<Indexer<T>>>);

impl<T: Object> Published<T> {
    pub(super) fn new() -> Self {
        Self(Arc::new(RwLock::new(Indexer::new())))
    }

    /// One state, for as long as the guard is held.
    pub(super) fn lock(&self) -> RwLockReadGuard<'_, Indexer<T>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn lock_to_write(&self) -> RwLockWriteGuard<'_, Indexer<T>> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T: Object> Store<T> for Published<T> {
    fn read<R>(&self, look: impl FnOnce(&Indexer<T>) -> R) -> R {
        look(&self.lock())
    }

    fn write<R>(&mut self, change: impl FnOnce(&mut Indexer<T>) -> R) -> R {
        change(&mut self.lock_to_write())
    }

    fn rebuild<R>(&mut self, change: impl FnOnce(&mut Indexer<T>) -> R) -> R {
        let mut next = self.lock().clone();
        let outcome = change(&mut next);
        let old = mem::replace(&mut *self.lock_to_write(), next);
        // Freed when nobody waits for it any more.
        drop(old);
        outcome
    }
}

impl<T> Clone for Published<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::object::Unstructured;

    #[test]
    fn a_reader_is_served_while_a_whole_state_is_prepared() {
        let object = |version: &str| {
            let text = format!(r#"{{"metadata":{{"name":"a","resourceVersion":"{version}"}}}}"#);
            Arc::new(serde_json::from_str::<Unstructured>(&text).unwrap())
        };
        let mut store = Published::new();
        store.write(|indexer| indexer.insert(object("1")));
        let reader = store.clone();
        let seen = |reader: &Published<Unstructured>| {
            reader.lock().find("", "a").map(|object| object.meta().resource_version.to_owned())
        };
        let during = store.rebuild(|indexer| {
            indexer.replace(vec![object("2")], &"2".into());
            seen(&reader)
        });
        assert_eq!(during.as_deref(), Some("1"), "a lock held here would never have been had");
        assert_eq!(seen(&reader).as_deref(), Some("2"));
    }
}
