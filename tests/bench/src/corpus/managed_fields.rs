//! `metadata.managedFields` as the API server keeps them: who owns which field.

use serde_json::{Map, Value, json};

/// The entry of `manager` for what `owned` holds.
pub(crate) fn entry(manager: &str, time: &str, subresource: Option<&str>, owned: &Value) -> Value {
    let mut entry = json!({
        "manager": manager,
        "operation": "Update",
        "apiVersion": "v1",
        "time": time,
        "fieldsType": "FieldsV1",
        "fieldsV1": fields(owned),
    });
    if let Some(subresource) = subresource {
        entry["subresource"] = subresource.into();
    }
    entry
}

/// What has one owner as a whole, whatever its members: the types that the API marks as atomic.
const ATOMIC: [&str; 3] = ["fieldRef", "ownerReferences", "secretKeyRef"];

/// Members become `f:name`, elements of a list of named things `k:{"name":"x"}`; what has no parts becomes `{}`.
fn fields(value: &Value) -> Value {
    let Value::Object(members) = value else { return json!({}) };
    let mut owned = Map::new();
    for (name, member) in members {
        let inner = match member {
            Value::Array(elements) => list(name, elements),
            _ if ATOMIC.contains(&name.as_str()) => json!({}),
            other => fields(other),
        };
        owned.insert(format!("f:{name}"), inner);
    }
    Value::Object(owned)
}

fn list(name: &str, elements: &[Value]) -> Value {
    let mut owned = Map::new();
    for element in elements {
        let Some(key) = ["uid", "name", "type", "mountPath"].iter().find(|key| element.get(**key).is_some())
        else {
            return json!({});
        };
        let mut inner = json!({});
        if !ATOMIC.contains(&name) {
            inner = fields(element);
            inner["."] = json!({});
        }
        owned.insert(format!("k:{}", json!({ *key: element[*key] })), inner);
    }
    owned.insert(".".to_owned(), json!({}));
    Value::Object(owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_spelled_as_the_server_spells_them() {
        let owned = json!({ "spec": { "containers": [{ "name": "app", "image": "a" }], "nodeName": "n" } });
        let expected = json!({ "f:spec": {
            "f:containers": { ".": {}, "k:{\"name\":\"app\"}": { ".": {}, "f:name": {}, "f:image": {} } },
            "f:nodeName": {},
        } });
        assert_eq!(fields(&owned), expected);
    }
}
