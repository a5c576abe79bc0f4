//! A server of documents in memory, and the cases of client-go 0.37's discovery tests (named where they come from).

mod cached;
mod live;
mod openapi;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use http::{Request, Response};
use serde_json::{Value, json};

use super::{DiscoveredResource, Discovery, DiscoveryClient};
use crate::config::{Config, RateLimit};
use crate::error::{Error, TransportErrorKind};
use crate::rest::RestClient;
use crate::time::Simulator;
use crate::transport::{Body, Transport};

pub(super) const AGGREGATED: &str =
    "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList; charset=utf-8";

/// Answers by path; a path it does not know is 404. Clones share.
#[derive(Clone, Debug, Default)]
struct Server(Arc<Mutex<Documents>>);

#[derive(Debug, Default)]
struct Documents {
    answers: BTreeMap<String, Answer>,
    asked: Vec<Asked>,
}

#[derive(Clone, Debug)]
struct Answer {
    status: u16,
    headers: Vec<(&'static str, String)>,
    body: Bytes,
    /// So often the answer is 500 before.
    failing: usize,
}

#[derive(Clone, Debug)]
struct Asked {
    /// Path and query.
    address: String,
    accept: String,
    status: u16,
}

impl Server {
    /// A server of two aggregated documents, in the notation of [`aggregated`].
    fn aggregated(core: &[&str], apis: &[&str]) -> Self {
        let server = Self::default();
        server.put("/api", AGGREGATED, aggregated(core));
        server.put("/apis", AGGREGATED, aggregated(apis));
        server
    }

    fn put(&self, path: &str, content_type: &str, body: impl Into<Bytes>) {
        let headers = vec![("content-type", content_type.to_owned())];
        self.answer(path, Answer { status: 200, headers, body: body.into(), failing: 0 });
    }

    fn json(&self, path: &str, body: &Value) {
        self.put(path, "application/json", body.to_string());
    }

    fn refuse(&self, path: &str, status: u16) {
        self.answer(path, Answer { status, headers: Vec::new(), body: Bytes::new(), failing: 0 });
    }

    fn answer(&self, path: &str, answer: Answer) {
        self.0.lock().unwrap().answers.insert(path.to_owned(), answer);
    }

    /// Lets `path` fail so often before it is answered.
    fn fail(&self, path: &str, times: usize) {
        self.0.lock().unwrap().answers.get_mut(path).unwrap().failing = times;
    }

    fn header(&self, path: &str, name: &'static str, value: &str) {
        let mut documents = self.0.lock().unwrap();
        documents.answers.get_mut(path).unwrap().headers.push((name, value.to_owned()));
    }

    fn asked(&self) -> Vec<Asked> {
        std::mem::take(&mut self.0.lock().unwrap().asked)
    }

    /// The paths asked for since it was last asked.
    fn paths(&self) -> Vec<String> {
        let path = |asked: Asked| asked.address.split('?').next().unwrap().to_owned();
        self.asked().into_iter().map(path).collect()
    }

    /// A client in the time of `simulator`.
    fn client(&self, simulator: &Simulator) -> DiscoveryClient {
        let rest = RestClient::new(Arc::new(self.clone()), Config::default(), simulator.runtime(1));
        DiscoveryClient::new(&rest)
    }
}

#[async_trait]
impl Transport for Server {
    async fn send(&self, request: Request<Body>) -> Result<Response<Body>, Error> {
        let text = |name| request.headers().get(name).map(|value| value.to_str().unwrap().to_owned());
        let mut documents = self.0.lock().unwrap();
        let mut answer = Answer { status: 404, headers: Vec::new(), body: Bytes::new(), failing: 0 };
        if let Some(known) = documents.answers.get_mut(request.uri().path()) {
            answer = known.clone();
            if known.failing > 0 {
                known.failing -= 1;
                answer.status = 500;
            }
        }
        let etag = answer.headers.iter().find(|(name, _)| *name == ETAG.as_str());
        if answer.status == 200 && etag.is_some_and(|(_, etag)| text(IF_NONE_MATCH).as_ref() == Some(etag)) {
            answer = Answer { status: 304, body: Bytes::new(), ..answer };
        }
        documents.asked.push(Asked {
            address: request.uri().path_and_query().unwrap().to_string(),
            accept: text(ACCEPT).unwrap(),
            status: answer.status,
        });
        if answer.status == 0 {
            return Err(Error::transport(TransportErrorKind::Connect, "connection refused"));
        }
        let mut response = Response::builder().status(answer.status);
        for (name, value) in &answer.headers {
            if answer.status == 200 || *name != CONTENT_TYPE.as_str() {
                response = response.header(*name, value);
            }
        }
        Ok(response.body(Body::Bytes(answer.body)).unwrap())
    }
}

fn run<T>(test: impl AsyncFnOnce(&Simulator) -> T) -> T {
    let simulator = Simulator::new(1);
    let running = simulator.clone();
    let limit = Duration::from_secs(1_000_000);
    simulator.run(limit, async move { test(&running).await }).expect("the test ends")
}

/// An aggregated document of versions like `apps/v1 deployments.Deployment namespaces.Namespace*`: `*` after a kind is
/// cluster scope, `!` after a version stale.
fn aggregated(versions: &[&str]) -> String {
    let mut items: Vec<Value> = Vec::new();
    for line in versions {
        let mut words = line.split(' ');
        let head = words.next().unwrap();
        let (group, version) = head.trim_end_matches('!').split_once('/').unwrap();
        let resources: Vec<Value> = words
            .map(|word| {
                let (plural, kind) = word.trim_end_matches('*').split_once('.').unwrap();
                json!({
                    "resource": plural,
                    "responseKind": { "group": group, "version": version, "kind": kind },
                    "scope": if word.ends_with('*') { "Cluster" } else { "Namespaced" },
                    "singularResource": "",
                    "verbs": null,
                })
            })
            .collect();
        let freshness = if head.ends_with('!') { "Stale" } else { "Current" };
        let version = json!({ "version": version, "resources": resources, "freshness": freshness });
        match items.last_mut().filter(|item| item["metadata"]["name"] == group) {
            Some(item) => item["versions"].as_array_mut().unwrap().push(version),
            None => items.push(json!({ "metadata": { "name": group }, "versions": [version] })),
        }
    }
    json!({ "kind": "APIGroupDiscoveryList", "apiVersion": "apidiscovery.k8s.io/v2", "items": items })
        .to_string()
}

/// An `APIResourceList` of `pods.Pod namespaces.Namespace*`.
fn resource_list(group_version: &str, resources: &str) -> Value {
    let resources: Vec<Value> = resources
        .split_whitespace()
        .map(|word| {
            let (plural, kind) = word.trim_end_matches('*').split_once('.').unwrap();
            json!({ "name": plural, "namespaced": !word.ends_with('*'), "kind": kind, "singularName": "", "verbs": null })
        })
        .collect();
    json!({ "kind": "APIResourceList", "groupVersion": group_version, "resources": resources })
}

/// `/v1/Pod` of each.
fn kinds<'a>(resources: impl IntoIterator<Item = &'a DiscoveredResource>) -> Vec<String> {
    let resources = resources.into_iter().map(|found| &found.resource);
    resources.map(|found| format!("{}/{}/{}", found.group, found.version, found.kind)).collect()
}

fn failed(discovery: &Discovery) -> Vec<String> {
    discovery.failures.iter().map(|failure| failure.group_version.to_string()).collect()
}

fn group_versions(discovery: &Discovery) -> Vec<String> {
    discovery.group_versions().map(|group_version| group_version.to_string()).collect()
}
