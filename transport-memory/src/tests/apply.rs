//! Server-side apply: who owns what, conflicts, and what goes when nobody wants it any more.

use serde_json::{Value, json};

use super::{Answer, World};

const APPLY: &str = "application/apply-patch+yaml";
const MAPS: &str = "/api/v1/namespaces/default/configmaps";

async fn apply(world: &World, manager: &str, force: bool, data: Value) -> Answer {
    let path = format!("{MAPS}/a?fieldManager={manager}&force={force}");
    let body = json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": "a" }, "data": data });
    world.patch(&path, APPLY, body).await
}

/// The entries of managedFields as `manager operation fields`.
fn owners(object: &Value) -> Vec<String> {
    let entries = object["metadata"]["managedFields"].as_array().unwrap().iter();
    let text = |entry: &Value| {
        format!(
            "{} {} {}",
            entry["manager"].as_str().unwrap(),
            entry["operation"].as_str().unwrap(),
            entry["fieldsV1"]
        )
    };
    entries.map(text).collect()
}

#[test]
fn appliers_share_conflict_and_take_over() {
    let world = World::new();
    world.run(async {
        let made = apply(&world, "ann", false, json!({ "k": "1", "gone": "x" })).await;
        assert_eq!(made.code, 201);
        assert_eq!(owners(&made.body), [r#"ann Apply {"f:data":{"f:gone":{},"f:k":{}}}"#]);
        let again = apply(&world, "ann", false, json!({ "k": "1", "gone": "x" })).await;
        assert_eq!((again.code, &again.body), (200, &made.body), "nothing changes, not even a time");

        let shared = apply(&world, "bob", false, json!({ "k": "1" })).await;
        assert_eq!(owners(&shared.body)[1], r#"bob Apply {"f:data":{"f:k":{}}}"#);
        let refused = apply(&world, "bob", false, json!({ "k": "2" })).await;
        assert_eq!((refused.code, &refused.body["reason"]), (409, &json!("Conflict")));
        let message = r#"Apply failed with 1 conflict: conflict with "ann": .data.k"#;
        assert_eq!(refused.body["message"], message);
        let cause = json!({
            "reason": "FieldManagerConflict", "message": r#"conflict with "ann""#, "field": ".data.k",
        });
        assert_eq!(refused.body["details"]["causes"], json!([cause]));
        let forced = apply(&world, "bob", true, json!({ "k": "2" })).await;
        assert_eq!(owners(&forced.body)[0], r#"ann Apply {"f:data":{"f:gone":{}}}"#);

        let pruned = apply(&world, "ann", false, json!({})).await;
        assert_eq!(pruned.body["data"], json!({ "k": "2" }));
    });
}

#[test]
fn who_applies_says_of_what_type() {
    let world = World::new();
    world.run(async {
        for (api_version, kind, told) in [
            ("", "", "/, Kind="),
            ("v1", "", "/v1, Kind="),
            ("", "ConfigMap", "/, Kind=ConfigMap"),
            ("apps/v1", "ConfigMap", "apps/v1, Kind=ConfigMap"),
        ] {
            let body = json!({ "apiVersion": api_version, "kind": kind, "metadata": { "name": "a" } });
            let refused = world.patch(&format!("{MAPS}/a?fieldManager=me"), APPLY, body).await;
            let told = format!("invalid object type: {told}");
            assert_eq!((refused.code, refused.body["message"].as_str()), (400, Some(&*told)));
        }
        let untyped = json!({ "metadata": { "name": "a" } });
        assert_eq!(world.patch(&format!("{MAPS}/a?fieldManager=me"), APPLY, untyped).await.code, 400);
    });
}

#[test]
fn updates_take_fields_from_appliers() {
    let world = World::new();
    world.run(async {
        apply(&world, "ann", false, json!({ "k": "1" })).await;
        let path = format!("{MAPS}/a?fieldManager=editor");
        let edited =
            world.patch(&path, "application/merge-patch+json", json!({ "data": { "k": "2" } })).await;
        assert_eq!(owners(&edited.body), [r#"editor Update {"f:data":{"f:k":{}}}"#]);
        let refused = apply(&world, "ann", false, json!({ "k": "1" })).await;
        let message = refused.body["message"].as_str().unwrap();
        assert_eq!(message, r#"Apply failed with 1 conflict: conflict with "editor" using v1: .data.k"#);
    });
}

#[test]
fn what_nobody_owned_before_is_kept_from_the_first_applier() {
    let world = World::new();
    world.run(async {
        world.config_map("a");
        world
            .cluster
            .modify(
                &portolan::meta::GroupVersionResource::new("", "v1", "configmaps"),
                &portolan::meta::Key::new("default", "a"),
                |object| object["data"] = json!({ "k": "seeded" }),
            )
            .unwrap();
        let refused = apply(&world, "ann", false, json!({ "k": "1" })).await;
        assert!(refused.body["message"].as_str().unwrap().contains(r#""before-first-apply" using v1"#));
        let other = apply(&world, "ann", false, json!({ "other": "1" })).await;
        assert_eq!(other.body["data"], json!({ "k": "seeded", "other": "1" }));
    });
}

#[test]
fn lists_merge_by_the_keys_of_their_kind_or_schema() {
    let world = World::new();
    world.run(async {
        let deployments = "/apis/apps/v1/namespaces/default/deployments/web";
        let containers = |containers: Value| {
            json!({
                "apiVersion": "apps/v1", "kind": "Deployment", "metadata": { "name": "web" },
                "spec": { "template": { "spec": { "containers": containers } } },
            })
        };
        let port = json!({ "containerPort": 80 });
        let ann = containers(
            json!([{ "name": "a", "image": "a:1", "ports": [port] }, { "name": "b", "image": "b:1" }]),
        );
        world.patch(&format!("{deployments}?fieldManager=ann"), APPLY, ann).await;
        let bob = containers(json!([{ "name": "c", "image": "c:1" }, { "name": "b", "image": "b:1" }]));
        let both = world.patch(&format!("{deployments}?fieldManager=bob"), APPLY, bob).await.body;
        let names = |object: &Value| {
            let containers = object["spec"]["template"]["spec"]["containers"].as_array().unwrap().clone();
            containers.iter().map(|one| one["name"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(names(&both), ["a", "c", "b"]);
        let port = r#"k:{\"containerPort\":80,\"protocol\":\"TCP\"}"#;
        assert!(owners(&both).concat().contains(port), "{:?}", owners(&both));
        let ann = containers(json!([{ "name": "a", "image": "a:1" }]));
        let fewer = world.patch(&format!("{deployments}?fieldManager=ann"), APPLY, ann).await.body;
        assert_eq!(names(&fewer), ["a", "c", "b"], "bob still wants b");
        let bob = containers(json!([]));
        let fewer = world.patch(&format!("{deployments}?fieldManager=bob"), APPLY, bob).await.body;
        assert_eq!(names(&fewer), ["a"]);
    });
}

#[test]
fn an_apply_must_say_who_applies_and_bring_no_managed_fields() {
    let world = World::new();
    world.run(async {
        let body = json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": "a" } });
        assert_eq!(world.patch(&format!("{MAPS}/a"), APPLY, body).await.code, 422);
        let body = json!({ "metadata": { "name": "a", "managedFields": [{ "manager": "x" }] } });
        assert_eq!(world.patch(&format!("{MAPS}/a?fieldManager=x"), APPLY, body).await.code, 400);
    });
}

#[test]
fn the_same_applied_later_is_no_change() {
    let world = World::new();
    world.run(async {
        let metadata = json!({ "name": "a", "labels": {} });
        let secret =
            json!({ "apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": { "k": "v" } });
        let path = "/api/v1/namespaces/default/secrets/a?fieldManager=ann";
        let made = world.patch(path, APPLY, secret.clone()).await;
        world.sleep(5).await;
        let again = world.patch(path, APPLY, secret).await;
        assert_eq!((made.code, again.code, &again.body), (201, 200, &made.body));
    });
}
