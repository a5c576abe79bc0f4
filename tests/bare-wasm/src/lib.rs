//! Core as a wasm module of its own: it imports nothing, so no clock, no randomness and no socket can have crept in,
//! and it runs nevertheless, on a scripted transport in virtual time.

use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::api::core::v1::Pod;
use portolan::client::Client;
use portolan::config::Config;
use portolan::meta::ListOptions;
use portolan::testing::{Answer, Scripted};
use portolan::time::Simulator;

/// Lists the two pods of the script and returns how many came; negative is a failure.
#[expect(unsafe_code, reason = "an exported name is what the module is called by")]
#[unsafe(no_mangle)]
pub extern "C" fn list_pods() -> i32 {
    count().and_then(|count| i32::try_from(count).ok()).unwrap_or(-1)
}

fn count() -> Option<usize> {
    let scripted = Scripted::new([Answer::json(
        200,
        r#"{"kind":"PodList","apiVersion":"v1","metadata":{"resourceVersion":"9"},"items":[{"metadata":{"name":"a"}},{"metadata":{"name":"b"}}]}"#,
    )]);
    let simulator = Simulator::new(1);
    let client = Client::new(Arc::new(scripted), Config::new("http://server").ok()?, simulator.runtime(1));
    let list = simulator.run(Duration::from_secs(60), async {
        client.api::<Pod>("default").list(&ListOptions::default()).await.ok()
    })??;
    Some(list.items.len())
}

#[cfg(test)]
mod tests {
    #[test]
    fn runs_natively_too() {
        assert_eq!(super::list_pods(), 2);
    }
}
