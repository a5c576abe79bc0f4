//! The native transport's informers on a real API server, over TLS.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may panic")]

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use k8s_openapi::api::core::v1::{ConfigMap, Namespace, Pod};
use portolan::cache::{Delivery, Event, HandlerOptions, Phase, ReflectorOptions};
use portolan::client::Client;
use portolan::config::WatchOver;
use portolan::informer::{
    FactoryOptions, Followed, InformerOptions, SharedIndexInformer, SharedInformerFactory,
};
use portolan::meta::{ApiResource, GetOptions, Key, Object};
use portolan::object::{Lazy, Unstructured};
use portolan_native::{ConfigOptions, client_for, load_config};
use portolan_tests::{Cluster, ClusterOptions};

/// So long a state may take to come about, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);

const WIDGETS: &str = "
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: widgets.example.com}
spec:
  group: example.com
  scope: Namespaced
  names: {plural: widgets, singular: widget, kind: Widget}
  versions:
  - name: v1
    served: true
    storage: true
    schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}
";

const POD: &str = "
apiVersion: v1
kind: Pod
metadata: {name: web, labels: {app: web}}
spec: {nodeName: node-1, containers: [{name: main, image: example.com/web:1}]}
";

pub(crate) fn client(cluster: &Cluster, watch_over: WatchOver) -> Client {
    let kubeconfig = Some(cluster.facts().kubeconfig.clone());
    let mut config = load_config(&ConfigOptions { kubeconfig, ..Default::default() }).unwrap();
    config.watch_over = watch_over;
    client_for(config).unwrap()
}

pub(crate) async fn in_time<T>(what: &str, future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future).await.unwrap_or_else(|_| panic!("{what}: not within {PATIENCE:?}"))
}

/// Waits until the cache holds what kubectl lists.
async fn converge<T: Object>(informer: &SharedIndexInformer<T>, cluster: &Cluster, resource: &str) {
    let template = "--output=jsonpath={range .items[*]}{.metadata.namespace}/{.metadata.name} {.metadata.resourceVersion}{\"\\n\"}{end}";
    let listed = cluster.kubectl(&["get", resource, "--all-namespaces", template]).unwrap();
    let server: BTreeMap<String, String> = listed
        .lines()
        .filter_map(|line| line.split_once(' '))
        .map(|(key, version)| (key.to_owned(), version.to_owned()))
        .collect();
    let lister = informer.lister();
    let held = || -> BTreeMap<String, String> {
        let objects = lister.list();
        let entry = |object: &T| (object.key().to_string(), object.meta().resource_version.to_owned());
        objects.iter().map(|object| entry(object)).collect()
    };
    let equal = informer.wait_for_status(|_| (held() == server).then_some(()));
    in_time(&format!("{resource} equal to the server"), equal).await;
}

async fn until_live<T: Object>(informer: &SharedIndexInformer<T>) {
    in_time("live", informer.wait_for_status(|status| (status.phase == Phase::Live).then_some(()))).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_native_transport_tells_the_scenario_with_and_without_watch_list() {
    for without_watch_list in [false, true] {
        let cluster = Cluster::start(&ClusterOptions { without_watch_list, ..Default::default() }).unwrap();
        for watch_over in [WatchOver::Http, WatchOver::Socket] {
            let trace = in_time("scenario", portolan_scenario::play(&client(&cluster, watch_over))).await;
            assert_eq!(trace.unwrap(), portolan_scenario::EXPECTED, "{watch_over:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pods_and_a_crd_survive_a_crash_and_a_compaction() {
    let options =
        ClusterOptions { without_watch_cache: vec!["configmaps".into()], ..ClusterOptions::default() };
    let cluster = Cluster::start(&options).unwrap();
    cluster.apply(WIDGETS).unwrap();
    cluster.kubectl(&["wait", "--for=condition=Established", "crd/widgets.example.com"]).unwrap();
    let widgets = ApiResource::new("example.com/v1", "Widget", "widgets", true).unwrap();
    let factory = SharedInformerFactory::new(&client(&cluster, WatchOver::Http), FactoryOptions::default());
    let pods = factory.informer::<Pod>();
    let configmaps = factory.informer::<ConfigMap>();
    let widgets: SharedIndexInformer<Lazy<Unstructured>> = factory.dynamic(&widgets);
    factory.start();
    in_time("sync", factory.wait_for_cache_sync()).await.unwrap();

    cluster.apply(POD).unwrap();
    cluster
        .apply("{apiVersion: example.com/v1, kind: Widget, metadata: {name: w}, spec: {size: 3}}")
        .unwrap();
    converge(&pods, &cluster, "pods").await;
    converge(&widgets, &cluster, "widgets").await;
    let widget = widgets.lister().get(&Key::new("default", "w")).unwrap();
    assert_eq!(widget.read::<i64>("spec.size").unwrap(), Some(3));
    let pod = pods.lister().get(&Key::new("default", "web")).unwrap();
    assert_eq!(pod.text("spec.nodeName").as_deref(), Some("node-1"));

    cluster.stop_apiserver().unwrap();
    let stale = pods.wait_for_status(|status| {
        matches!(status.phase, Phase::Retrying { stale: true, .. } | Phase::Stale).then_some(status.clone())
    });
    let status = in_time("stale", stale).await;
    assert_eq!(status.objects, 1, "what it held stays");
    cluster.start_apiserver().unwrap();
    until_live(&pods).await;
    cluster.kubectl(&["label", "pod", "web", "tier=front"]).unwrap();
    converge(&pods, &cluster, "pods").await;

    expire(&configmaps, &cluster).await;
    factory.shutdown();
}

/// Makes the informer's version expire: others write, and while the API server is down etcd forgets.
async fn expire(configmaps: &SharedIndexInformer<Lazy<ConfigMap>>, cluster: &Cluster) {
    until_live(configmaps).await;
    let relists = configmaps.status().counters.relists;
    for number in 0..5 {
        cluster.kubectl(&["create", "serviceaccount", &format!("other-{number}")]).unwrap();
    }
    cluster.stop_apiserver().unwrap();
    cluster.compact().unwrap();
    cluster.start_apiserver().unwrap();
    cluster.kubectl(&["create", "configmap", "late"]).unwrap();
    converge(configmaps, cluster, "configmaps").await;
    until_live(configmaps).await;
    let status = configmaps.status();
    assert!(status.counters.relists > relists, "the version did not expire: {status:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_and_fifty_watches_leave_room_for_requests() {
    let cluster = Cluster::start(&ClusterOptions::default()).unwrap();
    let client = client(&cluster, WatchOver::Http);
    let started = Instant::now();
    let informers: Vec<SharedIndexInformer<Lazy<ConfigMap>>> = (0..150)
        .map(|number| {
            let label_selector = format!("watch={number}").parse().unwrap();
            let reflector = ReflectorOptions { label_selector, ..Default::default() };
            SharedIndexInformer::new(client.all(), InformerOptions { reflector, ..Default::default() })
        })
        .collect();
    informers.iter().for_each(SharedIndexInformer::start);
    for informer in &informers {
        until_live(informer).await;
    }
    println!("150 informers live after {:?}", started.elapsed());
    let namespaces = client.all::<Namespace>();
    let options = GetOptions::default();
    in_time("a request beside 150 watches", namespaces.get("default", &options)).await.unwrap();
    cluster
        .apply("{apiVersion: v1, kind: ConfigMap, metadata: {name: seen, labels: {watch: '149'}}}")
        .unwrap();
    let seen = informers[149].wait_for_status(|status| (status.objects == 1).then_some(()));
    in_time("the last watch sees a change", seen).await;
    informers.iter().for_each(SharedIndexInformer::stop);
}

/// Follows what discovery says until something of it is `wanted`.
async fn follow<R>(
    factory: &SharedInformerFactory,
    what: &str,
    mut wanted: impl FnMut(Followed) -> Option<R>,
) -> R {
    let found = async {
        loop {
            let discovery = factory.client().discovery().server_groups_and_resources().await.unwrap();
            let served = discovery.preferred_resources().into_iter();
            let served: Vec<ApiResource> = served
                .filter(|found| found.resource.group == "example.com")
                .map(|found| found.resource.clone())
                .collect();
            let unsure: Vec<_> =
                discovery.failures.iter().map(|failure| failure.group_version.clone()).collect();
            if let Some(found) = wanted(factory.follow(&served, &unsure)) {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    in_time(what, found).await
}

#[tokio::test(flavor = "multi_thread")]
async fn informers_follow_a_definition_that_appears_vanishes_and_comes_back() {
    let cluster = Cluster::start(&ClusterOptions::default()).unwrap();
    let factory = SharedInformerFactory::new(&client(&cluster, WatchOver::Http), FactoryOptions::default());
    let appeared = |mut followed: Followed| followed.appeared.pop();
    for round in ["first", "second"] {
        cluster.apply(WIDGETS).unwrap();
        let widgets = follow(&factory, "the definition appears", appeared).await;
        in_time("sync", widgets.wait_for_cache_sync()).await.unwrap();
        cluster.kubectl(&["wait", "--for=condition=Established", "crd/widgets.example.com"]).unwrap();
        cluster
            .apply(&format!("{{apiVersion: example.com/v1, kind: Widget, metadata: {{name: {round}}}}}"))
            .unwrap();
        converge(&widgets, &cluster, "widgets").await;
        assert_eq!(widgets.lister().len(), 1, "nothing is left from the round before");
        cluster.kubectl(&["delete", "crd", "widgets.example.com"]).unwrap();
        let vanished = follow(&factory, "it vanishes", |mut followed| followed.vanished.pop()).await;
        assert_eq!(vanished.plural, "widgets");
        let ended = widgets
            .wait_for_status(|status| (!status.watching && status.phase == Phase::Stale).then_some(()));
        in_time("its informer has ended", ended).await;
        assert!(factory.status().is_empty(), "the factory has forgotten it");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_panic_in_a_handler_or_an_index_is_told_and_harms_nobody_else() {
    let cluster = Cluster::start(&ClusterOptions::default()).unwrap();
    let factory = SharedInformerFactory::new(&client(&cluster, WatchOver::Http), FactoryOptions::default());
    let namespaces = factory.informer::<Namespace>();
    let lossless = HandlerOptions { delivery: Delivery::Lossless { capacity: 1 }, ..Default::default() };
    let bad = namespaces.add_handler(lossless, |_: Event<_>| panic!("a bug of the handler"));
    let good = namespaces.add_handler(lossless, |_: Event<_>| {});
    factory.start();
    in_time("the good handler", good.wait_for_sync()).await.unwrap();
    assert!(in_time("the bad handler", bad.wait_for_sync()).await.unwrap_err().is_canceled());
    cluster.kubectl(&["create", "namespace", "later"]).unwrap();
    let lister = namespaces.lister();
    let seen = namespaces.wait_for_status(|_| lister.get(&Key::new("", "later")));
    in_time("the informer goes on", seen).await;

    let index = |_: &Lazy<Namespace>, _: &mut dyn FnMut(&str)| panic!("a bug of the index");
    let broken = SharedInformerFactory::new(&client(&cluster, WatchOver::Http), FactoryOptions::default());
    let informer = broken.informer::<Namespace>();
    informer.add_index("broken", std::sync::Arc::new(index)).unwrap();
    broken.start();
    let told = informer.wait_for_status(|status| status.last_error.clone());
    let error = in_time("the broken informer", told).await;
    assert!(error.contains("panic"), "{error}");
}
