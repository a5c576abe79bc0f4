//! Lists pods with the request builder, with the typed client, and with the dynamic client, converted to typed ones.
#![expect(clippy::print_stdout, reason = "an example's output is its purpose")]

mod cluster;

use std::process::ExitCode;

use k8s_openapi::api::core::v1::Pod;
use portolan::Error;
use portolan::client::Client;
use portolan::meta::{GroupVersionResource, ListOptions};
use portolan::object::Unstructured;
use serde::Deserialize;

#[derive(Deserialize)]
struct PodList {
    items: Vec<Pod>,
}

fn main() -> ExitCode {
    cluster::run("", list_three_ways)
}

async fn list_three_ways(client: Client, _: Vec<String>) -> Result<(), Error> {
    let options = ListOptions { limit: Some(500), ..ListOptions::default() };

    let rest = client.rest_client_for("v1".parse()?);
    let list: PodList = rest.get().resource("pods").params(options.query()).into().await?;
    println!("by requests: {} pods", list.items.len());

    let typed = client.all::<Pod>().list(&options).await?;
    println!("typed: {} pods", typed.items.len());

    let any = client.dynamic().resource(GroupVersionResource::new("", "v1", "pods")).list(&options).await?;
    let converted: Vec<Pod> = any.items.iter().map(Unstructured::to_typed).collect::<Result<_, _>>()?;
    let nodes = converted.iter().filter_map(|pod| pod.spec.as_ref()?.node_name.as_deref());
    let nodes: std::collections::BTreeSet<&str> = nodes.collect();
    println!("dynamic: {} pods on {} nodes", converted.len(), nodes.len());
    Ok(())
}
