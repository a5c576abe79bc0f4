//! Where the pieces of code of docs/calls.md run: each on a cluster in memory of its own, over HTTP, with the objects that
//! the page says are there.

use std::time::Duration;

use anyhow::{Context as _, Result};
use portolan::Error;
use portolan::client::Client;
use portolan::config::Config;
use portolan_memory::Cluster;
use serde_json::json;

use crate::MemoryServer;

/// So long a piece may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);

/// Runs `piece`, with a native client of a new cluster.
///
/// # Errors
/// What the piece fails with; when it takes too long.
pub fn run_piece<F: Future<Output = Result<(), Error>>>(piece: impl FnOnce(Client) -> F) -> Result<()> {
    let server = MemoryServer::start()?;
    fill(server.cluster())?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let client = portolan_native::client_for(Config::new(&server.url())?)?;
        tokio::time::timeout(PATIENCE, piece(client)).await.context("a piece that does not end")??;
        Ok(())
    })
}

fn fill(cluster: &Cluster) -> Result<(), Error> {
    let labels = json!({ "app": "web" });
    let containers = json!([{ "name": "main", "image": "nginx:1.28" }]);
    cluster.create(json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": { "name": "web", "labels": labels },
        "spec": {
            "replicas": 3, "selector": { "matchLabels": labels },
            "template": { "metadata": { "labels": labels }, "spec": { "containers": containers } },
        },
    }))?;
    for name in ["web-0", "web-1", "web-2"] {
        cluster.create(json!({
            "apiVersion": "v1", "kind": "Pod", "metadata": { "name": name, "labels": labels },
            "spec": { "containers": containers }, "status": { "phase": "Running" },
        }))?;
    }
    let settings =
        json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": "settings" }, "data": {} });
    cluster.create(settings)?;
    Ok(())
}
