//! What one handler was told, checked as it is told: a story that makes no sense panics.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test's check panics")]

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use portolan::cache::Event;
use portolan::meta::{Key, Object, ResourceVersion};

/// Key to uid and version.
pub type Contents = BTreeMap<Key, (String, String)>;

/// The story of one handler: additions and deletions of a key alternate, updates begin where the handler was, versions
/// of one object never go back.
#[derive(Clone, Debug, Default)]
pub struct Story {
    told: Arc<Mutex<Told>>,
}

#[derive(Debug, Default)]
struct Told {
    now: Contents,
    log: Vec<String>,
    forgetful: bool,
    count: u64,
}

impl Story {
    /// A story that keeps no log: for long runs.
    pub fn forgetful() -> Self {
        let story = Self::default();
        story.told.lock().unwrap().forgetful = true;
        story
    }

    /// How many events it was told.
    pub fn count(&self) -> u64 {
        self.told.lock().unwrap().count
    }

    /// Takes in the next event.
    pub fn tell<T: Object>(&self, event: &Event<T>) {
        let mut told = self.told.lock().unwrap();
        told.count += 1;
        if !told.forgetful {
            told.log.push(format!("{event:?}"));
        }
        let key = event.key();
        let state = |object: &T| (object.meta().uid.to_owned(), object.meta().resource_version.to_owned());
        let before = told.now.get(&key).cloned();
        match event {
            Event::Added { object, .. } => {
                assert_eq!(before, None, "{key} is added twice");
                told.now.insert(key, state(object));
            }
            Event::Updated { old, new } => {
                let before = before.unwrap_or_else(|| panic!("{key} is updated before it is added"));
                assert_eq!(before, state(old), "{key} is updated from another state than the last one told");
                let after = state(new);
                if before.0 == after.0 {
                    let order = ResourceVersion::compare_text(&after.1, &before.1);
                    assert_ne!(order, Some(std::cmp::Ordering::Less), "{key} goes back");
                }
                told.now.insert(key, after);
            }
            Event::Deleted { .. } => {
                assert!(before.is_some(), "{key} is deleted without having been added");
                told.now.remove(&key);
            }
        }
    }

    /// What the handler believes to be there.
    pub fn now(&self) -> Contents {
        self.told.lock().unwrap().now.clone()
    }

    /// Everything it was told.
    pub fn log(&self) -> Vec<String> {
        self.told.lock().unwrap().log.clone()
    }
}
