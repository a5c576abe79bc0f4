//! What informers do, for those who operate a process: a log by `tracing`.
//!
//! Invariant: it only looks; it holds up no informer.

use portolan::cache::Notice;
use portolan::informer::{Observer, Reconciled};
use portolan::meta::ApiResource;

/// Logs what informers ask and meet, and how reconciliations went, as events of the targets `portolan::informer` and
/// `portolan::controller` with the field `resource` and what else there is to say: errors and contradictions at WARN, syncs
/// at INFO, the rest at DEBUG. What client-go logs by klog.
/// They stand in the span `task` of the informer's task (see [`crate::TokioSpawner`]).
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
            Notice::HandlerPanicked { text } => {
                tracing::warn!(target: TARGET, %resource, error = text, "handler panicked");
            }
        }
    }

    fn on_reconciled(&self, resource: &ApiResource, reconciled: &Reconciled<'_>) {
        const TARGET: &str = "portolan::controller";
        let Reconciled { key, took, error, queue } = reconciled;
        let depth = queue.depth;
        match error {
            Some(error) => {
                tracing::warn!(target: TARGET, %resource, %key, error, ?took, depth, "reconciliation failed");
            }
            None => tracing::debug!(target: TARGET, %resource, %key, ?took, depth, "reconciled"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fmt::Write;
    use std::sync::{Arc, Mutex};

    use futures::StreamExt;
    use k8s_openapi::api::core::v1::ConfigMap;
    use portolan::Error;
    use portolan::cache::{Event, HandlerOptions};
    use portolan::controller::Controller;
    use portolan::informer::{FactoryOptions, Next, SharedInformerFactory};
    use portolan::object::Lazy;
    use portolan_memory::Cluster;
    use serde_json::json;

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
            metadata.target().starts_with("portolan")
        }
        fn new_span(&self, span: &tracing::span::Attributes<'_>) -> tracing::span::Id {
            let mut fields = Fields(span.metadata().name().to_owned());
            span.record(&mut fields);
            self.0.lock().unwrap().push(fields.0);
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
    async fn a_handler_that_panics_is_told_and_ends_the_controller_and_others_go_on() {
        let cluster = Cluster::new(crate::runtime().unwrap());
        let map =
            |name| serde_json::json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}});
        let told = Arc::new(Mutex::new(Vec::new()));
        let log = told.clone();
        let observer = move |_: &ApiResource, notice: &Notice| {
            if let Notice::HandlerPanicked { text } = notice {
                log.lock().unwrap().push(text.clone());
            }
        };
        let options = FactoryOptions { observer: Some(Arc::new(observer)), ..FactoryOptions::default() };
        let factory = SharedInformerFactory::new(&cluster.client(), options);
        let maps = factory.informer::<ConfigMap>();
        let controller = Controller::filtered(&maps, |_| panic!("a bug of the predicate"));
        let run = tokio::spawn(controller.run(1, async |_| Ok::<_, Error>(Next::Forget)));
        let other = maps.events(HandlerOptions::default());
        maps.wait_for_cache_sync().await.unwrap();
        cluster.create(map("a")).unwrap();
        let error = run.await.unwrap().unwrap_err().to_string();
        assert!(error.contains("a bug of the predicate"), "{error}");
        assert!(maps.status().last_error.unwrap().contains("a bug of the predicate"));
        assert_eq!(*told.lock().unwrap(), ["a handler panicked and was removed: a bug of the predicate"]);
        assert_eq!(other.take(1).count().await, 1);
        factory.shutdown();
        factory.wait_for_end().await;
    }

    #[tokio::test]
    async fn an_informer_that_panics_keeps_nobody_waiting_and_says_why() {
        let cluster = Cluster::new(crate::runtime().unwrap());
        let map = serde_json::json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}});
        cluster.create(map).unwrap();
        let factory = SharedInformerFactory::new(&cluster.client(), FactoryOptions::default());
        let maps = factory.informer::<ConfigMap>();
        let transform = |_: Lazy<ConfigMap>| -> Lazy<ConfigMap> { panic!("a bug of the transform") };
        maps.set_transform(transform).unwrap();
        let registration = maps.add_handler(HandlerOptions::default(), |_: Event<_>| {});
        factory.start();
        let errors = [factory.wait_for_cache_sync().await, registration.wait_for_sync().await];
        for error in errors.map(Result::unwrap_err) {
            assert!(error.is_canceled() && error.to_string().contains("by a panic"), "{error}");
        }
        factory.wait_for_end().await;
    }

    #[tokio::test]
    async fn an_informer_is_seen_in_the_log() {
        let log = Log::default();
        let guard = tracing::subscriber::set_default(log.clone());
        let cluster = Cluster::new(crate::runtime().unwrap());
        let options =
            FactoryOptions { observer: Some(Arc::new(TracingObserver)), ..FactoryOptions::default() };
        let factory = SharedInformerFactory::new(&cluster.client(), options);
        factory.informer::<ConfigMap>().start();
        factory.wait_for_cache_sync().await.unwrap();
        factory.shutdown();
        drop(guard);

        let log = log.0.lock().unwrap().join("\n");
        assert!(log.contains("DEBUG message=asked resource=configmaps request=\"watch-list\""), "{log}");
        assert!(log.contains("INFO message=synced resource=configmaps"), "{log}");
        assert!(log.contains("task name=\"informer\""), "{log}");
    }

    #[tokio::test]
    async fn a_reconciliation_is_seen_in_the_log_and_what_it_logs_stands_in_its_span() {
        let log = Log::default();
        let guard = tracing::subscriber::set_default(log.clone());
        let cluster = Cluster::new(crate::runtime().unwrap());
        let object = json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "namespace": "default", "name": "a" } });
        cluster.create(object).unwrap();
        let options =
            FactoryOptions { observer: Some(Arc::new(TracingObserver)), ..FactoryOptions::default() };
        let factory = SharedInformerFactory::new(&cluster.client(), options);
        let controller = Controller::new(&factory.informer::<ConfigMap>());
        let queue = controller.queue().clone();
        let run = controller.run(1, async |key| {
            tracing::info!(target: "portolan::test", %key, "at work");
            queue.shut_down();
            Err::<(), _>("no luck")
        });
        run.await.unwrap();
        factory.shutdown();
        drop(guard);

        let log = log.0.lock().unwrap().join("\n");
        let at = |line: &str| log.lines().position(|told| told.starts_with(line));
        let span = at("task name=\"reconcile\" about=configmaps default/a");
        let (inside, after) = (
            at("INFO message=at work"),
            at("WARN message=reconciliation failed resource=configmaps key=default/a error=\"no luck\""),
        );
        assert!(span.is_some() && span < inside && inside < after, "{log}");
    }
}
