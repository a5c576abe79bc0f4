//! The controller on a cluster in memory, which has no controllers of its own: the test says what the Deployment's would.

// ANCHOR: test
use std::time::Duration;

use example_controller::{RedisCluster, RedisClusterSpec, install, run};
use futures::FutureExt;
use futures::channel::oneshot;
use k8s_openapi::api::apps::v1::Deployment;
use portolan::client::Api;
use portolan::meta::{CreateOptions, DeleteOptions, ObjectMeta, Patch, PatchOptions};
use portolan::object::Lazy;
use portolan::wait::{conditions, until};
use portolan_memory::Cluster;
use serde_json::json;

const PATIENCE: Duration = Duration::from_secs(60);

#[tokio::test]
async fn a_deployment_follows_its_redis_cluster() {
    let client = Cluster::new(portolan_native::runtime().unwrap()).client();
    install(&client).await.unwrap();
    let (stop, stopped) = oneshot::channel::<()>();

    let user = async {
        let clusters = client.api::<RedisCluster>("default");
        let deployments: Api<Lazy<Deployment>> = client.api("default");
        let cluster = RedisCluster {
            metadata: ObjectMeta { name: Some("sessions".into()), ..Default::default() },
            spec: RedisClusterSpec { replicas: 3, image: "redis:8".into() },
            status: None,
        };
        clusters.create(&cluster, &CreateOptions::default()).await.unwrap();
        let wants = |replicas: &'static str| {
            move |found: Option<&Lazy<Deployment>>| {
                Ok(found.is_some_and(|found| found.text("spec.replicas").as_deref() == Some(replicas)))
            }
        };
        until(&deployments, "sessions", PATIENCE, wants("3")).await.unwrap();

        let five = Patch::Merge(json!({"spec": {"replicas": 5}}));
        clusters.patch("sessions", &five, &PatchOptions::default()).await.unwrap();
        until(&deployments, "sessions", PATIENCE, wants("5")).await.unwrap();

        let ready = Patch::Merge(json!({"status": {"readyReplicas": 2}}));
        deployments.patch_status("sessions", &ready, &PatchOptions::default()).await.unwrap();
        let knows = |found: Option<&RedisCluster>| {
            Ok(found.and_then(|found| found.status.as_ref()).is_some_and(|status| status.ready == 2))
        };
        until(&clusters, "sessions", PATIENCE, knows).await.unwrap();

        clusters.delete("sessions", &DeleteOptions::default()).await.unwrap();
        until(&deployments, "sessions", PATIENCE, conditions::deleted).await.unwrap();
        stop.send(()).unwrap();
    };
    let (outcome, ()) = tokio::join!(run(&client, stopped.map(|_| ())), user);
    outcome.unwrap();
}
// ANCHOR_END: test

#[tokio::test]
async fn a_controller_that_cannot_go_on_ends_unasked() {
    let runtime = portolan_native::runtime().unwrap();
    let cluster = Cluster::new(runtime.clone());
    cluster.react("watch", "*", |_| panic!("whoever watches is lost"));
    let never_asked = runtime.sleep(PATIENCE).map(|()| panic!("the stop was waited for"));
    let outcome = run(&cluster.client(), never_asked).await;
    outcome.unwrap_err();
}
