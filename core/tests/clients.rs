//! The dynamic, metadata and scale client, tables, pages and retries against a scripted transport, in virtual time.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

use std::cell::Cell;
use std::sync::Arc;
use std::time::Duration;

use futures::{StreamExt, TryStreamExt};
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::Pod;
use portolan::Error;
use portolan::client::{
    Client, DEFAULT_BACKOFF, DEFAULT_RETRY, IncludeObject, ListPager, TableOptions, on_error,
    retry_on_conflict,
};
use portolan::config::Config;
use portolan::meta::{
    ApplyOptions, DeleteOptions, GetOptions, GroupVersionResource, ListOptions, Object, Patch, PatchOptions,
    UpdateOptions, WatchOptions,
};
use portolan::object::Unstructured;
use portolan::rest::WatchEvent;
use portolan::status::{failure, reason};
use portolan::testing::{Answer, Scripted};
use portolan::time::Simulator;
use serde_json::json;

fn run<T>(scripted: &Scripted, test: impl AsyncFnOnce(Client) -> T) -> T {
    let simulator = Simulator::new(1);
    let config = Config::new("http://server").unwrap();
    let client = Client::new(Arc::new(scripted.clone()), config, simulator.runtime(1));
    simulator.run(Duration::from_secs(3600), test(client)).expect("the request hangs")
}

fn asked(scripted: &Scripted) -> Vec<String> {
    let line = |asked: &portolan::testing::Asked| {
        format!("{} {}", asked.method, asked.uri.path_and_query().unwrap())
    };
    scripted.asked().iter().map(line).collect()
}

fn deployments() -> GroupVersionResource {
    GroupVersionResource::new("apps", "v1", "deployments")
}

#[test]
fn a_resource_known_by_name_alone_gets_the_kind_the_server_names() {
    let builtin = r#"{"kind":"PodList","apiVersion":"v1","metadata":{"resourceVersion":"9"},"items":[{"metadata":{"name":"a"}},{"metadata":{"name":"b"}}]}"#;
    let custom = r#"{"apiVersion":"e.com/v1","items":[{"apiVersion":"e.com/v1","kind":"Widget","metadata":{"name":"w"}}],"kind":"WidgetList","metadata":{}}"#;
    let scripted = Scripted::new([Answer::json(200, builtin), Answer::json(200, custom)]);
    run(&scripted, async |client| {
        let pods = client.dynamic().resource(GroupVersionResource::new("", "v1", "pods"));
        let list = pods.in_namespace("n").list(&ListOptions::default()).await.unwrap();
        assert!(list.items.iter().all(|pod| (pod.api_version(), pod.kind()) == ("v1", "Pod")));
        let pod: Pod = list.items[1].to_typed().unwrap();
        assert_eq!(Unstructured::from_typed(&pod).unwrap().kind(), "Pod");
        let widgets = client.dynamic().resource(GroupVersionResource::new("e.com", "v1", "widgets"));
        let list = widgets.list(&ListOptions::default()).await.unwrap();
        assert_eq!(list.items[0].kind(), "Widget");
    });
    assert_eq!(asked(&scripted), ["GET /api/v1/namespaces/n/pods", "GET /apis/e.com/v1/widgets"]);
}

#[test]
fn subresources_take_the_verbs_of_objects_and_no_others() {
    let scale = r#"{"kind":"Scale","apiVersion":"autoscaling/v1","metadata":{"name":"web","namespace":"n"},"spec":{"replicas":3}}"#;
    let scripted = Scripted::new((0..4).map(|_| Answer::json(200, scale)));
    run(&scripted, async |client| {
        let scales = client.scale().scales("n");
        let mut scale = scales.get(deployments(), "web", &GetOptions::default()).await.unwrap();
        scale.spec.as_mut().unwrap().replicas = Some(5);
        scales.update(deployments(), &scale, &UpdateOptions::default()).await.unwrap();
        let patch = Patch::Merge(json!({"spec": {"replicas": 7}}));
        scales.patch(deployments(), "web", &patch, &PatchOptions::default()).await.unwrap();
        let anything = client.dynamic().resource(deployments()).in_namespace("n").subresource("scale");
        let scale: Unstructured = anything.get("web", &GetOptions::default()).await.unwrap();
        assert_eq!(scale.kind(), "Scale");
        assert!(anything.list(&ListOptions::default()).await.is_err());
        assert!(anything.watch(&WatchOptions::default()).await.is_err());
    });
    let path = "/apis/apps/v1/namespaces/n/deployments/web/scale";
    assert_eq!(asked(&scripted), ["GET", "PUT", "PATCH", "GET"].map(|verb| format!("{verb} {path}")));
    let put: serde_json::Value = serde_json::from_slice(&scripted.asked()[1].body).unwrap();
    assert_eq!((&put["kind"], &put["spec"]["replicas"]), (&json!("Scale"), &json!(5)));
}

#[test]
fn metadata_are_asked_for_alone() {
    let partial =
        r#"{"kind":"PartialObjectMetadata","apiVersion":"meta.k8s.io/v1","metadata":{"name":"web"}}"#;
    let list = r#"{"kind":"PartialObjectMetadataList","apiVersion":"meta.k8s.io/v1","metadata":{},"items":[{"metadata":{"name":"web"}}]}"#;
    let event = format!("{{\"type\":\"ADDED\",\"object\":{partial}}}\n");
    let scripted = Scripted::new([partial, list, &event].map(|body| Answer::json(200, body)));
    run(&scripted, async |client| {
        let metadata = client.metadata().resource(deployments()).in_namespace("n");
        assert_eq!(metadata.get("web", &GetOptions::default()).await.unwrap().meta().name, "web");
        assert_eq!(metadata.list(&ListOptions::default()).await.unwrap().items[0].meta().name, "web");
        let mut watch = metadata.watch(&WatchOptions::default()).await.unwrap();
        assert!(matches!(watch.next().await, Some(Ok(WatchEvent::Added(_)))));
    });
    let accepted = |form: &str| format!("application/json;as={form};g=meta.k8s.io;v=v1,application/json");
    let given: Vec<String> =
        scripted.asked().iter().map(|asked| asked.headers["accept"].to_str().unwrap().to_owned()).collect();
    assert_eq!(given, ["", "List", ""].map(|end| accepted(&format!("PartialObjectMetadata{end}"))));
}

#[test]
fn a_subresource_is_asked_for_whole() {
    let scale =
        r#"{"kind":"Scale","apiVersion":"autoscaling/v1","metadata":{"name":"web"},"spec":{"replicas":3}}"#;
    let scripted = Scripted::new([Answer::json(200, scale)]);
    run(&scripted, async |client| {
        let deployments = client.api::<Deployment>("n").metadata_only();
        let scale = deployments.get_scale("web", &GetOptions::default()).await.unwrap();
        assert_eq!(scale.spec.unwrap().replicas, Some(3));
    });
    assert_eq!(scripted.asked()[0].headers["accept"], "application/json");
}

#[test]
fn tables_have_columns_and_rows_and_a_server_without_them_is_told() {
    let table = r#"{"kind":"Table","apiVersion":"meta.k8s.io/v1","metadata":{"resourceVersion":"9"},
        "columnDefinitions":[{"name":"Name","type":"string","format":"name","description":"d","priority":0}],
        "rows":[{"cells":["web"],"object":{"kind":"PartialObjectMetadata","metadata":{"name":"web"}}}]}"#;
    let empty = r#"{"kind":"Table","apiVersion":"meta.k8s.io/v1","metadata":{},"columnDefinitions":null,"rows":null}"#;
    let event = format!("{{\"type\":\"MODIFIED\",\"object\":{table}}}\n");
    let pods = r#"{"kind":"PodList","apiVersion":"v1","metadata":{},"items":[]}"#;
    let scripted = Scripted::new([table, empty, &event, pods].map(|body| Answer::json(200, body)));
    run(&scripted, async |client| {
        let pods = client.api::<Pod>("n");
        let whole = TableOptions { include_object: IncludeObject::Object };
        let table = pods.list_table(&ListOptions::default(), &whole).await.unwrap();
        assert_eq!(
            (table.column_definitions[0].name.as_str(), &table.rows[0].cells[0]),
            ("Name", &json!("web"))
        );
        assert_eq!(table.rows[0].object.as_ref().unwrap().meta().name, "web");
        let none = TableOptions { include_object: IncludeObject::None };
        let table = pods.get_table("web", &GetOptions::default(), &none).await.unwrap();
        assert!(table.rows.is_empty() && table.column_definitions.is_empty());
        let mut watch = pods.watch_table(&WatchOptions::default(), &none).await.unwrap();
        assert!(matches!(watch.next().await, Some(Ok(WatchEvent::Modified(table))) if table.rows.len() == 1));
        let error = pods.list_table(&ListOptions::default(), &none).await.unwrap_err();
        assert!(error.is_unsupported() && error.to_string().contains("PodList"), "{error}");
    });
    let path = "GET /api/v1/namespaces/n/pods";
    assert_eq!(
        asked(&scripted),
        [
            format!("{path}?includeObject=Object"),
            format!("{path}/web?includeObject=None"),
            format!("{path}?includeObject=None&watch=true"),
            format!("{path}?includeObject=None"),
        ]
    );
    let accepted = &scripted.asked()[0].headers["accept"];
    assert_eq!(accepted, "application/json;as=Table;g=meta.k8s.io;v=v1,application/json");
}

#[test]
fn apply_sends_what_it_was_given_and_refuses_managed_fields() {
    let scripted = Scripted::new(
        (0..2).map(|_| Answer::json(200, r#"{"kind":"Deployment","metadata":{"name":"web"}}"#)),
    );
    run(&scripted, async |client| {
        let api = client.api::<Deployment>("n");
        let options = ApplyOptions { field_manager: "me".into(), force: true, dry_run: false };
        let web = json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"}});
        api.apply("web", &web, &options).await.unwrap();
        let mut web: Deployment = serde_json::from_value(web).unwrap();
        api.apply_status("web", &web, &options).await.unwrap();
        web.metadata.managed_fields = Some(Vec::new());
        let error = api.apply("web", &web, &options).await.unwrap_err();
        assert!(error.to_string().contains("managed fields"), "{error}");
    });
    let path = "PATCH /apis/apps/v1/namespaces/n/deployments/web";
    let query = "?fieldManager=me&force=true";
    assert_eq!(asked(&scripted), [format!("{path}{query}"), format!("{path}/status{query}")]);
    let first = &scripted.asked()[0];
    assert_eq!(first.headers["content-type"], "application/apply-patch+yaml");
    assert_eq!(first.body, r#"{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"web"}}"#);
}

fn page(names: &[&str], version: &str, next: &str) -> Answer {
    let items: Vec<_> = names.iter().map(|name| json!({"metadata": {"name": name}})).collect();
    let metadata = json!({"resourceVersion": version, "continue": next});
    let list = json!({"kind": "PodList", "apiVersion": "v1", "metadata": metadata, "items": items});
    Answer::json(200, &list.to_string())
}

fn expired() -> Answer {
    Answer::json(410, r#"{"kind":"Status","status":"Failure","code":410,"reason":"Expired"}"#)
}

fn names(pods: &[Pod]) -> Vec<&str> {
    pods.iter().filter_map(|pod| pod.metadata.name.as_deref()).collect()
}

#[test]
fn pages_are_gathered_at_the_version_of_the_first() {
    let scripted =
        Scripted::new([page(&["a", "b"], "7", "x"), page(&["c"], "7", "y"), page(&["d"], "7", "")]);
    run(&scripted, async |client| {
        let pager = ListPager { page_size: 2, ..ListPager::new(client.all::<Pod>()) };
        let options = ListOptions { resource_version: "0".into(), ..Default::default() };
        let list = pager.list(&options).await.unwrap();
        assert_eq!(names(&list.items), ["a", "b", "c", "d"]);
        assert_eq!((list.head.resource_version.as_str(), list.head.continue_token.is_end()), ("7", true));
    });
    assert_eq!(
        asked(&scripted),
        [
            "GET /api/v1/pods?limit=2&resourceVersion=0",
            "GET /api/v1/pods?continue=x&limit=2",
            "GET /api/v1/pods?continue=y&limit=2",
        ]
    );
}

#[test]
fn a_list_that_expires_on_a_later_page_is_asked_for_whole() {
    let scripted = Scripted::new([page(&["a"], "7", "x"), expired(), page(&["a", "b"], "9", "")]);
    run(&scripted, async |client| {
        let list = ListPager::new(client.all::<Pod>()).list(&ListOptions::default()).await.unwrap();
        assert_eq!((names(&list.items), list.head.resource_version.as_str()), (vec!["a", "b"], "9"));
    });
    assert_eq!(
        asked(&scripted),
        ["GET /api/v1/pods?limit=500", "GET /api/v1/pods?continue=x&limit=500", "GET /api/v1/pods"]
    );
    let scripted = Scripted::new([expired()]);
    let error = run(&scripted, async |client| {
        ListPager::new(client.all::<Pod>()).list(&ListOptions::default()).await.unwrap_err()
    });
    assert!(error.is_expired() && scripted.asked().len() == 1, "the first page has nothing to fall back to");
    let scripted = Scripted::new([page(&["a"], "7", "x"), expired()]);
    let error = run(&scripted, async |client| {
        let pager = ListPager { full_list_if_expired: false, ..ListPager::new(client.all::<Pod>()) };
        pager.list(&ListOptions::default()).await.unwrap_err()
    });
    assert!(error.is_expired());
}

#[test]
fn a_stream_of_objects_asks_for_a_page_when_it_is_needed() {
    let scripted = Scripted::new([
        page(&["a", "b"], "7", "x"),
        page(&[], "7", "y"),
        page(&["c"], "7", ""),
        page(&["a"], "7", "x"),
        expired(),
    ]);
    run(&scripted, async |client| {
        let pager = ListPager::new(client.all::<Pod>());
        let mut items = Box::pin(pager.items(&ListOptions::default()));
        for expected in ["a", "b", "c"] {
            let pod = items.next().await.unwrap().unwrap();
            assert_eq!(pod.metadata.name.as_deref(), Some(expected));
            assert_eq!(scripted.asked().len(), if expected == "c" { 3 } else { 1 });
        }
        assert!(items.next().await.is_none());
        let error = pager.pages(&ListOptions::default()).try_collect::<Vec<_>>().await.unwrap_err();
        assert!(error.is_expired(), "a stream has given its first page away and cannot begin anew");
    });
}

#[test]
fn a_change_in_conflict_is_tried_again_and_nothing_else_is() {
    let simulator = Simulator::new(1);
    let runtime = simulator.runtime(7);
    let attempt = |error: fn() -> Error, succeeds_at: u32, tries: &Cell<u32>| {
        tries.set(tries.get() + 1);
        if tries.get() == succeeds_at { Ok(tries.get()) } else { Err(error()) }
    };
    let conflict: fn() -> Error = || Error::api(failure(409, reason::CONFLICT, "changed"));
    let missing: fn() -> Error = || Error::api(failure(404, reason::NOT_FOUND, "gone"));
    let test = async {
        let clock = &runtime.clock;
        for (steps, error, succeeds_at, tries, least, most) in [
            (DEFAULT_RETRY, conflict, 1, 1, 0, 0),
            (DEFAULT_RETRY, conflict, 3, 3, 20, 22),
            (DEFAULT_RETRY, conflict, 9, 5, 40, 44),
            (DEFAULT_BACKOFF, conflict, 9, 4, 310, 341),
            (DEFAULT_RETRY, missing, 9, 1, 0, 0),
        ] {
            let (count, started) = (Cell::new(0), clock.now());
            let outcome =
                retry_on_conflict(&runtime, steps, || async { attempt(error, succeeds_at, &count) }).await;
            assert_eq!((outcome.is_ok(), count.get()), (succeeds_at <= tries, tries));
            let waited = clock.now() - started;
            let bounds = Duration::from_millis(least)..=Duration::from_millis(most);
            assert!(bounds.contains(&waited), "{waited:?} is not in {bounds:?}");
        }
        let count = Cell::new(0);
        let outcome =
            on_error(&runtime, DEFAULT_RETRY, Error::is_not_found, || async { attempt(missing, 4, &count) });
        assert_eq!(outcome.await.unwrap(), 4);
    };
    simulator.run(Duration::from_secs(60), test).expect("the retry hangs");
}

#[test]
fn a_task_may_hold_every_call() {
    fn sendable<T: portolan::portable::MaybeSend>(task: T) -> T {
        task
    }
    let scripted = Scripted::new([Answer::json(200, r#"{"kind":"Status","status":"Success"}"#)]);
    run(&scripted, async |client| {
        sendable(async {
            let api = client.dynamic().resource(deployments()).in_namespace("n");
            retry_on_conflict(client.runtime(), DEFAULT_RETRY, || async {
                api.delete("web", &DeleteOptions { dry_run: true, ..Default::default() }).await
            })
            .await
        })
        .await
        .unwrap();
    });
    let body = "{\"kind\":\"DeleteOptions\",\"apiVersion\":\"v1\",\"dryRun\":[\"All\"]}\n";
    assert_eq!(scripted.asked()[0].body, body);
}
