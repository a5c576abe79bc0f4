//! The tasks of docs/kube-rs.md by kube-rs.

use std::sync::Arc;
use std::time::Duration;

use futures::{StreamExt, TryStreamExt};
use k8s_openapi::api::apps::v1::{Deployment, ReplicaSet};
use k8s_openapi::api::core::v1::Pod;
use kube::api::{DynamicObject, ListParams, Patch, PatchParams};
use kube::core::GroupVersionKind;
use kube::runtime::controller::Action;
use kube::runtime::{Controller, WatchStreamExt, reflector, watcher};
use kube::{Api, Client, CustomResource, CustomResourceExt};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

// ANCHOR: list
pub async fn list(client: Client) -> kube::Result<Vec<String>> {
    let pods: Api<Pod> = Api::namespaced(client, "default");
    let running = ListParams::default().labels("app=web").fields("status.phase=Running");
    let found = pods.list(&running).await?;
    Ok(found.items.into_iter().filter_map(|pod| pod.metadata.name).collect())
}
// ANCHOR_END: list

// ANCHOR: cache
pub async fn cache(client: Client) -> Result<(), watcher::Error> {
    let (reader, writer) = reflector::store();
    let pods = watcher(Api::<Pod>::all(client), watcher::Config::default());
    let mut events = pods.default_backoff().reflect(writer).touched_objects().boxed();
    while let Some(pod) = events.try_next().await? {
        let name = pod.metadata.name.unwrap_or_default();
        println!("{name} has changed, one of {}", reader.state().len());
    }
    Ok(())
}
// ANCHOR_END: cache

// ANCHOR: apply
pub async fn apply(client: Client) -> kube::Result<Deployment> {
    let deployments: Api<Deployment> = Api::namespaced(client, "default");
    let scale = json!({"apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": "web"}, "spec": {"replicas": 3}});
    let options = PatchParams::apply("scaler").force();
    deployments.patch("web", &options, &Patch::Apply(scale)).await
}
// ANCHOR_END: apply

// ANCHOR: custom
#[derive(CustomResource, Serialize, Deserialize, JsonSchema, Clone, Debug)]
#[kube(group = "example.com", version = "v1", kind = "Website", namespaced)]
pub struct WebsiteSpec {
    pub title: String,
}

pub async fn custom(client: Client) -> kube::Result<()> {
    let definitions = Api::all(client.clone());
    definitions.create(&Default::default(), &Website::crd()).await?;
    let websites: Api<Website> = Api::namespaced(client, "default");
    for website in websites.list(&ListParams::default()).await? {
        println!("{}", website.spec.title);
    }
    Ok(())
}
// ANCHOR_END: custom

// ANCHOR: dynamic
pub async fn dynamic(client: Client) -> kube::Result<Option<String>> {
    let kind = GroupVersionKind::gvk("example.com", "v1", "Website");
    let (resource, _) = kube::discovery::pinned_kind(&client, &kind).await?;
    let websites: Api<DynamicObject> = Api::namespaced_with(client, "default", &resource);
    let website = websites.get("home").await?;
    Ok(website.data["spec"]["title"].as_str().map(str::to_owned))
}
// ANCHOR_END: dynamic

// ANCHOR: controller
pub async fn controller(client: Client) {
    let (sets, pods) = (Api::<ReplicaSet>::all(client.clone()), Api::<Pod>::all(client));
    let reconcile = async |set: Arc<ReplicaSet>, _: Arc<()>| {
        println!("{:?} wants {:?}", set.metadata.name, set.spec.replicas);
        Ok::<_, kube::Error>(Action::requeue(Duration::from_secs(600)))
    };
    let on_error = |_: Arc<ReplicaSet>, _: &kube::Error, _: Arc<()>| Action::requeue(Duration::from_secs(5));
    Controller::new(sets, watcher::Config::default())
        .owns(pods, watcher::Config::default())
        .run(reconcile, on_error, Arc::new(()))
        .for_each(async |_| {})
        .await;
}
// ANCHOR_END: controller
