//! JSON Schema, as schemars makes it of a Rust type, rewritten into the structural schema that a
//! CustomResourceDefinition demands: every value has one type, said outside of `oneOf`, `anyOf` and `allOf`, which only
//! restrict; there are no references and no tuples.
//!
//! Invariant: what the schema lets through stays the same, or it is an error that names the field; only what a structural
//! schema has no words for and no validation needs (titles, examples, unknown formats, `additionalProperties: false`,
//! which pruning stands for) is dropped. The rules are those of apiextensions-apiserver 0.36
//! `pkg/apiserver/schema/structural.go` and `pkg/apis/apiextensions/validation`.

mod alternatives;

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::JSONSchemaProps;
use serde_json::{Map, Value, json};

use crate::error::Error;

/// A schema's keywords.
type Schema = Map<String, Value>;

const PRESERVE: &str = "x-kubernetes-preserve-unknown-fields";
const INT_OR_STRING: &str = "x-kubernetes-int-or-string";
const VALIDATIONS: &str = "x-kubernetes-validations";

/// Keywords that only describe.
const DROPPED: [&str; 10] = [
    "$schema",
    "$defs",
    "$id",
    "$comment",
    "title",
    "examples",
    "deprecated",
    "readOnly",
    "writeOnly",
    "unevaluatedProperties",
];

/// Keywords that stay as they are.
const KEPT: [&str; 14] = [
    "description",
    "default",
    "enum",
    "pattern",
    "minimum",
    "maximum",
    "multipleOf",
    "minLength",
    "maxLength",
    "minItems",
    "maxItems",
    "minProperties",
    "maxProperties",
    "required",
];

/// The formats that API servers know (`validation/formats.go`, and those of numbers); another one would be a warning at
/// every creation of the definition.
const FORMATS: [&str; 31] = [
    "bsonobjectid",
    "uri",
    "email",
    "hostname",
    "ipv4",
    "ipv6",
    "cidr",
    "mac",
    "uuid",
    "uuid3",
    "uuid4",
    "uuid5",
    "isbn",
    "isbn10",
    "isbn13",
    "creditcard",
    "ssn",
    "hexcolor",
    "rgbcolor",
    "byte",
    "password",
    "date",
    "date-time",
    "duration",
    "datetime",
    "k8s-short-name",
    "k8s-long-name",
    "int32",
    "int64",
    "float",
    "double",
];

/// The schema of a whole object.
pub(super) fn schema(schema: Value) -> Result<JSONSchemaProps, Error> {
    let rewritten = rewrite(schema, "")?;
    serde_json::from_value(Value::Object(rewritten))
        .map_err(|error| Error::config(format!("not a JSON Schema: {error}")))
}

/// One node; `at` is its path, such as `.spec.replicas`.
fn rewrite(schema: Value, at: &str) -> Result<Schema, Error> {
    let mut given = match schema {
        Value::Object(given) => given,
        Value::Bool(true) => return Ok(anything()),
        _ => return Err(wrong(at, "a schema that nothing fulfils")),
    };
    if given.contains_key("$ref") {
        return Err(wrong(at, "a type that holds itself"));
    }
    let mut out = Schema::new();
    for word in DROPPED {
        given.remove(word);
    }
    let parts =
        [take_list(&mut given, "allOf"), take_list(&mut given, "oneOf"), take_list(&mut given, "anyOf")];
    keywords(&mut given, &mut out, at)?;
    if let Some(word) = given.keys().next() {
        return Err(wrong(at, &format!("the keyword `{word}`")));
    }
    let [all, one, any] = parts;
    for part in all {
        merge(&mut out, rewrite(part, at)?, at)?;
    }
    alternatives::hoist(&mut out, "oneOf", one, at)?;
    alternatives::hoist(&mut out, "anyOf", any, at)?;
    complete(&mut out, at)?;
    Ok(out)
}

/// Everything but alternatives.
fn keywords(given: &mut Schema, out: &mut Schema, at: &str) -> Result<(), Error> {
    for word in KEPT {
        out.extend(given.remove(word).map(|value| (word.to_owned(), value)));
    }
    let extensions: Vec<String> = given.keys().filter(|word| word.starts_with("x-")).cloned().collect();
    for word in extensions.into_iter().chain(["nullable".to_owned()]) {
        out.extend(given.remove(&word).map(|value| (word, value)));
    }
    if out.get("default").is_some_and(Value::is_null) {
        out.remove("default");
    }
    kind(given.remove("type"), out, at)?;
    if let Some(value) = given.remove("const") {
        out.insert("enum".to_owned(), json!([value]));
    }
    values(out);
    let format = given.remove("format").filter(|format| FORMATS.iter().any(|known| format == known));
    out.extend(format.map(|format| ("format".to_owned(), format)));
    for (exclusive, bound) in [("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")] {
        if let Some(value) = given.remove(exclusive) {
            out.insert(bound.to_owned(), value);
            out.insert(exclusive.to_owned(), Value::Bool(true));
        }
    }
    items(given, out, at)?;
    properties(given, out, at)
}

/// `type`: one word, or one word and null.
fn kind(kind: Option<Value>, out: &mut Schema, at: &str) -> Result<(), Error> {
    let mut kinds = match kind {
        None => return Ok(()),
        Some(Value::Array(kinds)) => kinds,
        Some(kind) => vec![kind],
    };
    let before = kinds.len();
    kinds.retain(|kind| kind != "null");
    if kinds.len() < before {
        out.insert("nullable".to_owned(), Value::Bool(true));
    }
    match kinds.as_slice() {
        [kind] => {
            out.insert("type".to_owned(), kind.clone());
        }
        [a, b] if (a == "integer" && b == "string") || (a == "string" && b == "integer") => {
            out.insert(INT_OR_STRING.to_owned(), Value::Bool(true));
        }
        _ => return Err(wrong(at, "a value of several types, or of none")),
    }
    Ok(())
}

/// `enum`: null in it means that the field may be null, but API servers find null in no list of values (kube-openapi's
/// `EnumCase`), so such a field is left out rather than null. The others say the type where nothing else does.
fn values(out: &mut Schema) {
    let Some(Value::Array(values)) = out.get_mut("enum") else { return };
    let before = values.len();
    values.retain(|value| !value.is_null());
    let (nullable, first) = (values.len() < before, values.first().cloned());
    if nullable {
        out.insert("nullable".to_owned(), Value::Bool(true));
    }
    let kind = match first {
        Some(Value::String(_)) => "string",
        Some(Value::Bool(_)) => "boolean",
        Some(Value::Number(number)) if number.is_f64() => "number",
        Some(Value::Number(_)) => "integer",
        _ => return,
    };
    out.entry("type").or_insert_with(|| kind.into());
}

/// `items`, and a set or a tuple of one type.
fn items(given: &mut Schema, out: &mut Schema, at: &str) -> Result<(), Error> {
    let inside = format!("{at}[]");
    let mut items = given.remove("items").filter(|items| *items != Value::Bool(false));
    if let Some(Value::Array(places)) = given.remove("prefixItems") {
        let mut places = places.into_iter();
        items = items.or(places.next());
        if places.any(|place| Some(&place) != items.as_ref()) {
            return Err(wrong(at, "a tuple of several types"));
        }
    }
    if let Some(items) = items {
        let items = rewrite(items, &inside)?;
        let scalar = items.get("type").is_some_and(|kind| kind != "object" && kind != "array");
        if given.remove("uniqueItems") == Some(Value::Bool(true)) && scalar {
            out.entry("x-kubernetes-list-type").or_insert_with(|| "set".into());
        }
        out.insert("items".to_owned(), Value::Object(items));
    }
    given.remove("uniqueItems");
    Ok(())
}

/// `properties`, and the rest of an object's members.
fn properties(given: &mut Schema, out: &mut Schema, at: &str) -> Result<(), Error> {
    if let Some(Value::Object(properties)) = given.remove("properties") {
        let mut inner = Schema::new();
        for (name, schema) in properties {
            let inside = format!("{at}.{name}");
            inner.insert(name, Value::Object(rewrite(schema, &inside)?));
        }
        out.insert("properties".to_owned(), Value::Object(inner));
    }
    let mut rest = given.remove("additionalProperties");
    if let Some(Value::Object(patterns)) = given.remove("patternProperties") {
        let mut patterns = patterns.into_iter();
        if let (Some((pattern, schema)), None) = (patterns.next(), patterns.next()) {
            rest = Some(schema);
            require_keys(&pattern, out);
        } else {
            return Err(wrong(at, "a map of several types"));
        }
    }
    match rest {
        None | Some(Value::Bool(false)) => {}
        Some(Value::Bool(true)) => {
            out.insert(PRESERVE.to_owned(), Value::Bool(true));
        }
        Some(_) if out.contains_key("properties") => {
            return Err(wrong(at, "named members beside a map of others"));
        }
        Some(schema) => {
            let schema = rewrite(schema, &format!("{at}.*"))?;
            out.insert("additionalProperties".to_owned(), Value::Object(schema));
        }
    }
    Ok(())
}

/// Every key of a map matches `pattern`: what a structural schema has only a rule for. Where such a map lies in a list or
/// map without a greatest size, an API server may find the rule too expensive and say so.
fn require_keys(pattern: &str, out: &mut Schema) {
    // A text of JSON is one of CEL too.
    let rule = format!("self.all(key, key.matches({}))", Value::from(pattern));
    let rule = json!({ "rule": rule, "message": format!("each key must match {pattern}") });
    if let Value::Array(rules) = out.entry(VALIDATIONS).or_insert_with(|| json!([])) {
        rules.push(rule);
    }
}

/// Says the type where only its parts say it.
fn complete(out: &mut Schema, at: &str) -> Result<(), Error> {
    if out.contains_key(INT_OR_STRING) {
        out.remove("type");
    } else if !out.contains_key("type") {
        if out.contains_key("properties") || out.contains_key("additionalProperties") {
            out.insert("type".to_owned(), "object".into());
        } else if out.contains_key("items") {
            out.insert("type".to_owned(), "array".into());
        } else {
            out.insert(PRESERVE.to_owned(), Value::Bool(true));
        }
    }
    if out.get("type").is_some_and(|kind| kind == "array") && !out.contains_key("items") {
        return Err(wrong(at, "a list of anything"));
    }
    Ok(())
}

/// Adds what `part` says of the same value.
fn merge(out: &mut Schema, part: Schema, at: &str) -> Result<(), Error> {
    for (word, value) in part {
        match (word.as_str(), out.get_mut(&word), value) {
            (_, None, value) => {
                out.insert(word, value);
            }
            ("description", Some(_), _) => {}
            ("properties", Some(Value::Object(there)), Value::Object(more)) => {
                for (name, schema) in more {
                    alternatives::add_property(there, name, schema, at)?;
                }
            }
            ("required" | "allOf", Some(Value::Array(there)), Value::Array(more)) => {
                let new: Vec<Value> = more.into_iter().filter(|name| !there.contains(name)).collect();
                there.extend(new);
            }
            ("oneOf" | "anyOf", Some(_), value) => {
                let all = out.entry("allOf").or_insert_with(|| json!([]));
                if let Value::Array(all) = all {
                    all.push(json!({ word: value }));
                }
            }
            (_, Some(there), value) if *there == value => {}
            _ => return Err(wrong(at, &format!("parts that differ in `{word}`"))),
        }
    }
    Ok(())
}

fn take_list(given: &mut Schema, word: &str) -> Vec<Value> {
    match given.remove(word) {
        Some(Value::Array(list)) => list,
        _ => Vec::new(),
    }
}

/// Whatever there is, kept.
fn anything() -> Schema {
    Schema::from_iter([(PRESERVE.to_owned(), Value::Bool(true))])
}

fn wrong(at: &str, what: &str) -> Error {
    let at = if at.is_empty() { "the object" } else { at };
    Error::config(format!(
        "{at}: {what} has no place in a structural schema; give the field a schema of its own with \
         `#[schemars(schema_with = …)]`, such as {{\"{PRESERVE}\": true}}, or another type"
    ))
}

#[cfg(test)]
mod tests;
