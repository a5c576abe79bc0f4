//! A controller for a resource of its own: the program of docs/controller.md. For each RedisCluster it keeps a Deployment,
//! and writes into the RedisCluster's status how many of its members are ready.

// ANCHOR: uses
use std::time::Duration;

use k8s_openapi::api::apps::v1::Deployment;
use portolan::Error;
use portolan::client::{Client, CustomResource as _};
use portolan::controller::{Controller, controller_reference};
use portolan::informer::{FactoryOptions, Next, SharedInformerFactory};
use portolan::meta::{ApplyOptions, CreateOptions, Key, ObjectMeta, Resource};
use portolan::wait::{conditions, until};
use portolan_derive::CustomResource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
// ANCHOR_END: uses

// ANCHOR: resource
/// A Redis of some members.
#[derive(CustomResource, Clone, Debug)]
#[resource(group = "cache.example.com", version = "v1", plural = "redisclusters")]
pub struct RedisCluster {
    /// Name and namespace.
    pub metadata: ObjectMeta,
    /// What its user wants.
    pub spec: RedisClusterSpec,
    /// What the controller has found.
    pub status: Option<RedisClusterStatus>,
}

/// What the user of a RedisCluster wants.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug)]
pub struct RedisClusterSpec {
    /// How many members.
    #[schemars(range(min = 1, max = 20))]
    pub replicas: u32,
    /// What they run.
    pub image: String,
}

/// What the controller has found.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug)]
pub struct RedisClusterStatus {
    /// How many members are ready.
    pub ready: i32,
}
// ANCHOR_END: resource

// ANCHOR: install
/// Installs the definition and waits until the server serves it.
///
/// # Errors
/// What the server refuses, and when it takes more than a minute.
pub async fn install(client: &Client) -> Result<(), Error> {
    let definition = RedisCluster::crd()?;
    let name = definition.metadata.name.clone().unwrap_or_default();
    let definitions = client.apiextensions_v1().custom_resource_definitions();
    match definitions.create(&definition, &CreateOptions::default()).await {
        Err(error) if !error.is_already_exists() => return Err(error),
        _ => {}
    }
    let minute = Duration::from_secs(60);
    until(&client.all(), &name, minute, conditions::established).await.map(drop)
}
// ANCHOR_END: install

// ANCHOR: run
/// Reconciles until `stop` ends.
///
/// # Errors
/// When an informer cannot go on.
pub async fn run(client: &Client, stop: impl Future<Output = ()>) -> Result<(), Error> {
    let factory = SharedInformerFactory::new(client, FactoryOptions::default());
    let clusters = factory.typed::<RedisCluster>();
    let deployments = factory.typed::<Deployment>();
    // An event about a RedisCluster brings its key; one about a Deployment the key of the RedisCluster that owns it.
    let controller = Controller::new(&clusters).owns(&deployments);
    let queue = controller.queue().clone();
    let (clusters, deployments) = (clusters.lister(), deployments.lister());
    let reconciling = controller.run(2, async |key: Key| {
        let Some(cluster) = clusters.get(&key) else { return Ok(Next::Forget) };
        let deployment = deployments.get(&key);
        reconcile(client, &key, &cluster, deployment.as_deref()).await?;
        Ok::<_, Error>(Next::Forget) // an error instead: again later, and later each time
    });
    let stopping = async {
        stop.await;
        queue.shut_down(); // what is under way comes to its end
        Ok::<_, Error>(())
    };
    let outcome = tokio::try_join!(reconciling, stopping).map(drop); // an error does not wait for the stop
    factory.shutdown();
    outcome
}
// ANCHOR_END: run

// ANCHOR: reconcile
async fn reconcile(
    client: &Client,
    key: &Key,
    cluster: &RedisCluster,
    deployment: Option<&Deployment>,
) -> Result<(), Error> {
    let options =
        ApplyOptions { field_manager: "redis-controller".into(), force: true, ..Default::default() };
    let wanted = json!({
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {
            "name": key.name(),
            "ownerReferences": [controller_reference(&cluster.metadata, &RedisCluster::api_resource())],
        },
        "spec": {
            "replicas": cluster.spec.replicas,
            "selector": {"matchLabels": {"redis": key.name()}},
            "template": {
                "metadata": {"labels": {"redis": key.name()}},
                "spec": {"containers": [{"name": "redis", "image": cluster.spec.image}]},
            },
        },
    });
    // Server-side apply: where nothing differs the server changes nothing, and no event comes of it.
    client.api::<Deployment>(key.namespace()).apply(key.name(), &wanted, &options).await?;

    let status = deployment.and_then(|deployment| deployment.status.as_ref());
    let ready = status.and_then(|status| status.ready_replicas).unwrap_or_default();
    let found = json!({
        "apiVersion": "cache.example.com/v1", "kind": "RedisCluster",
        "metadata": {"name": key.name()},
        "status": {"ready": ready},
    });
    client.api::<RedisCluster>(key.namespace()).apply_status(key.name(), &found, &options).await.map(drop)
}
// ANCHOR_END: reconcile
