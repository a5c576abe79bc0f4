//! The situations an API server can be brought into, real or in memory: lists are its bodies, watches its endless ones.

use std::fmt::Debug;
use std::sync::Arc;

use async_trait::async_trait;
use http::Request;
use portolan::portable::{MaybeSend, MaybeSync};
use portolan::time::Runtime;
use portolan::transport::Transport;
use serde_json::{Value, json};

use crate::{MARKS, Seen, Situation, Subject, mark};

/// The clauses that no API server gives occasion for: it cannot be made to stay silent, push, redirect, break off, speak
/// nonsense, echo or forbid a socket. The scripted peer does these.
pub const NOT_APPLICABLE: &[&str] = &[
    "who does not read holds the peer back",
    "dropping a future ends the exchange",
    "no redirect is followed",
    "a body that breaks off is told",
    "an answer that is not HTTP is told",
    "a request's body arrives whole",
    "a socket's messages go in order",
    "a socket that breaks fails",
    "a socket that is refused says why",
];

/// What a test does to its API server behind the transport's back.
#[cfg_attr(not(target_family = "wasm"), async_trait)]
#[cfg_attr(target_family = "wasm", async_trait(?Send))]
pub trait ApiServer: Debug + MaybeSend + MaybeSync {
    /// Creates these objects.
    async fn create(&self, objects: Vec<Value>);

    /// How many watches on the config maps of a namespace it serves.
    async fn watches(&self) -> usize;
}

/// A transport under test with an API server at the other end.
#[derive(Debug)]
pub struct AtApiServer<S> {
    transport: Arc<dyn Transport>,
    runtime: Runtime,
    address: String,
    nobody: Option<String>,
    server: S,
    /// The watches the server holds itself.
    at_rest: usize,
}

impl<S: ApiServer> AtApiServer<S> {
    /// Puts into `server`, at `address`, what the situations need. `nobody` is an address where nobody listens, if there
    /// can be one.
    pub async fn prepare(
        transport: Arc<dyn Transport>,
        runtime: Runtime,
        address: &str,
        nobody: Option<&str>,
        server: S,
    ) -> Self {
        let namespace =
            |name| json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": name } });
        server.create(["several", "one", "none"].map(namespace).to_vec()).await;
        let marks = (0..MARKS).map(|number| config_map("several", &format!("{}x", mark(number))));
        server.create(marks.chain([config_map("one", "only")]).collect()).await;
        let at_rest = server.watches().await;
        let address = address.trim_end_matches('/').to_owned();
        Self { transport, runtime, address, nobody: nobody.map(str::to_owned), server, at_rest }
    }
}

fn config_map(namespace: &str, name: &str) -> Value {
    json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": name, "namespace": namespace } })
}

#[cfg_attr(not(target_family = "wasm"), async_trait)]
#[cfg_attr(target_family = "wasm", async_trait(?Send))]
impl<S: ApiServer> Subject for AtApiServer<S> {
    fn transport(&self) -> &dyn Transport {
        &*self.transport
    }

    fn runtime(&self) -> &Runtime {
        &self.runtime
    }

    fn request(&self, situation: Situation, _: &str) -> Option<Request<()>> {
        let path = match situation {
            Situation::Marks => "several/configmaps",
            Situation::Stall => "none/configmaps?watch=true",
            Situation::Missing => "several/configmaps/missing",
            Situation::SocketMarks => "several/configmaps?watch=true",
            Situation::SocketClose => {
                "one/configmaps?watch=true&timeoutSeconds=1&fieldSelector=metadata.name=only"
            }
            Situation::Refused => {
                return Request::get(format!("{}/api", self.nobody.as_ref()?)).body(()).ok();
            }
            _ => return None,
        };
        Request::get(format!("{}/api/v1/namespaces/{path}", self.address)).body(()).ok()
    }

    async fn release(&self, exchange: &str) {
        self.server.create(vec![config_map("none", exchange)]).await;
    }

    async fn seen(&self, _: &str) -> Option<Seen> {
        Some(Seen { begun: true, ended: self.server.watches().await <= self.at_rest, sent: 0 })
    }
}
