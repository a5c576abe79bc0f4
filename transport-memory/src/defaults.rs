//! The few defaults the server fills in: those that unit tests and `kubectl get` stumble over. This list is all of it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::resources::Resource;
use crate::value::{at, set, take};

/// One line per default: the resource with its group, the path (`[]` steps into each item), the value as JSON.
const DEFAULTS: &str = "\
secrets type \"Opaque\"
services spec.type \"ClusterIP\"
services spec.sessionAffinity \"None\"
services spec.ports[].protocol \"TCP\"
pods spec.containers[].ports[].protocol \"TCP\"
replicationcontrollers spec.replicas 1
deployments.apps spec.replicas 1
deployments.apps spec.template.spec.containers[].ports[].protocol \"TCP\"
replicasets.apps spec.replicas 1
replicasets.apps spec.template.spec.containers[].ports[].protocol \"TCP\"
statefulsets.apps spec.replicas 1
statefulsets.apps spec.template.spec.containers[].ports[].protocol \"TCP\"
daemonsets.apps spec.template.spec.containers[].ports[].protocol \"TCP\"
jobs.batch spec.parallelism 1
jobs.batch spec.completions 1
cronjobs.batch spec.suspend false
cronjobs.batch spec.concurrencyPolicy \"Allow\"
";

/// Fills in what `object` leaves open, and turns a Secret's `stringData` into data.
pub(crate) fn fill(resource: &Resource, object: &mut Value) {
    let name = resource.qualified();
    for line in DEFAULTS.lines() {
        let mut words = line.splitn(3, ' ');
        if words.next() == Some(&name)
            && let (Some(path), Some(value)) = (words.next(), words.next())
        {
            default(object, path, value);
        }
    }
    if name == "secrets"
        && let Some(Value::Object(plain)) = take(object, "stringData")
    {
        let mut data = at(object, "data").cloned().filter(Value::is_object).unwrap_or_else(|| json!({}));
        for (key, text) in plain {
            data[key] = STANDARD.encode(text.as_str().unwrap_or_default()).into();
        }
        set(object, "data", data);
    }
}

fn default(object: &mut Value, path: &str, value: &str) {
    match path.split_once("[].") {
        Some((list, rest)) => {
            let items = list.split('.').try_fold(object, |value, member| value.get_mut(member));
            for item in items.and_then(Value::as_array_mut).into_iter().flatten() {
                default(item, rest, value);
            }
        }
        None if at(object, path).is_none() => {
            set(object, path, serde_json::from_str::<Value>(value).unwrap_or_default());
        }
        None => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resources::Registry;

    fn filled(group: &str, plural: &str, mut object: Value) -> Value {
        let registry = Registry::builtin();
        fill(registry.find(group, "v1", plural).unwrap(), &mut object);
        object
    }

    #[test]
    fn defaults_fill_what_is_open() {
        assert_eq!(filled("apps", "deployments", json!({}))["spec"]["replicas"], 1);
        assert_eq!(
            filled("apps", "deployments", json!({ "spec": { "replicas": 0 } }))["spec"]["replicas"],
            0
        );
        let ports = filled(
            "",
            "services",
            json!({ "spec": { "ports": [{ "port": 1 }, { "port": 2, "protocol": "UDP" }] } }),
        );
        assert_eq!(
            ports["spec"]["ports"],
            json!([{ "port": 1, "protocol": "TCP" }, { "port": 2, "protocol": "UDP" }])
        );
        let secret = filled("", "secrets", json!({ "data": { "a": "eA==" }, "stringData": { "b": "y" } }));
        assert_eq!(secret, json!({ "data": { "a": "eA==", "b": "eQ==" }, "type": "Opaque" }));
    }

    #[test]
    fn every_line_names_a_resource_and_a_value() {
        let registry = Registry::builtin();
        for line in DEFAULTS.lines() {
            let words: Vec<_> = line.splitn(3, ' ').collect();
            assert!(registry.iter().any(|resource| resource.qualified() == words[0]), "{line}");
            assert!(serde_json::from_str::<Value>(words[2]).is_ok(), "{line}");
        }
    }
}
