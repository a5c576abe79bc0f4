//! What informers do, for those who operate a process: a log by `tracing`, and metrics in Prometheus' text format.
//!
//! Invariant: both only look; neither holds up an informer.

use std::fmt::Write;
use std::time::Duration;

use portolan::cache::Notice;
use portolan::informer::{InformerSnapshot, Observer, SharedInformerFactory};
use portolan::meta::ApiResource;
use portolan::time::Instant;

/// Logs what informers ask and meet, as events of the target `portolan::informer` with the field `resource` and what
/// else there is to say: errors and contradictions at WARN, syncs at INFO, the rest at DEBUG. What client-go logs by klog.
///
/// ```
/// # use portolan::informer::FactoryOptions;
/// let options = FactoryOptions {
///     observer: Some(std::sync::Arc::new(portolan_native::TracingObserver)),
///     ..FactoryOptions::default()
/// };
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct TracingObserver;

impl Observer for TracingObserver {
    fn on_notice(&self, resource: &ApiResource, notice: &Notice) {
        const TARGET: &str = "portolan::informer";
        match notice {
            Notice::Asked { request, resource_version } => {
                tracing::debug!(target: TARGET, %resource, request = request.as_str(), %resource_version, "asked");
            }
            Notice::Opened => tracing::debug!(target: TARGET, %resource, "watch open"),
            Notice::Ended => tracing::debug!(target: TARGET, %resource, "watch ended"),
            Notice::Resync => tracing::debug!(target: TARGET, %resource, "resync"),
            Notice::Synced { request, objects, resource_version, took } => {
                let request = request.as_str();
                tracing::info!(target: TARGET, %resource, request, objects, %resource_version, ?took, "synced");
            }
            Notice::Failed { text, retry_in, .. } => {
                tracing::warn!(target: TARGET, %resource, error = text, ?retry_in, "failed");
            }
            Notice::Inconsistent { resource_version, text } => {
                tracing::warn!(target: TARGET, %resource, %resource_version, error = text, "inconsistent");
            }
        }
    }
}

/// One metric: its name, its type, its help, and its value for an informer.
type Metric = (&'static str, &'static str, &'static str, fn(&InformerSnapshot) -> u64);

const METRICS: [Metric; 12] = [
    ("objects", "gauge", "Objects in the store.", |informer| informer.status.objects as u64),
    ("queued", "gauge", "Changes that wait for the store.", |informer| informer.queued as u64),
    ("watching", "gauge", "1 while a watch is open.", |informer| informer.status.watching.into()),
    ("paused", "gauge", "1 while a handler that fell behind pauses it.", |informer| {
        informer.status.paused.into()
    }),
    ("lists_total", "counter", "Lists begun.", |informer| informer.status.counters.lists),
    ("watch_lists_total", "counter", "Watch-lists begun.", |informer| informer.status.counters.watch_lists),
    ("relists_total", "counter", "Lists after the first.", |informer| informer.status.counters.relists),
    ("watches_total", "counter", "Watches begun.", |informer| informer.status.counters.watches),
    ("events_total", "counter", "Events with an object.", |informer| informer.status.counters.events),
    ("skipped_total", "counter", "Events about another kind.", |informer| informer.status.counters.skipped),
    ("errors_total", "counter", "Errors of any kind.", |informer| informer.status.counters.errors),
    ("bytes_total", "counter", "Bytes of lists and watches.", |informer| informer.status.bytes),
];

/// The metrics of a factory's informers and their handlers, in Prometheus' text format: to be served beside the process's
/// own. client-go's informer, FIFO and reflector metrics.
pub fn informer_metrics(factory: &SharedInformerFactory) -> String {
    text(&factory.snapshot(), factory.client().runtime().clock.now())
}

fn text(informers: &[InformerSnapshot], now: Instant) -> String {
    let mut out = String::new();
    for (name, kind, help, value) in METRICS {
        head(&mut out, name, kind, help);
        for informer in informers {
            let _ = writeln!(out, "portolan_informer_{name}{{{}}} {}", labels(informer), value(informer));
        }
    }
    let waited = |since: Option<Instant>| since.map_or(Duration::ZERO, |since| now - since).as_secs_f64();
    head(&mut out, "handler_waiting", "gauge", "Events that wait for a handler.");
    each_handler(&mut out, informers, "handler_waiting", |handler| handler.waiting.to_string());
    head(&mut out, "handler_delivered_total", "counter", "Events a handler took.");
    each_handler(&mut out, informers, "handler_delivered_total", |handler| handler.delivered.to_string());
    head(&mut out, "handler_stuck_seconds", "gauge", "How long events wait without one being taken.");
    each_handler(&mut out, informers, "handler_stuck_seconds", |handler| {
        waited(handler.stuck_since).to_string()
    });
    out
}

// Writing to a String cannot fail, here and below.
fn head(out: &mut String, name: &str, kind: &str, help: &str) {
    let _ = writeln!(out, "# HELP portolan_informer_{name} {help}\n# TYPE portolan_informer_{name} {kind}");
}

fn each_handler(
    out: &mut String,
    informers: &[InformerSnapshot],
    name: &str,
    value: impl Fn(&portolan::cache::HandlerStatus) -> String,
) {
    for informer in informers {
        for (place, handler) in informer.handlers.iter().enumerate() {
            let labels = labels(informer);
            let _ =
                writeln!(out, "portolan_informer_{name}{{{labels},handler=\"{place}\"}} {}", value(handler));
        }
    }
}

fn labels(informer: &InformerSnapshot) -> String {
    let InformerSnapshot { resource, namespace, label_selector, field_selector, form, .. } = informer;
    let pairs = [
        ("group", &*resource.group),
        ("resource", &*resource.plural),
        ("namespace", namespace),
        ("label_selector", label_selector),
        ("field_selector", field_selector),
        ("form", form),
    ];
    let escaped = |value: &str| value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
    pairs.map(|(name, value)| format!("{name}=\"{}\"", escaped(value))).join(",")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::{Arc, Mutex};

    use k8s_openapi::api::core::v1::ConfigMap;
    use portolan::cache::{Event, HandlerOptions};
    use portolan::informer::FactoryOptions;
    use portolan_memory::Cluster;

    /// Keeps the text of every event.
    #[derive(Clone, Default)]
    struct Log(Arc<Mutex<Vec<String>>>);

    struct Fields(String);

    impl tracing::field::Visit for Fields {
        fn record_debug(&mut self, field: &tracing::field::Field, value: &dyn std::fmt::Debug) {
            let _ = write!(self.0, " {field}={value:?}");
        }
    }

    impl tracing::Subscriber for Log {
        fn enabled(&self, metadata: &tracing::Metadata<'_>) -> bool {
            metadata.target() == "portolan::informer"
        }
        fn new_span(&self, _: &tracing::span::Attributes<'_>) -> tracing::span::Id {
            tracing::span::Id::from_u64(1)
        }
        fn record(&self, _: &tracing::span::Id, _: &tracing::span::Record<'_>) {}
        fn record_follows_from(&self, _: &tracing::span::Id, _: &tracing::span::Id) {}
        fn event(&self, event: &tracing::Event<'_>) {
            let mut fields = Fields(event.metadata().level().to_string());
            event.record(&mut fields);
            self.0.lock().unwrap().push(fields.0);
        }
        fn enter(&self, _: &tracing::span::Id) {}
        fn exit(&self, _: &tracing::span::Id) {}
    }

    #[tokio::test]
    async fn an_informer_is_seen_in_log_and_metrics() {
        let log = Log::default();
        let guard = tracing::subscriber::set_default(log.clone());
        let cluster = Cluster::new(crate::runtime().unwrap());
        let object = serde_json::json!({ "apiVersion": "v1", "kind": "ConfigMap",
            "metadata": { "namespace": "default", "name": "a" } });
        cluster.create(object).unwrap();
        let options =
            FactoryOptions { observer: Some(Arc::new(TracingObserver)), ..FactoryOptions::default() };
        let factory = SharedInformerFactory::new(&cluster.client(), options);
        let informer = factory.informer::<ConfigMap>();
        informer.add_handler(HandlerOptions::default(), |_: Event<_>| {});
        factory.start();
        factory.wait_for_cache_sync().await.unwrap();
        let metrics = informer_metrics(&factory);
        factory.shutdown();
        drop(guard);

        let log = log.0.lock().unwrap().join("\n");
        assert!(log.contains("DEBUG message=asked resource=configmaps request=\"watch-list\""), "{log}");
        assert!(log.contains("INFO message=synced resource=configmaps"), "{log}");
        let line = metrics.lines().find(|line| line.starts_with("portolan_informer_objects{")).unwrap();
        assert!(line.contains("resource=\"configmaps\"") && line.ends_with(" 1"), "{line}");
        assert!(metrics.contains("# TYPE portolan_informer_errors_total counter"), "{metrics}");
        assert!(metrics.contains("handler=\"0\""), "{metrics}");
    }
}
