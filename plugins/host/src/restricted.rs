//! [`Restricted`]: a layer that lets through what was granted, and answers for the API server where it was not.
//!
//! Invariant: what is not granted reaches nothing beneath, and every refusal is logged.

use async_trait::async_trait;
use http::header::{
    ACCEPT, ACCEPT_ENCODING, AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, HeaderName, HeaderValue,
    IF_NONE_MATCH, USER_AGENT,
};
use http::{HeaderMap, Method, StatusCode, Uri};
use k8s_openapi::api::rbac::v1::PolicyRule;
use portolan::status::{Status, failure, reason};
use portolan::transport::{Body, Socket, Transport};
use portolan::{Error, ErrorKind};

use crate::request_info::{RequestInfo, Resource};

/// What a guest's request may bring. What opens a WebSocket its transport adds itself; a `Host`, an `Upgrade` or a
/// front proxy's `X-Remote-User` would give a request another meaning than was checked.
const HEADERS: [HeaderName; 6] =
    [ACCEPT, ACCEPT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, IF_NONE_MATCH, USER_AGENT];

/// How a bearer token travels as a WebSocket's subprotocol, where there are no headers.
const BEARER: &str = "base64url.bearer.authorization.k8s.io.";

/// What a guest may do, in RBAC's words: a rule, and where it holds.
///
/// Stricter than RBAC of old: `create` is wanted besides the verb of the method to exec into, attach to or forward a port
/// of a Pod (a WebSocket's handshake is a GET), for a patch that is a server-side apply, and for an update of the kinds
/// that one creates (endpoints, events, leases, limit ranges, roles and their bindings, runtime classes, services).
/// Whether an update creates at an aggregated API server is not known here. `pods/proxy`, `services/proxy` and
/// `nodes/proxy` are what they are in RBAC: whatever is behind them, over WebSocket too.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Grant {
    /// The namespaces in which the rule holds; "*" is every one, and what belongs to none or spans all. The rule's
    /// non-resource URLs hold regardless.
    pub namespaces: Vec<String>,
    /// Verbs, API groups, resources (`pods`, `pods/log`, `*`), names; or non-resource URLs (`/apis/*`).
    pub rule: PolicyRule,
}

/// Lets through what some [`Grant`] allows, to one API server. Everything else is answered with the 403 the API server
/// would give, with its Status (a client's error is `is_forbidden`), and logged: a `tracing` event at WARN of the target
/// `portolan::plugin` with the fields `plugin` and `request`. So are requests that bring credentials or impersonate, for
/// who the guest is, is the host's to say; and any with a header but `Accept`, `Accept-Encoding`, `Content-Length`,
/// `Content-Type`, `If-None-Match` and `User-Agent`.
///
/// The API server's own RBAC still holds beneath it. Put it above the layers that add credentials.
#[derive(Debug)]
pub struct Restricted<T> {
    plugin: String,
    inner: T,
    server: Uri,
    grants: Vec<Grant>,
}

impl<T: Transport> Restricted<T> {
    /// What `grants` allow the plugin of this name at `server` (`Config::server`), over `inner`.
    pub fn new(plugin: &str, inner: T, server: Uri, grants: Vec<Grant>) -> Self {
        Self { plugin: plugin.to_owned(), inner, server, grants }
    }

    /// The refusal of what is not allowed.
    fn check(
        &self,
        method: &Method,
        uri: &Uri,
        headers: &HeaderMap,
        protocols: &[&str],
    ) -> Result<(), Box<Status>> {
        let is_refused = |info: &RequestInfo| !self.grants.iter().any(|grant| grant.allows(info));
        let told = match self.read(method, uri, headers, protocols) {
            Ok(info) => {
                let implied = info.implied(headers);
                match [info].into_iter().chain(implied).find(is_refused) {
                    None => return Ok(()),
                    Some(info) => info.to_string(),
                }
            }
            Err(why) => why.to_owned(),
        };
        tracing::warn!(target: "portolan::plugin", plugin = self.plugin, request = told, "refused");
        let message = format!("forbidden: the host does not let the plugin {:?} {told}", self.plugin);
        Err(Box::new(failure(403, reason::FORBIDDEN, message)))
    }

    fn read(
        &self,
        method: &Method,
        uri: &Uri,
        headers: &HeaderMap,
        protocols: &[&str],
    ) -> Result<RequestInfo, &'static str> {
        if (uri.scheme(), uri.authority()) != (self.server.scheme(), self.server.authority()) {
            return Err("reach any other server");
        }
        let is_identity =
            |name: &HeaderName| *name == AUTHORIZATION || name.as_str().starts_with("impersonate-");
        let is_token = |protocol: &&str| protocol.starts_with(BEARER);
        if headers.keys().any(is_identity) || protocols.iter().any(is_token) {
            return Err("say who it is: credentials and impersonation are the host's");
        }
        if !headers.keys().all(|name| HEADERS.contains(name)) {
            return Err("send a header other than Accept, Content-Type and the like");
        }
        RequestInfo::read(method, uri, self.server.path())
            .ok_or("send a request whose meaning is not certain")
    }
}

#[async_trait]
impl<T: Transport> Transport for Restricted<T> {
    async fn send(&self, request: http::Request<Body>) -> Result<http::Response<Body>, Error> {
        match self.check(request.method(), request.uri(), request.headers(), &[]) {
            Ok(()) => self.inner.send(request).await,
            Err(status) => refusal(&status),
        }
    }

    async fn connect(&self, request: http::Request<()>, protocols: &[&str]) -> Result<Socket, Error> {
        self.check(request.method(), request.uri(), request.headers(), protocols)
            .map_err(|status| Error::api(*status))?;
        self.inner.connect(request, protocols).await
    }
}

/// The answer the API server would give.
fn refusal(status: &Status) -> Result<http::Response<Body>, Error> {
    let body = serde_json::to_vec(status)
        .map_err(|error| Error::new(ErrorKind::Decode, "a refusal's Status").with_source(error))?;
    let mut response = http::Response::new(Body::from(body));
    *response.status_mut() = StatusCode::FORBIDDEN;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Ok(response)
}

impl Grant {
    fn allows(&self, info: &RequestInfo) -> bool {
        let rule = &self.rule;
        match info {
            RequestInfo::NonResource(verb, path) => {
                has(Some(&rule.verbs), verb)
                    && rule.non_resource_urls.iter().flatten().any(|allowed| covers(allowed, path))
            }
            RequestInfo::Resource(Resource { verb, group, namespace, resource, name }) => {
                has(Some(&rule.verbs), verb)
                    && has(rule.api_groups.as_ref(), group)
                    && (has(rule.resources.as_ref(), resource) || has_subresource(rule, resource))
                    && rule
                        .resource_names
                        .as_ref()
                        .is_none_or(|names| names.is_empty() || names.contains(name))
                    && has(Some(&self.namespaces), namespace)
            }
        }
    }
}

/// Whether one of `allowed` is `asked`, or "*".
fn has(allowed: Option<&Vec<String>>, asked: &str) -> bool {
    allowed.into_iter().flatten().any(|allowed| allowed == "*" || allowed == asked)
}

/// `*/scale` is that subresource of everything.
fn has_subresource(rule: &PolicyRule, resource: &str) -> bool {
    let Some((_, subresource)) = resource.split_once('/') else { return false };
    rule.resources.iter().flatten().any(|allowed| allowed.strip_prefix("*/") == Some(subresource))
}

/// A non-resource URL covers itself, and what begins with it where it ends in `*`.
fn covers(allowed: &str, path: &str) -> bool {
    match allowed.strip_suffix('*') {
        Some(start) => path.starts_with(start),
        None => allowed == path,
    }
}
