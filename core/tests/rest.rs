//! Requests and answers against a scripted transport, in virtual time.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use k8s_openapi::api::core::v1::{ConfigMap, Node, Pod};
use portolan::client::Client;
use portolan::config::Config;
use portolan::meta::{
    CreateOptions, DeleteOptions, GetOptions, ListOptions, Patch, PatchOptions, Propagation, UpdateOptions,
    WatchOptions,
};
use portolan::object::Lazy;
use portolan::rest::WatchEvent;
use portolan::testing::{Answer, Scripted};
use portolan::time::Simulator;

const POD: &str =
    r#"{"apiVersion":"v1","kind":"Pod","metadata":{"name":"a","namespace":"n","resourceVersion":"7"}}"#;

fn run<T>(scripted: &Scripted, test: impl AsyncFnOnce(Client) -> T) -> T {
    let simulator = Simulator::new(1);
    let config = Config::new("http://server/prefix").unwrap();
    let client = Client::new(Arc::new(scripted.clone()), config, simulator.runtime(1));
    simulator.run(Duration::from_secs(3600), test(client)).expect("the request hangs")
}

#[test]
fn every_verb_asks_what_client_go_asks() {
    let scripted = Scripted::new((0..8).map(|_| Answer::json(200, POD)));
    run(&scripted, async |client| {
        let pods = client.api::<Pod>("n");
        let pod = pods.get("a", &GetOptions::default()).await.unwrap();
        pods.create(&pod, &CreateOptions { dry_run: true, ..Default::default() }).await.unwrap();
        pods.update(&pod, &UpdateOptions::default()).await.unwrap();
        pods.update_status(&pod, &UpdateOptions::default()).await.unwrap();
        let patch = Patch::Merge(serde_json::json!({"metadata": {"labels": {"x": "y"}}}));
        let options = PatchOptions { field_manager: Some("me".into()), ..Default::default() };
        pods.patch("a", &patch, &options).await.unwrap();
        let delete = DeleteOptions { propagation_policy: Some(Propagation::Orphan), ..Default::default() };
        pods.delete("a", &delete).await.unwrap();
        let selection = ListOptions { label_selector: "app=x".parse().unwrap(), ..Default::default() };
        pods.delete_collection(&DeleteOptions::default(), &selection).await.unwrap();
        client.api::<Node>("ignored").get("n1", &GetOptions::default()).await.unwrap_err();
    });
    let asked: Vec<String> =
        scripted.asked().iter().map(|asked| format!("{} {}", asked.method, asked.uri)).collect();
    let base = "http://server/prefix/api/v1";
    let expected = [
        format!("GET {base}/namespaces/n/pods/a"),
        format!("POST {base}/namespaces/n/pods?dryRun=All"),
        format!("PUT {base}/namespaces/n/pods/a"),
        format!("PUT {base}/namespaces/n/pods/a/status"),
        format!("PATCH {base}/namespaces/n/pods/a?fieldManager=me"),
        format!("DELETE {base}/namespaces/n/pods/a"),
        format!("DELETE {base}/namespaces/n/pods?labelSelector=app%3Dx"),
        format!("GET {base}/nodes/n1"),
    ];
    assert_eq!(asked, expected);
    let patch = &scripted.asked()[4];
    assert_eq!(patch.headers["content-type"], "application/merge-patch+json");
    assert_eq!(scripted.asked()[5].body, r#"{"propagationPolicy":"Orphan"}"#);
}

#[test]
fn a_list_arrives_item_by_item() {
    let body = r#"{"kind":"PodList","apiVersion":"v1","metadata":{"resourceVersion":"9","continue":"c"},"items":[{"metadata":{"name":"a"}},{"metadata":{"name":"b"}}]}"#;
    let (head, tail) = body.split_at(97);
    let answer = Answer::new(200).header("content-type", "application/json").chunk(head).chunk(tail);
    let list = run(&Scripted::new([answer]), async |client| {
        client.all::<Pod>().list(&ListOptions::default()).await.unwrap()
    });
    let names: Vec<_> = list.items.iter().filter_map(|pod| pod.metadata.name.as_deref()).collect();
    assert_eq!(names, ["a", "b"]);
    assert_eq!((list.head.resource_version.as_str(), list.head.continue_token.as_str()), ("9", "c"));
}

#[test]
fn a_single_object_is_checked_as_items_are() {
    for body in [r#"{"metadata":{"name":"a"},"spec":{"x":tru}}"#, r#"{"metadata":{"name":"a"}"#, "[]"] {
        let error = run(&Scripted::new([Answer::json(200, body)]), async |client| {
            client.api::<Lazy<Pod>>("n").get("a", &GetOptions::default()).await.unwrap_err()
        });
        assert!(error.is_decode(), "{body}: {error}");
    }
}

#[test]
fn a_truncated_list_is_an_error() {
    let answer = Answer::json(200, r#"{"kind":"PodList","items":[{"metadata":{"name":"a"}}"#);
    let error = run(&Scripted::new([answer]), async |client| {
        client.all::<Pod>().list(&ListOptions::default()).await.unwrap_err()
    });
    assert!(error.is_decode(), "{error}");
}

#[test]
fn a_watch_gives_events_and_ends_with_the_servers_status() {
    let answer = Answer::new(200)
        .header("content-type", "application/json")
        .chunk(&format!("{{\"type\":\"ADDED\",\"object\":{POD}}}\n"))
        .chunk(r#"{"type":"BOOKMARK","object":{"kind":"Pod","metadata":{"resourceVersion":"12","annotations":{"k8s.io/initial-events-end":"true"}}}}"#)
        .chunk(r#"{"type":"ERROR","object":{"kind":"Status","code":410,"reason":"Expired","message":"too old"}}"#)
        .hangs();
    run(&Scripted::new([answer]), async |client| {
        let mut watch = client.all::<Pod>().watch(&WatchOptions::default()).await.unwrap();
        let Some(Ok(WatchEvent::Added(pod))) = watch.next().await else { panic!("no ADDED") };
        assert_eq!(pod.metadata.name.as_deref(), Some("a"));
        let Some(Ok(WatchEvent::Bookmark(bookmark))) = watch.next().await else { panic!("no BOOKMARK") };
        assert!(bookmark.initial_events_end && bookmark.resource_version.as_str() == "12");
        assert!(watch.next().await.unwrap().unwrap_err().is_expired());
        assert!(watch.next().await.is_none());
    });
}

#[test]
fn the_server_is_obeyed_when_it_says_retry_after() {
    let busy = || Answer::json(429, r#"{"kind":"Status","code":429,"reason":"TooManyRequests"}"#);
    let scripted = Scripted::new([busy().header("retry-after", "5"), Answer::json(200, POD)]);
    run(&scripted, async |client| {
        let started = client.runtime().clock.now();
        client.api::<Pod>("n").get("a", &GetOptions::default()).await.unwrap();
        assert_eq!(client.runtime().clock.now() - started, Duration::from_secs(5));
    });
    let scripted = Scripted::new([busy()]);
    let error = run(&scripted, async |client| {
        client.api::<Pod>("n").get("a", &GetOptions::default()).await.unwrap_err()
    });
    assert!(error.is_too_many_requests() && scripted.asked().len() == 1);
}

#[test]
fn a_refusal_keeps_the_servers_words_and_a_stranger_is_shown() {
    let missing = Answer::json(
        404,
        r#"{"kind":"Status","code":404,"reason":"NotFound","message":"pods \"a\" not found"}"#,
    );
    let html = || Answer::new(502).header("content-type", "text/html").chunk("<html>Bad gateway</html>");
    let login = Answer::new(200).header("content-type", "text/html").chunk("<html>Sign in</html>");
    let scripted = Scripted::new([missing, html(), login]);
    run(&scripted, async |client| {
        let pods = client.api::<Pod>("n");
        let error = pods.get("a", &GetOptions::default()).await.unwrap_err();
        assert!(error.is_not_found());
        assert_eq!(error.to_string(), r#"get pods n/a: pods "a" not found"#);
        let error = pods.get("a", &GetOptions::default()).await.unwrap_err();
        assert!(error.code() == Some(502) && error.to_string().contains("Bad gateway"), "{error}");
        let error = pods.list(&ListOptions::default()).await.unwrap_err();
        assert!(error.is_decode() && error.to_string().contains("Sign in"), "{error}");
    });
}

#[test]
fn no_object_leaks_through_an_error() {
    let scripted = Scripted::new([Answer::json(200, r#"{"kind":"ConfigMap","data":{"password":"hunter2"#)]);
    let error = run(&scripted, async |client| {
        client.api::<ConfigMap>("n").get("a", &GetOptions::default()).await.unwrap_err()
    });
    assert!(!format!("{error} {error:?}").contains("hunter2"));
}

#[test]
fn names_cannot_leave_their_segment() {
    let scripted = Scripted::new([]);
    run(&scripted, async |client| {
        for name in ["", "..", "a/b", "a%2Fb"] {
            assert!(client.api::<Pod>("n").get(name, &GetOptions::default()).await.is_err(), "{name:?}");
        }
        assert!(client.api::<Pod>("../x").get("a", &GetOptions::default()).await.is_err());
    });
    assert!(scripted.asked().is_empty());
}
