//! What the server says it serves, and resources that come and go with CustomResourceDefinitions.

use serde_json::{Value, json};

use super::{World, names};

fn definition() -> Value {
    json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": { "name": "widgets.example.com" },
        "spec": {
            "group": "example.com", "scope": "Namespaced",
            "names": { "kind": "Widget", "plural": "widgets", "shortNames": ["wg"], "categories": ["all"] },
            "versions": [
                { "name": "v1", "served": true, "storage": true, "subresources": { "status": {}, "scale": { "specReplicasPath": ".spec.size", "statusReplicasPath": ".status.size" } } },
                { "name": "v1beta1", "served": true, "storage": false, "subresources": { "status": {} } },
            ],
        },
    })
}

const DEFINITIONS: &str = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
const WIDGETS: &str = "/apis/example.com/v1/namespaces/default/widgets";

#[test]
fn plain_and_aggregated_discovery_name_the_same_resources() {
    let world = World::new();
    world.run(async {
        let mut plain = Vec::new();
        let mut versions = vec![("".to_owned(), "/api/v1".to_owned())];
        for group in world.get("/apis").await.body["groups"].as_array().unwrap() {
            assert_eq!(group["preferredVersion"], group["versions"][0]);
            for version in group["versions"].as_array().unwrap() {
                versions.push((
                    group["name"].as_str().unwrap().to_owned(),
                    format!("/apis/{}", version["groupVersion"].as_str().unwrap()),
                ));
            }
        }
        for (_, path) in &versions {
            let document = world.get(path).await.body;
            assert_eq!(document["kind"], "APIResourceList");
            for resource in document["resources"].as_array().unwrap() {
                plain
                    .push(format!("{} {} {}", document["groupVersion"], resource["name"], resource["verbs"]));
            }
        }
        let mut aggregated = Vec::new();
        let accept = [(
            "accept",
            "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json",
        )];
        for path in ["/api", "/apis"] {
            let answer = world.send("GET", path, &accept, Vec::new()).await;
            assert_eq!(
                answer.headers["content-type"],
                "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
            );
            for group in answer.body["items"].as_array().unwrap() {
                for version in group["versions"].as_array().unwrap() {
                    let group = group["metadata"]["name"].as_str();
                    let version_name = version["version"].as_str().unwrap();
                    let group_version = json!(
                        group.map_or(version_name.to_owned(), |group| format!("{group}/{version_name}"))
                    );
                    for resource in version["resources"].as_array().unwrap() {
                        let plural = resource["resource"].as_str().unwrap();
                        aggregated.push(format!("{group_version} {:?} {}", plural, resource["verbs"]));
                        for sub in resource["subresources"].as_array().into_iter().flatten() {
                            aggregated.push(format!(
                                "{group_version} \"{plural}/{}\" {}",
                                sub["subresource"].as_str().unwrap(),
                                sub["verbs"]
                            ));
                        }
                    }
                }
            }
        }
        assert!(plain.len() > 90, "{}", plain.len());
        assert_eq!(plain, aggregated);
    });
}

#[test]
fn the_server_names_its_versions() {
    let world = World::new();
    world.run(async {
        assert_eq!(world.get("/apis/apps").await.body["preferredVersion"]["groupVersion"], "apps/v1");
        assert_eq!(world.get("/api").await.body["versions"], json!(["v1"]));
        assert_eq!(world.get("/version").await.body["minor"], "36");
    });
}

#[test]
fn every_listed_resource_can_be_listed() {
    let world = World::new();
    world.run(async {
        let mut listed = 0;
        for group in world.get("/apis").await.body["groups"].as_array().unwrap() {
            let path = format!("/apis/{}", group["preferredVersion"]["groupVersion"].as_str().unwrap());
            for resource in world.get(&path).await.body["resources"].as_array().unwrap() {
                if resource["verbs"].as_array().unwrap().contains(&json!("list")) {
                    let list = world.get(&format!("{path}/{}", resource["name"].as_str().unwrap())).await;
                    assert_eq!(
                        (list.code, list.body["kind"].as_str().unwrap()),
                        (200, format!("{}List", resource["kind"].as_str().unwrap()).as_str())
                    );
                    listed += 1;
                }
            }
        }
        assert!(listed > 40, "{listed}");
    });
}

#[test]
fn a_definition_is_served_at_once_and_until_it_is_deleted() {
    let world = World::new();
    world.run(async {
        assert_eq!(world.get(WIDGETS).await.code, 404);
        let made = world.post(DEFINITIONS, definition()).await;
        let conditions = &made.body["status"]["conditions"];
        assert_eq!((&conditions[1]["type"], &conditions[1]["status"]), (&json!("Established"), &json!("True")));
        assert_eq!(made.body["spec"]["names"]["listKind"], "WidgetList");
        assert_eq!(world.get("/apis/example.com").await.body["versions"].as_array().unwrap().len(), 2);

        let widget = json!({ "apiVersion": "example.com/v1", "kind": "Widget", "metadata": { "name": "w" }, "spec": { "size": 1 }, "status": { "size": 5 } });
        let made = world.post(WIDGETS, widget).await;
        assert_eq!((made.code, &made.body["status"], &made.body["metadata"]["generation"]), (201, &Value::Null, &json!(1)));
        let list = world.get(WIDGETS).await.body;
        assert_eq!((&list["kind"], &list["items"][0]["kind"]), (&json!("WidgetList"), &json!("Widget")));
        let older = world.get("/apis/example.com/v1beta1/namespaces/default/widgets/w").await.body;
        assert_eq!((&older["apiVersion"], &older["spec"]["size"]), (&json!("example.com/v1beta1"), &json!(1)));
        let merge = "application/merge-patch+json";
        let status = world.patch(&format!("{WIDGETS}/w/status"), merge, json!({ "spec": { "size": 9 }, "status": { "size": 2 } })).await.body;
        assert_eq!((&status["spec"]["size"], &status["status"]["size"]), (&json!(1), &json!(2)));
        let scale = world.patch(&format!("{WIDGETS}/w/scale"), merge, json!({ "spec": { "replicas": 3 } })).await.body;
        assert_eq!((&scale["spec"]["replicas"], &scale["status"]["replicas"]), (&json!(3), &json!(2)));
        assert_eq!(world.get(&format!("{WIDGETS}/w")).await.body["metadata"]["generation"], 2);
        assert_eq!(world.patch(&format!("{WIDGETS}/w"), "application/strategic-merge-patch+json", json!({})).await.code, 415);
        let unversioned = json!({ "apiVersion": "example.com/v1", "kind": "Widget", "metadata": { "name": "w" }, "spec": {} });
        assert_eq!(world.put(&format!("{WIDGETS}/w"), &unversioned).await.code, 422);
        for member in ["apiVersion", "kind"] {
            let mut untyped = unversioned.clone();
            untyped.as_object_mut().unwrap().remove(member);
            assert_eq!(world.post(WIDGETS, untyped).await.code, 400, "a custom resource says its {member}");
        }

        let mut watch = world.watch(&format!("{WIDGETS}?watch=1")).await;
        assert_eq!(watch.what().await, "ADDED w");
        world.delete(&format!("{DEFINITIONS}/widgets.example.com")).await;
        assert_eq!((watch.what().await, watch.what().await), ("DELETED w".to_owned(), "end".to_owned()));
        assert_eq!((world.get(WIDGETS).await.code, world.get("/apis/example.com").await.code), (404, 404));
        world.post(DEFINITIONS, definition()).await;
        assert!(names(&world.get(WIDGETS).await.body).is_empty());
    });
}

#[test]
fn a_definition_waits_for_what_finalizers_hold() {
    let world = World::new();
    world.run(async {
        world.post(DEFINITIONS, definition()).await;
        for (name, finalizers) in [("free", json!([])), ("held", json!(["example.com/wait"]))] {
            let metadata = json!({ "name": name, "finalizers": finalizers });
            let widget = json!({ "apiVersion": "example.com/v1", "kind": "Widget", "metadata": metadata });
            assert_eq!(world.post(WIDGETS, widget).await.code, 201);
        }
        let own = format!("{DEFINITIONS}/widgets.example.com");
        world.delete(&own).await;
        let waiting = world.get(&own).await.body;
        assert_eq!(waiting["metadata"]["finalizers"], json!(["customresourcecleanup.apiextensions.k8s.io"]));
        assert_eq!(waiting["status"]["conditions"][2]["type"], "Terminating");
        let left = world.get(WIDGETS).await.body;
        assert_eq!(names(&left), ["held"]);
        assert!(left["items"][0]["metadata"]["deletionTimestamp"].is_string());
        let late =
            json!({ "apiVersion": "example.com/v1", "kind": "Widget", "metadata": { "name": "late" } });
        assert_eq!(world.post(WIDGETS, late).await.code, 405);
        let merge = "application/merge-patch+json";
        let release = json!({ "metadata": { "finalizers": null } });
        assert_eq!(world.patch(&format!("{WIDGETS}/held"), merge, release).await.code, 200);
        assert_eq!((world.get(&own).await.code, world.get(WIDGETS).await.code), (404, 404));
    });
}

#[test]
fn a_bad_definition_is_refused() {
    let world = World::new();
    world.run(async {
        for (path, value) in [
            ("/metadata/name", json!("wrong.example.com")),
            ("/spec/scope", json!("Global")),
            ("/spec/versions/0/storage", json!(false)),
            ("/spec/names/kind", json!("")),
        ] {
            let mut bad = definition();
            *bad.pointer_mut(path).unwrap() = value;
            let refused = world.post(DEFINITIONS, bad).await;
            assert_eq!((refused.code, &refused.body["reason"]), (422, &json!("Invalid")), "{path}");
        }
        assert_eq!(world.get("/apis/example.com").await.code, 404);
    });
}

#[test]
fn a_client_finds_the_same_either_way_and_asks_for_changes_only() {
    let world = World::new();
    world.run(async {
        let client = world.cluster.client();
        let discovery = client.discovery();
        let aggregated = discovery.server_groups_and_resources().await.unwrap();
        let legacy = discovery.legacy().server_groups_and_resources().await.unwrap();
        assert!(aggregated.resources().count() > 60 && aggregated.warning().is_none());
        assert_eq!(aggregated.groups, legacy.groups);

        let accept = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json";
        let first = world.send("GET", "/apis", &[("accept", accept)], Vec::new()).await;
        let etag = first.headers["etag"].to_str().unwrap();
        let ask = async || {
            world.send("GET", "/apis", &[("accept", accept), ("if-none-match", etag)], Vec::new()).await
        };
        let again = ask().await;
        assert_eq!((again.code, again.headers["etag"].to_str().unwrap()), (304, etag));
        world.post(DEFINITIONS, definition()).await;
        assert_eq!(ask().await.code, 200);
        let found = discovery.server_groups_and_resources().await.unwrap();
        let mapper = portolan::client::discovery::RestMapper::new(found.into());
        assert_eq!(mapper.mapping_for("wg").unwrap().to_string(), "widgets.example.com");
    });
}
