//! Runs a plugin with no more rights than it is granted: the host of docs/plugin.md.

// ANCHOR: host
use std::sync::Arc;

use k8s_openapi::api::rbac::v1::PolicyRule;
use portolan::Error;
use portolan::time::Runtime;
use portolan::transport::Transport;
use portolan_plugins::wasmi::{Allowance, WasmiModule};
use portolan_plugins::{Grant, Options, Restricted, run};

/// Runs the plugin in `wasm`, which may read the pods of `namespace` at `server` and nothing else. What it says goes to
/// `say`.
///
/// # Errors
/// The plugin's own, and when it wants more memory or computes longer than it may.
pub async fn check(
    wasm: &[u8],
    namespace: &str,
    transport: impl Transport,
    server: http::Uri,
    runtime: &Runtime,
    say: impl FnMut(&str) + Send + 'static,
) -> Result<(), Error> {
    let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    let reads_pods = Grant {
        namespaces: words(&[namespace]),
        rule: PolicyRule {
            api_groups: Some(words(&[""])),
            resources: Some(words(&["pods"])),
            verbs: words(&["get", "list", "watch"]),
            ..PolicyRule::default()
        },
    };
    let restricted = Restricted::new("limits", transport, server.clone(), vec![reads_pods]);
    let module = WasmiModule::new(wasm, Allowance { memory_bytes: 64 << 20, ..Allowance::default() })?;
    let options = Options { input: namespace.into(), say: Box::new(say), ..Options::new("limits", server) };
    run(module, Arc::new(restricted), runtime, options).await
}
// ANCHOR_END: host
