//! A refusal is logged. In a process of its own: while threads of other tests are at their first event, `tracing` may take
//! it for one that nobody wants.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fmt::Write;
use std::sync::{Arc, Mutex};

use k8s_openapi::api::core::v1::Secret;
use portolan::client::Client;
use portolan::config::Config;
use portolan::meta::GetOptions;
use portolan_memory::Cluster;
use portolan_native::runtime;
use portolan_plugins::Restricted;

/// Keeps the text of every event.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<String>>);

struct Fields<'a>(&'a mut String);

impl tracing::field::Visit for Fields<'_> {
    fn record_debug(&mut self, field: &tracing::field::Field, value: &dyn std::fmt::Debug) {
        write!(self.0, "{field}={value:?} ").unwrap();
    }
}

impl tracing::Subscriber for Log {
    fn enabled(&self, metadata: &tracing::Metadata<'_>) -> bool {
        metadata.target() == "portolan::plugin"
    }
    fn new_span(&self, _: &tracing::span::Attributes<'_>) -> tracing::span::Id {
        tracing::span::Id::from_u64(1)
    }
    fn record(&self, _: &tracing::span::Id, _: &tracing::span::Record<'_>) {}
    fn record_follows_from(&self, _: &tracing::span::Id, _: &tracing::span::Id) {}
    fn event(&self, event: &tracing::Event<'_>) {
        let mut text = self.0.lock().unwrap();
        write!(text, "{} ", event.metadata().level()).unwrap();
        event.record(&mut Fields(&mut text));
    }
    fn enter(&self, _: &tracing::span::Id) {}
    fn exit(&self, _: &tracing::span::Id) {}
}

#[tokio::test]
async fn a_refusal_is_logged() {
    let log = Log::default();
    let guard = tracing::subscriber::set_default(log.clone());
    let cluster = Cluster::new(runtime().unwrap());
    let config = Config::default();
    let layer = Restricted::new("checker", cluster.transport(), config.server.clone(), Vec::new());
    let client = Client::new(Arc::new(layer), config, runtime().unwrap());
    client.api::<Secret>("shop").get("token", &GetOptions::default()).await.unwrap_err();
    drop(guard);
    let expected = r#"WARN message=refused plugin="checker" request="get resource \"secrets\" in API group \"\" in the namespace \"shop\"" "#;
    assert_eq!(*log.0.lock().unwrap(), expected);
}
