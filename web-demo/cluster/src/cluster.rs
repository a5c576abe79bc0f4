//! A cluster that lives by itself, asked as a server is.

use std::sync::Arc;

use http::Request;
use portolan::transport::{Body, Transport};
use portolan_memory::ClusterOptions;
use portolan_memory::workload::{Workload, WorkloadOptions};
use wasm_bindgen::JsError;
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen_futures::spawn_local;

use crate::exchange::{Answer, Channel, thrown};

/// How many changes of each kind the cluster remembers at least; more when more come in a second. Its watches are in this
/// tab and always near, and what it remembers the tab holds: with 400 the page settles at 21 MB, with 2,000 it has 60 MB
/// after four minutes and grows on.
const CHANGES_REMEMBERED: usize = 400;

/// An API server in memory.
#[wasm_bindgen]
#[derive(Debug)]
pub struct Cluster(Arc<dyn Transport>);

#[wasm_bindgen]
impl Cluster {
    /// Plants one of about `pods` pods (150 by default) with `rate` changes a second (5; 0 is a still life), made of `seed`
    /// (1). It lives as long as the page.
    pub async fn plant(
        pods: Option<usize>,
        rate: Option<f64>,
        seed: Option<u32>,
    ) -> Result<Cluster, JsError> {
        let mut options = WorkloadOptions::default();
        options.pods = pods.unwrap_or(options.pods);
        options.changes_per_second = rate.unwrap_or(options.changes_per_second);
        let history = CHANGES_REMEMBERED.max(options.changes_per_second as usize);
        let cluster = portolan_memory::Cluster::with_options(
            portolan_wasm::browser::runtime(),
            ClusterOptions { history, ..ClusterOptions::default() },
        );
        let workload = Workload::grow(&cluster, seed.unwrap_or(1).into(), &options).await.map_err(thrown)?;
        spawn_local(workload.run());
        Ok(Self(cluster.transport()))
    }

    /// Sends a request; `headers` are names and values by turns. Resolves to the answer, its body yet to be read.
    pub async fn send(
        &self,
        method: String,
        address: String,
        headers: Vec<String>,
        body: Vec<u8>,
    ) -> Result<Answer, JsError> {
        let mut request = Request::builder().method(method.as_str()).uri(address);
        for header in headers.chunks_exact(2) {
            request = request.header(&header[0], &header[1]);
        }
        let body = if body.is_empty() { Body::Empty } else { Body::from(body) };
        let answer = self.0.send(request.body(body)?).await.map_err(thrown)?;
        Ok(Answer::new(answer))
    }

    /// Opens a WebSocket, which offers `protocols`.
    pub async fn connect(&self, address: String, protocols: Vec<String>) -> Result<Channel, JsError> {
        let request = Request::builder().uri(address).body(())?;
        let protocols: Vec<&str> = protocols.iter().map(String::as_str).collect();
        let socket = self.0.connect(request, &protocols).await.map_err(thrown)?;
        Ok(Channel::new(socket))
    }
}
