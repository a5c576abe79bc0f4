//! A request's path and query, read.
//!
//! Invariant: no decoded segment holds a `/`, so a name can never reach into another namespace.

use std::num::{IntErrorKind, ParseIntError};
use std::str::FromStr;

use portolan::status::quoted;

use crate::failure::Failure;

/// What a path is about.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Route {
    /// `/version`
    Version,
    /// `/healthz`, `/livez`, `/readyz`
    Health,
    /// `/api`
    Core,
    /// `/apis`
    Groups,
    /// `/apis/{group}`
    Group(String),
    /// `/openapi/v2`
    #[cfg(feature = "full")]
    OpenApi2,
    /// `/openapi/v3` and, for one group and version, `/openapi/v3/apis/{group}/{version}`
    #[cfg(feature = "full")]
    OpenApi(Option<(String, String)>),
    /// `/api/v1`, `/apis/{group}/{version}`
    Resources { group: String, version: String },
    /// Objects.
    Objects(Target),
    /// Nothing the server has.
    Unknown,
}

/// One object, or all of a resource, or all of it in a namespace.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) group: String,
    pub(crate) version: String,
    /// "" is all namespaces, or a resource without.
    pub(crate) namespace: String,
    pub(crate) plural: String,
    /// "" is all objects.
    pub(crate) name: String,
    /// "" is the object itself.
    pub(crate) subresource: String,
}

impl Route {
    pub(crate) fn read(path: &str) -> Self {
        let Some(segments) = segments(path) else { return Self::Unknown };
        let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
        match segments.as_slice() {
            ["version"] => Self::Version,
            ["healthz" | "livez" | "readyz", ..] => Self::Health,
            ["api"] => Self::Core,
            ["api", version] => Self::Resources { group: String::new(), version: (*version).to_owned() },
            ["api", version, rest @ ..] => objects("", version, rest),
            ["apis"] => Self::Groups,
            #[cfg(feature = "full")]
            ["openapi", "v2"] => Self::OpenApi2,
            #[cfg(feature = "full")]
            ["openapi", "v3"] => Self::OpenApi(None),
            #[cfg(feature = "full")]
            ["openapi", "v3", "api", version] => Self::OpenApi(Some((String::new(), (*version).to_owned()))),
            #[cfg(feature = "full")]
            ["openapi", "v3", "apis", group, version] => {
                Self::OpenApi(Some(((*group).to_owned(), (*version).to_owned())))
            }
            ["apis", group] => Self::Group((*group).to_owned()),
            ["apis", group, version] => {
                Self::Resources { group: (*group).to_owned(), version: (*version).to_owned() }
            }
            ["apis", group, version, rest @ ..] => objects(group, version, rest),
            _ => Self::Unknown,
        }
    }
}

fn objects(group: &str, version: &str, rest: &[&str]) -> Route {
    let (namespace, rest) = match rest {
        // A namespace is itself an object, and these are its subresources.
        ["namespaces"] | ["namespaces", _] | ["namespaces", _, "status" | "finalize"] => ("", rest),
        ["namespaces", namespace, rest @ ..] => (*namespace, rest),
        _ => ("", rest),
    };
    let part = |index: usize| rest.get(index).copied().unwrap_or_default().to_owned();
    if rest.len() > 3 {
        return Route::Unknown;
    }
    Route::Objects(Target {
        group: group.to_owned(),
        version: version.to_owned(),
        namespace: namespace.to_owned(),
        plural: part(0),
        name: part(1),
        subresource: part(2),
    })
}

/// The decoded segments; `None` when one is empty, `.` or `..`, holds a `/`, or is not UTF-8.
fn segments(path: &str) -> Option<Vec<String>> {
    let path = path.strip_prefix('/')?;
    let path = path.strip_suffix('/').unwrap_or(path);
    path.split('/')
        .map(|segment| {
            decode(segment, false)
                .filter(|segment| !matches!(segment.as_str(), "" | "." | "..") && !segment.contains('/'))
        })
        .collect()
}

/// The parameters of a query.
#[derive(Debug, Default)]
pub(crate) struct Query(Vec<(String, String)>);

impl Query {
    pub(crate) fn read(query: &str) -> Self {
        let pair = |pair: &str| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            Some((decode(name, true)?, decode(value, true)?))
        };
        Self(query.split('&').filter(|pair| !pair.is_empty()).filter_map(pair).collect())
    }

    /// The first value of a parameter; "" when it is not there.
    pub(crate) fn get(&self, name: &str) -> &str {
        self.0.iter().find(|(given, _)| given == name).map_or("", |(_, value)| value)
    }

    /// All parameters: a text each, a list for one that stands several times.
    #[cfg(feature = "full")]
    pub(crate) fn value(&self) -> serde_json::Value {
        let mut all = serde_json::Map::new();
        for (name, value) in &self.0 {
            let value = serde_json::Value::from(value.as_str());
            match all.get_mut(name) {
                None => drop(all.insert(name.clone(), value)),
                Some(serde_json::Value::Array(values)) => values.push(value),
                Some(one) => *one = serde_json::Value::Array(vec![one.take(), value]),
            }
        }
        all.into()
    }

    /// All values of a parameter, in order.
    pub(crate) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(given, _)| given == name).map(|(_, value)| value.as_str())
    }

    /// The first value of a parameter as a number; 0 when it is not there.
    pub(crate) fn integer(&self, name: &str) -> Result<i64, Failure> {
        let value = self.all(name).next();
        value.map_or(Ok(0), |text| number("ParseInt", text).map_err(Failure::bad_request))
    }

    /// Whether a parameter is there and means yes, as apimachinery reads a bool: anything but "false" and "0".
    pub(crate) fn flag(&self, name: &str) -> bool {
        self.given(name).unwrap_or_default()
    }

    /// The same, `None` when it is not there.
    pub(crate) fn given(&self, name: &str) -> Option<bool> {
        let (_, value) = self.0.iter().find(|(given, _)| given == name)?;
        Some(!matches!(value.to_lowercase().as_str(), "false" | "0"))
    }
}

/// Reads a number; the error is what Go's `function` of strconv says.
pub(crate) fn number<N: FromStr<Err = ParseIntError>>(function: &str, text: &str) -> Result<N, String> {
    text.parse().map_err(|error: ParseIntError| {
        let what = match error.kind() {
            IntErrorKind::PosOverflow | IntErrorKind::NegOverflow => "value out of range",
            _ => "invalid syntax",
        };
        format!("strconv.{function}: parsing {}: {what}", quoted(text))
    })
}

/// Percent-decodes; in a form `+` is a space.
fn decode(text: &str, form: bool) -> Option<String> {
    let mut plain = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        plain.push(match byte {
            b'%' => {
                let digits = [bytes.next()?, bytes.next()?];
                u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()?
            }
            b'+' if form => b' ',
            other => other,
        });
    }
    String::from_utf8(plain).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(path: &str) -> Target {
        match Route::read(path) {
            Route::Objects(target) => target,
            other => panic!("{path} is {other:?}"),
        }
    }

    #[test]
    fn paths_name_their_objects() {
        let pod = target("/api/v1/namespaces/default/pods/web/status");
        let parts = [&pod.namespace, &pod.plural, &pod.name, &pod.subresource].map(String::as_str);
        assert_eq!(parts, ["default", "pods", "web", "status"]);
        let all = target("/apis/apps/v1/deployments");
        assert_eq!((all.group.as_str(), all.namespace.as_str(), all.name.as_str()), ("apps", "", ""));
        let namespace = target("/api/v1/namespaces/team/finalize");
        assert_eq!((namespace.plural.as_str(), namespace.name.as_str()), ("namespaces", "team"));
        assert_eq!(target("/api/v1/namespaces/team").name, "team");
        assert_eq!(target("/api/v1/namespaces/team/pods").namespace, "team");
    }

    #[test]
    fn paths_that_would_escape_are_unknown() {
        for path in [
            "",
            "/",
            "/api/v1/namespaces/a%2Fb/pods",
            "/api/v1/namespaces/../pods",
            "/api/v1/namespaces/%2e%2e/pods",
            "/api//v1",
            "/api/v1/pods/%zz",
            "/api/v1/pods/%ff",
            "/api/v1/pods/a/b/c/d",
            "/nothing",
        ] {
            assert_eq!(Route::read(path), Route::Unknown, "{path}");
        }
    }

    #[test]
    fn queries_are_decoded() {
        let query = Query::read("labelSelector=app%20in+(a,b)&watch=1&pretty&x=false");
        assert_eq!(query.get("labelSelector"), "app in (a,b)");
        assert!(query.flag("watch") && !query.flag("x") && !query.flag("nothing"));
        assert_eq!((query.given("x"), query.given("nothing")), (Some(false), None));
    }
}
