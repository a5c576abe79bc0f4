//! Fields that a kind does not have: they are dropped, and told as the client asks by `fieldValidation`.
//!
//! Built-in kinds are known by the tables of protobuf, custom ones by their schema.

use portolan::status::quoted;
use serde_json::{Map, Value};

use crate::failure::Failure;
use crate::request::Query;
use crate::resources::Resource;
use crate::value::{at, text};

/// What is to happen about unknown fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FieldValidation {
    Ignore,
    Warn,
    Strict,
}

impl FieldValidation {
    /// `options` is the kind of options that `fieldValidation` belongs to.
    pub(crate) fn read(query: &Query, options: &str) -> Result<Self, Failure> {
        match query.get("fieldValidation") {
            "" | "Warn" => Ok(Self::Warn),
            "Ignore" => Ok(Self::Ignore),
            "Strict" => Ok(Self::Strict),
            other => {
                let supported = ["", "Ignore", "Strict", "Warn"];
                Err(Failure::invalid_options(options, "fieldValidation", other, &supported))
            }
        }
    }

    /// Drops what the kind of `object` does not have, and gives what its sender is to be told of that. Where it is to be
    /// refused, it is by `refusal`.
    pub(crate) fn check(
        self,
        resource: &Resource,
        object: &mut Value,
        refusal: impl FnOnce(&[String]) -> Failure,
    ) -> Result<Vec<String>, Failure> {
        let dropped = drop_unknown(resource, object);
        let told: Vec<String> =
            dropped.iter().map(|path| format!("unknown field {}", quoted(path))).collect();
        match self {
            Self::Ignore => Ok(Vec::new()),
            Self::Strict if !told.is_empty() => Err(refusal(&told)),
            Self::Warn | Self::Strict => Ok(told),
        }
    }
}

/// Drops what the kind of `object`, one of `resource` or of a subresource, does not have, and gives the paths.
fn drop_unknown(resource: &Resource, object: &mut Value) -> Vec<String> {
    use portolan::codec::protobuf;
    let (api_version, kind) = match (text(object, "apiVersion"), text(object, "kind")) {
        ("", _) | (_, "") => (resource.api_version(), resource.kind.clone()),
        (api_version, kind) => (api_version.to_owned(), kind.to_owned()),
    };
    if !resource.custom || kind != resource.kind {
        return protobuf::drop_unknown(object, &api_version, &kind).unwrap_or_default();
    }
    let (Some(schema), Some(members)) = (&resource.schema, object.as_object_mut()) else {
        return Vec::new();
    };
    let mut dropped = metadata(members, "");
    Schema(schema).retain(members, "", true, &mut dropped);
    dropped
}

/// Server-side apply takes no field that the kind does not have, whatever `fieldValidation` says.
pub(crate) fn refuse_to_apply(resource: &Resource, wanted: &Value) -> Result<(), Failure> {
    let dropped = drop_unknown(resource, &mut wanted.clone());
    let lines: Vec<String> =
        dropped.iter().map(|path| format!(".{path}: field not declared in schema")).collect();
    let what = match lines.as_slice() {
        [] => return Ok(()),
        [one] => one.clone(),
        many => format!("errors:\n  {}", many.join("\n  ")),
    };
    let (namespace, name) = (text(wanted, "metadata.namespace"), text(wanted, "metadata.name"));
    Err(Failure::new(
        500,
        "",
        format!(
            "failed to create typed patch object ({namespace}/{name}; {}, Kind={}): {what}",
            resource.api_version(),
            resource.kind
        ),
    ))
}

/// Drops what the `metadata` among `members` hold beyond an object's.
fn metadata(members: &mut Map<String, Value>, path: &str) -> Vec<String> {
    let Some((name, metadata)) = members.remove_entry("metadata") else { return Vec::new() };
    let mut partial = Value::Object(Map::from_iter([(name, metadata)]));
    let dropped =
        portolan::codec::protobuf::drop_unknown(&mut partial, "meta.k8s.io/v1", "PartialObjectMetadata");
    members.extend(partial.as_object_mut().map(std::mem::take).unwrap_or_default());
    dropped.unwrap_or_default().into_iter().map(|inner| below(path, &inner)).collect()
}

/// A structural schema, or a part of one.
#[derive(Clone, Copy)]
struct Schema<'a>(&'a Value);

impl<'a> Schema<'a> {
    fn says(self, mark: &str) -> bool {
        self.0.get(mark) == Some(&Value::Bool(true))
    }

    /// The schema of a member; `Some(None)` when it may be anything, `None` when there is no such member.
    fn member(self, name: &str) -> Option<Option<Self>> {
        if let Some(known) = at(self.0, "properties").and_then(|all| all.get(name)) {
            return Some(Some(Schema(known)));
        }
        match self.0.get("additionalProperties") {
            Some(Value::Bool(true)) => Some(None),
            Some(schema @ Value::Object(_)) => Some(Some(Schema(schema))),
            _ => self.says("x-kubernetes-preserve-unknown-fields").then_some(None),
        }
    }

    /// Drops the members it does not know. A `whole` object has a type and metadata too.
    fn retain(self, members: &mut Map<String, Value>, path: &str, whole: bool, dropped: &mut Vec<String>) {
        members.retain(|name, value| {
            if whole && matches!(name.as_str(), "apiVersion" | "kind" | "metadata") {
                return true;
            }
            let path = below(path, name);
            match self.member(name) {
                Some(Some(schema)) => schema.walk(value, &path, dropped),
                Some(None) => {}
                None => {
                    dropped.push(path);
                    return false;
                }
            }
            true
        });
    }

    fn walk(self, value: &mut Value, path: &str, dropped: &mut Vec<String>) {
        match value {
            Value::Object(members) => {
                let whole = self.says("x-kubernetes-embedded-resource");
                if whole {
                    dropped.extend(metadata(members, path));
                }
                self.retain(members, path, whole, dropped);
            }
            Value::Array(items) => {
                let Some(schema) = self.0.get("items").map(Schema) else { return };
                for (index, item) in items.iter_mut().enumerate() {
                    schema.walk(item, &format!("{path}[{index}]"), dropped);
                }
            }
            _ => {}
        }
    }
}

fn below(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}
