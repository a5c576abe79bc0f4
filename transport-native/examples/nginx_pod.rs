//! Creates an nginx Pod with resource requests and limits, reads it back, and deletes it.
#![expect(clippy::print_stdout, reason = "an example's output is its purpose")]

mod cluster;

use std::process::ExitCode;

use k8s_openapi::api::core::v1::Pod;
use portolan::Error;
use portolan::client::Client;
use portolan::meta::{CreateOptions, DeleteOptions, GetOptions, Object};
use portolan::object::Unstructured;
use serde_json::json;

fn main() -> ExitCode {
    cluster::run("", nginx_pod)
}

async fn nginx_pod(client: Client, _: Vec<String>) -> Result<(), Error> {
    let pods = client.api::<Pod>("default");
    let manifest = json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "nginx"},
        "spec": {"containers": [{
            "name": "nginx", "image": "nginx:1.29",
            "resources": {
                "requests": {"cpu": "100m", "memory": "64Mi"},
                "limits": {"cpu": "250m", "memory": "128Mi"},
            },
        }]},
    });
    let pod: Pod = Unstructured::try_from(manifest)?.to_typed()?;
    pods.create(&pod, &CreateOptions::default()).await?;
    let pod = pods.get("nginx", &GetOptions::default()).await?;
    for container in pod.spec.iter().flat_map(|spec| &spec.containers) {
        let resources = container.resources.clone().unwrap_or_default();
        println!("{} {}", pod.key(), container.image.as_deref().unwrap_or_default());
        for (what, amounts) in [("requests", resources.requests), ("limits", resources.limits)] {
            let amounts: Vec<String> =
                amounts.iter().flatten().map(|(name, amount)| format!("{name}={}", amount.0)).collect();
            println!("  {what}: {}", amounts.join(" "));
        }
    }
    pods.delete("nginx", &DeleteOptions { grace_period_seconds: Some(0), ..DeleteOptions::default() }).await
}
