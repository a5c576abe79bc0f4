//! What a request is about, in RBAC's words, read from its method and address as the API server reads them.
//!
//! Follows `RequestInfoFactory.NewRequestInfo` of k8s.io/apiserver v0.36. It differs where it guards and does not serve: a
//! path that could be read in two ways (empty segments, dots, an escaped slash), a query of which Go's parser drops
//! something (a semicolon, a broken escape), and the long deprecated `/watch/` and `/proxy/` prefixes are not read at all,
//! and so refused.

use std::fmt;

use http::header::CONTENT_TYPE;
use http::{HeaderMap, Method, Uri};
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
        resource(method, &Query::read(uri.query().unwrap_or(""))?, group, rest).map(Self::Resource)
    }

    /// What it may do besides, where that is more than its verb says: start a program or open a connection in a Pod, for
    /// a WebSocket's handshake is a GET; or create the object it is to change.
    pub(crate) fn implied(&self, headers: &HeaderMap) -> Option<Self> {
        let Self::Resource(info) = self else { return None };
        let creates = match (info.verb, info.group.as_str(), info.resource.as_str()) {
            ("create", ..) => false,
            (_, "", "pods/exec" | "pods/attach" | "pods/portforward") => true,
            ("update", group, resource) => UPDATE_CREATES.contains(&(group, resource)),
            ("patch", _, resource) => !resource.contains('/') && is_apply(headers),
            _ => false,
        };
        creates.then(|| Self::Resource(Resource { verb: "create", ..info.clone() }))
    }
}

/// What an update of a name that is not there creates, by group: those whose `AllowCreateOnUpdate` is true in Kubernetes
/// 1.36. An aggregated API server may have others.
const UPDATE_CREATES: [(&str, &str); 12] = [
    ("", "endpoints"),
    ("", "events"),
    ("", "limitranges"),
    ("", "services"),
    ("coordination.k8s.io", "leasecandidates"),
    ("coordination.k8s.io", "leases"),
    ("events.k8s.io", "events"),
    ("node.k8s.io", "runtimeclasses"),
    ("rbac.authorization.k8s.io", "clusterrolebindings"),
    ("rbac.authorization.k8s.io", "clusterroles"),
    ("rbac.authorization.k8s.io", "rolebindings"),
    ("rbac.authorization.k8s.io", "roles"),
];

/// Whether a patch is server-side apply, which creates what is not there; in doubt it is.
fn is_apply(headers: &HeaderMap) -> bool {
    let mut types = headers.get_all(CONTENT_TYPE).iter();
    types.any(|kind| String::from_utf8_lossy(kind.as_bytes()).to_ascii_lowercase().contains("apply-patch"))
}

fn resource(method: &Method, query: &Query, group: &str, rest: &[&str]) -> Option<Resource> {
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
        ("get" | "head", true) if query.is_watch => "watch",
        ("get" | "head", true) => "list",
        ("head", false) => "get",
        ("delete", true) => "deletecollection",
        (verb, _) => verb,
    };
    // Not for deletecollection: of that the API server reads no name either.
    if matches!(verb, "list" | "watch") {
        name = query.selected_name().unwrap_or_default();
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

/// How many parameters a query may have: far more than any has, and fewer than Go's parser takes.
const MOST_PARAMETERS: usize = 1_000;

/// What a query says of who may send it.
struct Query {
    is_watch: bool,
    field_selector: Option<String>,
}

impl Query {
    /// Reads it; `None` where the API server, which drops what it cannot parse and takes the first of what is said twice,
    /// might read another.
    fn read(query: &str) -> Option<Self> {
        if query.contains(';') {
            return None;
        }
        let (mut watch, mut field_selector) = (None, None);
        for (count, pair) in query.split('&').enumerate() {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let (name, value) = (unescaped(name)?, unescaped(value)?);
            let known = match name.as_str() {
                "watch" => &mut watch,
                "fieldSelector" => &mut field_selector,
                _ => &mut None,
            };
            if known.replace(value).is_some() || count == MOST_PARAMETERS {
                return None;
            }
        }
        // As apimachinery reads a bool.
        let is_false = |value: &String| value == "0" || value.eq_ignore_ascii_case("false");
        Some(Self { is_watch: watch.is_some_and(|value| !is_false(&value)), field_selector })
    }

    /// The one name that a field selector leaves.
    fn selected_name(&self) -> Option<String> {
        // A backslash escapes what divides a selector otherwise.
        let selector = self.field_selector.as_ref().filter(|selector| !selector.contains('\\'))?;
        selector.split(',').find_map(|term| {
            let (field, name) = term.split_once('=')?;
            (field == "metadata.name").then(|| name.strip_prefix('=').unwrap_or(name).to_owned())
        })
    }
}

/// A part of a query as it is meant; `None` where an escape is none, or what it makes no text.
fn unescaped(part: &str) -> Option<String> {
    let mut escapes = part.split('%').skip(1);
    let is_escape = |rest: &str| {
        rest.as_bytes().first_chunk::<2>().is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
    };
    if !escapes.all(is_escape) {
        return None;
    }
    let spaced = part.replace('+', " ");
    Some(percent_decode_str(&spaced).decode_utf8().ok()?.into_owned())
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
    const READINGS: [(&str, &str, &str); 22] = [
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
        (
            "GET",
            "/api/v1/nodes?labelSelector=a%3Db+c&fieldSelector=spec.x%3D1,metadata.name%3D%3Da&watch=False",
            "list resource \"nodes\" in API group \"\" at the cluster scope named a",
        ),
        (
            "GET",
            "/api/v1/nodes?watch&fieldSelector=metadata.name%3Da",
            "watch resource \"nodes\" in API group \"\" at the cluster scope named a",
        ),
        (
            "GET",
            "/api/v1/nodes?fieldSelector=metadata.name!%3Da",
            "list resource \"nodes\" in API group \"\" at the cluster scope",
        ),
        (
            "GET",
            "/api/v1/nodes?fieldSelector=spec.x%3D%5C,metadata.name%3Da",
            "list resource \"nodes\" in API group \"\" at the cluster scope",
        ),
        (
            "DELETE",
            "/api/v1/nodes?fieldSelector=metadata.name%3Da",
            "deletecollection resource \"nodes\" in API group \"\" at the cluster scope",
        ),
        (
            "GET",
            "/api/v1/nodes/a?watch=1",
            "get resource \"nodes\" in API group \"\" at the cluster scope named a",
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
            "/api/v1/pods?fieldSelector=metadata.name%3Dmine,%zz",
            "/api/v1/pods?fieldSelector=metadata.name%3Dmine%",
            "/api/v1/pods?fieldSelector=metadata.name%3Dmine%f",
            "/api/v1/pods?fieldSelector=metadata.name%3Dmine;x",
            "/api/v1/pods?fieldSelector=metadata.name%3Dmine,%ff",
            "/api/v1/pods?fieldSelector=a%3Db&fieldSelector=metadata.name%3Dmine",
        ] {
            assert_eq!(read("GET", address), None, "{address}");
        }
        let many = |count: usize| read("GET", &format!("/api/v1/pods?{}", vec!["a=b"; count].join("&")));
        assert!(many(MOST_PARAMETERS).is_some() && many(MOST_PARAMETERS + 1).is_none());
        assert_eq!(read("BREW", "/api/v1/pods"), None);
        let elsewhere = "http://server/other/api".parse().unwrap();
        assert_eq!(RequestInfo::read(&Method::GET, &elsewhere, "/base"), None);
    }
}
