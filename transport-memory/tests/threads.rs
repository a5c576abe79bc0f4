//! An informer, its handlers, readers and waiters, the workers of a queue and a recorder of events, each on a thread of its
//! own: they end where the server is. ThreadSanitizer watches it in `cargo xtask soak threads`.

#![cfg(test)]

use std::collections::{BTreeMap, BTreeSet};
use std::pin::pin;
use std::sync::{Arc, Condvar, Mutex};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::Duration;

use futures::FutureExt;
use k8s_openapi::api::core::v1::ConfigMap;
use portolan::cache::{Delivery, Event, HandlerOptions};
use portolan::controller::{EventRecorder, Note, object_reference};
use portolan::informer::{FactoryOptions, RateLimitingQueue, SharedIndexInformer, SharedInformerFactory};
use portolan::meta::{Key, Object, Patch, PatchOptions, Resource};
use portolan::object::Lazy;
use portolan::portable::BoxFuture;
use portolan::time::{Clock, Instant, Runtime, Spawn};
use portolan_memory::Cluster;
use serde_json::{Value, json};

const OBJECTS: usize = 10;
const TURNS: usize = 200;

type Informer = SharedIndexInformer<Lazy<ConfigMap>>;
type Versions = BTreeMap<Key, String>;
type Told = Arc<(Mutex<Versions>, Condvar)>;

/// So long anything may take, on a busy machine and watched.
const PATIENCE: Duration = Duration::from_secs(300);

/// A thread for each task, and for each sleep.
#[derive(Debug)]
struct Threads(std::time::Instant);

impl Clock for Threads {
    fn now(&self) -> Instant {
        Instant::from_origin(self.0.elapsed())
    }

    fn unix_time(&self) -> Duration {
        Duration::from_secs(1_000_000_000) + self.0.elapsed()
    }

    fn sleep_until(&self, at: Instant) -> BoxFuture<'static, ()> {
        let (wake, woken) = futures::channel::oneshot::channel::<()>();
        let rest = at.saturating_duration_since(self.now());
        // A sleep nobody waits for any more ends by itself, or with the process.
        thread::spawn(move || {
            thread::sleep(rest);
            drop(wake);
        });
        Box::pin(woken.map(|_| ()))
    }
}

impl Spawn for Threads {
    fn spawn(&self, name: &'static str, task: BoxFuture<'static, ()>) {
        thread::Builder::new().name(name.to_owned()).spawn(move || block_on(task)).unwrap();
    }
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

fn block_on<F: Future>(future: F) -> F::Output {
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let (mut future, mut context) = (pin!(future), Context::from_waker(&waker));
    loop {
        match future.as_mut().poll(&mut context) {
            Poll::Ready(output) => return output,
            Poll::Pending => thread::park(),
        }
    }
}

fn cluster() -> Cluster {
    let threads = Arc::new(Threads(std::time::Instant::now()));
    let cluster = Cluster::new(Runtime { clock: threads.clone(), spawner: threads, seed: 1 });
    for number in 0..OBJECTS {
        cluster
            .create(json!({ "apiVersion": "v1", "kind": "ConfigMap",
                "metadata": { "namespace": "default", "name": number.to_string() }, "data": {} }))
            .unwrap();
    }
    cluster
}

fn key(number: usize) -> Key {
    Key::new("default", &(number % OBJECTS).to_string())
}

fn write(cluster: &Cluster) {
    let gvr = ConfigMap::api_resource().gvr();
    for turn in 0..TURNS {
        let change = |object: &mut Value| object["data"]["turn"] = turn.to_string().into();
        cluster.modify(&gvr, &key(turn), change).unwrap();
    }
}

/// Writes as a controller does, and never reads behind that.
fn write_and_read_back(informer: &Informer, cluster: &Cluster) {
    let api = cluster.client().api::<Lazy<ConfigMap>>("default");
    let cache = informer.mutation_cache(Duration::from_secs(3_600));
    for turn in 0..TURNS {
        let patch = Patch::Merge(json!({ "data": { "read": turn.to_string() } }));
        let key = key(turn);
        let written = block_on(api.patch(key.name(), &patch, &PatchOptions::default())).unwrap();
        let version: u64 = written.meta().resource_version.parse().unwrap();
        cache.mutation(written);
        let read: u64 = cache.get(&key).unwrap().meta().resource_version.parse().unwrap();
        assert!(read >= version, "{read} is older than what was written, {version}");
    }
}

fn read(informer: &Informer) {
    let lister = informer.lister();
    for _ in 0..TURNS {
        assert_eq!(lister.snapshot().len(), OBJECTS);
        assert_eq!(lister.list().iter().count(), OBJECTS);
        assert_eq!(lister.namespace("default").len(), OBJECTS);
        let status = informer.status();
        assert!(status.objects == OBJECTS && informer.has_synced(), "{status:?}");
        drop((informer.handlers(), informer.queued(), informer.queue_latency()));
    }
}

fn come_and_go(informer: &Informer) {
    for turn in 0..TURNS / 8 {
        let delivery = if turn % 2 == 0 { Delivery::Coalesce } else { Delivery::Lossless { capacity: 2 } };
        let options = HandlerOptions { delivery, resync_period: None };
        let registration = informer.add_handler(options, |event: Event<Lazy<ConfigMap>>| drop(event.key()));
        block_on(registration.wait_for_sync()).unwrap();
        registration.remove();
        assert_eq!(registration.status(), None);
    }
}

fn note(told: &Told) -> impl Fn(Event<Lazy<ConfigMap>>) + Send + Sync + 'static {
    let told = told.clone();
    move |event| {
        let version = event.object().meta().resource_version.to_owned();
        told.0.lock().unwrap().insert(event.key(), version);
        told.1.notify_all();
    }
}

/// Works off the queue; each key fails once.
fn work(queue: &RateLimitingQueue<Key>, worked: &Mutex<BTreeSet<Key>>) {
    let failed = Mutex::new(BTreeSet::new());
    let work = |key: Key| {
        let first = failed.lock().unwrap().insert(key.clone());
        worked.lock().unwrap().insert(key);
        std::future::ready(if first { Err("once") } else { Ok(()) })
    };
    block_on(queue.run(1, work));
}

fn record(informer: &Informer, recorder: &EventRecorder) {
    let object = informer.lister().get(&key(0)).unwrap();
    let about = object_reference(&*object, &ConfigMap::api_resource());
    for turn in 0..TURNS / 8 {
        let text = format!("turn {turn}");
        recorder.record(about.clone(), Note::normal(&format!("Turn{turn}"), "Turn", text));
    }
    block_on(recorder.flush(PATIENCE)).unwrap();
}

#[test]
fn all_end_where_the_server_is() {
    let cluster = cluster();
    let client = cluster.client();
    let factory = SharedInformerFactory::new(&client, FactoryOptions::default());
    let informer = factory.informer::<ConfigMap>();
    let told: [Told; 2] = Default::default();
    let lossless = HandlerOptions { delivery: Delivery::Lossless { capacity: 4 }, resync_period: None };
    informer.add_handler(HandlerOptions::default(), note(&told[0]));
    informer.add_handler(lossless, note(&told[1]));
    let queue = RateLimitingQueue::<Key>::new(client.runtime());
    informer.add_handler(HandlerOptions::default(), queue.enqueue_keys());
    factory.start();
    block_on(factory.wait_for_cache_sync()).unwrap();
    let recorder = EventRecorder::new(&client, "example.com/test", "here");
    let worked = Mutex::new(BTreeSet::new());

    thread::scope(|scope| {
        let workers = [(); 3].map(|()| scope.spawn(|| work(&queue, &worked)));
        let others = [
            scope.spawn(|| write(&cluster)),
            scope.spawn(|| write_and_read_back(&informer, &cluster)),
            scope.spawn(|| read(&informer)),
            scope.spawn(|| come_and_go(&informer)),
            scope.spawn(|| record(&informer, &recorder)),
        ];
        others.into_iter().for_each(|other| other.join().unwrap());
        queue.shut_down();
        workers.into_iter().for_each(|worker| worker.join().unwrap());
    });

    let gvr = ConfigMap::api_resource().gvr();
    let served = (0..OBJECTS).map(|number| {
        let object = cluster.object(&gvr, &key(number)).unwrap();
        (key(number), object["metadata"]["resourceVersion"].as_str().unwrap().to_owned())
    });
    let served: Versions = served.collect();
    let held = || -> Versions {
        let entry = |object: &Arc<Lazy<ConfigMap>>| (object.key(), object.meta().resource_version.to_owned());
        informer.lister().list().iter().map(entry).collect()
    };
    block_on(informer.wait_for_status(|_| (held() == served).then_some(())));
    for (told, heard) in told.iter().map(|told| &**told) {
        let told = told.lock().unwrap();
        let (told, late) = heard.wait_timeout_while(told, PATIENCE, |told| *told != served).unwrap();
        assert!(!late.timed_out(), "{told:?} was told, {served:?} is served");
    }
    assert_eq!(worked.lock().unwrap().len(), OBJECTS);
    assert_eq!(recorder.status().written as usize, TURNS / 8);
    factory.shutdown();
}
