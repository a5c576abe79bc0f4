//! Lists the pods of a namespace, or of all, page by page through the typed API.
#![expect(clippy::print_stdout, reason = "an example's output is its purpose")]

mod cluster;

use std::process::ExitCode;

use k8s_openapi::api::core::v1::Pod;
use portolan::Error;
use portolan::client::Client;
use portolan::meta::{ListOptions, Object};

fn main() -> ExitCode {
    cluster::run("[NAMESPACE]", list_pods)
}

async fn list_pods(client: Client, arguments: Vec<String>) -> Result<(), Error> {
    let pods = match arguments.first() {
        Some(namespace) => client.api::<Pod>(namespace),
        None => client.all::<Pod>(),
    };
    let mut page = ListOptions { limit: Some(100), ..ListOptions::default() };
    loop {
        let list = pods.list(&page).await?;
        for pod in &list.items {
            let phase = pod.status.as_ref().and_then(|status| status.phase.as_deref()).unwrap_or("Unknown");
            println!("{:60} {phase}", pod.key());
        }
        page.continue_token = list.head.continue_token;
        if page.continue_token.is_end() {
            return Ok(());
        }
    }
}
