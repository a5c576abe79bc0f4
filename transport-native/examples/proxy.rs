//! Lists and watches namespaces through a running `kubectl proxy`, over HTTP or, with `--socket`, over WebSocket; without
//! an address on a cluster in memory.
#![expect(clippy::print_stdout, reason = "an example's output is its purpose")]
#![expect(clippy::print_stderr, reason = "an example's errors go there")]

use std::process::ExitCode;
use std::time::Duration;

use futures::StreamExt;
use k8s_openapi::api::core::v1::Namespace;
use portolan::Error;
use portolan::client::Client;
use portolan::config::{Config, WatchOver};
use portolan::meta::{ListOptions, Object, WatchOptions};
use portolan::rest::WatchEvent;
use portolan_memory::Cluster;
use portolan_native::{client_for, runtime};

#[tokio::main]
async fn main() -> ExitCode {
    let mut arguments: Vec<String> = std::env::args().skip(1).collect();
    let watch_over = match arguments.iter().position(|argument| argument == "--socket") {
        Some(place) => {
            arguments.remove(place);
            WatchOver::Socket
        }
        None => WatchOver::Http,
    };
    let outcome = async { namespaces(client(arguments.pop(), watch_over)?, watch_over).await };
    match outcome.await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}\narguments: [--socket] [ADDRESS of kubectl proxy]");
            ExitCode::FAILURE
        }
    }
}

fn client(proxy: Option<String>, watch_over: WatchOver) -> Result<Client, Error> {
    match proxy {
        Some(address) => client_for(Config { watch_over, ..Config::new(&address)? }),
        None => {
            let cluster = Cluster::new(runtime()?);
            let config = Config { watch_over, rate_limit: None, ..Config::default() };
            Ok(Client::new(cluster.transport(), config, cluster.runtime().clone()))
        }
    }
}

async fn namespaces(client: Client, watch_over: WatchOver) -> Result<(), Error> {
    let namespaces = client.all::<Namespace>();
    let list = namespaces.list(&ListOptions::default()).await?;
    for namespace in &list.items {
        println!("{}", namespace.key());
    }
    let options = WatchOptions { timeout: Some(Duration::from_secs(5)), ..WatchOptions::default() };
    let mut watch = namespaces.watch(&options).await?;
    println!("watching over {watch_over:?} for five seconds");
    while let Some(event) = watch.next().await {
        if let WatchEvent::Added(namespace) = event? {
            println!("added {}", namespace.key());
        }
    }
    Ok(())
}
