//! Fields that a kind does not have.

use serde_json::{Value, json};

use super::{World, config_map};

const DEPLOYMENTS: &str = "/apis/apps/v1/namespaces/default/deployments";

fn deployment() -> Value {
    json!({ "metadata": { "name": "web" }, "spec": { "replica": 3, "template": { "spec": { "nodeNam": "n" } } } })
}

#[test]
fn they_are_dropped_and_told_as_asked() {
    let world = World::new();
    world.run(async {
        let strict = world.post(&format!("{DEPLOYMENTS}?fieldValidation=Strict"), deployment()).await;
        let message = "Deployment in version \"v1\" cannot be handled as a Deployment: strict decoding error: \
            unknown field \"spec.replica\", unknown field \"spec.template.spec.nodeNam\"";
        assert_eq!((strict.code, strict.body["message"].as_str()), (400, Some(message)));
        for (asked, warned) in [("?fieldValidation=Ignore", 0), ("?fieldValidation=Warn", 2), ("", 2)] {
            let created = world.post(&format!("{DEPLOYMENTS}{asked}"), deployment()).await;
            assert_eq!((created.code, created.headers.get_all("warning").iter().count()), (201, warned), "{asked}");
            assert_eq!(created.body["spec"]["template"]["spec"].get("nodeNam"), None);
            assert_eq!(world.delete(&format!("{DEPLOYMENTS}/web")).await.code, 200);
        }
        let odd = world.post(&format!("{DEPLOYMENTS}?fieldValidation=Odd"), deployment()).await;
        assert_eq!((odd.code, odd.body["details"]["kind"].as_str()), (422, Some("CreateOptions")));
    });
}

#[test]
fn a_patch_adds_none() {
    let world = World::new();
    world.run(async {
        world.cluster.create(config_map("a")).unwrap();
        let (path, patch) = ("/api/v1/namespaces/default/configmaps/a", json!({ "date": { "k": "v" } }));
        let merge = "application/merge-patch+json";
        let patched = world.patch(path, merge, patch.clone()).await;
        assert_eq!((patched.code, patched.body.get("date")), (200, None));
        assert_eq!(patched.headers["warning"], r#"299 - "unknown field \"date\"""#);
        let strict = world.patch(&format!("{path}?fieldValidation=Strict"), merge, patch.clone()).await;
        assert_eq!((strict.code, strict.body["reason"].as_str()), (422, Some("Invalid")));
        let apply = format!("{path}?fieldManager=me&fieldValidation=Ignore");
        let applied = world.patch(&apply, "application/apply-patch+yaml", patch).await;
        assert_eq!(applied.code, 500);
        assert!(applied.body["message"].as_str().unwrap().ends_with(": .date: field not declared in schema"));
    });
}

#[test]
fn of_custom_resources_the_schema_tells() {
    let world = World::new();
    world.run(async {
        let schema = json!({
            "type": "object",
            "properties": {
                "spec": { "type": "object", "properties": {
                    "size": { "type": "integer" },
                    "labels": { "type": "object", "additionalProperties": { "type": "string" } },
                    "free": { "type": "object", "x-kubernetes-preserve-unknown-fields": true },
                    "parts": { "type": "array", "items": { "type": "object", "properties": { "a": { "type": "string" } } } },
                    "template": { "type": "object", "x-kubernetes-embedded-resource": true, "x-kubernetes-preserve-unknown-fields": true },
                } },
            },
        });
        let definition = json!({
            "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
            "metadata": { "name": "gadgets.example.com" },
            "spec": {
                "group": "example.com", "scope": "Namespaced",
                "names": { "plural": "gadgets", "singular": "gadget", "kind": "Gadget", "listKind": "GadgetList" },
                "versions": [{ "name": "v1", "served": true, "storage": true, "schema": { "openAPIV3Schema": schema } }],
            },
        });
        world.cluster.create(definition).unwrap();
        let spec = json!({
            "size": 1, "labels": { "any": "x" }, "free": { "any": [1] }, "parts": [{ "a": "x" }],
            "template": { "kind": "Pod", "metadata": { "name": "x" }, "any": 1 },
        });
        let mut odd = spec.clone();
        odd["sise"] = json!(1);
        odd["parts"][0]["b"] = json!("y");
        odd["template"]["metadata"]["nam"] = json!("z");
        let gadget = json!({
            "apiVersion": "example.com/v1", "kind": "Gadget",
            "metadata": { "name": "g", "bogus": 1 }, "spec": odd, "extra": 1,
        });
        let created = world.post("/apis/example.com/v1/namespaces/default/gadgets", gadget).await;
        assert_eq!((created.code, &created.body["spec"], created.body.get("extra")), (201, &spec, None));
        let told: Vec<_> = created.headers.get_all("warning").iter().map(|text| text.to_str().unwrap()).collect();
        let paths = ["metadata.bogus", "extra", "spec.parts[0].b", "spec.sise", "spec.template.metadata.nam"];
        let expected = paths.map(|path| format!(r#"299 - "unknown field \"{path}\"""#));
        assert_eq!(told, expected);
    });
}
