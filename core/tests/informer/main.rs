//! Shared informers on a scripted transport, in virtual time.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

mod sharing;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use k8s_openapi::api::core::v1::Pod;
use portolan::cache::{Delivery, Event, HandlerOptions, Notice, Phase, ReflectorOptions, index_by_value};
use portolan::client::Client;
use portolan::config::Config;
use portolan::informer::{FactoryOptions, SharedInformerFactory};
use portolan::meta::{ApiResource, Encoded, Format, Key, Object, Resource};
use portolan::object::{Lazy, Unstructured};
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
    run_with(scripted, FactoryOptions::default(), test)
}

fn run_with<T>(
    scripted: &Scripted,
    options: FactoryOptions,
    test: impl AsyncFnOnce(SharedInformerFactory) -> T,
) -> T {
    let simulator = Simulator::new(7);
    let config = Config::new("http://server").unwrap();
    let client = Client::new(Arc::new(scripted.clone()), config, simulator.runtime(7));
    let factory = SharedInformerFactory::new(&client, options);
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

/// A pod whose brackets and strings are whole, with a number that JSON does not have.
fn broken_within() -> String {
    pod("a", 5, "x").replace(r#""x"}"#, r#""x","priority":01}"#)
}

#[test]
fn what_arrives_is_validated() {
    let broken = broken_within();
    let list = format!(
        r#"{{"kind":"PodList","apiVersion":"v1","metadata":{{"resourceVersion":"9"}},"items":[{broken}]}}"#
    );
    let answers = [stream().chunk(&event("ADDED", &broken)).hangs(), Answer::json(200, &list)];
    run(&Scripted::new(answers), async |factory| {
        let pods = factory.informer::<Pod>();
        factory.start();
        let error = pods.wait_for_status(|status| status.last_error.clone()).await;
        assert!(error.contains("malformed JSON at offset"), "{error}");
        assert!(pods.lister().is_empty());
    });
}

#[test]
fn a_trusted_server_is_checked_when_an_object_is_decoded() {
    let reflector = ReflectorOptions { trusting: true, ..ReflectorOptions::default() };
    let options = FactoryOptions { reflector, ..FactoryOptions::default() };
    let answer = stream().chunk(&event("ADDED", &broken_within())).chunk(&end_of_initial(9)).hangs();
    run_with(&Scripted::new([answer]), options, async |factory| {
        let pods = factory.informer::<Pod>();
        factory.start();
        factory.wait_for_cache_sync().await.unwrap();
        let pod = pods.lister().get(&Key::new("n", "a")).unwrap();
        assert_eq!(pod.text("spec.nodeName").as_deref(), Some("x"));
        assert!(pod.decode().unwrap_err().to_string().contains("not a Pod"));
    });
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
fn each_of_many_errors_in_one_read_is_told_and_the_sync_before_them_too() {
    let secret = event("ADDED", &pod("s", 10, "x").replace("\"Pod\"", "\"Secret\""));
    let chunk = [end_of_initial(9), secret.repeat(200), event("ADDED", &pod("b", 11, "x"))].concat();
    let told = Log::default();
    let log = told.clone();
    let observer = move |_: &ApiResource, notice: &Notice| {
        let name = match notice {
            Notice::Synced { .. } => "synced",
            Notice::Failed { .. } => "failed",
            _ => "else",
        };
        log.lock().unwrap().push(name.to_owned());
    };
    run(&Scripted::new([stream().chunk(&chunk).hangs()]), async |factory| {
        let factory = factory.with(|options| options.observer = Some(Arc::new(observer)));
        let pods = factory.informer::<Pod>();
        factory.start();
        pods.wait_for_status(|status| (status.objects == 1).then_some(())).await;
    });
    let told = told.lock().unwrap();
    let count = |wanted: &str| told.iter().filter(|name| *name == wanted).count();
    assert_eq!((count("synced"), count("failed")), (1, 200));
}

fn read(text: &str) -> Lazy<Pod> {
    let resource = Pod::api_resource();
    let bytes = text.as_bytes();
    <Lazy<Pod> as Object>::read(Encoded {
        drop_managed_fields: true,
        ..Encoded::new(Format::Json, bytes, &resource)
    })
    .unwrap()
}

#[test]
fn an_event_about_another_kind_is_left_out_and_told_to_the_observer() {
    let secret = pod("s", 10, "x").replace("\"Pod\"", "\"Secret\"");
    let answer = stream()
        .chunk(&event("ADDED", &pod("a", 5, "x")))
        .chunk(&end_of_initial(9))
        .chunk(&event("ADDED", &secret))
        .chunk(&event("ADDED", &pod("b", 11, "x")))
        .hangs();
    let told = Arc::new(Mutex::new(Vec::new()));
    let telling = told.clone();
    let observer = move |resource: &ApiResource, notice: &Notice| {
        telling.lock().unwrap().push(format!("{resource}: {notice:?}"));
    };
    run(&Scripted::new([answer]), async |factory| {
        let factory = factory.with(|options| options.observer = Some(Arc::new(observer)));
        let pods = factory.informer::<Pod>();
        factory.start();
        pods.wait_for_status(|status| (status.objects == 2).then_some(())).await;
        assert_eq!(pods.status().counters.skipped, 1);
        assert_eq!(pods.status().counters.relists, 0);
    });
    let told = told.lock().unwrap().join("\n");
    assert!(told.contains("pods: Asked { request: WatchList"), "{told}");
    assert!(told.contains("left out an event about a Secret of v1 in a watch of pods"), "{told}");
}

#[test]
fn a_relist_reads_only_what_the_store_does_not_have() {
    let list = |version: u32, items: &[String]| {
        let items = items.join(",");
        let metadata = format!(r#"{{"resourceVersion":"{version}"}}"#);
        Answer::json(
            200,
            &format!(r#"{{"kind":"PodList","apiVersion":"v1","metadata":{metadata},"items":[{items}]}}"#),
        )
    };
    let gone = event(
        "ERROR",
        r#"{"kind":"Status","apiVersion":"v1","code":410,"reason":"Expired","message":"old"}"#,
    );
    let (same, changed) = (pod("same", 5, "x"), pod("changed", 6, "x"));
    let answers = [
        list(10, &[same.clone(), changed]),
        stream().chunk(&gone),
        list(20, &[same, pod("changed", 16, "x"), pod("new", 17, "x")]),
        stream().hangs(),
    ];
    let reads = Arc::new(Mutex::new(Vec::new()));
    let seen = reads.clone();
    run(&Scripted::new(answers), async |factory| {
        let factory = factory.with(|options| options.reflector.watch_list = false);
        let pods = factory.informer::<Pod>();
        pods.set_transform(move |pod: Lazy<Pod>| {
            seen.lock().unwrap().push(pod.meta().name.to_owned());
            pod
        })
        .unwrap();
        factory.start();
        assert!(pods.set_transform(|pod: Lazy<Pod>| pod).is_err(), "too late, and the second");
        factory.wait_for_cache_sync().await.unwrap();
        let first = pods.lister().get(&Key::new("n", "same")).unwrap();
        pods.wait_for_status(|status| (status.objects == 3).then_some(())).await;
        assert!(Arc::ptr_eq(&first, &pods.lister().get(&Key::new("n", "same")).unwrap()));
    });
    assert_eq!(*reads.lock().unwrap(), ["same", "changed", "changed", "new"]);
}

#[test]
fn a_watch_list_that_a_list_contradicts_is_told() {
    let answers = [
        stream().chunk(&event("ADDED", &pod("a", 5, "x"))).chunk(&end_of_initial(9)).hangs(),
        Answer::json(
            200,
            r#"{"kind":"PodList","apiVersion":"v1","metadata":{"resourceVersion":"9"},"items":[]}"#,
        ),
    ];
    let scripted = Scripted::new(answers);
    run(&scripted, async |factory| {
        let factory = factory.with(|options| options.reflector.check_consistency = true);
        let pods = factory.informer::<Pod>();
        factory.start();
        let error = pods.wait_for_status(|status| status.last_error.clone()).await;
        assert_eq!(error, "n/a: the watch-list gave 5, a list gives nothing");
        assert_eq!(pods.lister().len(), 1, "it is told, not decided");
    });
    let query = scripted.asked()[1].uri.query().unwrap().to_owned();
    assert!(query.contains("resourceVersion=9") && query.contains("resourceVersionMatch=Exact"), "{query}");
}

/// A ConfigMap-like object whose `spec` holds so many arrays within one another.
fn nested(name: &str, depth: usize) -> String {
    let (open, close) = ("[".repeat(depth), "]".repeat(depth));
    pod(name, 4, "node-1").replace("\"node-1\"", &format!("\"node-1\",\"deep\":{open}{close}"))
}

#[test]
fn one_object_too_deep_for_its_type_keeps_no_other_away_and_is_told() {
    let gone = event("DELETED", &nested("b", 600));
    let answer = || {
        stream()
            .chunk(&event("ADDED", &pod("a", 3, "node-1")))
            .chunk(&event("ADDED", &nested("deep", 600)))
            .chunk(&event("ADDED", &pod("b", 3, "node-2")))
            .chunk(&end_of_initial(9))
            .chunk(&event("MODIFIED", &nested("a", 600)))
            .chunk(&gone)
            .chunk(&event("ADDED", &pod("c", 12, "node-1")))
            .hangs()
    };
    let told = Log::default();
    let log = told.clone();
    let observer = move |_: &ApiResource, notice: &Notice| {
        if let Notice::Failed { text, .. } = notice {
            log.lock().unwrap().push(text.clone());
        }
    };
    run(&Scripted::new([answer()]), async |factory| {
        let factory = factory.with(|options| options.observer = Some(Arc::new(observer)));
        let pods = factory.resource::<Unstructured>(&Pod::api_resource());
        factory.start();
        pods.wait_for_status(|status| (status.counters.events >= 4).then_some(())).await;
        let mut names: Vec<String> =
            pods.lister().list().iter().map(|pod| pod.meta().name.to_owned()).collect();
        names.sort();
        assert_eq!(
            names,
            ["a", "c"],
            "what is held of the first stays, and a deletion needs no more than a name"
        );
        assert_eq!(pods.status().counters.skipped, 3);
        assert_eq!(pods.status().counters.relists, 0);
    });
    let told = told.lock().unwrap();
    assert!(told.len() == 3 && told[0].contains("n/deep") && told[0].contains("too deep"), "{told:?}");
    run(&Scripted::new([answer()]), async |factory| {
        let pods = factory.informer::<Pod>();
        factory.start();
        pods.wait_for_status(|status| (status.resource_version.as_str() == "12").then_some(())).await;
        assert_eq!((pods.lister().len(), pods.status().counters.skipped), (3, 0), "Lazy holds any depth");
    });
}

#[test]
fn watches_that_bring_one_bookmark_and_end_are_not_asked_for_without_a_pause() {
    let bookmark = r#"{"kind":"Pod","apiVersion":"v1","metadata":{"resourceVersion":"10"}}"#;
    let brief = || stream().chunk(&event("BOOKMARK", bookmark));
    let first = stream().chunk(&end_of_initial(9));
    let scripted = Scripted::new([first].into_iter().chain((0..1_000).map(|_| brief())));
    run(&scripted, async |factory| {
        let pods = factory.informer::<Pod>();
        factory.start();
        factory.wait_for_cache_sync().await.unwrap();
        pods.runtime().sleep(Duration::from_secs(300)).await;
        assert_eq!(pods.status().counters.relists, 0);
    });
    let asked = scripted.asked().len();
    assert!((8..30).contains(&asked), "{asked} requests in five minutes");
}

#[test]
fn a_server_that_asks_to_wait_is_told_at_once_and_obeyed_to_the_end() {
    let busy = || Answer::json(429, "{}").header("retry-after", "300");
    let scripted = Scripted::new([busy(), stream().chunk(&end_of_initial(9)).hangs()]);
    run(&scripted, async |factory| {
        let pods = factory.informer::<Pod>();
        factory.start();
        let until = pods.wait_for_status(|status| match status.phase {
            Phase::Retrying { until, .. } => Some(until),
            _ => None,
        });
        let (until, now) = (until.await, pods.runtime().clock.now());
        assert_eq!(until.saturating_duration_since(now), Duration::from_secs(300));
        factory.wait_for_cache_sync().await.unwrap();
        assert!(pods.runtime().clock.now() >= until);
        assert_eq!(pods.status().counters.idle, 0, "a wait that was asked for is no silence");
    });
    assert_eq!(scripted.asked().len(), 2);
}
