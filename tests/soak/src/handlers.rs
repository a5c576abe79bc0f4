//! Twenty handlers of one informer at two thousand events a second, one of them stuck.
//!
//! Memory stays bounded, the stuck one shows in its status, and the others are on time.
//!
//! On time is: hardly later than the one handler of another informer, which has no stuck one beside it. So a machine with
//! little to spare makes both late, and only what the stuck one does is judged.
//!
//! The instrument must weigh little beside what it measures: when an object was written is looked up by its version, and
//! not read out of it nineteen times.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use k8s_openapi::api::core::v1::ConfigMap;
use portolan::cache::{Counters, Delivery, Event, HandlerOptions, HandlerStatus};
use portolan::informer::{FactoryOptions, SharedIndexInformer, SharedInformerFactory};
use portolan::meta::{Key, Object, Resource};
use portolan::object::Lazy;
use portolan_memory::{Cluster, ClusterOptions};
use serde_json::{Value, json};

use crate::memory;

/// How long.
#[derive(Clone, Copy)]
pub(crate) struct Extent {
    seconds: u64,
}

pub(crate) const LONG: Extent = Extent { seconds: 600 };
pub(crate) const SHORT: Extent = Extent { seconds: 30 };

const PER_SECOND: u64 = 2_000;
const OBJECTS: u64 = 500;
const HANDLERS: usize = 20;

/// So much later than to the other informer an event may come to a handler that works.
const ON_TIME: Duration = Duration::from_secs(5);

/// Resident memory may move this much by chance.
const SLACK_KB: u64 = 24 << 10;

pub(crate) async fn run(extent: Extent) -> Result<()> {
    let runtime = portolan_native::runtime()?;
    // Ten seconds' worth, so that a busy machine makes events late and loses none to a relist.
    let history = 10 * PER_SECOND as usize;
    let cluster = Cluster::with_options(runtime, ClusterOptions { history, ..ClusterOptions::default() });
    for number in 0..OBJECTS {
        cluster.create(json!({ "apiVersion": "v1", "kind": "ConfigMap",
            "metadata": { "namespace": "default", "name": format!("object-{number}") }, "data": {} }))?;
    }
    let factory = SharedInformerFactory::new(&cluster.client(), FactoryOptions::default());
    let informer = factory.informer::<ConfigMap>();
    let sent = Arc::new(Sent::new(extent));
    let gate = Arc::new((Mutex::new(false), Condvar::new()));
    let held = gate.clone();
    let stuck = informer.add_handler(HandlerOptions::default(), move |_: Event<Lazy<ConfigMap>>| {
        let open = held.0.lock().unwrap_or_else(PoisonError::into_inner);
        drop(held.1.wait_while(open, |open| !*open).unwrap_or_else(PoisonError::into_inner));
    });
    let latest: Vec<Arc<AtomicU64>> = (1..HANDLERS).map(|_| Arc::default()).collect();
    work(&informer, &latest, &sent);
    let other = SharedInformerFactory::new(&cluster.client(), FactoryOptions::default());
    let latest_of_other = [Arc::default()];
    work(&other.informer::<ConfigMap>(), &latest_of_other, &sent);
    for factory in [&factory, &other] {
        factory.start();
        factory.wait_for_cache_sync().await?;
    }

    let seconds = Duration::from_secs(extent.seconds);
    let events = write(&cluster, &sent, seconds / 5).await?;
    let before = memory::resident()?;
    let events = events + write(&cluster, &sent, seconds - seconds / 5).await?;
    let after = memory::resident()?;

    println!("{events} events in {:?}", sent.began.elapsed());
    let milliseconds = |latest: &Arc<AtomicU64>| latest.load(Ordering::Relaxed) / 1_000;
    let found = Found {
        memory: (before, after),
        stuck: stuck.status().unwrap_or_default(),
        informer: informer.status().counters,
        latest: latest.iter().map(milliseconds).collect(),
        latest_of_other: milliseconds(&latest_of_other[0]),
    };
    println!("{found:#?}");
    *gate.0.lock().unwrap_or_else(PoisonError::into_inner) = true;
    gate.1.notify_all();
    factory.shutdown();
    other.shutdown();

    ensure!(events >= PER_SECOND * extent.seconds * 9 / 10, "only {events} events: nothing was tried");
    found.judge()
}

/// What came of it.
#[derive(Debug)]
struct Found {
    /// Resident kilobytes after a fifth, and at the end.
    memory: (u64, u64),
    stuck: HandlerStatus,
    informer: Counters,
    /// How late the latest event of each handler beside the stuck one was, in milliseconds.
    latest: Vec<u64>,
    /// The same of an informer that has no stuck handler.
    latest_of_other: u64,
}

impl Found {
    fn judge(&self) -> Result<()> {
        let ((before, after), status) = (self.memory, &self.stuck);
        ensure!(after < before + SLACK_KB, "memory grew by {} kB", after.saturating_sub(before));
        ensure!(
            status.waiting as u64 <= 2 * OBJECTS,
            "more waits for the stuck handler than two events a key"
        );
        ensure!(
            status.waiting > 0 && status.coalesced > self.informer.events / 2,
            "the stuck handler does not show: {status:?}"
        );
        ensure!(status.stuck_since.is_some(), "nothing says since when it is stuck");
        let on_time = self.latest_of_other + ON_TIME.as_millis() as u64;
        ensure!(
            self.latest.iter().all(|latest| *latest <= on_time),
            "a handler beside the stuck one was told late"
        );
        Ok(())
    }
}

/// When each version was written.
struct Sent {
    began: Instant,
    /// The microseconds after that, by version; 0 for those that were not, or whose writer has not noted it yet.
    moments: Vec<AtomicU64>,
}

impl Sent {
    fn new(extent: Extent) -> Self {
        let versions = 10_000 + OBJECTS + 2 * PER_SECOND * extent.seconds;
        let moments = std::iter::repeat_with(AtomicU64::default).take(versions as usize);
        Self { began: Instant::now(), moments: moments.collect() }
    }

    fn now(&self) -> u64 {
        self.began.elapsed().as_micros() as u64
    }

    fn of(&self, version: &str) -> Option<&AtomicU64> {
        self.moments.get(version.parse::<usize>().ok()?)
    }
}

/// Adds a handler for each of `latest` that notes how late, in microseconds, its latest event came.
fn work(informer: &SharedIndexInformer<Lazy<ConfigMap>>, latest: &[Arc<AtomicU64>], sent: &Arc<Sent>) {
    for (place, latest) in latest.iter().enumerate() {
        // A few see every event, the others the newest states.
        let delivery = if place < 4 { Delivery::Lossless { capacity: 20_000 } } else { Delivery::Coalesce };
        let (latest, sent) = (latest.clone(), sent.clone());
        let options = HandlerOptions { delivery, resync_period: None };
        informer.add_handler(options, move |event: Event<Lazy<ConfigMap>>| {
            let moment = sent.of(event.object().meta().resource_version);
            let moment = moment.map_or(0, |moment| moment.load(Ordering::Relaxed));
            if moment > 0 {
                latest.fetch_max(sent.now().saturating_sub(moment), Ordering::Relaxed);
            }
        });
    }
}

/// Changes objects, evenly over `duration`; tells how many changes there were.
async fn write(cluster: &Cluster, sent: &Sent, duration: Duration) -> Result<u64> {
    let gvr = ConfigMap::api_resource().gvr();
    let (mut count, until) = (0, Instant::now() + duration);
    let mut ticks = tokio::time::interval(Duration::from_millis(10));
    while Instant::now() < until {
        ticks.tick().await;
        for _ in 0..PER_SECOND / 100 {
            let key = Key::new("default", &format!("object-{}", count % OBJECTS));
            let moment = sent.now();
            let number = moment.to_string();
            let written = cluster
                .modify(&gvr, &key, |object: &mut Value| object["data"]["sent"] = number.as_str().into())?;
            let version = written["metadata"]["resourceVersion"].as_str().unwrap_or_default();
            if let Some(place) = sent.of(version) {
                place.store(moment, Ordering::Relaxed);
            }
            count += 1;
        }
    }
    Ok(count)
}
