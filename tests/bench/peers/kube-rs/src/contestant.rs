//! A reflector on pods, typed, dynamic or metadata only. It keeps to the protocol of Portolan's contestant
//! (`tests/bench/src/contestant.rs`).

use std::collections::HashMap;
use std::error::Error;
use std::io::{BufRead, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use futures::{Stream, StreamExt};
use k8s_openapi::api::core::v1::Pod;
use kube::api::{ApiResource, DynamicObject, PartialObjectMeta};
use kube::runtime::reflector::{self, Store};
use kube::runtime::{WatchStreamExt, watcher};
use kube::{Api, Client, Config, Resource, ResourceExt};
use nix::sys::resource::{UsageWho, getrusage};
use serde_json::json;
use tokio::sync::Notify;

pub type Outcome = Result<(), Box<dyn Error>>;
/// How many bytes the allocator has out, if it counts.
pub type Heap = fn() -> Option<u64>;

/// Runs the contestant to its end.
pub fn run(heap: Heap) -> Outcome {
    let arguments: HashMap<String, String> = std::env::args()
        .skip(1)
        .filter_map(|pair| pair.split_once('=').map(|(name, value)| (name.into(), value.into())))
        .collect();
    let mut builder = match arguments.get("threads").map(String::as_str) {
        Some("1") | None => tokio::runtime::Builder::new_current_thread(),
        Some(_) => tokio::runtime::Builder::new_multi_thread(),
    };
    builder.enable_all().build()?.block_on(dispatch(Settings { arguments, heap }))
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

    /// How the first state comes.
    fn watching(&self) -> watcher::Config {
        let mut watching = match self.get("sync") {
            "watch-list" => return watcher::Config::default().streaming_lists(),
            // From the server's cache, all at once: faster here than pages.
            _ => watcher::Config::default().any_semantic(),
        };
        watching.page_size = Some(self.number("page", 0) as u32).filter(|page| *page > 0);
        watching
    }
}

async fn dispatch(settings: Settings) -> Outcome {
    let mut config = Config::new(settings.get("server").parse()?);
    config.root_cert_file = settings.arguments.get("authority").map(Into::into);
    config.read_timeout = None;
    let (client, watching) = (Client::try_from(config)?, settings.watching());
    match settings.get("form") {
        "typed" => {
            let stream = watcher(Api::<Pod>::all(client), watching);
            contest(
                &settings,
                stream,
                reflector::store::Writer::default(),
                |pod| {
                    let first = pod.spec.as_ref().and_then(|spec| spec.containers.first());
                    first.and_then(|container| container.image.clone()).unwrap_or_default()
                },
                |pod| pod.spec.as_ref().and_then(|spec| spec.node_name.clone()).unwrap_or_default(),
            )
            .await
        }
        "dynamic" => {
            let resource = ApiResource::erase::<Pod>(&());
            let stream = watcher(Api::<DynamicObject>::all_with(client, &resource), watching);
            contest(
                &settings,
                stream,
                reflector::store::Writer::new(resource),
                |pod| pod.data["spec"]["containers"][0]["image"].as_str().unwrap_or_default().to_owned(),
                |pod| pod.data["spec"]["nodeName"].as_str().unwrap_or_default().to_owned(),
            )
            .await
        }
        "metadata" => {
            let stream = watcher(Api::<PartialObjectMeta<Pod>>::all(client), watching);
            contest(
                &settings,
                stream,
                reflector::store::Writer::default(),
                |pod: &PartialObjectMeta<Pod>| {
                    pod.labels().get("app.kubernetes.io/name").cloned().unwrap_or_default()
                },
                |_| String::new(),
            )
            .await
        }
        other => Err(format!("form={other:?} is none of typed, dynamic, metadata").into()),
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

    async fn wait(&self, wanted: u64) {
        self.wanted.store(wanted, Ordering::Relaxed);
        while self.events.load(Ordering::Relaxed) < wanted {
            self.reached.notified().await;
        }
    }
}

/// CPU and wall time since it was made.
struct Since(f64, Instant);

impl Since {
    fn now() -> Self {
        Self(cpu_seconds(), Instant::now())
    }

    fn read(&self) -> (f64, f64) {
        (cpu_seconds() - self.0, self.1.elapsed().as_secs_f64())
    }
}

async fn contest<K>(
    settings: &Settings,
    stream: impl Stream<Item = Result<watcher::Event<K>, watcher::Error>> + Send + 'static,
    writer: reflector::store::Writer<K>,
    deep: impl Fn(&K) -> String + Send + Sync,
    node: impl Fn(&K) -> String + Send + Sync,
) -> Outcome
where
    K: Resource + Clone + Send + Sync + 'static,
    K::DynamicType: Eq + std::hash::Hash + Clone + Send + Sync,
{
    let store = writer.as_reader();
    let handlers = settings.number("handlers", 1);
    let objects = settings.number("objects", 0);
    let strips = settings.get("transform") == "drop-managed-fields";
    let told = Arc::new(Told::default());
    let before = (memory().0, (settings.heap)());
    say(&json!({ "did": "start", "rss": before.0, "settings": format!(
        "tokio, {} thread(s); {}; reflector; transform {:?}",
        settings.number("threads", 1),
        if settings.get("sync") == "watch-list" { "streaming_lists" } else { "any_semantic, page_size none" },
        settings.get("transform")
    ) }));

    let since = Since::now();
    let telling = told.clone();
    let tell = move |event: Result<watcher::Event<K>, watcher::Error>| {
        let told = matches!(
            event,
            Ok(watcher::Event::InitApply(_) | watcher::Event::Apply(_) | watcher::Event::Delete(_))
        );
        if let Err(error) = &event {
            eprintln!("kube-rs: {error}");
        }
        for _ in 0..if told { handlers } else { 0 } {
            std::hint::black_box(&event);
            telling.tell();
        }
        futures::future::ready(())
    };
    if strips {
        let stream = stream.modify(|object| object.managed_fields_mut().clear());
        tokio::spawn(stream.default_backoff().reflect(writer).for_each(tell));
    } else {
        tokio::spawn(stream.default_backoff().reflect(writer).for_each(tell));
    }
    store.wait_until_ready().await?;
    told.wait(objects * handlers).await;
    let (cpu, wall) = since.read();
    say(&json!({ "did": "sync", "cpu": cpu, "wall": wall }));

    tokio::time::sleep(Duration::from_millis(300)).await;
    let (rss, peak) = memory();
    let heap = (settings.heap)().zip(before.1).map(|(now, then)| now.saturating_sub(then));
    say(&json!({ "did": "settle", "rss": rss, "peak": peak, "heap": heap }));
    say(&json!({ "did": "prove", "objects": store.state().len(), "proof": proof(&store, &deep) }));
    obey(&store, &told, handlers, &deep, &node).await;
    std::process::exit(0)
}

/// Does what standard input says, line by line, to its end.
async fn obey<K>(
    store: &Store<K>,
    told: &Told,
    handlers: u64,
    deep: &impl Fn(&K) -> String,
    node: &impl Fn(&K) -> String,
) where
    K: Resource + Clone + Send + Sync + 'static,
    K::DynamicType: Eq + std::hash::Hash + Clone,
{
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
                    &json!({ "did": "watch", "cpu": cpu, "wall": wall, "events": number, "proof": proof(store, deep) }),
                );
            }
            "read" => {
                let since = Since::now();
                // It has no index: whoever wants one makes it.
                let mut nodes: HashMap<String, Vec<Arc<K>>> = HashMap::new();
                for pod in store.state() {
                    nodes.entry(node(&pod)).or_default().push(pod);
                }
                let (mut bytes, mut rows) = (0, 0);
                for (node, pods) in &nodes {
                    for pod in pods {
                        bytes += ResourceExt::name_any(&**pod).len()
                            + ResourceExt::namespace(&**pod).map_or(0, |text| text.len())
                            + ResourceExt::resource_version(&**pod).map_or(0, |text| text.len())
                            + deep(pod).len()
                            + node.len();
                        rows += 1;
                    }
                }
                let (cpu, wall) = since.read();
                say(&json!({ "did": "read", "cpu": cpu, "wall": wall, "rows": rows, "proof": bytes }));
            }
            _ => return,
        }
    }
}

fn proof<K>(store: &Store<K>, deep: &impl Fn(&K) -> String) -> u64
where
    K: Resource + Clone + 'static,
    K::DynamicType: Eq + std::hash::Hash + Clone,
{
    store
        .state()
        .iter()
        .map(|object| {
            let text = format!(
                "{}\0{}\0{}",
                ResourceExt::name_any(&**object),
                ResourceExt::resource_version(&**object).unwrap_or_default(),
                deep(object)
            );
            let hash = text
                .bytes()
                .fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
            u64::from(hash)
        })
        .sum()
}

fn cpu_seconds() -> f64 {
    let Ok(usage) = getrusage(UsageWho::RUSAGE_SELF) else { return 0.0 };
    let seconds = |time: nix::sys::time::TimeVal| time.tv_sec() as f64 + time.tv_usec() as f64 / 1e6;
    seconds(usage.user_time()) + seconds(usage.system_time())
}

/// Resident memory now and at its highest, in bytes.
fn memory() -> (u64, u64) {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let field = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        line.and_then(|line| line.split_whitespace().next())
            .and_then(|text| text.parse().ok())
            .unwrap_or(0_u64)
            * 1024
    };
    (field("VmRSS:"), field("VmHWM:"))
}

fn say(line: &serde_json::Value) {
    let mut out = std::io::stdout().lock();
    // Whoever listens may have gone; then there is nobody to tell.
    let _ = writeln!(out, "{line}").and_then(|()| out.flush());
}
