//! What a pod's status comes to in one word, as `kubectl get pods` says it.
//!
//! Follows the rules of kubectl's server-side printer (`printPod` in pkg/printers/internalversion, v1.36), but for one
//! word: a running pod whose containers are not all ready says so.

use portolan::object::Json;

use super::cell::Tone;
use super::manifest::{Manifest, part, text};

/// What the columns of a pod are made of.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Summary {
    /// The word: `Running`, `CrashLoopBackOff`, `Init:1/2`, `Terminating` …
    pub word: String,
    /// What it means.
    pub tone: Tone,
    /// Containers that are ready, sidecars included.
    pub ready: i64,
    /// Containers there should be.
    pub total: i64,
    /// Restarts of all of them.
    pub restarts: i64,
}

struct ContainerStatus {
    ready: bool,
    started: bool,
    restart_count: i64,
    waiting: Option<Ended>,
    running: bool,
    terminated: Option<Ended>,
}

struct Ended {
    reason: String,
    exit_code: i64,
    signal: i64,
}

impl ContainerStatus {
    fn of(status: Json<'_>) -> Self {
        let is = |path| text(status, path) == "true";
        Self {
            ready: is("ready"),
            started: is("started"),
            restart_count: number(status, "restartCount"),
            waiting: part(status, "state.waiting").map(Ended::of),
            running: part(status, "state.running").is_some(),
            terminated: part(status, "state.terminated").map(Ended::of),
        }
    }
}

impl Ended {
    fn of(state: Json<'_>) -> Self {
        Self {
            reason: text(state, "reason").into_owned(),
            exit_code: number(state, "exitCode"),
            signal: number(state, "signal"),
        }
    }
}

fn number(state: Json<'_>, path: &str) -> i64 {
    text(state, path).parse().unwrap_or_default()
}

/// Whether a pod in this phase will not run again.
pub(super) fn has_ended(phase: &str) -> bool {
    matches!(phase, "Succeeded" | "Failed")
}

/// Sums a pod up.
pub(super) fn summary(pod: &Manifest) -> Summary {
    let [statuses, init] = ["status.containerStatuses", "status.initContainerStatuses"]
        .map(|path| pod.elements(path).map(ContainerStatus::of).collect::<Vec<_>>());
    let init_specs = pod.elements("spec.initContainers");
    let restarts: Vec<bool> =
        init_specs.map(|container| text(container, "restartPolicy") == "Always").collect();
    let sidecar = |index: usize| restarts.get(index).is_some_and(|restarts| *restarts);
    let sidecars = restarts.iter().filter(|restarts| **restarts).count();
    let ready_sidecars = init
        .iter()
        .enumerate()
        .filter(|(index, status)| sidecar(*index) && status.started && status.ready)
        .count();

    let mut summary = Summary {
        ready: (statuses.iter().filter(|status| status.ready).count() + ready_sidecars) as i64,
        total: (pod.elements("spec.containers").count() + sidecars) as i64,
        restarts: statuses.iter().chain(&init).map(|status| status.restart_count).sum(),
        ..Summary::default()
    };
    summary.word = word(pod, &statuses, &init, &sidecar, restarts.len());
    summary.tone = tone(&summary);
    if summary.word == "Running" && summary.tone == Tone::Warn {
        // kubectl leaves this to the eye that compares the column beside it.
        summary.word.push_str(", not ready");
    }
    summary
}

fn word(
    pod: &Manifest,
    statuses: &[ContainerStatus],
    init: &[ContainerStatus],
    sidecar: &dyn Fn(usize) -> bool,
    init_total: usize,
) -> String {
    let reason = pod.text("status.reason");
    if !pod.text("metadata.deletionTimestamp").is_empty() {
        return if reason == "NodeLost" { "Unknown".into() } else { "Terminating".into() };
    }
    if let Some(word) = init_word(init, sidecar, init_total) {
        return word;
    }
    let mut word = if reason.is_empty() { pod.text("status.phase") } else { reason }.into_owned();
    let mut running = false;
    for status in statuses.iter().rev() {
        if let Some(waiting) = status.waiting.as_ref().filter(|waiting| !waiting.reason.is_empty()) {
            word.clone_from(&waiting.reason);
        } else if let Some(ended) = &status.terminated {
            word = ended_word(ended);
        } else if status.ready && status.running {
            running = true;
        }
    }
    if word == "Completed" && running {
        word = if statuses.iter().all(|status| status.ready) { "Running" } else { "NotReady" }.to_owned();
    }
    if word.is_empty() { "Unknown".into() } else { word }
}

/// The word while init containers are still at it.
fn init_word(init: &[ContainerStatus], sidecar: &dyn Fn(usize) -> bool, total: usize) -> Option<String> {
    for (index, status) in init.iter().enumerate() {
        match status {
            ContainerStatus { terminated: Some(ended), .. } if ended.exit_code == 0 => continue,
            _ if sidecar(index) && status.started => continue,
            ContainerStatus { terminated: Some(ended), .. } => {
                return Some(format!("Init:{}", ended_word(ended)));
            }
            ContainerStatus { waiting: Some(waiting), .. }
                if !waiting.reason.is_empty() && waiting.reason != "PodInitializing" =>
            {
                return Some(format!("Init:{}", waiting.reason));
            }
            _ => return Some(format!("Init:{index}/{total}")),
        }
    }
    None
}

fn ended_word(ended: &Ended) -> String {
    match (ended.reason.as_str(), ended.signal) {
        ("", 0) => format!("ExitCode:{}", ended.exit_code),
        ("", signal) => format!("Signal:{signal}"),
        (reason, _) => reason.to_owned(),
    }
}

fn tone(summary: &Summary) -> Tone {
    let word = summary.word.strip_prefix("Init:").unwrap_or(&summary.word);
    match word {
        "Running" if summary.ready >= summary.total => Tone::Good,
        "Running" | "NotReady" => Tone::Warn,
        "Succeeded" | "Completed" => Tone::Idle,
        "Pending" | "ContainerCreating" | "PodInitializing" | "Terminating" | "SchedulingGated" => Tone::Busy,
        "Unknown" => Tone::Warn,
        _ if word.contains('/') => Tone::Busy,
        _ => Tone::Bad,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::testing::manifest;
    use serde_json::json;

    fn of(spec: impl serde::Serialize, status: impl serde::Serialize) -> Summary {
        summary(&manifest(json!({"kind": "Pod", "metadata": {"name": "p"}, "spec": spec, "status": status})))
    }

    #[test]
    fn a_running_pod_is_good_only_when_all_its_containers_are_ready() {
        let spec = json!({"containers": [{}, {}]});
        let container = |ready| json!({"ready": ready, "restartCount": 2, "state": {"running": {}}});
        let all = of(
            spec.clone(),
            json!({"phase": "Running", "containerStatuses": [container(true), container(true)]}),
        );
        assert_eq!(
            all,
            Summary { word: "Running".into(), tone: Tone::Good, ready: 2, total: 2, restarts: 4 }
        );
        let half =
            of(spec, json!({"phase": "Running", "containerStatuses": [container(true), container(false)]}));
        assert_eq!((half.ready, half.tone, half.word.as_str()), (1, Tone::Warn, "Running, not ready"));
    }

    #[test]
    fn the_reason_of_a_waiting_or_ended_container_is_the_word() {
        let spec = json!({"containers": [{}]});
        let waiting = json!({"phase": "Running", "containerStatuses": [{"state": {"waiting": {"reason": "CrashLoopBackOff"}}}]});
        assert_eq!(
            (of(spec.clone(), waiting.clone()).word, of(spec.clone(), waiting).tone),
            ("CrashLoopBackOff".into(), Tone::Bad)
        );
        let ended =
            json!({"phase": "Failed", "containerStatuses": [{"state": {"terminated": {"exitCode": 3}}}]});
        assert_eq!(of(spec.clone(), ended).word, "ExitCode:3");
        let done = json!({"phase": "Succeeded", "containerStatuses": [{"state": {"terminated": {"reason": "Completed"}}}]});
        assert_eq!(of(spec, done).tone, Tone::Idle);
    }

    #[test]
    fn init_containers_come_first_and_sidecars_count() {
        let spec = json!({"containers": [{}], "initContainers": [{"restartPolicy": "Always"}, {}]});
        let status = json!({"phase": "Pending", "initContainerStatuses": [
            {"ready": true, "started": true, "state": {"running": {}}},
            {"state": {"waiting": {"reason": "PodInitializing"}}}]});
        let summary = of(spec, status);
        assert_eq!((summary.word.as_str(), summary.tone), ("Init:1/2", Tone::Busy));
        assert_eq!((summary.ready, summary.total), (1, 2));
    }

    #[test]
    fn a_deleted_pod_is_terminating_and_a_bare_one_unknown() {
        let gone = manifest(
            json!({"metadata": {"deletionTimestamp": "2026-01-01T00:00:00Z"}, "status": {"phase": "Running"}}),
        );
        assert_eq!(summary(&gone).word, "Terminating");
        assert_eq!(summary(&manifest(json!({}))).word, "Unknown");
        assert_eq!(summary(&manifest(json!({"status": {"containerStatuses": "hostile"}}))).total, 0);
    }
}
