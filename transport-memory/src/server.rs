//! The HTTP face of the cluster: from a request to an answer, as kube-apiserver does it.
//!
//! Invariant: whatever a client sends gets an answer; only a socket that cannot be opened is an error.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures::channel::oneshot;
use futures::{Sink, StreamExt, sink};
use http::header::{ACCEPT, CACHE_CONTROL, CONTENT_TYPE, ETAG, HeaderMap, HeaderValue, IF_NONE_MATCH, VARY};
use http::{Method, Request, Response, StatusCode};
use portolan::transport::{Body, Message, Socket, Transport};
use portolan::{Error, TransportErrorKind};
use serde_json::{Value, json};

use crate::change::{Deletion, Mode, Part};
use crate::cluster::Shared;
use crate::discovery;
use crate::failure::Failure;
use crate::list::{ListRequest, Page};
use crate::patch::Change;
use crate::request::{Query, Route, Target};
use crate::resources::Resource;
use crate::select::Filter;
use crate::stored::{View, key};
use crate::value::{list, text};
use crate::watch::{Watch, WatchRequest};
use crate::{reviews, scale, streams};

/// The largest body the server takes: 3 MiB.
const BODY_LIMIT: usize = 3 * 1024 * 1024;
/// How long a request for a version that is not reached yet waits for it.
const FRESHNESS_WAIT: Duration = Duration::from_secs(3);

/// A transport whose other end is a cluster in memory.
#[derive(Debug)]
pub(crate) struct Server {
    shared: Arc<Shared>,
}

/// An answer.
pub(crate) struct Answer {
    code: StatusCode,
    content_type: &'static str,
    body: Body,
    /// The mark of its content, by which a client asks for changes only.
    etag: Option<HeaderValue>,
}

impl Answer {
    fn new(code: StatusCode, content_type: &'static str, body: Body) -> Self {
        Self { code, content_type, body, etag: None }
    }

    pub(crate) fn json(code: StatusCode, value: &Value) -> Self {
        Self::object(code, value.to_string().into())
    }

    /// A document that the client may have already: then only that it has not changed.
    pub(crate) fn document(content_type: &'static str, value: &Value, headers: &HeaderMap) -> Self {
        let text = value.to_string();
        let mut hasher = DefaultHasher::new();
        text.hash(&mut hasher);
        let etag = HeaderValue::from_str(&format!("\"{:016X}\"", hasher.finish())).ok();
        let known = etag.is_some() && headers.get(IF_NONE_MATCH) == etag.as_ref();
        let (code, body) = match known {
            true => (StatusCode::NOT_MODIFIED, Body::Empty),
            false => (StatusCode::OK, Body::Bytes(text.into())),
        };
        Self { code, content_type, body, etag }
    }

    fn object(code: StatusCode, text: Bytes) -> Self {
        Self::new(code, "application/json", Body::Bytes(text))
    }

    fn plain(code: StatusCode, text: &'static str) -> Self {
        Self::new(code, "text/plain; charset=utf-8", Body::Bytes(Bytes::from_static(text.as_bytes())))
    }

    fn into_response(self) -> Response<Body> {
        let mut response = Response::new(self.body);
        *response.status_mut() = self.code;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(self.content_type));
        let caching = if self.etag.is_some() { "public" } else { "no-cache, private" };
        headers.insert(CACHE_CONTROL, HeaderValue::from_static(caching));
        if let Some(etag) = self.etag {
            headers.insert(ETAG, etag);
            headers.insert(VARY, HeaderValue::from_static("Accept"));
        }
        response
    }
}

/// What a request for objects is about.
struct Call {
    resource: Arc<Resource>,
    target: Target,
    query: Query,
    view: View,
}

impl Call {
    fn key(&self) -> String {
        key(if self.resource.namespaced { &self.target.namespace } else { "" }, &self.target.name)
    }

    fn mode(&self) -> Mode {
        let part = match self.target.subresource.as_str() {
            "status" | "approval" => Part::Status,
            _ => Part::Main,
        };
        Mode { part, dry_run: self.query.get("dryRun") == "All" }
    }
}

impl Server {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    async fn answer(&self, request: Request<Body>) -> Result<Answer, Failure> {
        let (head, body) = request.into_parts();
        let query = Query::read(head.uri.query().unwrap_or_default());
        let route = Route::read(head.uri.path());
        let is_get = head.method == Method::GET;
        let found = match &route {
            Route::Objects(_) => None,
            Route::Unknown => return Ok(Answer::plain(StatusCode::NOT_FOUND, "404 page not found\n")),
            _ if !is_get => return Err(Failure::method_not_allowed()),
            Route::Version => Some(Answer::json(StatusCode::OK, &discovery::version())),
            Route::Health => Some(Answer::plain(StatusCode::OK, "ok")),
            about => self.shared.with(|state| discovery::answer(&state.registry, about, &head.headers)),
        };
        let Route::Objects(target) = route else {
            return Ok(found.unwrap_or_else(|| Answer::plain(StatusCode::NOT_FOUND, "404 page not found\n")));
        };
        let call = match self.call(target, query, &head.headers)? {
            Some(call) => call,
            None => return Ok(Answer::plain(StatusCode::NOT_FOUND, "404 page not found\n")),
        };
        self.dispatch(&head.method, &head.headers, call, body).await
    }

    /// The resource a request is about; `None` when the server serves no such thing.
    fn call(&self, target: Target, query: Query, headers: &HeaderMap) -> Result<Option<Call>, Failure> {
        let find = |state: &mut crate::store::State| {
            state.registry.find(&target.group, &target.version, &target.plural).cloned()
        };
        let Some(resource) = self.shared.with(find) else { return Ok(None) };
        if !resource.namespaced && !target.namespace.is_empty() {
            return Ok(None);
        }
        let subresource = target.subresource.as_str();
        if !subresource.is_empty() && !resource.has_subresource(subresource) {
            return Err(Failure::no_resource());
        }
        Ok(Some(Call { resource, target, query, view: view(headers)? }))
    }

    async fn dispatch(
        &self,
        method: &Method,
        headers: &HeaderMap,
        call: Call,
        body: Body,
    ) -> Result<Answer, Failure> {
        let verb = verb(method, &call).ok_or_else(Failure::method_not_allowed)?;
        let sub = call.target.subresource.as_str();
        if sub.is_empty() && !call.resource.serves(verb) {
            return Err(Failure::method_not_allowed());
        }
        let placeless = call.resource.namespaced && call.target.namespace.is_empty();
        if placeless && !matches!(verb, "list" | "watch") {
            return Err(Failure::method_not_allowed());
        }
        match verb {
            "list" => self.list(call).await,
            "watch" => {
                let watch = self.watch(call).await?;
                let events = watch.map(Ok);
                Ok(Answer::new(StatusCode::OK, "application/json", Body::Stream(Box::pin(events))))
            }
            "get" => self.get(&call).await,
            "create" => {
                let body = read_json(headers, body).await?;
                self.create(&call, body)
            }
            "update" => {
                let body = read_json(headers, body).await?;
                self.update(&call, |_| Ok(body))
            }
            "patch" => {
                let patch = read_patch(headers, body, &call.resource).await?;
                self.update(&call, |mut object| {
                    patch.apply(&mut object)?;
                    Ok(object)
                })
            }
            _ => {
                let deletion = read_deletion(headers, body, &call.query).await?;
                if verb == "delete" {
                    self.delete(&call, &deletion)
                } else {
                    self.delete_all(call, &deletion)
                }
            }
        }
    }

    async fn list(&self, call: Call) -> Result<Answer, Failure> {
        let filter = Filter::read(&call.resource, &call.target, &call.query)?;
        let request = ListRequest::read(&call.query)?;
        self.wait_for(request.needs()).await?;
        let page = self.shared.with(|state| request.page(state, &call.resource, &filter))?;
        Ok(list_answer(call, page))
    }

    async fn watch(&self, call: Call) -> Result<Watch, Failure> {
        let filter = Filter::read(&call.resource, &call.target, &call.query)?;
        let request = WatchRequest::read(&call.query, self.shared.options.watch_list)?;
        // A version that is not reached in time is told in the watch.
        drop(self.wait_for(request.needs()).await);
        Ok(request.begin(self.shared.clone(), call.resource, call.view, filter))
    }

    async fn get(&self, call: &Call) -> Result<Answer, Failure> {
        let version = crate::list::read_version(call.query.get("resourceVersion"))?;
        self.wait_for(version.unwrap_or(0)).await?;
        let stored = self.shared.with(|state| state.object(&call.resource.store, &call.key()).cloned());
        let stored = stored.ok_or_else(|| Failure::not_found(&call.resource, &call.target.name))?;
        if call.target.subresource == "scale" {
            return Ok(Answer::json(StatusCode::OK, &scale::show(&call.resource, &stored.value()?)));
        }
        Ok(Answer::object(StatusCode::OK, stored.text(&call.resource, call.view)?))
    }

    fn create(&self, call: &Call, body: Value) -> Result<Answer, Failure> {
        if reviews::is_review(&call.resource) {
            return Ok(Answer::json(StatusCode::CREATED, &reviews::answer(&call.resource, body)));
        }
        let (target, resource) = (&call.target, &call.resource);
        match (resource.plural.as_str(), target.subresource.as_str()) {
            ("bindings", "") => return self.bind(call, text(&body, "metadata.name"), &body),
            ("pods", "binding") => return self.bind(call, &target.name, &body),
            ("pods", "eviction") => {
                let deletion = Deletion { dry_run: call.mode().dry_run, ..Deletion::default() };
                self.shared.with(|state| state.delete(resource, &call.key(), &deletion))?;
                return Ok(success(StatusCode::CREATED, Value::Null));
            }
            (_, "") => {}
            _ => return Err(Failure::method_not_allowed()),
        }
        let stored =
            self.shared.with(|state| state.create(resource, &target.namespace, body, call.mode()))?;
        Ok(Answer::object(StatusCode::CREATED, stored.text(resource, call.view)?))
    }

    /// Puts a pod on a node, as the scheduler asks for it.
    fn bind(&self, call: &Call, pod: &str, binding: &Value) -> Result<Answer, Failure> {
        let node = text(binding, "target.name").to_owned();
        self.shared.with(|state| {
            let pods = state.registry.of_store("pods").cloned().ok_or_else(Failure::no_resource)?;
            let mode = Mode { part: Part::Both, ..call.mode() };
            state.update(&pods, &key(&call.target.namespace, pod), mode, |mut object| {
                let there = text(&object, "spec.nodeName");
                if !there.is_empty() {
                    let why = format!("pod {pod} is already assigned to node {there:?}");
                    return Err(Failure::conflict(&pods, pod, &why));
                }
                crate::value::set(&mut object, "spec.nodeName", node);
                Ok(object)
            })
        })?;
        Ok(success(StatusCode::CREATED, Value::Null))
    }

    fn update(
        &self,
        call: &Call,
        make: impl FnOnce(Value) -> Result<Value, Failure>,
    ) -> Result<Answer, Failure> {
        let (resource, key) = (&call.resource, call.key());
        if call.target.subresource == "scale" {
            let make = |object: Value| scale::change(resource, object, make);
            let stored = self.shared.with(|state| state.update(resource, &key, call.mode(), make))?;
            return Ok(Answer::json(StatusCode::OK, &scale::show(resource, &stored.value()?)));
        }
        let stored = self.shared.with(|state| state.update(resource, &key, call.mode(), make))?;
        Ok(Answer::object(StatusCode::OK, stored.text(resource, call.view)?))
    }

    fn delete(&self, call: &Call, deletion: &Deletion) -> Result<Answer, Failure> {
        let resource = &call.resource;
        let deleted = self.shared.with(|state| state.delete(resource, &call.key(), deletion))?;
        if resource.echo || !deleted.gone {
            return Ok(Answer::object(StatusCode::OK, deleted.object.text(resource, call.view)?));
        }
        let details = json!({
            "name": deleted.object.name(),
            "group": resource.group,
            "kind": resource.plural,
            "uid": text(&deleted.object.value()?, "metadata.uid"),
        });
        Ok(success(StatusCode::OK, details))
    }

    fn delete_all(&self, call: Call, deletion: &Deletion) -> Result<Answer, Failure> {
        let filter = Filter::read(&call.resource, &call.target, &call.query)?;
        let request = ListRequest::read(&call.query)?;
        let page = self.shared.with(|state| {
            let page = request.page(state, &call.resource, &filter)?;
            for object in &page.objects {
                state.delete(&call.resource, &object.key, deletion)?;
            }
            Ok(page)
        })?;
        Ok(list_answer(call, page))
    }

    /// Waits a while for a version that is not reached yet.
    async fn wait_for(&self, version: u64) -> Result<(), Failure> {
        if version > self.shared.with(|state| state.version()) {
            self.shared.runtime.sleep(FRESHNESS_WAIT).await;
        }
        let newest = self.shared.with(|state| state.version());
        if version > newest { Err(Failure::too_large_version(version, newest)) } else { Ok(()) }
    }
}

#[cfg_attr(not(target_family = "wasm"), async_trait)]
#[cfg_attr(target_family = "wasm", async_trait(?Send))]
impl Transport for Server {
    async fn send(&self, request: Request<Body>) -> Result<Response<Body>, Error> {
        if let Some(logs) = streams::logs(&self.shared, request.uri()) {
            return Ok(logs.unwrap_or_else(|refusal| refused(&refusal).into_response()));
        }
        Ok(self.answer(request).await.unwrap_or_else(|refusal| refused(&refusal)).into_response())
    }

    /// Opens a watch. As the real server, it takes one subprotocol and echoes it; anything but a watch is refused.
    async fn connect(&self, request: Request<()>, protocols: &[&str]) -> Result<Socket, Error> {
        if let Some(socket) = streams::command(&self.shared, request.uri(), protocols) {
            return Ok(socket?);
        }
        if let [_, _, ..] = protocols {
            return Err(Failure::bad_request("a watch takes one subprotocol at most").into());
        }
        let (head, ()) = request.into_parts();
        let Route::Objects(target) = Route::read(head.uri.path()) else { return Err(no_upgrade()) };
        let query = Query::read(head.uri.query().unwrap_or_default());
        let call = self.call(target, query, &HeaderMap::new())?.ok_or_else(Failure::no_resource)?;
        if verb(&head.method, &call) != Some("watch") || !call.resource.serves("watch") {
            return Err(no_upgrade());
        }
        let watch = self.watch(call).await?;
        let (open, closed) = oneshot::channel();
        let incoming = watch.map(|event| Ok(Message::Text(event))).take_until(closed);
        let protocol = protocols.first().map(|protocol| (*protocol).to_owned());
        Ok(Socket::new(protocol, Box::pin(incoming), Box::pin(ignoring(open))))
    }
}

/// A sink that ignores what it is given; closing it ends the watch.
fn ignoring(open: oneshot::Sender<()>) -> impl Sink<Message, Error = Error> {
    sink::unfold(open, |open, _: Message| async move { Ok::<_, Error>(open) })
}

fn no_upgrade() -> Error {
    Error::transport(TransportErrorKind::Protocol, "the server answered without opening a WebSocket")
}

fn refused(refusal: &Failure) -> Answer {
    let code = StatusCode::from_u16(refusal.code()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    Answer::json(code, &json!(refusal.status()))
}

fn success(code: StatusCode, details: Value) -> Answer {
    let mut status = json!({ "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success" });
    if details.is_null() {
        status["code"] = code.as_u16().into();
    } else {
        status["details"] = details;
    }
    Answer::json(code, &status)
}

fn list_answer(call: Call, page: Page) -> Answer {
    Answer::new(StatusCode::OK, "application/json", page.body(call.resource, call.view))
}

/// The verb a request means, `None` for a method the server does not have there.
fn verb(method: &Method, call: &Call) -> Option<&'static str> {
    let named = !call.target.name.is_empty();
    let watches = call.query.flag("watch") && call.target.subresource.is_empty();
    match *method {
        Method::GET if watches => Some("watch"),
        Method::GET if named => Some("get"),
        Method::GET => Some("list"),
        Method::POST if !named || !call.target.subresource.is_empty() => Some("create"),
        Method::PUT if named => Some("update"),
        Method::PATCH if named => Some("patch"),
        Method::DELETE if !call.target.subresource.is_empty() => None,
        Method::DELETE if named => Some("delete"),
        Method::DELETE => Some("deletecollection"),
        _ => None,
    }
}

/// How much of the objects the Accept header asks for: the first of its types that the server has.
fn view(headers: &HeaderMap) -> Result<View, Failure> {
    let accept = headers.get(ACCEPT).and_then(|accept| accept.to_str().ok()).unwrap_or_default();
    if accept.is_empty() {
        return Ok(View::Whole);
    }
    let views = accept.split(',').filter_map(|range| {
        let mut parts = range.split(';').map(str::trim);
        let is_json = matches!(parts.next()?, "application/json" | "application/*" | "*/*");
        let shape = parts.find_map(|part| part.strip_prefix("as="));
        match shape {
            _ if !is_json => None,
            None => Some(View::Whole),
            Some("PartialObjectMetadata" | "PartialObjectMetadataList") => Some(View::Metadata),
            Some(_) => None,
        }
    });
    views.into_iter().next().ok_or_else(Failure::not_acceptable)
}

fn media_type(headers: &HeaderMap) -> &str {
    let header = headers.get(CONTENT_TYPE).and_then(|header| header.to_str().ok()).unwrap_or_default();
    header.split(';').next().unwrap_or_default().trim()
}

async fn read_body(body: Body) -> Result<Bytes, Failure> {
    body.collect(BODY_LIMIT).await.map_err(|error| match error.kind() {
        portolan::ErrorKind::Transport(TransportErrorKind::TooLarge) => Failure::too_large_body(BODY_LIMIT),
        _ => Failure::bad_request(format!("the body could not be read: {error}")),
    })
}

async fn read_json(headers: &HeaderMap, body: Body) -> Result<Value, Failure> {
    if !matches!(media_type(headers), "" | "application/json") {
        return Err(Failure::unsupported_media_type("application/json"));
    }
    parse(&read_body(body).await?)
}

fn parse(bytes: &[u8]) -> Result<Value, Failure> {
    serde_json::from_slice(bytes).map_err(|error| {
        let text = format!("couldn't get version/kind; json parse error: {error}");
        Failure::bad_request(format!("the object provided is unrecognized: {text}"))
    })
}

async fn read_patch(headers: &HeaderMap, body: Body, resource: &Resource) -> Result<Change, Failure> {
    let make = match media_type(headers) {
        "application/json-patch+json" => Change::Json,
        "application/merge-patch+json" => Change::Merge,
        "application/strategic-merge-patch+json" if !resource.custom => Change::Strategic,
        _ => {
            let strategic = if resource.custom { "" } else { ", application/strategic-merge-patch+json" };
            let accepted = format!("application/json-patch+json, application/merge-patch+json{strategic}");
            return Err(Failure::unsupported_media_type(&accepted));
        }
    };
    let patch = parse(&read_body(body).await?)?;
    Ok(make(patch))
}

/// Delete options come as a body; some clients send `dryRun` as a parameter.
async fn read_deletion(headers: &HeaderMap, body: Body, query: &Query) -> Result<Deletion, Failure> {
    let bytes = read_body(body).await?;
    let options = if bytes.is_empty() { Value::Null } else { parse(&bytes)? };
    if !bytes.is_empty() && !matches!(media_type(headers), "" | "application/json") {
        return Err(Failure::unsupported_media_type("application/json"));
    }
    let owned = |path: &str| Some(text(&options, path).to_owned()).filter(|text| !text.is_empty());
    Ok(Deletion {
        uid: owned("preconditions.uid"),
        version: owned("preconditions.resourceVersion"),
        dry_run: query.get("dryRun") == "All" || list(&options, "dryRun").next().is_some(),
    })
}
