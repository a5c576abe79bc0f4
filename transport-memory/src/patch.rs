//! The partial changes: JSON patch (RFC 6902), merge patch (RFC 7386), and strategic merge patch for built-in kinds.
//!
//! Strategic merge here knows the merge keys of the common lists by their field's name ([`merge_key`]); other lists are
//! replaced. Server-side apply is not served.

use serde_json::{Map, Value};

use crate::failure::Failure;

/// A patch that was read.
#[derive(Debug, Clone)]
pub(crate) enum Change {
    Json(Value),
    Merge(Value),
    Strategic(Value),
}

impl Change {
    /// Applies it.
    pub(crate) fn apply(&self, object: &mut Value) -> Result<(), Failure> {
        match self {
            Self::Json(patch) => json_patch(object, patch),
            Self::Merge(patch) => {
                merge(object, patch);
                Ok(())
            }
            Self::Strategic(patch) => {
                strategic(object, patch, "");
                Ok(())
            }
        }
    }
}

/// RFC 7386.
pub(crate) fn merge(target: &mut Value, patch: &Value) {
    let Value::Object(patch) = patch else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = Value::Object(Map::new());
    }
    for (name, value) in patch {
        if value.is_null() {
            if let Some(members) = target.as_object_mut() {
                members.remove(name);
            }
        } else {
            merge(&mut target[name.as_str()], value);
        }
    }
}

/// The key by which items of a list called `field` are the same item, or `None` where a patch replaces the list.
fn merge_key(field: &str, sample: &Value) -> Option<&'static str> {
    let key = match field {
        "containers"
        | "initContainers"
        | "ephemeralContainers"
        | "volumes"
        | "env"
        | "imagePullSecrets"
        | "secrets"
        | "resourceClaims" => "name",
        "conditions" => "type",
        "ownerReferences" => "uid",
        "volumeMounts" => "mountPath",
        "volumeDevices" => "devicePath",
        "hostAliases" | "podIPs" | "hostIPs" => "ip",
        "topologySpreadConstraints" => "topologyKey",
        "addresses" => "type",
        "ports" if sample.get("containerPort").is_some() => "containerPort",
        "ports" => "port",
        _ => return None,
    };
    sample.get(key).is_some().then_some(key)
}

/// Lays `patch` over `target`; `field` is the name under which `target` stands.
fn strategic(target: &mut Value, patch: &Value, field: &str) {
    match patch {
        Value::Object(members) => strategic_object(target, members),
        Value::Array(items) => strategic_list(target, items, field),
        _ => *target = patch.clone(),
    }
}

fn strategic_object(target: &mut Value, patch: &Map<String, Value>) {
    if patch.get("$patch").and_then(Value::as_str) == Some("replace") || !target.is_object() {
        *target = Value::Object(Map::new());
    }
    for (name, value) in patch {
        if let Some(list) = name.strip_prefix("$deleteFromPrimitiveList/") {
            let gone: Vec<_> = value.as_array().into_iter().flatten().collect();
            if let Some(items) = target.get_mut(list).and_then(Value::as_array_mut) {
                items.retain(|item| !gone.contains(&item));
            }
        } else if name.starts_with('$') {
            // Directives of order ($setElementOrder, $retainKeys) change no item.
        } else if value.is_null() || value.get("$patch").and_then(Value::as_str) == Some("delete") {
            if let Some(members) = target.as_object_mut() {
                members.remove(name);
            }
        } else {
            strategic(&mut target[name.as_str()], value, name);
        }
    }
}

fn strategic_list(target: &mut Value, patch: &[Value], field: &str) {
    let keyed = patch.iter().find_map(|item| merge_key(field, item));
    let (Some(key), Some(items)) = (keyed, target.as_array_mut()) else {
        if field == "finalizers" && target.is_array() {
            add_missing(target, patch);
        } else {
            let mut items = patch.to_vec();
            items.retain(|item| item.get("$patch").is_none());
            *target = Value::Array(items);
        }
        return;
    };
    for change in patch {
        let same = |item: &Value| item.get(key).is_some() && item.get(key) == change.get(key);
        if change.get("$patch").and_then(Value::as_str) == Some("delete") {
            items.retain(|item| !same(item));
        } else if let Some(item) = items.iter_mut().find(|item| same(item)) {
            strategic(item, change, "");
        } else {
            items.push(change.clone());
        }
    }
}

fn add_missing(target: &mut Value, patch: &[Value]) {
    if let Some(items) = target.as_array_mut() {
        for item in patch {
            if !items.contains(item) {
                items.push(item.clone());
            }
        }
    }
}

/// RFC 6902. All operations or none.
fn json_patch(object: &mut Value, patch: &Value) -> Result<(), Failure> {
    let Some(operations) = patch.as_array() else {
        return Err(Failure::bad_request("a JSON patch must be a list of operations"));
    };
    let mut changed = object.clone();
    for operation in operations {
        operate(&mut changed, operation).map_err(|why| Failure::new(422, "Invalid", why))?;
    }
    *object = changed;
    Ok(())
}

fn operate(object: &mut Value, operation: &Value) -> Result<(), String> {
    let member = |name: &str| operation.get(name).and_then(Value::as_str);
    let (name, path) = (member("op").unwrap_or_default(), member("path").unwrap_or_default());
    let fail = |why: &str| {
        format!("the server rejected our request due to an error in our request: {name} {path:?}: {why}")
    };
    let value = || operation.get("value").cloned().ok_or_else(|| fail("value is missing"));
    let from = || member("from").ok_or_else(|| fail("from is missing"));
    let missing = || fail("nothing is there");
    match name {
        "add" => add(object, path, value()?).ok_or_else(missing),
        "remove" => remove(object, path).map(drop).ok_or_else(missing),
        "replace" => {
            *object.pointer_mut(path).ok_or_else(missing)? = value()?;
            Ok(())
        }
        "move" => {
            let moved = remove(object, from()?).ok_or_else(missing)?;
            add(object, path, moved).ok_or_else(missing)
        }
        "copy" => {
            let copied = object.pointer(from()?).cloned().ok_or_else(missing)?;
            add(object, path, copied).ok_or_else(missing)
        }
        "test" if object.pointer(path) == Some(&value()?) => Ok(()),
        "test" => Err(fail("the value differs")),
        _ => Err(fail("there is no such operation")),
    }
}

fn add(object: &mut Value, path: &str, value: Value) -> Option<()> {
    if path.is_empty() {
        *object = value;
        return Some(());
    }
    let (parent, last) = path.rsplit_once('/')?;
    match object.pointer_mut(parent)? {
        Value::Object(members) => {
            members.insert(unescape(last), value);
        }
        Value::Array(items) if last == "-" => items.push(value),
        Value::Array(items) => {
            let index = last.parse().ok().filter(|index| *index <= items.len())?;
            items.insert(index, value);
        }
        _ => return None,
    }
    Some(())
}

fn remove(object: &mut Value, path: &str) -> Option<Value> {
    let (parent, last) = path.rsplit_once('/')?;
    match object.pointer_mut(parent)? {
        Value::Object(members) => members.remove(&unescape(last)),
        Value::Array(items) => {
            let index = last.parse().ok().filter(|index| *index < items.len())?;
            Some(items.remove(index))
        }
        _ => None,
    }
}

fn unescape(token: &str) -> String {
    token.replace("~1", "/").replace("~0", "~")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn after(change: &Change, mut object: Value) -> Value {
        change.apply(&mut object).unwrap();
        object
    }

    #[test]
    fn merge_patches_lay_over_and_remove() {
        let object = json!({ "a": { "b": 1, "c": 2 }, "d": [1] });
        let patch = json!({ "a": { "b": null, "e": { "f": null, "g": 1 } }, "d": [2] });
        assert_eq!(
            after(&Change::Merge(patch), object),
            json!({ "a": { "c": 2, "e": { "g": 1 } }, "d": [2] })
        );
    }

    #[test]
    fn strategic_patches_merge_keyed_lists() {
        let object = json!({ "spec": {
            "containers": [{ "name": "web", "image": "web:1", "env": [{ "name": "A", "value": "1" }] }, { "name": "log", "image": "log:1" }],
            "tolerations": [{ "key": "x" }],
        }});
        let patch = json!({ "spec": {
            "$setElementOrder/containers": [{ "name": "web" }],
            "containers": [
                { "name": "web", "image": "web:2", "env": [{ "name": "B", "value": "2" }] },
                { "name": "log", "$patch": "delete" },
                { "name": "new", "image": "new:1" },
            ],
            "tolerations": [{ "key": "y" }],
        }});
        let expected = json!({ "spec": {
            "containers": [
                { "name": "web", "image": "web:2", "env": [{ "name": "A", "value": "1" }, { "name": "B", "value": "2" }] },
                { "name": "new", "image": "new:1" },
            ],
            "tolerations": [{ "key": "y" }],
        }});
        assert_eq!(after(&Change::Strategic(patch), object), expected);
    }

    #[test]
    fn strategic_patches_obey_their_directives() {
        let object = json!({ "metadata": { "finalizers": ["a", "b"] }, "data": { "x": "1" } });
        let patch = json!({
            "metadata": { "$deleteFromPrimitiveList/finalizers": ["a"], "finalizers": ["c"] },
            "data": { "$patch": "replace", "y": "2" },
        });
        let expected = json!({ "metadata": { "finalizers": ["b", "c"] }, "data": { "y": "2" } });
        assert_eq!(after(&Change::Strategic(patch), object), expected);
    }

    #[test]
    fn json_patches_do_all_or_nothing() {
        let object = json!({ "a": [1, 3], "b/c": 1 });
        let patch = json!([
            { "op": "add", "path": "/a/1", "value": 2 },
            { "op": "add", "path": "/a/-", "value": 4 },
            { "op": "test", "path": "/a", "value": [1, 2, 3, 4] },
            { "op": "move", "from": "/b~1c", "path": "/d" },
            { "op": "copy", "from": "/d", "path": "/e" },
            { "op": "replace", "path": "/e", "value": 9 },
            { "op": "remove", "path": "/a/0" },
        ]);
        assert_eq!(after(&Change::Json(patch), object.clone()), json!({ "a": [2, 3, 4], "d": 1, "e": 9 }));
        for bad in [
            json!([{ "op": "add", "path": "/x", "value": 1 }, { "op": "remove", "path": "/nothing" }]),
            json!([{ "op": "test", "path": "/a", "value": 1 }]),
            json!([{ "op": "add", "path": "/a/9", "value": 1 }]),
            json!([{ "op": "add", "path": "/a/0" }]),
            json!([{ "op": "jump", "path": "/a/0" }]),
            json!({ "op": "remove" }),
        ] {
            let mut same = object.clone();
            assert!(Change::Json(bad.clone()).apply(&mut same).is_err(), "{bad}");
            assert_eq!(same, object);
        }
    }
}
