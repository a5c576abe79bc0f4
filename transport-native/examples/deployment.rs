//! Creates a Deployment; changes its replicas and image inside `retry_on_conflict` while another writer interferes; scales
//! it; watches its Pods; and deletes it with each propagation policy.
#![expect(clippy::print_stdout, reason = "an example's output is its purpose")]

mod cluster;

use std::process::ExitCode;
use std::time::Duration;

use futures::StreamExt;
use k8s_openapi::api::core::v1::Pod;
use portolan::Error;
use portolan::client::{Api, Client, DEFAULT_BACKOFF, on_error, retry_on_conflict};
use portolan::meta::{
    CreateOptions, DeleteOptions, GetOptions, GroupVersionResource, ListOptions, Object, Patch, PatchOptions,
    Propagation, UpdateOptions, WatchOptions,
};
use portolan::object::Unstructured;
use portolan::policy::{Backoff, Steps};
use portolan::rest::WatchEvent;
use serde_json::json;

fn main() -> ExitCode {
    cluster::run("", deployment)
}

async fn deployment(client: Client, _: Vec<String>) -> Result<(), Error> {
    let gvr = GroupVersionResource::new("apps", "v1", "deployments");
    let deployments = client.dynamic().resource(&gvr).in_namespace("default");
    for policy in [Propagation::Foreground, Propagation::Background, Propagation::Orphan] {
        create(&client, &deployments).await?;
        update_among_others(&client, &deployments).await?;
        let scales = client.scale().scales("default");
        let patch = Patch::Merge(json!({"spec": {"replicas": 2}}));
        let scale = scales.patch(&gvr, "example", &patch, &PatchOptions::default()).await?;
        println!("scaled to {:?}", scale.spec.and_then(|spec| spec.replicas));
        watch_pods(&client).await?;
        let options = DeleteOptions { propagation_policy: Some(policy), ..DeleteOptions::default() };
        deployments.delete("example", &options).await?;
        println!("deleted, what it owns: {policy:?}");
    }
    Ok(())
}

/// Creates it once the one before is gone.
async fn create(client: &Client, deployments: &Api<Unstructured>) -> Result<(), Error> {
    let labels = json!({"app": "example"});
    let container = json!({"name": "main", "image": "nginx:1.28"});
    let object: Unstructured = json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "example"},
        "spec": {
            "replicas": 1, "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": {"containers": [container]}},
        },
    })
    .try_into()?;
    let backoff = Backoff { initial: Duration::from_millis(100), factor: 1.0, ..DEFAULT_BACKOFF.backoff };
    on_error(client.runtime(), Steps { tries: 300, backoff }, Error::is_already_exists, || async {
        deployments.create(&object, &CreateOptions::default()).await
    })
    .await
    .map(|made| println!("created {made:?}"))
}

async fn update_among_others(client: &Client, deployments: &Api<Unstructured>) -> Result<(), Error> {
    let mut attempts = 0;
    let attempt = |number: u32| async move {
        let mut object = deployments.get("example", &GetOptions::default()).await?;
        if number == 1 {
            // Somebody else writes between our read and our write.
            let note = Patch::Merge(json!({"metadata": {"annotations": {"note": "of another"}}}));
            deployments.patch("example", &note, &PatchOptions::default()).await?;
        }
        object.set("spec.replicas", 3)?;
        object.set("spec.template.spec.containers[0].image", "nginx:1.29")?;
        deployments.update(&object, &UpdateOptions::default()).await
    };
    let updated = retry_on_conflict(client.runtime(), DEFAULT_BACKOFF, || {
        attempts += 1;
        attempt(attempts)
    });
    let updated = updated.await?;
    println!(
        "updated after {attempts} attempts: {} replicas of {}, note {:?}",
        updated.get("spec.replicas").map_or(0, |replicas| replicas.as_u64().unwrap_or_default()),
        updated.text("spec.template.spec.containers[0].image").unwrap_or_default(),
        updated.annotations().get("note"),
    );
    Ok(())
}

/// Lists its Pods and watches them for a moment.
async fn watch_pods(client: &Client) -> Result<(), Error> {
    let pods = client.api::<Pod>("default");
    let selection = ListOptions { label_selector: "app=example".parse()?, ..ListOptions::default() };
    let list = pods.list(&selection).await?;
    println!("{} pods", list.items.len());
    let options = WatchOptions {
        label_selector: selection.label_selector,
        resource_version: list.head.resource_version,
        timeout: Some(Duration::from_secs(2)),
        ..WatchOptions::default()
    };
    let mut watch = pods.watch(&options).await?;
    while let Some(event) = watch.next().await {
        match event? {
            WatchEvent::Added(pod) => println!("added {}", pod.key()),
            WatchEvent::Modified(pod) => println!("modified {}", pod.key()),
            WatchEvent::Deleted(pod) => println!("deleted {}", pod.key()),
            WatchEvent::Bookmark(_) => {}
        }
    }
    Ok(())
}
