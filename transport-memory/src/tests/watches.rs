//! Watches: where they begin, what they show, when they end.

use std::time::Duration;

use futures::{SinkExt, StreamExt};
use http::Request;
use portolan::transport::{Message, Transport};
use serde_json::json;

use super::{World, config_map};

const MAPS: &str = "/api/v1/namespaces/default/configmaps";
const MERGE: &str = "application/merge-patch+json";
const WATCH_LIST: &str =
    "watch=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true";

#[test]
fn a_watch_without_a_version_begins_with_what_is_there() {
    let world = World::new();
    world.run(async {
        let (a, b) = (world.config_map("a"), world.config_map("b"));
        for query in ["watch=true", "watch=1&resourceVersion=0"] {
            let mut watch = world.watch(&format!("{MAPS}?{query}")).await;
            assert_eq!(watch.short().await, format!("ADDED a {a}"));
            assert_eq!(watch.short().await, format!("ADDED b {b}"));
        }
        let mut watch = world.watch(&format!("{MAPS}?watch=true")).await;
        watch.next().await;
        watch.next().await;
        let c = world.config_map("c");
        let first = watch.next().await.unwrap();
        assert_eq!(
            (super::short(&first), &first["object"]["kind"], &first["object"]["apiVersion"]),
            (format!("ADDED c {c}"), &json!("ConfigMap"), &json!("v1"))
        );
        world.patch(&format!("{MAPS}/c"), MERGE, json!({ "data": { "k": "v" } })).await;
        assert_eq!(watch.short().await, format!("MODIFIED c {}", c + 1));
        world.delete(&format!("{MAPS}/c")).await;
        assert_eq!(watch.short().await, format!("DELETED c {}", c + 2));
    });
}

#[test]
fn a_watch_at_a_version_shows_what_came_after_it() {
    let world = World::new();
    world.run(async {
        let a = world.config_map("a");
        let b = world.config_map("b");
        let mut watch = world.watch(&format!("{MAPS}?watch=true&resourceVersion={a}")).await;
        assert_eq!(watch.short().await, format!("ADDED b {b}"));
        let only_b = "watch=true&fieldSelector=metadata.name%3Db";
        let mut one = world.watch(&format!("{MAPS}?{only_b}&resourceVersion={a}")).await;
        assert_eq!(one.what().await, "ADDED b");
        world.config_map("c");
        assert_eq!(watch.what().await, "ADDED c");
        world.delete(&format!("{MAPS}/b")).await;
        assert_eq!(one.what().await, "DELETED b");
        let mut future =
            world.watch(&format!("{MAPS}?watch=true&resourceVersion={}", world.cluster.version() + 1)).await;
        world.config_map("d");
        world.config_map("e");
        assert_eq!(future.what().await, "ADDED e", "changes up to the version asked for are not shown");
    });
}

#[test]
fn a_version_too_old_is_told_in_the_watch() {
    let world = World::with(|options| options.history = 3);
    world.run(async {
        let first = world.config_map("a");
        for name in ["b", "c", "d", "e"] {
            world.config_map(name);
        }
        let mut watch = world.watch(&format!("{MAPS}?watch=true&resourceVersion={first}")).await;
        let event = watch.next().await.unwrap();
        assert_eq!(
            (&event["type"], &event["object"]["code"], &event["object"]["reason"]),
            (&json!("ERROR"), &json!(410), &json!("Expired"))
        );
        assert_eq!(
            (&event["object"]["kind"], &event["object"]["message"]),
            (&json!("Status"), &json!(format!("too old resource version: {first} ({})", first + 1)))
        );
        assert!(watch.next().await.is_none());
        let mut watch = world.watch(&format!("{MAPS}?watch=true&resourceVersion={}", first + 1)).await;
        assert_eq!(watch.what().await, "ADDED c");

        let newest = world.cluster.version();
        world.cluster.compact();
        let mut watch = world.watch(&format!("{MAPS}?watch=true&resourceVersion={}", newest - 1)).await;
        assert_eq!(watch.next().await.unwrap()["object"]["code"], 410);
        let mut watch = world.watch(&format!("{MAPS}?watch=true&resourceVersion={newest}")).await;
        world.config_map("f");
        assert_eq!(watch.what().await, "ADDED f");
    });
}

#[test]
fn compaction_leaves_a_watch_that_has_read_everything() {
    let world = World::new();
    world.run(async {
        let mut watch = world.watch(&format!("{MAPS}?watch=true")).await;
        let (what, ()) = futures::join!(watch.what(), async {
            world.sleep(1).await;
            world
                .cluster
                .create(json!({ "apiVersion": "v1", "kind": "Secret", "metadata": { "name": "s" } }))
                .unwrap();
            world.cluster.compact();
            world.sleep(1).await;
            world.config_map("a");
        });
        assert_eq!(what, "ADDED a");
    });
}

#[test]
fn a_watch_that_falls_behind_is_closed() {
    let world = World::with(|options| options.history = 10);
    world.run(async {
        let mut slow = world.watch(&format!("{MAPS}?watch=true")).await;
        world.config_map("first");
        assert_eq!(slow.what().await, "ADDED first");
        for number in 0..11 {
            world.config_map(&format!("m{number}"));
        }
        assert!(slow.next().await.is_none());
        let mut quick =
            world.watch(&format!("{MAPS}?watch=true&resourceVersion={}", world.cluster.version())).await;
        for number in 0..10 {
            world.config_map(&format!("n{number}"));
        }
        for number in 0..10 {
            assert_eq!(quick.what().await, format!("ADDED n{number}"));
        }
    });
}

#[test]
fn selectors_turn_changes_into_additions_and_deletions() {
    let world = World::new();
    world.run(async {
        let mut watch = world.watch(&format!("{MAPS}?watch=true&labelSelector=app%3Dweb")).await;
        let a = world.config_map("a");
        let label = |value: &str| json!({ "metadata": { "labels": { "app": value } }, "data": { "app": value } });
        let path = format!("{MAPS}/a");
        world.patch(&path, MERGE, label("web")).await;
        assert_eq!(watch.short().await, format!("ADDED a {}", a + 1));
        world.patch(&path, MERGE, json!({ "data": { "more": "1" } })).await;
        assert_eq!(watch.short().await, format!("MODIFIED a {}", a + 2));
        world.patch(&path, MERGE, label("db")).await;
        let left = watch.next().await.unwrap();
        assert_eq!(super::short(&left), format!("DELETED a {}", a + 3));
        assert_eq!(left["object"]["data"]["app"], "web", "the object as it was when it was last selected");
        world.delete(&path).await;
        world.cluster.create(json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": "b", "labels": { "app": "web" } } })).unwrap();
        assert_eq!(watch.what().await, "ADDED b", "what is not selected is not shown");
    });
}

#[test]
fn a_watch_ends_when_its_time_is_over() {
    let world = World::new();
    world.run(async {
        let start = world.cluster.runtime().clock.now();
        let mut watch = world.watch(&format!("{MAPS}?watch=true&timeoutSeconds=7")).await;
        assert!(watch.next().await.is_none());
        assert_eq!(world.cluster.runtime().clock.now() - start, Duration::from_secs(7));
        let start = world.cluster.runtime().clock.now();
        let mut watch = world.watch(&format!("{MAPS}?watch=true")).await;
        assert!(watch.next().await.is_none());
        let lasted = (world.cluster.runtime().clock.now() - start).as_secs();
        assert!((1800..3600).contains(&lasted), "{lasted}");
    });
}

#[test]
fn bookmarks_come_when_allowed() {
    let world = World::with(|options| options.bookmark_interval = Duration::from_secs(10));
    world.run(async {
        world.config_map("a");
        let mut watch = world
            .watch(&format!("{MAPS}?watch=true&allowWatchBookmarks=true&resourceVersion=1&timeoutSeconds=25"))
            .await;
        assert_eq!(watch.what().await, "ADDED a");
        world
            .cluster
            .create(json!({ "apiVersion": "v1", "kind": "Secret", "metadata": { "name": "s" } }))
            .unwrap();
        for _ in 0..2 {
            let mark = watch.next().await.unwrap();
            assert_eq!(super::short(&mark), format!("BOOKMARK  {}", world.cluster.version()));
            assert_eq!(
                (&mark["object"]["kind"], &mark["object"]["metadata"]["annotations"]),
                (&json!("ConfigMap"), &json!(null))
            );
        }
        assert!(watch.next().await.is_none());
        let mut silent = world.watch(&format!("{MAPS}?watch=true&resourceVersion=1&timeoutSeconds=25")).await;
        assert_eq!((silent.what().await, silent.what().await), ("ADDED a".to_owned(), "end".to_owned()));
    });
}

#[test]
fn a_watch_list_ends_its_beginning_with_a_marked_bookmark() {
    let world = World::new();
    world.run(async {
        world.config_map("a");
        world.config_map("b");
        let mut watch = world.watch(&format!("{MAPS}?{WATCH_LIST}")).await;
        assert_eq!((watch.what().await, watch.what().await), ("ADDED a".to_owned(), "ADDED b".to_owned()));
        let mark = watch.next().await.unwrap();
        assert_eq!(super::short(&mark), format!("BOOKMARK  {}", world.cluster.version()));
        assert_eq!(mark["object"]["metadata"]["annotations"]["k8s.io/initial-events-end"], "true");
        world.config_map("c");
        assert_eq!(watch.what().await, "ADDED c");
        let mut none = world.watch("/api/v1/secrets?watch=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true&resourceVersion=0").await;
        assert!(none.what().await.starts_with("BOOKMARK"));
        let mut later = world.watch(&format!("{MAPS}?watch=true&sendInitialEvents=false&resourceVersionMatch=NotOlderThan")).await;
        world.config_map("d");
        assert_eq!(later.what().await, "ADDED d");
    });
}

#[test]
fn a_watch_list_at_a_version_not_reached_is_told_so() {
    let world = World::new();
    world.run(async {
        let future = world.cluster.version() + 1;
        let mut watch = world.watch(&format!("{MAPS}?{WATCH_LIST}&resourceVersion={future}")).await;
        let event = watch.next().await.unwrap();
        assert_eq!(
            (&event["type"], &event["object"]["code"], &event["object"]["details"]["causes"][0]["reason"]),
            (&json!("ERROR"), &json!(504), &json!("ResourceVersionTooLarge"))
        );
        assert!(watch.next().await.is_none());
    });
}

#[test]
fn wrong_watch_options_are_refused() {
    let world = World::new();
    world.run(async {
        for query in [
            "sendInitialEvents=true",
            "resourceVersionMatch=NotOlderThan",
            "sendInitialEvents=true&resourceVersionMatch=Exact",
            "continue=x",
        ] {
            let refused = world.get(&format!("{MAPS}?watch=true&{query}")).await;
            assert_eq!((refused.code, &refused.body["reason"]), (422, &json!("Invalid")), "{query}");
        }
        assert_eq!(world.get(&format!("{MAPS}?watch=true&fieldSelector=a%3Db")).await.code, 400);
        world.config_map("a");
        for path in [format!("{MAPS}?watch=true&resourceVersion=x"), format!("{MAPS}/a?resourceVersion=x")] {
            let message = r#"resourceVersion: Invalid value: "x": strconv.ParseUint: parsing "x": invalid syntax"#;
            let expected = json!({ "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "message": message, "code": 500 });
            assert_eq!(world.get(&path).await.body, expected, "{path}");
        }
        let over = world.get(&format!("{MAPS}?watch=true&timeoutSeconds=-1")).await;
        assert_eq!((over.code, over.body), (200, json!("")));
        assert_eq!(world.get(&format!("{MAPS}/a?watch=true&labelSelector=,")).await.body["metadata"]["name"], "a", "one object is not watched");
    });
    let world = World::with(|options| options.watch_list = false);
    world.run(async {
        let refused = world.get(&format!("{MAPS}?{WATCH_LIST}")).await;
        assert_eq!(refused.code, 422);
        assert!(
            refused.body["message"]
                .as_str()
                .unwrap()
                .contains("unless the WatchList feature gate is enabled")
        );
    });
}

#[test]
fn a_dropped_watch_is_unregistered() {
    let world = World::new();
    world.run(async {
        let first = world.watch(&format!("{MAPS}?watch=true")).await;
        let second = world.watch("/api/v1/pods?watch=true").await;
        assert_eq!(world.cluster.watchers(), 2);
        drop(first);
        assert_eq!(world.cluster.watchers(), 1);
        drop(second);
        assert_eq!(world.cluster.watchers(), 0);
    });
}

#[test]
fn metadata_alone_can_be_watched() {
    let world = World::new();
    world.run(async {
        let mut map = config_map("a");
        map["data"] = json!({ "k": "v" });
        world.cluster.create(map).unwrap();
        let request = Request::get(format!("http://memory{MAPS}?{WATCH_LIST}"))
            .header("accept", "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1")
            .body(portolan::transport::Body::Empty)
            .unwrap();
        let mut watch = super::Watch(world.transport.send(request).await.unwrap().into_body());
        let added = watch.next().await.unwrap();
        assert_eq!(
            (&added["object"]["kind"], &added["object"]["data"]),
            (&json!("PartialObjectMetadata"), &json!(null))
        );
        assert_eq!(watch.next().await.unwrap()["object"]["kind"], "PartialObjectMetadata");
    });
}

fn socket_request(path: &str) -> Request<()> {
    Request::get(format!("ws://memory{path}")).body(()).unwrap()
}

#[test]
fn a_watch_over_a_web_socket_is_one_event_a_message() {
    let world = World::new();
    world.run(async {
        world.config_map("a");
        let request = socket_request(&format!("{MAPS}?watch=true"));
        let mut socket = world.transport.connect(request, &["v1.json"]).await.unwrap();
        assert_eq!(socket.protocol(), Some("v1.json"));
        socket.send(Message::Text("ignored".into())).await.unwrap();
        world.config_map("b");
        for name in ["a", "b"] {
            let Some(Ok(Message::Text(text))) = socket.next().await else { panic!("a text message") };
            assert_eq!(text.last(), Some(&b'\n'));
            let event: serde_json::Value = serde_json::from_slice(&text).unwrap();
            assert_eq!(event["object"]["metadata"]["name"], name);
        }
        assert_eq!(world.cluster.watchers(), 1);
        socket.close().await.unwrap();
        assert!(socket.next().await.is_none());
        drop(socket);
        assert_eq!(world.cluster.watchers(), 0);
        let dropped = world.transport.connect(socket_request("/api/v1/pods?watch=true"), &[]).await.unwrap();
        drop(dropped);
        assert_eq!(world.cluster.watchers(), 0);
    });
}

#[test]
fn a_web_socket_is_refused_where_there_is_no_watch() {
    let world = World::new();
    world.run(async {
        let connect = |path: &'static str, protocols: &'static [&'static str]| {
            let transport = world.transport.clone();
            async move { transport.connect(socket_request(path), protocols).await.unwrap_err() }
        };
        assert!(connect("/api/v1/pods", &[]).await.is_transport());
        assert!(connect("/version", &[]).await.is_transport());
        assert!(connect("/api/v1/nothing?watch=true", &[]).await.is_not_found());
        assert_eq!(connect("/api/v1/pods?watch=true", &["a", "b"]).await.code(), Some(400));
        assert_eq!(connect("/api/v1/pods?watch=true&sendInitialEvents=true", &[]).await.code(), Some(422));
    });
}
