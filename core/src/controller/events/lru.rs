//! A map of the entries that were used last.
//!
//! Invariant: never more entries than its capacity; the one used longest ago goes first. k8s.io/utils' `lru.Cache`.

use std::collections::BTreeMap;

/// The map.
#[derive(Debug)]
pub(super) struct Lru<V> {
    capacity: usize,
    entries: BTreeMap<String, (u64, V)>,
    by_use: BTreeMap<u64, String>,
    uses: u64,
}

impl<V> Lru<V> {
    pub(super) fn new(capacity: usize) -> Self {
        Self { capacity: capacity.max(1), entries: BTreeMap::new(), by_use: BTreeMap::new(), uses: 0 }
    }

    /// The entry of `key`, made by `make` if there is none; it counts as used.
    pub(super) fn entry(&mut self, key: &str, make: impl FnOnce() -> V) -> &mut V {
        self.uses += 1;
        let Self { capacity, entries, by_use, uses } = self;
        if let Some((used, _)) = entries.get(key) {
            by_use.remove(used);
        } else if entries.len() >= *capacity
            && let Some((_, oldest)) = by_use.pop_first()
        {
            entries.remove(&oldest);
        }
        by_use.insert(*uses, key.to_owned());
        let (used, value) = entries.entry(key.to_owned()).or_insert_with(|| (0, make()));
        *used = *uses;
        value
    }

    /// The entry of `key`, without counting as a use.
    pub(super) fn peek_mut(&mut self, key: &str) -> Option<&mut V> {
        self.entries.get_mut(key).map(|(_, value)| value)
    }

    /// Keeps the entries that `keep` wants.
    pub(super) fn retain(&mut self, mut keep: impl FnMut(&mut V) -> bool) {
        let by_use = &mut self.by_use;
        self.entries.retain(|_, (used, value)| {
            let kept = keep(value);
            if !kept {
                by_use.remove(used);
            }
            kept
        });
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_used_longest_ago_goes_first() {
        let mut lru = Lru::new(2);
        *lru.entry("a", || 1) += 10;
        lru.entry("b", || 2);
        assert_eq!(*lru.entry("a", || 0), 11);
        lru.entry("c", || 3);
        assert_eq!((lru.peek_mut("a").copied(), lru.peek_mut("b").copied()), (Some(11), None));
        assert_eq!(lru.len(), 2);
        lru.retain(|value| *value == 3);
        assert_eq!(lru.len(), 1);
        lru.entry("d", || 4);
        lru.entry("e", || 5);
        assert_eq!(lru.peek_mut("c"), None);
        assert_eq!((lru.len(), lru.by_use.len()), (2, 2));
    }
}
