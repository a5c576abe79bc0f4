//! Every verb of every resource that a real API server serves, called through the Clientset: method, path and query are
//! what discovery says. What is served is read from the generator's `discovery.json` at run time; the calls are
//! generated beside it.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may panic")]

#[path = "generated/calls.rs"]
mod calls;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use http::{Method, Request, Response};
use k8s_openapi::Metadata;
use portolan::Error;
use portolan::client::{
    Api, Client, HasApproval, HasBinding, HasEphemeralContainers, HasEviction, HasFinalize, HasProxy,
    HasResize, HasScale, HasStatus, HasToken,
};
use portolan::config::Config;
use portolan::meta::{ListOptions, Object, ObjectMeta, Patch, WatchOptions};
use portolan::time::Simulator;
use portolan::transport::{Body, Transport};
use serde::Serialize;
use serde_json::{Value, json};

/// What no Clientset calls: streams, which are opened.
const STREAMS: [&str; 4] = ["pods/attach", "pods/exec", "pods/log", "pods/portforward"];

/// The calls that were made.
struct Calls {
    discovery: Value,
    asked: Recording,
    resource: (String, String),
    made: BTreeMap<Call, String>,
    lacking: BTreeSet<(String, String)>,
}

/// A verb of a resource or subresource of a group version.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Call {
    group_version: String,
    resource: String,
    verb: String,
}

/// An object that any kind can be read from, and a list of none.
const OBJECT: &str = r#"{"metadata":{"name":"x"}}"#;
const LIST: &str = r#"{"apiVersion":"v1","kind":"List","metadata":{},"items":[]}"#;

/// An API server that answers everything alike, and remembers what it was asked.
#[derive(Clone, Debug, Default)]
struct Recording(Arc<Mutex<Vec<String>>>);

#[async_trait]
impl Transport for Recording {
    async fn send(&self, request: Request<Body>) -> Result<Response<Body>, Error> {
        let (method, uri) = (request.method(), request.uri());
        self.0.lock().unwrap().push(format!("{method} {uri}"));
        let is_watch = uri.query().is_some_and(|query| query.contains("watch=true"));
        let is_one = uri.path().split('/').any(|segment| segment == "x");
        let body = match *method {
            Method::GET if is_watch => Body::Empty,
            Method::GET if !is_one => Body::Bytes(LIST.into()),
            _ => Body::Bytes(OBJECT.into()),
        };
        Ok(Response::builder().header("content-type", "application/json").body(body).unwrap())
    }
}

#[test]
fn every_verb_of_every_resource_goes_where_discovery_says() {
    let discovery = include_str!("../src/client/generated/discovery.json");
    let asked = Recording::default();
    let simulator = Simulator::new(1);
    let config = Config::new("http://server").unwrap();
    let client = Client::new(Arc::new(asked.clone()), config, simulator.runtime(1));
    let mut calls = Calls {
        discovery: serde_json::from_str(discovery).unwrap(),
        asked,
        resource: Default::default(),
        made: BTreeMap::new(),
        lacking: BTreeSet::new(),
    };
    // In virtual time: the default rate of five requests a second holds here too.
    simulator.run(Duration::from_secs(3600), calls::all(&client, &mut calls)).expect("a request hangs");
    let expected = expected(&calls.discovery);
    let (mut right, mut excepted, mut wrong) = (0, BTreeMap::new(), Vec::new());
    for (call, request) in &expected {
        let whose = call.resource.split('/').next().unwrap().to_owned();
        match calls.made.remove(call) {
            Some(made) if made == *request => right += 1,
            Some(made) => wrong.push(format!("{call:?}: {made} instead of {request}")),
            None if STREAMS.contains(&call.resource.as_str()) => {
                excepted.entry(format!("{} (a stream)", call.resource)).or_insert_with(Vec::new).push(call);
            }
            None if calls.lacking.contains(&(call.group_version.clone(), whose.clone())) => {
                let name =
                    format!("{} {whose} (not in the chosen version of k8s-openapi)", call.group_version);
                excepted.entry(name).or_insert_with(Vec::new).push(call);
            }
            None => wrong.push(format!("{call:?} was not made")),
        }
    }
    wrong.extend(calls.made.keys().map(|call| format!("{call:?} is not served")));
    println!("{right} of {} verbs of resources through the Clientset; excepted:", expected.len());
    for (name, calls) in &excepted {
        println!("  {name}: {}", calls.len());
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(right + excepted.values().map(Vec::len).sum::<usize>(), expected.len());
}

/// Every verb of discovery, and the request it is.
fn expected(discovery: &Value) -> BTreeMap<Call, String> {
    let mut expected = BTreeMap::new();
    for (group_version, resources) in discovery["groupVersions"].as_object().unwrap() {
        let root = if group_version.contains('/') { "/apis" } else { "/api" };
        for (plural, served) in resources.as_object().unwrap() {
            let namespace = if served["namespaced"] == true { "/namespaces/n" } else { "" };
            let base = format!("http://server{root}/{group_version}{namespace}/{plural}");
            let mut add = |resource: String, verb: &Value, request: String| {
                let verb = verb.as_str().unwrap().to_owned();
                expected.insert(Call { group_version: group_version.clone(), resource, verb }, request);
            };
            for verb in served["verbs"].as_array().unwrap() {
                let request = match verb.as_str().unwrap() {
                    "create" => format!("POST {base}"),
                    "delete" => format!("DELETE {base}/x"),
                    "deletecollection" => format!("DELETE {base}"),
                    "get" => format!("GET {base}/x"),
                    "list" => format!("GET {base}"),
                    "patch" => format!("PATCH {base}/x"),
                    "update" => format!("PUT {base}/x"),
                    "watch" => format!("GET {base}?watch=true"),
                    other => panic!("discovery names a verb {other}"),
                };
                add(plural.clone(), verb, request);
            }
            for (name, subresource) in served["subresources"].as_object().into_iter().flatten() {
                let below = if name == "proxy" { "/healthz/a" } else { "" };
                for verb in subresource["verbs"].as_array().unwrap() {
                    let method = match verb.as_str().unwrap() {
                        "create" => "POST",
                        "delete" => "DELETE",
                        "get" => "GET",
                        "patch" => "PATCH",
                        "update" => "PUT",
                        other => panic!("discovery names a verb {other} of {plural}/{name}"),
                    };
                    add(format!("{plural}/{name}"), verb, format!("{method} {base}/x/{name}{below}"));
                }
            }
        }
    }
    expected
}

fn named<K: Default + Metadata<Ty = ObjectMeta>>() -> K {
    let mut object = K::default();
    object.metadata_mut().name = Some("x".to_owned());
    object
}

fn patch() -> Patch {
    Patch::Merge(json!({}))
}

impl Calls {
    /// The verbs that discovery names of this resource.
    async fn resource<K>(&mut self, group_version: &str, plural: &str, api: &Api<K>)
    where
        K: Object + Serialize + Default + Metadata<Ty = ObjectMeta>,
    {
        self.resource = (group_version.to_owned(), plural.to_owned());
        let served = &self.discovery["groupVersions"][group_version][plural];
        let verbs: Vec<String> = serde_json::from_value(served["verbs"].clone()).unwrap();
        for verb in verbs {
            let done = match verb.as_str() {
                "create" => api.create(&named(), &Default::default()).await.map(drop),
                "delete" => api.delete("x", &Default::default()).await.map(drop),
                "deletecollection" => {
                    api.delete_collection(&Default::default(), &ListOptions::default()).await.map(drop)
                }
                "get" => api.get("x", &Default::default()).await.map(drop),
                "list" => api.list(&ListOptions::default()).await.map(drop),
                "patch" => api.patch("x", &patch(), &Default::default()).await.map(drop),
                "update" => api.update(&named(), &Default::default()).await.map(drop),
                "watch" => api.watch(&WatchOptions::default()).await.map(drop),
                other => panic!("discovery names a verb {other}"),
            };
            self.made(None, &verb, done);
        }
    }

    /// The chosen version of k8s-openapi has no type for it.
    fn lacks(&mut self, group_version: &str, plural: &str) {
        self.lacking.insert((group_version.to_owned(), plural.to_owned()));
    }

    /// Get, patch and update of a subresource whose object is the whole object.
    async fn part<K: Object + Serialize>(
        &mut self,
        name: &'static str,
        api: &Api<K>,
        update: Result<K, Error>,
    ) {
        self.made(Some(name), "update", update.map(drop));
        let part = api.subresource::<K>(name);
        let got = part.get("x", &Default::default()).await;
        self.made(Some(name), "get", got.map(drop));
        let patched = part.patch("x", &patch(), &Default::default()).await;
        self.made(Some(name), "patch", patched.map(drop));
    }

    async fn status<K>(&mut self, api: &Api<K>)
    where
        K: HasStatus + Serialize + Default + Metadata<Ty = ObjectMeta>,
    {
        let got = api.subresource::<K>("status").get("x", &Default::default()).await;
        self.made(Some("status"), "get", got.map(drop));
        let patched = api.patch_status("x", &patch(), &Default::default()).await;
        self.made(Some("status"), "patch", patched.map(drop));
        let updated = api.update_status(&named(), &Default::default()).await;
        self.made(Some("status"), "update", updated.map(drop));
    }

    async fn scale<K: HasScale>(&mut self, api: &Api<K>) {
        let got = api.get_scale("x", &Default::default()).await;
        self.made(Some("scale"), "get", got.map(drop));
        let patched = api.patch_scale("x", &patch(), &Default::default()).await;
        self.made(Some("scale"), "patch", patched.map(drop));
        let updated = api.update_scale(&named(), &Default::default()).await;
        self.made(Some("scale"), "update", updated.map(drop));
    }

    async fn eviction<K: HasEviction>(&mut self, api: &Api<K>) {
        let done = api.evict(&named()).await;
        self.made(Some("eviction"), "create", done);
    }

    async fn binding<K: HasBinding>(&mut self, api: &Api<K>) {
        let done = api.bind(&named(), &Default::default()).await;
        self.made(Some("binding"), "create", done);
    }

    async fn token<K: HasToken>(&mut self, api: &Api<K>) {
        let done = api.create_token("x", &named(), &Default::default()).await;
        self.made(Some("token"), "create", done.map(drop));
    }

    async fn resize<K>(&mut self, api: &Api<K>)
    where
        K: HasResize + Serialize + Default + Metadata<Ty = ObjectMeta>,
    {
        let done = api.update_resize(&named(), &Default::default()).await;
        self.part("resize", api, done).await;
    }

    async fn ephemeralcontainers<K>(&mut self, api: &Api<K>)
    where
        K: HasEphemeralContainers + Serialize + Default + Metadata<Ty = ObjectMeta>,
    {
        let done = api.update_ephemeral_containers(&named(), &Default::default()).await;
        self.part("ephemeralcontainers", api, done).await;
    }

    async fn approval<K>(&mut self, api: &Api<K>)
    where
        K: HasApproval + Serialize + Default + Metadata<Ty = ObjectMeta>,
    {
        let done = api.update_approval(&named(), &Default::default()).await;
        self.part("approval", api, done).await;
    }

    async fn finalize<K>(&mut self, api: &Api<K>)
    where
        K: HasFinalize + Serialize + Default + Metadata<Ty = ObjectMeta>,
    {
        let done = api.finalize(&named(), &Default::default()).await;
        self.made(Some("finalize"), "update", done.map(drop));
    }

    async fn proxy<K: HasProxy>(&mut self, api: &Api<K>) {
        let verbs = [
            (Method::POST, "create"),
            (Method::DELETE, "delete"),
            (Method::GET, "get"),
            (Method::PATCH, "patch"),
            (Method::PUT, "update"),
        ];
        for (method, verb) in verbs {
            let done = api.proxy(method, "x", "/healthz/a").send().await;
            self.made(Some("proxy"), verb, done.map(drop));
        }
    }

    /// Notes the one request that a call has sent.
    fn made(&mut self, subresource: Option<&str>, verb: &str, done: Result<(), Error>) {
        let (group_version, plural) = self.resource.clone();
        let resource = subresource.map_or_else(|| plural.clone(), |name| format!("{plural}/{name}"));
        let call = Call { group_version, resource, verb: verb.to_owned() };
        if let Err(error) = done {
            panic!("{call:?}: {error}");
        }
        let mut asked = std::mem::take(&mut *self.asked.0.lock().unwrap());
        assert_eq!(asked.len(), 1, "{call:?} sends one request: {asked:?}");
        let before = self.made.insert(call.clone(), asked.remove(0));
        assert!(before.is_none(), "{call:?} twice");
    }
}
