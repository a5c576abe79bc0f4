//! Requests that ask for protobuf, against a scripted transport: what is asked, and every form of answer.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use k8s_openapi::api::core::v1::Pod;
use portolan::client::Client;
use portolan::codec::protobuf::{MEDIA_TYPE, decode, encode};
use portolan::config::{Config, ContentType};
use portolan::meta::{ApiResource, CreateOptions, GetOptions, ListOptions, Object, WatchOptions};
use portolan::object::{Lazy, PartialObjectMetadata, Unstructured};
use portolan::rest::WatchEvent;
use portolan::testing::{Answer, Scripted};
use portolan::time::Simulator;
use serde_json::{Value, json};

fn run<T>(scripted: &Scripted, test: impl AsyncFnOnce(Client) -> T) -> T {
    let simulator = Simulator::new(1);
    let config = Config { content_type: ContentType::Protobuf, ..Config::default() };
    let client = Client::new(Arc::new(scripted.clone()), config, simulator.runtime(1));
    simulator.run(Duration::from_secs(3600), test(client)).expect("the request hangs")
}

fn pod(name: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {
            "name": name, "namespace": "n", "resourceVersion": "7", "labels": {"a": "ü"},
            "managedFields": [{"manager": "m"}],
        },
        "spec": {"nodeName": "node-1", "containers": [{"name": "c", "image": "i", "resources": {}}]},
    })
}

fn answer(status: u16, object: &Value, kind: &str) -> Answer {
    Answer::new(status).header("content-type", MEDIA_TYPE).bytes(&encode(object, "v1", kind).unwrap())
}

fn event(kind: &str, object: &[u8]) -> Vec<u8> {
    // The lengths stay below 128 or take two bytes: one form serves both.
    let field = |number: u8, bytes: &[u8]| {
        let length = bytes.len();
        let mut out = vec![number << 3 | 2, length as u8 | 0x80, u8::try_from(length >> 7).unwrap()];
        out.extend_from_slice(bytes);
        out
    };
    let event = [field(1, kind.as_bytes()), field(2, &field(1, object))].concat();
    [&u32::try_from(event.len()).unwrap().to_be_bytes()[..], &event].concat()
}

#[test]
fn an_object_is_asked_for_read_and_sent_in_protobuf() {
    let answers = (0..5).map(|_| answer(200, &pod("a"), "Pod"));
    let scripted = Scripted::new(answers);
    run(&scripted, async |client| {
        let resource = <Pod as portolan::meta::Resource>::api_resource();
        let read = client.api::<Pod>("n").get("a", &GetOptions::default()).await.unwrap();
        assert_eq!(read, serde_json::from_value(pod("a")).map(|expected: Pod| filled(expected)).unwrap());
        let lazy = client.api::<Lazy<Pod>>("n").get("a", &GetOptions::default()).await.unwrap();
        assert_eq!(lazy.text("spec.containers[0].image").as_deref(), Some("i"));
        assert_eq!((lazy.key().as_str(), lazy.decode().unwrap()), ("n/a", read.clone()));
        let any =
            client.resource::<Unstructured>(&resource, "n").get("a", &GetOptions::default()).await.unwrap();
        assert_eq!((any.kind(), any.text("spec.nodeName")), ("Pod", Some("node-1")));
        let partial = client.resource::<PartialObjectMetadata>(&resource, "n");
        let partial = partial.get("a", &GetOptions::default()).await.unwrap();
        assert_eq!((partial.kind.as_str(), partial.labels()["a"].as_str()), ("Pod", "ü"));
        client.api::<Pod>("n").create(&read, &CreateOptions::default()).await.unwrap();
    });
    let asked = scripted.asked();
    assert_eq!(asked[0].headers["accept"], "application/vnd.kubernetes.protobuf,application/json");
    assert_eq!(asked[4].headers["content-type"], MEDIA_TYPE);
}

/// With what Go fills in.
fn filled(mut pod: Pod) -> Pod {
    pod.status = Some(Default::default());
    pod
}

#[test]
fn a_list_is_read_in_the_format_it_comes_in() {
    let list = json!({"metadata": {"resourceVersion": "9"}, "items": [pod("a"), pod("b")]});
    let text = json!({
        "apiVersion": "v1", "kind": "PodList", "metadata": {"resourceVersion": "9"}, "items": [pod("a"), pod("b")],
    });
    for answer in [answer(200, &list, "PodList"), Answer::json(200, &text.to_string())] {
        let list = run(&Scripted::new([answer]), async |client| {
            client.all::<Pod>().list(&ListOptions::default()).await.unwrap()
        });
        let names: Vec<_> = list.items.iter().filter_map(|pod| pod.metadata.name.as_deref()).collect();
        assert_eq!((names, list.head.resource_version.as_str()), (vec!["a", "b"], "9"));
    }
}

#[test]
fn metadata_alone_are_held_for_kinds_that_have_no_protobuf() {
    let list = json!({"metadata": {"resourceVersion": "9"}, "items": [{"metadata": {"name": "a"}}]});
    let bytes = encode(&list, "meta.k8s.io/v1", "PartialObjectMetadataList").unwrap();
    let answer = Answer::new(200).header("content-type", MEDIA_TYPE).bytes(&bytes);
    let list = run(&Scripted::new([answer]), async |client| {
        let resource = ApiResource::new("example.com/v1", "Widget", "widgets", true).unwrap();
        let widgets = client.resource::<Lazy<PartialObjectMetadata>>(&resource, "n");
        widgets.list(&ListOptions::default()).await.unwrap()
    });
    let json: Value = serde_json::from_slice(&list.items[0].json().unwrap()).unwrap();
    assert_eq!((list.items[0].meta().name, &json["kind"]), ("a", &json!("PartialObjectMetadata")));
    assert_eq!(json.get("spec"), None);
}

#[test]
fn a_watch_gives_events_and_ends_with_the_servers_status() {
    let bookmark = json!({"metadata": {
        "resourceVersion": "12", "annotations": {"k8s.io/initial-events-end": "true"},
    }});
    let status = json!({"code": 410, "reason": "Expired", "message": "too old"});
    let scripted = Scripted::new([Answer::new(200)
        .header("content-type", &format!("{MEDIA_TYPE};stream=watch"))
        .bytes(&event("ADDED", &encode(&pod("a"), "v1", "Pod").unwrap()))
        .bytes(&event("BOOKMARK", &encode(&bookmark, "v1", "Pod").unwrap()))
        .bytes(&event("ERROR", &encode(&status, "v1", "Status").unwrap()))
        .hangs()]);
    run(&scripted, async |client| {
        let mut watch = client.all::<Lazy<Pod>>().watch(&WatchOptions::default()).await.unwrap();
        let Some(Ok(WatchEvent::Added(pod))) = watch.next().await else { panic!("no ADDED") };
        assert_eq!(pod.text("spec.nodeName").as_deref(), Some("node-1"));
        let Some(Ok(WatchEvent::Bookmark(bookmark))) = watch.next().await else { panic!("no BOOKMARK") };
        assert_eq!((bookmark.resource_version.as_str(), bookmark.initial_events_end), ("12", true));
        assert!(watch.next().await.unwrap().unwrap_err().is_expired());
    });
}

#[test]
fn a_refusal_is_read_in_protobuf() {
    let status = json!({"status": "Failure", "code": 404, "reason": "NotFound", "message": "no such pod"});
    let error = run(&Scripted::new([answer(404, &status, "Status")]), async |client| {
        client.api::<Pod>("n").get("a", &GetOptions::default()).await.unwrap_err()
    });
    assert!(error.is_not_found() && error.to_string().contains("no such pod"), "{error}");
}

#[test]
fn custom_resources_and_unknown_members_go_as_json() {
    let widget =
        json!({"apiVersion": "example.com/v1", "kind": "Widget", "metadata": {"name": "w"}}).to_string();
    let newer = Unstructured::try_from({
        let mut pod = pod("a");
        pod["spec"]["fromTheFuture"] = json!(1);
        pod
    });
    let scripted = Scripted::new([Answer::json(200, &widget), answer(201, &pod("a"), "Pod")]);
    run(&scripted, async |client| {
        let resource = ApiResource::new("example.com/v1", "Widget", "widgets", true).unwrap();
        client.resource::<Unstructured>(&resource, "n").get("w", &GetOptions::default()).await.unwrap();
        let resource = <Pod as portolan::meta::Resource>::api_resource();
        let pods = client.resource::<Unstructured>(&resource, "n");
        pods.create(&newer.unwrap(), &CreateOptions::default()).await.unwrap();
    });
    let asked = scripted.asked();
    assert_eq!(asked[0].headers["accept"], "application/json");
    assert_eq!(asked[1].headers["content-type"], "application/json");
    assert!(String::from_utf8_lossy(&asked[1].body).contains("fromTheFuture"));
}

#[test]
fn what_is_written_is_read_again() {
    let bytes = encode(&pod("a"), "v1", "Pod").unwrap();
    let read: Value = decode(&bytes).unwrap();
    assert_eq!(encode(&read, "v1", "Pod").unwrap(), bytes);
}
