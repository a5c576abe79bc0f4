//! The tasks on a cluster in memory.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use futures::StreamExt;
use futures::channel::mpsc::unbounded;
use futures::future::{Either, select, try_join};
use portolan::client::Client;
use portolan_memory::Cluster;
use portolan_native::runtime;
use serde_json::{Value, json};
use side_by_side::{apply, cache, controller, custom, dynamic, list};

fn cluster() -> (Cluster, Client) {
    let cluster = Cluster::new(runtime().unwrap());
    let client = cluster.client();
    (cluster, client)
}

fn pod(name: &str, phase: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "labels": {"app": "web"}},
        "spec": {"containers": [{"name": "main", "image": "none"}]}, "status": {"phase": phase},
    })
}

#[tokio::test]
async fn listed_are_the_selected() {
    let (cluster, client) = cluster();
    cluster.create(pod("runs", "Running")).unwrap();
    cluster.create(pod("waits", "Pending")).unwrap();
    assert_eq!(list(&client).await.unwrap(), ["runs"]);
}

#[tokio::test]
async fn a_cache_and_a_controller_go_on() {
    let (cluster, client) = cluster();
    cluster.create(pod("runs", "Running")).unwrap();
    let (sender, asked) = unbounded();
    cluster.react("watch", "*", move |_| {
        drop(sender.unbounded_send(()));
        None
    });
    let both = Box::pin(try_join(cache(&client), controller(&client)));
    // Pods are watched twice, for the cache and for the controller, and ReplicaSets once.
    assert!(matches!(select(both, asked.skip(2).into_future()).await, Either::Right(_)));
}

#[tokio::test]
async fn fields_are_applied() {
    let (cluster, client) = cluster();
    cluster
        .create(json!({
            "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"},
            "spec": {"replicas": 1, "selector": {"matchLabels": {"app": "web"}}, "template": {
                "metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "main", "image": "none"}]}}},
        }))
        .unwrap();
    assert_eq!(apply(&client).await.unwrap().text("spec.replicas").as_deref(), Some("3"));
}

#[tokio::test]
async fn a_kind_is_installed_and_read_by_name() {
    let (cluster, client) = cluster();
    custom(&client).await.unwrap();
    cluster
        .create(json!({"apiVersion": "example.com/v1", "kind": "Website", "metadata": {"name": "home"},
            "spec": {"title": "Home"}}))
        .unwrap();
    assert_eq!(dynamic(&client).await.unwrap().as_deref(), Some("Home"));
}
