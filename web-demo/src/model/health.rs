//! What an object says of its own health: conditions, phases and counts of replicas, as one word and its tone.

use super::cell::{Cell, Tone};
use super::manifest::{Manifest, text};

/// One condition of `status.conditions`.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Condition {
    /// What it is about.
    pub(super) kind: String,
    /// `True`, `False` or `Unknown`.
    pub(super) status: String,
    /// Why, in one word.
    pub(super) reason: String,
    /// Why, in a sentence.
    pub(super) message: String,
    /// Since when.
    pub(super) last_transition_time: String,
}

/// The conditions an object reports.
pub(super) fn conditions(object: &Manifest) -> Vec<Condition> {
    let read = |condition| {
        let of = |path| text(condition, path).into_owned();
        Condition {
            kind: of("type"),
            status: of("status"),
            reason: of("reason"),
            message: of("message"),
            last_transition_time: of("lastTransitionTime"),
        }
    };
    object.elements("status.conditions").map(read).collect()
}

/// Whether a condition of this type is as it should be when it is `False`.
pub(super) fn is_good_when_false(kind: &str) -> bool {
    kind.ends_with("Pressure")
        || matches!(kind, "NetworkUnavailable" | "ReplicaFailure" | "Failed" | "Stalled")
}

fn find<'a>(conditions: &'a [Condition], kind: &str) -> Option<&'a Condition> {
    conditions.iter().find(|condition| condition.kind == kind)
}

/// A status for kinds nobody planned: the phase, else the Ready or Available or Established condition.
pub(super) fn generic_status(object: &Manifest) -> Cell {
    if !object.text("metadata.deletionTimestamp").is_empty() {
        return Cell::status("Terminating", Tone::Busy);
    }
    let phase = object.text("status.phase");
    if !phase.is_empty() {
        let tone = match &*phase {
            "Active" | "Bound" | "Available" | "Ready" | "Running" => Tone::Good,
            "Pending" | "Terminating" | "Released" => Tone::Busy,
            "Failed" | "Lost" | "Error" => Tone::Bad,
            _ => Tone::Idle,
        };
        return Cell::status(phase, tone);
    }
    let conditions = conditions(object);
    let Some(found) =
        ["Ready", "Available", "Established", "Complete"].iter().find_map(|kind| find(&conditions, kind))
    else {
        return Cell::text("");
    };
    match found.status.as_str() {
        "True" => Cell::status(found.kind.as_str(), Tone::Good),
        _ => Cell::status(format!("Not {}", found.kind.to_ascii_lowercase()), Tone::Warn),
    }
}

pub(super) fn replicas(desired: i64, ready: i64) -> Cell {
    match (desired, ready) {
        (0, _) => Cell::status("Scaled to 0", Tone::Idle),
        (desired, ready) if ready >= desired => Cell::status("Ready", Tone::Good),
        (_, 0) => Cell::status("Not ready", Tone::Warn),
        _ => Cell::status("Partly ready", Tone::Busy),
    }
}

pub(super) fn rollout(object: &Manifest, desired: i64, ready: i64) -> Cell {
    let conditions = conditions(object);
    let failed = |kind, status| find(&conditions, kind).is_some_and(|condition| condition.status == status);
    if failed("Progressing", "False") || failed("ReplicaFailure", "True") {
        return Cell::status("Stuck", Tone::Bad);
    }
    if desired > 0 && ready >= desired && failed("Available", "False") {
        return Cell::status("Unavailable", Tone::Warn);
    }
    match (desired, ready) {
        (0, _) => Cell::status("Scaled to 0", Tone::Idle),
        (desired, ready) if ready >= desired => Cell::status("Available", Tone::Good),
        _ if failed("Available", "False") => Cell::status("Unavailable", Tone::Warn),
        _ => Cell::status("Rolling out", Tone::Busy),
    }
}

/// Whether a node takes no more pods.
pub(super) fn is_cordoned(node: &Manifest) -> bool {
    node.read("spec.unschedulable").unwrap_or(false)
}

pub(super) fn node_status(object: &Manifest) -> Cell {
    let conditions = conditions(object);
    let ready = find(&conditions, "Ready").is_some_and(|condition| condition.status == "True");
    let pressed = ["MemoryPressure", "DiskPressure", "PIDPressure", "NetworkUnavailable"]
        .into_iter()
        .find(|kind| find(&conditions, kind).is_some_and(|condition| condition.status == "True"));
    match (ready, pressed, is_cordoned(object)) {
        (false, ..) => Cell::status("NotReady", Tone::Bad),
        (true, Some(pressed), _) => Cell::status(pressed, Tone::Warn),
        (true, None, true) => Cell::status("SchedulingDisabled", Tone::Idle),
        (true, None, false) => Cell::status("Ready", Tone::Good),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::testing::manifest;
    use serde_json::json;

    #[test]
    fn what_is_null_in_a_condition_hides_nothing_else() {
        let node = manifest(json!({"metadata": {"name": "a"}, "status": {"conditions": [
            null, {"type": "Ready", "status": "True", "reason": null, "lastTransitionTime": null},
        ]}}));
        assert_eq!(node_status(&node), Cell::status("Ready", Tone::Good));
        assert_eq!(conditions(&node).len(), 1);
    }
}
