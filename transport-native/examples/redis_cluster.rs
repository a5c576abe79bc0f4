//! Declares the kind RedisCluster (1 to 20 replicas of an image), creates one dynamically, and has the API server refuse
//! one with too many replicas. Wants a real cluster: `--cluster`.
#![expect(clippy::print_stdout, reason = "an example's output is its purpose")]

mod cluster;

use std::process::ExitCode;
use std::time::Duration;

use portolan::Error;
use portolan::client::{Client, DEFAULT_RETRY, on_error};
use portolan::meta::{CreateOptions, GroupVersionResource};
use portolan::object::Unstructured;
use portolan::policy::{Backoff, Steps};
use serde_json::{Value, json};

fn main() -> ExitCode {
    cluster::run("", redis_cluster)
}

async fn redis_cluster(client: Client, _: Vec<String>) -> Result<(), Error> {
    let dynamic = client.dynamic();
    let definitions = GroupVersionResource::new("apiextensions.k8s.io", "v1", "customresourcedefinitions");
    let definition: Unstructured = definition().try_into()?;
    match dynamic.resource(definitions).create(&definition, &CreateOptions::default()).await {
        Err(error) if !error.is_already_exists() => return Err(error),
        _ => {}
    }

    let clusters = dynamic.resource(GroupVersionResource::new("cache.example.com", "v1", "redisclusters"));
    let clusters = clusters.in_namespace("default");
    let made: Unstructured = redis("sessions", 3).try_into()?;
    // The API server serves a new kind a moment after it was declared.
    let backoff = Backoff { initial: Duration::from_millis(250), ..DEFAULT_RETRY.backoff };
    let created = on_error(client.runtime(), Steps { tries: 100, backoff }, Error::is_not_found, || async {
        clusters.create(&made, &CreateOptions::default()).await
    });
    match created.await {
        Ok(made) => {
            println!("created {made:?}: {} replicas", made.get("spec.replicas").unwrap_or(&Value::Null));
        }
        Err(error) if error.is_already_exists() => println!("{error}"),
        Err(error) => return Err(error),
    }

    let large: Unstructured = redis("large", 21).try_into()?;
    match clusters.create(&large, &CreateOptions::default()).await {
        Err(error) if error.is_invalid() => println!("refused: {error}"),
        outcome => println!("the API server should have refused 21 replicas: {outcome:?}"),
    }
    Ok(())
}

fn redis(name: &str, replicas: u32) -> Value {
    json!({
        "apiVersion": "cache.example.com/v1", "kind": "RedisCluster", "metadata": {"name": name},
        "spec": {"replicas": replicas, "image": "redis:8"},
    })
}

fn definition() -> Value {
    let spec = json!({
        "type": "object", "required": ["replicas", "image"],
        "properties": {
            "replicas": {"type": "integer", "minimum": 1, "maximum": 20},
            "image": {"type": "string", "minLength": 1},
        },
    });
    json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": "redisclusters.cache.example.com"},
        "spec": {
            "group": "cache.example.com", "scope": "Namespaced",
            "names": {"plural": "redisclusters", "singular": "rediscluster", "kind": "RedisCluster", "shortNames": ["rc8"]},
            "versions": [{
                "name": "v1", "served": true, "storage": true,
                "schema": {"openAPIV3Schema": {"type": "object", "properties": {"spec": spec}}},
            }],
        },
    })
}
