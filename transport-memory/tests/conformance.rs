//! The cluster in memory keeps the contract of a transport, as far as it can get into the situations: lists are its
//! bodies, watches its endless ones, and nothing ever breaks. In virtual time.

#![cfg(test)]

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use http::Request;
use portolan::time::{Runtime, Simulator};
use portolan::transport::Transport;
use portolan_conformance::broken::{Broken, FLAWS};
use portolan_conformance::{CLAUSES, Clause, MARKS, Outcome, Seen, Situation, Subject, mark};
use portolan_memory::Cluster;
use serde_json::json;

/// What no cluster in memory can do: it cannot stay silent, push, break off, redirect, speak nonsense, be away, echo or
/// forbid.
const NOT_APPLICABLE: &[&str] = &[
    "who does not read holds the peer back",
    "dropping a future ends the exchange",
    "no redirect is followed",
    "a refused connection is told",
    "a body that breaks off is told",
    "an answer that is not HTTP is told",
    "a request's body arrives whole",
    "a socket's messages go in order",
    "a socket that breaks fails",
    "a socket that is refused says why",
];

#[derive(Debug)]
struct InMemory {
    cluster: Cluster,
    transport: Arc<dyn Transport>,
    runtime: Runtime,
}

impl InMemory {
    fn new(simulator: &Simulator, spoil: impl FnOnce(Arc<dyn Transport>) -> Arc<dyn Transport>) -> Self {
        let runtime = simulator.runtime(1);
        let cluster = Cluster::new(runtime.clone());
        let subject = Self { transport: spoil(cluster.transport()), cluster, runtime };
        for namespace in ["several", "one", "none"] {
            subject.create(
                json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": namespace } }),
            );
        }
        for number in 0..MARKS {
            subject.configure("several", &format!("{}x", mark(number)));
        }
        subject.configure("one", "only");
        subject
    }

    fn configure(&self, namespace: &str, name: &str) {
        let metadata = json!({ "name": name, "namespace": namespace });
        self.create(json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata }));
    }

    fn create(&self, object: serde_json::Value) {
        self.cluster.create(object).unwrap();
    }
}

#[async_trait]
impl Subject for InMemory {
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
            Situation::SocketClose => "one/configmaps?watch=true&timeoutSeconds=1",
            _ => return None,
        };
        Request::get(format!("http://memory/api/v1/namespaces/{path}")).body(()).ok()
    }

    async fn release(&self, exchange: &str) {
        self.configure("none", exchange);
    }

    async fn seen(&self, _: &str) -> Option<Seen> {
        Some(Seen { begun: true, ended: self.cluster.watchers() == 0, sent: 0 })
    }
}

fn check(clause: &Clause, spoil: impl FnOnce(Arc<dyn Transport>, Runtime) -> Arc<dyn Transport>) -> Outcome {
    let simulator = Simulator::new(1);
    let subject = InMemory::new(&simulator, |wire| spoil(wire, simulator.runtime(2)));
    simulator.run(Duration::from_secs(60), clause.check(&subject)).unwrap()
}

#[test]
fn the_cluster_in_memory_keeps_every_clause_that_applies() {
    for clause in CLAUSES {
        let expected =
            if NOT_APPLICABLE.contains(&clause.name) { Outcome::NotApplicable } else { Outcome::Holds };
        assert_eq!(check(clause, |wire, _| wire), expected, "{}", clause.name);
    }
}

#[test]
fn every_flaw_that_can_show_is_found_out() {
    for (flaw, caught_by) in FLAWS {
        for clause in CLAUSES.iter().filter(|clause| caught_by.contains(&clause.name)) {
            if NOT_APPLICABLE.contains(&clause.name) {
                continue;
            }
            let outcome = check(clause, |wire, runtime| Arc::new(Broken::new(wire, runtime, *flaw)));
            assert!(matches!(outcome, Outcome::Broken(_)), "{flaw:?} is not found out by {}", clause.name);
        }
    }
}
