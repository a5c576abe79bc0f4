//! What answers mean: objects, lists and watches as they arrive, and what is none of these.

use std::time::Duration;

use futures::StreamExt;
use futures::future::{Either, select};
use k8s_openapi::api::core::v1::Pod;
use portolan::meta::{GetOptions, ListOptions, WatchOptions};
use portolan::object::Lazy;
use portolan::rest::WatchEvent;
use portolan::testing::{Answer, Scripted};

use crate::{POD, run};

#[test]
fn a_list_of_another_resource_is_refused() {
    let list = |api_version: &str, kind: &str, item: &str| {
        let body =
            format!(r#"{{"kind":"{kind}","apiVersion":"{api_version}","metadata":{{}},"items":[{item}]}}"#);
        Answer::json(200, &body)
    };
    let (bare, named) = (r#"{"metadata":{"name":"a"}}"#, r#"{"kind":"Pod","metadata":{"name":"a"}}"#);
    let right = [
        ("v1", "PodList", bare),
        ("v1", "Pods", named),
        ("meta.k8s.io/v1", "PartialObjectMetadataList", bare),
    ];
    let wrong = [("v1", "ServiceList", bare), ("v1", "Pods", bare), ("apps/v1", "PodList", bare)];
    let any = [("other/v1", "ServiceList", bare)];
    let answers =
        right.iter().chain(&wrong).chain(&any).map(|(api_version, kind, item)| list(api_version, kind, item));
    run(&Scripted::new(answers), async |client| {
        let pods = client.all::<Pod>();
        for (_, kind, _) in right {
            assert_eq!(pods.list(&ListOptions::default()).await.expect(kind).items.len(), 1);
        }
        for (api_version, kind, _) in wrong {
            let error = pods.list(&ListOptions::default()).await.unwrap_err();
            let told = format!("a {kind:?} of {api_version:?} in place of the pods of \"v1\"");
            assert!(error.is_decode() && error.to_string().contains(&told), "{error}");
        }
        let anything = client.dynamic().resource(pods.api_resource());
        let list = anything.list(&ListOptions::default()).await.unwrap();
        assert_eq!(list.items[0].kind(), "Pod", "what is of any kind is what was asked for");
    });
}

#[test]
fn white_space_is_no_sign_of_life_and_no_end_of_it_is_an_error() {
    let event = format!("{{\"type\":\"ADDED\",\"object\":{POD}}}\n");
    let (head, tail) = event.split_at(30);
    let blanks = |mut answer: Answer, count: usize| {
        for _ in 0..count {
            answer = answer.chunk(" \n");
        }
        answer
    };
    let answer = || Answer::new(200).header("content-type", "application/json");
    // 4,096 bytes of it are borne, twice, for an event came between.
    let patient = blanks(blanks(answer(), 2048).chunk(head).chunk(tail), 2048).hangs();
    let endless = blanks(blanks(answer(), 2048).chunk(&event), 2049).hangs();
    run(&Scripted::new([patient, endless]), async |client| {
        let pods = client.all::<Pod>();
        let mut watch = pods.watch_body(&WatchOptions::default()).await.unwrap();
        assert!(
            watch.fill().await.unwrap() && watch.next_frame().unwrap().is_none(),
            "only the head is there"
        );
        assert!(watch.fill().await.unwrap() && watch.next_frame().unwrap().is_some());
        let silent = client.runtime().sleep(Duration::from_secs(60));
        let more = Box::pin(watch.fill());
        assert!(matches!(select(more, silent).await, Either::Right(_)));
        let mut watch = pods.watch(&WatchOptions::default()).await.unwrap();
        assert!(matches!(watch.next().await, Some(Ok(WatchEvent::Added(_)))));
        let error = watch.next().await.unwrap().unwrap_err();
        assert!(error.is_decode() && error.to_string().contains("4098 bytes of white space"), "{error}");
    });
}

#[test]
fn a_wrong_answer_is_set_against_what_was_asked_for() {
    let page = || Answer::new(200).header("content-type", "text/html").chunk("<html>");
    run(&Scripted::new([page(), page(), page()]), async |client| {
        let pods = client.api::<Pod>("n").metadata_only();
        let asked = "in place of application/json;as=PartialObjectMetadata";
        let one = pods.get("a", &GetOptions::default()).await.unwrap_err();
        let all = pods.list(&ListOptions::default()).await.unwrap_err();
        let watch = pods.watch(&WatchOptions::default()).await.unwrap_err();
        for error in [one, all, watch] {
            assert!(error.to_string().contains(asked), "{error}");
        }
    });
}

#[test]
fn a_media_type_is_compared_whole_and_in_any_case() {
    let typed = |kind: &str, body: &str| Answer::new(200).header("content-type", kind).chunk(body);
    let list = r#"{"kind":"PodList","apiVersion":"v1","metadata":{},"items":[]}"#;
    let scripted = Scripted::new([
        typed("Application/JSON; charset=UTF-8", POD),
        typed("APPLICATION/json", list),
        typed("", POD),
        typed("json", POD),
        typed("application/js", POD),
    ]);
    run(&scripted, async |client| {
        let pods = client.api::<Pod>("n");
        pods.get("a", &GetOptions::default()).await.unwrap();
        pods.list(&ListOptions::default()).await.unwrap();
        // As none at all: so client-go takes it.
        pods.get("a", &GetOptions::default()).await.unwrap();
        for _ in 0..2 {
            let error = pods.get("a", &GetOptions::default()).await.unwrap_err();
            assert!(error.to_string().contains("in place of application/json"), "{error}");
        }
    });
}

#[test]
fn a_status_in_place_of_a_list_is_the_servers_error() {
    let failed = r#"{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":"too old","reason":"Expired","code":410}"#;
    let (head, tail) = failed.split_at(60);
    let split = Answer::new(200).header("content-type", "application/json").chunk(head).chunk(tail);
    let done = r#"{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Success"}"#;
    let blank = r#"{"kind":"Status","apiVersion":"v1","metadata":{}}"#;
    let answers = [Answer::json(200, failed), split, Answer::json(200, done), Answer::json(200, blank)];
    run(&Scripted::new(answers), async |client| {
        let pods = client.api::<Pod>("n");
        for _ in 0..2 {
            let error = pods.list(&ListOptions::default()).await.unwrap_err();
            assert!(error.is_expired() && error.to_string().ends_with(": too old"), "{error}");
        }
        for _ in 0..2 {
            let error = pods.list(&ListOptions::default()).await.unwrap_err();
            assert!(error.is_decode(), "{error}");
        }
    });
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
fn a_truncated_list_is_an_error() {
    let answer = Answer::json(200, r#"{"kind":"PodList","items":[{"metadata":{"name":"a"}}"#);
    let error = run(&Scripted::new([answer]), async |client| {
        client.all::<Pod>().list(&ListOptions::default()).await.unwrap_err()
    });
    assert!(error.is_decode(), "{error}");
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
