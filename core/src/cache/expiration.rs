//! A store whose objects are forgotten a fixed time after they were put in.
//!
//! Follows client-go's `tools/cache/expiration_cache.go` (0.37). Invariant: nothing older than the time to live is ever
//! given. Differs: the time is handed in; what has expired is dropped by the next write, not by reads.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::meta::{Key, Object};
use crate::time::Instant;

/// The store. client-go's `ExpirationCache`, by `NewTTLStore`.
pub struct ExpirationCache<T> {
    time_to_live: Duration,
    objects: BTreeMap<Key, Entry<T>>,
    /// The keys in the order in which they were put in, and so in which they expire.
    order: BTreeMap<u64, Key>,
    next: u64,
}

struct Entry<T> {
    object: Arc<T>,
    since: Instant,
    /// Its place in the order.
    place: u64,
}

impl<T: Object> ExpirationCache<T> {
    /// An empty store, whose objects live so long.
    pub fn new(time_to_live: Duration) -> Self {
        Self { time_to_live, objects: BTreeMap::new(), order: BTreeMap::new(), next: 0 }
    }

    /// Stores an object under its key, for a whole time to live, and returns what was there before.
    pub fn insert(&mut self, now: Instant, object: Arc<T>) -> Option<Arc<T>> {
        self.forget_expired(now);
        let (key, place) = (object.key(), self.next);
        self.next += 1;
        self.order.insert(place, key.clone());
        let old = self.objects.insert(key, Entry { object, since: now, place })?;
        self.order.remove(&old.place);
        Some(old.object)
    }

    /// Makes `objects` the whole contents.
    pub fn replace(&mut self, now: Instant, objects: impl IntoIterator<Item = Arc<T>>) {
        self.objects.clear();
        self.order.clear();
        objects.into_iter().for_each(|object| drop(self.insert(now, object)));
    }

    /// Removes the object of `key` and returns it.
    pub fn remove(&mut self, now: Instant, key: &Key) -> Option<Arc<T>> {
        self.forget_expired(now);
        let entry = self.objects.remove(key)?;
        self.order.remove(&entry.place);
        Some(entry.object)
    }

    /// Removes the object that was put in before all others, and returns it.
    pub fn remove_oldest(&mut self) -> Option<Arc<T>> {
        let (_, key) = self.order.pop_first()?;
        self.objects.remove(&key).map(|entry| entry.object)
    }

    /// Removes what has expired and what is not to be kept.
    pub fn retain(&mut self, now: Instant, keep: impl Fn(&T) -> bool) {
        self.forget_expired(now);
        for (_, entry) in self.objects.extract_if(.., |_, entry| !keep(&entry.object)) {
            self.order.remove(&entry.place);
        }
    }

    /// How many objects it holds, with those that have expired since the last write.
    pub fn len(&self) -> usize {
        self.objects.len()
    }

    /// Whether it holds none.
    pub fn is_empty(&self) -> bool {
        self.objects.is_empty()
    }

    /// The object of `key`, unless it has expired.
    pub fn get(&self, now: Instant, key: &Key) -> Option<&Arc<T>> {
        self.objects.get(key).filter(|entry| self.is_alive(now, entry)).map(|entry| &entry.object)
    }

    /// Every object that has not expired, by key.
    pub fn iter(&self, now: Instant) -> impl Iterator<Item = &Arc<T>> {
        self.objects.values().filter(move |entry| self.is_alive(now, entry)).map(|entry| &entry.object)
    }

    fn is_alive(&self, now: Instant, entry: &Entry<T>) -> bool {
        now.saturating_duration_since(entry.since) <= self.time_to_live
    }

    fn forget_expired(&mut self, now: Instant) {
        while let Some(key) = self.order.values().next()
            && self.objects.get(key).is_none_or(|entry| !self.is_alive(now, entry))
        {
            self.remove_oldest();
        }
    }
}

/// How much it holds, never the objects.
impl<T> fmt::Debug for ExpirationCache<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ExpirationCache").field("objects", &self.objects.len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cache::sample::{object, text};

    fn at(seconds: u64) -> Instant {
        Instant::from_origin(Duration::from_secs(seconds))
    }

    fn texts(cache: &ExpirationCache<k8s_openapi::api::core::v1::ConfigMap>, now: Instant) -> Vec<String> {
        cache.iter(now).map(|object| text(object)).collect()
    }

    #[test]
    fn an_object_lives_as_long_as_it_was_told_since_it_was_last_put_in() {
        let mut cache = ExpirationCache::new(Duration::from_secs(10));
        cache.insert(at(0), object("a", "1", 1));
        cache.insert(at(5), object("b", "2", 2));
        assert_eq!(texts(&cache, at(10)), ["a:1@1", "b:2@2"]);
        assert_eq!(texts(&cache, at(11)), ["b:2@2"]);
        assert!(cache.get(at(11), &Key::new("", "a")).is_none());
        assert!(cache.insert(at(11), object("a", "1", 3)).is_none(), "what has expired was not there");
        assert_eq!(texts(&cache, at(21)), ["a:1@3"]);
        assert_eq!(
            cache.remove(at(21), &Key::new("", "a")).map(|object| text(&object)),
            Some("a:1@3".into())
        );
        assert!(cache.remove(at(21), &Key::new("", "b")).is_none());
    }

    #[test]
    fn the_oldest_goes_first_and_what_is_put_in_again_is_new() {
        let mut cache = ExpirationCache::new(Duration::from_secs(10));
        for (name, version) in [("a", 1), ("b", 2), ("c", 3), ("a", 4)] {
            cache.insert(at(0), object(name, "u", version));
        }
        assert_eq!(cache.remove_oldest().map(|object| text(&object)), Some("b:u@2".into()));
        cache.retain(at(0), |object| object.metadata.name.as_deref() == Some("a"));
        assert_eq!(texts(&cache, at(0)), ["a:u@4"]);
        cache.insert(at(20), object("d", "u", 5));
        assert_eq!(cache.len(), 1, "a write drops what has expired");
    }

    #[test]
    fn a_list_replaces_everything_and_lives_anew() {
        let mut cache = ExpirationCache::new(Duration::from_secs(10));
        cache.insert(at(0), object("a", "1", 1));
        cache.replace(at(9), [object("b", "2", 2), object("a", "1", 1)]);
        assert_eq!(texts(&cache, at(19)), ["a:1@1", "b:2@2"]);
        assert_eq!(texts(&cache, at(20)), Vec::<String>::new());
    }
}
