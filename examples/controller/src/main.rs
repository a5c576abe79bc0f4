//! The program: the cluster of the kubeconfig or of the Pod it runs in, until Ctrl-C.

// ANCHOR: main
use portolan::Error;

#[tokio::main]
async fn main() -> Result<(), Error> {
    let client = portolan_native::client().await?;
    example_controller::install(&client).await?;
    example_controller::run(&client, async { drop(tokio::signal::ctrl_c().await) }).await
}
// ANCHOR_END: main
