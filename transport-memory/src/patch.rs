//! The partial changes: JSON patch (RFC 6902) and merge patch (RFC 7386); the others have modules of their own.

use serde_json::{Map, Value};

use crate::change::Manager;
use crate::failure::Failure;
use crate::resources::Resource;

/// A patch that was read.
#[derive(Debug, Clone)]
pub(crate) enum Patch {
    Json(Value),
    Merge(Value),
    /// A strategic merge patch.
    #[cfg(feature = "full")]
    Strategic(Value),
    /// Server-side apply of what is wanted.
    #[cfg(feature = "full")]
    Apply {
        wanted: Value,
        force: bool,
    },
}

impl Patch {
    /// Whether it is a server-side apply, which says who applies and creates what is not there.
    pub(crate) fn is_apply(&self) -> bool {
        #[cfg(feature = "full")]
        return matches!(self, Self::Apply { .. });
        #[cfg(not(feature = "full"))]
        false
    }

    /// The patch as it came.
    #[cfg(feature = "full")]
    pub(crate) fn value(&self) -> &Value {
        let (Self::Json(value)
        | Self::Merge(value)
        | Self::Strategic(value)
        | Self::Apply { wanted: value, .. }) = self;
        value
    }

    /// Lays it over an object of `resource`, or over `{}` if it may create one. An apply needs its `manager` and the
    /// time.
    pub(crate) fn apply(
        self,
        resource: &Resource,
        object: &mut Value,
        manager: Manager<'_>,
        now: &str,
    ) -> Result<(), Failure> {
        match self {
            Self::Json(patch) => json_patch(object, &patch)?,
            Self::Merge(patch) => merge(object, &patch),
            #[cfg(feature = "full")]
            Self::Strategic(patch) => {
                crate::strategic::merge(object, patch, crate::merging::Place::root(resource))?;
            }
            #[cfg(feature = "full")]
            Self::Apply { wanted, force } => {
                *object = crate::managed::apply(resource, object, wanted, manager, force, now)?;
            }
        }
        Ok(())
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

/// RFC 6902. All operations or none.
fn json_patch(object: &mut Value, patch: &Value) -> Result<(), Failure> {
    let Some(operations) = patch.as_array() else {
        return Err(Failure::bad_request("a JSON patch must be a list of operations"));
    };
    let mut changed = object.clone();
    for operation in operations {
        // As the server's, it says no more.
        let refuse =
            || Failure::new(422, "Invalid", "the server rejected our request due to an error in our request");
        operate(&mut changed, operation).ok_or_else(refuse)?;
    }
    *object = changed;
    Ok(())
}

/// `None` when the operation is none, or about something that is not there.
fn operate(object: &mut Value, operation: &Value) -> Option<()> {
    let member = |name: &str| operation.get(name).and_then(Value::as_str);
    let path = member("path").unwrap_or_default();
    let value = || operation.get("value").cloned();
    match member("op")? {
        "add" => add(object, path, value()?),
        "remove" => remove(object, path).map(drop),
        "replace" => {
            *object.pointer_mut(path)? = value()?;
            Some(())
        }
        "move" => {
            let moved = remove(object, member("from")?)?;
            add(object, path, moved)
        }
        "copy" => {
            let copied = object.pointer(member("from")?)?.clone();
            add(object, path, copied)
        }
        "test" => (object.pointer(path) == Some(&value()?)).then_some(()),
        _ => None,
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

    fn apply(patch: Patch, object: &mut Value) -> Result<(), Failure> {
        let registry = crate::resources::Registry::builtin();
        let resource = registry.find("", "v1", "configmaps").unwrap();
        patch.apply(resource, object, Manager { name: "test", subresource: "" }, "")
    }

    fn after(patch: Patch, mut object: Value) -> Value {
        apply(patch, &mut object).unwrap();
        object
    }

    #[test]
    fn merge_patches_lay_over_and_remove() {
        let object = json!({ "a": { "b": 1, "c": 2 }, "d": [1] });
        let patch = json!({ "a": { "b": null, "e": { "f": null, "g": 1 } }, "d": [2] });
        assert_eq!(after(Patch::Merge(patch), object), json!({ "a": { "c": 2, "e": { "g": 1 } }, "d": [2] }));
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
        assert_eq!(after(Patch::Json(patch), object.clone()), json!({ "a": [2, 3, 4], "d": 1, "e": 9 }));
        for bad in [
            json!([{ "op": "add", "path": "/x", "value": 1 }, { "op": "remove", "path": "/nothing" }]),
            json!([{ "op": "test", "path": "/a", "value": 1 }]),
            json!([{ "op": "add", "path": "/a/9", "value": 1 }]),
            json!([{ "op": "add", "path": "/a/0" }]),
            json!([{ "op": "jump", "path": "/a/0" }]),
            json!({ "op": "remove" }),
        ] {
            let mut same = object.clone();
            assert!(apply(Patch::Json(bad.clone()), &mut same).is_err(), "{bad}");
            assert_eq!(same, object);
        }
    }
}
