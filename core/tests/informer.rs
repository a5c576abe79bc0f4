//! Shared informers on a scripted transport, in virtual time.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::StreamExt;
use k8s_openapi::api::core::v1::Pod;
use portolan::cache::{Delivery, Event, HandlerOptions, Phase, index_by_value};
use portolan::client::Client;
use portolan::config::Config;
use portolan::informer::{FactoryOptions, SharedInformerFactory};
use portolan::meta::{Key, Object};
use portolan::object::Lazy;
use portolan::testing::{Answer, Scripted};
use portolan::time::Simulator;

fn pod(name: &str, version: u32, node: &str) -> String {
    format!(
        r#"{{"apiVersion":"v1","kind":"Pod","metadata":{{"name":"{name}","namespace":"n","uid":"u-{name}","resourceVersion":"{version}"}},"spec":{{"nodeName":"{node}"}}}}"#
    )
}

fn event(kind: &str, object: &str) -> String {
    format!(r#"{{"type":"{kind}","object":{object}}}"#)
}

fn end_of_initial(version: u32) -> String {
    event(
        "BOOKMARK",
        &format!(
            r#"{{"kind":"Pod","apiVersion":"v1","metadata":{{"resourceVersion":"{version}","annotations":{{"k8s.io/initial-events-end":"true"}}}}}}"#
        ),
    )
}

fn stream() -> Answer {
    Answer::new(200).header("content-type", "application/json")
}

/// Runs `test` with a factory on `scripted`, stops the factory, and checks that no task is left.
fn run<T>(scripted: &Scripted, test: impl AsyncFnOnce(SharedInformerFactory) -> T) -> T {
    let simulator = Simulator::new(7);
    let config = Config::new("http://server").unwrap();
    let client = Client::new(Arc::new(scripted.clone()), config, simulator.runtime(7));
    let factory = SharedInformerFactory::new(&client, FactoryOptions::default());
    let stop = factory.clone();
    let runtime = client.runtime().clone();
    let outcome = simulator.run(Duration::from_secs(3600), async move {
        let outcome = test(factory).await;
        stop.shutdown();
        runtime.sleep(Duration::from_secs(1)).await;
        outcome
    });
    assert_eq!(simulator.live_tasks(), Vec::<&str>::new());
    outcome.expect("the informer hangs")
}

type Log = Arc<Mutex<Vec<String>>>;

fn logger(log: &Log) -> impl Fn(Event<Lazy<Pod>>) + use<> {
    let log = log.clone();
    move |event| log.lock().unwrap().push(format!("{event:?}"))
}

#[test]
fn a_watch_list_fills_the_store_and_goes_on_as_the_watch() {
    let answer = stream()
        .chunk(&event("ADDED", &pod("a", 5, "node-1")))
        .chunk(&event("ADDED", &pod("b", 3, "node-2")))
        .chunk(&end_of_initial(9))
        .chunk(&event("MODIFIED", &pod("a", 10, "node-2")))
        .chunk(&event("DELETED", &pod("b", 11, "node-2")))
        .hangs();
    let scripted = Scripted::new([answer]);
    let log = Log::default();
    run(&scripted, async |factory| {
        let pods = factory.informer::<Pod>();
        pods.add_index("node", index_by_value(|pod: &Lazy<Pod>| pod.text("spec.nodeName"))).unwrap();
        let options = HandlerOptions { delivery: Delivery::Lossless { capacity: 100 }, resync_period: None };
        let registration = pods.add_handler(options, logger(&log));
        factory.start();
        factory.wait_for_cache_sync().await.unwrap();
        registration.wait_for_sync().await.unwrap();
        pods.wait_for_status(|status| (status.resource_version.as_str() == "11").then_some(())).await;

        let lister = factory.informer::<Pod>().lister();
        assert_eq!(lister.len(), 1, "asked again, the factory gives the same informer");
        let pod = lister.get(&Key::new("n", "a")).unwrap();
        assert_eq!(pod.meta().resource_version, "10");
        assert_eq!(pod.decode().unwrap().spec.unwrap().node_name.as_deref(), Some("node-2"));
        assert_eq!(lister.by_index("node", "node-2").len(), 1);
        assert_eq!(pods.status().phase, Phase::Live);
    });
    let expected = ["Added(n/a@5, initial)", "Added(n/b@3, initial)", "Updated(n/a@5→10)", "Deleted(n/b@11)"];
    let mut told = log.lock().unwrap().clone();
    told[..2].sort();
    assert_eq!(told, expected);
    let asked = scripted.asked();
    assert_eq!(asked.len(), 1);
    assert!(asked[0].uri.query().unwrap().contains("sendInitialEvents=true"));
}

#[test]
fn a_server_without_watch_list_is_listed_in_pages() {
    let refused = Answer::json(
        422,
        r#"{"kind":"Status","code":422,"reason":"Invalid","message":"sendInitialEvents is forbidden"}"#,
    );
    let page = |items: &str, next: &str| {
        let metadata = format!(r#"{{"resourceVersion":"20","continue":"{next}"}}"#);
        Answer::json(
            200,
            &format!(r#"{{"kind":"PodList","apiVersion":"v1","metadata":{metadata},"items":[{items}]}}"#),
        )
    };
    let answers = [
        refused,
        page(&pod("a", 5, "x"), "more"),
        page(&pod("b", 6, "x"), ""),
        stream().chunk(&event("ADDED", &pod("c", 21, "x"))).hangs(),
    ];
    let scripted = Scripted::new(answers);
    run(&scripted, async |factory| {
        let pods = factory.informer::<Pod>();
        factory.start();
        factory.wait_for_cache_sync().await.unwrap();
        pods.wait_for_status(|status| (status.objects == 3).then_some(())).await;
    });
    let asked: Vec<String> =
        scripted.asked().iter().map(|asked| asked.uri.query().unwrap_or_default().to_owned()).collect();
    assert_eq!(asked[1], "limit=500&resourceVersion=0");
    assert_eq!(asked[2], "continue=more&limit=500");
    assert!(asked[3].contains("resourceVersion=20&") && asked[3].contains("watch=true"), "{}", asked[3]);
}

#[test]
fn an_expired_version_is_listed_anew_and_deletions_are_found() {
    let expired = r#"{"kind":"Status","code":410,"reason":"Expired","message":"too old resource version"}"#;
    let answers = [
        stream()
            .chunk(&event("ADDED", &pod("a", 5, "x")))
            .chunk(&event("ADDED", &pod("b", 6, "x")))
            .chunk(&end_of_initial(9))
            .chunk(&event("ERROR", expired)),
        stream().chunk(&event("ADDED", &pod("b", 6, "x"))).chunk(&end_of_initial(30)).hangs(),
    ];
    let log = Log::default();
    run(&Scripted::new(answers), async |factory| {
        let pods = factory.informer::<Pod>();
        let registration = pods.add_handler(HandlerOptions::default(), logger(&log));
        factory.start();
        registration.wait_for_sync().await.unwrap();
        pods.wait_for_status(|status| (status.counters.relists == 1).then_some(())).await;
        pods.wait_for_status(|status| (status.objects == 1).then_some(())).await;
    });
    let told = log.lock().unwrap().clone();
    assert!(told.contains(&"Deleted(n/a@5, final state unknown)".to_owned()), "{told:?}");
}

#[test]
fn rubbish_is_an_error_in_the_status_and_never_an_empty_list() {
    let answers = [
        Answer::new(200)
            .header("content-type", "text/html")
            .chunk("<html>Sign in to the hotel network</html>"),
        Answer::new(200)
            .header("content-type", "text/html")
            .chunk("<html>Sign in to the hotel network</html>"),
        stream()
            .chunk(&event("ADDED", &pod("a", 5, "x")))
            .chunk(&end_of_initial(9))
            .chunk("{\"type\":")
            .breaks(),
        stream().chunk(&event("ADDED", &pod("a", 12, "x"))).chunk(&end_of_initial(12)).hangs(),
    ];
    run(&Scripted::new(answers), async |factory| {
        let pods = factory.informer::<Pod>();
        factory.start();
        let error = pods.wait_for_status(|status| status.last_error.clone()).await;
        assert!(error.contains("hotel"), "{error}");
        assert!(!pods.has_synced());
        factory.wait_for_cache_sync().await.unwrap();
        pods.wait_for_status(|status| (status.resource_version.as_str() == "12").then_some(())).await;
    });
}

#[test]
fn a_lossless_handler_that_falls_behind_pauses_its_informer_and_loses_nothing() {
    let answer = (0..40).fold(stream().chunk(&end_of_initial(1)), |answer, version| {
        answer.chunk(&event("ADDED", &pod(&format!("p{version}"), version + 2, "x")))
    });
    let log = Log::default();
    run(&Scripted::new([answer.hangs()]), async |factory| {
        let pods = factory.informer::<Pod>();
        let options = HandlerOptions { delivery: Delivery::Lossless { capacity: 3 }, resync_period: None };
        let registration = pods.add_handler(options, logger(&log));
        factory.start();
        pods.wait_for_status(|status| (status.objects == 40).then_some(())).await;
        registration.wait_for_sync().await.unwrap();
        assert!(registration.status().unwrap().most_waiting <= 4);
    });
    assert_eq!(log.lock().unwrap().len(), 40);
}

#[test]
fn a_stopped_informer_lets_its_waiters_go() {
    let scripted = Scripted::new([]);
    run(&scripted, async |factory| {
        let pods = factory.informer::<Pod>();
        let registration = pods.add_handler(HandlerOptions::default(), |_: Event<_>| {});
        factory.start();
        let phase = pods
            .wait_for_status(|status| matches!(status.phase, Phase::Retrying { .. }).then_some(status.phase));
        assert!(matches!(phase.await, Phase::Retrying { stale: false, .. }));
        factory.shutdown();
        assert!(factory.wait_for_cache_sync().await.unwrap_err().is_canceled());
        assert!(registration.wait_for_sync().await.unwrap_err().is_canceled());
    });
    assert!(!scripted.asked().is_empty());
}

#[test]
fn events_come_as_a_stream_too() {
    let answer = stream().chunk(&event("ADDED", &pod("a", 5, "x"))).chunk(&end_of_initial(9)).hangs();
    run(&Scripted::new([answer]), async |factory| {
        let pods = factory.informer::<Pod>();
        let mut events = pods.events(HandlerOptions::default());
        factory.start();
        let first = events.next().await.unwrap();
        assert_eq!(format!("{first:?}"), "Added(n/a@5, initial)");
        assert!(
            !events.registration().has_synced(),
            "the event is not processed until the next is asked for"
        );
        let late: Vec<_> = pods.events(HandlerOptions::default()).take(1).collect().await;
        assert_eq!(late.len(), 1);
        factory.shutdown();
        assert!(events.next().await.is_none());
        assert!(events.registration().has_synced());
    });
}
