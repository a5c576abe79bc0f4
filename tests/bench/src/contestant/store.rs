//! The store by itself: reads and replacements of everything, as a Lister and a relist make them.

use std::mem;
use std::sync::{Arc, PoisonError, RwLock};

use k8s_openapi::api::core::v1::Pod;
use portolan::Error;
use portolan::cache::{Indexer, Objects, index_by_value};
use portolan::meta::{Encoded, Format, MetaRef, Object, Resource};
use portolan::object::Lazy;
use serde_json::json;

use super::{Since, fnv, say};

/// How often each thing is done; its figure is the mean.
const TIMES: u32 = 5;

/// Pods so small that the store is most of what there is to do: 50 namespaces, 300 nodes.
fn pods(count: u64, version: u32) -> Result<Vec<Arc<Lazy<Pod>>>, Error> {
    let resource = Pod::api_resource();
    let pod = |index: u64| {
        let text = json!({
            "apiVersion": "v1", "kind": "Pod",
            "metadata": {
                "name": format!("pod-{index}"), "namespace": format!("namespace-{}", index % 50),
                "uid": format!("uid-{index}"), "resourceVersion": format!("{version}{index:07}"),
            },
            "spec": { "nodeName": format!("node-{}", index % 300), "containers": [] },
        });
        let text = text.to_string();
        Object::read(Encoded::new(Format::Json, text.as_bytes(), &resource)).map(Arc::new)
    };
    (0..count).map(pod).collect()
}

/// Measures, and tells.
pub(super) fn run(count: u64) -> Result<(), Error> {
    let mut indexer = Indexer::new();
    indexer.add_index("node", index_by_value(|pod: &Lazy<Pod>| pod.text("spec.nodeName")))?;
    let store = RwLock::new(indexer);
    let read = || store.read().unwrap_or_else(PoisonError::into_inner);
    // Each list is of other versions than what is held, as after a long outage.
    let lists = (1..=TIMES).map(|version| pods(count, version)).collect::<Result<Vec<_>, _>>()?;
    let mut took = 0.0;
    for (objects, version) in lists.iter().zip(1_u32..) {
        let objects = objects.clone();
        let since = Since::now();
        // As informers do it: readers are served the old state until the new one is there.
        let mut next = read().clone();
        let replaced = next.replace(objects, &version.to_string().into());
        let old = mem::replace(&mut *store.write().unwrap_or_else(PoisonError::into_inner), next);
        drop((old, replaced));
        took += since.read().0;
    }
    let replace = mean(took);

    // A list is there to be read: whoever hands one out that does no work yet does it here.
    let since = Since::now();
    let (mut listed, mut seen) = (Objects::default(), 0);
    for _ in 0..TIMES {
        listed = std::hint::black_box(read().objects().clone());
        seen += listed.iter().map(|pod| glance(pod.meta())).sum::<u64>();
    }
    let list = mean(since.read().0);

    let since = Since::now();
    let mut found = 0;
    for _ in 0..TIMES {
        for node in 0..300 {
            let pods: Vec<_> = read().by_index("node", &format!("node-{node}")).cloned().collect();
            found += std::hint::black_box(pods).len();
        }
    }
    let by_index = mean(since.read().0);
    if found as u64 != count * u64::from(TIMES) {
        return Err(Error::config(format!("the index found {found} objects")));
    }
    let hashes = listed.iter().map(|pod| {
        let meta = pod.meta();
        fnv([meta.name, meta.resource_version, &pod.text("spec.nodeName").unwrap_or_default()])
    });
    say(&json!({
        "did": "all", "proof": hashes.sum::<u64>() + seen,
        "values": { "store_list": list, "store_by_index": by_index, "store_replace": replace },
        "settings": "Indexer behind a RwLock, replaced in a clone that is swapped in, as informers do; indexes by namespace \
                     and by node, the latter read by path; a list of all is a clone of its Objects, others are vectors of \
                     Arc",
    }));
    Ok(())
}

/// What is read of each object of a list: how long its name is, and the last byte of its version.
fn glance(meta: MetaRef<'_>) -> u64 {
    let last = meta.resource_version.as_bytes().last();
    meta.name.len() as u64 + u64::from(last.copied().unwrap_or_default())
}

/// Microseconds each.
fn mean(seconds: f64) -> f64 {
    seconds * 1e6 / f64::from(TIMES)
}
