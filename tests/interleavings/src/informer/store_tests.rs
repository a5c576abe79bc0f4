//! Readers see whole states, and a mutation cache never goes behind what was handed in.

use std::sync::Arc;

use loom::thread;
use portolan::cache::Store;
use portolan::meta::Object;
use portolan::object::Unstructured;

use super::published::Published;
use crate::stage;

fn object(name: &str, version: &str) -> Arc<Unstructured> {
    let text = format!(r#"{{"metadata":{{"name":"{name}","resourceVersion":"{version}"}}}}"#);
    Arc::new(serde_json::from_str(&text).unwrap())
}

#[test]
fn a_reader_sees_the_list_before_or_the_list_after_and_never_both() {
    stage::check(2, || {
        let mut store = Published::new();
        store.rebuild(|indexer| indexer.replace(vec![object("a", "1"), object("b", "1")], &"1".into()));
        let reader = {
            let store = store.clone();
            thread::spawn(move || {
                let mut seen = Vec::new();
                for _ in 0..2 {
                    let state = store.lock();
                    let versions: Vec<String> =
                        state.iter().map(|object| object.meta().resource_version.to_owned()).collect();
                    assert_eq!(versions.len(), 2);
                    assert_eq!(versions[0], versions[1], "half of one list and half of another");
                    seen.push(versions[0].clone());
                }
                assert!(seen[0] <= seen[1], "time goes back: {seen:?}");
            })
        };
        store.rebuild(|indexer| indexer.replace(vec![object("a", "2"), object("b", "2")], &"2".into()));
        reader.join().unwrap();
    });
}
