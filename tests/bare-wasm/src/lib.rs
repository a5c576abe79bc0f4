//! Core as a wasm module of its own: it imports nothing, so no clock, no randomness and no socket can have crept in, and
//! it runs nevertheless: an informer on a scripted transport in virtual time.

use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::api::core::v1::Pod;
use portolan::client::Client;
use portolan::config::Config;
use portolan::informer::{FactoryOptions, SharedInformerFactory};
use portolan::meta::{Key, Object};
use portolan::testing::{Answer, Scripted};
use portolan::time::Simulator;

/// Syncs an informer by watch-list, loses the connection, syncs anew, and returns the version at which the pod is then
/// held; negative is a failure.
#[expect(unsafe_code, reason = "an exported name is what the module is called by")]
#[unsafe(no_mangle)]
pub extern "C" fn informer() -> i32 {
    run().unwrap_or(-1)
}

fn run() -> Option<i32> {
    let pod = |version: u32| {
        format!(
            r#"{{"apiVersion":"v1","kind":"Pod","metadata":{{"name":"a","namespace":"n","uid":"u","resourceVersion":"{version}"}}}}"#
        )
    };
    let event = |kind: &str, object: &str| format!(r#"{{"type":"{kind}","object":{object}}}"#);
    let synced = |version: u32| {
        event(
            "BOOKMARK",
            &format!(
                r#"{{"kind":"Pod","apiVersion":"v1","metadata":{{"resourceVersion":"{version}","annotations":{{"k8s.io/initial-events-end":"true"}}}}}}"#
            ),
        )
    };
    let stream = || Answer::new(200).header("content-type", "application/json");
    let scripted = Scripted::new([
        stream().chunk(&event("ADDED", &pod(5))).chunk(&synced(6)).breaks(),
        stream().chunk(&event("ADDED", &pod(7))).chunk(&synced(8)).hangs(),
    ]);
    let simulator = Simulator::new(1);
    let client = Client::new(Arc::new(scripted), Config::new("http://server").ok()?, simulator.runtime(1));
    let factory = SharedInformerFactory::new(&client, FactoryOptions::default());
    let pods = factory.informer::<Pod>();
    simulator.run(Duration::from_secs(3600), async {
        factory.start();
        factory.wait_for_cache_sync().await.ok()?;
        pods.wait_for_status(|status| (status.resource_version.as_str() == "8").then_some(())).await;
        pods.lister().get(&Key::new("n", "a"))?.meta().resource_version.parse().ok()
    })?
}

#[cfg(test)]
mod tests {
    #[test]
    fn runs_natively_too() {
        assert_eq!(super::informer(), 7);
    }
}
