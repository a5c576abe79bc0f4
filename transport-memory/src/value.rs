//! Reading and writing members of a JSON object by dotted path. A missing member reads as nothing, "" or an empty list.

use serde_json::Value;

/// What is at `path` (`spec.replicas`), if anything.
pub(crate) fn at<'a>(object: &'a Value, path: &str) -> Option<&'a Value> {
    path.split('.').try_fold(object, |value, member| value.get(member))
}

/// The text at `path`.
pub(crate) fn text<'a>(object: &'a Value, path: &str) -> &'a str {
    at(object, path).and_then(Value::as_str).unwrap_or_default()
}

/// The number at `path`.
pub(crate) fn integer(object: &Value, path: &str) -> Option<i64> {
    at(object, path).and_then(Value::as_i64)
}

/// The items of the list at `path`.
pub(crate) fn list<'a>(object: &'a Value, path: &str) -> impl Iterator<Item = &'a Value> + use<'a> {
    at(object, path).and_then(Value::as_array).into_iter().flatten()
}

/// Puts `value` at `path`, making the objects on the way. What stands in the way and is no object is replaced.
pub(crate) fn set(object: &mut Value, path: &str, value: impl Into<Value>) {
    let mut target = object;
    for member in path.split('.') {
        if !target.is_object() {
            *target = Value::Null;
        }
        // Indexing null by a name makes it an object.
        target = &mut target[member];
    }
    *target = value.into();
}

/// Takes out what is at `path`.
pub(crate) fn take(object: &mut Value, path: &str) -> Option<Value> {
    let (parent, member) = path.rsplit_once('.').unwrap_or(("", path));
    let mut target = object;
    for step in parent.split('.').filter(|step| !step.is_empty()) {
        target = target.get_mut(step)?;
    }
    target.as_object_mut()?.remove(member)
}

/// Puts `value` at `path`, or takes out what is there when it is `None`.
pub(crate) fn put(object: &mut Value, path: &str, value: Option<Value>) {
    match value {
        Some(value) => set(object, path, value),
        None => drop(take(object, path)),
    }
}

/// Takes out every member that is null.
pub(crate) fn drop_nulls(value: &mut Value) {
    match value {
        Value::Object(members) => {
            members.retain(|_, value| !value.is_null());
            members.values_mut().for_each(drop_nulls);
        }
        Value::Array(items) => items.iter_mut().for_each(drop_nulls),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn paths_read_write_and_remove() {
        let mut object = json!({ "spec": { "replicas": 3 }, "status": null });
        assert_eq!(integer(&object, "spec.replicas"), Some(3));
        set(&mut object, "status.phase", "Running");
        set(&mut object, "metadata.labels.app", "web");
        assert_eq!((text(&object, "status.phase"), text(&object, "metadata.labels.app")), ("Running", "web"));
        assert_eq!(take(&mut object, "spec.replicas"), Some(json!(3)));
        assert_eq!(take(&mut object, "spec.nothing.there"), None);
        put(&mut object, "status", None);
        assert_eq!(object, json!({ "spec": {}, "metadata": { "labels": { "app": "web" } } }));
    }
}
