//! The schemas of custom resources in their OpenAPI v3 document: as the real server publishes them, each that of its
//! definition with what all objects have. Of metadata the names and types of its fields are told, not what they mean.
//!
//! After apiextensions-apiserver's `pkg/controller/openapi/builder`, v0.37.

use serde_json::{Map, Value, json};

use crate::resources::Resource;
use crate::value::{list, set};

const CONVENTIONS: &str =
    "https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md";
const META: &str = "io.k8s.apimachinery.pkg.apis.meta.v1";

/// The schemas of the custom ones among `resources`, and of what these refer to.
pub(crate) fn of<'a>(resources: impl Iterator<Item = &'a Resource>) -> Map<String, Value> {
    let custom = resources.filter(|resource| resource.custom);
    let mut schemas: Map<_, _> = custom.map(|resource| (name(resource), published(resource))).collect();
    if !schemas.is_empty() {
        schemas.extend(of_metadata());
    }
    schemas
}

/// `com.example.v1.Widget`: the parts of the group stand in reverse.
fn name(resource: &Resource) -> String {
    let group: Vec<_> = resource.group.rsplit('.').collect();
    format!("{}.{}.{}", group.join("."), resource.version, resource.kind)
}

fn published(resource: &Resource) -> Value {
    let mut schema = match resource.schema.as_deref() {
        Some(schema) => schema.clone(),
        None => json!({ "type": "object" }),
    };
    complete(&mut schema);
    describe(
        &mut schema,
        "APIVersion defines the versioned schema of this representation of an object. Servers should convert recognized schemas to the latest internal value, and may reject unrecognized values.",
        "Kind is a string value representing the REST resource this object represents. Servers may infer this from the endpoint the client submits requests to. Cannot be updated. In CamelCase.",
    );
    let kind = json!([{ "group": resource.group, "version": resource.version, "kind": resource.kind }]);
    set(&mut schema, "x-kubernetes-group-version-kind", kind);
    schema
}

/// Adds what the server's extensions mean to those who do not know them.
fn complete(schema: &mut Value) {
    let says = |schema: &Value, extension: &str| schema[extension] == true;
    if says(schema, "x-kubernetes-int-or-string") && schema.get("anyOf").is_none() {
        set(schema, "anyOf", json!([{ "type": "integer" }, { "type": "string" }]));
    }
    let properties = schema.get_mut("properties").and_then(Value::as_object_mut);
    properties.into_iter().flatten().for_each(|(_, property)| complete(property));
    for part in ["items", "additionalProperties"] {
        schema.get_mut(part).filter(|part| part.is_object()).into_iter().for_each(complete);
    }
    if says(schema, "x-kubernetes-embedded-resource") {
        describe(
            schema,
            "apiVersion defines the versioned schema of this representation of an object.",
            "kind is a string value representing the type of this object. In CamelCase.",
        );
        let mut required: Vec<Value> = list(schema, "required").cloned().collect();
        for field in ["kind", "apiVersion"].map(Value::from) {
            if !required.contains(&field) {
                required.push(field);
            }
        }
        set(schema, "required", required);
    }
}

/// Gives the schema of an object what every object has.
fn describe(schema: &mut Value, api_version: &str, kind: &str) {
    let text = |what: &str, chapter: &str| json!({ "description": format!("{what} More info: {CONVENTIONS}#{chapter}"), "type": "string" });
    set(schema, "properties.apiVersion", text(api_version, "resources"));
    set(schema, "properties.kind", text(kind, "types-kinds"));
    let metadata = json!({
        "description": format!("Standard object's metadata. More info: {CONVENTIONS}#metadata"),
        "allOf": [reference("ObjectMeta")],
    });
    set(schema, "properties.metadata", metadata);
}

fn reference(kind: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{META}.{kind}") })
}

/// The kinds that metadata is made of.
fn of_metadata() -> [(String, Value); 5] {
    let text = || json!({ "type": "string" });
    let texts = || json!({ "type": "object", "additionalProperties": text() });
    let array = |items: Value| json!({ "type": "array", "items": items });
    let integer = || json!({ "type": "integer", "format": "int64" });
    let time = || json!({ "allOf": [reference("Time")] });
    let kinds = [
        (
            "ObjectMeta",
            json!({
                "description": "ObjectMeta is metadata that all persisted resources must have, which includes all objects users must create.",
                "type": "object",
                "properties": {
                    "annotations": texts(), "creationTimestamp": time(), "deletionGracePeriodSeconds": integer(),
                    "deletionTimestamp": time(), "finalizers": array(text()), "generateName": text(),
                    "generation": integer(), "labels": texts(), "managedFields": array(reference("ManagedFieldsEntry")),
                    "name": text(), "namespace": text(), "ownerReferences": array(reference("OwnerReference")),
                    "resourceVersion": text(), "selfLink": text(), "uid": text(),
                },
            }),
        ),
        (
            "ManagedFieldsEntry",
            json!({
                "type": "object",
                "properties": {
                    "apiVersion": text(), "fieldsType": text(), "fieldsV1": { "allOf": [reference("FieldsV1")] },
                    "manager": text(), "operation": text(), "subresource": text(), "time": time(),
                },
            }),
        ),
        (
            "OwnerReference",
            json!({
                "type": "object",
                "required": ["apiVersion", "kind", "name", "uid"],
                "properties": {
                    "apiVersion": text(), "blockOwnerDeletion": { "type": "boolean" }, "controller": { "type": "boolean" },
                    "kind": text(), "name": text(), "uid": text(),
                },
            }),
        ),
        ("FieldsV1", json!({ "type": "object" })),
        ("Time", json!({ "type": "string", "format": "date-time" })),
    ];
    kinds.map(|(kind, schema)| (format!("{META}.{kind}"), schema))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resources::Registry;

    /// What is published of Widgets in x.example.com, whose objects have `properties`.
    fn widgets(properties: &Value) -> Map<String, Value> {
        let schema = json!({ "type": "object", "description": "A widget.", "properties": properties });
        let version = json!({ "name": "v1", "served": true, "schema": { "openAPIV3Schema": schema } });
        let mut registry = Registry::builtin();
        registry.define(&json!({
            "metadata": { "name": "widgets.x.example.com" },
            "spec": {
                "group": "x.example.com", "scope": "Namespaced", "names": { "kind": "Widget", "plural": "widgets" },
                "versions": [version],
            },
        }));
        of(registry.iter().filter(|one| one.group == "x.example.com").map(AsRef::as_ref))
    }

    fn text(what: &str, chapter: &str) -> Value {
        json!({ "type": "string", "description": format!("{what} More info: {CONVENTIONS}#{chapter}") })
    }

    fn metadata() -> Value {
        json!({
            "description": format!("Standard object's metadata. More info: {CONVENTIONS}#metadata"),
            "allOf": [{ "$ref": "#/components/schemas/io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta" }],
        })
    }

    #[test]
    fn a_definition_s_schema_is_published_with_what_all_objects_have() {
        let short_name = json!({ "type": "object", "properties": { "name": { "maxLength": 5 } } });
        let schemas = widgets(&json!({ "metadata": short_name, "spec": { "type": "object" } }));
        let metas = ["FieldsV1", "ManagedFieldsEntry", "ObjectMeta", "OwnerReference", "Time"];
        let mut names = vec!["com.example.x.v1.Widget".to_owned()];
        names.extend(metas.map(|kind| format!("{META}.{kind}")));
        assert_eq!(schemas.keys().cloned().collect::<Vec<_>>(), names);
        let expected = json!({
            "type": "object",
            "description": "A widget.",
            "properties": {
                "apiVersion": text("APIVersion defines the versioned schema of this representation of an object. Servers should convert recognized schemas to the latest internal value, and may reject unrecognized values.", "resources"),
                "kind": text("Kind is a string value representing the REST resource this object represents. Servers may infer this from the endpoint the client submits requests to. Cannot be updated. In CamelCase.", "types-kinds"),
                "metadata": metadata(),
                "spec": { "type": "object" },
            },
            "x-kubernetes-group-version-kind": [{ "group": "x.example.com", "version": "v1", "kind": "Widget" }],
        });
        assert_eq!(schemas["com.example.x.v1.Widget"], expected);
        let registry = Registry::builtin();
        assert!(of(registry.iter().map(AsRef::as_ref)).is_empty(), "nothing is published of built-in kinds");
    }

    #[test]
    fn what_extensions_mean_is_told_wherever_they_stand() {
        let int_or_string = json!({ "x-kubernetes-int-or-string": true });
        let odd = json!({ "type": "object", "properties": 1, "items": true, "additionalProperties": false });
        let schemas = widgets(&json!({
            "size": int_or_string,
            "many": { "type": "array", "items": int_or_string },
            "map": { "type": "object", "additionalProperties": int_or_string },
            "either": { "x-kubernetes-int-or-string": true, "anyOf": [{ "type": "integer" }] },
            "odd": odd,
            "template": { "type": "object", "required": ["kind"], "x-kubernetes-embedded-resource": true },
        }));
        let told = &schemas["com.example.x.v1.Widget"]["properties"];
        let any_of = json!([{ "type": "integer" }, { "type": "string" }]);
        let three = [&told["size"], &told["many"]["items"], &told["map"]["additionalProperties"]];
        assert!(three.iter().all(|schema| schema["anyOf"] == any_of), "{told}");
        assert_eq!((&told["either"]["anyOf"], &told["odd"]), (&json!([{ "type": "integer" }]), &odd));
        let template = json!({
            "type": "object",
            "required": ["kind", "apiVersion"],
            "properties": {
                "apiVersion": text("apiVersion defines the versioned schema of this representation of an object.", "resources"),
                "kind": text("kind is a string value representing the type of this object. In CamelCase.", "types-kinds"),
                "metadata": metadata(),
            },
            "x-kubernetes-embedded-resource": true,
        });
        assert_eq!(told["template"], template);
    }
}
