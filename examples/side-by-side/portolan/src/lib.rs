//! The tasks of docs/kube-rs.md by Portolan.
#![expect(clippy::print_stdout, reason = "an example's output is its purpose")]

use std::time::Duration;

use futures::StreamExt;
use k8s_openapi::api::apps::v1::{Deployment, ReplicaSet};
use k8s_openapi::api::core::v1::Pod;
use portolan::Error;
use portolan::cache::HandlerOptions;
use portolan::client::discovery::RestMapper;
use portolan::client::{Client, CustomResource as _};
use portolan::controller::Controller;
use portolan::informer::{FactoryOptions, Next, SharedInformerFactory};
use portolan::meta::{ApplyOptions, ListOptions, ObjectMeta};
use portolan::object::{Lazy, Unstructured};
use portolan_derive::CustomResource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

// ANCHOR: list
/// The names of the running pods that are labelled `app=web`.
pub async fn list(client: &Client) -> Result<Vec<String>, Error> {
    let pods = client.core_v1().pods("default");
    let running = ListOptions {
        label_selector: "app=web".parse()?,
        field_selector: "status.phase=Running".parse()?,
        ..Default::default()
    };
    let found = pods.list(&running).await?;
    Ok(found.items.into_iter().filter_map(|pod| pod.metadata.name).collect())
}
// ANCHOR_END: list

// ANCHOR: cache
/// Tells of each change of a pod; the store is read beside.
pub async fn cache(client: &Client) -> Result<(), Error> {
    let factory = SharedInformerFactory::new(client, FactoryOptions::default());
    let pods = factory.informer::<Pod>();
    let mut events = pods.events(HandlerOptions::default());
    factory.start();
    while let Some(event) = events.next().await {
        println!("{} has changed, one of {}", event.key(), pods.lister().len());
    }
    Ok(())
}
// ANCHOR_END: cache

// ANCHOR: apply
/// Makes the replicas of a Deployment this manager's.
pub async fn apply(client: &Client) -> Result<Lazy<Deployment>, Error> {
    let deployments = client.api::<Lazy<Deployment>>("default");
    let scale = json!({"apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": "web"}, "spec": {"replicas": 3}});
    let options = ApplyOptions { field_manager: "scaler".into(), force: true, ..Default::default() };
    deployments.apply("web", &scale, &options).await
}
// ANCHOR_END: apply

// ANCHOR: custom
/// A page on the web.
#[derive(CustomResource, Clone, Debug)]
#[resource(group = "example.com", version = "v1", plural = "websites")]
pub struct Website {
    /// Name and namespace.
    pub metadata: ObjectMeta,
    /// What its user wants.
    pub spec: WebsiteSpec,
}

/// What the user of a Website wants.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug)]
pub struct WebsiteSpec {
    /// Its first line.
    pub title: String,
}

/// Installs the definition and lists.
pub async fn custom(client: &Client) -> Result<(), Error> {
    let definitions = client.apiextensions_v1().custom_resource_definitions();
    definitions.create(&Website::crd()?, &Default::default()).await?;
    let websites = client.api::<Website>("default");
    for website in websites.list(&ListOptions::default()).await?.items {
        println!("{}", website.spec.title);
    }
    Ok(())
}
// ANCHOR_END: custom

// ANCHOR: dynamic
/// Reads an object whose kind is known at run time only.
pub async fn dynamic(client: &Client) -> Result<Option<String>, Error> {
    let served = client.discovery().server_groups_and_resources().await?;
    let resource = RestMapper::new(served.into()).rest_mapping("example.com", "Website", &["v1"])?;
    let websites = client.resource::<Unstructured>(&resource, "default");
    let website = websites.get("home", &Default::default()).await?;
    Ok(website.text("spec.title").map(str::to_owned))
}
// ANCHOR_END: dynamic

// ANCHOR: controller
/// Reconciles until the future is dropped.
pub async fn controller(client: &Client) -> Result<(), Error> {
    let factory = SharedInformerFactory::new(client, FactoryOptions::default());
    let (sets, pods) = (factory.informer::<ReplicaSet>(), factory.informer::<Pod>());
    let reconcile = async |key| {
        let Some(set) = sets.lister().get(&key) else { return Ok(Next::Forget) };
        println!("{key} wants {}", set.text("spec.replicas").unwrap_or_default());
        Ok::<_, Error>(Next::After(Duration::from_secs(600)))
    };
    Controller::new(&sets).owns(&pods).run(2, reconcile).await
}
// ANCHOR_END: controller
