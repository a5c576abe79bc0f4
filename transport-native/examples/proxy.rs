//! Lists and watches namespaces through a running `kubectl proxy`, over HTTP or, with `--socket`, over WebSocket.
#![expect(clippy::print_stdout, reason = "an example's output is its purpose")]
#![expect(clippy::print_stderr, reason = "an example's errors go there")]

use std::process::ExitCode;
use std::time::Duration;

use futures::StreamExt;
use k8s_openapi::api::core::v1::Namespace;
use portolan::Error;
use portolan::config::{Config, WatchOver};
use portolan::meta::{ListOptions, Object, WatchOptions};
use portolan::rest::WatchEvent;
use portolan_native::client_for;

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
    let address = arguments.pop().unwrap_or_else(|| "http://127.0.0.1:8001".to_owned());
    match proxy(&address, watch_over).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}\narguments: [--socket] [ADDRESS of kubectl proxy]");
            ExitCode::FAILURE
        }
    }
}

async fn proxy(address: &str, watch_over: WatchOver) -> Result<(), Error> {
    let client = client_for(Config { watch_over, ..Config::new(address)? })?;
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
