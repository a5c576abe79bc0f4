//! What an object's JSON holds beyond its kind: an API server that knows only these fields drops it.

use serde_json::Value;

use super::schema::{Field, Kind, Message};

/// Drops the members that the kind does not have, and gives their paths, such as `spec.containers[0].imag`, in the order
/// of the members. `None` for a kind that is not known here.
pub fn drop_unknown(object: &mut Value, api_version: &str, kind: &str) -> Option<Vec<String>> {
    let message = Message::of(api_version, kind)?;
    let mut dropped = Vec::new();
    if let Some(members) = object.as_object_mut() {
        members.retain(|name, value| {
            matches!(name.as_str(), "apiVersion" | "kind") || keeps(message, name, value, "", &mut dropped)
        });
    }
    Some(dropped)
}

/// Whether `message`, which stands at `path`, has the member; what its value holds beyond that is dropped.
fn keeps(message: Message, name: &str, value: &mut Value, path: &str, dropped: &mut Vec<String>) -> bool {
    let path = if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
    let Some(field) = message.find(name) else {
        dropped.push(path);
        return false;
    };
    let Some(message) = within(field) else { return true };
    match value {
        Value::Object(entries) if field.is_map() => {
            for (key, value) in entries {
                walk(message, value, &format!("{path}.{key}"), dropped);
            }
        }
        value => walk(message, value, &path, dropped),
    }
    true
}

fn walk(message: Message, value: &mut Value, path: &str, dropped: &mut Vec<String>) {
    match value {
        Value::Array(items) => {
            for (index, item) in items.iter_mut().enumerate() {
                walk(message, item, &format!("{path}[{index}]"), dropped);
            }
        }
        Value::Object(members) => members.retain(|name, value| keeps(message, name, value, path, dropped)),
        _ => {}
    }
}

/// The message of the JSON objects in a field's values.
fn within(field: Field) -> Option<Message> {
    let inner = |number| field.message().field(number).and_then(within);
    match field.kind() {
        Kind::Message => Some(field.message()),
        Kind::Wrapper | Kind::SchemaOrArray | Kind::SchemaOrStrings => inner(1),
        Kind::SchemaOrBool => inner(2),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_what_the_kind_has_is_kept() {
        let known = json!({
            "apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": {"name": "web", "labels": {"any": "x"}, "managedFields": [{"fieldsV1": {"f:any": {}}}]},
            "spec": {
                "selector": {"matchLabels": {"app": "web"}},
                "template": {"spec": {
                    "containers": [{"name": "a", "resources": {"limits": {"cpu": 1}}, "ports": [{"containerPort": 1}]}],
                    "volumes": [{"name": "v", "hostPath": {"path": "/"}}],
                }},
            },
        });
        let mut object = known.clone();
        object["metadata"]["bogus"] = json!(1);
        object["spec"]["replica"] = json!(3);
        object["spec"]["template"]["spec"]["containers"][0]["ports"][0]["prot"] = json!("TCP");
        object["spec"]["template"]["spec"]["volumes"][0]["hostPath"]["pat"] = json!({"deep": [1]});
        let dropped = drop_unknown(&mut object, "apps/v1", "Deployment").unwrap();
        let expected = [
            "metadata.bogus",
            "spec.replica",
            "spec.template.spec.containers[0].ports[0].prot",
            "spec.template.spec.volumes[0].hostPath.pat",
        ];
        assert_eq!(dropped, expected);
        assert_eq!(object, known);
        assert_eq!(drop_unknown(&mut object, "example.com/v1", "Gadget"), None);
    }

    #[test]
    fn schemas_of_definitions_are_gone_through() {
        let schema = json!({
            "type": "object", "default": {"any": 1},
            "properties": {"list": {"items": {"type": "object", "additionalProperties": {"type": "string", "typ": 1}}}},
        });
        let mut object = json!({"spec": {"versions": [{"schema": {"openAPIV3Schema": schema}}]}});
        let dropped =
            drop_unknown(&mut object, "apiextensions.k8s.io/v1", "CustomResourceDefinition").unwrap();
        let place = "spec.versions[0].schema.openAPIV3Schema.properties.list.items.additionalProperties.typ";
        assert_eq!(dropped, [place]);
    }
}
