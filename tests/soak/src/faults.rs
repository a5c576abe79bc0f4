//! Every form of informer behind a bad line to a real API server that is restarted and forgets.
//!
//! In the end each holds what the server holds, every handler's story made sense, and memory has not grown since the
//! first third.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use k8s_openapi::api::core::v1::{ConfigMap, Secret};
use portolan::cache::{Delivery, Event, HandlerOptions, ReflectorOptions};
use portolan::client::Client;
use portolan::informer::{FactoryOptions, SharedIndexInformer, SharedInformerFactory};
use portolan::meta::{ApiResource, ListOptions, Object, Resource};
use portolan::object::PartialObjectMetadata;
use portolan_native::{ConfigOptions, client_for, load_config};
use portolan_scenario::{Contents, Story};
use portolan_tests::{Cluster, ClusterOptions, FaultProxy, Line};

use crate::memory;
use crate::writer;

/// How long and how much.
#[derive(Clone, Copy)]
pub(crate) struct Extent {
    seconds: u64,
    writes: u64,
}

pub(crate) const LONG: Extent = Extent { seconds: 180, writes: 20_000 };
pub(crate) const SHORT: Extent = Extent { seconds: 30, writes: 2_000 };

/// One piece in so many meets a fault.
const ONE_IN: u64 = 60;

/// So long everything may take to come right after the last fault.
const PATIENCE: Duration = Duration::from_secs(180);

/// Resident memory may move this much by chance.
const SLACK_KB: u64 = 24 << 10;

pub(crate) async fn run(extent: Extent) -> Result<()> {
    // Config maps without a watch cache expire with each compaction; secrets are served as ever.
    let options =
        ClusterOptions { without_watch_cache: vec!["configmaps".into()], ..ClusterOptions::default() };
    let cluster = Arc::new(Cluster::start(&options)?);
    let server = address(&cluster.facts().server)?;
    let proxy = Arc::new(FaultProxy::start(server, 1)?);
    let direct = client(&cluster, None)?;
    let informers = Informers::start(&client(&cluster, Some(proxy.address()))?);
    let resources = [ConfigMap::api_resource(), Secret::api_resource()];
    let third = |part: u64| Extent { seconds: extent.seconds * part / 3, writes: extent.writes * part / 3 };

    strain(third(1), &direct, &resources, &cluster, &proxy).await?;
    informers.settle(&direct, &resources).await?;
    let before = memory::resident()?;
    strain(third(2), &direct, &resources, &cluster, &proxy).await?;
    informers.settle(&direct, &resources).await?;
    let after = memory::resident()?;

    println!("faults of the line: {:?}", proxy.faults());
    informers.tell();
    println!("resident memory: {before} kB after the first third, {after} kB at the end");
    ensure!(after < before + SLACK_KB, "memory grew by {} kB", after - before);
    for fault in ["cut", "truncated", "stalled", "slowed"] {
        ensure!(proxy.faults().contains_key(fault), "the line never {fault}: nothing was tried");
    }
    println!("{} writes in {} s: every informer holds what the server holds", extent.writes, extent.seconds);
    Ok(())
}

/// Writes behind a bad line, while the server is killed once and forgets a few times.
async fn strain(
    extent: Extent,
    direct: &Client,
    resources: &[ApiResource],
    cluster: &Arc<Cluster>,
    proxy: &Arc<FaultProxy>,
) -> Result<()> {
    proxy.set(Line::Bad(ONE_IN));
    let began = Instant::now();
    let deadline = began + Duration::from_secs(extent.seconds);
    let trouble = {
        let (cluster, proxy) = (cluster.clone(), proxy.clone());
        tokio::task::spawn_blocking(move || -> Result<()> {
            let pause = Duration::from_secs(extent.seconds) / 6;
            std::thread::sleep(pause);
            cluster.compact()?;
            proxy.cut();
            std::thread::sleep(pause);
            cluster.restart_apiserver()?;
            std::thread::sleep(pause);
            proxy.set(Line::Stalled);
            std::thread::sleep(pause / 2);
            proxy.set(Line::Bad(ONE_IN));
            cluster.compact()?;
            proxy.cut();
            Ok(())
        })
    };
    let rate = (extent.writes / extent.seconds).max(1) * 3 / 2;
    writer::write(direct, resources, extent.writes, rate).await?;
    trouble.await.context("the trouble maker")??;
    tokio::time::sleep_until(deadline.into()).await;
    proxy.set(Line::Good);
    println!("{} writes in {:?}", extent.writes, began.elapsed());
    Ok(())
}

fn address(server: &str) -> Result<SocketAddr> {
    let address = server.strip_prefix("https://").context("a server is https://address:port")?;
    Ok(address.parse()?)
}

/// A client of the cluster, by way of the proxy where there is one.
fn client(cluster: &Cluster, by_way_of: Option<SocketAddr>) -> Result<Client> {
    let kubeconfig = Some(cluster.facts().kubeconfig.clone());
    let mut config = load_config(&ConfigOptions { kubeconfig, ..Default::default() })?;
    config.rate_limit = None; // it is the server and the line that are to be strained
    if let Some(proxy) = by_way_of {
        config.server = format!("https://{proxy}").parse()?;
    }
    Ok(client_for(config)?)
}

/// One informer of each form, with a handler that checks what it is told.
struct Informers {
    factory: SharedInformerFactory,
    each: Vec<Box<dyn Checked>>,
}

/// An informer whatever its objects are, and its handler's story.
trait Checked: Send + Sync {
    /// What it holds, what its handler was told, and of which resource.
    fn state(&self) -> (ApiResource, Contents, Contents);
    fn tell(&self) -> String;
}

struct Followed<T: Object> {
    form: &'static str,
    informer: SharedIndexInformer<T>,
    story: Story,
}

impl Informers {
    fn start(client: &Client) -> Self {
        // Quiet is rarely a minute long here, and the line goes dead without a word.
        let reflector =
            ReflectorOptions { idle_timeout: Some(Duration::from_secs(10)), ..ReflectorOptions::default() };
        let namespace = "default".to_owned();
        let factory =
            SharedInformerFactory::new(client, FactoryOptions { namespace, reflector, observer: None });
        let (config_maps, secrets) = (ConfigMap::api_resource(), Secret::api_resource());
        let each = vec![
            follow("lazy config maps", factory.informer::<ConfigMap>()),
            follow("typed config maps", factory.typed::<ConfigMap>()),
            follow("dynamic config maps", factory.dynamic(&config_maps)),
            follow("metadata of config maps", factory.resource::<PartialObjectMetadata>(&config_maps)),
            follow("lazy secrets", factory.informer::<Secret>()),
            follow("typed secrets", factory.typed::<Secret>()),
            follow("dynamic secrets", factory.dynamic(&secrets)),
            follow("metadata of secrets", factory.resource::<PartialObjectMetadata>(&secrets)),
        ];
        factory.start();
        Self { factory, each }
    }

    /// Waits until each informer holds, and each handler was told, what the server holds.
    async fn settle(&self, direct: &Client, resources: &[ApiResource]) -> Result<()> {
        let mut server = std::collections::BTreeMap::new();
        for resource in resources {
            server.insert(resource.clone(), listed(direct, resource).await?);
        }
        let deadline = Instant::now() + PATIENCE;
        loop {
            let behind = self.each.iter().find(|followed| {
                let (resource, held, told) = followed.state();
                server.get(&resource) != Some(&held) || held != told
            });
            let Some(behind) = behind else { return Ok(()) };
            if Instant::now() > deadline {
                bail!("not what the server holds after {PATIENCE:?}: {}", behind.tell());
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }

    fn tell(&self) {
        self.each.iter().for_each(|followed| println!("{}", followed.tell()));
    }
}

impl Drop for Informers {
    fn drop(&mut self) {
        self.factory.shutdown();
    }
}

fn follow<T: Object>(form: &'static str, informer: SharedIndexInformer<T>) -> Box<dyn Checked> {
    let story = Story::forgetful();
    let told = story.clone();
    let options = HandlerOptions { delivery: Delivery::Lossless { capacity: 1_000 }, resync_period: None };
    // A story that makes no sense panics, the handler is removed, and its story stays behind.
    informer.add_handler(options, move |event: Event<T>| told.tell(&event));
    Box::new(Followed { form, informer, story })
}

impl<T: Object> Checked for Followed<T> {
    fn state(&self) -> (ApiResource, Contents, Contents) {
        let held = self.informer.lister().list().iter().map(|object| entry(&**object)).collect();
        (self.informer.api_resource().clone(), held, self.story.now())
    }

    fn tell(&self) -> String {
        let status = self.informer.status();
        format!(
            "{}: {} events told, {:?}, {:?}",
            self.form,
            self.story.count(),
            status.phase,
            status.counters
        )
    }
}

async fn listed(client: &Client, resource: &ApiResource) -> Result<Contents> {
    let api = client.resource::<PartialObjectMetadata>(resource, "default");
    let list = api.list(&ListOptions::default()).await?;
    Ok(list.items.iter().map(entry).collect())
}

fn entry<T: Object>(object: &T) -> (portolan::meta::Key, (String, String)) {
    let meta = object.meta();
    (object.key(), (meta.uid.to_owned(), meta.resource_version.to_owned()))
}
