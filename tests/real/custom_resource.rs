//! Custom resources as Rust types on a real API server: it takes the definitions made from them, serves typed clients
//! and informers, and refuses what the Rust type would not hold.

#![expect(clippy::unwrap_used, clippy::panic, clippy::expect_used, reason = "a test may panic")]

use std::collections::{BTreeMap, BTreeSet};

use futures::StreamExt;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use portolan::client::{Api, Client, CustomResource as _, HasStatus};
use portolan::config::WatchOver;
use portolan::informer::{FactoryOptions, SharedInformerFactory};
use portolan::meta::{
    CreateOptions, GetOptions, ListOptions, Object, ObjectMeta, Patch, PatchOptions, Resource, UpdateOptions,
    WatchOptions,
};
use portolan::object::Unstructured;
use portolan::rest::WatchEvent;
use portolan_derive::CustomResource;
use portolan_tests::{Cluster, ClusterOptions};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::native::{client, in_time};

/// A Redis cluster.
#[derive(CustomResource, Clone, Debug, PartialEq)]
#[resource(
    group = "cache.example.com",
    version = "v1",
    plural = "redisclusters",
    short_names = ["rdc"],
    categories = ["caches"],
    scale(spec = ".spec.replicas", status = ".status.replicas"),
    column(name = "Replicas", type = "integer", path = ".spec.replicas", priority = 0)
)]
struct RedisCluster {
    metadata: ObjectMeta,
    spec: RedisClusterSpec,
    status: Option<RedisClusterStatus>,
}

#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, PartialEq)]
struct RedisClusterSpec {
    /// How many members.
    #[schemars(range(min = 1, max = 20))]
    replicas: u32,
    image: String,
}

#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, PartialEq)]
struct RedisClusterStatus {
    replicas: u32,
}

/// Everything a Rust type may be made of.
#[derive(CustomResource, Clone, Debug, PartialEq)]
#[resource(group = "shapes.example.com", version = "v1beta1", plural = "shapes", scope = "Cluster")]
struct Shape {
    metadata: ObjectMeta,
    /// Beside `spec` a custom resource may have what it likes.
    #[serde(default, rename = "data")]
    contents: BTreeMap<String, String>,
    spec: ShapeSpec,
}

#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, PartialEq, Default)]
#[serde(rename_all = "camelCase")]
struct ShapeSpec {
    colour: Colour,
    /// A server finds null in no list of values: nothing is said by leaving it out.
    #[serde(skip_serializing_if = "Option::is_none")]
    border: Option<Colour>,
    outline: Option<Outline>,
    #[serde(default)]
    form: Form,
    #[serde(flatten)]
    source: Source,
    #[serde(default)]
    port: Port,
    #[serde(default)]
    weights: BTreeMap<String, Vec<f64>>,
    #[serde(default)]
    names: BTreeMap<u16, String>,
    #[serde(default)]
    tags: BTreeSet<String>,
    corner: (i64, i64),
    small: Option<u8>,
    #[serde(default)]
    rest: Value,
    #[serde(default = "ten")]
    count: u32,
}

fn ten() -> u32 {
    10
}

#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, PartialEq, Default)]
enum Colour {
    /// As blood.
    #[default]
    Red,
    /// As grass.
    Green,
}

#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, PartialEq, Default)]
struct Outline {
    width: i32,
    dashes: Vec<Outline2>,
}

#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, PartialEq, Default)]
struct Outline2 {
    length: u16,
}

/// One member says which.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
enum Form {
    Circle { radius: u32 },
    Polygon(Vec<i32>),
}

impl Default for Form {
    fn default() -> Self {
        Self::Circle { radius: 1 }
    }
}

/// A tag says which.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, PartialEq, Default)]
#[serde(tag = "type", rename_all = "camelCase")]
enum Source {
    #[default]
    Drawn,
    Scanned {
        device: String,
    },
}

#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, PartialEq)]
#[serde(untagged)]
enum Port {
    Number(i32),
    Name(String),
}

impl Default for Port {
    fn default() -> Self {
        Self::Number(80)
    }
}

/// Creates the definition of `crd`, without a word of warning from the server, and waits until it is established.
async fn establish(client: &Client, crd: &CustomResourceDefinition) {
    let crds = client.apiextensions_v1().custom_resource_definitions();
    let resource = CustomResourceDefinition::api_resource();
    let answer = client.rest().post().api_resource(&resource).json(crd).send().await.unwrap();
    assert_eq!(answer.headers().get("warning"), None);
    let name = crd.metadata.name.clone().unwrap();
    let one = WatchOptions {
        field_selector: format!("metadata.name={name}").parse().unwrap(),
        ..WatchOptions::default()
    };
    let mut watch = crds.watch(&one).await.unwrap();
    while let Some(event) = in_time("established", watch.next()).await {
        let (WatchEvent::Added(crd) | WatchEvent::Modified(crd)) = event.unwrap() else { continue };
        let conditions = crd.status.and_then(|status| status.conditions).unwrap_or_default();
        let is = |kind: &str| {
            conditions.iter().any(|condition| condition.type_ == kind && condition.status == "True")
        };
        assert!(!is("NonStructuralSchema"), "{conditions:?}");
        if is("Established") {
            return;
        }
    }
    panic!("the watch of {name} ended");
}

/// Creates `object` as it is, and returns what the server complains of.
async fn complaint<K: Object>(api: &Api<K>, client: &Client, object: &Value) -> String {
    let untyped = client.resource::<Unstructured>(api.api_resource(), "default");
    let object = serde_json::from_value(object.clone()).unwrap();
    let error = untyped.create(&object, &CreateOptions::default()).await.expect_err("it is taken");
    assert!(error.is_invalid(), "{error}");
    error.to_string()
}

fn redis(name: &str, replicas: u32) -> RedisCluster {
    RedisCluster {
        metadata: ObjectMeta { name: Some(name.into()), ..Default::default() },
        spec: RedisClusterSpec { replicas, image: "redis:8".into() },
        status: None,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rust_type_is_a_resource_of_the_server() {
    let cluster = Cluster::start(&ClusterOptions::default()).unwrap();
    let client = client(&cluster, WatchOver::Http);
    establish(&client, &RedisCluster::crd().unwrap()).await;
    let clusters = client.api::<RedisCluster>("default");
    let factory = SharedInformerFactory::new(&client, FactoryOptions::default());
    let informer = factory.typed::<RedisCluster>();
    factory.start();
    in_time("synced", factory.wait_for_cache_sync()).await.unwrap();

    let mut made = clusters.create(&redis("a", 3), &CreateOptions::default()).await.unwrap();
    assert_eq!((made.spec.replicas, made.metadata.generation), (3, Some(1)));
    made.status = Some(RedisClusterStatus { replicas: 2 });
    made.spec.replicas = 9; // not looked at by what writes the status
    let told = clusters.update_status(&made, &UpdateOptions::default()).await.unwrap();
    assert_eq!((told.spec.replicas, told.status.as_ref().unwrap().replicas), (3, 2));
    let mut scale = clusters.get_scale("a", &GetOptions::default()).await.unwrap();
    assert_eq!(scale.status.as_ref().unwrap().replicas, 2);
    scale.spec.as_mut().unwrap().replicas = Some(5);
    clusters.update_scale(&scale, &UpdateOptions::default()).await.unwrap();
    let got = clusters.get("a", &GetOptions::default()).await.unwrap();
    assert_eq!(got.spec.replicas, 5);
    let seven = Patch::Merge(json!({"spec": {"replicas": 7}}));
    let scaled = clusters.patch_scale("a", &seven, &PatchOptions::default()).await.unwrap();
    assert_eq!(scaled.spec.unwrap().replicas, Some(7));

    let (key, lister) = (got.key(), informer.lister());
    in_time("the informer's copy", async {
        while lister.get(&key).is_none_or(|held| held.spec.replicas != 7) {
            tokio::task::yield_now().await;
        }
    })
    .await;
    assert_eq!(lister.get(&key).unwrap().status, told.status);
    factory.shutdown();

    let table = cluster.kubectl(&["get", "rdc", "a"]).unwrap();
    assert!(table.lines().next().unwrap().contains("REPLICAS"), "{table}");
    assert!(cluster.kubectl(&["get", "caches"]).unwrap().contains('a'));

    let head =
        json!({"apiVersion": "cache.example.com/v1", "kind": "RedisCluster", "metadata": {"name": "bad"}});
    let with = |spec: Value| {
        let mut object = head.clone();
        object["spec"] = spec;
        object
    };
    let refused = complaint(&clusters, &client, &with(json!({"replicas": 21, "image": "i"}))).await;
    assert!(refused.contains("spec.replicas") && refused.contains("20"), "{refused}");
    let refused = complaint(&clusters, &client, &with(json!({"replicas": 2}))).await;
    assert!(refused.contains("spec.image"), "{refused}");
    assert!(complaint(&clusters, &client, &head).await.contains("spec"));
    let kept = clusters.list(&ListOptions::default()).await.unwrap();
    assert_eq!(kept.items.len(), 1);
}

fn shape(name: &str) -> Shape {
    Shape {
        metadata: ObjectMeta { name: Some(name.into()), ..Default::default() },
        contents: BTreeMap::from([("a".into(), "b".into())]),
        spec: ShapeSpec {
            border: Some(Colour::Green),
            outline: Some(Outline { width: -1, dashes: vec![Outline2 { length: 65535 }] }),
            form: Form::Polygon(vec![1, 2, 3]),
            source: Source::Scanned { device: "flat".into() },
            port: Port::Name("http".into()),
            weights: BTreeMap::from([("x".into(), vec![0.5, 2.0])]),
            names: BTreeMap::from([(7, "seven".into())]),
            tags: BTreeSet::from(["t".into(), "u".into()]),
            corner: (-4, 4),
            small: Some(255),
            rest: json!({"any": [1, {"thing": null}]}),
            count: 3,
            ..ShapeSpec::default()
        },
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_a_rust_type_is_made_of_has_a_schema() {
    let cluster = Cluster::start(&ClusterOptions::default()).unwrap();
    let client = client(&cluster, WatchOver::Http);
    establish(&client, &Shape::crd().unwrap()).await;
    let shapes = client.all::<Shape>();
    let given = shape("full");
    let kept = shapes.create(&given, &CreateOptions::default()).await.unwrap();
    let wanted = Shape { metadata: kept.metadata.clone(), ..given };
    assert_eq!(kept, wanted);
    let bare = Shape { spec: ShapeSpec::default(), ..shape("bare") };
    let kept = shapes.create(&bare, &CreateOptions::default()).await.unwrap();
    assert_eq!(kept.spec.outline, None);

    let good = json!({"colour": "Red", "type": "drawn", "corner": [1, 2]});
    let head =
        json!({"apiVersion": "shapes.example.com/v1beta1", "kind": "Shape", "metadata": {"name": "least"}});
    let with = |change: Value| {
        let (mut object, mut spec) = (head.clone(), good.clone());
        let members = change.as_object().unwrap().clone();
        spec.as_object_mut().unwrap().extend(members);
        object["spec"] = spec;
        object
    };
    let least: Unstructured = serde_json::from_value(with(json!({}))).unwrap();
    let untyped = client.resource::<Unstructured>(&Shape::api_resource(), "");
    untyped.create(&least, &CreateOptions::default()).await.unwrap();
    assert_eq!(shapes.get("least", &GetOptions::default()).await.unwrap().spec.count, 10);
    let wrong = [
        (json!({"colour": "Blue"}), "spec.colour"),
        (json!({"border": null}), "spec.border"),
        (json!({"form": {"circle": {"radius": 1}, "polygon": [1]}}), "spec.form"),
        (json!({"form": {"circle": {}}}), "spec.form.circle.radius"),
        (json!({"type": "scanned"}), "spec"),
        (json!({"type": "found"}), "spec.type"),
        (json!({"port": 1.5}), "spec.port"),
        (json!({"weights": {"x": ["much"]}}), "spec.weights.x"),
        (json!({"names": {"x": "y"}}), "each key must match"),
        (json!({"tags": ["a", "a"]}), "spec.tags"),
        (json!({"corner": [1]}), "spec.corner"),
        (json!({"small": 256}), "spec.small"),
        (json!({"outline": {"width": 1, "dashes": [{}]}}), "spec.outline.dashes"),
    ];
    for (change, at) in wrong {
        let refused = complaint(&shapes, &client, &with(change.clone())).await;
        assert!(refused.contains(at), "{change}: {refused}");
    }
}

/// A status opens its calls; without one they do not exist, which the compiler would say.
const fn has_status<K: HasStatus>() {}
const _: () = has_status::<RedisCluster>();

/// What portolan-codegen made of a definition; its own tests compare it with the generator.
#[rustfmt::skip]
#[path = "../../codegen/tests/generated/gadgets.rs"]
mod gadgets;

#[tokio::test(flavor = "multi_thread")]
async fn types_are_made_from_the_definitions_a_server_has() {
    let cluster = Cluster::start(&ClusterOptions::default()).unwrap();
    let client = client(&cluster, WatchOver::Http);
    cluster.apply(include_str!("../../codegen/tests/gadgets.yaml")).unwrap();
    cluster.kubectl(&["wait", "--for=condition=Established", "crd/gadgets.example.com"]).unwrap();
    let definitions = client.apiextensions_v1().custom_resource_definitions();
    let definition = definitions.get("gadgets.example.com", &GetOptions::default()).await.unwrap();
    let code = portolan_codegen::generate([&definition]).unwrap();
    assert_eq!(code, include_str!("../../codegen/tests/generated/gadgets.rs"));

    let gadget: gadgets::gadgets_v1::Gadget = serde_json::from_value(json!({
        "apiVersion": "example.com/v1",
        "kind": "Gadget",
        "metadata": {"name": "g"},
        "spec": {
            "mode": "slow-motion", "owner": null, "port": 80, "parts": [{"name": "p", "sizes": [[1]]}],
            "limits": {"cpu": "1"}, "loose": {"known": "k", "other": [1]},
        },
    }))
    .unwrap();
    let api = client.api::<gadgets::gadgets_v1::Gadget>("default");
    let kept = api.create(&gadget, &CreateOptions::default()).await.unwrap();
    assert_eq!((kept.spec.replicas, &kept.spec.parts), (Some(1), &gadget.spec.parts));
    assert_eq!(kept.spec.loose, gadget.spec.loose);
}
