//! An informer on pods: it gets in sync, then does what standard input says, line by line.

use std::borrow::Cow;
use std::io::BufRead;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use k8s_openapi::api::core::v1::Pod;
use portolan::Error;
use portolan::cache::{Delivery, Event, HandlerOptions, ReflectorOptions, index_by_value};
use portolan::config::{Config, ContentType, Pem};
use portolan::informer::{FactoryOptions, Registration, SharedIndexInformer, SharedInformerFactory};
use portolan::meta::{Object, Resource};
use portolan::object::{Compact, Lazy, Packer, PartialObjectMetadata, Unstructured};
use serde::de::DeserializeOwned;
use serde_json::json;
use tokio::sync::Notify;

use super::{Settings, Since, fnv, say};
use crate::usage;

/// An object with a field deep inside, to prove that it is there.
pub(super) trait Proof: Object {
    fn deep(&self) -> Cow<'_, str>;
    fn node(&self) -> Option<Cow<'_, str>>;

    /// What is to be set before the informer starts.
    fn set_up(_: &SharedIndexInformer<Self>) -> Result<(), Error> {
        Ok(())
    }

    /// How many bytes it keeps, where it keeps those that came.
    fn stored(&self) -> Option<usize> {
        None
    }

    /// The text at a path, for those that are read so.
    fn at(&self, _: &str) -> Option<Cow<'_, str>> {
        None
    }

    /// Decodes the whole, for those that are not, and finds there what [`SHALLOW`] and [`DEEP`] name.
    fn decoded(&self) -> Found {
        Found::default()
    }
}

/// Paths of the second level, and of deeper ones.
const SHALLOW: [&str; 2] = ["spec.nodeName", "status.phase"];
const DEEP: [&str; 2] = ["spec.containers[0].image", "status.containerStatuses[0].restartCount"];

/// How long the texts are together that were found at the shallow paths, and at the deep ones.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Found(usize, usize);

/// What a `Lazy` is decoded into.
pub(super) trait Decoded: DeserializeOwned + 'static {
    /// What the paths name, where they are read.
    fn found(&self) -> Found {
        Found::default()
    }
}

impl Decoded for Unstructured {}
impl Decoded for PartialObjectMetadata {}

impl Decoded for Pod {
    fn found(&self) -> Found {
        let status = self.status.as_ref();
        let phase = status.and_then(|status| status.phase.as_ref()).map_or(0, String::len);
        let container = status.and_then(|status| status.container_statuses.as_ref()?.first());
        let restarts = container.map_or(0, |container| container.restart_count.to_string().len());
        Found(self.node().map_or(0, |node| node.len()) + phase, self.deep().len() + restarts)
    }
}

impl<K: Decoded> Proof for Lazy<K> {
    fn deep(&self) -> Cow<'_, str> {
        match Self::form() {
            None => self.text("spec.containers[0].image").unwrap_or_default(),
            Some(_) => self.label("app.kubernetes.io/name").unwrap_or_default(),
        }
    }

    fn node(&self) -> Option<Cow<'_, str>> {
        self.text("spec.nodeName")
    }

    fn stored(&self) -> Option<usize> {
        match self.json() {
            Ok(Cow::Borrowed(json)) => Some(json.len()),
            _ => None,
        }
    }

    fn at(&self, path: &str) -> Option<Cow<'_, str>> {
        self.text(path)
    }

    fn decoded(&self) -> Found {
        self.decode().map(|object| object.found()).unwrap_or_default()
    }
}

impl<K: DeserializeOwned + 'static> Proof for Compact<K> {
    fn deep(&self) -> Cow<'_, str> {
        self.text("spec.containers[0].image").unwrap_or_default().into()
    }

    fn node(&self) -> Option<Cow<'_, str>> {
        self.text("spec.nodeName").map(Cow::Owned)
    }

    fn set_up(informer: &SharedIndexInformer<Self>) -> Result<(), Error> {
        let packer = Packer::default();
        informer.set_transform(move |object| packer.pack(object))
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

pub(super) async fn run<T: Proof>(settings: &Settings) -> Result<(), Error> {
    let mut config = Config::new(settings.get("server"))?;
    let authority = Some(settings.get("authority")).filter(|file| !file.is_empty());
    config.tls.certificate_authority = authority.map(|file| Pem::File(file.to_owned()));
    let client = portolan_native::client_for(config)?;
    let reflector = reflector(settings);
    let described = described(&reflector);
    let factory = SharedInformerFactory::new(&client, FactoryOptions { reflector, ..Default::default() });
    let informer: SharedIndexInformer<T> = factory.resource(&Pod::api_resource());
    T::set_up(&informer)?;
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
    say(&json!({ "did": "start", "rss": before.0, "settings": described }));

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
    let stored: Option<usize> = informer.lister().list().iter().map(|object| object.stored()).sum();
    say(&json!({
        "did": "prove", "objects": informer.lister().len(), "proof": proof(&informer), "stored": stored,
    }));
    obey(&informer, &told, &registrations).await
}

fn reflector(settings: &Settings) -> ReflectorOptions {
    let encoding = match settings.get("encoding") {
        "protobuf" => ContentType::Protobuf,
        _ => ContentType::Json,
    };
    ReflectorOptions {
        content_type: Some(encoding),
        watch_list: settings.get("sync") == "watch-list",
        trusting: settings.get("check") == "none",
        ..Default::default()
    }
}

/// How it is set, as text.
fn described(reflector: &ReflectorOptions) -> String {
    let encoding = match reflector.content_type {
        Some(ContentType::Protobuf) => "protobuf",
        _ => "JSON",
    };
    let sync = if reflector.watch_list { "watch-list" } else { "list" };
    let check = if reflector.trusting { "trusted" } else { "checked" };
    format!(
        "one thread (tokio current_thread); {encoding} by {sync}, each object {check}, its managedFields dropped; one index \
         by node; lossless handlers"
    )
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
            "paths" => paths(informer)?,
            _ => return Ok(()),
        }
    }
}

/// Reads some columns of every row, node by node, as a table would that is grouped so.
fn read<T: Proof>(informer: &SharedIndexInformer<T>) {
    let since = Since::now();
    let lister = informer.lister();
    let (mut bytes, mut rows) = (0, 0);
    for node in lister.index_values("node") {
        for pod in lister.by_index("node", &node) {
            let meta = pod.meta();
            let columns = [meta.name, meta.namespace, meta.resource_version, &pod.deep(), &node];
            bytes += columns.iter().map(|column| column.len()).sum::<usize>();
            rows += 1;
        }
    }
    let (cpu, wall) = since.read();
    say(&json!({ "did": "read", "cpu": cpu, "wall": wall, "rows": rows, "proof": bytes }));
}

/// Decodes every object, and reads two paths of each of either kind. Fails when they do not find what the decoded objects
/// hold.
fn paths<T: Proof>(informer: &SharedIndexInformer<T>) -> Result<(), Error> {
    let objects = informer.lister().list();
    let each = |look: &mut dyn FnMut(&T)| {
        let since = Since::now();
        objects.iter().for_each(|object| look(object));
        since.read().0 / objects.len() as f64 * 1e6
    };
    let text = |object: &T, path: &str| object.at(path).map_or(0, |text| text.len());
    let (mut decoded, mut found) = (Found::default(), Found::default());
    let decode = each(&mut |object| {
        let Found(shallow, deep) = object.decoded();
        decoded = Found(decoded.0 + shallow, decoded.1 + deep);
    });
    let shallow = each(&mut |object| found.0 += text(object, SHALLOW[0]) + text(object, SHALLOW[1]));
    let deep = each(&mut |object| found.1 += text(object, DEEP[0]) + text(object, DEEP[1]));
    if found != decoded {
        return Err(Error::config(format!("by path there is {found:?}, in decoded objects {decoded:?}")));
    }
    say(&json!({ "did": "paths", "decode": decode, "shallow": shallow / 2.0, "deep": deep / 2.0 }));
    Ok(())
}

fn proof<T: Proof>(informer: &SharedIndexInformer<T>) -> u64 {
    let objects = informer.lister().list();
    let hashes = objects.iter().map(|object| {
        let meta = object.meta();
        fnv([meta.name, meta.resource_version, &object.deep()])
    });
    hashes.sum()
}
