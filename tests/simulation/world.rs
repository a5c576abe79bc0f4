//! One seed's world: a server, a bad line to it, informers with quick and slow handlers, and somebody who writes.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::StreamExt;
use k8s_openapi::api::core::v1::ConfigMap;
use portolan::cache::{Delivery, Event, HandlerOptions};
use portolan::client::Client;
use portolan::config::{Config, WatchOver};
use portolan::informer::{EventStream, FactoryOptions, SharedIndexInformer, SharedInformerFactory};
use portolan::meta::{GroupVersionResource, Key, Object, Resource};
use portolan::object::Lazy;
use portolan::policy::Random;
use portolan::testing::{Fault, Faulty};
use portolan::time::{Runtime, Simulator};
use portolan::transport::Transport;
use portolan_memory::{Cluster, ClusterOptions};
use portolan_scenario::{Contents, Story};
use serde_json::{Value, json};

use super::pages::Pages;

/// Changes made in one run.
const CHANGES: usize = 60;

/// So long everything may take to come right after the last fault.
const DEADLINE: Duration = Duration::from_secs(30 * 60);

/// How long nothing gets through, after two minutes in which every watch breaks.
const OUTAGE: Duration = Duration::from_secs(300);

/// The most requests of both informers in an outage: some ten by each while its waits grow, ten more at 30 seconds and
/// up; twice as many where a socket and HTTP are tried in turn.
const MOST_ASKED: u64 = 80;

pub(crate) struct World {
    seed: u64,
    simulator: Simulator,
    cluster: Cluster,
    line: Faulty<Arc<dyn Transport>>,
    pages: Pages,
    factory: SharedInformerFactory,
}

/// What came of one run, or of several.
#[derive(Default)]
pub(crate) struct Outcome {
    /// How often each fault happened.
    pub(crate) faults: BTreeMap<Fault, u64>,
    /// How many events were told.
    pub(crate) events: usize,
    /// How many pages after the first were asked for, and how many of those were refused with 410.
    pub(crate) pages: (u64, u64),
}

impl Outcome {
    pub(crate) fn add(&mut self, other: Self) {
        other.faults.into_iter().for_each(|(fault, count)| *self.faults.entry(fault).or_default() += count);
        self.events += other.events;
        self.pages = (self.pages.0 + other.pages.0, self.pages.1 + other.pages.1);
    }
}

struct Stories {
    /// What the store took, and what the quick handler was told to be new, in order.
    taken: States,
    told: States,
    quick: Story,
    slow: Story,
    coalesced: Story,
    late: Story,
    typed: Story,
}

impl World {
    pub(crate) fn new(seed: u64) -> Self {
        let mut random = Random::new(seed);
        let simulator = Simulator::new(seed);
        let runtime = simulator.runtime(seed);
        let options = ClusterOptions {
            history: 3 + random.below(30) as usize,
            bookmark_interval: Duration::from_secs(5 + random.below(56)),
            watch_list: random.below(4) > 0,
            seed: Some(seed),
        };
        let cluster = Cluster::with_options(runtime.clone(), options);
        let line = Faulty::new(cluster.transport(), runtime.clone(), seed, 4 + random.below(40));
        let watch_over =
            [WatchOver::Http, WatchOver::Socket, WatchOver::SocketThenHttp][random.below(3) as usize];
        let config = Config { watch_over, rate_limit: None, ..Config::default() };
        let pages = Pages::new(line.clone());
        let client = Client::new(Arc::new(pages.clone()), config, runtime);
        let mut options = FactoryOptions::default();
        // A third of the seeds keeps up by lists of several pages.
        if random.below(3) == 0 {
            options.reflector.page_size = Some(2 + random.below(5) as u32);
            options.reflector.watch_list = false;
        }
        let factory = SharedInformerFactory::new(&client, options);
        Self { seed, simulator, cluster, line, pages, factory }
    }

    /// Runs it to its end.
    pub(crate) fn run(self) -> Outcome {
        let runtime = self.simulator.runtime(self.seed);
        let (lazy, typed) = (self.factory.informer::<ConfigMap>(), self.factory.typed::<ConfigMap>());
        let ended = self.simulator.run(DEADLINE * 4, async {
            let stories = self.begin(&lazy, &typed, &runtime);
            self.write(&runtime, &lazy, &stories).await;
            self.outage(&runtime).await;
            self.line.set_one_in(0);
            self.converge(&runtime, &lazy, &typed, &stories).await;
            self.factory.shutdown();
            runtime.sleep(Duration::from_secs(60)).await;
            stories
        });
        let Some(stories) = ended else {
            panic!("seed {}: {:?} {:?}", self.seed, lazy.status(), typed.status())
        };
        assert_eq!(stories.quick.log(), stories.slow.log(), "two lossless handlers see the same");
        assert_eq!(
            stories.taken.all(),
            stories.told.all(),
            "a lossless handler sees each state the store took"
        );
        assert_eq!(self.simulator.live_tasks(), Vec::<&str>::new(), "tasks are left");
        assert_eq!(self.cluster.watchers(), 0, "watches are left open");
        let Stories { quick, slow, coalesced, late, typed, .. } = stories;
        let events = [quick, slow, coalesced, late, typed].iter().map(|story| story.log().len()).sum();
        Outcome { faults: self.line.counts(), events, pages: self.pages.counts() }
    }

    /// Nothing gets through for a while: whoever asks must ask ever more rarely.
    async fn outage(&self, runtime: &Runtime) {
        let refused = || self.line.counts().get(&Fault::Refused).copied().unwrap_or_default();
        self.line.set_one_in(1);
        runtime.sleep(Duration::from_secs(120)).await;
        let before = refused();
        runtime.sleep(OUTAGE).await;
        let asked = refused() - before;
        assert!((2..=MOST_ASKED).contains(&asked), "{asked} requests in an outage of {OUTAGE:?}");
    }

    fn begin(
        &self,
        lazy: &SharedIndexInformer<Lazy<ConfigMap>>,
        typed: &SharedIndexInformer<ConfigMap>,
        runtime: &Runtime,
    ) -> Stories {
        let stories = Stories {
            taken: States::default(),
            told: States::default(),
            quick: Story::default(),
            slow: Story::default(),
            coalesced: Story::default(),
            late: Story::default(),
            typed: Story::default(),
        };
        let lossless =
            |capacity| HandlerOptions { delivery: Delivery::Lossless { capacity }, ..Default::default() };
        // An index that names nothing: the store shows it every state it takes.
        let taken = stories.taken.clone();
        let tap = move |object: &Lazy<ConfigMap>, _: &mut dyn FnMut(&str)| taken.push(object);
        lazy.add_index("taken", Arc::new(tap)).unwrap();
        let (quick, told) = (stories.quick.clone(), stories.told.clone());
        lazy.add_handler(lossless(1_000), move |event: Event<_>| {
            quick.tell(&event);
            told.push_new(&event);
        });
        let told = stories.typed.clone();
        typed.add_handler(HandlerOptions::default(), move |event: Event<_>| told.tell(&event));
        read_slowly(runtime, self.seed, lazy.events(lossless(4)), stories.slow.clone());
        read_slowly(
            runtime,
            self.seed + 1,
            lazy.events(HandlerOptions::default()),
            stories.coalesced.clone(),
        );
        self.factory.start();
        stories
    }

    /// Changes the server's objects, now and then forgets its history, and half-way adds one handler and removes another.
    async fn write(&self, runtime: &Runtime, lazy: &SharedIndexInformer<Lazy<ConfigMap>>, stories: &Stories) {
        let mut random = Random::new(self.seed ^ 0xABCD);
        let removed = lazy.add_handler(HandlerOptions::default(), |_: Event<_>| {});
        for change in 0..CHANGES {
            let most = if random.below(10) == 0 { 90_000 } else { 3_000 };
            runtime.sleep(Duration::from_millis(random.below(most))).await;
            self.change(&mut random, change);
            if random.below(25) == 0 {
                self.cluster.compact();
            }
            if change == CHANGES / 2 {
                let late = stories.late.clone();
                lazy.add_handler(HandlerOptions::default(), move |event: Event<_>| late.tell(&event));
                removed.remove();
            }
        }
    }

    fn change(&self, random: &mut Random, change: usize) {
        let namespace = ["default", "kube-system"][random.below(2) as usize];
        let name = format!("object-{}", random.below(9));
        let key = Key::new(namespace, &name);
        let gvr = config_maps();
        if self.cluster.object(&gvr, &key).is_none() {
            let object = json!({
                "apiVersion": "v1",
                "kind": "ConfigMap",
                "metadata": { "namespace": namespace, "name": name },
                "data": { "change": change.to_string(), "awkward \"\\ {[": "\u{1F980}}]" },
            });
            self.cluster.create(object).unwrap();
        } else if random.below(3) == 0 {
            self.cluster.delete(&gvr, &key).unwrap();
        } else {
            let modify = |object: &mut Value| object["data"]["change"] = change.to_string().into();
            self.cluster.modify(&gvr, &key, modify).unwrap();
        }
    }

    /// Waits until caches and stories are what the server is.
    async fn converge(
        &self,
        runtime: &Runtime,
        lazy: &SharedIndexInformer<Lazy<ConfigMap>>,
        typed: &SharedIndexInformer<ConfigMap>,
        stories: &Stories,
    ) {
        let server = contents(self.cluster.objects(&config_maps()).iter().map(|object| {
            let text = |field: &str| object["metadata"][field].as_str().unwrap_or_default().to_owned();
            (Key::new(&text("namespace"), &text("name")), (text("uid"), text("resourceVersion")))
        }));
        let Stories { quick, slow, coalesced, late, typed: typed_story, .. } = stories;
        let told = [quick, slow, coalesced, late, typed_story];
        loop {
            let caches = [held(lazy), held(typed)];
            if caches.iter().all(|cache| *cache == server) && told.iter().all(|story| story.now() == server) {
                return;
            }
            runtime.sleep(Duration::from_secs(1)).await;
        }
    }
}

/// States of objects in the order they were met.
#[derive(Clone, Default)]
struct States(Arc<Mutex<Vec<String>>>);

impl States {
    fn push(&self, object: &impl Object) {
        let meta = object.meta();
        self.0.lock().unwrap().push(format!("{} {}@{}", object.key(), meta.uid, meta.resource_version));
    }

    fn push_new<T: Object>(&self, event: &Event<T>) {
        match event {
            Event::Added { object, .. } => self.push(&**object),
            Event::Updated { old, new } if old.meta() != new.meta() => self.push(&**new),
            Event::Updated { .. } | Event::Deleted { .. } => {}
        }
    }

    fn all(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }
}

/// Reads a stream of events with pauses between them, as a busy consumer does.
fn read_slowly(runtime: &Runtime, seed: u64, mut events: EventStream<Lazy<ConfigMap>>, story: Story) {
    let (mut random, timer) = (Random::new(seed), runtime.clone());
    let task = async move {
        while let Some(event) = events.next().await {
            story.tell(&event);
            timer.sleep(Duration::from_millis(random.below(2_000))).await;
        }
    };
    runtime.spawner.spawn("slow reader", Box::pin(task));
}

fn held<T: Object>(informer: &SharedIndexInformer<T>) -> Contents {
    contents(informer.lister().list().iter().map(|object| {
        let meta = object.meta();
        (object.key(), (meta.uid.to_owned(), meta.resource_version.to_owned()))
    }))
}

fn contents(objects: impl Iterator<Item = (Key, (String, String))>) -> Contents {
    objects.collect()
}

fn config_maps() -> GroupVersionResource {
    ConfigMap::api_resource().gvr()
}
