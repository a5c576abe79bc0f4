//! The OpenAPI v3 documents, as far as kubectl asks them before it sends anything: which kinds can be patched, and that
//! `fieldValidation` and `dryRun` are understood; of custom resources also their schemas, for `kubectl explain`. The schemas
//! of built-in kinds, some megabytes, are left out: `kubectl explain` does not find them.

use bytes::Bytes;
use http::StatusCode;
use portolan::transport::Body;
use serde_json::{Map, Value, json};

use crate::answer::Answer;
use crate::resources::Registry;
use crate::schemas;

/// The older document, in the one form kubectl reads, which it asks for lists and kinds it does not find: protobuf, here
/// of a document that says its version and defines nothing.
pub(crate) fn version_2() -> Answer {
    const NOTHING: &[u8] = b"\x0a\x032.0";
    let media_type = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf";
    Answer::new(StatusCode::OK, media_type, Body::Bytes(Bytes::from_static(NOTHING)))
}

/// The document at `/openapi/v3` or that of one group and version; `None` when that is not served.
pub(crate) fn document(registry: &Registry, about: Option<&(String, String)>) -> Option<Value> {
    match about {
        None => Some(root(registry)),
        Some((group, version)) => group_version(registry, group, version),
    }
}

fn place(group: &str, version: &str) -> String {
    if group.is_empty() { format!("api/{version}") } else { format!("apis/{group}/{version}") }
}

fn root(registry: &Registry) -> Value {
    let entry = |place: String| {
        let url = format!("/openapi/v3/{place}");
        (place, json!({ "serverRelativeURL": url }))
    };
    let paths: Map<_, _> =
        registry.iter().map(|resource| entry(place(&resource.group, &resource.version))).collect();
    json!({ "paths": paths })
}

fn group_version(registry: &Registry, group: &str, version: &str) -> Option<Value> {
    let served = || registry.iter().filter(|one| one.group == group && one.version == version);
    let paths: Map<_, _> = served()
        .map(|resource| {
            let namespace = if resource.namespaced { "/namespaces/{namespace}" } else { "" };
            let path = format!("/{}{namespace}/{}/{{name}}", place(group, version), resource.plural);
            let parameter = |name: &str| {
                json!({ "name": name, "in": "query", "schema": { "type": "string", "uniqueItems": true } })
            };
            let parameters = ["dryRun", "fieldManager", "fieldValidation"].map(parameter);
            let patch = json!({
                "parameters": parameters,
                "responses": { "200": { "description": "OK" } },
                "x-kubernetes-action": "patch",
                "x-kubernetes-group-version-kind": { "group": group, "version": version, "kind": resource.kind },
            });
            (path, json!({ "patch": patch }))
        })
        .collect();
    (!paths.is_empty()).then(|| {
        json!({
            "openapi": "3.0.0",
            "info": { "title": "Kubernetes", "version": "unversioned" },
            "paths": paths,
            "components": { "schemas": schemas::of(served().map(AsRef::as_ref)) },
        })
    })
}
