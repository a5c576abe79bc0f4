//! What informers, workqueues and elections tell, in Prometheus' text format: to be served beside the process's own metrics.
//!
//! The names of metrics of workqueues and elections are those of Kubernetes' own components, so that dashboards made for these fit.
//! Invariant: the lines of one metric stand together, as the format wants.

use std::fmt::Write;
use std::time::Duration;

use portolan::controller::Leadership;
use portolan::informer::{InformerSnapshot, SharedInformerFactory};
use portolan::queue::QueueMetrics;
use portolan::time::{Histogram, Instant};

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

/// The metrics of a factory's informers and their handlers. client-go's informer, FIFO and reflector metrics.
///
/// Gauges and counters `portolan_informer_*` with the labels group, resource, namespace, label_selector, field_selector
/// and form, and those of handlers with `handler`, their number.
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
    let name = "portolan_informer_queue_duration_seconds";
    histogram_head(&mut out, name, "How long changes waited for the store.");
    for informer in informers {
        histogram(&mut out, name, &labels(informer), &informer.queue_latency);
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

/// One metric of workqueues.
type OfQueues = (&'static str, &'static str, &'static str, fn(&QueueMetrics) -> f64);

const OF_QUEUES: [OfQueues; 6] = [
    ("depth", "gauge", "Items that wait for a worker.", |queue| queue.depth as f64),
    ("delayed", "gauge", "Items that wait for their delay to end.", |queue| queue.delayed as f64),
    ("adds_total", "counter", "Additions that were not merged.", |queue| queue.adds as f64),
    ("retries_total", "counter", "Additions with a delay or a rate limit.", |queue| queue.retries as f64),
    (
        "unfinished_work_seconds",
        "gauge",
        "How long workers have been at what they are at, in sum.",
        |queue| queue.unfinished.as_secs_f64(),
    ),
    ("longest_running_processor_seconds", "gauge", "How long the slowest of them has.", |queue| {
        queue.longest_running.as_secs_f64()
    }),
];

/// The metrics of workqueues, each under a name of the caller's. client-go's `workqueue.MetricsProvider`.
///
/// `workqueue_depth`, `workqueue_adds_total`, `workqueue_queue_duration_seconds` and the others of that name, with the
/// label `name`.
///
/// ```
/// # fn example(websites: &portolan::informer::RateLimitingQueue<portolan::meta::Key>) -> String {
/// portolan_native::queue_metrics(&[("websites", websites.metrics())])
/// # }
/// ```
pub fn queue_metrics(queues: &[(&str, QueueMetrics)]) -> String {
    type Durations = fn(&QueueMetrics) -> &Histogram;
    let mut out = String::new();
    let label = |name: &str| format!("name=\"{}\"", escaped(name));
    for (metric, kind, help, value) in OF_QUEUES {
        let metric = format!("workqueue_{metric}");
        let _ = writeln!(out, "# HELP {metric} {help}\n# TYPE {metric} {kind}");
        for (name, queue) in queues {
            let _ = writeln!(out, "{metric}{{{}}} {}", label(name), value(queue));
        }
    }
    let of: [(&str, &str, Durations); 2] = [
        ("workqueue_queue_duration_seconds", "How long items waited for a worker.", |queue| &queue.latency),
        ("workqueue_work_duration_seconds", "How long workers were at them.", |queue| &queue.work_duration),
    ];
    for (metric, help, durations) in of {
        histogram_head(&mut out, metric, help);
        for (name, queue) in queues {
            histogram(&mut out, metric, &label(name), durations(queue));
        }
    }
    out
}

/// Which elections this process has won, each under a name of the caller's, as a rule the Lease's. client-go's
/// `leaderelection.MetricsProvider`.
///
/// `leader_election_master_status` with the label `name`: 1 while it leads, by the clocks, else 0.
///
/// ```
/// # fn example(elector: &portolan::controller::LeaderElector) -> String {
/// portolan_native::election_metrics(&[("website-operator", elector.leadership())])
/// # }
/// ```
pub fn election_metrics(elections: &[(&str, Leadership)]) -> String {
    let metric = "leader_election_master_status";
    let mut out = format!("# HELP {metric} 1 while this process leads.\n# TYPE {metric} gauge\n");
    for (name, leadership) in elections {
        let leads = u8::from(leadership.is_held());
        let _ = writeln!(out, "{metric}{{name=\"{}\"}} {leads}", escaped(name));
    }
    out
}

// Writing to a String cannot fail, here and elsewhere.
fn histogram_head(out: &mut String, metric: &str, help: &str) {
    let _ = writeln!(out, "# HELP {metric} {help}\n# TYPE {metric} histogram");
}

fn histogram(out: &mut String, metric: &str, labels: &str, durations: &Histogram) {
    let mut count = 0;
    for (bound, within) in Histogram::BOUNDS.iter().zip(durations.buckets) {
        count += within;
        let _ = writeln!(out, "{metric}_bucket{{{labels},le=\"{}\"}} {count}", bound.as_secs_f64());
    }
    let _ = writeln!(out, "{metric}_bucket{{{labels},le=\"+Inf\"}} {}", durations.count);
    let _ = writeln!(out, "{metric}_sum{{{labels}}} {}", durations.sum.as_secs_f64());
    let _ = writeln!(out, "{metric}_count{{{labels}}} {}", durations.count);
}

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
    pairs.map(|(name, value)| format!("{name}=\"{}\"", escaped(value))).join(",")
}

fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    use k8s_openapi::api::core::v1::ConfigMap;
    use portolan::cache::{Event, HandlerOptions};
    use portolan::controller::{ElectionOptions, LeaderElector};
    use portolan::informer::FactoryOptions;
    use portolan_memory::Cluster;

    #[tokio::test]
    async fn an_informer_and_its_handler_are_counted() {
        let cluster = Cluster::new(crate::runtime().unwrap());
        let object = serde_json::json!({ "apiVersion": "v1", "kind": "ConfigMap",
            "metadata": { "namespace": "default", "name": "a" } });
        cluster.create(object).unwrap();
        let factory = SharedInformerFactory::new(&cluster.client(), FactoryOptions::default());
        factory.informer::<ConfigMap>().add_handler(HandlerOptions::default(), |_: Event<_>| {});
        factory.start();
        factory.wait_for_cache_sync().await.unwrap();
        let metrics = informer_metrics(&factory);
        factory.shutdown();
        let line = metrics.lines().find(|line| line.starts_with("portolan_informer_objects{")).unwrap();
        assert!(line.contains("resource=\"configmaps\"") && line.ends_with(" 1"), "{line}");
        assert!(metrics.contains("# TYPE portolan_informer_errors_total counter"), "{metrics}");
        assert!(metrics.contains("handler=\"0\""), "{metrics}");
        let count =
            metrics.lines().find(|line| line.starts_with("portolan_informer_queue_duration_seconds_count"));
        assert!(count.is_some_and(|line| !line.ends_with(" 0")), "{metrics}");
    }

    #[tokio::test]
    async fn elections_are_told_by_kubernetes_names() {
        let client = Cluster::new(crate::runtime().unwrap()).client();
        let candidate = |identity: &str| {
            let options = ElectionOptions::new("default", "operator", identity);
            LeaderElector::new(&client, options).unwrap()
        };
        let (mut first, second) = (candidate("first"), candidate("second"));
        let leaderships = [("a", first.leadership()), ("b", second.leadership())];
        let both = || election_metrics(&leaderships);
        let status = |leads: u8| {
            let name = "leader_election_master_status";
            format!(
                "# HELP {name} 1 while this process leads.\n# TYPE {name} gauge\n{name}{{name=\"a\"}} {leads}\n{name}{{name=\"b\"}} 0\n"
            )
        };
        assert_eq!(both(), status(0));
        let told = first.run(|_| async { both() }).await.unwrap();
        assert_eq!(told, status(1));
        assert_eq!(both(), status(0));
    }

    #[test]
    fn queues_are_told_by_kubernetes_names() {
        let mut queue = QueueMetrics { depth: 3, adds: 5, ..QueueMetrics::default() };
        queue.latency.observe(Duration::from_millis(2));
        queue.latency.observe(Duration::from_secs(60));
        let metrics = queue_metrics(&[("a\"b", queue), ("other", QueueMetrics::default())]);
        for line in [
            "# TYPE workqueue_depth gauge",
            r#"workqueue_depth{name="a\"b"} 3"#,
            r#"workqueue_depth{name="other"} 0"#,
            r#"workqueue_adds_total{name="a\"b"} 5"#,
            "# TYPE workqueue_queue_duration_seconds histogram",
            r#"workqueue_queue_duration_seconds_bucket{name="a\"b",le="0.001"} 0"#,
            r#"workqueue_queue_duration_seconds_bucket{name="a\"b",le="0.01"} 1"#,
            r#"workqueue_queue_duration_seconds_bucket{name="a\"b",le="+Inf"} 2"#,
            r#"workqueue_queue_duration_seconds_sum{name="a\"b"} 60.002"#,
            r#"workqueue_queue_duration_seconds_count{name="a\"b"} 2"#,
        ] {
            assert!(metrics.lines().any(|told| told == line), "{line} is missing in {metrics}");
        }
    }
}
