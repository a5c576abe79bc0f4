//! Tables, over lists and watches, of built-in and custom resources.

use serde_json::{Value, json};

use super::World;

const TABLE: [(&str, &str); 1] =
    [("accept", "application/json;as=Table;v=v1;g=meta.k8s.io,application/json")];

/// The names of the columns and the cells of each row.
fn shown(table: &Value) -> (Vec<&str>, Vec<&Value>) {
    assert_eq!((&table["kind"], &table["apiVersion"]), (&json!("Table"), &json!("meta.k8s.io/v1")));
    let columns = table["columnDefinitions"].as_array().unwrap().iter();
    let rows = table["rows"].as_array().unwrap().iter();
    (
        columns.map(|column| column["name"].as_str().unwrap()).collect(),
        rows.map(|row| &row["cells"]).collect(),
    )
}

#[test]
fn a_list_is_a_table_and_one_object_too() {
    let world = World::new();
    world.run(async {
        let pods = "/api/v1/namespaces/default/pods";
        let container = json!({ "name": "c", "image": "i:1" });
        let status = json!({
            "phase": "Running",
            "podIPs": [{ "ip": "10.0.0.1" }],
            "containerStatuses": [{ "name": "c", "ready": true, "restartCount": 2, "state": { "running": {} } }],
        });
        let pod = json!({
            "apiVersion": "v1", "kind": "Pod", "metadata": { "name": "p" },
            "spec": { "containers": [container], "nodeName": "n" }, "status": status,
        });
        world.cluster.create(pod).unwrap();
        world.sleep(200).await;
        let table = world.send("GET", pods, &TABLE, Vec::new()).await.body;
        let (columns, rows) = shown(&table);
        assert_eq!(
            columns,
            ["Name", "Ready", "Status", "Restarts", "Age", "IP", "Node", "Nominated Node", "Readiness Gates"]
        );
        assert_eq!(rows, [&json!(["p", "1/1", "Running", "2", "3m20s", "10.0.0.1", "n", "<none>", "<none>"])]);
        assert_eq!(table["rows"][0]["object"]["kind"], "PartialObjectMetadata");
        let one = world.send("GET", &format!("{pods}/p?includeObject=None"), &TABLE, Vec::new()).await.body;
        assert_eq!((shown(&one).1.len(), &one["rows"][0]["object"]), (1, &Value::Null));
    });
}

#[test]
fn a_custom_resource_shows_the_columns_of_its_definition() {
    let world = World::new();
    world.run(async {
        let column = |name: &str, kind: &str, path: &str| json!({ "name": name, "type": kind, "jsonPath": path });
        let definition = json!({
            "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
            "metadata": { "name": "widgets.example.com" },
            "spec": {
                "group": "example.com", "scope": "Namespaced", "names": { "kind": "Widget", "plural": "widgets" },
                "versions": [{
                    "name": "v1", "served": true, "storage": true, "deprecated": true,
                    "additionalPrinterColumns": [
                        column("Size", "integer", ".spec.size"),
                        column("Ready", "string", r#".status.conditions[?(@.type=="Ready")].status"#),
                        column("Born", "date", ".metadata.creationTimestamp"),
                    ],
                }],
            },
        });
        world.cluster.create(definition).unwrap();
        let widgets = "/apis/example.com/v1/namespaces/default/widgets";
        let widget = json!({ "apiVersion": "example.com/v1", "kind": "Widget", "metadata": { "name": "w" }, "spec": { "size": 3 } });
        world.post(widgets, widget).await;
        let answer = world.send("GET", widgets, &TABLE, Vec::new()).await;
        assert_eq!(answer.headers["warning"], r#"299 - "example.com/v1 Widget is deprecated""#);
        let (columns, rows) = shown(&answer.body);
        assert_eq!(columns, ["Name", "Size", "Ready", "Born"]);
        assert_eq!(rows, [&json!(["w", 3, null, "0s"])]);
    });
}

#[test]
fn a_line_of_columns_names_what_there_is() {
    let registry = crate::resources::Registry::builtin();
    for resource in registry.iter() {
        let object = json!({ "metadata": { "name": "x" } });
        let row =
            crate::table::row(resource, &object, crate::table::Include::Nothing, std::time::Duration::ZERO);
        let columns = crate::table::definitions(resource);
        assert_eq!(
            row["cells"].as_array().unwrap().len(),
            columns.as_array().unwrap().len(),
            "{}",
            resource.plural
        );
    }
}
