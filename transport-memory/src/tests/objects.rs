//! Create, get, update, patch and delete, as a real server answers them.

use serde_json::{Value, json};

use super::{JSON, World, config_map, names};

const MAPS: &str = "/api/v1/namespaces/default/configmaps";
const PODS: &str = "/api/v1/namespaces/default/pods";
const MERGE: &str = "application/merge-patch+json";
const DEPLOYMENTS: &str = "/apis/apps/v1/namespaces/default/deployments";

fn pod(name: &str) -> Value {
    json!({ "metadata": { "name": name }, "spec": { "containers": [{ "name": "c", "image": "i:1" }] } })
}

#[test]
fn a_created_object_gets_the_server_s_metadata() {
    let world = World::new();
    world.run(async {
        world.sleep(90).await;
        let created = world.post(MAPS, json!({ "metadata": { "name": "a", "uid": "mine", "labels": { "x": "y" } }, "data": { "k": "v" } })).await;
        assert_eq!(created.code, 201);
        let metadata = &created.body["metadata"];
        assert_eq!((&created.body["kind"], &created.body["apiVersion"]), (&json!("ConfigMap"), &json!("v1")));
        assert_eq!(metadata["creationTimestamp"], "2026-01-01T00:01:30Z");
        assert_eq!(metadata["namespace"], "default");
        assert_eq!(metadata["uid"].as_str().unwrap().len(), 36);
        assert_eq!(metadata["resourceVersion"], world.cluster.version().to_string());
        assert_eq!(metadata["generation"], Value::Null);
        let got = world.get(&format!("{MAPS}/a?pretty=true")).await;
        assert_eq!((got.code, got.headers["content-type"].to_str().unwrap()), (200, JSON));
        assert_eq!(got.body, created.body);
    });
}

#[test]
fn generated_names_are_free_ones() {
    let world = World::new();
    world.run(async {
        let mut seen = std::collections::BTreeSet::new();
        for _ in 0..50 {
            let created = world.post(MAPS, json!({ "metadata": { "generateName": "web-" } })).await;
            let name = created.body["metadata"]["name"].as_str().unwrap().to_owned();
            assert!(name.starts_with("web-") && name.len() == 9, "{name}");
            assert!(seen.insert(name));
        }
    });
}

#[test]
fn what_cannot_be_created_is_refused_in_the_server_s_words() {
    let world = World::new();
    world.run(async {
        world.config_map("taken");
        for (body, code, reason, message) in [
            (json!({ "metadata": { "name": "taken" } }), 409, "AlreadyExists", r#"configmaps "taken" already exists"#),
            (json!({ "metadata": {} }), 422, "Invalid", r#"ConfigMap "" is invalid: metadata.name: Required value: name or generateName is required"#),
            (json!({ "metadata": { "name": "Bad_Name" } }), 422, "Invalid", r#"ConfigMap "Bad_Name" is invalid: metadata.name: Invalid value: "Bad_Name": a lowercase RFC 1123 subdomain"#),
            (json!({ "metadata": { "name": "a", "namespace": "other" } }), 400, "BadRequest", "the namespace of the provided object does not match the namespace sent on the request"),
            (json!({ "kind": "Secret", "apiVersion": "v1", "metadata": { "name": "a" } }), 400, "BadRequest", "Secret in version \"v1\" cannot be handled as a ConfigMap"),
            (json!({ "kind": "ConfigMap", "apiVersion": "v2", "metadata": { "name": "a" } }), 400, "BadRequest", "the API version in the data (v2) does not match the expected API version (v1)"),
            (json!([1]), 400, "BadRequest", "the object provided is unrecognized"),
            (json!({ "metadata": 7 }), 400, "BadRequest", "the object provided is unrecognized"),
            (json!({ "metadata": { "name": "a", "labels": { "x": "not ok" } } }), 422, "Invalid", "metadata.labels"),
            (json!({ "metadata": { "name": "a", "labels": { "a b": "x" } } }), 422, "Invalid", r#"metadata.labels: Invalid value: "a b": name part must consist of alphanumeric characters"#),
            (json!({ "metadata": { "name": "a", "labels": { "": "x" } } }), 422, "Invalid", r#"metadata.labels: Invalid value: "": name part must be non-empty"#),
            (json!({ "metadata": { "name": "a", "labels": { "B.c/d": "x" } } }), 422, "Invalid", r#"metadata.labels: Invalid value: "B.c/d": prefix part a lowercase RFC 1123 subdomain"#),
            (json!({ "metadata": { "name": "a", "labels": { "a/b/c": "x" } } }), 422, "Invalid", r#"metadata.labels: Invalid value: "a/b/c": a valid label key must consist"#),
        ] {
            let refused = world.post(MAPS, body.clone()).await;
            assert_eq!((refused.code, &refused.body["reason"]), (code, &json!(reason)), "{body}");
            assert_eq!((&refused.body["kind"], &refused.body["status"], &refused.body["code"]), (&json!("Status"), &json!("Failure"), &json!(code)));
            let text = refused.body["message"].as_str().unwrap();
            assert!(text.contains(message), "{text}");
        }
        let taken = world.post(MAPS, json!({ "metadata": { "name": "taken" } })).await;
        assert_eq!(taken.body["details"], json!({ "name": "taken", "kind": "configmaps" }));
        let nowhere = world.post("/api/v1/namespaces/nowhere/configmaps", json!({ "metadata": { "name": "a" } })).await;
        assert_eq!((nowhere.code, nowhere.body["message"].as_str()), (404, Some(r#"namespaces "nowhere" not found"#)));
        let version = world.post(MAPS, json!({ "metadata": { "name": "v", "resourceVersion": "3" } })).await;
        assert_eq!((version.code, version.body["message"].as_str()), (500, Some("resourceVersion should not be set on objects to be created")));
    });
}

#[test]
fn http_itself_is_checked() {
    let world = World::new();
    world.run(async {
        let html = world.send("POST", MAPS, &[("content-type", JSON)], b"<html>".to_vec()).await;
        assert_eq!((html.code, &html.body["reason"]), (400, &json!("BadRequest")));
        let yaml = world.send("POST", MAPS, &[("content-type", "application/yaml")], b"a: b".to_vec()).await;
        assert_eq!((yaml.code, &yaml.body["reason"]), (415, &json!("UnsupportedMediaType")));
        let large =
            world.send("POST", MAPS, &[("content-type", JSON)], vec![b' '; 3 * 1024 * 1024 + 1]).await;
        assert_eq!((large.code, &large.body["reason"]), (413, &json!("RequestEntityTooLarge")));
        let protobuf =
            world.send("GET", MAPS, &[("accept", "application/vnd.kubernetes.protobuf")], Vec::new()).await;
        assert_eq!((protobuf.code, &protobuf.body["reason"]), (406, &json!("NotAcceptable")));
        let either = world
            .send(
                "GET",
                MAPS,
                &[("accept", "application/vnd.kubernetes.protobuf,application/json")],
                Vec::new(),
            )
            .await;
        assert_eq!(either.code, 200);
        for path in [
            "/nothing",
            "/api/v1/nothing",
            "/apis/none/v1/things",
            "/api/v1/namespaces/a%2Fb/pods",
            "/api/v1/namespaces/../pods",
            "/apis/none",
            "/api/v2",
        ] {
            let unknown = world.get(path).await;
            assert_eq!((unknown.code, unknown.body.as_str()), (404, Some("404 page not found\n")), "{path}");
        }
        for (method, path) in [
            ("HEAD", MAPS),
            ("PUT", MAPS),
            ("POST", "/api/v1/pods"),
            ("DELETE", "/api/v1/namespaces"),
            ("POST", "/version"),
            ("PATCH", MAPS),
        ] {
            let refused = world.send(method, path, &[("content-type", JSON)], b"{}".to_vec()).await;
            assert_eq!(
                (refused.code, &refused.body["reason"]),
                (405, &json!("MethodNotAllowed")),
                "{method} {path}"
            );
        }
        assert_eq!(world.get("/api/v1/namespaces/default/configmaps/a/status").await.code, 404);
        assert_eq!(world.get("/healthz").await.body, "ok");
    });
}

#[test]
fn an_update_needs_the_version_it_read() {
    let world = World::new();
    world.run(async {
        let mut first = world.post(MAPS, json!({ "metadata": { "name": "a" } })).await.body;
        let second = world.get(&format!("{MAPS}/a")).await.body;
        first["data"] = json!({ "k": "1" });
        let updated = world.put(&format!("{MAPS}/a"), &first).await;
        assert_eq!((updated.code, &updated.body["data"]["k"]), (200, &json!("1")));
        let conflict = world.put(&format!("{MAPS}/a"), &second).await;
        assert_eq!((conflict.code, &conflict.body["reason"]), (409, &json!("Conflict")));
        assert_eq!(conflict.body["message"], r#"Operation cannot be fulfilled on configmaps "a": the object has been modified; please apply your changes to the latest version and try again"#);
        assert_eq!(conflict.body["details"], json!({ "name": "a", "kind": "configmaps" }));

        let mut unconditional = second.clone();
        unconditional["metadata"].as_object_mut().unwrap().remove("resourceVersion");
        assert_eq!(world.put(&format!("{MAPS}/a"), &unconditional).await.code, 200);
        let before = world.cluster.version();
        let same = world.put(&format!("{MAPS}/a"), &unconditional).await;
        assert_eq!((same.code, world.cluster.version()), (200, before), "an update that changes nothing makes no version");

        let mut renamed = unconditional.clone();
        renamed["metadata"]["name"] = json!("b");
        assert_eq!(world.put(&format!("{MAPS}/a"), &renamed).await.code, 400);
        let mut stranger = unconditional.clone();
        stranger["metadata"]["uid"] = json!("00000000-0000-4000-8000-000000000000");
        assert_eq!(world.put(&format!("{MAPS}/a"), &stranger).await.code, 409);
        let missing = world.put(&format!("{MAPS}/none"), &json!({ "metadata": { "name": "none" } })).await;
        assert_eq!((missing.code, missing.body["message"].as_str()), (404, Some(r#"configmaps "none" not found"#)));
    });
}

#[test]
fn spec_and_status_are_written_apart_and_generations_count_the_spec() {
    let world = World::new();
    world.run(async {
        let body = json!({ "metadata": { "name": "d" }, "spec": { "replicas": 1 }, "status": { "replicas": 9 } });
        let created = world.post(DEPLOYMENTS, body).await.body;
        assert_eq!((&created["status"], &created["metadata"]["generation"]), (&json!({}), &json!(1)));
        let mut both = created.clone();
        both["spec"]["replicas"] = json!(2);
        both["status"] = json!({ "replicas": 1 });
        let updated = world.put(&format!("{DEPLOYMENTS}/d"), &both).await.body;
        assert_eq!((&updated["spec"]["replicas"], &updated["status"], &updated["metadata"]["generation"]), (&json!(2), &json!({}), &json!(2)));
        let mut both = updated.clone();
        both["spec"]["replicas"] = json!(7);
        both["status"] = json!({ "replicas": 2 });
        let status = world.put(&format!("{DEPLOYMENTS}/d/status"), &both).await.body;
        assert_eq!((&status["spec"]["replicas"], &status["status"]["replicas"], &status["metadata"]["generation"]), (&json!(2), &json!(2), &json!(2)));
        let labelled = world.patch(&format!("{DEPLOYMENTS}/d"), MERGE, json!({ "metadata": { "labels": { "a": "b" } } })).await.body;
        assert_eq!(labelled["metadata"]["generation"], 2);
        let forged = world.patch(&format!("{DEPLOYMENTS}/d"), MERGE, json!({ "metadata": { "generation": 99, "creationTimestamp": "1999-01-01T00:00:00Z", "deletionTimestamp": "1999-01-01T00:00:00Z" } })).await.body;
        assert_eq!(forged["metadata"], labelled["metadata"]);
        let phase = world.post(PODS, pod("p")).await.body;
        assert_eq!(phase["status"]["phase"], "Pending");
    });
}

#[test]
fn scale_stands_for_the_replicas() {
    let world = World::new();
    world.run(async {
        world.post(DEPLOYMENTS, json!({ "metadata": { "name": "d" }, "spec": { "replicas": 1, "selector": { "matchLabels": { "app": "d" } } } })).await;
        let scale = format!("{DEPLOYMENTS}/d/scale");
        let mut shown = world.get(&scale).await.body;
        assert_eq!((&shown["kind"], &shown["apiVersion"], &shown["spec"]["replicas"], &shown["status"]["selector"]), (&json!("Scale"), &json!("autoscaling/v1"), &json!(1), &json!("app=d")));
        shown["spec"]["replicas"] = json!(4);
        assert_eq!(world.put(&scale, &shown).await.body["spec"]["replicas"], 4);
        assert_eq!(world.put(&scale, &shown).await.code, 409);
        assert_eq!(world.patch(&scale, MERGE, json!({ "spec": { "replicas": 5 } })).await.code, 200);
        assert_eq!(world.patch(&scale, MERGE, json!({ "spec": { "replicas": -1 } })).await.code, 422);
        let deployment = world.get(&format!("{DEPLOYMENTS}/d")).await.body;
        assert_eq!((&deployment["spec"]["replicas"], &deployment["metadata"]["generation"]), (&json!(5), &json!(3)));
    });
}

#[test]
fn patches_of_three_kinds_are_applied() {
    let world = World::new();
    world.run(async {
        world.post(PODS, pod("p")).await;
        let path = format!("{PODS}/p");
        let merged = world.patch(&path, MERGE, json!({ "metadata": { "labels": { "a": "b" } } })).await;
        assert_eq!((merged.code, &merged.body["metadata"]["labels"]["a"]), (200, &json!("b")));
        let json_patch = json!([{ "op": "replace", "path": "/spec/containers/0/image", "value": "i:2" }]);
        let patched = world.patch(&path, "application/json-patch+json", json_patch).await;
        assert_eq!(patched.body["spec"]["containers"][0]["image"], "i:2");
        let strategic = json!({ "spec": { "containers": [{ "name": "c", "image": "i:3" }, { "name": "d", "image": "j:1" }] } });
        let patched = world.patch(&path, "application/strategic-merge-patch+json", strategic).await;
        assert_eq!(patched.body["spec"]["containers"], json!([{ "name": "c", "image": "i:3" }, { "name": "d", "image": "j:1" }]));
        let stale = world.patch(&path, MERGE, json!({ "metadata": { "resourceVersion": "1" }, "spec": { "x": 1 } })).await;
        assert_eq!(stale.code, 409);
        let strange = world.patch(&path, "application/strange-patch+json", json!({})).await;
        assert_eq!((strange.code, &strange.body["reason"]), (415, &json!("UnsupportedMediaType")));
        assert_eq!(world.patch(&path, "application/json-patch+json", json!([{ "op": "remove", "path": "/no/where" }])).await.code, 422);
        assert_eq!(world.patch(&path, MERGE, json!("text")).await.code, 400);
        assert_eq!(world.patch(&format!("{PODS}/none"), MERGE, json!({})).await.code, 404);
    });
}

#[test]
fn deletes_obey_preconditions_and_finalizers() {
    let world = World::new();
    world.run(async {
        let path = format!("{MAPS}/a");
        let made = world
            .post(MAPS, json!({ "metadata": { "name": "a", "finalizers": ["example.com/hold"] } }))
            .await
            .body;
        let wrong = json!({ "preconditions": { "uid": "other" } }).to_string();
        let refused = world.send("DELETE", &path, &[("content-type", JSON)], wrong.into()).await;
        assert_eq!((refused.code, &refused.body["reason"]), (409, &json!("Conflict")));
        let wrong = json!({ "preconditions": { "resourceVersion": "1" } }).to_string();
        assert_eq!(world.send("DELETE", &path, &[("content-type", JSON)], wrong.into()).await.code, 409);
        let dry = json!({ "dryRun": ["All"] }).to_string();
        assert_eq!(world.send("DELETE", &path, &[("content-type", JSON)], dry.into()).await.code, 200);
        assert_eq!(world.get(&path).await.body, made);

        let marked = world.delete(&path).await;
        assert_eq!((marked.code, &marked.body["kind"]), (200, &json!("ConfigMap")));
        assert!(marked.body["metadata"]["deletionTimestamp"].is_string());
        assert_eq!(world.delete(&path).await.body, marked.body, "a second delete changes nothing");
        let freed = world.patch(&path, MERGE, json!({ "metadata": { "finalizers": null } })).await;
        assert_eq!(freed.code, 200);
        assert_eq!(world.get(&path).await.code, 404);

        let made = world.post(MAPS, json!({ "metadata": { "name": "b" } })).await.body;
        let gone = world.delete(&format!("{MAPS}/b")).await;
        assert_eq!(
            (&gone.body["kind"], &gone.body["status"], &gone.body["details"]["uid"]),
            (&json!("Status"), &json!("Success"), &made["metadata"]["uid"])
        );
        assert_eq!(world.delete(&format!("{MAPS}/b")).await.code, 404);
        world.post(PODS, pod("p")).await;
        assert_eq!(world.delete(&format!("{PODS}/p")).await.body["kind"], "Pod");
    });
}

#[test]
fn a_collection_is_deleted_by_selector() {
    let world = World::new();
    world.run(async {
        for (name, app) in [("a", "x"), ("b", "y"), ("c", "x")] {
            world.post(MAPS, json!({ "metadata": { "name": name, "labels": { "app": app } } })).await;
        }
        let deleted = world.delete(&format!("{MAPS}?labelSelector=app%3Dx")).await;
        assert_eq!((deleted.code, names(&deleted.body)), (200, vec!["a", "c"]));
        assert_eq!(names(&world.get(MAPS).await.body), ["b"]);
    });
}

#[test]
fn a_deleted_namespace_takes_its_objects_with_it() {
    let world = World::new();
    world.run(async {
        let team = world.post("/api/v1/namespaces", json!({ "metadata": { "name": "team" } })).await.body;
        assert_eq!(
            (&team["status"]["phase"], &team["metadata"]["labels"]["kubernetes.io/metadata.name"]),
            (&json!("Active"), &json!("team"))
        );
        for (name, finalizers) in [("a", json!([])), ("held", json!(["example.com/hold"]))] {
            let body = json!({ "metadata": { "name": name, "finalizers": finalizers } });
            assert_eq!(world.post("/api/v1/namespaces/team/configmaps", body).await.code, 201);
        }
        let marked = world.delete("/api/v1/namespaces/team").await;
        assert_eq!(marked.body["status"]["phase"], "Terminating");
        assert_eq!(names(&world.get("/api/v1/namespaces/team/configmaps").await.body), ["held"]);
        let late =
            world.post("/api/v1/namespaces/team/configmaps", json!({ "metadata": { "name": "late" } })).await;
        assert_eq!((late.code, &late.body["reason"]), (403, &json!("Forbidden")));
        world
            .patch(
                "/api/v1/namespaces/team/configmaps/held",
                MERGE,
                json!({ "metadata": { "finalizers": [] } }),
            )
            .await;
        assert_eq!(world.get("/api/v1/namespaces/team").await.code, 404);
        assert_eq!(
            names(&world.get("/api/v1/namespaces").await.body),
            ["default", "kube-node-lease", "kube-public", "kube-system"]
        );
    });
}

#[test]
fn dry_runs_check_and_change_nothing() {
    let world = World::new();
    world.run(async {
        let before = world.cluster.version();
        let made = world.post(&format!("{MAPS}?dryRun=All"), json!({ "metadata": { "name": "a" } })).await;
        assert_eq!((made.code, &made.body["metadata"]["resourceVersion"]), (201, &Value::Null));
        assert_eq!(
            world.post(&format!("{MAPS}?dryRun=All"), json!({ "metadata": { "name": "A" } })).await.code,
            422
        );
        assert_eq!((world.get(&format!("{MAPS}/a")).await.code, world.cluster.version()), (404, before));
        let wrong = world.post(&format!("{MAPS}?dryRun=x"), json!({ "metadata": { "name": "a" } })).await;
        let text = r#"CreateOptions.meta.k8s.io "" is invalid: dryRun: Unsupported value: ["x"]: supported values: "All""#;
        assert_eq!((wrong.code, &wrong.body["message"], world.cluster.version()), (422, &json!(text), before));
        world.config_map("b");
        let refused = world.delete(&format!("{MAPS}/b?dryRun=x")).await;
        assert_eq!((refused.code, world.get(&format!("{MAPS}/b")).await.code), (422, 200));
        let before = world.cluster.version();
        let patched =
            world.patch(&format!("{MAPS}/b?dryRun=All"), MERGE, json!({ "data": { "k": "v" } })).await;
        assert_eq!((&patched.body["data"]["k"], world.cluster.version()), (&json!("v"), before));
    });
}

#[test]
fn a_deletion_reads_its_query_where_it_has_no_body() {
    let world = World::new();
    world.run(async {
        world.config_map("a");
        for (query, code, message) in [
            ("gracePeriodSeconds=x", 400, r#"strconv.ParseInt: parsing "x": invalid syntax"#),
            ("propagationPolicy=", 422, r#"propagationPolicy: Unsupported value: "": supported values"#),
            (
                "propagationPolicy=Orphan&orphanDependents=1",
                422,
                r#"propagationPolicy: Invalid value: "Orphan": orphanDependents and deletionPropagation cannot be both set"#,
            ),
        ] {
            let refused = world.delete(&format!("{MAPS}/a?{query}")).await;
            let told = refused.body["message"].as_str().unwrap().to_owned();
            assert!(refused.code == code && told.contains(message), "{query}: {told}");
        }
        let body = json!({ "gracePeriodSeconds": 0 }).to_string().into_bytes();
        let path = format!("{MAPS}/a?dryRun=All&propagationPolicy=x");
        let deleted = world.send("DELETE", &path, &[("content-type", JSON)], body).await;
        assert_eq!((deleted.code, world.get(&format!("{MAPS}/a")).await.code), (200, 404));
    });
}

#[test]
fn pods_are_bound_and_evicted_and_reviews_answered() {
    let world = World::new();
    world.run(async {
        world.post(PODS, pod("p")).await;
        let binding = json!({ "metadata": { "name": "p" }, "target": { "kind": "Node", "name": "n1" } });
        assert_eq!(world.post(&format!("{PODS}/p/binding"), binding.clone()).await.code, 201);
        assert_eq!(world.get(&format!("{PODS}/p")).await.body["spec"]["nodeName"], "n1");
        assert_eq!(world.post("/api/v1/namespaces/default/bindings", binding).await.code, 409);
        let evict = async |eviction: Value| world.post(&format!("{PODS}/p/eviction"), eviction).await.code;
        let named = |options: Value| json!({ "metadata": { "name": "p" }, "deleteOptions": options });
        assert_eq!(evict(json!({ "metadata": { "name": "q" } })).await, 400);
        assert_eq!(evict(named(json!({ "preconditions": { "uid": "another" } }))).await, 409);
        assert_eq!(evict(named(json!({ "dryRun": ["All"] }))).await, 201);
        assert_eq!(world.get(&format!("{PODS}/p")).await.code, 200);
        assert_eq!(evict(json!({ "metadata": { "name": "p" } })).await, 201);
        assert_eq!(world.get(&format!("{PODS}/p")).await.code, 404);
        let review = json!({ "spec": { "resourceAttributes": { "verb": "list", "resource": "pods" } } });
        let answer = world.post("/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", review).await;
        assert_eq!((answer.code, &answer.body["status"]["allowed"]), (201, &json!(true)));
        assert_eq!(world.get("/apis/authorization.k8s.io/v1/selfsubjectaccessreviews").await.code, 405);
    });
}

#[test]
fn events_show_in_both_groups() {
    let world = World::new();
    world.run(async {
        let event = json!({
            "metadata": { "name": "e" }, "reason": "Started", "message": "Started container c", "count": 2,
            "involvedObject": { "kind": "Pod", "name": "p" }, "source": { "component": "kubelet" },
        });
        assert_eq!(world.post("/api/v1/namespaces/default/events", event).await.code, 201);
        let newer = world.get("/apis/events.k8s.io/v1/namespaces/default/events/e").await.body;
        assert_eq!(
            (&newer["apiVersion"], &newer["note"], &newer["regarding"]["name"], &newer["deprecatedCount"]),
            (&json!("events.k8s.io/v1"), &json!("Started container c"), &json!("p"), &json!(2))
        );
        assert_eq!(newer["message"], Value::Null);
        let found = world.get("/apis/events.k8s.io/v1/events?fieldSelector=regarding.name%3Dp").await.body;
        assert_eq!((names(&found), &found["kind"]), (vec!["e"], &json!("EventList")));
        let patched = world
            .patch("/apis/events.k8s.io/v1/namespaces/default/events/e", MERGE, json!({ "note": "again" }))
            .await;
        assert_eq!(patched.body["note"], "again");
        assert_eq!(world.get("/api/v1/namespaces/default/events/e").await.body["message"], "again");
    });
}

#[test]
fn metadata_alone_is_shown_on_request() {
    let world = World::new();
    world.run(async {
        world
            .post(MAPS, json!({ "metadata": { "name": "a", "labels": { "x": "y" } }, "data": { "k": "v" } }))
            .await;
        let accept = [("accept", "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1")];
        let one = world.send("GET", &format!("{MAPS}/a"), &accept, Vec::new()).await.body;
        assert_eq!(
            (&one["kind"], &one["data"], &one["metadata"]["labels"]["x"]),
            (&json!("PartialObjectMetadata"), &Value::Null, &json!("y"))
        );
        let accept = [("accept", "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1")];
        let all = world.send("GET", MAPS, &accept, Vec::new()).await.body;
        assert_eq!((&all["kind"], names(&all)), (&json!("PartialObjectMetadataList"), vec!["a"]));
        let other = [("accept", "application/json;as=Other;v=v1;g=meta.k8s.io,application/json")];
        assert_eq!(world.send("GET", MAPS, &other, Vec::new()).await.body["kind"], "ConfigMapList");
        let other = [("accept", "application/json;as=Other;v=v1;g=meta.k8s.io")];
        assert_eq!(world.send("GET", MAPS, &other, Vec::new()).await.code, 406);
    });
}

#[test]
fn the_handle_seeds_and_looks() {
    let world = World::new();
    let gvr = portolan::meta::GroupVersionResource {
        group: "".into(),
        version: "v1".into(),
        resource: "pods".into(),
    };
    let key = portolan::meta::Key::new("default", "p");
    let mut seed = pod("p");
    seed["apiVersion"] = json!("v1");
    seed["kind"] = json!("Pod");
    seed["status"] = json!({ "phase": "Running" });
    let first = world.cluster.apply(seed.clone()).unwrap();
    assert_eq!(first["status"]["phase"], "Running");
    assert_eq!(
        world.cluster.apply(seed.clone()).unwrap()["metadata"]["resourceVersion"],
        first["metadata"]["resourceVersion"]
    );
    seed["spec"]["nodeName"] = json!("n");
    assert_eq!(world.cluster.apply(seed.clone()).unwrap()["metadata"]["generation"], 2);
    assert!(world.cluster.create(seed).unwrap_err().is_already_exists());
    world.cluster.modify(&gvr, &key, |pod| pod["status"]["phase"] = json!("Failed")).unwrap();
    assert_eq!(world.cluster.object(&gvr, &key).unwrap()["status"]["phase"], "Failed");
    assert_eq!(world.cluster.objects(&gvr).len(), 1);
    world.cluster.delete(&gvr, &key).unwrap();
    assert!(world.cluster.delete(&gvr, &key).unwrap_err().is_not_found());
    assert!(world.cluster.create(json!({ "kind": "Nothing" })).is_err());
    assert!(world.cluster.create(config_map("x")).is_ok());
}
