//! The cluster in memory keeps the contract of a transport, as far as it can get into the situations. In virtual time.

#![cfg(test)]

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use portolan::time::{Runtime, Simulator};
use portolan::transport::Transport;
use portolan_conformance::api_server::{self, ApiServer, AtApiServer};
use portolan_conformance::broken::{Broken, FLAWS};
use portolan_conformance::{CLAUSES, Clause, Outcome};
use portolan_memory::Cluster;
use serde_json::Value;

/// Beside what no API server gives occasion for: this one is never away.
fn is_applicable(clause: &str) -> bool {
    !api_server::NOT_APPLICABLE.contains(&clause) && clause != "a refused connection is told"
}

#[derive(Debug)]
struct InMemory(Cluster);

#[async_trait]
impl ApiServer for InMemory {
    async fn create(&self, objects: Vec<Value>) {
        for object in objects {
            self.0.create(object).unwrap();
        }
    }

    async fn watches(&self) -> usize {
        self.0.watchers()
    }
}

fn check(clause: &Clause, spoil: impl FnOnce(Arc<dyn Transport>, Runtime) -> Arc<dyn Transport>) -> Outcome {
    let simulator = Simulator::new(1);
    let runtime = simulator.runtime(1);
    let cluster = Cluster::new(runtime.clone());
    let transport = spoil(cluster.transport(), simulator.runtime(2));
    let outcome = async {
        let subject =
            AtApiServer::prepare(transport, runtime, "http://memory", None, InMemory(cluster)).await;
        clause.check(&subject).await
    };
    simulator.run(Duration::from_secs(60), outcome).unwrap()
}

#[test]
fn the_cluster_in_memory_keeps_every_clause_that_applies() {
    for clause in CLAUSES {
        let expected = if is_applicable(clause.name) { Outcome::Holds } else { Outcome::NotApplicable };
        assert_eq!(check(clause, |wire, _| wire), expected, "{}", clause.name);
    }
}

#[test]
fn every_flaw_that_can_show_is_found_out() {
    for (flaw, caught_by) in FLAWS {
        for clause in CLAUSES.iter().filter(|clause| caught_by.contains(&clause.name)) {
            if !is_applicable(clause.name) {
                continue;
            }
            let outcome = check(clause, |wire, runtime| Arc::new(Broken::new(wire, runtime, *flaw)));
            assert!(matches!(outcome, Outcome::Broken(_)), "{flaw:?} is not found out by {}", clause.name);
        }
    }
}
