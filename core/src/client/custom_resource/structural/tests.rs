//! Schemas as schemars 1 makes them, and what becomes of them.

use serde_json::{Value, json};

use super::rewrite;

fn becomes(given: Value, expected: Value) {
    let Value::Object(expected) = expected else { panic!("{expected} is no schema") };
    assert_eq!(rewrite(given, "").unwrap(), expected);
}

fn refused(given: Value, words: &[&str]) {
    let error = rewrite(given, ".spec").unwrap_err().to_string();
    assert!(words.iter().all(|word| error.contains(word)), "{error}");
}

#[test]
fn optional_values_are_nullable() {
    becomes(json!({"type": ["string", "null"]}), json!({"type": "string", "nullable": true}));
    becomes(
        json!({"anyOf": [{"type": "object", "properties": {"a": {"type": "boolean"}}}, {"type": "null"}]}),
        json!({"type": "object", "nullable": true, "properties": {"a": {"type": "boolean"}}}),
    );
    becomes(
        json!({"type": ["string", "null"], "enum": ["A", null]}),
        json!({"type": "string", "nullable": true, "enum": ["A"]}),
    );
    becomes(
        json!({"anyOf": [{"type": "string", "enum": ["A"]}, {"type": "null"}]}),
        json!({"type": "string", "nullable": true, "enum": ["A"]}),
    );
}

#[test]
fn numbers_keep_their_bounds() {
    becomes(
        json!({"type": "integer", "format": "uint32", "minimum": 0, "exclusiveMaximum": 20, "default": null}),
        json!({"type": "integer", "minimum": 0, "maximum": 20, "exclusiveMaximum": true}),
    );
    becomes(json!({"type": "integer", "format": "int64"}), json!({"type": "integer", "format": "int64"}));
}

#[test]
fn variants_without_data_are_one_list() {
    becomes(
        json!({"description": "D", "oneOf": [
            {"type": "string", "const": "A", "description": "first"}, {"type": "string", "enum": ["B", "C"]},
        ]}),
        json!({"type": "string", "enum": ["A", "B", "C"], "description": "D\n\n- A: first"}),
    );
}

#[test]
fn variants_with_data_share_their_members() {
    becomes(
        json!({"oneOf": [
            {"type": "object", "properties": {"size": {"type": "integer"}}, "required": ["size"], "additionalProperties": false},
            {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"], "additionalProperties": false},
        ]}),
        json!({"type": "object", "properties": {"size": {"type": "integer"}, "name": {"type": "string"}},
            "oneOf": [{"required": ["size"]}, {"required": ["name"]}]}),
    );
    // By a tag, beside members of the struct it is flattened into.
    becomes(
        json!({"type": "object", "properties": {"id": {"type": "string"}}, "required": ["id"], "oneOf": [
            {"type": "object", "properties": {"t": {"const": "a"}, "x": {"type": "integer"}}, "required": ["t", "x"]},
            {"type": "object", "properties": {"t": {"const": "b"}}, "required": ["t"]},
        ]}),
        json!({"type": "object", "required": ["id"],
        "properties": {"id": {"type": "string"}, "t": {"type": "string", "enum": ["a", "b"]}, "x": {"type": "integer"}},
        "oneOf": [
            {"required": ["t", "x"], "properties": {"t": {"enum": ["a"]}}},
            {"required": ["t"], "properties": {"t": {"enum": ["b"]}}},
        ]}),
    );
    refused(
        json!({"oneOf": [
            {"type": "object", "properties": {"a": {"type": "integer"}}},
            {"type": "object", "properties": {"a": {"type": "string"}}},
        ]}),
        &[".spec.a:", "variant"],
    );
}

#[test]
fn a_number_or_a_text_is_int_or_string() {
    let expected = json!({"x-kubernetes-int-or-string": true});
    becomes(json!({"anyOf": [{"type": "integer", "format": "int32"}, {"type": "string"}]}), expected.clone());
    becomes(json!({"type": ["integer", "string"]}), expected.clone());
    becomes(expected.clone(), expected);
    refused(json!({"anyOf": [{"type": "boolean"}, {"type": "string"}]}), &[".spec:", "several types"]);
}

#[test]
fn maps_lists_and_anything() {
    becomes(
        json!({"type": "object", "additionalProperties": {"type": "string"}}),
        json!({"type": "object", "additionalProperties": {"type": "string"}}),
    );
    becomes(
        json!({"type": "object", "patternProperties": {r"^\d+$": {"type": "string"}}, "additionalProperties": false,
            "x-kubernetes-validations": [{"rule": "self.size() < 9"}]}),
        json!({"type": "object", "additionalProperties": {"type": "string"}, "x-kubernetes-validations": [
            {"rule": "self.size() < 9"},
            {"rule": r#"self.all(key, key.matches("^\\d+$"))"#, "message": r"each key must match ^\d+$"},
        ]}),
    );
    becomes(
        json!({"type": "object", "properties": {"a": true}, "additionalProperties": true}),
        json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true,
            "properties": {"a": {"x-kubernetes-preserve-unknown-fields": true}}}),
    );
    becomes(
        json!({"type": "array", "uniqueItems": true, "items": {"type": "string"}}),
        json!({"type": "array", "x-kubernetes-list-type": "set", "items": {"type": "string"}}),
    );
    becomes(
        json!({"type": "array", "prefixItems": [{"type": "number"}, {"type": "number"}], "minItems": 2, "maxItems": 2}),
        json!({"type": "array", "items": {"type": "number"}, "minItems": 2, "maxItems": 2}),
    );
    refused(json!({"prefixItems": [{"type": "number"}, {"type": "string"}]}), &[".spec:", "tuple"]);
}

#[test]
fn what_cannot_be_said_is_refused_by_name() {
    refused(json!({"$ref": "#/$defs/Node"}), &[".spec:", "holds itself", "schema_with"]);
    refused(json!({"type": "object", "properties": {"a": {"if": {}}}}), &[".spec.a:", "`if`"]);
    refused(json!({"type": "object", "properties": {"a": false}}), &[".spec.a:", "nothing fulfils"]);
    refused(json!({"type": "null"}), &["of several types, or of none"]);
}

#[test]
fn parts_are_one() {
    becomes(
        json!({"allOf": [
            {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]},
            {"type": "object", "properties": {"b": {"type": "string"}}, "required": ["b"]},
        ], "x-kubernetes-validations": [{"rule": "self.a != self.b"}]}),
        json!({"type": "object", "required": ["a", "b"],
            "properties": {"a": {"type": "string"}, "b": {"type": "string"}},
            "x-kubernetes-validations": [{"rule": "self.a != self.b"}]}),
    );
    refused(json!({"allOf": [{"type": "string"}, {"type": "integer"}]}), &["differ in `type`"]);
}
