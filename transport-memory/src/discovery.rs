//! What the server says it serves: groups, versions and resources, one document each or aggregated in one.

use http::HeaderMap;
use http::StatusCode;
use http::header::ACCEPT;
use serde_json::{Value, json};

use crate::answer::Answer;
use crate::request::Route;
use crate::resources::{Registry, Resource};

const AGGREGATED: &str = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";

/// `/version`
pub(crate) fn version() -> Value {
    json!({
        "major": "1",
        "minor": "36",
        "gitVersion": "v1.36.3+portolan-memory",
        "gitCommit": "",
        "gitTreeState": "",
        "buildDate": "",
        "goVersion": "",
        "compiler": "",
        "platform": "",
    })
}

/// The document `route` asks for; `None` when there is no such group or version.
pub(crate) fn answer(registry: &Registry, route: &Route, headers: &HeaderMap) -> Option<Answer> {
    let aggregated = wants_aggregated(headers);
    let document = match route {
        Route::Core if aggregated => return Some(aggregated_list(registry, true, headers)),
        Route::Groups if aggregated => return Some(aggregated_list(registry, false, headers)),
        Route::Core => json!({
            "kind": "APIVersions",
            "versions": ["v1"],
            "serverAddressByClientCIDRs": [{ "clientCIDR": "0.0.0.0/0", "serverAddress": "memory" }],
        }),
        Route::Groups => {
            let groups: Vec<_> = groups(registry)
                .into_iter()
                .filter(|name| !name.is_empty())
                .map(|name| group(registry, name))
                .collect();
            json!({ "kind": "APIGroupList", "apiVersion": "v1", "groups": groups })
        }
        Route::Group(name) => {
            if name.is_empty() || !groups(registry).contains(&name.as_str()) {
                return None;
            }
            let mut document = group(registry, name);
            document["kind"] = "APIGroup".into();
            document["apiVersion"] = "v1".into();
            document
        }
        #[cfg(feature = "full")]
        Route::OpenApi2 => return Some(crate::openapi::version_2()),
        #[cfg(feature = "full")]
        Route::OpenApi(about) => crate::openapi::document(registry, about.as_ref())?,
        Route::Resources { group, version } => resources(registry, group, version)?,
        _ => return None,
    };
    Some(Answer::json(StatusCode::OK, &document))
}

fn wants_aggregated(headers: &HeaderMap) -> bool {
    let accept = headers.get(ACCEPT).and_then(|accept| accept.to_str().ok()).unwrap_or_default();
    accept.split(',').any(|range| {
        let has = |part: &str| range.split(';').any(|given| given.trim() == part);
        has("application/json") && has("as=APIGroupDiscoveryList") && has("v=v2")
    })
}

/// The groups, each once, in order.
fn groups(registry: &Registry) -> Vec<&str> {
    let mut names = Vec::new();
    for resource in registry.iter() {
        if !names.contains(&resource.group.as_str()) {
            names.push(&resource.group);
        }
    }
    names
}

/// The versions of a group, the preferred one first.
fn versions<'a>(registry: &'a Registry, group: &str) -> Vec<&'a str> {
    let mut versions = Vec::new();
    for resource in registry.iter().filter(|resource| resource.group == group) {
        if !versions.contains(&resource.version.as_str()) {
            versions.push(&resource.version);
        }
    }
    versions
}

fn group(registry: &Registry, name: &str) -> Value {
    let version = |version: &&str| json!({ "groupVersion": format!("{name}/{version}"), "version": version });
    let versions: Vec<_> = versions(registry, name).iter().map(version).collect();
    json!({ "name": name, "preferredVersion": versions.first(), "versions": versions })
}

/// An `APIResourceList`.
fn resources(registry: &Registry, group: &str, version: &str) -> Option<Value> {
    let mut list = Vec::new();
    let served = registry.iter().filter(|resource| resource.group == group && resource.version == version);
    let mut group_version = None;
    for resource in served {
        group_version = Some(resource.api_version());
        let mut entry = json!({
            "name": resource.plural,
            "singularName": resource.singular,
            "namespaced": resource.namespaced,
            "kind": resource.kind,
            "verbs": resource.verbs,
        });
        if !resource.short_names.is_empty() {
            entry["shortNames"] = json!(resource.short_names);
        }
        if !resource.categories.is_empty() {
            entry["categories"] = json!(resource.categories);
        }
        list.push(entry);
        for name in &resource.subresources {
            let (kind, foreign) = subresource_kind(resource, name);
            let mut entry = json!({
                "name": format!("{}/{name}", resource.plural),
                "singularName": "",
                "namespaced": resource.namespaced,
                "kind": kind,
                "verbs": subresource_verbs(name),
            });
            if let Some((group, version)) = foreign {
                entry["group"] = group.into();
                entry["version"] = version.into();
            }
            list.push(entry);
        }
    }
    let group_version = group_version?;
    Some(json!({
        "kind": "APIResourceList",
        "apiVersion": "v1",
        "groupVersion": group_version,
        "resources": list,
    }))
}

/// All groups, or the core group, in one `APIGroupDiscoveryList`.
fn aggregated_list(registry: &Registry, core: bool, headers: &HeaderMap) -> Answer {
    let items: Vec<_> = groups(registry)
        .into_iter()
        .filter(|name| name.is_empty() == core)
        .map(|name| {
            let versions: Vec<_> =
                versions(registry, name).iter().map(|version| aggregated(registry, name, version)).collect();
            let metadata = if core {
                json!({ "creationTimestamp": null })
            } else {
                json!({ "name": name, "creationTimestamp": null })
            };
            json!({ "metadata": metadata, "versions": versions })
        })
        .collect();
    let document = json!({
        "kind": "APIGroupDiscoveryList",
        "apiVersion": "apidiscovery.k8s.io/v2",
        "metadata": {},
        "items": items,
    });
    Answer::document(AGGREGATED, &document, headers)
}

fn aggregated(registry: &Registry, group: &str, version: &str) -> Value {
    let served = registry.iter().filter(|resource| resource.group == group && resource.version == version);
    let resources: Vec<_> = served
        .map(|resource| {
            let mut entry = json!({
                "resource": resource.plural,
                "responseKind": { "group": "", "version": "", "kind": resource.kind },
                "scope": if resource.namespaced { "Namespaced" } else { "Cluster" },
                "singularResource": resource.singular,
                "verbs": resource.verbs,
            });
            for (field, texts) in
                [("shortNames", &resource.short_names), ("categories", &resource.categories)]
            {
                if !texts.is_empty() {
                    entry[field] = json!(texts);
                }
            }
            let subresources: Vec<_> =
                resource.subresources.iter().map(|name| aggregated_subresource(resource, name)).collect();
            if !subresources.is_empty() {
                entry["subresources"] = subresources.into();
            }
            entry
        })
        .collect();
    json!({ "version": version, "freshness": "Current", "resources": resources })
}

fn aggregated_subresource(resource: &Resource, name: &str) -> Value {
    let (kind, foreign) = subresource_kind(resource, name);
    let (group, version) = foreign.unwrap_or_default();
    json!({
        "subresource": name,
        "responseKind": { "group": group, "version": version, "kind": kind },
        "verbs": subresource_verbs(name),
    })
}

/// The kind a subresource speaks, and its group and version where they are not the resource's.
fn subresource_kind<'a>(
    resource: &'a Resource,
    name: &str,
) -> (&'a str, Option<(&'static str, &'static str)>) {
    match name {
        "scale" => ("Scale", Some(("autoscaling", "v1"))),
        "eviction" => ("Eviction", Some(("policy", "v1"))),
        "binding" => ("Binding", None),
        "exec" => ("PodExecOptions", None),
        "attach" => ("PodAttachOptions", None),
        _ => (&resource.kind, None),
    }
}

fn subresource_verbs(name: &str) -> &'static [&'static str] {
    match name {
        "binding" | "eviction" => &["create"],
        "attach" | "exec" => &["create", "get"],
        "log" => &["get"],
        "finalize" => &["update"],
        _ => &["get", "patch", "update"],
    }
}
