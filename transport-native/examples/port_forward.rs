//! Listens on this machine and forwards connections to a port of a pod, as `kubectl port-forward` does, until Ctrl-C.
#![expect(clippy::print_stdout, reason = "an example's output is its purpose")]
#![expect(clippy::print_stderr, reason = "an example's errors go there")]

mod cluster;
mod pod;

use std::net::{Ipv4Addr, SocketAddr};
use std::process::ExitCode;

use portolan::Error;
use portolan::client::Client;
use portolan_native::forward;

const OWN: &str = "NAMESPACE/POD [LOCAL:]REMOTE";

fn main() -> ExitCode {
    cluster::run(OWN, port_forward)
}

async fn port_forward(client: Client, arguments: Vec<String>) -> Result<(), Error> {
    let [named, ports] = arguments.as_slice() else { return Err(Error::config("name a pod and a port")) };
    let (local, remote) = ports.split_once(':').unwrap_or((ports, ports));
    let port = |text: &str| text.parse::<u16>().map_err(|_| Error::config(format!("{text:?} is not a port")));
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port(local)?));
    let (pods, name) = pod::find(&client, Some(named)).await?;
    let mut forwarder = forward(&pods, &name, port(remote)?, address).await?;
    println!("Forwarding from {} -> {remote}", forwarder.local_addr());
    loop {
        tokio::select! {
            error = forwarder.failure() => eprintln!("{error}"),
            _ = tokio::signal::ctrl_c() => return Ok(()),
        }
    }
}
