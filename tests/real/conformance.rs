//! The native transport keeps the contract of a transport on a real API server, as far as one gets into the situations:
//! lists are its bodies, watches its endless ones, over TLS with a client certificate.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::sync::Arc;

use async_trait::async_trait;
use http::Request;
use portolan::config::Config;
use portolan::time::Runtime;
use portolan::transport::Transport;
use portolan_conformance::{CLAUSES, MARKS, Outcome, Seen, Situation, Subject, mark};
use portolan_native::{ConfigOptions, load_config, runtime, transport_for};
use portolan_tests::{Cluster, ClusterOptions};

/// What an API server cannot be made to do: stay silent, push, redirect, break off, speak nonsense, echo. The scripted
/// peer does these; see `transport-native/tests`.
const NOT_APPLICABLE: &[&str] = &[
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

#[derive(Debug)]
struct RealServer {
    cluster: Arc<Cluster>,
    config: Config,
    transport: Arc<dyn Transport>,
    runtime: Runtime,
    /// The watches the server holds itself.
    watches_at_rest: f64,
}

impl RealServer {
    fn start() -> Self {
        let cluster = Arc::new(Cluster::start(&ClusterOptions::default()).unwrap());
        let kubeconfig = Some(cluster.facts().kubeconfig.clone());
        let config = load_config(&ConfigOptions { kubeconfig, ..Default::default() }).unwrap();
        let transport = transport_for(&config).unwrap();
        let mut subject =
            Self { cluster, config, transport, runtime: runtime().unwrap(), watches_at_rest: 0.0 };
        for namespace in ["several", "one", "none"] {
            subject.cluster.kubectl(&["create", "namespace", namespace]).unwrap();
        }
        let marks = (0..MARKS).map(|number| configmap("several", &format!("{}x", mark(number))));
        let documents: Vec<String> = marks.chain([configmap("one", "only")]).collect();
        // Not applied: that would write each name a second time, into an annotation.
        let file = subject.cluster.facts().directory.join("marks.yaml");
        std::fs::write(&file, documents.join("\n---\n")).unwrap();
        subject.cluster.kubectl(&["create", "--filename", &file.display().to_string()]).unwrap();
        subject.watches_at_rest = subject.watches();
        subject
    }

    /// How many watches on the config maps of one namespace the server serves; itself it holds some.
    fn watches(&self) -> f64 {
        let metrics = self.cluster.kubectl(&["get", "--raw", "/metrics"]).unwrap();
        let of_configmaps = metrics.lines().filter(|line| {
            line.starts_with("apiserver_longrunning_requests{")
                && line.contains(r#"resource="configmaps",scope="namespace""#)
        });
        of_configmaps.filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok()).sum()
    }
}

fn configmap(namespace: &str, name: &str) -> String {
    format!("{{apiVersion: v1, kind: ConfigMap, metadata: {{name: {name}, namespace: {namespace}}}}}")
}

#[async_trait]
impl Subject for RealServer {
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
            Situation::Refused => return Request::get("https://127.0.0.1:1/api").body(()).ok(),
            _ => return None,
        };
        let server = self.config.server.to_string();
        Request::get(format!("{}/api/v1/namespaces/{path}", server.trim_end_matches('/'))).body(()).ok()
    }

    async fn release(&self, exchange: &str) {
        let (cluster, document) = (self.cluster.clone(), configmap("none", exchange));
        tokio::task::spawn_blocking(move || cluster.apply(&document)).await.unwrap().unwrap();
    }

    async fn seen(&self, _: &str) -> Option<Seen> {
        Some(Seen { begun: true, ended: self.watches() <= self.watches_at_rest, sent: 0 })
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_native_transport_keeps_every_clause_that_applies_to_an_api_server() {
    let subject = RealServer::start();
    for clause in CLAUSES {
        let expected =
            if NOT_APPLICABLE.contains(&clause.name) { Outcome::NotApplicable } else { Outcome::Holds };
        assert_eq!(clause.check(&subject).await, expected, "{}", clause.name);
    }
}
