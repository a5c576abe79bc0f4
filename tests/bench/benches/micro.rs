//! The parts of the data path one by one: `cargo bench -p portolan-bench`. Figures are for one list of a thousand pods
//! where nothing else is said.

use std::sync::Arc;
use std::time::Duration;

use divan::{Bencher, black_box};
use k8s_openapi::api::core::v1::Pod;
use portolan::cache::{Change, Event, Fifo, HandlerOptions, Indexer, Pipeline, index_by_value};
use portolan::codec::Limits;
use portolan::codec::json::{ListDecoder, WatchDecoder};
use portolan::codec::protobuf;
use portolan::meta::{ApiResource, Encoded, Format, Key, LabelSelector, Object, Resource};
use portolan::object::{Lazy, Unstructured};
use portolan::queue::{ExponentialRateLimiter, Priority, WorkQueue};
use portolan::time::Instant;
use portolan_bench::corpus::Corpus;

const PODS: usize = 1_000;

fn main() {
    divan::main();
}

fn pods() -> Vec<String> {
    #[expect(clippy::expect_used, reason = "without fixtures there is nothing that can fail")]
    let corpus = Corpus::new(1, PODS, None).expect("pods");
    (0..PODS).map(|index| corpus.pod(index).to_string()).collect()
}

fn list() -> Vec<u8> {
    let head = r#"{"kind":"PodList","apiVersion":"v1","metadata":{"resourceVersion":"1"},"items":["#;
    format!("{head}{}]}}", pods().join(",")).into_bytes()
}

/// A pod in another format than JSON.
fn written(format: Format, pod: &str) -> Vec<u8> {
    match format {
        Format::Protobuf => {
            let pod: Unstructured = serde_json::from_str(pod).unwrap_or_default();
            protobuf::encode(&pod, "v1", "Pod").unwrap_or_default()
        }
        _ => pod.as_bytes().to_vec(),
    }
}

fn read(resource: &ApiResource, format: Format, bytes: &[u8]) -> Option<Lazy<Pod>> {
    Object::read(Encoded { drop_managed_fields: true, ..Encoded::new(format, bytes, resource) }).ok()
}

fn objects() -> Vec<Arc<Lazy<Pod>>> {
    let resource = Pod::api_resource();
    pods().iter().filter_map(|pod| read(&resource, Format::Json, pod.as_bytes()).map(Arc::new)).collect()
}

/// Finds the items of a list that comes in chunks.
#[divan::bench(args = [4 << 10, 64 << 10])]
fn split_list(bencher: Bencher, chunk: usize) {
    let body = bytes::Bytes::from(list());
    let chunks: Vec<_> =
        (0..body.len()).step_by(chunk).map(|at| body.slice(at..body.len().min(at + chunk))).collect();
    bencher.counter(divan::counter::BytesCount::new(body.len())).bench(|| {
        let mut decoder = ListDecoder::new(Limits::default());
        let mut items = 0;
        for chunk in &chunks {
            decoder.push(chunk.clone());
            while let Ok(Some(item)) = decoder.next_item() {
                items += black_box(item).len();
            }
        }
        items
    });
}

/// The scan by itself: finds the end of one item that holds all the pods, in one chunk.
#[divan::bench]
fn scan(bencher: Bencher) {
    let body = bytes::Bytes::from(format!("{{\"items\":[{{\"pods\":[{}]}}]}}", pods().join(",")));
    bencher.counter(divan::counter::BytesCount::new(body.len())).bench(|| {
        let mut decoder = ListDecoder::new(Limits::default());
        decoder.push(body.clone());
        decoder.next_item().map(|item| item.map_or(0, <[u8]>::len)).unwrap_or_default()
    });
}

#[divan::bench]
fn split_watch(bencher: Bencher) {
    let events: String =
        pods().iter().map(|pod| format!("{{\"type\":\"ADDED\",\"object\":{pod}}}\n")).collect();
    let body = bytes::Bytes::from(events);
    bencher.counter(divan::counter::BytesCount::new(body.len())).bench(|| {
        let mut decoder = WatchDecoder::new(Limits::default());
        decoder.push(body.clone());
        let mut events = 0;
        while let Ok(Some(frame)) = decoder.next_event() {
            events += black_box(frame).object.len();
        }
        events
    });
}

/// Takes objects in: checks, surveys and copies each; protobuf the same.
#[divan::bench(args = [Format::Json, Format::Protobuf])]
fn take_in_each(bencher: Bencher, format: Format) {
    let resource = Pod::api_resource();
    let pods: Vec<_> = pods().iter().map(|pod| written(format, pod)).collect();
    bencher.bench(|| pods.iter().filter_map(|pod| read(&resource, format, pod)).collect::<Vec<_>>());
}

#[divan::bench]
fn decode_typed_each(bencher: Bencher) {
    let pods = pods();
    bencher.bench(|| pods.iter().filter_map(|pod| serde_json::from_str::<Pod>(pod).ok()).count());
}

#[divan::bench(args = ["metadata.name", "spec.nodeName", "status.phase", "spec.containers[0].image", "spec.containers[*].image"])]
fn path_each(bencher: Bencher, path: &str) {
    let objects = objects();
    bencher.bench(|| {
        let texts = objects.iter().flat_map(|object| object.values(path).filter_map(|value| value.text()));
        texts.map(|text| text.len()).sum::<usize>()
    });
}

#[divan::bench]
fn indexer_replace(bencher: Bencher) {
    let objects = objects();
    bencher.with_inputs(|| objects.clone()).bench_values(|objects| {
        let mut indexer = Indexer::new();
        indexer.replace(objects, &"1".to_owned().into());
        indexer
    });
}

#[divan::bench]
fn indexer_insert_and_index(bencher: Bencher) {
    let objects = objects();
    bencher.with_inputs(|| objects.clone()).bench_values(|objects| {
        let mut indexer = Indexer::new();
        let added = indexer.add_index("node", index_by_value(|pod: &Lazy<Pod>| pod.text("spec.nodeName")));
        objects.into_iter().for_each(|object| drop(indexer.insert(object)));
        (added.is_ok(), indexer)
    });
}

#[divan::bench]
fn fifo_push_and_pop(bencher: Bencher) {
    let objects = objects();
    bencher.bench(|| {
        let mut fifo = Fifo::new();
        objects.iter().for_each(|object| fifo.push(Change::Updated(object.clone())));
        std::iter::from_fn(|| fifo.pop()).count()
    });
}

/// Every key once: added, taken, done.
#[divan::bench]
fn workqueue(bencher: Bencher) {
    let keys = keys();
    bencher.bench(|| {
        let (now, mut queue) = (Instant::default(), WorkQueue::default());
        for key in &keys {
            queue.add(now, key.clone(), Priority::Normal);
        }
        drain(&mut queue, now)
    });
}

/// The same, each after the delay of its first failure.
#[divan::bench]
fn workqueue_rate_limited(bencher: Bencher) {
    let keys = keys();
    let delay = Duration::from_millis(1);
    bencher.bench(|| {
        let mut queue = WorkQueue::new(ExponentialRateLimiter::new(delay, delay));
        for key in &keys {
            queue.add_rate_limited(Instant::default(), key.clone());
        }
        let now = Instant::default() + delay;
        queue.handle_timeout(now);
        drain(&mut queue, now)
    });
}

fn keys() -> Vec<Key> {
    (0..PODS).map(|index| Key::new("namespace", &index.to_string())).collect()
}

fn drain(queue: &mut WorkQueue<Key>, now: Instant) -> usize {
    let mut taken = 0;
    while let Some((ticket, key)) = queue.poll_item(now) {
        queue.forget(black_box(&key));
        queue.done(now, ticket);
        taken += 1;
    }
    taken
}

/// From the reflector's change to the handlers' queues, one index.
#[divan::bench(args = [1, 5])]
fn pipeline_update(bencher: Bencher, handlers: usize) {
    let objects = objects();
    bencher.bench(|| {
        let now = Instant::default();
        let mut pipeline = Pipeline::new(Duration::ZERO);
        let ids: Vec<_> =
            (0..handlers).map(|_| pipeline.add_handler(now, HandlerOptions::default())).collect();
        for object in &objects {
            pipeline.handle_change(now, Change::Updated(object.clone()));
        }
        pipeline.run(now);
        let told = |id| {
            std::iter::from_fn(|| pipeline.processor_mut().poll_event(id))
                .map(|event: Event<_>| drop(event))
                .count()
        };
        ids.into_iter().map(told).sum::<usize>()
    });
}

#[divan::bench(args = ["app.kubernetes.io/name=ledger", "tier in (backend,data),team!=atlas"])]
fn select_each(bencher: Bencher, selector: &str) {
    let objects = objects();
    let selector: LabelSelector = selector.parse().unwrap_or_default();
    bencher.bench(|| objects.iter().filter(|object| selector.matches(&object.labels())).count());
}
