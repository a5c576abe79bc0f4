//! The request builder.
//!
//! Invariant: nothing is sent before every part has been checked; the first wrong part is the error.
//!
//! Follows client-go 0.37 `rest/request.go`. Differs: what would clean a path (`..`, `//`) is refused; a suffix is one
//! segment; the limit of an answer that is read as it comes ends with its head, and a watch has none unless asked for.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::future::{Either, select};
use http::header::{
    ACCEPT, AUTHORIZATION, CONTENT_TYPE, COOKIE, HeaderMap, HeaderName, HeaderValue, PROXY_AUTHORIZATION,
    USER_AGENT,
};
use http::{Method, Uri};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::answer::{self, Question};
use super::negotiate::JSON;
use super::retry::{self, Mode};
use super::{ListBody, RateLimiter, Response, RestClient, WarningHandler, WatchBody, path};
#[cfg(feature = "protobuf")]
use crate::codec::protobuf;
#[cfg(feature = "protobuf")]
use crate::config::ContentType;
use crate::error::Error;
use crate::meta::{ApiResource, GroupVersion, Patch};
use crate::transport::{Body, Socket};

/// A request in the making.
#[derive(Debug)]
#[must_use = "a request does nothing until it is sent"]
pub struct Request {
    /// With what this request alone has of its own: its limit, its retries and who is told its warnings.
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
        let prefix = match client.api_version() {
            Some(group_version) => Prefix::GroupVersion(group_version.clone()),
            None => Prefix::Absolute("/".to_owned()),
        };
        Self {
            timeout: client.config.timeout,
            client,
            method,
            prefix,
            namespace: None,
            resource: None,
            name: None,
            subresource: None,
            suffix: Vec::new(),
            query: Vec::new(),
            headers,
            body: Body::Empty,
            wrong: None,
        }
    }

    /// The group and version, in place of the client's.
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

    /// A path of the caller's own (`/version`, `/apis`), below the server's address and in place of group and version.
    /// client-go's `AbsPath`.
    pub fn abs_path(mut self, path: &str) -> Self {
        if let Err(error) = path::check_absolute(path) {
            self.fail(error);
        }
        self.prefix = Prefix::Absolute(path.to_owned());
        self
    }

    /// A path with a query, such as `/readyz?verbose=1`, in place of all parameters so far. client-go's `RequestURI`.
    pub fn request_uri(mut self, uri: &str) -> Self {
        let (path, query) = uri.split_once('?').unwrap_or((uri, ""));
        let query = form_urlencoded::parse(query.as_bytes());
        self.query = query.map(|(name, value)| (name.into_owned(), value.into_owned())).collect();
        self.abs_path(path)
    }

    /// The namespace. An empty one means all, and is an error where one object is created or named. Leave it out for
    /// what is cluster-scoped.
    pub fn namespace(mut self, namespace: &str) -> Self {
        self.once("namespace", self.namespace.is_some());
        self.namespace = Some(namespace.to_owned());
        self
    }

    /// The namespace, for a resource that lives in namespaces. client-go's `NamespaceIfScoped`.
    pub fn namespace_if_scoped(self, namespace: &str, scoped: bool) -> Self {
        if scoped { self.namespace(namespace) } else { self }
    }

    /// The resource: its plural name, in lower case.
    pub fn resource(mut self, plural: &str) -> Self {
        self.once("resource", self.resource.is_some());
        self.resource = Some(plural.to_ascii_lowercase());
        self
    }

    /// The object's name.
    pub fn name(mut self, name: &str) -> Self {
        self.once("name", self.name.is_some());
        self.name = Some(name.to_owned());
        self
    }

    /// The subresource, such as `status` or `log`.
    pub fn subresource(mut self, subresource: &str) -> Self {
        self.once("subresource", self.subresource.is_some());
        self.subresource = Some(subresource.to_owned());
        self
    }

    /// A further path segment behind everything else; may be repeated.
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

    /// Sets a header. One that proves who we are (`Authorization`, `Proxy-Authorization`, `Cookie`) is not shown by `Debug`.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        match (HeaderName::try_from(name), HeaderValue::from_str(value)) {
            (Ok(name), Ok(mut value)) => {
                value.set_sensitive([AUTHORIZATION, PROXY_AUTHORIZATION, COOKIE].contains(&name));
                self.headers.insert(name, value);
            }
            (Err(_), _) => self.fail(Error::config(format!("{name:?} is not a header name"))),
            (_, Err(_)) => {
                self.fail(Error::config(format!("the value of header {name} holds forbidden characters")));
            }
        }
        self
    }

    /// How long the exchange may take once the rate limit lets it go, in place of the configuration's limit; the server is
    /// told. An answer that is read as it comes is bounded up to its head.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// How often it may be sent again; 10 unless said otherwise.
    pub fn max_retries(mut self, max_retries: u32) -> Self {
        self.client.max_retries = max_retries;
        self
    }

    /// What holds it back in place of the client's limit; `None` for nothing.
    pub fn throttle(mut self, limiter: Option<Arc<RateLimiter>>) -> Self {
        self.client.limiter = limiter;
        self
    }

    /// Who is told the warnings of its answer in place of the client's handler.
    pub fn warning_handler(mut self, handler: Arc<dyn WarningHandler>) -> Self {
        self.client.warnings = handler;
        self
    }

    /// A JSON body.
    pub fn json(mut self, value: &impl Serialize) -> Self {
        match serde_json::to_vec(value) {
            Ok(mut bytes) => {
                // As Go's encoder ends every object.
                bytes.push(b'\n');
                self.bytes(bytes.into(), JSON)
            }
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

    /// Asks for objects as `form` of the group meta.k8s.io, such as `PartialObjectMetadata`, where the server has it, and for
    /// the objects themselves otherwise.
    pub(crate) fn accept_as(self, form: &str) -> Self {
        let json = format!("application/json;as={form};g=meta.k8s.io;v=v1,application/json");
        #[cfg(feature = "protobuf")]
        if self.client.config().content_type == ContentType::Protobuf {
            let protobuf = protobuf::MEDIA_TYPE;
            return self.header("accept", &format!("{protobuf};as={form};g=meta.k8s.io;v=v1,{json}"));
        }
        self.header("accept", &json)
    }

    /// A patch body with its media type.
    pub fn patch_body(self, patch: &Patch) -> Self {
        let content_type = HeaderValue::from_static(patch.patch_type().content_type());
        self.bytes(patch.body(), content_type)
    }

    /// A body of bytes.
    pub fn bytes(self, bytes: Bytes, content_type: HeaderValue) -> Self {
        self.body(Body::Bytes(bytes), content_type)
    }

    /// A body; with one that is a stream it is sent once only.
    pub fn body(mut self, body: Body, content_type: HeaderValue) -> Self {
        self.headers.insert(CONTENT_TYPE, content_type);
        self.body = body;
        self
    }

    /// The absolute URI this request goes to; an error where it would not be sent.
    pub fn uri(&self) -> Result<Uri, Error> {
        if let Some(wrong) = &self.wrong {
            return Err(wrong.again());
        }
        self.check_namespace()?;
        let config = self.client.config();
        let mut query = self.query.clone();
        if config.refuse_indentation {
            query.push(("pretty".to_owned(), "false".to_owned()));
        }
        if let Some(timeout) = self.timeout.filter(|timeout| !timeout.is_zero() && !self.is_watch()) {
            query.retain(|(name, _)| name != "timeout");
            query.push(("timeout".to_owned(), path::go_duration(timeout)));
        }
        path::absolute(&config.server, &self.path()?, &query)
    }

    /// Sends it and reads the whole answer. client-go's `Do`.
    pub async fn send(self) -> Result<Response, Error> {
        self.read(Ok).await
    }

    /// Sends it and reads the answer in the format it is in. client-go's `Do().Into()`.
    pub async fn into<T: DeserializeOwned>(self) -> Result<T, Error> {
        self.read(Response::into).await
    }

    /// Sends it and has the whole answer read by `read`, whose errors say what was asked.
    pub(crate) async fn read<T>(self, read: impl FnOnce(Response) -> Result<T, Error>) -> Result<T, Error> {
        self.limited(Mode::Whole, async |response, accepted| read(answer::read(response, accepted).await?))
            .await
    }

    /// Sends it and gives the answer's body as it arrives. client-go's `Stream`.
    pub async fn stream(self) -> Result<Body, Error> {
        self.limited(Mode::Stream, async |response, _| Ok(response.into_body())).await
    }

    /// Sends it and gives the items of the list as they arrive.
    pub async fn list_body(self) -> Result<ListBody, Error> {
        self.list(async |body| Ok(body)).await
    }

    /// Sends it and has the list read by `read`, within the time limit.
    pub(crate) async fn list<T>(
        self,
        read: impl AsyncFnOnce(ListBody) -> Result<T, Error>,
    ) -> Result<T, Error> {
        self.limited(Mode::Whole, async |response, accepted| {
            read(ListBody::new(answer::expect_objects(response, &accepted).await?)).await
        })
        .await
    }

    /// Sends it and gives the events of the watch as they arrive: over HTTP or a WebSocket, as the configuration's
    /// `watch_over` says.
    pub async fn watch_body(self) -> Result<WatchBody, Error> {
        WatchBody::open(self).await
    }

    /// Opens a WebSocket, offering `protocols`, the best first. A refusal is an error that holds the server's Status. No
    /// rate limit holds it back, and no time limit ends it once it is open; natively 30 seconds are given to open it over a
    /// connection that is there. client-go's `websocket.Negotiate`.
    pub async fn connect(mut self, protocols: &[&str]) -> Result<Socket, Error> {
        let what = self.describe();
        self.timeout = None; // of one exchange, and this is none
        self.open_socket(protocols).await.map_err(|error| error.doing(what))
    }

    pub(super) fn client(&self) -> &RestClient {
        &self.client
    }

    /// `get pods default/web`, `list pods in default` or `run a command in pods default/web`, for errors.
    pub(super) fn describe(&self) -> String {
        let verb = match (self.method.as_str(), &self.name) {
            ("POST", _) => "create",
            ("PUT", _) => "update",
            ("PATCH", _) if self.headers.get(CONTENT_TYPE).is_some_and(is_apply) => "apply",
            ("PATCH", _) => "patch",
            ("DELETE", _) => "delete",
            (_, None) if self.is_watch() => "watch",
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
        let (verb, subresource) = match (verb, self.subresource.as_deref()) {
            ("get", Some("log")) => ("read the log of", String::new()),
            ("get", Some("exec")) => ("run a command in", String::new()),
            ("get", Some("attach")) => ("attach to", String::new()),
            ("get", Some("portforward")) => ("forward a port of", String::new()),
            (verb, subresource) => (verb, subresource.map_or_else(String::new, |name| format!("/{name}"))),
        };
        let what = format!("{what}{subresource}");
        let namespace = self.namespace.as_deref().filter(|namespace| !namespace.is_empty());
        let told = match (namespace, &self.name) {
            (Some(namespace), Some(name)) => format!("{verb} {what} {namespace}/{name}"),
            (None, Some(name)) => format!("{verb} {what} {name}"),
            (Some(namespace), None) => format!("{verb} {what} in {namespace}"),
            (None, None) => format!("{verb} {what}"),
        };
        // One line, whatever the names hold.
        told.escape_debug().to_string()
    }

    /// The request as it goes to the transport, its body aside.
    pub(super) fn head(&self) -> Result<http::request::Builder, Error> {
        let config = self.client.config();
        let mut builder = http::Request::builder().method(self.method.clone()).uri(self.uri()?);
        if let Some(headers) = builder.headers_mut() {
            headers.clone_from(&self.headers);
            let agent = HeaderValue::from_str(&config.user_agent)
                .map_err(|_| Error::config("the user agent holds a character no header may carry"))?;
            if !agent.is_empty() {
                headers.entry(USER_AGENT).or_insert(agent);
            }
        }
        Ok(builder)
    }

    /// Sends it, again where that is safe, and has what answers it read by `read`, all within the time limit. The rate
    /// limit is waited for before: who is held back has not been sent.
    async fn limited<T>(
        mut self,
        mode: Mode,
        read: impl AsyncFnOnce(http::Response<Body>, HeaderValue) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let outcome = async {
            self.check()?;
            self.throttled().await?;
            let (timeout, runtime) = (self.timeout, self.client.runtime().clone());
            let exchange = async {
                let accepted = self.accepted();
                let sent = self.headers.get(CONTENT_TYPE).cloned();
                let negotiation = self.client.negotiation.clone();
                let answered = retry::send(&mut self, mode).await;
                let response = answered.inspect_err(|refusal| negotiation.refused(sent.as_ref(), refusal))?;
                read(response, accepted).await
            };
            match timeout.filter(|timeout| !timeout.is_zero()) {
                None => exchange.await,
                Some(timeout) => match select(Box::pin(exchange), runtime.sleep(timeout)).await {
                    Either::Left((outcome, _)) => outcome,
                    Either::Right(_) => {
                        Err(Error::timeout(format!("no answer within {}", path::go_duration(timeout))))
                    }
                },
            }
        };
        outcome.await.map_err(|error| error.doing(self.describe()))
    }

    /// Opens it as a WebSocket. What one carries is not negotiated by headers.
    pub(super) async fn open_socket(mut self, protocols: &[&str]) -> Result<Socket, Error> {
        self.check()?;
        if self.method != Method::GET {
            return Err(Error::config("only a GET can open a WebSocket"));
        }
        self.headers.remove(ACCEPT);
        let head = self.head()?.body(());
        let head = head.map_err(|error| Error::config("the request cannot be written").with_source(error))?;
        self.client.transport().connect(head, protocols).await
    }

    /// Opens it as a watch over HTTP, which no rate limit holds back.
    pub(super) async fn open_watch(mut self) -> Result<http::Response<Body>, Error> {
        self.check()?;
        retry::send(&mut self, Mode::Watch).await
    }

    /// Fails when a part of it is wrong.
    pub(super) fn check(&mut self) -> Result<(), Error> {
        if let Some(wrong) = self.wrong.take() {
            return Err(wrong);
        }
        self.check_namespace()
    }

    fn check_namespace(&self) -> Result<(), Error> {
        if self.namespace.as_deref() != Some("") {
            return Ok(());
        }
        let named = self.name.is_some();
        match *self.method() {
            Method::POST => Err(Error::config("an object is created in one namespace: say which")),
            Method::GET | Method::PUT | Method::PATCH | Method::DELETE if named => {
                Err(Error::config("an object is named within one namespace: say which"))
            }
            _ => Ok(()),
        }
    }

    /// Waits until the rate limit lets it go. Borrows nothing of the request, whose body may be no `Sync` stream.
    pub(super) fn throttled(&self) -> impl Future<Output = Result<(), Error>> + use<> {
        let (limiter, runtime) = (self.client.limiter.clone(), self.client.runtime().clone());
        async move {
            match limiter {
                Some(limiter) => limiter.wait(&runtime).await,
                None => Ok(()),
            }
        }
    }

    /// Its `Accept` header.
    pub(super) fn accepted(&self) -> HeaderValue {
        self.headers.get(ACCEPT).cloned().unwrap_or(JSON)
    }

    /// What its answer is about.
    pub(super) fn question(&self) -> Question {
        let group = match &self.prefix {
            Prefix::GroupVersion(group_version) => Some(group_version.group.clone().into_owned()),
            Prefix::Absolute(_) => None,
        };
        Question {
            method: self.method.clone(),
            group,
            resource: self.resource.clone(),
            name: self.name.clone(),
            warnings: Arc::clone(&self.client.warnings),
        }
    }

    fn is_watch(&self) -> bool {
        self.query.iter().any(|(name, value)| name == "watch" && matches!(value.as_str(), "true" | "1"))
    }

    /// Notes that a part is said twice.
    fn once(&mut self, what: &str, said: bool) {
        if said {
            self.fail(Error::config(format!("the {what} is set already: set it once")));
        }
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

    pub(super) fn method(&self) -> &Method {
        &self.method
    }

    pub(super) fn body_mut(&mut self) -> &mut Body {
        &mut self.body
    }

    fn fail(&mut self, error: Error) {
        self.wrong.get_or_insert(error);
    }

    /// Whether the path is the prefix alone.
    fn is_bare(&self) -> bool {
        let parts = [&self.namespace, &self.resource, &self.name, &self.subresource];
        parts.into_iter().all(Option::is_none) && self.suffix.is_empty()
    }

    fn path(&self) -> Result<String, Error> {
        let mut path = match &self.prefix {
            Prefix::Absolute(path) if self.is_bare() => path.clone(),
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
        if let Some(namespace) = self.namespace.as_deref().filter(|namespace| !namespace.is_empty()) {
            path.push_str("/namespaces");
            path::push_segment(&mut path, "namespace", namespace)?;
        }
        if self.subresource.is_some() && self.name.is_none() {
            return Err(Error::config("a subresource is one of a named object: say which"));
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

/// Whether a patch of this media type is an apply, in whichever format.
fn is_apply(media_type: &HeaderValue) -> bool {
    media_type.as_bytes().starts_with(b"application/apply-patch+")
}
