//! Events are one store with two faces: `v1`, as they are kept, and `events.k8s.io/v1`, which names the same fields
//! otherwise.

use serde_json::Value;

use crate::resources::Resource;
use crate::value::{put, take};

/// The names in `v1` and in `events.k8s.io/v1`. Names not listed are the same.
const NAMES: [(&str, &str); 7] = [
    ("involvedObject", "regarding"),
    ("message", "note"),
    ("reportingComponent", "reportingController"),
    ("source", "deprecatedSource"),
    ("firstTimestamp", "deprecatedFirstTimestamp"),
    ("lastTimestamp", "deprecatedLastTimestamp"),
    ("count", "deprecatedCount"),
];

/// Whether `resource` shows events in the newer form.
pub(crate) fn applies(resource: &Resource) -> bool {
    resource.group == "events.k8s.io"
}

/// From `v1` to `events.k8s.io/v1`.
pub(crate) fn to_newer(event: &mut Value) {
    for (older, newer) in NAMES {
        let value = take(event, older);
        put(event, newer, value);
    }
}

/// From `events.k8s.io/v1` to `v1`.
pub(crate) fn to_older(event: &mut Value) {
    for (older, newer) in NAMES {
        let value = take(event, newer);
        put(event, older, value);
    }
}
