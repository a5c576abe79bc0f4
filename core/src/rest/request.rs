//! The request builder.
//!
//! Invariant: nothing is sent before every part has been checked; the first wrong part is the error. client-go's
//! `rest.Request`.

use std::time::Duration;

use bytes::Bytes;
use futures::future::{Either, select};
use http::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, USER_AGENT};
use http::{Method, Uri};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::negotiate::JSON;
use super::{ListBody, Response, RestClient, WatchBody, answer, path, retry};
use crate::error::Error;
use crate::meta::{ApiResource, GroupVersion, Patch};
use crate::transport::Body;

/// A request in the making.
#[derive(Debug)]
#[must_use = "a request does nothing until it is sent"]
pub struct Request {
    client: RestClient,
    method: Method,
    prefix: Prefix,
    namespace: Option<String>,
    resource: Option<String>,
    name: Option<String>,
    subresource: Option<String>,
    suffix: Vec<String>,
    query: Vec<(String, String)>,
    headers: HeaderMap,
    body: Body,
    timeout: Option<Duration>,
    wrong: Option<Error>,
}

#[derive(Debug, Clone)]
enum Prefix {
    GroupVersion(GroupVersion),
    Absolute(String),
}

impl Request {
    pub(super) fn new(client: RestClient, method: Method) -> Self {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, JSON);
        let core = GroupVersion { group: "".into(), version: "v1".into() };
        Self {
            client,
            method,
            prefix: Prefix::GroupVersion(core),
            namespace: None,
            resource: None,
            name: None,
            subresource: None,
            suffix: Vec::new(),
            query: Vec::new(),
            headers,
            body: Body::Empty,
            timeout: None,
            wrong: None,
        }
    }

    /// The group and version; the core group's v1 unless said otherwise.
    pub fn group_version(mut self, group_version: GroupVersion) -> Self {
        self.prefix = Prefix::GroupVersion(group_version);
        self
    }

    /// The group, version and plural name of `resource`.
    pub fn api_resource(mut self, resource: &ApiResource) -> Self {
        let accept = self.client.negotiation.accept(self.client.config().content_type, resource);
        self.headers.insert(ACCEPT, accept);
        self.group_version(resource.group_version()).resource(&resource.plural)
    }

    /// A path of the caller's own (`/version`, `/apis`), in place of group, version, namespace and resource.
    pub fn abs_path(mut self, path: &str) -> Self {
        if !path.starts_with('/') {
            self.fail(Error::config(format!("the path {path:?} must begin with `/`")));
        }
        self.prefix = Prefix::Absolute(path.to_owned());
        self
    }

    /// The namespace; "" for cluster-scoped resources and for all namespaces.
    pub fn namespace(mut self, namespace: &str) -> Self {
        self.namespace = (!namespace.is_empty()).then(|| namespace.to_owned());
        self
    }

    /// The resource: its plural name, in lower case.
    pub fn resource(mut self, plural: &str) -> Self {
        self.resource = Some(plural.to_lowercase());
        self
    }

    /// The object's name.
    pub fn name(mut self, name: &str) -> Self {
        self.name = Some(name.to_owned());
        self
    }

    /// The subresource, such as `status` or `log`.
    pub fn subresource(mut self, subresource: &str) -> Self {
        self.subresource = Some(subresource.to_owned());
        self
    }

    /// A further path segment behind everything else.
    pub fn suffix(mut self, segment: &str) -> Self {
        self.suffix.push(segment.to_owned());
        self
    }

    /// One query parameter; may be repeated.
    pub fn param(mut self, name: &str, value: impl Into<String>) -> Self {
        self.query.push((name.to_owned(), value.into()));
        self
    }

    /// Query parameters, such as [`crate::meta::ListOptions::query`].
    pub fn params<'a>(mut self, query: impl IntoIterator<Item = (&'a str, String)>) -> Self {
        self.query.extend(query.into_iter().map(|(name, value)| (name.to_owned(), value)));
        self
    }

    /// Sets a header.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        match (HeaderName::try_from(name), HeaderValue::from_str(value)) {
            (Ok(name), Ok(value)) => {
                self.headers.insert(name, value);
            }
            (Err(_), _) => self.fail(Error::config(format!("{name:?} is not a header name"))),
            (_, Err(_)) => {
                self.fail(Error::config(format!("the value of header {name} holds forbidden characters")));
            }
        }
        self
    }

    /// How long the whole exchange may take; an answer that is streamed is bounded only up to its headers.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// A JSON body.
    pub fn json(mut self, value: &impl Serialize) -> Self {
        match serde_json::to_vec(value) {
            Ok(bytes) => self.bytes(bytes.into(), JSON),
            Err(error) => {
                self.fail(Error::config("the body cannot be written as JSON").with_source(error));
                self
            }
        }
    }

    /// A body of an object of `resource`, in the format that the configuration says. One with members that the format
    /// does not have goes as JSON, which loses nothing.
    pub fn object(self, value: &impl Serialize, resource: &ApiResource) -> Self {
        let wanted = self.client.config().content_type;
        match self.client.negotiation.encode(wanted, value, resource) {
            Some((bytes, content_type)) => self.bytes(bytes.into(), content_type),
            None => self.json(value),
        }
    }

    /// A patch body with its media type.
    pub fn patch_body(mut self, patch: &Patch) -> Self {
        self = self.json(patch.value());
        self.headers.insert(CONTENT_TYPE, HeaderValue::from_static(patch.content_type()));
        self
    }

    /// A body of bytes.
    pub fn bytes(mut self, bytes: Bytes, content_type: HeaderValue) -> Self {
        self.headers.insert(CONTENT_TYPE, content_type);
        self.body = Body::Bytes(bytes);
        self
    }

    /// The absolute URI this request goes to.
    pub fn uri(&self) -> Result<Uri, Error> {
        let config = self.client.config();
        let mut query = self.query.clone();
        if config.refuse_indentation {
            query.push(("pretty".to_owned(), "false".to_owned()));
        }
        path::absolute(&config.server, &self.path()?, &query)
    }

    /// Sends it and reads the whole answer.
    pub async fn send(self) -> Result<Response, Error> {
        let what = self.describe();
        let (timeout, runtime) = (self.timeout, self.client.runtime().clone());
        let whole = async {
            let (response, accepted) = self.exchange().await?;
            answer::read(response, &accepted).await
        };
        let read = match timeout {
            None => whole.await,
            Some(timeout) => match select(Box::pin(whole), runtime.sleep(timeout)).await {
                Either::Left((read, _)) => read,
                Either::Right(_) => Err(Error::timeout(format!("no answer within {timeout:?}"))),
            },
        };
        read.map_err(|error| error.doing(what))
    }

    /// Sends it and reads the answer as JSON.
    pub async fn into<T: DeserializeOwned>(self) -> Result<T, Error> {
        let what = self.describe();
        self.send().await?.into().map_err(|error: Error| error.doing(what))
    }

    /// Sends it and gives the answer's body as it arrives.
    pub async fn stream(self) -> Result<Body, Error> {
        let what = self.describe();
        self.exchange().await.map(|(response, _)| response.into_body()).map_err(|error| error.doing(what))
    }

    /// Sends it and gives the items of the list as they arrive.
    pub async fn list_body(self) -> Result<ListBody, Error> {
        let what = self.describe();
        let opened = async {
            let (response, _) = self.exchange().await?;
            answer::expect_objects(response).await.map(ListBody::new)
        };
        opened.await.map_err(|error: Error| error.doing(what))
    }

    /// Sends it and gives the events of the watch as they arrive: over HTTP or a WebSocket, as the configuration's
    /// `watch_over` says.
    pub async fn watch_body(self) -> Result<WatchBody, Error> {
        let what = self.describe();
        WatchBody::open(self).await.map_err(|error| error.doing(what))
    }

    pub(super) fn client(&self) -> &RestClient {
        &self.client
    }

    /// `get pods`, for errors.
    pub(super) fn describe(&self) -> String {
        let verb = match (self.method.as_str(), &self.name) {
            ("POST", _) => "create",
            ("PUT", _) => "update",
            ("PATCH", _) => "patch",
            ("DELETE", _) => "delete",
            (_, None) if self.query.iter().any(|(name, _)| name == "watch") => "watch",
            (_, None) if self.resource.is_some() => "list",
            _ => "get",
        };
        let what = match (&self.prefix, &self.resource) {
            (Prefix::GroupVersion(GroupVersion { group, .. }), Some(resource)) if !group.is_empty() => {
                format!("{resource}.{group}")
            }
            (_, Some(resource)) => resource.clone(),
            (Prefix::Absolute(path), None) => path.clone(),
            (Prefix::GroupVersion(group_version), None) => group_version.to_string(),
        };
        match (&self.namespace, &self.name) {
            (Some(namespace), Some(name)) => format!("{verb} {what} {namespace}/{name}"),
            (None, Some(name)) => format!("{verb} {what} {name}"),
            _ => format!("{verb} {what}"),
        }
    }

    /// The request as it goes to the transport, its body aside.
    pub(super) fn head(&self) -> Result<http::request::Builder, Error> {
        let config = self.client.config();
        let mut builder = http::Request::builder().method(self.method.clone()).uri(self.uri()?);
        if let Some(headers) = builder.headers_mut() {
            headers.clone_from(&self.headers);
            if let Ok(agent) = HeaderValue::from_str(&config.user_agent)
                && !agent.is_empty()
            {
                headers.entry(USER_AGENT).or_insert(agent);
            }
        }
        Ok(builder)
    }

    /// Sends it, again where that is safe, up to an answer that is no refusal.
    pub(super) async fn exchange(mut self) -> Result<(http::Response<Body>, HeaderValue), Error> {
        if let Some(wrong) = self.wrong.take() {
            return Err(wrong);
        }
        let accepted = self.headers.get(ACCEPT).cloned().unwrap_or(JSON);
        let sent = self.headers.get(CONTENT_TYPE).cloned();
        let response = retry::send(&mut self)
            .await
            .inspect_err(|refusal| self.client.negotiation.refused(sent.as_ref(), refusal))?;
        Ok((response, accepted))
    }

    /// The same request again, unless its body is a stream or it is wrong already.
    pub(super) fn try_clone(&self) -> Option<Self> {
        if self.wrong.is_some() {
            return None;
        }
        Some(Self {
            client: self.client.clone(),
            method: self.method.clone(),
            prefix: self.prefix.clone(),
            namespace: self.namespace.clone(),
            resource: self.resource.clone(),
            name: self.name.clone(),
            subresource: self.subresource.clone(),
            suffix: self.suffix.clone(),
            query: self.query.clone(),
            headers: self.headers.clone(),
            body: self.body.replay()?,
            timeout: self.timeout,
            wrong: None,
        })
    }

    pub(super) fn take_wrong(&mut self) -> Option<Error> {
        self.wrong.take()
    }

    pub(super) fn method(&self) -> &Method {
        &self.method
    }

    pub(super) fn body_mut(&mut self) -> &mut Body {
        &mut self.body
    }

    fn fail(&mut self, error: Error) {
        self.wrong.get_or_insert(error);
    }

    fn path(&self) -> Result<String, Error> {
        let mut path = match &self.prefix {
            Prefix::Absolute(path) => path.trim_end_matches('/').to_owned(),
            Prefix::GroupVersion(group_version) => {
                let GroupVersion { group, version } = group_version;
                let mut path = if group.is_empty() { "/api".to_owned() } else { "/apis".to_owned() };
                if !group.is_empty() {
                    path::push_segment(&mut path, "group", group)?;
                }
                path::push_segment(&mut path, "version", version)?;
                path
            }
        };
        if let Some(namespace) = &self.namespace {
            path.push_str("/namespaces");
            path::push_segment(&mut path, "namespace", namespace)?;
        }
        for (what, segment) in
            [("resource", &self.resource), ("name", &self.name), ("subresource", &self.subresource)]
        {
            if let Some(segment) = segment {
                path::push_segment(&mut path, what, segment)?;
            }
        }
        for segment in &self.suffix {
            path::push_segment(&mut path, "path suffix", segment)?;
        }
        Ok(if path.is_empty() { "/".to_owned() } else { path })
    }
}
