//! Situations of client-go's `the_real_fifo_test.go`, and a naive model.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::ConfigMap;

use super::*;
use crate::cache::sample::{OPERATIONS, object, text};
use crate::meta::Key;
use crate::policy::Random;

fn short(delta: &Delta<ConfigMap>) -> String {
    match delta {
        Delta::Added(object) => format!("+{}", text(object)),
        Delta::Updated(object) => format!("~{}", text(object)),
        Delta::Deleted(object) => format!("-{}", text(object)),
        Delta::DeletedFinalStateUnknown(object) => format!("?{}", text(object)),
        Delta::Replaced(object) => format!("={}", text(object)),
        Delta::Sync(object) => format!("*{}", text(object)),
        Delta::ReplacedAll { objects, resource_version } => {
            let objects: Vec<String> = objects.iter().map(|object| text(object)).collect();
            format!("all@{resource_version}({})", objects.join(" "))
        }
        Delta::SyncAll => "sync all".to_owned(),
        Delta::Bookmark(version) => format!("bookmark@{version}"),
    }
}

/// Pops everything: deltas in short, with an `i` behind those of the initial list.
fn drain(fifo: &mut Fifo<ConfigMap>) -> Vec<String> {
    std::iter::from_fn(|| fifo.pop())
        .map(|popped| short(&popped.delta) + if popped.is_in_initial_list { " i" } else { "" })
        .collect()
}

fn a(version: u64) -> Arc<ConfigMap> {
    object("a", "1", version)
}

fn b(version: u64) -> Arc<ConfigMap> {
    object("b", "2", version)
}

#[test]
fn every_change_comes_out_as_it_went_in() {
    let mut fifo = Fifo::new();
    for change in [
        Change::Added(a(1)),
        Change::Added(b(2)),
        Change::Updated(a(3)),
        Change::Updated(a(4)),
        Change::Deleted(a(5)),
        Change::Bookmark("6".into()),
        Change::Replaced { objects: vec![b(2), a(7)], resource_version: "8".into() },
        Change::Resync,
    ] {
        fifo.push(change);
    }
    assert_eq!(fifo.len(), 8);
    let wanted =
        ["+a:1@1", "+b:2@2", "~a:1@3", "~a:1@4", "-a:1@5", "bookmark@6", "all@8(b:2@2 a:1@7)", "sync all"];
    assert_eq!(drain(&mut fifo), wanted);
    assert!(fifo.is_empty() && fifo.pop().is_none());
}

#[test]
fn it_has_synced_when_the_first_list_is_out_or_something_else_came_first() {
    let mut fifo = Fifo::<ConfigMap>::new();
    assert!(!fifo.has_synced());
    fifo.bookmark("1".into());
    assert!(!fifo.has_synced(), "a bookmark says nothing of a list");
    fifo.replace(vec![a(1), b(2)], "3".into());
    fifo.add(a(4));
    assert!(!fifo.has_synced());
    assert_eq!(drain(&mut fifo), ["bookmark@1 i", "all@3(a:1@1 b:2@2) i", "+a:1@4"]);
    assert!(fifo.has_synced());
    fifo.replace(vec![a(4)], "5".into());
    assert!(fifo.has_synced(), "only the first list counts");

    let mut fifo = Fifo::new();
    fifo.add(a(1));
    assert!(fifo.has_synced());

    let mut fifo = Fifo::<ConfigMap>::new();
    fifo.replace(Vec::new(), "1".into());
    assert!(!fifo.has_synced(), "an empty list is one delta all the same");
    assert!(fifo.pop().is_some_and(|popped| popped.is_in_initial_list) && fifo.has_synced());
}

/// Applies a delta to a map, as a consumer does.
fn apply(store: &mut BTreeMap<Key, Arc<ConfigMap>>, delta: Delta<ConfigMap>) {
    match delta {
        Delta::ReplacedAll { objects, .. } => {
            *store = objects.into_iter().map(|object| (object.key(), object)).collect();
        }
        Delta::Deleted(object) | Delta::DeletedFinalStateUnknown(object) => {
            assert!(store.remove(&object.key()).is_some(), "{} was not there", object.key());
        }
        Delta::Added(object) | Delta::Updated(object) | Delta::Replaced(object) | Delta::Sync(object) => {
            store.insert(object.key(), object);
        }
        Delta::SyncAll | Delta::Bookmark(_) => {}
    }
}

#[test]
fn random_operations_agree_with_a_list() {
    let seed = 1;
    println!("{OPERATIONS} operations, seed {seed}");
    let mut random = Random::new(seed);
    let (mut fifo, mut model) = (Fifo::new(), VecDeque::<String>::new());
    // What the source holds, and what the consumer made of the deltas it popped.
    let (mut source, mut store) = (BTreeMap::new(), BTreeMap::new());
    for version in 1..=OPERATIONS {
        let object = object(&random.below(12).to_string(), "u", version);
        let key = object.key();
        match random.below(24) {
            0..6 => {
                let delta = if source.contains_key(&key) { "~" } else { "+" };
                model.push_back(format!("{delta}{}", text(&object)));
                match source.insert(key, object.clone()) {
                    Some(_) => fifo.update(object),
                    None => fifo.add(object),
                }
            }
            6..10 => {
                if source.remove(&key).is_some() {
                    model.push_back(format!("-{}", text(&object)));
                    fifo.delete(object);
                }
            }
            10 => {
                // Objects went and came while nobody looked.
                source.remove(&key);
                let objects: Vec<_> = source.values().cloned().collect();
                let texts: Vec<String> = objects.iter().map(|object| text(object)).collect();
                model.push_back(format!("all@{version}({})", texts.join(" ")));
                fifo.replace(objects, version.to_string().into());
            }
            11 => {
                model.push_back("sync all".to_owned());
                fifo.resync();
            }
            12 => {
                model.push_back(format!("bookmark@{version}"));
                fifo.bookmark(version.to_string().into());
            }
            _ => pop_one(&mut fifo, &mut model, &mut store),
        }
        assert_eq!(fifo.len(), model.len());
        if version % 64 == 0 {
            while !model.is_empty() {
                pop_one(&mut fifo, &mut model, &mut store);
            }
            assert_eq!(store, source, "once drained, the consumer holds what the source holds");
        }
    }
}

fn pop_one(
    fifo: &mut Fifo<ConfigMap>,
    model: &mut VecDeque<String>,
    store: &mut BTreeMap<Key, Arc<ConfigMap>>,
) {
    let popped = fifo.pop();
    assert_eq!(popped.as_ref().map(|popped| short(&popped.delta)), model.pop_front());
    if let Some(popped) = popped {
        apply(store, popped.delta);
    }
}
