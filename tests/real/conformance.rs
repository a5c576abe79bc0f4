//! The native transport keeps the contract of a transport on a real API server, as far as one gets into the situations,
//! over TLS with a client certificate.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::sync::Arc;

use async_trait::async_trait;
use portolan_conformance::api_server::{ApiServer, AtApiServer, NOT_APPLICABLE};
use portolan_conformance::{CLAUSES, Outcome};
use portolan_native::{ConfigOptions, load_config, runtime, transport_for};
use portolan_tests::{Cluster, ClusterOptions};
use serde_json::Value;

#[derive(Debug)]
struct Kubectl(Arc<Cluster>);

#[async_trait]
impl ApiServer for Kubectl {
    async fn create(&self, objects: Vec<Value>) {
        let cluster = self.0.clone();
        let created = tokio::task::spawn_blocking(move || {
            let documents: Vec<String> = objects.iter().map(Value::to_string).collect();
            let file = cluster.facts().directory.join("objects.yaml");
            std::fs::write(&file, documents.join("\n---\n")).unwrap();
            // Not applied: that would write each name a second time, into an annotation.
            cluster.kubectl(&["create", "--filename", &file.display().to_string()])
        });
        created.await.unwrap().unwrap();
    }

    async fn watches(&self) -> usize {
        let cluster = self.0.clone();
        let metrics = tokio::task::spawn_blocking(move || cluster.kubectl(&["get", "--raw", "/metrics"]));
        let metrics = metrics.await.unwrap().unwrap();
        let of_config_maps = metrics.lines().filter(|line| {
            line.starts_with("apiserver_longrunning_requests{")
                && line.contains(r#"resource="configmaps",scope="namespace""#)
        });
        of_config_maps.filter_map(|line| line.rsplit(' ').next()?.parse::<usize>().ok()).sum()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_native_transport_keeps_every_clause_that_applies_to_an_api_server() {
    let cluster = Arc::new(Cluster::start(&ClusterOptions::default()).unwrap());
    let kubeconfig = Some(cluster.facts().kubeconfig.clone());
    let config = load_config(&ConfigOptions { kubeconfig, ..Default::default() }).unwrap();
    let (transport, address) = (transport_for(&config).unwrap(), config.server.to_string());
    let nobody = Some("https://127.0.0.1:1");
    let subject =
        AtApiServer::prepare(transport, runtime().unwrap(), &address, nobody, Kubectl(cluster)).await;
    for clause in CLAUSES {
        let expected =
            if NOT_APPLICABLE.contains(&clause.name) { Outcome::NotApplicable } else { Outcome::Holds };
        assert_eq!(clause.check(&subject).await, expected, "{}", clause.name);
    }
}
