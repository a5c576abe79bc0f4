//! What a request is about, in RBAC's words, read from its method and address as the API server reads them.
//!
//! Follows `RequestInfoFactory.NewRequestInfo` of k8s.io/apiserver v0.36. It differs where it guards and does not serve: a
//! path that could be read in two ways (empty segments, dots, an escaped slash) and the long deprecated `/watch/` and
//! `/proxy/` prefixes are not read at all, and so refused.

use std::fmt;

use http::{Method, Uri};
use percent_encoding::percent_decode_str;

/// A request's attributes. client-go's `authorizer.Attributes`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum RequestInfo {
    /// About objects.
    Resource(Resource),
    /// About anything else, as discovery: the verb and the path.
    NonResource(&'static str, String),
}

/// Of a request about objects.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Resource {
    pub(crate) verb: &'static str,
    pub(crate) group: String,
    /// "" is all namespaces, or a resource that has none.
    pub(crate) namespace: String,
    /// The plural, and after a slash the subresource.
    pub(crate) resource: String,
    /// "" is all names.
    pub(crate) name: String,
}

impl fmt::Display for RequestInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NonResource(verb, path) => write!(f, "{verb} path {path:?}"),
            Self::Resource(Resource { verb, group, namespace, resource, .. }) => {
                write!(f, "{verb} resource {resource:?} in API group {group:?}")?;
                match namespace.as_str() {
                    "" => f.write_str(" at the cluster scope"),
                    namespace => write!(f, " in the namespace {namespace:?}"),
                }
            }
        }
    }
}

impl RequestInfo {
    /// Reads a request below `base`, the path of the API server's address; `None` where it cannot be told for certain.
    pub(crate) fn read(method: &Method, uri: &Uri, base: &str) -> Option<Self> {
        let path = uri.path().strip_prefix(base.trim_end_matches('/'))?;
        let segments = segments(path)?;
        let parts: Vec<&str> = segments.iter().map(String::as_str).collect();
        let (group, rest) = match parts.as_slice() {
            ["api", _version, rest @ ..] if !rest.is_empty() => ("", rest),
            ["apis", group, _version, rest @ ..] if !rest.is_empty() => (*group, rest),
            _ => return Some(Self::NonResource(plain_verb(method)?, format!("/{}", parts.join("/")))),
        };
        if matches!(rest[0], "watch" | "proxy") {
            return None;
        }
        resource(method, uri.query().unwrap_or(""), group, rest).map(Self::Resource)
    }
}

fn resource(method: &Method, query: &str, group: &str, rest: &[&str]) -> Option<Resource> {
    let (namespace, rest) = match rest {
        ["namespaces"] => ("", rest),
        // A namespace counts as being in itself.
        ["namespaces", namespace] | ["namespaces", namespace, "status" | "finalize"] => (*namespace, rest),
        ["namespaces", namespace, rest @ ..] => (*namespace, rest),
        _ => ("", rest),
    };
    let (resource, mut name) = match rest {
        [plural] => ((*plural).to_owned(), String::new()),
        [plural, name] => ((*plural).to_owned(), (*name).to_owned()),
        // What follows a subresource, as the path in pods/proxy, does not change who may.
        [plural, name, subresource, ..] => (format!("{plural}/{subresource}"), (*name).to_owned()),
        [] => return None,
    };
    let verb = match (plain_verb(method)?, name.is_empty()) {
        ("get" | "head", true) if is_watch(query)? => "watch",
        ("get" | "head", true) => "list",
        ("head", false) => "get",
        ("delete", true) => "deletecollection",
        ("get", false) if !resource.contains('/') && is_watch(query)? => "watch",
        (verb, _) => verb,
    };
    if matches!(verb, "list" | "watch" | "deletecollection") && name.is_empty() {
        name = selected_name(query).unwrap_or_default();
    }
    Some(Resource { verb, group: group.to_owned(), namespace: namespace.to_owned(), resource, name })
}

fn plain_verb(method: &Method) -> Option<&'static str> {
    match method.as_str() {
        "GET" => Some("get"),
        "HEAD" => Some("head"),
        "POST" => Some("create"),
        "PUT" => Some("update"),
        "PATCH" => Some("patch"),
        "DELETE" => Some("delete"),
        _ => None,
    }
}

/// As apimachinery reads a bool: there and neither "false" nor "0". Said twice it could be read in two ways.
fn is_watch(query: &str) -> Option<bool> {
    let mut given = form_urlencoded::parse(query.as_bytes()).filter(|(name, _)| name == "watch");
    let first = given.next();
    if given.next().is_some() {
        return None;
    }
    Some(first.is_some_and(|(_, value)| !matches!(&*value, "false" | "0")))
}

/// The one name that a field selector leaves.
fn selected_name(query: &str) -> Option<String> {
    let (_, selector) = form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "fieldSelector")?;
    selector.split(',').find_map(|term| {
        let (field, name) = term.split_once('=')?;
        (field == "metadata.name").then(|| name.trim_start_matches('=').to_owned())
    })
}

/// The decoded segments; `None` where they are not certain.
fn segments(path: &str) -> Option<Vec<String>> {
    let path = path.strip_prefix('/')?;
    let path = path.strip_suffix('/').unwrap_or(path);
    if path.is_empty() {
        return Some(Vec::new());
    }
    path.split('/')
        .map(|segment| {
            let segment = percent_decode_str(segment).decode_utf8().ok()?.into_owned();
            let is_odd = matches!(segment.as_str(), "" | "." | "..") || segment.contains(['/', '\\', '\0']);
            (!is_odd).then_some(segment)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(method: &str, address: &str) -> Option<String> {
        let uri = format!("http://server/base{address}").parse().unwrap();
        let info = RequestInfo::read(&method.parse().unwrap(), &uri, "/base/")?;
        Some(match &info {
            RequestInfo::Resource(Resource { name, .. }) if !name.is_empty() => {
                format!("{info} named {name}")
            }
            _ => info.to_string(),
        })
    }

    /// Method, address, and what is read of them.
    const READINGS: [(&str, &str, &str); 16] = [
        ("GET", "/api/v1/pods", "list resource \"pods\" in API group \"\" at the cluster scope"),
        (
            "GET",
            "/api/v1/namespaces/n/pods?watch=1",
            "watch resource \"pods\" in API group \"\" in the namespace \"n\"",
        ),
        (
            "GET",
            "/api/v1/namespaces/n/pods?watch=false",
            "list resource \"pods\" in API group \"\" in the namespace \"n\"",
        ),
        (
            "GET",
            "/api/v1/namespaces/n/pods/p",
            "get resource \"pods\" in API group \"\" in the namespace \"n\" named p",
        ),
        (
            "GET",
            "/api/v1/namespaces/n/pods/p/log?follow=true",
            "get resource \"pods/log\" in API group \"\" in the namespace \"n\" named p",
        ),
        (
            "POST",
            "/api/v1/namespaces/n/pods/p/exec",
            "create resource \"pods/exec\" in API group \"\" in the namespace \"n\" named p",
        ),
        (
            "GET",
            "/api/v1/namespaces/n/pods/p/proxy/a/b",
            "get resource \"pods/proxy\" in API group \"\" in the namespace \"n\" named p",
        ),
        (
            "PATCH",
            "/apis/apps/v1/namespaces/n/deployments/d/scale",
            "patch resource \"deployments/scale\" in API group \"apps\" in the namespace \"n\" named d",
        ),
        (
            "DELETE",
            "/apis/apps/v1/namespaces/n/deployments",
            "deletecollection resource \"deployments\" in API group \"apps\" in the namespace \"n\"",
        ),
        (
            "PUT",
            "/api/v1/namespaces/n/finalize",
            "update resource \"namespaces/finalize\" in API group \"\" in the namespace \"n\" named n",
        ),
        (
            "GET",
            "/api/v1/namespaces/n",
            "get resource \"namespaces\" in API group \"\" in the namespace \"n\" named n",
        ),
        ("GET", "/api/v1/namespaces", "list resource \"namespaces\" in API group \"\" at the cluster scope"),
        (
            "GET",
            "/api/v1/nodes?fieldSelector=metadata.name%3Da",
            "list resource \"nodes\" in API group \"\" at the cluster scope named a",
        ),
        ("GET", "/apis/apps/v1", "get path \"/apis/apps/v1\""),
        ("HEAD", "/version", "head path \"/version\""),
        (
            "GET",
            "/api/v1/namespaces/a%20b/pods",
            "list resource \"pods\" in API group \"\" in the namespace \"a b\"",
        ),
    ];

    #[test]
    fn requests_are_read_as_the_api_server_reads_them() {
        for (method, address, told) in READINGS {
            assert_eq!(read(method, address).as_deref(), Some(told), "{method} {address}");
        }
    }

    #[test]
    fn what_could_be_read_in_two_ways_is_not_read() {
        for address in [
            "/api/v1/namespaces/n/../m/pods",
            "/api/v1/namespaces/n/%2e%2e/m/pods",
            "/api/v1//namespaces/n/pods",
            "/api/v1/namespaces/n%2fpods",
            "/api/v1/watch/pods",
            "/api/v1/pods?watch=false&watch=true",
            "/api/v1/namespaces/%ff/pods",
        ] {
            assert_eq!(read("GET", address), None, "{address}");
        }
        assert_eq!(read("BREW", "/api/v1/pods"), None);
        let elsewhere = "http://server/other/api".parse().unwrap();
        assert_eq!(RequestInfo::read(&Method::GET, &elsewhere, "/base"), None);
    }
}
