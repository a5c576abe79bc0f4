//! Views against what a plain filter and sort of the same objects gives.

use std::sync::Arc;

use portolan::object::Lazy;
use serde_json::{Value, json};

use super::{Held, Query, View};

fn pod(name: &str, phase: &str, restarts: u32, version: u32) -> Held {
    let pod = json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": name, "namespace": "n", "uid": name, "resourceVersion": version.to_string(),
            "labels": {"app": name.split('-').next().unwrap()}},
        "spec": {"nodeName": null, "containers": [{"image": "a"}, {"image": "b"}]},
        "status": {"phase": phase, "containerStatuses": [{"restartCount": restarts}, {"restartCount": 1}]},
    });
    Arc::new(Lazy::from_typed(&pod).unwrap())
}

fn query(value: Value) -> Query {
    let query: Query = serde_json::from_value(value).unwrap();
    query.check().unwrap();
    query
}

fn keys(view: &mut View) -> Vec<String> {
    let update = serde_json::to_value(view.update()).unwrap();
    let rows = update["rows"].as_array().unwrap().iter();
    rows.map(|row| row.as_str().or_else(|| row[0].as_str()).unwrap().trim_start_matches("n/").to_owned())
        .collect()
}

fn columns() -> Value {
    json!([
        {"name": "phase", "path": "status.phase"},
        {"name": "images", "path": "spec.containers[*].image"},
        {"name": "restarts", "path": "status.containerStatuses[*].restartCount", "take": "sum"},
        {"name": "node", "path": "spec.nodeName"},
    ])
}

#[test]
fn a_row_is_written_once_and_named_from_then_on() {
    let mut view = View::new(query(json!({"columns": columns()})), 0..2);
    for name in ["web-1", "web-2", "web-3"] {
        view.put(&pod(name, "Running", 2, 1));
    }
    let update = |view: &mut View| serde_json::to_value(view.update()).unwrap();
    let fresh = |name: &str, version: &str, phase: &str| {
        json!([format!("n/{name}"), name, version, [phase, "a, b", 3.0, null]])
    };
    let first = update(&mut view);
    assert_eq!(first["rows"], json!([fresh("web-1", "1", "Running"), fresh("web-2", "1", "Running")]));
    assert_eq!((&first["matched"], &first["start"]), (&json!(3), &json!(0)));
    view.put(&pod("web-2", "Failed", 2, 2));
    assert_eq!(update(&mut view)["rows"], json!(["n/web-1", fresh("web-2", "2", "Failed")]));
    view.set_window(1..9);
    assert_eq!(update(&mut view)["rows"], json!(["n/web-2", fresh("web-3", "1", "Running")]));
    view.set_window(7..9);
    assert_eq!(update(&mut view)["rows"], json!([]));
}

#[test]
fn rows_are_sorted_by_value_then_by_key() {
    let sort = json!([{"by": "restarts", "descending": true}, {"by": "metadata.labels.app"}]);
    let mut view = View::new(query(json!({"columns": columns(), "sort": sort})), 0..99);
    for (name, restarts) in [("web-2", 10), ("db-1", 9), ("web-1", 10), ("api-1", 10), ("new-1", 0)] {
        view.put(&pod(name, "Running", restarts, 1));
    }
    assert_eq!(keys(&mut view), ["api-1", "web-1", "web-2", "db-1", "new-1"]);
    view.put(&pod("new-1", "Running", 11, 2));
    view.remove(&"n/web-1".parse().unwrap());
    view.remove(&"n/never-there".parse().unwrap());
    assert_eq!(keys(&mut view), ["new-1", "api-1", "web-2", "db-1"]);
}

#[test]
fn a_filter_holds_in_all_its_parts() {
    let shown = |filter: Value| {
        let mut view = View::new(query(json!({"columns": columns(), "filter": filter})), 0..99);
        for (name, phase) in [("web-1", "Running"), ("web-2", "Failed"), ("db-1", "Running")] {
            view.put(&pod(name, phase, 1, 1));
        }
        keys(&mut view)
    };
    assert_eq!(shown(json!({"text": " RUNN web "})), ["web-1"]);
    assert_eq!(shown(json!({"labels": "app!=web"})), ["db-1"]);
    assert_eq!(shown(json!({"where": [{"path": "status.phase", "in": ["Failed", "Pending"]}]})), ["web-2"]);
    assert_eq!(shown(json!({"where": [{"path": "status.phase", "notIn": ["Failed"]}]})), ["db-1", "web-1"]);
    assert_eq!(shown(json!({"where": [{"path": "spec.nodeName", "exists": true}]})), [] as [&str; 0]);
    assert_eq!(
        shown(json!({"where": [{"path": "status.containerStatuses[*].restartCount", "in": [1]}]})).len(),
        3
    );
}

#[test]
fn an_object_that_the_filter_no_longer_lets_through_loses_its_row_and_its_place_in_the_group() {
    let filter = json!({"where": [{"path": "status.phase", "notIn": ["Failed"]}]});
    let mut view = View::new(query(json!({"filter": filter, "group": "status.phase"})), 0..9);
    view.put(&pod("a", "Running", 1, 1));
    view.put(&pod("b", "Pending", 1, 1));
    assert_eq!(json!(view.update().groups), json!({"Running": 1, "Pending": 1}));
    view.put(&pod("b", "Failed", 1, 2));
    let update = view.update();
    assert_eq!((json!(update.groups), update.matched), (json!({"Running": 1}), 1));
}

#[test]
fn what_is_no_query_is_told() {
    let read = |value: Value| serde_json::from_value::<Query>(value).map_err(|error| error.to_string());
    assert!(read(json!({"colums": []})).unwrap_err().contains("colums"));
    assert!(read(json!({"filter": {"labels": "a=b=c"}})).is_err());
    let wrong = read(json!({"columns": [{"name": "a", "path": "spec..b"}]})).unwrap();
    assert!(wrong.check().unwrap_err().to_string().contains("spec..b"));
}

#[test]
fn under_random_changes_it_equals_a_plain_sort() {
    let sort = json!([{"by": "restarts"}]);
    let mut view = View::new(query(json!({"columns": columns(), "sort": sort})), 0..1000);
    let mut model = std::collections::BTreeMap::new();
    let mut seed = 7_u32;
    let mut random = |below: u32| {
        seed ^= seed << 13;
        seed ^= seed >> 17;
        seed ^= seed << 5;
        seed % below
    };
    for step in 0..3000 {
        let name = format!("p-{:02}", random(40));
        if random(3) == 0 {
            model.remove(&name);
            view.remove(&format!("n/{name}").parse().unwrap());
        } else {
            let restarts = random(5);
            model.insert(name.clone(), restarts);
            view.put(&pod(&name, "Running", restarts, step));
        }
        if random(4) == 0 {
            let mut expected: Vec<_> =
                model.iter().map(|(name, restarts)| (*restarts, name.clone())).collect();
            expected.sort();
            let expected: Vec<_> = expected.into_iter().map(|(_, name)| name).collect();
            assert_eq!(keys(&mut view), expected, "step {step}");
        }
    }
}
