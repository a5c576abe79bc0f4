//! The program: `example-plugin-host MODULE NAMESPACE`, on the cluster of the kubeconfig.
#![expect(clippy::print_stdout, reason = "what the plugin says goes there")]

// ANCHOR: main
use portolan::Error;
use portolan_native::{load_config, runtime, transport_for};

#[tokio::main]
async fn main() -> Result<(), Error> {
    let [_, module, namespace] = &std::env::args().collect::<Vec<_>>()[..] else {
        return Err(Error::config("say which module is to look at which namespace: MODULE NAMESPACE"));
    };
    let wasm = std::fs::read(module).map_err(|error| Error::config(format!("{module}: {error}")))?;
    let config = load_config(&Default::default())?;
    let transport = transport_for(&config)?;
    let say = |line: &str| println!("{line}");
    example_plugin_host::check(&wasm, namespace, transport, config.server, &runtime()?, say).await
}
// ANCHOR_END: main
