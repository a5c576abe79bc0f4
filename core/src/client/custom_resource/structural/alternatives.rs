//! `oneOf` and `anyOf`: what enums and `Option`s become. Their types and members are said once, outside; the branches
//! keep what tells them apart.

use serde_json::{Value, json};

use super::{INT_OR_STRING, PRESERVE, Schema, merge, rewrite, wrong};
use crate::error::Error;

/// Adds to `out` that one (or any) of `branches` holds.
pub(super) fn hoist(out: &mut Schema, word: &str, branches: Vec<Value>, at: &str) -> Result<(), Error> {
    let before = branches.len();
    let branches: Vec<Value> = branches.into_iter().filter(|branch| !is_null(branch)).collect();
    if branches.len() < before {
        out.insert("nullable".to_owned(), Value::Bool(true));
    }
    let branches: Result<Vec<Schema>, Error> =
        branches.into_iter().map(|branch| rewrite(branch, at)).collect();
    let mut branches = branches?;
    if branches.len() <= 1 {
        return branches.pop().map_or(Ok(()), |branch| merge(out, branch, at));
    }
    if branches.iter().any(|branch| branch.get("nullable") == Some(&Value::Bool(true))) {
        out.insert("nullable".to_owned(), Value::Bool(true));
    }
    let kinds: Vec<Option<&str>> =
        branches.iter().map(|branch| branch.get("type").and_then(Value::as_str)).collect();
    let plain = branches.iter().all(|branch| !branch.contains_key("enum"));
    match kinds.as_slice() {
        [Some("integer"), Some("string")] | [Some("string"), Some("integer")] if plain => {
            out.insert(INT_OR_STRING.to_owned(), Value::Bool(true));
            Ok(())
        }
        [Some(kind), others @ ..] if others.iter().all(|other| *other == Some(kind)) => {
            said_once(out, "type", (*kind).into(), at)?;
            if branches.iter().all(|branch| branch.contains_key("enum")) {
                values(out, branches, at)
            } else {
                restrictions(out, word, branches, at)
            }
        }
        _ => Err(wrong(at, "a choice between values of several types")),
    }
}

/// Adds a member that several branches may name: their schemas are the same, or enumerate texts.
pub(super) fn add_property(there: &mut Schema, name: String, schema: Value, at: &str) -> Result<(), Error> {
    let Some(known) = there.get_mut(&name) else {
        there.insert(name, schema);
        return Ok(());
    };
    if without_description(known) == without_description(&schema) {
        return Ok(());
    }
    let (Some(Value::Array(values)), Some(more)) = (known.get_mut("enum"), schema.get("enum")) else {
        return Err(wrong(&format!("{at}.{name}"), "a member whose type differs from variant to variant"));
    };
    let more: Vec<Value> =
        more.as_array().into_iter().flatten().filter(|value| !values.contains(value)).cloned().collect();
    values.extend(more);
    if let Value::Object(known) = known {
        known.remove("description"); // it spoke of one variant
    }
    Ok(())
}

/// Variants without data: one list of values. What each says of itself goes into the description.
fn values(out: &mut Schema, branches: Vec<Schema>, at: &str) -> Result<(), Error> {
    let (mut values, mut lines) = (Vec::new(), Vec::new());
    for mut branch in branches {
        let Some(Value::Array(of_branch)) = branch.remove("enum") else { continue };
        if let (Some(text), [Value::String(value)]) =
            (branch.get("description").and_then(Value::as_str), of_branch.as_slice())
        {
            lines.push(format!("- {value}: {text}"));
        }
        values.extend(of_branch);
    }
    if !lines.is_empty() {
        let before = out.get("description").and_then(Value::as_str).map(|text| format!("{text}\n\n"));
        let text = before.unwrap_or_default() + &lines.join("\n");
        out.insert("description".to_owned(), text.into());
    }
    said_once(out, "enum", Value::Array(values), at)
}

/// Variants with data: members go out, and each branch says which of them it requires and what their values are.
fn restrictions(out: &mut Schema, word: &str, branches: Vec<Schema>, at: &str) -> Result<(), Error> {
    let mut kept = Vec::new();
    for mut branch in branches {
        for said_outside in ["type", "description", "default", "nullable"] {
            branch.remove(said_outside);
        }
        if branch.remove(PRESERVE).is_some() {
            out.insert(PRESERVE.to_owned(), Value::Bool(true));
        }
        if branch.contains_key("additionalProperties") || branch.contains_key("items") {
            return Err(wrong(at, "a choice between maps or lists"));
        }
        let mut only = Schema::new();
        if let Some(Value::Object(properties)) = branch.remove("properties") {
            let all = out.entry("properties").or_insert_with(|| json!({}));
            let Value::Object(all) = all else { continue };
            for (name, schema) in properties {
                if let Some(values) = schema.get("enum") {
                    only.insert(name.clone(), json!({ "enum": values }));
                }
                add_property(all, name, schema, at)?;
            }
        }
        if !only.is_empty() {
            branch.insert("properties".to_owned(), Value::Object(only));
        }
        kept.push(Value::Object(branch));
    }
    merge(out, Schema::from_iter([(word.to_owned(), Value::Array(kept))]), at)
}

fn said_once(out: &mut Schema, word: &str, value: Value, at: &str) -> Result<(), Error> {
    match out.get(word) {
        Some(there) if *there != value => Err(wrong(at, &format!("parts that differ in `{word}`"))),
        _ => {
            out.insert(word.to_owned(), value);
            Ok(())
        }
    }
}

fn is_null(branch: &Value) -> bool {
    branch.get("type").is_some_and(|kind| kind == "null")
        || branch.get("enum").is_some_and(|values| *values == json!([null]))
        || branch.get("const").is_some_and(Value::is_null)
}

fn without_description(schema: &Value) -> Value {
    let mut schema = schema.clone();
    if let Value::Object(schema) = &mut schema {
        schema.remove("description");
    }
    schema
}
