//! Deleting what owns other objects.

use serde_json::{Value, json};

use super::{JSON, World};

const MAPS: &str = "/api/v1/namespaces/default/configmaps";

async fn owner(world: &World, name: &str) -> Value {
    let made = world.post(MAPS, json!({ "metadata": { "name": name } })).await.body;
    json!({
        "apiVersion": "v1", "kind": "ConfigMap", "name": name, "uid": made["metadata"]["uid"], "blockOwnerDeletion": true,
    })
}

async fn owned(world: &World, name: &str, owners: Value, finalizers: Value) -> Value {
    let metadata = json!({ "name": name, "ownerReferences": owners, "finalizers": finalizers });
    let made = world.post(MAPS, json!({ "metadata": metadata })).await.body;
    json!({ "apiVersion": "v1", "kind": "ConfigMap", "name": name, "uid": made["metadata"]["uid"] })
}

async fn delete(world: &World, name: &str, propagation: &str) -> Value {
    let options = json!({ "propagationPolicy": propagation }).to_string();
    world.send("DELETE", &format!("{MAPS}/{name}"), &[("content-type", JSON)], options.into()).await.body
}

async fn names(world: &World) -> Vec<String> {
    let list = world.get(MAPS).await.body;
    super::names(&list).into_iter().map(str::to_owned).collect()
}

#[test]
fn what_is_owned_goes_stays_or_goes_first() {
    let world = World::new();
    world.run(async {
        for (propagation, left) in
            [("Background", vec![]), ("Foreground", vec![]), ("Orphan", vec!["b", "c"])]
        {
            let a = owner(&world, "a").await;
            let b = owned(&world, "b", json!([a]), json!([])).await;
            owned(&world, "c", json!([b]), json!([])).await;
            delete(&world, "a", propagation).await;
            assert_eq!(names(&world).await, left, "{propagation}");
        }
        assert!(world.get(&format!("{MAPS}/b")).await.body["metadata"]["ownerReferences"].is_null());
        assert!(world.get(&format!("{MAPS}/c")).await.body["metadata"]["ownerReferences"].is_array());
        assert_eq!(delete(&world, "b", "Sideways").await["code"], 422);
    });
}

#[test]
fn a_deletion_in_the_foreground_waits_for_what_blocks_it() {
    let world = World::new();
    world.run(async {
        let a = owner(&world, "a").await;
        owned(&world, "held", json!([a]), json!(["example.com/hold"])).await;
        owned(&world, "free", json!([a]), json!([])).await;
        let marked = delete(&world, "a", "Foreground").await;
        assert_eq!(marked["metadata"]["finalizers"], json!(["foregroundDeletion"]));
        assert_eq!(names(&world).await, ["a", "held"]);
        let freed = json!({ "metadata": { "finalizers": null } });
        world.patch(&format!("{MAPS}/held"), "application/merge-patch+json", freed).await;
        assert!(names(&world).await.is_empty());
    });
}

#[test]
fn what_has_another_owner_stays_and_loops_end() {
    let world = World::new();
    world.run(async {
        let (a, b) = (owner(&world, "a").await, owner(&world, "b").await);
        owned(&world, "c", json!([a, b]), json!([])).await;
        delete(&world, "a", "Background").await;
        let kept = world.get(&format!("{MAPS}/c")).await.body;
        assert_eq!(kept["metadata"]["ownerReferences"], json!([b]));
        let merge = "application/merge-patch+json";
        let c =
            json!({ "apiVersion": "v1", "kind": "ConfigMap", "name": "c", "uid": kept["metadata"]["uid"] });
        world.patch(&format!("{MAPS}/b"), merge, json!({ "metadata": { "ownerReferences": [c] } })).await;
        delete(&world, "b", "Background").await;
        assert!(names(&world).await.is_empty());
    });
}

#[test]
fn jobs_leave_their_pods_unless_told() {
    let world = World::new();
    world.run(async {
        let (jobs, pods) = ("/apis/batch/v1/namespaces/default/jobs", "/api/v1/namespaces/default/pods");
        for (query, left) in [("", 1), ("?propagationPolicy=Background", 0)] {
            let job = world.post(jobs, json!({ "metadata": { "name": "j" } })).await.body;
            let uid = &job["metadata"]["uid"];
            let owner = json!({ "apiVersion": "batch/v1", "kind": "Job", "name": "j", "uid": uid });
            let pod = json!({ "metadata": { "name": format!("p{left}"), "ownerReferences": [owner] } });
            assert_eq!(world.post(pods, pod).await.code, 201);
            world.delete(&format!("{jobs}/j{query}")).await;
            assert_eq!(world.get(&format!("{pods}/p{left}")).await.code, if left == 1 { 200 } else { 404 });
        }
    });
}

#[test]
fn a_collection_goes_though_some_of_it_owns_the_rest() {
    let world = World::new();
    world.run(async {
        let a = owner(&world, "a").await;
        owned(&world, "b", json!([a]), json!([])).await;
        owner(&world, "c").await;
        assert_eq!(world.delete(MAPS).await.code, 200);
        assert!(names(&world).await.is_empty());
    });
}

#[test]
fn a_namespace_goes_however_its_deletion_is_asked_for() {
    let world = World::new();
    world.run(async {
        let kept = json!(["example.com/hold"]);
        for (policy, finalizers) in [("Foreground", json!([])), ("Orphan", json!([])), ("Background", kept)] {
            let space = json!({ "metadata": { "name": "x", "finalizers": finalizers } });
            assert_eq!(world.post("/api/v1/namespaces", space).await.code, 201);
            world.delete(&format!("/api/v1/namespaces/x?propagationPolicy={policy}")).await;
            let freed = json!({ "metadata": { "finalizers": null } });
            world.patch("/api/v1/namespaces/x", "application/merge-patch+json", freed).await;
            assert_eq!(world.get("/api/v1/namespaces/x").await.code, 404, "{policy}");
        }
    });
}
