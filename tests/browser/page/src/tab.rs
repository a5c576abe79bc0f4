//! The [`Tab`] that a test holds in its hand.
//!
//! Invariant: everything it tells is read off the library at that moment.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt::Debug;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use http::header::AUTHORIZATION;
use k8s_openapi::api::core::v1::ConfigMap;
use portolan::Error;
use portolan::cache::{Event, HandlerOptions};
use portolan::client::Client;
use portolan::config::WatchOver;
use portolan::informer::{FactoryOptions, SharedIndexInformer, SharedInformerFactory};
use portolan::meta::{ApiResource, Object, Resource};
use portolan::transport::{Body, Transport};
use portolan_wasm::browser::{self, FetchTransport};
use serde_json::{Value, json};
use wasm_bindgen::JsError;
use wasm_bindgen::prelude::wasm_bindgen;

/// A client, its informers, and what they told since it was last asked.
#[wasm_bindgen]
#[derive(Debug)]
pub struct Tab {
    transport: FetchTransport,
    client: Client,
    factory: SharedInformerFactory,
    resources: RefCell<BTreeMap<String, ApiResource>>,
    /// The informers by name.
    informers: RefCell<BTreeMap<String, Box<dyn Informer>>>,
    events: Rc<RefCell<Vec<Value>>>,
    woken: Rc<RefCell<Vec<String>>>,
}

#[wasm_bindgen]
impl Tab {
    /// A client of the server this page came from, whose watches go over "socket", "http" or "either".
    ///
    /// Watches that bring nothing for `idle_seconds` are taken for dead; 0 leaves the default.
    #[wasm_bindgen(constructor)]
    pub fn new(over: &str, idle_seconds: u32) -> Result<Self, JsError> {
        let transport = FetchTransport::default();
        let mut config = browser::config().map_err(thrown)?;
        config.watch_over = match over {
            "socket" => WatchOver::Socket,
            "http" => WatchOver::Http,
            _ => WatchOver::SocketThenHttp,
        };
        let client = browser::client_with(transport.clone(), config).map_err(thrown)?;
        let mut options = FactoryOptions::default();
        if idle_seconds > 0 {
            options.reflector.idle_timeout = Some(Duration::from_secs(idle_seconds.into()));
        }
        let factory = SharedInformerFactory::new(&client, options);
        let woken = Rc::<RefCell<Vec<String>>>::default();
        wasm_bindgen_futures::spawn_local(heed_wakes(factory.clone(), woken.clone()));
        let (resources, informers) = (RefCell::default(), RefCell::default());
        Ok(Self { transport, client, factory, resources, informers, events: Rc::default(), woken })
    }

    /// The names of the resources that can be listed and watched, such as `pods` and `deployments.apps`.
    pub async fn discover(&self) -> Result<Vec<String>, JsError> {
        let discovery = self.client.discovery().server_groups_and_resources().await.map_err(thrown)?;
        let found = discovery.preferred_resources();
        let found = found.into_iter().filter(|resource| resource.can("list") && resource.can("watch"));
        let found = found.map(|resource| (name(&resource.resource), resource.resource.clone()));
        *self.resources.borrow_mut() = found.collect();
        Ok(self.resources.borrow().keys().cloned().collect())
    }

    /// Starts an informer on each of `names`, as `discover` gave them.
    pub fn inform(&self, names: Vec<String>) -> Result<(), JsError> {
        for name in names {
            let resource = self.resources.borrow().get(&name).cloned();
            let resource = resource.ok_or_else(|| JsError::new(&format!("discovery knows no {name}")))?;
            self.follow(&name, self.factory.dynamic(&resource));
        }
        self.factory.start();
        Ok(())
    }

    /// Starts an informer of each form on config maps, and returns their names.
    pub fn inform_forms(&self) -> Vec<String> {
        let resource = ConfigMap::api_resource();
        self.follow("lazy config maps", self.factory.informer::<ConfigMap>());
        self.follow("typed config maps", self.factory.typed::<ConfigMap>());
        self.follow("dynamic config maps", self.factory.dynamic(&resource));
        self.follow("metadata of config maps", self.factory.metadata(&resource));
        self.factory.start();
        self.informers.borrow().keys().cloned().collect()
    }

    /// How every informer stands, as JSON.
    pub fn status(&self) -> String {
        let informers = self.factory.status().into_iter().map(|(resource, status)| {
            json!({
                "resource": name(&resource),
                "phase": format!("{:?}", status.phase),
                "objects": status.objects,
                "version": status.resource_version.to_string(),
                "socket": status.over_socket,
                "error": status.last_error,
                "events": status.counters.events,
                "bookmarks": status.counters.bookmarks,
                "relists": status.counters.relists,
                "watches": status.counters.watches,
                "idle": status.counters.idle,
            })
        });
        Value::Array(informers.collect()).to_string()
    }

    /// The keys an informer holds, each with its resource version, as JSON.
    pub fn objects(&self, name: &str) -> Result<String, JsError> {
        let informers = self.informers.borrow();
        let informer =
            informers.get(name).ok_or_else(|| JsError::new(&format!("no informer is on {name}")))?;
        Ok(json!(informer.held()).to_string())
    }

    /// What the informers told since the last call, as JSON, each with its moment in milliseconds since the Unix epoch.
    pub fn events(&self) -> String {
        Value::Array(self.events.borrow_mut().drain(..).collect()).to_string()
    }

    /// Asks for `path` and returns the status of the answer, read to its end.
    pub async fn request(&self, path: &str) -> Result<u16, JsError> {
        let response = self.open(path).await?;
        let status = response.status().as_u16();
        response.into_body().collect(64 << 20).await.map_err(thrown)?;
        Ok(status)
    }

    /// Reads the body of `path` chunk by chunk until `bytes` have come, then drops it.
    pub async fn taste(&self, path: &str, bytes: usize) -> Result<usize, JsError> {
        let mut body = self.open(path).await?.into_body();
        let mut read = 0;
        while read < bytes {
            let Some(chunk) = body.chunk().await else { break };
            read += chunk.map_err(thrown)?.len();
        }
        Ok(read)
    }

    /// Plays the informer scenario that every transport must tell alike, and returns its trace.
    pub async fn scenario(&self) -> Result<Vec<String>, JsError> {
        portolan_scenario::play(&self.client).await.map_err(thrown)
    }

    /// The trace that the scenario must tell.
    pub fn expected() -> Vec<String> {
        portolan_scenario::EXPECTED.map(str::to_owned).to_vec()
    }

    /// Opens a watch at `address`, another origin's, with a bearer token, and returns its first message.
    pub async fn first_message(&self, address: &str, token: &str) -> Result<String, JsError> {
        let request = http::Request::get(address).header(AUTHORIZATION, format!("Bearer {token}")).body(())?;
        let mut socket = self.transport.connect(request, &[]).await.map_err(thrown)?;
        let first = socket.next().await.ok_or_else(|| JsError::new("the socket ended"))?.map_err(thrown)?;
        Ok(String::from_utf8_lossy(&first.into_bytes()).into_owned())
    }

    /// What the transport has open and has carried, as JSON.
    pub fn traffic(&self) -> String {
        let traffic = self.transport.traffic();
        json!({
            "fetches": traffic.open_fetches,
            "streams": traffic.open_streams,
            "sockets": traffic.open_sockets,
            "pending": traffic.pending_sockets,
            "failed": traffic.failed_handshakes,
            "overflowed": traffic.overflowed_sockets,
            "bytes": traffic.received_bytes,
        })
        .to_string()
    }

    /// What has woken the informers so far.
    pub fn wakes(&self) -> Vec<String> {
        self.woken.borrow().clone()
    }

    /// Stops all informers.
    pub fn stop(&self) {
        self.factory.shutdown();
    }

    async fn open(&self, path: &str) -> Result<http::Response<Body>, JsError> {
        let base = browser::base_uri().map_err(thrown)?;
        let address = format!("{}{path}", base.to_string().trim_end_matches('/'));
        let request = http::Request::get(address).body(Body::Empty)?;
        self.transport.send(request).await.map_err(thrown)
    }
}

impl Tab {
    /// What it asks with.
    pub(crate) fn client(&self) -> &Client {
        &self.client
    }

    fn follow<T: Object>(&self, name: &str, informer: SharedIndexInformer<T>) {
        let (events, told) = (self.events.clone(), name.to_owned());
        let handler = move |event: Event<T>| events.borrow_mut().push(describe(&told, &event));
        informer.add_handler(HandlerOptions::default(), handler);
        self.informers.borrow_mut().insert(name.to_owned(), Box::new(informer));
    }
}

/// An informer, whatever its objects are.
trait Informer: Debug {
    /// The keys it holds, each with its resource version.
    fn held(&self) -> BTreeMap<String, String>;
}

impl<T: Object> Informer for SharedIndexInformer<T> {
    fn held(&self) -> BTreeMap<String, String> {
        let entry = |object: &Arc<T>| (object.key().to_string(), object.meta().resource_version.to_owned());
        self.lister().list().iter().map(entry).collect()
    }
}

/// What a page is to do: whatever puts its connections in doubt makes the informers ask.
async fn heed_wakes(factory: SharedInformerFactory, woken: Rc<RefCell<Vec<String>>>) {
    let mut wakes = browser::wakes();
    while let Some(wake) = wakes.next().await {
        woken.borrow_mut().push(format!("{wake:?}"));
        factory.wake();
    }
}

fn name(resource: &ApiResource) -> String {
    if resource.group.is_empty() {
        resource.plural.to_string()
    } else {
        format!("{}.{}", resource.plural, resource.group)
    }
}

fn describe<T: Object>(name: &str, event: &Event<T>) -> Value {
    let (what, object) = match event {
        Event::Added { object, .. } => ("added", object),
        Event::Updated { new, .. } => ("updated", new),
        Event::Deleted { object, .. } => ("deleted", object),
    };
    let at = browser::runtime().clock.unix_time().as_secs_f64() * 1000.0;
    let (key, version) = (object.key().to_string(), object.meta().resource_version.to_string());
    json!({ "at": at, "what": what, "resource": name, "key": key, "version": version })
}

#[expect(clippy::needless_pass_by_value, reason = "map_err hands the error over")]
pub(crate) fn thrown(error: Error) -> JsError {
    JsError::new(&error.to_string())
}
