//! The HTTP face of the cluster: from a request to an answer, as kube-apiserver does it.
//!
//! Invariant: whatever a client sends gets an answer; only a socket that cannot be opened is an error.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures::channel::oneshot;
use futures::{Sink, StreamExt, sink};
use http::header::{ACCEPT, HeaderMap, USER_AGENT};
use http::{Method, Request, Response, StatusCode};
#[cfg(feature = "full")]
use portolan::meta::GroupVersionResource;
use portolan::status::quoted;
use portolan::transport::{Body, Message, Socket, Transport};
use portolan::{Error, TransportErrorKind};
use serde_json::{Value, json};

use crate::answer::Answer;
use crate::bodies;
use crate::change::{Manager, Mode, Part};
use crate::cluster::Shared;
use crate::deletion::Deletion;
use crate::discovery;
use crate::failure::{Cause, Failure};
use crate::list::{ListRequest, Page, read_version};
use crate::list_options::ListOptions;
use crate::patch::Patch;
#[cfg(feature = "full")]
use crate::reactions::Action;
use crate::request::{Query, Route, Target};
use crate::resources::Resource;
use crate::select::Filter;
use crate::stored::{View, key};
#[cfg(feature = "full")]
use crate::unknown::{FieldValidation, refuse_to_apply};
use crate::value::text;
use crate::watch::{Watch, WatchRequest};
use crate::{reviews, scale, streams};

/// How long a request for a version that is not reached yet waits for it.
const FRESHNESS_WAIT: Duration = Duration::from_secs(3);

/// A transport whose other end is a cluster in memory.
#[derive(Debug)]
pub(crate) struct Server {
    shared: Arc<Shared>,
}

/// What a request for objects is about.
struct Call {
    resource: Arc<Resource>,
    target: Target,
    query: Query,
    view: View,
    /// Who makes a change: `fieldManager`, or what the User-Agent begins with.
    manager: String,
}

impl Call {
    fn key(&self) -> String {
        key(if self.resource.namespaced { &self.target.namespace } else { "" }, &self.target.name)
    }

    fn manager(&self) -> Manager<'_> {
        Manager { name: &self.manager, subresource: &self.target.subresource }
    }

    /// What a test is told of it.
    #[cfg(feature = "full")]
    fn action(&self, verb: &'static str, body: Value) -> Action {
        let Self { resource, target, .. } = self;
        let (group, version) = (resource.group.clone(), resource.version.clone());
        Action {
            verb,
            resource: GroupVersionResource::new(group, version, resource.plural.clone()),
            subresource: target.subresource.clone(),
            namespace: target.namespace.clone(),
            name: target.name.clone(),
            body,
        }
    }

    /// Drops what the kind of a body does not have, and gives what its sender is to be told of that.
    #[cfg(feature = "full")]
    fn check_fields(&self, verb: &str, object: &mut Value) -> Result<Vec<String>, Failure> {
        let validation = FieldValidation::read(&self.query, options_of(verb).unwrap_or_default())?;
        let kind = text(object, "kind").to_owned();
        if kind.is_empty() && !matches!(self.target.subresource.as_str(), "" | "status") {
            return Ok(Vec::new()); // of a subresource's kind, which it does not say
        }
        let refusal = |told: &[String]| Failure::unknown_fields(&self.resource, &kind, told);
        validation.check(&self.resource, object, refusal)
    }

    #[cfg(not(feature = "full"))]
    fn check_fields(&self, _: &str, _: &mut Value) -> Result<Vec<String>, Failure> {
        Ok(Vec::new())
    }

    /// `object` with `patch` laid over it, and what whoever sent that is to be told.
    fn patched(&self, mut object: Value, patch: Patch, now: &str) -> Result<(Value, Vec<String>), Failure> {
        let uid = text(&object, "metadata.uid").to_owned();
        #[cfg(feature = "full")]
        let (said, validation) = {
            if let Patch::Apply { wanted, .. } = &patch {
                refuse_to_apply(&self.resource, wanted)?;
            }
            (patch.value().clone(), FieldValidation::read(&self.query, "PatchOptions")?)
        };
        patch.apply(&self.resource, &mut object, self.manager(), now)?;
        let given = text(&object, "metadata.uid");
        if !given.is_empty() && given != uid && !uid.is_empty() {
            let cause = Cause::invalid("metadata.uid", quoted(given), "field is immutable");
            return Err(Failure::invalid(&self.resource, &self.target.name, vec![cause]));
        }
        #[cfg(feature = "full")]
        let warnings = validation
            .check(&self.resource, &mut object, |told| Failure::unknown_fields_of_patch(&said, told))?;
        #[cfg(not(feature = "full"))]
        let warnings = Vec::new();
        Ok((object, warnings))
    }

    fn mode(&self) -> Mode<'_> {
        let part = match self.target.subresource.as_str() {
            "status" | "approval" => Part::Status,
            _ => Part::Main,
        };
        Mode { part, dry_run: self.query.all("dryRun").next().is_some(), manager: Some(self.manager()) }
    }
}

/// The kind of the options that a change has in its query; a deletion's may stand in its body.
fn options_of(verb: &str) -> Option<&'static str> {
    match verb {
        "create" => Some("CreateOptions"),
        "update" => Some("UpdateOptions"),
        "patch" => Some("PatchOptions"),
        _ => None,
    }
}

/// What came with a request, read.
enum Input {
    Nothing,
    Object(Value),
    Patch(Patch),
    Deletion(Deletion),
}

impl Input {
    async fn read(verb: &str, headers: &HeaderMap, body: Body, call: &Call) -> Result<Self, Failure> {
        if let Some(options) = options_of(verb)
            && let Some(cause) = Cause::of_dry_run(call.query.all("dryRun"))
        {
            return Err(Failure::invalid_options_of(options, vec![cause]));
        }
        Ok(match verb {
            "create" | "update" => Self::Object(bodies::object(headers, body).await?),
            "patch" => Self::Patch(bodies::patch(headers, body, &call.query, &call.resource).await?),
            "delete" | "deletecollection" => {
                Self::Deletion(bodies::deletion(headers, body, &call.query).await?)
            }
            _ => Self::Nothing,
        })
    }

    #[cfg(feature = "full")]
    fn value(&self) -> Value {
        match self {
            Self::Object(object) => object.clone(),
            Self::Patch(change) => change.value().clone(),
            Self::Nothing | Self::Deletion(_) => Value::Null,
        }
    }
}

impl Server {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    async fn answer(&self, request: Request<Body>) -> Result<Answer, Error> {
        let (head, body) = request.into_parts();
        let query = Query::read(head.uri.query().unwrap_or_default());
        let route = Route::read(head.uri.path());
        let is_get = head.method == Method::GET;
        let found = match &route {
            Route::Objects(_) => None,
            Route::Unknown => return Ok(Answer::not_found()),
            _ if !is_get => return Err(Failure::method_not_allowed().into()),
            Route::Version => Some(Answer::json(StatusCode::OK, &discovery::version())),
            Route::Health => Some(Answer::plain(StatusCode::OK, "ok")),
            about => self.shared.with(|state| discovery::answer(&state.registry, about, &head.headers)),
        };
        let Route::Objects(target) = route else {
            return Ok(found.unwrap_or_else(Answer::not_found));
        };
        let call = match self.call(target, query, &head.headers)? {
            Some(call) => call,
            None => return Ok(Answer::not_found()),
        };
        let warning = call.resource.warning.clone();
        let answer = self.dispatch(&head.method, &head.headers, call, body).await?;
        Ok(answer.with_warnings(warning))
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
        let now = self.shared.with(|state| state.now);
        let view = view(headers, &query, now)?;
        let manager = manager(headers, &query);
        Ok(Some(Call { resource, target, query, view, manager }))
    }

    async fn dispatch(
        &self,
        method: &Method,
        headers: &HeaderMap,
        call: Call,
        body: Body,
    ) -> Result<Answer, Error> {
        let verb = verb(method, &call).ok_or_else(Failure::method_not_allowed)?;
        let sub = call.target.subresource.as_str();
        if sub.is_empty() && !call.resource.serves(verb) {
            return Err(Failure::method_not_allowed().into());
        }
        if matches!(sub, "attach" | "exec") {
            return Err(Failure::bad_request("Upgrade request required").into());
        }
        let placeless = call.resource.namespaced && call.target.namespace.is_empty();
        if placeless && !matches!(verb, "list" | "watch") {
            return Err(Failure::method_not_allowed().into());
        }
        let body = Input::read(verb, headers, body, &call).await?;
        #[cfg(feature = "full")]
        if let Some(answer) = self.react(verb, &call, &body)? {
            return Ok(answer);
        }
        let answer = match body {
            Input::Object(mut object) => {
                let warnings = call.check_fields(verb, &mut object)?;
                let answer = match verb {
                    "create" => self.create(&call, object)?,
                    _ => self.update(&call, |_| Ok(object))?,
                };
                answer.with_warnings(warnings)
            }
            Input::Patch(patch) => self.patch(&call, patch)?,
            Input::Deletion(deletion) if verb == "delete" => self.delete(&call, &deletion)?,
            Input::Deletion(deletion) => self.delete_all(call, &deletion)?,
            Input::Nothing => match verb {
                "list" => self.list(call).await?,
                "watch" => {
                    let events = self.watch(call).await?.map(Ok);
                    Answer::new(StatusCode::OK, "application/json", Body::Stream(Box::pin(events)))
                }
                _ => self.get(&call).await?,
            },
        };
        Ok(answer)
    }

    /// The answer that a test gives in place of the cluster.
    #[cfg(feature = "full")]
    fn react(&self, verb: &'static str, call: &Call, body: &Input) -> Result<Option<Answer>, Error> {
        let code = if verb == "create" { StatusCode::CREATED } else { StatusCode::OK };
        let answer = self.shared.reaction(|| call.action(verb, body.value()))?;
        Ok(answer.map(|answer| Answer::json(code, &answer)))
    }

    /// The logs of a container, of the cluster's own making or a test's.
    fn logs(&self, headers: &HeaderMap, target: Target, query: Query) -> Result<Response<Body>, Error> {
        let Some(call) = self.call(target, query, headers)? else {
            return Ok(Answer::not_found().into_response());
        };
        #[cfg(feature = "full")]
        if let Some(said) = self.shared.reaction(|| call.action("get", call.query.value()))? {
            return Ok(streams::said(&said));
        }
        Ok(streams::logs(&self.shared, &call.target, &call.query)?)
    }

    /// A command in a container, of which the cluster makes something up or a test says how it ends.
    fn command(&self, target: Target, query: Query, protocols: &[&str]) -> Result<Socket, Error> {
        let call = self.call(target, query, &HeaderMap::new())?.ok_or_else(Failure::no_resource)?;
        #[cfg(feature = "full")]
        if let Some(said) = self.shared.reaction(|| call.action("get", call.query.value()))? {
            return Ok(streams::ended(&said));
        }
        Ok(streams::echo(&self.shared, &call.target, &call.query, protocols)?)
    }

    fn list_options<'a>(&self, call: &'a Call) -> Result<ListOptions<'a>, Failure> {
        ListOptions::read(&call.query, self.shared.options.watch_list)
    }

    /// What a list, or a deletion of several objects, is about.
    fn list_request(&self, call: &Call) -> Result<(Filter, ListRequest), Failure> {
        let options = self.list_options(call)?;
        let request = ListRequest::read(&options);
        let filter = Filter::of(&call.resource, &call.target, options)?;
        Ok((filter, request?))
    }

    async fn list(&self, call: Call) -> Result<Answer, Failure> {
        let (filter, request) = self.list_request(&call)?;
        self.wait_for(request.needs()).await?;
        let page = self.shared.with(|state| request.page(state, &call.resource, &filter))?;
        Ok(list_answer(call, page))
    }

    async fn watch(&self, call: Call) -> Result<Watch, Failure> {
        let options = self.list_options(&call)?;
        let request = WatchRequest::read(&options);
        let filter = Filter::of(&call.resource, &call.target, options)?;
        let request = request?;
        // A version that is not reached in time is told in the watch.
        drop(self.wait_for(request.needs()).await);
        Ok(request.begin(self.shared.clone(), call.resource, call.view, filter))
    }

    async fn get(&self, call: &Call) -> Result<Answer, Failure> {
        let version = read_version(call.query.get("resourceVersion")).map_err(Failure::unexpected)?;
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
            ("pods", "eviction") => return self.evict(call, &body),
            (_, "") => {}
            _ => return Err(Failure::method_not_allowed()),
        }
        let stored =
            self.shared.with(|state| state.create(resource, &target.namespace, body, call.mode()))?;
        Ok(Answer::object(StatusCode::CREATED, stored.text(resource, call.view)?))
    }

    /// Deletes a pod as its eviction says. No disruption budget forbids it.
    fn evict(&self, call: &Call, eviction: &Value) -> Result<Answer, Failure> {
        if text(eviction, "metadata.name") != call.target.name {
            return Err(Failure::bad_request("name in URL does not match name in Eviction object"));
        }
        let mut deletion = bodies::deletion_options(&eviction["deleteOptions"])?;
        deletion.dry_run |= call.mode().dry_run;
        self.shared.with(|state| state.delete(&call.resource, &call.key(), &deletion))?;
        Ok(Answer::success(StatusCode::CREATED, Value::Null))
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
                    let why = format!("pod {pod} is already assigned to node {}", quoted(there));
                    return Err(Failure::conflict(&pods, pod, &why));
                }
                crate::value::set(&mut object, "spec.nodeName", node);
                Ok(object)
            })
        })?;
        Ok(Answer::success(StatusCode::CREATED, Value::Null))
    }

    fn update(
        &self,
        call: &Call,
        make: impl FnOnce(Value) -> Result<Value, Failure>,
    ) -> Result<Answer, Failure> {
        self.change(call, call.mode(), make)
    }

    /// What `make` makes of the object, or of its scale.
    fn change(
        &self,
        call: &Call,
        mode: Mode<'_>,
        make: impl FnOnce(Value) -> Result<Value, Failure>,
    ) -> Result<Answer, Failure> {
        let (resource, key) = (&call.resource, call.key());
        if call.target.subresource == "scale" {
            let make = |object: Value| scale::change(resource, object, make);
            let stored = self.shared.with(|state| state.update(resource, &key, mode, make))?;
            return Ok(Answer::json(StatusCode::OK, &scale::show(resource, &stored.value()?)));
        }
        let stored = self.shared.with(|state| state.update(resource, &key, mode, make))?;
        Ok(Answer::object(StatusCode::OK, stored.text(resource, call.view)?))
    }

    fn patch(&self, call: &Call, patch: Patch) -> Result<Answer, Failure> {
        let resource = &call.resource;
        let (now, there) = self
            .shared
            .with(|state| (state.timestamp(), state.object(&resource.store, &call.key()).is_some()));
        let is_apply = patch.is_apply();
        let mut warnings = Vec::new();
        let make = |object| {
            let (object, told) = call.patched(object, patch, &now)?;
            warnings = told;
            Ok(object)
        };
        // Applying notes its manager itself, and creates.
        let mode = if is_apply { Mode { manager: None, ..call.mode() } } else { call.mode() };
        let answer = if there || !is_apply || !call.target.subresource.is_empty() {
            self.change(call, mode, make)?
        } else {
            let mut object = make(json!({}))?;
            crate::value::set(&mut object, "metadata.name", call.target.name.as_str());
            let stored =
                self.shared.with(|state| state.create(resource, &call.target.namespace, object, mode))?;
            Answer::object(StatusCode::CREATED, stored.text(resource, call.view)?)
        };
        Ok(answer.with_warnings(warnings))
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
        Ok(Answer::success(StatusCode::OK, details))
    }

    fn delete_all(&self, call: Call, deletion: &Deletion) -> Result<Answer, Failure> {
        let (filter, request) = self.list_request(&call)?;
        let page = self.shared.with(|state| {
            let page = request.page(state, &call.resource, &filter)?;
            for object in &page.objects {
                match state.delete(&call.resource, &object.key, deletion) {
                    // It went with its owner.
                    Err(refusal) if refusal.code() == 404 => {}
                    other => drop(other?),
                }
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
        let outcome = match streams::asked(request.uri(), &["log"]) {
            Some((target, query)) => self.logs(request.headers(), target, query),
            None => self.answer(request).await.map(Answer::into_response),
        };
        match outcome {
            Ok(response) => Ok(response),
            // Only a test's reaction fails otherwise.
            Err(error) => match error.status() {
                Some(status) => Ok(Answer::refused(status).into_response()),
                None => Err(error),
            },
        }
    }

    /// Opens a watch. As the real server, it takes one subprotocol and echoes it; anything but a watch is refused.
    async fn connect(&self, request: Request<()>, protocols: &[&str]) -> Result<Socket, Error> {
        if let Some((target, query)) = streams::asked(request.uri(), &["exec", "attach"]) {
            return self.command(target, query, protocols);
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
        #[cfg(feature = "full")]
        let _answered_over_http = self.react("watch", &call, &Input::Nothing)?;
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

fn list_answer(call: Call, page: Page) -> Answer {
    Answer::new(StatusCode::OK, "application/json", page.body(call.resource, call.view))
}

/// The verb a request means, `None` for a method the server does not have there.
fn verb(method: &Method, call: &Call) -> Option<&'static str> {
    let named = !call.target.name.is_empty();
    match *method {
        Method::GET if named => Some("get"),
        Method::GET if call.query.flag("watch") => Some("watch"),
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

fn manager(headers: &HeaderMap, query: &Query) -> String {
    let agent = headers.get(USER_AGENT).and_then(|agent| agent.to_str().ok()).unwrap_or_default();
    let name = match query.get("fieldManager") {
        "" => agent.split('/').next().unwrap_or_default(),
        given => given,
    };
    if name.is_empty() { "unknown".to_owned() } else { name.chars().take(128).collect() }
}

/// How much of the objects the Accept header asks for: the first of its types that the server has. `now` is the time
/// since the Unix epoch.
fn view(headers: &HeaderMap, query: &Query, now: Duration) -> Result<View, Failure> {
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
            #[cfg(feature = "full")]
            Some("Table") => Some(View::Table(crate::table::Include::read(query.get("includeObject"))?, now)),
            Some(_) => None,
        }
    });
    views.into_iter().next().ok_or_else(Failure::not_acceptable)
}
