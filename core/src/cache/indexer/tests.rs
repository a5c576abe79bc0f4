//! Situations of client-go's `thread_safe_store_test.go`, `index_test.go` and `store_test.go`, and a naive model.

use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::api::core::v1::ConfigMap;

use super::*;
use crate::cache::index::index_by_value;
use crate::cache::sample::{OPERATIONS, labeled, object, text};
use crate::policy::Random;

fn label_values(object: &ConfigMap, emit: &mut dyn FnMut(&str)) {
    for value in object.labels().values() {
        emit(value);
    }
}

fn texts<'a>(objects: impl Iterator<Item = &'a Arc<ConfigMap>>) -> Vec<String> {
    objects.map(|object| text(object)).collect()
}

#[test]
fn objects_are_found_by_key_and_by_namespace() {
    let mut indexer = Indexer::new();
    assert!(indexer.insert(object("a/x", "1", 1)).is_none());
    assert!(indexer.insert(object("b/x", "2", 2)).is_none());
    assert!(indexer.insert(object("node", "3", 3)).is_none());
    assert_eq!(indexer.insert(object("a/x", "1", 4)).map(|old| text(&old)), Some("a/x:1@1".into()));
    assert_eq!(indexer.len(), 3);
    assert_eq!(indexer.get(&Key::new("a", "x")).map(|held| text(held)), Some("a/x:1@4".into()));
    assert!(indexer.get(&Key::new("a", "y")).is_none());
    assert_eq!(texts(indexer.by_index(NAMESPACE_INDEX, "a")), ["a/x:1@4"]);
    assert_eq!(texts(indexer.by_index(NAMESPACE_INDEX, "")), ["node:3@3"]);
    assert_eq!(indexer.index_values(NAMESPACE_INDEX).collect::<Vec<_>>(), ["a", "b", ""]);
    assert_eq!(indexer.remove(&Key::new("b", "x")).map(|old| text(&old)), Some("b/x:2@2".into()));
    assert!(indexer.remove(&Key::new("b", "x")).is_none());
    assert_eq!(indexer.index_values(NAMESPACE_INDEX).collect::<Vec<_>>(), ["a", ""]);
    assert_eq!(indexer.keys().map(|key| key.to_string()).collect::<Vec<_>>(), ["a/x", "node"]);
}

#[test]
fn an_index_can_be_added_to_a_store_in_use_and_names_are_taken_once() {
    let mut indexer = Indexer::new();
    indexer.insert(labeled("a/x", "1", 1, &["red", "round"]));
    indexer.insert(labeled("a/y", "2", 2, &["red"]));
    indexer.add_index("label", Arc::new(label_values)).unwrap();
    let first = index_by_value(|object: &ConfigMap| {
        object.metadata.labels.as_ref()?.get("0").map(|value| value.as_str().into())
    });
    indexer.add_index("first label", first.clone()).unwrap();
    assert!(indexer.add_index("label", first).unwrap_err().to_string().contains("label"));
    assert_eq!(texts(indexer.by_index("label", "red")), ["a/x:1@1", "a/y:2@2"]);
    assert_eq!(texts(indexer.by_index("label", "round")), ["a/x:1@1"]);
    assert_eq!(texts(indexer.by_index("first label", "round")), [""; 0]);
    assert_eq!(indexer.index_keys("first label", "red").count(), 2);
    assert_eq!(indexer.by_index("no such index", "red").count(), 0);
    assert_eq!(indexer.index_values("no such index").count(), 0);
}

#[test]
fn a_value_named_twice_counts_once_and_an_object_can_lose_all_values() {
    let mut indexer = Indexer::without_indexes();
    indexer.add_index("label", Arc::new(label_values)).unwrap();
    indexer.insert(labeled("x", "1", 1, &["red", "red", "blue"]));
    assert_eq!(texts(indexer.by_index("label", "red")), ["x:1@1"]);
    indexer.insert(labeled("x", "1", 2, &["blue"]));
    assert_eq!(indexer.by_index("label", "red").count(), 0);
    assert_eq!(texts(indexer.by_index("label", "blue")), ["x:1@2"]);
    indexer.insert(labeled("x", "1", 3, &[]));
    assert_eq!(indexer.index_values("label").count(), 0);
    assert_eq!(indexer.len(), 1);
}

#[test]
fn replace_keeps_what_did_not_change_and_tells_what_did() {
    let mut indexer = Indexer::new();
    let held = object("a/same", "1", 1);
    indexer.insert(held.clone());
    indexer.insert(object("a/changed", "2", 2));
    indexer.insert(object("a/recreated", "3", 3));
    indexer.insert(object("a/gone", "4", 4));
    let list = vec![
        object("a/same", "1", 1),
        object("a/changed", "2", 7),
        object("a/recreated", "5", 3),
        object("b/new", "6", 8),
    ];
    let Replacement { removed, stored } = indexer.replace(list, &"9".into());
    assert_eq!(texts(removed.iter()), ["a/gone:4@4"]);
    let stored: Vec<_> =
        stored.iter().map(|(old, new)| (old.as_ref().map(|old| text(old)), text(new))).collect();
    let some = |text: &str| Some(text.to_owned());
    assert_eq!(
        stored,
        [
            (some("a/same:1@1"), "a/same:1@1".to_owned()),
            (some("a/changed:2@2"), "a/changed:2@7".to_owned()),
            (some("a/recreated:3@3"), "a/recreated:5@3".to_owned()),
            (None, "b/new:6@8".to_owned()),
        ]
    );
    assert!(indexer.get(&Key::new("a", "same")).is_some_and(|now| Arc::ptr_eq(now, &held)));
    assert_eq!(indexer.last_store_sync_resource_version().as_str(), "9");
    assert_eq!(indexer.by_index(NAMESPACE_INDEX, "a").count(), 3);
    assert_eq!(texts(indexer.replace(Vec::new(), &"10".into()).removed.iter()).len(), 4);
    assert!(indexer.is_empty() && indexer.index_values(NAMESPACE_INDEX).count() == 0);
}

#[test]
fn the_store_knows_how_far_it_has_come() {
    let mut indexer = Indexer::new();
    assert!(indexer.last_store_sync_resource_version().is_unset());
    indexer.insert(object("x", "1", 5));
    assert_eq!(indexer.last_store_sync_resource_version().as_str(), "5");
    indexer.bookmark(&"8".into());
    assert_eq!(indexer.last_store_sync_resource_version().as_str(), "8");
    indexer.remove_object(&object("x", "1", 9));
    assert_eq!(indexer.last_store_sync_resource_version().as_str(), "9");
}

/// The store as a map, its indexes computed anew for every question.
#[derive(Default)]
struct Model(BTreeMap<Key, Arc<ConfigMap>>);

impl Model {
    fn by_label(&self, value: &str) -> BTreeSet<String> {
        let has = |object: &&Arc<ConfigMap>| object.labels().values().any(|label| label == value);
        self.0.values().filter(has).map(|object| text(object)).collect()
    }
}

/// Of a version of its own: two states of one uid and version are the same state.
fn random_object(random: &mut Random, versions: &mut u64) -> Arc<ConfigMap> {
    *versions += 1;
    let key = format!("{}/{}", random.below(4), random.below(40));
    let labels: Vec<String> = (0..random.below(4)).map(|_| random.below(6).to_string()).collect();
    let labels: Vec<&str> = labels.iter().map(String::as_str).collect();
    labeled(&key, &random.below(3).to_string(), *versions, &labels)
}

fn check(indexer: &Indexer<ConfigMap>, model: &Model) {
    assert_eq!(indexer.len(), model.0.len());
    let texts: BTreeSet<String> = indexer.iter().map(|object| text(object)).collect();
    assert_eq!(texts, model.0.values().map(|object| text(object)).collect());
    for (key, object) in &model.0 {
        assert!(indexer.get(key).is_some_and(|held| text(held) == text(object)));
    }
    let mut values = BTreeSet::new();
    for value in 0..6 {
        let value = value.to_string();
        let found: Vec<String> = indexer.by_index("label", &value).map(|object| text(object)).collect();
        let wanted = model.by_label(&value);
        assert_eq!(found.len(), wanted.len(), "an object is found once");
        assert_eq!(found.into_iter().collect::<BTreeSet<_>>(), wanted);
        if !wanted.is_empty() {
            values.insert(value);
        }
    }
    assert_eq!(indexer.index_values("label").map(str::to_owned).collect::<BTreeSet<_>>(), values);
}

#[test]
fn random_operations_agree_with_a_map() {
    for seed in 1..=4 {
        println!("seed {seed}");
        let (mut random, mut versions) = (Random::new(seed), 0);
        let (mut indexer, mut model) = (Indexer::new(), Model::default());
        indexer.add_index("label", Arc::new(label_values)).unwrap();
        let mut listed = (indexer.objects().clone(), Vec::new());
        for operation in 1..=OPERATIONS / 4 {
            match random.below(100) {
                0 => {
                    let list: Vec<_> = (0..random.below(60))
                        .map(|_| random_object(&mut random, &mut versions))
                        .chain(model.0.values().filter(|held| held.key().as_str().len() == 3).cloned())
                        .collect();
                    model.0 = list.iter().map(|object| (object.key(), object.clone())).collect();
                    indexer.replace(list, &operation.to_string().as_str().into());
                }
                1..40 => {
                    let key = random_object(&mut random, &mut versions).key();
                    let (removed, wanted) = (indexer.remove(&key), model.0.remove(&key));
                    assert_eq!(removed.map(|object| text(&object)), wanted.map(|object| text(&object)));
                }
                _ => {
                    let object = random_object(&mut random, &mut versions);
                    let (old, wanted) =
                        (indexer.insert(object.clone()), model.0.insert(object.key(), object));
                    assert_eq!(old.map(|object| text(&object)), wanted.map(|object| text(&object)));
                }
            }
            if operation % 2_000 == 0 {
                check(&indexer, &model);
            }
            if operation % 50 == 0 {
                assert_eq!(texts(listed.0.iter()), listed.1, "what was listed stays as it was");
                listed = (indexer.objects().clone(), texts(indexer.iter()));
            }
        }
        check(&indexer, &model);
    }
}
