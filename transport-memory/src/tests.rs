//! A cluster in virtual time and a client of plain HTTP requests on its transport.

#[cfg(feature = "full")]
mod apply;
mod discovery;
mod lists;
mod objects;
mod owned;
#[cfg(feature = "full")]
mod tables;
#[cfg(feature = "full")]
mod unknown;
mod watches;

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use crate::{Cluster, ClusterOptions};
use futures::StreamExt;
use http::{HeaderMap, Request, StatusCode};
use portolan::time::Simulator;
use portolan::transport::{Body, Transport};
use serde_json::{Value, json};

pub(crate) const JSON: &str = "application/json";

/// A cluster and its transport.
#[derive(Clone)]
pub(crate) struct World {
    pub(crate) simulator: Simulator,
    pub(crate) cluster: Cluster,
    pub(crate) transport: Arc<dyn Transport>,
}

/// An answer read to its end.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) code: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Value,
}

impl World {
    pub(crate) fn new() -> Self {
        Self::with(|_| ())
    }

    pub(crate) fn with(change: impl FnOnce(&mut ClusterOptions)) -> Self {
        let simulator = Simulator::new(1);
        let mut options = ClusterOptions::default();
        change(&mut options);
        let cluster = Cluster::with_options(simulator.runtime(1), options);
        let transport = cluster.transport();
        Self { simulator, cluster, transport }
    }

    /// Runs `test` in virtual time.
    pub(crate) fn run<T>(&self, test: impl Future<Output = T>) -> T {
        let limit = Duration::from_secs(100_000);
        self.simulator.run(limit, test).expect("the test ends")
    }

    pub(crate) async fn sleep(&self, seconds: u64) {
        self.cluster.runtime().sleep(Duration::from_secs(seconds)).await;
    }

    pub(crate) async fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Vec<u8>,
    ) -> Answer {
        let mut request = Request::builder().method(method).uri(format!("http://memory{path}"));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let body = if body.is_empty() { Body::Empty } else { body.into() };
        let response = self.transport.send(request.body(body).unwrap()).await.unwrap();
        let (head, body) = response.into_parts();
        let bytes = body.collect(usize::MAX).await.unwrap();
        let body = serde_json::from_slice(&bytes)
            .unwrap_or_else(|_| Value::from(String::from_utf8(bytes.to_vec()).unwrap()));
        Answer { code: head.status.as_u16(), headers: head.headers, body }
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send("GET", path, &[], Vec::new()).await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Answer {
        self.send("POST", path, &[("content-type", JSON)], body.to_string().into()).await
    }

    pub(crate) async fn put(&self, path: &str, body: &Value) -> Answer {
        self.send("PUT", path, &[("content-type", JSON)], body.to_string().into()).await
    }

    pub(crate) async fn patch(&self, path: &str, content_type: &str, body: Value) -> Answer {
        self.send("PATCH", path, &[("content-type", content_type)], body.to_string().into()).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Answer {
        self.send("DELETE", path, &[], Vec::new()).await
    }

    /// Opens a watch, which must be answered with 200.
    pub(crate) async fn watch(&self, path: &str) -> Watch {
        let request = Request::get(format!("http://memory{path}")).body(Body::Empty).unwrap();
        let response = self.transport.send(request).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        Watch(response.into_body())
    }

    /// Creates a config map and answers its version.
    pub(crate) fn config_map(&self, name: &str) -> u64 {
        let created = self.cluster.create(config_map(name)).unwrap();
        created["metadata"]["resourceVersion"].as_str().unwrap().parse().unwrap()
    }
}

pub(crate) fn config_map(name: &str) -> Value {
    json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": name, "namespace": "default" } })
}

/// An open watch.
pub(crate) struct Watch(Body);

impl Watch {
    /// The next event; `None` at the end.
    pub(crate) async fn next(&mut self) -> Option<Value> {
        let chunk = self.0.next().await?.unwrap();
        assert_eq!(chunk.last(), Some(&b'\n'));
        Some(serde_json::from_slice(&chunk).unwrap())
    }

    /// The next event as `TYPE name version`.
    pub(crate) async fn short(&mut self) -> String {
        match self.next().await {
            Some(event) => short(&event),
            None => "end".to_owned(),
        }
    }

    /// The next event's type and name.
    pub(crate) async fn what(&mut self) -> String {
        let text = self.short().await;
        text.rsplit_once(' ').map_or(text.clone(), |(what, _)| what.to_owned())
    }
}

pub(crate) fn short(event: &Value) -> String {
    let metadata = &event["object"]["metadata"];
    let text = |field: &str| metadata[field].as_str().unwrap_or_default().to_owned();
    format!("{} {} {}", event["type"].as_str().unwrap(), text("name"), text("resourceVersion"))
}

/// The names of a list's items.
pub(crate) fn names(list: &Value) -> Vec<&str> {
    list["items"].as_array().unwrap().iter().map(|item| item["metadata"]["name"].as_str().unwrap()).collect()
}
