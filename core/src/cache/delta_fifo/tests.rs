//! Situations of client-go's `delta_fifo_test.go`, and a naive model.

use std::collections::BTreeMap;
use std::time::Duration;

use k8s_openapi::api::core::v1::ConfigMap;

use super::*;
use crate::cache::indexer::Indexer;
use crate::cache::sample::{OPERATIONS, object, text};
use crate::policy::Random;

fn short(delta: &Delta<ConfigMap>) -> String {
    let kind = match delta {
        Delta::Added(_) => "+",
        Delta::Updated(_) => "~",
        Delta::Deleted(_) => "-",
        Delta::DeletedFinalStateUnknown(_) => "?",
        Delta::Replaced(_) => "=",
        Delta::Sync(_) => "*",
        Delta::ReplacedAll { .. } | Delta::SyncAll | Delta::Bookmark(_) => panic!("not of this queue"),
    };
    format!("{kind}{}", text(delta.object().unwrap()))
}

fn chain(deltas: &[Delta<ConfigMap>]) -> String {
    deltas.iter().map(short).collect::<Vec<_>>().join(" ")
}

fn pop(fifo: &mut DeltaFifo<ConfigMap>) -> String {
    let Some((key, deltas, initial)) = fifo.pop() else { return "-".to_owned() };
    assert!(deltas.iter().all(|delta| delta.object().unwrap().key() == key));
    chain(&deltas) + if initial { " i" } else { "" }
}

fn known(objects: &[Arc<ConfigMap>]) -> Indexer<ConfigMap> {
    let mut indexer = Indexer::new();
    for object in objects {
        indexer.insert(object.clone());
    }
    indexer
}

fn a(version: u64) -> Arc<ConfigMap> {
    object("a", "1", version)
}

fn b(version: u64) -> Arc<ConfigMap> {
    object("b", "2", version)
}

#[test]
fn how_long_keys_were_queued_is_counted() {
    let at = |seconds| Instant::from_origin(Duration::from_secs(seconds));
    let mut fifo = DeltaFifo::new();
    fifo.set_now(at(10));
    fifo.add(object("a", "u", 1));
    fifo.set_now(at(13));
    fifo.add(object("b", "u", 2));
    // A second delta of a key does not make it wait anew.
    fifo.update(object("a", "u", 3));
    fifo.set_now(at(14));
    fifo.pop().unwrap();
    let (key, deltas, _) = fifo.pop().unwrap();
    assert_eq!((fifo.latency().count, fifo.latency().sum), (2, Duration::from_secs(5)));
    assert!(fifo.requeue(key, deltas));
    fifo.set_now(at(20));
    fifo.pop().unwrap();
    assert_eq!(fifo.latency().sum, Duration::from_secs(11));
}

#[test]
fn everything_that_happened_to_a_key_comes_out_at_once() {
    let mut fifo = DeltaFifo::new();
    let none = known(&[]);
    fifo.add(a(1));
    fifo.add(b(2));
    fifo.update(a(3));
    fifo.delete(&none, a(4));
    fifo.add(object("a", "9", 5));
    assert_eq!(fifo.len(), 2);
    assert_eq!(pop(&mut fifo), "+a:1@1 ~a:1@3 -a:1@4 +a:9@5");
    fifo.update(a(6));
    assert_eq!(pop(&mut fifo), "+b:2@2");
    assert_eq!(pop(&mut fifo), "~a:1@6");
    assert_eq!(pop(&mut fifo), "-");
    assert!(fifo.is_empty());
}

#[test]
fn of_two_deletions_the_one_that_knows_more_stays() {
    let none = known(&[]);
    let mut fifo = DeltaFifo::new();
    fifo.add(a(1));
    fifo.replace(&none, Vec::new());
    fifo.delete(&none, a(2));
    fifo.delete(&none, a(3));
    fifo.replace(&none, Vec::new());
    assert_eq!(pop(&mut fifo), "+a:1@1 -a:1@2");
}

#[test]
fn a_deletion_nobody_would_understand_is_not_queued() {
    let mut fifo = DeltaFifo::new();
    fifo.delete(&known(&[]), a(1));
    assert!(fifo.is_empty());
    assert!(fifo.has_synced(), "it still says that the source is alive");
    fifo.delete(&known(&[a(1)]), a(2));
    assert_eq!(pop(&mut fifo), "-a:1@2");
}

#[test]
fn a_list_deletes_what_is_queued_or_known_and_not_listed() {
    let mut fifo = DeltaFifo::new();
    fifo.delete(&known(&[b(1)]), b(2));
    fifo.add(object("c", "3", 3));
    fifo.replace(&known(&[a(1), b(1)]), vec![object("b", "9", 5), object("d", "4", 6)]);
    let popped: Vec<String> = (0..5).map(|_| pop(&mut fifo)).collect();
    assert_eq!(popped, ["-b:2@2 =b:9@5", "+c:3@3 ?c:3@3", "=d:4@6", "?a:1@1", "-"]);
}

#[test]
fn a_resync_leaves_alone_what_has_something_queued() {
    let mut fifo = DeltaFifo::new();
    fifo.update(a(2));
    fifo.resync(&known(&[a(1), b(1)]));
    assert_eq!([pop(&mut fifo), pop(&mut fifo), pop(&mut fifo)], ["~a:1@2", "*b:2@1", "-"]);
}

#[test]
fn it_has_synced_when_every_key_of_the_first_list_is_out() {
    let mut fifo = DeltaFifo::new();
    assert!(!fifo.has_synced());
    fifo.replace(&known(&[object("gone", "3", 1)]), vec![a(1), b(2)]);
    fifo.update(a(4));
    assert_eq!(pop(&mut fifo), "=a:1@1 ~a:1@4 i");
    assert_eq!(pop(&mut fifo), "=b:2@2 i");
    assert!(!fifo.has_synced(), "the deletion belongs to the list");
    assert_eq!(pop(&mut fifo), "?gone:3@1 i");
    assert!(fifo.has_synced());
    fifo.add(a(5));
    assert_eq!(pop(&mut fifo), "+a:1@5");

    let mut empty = DeltaFifo::<ConfigMap>::new();
    empty.replace(&known(&[]), Vec::new());
    assert!(empty.has_synced());
}

#[test]
fn what_failed_goes_back_unless_something_newer_is_queued() {
    let mut fifo = DeltaFifo::new();
    fifo.add(a(1));
    let (key, deltas, _) = fifo.pop().unwrap();
    assert!(fifo.requeue(key, deltas));
    let (key, deltas, _) = fifo.pop().unwrap();
    fifo.update(a(2));
    assert!(!fifo.requeue(key, deltas));
    assert_eq!(pop(&mut fifo), "~a:1@2");
}

/// The queue as a plain list of keys with their chains.
type Model = Vec<(Key, Vec<String>)>;

fn model_queue(model: &mut Model, key: &Key, delta: String) {
    match model.iter_mut().find(|(queued, _)| queued == key) {
        None => model.push((key.clone(), vec![delta])),
        Some((_, chain)) => match chain.last_mut() {
            Some(last) if last.starts_with('?') && delta.starts_with(['-', '?']) => *last = delta,
            Some(last) if last.starts_with('-') && delta.starts_with(['-', '?']) => {}
            _ => chain.push(delta),
        },
    }
}

/// A list that holds `object` alone: what was queued or held beside it is gone.
fn model_replace(model: &mut Model, store: &BTreeMap<Key, Arc<ConfigMap>>, object: &Arc<ConfigMap>) {
    let key = object.key();
    model_queue(model, &key, format!("={}", text(object)));
    let queued: Vec<_> =
        model.iter().map(|(queued, chain)| (queued.clone(), chain.last().cloned())).collect();
    for (queued, last) in queued.iter().filter(|(queued, _)| *queued != key) {
        let last = last.as_ref().unwrap();
        model_queue(model, queued, format!("?{}", &last[1..]));
    }
    for (held, object) in store {
        if *held != key && !queued.iter().any(|(queued, _)| queued == held) {
            model_queue(model, held, format!("?{}", text(object)));
        }
    }
}

#[test]
fn random_operations_agree_with_a_list_of_chains() {
    for seed in 1..=4 {
        println!("seed {seed}");
        let mut random = Random::new(seed);
        let (mut fifo, mut model) = (DeltaFifo::new(), Model::new());
        let mut store = BTreeMap::<Key, Arc<ConfigMap>>::new();
        for version in 1..=OPERATIONS / 4 {
            let object = object(&random.below(12).to_string(), "u", version);
            let key = object.key();
            let held: Vec<_> = store.values().cloned().collect();
            match random.below(20) {
                0..4 => {
                    model_queue(&mut model, &key, format!("+{}", text(&object)));
                    fifo.add(object);
                }
                4..8 => {
                    model_queue(&mut model, &key, format!("~{}", text(&object)));
                    fifo.update(object);
                }
                8..12 => {
                    if store.contains_key(&key) || model.iter().any(|(queued, _)| *queued == key) {
                        model_queue(&mut model, &key, format!("-{}", text(&object)));
                    }
                    fifo.delete(&known(&held), object);
                }
                12 => {
                    model_replace(&mut model, &store, &object);
                    fifo.replace(&known(&held), vec![object]);
                }
                13 => {
                    for (held, object) in &store {
                        if !model.iter().any(|(queued, _)| queued == held) {
                            model_queue(&mut model, held, format!("*{}", text(object)));
                        }
                    }
                    fifo.resync(&known(&held));
                }
                _ => {
                    let wanted = (!model.is_empty()).then(|| model.remove(0));
                    let popped = fifo.pop();
                    assert_eq!(
                        popped.as_ref().map(|(key, deltas, _)| (key.clone(), chain(deltas))),
                        wanted.map(|(key, chain)| (key, chain.join(" ")))
                    );
                    if let Some((key, deltas, _)) = popped {
                        match deltas.last() {
                            Some(last) if !last.is_deletion() => {
                                store.insert(key, last.object().unwrap().clone())
                            }
                            _ => store.remove(&key),
                        };
                    }
                }
            }
            assert_eq!(fifo.len(), model.len());
        }
    }
}
