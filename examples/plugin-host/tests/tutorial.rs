//! The plugin of examples/plugin under its host, on a cluster in memory.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::path::PathBuf;

use example_plugin_host::check;
use k8s_openapi::api::core::v1::Pod;
use portolan_memory::Cluster;
use portolan_native::runtime;
use serde_json::json;

/// What `cargo build --package=example-plugin --target=wasm32-unknown-unknown` made.
fn plugin() -> Vec<u8> {
    let beside = || std::env::current_exe().unwrap().ancestors().nth(3).unwrap().to_owned();
    let target = std::env::var_os("PORTOLAN_TARGET").map_or_else(beside, PathBuf::from);
    let path = target.join("wasm32-unknown-unknown/debug/example_plugin.wasm");
    std::fs::read(&path)
        .unwrap_or_else(|error| panic!("{}: {error}; build example-plugin first", path.display()))
}

fn pod(namespace: &str, name: &str, limits: &serde_json::Value) -> serde_json::Value {
    json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": namespace},
        "spec": {"containers": [{"name": "main", "image": "none", "resources": {"limits": limits}}]},
    })
}

#[tokio::test]
async fn the_plugin_names_pods_without_limits_of_its_namespace() {
    let cluster = Cluster::new(runtime().unwrap());
    for namespace in ["shop", "other"] {
        cluster
            .create(json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}}))
            .unwrap();
    }
    cluster.create(pod("shop", "bounded", &json!({"memory": "1Gi"}))).unwrap();
    cluster.create(pod("shop", "boundless", &json!({}))).unwrap();
    cluster.create(pod("other", "unseen", &json!({}))).unwrap();

    let (sender, mut heard) = tokio::sync::mpsc::unbounded_channel();
    let say = move |line: &str| drop(sender.send(line.to_owned()));
    let (wasm, runtime) = (plugin(), runtime().unwrap());
    let server = cluster.client().config().server.clone();
    let running = check(&wasm, "shop", cluster.transport(), server.clone(), &runtime, say);
    let hearing = async {
        assert_eq!(heard.recv().await.unwrap(), "watching 2 pods");
        assert_eq!(heard.recv().await.unwrap(), "shop/boundless: container main has no memory limit");
        let late: Pod = serde_json::from_value(pod("shop", "late", &json!({}))).unwrap();
        cluster.client().core_v1().pods("shop").create(&late, &Default::default()).await.unwrap();
        assert_eq!(heard.recv().await.unwrap(), "shop/late: container main has no memory limit");
    };
    tokio::select! {
        ended = running => panic!("the plugin ended: {ended:?}"),
        () = hearing => {}
    }
}
