//! The clients beyond plain typed calls on a real API server: apply, conflict, dry run, preconditions and propagation,
//! scales, tables, metadata, pages that expire, warnings.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may panic")]

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use futures::{StreamExt, TryStreamExt};
use k8s_openapi::api::apps::v1::{Deployment, ReplicaSet};
use k8s_openapi::api::core::v1::{ConfigMap, Endpoints, Namespace, Pod};
use portolan::Error;
use portolan::client::{
    Client, DEFAULT_BACKOFF, IncludeObject, ListPager, TableOptions, on_error, retry_on_conflict,
};
use portolan::config::{Config, ContentType};
use portolan::meta::{
    ApplyOptions, CreateOptions, DeleteOptions, GetOptions, GroupVersionResource, ListOptions, Object, Patch,
    PatchOptions, Preconditions, Propagation, UpdateOptions, WatchOptions,
};
use portolan::object::{PartialObjectMetadata, Unstructured};
use portolan::policy::Steps;
use portolan::rest::{Warning, WarningHandler, WatchEvent};
use portolan::transport::{Body, Transport};
use portolan_native::{ConfigOptions, client_for, load_config, runtime, transport_for};
use portolan_tests::{Cluster, ClusterOptions};
use serde_json::{Value, json};

/// So long a state may take to come about, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);

const CACHES: &str = "
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: caches.example.com}
spec:
  group: example.com
  scope: Namespaced
  names: {plural: caches, singular: cache, kind: Cache}
  versions:
  - name: v1
    served: true
    storage: true
    schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}
    subresources: {status: {}, scale: {specReplicasPath: .spec.replicas, statusReplicasPath: .status.replicas}}
";

fn config(cluster: &Cluster) -> Config {
    let kubeconfig = Some(cluster.facts().kubeconfig.clone());
    load_config(&ConfigOptions { kubeconfig, ..Default::default() }).unwrap()
}

fn client(cluster: &Cluster) -> Client {
    client_for(Config { rate_limit: None, ..config(cluster) }).unwrap()
}

fn deployments() -> GroupVersionResource {
    GroupVersionResource::new("apps", "v1", "deployments")
}

fn web(replicas: u32) -> Value {
    let container = json!({"name": "main", "image": "example.com/web:1"});
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"},
        "spec": {
            "replicas": replicas, "selector": {"matchLabels": {"app": "web"}},
            "template": {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [container]}},
        },
    })
}

fn unstructured(value: Value) -> Unstructured {
    value.try_into().unwrap()
}

/// Asks until `reached` gives something.
async fn until<T>(what: &str, mut reached: impl AsyncFnMut() -> Option<T>) -> T {
    let asked = async {
        loop {
            if let Some(reached) = reached().await {
                return reached;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(PATIENCE, asked).await.unwrap_or_else(|_| panic!("{what}: not within {PATIENCE:?}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn managers_share_an_object_and_meet_in_conflict() {
    let cluster = Cluster::start(&ClusterOptions::default()).unwrap();
    let client = client(&cluster);
    let api = client.api::<Deployment>("default");
    let one = ApplyOptions { field_manager: "one".into(), ..Default::default() };
    let two = ApplyOptions { field_manager: "two".into(), ..Default::default() };

    let dry = ApplyOptions { dry_run: true, ..one.clone() };
    api.apply("web", &web(2), &dry).await.unwrap();
    assert!(api.get("web", &GetOptions::default()).await.unwrap_err().is_not_found(), "a dry run made it");
    let created = api.apply("web", &web(2), &one).await.unwrap();
    assert!(created.metadata.managed_fields.is_some());
    let error = api.apply("web", &web(3), &two).await.unwrap_err();
    assert!(error.is_conflict() && error.to_string().contains("\"one\""), "{error}");
    let forced = api.apply("web", &web(3), &ApplyOptions { force: true, ..two.clone() }).await.unwrap();
    assert_ne!(forced.metadata.resource_version, created.metadata.resource_version);
    let error = api.apply("web", &created, &one).await.unwrap_err();
    assert!(error.to_string().contains("managed fields"), "{error}");
    let status = json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"}, "status": {"replicas": 7},
    });
    let dynamic = client.dynamic().resource(deployments()).in_namespace("default");
    let applied = dynamic.apply_status("web", &status, &two).await.unwrap();
    assert_eq!(applied.get("status.replicas"), Some(&json!(7)));

    // A stale object is refused; without a version the last writer wins.
    let mut stale = unstructured(serde_json::to_value(&created).unwrap());
    stale.remove("metadata.managedFields");
    assert!(dynamic.update(&stale, &UpdateOptions::default()).await.unwrap_err().is_conflict());
    let strict = CreateOptions { field_validation: Some("Strict".into()), ..Default::default() };
    let mut odd = unstructured(web(1));
    odd.set("metadata.name", "odd").unwrap();
    odd.set("spec.replicsa", 1).unwrap();
    let error = dynamic.create(&odd, &strict).await.unwrap_err();
    assert!(error.is_bad_request() && error.to_string().contains("replicsa"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn writers_in_conflict_lose_no_change() {
    let cluster = Cluster::start(&ClusterOptions::default()).unwrap();
    let client = client(&cluster);
    let api = client.api::<ConfigMap>("default");
    let mut counter = ConfigMap::default();
    counter.metadata.name = Some("counter".into());
    api.create(&counter, &CreateOptions::default()).await.unwrap();
    let writers = (0..3).map(|_| {
        let (client, api) = (client.clone(), api.clone());
        tokio::spawn(async move {
            // Patient: each of them meets the others at every step.
            let steps = Steps { tries: 200, ..DEFAULT_BACKOFF };
            let steps =
                Steps { backoff: portolan::policy::Backoff { factor: 1.0, ..steps.backoff }, ..steps };
            for _ in 0..10 {
                retry_on_conflict(client.runtime(), steps, || async {
                    let mut counter = api.get("counter", &GetOptions::default()).await?;
                    let data = counter.data.get_or_insert_default();
                    let count: u32 = data.get("count").map_or(0, |count| count.parse().unwrap());
                    data.insert("count".into(), (count + 1).to_string());
                    api.update(&counter, &UpdateOptions::default()).await
                })
                .await
                .unwrap();
            }
        })
    });
    for writer in writers.collect::<Vec<_>>() {
        writer.await.unwrap();
    }
    let counter = api.get("counter", &GetOptions::default()).await.unwrap();
    assert_eq!(counter.data.unwrap()["count"], "30");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_owned_follows_the_propagation_policy() {
    let options = ClusterOptions { controller_manager: true, ..ClusterOptions::default() };
    let cluster = Cluster::start(&options).unwrap();
    let client = client(&cluster);
    let api = client.dynamic().resource(deployments()).in_namespace("default");
    let (sets, pods) = (client.api::<ReplicaSet>("default"), client.api::<Pod>("default"));
    let all = ListOptions::default();
    for policy in [Propagation::Foreground, Propagation::Background, Propagation::Orphan] {
        api.create(&unstructured(web(2)), &CreateOptions::default()).await.unwrap();
        let made = until("two pods", async || {
            let made = pods.list(&all).await.unwrap().items;
            (made.len() == 2).then_some(made)
        });
        made.await;
        let web = api.get("web", &GetOptions::default()).await.unwrap();
        let of = |uid: &str| DeleteOptions {
            propagation_policy: Some(policy),
            preconditions: Some(Preconditions { uid: Some(uid.to_owned()), resource_version: None }),
            ..Default::default()
        };
        let error = api.delete("web", &of("another")).await.unwrap_err();
        assert!(error.is_conflict(), "{policy:?}: {error}");
        api.delete("web", &DeleteOptions { dry_run: true, ..of(web.meta().uid) }).await.unwrap();
        api.delete("web", &of(web.meta().uid)).await.unwrap();
        until("the deployment gone", async || {
            api.get("web", &GetOptions::default())
                .await
                .is_err_and(|error| error.is_not_found())
                .then_some(())
        })
        .await;
        if policy == Propagation::Orphan {
            let orphans = sets.list(&all).await.unwrap().items;
            assert!(orphans.iter().all(|set| set.metadata.owner_references.is_none()), "{orphans:?}");
            assert_eq!((orphans.len(), pods.list(&all).await.unwrap().items.len()), (1, 2));
            sets.delete_collection(&DeleteOptions::default(), &all).await.unwrap();
        } else {
            // In the foreground what is owned goes first, in the background afterwards.
            if policy == Propagation::Foreground {
                assert!(sets.list(&all).await.unwrap().items.is_empty());
            }
            until("the pods gone", async || pods.list(&all).await.unwrap().items.is_empty().then_some(()))
                .await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn anything_scalable_is_scaled() {
    let cluster = Cluster::start(&ClusterOptions::default()).unwrap();
    cluster.apply(CACHES).unwrap();
    cluster.kubectl(&["wait", "--for=condition=Established", "crd/caches.example.com"]).unwrap();
    let client = client(&cluster);
    let caches = GroupVersionResource::new("example.com", "v1", "caches");
    let cache = json!({"apiVersion": "example.com/v1", "kind": "Cache", "metadata": {"name": "web"}, "spec": {"replicas": 2}});
    let scales = client.scale().scales("default");
    for (resource, object) in [(deployments(), web(2)), (caches, cache)] {
        let api = client.dynamic().resource(&resource).in_namespace("default");
        // The API server may need a moment to serve what is established.
        let steps = Steps { tries: 200, ..DEFAULT_BACKOFF };
        let steps = Steps { backoff: portolan::policy::Backoff { factor: 1.0, ..steps.backoff }, ..steps };
        let object = unstructured(object);
        on_error(client.runtime(), steps, Error::is_not_found, || async {
            api.create(&object, &CreateOptions::default()).await
        })
        .await
        .unwrap();
        let mut scale = scales.get(&resource, "web", &GetOptions::default()).await.unwrap();
        let spec = scale.spec.as_mut().unwrap();
        assert_eq!(spec.replicas.replace(5), Some(2), "{resource}");
        scales.update(&resource, &scale, &UpdateOptions::default()).await.unwrap();
        assert!(scales.update(&resource, &scale, &UpdateOptions::default()).await.unwrap_err().is_conflict());
        let patch = Patch::Merge(json!({"spec": {"replicas": 7}}));
        let scale = scales.patch(&resource, "web", &patch, &PatchOptions::default()).await.unwrap();
        assert_eq!(scale.spec.unwrap().replicas, Some(7));
        let scaled = api.get("web", &GetOptions::default()).await.unwrap();
        assert_eq!(scaled.get("spec.replicas"), Some(&json!(7)), "{resource}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tables_and_metadata_come_from_the_server() {
    let cluster = Cluster::start(&ClusterOptions::default()).unwrap();
    cluster.apply(CACHES).unwrap();
    cluster.kubectl(&["wait", "--for=condition=Established", "crd/caches.example.com"]).unwrap();
    let plain = client(&cluster);
    let namespaces = plain.all::<Namespace>();
    let table = namespaces.list_table(&ListOptions::default(), &TableOptions::default()).await.unwrap();
    let columns: Vec<&str> = table.column_definitions.iter().map(|column| column.name.as_str()).collect();
    assert_eq!(columns, ["Name", "Status", "Age"]);
    let row = table.rows.iter().find(|row| row.cells[0] == "default").unwrap();
    assert_eq!(row.object.as_ref().unwrap().meta().name, "default");
    let none = TableOptions { include_object: IncludeObject::None };
    let one = namespaces.get_table("default", &GetOptions::default(), &none).await.unwrap();
    assert!(one.rows.len() == 1 && one.rows[0].object.is_none());
    let whole = TableOptions { include_object: IncludeObject::Object };
    let mut watch = namespaces.watch_table(&WatchOptions::default(), &whole).await.unwrap();
    let Some(Ok(WatchEvent::Added(first))) = watch.next().await else { panic!("no table") };
    assert!(first.rows[0].object.as_ref().unwrap().get("spec.finalizers").is_some());

    cluster
        .apply(
            "{apiVersion: example.com/v1, kind: Cache, metadata: {name: c, labels: {a: b}}, spec: {size: 3}}",
        )
        .unwrap();
    cluster
        .apply("{apiVersion: v1, kind: ConfigMap, metadata: {name: c, labels: {a: b}}, data: {k: v}}")
        .unwrap();
    let protobuf = Config { content_type: ContentType::Protobuf, rate_limit: None, ..config(&cluster) };
    for client in [plain, client_for(protobuf).unwrap()] {
        for (group, version, resource) in [("", "v1", "configmaps"), ("example.com", "v1", "caches")] {
            let gvr = GroupVersionResource::new(group, version, resource);
            let api = client.metadata().resource(&gvr).in_namespace("default");
            let one = api.get("c", &GetOptions::default()).await.unwrap();
            assert_eq!((one.kind.as_str(), one.labels()["a"].as_str()), ("PartialObjectMetadata", "b"));
            let selected = ListOptions { label_selector: "a=b".parse().unwrap(), ..Default::default() };
            let list = api.list(&selected).await.unwrap().items;
            assert!(list.len() == 1 && list[0].meta().uid == one.meta().uid, "{gvr}");
            let watched = WatchOptions { label_selector: "a=b".parse().unwrap(), ..Default::default() };
            let mut watch = api.watch(&watched).await.unwrap();
            let Some(Ok(WatchEvent::Added(seen))) = watch.next().await else { panic!("{gvr}: no event") };
            assert_eq!(seen.meta().uid, one.meta().uid);
            let change = Patch::Merge(json!({"metadata": {"annotations": {"seen": "yes"}}}));
            let changed: PartialObjectMetadata =
                api.patch("c", &change, &PatchOptions::default()).await.unwrap();
            assert_eq!(changed.metadata.annotations.unwrap()["seen"], "yes");
        }
    }
}

/// Makes the versions of all pages before it expire, before the second request for a page is sent.
#[derive(Debug)]
struct Forgetful {
    inner: Arc<dyn Transport>,
    cluster: Arc<Cluster>,
    pages: AtomicUsize,
}

#[async_trait]
impl Transport for Forgetful {
    async fn send(&self, request: http::Request<Body>) -> Result<http::Response<Body>, Error> {
        if request.uri().path().ends_with("/configmaps") && self.pages.fetch_add(1, Ordering::Relaxed) == 1 {
            self.cluster.kubectl(&["create", "configmap", "late"]).unwrap();
            self.cluster.compact().unwrap();
        }
        self.inner.send(request).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paged_list_survives_its_expiry() {
    let without_watch_cache = vec!["configmaps".into()];
    let cluster =
        Arc::new(Cluster::start(&ClusterOptions { without_watch_cache, ..Default::default() }).unwrap());
    for number in 0..5 {
        cluster.kubectl(&["create", "configmap", &format!("c{number}")]).unwrap();
    }
    let pager = || {
        let config = Config { rate_limit: None, ..config(&cluster) };
        let inner = transport_for(&config).unwrap();
        let transport = Forgetful { inner, cluster: Arc::clone(&cluster), pages: AtomicUsize::new(0) };
        let client = Client::new(Arc::new(transport), config, runtime().unwrap());
        ListPager { page_size: 2, ..ListPager::new(client.api::<ConfigMap>("default")) }
    };
    let whole = pager().list(&ListOptions::default()).await.unwrap();
    let names: Vec<_> = whole.items.iter().filter_map(|map| map.metadata.name.as_deref()).collect();
    assert_eq!(names, ["c0", "c1", "c2", "c3", "c4", "late"], "the whole list, at a newer version");
    cluster.kubectl(&["delete", "configmap", "late"]).unwrap();
    let mut pages = Box::pin(pager().pages(&ListOptions::default()));
    assert_eq!(pages.next().await.unwrap().unwrap().items.len(), 2);
    assert!(pages.next().await.unwrap().unwrap_err().is_expired());
    let api = client(&cluster).api::<ConfigMap>("default");
    let pager = ListPager { page_size: 2, ..ListPager::new(api) };
    let items: Vec<ConfigMap> = pager.items(&ListOptions::default()).try_collect().await.unwrap();
    assert_eq!(items.len(), 6);
}

#[derive(Debug, Default)]
struct Heard(Mutex<Vec<String>>);

impl WarningHandler for Heard {
    fn handle_warning(&self, warning: &Warning) {
        self.0.lock().unwrap().push(warning.text.clone());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_server_warns_of_what_is_deprecated_or_unknown() {
    let cluster = Cluster::start(&ClusterOptions::default()).unwrap();
    let heard = Arc::new(Heard::default());
    let client = client(&cluster).with_warning_handler(heard.clone());
    client.all::<Endpoints>().list(&ListOptions::default()).await.unwrap();
    let odd = unstructured(
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "odd"}, "dtaa": {}}),
    );
    let configmaps = client.dynamic().resource(GroupVersionResource::new("", "v1", "configmaps"));
    let warn = CreateOptions { field_validation: Some("Warn".into()), ..Default::default() };
    configmaps.in_namespace("default").create(&odd, &warn).await.unwrap();
    let heard = heard.0.lock().unwrap();
    println!("{heard:?}");
    assert!(heard.iter().any(|text| text.contains("Endpoints is deprecated")), "{heard:?}");
    assert!(heard.iter().any(|text| text.contains("dtaa")), "{heard:?}");
}
