//! The Events a workload tells its life with.

use std::time::Duration;

use portolan::meta::Key;
use serde_json::{Value, json};

use super::Kind;
use crate::store::timestamp;

/// What an Event is about.
#[derive(Debug, Clone)]
pub(crate) struct About {
    pub(crate) kind: &'static Kind,
    pub(crate) namespace: String,
    pub(crate) name: String,
    pub(crate) uid: String,
}

/// An Event and its key. `number` makes its name one of its own.
pub(crate) fn event(
    about: &About,
    component: &str,
    reason: &str,
    message: &str,
    number: u64,
    now: Duration,
) -> (Key, Value) {
    let namespace = if about.namespace.is_empty() { "default" } else { &about.namespace };
    let name = format!("{}.{number:016x}", about.name);
    let kind = match reason {
        "BackOff" | "Failed" | "Unhealthy" | "NodeNotReady" | "OOMKilling" | "FailedScheduling" => "Warning",
        _ => "Normal",
    };
    let at = timestamp(Duration::from_secs(now.as_secs()));
    let object = json!({
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": { "name": name, "namespace": namespace },
        "involvedObject": { "apiVersion": about.kind.api_version(), "kind": about.kind.kind, "namespace": about.namespace, "name": about.name, "uid": about.uid },
        "reason": reason,
        "message": message,
        "type": kind,
        "source": { "component": component },
        "reportingComponent": component,
        "reportingInstance": "",
        "firstTimestamp": at,
        "lastTimestamp": at,
        "count": 1,
    });
    (Key::new(namespace, &name), object)
}
