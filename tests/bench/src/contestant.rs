//! Portolan as a contestant: an informer on pods, told on standard input what comes next, telling on standard output
//! what it took.
//!
//! All contestants, in whatever language, keep to this: arguments `name=value`; one line of JSON for each thing done;
//! then a line on standard input says what to do. The proof of the work is the sum over all objects of the FNV-1a hash
//! (32 bits) of `name NUL resourceVersion NUL deep field`.

use std::borrow::Cow;
use std::collections::HashMap;
use std::io::{BufRead, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use k8s_openapi::api::core::v1::Pod;
use portolan::Error;
use portolan::cache::{Delivery, Event, HandlerOptions, ReflectorOptions, index_by_value};
use portolan::config::{Config, ContentType};
use portolan::informer::{FactoryOptions, Registration, SharedIndexInformer, SharedInformerFactory};
use portolan::meta::{Object, Resource};
use portolan::object::{Lazy, PartialObjectMetadata, Unstructured};
use serde::de::DeserializeOwned;
use serde_json::json;
use tokio::sync::Notify;

use crate::usage;

/// How many bytes the allocator has out, if it counts.
pub type Heap = fn() -> Option<u64>;

/// Runs the contestant to its end, on one thread.
///
/// # Errors
/// When the server cannot be had or an argument is not known.
pub fn run(heap: Heap) -> Result<(), Error> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Error::config("no tokio runtime").with_source(error))?;
    runtime.block_on(async {
        let arguments: HashMap<String, String> = std::env::args()
            .skip(1)
            .filter_map(|pair| pair.split_once('=').map(|(name, value)| (name.into(), value.into())))
            .collect();
        let settings = Settings { arguments, heap };
        match settings.get("form") {
            "lazy" => contest::<Lazy<Pod>>(&settings).await,
            "dynamic" => contest::<Lazy<Unstructured>>(&settings).await,
            "typed" => contest::<Pod>(&settings).await,
            "metadata" => contest::<Lazy<PartialObjectMetadata>>(&settings).await,
            other => Err(Error::config(format!("form={other:?} is none of lazy, dynamic, typed, metadata"))),
        }
    })
}

struct Settings {
    arguments: HashMap<String, String>,
    heap: Heap,
}

impl Settings {
    fn get(&self, name: &str) -> &str {
        self.arguments.get(name).map_or("", String::as_str)
    }

    fn number(&self, name: &str, otherwise: u64) -> u64 {
        self.get(name).parse().unwrap_or(otherwise)
    }
}

/// An object with a field deep inside, to prove that it is there.
trait Proof: Object {
    fn deep(&self) -> Cow<'_, str>;
    fn node(&self) -> Option<Cow<'_, str>>;

    /// The text at a path, for those that are read so.
    fn at(&self, _: &str) -> Option<Cow<'_, str>> {
        None
    }

    /// Decodes the whole, for those that are not; whether it could.
    fn decodes(&self) -> bool {
        false
    }
}

impl<K: DeserializeOwned + 'static> Proof for Lazy<K> {
    fn deep(&self) -> Cow<'_, str> {
        match Self::form() {
            None => self.text("spec.containers[0].image").unwrap_or_default(),
            Some(_) => self.label("app.kubernetes.io/name").unwrap_or_default(),
        }
    }

    fn node(&self) -> Option<Cow<'_, str>> {
        self.text("spec.nodeName")
    }

    fn at(&self, path: &str) -> Option<Cow<'_, str>> {
        self.text(path)
    }

    fn decodes(&self) -> bool {
        self.decode().is_ok()
    }
}

impl Proof for Pod {
    fn deep(&self) -> Cow<'_, str> {
        let first = self.spec.as_ref().and_then(|spec| spec.containers.first());
        first.and_then(|container| container.image.as_deref()).unwrap_or_default().into()
    }

    fn node(&self) -> Option<Cow<'_, str>> {
        self.spec.as_ref()?.node_name.as_deref().map(Cow::Borrowed)
    }
}

/// CPU and wall time since it was made.
struct Since(f64, Instant);

impl Since {
    fn now() -> Self {
        Self(usage::cpu_seconds(), Instant::now())
    }

    fn read(&self) -> (f64, f64) {
        (usage::cpu_seconds() - self.0, self.1.elapsed().as_secs_f64())
    }
}

/// Events told, and the number that is waited for.
#[derive(Default)]
struct Told {
    events: AtomicU64,
    wanted: AtomicU64,
    reached: Notify,
}

impl Told {
    fn tell(&self) {
        let events = self.events.fetch_add(1, Ordering::Relaxed) + 1;
        if events == self.wanted.load(Ordering::Relaxed) {
            self.reached.notify_one();
        }
    }

    /// Waits until every handler has been told what there is: a relist announces what has not changed as well.
    async fn drain<T: Object>(&self, registrations: &[Registration<T>]) {
        loop {
            let statuses: Vec<_> = registrations.iter().filter_map(Registration::status).collect();
            let delivered: u64 = statuses.iter().map(|status| status.delivered).sum();
            if statuses.iter().all(|status| status.waiting == 0)
                && delivered == self.events.load(Ordering::Relaxed)
            {
                return;
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    async fn wait(&self, wanted: u64) {
        self.wanted.store(wanted, Ordering::Relaxed);
        while self.events.load(Ordering::Relaxed) < wanted {
            self.reached.notified().await;
        }
    }
}

async fn contest<T: Proof>(settings: &Settings) -> Result<(), Error> {
    let client = portolan_native::client_for(Config::new(settings.get("server"))?)?;
    let encoding = match settings.get("encoding") {
        "protobuf" => ContentType::Protobuf,
        _ => ContentType::Json,
    };
    let reflector = ReflectorOptions {
        content_type: Some(encoding),
        watch_list: settings.get("sync") == "watch-list",
        trusting: settings.get("check") == "none",
        ..Default::default()
    };
    let factory = SharedInformerFactory::new(&client, FactoryOptions { reflector, ..Default::default() });
    let informer: SharedIndexInformer<T> = factory.resource(&Pod::api_resource());
    informer.add_index("node", index_by_value(|pod: &T| pod.node()))?;
    let handlers = settings.number("handlers", 1);
    let told = Arc::new(Told::default());
    let mut registrations = Vec::new();
    for _ in 0..handlers {
        let told = told.clone();
        let options =
            HandlerOptions { delivery: Delivery::Lossless { capacity: 4096 }, ..Default::default() };
        registrations.push(informer.add_handler(options, move |event: Event<T>| {
            std::hint::black_box(event.object().meta());
            told.tell();
        }));
    }
    let objects = settings.number("objects", 0);
    let before = (usage::memory().0, (settings.heap)());
    say(&json!({ "did": "start", "rss": before.0,
        "settings": "one thread (tokio current_thread); one index by node; lossless handlers" }));

    let since = Since::now();
    factory.start();
    factory.wait_for_cache_sync().await?;
    told.wait(objects * handlers).await;
    let (cpu, wall) = since.read();
    say(&json!({ "did": "sync", "cpu": cpu, "wall": wall }));

    tokio::time::sleep(Duration::from_millis(300)).await;
    let (rss, peak) = usage::memory();
    let heap = (settings.heap)().zip(before.1).map(|(now, then)| now.saturating_sub(then));
    say(&json!({ "did": "settle", "rss": rss, "peak": peak, "heap": heap }));
    say(&json!({ "did": "prove", "objects": informer.lister().len(), "proof": proof(&informer) }));
    obey(&informer, &told, &registrations).await
}

/// Does what standard input says, line by line, to its end.
async fn obey<T: Proof>(
    informer: &SharedIndexInformer<T>,
    told: &Told,
    registrations: &[Registration<T>],
) -> Result<(), Error> {
    let handlers = registrations.len() as u64;
    loop {
        let line = tokio::task::spawn_blocking(|| {
            let mut line = String::new();
            std::io::stdin().lock().read_line(&mut line).map(|_| line)
        });
        let line = line.await.ok().and_then(Result::ok).unwrap_or_default();
        let (word, number) = line.trim().split_once(' ').unwrap_or((line.trim(), ""));
        let number: u64 = number.parse().unwrap_or(0);
        match word {
            "watch" => {
                let since = Since::now();
                let wanted = told.events.load(Ordering::Relaxed) + number * handlers;
                say(&json!({ "did": "ready" }));
                told.wait(wanted).await;
                let (cpu, wall) = since.read();
                say(
                    &json!({ "did": "watch", "cpu": cpu, "wall": wall, "events": number, "proof": proof(informer) }),
                );
            }
            "relist" => {
                let since = Since::now();
                let wanted = informer.status().counters.relists + 1;
                say(&json!({ "did": "ready" }));
                informer.wait_for_status(|status| (status.counters.relists >= wanted).then_some(())).await;
                told.drain(registrations).await;
                let (cpu, wall) = since.read();
                let (rss, peak) = usage::memory();
                say(
                    &json!({ "did": "relist", "cpu": cpu, "wall": wall, "rss": rss, "peak": peak, "proof": proof(informer) }),
                );
            }
            "read" => read(informer),
            "paths" => paths(informer),
            _ => return Ok(()),
        }
    }
}

/// Reads five columns of every row, as a table would.
fn read<T: Proof>(informer: &SharedIndexInformer<T>) {
    let since = Since::now();
    let total: usize = informer
        .lister()
        .list()
        .iter()
        .map(|pod| {
            let meta = pod.meta();
            meta.name.len()
                + meta.namespace.len()
                + meta.resource_version.len()
                + pod.deep().len()
                + pod.node().map_or(0, |node| node.len())
        })
        .sum();
    let (cpu, wall) = since.read();
    say(&json!({ "did": "read", "cpu": cpu, "wall": wall, "bytes": total }));
}

/// Decodes every object, and reads two paths of each of either kind.
fn paths<T: Proof>(informer: &SharedIndexInformer<T>) {
    let objects = informer.lister().list();
    let each = |look: &dyn Fn(&T) -> usize| {
        let since = Since::now();
        let found: usize = objects.iter().map(|object| look(object)).sum();
        (since.read().0 / objects.len() as f64 * 1e6, found)
    };
    let text = |object: &T, path: &str| object.at(path).map_or(0, |text| text.len());
    let (decode, decoded) = each(&|object| usize::from(object.decodes()));
    let (shallow, _) = each(&|object| text(object, "spec.nodeName") + text(object, "status.phase"));
    let (deep, _) = each(&|object| {
        text(object, "spec.containers[0].image") + text(object, "status.containerStatuses[0].restartCount")
    });
    say(
        &json!({ "did": "paths", "decode": decode, "decoded": decoded, "shallow": shallow / 2.0, "deep": deep / 2.0 }),
    );
}

fn proof<T: Proof>(informer: &SharedIndexInformer<T>) -> u64 {
    informer
        .lister()
        .list()
        .iter()
        .map(|object| {
            let meta = object.meta();
            let deep = object.deep();
            let parts = [meta.name.as_bytes(), &[0], meta.resource_version.as_bytes(), &[0], deep.as_bytes()];
            let hash = parts
                .into_iter()
                .flatten()
                .fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193));
            u64::from(hash)
        })
        .sum()
}

fn say(line: &serde_json::Value) {
    let mut out = std::io::stdout().lock();
    // Whoever listens may have gone; then there is nobody to tell.
    let _ = writeln!(out, "{line}").and_then(|()| out.flush());
}
