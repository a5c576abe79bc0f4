//! Requests and answers against a scripted transport, in virtual time.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

mod answers;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::StreamExt;
use k8s_openapi::api::core::v1::{ConfigMap, Node, Pod};
use portolan::Error;
use portolan::client::Client;
use portolan::config::Config;
use portolan::meta::{
    ApplyOptions, CreateOptions, DeleteOptions, GetOptions, ListOptions, Patch, PatchOptions, Propagation,
    UpdateOptions, WatchOptions,
};
use portolan::policy::Backoff;
use portolan::rest::{Warning, WarningHandler};
use portolan::testing::{Answer, Scripted};
use portolan::time::Simulator;

const POD: &str =
    r#"{"apiVersion":"v1","kind":"Pod","metadata":{"name":"a","namespace":"n","resourceVersion":"7"}}"#;

fn run<T>(scripted: &Scripted, test: impl AsyncFnOnce(Client) -> T) -> T {
    let simulator = Simulator::new(1);
    let config = Config::new("http://server/prefix").unwrap();
    let client = Client::new(Arc::new(scripted.clone()), config, simulator.runtime(1));
    simulator.run(Duration::from_secs(7200), test(client)).expect("the request hangs")
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
    let body = r#"{"kind":"DeleteOptions","apiVersion":"v1","propagationPolicy":"Orphan"}"#.to_owned() + "\n";
    assert_eq!(scripted.asked()[5].body, body);
}

#[test]
fn the_server_is_obeyed_when_it_says_retry_after() {
    let busy = || Answer::json(429, r#"{"kind":"Status","code":429,"reason":"TooManyRequests"}"#);
    for (told, seconds) in [("5", 5), ("0", 0), ("-5", 0), ("99999999", 3600)] {
        let scripted = Scripted::new([busy().header("retry-after", told), Answer::json(200, POD)]);
        run(&scripted, async |client| {
            let started = client.runtime().clock.now();
            client.api::<Pod>("n").get("a", &GetOptions::default()).await.unwrap();
            assert_eq!(client.runtime().clock.now() - started, Duration::from_secs(seconds));
        });
    }
    for no_number in ["", "2147483648", "9999999999999999999", "Wed, 21 Oct 2026 07:28:00 GMT"] {
        let scripted = Scripted::new([busy().header("retry-after", no_number)]);
        let error = run(&scripted, async |client| {
            client.api::<Pod>("n").get("a", &GetOptions::default()).await.unwrap_err()
        });
        assert!(error.is_too_many_requests() && scripted.asked().len() == 1, "{no_number}");
    }
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
    let (object, list) =
        (r#"{"kind":"ConfigMap","data":{"password":"hunter2"#, r#"[{"password":"hunter2"}]"#);
    let relabelled = |body| Answer::new(200).header("content-type", "text/plain").chunk(body);
    let scripted = Scripted::new([Answer::json(200, object), relabelled(object), relabelled(list)]);
    run(&scripted, async |client| {
        let maps = client.api::<ConfigMap>("n");
        let cut = maps.get("a", &GetOptions::default()).await.unwrap_err();
        let one = maps.get("a", &GetOptions::default()).await.unwrap_err();
        let all = maps.list(&ListOptions::default()).await.unwrap_err();
        for error in [cut, one, all] {
            assert!(error.is_decode() && !format!("{error} {error:?}").contains("hunter2"), "{error:?}");
        }
    });
}

#[test]
fn a_request_shows_none_of_the_callers_credentials() {
    let scripted = Scripted::new([Answer::new(200)]);
    run(&scripted, async |client| {
        let request = client.rest().get().abs_path("/version").header("x-trace", "seen");
        let request = request.header("Authorization", "Bearer hunter2").header("cookie", "s=hunter2");
        let request = request.header("proxy-authorization", "Basic hunter2");
        let shown = format!("{request:?}");
        assert!(shown.contains("seen") && !shown.contains("hunter2"), "{shown}");
        request.send().await.unwrap();
    });
    assert_eq!(scripted.asked()[0].headers["authorization"], "Bearer hunter2");
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

#[test]
fn the_rate_limit_holds_requests_back_and_watches_never() {
    let scripted = Scripted::new((0..20).map(|_| Answer::json(200, POD)));
    run(&scripted, async |client| {
        let (pods, clock) = (client.api::<Pod>("n"), &client.runtime().clock);
        let started = clock.now();
        for expected in [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 200, 400] {
            pods.get("a", &GetOptions::default()).await.unwrap();
            assert_eq!(clock.now() - started, Duration::from_millis(expected), "10 at once, then 5 a second");
        }
        pods.watch(&WatchOptions::default()).await.unwrap();
        let free = client.rest().with_rate_limit(None);
        free.get().abs_path("/version").send().await.unwrap();
        client.rest().get().abs_path("/version").throttle(None).send().await.unwrap();
        assert_eq!(clock.now() - started, Duration::from_millis(400));
        // Whoever is held back has not been sent, and gives its place back when it gives up.
        let limiter = client.rest().rate_limiter().unwrap();
        let waiting = futures::future::select(
            Box::pin(limiter.wait(client.runtime())),
            client.runtime().sleep(Duration::from_millis(100)),
        );
        drop(waiting.await);
        client.rest().get().abs_path("/version").timeout(Duration::from_millis(1)).send().await.unwrap();
        assert_eq!(clock.now() - started, Duration::from_millis(600));
    });
}

#[test]
fn an_overloaded_server_is_given_time_where_that_is_asked_for() {
    let scripted =
        Scripted::new([Answer::new(500), Answer::new(503), Answer::json(200, POD), Answer::json(200, POD)]);
    let simulator = Simulator::new(1);
    let backoff = Backoff {
        initial: Duration::from_secs(1),
        max: Duration::from_secs(60),
        factor: 2.0,
        jitter: 0.0,
        reset_after: Duration::from_secs(120),
    };
    let config = Config { backoff: Some(backoff), ..Config::default() };
    let client = Client::new(Arc::new(scripted), config, simulator.runtime(1));
    let test = async {
        let (pods, clock) = (client.api::<Pod>("n"), &client.runtime().clock);
        for (expected, succeeds) in [(0, false), (1, false), (3, true), (3, true)] {
            assert_eq!(pods.get("a", &GetOptions::default()).await.is_ok(), succeeds);
            assert_eq!(clock.now().since_origin(), Duration::from_secs(expected));
        }
    };
    simulator.run(Duration::from_secs(60), test).expect("it hangs");
}

#[derive(Debug, Default)]
struct Heard(Mutex<Vec<String>>);

impl WarningHandler for Heard {
    fn handle_warning(&self, warning: &Warning) {
        self.0.lock().unwrap().push(warning.text.clone());
    }
}

#[test]
fn the_servers_warnings_reach_their_handler() {
    let warned =
        |status, text: &str| Answer::json(status, POD).header("warning", &format!("299 - \"{text}\""));
    let busy = warned(429, "of a refusal that is tried again").header("retry-after", "1");
    let scripted =
        Scripted::new([warned(200, "a"), busy, warned(404, "b"), warned(200, "c"), warned(200, "d")]);
    run(&scripted, async |client| {
        let (all, one) = (Arc::new(Heard::default()), Arc::new(Heard::default()));
        let client = client.with_warning_handler(all.clone());
        let pods = client.api::<Pod>("n");
        pods.get("a", &GetOptions::default()).await.unwrap();
        pods.get("a", &GetOptions::default()).await.unwrap_err();
        pods.watch(&WatchOptions::default()).await.unwrap();
        let rest = client.rest_client_for("apps/v1".parse().unwrap());
        let answer = rest.get().warning_handler(one.clone()).send().await.unwrap();
        assert_eq!(answer.warnings()[0].text, "d");
        assert_eq!(*all.0.lock().unwrap(), ["a", "b", "c"]);
        assert_eq!(*one.0.lock().unwrap(), ["d"]);
    });
    assert_eq!(scripted.asked()[4].uri.path(), "/prefix/apis/apps/v1");
}

#[test]
fn a_redirect_is_not_followed_and_shows_no_more_than_where_it_leads() {
    let login = Answer::new(302).header("location", "https://login.example.com/sso?token=s3cr3t");
    let scripted = Scripted::new([login, Answer::new(301).header("location", "/api/v1/")]);
    run(&scripted, async |client| {
        let pods = client.api::<Pod>("n");
        let error = pods.get("a", &GetOptions::default()).await.unwrap_err().to_string();
        assert!(error.contains("https://login.example.com") && error.contains("not followed"), "{error}");
        assert!(!error.contains("s3cr3t"), "{error}");
        let error = pods.get("a", &GetOptions::default()).await.unwrap_err().to_string();
        assert!(error.contains("another path of the same server"), "{error}");
    });
    assert_eq!(scripted.asked().len(), 2);
}

#[test]
fn a_refusal_in_the_format_of_objects_shows_none_of_its_bytes() {
    let scripted = Scripted::new([Answer::json(500, r#"{"kind":"Secret","data":{"password":"hunter2"}}"#)]);
    let error = run(&scripted, async |client| {
        client.api::<ConfigMap>("n").get("a", &GetOptions::default()).await.unwrap_err()
    });
    assert!(error.is_internal_error() && error.is_unexpected_server_error());
    assert!(!format!("{error} {error:?}").contains("hunter2"), "{error:?}");
    assert!(error.to_string().contains("47 bytes"), "{error}");
}

#[test]
fn an_answer_without_an_object_is_no_object() {
    let failed = r#"{"kind":"Status","apiVersion":"v1","status":"Failure","code":410,"reason":"Expired"}"#;
    let scripted = Scripted::new([Answer::new(200), Answer::json(200, failed), Answer::json(200, failed)]);
    run(&scripted, async |client| {
        let error = client.rest().get().abs_path("/version").into::<Pod>().await.unwrap_err();
        assert!(error.is_decode() && error.to_string().contains("no body"), "{error}");
        assert!(
            client.rest().get().abs_path("/x").into::<serde_json::Value>().await.unwrap_err().is_expired()
        );
        let pods = client.dynamic().resource(portolan::meta::GroupVersionResource::new("", "v1", "pods"));
        assert!(pods.get("a", &GetOptions::default()).await.unwrap_err().is_expired());
    });
}

#[test]
fn the_time_limit_ends_a_request_and_the_server_is_told() {
    let scripted = Scripted::new((0..4).map(|_| Answer::json(200, r#"{"kind":"PodList","#).hangs()));
    run(&scripted, async |client| {
        let request = || client.rest().get().abs_path("/version").timeout(Duration::from_millis(1500));
        let error = request().send().await.unwrap_err();
        assert!(error.is_timeout(), "{error}");
        let mut body = request().stream().await.unwrap();
        assert!(body.chunk().await.is_some(), "a body that is read as it comes has no limit");
        let config = Config { timeout: Some(Duration::from_secs(3)), ..client.config().clone() };
        let client = Client::new(Arc::new(scripted.clone()), config, client.runtime().clone());
        let error = client.all::<Pod>().list(&ListOptions::default()).await.unwrap_err();
        assert!(error.is_timeout(), "a list is read to its end within the limit: {error}");
        let mut body = client.all::<Pod>().list_body(&ListOptions::default()).await.unwrap();
        assert!(body.fill().await.unwrap(), "but not one that is taken item by item");
    });
    assert_eq!(scripted.asked()[0].uri.query(), Some("timeout=1.5s"));
}

#[test]
fn the_attempt_before_the_last_is_told() {
    let broken = |what: &'static str| {
        Answer::failure(Error::transport(portolan::TransportErrorKind::Interrupted, what))
    };
    let scripted = Scripted::new([
        broken("reset"),
        Answer::failure(Error::transport(portolan::TransportErrorKind::Connect, "refused")),
    ]);
    let error = run(&scripted, async |client| {
        client.api::<Pod>("n").get("a", &GetOptions::default()).await.unwrap_err()
    });
    assert_eq!(error.to_string(), "get pods n/a: refused; an attempt before it failed so: reset");
    let scripted = Scripted::new([broken("reset"), broken("reset")]);
    let error = run(&scripted, async |client| {
        client.rest().get().abs_path("/x").max_retries(1).send().await.unwrap_err()
    });
    assert_eq!(error.to_string(), "get /x: reset", "what failed alike is said once");
}

#[test]
fn what_a_server_turned_away_unseen_is_sent_again_whatever_it_asks() {
    let away = || Answer::failure(Error::transport(portolan::TransportErrorKind::TurnedAway, "it goes away"));
    let scripted = Scripted::new([away(), away(), Answer::json(201, POD)]);
    run(&scripted, async |client| {
        let started = client.runtime().clock.now();
        client.api::<Pod>("n").create(&Pod::default(), &CreateOptions::default()).await.unwrap();
        assert_eq!(client.runtime().clock.now() - started, Duration::from_secs(2));
    });
    assert_eq!(scripted.asked().len(), 3);
    let scripted = Scripted::new([away(), away(), away()]);
    run(&scripted, async |client| {
        let write = || client.rest().post().abs_path("/x");
        assert!(write().max_retries(0).send().await.is_err());
        assert!(write().max_retries(1).send().await.is_err());
    });
    assert_eq!(scripted.asked().len(), 3);
}

#[test]
fn an_answer_that_cannot_be_read_says_what_was_asked() {
    let scripted = Scripted::new((0..2).map(|_| Answer::json(200, "[]")).chain([Answer::new(200)]));
    run(&scripted, async |client| {
        let pods = client.api::<Pod>("n");
        let asked = |error: Error| error.to_string();
        let error = asked(pods.get("a", &GetOptions::default()).await.unwrap_err());
        assert!(error.starts_with("get pods n/a: "), "{error}");
        let patch = Patch::Merge(serde_json::json!({}));
        let error = asked(pods.patch("a", &patch, &PatchOptions::default()).await.unwrap_err());
        assert!(error.starts_with("patch pods n/a: "), "{error}");
        let error = asked(pods.get("a", &GetOptions::default()).await.unwrap_err());
        assert!(error.starts_with("get pods n/a: the answer 200"), "{error}");
    });
}

#[test]
fn a_resource_that_is_not_there_is_told_from_an_object_that_is_not() {
    let unknown = Answer::new(404).header("content-type", "text/plain").chunk("404 page not found\n");
    let error = run(&Scripted::new([unknown]), async |client| {
        client.api::<Pod>("n").get("a", &GetOptions::default()).await.unwrap_err()
    });
    assert!(error.is_not_found() && error.is_unexpected_server_error());
    let text = error.to_string();
    assert!(text.starts_with("get pods n/a: the server could not find the requested resource"), "{text}");
    assert!(text.contains("404 page not found") && text.contains("plural and scope right?"), "{text}");
}

#[test]
fn an_error_names_the_namespace_where_no_object_is_named() {
    let refused = || Answer::json(403, r#"{"kind":"Status","code":403,"reason":"Forbidden","message":"no"}"#);
    run(&Scripted::new([refused(), refused(), refused()]), async |client| {
        let pods = client.api::<Pod>("n");
        let error = pods.list(&ListOptions::default()).await.unwrap_err();
        assert_eq!(error.to_string(), "list pods in n: no");
        let error = pods.create(&Pod::default(), &CreateOptions::default()).await.unwrap_err();
        assert_eq!(error.to_string(), "create pods in n: no");
        let error = client.all::<Pod>().list(&ListOptions::default()).await.unwrap_err();
        assert_eq!(error.to_string(), "list pods: no");
    });
}

#[test]
fn a_request_that_cannot_be_sent_has_no_uri() {
    let scripted = Scripted::new([]);
    run(&scripted, async |client| {
        let pod = |namespace: &str| client.rest().get().namespace(namespace).resource("pods").name("a");
        assert!(pod("n").uri().is_ok());
        for request in [pod("n").name("b"), pod("n").header("no header", ""), pod("")] {
            let told = request.uri().unwrap_err();
            assert_eq!(*told.kind(), portolan::ErrorKind::Config, "{told}");
            let refused = request.send().await.unwrap_err().to_string();
            assert!(refused.ends_with(&told.to_string()), "{told}: {refused}");
        }
    });
    assert!(scripted.asked().is_empty());
}

#[test]
fn a_status_in_place_of_an_event_is_the_servers_error() {
    let failed = r#"{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":"too old","reason":"Expired","code":410}"#;
    run(&Scripted::new([Answer::json(200, failed)]), async |client| {
        let mut watch = client.api::<Pod>("n").watch(&WatchOptions::default()).await.unwrap();
        let error = watch.next().await.unwrap().unwrap_err();
        assert!(error.is_expired() && error.to_string() == "watch pods in n: too old", "{error}");
        assert!(watch.next().await.is_none());
    });
}

/// Names come from users and from other objects, and errors go into logs.
#[test]
fn an_error_is_one_line_whatever_was_asked_for() {
    run(&Scripted::new([Answer::json(404, "{}"), Answer::json(404, "{}")]), async |client| {
        let pods = client.api::<Pod>("n");
        let error = pods.get("a\nb\u{202e}c", &GetOptions::default()).await.unwrap_err().to_string();
        assert!(error.starts_with(r"get pods n/a\nb\u{202e}c: "), "{error}");
        let error =
            pods.apply("a", &serde_json::json!({}), &ApplyOptions::default()).await.unwrap_err().to_string();
        assert!(error.starts_with("apply pods n/a: "), "{error}");
    });
}

#[test]
fn an_error_event_without_a_status_is_no_answer_of_the_servers() {
    for object in ["{}", r#"{"kind":"Pod","metadata":{"name":"a"}}"#] {
        let event = format!(r#"{{"type":"ERROR","object":{object}}}"#);
        run(&Scripted::new([Answer::json(200, &event)]), async |client| {
            let mut watch = client.all::<Pod>().watch(&WatchOptions::default()).await.unwrap();
            let error = watch.next().await.unwrap().unwrap_err();
            assert!(error.is_decode() && error.to_string().contains("without a Status"), "{error}");
        });
    }
}

/// Field 2 of a Status in protobuf, where a list has its items, is a text.
#[cfg(feature = "protobuf")]
#[test]
fn a_status_in_protobuf_is_no_list_of_one_item() {
    let told = portolan::status::failure(410, "Expired", "too old");
    let body = portolan::codec::protobuf::encode(&told, "v1", "Status").unwrap();
    for cut in 0..body.len() {
        let (head, tail) = body.split_at(cut);
        let answer = Answer::new(200).header("content-type", "application/vnd.kubernetes.protobuf");
        run(&Scripted::new([answer.bytes(head).bytes(tail)]), async |client| {
            let error = client.all::<Pod>().list(&ListOptions::default()).await.unwrap_err();
            assert!(error.is_expired() && error.to_string().ends_with(": too old"), "{cut}: {error}");
        });
    }
}

/// What was refused is told from the whole media type, as what was answered is.
#[cfg(feature = "cbor")]
#[test]
fn cbor_is_given_up_where_cbor_was_refused() {
    use portolan::config::ContentType;
    use portolan::transport::Body;

    for (sent, accepted) in [
        ("application/cbor-seq", "application/cbor,application/json;q=0.9"),
        ("Application/CBOR; q=1", "application/json"),
    ] {
        let scripted = Scripted::new([Answer::new(415), Answer::json(200, POD)]);
        run(&scripted, async |client| {
            let pods = client.api::<Pod>("n").with_content_type(ContentType::Cbor);
            let body = Body::from(vec![0xa0]);
            let request = client.rest().post().resource("pods").body(body, sent.parse().unwrap());
            assert_eq!(request.send().await.unwrap_err().code(), Some(415));
            pods.get("a", &GetOptions::default()).await.unwrap();
        });
        assert_eq!(scripted.asked()[1].headers["accept"], accepted, "{sent}");
    }
}
