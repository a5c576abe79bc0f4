//! Protobuf and CBOR on a real API server: what is asked, what comes back, and that it is the same as in JSON.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::BTreeMap;

use futures::StreamExt;
use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::{ConfigMap, Namespace, Secret, Service};
use k8s_openapi::api::rbac::v1::ClusterRole;
use portolan::cache::Phase;
use portolan::client::Client;
use portolan::config::ContentType;
use portolan::informer::{FactoryOptions, SharedIndexInformer, SharedInformerFactory};
use portolan::meta::{
    ApiResource, CreateOptions, DeleteOptions, Format, GetOptions, ListOptions, Object, Resource,
    UpdateOptions, WatchOptions,
};
use portolan::object::{Lazy, Unstructured};
use portolan::rest::WatchEvent;
use portolan_native::{ConfigOptions, client_for, load_config};
use portolan_tests::{Cluster, ClusterOptions};
use serde_json::{Value, json};

use crate::native::in_time;

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

fn client(cluster: &Cluster, content_type: ContentType) -> Client {
    let kubeconfig = Some(cluster.facts().kubeconfig.clone());
    let mut config = load_config(&ConfigOptions { kubeconfig, ..Default::default() }).unwrap();
    config.content_type = content_type;
    client_for(config).unwrap()
}

fn secret(name: &str) -> Secret {
    let mut secret = Secret::default();
    secret.metadata.name = Some(name.to_owned());
    let data = BTreeMap::from([
        ("bytes".to_owned(), ByteString(vec![0, 255, 1])),
        ("none".to_owned(), ByteString(Vec::new())),
    ]);
    secret.data = Some(data);
    secret
}

/// Every verb of one built-in kind, and the formats that its answers come in.
async fn verbs(client: &Client, json: &Client, format: Format) {
    let secrets = client.api::<Secret>("default");
    let watch = secrets.watch(&WatchOptions::default()).await.unwrap();
    let created = secrets.create(&secret("s"), &CreateOptions::default()).await.unwrap();
    assert_eq!(created.data, secret("s").data);
    let mut changed = created.clone();
    changed.metadata.annotations = Some(BTreeMap::from([("a".to_owned(), "ü".to_owned())]));
    let updated = secrets.update(&changed, &UpdateOptions::default()).await.unwrap();
    assert_ne!(updated.metadata.resource_version, created.metadata.resource_version);
    let read = secrets.get("s", &GetOptions::default()).await.unwrap();
    assert_eq!(read, updated);
    assert_eq!(json.api::<Secret>("default").get("s", &GetOptions::default()).await.unwrap(), updated);
    let conflict = secrets.update(&changed, &UpdateOptions::default()).await.unwrap_err();
    assert!(conflict.is_conflict(), "{conflict}");

    let list = secrets.list(&ListOptions::default()).await.unwrap();
    assert_eq!(list.items, std::slice::from_ref(&read));
    let page = ListOptions { limit: Some(1), ..ListOptions::default() };
    secrets.create(&secret("t"), &CreateOptions::default()).await.unwrap();
    let page = secrets.list(&page).await.unwrap();
    assert_eq!((page.items.len(), page.head.remaining), (1, Some(1)));
    assert!(!page.head.continue_token.as_str().is_empty());
    let mut body = secrets.list_body(&ListOptions::default()).await.unwrap();
    assert_eq!(body.format(), format);
    while body.fill().await.unwrap() {}

    let missing = secrets.get("missing", &GetOptions::default()).await.unwrap_err();
    assert!(missing.is_not_found() && missing.to_string().contains("\"missing\" not found"), "{missing}");
    secrets.delete("s", &DeleteOptions::default()).await.unwrap();
    let seen: Vec<_> = in_time("five events", watch.take(4).collect::<Vec<_>>()).await;
    let told: Vec<_> = seen
        .into_iter()
        .map(|event| match event.unwrap() {
            WatchEvent::Added(secret) => ("added", secret.metadata.name),
            WatchEvent::Modified(secret) => ("modified", secret.metadata.name),
            WatchEvent::Deleted(secret) => ("deleted", secret.metadata.name),
            WatchEvent::Bookmark(_) => ("bookmark", None),
        })
        .collect();
    let named = |what, name: &str| (what, Some(name.to_owned()));
    assert_eq!(
        told,
        [named("added", "s"), named("modified", "s"), named("added", "t"), named("deleted", "s")]
    );
    let mut frames = secrets.watch_body(&WatchOptions::default()).await.unwrap();
    loop {
        if let Some(frame) = frames.next_frame().unwrap() {
            assert_eq!(frame.format, format);
            break;
        }
        assert!(in_time("a frame", frames.fill()).await.unwrap());
    }
    secrets.delete("t", &DeleteOptions::default()).await.unwrap();
}

/// An informer in one format holds what one in JSON holds.
async fn informers<K: Resource + Clone + PartialEq + serde::de::DeserializeOwned>(
    client: &Client,
    json: &Client,
) {
    let held = |client: &Client| {
        let factory = SharedInformerFactory::new(client, FactoryOptions::default());
        let informer: SharedIndexInformer<Lazy<K>> = factory.informer::<K>();
        factory.start();
        async move {
            let live = informer.wait_for_status(|status| (status.phase == Phase::Live).then_some(()));
            in_time("live", live).await;
            let held = informer.lister().list();
            let mut objects: Vec<_> = held.iter().collect();
            objects.sort_by_key(|object| object.key().to_string());
            let objects: Vec<K> = objects.iter().map(|object| object.decode().unwrap()).collect();
            factory.shutdown();
            objects
        }
    };
    let (found, expected) = (held(client).await, held(json).await);
    assert!(!expected.is_empty() && found == expected, "{} of {}", found.len(), expected.len());
}

async fn all_informers(client: &Client, json: &Client) {
    informers::<Namespace>(client, json).await;
    informers::<ConfigMap>(client, json).await;
    informers::<Service>(client, json).await;
    informers::<ClusterRole>(client, json).await;
}

fn widget(name: &str) -> Unstructured {
    let widget = json!({
        "apiVersion": "example.com/v1", "kind": "Widget", "metadata": {"name": name},
        "spec": {"size": 3, "ratio": 1.5, "whole": 2, "deep": [{"a": null, "b": [true, "ü"]}], "large": 4_294_967_296_i64},
    });
    Unstructured::try_from(widget).unwrap()
}

fn widgets() -> ApiResource {
    ApiResource::new("example.com/v1", "Widget", "widgets", true).unwrap()
}

fn establish(cluster: &Cluster) {
    cluster.apply(WIDGETS).unwrap();
    cluster.kubectl(&["wait", "--for=condition=Established", "crd/widgets.example.com"]).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn protobuf_is_spoken_with_built_in_kinds_and_json_with_custom_ones() {
    let cluster = Cluster::start(&ClusterOptions::default()).unwrap();
    let (client, json) = (client(&cluster, ContentType::Protobuf), client(&cluster, ContentType::Json));
    verbs(&client, &json, Format::Protobuf).await;
    all_informers(&client, &json).await;

    establish(&cluster);
    let api = client.resource::<Unstructured>(&widgets(), "default");
    let made = api.create(&widget("w"), &CreateOptions::default()).await.unwrap();
    assert_eq!(Value::from(made)["spec"], Value::from(widget("w"))["spec"]);
    assert_eq!(api.list_body(&ListOptions::default()).await.unwrap().format(), Format::Json);
    let get = || json.rest().get().api_resource(&widgets()).namespace("default").name("w");
    let either = "application/vnd.kubernetes.protobuf,application/json";
    assert_eq!(get().header("accept", either).send().await.unwrap().format(), Format::Json);
    // The refusal itself is a Status in protobuf.
    let refused = get().header("accept", "application/vnd.kubernetes.protobuf").send().await.unwrap_err();
    assert_eq!((refused.code(), refused.reason()), (Some(406), "NotAcceptable"), "{refused}");
    let text = refused.to_string();
    assert!(text.contains("only the following media types are accepted"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn cbor_is_spoken_with_every_kind() {
    let feature_gates = vec!["CBORServingAndStorage=true".to_owned()];
    let cluster = Cluster::start(&ClusterOptions { feature_gates, ..ClusterOptions::default() }).unwrap();
    let (client, json) = (client(&cluster, ContentType::Cbor), client(&cluster, ContentType::Json));
    verbs(&client, &json, Format::Cbor).await;
    all_informers(&client, &json).await;

    establish(&cluster);
    let api = client.resource::<Unstructured>(&widgets(), "default");
    let watch = api.watch(&WatchOptions::default()).await.unwrap();
    let made = api.create(&widget("w"), &CreateOptions::default()).await.unwrap();
    let from_json = json.resource::<Unstructured>(&widgets(), "default");
    let read = from_json.get("w", &GetOptions::default()).await.unwrap();
    let (made, read) = (Value::from(made), Value::from(read));
    assert_eq!(made, read);
    assert_eq!(made["spec"]["deep"], Value::from(widget("w"))["spec"]["deep"]);
    assert_eq!(api.list_body(&ListOptions::default()).await.unwrap().format(), Format::Cbor);
    let first = in_time("an event", {
        let mut watch = watch;
        async move { watch.next().await }
    })
    .await;
    let Some(Ok(WatchEvent::Added(seen))) = first else { panic!("no ADDED") };
    assert_eq!(Value::from(seen), made);
    let missing = api.get("missing", &GetOptions::default()).await.unwrap_err();
    assert!(missing.is_not_found(), "{missing}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_without_cbor_is_spoken_to_in_json() {
    let cluster = Cluster::start(&ClusterOptions::default()).unwrap();
    let client = client(&cluster, ContentType::Cbor);
    let secrets = client.api::<Secret>("default");
    assert_eq!(secrets.list_body(&ListOptions::default()).await.unwrap().format(), Format::Json);
    // As with client-go the first body is refused, and every later one goes as JSON.
    let refused = secrets.create(&secret("s"), &CreateOptions::default()).await.unwrap_err();
    assert_eq!(refused.code(), Some(415), "{refused}");
    let created = secrets.create(&secret("s"), &CreateOptions::default()).await.unwrap();
    assert_eq!(created.data, secret("s").data);
}
