//! Strategic merge patches of built-in kinds: `util/strategicpatch` of apimachinery 0.37, as the server uses it.

use serde_json::{Map, Value};

use crate::failure::Failure;
use crate::merging::Place;

/// What a patch says about how to lay it over, among its members.
const DIRECTIVE: &str = "$patch";
const RETAIN_KEYS: &str = "$retainKeys";
const ORDER: &str = "$setElementOrder/";
const DELETE_VALUES: &str = "$deleteFromPrimitiveList/";

/// Lays `patch` over `object`.
pub(crate) fn merge(object: &mut Value, patch: Value, place: Place<'_>) -> Result<(), Failure> {
    let Value::Object(patch) = patch else {
        return Err(Failure::bad_request("a strategic merge patch must be a JSON object"));
    };
    *object = Value::Object(merge_map(members(object.take()), patch, place).map_err(Failure::bad_request)?);
    Ok(())
}

fn members(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(members) => members,
        _ => Map::new(),
    }
}

fn merge_map(
    mut target: Map<String, Value>,
    mut patch: Map<String, Value>,
    place: Place<'_>,
) -> Result<Map<String, Value>, String> {
    match patch.remove(DIRECTIVE).as_ref().map(Value::as_str) {
        None => {}
        Some(Some("replace")) => return Ok(patch),
        Some(Some("delete")) => return Ok(Map::new()),
        Some(other) => {
            return Err(format!("unknown patch type {:?} found in {DIRECTIVE}", other.unwrap_or_default()));
        }
    }
    if let Some(keys) = patch.remove(RETAIN_KEYS) {
        let keys = keys.as_array().ok_or_else(|| format!("{RETAIN_KEYS} must be a list"))?.clone();
        target.retain(|name, _| keys.iter().any(|key| key == name));
    }
    let mut orders = Map::new();
    let mut rest = Map::new();
    for (name, value) in patch {
        if let Some(name) = name.strip_prefix(ORDER) {
            orders.insert(name.to_owned(), value);
        } else if let Some(name) = name.strip_prefix(DELETE_VALUES) {
            let gone = value.as_array().cloned().unwrap_or_default();
            if let Some(items) = target.get_mut(name).and_then(Value::as_array_mut) {
                items.retain(|item| !gone.contains(item));
            }
        } else {
            rest.insert(name, value);
        }
    }
    reorder(&mut target, &rest, &orders, place);
    for (name, value) in rest {
        let place = place.member(&name);
        let merged = match (target.remove(&name), value) {
            (_, Value::Null) => continue,
            (Some(Value::Object(there)), Value::Object(patch)) => {
                Value::Object(merge_map(there, patch, place)?)
            }
            (Some(Value::Array(there)), Value::Array(patch)) => match place.patch_key() {
                Some(key) => {
                    let order = orders.get(&name).and_then(Value::as_array);
                    Value::Array(merge_list(there, patch, key, order, place.item())?)
                }
                None => Value::Array(patch),
            },
            (_, value) => match plain(value) {
                Some(value) => value,
                None => continue,
            },
        };
        target.insert(name, merged);
    }
    Ok(target)
}

/// Orders the lists for which an order is given and nothing else.
fn reorder(
    target: &mut Map<String, Value>,
    patch: &Map<String, Value>,
    orders: &Map<String, Value>,
    place: Place<'_>,
) {
    for (name, order) in orders.iter().filter(|(name, _)| !patch.contains_key(*name)) {
        if let Some(Value::Array(items)) = target.get_mut(name)
            && let (Some(key), Some(order)) = (place.member(name).patch_key(), order.as_array())
        {
            *items = ordered(items.clone(), items, order, key);
        }
    }
}

fn merge_list(
    there: Vec<Value>,
    patch: Vec<Value>,
    key: &str,
    order: Option<&Vec<Value>>,
    place: Place<'_>,
) -> Result<Vec<Value>, String> {
    let before = there.clone();
    let (mut items, mut changes) = (there, Vec::new());
    for change in patch {
        match change.get(DIRECTIVE).and_then(Value::as_str) {
            Some("delete") => items.retain(|item| !is_same(item, &change, key)),
            Some("replace") => items.clear(),
            _ => changes.push(change),
        }
    }
    for change in &changes {
        if !key.is_empty() && change.get(key).is_none() {
            return Err(format!("map: {change} does not contain declared merge key: {key}"));
        }
        match items.iter_mut().find(|item| is_same(item, change, key)) {
            Some(item) if !key.is_empty() => {
                *item = Value::Object(merge_map(members(item.take()), members(change.clone()), place)?);
            }
            Some(_) => {}
            None => items.extend(plain(change.clone())),
        }
    }
    Ok(ordered(items, &before, order.unwrap_or(&changes), key))
}

fn is_same(item: &Value, other: &Value, key: &str) -> bool {
    if key.is_empty() { item == other } else { item.get(key).is_some() && item.get(key) == other.get(key) }
}

/// The items that `order` names in its order, and among them the others, each before what it was before.
fn ordered(items: Vec<Value>, before: &[Value], order: &[Value], key: &str) -> Vec<Value> {
    let position = |list: &[Value], item: &Value| list.iter().position(|other| is_same(other, item, key));
    let (mut named, others): (Vec<_>, Vec<_>) =
        items.into_iter().partition(|item| position(order, item).is_some());
    named.sort_by_key(|item| position(order, item));
    let (mut named, mut others) = (named.into_iter().peekable(), others.into_iter().peekable());
    let mut all = Vec::new();
    loop {
        let other_first = match (others.peek(), named.peek()) {
            (None, None) => return all,
            (Some(_), None) => true,
            (None, Some(_)) => false,
            (Some(other), Some(named)) => match (position(before, other), position(before, named)) {
                (Some(other), Some(named)) => other < named,
                _ => false,
            },
        };
        all.extend(if other_first { others.next() } else { named.next() });
    }
}

/// The value without directives and nulls; `None` when it says how to be laid over something, for nothing is there.
fn plain(value: Value) -> Option<Value> {
    match value {
        Value::Null => None,
        Value::Object(members) => {
            if members.contains_key(DIRECTIVE) {
                return None;
            }
            let members = members.into_iter().filter(|(name, _)| !is_directive(name));
            Some(Value::Object(members.filter_map(|(name, value)| Some((name, plain(value)?))).collect()))
        }
        Value::Array(items) => Some(Value::Array(items.into_iter().filter_map(plain).collect())),
        other => Some(other),
    }
}

fn is_directive(name: &str) -> bool {
    matches!(name, DIRECTIVE | RETAIN_KEYS) || name.starts_with(ORDER) || name.starts_with(DELETE_VALUES)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resources::Registry;
    use serde_json::json;

    fn after(patch: Value, mut object: Value) -> Value {
        let registry = Registry::builtin();
        merge(&mut object, patch, Place::root(registry.find("", "v1", "pods").unwrap())).unwrap();
        object
    }

    #[test]
    fn keyed_lists_merge_in_the_order_of_the_patch() {
        let object = json!({ "spec": {
            "containers": [
                { "name": "web", "image": "web:1", "env": [{ "name": "A", "value": "1" }] },
                { "name": "log", "image": "log:1" },
                { "name": "side", "image": "side:1" },
            ],
            "tolerations": [{ "key": "x" }],
        }});
        let patch = json!({ "spec": {
            "$setElementOrder/containers": [{ "name": "new" }, { "name": "web" }],
            "containers": [
                { "name": "web", "image": "web:2", "env": [{ "name": "B", "value": "2" }] },
                { "name": "log", "$patch": "delete" },
                { "name": "new", "image": "new:1", "command": null },
            ],
            "tolerations": [{ "key": "y" }],
        }});
        let expected = json!({ "spec": {
            "containers": [
                { "name": "new", "image": "new:1" },
                { "name": "web", "image": "web:2", "env": [{ "name": "B", "value": "2" }, { "name": "A", "value": "1" }] },
                { "name": "side", "image": "side:1" },
            ],
            "tolerations": [{ "key": "y" }],
        }});
        assert_eq!(after(patch, object), expected);
    }

    #[test]
    fn directives_are_obeyed_and_leave_no_trace() {
        let object = json!({
            "metadata": { "finalizers": ["a", "b"], "labels": { "x": "1", "y": "2" } },
            "spec": { "volumes": [{ "name": "v", "emptyDir": {} }], "securityContext": { "runAsUser": 1 } },
        });
        let patch = json!({
            "metadata": {
                "$deleteFromPrimitiveList/finalizers": ["a"],
                "finalizers": ["c"],
                "labels": { "$patch": "replace", "z": "3" },
            },
            "spec": {
                "volumes": [{ "name": "v", "$retainKeys": ["name", "hostPath"], "hostPath": { "path": "/" } }],
                "securityContext": null,
                "affinity": { "$retainKeys": ["nodeAffinity"], "nodeAffinity": {} },
            },
        });
        let expected = json!({
            "metadata": { "finalizers": ["c", "b"], "labels": { "z": "3" } },
            "spec": { "volumes": [{ "name": "v", "hostPath": { "path": "/" } }], "affinity": { "nodeAffinity": {} } },
        });
        assert_eq!(after(patch, object), expected);
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        let registry = Registry::builtin();
        let place = Place::root(registry.find("", "v1", "pods").unwrap());
        for patch in [
            json!([]),
            json!({ "metadata": { "$patch": "turn" } }),
            json!({ "spec": { "containers": [{ "image": "x" }] } }),
        ] {
            let mut object = json!({ "metadata": {}, "spec": { "containers": [] } });
            assert!(merge(&mut object, patch.clone(), place).is_err(), "{patch}");
        }
    }
}
