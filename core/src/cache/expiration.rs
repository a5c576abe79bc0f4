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
    /// With when each was put in.
    objects: BTreeMap<Key, (Instant, Arc<T>)>,
}

impl<T: Object> ExpirationCache<T> {
    /// An empty store, whose objects live so long.
    pub fn new(time_to_live: Duration) -> Self {
        Self { time_to_live, objects: BTreeMap::new() }
    }

    /// Stores an object under its key, for a whole time to live, and returns what was there before.
    pub fn insert(&mut self, now: Instant, object: Arc<T>) -> Option<Arc<T>> {
        self.forget_expired(now);
        self.objects.insert(object.key(), (now, object)).map(|(_, old)| old)
    }

    /// Makes `objects` the whole contents.
    pub fn replace(&mut self, now: Instant, objects: impl IntoIterator<Item = Arc<T>>) {
        self.objects = objects.into_iter().map(|object| (object.key(), (now, object))).collect();
    }

    /// Removes the object of `key` and returns it.
    pub fn remove(&mut self, now: Instant, key: &Key) -> Option<Arc<T>> {
        self.forget_expired(now);
        self.objects.remove(key).map(|(_, object)| object)
    }

    /// The object of `key`, unless it has expired.
    pub fn get(&self, now: Instant, key: &Key) -> Option<&Arc<T>> {
        self.objects.get(key).filter(|(since, _)| self.is_alive(now, *since)).map(|(_, object)| object)
    }

    /// Every object that has not expired, by key.
    pub fn iter(&self, now: Instant) -> impl Iterator<Item = &Arc<T>> {
        self.objects.values().filter(move |(since, _)| self.is_alive(now, *since)).map(|(_, object)| object)
    }

    fn is_alive(&self, now: Instant, since: Instant) -> bool {
        now.saturating_duration_since(since) <= self.time_to_live
    }

    fn forget_expired(&mut self, now: Instant) {
        let time_to_live = self.time_to_live;
        self.objects.retain(|_, (since, _)| now.saturating_duration_since(*since) <= time_to_live);
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
    fn a_list_replaces_everything_and_lives_anew() {
        let mut cache = ExpirationCache::new(Duration::from_secs(10));
        cache.insert(at(0), object("a", "1", 1));
        cache.replace(at(9), [object("b", "2", 2), object("a", "1", 1)]);
        assert_eq!(texts(&cache, at(19)), ["a:1@1", "b:2@2"]);
        assert_eq!(texts(&cache, at(20)), Vec::<String>::new());
    }
}
